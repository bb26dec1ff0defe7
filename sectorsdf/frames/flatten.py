"""Flatten the API's nested fields, a column at a time.

Each function takes the values of one field, in row order, and returns the columns made from them
and the values that it could not use. This module owns what becomes of a nested field. It must not
import `datasets`, or another module of this folder.
"""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sectorsdf.reserves.wide_row import PARTIAL_SUM, wide, widen
from sectorsdf.vocabularies import COMPANY_COMMODITY_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "FLATTENERS",
    "BadValue",
    "Flattened",
    "company_activities",
    "company_commodities",
    "contract_agreements",
    "license_location",
    "resources_reserves",
    "site_location",
]

_GEOMETRIES = frozenset(
    {
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
        "Feature",
        "FeatureCollection",
    }
)


class BadValue(NamedTuple):
    """A value that does not fit its column, or one that the named filter excludes."""

    row: int
    column: str
    raw: object
    reason: str
    filter: str | None = None


class Flattened(NamedTuple):
    """The columns made from one field; the `extra` ones are not declared."""

    columns: dict[str, Sequence[Any]]
    extra: dict[str, Sequence[Any]]
    bad: list[BadValue]


Flattener: TypeAlias = "Callable[[Sequence[Any]], Flattened]"


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_geometry(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in _GEOMETRIES


def _degrees(value: object, bound: float) -> float | None:
    """Return a coordinate, or None if it is not a finite number within the bound."""
    if not _is_number(value) or not -bound <= value <= bound:  # type: ignore[operator]
        return None
    return float(value)  # type: ignore[arg-type]


def _is_off_globe(value: object, bound: float) -> bool:
    """Return whether a value is a number, or the text of a number, beyond the bound."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return False
    return _is_number(value) and _degrees(value, bound) is None


def _positions(geometry: object) -> Iterator[Sequence[Any]]:
    """Yield each position of a GeoJSON object, at any depth."""
    stack: list[Any] = [geometry]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.get(k) for k in ("coordinates", "geometries", "features", "geometry"))
        elif isinstance(item, list):
            if len(item) >= 2 and _is_number(item[0]) and _is_number(item[1]):
                yield item
            else:
                stack.extend(item)


def _centre(geometry: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the centre of a geometry's bounding box, or None if a position is not on the globe."""
    plain = _is_plain_point(geometry)
    points = [geometry["coordinates"]] if plain else list(_positions(geometry))
    longitudes = [_degrees(point[0], 180) for point in points]
    latitudes = [_degrees(point[1], 90) for point in points]
    if not points or None in longitudes or None in latitudes:
        return None
    west, east = min(longitudes), max(longitudes)  # type: ignore[type-var]
    south, north = min(latitudes), max(latitudes)  # type: ignore[type-var]
    return (west + east) / 2, (south + north) / 2  # type: ignore[operator]


def _is_plain_point(geometry: Mapping[str, Any]) -> bool:
    """Return whether two numbers express the whole geometry."""
    return (
        geometry["type"] == "Point"
        and geometry.keys() == {"type", "coordinates"}
        and isinstance(geometry["coordinates"], list)
        and len(geometry["coordinates"]) == 2
        and all(map(_is_number, geometry["coordinates"]))
    )


def license_location(values: Sequence[Any]) -> Flattened:
    """Flatten a licence's `location`: a text, a GeoJSON geometry, or null.

    A plain Point becomes `longitude` and `latitude`. Any other geometry, and a Point with more than
    two numbers, is also kept whole in `location_geojson`; its longitude and latitude are the centre
    of its bounding box.
    """
    count = len(values)
    texts = list(values)
    longitudes: list[float | None] = [None] * count
    latitudes: list[float | None] = [None] * count
    geometries: list[Mapping[str, Any] | None] = [None] * count
    bad: list[BadValue] = []
    others = [(row, v) for row, v in enumerate(values) if v is not None and not isinstance(v, str)]
    for row, value in others:
        texts[row] = None
        if _is_geometry(value):
            centre = _centre(value)
            plain = _is_plain_point(value)
            if centre is not None:
                longitudes[row], latitudes[row] = centre
            else:
                bad.append(
                    BadValue(
                        row,
                        "longitude",
                        value,
                        "not a geometry of [longitude, latitude] within 180 and 90 degrees",
                    )
                )
            if not (plain and centre is not None):
                geometries[row] = value
        else:
            bad.append(BadValue(row, "location", value, "neither a text nor a GeoJSON geometry"))
    columns: dict[str, Sequence[Any]] = {
        "location": texts,
        "longitude": longitudes,
        "latitude": latitudes,
        "location_geojson": geometries,
    }
    return Flattened(columns, {}, bad)


def site_location(values: Sequence[Any]) -> Flattened:
    """Flatten a site's `location`: `{province, city, latitude, longitude}`, each may be null.

    A GeoJSON geometry becomes the two numbers as well. An unknown key of the object becomes an
    extra column ``location_<key>``.
    """
    known = ("province", "city", "latitude", "longitude")
    rows: list[dict[str, Any]] = []
    bad: list[BadValue] = []
    for row, value in enumerate(values):
        flat: dict[str, Any] = {}
        if isinstance(value, dict):
            flat = dict(value)
            if _is_geometry(value) and not value.keys() & set(known):
                centre = _centre(value)
                if centre is not None and _is_plain_point(value):
                    flat = {"longitude": centre[0], "latitude": centre[1]}
                elif centre is not None:
                    flat = {"longitude": centre[0], "latitude": centre[1], "geojson": value}
            for name, bound in (("latitude", 90), ("longitude", 180)):
                number = flat.get(name)
                if _is_off_globe(number, bound):
                    bad.append(BadValue(row, name, number, f"not within {bound} degrees"))
                    flat[name] = None
        elif value is not None:
            bad.append(BadValue(row, "location", value, "not an object with province and city"))
        rows.append(flat)
    extra = [name for name in dict.fromkeys(chain.from_iterable(rows)) if name not in known]
    return Flattened(
        {name: [flat.get(name) for flat in rows] for name in known},
        {f"location_{name}": [flat.get(name) for flat in rows] for name in extra},
        bad,
    )


def _elsewhere(values: Sequence[Any]) -> Flattened:  # noqa: ARG001
    """Make no column from a field, because another frame is made from it."""
    return Flattened({}, {}, [])


def resources_reserves(values: Sequence[Any]) -> Flattened:
    """Flatten a site's `resources_reserves` to its tonnages and calorific value, in one unit.

    The JSON is kept as well: only it and the tidy table of resources have contained metal, grades
    and figures outside the grammar.
    """
    empty = wide(None, commodity_type=None)
    rows: list[dict[str, Any]] = []
    bad: list[BadValue] = []
    for row, value in enumerate(values):
        figures, problems = empty, list[dict[str, Any]]()
        if value is not None and not isinstance(value, dict | list):
            bad.append(BadValue(row, "tonnage_unit", value, "neither an object nor a list"))
        elif value is not None:
            # The commodity only decides the component of a tonnage, which has no column here.
            figures, problems = widen(value, commodity_type=None)
        # A figure that one ore type does not have is missing in the data, not wrong.
        bad += [
            BadValue(row, problem["column"], value, problem["reason"])
            for problem in problems
            if not problem["reason"].startswith(PARTIAL_SUM)
        ]
        rows.append(figures)
    columns: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in empty}
    return Flattened({**columns, "resources_reserves": values}, {}, bad)


