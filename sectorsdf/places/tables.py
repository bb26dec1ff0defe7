"""Read the tables of provinces and regencies, and return them as frames.

This module owns the two CSV files beside it. It must not import pandas before a frame is asked for.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["provinces", "read", "regencies"]

_NUMBERS: Final = ("latitude", "longitude", "west", "south", "east", "north")
_YEARS: Final = ("split_year",)


@cache
def read(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a table as texts; a value that is missing is an empty text.

    Parameters
    ----------
    table : {"provinces", "regencies"}
        Name of the file.
    """
    file = resources.files("sectorsdf.places").joinpath(f"{table}.csv")
    return tuple(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def _frame(table: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see the module's docstring

    rows = read(table)
    columns = {}
    for name in rows[0]:
        values = [row[name] or None for row in rows]
        if name in _NUMBERS:
            columns[name] = pd.Series(values, dtype="object").astype("float64")
        elif name in _YEARS:
            years = [None if value is None else int(value) for value in values]
            columns[name] = pd.Series(years, dtype="Int64")
        else:
            columns[name] = pd.Series(values, dtype=pd.StringDtype())
    return pd.DataFrame(columns)


def provinces() -> pd.DataFrame:
    """Return Indonesia's 38 provinces.

    Returns
    -------
    pandas.DataFrame
        One row for each province, in the order of the codes:

        name : string
            As the API writes it. "DKI Jakarta", "Papua Pegunungan" and "Papua Selatan" are in no
            list of the API's filters.
        code, bps_code : string
            Two digits: of the Ministry of Home Affairs (Kemendagri), as in a licence's WIUP code,
            and of Statistics Indonesia (BPS). They differ for the six provinces of Papua.
        english_name, capital : string
            The English name and the seat of the government.
        other_names : string
            Abbreviations, long forms and former names, with "; " between them. Missing if none.
        split_from, split_year : string, Int64
            For the five provinces founded since 2012, the province that they were a part of until
            that year. Older records may still name that one.
        latitude, longitude : float64
            The centre of the area, in degrees (WGS 84). The centres of Nusa Tenggara Timur,
            Kepulauan Riau and Sulawesi Utara are in the sea, between islands.
        west, south, east, north : float64
            The bounding box in degrees, with all islands that the source has.

    Notes
    -----
    Spends no credits. Numbers are rounded to 0.01 degrees (about 1 km), boxes outwards. The
    boundaries of the source are generalised, so allow about 2 km at the edge of a box. Sources: see
    `sectorsdf.places`.

    Examples
    --------
    >>> from sectorsdf import places
    >>> table = places.provinces().set_index("name")
    >>> table.loc["Kalimantan Timur", ["code", "english_name", "capital"]].tolist()
    ['64', 'East Kalimantan', 'Samarinda']
    """
    return _frame("provinces")


def regencies() -> pd.DataFrame:
    """Return Indonesia's 514 regencies and cities (kabupaten and kota).

    Returns
    -------
    pandas.DataFrame
        One row for each regency, in the order of the codes:

        name : string
            Without the word before it: "Morowali". A kabupaten and a kota can share a name.
        kind : string
            Kabupaten (regency) or Kota (city). The API writes "Kabupaten Morowali" as well as
            "Morowali".
        code : string
            Four digits of the Ministry of Home Affairs, the first two of them the province's.
        province : string
            As in `provinces`.
        latitude, longitude : float64
            The centre of the area, in degrees (WGS 84); it can be outside the area.
        west, south, east, north : float64
            The bounding box in degrees.

    Notes
    -----
    Spends no credits. The accuracy and the sources are those of `provinces`.

    Examples
    --------
    >>> from sectorsdf import places
    >>> table = places.regencies()
    >>> table.loc[table["name"] == "Bogor", ["kind", "code"]].to_numpy().tolist()
    [['Kabupaten', '3201'], ['Kota', '3271']]
    """
    return _frame("regencies")
