"""A console that really listens and a Chromium to look at it: what the browser tests share."""

import os
import socket
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

CHROMIUM = Path("/usr/bin/chromium")
IS_MISSING = not CHROMIUM.exists() and not os.environ.get("CI")
MISSING = "no /usr/bin/chromium: `make system` installs it"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
SHOTS = Path(__file__).parent.parent / "docs" / "screenshots"


class Site(NamedTuple):
    """A console that really listens, with its demonstration."""

    address: str
    desk: object
    words: dict
    """Name → password."""


@pytest.fixture(scope="session")
def site(tmp_path_factory, vocabulary):
    """Serve a filled demonstration on a free port of this machine."""
    import uvicorn

    from threelines.store.database import Store
    from threelines.store.keyring import Keyring
    from threelines.web import demo
    from threelines.web.app import create_app
    from threelines.web.desk import Options

    folder = tmp_path_factory.mktemp("site")
    options = Options(second_factor=False, demo=True, exit_address="about:blank")
    app = create_app(
        Store.open(folder / "s.db"), Keyring.create(folder / "s.key"), options=options, vocabulary=vocabulary
    )
    words = {entry.name: entry.password for entry in demo.make_accounts(app.state.desk)}
    demo.fill(app.state.desk)
    demo.fill_cases(app.state.desk, cases=900)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", app.state.desk, words)
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium():
    """Start Debian's Chromium once for a module: Playwright's loop must not run on beside other tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium, site):
    """Return a function that opens a window, signed in or not; a fault in a console fails the test."""
    opened, faults = [], []

    def open_window(name="", *, size=DESKTOP, cached=False, **more):
        browser = chromium
        if cached:  # as people have it: Playwright turns the back/forward cache off
            off = ["--disable-back-forward-cache"]
            browser = chromium.browser_type.launch(
                executable_path=str(CHROMIUM), args=ARGUMENTS, ignore_default_args=off
            )
            opened.append(browser)
        context = browser.new_context(viewport=size, base_url=site.address, **more)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        if name:
            page.goto("/login")
            page.fill("#name", name)
            page.fill("#password", site.words[name])
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield open_window
    for one in reversed(opened):
        one.close()
    assert faults == []


def refuse_barriers(page):
    """Raise with axe's own words when it finds any violation (WCAG 2 A and AA, best practices)."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def shot(page, name):
    """Keep a picture for the docs when asked to."""
    if os.environ.get("THREELINES_SCREENSHOTS") == "1":
        from PIL import Image

        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        page.screenshot(path=path)
        Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


def no_sideways_scrolling(page):
    """The page fits its window: only boxes meant for it scroll sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), page.url


def end_sessions(site, name):
    """Let an account's sessions be over, as after half an hour without a request."""
    site.desk.accounts.end_sessions(site.desk.accounts.by_name(name).id)


def sign_in(page, site, name):
    """Sign in on a page that shows the sign-in form."""
    page.fill("#name", name)
    page.fill("#password", site.words[name])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def go_back(page, until="**"):
    """Press the browser's Back, which Playwright's own `go_back` does not do with the back/forward cache on."""
    page.evaluate("setTimeout(() => history.back(), 0)")
    page.wait_for_timeout(300)
    page.wait_for_url(until)
    page.wait_for_load_state()


def look(page):
    """Look at a finding for as long as the console wants it looked at."""
    page.wait_for_function(
        "() => performance.now() - performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd > 1050"
    )
