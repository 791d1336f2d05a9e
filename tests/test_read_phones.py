"""What people download from Facebook, Messenger and Instagram, and what is backed up of a phone's text messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.platforms.read import ReadReport, android_sms, read
from threelines.platforms.read.android_sms import OWNER
from threelines.records import Record

TIME = datetime(2024, 2, 13, 9, 15, tzinfo=UTC)
MS = int(TIME.timestamp() * 1000)


def records(path: Path, *, reveal: bool = True) -> tuple[list[Record], ReadReport]:
    """Read one file."""
    report = ReadReport()
    return list(read([path], report=report, reveal=reveal, key=b"k" * 32)), report


def garbled(text: str) -> str:
    """Return the text as Meta's older downloads write it."""
    return text.encode().decode("latin-1")


def meta(folder: Path, *messages: dict[str, object], members: tuple[str, ...] = ("Žana Ex", "Bo")) -> Path:
    """Write a download of one chat."""
    path = folder / "message_1.json"
    chat = {
        "participants": [{"name": garbled(name)} for name in members],
        "messages": [{"sender_name": garbled("Žana Ex"), "timestamp_ms": MS, **one} for one in messages],
        "title": "Bo", "is_still_participant": True, "thread_path": "inbox/bo_123",
    }  # fmt: skip
    path.write_text(json.dumps(chat, indent=2), encoding="utf-8")
    return path


def test_a_download_of_facebook_is_read_with_whole_letters(tmp_path: Path):
    """Sender, other member, time, text, link and pictures; bytes written as letters are put together."""
    path = meta(
        tmp_path, {"content": garbled("Sve će biti u redu 🙂"), "share": {"link": "https://example.org/a"}},
        {"photos": [{"uri": "messages/photos/1.jpg"}]}, {"content": "gone", "is_unsent": True},
        {"content": "Bo called you.", "type": "Call"},
    )  # fmt: skip
    found, report = records(path)
    first, picture, unsent, call = found

    assert report.formats == {"message_1.json": "meta"}
    assert (first.author, first.audience, first.time) == ("Žana Ex", ("Bo",), TIME)
    assert first.text == "Sve će biti u redu 🙂\nhttps://example.org/a"
    assert [one.name for one in picture.attachments] == ["messages/photos/1.jpg"]
    assert (unsent.extra["unsent"], call.kind) == (True, "system")
    assert (report.skipped, report.repaired) == (0, 0)


def test_the_words_of_an_encrypted_chat_are_read(tmp_path: Path):
    """Messenger's download of encrypted chats calls everything otherwise."""
    path = tmp_path / "Bo_1.json"
    message = {"senderName": "Ana", "text": "Hello", "timestamp": MS, "type": "text", "media": [{"uri": "./a.jpg"}]}
    path.write_text(json.dumps({"participants": ["Ana", "Bo"], "threadName": "Bo_1", "messages": [message]}))
    [one], _ = records(path)

    assert (one.author, one.audience, one.text, one.time) == ("Ana", ("Bo",), "Hello", TIME)
    assert [each.name for each in one.attachments] == ["./a.jpg"]


def test_no_name_of_a_download_is_kept_unless_revealed(tmp_path: Path):
    """The only accounts are names, and the chat is called after a person: all become tokens."""
    path = meta(tmp_path, {"content": "Hello", "photos": [{"uri": "messages/inbox/bo_123/photos/1.jpg"}]})
    [one], _ = records(path, reveal=False)

    assert not any(name in repr(one) for name in ("Žana", "Bo", "bo_123"))


@pytest.mark.parametrize("reveal", [True, False])
def test_the_files_of_one_chat_give_each_message_an_id_of_its_own(tmp_path: Path, reveal: bool):
    """A long chat comes in several files, and a phone in several backups: they number from 1 each, and are one conversation."""
    for number in (1, 2, 3):
        part = meta(tmp_path, {"content": "Hello"}, {"content": "Ho"})
        (tmp_path / "ana_ex" / str(number)).mkdir(parents=True)
        part.rename(tmp_path / "ana_ex" / str(number) / part.name)
        (tmp_path / f"ana_ex_{number}.xml").write_text(sms(RECEIVED, SENT), encoding="utf-8")
    found, _ = records(tmp_path, reveal=reveal)

    assert len({one.id for one in found}) == len({one.source for one in found}) == 12
    assert len({one.conversation for one in found}) == 2
    assert reveal or "ana_ex" not in repr(found)


def sms(*elements: str) -> str:
    """Return a backup that holds these elements."""
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<smses count="{len(elements)}">\n{"".join(elements)}</smses>'


