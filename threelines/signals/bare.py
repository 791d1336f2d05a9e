"""Bare orders and states in English that any exam, ward, school trip or consulate also gives: "hand over your phone".

Beside another sign of control they count in full; alone, however many, they are weak and raise nobody.
"""

from __future__ import annotations

import re

_PAPERS = r"(?:passports?|id card|documents|papers)"
_PHONES = r"(?:phones?|mobiles?|mobile phones|sim card|sim)"
_BARE = {
    "CTL-07": re.compile(
        rf"(?:i|we)(?: have|['’]?ve got| are holding|['’]?ll take| will take| take) your {_PAPERS}"
        rf"|your {_PAPERS} (?:is|are|stay|stays|will stay) with us"
        rf"|(?:keep|keeping|keeps|hold|holding|have|has) your {_PAPERS} until"
        rf"|passports? will be (?:taken away|withheld|taken from)"
    ),
    "CTL-08": re.compile(
        rf"(?:hand|give) (?:over|in|up) (?:(?:your|all|the) )?{_PHONES}"
        rf"|(?:i|we) (?:have|keep|hold|check) your {_PHONES}"
        rf"|(?:your|all) {_PHONES} (?:stay|stays|are|is) with (?:me|us|the supervisor)"
        rf"|{_PHONES} (?:are|is|will be) (?:locked away|kept by|taken away|forbidden|checked|inspected)"
        rf"|you (?:may|can) only (?:use|have) (?:a|the|your) phone|(?:only|not allowed to) use your phone"
    ),
    "CTL-09": re.compile(
        r"(?:you )?(?:may not|must not|are not to|(?:are )?forbidden to|(?:are )?not permitted to) (?:leave|go outside|go out)\b.*"
        r"|(?:nobody|no one) (?:leaves|goes out|gets out|goes outside|may|can|is allowed to)\b.*"
        r"|(?:do not|don['’]?t) (?:leave|go out|go outside)\b.*|(?:leave|go out|go outside) without\b.*"
        r"|you (?:will not|won['’]?t|never) leave\b.*"
    ),
}
_TO_YOU = re.compile(
    r"(?:not|never) allowed to (?:leave|go out|go outside)\b.*|(?:cannot|can['’]?t|can not) (?:leave|go out of)\b.*"
)
_YOU = re.compile(r"\byou(?: are|['’]?re)? $")
_OURS = re.compile(r"\b(?:my|our) $")
_HELD = re.compile(
    r"\b(?:house|flat|apartment|farm|villa|compound|debts?|owe|owed|repay|repaid|paid back|pay back|ransom|targets?|quota|boss"
    r"|escape|hurt|beat|sell|sold)\b"
)
"""What holds people, or a threat: in the same sentence it takes the order out of any exam or ward."""
_SENTENCE_END = re.compile(r"[.!?;\n]")
_REST = 120
"""Characters of the sentence after a phrase that are read for what holds people."""
_AHEAD = 10
"""Characters before a phrase that may hold its "you are" or "our"."""


def bare(folded: str, start: int, end: int, indicator: str) -> bool:
    """Whether the words from `start` to `end` of a folded English text are a bare order or state of that sign."""
    said, ahead = folded[start:end], folded[max(0, start - _AHEAD) : start]
    words = _BARE.get(indicator)
    if words is None or _OURS.search(ahead):
        return False
    ordered = words.fullmatch(said) or (indicator == "CTL-09" and _TO_YOU.fullmatch(said) and _YOU.search(ahead))
    rest = _SENTENCE_END.split(folded[end : end + _REST], maxsplit=1)[0]
    return bool(ordered) and not _HELD.search(said + rest)
