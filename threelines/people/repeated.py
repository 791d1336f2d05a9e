"""A form that is sent twice is one case: every new form has a number, and a number makes one case."""

from __future__ import annotations

import re
import secrets

import sqlalchemy as sa

from threelines.people import gone
from threelines.people.case import new_id
from threelines.people.entry import Entry
from threelines.people.register import Register, RegisterError
from threelines.people.tables import CASES, GONE
from threelines.roles import require
from threelines.store.keyring import Keyring

_NUMBER = re.compile(r"[0-9a-f]{32}")


class KeptAlready(RegisterError):
    """The form was kept before; `case_id` names its case, empty where that was erased since."""

    def __init__(self, case_id: str) -> None:
        super().__init__("this form was kept already; nothing is kept a second time")
        self.case_id = case_id


def new_number() -> str:
    """Return the number of a new form: 32 random hexadecimal digits."""
    return secrets.token_hex(16)


def is_number(text: str) -> bool:
    """Say whether a text can be the number of a form."""
    return _NUMBER.fullmatch(text) is not None


def add_once(register: Register, entry: Entry, number: str) -> str:
    """Keep the case of a form and return its id; the number makes the id, with the account and a key.

    Raises KeptAlready where this account had kept a form with this number, FormError for a fault in the answers.
    """
    require(register.user, "case.add")
    case_id = _id_of(register.keyring, register.user.id, number)
    with register.store.write() as connection:
        register.store.lock(connection)
        if connection.execute(sa.select(CASES.c.id).where(CASES.c.id == case_id)).first():
            raise KeptAlready(case_id)
        erased = gone.erased_tag(register.keyring, case_id)
        if connection.execute(sa.select(GONE.c.tag).where(GONE.c.tag == erased)).first():
            raise KeptAlready("")
        return register.add_in(connection, [entry._replace(id=case_id)], "case work")[0]


def _id_of(keyring: Keyring, account: str, number: str) -> str:
    """Return the one id that a form leads to: no less random than its number, and by a key that no rotation changes."""
    drawn = int.from_bytes(keyring.tag(f"{account} {number}".encode(), b"form", purpose="audit")[:16])

    def draw(alphabet: str) -> str:
        nonlocal drawn
        drawn, place = divmod(drawn, len(alphabet))
        return alphabet[place]

    return new_id("c", draw)
