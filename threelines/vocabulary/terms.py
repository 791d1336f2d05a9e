"""Read the vocabulary: one file per indicator, one per language, checked once at the boundary."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cached_property
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

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


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

    `{a|b}` lists alternatives, `{a|}` makes a word optional, ` .. ` allows a gap of up to 40
    characters (no sentence end inside). Everything is compared after folding.
    """

    indicator: str
    text: str
    source: str = ""
    evidence: Evidence = "read in source"


class Seed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phrases of the language in which an indicator was published."""

    language: str
    phrases: tuple[str, ...] = ()


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


class Language(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language: how it is written, and the phrases of its own sources."""

    code: str
    """BCP 47, the file's name."""
    name: str
    english_name: str
    iso639_3: str
    scripts: tuple[str, ...]
    """ISO 15924."""
    spaces: bool = True
    """Whether words are written apart."""
    direction: Literal["ltr", "rtl"] = "ltr"
    stop_forms: tuple[str, ...] = ()
    """Frequent words that carry no meaning."""
    phrases: tuple[Phrase, ...] = ()
    support_phrases: tuple[str, ...] = ()
    """How people ask for help or report harm in this language (rule 7)."""
    terms: dict[str, tuple[str, ...]] = {}
    """Closed word lists by slot: roles, fees, documents, places."""
    examples: tuple[dict[str, Any], ...] = ()
    """`{indicator, text, shows}`."""


class Entry(NamedTuple):
    """One cell of the indicator × language matrix that has words."""

    indicator: Indicator
    language: str
    text: str
    evidence: str


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that is known, by id."""

    elements: dict[str, Any]
    indicators: dict[str, Indicator]
    languages: dict[str, Language]
    packs: tuple[str, ...] = ()

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
    def active(self) -> tuple[Indicator, ...]:
        """Indicators whose pack is on, by id."""
        on = (entry for entry in self.indicators.values() if not entry.pack or entry.pack in self.packs)
        return tuple(sorted(on, key=lambda entry: entry.id))

    @cached_property
    def version(self) -> str:
        """A short name of this exact vocabulary: changes with any word of it."""
        from hashlib import sha256

        return sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Yield (indicator, language) for every cell that has no words."""
        filled = {(entry.indicator.id, entry.language) for entry in self.entries}
        for indicator in self.active:
            for code in sorted(self.languages):
                if (indicator.id, code) not in filled:
                    yield indicator.id, code


def load(*folders: Path, packs: Iterable[str] = ()) -> Vocabulary:
    """Read the packaged vocabulary, then each folder of a platform's own files over it.

    A folder holds `indicators/*.toml` and `languages/*.toml`, either may be missing. An id that
    exists already is refused unless the file says `replaces = true`... it never does: ids are ours
    or theirs, so a platform names its own (`ACME-01`).
    """
    indicators: dict[str, Indicator] = {}
    languages: dict[str, Language] = {}
    packaged = Path(str(files("threelines") / "vocabulary"))
    elements = tomllib.loads((packaged / "elements.toml").read_text(encoding="utf-8"))
    for folder in (packaged, *folders):
        if not folder.is_dir():
            raise VocabularyError(f"{folder}: not a folder; give one that holds indicators/*.toml or languages/*.toml")
        for indicator in _read(folder / "indicators", Indicator):
            if indicator.id in indicators:
                raise VocabularyError(f"{folder}: indicator {indicator.id!r} exists already; choose an id of your own")
            indicators[indicator.id] = indicator
        for language in _read(folder / "languages", Language):
            languages[language.code] = _merged(languages.get(language.code), language)
    vocabulary = Vocabulary(elements=elements, indicators=indicators, languages=languages, packs=tuple(sorted(packs)))
    _refuse_loose_ends(vocabulary)
    return vocabulary


def _read(folder: Path, kind: type[_Struct]) -> Iterator[_Struct]:
    for path in sorted(folder.glob("*.toml")):
        try:
            yield msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind, strict=True)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as fault:
            raise VocabularyError(f"{folder.name}/{path.name}: {fault}") from fault


def _merged(known: Language | None, more: Language) -> Language:
    if known is None:
        return more
    return msgspec.structs.replace(
        known,
        phrases=known.phrases + more.phrases,
        support_phrases=known.support_phrases + more.support_phrases,
        examples=known.examples + more.examples,
        terms={key: known.terms.get(key, ()) + more.terms.get(key, ()) for key in sorted({*known.terms, *more.terms})},
    )


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
    for language in vocabulary.languages.values():
        for phrase in language.phrases:
            if phrase.indicator not in vocabulary.indicators:
                raise VocabularyError(f"languages/{language.code}.toml: no indicator {phrase.indicator!r}")
