"""Words inside pictures, by Tesseract in a process of its own, in the languages whose packs are installed.

Read in the wrong language, a picture gives letters that look like words (a Cyrillic poster: `3apnnata KamKgylo`). So a
word counts only where Tesseract is sure of it, and a line only where it is sure of most of its letters: a Russian poster
read as English gives nothing, where it gave three lines. A language in the same letters is read nearly as its own: only
its marks are lost (Vietnamese as English).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from threelines.records import ThreelinesError

SECONDS = 20
"""A picture that takes longer is left unread."""
CONFIDENCE = 70.0
"""Least confidence of a word, 0 to 100, as Tesseract gives it: clean posters lie above 90 in their own language."""
LINE = 2 / 3
"""Least share of a line's letters of which it must be sure, or nothing of the line counts."""
GAP = 0.5
"""Room between two letters, in their height, that is a space in a script that writes no words apart."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef]{2}")
"""Two letters of Thai, Lao, Burmese, Khmer, Chinese or Japanese."""
PACKS = 12
"""More installed packs than this are not all used unasked: each makes every picture slower."""
_INSTALL = "on Debian: apt-get install tesseract-ocr"
_MISSING = f"tesseract is not installed; {_INSTALL}"
_PROGRAM = ("env", "OMP_THREAD_LIMIT=1", "tesseract") if os.name == "posix" else ("tesseract",)
"""One thread each: pictures are read side by side, within `--jobs`."""
_NO_PROGRAM = 127
"""What `env` returns where there is no such program."""
_OF_OUR_OWN = {
    "arb": "ara", "cmn": "chi_sim", "ekk": "est", "lvs": "lav", "nob": "nor", "nno": "nor", "pes": "fas", "prs": "fas",
    "swh": "swa", "tgl": "fil", "zho": "chi_sim", "zlm": "msa", "npi": "nep", "als": "sqi", "khk": "mon",
    "ydd": "yid", "uzn": "uzb", "azj": "aze", "quz": "que",
}  # fmt: skip
"""Where Tesseract names a language otherwise than we do."""
_TESSERACT = frozenset(
    "afr amh ara asm aze bel ben bod bos bre bul cat ceb ces chi_sim cos cym dan deu div dzo ell eng est eus fao fas fil fin fra"
    " fry gla gle glg guj hat heb hin hrv hun hye iku ind isl ita jav jpn kan kat kaz khm kir kmr kor lao lat lav lit ltz mal mar"
    " mkd mlt mon mri msa mya nep nld nor oci ori pan pol por pus que ron rus san sin slk slv snd spa sqi srp sun swa swe syr tam"
    " tat tel tgk tha tir ton tur uig ukr urd uzb vie yid yor".split()
)
"""Languages for which there is a pack (tesseract-ocr/tessdata)."""


class OcrError(ThreelinesError):
    """Tesseract, or a language pack that was asked for, is missing."""


class Words(NamedTuple):
    """What was read in a picture."""

    text: str = ""
    unsure: bool = False
    """Most of what looked like letters was left out, as Tesseract is not sure of it: no words, or another language's."""


def installed() -> tuple[str, ...]:
    """Return the installed language packs, sorted; those that read no language (`osd`) are left out."""
    import pytesseract

    try:
        return tuple(sorted(name for name in pytesseract.get_languages() if name not in ("osd", "equ", "snum")))
    except pytesseract.TesseractNotFoundError as missing:
        raise OcrError(_MISSING) from missing


def languages_for(asked: str = "") -> str:
    """Return Tesseract's languages to read in, joined by `+`: those that are asked for, else all that are installed."""
    known = installed()
    names = tuple(dict.fromkeys(name for name in asked.replace(",", "+").replace(" ", "+").split("+") if name))
    missing = [name for name in names if name not in known]
    if missing:
        packs = " ".join(f"tesseract-ocr-{name.replace('_', '-')}" for name in missing)
        raise OcrError(
            f"no language pack for {', '.join(missing)}; installed: {', '.join(known) or 'none'}; on Debian: apt-get install {packs}"
        )
    if not known:
        raise OcrError(f"no language pack of tesseract is installed; {_INSTALL}-eng")
    if not names and len(known) > PACKS:
        raise OcrError(
            f"{len(known)} language packs are installed, and each makes every picture slower; name those to use (--ocr-languages)"
        )
    return "+".join(names or known)


def lacking(iso639_3: str, used: str) -> str:
    """Return the pack that would read a language, where there is one and it is not used; else nothing."""
    pack = _OF_OUR_OWN.get(iso639_3, iso639_3)
    names = used.split("+")
    covered = pack in names or any(name.split("_")[0] == pack.split("_")[0] for name in names)
    return "" if covered or pack not in _TESSERACT else pack


def read_text(path: Path, *, languages: str = "") -> Words:
    """Return the words inside an image; `languages` are Tesseract codes (`eng+tha`), empty for Tesseract's own default."""
    command = [*_PROGRAM, str(path), "stdout", "--psm", "6", *(("-l", languages) if languages else ()), "tsv"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed program, path as one argument
    except subprocess.TimeoutExpired:
        return Words(unsure=True)
    except FileNotFoundError as missing:
        raise OcrError(_MISSING) from missing
    if done.returncode == _NO_PROGRAM:
        raise OcrError(_MISSING)
    return sure_words(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else Words(unsure=True)


class _Word(NamedTuple):
    """One row of Tesseract's table: in Thai, Chinese and the like it is a letter."""

    line: tuple[str, ...]
    left: int
    right: int
    height: int
    confidence: float
    text: str


def sure_words(table: str) -> Words:
    """Keep the words that Tesseract is sure of, line by line; `table` is its `tsv`."""
    lines, read, kept = [], 0, 0
    for _, found in groupby(_words(table), key=lambda word: word.line):
        words = list(found)
        sure = [word for word in words if word.confidence >= CONFIDENCE]
        letters, held = (sum(len(word.text) for word in some) for some in (words, sure))
        read += letters
        if held >= LINE * letters:
            lines.append(_joined(sure))
            kept += held
    return Words("\n".join(lines), unsure=2 * kept < read)


def _words(table: str) -> Iterator[_Word]:
    """Read the words: columns of `tsv` are level, page, block, paragraph, line, word, left, top, width, height, …"""
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            left, width, height = int(cells[6]), int(cells[8]), int(cells[9])
            yield _Word(tuple(cells[1:5]), left, left + width, height, float(cells[10]), cells[11].strip())


def _joined(words: list[_Word]) -> str:
    """Put a line together; scripts that write no words apart have a space only where there is room for one."""
    text = words[0].text
    for before, word in pairwise(words):
        close = word.left - before.right < GAP * max(before.height, word.height)
        text += ("" if close and _UNSPACED.match(before.text[-1] + word.text[0]) else " ") + word.text
    return text
