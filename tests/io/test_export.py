"""Exports: each format read back by another library than the one that wrote it."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import math
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import warnings
import zipfile
from contextlib import closing
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sectorsdf
from sectorsdf.errors import MissingExtraError
from sectorsdf.io.export import export

needs_openpyxl = pytest.mark.skipif(not find_spec("openpyxl"), reason="openpyxl is not installed")
needs_duckdb = pytest.mark.skipif(not find_spec("duckdb"), reason="DuckDB is not installed")

KINDS = ("licences", "auctions", "sites", "resources", "empty", "missing")
_FRAMES = {}


@pytest.fixture
def frames(serve):
    """One frame of each kind, fetched once: exporting changes no frame."""
    if not _FRAMES:
        client = serve()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sectorsdf.DataWarning)
            sites = sectorsdf.get_mining_sites(client=client, details=True)
            resources = sectorsdf.get_mining_site_resources(sites, client=client)
        licences = sectorsdf.get_mining_licenses(client=client)
        missing = licences.head(0).reindex(range(3))
        missing.attrs = licences.attrs
        _FRAMES.update(
            licences=licences,
            auctions=sectorsdf.get_mining_license_auctions(client=client),
            sites=sites,
            resources=resources,
            empty=licences.head(0),
            missing=missing,
        )
    return _FRAMES


@pytest.fixture(params=KINDS)
def frame(frames, request):
    return frames[request.param]


@pytest.fixture
def licences(frames):
    return frames["licences"]


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
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def with_days_as_text(columns):
    return {
        name: [cell.isoformat() if isinstance(cell, dt.date) else cell for cell in cells]
        for name, cells in columns.items()
    }


# Parquet and Arrow


def test_parquet_is_the_identical_frame(frame, here):
    path = export(frame, here / "f.parquet")
    again = sectorsdf.read_parquet(path)
    pd.testing.assert_frame_equal(again, frame.reset_index(drop=True))
    assert again.attrs == frame.attrs


def test_parquet_in_polars(frame, here):
    polars = pytest.importorskip("polars")
    path = export(frame, here / "f.parquet")
    same(polars.read_parquet(path).to_dict(as_series=False), values(frame))


def test_parquet_in_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export(frame, here / "f.parquet")
    found = duckdb.sql(f"SELECT * FROM '{path}'")
    same(transposed(found.columns, found.fetchall()), values(frame))


def test_parquet_groups_compression_and_statistics(here):
    rows = 300_000
    frame = pd.DataFrame({"n": range(rows), "t": ["Batubara", "Nikel"] * (rows // 2)})
    facts = pq.ParquetFile(export(frame, here / "f.parquet")).metadata
    assert [facts.row_group(n).num_rows for n in range(facts.num_row_groups)] == [262_144, 37_856]
    number, text = (facts.row_group(1).column(n) for n in range(2))
    assert (number.statistics.min, number.statistics.max) == (262_144, rows - 1)
    assert number.compression == text.compression == "ZSTD"
    assert any("DICTIONARY" in encoding for encoding in text.encodings)


@pytest.mark.parametrize("suffix", [".feather", ".arrow"])
def test_arrow_files(frame, here, suffix):
    path = export(frame, here / f"f{suffix}")
    table = pa.ipc.open_file(path).read_all()
    assert json.loads(table.schema.metadata[b"PANDAS_ATTRS"]) == frame.attrs
    same(table.to_pydict(), values(frame))
    polars = pytest.importorskip("polars")
    same(polars.read_ipc(path).to_dict(as_series=False), values(frame))


# Text


def as_text(columns):
    def one(cell):
        if cell is None or isinstance(cell, str):
            return cell
        if isinstance(cell, bool):
            return str(cell).lower()
        return cell.isoformat() if isinstance(cell, dt.date) else float(cell)

    return {name: [one(cell) for cell in cells] for name, cells in columns.items()}


def with_numbers(columns, like):
    """Texts of a CSV, those of number columns as numbers."""
    numeric = {name for name in like if pd.api.types.is_numeric_dtype(like[name])}
    numeric -= {name for name in like if like[name].dtype == "boolean"}
    return {
        name: [float(c) if c is not None and name in numeric else c for c in cells]
        for name, cells in columns.items()
    }


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv.gz", ","), (".tsv", "\t")])
def test_csv_in_polars(frame, here, suffix, separator):
    polars = pytest.importorskip("polars")
    path = export(frame, here / f"f{suffix}")
    read = polars.read_csv(path, separator=separator, infer_schema=False)
    same(with_numbers(read.to_dict(as_series=False), frame), as_text(values(frame)))


def test_csv_in_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export(frame, here / "f.csv.gz")
    found = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar = true, header = true)")
    read = transposed(found.columns, found.fetchall())
    same(with_numbers(read, frame), as_text(values(frame)))


def test_equal_frames_make_equal_text_files(licences, here):
    first, second = (export(licences, here / f"{n}.csv.gz").read_bytes() for n in range(2))
    assert first == second


@pytest.mark.parametrize("suffix", [".json", ".JSON.GZ"])
def test_json(frame, here, suffix):
    path = export(frame, here / f"f{suffix}")
    body = path.read_bytes()
    rows = json.loads(gzip.decompress(body) if suffix != ".json" else body)
    names = list(frame.columns)
    assert [list(row) for row in rows] == [names] * len(frame)
    same({name: [row[name] for row in rows] for name in names}, with_days_as_text(values(frame)))


def test_json_in_pandas(licences, here):
    path = export(licences, here / "f.json")
    read = pd.read_json(path, orient="records", dtype=False, precise_float=True)
    same(values(read), with_days_as_text(values(licences)))


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
def test_json_lines(frame, here, suffix):
    path = export(frame, here / f"f{suffix}")
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    names = list(frame.columns)
    same({name: [row[name] for row in rows] for name in names}, with_days_as_text(values(frame)))


def test_json_lines_in_duckdb(licences, here):
    duckdb = pytest.importorskip("duckdb")
    path = export(licences, here / "f.jsonl")
    kinds = {"f": "DOUBLE", "d": "DATE", "s": "VARCHAR"}
    columns = {
        name: kinds["f" if kind == "float64" else "d" if "datetime" in str(kind) else "s"]
        for name, kind in licences.dtypes.items()
    }
    found = duckdb.sql(f"SELECT * FROM read_json('{path}', columns = {columns})")
    same(transposed(found.columns, found.fetchall()), values(licences))


# Excel


def _unescaped(text):
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def read_workbook(path):
    """The first sheet as Excel has it: texts unescaped, dates as days."""
    openpyxl = pytest.importorskip("openpyxl")
    with closing(openpyxl.load_workbook(path)) as workbook:
        rows = list(workbook.worksheets[0].iter_rows())

    def value(cell):
        found = cell.value
        if isinstance(found, dt.datetime) and "h" not in cell.number_format:
            return found.date()
        return _unescaped(found) if isinstance(found, str) else found

    names = [_unescaped(cell.value) for cell in rows[0]]
    return transposed(names, ([value(cell) for cell in row] for row in rows[1:]))


def as_excel(columns, frame):
    """What a workbook gives back: a float that is whole comes as a whole number's text."""
    return {
        name: [float(c) if c is not None and frame[name].dtype == "float64" else c for c in cells]
        for name, cells in columns.items()
    }


