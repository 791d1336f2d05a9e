"""Pictures that many records carry, and words inside them: measured once, judged where they stand, counted apart."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("c2pa")
from click.testing import CliRunner

from tests.posters import need_pack, picture, plain
from threelines.cli.main import root
from threelines.engine.local import Plan, run, scan, totals
from threelines.engine.plan import conversation_threads, turns_of
from threelines.link.pictures import PDQ_DISTANCE, Shown
from threelines.platforms.media import Media, Tally, inspect, with_media
from threelines.platforms.ocr import OcrError, installed, lacking, languages_for, read_text, sure_words
from threelines.records import Attachment, Record
from threelines.vocabulary.terms import load

START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = "We keep your passport in the office. Kitchen staff wanted in the new hotel by the harbour."
SAID = "We keep your passport"


@dataclass
class Reader:
    """Stands for OCR: gives each picture the same hash and words, and notes what it was asked for."""

    media: Media
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: Path) -> Media:
        """Note the picture and return what is in it."""
        self.asked.append(path.name)
        return self.media


def logo(bits: int = 0) -> str:
    """Return a PDQ hash with so many bits set."""
    return f"{(1 << bits) - 1:064x}"


def adverts(count: int, name: str = "logo.png") -> list[Record]:
    """Make adverts by as many accounts, months apart, each in words of its own, all with one picture."""
    return [
        Record(
            id=f"a{number}", kind="advert", author=f"u{number}", text=f"advert number {number}, see the picture",
            time=START + timedelta(days=40 * number), attachments=(Attachment(name=name),),
        )
        for number in range(count)
    ]  # fmt: skip


def kinds(records: list[Record]) -> Counter[str]:
    """Count the threads of each kind that are written with `--all`."""
    return Counter(one.thread.kind for one in scan(records, load(), everything=True))


def test_a_picture_is_measured_once(tmp_path: Path):
    """However many records carry it, in however many windows and under whatever names, one picture is looked at once."""
    picture(tmp_path / "logo.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "logo.png").read_bytes())
    tally, look = Tally(), Reader(Media(text="words"))
    records = list(with_media([*adverts(1500), *adverts(3, "copy.png")], tmp_path, look, jobs=2, tally=tally))

    assert (["logo.png"], 1503) == (look.asked, len(records))
    assert tally.told().startswith("1 picture (1,503 times in records) measured, 0 missing, 0 unreadable")


def test_different_pictures_are_measured_side_by_side(tmp_path: Path):
    """With two jobs two pictures are in work at once, and no thread is left when the records are passed on."""
    for number in range(2):
        picture(tmp_path / f"{number}.png", seed=number + 1)
    both = threading.Barrier(2, timeout=30)
    before = threading.active_count()
    stream = with_media(
        [*adverts(1, "0.png"), *adverts(1, "1.png")], tmp_path, lambda _: both.wait() * 0 or Media(), jobs=2
    )

    assert (next(stream).id, threading.active_count()) == ("a0", before)


def test_words_in_a_picture_are_judged_in_the_advert_that_carries_it(tmp_path: Path):
    """The advert stays one thread; its quote stands verbatim in the text of the record inside, whose id it names."""
    picture(tmp_path / "logo.png")
    (record,) = with_media(adverts(1), tmp_path, Reader(Media(pdq=logo(), text=WORDS)))
    (advert,) = [one for one in scan([record], load(), everything=True) if one.thread.kind == "advert"]
    (sign,) = advert.signals

    assert (("a0", "a0/media/1"), "a0/media/1", SAID) == (advert.thread.records, sign.record, sign.quote)
    assert record.inside[0].text[sign.start : sign.end] == sign.quote


def test_a_shared_logo_is_no_copied_text(tmp_path: Path):
    """Twelve adverts with one logo are twelve adverts: no script, and no advert or post more."""
    picture(tmp_path / "logo.png")
    measured = list(with_media(adverts(12), tmp_path, Reader(Media(pdq=logo(), text=WORDS))))
    batches = list(run(measured, Plan(vocabulary=load()), jobs=1))

    assert kinds(measured)["script"] == 0
    assert {"account": 12, "advert": 12} == {kind: totals(batches)[kind] for kind in ("account", "advert")}


def test_the_same_words_in_other_pictures_are_copies(tmp_path: Path):
    """One text set in three pictures that do not look alike is a script of three accounts."""
    records, seen = [], []
    for number in range(3):
        picture(tmp_path / f"{number}.png", seed=5 * number + 1)
        records += [adverts(3, f"{number}.png")[number]]
        seen.append(Media(pdq=logo(60 * number), text=WORDS))
    measured = list(with_media(records, tmp_path, lambda path: seen[int(path.stem)]))
    (script,) = [one for one in scan(measured, load(), everything=True) if one.thread.kind == "script"]

    assert script.thread.records == ("a0/media/1", "a1/media/1", "a2/media/1")


def test_a_picture_in_a_conversation_is_no_message(tmp_path: Path):
    """The words are read with the message that carries them, once, and nobody's messages are more for it."""
    picture(tmp_path / "logo.png")
    talk = [
        Record(id=f"m{n}", author="ab"[n % 2], conversation="c", time=START + timedelta(minutes=n), text="hello there",
               attachments=(Attachment(name="logo.png"),) if n % 2 else ())
        for n in range(6)
    ]  # fmt: skip
    measured = list(with_media(talk, tmp_path, Reader(Media(pdq=logo(), text=WORDS))))
    (thread,) = conversation_threads(measured)
    (talked,) = [one for one in scan(measured, load(), everything=True) if one.thread.kind == "conversation"]

    assert [f"m{n}" for n in range(6)] == [turn.record.id for turn in turns_of(thread)]
    assert ["m0", "m1", "m1/media/1", "m2", "m3", "m4", "m5"] == [record.id for record in thread.held]
    assert ["m1/media/1"] == [sign.record for sign in talked.signals if sign.quote]


