"""How long a register of 100,000 cases takes: list, search, release, monitor, backup.

    python bench/register.py [cases]
    python bench/register.py synthetic

Wall time is what a person waits; processor time is what the work costs, also on a busy machine.

`synthetic` prints how far synthetic records of invented cases are off the tables, in five runs each: the engine takes no
seed, so two runs differ.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from threelines.people import keeping, release
from threelines.people.definition import load_form
from threelines.people.demo import fill
from threelines.people.monitor import register_series, watch
from threelines.people.register import Register, incidents
from threelines.people.synthetic import DIMENSIONS, WORST, generate
from threelines.roles import User
from threelines.store.keyring import Keyring


def run(*, cases: int = 100_000) -> list[dict[str, Any]]:
    """Return one row per action: seconds on the wall and of the processor."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="threelines-") as name:
        folder = Path(name)
        user = User(id="s1", role="supervisor", team="north")
        with Register.open(folder / "r.db", Keyring.create(folder / "r.key"), user) as register:
            officer = register.as_user(User(id="d1", role="data_protection_officer"))
            rare = {"ai_Capability": "voice_clone", "ai_Community": "coast", "tl_AgeBand": "0-8"}
            actions: tuple[tuple[str, Callable[[], object]], ...] = (
                (f"add {cases:,} cases", lambda: fill(register, cases=cases)),
                ("list a page", register.list),
                ("search, rare answer", lambda: register.search(rare)),
                ("release, prepared", lambda: release.prepare(register)),
                ("monitor, by week", lambda: watch(register_series(register), period="week")),
                ("all incidents for an export", lambda: sum(1 for _ in incidents(register))),
                ("add one case", lambda: register.add({"ai_Asked": "no"})),
                ("backup, proven", lambda: keeping.backup(officer, folder / "backup.db")),
                (
                    "restore, proven",
                    lambda: keeping.restore(
                        folder / "backup.db",
                        folder / "back.db",
                        keyring=register.keyring,
                        user=User(id="d2", role="admin"),
                    ),
                ),
            )
            for action, do in actions:
                wall, processor = time.perf_counter(), time.process_time()
                do()
                rows.append(
                    {
                        "action": action,
                        "seconds": round(time.perf_counter() - wall, 2),
                        "processor": round(time.process_time() - processor, 2),
                    }
                )
    return rows


def synthetic(*, runs: int = 5) -> list[dict[str, Any]]:
    """Return one row per number of cases and epsilon: error and blanks of the worst column, median and worst run."""
    with tempfile.TemporaryDirectory(prefix="threelines-") as name:
        folder = Path(name)
        user = User(id="s1", role="supervisor", team="north")
        with Register.open(folder / "r.db", Keyring.create(folder / "r.key"), user) as register:
            fill(register, cases=5200)
            everybody = release.read_cases(register)
    rows = []
    for cases, epsilon in (
        (2000, 1.0),
        (2000, 2.0),
        (2000, 3.0),
        (2000, 4.0),
        (4000, 0.5),
        (4000, 1.0),
        (4000, 1.5),
        (4000, 2.0),
    ):
        cohort = everybody.take(np.arange(cases))
        ways, _ = release.tables(load_form(), cohort)
        answers = [
            {name: cohort.kinds[name][code] for name, code in zip(DIMENSIONS, codes, strict=True)}
            for codes in zip(*(cohort.column(name) for name in DIMENSIONS), strict=True)
        ]
        made = [
            generate(answers, DIMENSIONS, {name: ways[name].counts for name in DIMENSIONS}, epsilon=epsilon)
            for _ in range(runs)
        ]
        errors = sorted(max(one.error.values()) for one in made)
        blanks = sorted(max(one.blank.values()) for one in made)
        rows.append(
            {
                "cases": cases, "epsilon": epsilon, "error, median": errors[runs // 2], "worst": errors[-1],
                "blank, median": blanks[runs // 2], "most": blanks[-1],
                "refused": f"{sum(error > WORST for error in errors)} of {runs}",
            }
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    made = "synthetic" in sys.argv
    found = synthetic() if made else run(cases=int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    print("| " + " | ".join(found[0]) + " |\n|" + "---|" * len(found[0]))
    for row in found:
        print("| " + " | ".join(map(str, row.values())) + " |")
