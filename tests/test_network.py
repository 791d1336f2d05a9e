"""Networks: what is shared beyond chance ties accounts; popularity, activity and chance do not."""

from __future__ import annotations

import random
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.ordinary_posts import START, campaign, platform, post, text
from threelines.link.cutting import LARGEST, circles, parts
from threelines.link.network import EDGES, _cost, find_networks, find_ties, network_threads
from threelines.link.praise import praise_threads
from threelines.link.scripts import find_scripts, script_threads
from threelines.link.ties import Ties, Uses, chance, exactness, expected, shared, span, ties
from threelines.records import Attachment, Record
from threelines.signals.network import (
    one_contact_many_accounts,
    praise_posted_together,
    same_texts_in_network,
    tied_accounts,
)
from threelines.signals.script import posted_as_one, reworded_for_each, same_text_by_many, same_text_other_contact
from threelines.text.clock import written_to
from threelines.vocabulary.terms import load


@pytest.fixture(scope="module")
def vocabulary():
    """The packaged vocabulary."""
    return load()


def test_chance_and_popularity_tie_nobody():
    """3,000 posts with popular links and no coordination give no tie (a plain window gives dozens)."""
    for seed in range(3):
        posts, _ = platform(seed)

        assert list(find_ties(posts, find_scripts(posts).groups)) == []


def test_accounts_that_post_one_text_together_are_tied():
    """Planted accounts are found, all pairs of them, and nobody else is."""
    posts, rng = platform()
    accounts = [f"x{index}" for index in range(6)]
    posts += campaign(rng, 1, accounts)
    found = {(a, b) for a, b, _ in find_ties(posts, find_scripts(posts).groups)}

    assert {tuple(sorted(pair)) for pair in found} == set(combinations(accounts, 2))


def test_the_same_text_over_weeks_ties_less():
    """A text that several post over the whole month is a script, but timing does not make it a network."""
    posts, rng = platform()
    accounts = [f"x{index}" for index in range(4)]
    slow = [p for _, _, p in find_ties(posts + campaign(rng, 1, accounts, spread=19 * 86_400), ())]
    posts += campaign(rng, 1, accounts)
    fast = [p for _, _, p in find_ties(posts, find_scripts(posts).groups)]

    assert slow == []
    assert len(fast) == 6


def test_a_shared_number_ties_accounts_and_a_hotline_does_not():
    """Five accounts with one private number are tied; five of the hundreds who share a public one are not."""
    posts, rng = platform()
    posts += [post(f"k{i}", f"u{i * 3}", f"{text(rng)} call +41 44 555 01 00", i * 4000.0) for i in range(190)]
    posts += [post(f"n{i}", f"x{i}", f"{text(rng)} call +41 79 555 01 99", i * 50_000.0) for i in range(5)]
    found = {account for a, b, _ in find_ties(posts) for account in (a, b)}

    assert found == {f"x{i}" for i in range(5)}


@pytest.mark.parametrize(
    "written", ["+44 8000 121 700", "08000 121 700", "1-888-373-7888", "https://wa.me/628111129129"]
)
def test_a_helpline_that_is_passed_on_ties_nobody(vocabulary, written):
    """People who pass on the number of a known helpline are no network, few or many; one private number still ties."""
    posts, rng = platform()
    for members in (12, 50):
        shared = [
            post(f"h{i}", f"x{i % members}", f"{text(rng)} call {written}", i * 9000.0) for i in range(2 * members)
        ]
        assert find_networks(posts + shared) == []
    posts += [post(f"n{i}", f"x{i}", f"{text(rng)} call {written} or +41 79 555 01 99", i * 50_000.0) for i in range(5)]
    (thread,) = network_threads(posts)
    (told,) = one_contact_many_accounts(thread, vocabulary)

    assert thread.facts["items"] == [["phone", "+41795550199", 5]]
    assert told.quote == "+41 79 555 01 99"


def test_mentioning_a_friend_is_no_tie():
    """Five accounts that mention one bare @name over the weeks are friends, not a network."""
    posts, rng = platform()
    posts += [post(f"n{i}", f"u{i * 7}", f"{text(rng)} @sunny_friend", i * 300_000.0) for i in range(5)]

    assert find_networks(posts) == []


