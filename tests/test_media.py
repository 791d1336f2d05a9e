"""Images: hash and drop, three kinds of credentials apart, words inside, hostile paths."""

from __future__ import annotations

import datetime
import io
import json
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest

pytest.importorskip("c2pa")
import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.posters import need, picture
from threelines.engine.local import scan
from threelines.link.pictures import PDQ_DISTANCE, same_pictures
from threelines.platforms.media import Media, Tally, distance, inspect, with_media
from threelines.records import Attachment, Record, Thread
from threelines.signals.media import declared_by_credentials
from threelines.vocabulary.terms import load

SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
AI = SOURCES + "trainedAlgorithmicMedia"
CAMERA = SOURCES + "digitalCapture"


@pytest.fixture(scope="module")
def signer(tmp_path_factory) -> tuple[c2pa.Signer, str]:
    """A signing certificate under our own authority, and that authority as a trust anchor."""
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name: str, key, issuer=None, issuer_key=None):
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]
        )
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), critical=False)
            .add_extension(x509.KeyUsage(issuer is not None, False, False, False, False, issuer is None, issuer is None, False, False), critical=True)
        )  # fmt: skip
        if issuer is not None:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(issuer_key or key, hashes.SHA256())

    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("Test Authority", root_key)
    leaf = certificate("Test Camera", leaf_key, root, root_key)
    pem = serialization.Encoding.PEM
    chain = leaf.public_bytes(pem) + root.public_bytes(pem)
    private = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=private, ta_url=None)
    return c2pa.Signer.from_info(info), root.public_bytes(pem).decode()


def sign(source: Path, target: Path, signer: c2pa.Signer, *actions: dict[str, str]) -> Path:
    """Sign an image with the actions it declares."""
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
    }
    with c2pa.Builder(json.dumps(manifest)) as builder:
        builder.sign_file(str(source), str(target), signer)
    return target


