"""Each person's main path in a real browser, at phone and desktop size, by keyboard, and checked by axe."""

import re
import time
from copy import copy
from pathlib import Path

import pytest

from tests.browser import (
    DESKTOP,
    IS_MISSING,
    MISSING,
    PHONE,
    SIZES,
    end_sessions,
    go_back,
    look,
    no_sideways_scrolling,
    refuse_barriers,
    shot,
    sign_in,
)

OFFER = "They make us work 17 hours a day. You are fined for being late. We keep your passport."
HARMLESS = "Gardener wanted in our village, Mondays, paid by the hour."

pytestmark = pytest.mark.browser
if IS_MISSING:
    pytest.skip(MISSING, allow_module_level=True)

from playwright.sync_api import expect


def test_a_reviewer_decides_twenty_findings_by_keyboard_alone(window, site):
    """From sign-in to the twentieth decision no mouse is used; undo, note, reason and skipping work by key."""
    page = window("demo-reviewer")
    expect(page.locator("h1")).to_have_text("Review")
    before = decisions(site, "demo-reviewer")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/*")
    for number in range(20):
        was = page.url
        look(page)
        if number == 10:
            shot(page, "finding-desktop")
        kind = number % 10
        if kind == 3:
            page.keyboard.press("n")
            page.keyboard.type("seen before")
            page.keyboard.press("Enter")
            page.keyboard.press("3")
        elif kind == 6:
            page.keyboard.press("5")
            expect(page.locator("#reason")).to_be_focused()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
        elif kind == 8:
            page.keyboard.press("4")
            page.keyboard.type("Words")
            page.keyboard.press("Enter")
        else:
            page.keyboard.press("1" if kind % 2 else "2")
        page.wait_for_function("was => location.href !== was && document.readyState === 'complete'", arg=was)
    last = page.url
    page.keyboard.press("u")
    page.wait_for_function("was => location.href !== was && document.readyState === 'complete'", arg=last)
    look(page)
    page.keyboard.press("2")
    page.wait_for_function("was => location.href === was", arg=last)

    assert decisions(site, "demo-reviewer") - before == 20


def decisions(site, name):
    """Count a reviewer's standing decisions."""
    return len(site.desk.review.decided(site.desk.accounts.by_name(name).user, limit=1000))


def test_only_what_was_looked_at_is_decided(window, site):
    """A second click that falls on the next finding, and a key that is held down, decide nothing and say so."""
    page = window("demo-reviewer")
    before = decisions(site, "demo-reviewer")
    page.get_by_role("button", name="Take the next one").click()
    page.wait_for_url(re.compile(r"/review/\w{16}$"))
    look(page)
    first = page.url
    page.keyboard.down("1")
    page.wait_for_url(lambda url: url != first)
    for _ in range(9):
        page.keyboard.down("1")
        page.wait_for_timeout(130)
    page.keyboard.up("1")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    page.keyboard.press("1")

    expect(page.get_by_role("alert")).to_contain_text("Look at it first")
    refuse_barriers(page)
    assert decisions(site, "demo-reviewer") - before == 1


def test_the_keys_are_shown_and_move_between_findings_of_one_account(window, site):
    """The question mark explains the keys; j and k go on and back inside the account."""
    page = window("demo-reviewer-2")
    user = site.desk.accounts.by_name("demo-reviewer-2").user
    many = next(item for item in site.desk.review.queue(user) if len(item.findings) > 1)
    site.desk.review.claim(user, item=many.id)
    page.goto(f"/review/{many.findings[0].id}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Undo my last decision")
    refuse_barriers(page)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_url(f"**/review/{many.findings[1].id}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/review/{many.findings[0].id}")
    page.keyboard.press("b")
    page.wait_for_url("**/review")