def test_a_shared_picture_ties_accounts():
    """One picture under several names is a tie, by its hash."""
    posts, rng = platform()
    picture = (Attachment(name="a.jpg", hash="pdq:abc"),)
    posts += [post(f"n{i}", f"x{i}", text(rng), i * 60_000.0, attachments=picture) for i in range(4)]
    (network,) = find_networks(posts)

    assert network.members == ("x0", "x1", "x2", "x3")
    assert {kind for edge in network.edges for kind in edge.kinds} == {"photo"}


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
@example(1085)  # one account wrote 71,680 of 72,779 records
@example(40)
def test_false_discoveries_stay_rare(seed):
    """Items drawn at random by busy and quiet accounts give a tie in few worlds: p-values are no smaller than fair."""
    rng = np.random.default_rng(seed)
    activity = np.maximum(rng.pareto(1.5, 200) * 3, 1).astype(np.int64)
    account = np.repeat(np.arange(200), activity)
    item = (rng.random(len(account)) ** 3 * 60).astype(np.int64)
    time = rng.random(len(account)) * 1e6
    uses = Uses("link", item, account, time, np.arange(len(account)))
    first, second, p = chance(shared(uses, span(time)), expected(uses, np.bincount(account, minlength=200)))
    tied = ties([(first, second, p)], 200)

    assert len(tied.first) <= 2


@pytest.mark.parametrize("owners", [0, 5, 60])
def test_few_contacts_do_not_lower_the_bar_for_timing(owners):
    """Random texts at random times tie nobody, however few accounts also give an address of their own."""
    rng = random.Random(1)
    texts = [(number, text(rng) + f" shop{number}@example.org" * (number < owners)) for number in [*range(300)] * 4]
    posts = [post(f"{n}-{i}", f"u{n}", text, rng.random() * 30 * 86_400) for i, (n, text) in enumerate(texts)]

    assert list(find_ties(posts)) == []


def test_links_that_two_happen_to_share_tie_nobody():
    """Five links that two unrelated accounts each post, days apart, are no more than chance among 600 accounts."""
    posts, rng = platform(links=1)
    posts = [post for post in posts if "http" not in post.text]
    for number in range(5):
        said = [f"{text(rng)} https://blog{number}.example/story" for _ in range(2)]
        posts += [post(f"l{number}-{i}", f"u{number * 9 + i}", text, 86_400.0 * (i + 1)) for i, text in enumerate(said)]

    assert list(find_ties(posts)) == []


def test_kinds_share_the_false_discoveries():
    """Whatever kinds there are, their parts of the false discoveries make up the whole, and scripts have half."""
    for kinds in (["script"], ["timing", "link"], ["script", "timing"], ["handle", "script", "link", "timing"]):
        cost = _cost(kinds)

        assert sum(1 / cost[kind] for kind in kinds) == pytest.approx(1)
        assert cost.get("script", 2.0) == (2.0 if len(kinds) > 1 else 1.0)


def test_time_window_does_not_change_the_cost_or_the_result():
    """Nothing is counted by windows: doubling all gaps of unrelated posts ties nobody either."""
    posts, _ = platform()
    slower = [
        msgspec.structs.replace(post, time=START + (post.time - START) * 2) for post in posts if post.time is not None
    ]

    assert list(find_ties(slower)) == []


