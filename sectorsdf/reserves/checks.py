"""Check resources and reserves for figures that cannot be right or need a second look.

A figure is taken to be rounded at its last decimal, and a difference is reported only if rounding
cannot explain it. A float does not distinguish 201 from 201.0, so a whole number is read with the
fewest decimals of the figures beside it. A zero without such figures is read as 0.0, because an
estimate that rounds to 0 is rarely published.

This module owns the checks and their limits. It changes no figure, and must not import `reader` or
`grammar`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FINDING_DTYPES", "check_resources"]

_SITE: Final = ["slug", "year", "commodity_type", "company_slug"]
_MATERIAL: Final = [*_SITE, "ore_type", "component", "measure", "unit"]
_PARTS: Final = {
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
_FLOATS: Final = ("value", "value_min", "value_max")
# The percentage of the element in its richest mineral: magnetite, awaruite, heterogenite, corundum,
# zincite, cassiterite, manganosite, eskolaite. Native metals (Au, Ag, Pt, Cu) and oxides that are
# minerals themselves (SiO2, MgO, Al2O3) can reach 100.
_CEILINGS: Final = {
    "Fe": 72.4,
    "Ni": 76.0,
    "Co": 64.2,
    "Al": 53.0,
    "Zn": 80.4,
    "Sn": 78.8,
    "Mn": 77.5,
    "Cr": 68.5,
}
# Several times the averages of the richest laterites, where Ni and Co are in the lattice of other
# minerals. Values in the wrong column exceed these limits.
_LATERITE_CEILINGS: Final = {"Ni": 10.0, "Co": 2.0}
_LATERITES: Final = ("limonite", "saprolite")
# In kcal/kg: pure carbon has 7,800, the best coals without ash and water 8,900, wet peat 1,000.
_CALORIFIC: Final = (1000.0, 9000.0)
_FIRST_YEAR: Final = 1950
_PERCENT: Final = {"%": 1.0, "g/t": 1e-4, "ppm": 1e-4}
_TONNES: Final = {
    "kg": 1e-3,
    "t": 1.0,
    "Kt": 1e3,
    "Mt": 1e6,
    "oz": 31.1034768e-6,
    "koz": 31.1034768e-3,
    "Moz": 31.1034768,
}


def check_resources(tidy: pd.DataFrame) -> pd.DataFrame:
    """Report the figures of resources and reserves that are inconsistent or impossible.

    Parameters
    ----------
    tidy : pandas.DataFrame
        Resources, one row for each figure, of any number of sites: ``slug``, ``year``,
        ``commodity_type``, ``company_slug`` and the columns of a figure. It is not changed.
        Verified variants of a figure and figures without a number are not checked.

    Returns
    -------
    pandas.DataFrame
        One row for each finding, in the order of the sites, with the dtypes of `FINDING_DTYPES`
        also if it is empty. ``expected`` and ``found`` are in ``unit``; ``source_field`` is the
        figure that failed the check. ``check`` is one of:

        parts_total
            The parts (proven and probable; measured, indicated and inferred) do not add up to
            their total, or exceed it although some are missing.
        part_above_total
            One part is larger than its total.
        reserves_above_resources
            The total of the reserves (as published, or the sum of all parts) exceeds that of the
            resources. The codes also allow resources *exclusive* of reserves; then this can be
            right.
        repeated_figure
            The same figure occurs twice, with different values.
        grade_bounds
            A grade below 0, above 100 %, above that of the richest mineral of its element, or in a
            laterite above 10 % Ni or 2 % Co.
        calorific_value_bounds
            A calorific value outside 1,000 to 9,000 kcal/kg.
        negative
            A tonnage or contained metal below zero.
        min_above_max
            The lower bound is above the upper one.
        measurement_year
            A measurement after the year of the report, or before 1950.
        ore_type_units
            The ore types have one figure in different units, without a common one.
        dry_above_wet
            More dry tonnes (dmt) than wet tonnes (wmt) of the same ore.
        contained_metal
            The contained metal is less than half or more than twice tonnage times grade, which
            losses and rounding do not explain. Tonnages in wmt and dmt are not checked, because
            their scale is not defined.
    """
    columns: dict[str, pd.Series] = {name: tidy[name].astype("string") for name in _TEXTS}
    columns |= {name: tidy[name].astype("Int64") for name in ("year", "measurement_year")}
    columns |= {name: tidy[name].astype("Float64").astype("float64") for name in _FLOATS}
    frame = pd.DataFrame(columns).reset_index(drop=True)
    frame["site"] = frame.groupby(_SITE, dropna=False, sort=False).ngroup()
    verified = tidy["verified"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    sites = frame.drop_duplicates("site")
    frame = frame[~verified & frame[list(_FLOATS)].notna().any(axis=1)]
    amounts = _amounts(frame)
    totals = _totals(amounts)
    findings = [
        *_check_sums(totals),
        _check_reserves(totals),
        _check_repeated(amounts),
        *_check_bounds(frame),
        _check_years(sites),
        _check_ore_types(amounts),
        _check_dry(amounts),
        _check_contained(frame, totals),
    ]
    findings = [part for part in findings if len(part)]
    if not findings:
        return pd.DataFrame(
            {name: pd.Series(dtype=dtype) for name, dtype in FINDING_DTYPES.items()}
        )
    ordered = pd.concat(findings).sort_values("site", kind="stable")
    return ordered[list(FINDING_DTYPES)].reset_index(drop=True)


def _finding(
    rows: pd.DataFrame,
    check: str,
    message: str | list[str],
    expected: float | pd.Series,
    found: float | pd.Series,
) -> pd.DataFrame:
    """Return rows as the findings of one check, with the dtypes of all findings."""
    findings = rows.assign(check=check, message=message, expected=expected, found=found)
    return findings[["site", *FINDING_DTYPES]].astype(FINDING_DTYPES)


def _group(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
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


def _amounts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return tonnages and contained metal, with their rounding.

    Contained metal without a category is a total.
    """
    rows = frame[frame["measure"].isin(["tonnage", "contained"]) & frame["value"].notna()].copy()
    whole = (rows["measure"] == "contained") & rows["category"].isna() & rows["stage"].notna()
    rows["category"] = rows["category"].mask(whole.fillna(value=False), "total")
    rows["rounding"] = _rounding(rows["value"], _group(rows, [*_MATERIAL, "stage"]))
    return rows