RECEIVED = f'<sms protocol="0" address="+380501112233" date="{MS}" type="1" subject="null" body="Come &amp; see &#55357;&#56842;" contact_name="Ana" />\n'
SENT = f'<sms address="+380501112233" date="{MS}" type="2" body="Who is this?" contact_name="(Unknown)" />\n'
PICTURE = (
    f'<mms address="+380501112233~+380671112233" date="{MS}" msg_box="1" sub="null"><parts><part ct="application/smil" text="x" />'
    '<part ct="image/jpeg" cl="a.jpg" data="AAAA" /><part ct="text/plain" text="Look" /></parts>'
    '<addrs><addr address="+380671112233" type="137" /><addr address="insert-address-token" type="151" /></addrs></mms>\n'
)


def test_a_backup_of_text_messages_is_read(tmp_path: Path):
    """Who wrote to whom, when, an emoji in two halves, a picture message with its parts and its sender."""
    path = tmp_path / "sms-20240213.xml"
    path.write_text(sms(RECEIVED, SENT, PICTURE), encoding="utf-8")
    (received, sent, picture), report = records(path)

    assert report.formats == {path.name: "android_sms"}
    assert (received.author, received.audience, received.time) == ("+380501112233", (OWNER,), TIME)
    assert (received.text, received.extra) == ("Come & see 😊", {"contact_name": "Ana"})
    assert (sent.author, sent.audience, sent.conversation) == (OWNER, ("+380501112233",), received.conversation)
    assert (picture.author, picture.text) == ("+380671112233", "Look")
    assert [(one.name, one.media_type) for one in picture.attachments] == [("a.jpg", "image/jpeg")]
    assert (report.skipped, report.repaired) == (0, 0)


def test_no_number_of_a_backup_is_kept_unless_revealed(tmp_path: Path):
    """Numbers and names become tokens, the number in the name of a chat too."""
    path = tmp_path / "sms.xml"
    path.write_text(sms(RECEIVED, PICTURE), encoding="utf-8")
    found, _ = records(path, reveal=False)

    assert not any(part in repr(found) for part in ("38050", "38067", "Ana"))


@pytest.mark.parametrize("fault", ["<!DOCTYPE smses [<!ENTITY a \"aaaa\">]>", "<sms <", "<?xml ?>"])  # fmt: skip
def test_a_broken_backup_gives_what_stands_before(tmp_path: Path, fault: str):
    """What is no XML of the app, entities above all, ends the file as one skip; messages before it are read."""
    path = tmp_path / "sms.xml"
    path.write_text("<smses count='2'>" + RECEIVED + fault + SENT + "</smses>", encoding="utf-8")
    found, report = records(path)

    assert (len(found), report.skipped) == (1, 1)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("size", [40_000, 65_536, 300_000])
def test_a_long_video_in_a_backup_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quote: str, size: int
):
    """The bytes of a part are not kept, so their length ends nothing: the messages behind are read, and the part is named."""
    monkeypatch.setattr(android_sms, "LIMIT", 100_000)
    video = f"<part ct='video/mp4' text='a data=\"b' cl='a.mp4' data={quote}{'A' * size}{quote} seq='0' />"
    path = tmp_path / "sms.xml"
    path.write_text(sms(RECEIVED, PICTURE.replace("</parts>", f"{video}</parts>"), SENT), encoding="utf-8")
    (_, picture, sent), report = records(path)

    assert (sent.author, picture.text, report.skipped) == (OWNER, "Look", 0)
    assert [(one.name, one.media_type) for one in picture.attachments][1] == ("a.mp4", "video/mp4")


def test_a_video_without_an_end_is_where_a_backup_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Passed over to the end of the file, it is told as what it is."""
    monkeypatch.setattr(android_sms, "LIMIT", 100_000)
    path = tmp_path / "sms.xml"
    path.write_text("<smses>" + RECEIVED + "<mms><parts><part data='" + "A" * 300_000, encoding="utf-8")
    found, report = records(path)

    assert (len(found), report.skipped) == (1, 1)
    assert "breaks off" in report.examples[0].reason and "longer" not in report.examples[0].reason


def test_words_that_look_like_the_bytes_of_a_part_are_kept(tmp_path: Path):
    """Only a part holds bytes: a message of this length keeps each of its letters."""
    path = tmp_path / "sms.xml"
    body = 'see <part data="' + "A" * 200_000
    path.write_text(sms(f"<sms type='2' body='{body.replace('<', '&lt;')}' />"), encoding="utf-8")
    [one], _ = records(path)

    assert one.text == body


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=40))
def test_every_text_comes_back_as_it_was_sent(tmp_path_factory: pytest.TempPathFactory, text: str):
    """Whatever was written, by reference in UTF-16 as the app does: no letter is lost or made up."""
    path = tmp_path_factory.mktemp("sms") / "sms.xml"
    raw = text.encode("utf-16-be")
    body = "".join(f"&#{int.from_bytes(raw[at : at + 2], 'big')};" for at in range(0, len(raw), 2))
    path.write_text(sms(f'<sms address="+380501112233" date="{MS}" type="1" body="{body}" />'), encoding="utf-8")
    [one], report = records(path)

    assert (one.text, report.skipped) == (text, 0)
