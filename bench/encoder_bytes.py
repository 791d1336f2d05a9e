"""The encoder's first layers in four-bit blocks and in bytes: time of one request, and how far its vector moves.

python bench/encoder_bytes.py
"""

from __future__ import annotations

import time

import numpy as np

from threelines.ai_models.meaning import LAYERS, LONGEST
from threelines.ai_models.scenario import items, load
from threelines.text.encoder import Encoder


def main() -> None:
    """Print one row for each way, on the packaged scenarios, one request at a time."""
    texts = [turn for item in items(load(), ("misuse", "contrast", "support", "session")) for turn in item.turns][:400]
    found = []
    for name, in_bytes in (("four-bit blocks", False), ("bytes", True)):
        encoder = Encoder(layers=LAYERS, longest=LONGEST, in_bytes=in_bytes, prefix="")
        encoder.encode(texts[:20], batch=1)
        start = time.process_time()
        found.append(encoder.encode(texts, batch=1))
        spent = 1000 * (time.process_time() - start) / len(texts)
        near = (found[0] * found[-1]).sum(axis=1) / len(LAYERS)
        print(
            f"{name:16} {spent:5.2f} ms of processor a request; cosine to the first {near.mean():.4f}, least {np.min(near):.4f}"
        )


if __name__ == "__main__":
    main()
