"""How exactly times are written: WhatsApp writes minutes, a table of posts often only the day.

A time that was cut to the minute stands for any second of it. Two of them that are equal may lie 59 seconds apart, so
nobody may say of them that one came at once after the other.

A day begins when its zone says so: a date of Mumbai is 18:30 UTC of the day before. So times are taken as dates where all
stand at one time of the day that can be a zone's midnight, or at two of them an hour apart (summer time).
"""

from __future__ import annotations

from collections.abc import Iterable

DAY, HOUR, MINUTE = 86_400.0, 3600.0, 60.0
"""Seconds to which sources cut their times."""
_QUARTER = 900.0
"""Zones lie whole quarter hours from UTC."""
EXACT = 1.0
"""Seconds below which no time is taken as exact, however many decimals are written."""
ENOUGH = 4
"""Times of one account from which it is no chance that all are whole minutes: one account in 13 million."""


def written_to(times: Iterable[float]) -> float:
    """Return to how many seconds these times (seconds since 1970, UTC) are written; `EXACT` for times to the second.

    It is the largest unit that all of them are whole multiples of in one zone. Few times may be whole by chance;
    whoever claims only what this leaves to claim errs on the quiet side then.
    """
    of_day: set[float] = set()
    for at in times:
        if at % MINUTE:
            return EXACT
        of_day.add(at % DAY)
    if any(at % _QUARTER for at in of_day):
        return MINUTE
    if len(of_day) < 2 or (len(of_day) == 2 and max(of_day) - min(of_day) in (HOUR, DAY - HOUR)):
        return DAY
    return HOUR if len({at % HOUR for at in of_day}) == 1 else MINUTE