def test_spark_is_given_the_same_texts(tmp_path: Path):
    """What is compared on Spark are the records as they stand, and the words of a picture where it first came."""
    from threelines.engine.spark import PLACES, RECORD, batch, row_of
    from threelines.engine.spark_scripts import _lone_copies

    picture(tmp_path / "logo.png")
    measured = with_media(adverts(2), tmp_path, Reader(Media(pdq=logo(), text=WORDS)))
    (made,) = _lone_copies(iter([batch(RECORD, [row_of(place, one) for place, one in enumerate(measured, start=5)])]))
    copied = [msgspec.msgpack.decode(raw, type=Record) for raw in made.column("payload").to_pylist()]

    assert ["a0", "a0/media/1", "a1"] == [one.id for one in copied] == made.column("id").to_pylist()
    assert [5, 5 + PLACES, 6] == made.column("place").to_pylist()
    assert not any(one.inside for one in copied)


def test_pictures_that_came_before_are_known_within_the_distance():
    """A hash up to 31 bits away is the same picture; the oldest is forgotten when more come than are kept."""
    shown = Shown(limit=2)
    hashes = [f"pdq:{logo(bits)}" for bits in (0, PDQ_DISTANCE, PDQ_DISTANCE + 1, 100, 0)]

    assert [shown.before(value) for value in hashes] == [False, True, False, False, False]
    assert not shown.before("pdq:")


def test_more_pictures_than_fit_at_first_are_all_known():
    """Room for hashes grows with the pictures."""
    made = [
        f"pdq:{row.tobytes().hex()}" for row in np.random.default_rng(1).integers(0, 256, (3000, 32), dtype=np.uint8)
    ]
    shown = Shown()

    assert not any(shown.before(value) for value in made)
    assert all(shown.before(value) for value in made)


def test_a_cyrillic_poster_is_read_in_its_language_or_not_at_all(tmp_path: Path):
    """Asked for English, Tesseract is not sure and nothing is read; with the Russian pack the words are there."""
    need_pack("rus")
    poster = plain(tmp_path / "poster.png", "Требуются повара на кухню", "Зарплата каждую неделю")
    wrong, right = inspect(poster, languages="eng"), inspect(poster, languages="rus")

    assert ("", True) == (wrong.text, wrong.unsure)
    assert ("Требуются повара на кухню\nЗарплата каждую неделю", False) == (right.text, right.unsure)


