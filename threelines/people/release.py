"""Tables that are safe to publish: no cell below k, and none that follows from the others.

One-way tables join small values into one cell, so nothing in them is missing and nothing can be
subtracted. Two-way tables all share the column `ai_answer` (a star: their joint bounds are those of
each table alone); a row with a small cell is hidden whole, with others, until every hidden cell
could be any of k values or more by the Fréchet bounds, which are exact for a full block
(Dobra and Fienberg, PNAS 97(22), 2000).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from threelines.people.definition import load_form
from threelines.records import Incident, ThreelinesError

K = 11
"""Smallest count that is published (CTDC's k)."""
TOTALS_ONLY = 100
"""Below so many cases only the total is published (standard's R3)."""
ROUND = 5
REST = "other_or_fewer_than_11"
NO_ANSWER = "no_answer"
ANSWER = "ai_answer"
SINGLE = ("prs_Gender", "tl_AgeBand", "tl_Channel", "tl_CountryOfRecruitment", "tl_CountryOfExploitation")
MANY = ("ai_Capability", "ai_ContactLanguage", "ai_PlatformClass", "vic_TypeOfExploitation", "vic_MethodsOfControl")
Block = dict[str, dict[str, int]]


class ReleaseError(ThreelinesError):
    """A table would show what it must not."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What may be published: counts are rounded to 5, and never below 11."""

    total: int | None
    one_way: dict[str, dict[str, int]] = {}
    two_way: dict[str, Block] = {}
    """Dimension → value → ai_answer → count; hidden rows are absent."""


def build(incidents: Iterable[Incident]) -> Release:
    """Count consented incidents into safe tables."""
    rows = [_answers(incident.fields) for incident in incidents]
    total = len(rows)
    if total < TOTALS_ONLY:
        return Release(total=_shown(total) if total >= K else None)
    joined = {name: join_small(Counter(row[name] for row in rows)) for name in (ANSWER, *SINGLE)}
    one_way = {name: _rounded(_collapsed(rows, name, joined[name])) for name in joined}
    for name in MANY:
        counts = Counter(value for row in rows for value in row[name])
        one_way[name] = _rounded({value: count for value, count in counts.items() if count >= K})
    two_way = {}
    for name in SINGLE:
        pairs = Counter((_place(row[name], joined[name]), _place(row[ANSWER], joined[ANSWER])) for row in rows)
        visible, _ = hide_rows(_block(pairs))
        if visible:
            two_way[name] = {value: _rounded(cells) for value, cells in visible.items()}
    return Release(total=_shown(total), one_way=one_way, two_way=two_way)


def _answers(fields: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: str(fields.get(name) or NO_ANSWER) for name in SINGLE}
    row |= {name: sorted(set(fields.get(name) or ())) for name in MANY}
    asked = fields.get("ai_Asked")
    # One dimension for "asked" and "suspected": two tables of them could be subtracted from each other.
    row[ANSWER] = str(fields.get("ai_Suspected") or NO_ANSWER) if asked == "yes" else "not_asked"
    return row


def join_small(counts: Mapping[str, int]) -> frozenset[str]:
    """Return the values that are joined into one cell, so that every cell, that one too, has k or more."""
    order = sorted(counts, key=lambda value: (counts[value], value))
    small = [value for value in order if counts[value] < K]
    for value in order[len(small) :]:
        if not small or (len(small) > 1 and sum(counts[each] for each in small) >= K):
            break
        small.append(value)
    return frozenset(small)


def hide_rows(block: Block) -> tuple[Block, Block]:
    """Part a table into visible and hidden rows; a hidden cell could be any of k values or more."""
    order = sorted(block, key=lambda value: (min(block[value].values()), sum(block[value].values()), value))
    hidden = sum(min(cells.values()) < K for cells in block.values())
    while 0 < hidden < len(order):
        if narrowest({value: block[value] for value in order[:hidden]}) >= K:
            break
        hidden += 1
    if hidden == len(order):
        return {}, block
    return {value: block[value] for value in sorted(order[hidden:])}, {value: block[value] for value in order[:hidden]}


def narrowest(block: Block) -> int:
    """Return the width of the narrowest bounds of a cell, given the sums of a hidden block."""
    rows = {value: sum(cells.values()) for value, cells in block.items()}
    columns: Counter[str] = Counter()
    for cells in block.values():
        columns.update(cells)
    total = sum(rows.values())
    return min(min(row, column) - max(0, row + column - total) for row in rows.values() for column in columns.values())


def _collapsed(rows: Sequence[Mapping[str, Any]], name: str, joined: frozenset[str]) -> Counter[str]:
    return Counter(_place(row[name], joined) for row in rows)


def _place(value: str, joined: frozenset[str]) -> str:
    return REST if value in joined else value


def _block(pairs: Mapping[tuple[str, str], int]) -> Block:
    columns = sorted({column for _, column in pairs})
    return {
        row: {column: pairs.get((row, column), 0) for column in columns} for row in sorted({row for row, _ in pairs})
    }


def _shown(count: int) -> int:
    if count < K:
        raise ReleaseError(f"a count below {K} would be published; nothing was written")
    return max(K, ROUND * round(count / ROUND))


def _rounded(counts: Mapping[str, int]) -> dict[str, int]:
    return {value: _shown(counts[value]) for value in sorted(counts)}


# ---------------------------------------------------------------------- files


def files(release: Release, *, approved_by: Sequence[str] = ()) -> dict[str, bytes]:
    """Return file name → bytes: tables, data dictionary, and a README with the limits."""
    made = {"README.md": _readme(release, approved_by).encode(), "dictionary.csv": _dictionary(release)}
    if release.one_way:
        rows = [(name, value, count) for name, cells in release.one_way.items() for value, count in cells.items()]
        made["one_way.csv"] = _csv(("dimension", "value", "cases"), rows)
    for name, block in release.two_way.items():
        cells = [(row, column, count) for row, part in block.items() for column, count in part.items()]
        made[f"{name}_by_{ANSWER}.csv"] = _csv((name, ANSWER, "cases"), cells)
    return made


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def _dictionary(release: Release) -> bytes:
    form = load_form()
    rows: list[tuple[str, str, str]] = [
        (ANSWER, "", "Was the person asked about AI, and what did they answer: not_asked, no_answer, or ai_Suspected"),
        ("", REST, "Values that have fewer than 11 cases, joined (with larger ones where needed)"),
    ]
    for name in (*SINGLE, *MANY):
        field = form.fields[name]
        labels = form.choices(field)
        rows.append((name, "", field.label))
        rows += [
            (name, value, labels.get(value, "ISO code")) for value in release.one_way.get(name, {}) if value != REST
        ]
    return _csv(("dimension", "value", "meaning"), rows)


def _readme(release: Release, approved_by: Sequence[str]) -> str:
    state = (
        "Approved by two people." if approved_by else "DRAFT: not to be published before a second person approved it."
    )
    total = "fewer than 11 cases: nothing is published" if release.total is None else f"about {release.total} cases"
    return f"""# Statistics of consented cases

{state}

Contains {total}. Counts are rounded to {ROUND} (11 and 12 are shown as 11); no cell has fewer than {K} cases.
Below {TOTALS_ONLY} cases only the total is given.

## How to read

- Only cases with standing consent for statistics are counted. They are not a sample of anything: say "cases recorded
  by this organisation", never "victims" of a country.
- `not_asked` is the part in which nobody asked about AI. Divide by those asked, not by all cases.
- A suspicion is what a person or a worker reported. It is no finding of a court or an examiner.
- One case can have several capabilities, languages, platforms, exploitations and means of control: these do not add up.
- Rows of a two-way table that are absent are hidden, not zero.

## Limits

- k-anonymity does not hide what all people of a cell have in common.
- Two releases close in time could be compared. Publish at most once a quarter, with more than {K} new cases.
- Somebody who knows most of the cases can subtract them.
"""
