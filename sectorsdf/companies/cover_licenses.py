"""Add up the licences of listed companies: areas, remaining years, and what ends when.

This module owns the arithmetic over licences. It must not know of production figures, only of the
share of each company's licences that end.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from sectorsdf.companies.cover_production import GROUP, sums_by
from sectorsdf.companies.inputs import require_columns, texts
from sectorsdf.errors import ConfigurationError

__all__ = ["HORIZONS", "ends_of_companies", "licenses_of_groups", "linked_licenses"]

HORIZONS: Final = (12, 24, 36)
"""The months ahead for which shares are given."""

_DAYS_PER_YEAR: Final = 365.25
# What can be missing of a licence, and the column in which it is missing.
_GAPS: Final = {"no_share": "effective_pct", "no_area": "area", "no_expiry": "years"}
_PRODUCTION: Final = "Operasi Produksi"
_CLEAR: Final = r"cnc(?:-\d+)?"


def linked_licenses(licenses: object, links: object, day: pd.Timestamp) -> pd.DataFrame:
    """Return the licences that have a company, with their remaining years and what they end before.

    Raises
    ------
    ConfigurationError
        The links are not those of the licences.
    """
    columns = (
        *("wiup_code", "commodity_type", "activity", "license_expiry_date"),
        *("licensed_area_ha", "cnc"),
    )
    register = require_columns(licenses, columns, "licenses", "get_mining_licenses")
    needed = ("wiup_code", "company_slug", "symbol", "listed_slug", "effective_pct")
    linked = require_columns(links, needed, "links", "link_companies")
    rows = texts(register, ("wiup_code", "commodity_type", "activity", "cnc"))
    found = texts(linked, ("wiup_code", "company_slug"))
    if len(rows) != len(found) or not rows["wiup_code"].equals(found["wiup_code"]):
        message = "links must have one row for each licence, in the same order: link these licences"
        raise ConfigurationError(message)
    rows["slug"] = found["company_slug"]
    rows["area"] = register["licensed_area_ha"].astype("Float64").astype("float64").to_numpy()
    last = register["license_expiry_date"].reset_index(drop=True).astype("datetime64[us]")
    days = (last - day).dt.days
    # An expired licence has no year left, not a negative number of them.
    rows["years"] = (days / _DAYS_PER_YEAR).clip(lower=0)
    rows["expired"] = last < day
    for months in HORIZONS:
        rows[f"ends_{months}m"] = last < day + pd.DateOffset(months=months)
    clear = rows["cnc"].str.fullmatch(_CLEAR, case=False)
    rows["not_cnc"] = (~clear).astype("Float64").astype("float64")
    produces = rows["activity"].isna() | (rows["activity"] == _PRODUCTION)
    rows["produces"] = produces.fillna(value=True).to_numpy(dtype=bool)
    # Sorted, so that sums do not depend on the order of the rows by a rounding.
    keys = ["slug", "commodity_type", "wiup_code", "area", "years"]
    return rows.dropna(subset=["slug", "commodity_type"]).sort_values(keys, ignore_index=True)


def licenses_of_groups(holdings: pd.DataFrame, licenses: pd.DataFrame) -> pd.DataFrame:
    """Return the licences of each listed company and commodity in figures, with what is missing."""
    rows = holdings.merge(licenses, on="slug").sort_values(
        [*GROUP, "slug", "wiup_code", "area", "years"], ignore_index=True
    )
    rows["share"] = rows["area"] * rows["effective_pct"] / 100
    rows["known"] = rows["share"].where(rows["not_cnc"].notna(), 0.0)
    weighted = ["years", *(f"ends_{months}m" for months in HORIZONS)]
    for name in weighted:
        rows[f"of_{name}"] = rows["share"] * rows[name].astype("float64")
    rows["of_not_cnc"] = rows["known"] * rows["not_cnc"].fillna(0.0)
    for name, column in _GAPS.items():
        rows[name] = rows[column].isna()
    figures = rows.groupby(GROUP).agg(
        licenses=("share", "size"),
        expired_but_listed=("expired", "sum"),
        **{name: (name, "sum") for name in _GAPS},
    )
    parts = ["area", "share", "known", *(f"of_{name}" for name in (*weighted, "not_cnc"))]
    sums = sums_by(rows, GROUP, parts)
    figures["hectares"] = sums["area"]
    figures["attributable_hectares"] = sums["share"]
    total = sums["share"].where(sums["share"] > 0)
    figures["area_weighted_years"] = sums["of_years"] / total
    for months in HORIZONS:
        ends = (sums[f"of_ends_{months}m"] / total).where(figures["no_expiry"] == 0)
        figures[f"hectares_share_{months}m"] = ends
    known = sums["known"].where(sums["known"] > 0)
    figures["not_cnc_share"] = sums["of_not_cnc"] / known
    return figures


def ends_of_companies(licenses: pd.DataFrame) -> pd.DataFrame:
    """Return when the licences of each company and commodity end that allow production.

    Returns
    -------
    pandas.DataFrame
        One row for each company and commodity: the remaining years of the licence that ends first
        and of the one that ends last, and for each of `HORIZONS` whether all and whether any end.
    """
    rows = licenses[licenses["produces"] & licenses["years"].notna()]
    groups = rows.groupby(["slug", "commodity_type"])
    ends: dict[str, tuple[str, str]] = {
        "years_min": ("years", "min"),
        "years_max": ("years", "max"),
    }
    for months in HORIZONS:
        ends[f"all_{months}m"] = (f"ends_{months}m", "all")
        ends[f"any_{months}m"] = (f"ends_{months}m", "any")
    return groups.agg(**ends).reset_index()
