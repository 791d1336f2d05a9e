"""Names, contacts, places and free text: apart from the case, under a key of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import phonenumbers
import sqlalchemy as sa

from threelines.people.tables import CASES, IDENTITY, MATCHES, VAULT
from threelines.people.typed import document, e164, name_forms, numbers
from threelines.store.database import Store
from threelines.store.keyring import Keyring, keyed

_PHONES = ("prs_MobilePhone", "prs_HomePhone")
"""Of the person: the telephone of an organisation is that of many."""
_DOCUMENT = "prs_IdentityNumber"
_APART, _FORMER = "apart", "former"
"""Kept with the identity, so that new keys do not lose them; no fields of a form. `former` are the ids of a submission's
versions other than the last: a file with one of them is known."""


def beside(*, is_apart: bool = False, former: Iterable[str] = ()) -> dict[str, Any]:
    """Return what is kept with an identity: a worker's word that the person is of nobody before, ids of earlier versions."""
    ids = sorted(former)
    return {**({_APART: True} if is_apart else {}), **({_FORMER: ids} if ids else {})}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """By what the person of a case is known again: keyed tags, which are equal where the identifier is."""

    tags: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    """Those of the tags that are of a document."""
    is_apart: bool = False
    """Whether a worker said that the person is another than those known before, in spite of equal tags."""


