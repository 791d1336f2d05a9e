"""By what a row of a file is known again, which answers say whose it is, and which cases are of one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from threelines.people.definition import Form
from threelines.people.entry import Entry
from threelines.people.vault import Known


def marked(form: Form, entry: Entry, seen: Counter[str]) -> Entry:
    """Return a clean entry that had no submission id with one made of all that it says.

    `seen` counts equal rows of a file: two people can give the same answers, so the second has a mark of its own. The
    mark is sealed in the vault and found by its keyed tag, as the id of a form server is.
    """
    fields = form.clean(entry.fields)
    consent = {purpose: given if isinstance(given, str) else dict(given) for purpose, given in entry.consent.items()}
    said = msgspec.json.encode((fields, consent, entry.provenance.get("recorded", "")), order="sorted")
    digest = sha256(said).hexdigest()[:32]
    seen[digest] += 1
    place = f":{seen[digest]}" if seen[digest] > 1 else ""
    return entry._replace(fields={**fields, "tl_SubmissionId": f"row:{digest}{place}"})


def as_person(entry: Entry) -> dict[str, Any]:
    """Return the answers of an entry that are about the person: an id of its submission says nothing of whose it is."""
    return {name: value for name, value in entry.fields.items() if name.startswith("prs_")}


def first_cases(known: Mapping[str, Known]) -> dict[str, str]:
    """Return for each case the first one of its person; `known` has them in the order in which they arrived.

    Cases are of one person where they share a tag, also by way of a third. Two documents without one in common are two
    people, and so are a case and those before it that share a tag where a worker held it apart.
    """
    groups = _Groups()
    holders: dict[str, list[str]] = {}
    for case, one in known.items():
        near = groups.in_order(groups.first(other) for tag in one.tags for other in holders.get(tag, ()))
        groups.add(case, one, apart=near if one.is_apart else ())
        for other in near:
            groups.join(other, case)
        for tag in one.tags:
            holders[tag] = list(dict.fromkeys(map(groups.first, [*holders.get(tag, ()), case])))
    return {case: groups.first(case) for case in known}


class _Groups:
    """Cases by person, each named by its first; some are never joined."""

    def __init__(self) -> None:
        self._up: dict[str, str] = {}
        self._place: dict[str, int] = {}
        self._documents: dict[str, frozenset[str]] = {}
        self._apart: dict[str, set[str]] = {}

    def first(self, case: str) -> str:
        """Return the first case of a case's person."""
        while self._up[case] != case:
            self._up[case] = case = self._up[self._up[case]]
        return case

    def in_order(self, cases: Iterable[str]) -> list[str]:
        """Return cases once each, in the order in which they arrived."""
        return sorted(set(cases), key=self._place.__getitem__)

    def add(self, case: str, known: Known, *, apart: Iterable[str]) -> None:
        """Take in a case as a person of its own, never to be joined with those `apart`."""
        self._up[case], self._place[case] = case, len(self._place)
        self._documents[case], self._apart[case] = known.documents, set(apart)
        for other in apart:
            self._apart[other].add(case)

    def join(self, one: str, other: str) -> None:
        """Take two cases for one person's, where nothing tells them apart."""
        pair = self.in_order((self.first(one), self.first(other)))
        if len(pair) < 2:
            return
        one, other = pair
        papers, others = self._documents[one], self._documents[other]
        is_apart = not {one, other}.isdisjoint(map(self.first, self._apart[one] | self._apart[other]))
        if is_apart or (papers and others and papers.isdisjoint(others)):
            return
        self._up[other] = one
        self._documents[one] = papers | others
        self._apart[one] |= self._apart[other]
