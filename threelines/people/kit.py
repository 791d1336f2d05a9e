"""The awareness kit: one set of messages, rendered to text, SMS, poster and audio script.

A message whose review has run out is not rendered. Languages without a reviewed file are listed, never filled by machine.
"""

from __future__ import annotations

import datetime
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from threelines.pages import Block, Paper
from threelines.pages import write as write_pages
from threelines.people.interface import load_interfaces
from threelines.records import ThreelinesError

SMS = 160
"""Characters of one message in the basic alphabet of GSM 03.38."""
SMS_OTHER = 70
"""Characters where the text needs UCS-2."""
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


class KitError(ThreelinesError):
    """A message file cannot be used."""


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One claim, with where it comes from."""

    id: str
    title: str
    text: str
    sms: str
    source: str


class Kit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All messages of one language and who stands behind them."""

    language: str
    status: Literal["source", "reviewed", "not yet reviewed"]
    reviewed_by: str = ""
    date: datetime.date
    expires: datetime.date
    message: tuple[Message, ...]

    def stands(self, today: datetime.date) -> bool:
        """Whether it may be handed out."""
        return self.status != "not yet reviewed" and self.date <= today < self.expires


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A helpline's number that the deployer has dialled."""

    organisation: str
    number: str
    dialled: datetime.date
    until: datetime.date
    """The day on which its confirmation ends."""

    @property
    def line(self) -> str:
        """What stands in a text: organisation and number."""
        return f"{self.organisation}: {self.number}"


def load_kits(*folders: Path) -> dict[str, Kit]:
    """Read the English source, then `*.toml` of a deployer's folders."""
    texts = {"awareness.toml": (files("threelines") / "people" / "awareness.toml").read_text(encoding="utf-8")}
    texts |= {
        path.name: path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.glob("*.toml"))
    }
    kits: dict[str, Kit] = {}
    for name, text in texts.items():
        try:
            kit = msgspec.convert(tomllib.loads(text), Kit)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
            raise KitError(f"{name}: {fault}") from fault
        _refuse(name, kit, kits.get("en", kit))
        kits[kit.language] = kit
    return kits


def _refuse(name: str, kit: Kit, source: Kit) -> None:
    if kit.status == "reviewed" and not kit.reviewed_by:
        raise KitError(f"{name}: reviewed, but by nobody; name the reviewer")
    if kit.status == "source" and kit.language != source.language:
        raise KitError(
            f"{name}: only the English text is the source; a translation is `reviewed`, by somebody named, or `not yet reviewed`"
        )
    if missing := {m.id for m in source.message} - {m.id for m in kit.message}:
        raise KitError(f"{name}: without {', '.join(sorted(missing))}")
    for message in kit.message:
        if len(message.sms) > sms_limit(message.sms):
            raise KitError(
                f"{name}: {message.id}: the SMS has {len(message.sms)} characters; {sms_limit(message.sms)} fit"
            )


def sms_limit(text: str) -> int:
    """Return how many characters one SMS of this alphabet holds."""
    return SMS if set(text) <= _GSM else SMS_OTHER


def sms_with(text: str, contact: str) -> str:
    """Return the SMS with the contact behind it, or only its number, whichever still is one SMS; `text` where neither is.

    `contact` is "organisation: number", or empty.
    """
    number = contact.rpartition(": ")[2]
    longer = (f"{text} {added}" for added in (contact, number) if added)
    return next((one for one in longer if len(one) <= sms_limit(one)), text)


def sms_without(kit: Kit, contact: str) -> list[str]:
    """Return the ids of the messages whose SMS has no room for the number."""
    return [m.id for m in kit.message if contact and sms_with(m.sms, contact) == m.sms]


def missing_languages(kits: dict[str, Kit], today: datetime.date) -> list[str]:
    """Return the languages of the check page that have no kit which may be handed out."""
    return sorted(code for code in load_interfaces() if code not in kits or not kits[code].stands(today))


def write_kit(kit: Kit, out: Path, *, today: datetime.date, number: Number | None = None) -> list[Path]:
    """Write text, SMS, audio script and poster of one language; return the files.

    Raise KitError where it may not be handed out, or where this machine has no font for its letters. Without the extra
    `share` nothing is written: no kit lacks its poster.
    """
    import typst  # noqa: F401 - for the poster

    if not kit.stands(today):
        raise KitError(f"{kit.language}: not reviewed, or its review ended on {kit.expires}")
    out.mkdir(parents=True, exist_ok=True)
    contact = number.line if number else ""
    foot = _foot(kit, number)
    poster = out / f"{kit.language}-poster.pdf"
    _poster(kit, poster, contact, foot)
    made = {
        "text.md": "\n\n".join(f"## {m.title}\n\n{m.text}\n\n*Source: {m.source}*" for m in kit.message) + f"\n\n{contact}\n\n{''.join(foot)}\n",
        "sms.txt": "\n".join(sms_with(m.sms, contact) for m in kit.message) + "\n",
        "audio.txt": "\n\n".join(f"{m.title}\n[pause]\n{m.text.replace('. ', '.{p}').replace('{p}', chr(10) + '[short pause]' + chr(10))}" for m in kit.message)
        + f"\n\n{contact}\n",
    }  # fmt: skip
    paths = []
    for name, text in made.items():
        paths.append(out / f"{kit.language}-{name}")
        paths[-1].write_text(text, encoding="utf-8")
    return [*paths, poster]


def _foot(kit: Kit, number: Number | None) -> tuple[str, ...]:
    """Say who stands behind the text, and the first day on which something in it no longer stands."""
    dialled = f"; number dialled {number.dialled}" if number else ""
    until = min(kit.expires, number.until) if number else kit.expires
    return ("Reviewed: ", kit.reviewed_by or "source text", f", {kit.date}{dialled}; valid until {until}.")


def _poster(kit: Kit, path: Path, contact: str, foot: tuple[str, ...]) -> None:
    """Write an A4 poster in large type; print it in black on any paper."""
    blocks = [
        block
        for message in kit.message
        for block in (Block("heading", (message.title,)), Block("text", (message.text,)))
    ]
    blocks += [Block("strong", (contact,))] if contact else []
    blocks.append(Block("small", foot, "en"))
    paper = Paper(
        [blocks],
        title="Is this offer safe?",
        author="threelines",
        language=kit.language,
        poster=True,
        kept="the text file",
    )
    if without := write_pages(paper, path):
        path.unlink()
        raise KitError(
            f"{kit.language}: no font on this machine for {len(without)} of its letters, so nothing is written; install "
            "Debian's fonts-noto-core (fonts-noto-cjk for Chinese, Japanese and Korean) or the like"
        )
