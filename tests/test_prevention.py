"""Awareness kit and course: reviewed or not written, SMS that fit, scores with reasons, exports that import."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.people.course import CourseError, as_gift, as_html, grade, load_course
from threelines.people.helplines import HelplineError, confirm, helplines
from threelines.people.kit import (
    KitError,
    Number,
    load_kits,
    missing_languages,
    sms_limit,
    sms_with,
    sms_without,
    write_kit,
)

TODAY = date(2026, 11, 25)
ROOT = Path(__file__).parents[1]


def test_every_message_fits_an_sms_and_has_a_source():
    """One SMS each, in the alphabet's own limit; a claim without a source does not ship."""
    for message in load_kits()["en"].message:
        assert len(message.sms) <= sms_limit(message.sms)
        assert message.source


def test_an_sms_names_the_number_where_it_has_room():
    """Whoever is told to talk to a helpline gets its number, still in one SMS; where it has no room, that is said."""
    kit = load_kits()["en"]
    for message in kit.message:
        assert sms_with(message.sms, "Example: +33 1 23 45 67 89").endswith("+33 1 23 45 67 89")
        assert len(sms_with(message.sms, "Example: +33 1 23 45 67 89")) <= 160
    assert sms_with("talk to a helpline", "Помощь: 116 123") == "talk to a helpline Помощь: 116 123"
    assert sms_with("x" * 150, "Помощь: 116 123") == f"{'x' * 150} 116 123"
    assert sms_without(kit, "") == sms_without(kit, "Example: 116 123") == []
    assert sms_without(kit, f"Example: {'1' * 60}") == [m.id for m in kit.message if len(m.sms) > 99]


def test_kit_is_written_and_expires(tmp_path: Path):
    """Text, SMS, audio script and poster appear while the review stands, and not after."""
    pytest.importorskip("typst")
    pdfium = pytest.importorskip("pypdfium2")
    kit = load_kits()["en"]
    ends = TODAY + timedelta(days=9)
    number = Number(organisation="Helpline Example", number="+358 800 0551", dialled=TODAY, until=ends)
    paths = write_kit(kit, tmp_path, today=TODAY, number=number)

    assert ["en-audio.txt", "en-poster.pdf", "en-sms.txt", "en-text.md"] == sorted(path.name for path in paths)
    [sheet] = pdfium.PdfDocument(tmp_path / "en-poster.pdf")
    said = " ".join(sheet.get_textpage().get_text_range().split())
    assert all(message.title in said and message.text in said for message in kit.message)
    assert said.endswith(
        f"Helpline Example: +358 800 0551 Reviewed: source text, {kit.date}; number dialled {TODAY}; valid until {ends}."
    )
    assert (tmp_path / "en-sms.txt").read_text(encoding="utf-8").count("+358 800 0551") == len(kit.message)
    assert f"valid until {ends}." in (tmp_path / "en-text.md").read_text(encoding="utf-8")
    write_kit(kit, tmp_path, today=TODAY)
    assert f"valid until {kit.expires}." in (tmp_path / "en-text.md").read_text(encoding="utf-8")
    with pytest.raises(KitError, match="review ended"):
        write_kit(kit, tmp_path, today=kit.expires + timedelta(days=1))


def test_no_half_kit_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the poster cannot be set, for want of the extra, nothing is written; the help names the extra."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ModuleNotFoundError):
        write_kit(load_kits()["en"], tmp_path / "kit", today=TODAY)

    assert not (tmp_path / "kit").exists()
    assert "extra `share`" in CliRunner().invoke(root, ["kit", "--help"]).output


def test_a_poster_that_nobody_could_read_is_not_written(tmp_path: Path):
    """Letters for which the machine has no font make no poster of code points: the kit is refused, and says what to install."""
    pytest.importorskip("typst")
    kit = load_kits()["en"]
    unread = [msgspec.structs.replace(one, text="\U00011f04\U00011f05 " * 9) for one in kit.message]
    with pytest.raises(KitError, match="no font on this machine for 2 of its letters"):
        write_kit(msgspec.structs.replace(kit, message=tuple(unread)), tmp_path, today=TODAY)

    assert not [*tmp_path.iterdir()]


