"""Frames as maps: GeoJSON and GeoPackage. Knows nothing of names on disk."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.io.databases import quoted, refuse_table_name
from sectorsdf.io.table import PROVENANCE, refuse_alike, to_plain_types
from sectorsdf.io.text import as_json, open_bytes, records, refuse_infinity, write_joined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sectorsdf.io.table import ExportTable

__all__ = ["write_geojson", "write_geopackage"]


_COLLECTION = "GeometryCollection"
# How many lists stand around a position.
_DEPTHS = {
    "Point": 0,
    "LineString": 1,
    "MultiPoint": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def _coordinates(table: pa.Table, form: str) -> list[list[float | None]]:
    """Return longitudes and latitudes; refuse what makes no Point."""
    found = []
    for name in ("longitude", "latitude"):
        if name not in table.column_names:
            message = (
                f"{form} needs the columns longitude and latitude, and {name} is not there: "
                "get_mining_licenses gives them, and so does get_mining_sites with details=True"
            )
            raise ValueError(message)
        column = table.column(name)
        numeric = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        if not (numeric or column.null_count == len(column)):
            message = f"{form} needs degrees as numbers in column {name!r}, not {column.type}"
            raise ValueError(message)
        found.append(column.cast(pa.float64()))
    refuse_infinity(pa.table(found, names=["longitude", "latitude"]), form)
    return [column.to_pylist() for column in found]


def _true_geometries(table: pa.Table) -> list[dict[str, Any] | None]:
    """Return the geometry that each row's `location_geojson` gives, where it gives one."""
    name = "location_geojson"
    if name not in table.column_names or not pa.types.is_string(table.column(name).type):
        return [None] * len(table)
    return [None if text is None else _geometry(text) for text in table.column(name).to_pylist()]


def _geometry(text: str) -> dict[str, Any] | None:
    """Return a geometry; None for anything else, which stays readable as a property."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if _is_geometry(found) else None


def _is_geometry(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    if value.get("type") == _COLLECTION:
        members = value.get("geometries")
        return isinstance(members, list) and all(map(_is_geometry, members))
    depth = _DEPTHS.get(str(value.get("type")))
    return depth is not None and _is_position(value.get("coordinates"), depth)


def _is_position(value: object, depth: int) -> bool:
    if not isinstance(value, list):
        return False
    if depth:
        return all(_is_position(part, depth - 1) for part in value)
    numbers = all(isinstance(x, int | float) and math.isfinite(x) for x in value)
    return numbers and len(value) > 1


def write_geojson(content: ExportTable, file: Path) -> None:
    """Write a GeoJSON FeatureCollection, with the provenance as a member of its own."""
    table = to_plain_types(content.table, "GeoJSON")
    places = zip(_true_geometries(table), *_coordinates(table, "GeoJSON"), strict=True)
    features = (
        as_json(
            {
                "type": "Feature",
                "geometry": true or _point(longitude, latitude),
                "properties": record,
            }
        )
        for (true, longitude, latitude), record in zip(
            places, records(table, "GeoJSON"), strict=True
        )
    )
    with open_bytes(file) as sink:
        head = f'"name": {as_json(content.name)}, "{PROVENANCE}": {as_json(content.provenance)}'
        sink.write(f'{{"type": "FeatureCollection", {head}, "features": [\n'.encode())
        write_joined(sink, features, ",\n")
        sink.write(b"\n]}\n")


def _point(longitude: float | None, latitude: float | None) -> dict[str, Any] | None:
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _free_name(wanted: str, taken: Sequence[str]) -> str:
    lowered = {name.lower() for name in taken}
    while wanted in lowered:
        wanted += "_"
    return wanted


def write_geopackage(content: ExportTable, file: Path) -> None:
    """Write a GeoPackage of one layer in EPSG:4326, with the provenance in its metadata."""
    import pyogrio  # noqa: PLC0415 - an extra
    import shapely  # noqa: PLC0415 - an extra

    table = to_plain_types(content.table, "GeoPackage")
    refuse_table_name(content.name)
    refuse_alike(table.column_names, "GeoPackage")
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\0")).as_py():
            message = f"GeoPackage would cut the text of column {name!r} at its NUL character"
            raise ValueError(message)
        if pa.types.is_uint64(column.type):
            message = f"GeoPackage has no type for uint64, which column {name!r} is: use int64"
            raise ValueError(message)
    longitudes, latitudes = _coordinates(table, "GeoPackage")
    found = [
        None if geometry is None else json.dumps(geometry)
        for geometry in (
            true or _point(*place)
            for true, *place in zip(_true_geometries(table), longitudes, latitudes, strict=True)
        )
    ]
    # A ring that is not closed is a geometry to JSON and none to shapely.
    shapes = shapely.from_geojson(found, on_invalid="ignore")
    points_only = all(shape is None or shape.geom_type == "Point" for shape in shapes)
    geometry_name = _free_name("geom", table.column_names)
    binary = pa.array(shapely.to_wkb(shapes), pa.binary())
    try:
        pyogrio.write_arrow(
            table.append_column(geometry_name, binary),
            file,
            driver="GPKG",
            layer=content.name,
            geometry_name=geometry_name,
            geometry_type="Point" if points_only else "Unknown",
            crs="EPSG:4326",
            layer_metadata={PROVENANCE: as_json(content.provenance)},
            layer_options={
                "FID": _free_name("fid", table.column_names),
                "GEOMETRY_NAME": geometry_name,
            },
        )
    except RuntimeError as error:
        message = f"GDAL could not write the file: {error}"
        raise OSError(message) from error
    indexed = int((~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)).sum())
    _verify(file, content.name, f"rtree_{content.name}_{geometry_name}_rowid", len(table), indexed)


def _verify(file: Path, layer: str, index: str, rows: int, indexed: int) -> None:
    """Raise OSError where a GeoPackage is not whole: GDAL says nothing of what fails at the end."""
    counted = {layer: rows, index: indexed} if indexed else {layer: rows}
    try:
        with closing(sqlite3.connect(file)) as database:
            whole = all(
                database.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0] == count  # noqa: S608
                for name, count in counted.items()
            )
    except sqlite3.Error:
        whole = False
    if not whole:
        message = "GDAL could not write the whole file: is the disk full?"
        raise OSError(message)
