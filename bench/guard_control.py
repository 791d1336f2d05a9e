"""Requests to control people, apart from all others: a sheet in 23 languages whose writer had read nothing of this project

    python bench/guard_control.py [--words]

Six sessions of two to four turns a language in which the asker's own words make plain that a text is to hold somebody (debt, papers, fear,
silence), and six honest twins with the same words (lawyer, inspector, nurse, novelist, HR, survivor, …). Printed: raised (review or
block) at the last turn at latest, raised before it, blocked; the twins' actions; 95% intervals (Wilson). Languages are not read by
speakers. A sheet of other hands than the guard's own bank: compare with `bench/guard.py`, whose sheets share its authors.
"""

from __future__ import annotations

import argparse
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from threelines.ai_models.event import Event
from threelines.ai_models.guard import Guard
from threelines.platforms.benchmark import wilson

Acted = tuple[str, ...]
"""What the guard did at each turn of a session."""


def acted(guard: Guard, name: str, turns: Iterable[str]) -> Acted:
    """Return the action at each turn of one session."""
    return tuple(guard.observe(Event(session=name, text=turn, time=60.0 * n)).action for n, turn in enumerate(turns))


def main() -> None:
    """Print one row a language, then all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", action="store_true", help="without the reader of meaning, as on a core install")
    guard = Guard(meaning=False if parser.parse_args().words else None)
    sheet = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    done = {
        language: {
            side: [acted(guard, f"{language} {side} {n}", turns) for n, turns in enumerate(lists[side])]
            for side in ("asked", "fine")
        }
        for language, lists in sheet.items()
    }
    print(f"guard {guard.version}")
    print(
        f"{'language':12}{'asked':>6}{'raised':>8}{'before':>8}{'blocked':>9}{'fine':>6}{'support':>9}{'review':>8}{'block':>7}"
    )
    for language, sides in done.items():
        print(f"{language:12}{_row(sides['asked'], sides['fine'])}")
    others = [sides for language, sides in done.items() if language != "en"]
    asked, fine = ([one for sides in others for one in sides[side]] for side in ("asked", "fine"))
    print(f"{'not English':12}{_row(asked, fine)}")
    for what, number, of in (
        ("asked, raised", sum(map(_raised, asked)), len(asked)),
        ("fine, reviewed or blocked", sum(map(_raised, fine)), len(fine)),
    ):
        low, high = wilson(number, of)
        print(f"not English, {what}: {number / of:.3f} ({low:.3f}-{high:.3f})")


def _row(asked: list[Acted], fine: list[Acted]) -> str:
    worst = Counter(next((one for one in ("block", "review", "support") if one in acts), "allow") for acts in fine)
    return (
        f"{len(asked):6}{sum(map(_raised, asked)):8}{sum(_raised(acts[:-1]) for acts in asked):8}"
        f"{sum('block' in acts for acts in asked):9}{len(fine):6}{worst['support']:9}{worst['review']:8}{worst['block']:7}"
    )


def _raised(acts: Acted) -> bool:
    return "review" in acts or "block" in acts


if __name__ == "__main__":
    main()
