"""A reviewer's screen: the talk around every sign, the whole thread by pages, and nothing typed is lost."""

import io
import random
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from threelines.platforms.finding import Finding
from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
from threelines.web.ingest import take_upload
from threelines.web.security import form_token
from threelines.web.windows import LONGEST, Gap, whole, windows


def token_of(browser):
    """Return the form token of a signed-in browser."""
    return form_token(browser.cookies["threelines"])


def long_talk(count, *signs):
    """Return a finding of `count` messages with shuffled ids; those of `signs` carry one."""
    names = [f"m{number:04}" for number in range(count)]
    random.Random(7).shuffle(names)
    start = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    records = tuple(
        Record(id=name, author="acc_a", conversation="c", text=f"word{place:04}", time=start + timedelta(minutes=place))
        for place, name in enumerate(names)
    )
    judged = Assessment(
        thread=ThreadRef(kind="conversation", id="c", records=tuple(names)), concern=0.6, tier="look", ai_use=0.0,
        capabilities=(), support=False, elements=Elements(),
        signals=tuple(Signal(indicator="REC-06", record=names[place], quote="word", start=0, end=4) for place in signs),
    )  # fmt: skip
    return Finding(assessment=judged, records=records)


def taken(console, finding, browser=None):
    """Queue a finding, take it, and return (browser, its address)."""
    console.desk.review.add([finding])
    browser = browser or console.sign_in("reviewer")[0]
    return browser, browser.post("/review/next", data={"token": token_of(browser)}).headers["location"]


def words_on(page):
    """Return the numbers of the messages on a page, in its order."""
    return [
        int(number)
        for number in re.findall(r"(?:word</?\w*>|word|</mark>)(\d{4})", re.sub(r"<sup>.*?</sup>", "", page))
    ]


def test_the_talk_around_a_sign_is_shown_in_order_with_its_gaps_counted(console):
    """Of 200 messages with ids in no order the neighbours of the sign stand there, and the gaps say how many are missing."""
    browser, where = taken(console, long_talk(200, 150))
    page = browser.get(where).text
    shown = words_on(page)

    assert shown == list(range(shown[0], shown[-1] + 1))
    assert {148, 149, 150, 151, 152} <= set(shown)
    assert f"{shown[0]} messages not shown" in page and f"{199 - shown[-1]} messages not shown" in page


def test_the_whole_thread_can_be_opened_by_pages(console):
    """The link to all leads to parts of a bounded size which together are the thread, and back."""
    count = 2 * LONGEST + 30
    browser, where = taken(console, long_talk(count, 150))
    assert f'href="{where}?part=1"' in browser.get(where).text
    pages = [browser.get(f"{where}?part={part}").text for part in (1, 2, 3)]

    assert [len(words_on(page)) for page in pages] == [LONGEST, LONGEST, 30]
    assert [number for page in pages for number in words_on(page)] == list(range(count))
    assert "Only around the signs" in pages[1] and words_on(browser.get(f"{where}?part=99").text) == words_on(pages[2])
    assert browser.get(f"{where}?part=-1").status_code == 422


