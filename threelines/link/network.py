"""Networks: accounts tied by handle, phone, link, script, photo or timing, as threads to judge.

Only light columns are kept of the records: account, time, and the items found in the text. The records that show a
tie are picked in a second pass over the same source.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from math import nan
from typing import Any

import msgspec
import numpy as np

from threelines.link.cutting import LARGEST, Tie, parts
from threelines.link.pictures import same_pictures
from threelines.link.scripts import Script, in_order
from threelines.link.ties import (
    Floats,
    Ints,
    Shared,
    Ties,
    Uses,
    chance,
    exactness,
    expected,
    holders,
    shared,
    span,
    ties,
)
from threelines.records import Record, Thread
from threelines.text.entities import Entity, entities
from threelines.vocabulary.helplines import helpline_numbers

KINDS = ("handle", "phone", "email", "photo", "script", "link", "mention", "timing")
"""What can tie accounts. `handle` is one on a messenger, `mention` a bare `@name`; `timing` is posting in the same
moments again and again."""
OWNED = ("handle", "phone", "email", "photo")
"""What belongs to somebody."""
PRIVATE = 12
"""A number, address, handle or picture that at most so many accounts give ties them; a more popular one is public."""
CONTACTS = ("handle", "phone", "email")
"""What is shown by itself where more than `PRIVATE` accounts give it."""
ASIDE = "named"
"""How a text may hold a contact that it does not give."""
SURE = 9
"""Digits of a number without its country that two would hardly share by chance."""
SCRIPTS = 0.5
"""Part of the false discoveries that is left to scripts, which show acting as one best; other kinds share the rest alike.
What belongs to somebody needs none, and timing, which everybody has, says least."""
MIN_MEMBERS = 3
"""Two tied accounts are most often one person; three and more are a network."""
EDGES = 300
"""Edges written out for one network: one of each member, then the least likely by chance."""
ITEMS = 40
"""Items written out for one network."""
RECORDS = 2 * LARGEST
"""Records judged of one network: those that show its edges, of each member at least one."""
PER_SLOT = 2.0
"""Records that fall in one moment of `timing` on average: the moment is as short as the platform is busy."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Two accounts that are tied, and by what."""

    first: str
    second: str
    kinds: dict[str, int]
    """How many items of each kind the two share."""
    p: float
    """Probability of as much by chance, with popularity, activity and time taken into account."""
    records: tuple[str, ...]
    """Ids of records that show it."""
    places: tuple[int, ...]
    """Where they stand in the source: an export may give one id to several records."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts that hang together."""

    id: str
    members: tuple[str, ...]
    edges: tuple[Edge, ...]
    items: tuple[tuple[str, str, int], ...] = ()
    """(kind, value, number of accounts that hold it), most held first, at most `ITEMS`."""
    named_by: tuple[str, ...] = ()
    """Accounts that name a contact of it and are no part of it: they tell of harm, report or ask for help."""
    places: tuple[int, ...] = ()
    """Records that show a contact which so many give that it ties nobody: then there are no edges."""
    region: str = ""
    """Country (ISO 3166) in which numbers without one were read."""
    tested: int = 0
    """How many pairs of accounts were compared: with so many, chance alone makes a few look tied."""


