"""What a text quotes: marks are paired by their shape, in the customs of many languages.

A mark that both opens and closes ("…", ”…”, »…«, '…') opens where a word may begin and closes where one may end, so that
`5" and 7"` and an apostrophe quote nothing. A short name in quotation marks ("Lux") is read on as it stands; but its closing
mark opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from threelines.signals.phrases import written_apart

LEAST = 8
"""Characters of the shortest text between two marks that counts as a quotation: what is shorter is a name or a title."""

_CLOSES = {
    '"': '"', "＂": "＂", "“": "”“", "„": "“”\"", "‟": "”", "”": "”", "«": "»", "»": "«»", "‹": "›", "›": "‹›",
    "‘": "’", "‚": "‘’", "’": "’", "'": "'", "「": "」", "『": "』", "｢": "｣", "〝": "〞〟", "﹁": "﹂", "﹃": "﹄",
}  # fmt: skip
"""Each mark that opens, and what closes it: “…”, „…“, „…”, ”…”, «…», »…«, »…», ‘…’, ‚…‘, 「…」."""
_EITHER = '"＂”»›'
"""Marks that open in one place and close in another."""
_APOSTROPHES = "'’"
_SINGLE = "'’‘‚"
"""Marks whose quotation ends with its line: an apostrophe may look like them."""
_MARK = re.compile(
    rf"(?<!\w)[{_APOSTROPHES}]|[{_APOSTROPHES}](?!\w)|[{re.escape(''.join(set(''.join(_CLOSES) + ''.join(_CLOSES.values())) - set(_APOSTROPHES)))}]"
)
_ELIDED = re.compile(r"(?:til|tis|twas|em|cause|bout|round|[a-z]|\d+s?)\b", re.IGNORECASE)
"""What follows an apostrophe that stands for letters left out: 'til, 'em, 's."""


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Yield what is quoted: from its opening mark to after the one that closes it; nothing inside another quotation."""
    marks = [match.start() for match in _MARK.finditer(text)]
    closed = dict.fromkeys(_CLOSES, 0)  # up to where a mark is known to have nothing that closes it
    at = 0
    while at < len(marks):
        start, mark = marks[at], text[marks[at]]
        at += 1
        if start < closed.get(mark, len(text)) or not _opens(text, start):
            continue
        line = text.find("\n", start) if mark in _SINGLE else -1
        limit = line if line >= 0 else len(text)
        for place in range(at, len(marks)):
            end = marks[place]
            if end >= limit:
                closed[mark] = limit
                break
            if text[end] in _CLOSES[mark] and _ends(text, end):
                at = place + 1
                if end - start > LEAST:
                    yield start, end + 1
                break
        else:
            closed[mark] = limit


def unquoted(text: str) -> str:
    """Return the text without what it quotes: the request alone."""
    pieces, at = [], 0
    for start, end in quoted(text):
        pieces += [text[at:start], ' "…" ']
        at = end
    return "".join([*pieces, text[at:]])


def _opens(text: str, at: int) -> bool:
    mark, before, after = text[at], text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if mark in _APOSTROPHES:
        return (
            not (before and (before.isalnum() or before in ".!?…"))
            and after.isalnum()
            and not _ELIDED.match(text, at + 1)
        )
    if mark not in _EITHER:
        return True
    if before and written_apart(before):
        return False
    return not after.isspace() or (mark in '"＂' and (not before or before.isspace() or before in "(:"))


def _ends(text: str, at: int) -> bool:
    mark, after = text[at], text[at + 1 : at + 2]
    if mark in _SINGLE and (text[at - 1].isspace() or (after and after.isalnum())):
        return False
    return mark not in '"＂' or not (after and written_apart(after))
