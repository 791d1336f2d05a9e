"""Detectors: each reads one kind of thread and yields what it saw, with the words.

The tuple `SIGNALS` is the whole list. A detector's docstring is what the moderator reads.
To add one: write the function in its family's module and name it here.
"""

from __future__ import annotations

from threelines.signals.contact import early_move, messenger_invite
from threelines.signals.detector import Detector, reads
from threelines.signals.media import declared_by_credentials
from threelines.signals.network import (
    one_contact_many_accounts,
    praise_posted_together,
    same_texts_in_network,
    tied_accounts,
)
from threelines.signals.persona import facts_that_drift, same_sentence_other_numbers
from threelines.signals.reach import conduct_towards_strangers, equal_in_many_languages
from threelines.signals.residue import assistant_phrase, untouched_placeholder
from threelines.signals.script import (
    posted_as_one,
    reworded_for_each,
    same_text_by_many,
    same_text_in_languages,
    same_text_other_contact,
)
from threelines.signals.slots import (
    asks_for_nothing,
    closed_destination,
    foreign_pay,
    named_place_of_work,
    no_interview,
    pay_against_band,
    scam_centre_role,
)
from threelines.signals.stage import staged_talk, staged_with_several
from threelines.signals.support import asks_or_reports
from threelines.signals.tempo import long_replies_at_once, many_talks_at_once, no_quiet_hours, regular_replies
from threelines.signals.wording import published_phrase

__all__ = ["SIGNALS", "Detector", "reads"]

SIGNALS: tuple[Detector, ...] = (
    # wording
    published_phrase,
    pay_against_band,
    asks_for_nothing,
    no_interview,
    scam_centre_role,
    named_place_of_work,
    foreign_pay,
    closed_destination,
    # contact
    messenger_invite,
    early_move,
    # support
    asks_or_reports,
    # residue
    assistant_phrase,
    untouched_placeholder,
    # media
    declared_by_credentials,
    # tempo
    long_replies_at_once,
    regular_replies,
    no_quiet_hours,
    many_talks_at_once,
    # reach
    conduct_towards_strangers,
    equal_in_many_languages,
    # persona
    facts_that_drift,
    same_sentence_other_numbers,
    # stage
    staged_talk,
    staged_with_several,
    # script
    same_text_by_many,
    same_text_other_contact,
    posted_as_one,
    reworded_for_each,
    same_text_in_languages,
    # network
    tied_accounts,
    one_contact_many_accounts,
    same_texts_in_network,
    praise_posted_together,
)
