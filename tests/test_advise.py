"""Advice for a person with an offer: plain signs, open fallback, no number before somebody dialled it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from threelines.cli.check import command as check
from threelines.cli.main import root
from threelines.people.advise import advise, as_text
from threelines.people.helplines import HelplineError, confirm, confirmations, helplines, shown
from threelines.records import ThreelinesError
from threelines.vocabulary.terms import load

TODAY = date(2026, 11, 24)
OFFER = "Online customer service abroad, very high pay, no experience needed. Enter on a tourist visa, we fix the permit later. We keep your passport."


def test_no_number_is_shown_before_it_was_dialled():
    """Until the deployer has confirmed one, no helpline shows a number, wherever it could hide."""
    entries = shown({}, today=TODAY)

    assert len(entries) > 50
    assert not [entry for entry in entries if entry.number or re.search(r"\b\d{3,}\b", entry.organisation)]
    assert not re.search(r"\+?\d[\d ]{5,}", as_text(advise("hello", load(), today=TODAY)))


def test_confirmed_number_is_shown_until_it_expires(tmp_path: Path):
    """One recorded step, dated; afterwards the number is gone by itself."""
    path, name = tmp_path / "h.json", "FI-1"
    confirm(path, name, "+358 295 463 177", by="shift lead", on=TODAY, days=30)
    known = confirmations(path)

    assert "+358 295 463 177" == shown(known, today=TODAY, countries=["fi"])[0].number
    assert "" == shown(known, today=TODAY + timedelta(days=30), countries=["fi"])[0].number


@pytest.mark.parametrize(
    ("name", "number", "by"), [("XX-9", "12345", "me"), ("FI-1", "call us", "me"), ("FI-1", "12345", " ")]
)
def test_confirmation_needs_all_three(tmp_path: Path, name: str, number: str, by: str):
    """An unknown line, a number without digits, or nobody who dialled: refused with a reason."""
    with pytest.raises(HelplineError):
        confirm(tmp_path / "h.json", name, number, by=by, on=TODAY)


def test_offer_with_published_signs_says_so_and_explains():
    """Signs come with the words, an innocent explanation and who published them."""
    advice = advise(OFFER, load(), today=TODAY)

    assert advice.level in ("signs_many", "signs_some")
    assert advice.signs
    assert all(sign.innocent and sign.why and (not sign.quote or sign.quote in OFFER) for sign in advice.signs)
    assert 3 == len(advice.steps)


def test_ordinary_offer_does_not_frighten():
    """A plain advert shows no sign, and the answer does not promise safety."""
    advice = advise(
        "Bakery in town looks for a shop assistant, Monday to Friday, contract, wages by law.", load(), today=TODAY
    )

    assert "signs_none" == advice.level
    assert "not a promise" in advice.headline


def test_unreviewed_language_falls_back_openly():
    """A translation that nobody has reviewed is not shown; the answer says so."""
    advice = advise("hello", load(), language="th", today=TODAY)

    assert ("en", "th") == (advice.language, advice.asked)
    assert advice.note


@pytest.mark.parametrize(
    ("asked", "name"), [("de", "Deutsch"), ("pt-BR", "Português"), ("hi", "हिन्दी"), ("ko,en;q=0.5", "한국어")]
)
def test_a_language_without_a_file_falls_back_openly(asked: str, name: str):
    """Where no translation exists at all, the answer says so, too; English itself has no such note."""
    advice = advise("hello", load(), language=asked, today=TODAY)

    assert ("en", asked[:2]) == (advice.language, advice.asked)
    assert advice.note.endswith(name)
    assert not advise("hello", load(), language="en", today=TODAY).note


def test_someone_in_need_gets_no_steps_for_an_offer():
    """A plea in Thai is not answered with "before you answer, pay or travel"; what to do speaks to the reader."""
    advice = advise("เขายึดพาสปอร์ตของเราและกักขังเราไว้ ช่วยด้วย", load(), language="th", today=TODAY)
    text = as_text(advice)

    assert advice.support
    assert not advice.steps
    assert "before you answer" not in text
    assert "What you can do: Your embassy" in text
    assert "Offer the embassy" not in text


def test_somebody_in_need_gets_no_words_for_an_offer():
    """No innocent reading, nothing about AI in an offer, and no advice that comes before one takes a job."""
    plea = "You pay the visa fee before you start. They took my passport and I cannot leave. Please help me."
    advice = advise(plea, load(), today=TODAY)

    assert {sign.indicator[:3] for sign in advice.signs} == {"CTL", "REC"}
    assert not [sign for sign in advice.signs if sign.innocent or (sign.ask and sign.indicator[:3] != "CTL")]
    assert not advice.ai
    assert "harmless" not in as_text(advice)


@pytest.mark.parametrize("country", [[], ["--country", "TZ"], ["--country", "SA"], ["--country", "LB"]])
def test_a_plea_never_ends_without_a_place_to_turn_to(country: list[str]):
    """Where no country is named or none is listed, organisations of no single country stand below "the places below"."""
    told = CliRunner().invoke(check, ["I am forced into prostitution", *country]).stdout

    assert told.startswith("It sounds as if you")
    assert "find their number on their own page https://" in told


def test_a_plea_at_the_end_of_a_long_paste_is_read():
    """A long chat is read to its end."""
    advice = advise("The weather was nice. " * 1_000 + "They force me to work, please help me", load(), today=TODAY)

    assert (True, "") == (advice.support, advice.unread)


def test_who_asks_whether_an_offer_is_safe_gets_the_steps():
    """A question about an offer is support, and the offer is still to be weighed."""
    advice = advise("Is this job offer safe? " + OFFER, load(), today=TODAY)

    assert advice.support
    assert 3 == len(advice.steps)


def test_help_comes_first_for_somebody_in_need():
    """Who tells what happened to them gets help first, not a list of suspicions."""
    advice = advise("They took my passport and I am locked in. Please help me, who can I call?", load(), today=TODAY)

    assert advice.support
    assert as_text(advice).startswith("It sounds as if you")


def test_command_answers_and_keeps_nothing(tmp_path: Path):
    """The command prints the answer, writes no file, and refuses an empty offer with a reason."""
    with CliRunner().isolated_filesystem(temp_dir=tmp_path) as folder:
        told = CliRunner().invoke(check, [OFFER])
        empty = CliRunner().invoke(check, input="  ")
        left = list(Path(folder).iterdir())

    assert (0, 2) == (told.exit_code, empty.exit_code)
    assert [] == left
    assert "nothing to look at" in empty.output


REASSURED = "none of the known signs"


def test_a_dash_is_standard_input():
    """`-` reads what is piped in, as no words do; nothing is said about the dash itself."""
    for arguments in (["-"], []):
        told = CliRunner().invoke(check, arguments, input=OFFER)

        assert 0 == told.exit_code
        assert "We keep your passport" in told.output


def test_the_name_of_a_file_is_no_offer(tmp_path: Path):
    """Who gives a path as WORDS is told of --file, and is not reassured about the name; nor about a folder's."""
    offer = tmp_path / "offer.txt"
    offer.write_text(OFFER)
    for words, advice in ((str(offer), f"did you mean --file {offer}?"), (str(tmp_path), "a folder")):
        told = CliRunner().invoke(check, [words])

        assert 2 == told.exit_code
        assert advice in told.output
        assert REASSURED not in told.output


