"""What `verify` says of frames, files and folders, and what a file says of changed rows."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sectorsdf
from sectorsdf.frames.arrow import frame_digest
from sectorsdf.frames.provenance import Provenance
from sectorsdf.io.export import export_frame


@pytest.fixture(scope="module")
def licences():
    with sectorsdf.sandbox.running(server={"licenses": 120}) as client:
        return sectorsdf.get_mining_licenses(client=client)


UNCHANGED = {
    "as fetched": lambda f: f,
    "a copy": lambda f: f.copy(),
    "sorted": lambda f: f.sort_values("company_name"),
    "other order of columns": lambda f: f[f.columns[::-1]],
    "an index": lambda f: f.set_index("wiup_code"),
    "categories": lambda f: f.astype({"province": "category"}),
    "concatenated again": lambda f: pd.concat([f.iloc[50:], f.iloc[:50]]),
}
CHANGED = {
    "filtered": lambda f: f[f["licensed_area_ha"] > f["licensed_area_ha"].median()],
    "no row": lambda f: f.head(0),
    "columns": lambda f: f[["wiup_code", "province"]],
    "another column": lambda f: f.assign(doubled=f["licensed_area_ha"] * 2),
    "a value": lambda f: f.assign(province=f["province"].where(f.index != 3, "?")),
    "a type": lambda f: f.assign(licensed_area_ha=f["licensed_area_ha"].astype("string")),
    "twice": lambda f: pd.concat([f, f]),
    "joined": lambda f: f.merge(
        pd.DataFrame({"province": f["province"].unique(), "island": "x"}), on="province"
    ).__finalize__(f),
}


@pytest.mark.parametrize("how", UNCHANGED)
def test_rows_that_are_those_that_were_fetched(licences, tmp_path, how):
    frame = UNCHANGED[how](licences)
    path = export_frame(frame.reset_index(drop=frame.index.name is None), tmp_path / "f.parquet")
    for data in (frame, path, str(path), [path]):
        found = sectorsdf.verify(data)
        assert (found.intact, found.complete) == (True, True)
        assert (found.rows, found.expected_rows) == (120, 120)
        assert found.digest == found.expected_digest == licences.attrs["sectorsdf"]["digest"]
        assert found.dataset == "mining_licenses"
        assert found.fetched_at == licences.attrs["sectorsdf"]["fetched_at"]
        assert "all rows" in found.reason
    assert json.loads(pq.read_schema(path).metadata[b"PANDAS_ATTRS"]) == licences.attrs


@pytest.mark.parametrize("how", CHANGED)
def test_changed_rows_are_seen_in_the_frame_and_said_in_the_file(licences, tmp_path, how):
    frame = CHANGED[how](licences)
    fetched = licences.attrs["sectorsdf"]
    assert frame.attrs["sectorsdf"] is fetched or how in {"twice", "joined"}
    path = sectorsdf.write_parquet(frame, tmp_path / "f.parquet")
    for data in (frame, path, sectorsdf.read_parquet(path)):
        found = sectorsdf.verify(data)
        assert (found.intact, found.complete) == (False, None)
        assert (found.rows, found.expected_rows) == (len(frame), 120)
        assert found.expected_digest == fetched["digest"] != found.digest
        assert found.reason
    written = json.loads(pq.read_schema(path).metadata[b"PANDAS_ATTRS"])["sectorsdf"]
    assert written["complete"] is None
    assert written["rows"] == len(frame)
    assert written["digest"] == frame_digest(frame)
    origin = written["derived_from"]
    assert (origin["dataset"], origin["digest"], origin["fetched_at"], origin["complete"]) == (
        "mining_licenses",
        fetched["digest"],
        fetched["fetched_at"],
        True,
    )
    # The frame in memory keeps what it had.
    assert frame.attrs["sectorsdf"] == fetched


def test_rows_derived_twice_name_the_fetch(licences, tmp_path):
    once = sectorsdf.write_parquet(licences.head(50), tmp_path / "once.parquet")
    read = sectorsdf.read_parquet(once)
    twice = sectorsdf.write_parquet(read.head(10), tmp_path / "twice.parquet")
    first, second = (sectorsdf.read_parquet(path).attrs["sectorsdf"] for path in (once, twice))
    assert second["rows"] == 10
    assert second["derived_from"] == first["derived_from"]
    again = sectorsdf.write_parquet(read, tmp_path / "again.parquet")
    assert sectorsdf.read_parquet(again).attrs["sectorsdf"] == first
    assert "again after" in sectorsdf.verify(read.head(10)).reason


@pytest.mark.parametrize("suffix", [".feather", ".sqlite", ".geojson", ".xlsx"])
def test_every_format_with_a_provenance_says_so(licences, tmp_path, suffix):
    if suffix == ".xlsx":
        pytest.importorskip("openpyxl")
    path = export_frame(licences.head(5), tmp_path / f"f{suffix}")
    content = path.read_bytes()
    if suffix == ".xlsx":
        cells = pd.read_excel(path, sheet_name="provenance", header=None)
        content = " ".join(map(str, cells.to_numpy().ravel())).encode()
    assert b"derived_from" in content
    assert b"certificate" not in content


def test_a_frame_without_provenance():
    found = sectorsdf.verify(pd.DataFrame({"a": [1, 2]}))
    assert (found.intact, found.complete, found.rows) == (None, None, 2)
    assert (found.dataset, found.expected_rows, found.expected_digest) == (None, None, None)
    assert "no provenance" in found.reason


def test_a_provenance_without_a_digest_claims_nothing(licences, tmp_path):
    entries = {k: v for k, v in licences.attrs["sectorsdf"].items() if k != "digest"}
    frame = Provenance(entries).attach(licences.copy())
    assert sectorsdf.verify(frame).intact is None
    path = sectorsdf.write_parquet(frame, tmp_path / "f.parquet")
    assert sectorsdf.read_parquet(path).attrs["sectorsdf"] == entries
    # The number of rows shows that these are others.
    part = sectorsdf.write_parquet(frame.head(3), tmp_path / "part.parquet")
    assert sectorsdf.read_parquet(part).attrs["sectorsdf"]["complete"] is None
    assert sectorsdf.verify(part).intact is False
    unknown = Provenance({"dataset": "mining_licenses"}).attach(licences.copy())
    assert "cannot tell whether the rows are" in sectorsdf.verify(unknown).reason


def test_what_is_not_complete_stays_so(tmp_path):
    with sectorsdf.sandbox.running(server={"licenses": 120}) as client:
        frame = sectorsdf.get_mining_licenses(client=client, max_rows=40)
    found = sectorsdf.verify(sectorsdf.write_parquet(frame, tmp_path / "f.parquet"))
    assert (found.intact, found.complete) == (True, False)
    assert "not all rows that there are: max_rows limited the call." in found.reason


def test_a_folder_is_verified_as_a_whole(licences, tmp_path):
    folder = export_frame(licences, tmp_path / "f", partition_by="province")
    assert sectorsdf.verify(folder) == sectorsdf.verify(licences)
    part = sorted(folder.rglob("*.parquet"))[0]
    found = sectorsdf.verify(part)
    assert (found.intact, found.complete) == (False, None)
    assert "one partition" in found.reason
    shutil.rmtree(part.parent)
    found = sectorsdf.verify(folder)
    assert (found.intact, found.complete) == (False, None)
    assert found.rows < found.expected_rows == 120


def test_files_of_two_fetches(licences, tmp_path):
    with sectorsdf.sandbox.running(server={"licenses": 90}) as client:
        other = sectorsdf.get_mining_licenses(client=client)
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for frame, path in zip((licences, other), paths, strict=True):
        sectorsdf.write_parquet(frame, path)
    found = sectorsdf.verify(paths)
    assert (found.intact, found.complete, found.rows) == (False, None, 210)
    assert (found.dataset, found.expected_rows) == ("mining_licenses", None)
    assert "2 fetches" in found.reason


def test_a_getter_that_writes_its_rows_itself(tmp_path):
    with sectorsdf.sandbox.running(server={"licenses": 120}) as client:
        path = sectorsdf.export(
            sectorsdf.get_mining_licenses, tmp_path / "f.parquet", client=client
        )
        frame = sectorsdf.get_mining_licenses(client=client)
    assert sectorsdf.verify(path).complete is True
    assert sectorsdf.verify(path).digest == sectorsdf.verify(frame).digest


def test_answers_of_the_cache(tmp_path):
    options = {"cache": tmp_path / "cache"}
    with sectorsdf.sandbox.running(server={"licenses": 120}) as client:
        fetched = sectorsdf.get_mining_licenses(client=client, **options)
        cached = sectorsdf.get_mining_licenses(client=client, **options)
        chosen = sectorsdf.get_mining_licenses(client=client, commodity_type="Coal", **options)
    assert cached.attrs["sectorsdf"]["from_cache"]
    assert sectorsdf.verify(cached).digest == fetched.attrs["sectorsdf"]["digest"]
    assert chosen.attrs["sectorsdf"]["from_cache"]["selected"]
    assert sectorsdf.verify(chosen).complete is True


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_rows_with_details_and_figures():
    with sectorsdf.sandbox.running(server={"licenses": 1, "sites": 40}) as client:
        sites = sectorsdf.get_mining_sites(client=client, details=True)
        figures = sectorsdf.get_mining_site_resources(sites, client=client)
    for frame in (sites, figures):
        assert sectorsdf.verify(frame).intact is True


def test_geometries_do_not_count(licences):
    pytest.importorskip("geopandas")
    mapped = sectorsdf.geo.to_geodataframe(licences)
    assert sectorsdf.verify(mapped).intact is True


def test_a_verification_cannot_be_changed(licences):
    found = sectorsdf.verify(licences)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.intact = False
