"""Every column of every kind has its type in every program, whichever pandas wrote the files.

The roots are those of `tests/data/written_roots`; see the README there. Spark is in `test_spark`.
"""

from __future__ import annotations

import json
import math

import pandas as pd
import pyarrow.dataset as ds
import pytest
from support.paths import ROOT
from support.snapshots import complete_frame, rows

from sectorsdf import read_parquet, snapshots, verify
from sectorsdf.datasets import DATASETS

WRITTEN = ROOT / "tests" / "data" / "written_roots"
RECORDS = json.loads((WRITTEN / "records.json").read_text(encoding="utf-8"))
NAME = "mining_license_auctions"
# A dataset that has all of them but JSON, which is text.
COLUMNS = {column.name: column.kind for column in DATASETS[NAME].columns}
TYPES = {
    "arrow": {
        "text": "string",
        "date": "date32[day]",
        "integer": "int64",
        "number": "double",
        "flag": "bool",
    },
    "pandas": {
        "text": "string[pyarrow]",
        "date": "date32[day][pyarrow]",
        "integer": "int64[pyarrow]",
        "number": "double[pyarrow]",
        "flag": "bool[pyarrow]",
    },
    "polars": {
        "text": "String",
        "date": "Date",
        "integer": "Int64",
        "number": "Float64",
        "flag": "Boolean",
    },
    "duckdb": {
        "text": "VARCHAR",
        "date": "DATE",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "flag": "BOOLEAN",
    },
    "ibis": {
        "text": "string",
        "date": "date",
        "integer": "int64",
        "number": "float64",
        "flag": "boolean",
    },
    "dask": {
        "text": "string",
        "date": "datetime64[us]",
        "integer": "Int64",
        "number": "float64",
        "flag": "boolean",
    },
}
TYPES["dask, as it lies"] = {**TYPES["pandas"], "text": "string"}


@pytest.fixture(params=["newest", "oldest"])
def root(request):
    """A root that the newest, or the oldest, pandas and pyarrow have written."""
    return WRITTEN / request.param


@pytest.fixture(scope="module")
def frames():
    """The frames that were written, by day."""
    return {day: complete_frame(records, NAME) for day, records in RECORDS.items()}


def test_a_root_is_read_whichever_versions_wrote_it(root, frames):
    listed = snapshots.list(root)
    assert listed["snapshot_date"].astype(str).tolist() == list(frames)
    assert listed["complete"].all()
    digests = [frame.attrs["sectorsdf"].get("digest") for frame in frames.values()]
    assert listed["digest"].tolist() == digests
    for day, frame in frames.items():
        found = snapshots.read(root, NAME, date=day)
        pd.testing.assert_frame_equal(found, frame)
        (path,) = root.rglob(f"snapshot_date={day}/*.parquet")
        assert verify(path).intact
        pd.testing.assert_frame_equal(read_parquet(path), frame)
    together = snapshots.read(root, NAME, date="all")
    days = together.groupby("snapshot_date").size()
    assert days.tolist() == [len(frame) for frame in frames.values()]


def test_two_roots_have_the_same_changes_and_history(frames):
    newest, oldest = WRITTEN / "newest", WRITTEN / "oldest"
    changes = snapshots.changes(newest, NAME)
    pd.testing.assert_frame_equal(changes, snapshots.changes(oldest, NAME))
    assert changes["change"].value_counts().to_dict() == {"added": 5, "removed": 3}
    history = snapshots.history(newest, NAME)
    pd.testing.assert_frame_equal(history, snapshots.history(oldest, NAME))
    assert history["valid_from"].dt.strftime("%Y-%m-%d").value_counts().to_dict() == {
        "2026-10-01": 10,
        "2026-11-01": 5,
    }


