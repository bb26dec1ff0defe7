"""Find regencies that a frame spells in several ways, and how they are spelled officially.

This module compares letters only. It never guesses which regency a text means.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import pandas as pd

from sectorsdf.places import province_name, regencies

__all__ = ["city_key", "official_cities"]

_PREFIX: Final = r"^(?:kabupaten|kab\.?|kota)\s+"


def city_key(cities: pd.Series) -> pd.Series:
    """Return the letters of each city without Kabupaten or Kota before them."""
    lower = cities.str.strip().str.casefold().str.replace(_PREFIX, "", regex=True)
    return lower.str.replace(r"[\W\d_]", "", regex=True)


def official_cities(cities: pd.Series, provinces: pd.Series) -> pd.DataFrame:
    """Return the cities that are spelled in several ways and not officially.

    Parameters
    ----------
    cities : Series of str
        Regencies; several are separated by commas.
    provinces : Series of str
        The province of each row. Regencies of one name in two provinces are two.

    Returns
    -------
    pandas.DataFrame
        One row for each row with such a city, with its index: ``expected``, the official spelling,
        and ``found``. If a row has several, they are separated by semicolons.
    """
    known = {name: province_name(name) or name for name in provinces.dropna().unique().tolist()}
    parts = pd.DataFrame({"city": cities.str.split(","), "province": provinces.map(known)})
    parts = parts.explode("city").dropna()
    parts["city"] = parts["city"].astype("string").str.strip()
    parts["key"] = city_key(parts["city"])
    parts = parts[(parts["key"] != "").to_numpy(dtype=bool)]
    spellings = parts.groupby(["province", "key"])["city"].transform("nunique")
    parts = parts[spellings > 1]
    names = _official_names()
    parts = parts.join(names, on=["province", "key"])
    official = parts["city"].isin({city for text in names for city in text.split(_OR)})
    wrong = parts[(parts["expected"].notna() & ~official).to_numpy(dtype=bool)]
    rows = wrong.groupby(level=0, sort=False)
    joined = {name: rows[column].agg("; ".join) for name, column in _TEXTS.items()}
    return pd.DataFrame(joined).astype("string")


@cache
def _official_names() -> pd.Series:
    """Return the official names, mostly one, by province and letters."""
    table = regencies()
    table["expected"] = table["kind"] + " " + table["name"]
    table["key"] = city_key(table["expected"])
    table = table.sort_values("expected")
    return table.groupby(["province", "key"])["expected"].agg(_OR.join)


_OR: Final = " or "
_TEXTS: Final = {"expected": "expected", "found": "city"}
