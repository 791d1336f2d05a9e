"""What a contact says of those who write it: who gives it, who only names it, and when it is nobody's own."""

from __future__ import annotations

import random
from functools import partial

import pytest
from click.testing import CliRunner

from tests.ordinary_posts import platform, post, text
from threelines.cli.main import root
from threelines.engine.local import scan
from threelines.link.network import find_networks, network_threads
from threelines.signals.naming import only_names
from threelines.signals.network import one_contact_many_accounts, tied_accounts
from threelines.vocabulary.terms import load


@pytest.fixture(scope="module")
def vocabulary():
    """The packaged vocabulary."""
    return load()


@pytest.fixture(scope="module")
def told_by(vocabulary):
    """What a scan gives `find_networks`."""
    return partial(only_names, vocabulary=vocabulary)


def give(count, what, name="x", gap=40_000.0):
    rng = random.Random(name)
    all_said = what if isinstance(what, list) else [what] * count
    return [post(f"{name}{i}", f"{name}{i}", f"{text(rng)} {said}", i * gap) for i, said in enumerate(all_said)]


TELLINGS = [
    "Warning to all: this is a scam, do not answer t.me/solgarden_visa, they took my passport. Tell the police.",
    "My sister is held by the people of t.me/solgarden_visa",
    "Please help me get out. It was t.me/solgarden_visa",
    "I want to report this account: t.me/solgarden_visa",
    "Survivors told us of t.me/solgarden_visa",
]
WARNINGS = {
    "SCAM ALERT t.me/solgarden_visa stole my money": "SCAM",
    "t.me/solgarden_visa is a scam": "scam",
    "I reported t.me/solgarden_visa": "reported",
    "Do not answer t.me/solgarden_visa": "Do not answer",
    "Осторожно! Не пишите t.me/solgarden_visa": "Не пишите",
    "Cuidado, no escriban a t.me/solgarden_visa": "no escriban a",
    "注意,不要联系 t.me/solgarden_visa": "不要联系",
}
STOCK = [
    "Do not hesitate to write t.me/solgarden_visa",
    "No fee WhatsApp me, t.me/solgarden_visa",
    "No agent fee t.me/solgarden_visa",
    "You report to the manager, t.me/solgarden_visa",
    "Careful workers wanted t.me/solgarden_visa",
    "Avoid delay, write t.me/solgarden_visa",
    "Beware of fake agents! Real jobs: t.me/solgarden_visa",
    "Beware of fake agents, we are licensed: t.me/solgarden_visa",
    "Police warned of fake job offers, ours are real: t.me/solgarden_visa",
    "Fraud prevention officer wanted, t.me/solgarden_visa",
    "Time wasters do not contact t.me/solgarden_visa",
    "My client is hiring, t.me/solgarden_visa",
    "I am a lawyer for visas, t.me/solgarden_visa",
    "No dude en escribir al t.me/solgarden_visa",
    "N'hésitez pas à écrire à t.me/solgarden_visa",
    "Zögern Sie nicht: t.me/solgarden_visa",
    "Não hesite em escrever t.me/solgarden_visa",
    "Jangan ragu hubungi t.me/solgarden_visa",
    "Đừng ngần ngại nhắn t.me/solgarden_visa",
    "อย่ารอช้า t.me/solgarden_visa",
    "Без опыта, не медлите, пишите t.me/solgarden_visa",
]


@pytest.mark.parametrize("members", [6, 12])
def test_whoever_tells_or_reports_is_no_member(told_by, vocabulary, members):
    """Those who tell of harm, report or ask for help are named apart, and however many they are they hide no ring."""
    posts, _ = platform()
    posts += give(members, "write t.me/solgarden_visa") + give(0, TELLINGS, "tells")
    (thread,) = network_threads(posts, only_names=told_by)
    (told,) = one_contact_many_accounts(thread, vocabulary)

    assert thread.facts["members"] == sorted(f"x{i}" for i in range(members))
    assert thread.facts["named_by"] == [f"tells{i}" for i in range(len(TELLINGS))]
    assert f"{members} accounts give the same handle." in told.detail
    assert f"{len(TELLINGS)} more only name it" in told.detail


@pytest.mark.parametrize("plain", [0, 1, 3])
@pytest.mark.parametrize("stock", STOCK)
def test_a_stock_phrase_hides_no_ring(told_by, stock, plain):
    """A phrase that adverts have gives its contact, whoever else gives it in other words, in any language."""
    posts, _ = platform(posts=300)
    said = ["write t.me/solgarden_visa"] * plain + [stock] * (5 - plain)
    (network,) = find_networks(posts + give(5, said), only_names=told_by)

    assert network.members == tuple(f"x{i}" for i in range(5))
    assert network.named_by == ()


