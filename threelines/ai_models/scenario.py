"""Read scenarios: one TOML file each, checked once, and hand out what is asked of a model.

A scenario is one harm at low severity. Its requests ask for it directly, behind a frame that looks
innocent, and from people who have good reasons to ask about the same thing (its twins): only the
frame and the requester change, never the payload.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from threelines.records import ThreelinesError

Kind = Literal["misuse", "contrast", "support", "session"]
"""`contrast`: smuggling, consensual adult work and labour migration, kept apart from trafficking."""

Frame = Literal["direct", "reframed", "split", "benign"]
"""How it is asked. `split` spreads the harm over the turns of one session."""

Task = Literal[
    "threat_translation",
    "deceptive_advert",
    "persona",
    "conversation_control",
    "platform_automation",
    "deepfake_or_document",
    "support",
    "session",
]

TWINS = ("survivor", "ngo_worker", "moderator", "recruiter", "researcher", "journalist")
"""Who asks about the same thing with good reason; every misuse scenario has all six."""

CANARY = "threelines-canary-7c1f4f0e-5d0b-4c57-9a0c-2b7f6d1e9a43"
"""Stands in every packaged file: a model that knows it was trained on the test."""

UNREVIEWED = "machine, unreviewed"

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?: [A-Z][a-z]+)*")


class ScenarioError(ThreelinesError):
    """A scenario file cannot be used: its text names the file, the fault and the remedy."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to ask."""

    role: str
    """Who asks, as stated in the text; `undisclosed` where the text does not say."""
    frame: Frame
    language: str = "en"
    """BCP 47, of the request."""
    translation: str = ""
    """Who translated it; empty for the original. `machine, unreviewed` until a person has read it."""
    text: str = ""
    """`{payload}` stands for the scenario's payload."""
    turns: tuple[str, ...] = ()
    """What the requester writes, turn by turn, instead of `text`."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One harm and everybody who asks about it. The id is the pair id of direct and reframed."""

    canary: str
    id: str
    kind: Kind
    task: Task
    capability: str = ""
    """The brief's capability, by id in `elements.toml`."""
    subject: Literal["trafficking", "smuggling", "adult_work", "labour_migration"]
    elements: tuple[str, ...] = ()
    """Palermo elements, `act:recruitment`."""
    child: bool = False
    """Under 18: means are not needed (Palermo Protocol, Art. 3(c))."""
    source: str
    payload: str = ""
    target: str = ""
    """BCP 47 of the language a translation is asked into."""
    reference: str = ""
    """One translation of the payload, machine and unreviewed: measures closeness, teaches nothing."""
    requests: tuple[Request, ...] = msgspec.field(name="request")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What one model is asked once: a scenario and one of its requests."""

    scenario: Scenario
    request: Request

    @property
    def id(self) -> str:
        """`scenario/role-frame/language`."""
        return f"{self.scenario.id}/{self.request.role}-{self.request.frame}/{self.request.language}"

    @property
    def misuse(self) -> bool:
        """Whether a careful model declines this one."""
        return self.request.frame != "benign"

    @property
    def turns(self) -> tuple[str, ...]:
        """Return what the requester writes, with the payload in place."""
        texts = self.request.turns or (self.request.text,)
        return tuple(text.replace("{payload}", self.scenario.payload) for text in texts)


def load(folder: Path | None = None) -> tuple[Scenario, ...]:
    """Read the packaged scenarios, or those of a folder (a held-out part outside the repository)."""
    place = folder or Path(str(files("threelines") / "ai_models" / "scenarios"))
    paths = sorted(place.glob("*.toml"))
    if not paths:
        raise ScenarioError(f"{place}: no scenarios here; give a folder that holds NAME.toml files")
    return tuple(_read(path) for path in paths)


def items(scenarios: tuple[Scenario, ...], kind: Kind | tuple[Kind, ...]) -> Iterator[Item]:
    """Yield every request of the scenarios of these kinds, in file order."""
    kinds = (kind,) if isinstance(kind, str) else kind
    for scenario in scenarios:
        if scenario.kind in kinds:
            for request in scenario.requests:
                yield Item(scenario=scenario, request=request)


def masked(text: str) -> str:
    """Hide numbers and names: what is left tells templates from scenarios."""
    return _NAME.sub("N", _NUMBER.sub("0", text)).casefold()


def _read(path: Path) -> Scenario:
    try:
        scenario = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Scenario, strict=True)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as fault:
        raise ScenarioError(f"{path.name}: {fault}") from fault
    fault_text = next(_faults(path, scenario), "")
    if fault_text:
        raise ScenarioError(f"{path.name}: {fault_text}")
    return scenario


def _faults(path: Path, scenario: Scenario) -> Iterator[str]:
    if scenario.id != path.stem:
        yield f"id {scenario.id!r} differs from the file's name; make them equal"
    if not scenario.canary:
        yield "no canary; give one, so that training on the test can be noticed"
    if scenario.target and not scenario.payload:
        yield "a target language without a payload; say what is to be translated"
    seen = set()
    for request in scenario.requests:
        place = f"{request.role}, {request.frame}, {request.language}"
        if bool(request.text) == bool(request.turns):
            yield f"{place}: give either text or turns"
        if request.language != "en" and not request.translation:
            yield f"{place}: say who translated it (translation = {UNREVIEWED!r} until a person has read it)"
        if place in seen:
            yield f"{place}: asked twice; remove one"
        seen.add(place)
    if scenario.kind == "misuse":
        yield from _incomplete(scenario)


def _incomplete(scenario: Scenario) -> Iterator[str]:
    """A misuse scenario is a pair in English with all six twins: gaps and over-refusal need them."""
    frames = {request.frame for request in scenario.requests if request.language == "en"}
    roles = {request.role for request in scenario.requests if request.frame == "benign" and request.language == "en"}
    for frame in ("direct", "reframed"):
        if frame not in frames:
            yield f"no {frame} request in English"
    for twin in TWINS:
        if twin not in roles:
            yield f"no twin {twin!r}"
