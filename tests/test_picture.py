"""The picture of a network: readable without colour, by a screen reader, and the same every time."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.platforms.picture import SHOWN, network_picture

_SVG = "{http://www.w3.org/2000/svg}"


def _facts(count, kinds=("script",)):
    edges = [
        {"first": f"a{i}", "second": f"a{i + 1}", "kinds": {kinds[i % len(kinds)]: 1}, "p": 1e-9}
        for i in range(count - 1)
    ]
    return {"members": [f"a{i}" for i in range(count)], "edges": edges}


def test_it_has_a_title_a_description_and_the_ties_in_words():
    """What the lines show is said in words, and each account's number is explained."""
    root = ElementTree.fromstring(network_picture(_facts(3, ("script", "phone")), name="n1"))
    title, said = root.find(f"{_SVG}title"), root.find(f"{_SVG}desc")

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "n1-title n1-desc"
    assert title.text == "3 accounts tied to one another"
    assert "1 is a0" in said.text
    assert "1 and 2: same text (1); 2 and 3: same phone number (1)" in said.text


def test_kinds_differ_by_their_dash_not_only_by_colour():
    """Two kinds of tie are drawn with two dashes, both explained in a key; no colour is used at all."""
    drawn = network_picture(_facts(3, ("script", "phone")))

    assert 'stroke-dasharray="2 4"' in drawn
    assert "same phone number</text>" in drawn
    assert "#" not in drawn.split("<title", 1)[1].split("</desc>")[1]


def test_it_holds_nothing_from_outside():
    """No script, no link, no image, and names are escaped."""
    facts = {"edges": [{"first": "<b>", "second": '"x"&', "kinds": {"link": 1}, "p": 1e-9}]}
    drawn = network_picture(facts)

    ElementTree.fromstring(drawn)
    assert "<b>" not in drawn
    assert not any(word in drawn for word in ("<script", "href", "url(", "<image"))


def test_the_same_network_gives_the_same_bytes():
    """Order of the edges does not matter; nothing is drawn for no edges."""
    facts = _facts(12, ("script", "handle", "timing"))

    assert network_picture(facts) == network_picture({"edges": list(reversed(facts["edges"]))})
    assert network_picture({"edges": []}) == ""


def test_a_large_network_is_drawn_in_part_and_says_so():
    """The best tied accounts are drawn; the description says how many there are."""
    drawn = network_picture(_facts(90))

    assert drawn.count("<g>") == SHOWN
    assert "90 accounts, 89 ties" in drawn
    assert f"The {SHOWN} best tied are drawn" in drawn


@given(st.integers(2, 30), st.lists(st.sampled_from(["script", "photo", "timing"]), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_it_is_always_well_formed(count, kinds):
    """Any network gives well-formed XML inside its own frame."""
    root = ElementTree.fromstring(network_picture(_facts(count, kinds)))
    width, height = (int(value) for value in root.get("viewBox").split()[2:])

    assert all(
        0 <= float(c.get("cx")) <= width and 0 <= float(c.get("cy")) <= height for c in root.iter(f"{_SVG}circle")
    )
