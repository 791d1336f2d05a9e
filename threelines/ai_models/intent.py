"""What a requester asks a model to do: signs of a request, read from `requests.toml`, quoted as written.

A model's answer can look harmless while the request says what it is for; and a threat can be pasted
by the person who received it. So the request is read, from the requester's point of view, and the
signs join the same engine as everything else: they are indicators of one dimension, combined by the
same rule (`ruling`). A tale, a report or a wish of the owner lowers a block to a review; a claim to study, report, review
or prevent lowers what is seen one step; neither clears a request by itself. What is read is the request alone: without
what it quotes (unless all it orders is quoted), marks out of place and what tells of need.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from threelines.ai_models.denials import Denials
from threelines.ai_models.marks import Cleared, cleared
from threelines.ai_models.tongues import code_of, named_languages
from threelines.records import Record, Signal, Strength
from threelines.signals.bound import bound
from threelines.signals.negation import CLAUSE_ENDS, SENTENCE_ENDS
from threelines.signals.phrases import Hit, Phrases, Spans
from threelines.signals.pleas import beside, pleas
from threelines.signals.quotes import quoted, unquoted
from threelines.text.fold import Folded, fold, fold_back
from threelines.vocabulary.terms import TELLS, Indicator, Source, Vocabulary, load

DIMENSION = "request"
THREAT = "REQ-01"
"""What a text says, not what is asked: the only sign that is looked for inside quotation marks."""
DELIVERY = "REQ-06"
ORDER = "REQ-16"
HELD = "REQ-04"
STAGED = "REQ-14"
LIKENESS = "REQ-20"
LANGUAGES = "REQ-15"

MANY_LANGUAGES = 3
"""Target languages in one session from which fan-out is noted."""
ORDERED_STEPS = 3
"""Steps of persona → offer → translation → move, in this order, that are noted."""

_STEPS = {
    "persona": ("{profile|life story|persona} of", "{write|invent|create|make up|give me} .. {profile|persona|life story|recruiter}", "recruiter named", "you are a recruiter"),
    "offer": ("{job|work|study|modelling|au pair} {advert|advertisement|post|offer|flyer|ad}", "{advert|flyer|recruitment post|casting call|job post}"),
    "translation": ("translate .. {into|to}", "{in|into} {several|many|other|five|ten} languages"),
    "move": ("{private|another|secret|encrypted} {messenger|chat|app|group}", "{leave|leaves|leaving} the {app|platform|site}", "{move|moves|bring|brings} .. {private|messenger|telegram|whatsapp|signal|line|wechat|viber}"),
}  # fmt: skip


_NEED = ("own", "plea")
"""Stances of who tells of need."""
_TOLD = ("stance own", "stance plea")
_ORDERS = "stance order"
_HAND = "hand"
"""Group of what the writer says that they do, with the sign that it is, if any."""
_OWNER_AFTER = frozenset({"vi", "id", "th"})
"""Languages in which "my boss keeps" ends in "I keep": there the first person counts where a clause begins."""
_ADDRESSEE = "addressee"
"""Group of words for whom a text is written to: beside words of control it is about people at work."""
_NEARLY = 12
"""Characters outside quotation marks of a text that is nearly all quoted."""
_ANSWERED = {"zh-Hans": "zh"}
"""Languages of the vocabulary whose answer stands under another code."""


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sign of a request; English is reviewed, every other language is not."""

    id: str
    name: str
    description: str
    elements: tuple[str, ...]
    strength: Strength
    look_alikes: str
    capability: str = ""
    needs: str = ""
    """A stance that must stand in the same request, or the sign is not seen."""
    words: dict[str, tuple[str, ...]]
    by_author: dict[str, tuple[str, ...]] = {}
    """Words of it that say what the writer does: they are no plea."""
    unless: dict[str, tuple[str, ...]] = {}
    """Phrases that say the opposite (a warning, the workers' own papers): words of the sign that they share are none."""


