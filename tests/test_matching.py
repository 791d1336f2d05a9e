"""Private matching between two real processes: what is shared is found, nothing else crosses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("private_set_intersection")

from threelines.people.matching import MatchError, answer, finish, normal, read_values, start

OURS = ["+66 2 343 9477", "@Friend_Of_Mine", "a" * 64, "t.me/only_ours"]
THEIRS = ["+6623439477", "friend_of_mine", "A" * 64, "@only_theirs"]


def threelines(*words: str, folder: Path) -> str:
    """Run the command in a process of its own, in its own folder."""
    done = subprocess.run(
        [sys.executable, "-m", "threelines.cli.main", "match", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_two_processes_find_what_they_share(tmp_path: Path):
    """Two organisations, two processes, three messages: the shared values and no other come out."""
    (tmp_path / "ours.txt").write_text("\n".join(OURS))
    (tmp_path / "theirs.txt").write_text("\n".join(THEIRS))
    threelines("start", "ours.txt", "--keep", "k", "--out", "request", folder=tmp_path)
    threelines("answer", "theirs.txt", "request", "--out", "answer", folder=tmp_path)
    shared = threelines("finish", "answer", "--keep", "k", folder=tmp_path).split()

    assert sorted(["phone:+6623439477", "handle:friend_of_mine", "hash:" + "a" * 64]) == sorted(shared)


@pytest.mark.parametrize("first", ["", "# ours\r\n"])
def test_a_byte_order_mark_hides_no_value(tmp_path: Path, first: str):
    """A file of a Windows editor gives the same values as any other, its first line too."""
    (tmp_path / "marked.txt").write_bytes(("\ufeff" + first + "@friend\r\n@other\r\n").encode())

    assert read_values(tmp_path / "marked.txt") == ["@friend", "@other"]


def test_no_value_stands_in_a_message():
    """Neither message holds a value of either side, nor a plain hash of one."""
    from hashlib import sha256

    _, request = start(OURS)
    reply = answer(THEIRS, request)
    for value in map(normal, OURS + THEIRS):
        for form in (value.encode(), value.split(":")[1].encode(), sha256(value.encode()).digest()):
            assert form not in request + reply


def test_each_round_has_a_new_key():
    """Two requests of the same list cannot be linked by their bytes."""
    assert start(OURS)[1] != start(OURS)[1]


@pytest.mark.parametrize("value", ["ab", "0212", "123456 without plus"])
def test_values_that_would_match_by_chance_are_refused_or_kept_apart(value: str):
    """Short values are refused; a number without a country is never guessed."""
    if value.startswith("123456"):
        assert normal(value).startswith("handle:")
        return
    with pytest.raises(MatchError):
        normal(value) if len(value) < 3 else normal(value + "0000")


def test_cut_messages_are_named():
    """A message that was cut or swapped gives a reason, not a crash."""
    state, request = start(OURS)
    reply = answer(THEIRS, request)
    with pytest.raises(MatchError):
        finish(state, reply[: len(reply) // 2])
    with pytest.raises(MatchError):
        answer(THEIRS, b"\xff" * 40)
