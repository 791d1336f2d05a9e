"""Images that came with records: a perceptual hash, what Content Credentials declare, the text inside.

The image itself is opened, measured and let go: no byte of it is kept, copied or shown. So an
intimate image leaves a hash and nothing else. No deepfake classifier is claimed: none that could be
measured here was good enough.

PDQ (Facebook 2019) survives recompression, brightness, grey and half the size, not a crop of 5%: of the 256
bits 0 to 14 changed in copies of drawn posters (JPEG quality 95 to 20, brightness by 30%, grey), 20 to 22 at half
the size, 14 to 38 between copies of one noisy picture at five qualities, 76 to 82 in a crop. So hashes are compared
within a distance: `link.pictures`. Quality below 50 marks pictures with too little detail to compare.
"""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from threelines.records import Attachment, Record, ThreelinesError

PDQ_QUALITY = 50
"""Below this PDQ's own quality figure, hashes of unlike pictures come close."""
MAX_PIXELS = 40_000_000
"""A picture that claims more is not opened: a decompression bomb, or a map."""
OCR_SECONDS = 20
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_AI_SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")

Credentials = Literal["none", "declared_ai", "edited", "declared", "invalid"]
"""What Content Credentials say. `none` proves nothing; `invalid` means that the file was changed
after signing, by anyone, often by a platform that recompresses; `edited` is not `declared_ai`."""


class MediaError(ThreelinesError):
    """A media folder or an extra is missing."""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an image."""

    pdq: str = ""
    """256 bits in hex; empty where the picture has too little detail."""
    quality: int = 0
    """PDQ quality, 0 to 100."""
    credentials: Credentials = "none"
    signer: str = ""
    """Who signed, as the certificate says; a name that nobody has checked unless `trusted`."""
    trusted: bool = False
    """The signer is on the deployer's list of trust anchors."""
    text: str = ""
    """Words inside the image, as Tesseract reads them (3.6% character error on clean adverts)."""
    fault: str = ""
    """Why the image could not be read."""


def inspect(path: Path, *, languages: str = "", anchors: str = "", ocr: bool = True) -> Media:
    """Measure one image and forget it.

    `languages` are Tesseract codes (`eng+tha`); `anchors` are PEM certificates that the deployer trusts.
    """
    credentials, signer, trusted = read_credentials(path, anchors=anchors)
    pdq, quality, fault = _hashed(path)
    return Media(
        pdq=pdq if quality >= PDQ_QUALITY else "",
        quality=quality,
        credentials=credentials,
        signer=signer,
        trusted=trusted,
        text=read_text(path, languages=languages) if ocr and not fault else "",
        fault=fault,
    )


def _hashed(path: Path) -> tuple[str, int, str]:
    """Return (hash, quality, fault); the pixels are gone when it returns."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return "", 0, f"{image.width} x {image.height} pixels is more than is opened"
                return (*_pdq(image.convert("RGB")), "")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        return "", 0, f"not an image that can be opened ({type(fault).__name__})"


def _pdq(image: Any) -> tuple[str, int]:
    import numpy as np
    import pdqhash

    bits, quality = pdqhash.compute(np.asarray(image))
    return np.packbits(bits.astype(bool)).tobytes().hex(), int(quality)


def distance(one: str, other: str) -> int:
    """Return in how many of 256 bits two PDQ hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def read_credentials(path: Path, *, anchors: str = "") -> tuple[Credentials, str, bool]:
    """Read Content Credentials offline: (what they declare, signer, whether the signer is trusted)."""
    import c2pa

    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": bool(anchors)}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}  # type: ignore[dict-item]
    try:
        context = c2pa.Context(c2pa.Settings.from_json(json.dumps(settings)))
        with c2pa.Reader(str(path), context=context) as reader:
            state, manifest = reader.get_validation_state(), reader.get_active_manifest() or {}
    except c2pa.C2paError as fault:
        # No manifest at all is an error of its own in the library; anything else is a broken one.
        missing = any(word in str(fault) for word in ("ManifestNotFound", "no JUMBF", "NotSupported"))
        return ("none" if missing else "invalid"), "", False
    signer = str((manifest.get("signature_info") or {}).get("issuer") or "")
    if state == "Invalid":
        return "invalid", signer, False
    return _declared(manifest), signer, state == "Trusted"


