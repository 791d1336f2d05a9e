"""Letters of any script in a PDF: each word in a font that has it, and what no font has is written out, not squares.

Fonts: Helvetica and Vera (most Latin), where the machine has them DejaVu Sans (all of Latin, Cyrillic, Greek, Armenian,
Georgian, Lao) and Noto Sans (Thai, Ethiopic), and the reader's own fonts for Chinese, Japanese and Korean (with Russian
and Greek letters, too). What runs from right to left would stand backwards and unjoined here and is written out; so are
scripts whose letters change shape beside each other (Devanagari, Khmer, Burmese …), for which no font is listed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from html import escape
from itertools import groupby
from typing import Any

_FILES = {
    "Vera": "Vera.ttf", "DejaVuSans": "DejaVuSans.ttf", "NotoSansThai": "noto/NotoSansThai-Regular.ttf",
    "NotoSansEthiopic": "noto/NotoSansEthiopic-Regular.ttf",
}  # fmt: skip
"""Vera comes with reportlab; the others are taken where the machine has them, as Debian and Ubuntu lay them down."""
_READERS = {"STSong-Light": "gbk", "HYSMyeongJo-Medium": "euc_kr", "HeiseiMin-W3": "shift_jis", "MSung-Light": "big5"}
"""Fonts that every PDF reader brings or fetches, and the character set that each is made for."""
_RIGHT_TO_LEFT = ("R", "AL", "AN")
UNPRINTABLE = "Some letters cannot be printed here (written as U+ and their number); the JSON has them."


def markup(text: str) -> tuple[str, bool]:
    """Return the text as reportlab's markup, and whether all of it can be printed."""
    parts, whole = [], True
    for word in re.split(r"(\s+)", unicodedata.normalize("NFC", text)):
        fonts = [_font(word)] if _font(word) else [_font(letter) for letter in word]
        letters = [word] if len(fonts) == 1 else list(word)
        for font, run in groupby(zip(fonts, letters, strict=True), key=lambda pair: pair[0]):
            said = "".join(letter for _, letter in run)
            whole = whole and font is not None
            parts.append(_run(said, font))
    return "".join(parts), whole


def _run(said: str, font: str | None) -> str:
    if font is None:
        return f"[{' '.join(f'U+{ord(letter):04X}' for letter in said)}]"
    return f'<font name="{font}">{escape(said)}</font>' if font else escape(said)


def _font(text: str) -> str | None:
    """Return the font that has every letter of a text: "" for the page's own, none if there is no such font."""
    if any(unicodedata.category(letter) == "Cc" and not letter.isspace() for letter in text):
        return None
    if _holds(text, "cp1252"):
        return ""
    if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text):
        return None
    for name in _FILES:
        if (glyphs := _glyphs(name)) and all(ord(letter) in glyphs for letter in text):
            return name
    return next((_reader(name) for name, charset in _READERS.items() if _holds(text, charset)), None)


def _holds(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _glyphs(name: str) -> frozenset[int]:
    """Return the letters of a font file, ready to be used; none where the machine has no such file."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        font: Any = TTFont(name, _FILES[name])
    except TTFError:
        return frozenset()
    pdfmetrics.registerFont(font)
    # a normal, bold and oblique face of one file, for styles that ask for them
    pdfmetrics.registerFontFamily(name, normal=name, bold=name, italic=name, boldItalic=name)
    return frozenset(font.face.charToGlyph)


@cache
def _reader(name: str) -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont(name))
    pdfmetrics.registerFontFamily(name, normal=name, bold=name, italic=name, boldItalic=name)
    return name
