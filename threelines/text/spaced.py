"""Words set apart by one blank each, whatever stands between them, and the way back.

A phrase is broken by a line's end in wrapped mail, by two blanks in a PDF, by `<br>` in a jobs board's export, by a star
or an emoji in a chat, by a hyphen. What a reader takes for the space between two words is one blank here: runs of blanks,
a single line's end, HTML's tags and references, marks of emphasis, pictures, a hyphen between two letters. An empty line
stays: what stands before and after it are not one phrase.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from unicodedata import category

_PICTURE = re.compile("[\u2190-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f0ff\U0001f200-\U0001faff]")
_MARKS = "\t*_~`"
_LINE = re.compile(r"\n(?<!\n\n)(?!\n)")
_HYPHEN = re.compile(r"-(?<=[^\W\d_]-)(?=[^\W\d_])")
_BLANKS = re.compile(r" [ \n]+|\n+ [ \n]*|\n{3,}")
_INLINE = "a|abbr|b|big|bdi|bdo|cite|code|em|font|i|ins|mark|s|small|span|strong|sub|sup|u|wbr"
_BLOCKS = (
    "article|aside|blockquote|body|br|button|center|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|head|header|hr"
    "|html|iframe|img|input|label|li|main|meta|nav|ol|option|p|pre|section|select|source|summary|table|tbody|td|tfoot|th"
    "|thead|tr|ul|video"
)
_ATTRIBUTES = r"""(?: {1,3}[a-z][\w:-]{0,40}=(?:"[^"<>]{0,400}"|'[^'<>]{0,400}'|[^ "'<>=]{1,400})){0,20} {0,3}/?"""
# No attribute without a value: "<b we took your passport>" is words to whoever is shown it as it stands.
_TAG = rf"<(?:/?(?:{_INLINE}|{_BLOCKS}){_ATTRIBUTES}|!--[^<>]{{0,400}}--)>"
_MARKED = re.compile(rf"{_TAG}|&(?:#\d{{1,7}}|#x[0-9a-f]{{1,6}}|[a-z]{{2,8}});")
_RUN = re.compile(rf"[ \n]*(?:{_MARKED.pattern})(?:[ \n]|{_MARKED.pattern})*|[ \n]{{2,}}")
_WITHIN = re.compile(rf"</?(?:{_INLINE})[ />]|<!")
"""Tags that a browser shows without a blank: `w<b>or</b>d` is read as one word."""


class Spaced(NamedTuple):
    """Text with one blank between words, and the way back."""

    text: str
    lines: str
    """The same with a line's end where one stood: a letter here is a letter there."""
    ends: tuple[int, ...] = ()
    """Places in `text` from which the next shift holds."""
    shifts: tuple[int, ...] = (0,)
    """How many letters fewer stand before a place here than in what was given."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where `text[start:end]` (not empty) stands in what was given."""
        if not self.ends:
            return start, end
        return start + self._shift(start), end + self._shift(end - 1)

    def _shift(self, at: int) -> int:
        return self.shifts[bisect_right(self.ends, at)]


def spaced(text: str) -> Spaced:
    """Set one blank for what stands between two words; `text` is folded (`fold`)."""
    lines = _plain(text)
    if "<" in lines or "&" in lines:
        return _shortened(lines, _RUN)
    if "  " in lines or " \n" in lines or "\n " in lines or "\n\n\n" in lines:
        return _shortened(lines, _BLANKS)
    return Spaced(_LINE.sub(" ", lines) if "\n" in lines else lines, lines)


def _plain(text: str) -> str:
    """Return the text with a blank for each mark that stands between words; its length stays."""
    for mark in _MARKS:
        text = text.replace(mark, " ")
    if not text.isascii():
        text = _PICTURE.sub(" ", text)
    return _HYPHEN.sub(" ", text) if "-" in text else text


def _shortened(text: str, runs: re.Pattern[str]) -> Spaced:
    pieces: list[str] = []
    ends: list[int] = []
    shifts = [0]
    at = length = 0
    for match in runs.finditer(text):
        put = _put(match[0])
        pieces += (text[at : match.start()], put)
        length += match.start() - at + len(put)
        at = match.end()
        if at - length != shifts[-1]:
            ends.append(length)
            shifts.append(at - length)
    pieces.append(text[at:])
    lines = "".join(pieces)
    return Spaced(_LINE.sub(" ", lines) if "\n" in lines else lines, lines, tuple(ends), tuple(shifts))


@lru_cache(maxsize=4096)
def _put(run: str) -> str:
    """Return what is read where a run of blanks, tags and references stands."""
    shown = _MARKED.sub(_shown, run) if "<" in run or "&" in run else run
    return _BLANKS.sub(_put_blanks, shown) if shown.strip() else _put_blanks(shown)


def _put_blanks(blanks: re.Match[str] | str) -> str:
    found = blanks if isinstance(blanks, str) else blanks[0]
    count = found.count("\n")
    return ("\n\n" if count > 1 else "\n" if count else " ") if found else ""


def _shown(mark: re.Match[str]) -> str:
    """Return what a browser shows for a tag or a reference."""
    if mark[0][0] == "<":
        return "" if _WITHIN.match(mark[0]) else " "
    meant = unescape(mark[0])
    if len(meant) == 1 and category(meant) == "Cf":
        return ""  # a soft hyphen, a joiner: shown as nothing
    return meant.casefold() if len(meant) == 1 and meant.isprintable() else " "
