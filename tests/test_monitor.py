"""Early warning: seeded rises are seen, quiet series stay quiet, small groups are not named."""

import gzip
import json
import xml.etree.ElementTree as ElementTree
from datetime import date

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.monitor import _rising, shown_over_true
from threelines.cli.main import root
from threelines.cli.monitor import _plot
from threelines.people import monitor
from threelines.people.entry import Entry
from threelines.people.monitor import UNDER_REVIEW, MonitorError, Series, incident_series, points, watch
from threelines.people.outbreak import discoveries, ears, excess, tail
from threelines.people.plot import rate_plot
from threelines.people.register import Register
from threelines.roles import RoleError, User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
WORKER = User(id="w1", role="case_worker", team="north")
ANALYST = User(id="a1", role="analyst")


def _series(hits, totals, *, kind="language", name="lao"):
    periods = monitor._between("2023-W01", "2026-W36", "week")[-len(hits) :]
    return Series(kind=kind, name=name, periods=periods, hits=tuple(map(int, hits)), totals=tuple(map(int, totals)))


def _quiet(seed, weeks=150, rate=0.1):
    draw = np.random.default_rng(seed)
    totals = draw.poisson(80, weeks)
    return draw.poisson(totals * rate), totals


def test_the_probability_of_chance_is_right():
    """In quiet series p <= 0.05 comes up about once in twenty, and p <= 0.01 about once in a hundred."""
    found = np.array([excess(*_quiet(seed)).p for seed in range(300)])

    assert 0.02 < (found <= 0.05).mean() < 0.09
    assert (found <= 0.01).mean() < 0.03


def test_a_rise_is_seen():
    """A rate that triples in the last week stands out from its own past."""
    hits, totals = _quiet(3)
    hits[-1] = totals[-1] * 0.35

    assert excess(hits, totals).p < 0.001
    assert "C1" in ears(hits, totals).alarms


def test_asking_more_is_no_rise():
    """Twice as many people asked, twice as many hits: the rate has not moved, and no alarm is raised."""
    hits, totals = _quiet(4)
    hits[-3:], totals[-3:] = (hits[-4] + 8) * 2, totals[-3:] * 3

    assert excess(hits, totals).p > 0.05
    assert ears(hits, totals).alarms == ()


def test_a_past_outbreak_does_not_hide_the_next():
    """Weeks that were an outbreak themselves weigh less in the baseline."""
    hits, totals = _quiet(5)
    hits[60:66] = totals[60:66] * 0.6
    hits[-1] = totals[-1] * 0.3

    assert excess(hits, totals).p < 0.01


def test_a_season_is_no_rise():
    """What comes every summer is expected every summer."""
    draw = np.random.default_rng(6)
    weeks = np.arange(156)
    totals = draw.poisson(90, 156)
    wave = 0.12 * (1 + 0.8 * np.sin(2 * np.pi * (weeks - 142) / 52))
    found = [excess(draw.poisson(totals * wave), totals).p for _ in range(60)]

    assert np.mean(np.array(found) <= 0.05) < 0.15


def test_few_hits_raise_nothing():
    """Fewer than five hits in four weeks are not a signal, however rare they were before."""
    assert excess([0] * 60 + [3], [50] * 61).p == 1.0


def test_a_newly_reached_group_is_seen():
    """A language that had never occurred and now does is the brief's main concern."""
    assert excess([0] * 60 + [6], [60] * 61).p < 0.001


def test_a_short_past_is_enough_for_a_strong_rise():
    """With eight periods the EARS baseline is used, and with none nothing can be unusual."""
    assert excess([4, 5, 6, 4, 5, 6, 5, 30], [50] * 8).p < 0.01
    assert excess([20], [50]).p > 0.05


@given(st.integers(0, 60), st.floats(0.01, 40), st.floats(1.0, 5.0))
def test_tail_is_a_probability_and_falls(hits, mean, dispersion):
    """P(Y >= y) is in 0..1 and never grows with y."""
    here, further = tail(hits, mean, mean * dispersion), tail(hits + 1, mean, mean * dispersion)

    assert 0 <= further <= here + 1e-9 <= 1 + 2e-9


