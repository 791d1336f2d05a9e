"""Contact: an invitation to another messenger, and how early it comes."""

from __future__ import annotations

import pytest

from threelines.records import Record, Thread
from threelines.signals.contact import EARLY, early_move, messenger_invite
from threelines.vocabulary.terms import Vocabulary


def talk(*texts: str) -> Thread:
    """Return a conversation of these messages by two people in turn."""
    records = tuple(Record(id=str(i), author="ab"[i % 2], conversation="c", text=t) for i, t in enumerate(texts))
    return Thread(kind="conversation", id="c", records=records)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("write to me: https://t.me/desk_77, thanks", "t.me/desk_77"), ("My Telegram is @desk_77.", "Telegram is @desk_77"),
        ("WhatsApp: +855 12 345 678", "WhatsApp: +855 12 345 678"), ("加微信 abc_12345 详聊", "微信 abc_12345"),
    ],
)  # fmt: skip
def test_an_invitation_is_quoted_with_its_handle(vocabulary: Vocabulary, text: str, quote: str):
    """A link, or a messenger's name beside a handle or number, is an invitation."""
    assert [quote] == [signal.quote for signal in messenger_invite(talk(text), vocabulary)]


@pytest.mark.parametrize(
    "text", ["I saw it on Telegram yesterday", "@user hello", "wire line 12", "微信红包、春节红包"]
)
def test_a_bare_name_is_no_invitation(vocabulary: Vocabulary, text: str):
    """A messenger's name without a handle, or a handle without a messenger, says nothing."""
    assert not list(messenger_invite(talk(text), vocabulary))


def test_the_turn_of_the_move_is_said(vocabulary: Vocabulary):
    """BEH-08 names the message in which the move is asked for, and only while the talk is young."""
    early = list(early_move(talk("hi", "hello", "write me, t.me/desk_77"), vocabulary))
    late = list(early_move(talk(*["hi"] * EARLY, "write me, t.me/desk_77"), vocabulary))

    assert "message 3" in early[0].detail
    assert not late
