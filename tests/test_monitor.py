"""The monitor: finds a seeded outbreak, stays quiet without one, and never names a small series."""

import gzip
import json

import numpy as np
from click.testing import CliRunner

from threelines.cli.monitor import command
from threelines.people.monitor import UNDER_REVIEW, Event, discoveries, monitor, of_incidents, plot

PERIODS = [f"{year}-Q{quarter}" for year in (2023, 2024, 2025, 2026) for quarter in (1, 2, 3, 4)]


def _events(*, seed, outbreak=(), series=20, asked=400, rate=0.05):
    draw = np.random.default_rng(seed)
    events = []
    for period in PERIODS:
        for _ in range(asked):
            hit = tuple(
                f"ai_ContactLanguage=s{place:02d}"
                for place in np.flatnonzero(
                    draw.random(series) < [rate * (4 if (place, period) in outbreak else 1) for place in range(series)]
                )
            )
            events.append(Event(period, hit))
    return events


def test_a_seeded_outbreak_is_found_in_its_first_period():
    """A fourfold rate in one of 20 series is an alert at once, and the only one."""
    alerts = [trend for trend in monitor(_events(seed=1, outbreak={(7, "2026-Q4")})) if trend.is_alert]

    assert [trend.name for trend in alerts] == ["ai_ContactLanguage=s07"]
    assert alerts[0].c2


def test_false_alarms_are_fewer_than_with_c2_alone():
    """Over 20 quiet runs of 20 series: at most two alerts, and no more than C2 gives."""
    runs = [trend for seed in range(20) for trend in monitor(_events(seed=seed, asked=150))]

    assert sum(trend.is_alert for trend in runs) <= min(2, sum(trend.c2 for trend in runs))
    assert len(runs) == 400


def test_more_questions_are_no_outbreak():
    """Asking four times as often raises counts, not rates: no alert."""
    events = _events(seed=3) + [event for event in _events(seed=4) if event.period == "2026-Q4"] * 3

    assert not any(trend.is_alert for trend in monitor(events))


def test_a_small_series_is_not_named():
    """Ten cases, from none before: an alert, but neither name nor count nor plot shows the community."""
    events = [Event(period) for period in PERIODS for _ in range(100)]
    events += [Event("2026-Q4", ("ai_Community=hills",))] * 10
    [trend] = monitor(events)

    assert trend.is_alert
    assert (trend.name, trend.count, trend.rate, trend.rates) == (UNDER_REVIEW, None, None, ())
    assert "hills" not in plot([trend]) + repr(trend)


def test_eleven_cases_are_named():
    """At k the series has its name."""
    events = [Event(period) for period in PERIODS for _ in range(100)]
    [trend] = monitor(events + [Event("2026-Q4", ("ai_Community=hills",))] * 11)

    assert trend.name == "ai_Community=hills"
    assert trend.count == 11


def test_false_discovery_control_is_that_of_the_paper():
    """The example of Benjamini and Hochberg (1995), section 3.2: four of fifteen stand at 0.05."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    values += [0.7590, 1.0000]

    assert sum(discoveries(values)) == 4


def test_too_short_a_past_gives_nothing_and_empty_periods_count():
    """Nine periods are needed; a period without incidents is one of them."""
    rows = [{"date": f"2026-0{month}-01", "label": "a"} for month in (1, 9)]

    assert monitor(of_incidents(rows[:1], "month")) == []
    assert len(monitor(of_incidents(rows, "month"))) == 1


def test_the_command_reads_a_set_of_incidents_without_a_register(tmp_path):
    """The table names what has 11 or more, and the plot is written."""
    rows = [{"date": f"{period[:4]}-{int(period[-1]) * 3:02d}-05", "label": "fraud"} for period in PERIODS] * 12
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    result = CliRunner().invoke(command, ["--incidents", str(tmp_path / "set.jsonl.gz"), "--out", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert "label=fraud" in result.output
    assert (tmp_path / "monitor.svg").read_text().startswith("<svg")
    assert CliRunner().invoke(command, []).exit_code != 0
