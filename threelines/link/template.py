"""Show what copies of a script have in common: a template whose slots are marked.

The first copy is laid beside a bounded sample of the others, word by word (letter by letter where words are not
written apart), comparing what the letters look like. What most of them share stays as words; what changes becomes a
slot with the values that were seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from rapidfuzz.distance import LCSseq

from threelines.text.look import look

SAMPLE = 8
"""Copies that are compared: enough to see what changes, few enough to be quick."""
VALUES = 6
"""Values kept of each slot."""
LENGTH = 600
"""Characters read of each copy."""
_SHARED = 0.6
"""Part of the copies in which a word must stand to be no slot."""

# Thai, Lao, Burmese, Khmer, Han and kana: no spaces between words, so letters are compared (with their vowel signs).
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff"
_SIGNS = r"\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3"
_WITHOUT_SPACES = re.compile(rf"[{_UNSPACED}]")
TOKEN = re.compile(rf"[{_UNSPACED}][{_SIGNS}]*|[^\s{_UNSPACED}]+")


class Slot(msgspec.Struct, frozen=True):
    """A place that changes from copy to copy."""

    values: tuple[str, ...]
    """What was seen there, each once, in order of the copies; an empty text where a copy has nothing."""


class Template(msgspec.Struct, frozen=True):
    """The common words of a script, in order, with its slots."""

    parts: tuple[str | Slot, ...]

    def __str__(self) -> str:
        """Write it for a person: `Dear ‹Ann | Bo›, the work is …`."""
        return "".join(part if isinstance(part, str) else f"‹{' | '.join(part.values)}›" for part in self.parts)

    @property
    def slots(self) -> tuple[tuple[str, ...], ...]:
        """The values seen in each slot."""
        return tuple(part.values for part in self.parts if isinstance(part, Slot))

    @property
    def kept(self) -> float:
        """Which part of the first copy's letters the copies have in common: low where wording changes throughout."""
        words = sum(len(part) for part in self.parts if isinstance(part, str))
        return words / max(words + sum(len(values[0]) for values in self.slots), 1)


class _Tokens(NamedTuple):
    shapes: list[str]
    """What each word's letters look like."""
    spans: list[tuple[int, int]]


def template(texts: Sequence[str]) -> Template:
    """Align a sample of copies; a single text is its own template."""
    texts = [text[:LENGTH] for text in dict.fromkeys(texts)][:SAMPLE]
    if not texts:
        return Template(())
    base, *others = [_tokens(text) for text in texts]
    aligned = [_aligned(base, other) for other in others]
    if not any(aligned):
        return Template((texts[0],))
    count = len(base.spans)
    enough = [index for index, found in enumerate(aligned) if len(found) >= 0.3 * count]
    held = Counter(place for index in enough for place in aligned[index])
    shared = [place for place in range(count) if held[place] >= _SHARED * len(enough)]
    copies = [(texts[0], base, {place: place for place in range(count)})]
    copies += [(texts[index + 1], others[index], aligned[index]) for index in enough]
    return Template(tuple(_parts(shared, copies)))


def _tokens(text: str) -> _Tokens:
    """Cut a text as `TOKEN` does; where only spaces part words, `split` does the same, sooner."""
    if not text.isascii() and _WITHOUT_SPACES.search(text):
        found = list(TOKEN.finditer(text))
        return _Tokens(_shapes([word[0] for word in found]), [word.span() for word in found])
    words, spans, end = text.split(), [], 0
    for word in words:
        start = text.index(word, end)
        end = start + len(word)
        spans.append((start, end))
    return _Tokens(_shapes(words), spans)


class _Looks(dict[int, str]):
    """Code point → what it looks like, filled as letters are met (str.translate calls it in C)."""

    def __missing__(self, code: int) -> str:
        shape = self[code] = look(chr(code))
        return shape


_LOOKS = _Looks({ord(" "): " "})


def _shapes(words: list[str]) -> list[str]:
    """Return what the letters of each word look like; a word without letters stays as it is."""
    return [
        shape or word for shape, word in zip(" ".join(words).translate(_LOOKS).split(" "), words, strict=bool(words))
    ]


def _aligned(base: _Tokens, other: _Tokens) -> dict[int, int]:
    """Map places of the base to places of the other copy that hold the same word."""
    blocks = LCSseq.opcodes(base.shapes, other.shapes).as_matching_blocks()
    return {a + step: b + step for a, b, size in blocks for step in range(size)}


_Copy = tuple[str, _Tokens, dict[int, int]]


def _parts(shared: list[int], copies: list[_Copy]) -> list[str | Slot]:
    """Walk over the shared places; between two that are not neighbours in some copy lies a slot."""
    text, (_, base), _ = copies[0]
    parts: list[str | Slot] = []
    run_start = shared[0] if shared else len(base)
    for before, after in zip([-1, *shared], [*shared, len(base)], strict=True):
        slot = _slot(before, after, copies)
        if slot is None:
            continue
        if before >= 0:
            parts.append(text[base[run_start][0] : base[before][1]])
        if parts and isinstance(parts[-1], str):
            parts[-1] += " "
        parts.append(slot)
        if after < len(base):
            parts.append(" ")
        run_start = after
    if shared and run_start < len(base):
        parts.append(text[base[run_start][0] : base[shared[-1]][1]])
    return _joined(parts)


def _slot(before: int, after: int, copies: list[_Copy]) -> Slot | None:
    """Return what the copies have between two shared places, or None if nothing."""
    values: dict[str, None] = {}
    count = len(copies[0][1].spans)
    for text, (_, spans), places in copies:
        first = places.get(before) if before >= 0 else -1
        last = places.get(after) if after < count else len(spans)
        if first is not None and last is not None:
            values[text[spans[first + 1][0] : spans[last - 1][1]] if first + 1 < last else ""] = None
    return Slot(tuple(values)[:VALUES]) if any(values) else None


def _joined(parts: list[str | Slot]) -> list[str | Slot]:
    """Put neighbouring words together."""
    joined: list[str | Slot] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
