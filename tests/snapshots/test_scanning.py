"""Lazy frames of other programs over all snapshots, and changes and history on Dask."""

from __future__ import annotations

import importlib.util
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.snapshots import rows

from sectorsdf import snapshots
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError, MissingExtraError
from sectorsdf.frames.arrow import from_arrow

NAME = "mining_licenses"
DECLARED = DATASETS[NAME].schema.append(pa.field("snapshot_date", pa.date32()))


def write_months(root, frames):
    for day, frame in frames.items():
        snapshots.write(frame, root, date=day)
    return root


@pytest.fixture(scope="module")
def lake(tmp_path_factory, frames):
    """A root with a snapshot of each month."""
    return write_months(tmp_path_factory.mktemp("scanning") / "lake", frames)


@pytest.fixture(scope="module")
def everything(lake):
    return snapshots.read(lake, NAME, date="all")


def by_content(frame):
    return rows(frame, sorted(frame.columns))


def test_arrow_has_the_declared_types_and_skips_files(lake, everything):
    found = snapshots.scan(lake, NAME)
    assert found.schema == DECLARED
    assert found.count_rows() == len(everything)
    day = date(2026, 2, 1)
    chosen = found.filter(pc.field("snapshot_date") == day)
    assert {*chosen.to_table().column("snapshot_date").to_pylist()} == {day}
    assert by_content(from_arrow(found.to_table())) == by_content(everything)


def test_polars_has_the_declared_types(lake, everything):
    polars = pytest.importorskip("polars")
    found = snapshots.scan(lake, NAME, engine="polars")
    assert isinstance(found, polars.LazyFrame)
    assert by_content(from_arrow(found.collect().to_arrow())) == by_content(everything)
    assert found.collect_schema()["license_expiry_date"] == polars.Date
    days = found.filter(polars.col("snapshot_date") > date(2026, 3, 1)).collect()
    assert set(days["snapshot_date"]) == {date(2026, 4, 1), date(2026, 5, 1)}


def test_duckdb_has_the_declared_types(lake, everything):
    pytest.importorskip("duckdb")
    found = snapshots.scan(lake, NAME, engine="duckdb")
    assert dict(zip(found.columns, map(str, found.types), strict=True))["snapshot_date"] == "DATE"
    assert by_content(from_arrow(pa.table(found.to_arrow_table()))) == by_content(everything)
    counts = found.aggregate("snapshot_date, count(*)").fetchall()
    assert dict(counts) == {
        day.date(): len(part) for day, part in everything.groupby("snapshot_date")
    }


@pytest.mark.newest
def test_dask_has_the_dtypes_of_the_getter(lake, everything):
    pytest.importorskip("dask.dataframe")
    found = snapshots.scan(lake, NAME, engine="dask")
    assert found.npartitions == 5
    assert found.dtypes[everything.columns].to_dict() == everything.dtypes.to_dict()
    computed = found.compute()
    assert computed.dtypes[everything.columns].to_dict() == everything.dtypes.to_dict()
    assert by_content(computed) == by_content(everything)
    later = found[found["license_expiry_date"] > pd.Timestamp("2030-01-01")]
    areas = later.groupby("snapshot_date")["licensed_area_ha"].sum().compute()
    own = everything[everything["license_expiry_date"] > pd.Timestamp("2030-01-01")]
    expected = own.groupby("snapshot_date")["licensed_area_ha"].sum()
    pd.testing.assert_series_equal(areas.sort_index(), expected)
    assert len(found[["wiup_code"]].compute()) == len(everything)


@pytest.mark.newest
def test_dask_finds_the_same_changes_and_history(lake, monkeypatch):
    pytest.importorskip("dask.dataframe")
    monkeypatch.setattr("sectorsdf.snapshots.buckets._BUCKET_BYTES", 50_000)
    for function in (snapshots.changes, snapshots.history):
        local, lazy = function(lake, NAME), function(lake, NAME, engine="dask")
        assert lazy.npartitions > 3
        assert lazy.dtypes.to_dict() == local.dtypes.to_dict()
        computed = lazy.compute(scheduler="sync")
        assert computed.dtypes.to_dict() == local.dtypes.to_dict()
        assert by_content(computed) == by_content(local)
    since = snapshots.changes(lake, NAME, since="2026-04-01", engine="dask")
    expected = snapshots.changes(lake, NAME, since="2026-04-01")
    assert by_content(since.compute(scheduler="sync")) == by_content(expected)


