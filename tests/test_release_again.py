"""A second release, and a third: who subtracts them, who withdrew meanwhile, who was erased."""

from datetime import date

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.people import approval, keeping, release
from threelines.people.cohort import Cohort, next_cohort
from threelines.people.demo import fill
from threelines.people.register import Register
from threelines.people.suppress import K, encode
from threelines.roles import User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
ANNA = User(id="anna", role="supervisor")
BEN = User(id="ben", role="data_protection_officer")


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, ANNA, today=TODAY) as opened:
        yield opened


def _approved(register):
    made = release.prepare(register)
    approval.decide(register.as_user(BEN), made.id, yes=True)
    return made.id


def _publish(register, folder):
    release.publish(register, _approved(register), folder)
    return release.last_cohort(register)


def _cohort(rows):
    kinds, codes = encode([(value,) for value in rows.values()])
    return Cohort(ids=tuple(rows), kinds={"x": kinds}, codes={"x": codes.astype(np.int32).tobytes()})


def _read(cohort):
    return {case: cohort.kinds["x"][code][0] for case, code in zip(cohort.ids, cohort.column("x"), strict=True)}


_rows = st.dictionaries(st.integers(0, 60).map(str), st.sampled_from("uvw"), max_size=60)


@settings(max_examples=60, deadline=None)
@given(st.lists(_rows, min_size=2, max_size=5))
def test_every_two_releases_differ_by_k_people_or_by_none(states):
    """Not only neighbours: whoever kept the first release finds nobody alone in the last one."""
    published = []
    for rows in states:
        made = next_cohort(published, _cohort(rows), str.encode)
        after = _read(made)
        assert not after.keys() - rows.keys()
        for before in map(_read, published):
            joined, left = len(after.keys() - before.keys()), len(before.keys() - after.keys())
            changed = sum(after[case] != before[case] for case in after.keys() & before.keys())
            assert joined == 0 or joined >= K
            assert left == 0 or left >= min(K, len(before))
            assert changed == 0 or changed >= K - left
        published.append(made)


def test_who_changed_alone_rests_when_the_others_come_back():
    """Of eleven corrected ten rested and return with the one who had withdrawn: the eleventh is not alone then."""
    first = {f"a{number:02d}": "u" for number in range(40)}
    corrected = {**first, **{f"a{number:02d}": "v" for number in range(11)}}
    second = next_cohort([_cohort(first)], _cohort({k: v for k, v in corrected.items() if k != "a39"}), str.encode)
    assert _read(second) == {case: corrected[case] for case in first if "a10" <= case < "a39"}
    third = next_cohort([_cohort(first), second], _cohort({**corrected, "a20": "v"}), str.encode)
    changed = [case for case, answer in _read(third).items() if first[case] != answer]

    assert len(changed) + len(first.keys() - _read(third).keys()) >= K or not changed


def test_one_who_left_and_one_who_came_are_not_alone_two_releases_later(register, tmp_path):
    """A release, one withdraws, a release, one joins, a release: the first and the third differ by neither alone."""
    fill(register, cases=300)
    first = _publish(register, tmp_path / "one")
    register.consent(first.ids[0], "statistics", "withdrawn")
    _publish(register, tmp_path / "two")
    new = register.add({"ai_Asked": "yes"}, consent={"statistics": "yes"})
    third = _publish(register, tmp_path / "three")

    assert new not in third.ids
    assert len(set(first.ids) - set(third.ids)) == K


def test_exact_counts_are_for_the_first_release_only(register, tmp_path):
    """Subtracting two exact releases would give counts of newcomers below eleven."""
    fill(register, cases=150)
    assert release.prepare(register, base=1).state == "prepared"
    _publish(register, tmp_path / "one")

    with pytest.raises(release.ReleaseError, match="first release"):
        release.prepare(register, base=1)


def test_of_two_prepared_releases_one_is_published(register, tmp_path):
    """The second was held against what was published before it was prepared: it is void, a new one can be made."""
    fill(register, cases=150)
    one = _approved(register)
    register.add({"ai_Asked": "yes"}, consent={"statistics": "yes"})
    two = _approved(register)
    release.publish(register, one, tmp_path / "one")

    with pytest.raises(release.ReleaseError, match="another release was published"):
        release.publish(register, two, tmp_path / "two")
    assert not (tmp_path / "two").exists()
    assert approval.read(register, two).state == "refused"
    assert release.ready(register) == ""
    assert _publish(register, tmp_path / "three").ids == release.published_cohorts(register)[0].ids


def test_who_withdrew_after_the_approval_is_not_published(register, tmp_path):
    """Consent is asked for again on the day the release leaves; the request is void, the next one is without them."""
    fill(register, cases=200)
    approved = _approved(register)
    gone = [case_id for case_id, _, _ in register.columns("statistics", ())][:50]
    for case_id in gone:
        register.consent(case_id, "statistics", "withdrawn")

    with pytest.raises(release.ReleaseError, match="no consent for statistics any more"):
        release.publish(register, approved, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert approval.read(register, approved).state == "refused"
    assert not set(gone) & set(_publish(register, tmp_path / "out").ids)


def test_who_is_erased_while_a_release_is_made_is_not_in_what_is_kept(register, tmp_path, monkeypatch):
    """Read before and kept after the erasure: the cohort is as if it had been erased after that, and the request does not leave."""
    fill(register, cases=150)
    case_id = register.add({"ai_Asked": "yes", "ai_ContactLanguage": ["kat"]}, consent={"statistics": "yes"})
    ask = approval.prepare

    def erased_meanwhile(*given, **details):
        keeping.erase(register.as_user(BEN), case_id)
        return ask(*given, **details)

    with monkeypatch.context() as slow:
        slow.setattr(approval, "prepare", erased_meanwhile)
        request = _approved(register)
    with register.store.read() as connection:
        row = connection.execute(release._releases.select()).one()
    kept = release._cohort(register, row)

    assert case_id not in kept.ids
    assert not any("kat" in kind for kind in kept.kinds["ai_ContactLanguage"])
    with pytest.raises(release.ReleaseError, match="no consent"):
        release.publish(register, request, tmp_path / "out")


@pytest.mark.parametrize("by", ["erase", "retention"])
def test_an_erased_case_is_in_no_kept_cohort(register, tmp_path, by):
    """Neither its id nor its answers stay with what was published or prepared, only that somebody was in it."""
    fill(register, cases=150)
    seen = {"ai_Asked": "yes", "ai_ContactLanguage": ["kat"], "cas_Status": "Closed"}
    case_id = register.add(seen, consent={"statistics": "yes"})
    before = _publish(register, tmp_path / "one")
    pending = _approved(register)
    assert case_id in before.ids
    if by == "erase":
        keeping.erase(register.as_user(BEN), case_id)
    else:
        register.consent(case_id, "statistics", "withdrawn")
        later = Register(register.store, register.keyring, BEN, today=date(2029, 1, 1))
        keeping.apply_retention(later)
    after = release.last_cohort(register)
    stored = msgspec.msgpack.encode([after, *release.published_cohorts(register)])

    assert case_id.encode() not in stored
    assert msgspec.msgpack.encode("kat") not in stored  # with its length: the letters alone may stand in an id
    assert len(after.ids) == len(before.ids)
    with pytest.raises(release.ReleaseError, match="no consent"):
        release.publish(register, pending, tmp_path / "two")
    assert release.prepare(register).state == "prepared"