@needs_openpyxl
def test_excel(frame, here):
    path = export(frame, here / "f.XLSX")
    same(as_excel(read_workbook(path), frame), values(frame))


@needs_openpyxl
def test_excel_in_pandas(licences, here):
    pytest.importorskip("openpyxl")
    read = pd.read_excel(export(licences, here / "f.xlsx"), dtype={"wiup_code": "string"})
    assert read["wiup_code"].tolist() == licences["wiup_code"].tolist()
    assert (read["license_expiry_date"].dropna() == licences["license_expiry_date"].dropna()).all()
    assert read["licensed_area_ha"].tolist() == licences["licensed_area_ha"].tolist()


@needs_openpyxl
def test_excel_looks_like_a_table(licences, here):
    openpyxl = pytest.importorskip("openpyxl")
    with closing(openpyxl.load_workbook(export(licences, here / "f.xlsx"))) as workbook:
        sheet, provenance = workbook.worksheets
        assert (sheet.title, provenance.title) == ("mining_licenses", "provenance")
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.bold for cell in sheet[1])
        assert sheet["A2"].number_format == "@"
        assert 8 < sheet.column_dimensions["A"].width <= 62
        kept = dict(provenance.iter_rows(min_row=2, values_only=True))
    facts = licences.attrs["sectorsdf"]
    assert kept["endpoint"] == facts["endpoint"]
    assert json.loads(kept["certificate"]) == facts["certificate"]


@needs_openpyxl
def test_excel_continues_long_provenance(here):
    openpyxl = pytest.importorskip("openpyxl")
    problems = [{"raw": "x_x0041_" * 1_000} for _ in range(20)]
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["sectorsdf"] = {"problems": problems}
    with closing(openpyxl.load_workbook(export(frame, here / "f.xlsx"))) as workbook:
        rows = list(workbook["provenance"].iter_rows(min_row=2, values_only=True))
    assert {key for key, _ in rows} == {"problems"}
    assert json.loads("".join(_unescaped(part) for _, part in rows)) == problems


