"""The names of partitions: every value comes back, and nothing is taken for something else."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.datasets import DATASETS
from sectorsdf.io.hive import (
    NULL_PARTITION,
    PartitionedColumns,
    escape,
    is_guessed,
    parse_keys,
    partition_scalar,
    partition_type,
    refuse_undivided,
)

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)


@given(TEXTS, TEXTS)
def test_a_name_and_a_text_come_back(name, text):
    folder = f"{escape(name)}={escape(text)}"
    assert "/" not in folder
    expected = None if text == NULL_PARTITION else text
    assert parse_keys(["register", folder]) == {name: expected}


def test_folders_that_divide_nothing_are_passed_over():
    assert parse_keys(["", "data", "=x", "a=", f"b={NULL_PARTITION}", "c=1=2"]) == {
        "a": "",
        "b": None,
        "c": "1=2",
    }


@pytest.mark.parametrize(
    "text",
    [
        *("0012", "-1", "+.5", "1e5", " 7 ", "3d", "NaN", "inf", "TRUE"),
        *("2024-1-31", "2024-01", "2024-01-31T10:00", "12:30"),
    ],
)
def test_what_readers_guess(text):
    assert is_guessed(text)


@pytest.mark.parametrize("text", ["Aceh", "FY 2024", "GEN I", "1-2", "503/12", "x1", "", "a2024"])
def test_what_readers_leave_as_text(text):
    assert not is_guessed(text)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("2024", pa.int64(), 2024),
        ("0024", pa.string(), "0024"),
        ("", pa.string(), ""),
        ("", pa.int64(), None),
        (None, pa.string(), None),
        ("true", pa.bool_(), True),
        ("2024-02-29", pa.date32(), dt.date(2024, 2, 29)),
    ],
)
def test_a_value_has_its_type(text, kind, value):
    scalar = partition_scalar("key", text, kind)
    assert (scalar.type, scalar.as_py()) == (kind, value)


def test_a_text_of_another_type_is_named():
    with pytest.raises(ValueError, match="year=soon does not name a value of the type int64"):
        partition_scalar("year", "soon", pa.int64())


def test_the_type_is_remembered_or_declared_and_never_guessed():
    sites = DATASETS["mining_sites"]
    known = PartitionedColumns(("slug", "year"), {"year": pa.string()})
    assert PartitionedColumns.of_metadata({k: v.encode() for k, v in known.metadata().items()}) == (
        known
    )
    assert partition_type("year", ["2024"], known, sites) == pa.string()
    assert partition_type("year", ["2024"], None, sites) == pa.int64()
    assert partition_type("year", ["2024"], None, None) == pa.string()
    assert partition_type("snapshot_date", ["2024-01-31"], None, sites) == pa.date32()
    assert partition_type("snapshot_date", ["2024-01-31", "x"], None, sites) == pa.string()
    assert partition_type("snapshot_date", [], None, sites) == pa.string()


def test_details_and_contacts_can_divide_a_list():
    refuse_undivided(["year", "measurement_year", "province"], DATASETS["mining_sites"])
    with pytest.raises(ValueError, match=r"do not exist: nowhere; mining_sites has name, "):
        refuse_undivided(["nowhere"], DATASETS["mining_sites"])
    with pytest.raises(ValueError, match="column 'latitude' is number"):
        refuse_undivided(["latitude"], DATASETS["mining_sites"])