def test_a_snapshot_beside_those_of_other_versions(root, frames, tmp_path):
    first, second = frames
    for day in (first, second):
        snapshots.write(snapshots.read(root, NAME, date=day), tmp_path / "lake", date=day)
    both = snapshots.list(tmp_path / "lake")["digest"]
    assert both.tolist() == snapshots.list(root)["digest"].tolist()
    differences = snapshots.diff(frames[first], snapshots.read(root, NAME, date=first))
    assert differences.empty


def _arrow(folder):
    table = ds.dataset(folder, partitioning="hive").to_table()
    return {field.name: str(field.type) for field in table.schema}, table.to_pylist()


def _pandas(folder):
    frame = pd.read_parquet(folder, dtype_backend="pyarrow")
    return _of_frame(frame)


def _of_frame(frame):
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    return types, frame.astype(object).to_dict("records")


def _polars(folder):
    frame = pytest.importorskip("polars").read_parquet(folder)
    return {name: str(kind) for name, kind in frame.schema.items()}, frame.to_dicts()


def _duckdb(folder):
    with pytest.importorskip("duckdb").connect() as database:
        relation = database.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        return types, [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _ibis(folder):
    ibis = pytest.importorskip("ibis")
    pytest.importorskip("duckdb")
    backend = ibis.duckdb.connect()
    try:
        table = backend.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
        types = {name: str(kind) for name, kind in table.schema().items()}
        return types, table.to_pyarrow().to_pylist()
    finally:
        backend.disconnect()


def _dask(folder):
    pytest.importorskip("dask.dataframe")
    root = folder if folder.parent == WRITTEN else folder.parent
    lazy = snapshots.scan(root, NAME, engine="dask")
    frame = lazy.compute(scheduler="sync")
    assert frame.dtypes.astype(str).to_dict() == lazy.dtypes.astype(str).to_dict()
    return _of_frame(frame)


def _dask_as_it_lies(folder):
    dask = pytest.importorskip("dask.dataframe")
    lazy = dask.read_parquet(folder, dtype_backend="pyarrow")
    return _of_frame(lazy.compute(scheduler="sync"))


READERS = {
    "arrow": _arrow,
    "pandas": _pandas,
    "polars": _polars,
    "duckdb": _duckdb,
    "ibis": _ibis,
    "dask": _dask,
    "dask, as it lies": _dask_as_it_lies,
}

# Their present versions use what the newest pandas and DuckDB deprecate.
OWN_WARNINGS = dict.fromkeys(
    ("ibis", "dask, as it lies"), pytest.mark.filterwarnings("ignore::DeprecationWarning")
)


def _plain(value):
    """A value as JSON has it: None if it is missing, a day as ISO text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value)[:10] if hasattr(value, "strftime") else value


@pytest.mark.parametrize("part", ["root", "dataset"])
@pytest.mark.parametrize(
    "engine",
    [pytest.param(engine, marks=OWN_WARNINGS.get(engine, ())) for engine in READERS],
)
def test_a_program_reads_every_column_with_its_type(engine, part, root, frames):
    folder = root if part == "root" else root / f"dataset={NAME}"
    types, found = READERS[engine](folder)
    assert {name: types[name] for name in COLUMNS} == {
        name: TYPES[engine][kind] for name, kind in COLUMNS.items()
    }
    by_day = {}
    for row in found:
        own = by_day.setdefault(_plain(row["snapshot_date"]), [])
        own.append({name: _plain(row[name]) for name in COLUMNS})
    assert sorted(by_day) == list(frames)
    for day, frame in frames.items():
        expected = rows(frame, list(COLUMNS))
        assert sorted(by_day[day], key=_order) == sorted(expected, key=_order)
    codes = {row["wiup_code"] for row in found}
    assert {"0071422122023000", "0000000000000001"} <= codes
    if "dataset" in types:
        assert {row["dataset"] for row in found} == {NAME}


def _order(row):
    return json.dumps(row, sort_keys=True)


def test_every_kind_of_column_is_read():
    assert set(COLUMNS.values()) == set(TYPES["arrow"])
    assert all(set(types) == set(TYPES["arrow"]) for types in TYPES.values())
