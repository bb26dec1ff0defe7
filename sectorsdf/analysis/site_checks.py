"""Check mine sites for coordinates outside their province, and for one site under two names.

A place is compared with bounding boxes only: a point outside the box is outside the province, but a
point inside it need not be inside. This module owns `check_sites`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from sectorsdf.analysis.city_names import city_key
from sectorsdf.analysis.findings import columns_of, finding, in_one_frame
from sectorsdf.places import province_name, provinces, regencies

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["check_sites"]

_DTYPES: Final = {
    "slug": "string",
    "name": "string",
    "year": "Int64",
    "commodity_type": "string",
    "company_slug": "string",
    "province": "string",
    "city": "string",
    "latitude": "Float64",
    "longitude": "Float64",
}
_KEYS: Final = {"slug": "string", "year": "Int64", "commodity_type": "string", "name": "string"}
# The boxes come from generalised boundaries, which differ by up to about 2 km from the official
# ones, and a site's point can be that of its project. 0.05 degrees are 5.5 km.
_MARGIN: Final = 0.05
_KM_PER_DEGREE: Final = 111.32
_EDGES: Final = ["west", "south", "east", "north"]


def check_sites(frame: pd.DataFrame) -> pd.DataFrame:
    """Report sites whose coordinates are elsewhere, and sites that occur under two names.

    A finding is a question about the source, not a proof of an error. Nothing is corrected. No
    request is sent, so this costs no credits.

    Parameters
    ----------
    frame : pandas.DataFrame
        Sites with coordinates, as `get_mining_site` and ``get_mining_sites(details=True)`` return
        them. It is not changed. A site without coordinates is not compared with a place.

    Returns
    -------
    pandas.DataFrame
        One row for each finding, in the order of the sites: ``position`` (Int64, the site's row in
        `frame`, from 0), ``slug``, ``year`` (Int64), ``commodity_type``, ``name``, ``check``,
        ``message``, ``expected`` and ``found`` (text). The columns and dtypes are the same if there
        is none. ``check`` is one of:

        one_coordinate
            The site has a latitude or a longitude, but not both.
        outside_indonesia
            The point is in no province's bounding box. A mine abroad has no province in the data,
            and is not reported.
        outside_province
            The point is outside the bounding box of the site's province. ``found`` has the
            provinces whose boxes contain it. A province that was split since contains its parts.
        outside_regency
            The point is in the province's box, but outside the box of the site's regency.
        same_place
            Another site of the company has the same coordinates under another name.
        same_name
            Another site has the same name but for case, spaces and punctuation, under another slug.
        slug_of_several_companies
            Sites of several companies share the slug, so the slug alone names no site.

    Raises
    ------
    ConfigurationError
        A column is missing. The list of sites has no coordinates without ``details=True``.
    TypeError
        `frame` is no DataFrame.

    Notes
    -----
    Boxes are those of `places.provinces` and `places.regencies`, with a margin of 0.05 degrees
    (5.5 km).

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sites = sectorsdf.get_mining_sites(
    ...         commodity_type="Nickel", details=True, client=client
    ...     )
    >>> findings = sectorsdf.check_sites(sites)
    >>> findings.columns.tolist()[:4]
    ['position', 'slug', 'year', 'commodity_type']
    """
    sites = columns_of(frame, _DTYPES, "check_sites")
    findings = [*_places(sites), *_names(sites)]
    return in_one_frame(findings, _KEYS)


def _places(sites: pd.DataFrame) -> list[pd.DataFrame]:
    coordinates = sites[["latitude", "longitude"]].notna().sum(axis=1)
    half, points = sites[coordinates == 1], sites[coordinates == 2]
    table, cities = provinces(), regencies()
    cities["key"] = city_key(cities["name"])
    sited = zip(
        points.index,
        points[["latitude", "longitude"]].to_numpy(dtype=np.float64).tolist(),
        points["province"],
        points["city"],
        strict=True,
    )
    verdicts = {
        position: _place_of((latitude, longitude), province, city, table, cities)
        for position, (latitude, longitude), province, city in sited
    }
    findings = [
        finding(half, "one_coordinate", "latitude or longitude is missing", "both", "one of them")
    ]
    for check in ("outside_indonesia", "outside_province", "outside_regency"):
        texts = {at: verdict for at, verdict in verdicts.items() if verdict.check == check}
        columns = (
            pd.Series([getattr(text, name) for text in texts.values()], [*texts], dtype="string")
            for name in ("message", "expected", "found")
        )
        findings.append(finding(sites.loc[[*texts]], check, *columns))
    return findings


class _Verdict(NamedTuple):
    """What is wrong with one point; nothing if there is no check."""

    check: str = ""
    message: str = ""
    expected: str = ""
    found: str = ""


def _place_of(
    point: tuple[float, float],
    province: object,
    city: object,
    table: pd.DataFrame,
    cities: pd.DataFrame,
) -> _Verdict:
    """Compare the point of one site with the boxes of its province and regency."""
    named = {name for name in map(province_name, _parts(province)) if name}
    own = table["name"].isin(named) | table["split_from"].isin(named)
    if not named:
        return _Verdict()
    away = _kilometres(table, *point)
    text = f"{point[0]:.4f}, {point[1]:.4f}"
    near = table.loc[away == 0, "name"]
    if not len(near):
        message = "the point is outside Indonesia"
        if (_kilometres(table, *reversed(point)) == 0).any():
            message += "; with latitude and longitude exchanged it is inside"
        return _Verdict("outside_indonesia", message, str(province), text)
    if away[own].min() > 0:
        message = f"the point is {away[own].min():.0f} km outside the box of its province"
        found = f"{text}, in the boxes of {', '.join(near)}"
        return _Verdict("outside_province", message, str(province), found)
    keys = city_key(pd.Series(_parts(city), dtype="string")).tolist()
    boxes = cities[cities["key"].isin(keys) & cities["province"].isin(table.loc[own, "name"])]
    away = _kilometres(boxes, *point)
    if len(away) and away.min() > 0:
        message = f"the point is {away.min():.0f} km outside the box of its regency"
        return _Verdict("outside_regency", message, str(city), text)
    return _Verdict()


def _parts(text: object) -> list[str]:
    return text.split(",") if isinstance(text, str) else []


def _kilometres(boxes: pd.DataFrame, latitude: float, longitude: float) -> npt.NDArray[np.float64]:
    """Return how far a point is outside each box; 0 inside it and within the margin."""
    west, south, east, north = (boxes[edge].to_numpy(dtype=np.float64) for edge in _EDGES)
    across = np.maximum(np.maximum(west - longitude, longitude - east), 0.0)
    along = np.maximum(np.maximum(south - latitude, latitude - north), 0.0)
    inside = np.maximum(across, along) <= _MARGIN
    degrees = np.hypot(across * np.cos(np.radians(latitude)), along)
    return np.where(inside, 0.0, degrees * _KM_PER_DEGREE)


def _names(sites: pd.DataFrame) -> list[pd.DataFrame]:
    place = sites["company_slug"] + " " + _text(sites["latitude"]) + " " + _text(sites["longitude"])
    letters = sites["name"].str.casefold().str.replace(r"[\W_]", "", regex=True)
    checks = (
        (
            "same_place",
            "another site of the company has the same coordinates: one site under two names",
            _others(sites["slug"], place),
            sites["slug"],
        ),
        (
            "same_name",
            "another site has the same name but for case, spaces and punctuation",
            _others(sites["slug"], letters),
            sites["slug"],
        ),
        (
            "slug_of_several_companies",
            "sites of several companies share the slug, so the slug alone names no site",
            _others(sites["company_slug"], sites["slug"]),
            sites["company_slug"],
        ),
    )
    return [
        finding(sites.loc[others.index], check, message, own, others)
        for check, message, others, own in checks
    ]


def _text(numbers: pd.Series) -> pd.Series:
    return numbers.astype("string")


def _others(values: pd.Series, group: pd.Series) -> pd.Series:
    """Return the other values in the group of each row, for the rows where there are any."""
    rows = pd.DataFrame({"value": values, "group": group}).dropna()
    pairs = rows.reset_index().merge(rows.drop_duplicates(), on="group", suffixes=("", "_other"))
    pairs = pairs[(pairs["value"] != pairs["value_other"]).to_numpy(dtype=bool)]
    others = pairs.groupby("index")["value_other"].agg(lambda texts: ", ".join(sorted(texts)))
    return others.astype("string")