@needs_openpyxl
def test_excel_keeps_as_text_what_it_would_change(here):
    frame = pd.DataFrame(
        {
            "whole": pd.array([10**15 - 1, 10**15, -(2**63)], "Int64"),
            "number": [0.1 + 0.2, math.inf, -1e-300],
            "day": pd.to_datetime(["1900-03-01", "1900-02-28", "9999-12-31"]).astype(
                "datetime64[us]"
            ),
            "time": pd.to_datetime(
                ["2026-01-15T10:30:15.123", "2026-01-15T10:30:15.123456", "1850-01-01T01:00:00"],
                format="ISO8601",
            ),
            "zone": pd.to_datetime(["2026-01-15T10:30:00Z"] * 3),
        }
    )
    read = read_workbook(export(frame, here / "f.xlsx"))
    assert read["whole"] == [10**15 - 1, str(10**15), str(-(2**63))]
    assert read["number"] == [0.1 + 0.2, "inf", -1e-300]
    assert read["day"] == [dt.date(1900, 3, 1), "1900-02-28", dt.date(9999, 12, 31)]
    assert read["time"][0] == pd.Timestamp("2026-01-15T10:30:15.123")
    assert [text.rstrip("0") for text in read["time"][1:]] == [
        "2026-01-15T10:30:15.123456",
        "1850-01-01T01:00:00.",
    ]
    assert {type(text) for text in read["zone"]} == {str}
    assert {pd.Timestamp(text) for text in read["zone"]} == {frame["zone"][0]}


@needs_openpyxl
def test_excel_holds_no_formula_and_no_error(here):
    pytest.importorskip("openpyxl")
    texts = ["=1+1", '=HYPERLINK("x")', "#N/A", "+1", "@SUM(A1)"]
    path = export(pd.DataFrame({"=A": texts}), here / "f.xlsx")
    with zipfile.ZipFile(path) as archive:
        tree = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert not list(tree.iter(f"{space}f"))
    assert {cell.get("t") for cell in tree.iter(f"{space}c")} == {"inlineStr"}
    assert [text.text for text in tree.iter(f"{space}t")] == ["=A", *texts]


@pytest.mark.parametrize("text", ["x" * 32_768, "\U0001f600" * 16_384, "\x01" * 5_000])
def test_excel_refuses_a_text_that_a_cell_would_cut(here, text):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match=r"column 'geometry' in row 1 .*32,767"):
        export(pd.DataFrame({"geometry": ["", text]}), here / "f.xlsx")
    assert not list(here.iterdir())


@needs_openpyxl
def test_excel_holds_the_longest_text(here):
    texts = ["x" * 32_767, "\U0001f600" * 16_383]
    assert read_workbook(export(pd.DataFrame({"t": texts}), here / "f.xlsx")) == {"t": texts}


@needs_openpyxl
def test_excel_refuses_too_many_rows(here):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match="1,048,575 rows"):
        export(pd.DataFrame({"n": np.zeros(1_048_576)}), here / "f.xlsx")
    assert not list(here.iterdir())


@needs_openpyxl
def test_excel_leaves_no_temporary_file_when_it_fails(here, monkeypatch):
    from openpyxl import Workbook

    scratch = here / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seen = []

    def save(_workbook, _file):
        seen.extend(scratch.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Workbook, "save", save)
    with pytest.raises(OSError, match="No space left"):
        export(pd.DataFrame({"n": [1]}), here / "f.xlsx")
    assert seen
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("title", ["a/b", "provenance", "'x"])
def test_excel_refuses_a_bad_title(here, title):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match="title of a sheet"):
        export(pd.DataFrame({"n": [1]}), here / "f.xlsx", table=title)


# Maps

_SQUARE = {"type": "Polygon", "coordinates": [[[100, 0], [101, 0], [101, 1], [100, 0]]]}


@pytest.fixture
def places():
    """Rows with each kind of place: a Point, an area, none, half a place, and a broken geometry."""
    broken = '{"type": "Polygon", "coordinates": "?"}'
    return pd.DataFrame(
        {
            "wiup_code": ["001", "002", "003", "004", "005"],
            "longitude": [117.123456789012345, 100.5, None, 1.0, 3.0],
            "latitude": [-0.1, 0.5, None, None, 4.0],
            "location_geojson": [None, json.dumps(_SQUARE), None, None, broken],
            "day": pd.to_datetime(["2026-01-15", None, None, None, "1999-01-01"]),
            "count": pd.array([2**63 - 1, None, 0, -1, 5], "Int64"),
            "flag": pd.array([True, None, False, True, False], "boolean"),
            "fid": ["a", "b", None, "", "e"],
            "geom": ["a", "b", "c", "d", "e"],
        }
    )


_PLACES = [
    {"type": "Point", "coordinates": [117.123456789012345, -0.1]},
    _SQUARE,
    None,
    None,
    {"type": "Point", "coordinates": [3.0, 4.0]},
]


def test_geojson(places, here):
    places.attrs["sectorsdf"] = {"dataset": "mining_licenses", "rows": 5}
    found = json.loads(export(places, here / "f.geojson").read_text("utf-8"))
    assert (found["type"], found["name"]) == ("FeatureCollection", "mining_licenses")
    assert found["provenance"] == {"dataset": "mining_licenses", "rows": 5}
    assert [feature["geometry"] for feature in found["features"]] == _PLACES
    rows = [feature["properties"] for feature in found["features"]]
    read = {name: [row[name] for row in rows] for name in places}
    same(read, with_days_as_text(values(places)))