class Vault:
    """The identities of one register. It never lists names: one case is opened at a time.

    No history is kept: a corrected name replaces the wrong one (data minimisation).
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def read(self, connection: sa.Connection, case_id: str) -> dict[str, Any]:
        """Return the identity fields of one case; empty when there are none or they were destroyed."""
        found = self._opened(connection, case_id)
        return {name: value for name, value in found.items() if name not in (_APART, _FORMER)}

    def former(self, connection: sa.Connection, case_id: str) -> tuple[str, ...]:
        """Return the ids that versions of the case's submission had before the last one."""
        return tuple(self._opened(connection, case_id).get(_FORMER, ()))

    def _opened(self, connection: sa.Connection, case_id: str) -> dict[str, Any]:
        sealed = connection.execute(sa.select(VAULT.c.sealed).where(VAULT.c.case_id == case_id)).scalar()
        return {} if sealed is None else msgspec.msgpack.decode(IDENTITY.open(self._keyring, sealed, case_id))

    def put(self, connection: sa.Connection, identities: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the identities of new cases, by case id, each with what `beside` gives."""
        rows = [
            {"case_id": case_id, "sealed": IDENTITY.seal(self._keyring, msgspec.msgpack.encode(fields), case_id)}
            for case_id, fields in identities.items()
            if fields
        ]
        tags = [row for case_id, fields in identities.items() for row in self.rows(case_id, fields)]
        if rows:
            connection.execute(VAULT.insert(), rows)
        if tags:
            connection.execute(MATCHES.insert(), tags)

    def replace(self, connection: sa.Connection, case_id: str, fields: Mapping[str, Any]) -> None:
        """Put new identity fields in place of the old ones; what `beside` gave stays where it is not given anew."""
        opened = self._opened(connection, case_id)  # and not by the tag, which may be of an older key
        kept = {name: opened[name] for name in (_APART, _FORMER) if name in opened}
        self.destroy(connection, [case_id])
        self.put(connection, {case_id: {**kept, **fields}})

    def destroy(self, connection: sa.Connection, case_ids: Iterable[str]) -> int:
        """Delete the identities of some cases; return how many there were."""
        gone = 0
        for case_id in case_ids:
            gone += connection.execute(VAULT.delete().where(VAULT.c.case_id == case_id)).rowcount
            connection.execute(MATCHES.delete().where(MATCHES.c.case_id == case_id))
        return gone

    def find(self, connection: sa.Connection, fields: Mapping[str, Any]) -> list[str]:
        """Return the ids of cases that share a phone, an e-mail, a document or a name with birth date.

        Each match key that there is counts: while keys are changed, cases are tagged with the old one or the new one.
        """
        tags = {tag for key in self._keyring.every("match") for tag in _tags(key, fields)}
        wanted = sa.select(MATCHES.c.case_id).where(MATCHES.c.tag.in_(sorted(tags)))
        return sorted(set(connection.execute(wanted).scalars()))

    def known(self, store: Store) -> dict[str, Known]:
        """Return by what every case that names somebody is known, in the order in which they arrived."""
        found: dict[str, set[str]] = {}
        wanted = sa.select(MATCHES.c.case_id, MATCHES.c.tag).join(CASES, CASES.c.id == MATCHES.c.case_id)
        with store.read() as connection:
            for case_id, tag in connection.execute(wanted.order_by(CASES.c.place)):
                found.setdefault(case_id, set()).add(tag)
        return {case_id: self._known(case_id, tags) for case_id, tags in found.items()}

    def _known(self, case_id: str, tags: set[str]) -> Known:
        documents = {tag for tag in tags if self._marked(case_id, tag) in tags}
        marks = {self._marked(case_id, tag) for tag in documents} | {self._apart(case_id)}
        return Known(
            tags=frozenset(tags - marks), documents=frozenset(documents), is_apart=self._apart(case_id) in tags
        )

    def rows(self, case_id: str, fields: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return what is kept of a case to know its person again: the tags, and what says which of them are of a
        document and that a worker held it apart. Without the key all are alike; those are in no other case.
        """
        documents = {name: value for name, value in fields.items() if name == _DOCUMENT}
        marks = {self._marked(case_id, tag) for tag in self.tags(documents)}
        marks |= {self._apart(case_id)} if fields.get(_APART) else set()
        return [{"tag": tag, "case_id": case_id} for tag in sorted(self.tags(fields) | marks)]

    def migrate(self, store: Store) -> None:
        """Make the tags of a register anew, once, where an earlier version made them otherwise; call it at opening.

        Without the key of identities (an analyst's key file) they stay: the first who opens the register with it does it.
        """
        if self._keyring.has("identity"):
            # 0001: a document was known by its Latin letters and its digits alone
            store.migrate("vault", (("0001_documents", self.remake),))

    def remake(self, connection: sa.Connection) -> None:
        """Make the tags of every case anew, by the newest key."""
        connection.execute(MATCHES.delete())
        rows = connection.execute(sa.select(VAULT.c.case_id, VAULT.c.sealed)).all()
        opened = ((case_id, IDENTITY.open(self._keyring, sealed, case_id)) for case_id, sealed in rows)
        tags = [row for case_id, plain in opened for row in self.rows(case_id, msgspec.msgpack.decode(plain))]
        if tags:
            connection.execute(MATCHES.insert(), tags)

    def _marked(self, case_id: str, tag: str) -> str:
        return self._keyring.tag(f"{case_id}|{tag}".encode(), b"is_document").hex()[:32]

    def _apart(self, case_id: str) -> str:
        return self._keyring.tag(case_id.encode(), b"apart").hex()[:32]

    def tags(self, fields: Mapping[str, Any]) -> set[str]:
        """Return keyed HMACs (128 bits) of what identifies a person alone.

        Only with the organisation's match key can a guess be tried; whoever holds the raw file sees
        no more than that two cases share something.
        """
        return _tags(self._keyring.key("match"), fields)


def _tags(key: bytes, fields: Mapping[str, Any]) -> set[str]:
    return {keyed(key, value.encode(), kind.encode()).hex()[:32] for kind, value in _comparable(fields)}


def _comparable(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _PHONES:
        for number in numbers(str(fields.get(name, ""))):
            if known := _phone(number, str(fields.get("prs_MailingCountry", ""))):
                yield "phone", known
    email = str(fields.get("prs_Email", "")).strip().casefold()
    if "@" in email:
        yield "email", email
    if number := document(str(fields.get(_DOCUMENT, ""))):
        yield "document", number
    for submission in (fields.get("tl_SubmissionId"), *fields.get(_FORMER, ())):
        if submission:
            yield "submission", str(submission)
    first, middle, second = (str(fields.get(f"prs_{part}Name", "")) for part in ("First", "Middle", "Second"))
    if fields.get("prs_Birthdate"):
        # with the middle name and without: many write it with the first, or not at all
        for form in sorted(name_forms(first, second) | name_forms(first, middle, second)):
            yield "name_birthdate", f"{form}|{fields['prs_Birthdate']}"


def _phone(number: str, country: str) -> str:
    try:
        return e164(number, country)
    except phonenumbers.NumberParseException:
        return number if len(number) >= 7 else ""
