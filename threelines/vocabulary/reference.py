"""Read the published reference values: a number is never used without its source."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from threelines.vocabulary.terms import Evidence


class ReferenceValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published number and what it is worth."""

    value: float
    unit: str
    meaning: str
    source: str
    caveat: str
    evidence: Evidence


@cache
def reference_values() -> dict[str, ReferenceValue]:
    """Return the values of `reference_values.toml` by name."""
    path = files("threelines") / "vocabulary" / "reference_values.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, ReferenceValue])
