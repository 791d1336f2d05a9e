"""The organisation's keys under which account ids become tokens. They stay when its keys change: findings hold the tokens."""

from __future__ import annotations

from threelines.people.register import Register
from threelines.store.keyring import keyed


def account_key(register: Register) -> bytes:
    """Return the organisation's key under which account ids become tokens, 32 bytes."""
    return keyed(register.lasting_key(), b"accounts", b"pseudonym")


def upload_key(register: Register) -> bytes:
    """Return the key of uploads by hand: who uploads a list of numbers must not learn which token is whose in a stream."""
    return keyed(register.lasting_key(), b"uploads", b"pseudonym")


def upload_name(register: Register, name: str) -> str:
    """Return what stands for the name of an uploaded file, 16 hex digits: the same for the same name."""
    return keyed(register.lasting_key(), name.encode("utf-8", "surrogatepass"), b"web:upload").hex()[:16]


def earlier_keys(register: Register) -> tuple[bytes, ...]:
    """Return the keys of tokens that a version before made after a rotation, of streams and of uploads."""
    return tuple(register.keyring.tag(kind, b"pseudonym") for kind in (b"accounts", b"uploads"))