@pytest.mark.parametrize("kind", ["licences", "sites"])
def test_geojson_in_gdal(frames, here, kind):
    pyogrio = pytest.importorskip("pyogrio")
    frame = frames[kind]
    path = export(frame, here / "f.geojson")
    read = pyogrio.read_dataframe(path)
    assert read.crs.to_epsg() == 4326
    assert len(read) == len(frame)
    assert read.geometry.notna().tolist() == frame["longitude"].notna().tolist()
    there = frame["longitude"].notna().to_numpy()
    assert read.geometry.x[there].tolist() == frame["longitude"][there].tolist()
    assert read.geometry.y[there].tolist() == frame["latitude"][there].tolist()
    key = "wiup_code" if kind == "licences" else "slug"
    assert read[key].tolist() == frame[key].tolist()


@pytest.mark.parametrize("kind", ["licences", "sites", "empty", "missing"])
def test_geopackage(frames, here, kind):
    pyogrio = pytest.importorskip("pyogrio")
    frame = frames[kind]
    path = export(frame, here / "f.gpkg")
    facts, table = pyogrio.read_arrow(path)
    same(table.drop_columns(["geom"]).to_pydict(), values(frame))
    assert facts["crs"] == "EPSG:4326"
    layer = frame.attrs["sectorsdf"]["dataset"]
    assert pyogrio.list_layers(path).tolist() == [[layer, "Point"]]
    metadata = pyogrio.read_info(path)["layer_metadata"]
    assert json.loads(metadata["provenance"]) == frame.attrs["sectorsdf"]
    with closing(sqlite3.connect(path)) as database:
        names = ", ".join(f'"{name}"' for name in frame.columns)
        rows = database.execute(f'SELECT {names} FROM "{layer}"').fetchall()
        kinds = {row[1]: row[2] for row in database.execute(f'PRAGMA table_info("{layer}")')}
    same(transposed(frame.columns, rows), with_days_as_text(_flags_as_numbers(values(frame))))
    declared = {"string": "TEXT", "float64": "REAL", "Int64": "INTEGER", "boolean": "BOOLEAN"}
    for name, kind_ in frame.dtypes.items():
        assert kinds[name] == declared.get(str(kind_), "DATE")


def _flags_as_numbers(columns):
    return {
        name: [int(cell) if isinstance(cell, bool) else cell for cell in cells]
        for name, cells in columns.items()
    }


def test_geopackage_of_true_geometries(places, here):
    pyogrio = pytest.importorskip("pyogrio")
    shapely = pytest.importorskip("shapely")
    path = export(places, here / "f.gpkg", table="places")
    facts, table = pyogrio.read_arrow(path)
    geometry = facts["geometry_name"]
    assert facts["geometry_type"] == "Unknown"
    same(table.drop_columns([geometry]).to_pydict(), values(places))
    shapes = shapely.from_wkb(np.array(table.column(geometry).to_pylist(), dtype=object))
    expected = [None if place is None else json.dumps(place) for place in _PLACES]
    assert shapely.equals(shapes, shapely.from_geojson(expected)).tolist() == [
        place is not None for place in expected
    ]
    assert [shape is None for shape in shapes] == [place is None for place in expected]
    assert shapes[0].x == 117.123456789012345


def test_geopackage_keeps_odd_names(here):
    pyogrio = pytest.importorskip("pyogrio")
    names = ['we"ird', "tab\t", "select", "é", "longitude", "latitude"]
    frame = pd.DataFrame([["a", "b", "c", "d", 1.0, 2.0]], columns=names)
    path = export(frame, here / "f.gpkg", table='a "b" c')
    facts, table = pyogrio.read_arrow(path, layer='a "b" c')
    assert table.drop_columns([facts["geometry_name"]]).to_pydict() == frame.to_dict("list")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_maps_name_the_getters_that_have_places(frames, here, suffix):
    if suffix == ".gpkg":
        pytest.importorskip("pyogrio")
    with pytest.raises(ValueError, match=r"longitude is not there: .*details=True"):
        export(frames["auctions"], here / f"f{suffix}")
    wrong = pd.DataFrame({"longitude": ["x"], "latitude": [1.0]})
    with pytest.raises(ValueError, match="numbers in column 'longitude'"):
        export(wrong, here / f"f{suffix}")
    endless = pd.DataFrame({"longitude": [1.0], "latitude": [math.inf]})
    with pytest.raises(ValueError, match="infinity in column 'latitude'"):
        export(endless, here / f"f{suffix}")
    assert not list(here.iterdir())


