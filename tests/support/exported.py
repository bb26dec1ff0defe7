"""What the tests of the file formats share: expected cells, and frames of any values."""

from __future__ import annotations

import datetime as dt
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sectorsdf.io.export import export_frame
from support.budgets import examples

needs_openpyxl = pytest.mark.skipif(not find_spec("openpyxl"), reason="openpyxl is not installed")
needs_duckdb = pytest.mark.skipif(not find_spec("duckdb"), reason="DuckDB is not installed")

AREA = {"type": "Polygon", "coordinates": [[[100, 0], [101, 0], [101, 1], [100, 0]]]}
"""A triangle as GeoJSON."""


def _value(value):
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if isinstance(value, np.generic) else value


def values(frame):
    """A frame's cells as Python values, column by column."""
    return {str(name): [_value(cell) for cell in frame[name]] for name in frame.columns}


def typed(columns):
    """Cells together with their types, because 1 == 1.0 == True."""
    return {name: [(type(cell), cell) for cell in cells] for name, cells in columns.items()}


def same(read, expected):
    assert list(read) == list(expected)
    assert typed(read) == typed(expected)


def transposed(names, rows):
    rows = list(rows)
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def with_days_as_text(columns):
    return {
        name: [cell.isoformat() if isinstance(cell, dt.date) else cell for cell in cells]
        for name, cells in columns.items()
    }


def flags_as_numbers(columns):
    return {
        name: [int(cell) if isinstance(cell, bool) else cell for cell in cells]
        for name, cells in columns.items()
    }


# Any text, number and day

_NASTY = [
    "0012",
    "=1+1",
    "a\nb\r\nc\rd",
    '"',
    "'",
    ",;\t",
    "\x00",
    "\x01\x1f\x7f\x85",
    "_x0041_",
    "_x005F_x0041_",
    "\ufffe\uffff",
    "\u2028",
    "\U0001f600",
    " a ",
    "NaN",
    "null",
    "NA",
    "#N/A",
    "1e5",
    "true",
    "\ufeffx",
    "x" * 32_767,
]
_TEXTS = st.none() | st.sampled_from(_NASTY) | st.text()
_WHOLE = (
    st.none()
    | st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 10**15])
    | st.integers(-(2**63), 2**63 - 1)
)
_ROWS = st.lists(
    st.tuples(
        _TEXTS,
        _WHOLE,
        st.none() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
        st.none() | st.dates(),
        st.none() | st.booleans(),
    ),
    max_size=5,
)
_EDGES = [
    *((text, None, None, None, None) for text in _NASTY),
    (None, 2**63 - 1, 1.7976931348623157e308, dt.date(9999, 12, 31), True),
    ("", -(2**63), 5e-324, dt.date(1, 1, 1), False),
    ("x", 0, -0.0, dt.date(1899, 12, 31), None),
    ("x", 1, 0.1 + 0.2, dt.date(1900, 1, 1), None),
]


def any_frame(rows):
    text, whole, number, day, flag = zip(*rows, strict=True) if rows else [()] * 5
    return pd.DataFrame(
        {
            "text": pd.array(text, "string"),
            "whole": pd.array(whole, "Int64"),
            "number": pd.array(number, "float64") if rows else np.array([], "float64"),
            "day": np.array([d and d.isoformat() for d in day], "datetime64[us]"),
            "flag": pd.array(flag, "boolean"),
        }
    )


def exported(rows, suffix, read):
    frame = any_frame(rows)
    with tempfile.TemporaryDirectory() as folder:
        return values(frame), read(export_frame(frame, Path(folder) / f"f{suffix}"))


def any_rows(share=1.0):
    """Give a test any rows, so many times as `examples` says."""

    def decorate(test):
        test = example(_EDGES)(example([])(given(_ROWS)(test)))
        return settings(max_examples=examples(share), deadline=None)(test)

    return decorate
