"""Prepare the figures of resources and reserves for checks, and put findings into one form.

This module owns the columns of findings, and the rounding of figures. It must not import a check.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from sectorsdf.errors import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FINDING_DTYPES",
    "MATERIAL",
    "PARTS",
    "SITE",
    "amounts_of",
    "finding",
    "float_error",
    "group_of",
    "prepared",
    "summary_finding",
    "totals_of",
]

SITE: Final = ["slug", "year", "commodity_type", "company_slug"]
MATERIAL: Final = [*SITE, "ore_type", "component", "measure", "unit"]
PARTS: Final = {
    "reserves": ["proven", "probable"],
    "resources": ["measured", "indicated", "inferred"],
}
FINDING_DTYPES: Final[dict[str, str]] = {
    "slug": "string",
    "year": "Int64",
    "commodity_type": "string",
    "company_slug": "string",
    "ore_type": "string",
    "check": "string",
    "message": "string",
    "expected": "float64",
    "found": "float64",
    "unit": "string",
    "source_field": "string",
}
"""The columns of the findings and their dtypes."""
_TEXTS: Final = (
    "slug",
    "commodity_type",
    "company_slug",
    "ore_type",
    "stage",
    "category",
    "component",
    "measure",
    "unit",
    "source_field",
)
_NUMBERS: Final = ("year", "measurement_year")
_FLOATS: Final = ("value", "value_min", "value_max")


def prepared(tidy: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the figures to be checked, with fixed dtypes and a number for each site.

    Parameters
    ----------
    tidy : pandas.DataFrame
        The tidy table. It is not changed.

    Returns
    -------
    figures : pandas.DataFrame
        The figures that are not verified variants and have a number.
    sites : pandas.DataFrame
        One row for each site.
    """
    _require_figures(tidy)
    columns: dict[str, pd.Series] = {name: tidy[name].astype("string") for name in _TEXTS}
    columns |= {name: tidy[name].astype("Int64") for name in _NUMBERS}
    columns |= {name: tidy[name].astype("Float64").astype("float64") for name in _FLOATS}
    frame = pd.DataFrame(columns).reset_index(drop=True)
    frame["site"] = group_of(frame, SITE)
    verified = tidy["verified"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    sites = frame.drop_duplicates("site")
    return frame[~verified & frame[list(_FLOATS)].notna().any(axis=1)], sites


def _require_figures(data: object) -> None:
    """Raise TypeError or ValueError if the argument is no frame of figures."""
    if not isinstance(data, pd.DataFrame):
        message = f"check_resources takes a DataFrame, not {type(data).__name__}"
        raise TypeError(message)
    needed = (*_TEXTS, *_NUMBERS, *_FLOATS, "verified")
    if absent := [name for name in needed if name not in data.columns]:
        message = (
            f"the frame has no column {listed(absent, show=str)}; get_mining_site_resources "
            f"returns {'it' if len(absent) == 1 else 'them'}"
        )
        raise ValueError(message)


def finding(
    rows: pd.DataFrame,
    check: str,
    message: str | list[str],
    expected: float | pd.Series,
    found: float | pd.Series,
) -> pd.DataFrame:
    """Return rows as the findings of one check, with the dtypes that all have."""
    if rows.empty:
        return rows
    findings = rows.assign(check=check, message=message, expected=expected, found=found)
    return findings[["site", *FINDING_DTYPES]].astype(FINDING_DTYPES)


def summary_finding(commodities: Sequence[str], check: str, message: Sequence[str]) -> pd.DataFrame:
    """Return findings on all sites of a commodity, which come after those of single sites."""
    rows = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in FINDING_DTYPES.items()})
    rows = rows.reindex(range(len(commodities)))
    rows["site"] = np.iinfo(np.int64).max
    rows["commodity_type"] = pd.array(list(commodities), dtype="string")
    return finding(rows, check, list(message), np.nan, np.nan)


def group_of(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the number of each row's group; rows with the same values are one group."""
    return rows.groupby(list(columns), dropna=False, sort=False).ngroup()


def _rounding(values: pd.Series, group: pd.Series) -> pd.Series:
    """Return half a unit of each value's last decimal; whole numbers take it from their group."""
    decimals_of = {
        value: max(0, -int(str(Decimal(repr(value)).normalize().as_tuple().exponent)))
        for value in values.dropna().unique().tolist()
    }
    decimals = values.map(decimals_of).astype("float64")
    fewest = decimals.where(decimals > 0).groupby(group).transform("min").fillna(0.0)
    fewest = fewest.mask((fewest == 0) & (values == 0), 1.0)
    return 0.5 * 10.0 ** -decimals.where(decimals > 0, fewest)


def amounts_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return tonnages and contained metal, with their rounding.

    Contained metal without a category is a total.
    """
    rows = frame[frame["measure"].isin(["tonnage", "contained"]) & frame["value"].notna()].copy()
    whole = (rows["measure"] == "contained") & rows["category"].isna() & rows["stage"].notna()
    rows["category"] = rows["category"].mask(whole.fillna(value=False), "total")
    rows["rounding"] = _rounding(rows["value"], group_of(rows, [*MATERIAL, "stage"]))
    return rows


def totals_of(amounts: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each stage of a material: total, sum of the parts, and their rounding."""
    rows = amounts[amounts["stage"].isin(list(PARTS))].copy()
    rows["group"] = group_of(rows, [*MATERIAL, "stage"])
    rows = rows.drop_duplicates(["group", "category"])
    totals = rows.drop_duplicates("group").set_index("group")
    totals = totals[["site", *MATERIAL, "stage"]]
    for category in ("total", *PARTS["reserves"], *PARTS["resources"]):
        part = rows[rows["category"] == category].set_index("group")
        for name in ("value", "rounding", "source_field"):
            totals[f"{category}_{name}"] = part[name].reindex(totals.index)
    for stage, parts in PARTS.items():
        here = (totals["stage"] == stage).to_numpy(dtype=bool)
        values = totals.loc[here, [f"{part}_value" for part in parts]]
        totals.loc[here, "sum"] = values.sum(axis=1, min_count=1)
        totals.loc[here, "parts"] = values.notna().sum(axis=1).astype("float64")
        totals.loc[here, "complete"] = values.notna().all(axis=1).astype("float64")
        roundings = totals.loc[here, [f"{part}_rounding" for part in parts]]
        totals.loc[here, "sum_rounding"] = roundings.sum(axis=1, min_count=1)
    if totals.empty:
        totals = totals.assign(sum=0.0, parts=0.0, complete=0.0, sum_rounding=0.0)
    # Without a published total, the sum of all parts is the total.
    summed = totals["total_value"].isna() & (totals["complete"] == 1)
    totals["all_value"] = totals["total_value"].mask(summed, totals["sum"])
    totals["all_rounding"] = totals["total_rounding"].mask(summed, totals["sum_rounding"])
    first = totals["stage"].map({stage: parts[0] for stage, parts in PARTS.items()})
    of_part = totals["proven_source_field"].where(
        first == "proven", totals["measured_source_field"]
    )
    totals["source_field"] = totals["total_source_field"].fillna(of_part)
    return totals


def float_error(values: pd.Series) -> pd.Series:
    """Return a tolerance for sums of decimals, which are not exact in float64."""
    return 1e-9 * values.abs()
