"""The register of cases: add, read, change, find; every read and write under a role and in the audit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people import gone, settings
from threelines.people.case import (
    LEAVING_PROVENANCE,
    STATUSES,
    Case,
    Content,
    Row,
    add_months,
    holds,
    leaving,
    merged,
    new_consent,
    new_id,
    new_provenance,
    permission_to_leave,
    quarter_of,
    some_answers,
    told_before,
    vault_changes,
    with_derived,
    without_derived,
)
from threelines.people.definition import Form, FormError, Problem, load_form
from threelines.people.entry import Entry
from threelines.people.export_id import KEPT, export_id
from threelines.people.scope import INDEX, in_scope, taken
from threelines.people.tables import (
    CASES,
    CONTENT,
    MIGRATIONS,
    PART,
    PART_IDENTITY,
    PARTS,
    REVISION,
    REVISIONS,
    SEALED,
    move_destruction,
)
from threelines.people.vault import Vault, beside
from threelines.records import Incident, ThreelinesError
from threelines.roles import RoleError, User, require
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.store.keyring import Keyring
from threelines.store.owner import claim
from threelines.store.sealed import declare

RETENTION_MONTHS = 24
"""Months after closing until the identity is destroyed (our proposal; each organisation sets its own)."""
_decode = msgspec.msgpack.Decoder(Content).decode
_encode = msgspec.msgpack.encode


class RegisterError(ThreelinesError):
    """The register cannot do this; the text names the case id and the remedy, never content."""


class ChangedMeanwhile(RegisterError):
    """Somebody else changed the case since it was read."""


def _changed(case_id: str) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{case_id}: somebody changed it meanwhile; read it again, then change it")


class Register:
    """Cases of one organisation, seen by one user.

    with Register.open("cases.db", keyring, user) as register:
        case_id = register.add({"ai_Asked": "yes", "prs_FirstName": "…"}, consent={"statistics": "yes"})
        case = register.get(case_id)            # coded fields only
        names = register.identity(case_id)      # the vault: its own permission, its own audit entry
    """

    def __init__(self, store: Store, keyring: Keyring, user: User, *, today: date | None = None) -> None:
        self.store = store
        self.keyring = keyring
        self.user = user
        self.form: Form = load_form()
        self.audit = Audit(store, keyring)
        self.vault = Vault(keyring)
        self._today = today

    @classmethod
    def open(cls, address: str | Path, keyring: Keyring, user: User, *, today: date | None = None) -> Register:
        """Open the register at an address, making its tables where they are missing; only with its own keys."""
        store = Store.open(address)
        claim(store, keyring)
        store.migrate("register", MIGRATIONS)
        declare(store, SEALED)
        Vault(keyring).migrate(store)
        return cls(store, keyring, user, today=today)

    def as_user(self, user: User) -> Register:
        """Return the same register as another user sees it."""
        return Register(self.store, self.keyring, user, today=self._today)

    def __enter__(self) -> Register:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    @property
    def today(self) -> date:
        """The day by which consent and retention are judged."""
        return self._today or datetime.now(UTC).date()

    # ------------------------------------------------------------------ writing

    def add(
        self,
        fields: Mapping[str, Any],
        *,
        consent: Mapping[str, str | Mapping[str, str]] | None = None,
        provenance: Mapping[str, str] | None = None,
    ) -> str:
        """Keep one case and return its random id. Consent that is not given is no."""
        return self.add_many([Entry(fields, consent or {}, provenance or {})])[0]

    def add_many(self, entries: Iterable[Entry], *, reason: str = "case work", batch: int = 500) -> Sequence[str]:
        """Keep many cases, `batch` to a transaction; a fault in one raises before its batch is kept."""
        require(self.user, "case.import" if reason == "import" else "case.add")
        ids: list[str] = []
        waiting = iter(entries)
        while some := list(islice(waiting, batch)):
            with self.store.write() as connection:
                ids += self.add_in(connection, some, reason)
        return ids

    def add_in(self, connection: sa.Connection, entries: Sequence[Entry], reason: str) -> Sequence[str]:
        """Keep some cases in the caller's transaction, who has asked whether the user may."""
        prepared = [(entry.id or new_id("c"), *self.prepared(entry)) for entry in entries]
        self.store.lock(connection)
        place = connection.execute(sa.select(sa.func.max(CASES.c.place))).scalar() or 0
        rows = [
            self._new_row(case_id, content, place + number)
            for number, (case_id, content, _) in enumerate(prepared, start=1)
        ]
        connection.execute(CASES.insert(), rows)
        kept = (beside(is_apart=entry.is_apart, former=entry.former) for entry in entries)
        self.vault.put(connection, {one[0]: {**one[2], **more} for one, more in zip(prepared, kept, strict=True)})
        record = prepared[0][0] if len(prepared) == 1 else f"{len(prepared)}_cases"
        self.audit.note(connection, self.user, "case.add", record=record, reason=reason)
        return [case_id for case_id, _, _ in prepared]

    def problems(self, entry: Entry) -> tuple[Problem, ...]:
        """Return what stands against keeping an entry; empty when nothing does."""
        try:
            self.prepared(entry)
        except FormError as fault:
            return fault.problems
        return ()

    def prepared(self, entry: Entry) -> tuple[Content, dict[str, Any]]:
        """Return an entry as it is kept, content and identity apart; raise FormError for what stands against it."""
        fields = self.form.clean(entry.fields)
        self._refuse_unlisted_community(fields)
        coded, named = self.form.parted(fields)
        consent = new_consent(self.form, entry.consent, self.today)
        provenance = {"form": self.form.version, "worker_role": self.user.role, "recorded": self.today.isoformat()}
        content = Content(
            fields=with_derived(coded),
            consent=consent,
            provenance=new_provenance({**provenance, **entry.provenance}, self.today),
        )
        return content, named

    def _new_row(self, case_id: str, content: Content, place: int) -> dict[str, Any]:
        return {
            "id": case_id, "place": place, "quarter": quarter_of(date.fromisoformat(content.provenance["recorded"])), "owner": self.user.id,
            "team": self.user.team, "revision": 1, "is_held": False, **self.sealed_content(case_id, content, ""),
            **self._clock(content),
        }  # fmt: skip

    def sealed_content(self, case_id: str, content: Content, before: str) -> dict[str, Any]:
        """Return the sealed columns of a row: the content, and the chain over the revision before."""
        plain = _encode(content)
        return {"sealed": CONTENT.seal(self.keyring, plain, case_id), "chain": self._chain(case_id, before, plain)}

    def _chain(self, case_id: str, before: str, plain: bytes) -> str:
        return self.keyring.tag(before.encode() + plain, b"case:" + case_id.encode(), purpose="audit").hex()

    def _clock(self, content: Content) -> dict[str, Any]:
        month = self.today.isoformat()[:7]
        status = STATUSES[content.fields.get("cas_Status", "Active")]
        after = add_months(month, self.retention_months) if status == "closed" else None
        return {"status": status, "changed": month, "destroy_after": after}

    def update(self, case_id: str, fields: Mapping[str, Any], *, revision: int | None = None) -> int:
        """Change some answers (None removes one) and return the new revision number.

        With `revision` the change is refused (ChangedMeanwhile) when somebody else changed the case since. The vault
        keeps no history: what is removed or replaced there is gone, so a held case may only gain such answers.
        """
        with self.case_transaction(case_id, "case.update") as (connection, row):
            content = self._content(connection, case_id)
            if revision is not None and revision != row.revision:
                raise _changed(case_id)
            identity = self.vault.read(connection, case_id)
            known = {**without_derived(content.fields), **identity}
            clean = self.form.clean(merged(known, fields), before=known)
            self._refuse_unlisted_community(clean)
            coded, named = self.form.parted(clean)
            changes = vault_changes(identity, named)
            lost = [name for name in changes if name in identity]
            if lost and row.is_held:
                raise RegisterError(f"{case_id}: under legal hold, and the vault keeps no history; lift the hold first")
            if changes:
                self.vault.replace(connection, case_id, named)
                self.audit.note(
                    connection, self.user, "identity.change" if set(lost) <= set(named) else "identity.remove",
                    record=case_id, reason="case work",
                )  # fmt: skip
            content = msgspec.structs.replace(content, fields=with_derived(coded), vault=changes)
            number = self.revise(connection, row, content, "case.update")
        if lost:
            self.store.flush()
        return number

    def consent(self, case_id: str, purpose: str, value: str, **details: str) -> int:
        """Record consent for one purpose: yes, no or withdrawn; giver, language, method, expires.

        Giver, language and method stay as they were told before where they are not given; "" takes one back.
        """
        with self.case_transaction(case_id, "consent.record") as (connection, row):
            content = self._content(connection, case_id)
            told = {"value": value, **told_before(content.consent.get(purpose)), **details}
            given = new_consent(self.form, {purpose: told}, self.today)
            content = msgspec.structs.replace(content, consent={**content.consent, **given}, vault={})
            return self.revise(connection, row, content, "consent.record", reason="consent")

    def withdraw(self, case_id: str) -> int:
        """Withdraw every consent of a case at once."""
        with self.case_transaction(case_id, "consent.record") as (connection, row):
            content = self._content(connection, case_id)
            told = {name: {"value": "withdrawn", **told_before(old)} for name, old in content.consent.items()}
            content = msgspec.structs.replace(content, consent=new_consent(self.form, told, self.today), vault={})
            return self.revise(connection, row, content, "consent.withdraw", reason="consent")

    def revise(
        self, connection: sa.Connection, row: Row, content: Content, action: str, *, reason: str = "case work"
    ) -> int:
        """Keep new content of a case in the caller's transaction and return the new revision number.

        Raises ChangedMeanwhile where the case is not the `row` that was read any more.
        """
        same = sa.and_(CASES.c.id == row.id, CASES.c.revision == row.revision)
        old = connection.execute(sa.select(CASES.c.sealed, CASES.c.chain).where(same)).first()
        if old is None:
            raise _changed(row.id)
        plain = CONTENT.open(self.keyring, old.sealed, row.id)
        connection.execute(
            REVISIONS.insert().values(
                case_id=row.id,
                number=row.revision,
                who=self.user.id,
                chain=old.chain,
                sealed=REVISION.seal(self.keyring, plain, row.id, row.revision),
            )
        )
        clock = self._clock(content)
        if row.status == "closed" and clock["status"] == "closed":
            clock["destroy_after"] = row.destroy_after
        fresh = {**clock, **self.sealed_content(row.id, content, old.chain), "revision": row.revision + 1}
        if connection.execute(CASES.update().where(same).values(**fresh)).rowcount != 1:
            raise _changed(row.id)
        gone.note(connection, self.store, gone.ended(self.keyring, row.id, _decode(plain), content), self.today)
        self.audit.note(connection, self.user, action, record=row.id, reason=reason)
        return row.revision + 1

    def assign(self, case_id: str, *, owner: str, team: str) -> None:
        """Give a case to another worker."""
        with self.case_transaction(case_id, "case.assign") as (connection, _):
            connection.execute(CASES.update().where(CASES.c.id == case_id).values(owner=owner, team=team))
            self.audit.note(connection, self.user, "case.assign", record=case_id, reason="supervision")

    def hold(self, case_id: str, *, on: bool) -> None:
        """Set or lift a legal hold: nothing of a held case is destroyed."""
        with self.case_transaction(case_id, "case.hold") as (connection, _):
            connection.execute(CASES.update().where(CASES.c.id == case_id).values(is_held=on))
            action = "case.hold" if on else "case.release"
            self.audit.note(connection, self.user, action, record=case_id, reason="legal hold")

    def attach(self, case_id: str, entity: str, fields: Mapping[str, Any]) -> str:
        """Add a further event, person, organisation or report to a case; return its id."""
        kept = self.form.clean({"ai_Asked": "no", **fields}) if "ai_Asked" not in fields else self.form.clean(fields)
        kept = {name: value for name, value in kept.items() if name in fields}
        if any(self.form.fields[name].entity != entity for name in kept):
            raise FormError((Problem("entity", f"a field does not belong to {entity}"),))
        part = new_id("p")
        coded, named = self.form.parted(kept)
        with self.case_transaction(case_id, "case.update") as (connection, _):
            connection.execute(
                PARTS.insert().values(
                    id=part,
                    case_id=case_id,
                    entity=entity,
                    sealed=PART.seal(self.keyring, _encode(coded), part),
                    identity=PART_IDENTITY.seal(self.keyring, _encode(named), part) if named else None,
                )
            )
            self.audit.note(connection, self.user, "case.attach", record=case_id, reason="case work")
        return part

    # ------------------------------------------------------------------ reading

    def get(self, case_id: str, *, reason: str = "case work") -> Case:
        """Return one case without the identity."""
        with self.case_transaction(case_id, "case.read") as (connection, row):
            content = self._content(connection, case_id)
            self.audit.note(connection, self.user, "case.read", record=case_id, reason=reason)
        return Case(
            row=row, fields=content.fields, consent=content.consent, provenance=content.provenance, vault=content.vault
        )

    def consents(self, case_id: str) -> Case:
        """Return one case with its consent and nothing else: for whoever records it and opens no case."""
        with self.case_transaction(case_id, "consent.record") as (connection, row):
            content = self._content(connection, case_id)
            self.audit.note(connection, self.user, "consent.read", record=case_id, reason="consent")
        return Case(row=row, fields={}, consent=content.consent, provenance={})

    def identity(self, case_id: str, *, reason: str = "case work") -> dict[str, Any]:
        """Open the vault for one case."""
        with self.case_transaction(case_id, "identity.read") as (connection, _):
            self.audit.note(connection, self.user, "identity.read", record=case_id, reason=reason)
            return self.vault.read(connection, case_id)

    def identity_names(self, case_id: str) -> frozenset[str]:
        """Return which fields the vault holds an answer to, without the answers."""
        with self.case_transaction(case_id, "case.update") as (connection, _):
            self.audit.note(connection, self.user, "identity.names", record=case_id, reason="case work")
            return frozenset(self.vault.read(connection, case_id))

    def parts(self, case_id: str) -> Sequence[tuple[str, str, dict[str, Any]]]:
        """Return (id, entity, coded fields) of the further entities of a case."""
        with self.case_transaction(case_id, "case.read") as (connection, _):
            self.audit.note(connection, self.user, "case.read", record=case_id, reason="case work")
            rows = connection.execute(sa.select(PARTS).where(PARTS.c.case_id == case_id).order_by(PARTS.c.id)).all()
        return [
            (row.id, row.entity, msgspec.msgpack.decode(PART.open(self.keyring, row.sealed, row.id))) for row in rows
        ]

    def list(
        self, *, status: str = "", quarter: str = "", owner: str = "", without: Collection[str] = (), before: int = 0,
        limit: int = 50,
    ) -> Sequence[Row]:  # fmt: skip
        """Return a page of the index, newest first; the next page has `before` = the last row's place.

        `without` leaves out the cases of these owners.
        """
        wanted = in_scope(sa.select(*INDEX), self.user, "case.list")
        for column, value in ((CASES.c.status, status), (CASES.c.quarter, quarter), (CASES.c.owner, owner)):
            if value:
                wanted = wanted.where(column == value)
        if without:
            wanted = wanted.where(CASES.c.owner.not_in(sorted(without)))
        if before:
            wanted = wanted.where(CASES.c.place < before)
        self.audit.add(self.user, "case.list", reason="case work")
        with self.store.read() as connection:
            found = connection.execute(wanted.order_by(CASES.c.place.desc()).limit(limit)).mappings()
            return [Row(**row) for row in found]

    def count(self, permission: str = "case.list") -> int:
        """Return how many cases this user may list, or has another permission for."""
        wanted = in_scope(sa.select(sa.func.count()).select_from(CASES), self.user, permission)
        with self.store.read() as connection:
            return connection.execute(wanted).scalar() or 0

    def search(self, answers: Mapping[str, str], *, limit: int = 200) -> Sequence[Row]:
        """Return cases whose coded fields hold all these values, newest first.

        A coded field is searched by opening every case in scope: no clear-text index of it exists.
        """
        coded, named = self.form.parted(answers)
        if named or any(name not in self.form.fields for name in answers):
            raise FormError((Problem("search", "only coded fields; find a person with match()"),))
        wanted = in_scope(sa.select(*INDEX, CASES.c.sealed), self.user, "case.list").order_by(CASES.c.place.desc())
        self.audit.add(self.user, "case.search", reason="case work")
        found: list[Row] = []
        opened, read = CONTENT.opener(self.keyring), some_answers(tuple(coded), "", self.form.languages)
        wished = self.form.wished(coded)
        with self.store.read() as connection:
            for *index, sealed in connection.execution_options(yield_per=2000).execute(wanted):
                fields = read(opened(sealed, index[0])).fields
                if all(holds(answer, value) for answer, value in zip(fields, wished, strict=True)):
                    found.append(Row(**dict(zip(Row.__struct_fields__, index, strict=True))))
                    if len(found) == limit:
                        break
        return found

    def match(self, fields: Mapping[str, Any], *, reason: str = "case work") -> Sequence[str]:
        """Return ids of cases of the same phone, e-mail, document, or name and birth date, in scope."""
        with self.store.write() as connection:
            return self.match_in(connection, [fields], reason)[0]

    def match_in(
        self, connection: sa.Connection, people: Iterable[Mapping[str, Any]], reason: str
    ) -> Sequence[Sequence[str]]:
        """Return for each of these people what `match` does, in the caller's transaction; the audit notes it once."""
        allowed = in_scope(sa.select(CASES.c.id), self.user, "identity.match")
        wanted = [allowed.where(CASES.c.id.in_(self.vault.find(connection, fields))) for fields in people]
        self.audit.note(connection, self.user, "identity.match", reason=reason)
        return [sorted(connection.execute(each).scalars()) for each in wanted]

    def is_imported(self, submission: str) -> bool:
        """Say whether a form submission or finding is in the register already."""
        with self.store.read() as connection:
            return bool(submission and self.vault.find(connection, {"tl_SubmissionId": submission}))

    def revisions(self, case_id: str) -> Sequence[tuple[int, str, Content]]:
        """Return (number, who changed it next, content) of the earlier revisions, oldest first."""
        with self.case_transaction(case_id, "case.read") as (connection, _):
            self.audit.note(connection, self.user, "case.read", record=case_id, reason="case work")
            wanted = sa.select(REVISIONS).where(REVISIONS.c.case_id == case_id).order_by(REVISIONS.c.number)
            rows = connection.execute(wanted).all()
        return [
            (row.number, row.who, _decode(REVISION.open(self.keyring, row.sealed, case_id, row.number))) for row in rows
        ]

    def verify(self, case_id: str) -> int:
        """Check the chain of a case's revisions and return their number."""
        contents = [content for _, _, content in self.revisions(case_id)]
        with self.store.read() as connection:
            row = connection.execute(sa.select(CASES.c.sealed, CASES.c.chain).where(CASES.c.id == case_id)).one()
        chain = ""
        for plain in [*map(_encode, contents), CONTENT.open(self.keyring, row.sealed, case_id)]:
            chain = self._chain(case_id, chain, plain)
        if chain != row.chain:
            raise RegisterError(f"{case_id}: its revisions do not fit together; compare it with a backup")
        return len(contents) + 1

    # ------------------------------------------------------------------ what may leave

    def leaving(self, purpose: str) -> Iterator[tuple[str, int, Content, dict[str, Any]]]:
        """Yield (case id, revision, content, shared fields) of every case with consent today."""
        index = sa.select(CASES.c.id, CASES.c.revision, CASES.c.sealed)
        wanted = in_scope(index, self.user, permission_to_leave(purpose)).order_by(CASES.c.id)
        self.audit.add(self.user, f"leaving.{purpose}", reason="statistics" if purpose == "statistics" else "sharing")
        form, today, opened = self.form, self.today, CONTENT.opener(self.keyring)
        with self.store.read() as connection:
            for case_id, revision, sealed in connection.execution_options(yield_per=2000).execute(wanted):
                content = _decode(opened(sealed, case_id))
                fields = leaving(form, content, purpose, today)
                if fields is not None:
                    yield case_id, revision, content, fields

    def incident(self, case_id: str, purpose: str, *, permission: str = "referral.prepare") -> Incident:
        """Return one incident for a referral; refused without consent for the purpose today.

        The second person reads it with `referral.approve`.
        """
        with self.case_transaction(case_id, permission) as (connection, row):
            content = self._content(connection, case_id)
            fields = leaving(self.form, content, purpose, self.today)
            if fields is None:
                raise RegisterError(f"{case_id}: no consent for {purpose} today; ask the person first")
            self.audit.note(connection, self.user, f"leaving.{purpose}", record=case_id, reason="referral")
        return self.as_incident(case_id, purpose, row.revision, content, fields)

    def incidents(self, purpose: str) -> Iterator[Incident]:
        """Yield the incidents of a purpose, in the order of the random case ids."""
        yield from (incident for _, incident in self.incidents_by_case(purpose))

    def incidents_by_case(self, purpose: str) -> Iterator[tuple[str, Incident]]:
        """Yield (case id, incident) of a purpose, in the order of the random case ids."""
        for case_id, revision, content, fields in self.leaving(purpose):
            yield case_id, self.as_incident(case_id, purpose, revision, content, fields)

    def as_incident(
        self, case_id: str, purpose: str, revision: int, content: Content, fields: dict[str, Any]
    ) -> Incident:
        """Return shared fields as the incident that leaves for a purpose."""
        provenance = {key: value for key, value in content.provenance.items() if key in LEAVING_PROVENANCE}
        return Incident(
            id=self.export_id(case_id, purpose), fields=fields, consent={purpose: "yes"},
            provenance={**provenance, "revision": str(revision)},
        )  # fmt: skip

    def columns(self, purpose: str, names: Sequence[str]) -> Iterator[tuple[str, str, Sequence[Any]]]:
        """Yield (case id, day of recording, answers to `names`) of every case with consent today.

        The quick way through a hundred thousand cases, for tables and for the monitor.
        """
        hidden = set(names) - self.form.shared(purpose)
        if hidden:
            raise RegisterError(f"{', '.join(sorted(hidden))}: may not leave for {purpose}")
        wanted = in_scope(sa.select(CASES.c.id, CASES.c.sealed), self.user, "statistics.read")
        self.audit.add(self.user, f"leaving.{purpose}", reason="statistics")
        opened, read = CONTENT.opener(self.keyring), some_answers(tuple(names), purpose, self.form.languages)
        with self.store.read() as connection:
            for case_id, sealed in connection.execution_options(yield_per=2000).execute(wanted):
                found = read(opened(sealed, case_id))
                if found.consent is not None and found.consent.stands(self.today):
                    yield case_id, found.recorded, found.fields

    def export_id(self, case_id: str, purpose: str) -> str:
        """Return the id under which a case leaves for a purpose: two recipients cannot compare ids."""
        return export_id(self.lasting_key(), case_id, purpose)

    def lasting_key(self) -> bytes:
        """Return the first matching key, 32 bytes, which a rotation keeps sealed: for names that others know already."""
        number, key = self.keyring.newest("match")
        if number > 1 and not self.setting(KEPT):
            self.__dict__.pop("_settings", None)  # another process rotated, and had kept the setting before
        return bytes.fromhex(self.setting(KEPT)) or key

    # ------------------------------------------------------------------ settings

    @property
    def retention_months(self) -> int:
        """Months from closing to the destruction of the identity."""
        return int(self.setting("retention_months") or RETENTION_MONTHS)

    @property
    def communities(self) -> frozenset[str]:
        """The organisation's own list of coarse community codes; only these are accepted."""
        return frozenset((self.setting("communities") or "").split())

    def setting(self, name: str) -> str:
        """Return one setting of the organisation; empty when it was never set."""
        return self._settings.get(name, "")

    @cached_property
    def _settings(self) -> dict[str, str]:
        with self.store.read() as connection:
            return settings.every(connection, self.keyring)

    def set(self, name: str, value: str) -> None:
        """Set `retention_months` (closed cases too: it runs from the closing), `communities` (codes, spaces between) or `finding_days`."""
        require(self.user, "retention.run" if name in ("retention_months", "finding_days") else "case.assign")
        if name == "retention_months" and not re.fullmatch(r"[1-9]\d{0,2}", value):
            raise RegisterError("retention_months: a number of months from 1 to 999 is expected")
        with self.store.write() as connection:
            before = settings.taken(connection, self.store, self.keyring, name)
            settings.put(connection, self.keyring, name, value)
            if name == "retention_months":
                move_destruction(connection, int(value) - int(before or RETENTION_MONTHS))
            self.audit.note(connection, self.user, "setting.change", record=name, reason="administration")
        self.__dict__.pop("_settings", None)

    def _refuse_unlisted_community(self, fields: Mapping[str, Any]) -> None:
        code = fields.get("ai_Community")
        if code and code not in self.form.list["no_answer"] and code not in self.communities:
            raise FormError((Problem("ai_Community", "not in the organisation's list; a supervisor adds codes"),))

    # ------------------------------------------------------------------ scope

    @contextmanager
    def case_transaction(self, case_id: str, permission: str) -> Iterator[tuple[sa.Connection, Row]]:
        """Open a transaction on one case that this user may reach; a refusal goes into the audit.

        Whoever opens one on the same case waits until this one ends, and then sees what it did.
        """
        try:
            with self.store.write() as connection:
                row = taken(connection, self.audit, case_id)
                if row is None:
                    raise RegisterError("no case has this id; list shows the ids you may see")
                require(self.user, permission, owner=row.owner, team=row.team)
                yield connection, row
        except RoleError:
            self.audit.add(self.user, "case.refused", record=case_id)
            raise

    def _content(self, connection: sa.Connection, case_id: str) -> Content:
        sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == case_id)).scalar_one()
        return _decode(CONTENT.open(self.keyring, sealed, case_id))


def incidents(register: Register, purpose: str = "statistics") -> Iterator[Incident]:
    """Return what may leave for a purpose: consented today, allow-listed fields, that purpose's ids, in their random order."""
    return register.incidents(purpose)
