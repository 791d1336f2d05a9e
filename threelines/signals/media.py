"""Images: what Content Credentials declare. Reuse of one picture is a tie of the family `network`."""

from __future__ import annotations

from collections.abc import Iterator

from threelines.records import Signal, Thread
from threelines.signals.detector import reads
from threelines.vocabulary.terms import Vocabulary

_WORDS = {
    "declared_ai": "Its Content Credentials declare that the image was made or changed by AI",
    "edited": "Its Content Credentials declare an edit, which is ordinary",
    "invalid": "Its Content Credentials no longer fit the file: anybody may have changed it, often a platform that recompresses",
}


@reads("advert", "conversation", "session")
def declared_by_credentials(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """An image carries Content Credentials that declare how it was made. A missing declaration proves nothing."""
    for record in thread.held:
        said = record.extra.get("credentials", "none") if record.kind == "media" else "none"
        if said in _WORDS:
            yield Signal(
                indicator="AI-12",
                record=record.id,
                strength="medium" if said == "declared_ai" else "context",
                detail=f"{_WORDS[said]} ({_signer(record.extra)}).",
                detector="declared_by_credentials",
            )


def _signer(extra: dict[str, object]) -> str:
    if not extra.get("signer"):
        return "unsigned"
    return f"signed by {extra['signer']}" + ("" if extra.get("trusted") else ", a signer nobody here has checked")
