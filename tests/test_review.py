"""The review queue: order, locks, decisions, second looks, undo, appeal, labels, agreement."""

import time
from math import isnan

import msgspec
import pytest
import sqlalchemy as sa

from threelines.agreement import alpha
from threelines.platforms import review as review_module
from threelines.platforms.finding import DECISIONS, Finding, Verdict, harm
from threelines.platforms.review import Review, ReviewError
from threelines.platforms.review_tables import findings, items, outbox
from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
from threelines.roles import RoleError, User
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.store.keyring import Keyring

CANARY = "Zerbinetta Quux"
ANA, BO, CY = (User(id=name, role="reviewer") for name in ("ana", "bo", "cy"))
ANALYST = User(id="dee", role="analyst")


@pytest.fixture
def review(tmp_path, monkeypatch):
    """Return a queue on a fresh database in which nothing is read twice by chance."""
    monkeypatch.setattr(review_module, "DOUBLE_SHARE", 0)
    store, keyring = Store.open(tmp_path / "q.db"), Keyring.create(tmp_path / "q.key")
    return Review(store, keyring, Audit(store, keyring))


def finding(name="t1", *, tier="look", author="acc_a", language="en", text="Pay the fee first.", **more):
    """Return one finding with one signal."""
    record = Record(id=f"{name}-r", author=author, text=text, language=language)
    judged = Assessment(
        thread=ThreadRef(kind="advert", id=name, records=(record.id,)), concern=0.6, tier=tier, ai_use=0.0,
        capabilities=(), support=more.pop("support", False), elements=Elements(),
        signals=(Signal(indicator="REC-06", record=record.id, quote=text[:3], start=0, end=3),),
    )  # fmt: skip
    return Finding(assessment=judged, records=(record,), language=language, **more)


def first(review, user=ANA, **how):
    """Claim the next item and return its first finding's id."""
    return review.claim(user, **how).findings[0].id


def test_the_same_finding_twice_is_stored_once(review):
    """Ingest is idempotent: the second time it is known."""
    assert review.add([finding()]) == {"new": 1, "updated": 0, "known": 0}
    assert review.add([finding()]) == {"new": 0, "updated": 0, "known": 1}


def row_of(number, *, author, text, own_id=""):
    """Return what an upload raises of one row of a table, with or without an id of its own."""
    place = f"adverts.csv:{number}"
    record = Record(id=own_id or place, kind="advert", author=author, text=text, source=place)
    signal = Signal(indicator="REC-06", record=record.id, quote=text[:11], start=0, end=11)
    raised = finding().assessment
    thread = ThreadRef(kind="advert", id=record.id, records=(record.id,))
    judged = msgspec.structs.replace(raised, thread=thread, signals=(signal,))
    return Finding(assessment=judged, records=(record,))


@pytest.mark.parametrize("own_id", ["", "1"])
def test_a_row_of_the_next_day_is_no_row_of_the_day_before(review, own_id):
    """Exports number rows anew each day: another author, or other words in the same place, are not known already."""
    days = [("shop1", "17 hours a day"), ("shop2", "17 hours a day"), ("shop3", "16 hours a day")]
    counted = [review.add([row_of(2, author=who, text=said, own_id=own_id)])["new"] for who, said in days]

    assert counted == [1, 1, 1]
    again = [
        row_of(2 if own_id else number, author=who, text=said, own_id=own_id) for number, (who, said) in enumerate(days)
    ]
    assert review.add(again) == {"new": 0, "updated": 0, "known": 3}


def test_a_record_that_was_edited_brings_its_new_words(review):
    """The same record of the same author with other words replaces what waits, though its signs stand where they stood."""
    review.add([row_of(2, author="shop1", text="17 hours a day", own_id="p1")])

    assert review.add([row_of(9, author="shop1", text="16 hours a day", own_id="p1")])["updated"] == 1
    opened = review.open(ANA, first(review))
    assert [record.text for record in opened.finding.records] == ["16 hours a day"]


def test_the_label_of_a_script_is_none_of_its_adverts(review):
    """An export for training gives each advert once, with what was decided about it."""
    advert = finding("t1")
    thread = ThreadRef(kind="script", id="s1", records=advert.assessment.thread.records)
    script = msgspec.structs.replace(advert, assessment=msgspec.structs.replace(advert.assessment, thread=thread))
    review.add([advert, script])
    for _ in range(2):
        kind = review.claim(ANA).findings[0].kind
        review.decide(ANA, first(review), Verdict(decision="watch" if kind == "script" else "no_concern"))

    assert [(record.id, record.label) for record in review.labels(ANA)] == [("t1-r", "no_concern")]
    review.add([finding("t1", tier="priority")])
    review.decide(ANA, first(review), Verdict(decision="watch"))
    assert [(record.id, record.label) for record in review.labels(ANA)] == [("t1-r", "watch")]


