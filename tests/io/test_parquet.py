"""Parquet and Arrow files: the identical frame, also in other libraries."""

from __future__ import annotations

import json
import os
import threading

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.exported import any_rows, exported, same, transposed, values

import sectorsdf
from sectorsdf.datasets.auctions import MINING_LICENSE_AUCTIONS
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.sites import MINING_SITES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance
from sectorsdf.io import export
from sectorsdf.io.export import export_frame
from sectorsdf.io.target import OTHER_FORMATS


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


# Parquet and Arrow by `export_frame`


def test_parquet_is_the_identical_frame(frame, here):
    path = export_frame(frame, here / "f.parquet")
    again = sectorsdf.read_parquet(path)
    pd.testing.assert_frame_equal(again, frame.reset_index(drop=True))
    assert again.attrs == frame.attrs


def test_parquet_in_polars(frame, here):
    polars = pytest.importorskip("polars")
    path = export_frame(frame, here / "f.parquet")
    same(polars.read_parquet(path).to_dict(as_series=False), values(frame))


def test_parquet_in_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export_frame(frame, here / "f.parquet")
    found = duckdb.sql(f"SELECT * FROM '{path}'")
    same(transposed(found.columns, found.fetchall()), values(frame))


def test_parquet_groups_compression_and_statistics(here):
    rows = 300_000
    frame = pd.DataFrame({"n": range(rows), "t": ["Batubara", "Nikel"] * (rows // 2)})
    file = pq.ParquetFile(export_frame(frame, here / "f.parquet")).metadata
    assert [file.row_group(n).num_rows for n in range(file.num_row_groups)] == [262_144, 37_856]
    number, text = (file.row_group(1).column(n) for n in range(2))
    assert (number.statistics.min, number.statistics.max) == (262_144, rows - 1)
    assert number.compression == text.compression == "ZSTD"
    assert any("DICTIONARY" in encoding for encoding in text.encodings)


@pytest.mark.parametrize("suffix", [".feather", ".arrow"])
def test_arrow_files(frame, here, suffix):
    path = export_frame(frame, here / f"f{suffix}")
    table = pa.ipc.open_file(path).read_all()
    assert json.loads(table.schema.metadata[b"PANDAS_ATTRS"]) == frame.attrs
    same(table.to_pydict(), values(frame))
    polars = pytest.importorskip("polars")
    same(polars.read_ipc(path).to_dict(as_series=False), values(frame))


@any_rows()
def test_any_value_in_parquet(rows):
    expected, read = exported(rows, ".parquet", lambda path: pq.read_table(path).to_pydict())
    same(read, expected)


# `write_parquet` and `read_parquet`


@pytest.fixture(scope="module")
def getter_frames():
    """Frames of each list, as the getters return them."""
    with sectorsdf.sandbox.running(server={"licenses": 90, "sites": 40}) as client:
        frames = {
            "licenses": sectorsdf.get_mining_licenses(client=client),
            "auctions": sectorsdf.get_mining_license_auctions(client=client),
            "sites": sectorsdf.get_mining_sites(client=client),
        }
        with pytest.warns(sectorsdf.DataWarning, match="no row has company='nobody"):
            frames["empty"] = sectorsdf.get_mining_licenses(company="nobody", client=client)
        frames["some columns"] = frames["sites"][["slug", "year", "strip_ratio"]]
        frames["some rows"] = frames["licenses"].iloc[::7].reset_index(drop=True)
    return frames


KINDS = ["licenses", "auctions", "sites", "empty", "some columns", "some rows"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_comes_back_as_it_was(getter_frames, tmp_path, kind):
    frame = getter_frames[kind]
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    assert path == tmp_path / "frame.parquet"
    again = sectorsdf.read_parquet(str(path))
    pd.testing.assert_frame_equal(again, frame)
    assert list(again.dtypes) == list(frame.dtypes)
    fetched = frame.attrs["sectorsdf"]
    if kind not in {"some columns", "some rows"}:
        assert again.attrs == frame.attrs
        assert fetched["rows"] == len(frame)
        return
    written = again.attrs["sectorsdf"]
    assert (written["rows"], written["complete"]) == (len(frame), None)
    assert {"certificate", "pages"}.isdisjoint(written)
    names = ("dataset", "digest", "fetched_at", "rows", "complete")
    assert {name: written["derived_from"][name] for name in names} == {
        name: fetched[name] for name in names
    }


@pytest.mark.parametrize("dataset", [MINING_LICENSES, MINING_LICENSE_AUCTIONS, MINING_SITES])
def test_a_frame_of_nothing_but_nulls(tmp_path, dataset):
    builder = FrameBuilder(dataset)
    builder.add([dict.fromkeys(dataset.fields)] * 3)
    frame = builder.frame(Provenance())
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "nulls.parquet"))
    pd.testing.assert_frame_equal(again, frame)
    assert pq.read_schema(tmp_path / "nulls.parquet").remove_metadata() == dataset.schema


@pytest.mark.parametrize("kind", ["licenses", "empty"])
def test_the_file_has_the_declared_types(getter_frames, tmp_path, kind):
    path = sectorsdf.write_parquet(getter_frames[kind], tmp_path / "frame.parquet")
    schema = pq.read_schema(path)
    assert schema.remove_metadata() == MINING_LICENSES.schema
    assert schema.field("license_expiry_date").type == pa.date32()
    assert json.loads(schema.metadata[b"PANDAS_ATTRS"]) == getter_frames[kind].attrs


def test_the_users_own_columns_come_back_too(getter_frames, tmp_path):
    frame = getter_frames["licenses"].assign(
        twice=lambda f: f["longitude"] * 2,
        seen=pd.Timestamp("2026-01-01 12:30"),
        note=pd.array([None, *["x"] * 89], dtype=pd.StringDtype()),
    )
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "own.parquet"))
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_pandas_reads_the_file(getter_frames, tmp_path):
    path = sectorsdf.write_parquet(getter_frames["sites"], tmp_path / "frame.parquet")
    plain = pd.read_parquet(path)
    assert list(plain.columns) == list(getter_frames["sites"].columns)
    assert plain["slug"].tolist() == getter_frames["sites"]["slug"].tolist()