class Reading(NamedTuple):
    """One request, read."""

    signals: tuple[Signal, ...]
    unreviewed: frozenset[tuple[str, int]]
    """(indicator, start) of signals whose words nobody has reviewed yet."""
    own_situation: bool
    """The writer tells of what happens to them, or asks for help for somebody."""
    pleads: bool
    """Help is asked for in words of everyday life as well."""
    own_in: tuple[str, ...]
    """For each place where that was said in words of another language than English: its code."""
    about: bool
    """The writer says that they study, report, review or prevent it: a claim, so it asks for one more sign."""
    topic: bool
    """A kind of text or of reader is named that goes with such a claim, and with anything else."""
    orders: bool
    """Something is ordered from the model, not only told or asked."""
    steps: tuple[str, ...]
    """Tasks asked for, in the order of the text."""
    languages: frozenset[str]
    """Codes of the languages that are named in a list, or after "into"."""
    framed: bool
    """It is a tale, a report of what was found, or about papers that are kept as their owner wishes; and nobody is to sign or use it."""
    quoted: bool
    """All that is ordered stands in quotation marks, so that what they hold is read: it never helps to block."""
    asked: str
    """What is asked of the model: the text without quotations, without marks out of place, and without what tells of need."""
    asks: bool
    """Whether that orders something."""

    @property
    def claims(self) -> bool:
        """Whether it weighs less, by what it says of its writer or by the kind of text it names."""
        return self.about or self.topic


class _Sayings(Phrases):
    """Phrases of requests; who tells of being bound (`signals.bound`) tells of need, in the language of the words."""

    def find(self, folded: str) -> list[Hit]:
        """Return every hit, by place; hits of one group may overlap."""
        told = (hit._replace(group=f"{_TOLD[0]} {hit.group}".removesuffix(" en")) for hit in bound(folded))
        return sorted([*super().find(folded), *told], key=lambda hit: (hit.start, hit.end, hit.group))


