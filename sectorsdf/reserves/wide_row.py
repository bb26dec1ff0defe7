"""Reduce the resources and reserves of a mine site to one flat row.

This module owns which figures such a row has. It must not import `checks`.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from sectorsdf.reserves.reader import figures

__all__ = ["PARTIAL_SUM", "wide", "widen"]

PARTIAL_SUM: Final = "not every ore type has this figure"
"""The start of the reason that `widen` reports for a sum with a missing part."""

_YEAR: Final = "measurement_year"
_HEAT: Final = ("calorific_value_min", "calorific_value_max")
_ORE_TYPES: Final = frozenset({"limonite", "saprolite"})
_WIDE: Final = {
    "proven_reserves": ("reserves", "proven"),
    "probable_reserves": ("reserves", "probable"),
    "total_reserves": ("reserves", "total"),
    "measured_resources": ("resources", "measured"),
    "indicated_resources": ("resources", "indicated"),
    "inferred_resources": ("resources", "inferred"),
    "total_resources": ("resources", "total"),
}


def widen(
    resources_reserves: object, *, commodity_type: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the row of `wide` and a problem for each figure that it leaves missing.

    Parameters
    ----------
    resources_reserves, commodity_type
        As for `figures`.

    Returns
    -------
    row : dict
        As for `wide`.
    problems : list of dict
        ``column``, ``raw`` (JSON text of the candidates) and ``reason``.
    """
    rows, _ = figures(resources_reserves, commodity_type=commodity_type)
    flat: dict[str, Any] = dict.fromkeys((_YEAR, *_WIDE, "tonnage_unit", *_HEAT))
    flat[_YEAR] = rows[0][_YEAR] if rows else None
    problems: list[dict[str, Any]] = []

    def report(column: str, candidates: object, reason: str) -> None:
        problems.append({"column": column, "raw": json.dumps(candidates), "reason": reason})

    tonnages = [row for row in rows if row["measure"] == "tonnage" and not row["verified"]]
    ore_types = {row["ore_type"] for row in tonnages} - {None}
    if isinstance(resources_reserves, dict):
        # The tonnage of an ore type without a figure is unknown, not zero, so there is no sum.
        ore_types |= resources_reserves.keys() & _ORE_TYPES
    values: dict[tuple[str, str], dict[str, dict[str | None, set[float]]]] = {}
    units = set()
    for row in tonnages:
        kind = (row["stage"], row["category"])
        if kind in _WIDE.values() and row["value"] is not None:
            units.add(row["unit"])
            by_type = values.setdefault(kind, {}).setdefault(row["unit"], {})
            by_type.setdefault(row["ore_type"], set()).add(row["value"])
    unit = "wmt" if units == {"wmt", "dmt"} else next(iter(units), "")
    if len(units) > 1 and units != {"wmt", "dmt"}:
        report("tonnage_unit", sorted(units), "the tonnages do not share one unit")
        values = {}
    for column, kind in _WIDE.items():
        by_type = values.get(kind, {}).get(unit, {})
        parts = [None] if None in by_type else sorted(ore_types)
        candidates = [sorted(by_type.get(name, ())) for name in parts]
        if any(len(numbers) > 1 for numbers in candidates):
            report(column, candidates, "several figures that differ")
        elif candidates and all(candidates):
            try:
                flat[column] = math.fsum(numbers[0] for numbers in candidates)
            except OverflowError:
                report(column, candidates, "the sum is too large for float64")
            else:
                flat["tonnage_unit"] = unit
        elif kind in values:
            report(column, candidates, f"{PARTIAL_SUM} in {unit}")
    heat = [row for row in rows if row["measure"] == "calorific_value"]
    ranges = {(row["value_min"], row["value_max"]) for row in heat} - {(None, None)}
    if len(ranges) == 1:
        flat.update(zip(_HEAT, next(iter(ranges)), strict=True))
    elif ranges:
        report("calorific_value", sorted(map(str, ranges)), "several figures that differ")
    return flat, problems


def wide(resources_reserves: object, *, commodity_type: str | None) -> dict[str, Any]:
    """Return the tonnages and the calorific value of one site as one flat row.

    The row has only tonnages of ore or coal, never contained metal, grades or ``verified`` figures.
    All have one unit, ``tonnage_unit``. If a site has wet and dry tonnes, the row has the wet ones
    (wmt) throughout, because nickel production is in wmt too; with any other mixture of units every
    tonnage is missing. Ore types are added up only if each of them has the figure.

    Parameters
    ----------
    resources_reserves, commodity_type
        As for `figures`.

    Returns
    -------
    dict
        ``measurement_year`` (int); ``{proven,probable,total}_reserves`` and
        ``{measured,indicated,inferred,total}_resources`` (float); ``tonnage_unit``;
        ``calorific_value_min``, ``calorific_value_max`` (float, kcal/kg; one may be missing, for a
        value above or below a bound). None for missing.
    """
    return widen(resources_reserves, commodity_type=commodity_type)[0]
