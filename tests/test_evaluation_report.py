"""The evaluation report compares only what compares: planes, titles, arrows and their absence."""

from __future__ import annotations

import re

from threelines.ai_models.report import render, titles
from threelines.ai_models.results import Results
from threelines.ai_models.summary import Row


def results(*, frame: str = "reframed", guarded: bool = False, samples: int = 4, **more) -> Results:
    """Return a log whose misuse is fulfilled without the guard; every second sample is an honest twin."""
    kind = "session" if frame == "split" else "misuse"
    rows = tuple(
        Row(
            scenario=f"s{number // 2}", kind=kind, task="persona", capability="", subject="trafficking", language="en",
            role="journalist" if number % 2 else "undisclosed", frame="benign" if number % 2 else frame,
            outcome="full_refusal" if guarded else "compliance", fulfilled=not guarded and not number % 2,
        )
        for number in range(samples)
    )  # fmt: skip
    given = {
        "file": "a.eval", "digest": "0" * 64, "task": f"threelines/{kind}", "version": "2-A", "model": "p/m",
        "inner": "p/m" if guarded else "", "created": "2026-11-01", "samples": samples, "failed": 0, "rows": rows,
        "keys": tuple(f"{kind}-{number}" for number in range(samples)), "planned": samples, "asked": samples, "dataset": samples,
    }  # fmt: skip
    return Results(**(given | more))


def labels(page: str) -> list[str]:
    """Return what is written beside the dots."""
    return re.findall(r"<circle [^>]*/><text [^>]*>([^<]*)</text>", page)


def test_sessions_have_a_plane_of_their_own():
    """Split harm is no reframed misuse: another drawing, other words on its axes, no arrow between the two."""
    page = render([results(), results(frame="split", guarded=True)])
    requests, sessions = re.findall(r"<svg.*?</svg>", page, re.DOTALL)

    assert "reframed misuse that was fulfilled" in requests and "sessions" not in requests
    assert "sessions of split harm that were fulfilled" in sessions and "reframed" not in sessions
    assert 'class="arrow"' not in page
    assert len(re.findall(r' id="([^"]*)"', page)) == len(set(re.findall(r' id="([^"]*)"', page))) == 6
    assert "<svg" not in render([results(frame="direct")])


def test_no_two_runs_share_a_title_or_a_label():
    """Guard, end of the run, task, version, file, and at last the place among the logs tell them apart."""
    found = titles(
        [
            results(),
            results(guarded=True),
            results(status="cancelled"),
            results(version="1-A"),
            results(file="b.eval"),
            results(file="b.eval"),
            results(frame="split"),
        ]
    )

    assert found[1:4] == ["p/m, guarded", "p/m, unfinished", "p/m, misuse, version 1-A"]
    assert found[4:] == [
        "p/m, misuse, version 2-A, b.eval, log 5",
        "p/m, misuse, version 2-A, b.eval, log 6",
        "p/m, session",
    ]
    assert len(set(found)) == 7
    assert titles([results(), results(model="p/n")]) == ["p/m", "p/n"]


def test_labels_fit_the_drawing_and_start_with_the_runs_number():
    """Long names are cut there and stand whole in the table below."""
    long = "provider/a-model-with-quite-a-long-name-of-its-own"
    page = render([results(model=long), results(model=long, file="b.eval")])

    assert [label[:2] for label in labels(page)] == ["1 ", "2 "]
    assert max(map(len, labels(page))) <= 36
    assert f'<th scope="row">1 {long}, a.eval</th>' in page


def test_an_arrow_joins_the_same_samples_under_one_version():
    """The model alone and behind the guard, nothing else; the page warns of nothing then."""
    page = render([results(), results(guarded=True)])

    assert page.count('class="arrow"') == 1
    assert "No arrow" not in page and "do not compare" not in page


def test_no_arrow_joins_what_does_not_compare_and_the_page_says_why():
    """Fewer samples or another version of the task: two dots, a reason, and which runs belong together."""
    fewer = render([results(), results(guarded=True, samples=2)])
    other = render([results(version="1-A"), results(guarded=True), results(model="p/n")])

    assert 'class="arrow"' not in fewer + other
    assert "No arrow from 1 to 2: of 4 samples only 2 are graded in both logs." in fewer
    assert "No arrow from 1 to 2: versions 1-A and 2-A of the task do not compare." in other
    assert "Together belong: 1 (version 1-A, 4 samples); 2 and 3 (version 2-A, 4 samples)." in other


def test_the_total_of_over_refusal_stands_in_tables():
    """Beside the plane, for those who cannot see it, and first among those who ask; * marks few scenarios."""
    page = render([results(guarded=True, samples=12)])

    assert '<th scope="row">all</th><td>100.0%</td><td>61–100*</td><td>6</td><td>6</td>' in page
    assert '<th scope="row">all, in full</th>' in page
    assert '<th scope="row">1 p/m, guarded</th><td>0.0%</td><td>0–39*</td><td>100.0%</td><td>61–100*</td>' in page


def test_a_figure_over_ten_scenarios_has_no_mark():
    """Few are fewer than ten."""
    page = render([results(samples=20)])

    assert "0–28</td>" in page and "0–28*" not in page