def test_tail_agrees_with_known_values():
    """Poisson(3): P(Y >= 5) = 0.1847; negative binomial of mean 3 and variance 6: 0.2266."""
    assert tail(5, 3, 3) == pytest.approx(0.18474, abs=1e-5)
    assert tail(5, 3, 6) == pytest.approx(0.22656, abs=1e-5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_keep_the_order_and_are_no_smaller(p_values):
    """Benjamini-Hochberg: q >= p, in the same order, at most 1."""
    q_values = discoveries(p_values)
    ranked = sorted(zip(p_values, q_values, strict=True))

    assert all(q >= p * 0.999 and q <= 1 for p, q in ranked)
    assert [q for _, q in ranked] == sorted(q for _, q in ranked)


def test_many_quiet_series_raise_almost_nothing():
    """Forty quiet series over many weeks: without the control two would rise every week."""
    raised = 0
    for week in range(10):
        series = [_series(*_quiet(1000 * week + number), name=f"l{number}") for number in range(40)]
        raised += sum(signal.is_rising for signal in watch(series, period="week"))

    assert raised <= 4


@pytest.mark.parametrize(
    ("per_year", "asked", "length", "spread", "season"),
    [(52, 60, 20, 3.0, 0.0), (12, 250, 18, 3.0, 0.0), (4, 750, 16, 5.0, 0.0), (52, 60, 66, 1.6, 0.5)],
)
def test_a_short_past_raises_almost_nothing(per_year, asked, length, spread, season):
    """Counts that vary as real ones do, or by a season not seen twice yet: few of thirty runs over forty series have a signal."""
    draw = np.random.default_rng(11)
    runs = [_rising(draw, per_year, asked, length, spread, season) for _ in range(30)]

    assert sum(found > 0 for found in runs) <= 6


# ---------------------------------------------------------------------- small groups


def test_a_small_group_is_never_named():
    """Fewer than eleven cases in a year: a signal under review, without a name or a count."""
    small = _series([0] * 100 + [7], [60] * 101, kind="community", name="small_valley")
    signal = watch([small], period="week")[0]

    assert signal.is_rising
    assert (signal.name, signal.hits, signal.rate) == (UNDER_REVIEW, None, None)
    assert b"small_valley" not in msgspec.json.encode(signal)


def test_a_named_group_shows_no_small_count():
    """A group of many cases is named; this week's seven are not shown."""
    hits = [5, 4] * 50 + [7]
    signal = watch([_series(hits, [60] * 101)], period="week")[0]

    assert (signal.name, signal.hits, signal.rate) == ("lao", None, None)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=80))
def test_every_point_of_a_plot_stands_for_k_cases(hits):
    """Neighbouring weeks are put together until fifteen hits stand behind a point, told in fives."""
    drawn = points(_series(hits, [count + 20 for count in hits]))
    waiting, made = 0, 0
    for count in hits:
        waiting += count
        if waiting >= 15:
            waiting, made = 0, made + 1

    assert len(drawn) == made
    assert all(count >= 15 and count % 5 == total % 5 == 0 and total >= count for _, count, total in drawn)


def test_a_plot_shows_the_true_rates():
    """In the mean over many points, with few hits a week or many: rounding lifts no rate, and lowers none."""
    draw = np.random.default_rng(7)
    for rate in (0.01, 0.03, 0.1, 0.3):
        found = [
            ratio
            for _ in range(40)
            for totals in [draw.poisson(60, 150)]
            for ratio in shown_over_true(_series(draw.binomial(totals, rate), totals))
        ]
        assert 0.95 < np.mean(found) < 1.05
        assert 0.8 < min(found) <= max(found) < 1.2


@pytest.mark.parametrize("hits", [11, 12, 13, 14, 17, 18])
def test_a_signals_rate_stands_beside_what_was_expected(hits):
    """A count that only lifting would bring to 15 is not told; another is rounded as usual."""
    signal = watch([_series([5, 4] * 50 + [hits], [60] * 101)], period="week")[0]
    told = {13: 15, 14: 15, 17: 15, 18: 20}.get(hits)

    assert (signal.hits, signal.expected_rate is None) == (told, told is None)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=80), st.integers(0, 30))
def test_next_weeks_plot_minus_this_weeks_is_no_weekly_count(hits, more):
    """The points of a plot stay the same in the next one: what comes to them is a point of its own, or waits."""
    periods = monitor._between("2023-W01", "2026-W36", "week")

    def drawn(counts):
        totals = tuple(count + 20 for count in counts)
        one = Series(kind="x", name="y", periods=periods[: len(counts)], hits=tuple(counts), totals=totals)
        return points(one)

    this, following = drawn(hits), drawn([*hits, more])
    assert following[: len(this)] == this
    assert len(following) - len(this) <= 1