def test_a_note_survives_the_end_of_the_session(window, site):
    """After signing in again the finding is there with note, reason and choice; a sign-out leaves nothing on the device."""
    page = window("demo-reviewer")
    page.goto("/review")
    page.get_by_role("button", name="Take the next one").click()
    page.wait_for_url(re.compile(r"/review/\w{16}$"))
    where = page.url
    page.select_option("#reason", "control")
    page.fill("#note", "ask about the fee")
    page.context.clear_cookies()
    look(page)
    page.get_by_role("button", name="Refer").click()
    page.wait_for_url("**/login**")
    page.fill("#name", "demo-reviewer")
    page.fill("#password", site.words["demo-reviewer"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(where)

    expect(page.locator("#note")).to_have_value("ask about the fee")
    expect(page.locator("#reason")).to_have_value("control")
    expect(page.get_by_role("button", name="Refer")).not_to_have_class("quiet")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    assert "fee" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_reviewer_works_on_a_phone_without_scripts(window):
    """Taking, deciding, a missing reason and undo are plain forms."""
    page = window("demo-reviewer-2", size=PHONE, java_script_enabled=False, has_touch=True)
    page.get_by_role("button", name="Take the next one").tap()
    page.wait_for_url("**/review/*")
    shot(page, "finding-phone")
    first = page.url
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Remove").tap()
    expect(page.get_by_role("alert")).to_contain_text("reason")
    page.get_by_role("button", name="Watch").tap()
    page.wait_for_url(lambda url: url != first and not url.endswith("/decide"))
    page.get_by_role("button", name="Undo my last decision").tap()
    page.wait_for_url(first)


@SIZES
def test_a_hotline_worker_records_a_call_within_a_minute(window, size):
    """Consent stands before the questions; what is not asked is not shown; a person with keys needs no minute."""
    page = window("demo-intake", size=size)
    began = time.monotonic()
    page.goto("/register/new")
    assert page.locator("legend").first.inner_text() == "Consent first"
    expect(page.get_by_text("What was it used for?")).to_be_hidden()
    page.get_by_label("Yes", exact=True).nth(1).check()
    page.get_by_label("Yes, asked").check()
    page.get_by_label("Suspected", exact=True).check()
    page.get_by_label("Copied voice").check()
    page.get_by_label("In which languages was the person contacted?").fill("lao tha")
    page.get_by_label("Messenger").check()
    page.get_by_label("Hotline call or chat").check()
    refuse_barriers(page)
    no_sideways_scrolling(page)
    shot(page, "hotline-form-" + ("phone" if size is PHONE else "desktop"))
    page.get_by_role("button", name="Keep the case").click()
    page.wait_for_url("**/register/c*")

    expect(page.get_by_role("status").first).to_contain_text("Kept")
    expect(page.locator("main")).to_contain_text("Copied voice")
    assert time.monotonic() - began < 60


def test_a_draft_survives_without_a_network_and_holds_no_name(window):
    """A broken connection loses no coded answer; fields of the vault are never kept on the device."""
    page = window("demo-intake")
    page.goto("/register/new?form=full")
    page.context.set_offline(True)
    page.get_by_label("Yes, asked").check()
    page.get_by_text("Person", exact=True).click()
    page.locator("#prs_FirstName").fill("Zerbinetta")
    expect(page.locator("#draft-state")).to_contain_text("offline")
    kept = page.evaluate("JSON.stringify(localStorage)")
    page.context.set_offline(False)
    page.reload()
    page.get_by_role("button", name="Use it").click()

    assert "Zerbinetta" not in kept and "ai_Asked" in kept
    expect(page.get_by_label("Yes, asked")).to_be_checked()
    page.get_by_role("button", name="Sign out").click()
    assert page.evaluate("localStorage.length") == 0


def test_the_next_worker_at_a_browser_gets_no_draft_of_the_last(window, site):
    """The session of one ends, another signs in: no draft is offered and none is left on the device, nor was any name."""
    page = window("demo-intake")
    page.goto("/register/new?form=full")
    page.get_by_label("Yes, asked").check()
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    assert "demo" not in page.evaluate("Object.keys(localStorage).join()")
    end_sessions(site, "demo-intake")
    page.goto("/register/new?form=full")
    assert page.evaluate("localStorage.length") == 1
    sign_in(page, site, "demo-supervisor")
    page.goto("/register/new?form=full")

    expect(page.locator("#draft")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0
    expect(page.get_by_label("Yes, asked")).not_to_be_checked()


def test_the_own_draft_is_found_from_the_list_after_signing_in_again(window, site):
    """Whoever comes back in the same window is led to the form and has the coded answers again."""
    page = window("demo-intake")
    page.goto("/register/new?form=full")
    page.get_by_label("Yes, asked").check()
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    end_sessions(site, "demo-intake")
    page.goto("/register")
    sign_in(page, site, "demo-intake")
    page.goto("/register")
    refuse_barriers(page)
    page.get_by_role("link", name="new case, full form").click()
    page.get_by_role("button", name="Use it").click()

    expect(page.get_by_label("Yes, asked")).to_be_checked()


def test_a_session_that_ends_while_somebody_types_loses_nothing(window, site):
    """The form waits with its name in it, is kept after a sign-in in another window, and the draft is gone then."""
    page = window("demo-intake")
    page.goto("/register/new?form=full")
    page.get_by_label("Yes, asked").check()
    page.get_by_text("Person", exact=True).click()
    page.locator("#prs_FirstName").fill("Zerbinetta")
    end_sessions(site, "demo-intake")
    page.get_by_role("button", name="Keep the case").click()
    expect(page.locator("#session-over")).to_be_visible()
    refuse_barriers(page)
    with page.expect_popup() as other:
        page.get_by_role("link", name="sign in in another window").click()
    sign_in(other.value, site, "demo-intake")
    page.get_by_role("button", name="Keep the case").click()
    page.wait_for_url("**/register/c*")
    page.get_by_role("button", name="Open the vault").click()

    expect(page.locator("main")).to_contain_text("Zerbinetta")
    assert page.evaluate("localStorage.length") == 0


def test_a_form_is_never_sent_in_the_name_of_another_account(window, site):
    """Somebody else signed in in another window: the form that was left open is closed, not kept."""
    page = window("demo-intake")
    page.goto("/register/new?form=full")
    page.get_by_label("Yes, asked").check()
    end_sessions(site, "demo-intake")
    other = page.context.new_page()
    other.goto("/login")
    sign_in(other, site, "demo-supervisor")
    before = site.desk.register.as_user(site.desk.accounts.by_name("demo-supervisor").user).count()
    page.get_by_role("button", name="Keep the case").click()
    page.wait_for_url("**/register")

    assert site.desk.register.as_user(site.desk.accounts.by_name("demo-supervisor").user).count() == before


@SIZES
def test_a_case_is_changed_found_and_handed_on_without_barriers(window, site, size):
    """The vault opened to be changed, history, finding a person and the officer's consent page, on a phone as well."""
    register = site.desk.register.as_user(site.desk.accounts.by_name("demo-supervisor").user)
    case = register.add({"ai_Asked": "no", "prs_FirstName": "Zerbinetta"}, consent={"share_with_police": "yes"})
    page = window("demo-supervisor", size=size)
    page.goto(f"/register/{case}/edit")
    refuse_barriers(page)
    page.goto(f"/register/{case}")
    for summary in page.locator("summary").all():
        summary.click()
    refuse_barriers(page)
    no_sideways_scrolling(page)
    page.locator("#reason").select_option("data quality")
    page.get_by_role("button", name="Open it to change it").click()
    expect(page.locator("#prs_FirstName")).to_have_value("Zerbinetta")
    refuse_barriers(page)
    page.locator("#prs_FirstName").fill("")
    page.get_by_role("button", name="Keep the change").click()
    page.wait_for_url(f"**/register/{case}?saved=change-1")
    assert register.identity(case) == {}
    for address in (f"/register/{case}/history", "/register/find", "/register?whose=waiting"):
        page.goto(address)
        refuse_barriers(page)
        no_sideways_scrolling(page)
    officer = window("demo-data-protection-officer", size=size)
    officer.goto(f"/register/{case}/consent")
    refuse_barriers(officer)
    no_sideways_scrolling(officer)


@SIZES
def test_a_case_is_made_from_a_referred_finding(window, site, size):
    """The list leads to the register's form, empty but for the reference, and knows the case afterwards."""
    from threelines.platforms.finding import Verdict

    review = site.desk.review
    people = [site.desk.accounts.by_name(name).user for name in ("demo-reviewer", "demo-reviewer-2")]
    item = next(item for item in review.queue(people[0]) if item.findings[0].stage == "open")
    for user in people:
        review.put_back(people[0])
        review.decide(user, item.findings[0].id, Verdict(decision="refer", reason="control"))
    page = window("demo-supervisor", size=size)
    page.goto("/review/referred")
    refuse_barriers(page)
    no_sideways_scrolling(page)
    page.get_by_role("link", name=f"Make a case for {item.findings[0].id}").click()
    page.wait_for_url("**/register/new?**")
    expect(page.locator("#tl_SubmissionId")).to_have_value(item.findings[0].id)
    page.get_by_label("Yes, asked").check()
    page.get_by_label("None", exact=True).first.check()
    page.get_by_role("button", name="Keep the case").click()
    page.wait_for_url("**saved=**")
    page.goto("/review/referred")
    expect(page.locator("tr").filter(has_text=item.findings[0].id)).to_contain_text("case made")


@SIZES
def test_two_people_refer_a_case(window, site, size):
    """The supervisor prepares, cannot approve alone; a second one approves; the papers stop saying draft."""
    register = copy(site.desk.register)
    register.user = site.desk.accounts.by_name("demo-supervisor").user
    case = register.add({"ai_Asked": "yes", "ai_Suspected": "none"}, consent={"share_with_police": "yes"})
    page = window("demo-supervisor", size=size)
    page.goto(f"/register/{case}")
    refuse_barriers(page)
    no_sideways_scrolling(page)
    page.locator("#recipient").fill("Anti-trafficking unit")
    page.get_by_role("button", name="Prepare").click()
    page.wait_for_url("**/release")
    card = page.locator("article.card").filter(has_text="prepared").first
    expect(card).to_contain_text("a second person approves it")
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    second = window("demo-supervisor-2", size=size)
    second.goto("/release")
    second.get_by_role("button", name="Approve").first.click()
    expect(second.locator("article.card").first).to_contain_text("approved")
    refuse_barriers(second)
    with second.expect_download() as download:
        second.get_by_role("link", name="JSON").first.click()

    assert '"status": "approved"' in Path(download.value.path()).read_text(encoding="utf-8")


@SIZES
def test_the_officer_erases_a_case(window, site, size):
    """Finds it in the list, types its id, and is told that it is gone; a slip of the keyboard erases nothing."""
    register = copy(site.desk.register)
    register.user = site.desk.accounts.by_name("demo-supervisor").user
    case = register.add({"ai_Asked": "no"})
    page = window("demo-data-protection-officer", size=size)
    page.goto(f"/register/{case}/consent")
    refuse_barriers(page)
    no_sideways_scrolling(page)
    page.get_by_label("Type the whole id of the case").fill(case[:-1])
    page.get_by_role("button", name="Erase it for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was erased")
    page.get_by_label("Why").select_option("erasure request")
    page.get_by_label("Type the whole id of the case").fill(case)
    page.get_by_role("button", name="Erase it for good").click()

    expect(page.get_by_role("status")).to_contain_text("Erased.")
    expect(page.locator(f'a[href="/register/{case}/consent"]')).to_have_count(0)


@SIZES
def test_an_analyst_reads_figures_and_takes_their_tables(window, size):
    """Every figure has a title, a description and a table."""
    page = window("demo-analyst", size=size)
    page.goto("/dashboard")
    refuse_barriers(page)
    no_sideways_scrolling(page)
    shot(page, "dashboard-" + ("phone" if size is PHONE else "desktop"))
    assert page.locator("svg[role=img] > title").count() == page.locator("svg[role=img] > desc").count() >= 4
    link = page.get_by_role("link", name=re.compile("Table of this figure")).last
    with page.expect_download() as download:
        link.click()

    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("name,hits,of,share")


def test_an_admin_invites_a_person_who_sets_a_password(window):
    """The admin sees a link once and never a password; the invited person comes in with it."""
    page = window("demo-admin")
    refuse_barriers(page)
    page.fill("#name", f"new-{time.time_ns()}")
    page.locator("#role").select_option("analyst")
    page.get_by_role("button", name="Make a one-time link").click()
    link = page.locator(".secret").inner_text()
    refuse_barriers(page)
    guest = window(size=PHONE)
    guest.goto(link)
    refuse_barriers(guest)
    guest.fill("#password", "seven quiet lamps")
    guest.get_by_role("button", name="Set it").click()

    expect(guest.locator("h1")).to_have_text("Dashboard")


def test_two_people_help_a_colleague_who_lost_the_password(window, site):
    """The admin gets the link, the supervisor the code; the colleague needs both and is then told what was done."""
    colleague = f"colleague-{time.time_ns()}"
    site.desk.accounts.add(colleague, "seven quiet lamps", role="intake")
    admin = window("demo-admin")
    admin.get_by_role("button", name=f"Reset password of {colleague}").click()
    refuse_barriers(admin)
    link = admin.locator("p.secret").inner_text()
    second = window("demo-supervisor", size=PHONE)
    second.goto("/access")
    refuse_barriers(second)
    second.get_by_role("button", name=f"Agree to new password {colleague}").click()
    refuse_barriers(second)
    owner = window(size=PHONE)
    owner.goto(link)
    refuse_barriers(owner)
    owner.fill("#code", second.locator("p.secret").inner_text())
    owner.fill("#password", "nine other lamps")
    owner.get_by_role("button", name="Set it").click()

    expect(owner.locator("#changes + ul")).to_contain_text("asked by demo-admin")
    refuse_barriers(owner)
    no_sideways_scrolling(owner)


@SIZES
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_person_with_an_offer_gets_an_answer(window, size, scripts):
    """On a phone and without scripts too: signs, innocent reading, three steps."""
    page = window(size=size, java_script_enabled=scripts)
    page.goto("/check?lang=vi")
    expect(page.get_by_role("status")).to_contain_text("Tiếng Việt")
    page.get_by_label("The offer or message").fill(OFFER)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("h2").first).to_have_text("What we saw")
    expect(page.locator("main")).to_contain_text("It can be harmless")
    no_sideways_scrolling(page)
    if scripts:
        refuse_barriers(page)
        shot(page, "check-" + ("phone" if size is PHONE else "desktop"))
    page.get_by_role("link", name="Look at another one").click()
    page.get_by_label("The offer or message").fill(HARMLESS)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("main")).to_contain_text("not a promise")


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "asked-anew"])
def test_the_quick_exit_leaves_no_way_back(window, site, cached):
    """After an answer too, Back leads to no page of ours and to none of the words; who opens the page anew gets it."""
    page = window(cached=cached)
    page.goto("about:blank")
    page.goto("/check?lang=vi")
    page.get_by_label("The offer or message").fill(OFFER)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#result")).to_be_focused()
    away = site.address.replace("127.0.0.1", "localhost") + "/health"  # another site
    page.evaluate("away => { document.getElementById('leave').href = away; }", away)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(away)
    go_back(page, "about:blank")
    assert "hours" not in page.content()
    page.goto("/check")
    expect(page.get_by_label("The offer or message")).to_have_value("")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url("about:blank")