def test_geopackage_refuses_what_gdal_would_change(here):
    pytest.importorskip("pyogrio")
    place = {"longitude": [1.0], "latitude": [1.0]}
    for cell, wrong in (("a\0b", "'x' at its NUL"), (np.uint64(1), "column 'x'")):
        with pytest.raises(ValueError, match=wrong):
            export(pd.DataFrame({**place, "x": [cell]}), here / "f.gpkg")


# Databases


def test_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export(frame, here / "f.duckdb")
    facts = frame.attrs["sectorsdf"]
    with duckdb.connect(str(path), read_only=True) as database:
        found = database.table(facts["dataset"])
        same(transposed(found.columns, found.fetchall()), values(frame))
        names = {"float64": "DOUBLE", "Int64": "BIGINT", "boolean": "BOOLEAN", "string": "VARCHAR"}
        expected = [names.get(str(kind), "DATE") for kind in frame.dtypes]
        assert [str(kind) for kind in found.types] == expected
        kept = dict(database.table("provenance").fetchall())
    assert kept["dataset"] == facts["dataset"]
    assert json.loads(kept["certificate"]) == facts["certificate"]
    assert list(here.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".sqlite", ".db"])
def test_sqlite(frame, here, suffix):
    path = export(frame, here / f"f{suffix}")
    facts = frame.attrs["sectorsdf"]
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f'SELECT * FROM "{facts["dataset"]}"')
        read = transposed([column[0] for column in found.description], found.fetchall())
        kept = dict(database.execute("SELECT key, value FROM provenance"))
    same(read, with_days_as_text(_flags_as_numbers(values(frame))))
    assert json.loads(kept["certificate"]) == facts["certificate"]


@pytest.mark.parametrize("suffix", [".duckdb", ".sqlite"])
def test_databases_take_another_table_name(here, suffix):
    frame = pd.DataFrame({'od"d': [1]})
    name = 'Robert"; DROP TABLE provenance; --'
    if suffix == ".duckdb":
        duckdb = pytest.importorskip("duckdb")
        connect = duckdb.connect
    else:
        connect = sqlite3.connect
    path = export(frame, here / f"f{suffix}", table=name)
    with closing(connect(str(path))) as database:
        quoted = name.replace('"', '""')
        assert database.execute(f'SELECT "od""d" FROM "{quoted}"').fetchall() == [(1,)]
        assert database.execute("SELECT * FROM provenance").fetchall() == []
    for taken in ("Provenance", "sqlite_master", "gpkg_contents"):
        with pytest.raises(ValueError, match=f"table='{taken}' cannot be"):
            export(frame, here / f"g{suffix}", table=taken)


@pytest.mark.parametrize("suffix", [".duckdb", ".sqlite", ".gpkg"])
def test_databases_refuse_names_that_differ_in_case_alone(here, suffix):
    if suffix != ".sqlite":
        pytest.importorskip("duckdb" if suffix == ".duckdb" else "pyogrio")
    frame = pd.DataFrame({"Code": [1], "code": [2], "longitude": [1.0], "latitude": [2.0]})
    with pytest.raises(ValueError, match="'Code', 'code'"):
        export(frame, here / f"f{suffix}")


def test_sqlite_refuses_what_it_cannot_count(here):
    frame = pd.DataFrame({"n": np.array([2**63], dtype="uint64")})
    with pytest.raises(ValueError, match="column 'n'"):
        export(frame, here / "f.sqlite")


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
        return values(frame), read(export(frame, Path(folder) / f"f{suffix}"))


def any_rows(count):
    def decorate(test):
        test = example(_EDGES)(example([])(given(_ROWS)(test)))
        return settings(max_examples=count, deadline=None)(test)

    return decorate


@any_rows(30)
def test_any_value_in_parquet(rows):
    expected, read = exported(rows, ".parquet", lambda path: pq.read_table(path).to_pydict())
    same(read, expected)