@pytest.mark.parametrize("words", ["Cook wanted. " * 400, "a\nb", "/", "~", "no such file.txt", "  "])
def test_words_that_no_path_can_be(words: str):
    """Words longer than any name, with line ends or of one sign are words, a path or nothing: never a traceback."""
    assert CliRunner().invoke(check, [words]).exit_code in (0, 2)


@pytest.mark.parametrize("encoding", ["gb18030", "koi8-r", "shift_jis"])
@pytest.mark.parametrize("way", ["file", "standard input", "words"])
@pytest.mark.parametrize("json", [False, True])
def test_bytes_that_are_no_utf_8_are_not_called_harmless(tmp_path: Path, encoding: str, way: str, json: bool):
    """An offer in another encoding was not read: that is said, however it came in, and nobody is reassured."""
    text = "高収入の仕事、旅券を預かります" if encoding != "koi8-r" else "Высокая зарплата, паспорт останется у нас"
    raw = text.encode(encoding)
    (tmp_path / "offer.csv").write_bytes(raw)
    arguments = {
        "file": ["--file", str(tmp_path / "offer.csv")],
        "standard input": ["-"],
        "words": [raw.decode("utf-8", "surrogateescape")],
    }
    told = CliRunner().invoke(check, [*arguments[way], *["--json"] * json], input=raw)

    assert 0 == told.exit_code
    assert "could not be read" in told.output
    assert "we cannot say" in told.output
    assert REASSURED not in told.output
    assert "signs_none" not in told.output


