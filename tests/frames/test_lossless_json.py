"""JSON text of values that were read: every number and character as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf.frames.lossless_json import as_utf8, decode_json, json_text

pytestmark = pytest.mark.newest

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@settings(max_examples=examples())
@given(VALUES)
def test_a_value_is_written_as_it_was_read(value):
    text = json.dumps(value, ensure_ascii=False)
    if "Infinity" not in text:
        assert json_text(decode_json(text)) == as_utf8(text)


@pytest.mark.parametrize(
    "text",
    ["-0", "0.10", "1E5", "1.0e+2", "9" * 5000, "[1.50, [0.10]]", '{"a": {"b": [1, 2.00]}}'],
)
def test_a_number_keeps_its_text(text):
    assert json_text(decode_json(text)) == text


def test_a_field_with_several_values_has_all_of_them():
    text = '{"a": 1, "a": 2, "b": [3]}'
    assert json_text(decode_json(text)) == text


@pytest.mark.parametrize("depth", [10, 5_000])
def test_a_deep_value_is_written(depth):
    text = "[" * depth + "1" + "]" * depth
    assert json_text(decode_json(text)) == text
