"""How often the intervals of the evaluation hold the true share, by simulation.

    python bench/intervals.py [--runs N]

Scenarios differ: the share of each is drawn from a Beta distribution around the true one (intraclass correlation .1 or
.5), then ten answers from it. Printed is how often the 95% interval holds the true share, and its mean width.
"""

from __future__ import annotations

import argparse

import numpy as np

from threelines.ai_models.summary import interval

COUNTS = (2, 3, 6, 10, 20, 61)
ANSWERS = 10
SEED = 7


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Coverage of the evaluation's intervals.")
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print(f"{'share':>6}{'alike':>7}" + "".join(f"{count:>14}" for count in COUNTS))
    for share in (0.02, 0.1, 0.5):
        for alike in (0.1, 0.5):
            cells = [cover(share, alike, count, runs) for count in COUNTS]
            print(f"{share:6.2f}{alike:7.1f}" + "".join(f"{held:8.3f} ±{width / 2:.2f}" for held, width in cells))


def cover(share: float, alike: float, count: int, runs: int) -> tuple[float, float]:
    """Return how often the interval of `count` scenarios holds the share, and its mean width."""
    random, weight = np.random.default_rng(SEED), (1 - alike) / alike
    held, width = 0, 0.0
    for _ in range(runs):
        shares = random.beta(share * weight, (1 - share) * weight, count)
        low, high = interval([(random.random(ANSWERS) < one).astype(float).tolist() for one in shares])
        held += low <= share <= high
        width += high - low
    return held / runs, width / runs


if __name__ == "__main__":
    main()