class Columns:
    """What is kept of each record while they stream by. `region` is that in which `items_of` read numbers."""

    def __init__(self, region: str = "") -> None:
        self.region = region
        self.ids: list[str] = []
        self.places = array("q")
        self.accounts: dict[str, int] = {}
        self.account, self.time = array("q"), array("d")
        self.items: dict[str, dict[str, int]] = defaultdict(dict)
        self._values: dict[str, list[str]] = {}
        self.uses: dict[str, tuple[array[int], array[int]]] = defaultdict(lambda: (array("q"), array("q")))

    def add(self, place: int, name: str, author: str, time: float | None, items: Iterable[tuple[str, str]]) -> None:
        """Take in one record and its place in the source; `items` are those of `items_of`."""
        row = len(self.ids)
        self.ids.append(name)
        self.places.append(place)
        self.account.append(self.accounts.setdefault(author, len(self.accounts)))
        self.time.append(nan if time is None else time)
        for kind, value in items:
            self.use(kind, value, row)

    def fill(
        self, ids: list[str], authors: list[str], times: list[float | None], items: Mapping[int, list[tuple[str, str]]]
    ) -> None:
        """Take in many records at once: the place of each is its row, and one without an author is left out."""
        rows, known = [row for row, author in enumerate(authors) if author], self.accounts
        self.ids += [ids[row] for row in rows]
        self.places.extend(rows)
        self.account.extend([known.setdefault(authors[row], len(known)) for row in rows])
        self.time.extend([nan if (time := times[row]) is None else time for row in rows])
        for index, row in enumerate(rows, start=len(self.ids) - len(rows)):
            for kind, value in items.get(row, ()):
                self.use(kind, value, index)

    def use_scripts(self, scripts: Sequence[Script]) -> None:
        """Take in who used which script, once all records are in; the order of the scripts does not matter."""
        row_of = {place: row for row, place in enumerate(self.places)} if scripts else {}
        for script in sorted(scripts, key=lambda script: script.id):
            for place in script.places:
                if place in row_of:
                    self.use("script", script.id, row_of[place])

    def use(self, kind: str, value: str, row: int) -> None:
        """Note that a record holds an item."""
        known = self.items[kind]
        items, rows = self.uses[kind]
        items.append(known.setdefault(value, len(known)))
        rows.append(row)

    def settle(self) -> None:
        """Number accounts and items by name, and rows by account, time and id: in whatever order all of it came in."""
        if not self.ids:
            return
        name, self.accounts = _renumbered(self.accounts)
        account, time = name[np.asarray(self.account, dtype=np.int64)], np.asarray(self.time)
        order = self._order(account, np.nan_to_num(time, nan=-np.inf))
        row = np.empty_like(order)
        row[order] = np.arange(order.size)
        self.ids = [self.ids[at] for at in order.tolist()]
        self.places, self.account = (
            array("q", column[order].tobytes()) for column in (np.asarray(self.places), account)
        )
        self.time = array("d", time[order].tobytes())
        for kind, (items, rows) in self.uses.items():
            number, self.items[kind] = _renumbered(self.items[kind])
            self.uses[kind] = (
                array("q", number[np.asarray(items)].tobytes()),
                array("q", row[np.asarray(rows)].tobytes()),
            )
        self._values.clear()

    def aside(self) -> dict[tuple[str, str], set[int]]:
        """Return the accounts that name an item without giving it, by (kind, value); asked for once all are in."""
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        for kind in KINDS:
            said = f"{ASIDE} {kind}"
            if said in self.uses:
                values = list(self.items[said])
                for item, row in zip(*self.uses[said], strict=True):
                    found[kind, values[item]].add(self.account[row])
        return found

    def _order(self, account: Ints, time: Floats) -> Ints:
        """Return the rows by account, time and id; ids are looked at only where the others are equal."""
        order = np.lexsort((time, account))
        equal = (np.diff(account[order]) == 0) & (time[order][1:] == time[order][:-1])
        alike = order[np.append(equal, False) | np.append(False, equal)]
        by_id = np.zeros(order.size, dtype=np.int64)
        by_id[sorted(alike.tolist(), key=self.ids.__getitem__)] = np.arange(alike.size)
        return np.lexsort((by_id, time, account))

    def values(self, kind: str) -> list[str]:
        """Return the items of a kind by number; asked for once all are in."""
        if len(self._values.get(kind, ())) != len(self.items[kind]):
            self._values[kind] = list(self.items[kind])
        return self._values[kind]

    def layers(self, exact: float) -> list[Uses]:
        """Return the uses of items by kind, and the timing, with times written to `exact` seconds."""
        account, time = np.asarray(self.account, dtype=np.int64), np.asarray(self.time)
        made = []
        for kind in KINDS:
            items, rows = (np.asarray(column, dtype=np.int64) for column in self.uses[kind])
            if kind == "photo" and len(items):
                items = same_pictures(self.values(kind), np.bincount(items))[items]
            if len(items):
                made.append(Uses(kind, items, account[rows], time[rows], rows))
        return [*made, _timing(account, time, exact)]


def _renumbered(numbers: dict[str, int]) -> tuple[Ints, dict[str, int]]:
    """Return for each number the one that its name has in order of names, and these numbers by name."""
    names = sorted(numbers)
    made = np.empty(len(names), dtype=np.int64)
    made[[numbers[name] for name in names]] = np.arange(len(names))
    return made, {name: number for number, name in enumerate(names)}


Names = Callable[[Record], bool]
"""Tells whether a record only names the contacts in it and gives none."""
Items = Callable[[Record], Sequence[tuple[str, str]]]
"""Tells what a record holds that can tie its author to others: `items_of`, or the engine's `tied_by`."""


