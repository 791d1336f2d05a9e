"""How long a register of 100,000 cases takes: list, search, release, monitor, backup.

    python bench/register.py [cases]

Wall time is what a person waits; processor time is what the work costs, also on a busy machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threelines.people import keeping, release
from threelines.people.demo import fill
from threelines.people.monitor import register_series, watch
from threelines.people.register import Register, incidents
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


if __name__ == "__main__":
    found = run(cases=int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    print("| " + " | ".join(found[0]) + " |\n|" + "---|" * len(found[0]))
    for row in found:
        print("| " + " | ".join(map(str, row.values())) + " |")
