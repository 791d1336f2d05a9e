"""The report: self-contained, hostile text inert, every finding with its source and innocent explanation."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.posters import need
from threelines.cli.main import root
from threelines.engine.local import Plan, run
from threelines.platforms.report import SHOWN, Report, decode
from threelines.records import Record
from threelines.vocabulary.terms import load

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> Work in Myawaddy on a tourist visa, no experience needed, 5,000 USD a month. We keep your passport. \"'>"


def page(records: list[Record]) -> str:
    """Scan and return the report."""
    vocabulary = load()
    report = Report(vocabulary, inputs=("<b>evil</b>.csv",))
    for batch in run(records, Plan(vocabulary=vocabulary, texts=True), jobs=1):
        for found in batch.found:
            report.add(decode(found.line), found.texts)
    return report.page(judged={"advert": len(records)})


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.seen.append((tag, dict(attrs)))


def test_hostile_text_stays_text():
    """Markup in a record, a file name or an id is shown, never run."""
    parser = Tags()
    parser.feed(page([Record(id='"><script>x</script>', kind="advert", text=HOSTILE)]))

    assert not [
        tag
        for tag, attrs in parser.seen
        if tag in ("script", "img", "iframe") or any(name.startswith("on") for name in attrs)
    ]


def test_no_outside_asset():
    """The page loads nothing: no address in a src, a stylesheet or a script; a policy forbids the rest."""
    html = page([Record(id="a", kind="advert", text=HOSTILE)])

    assert "default-src 'none'" in html
    assert not re.search(r"<(link|script|img|iframe)\b|url\(|@import", html)


def test_every_finding_opens_into_words_source_and_innocent_explanation():
    """Quote, indicator, source, innocent explanation, next step and what must not be done stand there."""
    html = page([Record(id="a", kind="advert", text=HOSTILE)])

    for words in ("<mark>", "Innocent explanation", "Evidence:", "Do next.", "Do not.", "A person decides"):
        assert words in html


def test_right_to_left_and_keyboard():
    """Quotes take their direction from their text; findings can be reached and opened by keyboard."""
    html = page([Record(id="a", kind="advert", text=HOSTILE)])

    assert 'dir="auto"' in html
    assert 'tabindex="0"' in html
    assert "<summary>" in html


def test_memory_of_the_report_is_bounded():
    """However many findings there are, the page holds the most concerning ones and counts the rest."""
    records = [Record(id=f"a{n}", kind="advert", text=HOSTILE) for n in range(SHOWN + 30)]
    html = page(records)

    assert SHOWN == html.count("<article")
    assert "30 further threads" in html


def test_nothing_raised_is_no_promise():
    """An empty report says that words can look innocent."""
    assert "no proof of safety" in page([Record(id="a", text="see you tomorrow")])


def scanned(tmp_path: Path, *arguments: str) -> str:
    """Run `threelines scan` with a report, and return the report."""
    key, out = tmp_path / "key", tmp_path / "report.html"
    key.write_text("a key for the tests only")
    done = CliRunner().invoke(root, ["scan", *arguments, "--key-file", str(key), "--report", str(out)])
    assert done.exit_code == 0, done.output
    return out.read_text(encoding="utf-8")


@pytest.mark.parametrize("revealed", [False, True])
def test_a_report_names_no_person_by_the_name_of_a_file(tmp_path: Path, revealed: bool):
    """A WhatsApp file is named for the one who writes: the report has its token, and with `--reveal` the name."""
    chat = tmp_path / "WhatsApp Chat with Ann.txt"
    chat.write_text("12/03/2024, 09:00 - Ann: hello\n12/03/2024, 09:01 - Bob: hi\n")

    assert revealed == ("Ann" in scanned(tmp_path, str(chat), *["--reveal"] * revealed))


@pytest.mark.parametrize("level", [[], ["--rate", "60%"], ["--budget", "3/day"]])
def test_quotes_stand_among_their_words_at_every_level(tmp_path: Path, level: list[str]):
    """A level of the platform's own changes which threads are shown, not how much of them."""
    texts = [HOSTILE.replace("</script>", f"</script> Cook number {number} is wanted here.") for number in range(2)]
    lines = [
        {"id": f"r{number}", "kind": "advert", "text": text} for number, text in enumerate([*texts, "a", "b", "c"])
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))

    assert "is wanted here." in scanned(tmp_path, str(path), *level, "--jobs", "1")


