"""Check sums of resources and reserves, and the two against each other.

This module owns the checks that compare amounts of one material at one site.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sectorsdf.reserves.findings import (
    MATERIAL,
    PARTS,
    SITE,
    finding,
    float_error,
    group_of,
    summary_finding,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_dry",
    "check_ore_types",
    "check_repeated",
    "check_repeated_estimate",
    "check_stages",
    "check_sums",
]

_SWAPPED: Final = (
    "this source often has the two of a metal swapped, so compare with the company's report (right "
    "only where resources exclude the reserves)"
)
# One or two sites are no pattern.
_FEWEST_SWAPS: Final = 3
# No ore is drier or wetter. Laterites have 20 to 50 % of water.
_MOISTURE: Final = (0.10, 0.60)
# Figures that are the same by chance have few digits.
_FEWEST_DIGITS: Final = 6


def check_sums(totals: pd.DataFrame) -> list[pd.DataFrame]:
    """Find parts that do not add up to their total, or exceed it."""
    tolerance = (
        totals["sum_rounding"] + totals["total_rounding"] + float_error(totals["total_value"])
    )
    over = totals["sum"] - totals["total_value"]
    wrong = (over > tolerance) & (totals["parts"] > 1)
    wrong |= (over.abs() > tolerance) & (totals["complete"] == 1)
    rows = totals[wrong]
    names = [" + ".join(PARTS[stage]) for stage in rows["stage"]]
    message = [f"{name} is not the total, by more than rounding" for name in names]
    findings = [finding(rows, "parts_total", message, rows["sum"], rows["total_value"])]
    for part in [*PARTS["reserves"], *PARTS["resources"]]:
        value, rounding = totals[f"{part}_value"], totals[f"{part}_rounding"]
        tolerance = rounding + totals["total_rounding"] + float_error(totals["total_value"])
        rows = totals[value - totals["total_value"] > tolerance]
        rows = rows.assign(source_field=rows[f"{part}_source_field"])
        message = [f"{part} {stage} are above their total" for stage in rows["stage"]]
        total, above = rows["total_value"], rows[f"{part}_value"]
        findings.append(finding(rows, "part_above_total", message, total, above))
    return findings


def check_stages(totals: pd.DataFrame) -> list[pd.DataFrame]:
    """Find more reserves than resources, or than the resources that they can come from."""
    sides = {stage: totals[totals["stage"] == stage] for stage in PARTS}
    measured_and_indicated = sides["resources"][["measured_value", "indicated_value"]].sum(
        axis=1, min_count=2
    )
    rounding = sides["resources"][["measured_rounding", "indicated_rounding"]].sum(axis=1)
    resources = sides["resources"][[*MATERIAL, "all_value", "all_rounding"]].assign(
        source_of=measured_and_indicated, source_of_rounding=rounding
    )
    both = sides["reserves"].merge(resources, on=MATERIAL, suffixes=("", "_of_resources"))
    tolerance = (
        both["all_rounding"] + both["all_rounding_of_resources"] + float_error(both["all_value"])
    )
    above = both["all_value"] - both["all_value_of_resources"] > tolerance
    metal = both["commodity_type"].str.casefold().ne("coal").fillna(value=False).to_numpy(bool)
    findings = []
    for check, wrong, advice in (
        ("reserves_above_resources", above & ~metal, "right only where resources exclude them"),
        (
            "stages_swapped",
            above & metal,
            _SWAPPED,
        ),
    ):
        rows = both[wrong]
        basis = rows["total_value"].isna().map({True: " (all parts together)", False: ""})
        message = [f"more reserves{each} than resources; {advice}" for each in basis]
        expected = rows["all_value_of_resources"]
        findings.append(finding(rows, check, message, expected, rows["all_value"]))
    tolerance = both["all_rounding"] + both["source_of_rounding"] + float_error(both["all_value"])
    rows = both[(both["all_value"] - both["source_of"] > tolerance) & ~above]
    message = [
        f"reserves of {found:,.6g} {unit} on {source:,.6g} {unit} of measured and indicated "
        "resources: reserves come only from these two"
        for found, source, unit in zip(
            rows["all_value"], rows["source_of"], rows["unit"], strict=True
        )
    ]
    check = "reserves_above_measured_indicated"
    findings.append(finding(rows, check, message, rows["source_of"], rows["all_value"]))
    return [*findings, *_summarise_swaps(both[metal], above[metal])]


def _summarise_swaps(both: pd.DataFrame, above: pd.Series[bool]) -> list[pd.DataFrame]:
    """Return one finding for each metal whose reserves exceed resources at most of its sites."""
    tonnages = both[(both["measure"] == "tonnage") & (both["all_value"].notna())]
    tonnages = tonnages[tonnages["all_value_of_resources"].notna()]
    sites = above[tonnages.index].groupby([tonnages["commodity_type"], tonnages["site"]]).any()
    counts = sites.groupby(level=0).agg(["sum", "size"])
    counts = counts[(counts["sum"] >= _FEWEST_SWAPS) & (counts["sum"] * 2 > counts["size"])]
    message = [
        f"reserves exceed resources at {swapped} of {total} sites of {name}: the source has "
        "probably swapped the two stages of this metal"
        for name, swapped, total in counts.itertuples()
    ]
    return [summary_finding(counts.index.tolist(), "stages_swapped", message)]


def check_repeated(amounts: pd.DataFrame) -> pd.DataFrame:
    """Find figures that a site gives twice, with different values."""
    same = group_of(amounts, [*MATERIAL, "stage", "category"])
    first = amounts["value"].groupby(same).transform("first")
    named = amounts["stage"].notna() | amounts["category"].notna()
    rows = amounts[named & (amounts["value"] != first)]
    message = "the same figure is given twice, with different values"
    return finding(rows, "repeated_figure", message, first.loc[rows.index], rows["value"])


def check_ore_types(amounts: pd.DataFrame) -> pd.DataFrame:
    """Find figures that the ore types of a site give in different units."""
    rows = amounts[amounts["ore_type"].notna()].copy()
    rows["group"] = group_of(rows, [*SITE, "component", "measure", "stage", "category"])
    types = rows.groupby("group")["ore_type"].nunique()
    shared = rows.groupby(["group", "unit"])["ore_type"].nunique().groupby("group").max()
    without_common_unit = types.index[types > shared.reindex(types.index, fill_value=0)]
    rows = rows[rows["group"].isin(without_common_unit)]
    units = rows.groupby("group")["unit"].agg(lambda names: ", ".join(sorted(set(names.dropna()))))
    first = rows.drop_duplicates("group")
    message = [f"the ore types share no unit: {units[group]}" for group in first["group"]]
    first = first.assign(ore_type=None, unit=None)
    return finding(first, "ore_type_units", message, np.nan, np.nan)


def check_dry(amounts: pd.DataFrame) -> list[pd.DataFrame]:
    """Find dry tonnes above wet tonnes, and a moisture that no ore has."""
    same = [*(name for name in MATERIAL if name != "unit"), "stage", "category"]
    wet, dry = (amounts[amounts["unit"] == unit] for unit in ("wmt", "dmt"))
    wet = wet.drop_duplicates(same)[[*same, "value", "rounding"]]
    both = dry.merge(wet, on=same, suffixes=("", "_wet"))
    above = both["value"] - both["value_wet"] > both["rounding"] + both["rounding_wet"]
    rows = both[above]
    message = "more dry tonnes than wet tonnes of the same ore"
    findings = [finding(rows, "dry_above_wet", message, rows["value_wet"], rows["value"])]
    moisture = 1 - both["value"] / both["value_wet"].where(both["value_wet"] > 0)
    slack = (both["rounding"] + both["rounding_wet"]) / both["value_wet"]
    least, most = _MOISTURE
    wrong = (moisture - slack > most) | (moisture + slack < least)
    rows = both[wrong & ~above].assign(unit="%")
    share = moisture[rows.index] * 100
    message_of = [
        f"{wet:,.6g} million wet and {dry:,.6g} million dry tonnes would be {part:.0f} % water; "
        f"ores have {least:.0%} to {most:.0%}".replace("0%", "0 %")
        for wet, dry, part in zip(rows["value_wet"], rows["value"], share, strict=True)
    ]
    findings.append(finding(rows, "moisture", message_of, np.nan, share))
    return findings


def check_repeated_estimate(amounts: pd.DataFrame) -> pd.DataFrame:
    """Find sites that have all figures of another site."""
    rows = amounts[(amounts["value"] != 0) & amounts["stage"].notna()]
    if rows.empty:
        return finding(rows, "repeated_estimate", "", np.nan, np.nan)
    what = ["ore_type", "stage", "category", "component", "measure", "unit"]
    figures = rows[what].fillna("").agg("|".join, axis=1) + "=" + rows["value"].map(repr)
    lists = figures.groupby(rows["site"]).agg(lambda texts: ";".join(sorted(set(texts))))
    digits = rows.drop_duplicates(["site", "value"])
    digits = digits["value"].map(_digits_of).groupby(digits["site"]).agg(["sum", "size"])
    telling = digits.index[(digits["sum"] >= _FEWEST_DIGITS) & (digits["size"] > 1)]
    largest = rows.sort_values("value", ascending=False, kind="stable").drop_duplicates("site")
    largest = largest[largest["site"].isin(telling)].sort_values("site")
    largest = largest.assign(estimate=largest["site"].map(lists))
    first = largest.drop_duplicates("estimate").set_index("estimate")["slug"]
    largest["first"] = largest["estimate"].map(first)
    again = largest[(largest["slug"] != largest["first"]).fillna(value=False).to_numpy(dtype=bool)]
    message = [
        f"the same estimate as {name}: one ore body under two names, or one estimate copied"
        for name in again["first"]
    ]
    return finding(again, "repeated_estimate", message, np.nan, again["value"])


def _digits_of(value: float) -> int:
    return len(repr(value).removesuffix(".0").replace(".", "").strip("-0"))
