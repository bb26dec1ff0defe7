"""Checks of resources and reserves: what cannot be right, or is worth a second look.

Nothing is changed. A figure is taken to be rounded at the last decimal that it shows, and a
difference counts only where rounding cannot explain it. A float does not tell 201 from 201.0, so
a whole number is read with the fewest decimals that the figures beside it show; nil alone is read
as 0.0, as an estimate that rounds to nothing is seldom stated.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FINDING_DTYPES", "check_resources"]


_KEY: Final = ["slug", "year", "commodity_type", "company_slug"]
_OF: Final = [*_KEY, "ore_type", "component", "measure", "unit"]
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
# Per cent of the element in the richest mineral that it is mined as: magnetite, awaruite,
# heterogenite, corundum, zincite, cassiterite, manganosite, eskolaite. Metals that occur native
# (Au, Ag, Pt, Cu) and oxides that are minerals themselves (SiO2, MgO, Al2O3) can reach 100.
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
# Not laws of nature: several times the averages of the richest laterites, where Ni and Co sit in
# the lattice of other minerals. A column that slipped shows here.
_LATERITE_CEILINGS: Final = {"Ni": 10.0, "Co": 2.0}
_LATERITES: Final = ("limonite", "saprolite")
# kcal/kg: pure carbon gives 7,800, the best coals free of ash and water 8,900, wet peat 1,000.
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
    """Report what does not add up in resources and reserves. Changes nothing.

    Parameters
    ----------
    tidy : pandas.DataFrame
        Resources, one row a figure, of any number of sites: ``slug``, ``year``,
        ``commodity_type``, ``company_slug`` and the columns of a figure. Verified variants of a
        figure and figures without a number are left out.

    Returns
    -------
    pandas.DataFrame
        One row a finding, in the order of the sites, with the dtypes of `FINDING_DTYPES` also
        when empty. ``expected`` and ``found`` are in ``unit``; ``source_field`` is the figure
        that was found wanting. ``check`` is one of:

        parts_total
            The parts (proven and probable; measured, indicated and inferred) do not add up to
            their total, or exceed it already where some are missing.
        part_above_total
            One part is larger than its total.
        reserves_above_resources
            More reserves than resources in all (given, or the sum of all parts). The codes also
            allow resources *exclusive* of reserves, and then this can be right.
        repeated_figure
            The same figure is given twice, with different values.
        grade_bounds
            A grade below 0, above 100 %, above what the richest mineral of its element holds,
            or in a laterite above 10 % Ni or 2 % Co.
        calorific_value_bounds
            A calorific value outside 1,000 to 9,000 kcal/kg.
        negative
            A tonnage or contained metal below zero.
        min_above_max
            The lower bound lies above the upper.
        measurement_year
            Measured after the year of the report, or before 1950.
        ore_type_units
            The ore types give one figure in units of which they share none.
        dry_above_wet
            More dry tonnes (dmt) than wet tonnes (wmt) of the same ore.
        contained_metal
            The contained metal is less than half or more than twice tonnage times grade: more
            than losses and rounding explain. Not for wmt and dmt, whose scale is not defined.
    """
    columns: dict[str, pd.Series] = {name: tidy[name].astype("string") for name in _TEXTS}
    columns |= {name: tidy[name].astype("Int64") for name in ("year", "measurement_year")}
    columns |= {name: tidy[name].astype("Float64").astype("float64") for name in _FLOATS}
    frame = pd.DataFrame(columns).reset_index(drop=True)
    frame["site"] = frame.groupby(_KEY, dropna=False, sort=False).ngroup()
    verified = tidy["verified"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    years = frame.drop_duplicates("site")
    frame = frame[~verified & frame[list(_FLOATS)].notna().any(axis=1)]
    amounts = _amounts(frame)
    totals = _totals(amounts)
    found = [
        *_sums(totals),
        _reserves(totals),
        _repeated(amounts),
        *_bounds(frame),
        _years(years),
        _ore_types(amounts),
        _dry(amounts),
        _contained(frame, totals),
    ]
    found = [part for part in found if len(part)]
    if not found:
        return pd.DataFrame(
            {name: pd.Series(dtype=dtype) for name, dtype in FINDING_DTYPES.items()}
        )
    out = pd.concat(found).sort_values("site", kind="stable")
    return out[list(FINDING_DTYPES)].reset_index(drop=True)


def _finding(
    rows: pd.DataFrame,
    check: str,
    message: str | list[str],
    expected: float | pd.Series,
    found: float | pd.Series,
) -> pd.DataFrame:
    """Shape the rows of one check; all come with the same dtypes."""
    out = rows.assign(check=check, message=message, expected=expected, found=found)
    return out[["site", *FINDING_DTYPES]].astype(FINDING_DTYPES)


def _group(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    return rows.groupby(list(columns), dropna=False, sort=False).ngroup()


def _half(values: pd.Series, beside: pd.Series) -> pd.Series:
    """Give half a unit of the last decimal shown; `beside` tells which figures belong together."""
    shown = {
        value: max(0, -int(str(Decimal(repr(value)).normalize().as_tuple().exponent)))
        for value in values.dropna().unique().tolist()
    }
    decimals = values.map(shown).astype("float64")
    fewest = decimals.where(decimals > 0).groupby(beside).transform("min").fillna(0.0)
    fewest = fewest.mask((fewest == 0) & (values == 0), 1.0)
    return 0.5 * 10.0 ** -decimals.where(decimals > 0, fewest)


def _amounts(frame: pd.DataFrame) -> pd.DataFrame:
    """Tonnages and contained metal, with their rounding; metal without a category is a total."""
    rows = frame[frame["measure"].isin(["tonnage", "contained"]) & frame["value"].notna()].copy()
    whole = (rows["measure"] == "contained") & rows["category"].isna() & rows["stage"].notna()
    rows["category"] = rows["category"].mask(whole.fillna(value=False), "total")
    rows["half"] = _half(rows["value"], _group(rows, [*_OF, "stage"]))
    return rows


def _totals(amounts: pd.DataFrame) -> pd.DataFrame:
    """One row a stage of one material: total, the sum of the parts, and how they are rounded."""
    rows = amounts[amounts["stage"].isin(list(_PARTS))].copy()
    rows["group"] = _group(rows, [*_OF, "stage"])
    rows = rows.drop_duplicates(["group", "category"])
    out = rows.drop_duplicates("group").set_index("group")
    out = out[["site", *_OF, "stage"]]
    for category in ("total", *_PARTS["reserves"], *_PARTS["resources"]):
        part = rows[rows["category"] == category].set_index("group")
        for name in ("value", "half", "source_field"):
            out[f"{category}_{name}"] = part[name].reindex(out.index)
    for stage, parts in _PARTS.items():
        here = (out["stage"] == stage).to_numpy(dtype=bool)
        values = out.loc[here, [f"{part}_value" for part in parts]]
        out.loc[here, "sum"] = values.sum(axis=1, min_count=1)
        out.loc[here, "parts"] = values.notna().sum(axis=1).astype("float64")
        out.loc[here, "complete"] = values.notna().all(axis=1).astype("float64")
        halves = out.loc[here, [f"{part}_half" for part in parts]]
        out.loc[here, "sum_half"] = halves.sum(axis=1, min_count=1)
    if out.empty:
        out = out.assign(sum=0.0, parts=0.0, complete=0.0, sum_half=0.0)
    # Where no total is given, all parts together are one.
    summed = out["total_value"].isna() & (out["complete"] == 1)
    out["all_value"] = out["total_value"].mask(summed, out["sum"])
    out["all_half"] = out["total_half"].mask(summed, out["sum_half"])
    first = out["stage"].map({stage: parts[0] for stage, parts in _PARTS.items()})
    of_part = out["proven_source_field"].where(first == "proven", out["measured_source_field"])
    out["source_field"] = out["total_source_field"].fillna(of_part)
    return out


def _noise(values: pd.Series) -> pd.Series:
    """Room for binary fractions: decimal sums are not exact in float64."""
    return 1e-9 * values.abs()


def _sums(totals: pd.DataFrame) -> list[pd.DataFrame]:
    room = totals["sum_half"] + totals["total_half"] + _noise(totals["total_value"])
    over = totals["sum"] - totals["total_value"]
    wrong = (over > room) & (totals["parts"] > 1)
    wrong |= (over.abs() > room) & (totals["complete"] == 1)
    rows = totals[wrong]
    names = [" + ".join(_PARTS[stage]) for stage in rows["stage"]]
    message = [f"{name} is not the total, by more than rounding" for name in names]
    out = [_finding(rows, "parts_total", message, rows["sum"], rows["total_value"])]
    for part in [*_PARTS["reserves"], *_PARTS["resources"]]:
        value, half = totals[f"{part}_value"], totals[f"{part}_half"]
        room = half + totals["total_half"] + _noise(totals["total_value"])
        rows = totals[value - totals["total_value"] > room]
        rows = rows.assign(source_field=rows[f"{part}_source_field"])
        message = [f"{part} {stage} are above their total" for stage in rows["stage"]]
        total, above = rows["total_value"], rows[f"{part}_value"]
        out.append(_finding(rows, "part_above_total", message, total, above))
    return out


def _reserves(totals: pd.DataFrame) -> pd.DataFrame:
    sides = {stage: totals[totals["stage"] == stage] for stage in _PARTS}
    wanted = ["all_value", "all_half"]
    both = sides["reserves"].merge(
        sides["resources"][[*_OF, *wanted]], on=_OF, suffixes=("", "_of_resources")
    )
    room = both["all_half"] + both["all_half_of_resources"] + _noise(both["all_value"])
    rows = both[both["all_value"] - both["all_value_of_resources"] > room]
    message = [
        f"more reserves{how} than resources; right only where resources exclude the reserves"
        for how in rows["total_value"].isna().map({True: " (all parts together)", False: ""})
    ]
    expected = rows["all_value_of_resources"]
    return _finding(rows, "reserves_above_resources", message, expected, rows["all_value"])


def _repeated(amounts: pd.DataFrame) -> pd.DataFrame:
    same = _group(amounts, [*_OF, "stage", "category"])
    first = amounts["value"].groupby(same).transform("first")
    named = amounts["stage"].notna() | amounts["category"].notna()
    rows = amounts[named & (amounts["value"] != first)]
    message = "the same figure is given twice, with different values"
    return _finding(rows, "repeated_figure", message, first.loc[rows.index], rows["value"])


def _bounds(frame: pd.DataFrame) -> list[pd.DataFrame]:
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
    out = []
    for check, message, wrong, expected, found in (
        ("grade_bounds", "the grade is below 0", grade & (low < 0), 0.0, low),
        ("grade_bounds", "above what {} can have{}", grade & (high > ceiling), ceiling, high),
        (
            "calorific_value_bounds",
            "no coal has so little",
            heat & (low < _CALORIFIC[0]),
            *(_CALORIFIC[0], low),
        ),
        (
            "calorific_value_bounds",
            "no coal has so much",
            heat & (high > _CALORIFIC[1]),
            *(_CALORIFIC[1], high),
        ),
        ("negative", "an amount is below zero", amount & (low < 0), 0.0, low),
        (
            "min_above_max",
            "the lower bound is above the upper one",
            frame["value_min"] > frame["value_max"],
            frame["value_max"],
            frame["value_min"],
        ),
    ):
        rows = frame[wrong.to_numpy(dtype=bool)]
        texts = [
            message.format(name, " in a laterite" if kind in _LATERITES else "")
            for name, kind in zip(rows["component"], rows["ore_type"].fillna(""), strict=True)
        ]
        limit = expected.loc[rows.index] if isinstance(expected, pd.Series) else expected
        out.append(_finding(rows, check, texts, limit, found.loc[rows.index]))
    return out


def _years(sites: pd.DataFrame) -> pd.DataFrame:
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


def _ore_types(amounts: pd.DataFrame) -> pd.DataFrame:
    rows = amounts[amounts["ore_type"].notna()].copy()
    rows["group"] = _group(rows, [*_KEY, "component", "measure", "stage", "category"])
    types = rows.groupby("group")["ore_type"].nunique()
    shared = rows.groupby(["group", "unit"])["ore_type"].nunique().groupby("group").max()
    apart = types.index[types > shared.reindex(types.index, fill_value=0)]
    rows = rows[rows["group"].isin(apart)]
    units = rows.groupby("group")["unit"].agg(lambda names: ", ".join(sorted(set(names.dropna()))))
    first = rows.drop_duplicates("group")
    message = [f"the ore types share no unit: {units[group]}" for group in first["group"]]
    first = first.assign(ore_type=None, unit=None)
    return _finding(first, "ore_type_units", message, np.nan, np.nan)


def _dry(amounts: pd.DataFrame) -> pd.DataFrame:
    same = [*(name for name in _OF if name != "unit"), "stage", "category"]
    wet, dry = (amounts[amounts["unit"] == unit] for unit in ("wmt", "dmt"))
    wet = wet.drop_duplicates(same)[[*same, "value", "half"]]
    both = dry.merge(wet, on=same, suffixes=("", "_wet"))
    rows = both[both["value"] - both["value_wet"] > both["half"] + both["half_wet"]]
    message = "more dry tonnes than wet tonnes of the same ore"
    return _finding(rows, "dry_above_wet", message, rows["value_wet"], rows["value"])


def _contained(frame: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    of = [*_KEY, "ore_type", "stage"]
    tonnes = totals["unit"].map(_TONNES).astype("float64")
    sized = totals.assign(tonnes=totals["all_value"] * tonnes, per=tonnes)
    ore = sized[sized["measure"] == "tonnage"].dropna(subset="tonnes").drop_duplicates(of)
    metal = sized[(sized["measure"] == "contained") & sized["tonnes"].notna()]
    share = frame["unit"].map(_PERCENT).astype("float64") / 100
    grade = frame.assign(low=frame["value_min"] * share, high=frame["value_max"] * share)
    grade = grade[(grade["measure"] == "grade") & grade["category"].isna()]
    grade = grade.dropna(subset=["low", "high"]).drop_duplicates([*of, "component"])
    both = metal.merge(grade[[*of, "component", "low", "high"]], on=[*of, "component"])
    both = both.merge(ore[[*of, "tonnes"]], on=of, suffixes=("", "_of_ore"))
    least, most = both["tonnes_of_ore"] * both["low"] / 2, both["tonnes_of_ore"] * both["high"] * 2
    wrong = (both["tonnes"] < least) | (both["tonnes"] > most)
    rows = both[wrong]
    middle = rows["tonnes_of_ore"] * (rows["low"] + rows["high"]) / 2 / rows["per"]
    message = "the contained metal is far from tonnage times grade"
    return _finding(rows, "contained_metal", message, middle, rows["all_value"])
