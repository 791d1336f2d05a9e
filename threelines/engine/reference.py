"""What is usual on this platform: quantiles of its own accounts, where no source gives a number.

    reference = Reference.of(measure(thread) for thread in accounts)     # first pass
    facts["quantiles"] = reference.quantiles(features)                   # second pass, per account

The share is the conformal one, below / (n + 1): a platform of 50 accounts cannot say
"more than 99%", so that small exports raise nothing by being small.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from random import Random

import msgspec

from threelines.signals.account import AccountFeatures

SAMPLE = 50_000
"""Accounts kept for the quantiles: 8 bytes × features × this, about 10 MB, whatever the platform's size."""
FEATURES = tuple(name for name in AccountFeatures.__struct_fields__ if name not in ("records", "days"))


class Reference:
    """A bounded sample of a platform's accounts, by feature. Build with `add` or `of`, merge with `merge`."""

    def __init__(self, *, sample: int = SAMPLE, seed: int = 0) -> None:
        self._kept: list[tuple[float, ...]] = []
        self._limit, self._seen = sample, 0
        self._draw = Random(seed).random
        self._sorted: dict[str, array[float]] = {}

    @classmethod
    def of(cls, accounts: Iterable[AccountFeatures]) -> Reference:
        """Build from the features of all accounts."""
        made = cls()
        for features in accounts:
            made.add(features)
        return made

    def add(self, features: AccountFeatures) -> None:
        """Take one account in; past the limit it replaces a random one (Vitter's algorithm R)."""
        self._seen += 1
        row = tuple(float(getattr(features, name)) for name in FEATURES)
        if len(self._kept) < self._limit:
            self._kept.append(row)
        else:
            place = int(self._draw() * self._seen)
            if place >= self._limit:
                return
            self._kept[place] = row
        self._sorted.clear()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def accounts(self) -> int:
        """How many accounts were seen, kept or not."""
        return self._seen

    def quantiles(self, features: AccountFeatures) -> dict[str, float]:
        """Return by feature the share of accounts that lie strictly below: below / (n + 1)."""
        if not self._sorted:
            self._sorted = {name: array("d", sorted(row[i] for row in self._kept)) for i, name in enumerate(FEATURES)}
        whole = len(self._kept) + 1
        return {
            name: round(bisect_left(values, float(getattr(features, name))) / whole, 6)
            for name, values in self._sorted.items()
        }

    def dump(self) -> bytes:
        """Return the sample as bytes, for another process."""
        return msgspec.msgpack.encode((self._seen, self._kept))

    @classmethod
    def load(cls, *parts: bytes) -> Reference:
        """Join the samples of several processes; the order of the parts does not matter while all fit."""
        made = cls()
        for part in sorted(parts):
            seen, rows = msgspec.msgpack.decode(part, type=tuple[int, list[tuple[float, ...]]])
            made._kept += rows
            made._seen += seen
        if len(made._kept) > made._limit:
            made._kept.sort()
            step = len(made._kept) / made._limit
            made._kept = [made._kept[int(i * step)] for i in range(made._limit)]
        return made
