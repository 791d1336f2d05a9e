"""A short course for technologists: lessons with sources, exercises on invented findings, scored and exportable."""

from __future__ import annotations

import tomllib
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from threelines.records import ThreelinesError

PASS = 0.75
"""Share of right answers from which a certificate line is printed."""


class CourseError(ThreelinesError):
    """Answers cannot be scored."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One page of reading."""

    id: str
    title: str
    text: str
    source: str


class Exercise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question with a reason for its answer."""

    id: str
    lesson: str
    question: str
    options: tuple[str, ...]
    answer: int
    why: str


class Course(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lessons in order, then exercises."""

    title: str
    lesson: tuple[Lesson, ...]
    exercise: tuple[Exercise, ...]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody did."""

    right: int
    total: int
    passed: bool
    explained: tuple[tuple[str, bool, str], ...]
    """(exercise, right, why)."""


@cache
def load_course() -> Course:
    """Read the packaged course."""
    text = (files("threelines") / "people" / "course.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Course)


def grade(answers: dict[str, int], course: Course) -> Score:
    """Score answers: exercise id → index of the option chosen, from 0."""
    unknown = set(answers) - {exercise.id for exercise in course.exercise}
    if unknown:
        raise CourseError(f"no exercise {', '.join(sorted(unknown))}")
    explained = tuple((e.id, answers.get(e.id) == e.answer, e.why) for e in course.exercise)
    right = sum(good for _, good, _ in explained)
    return Score(right=right, total=len(explained), passed=right >= PASS * len(explained), explained=explained)


def as_gift(course: Course) -> str:
    """Return the exercises in GIFT, which Moodle and other learning systems import and score."""
    blocks = [f"// {course.title}"]
    for exercise in course.exercise:
        lines = [f"::{exercise.id}::{_gift(exercise.question)} {{"]
        for number, option in enumerate(exercise.options):
            mark = "=" if number == exercise.answer else "~"
            lines.append(f"  {mark}{_gift(option)}#{_gift(exercise.why)}")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


def _gift(text: str) -> str:
    for letter in "\\~=#{}:":
        text = text.replace(letter, "\\" + letter)
    return text


def as_html(course: Course) -> str:
    """Return the course as one page without scripts: answers open under each question."""
    parts = [f"<h1>{escape(course.title)}</h1>"]
    for lesson in course.lesson:
        parts.append(
            f"<section><h2>{escape(lesson.title)}</h2><p>{escape(lesson.text)}</p><p><small>{escape(lesson.source)}</small></p>"
        )
        parts += [_exercise_html(exercise) for exercise in course.exercise if exercise.lesson == lesson.id]
        parts.append("</section>")
    style = "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1.05rem/1.6 system-ui,sans-serif}details{margin:.5rem 0 1.5rem}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(course.title)}</title><style>{style}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>\n'


def _exercise_html(exercise: Exercise) -> str:
    options = "".join(f"<li>{escape(option)}</li>" for option in exercise.options)
    right = escape(exercise.options[exercise.answer])
    return (
        f'<h3>{escape(exercise.question)}</h3><ol type="A">{options}</ol>'
        f"<details><summary>Answer</summary><p><strong>{right}.</strong> {escape(exercise.why)}</p></details>"
    )


def as_json(course: Course) -> dict[str, Any]:
    """Return the course as plain values, for a learning system of one's own."""
    built: dict[str, Any] = msgspec.to_builtins(course)
    return built