def test_declared_edited_and_invalid_are_three_things(tmp_path: Path, signer):
    """AI declared, edited, and a file changed after signing are told apart; no manifest is `none`."""
    plain = picture(tmp_path / "plain.png")
    made = sign(plain, tmp_path / "ai.png", signer[0], {"action": "c2pa.created", "digitalSourceType": AI})
    cropped = sign(
        plain,
        tmp_path / "edited.png",
        signer[0],
        {"action": "c2pa.created", "digitalSourceType": CAMERA},
        {"action": "c2pa.cropped"},
    )
    broken = tmp_path / "broken.png"
    data = bytearray(made.read_bytes())
    data[-400] ^= 0xFF
    broken.write_bytes(bytes(data))
    found = [inspect(path, ocr=False).credentials for path in (plain, made, cropped, broken)]

    assert ["none", "declared_ai", "edited", "invalid"] == found


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.jpg"])
def test_a_damaged_picture_without_credentials_says_nothing(tmp_path: Path, name: str):
    """A file that breaks off was not "changed after signing": nothing is known of its credentials, and no sign comes of it."""
    picture(tmp_path / "plain.png")
    with Image.open(tmp_path / "plain.png") as image:
        image.convert("RGB").save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for end in (len(data) // 2, 20):
        (tmp_path / name).write_bytes(data[:end])

        assert inspect(tmp_path / name, ocr=False).credentials in ("none", "unreadable")
        (record,) = with_media([Record(id="r", attachments=(Attachment(name=name),))], tmp_path)
        assert record.inside == ()


def test_a_signed_picture_that_breaks_off_is_unreadable(tmp_path: Path, signer):
    """Where the file ends inside its credentials nobody can say whether they fit."""
    signed = sign(
        picture(tmp_path / "a.png"), tmp_path / "b.png", signer[0], {"action": "c2pa.created", "digitalSourceType": AI}
    )
    signed.write_bytes(signed.read_bytes()[:2000])

    assert inspect(signed, ocr=False).credentials == "unreadable"


def test_a_signer_is_trusted_only_by_the_deployers_own_anchors(tmp_path: Path, signer):
    """Without trust anchors a signer is a name nobody has checked."""
    signed = sign(
        picture(tmp_path / "a.png"), tmp_path / "b.png", signer[0], {"action": "c2pa.created", "digitalSourceType": AI}
    )

    assert (False, True) == (inspect(signed, ocr=False).trusted, inspect(signed, ocr=False, anchors=signer[1]).trusted)


def test_same_picture_survives_recompression(tmp_path: Path):
    """The hash of a recompressed copy is close, that of another picture is far."""
    one = picture(tmp_path / "one.png")
    with Image.open(one) as image:
        image.save(tmp_path / "copy.jpg", quality=30)
    other = picture(tmp_path / "other.png", "Another poster", seed=7)
    hashed = [inspect(path, ocr=False).pdq for path in (one, tmp_path / "copy.jpg", other)]

    assert all(hashed)
    assert distance(hashed[0], hashed[1]) <= PDQ_DISTANCE < distance(hashed[0], hashed[2])


def test_flat_picture_gets_no_hash(tmp_path: Path):
    """A picture with too little detail would match anything: it gets no hash."""
    Image.new("RGB", (400, 300), "white").save(tmp_path / "flat.png")

    assert inspect(tmp_path / "flat.png", ocr=False).pdq == ""


def test_words_inside_an_image_become_a_record(tmp_path: Path):
    """Tesseract reads the poster; the words stand in a record of kind `media` inside the one that carries it."""
    need("tesseract")
    picture(tmp_path / "poster.png")
    record = Record(id="r", author="a", conversation="c", attachments=(Attachment(name="poster.png"),))
    (plain,) = with_media([record], tmp_path)
    (inside,) = plain.inside

    assert plain.attachments[0].hash.startswith("pdq:")
    assert ("media", "a", "c", "r/media/1") == (inside.kind, inside.author, inside.conversation, inside.id)
    assert "Kitchen staff" in inside.text


def test_no_byte_of_the_image_is_kept(tmp_path: Path):
    """What remains of an image is a hash, a state and words: no pixel, no copy, no path outside."""
    picture(tmp_path / "poster.png")
    before = sorted(tmp_path.iterdir())
    media = inspect(tmp_path / "poster.png", ocr=False)

    assert before == sorted(tmp_path.iterdir())
    assert {"pdq", "quality", "credentials", "signer", "trusted", "text", "unsure", "fault"} == set(
        Media.__struct_fields__
    )
    assert len(media.pdq) == 64


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../secret.png"])
def test_paths_that_leave_the_folder_are_never_opened(tmp_path: Path, name: str):
    """A name in an export cannot reach a file outside the folder that was given."""
    picture(tmp_path / "secret.png")
    inner = tmp_path / "inner"
    inner.mkdir()
    opened: list[Path] = []
    list(
        with_media(
            [Record(id="r", attachments=(Attachment(name=name),))], inner, lambda path: opened.append(path) or Media()
        )
    )

    assert [] == opened


def test_bombs_and_rubbish_are_named_not_opened(tmp_path: Path):
    """A picture that claims too many pixels, and a file that is none, give a reason."""
    (tmp_path / "no.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")

    assert "not an image" in inspect(tmp_path / "no.png").fault
    assert "pixels" in inspect(tmp_path / "bomb.png").fault


def test_declared_ai_speaks_of_ai_only():
    """Declared AI is a medium sign of AI use, an edit or a broken signature is context."""
    records = tuple(
        Record(id=state, kind="media", extra={"credentials": state, "signer": "X"})
        for state in ("declared_ai", "edited", "invalid", "none", "unreadable")
    )
    found = list(declared_by_credentials(Thread(kind="conversation", id="c", records=records), load()))

    assert [("declared_ai", "medium"), ("edited", "context"), ("invalid", "context")] == [
        (s.record, s.strength) for s in found
    ]


def test_what_became_of_the_pictures_is_counted(tmp_path: Path):
    """Measured, missing and unreadable pictures are told apart; what is no picture is not counted."""
    picture(tmp_path / "poster.png")
    (tmp_path / "no.png").write_bytes(b"rubbish")
    long = "x" * 300 + ".png"
    names = ("poster.png", "no.png", "gone.jpg", "../poster.png", "a\0b.png", long, "terms.pdf", "omitted")
    records = [Record(id=name, attachments=(Attachment(name=name),)) for name in names]
    tally = Tally()
    list(with_media(records, tmp_path, lambda path: inspect(path, ocr=False), tally=tally))

    assert tally.told() == "1 picture measured, 4 missing, 1 unreadable"


def test_copies_of_a_picture_tie_their_accounts(tmp_path: Path):
    """The same poster saved at five qualities by five accounts is one picture; another poster is another."""
    poster = Image.open(picture(tmp_path / "poster.png"))
    for number, quality in enumerate((95, 70, 40, 20, 5)):
        poster.save(tmp_path / f"{number}.jpg", quality=quality)
        picture(tmp_path / f"other{number}.png", f"Poster {number}", seed=11 + 4 * number)
    names = [f"{kind}{number}" for kind in ("", "other") for number in range(5)]
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    posts = [
        Record(
            id=f"p{day}", kind="post", author=f"u{name}", text=f"see the picture of day {day}",
            time=start + datetime.timedelta(days=day),
            attachments=(Attachment(name=f"{name}{'.png' if 'other' in name else '.jpg'}"),),
        )
        for day, name in enumerate(names)
    ]  # fmt: skip
    measured = list(with_media(posts, tmp_path, lambda path: inspect(path, ocr=False)))
    networks = [one for one in scan(measured, load(), everything=True) if one.thread.kind == "network"]

    assert len({record.attachments[0].hash for record in measured[:5]}) > 1
    assert [["u0", "u1", "u2", "u3", "u4"]] == [sorted(one.facts["members"]) for one in networks]


def near(value: int, bits: int, draw: Random) -> int:
    """Return a hash that differs in so many bits."""
    for bit in draw.sample(range(256), bits):
        value ^= 1 << bit
    return value


@pytest.mark.parametrize("seed", range(4))
def test_no_hash_within_the_distance_is_missed(seed: int):
    """What the words find is what comparing all pairs finds: one number for all that a chain of near hashes joins."""
    draw = Random(seed)
    made = [draw.getrandbits(256) for _ in range(40)]
    made += [near(draw.choice(made), bits, draw) for bits in (1, 8, 30, 31, 32, 33, 31, 60) for _ in range(6)]
    hashes = sorted({f"pdq:{one:064x}" for one in made})
    values = [*hashes, "sha256:" + "0" * 64, "pdq:abc", "pdq:" + "x" * 64]
    pairs = [
        (one, two)
        for one in range(len(hashes))
        for two in range(one)
        if distance(hashes[one][4:], hashes[two][4:]) <= PDQ_DISTANCE
    ]
    joined = list(range(len(values)))
    for _ in values:
        for one, two in pairs:
            joined[one] = joined[two] = min(joined[one], joined[two])
    found = same_pictures(values, np.ones(len(values), dtype=np.int64)).tolist()

    assert len(set(joined)) < len(values)
    assert joined == [min(row for row, name in enumerate(found) if name == own) for own in found]


def test_the_hash_used_most_stands_for_its_picture():
    """A report shows one hash for all copies: the one most records have; equal ones by their letters."""
    values = [f"pdq:{one:064x}" for one in (7, 3, 1)]

    assert same_pictures(values, np.array([1, 2, 1])).tolist() == [1, 1, 1]
    assert same_pictures(values, np.array([1, 1, 1])).tolist() == [2, 2, 2]


def damaged(kind: str, places: list[tuple[int, int]], cut: int) -> bytes:
    """Return a picture of 64 × 64 pixels with bytes replaced at these places, and its end cut off."""
    made = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(made, kind)
    raw = bytearray(made.getvalue())
    for place, value in places:
        raw[place % len(raw)] = value
    return bytes(raw[: len(raw) - cut])


NO_SIZE = [(41, 0), (102, 0)]
"""Of a TIFF: a side of no length, which Pillow calls a wrong value."""
SHORT_DATA = [(35, 0), (36, 16)]
"""Of a PNG: its data chunk is said to be 16 bytes long."""


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]),
    places=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 200),
)
@example(kind="PNG", places=SHORT_DATA, cut=0)
@example(kind="TIFF", places=NO_SIZE, cut=0)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_picture_ends_no_scan(tmp_path_factory, kind, places, cut):
    """Whatever is wrong with a picture, it is measured or counted as unreadable, and the records go on."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.png").write_bytes(damaged(kind, places, cut))
    tally = Tally()
    record = Record(id="1", attachments=(Attachment(name="a.png"),))
    (seen,) = with_media([record], folder, partial(inspect, ocr=False), tally=tally)

    assert seen.id == "1"
    assert tally.measured + tally.unreadable == 1


def test_a_broken_png_is_counted_as_unreadable(tmp_path):
    """Data that go on where a chunk should begin are an error of its own in Pillow, and no image that can be opened here."""
    (tmp_path / "a.png").write_bytes(damaged("PNG", SHORT_DATA, 0))

    assert "SyntaxError" in inspect(tmp_path / "a.png", ocr=False).fault