def test_only_the_english_text_is_its_own_source(tmp_path: Path):
    """A translation that calls itself the source has been read by nobody: it is refused."""
    text = (ROOT / "threelines" / "people" / "awareness.toml").read_text(encoding="utf-8")
    (tmp_path / "km.toml").write_text(text.replace('language = "en"', 'language = "km"'), encoding="utf-8")
    with pytest.raises(KitError, match="only the English text is the source"):
        load_kits(tmp_path)


def test_somebody_in_need_is_sent_to_an_organisations_own_page_only():
    """No page is stated as an organisation's that is a newspaper's or another's: what is shown is on a short list of hosts."""
    hosts = {entry.page.split("/")[2].removeprefix("www.") for entry in helplines().values() if entry.page}

    assert hosts == {
        "act212.ch", "migri.fi", "gov.hr", "0404.go.kr", "cfo.gov.ph", "astra.rs", "home-affairs.ec.europa.eu", "iom.int",
    }  # fmt: skip


def test_missing_languages_are_listed():
    """Languages that nobody has reviewed are named, not filled."""
    assert {"th", "my", "sw"} <= set(missing_languages(load_kits(), TODAY))


def test_a_review_needs_a_reviewer_and_every_message(tmp_path: Path):
    """A file that says reviewed without a name, or leaves a message out, is refused by name."""
    (tmp_path / "sw.toml").write_text(
        'language = "sw"\nstatus = "reviewed"\ndate = 2026-11-01\nexpires = 2027-11-01\nmessage = []\n'
    )
    with pytest.raises(KitError, match=r"sw\.toml"):
        load_kits(tmp_path)


def test_no_number_without_confirmation(tmp_path: Path):
    """The kit prints no telephone number that was not dialled."""
    (tmp_path / "none.json").write_text("{}", encoding="utf-8")
    told = CliRunner().invoke(
        root, ["kit", "--out", str(tmp_path), "--helpline", "FI-1", "--confirmed", str(tmp_path / "none.json")]
    )

    assert told.exit_code == 2
    assert "not confirmed" in told.output


def test_score_counts_and_explains():
    """Right answers pass, wrong ones are explained, unknown exercises are refused."""
    course = load_course()
    perfect = grade({exercise.id: exercise.answer for exercise in course.exercise}, course)

    assert (perfect.right, perfect.passed) == (len(course.exercise), True)
    assert not grade({}, course).passed
    assert all(why for _, _, why in perfect.explained)
    with pytest.raises(CourseError):
        grade({"nope": 0}, course)


def test_gift_has_one_right_answer_each():
    """Each question of the GIFT file has exactly one option marked right."""
    blocks = [block for block in as_gift(load_course()).split("\n\n") if block.startswith("::")]

    assert len(load_course().exercise) == len(blocks)
    assert all(1 == len(re.findall(r"^  =", block, re.MULTILINE)) for block in blocks)


def test_every_exercise_belongs_to_a_lesson_and_page_has_no_script():
    """The page shows every question, with no script."""
    course = load_course()
    html = as_html(course)

    assert {e.lesson for e in course.exercise} <= {lesson.id for lesson in course.lesson}
    assert "<script" not in html
    assert len(course.exercise) == html.count("<details>")


def test_course_commands(tmp_path: Path):
    """Export and a scored file of answers work from the command line."""
    answers = tmp_path / "a.json"
    answers.write_text(json.dumps({exercise.id: exercise.answer for exercise in load_course().exercise}))
    run = CliRunner().invoke

    assert run(root, ["course", "export", "gift", "--out", str(tmp_path / "c.gift")]).exit_code == 0
    assert "passed" in run(root, ["course", "take", "--answers", str(answers)]).output


@pytest.mark.parametrize("command", [["kit", "--out", "kit"], ["serve", "--db", "c.db"]])
def test_confirmations_that_were_named_and_are_not_there_are_told(tmp_path, command):
    """A misspelt file is a message, not a kit or a console without telephone numbers."""
    result = CliRunner().invoke(root, [*command, "--confirmed", str(tmp_path / "helpline.json")])

    assert result.exit_code == 2 and "there is no such file" in result.output


@pytest.mark.parametrize("number", ["+358 …", "call 112 now", "０１２３４５", "12"])
def test_a_number_that_no_telephone_dials_is_not_confirmed(tmp_path, number):
    """What is shown to somebody in need can be dialled as it stands."""
    with pytest.raises(HelplineError, match="dialled"):
        confirm(tmp_path / "h.json", "FI-1", number, by="supervisor", on=TODAY)
