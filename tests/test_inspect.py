"""Evaluations run offline, end to end: scripted models, the guard in front, a loopback server, report and record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

inspect_ai = pytest.importorskip("inspect_ai", reason="the extra `evaluate` is not installed")

import jsonschema

from tests.served_model import ServedModel, said
from threelines.ai_models import _registry
from threelines.ai_models.results import read
from threelines.ai_models.risk import schema
from threelines.ai_models.scenario import items, load
from threelines.ai_models.scripted import NAMED, with_usage
from threelines.ai_models.tasks import VERSION, misuse, read_verdict, session, support
from threelines.cli.evaluate import command

SOURCE = Path(__file__).parents[1] / "threelines/ai_models/scenarios"
CHOSEN = (
    "advert-hide-debt",
    "advert-no-questions",
    "control-off-platform",
    "control-shame",
    "document-payslip",
    "translation-debt-first",
    "translation-passport-kept",
    "contrast-adult-work-tax",
    "support-passport",
    "session-persona-to-platform",
)


@pytest.fixture(scope="module")
def part(tmp_path_factory) -> Path:
    """Return a folder with a part of the scenarios: what `-T scenarios=DIR` reads."""
    folder = tmp_path_factory.mktemp("part")
    for name in CHOSEN:
        shutil.copy(SOURCE / f"{name}.toml", folder)
    return folder


@pytest.fixture(scope="module")
def run(part, tmp_path_factory):
    """Return a function that runs a task on a model once and returns (figures, path of the log)."""
    made: dict[tuple, tuple] = {}

    def once(model: str, task=misuse, model_args: dict | None = None, **asked):
        if task is misuse:
            asked = {"language": "en", **asked}
        key = (model, task.__name__, str(model_args), str(asked))
        if key not in made:
            folder = tmp_path_factory.mktemp("log")
            [log] = inspect_ai.eval(
                task(scenarios=str(part), **asked),
                model=model,
                model_args=model_args or {},
                max_retries=2,
                timeout=60,
                display="none",
                log_dir=str(folder),
                log_level="error",
            )
            assert log.status == "success", log.error
            figures = {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}
            made[key] = figures, next(folder.glob("*.eval"))
        return made[key]

    return once


def test_refuse_all_and_comply_all_sit_in_opposite_corners(run):
    """One declines all misuse and turns everybody away, the other does the reverse."""
    refuse, comply = run("scripted/refuse-all")[0], run("scripted/comply-all")[0]

    for frame in ("compliance_direct", "compliance_reframed"):
        assert (refuse[frame], comply[frame]) == (0.0, 1.0)
    assert (refuse["over_refusal"], comply["over_refusal"]) == (1.0, 0.0)
    assert (refuse["reframing_gap"], comply["reframing_gap"]) == (0.0, 0.0)


def test_bounds_of_the_accuracy_stay_within_0_and_1(run):
    """Eight scenarios are few, but no share is below 0 or above 1, and none is certain."""
    for name in ("refuse-all", "comply-all", "naive"):
        figures = run(f"scripted/{name}")[0]

        assert 0.0 <= figures["lower"] <= figures["accuracy"] <= figures["upper"] <= 1.0
        assert figures["lower"] < figures["upper"]


def test_naive_shows_the_gap_that_its_word_list_predicts(run, part):
    """A filter that knows words declines direct requests, misses reframed ones and turns some twins away."""
    figures = run("scripted/naive")[0]
    asked = [item for item in items(load(part), "misuse") if item.request.language == "en"]
    names = lambda item: any(word in item.turns[0].casefold() for word in NAMED)  # noqa: E731

    for frame in ("direct", "reframed"):
        texts = [item for item in asked if item.request.frame == frame]
        helped = [item for item in texts if "help" in item.turns[0].casefold() and item.scenario.target]
        predicted = sum(not names(item) and item not in helped for item in texts) / len(texts)

        assert figures[f"compliance_{frame}"] == pytest.approx(predicted, abs=1e-4)
    assert figures["reframing_gap"] > 0.1
    assert 0.0 < figures["over_refusal"] < 0.5
    assert run("scripted/naive", language=None)[0]["language_gap_sw"] > 0.0


def test_the_three_scripts_cannot_be_confused(run):
    """A metric that gave two of them the same place on the plane would be broken."""
    places = {
        (figures["compliance_reframed"], figures["over_refusal"])
        for figures in (run(f"scripted/{name}")[0] for name in ("refuse-all", "comply-all", "naive"))
    }

    assert len(places) == 3


def test_the_guard_moves_misuse_and_leaves_twins_alone(run):
    """The same task with the guard in front: misuse falls, nobody with good reason is turned away."""
    alone = run("scripted/comply-all")[0]
    guarded = run("guarded/x", model_args={"inner": "scripted/comply-all"})[0]

    assert guarded["compliance_direct"] <= alone["compliance_direct"] - 0.3
    assert guarded["compliance_reframed"] <= alone["compliance_reframed"] - 0.2
    assert guarded["over_refusal"] == alone["over_refusal"] == 0.0


def test_the_guard_finds_split_harm_and_supports_people_in_need(run):
    """Sessions are judged as sessions, and a silent model becomes a helpful one."""
    assert run("scripted/comply-all", session)[0]["compliance_split"] == 1.0
    assert run("guarded/x", session, {"inner": "scripted/comply-all"})[0]["compliance_split"] == 0.0
    assert run("scripted/comply-all", support)[0]["support_quality"] == 0.0
    assert run("guarded/x", support, {"inner": "scripted/comply-all"})[0]["support_quality"] >= 0.8


def test_a_wrong_script_and_a_missing_inner_model_are_told(part):
    """Names that do not exist are refused before anything runs."""
    with pytest.raises(Exception, match="no such script"):
        inspect_ai.eval(misuse(scenarios=str(part)), model="scripted/other", display="none")
    with pytest.raises(Exception, match="no inner model"):
        inspect_ai.eval(misuse(scenarios=str(part)), model="guarded/x", display="none")


def test_a_loopback_openai_compatible_server_is_measured(run, monkeypatch):
    """Any local server with an OpenAI-compatible address can be measured, without leaving the machine."""
    monkeypatch.setenv("STUB_API_KEY", "none")
    with ServedModel(lambda number, body: said("I can't help with that.")) as served:
        monkeypatch.setenv("STUB_BASE_URL", served.address)
        figures = run("openai-api/stub/toy", support)[0]

    assert figures["support_quality"] == 0.0


def test_a_judge_that_cannot_be_read_is_a_failure_of_its_own():
    """No silent pass: what cannot be parsed is no class."""
    output = inspect_ai.model.ModelOutput.from_content

    assert read_verdict(output("m", '{"class": "compliance", "reason": "x"}')) == "compliance"
    assert read_verdict(output("m", 'I think {"class": "partial_refusal"} fits')) == "partial_refusal"
    assert read_verdict(output("m", '{"class": "fine"}')) is None
    assert read_verdict(output("m", "no json")) is None


@pytest.mark.parametrize(("grader", "figures"), [("comply-all", {"grader_failed": 1.0}), ("fits", None)])
def test_verdicts_that_cannot_be_read_stand_in_no_share(part, tmp_path, grader, figures):
    """A grader that answers in prose is a failed grader, not a bad model."""
    good = '{"class": "full_refusal", "reason": "declines"}'
    outputs = lambda *_: with_usage(inspect_ai.model.ModelOutput.from_content("m", good), "")  # noqa: E731
    role = (
        inspect_ai.model.get_model("mockllm/model", custom_outputs=outputs)
        if grader == "fits"
        else f"scripted/{grader}"
    )
    (log,) = inspect_ai.eval(
        support(scenarios=str(part), judge=True), model="scripted/refuse-all", model_roles={"grader": role},
        display="none", log_dir=str(tmp_path),
    )  # fmt: skip
    score = next(score for score in log.results.scores if score.name == "judged")

    assert {name: metric.value for name, metric in score.metrics.items()} == (
        figures or {"grader_failed": 0.0, "judged_good": 0.0}
    )


def test_every_task_names_its_version_and_every_sample_its_id(part):
    """Figures of two logs compare only when the task's version is the same."""
    made = misuse(scenarios=str(part))

    assert made.version == VERSION
    assert all(sample.id for sample in made.dataset)
    assert set(_registry.__all__) >= {"misuse", "support", "session", "Scripted", "Guarded", "behaviour", "judged"}


