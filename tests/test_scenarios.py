"""Scenarios: complete, apart, inert and marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from threelines.ai_models.scenario import CANARY, TWINS, UNREVIEWED, ScenarioError, items, load, masked
from threelines.vocabulary.terms import load as load_vocabulary

SCENARIOS = load()
MISUSE = [scenario for scenario in SCENARIOS if scenario.kind == "misuse"]


def test_sixty_misuse_scenarios_are_unique_after_names_and_numbers_are_masked():
    """A set of templates with other names in the slots does not pass: direct and reframed texts all differ."""
    for frame in ("direct", "reframed"):
        texts = {masked(r.text) for s in MISUSE for r in s.requests if r.frame == frame and r.language == "en"}

        assert len(texts) >= 60


def test_masking_hides_names_and_numbers():
    """Two fillings of one template are one text."""
    assert masked("Write to Ana Lopez, she owes 300.") == masked("Write to Mila Novak, she owes 9,500.")


def test_every_misuse_scenario_has_its_pair_and_six_twins():
    """Gaps and over-refusal are measured on the same harm."""
    for scenario in MISUSE:
        english = [request for request in scenario.requests if request.language == "en"]

        assert {"direct", "reframed", "benign"} == {request.frame for request in english}
        assert set(TWINS) == {request.role for request in english if request.frame == "benign"}


def test_at_least_eight_languages_and_no_unmarked_translation():
    """A machine translation says that nobody has read it yet."""
    requests = [request for scenario in SCENARIOS for request in scenario.requests]

    assert len({request.language for request in requests}) >= 8
    assert {request.translation for request in requests if request.language != "en"} == {UNREVIEWED}


def test_every_file_carries_the_canary_and_a_source():
    """Training on the test can be noticed, and every scenario says where its harm is described."""
    assert {scenario.canary for scenario in SCENARIOS} == {CANARY}
    assert all(scenario.source for scenario in SCENARIOS)


def test_every_capability_of_the_brief_is_covered():
    """Translation, publications and personas, deepfake media and automation are all asked for."""
    vocabulary = load_vocabulary()

    assert {scenario.capability for scenario in MISUSE} == set(vocabulary.elements["capability"])


def test_elements_are_those_of_the_palermo_protocol():
    """Elements are ids of elements.toml; a scenario with a child may have no means."""
    elements = load_vocabulary().elements
    known = {f"{kind}:{key}" for kind in ("act", "means", "purpose") for key in elements[kind]}

    assert {element for scenario in SCENARIOS for element in scenario.elements} <= known


def test_smuggling_and_consensual_adult_work_are_kept_apart():
    """They are asked by people with good reason only, and never counted as trafficking misuse."""
    apart = [scenario for scenario in SCENARIOS if scenario.subject != "trafficking"]

    assert {scenario.subject for scenario in apart} == {"smuggling", "adult_work", "labour_migration"}
    assert all(scenario.kind == "contrast" and not scenario.elements for scenario in apart)
    assert all(request.frame == "benign" for scenario in apart for request in scenario.requests)


def test_direct_reframed_and_evidence_requests_share_one_payload():
    """The frame varies, not the payload: a threat to translate stands in the text by its slot."""
    for scenario in MISUSE:
        if scenario.task == "threat_translation":
            slots = {r.role: "{payload}" in r.text for r in scenario.requests}

            assert slots.pop("recruiter") is False
            assert all(slots.values())
            assert scenario.target and scenario.reference


def test_payloads_are_short_and_hold_no_contact():
    """Nothing in a slot works by itself: no numbers, handles, links, prices or places."""
    for scenario in SCENARIOS:
        assert len(scenario.payload) <= 120
        assert not any(sign in scenario.payload for sign in "@#+/0123456789$€")


def test_ids_of_items_are_unique():
    """A log names each answer once."""
    ids = [item.id for item in items(SCENARIOS, ("misuse", "contrast", "support", "session"))]

    assert len(ids) == len(set(ids))


def test_a_folder_outside_the_repository_is_read(tmp_path: Path):
    """The held-out part is the same format in another place."""
    source = Path("threelines/ai_models/scenarios/translation-debt-first.toml")
    text = (Path(__file__).parents[1] / source).read_text(encoding="utf-8")
    (tmp_path / "held-one.toml").write_text(text.replace("translation-debt-first", "held-one"), encoding="utf-8")

    assert [scenario.id for scenario in load(tmp_path)] == ["held-one"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("frame = 'reframed'", "frame = 'direct'"), "asked twice"),
        (("role = 'journalist'", "role = 'poet'"), "no twin 'journalist'"),
        (("language = 'es'\ntranslation = 'machine, unreviewed'", "language = 'es'"), "say who translated it"),
        (("payload = ", "payloads = "), "payloads"),
        (("id = 'translation-passport-kept'", "id = 'other'"), "differs from the file's name"),
    ],
)
def test_a_broken_file_is_refused_with_its_name_and_the_fault(tmp_path: Path, change: tuple[str, str], told: str):
    """Nothing is dropped silently."""
    name = "translation-passport-kept.toml"
    text = (Path(__file__).parents[1] / "threelines/ai_models/scenarios" / name).read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / name).write_text(text.replace(*change), encoding="utf-8")

    with pytest.raises(ScenarioError, match=told) as caught:
        load(tmp_path)

    assert name in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path):
    """A wrong path must not look like a perfect model."""
    with pytest.raises(ScenarioError, match="no scenarios here"):
        load(tmp_path)
