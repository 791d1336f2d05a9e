"""Words that are only spoken of: quoted, supposed ("if they took your passport"), or listed as signs to look for.

They are somebody else's. What is left outside is the writer's own, and stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_QUOTED = re.compile(
    r"[“„][^“”„]{1,400}[”“]|«[^«»]{1,400}»|「[^「」]{1,400}」|『[^『』]{1,400}』|\"[^\"]{1,400}\""
    r"|(?<!\w)['‘](?=\w)(?:[^'‘’]|(?<=\w)['’](?=\w)){1,400}['’](?!\w)"
)
_SENTENCE = re.compile(r"[^.!?。！？\n؟۔।॥]+")
_SUPPOSED = re.compile(
    r"\b(?:if|whether|when (?:someone|somebody|anyone|an?)|nobody may|no one may|nobody can|no one can)\b"
    r" (?=.*\b(?:you|your|they|someone|somebody|anyone|an? (?:employer|agent|recruiter|job))\b)",
    re.IGNORECASE,
)
_THREAT = re.compile(r"\b(?:i|we|me|us|my|our|i'll|we'll|i’ll|we’ll)\b", re.IGNORECASE)
_LIST = re.compile(
    r"\b(?:(?:warning |common |typical |possible )?signs (?:of|that)|red flags|warning signs|know your rights)\b[^.!?\n]{0,80}[:\n]",
    re.IGNORECASE,
)
_LIST_END = re.compile(r"\n\s*\n")
_LINE = re.compile(r"\b(?:hotline|helpline|help line)\b", re.IGNORECASE)


def spoken_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of what the text quotes, supposes, or lists as signs; characters of the text."""
    for quoted in _QUOTED.finditer(text):
        yield quoted.span()
    for said in _SENTENCE.finditer(text):
        supposed = _SUPPOSED.search(said[0])
        if supposed and not _of_the_writer(said[0][supposed.start() :]):
            yield said.start() + supposed.start(), said.end()
    for head in _LIST.finditer(text):
        end = _LIST_END.search(text, head.end())
        listed = text[head.end() : end.start() if end else len(text)]
        if not _of_the_writer(listed):
            yield head.end(), head.end() + len(listed)


def only_spoken_of(text: str, places: Iterable[tuple[int, int]]) -> bool:
    """Whether all (start, end) lie in words that are only spoken of, and the writer offers or threatens nothing beside them."""
    spans = list(spoken_of(text))
    if not all(any(low <= start and end <= high for low, high in spans) for start, end in places):
        return False
    own = list(text)
    for low, high in spans:
        own[low:high] = " " * (high - low)
    return not _of_the_writer("".join(own))


def by_the_writer(text: str, start: int, end: int) -> bool:
    """Whether an I or a we stands in the words from `start` to `end` or before them in their sentence, not only spoken of."""
    if any(low <= start and end <= high for low, high in spoken_of(text)):
        return False
    around = next((said for said in _SENTENCE.finditer(text) if said.start() <= start < said.end()), None)
    return around is not None and _of_the_writer(text[around.start() : end])


def _of_the_writer(said: str) -> bool:
    """Whether the writer speaks of themselves, but for the number that they give: an offer or a threat is no warning."""
    return any(not _LINE.search(said, word.end(), word.end() + 40) for word in _THREAT.finditer(said))
