"""Private matching: two organisations learn which handles, phones or hashes they share, and nothing else.

    A: start  ──request──►  B: answer  ──answer──►  A: finish    (A knows what is shared)

Each side sees the other's values only under a secret key (private set intersection by elliptic-curve
Diffie-Hellman, `openmined-psi`). What it does learn: how many values the other side compares, where a
handle without a platform is one for each platform and one more. For both to know the result, run it both ways. Phone numbers can be guessed one by one, so a request may hold
at most `MOST` values and an organisation should answer a partner once per agreed round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import phonenumbers

from threelines.people.typed import dialled, e164, letters, numbers
from threelines.records import ThreelinesError, filled
from threelines.text.addresses import names_no_account
from threelines.text.fold import ascii_digits

MOST = 20_000
"""Values in one request: enough for a case load, too few to try out a country's numbers."""
Values = Iterable[str] | Mapping[int, str]
"""Values, or values by the line of the file in which they stand."""
_HEX = re.compile(r"(?:(?:sha-?1|sha-?256|sha-?512|md5|pdq)\s*[:=]\s*)?(?P<hash>[0-9a-f]{32,128})")
_PHONE = re.compile(
    r"(?:(?:tel|whatsapp|sms):)?(?P<number>[+(\d][\d\s().\-/]{5,}?)\s*(?:;?\s*(?:ext(?:ension|\.)?|x|#)[\s=]*\d{1,6})?"
)
_NUMBERS = re.compile(r"[+\d\s().,;|/\-]+")
_CHAT = re.compile(
    r"(?:https?://)?(?:(?:www|api|web)\.)?(?:wa\.me/|t\.me/(?=\+)|(?:whatsapp\.com/|whatsapp://)send/?\?(?:[^#]*&)?phone=|"
    r"viber://(?:chat|add)/?\?(?:[^#]*&)?number=)(?:\+|%2b)?(?P<number>\d[\d\s().\-]{5,})/?(?:[?&].*)?"
)
"""The address of a chat with a number, which stands in it whole."""
_SITE = re.compile(
    r"(?:https?://)?(?:(?:www|m|web|mobile)\.(?!me/)|[a-z]{2}(?:-[a-z]{2})?\.(?=(?:facebook|instagram|tiktok|twitter|threads|vk)\.(?:com|net)/))?@?"
)
_PLACES = {
    "telegram": r"(?:t|telegram)\.me/(?:s/)?|tg://resolve\?domain=",
    "instagram": r"(?:instagram\.com|instagr\.am|threads\.(?:net|com))/(?:stories/)?",  # an account has one name on both
    "facebook": r"(?:facebook\.com|fb\.com|fb\.me|m\.me|messenger\.com/t)/(?:profile\.php\?id=)?",
    "tiktok": r"tiktok\.com/",
    "x": r"(?:twitter|x)\.com/",
    "vk": r"vk\.(?:com|ru)/",
    "line": r"line\.me/(?:r/)?ti/p/",
    "whatsapp": r"wa\.me/",
}
"""What stands before a handle in the address of a profile, by platform."""
_PLACE = re.compile("(?:" + "|".join(f"(?P<{name}>{way})" for name, way in _PLACES.items()) + ")@?")
_MANY_DIGITS, _MANY_HEX = re.compile(r"(?:\d\D?){7}"), re.compile(r"[0-9a-f]{24}")
_DOUBTS = (
    ("a hash", _MANY_HEX),
    ("a number", _MANY_DIGITS),
    ("an address of no place that is known", re.compile("/")),
)


_TYPED = {"Pd": "-", "Cf": ""}
"""What stands for dashes of every length, and for marks that nobody sees."""
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")


class MatchError(ThreelinesError):
    """A value, a message or its order is wrong."""


class State(msgspec.Struct, frozen=True):
    """What A keeps between its two steps: secret, for this round only."""

    key: bytes
    values: list[str]
    request: bytes = b""
    """SHA-256 of the request: an answer to another one is refused."""


@filled
class Answer(msgspec.Struct, frozen=True):
    """What B sends back."""

    setup: bytes
    response: bytes
    request: bytes = b""
    """SHA-256 of the request that it answers."""


