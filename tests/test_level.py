"""`scan --rate` and `--budget`: the terminal and the report say which level was applied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.engine.calibrate import Threshold

OFFER = "Work in Myawaddy on a tourist visa, no experience needed, 5,000 USD a month. We keep your passport."
ONE_SIGN = "Clerk wanted abroad. We keep your passport."
PLAIN = "Gardener wanted, Mondays, in our village."


@pytest.mark.parametrize(
    ("level", "header", "raised"),
    [
        (["--rate", "40%"], "concern 0.5 or more", 1),  # two threads lie above what 40% allow, one of them for one sign
        (["--budget", "4/day"], "concern 0.5 or more", 1),
        (["--budget", "50/day"], "concern 0.5 or more", 1),
        (["--rate", "5%"], "concern above 0.", 0),  # the one raised thread is as far as 5% of twenty go
        (["--rate", "1%"], "none", 0),
        ([], "concern 0.5 or more", 1),
    ],
)
def test_what_is_told_is_what_was_applied(tmp_path: Path, level: list[str], header: str, raised: int) -> None:
    """A level below the fixed one is not applied, and is not said to be; the report says the same as the terminal."""
    texts = [OFFER, *[ONE_SIGN] * 2, *[PLAIN] * 17]
    lines = [json.dumps({"id": f"r{number}", "kind": "advert", "text": text}) for number, text in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    page, out = tmp_path / "r.html", tmp_path / "f.jsonl"
    arguments = ["scan", str(tmp_path / "a.jsonl"), "--jobs", "1", "--reveal", "--report", str(page), "--out", str(out)]
    told = CliRunner().invoke(root, [*arguments, *level]).stderr
    concerns = [found["concern"] for found in map(json.loads, out.read_text().splitlines()) if found["tier"] != "none"]

    assert f"Worth reading ({header}" in told
    assert raised == len(concerns)
    assert all(concern >= 0.5 for concern in concerns)
    sentence = next((line for line in told.splitlines() if "aised" in line), "")
    assert bool(level) == bool(sentence)
    assert sentence in page.read_text()


def test_a_level_below_the_fixed_one_says_that_the_fixed_one_holds() -> None:
    """The sentence names the level that was applied first, then what the share asked for would have allowed."""
    level = Threshold.for_rate([0.0] * 90 + [0.0392] * 9 + [0.7], 0.05)

    assert level.told(floor=0.5).startswith("Raised from 0.5, as without a level of your own")
    assert "above 0.0392" in level.told(floor=0.5)
    assert "concern 0.5 or more" == level.shown(floor=0.5)
    assert level.told(floor=0.01).startswith("Raised above 0.0392")
