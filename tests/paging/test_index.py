"""The row index numbers rows by their content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.paging.index import RowIndex, combined_digest, sort_key
from sectorsdf.paging.page import Page


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


@given(st.permutations([bytes([n]) for n in range(6)]))
def test_one_digest_for_a_set(digests):
    assert combined_digest(np.array(digests)) == combined_digest(np.array(sorted(digests)))
