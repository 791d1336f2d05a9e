"""JSON documents: brackets within brackets end as a skip, before they take the memory."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reading import file_of
from threelines.platforms.read import ReadReport, read
from threelines.platforms.read._json import _DEEPEST, _Nesting, _TooDeep


def deepest(value: object) -> int:
    """Return how many brackets stand within brackets."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(deepest, inner), default=0)


LEAVES = st.none() | st.text('[]{}"\\ a', max_size=9)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text('"[}\\', max_size=3), inner))


@given(value=VALUES, size=st.integers(1, 9))
def test_nesting_is_told_before_a_parser_sees_it(value, size):
    """Brackets in strings, escapes and any cut of the chunks: as deep as the document is, and closed at its end."""
    text, nesting, reached = json.dumps(value).encode(), _Nesting(), 0
    for start in range(0, len(text), size):
        for letter in range(start, min(start + size, len(text))):
            nesting.add(text[letter : letter + 1])
            reached = max(reached, nesting._depth)
    whole = _Nesting()
    whole.add(text)

    assert (reached, nesting._depth, nesting._is_quoted) == (deepest(value), 0, False)
    assert (whole._depth, whole._is_quoted) == (0, False)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"text":"]]]]","b":'])
def test_a_document_of_brackets_is_one_skip_without_its_memory(tmp_path, opening):
    """100,000 brackets (200 kB) took all the memory there is: ijson keeps a path for each."""
    path = file_of(tmp_path, "deep.json", '[{"text":"a"},' + opening * 100_000)
    report = ReadReport()
    tracemalloc.start()
    found = list(read([path], key=None, reveal=True, report=report))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert report.skipped == 1 and "nested deeper" in report.examples[0].reason
    assert peak < 50_000_000 and len(found) <= 1


def test_a_document_may_be_nested_as_deep_as_the_bound():
    """The bound itself is passed, one more is not."""
    _Nesting().add(b"[" * _DEEPEST)
    with pytest.raises(_TooDeep):
        _Nesting().add(b"[" * (_DEEPEST + 1))
