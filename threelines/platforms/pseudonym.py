"""Replace account ids by keyed tokens at reading: the key stays with the organisation.

A token is HMAC-SHA256 (RFC 2104) of the id under the key, cut to 80 bits, written in base32. Without
the key nobody can try a list of names or phone numbers against it; with the key the organisation can, and so can whoever may
have files read under it and sees the tokens (the console reads uploads under a key of their own).
The words of a message are never changed: a name inside a text stays there.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from threelines.platforms.columns import is_code, is_personal
from threelines.records import Attachment, Record, ThreelinesError

Token = Callable[[str], str]
"""Account id → what the records show instead."""

_SHORTEST_KEY = 16
_REMEMBERED = 100_000  # ids kept at hand: bounded, so memory does not grow with the number of accounts
_MADE = re.compile(r"acc_[a-z2-7]{16}\Z")
_HELD = re.compile(rb"acc_[a-z2-7]{16}")


class PseudonymError(ThreelinesError):
    """The key is missing, too short or cannot be kept safely."""


def pseudonyms(key: bytes) -> Token:
    """Return the function that turns an account id into its token; tokens stay as they are.

    Tokens pass through so that a file made by `threelines read` can be read again.
    """
    if len(key) < _SHORTEST_KEY:
        raise PseudonymError(f"the key has {len(key)} bytes; use at least {_SHORTEST_KEY} random ones")

    @lru_cache(maxsize=_REMEMBERED)
    def token(account: str) -> str:
        if not account or _MADE.match(account):
            return account
        digest = hmac.digest(key, account.encode("utf-8", "replace"), "sha256")
        return "acc_" + base64.b32encode(digest[:10]).decode("ascii").lower()

    return token


def names_one_of(tokens: Iterable[str]) -> Callable[[bytes], bool]:
    """Return what tells whether content (UTF-8) names one of these accounts; whole tokens are compared.

    Anything but a token is refused: an empty name or a part of one stands in every content, and whoever asks erases.
    """
    wanted = frozenset(token.encode() for token in tokens)
    if not wanted or not all(_MADE.match(token.decode()) for token in wanted):
        raise PseudonymError("an account is found by its whole token, acc_ and 16 letters; this is none")
    return lambda content: not wanted.isdisjoint(_HELD.findall(content))


def load_key(path: Path) -> tuple[bytes, bool]:
    """Return the key of a file, and whether it was made just now (256 random bits, mode 0600)."""
    try:
        return _read_key(path), False
    except FileNotFoundError:
        pass
    key = secrets.token_hex(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another run was faster
        return _read_key(path), False
    except OSError as fault:
        raise PseudonymError(
            f"{path}: the key cannot be kept here ({fault.strerror}); name another --key-file"
        ) from fault
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key + "\n")
    return key.encode("ascii"), True


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        raise
    except OSError as fault:
        raise PseudonymError(f"{path}: the key cannot be read ({fault.strerror})") from fault


_EMAIL = re.compile(r"[\w.+%-]+@(?!\d+(?:\.\d+){1,2}(?!\.?[\w-]))[\w-]+(?:\.[\w-]+)+")
"""Addresses of mail; `package@1.2.3` is a version."""
_PHONE = re.compile(
    r"(?:\+(?<![\w/.=+-]\+)|00(?<![\w/.=+-]00)(?!1\d{0,9}(?![\s().\-/]{0,3}\d)))[1-9](?:[\s().\-/]{0,2}\d){6,13}(?!\w)"
)
"""Numbers with the code of a country, wherever they stand: `+34 600 111 222`; not `0012345678`, as 001 has ten digits behind it."""
_WHATSAPP = re.compile(r"(?<=wa\.me/)\d{8,15}(?!\w)")
_NATIONAL = re.compile(
    r"(?!\d\d[./-]\d\d[./-]\d{4})0[1-9](?:[\s().\-/]{0,2}\d){7,10}|\(0?\d{2,4}\)[\s-]?\d{3,4}[\s-]?\d{4}|(?:\d{3}-\d{3}|0\d\d-\d{4}|1[3-9]\d-\d{4})-\d{4}|1[3-9]\d{9}",
    re.ASCII,
)
"""Values that are a number of a telephone as it is dialled inside a country, and nothing else: no date, sum or short id."""
_DIALLED, _SHORTER = "(0123456789", 8
"""What such a value starts with, and a length that is none yet: most values are passed over by these alone."""

_SHORT = 3
"""An account id of so few letters stands in many a name by chance: only a whole part between "/" and ":" is it."""


def conceal(record: Record, token: Token) -> Record:
    """Return the record with every account id, and what names an account beside the text, as tokens.

    That is: author and audience; the record's id, source and conversation where they hold one of these; and columns
    of `extra`. A conversation's name changes only where the record names an audience: of a talk whose records
    name their authors alone each side would get another name, and the talk would fall apart.
    """
    author, audience = record.author, record.audience
    changes: dict[str, Any] = {}
    names = f"{record.id}\n{record.source}\n{record.conversation}" if audience else f"{record.id}\n{record.source}"
    held = bool(author) and author in names  # most often not: one look at three names together costs least
    if author:
        changes["author"] = token(author)
    if audience:
        changes["audience"] = tuple(map(token, audience))
        for one in audience:
            held = held or one in names
    if held:
        changes |= _renamed(record, token)
    if record.extra:
        ids = tuple(one for one in (author, *audience) if one)
        changes["extra"] = {
            key: _hidden(value, ids, token, is_personal(key), is_code(key)) for key, value in record.extra.items()
        }
    if record.attachments and any(one.name.lower().endswith(".vcf") for one in record.attachments):
        changes["attachments"] = tuple(_hidden_card(one, token) for one in record.attachments)
    return msgspec.structs.replace(record, **changes) if changes else record


def _renamed(record: Record, token: Token) -> dict[str, str]:
    """Return the names of a record with tokens for the accounts inside them, the longest id first."""
    ids = sorted({one for one in (record.author, *record.audience) if one}, key=len, reverse=True)
    fields = ("id", "source", "conversation") if record.audience else ("id", "source")
    return {field: _parted(getattr(record, field), ids, token) for field in fields}


def _parted(name: str, ids: Iterable[str], token: Token) -> str:
    """Put tokens in place of the ids that stand apart in a name; not of one that is a piece of a longer word."""
    for one in ids:
        at = name.find(one)
        while at >= 0:
            end = at + len(one)
            if _stands_apart(name[at - 1 : at], name[end : end + 1], short=len(one) <= _SHORT):
                name = name[:at] + token(one) + name[end:]
                end = at + len(token(one))
            at = name.find(one, end)
    return name


def _stands_apart(left: str, right: str, *, short: bool) -> bool:
    return (left in "/:" and right in "/:") if short else not (left.isalnum() or right.isalnum())


def _hidden(value: Any, ids: tuple[str, ...], token: Token, personal: bool, code: bool) -> Any:
    """Turn names into tokens at any depth; an id inside a longer value (a profile address) too. Bare digits of a `code` stay."""
    if isinstance(value, dict):
        return {
            key: _hidden(part, ids, token, personal or is_personal(str(key)), is_code(str(key)))
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_hidden(part, ids, token, personal, code) for part in value]
    if value is None or isinstance(value, bool | float):
        return value
    text = str(value)
    if personal or text in ids:
        return token(text)
    if not code and len(text) > _SHORTER and text[0] in _DIALLED and _NATIONAL.fullmatch(text):
        return token(text)
    if isinstance(value, str):
        if (len(value) > _SHORTER or "@" in value) and not (code and value.isdigit()):
            value = _without_contacts(value, token)
        for one in ids:
            if len(one) > 3 and one in value:
                value = value.replace(one, token(one))
    return value


def _without_contacts(value: str, token: Token) -> str:
    """Put tokens in place of e-mail addresses and international telephone numbers; most values hold no sign of either."""
    if "@" in value:
        value = _EMAIL.sub(lambda found: token(found[0]), value)
    if "+" in value or "00" in value:
        value = _PHONE.sub(lambda found: token(found[0]), value)
    if "wa.me/" in value:
        value = _WHATSAPP.sub(lambda found: token(found[0]), value)
    return value


def _hidden_card(attachment: Attachment, token: Token) -> Attachment:
    """A contact card is named for the person it is about."""
    if not attachment.name.lower().endswith(".vcf"):
        return attachment
    return msgspec.structs.replace(attachment, name=token(attachment.name) + ".vcf")