def items_of(record: Record, region: str = "", only_names: Names | None = None) -> list[tuple[str, str]]:
    """Return (kind, value) of what a record holds that can tie its author to others, sorted, each once.

    `region` (ISO 3166) is the country in which numbers without one are read. The kind of a contact that is only
    named says so: `named phone`. The number of a known helpline ties nobody: it is passed on by those who
    help one another.
    """
    return sorted(set(_items(record, region, only_names)))


def _items(record: Record, region: str, only_names: Names | None) -> Iterator[tuple[str, str]]:
    read = entities(record.text, region or None, money=False) if record.text else ()
    held = [entity for entity in read if entity.kind in _TIES and not _helps(entity)]
    aside = f"{ASIDE} " if held and only_names and only_names(record) else ""
    for entity in held:
        for kind, value in _ties(entity):
            yield f"{aside}{kind}", value
    for attachment in record.attachments:
        if attachment.hash:
            yield "photo", attachment.hash


_TIES = frozenset((*CONTACTS, "link"))
_RUN = re.compile(
    "|".join([*(row[at : at + 7] for row in ("0123456789", "9876543210") for at in range(4)), r"(\d)\1{6}"])
)


def _ties(entity: Entity) -> Iterator[tuple[str, str]]:
    """Yield what a contact ties by: a name is one only on its own platform; elsewhere it is weak, as a bare mention is.

    So is a number without its country that has few digits, or digits that stand for none ("123-456-7890").
    """
    value = entity.value
    if entity.kind == "handle":
        yield "mention", value
        if entity.app:
            yield "handle", entity.account
    elif entity.kind == "phone" and not value.startswith("+") and (len(value) < SURE or _RUN.search(value)):
        yield "mention", value
    else:
        yield entity.kind, value


def _helps(entity: Entity) -> bool:
    return entity.kind == "phone" and entity.value in helpline_numbers()


