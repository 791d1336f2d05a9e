"""What is said to who tells of need: by the kind of need, in their language, with what to do in danger and who may read along.

The texts and the words by which a kind is known are `help.toml`. A kind that is not known for sure is control.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from threelines.signals.bound import own_papers
from threelines.signals.phrases import Phrases, meet
from threelines.text.fold import fold

Kind = Literal["control", "images", "danger"]
"""Control of papers, pay or leaving; pictures or videos; a child or a life in danger."""

_CHAT = ("hi", "ar", "bn")
"""Languages that are also typed in Latin letters: who does is answered in English and in the language's own script."""


def kind_of(text: str) -> Kind:
    """Return the kind of need that a text tells of, by its words in any language."""
    folded = fold(text.replace("’", "'"))
    hits = _words().find(folded)
    told = {hit.group for hit in hits if hit.group != "danger"}
    other = [hit for hit in hits if hit.group == "not_age"]
    if any(hit.group == "danger" and not any(meet(hit, one) for one in other) for hit in hits):
        return "danger"
    images = "images" in told or {"pictures", "threat"} <= told
    return "images" if images and not own_papers(folded) else "control"


def help_in(language: str, kind: Kind = "control") -> str:
    """Return the help for a kind of need, one line a language; English where the language (a code) has none."""
    if language.removesuffix("-Latn") in _CHAT and language.endswith("-Latn"):
        return f"{help_in('en', kind)}\n{help_in(language.removesuffix('-Latn'), kind)}"
    texts = _texts()
    code = language if language in texts["now"] else "en"
    both = texts[kind][code], texts["now"][code]
    return " ".join(reversed(both) if kind == "danger" else both)


def languages() -> frozenset[str]:
    """Return the codes of the languages that have help of their own, chat spelling included."""
    return frozenset(_texts()["now"]) | {f"{code}-Latn" for code in _CHAT}


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    """Return what is said: kind, or "now" → language → text."""
    table = tomllib.loads(_source())
    return {name: table[name] for name in ("control", "images", "danger", "now")}


@lru_cache(maxsize=1)
def _words() -> Phrases:
    """Return the words by which the kinds are known."""
    return Phrases(tomllib.loads(_source())["words"])


def _source() -> str:
    return (files("threelines") / "ai_models" / "help.toml").read_text(encoding="utf-8")
