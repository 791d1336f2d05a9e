"""Run detectors on a thread, weigh what they saw, and explain: rules of judgement 1 to 8.

The combination rule is the ILO / European Commission one (Operational indicators, 2009): inside a
dimension, 2 strong; or 1 strong and 1 medium or weak; or 3 medium; or 2 medium and 1 weak. One
indicator alone means almost nothing: 98.4% of 430 ordinary migrant-job adverts had one
(Volodko, Cockbain & Kleinberg 2020).

Concern and AI use never touch each other (rule 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from threelines.records import THREAD_KINDS, Assessment, Elements, Signal, Thread, ThreadRef, Tier, places_of
from threelines.signals import SIGNALS, Detector
from threelines.signals.person import to_the_reader
from threelines.signals.reading import anything_said
from threelines.signals.voice import Voice, invites
from threelines.vocabulary.terms import IN_NEED, UNVERIFIED, WARNS, Indicator, Vocabulary

SUPPORT = "support"
"""Category of the indicators that mark help-seeking, reporting and quoting (rule 7)."""

RAISED = 0.5
"""Concern at and above which a thread is shown to a person. Below it: one or two loose signs."""

UNTOLD = "Whose voice it is could not be told from the words: they may be those of somebody in need or of a report."
"""Said where words of control stand alone: in many languages few words tell a threat from a plea (rule 7)."""

WARNED = (
    "The text warns or informs: all signs stand in quotation marks, under an “if” or in a list of signs to look for."
)
"""Said where nothing that counts is in the writer's own words (rule 7)."""

_FLOOR: dict[Tier, float] = {"none": 0.0, "look": RAISED, "priority": 0.75, "urgent": 0.9}
_CEILING: dict[Tier, float] = {"none": RAISED - 0.01, "look": 0.74, "priority": 0.89, "urgent": 1.0}
# Weights order threads inside a tier, nothing else; no source gives a numeric score (domain inventory, section 0).
_WEIGHT = {"strong": 0.35, "medium": 0.2, "weak": 0.08, "context": 0.0}
_AI_WEIGHT = {"strong": 0.8, "medium": 0.45, "weak": 0.15, "context": 0.0}

_RECRUITMENT = ("deceptive_recruitment", "coercive_recruitment", "vulnerability_recruitment")
_CONTROL = ("coercion_destination", "exploitation", "vulnerability_destination")


def assess(thread: Thread, vocabulary: Vocabulary, detectors: Sequence[Detector] = SIGNALS) -> Assessment:
    """Return what a person needs to decide about one thread."""
    signals = observe(thread, vocabulary, detectors)
    return judge(thread, signals, vocabulary)


def observe(thread: Thread, vocabulary: Vocabulary, detectors: Sequence[Detector] = SIGNALS) -> tuple[Signal, ...]:
    """Return every signal of the detectors that read this kind of thread, once each, in order."""
    asked = _asked(detectors)[thread.kind, anything_said(thread, vocabulary)]
    seen = [signal for detector in asked for signal in detector(thread, vocabulary)]
    if not seen:
        return ()
    held = thread.held
    place = {record.id: index for index, record in enumerate(held)}
    if len(place) < len(held):
        return tuple(_by_place(seen, thread))
    unique = {(s.indicator, s.record, s.start, s.end): s for s in seen}
    order = sorted(unique.values(), key=lambda s: (place.get(s.record, -1), s.start, s.end, s.indicator))
    return tuple(_longest(order))


def _by_place(seen: Sequence[Signal], thread: Thread) -> Iterator[Signal]:
    """Do the same where an export gives one id to several records: a signal belongs to the first that holds its words."""
    places: dict[int, dict[tuple[str, str, int, int], Signal]] = {}
    for s, place in zip(seen, places_of(seen, thread.held), strict=True):
        places.setdefault(place, {})[s.indicator, s.record, s.start, s.end] = s
    for index in sorted(places):
        yield from _longest(sorted(places[index].values(), key=lambda s: (s.start, s.end, s.indicator)))


_Asked = dict[tuple[str, bool], tuple[Detector, ...]]
_ASKED: list[tuple[Sequence[Detector], _Asked]] = [((), {})]
# One place, replaced as a whole, and compared by identity: to hash thirty functions for each thread took a microsecond.


def _asked(detectors: Sequence[Detector]) -> _Asked:
    """Return by kind of thread, with or without words of the vocabulary, the detectors that may see something in it."""
    known, asked = _ASKED[0]
    if known is not detectors or not isinstance(detectors, tuple):
        asked = {
            (kind, words): tuple(d for d in detectors if kind in d.reads and (words or not d.of_words))
            for kind in THREAD_KINDS
            for words in (False, True)
        }
        _ASKED[0] = (detectors, asked)
    return asked