def test_a_waiting_finding_is_updated_not_repeated(review):
    """A thread that shows more while it waits keeps its place and takes the new content."""
    review.add([finding()])
    longer = finding(tier="urgent")

    assert review.add([longer]) == {"new": 0, "updated": 1, "known": 0}
    assert [row.tier for item in review.queue(ANA) for row in item.findings] == ["urgent"]


def test_a_decided_finding_returns_only_with_other_signals(review):
    """What was decided does not come back by itself; new signals bring it back as a new round."""
    review.add([finding()])
    review.decide(ANA, first(review), Verdict(decision="no_concern"))

    assert review.add([finding()])["known"] == 1
    assert review.add([finding(tier="priority")])["new"] == 1


def test_findings_of_one_account_wait_as_one_item(review):
    """Two findings of one account are one item, the graver first."""
    review.add([finding("t1"), finding("t2", tier="urgent"), finding("t3", author="acc_b")])

    assert [[row.tier for row in item.findings] for item in review.queue(ANA)] == [["urgent", "look"], ["look"]]


def test_grave_comes_before_weak_and_children_first(review):
    """The queue is ordered by expected harm."""
    review.add([
        finding("a", author="1"), finding("b", author="2", tier="urgent"),
        finding("c", author="3", tier="urgent", child=True), finding("d", author="4", tier="priority", support=True),
    ])  # fmt: skip

    order = [item.findings[0] for item in review.queue(ANA)]
    assert [(row.tier, row.child) for row in order] == [
        ("urgent", True),
        ("urgent", False),
        ("priority", False),
        ("look", False),
    ]


def test_waiting_counts_so_nothing_waits_for_ever(review):
    """A weak finding that has waited three weeks comes before a fresh urgent one."""
    review.add([finding("old", author="1")])
    with review.store.write() as connection:
        connection.execute(findings.update().values(created="2020-01-01T00:00:00.000000+00:00"))
        review.reorder(connection, connection.execute(sa.select(items.c.id)).scalar_one())
    review.add([finding("new", author="2", tier="urgent")])

    assert [item.findings[0].tier for item in review.queue(ANA)] == ["look", "urgent"]


def test_harm_is_rounded_where_it_is_made():
    """The same finding has the same place on every machine."""
    assert harm(finding(tier="urgent", child=True)) == 4.3


def test_an_open_item_is_locked_for_others(review):
    """While somebody has an item, nobody else is given it or may decide on it."""
    review.add([finding()])
    mine = first(review)

    assert review.claim(BO) is None
    with pytest.raises(ReviewError, match="colleague has this open"):
        review.open(BO, mine)
    with pytest.raises(ReviewError, match="colleague has this open"):
        review.decide(BO, mine, Verdict(decision="watch"))


def test_a_lock_ends_by_itself_and_by_putting_back(review, monkeypatch):
    """A forgotten item returns to the queue after the lease; putting back frees it at once."""
    review.add([finding()])
    first(review)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + review_module.LEASE + 1)
    assert review.claim(BO) is not None
    review.put_back(BO)

    assert review.claim(CY) is not None


def test_a_person_holds_one_item_at_a_time(review):
    """Taking another item gives the first one back."""
    review.add([finding("a", author="1"), finding("b", author="2")])
    one = review.claim(ANA)
    review.decide(ANA, one.findings[0].id, Verdict(decision="watch"))
    review.claim(ANA)

    assert review.claim(BO) is None
    review.undo(ANA)
    assert review.counts()["held"] == 2


def test_items_come_in_the_languages_a_person_reads(review):
    """Routing by language: known ones first to their readers, unknown to everybody, the rest is counted."""
    review.add(
        [
            finding("a", author="1", language="vi"),
            finding("b", author="2", language="en"),
            finding("c", author="3", language=""),
        ]
    )

    assert {item.language for item in review.queue(ANA, languages=["en"])} == {"en", ""}
    assert review.waiting_elsewhere(ANA, ["en"]) == 1


