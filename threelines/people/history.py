"""What changed in a case from one revision to the next, and who changed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from threelines.people.case import Case, Consent, Content, VaultChange


class Change(NamedTuple):
    """What one revision did; the vault keeps no history, so of it only field names are known."""

    number: int
    who: str
    """Worker id; empty for the first revision, whose worker the audit knows."""
    answers: dict[str, tuple[Any, Any]]
    """Field name → (answer before, answer after); None is no answer."""
    consent: dict[str, Consent]
    vault: dict[str, VaultChange]


def history(earlier: Sequence[tuple[int, str, Content]], case: Case) -> list[Change]:
    """Return what every revision changed, newest first, from `Register.revisions` and `Register.get`."""
    contents: list[Content | Case] = [*(content for _, _, content in earlier), case]
    workers = ["", *(who for _, who, _ in earlier)]
    first = contents[0]
    changes = [Change(1, "", {}, dict(first.consent), dict(first.vault))]
    for number, (old, new) in enumerate(zip(contents, contents[1:], strict=False), start=2):
        told = {purpose: given for purpose, given in new.consent.items() if old.consent.get(purpose) != given}
        changes.append(Change(number, workers[number - 1], differences(old.fields, new.fields), told, dict(new.vault)))
    return changes[::-1]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return field name → (before, after) of the answers that differ; None is no answer."""
    names = [*new, *(name for name in old if name not in new)]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
