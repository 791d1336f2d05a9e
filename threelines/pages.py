"""Pages in any script: blocks of text become a PDF that programs for blind readers understand (PDF/UA-1), set by Typst.

Fonts are those of the machine, and Typst's own for Latin, Greek and Cyrillic. What no font has is written out as U+ and
its number, and the page says so. Text is data: none of it is read as markup, and nothing is read from disk or network.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from typst import Compiler

UNPRINTABLE = "Some letters cannot be printed here (written as U+ and their number); {kept} has them."
_TRIES = 5
"""Each names letters that no font has; after them all beyond ASCII are written out."""
_NEVER = ("Cc", "Cs", "Co")
"""Categories that mean nothing on paper: controls, halves of a letter, private use."""
_ATTACHED = ("Mn", "Mc", "Me", "Cf")
"""Categories that belong to the letter before."""
_LEFT, _OPEN, _CLOSE = "\u2066", "\u2068", "\u2069"
_OPENING = frozenset((_LEFT, "\u2067", _OPEN))
_ISOLATES = _OPENING | {_CLOSE}
"""Set text apart from the direction around it: obeyed where all are closed."""
_FLIPS = frozenset("\u202a\u202b\u202c\u202d\u202e")
"""Direction forced on what follows: never obeyed."""
_FIGURES = re.compile(r"(?<![A-Za-z\d])(?:\+?\(?\d+\)?(?:[ ./-]\(?\d+\)?)+|\+\d+)")
"""A telephone number or date; beside letters from right to left its groups would change places."""
_SPACE = re.compile("[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_NAMED = re.compile(r'error: PDF/UA-1 error: the text (?:contains the disallowed codepoint )?`"(.+?)"`')
_NUMBER = re.compile(r"\\u\{([0-9a-f]+)\}")
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.DOTALL)


class Block(NamedTuple):
    """A paragraph or heading; a paper's first heading is a title, a poster has no title.

    Of several parts each keeps its own direction, so that a name does not move what is beside it.
    """

    kind: Literal["title", "heading", "strong", "text", "small"]
    parts: tuple[str, ...]
    language: str = ""


class Paper(NamedTuple):
    """What one file holds: pages of blocks, and what its properties say."""

    pages: Sequence[Sequence[Block]]
    title: str
    """Never empty."""
    author: str
    language: str = "en"
    poster: bool = False
    """Large type, shrunk to fit one sheet; without it, type to read."""
    foot: str = ""
    """Stands below every page."""
    kept: str = "the JSON"
    """Where the letters stand that cannot be printed."""


def write(paper: Paper, out: Path) -> frozenset[str]:
    """Write the PDF, return the letters for which no font was found; the same paper on the same machine gives the same bytes."""
    from typst import Compiler

    with TemporaryDirectory() as empty:
        made, without = _made(paper, Compiler(root=empty, package_path=empty, package_cache_path=empty))
    out.write_bytes(made)
    return without


def _made(paper: Paper, compiler: Compiler) -> tuple[bytes, frozenset[str]]:
    """Return the PDF, with the letters written out that Typst says no font has, and these."""
    parts = {part for page in paper.pages for block in page for part in block.parts}
    letters = {letter for part in parts for letter in _plain(part) if not letter.isascii()}
    alone = Paper([[Block("text", (letter,)) for letter in sorted(letters)]], paper.title, "")
    _, without = _tried(alone, frozenset(), compiler) if letters else (b"", frozenset())
    for _ in range(_TRIES):
        made, named = _tried(paper, without, compiler)
        if made:
            return made, without
        if not named - without:
            break
        # a mark or joiner is often named for the letter before it alone
        without |= {letter for letter in named - without if unicodedata.category(letter) not in _ATTACHED} or named
    return _compiled(paper, frozenset(letters), compiler), frozenset(letters)


def _tried(paper: Paper, without: frozenset[str], compiler: Compiler) -> tuple[bytes, frozenset[str]]:
    """Return the PDF, or nothing and the letters that have no font.

    Some letters without a font make Typst's own code panic (0.15.2; seldom). That is no `Exception`, and its class has
    a name only: it is read as the fault of a thread.
    """
    from typst import TypstError

    with ThreadPoolExecutor(1) as thread:
        job = thread.submit(_compiled, paper, without, compiler)
        fault = job.exception()
    if isinstance(fault, TypstError):
        return b"", _named(fault.diagnostic)
    if fault and type(fault).__name__ == "PanicException":
        return b"", frozenset()
    return job.result(), frozenset()


def _compiled(paper: Paper, without: frozenset[str], compiler: Compiler) -> bytes:
    template = (files("threelines") / "pages.typ").read_bytes()
    data = {"paper": json.dumps(_data(paper, without))}
    made = compiler.compile(template, format="pdf", pdf_standards=["ua-1"], timestamp=0, sys_inputs=data)
    assert isinstance(made, bytes)
    return made


def _named(diagnostic: str) -> frozenset[str]:
    """Return the letters that a fault of Typst names, ASCII apart: its own fonts have that."""
    said = "".join(_NAMED.findall(diagnostic))
    plain = _NUMBER.sub(lambda number: chr(int(number[1], 16)), said)
    return frozenset(letter for letter in plain if not letter.isascii()) - _ISOLATES


def _data(paper: Paper, without: frozenset[str]) -> dict[str, Any]:
    """Return what the template shows."""
    leading = "".join(block.parts[0] for page in paper.pages for block in page if block.parts)
    rtl = _is_right_to_left(leading, otherwise=False)
    return {
        "title": _written(paper.title, without), "author": [_written(paper.author, without)], "foot": _written(paper.foot, without),
        "lang": _language(paper.language), "poster": paper.poster,
        "pages": [_page(page, paper, without, rtl=rtl) for page in paper.pages],
    }  # fmt: skip


def _page(blocks: Sequence[Block], paper: Paper, without: frozenset[str], *, rtl: bool) -> list[dict[str, Any]]:
    shown = [_block(block, paper, without, rtl=rtl) for block in blocks]
    if any(_written(part, without) != _plain(part) for block in blocks for part in block.parts):
        said = Block("small" if paper.poster else "text", (UNPRINTABLE.format(kept=paper.kept),), "en")
        shown.append(_block(said, paper, without, rtl=False))
    return shown


def _block(block: Block, paper: Paper, without: frozenset[str], *, rtl: bool) -> dict[str, Any]:
    rtl = _is_right_to_left("".join(block.parts[:1]), otherwise=rtl)
    return {
        "kind": block.kind, "text": _text([_written(part, without) for part in block.parts], rtl=rtl),
        "lang": _language(block.language or paper.language), "rtl": rtl,
    }  # fmt: skip


def _text(parts: list[str], *, rtl: bool) -> str:
    """Join the parts; where letters run both ways, parts and figures keep to themselves."""
    text = "".join(parts)
    if not rtl and not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        return text
    apart = text if len(parts) < 2 else "".join(f"{_OPEN}{part}{_CLOSE}" for part in parts)
    return _FIGURES.sub(rf"{_LEFT}\g<0>{_CLOSE}", apart)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text))


def _written(text: str, without: frozenset[str]) -> str:
    """Return the text with what cannot be printed written out, marks and joiners behind it included."""
    text = _plain(text)
    without |= _FLIPS if _closes(text) else _FLIPS | _ISOLATES
    said: list[str] = []
    run: list[str] = []
    for letter in text:
        category = unicodedata.category(letter)
        if (
            letter in without
            or _is_never(letter, category)
            or (run and category in _ATTACHED and letter not in _ISOLATES)
        ):
            run.append(f"U+{ord(letter):04X}")
            continue
        said += [*_bracketed(run), letter]
        run = []
    return "".join([*said, *_bracketed(run)])


def _bracketed(run: list[str]) -> list[str]:
    return [f"[{' '.join(run)}]"] if run else []


def _is_never(letter: str, category: str) -> bool:
    number = ord(letter)
    return category in _NEVER or number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF


def _closes(text: str) -> bool:
    """Whether every isolate is closed inside the text, so that none reaches beyond it."""
    depth = 0
    for letter in text:
        depth += (letter in _OPENING) - (letter == _CLOSE)
        if depth < 0:
            return False
    return depth == 0


def _is_right_to_left(text: str, *, otherwise: bool) -> bool:
    """Whether most letters run from right to left; `otherwise` where there are none."""
    ways = [unicodedata.bidirectional(letter) for letter in text]
    right, left = sum(way in ("R", "AL") for way in ways), ways.count("L")
    return right > left if right or left else otherwise


def _language(code: str) -> str:
    """Return the code as Typst takes it; English where it is none."""
    found = _LANGUAGE.fullmatch(code.lower())
    return found[1] if found else "en"
