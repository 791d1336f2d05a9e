"""Networks taken out as a graph, and seen in the report."""

from __future__ import annotations

import csv
import random

import msgspec
import networkx as nx
import pytest
from click.testing import CliRunner

from tests.ordinary_posts import platform, post, text
from threelines.cli.main import root
from threelines.records import Assessment

RING = [f"ring{at}" for at in range(5)]


def give(what, accounts, name):
    """Return a post of each account that gives a contact."""
    rng = random.Random(name)
    return [post(f"{name}{at}", who, f"{text(rng)} {what}", at * 40_000.0) for at, who in enumerate(accounts)]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Folder with the findings and the report of a scan: a ring of five, and a number that fourteen give."""
    folder = tmp_path_factory.mktemp("scan")
    posts = platform(posts=300)[0] + give("t.me/solgarden_visa", [*RING[:4], "ring\x014"], "r")
    posts += give("call +41 79 555 01 99", [f"many{at}" for at in range(14)], "m")
    posts += give("call +41 79 555 01 98", [""] * 6, "n")
    (folder / "posts.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, posts)))
    for name, more in (("all", ["--all"]), ("raised", [])):
        words = ["scan", str(folder / "posts.jsonl"), "--reveal", "--out", str(folder / f"{name}.jsonl")]
        done = CliRunner().invoke(root, [*words, "--report", str(folder / f"{name}.html"), *more])
        assert done.exit_code == 0, done.output
        (folder / f"{name}.txt").write_text(done.stderr)
    return folder


def test_the_report_shows_networks_with_all(scanned):
    """A network that raises nothing by itself stands in the report of `--all`, with its picture, and not else."""
    everything, raised = ((scanned / name).read_text() for name in ("all.html", "raised.html"))

    assert everything.count("Accounts tied together") == 2
    assert "<svg" in everything
    assert "Accounts tied together" not in raised


def test_records_that_nobody_signs_are_told(scanned):
    """Six adverts without an author that share a number make no network: the scan and its report say so."""
    told = "6 records have no author: no network shows who shares a contact there"

    assert told in (scanned / "all.txt").read_text()
    assert told in (scanned / "raised.html").read_text()


def _exported(scanned, name):
    out = scanned / name
    done = CliRunner().invoke(root, ["export", "graph", str(scanned / "all.jsonl"), "--out", str(out)])
    return out, done


@pytest.mark.parametrize(("name", "read"), [("n.graphml", nx.read_graphml), ("n.gexf", nx.read_gexf)])
def test_networks_as_a_graph(scanned, name, read):
    """Members, ties and what ties them come back from the file; a contact that many give is a node, and ties no pair."""
    out, done = _exported(scanned, name)
    graph = nx.Graph(read(out))

    assert done.exit_code == 0, done.output
    assert "2 networks, 20 nodes, 24 edges written; the scan found 10 ties" in done.output
    assert graph.edges["ring0", "ring1"]["kinds"] == "handle 1"
    assert graph.nodes["phone +41795550199"]["kind"] == "contact"
    assert set(graph["many3"]) == {"phone +41795550199"}
    assert "ring\ufffd4" in graph


def test_networks_as_a_table(scanned):
    """One row a tie, with the network, both ends, what ties them, and the records that show it."""
    out, _ = _exported(scanned, "n.csv")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    findings = [
        msgspec.json.decode(line, type=Assessment) for line in (scanned / "all.jsonl").read_bytes().splitlines()
    ]

    assert len(rows) == 24
    assert {row["network"] for row in rows} == {one.thread.id for one in findings if one.thread.kind == "network"}
    assert ["ring0", "ring1", "handle 1", "pr0 pr1"] in [
        [row[name] for name in ("source", "target", "kinds", "records")] for row in rows
    ]


def test_what_is_no_findings_file_is_refused(scanned, tmp_path):
    """Another file, or an ending that names no form of graph, is refused in words, and nothing is written."""
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    out = tmp_path / "n.graphml"
    wrong = CliRunner().invoke(root, ["export", "graph", str(tmp_path / "other.jsonl"), "--out", str(out)])
    _, form = _exported(scanned, "n.dot")

    assert (wrong.exit_code, "no line of a findings file" in wrong.output) == (1, True)
    assert (form.exit_code, ".graphml, .gexf, .csv" in form.output) == (2, True)
    assert not out.exists()
