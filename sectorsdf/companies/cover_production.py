"""Work out what a listed company's group produces, by company and effective share.

The reports of a group overlap: a holding reports what its mines report, too. So this module counts
the companies that have no company below them with production of their own. It must not know of
licences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from sectorsdf.companies.inputs import require_columns, texts

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = [
    "GROUP",
    "joined_by",
    "production_of_companies",
    "production_of_groups",
    "sums_by",
    "years_of_reserves",
]

GROUP: Final = ["symbol", "commodity_type"]
"""What one row of the cover is about."""

_YEAR: Final = ["slug", "year", "commodity_type"]
_ADDED: Final = "Coal"
_SEVERAL_UNITS: Final = "production is in several units"
_SEVERAL_STAGES: Final = "production is in several rows, which can be stages of one process"
# What reserves are counted as where production is counted so, too. Nickel ore is left out, because
# the scale of its wet tonnes is not defined; copper is in other units than its production.
_COMPONENTS: Final = {"Coal": "coal", "Gold": "Au", "Silver": "Ag"}
_MEASURES: Final = {"Coal": "tonnage", "Gold": "contained", "Silver": "contained"}


def joined_by(rows: pd.DataFrame, keys: list[str], column: str, between: str) -> pd.Series:
    """Return the texts of a column by group, each once, in alphabetical order."""
    texts_of = rows[[*keys, column]].drop_duplicates().sort_values([*keys, column])
    if texts_of.empty:
        return texts_of.set_index(keys)[column]
    return texts_of.groupby(keys)[column].agg(between.join).astype("string")


def sums_by(rows: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """Return the sums of columns by group; a sum is missing if one of its values is."""
    incomplete = rows[columns].isna().groupby([rows[key] for key in keys]).any()
    return rows.groupby(keys)[columns].sum().mask(incomplete)


def production_of_companies(performance: object) -> pd.DataFrame:
    """Return the production of each company, year and commodity, or why there is no figure.

    Coal of several kinds is added. Of other commodities, several rows are not: ore and what is made
    of it stand beside each other.
    """
    columns = (*_YEAR, "production_volume", "unit")
    frame = require_columns(performance, columns, "performance", "get_mining_company_performance")
    rows = texts(frame, ("slug", "commodity_type", "unit"))
    rows["year"] = frame["year"].astype("Int64").to_numpy()
    rows["volume"] = frame["production_volume"].astype("Float64").astype("float64").to_numpy()
    rows = rows[(rows["volume"] > 0).to_numpy(dtype=bool)].dropna(subset=_YEAR)
    rows["unit"] = rows["unit"].fillna("")
    groups = rows.groupby(_YEAR, sort=True)
    found = groups.agg(volume=("volume", "sum"), rows=("volume", "size"), units=("unit", "nunique"))
    found = found.join(joined_by(rows, _YEAR, "unit", ", ")).reset_index()
    reason = pd.Series(pd.NA, found.index, dtype="string")
    stages = (found["rows"] > 1) & (found["commodity_type"] != _ADDED)
    reason = reason.mask(stages, _SEVERAL_STAGES)
    reason = reason.mask(found["unit"] == "", "the unit of production is missing")
    found["reason"] = reason.mask(found["units"] > 1, _SEVERAL_UNITS + " (" + found["unit"] + ")")
    return found.drop(columns=["rows", "units"])


def production_of_groups(
    holdings: pd.DataFrame, production: pd.DataFrame, below: AbstractSet[tuple[str, str]]
) -> pd.DataFrame:
    """Return the producing companies of each listed company in its latest year.

    Parameters
    ----------
    holdings : pandas.DataFrame
        ``symbol``, ``listed_slug``, ``slug`` and ``effective_pct``: what each listed company owns,
        itself included.
    production : pandas.DataFrame
        As `production_of_companies` returns it.
    below : set of pairs
        Each owner with each company that it owns a part of.

    Returns
    -------
    pandas.DataFrame
        One row for each listed company, commodity and company with production: the columns of both,
        and ``is_operator``, false for a company whose production is that of companies below it.
    """
    rows = holdings.merge(production, on="slug").sort_values([*GROUP, "slug"], ignore_index=True)
    latest = rows.groupby(GROUP)["year"].transform("max")
    rows = rows[(rows["year"] == latest).to_numpy(dtype=bool)]
    companies = rows.groupby(GROUP)["slug"].agg(set).to_dict()
    keys = zip(rows["symbol"], rows["commodity_type"], strict=True)
    operators = [
        not any((slug, other) in below for other in companies[key])
        for slug, key in zip(rows["slug"], keys, strict=True)
    ]
    return rows.assign(is_operator=np.array(operators, dtype=bool)).reset_index(drop=True)


def years_of_reserves(producers: pd.DataFrame, resources: object) -> pd.DataFrame:
    """Return reserves and their years of each listed company and commodity, by effective share.

    Only companies with both reserves and production in one unit count, so that reserves are divided
    by the production of the same mines.

    Parameters
    ----------
    producers : pandas.DataFrame
        The operators, as `production_of_groups` returns them.
    resources : DataFrame
        As `get_mining_company_resources` returns them.
    """
    columns = (*_YEAR, "stage", "category", "component", "measure", "value", "unit", "verified")
    frame = require_columns(resources, columns, "resources", "get_mining_company_resources")
    names = ("slug", "commodity_type", "stage", "category", "component", "measure", "unit")
    rows = texts(frame, names)
    rows["year"] = frame["year"].astype("Int64").to_numpy()
    rows["estimate_year"] = rows["year"]
    if "measurement_year" in frame:
        measured = frame["measurement_year"].astype("Int64").reset_index(drop=True)
        rows["estimate_year"] = measured.fillna(rows["year"])
    rows["value"] = frame["value"].astype("Float64").astype("float64").to_numpy()
    verified = frame["verified"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    total = rows["category"].fillna("total") == "total"
    usable = (rows["stage"] == "reserves") & total & ~verified & (rows["value"] > 0)
    rows = rows[usable.fillna(value=False).to_numpy(dtype=bool)]
    rows = rows.dropna(subset=[*_YEAR, "unit"])
    commodity = rows["commodity_type"]
    own = rows["component"] == commodity.map(_COMPONENTS).astype("string")
    own &= rows["measure"] == commodity.map(_MEASURES).astype("string")
    rows = rows[own.fillna(value=False).to_numpy(dtype=bool)]
    groups = rows.groupby([*_YEAR, "unit"])
    sums = groups.agg(
        reserves=("value", "sum"), count=("value", "size"), estimate_year=("estimate_year", "min")
    ).reset_index()
    sums = sums[(sums["count"] == 1) | (sums["commodity_type"] == _ADDED)]
    both = producers.merge(sums, on=["slug", "commodity_type", "unit"], suffixes=("", "_reserves"))
    both = both[(both["year_reserves"] <= both["year"]).to_numpy(dtype=bool)]
    both = both.sort_values("year_reserves").drop_duplicates([*GROUP, "slug"], keep="last")
    both["reserves"] *= both["effective_pct"] / 100
    both["mined"] = both["volume"] * both["effective_pct"] / 100
    both = both.dropna(subset=["reserves", "mined"]).sort_values([*GROUP, "slug"])
    result = both.groupby(GROUP).agg(
        attributable_reserves=("reserves", "sum"),
        mined=("mined", "sum"),
        estimate_year=("estimate_year", "min"),
        reserves_companies=("slug", "size"),
    )
    result["reserves_years"] = result["attributable_reserves"] / result["mined"]
    return result.drop(columns="mined")
