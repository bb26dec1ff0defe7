"""Other programs read a root as it lies, with the types intact."""

from __future__ import annotations

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from sectorsdf import snapshots
from sectorsdf.datasets import DATASETS

NAME = "mining_licenses"
KINDS = {column.name: column.kind for column in DATASETS[NAME].columns}


@pytest.fixture(scope="module")
def lake(tmp_path_factory, frames):
    """A root with two snapshots whose codes have leading zeros."""
    root = tmp_path_factory.mktemp("engines") / "lake"
    for day, frame in list(frames.items())[:2]:
        snapshots.write(frame, root, date=day)
    assert any(frame["wiup_code"].str.startswith("0").any() for frame in frames.values())
    return root


@pytest.fixture(params=["root", "dataset"])
def folder(request, lake):
    """The root itself, or its folder of the dataset."""
    return lake if request.param == "root" else lake / f"dataset={NAME}"


@pytest.fixture(scope="module")
def expected(frames):
    """What is in the root: the codes, the last days and the areas of each day."""
    return {
        day: (
            set(frame["wiup_code"]),
            frame["license_expiry_date"].min().date(),
            frame["licensed_area_ha"].sum(),
        )
        for day, frame in list(frames.items())[:2]
    }


def test_arrow(folder, expected):
    table = ds.dataset(folder, partitioning="hive").to_table()
    for column in DATASETS[NAME].columns:
        assert table.schema.field(column.name).type == column.arrow_type
    days = table.column("snapshot_date").to_pylist()
    assert sorted({str(day) for day in days}) == sorted(expected)
    assert set(table.column("wiup_code").to_pylist()) == set.union(
        *(codes for codes, *_ in expected.values())
    )


def test_pandas(folder, expected):
    frame = pd.read_parquet(folder, dtype_backend="pyarrow")
    for column in DATASETS[NAME].columns:
        assert frame[column.name].dtype == pd.ArrowDtype(column.arrow_type)
    for day, rows in frame.groupby(frame["snapshot_date"].astype(str)):
        codes, first, area = expected[day]
        assert set(rows["wiup_code"]) == codes
        assert rows["license_expiry_date"].min() == first
        assert rows["licensed_area_ha"].sum() == pytest.approx(area)


def test_polars(folder, expected):
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(folder)
    types = {
        "text": polars.String,
        "json": polars.String,
        "date": polars.Date,
        "number": polars.Float64,
    }
    for name, kind in KINDS.items():
        assert frame.schema[name] == types[kind]
    assert frame.schema["snapshot_date"] == polars.Date
    for (day,), rows in frame.group_by("snapshot_date"):
        codes, first, area = expected[str(day)]
        assert set(rows["wiup_code"]) == codes
        assert rows["license_expiry_date"].min() == first
        assert rows["licensed_area_ha"].sum() == pytest.approx(area)


def test_duckdb(folder, expected):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        pattern = f"{folder}/**/*.parquet"
        rows = f"read_parquet('{pattern}', hive_partitioning = true)"
        described = database.sql(f"describe select * from {rows}").fetchall()
        types = {"text": "VARCHAR", "json": "VARCHAR", "date": "DATE", "number": "DOUBLE"}
        found = {name: kind for name, kind, *_ in described}
        assert {name: found[name] for name in KINDS} == {n: types[k] for n, k in KINDS.items()}
        assert found["snapshot_date"] == "DATE"
        query = (
            "select snapshot_date, list(wiup_code), min(license_expiry_date), "
            f"sum(licensed_area_ha) from {rows} group by snapshot_date"
        )
        for day, codes, first, area in database.sql(query).fetchall():
            known, first_day, total = expected[str(day)]
            assert (set(codes), first) == (known, first_day)
            assert area == pytest.approx(total)


def test_files_hold_text_of_one_type_whatever_the_version_of_pandas(lake):
    for file in lake.rglob("*.parquet"):
        schema = pq.read_schema(file)
        assert {str(field.type) for field in schema} <= {"string", "date32[day]", "double"}
