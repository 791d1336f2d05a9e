"""The organisation's keys under which account ids become tokens, made from its key file."""

from __future__ import annotations

from threelines.store.keyring import Keyring


def account_key(keyring: Keyring) -> bytes:
    """Return the organisation's key under which account ids become tokens."""
    return keyring.tag(b"accounts", b"pseudonym")


def upload_key(keyring: Keyring) -> bytes:
    """Return the key of uploads by hand: who uploads a list of numbers must not learn which token is whose in a stream."""
    return keyring.tag(b"uploads", b"pseudonym")