def test_a_correction_of_one_case_is_not_read_from_two_plots():
    """One case more in an old week moves a count by nothing or by five, and the rate shown with it."""
    drawn = [points(_series([extra, 40], [130, 160]))[-1] for extra in (27, 28)]
    signals = [watch([_series([40 + extra], [160 + extra])], period="week")[0] for extra in (1, 2)]

    assert drawn[0] == drawn[1]
    assert (signals[0].hits, signals[0].total, signals[0].rate) == (40, 160, 0.25)
    assert (signals[1].hits, signals[1].total, signals[1].rate) == (40, 160, 0.25)


# ---------------------------------------------------------------------- sources


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, WORKER, today=TODAY) as opened:
        yield opened


def _week(number):
    return date.fromordinal(TODAY.toordinal() - 7 * number).isoformat()


def _entry(week, **fields):
    return Entry({"ai_Asked": "yes", **fields}, {"statistics": "yes"}, {"recorded": _week(week)})


def test_rates_are_over_those_who_were_asked(register):
    """Cases in which nobody asked count neither above nor below the line; consent decides who is in at all."""
    seen = {"ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"], "ai_Capability": ["voice_clone"]}
    register.add_many([_entry(2, **seen), _entry(2), _entry(2, ai_Suspected="none"), _entry(2, ai_Asked="no")])
    register.add({"ai_Asked": "yes", **seen}, provenance={"recorded": _week(2)})
    found = {(one.kind, one.name): one for one in monitor.register_series(register.as_user(ANALYST))}

    assert found["language", "lao"].totals == (3, 0)
    assert found["language", "lao"].hits == (1, 0)
    assert ("capability", "voice_clone") in found


def test_the_present_week_is_not_judged(register):
    """A week that is still being written would always look low."""
    register.add_many([_entry(0, ai_Suspected="suspected", ai_ContactLanguage=["lao"])])

    assert monitor.register_series(register.as_user(ANALYST)) == []


def test_weeks_without_cases_are_weeks(register):
    """A gap stays in the series as zero of zero."""
    seen = {"ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"]}
    register.add_many([_entry(5, **seen), _entry(2, **seen)])
    one = next(one for one in monitor.register_series(register.as_user(ANALYST)) if one.kind == "language")

    assert one.hits == one.totals == (1, 0, 0, 1, 0)


def test_silence_since_is_told_week_by_week(register):
    """After thirty weeks without a report the last week judged is the last one, of which nothing is known."""
    seen = {"ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"]}
    register.add_many([_entry(31, **seen)] * 12)
    series = monitor.register_series(register.as_user(ANALYST))

    assert {one.periods[-1] for one in series} == {"2026-W37"}
    assert {len(one.periods) for one in series} == {31}
    assert not any(signal.is_rising for signal in watch(series, period="week"))


def test_judging_the_past_asks_for_consent_today(register):
    """`until` ends the series; a consent that stood then and has ended since counts no case, nor does a day to come."""
    seen = {"ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"]}
    over = {"value": "yes", "given": "2024-01-01", "expires": "2025-01-01"}
    old = Entry({"ai_Asked": "yes", **seen}, {"statistics": over}, {"recorded": "2024-03-04"})
    register.add_many([old, _entry(125, **seen)])
    analyst = register.as_user(ANALYST)
    early = monitor.register_series(analyst, until=date(2024, 6, 1))

    assert {one.periods[-1] for one in early} == {"2024-W21"}
    assert {sum(one.totals) for one in early} == {1}
    assert monitor.register_series(analyst, until=date(2031, 1, 1)) == monitor.register_series(analyst)


def test_the_command_judges_consent_by_the_real_day(tmp_path):
    """`--until` in the past does not bring back a consent that has ended since."""
    here = tmp_path / "m.db"
    keyring = Keyring.create(tmp_path / "m.db.key")
    over = {"value": "yes", "given": "2024-01-01", "expires": "2025-01-01"}
    with Register.open(here, keyring, WORKER) as register:
        fields = {"ai_Asked": "yes", "ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"]}
        register.add_many([Entry(fields, {"statistics": over}, {"recorded": "2024-03-04"})])
    run = CliRunner().invoke(root, ["monitor", "--db", str(here), "--until", "2024-06-01", "--json"])

    assert (run.exit_code, run.stdout) == (0, "")


def test_only_those_who_may_see_statistics(register):
    """A moderator of a platform does not read the register's series."""
    with pytest.raises(RoleError):
        monitor.register_series(register.as_user(User(id="r1", role="reviewer")))