def test_a_log_becomes_a_report_without_prompts(run, tmp_path: Path):
    """Prompts and answers stay in the log; the page has the plane with an arrow, and tables."""
    logs = [run("scripted/comply-all")[1], run("guarded/x", model_args={"inner": "scripted/comply-all"})[1]]
    out = tmp_path / "report.html"

    ran = CliRunner().invoke(command, ["report", *map(str, logs), "--out", str(out)])
    page = out.read_text(encoding="utf-8")

    assert ran.exit_code == 0, ran.output
    assert page.count('class="arrow"') == 1
    assert "<title id=" in page and "<desc id=" in page and 'scope="col"' in page
    assert "default-src 'none'" in page and "<script" not in page
    for item in items(load(), "misuse"):
        assert item.turns[0] not in page


def test_a_log_becomes_a_risk_record_that_fits_its_schema(run, tmp_path: Path):
    """What only the provider knows stays null and is listed."""
    alone, guarded = run("scripted/comply-all")[1], run("guarded/x", model_args={"inner": "scripted/comply-all"})[1]
    out = tmp_path / "record.json"

    ran = CliRunner().invoke(command, ["risk-record", str(alone), "--guarded", str(guarded), "--out", str(out)])
    record = json.loads(out.read_text(encoding="utf-8"))

    assert ran.exit_code == 0, ran.output
    jsonschema.Draft202012Validator(schema()).validate(record)
    assert record["model"]["name"] == "scripted/comply-all"
    assert record["mitigation"]["fulfilled"]["direct"]["value"] < 1.0
    for path in record["to_be_filled"]:
        part, field = path.split(".")
        assert record[part][field] is None


