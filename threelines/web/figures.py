"""The figures of the dashboard: shares of what was asked, small cells withheld, nothing of one case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from threelines.people.codes import language_code
from threelines.people.register import Register
from threelines.platforms.benchmark import wilson
from threelines.platforms.review import Review
from threelines.vocabulary.terms import Vocabulary
from threelines.web.pages import TIER_WORDS
from threelines.web.plots import Figure, Share

K = 11
"""No cell that rests on fewer cases is shown (CTDC's k; standards inventory, R2)."""
MOST = 15
"""Rows of one figure."""
_SEEN = ("suspected", "probable", "confirmed")


def case_figures(register: Register, vocabulary: Vocabulary) -> tuple[Figure, ...]:
    """Return what the register shows, of the cases whose people agreed to statistics."""
    asked = [fields for _, _, _, fields in register.leaving("statistics") if fields.get("ai_Asked") == "yes"]
    labels = register.form.list
    by: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("language", "AI use by language of contact", "ai_ContactLanguage", language_names(vocabulary)),
        ("capability", "What AI was used for", "ai_Capability", labels["ai_capability"]),
        ("platform", "AI use by kind of platform", "ai_PlatformClass", labels["platform_class"]),
    )
    found = [_figure(key, title, _by_field(asked, field, names)) for key, title, field, names in by]
    return (found[0], found[1], _figure("corridor", "AI use by corridor", _corridors(asked)), found[2])


def language_names(vocabulary: Vocabulary) -> dict[str, str]:
    """Return the English names of the vocabulary's languages by the ISO 639-3 code that cases hold.

    Two ways to write one language ("Chinese (Simplified)" and "(Traditional)") have the name that both begin with.
    """
    names: dict[str, str] = {}
    for language in vocabulary.languages.values():
        code, name = language_code(language.iso639_3), language.english_name
        names[code] = name if names.get(code, name) == name else name.partition(" (")[0]
    return names


def _by_field(asked: list[dict[str, Any]], field: str, names: dict[str, str]) -> dict[str, list[bool]]:
    if field == "ai_Capability":  # of all who were asked: those without AI use have no capability
        listed = sorted({code for fields in asked for code in fields.get(field, ())})
        return {names.get(code, code): [code in fields.get(field, ()) for fields in asked] for code in listed}
    groups: dict[str, list[bool]] = {}
    for fields in asked:
        for code in fields.get(field, ()):
            known = language_code(code) if field == "ai_ContactLanguage" else code
            groups.setdefault(names.get(known, known), []).append(fields.get("ai_Suspected") in _SEEN)
    return groups


def _corridors(asked: list[dict[str, Any]]) -> dict[str, list[bool]]:
    groups: dict[str, list[bool]] = {}
    for fields in asked:
        ends = [fields.get(name) for name in ("tl_CountryOfRecruitment", "tl_CountryOfExploitation")]
        if all(ends):
            groups.setdefault(" to ".join(map(str, ends)), []).append(fields.get("ai_Suspected") in _SEEN)
    return groups


def _figure(key: str, title: str, groups: dict[str, list[bool]]) -> Figure:
    rows = sorted(groups.items(), key=lambda entry: (-sum(entry[1]) / len(entry[1]), entry[0]))
    shares = withhold([share(name, sum(seen), len(seen)) for name, seen in rows])
    held = len(rows) - len(shares)
    note = f"{held} row{'' if held == 1 else 's'} withheld: fewer than {K} cases behind a number." if held else ""
    return Figure(
        key=key, title=title, of="Share of cases that were asked about AI", rows=tuple(shares[:MOST]), note=note
    )


def share(name: str, hits: int, total: int) -> Share:
    """Return a share with its 95% Wilson interval."""
    low, high = wilson(hits, total)
    return Share(name=name, hits=hits, total=total, low=round(low, 4), high=round(high, 4))


def withhold(rows: list[Share]) -> list[Share]:
    """Leave out every row in which somebody could be counted out: yes or no fewer than `K`, unless none is yes.

    Where exactly one row is left out the next smallest goes too, so that no total gives it away. Nothing stands for
    what is left out: its name says that there are such cases, and its place among the others would say its share.
    """
    small = {row.name for row in rows if _is_small(row)}
    if len(small) == 1 and len(rows) > 1:
        rest = [row for row in rows if row.name not in small]
        small.add(min(rest, key=lambda row: (row.total, row.name)).name)
    return [row for row in rows if row.name not in small]


def _is_small(row: Share) -> bool:
    return row.total < K or 0 < row.hits < K or 0 < row.total - row.hits < K


def effort(review: Review, vocabulary: Vocabulary) -> tuple[Figure, ...]:
    """Return what the platform did with its findings: decided by level, by language, and by decision."""
    rows = list(review.codes())
    return (
        _decided("effort-level", "Findings decided, by level", rows, lambda row: (TIER_WORDS[row["tier"]],)),
        _decided("effort-language", "Findings decided, by language", rows, _field("language")),
        _outcomes(rows),
        _capabilities(rows, vocabulary),
    )


def _field(name: str) -> Any:
    return lambda row: (str(row[name]) or "not known",)


def _decided(key: str, title: str, rows: list[dict[str, Any]], names: Any) -> Figure:
    total, done = Counter[str](), Counter[str]()
    for row in rows:
        for name in names(row):
            total[name] += 1
            done[name] += row["stage"] == "done"
    shares = tuple(share(name, done[name], total[name]) for name in sorted(total, key=lambda n: (-total[n], n)))
    return Figure(key=key, title=title, of="Share of findings that a person has decided", rows=shares[:MOST])


def _outcomes(rows: list[dict[str, Any]]) -> Figure:
    done = [str(row["decision"]) for row in rows if row["stage"] == "done"]
    shares = tuple(share(name.replace("_", " "), done.count(name), len(done)) for name in sorted(set(done)))
    return Figure(key="effort-decision", title="What people decided", of="Share of decided findings", rows=shares)


def _capabilities(rows: list[dict[str, Any]], vocabulary: Vocabulary) -> Figure:
    seen = Counter(name for row in rows for name in str(row["capabilities"]).split())
    labels = vocabulary.elements["capability"]
    shares = tuple(
        share(labels[name]["label"], seen[name], len(rows)) for name in sorted(seen, key=lambda n: (-seen[n], n))
    )
    return Figure(
        key="effort-capability", title="Traces of AI capabilities", of="Share of findings", rows=shares[:MOST]
    )


def by_month(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """Yield the findings of each month, oldest first."""
    yield from sorted(Counter(str(row["created"])[:7] for row in rows).items())[-12:]