def test_a_file_that_another_program_wrote(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "other.parquet")
    frame = sectorsdf.read_parquet(tmp_path / "other.parquet")
    assert frame["a"].tolist() == [1, 2]


def test_a_frame_that_cannot_be_written_leaves_the_old_file(getter_frames, tmp_path):
    path = sectorsdf.write_parquet(getter_frames["sites"], tmp_path / "frame.parquet")
    before = path.read_bytes()
    broken = getter_frames["sites"].assign(strange=[object()] * 40)
    with pytest.raises(ValueError, match="column 'strange' has values without a common type"):
        sectorsdf.write_parquet(broken, path)
    assert path.read_bytes() == before
    assert files(tmp_path) == ["frame.parquet"]


@pytest.mark.parametrize("name", ["a.csv", "a.CSV.gz", "a.xlsx", "2026.01.json"])
def test_a_name_that_promises_another_format(getter_frames, tmp_path, name):
    with pytest.raises(ValueError, match=r"Parquet: give a path .*or call sectorsdf\.export\("):
        sectorsdf.write_parquet(getter_frames["sites"], tmp_path / name)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["a", "a.pq", "a.PARQUET", "sites.2026"])
def test_a_name_that_promises_no_other_format(getter_frames, tmp_path, name):
    path = sectorsdf.write_parquet(getter_frames["sites"], tmp_path / name)
    assert sectorsdf.read_parquet(path).equals(getter_frames["sites"])


def test_the_other_formats_are_those_of_export():
    assert {*export._FORMATS} == OTHER_FORMATS | {".parquet"}


def test_a_folder_that_is_not_there(getter_frames, tmp_path):
    with pytest.raises(FileNotFoundError):
        sectorsdf.write_parquet(getter_frames["sites"], tmp_path / "nowhere" / "frame.parquet")


@pytest.mark.skipif(os.name != "posix", reason="modes of files are of POSIX")
def test_a_parquet_file_has_the_mode_that_the_umask_allows(getter_frames, tmp_path):
    (tmp_path / "like").touch()
    path = sectorsdf.write_parquet(getter_frames["sites"], tmp_path / "frame.parquet")
    assert path.stat().st_mode == (tmp_path / "like").stat().st_mode


def test_readers_never_see_a_part(getter_frames, tmp_path):
    path = sectorsdf.write_parquet(getter_frames["sites"], tmp_path / "frame.parquet")
    ended = threading.Event()
    seen = []

    def read():
        while not ended.is_set():
            seen.append(len(sectorsdf.read_parquet(path)))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(20):
            sectorsdf.write_parquet(getter_frames["licenses"], path)
            sectorsdf.write_parquet(getter_frames["sites"], path)
    finally:
        ended.set()
        thread.join()
    assert set(seen) <= {40, 90}