def test_signs_beside_unreadable_bytes_are_shown(tmp_path: Path):
    """One stray byte hides no sign that was seen, and is named before the headline."""
    offer = tmp_path / "offer.txt"
    offer.write_bytes(b"caf\xe9 " + OFFER.encode())
    told = CliRunner().invoke(check, ["--file", str(offer)]).output

    assert told.startswith("Part of this could not be read")
    assert "We keep your passport" in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_are_read(tmp_path: Path, encoding: str):
    """UTF-8 and UTF-16 by its mark are read whole, so nothing is said of unread parts."""
    offer = tmp_path / "offer.txt"
    offer.write_bytes("我们的面包店招聘店员".encode(encoding))
    told = CliRunner().invoke(check, ["--file", str(offer)]).output

    assert told.startswith("We saw none")


def test_an_offer_that_is_too_long_is_not_called_harmless():
    """What stands beyond the part that is looked at is said to be unread."""
    advice = advise("Gardener wanted in our village. " * 4_000 + OFFER, load(), today=TODAY)

    assert "unread" == advice.level
    assert "100,000" in advice.unread


def test_words_and_a_file_are_not_both_an_offer(tmp_path: Path):
    """Neither is left out in silence."""
    (tmp_path / "o").write_text("Gardener wanted.")
    told = CliRunner().invoke(check, [OFFER, "--file", str(tmp_path / "o")])

    assert (2, True) == (told.exit_code, "not both" in told.output)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--country", "FRA"], "'FRA' is no country code"),
        (["--country", "ZZ"], "'ZZ' is no country code"),
        (["--country", "KE", "--country", "UK"], "the United Kingdom is GB"),
        (["--language", "xx"], "'xx' is no language code"),
        (["--language", "English"], "'English' is no language code"),
        (["--confirmed", "nope.json"], "nope.json: there is no such file"),
    ],
)
def test_what_means_nothing_is_refused(arguments: list[str], told: str):
    """A code of no country or language, or a file that is not there, is named and no answer is given for another."""
    done = CliRunner().invoke(root, ["check", "Gardener wanted.", *arguments])

    assert told in f"{done.output} {done.exception}"
    assert isinstance(done.exception, SystemExit | ThreelinesError)
    assert REASSURED not in done.output


@pytest.mark.parametrize("json", [False, True])
def test_a_country_without_an_organisation_is_told(json: bool):
    """Nobody is left to think that the list was looked at and forgotten; a listed country beside it is shown."""
    done = CliRunner().invoke(check, ["Gardener wanted.", "--country", "af", "--country", "FI", *["--json"] * json])

    assert 0 == done.exit_code
    assert "No organisation is listed for AF" in (done.stderr if json else done.stdout)
    assert "listed for FI" not in done.output
    assert "migri.fi" in done.stdout


@pytest.mark.parametrize(("asked", "code", "note"), [("it", "it", True), ("fra", "fr", True), ("eng", "en", False)])
def test_a_language_without_words_is_told(asked: str, code: str, note: bool):
    """Also where nobody has begun a translation; a code of three letters is the same language."""
    advice = advise("hello", load(), language=asked, today=TODAY)

    assert ("en", code, note) == (advice.language, advice.asked, bool(advice.note))


def test_every_helpline_is_sourced_or_says_so():
    """Each entry names its source or is marked unverified."""
    bare = [entry.id for entry in helplines().values() if not entry.source and "unverified" not in entry.evidence]

    assert [] == bare
    assert msgspec.json.encode(list(helplines().values()))
