"""The networks of a findings file as one graph, for the tools that draw and measure graphs: GraphML, GEXF, or CSV edges.

It holds what the findings hold: of each network its members and the ties written there (`link.network.EDGES`), and each
contact that many accounts give as a node of its own. Accounts are called as in the findings.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from threelines.records import Assessment

_UNSEEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
COLUMNS = ("network", "source", "target", "kinds", "p", "records")


def graph_of(found: Iterable[Assessment]) -> Any:
    """Return the networks among findings as one networkx graph: of an account in several networks there is one node.

    Nodes have `kind` ("account" or "contact") and `networks`; edges `network`, `kinds` ("handle 1, phone 2"), `p` and `records`.
    """
    import networkx as nx  # 0.1 s, which other commands need not wait for

    graph = nx.MultiGraph()
    for one in found:
        facts = one.facts if isinstance(one.facts, dict) else {}
        if one.thread.kind != "network" or not facts.get("members"):
            continue
        for member in facts["members"]:
            _node(graph, _name(member), "account", one.thread.id)
        for edge in facts.get("edges", ()):
            kinds = ", ".join(f"{kind} {number}" for kind, number in edge["kinds"].items())
            about = {"kinds": kinds, "p": float(edge["p"]), "records": _name(" ".join(edge["records"]))}
            graph.add_edge(_name(edge["first"]), _name(edge["second"]), network=one.thread.id, **about)
        if not facts.get("edges"):
            _add_contact(graph, one.thread.id, facts)
    return graph


def _add_contact(graph: Any, network: str, facts: Mapping[str, Any]) -> None:
    """Add what so many give that it ties nobody as a node, and who gives it, as far as the finding lists them."""
    for kind, value, _ in facts.get("items", ()):
        contact = _name(f"{kind} {value}")
        _node(graph, contact, "contact", network)
        for member in facts["members"]:
            graph.add_edge(_name(member), contact, network=network, kinds=f"{kind} 1", p=1.0, records="")


def _name(given: object) -> str:
    """Return a name without the marks that XML cannot hold."""
    return _UNSEEN.sub("\ufffd", str(given))


def _node(graph: Any, name: str, kind: str, network: str) -> None:
    known = graph.nodes[name]["networks"] + " " if name in graph else ""
    graph.add_node(name, kind=kind, networks=f"{known}{network}")


def _csv(graph: Any, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for source, target, edge in graph.edges(data=True):
            rows.writerow(
                [_cell(value) for value in (edge["network"], source, target, edge["kinds"], edge["p"], edge["records"])]
            )


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _graphml(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_graphml_xml(graph, path)


def _gexf(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_gexf(graph, path)


WRITERS: Mapping[str, Callable[[Any, Path], None]] = {".graphml": _graphml, ".gexf": _gexf, ".csv": _csv}
"""What writes a graph, by the ending of the file's name."""
