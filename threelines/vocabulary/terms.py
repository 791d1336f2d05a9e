"""Read the vocabulary: one file per indicator, one per language, checked once at the boundary."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from threelines.records import Strength, ThreelinesError

Evidence = Literal[
    "read in source",
    "read in source (excerpt)",
    "read in source (secondary)",
    "from general knowledge, unverified",
]
UNVERIFIED = "from general knowledge, unverified"
TELLS = "SUP-03"
"""Tells what happened to the writer, or to a relative."""
IN_NEED = ("SUP-02", TELLS)
"""Asks to get out, or tells what happened."""
WARNS = "SUP-04"
"""Warns others or informs the public."""
INFORMS = (WARNS, "SUP-05")
"""Warns, informs, or writes to help: no need of the writer's own."""

Column = Literal["person", "thing", "text", "part", "code", "no_text"]
"""What a table's column holds: a person's name, account, number or address; a thing's name (a company names nobody); what
somebody wrote; a part of an advert beside its description (pay, place); digits that dial nobody (a postal code, an order);
`no_text`: a word that says that it holds no words, or another one's (`title_url`, `message_id`, `quoted_text`)."""

_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_Key = TypeVar("_Key", bound=str)


class VocabularyError(ThreelinesError):
    """A vocabulary file cannot be used: its text names the file, the fault and the remedy."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an indicator or phrase was published."""

    organisation: str
    title: str = ""
    year: str = ""
    address: str = ""


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence that shows, or must not show, the indicator. Every example is a test."""

    text: str
    shows: bool
    language: str = ""


class Phrase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that show an indicator.

    `{a|b}` lists alternatives, `{a|}` makes a word optional, ` .. ` allows a gap (no sentence end
    inside) of up to 40 characters, or 10 in a language that writes no spaces. Everything is
    compared after folding.
    """

    indicator: str
    text: str
    source: str
    """A key of the file's `[sources]`: who published the words."""
    evidence: Evidence = "read in source (secondary)"


class Seed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phrases of the language in which an indicator was published; its sources are theirs."""

    language: str
    phrases: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    """Regular expressions of folded words: a phrase that one matches whole is weak alone (`signals/bare.py`)."""

    def __post_init__(self) -> None:
        for pattern in self.bare:
            try:
                re.compile(pattern)
            except re.error as fault:
                raise ValueError(f"bare: {pattern!r} is no regular expression: {fault}") from fault


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An indicator that a source weighs higher beside others in the same offer."""

    together_with: tuple[str, ...]
    strength: Strength
    basis: str


class Indicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published sign, with what it does and does not mean."""

    id: str
    name: str
    description: str
    category: str
    elements: tuple[str, ...] = ()
    """`act:recruitment`, `means:deception`, `purpose:forced_labour`."""
    dimension: str = "context"
    """ILO/EC Delphi dimension: the combination rule is applied inside one."""
    strength: Strength = "weak"
    strength_basis: str = ""
    evidence: Evidence
    look_alikes: str
    """Innocent explanations: shown to the reviewer with every signal."""
    next_step: str = ""
    """What a person can do to find out."""
    ask: str = ""
    """The same for the person concerned, in the second person; without it `next_step` is shown to them, too."""
    capability: str = ""
    """The brief's capability that it is a trace of, if any."""
    ai_use: bool = False
    """Speaks of AI use only: adds to `ai_use`, never to concern (rule 4)."""
    scores: bool = True
    """False for folk indicators and context: shown, never counted (rule 5)."""
    child: bool = False
    """A red line for children: routed at once, means not needed (rule 3)."""
    pack: str = ""
    """Named packs are off unless asked for (`--pack sexual_adverts`)."""
    shadow: bool = False
    """On trial: counted, never raised."""
    survivor_review: str = "not yet reviewed by survivors"
    sources: tuple[Source, ...] = ()
    joins: tuple[Join, ...] = ()
    """When it weighs more: read by the detectors of an offer (`signals/slots.py`)."""
    seed: Seed | None = None
    examples: tuple[Example, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the indicator may raise concern (rules 5 and 8)."""
        return self.scores and not self.shadow and self.evidence != UNVERIFIED and self.strength != "context"

    def palermo(self, element: str) -> tuple[str, ...]:
        """Return the values of `act`, `means` or `purpose` that it speaks of."""
        head = element + ":"
        return tuple(entry[len(head) :] for entry in self.elements if entry.startswith(head))


class LanguageExample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence of a language that shows, or must not show, an indicator. A test."""

    indicator: str
    text: str
    shows: bool


class Language(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language: how it is written, and the phrases of its own sources."""

    code: str
    """BCP 47, the file's name."""
    name: str = ""
    """Name, English name, ISO 639-3 and scripts may be left out where a platform adds to a packaged language."""
    english_name: str = ""
    iso639_3: str = ""
    scripts: tuple[str, ...] = ()
    """ISO 15924."""
    spaces: bool = True
    """Whether words are written apart."""
    direction: Literal["ltr", "rtl"] = "ltr"
    stop_forms: tuple[str, ...] = ()
    """Frequent words that carry no meaning."""
    sources: dict[str, Source] = {}
    phrases: tuple[Phrase, ...] = ()
    """Also how people ask for help or report harm: phrases of the `SUP-` indicators (rule 7)."""
    terms: dict[str, tuple[str, ...]] = {}
    """Plain words by slot, which show nothing by themselves: `role`, `negation` and its kin (docs/vocabulary.md)."""
    columns: dict[Column, tuple[str, ...]] = {}
    """What the columns of a table are called; `*` for any end (`platforms/columns.py`)."""
    examples: tuple[LanguageExample, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of work that an official list names, or a country. Never where people come from."""

    name: str
    country: str
    """ISO 3166-1 alpha-2."""
    kind: Literal["country", "zone", "border", "warned"]
    """`zone`: a site or district named in official warnings on forced scam work; `border`: on an
    official list of border districts; `warned`: a country of official job warnings (these two count
    only where pay in foreign money shows that the work is abroad); `country`: says where pay is compared."""
    words: tuple[str, ...]
    """How it is written, in any language."""
    source: str = ""
    """A key of the file's `[sources]`."""
    checked: str = ""
    """Date on which the source was read (ISO 8601). Places change: review each year."""


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What work that asks for nothing usually pays in a country, per month."""

    country: str
    minimum: float
    """Statutory minimum for a month of full-time work, in US dollars."""
    year: str
    source: str
    evidence: Evidence = "read in source (secondary)"


class Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Destinations that a state of origin has closed, or does not list, for placement."""

    currency: str
    """ISO 4217: whom an offer addresses is read from the money in which it pays."""
    countries: tuple[str, ...]
    source: str


class People(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words beside a place that make it the name of a people or a tongue: then it is no place of work (rule 6)."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Offers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts that the detectors of an offer compare with: `offers.toml`."""

    high: float
    """Pay from this many minimum wages on is far above market for work that asks for nothing."""
    hours_a_month: float
    days_a_month: float
    currencies: dict[str, tuple[str, ...]]
    """Country → currencies in which people are ordinarily paid there."""
    dollars: dict[str, float]
    """Currency → units for one US dollar."""
    sources: dict[str, Source]
    messengers: dict[str, tuple[str, ...]]
    """Messenger → how it is written."""
    links: tuple[str, ...]
    """Heads of links that open a talk in a messenger."""
    closed: tuple[Closed, ...]
    bands: tuple[Band, ...]
    places: tuple[Place, ...]
    people: People = People()


class Entry(NamedTuple):
    """One cell of the indicator × language matrix that has words."""

    indicator: Indicator
    language: str
    text: str
    evidence: str

    @property
    def counts(self) -> bool:
        """Whether the words may raise concern: neither they nor their indicator are unverified."""
        return self.indicator.counts and self.evidence != UNVERIFIED


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that is known, by id."""

    elements: dict[str, Any]
    indicators: dict[str, Indicator]
    languages: dict[str, Language]
    packs: tuple[str, ...] = ()
    typologies: dict[str, dict[str, str]] = {}
    """Published typologies by id: name, scheme, purpose, evidence, note."""
    offers: Offers | None = None
    voices: dict[str, dict[str, tuple[str, ...]]] = {}
    """Indicator → language → words that no speaker has read yet, by which it is known whose voice it is: `voices.toml`."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every phrase of an indicator in use, sorted by language and indicator."""
        return tuple(sorted(self._entries(), key=lambda entry: (entry.language, entry.indicator.id, entry.text)))

    def _entries(self) -> Iterator[Entry]:
        for indicator in self.active:
            if indicator.seed:
                for text in indicator.seed.phrases:
                    yield Entry(indicator, indicator.seed.language, text, indicator.evidence)
        for language in self.languages.values():
            for phrase in language.phrases:
                indicator = self.indicators[phrase.indicator]
                if not indicator.pack or indicator.pack in self.packs:
                    yield Entry(indicator, language.code, phrase.text, phrase.evidence)

    @cached_property
    def unread(self) -> tuple[Entry, ...]:
        """Every phrase of `voices`, unverified; who speaks of control in the first person also tells (SUP-03)."""
        return tuple(
            Entry(self.indicators[shown], language, text, UNVERIFIED)
            for name, words in self.voices.items()
            for shown in ((name,) if self.indicators[name].category == "support" else (name, TELLS))
            for language, texts in words.items()
            for text in texts
        )

    @cached_property
    def active(self) -> tuple[Indicator, ...]:
        """Indicators whose pack is on, by id."""
        on = (entry for entry in self.indicators.values() if not entry.pack or entry.pack in self.packs)
        return tuple(sorted(on, key=lambda entry: entry.id))

    @cached_property
    def version(self) -> str:
        """A short name of this exact vocabulary: changes with any word of it, `holders.toml` and its like included."""
        from hashlib import sha256

        return sha256(msgspec.json.encode(self, order="sorted") + _lists()).hexdigest()[:12]

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Yield (indicator, language) for every cell that has no words."""
        filled = {(entry.indicator.id, entry.language) for entry in self.entries}
        for indicator in self.active:
            for code in sorted(self.languages):
                if (indicator.id, code) not in filled:
                    yield indicator.id, code


class _Packaged(NamedTuple):
    elements: dict[str, Any]
    indicators: dict[str, Indicator]
    languages: dict[str, Language]
    typologies: dict[str, dict[str, str]]
    offers: Offers
    voices: dict[str, dict[str, tuple[str, ...]]]


@lru_cache(maxsize=1)
def _packaged() -> _Packaged:
    folder = Path(str(files("threelines") / "vocabulary"))
    indicators: dict[str, Indicator] = {}
    languages: dict[str, Language] = {}
    _add(folder, indicators, languages)
    return _Packaged(
        _one(folder / "elements.toml", dict[str, Any]), indicators, languages,
        _one(folder / "typologies.toml", dict[str, dict[str, str]]), _one(folder / "offers.toml", Offers),
        _one(folder / "voices.toml", dict[str, dict[str, tuple[str, ...]]]),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _lists() -> bytes:
    """Return the packaged lists beside indicators and languages as they stand: some are read where they are used."""
    folder = Path(str(files("threelines") / "vocabulary"))
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.toml")))


def load(*folders: Path, packs: Iterable[str] = ()) -> Vocabulary:
    """Read the packaged vocabulary, then each folder of a platform's own files over it.

    A folder holds `indicators/*.toml` and `languages/*.toml`, either may be missing. An id that
    exists already is refused: a platform names its own (`ACME-01`).
    """
    base = _packaged()
    indicators, languages = dict(base.indicators), dict(base.languages)
    for folder in folders:
        if not folder.is_dir():
            raise VocabularyError(f"{folder}: not a folder; give one that holds indicators/*.toml or languages/*.toml")
        if not any(folder.glob("indicators/*.toml")) and not any(folder.glob("languages/*.toml")):
            raise VocabularyError(
                f"{folder}: no indicators/*.toml and no languages/*.toml in it; see docs/vocabulary.md"
            )
        _add(folder, indicators, languages)
    vocabulary = Vocabulary(
        elements=base.elements, indicators=indicators, languages=languages, packs=tuple(sorted(packs)),
        typologies=base.typologies, offers=base.offers, voices=base.voices,
    )  # fmt: skip
    _refuse_loose_ends(vocabulary)
    return vocabulary


def _add(folder: Path, indicators: dict[str, Indicator], languages: dict[str, Language]) -> None:
    for path in sorted((folder / "indicators").glob("*.toml")):
        indicator = _one(path, Indicator)
        if indicator.id in indicators:
            raise VocabularyError(
                f"indicators/{path.name}: indicator {indicator.id!r} exists already; choose an id of your own"
            )
        indicators[indicator.id] = indicator
    for path in sorted((folder / "languages").glob("*.toml")):
        language = _one(path, Language)
        if language.code != path.stem:
            raise VocabularyError(
                f"languages/{path.name}: code is {language.code!r}; name the file {language.code}.toml"
            )
        languages[language.code] = _merged(languages.get(language.code), language)


def _one(path: Path, kind: Any) -> Any:
    where = f"{path.parent.name}/{path.name}"
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind, strict=True)
    except tomllib.TOMLDecodeError as fault:
        raise VocabularyError(f"{where}: not TOML: {fault}; correct that line") from fault
    except UnicodeDecodeError as fault:
        raise VocabularyError(f"{where}: not UTF-8: {fault.reason}; save the file as UTF-8") from fault
    except msgspec.ValidationError as fault:
        raise VocabularyError(f"{where}: {fault}; docs/vocabulary.md lists the fields") from fault


def _merged(known: Language | None, more: Language) -> Language:
    if known is None:
        return more
    return msgspec.structs.replace(
        known,
        sources={**more.sources, **known.sources},
        phrases=known.phrases + more.phrases,
        examples=known.examples + more.examples,
        terms=_joined(known.terms, more.terms),
        columns=_joined(known.columns, more.columns),
    )


def _joined(known: dict[_Key, tuple[str, ...]], more: dict[_Key, tuple[str, ...]]) -> dict[_Key, tuple[str, ...]]:
    return {key: known.get(key, ()) + more.get(key, ()) for key in sorted({*known, *more})}


def _refuse_loose_ends(vocabulary: Vocabulary) -> None:
    known = {f"{kind}:{key}" for kind in ("act", "means", "purpose") for key in vocabulary.elements[kind]}
    for indicator in vocabulary.indicators.values():
        where = f"indicators/{indicator.id}"
        for element in indicator.elements:
            if element not in known:
                raise VocabularyError(f"{where}: no element {element!r}; elements.toml lists them")
        if indicator.dimension not in vocabulary.elements["dimension"]:
            raise VocabularyError(f"{where}: no dimension {indicator.dimension!r}; elements.toml lists them")
        if indicator.capability and indicator.capability not in vocabulary.elements["capability"]:
            raise VocabularyError(f"{where}: no capability {indicator.capability!r}; elements.toml lists them")
        for other in (name for join in indicator.joins for name in join.together_with):
            if other not in vocabulary.indicators:
                raise VocabularyError(
                    f"{where}: no indicator {other!r} to join; `threelines vocabulary check` lists all"
                )
        if indicator.seed and indicator.seed.language not in vocabulary.languages:
            raise VocabularyError(f"{where}: no language {indicator.seed.language!r}; add languages/ file first")
    for name in vocabulary.voices:
        if name not in vocabulary.indicators:
            raise VocabularyError(f"voices.toml: no indicator {name!r}; correct the id or add its file")
    for language in vocabulary.languages.values():
        _refuse_loose_phrases(language, vocabulary)


def _refuse_loose_phrases(language: Language, vocabulary: Vocabulary) -> None:
    where = f"languages/{language.code}.toml"
    if not (language.name and language.english_name and language.iso639_3 and language.scripts):
        raise VocabularyError(f"{where}: a new language needs name, english_name, iso639_3 and scripts; add them")
    seen: set[tuple[str, str]] = set()
    for phrase in language.phrases:
        indicator = vocabulary.indicators.get(phrase.indicator)
        if indicator is None:
            raise VocabularyError(f"{where}: no indicator {phrase.indicator!r}; correct the id or add its file")
        if phrase.source not in language.sources:
            raise VocabularyError(f"{where}: no source {phrase.source!r}; add it under [sources.{phrase.source}]")
        if indicator.seed and indicator.seed.language == language.code and phrase.text in indicator.seed.phrases:
            raise VocabularyError(
                f"{where}: {phrase.text!r} stands in indicators/{indicator.id} already; one home each"
            )
        if (phrase.indicator, phrase.text) in seen:
            raise VocabularyError(f"{where}: {phrase.text!r} stands there twice; delete one")
        seen.add((phrase.indicator, phrase.text))
    for example in language.examples:
        if example.indicator not in vocabulary.indicators:
            raise VocabularyError(f"{where}: an example names no indicator {example.indicator!r}; correct the id")
