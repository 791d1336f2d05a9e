"""One form of names, telephone numbers and numbers of documents, however they are typed: for finding a person again, here and between
organisations. What this changes makes other tags: `register rotate-key` makes those of a register anew, and
so does a step of `Vault.migrate` where the old ones would join or lose people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain

import phonenumbers

from threelines.text.fold import ascii_digits, fold

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛`´ʹʻʼʽˈ′＇"))
# Arabic, Persian and Urdu keyboards have each their own yeh, kaf and heh; many people write no hamza and no ta marbuta.
_ARABIC = str.maketrans(
    {**dict.fromkeys("ىیېےۍ", "ي"), **dict.fromkeys("ةەہھۃۂۀ", "ه"), "ک": "ك", "ٱ": "ا", "ء": None, "ـ": None}
)
# Where a keyboard or a passport has no ä, ö, ü, å, æ or œ; `fold` leaves one letter of each of the first four.
_ONE_LETTER = {"ae": "a", "oe": "o", "ue": "u", "aa": "a", "æ": "a", "œ": "o"}
_TWO_LETTERS = re.compile("|".join(_ONE_LETTER))
_MARKS = re.compile("[\u064b-\u065f\u0670\u06d6-\u06ed]")
_SPACES = re.compile(r"\s+")
_LONGEST = 1000
"""Characters of a name or of a cell of numbers that are read: no person has more, and marks are put in order in the
square of their time."""
_SHORTEST = 5
"""Letters and digits of the number of a document, at least: by fewer many people would be one."""
_BETWEEN = re.compile(r"[,;|\n،؛]|(?<=\d)[\s/]*(?=\+)|\s*[^\W\d_]+[.:]?\s*")


def letters(text: str) -> str:
    """Return the text with one form of each Arabic letter, without marks over letters of that script and tatweel."""
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFKC", _MARKS.sub("", apart).translate(_ARABIC))


def name_forms(*parts: str) -> set[str]:
    """Return what two ways to write the parts of one name, given and family name last, have at least one of in common.

    The words in any order; and all in one, with either name first, for who parts words by hyphen or space and who does not.
    """
    words = [_words(part) for part in parts]
    if not any(words):
        return set()
    short = [[_TWO_LETTERS.sub(lambda found: _ONE_LETTER[found[0]], word) for word in each] for each in words]
    *given, family = ("".join(each) for each in short)
    sorted_words = (" ".join(sorted(chain.from_iterable(each))) for each in (words, short))
    return {"".join([*given, family]), "".join([family, *given]), *sorted_words}


def _words(text: str) -> list[str]:
    """Return the words of a name, folded: no apostrophe, and a hyphen parts two of them."""
    plain = letters(text[:_LONGEST].translate(_APOSTROPHES))
    return fold("".join(" " if unicodedata.category(c) == "Pd" else c for c in plain)).split()


def document(text: str) -> str:
    """Return the letters and digits of the number of a document in one form: every letter of its script, the digits 0 to 9.

    Empty where they are fewer than five, or no digit is among them: "none" is no number, and many people's answer.
    """
    plain = ascii_digits(letters(text[:_LONGEST].replace("№", " "))).casefold().upper()
    kept = "".join(letter for letter in plain if unicodedata.category(letter)[0] in "LMN")
    return kept if len(kept) >= _SHORTEST and re.search(r"\d", kept) else ""


def dialled(text: str) -> str:
    """Return the digits of a number, behind + where it begins with that or with 00."""
    return re.sub(r"^00", "+", re.sub(r"[^\d+]", "", ascii_digits(unicodedata.normalize("NFKC", text))))


def numbers(text: str) -> Iterator[str]:
    """Yield each number of a cell that holds one or several, as `dialled` gives them."""
    plain = _SPACES.sub(lambda run: "\n" if "\n" in run[0] else " ", text)  # a long run would cost its square
    for part in _BETWEEN.split(plain[:_LONGEST]):
        for mark in ("/", None):
            pieces = [dialled(piece) for piece in part.split(mark)]
            if len(pieces) > 1 and all(len(piece) >= 7 for piece in pieces):
                yield from pieces
                break
        else:
            yield dialled(part)


def e164(number: str, region: str) -> str:
    """Return a dialled number with its country code; raises NumberParseException where it has none."""
    found = phonenumbers.parse(number, region or None)
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))
