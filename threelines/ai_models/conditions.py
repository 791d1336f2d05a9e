"""Under which conditions a log was made: what else than the model and the guard could move its figures."""

from __future__ import annotations

from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

_CONNECTION = frozenset({
    "max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections",
    "cache", "batch", "cache_prompt",
})  # fmt: skip
"""Options of how a model is reached, not of what it is asked."""
_HIDDEN = ("system_message", "extra_headers")
"""Options whose text stays in the log."""
_SETUP = "needs_grader"


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made under; what is long or could be a secret stands as its hash."""

    generate: dict[str, Any] = {}
    """Options of generation that were set (temperature, …)."""
    solver: tuple[str, ...] = ()
    task_args: dict[str, Any] = {}
    """Arguments of the task; a folder of scenarios by its name only."""
    epochs: int = 1
    limits: dict[str, Any] = {}
    """Limits of the run on messages, tokens and time."""

    def apart(self, other: Conditions) -> str:
        """Say what of generation and solver differs; empty where nothing does.

        Other samples are told by the samples, and repeats and limits change how many answers there are, not what was asked.
        """
        keys = sorted(self.generate.keys() | other.generate.keys())
        found = [
            f"{key}: {self.generate.get(key, 'not set')} and {other.generate.get(key, 'not set')}"
            for key in keys
            if self.generate.get(key) != other.generate.get(key)
        ]
        if self.solver != other.solver:
            found.append(f"solver: {', '.join(self.solver)} and {', '.join(other.solver)}")
        return "; ".join(found)

    def told(self) -> str:
        """Say what was set, for a page; empty where nothing was."""
        return "; ".join(f"{key}: {value}" for key, value in sorted(self.generate.items()))


def conditions(log: EvalLog) -> Conditions:
    """Return the conditions that a log states."""
    asked = log.eval.model_generate_config.model_dump(exclude_none=True) | log.plan.config.model_dump(exclude_none=True)
    steps = [(step.solver.rpartition("/")[2], step.params) for step in log.plan.steps]
    config = log.eval.config
    return Conditions(
        generate={key: _shown(key, value) for key, value in asked.items() if key not in _CONNECTION},
        solver=tuple(_call(name, params) for name, params in steps if name != _SETUP),
        task_args={key: _name(key, value) for key, value in (log.eval.task_args or {}).items() if value is not None},
        epochs=config.epochs or 1,
        limits={
            name: value
            for name in ("message_limit", "token_limit", "time_limit", "working_limit")
            if (value := getattr(config, name, None)) is not None
        },
    )


def _shown(key: str, value: Any) -> Any:
    if key not in _HIDDEN:
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value, order="deterministic").decode()
    return f"{len(text)} characters, SHA-256 {sha256(text.encode()).hexdigest()[:16]}"


def _name(key: str, value: Any) -> Any:
    return PurePath(str(value)).name if key == "scenarios" else value


def _call(name: str, params: dict[str, Any]) -> str:
    given = ", ".join(f"{key}={_shown('system_message', value) if len(str(value)) > 40 else value}" for key, value in params.items())  # fmt: skip
    return f"{name}({given})"
