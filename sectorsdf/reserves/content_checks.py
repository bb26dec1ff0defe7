"""Check tonnages, contained metal and grades against each other.

This module owns the scale of each unit of mass, and which grades a metal can have. In this data wmt
and dmt are million tonnes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sectorsdf.reserves.findings import SITE, finding
from sectorsdf.reserves.value_checks import PERCENT

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

__all__ = ["check_contents", "check_ounces"]

_TONNES: Final = {
    "kg": 1e-3,
    "t": 1.0,
    "Kt": 1e3,
    "Mt": 1e6,
    "wmt": 1e6,
    "dmt": 1e6,
    "oz": 31.1034768e-6,
    "koz": 31.1034768e-3,
    "Moz": 31.1034768,
}
# Losses, rounding and a cut-off explain a factor of two; between reserves and resources, five.
_FACTOR, _FACTOR_OF_OTHER_STAGE = 2.0, 5.0
# Least dry ore in wet ore.
_DRIEST: Final = 0.4
# Far beyond the grades of mines, for metals without any grade: g/t for the first two, then %.
_PLAUSIBLE: Final = {
    "Au": (0.05, 100.0),
    "Ag": (0.5, 3000.0),
    "Cu": (0.05, 15.0),
    "Ni": (0.1, 10.0),
    "Co": (0.005, 2.0),
    "Pb": (0.1, 40.0),
    "Zn": (0.1, 40.0),
}
_GRAMS: Final = frozenset({"Au", "Ag", "Pt"})
# Within this, the contained metal is tonnage times grade.
_SAME: Final = 0.03
# No deposit holds more million ounces.
_MOST_MOZ: Final = 100.0
# 1 lb is 0.45359237 kg by definition.
_POUNDS_PER_TONNE: Final = 1000 / 0.45359237
_POUNDS_OFF: Final = 0.1
# Few deposits of the world have as much ore, and those have copper too.
_LARGEST_GOLD: Final = 1e9
_DEPOSIT: Final = [*SITE, "ore_type", "stage"]


class _Unit(NamedTuple):
    """The unit in which a grade is written."""

    name: str
    per_share: float


def _unit_of(component: str) -> _Unit:
    return _Unit("g/t", 1e6) if component in _GRAMS else _Unit("%", 100.0)


def _contents(frame: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each contained metal with a tonnage, and the grade it should have.

    ``implied``, ``low`` and ``high`` are shares of the ore's mass. ``basis`` says where the grade
    is from: own, other (stage), or range (of the metal).
    """
    scale = totals["unit"].map(_TONNES).astype("float64")
    masses = totals.assign(tonnes=totals["all_value"] * scale)
    masses = masses[masses["tonnes"] > 0]
    ore = masses[masses["measure"] == "tonnage"]
    # Contained metal and grades are of dry ore.
    ore = ore.assign(is_wet=ore["unit"] == "wmt").sort_values("is_wet", kind="stable")
    ore = ore.drop_duplicates(_DEPOSIT)
    kept = [*_DEPOSIT, "tonnes", "is_wet", "all_value", "unit", "source_field"]
    metal = masses[masses["measure"] == "contained"]
    both = metal.merge(ore[kept], on=_DEPOSIT, suffixes=("", "_of_ore"))
    share = frame["unit"].map(PERCENT).astype("float64") / 100
    ends = {
        name: frame[f"value_{end}"].fillna(frame["value"]) * share
        for name, end in (("low", "min"), ("high", "max"))
    }
    grade = frame.assign(**ends)
    grade = grade[(grade["measure"] == "grade") & grade["category"].isna()]
    grade = grade.dropna(subset=["low", "high"])
    grade = grade.drop_duplicates([*_DEPOSIT, "component"])
    grade = grade[[*_DEPOSIT, "component", "low", "high"]]
    other = grade.assign(
        stage=grade["stage"].map({"reserves": "resources", "resources": "reserves"})
    )
    both = both.merge(grade, on=[*_DEPOSIT, "component"], how="left")
    both = both.merge(other, on=[*_DEPOSIT, "component"], how="left", suffixes=("", "_of_other"))
    both["implied"] = both["tonnes"] / both["tonnes_of_ore"]
    per_share = both["component"].map(lambda name: _unit_of(name).per_share).astype("float64")
    own, borrowed = both["low"].notna(), both["low_of_other"].notna()
    both["basis"] = np.select([own, borrowed], ["own", "other"], "range")
    for end, position in (("low", 0), ("high", 1)):
        limits = {name: pair[position] for name, pair in _PLAUSIBLE.items()}
        usual = both["component"].map(limits).astype("float64") / per_share
        both[end] = both[end].fillna(both[f"{end}_of_other"]).fillna(usual)
    factor = np.select([own, borrowed], [_FACTOR, _FACTOR_OF_OTHER_STAGE], 1.0)
    both["least"] = both["low"] / factor * np.where(both["is_wet"], _DRIEST, 1.0)
    both["most"] = both["high"] * factor
    return both