@any_rows(30)
def test_any_value_in_csv(rows):
    def read(path):
        with path.open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        return transposed(names, rows)

    limit = csv.field_size_limit(10**7)
    try:
        expected, read = exported(rows, ".csv", read)
    finally:
        csv.field_size_limit(limit)
    flags = {"": None, "true": True, "false": False}
    assert [text or None for text in read["text"]] == [text or None for text in expected["text"]]
    assert [int(c) if c else None for c in read["whole"]] == expected["whole"]
    assert [float(c) if c else None for c in read["number"]] == expected["number"]
    assert [dt.date.fromisoformat(c) if c else None for c in read["day"]] == expected["day"]
    assert [flags[c] for c in read["flag"]] == expected["flag"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@any_rows(30)
def test_any_value_in_json(suffix, rows):
    def read(path):
        text = path.read_text("utf-8")
        found = json.loads(text) if suffix == ".json" else map(json.loads, text.split("\n")[:-1])
        found = list(found)
        names = ("text", "whole", "number", "day", "flag")
        return {name: [row[name] for row in found] for name in names}

    expected, found = exported(rows, suffix, read)
    same(found, with_days_as_text(expected))


@any_rows(30)
def test_any_value_in_sqlite(rows):
    def read(path):
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT * FROM data")
            return transposed([column[0] for column in found.description], found.fetchall())

    expected, found = exported(rows, ".sqlite", read)
    same(found, with_days_as_text(_flags_as_numbers(expected)))


@needs_duckdb
@any_rows(10)
def test_any_value_in_duckdb(rows):
    duckdb = pytest.importorskip("duckdb")

    def read(path):
        with duckdb.connect(str(path), read_only=True) as database:
            found = database.table("data")
            return transposed(found.columns, found.fetchall())

    expected, found = exported(rows, ".duckdb", read)
    same(found, expected)


@needs_openpyxl
@any_rows(15)
def test_any_value_in_excel(rows):
    expected, found = exported(rows, ".xlsx", read_workbook)
    first = dt.date(1900, 3, 1)
    assert [text or None for text in found["text"]] == [
        None if not text else _unescaped(_unescaped_once(text)) for text in expected["text"]
    ]
    assert found["whole"] == [
        str(n) if n is not None and abs(n) >= 10**15 else n for n in expected["whole"]
    ]
    assert found["number"] == expected["number"]
    assert found["day"] == [
        day if day is None or day >= first else day.isoformat() for day in expected["day"]
    ]
    assert found["flag"] == expected["flag"]


def _unescaped_once(text):
    return text.replace("_x", "_x005F_x")


# Hive partitions


@pytest.fixture
def parted():
    frame = pd.DataFrame(
        {
            "code": pd.array(["001", "002", "003", "004", "005"], "string"),
            "province": pd.array(
                ["Kalimantan Timur", "A/B=50%?", None, "Kalimantan Timur", "é\n:"], "string"
            ),
            "year": pd.array(["2024", "0024", "2024", "1e5", "2024"], "string"),
        }
    )
    frame.attrs["sectorsdf"] = {"dataset": "mining_licenses"}
    return frame


def _as_rows(columns):
    names = ("code", "province", "year")
    return sorted(zip(*(columns[name] for name in names), strict=True))


def test_partitions_are_named_as_hive_names_them(parted, here):
    path = export(parted, here / "f", partition_by="province")
    assert path == here / "f"
    names = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert names == {
        "province=Kalimantan Timur/part-0.parquet",
        "province=A%2FB%3D50%25%3F/part-0.parquet",
        "province=é%0A%3A/part-0.parquet",
        "province=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
    }
    for file in path.rglob("*.parquet"):
        assert sectorsdf.read_parquet(file).attrs == parted.attrs
        assert pq.ParquetFile(file).schema_arrow.names == ["code", "year"]


def test_partitions_in_pyarrow_and_pandas(parted, here):
    path = export(parted, here / "f.parquet", partition_by=["province", "year"])
    schema = pa.schema([("province", pa.string()), ("year", pa.string())])
    partitioning = ds.partitioning(schema, flavor="hive")
    read = ds.dataset(path, partitioning=partitioning).to_table()
    assert _as_rows(read.to_pydict()) == _sorted_rows(parted)
    frame = pd.read_parquet(path, partitioning=partitioning)
    assert _sorted_rows(frame) == _sorted_rows(parted)


def _sorted_rows(frame):
    return _as_rows(values(frame))


def test_partitions_in_polars(parted, here):
    polars = pytest.importorskip("polars")
    path = export(parted, here / "f", partition_by=["province", "year"])
    text = {"province": polars.String, "year": polars.String}
    read = polars.read_parquet(path, hive_schema=text)
    assert _as_rows(read.to_dict(as_series=False)) == _sorted_rows(parted)


def test_partitions_in_duckdb(parted, here):
    duckdb = pytest.importorskip("duckdb")
    path = export(parted, here / "f", partition_by=["province", "year"])
    source = f"read_parquet('{path}/**/*.parquet', hive_types_autocast = false)"
    found = duckdb.sql(f"SELECT code, province, year FROM {source}")
    assert sorted(found.fetchall()) == _sorted_rows(parted)


def test_partitions_by_number_flag_and_day(frames, here):
    auctions = frames["auctions"]
    parts = ["winner_date", "winner", "participant_count"]
    path = export(auctions, here / "f", partition_by=parts)
    schema = pa.schema([(parts[0], pa.date32()), (parts[1], pa.bool_()), (parts[2], pa.int64())])
    read = ds.dataset(path, partitioning=ds.partitioning(schema, flavor="hive")).to_table()
    columns = read.select(list(auctions.columns)).to_pydict()

    def ordered(columns):
        return sorted(zip(*columns.values(), strict=True), key=repr)

    assert ordered(columns) == ordered(values(auctions))


def test_partitions_of_an_empty_frame_keep_the_columns(frames, here):
    empty = frames["empty"]
    path = export(empty, here / "f", partition_by=["province"])
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(path / "part-0.parquet"), empty)
    for read in (ds.dataset(path, partitioning="hive").to_table().to_pandas, pd.read_parquet):
        frame = read(path) if read is pd.read_parquet else read()
        assert list(frame.columns) == list(empty.columns)
        assert not len(frame)
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(path, hive_partitioning=True).columns == list(empty.columns)
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}/**/*.parquet')")
    assert found.columns == list(empty.columns)