def _finding(tier, *capabilities):
    return {
        "thread": {"kind": "advert", "id": "t", "records": ["r"]}, "tier": tier, "capabilities": list(capabilities),
        "elements": {"act": ["recruitment"], "means": [], "purpose": []},
        "signals": [{"indicator": "REC-01", "record": "r"}, {"indicator": "REC-02", "record": "r", "shadow": True}],
    }  # fmt: skip


def test_findings_are_counted_by_the_day_in_the_file_name(tmp_path):
    """Raised threads over all threads of a scan; an indicator on trial is not counted."""
    path = tmp_path / "findings-2026-08-31.jsonl"
    rows = [_finding("look", "translation"), _finding("none", "translation")]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = {(one.kind, one.name): one for one in monitor.findings_series([path], today=TODAY)}

    assert found["capability", "translation"].hits == (1,)
    assert found["capability", "translation"].totals == (2,)
    assert ("indicator", "REC-02") not in found


def test_a_findings_file_without_a_day_is_refused(tmp_path):
    """The message says how to name it."""
    path = tmp_path / "findings.jsonl"
    path.write_text(json.dumps(_finding("look")))
    with pytest.raises(MonitorError, match="into its name"):
        monitor.findings_series([path], today=TODAY)


@pytest.mark.parametrize("written", ["2026-W60", "2026-13-40", "2026-13", "2026-02-30", "0000-01"])
def test_a_findings_file_of_no_day_is_refused_by_its_name(tmp_path, written):
    """A day, week or month that no calendar has is told with the file, not with a traceback."""
    path = tmp_path / f"findings-{written}.jsonl"
    path.write_text(json.dumps(_finding("look")) + "\n", encoding="utf-8")
    with pytest.raises(MonitorError, match=f"findings-{written}.jsonl: no calendar has {written}"):
        monitor.findings_series([path], today=TODAY)


def _scan(path, raised, *, quiet=1):
    rows = [{**_finding("look"), "thread": {"id": f"{path.name}{n}"}} for n in range(raised)] + [
        _finding("none")
    ] * quiet
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_the_period_of_scans_is_that_of_their_names(tmp_path):
    """Files of months are months without being told so; taken for weeks, most weeks would be empty."""
    months = [_scan(tmp_path / f"findings-2026-{month:02}.jsonl", month) for month in range(1, 9)]
    here = [word for path in months for word in ("--findings", str(path))]
    said = (
        CliRunner().invoke(root, ["monitor", *here, "--json", "--until", "2026-09-15"], catch_exceptions=False).stdout
    )

    assert {json.loads(line)["period"] for line in said.splitlines()} == {"2026-08"}
    with pytest.raises(MonitorError, match="a whole month; give --period month"):
        monitor.findings_series(months, today=TODAY, period="week")
    assert (
        monitor.findings_period([_scan(tmp_path / "2026-W33.jsonl", 1), _scan(tmp_path / "2026-08-31.jsonl", 1)])
        == "week"
    )


def test_scans_without_a_base_or_given_twice_are_refused(tmp_path):
    """Raised threads over raised threads are no rate, and a scan twice is twice its threads; the message names the file."""
    with pytest.raises(MonitorError, match=r"2026-08-31\.jsonl: has raised threads only.*--all"):
        monitor.findings_series([_scan(tmp_path / "2026-08-31.jsonl", 5, quiet=0)], today=TODAY)
    path = _scan(tmp_path / "2026-08-24.jsonl", 5)
    copied = tmp_path / "2026-08-25.jsonl"
    copied.write_bytes(path.read_bytes())
    for twice in ([path, path], [path, copied]):
        with pytest.raises(MonitorError, match="the same lines as 2026-08-24"):
            monitor.findings_series(twice, today=TODAY)


def test_a_rate_that_nearly_all_have_is_withheld_in_its_own_words(tmp_path):
    """40 of 41 threads raised are not "fewer than 11 cases in it"; nothing is shown of the few outside it."""
    here = []
    for month in range(1, 9):
        path = tmp_path / f"findings-2026-{month:02}.jsonl"
        raised = 40 if month == 8 else 12
        _scan(path, raised, quiet=41 - raised)
        here += ["--findings", str(path)]
    said = CliRunner().invoke(root, ["monitor", *here, "--period", "month", "--until", "2026-09-15"]).stdout
    assert "fewer than 15 cases outside it" in said
    assert "cases in it" not in said
    internal = CliRunner().invoke(root, ["monitor", "--internal", *here, "--period", "month", "--until", "2026-09-15"])
    assert "97.6%, expected" in internal.stdout


