"""The digest of a table: the order does not count, and everything else does."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf.datasets import DATASETS
from sectorsdf.frames import digest as digest_module
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.digest import combined_digest, row_hashes, table_digest

TABLE = pa.table(
    {
        "code": ["001", "002", None, "001"],
        "day": pa.array([dt.date(2024, 2, 29), None, dt.date(1, 1, 1), None], pa.date32()),
        "count": pa.array([1, None, -(2**63), 2**63 - 1], pa.int64()),
        "area": [0.1, None, 1e300, -1.5],
        "flag": [True, None, False, True],
    }
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.text(max_size=3),
        st.none() | st.integers(-5, 5),
        st.none() | st.floats(allow_nan=False, width=16),
        st.none() | st.booleans(),
    ),
    max_size=6,
)
SCHEMA = pa.schema(
    [("text", pa.string()), ("n", pa.int64()), ("x", pa.float64()), ("flag", pa.bool_())]
)


def table_of(rows):
    records = [dict(zip(SCHEMA.names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(records, SCHEMA)


def multiset(rows):
    return sorted(map(repr, [(t, n, None if x is None else x + 0.0, f) for t, n, x, f in rows]))


@given(ROWS, ROWS, st.randoms(use_true_random=False))
@settings(max_examples=examples(), deadline=None)
def test_equal_digests_mean_equal_rows_in_any_order(rows, others, random):
    digest = table_digest(table_of(rows))
    assert (digest == table_digest(table_of(others))) == (multiset(rows) == multiset(others))
    shuffled = random.sample(rows, len(rows))
    names = random.sample(SCHEMA.names, 4)
    assert table_digest(table_of(shuffled).select(names)) == digest


@pytest.mark.parametrize(
    "changed",
    [
        TABLE.slice(1),
        pa.concat_tables([TABLE, TABLE.slice(0, 1)]),
        TABLE.drop_columns(["flag"]),
        TABLE.rename_columns(["code", "day", "number", "area", "flag"]),
        TABLE.set_column(2, "count", pa.array([1, 2, -(2**63), 2**63 - 1])),
        TABLE.set_column(2, "count", pa.array([1.0, None, 2.0, 3.0])),
        TABLE.set_column(0, "code", pa.array(["001", "002", "", "001"])),
        # The same cells, some of them in other rows.
        TABLE.set_column(0, "code", pa.array(["002", "001", None, "001"])),
        TABLE.append_column("note", pa.nulls(4, pa.string())),
    ],
    ids=[
        "a row less",
        "a row twice",
        "a column less",
        "another name",
        "a value for a missing one",
        "another type",
        "an empty text for a missing one",
        "exchanged",
        "a column more",
    ],
)
def test_every_change_shows(changed):
    assert table_digest(changed) != table_digest(TABLE)


def test_the_form_does_not_count():
    digest = table_digest(TABLE)
    assert digest.startswith("rows1:")
    assert table_digest(pa.concat_tables([TABLE.slice(2), TABLE.slice(0, 2)])) == digest
    coded = TABLE.set_column(0, "code", TABLE["code"].dictionary_encode())
    assert table_digest(coded) == digest
    large = TABLE.set_column(0, "code", TABLE["code"].cast(pa.large_string()))
    assert table_digest(large) == digest
    zeros = pa.table({"x": [0.0, float("nan")]})
    assert table_digest(zeros) == table_digest(pa.table({"x": [-0.0, None]}))
    parts = [row_hashes(TABLE.slice(0, 1)), row_hashes(TABLE.slice(1))]
    assert combined_digest(np.concatenate(parts), TABLE.schema) == digest


def test_it_is_the_same_with_every_version():
    # Files keep digests: this one must never change.
    assert table_digest(TABLE) == "rows1:fcdf333f7d278ef8b71ae170f76061a8"


def test_a_frame_has_the_digest_of_its_table():
    assert table_digest(to_arrow(from_arrow(TABLE))) == table_digest(TABLE)
    for dataset in DATASETS.values():
        for rows in (0, 2):
            table = pa.table([pa.nulls(rows, f.type) for f in dataset.schema], dataset.schema)
            assert table_digest(to_arrow(from_arrow(table))) == table_digest(table)


def test_types_that_no_dataset_has():
    table = pa.table(
        {
            "list": [[1, 2], None],
            "struct": [{"a": 1}, {"a": None}],
            "time": pa.array([dt.time(1), None]),
            "moment": pa.array([1_700_000_000, None], pa.timestamp("s")),
            "nothing": pa.nulls(2),
            "bytes": [b"a", None],
            "half": pa.array([np.float16(0.5), None], pa.float16()),
            "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
        }
    )
    for name in table.column_names:
        one = table.select([name])
        assert table_digest(one) != table_digest(one.slice(1)), name
        assert table_digest(one.take([1, 0])) == table_digest(one)


@pytest.mark.newest
def test_four_thousand_rows_take_milliseconds():
    rows = 4_151
    columns = {f"code{i}": [f"{n * 7919 + i:013}" for n in range(rows)] for i in range(4)}
    columns |= {f"name{i}": ["Kalimantan Timur", "Aceh", None] * (rows // 3 + 1) for i in range(8)}
    table = pa.table({name: cells[:rows] for name, cells in columns.items()})
    best = min(timed(table) for _ in range(5))
    assert best < 0.05


def timed(table):
    begun = time.perf_counter()
    table_digest(table)
    return time.perf_counter() - begun


def test_pandas_values_survive():
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", None]), "o": ["x", None, "y"]})
    plain = frame.astype({"c": "string", "o": "string"})
    assert table_digest(to_arrow(frame)) == table_digest(to_arrow(plain))


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_the_hashes_do_not_depend_on_how_many_rows_are_hashed_at_once(at_once, monkeypatch):
    expected = row_hashes(TABLE).tolist()
    monkeypatch.setattr(digest_module, "_HASHED_ROWS", at_once)
    assert row_hashes(TABLE).tolist() == expected
    assert row_hashes(TABLE.slice(0, 0)).tolist() == []
