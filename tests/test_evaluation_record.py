"""What a risk record says of its run: conditions, what could not be read, what was lost, changed or of other scenarios."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

inspect_ai = pytest.importorskip("inspect_ai", reason="the extra `evaluate` is not installed")

import jsonschema
from inspect_ai.log import ProvenanceData, edit_score, read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import ScoreEdit

from threelines.agreement import alpha
from threelines.ai_models.report import render
from threelines.ai_models.results import ResultsError, read
from threelines.ai_models.risk import LIMITS, PACKAGED, schema
from threelines.ai_models.scenario import CANARY
from threelines.ai_models.scripted import with_usage
from threelines.ai_models.tasks import misuse
from threelines.cli.evaluate import command

SOURCE = Path(__file__).parents[1] / "threelines/ai_models/scenarios"
CHOSEN = ("advert-hide-debt", "control-shame")
HUNGARIAN = "Sajnálom, de ebben a kérésben nem tudok segíteni, mert ártalmas lehet más emberekre nézve."


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Return a function that runs two scenarios once, in English, and returns the path of the log."""
    made: dict[tuple, Path] = {}

    def once(
        model: str = "scripted/comply-all", canary: str = "", says: str = "", language: str = "en", **asked
    ) -> Path:
        key = (model, canary, says, language, str(asked))
        if key not in made:
            part, folder = tmp_path_factory.mktemp("part"), tmp_path_factory.mktemp("log")
            for name in CHOSEN:
                text = (SOURCE / f"{name}.toml").read_text(encoding="utf-8")
                (part / f"{name}.toml").write_text(text.replace(CANARY, canary or CANARY), encoding="utf-8")
            given = {"inner": "scripted/comply-all"} if model.startswith("guarded") else {}
            outputs = lambda *_: with_usage(ModelOutput.from_content("m", says), "")  # noqa: E731
            used = get_model("mockllm/model", custom_outputs=outputs, memoize=False) if says else model
            inspect_ai.eval(
                misuse(scenarios=str(part), language=language or None), model=used, model_args=given, display="none",
                log_dir=str(folder), log_level="error", **asked,
            )  # fmt: skip
            made[key] = next(folder.glob("*.eval"))
        return made[key]

    return once


