"""How exactly times are written: WhatsApp writes minutes, a table of posts often only the day.

A time that was cut to the minute stands for any second of it. Two of them that are equal may lie 59 seconds apart, so
nobody may say of them that one came at once after the other.
"""

from __future__ import annotations

from collections.abc import Iterable

UNITS = (86_400.0, 3600.0, 60.0)
"""Seconds to which sources cut their times: the day, the hour, the minute."""
EXACT = 1.0
"""Seconds below which no time is taken as exact, however many decimals are written."""
ENOUGH = 4
"""Times of one account from which it is no chance that all are whole minutes: one account in 13 million."""


def written_to(times: Iterable[float]) -> float:
    """Return to how many seconds these times (seconds since 1970, UTC) are written; `EXACT` for times to the second.

    It is the largest unit that all of them are whole multiples of. Few times may be whole by chance; whoever claims
    only what this leaves to claim errs on the quiet side then.
    """
    units = iter(UNITS)
    unit = next(units)
    for at in times:
        while at % unit:
            unit = next(units, 0.0)
            if not unit:
                return EXACT
    return unit
