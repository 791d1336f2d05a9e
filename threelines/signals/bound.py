"""Who is bound, told in indirect words: "the family I work for has my passport", "madam says I go free when the ticket is paid".

Neither needs a word of threat or of keeping. What tells is who stands beside what, in one sentence: somebody the writer works
for and the writer's own papers; or what such a person says, going free, and what is to be paid before. The words are
`bound.toml`, which no speaker has read in any language but English: they send to help, and weigh nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import product

from threelines.signals.negation import CLAUSE_ENDS, SENTENCE_ENDS, family
from threelines.signals.phrases import Hit, Phrases, meet
from threelines.text.fold import fold
from threelines.vocabulary.terms import load

_END = re.compile(f"[{SENTENCE_ENDS}]")
_CLAUSE_END = re.compile(f"[{CLAUSE_ENDS}]")
_REACH = 160
"""Characters of a sentence that are read on either side of who holds."""
_STEP = 80
"""Characters after who holds in which the next is read with it: a text that names nobody else stays cheap."""
_FAR, _NEAR = 60, 25
"""Characters between who holds and what they do, and between that and the papers."""
_BESIDE, _BEFORE = 12, 6
"""Characters between a title and the office that follows, or precedes, it; `_BEFORE` also between papers and the word for a copy."""
_FIRST = ("i", "me")
_NO, _YES = "negation", "no_negation"

_Hits = Mapping[str, list[Hit]]


def binds(text: str) -> bool:
    """Whether a text tells that somebody has the writer's papers, or lets the writer go only when something is paid."""
    return next(bound(fold(text.replace("’", "'"))), None) is not None


def own_papers(folded: str) -> bool:
    """Whether a folded text speaks of the writer's own papers, in any language."""
    return bool(_papers().find(folded))


def bound(folded: str) -> Iterator[Hit]:
    """Yield where a folded text tells of it: the group is the language's code, the gap stands between who and what."""
    read: dict[str, int] = {}
    for anchor in _anchors().find(folded):
        if anchor.start < read.get(anchor.group, 0):
            continue
        start, end = _sentence(folded, anchor)
        read[anchor.group] = min(anchor.start + _STEP, end)
        sentence, parts = folded[start:end], dict[str, list[Hit]]()
        for hit in _parts(anchor.group).find(sentence):
            parts.setdefault(hit.group, []).append(hit)
        for name in ("holder", "at"):
            parts[name] = [who for who in parts.get(name, ()) if _employs(sentence, parts, who)]
        words = _words()[anchor.group]
        order = {"verb_first": "verb_first" in words}
        told = _kept(sentence, parts, **order) or _goes_free(parts, len(sentence), **order, when="when" in words)
        if told:
            gaps = tuple((start + low, start + high) for low, high in told.gaps)
            yield Hit(anchor.group, start + told.start, start + told.end, gaps)


def _kept(sentence: str, parts: _Hits, *, verb_first: bool) -> Hit | None:
    """Return where somebody the writer works for has the writer's own papers, not a copy, nor as the writer wished."""
    copies = parts.get("copy", ())
    papers = [own for own in parts.get("papers", ()) if not any(_beside(sentence, own, one) for one in copies)]
    if not papers or "wish" in parts:
        return None
    denied = (hit for hit in parts.get(_NO, ()) if not any(meet(hit, one) for one in parts.get(_YES, ())))
    others = [*parts.get("i", ()), *denied]
    for own, at in product(papers, parts.get("at", ())):
        taken = any(0 <= own.start - hit.end <= _NEAR for hit in parts.get("i", ()))
        if (
            0 <= at.start - own.end <= _NEAR
            and not taken
            and not any(own.end <= hit.start < at.start for hit in others)
        ):
            return Hit("", own.start, at.end)
    for does, own in product(parts.get("has", ()), papers):
        low, high = sorted((own, does), key=lambda hit: hit.start)
        if not 0 <= high.start - low.end <= _NEAR or _CLAUSE_END.search(sentence, low.end, high.start):
            continue
        for who in parts.get("holder", ()):
            first, last = (does, who) if verb_first and does.end <= who.start else (who, does)
            start, end = min(first.start, own.start), max(last.end, own.end)
            # "my boss came, and I have my passport": the writer is who has it
            if (
                0 <= last.start - first.end <= _FAR
                and not meet(own, who)
                and not any(start <= hit.start < end and not meet(hit, who) and not meet(hit, own) for hit in others)
            ):
                return Hit("", start, end, ((first.end, last.start),))
    return None