def _declared(manifest: dict[str, Any]) -> Credentials:
    actions = [
        action
        for assertion in manifest.get("assertions", [])
        if assertion.get("label", "").startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    if any(str(action.get("digitalSourceType", "")).endswith(_AI_SOURCES) for action in actions):
        return "declared_ai"
    plain = {"c2pa.created", "c2pa.opened", "c2pa.published"}
    return "edited" if any(action.get("action") not in plain for action in actions) else "declared"


def read_text(path: Path, *, languages: str = "") -> str:
    """Return the words inside an image, by Debian's Tesseract in a process of its own with a time limit."""
    command = ["tesseract", str(path), "stdout", "--psm", "6", *(("-l", languages) if languages else ())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=OCR_SECONDS, check=False)  # noqa: S603 - fixed program, path as one argument
    except FileNotFoundError as missing:
        raise MediaError("tesseract is not installed; on Debian: apt-get install tesseract-ocr") from missing
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


class Tally(msgspec.Struct):
    """What became of the pictures that records name; filled while they flow."""

    measured: int = 0
    missing: int = 0
    """Named in a record, and not in the folder."""
    unreadable: int = 0
    """In the folder, and no image that can be opened."""

    @property
    def unread(self) -> int:
        """Pictures that were to be measured and were not."""
        return self.missing + self.unreadable

    def told(self) -> str:
        """Say it in one line."""
        pictures = "picture" if self.measured == 1 else "pictures"
        return f"{self.measured:,} {pictures} measured, {self.missing:,} missing, {self.unreadable:,} unreadable"


def with_media(
    records: Iterable[Record], folder: Path, look: Callable[[Path], Media] = inspect, *, tally: Tally | None = None
) -> Iterator[Record]:
    """Yield each record with its images measured, and a record of kind `media` for the words inside.

    Paths that leave the folder are never opened: names in an export are hostile input. `tally` counts what was found.
    """
    counts = Tally() if tally is None else tally
    if not folder.is_dir():
        raise MediaError(f"{folder}: not a folder; give the one that holds the export's images")
    for record in records:
        if not record.attachments:
            yield record
            continue
        measured = [_measured(attachment, folder, look, counts) for attachment in record.attachments]
        yield msgspec.structs.replace(record, attachments=tuple(attachment for attachment, _ in measured))
        for number, (attachment, media) in enumerate(measured, start=1):
            if media and (media.text or media.credentials != "none"):
                yield _inside(record, number, attachment, media)


def _measured(
    attachment: Attachment, folder: Path, look: Callable[[Path], Media], tally: Tally
) -> tuple[Attachment, Media | None]:
    if not attachment.name.lower().endswith(_IMAGES):
        return attachment, None
    path = _found(folder, attachment.name)
    if path is None:
        tally.missing += 1
        return attachment, None
    media = look(path)
    if media.fault:
        tally.unreadable += 1
    else:
        tally.measured += 1
    return msgspec.structs.replace(attachment, hash=f"pdq:{media.pdq}" if media.pdq else attachment.hash), media


def _found(folder: Path, name: str) -> Path | None:
    """Return the file of this name inside the folder; None for a name that leads out, or that no file can have."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (ValueError, OSError):  # a zero byte, a name too long
        return None


def _inside(record: Record, number: int, attachment: Attachment, media: Media) -> Record:
    return Record(
        id=f"{record.id}/media/{number}",
        kind="media",
        author=record.author,
        audience=record.audience,
        conversation=record.conversation,
        time=record.time,
        text=media.text,
        attachments=(attachment,),
        source=record.source,
        extra={"credentials": media.credentials, "signer": media.signer, "trusted": media.trusted},
    )
