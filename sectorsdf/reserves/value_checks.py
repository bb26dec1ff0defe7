"""Check grades, calorific values and years for values that no deposit has.

This module owns the limits of each value.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from sectorsdf.reserves.findings import finding, summary_finding

__all__ = ["PERCENT", "check_bounds", "check_calorific_classes", "check_years"]

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
# Low, medium, high and very high calorific value in the government's coal statistics (government
# regulation 45 of 2003), in kcal/kg.
_CLASSES: Final = frozenset({(None, 5100.0), (5100.0, 6100.0), (6100.0, 7100.0), (7100.0, None)})
_FEWEST_CLASSES: Final = 3
_FIRST_YEAR: Final = 1950
PERCENT: Final = {"%": 1.0, "g/t": 1e-4, "ppm": 1e-4}


def check_bounds(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Find values that no deposit can have, and bounds in the wrong order."""
    low, high = frame["value_min"].fillna(frame["value"]), frame["value_max"].fillna(frame["value"])
    low, high = low.fillna(high), high.fillna(low)
    laterite = frame["ore_type"].isin(_LATERITES)
    ceiling = frame["component"].map(_CEILINGS).astype("float64").fillna(100.0)
    lower = frame["component"].map(_LATERITE_CEILINGS).astype("float64")
    ceiling = ceiling.mask(laterite & lower.notna(), lower)
    ceiling /= frame["unit"].map(PERCENT).astype("float64")
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
        findings.append(finding(rows, check, texts, limit, found.loc[rows.index]))
    return findings


def check_years(sites: pd.DataFrame) -> pd.DataFrame:
    """Find years of measurement that cannot be right."""
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
    return finding(rows, "measurement_year", message, expected, found)


def check_calorific_classes(frame: pd.DataFrame) -> pd.DataFrame:
    """Find commodities whose calorific values are the classes of the coal statistics."""
    rows = frame[frame["measure"] == "calorific_value"]
    bounds = zip(rows["value_min"], rows["value_max"], strict=True)
    pairs = [tuple(None if pd.isna(end) else float(end) for end in each) for each in bounds]
    is_class = pd.Series([pair in _CLASSES for pair in pairs], index=rows.index, dtype=bool)
    counts = is_class.groupby(rows["commodity_type"]).agg(["sum", "size"])
    counts = counts[(counts["sum"] >= _FEWEST_CLASSES) & (counts["sum"] >= 0.9 * counts["size"])]
    message = [
        f"{classes} of {total} calorific values of {name} are classes (below 5,100, to 6,100, to "
        "7,100, above 7,100 kcal/kg), not measurements of the sites"
        for name, classes, total in counts.itertuples()
    ]
    return summary_finding(counts.index.tolist(), "calorific_class", message)
