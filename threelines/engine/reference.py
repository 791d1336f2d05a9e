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
from hashlib import blake2b
from heapq import heappush, heappushpop
from operator import attrgetter

import msgspec

from threelines.signals.account import AccountFeatures

SAMPLE = 20_000
"""Accounts kept: about 10 MB whatever the platform's size, and 0.07 points of error at 99%."""
FEATURES = tuple(name for name in AccountFeatures.__struct_fields__ if name not in ("account", "records", "days"))

UTMOST = dict.fromkeys(FEATURES, 1.0)
"""Quantiles of an account that lies above all others in everything: what is not seen of it then, never is."""

_Kept = tuple[int, tuple[float, ...]]
_values = attrgetter(*FEATURES)


class Reference:
    """A bounded sample of a platform's accounts: those whose ids hash lowest (bottom-k sketch).

    Which accounts are kept depends on their ids alone, so any order, partition or engine gives the same.
    """

    def __init__(self, *, sample: int = SAMPLE) -> None:
        self._kept: list[_Kept] = []
        """A heap with the highest hash first (hashes negated)."""
        self._limit, self._seen = sample, 0
        self._sorted: dict[str, array[float]] = {}

    @classmethod
    def of(cls, accounts: Iterable[AccountFeatures]) -> Reference:
        """Build from the features of all accounts."""
        made = cls()
        for features in accounts:
            made.add(features)
        return made

    def add(self, features: AccountFeatures) -> None:
        """Take one account in."""
        self._seen += 1
        digest = blake2b(features.account.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._keep((-int.from_bytes(digest), tuple(map(float, _values(features)))))

    def _keep(self, entry: _Kept) -> None:
        self._sorted.clear()
        if len(self._kept) < self._limit:
            heappush(self._kept, entry)
        else:
            heappushpop(self._kept, entry)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def accounts(self) -> int:
        """How many accounts were seen, kept or not."""
        return self._seen

    def quantiles(self, features: AccountFeatures) -> dict[str, float]:
        """Return by feature the share of accounts that lie strictly below: below / (n + 1)."""
        if not self._sorted:
            self._sorted = {
                name: array("d", sorted(row[i] for _, row in self._kept)) for i, name in enumerate(FEATURES)
            }
        whole = len(self._kept) + 1
        own = _values(features)
        return {
            name: round(bisect_left(values, value) / whole, 6) if value > values[0] else 0.0
            for (name, values), value in zip(self._sorted.items(), own, strict=True)
        }

    def dump(self) -> bytes:
        """Return the sample as bytes, for another process."""
        return msgspec.msgpack.encode((self._seen, [(-negated, row) for negated, row in self._kept]))

    @classmethod
    def load(cls, *parts: bytes) -> Reference:
        """Join the samples of several processes, in any order."""
        made = cls()
        for part in parts:
            seen, rows = msgspec.msgpack.decode(part, type=tuple[int, list[_Kept]])
            made._seen += seen
            for hashed, row in rows:
                made._keep((-hashed, row))
        return made
