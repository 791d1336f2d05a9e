"""Every route for every role: who gets in, who does not, and that no stranger does."""

import re

import pytest
from fastapi import APIRouter

from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
from threelines.roles import ROLES, scope_of
from threelines.web.app import OPEN, OpenRoute, guards_of, refuse_open_routes, routes_of
from threelines.web.grants import CONSOLE
from threelines.web.security import form_token

HOSTILE = "</mark><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}\u202e"


def filled(path):
    """Put harmless values into a route's pattern."""
    return re.sub(r"\{[^}]*\}", "0" * 16, path)


def method_of(route):
    """Return GET or POST."""
    return next(iter(sorted(route.methods - {"HEAD"})))


def expected_permissions(route):
    """Return the permission sets of the route's guards; empty for guards that only ask for a session."""
    return [guard.permissions for guard in guards_of(route) if hasattr(guard, "permissions")]


def test_no_route_answers_a_stranger_but_the_open_ones(console):
    """Without a session every guarded page leads to the sign-in and every API route says 401."""
    browser = console.client()
    for route in routes_of(console.app):
        answer = browser.request(method_of(route), filled(route.path))
        if route.path in OPEN:
            continue
        if route.path.startswith("/v1/") or route.path == "/openapi.json":
            assert answer.status_code in (401, 422), route.path
            if answer.status_code == 422:
                assert set(answer.json()) == {"detail"}, route.path
        else:
            assert answer.status_code == 303 and answer.headers["location"].startswith("/login"), route.path


def test_what_a_stranger_can_open_holds_nothing(console):
    """The open routes: check, sign-in, health, and one-time links that say nothing without their secret."""
    browser = console.client()

    assert {path: browser.get(filled(path)).status_code for path in OPEN if not path.startswith("/oidc")} == {
        "/check": 200, "/login": 200, "/health": 200, "/once/{secret}": 404, "/metrics": 401,
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_route_for_every_role(console, role):
    """A role reaches what its permissions say: 403 elsewhere, never a fault of ours."""
    browser, person = console.sign_in(role)
    token = form_token(browser.cookies["threelines"])
    for route in routes_of(console.app):
        if route.path in (*OPEN, "/logout") or route.path.startswith("/v1/"):
            continue
        method = method_of(route)
        answer = browser.request(method, filled(route.path), data={"token": token} if method == "POST" else None)
        may = all(any(scope_of(role, need) for need in needs) for needs in expected_permissions(route))
        assert (answer.status_code == 403) == (not may), (route.path, role, answer.status_code)
        assert answer.status_code < 500, (route.path, answer.text)
    assert console.desk.accounts.get(person.id).role == role


def test_a_session_is_no_token_and_a_token_no_session(console):
    """A signed-in person does not use the API, and a program opens no page."""
    browser, _ = console.sign_in("reviewer")
    assert browser.get("/v1/queue").status_code == 401
    token = console.desk.accounts.make_token("metrics", label="watch")
    program = console.client()
    program.headers["authorization"] = f"Bearer {token}"

    assert program.get("/v1/queue").status_code == 401
    assert program.get("/review").status_code == 303
    assert program.get("/metrics").status_code == 200


def test_a_route_without_a_guard_stops_the_start(console):
    """Forgetting a guard is found when the application is made, not by a stranger."""
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> str:
        return ""

    console.app.include_router(router)
    with pytest.raises(OpenRoute, match="/forgotten"):
        refuse_open_routes(console.app)


def test_the_menu_shows_only_what_the_role_can_open(console):
    """Every link in a menu works, and none leads to a refusal."""
    for role in ROLES:
        browser, _ = console.sign_in(role)
        page = browser.get("/account").text
        for address in re.findall(r'<li><a href="(/\w+)"', page):
            assert browser.get(address).status_code == 200, (role, address)


def test_hostile_words_are_inert(console):
    """Markup in a record is shown as it was written and never becomes part of the page."""
    from threelines.platforms.finding import Finding

    record = Record(id="r", author=HOSTILE, text=HOSTILE)
    judged = Assessment(
        thread=ThreadRef(kind="advert", id="t", records=("r",)), concern=0.6, tier="look", ai_use=0.0, capabilities=(),
        support=False, elements=Elements(), explanation=HOSTILE,
        signals=(Signal(indicator="REC-06", record="r", quote=HOSTILE[:20], start=3, end=30, detail=HOSTILE),),
    )  # fmt: skip
    console.desk.review.add([Finding(assessment=judged, records=(record,), language='"><script>')])
    browser, _ = console.sign_in("reviewer")
    token = form_token(browser.cookies["threelines"])
    where = browser.post("/review/next", data={"token": token}).headers["location"]
    page = browser.get(where).text

    assert "<script>alert" not in page and "<img src=x" not in page and "{{7*7}}" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in browser.get("/review").text


def test_logs_and_metrics_hold_no_content(console, capsys):
    """Route patterns are counted and logged; ids, secrets and words are not."""
    secret = console.desk.grants.invite(CONSOLE, "newcomer", role="intake").secret
    console.client().get(f"/once/{secret}?name=zerbinetta")
    console.client().post("/check", data={"offer": "zerbinetta"})
    token = console.desk.accounts.make_token("metrics", label="watch")
    figures = console.client().get("/metrics", headers={"authorization": f"Bearer {token}"}).text

    assert 'route="/once/{secret}"' in figures and 'route="/check"' in figures
    assert secret not in figures and "zerbinetta" not in figures
    assert "zerbinetta" not in capsys.readouterr().err


def test_a_network_is_drawn_without_anything_the_policy_forbids(console):
    """The picture of tied accounts stands on the page, described in words, with no style and no script."""
    from threelines.platforms.finding import Finding

    edges = [
        {"first": "acc_a", "second": "acc_b", "kinds": {"script": 4}},
        {"first": "acc_b", "second": "acc_c", "kinds": {"phone": 1}},
    ]
    records = tuple(Record(id=f"r{name}", author=f"acc_{name}", text="the same words") for name in "abc")
    judged = Assessment(
        thread=ThreadRef(kind="network", id="n", records=tuple(r.id for r in records)), concern=0.8, tier="priority",
        ai_use=0.0, capabilities=(), support=False, elements=Elements(),
        signals=(Signal(indicator="BEH-09", record="ra"),), facts={"members": ["acc_a", "acc_b", "acc_c"], "edges": edges},
    )  # fmt: skip
    console.desk.review.add([Finding(assessment=judged, records=records)])
    browser, _ = console.sign_in("reviewer")
    token = form_token(browser.cookies["threelines"])
    page = browser.get(browser.post("/review/next", data={"token": token}).headers["location"]).text

    assert "3 accounts tied to one another" in page and "Who is tied to whom" in page
    assert "style=" not in page and "<style" not in page