def test_hundreds_of_partitions_need_few_open_files(here):
    resource = pytest.importorskip("resource")
    frame = pd.DataFrame({"code": [f"{n:04}" for n in range(300)], "n": range(300)})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 20, hard))
    try:
        path = export(frame, here / "f", partition_by=["code"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list(path.iterdir())) == 300


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (["nowhere"], "not there: nowhere"),
        ([], "one or more"),
        (["code", "code"], "different columns"),
        (["code", "empty", "number", "long", "word"], "every column"),
        (["empty"], "column 'empty'.*read as missing"),
        (["word"], "column 'word'.*read as missing"),
        (["number"], "column 'number' of type double"),
        (["long"], "column 'long'.*too long"),
    ],
)
def test_partitions_refuse_what_a_name_cannot_say(here, parts, complaint):
    frame = pd.DataFrame(
        {
            "code": ["1"],
            "empty": [""],
            "number": [0.5],
            "long": ["é" * 200],
            "word": ["__HIVE_DEFAULT_PARTITION__"],
        }
    )
    with pytest.raises(ValueError, match=complaint):
        export(frame, here / "f", partition_by=parts)
    assert not list(here.iterdir())


def test_partitions_are_for_parquet(parted, here):
    with pytest.raises(ValueError, match=r"partition_by is for Parquet.*\.csv"):
        export(parted, here / "f.csv", partition_by=["year"])


def test_a_partitioned_folder_is_replaced_as_a_whole(parted, here):
    path = export(parted, here / "f", partition_by=["province"])
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export(parted, path, partition_by=["year"])
    export(parted, path, partition_by=["year"], overwrite=True)
    assert {folder.name for folder in path.iterdir()} == {"year=2024", "year=0024", "year=1e5"}
    with pytest.raises(ValueError, match="'empty'"):
        export(parted.assign(empty=""), path, partition_by=["empty"], overwrite=True)
    assert {folder.name for folder in path.iterdir()} == {"year=2024", "year=0024", "year=1e5"}
    assert list(here.iterdir()) == [path]


def test_a_folder_of_the_users_own_is_not_replaced(parted, here):
    own = here / "f"
    (own / "year=2024").mkdir(parents=True)
    (own / "year=2024" / "thesis.docx").write_text("mine")
    with pytest.raises(FileExistsError, match=r"thesis\.docx"):
        export(parted, own, partition_by=["year"], overwrite=True)
    assert (own / "year=2024" / "thesis.docx").read_text() == "mine"
    file = here / "g.parquet"
    export(parted, file)
    with pytest.raises(FileExistsError, match="a file is there"):
        export(parted, file, partition_by=["year"], overwrite=True)
    with pytest.raises(FileExistsError, match="a folder is there"):
        export(parted, own.rename(here / "h.parquet"), overwrite=True)


# Where, and what stays when it fails

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


def test_nothing_is_replaced_unasked(places, here, suffix):
    path = here / f"f{suffix}"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export(places, path)
    assert path.read_bytes() == b"mine"
    assert export(places, path, overwrite=True) == path
    assert path.read_bytes() != b"mine"
    assert list(here.iterdir()) == [path]


def test_a_file_that_came_meanwhile_stays(places, here, suffix, monkeypatch):
    path = here / f"f{suffix}"
    fsync = os.fsync

    def late(number):
        path.write_bytes(b"theirs")
        fsync(number)

    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export(places, path)
    assert path.read_bytes() == b"theirs"
    assert list(here.iterdir()) == [path]