def check_contents(frame: pd.DataFrame, totals: pd.DataFrame) -> list[pd.DataFrame]:
    """Find contained metal that does not fit its tonnage and grade, or only if that is dry."""
    both = _contents(frame, totals)
    return [_check_implied_grade(both), _check_wet_is_dry(both)] if len(both) else []


def _check_implied_grade(both: pd.DataFrame) -> pd.DataFrame:
    rows = both[(both["implied"] < both["least"]) | (both["implied"] > both["most"])].copy()
    per_share = rows["component"].map(lambda name: _unit_of(name).per_share).astype("float64")
    middle = (rows["low"] + rows["high"]) / 2
    nearest = rows["least"].where(rows["implied"] < rows["least"], rows["most"])
    expected = middle.where(rows["basis"] != "range", nearest) * per_share
    found = rows["implied"] * per_share
    message = [
        _describe(row, implied, due)
        for row, implied, due in zip(
            rows.to_dict("records"), found.tolist(), expected.tolist(), strict=True
        )
    ]
    rows["unit"] = [_unit_of(name).name for name in rows["component"]]
    return finding(rows, "implied_grade", message, expected, found)


def _describe(row: Mapping[Hashable, Any], implied: float, due: float) -> str:
    unit, metal = _unit_of(str(row["component"])).name, row["component"]
    ore = {"wmt": "million wet tonnes", "dmt": "million dry tonnes"}.get(
        str(row["unit_of_ore"]), row["unit_of_ore"]
    )
    text = (
        f"{row['all_value']:,.6g} {row['unit']} of {metal} in {row['all_value_of_ore']:,.6g} {ore} "
        f"of ore is {implied:,.3g} {unit}"
    )
    text += {
        "own": f", and the grade given is {due:,.3g} {unit}",
        "other": f", and the other stage has {due:,.3g} {unit}",
    }.get(str(row["basis"]), f", beyond the grades of mines ({due:,.3g} {unit})")
    return f"{text}{_advise(row)}"


def _advise(row: Mapping[Hashable, Any]) -> str:
    """Return which mistake of scale would explain an implied grade; empty if none would."""
    share, least, most = (float(row[name]) for name in ("implied", "least", "most"))
    if row["unit"] == "koz" and least <= share * 1000 <= most:
        if row["all_value"] <= _MOST_MOZ:
            return "; the koz are probably Moz"
        return f"; the {row['unit_of_ore']} are probably thousand tonnes"
    pounds = share / _POUNDS_PER_TONNE
    if row["low"] * (1 - _POUNDS_OFF) <= pounds <= row["high"] * (1 + _POUNDS_OFF):
        return f"; the {row['unit']} of metal are probably in pounds instead of tonnes"
    factors = {1000: "a thousand", 100: "a hundred", 0.01: "a hundred", 0.001: "a thousand"}
    fitting = (word for factor, word in factors.items() if least <= share * factor <= most)
    return next((f"; off by {word}" for word in fitting), "")


def _check_wet_is_dry(both: pd.DataFrame) -> pd.DataFrame:
    fits = both["implied"].between(both["low"] * (1 - _SAME), both["high"] * (1 + _SAME))
    rows = both[both["is_wet"] & (both["basis"] == "own") & fits].drop_duplicates(_DEPOSIT)
    message = [
        f"{ore:,.6g} million wet tonnes hold the {metal:,.6g} {unit} of {name} only if they are "
        "dry, as grades are of dry ore: the tonnage is probably in dry tonnes"
        for ore, metal, unit, name in zip(
            rows["all_value_of_ore"],
            rows["all_value"],
            rows["unit"],
            rows["component"],
            strict=True,
        )
    ]
    found = rows["all_value_of_ore"]
    rows = rows.assign(unit="wmt", source_field=rows["source_field_of_ore"])
    return finding(rows, "wet_is_dry", message, np.nan, found)


def check_ounces(frame: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Find tonnages of gold ore that are probably ounces of gold."""
    copper = frame["component"].eq("Cu").fillna(value=False)
    copper |= frame["commodity_type"].str.casefold().eq("copper").fillna(value=False)
    gold = totals["commodity_type"].str.casefold().eq("gold").fillna(value=False)
    tonnes = totals["all_value"] * totals["unit"].map(_TONNES).astype("float64")
    wrong = gold & (totals["measure"] == "tonnage") & (tonnes >= _LARGEST_GOLD)
    wrong &= ~totals["slug"].isin(frame.loc[copper.to_numpy(dtype=bool), "slug"].dropna())
    rows = totals[wrong.fillna(value=False).to_numpy(dtype=bool)]
    # Beside contained gold, the implied grade says more.
    known = totals[(totals["measure"] == "contained") & totals["all_value"].notna()]
    stages = pd.MultiIndex.from_frame(known[["site", "stage"]])
    rows = rows[~pd.MultiIndex.from_frame(rows[["site", "stage"]]).isin(stages)]
    message = [
        f"{value:,.6g} {unit} of gold ore without copper: no gold mine has as much, so the figure "
        "is probably thousand ounces of gold (koz)"
        for value, unit in zip(rows["all_value"], rows["unit"], strict=True)
    ]
    return finding(rows, "ounces_as_tonnes", message, np.nan, rows["all_value"])
