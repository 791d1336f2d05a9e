"""Private matching between two real processes: what is shared is found, nothing else crosses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("private_set_intersection")

from threelines.people.matching import (
    MatchError,
    answer,
    doubtful,
    finish,
    normal,
    prepared,
    read_lines,
    read_values,
    start,
)

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


def test_a_round_says_how_many_are_shared_and_sent(tmp_path: Path):
    """An empty result is said in words, beside the values; both sides see the number that the other learns."""
    (tmp_path / "ours.txt").write_text("@only_ours\n+6623439477\n")
    (tmp_path / "theirs.txt").write_text("t.me/only_theirs\n")
    match = [sys.executable, "-m", "threelines.cli.main", "match"]
    sent = threelines("start", "ours.txt", "--keep", "k", "--out", "request", folder=tmp_path)
    answered = threelines("answer", "theirs.txt", "request", "--out", "answer", folder=tmp_path)
    done = subprocess.run([*match, "finish", "answer", "--keep", "k"], cwd=tmp_path, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("", "0 shared.\n")
    assert "the partner learns that there are 10" in sent
    assert "the partner learns that there are 1." in answered


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


@pytest.mark.parametrize("value", [
    "+856 20 5555 1234", "tel:+856-20-5555-1234", "https://wa.me/8562055551234", "（020) 5555 1234", "(020) 5555 1234",
    "+856 20 5555–1234", "+856\u201120\u20115555\u20111234", "\u2066+856 20 5555 1234\u2069", "٠٢٠ ٥٥٥٥ ١٢٣٤", "＋８５６ 20 5555 1234",
    "https://api.whatsapp.com/send?phone=8562055551234&text=x", "https://wa.me/8562055551234?text=x", "t.me/+8562055551234",
])  # fmt: skip
def test_a_phone_is_one_however_it_was_typed(value: str):
    """Brackets, prefixes, dashes, digits of any script and invisible marks make no other number."""
    assert normal(value, region="LA") == "phone:+8562055551234"


@pytest.mark.parametrize("value", [
    "@Friend.Ly", "friend.ly", "https://t.me/Friend.ly/", "telegram.me/friend.ly", "https://www.instagram.com/friend.ly/?igsh=1",
    "m.facebook.com/friend.ly", "https://tiktok.com/@friend.ly", "tg://resolve?domain=friend.ly",
])  # fmt: skip
def test_a_handle_is_one_in_an_address_and_alone(value: str):
    """The address of a profile and its name have a form in common."""
    assert set(prepared([value])) & set(prepared(["friend.ly"]))


def test_one_name_on_two_platforms_is_two_accounts():
    """Addresses of profiles match on their own platform only; a name alone matches each, and is printed as it was given."""
    state, request = start(["instagram.com/maria_91", "@anna_77", "vk.com/ola_55"])
    reply = answer(["tiktok.com/@maria_91", "t.me/anna_77", "https://vk.com/ola_55"], request)

    assert finish(state, reply) == ["handle:anna_77", "handle:vk/ola_55"]


@pytest.mark.parametrize(("value", "same"), [
    ("+49 151 12345678 ext 5", "phone:+4915112345678"), ("tel:+49-151-12345678;ext=5", "phone:+4915112345678"),
    ("viber://chat?number=%2B4915112345678", "phone:+4915112345678"), ("mailto:Anna@Example.org", "handle:anna@example.org"),
    ("https://api.whatsapp.com/send/?text=hi&phone=4915112345678&type=x", "phone:+4915112345678"), ("m.me/Maria_91", "handle:facebook/maria_91"),
    ("SHA256:" + "AB" * 32, "hash:" + "ab" * 32), ("https://de-de.facebook.com/maria_91", "handle:facebook/maria_91"),
    ("fb.com/maria_91", "handle:facebook/maria_91"), ("https://www.threads.net/@maria_91", "handle:instagram/maria_91"),
    ("https://t.me/s/maria_91", "handle:telegram/maria_91"), ("an.na.k", "handle:an.na.k"),
])  # fmt: skip
def test_a_value_is_one_however_it_is_wrapped(value: str, same: str):
    """Extensions, schemes, countries of a site, short names of a site and labels of a hash are no part of it."""
    assert normal(value) == same


def test_lines_that_cannot_be_read_are_all_named(tmp_path: Path):
    """A number without a country stops the list once, with every line of the file it stands in; the value is not printed."""
    (tmp_path / "v.txt").write_text("# ours\n@friend\n123456789\n\n987654321\n")
    with pytest.raises(MatchError, match=r"3, 5: a number cannot be read") as told:
        prepared(read_lines(tmp_path / "v.txt"))
    assert "123456789" not in str(told.value)


def test_what_only_looks_like_a_handle_is_told_by_its_line():
    """A number with a word, a cut hash and an address of no known place are kept as they are, and told."""
    lines = {
        1: "@friend",
        2: "call 0151 12345678",
        4: "sha256 " + "ab" * 20,
        7: "https://example.org/profile?id=1",
        8: "t.me/x1234567",
        9: "+6623439477",
        10: "ab" * 32,
    }

    assert doubtful(lines) == {"a number": [2], "a hash": [4], "an address of no place that is known": [7]}


@pytest.mark.parametrize("address", [
    "https://facebook.com/profile.php?id=100000{}", "https://example.org/profile?id={}", "https://api.whatsapp.com/send?phone=856205555123{}",
])  # fmt: skip
def test_two_profiles_told_apart_by_their_query_are_two_values(address: str):
    """What differs only behind the question mark is not taken for the same person."""
    assert normal(address.format(1)) != normal(address.format(2))


@pytest.mark.parametrize(("post", "account"), [
    ("https://www.tiktok.com/@anna.jobs/video/7301?lang=en", "tiktok.com/@anna.jobs"), ("t.me/jobs_kk/153", "t.me/jobs_kk"),
    ("t.me/s/jobs_kk/153", "t.me/jobs_kk"), ("https://x.com/anna_jobs/status/17", "twitter.com/anna_jobs"),
    ("instagram.com/anna.work/reels/", "instagram.com/anna.work"), ("instagram.com/stories/anna.work/31/", "instagram.com/anna.work"),
    ("facebook.com/anna.hr/photos", "facebook.com/anna.hr"), ("t.me/other_one#a", "t.me/other_one"),
    ("facebook.com/profile.php?id=1000001&sk=photos", "facebook.com/profile.php?id=1000001"), ("vk.com/anna_k?w=wall1_2", "vk.com/anna_k"),
])  # fmt: skip
def test_the_address_of_a_post_is_its_account(post: str, account: str):
    """Links to what an account posted, the commonest evidence, match the account and are no doubtful line."""
    assert normal(post) == normal(account)
    assert doubtful([post]) == {}


@pytest.mark.parametrize("address", [
    "instagram.com/p/abc{}", "instagram.com/reel/abc{}/", "x.com/i/status/17{}", "facebook.com/watch?v=17{}", "t.me/c/1700/{}",
    "facebook.com/permalink.php?story_fbid=17{}", "facebook.com/groups/17{}", "tiktok.com/t/abc{}", "vk.com/wall-1_{}", "wa.me/message/abc{}",
])  # fmt: skip
def test_an_address_that_names_no_account_is_kept_whole_and_told(address: str):
    """A platform's own pages are no account: two of them never match each other, and their lines are named."""
    assert normal(address.format(1)) != normal(address.format(2))
    assert normal("instagram.com/p/abc/?igsh=1") == normal("instagram.com/p/abc")
    assert doubtful([address.format(1), "@friend"]) == {"an address that names no account": [1]}


