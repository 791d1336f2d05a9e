"""docs/breach.md answers from the audit: what it tells people to look for is what our code writes, and nothing that left is missing."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import get_args

import threelines
from threelines.people import approval
from threelines.web import grants

ROOT = Path(threelines.__file__).parent
PAGE = (ROOT.parent / "docs" / "breach.md").read_text(encoding="utf-8")
WRITERS = {"add", "note", "note_refused", "revise", "_change", "_change_in", "_note"}
"""Functions that are given an act of the audit."""
NAME = re.compile(r"[a-z*]+\.[a-z_*]+")
WORK = {
    "account.disable", "announcement.again", "case.add", "case.assign", "case.attach", "case.erase", "case.hold",
    "case.list", "case.release", "case.search", "case.update", "consent.read", "consent.record", "consent.withdraw",
    "finding.appeal", "finding.decide", "finding.erase", "finding.forget", "finding.referred", "finding.undo", "finding.upload",
    "identity.change", "identity.names", "identity.remove", "retention.destroy", "session.end", "setting.change", "statistics.read",
    "store.restore", "store.rotate", "stream.erase", "stream.forget", "subject.agree", "subject.ask", "token.drop",
}  # fmt: skip
"""Acts of daily work that no row names: the row on what an account did finds them by the person."""


def written(node: ast.expr) -> set[str]:
    """Return the acts that an argument can be; `*` for a part that is only known when it runs."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        return written(node.body) | written(node.orelse)
    if isinstance(node, ast.JoinedStr):
        return {"".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)}
    return set()


def acts_of(path: Path) -> set[str]:
    """Return the acts that a module writes: given to a writer, or named `action` before."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in WRITERS:
            found |= {act for given in node.args for act in written(given)}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "action":
            found |= written(node.value)
    return {act for act in found if NAME.fullmatch(act)}


def acts() -> set[str]:
    """Return every act that threelines writes into the audit; `leaving.*` stands for one act a purpose."""
    folders = ("web", "people", "platforms", "cli")
    found = {act for folder in folders for path in (ROOT / folder).rglob("*.py") for act in acts_of(path)}
    kinds = {*get_args(grants.Kind), *get_args(approval.Kind)}
    plain = {act for act in found if not act.startswith("*")}
    return plain | {f"{kind}.{act.removeprefix('*.')}" for act in found - plain for kind in kinds}


def rows() -> dict[str, set[str]]:
    """Return what the page tells to look for, by question; `…` is any ending."""
    lines = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    marked = {line[1].strip(): re.findall(r"`([a-z]+\.[a-z_…]+)`", line[2]) for line in lines[1:]}
    return {question: {name.replace("…", "*") for name in names} for question, names in marked.items()}


def test_the_acts_are_found():
    """The test reads the code as it is: acts of each kind of writer are among what it finds."""
    assert {
        "case.read", "case.hold", "leaving.*", "invite.use", "binding.on", "release.prepare", "account.enable", "page.refused",
        "finding.labels", "case.update",
    } <= acts()  # fmt: skip


def test_the_page_names_acts_that_exist():
    """Nobody looks in vain for a word that our code never writes."""
    known = acts()
    named = {name for names in rows().values() for name in names}

    assert [name for name in sorted(named) if not any(fnmatch(act, name) for act in known)] == []


def test_every_act_stands_on_the_page_or_is_daily_work():
    """A new act is put into a row, or said to be daily work, by whoever adds it."""
    named = {name for names in rows().values() for name in names}
    missing = {act for act in acts() if not any(fnmatch(act, name) for name in named)}

    assert missing == WORK


def test_what_left_and_who_got_in_are_whole():
    """The words of decided records leave as labels; a token that was made or an account that was opened again lets somebody in."""
    left, entered = rows()["What left?"], rows()["Did somebody get in who should not?"]

    assert {"finding.labels", "finding.removed", "feed.change", "subject.write", "store.backup"} <= left
    assert {"token.make", "account.enable", "account.add", "setup.*"} <= entered
