"""Components of ties, cut until a person can read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from threelines.link.groups import components
from threelines.link.ties import Ints, Ties

LARGEST = 120
"""Accounts in one network, at most."""
PIECE = 1 << 18
"""Pairs of ties in one triangle that are joined into circles at once."""

Tie = tuple[int, int, float]


def parts(tied: Ties, accounts: int) -> Iterator[list[Tie]]:
    """Yield the ties of one component after the other; one that nobody could read is cut."""
    group = components(accounts, tied.first, tied.second)
    edges: dict[int, list[Tie]] = defaultdict(list)
    for first, second, p in zip(tied.first.tolist(), tied.second.tolist(), tied.p.tolist(), strict=True):
        edges[int(group[first])].append((first, second, p))
    for name in sorted(edges):
        members = {node for edge in edges[name] for node in edge[:2]}
        if len(members) <= LARGEST:
            yield edges[name]
        else:
            for circle in circles(edges[name]):
                yield from _communities(circle)


def circles(edges: list[Tie]) -> Iterator[list[Tie]]:
    """Cut where ties hang together by single accounts only: within a circle each tie is in a triangle with the next.

    An account may be in several circles. (Clique percolation with k = 3, Palla et al. 2005.)
    """
    names = np.arange(len(edges))
    for one, two in _triangles(edges):
        apart = names[one] != names[two]
        if apart.any():
            names = components(len(edges), names[one[apart]], names[two[apart]])[names]
    circles: dict[int, list[Tie]] = defaultdict(list)
    for edge, name in zip(edges, names.tolist(), strict=True):
        circles[name].append(edge)
    yield from (circles[name] for name in sorted(circles))


def _triangles(edges: list[Tie]) -> Iterator[tuple[Ints, Ints]]:
    """Yield (edge, edge) for two pairs of edges of each triangle, in pieces: there may be far more of them than edges."""
    pairs = np.unique(np.asarray([edge[:2] for edge in edges], dtype=np.int64), return_inverse=True)[1].reshape(-1, 2)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    low, high = pairs[order].T  # `low` is the lower of an edge, so each triangle is seen once
    begins = np.searchsorted(low, np.arange(pairs.max() + 2))
    third = np.full(len(begins), -1)
    one: list[Ints] = []
    two: list[Ints] = []
    count = 0
    for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True):
        if end - begin < 2:
            continue
        nodes = high[begin:end]
        third[nodes] = np.arange(begin, end)
        sizes = begins[nodes + 1] - begins[nodes]
        far = np.repeat(begins[nodes] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        near, close = np.repeat(np.arange(begin, end), sizes), third[high[far]]
        found = close >= 0
        near, far, close = order[near[found]], order[far[found]], order[close[found]]
        third[nodes] = -1
        one += (near, near)
        two += (close, far)
        count += 2 * len(near)
        if count > PIECE:
            yield np.concatenate(one), np.concatenate(two)
            one, two, count = [], [], 0
    if count:
        yield np.concatenate(one), np.concatenate(two)


def _communities(edges: list[Tie]) -> Iterator[list[Tie]]:
    """Cut a circle until no part is too large (Louvain, fixed seed); ties between the parts are left out."""
    nodes = {node for edge in edges for node in edge[:2]}
    if len(nodes) <= LARGEST:
        yield edges
        return
    import networkx as nx  # 0.1 s; few scans come here

    graph = nx.Graph()
    graph.add_weighted_edges_from((first, second, min(-np.log10(p + 1e-300), 30.0)) for first, second, p in edges)
    found = nx.community.louvain_communities(graph, seed=7)
    if max(map(len, found)) == len(nodes):
        found = _slices(graph)
    where = {node: number for number, part in enumerate(found) for node in part}
    inside: dict[int, list[Tie]] = defaultdict(list)
    for edge in edges:
        if where[edge[0]] == where[edge[1]]:
            inside[where[edge[0]]].append(edge)
    for part in sorted(inside.values()):
        yield from _communities(part)


def _slices(graph: Any) -> list[list[int]]:
    """Cut what has no parts into few even ones, neighbours together as far as a walk from the lowest can keep them."""
    import networkx as nx

    ordered: dict[int, None] = {}
    for node in sorted(graph):
        if node not in ordered:
            ordered |= dict.fromkeys([node, *(to for _, to in nx.bfs_edges(graph, node, sort_neighbors=sorted))])
    nodes = list(ordered)
    size = -(-len(nodes) // -(-len(nodes) // LARGEST))
    return [nodes[at : at + size] for at in range(0, len(nodes), size)]