@pytest.mark.parametrize("warning", WARNINGS)
def test_words_that_may_warn_are_shown_to_who_decides(told_by, vocabulary, warning):
    """Without words of need or a report the account stays, and its words are quoted beside it and count for nothing."""
    posts, _ = platform(posts=300)
    (thread,) = network_threads(posts + give(5, ["write t.me/solgarden_visa"] * 4 + [warning]), only_names=told_by)
    told, shown = one_contact_many_accounts(thread, vocabulary)

    assert "1 of them writes words beside it that may warn." in told.detail
    assert (shown.strength, shown.record, shown.quote) == ("context", "px4", WARNINGS[warning])


def test_each_stock_phrase_is_shown_once(told_by, vocabulary):
    """Three plain posts and seven of one phrase are ten members; the phrase is quoted once, with how many write it."""
    posts, _ = platform(posts=300)
    said = ["write t.me/solgarden_visa"] * 3 + ["No fees. Avoid agents: t.me/solgarden_visa"] * 7
    (thread,) = network_threads(posts + give(10, said), only_names=told_by)
    told, shown = one_contact_many_accounts(thread, vocabulary)

    assert (len(thread.facts["members"]), "named_by" in thread.facts) == (10, False)
    assert "7 of them write words beside it that may warn." in told.detail
    assert "more only" not in told.detail
    assert shown.quote == "Avoid"


def test_those_who_tell_are_tied_by_no_contact(told_by):
    """Five people who tell what one agent did to them are no network, also where the agent's own posts are not there."""
    posts, _ = platform(posts=300)

    assert find_networks(posts + give(5, "They took my passport. It was t.me/solgarden_visa"), only_names=told_by) == []


@pytest.mark.parametrize(
    "what", ["write t.me/solgarden_visa", "call +41 79 555 01 99", "mail a.solgarden@mail.example"]
)
@pytest.mark.parametrize("count", [13, 150])
def test_a_contact_that_many_give_is_shown_by_itself(vocabulary, what, count):
    """One more account hides no ring: the contact is named with how many give it, and ties nobody by itself."""
    posts, _ = platform()
    (thread,) = network_threads(posts + give(count, what, gap=9_000.0))
    (told,) = one_contact_many_accounts(thread, vocabulary)

    assert (thread.facts["edges"], thread.facts["items"][0][2]) == ([], count)
    assert len(thread.facts["members"]) == len(thread.records) == min(count, 120)
    assert f"{count} accounts give the same" in told.detail
    assert list(tied_accounts(thread, vocabulary)) == []


def test_a_scan_tells_who_only_names(vocabulary):
    """The engine reads how each contact is named; the order of the records does not matter."""
    posts = give(4, "write t.me/solgarden_visa") + give(0, TELLINGS[:3], "tells") + platform(posts=300)[0]
    straight = [one for one in scan(posts, vocabulary, everything=True) if one.thread.kind == "network"]
    mixed = [one for one in scan(posts[::-1], vocabulary, everything=True) if one.thread.kind == "network"]

    assert [one.facts for one in straight] == [one.facts for one in mixed]
    assert [one.facts["named_by"] for one in straight] == [["tells0", "tells1", "tells2"]]


def test_a_name_is_one_on_its_own_platform():
    """`maria` on four platforms may be four people; on one platform it is one account, whoever gives it."""
    posts, _ = platform()
    apart = give(4, ["t.me/maria", "instagram.com/maria", "tiktok.com/@maria", "facebook.com/maria"])
    (network,) = find_networks(posts + give(3, ["t.me/maria", "telegram @maria", "Telegram: @maria"]))

    assert find_networks(posts + apart) == []
    assert network.items == (("handle", "telegram/maria", 3),)
    assert {kind for edge in network.edges for kind in edge.kinds} == {"handle"}


@pytest.mark.parametrize("number", ["081 234 5678", "123-456-7890", "777 77777", "9123 4568"])
def test_a_number_that_may_be_several_ties_nobody_for_sure(number):
    """Digits that stand for none, or few without a country, are no number of somebody's own."""
    posts, _ = platform()

    assert find_networks(posts + give(4, f"call {number}")) == []


def test_one_number_in_two_notations(vocabulary):
    """With the region of its platform a national number is that with its country; the finding quotes it as written."""
    posts, _ = platform(posts=300)
    posts = give(0, ["+66 81 729 5630", "t.me/+66817295630", "call 081 729 5630", "call 081-729-5630"]) + posts
    (one,) = [one for one in scan(posts, vocabulary, everything=True, region="TH") if one.thread.kind == "network"]

    assert one.facts["members"] == ["x0", "x1", "x2", "x3"]
    assert one.facts["items"] == [["phone", "+66817295630", 4]]
    assert one.facts["region"] == "TH"
    assert [one for one in scan(posts, vocabulary, everything=True) if one.thread.kind == "network"] == []


def test_a_region_that_is_no_country_is_refused(tmp_path):
    """A wrong country would read no number, in silence."""
    (tmp_path / "posts.jsonl").write_text('{"id": "1", "text": "call 081 729 5630"}\n')
    done = CliRunner().invoke(root, ["scan", str(tmp_path / "posts.jsonl"), "--region", "Siam"])

    assert (done.exit_code, "is no country" in done.output) == (2, True)
