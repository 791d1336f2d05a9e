"""Whose person words speak of: of the writer ("my passport"), or of the one who reads them ("your passport").

Only words that mean one person: Spanish "su" may be hers, his or yours, and says nothing.
"""

from __future__ import annotations

import re

_AHEAD = 24
"""Characters before a quote that may hold its subject: "you are" of "you are not allowed to leave"."""
_SUBJECT = 5
"""Characters before a quote that may hold the writer as its subject: "we " of "were made to scam"."""
_READER = re.compile(
    r"\b(?:you|your|yours|yourself|usted|ustedes|tu|tus|te|vous|votre|vos|ton|tes|du|dich|dir|dein\w*|euch|você|vocês|teu|teus"
    r"|ti|tuo|tua|tuoi|anda|kamu|kalian|awak|bạn|ikaw|kayo|inyo|iyong|wewe|yako|wako|zako|sen|seni|senin"
    r"|ты|тебя|твой|вы|вас|вам|ваш\w*|ти|тебе|ви)\b|[你您]|あなた|お前|おまえ|てめえ|貴様|당신|คุณ|आप|तुम|আপনা|তোমা|آپ|تمہار|أنت|သင်|မင်း|አንተ|አንቺ",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?;。！？；\n؟۔।።။]")
_WRITER = re.compile(r"\b(?:me|my|us|our)\b")
_NOT_DONE_TO = re.compile(r"\b(?:you|your|yours|owes? us|(?:with|by|for|on) (?:me|us)|our (?:side|friends))\b")
_SUFFERED = re.compile(
    r"(?:^|\W)(?:i|we)(?:'m|'re|’m|’re| am| are| was| were| get| got| have to| had to| must) (?!keep|hold)\w"
)
_OWN_DEED = re.compile(
    r"(?:^|\W)(?:i|we|i've|we've|i'll|we'll|i’ve|i’ll|to|can|can i|let me|i can|should i|please)\s+$"
)
_OFFICE = re.compile(r"\b(?:library|council|city|town|tax office|government|court)\s+$")
"""Who may fine anybody."""


def to_the_reader(text: str, start: int, end: int) -> bool:
    """Whether the words from `start` to `end`, with what stands before them in their sentence, speak to "you"."""
    ahead = _SENTENCE.split(text[max(0, start - _AHEAD) : start])[-1]
    return _READER.search(ahead + text[start:end]) is not None


def of_the_writer(folded: str, start: int, end: int) -> bool:
    """Whether the English words from `start` to `end` of a folded text say what another did to the writer.

    "They keep my passport" and "we are locked in" do, "they keep your passport", "I took my phone" and "the library fines
    us" do not.
    """
    said = folded[start:end]
    if _NOT_DONE_TO.search(said):
        return False
    if _SUFFERED.search(folded[max(0, start - _SUBJECT) : end]):
        return True
    if not _WRITER.search(said):
        return False
    ahead = folded[max(0, start - 12) : start]
    return _OWN_DEED.search(ahead) is None and _OFFICE.search(ahead) is None
