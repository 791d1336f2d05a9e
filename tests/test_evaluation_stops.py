"""Answers that end otherwise than by themselves, repeats and later grades: each is counted for what it is."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

inspect_ai = pytest.importorskip("inspect_ai", reason="the extra `evaluate` is not installed")

from inspect_ai.log import read_eval_log, write_eval_log

from tests.served_model import ServedModel, said
from threelines.ai_models.report import tables
from threelines.ai_models.results import read
from threelines.ai_models.tasks import misuse, session

SOURCE = Path(__file__).parents[1] / "threelines/ai_models/scenarios"
REFUSAL = "I'm sorry, but I can't help with that."
COMPLIANCE = "Sure, here it is: …"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs one scenario on a served model: log, its path, what was asked of the model."""
    count = itertools.count(1)
    servers = ExitStack()

    def once(script, name: str = "advert-hide-debt", task=misuse, guarded: bool = False, **asked):
        served = servers.enter_context(ServedModel(script))
        service, number = f"loop{served.port}", next(count)  # a model is kept under its name
        monkeypatch.setenv(f"{service.upper()}_BASE_URL", served.address)
        monkeypatch.setenv(f"{service.upper()}_API_KEY", "none")
        name_of = f"openai-api/{service}/m"
        model = {"model": "guarded/x", "model_args": {"inner": name_of}} if guarded else {"model": name_of}
        part = tmp_path / f"part{number}"
        part.mkdir()
        shutil.copy(SOURCE / f"{name}.toml", part)
        made = task(scenarios=str(part), **({"language": "en"} if task is misuse else {}))
        logs = tmp_path / f"logs{number}"
        [log] = inspect_ai.eval(
            made, **model, max_retries=0, timeout=60, display="none", log_dir=str(logs), log_level="error", **asked
        )
        assert log.status == "success", log.error
        return log, next(logs.glob("*.eval")), served.bodies

    with servers:
        yield once


def metrics(log) -> dict[str, float]:
    """Return every figure of the log."""
    return {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}


def test_figures_of_the_log_rest_on_every_epoch(run):
    """A model that refuses a request the first time and gives in the second has complied with half, in log and report."""
    seen: set[str] = set()

    def script(number: int, body: dict) -> dict:
        asked = body["messages"][-1]["content"]
        first = asked not in seen
        seen.add(asked)
        return said(REFUSAL if first else COMPLIANCE)

    log, path, _ = run(script, epochs=2, max_connections=1)

    assert metrics(log)["compliance_direct"] == 0.5
    assert read(path).summary().compliance["direct"].value == 0.5


@pytest.mark.parametrize(
    ("content", "more"),
    [("", {"reasoning_content": "Let me think …"}), ("<think>\nOkay, the user asks for an advert. Let me think …", {})],
)
def test_tokens_spent_on_thought_are_no_refusal(run, content, more):
    """An answer that was cut by its length before a word, its thought apart or in it, stands in no share and is counted."""
    log, path, _ = run(lambda number, body: said(content, "length", **more))

    results = read(path)
    assert metrics(log) == {**metrics(log), "stopped_max_tokens": len(log.samples)}
    assert not [name for name in metrics(log) if name.startswith(("compliance", "over_refusal"))]
    assert math.isnan(metrics(log)["accuracy"]) and "lower" not in metrics(log)
    assert (results.rows, results.failed) == ((), len(log.samples))


def test_an_answer_cut_in_its_midst_is_graded_and_counted(run):
    """What stands in a cut answer is judged; how many were cut is a table of the report."""
    _, path, _ = run(lambda number, body: said(REFUSAL, "length"))

    results = read(path)
    told = next(table for table in tables(results.summary()) if "did not end" in table.caption)
    assert results.failed == 0
    assert list(told.rows) == [("max_tokens", str(len(results.rows)))]


def test_a_filter_in_the_midst_of_a_session_turns_its_asker_away(run):
    """A honest session of which one turn was stopped by a filter counts as refused at that turn."""

    def script(number: int, body: dict) -> dict:
        second = sum(message["role"] == "user" for message in body["messages"]) == 2
        return said("", "content_filter") if second else said("Here you are.")

    _, path, _ = run(script, name="session-persona-to-platform", task=session)

    rows = read(path).rows
    assert {row.declined_at for row in rows} == {2}
    assert all(row.refused for row in rows if not row.misuse)


def test_an_answer_that_calls_a_tool_is_asked_for_once(run):
    """No tools are offered: a model that calls one all the same is not asked on and on."""
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    log, _, bodies = run(lambda number, body: said(None, "tool_calls", tool_calls=[call]))

    assert len(bodies) == len(log.samples)


def test_the_guard_in_front_changes_no_prompt(run):
    """With the guard in front the inner model reads the same messages as without it."""

    def read_by(guarded: bool) -> set[str]:
        _, _, bodies = run(lambda number, body: said(REFUSAL), guarded=guarded, system_message="Be kind.")
        return {json.dumps(body["messages"]) for body in bodies}

    alone, behind = read_by(guarded=False), read_by(guarded=True)

    assert behind
    assert behind <= alone


def test_the_newest_grade_counts(run, tmp_path: Path):
    """Where a log was graded again and the grades appended, report and record read the newest."""
    _, path, _ = run(lambda number, body: said(REFUSAL))
    log = read_eval_log(str(path))
    for sample in log.samples:
        sample.scores["behaviour1"] = sample.scores["behaviour"]
        old = {**sample.scores["behaviour"].metadata, "outcome": "compliance", "fulfilled": True}
        sample.scores["behaviour"] = sample.scores["behaviour"].model_copy(update={"metadata": old})
    write_eval_log(log, str(tmp_path / "again.eval"))

    assert read(tmp_path / "again.eval").summary().compliance["direct"].value == 0.0


@pytest.mark.parametrize(
    "limit", [{"message_limit": 1}, {"message_limit": 2}, {"message_limit": 4}, {"token_limit": 2}]
)
def test_a_session_that_a_limit_ended_stands_in_no_share(run, limit):
    """Nobody knows whether the model would have given in at the end: such a session is counted, and no misuse fulfilled."""
    log, path, _ = run(lambda number, body: said(COMPLIANCE), "session-persona-to-platform", session, **limit)

    results = read(path)
    assert (results.rows, results.failed) == ((), len(log.samples))
    assert metrics(log)["stopped_limit"] == len(log.samples)
    assert not [name for name in metrics(log) if name.startswith("compliance")]


def test_a_sample_without_any_answer_does_not_end_the_run(run):
    """Where the limit comes before the first word, the other samples keep their figures."""
    log, path, _ = run(lambda number, body: said(COMPLIANCE), message_limit=1)

    assert (log.status, read(path).rows) == ("success", ())
    assert {sample.scores["behaviour"].value for sample in log.samples} == {"N"}


def test_a_whole_session_is_graded_under_a_limit_that_it_keeps(run):
    """A limit that was not reached changes nothing."""
    _, path, _ = run(lambda number, body: said(COMPLIANCE), "session-persona-to-platform", session, message_limit=99)

    assert read(path).failed == 0
