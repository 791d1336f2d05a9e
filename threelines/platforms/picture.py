"""A picture of a network for the report and the console: one SVG, no script, no font, no outside file.

It can be read without colour (each kind of tie has its own dash, each account its number), by a screen reader (title,
description, and a list of the ties in words), in print and in a dark page. The same network gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 640, 420
SHOWN = 40
"""Accounts drawn; the rest, with the fewest ties, is counted in the description."""
_EDGE = 26
_DASHES = {
    "script": "", "handle": "8 4", "phone": "2 4", "email": "10 3 2 3", "link": "4 3", "photo": "12 6",
    "mention": "6 2 1 2", "timing": "1 6",
}  # fmt: skip
_SAID = {
    "script": "same text", "handle": "same handle", "phone": "same phone number", "email": "same e-mail",
    "link": "same link", "photo": "same picture", "mention": "same name mentioned",
    "timing": "same moments",
}  # fmt: skip


def network_picture(facts: Mapping[str, Any], *, name: str = "network") -> str:
    """Return the SVG of a network thread's facts (`members` and `edges`); empty when there are no edges.

    `name` makes the ids of title and description unique where a page holds several pictures.
    """
    edges = facts.get("edges") or ()
    if not edges:
        return ""
    graph = _graph(edges)
    members = sorted(graph, key=lambda node: (-graph.degree(node), node))
    drawn = graph.subgraph(sorted(members[:SHOWN]))
    places = _places(drawn)
    numbers = {node: number for number, node in enumerate(sorted(places), start=1)}
    kinds = sorted({kind for _, _, kind in drawn.edges(data="kind")}, key=list(_DASHES).index)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 20 * ((len(kinds) + 1) // 2)}" '
        f'role="img" aria-labelledby="{escape(name)}-title {escape(name)}-desc" class="network">',
        f'<title id="{escape(name)}-title">{len(graph)} accounts tied to one another</title>',
        f'<desc id="{escape(name)}-desc">{escape(_described(graph, drawn, numbers))}</desc>',
        *_lines(drawn, places),
        *_accounts(drawn, places, numbers),
        *_key(kinds),
        "</svg>",
    ]
    return "\n".join(parts)


def _graph(edges: Sequence[Mapping[str, Any]]) -> Any:
    import networkx as nx  # 0.1 s, which a command without a picture need not wait for

    graph = nx.Graph()
    for edge in sorted(edges, key=lambda edge: (edge["first"], edge["second"])):
        shared = {kind: count for kind, count in edge["kinds"].items() if kind in _DASHES}
        kind = next((kind for kind in _DASHES if kind in shared), "timing")
        graph.add_edge(str(edge["first"]), str(edge["second"]), kind=kind, count=sum(shared.values()), kinds=shared)
    return graph


def _places(graph: Any) -> dict[str, tuple[int, int]]:
    """Lay the accounts out by springs, from a fixed start, in whole pixels so that every machine agrees."""
    import networkx as nx

    ordered = nx.Graph()
    ordered.add_nodes_from(sorted(graph))
    ordered.add_edges_from(sorted(tuple(sorted(edge)) for edge in graph.edges))
    laid = nx.spring_layout(ordered, seed=7, method="force", iterations=80)
    xs, ys = [float(at[0]) for at in laid.values()], [float(at[1]) for at in laid.values()]
    wide, high = max(max(xs) - min(xs), 1e-6), max(max(ys) - min(ys), 1e-6)
    return {
        node: (
            round(_EDGE + (float(at[0]) - min(xs)) / wide * (WIDTH - 2 * _EDGE)),
            round(_EDGE + (float(at[1]) - min(ys)) / high * (HEIGHT - 2 * _EDGE)),
        )
        for node, at in laid.items()
    }


def _lines(graph: Any, places: Mapping[str, tuple[int, int]]) -> list[str]:
    lines = []
    for first, second in sorted(tuple(sorted(edge)) for edge in graph.edges):
        data = graph.edges[first, second]
        (x1, y1), (x2, y2) = places[first], places[second]
        dash = f' stroke-dasharray="{_DASHES[data["kind"]]}"' if _DASHES[data["kind"]] else ""
        lines.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="currentColor" stroke-opacity="0.55" '
            f'stroke-width="{min(1 + data["count"], 4)}"{dash}/>'
        )
    return lines


def _accounts(graph: Any, places: Mapping[str, tuple[int, int]], numbers: Mapping[str, int]) -> list[str]:
    """Draw each account as a circle with its number; the best tied ones as a square, so shape says it, too."""
    degrees = sorted((graph.degree(node) for node in graph), reverse=True)
    centre = degrees[min(2, len(degrees) - 1)]
    parts = []
    for node in sorted(places):
        x, y = places[node]
        shape = (
            f'<rect x="{x - 11}" y="{y - 11}" width="22" height="22" rx="3"'
            if graph.degree(node) >= centre and degrees[0] > degrees[-1]
            else f'<circle cx="{x}" cy="{y}" r="11"'
        )
        parts.append(
            f'<g><title>{escape(node)}: {graph.degree(node)} ties</title>{shape} fill="Canvas" stroke="currentColor" '
            f'stroke-width="2"/><text x="{x}" y="{y + 4}" text-anchor="middle" font-size="11" fill="currentColor">'
            f"{numbers[node]}</text></g>"
        )
    return parts


def _key(kinds: Sequence[str]) -> list[str]:
    parts = []
    for index, kind in enumerate(kinds):
        x, y = 20 + 300 * (index % 2), HEIGHT + 14 + 20 * (index // 2)
        dash = f' stroke-dasharray="{_DASHES[kind]}"' if _DASHES[kind] else ""
        parts.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 40}" y2="{y - 4}" stroke="currentColor" stroke-width="2"{dash}/>'
            f'<text x="{x + 48}" y="{y}" font-size="12" fill="currentColor">{_SAID[kind]}</text>'
        )
    return parts


def _described(graph: Any, drawn: Any, numbers: Mapping[str, int]) -> str:
    """Say in words what the picture shows, for those who do not see it."""
    lines = [f"{len(graph)} accounts, {graph.number_of_edges()} ties."]
    if len(drawn) < len(graph):
        lines.append(f"The {len(drawn)} best tied are drawn.")
    lines.append("Accounts: " + ", ".join(f"{numbers[node]} is {node}" for node in sorted(numbers)) + ".")
    ties = []
    for first, second in sorted(tuple(sorted(edge)) for edge in drawn.edges)[:60]:
        kinds = drawn.edges[first, second]["kinds"]
        said = ", ".join(f"{_SAID[kind]} ({count})" for kind, count in kinds.items())
        ties.append(f"{numbers[first]} and {numbers[second]}: {said}")
    return " ".join(lines) + " Ties: " + "; ".join(ties) + "."