def normal(value: str, *, region: str = "") -> str:
    """Bring one value into the form in which two organisations would both write it.

    Phones become E.164 (a number without a country code needs `region`), hashes and handles lower case, a handle in
    the address of a profile `handle:PLATFORM/name`.
    """
    text = _plain(value)
    lowered = text.lower().removeprefix("mailto:")
    if found := _HEX.fullmatch(lowered):
        return f"hash:{found['hash']}"
    if found := _CHAT.fullmatch(lowered):
        return f"phone:{_e164('+' + found['number'], region)}"
    if found := _PHONE.fullmatch(lowered):
        return f"phone:{_e164(found['number'], region)}"
    platform, handle = _handle(lowered)
    if len(handle) < 3:
        raise MatchError("a value is shorter than three letters; it would match by chance")
    return f"handle:{platform}/{handle}" if platform else f"handle:{handle}"


def _handle(text: str) -> tuple[str, str]:
    """Return the platform and the account in an address of a known place: that of a post names its account, too.

    Where no account is named the page stays, and elsewhere path and query: they may be all that tells two apart.
    """
    page = _SITE.sub("", text, count=1)
    place = _PLACE.match(page)
    if place is None:
        return "", page.rstrip("/")
    platform, path = str(place.lastgroup), page[place.end() :].partition("#")[0]
    return platform, _page(path) if _is_page(platform, path) else _account(path)


def _page(path: str) -> str:
    """Return what tells a page of a platform from others: its path, or its query where the path is one word."""
    way = re.split("[?&]", path)[0].rstrip("/")
    return way if "/" in way else path.rstrip("/")


def _account(path: str) -> str:
    return re.split("[/?&]", path)[0]


def _is_page(platform: str, path: str) -> bool:
    """Tell whether a path on a platform names no account."""
    return names_no_account(platform, _account(path))


def forms(ready: str) -> set[str]:
    """Return what a value in its normal form is compared as: a handle without a platform is that of each of them."""
    handle = ready.removeprefix("handle:")
    if handle == ready or "/" in handle or "@" in handle:
        return {ready}
    return {ready, *(f"handle:{platform}/{handle}" for platform in _PLACES)}


def doubt(ready: str) -> str:
    """Return what a value that was taken for a handle looks like; empty where it looks like a handle."""
    handle = ready.removeprefix("handle:")
    platform, _, path = handle.partition("/")
    if handle == ready:
        return ""  # a phone or a hash
    if platform in _PLACES:
        return "an address that names no account" if _is_page(platform, path) else ""
    return next((what for what, looks in _DOUBTS if looks.search(handle)), "")


def _plain(value: str) -> str:
    """Return the text as everybody would type it: one form of each letter, ASCII digits, apostrophes and hyphens,
    nothing invisible.
    """
    text = ascii_digits(letters(value.translate(_APOSTROPHES)))
    return "".join(_TYPED.get(unicodedata.category(letter), letter) for letter in text).strip()


def _e164(number: str, region: str) -> str:
    try:
        return e164(dialled(number), region)
    except phonenumbers.NumberParseException as fault:
        raise MatchError(
            "a number cannot be read; write it with its country code, or give --region; an account's number as the address of its profile"
        ) from fault


def _parted(value: str) -> list[str]:
    """Return the numbers of a line that holds several, as cells of a table do, or the line."""
    several = list(numbers(value)) if _NUMBERS.fullmatch(value) else []
    return several if len(several) > 1 and all(several) else [value]


def prepared(values: Values, *, region: str = "") -> list[str]:
    """Normalise, remove repeats, sort, and refuse more than a round may hold.

    Raises MatchError that names every line, or place in the list, with a value that cannot be read.
    """
    read, faults = _read(values, region)
    if faults:
        told = "; ".join(f"{', '.join(map(str, lines))}: {fault}" for fault, lines in faults.items())
        raise MatchError(f"lines that cannot be read: {told}")
    ready = sorted(set().union(*(forms(one) for _, one in read)))
    if not ready:
        raise MatchError("no values; give one handle, phone or hash a line")
    if len(ready) > MOST:
        raise MatchError(
            f"{len(ready)} values; a round may hold {MOST}. A handle without its platform counts as {len(_PLACES) + 1}: give the "
            "address of the profile"
        )
    return ready


