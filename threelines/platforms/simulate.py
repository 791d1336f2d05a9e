"""Simulate a platform: ordinary users, look-alikes, and a few accounts that ought to be found.

Ranges stand in `simulation/roles.toml`, each with its source or named an assumption. Every account
writes from its own stream of random numbers, so the same seed gives the same bytes and memory does not
grow with the number of accounts. The truth goes to another file: nothing in the records tells it.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from statistics import NormalDist
from typing import IO, Any, Literal

import msgspec

from threelines.platforms.chatter import Chatter, Draw, Sentence, stream
from threelines.records import ThreelinesError

START = datetime(2025, 3, 3, tzinfo=UTC)
"""First moment of every simulated platform, a Monday."""
DAY = 86_400
LONGEST_TALK = 487
LONGEST_DAYS = 46.0
"""Messages and days of the longest talk: S56 CHATTERBOX."""
MOVED_TALKS_THAT_END = 0.5
TO_SUPPORT = 0.25
"""Assumptions: share of talks that end here once moved; share of private openings that go to a support desk."""
GROUP = 5
"""Assumption: accounts that share one script and one contact."""

CACHED = 20_000
"""Accounts kept ready, about 1 KB each; the others are computed again when they are met."""

_NORMAL = [NormalDist().inv_cdf((i + 0.5) / 4096) for i in range(4096)]
_CLOCK = [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in range(DAY)]

Range = tuple[float, float]


class SimulationError(ThreelinesError):
    """The simulation cannot be made as asked."""


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ranges of one role; `simulation/roles.toml` explains each."""

    standing: Literal["ordinary", "look_alike", "concern"] = msgspec.field(name="class")
    share: float = 0.0
    ai: bool = False
    night: bool = False
    weekdays: bool = False
    friends: Range = (0.0, 0.0)
    openings_per_day: Range
    answered: Range
    talk_messages: Range
    talk_days: Range
    moves: Range
    move_turn: Range
    first_contact: Range
    hours_on: Range
    reply_seconds: Range
    seconds_per_word: Range
    spread: Range
    words: Range
    languages: Range
    reuse: Range
    adverts_per_day: Range
    groups_per_day: Range = (0.0, 0.0)
    group_size: Range = (3.0, 8.0)
    inbound: Range = (1.0, 1.0)
    sourced: dict[str, str] = {}
    note: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account with its own values."""

    id: str
    number: int
    role: str
    standing: str
    group: str
    handle: str
    awake_from: int
    awake: int
    weekdays: bool
    reply_seconds: float
    seconds_per_word: float
    spread: float
    words: float
    languages: tuple[str, ...]
    values: dict[str, float]


@cache
def roles() -> dict[str, Role]:
    """Return the roles by name, ordinary first."""
    path = files("threelines") / "platforms" / "simulation" / "roles.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Role])


class Population:
    """Who is who, computed from the seed whenever it is asked for; nothing is stored."""

    def __init__(self, accounts: int, seed: int, chatter: Chatter) -> None:
        if accounts < 60:
            raise SimulationError(f"--accounts {accounts}: too few for every role to be present; use 60 or more")
        self.size, self.seed, self.languages = accounts, seed, chatter.languages
        self.starts: list[tuple[int, str]] = []
        at = accounts
        for name, role in roles().items():
            if role.standing != "ordinary":
                at -= max(2, round(role.share * accounts))
                self.starts.append((at, name))
        self.support = next((end, start) for start, name, end in self._spans() if name == "support_agents")
        self._step = next(s for s in range(int(accounts * 0.618) | 1, 2 * accounts + 2) if math.gcd(s, accounts) == 1)
        self.account = lru_cache(maxsize=CACHED)(self._account)

    def _spans(self) -> Iterator[tuple[int, str, int]]:
        end = self.size
        for start, name in self.starts:
            yield start, name, end
            end = start

    def at(self, place: int) -> Account:
        """Return the account at a place of the file; places tell nothing about roles."""
        return self.account(place * self._step % self.size)

    def role_of(self, number: int) -> tuple[str, int]:
        """Return the role of an account and its place among those of the role."""
        for start, name in self.starts:
            if number >= start:
                return name, number - start
        return "ordinary", number

    def _account(self, number: int) -> Account:
        name, place = self.role_of(number)
        role, draw = roles()[name], stream(self.seed, number)
        value = {key: _log_uniform(getattr(role, key), draw()) for key in _RANGES}
        grouped = role.standing == "concern"
        group = f"{name}-{place // GROUP}" if grouped else ""
        shared = stream(self.seed, group or number)
        spoken = [self.languages[int(shared() * len(self.languages))]]
        while len(spoken) < min(round(value["languages"]), len(self.languages)):
            spoken += [c for c in [self.languages[int(draw() * len(self.languages))]] if c not in spoken]
        wake = int(((15.0 if role.night else 6.5) + 3 * draw() - 24 * shared()) * 3600) % DAY
        return Account(
            id=f"u{(number * self._step + 101) % self.size:x}",
            number=number, role=name, standing=role.standing, group=group, handle=f"@name_{int(shared() * 1e6):06d}",
            awake_from=wake, awake=int(value["hours_on"] * 3600), weekdays=role.weekdays,
            reply_seconds=value["reply_seconds"], seconds_per_word=value["seconds_per_word"],
            spread=value["spread"], words=value["words"], languages=tuple(spoken), values=value,
        )  # fmt: skip


_RANGES = tuple(
    name for name in Role.__struct_fields__
    if name not in ("standing", "share", "ai", "night", "weekdays", "sourced", "note")
)  # fmt: skip


def _log_uniform(bounds: Range, part: float) -> float:
    low, high = bounds
    return low * (high / low) ** part if low > 0 else 0.0


def _count(mean: float, draw: Draw) -> int:
    """Draw a Poisson number with this mean (Knuth's method; normal above 30)."""
    if mean > 30:
        return max(0, round(mean + math.sqrt(mean) * _NORMAL[int(draw() * 4096)]))
    limit, product, count = math.exp(-mean), draw(), 0
    while product > limit:
        product *= draw()
        count += 1
    return count


class Simulation:
    """One platform over some days. `lines()` gives its records, `truth` is told what was planted."""

    def __init__(self, *, accounts: int, days: int, seed: int, noise_words: bool = False) -> None:
        if days < 1:
            raise SimulationError(f"--days {days}: give 1 or more")
        self.days, self.seed, self.end = days, seed, days * DAY
        self.chatter = Chatter(noise=noise_words)
        self.population = Population(accounts, seed, self.chatter)
        self._dates = [(START + timedelta(days=d)).date().isoformat() for d in range(days)]

    def header(self) -> dict[str, Any]:
        """Return what the truth file says first: every parameter with its source, or `assumption`."""
        return {
            "seed": self.seed, "accounts": self.population.size, "days": self.days, "noise_words": self.chatter.noise,
            "note": "assumption: no published figure is known; each account draws its own value from the range",
            "parameters": [
                {"role": name, "parameter": key, "range": list(getattr(role, key)),
                 "source": role.sourced.get(key, "assumption")}
                for name, role in roles().items() for key in _RANGES
            ],
        }  # fmt: skip

    def lines(self, truth: Callable[[dict[str, Any]], None]) -> Iterator[str]:
        """Yield the records as JSON lines, account by account; call `truth` with every planted fact."""
        for place in range(self.population.size):
            account = self.population.at(place)
            truth({"account": account.id, "role": account.role, "class": account.standing, "group": account.group,
                   "ai": roles()[account.role].ai})  # fmt: skip
            draw = stream(self.seed, account.number, "life")
            yield from self._adverts(account, draw)
            yield from self._groups(account, draw)
            yield from self._talks(account, draw, truth)

    def _talks(self, account: Account, draw: Draw, truth: Callable[[dict[str, Any]], None]) -> Iterator[str]:
        value = account.values
        friends = round(value["friends"])
        strangers = _count(value["openings_per_day"] * self.days, draw)
        for index in range(friends + strangers):
            friend = index < friends
            other = self._other(account, draw)
            start = self._awake(account, int(draw() * (2 * DAY if friend else self.end)), draw)
            name = f"c{account.id[1:]}.{index}"
            if friend:
                length = int(1.5 * self.days * math.exp(0.8 * _NORMAL[int(draw() * 4096)])) + 2
                talk = _Talk(name, account, other, start=start, length=length, days=float(self.days))
            else:
                talk = self._first_contact(name, account, other, start=start, draw=draw)
            moved_at, count = -1, 0
            for count, (line, moved) in enumerate(self._speak(talk, draw), start=1):
                moved_at = count if moved and moved_at < 0 else moved_at
                yield line
            if account.standing == "concern" and not friend and count > 1:
                truth({"thread": name, "role": account.role, "from": account.id, "to": other.id,
                       "messages": count, "moved_at": moved_at if moved_at > 0 else None})  # fmt: skip

    def _other(self, account: Account, draw: Draw) -> Account:
        end, start = self.population.support
        if account.standing == "ordinary" and draw() < TO_SUPPORT:
            return self.population.account(start + int(draw() * (end - start)))
        number = int(draw() * self.population.size)
        return self.population.account((number + 1) % self.population.size if number == account.number else number)

    def _first_contact(self, name: str, account: Account, other: Account, *, start: int, draw: Draw) -> _Talk:
        value = account.values
        if draw() >= value["answered"]:
            length, days = (1 if draw() < 0.8 else 2), 1.0
            return _Talk(name, account, other, start=start, length=length, days=days, silent=True,
                         contact_first=draw() < value["first_contact"], reuse=draw() < value["reuse"])  # fmt: skip
        length = min(LONGEST_TALK, max(2, round(value["talk_messages"] * math.exp(_NORMAL[int(draw() * 4096)]))))
        days = min(LONGEST_DAYS, -value["talk_days"] * math.log(1 - draw()))
        low, high = roles()[account.role].move_turn
        move = round(low + (high - low) * draw()) if draw() < value["moves"] else -1
        return _Talk(name, account, other, start=start, length=length, days=days, move=move,
                     contact_first=draw() < value["first_contact"], reuse=draw() < value["reuse"])  # fmt: skip

    def _speak(self, talk: _Talk, draw: Draw) -> Iterator[tuple[str, bool]]:
        """Yield the lines of one talk and whether the opener moved to another app in it."""
        pause = min(1.0, 1.5 * talk.days / max(1, talk.length - 1))
        language = talk.opener.languages[int(draw() * len(talk.opener.languages))]
        speaker, listener, at, length, index = talk.opener, talk.other, talk.start, talk.length, 0
        moved = False
        while index < length and at < self.end:
            if index:
                if not talk.silent and draw() < 0.75:
                    speaker, listener = listener, speaker
                sentence, moves = self._sentence(talk, speaker, index, language, moved=moved, draw=draw)
                at = self._later(talk, speaker, at, words=sentence.words, pause=pause, draw=draw)
                if at >= self.end:
                    return
            else:
                sentence, moves = self._opening(talk, language, draw), False
            if moves:
                moved = True
                if draw() < MOVED_TALKS_THAT_END:
                    length = min(length, index + 1 + int(draw() * 3))
            yield self._line(talk, index, speaker, listener, at=at, text=sentence.text, language=language), moves
            index += 1

    def _sentence(
        self, talk: _Talk, speaker: Account, index: int, language: str, *, moved: bool, draw: Draw
    ) -> tuple[Sentence, bool]:
        if speaker is talk.opener:
            if 0 <= talk.move <= index and not moved:
                return self.chatter.speak(language, "move", draw, contact=speaker.handle), True
            if speaker.standing == "concern" and draw() < 0.05:
                return self.chatter.speak(language, "travel" if moved else "offer", draw), False
        return self.chatter.say(language, speaker.words, draw), False

    def _opening(self, talk: _Talk, language: str, draw: Draw) -> Sentence:
        opener = talk.opener
        own = stream(self.seed, opener.group or opener.number, language) if talk.reuse else draw
        first = self.chatter.say(language, opener.words, own)
        if not talk.contact_first:
            return first
        second = self.chatter.speak(language, "help", own, contact=opener.handle)
        return Sentence(f"{first.text} {second.text}", first.words + second.words)

    def _later(self, talk: _Talk, speaker: Account, at: int, *, words: float, pause: float, draw: Draw) -> int:
        if not talk.silent and draw() < pause:
            at += int(talk.days * DAY / max(1.0, pause * talk.length) * (0.5 + draw()))
        scatter = math.exp(speaker.spread * _NORMAL[int(draw() * 4096)])
        at += 1 + int((speaker.reply_seconds + speaker.seconds_per_word * words) * scatter)
        return self._awake(speaker, at, draw)

    def _awake(self, account: Account, at: int, draw: Draw) -> int:
        """Move a time to when the account is awake, and at work if it rests on two days a week."""
        since = (at - account.awake_from) % DAY
        if since > account.awake:
            at += DAY - since + int(draw() * 3600)
        if account.weekdays:
            weekday = (at - account.awake_from) // DAY % 7
            if weekday >= 5:
                at += (7 - weekday) * DAY
        return at

    def _line(
        self, talk: _Talk, index: int, speaker: Account, listener: Account, *, at: int, text: str, language: str
    ) -> str:
        spoken = "" if self.chatter.noise else f',"language":"{language}"'
        return (
            f'{{"id":"{talk.name}.{index}","author":"{speaker.id}","audience":["{listener.id}"],'
            f'"conversation":"{talk.name}","time":"{self._dates[at // DAY]}{_CLOCK[at % DAY]}","text":"{text}"{spoken}}}\n'
        )

    def _groups(self, account: Account, draw: Draw) -> Iterator[str]:
        for index in range(_count(account.values["groups_per_day"] * self.days, draw)):
            size = round(account.values["group_size"])
            members = [account, *(self._other(account, draw) for _ in range(size - 1))]
            name, language = f"g{account.id[1:]}.{index}", account.languages[int(draw() * len(account.languages))]
            at = self._awake(account, int(draw() * self.end), draw)
            for message in range(5 + int(draw() * 6 * size)):
                speaker = members[0 if draw() < 0.3 else int(draw() * size)]
                at += 1 + int(speaker.reply_seconds * draw())
                if at >= self.end:
                    break
                if (at - speaker.awake_from) % DAY > speaker.awake:
                    continue
                topic = "help" if draw() < 0.04 else ""
                say = self.chatter.speak(language, topic, draw, contact=speaker.handle) if topic else self.chatter.say(
                    language, speaker.words, draw
                )  # fmt: skip
                yield self._public(f"{name}.{message}", "message", speaker, name, at=at, text=say.text, code=language)

    def _adverts(self, account: Account, draw: Draw) -> Iterator[str]:
        kind = "post" if account.standing == "ordinary" else "advert"
        for index in range(_count(account.values["adverts_per_day"] * self.days, draw)):
            at = self._awake(account, int(draw() * self.end), draw)
            if at >= self.end:
                continue
            language = account.languages[0]
            own = stream(self.seed, account.group or account.number, "advert", language)
            say = self.chatter.speak(language, "advert", own, contact=account.handle)
            more = self.chatter.say(language, 10, own if draw() < account.values["reuse"] else draw)
            text = f"{say.text} {more.text}"
            yield self._public(f"a{account.id[1:]}.{index}", kind, account, "", at=at, text=text, code=language)

    def _public(
        self, name: str, kind: str, author: Account, conversation: str, *, at: int, text: str, code: str
    ) -> str:
        spoken = "" if self.chatter.noise else f',"language":"{code}"'
        return (
            f'{{"id":"{name}","kind":"{kind}","author":"{author.id}","conversation":"{conversation}",'
            f'"time":"{self._dates[at // DAY]}{_CLOCK[at % DAY]}","text":"{text}"{spoken}}}\n'
        )


class _Talk(msgspec.Struct, frozen=True):
    """What is fixed before the first word of a talk."""

    name: str
    opener: Account
    other: Account
    start: int = 0
    length: int = 1
    days: float = 0.0
    move: int = -1
    """Message from which the opener moves to another app, or -1."""
    silent: bool = False
    contact_first: bool = False
    reuse: bool = False


def simulate(simulation: Simulation, out: IO[str], truth: IO[str], *, progress: Callable[[int], None]) -> int:
    """Write the records and the truth; return the number of records. `progress` is told every 10,000."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def told(fact: dict[str, Any]) -> None:
        truth.write(encode(fact) + "\n")

    told(simulation.header())
    count = 0
    for line in simulation.lines(told):
        out.write(line)
        count += 1
        if count % 10_000 == 0:
            progress(10_000)
    return count
