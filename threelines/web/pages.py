"""Turn data into pages: one Jinja environment, escaping always on, menus by role."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from fastapi import Request
from starlette.responses import HTMLResponse

from threelines.records import Record, Signal
from threelines.roles import scope_of
from threelines.store.keyring import Keyring
from threelines.web.accounts import Person
from threelines.web.desk import desk
from threelines.web.security import form_token

FOLDER = Path(str(files("threelines") / "web"))

MENU = (
    ("/review", "Review", ("finding.list",)),
    ("/review/referred", "Referred", ("finding.follow",)),
    ("/register", "Register", ("case.list",)),
    ("/release", "Sharing", ("release.prepare", "release.approve", "referral.prepare", "referral.approve")),
    ("/dashboard", "Dashboard", ("monitor.read", "statistics.read")),
    ("/audit", "Audit", ("audit.read",)),
    ("/access", "Access", ("user.approve",)),
    ("/admin", "Accounts", ("user.manage",)),
)
"""Address, label and the permissions of which one is enough."""

TIER_WORDS = {"urgent": "Urgent", "priority": "Priority", "look": "Look", "none": "Help first"}
KIND_WORDS = {
    "advert": "Advert", "conversation": "Conversation", "account": "Account", "script": "Same text by several",
    "network": "Accounts tied together", "session": "Session with an AI model",
}  # fmt: skip


@cache
def environment() -> jinja2.Environment:
    """Return the one environment; templates are read once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, auto_reload=False,
    )  # fmt: skip
    made.globals |= {"tier_words": TIER_WORDS, "kind_words": KIND_WORDS}
    made.filters |= {"when": when, "percent": percent, "moment": moment}
    return made


def page(
    request: Request, name: str, *, person: Person | None = None, status: int = 200, **context: Any
) -> HTMLResponse:
    """Render a template for whoever is signed in (or nobody)."""
    here = desk(request)
    html = environment().get_template(name).render(
        person=person,
        token=form_token(person.session) if person else "",
        menu=menu_of(person) if person else (),
        current=current_of(request.url.path),
        demo=here.options.demo,
        device=device_tag(here.keyring, person) if person else "",
        **context,
    )  # fmt: skip
    return HTMLResponse(html, status_code=status)


def device_tag(keyring: Keyring, person: Person) -> str:
    """Return the tag under which a browser keeps this account's drafts: no name, and of no use elsewhere."""
    return keyring.tag(person.id.encode(), b"web:device").hex()[:16]


@cache
def _menu(role: str) -> tuple[tuple[str, str], ...]:
    return tuple((address, label) for address, label, needs in MENU if any(scope_of(role, need) for need in needs))


def address_of(request: Request) -> str:
    """Return where people reach the console, ending in `/`: as the organisation said, else as this request came."""
    named = desk(request).options.public_address
    return named.rstrip("/") + "/" if named else str(request.base_url)


def menu_of(person: Person) -> tuple[tuple[str, str], ...]:
    """Return the menu entries that this person can use."""
    return _menu(person.role)


def current_of(path: str) -> str:
    """Return the address in the menu under which a page stands: the longest that fits; empty for none."""
    return max((address for address, _, _ in MENU if f"{path}/".startswith(f"{address}/")), key=len, default="")


def when(value: str | datetime | None) -> str:
    """Show a time shortly, in UTC, without seconds."""
    if not value:
        return "time not known"
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{time:%d %b %Y, %H:%M}"


def moment(seconds: float) -> str:
    """Show seconds since 1970 like `when` does."""
    return when(datetime.fromtimestamp(seconds, UTC))


def percent(value: float) -> str:
    """Show a share in whole percent."""
    return f"{round(100 * value)}%"


class Piece(NamedTuple):
    """A run of a record's text that carries the same marks."""

    text: str
    marks: tuple[int, ...]
    """Numbers of the signs that this run shows; empty for the words around."""


def pieces(record: Record, signals: Iterable[Signal], numbers: dict[str, int]) -> list[Piece]:
    """Cut a record's text at the spans of the signals that it shows; overlapping spans carry several marks.

    Nothing is inserted: the pieces joined are the text. Escaping is the template's, always on.
    """
    spans = [(s.start, s.end, numbers[s.indicator]) for s in signals if s.end > s.start]
    edges = sorted({0, len(record.text), *(edge for start, end, _ in spans for edge in (start, end))})
    edges = [edge for edge in edges if edge <= len(record.text)]
    cut = []
    for first, last in zip(edges, edges[1:], strict=False):
        marks = tuple(sorted({number for start, end, number in spans if start <= first and last <= end}))
        cut.append(Piece(record.text[first:last], marks))
    return cut
