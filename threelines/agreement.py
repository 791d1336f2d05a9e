"""How far people, or graders, agree on the same things: Krippendorff's alpha for nominal values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def alpha(ratings: Iterable[Iterable[str]]) -> float:
    """Return Krippendorff's alpha of units, each given as its ratings; NaN when nothing can be compared, or nothing varies.

    Where every rating is the same value, chance would agree as fully: that is no agreement above chance. 1 is full agreement, 0 what chance gives, below 0 worse than chance. Any number of raters, missing ratings allowed
    (Krippendorff, Content Analysis, 2004, section 11.3, nominal metric).
    """
    units = [counts for counts in map(Counter, ratings) if counts.total() >= 2]
    total: Counter[str] = sum(units, Counter())
    size = total.total()
    if not size:
        return float("nan")
    observed = sum(_disagreeing(unit) / (unit.total() - 1) for unit in units) / size
    expected = _disagreeing(total) / (size * (size - 1))
    return round(1.0 - observed / expected, 4) if expected else float("nan")


def _disagreeing(counts: Counter[str]) -> int:
    """Ordered pairs of different values."""
    size = counts.total()
    return size * size - sum(count * count for count in counts.values())
