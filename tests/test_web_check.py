"""The check page: without an account, without scripts, small, keeping nothing, honest about languages."""

import datetime
import re

import pytest

from threelines.people.helplines import helplines
from threelines.people.interface import Interface, InterfaceError, choose, load_interfaces

TODAY = datetime.date(2026, 11, 24)
LISTED = {"ar", "en", "es", "fr", "id", "my", "ru", "sw", "th", "tl", "uk", "vi", "zh"}
FIXTURE = """
language = "ar"
name = "العربية"
direction = "rtl"
status = "reviewed"
reviewed_by = "R. Eviewer"
date = 2026-01-01
expires = {expires}

[interface]
"""


def reviewed(folder, *, expires="2030-01-01"):
    """Write a reviewed file for a right-to-left language; its words are the English ones in brackets."""
    english = load_interfaces()["en"].interface
    words = "\n".join(f'{key} = "[{key}]"' for key in english)
    (folder / "ar.toml").write_text(FIXTURE.format(expires=expires) + words, encoding="utf-8")
    return folder


def test_the_page_and_what_it_loads_are_under_50_kb(console):
    """Page, style and script together, uncompressed, also with an answer on it."""
    browser = console.client()
    words = "We keep your passport. Pay the visa fee first. No experience needed, high salary, contact on telegram."
    pages = [browser.get("/check"), browser.post("/check", data={"offer": words})]
    for page in pages:
        assert page.status_code == 200
        loaded = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert sum(len(browser.get(address).content) for address in loaded) + len(page.content) < 50_000


def test_it_works_without_scripts_and_uses_no_outside_asset(console):
    """A plain form is enough; nothing is loaded from elsewhere."""
    page = console.client().get("/check").text

    assert '<form method="post" action="/check"' in page
    assert re.findall(r'(?:src|action|<link[^>]*href)="https?:', page) == []
    assert "<script>" not in page and "onclick" not in page and "style=" not in page


def test_words_give_signs_with_their_source_an_innocent_reading_and_steps(console):
    """Several published signs lead to advice, each with who published it and how it can be harmless."""
    page = (
        console.client()
        .post("/check", data={"offer": "We keep your passport until the debt is paid. Pay the visa fee first."})
        .text
    )

    assert "It can be harmless" in page and "Who published this sign" in page and "Three steps" in page
    assert "voice" in page and "not confirmed a telephone number" in page
    for word in ("trafficker", "victim", "criminal"):
        assert word not in page.lower()


def test_an_ordinary_offer_is_no_alarm_and_no_promise(console):
    """Nothing seen is said so, without a promise."""
    page = console.client().post("/check", data={"offer": "Gardener wanted, Mondays, in our village."}).text

    assert "That is not a promise" in page


def test_someone_in_need_is_given_help_and_no_steps_for_an_offer(console):
    """As on the command line: a plea is not answered with what to do before one answers an offer."""
    page = (
        console.client()
        .post("/check", data={"offer": "They took my passport and I cannot leave. Please help me."})
        .text
    )

    assert "note good" in page and "Three steps" not in page


def test_nothing_is_kept(console, tmp_path):
    """No cookie, no row, no copy in the database, no cache, no referrer."""
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    answer = console.client().post("/check", data={"offer": "zerbinetta keeps my passport"})
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store"
    assert before == after
    assert all(b"zerbinetta" not in content for content in after.values())


@pytest.mark.parametrize("offer", ["", "   "])
def test_nothing_to_look_at_is_said_plainly(console, offer):
    """An empty text gets a plain sentence."""
    answer = console.client().post("/check", data={"offer": offer})

    assert answer.status_code == 422 and 'role="alert"' in answer.text


@pytest.mark.parametrize("between", [" ", "\r\n"])
def test_a_long_paste_is_read_to_its_end(console, between):
    """Far more than 10,000 characters are looked at, whatever the line ends; the browser is told to cut nothing."""
    browser = console.client()
    words = between.join(["The weather was nice."] * 900 + ["They force me to work, please help me"])
    answer = browser.post("/check", data={"offer": words})

    assert answer.status_code == 200
    assert "It sounds as if you" in answer.text and "none of the known signs" not in answer.text
    assert "maxlength" not in browser.get("/check").text