def _totals(amounts: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each stage of a material: total, sum of the parts, and their rounding."""
    rows = amounts[amounts["stage"].isin(list(_PARTS))].copy()
    rows["group"] = _group(rows, [*_MATERIAL, "stage"])
    rows = rows.drop_duplicates(["group", "category"])
    totals = rows.drop_duplicates("group").set_index("group")
    totals = totals[["site", *_MATERIAL, "stage"]]
    for category in ("total", *_PARTS["reserves"], *_PARTS["resources"]):
        part = rows[rows["category"] == category].set_index("group")
        for name in ("value", "rounding", "source_field"):
            totals[f"{category}_{name}"] = part[name].reindex(totals.index)
    for stage, parts in _PARTS.items():
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
    first = totals["stage"].map({stage: parts[0] for stage, parts in _PARTS.items()})
    of_part = totals["proven_source_field"].where(
        first == "proven", totals["measured_source_field"]
    )
    totals["source_field"] = totals["total_source_field"].fillna(of_part)
    return totals


def _float_error(values: pd.Series) -> pd.Series:
    """Return a tolerance for sums of decimals, which are not exact in float64."""
    return 1e-9 * values.abs()


def _check_sums(totals: pd.DataFrame) -> list[pd.DataFrame]:
    tolerance = (
        totals["sum_rounding"] + totals["total_rounding"] + _float_error(totals["total_value"])
    )
    over = totals["sum"] - totals["total_value"]
    wrong = (over > tolerance) & (totals["parts"] > 1)
    wrong |= (over.abs() > tolerance) & (totals["complete"] == 1)
    rows = totals[wrong]
    names = [" + ".join(_PARTS[stage]) for stage in rows["stage"]]
    message = [f"{name} is not the total, by more than rounding" for name in names]
    findings = [_finding(rows, "parts_total", message, rows["sum"], rows["total_value"])]
    for part in [*_PARTS["reserves"], *_PARTS["resources"]]:
        value, rounding = totals[f"{part}_value"], totals[f"{part}_rounding"]
        tolerance = rounding + totals["total_rounding"] + _float_error(totals["total_value"])
        rows = totals[value - totals["total_value"] > tolerance]
        rows = rows.assign(source_field=rows[f"{part}_source_field"])
        message = [f"{part} {stage} are above their total" for stage in rows["stage"]]
        total, above = rows["total_value"], rows[f"{part}_value"]
        findings.append(_finding(rows, "part_above_total", message, total, above))
    return findings


def _check_reserves(totals: pd.DataFrame) -> pd.DataFrame:
    sides = {stage: totals[totals["stage"] == stage] for stage in _PARTS}
    resources = sides["resources"][[*_MATERIAL, "all_value", "all_rounding"]]
    both = sides["reserves"].merge(resources, on=_MATERIAL, suffixes=("", "_of_resources"))
    tolerance = (
        both["all_rounding"] + both["all_rounding_of_resources"] + _float_error(both["all_value"])
    )
    rows = both[both["all_value"] - both["all_value_of_resources"] > tolerance]
    message = [
        f"more reserves{basis} than resources; right only where resources exclude the reserves"
        for basis in rows["total_value"].isna().map({True: " (all parts together)", False: ""})
    ]
    expected = rows["all_value_of_resources"]
    return _finding(rows, "reserves_above_resources", message, expected, rows["all_value"])


def _check_repeated(amounts: pd.DataFrame) -> pd.DataFrame:
    same = _group(amounts, [*_MATERIAL, "stage", "category"])
    first = amounts["value"].groupby(same).transform("first")
    named = amounts["stage"].notna() | amounts["category"].notna()
    rows = amounts[named & (amounts["value"] != first)]
    message = "the same figure is given twice, with different values"
    return _finding(rows, "repeated_figure", message, first.loc[rows.index], rows["value"])


def _check_bounds(frame: pd.DataFrame) -> list[pd.DataFrame]:
    low, high = frame["value_min"].fillna(frame["value"]), frame["value_max"].fillna(frame["value"])
    low, high = low.fillna(high), high.fillna(low)
    laterite = frame["ore_type"].isin(_LATERITES)
    ceiling = frame["component"].map(_CEILINGS).astype("float64").fillna(100.0)
    lower = frame["component"].map(_LATERITE_CEILINGS).astype("float64")
    ceiling = ceiling.mask(laterite & lower.notna(), lower)
    ceiling /= frame["unit"].map(_PERCENT).astype("float64")
    measure = frame["measure"].fillna("")
    grade, heat = measure == "grade", measure == "calorific_value"
    amount = measure.isin(["tonnage", "contained"])
    least, most = _CALORIFIC
    bounds: list[tuple[str, str, pd.Series, float | pd.Series, pd.Series]] = [
        ("grade_bounds", "the grade is below 0", grade & (low < 0), 0.0, low),
        ("grade_bounds", "above what {} can have{}", grade & (high > ceiling), ceiling, high),
        ("calorific_value_bounds", "too low for any coal", heat & (low < least), least, low),
        ("calorific_value_bounds", "too high for any coal", heat & (high > most), most, high),
        ("negative", "an amount is below zero", amount & (low < 0), 0.0, low),
        (
            "min_above_max",
            "the lower bound is above the upper one",
            frame["value_min"] > frame["value_max"],
            frame["value_max"],
            frame["value_min"],
        ),
    ]
    findings = []
    for check, message, wrong, expected, found in bounds:
        rows = frame[wrong.to_numpy(dtype=bool)]
        texts = [
            message.format(name, " in a laterite" if kind in _LATERITES else "")
            for name, kind in zip(rows["component"], rows["ore_type"].fillna(""), strict=True)
        ]
        limit = expected.loc[rows.index] if isinstance(expected, pd.Series) else expected
        findings.append(_finding(rows, check, texts, limit, found.loc[rows.index]))
    return findings


def _check_years(sites: pd.DataFrame) -> pd.DataFrame:
    measured = sites["measurement_year"]
    late = (measured > sites["year"]).fillna(value=False)
    early = (measured < _FIRST_YEAR).fillna(value=False)
    rows = sites[(late | early).to_numpy(dtype=bool)]
    rows = rows.assign(ore_type=None, unit=None, source_field="measurement_year")
    message = np.where(
        early.loc[rows.index],
        f"measured before {_FIRST_YEAR}",
        "measured after the year of the report",
    ).tolist()
    expected = rows["year"].mask(early.loc[rows.index], _FIRST_YEAR).astype("Float64")
    found = rows["measurement_year"].astype("Float64")
    return _finding(rows, "measurement_year", message, expected, found)


def _check_ore_types(amounts: pd.DataFrame) -> pd.DataFrame:
    rows = amounts[amounts["ore_type"].notna()].copy()
    rows["group"] = _group(rows, [*_SITE, "component", "measure", "stage", "category"])
    types = rows.groupby("group")["ore_type"].nunique()
    shared = rows.groupby(["group", "unit"])["ore_type"].nunique().groupby("group").max()
    without_common_unit = types.index[types > shared.reindex(types.index, fill_value=0)]
    rows = rows[rows["group"].isin(without_common_unit)]
    units = rows.groupby("group")["unit"].agg(lambda names: ", ".join(sorted(set(names.dropna()))))
    first = rows.drop_duplicates("group")
    message = [f"the ore types share no unit: {units[group]}" for group in first["group"]]
    first = first.assign(ore_type=None, unit=None)
    return _finding(first, "ore_type_units", message, np.nan, np.nan)


def _check_dry(amounts: pd.DataFrame) -> pd.DataFrame:
    same = [*(name for name in _MATERIAL if name != "unit"), "stage", "category"]
    wet, dry = (amounts[amounts["unit"] == unit] for unit in ("wmt", "dmt"))
    wet = wet.drop_duplicates(same)[[*same, "value", "rounding"]]
    both = dry.merge(wet, on=same, suffixes=("", "_wet"))
    rows = both[both["value"] - both["value_wet"] > both["rounding"] + both["rounding_wet"]]
    message = "more dry tonnes than wet tonnes of the same ore"
    return _finding(rows, "dry_above_wet", message, rows["value_wet"], rows["value"])


def _check_contained(frame: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    deposit = [*_SITE, "ore_type", "stage"]
    tonnes_per_unit = totals["unit"].map(_TONNES).astype("float64")
    masses = totals.assign(tonnes=totals["all_value"] * tonnes_per_unit, per_unit=tonnes_per_unit)
    ore = masses[masses["measure"] == "tonnage"].dropna(subset="tonnes").drop_duplicates(deposit)
    metal = masses[(masses["measure"] == "contained") & masses["tonnes"].notna()]
    share = frame["unit"].map(_PERCENT).astype("float64") / 100
    grade = frame.assign(low=frame["value_min"] * share, high=frame["value_max"] * share)
    grade = grade[(grade["measure"] == "grade") & grade["category"].isna()]
    grade = grade.dropna(subset=["low", "high"]).drop_duplicates([*deposit, "component"])
    both = metal.merge(grade[[*deposit, "component", "low", "high"]], on=[*deposit, "component"])
    both = both.merge(ore[[*deposit, "tonnes"]], on=deposit, suffixes=("", "_of_ore"))
    least, most = both["tonnes_of_ore"] * both["low"] / 2, both["tonnes_of_ore"] * both["high"] * 2
    rows = both[(both["tonnes"] < least) | (both["tonnes"] > most)]
    expected = rows["tonnes_of_ore"] * (rows["low"] + rows["high"]) / 2 / rows["per_unit"]
    message = "the contained metal is far from tonnage times grade"
    return _finding(rows, "contained_metal", message, expected, rows["all_value"])
