"""Exports of every format: where files go, what stays if that fails, and frames of any kind."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from support.exported import values

import sectorsdf
from sectorsdf.errors import MissingExtraError
from sectorsdf.io.export import export_frame

# Where files go, and what stays if that fails

SUFFIXES = {
    ".parquet": None,
    ".feather": None,
    ".csv": None,
    ".csv.gz": None,
    ".json": None,
    ".jsonl": None,
    ".geojson": None,
    ".sqlite": None,
    ".xlsx": "openpyxl",
    ".gpkg": "pyogrio",
    ".duckdb": "duckdb",
}


@pytest.fixture(params=SUFFIXES)
def suffix(request):
    if SUFFIXES[request.param]:
        pytest.importorskip(SUFFIXES[request.param])
    return request.param


def test_nothing_is_replaced_without_overwrite(places, here, suffix):
    path = here / f"f{suffix}"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_frame(places, path)
    assert path.read_bytes() == b"mine"
    assert export_frame(places, path, overwrite=True) == path
    assert path.read_bytes() != b"mine"
    assert list(here.iterdir()) == [path]


def test_a_file_of_another_process_stays(places, here, suffix, monkeypatch):
    path = here / f"f{suffix}"
    fsync = os.fsync

    def late(number):
        path.write_bytes(b"from another process")
        fsync(number)

    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_frame(places, path)
    assert path.read_bytes() == b"from another process"
    assert list(here.iterdir()) == [path]


def test_file_systems_without_hard_links(places, here, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    path = export_frame(places, here / "f.csv")
    assert list(here.iterdir()) == [path]
    assert path.stat().st_size


_ON_A_FULL_DISK = """
import resource, sys, warnings
import pandas as pd
from sectorsdf.io.export import export_frame

path, suffix, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
frame = pd.DataFrame({"text": [f"{n * 7919 % 100003:x}" * 9 for n in range(20_000)]})
frame["longitude"] = [n * 0.001 for n in range(20_000)]
frame["latitude"] = [n * 0.0001 for n in range(20_000)]
options = {"partition_by": ["part"]} if suffix == "folder" else {}
frame["part"] = "x"
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    export_frame(frame, path, overwrite=True, **options)
except OSError as error:
    print("refused", type(error).__name__)
