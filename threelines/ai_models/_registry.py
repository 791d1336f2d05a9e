"""What `inspect` finds through the entry point: tasks, scorers, metrics and models."""

from threelines.ai_models.guarded import Guarded
from threelines.ai_models.scripted import Scripted
from threelines.ai_models.tasks import (
    accuracy_interval,
    ask_turns,
    behaviour,
    behaviour_figures,
    every_epoch,
    judged,
    misuse,
    needs_grader,
    session,
    support,
)

__all__ = [
    "Guarded", "Scripted", "accuracy_interval", "ask_turns", "behaviour", "behaviour_figures", "every_epoch", "judged", "misuse",
    "needs_grader", "session", "support",
]  # fmt: skip