def test_windows_stay_whole_and_bounded():
    """Every sign has its neighbours; where there are too many signs, each kind of sign is there and the gaps count the rest."""
    signs = list(range(5, 1000, 20))
    shown = windows(1000, signs)
    places = [place for place in shown if isinstance(place, int)]
    assert all({sign - 2, sign - 1, sign, sign + 1, sign + 2} <= set(places) for sign in signs[: LONGEST // 5])
    assert len(places) <= LONGEST
    gaps = [gap for gap in shown if isinstance(gap, Gap)]
    assert len(places) + sum(gap.records for gap in gaps) == 1000
    assert sum(gap.signs for gap in gaps) == len(signs) - LONGEST // 5

    assert 985 in windows(1000, signs, [985])
    assert windows(60, [3]) == list(range(60)) and windows(0, []) == whole(0, [], 1) == []


def test_what_was_typed_comes_back_with_the_fault_and_with_the_undo(console):
    """A referral without a reason shows its note again, and so does a decision that is taken back, to its person only."""
    browser, where = taken(console, long_talk(5, 3))
    said = {"token": token_of(browser), "decision": "refer", "reason": "", "note": "Ask <about> the fee"}
    refused = browser.post(where + "/decide", data=said)
    assert refused.status_code == 422 and 'value="Ask &lt;about&gt; the fee"' in refused.text
    assert browser.post(where + "/decide", data=said | {"reason": "control"}).status_code == 303
    back = browser.post("/review/undo", data={"token": token_of(browser)}).headers["location"]
    page = browser.get(back).text

    assert back == where and 'value="Ask &lt;about&gt; the fee"' in page and 'value="control" selected' in page
    browser.post("/review/back", data={"token": token_of(browser)})
    other, _ = taken(console, long_talk(5, 3))
    assert "Ask &lt;about" not in other.get(where).text and "selected" not in other.get(where).text


def test_a_finding_that_nobody_can_have_read_is_not_decided(console):
    """Without scripts too: what comes within a second of the page, as the second press of a double click, is asked again."""
    browser, where = taken(console, long_talk(5, 3))
    shown = float(re.search(r'name="shown_at" value="([\d.]+)"', browser.get(where).text)[1])
    said = {"token": token_of(browser), "decision": "watch", "note": "Ask <about> the fee"}
    hasty = browser.post(where + "/decide", data=said | {"shown_at": f"{shown:.3f}"})

    assert hasty.status_code == 422 and "only just come up" in hasty.text
    assert 'value="Ask &lt;about&gt; the fee"' in hasty.text and console.desk.review.counts()["open"] == 1
    assert browser.post(where + "/decide", data=said | {"shown_at": f"{shown - 1:.3f}"}).status_code == 303


def test_a_session_that_ends_leads_back_to_the_finding(console):
    """A decision sent too late is not written down; signing in leads to the finding, and no other site's form does that."""
    browser, where = taken(console, long_talk(5, 3))
    said = {"token": token_of(browser), "decision": "watch", "note": "later"}
    del browser.cookies["threelines"]
    answer = browser.post(where + "/decide", data=said)
    foreign = browser.post(where + "/decide", data=said, headers={"sec-fetch-site": "cross-site"})

    assert answer.headers["location"] == f"/login?next={where}" and foreign.headers["location"] == "/login"
    assert browser.post("/review/undo", data=said).headers["location"] == "/login"
    assert console.desk.review.counts()["open"] == 1


def refer(console, finding):
    """Let two reviewers refer a finding; return its reference."""
    for _ in range(2):
        browser, where = taken(console, finding)
        said = {"token": token_of(browser), "decision": "refer", "reason": "control", "note": "Zerbinetta"}
        assert browser.post(where + "/decide", data=said).status_code == 303
    return where.rsplit("/", 1)[1]


def test_a_referred_finding_waits_for_the_people_of_the_register(console):
    """After the final decision it stands in their list, without words or note; a platform's reviewer has no such list."""
    browser, where = taken(console, long_talk(5, 3))
    worker, _ = console.sign_in("case_worker")
    assert where[-16:] not in worker.get("/review/referred").text
    browser.post("/review/back", data={"token": token_of(browser)})
    reference = refer(console, long_talk(5, 3))
    page = worker.get("/review/referred").text

    assert f"/register/new?form=full&amp;reference={reference}" in page
    assert "word0003" not in page and "Zerbinetta" not in page and "acc_a" not in page
    assert f'href="/review/{reference}"' in console.sign_in("supervisor")[0].get("/review/referred").text
    assert browser.get("/review/referred").status_code == 403 and "/review/referred" not in browser.get("/review").text
    assert page.count('aria-current="page"') == 1


def test_a_case_made_from_a_finding_marks_it_and_copies_nothing(console):
    """The reference alone goes into the vault of the case; the list then says that a case was made."""
    reference = refer(console, long_talk(5, 3))
    worker, person = console.sign_in("case_worker")
    sent = {"token": token_of(worker), "form": "full", "ai_Asked": "no", "tl_SubmissionId": reference}
    case = worker.post("/register/new", data=sent).headers["location"].split("/")[2].split("?")[0]
    page = worker.get("/review/referred").text

    assert reference in page and "case made" in page and "Make a case" not in page and case[:9] not in page
    assert console.desk.register.as_user(person.user).get(case).fields.keys() <= {"ai_Asked", "cas_Status"}


def test_the_uploads_of_three_days_raise_each_advert_once(console):
    """Rows without ids that stand in the same line each day are not taken for one another; the same row is known."""
    from threelines.web.security import form_token

    browser, _ = console.sign_in("reviewer")
    token = {"token": form_token(browser.cookies["threelines"])}
    said = "They make us work 17 hours a day. You are fined for being late. We keep your passport."
    days = [("shop1", said), ("shop2", said), ("shop3", said.replace("17", "16")), ("shop2", said)]
    told = []
    for author, text in days:
        file = f'author,kind,text\n{author},advert,"{text}"\n'.encode()
        answer = browser.post("/review/upload", data=token, files={"export": ("adverts.csv", file)})
        told.append(next(line for line in answer.text.splitlines() if " new" in line))

    assert ["1 new" in line for line in told] == [True, True, True, False]
    assert "1 known" in told[-1]


def test_a_sign_is_marked_where_its_words_stand_although_ids_repeat(console):
    """An account's messages of two chats both bear the id 1: the one with the quoted words is marked, and no other."""
    finding = long_talk(2)
    texts = ("an ordinary message", "word of a sign")
    records = tuple(Record(id="1", author="acc_a", conversation=f"c{n}", text=text) for n, text in enumerate(texts))
    signs = (Signal(indicator="REC-06", record="1", quote="word", start=0, end=4),)
    judged = msgspec.structs.replace(finding.assessment, signals=signs)
    browser, where = taken(console, Finding(assessment=judged, records=records))
    page = browser.get(where).text

    assert "an ordinary message" in page
    assert len(re.findall(r"<mark", page)) == 1


@pytest.mark.parametrize("name", ["..", "a/..", "chat\0.csv", "x" * 300 + ".csv"])
def test_an_upload_may_have_any_name(console, name):
    """What a browser sends as a file's name is hostile input: one that no file can have breaks nothing."""
    taken = take_upload(console.desk, io.BytesIO(b"id,text\n1,see you at six\n"), name=name)

    assert taken.raised == 0
