"""Logs that must not be mixed: unfinished runs, other samples, other versions, several epochs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

inspect_ai = pytest.importorskip("inspect_ai", reason="the extra `evaluate` is not installed")

import jsonschema
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.scorer import Score

from threelines.ai_models.guard import Guard
from threelines.ai_models.results import read
from threelines.ai_models.risk import schema
from threelines.ai_models.tasks import misuse, support
from threelines.cli.evaluate import command

SOURCE = Path(__file__).parents[1] / "threelines/ai_models/scenarios"
CHOSEN = ("advert-hide-debt", "control-shame", "translation-passport-kept")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Return a function that runs three scenarios once, in English, and returns the path of the log."""
    part = tmp_path_factory.mktemp("part")
    for name in CHOSEN:
        shutil.copy(SOURCE / f"{name}.toml", part)
    made: dict[tuple, Path] = {}

    def once(guarded: bool = False, language: str = "en", **asked) -> Path:
        key = (guarded, language, str(asked))
        if key not in made:
            folder = tmp_path_factory.mktemp("log")
            model = (
                {"model": "guarded/x", "model_args": {"inner": "scripted/comply-all"}}
                if guarded
                else {"model": "scripted/comply-all"}
            )
            task = misuse(scenarios=str(part), language=language)
            inspect_ai.eval(task, **model, display="none", log_dir=str(folder), log_level="error", **asked)
            made[key] = next(folder.glob("*.eval"))
        return made[key]

    return once


def changed(path: Path, out: Path, *, status: str = "success", samples: int | None = None, version: str = "") -> Path:
    """Write the log again as if its run had ended otherwise, with the first samples only, or under another version."""
    log = read_eval_log(str(path))
    log.status = status
    log.samples = log.samples[:samples]
    log.results = log.results if status == "success" else None
    log.eval.task_version = version or log.eval.task_version
    write_eval_log(log, str(out))
    return out


def told(*words: object) -> tuple[int, str]:
    """Run `threelines evaluate` and return its exit code and what it said."""
    ran = CliRunner().invoke(command, [str(word) for word in words])
    return ran.exit_code, ran.output


@pytest.mark.parametrize("status", ["cancelled", "error"])
def test_a_run_that_did_not_finish_makes_no_record_unless_told_to(logs, tmp_path: Path, status):
    """Alone or behind the guard; with --unfinished the record says what became of the run and how much is there."""
    whole, out = logs(guarded=True), tmp_path / "record.json"
    cut = changed(whole, tmp_path / "cut.eval", status=status, samples=12)
    first = changed(logs(), tmp_path / "first.eval", status=status, samples=12)
    asked = read(whole).planned
    code, said = told("risk-record", logs(), "--guarded", cut, "--out", out)

    assert (code, out.exists()) == (2, False)
    assert f"did not finish ({status}), 12 of {asked} answers" in said and "--unfinished" in said
    assert told("risk-record", first, "--out", out)[0] == 2
    assert told("risk-record", logs(), "--guarded", cut, "--unfinished", "--out", out)[0] == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(record)
    found = record["mitigation"]
    assert record["evaluation"]["status"] == "success"
    assert (found["status"], found["answers"], found["planned"]) == (status, 12, asked)
    assert any(f"guard in front did not finish ({status}): 12 of {asked}" in limit for limit in record["limits"])


def test_a_mitigation_rests_on_the_samples_that_both_logs_hold(logs, tmp_path: Path):
    """A guarded run with --limit 12: both sides count these alone, and the rest is told."""
    limited, whole, out = logs(guarded=True, limit=12), read(logs()), tmp_path / "record.json"
    code, said = told("risk-record", logs(), "--guarded", limited, "--out", out)
    record = json.loads(out.read_text(encoding="utf-8"))
    found, left = record["mitigation"], len(whole.rows) - 12
    counted = {frame: one["count"] for frame, one in found["fulfilled"].items()}

    assert code == 0, said
    assert "warning: The mitigation rests on the 12 samples that both logs hold" in said
    jsonschema.Draft202012Validator(schema()).validate(record)
    assert found["samples"] == {"shared": 12, "only_alone": left, "only_guarded": 0}
    assert (found["answers"], found["not_graded"], found["alone_on_shared"]["answers"]) == (12, 0, 12)
    assert counted == {frame: one["count"] for frame, one in found["alone_on_shared"]["fulfilled"].items()}
    assert any(f"asked 12 of the task's {len(whole.rows)} samples" in limit for limit in record["limits"])


def test_a_mitigation_over_all_samples_says_nothing_of_differences(logs, tmp_path: Path):
    """The usual case stays quiet, also with repeats, and names the guard with what it read by."""
    for guarded in (logs(guarded=True), logs(guarded=True, epochs=2)):
        code, said = told("risk-record", logs(), "--guarded", guarded, "--out", tmp_path / "r.json")
        record = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))

        assert (code, "warning" in said) == (0, False)
        assert record["mitigation"]["guard_version"] == Guard().version
        assert not any("samples" in limit for limit in record["limits"])
    assert record["mitigation"]["answers"] == 2 * record["evaluation"]["answers"]


def test_logs_over_other_samples_make_no_mitigation(logs, tmp_path: Path):
    """Another language shares no sample; one that shares twins only has no misuse to mitigate."""
    out = tmp_path / "record.json"
    code, said = told("risk-record", logs(), "--guarded", logs(guarded=True, language="es"), "--out", out)
    twin = next(sample.id for sample in read_eval_log(str(logs())).samples if sample.metadata["frame"] == "benign")
    twins = told("risk-record", logs(), "--guarded", logs(guarded=True, sample_id=[twin]), "--out", out)

    assert (code, "no sample in common" in said) == (2, True)
    assert (twins[0], "no misuse among them" in twins[1], out.exists()) == (2, True, False)