def _longest(signals: list[Signal]) -> Iterable[Signal]:
    """Drop a quote that lies inside another one of the same indicator and record.

    The signals of a record come by start, then by end, and no two of one indicator quote the same place: so a quote
    lies inside another one if a later one starts where it does, or an earlier one ends no sooner.
    """
    widest = {(signal.indicator, signal.record, signal.start): signal.end for signal in signals}
    reached: dict[tuple[str, str], int] = {}
    for signal in signals:
        same = signal.indicator, signal.record
        if signal.end == widest[*same, signal.start] and signal.end > reached.get(same, -1):
            reached[same] = signal.end
            yield signal


def judge(thread: Thread, signals: Sequence[Signal], vocabulary: Vocabulary) -> Assessment:
    """Fold signals by the rules; a pure function of its arguments."""
    if not signals:
        return _nothing(thread)
    known = vocabulary.indicators
    support = _asks_for_help(signals, known)
    counted = [s for s in signals if known[s.indicator].counts and not s.shadow and not known[s.indicator].ai_use]
    # Words that no speaker has read are shown and count for nothing, not even for elements (rule 8).
    counted = [s for s in counted if known[s.indicator].category != SUPPORT and s.strength != "context"]
    positive = positive_dimensions(counted, known)
    tier, warned = _tier(counted, positive, known), False
    if support and tier != "none" and _same_voice(thread, signals, known):
        warned = _only_warned_of(thread, signals, counted)
        tier = "none" if warned else _tier_beside_need(thread, signals, counted, known)
    return Assessment(
        thread=_reference(thread),
        concern=_concern(counted, tier),
        tier=tier,
        ai_use=_ai_use(signals, known),
        capabilities=_capabilities(signals, known),
        support=support,
        elements=_elements(counted, known),
        signals=tuple(signals),
        explanation=WARNED if warned else explain(counted, positive, vocabulary, support=support),
        facts=dict(thread.facts) if thread.kind in ("script", "network") and thread.facts else msgspec.UNSET,
    )


def _nothing(thread: Thread) -> Assessment:
    return Assessment(
        thread=_reference(thread), concern=0.0, tier="none", ai_use=0.0, capabilities=(), support=False,
        elements=_NO_ELEMENTS, signals=(),
    )  # fmt: skip


_NO_ELEMENTS = Elements()


def _reference(thread: Thread) -> ThreadRef:
    return ThreadRef(kind=thread.kind, id=thread.id, records=tuple(record.id for record in thread.held))


def delphi(strengths: Iterable[str]) -> bool:
    """Return whether a dimension is positive: 2S, or 1S + 1 of M or W, or 3M, or 2M + 1W."""
    counts = {"strong": 0, "medium": 0, "weak": 0, "context": 0}
    for strength in strengths:
        counts[strength] += 1
    strong, medium, weak = counts["strong"], counts["medium"], counts["weak"]
    return strong >= 2 or (strong == 1 and medium + weak >= 1) or medium >= 3 or (medium == 2 and weak >= 1)


def positive_dimensions(signals: Iterable[Signal], known: dict[str, Indicator]) -> tuple[str, ...]:
    """Return the Delphi dimensions that are positive; an indicator counts once, at its strongest."""
    best: dict[str, dict[str, str]] = {}
    for signal in signals:
        of_dimension = best.setdefault(known[signal.indicator].dimension, {})
        rival = of_dimension.get(signal.indicator, "context")
        of_dimension[signal.indicator] = max(signal.strength, rival, key=_WEIGHT.__getitem__)
    return tuple(sorted(dimension for dimension, found in best.items() if delphi(found.values())))


def _tier(counted: Sequence[Signal], positive: tuple[str, ...], known: dict[str, Indicator]) -> Tier:
    recruitment = any(dimension in positive for dimension in _RECRUITMENT)
    control = any(dimension in positive for dimension in _CONTROL)
    child = any(known[signal.indicator].child for signal in counted)
    if (recruitment and control) or (child and positive):
        return "urgent"
    if control or child or len(positive) > 1:
        return "priority"
    return "look" if positive else "none"


def _concern(counted: Sequence[Signal], tier: Tier) -> float:
    """Place the thread inside its tier by how much was seen; rounded where it is made."""
    quiet = 1.0
    for strength in {s.indicator: s.strength for s in sorted(counted, key=lambda s: _WEIGHT[s.strength])}.values():
        quiet *= 1.0 - _WEIGHT[strength]
    low, high = _FLOOR[tier], _CEILING[tier]
    return round(low + (high - low) * (1.0 - quiet), 4)


def _ai_use(signals: Sequence[Signal], known: dict[str, Indicator]) -> float:
    best: dict[str, float] = {}
    for signal in signals:
        indicator = known[signal.indicator]
        if indicator.ai_use and indicator.evidence != UNVERIFIED and not signal.shadow:
            best[signal.indicator] = max(best.get(signal.indicator, 0.0), _AI_WEIGHT[signal.strength])
    quiet = 1.0
    for weight in best.values():
        quiet *= 1.0 - weight
    return round(1.0 - quiet, 4)