class Requests:
    """The signs of requests as one automaton; made once."""

    def __init__(self, text: str) -> None:
        table = tomllib.loads(text)
        self.policy: str = table["id"]
        self.version: str = table["version"]
        self.signs = {entry["id"]: msgspec.convert(entry, Sign) for entry in table["sign"]}
        self._source = table["source"]
        groups: dict[str, list[str]] = {}
        for sign in self.signs.values():
            for language, phrases in sign.words.items():
                groups.setdefault(f"{sign.id} {language}", []).extend(phrases)
            for language, phrases in sign.by_author.items():
                groups.setdefault(f"{_HAND} {sign.id} {language}", []).extend(phrases)
            groups[f"unless {sign.id}"] = [phrase for phrases in sign.unless.values() for phrase in phrases]
        for name, phrases in table["stance"].items():
            groups.setdefault(f"stance {name}", []).extend(phrases)
        groups[_ADDRESSEE] = [phrase for phrases in table["addressee"].values() for phrase in phrases]
        groups[_HAND] = [phrase for phrases in table["hand"].values() for phrase in phrases]
        for stance, words in {"own": table["told_words"], **pleas()}.items():
            for language, phrases in words.items():
                # the English list has no code in its name
                groups.setdefault(f"stance {stance} {language}".removesuffix(" en"), []).extend(phrases)
        vocabulary = load()
        for language, phrases in vocabulary.voices[TELLS].items():
            groups.setdefault(f"stance own {_ANSWERED.get(language, language)}".removesuffix(" en"), []).extend(phrases)
        for name, step in _STEPS.items():
            groups[f"step {name}"] = list(step)
        self._telling = {name: name[11:].strip() or "en" for name in groups if name[:10] == "stance own"}
        self._denials = Denials(vocabulary)
        self._phrases = _Sayings(groups | self._denials.groups)

    def join(self, vocabulary: Vocabulary) -> Vocabulary:
        """Return the vocabulary with the signs of requests as indicators of their own dimension."""
        dimensions = {**vocabulary.elements["dimension"], DIMENSION: "Requests to an AI model"}
        indicators = {**vocabulary.indicators, **{sign.id: self._indicator(sign) for sign in self.signs.values()}}
        for key, name, strength in (
            (STAGED, "The steps of a recruitment, in order", "medium"),
            (LANGUAGES, "One text into many languages", "weak"),
            (LIKENESS, "Reads like requests made to deceive or control people", "weak"),
        ):
            base = self._indicator(next(iter(self.signs.values())))
            indicators[key] = msgspec.structs.replace(
                base, id=key, name=name, strength=strength, elements=("act:recruitment",), capability="automation",
                description="Seen over the turns of one session, whatever the words.",
                look_alikes="Honest recruiters and translators do the same openly.",
            )  # fmt: skip
        return msgspec.structs.replace(
            vocabulary, indicators=indicators, elements={**vocabulary.elements, "dimension": dimensions}
        )

    def _indicator(self, sign: Sign) -> Indicator:
        return Indicator(
            id=sign.id, name=sign.name, description=sign.description, category="request", elements=sign.elements,
            dimension=DIMENSION, strength=sign.strength, strength_basis="assumption, set on packaged scenarios",
            evidence="read in source", look_alikes=sign.look_alikes, capability=sign.capability,
            next_step="Read the whole session before you decide.", sources=(Source(organisation=self._source),),
        )  # fmt: skip

    def read(self, record: Record) -> Reading:
        """Read one request."""
        way = _Way(record.text)
        text, folded = way.text, way.folded
        hits = self._phrases.find(folded)
        hits += [hit._replace(group=hit.group[len(_HAND) + 1 :]) for hit in hits if _by_author(folded, hit)]
        hits = _heard(folded, hits)
        denied = set(self._denials.among(folded, hits, self._telling))
        voices = [
            hit
            for hit in hits
            if hit.group[:7] == "stance " and hit not in denied and not (_idle(folded, hit) and way.inside(hit))
        ]
        said = [hit.group.split() for hit in voices]
        stances = {stance for _, stance, *_ in said}
        quotes = list(quoted(record.text))
        alone = _all_quoted(way, quotes, [hit for hit in voices if hit.group == _ORDERS])
        grave = _beside_threat(hits) or beside(folded, _placed(hits))
        own = "own" in stances or ("plea" in stances and grave)
        signals, unreviewed = self._signals(record, way, hits, stances, Spans(() if alone else quotes))
        if not own:
            signals |= self._addressed(record, way, hits, signals, orders="order" in stances)
        asked = cleared(record.text if alone else unquoted(record.text)).text if quotes else way.cleared.text
        asked, asks = self._beside_need(asked) if own else (asked, "order" in stances)
        return Reading(
            signals=tuple(signals[key] for key in sorted(signals, key=lambda key: (key[1], key[0]))),
            unreviewed=frozenset(unreviewed),
            own_situation=own,
            pleads="plea" in stances,
            own_in=tuple(language for _, stance, *languages in said if stance in _NEED for language in languages),
            about=bool(stances & {"knowledge", "reviewer", "helper"}),
            topic="topic" in stances,
            orders="order" in stances,
            steps=tuple(dict.fromkeys(hit.group.split()[1] for hit in hits if hit.group[:5] == "step ")),
            languages=_languages(text) | named_languages(folded),
            quoted=alone,
            asked=asked,
            asks=asks,
            framed="frame" in stances and "used" not in stances,
        )

    def _beside_need(self, text: str) -> tuple[str, bool]:
        """Return what is said beside sentences that tell of need or of a threat, and whether it orders something.

        Of such a sentence, what it orders stays, from the clause on in which it does.
        """
        back = fold_back(text.replace("’", "'"))
        told, orders = [], []
        for hit in self._phrases.find(back.text):
            if hit.group.startswith((*_TOLD, THREAT)):
                told.append((hit.start, hit.end))
            elif hit.group == _ORDERS and not _idle(back.text, hit):
                orders.append((hit.start, hit.end))
        tells, ordered, kept = Spans(told), Spans(orders), []
        for start, end in _pieces(_SENTENCE_ENDS, back.text, 0, len(back.text)):
            if not tells.meet(start, end):
                kept.append((start, end))
                continue
            clauses = list(_pieces(_CLAUSE_ENDS, back.text, start, end))
            first = next((number for number, one in enumerate(clauses) if ordered.meet(*one)), len(clauses))
            kept += [one for one in clauses[first:] if ordered.meet(*one) or not tells.meet(*one)]
        asked = " ".join(text[slice(*back.span(*one))].strip() for one in kept)
        return asked, any(ordered.meet(*one) for one in kept)

    def _signals(
        self, record: Record, way: _Way, hits: list[Hit], stances: set[str], quotes: Spans
    ) -> tuple[dict[tuple[str, int], Signal], set[tuple[str, int]]]:
        """Return signals by indicator and place, and which of them rest on unreviewed words."""
        found: dict[tuple[str, int], Signal] = {}
        unreviewed: set[tuple[str, int]] = set()
        denied = _denied(way.folded, hits)
        for hit in hits:
            kind, _, language = hit.group.partition(" ")
            if kind[:4] != "REQ-" or (kind in denied and denied[kind].meet(hit.start, hit.end)):
                continue
            sign = self.signs[kind]
            if sign.needs and sign.needs not in stances:
                continue
            start, end = way.span(hit)
            if kind != THREAT and quotes.hold(start, end):
                continue
            if language != "en":
                unreviewed.add((kind, start))
            found[kind, start] = self._signal(record, sign, start, end)
        return found, unreviewed

    def _addressed(
        self, record: Record, way: _Way, hits: list[Hit], found: Mapping[tuple[str, int], Signal], *, orders: bool
    ) -> dict[tuple[str, int], Signal]:
        """Return the sign of an order about work, if words of control are to be told to somebody who is only called `her` or `the group`."""
        kinds = {kind for kind, _ in found}
        first = next((hit for hit in hits if hit.group == _ADDRESSEE), None)
        if first is None or not orders or ORDER in kinds or not kinds & {THREAT, HELD}:
            return {}
        start, end = way.span(first)
        return {(ORDER, start): self._signal(record, self.signs[ORDER], start, end)}

    def _signal(self, record: Record, sign: Sign, start: int, end: int) -> Signal:
        return Signal(
            indicator=sign.id, record=record.id, quote=record.text[start:end], start=start, end=end,
            strength=sign.strength, detail=sign.name + ".", detector="asks_of_model",
        )  # fmt: skip