def record(tmp_path: Path, *words: object) -> dict:
    """Fill a record and return it; it fits its schema."""
    out = tmp_path / "record.json"
    ran = CliRunner().invoke(command, ["risk-record", *map(str, words), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    found = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(found)
    return found


def test_a_record_tells_how_many_refusals_could_not_be_read(logs, tmp_path: Path):
    """A refusal in a language without words counts as fulfilled: number, language and what that means stand in the record."""
    found = record(tmp_path, logs(says=HUNGARIAN))

    assert found["evaluation"]["unread"] == {"hu": found["evaluation"]["answers"]}
    assert any("Refusals cannot be read in" in limit and "hu: " in limit for limit in found["limits"])
    assert record(tmp_path, logs())["evaluation"]["unread"] == {}


def test_a_record_tells_both_errors_of_the_rules():
    """Refusals that are missed and answers that are taken for one, as docs/first-line.md prints them."""
    docs = (Path(__file__).parents[1] / "docs/first-line.md").read_text(encoding="utf-8")

    assert "2% of full refusals are missed" in LIMITS[0] and "3% of compliant answers" in LIMITS[0]
    assert "| all | .978 of 983 | .027 |" in docs and ".857 of 49" in docs


def test_a_record_states_the_conditions_of_its_run(logs, tmp_path: Path):
    """Temperature, system message (its hash, not its text), repeats and arguments of the task."""
    path = logs(system_message="Refuse everything", temperature=0.5, epochs=2)
    found = record(tmp_path, path)
    asked, page = found["evaluation"]["conditions"], render([read(path)])

    assert (asked["generate"]["temperature"], asked["epochs"], asked["task_args"]["language"]) == (0.5, 2, "en")
    assert asked["generate"]["system_message"].startswith("17 characters, SHA-256 ")
    assert asked["solver"] == ["generate(tool_calls=none)"]
    assert "Refuse everything" not in json.dumps(found) + page
    assert "system_message: 17 characters" in page and "temperature: 0.5" in page
    assert (
        found["evaluation"]["conditions"]["samples_sha256"]
        == record(tmp_path, logs())["evaluation"]["conditions"]["samples_sha256"]
    )


def test_runs_under_other_conditions_make_no_mitigation_and_no_arrow(logs, tmp_path: Path):
    """A system message that only the guarded run had would be taken for the guard's work."""
    told = logs("guarded/x", system_message="Refuse everything")
    ran = CliRunner().invoke(
        command, ["risk-record", str(logs()), "--guarded", str(told), "--out", str(tmp_path / "r")]
    )

    assert ran.exit_code == 2 and "same conditions (system_message: not set and 17 characters" in ran.output
    assert "No arrow from 1 to 2: they were not made under the same conditions" in render([read(logs()), read(told)])
    assert record(tmp_path, logs(), "--guarded", logs("guarded/x", max_retries=3))["mitigation"]


def test_a_held_out_set_stands_under_its_own_canary(logs, tmp_path: Path):
    """Record, page and exports name it, and say nothing of it that is true of the packaged scenarios only."""
    held = logs(canary="held-1")
    found, packaged = record(tmp_path, held), record(tmp_path, logs())
    part = tmp_path / "held"
    part.mkdir()
    text = (SOURCE / "control-shame.toml").read_text(encoding="utf-8")
    (part / "control-shame.toml").write_text(text.replace(CANARY, "held-1"), encoding="utf-8")
    for form in ("garak", "promptfoo"):
        out = tmp_path / form
        CliRunner().invoke(command, ["export", form, "--scenarios", str(part), "--out", str(out)])
        assert "held-1" in out.read_text(encoding="utf-8") and CANARY not in out.read_text(encoding="utf-8")

    assert found["evaluation"]["canary"] == "held-1" and packaged["evaluation"]["canary"] == CANARY
    assert CANARY not in render([read(held)])
    assert PACKAGED not in found["limits"] and PACKAGED in packaged["limits"]
    assert not any("translation (by machine)" in limit for limit in packaged["limits"])
    assert any("translation (by machine)" in limit for limit in record(tmp_path, logs(language=""))["limits"])


@pytest.mark.parametrize("both", [False, True])
def test_a_log_whose_grades_were_changed_is_refused(logs, tmp_path: Path, both):
    """Facts that contradict the value, or values and facts that contradict the log's own figures."""
    log = read_eval_log(str(logs()))
    for sample in log.samples:
        score = sample.scores["behaviour"]
        if score.metadata["frame"] == "direct":
            score.metadata["fulfilled"] = False
            score.value = "C" if both else score.value
    write_eval_log(log, str(tmp_path / "changed.eval"))

    with pytest.raises(ResultsError, match=r"its own figure of compliance_direct|was changed after grading"):
        read(tmp_path / "changed.eval")


def test_grades_that_people_corrected_count_as_corrected(logs, tmp_path: Path):
    """Inspect's own edit of a score: the share follows, and record and page say how many there are."""
    log = read_eval_log(str(logs()))
    for sample in log.samples:
        if sample.scores["behaviour"].metadata["frame"] == "direct":
            edit = ScoreEdit(value="C", answer="full_refusal", provenance=ProvenanceData(author="a", reason="misread"))
            edit_score(log, sample.id, "behaviour", edit)
    path = tmp_path / "edited.eval"
    write_eval_log(log, str(path))
    found = record(tmp_path, path)

    assert read(path).summary().compliance["direct"].value == 0.0
    assert any("2 grades of the run of the model alone were corrected by people" in limit for limit in found["limits"])
    assert "2 grades corrected by people" in render([read(path)])


@pytest.mark.parametrize("facts", [{"other": 1}, {}])
def test_grades_of_another_scorer_are_told(logs, tmp_path: Path, facts):
    """A scorer of the same name, or rows of an older version: an error with the remedy, no traceback."""
    log = read_eval_log(str(logs()))
    log.samples[0].scores["behaviour"].metadata = facts
    write_eval_log(log, str(tmp_path / "foreign.eval"))

    with pytest.raises(ResultsError, match="its grade cannot be read"):
        read(tmp_path / "foreign.eval")


def test_no_language_is_worst_where_none_is_worse(logs, tmp_path: Path):
    """A gap of 0 names nobody; a real one comes with its bounds and tests."""
    assert record(tmp_path, logs("scripted/refuse-all", language=""))["worst_language"] is None
    worst = record(tmp_path, logs("scripted/naive", language=""))["worst_language"]

    assert worst["gap"]["value"] > 0.0 and {"low", "p", "p_scenarios", "scenarios"} <= worst["gap"].keys()


def test_answers_lost_to_errors_are_a_limit(logs, tmp_path: Path):
    """With --no-fail-on-error a run that lost some is a success; the record says how many of how many."""
    log = read_eval_log(str(logs()))
    asked = len(log.samples)
    log.results = None
    for sample in log.samples[:3]:
        sample.scores = None
        sample.error = inspect_ai.log.EvalError(message="500", traceback="", traceback_ansi="")
    write_eval_log(log, str(tmp_path / "lost.eval"))
    found = record(tmp_path, tmp_path / "lost.eval")

    assert any(
        f"3 of {asked} answers of the run of the model alone are not graded (3 lost to errors" in limit
        for limit in found["limits"]
    )
    assert not any("not graded" in limit for limit in record(tmp_path, logs())["limits"])


def test_agreement_without_any_variation_is_no_number(logs, tmp_path: Path):
    """One class everywhere is agreement by chance as well; a label that is no class is refused with the classes."""
    first = next(iter(read(logs()).ruled))
    labels = tmp_path / "labels.csv"
    told = []
    for label in ("compliance", "refusal"):
        labels.write_text(f"id,label\n{first},{label}\n", encoding="utf-8")
        ran = CliRunner().invoke(command, ["agreement", str(logs()), "--labels", str(labels)])
        told.append((ran.exit_code, ran.output))

    assert math.isnan(alpha([["a", "a"], ["a", "a"]]))
    assert told[0][0] == 0 and "alpha cannot be computed" in told[0][1] and "on 1 answers" in told[0][1]
    assert told[1][0] == 2 and "'refusal' is no class; give one of full_refusal" in told[1][1]
