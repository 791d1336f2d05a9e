"""Telephone numbers of helplines: whoever gives one passes help on, and is not tied to others who do.

The list is that of `people/helplines.toml`, numbers not yet dialled among them: here none is shown to anybody.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from threelines.text.entities import entities

_NUMBER = re.compile(r"\+?\d[\d ().-]{4,}\d")


@cache
def helpline_numbers() -> frozenset[str]:
    """Return the listed numbers as `text.entities` gives them: with the country's code, and as dialled within it."""
    raw = tomllib.loads((files("threelines") / "people" / "helplines.toml").read_text(encoding="utf-8"))
    return frozenset(
        entity.value
        for entry in raw["helpline"]
        for written in _NUMBER.findall(entry.get("number_to_confirm", ""))
        for region in (None, entry["country"])
        for entity in entities(f"call {written}", region, money=False)
        if entity.kind == "phone"
    )