def test_a_ring_of_many_triangles_takes_little_memory():
    """In a component too large to read, triangles outnumber ties a hundred times; they are joined in pieces."""
    ring = [(a, b, 1e-9) for a in range(240) for b in range(a + 1, 240) if (a * b) % 3]
    beside = [(a + 500, b + 500, 1e-9) for a, b in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5))]
    tracemalloc.start()
    cut = list(circles([*ring, *beside]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [len(circle) for circle in cut] == [len(ring), 3, 1, 3]
    assert peak < 40 << 20


@pytest.mark.parametrize("near", [240, 9])
def test_no_network_is_over_its_size(near):
    """However dense or long a component is, it is cut until a person can read it, and nobody falls out of a dense one."""
    edges = [(a, b, 1e-9) for a in range(500) for b in range(a + 1, min(a + near, 500))]
    first, second, p = zip(*edges, strict=True)
    cut = [*parts(Ties(np.array(first), np.array(second), np.array(p), 1), 500)]
    members = [{node for edge in part for node in edge[:2]} for part in cut]

    assert max(map(len, members)) <= LARGEST
    assert set().union(*members) == set(range(500))


def test_each_member_has_an_edge_and_a_record():
    """What is written of a network shows of each of its accounts what ties it."""
    posts, rng = platform(posts=300)
    for ring in range(14):
        posts += [
            post(
                f"r{ring}-{i}", f"x{(ring * 8 + i) % 115:03}", f"{text(rng)} t.me/solgarden_{ring}x", rng.random() * 1e6
            )
            for i in range(12)
        ]
    (thread, *_) = network_threads(posts)
    edges = thread.facts["edges"]

    assert thread.facts["ties"] > len(edges) == EDGES
    assert [edge["p"] for edge in edges] == sorted(edge["p"] for edge in edges)
    assert {edge[side] for edge in edges for side in ("first", "second")} == set(thread.facts["members"])
    assert {record.author for record in thread.records} == set(thread.facts["members"])


def test_a_network_is_a_thread_with_its_evidence():
    """Members, ties with kinds and probability, shared items and the records that show them."""
    posts, rng = platform()
    accounts = ["x0", "x1", "x2", "x3"]
    posts += campaign(rng, 1, accounts, handle="https://t.me/blue_bicycle_club")
    (thread,) = network_threads(posts, find_scripts(posts).groups)
    ids = {record.id for record in posts}

    assert thread.kind == "network"
    assert thread.facts["members"] == accounts
    assert thread.facts["ties"] == 6
    assert {item[0] for item in thread.facts["items"]} >= {"script"}
    assert all(0 < edge["p"] < 1e-6 and set(edge["records"]) <= ids for edge in thread.facts["edges"])
    assert {record.author for record in thread.records} == set(accounts)


def test_two_accounts_are_no_network():
    """Two tied accounts are most often one person."""
    posts, rng = platform()
    posts += campaign(rng, 1, ["x0", "x1"])

    assert find_networks(posts, find_scripts(posts).groups) == []


def test_results_do_not_depend_on_the_order_of_records():
    """The same records in another order give the same networks, byte for byte but for which record stands first."""
    posts, rng = platform()
    posts += campaign(rng, 1, ["x0", "x1", "x2"]) + campaign(rng, 2, ["y0", "y1", "y2", "y3"], at=500_000)
    straight = find_networks(posts, find_scripts(posts).groups)
    random.Random(4).shuffle(posts)
    mixed = find_networks(posts, find_scripts(posts).groups)

    assert [(n.id, n.members) for n in straight] == [(n.id, n.members) for n in mixed]


def test_records_without_time_or_author():
    """An export without times still ties by what is shared; a record without author ties nobody."""
    rng = random.Random(2)
    posts = [Record(id=f"a{i}", kind="post", author=f"u{i % 300}", text=text(rng)) for i in range(2000)]
    posts += [
        Record(id=f"n{i}", kind="post", author=f"x{i % 3}", text=f"{text(rng)} telegram @night_owls_{i // 3}")
        for i in range(9)
    ]
    posts += [Record(id=f"o{i}", kind="post", text=f"{text(rng)} telegram @night_owls_1") for i in range(3)]
    (network,) = find_networks(posts)

    assert network.members == ("x0", "x1", "x2")
    assert find_networks([]) == []


def _praise(rng, count, word, at=1_500_000.0):
    return [
        post(f"w{i}", f"new{i}", f"{text(rng, 5)} {word} {text(rng, 6)}", at + rng.random() * 86_400)
        for i in range(count)
    ]


def test_new_accounts_that_praise_one_name_together_are_shown(vocabulary):
    """Eight late accounts write about one name in different words; the name is quoted as written."""
    posts, rng = platform()
    posts += _praise(rng, 8, "Solvindel")
    (thread,) = praise_threads(posts)
    (signal,) = praise_posted_together(thread, vocabulary)

    assert thread.facts["about"] == "Solvindel"
    assert thread.facts["members"] == sorted(f"new{i}" for i in range(8))
    assert signal.indicator == "AI-18"
    assert signal.quote == "Solvindel"
    assert "not read" in signal.detail


def test_a_name_that_everybody_uses_is_no_praise():
    """The same number of posts by people with a life besides shows nothing, nor does a board of one-time posters."""
    posts, rng = platform()
    busy = [post(f"w{i}", f"u{i}", f"{text(rng, 5)} Solvindel {text(rng)}", 1e6 + i) for i in range(8)]
    once = [post(f"o{i}", f"once{i}", text(rng), 400_000 + i * 900.0) for i in range(1500)]

    assert list(praise_threads(posts + busy)) == []
    assert list(praise_threads(once)) == []


def test_details_of_a_network_speak_plainly(vocabulary):
    """Numbers, what ties, how likely by chance, and who looks alike; quotes stand verbatim in their record."""
    posts, rng = platform()
    posts += campaign(rng, 1, ["x0", "x1", "x2", "x3"], handle="telegram @blue_bicycle_club")
    (thread,) = network_threads(posts, find_scripts(posts).groups)
    detectors = (tied_accounts, one_contact_many_accounts, same_texts_in_network)
    signals = [signal for detector in detectors for signal in detector(thread, vocabulary)]
    texts = {record.id: record.text for record in thread.records}

    assert [signal.indicator for signal in signals] == ["BEH-09", "BEH-14", "BEH-04"]
    assert all(texts[s.record][s.start : s.end] == s.quote != "" for s in signals)
    assert "4 accounts are tied by the same handle, the same text" in signals[0].detail
    assert "look alike" in signals[0].detail


def test_reposting_one_text_is_ordinary(vocabulary):
    """An agency's text posted over days by two accounts raises nothing; by four within a minute it is shown."""
    rng = random.Random(3)
    slow = campaign(rng, 1, ["a", "b"] * 3, spread=9 * 86_400)
    fast = campaign(rng, 2, ["a", "b", "c", "d"])
    detectors = (same_text_by_many, posted_as_one, same_text_other_contact, reworded_for_each)
    seen = {}
    for name, posts in (("slow", slow), ("fast", fast)):
        (thread,) = script_threads(posts)
        seen[name] = [(s.indicator, s.strength) for d in detectors for s in d(thread, vocabulary)]

    assert seen == {"slow": [], "fast": [("BEH-04", "medium"), ("BEH-09", "medium")]}


def test_one_text_with_many_contacts(vocabulary):
    """The same text with another handle in each copy is one more sign, and the template shows the slot."""
    rng = random.Random(5)
    script = text(rng, 16)
    posts = [post(i, f"x{i}", f"{script} write telegram @club_number_{i}", i * 20_000.0) for i in range(4)]
    (thread,) = script_threads(posts)
    signals = [s for d in (same_text_by_many, same_text_other_contact) for s in d(thread, vocabulary)]

    assert [(s.indicator, s.strength) for s in signals] == [("BEH-04", "medium"), ("BEH-14", "weak")]
    assert "‹@club_number_0 |" in thread.facts["template"]


def _cut(posts, unit):
    """Return the posts with times as a source writes them that knows only every `unit` seconds."""
    return [
        msgspec.structs.replace(
            post, time=datetime.fromtimestamp(post.time.timestamp() // unit * unit, UTC) if post.time else None
        )
        for post in posts
    ]


@pytest.mark.parametrize("unit", [1, 60, 3600, 86_400])
def test_times_that_are_cut_make_nobody_simultaneous(unit):
    """Unrelated posts with popular links, written to the minute, the hour or the day, tie nobody: equal is not at once."""
    for seed in range(2):
        posts, _ = platform(seed, accounts=200, links=60)

        assert list(find_ties(_cut(posts, unit))) == []


@pytest.mark.parametrize(("unit", "tied"), [(1, 6), (60, 6), (3600, 6), (86_400, 0)])
def test_a_campaign_is_found_as_far_as_times_can_show_it(unit, tied):
    """Four accounts that post one text within a minute are tied where minutes or hours are written; a day is too long."""
    posts, rng = platform()
    posts = _cut(posts + campaign(rng, 1, ["x0", "x1", "x2", "x3"]), unit)

    assert len(list(find_ties(posts, find_scripts(posts).groups))) == tied


def test_a_source_without_seconds_beside_one_with_them():
    """Each account goes by its own times: posts by day are not simultaneous because others are written to the second."""
    days, rng = platform(1, accounts=100, links=40)
    chats = [
        msgspec.structs.replace(post, id=f"s{post.id}", author=f"s{post.author}")
        for post in platform(2, accounts=100, links=40)[0]
    ]
    mixed = _cut(days, 86_400) + _cut(chats, 1)

    assert [tie for tie in find_ties(mixed) if not tie[0].startswith("s")] == []
    assert len(list(find_ties(mixed + campaign(rng, 1, ["x0", "x1", "x2"], handle="https://t.me/blue_bicycle")))) == 3


def test_how_exactly_times_are_written():
    """All round times of an account tell its source; a few may be round by chance, and go by all there are."""
    account = np.array([0] * 5 + [1] * 5 + [2] * 2 + [3] * 5)
    time = np.array([60.0, 120, 180, 300, 480, 86_400, 0, 86_400, 172_800, 0, 60, 120, *[np.nan] * 4, 7])
    found = exactness(account, time, 4)

    assert found.of.tolist() == [60.0, 86_400.0, 1.0, 1.0]
    assert found.whole == 1.0
    assert exactness(account[:12], time[:12], 4).of.tolist() == [60.0, 86_400.0, 60.0, 60.0]


def test_networks_of_records_with_repeated_ids():
    """Where an export numbers records per account, a network has the same ties, and shows records of its members only."""
    posts, rng = platform()
    accounts = ["x0", "x1", "x2", "x3"]
    posts += campaign(rng, 1, accounts, handle="https://t.me/blue_bicycle_club")
    repeated = [msgspec.structs.replace(post, id=str(number % 7)) for number, post in enumerate(posts)]
    (plain,), (thread,) = (network_threads(given, find_scripts(given).groups) for given in (posts, repeated))

    assert [record.text for record in thread.records] == [record.text for record in plain.records]
    assert [edge["p"] for edge in thread.facts["edges"]] == [edge["p"] for edge in plain.facts["edges"]]
    assert set(thread.facts["edges"][0]) == {"first", "second", "kinds", "p", "records"}


def test_praise_in_records_with_repeated_ids(vocabulary):
    """Planted praise is found, and quoted where it stands, where an export repeats ids."""
    posts, rng = platform()
    posts += _praise(rng, 8, "Solvindel")
    repeated = [msgspec.structs.replace(post, id=str(number % 3)) for number, post in enumerate(posts)]
    (thread,) = praise_threads(repeated)
    (signal,) = praise_posted_together(thread, vocabulary)

    assert len(thread.records) == 8
    assert signal.quote == "Solvindel"


@pytest.mark.parametrize("minutes", [330, 345, 390, 420, -210])
def test_dates_of_any_zone_are_dates(minutes):
    """Midnight in Mumbai is 18:30 UTC: accounts that share the news of a day, by date alone, are as little tied as at UTC."""
    draw, posts = random.Random(3), []
    for n in range(1500):
        day, account = draw.randrange(60), draw.randrange(200)
        link = f"https://news.example.org/story/{day}x{draw.randrange(6)}"
        time = START + timedelta(days=day, minutes=-minutes)
        posts.append(Record(id=f"r{n}", kind="post", author=f"u{account}", time=time, text=f"news {n} today {link}"))

    assert find_networks(posts) == []


def test_to_how_many_seconds_times_are_written():
    """The same time of the day, or two an hour apart (summer time), is a date; whole hours may be of any zone."""
    midnight = 18.5 * 3600
    dates = [n * 86_400 + midnight for n in range(5)]

    assert written_to(dates) == written_to([*dates, midnight - 3600]) == 86_400
    assert written_to([82_800.0, 86_400.0, 86_400.0 + 82_800.0]) == 86_400  # London
    assert written_to([*dates, midnight + 7200]) == 3600
    assert written_to([*dates, midnight + 900]) == written_to([60.0, 86_460.0]) == 60
    assert written_to([*dates, midnight + 1]) == 1


def test_times_of_an_account_are_judged_as_those_of_all():
    """What ties count for an account is what `written_to` says of its times."""
    rng = random.Random(4)
    offers = [[rng.randrange(9) * 86_400 + zone for _ in range(6)] for zone in (0, 66_600, 65_700, 61_200, 60, 61)]
    account = np.repeat(np.arange(6), 6)
    found = exactness(account, np.array(offers, dtype=np.float64).ravel(), 6)

    assert found.of.tolist() == [written_to(times) for times in offers]
