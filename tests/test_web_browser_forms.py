"""The register's forms in a real browser: nothing passes to another account or is kept twice, nothing typed is lost."""

import pytest

from tests.browser import IS_MISSING, MISSING, end_sessions, go_back, sign_in

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
