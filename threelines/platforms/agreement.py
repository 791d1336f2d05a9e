"""How far reviewers agree: Krippendorff's alpha for nominal decisions, and answers to golden items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def alpha(ratings: Mapping[str, Mapping[str, str]]) -> float | None:
    """Return Krippendorff's alpha of item → rater → category; None when nothing can be compared.

    1 is full agreement, 0 what chance gives, below 0 worse than chance. Any number of raters,
    missing ratings allowed (Krippendorff, Content Analysis, 2004, section 11.3, nominal metric).
    """
    coincidences: Counter[tuple[str, str]] = Counter()
    for rated in ratings.values():
        values = list(rated.values())
        if len(values) < 2:
            continue
        for place, left in enumerate(values):
            for other, right in enumerate(values):
                if place != other:
                    coincidences[left, right] += 1.0 / (len(values) - 1)  # type: ignore[assignment]
    total = sum(coincidences.values())
    if total < 2:
        return None
    marginal: Counter[str] = Counter()
    for (left, _), weight in coincidences.items():
        marginal[left] += weight
    observed = sum(weight for (left, right), weight in coincidences.items() if left != right)
    expected = sum(marginal[a] * marginal[b] for a in marginal for b in marginal if a != b) / (total - 1)
    return round(1.0 - observed / expected, 4) if expected else 1.0