def test_file_systems_without_second_names(places, here, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    path = export(places, here / "f.csv")
    assert list(here.iterdir()) == [path]
    assert path.stat().st_size


_ON_A_FULL_DISK = """
import resource, sys, warnings
import pandas as pd
from sectorsdf.io.export import export

path, suffix, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
frame = pd.DataFrame({"text": [f"{n * 7919 % 100003:x}" * 9 for n in range(20_000)]})
frame["longitude"] = [n * 0.001 for n in range(20_000)]
frame["latitude"] = [n * 0.0001 for n in range(20_000)]
options = {"partition_by": ["part"]} if suffix == "folder" else {}
frame["part"] = "x"
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    export(frame, path, overwrite=True, **options)
except OSError as error:
    print("refused", type(error).__name__)
"""


def on_a_full_disk(path, kind, limit=60_000):
    """Export in a process that may write files of so many bytes; 0 is no limit."""
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


def test_a_full_disk_leaves_the_old_folder(parted, here):
    pytest.importorskip("resource")
    path = export(parted, here / "f", partition_by=["year"])
    before = sorted(path.rglob("*"))
    done = on_a_full_disk(path, "folder")
    assert done.stdout.startswith("refused"), done.stderr
    assert sorted(path.rglob("*")) == before
    assert list(here.iterdir()) == [path]


def test_a_geopackage_without_its_index_is_not_taken_for_whole(here):
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
        export(places, here / "nowhere" / "f.csv")


@pytest.mark.parametrize("name", ["f", "f.docx", "f.gz", "f.parquet.gz", "f.xlsx.gz", ".csv"])
def test_an_unknown_suffix_is_told_the_known_ones(places, here, name):
    with pytest.raises(ValueError, match=r'\.parquet.*\.xlsx \(pip install "sectorsdf\[excel\]"\)'):
        export(places, here / name)


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
        export(places, here / f"f{suffix}")
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, sectorsdf.ConfigurationError)
    assert not list(here.iterdir())


# Frames that are not ours


def test_a_named_index_becomes_columns(licences, here):
    indexed = licences.set_index(["wiup_code", "province"])
    again = sectorsdf.read_parquet(export(indexed, here / "f.parquet"))
    expected = indexed.reset_index()
    pd.testing.assert_frame_equal(again, expected)
    assert again.attrs == licences.attrs


def test_row_numbers_are_left_out(licences, here):
    chosen = licences[licences["licensed_area_ha"] > 1_000]
    assert 0 < len(chosen) < len(licences)
    again = sectorsdf.read_parquet(export(chosen, here / "f.parquet"))
    pd.testing.assert_frame_equal(again, chosen.reset_index(drop=True))


def test_an_index_that_would_be_lost_is_refused(here):
    frame = pd.DataFrame({"a": [1]}, index=["x"])
    with pytest.raises(ValueError, match="reset_index"):
        export(frame, here / "f.csv")
    frame.index.name = "a"
    with pytest.raises(ValueError, match="index and column have one name: a"):
        export(frame, here / "f.csv")


def test_a_frame_made_from_ours(licences, here):
    changed = licences.drop(columns=["longitude", "location"]).assign(
        kind=licences["license_type"].astype("category"),
        when=pd.Timestamp("2026-01-15 10:00", tz="Asia/Jakarta"),
        area=Decimal("1.50"),
        small=np.float32(0.1),
    )
    read = json.loads(export(changed, here / "f.json").read_text("utf-8"))
    assert [row["kind"] for row in read] == values(licences)["license_type"]
    assert {pd.Timestamp(row["when"]) for row in read} == {changed["when"].iloc[0]}
    assert {row["area"] for row in read} == {"1.50"}
    assert {row["small"] for row in read} == {float(np.float32(0.1))}
    again = sectorsdf.read_parquet(export(changed, here / "f.parquet"))
    assert again["kind"].astype("string").equals(changed["kind"].astype("string"))
    assert again["when"].tolist() == changed["when"].tolist()


def test_days_of_nanoseconds_are_days(here):
    frame = pd.DataFrame({"d": np.array(["2026-01-15", "NaT"], "datetime64[ns]")})
    path = export(frame, here / "f.csv")
    assert path.read_text("utf-8").splitlines()[1:] == ["2026-01-15", ""]


def test_a_number_that_is_not_one_is_missing(here):
    frame = pd.DataFrame({"n": pd.array([1.5, 2.0], "Float64"), "t": ["a", "b"]})
    frame["n"] = frame["n"] / pd.array([1.0, 0.0], "Float64") * pd.array([1.0, 0.0], "Float64")
    path = export(frame, here / "f.jsonl")
    assert path.read_text("utf-8").splitlines()[1] == '{"n": null, "t": "b"}'
    assert export(frame, here / "f.csv").read_text("utf-8").splitlines()[2] == ',"b"'


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_has_no_infinity(here, suffix):
    with pytest.raises(ValueError, match="infinity in column 'x'"):
        export(pd.DataFrame({"x": [math.inf]}), here / f"f{suffix}")
    assert not list(here.iterdir())


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
        export(frame, here / "f.csv")
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame([[1]], columns=[""]), "has no name"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "one name: a"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "one name: 1"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
    ],
)
def test_frames_that_are_no_tables(here, frame, complaint):
    with pytest.raises(ValueError, match=complaint):
        export(frame, here / "f.csv")


def test_attrs_must_be_json(here):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["mine"] = io.StringIO()
    with pytest.raises(ValueError, match=r"frame\.attrs"):
        export(frame, here / "f.csv")


def test_only_frames_are_exported(here):
    with pytest.raises(TypeError, match=r"pandas\.DataFrame or a getter, not list"):
        export([1], here / "f.csv")