def _timing(account: Ints, time: Floats, exact: float) -> Uses:
    """Cut time into moments in which `PER_SLOT` records fall on average; a moment is an item."""
    rows = np.flatnonzero(~np.isnan(time))
    width = max((np.ptp(time[rows]) if rows.size else 0.0) * PER_SLOT / max(rows.size, 1), exact)
    slots = np.unique((time[rows] // width).astype(np.int64), return_inverse=True)[1]
    return Uses("timing", slots.astype(np.int64), account[rows], np.full(rows.size, np.nan), rows)


def find_networks(
    records: Iterable[Record], scripts: Sequence[Script] = (), *, region: str = "", only_names: Names | None = None
) -> list[Network]:
    """Read the records once and return the networks among their accounts, largest first: see `networks`, `items_of`."""
    return networks(_columns(records, scripts, lambda record: items_of(record, region, only_names), region))


def networks(columns: Columns) -> list[Network]:
    """Return the networks among the accounts of the columns, largest first, then what more than `PRIVATE` accounts give."""
    columns.settle()
    names = list(columns.accounts)
    if not names:
        return []
    tied, found = _weighed(columns)
    evidence, aside = _evidence(tied, found, len(names)), columns.aside()
    made = []
    for part in parts(tied, len(names)):
        network = _network(part, evidence, columns, names)
        if len(network.members) >= MIN_MEMBERS:
            others = {names[account] for item in network.items for account in aside.get(item[:2], ())}
            named_by = tuple(sorted(others.difference(network.members)))
            made.append(msgspec.structs.replace(network, named_by=named_by, tested=tied.tested))
    made.sort(key=lambda network: (-len(network.members), network.id))
    return [*made, *_widely_given(columns, names, aside, [item for network in made for item in network.items])]


def _widely_given(
    columns: Columns, names: list[str], aside: Mapping[tuple[str, str], set[int]], shown: Sequence[tuple[str, str, int]]
) -> list[Network]:
    """Return each contact that so many accounts give that it ties nobody, unless a network shows as many."""
    account, known = np.asarray(columns.account, dtype=np.int64), {item[:2]: item[2] for item in shown}
    made = []
    for kind in CONTACTS:
        items, rows = (np.asarray(column, dtype=np.int64) for column in columns.uses[kind])
        order = np.lexsort((rows, items))
        items, rows = items[order], rows[order]
        held = holders(Uses(kind, items, account[rows], np.empty(0), rows))
        for item in np.flatnonzero(held > PRIVATE).tolist():
            value, count = columns.values(kind)[item], int(held[item])
            if known.get((kind, value), 0) < count:
                given = rows[slice(*np.searchsorted(items, (item, item + 1)))]
                first = np.unique(account[given], return_index=True)[1][:LARGEST]
                who = [names[number] for number in account[given[first]].tolist()]
                made.append(Network(
                    id=f"contact-{_digest(kind, value)}", members=tuple(who), edges=(), items=((kind, value, count),),
                    named_by=tuple(sorted({names[number] for number in aside.get((kind, value), ())} - set(who))),
                    places=tuple(columns.places[row] for row in given[first].tolist()), region=columns.region,
                ))  # fmt: skip
    return sorted(made, key=lambda network: (-network.items[0][2], network.id))


def _digest(*words: str) -> str:
    return blake2b("\0".join(words).encode(), digest_size=8).hexdigest()


def find_ties(
    records: Iterable[Record], scripts: Sequence[Script] = (), *, items: Items | None = None
) -> Iterator[tuple[str, str, float]]:
    """Read the records once and yield every tied pair of accounts, with its probability by chance."""
    columns = _columns(records, scripts, items or items_of)
    columns.settle()
    names = list(columns.accounts)
    tied, _ = _weighed(columns)
    for first, second, p in zip(tied.first.tolist(), tied.second.tolist(), tied.p.tolist(), strict=True):
        yield names[first], names[second], p


def _columns(records: Iterable[Record], scripts: Sequence[Script], items: Items, region: str = "") -> Columns:
    columns = Columns(region)
    for place, record in enumerate(records):
        if record.author and record.kind != "system":
            at = record.time.timestamp() if record.time else None
            columns.add(place, record.id, record.author, at, items(record))
    columns.use_scripts(scripts)
    return columns


def _weighed(columns: Columns) -> tuple[Ties, list[Shared]]:
    """Weigh what accounts share against chance."""
    count = len(columns.accounts)
    account, time = np.asarray(columns.account, dtype=np.int64), np.asarray(columns.time)
    activity = np.bincount(account, minlength=count)
    exact = exactness(account, time, count)
    layers, seconds = columns.layers(exact.whole), span(time, exact.whole)
    found = [shared(uses, seconds, exact.of) for uses in layers]
    weighed = [(uses.kind, chance(rows, expected(uses, activity))) for rows, uses in zip(found, layers, strict=True)]
    holding = np.unique(np.concatenate([uses.account for uses in layers]))  # whoever holds anything could be tied
    sharing = [(kind, pairs) for kind, pairs in weighed if len(pairs[0])] or weighed[:1]
    cost = _cost([kind for kind, _ in sharing])
    kinds = [(first, second, p * cost[kind]) for kind, (first, second, p) in sharing]
    sure = [_owned(rows, uses, count) for rows, uses in zip(found, layers, strict=True) if uses.kind in OWNED]
    tied = ties(kinds, int(holding.size), sure=np.concatenate(sure) if sure else None, width=count)
    return tied, found


def _cost(kinds: Sequence[str]) -> dict[str, float]:
    """Return what a probability of each kind is multiplied by for having looked at all of them: one over its part.

    The parts are set before anything is seen of the data (Genovese, Roeder and Wasserman 2006).
    """
    alike = dict.fromkeys(kinds, float(len(kinds)))
    if "script" not in alike or len(alike) < 2:
        return alike
    return dict.fromkeys(kinds, (len(kinds) - 1) / (1 - SCRIPTS)) | {"script": 1 / SCRIPTS}


def _owned(rows: Shared, uses: Uses, width: int) -> Ints:
    """Return the pairs that share something private."""
    private = holders(uses)[rows.item] <= PRIVATE
    return (rows.first * width + rows.second)[private]


_Shown = tuple[float, str, int, int, int]
_Evidence = dict[tuple[int, int], list[_Shown]]


def _evidence(tied: Ties, found: Sequence[Shared], accounts: int) -> _Evidence:
    """Collect for each tied pair what it shares: (chance, kind, item, record, record)."""
    wanted = tied.first * accounts + tied.second
    evidence: _Evidence = defaultdict(list)
    for rows in found:
        picked = np.flatnonzero(np.isin(rows.first * accounts + rows.second, wanted))
        columns = (rows.first, rows.second, rows.chance, rows.item, *rows.records)
        for first, second, odds, item, one, two in zip(*(column[picked].tolist() for column in columns), strict=True):
            evidence[first, second].append((odds, rows.kind, item, one, two))
    return evidence


def _network(edges: list[Tie], evidence: _Evidence, columns: Columns, names: list[str]) -> Network:
    nodes: set[int] = set()
    made: list[Edge] = []
    holding: dict[tuple[str, int], set[int]] = defaultdict(set)
    ids, places = columns.ids, columns.places
    for p, first, second in sorted([(p, first, second) for first, second, p in edges]):
        pair, shown = (first, second), _each_once(evidence[first, second], columns)
        nodes.update(pair)
        shown.sort()
        for _, kind, item, _, _ in shown:
            holding[kind, item].update(pair)
        _, kind, _, one, two = shown[0]
        rows = {one: None, two: None} if len(shown) == 1 else dict.fromkeys((one, two, *shown[1][3:]))
        made.append(Edge(
            first=names[first], second=names[second],
            kinds={kind: 1} if len(shown) == 1 else _counted([kind for _, kind, _, _, _ in shown]),
            p=float(f"{p:.2e}"), records=tuple([ids[row] for row in rows]), places=tuple([places[row] for row in rows]),
        ))  # fmt: skip
    members = sorted([names[node] for node in nodes])
    values = {kind: columns.values(kind) for kind, _ in holding if kind != "timing"}
    items = [(kind, values[kind][item], len(who)) for (kind, item), who in holding.items() if kind in values]
    ordered = sorted(items, key=lambda item: (-item[2], item[0], item[1]))[:ITEMS]
    return Network(
        id=f"network-{_digest(*members)}", members=tuple(members), edges=tuple(made), items=tuple(ordered),
        region=columns.region,
    )  # fmt: skip


def _each_once(shown: list[_Shown], columns: Columns) -> list[_Shown]:
    """Leave out a name that is mentioned where the pair shares it as a handle: one contact is one item."""
    if not any(kind == "handle" for _, kind, *_ in shown):
        return shown
    handles, mentions = columns.values("handle"), columns.values("mention")
    held = {handles[item].partition("/")[2] for _, kind, item, *_ in shown if kind == "handle"}
    return [one for one in shown if one[1] != "mention" or mentions[one[2]] not in held]


def _counted(kinds: list[str]) -> dict[str, int]:
    """Count the items of each kind, in the order of `KINDS`."""
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


def network_threads(records: Iterable[Record], scripts: Sequence[Script] = (), **options: Any) -> Iterator[Thread]:
    """Yield a thread for each network. `records` is read twice: give a list, or a source that can start again.

    Options are those of `find_networks`.
    """
    yield from threads_of(find_networks(records, scripts, **options), enumerate(records))


def threads_of(found: Sequence[Network], records: Iterable[tuple[int, Record]]) -> Iterator[Thread]:
    """Pick the records that show the ties, each given with its place, and yield one thread for each network."""
    owners: dict[int, list[str]] = defaultdict(list)
    for network in found:
        for place in shown(network):
            owners[place].append(network.id)
    picked: dict[str, list[Record]] = {network.id: [] for network in found}
    for place, record in records:
        for owner in owners.get(place, ()):
            picked[owner].append(record)
    for network in found:
        yield network_thread(network, picked.pop(network.id))


def shown(network: Network) -> list[int]:
    """Return the places of records that show the ties: first one edge of each account, then the least likely by chance."""
    first, rest = _one_of_each(network.edges)
    places = [*network.places, *(place for edge in first for place in edge.places[:2])]
    more = [place for edge in (*first, *rest) for place in edge.places]
    return list(dict.fromkeys([*places, *more]))[:RECORDS]


def _one_of_each(edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
    """Return one edge of each account, the least likely by chance, and the other edges."""
    seen: set[str] = set()
    first: list[Edge] = []
    rest: list[Edge] = []
    for edge in edges:
        new = {edge.first, edge.second} - seen
        seen |= new
        (first if new else rest).append(edge)
    return first, rest


def network_thread(network: Network, records: Sequence[Record]) -> Thread:
    """Make the thread of a network from the records that were picked."""
    ordered = sorted(records, key=in_order)
    first, rest = _one_of_each(network.edges)
    written = {id(edge) for edge in (*first, *rest)[:EDGES]}
    facts: dict[str, Any] = {
        "members": list(network.members),
        "edges": [_told(edge) for edge in network.edges if id(edge) in written],
        "ties": len(network.edges),
        "items": [list(item) for item in network.items],
        "tested": network.tested,
    }
    if network.named_by:
        facts["named_by"] = list(network.named_by)
    if network.region:
        facts["region"] = network.region
    return Thread(kind="network", id=network.id, records=tuple(ordered), facts=facts)


def _told(edge: Edge) -> dict[str, Any]:
    """Return the edge as it is written: records by the ids of the export."""
    told: dict[str, Any] = msgspec.to_builtins(edge)
    del told["places"]
    return told
