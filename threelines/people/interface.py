"""The words of the public pages, by language: shown only when a named person reviewed them."""

from __future__ import annotations

import datetime
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from threelines.people.codes import language_code
from threelines.records import ThreelinesError

SOURCE = "en"
"""The language that all others are translated from."""


class InterfaceError(ThreelinesError):
    """A file of interface strings cannot be used: its text names the file, the fault and the remedy."""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One language's strings and who stands behind them."""

    language: str
    """BCP 47."""
    name: str
    """In the language itself."""
    direction: Literal["ltr", "rtl"] = "ltr"
    status: Literal["source", "reviewed", "not yet reviewed"] = "not yet reviewed"
    reviewed_by: str = ""
    date: datetime.date | None = None
    """When it was reviewed."""
    expires: datetime.date | None = None
    """From this day on it is no longer shown."""
    interface: dict[str, str] = {}

    def stands(self, today: datetime.date) -> bool:
        """Say whether it may be shown: the source, or reviewed by somebody and not expired."""
        if self.status == "source":
            return True
        return self.status == "reviewed" and self.expires is not None and today < self.expires


def load_interfaces(*folders: Path) -> dict[str, Interface]:
    """Read `*.toml` of the package, then of each folder of a deployer's own reviewed files over them."""
    found: dict[str, Interface] = {}
    for folder in (Path(str(files("threelines") / "people" / "messages")), *folders):
        for path in sorted(folder.glob("*.toml")):
            interface = _read(path)
            found[interface.language] = interface
    for interface in found.values():
        _refuse_false_review(interface, found[SOURCE])
    return found


def _read(path: Path) -> Interface:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Interface)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as fault:
        raise InterfaceError(f"messages/{path.name}: {fault}") from fault


def _refuse_false_review(interface: Interface, source: Interface) -> None:
    if interface.status != "reviewed":
        return
    missing = sorted(set(source.interface) - set(interface.interface))
    if missing:
        raise InterfaceError(f"messages/{interface.language}.toml: reviewed, but without {', '.join(missing)}")
    if not interface.reviewed_by or interface.date is None or interface.expires is None:
        raise InterfaceError(f"messages/{interface.language}.toml: reviewed needs reviewed_by, date and expires")


class Shown(msgspec.Struct, frozen=True):
    """What a reader gets: the words, and openly whether they are in the language asked for."""

    asked: Interface
    given: Interface

    @property
    def fell_back(self) -> bool:
        """Whether the words are in another language than the one asked for."""
        return self.asked.language != self.given.language


def choose(interfaces: dict[str, Interface], wanted: str, *, today: datetime.date) -> Shown:
    """Choose by `wanted` (a code or an Accept-Language header), falling back openly to the source."""
    source = interfaces[SOURCE]
    asked = next((interfaces[code] for code in preferred(wanted) if code in interfaces), source)
    return Shown(asked, asked if asked.stands(today) else source)


def known_code(interfaces: dict[str, Interface], wanted: str) -> str:
    """Return the code that the strings of a language stand under: `fr` for `fra`, `fre` or `fr-CA`, `wanted` where there are none.

    InterfaceError where `wanted` is no code of a language.
    """
    code = language_code(wanted)
    if not code:
        raise InterfaceError(f"{wanted!r} is no language code of ISO 639; give one of two or three letters, such as sw")
    return next((name for name in interfaces if language_code(name) == code), wanted)


def preferred(wanted: str) -> list[str]:
    """Return the language codes of a code or an Accept-Language header, the best first."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(wanted[:500].split(",")):
        code, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, place, code.split("-")[0].lower()))
    return [code for _, _, code in sorted(ranked)]