"""


def on_a_full_disk(path, kind, limit=60_000):
    """Export in a process that may write files of at most `limit` bytes; 0 is no limit."""
    return subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(path), kind, str(limit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_full_disk_leaves_the_old_file_and_no_part(here, suffix):
    pytest.importorskip("resource")
    folder = here / "disk"
    folder.mkdir()
    path = folder / f"f{suffix}"
    path.write_bytes(b"old")
    done = on_a_full_disk(path, suffix)
    assert done.stdout.startswith("refused"), done.stderr
    assert path.read_bytes() == b"old"
    assert list(folder.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_folder(provinces, here):
    pytest.importorskip("resource")
    path = export_frame(provinces, here / "f", partition_by=["year"])
    before = sorted(path.rglob("*"))
    done = on_a_full_disk(path, "folder")
    assert done.stdout.startswith("refused"), done.stderr
    assert sorted(path.rglob("*")) == before
    assert list(here.iterdir()) == [path]


def test_a_geopackage_without_its_index_is_an_error(here):
    pytest.importorskip("pyogrio")
    pytest.importorskip("resource")
    path = here / "f.gpkg"
    assert not on_a_full_disk(path, ".gpkg", limit=0).stderr
    whole = path.read_bytes()
    done = on_a_full_disk(path, ".gpkg", limit=int(len(whole) * 0.95))
    assert done.stdout.startswith("refused"), done.stderr
    assert path.read_bytes() == whole
    assert list(here.iterdir()) == [path]


def test_the_folder_must_exist(places, here):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere"):
        export_frame(places, here / "nowhere" / "f.csv")


@pytest.mark.parametrize("name", ["f", "f.docx", "f.gz", "f.parquet.gz", "f.xlsx.gz", ".csv"])
def test_an_unknown_suffix_lists_the_known_ones(places, here, name):
    with pytest.raises(ValueError, match=r'\.parquet.*\.xlsx \(pip install "sectorsdf\[excel\]"\)'):
        export_frame(places, here / name)


@pytest.mark.parametrize(
    ("suffix", "library", "extra"),
    [
        (".xlsx", "openpyxl", "excel"),
        (".gpkg", "pyogrio", "geo"),
        (".gpkg", "shapely", "geo"),
        (".duckdb", "duckdb", "duckdb"),
    ],
)
def test_a_missing_library_is_named(places, here, monkeypatch, suffix, library, extra):
    if library == "shapely":
        pytest.importorskip("pyogrio")
    monkeypatch.setitem(sys.modules, library, None)
    message = rf'{suffix} needs {library}: pip install "sectorsdf\[{extra}\]"'
    with pytest.raises(MissingExtraError, match=message) as caught:
        export_frame(places, here / f"f{suffix}")
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, sectorsdf.ConfigurationError)
    assert not list(here.iterdir())


# Any frame


def test_a_named_index_becomes_columns(licences, here):
    indexed = licences.set_index(["wiup_code", "province"])
    again = sectorsdf.read_parquet(export_frame(indexed, here / "f.parquet"))
    expected = indexed.reset_index()
    pd.testing.assert_frame_equal(again, expected)
    assert again.attrs == licences.attrs


def test_row_numbers_are_left_out(licences, here):
    selected = licences[licences["licensed_area_ha"] > 1_000]
    assert 0 < len(selected) < len(licences)
    again = sectorsdf.read_parquet(export_frame(selected, here / "f.parquet"))
    pd.testing.assert_frame_equal(again, selected.reset_index(drop=True))


def test_an_index_that_would_be_lost_is_refused(here):
    frame = pd.DataFrame({"a": [1]}, index=["x"])
    with pytest.raises(ValueError, match="reset_index"):
        export_frame(frame, here / "f.csv")
    frame.index.name = "a"
    with pytest.raises(ValueError, match="index and column have the same name: a"):
        export_frame(frame, here / "f.csv")


def test_a_message_names_the_first_few_columns(here):
    frame = pd.DataFrame([[0] * 16], columns=[*"abcdefgh"] * 2)
    with pytest.raises(ValueError, match="same name: a, b, c, d, e and 3 more; rename them"):
        export_frame(frame, here / "f.csv")


def test_a_frame_made_from_one_of_a_getter(licences, here):
    changed = licences.drop(columns=["longitude", "location"]).assign(
        kind=licences["license_type"].astype("category"),
        when=pd.Timestamp("2026-01-15 10:00", tz="Asia/Jakarta"),
        area=Decimal("1.50"),
        small=np.float32(0.1),
    )
    read = json.loads(export_frame(changed, here / "f.json").read_text("utf-8"))
    assert [row["kind"] for row in read] == values(licences)["license_type"]
    assert {pd.Timestamp(row["when"]) for row in read} == {changed["when"].iloc[0]}
    assert {row["area"] for row in read} == {"1.50"}
    assert {row["small"] for row in read} == {float(np.float32(0.1))}
    again = sectorsdf.read_parquet(export_frame(changed, here / "f.parquet"))
    assert again["kind"].astype("string").equals(changed["kind"].astype("string"))
    assert again["when"].tolist() == changed["when"].tolist()


def test_days_of_nanoseconds_are_days(here):
    frame = pd.DataFrame({"d": np.array(["2026-01-15", "NaT"], "datetime64[ns]")})
    path = export_frame(frame, here / "f.csv")
    assert path.read_text("utf-8").splitlines()[1:] == ["2026-01-15", ""]


def test_a_number_that_is_not_one_is_missing(here):
    frame = pd.DataFrame({"n": pd.array([1.5, 2.0], "Float64"), "t": ["a", "b"]})
    frame["n"] = frame["n"] / pd.array([1.0, 0.0], "Float64") * pd.array([1.0, 0.0], "Float64")
    path = export_frame(frame, here / "f.jsonl")
    assert path.read_text("utf-8").splitlines()[1] == '{"n": null, "t": "b"}'
    assert export_frame(frame, here / "f.csv").read_text("utf-8").splitlines()[2] == ',"b"'


@pytest.mark.parametrize(
    "cells",
    [
        [["a", "b"]],
        [b"bytes"],
        [pd.Timedelta(1, "s")],
        ["text", 1],
        [1j],
        ["\ud800"],
        [object()],
    ],
    ids=["list", "bytes", "duration", "mixed", "complex", "surrogate", "object"],
)
def test_what_a_format_cannot_hold_is_named(here, cells):
    frame = pd.DataFrame({"fine": range(len(cells))})
    frame["odd"] = pd.Series(cells, dtype="object")
    with pytest.raises(ValueError, match="column 'odd'"):
        export_frame(frame, here / "f.csv")
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame([[1]], columns=[""]), "has no name"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "same name: a"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "same name: 1"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
    ],
)
def test_frames_that_are_no_tables(here, frame, complaint):
    with pytest.raises(ValueError, match=complaint):
        export_frame(frame, here / "f.csv")


def test_attrs_must_be_json(here):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["mine"] = io.StringIO()
    with pytest.raises(ValueError, match=r"frame\.attrs"):
        export_frame(frame, here / "f.csv")


def test_only_frames_are_exported(here):
    with pytest.raises(TypeError, match=r"pandas\.DataFrame or a getter, not list"):
        export_frame([1], here / "f.csv")