def test_a_referral_waits_for_a_second_person_who_reads_blind(review):
    """A referral is final only when a second person says the same; the first is not asked again."""
    review.add([finding()])
    key = first(review)
    row = review.decide(ANA, key, Verdict(decision="refer", reason="control"))
    assert (row.stage, row.decision) == ("second", "")
    assert review.claim(ANA) is None

    again = review.claim(BO)
    assert again.findings[0].decision == ""
    row = review.decide(BO, key, Verdict(decision="refer", reason="control"))
    assert (row.stage, row.decision) == ("done", "refer")


def test_where_two_differ_a_third_decides(review):
    """Two different readings are split; only a third person settles them."""
    review.add([finding()])
    key = first(review)
    review.decide(ANA, key, Verdict(decision="refer", reason="control"))
    first(review, BO)
    assert review.decide(BO, key, Verdict(decision="watch")).stage == "split"
    assert review.claim(ANA) is None and review.claim(BO) is None
    first(review, CY)

    assert review.decide(CY, key, Verdict(decision="watch")).decision == "watch"


def test_a_share_is_read_twice_although_nobody_referred_it(review, monkeypatch):
    """A fixed share goes to a second person, so that agreement can be measured."""
    monkeypatch.setattr(review_module, "DOUBLE_SHARE", 100)
    review.add([finding()])

    assert review.decide(ANA, first(review), Verdict(decision="no_concern")).stage == "second"


@pytest.mark.parametrize("decision", ["refer", "remove"])
def test_grave_decisions_need_a_reason(review, decision):
    """Refer and remove are refused without a reason, and with an invented one."""
    review.add([finding()])
    key = first(review)
    with pytest.raises(ReviewError, match="reason"):
        review.decide(ANA, key, Verdict(decision=decision))
    with pytest.raises(ReviewError, match="no such reason"):
        review.decide(ANA, key, Verdict(decision=decision, reason="because"))


def test_a_decision_is_announced_once_and_acts_on_nothing(review):
    """The outbox gets one event in the same transaction, which says that nothing was done."""
    review.add([finding()])
    review.decide(ANA, first(review), Verdict(decision="remove", reason="house_rule"))
    with review.store.read() as connection:
        bodies = connection.execute(sa.select(outbox.c.body)).scalars().all()

    assert len(bodies) == 1
    assert '"decision":"remove"' in bodies[0] and "nothing was done to any account" in bodies[0]


def test_undo_brings_the_finding_back_to_its_person(review):
    """The last decision can be taken back; the finding waits again and is announced as reopened."""
    review.add([finding()])
    key = first(review)
    review.decide(ANA, key, Verdict(decision="watch"))

    assert review.undo(ANA) == key
    assert review.counts()["open"] == 1
    assert review.decide(ANA, key, Verdict(decision="no_concern")).decision == "no_concern"
    with pytest.raises(ReviewError, match="nothing of yours"):
        review.undo(BO)


def test_undo_is_refused_once_a_colleague_has_decided(review):
    """A second person's reading is not pulled away under them."""
    review.add([finding()])
    key = first(review)
    review.decide(ANA, key, Verdict(decision="refer", reason="control"))
    first(review, BO)
    review.decide(BO, key, Verdict(decision="refer", reason="control"))
    with pytest.raises(ReviewError, match="colleague has decided"):
        review.undo(ANA)


def test_an_appeal_goes_to_somebody_else(review):
    """A decided finding can be read again by a person who has not decided on it."""
    review.add([finding()])
    key = first(review)
    review.decide(ANA, key, Verdict(decision="remove", reason="house_rule"))
    review.appeal(key)
    review.appeal(key)  # twice is once

    assert review.claim(ANA) is None
    first(review, BO)
    assert review.decide(BO, key, Verdict(decision="no_concern")).decision == "no_concern"


def test_only_reviewers_see_content(review):
    """An analyst reads figures: no finding is listed, opened or decided."""
    review.add([finding()])
    with pytest.raises(RoleError):
        review.queue(ANALYST)
    with pytest.raises(RoleError):
        review.claim(ANALYST)
    with pytest.raises(RoleError):
        review.open(ANALYST, review.queue(ANA)[0].findings[0].id)
    with pytest.raises(RoleError):
        list(review.labels(ANALYST))