@pytest.mark.newest
@pytest.mark.filterwarnings("ignore")  # those of the cluster's own libraries
def test_a_cluster_of_two_workers_reads_a_root_of_s3(s3, tmp_path, frames, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("sectorsdf.snapshots.buckets._BUCKET_BYTES", 200_000)
    frames = dict(list(frames.items())[:3])
    root = write_months(f"{s3}/{tmp_path.name}", frames)
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    address = {"host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**how, **address) as cluster, distributed.Client(cluster):
        for function in (snapshots.changes, snapshots.history):
            found = function(root, NAME, engine="dask").compute()
            assert by_content(found) == by_content(function(root, NAME))
        total = snapshots.scan(root, NAME, engine="dask")["licensed_area_ha"].sum().compute()
        areas = [frame["licensed_area_ha"].sum() for frame in frames.values()]
        assert total == pytest.approx(sum(areas))


def test_a_root_of_any_storage_is_scanned(any_root, frames):
    two = dict(list(frames.items())[:2])
    write_months(any_root, two)
    rows_of = [len(frame) for frame in two.values()]
    assert snapshots.scan(any_root, NAME).count_rows() == sum(rows_of)
    if importlib.util.find_spec("polars") is not None:
        found = snapshots.scan(any_root, NAME, engine="polars")
        assert found.select("wiup_code").collect().height == sum(rows_of)
    if importlib.util.find_spec("duckdb") is not None:
        found = snapshots.scan(any_root, NAME, engine="duckdb")
        count = found.filter("snapshot_date = '2026-02-01'").aggregate("count(*)").fetchall()
        assert count == [(rows_of[1],)]


def test_a_column_that_comes_later_is_missing_before(root, frames):
    first, second = list(frames.values())[:2]
    snapshots.write(first, root, date="2026-01-01")
    wider = second.assign(quota=1.5)
    snapshots.write(wider, root, date="2026-02-01", allow_partial=True)
    found = snapshots.scan(root, NAME).to_table()
    assert found.column("quota").null_count == len(first)
    if importlib.util.find_spec("dask") is not None:
        lazy = snapshots.scan(root, NAME, engine="dask")
        assert lazy["quota"].compute().isna().sum() == len(first)


def test_an_engine_that_is_not_there_is_an_error(lake, monkeypatch):
    with pytest.raises(ConfigurationError, match="engine='spark' is not known: it is one of arrow"):
        snapshots.scan(lake, NAME, engine="spark")
    with pytest.raises(ConfigurationError, match="it is 'pandas' or 'dask'"):
        snapshots.changes(lake, NAME, engine="polars")

    def missing(name, *_):
        raise ImportError(name)

    monkeypatch.setattr("sectorsdf.snapshots.scanning.importlib.import_module", missing)
    for function in (snapshots.scan, snapshots.changes, snapshots.history):
        with pytest.raises(MissingExtraError, match=r"engine='dask' needs dask: pip install"):
            function(lake, NAME, engine="dask")
    with pytest.raises(MissingExtraError, match=r"needs duckdb: pip install \"sectorsdf\[duckdb"):
        snapshots.scan(lake, NAME, engine="duckdb")


def test_the_schema_is_that_of_the_declaration():
    for name, declared in DATASETS.items():
        found = snapshots.schema(name)
        assert found.names == [*declared.schema.names, "snapshot_date"]
        ddl = snapshots.schema(name, "spark")
        assert [part.split("`")[1] for part in ddl.split(", ")] == found.names
    types = {"`kdi` BIGINT", "`winner` BOOLEAN", "`winner_date` DATE", "`wiup_code` STRING"}
    assert types <= {*snapshots.schema("mining_license_auctions", "spark").split(", ")}
    with pytest.raises(ConfigurationError, match="target='pandas' is not known"):
        snapshots.schema(NAME, "pandas")
    with pytest.raises(ConfigurationError, match="there is no dataset 'x'"):
        snapshots.schema("x")
