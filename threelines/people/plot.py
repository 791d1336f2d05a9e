"""A picture of one series as SVG: no colour is needed to read it, and every value is in its text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 34, 40


def rate_plot(title: str, points: Sequence[tuple[str, int, int]], *, rising: bool = False) -> str:
    """Return an SVG of rates: (label, hits, total) from left to right; a rising end is marked and named."""
    if not points:
        return ""
    rates = [hits / total if total else 0.0 for _, hits, total in points]
    top = max(0.05, *rates) * 1.1
    at = [(_x(place, len(points)), _y(rate, top)) for place, rate in enumerate(rates)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    marks = "".join(
        _mark(x, y, point, last=rising and place == len(at) - 1)
        for place, ((x, y), point) in enumerate(zip(at, points, strict=True))
    )
    steps = "".join(_step(top * part / 4, top) for part in range(5))
    ends = f'<text x="{_LEFT}" y="{HEIGHT - 10}">{escape(points[0][0])}</text>' + (
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(points[-1][0])}</text>'
        if len(points) > 1
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="currentColor"><title>{escape(title)}</title>'
        f'<desc>{escape(_description(points, rising=rising))}</desc><text x="{_LEFT}" y="18" font-weight="bold">{escape(title)}</text>'
        f'{steps}<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2"/>{marks}{ends}</svg>\n'
    )  # fmt: skip


def _x(place: int, count: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (place / (count - 1) if count > 1 else 0.5)


def _y(rate: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * rate / top


def _step(rate: float, top: float) -> str:
    y = _y(rate, top)
    return (
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" stroke-opacity="0.2"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{rate:.0%}</text>'
    )


def _mark(x: float, y: float, point: tuple[str, int, int], *, last: bool) -> str:
    told = f"<title>{escape(point[0])}: {point[1]} of {point[2]}</title>"
    if last:
        return (
            f'<path d="M{x:.1f} {y - 8:.1f}l7 13h-14z">{told}</path>'
            f'<text x="{x - 10:.1f}" y="{y - 4:.1f}" text-anchor="end" font-weight="bold">rising</text>'
        )
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3">{told}</circle>'


def _description(points: Sequence[tuple[str, int, int]], *, rising: bool) -> str:
    values = "; ".join(f"{label}: {hits} of {total}" for label, hits, total in points)
    return f"{'Rising at the end. ' if rising else ''}{values}"
