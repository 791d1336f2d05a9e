"""Which script a text is written in (ISO 15924 codes), letter by letter, for batches too."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NAMES: dict[str, str] = {
    "LATIN": "Latn", "GREEK": "Grek", "CYRILLIC": "Cyrl", "ARMENIAN": "Armn", "HEBREW": "Hebr", "ARABIC": "Arab",
    "SYRIAC": "Syrc", "THAANA": "Thaa", "NKO": "Nkoo", "DEVANAGARI": "Deva", "BENGALI": "Beng", "GURMUKHI": "Guru",
    "GUJARATI": "Gujr", "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu", "KANNADA": "Knda", "MALAYALAM": "Mlym",
    "SINHALA": "Sinh", "THAI": "Thai", "LAO": "Laoo", "TIBETAN": "Tibt", "MYANMAR": "Mymr", "GEORGIAN": "Geor",
    "HANGUL": "Hang", "ETHIOPIC": "Ethi", "CHEROKEE": "Cher", "CANADIAN": "Cans", "OGHAM": "Ogam", "RUNIC": "Runr",
    "TAGALOG": "Tglg", "KHMER": "Khmr", "MONGOLIAN": "Mong", "LIMBU": "Limb", "NEW": "Talu", "BUGINESE": "Bugi",
    "BALINESE": "Bali", "SUNDANESE": "Sund", "BATAK": "Batk", "LEPCHA": "Lepc", "OL": "Olck", "TIFINAGH": "Tfng",
    "HIRAGANA": "Jpan", "KATAKANA": "Jpan", "BOPOMOFO": "Bopo", "CJK": "Hani", "YI": "Yiii", "LISU": "Lisu",
    "VAI": "Vaii", "BAMUM": "Bamu", "JAVANESE": "Java", "CHAM": "Cham", "MEETEI": "Mtei", "ADLAM": "Adlm",
    "GRANTHA": "Gran", "CHAKMA": "Cakm", "TAI": "Lana", "OSAGE": "Osge", "GOTHIC": "Goth", "DESERET": "Dsrt",
    "MENDE": "Mend", "SAMARITAN": "Samr", "SAURASHTRA": "Saur", "KAYAH": "Kali", "REJANG": "Rjng", "PHAGS-PA": "Phag",
}  # fmt: skip
"""First word of a letter's Unicode name → ISO 15924. `TAI` is Tai Tham here; Tai Le is rare enough to share it."""

CODES: tuple[str, ...] = ("", *sorted(set(NAMES.values())))
_SIZE = 0x20000


@lru_cache(maxsize=1)
def table() -> NDArray[np.uint8]:
    """Return for each code point below U+20000 the place of its script in `CODES`; 0 is no script."""
    place = {code: index for index, code in enumerate(CODES)}
    found = np.zeros(_SIZE, dtype=np.uint8)
    for code in range(_SIZE):
        letter = chr(code)
        if unicodedata.category(letter)[0] in "LM":
            found[code] = place[NAMES.get(unicodedata.name(letter, "").split(" ")[0], "")]
    return found


def counts(codes: NDArray[np.uint32], owner: NDArray[np.int64], texts: int) -> NDArray[np.int64]:
    """Return how many letters of each script each text has, shape (texts, len(CODES))."""
    flat = np.bincount(owner * len(CODES) + _places(codes), minlength=texts * len(CODES))
    return flat.reshape(texts, len(CODES))


def only(text: str, places: Collection[int]) -> str:
    """Return a text with blanks for the letters of other scripts than these places in `CODES`; what has none stays."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kept = np.zeros(len(CODES), dtype=np.bool_)
    kept[[0, *places]] = True
    return np.where(kept[_places(codes)], codes, ord(" ")).astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _places(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return for each code point the place of its script in `CODES`."""
    place = table()[np.minimum(codes, _SIZE - 1)].astype(np.int64)
    place[codes >= _SIZE] = CODES.index("Hani")  # planes 2 and 3 hold ideographs only
    return place