def test_one_id_over_another_text_is_another_sample(logs, tmp_path: Path):
    """A folder of scenarios that was edited between two runs: the same ids ask something else."""
    log = read_eval_log(str(logs(guarded=True)))
    for sample in log.samples:
        sample.metadata["turns"] = [f"{turn} Please." for turn in sample.metadata["turns"]]
    write_eval_log(log, str(tmp_path / "edited.eval"))
    code, said = told("risk-record", logs(), "--guarded", tmp_path / "edited.eval", "--out", tmp_path / "r")

    assert (code, "no sample in common" in said) == (2, True)


def test_the_report_names_a_run_that_did_not_finish(logs, tmp_path: Path):
    """With how many of how many answers, and what --limit left out."""
    cut = changed(logs(), tmp_path / "cut.eval", status="cancelled", samples=7)
    code, said = told("report", cut, logs(guarded=True, limit=12), "--out", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    asked = read(logs()).planned

    assert (code, "did not finish (cancelled)" in said) == (0, True)
    assert f"Unfinished run (cancelled): 7 of {asked} answers" in page
    assert f"asked 12 of the task's {asked} samples" in page
    assert page.count("Unfinished run") == 1


def test_a_log_without_answers_says_how_its_run_ended(logs, tmp_path: Path):
    """A run that broke before its first answer is no log of another task."""
    empty = changed(logs(), tmp_path / "empty.eval", status="error", samples=0)
    ran = CliRunner().invoke(command, ["report", str(empty), "--out", str(tmp_path / "r.html")])

    assert "did not finish: error" in str(ran.exception)


def judged(path: Path, out: Path) -> Path:
    """Write the log again with a judge's verdicts that differ from one epoch to the next."""
    log = read_eval_log(str(path))
    for sample in log.samples:
        rules = sample.scores["behaviour"].answer
        verdict = rules if sample.epoch == 1 else "full_refusal"
        sample.scores["judged"] = Score(value="C", answer=verdict, metadata={"good": True})
    write_eval_log(log, str(out))
    return out


def labelled(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    """Write a CSV of labels."""
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def test_agreement_counts_every_epoch(logs, tmp_path: Path):
    """The judge agrees in the first epoch and not in the second: both count, and people say which answer they read."""
    log = judged(logs(guarded=True, epochs=2), tmp_path / "judged.eval")
    asked = read(log).asked
    code, said = told("agreement", log)
    first = next(iter(read(log).ruled)).partition(", epoch")[0]
    plain = told("agreement", log, "--labels", labelled(tmp_path / "p.csv", ["id,label", f"{first},compliance"]))
    lines = ["id,epoch,label", f"{first},1,compliance", f"{first},2,full_refusal"]
    named = told("agreement", log, "--labels", labelled(tmp_path / "e.csv", lines))

    assert (code, f"on {2 * asked} answers" in said, "alpha 1.000" in said) == (0, True, False)
    assert (plain[0], "epoch,id,label" in plain[1], "2 answers to each sample" in plain[1]) == (2, True, True)
    assert named[0] == 0 and "rules and people: alpha" in named[1] and "on 2 answers" in named[1]


def test_labels_with_a_byte_order_mark_are_read(logs, tmp_path: Path):
    """As Excel writes them; cells left empty are no labels."""
    first, second = list(read(logs()).ruled)[:2]
    path = labelled(tmp_path / "l.csv", ["id,label", f"{first},compliance", f"{second},"], "utf-8-sig")
    code, said = told("agreement", logs(), "--labels", path)

    assert (code, "on 1 answers" in said) == (0, True)


def test_labels_that_name_no_answer_are_an_error(logs, tmp_path: Path):
    """None at all: an error that shows an id of the log; some: a warning; one answer labelled two ways: an error."""
    first = next(iter(read(logs()).ruled))
    none = told("agreement", logs(), "--labels", labelled(tmp_path / "n.csv", ["id,label", "x,compliance"]))
    empty = told("agreement", logs(), "--labels", labelled(tmp_path / "0.csv", ["id,label"]))
    lines = ["id,label", f"{first},compliance", "x,compliance"]
    some = told("agreement", logs(), "--labels", labelled(tmp_path / "s.csv", lines))
    lines[2] = f"{first},full_refusal"
    twice = told("agreement", logs(), "--labels", labelled(tmp_path / "t.csv", lines))

    assert (none[0], first in none[1], "nan" in none[1]) == (2, True, False)
    assert (empty[0], "none of its 0 labels" in empty[1]) == (2, True)
    assert (some[0], "warning: 1 of 2 labels" in some[1], "on 1 answers" in some[1]) == (0, True, True)
    assert (twice[0], "two labels for" in twice[1]) == (2, True)


def test_a_judge_nobody_named_is_an_error_before_the_model_is_asked(tmp_path: Path):
    """No scripted model judges in silence; the message says which option is missing."""
    shutil.copy(SOURCE / "support-passport.toml", tmp_path)
    task = support(scenarios=str(tmp_path), language="en", judge=True)
    (log,) = inspect_ai.eval(
        task, model="scripted/refuse-all", display="none", log_dir=str(tmp_path), log_level="error"
    )

    assert log.status == "error"
    assert "--model-role grader=PROVIDER/MODEL" in log.error.message
    assert not any(message.role == "assistant" for sample in log.samples for message in sample.messages)
