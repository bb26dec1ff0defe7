"""Files that appear whole or not at all, and frames as Parquet."""

from __future__ import annotations

import json
import os
import threading

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sectorsdf
from sectorsdf.datasets.auctions import MINING_LICENSE_AUCTIONS
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.sites import MINING_SITES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.io.atomic import atomic_file


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


# Files that appear whole or not at all


def test_atomic_file_replaces_in_one_step(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert files(tmp_path) == ["file"]


def test_atomic_file_leaves_the_old_one_where_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["file"]


def test_side_by_side_the_last_one_stands(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first, atomic_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert files(tmp_path) == ["file"]


# Parquet


@pytest.fixture(scope="module")
def frames():
    """Frames of each list, as the getters return them."""
    with sectorsdf.sandbox.running(server={"licenses": 90, "sites": 40}) as client:
        frames = {
            "licenses": sectorsdf.get_mining_licenses(client=client),
            "auctions": sectorsdf.get_mining_license_auctions(client=client),
            "sites": sectorsdf.get_mining_sites(client=client),
            "empty": sectorsdf.get_mining_licenses(company="nobody-of-this-name", client=client),
        }
        frames["some columns"] = frames["sites"][["slug", "year", "strip_ratio"]]
        frames["some rows"] = frames["licenses"].iloc[::7].reset_index(drop=True)
    return frames


KINDS = ["licenses", "auctions", "sites", "empty", "some columns", "some rows"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_comes_back_as_it_was(frames, tmp_path, kind):
    frame = frames[kind]
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    assert path == tmp_path / "frame.parquet"
    again = sectorsdf.read_parquet(str(path))
    pd.testing.assert_frame_equal(again, frame)
    assert list(again.dtypes) == list(frame.dtypes)
    assert again.attrs == frame.attrs
    assert again.attrs["sectorsdf"]["rows"] == frame.attrs["sectorsdf"]["rows"]


@pytest.mark.parametrize("dataset", [MINING_LICENSES, MINING_LICENSE_AUCTIONS, MINING_SITES])
def test_a_frame_of_nothing_but_nulls(tmp_path, dataset):
    builder = FrameBuilder(dataset)
    builder.add([dict.fromkeys(dataset.fields)] * 3)
    frame = builder.frame({})
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "nulls.parquet"))
    pd.testing.assert_frame_equal(again, frame)
    assert pq.read_schema(tmp_path / "nulls.parquet").remove_metadata() == dataset.schema


@pytest.mark.parametrize("kind", ["licenses", "empty"])
def test_the_file_has_the_declared_types(frames, tmp_path, kind):
    path = sectorsdf.write_parquet(frames[kind], tmp_path / "frame.parquet")
    schema = pq.read_schema(path)
    assert schema.remove_metadata() == MINING_LICENSES.schema
    assert schema.field("license_expiry_date").type == pa.date32()
    assert json.loads(schema.metadata[b"PANDAS_ATTRS"]) == frames[kind].attrs


def test_the_users_own_columns_come_back_too(frames, tmp_path):
    frame = frames["licenses"].assign(
        twice=lambda f: f["longitude"] * 2,
        seen=pd.Timestamp("2026-01-01 12:30"),
        note=pd.array([None, *["x"] * 89], dtype=pd.StringDtype()),
    )
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "own.parquet"))
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_pandas_reads_the_file(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    plain = pd.read_parquet(path)
    assert list(plain.columns) == list(frames["sites"].columns)
    assert plain["slug"].tolist() == frames["sites"]["slug"].tolist()


def test_a_file_of_somebody_else(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "other.parquet")
    frame = sectorsdf.read_parquet(tmp_path / "other.parquet")
    assert frame["a"].tolist() == [1, 2]


def test_a_frame_that_cannot_be_written_leaves_the_old_file(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    before = path.read_bytes()
    broken = frames["sites"].assign(strange=[object()] * 40)
    with pytest.raises(pa.ArrowInvalid):
        sectorsdf.write_parquet(broken, path)
    assert path.read_bytes() == before
    assert files(tmp_path) == ["frame.parquet"]


def test_a_folder_that_is_not_there(frames, tmp_path):
    with pytest.raises(FileNotFoundError):
        sectorsdf.write_parquet(frames["sites"], tmp_path / "nowhere" / "frame.parquet")


@pytest.mark.skipif(os.name != "posix", reason="modes of files are of POSIX")
def test_a_parquet_file_is_for_whom_the_umask_says(frames, tmp_path):
    (tmp_path / "like").touch()
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    assert path.stat().st_mode == (tmp_path / "like").stat().st_mode


def test_readers_never_see_a_part(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    ended = threading.Event()
    seen = []

    def read():
        while not ended.is_set():
            seen.append(len(sectorsdf.read_parquet(path)))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(20):
            sectorsdf.write_parquet(frames["licenses"], path)
            sectorsdf.write_parquet(frames["sites"], path)
    finally:
        ended.set()
        thread.join()
    assert set(seen) <= {40, 90}
