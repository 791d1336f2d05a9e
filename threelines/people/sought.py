"""Who is looked for, in the spelling in which the register keeps people; and what cannot be looked for is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threelines.people.definition import ASKED, Form
from threelines.people.vault import is_known_everywhere

NO_CODE = (
    "the telephone was sought only among those that were kept without a country code, and none is the same; "
    "give its country code (+44 …)"
)
"""Said instead of "none found": a number without a country code is equal to no number that has one."""


def sought(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by which a person can be known, as they would be kept; raise FormError for what could not be.

    Answers about anything but the person are passed over; a field that the form does not have is refused.
    """
    about = {
        name: answer
        for name, answer in answers.items()
        if name.startswith("prs_") or name == "tl_SubmissionId" or name not in form.fields
    }
    clean = form.clean({ASKED: "no", **about})
    return {name: answer for name, answer in clean.items() if name in about}


def was_sought(fields: Mapping[str, Any], found: object) -> bool:
    """Say whether nothing found means that nobody is there."""
    return bool(found) or is_known_everywhere(fields)