class _Way:
    """A text as phrases are looked for in it, with the way back."""

    def __init__(self, text: str) -> None:
        self._original = text
        self.cleared: Cleared = cleared(text)
        self.text = self.cleared.text.replace("’", "'")
        self.folded = fold(self.text)

    def span(self, hit: Hit) -> tuple[int, int]:
        """Return where in the original a hit stands."""
        start, end = self._back.span(hit.start, hit.end)
        return self.cleared.places[start], self.cleared.places[end - 1] + 1

    def inside(self, hit: Hit) -> bool:
        """Whether no mark that was taken away stood before a word that is inside a clause without it."""
        if self.cleared.text == self._original:
            return True
        start, _ = self.span(hit)
        return not _OPENS.search(self._original[max(0, start - _LOOKED) : start])

    @cached_property
    def _back(self) -> Folded:
        return fold_back(self.text)


def _all_quoted(way: _Way, quotes: list[tuple[int, int]], orders: list[Hit]) -> bool:
    """Whether all that is ordered stands inside quotations, or nearly all of the text does."""
    held = Spans(quotes)
    if not quotes or not all(held.hold(*way.span(hit)) for hit in orders):
        return False
    return bool(orders) or len(way.cleared.places) - sum(end - start for start, end in quotes) < _NEARLY