def jsonl(tmp_path: Path, *lines: str | bytes) -> str:
    """Write lines to a file and return its path."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return str(path)


QUIET = json.dumps({"id": "q", "kind": "advert", "text": "Gardener wanted, Mondays, in our village."})


def test_what_was_skipped_or_repaired_stands_in_the_report(tmp_path: Path):
    """Counts, places and reasons stand in the page as on the terminal; nothing raised is no all clear then."""
    html = scanned(tmp_path, jsonl(tmp_path, QUIET, "not <json>", b'{"id": "r", "text": "caf\xe9"}'), "--jobs", "1")

    assert "read 2 records (jsonl), skipped 1, repaired 1" in html
    assert re.search(r"<li[^>]*>a\.jsonl:2: no JSON", html)
    assert re.search(r"<li[^>]*>a\.jsonl:3: bytes that are not UTF-8 were replaced", html)
    assert "Nothing was raised, but not all was read as it stands" in html
    assert html.count("; not all was read") == 2


@pytest.mark.parametrize("level", [[], ["--rate", "60%"]])
def test_more_faults_than_are_shown_are_counted(tmp_path: Path, level: list[str]):
    """The page names the first faults and counts the rest, at the platform's own level, too."""
    html = scanned(tmp_path, jsonl(tmp_path, QUIET, *["broken"] * 30), "--jobs", "1", *level)

    assert "skipped 30" in html
    assert "… and 26 more" in html


def test_a_report_of_all_says_nothing_of_unread_parts(tmp_path: Path):
    """Where everything was read, no box says otherwise."""
    html = scanned(tmp_path, jsonl(tmp_path, QUIET), "--jobs", "1")

    assert "not all was read" not in html
    assert "Not all was read" not in html


@pytest.mark.parametrize("revealed", [False, True])
def test_an_unread_part_names_no_person_either(tmp_path: Path, revealed: bool):
    """A WhatsApp file is named for a person, a file of no known format may be: their faults are placed by a token."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "WhatsApp Chat with Ann.txt").write_bytes(b"12/03/2024, 09:00 - Ann: caf\xe9\n")
    (folder / "Ann.bin").write_bytes(b"\0\1\2")
    (folder / "jobs.jsonl").write_text(QUIET + "\nbroken")
    html = scanned(tmp_path, str(folder), "--jobs", "1", *["--reveal"] * revealed)

    assert revealed == ("Ann" in html)
    assert revealed == ("Ann.bin" in html)
    assert "jobs.jsonl:2: no JSON" in html
    assert "this is a binary file" in html
    assert "bytes that are not UTF-8 were replaced" in html


def test_what_the_analyst_left_unread_stands_in_the_report(tmp_path: Path):
    """An analyst that nobody answers for is no second look: asked, discarded and failed stand in the page."""
    raised = json.dumps({"id": "a", "kind": "advert", "text": HOSTILE})
    html = scanned(
        tmp_path, jsonl(tmp_path, raised), "--analyst", "http://127.0.0.1:9/v1", "--analyst-log", str(tmp_path / "log")
    )

    assert "1 thread asked about" in html
    assert "1 failed (1 no connection)" in html
    assert "Not all was read as it stands" in html


def test_pictures_that_were_missing_stand_in_the_report(tmp_path: Path):
    """A picture that a record names and the folder has not was looked at by nobody."""
    need("tesseract")
    (tmp_path / "media").mkdir()
    line = json.dumps({"id": "a", "kind": "advert", "text": "see the picture", "attachments": [{"name": "a.png"}]})
    html = scanned(tmp_path, jsonl(tmp_path, line), "--media", str(tmp_path / "media"), "--jobs", "1")

    assert "1 missing" in html
    assert "; not all was read" in html