def test_what_is_beyond_the_bound_is_said_to_be_unread(console):
    """As on the command line: a part that nobody read is not called harmless; a line end counts as one character."""
    browser = console.client()
    cut = browser.post("/check", data={"offer": "nice day " * 12_000}).text
    whole = browser.post("/check", data={"offer": "nice day\r\n" * 10_500}).text

    assert "Only the first 100,000 characters" in cut and "none of the known signs" not in cut
    assert "Only the first" not in whole and "none of the known signs" in whole


def test_somebody_in_need_finds_places_and_no_words_for_an_offer(console):
    """Without a country of the deployer every listed organisation stands below "the places below"."""
    page = console.client().post("/check", data={"offer": "They took my passport. They force me to work"}).text

    assert page.count('rel="noreferrer noopener" href="https://') >= 8  # pages that are the organisations' own
    assert sum(entry.organisation in page for entry in helplines().values()) > 20
    assert page.index("Where to turn") < page.index("Documents kept")
    for words in ("Who is the employer", "It can be harmless", "to find out", "What AI changes"):
        assert words not in page
    assert len(page) < 40_000


def test_hostile_words_come_back_inert(console):
    """What was pasted is shown as text only."""
    answer = console.client().post("/check", data={"offer": "we keep your passport <script>alert(1)</script>"})

    assert "<script>alert" not in answer.text


def test_too_many_questions_from_one_place_wait(console):
    """A minute's limit keeps the page open for others."""
    browser = console.client()
    states = [browser.post("/check", data={"offer": "hello"}).status_code for _ in range(32)]

    assert states[0] == 200 and states[-1] == 429


def test_every_listed_language_can_be_asked_for_and_falls_back_openly(console):
    """Where no person has reviewed a translation, the page says that it is in English."""
    browser = console.client()
    assert set(console.desk.interfaces) >= LISTED
    for code in sorted(LISTED - {"en"}):
        page = browser.get(f"/check?lang={code}").text
        assert '<html lang="en" dir="ltr">' in page
        assert "have not been translated and checked by a person" in page
        assert console.desk.interfaces[code].name in page


def test_the_browsers_languages_are_followed():
    """Accept-Language chooses, by its weights; nonsense in it does no harm."""
    interfaces = load_interfaces()

    assert choose(interfaces, "xx;q=1, vi;q=0.4, th-TH;q=0.9", today=TODAY).asked.language == "th"
    assert choose(interfaces, ";;q=x,,", today=TODAY).asked.language == "en"


def test_a_reviewed_language_is_shown_in_its_direction_until_it_expires(tmp_path):
    """A reviewed right-to-left file is used; from its expiry on the page falls back openly."""
    interfaces = load_interfaces(reviewed(tmp_path))
    now, later = choose(interfaces, "ar", today=TODAY), choose(interfaces, "ar", today=datetime.date(2031, 1, 1))

    assert (now.given.direction, now.fell_back) == ("rtl", False)
    assert (later.given.language, later.fell_back) == ("en", True)


def test_a_right_to_left_page_says_so(console, tmp_path):
    """The page's language and direction are those of its words."""
    folder = tmp_path / "ours"
    folder.mkdir()
    console.desk.interfaces.update(load_interfaces(reviewed(folder, expires="2999-01-01")))
    page = console.client().get("/check?lang=ar").text

    assert '<html lang="ar" dir="rtl">' in page and "[title]" in page


def test_a_false_review_is_refused(tmp_path):
    """Reviewed without a reviewer, a date or some of the words is a fault of the file."""
    (tmp_path / "vi.toml").write_text(
        'language = "vi"\nname = "x"\nstatus = "reviewed"\n[interface]\n', encoding="utf-8"
    )
    with pytest.raises(InterfaceError, match="without"):
        load_interfaces(tmp_path)
    words = "\n".join(f'{key} = "x"' for key in load_interfaces()["en"].interface)
    (tmp_path / "vi.toml").write_text(
        f'language = "vi"\nname = "x"\nstatus = "reviewed"\n[interface]\n{words}', encoding="utf-8"
    )
    with pytest.raises(InterfaceError, match="reviewed_by"):
        load_interfaces(tmp_path)


def test_no_shipped_translation_claims_a_review_that_did_not_happen():
    """English is the source; every other file waits for a person."""
    for interface in load_interfaces().values():
        assert isinstance(interface, Interface)
        assert interface.status == ("source" if interface.language == "en" else "not yet reviewed")


def test_the_way_out_is_one_press_away(console):
    """The first thing on the page leaves it, without a referrer."""
    page = console.client().get("/check").text

    assert page.index('id="leave"') < page.index("<h1>") and 'rel="noreferrer noopener"' in page