PAGES = {
    "": ("/check", "/login"),
    "demo-reviewer-2": ("/review", "/review/upload", "/review/agreement", "/account", "/nothing"),
    "demo-case-worker": ("/register", "/register/new?form=full"),
    "demo-data-protection-officer": ("/audit", "/release", "/register", "/access"),
    "demo-admin": ("/admin",),
}


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(window, name, scheme, size):
    """Every page of every role, in light on a desk and in the dark on a phone; nothing runs off the side."""
    page = window(name, size=size, color_scheme=scheme)
    for address in PAGES[name]:
        page.goto(address)
        refuse_barriers(page)
        no_sideways_scrolling(page)
        if size is DESKTOP and scheme == "light" and address in ("/review", "/register"):
            shot(page, address.strip("/") + "-desktop")


def test_a_finding_in_the_dark_has_no_barrier(window):
    """The busiest page keeps its contrast in both schemes, with grey text and blurred files."""
    for scheme in ("light", "dark"):
        page = window("demo-reviewer-2", color_scheme=scheme)
        page.goto("/account")
        page.get_by_label("Show quoted text in grey").check()
        page.get_by_role("button", name="Keep").click()
        page.goto("/review")
        page.keyboard.press("Enter")
        page.wait_for_url("**/review/*")
        refuse_barriers(page)


def test_training_gives_the_agreed_answer_afterwards(window):
    """A golden item looks like work, and tells its answer only after the own one."""
    page = window("demo-reviewer-2")
    page.goto("/review/training")
    expect(page.locator("main")).not_to_contain_text("agreed answer")
    look(page)
    page.keyboard.press("2")
    expect(page.locator("main")).to_contain_text("The agreed answer is")
    refuse_barriers(page)
