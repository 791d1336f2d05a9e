"""A case before it is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """What `add_many` takes: raw answers by field name, consent by purpose, provenance codes."""

    fields: Mapping[str, Any]
    consent: Mapping[str, str | Mapping[str, str]] = {}
    provenance: Mapping[str, str] = {}
    is_apart: bool = False  # a worker's word that the person is none of those who were known before
    former: Collection[str] = ()  # ids that earlier versions of the submission had on its form server
    id: str = ""  # drawn anew where it is empty