def test_reads_and_decisions_are_audited_without_content(review):
    """The audit names the finding's random id and nothing of its words; its chain is whole."""
    review.add([finding(text=CANARY)])
    key = first(review)
    review.open(ANA, key)
    review.decide(ANA, key, Verdict(decision="watch", note=CANARY))

    assert [entry.action for entry in review.audit.entries(record=key)] == ["finding.open", "finding.decide"]
    assert review.audit.verify() == 2


def test_no_word_of_a_finding_lies_in_the_file(review, tmp_path):
    """Texts, accounts, ids and notes are sealed: the raw files hold none of them."""
    review.add([finding(CANARY, author=CANARY, text=CANARY)])
    review.decide(ANA, first(review), Verdict(decision="watch", note=CANARY))
    raw = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    assert CANARY.encode() not in raw
    assert b"acc_" not in raw


def test_labels_are_what_fit_reads(review):
    """Decided findings give their records with the decision as label; training items are left out."""
    review.add([finding("a", author="1"), finding("b", author="2")])
    review.train(finding("g"), expected="support")
    review.decide(ANA, first(review), Verdict(decision="watch"))

    assert [record.label for record in review.labels(ANA)] == ["watch"]


def test_golden_items_are_asked_once_and_never_queued(review):
    """Training does not mix with work; each person answers an item once."""
    review.train(finding("g"), expected="support")
    assert review.queue(ANA) == ()
    key = review.training(ANA)[0].id
    review.decide(ANA, key, Verdict(decision="watch"))

    assert review.training(ANA) == () and len(review.training(BO)) == 1
    assert review.answers(ANA) == ({"mine": "watch", "agreed": "support", "same": False},)


def test_exposure_is_counted_for_the_person(review):
    """Each opened finding counts for today, urgent ones apart."""
    review.add([finding(tier="urgent")])
    review.open(ANA, first(review))

    assert review.seen_today("ana") == (1, 1)
    assert review.seen_today("bo") == (0, 0)


def test_decisions_survive_a_new_start(review, tmp_path):
    """What was confirmed is there when the database is opened again."""
    review.add([finding()])
    key = first(review)
    review.decide(ANA, key, Verdict(decision="watch"))
    store = Store.open(tmp_path / "q.db")
    again = Review(store, review.keyring, Audit(store, review.keyring))

    assert again.counts()["done"] == 1 and set(DECISIONS) >= {"watch"}


def test_alpha_matches_the_published_example():
    """Krippendorff's own nominal example (Computing Krippendorff's Alpha-Reliability, 2011, C) gives 0.743."""
    table = {
        "A": "1 2 3 3 2 1 4 1 2 * * *", "B": "1 2 3 3 2 2 4 1 2 5 * 3",
        "C": "* 3 3 3 2 3 4 2 2 5 1 *", "D": "1 2 3 3 2 4 4 1 2 5 1 *",
    }  # fmt: skip
    ratings = {
        str(unit): {rater: row.split()[unit] for rater, row in table.items() if row.split()[unit] != "*"}
        for unit in range(12)
    }

    assert round(alpha(rated.values() for rated in ratings.values()), 3) == 0.743


def test_alpha_of_nothing_and_of_one_answer_is_no_number():
    """Where nothing can be compared there is no figure; where nothing varies, chance agrees as fully."""
    assert isnan(alpha([]))
    assert isnan(alpha([["watch"]]))
    assert isnan(alpha([["watch", "watch"], ["watch", "watch"]]))
    assert alpha([["watch", "watch"], ["hold", "hold"]]) == 1.0


@pytest.mark.postgresql
def test_the_queue_works_the_same_on_postgresql(address, tmp_path, monkeypatch):
    """Add, lock, decide, second look, undo, exposure and audit on the other database."""
    monkeypatch.setattr(review_module, "DOUBLE_SHARE", 0)
    store, keyring = Store.open(address), Keyring.create(tmp_path / "pg.key")
    review = Review(store, keyring, Audit(store, keyring))
    review.add(
        [finding("a", author="1", tier="urgent"), finding("b", author="2", language="vi"), finding("c", author="2")]
    )
    key = review.take(ANA, languages=["en"])
    assert review.claim(BO).findings[0].id != key
    assert review.open(ANA, key).seen == (1, 1)
    row, following = review.decide_and_take(ANA, key, Verdict(decision="refer", reason="control"), languages=["en"])
    assert (row.stage, following) == ("second", "")
    assert review.undo(ANA) == key
    review.decide(ANA, key, Verdict(decision="watch", note=CANARY))

    assert review.counts()["done"] == 1
    assert review.audit.verify() > 3
