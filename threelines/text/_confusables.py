"""Unicode's own table of look-alike letters, cut down to "which Latin letter does this look like".

The data is Unicode's `confusables.txt` as packaged by `confusable-homoglyphs`; no private table.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

# Scripts whose letters are drawn to pass for Latin. Letters of other scripts that merely
# resemble one (Burmese, Thai digits, Han strokes) must keep their own identity.
_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "LATIN", "MATHEMATICAL", "SCRIPT", "ROMAN")

_DRAWN = re.compile(
    r"LATIN (?:SMALL |CAPITAL |SUBSCRIPT |MODIFIER )*LETTER "
    r"(?:SMALL CAPITAL |SMALL |CAPITAL |REVERSED |TURNED |OPEN |DOTLESS |SIDEWAYS |INSULAR |LONG |SCRIPT |BARRED )*"
    r"([A-Z])(?: WITH .*)?$"
)


def drawn(letter: str) -> str:
    """Return the Latin letter that Unicode names it after (`NEGATIVE CIRCLED LATIN CAPITAL LETTER A`), or nothing."""
    named = _DRAWN.search(unicodedata.name(letter, ""))
    return named[1].lower() if named else ""


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    raw = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text(encoding="utf-8"))
    table: dict[str, str] = {}
    for letter, look_alikes in raw.items():
        if len(letter) != 1 or letter.isascii() or not unicodedata.name(letter, "").startswith(_SCRIPTS):
            continue
        plain = sorted(
            entry["c"]
            for entry in look_alikes
            if len(entry["c"]) == 1 and entry["c"].isascii() and entry["c"].isalpha()
        )
        if plain:
            table[letter] = plain[0].lower()
    return table


def latin_skeleton(letter: str) -> str:
    """Return the Latin letter that this one is drawn like, or the letter itself."""
    return _table().get(letter, letter)


@lru_cache(maxsize=1)
def look_alikes() -> dict[str, str]:
    """Return, for every letter of any script, the ASCII letter or digit that Unicode calls confusable with it."""
    raw = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text(encoding="utf-8"))
    table: dict[str, str] = {}
    for letter in sorted(raw):
        shapes = {_bare(entry["c"]) for entry in raw[letter]}
        plain = sorted(shape for shape in shapes if len(shape) == 1 and shape.isascii() and shape.isalnum())
        if plain and len(letter) == 1 and not letter.isascii():
            table[letter] = plain[-1].lower()
    return table


def _bare(shape: str) -> str:
    """Drop combining strokes and dots: Unicode writes a barred d as d and a stroke."""
    return "".join(part for part in shape if not unicodedata.combining(part))
