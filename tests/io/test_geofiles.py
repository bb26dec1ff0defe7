"""GeoJSON and GeoPackage, read by GDAL."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from support.exported import (
    AREA,
    flags_as_numbers,
    same,
    transposed,
    values,
    with_days_as_text,
)

from sectorsdf.io.export import export_frame

_GEOMETRIES = [
    {"type": "Point", "coordinates": [117.123456789012345, -0.1]},
    AREA,
    None,
    None,
    {"type": "Point", "coordinates": [3.0, 4.0]},
]


def test_geojson(places, here):
    places.attrs["sectorsdf"] = {"dataset": "mining_licenses", "rows": 5}
    found = json.loads(export_frame(places, here / "f.geojson").read_text("utf-8"))
    assert (found["type"], found["name"]) == ("FeatureCollection", "mining_licenses")
    assert found["provenance"] == {"dataset": "mining_licenses", "rows": 5}
    assert [feature["geometry"] for feature in found["features"]] == _GEOMETRIES
    rows = [feature["properties"] for feature in found["features"]]
    read = {name: [row[name] for row in rows] for name in places}
    same(read, with_days_as_text(values(places)))


@pytest.mark.parametrize("kind", ["licences", "sites"])
def test_geojson_in_gdal(frames, here, kind):
    pyogrio = pytest.importorskip("pyogrio")
    frame = frames[kind]
    path = export_frame(frame, here / "f.geojson")
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
    path = export_frame(frame, here / "f.gpkg")
    layer_info, table = pyogrio.read_arrow(path)
    same(table.drop_columns(["geom"]).to_pydict(), values(frame))
    assert layer_info["crs"] == "EPSG:4326"
    layer = frame.attrs["sectorsdf"]["dataset"]
    assert pyogrio.list_layers(path).tolist() == [[layer, "Point"]]
    metadata = pyogrio.read_info(path)["layer_metadata"]
    assert json.loads(metadata["provenance"]) == frame.attrs["sectorsdf"]
    with closing(sqlite3.connect(path)) as database:
        names = ", ".join(f'"{name}"' for name in frame.columns)
        rows = database.execute(f'SELECT {names} FROM "{layer}"').fetchall()
        kinds = {row[1]: row[2] for row in database.execute(f'PRAGMA table_info("{layer}")')}
    same(transposed(frame.columns, rows), with_days_as_text(flags_as_numbers(values(frame))))
    declared = {"string": "TEXT", "float64": "REAL", "Int64": "INTEGER", "boolean": "BOOLEAN"}
    for name, kind_ in frame.dtypes.items():
        assert kinds[name] == declared.get(str(kind_), "DATE")


def test_geopackage_of_true_geometries(places, here):
    pyogrio = pytest.importorskip("pyogrio")
    shapely = pytest.importorskip("shapely")
    path = export_frame(places, here / "f.gpkg", table="places")
    layer_info, table = pyogrio.read_arrow(path)
    geometry = layer_info["geometry_name"]
    assert layer_info["geometry_type"] == "Unknown"
    same(table.drop_columns([geometry]).to_pydict(), values(places))
    shapes = shapely.from_wkb(np.array(table.column(geometry).to_pylist(), dtype=object))
    expected = [None if geometry is None else json.dumps(geometry) for geometry in _GEOMETRIES]
    assert shapely.equals(shapes, shapely.from_geojson(expected)).tolist() == [
        text is not None for text in expected
    ]
    assert [shape is None for shape in shapes] == [text is None for text in expected]
    assert shapes[0].x == 117.123456789012345


def test_geopackage_keeps_odd_names(here):
    pyogrio = pytest.importorskip("pyogrio")
    names = ['we"ird', "tab\t", "select", "é", "longitude", "latitude"]
    frame = pd.DataFrame([["a", "b", "c", "d", 1.0, 2.0]], columns=names)
    path = export_frame(frame, here / "f.gpkg", table='a "b" c')
    layer_info, table = pyogrio.read_arrow(path, layer='a "b" c')
    assert table.drop_columns([layer_info["geometry_name"]]).to_pydict() == frame.to_dict("list")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_maps_name_the_getters_that_have_places(frames, here, suffix):
    if suffix == ".gpkg":
        pytest.importorskip("pyogrio")
    with pytest.raises(ValueError, match=r"has no longitude: .*details=True"):
        export_frame(frames["auctions"], here / f"f{suffix}")
    wrong = pd.DataFrame({"longitude": ["x"], "latitude": [1.0]})
    with pytest.raises(ValueError, match="numbers in column 'longitude'"):
        export_frame(wrong, here / f"f{suffix}")
    endless = pd.DataFrame({"longitude": [1.0], "latitude": [math.inf]})
    with pytest.raises(ValueError, match="infinity in column 'latitude'"):
        export_frame(endless, here / f"f{suffix}")
    assert not list(here.iterdir())


def test_geopackage_refuses_what_gdal_would_change(here):
    pytest.importorskip("pyogrio")
    coordinates = {"longitude": [1.0], "latitude": [1.0]}
    for cell, wrong in (("a\0b", "'x' at its NUL"), (np.uint64(1), "column 'x'")):
        with pytest.raises(ValueError, match=wrong):
            export_frame(pd.DataFrame({**coordinates, "x": [cell]}), here / "f.gpkg")
