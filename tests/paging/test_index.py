"""The row index numbers rows by their content."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.frames.lossless_json import JsonNumber
from sectorsdf.paging.compact import DigestIndex
from sectorsdf.paging.index import RowIndex, combined_digest, row_digests, sort_key
from sectorsdf.paging.page import FetchedPage, Page, PageRequest


def make_index(*fields):
    sunk = []
    return RowIndex(fields, sunk.extend), sunk


def test_a_row_is_its_content_in_any_order_of_its_fields():
    index, sunk = make_index("a")
    one = index.add_page(Page([{"a": 1, "b": 2}], None, 30))
    two = index.add_page(Page([{"b": 2, "a": 1}], None, 30))
    assert list(one) == list(two) == [0]
    assert len(sunk) == 1


@pytest.mark.parametrize("other", ["1", 1.5, True, None, [1], {"x": 1}, "\ud800", "1 "])
def test_another_value_is_another_row(other):
    index, sunk = make_index("a")
    assert list(index.add_page(Page([{"a": 1}, {"a": other}], None, 30))) == [0, 1]
    assert sunk == [{"a": 1}, {"a": other}]


def test_copies_are_counted_within_a_page():
    index, sunk = make_index("a")
    assert list(index.add_page(Page([{"a": 1}] * 3, None, 30))) == [0, 1, 2]
    assert list(index.add_page(Page([{"a": 1}] * 2, None, 30))) == [0, 1]
    assert len(sunk) == 3


@given(st.lists(st.none() | st.integers(-9, 9) | st.sampled_from("abc") | st.booleans()))
def test_keys_sort_numbers_before_texts_before_nulls(values):
    def kind(value):
        return 2 if value is None else int(isinstance(value, str))

    kinds = [kind(value) for value in sorted(values, key=sort_key)]
    assert kinds == sorted(kinds)


@given(st.permutations([bytes([40 * n]) * 16 for n in range(6)]), st.integers(1, 9))
def test_one_digest_for_a_set(digests, max_recent):
    def of(keys):
        index = DigestIndex(max_recent)
        index.add(keys[:2])
        index.add(keys[2:])
        return combined_digest(index.sorted_digests())

    assert of(digests) == of(sorted(digests)) == sha256(b"".join(sorted(digests))).hexdigest()


@pytest.mark.parametrize(
    ("count", "ranks", "cut", "found"),
    [
        (5, 5, False, 0),
        (5, 1, False, None),
        (5, 1, True, 0),
        (9, 1, False, None),
        (10, 1, False, 0),
    ],
)
def test_a_page_comes_twice_by_chance_only_if_it_has_few_rows_that_tie(count, ranks, cut, found):
    index, _ = make_index("rank")
    rows = [{"id": number, "rank": number % ranks} for number in range(count)]
    for offset in (0, 30):
        numbers = index.add_page(Page(rows, 60, 30))
        page = FetchedPage(PageRequest(offset), numbers, 60, None, offset, offset + 1)
        assert index.seen_elsewhere(page, "rank", cut=cut) == (found if offset else None)
        index.set_positions(page)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"a": 1.0, "b": 2}),
        ({"a": 1, "b": 2}, {"a": True, "b": 2}),
        ({"a": "1", "b": 2}, {"a": 1, "b": 2}),
        ({"a": None, "b": ""}, {"a": "None", "b": ""}),
        ({"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
        ({"a": "x", "b": "y"}, {"a": "x", "c": "y"}),
        ({"a": "x"}, {"a": "x", "b": None}),
        ({"a": "x", "b": [1]}, {"a": "x", "b": "[1]"}),
        ({"a": JsonNumber("0.10"), "b": 1}, {"a": JsonNumber("0.20"), "b": 1}),
        ({"a": "\ud800", "b": 1}, {"a": "\ud801", "b": 1}),
    ],
)
def test_rows_differ_if_any_value_or_type_does(one, other):
    first, second = row_digests([one, other])
    assert first != second


def test_a_row_is_the_same_whatever_the_order_of_its_fields():
    """Also that of nested ones, and whether two equal texts are one object or two."""
    text = "".join(["x", "y"] * 20)
    one = {"a": text, "b": {"c": 1, "d": [2]}, "e": text, "f": 0.5}
    other = {"f": 0.5, "e": "".join(["x", "y"] * 20), "b": {"d": [2], "c": 1}, "a": text}
    plain = [{"a": text, "e": text, "f": 0.5}, {"f": 0.5, "e": "xy" * 20, "a": "xy" * 20}]
    assert len(set(row_digests([one, other]))) == 1
    assert len(set(row_digests(plain))) == 1


@pytest.mark.parametrize(
    ("row", "digest"),
    [
        ({"a": 1, "b": "caf\u00e9", "c": None, "d": 0.5}, "d8f5ab210e7ea6fa60c1f7c336030826"),
        ({"a": JsonNumber("1.50"), "b": [1, {"x": True}]}, "186e3fa75bbae5c13c5abf86fd410b78"),
        ({"only": "x"}, "3d41043ca6c612ca5f1c5a841082a80a"),
        ({}, "80e6970942141f21a7d6a718a5caed7b"),
    ],
)
def test_a_row_has_the_digest_that_earlier_versions_gave_it(row, digest):
    assert [each.hex() for each in row_digests([row, row])] == [digest] * 2