def _capabilities(signals: Sequence[Signal], known: dict[str, Indicator]) -> tuple[str, ...]:
    seen = (known[s.indicator] for s in signals if not s.shadow)
    return tuple(sorted({i.capability for i in seen if i.capability and i.evidence != UNVERIFIED}))


def _elements(counted: Sequence[Signal], known: dict[str, Indicator]) -> Elements:
    def values(element: str) -> tuple[str, ...]:
        return tuple(sorted({value for s in counted for value in known[s.indicator].palermo(element)}))

    return Elements(act=values("act"), means=values("means"), purpose=values("purpose"))


def _asks_for_help(signals: Sequence[Signal], known: dict[str, Indicator]) -> bool:
    return any(known[signal.indicator].category == SUPPORT and not signal.shadow for signal in signals)


def _same_voice(thread: Thread, signals: Sequence[Signal], known: dict[str, Indicator]) -> bool:
    """Whether the one who asks for help is also the one whose words were quoted (rule 7).

    Then the words are most likely a report. Where another account speaks them, its conduct stands. Who wrote without a
    name is the same only within one record.
    """
    held = (*thread.held, *thread.context)
    whole = {id(part): number for number, r in enumerate((*thread.records, *thread.context)) for part in r.held}
    places = places_of(signals, held)
    voices = [held[place].author or whole[id(held[place])] if place >= 0 else -1 for place in places]
    helped = {voice for s, voice in zip(signals, voices, strict=True) if known[s.indicator].category == SUPPORT}
    other = {
        voice
        for s, voice in zip(signals, voices, strict=True)
        if known[s.indicator].counts and known[s.indicator].category != SUPPORT and s.strength != "context"
    }
    return other <= helped


def _tier_beside_need(
    thread: Thread, signals: Sequence[Signal], counted: Sequence[Signal], known: dict[str, Indicator]
) -> Tier:
    """Return the tier of words that stand beside a plea or a report of the same voice.

    It is "look", with one exception: a phrase that is also used in everyday talk ("hit us with questions"), or in a
    campaign, must not disarm an advert. Where nothing that counts is what the writer tells of, what is said to "you"
    stands; beside words of a warning, what the writer says of themselves to "you".
    """
    asked = [s for s in signals if known[s.indicator].category == SUPPORT and not s.shadow]
    if tells(asked, counted):
        return "look"
    warns = any(s.indicator not in IN_NEED for s in asked)
    held = thread.held
    places = places_of(counted, held)
    voices = {place: Voice(held[place].text) for place in set(places) if warns and place >= 0}
    said = [
        s
        for s, place in zip(counted, places, strict=True)
        if place >= 0
        and to_the_reader(held[place].text, s.start, s.end)
        and not (warns and not voices[place].by_the_writer(s.start, s.end))
    ]
    tier = _tier(said, positive_dimensions(said, known), known)
    return tier if tier in ("priority", "urgent") else "look"


def _only_warned_of(thread: Thread, signals: Sequence[Signal], counted: Sequence[Signal]) -> bool:
    """Whether the text warns (SUP-04), and what counts is only quoted, supposed or listed in it, never the writer's own.

    Nor may a contact stand in any record of the thread, but a helpline's.
    """
    if not any(s.indicator == WARNS and not s.shadow for s in signals):
        return False
    held = thread.held
    places: dict[int, list[tuple[int, int]]] = {}
    for s, place in zip(counted, places_of(counted, held), strict=True):
        places.setdefault(place, []).append((s.start, s.end))
    if -1 in places or not all(Voice(held[place].text).only_spoken_of(spans) for place, spans in places.items()):
        return False
    return not any(invites(record.text) for record in held)


def tells(need: Iterable[Signal], counted: Iterable[Signal]) -> bool:
    """Whether words of need are words of a sign that counts too: "they took my passport" is the writer's own report."""
    places: dict[str, list[tuple[int, int]]] = {}
    for s in need:
        if s.indicator in IN_NEED:
            places.setdefault(s.record, []).append((s.start, s.end))
    return any(start < s.end and s.start < end for s in counted for start, end in places.get(s.record, ()))


def explain(counted: Sequence[Signal], positive: Sequence[str], vocabulary: Vocabulary, *, support: bool) -> str:
    """Say in plain words why the thread is shown, and what that does not mean."""
    sentences = []
    if support:
        sentences.append("The writer seems to ask for help or to report what happened: offer help first.")
    if positive:
        labels = ", ".join(vocabulary.elements["dimension"][dimension].lower() for dimension in positive)
        names = sorted({vocabulary.indicators[s.indicator].name for s in counted})
        sentences.append(f"Several published signs came together ({labels}): {'; '.join(names)}.")
        sentences.append(
            "Signs like these also occur in honest offers and talks; the innocent explanations stand beside each."
        )
        if not support and not set(positive) - set(_CONTROL):
            sentences.append(UNTOLD)
    elif counted:
        sentences.append("Single signs only: on their own they mean almost nothing.")
    return " ".join(sentences)
