"""Small figures as SVG: read without colour, by a screen reader, and each with its table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

import msgspec

LABEL, BAR, NUMBER, ROW = 190, 300, 130, 26
"""Widths of the three columns and height of a row, in units of the picture."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a figure: a share with what it rests on."""

    name: str
    hits: int
    total: int
    low: float = 0.0
    high: float = 1.0

    @property
    def value(self) -> float:
        """The share; 0 of nothing."""
        return self.hits / self.total if self.total else 0.0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure, its table, and the sentence under it."""

    key: str
    """Name of its CSV file."""
    title: str
    of: str
    """What the shares are of."""
    rows: tuple[Share, ...]
    note: str = ""

    def svg(self) -> str:
        """Draw a bar per row, with its interval as a line: length says it, colour repeats nothing."""
        height = ROW * len(self.rows) + 30
        width = LABEL + BAR + NUMBER
        drawn = "".join(_row(row, place * ROW + 4) for place, row in enumerate(self.rows))
        return (
            f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'aria-labelledby="t-{self.key} d-{self.key}"><title id="t-{self.key}">{escape(self.title)}</title>'
            f'<desc id="d-{self.key}">{escape(self._said())}</desc>{drawn}{_axis(height)}</svg>'
        )

    def _said(self) -> str:
        said = [f"{row.name}: {_words(row)}" for row in self.rows]
        return f"{self.of}. " + "; ".join(said) + "."

    def table(self) -> str:
        """Return the figure as CSV (RFC 4180)."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["name", "hits", "of", "share", "low_95", "high_95"])
        for row in self.rows:
            shares = [f"{value:.4f}" for value in (row.value, row.low, row.high)]
            writer.writerow([plain(row.name), row.hits, row.total, *shares])
        return out.getvalue()


def _row(row: Share, top: int) -> str:
    middle = top + 16
    label = f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">{escape(row.name[:28])}</text>'
    number = f'<text x="{LABEL + BAR + 8}" y="{middle}">{escape(_words(row))}</text>'
    bar = f'<rect class="fill" x="{LABEL}" y="{top + 4}" width="{max(1.0, BAR * row.value):.1f}" height="14" fill-opacity=".45"/>'
    low, high = LABEL + BAR * row.low, LABEL + BAR * row.high
    line = (
        f'<path class="range" d="M{low:.1f} {top + 11}H{high:.1f}M{low:.1f} {top + 7}v8M{high:.1f} {top + 7}v8" '
        'fill="none"/>'
    )
    return label + bar + line + number


def _axis(height: int) -> str:
    marks = "".join(
        f'<path class="axis" d="M{LABEL + BAR * part / 100:.0f} {height - 26}v5" fill="none"/>'
        f'<text class="soft" x="{LABEL + BAR * part / 100:.0f}" y="{height - 6}" text-anchor="middle">{part}%</text>'
        for part in (0, 50, 100)
    )
    return f'<path class="axis" d="M{LABEL} {height - 26}h{BAR}" fill="none"/>{marks}'


def _words(row: Share) -> str:
    return f"{round(100 * row.value)}% ({row.hits} of {row.total})"


def plain(text: str) -> str:
    """Keep a cell from being read as a formula by a spreadsheet (OWASP, CSV injection)."""
    return "'" + text if text[:1] in "=+-@\t\r" else text


def columns(rows: Sequence[tuple[str, int]], *, key: str, title: str) -> str:
    """Draw counts by period as columns with their numbers on top."""
    most = max((number for _, number in rows), default=0) or 1
    width, height = max(220, 52 * len(rows) + 10), 150
    drawn = []
    for place, (name, number) in enumerate(rows):
        left, tall = 10 + 52 * place, round(95 * number / most, 1)
        drawn.append(
            f'<rect class="fill" fill-opacity=".45" x="{left}" y="{115 - tall}" width="36" height="{tall}"/>'
            f'<text x="{left + 18}" y="{109 - tall}" text-anchor="middle">{number}</text>'
            f'<text class="soft" x="{left + 18}" y="133" text-anchor="middle">{escape(name[-7:])}</text>'
        )
    said = "; ".join(f"{name}: {number}" for name, number in rows)
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-labelledby="t-{key} d-{key}"><title id="t-{key}">{escape(title)}</title>'
        f'<desc id="d-{key}">{escape(said)}.</desc>{"".join(drawn)}</svg>'
    )