def table(*words: tuple[int, int, int, str]) -> str:
    """Write (line, left edge, confidence, text) as Tesseract writes its table; letters are 20 wide and 40 high."""
    rows = (
        f"5\t1\t1\t1\t{line}\t1\t{left}\t0\t{20 * len(text)}\t40\t{sure}\t{text}" for line, left, sure, text in words
    )
    return "\n".join(["level\tpage_num\t…", *rows])


def test_letters_of_thai_are_put_together_as_they_stand():
    """Tesseract gives Thai letter by letter: there is a space only where there is room for one, other words have theirs."""
    said = table(
        (1, 0, 93, "ง"), (1, 22, 93, "า"), (1, 44, 93, "น"), (1, 120, 93, "ค"), (2, 0, 96, "Pay"), (2, 65, 96, "weekly")
    )

    assert sure_words(said).text == "งาน ค\nPay weekly"


def test_unsure_words_are_left_out_and_lines_of_them_whole():
    """One unsure word of a line is dropped; a line in which a third of the letters is unsure gives nothing."""
    said = table((1, 0, 96, "Kitchen"), (1, 150, 40, "stf"), (2, 0, 90, "noBapa"), (2, 150, 50, "KYXHIO"))

    assert sure_words(said).text == "Kitchen"
    assert sure_words(table((1, 0, 50, "Tpe6ytoTcA"))).unsure


def test_every_installed_pack_is_used_unless_some_are_named():
    """Left out, the languages are the installed ones; one that is not there is an error with its package."""
    need_pack("rus")

    assert languages_for() == "+".join(installed())
    assert "osd" not in installed()
    assert languages_for("rus, eng") == "rus+eng"
    with pytest.raises(OcrError, match=r"no language pack for xx_yy.*apt-get install tesseract-ocr-xx-yy"):
        languages_for("eng+xx_yy")


def test_packs_that_the_texts_would_need_are_named():
    """A language of the texts that no used pack reads is named by its pack, where there is one."""
    assert [lacking(name, "eng+chi_tra") for name in ("rus", "cmn", "arb", "eng", "kea")] == ["rus", "", "ara", "", ""]


def test_a_scan_counts_records_and_pictures_apart(tmp_path: Path):
    """Six adverts with one poster are six records and one picture; the output says in which languages it was read."""
    need_pack("rus")
    (tmp_path / "media").mkdir()
    plain(tmp_path / "media" / "poster.png", "We keep your passport", "until the fee is paid")
    lines = [
        {"id": f"a{n}", "kind": "advert", "author": f"u{n}", "text": f"Вакансия номер {n}: повар в новой гостинице",
         "attachments": [{"name": "poster.png"}]}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "adverts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    given = [
        "scan",
        str(tmp_path / "adverts.jsonl"),
        "--reveal",
        "--jobs",
        "1",
        "--all",
        "--out",
        str(tmp_path / "out"),
    ]
    ran = CliRunner().invoke(root, [*given, "--media", str(tmp_path / "media"), "--ocr-languages", "eng"])
    found = [json.loads(line) for line in (tmp_path / "out").open()]

    assert (0, True) == (ran.exit_code, ran.output.startswith("6 records"))
    assert "Judged: 6 account, 6 advert" in ran.output
    assert (
        "1 picture (6 times in records) measured, 0 missing, 0 unreadable; words read in 1 of them as eng" in ran.output
    )
    assert "languages of the texts beside them that were not read in pictures: rus" in ran.output
    assert 6 == sum(
        sign["quote"] == SAID for one in found if one["thread"]["kind"] == "advert" for sign in one["signals"]
    )


def test_languages_without_pictures_are_refused(tmp_path: Path):
    """`--ocr-languages` alone would do nothing, so it is an error."""
    (tmp_path / "a.jsonl").write_text('{"text": "hello"}')
    ran = CliRunner().invoke(root, ["scan", str(tmp_path / "a.jsonl"), "--ocr-languages", "eng"])

    assert (2, True) == (ran.exit_code, "--media" in ran.output)


def test_a_file_tesseract_cannot_read_gives_no_words(tmp_path: Path):
    """What is no picture gives no words and no fault."""
    need_pack("eng")
    (tmp_path / "no.png").write_bytes(b"rubbish")

    assert read_text(tmp_path / "no.png").text == ""