def doubtful(values: Values, *, region: str = "") -> dict[str, list[int]]:
    """Return the lines of values that were taken for handles, by what they look like: they may match nothing."""
    found: dict[str, list[int]] = {}
    for line, ready in _read(values, region)[0]:
        if what := doubt(ready):
            found.setdefault(what, []).append(line)
    return found


def _read(values: Values, region: str) -> tuple[list[tuple[int, str]], dict[str, list[int]]]:
    """Return (line, normal form) of each value, and the lines that cannot be read, by fault."""
    read: list[tuple[int, str]] = []
    faults: dict[str, list[int]] = {}
    for line, value in values.items() if isinstance(values, Mapping) else enumerate(values, start=1):
        try:
            read += [(line, normal(part, region=region)) for part in _parted(value)] if value.strip() else []
        except MatchError as fault:
            faults.setdefault(str(fault), []).append(line)
    return read, faults


def start(values: Values, *, region: str = "") -> tuple[State, bytes]:
    """A's first step: (what A keeps, the request for B)."""
    psi = _library()
    client = psi.client.CreateWithNewKey(True)
    ready = prepared(values, region=region)
    request: bytes = client.CreateRequest(ready).SerializeToString()
    return State(client.GetPrivateKeyBytes(), ready, sha256(request).digest()), request


def answer(values: Values, request: bytes, *, region: str = "") -> bytes:
    """B's step: answer a request without learning its values."""
    psi = _library()
    ready = prepared(values, region=region)
    asked = _parsed(psi.Request(), request, "request")
    if len(asked.encrypted_elements) > MOST:
        raise MatchError(f"the request holds more than {MOST} values; refused")
    if not asked.reveal_intersection:
        raise MatchError("the request asks for a count only; ours asks which values are shared")
    server = psi.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(1e-9, len(asked.encrypted_elements), ready, psi.DataStructure.RAW)
    try:
        response = server.ProcessRequest(asked)
    except RuntimeError as fault:  # the library's only one
        raise MatchError("the request cannot be read: it holds what no sealed value is; was it changed?") from fault
    given = Answer(setup.SerializeToString(), response.SerializeToString(), sha256(request).digest())
    return msgspec.msgpack.encode(given)


def finish(state: State, message: bytes) -> list[str]:
    """A's last step: the values that both sides hold, in A's normal form."""
    psi = _library()
    try:
        given = msgspec.msgpack.decode(message, type=Answer)
    except msgspec.DecodeError as fault:
        raise MatchError("the answer cannot be read; was it cut?") from fault
    if state.request != given.request:
        raise MatchError("the answer is to another request; finish it with the secret of its own round")
    client = psi.client.CreateFromKey(state.key, True)
    setup, response = (
        _parsed(psi.ServerSetup(), given.setup, "answer"),
        _parsed(psi.Response(), given.response, "answer"),
    )
    try:
        shared = client.GetIntersection(setup, response)
    except RuntimeError as fault:
        raise MatchError("the answer cannot be read: it holds what no sealed value is; was it changed?") from fault
    return sorted({_given(state, state.values[place]) for place in shared})


def _given(state: State, form: str) -> str:
    """Return a shared value as A gave it: a handle without a platform stands for those with one."""
    plain = f"handle:{form.split('/', 1)[-1]}"
    return plain if plain in state.values and form in forms(plain) else form


def _parsed(message: Any, data: bytes, name: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        message.ParseFromString(data)
    except DecodeError as fault:
        raise MatchError(f"the {name} cannot be read; was it cut?") from fault
    return message


def _library() -> Any:
    import private_set_intersection.python as psi

    return psi


def read_values(path: Path) -> list[str]:
    """Read one value a line; lines that start with # are comments."""
    return list(read_lines(path).values())


def read_lines(path: Path) -> dict[int, str]:
    """Read one value a line, by the number of its line; lines that start with # are comments."""
    # Editors on Windows put a byte order mark first: part of the first value, it would hide a match.
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return {number: line for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")}
