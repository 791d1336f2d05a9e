"""The early warning of the register as the dashboard shows it: named where enough cases stand behind, else counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import msgspec

from threelines.people.monitor import Series, Signal, points, register_series, watch
from threelines.people.register import Register
from threelines.vocabulary.terms import Vocabulary
from threelines.web.figures import language_names
from threelines.web.plots import plain


class Rise(msgspec.Struct, frozen=True, kw_only=True):
    """One series in its newest quarter. `hits` is None where it must not be named."""

    name: str
    is_rising: bool
    hits: int | None = None
    asked: int | None = None
    expected: float | None = None
    """Hits that its own past lets expect."""
    rates: tuple[float, ...] = ()
    """Oldest first; empty where withheld."""

    @property
    def rate(self) -> float:
        """The share of cases that were asked."""
        return (self.hits or 0) / (self.asked or 1)

    def spark(self) -> str:
        """Draw its rates; the table around it says the newest in numbers."""
        top, step = max(self.rates, default=0) or 1, 150 / max(len(self.rates) - 1, 1)
        points = " ".join(f"{4 + place * step:.1f},{26 - 22 * rate / top:.1f}" for place, rate in enumerate(self.rates))
        return (
            '<svg class="plot" viewBox="0 0 160 30" width="160" height="30" aria-hidden="true" focusable="false">'
            f'<polyline class="ink" points="{points}"/></svg>'
        )


def rises(register: Register, vocabulary: Vocabulary) -> tuple[Rise, ...]:
    """Return every series, what rises first; what is small has no name and no numbers."""
    series = register_series(register, period="quarter")
    known = {(one.kind, one.name): one for one in series}
    return tuple(_rise(register, vocabulary, signal, known) for signal in watch(series, period="quarter"))


def _rise(register: Register, vocabulary: Vocabulary, signal: Signal, known: dict[tuple[str, str], Series]) -> Rise:
    words = {"language": language_names(vocabulary), "capability": register.form.list["ai_capability"]}
    name = f"{signal.kind.capitalize()}: {words.get(signal.kind, {}).get(signal.name, signal.name)}"
    if signal.hits is None or signal.total is None:
        return Rise(name=name, is_rising=signal.is_rising)
    drawn = points(known[signal.kind, signal.name])
    return Rise(
        name=name, is_rising=signal.is_rising, hits=signal.hits, asked=signal.total,
        expected=round((signal.expected_rate or 0.0) * signal.total, 1),
        rates=tuple(hits / total for _, hits, total in drawn if total),
    )  # fmt: skip


def table(found: Iterable[Rise]) -> str:
    """Return the named series as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["series", "cases", "asked", "rate", "expected_cases", "rising"])
    for rise in found:
        if rise.hits is not None:
            rising = "yes" if rise.is_rising else "no"
            writer.writerow([plain(rise.name), rise.hits, rise.asked, f"{rise.rate:.4f}", rise.expected, rising])
    return out.getvalue()
