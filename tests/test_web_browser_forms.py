"""The register's forms in a real browser: nothing passes to another account or is kept twice, nothing typed is lost."""

import pytest

from tests.browser import IS_MISSING, MISSING, end_sessions, go_back, refuse_barriers, sign_in

pytestmark = pytest.mark.browser
if IS_MISSING:
    pytest.skip(MISSING, allow_module_level=True)

from playwright.sync_api import expect

VAULT = {"#prs_FirstName": "Zerbinetta", "#ai_Notes": "a note about her", "#hte_Description": "behind the mill"}
KEEP = "Keep the case"


def open_form(page, address="/register/new?form=full"):
    """Open a form with every section unfolded."""
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")


def fill(page, **fields):
    """Answer what every case is asked, and some fields of the vault by id."""
    page.locator("#ai_Asked-yes").check()
    page.locator("#ai_Suspected-none").check()
    for name, words in fields.items():
        page.locator(f"#{name}").click()
        page.locator(f"#{name}").fill(words)


@pytest.mark.parametrize("ending", ["sign-out", "session over"])
def test_the_next_account_gets_no_answer_of_the_last_by_back(window, site, ending):
    """One types, signs out or loses the session; who signs in in the same tab and goes back finds the form empty."""
    page = window("demo-intake")
    open_form(page)
    fill(page, **{name[1:]: words for name, words in VAULT.items()})
    if ending == "sign-out":
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login")
    else:
        end_sessions(site, "demo-intake")
        page.goto("/register")
    sign_in(page, site, "demo-case-worker")
    for _ in range(4):
        go_back(page)
        if page.locator("#case").count():
            break

    expect(page.locator(".who a")).to_have_text("demo-case-worker")
    assert [page.locator(name).input_value() for name in VAULT] == ["", "", ""]
    assert page.locator("#case input:checked").evaluate_all("all => all.map(one => one.value)").count("yes") == 0


def test_a_case_is_kept_once_however_often_it_is_pressed(window, site):
    """A double click sends one form and makes one case; Back afterwards shows an empty form, not the last one's answers."""
    page = window("demo-intake")
    register = site.desk.register.as_user(site.desk.accounts.by_name("demo-intake").user)
    before, sent = register.count(), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    open_form(page)
    fill(page, ai_Notes="a note")
    page.get_by_role("button", name=KEEP).dblclick()
    page.wait_for_url("**/register/c*")

    assert len(sent) == 1 and register.count() == before + 1
    go_back(page, "**/register/new**")
    expect(page.locator("#ai_Notes")).to_have_value("")
    expect(page.locator("#ai_Asked-yes")).not_to_be_checked()


def drafts_of(page):
    """Return what kind of form each draft on the device is of."""
    return sorted(key.split("-")[3] for key in page.evaluate("Object.keys(localStorage)"))


def test_every_case_has_a_draft_of_its_own(window):
    """A second tab is offered nothing of the first and writes over nothing; keeping one case leaves the others' drafts."""
    page = window("demo-intake")
    open_form(page)
    page.locator("#ai_Asked-yes").check()
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    other = page.context.new_page()
    open_form(other)
    expect(other.locator("#draft")).to_be_hidden()
    other.locator("#ai_Asked-no").check()
    expect(other.locator("#draft-state")).to_contain_text("Draft kept")
    other.goto("/register")
    expect(other.locator("#drafts a")).to_have_count(2)
    other.goto("/register/new")
    fill(other)
    other.get_by_role("button", name=KEEP).click()
    other.wait_for_url("**/register/c*")
    other.reload()
    assert drafts_of(other) == ["new", "new"]
    page.reload()
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#ai_Asked-yes")).to_be_checked()
    fill(page)
    page.get_by_role("button", name=KEEP).click()
    page.wait_for_url("**/register/c*")

    assert drafts_of(page) == ["new"]


def test_a_draft_outlives_a_colleagues_change(window, site):
    """It is offered with a word about the change; kept, it leads to both answers, and is gone after they were kept."""
    register = site.desk.register.as_user(site.desk.accounts.by_name("demo-supervisor").user)
    case = register.add({"ai_Asked": "yes", "ai_Suspected": "none"})
    page = window("demo-supervisor")
    open_form(page, f"/register/{case}/edit")
    page.locator("#ai_ContactLanguage").fill("lao")
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    register.update(case, {"ai_Suspected": "suspected"}, revision=1)
    page.reload()
    expect(page.locator("#draft-old")).to_be_visible()
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="Keep the change").click()
    expect(page.get_by_role("alert").first).to_contain_text("Somebody else changed this case meanwhile")
    expect(page.locator("#ai_Suspected-suspected")).to_be_checked()
    page.get_by_role("button", name="Keep the change").click()
    page.wait_for_url("**saved=change-2")

    expect(page.locator("main")).to_contain_text("lao")
    assert page.evaluate("localStorage.length") == 0
    assert register.get(case).fields["ai_Suspected"] == "suspected"


def test_an_error_is_found_by_keyboard_and_by_a_screen_reader(window):
    """The list of errors has the focus and leads to each question, whose section is open and which says what is wrong."""
    page = window("demo-intake")
    open_form(page)
    page.locator("#prs_MailingCountry").fill("Neverland")
    page.get_by_role("button", name=KEEP).click()
    expect(page).to_have_title("Not kept yet: New case · threelines")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    refuse_barriers(page)
    faulty = [link.get_attribute("href") for link in page.get_by_role("alert").first.get_by_role("link").all()]
    for question in map(page.locator, faulty):
        expect(question).to_be_visible()
        expect(question).to_have_attribute("aria-invalid", "true")
        for told in question.get_attribute("aria-describedby").split():
            expect(page.locator(f"#{told}")).not_to_be_empty()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(faulty[0])).to_be_focused()
    assert {"#ai_Asked", "#prs_MailingCountry"} <= set(faulty)
    expect(page.get_by_role("radiogroup", name="(needed)").first).to_have_attribute("aria-required", "true")


def test_a_name_is_not_lost_by_a_slip(window, site):
    """Leaving a form with a name in it asks first; "Make a case" after the session ended still carries its reference."""
    page = window("demo-intake")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    open_form(page)
    fill(page, prs_FirstName="Zerbinetta")
    page.locator("a.brand").click()
    expect(page.locator("#prs_FirstName")).to_have_value("Zerbinetta")
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="Leave without keeping").click()
    page.wait_for_url("**/register")
    assert asked == ["beforeunload"]
    end_sessions(site, "demo-intake")
    page.goto("/register/new?form=full&reference=0123456789abcdef")
    sign_in(page, site, "demo-intake")
    expect(page.locator("#tl_SubmissionId")).to_have_value("0123456789abcdef")
    page.get_by_text("Person", exact=True).click()
    page.goto("/register")
    assert asked == ["beforeunload"]
