"""To whom a case went, or was to go: who must be told when a consent ends or a case is erased (GDPR, Article 19)."""

from __future__ import annotations

from collections.abc import Collection

from threelines.people import approval
from threelines.people.register import Register

_LEFT = ("prepared", "approved", "sent", "answered", "altered")
"""States after which a file may be with somebody: a draft is written when it is prepared."""


def recipients(register: Register, case_id: str, purposes: Collection[str] | None = None) -> list[str]:
    """Return in words each paper in which a case is written, oldest first: format, recipient, day, what became of it.

    Only those of these purposes, or all of them; refused ones are left out. Requests outlive the case, so it may be
    erased already. The caller has asked whether the user may change the case's consent or erase it. A release of
    statistics holds no case.
    """
    wanted = None if purposes is None else {_papers_of(purpose) for purpose in purposes}
    found = [request for request in approval.about(register, case_id) if request.state in _LEFT]
    return [_words(request) for request in found if wanted is None or _purpose(request) in wanted]


def _papers_of(purpose: str) -> str:
    """Return the purpose of the papers that a consent lets something stand in."""
    return "share_with_police" if purpose == "own_acts_to_police" else purpose


def _purpose(request: approval.Approval) -> str:
    return str(request.details.get("purpose", "share_with_police"))


def _words(request: approval.Approval) -> str:
    about = request.details
    became = {"prepared": "not approved", "altered": "changed by hand since"}.get(request.state, request.state)
    return (
        f"{about.get('format', 'referral')} for {about.get('recipient') or 'no named recipient'}, "
        f"prepared on {request.made[:10]}, {became}"
    )