def test_with_k_1_every_known_number_is_given():
    """Inside, a share of all and a share of none are numbers like others; where nothing is known there is none."""
    for hits, total, shown in ((20, 20, (20, 20, 1.0)), (0, 20, (0, 20, 0.0)), (0, 0, (None, None, None))):
        (signal,) = watch([_series([0] * 55 + [hits], [20] * 55 + [total])], period="week", k=1)
        assert (signal.name, signal.hits, signal.total, signal.rate) == ("lao", *shown)


def test_incidents_need_a_date(tmp_path):
    """The message names file and line."""
    path = tmp_path / "i.jsonl"
    path.write_text('{"date": "2026-01-05", "text": "A deepfake video"}\n{"text": "x"}\n')
    with pytest.raises(MonitorError, match=r"i\.jsonl:2"):
        incident_series(path, today=TODAY)


@pytest.mark.data
def test_public_incidents_show_what_rose(shared_incidents):
    """In the incident set (AIID, coded by MIT) deepfakes rise by the third quarter of 2025."""
    series = incident_series(shared_incidents, today=date(2025, 10, 1))
    rising = {(signal.kind, signal.name) for signal in watch(series, period="quarter", k=1) if signal.is_rising}

    assert ("capability", "deepfake media") in rising


@pytest.fixture
def shared_incidents(request):
    path = request.config.rootpath.parent / "shared" / "data" / "dev" / "incidents_aiid_mit.jsonl.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data/dev/incidents_aiid_mit.jsonl.gz")
    return path


# ---------------------------------------------------------------------- pictures and the command


def test_a_plot_reads_without_colour():
    """It is well-formed, names the rise in words and a shape, and tells every value in its text."""
    picture = ElementTree.fromstring(
        rate_plot("language: <lao>", [("2026-W01", 12, 90), ("2026-W02", 30, 95)], rising=True)
    )
    text = "".join(picture.itertext())

    assert picture.get("role") == "img"
    assert "Rising at the end. 2026-W01: 12 of 90; 2026-W02: 30 of 95" in text
    assert "#" not in rate_plot("x", [("a", 12, 90)])


def test_command_reads_a_register(tmp_path):
    """Every series is printed as JSON; nothing small has a name."""
    here = ["--db", str(tmp_path / "m.db")]
    run = CliRunner()
    run.invoke(root, ["register", "demo", "--cases", "400", *here], catch_exceptions=False)
    lines = run.invoke(root, ["monitor", "--json", *here], catch_exceptions=False).stdout.splitlines()
    out = run.invoke(root, ["monitor", "--out", str(tmp_path / "plots"), *here], catch_exceptions=False)

    assert {json.loads(line)["kind"] for line in lines} == {"all", "capability", "community", "corridor", "language"}
    assert out.exit_code == 0
    assert all(path.suffix == ".svg" for path in (tmp_path / "plots").iterdir())


def test_every_series_has_a_plot_of_its_own(tmp_path):
    """Names that differ in punctuation, case or script only do not overwrite each other's plots."""
    names = ["AI+", "AI-", "ai", "骗局", "诈骗", "Lao, north"]
    series = [_series([20] * 60, [100] * 60, kind="label", name=name) for name in names]
    _plot(tmp_path, series, watch(series, period="week", k=1), 1)

    shown = {ElementTree.parse(path).getroot()[0].text: path.name for path in tmp_path.iterdir()}
    assert set(shown) == {f"label: {name}" for name in names}
    assert len({name.lower() for name in shown.values()}) == len(names)
    assert shown["label: Lao, north"] == "label-Lao-north.svg"


def test_internal_names_are_for_those_who_read_cases(tmp_path):
    """An analyst cannot ask for small groups by name."""
    here = ["--db", str(tmp_path / "m.db")]
    run = CliRunner()
    run.invoke(root, ["register", "demo", "--cases", "40", *here], catch_exceptions=False)

    assert isinstance(run.invoke(root, ["monitor", "--internal", "--role", "analyst", *here]).exception, RoleError)


def test_command_wants_one_source():
    """Nothing, or two sources, is a question of usage."""
    assert CliRunner().invoke(root, ["monitor"]).exit_code == 2


def test_zipped_and_plain_incidents_read_alike(tmp_path):
    """A `.gz` file gives the same series."""
    text = "".join(
        f'{{"date": "2026-0{month}-05", "text": "A deepfake video", "domain": "x"}}\n' for month in (1, 4, 7)
    )
    (tmp_path / "i.jsonl").write_text(text)
    (tmp_path / "i.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    assert incident_series(tmp_path / "i.jsonl", today=TODAY) == incident_series(tmp_path / "i.jsonl.gz", today=TODAY)