def _goes_free(parts: _Hits, end: int, *, verb_first: bool, when: bool) -> Hit | None:
    """Return where somebody the writer works for says that the writer goes free when something is paid, or still owes."""
    if "others" in parts or ("daily" in parts and "debt" not in parts):
        return None
    for who, says in product(parts.get("holder", ()), parts.get("says", ())):
        if not (who.end <= says.start or (verb_first and says.end <= who.start)):
            continue
        for owing in parts.get("owing", ()):
            if owing.start >= who.end:
                return Hit("", min(who.start, says.start), end)
        if (when and "when" not in parts) or all(meet(hit, who) for name in _FIRST for hit in parts.get(name, ())):
            continue
        for free, paid in product(parts.get("free", ()), parts.get("paid", ())):
            if not meet(free, paid) and min(free.start, paid.start) >= min(who.end, says.end):
                return Hit("", min(who.start, says.start), end)
    return None


def _employs(sentence: str, parts: _Hits, who: Hit) -> bool:
    """Whether a holder may be whom the writer works for: not their own family, nor a title beside an office ("the lady of the embassy")."""
    if any(meet(who, one) for one in parts.get("kin", ())):
        return False
    titles = [] if "work" in parts else [one for one in parts.get("title", ()) if meet(who, one)]
    said = [hit for name in ("has", "says", "papers") for hit in parts.get(name, ())]
    return not any(
        _beside(sentence, title, office, after=_BESIDE)
        and not any(title.end <= hit.start < office.start for hit in said)
        for title, office in product(titles, parts.get("office", ()))
    )


def _beside(sentence: str, one: Hit, other: Hit, after: int = _BEFORE) -> bool:
    """Whether the other stands right before or after the one, or meets it, in one clause; `after`: characters between at most."""
    if meet(one, other):
        return True
    low, high = sorted((one, other), key=lambda hit: hit.start)
    most = after if low is one else _BEFORE
    return high.start - low.end <= most and not _CLAUSE_END.search(sentence, low.end, high.start)


def _sentence(folded: str, hit: Hit) -> tuple[int, int]:
    """Return where the sentence of a hit stands, no further than what is read on either side."""
    low, high = max(0, hit.start - _REACH), min(len(folded), hit.end + _STEP + _REACH)
    start = max((match.end() for match in _END.finditer(folded, low, hit.start)), default=low)
    after = _END.search(folded, hit.end, high)
    return start, after.start() if after else high


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the phrases of `bound.toml`: language → part of the sentence → phrases."""
    return tomllib.loads((files("threelines") / "vocabulary" / "bound.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _anchors() -> Phrases:
    """Return who may hold somebody, in all languages: what most texts do not name."""
    return Phrases({code: [*words["holder"], *words["at"]] for code, words in _words().items()})


@lru_cache(maxsize=1)
def _papers() -> Phrases:
    """Return the writer's own papers, in all languages."""
    return Phrases({code: words["papers"] for code, words in _words().items()})


@lru_cache(maxsize=64)
def _parts(code: str) -> Phrases:
    """Return the parts of a language's sentences, with its words that deny; made when first asked for."""
    known = {name: said for name, said in _words()[code].items() if isinstance(said, list)}
    return Phrases({**known, **_denying().get(code, {})})


@lru_cache(maxsize=1)
def _denying() -> dict[str, dict[str, list[str]]]:
    """Return the words of each language that deny, and those that only seem to ("not only")."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, language in load().languages.items():
        words = found.setdefault(family(name), {_NO: [], _YES: []})
        words[_NO] += language.terms.get("negation", ())
        words[_YES] += language.terms.get("no_negation", ())
    return found
