"""One act, several voices: who does it says it, who suffers it, somebody else; or it is a state, or an order."""

from __future__ import annotations

import pytest

from threelines.assess import assess
from threelines.records import Assessment, Record, Thread
from threelines.vocabulary.terms import Vocabulary

DOES = {
    "CTL-01": "I'll hurt you if you tell anyone.", "CTL-02": "I know where your family lives.",
    "CTL-03": "We will have you deported.", "CTL-04": "I will sell you to the next boss.",
    "CTL-05": "We let you go when the debt is paid.", "CTL-06": "We fine you for talking.",
    "CTL-07": "We took your passports.", "CTL-08": "We keep your phones.",
    "CTL-09": "We lock you in at night.", "CTL-10": "We don't let you call your mother.",
    "CTL-12": "We punish those who miss the target.", "CTL-14": "We won't pay you until the season ends.",
    "CTL-16": "I have your private videos.", "CTL-18": "We pay the police.",
    "CTL-19": "We make you recruit others.", "CTL-22": "We give you no food.",
    "CTL-26": "We extended your contract, like it or not.", "REC-06": "We send you on a tourist visa.",
    "REC-07": "We will tell you what to say at the border.", "REC-09": "We bring you across the border.",
    "REC-16": "We need a copy of your passport today.", "REC-17": "I will keep your passport.",
    "REC-18": "We charge a registration fee.", "REC-21": "We don't need a contract.",
}  # fmt: skip
SUFFERS = {
    "CTL-01": "They beat us if we refuse.", "CTL-02": "They will hurt my family.",
    "CTL-04": "They sold us to another company.", "CTL-05": "I must work off my debt.",
    "CTL-06": "They fine us for talking.", "CTL-07": "Our passports are with the boss.",
    "CTL-08": "They check our messages.", "CTL-09": "We are locked in at night.",
    "CTL-10": "They won't let me call my mother.", "CTL-12": "They beat us when we miss the target.",
    "CTL-14": "The boss keeps all my wages.", "CTL-16": "He threatens to post my private photos.",
    "CTL-19": "They made us recruit others.", "CTL-20": "We were made to do scams.",
    "CTL-22": "They give us no food.",
}  # fmt: skip
STATES = {
    "CTL-02": "If you talk, your family gets hurt.", "CTL-04": "You belong to the company now.",
    "CTL-05": "You stay here until the debt is paid back.", "CTL-06": "Every mistake costs you.",
    "CTL-07": "Your passport stays with me.", "CTL-08": "Your phone stays with the manager.",
    "CTL-09": "The doors are locked from outside.", "CTL-10": "Calls home are forbidden.",
    "CTL-12": "No sleep until the target is reached.", "CTL-13": "Shifts are eighteen hours a day.",
    "CTL-14": "Your salary goes to the agency.", "CTL-16": "Your private videos go to your school.",
    "CTL-18": "The police are on our side.", "CTL-22": "Medicine is withheld.",
    "REC-06": "The tourist visa is changed to a work permit there.", "REC-17": "Passports are collected on arrival.",
    "REC-18": "The placement fee must be paid.", "REC-19": "The ticket is deducted from your salary.",
    "REC-20": "Leaving early costs a penalty.", "REC-28": "Nobody leaves the compound.",
}  # fmt: skip
ORDERS = {
    "CTL-05": "Pay back the ticket, then you can leave.", "CTL-08": "Hand over your phone.",
    "CTL-09": "You may not leave.", "CTL-10": "You may not contact your family.",
    "CTL-18": "Never talk to the police.", "CTL-19": "Bring two girls and you can go.",
    "CTL-20": "You must scam strangers.", "REC-06": "Enter as a tourist.",
    "REC-07": "At the airport say you are visiting friends.", "REC-17": "Give us your passport.",
}  # fmt: skip
ORDINARY = (
    "Your passport stays with you.", "Hand over the keys to the neighbour.", "You may leave at five.",
    "We know where you parked the car.", "I will bring two friends and then we play.", "Nobody leaves a mess here, please.",
    "You stay here until the rain stops.", "Let me call my mother.", "My wages go to my bank account.",
    "We keep our phones charged.", "They read my book.", "I took my passport from the drawer.",
    "The bus brings you to the border of the park.", "We charge no registration fee.", "Call your family when you land.",
)  # fmt: skip
CAPTOR = (
    "Your passport stays with me until you pay back the ticket. If you go to the police your family gets hurt.",
    "We took your passports. You may not leave before the debt is paid.",
    "Hand over your phone. I know where your mother lives.",
    "We have your passport. You will not leave this house.",
    "You are not allowed to leave the building. We took your phones and your passports are with the boss.",
)  # fmt: skip
NOTICES = (
    "Exam rules: hand over your phone to the invigilator. You may not leave the hall before the end.",
    "Hand in your phones. You are not allowed to leave the room until the papers are collected.",
    "Consulate: we have your passport ready for collection. You may not leave the queue without your ticket.",
    "Visitors: hand over your phone at the reception desk. You may not leave the marked path. We have your passport at the "
    "gate, collect it on the way out.",
    "School trip: we have your passports, the teachers collect your phones at night. You may not leave the hotel without a "
    "teacher.",
    "Hospital: we have your documents. You are not allowed to leave the ward during quarantine. We keep your phone for you.",
    "Cruise: your passport stays with us until the last day. Nobody may leave the ship without the card.",
    "Phones are forbidden in the museum. Do not leave without permission of the guide.",
)
HARMED = (
    "Our passports are with the boss. We are locked in at night.",
    "They beat us if we refuse. They check our messages.",
    "They sold us to another company and they give us no food.",
)  # fmt: skip


