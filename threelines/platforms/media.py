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
import struct
import warnings
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from threelines.link.pictures import Shown
from threelines.platforms.ocr import Words, lacking, read_text
from threelines.records import Attachment, Record, ThreelinesError
from threelines.text.language import identify_all

PDQ_QUALITY = 50
"""Below this PDQ's own quality figure, hashes of unlike pictures come close."""
MAX_PIXELS = 40_000_000
"""A picture that claims more is not opened: a decompression bomb, or a map."""
KEPT = 20_000
"""Pictures whose measure is remembered; one that comes again after so many others is measured again."""
WINDOW = 1000
"""Records whose pictures are measured together, before the first of them is passed on."""
SURE = 0.8
"""A record counts as in a language (`Tally.languages`) where that is at least this likely."""
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_DAMAGED = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RuntimeError,
    AssertionError, BufferError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises for damaged files: `SyntaxError` for a broken PNG, `ValueError` for a TIFF of no width, and so on."""
_AI_SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")

Credentials = Literal["none", "unreadable", "declared_ai", "edited", "declared", "invalid"]
"""What Content Credentials say. `none` proves nothing, no more does `unreadable`: the file is damaged, whether it has any is
not known; `invalid` means that the file was changed after signing, by anyone, often by a platform that recompresses;
`edited` is not `declared_ai`."""
_SILENT: tuple[Credentials, ...] = ("none", "unreadable")


class MediaError(ThreelinesError):
    """A media folder is missing."""


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
    """Words inside the image that Tesseract is sure of (3.6% character error on clean adverts): see `platforms.ocr`."""
    unsure: bool = False
    """It has what looks like letters, and Tesseract is not sure of them: no words, or another language's."""
    fault: str = ""
    """Why the image could not be read."""


def inspect(path: Path, *, languages: str = "", anchors: str = "", ocr: bool = True) -> Media:
    """Measure one image and forget it.

    `languages` are Tesseract codes (`eng+tha`; empty: English); `anchors` are PEM certificates that the deployer trusts.
    """
    credentials, signer, trusted = read_credentials(path, anchors=anchors)
    pdq, quality, fault = _hashed(path)
    words = read_text(path, languages=languages) if ocr and not fault else Words()
    return Media(
        pdq=pdq if quality >= PDQ_QUALITY else "",
        quality=quality,
        credentials=credentials,
        signer=signer,
        trusted=trusted,
        text=words.text,
        unsure=words.unsure,
        fault=fault,
    )


def _hashed(path: Path) -> tuple[str, int, str]:
    """Return (hash, quality, fault); the pixels are gone when it returns."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return "", 0, f"{image.width} x {image.height} pixels is more than is opened"
                pixels = image.convert("RGB")
    except (*_DAMAGED, Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        return "", 0, f"not an image that can be opened ({type(fault).__name__})"
    return (*_pdq(pixels), "")


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
        # No manifest at all is an error of its own in the library, one that does not fit the file is no error there.
        missing = any(word in str(fault) for word in ("ManifestNotFound", "no JUMBF", "NotSupported"))
        return ("none" if missing else "unreadable"), "", False
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


class Tally(msgspec.Struct):
    """What became of the pictures that records name; filled while they flow."""

    packs: str = ""
    """Tesseract's languages in which words are read (`eng+rus`); empty where they are not named."""
    measured: int = 0
    """Different pictures: one that many records carry is measured once."""
    carried: int = 0
    """Places in records where they stand."""
    worded: int = 0
    """Pictures with words that could be read."""
    unsure: int = 0
    """Pictures in which most of what looks like letters could not be read: no words, or another language's."""
    missing: int = 0
    """Named in a record, and not in the folder."""
    unreadable: int = 0
    """In the folder, and no image that can be opened."""
    languages: Counter[str] = msgspec.field(default_factory=Counter)
    """ISO 639-3 of the texts beside the pictures, with the number of records."""

    @property
    def unread(self) -> int:
        """Pictures that were to be measured and were not."""
        return self.missing + self.unreadable

    def told(self) -> str:
        """Say it in one line."""
        pictures = "picture" if self.measured == 1 else "pictures"
        places = "" if self.carried == self.measured else f" ({self.carried:,} times in records)"
        said = (
            f"{self.measured:,} {pictures}{places} measured, {self.missing:,} missing, {self.unreadable:,} unreadable"
        )
        return f"{said}{self._words_told()}"

    def _words_told(self) -> str:
        if not (self.worded or self.unsure or self.packs):
            return ""
        said = f"; words read in {self.worded:,} of them" + (f" as {self.packs}" if self.packs else "")
        if self.unsure:
            said += (
                f", {self.unsure:,} left out as Tesseract is not sure of the letters (no words, or another language's)"
            )
        packs = [pack for name, _ in self.languages.most_common() if (pack := lacking(name, self.packs or "eng"))]
        if packs:
            said += f"; languages of the texts beside them that were not read in pictures: {', '.join(packs[:5])}"
        return said


Progress = Callable[[str, int], None]
"""Called with the stage, and how many pictures were measured since the last call."""


