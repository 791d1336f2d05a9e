"""By what a row of a file is known again, and which answers say whose it is."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import Any

import msgspec

from threelines.people.definition import Form
from threelines.people.register import Entry


def marked(form: Form, entry: Entry, seen: Counter[str]) -> Entry:
    """Return a clean entry that had no submission id with one made of all that it says.

    `seen` counts equal rows of a file: two people can give the same answers, so the second has a mark of its own. The
    mark is sealed in the vault and found by its keyed tag, as the id of a form server is.
    """
    fields = form.clean(entry.fields)
    consent = {purpose: given if isinstance(given, str) else dict(given) for purpose, given in entry.consent.items()}
    said = msgspec.json.encode((fields, consent, entry.provenance.get("recorded", "")), order="sorted")
    digest = sha256(said).hexdigest()[:32]
    seen[digest] += 1
    place = f":{seen[digest]}" if seen[digest] > 1 else ""
    return entry._replace(fields={**fields, "tl_SubmissionId": f"row:{digest}{place}"})


def as_person(entry: Entry) -> dict[str, Any]:
    """Return the answers of an entry that are about the person: an id of its submission says nothing of whose it is."""
    return {name: value for name, value in entry.fields.items() if name.startswith("prs_")}