def judged(text: str, vocabulary: Vocabulary) -> Assessment:
    """Judge one message by itself."""
    record = Record(id="r", author="a", text=text, kind="message")
    return assess(Thread(kind="conversation", id="t", records=(record,)), vocabulary)


def shown(text: str, vocabulary: Vocabulary) -> set[str]:
    """Return the signs that one message shows."""
    return {signal.indicator for signal in judged(text, vocabulary).signals}


@pytest.mark.parametrize("voice", [DOES, SUFFERS, STATES, ORDERS], ids=["does", "suffers", "state", "order"])
def test_a_sign_is_seen_in_every_voice(vocabulary: Vocabulary, voice: dict[str, str]):
    """A sign of control or recruitment shows in the words of who does it, who suffers it, as a state and as an order."""
    unseen = {name: text for name, text in voice.items() if name not in shown(text, vocabulary)}

    assert not unseen


def test_who_suffers_is_met_with_help(vocabulary: Vocabulary):
    """Whatever sign it is, who says that it is done to them is in need (SUP-03)."""
    untold = {name: text for name, text in SUFFERS.items() if "SUP-03" not in shown(text, vocabulary)}

    assert not untold


def test_who_does_it_is_not_taken_for_one_in_need(vocabulary: Vocabulary):
    """Who keeps, beats, orders or states it to "you" tells of no need of their own."""
    taken = {text for voice in (DOES, STATES, ORDERS) for text in voice.values() if judged(text, vocabulary).support}

    assert not taken


def test_ordinary_words_beside_these_forms_show_nothing(vocabulary: Vocabulary):
    """Everyday sentences of the same build show no sign that counts."""
    known = vocabulary.indicators
    seen = {text: {i for i in shown(text, vocabulary) if known[i].counts} for text in ORDINARY}

    assert not {text: signs for text, signs in seen.items() if signs}


@pytest.mark.parametrize("text", CAPTOR)
def test_the_words_of_who_keeps_somebody_come_first(vocabulary: Vocabulary, text: str):
    """Two signs of control said to "you" are priority, without the help flag."""
    found = judged(text, vocabulary)

    assert (found.tier, found.support) == ("priority", False)


@pytest.mark.parametrize("text", NOTICES)
def test_bare_orders_of_an_exam_or_a_journey_raise_nobody(vocabulary: Vocabulary, text: str):
    """Orders and states that any exam, ward, trip or consulate gives are weak signs: together they raise nothing."""
    found = judged(text, vocabulary)

    assert found.tier == "none"


@pytest.mark.parametrize("text", HARMED)
def test_the_same_acts_told_by_who_suffers_them_are_help(vocabulary: Vocabulary, text: str):
    """The same acts in the first person are met with help, at most as something to look at."""
    found = judged(text, vocabulary)

    assert (found.tier, found.support) == ("look", True)