def _pieces(ends: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what stands between ends of sentences or clauses, with the one after it."""
    for match in ends.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end


def _by_author(folded: str, hit: Hit) -> bool:
    """Whether a phrase is a sign in the first person: what its writer does."""
    group, _, rest = hit.group.partition(" ")
    if group != _HAND or not rest:
        return False
    return rest.rpartition(" ")[2] not in _OWNER_AFTER or bool(
        _BEGINS.search(folded[max(0, hit.start - _LOOKED) : hit.start])
    )


def _heard(folded: str, hits: list[Hit]) -> list[Hit]:
    """Return the hits without what sounds like need and is none: what the writer does, and signs inside an order."""
    hands = Spans((hit.start, hit.end) for hit in hits if hit.group == _HAND or _by_author(folded, hit))
    signs = Spans(
        (hit.start, hit.end) for hit in hits if hit.group[:4] == "REQ-" and hit.group[:6] not in (ORDER, DELIVERY)
    )
    orders = sorted(hit.end for hit in hits if hit.group == _ORDERS and not _idle(folded, hit))
    ends = [match.start() for match in _SENTENCE_ENDS.finditer(folded)]

    def ordered(hit: Hit) -> bool:
        last, end = bisect_right(orders, hit.start), bisect_right(ends, hit.start)
        return last > 0 and (end == 0 or ends[end - 1] < orders[last - 1])

    def unheard(hit: Hit) -> bool:
        if hit.group.startswith("stance plea"):
            return signs.meet(hit.start, hit.end) and ordered(hit)
        return hit.group.startswith(("stance own", "stance matter")) and hands.meet(hit.start, hit.end)

    return [hit for hit in hits if not unheard(hit)]


def _beside_threat(hits: list[Hit]) -> bool:
    """Whether a plea and a threat stand in the text, in other words."""
    threats = [hit for hit in hits if hit.group.startswith(THREAT)]
    first_end, last_start = (
        min((hit.end for hit in threats), default=0),
        max((hit.start for hit in threats), default=-1),
    )
    return bool(threats) and any(
        last_start >= hit.end or first_end <= hit.start for hit in hits if hit.group.startswith("stance plea")
    )


def _placed(hits: Iterable[Hit]) -> Iterator[tuple[str, str, Hit]]:
    """Yield (stance, language, hit) of what tells who speaks."""
    for hit in hits:
        if hit.group.startswith("stance "):
            _, stance, *language = hit.group.split()
            yield stance, language[0] if language else "en", hit


def _denied(folded: str, hits: list[Hit]) -> dict[str, Spans]:
    """Return where each sign that has phrases for the opposite is denied."""
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.group[:7] == "unless ":
            found.setdefault(hit.group[7:], []).append(hit)
    return {
        kind: Spans((hit.start, hit.end) for hit in denials if not _goes_on(folded, hit, denials))
        for kind, denials in found.items()
    }


def _goes_on(folded: str, hit: Hit, denials: list[Hit]) -> bool:
    """Whether a text goes to somebody else as well, whom no other denial names."""
    further = _AND_TO.match(folded, hit.end) is not None
    return further and not any(other.start < hit.end < other.end for other in denials)


_AND_TO = re.compile(r",?\s*(?:and|plus|then|as well as)\s+(?:also\s+|then\s+)?to\b")
"""What stands between two to whom a text goes."""


_OPENS = re.compile(r"(?:\A|[^\w\s']|\n|\b(?:please|but|so|now|then|also|to))\s*$")
"""What stands before a word that orders: "write" in "leave the app and write" orders nothing."""


_BEGINS = re.compile(rf"(?:\A|[{SENTENCE_ENDS}{CLAUSE_ENDS}:：\n]|[\u0e00-\u0e7f] )\s*$")
"""What stands before the first word of a clause; in Thai a space does."""
_LOOKED = 12
"""Characters before a word that are looked at."""


def _idle(folded: str, hit: Hit) -> bool:
    """Whether a single English word of order stands inside a clause."""
    word = folded[hit.start : hit.end]
    return (
        hit.group == "stance order"
        and word.isascii()
        and " " not in word
        and not _OPENS.search(folded[max(0, hit.start - _LOOKED) : hit.start])
    )


_SENTENCE_ENDS = re.compile(rf"[{SENTENCE_ENDS}][{SENTENCE_ENDS}\s]*")
_CLAUSE_ENDS = re.compile(rf"[{CLAUSE_ENDS}:：][{CLAUSE_ENDS}:：\s]*")
_INTO = re.compile(r"\b(?:into|in|to)\s+((?:[A-Z][a-zé]+(?:\s*,\s*|\s+and\s+|\s*/\s*)?){1,12})")
_NAMES = re.compile(r"[A-Z][a-zé]+")


def _languages(text: str) -> frozenset[str]:
    """Return codes of the languages that follow an English "into": `into Nepali`."""
    names = (name for group in _INTO.findall(text) for name in _NAMES.findall(group))
    return frozenset(code for name in names if (code := code_of(fold(name))))


@lru_cache(maxsize=1)
def requests() -> Requests:
    """Return the packaged signs of requests."""
    return Requests((files("threelines") / "ai_models" / "requests.toml").read_text(encoding="utf-8"))


def steps_in_order(steps: Iterator[str] | tuple[str, ...]) -> int:
    """Return how many steps of persona → offer → translation → move came in this order."""
    order = {name: place for place, name in enumerate(_STEPS)}
    best: dict[int, int] = {}
    for step in steps:
        place = order[step]
        best[place] = max(best.get(place, 0), 1 + max((best[p] for p in best if p < place), default=0))
    return max(best.values(), default=0)