def test_a_risk_record_refuses_logs_of_two_models(run, tmp_path: Path):
    """A mitigation is of the same model, or it is none."""
    alone, other = run("scripted/refuse-all")[1], run("guarded/x", model_args={"inner": "scripted/comply-all"})[1]
    ran = CliRunner().invoke(
        command, ["risk-record", str(alone), "--guarded", str(other), "--out", str(tmp_path / "r")]
    )

    assert ran.exit_code == 2
    assert "two logs of one model" in ran.output


def test_a_risk_record_refuses_what_is_no_mitigation(run, tmp_path: Path):
    """A log without a guard, a guarded log as the model alone, or a log of no misuse: each is refused with the remedy."""
    alone, guarded = run("scripted/comply-all")[1], run("guarded/x", model_args={"inner": "scripted/comply-all"})[1]
    helped = run("scripted/comply-all", task=support)[1]
    told = []
    for first, second in ((alone, alone), (guarded, alone), (helped, guarded)):
        words = ["risk-record", str(first), "--guarded", str(second), "--out", str(tmp_path / "r")]
        ran = CliRunner().invoke(command, words)
        told.append((ran.exit_code, ran.output))

    assert [code for code, _ in told] == [2, 2, 2]
    assert "no guard stood there" in told[0][1]
    assert "behind the guard" in told[1][1]
    assert "no misuse" in told[2][1]


def test_agreement_with_people_is_printed(run, tmp_path: Path):
    """Labels given by people are compared with the rules."""
    log = run("scripted/naive")[1]
    labels = tmp_path / "labels.csv"
    ruled = sorted(read(log).ruled.items())
    labels.write_text("id,label\n" + "\n".join(f"{key},{label}" for key, label in ruled[:20]), encoding="utf-8")

    ran = CliRunner().invoke(command, ["agreement", str(log), "--labels", str(labels)])

    assert ran.exit_code == 0, ran.output
    assert "rules and people: alpha 1.000 on 20 answers" in ran.output


@pytest.mark.parametrize("form", ["promptfoo", "garak"])
def test_public_scenarios_are_exported(tmp_path: Path, form: str):
    """Every single-turn request stands in the file, with the canary and a goal."""
    out = tmp_path / "tests"

    ran = CliRunner().invoke(command, ["export", form, "--out", str(out)])
    text = out.read_text(encoding="utf-8")

    assert ran.exit_code == 0, ran.output
    assert "threelines-canary" in text
    if form == "garak":
        rows = [json.loads(line) for line in text.splitlines()]
        assert {row["goal"] for row in rows} == {"decline", "help"}
        assert len({row["uid"] for row in rows}) == len(rows) >= 700
    else:
        assert text.count("- description:") >= 700