def _joined(texts: Sequence[str]) -> str | None:
    """Return texts as one, separated by commas; one that has a comma itself is quoted."""
    parts = [json.dumps(t, ensure_ascii=False) if "," in t or '"' in t else t for t in texts]
    return ", ".join(parts) or None


def _text_lists(values: Sequence[Any], column: str) -> tuple[list[list[str] | None], Flattened]:
    """Return lists of texts, and one column of their texts; a single text is a list of one."""
    lists: list[list[str] | None] = []
    bad: list[BadValue] = []
    for row, value in enumerate(values):
        # A subclass of `str` is something that is not valid as a text.
        items = [value] if type(value) is str else value
        if isinstance(items, list) and all(type(item) is str for item in items):
            lists.append(items)
        else:
            lists.append(None)
            if value is not None:
                bad.append(BadValue(row, column, value, "not a list of texts"))
    texts = [None if items is None else _joined(items) for items in lists]
    return lists, Flattened({column: texts}, {}, bad)


def company_commodities(values: Sequence[Any]) -> Flattened:
    """Flatten a company's `commodity_type`, a list: to one text, and a flag for each commodity.

    The flags tell an empty list (all False) from a missing one (all missing), and ignore case.
    """
    lists, flat = _text_lists(values, "commodity_types")
    for name in COMPANY_COMMODITY_TYPES:
        flat.columns[name.lower().replace(" ", "_")] = [
            None if items is None else name.casefold() in (item.casefold() for item in items)
            for items in lists
        ]
    return flat


def company_activities(values: Sequence[Any]) -> Flattened:
    """Flatten a company's `activities`, a list, to one text."""
    return _text_lists(values, "activities")[1]


def contract_agreements(values: Sequence[Any]) -> Flattened:
    """Flatten a contract's `agreement_type`, a list, to one text."""
    return _text_lists(values, "agreement_types")[1]


FLATTENERS: Mapping[str, Flattener] = {
    "license_location": license_location,
    "site_location": site_location,
    "resources_reserves": resources_reserves,
    "company_commodities": company_commodities,
    "company_activities": company_activities,
    "contract_agreements": contract_agreements,
    "elsewhere": _elsewhere,
}
