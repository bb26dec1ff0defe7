"""Write GeoJSON and GeoPackage: the rows with their geometry.

This module owns how a row gets its geometry. It builds on `text` for GeoJSON and on `databases` for
the names in a GeoPackage, and must not import `excel`, `parquet` or `partitioned`.
"""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.frames.lossless_json import as_utf8
from sectorsdf.io.databases import check_table_name, quote_identifier
from sectorsdf.io.table import PROVENANCE, check_names_ignoring_case, to_plain_types
from sectorsdf.io.text import (
    check_finite,
    dump_json,
    json_records,
    open_for_writing,
    write_joined,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sectorsdf.io.table import ExportTable

__all__ = ["write_geojson", "write_geopackage"]

_COLLECTION = "GeometryCollection"
# GDAL reads no more levels of collections.
_MAX_COLLECTIONS = 30
# SQLite's limit, without the geometry and the row's number.
_MAX_COLUMNS = 1_998
# How many lists enclose a position.
_DEPTHS = {
    "Point": 0,
    "LineString": 1,
    "MultiPoint": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def _coordinates(table: pa.Table, format_name: str) -> list[list[float | None]]:
    """Return longitudes and latitudes, or raise ValueError if they cannot be Points."""
    columns = []
    for name in ("longitude", "latitude"):
        if name not in table.column_names:
            message = (
                f"{format_name} needs the columns longitude and latitude, and the frame has no "
                f"{name}: get_mining_licenses and get_mining_sites(details=True) return them"
            )
            raise ValueError(message)
        column = table.column(name)
        numeric = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        if not (numeric or column.null_count == len(column)):
            message = (
                f"{format_name} needs degrees as numbers in column {name!r}, not {column.type}"
            )
            raise ValueError(message)
        columns.append(column.cast(pa.float64()))
    check_finite(pa.table(columns, names=["longitude", "latitude"]), format_name)
    return [column.to_pylist() for column in columns]


def _true_geometries(table: pa.Table) -> list[dict[str, Any] | None]:
    """Return the geometry in each row's `location_geojson`, or None."""
    name = "location_geojson"
    if name not in table.column_names or not pa.types.is_string(table.column(name).type):
        return [None] * len(table)
    texts = table.column(name).to_pylist()
    return [None if text is None else _parse_geometry(text) for text in texts]


def _parse_geometry(text: str) -> dict[str, Any] | None:
    """Return a geometry, or None for any other text, which users can still read as a property."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if _is_geometry(value) else None


def _refuse(token: str) -> None:
    message = f"{token} is not JSON"
    raise ValueError(message)


def _is_geometry(value: object, outer: int = 0) -> bool:
    """Return whether a value is a geometry that every format can hold."""
    if not isinstance(value, dict) or outer > _MAX_COLLECTIONS:
        return False
    if value.get("type") == _COLLECTION:
        members = value.get("geometries")
        return isinstance(members, list) and all(_is_geometry(each, outer + 1) for each in members)
    depth = _DEPTHS.get(str(value.get("type")))
    return depth is not None and _has_positions(value.get("coordinates"), depth)


def _has_positions(value: object, depth: int) -> bool:
    if not isinstance(value, list):
        return False
    if depth:
        return all(_has_positions(part, depth - 1) for part in value)
    return len(value) > 1 and all(map(_is_finite, value))


def _is_finite(value: object) -> bool:
    """Return whether a value is a number that float64 can hold."""
    if isinstance(value, bool):
        return False
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _geometries(content: ExportTable, format_name: str) -> list[dict[str, Any] | None]:
    """Return each row's geometry: its true one, else the Point of its coordinates, else None."""
    if content.geometries is not None:
        _check_coordinates(content.geometries)
        return list(map(_as_geojson, content.geometries))
    longitudes, latitudes = _coordinates(content.table, format_name)
    rows = zip(_true_geometries(content.table), longitudes, latitudes, strict=True)
    return [true or _point(longitude, latitude) for true, longitude, latitude in rows]


def _as_geojson(shape: Any) -> dict[str, Any] | None:  # noqa: ANN401 - an extra's type
    from shapely.geometry import mapping  # noqa: PLC0415 - an extra, which made the geometry

    if shape is None:
        return None
    geometry: dict[str, Any] = mapping(shape)
    # A closed line of its own is a geometry in shapely, but not in GeoJSON.
    return geometry | {"type": "LineString"} if geometry["type"] == "LinearRing" else geometry


def _check_coordinates(shapes: Iterable[Any]) -> None:
    """Raise ValueError if a geometry of shapely has a coordinate that is not a finite number."""
    from shapely import get_coordinates  # noqa: PLC0415 - an extra, which made the geometries

    for row, shape in enumerate(shapes):
        coordinates = [] if shape is None else get_coordinates(shape, include_z=shape.has_z).flat
        if not all(map(_is_finite, coordinates)):
            message = f"the geometry in row {row} has a coordinate that is not a finite number"
            raise ValueError(message)


def _point(longitude: float | None, latitude: float | None) -> dict[str, Any] | None:
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def write_geojson(content: ExportTable, file: Path) -> None:
    """Write a GeoJSON FeatureCollection, with the provenance as its member `provenance`."""
    content = replace(content, table=to_plain_types(content.table, "GeoJSON"))
    records = json_records(content.table, "GeoJSON")
    rows = zip(_geometries(content, "GeoJSON"), records, strict=True)
    features = (
        dump_json({"type": "Feature", "geometry": geometry, "properties": record})
        for geometry, record in rows
    )
    name, provenance = dump_json(content.name), as_utf8(dump_json(content.provenance))
    with open_for_writing(file) as sink:
        head = f'"name": {name}, "{PROVENANCE}": {provenance}'
        sink.write(f'{{"type": "FeatureCollection", {head}, "features": [\n'.encode())
        write_joined(sink, features, ",\n")
        sink.write(b"\n]}\n")


def _free_name(name: str, taken: Sequence[str]) -> str:
    lowered = {other.lower() for other in taken}
    while name in lowered:
        name += "_"
    return name


def write_geopackage(content: ExportTable, file: Path) -> None:
    """Write a GeoPackage of one layer in EPSG:4326, with the provenance in its metadata."""
    import pyogrio  # noqa: PLC0415 - an extra
    import shapely  # noqa: PLC0415 - an extra

    table = to_plain_types(content.table, "GeoPackage")
    check_table_name(content.name)
    check_names_ignoring_case(table.column_names, "GeoPackage")
    if table.num_columns > _MAX_COLUMNS:
        message = f"a GeoPackage holds {_MAX_COLUMNS:,} columns, not {table.num_columns:,}"
        raise ValueError(message)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\0")).as_py():
            message = f"GeoPackage would cut the text of column {name!r} at its NUL character"
            raise ValueError(message)
        if pa.types.is_uint64(column.type):
            message = f"GeoPackage has no type for column {name!r}, which is uint64: use int64"
            raise ValueError(message)
    shapes = content.geometries
    if shapes is None:
        texts = [
            None if geometry is None else dump_json(geometry)
            for geometry in _geometries(replace(content, table=table), "GeoPackage")
        ]
        # A ring that is not closed is a geometry in JSON, but not in shapely.
        shapes = shapely.from_geojson(texts, on_invalid="ignore")
    else:
        _check_coordinates(shapes)
    points_only = all(
        shape is None or (shape.geom_type == "Point" and not shape.has_z) for shape in shapes
    )
    geometry_name = _free_name("geom", table.column_names)
    binary = pa.array(shapely.to_wkb(shapes, flavor="iso"), pa.binary())
    try:
        pyogrio.write_arrow(
            table.append_column(geometry_name, binary),
            file,
            driver="GPKG",
            layer=content.name,
            geometry_name=geometry_name,
            geometry_type="Point" if points_only else "Unknown",
            crs="EPSG:4326",
            layer_metadata={PROVENANCE: as_utf8(dump_json(content.provenance))},
            layer_options={
                "FID": _free_name("fid", table.column_names),
                "GEOMETRY_NAME": geometry_name,
            },
        )
    except RuntimeError as error:
        message = f"GDAL could not write the file: {error}"
        raise OSError(message) from error
    counts = {content.name: len(table)}
    if indexed := int((~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)).sum()):
        counts[f"rtree_{content.name}_{geometry_name}_rowid"] = indexed
    _check_row_counts(file, counts)


def _check_row_counts(file: Path, counts: dict[str, int]) -> None:
    """Raise OSError if a table of a GeoPackage has other rows: GDAL reports no error at the end."""
    try:
        with closing(sqlite3.connect(file)) as database:
            whole = all(
                database.execute(f"SELECT count(*) FROM {quote_identifier(name)}").fetchone()[0]  # noqa: S608
                == count
                for name, count in counts.items()
            )
    except sqlite3.Error:
        whole = False
    if not whole:
        message = "GDAL could not write the whole file: is the disk full?"
        raise OSError(message)