def test_letters_are_one_in_both_forms():
    """An accent as a letter of its own, or within it, is the same name."""
    assert normal("@ame\u0301lie") == normal("@am\u00e9lie")


def test_an_answer_of_another_round_is_refused():
    """The secret of one round opens no answer to another: an empty result would pass for "nothing shared"."""
    state, _ = start(OURS)
    _, other = start(OURS)

    with pytest.raises(MatchError, match="another request"):
        finish(state, answer(THEIRS, other))


def test_a_request_that_holds_no_sealed_values_is_refused():
    """Bytes in the right form that are no point of the curve are a fault with a word."""
    import private_set_intersection.python as psi

    asked = psi.Request()
    asked.ParseFromString(start(OURS)[1])
    asked.encrypted_elements[0] = b"\x02" + b"\xff" * 32

    with pytest.raises(MatchError, match="no sealed value"):
        answer(THEIRS, asked.SerializeToString())


def test_the_secret_of_a_round_is_its_owners_alone_and_overwrites_nothing(tmp_path: Path):
    """`--keep` is a new file that nobody else can read; a list, a running round and one file for both are refused."""
    ours = tmp_path / "ours.txt"
    ours.write_text("@only_ours\n")
    again = tmp_path / "again.secret"
    again.write_bytes(b"a running round")
    again.chmod(0o644)

    def began(keep: str, out: str) -> subprocess.CompletedProcess[str]:
        match = [sys.executable, "-m", "threelines.cli.main", "match", "start", "ours.txt"]
        return subprocess.run([*match, "--keep", keep, "--out", out], cwd=tmp_path, capture_output=True, text=True)

    refused = [began("ours.txt", "r"), began("again.secret", "r"), began("both", "both"), began("k", "ours.txt")]

    assert [(done.returncode, "Traceback" in done.stderr) for done in refused] == [(2, False)] * 4
    assert (ours.read_text(), again.read_bytes()) == ("@only_ours\n", b"a running round")
    assert began("k", "r").returncode == 0
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_a_long_list_of_doubtful_lines_is_cut(tmp_path: Path):
    """Numbers of lines are named up to twenty, then counted."""
    (tmp_path / "ours.txt").write_text("".join(f"call 0151 123456{n:02}\n" for n in range(30)))
    match = [sys.executable, "-m", "threelines.cli.main", "match", "start", "ours.txt", "--keep", "k", "--out", "r"]
    done = subprocess.run(match, cwd=tmp_path, capture_output=True, text=True)

    assert "19, 20 and 10 more" in done.stderr
