"""What a feed may serve: asked of the register again whenever something in it changed."""

from __future__ import annotations

import importlib
import json
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any, cast

import msgspec

from threelines.exports.codes import CAPABILITY
from threelines.exports.sharing import Handover, Tlp, Version, coded, holding
from threelines.people import served
from threelines.people.approval import ApprovalError, Terms, content_digest, digest_of, require_approved
from threelines.people.register import Register
from threelines.records import Incident
from threelines.web.feed import Feed

_TWO = ("prepared", "approved")
"""Only what two people agreed to gets here; who they are does not leave."""


class Source:
    """What the register allows to be served, judged again whenever a case, an approval or the day changed."""

    def __init__(self, register: Register, terms: Terms) -> None:
        self._register, self._terms = register, terms
        self._turn = Lock()
        self._mark: object = None
        self._feed = Feed()

    def read(self) -> Feed:
        """Return what is served now."""
        with self._turn:
            # before what it stands for: a change between the two is then judged at the next call
            mark = served.mark(self._register)
            while mark != self._mark:
                try:
                    self._feed, self._mark = self._made(), mark
                except served.ServedMeanwhile:  # judged again, over what the other process kept
                    mark = served.mark(self._register)
            return self._feed

    def _made(self) -> Feed:
        with tempfile.TemporaryDirectory(prefix="threelines-feed-") as name:
            folder = Path(name)
            bundle = self._written("stix", folder / "bundle.json")
            misp = self._written("misp", folder / "misp")
            objects = json.loads(bundle.read_text(encoding="utf-8"))["objects"] if bundle else None
            files = {path.name: path.read_bytes() for path in sorted(misp.iterdir())} if misp else None
        feed = served.feed_of("stix", self._terms.organisation)
        return Feed(objects, files, changed=served.read(self._register, feed).changed)

    def _written(self, name: str, target: Path) -> Path | None:
        """Write an export with what may be served and what is taken back; None where there is neither."""
        module = importlib.import_module(f"threelines.exports.{name}")
        found = dict(self._register.incidents_by_case(module.PURPOSE))
        kept = {case: row for case, row in found.items() if list(holding([row], module.NEEDS))}
        offers = {case: _offer(module, row, self._terms) for case, row in kept.items()}
        feed = served.feed_of(name, self._terms.organisation)
        before = served.read(self._register, feed)
        standing = served.consented(self._register, before, module.PURPOSE)
        digest = content_digest(name, kept.values(), self._terms)
        now = served.without(before, before.live.keys() - standing)
        if kept and self._is_approved(digest):
            # they agreed to what is there now: of the cases in reach, what has nothing to say any more goes
            now = served.approved(served.without(now, found.keys() - kept.keys()), offers, digest)
        now = served.written_as(now, before, _form(module, target.parent / "form" / target.name))
        if now != before:
            served.keep(self._register, feed, now, before=before)
        agreed = {digest for digest in {case.approved for case in now.live.values()} if self._is_approved(digest)}
        rows = [
            msgspec.structs.replace(kept[case], id=entry.name)
            for case, entry in now.live.items()
            if case in kept and offers[case].facts == entry.facts and entry.approved in agreed
        ]
        if not rows and not now.gone:
            return None
        written: Path = module.write(rows, target, self._handover(now))
        return written

    def _is_approved(self, digest: str) -> bool:
        try:
            require_approved(self._register, "export", digest)
        except ApprovalError:
            return False
        return True

    def _handover(self, now: served.Served) -> Handover:
        versions = {
            entry.name: Version(changed=entry.changed, parts=entry.parts, dropped=entry.dropped)
            for entry in now.live.values()
        }
        for name, entry in now.gone.items():
            versions[name] = Version(changed=entry.changed, parts=entry.parts, is_withdrawn=True)
        return Handover(
            organisation=self._terms.organisation, recipient=self._terms.recipient, legal_basis=self._terms.basis,
            tlp=cast("Tlp", self._terms.tlp), approvals=_TWO, made=now.changed, versions=versions,
        )  # fmt: skip


def _offer(module: Any, row: Incident, terms: Terms) -> served.Offer:
    """Return what a format would write of a case; facts that it leaves out make no other version."""
    [(name, fields)] = coded([row], module.FIELDS)
    return served.Offer(
        name, digest_of(msgspec.json.encode((terms, fields), order="sorted")), tuple(module.parts(fields))
    )


def _form(module: Any, target: Path) -> str:
    """Return a digest of how a format writes: of an invented case with every answer, so that no real one changes it."""
    target.parent.mkdir(exist_ok=True)
    answers = {**dict.fromkeys(module.FIELDS, "suspected"), "ai_Capability": list(CAPABILITY)}
    written: Path = module.write([Incident(id="i-form", fields=answers)], target, Handover(approvals=_TWO))
    paths = sorted(written.iterdir()) if written.is_dir() else [written]
    return digest_of(b"".join(path.read_bytes() for path in paths))