def with_media(
    records: Iterable[Record],
    folder: Path,
    look: Callable[[Path], Media] = inspect,
    *,
    jobs: int = 1,
    tally: Tally | None = None,
    progress: Progress = lambda _stage, _done: None,
) -> Iterator[Record]:
    """Yield each record with its images measured, and the words inside them as records of kind `media` in `inside`.

    A picture is measured once, however many records carry it and under whatever names, and `jobs` of them at a time.
    Paths that leave the folder are never opened: names in an export are hostile input. `tally` counts what was found.
    """
    if not folder.is_dir():
        raise MediaError(f"{folder}: not a folder; give the one that holds the export's images")
    pictures = _Pictures(folder.resolve(), look, jobs, progress)
    counts = Tally() if tally is None else tally
    stream = iter(records)
    while part := list(islice(stream, WINDOW)):
        if any(record.attachments for record in part):
            yield from pictures.measured(part, counts)
        else:
            yield from part


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Kept(OrderedDict[_Key, _Value], Generic[_Key, _Value]):
    """The last `KEPT` things that were put in."""

    def __setitem__(self, key: _Key, value: _Value) -> None:
        super().__setitem__(key, value)
        if len(self) > KEPT:
            self.popitem(last=False)


class _Picture(NamedTuple):
    """A file of the folder, measured."""

    name: str
    """Of the first file with these bytes."""
    media: Media


class _Pictures:
    """Measures the pictures of a folder, each once: files of the same bytes are one picture."""

    def __init__(self, folder: Path, look: Callable[[Path], Media], jobs: int, progress: Progress) -> None:
        self._folder, self._look, self._jobs, self._progress = folder, look, jobs, progress
        self._bytes: _Kept[Path, str] = _Kept()
        self._known: _Kept[str, _Picture] = _Kept()
        self._told: _Kept[str, bool] = _Kept()
        self._shown = Shown()

    def measured(self, records: Sequence[Record], tally: Tally) -> Iterator[Record]:
        """Yield the records of a window with what their pictures hold."""
        paths = [[self._found(attachment, tally) for attachment in record.attachments] for record in records]
        digests, found = self._look_at(dict.fromkeys(path for each in paths for path in each if path), tally)
        carrying = [record.text for record, each in zip(records, paths, strict=True) if record.text and any(each)]
        tally.languages.update(one.iso639_3 for one in identify_all(carrying) if one.confidence >= SURE)
        for record, each in zip(records, paths, strict=True):
            named = [digests.get(path, "") if path else "" for path in each]
            tally.carried += sum(not found[digest].media.fault for digest in named if digest)
            yield self._filled(record, [(digest, found[digest]) if digest else None for digest in named])

    def _found(self, attachment: Attachment, tally: Tally) -> Path | None:
        if not attachment.name.lower().endswith(_IMAGES):
            return None
        path = _found(self._folder, attachment.name)
        tally.missing += path is None
        return path

    def _look_at(self, paths: Iterable[Path], tally: Tally) -> tuple[dict[Path, str], dict[str, _Picture]]:
        """Return the digest of each path, and each picture by its digest.

        The threads end before anything is passed on: what judges the records may fork this process.
        """
        with ThreadPoolExecutor(self._jobs) as pool:
            new = [path for path in paths if path not in self._bytes]
            fresh = dict(zip(new, pool.map(_digest, new), strict=True))
            digests = {path: fresh.get(path) or self._bytes[path] for path in paths}
            found = {digest: self._known[digest] for digest in digests.values() if digest in self._known}
            wanted = {digest: path for path, digest in reversed(digests.items()) if digest not in found}
            for (digest, path), media in zip(wanted.items(), pool.map(self._look, wanted.values()), strict=True):
                found[digest] = _Picture(path.relative_to(self._folder).as_posix(), media)
                _count(media, tally)
                self._progress("pictures", 1)
        self._bytes.update(digests)
        self._known.update(found)
        return digests, found

    def _filled(self, record: Record, pictures: Sequence[tuple[str, _Picture] | None]) -> Record:
        if not any(pictures):
            return record
        attachments, inside = [], []
        for number, (attachment, picture) in enumerate(zip(record.attachments, pictures, strict=True), start=1):
            if picture and picture[1].media.pdq:
                attachment = msgspec.structs.replace(attachment, hash=f"pdq:{picture[1].media.pdq}")
            attachments.append(attachment)
            if picture and (picture[1].media.text or picture[1].media.credentials not in _SILENT):
                inside.append(_inside(record, number, picture[1], again=self._came_before(*picture)))
        return msgspec.structs.replace(record, attachments=tuple(attachments), inside=tuple(inside))

    def _came_before(self, digest: str, picture: _Picture) -> bool:
        """Whether this picture, or a copy that differs in quality or size only, came in an earlier place."""
        before = self._told.get(digest) or self._shown.before(f"pdq:{picture.media.pdq}")
        self._told[digest] = True
        return before


def _count(media: Media, tally: Tally) -> None:
    tally.unreadable += bool(media.fault)
    tally.measured += not media.fault
    tally.worded += bool(media.text)
    tally.unsure += media.unsure


def _digest(path: Path) -> str:
    """Return a name for the bytes of a file; one that cannot be read is named by its place."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)


def _found(folder: Path, name: str) -> Path | None:
    """Return the file of this name inside the folder; None for a name that leads out, or that no file can have."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (ValueError, OSError):  # a zero byte, a name too long
        return None


def _inside(record: Record, number: int, picture: _Picture, *, again: bool) -> Record:
    """Return what was read inside a picture, as said by the record's author; `again`: the picture came before."""
    media = picture.media
    return Record(
        id=f"{record.id}/media/{number}",
        kind="media",
        author=record.author,
        audience=record.audience,
        conversation=record.conversation,
        time=record.time,
        text=media.text,
        source=picture.name,
        extra={"credentials": media.credentials, "signer": media.signer, "trusted": media.trusted, "again": again},
    )
