"""Units of the mining data: what they are called, what they count, and exact conversions.

A conversion is made only where it is exact by definition. Sources: the SI Brochure (9th edition,
2019, table 8: 1 t = 1000 kg); the international troy ounce of 31.1034768 g (480 grains of the
1959 international yard and pound agreement). The factors themselves come from `pint`, with
rational arithmetic, as its floats are off in the last digit.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sectorsdf.errors import ConfigurationError, UnitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MATERIALS",
    "convert",
    "measured_by",
    "read_component",
    "read_unit",
    "usual_component",
]

# Unit as it is written for people, what it counts, its spellings in keys and texts, and its name
# in pint. "mt" and "MT" are left out on purpose: in Indonesian reports they mean metric tonnes
# as often as million tonnes. The scale of wmt and dmt is not defined, so they have no pint name.
_VOCABULARY: Final = (
    ("Mt", "mass", "Mt", "megatonne"),
    ("Kt", "mass", "Kt kton", "kilotonne"),
    ("t", "mass", "t ton tonne tonnes", "tonne"),
    ("kg", "mass", "kg", "kilogram"),
    ("wmt", "moist", "wmt", None),
    ("dmt", "moist", "dmt", None),
    ("oz", "ounce", "oz", "troy_ounce"),
    ("koz", "ounce", "koz", "kilotroy_ounce"),
    ("Moz", "ounce", "Moz", "megatroy_ounce"),
    ("%", "share", "pct %", "percent"),
    ("ppm", "share", "ppm", "ppm"),
    ("g/t", "share", "g_per_ton g_per_t g/ton g/t", "gram/tonne"),
    ("kcal/kg", "energy", "kcal kcal_per_kg kcal/kg", None),
)
_EXACT: Final = {
    spelling: (unit, kind)
    for unit, kind, spellings, _ in _VOCABULARY
    for spelling in spellings.split()
}
_ANY_CASE: Final = {text.lower(): unit for text, unit in _EXACT.items() if text not in {"Mt", "t"}}
_PINT: Final = {unit: name for unit, _, _, name in _VOCABULARY}
_KIND: Final = {unit: kind for unit, kind, _, _ in _VOCABULARY}
MATERIALS: Final = frozenset({"ore", "coal"})

# What each measure may be counted in, and what that means in words.
_MEASURES: Final = {
    "tonnage": ({"mass", "moist"}, "a tonnage of ore or coal"),
    "contained": ({"mass", "ounce"}, "a mass of contained metal"),
    "grade": ({"share"}, "a grade"),
    "calorific_value": ({"energy"}, "a calorific value"),
    "production_volume": ({"mass", "moist", "ounce"}, "a production"),
}
# What a commodity's production counts where it is metal, and what its unnamed ounces are of.
_METALS: Final = {"gold": "Au", "silver": "Ag", "platinum": "Pt", "copper": "Cu", "tin": "Sn"}
_PRECIOUS: Final = frozenset({"Au", "Ag", "Pt"})
# Up to uranium: nothing beyond it is mined, and plain words such as "No" would be read as it.
_ELEMENT: Final = (
    "A[cglrstu]|B[aeir]?|C[adelorsu]?|Dy|E[ru]|F[er]?|G[ade]|H[efgo]?|I[nr]?|Kr?|L[aiu]|M[gno]|"
    "N[abdei]?|Os?|P[abdmortu]?|R[abehnu]|S[bceimnr]?|T[abcehilm]|U|V|W|Xe|Yb?|Z[nr]"
)
_SYMBOL: Final = re.compile(rf"(?:{_ELEMENT})|(?:(?:{_ELEMENT})\d*)+O\d*")


@lru_cache(maxsize=1024)
def read_unit(text: str) -> tuple[str, str] | None:
    """Give the unit that a spelling means and what it counts; None where it is not known.

    Parameters
    ----------
    text : str
        The last parts of a key (``"g_per_ton"``) or the text of a ``unit`` (``"g/t"``).

    Returns
    -------
    tuple of str or None
        One of Mt, Kt, t, kg, wmt, dmt, oz, koz, Moz, %, ppm, g/t, kcal/kg, and what it counts:
        mass, moist (mass of ore with its moisture named), ounce, share or energy.
    """
    return _EXACT.get(text) or _ANY_CASE.get(text.lower())


def measured_by(kind: str, component: str | None) -> str | None:
    """Tell what a figure of this component is in such a unit; None where that makes no sense.

    Parameters
    ----------
    kind : str
        What the unit counts, as `read_unit` tells it.
    component : str or None
        ore, coal, the symbol of an element or oxide, or None where none is named.

    Returns
    -------
    str or None
        tonnage, contained or grade.
    """
    material = component is None or component in MATERIALS
    if kind in {"mass", "moist"}:
        return "tonnage" if material else ("contained" if kind == "mass" else None)
    if kind == "ounce":
        return None if component in MATERIALS else "contained"
    return "grade" if kind == "share" and not material else None


def read_component(text: str) -> str | None:
    """Give what a word says is measured: ore, coal, the symbol of an element or of an oxide.

    Parameters
    ----------
    text : str
        One part of a key. Symbols only in their own case: ``"Co"`` is cobalt, ``"co"`` nothing.

    Returns
    -------
    str or None
        None where the word is none of these.
    """
    if text.lower() in MATERIALS:
        return text.lower()
    return text if _SYMBOL.fullmatch(text) else None


def usual_component(measure: str, commodity_type: str | None) -> str | None:
    """Tell what a figure without a named component is of, at a site of this commodity.

    Parameters
    ----------
    measure : str
        tonnage or contained; contained without a name comes in ounces only.
    commodity_type : str or None
        As the site gives it, in any case.

    Returns
    -------
    str or None
        coal or ore for a tonnage; Au, Ag or Pt for ounces; None where it is open.
    """
    commodity = (commodity_type or "").strip().lower()
    if measure == "tonnage":
        return ("coal" if commodity == "coal" else "ore") if commodity else None
    metal = _METALS.get(commodity)
    return metal if measure == "contained" and metal in _PRECIOUS else None


@lru_cache(maxsize=1)
def _registry() -> Any:  # noqa: ANN401 - pint is optional, so its types may not be there
    try:
        import pint  # noqa: PLC0415 - needs a tenth of a second and an extra
    except ImportError:
        msg = "converting units needs pint: pip install 'sectorsdf[units]'"
        raise ConfigurationError(msg) from None
    return pint.UnitRegistry(non_int_type=Fraction)


@lru_cache(maxsize=256)
def _factor(unit: str, to: str) -> Fraction:
    return Fraction(_registry().convert(Fraction(1), _PINT[unit], _PINT[to]))


def _obstacle(unit: str | None, to: str, measure: str) -> str | None:
    """Say why figures in `unit` cannot become `to`; None where they can."""
    kinds, words = _MEASURES[measure]
    kind, goal = _KIND.get(unit or ""), _KIND[to]
    why = None
    if unit is None:
        why = "their unit is missing; fill the unit column first"
    elif kind is None:
        why = f"the unit is not known; known are {', '.join(_KIND)}"
    elif kind == goal == "energy" or (unit == to and kind in kinds):
        why = None
    elif kind == goal == "moist":
        why = (
            "wet tonnes become dry tonnes (and back) only with the moisture of that ore, which "
            "the data do not give; take the figures that are given in the other unit"
        )
    elif "energy" in (kind, goal):
        why = (
            "an energy per mass is not a mass or a share, and the calorie itself has several "
            "definitions (4.184 J, 4.1868 J); a calorific value stays in kcal/kg"
        )
    elif kind not in kinds or goal not in kinds:
        fitting = ", ".join(name for name, sort in _KIND.items() if sort in kinds)
        why = f"{words} is not counted in that; fitting units are {fitting}"
    elif "moist" in (kind, goal):
        why = (
            "the API does not define the scale of wmt and dmt (the figures look like million "
            "tonnes, the abbreviations mean single ones), and wet tonnes would need the moisture; "
            "choose the rows in one unit first, and keep wmt and dmt as they are"
        )
    return why


def _refusal(counts: dict[str | None, int], to: str, measure: str, why: str) -> str:
    listed = ", ".join(f"{count} row(s) in {unit!r}" for unit, count in counts.items())
    return f"{measure}: {listed} cannot become {to!r}: {why}"


def _substances(frame: pd.DataFrame, measure: str) -> set[str]:
    """Tell which substances (ore or coal, metal) the rows to be converted are of."""
    if measure in {"tonnage", "contained"} and "component" in frame:
        named = set(frame["component"].dropna())
        return {"ore or coal" if name in MATERIALS else "metal" for name in named}
    if measure == "production_volume" and "commodity_type" in frame:
        named = {str(name).lower() for name in frame["commodity_type"].dropna()}
        return {"metal" if name in _METALS else "ore or coal" for name in named}
    return set()


def convert(frame: pd.DataFrame, to: str = "t", measure: str = "tonnage") -> pd.DataFrame:
    """Give a new frame with the figures of one measure in another unit.

    Only conversions that are exact by definition are made (a result is the float64 nearest to
    the exact product, or its neighbour); everything else is refused, for the whole frame, so
    that no frame is ever half converted.

    Parameters
    ----------
    frame : pandas.DataFrame
        Resources, one row a figure (columns ``measure``, ``value``, ``value_min``,
        ``value_max``, ``unit``), or for ``measure="production_volume"`` sites (columns
        ``production_volume`` and ``unit``). It is not changed.
    to : str
        The unit wanted. tonnage: t, Kt, Mt, kg. contained: the same or oz, koz, Moz (troy).
        grade: %, g/t, ppm. Other spellings of these (kt, kton) are understood.
    measure : {"tonnage", "contained", "grade", "calorific_value", "production_volume"}
        Whose rows are converted. Rows of other measures, and rows without a number, stay.

    Returns
    -------
    pandas.DataFrame
        A copy with other numbers and another ``unit`` in those rows. ``attrs`` and dtypes are
        kept; ``raw`` and ``source_field`` still tell what the API gave.

    Raises
    ------
    UnitError
        An unknown unit; wet or dry tonnes (wmt, dmt) to anything else; ore or coal mixed with
        metal; a calorific value to a mass; a unit that the measure is not counted in.
    ConfigurationError
        The extra ``units`` (pint) is not installed.

    Notes
    -----
    ``production_volume`` counts metal for gold, silver and copper and ore or coal for the rest:
    choose the rows of one such group first. Factors: SI Brochure (9th edition), table 8; the
    international troy ounce of 31.1034768 g.
    """
    if measure not in _MEASURES:
        msg = f"measure {measure!r} is not one of {', '.join(_MEASURES)}; convert one at a time"
        raise UnitError(msg)
    goal = read_unit(to)
    if goal is None:
        msg = f"cannot convert {measure} to {to!r}: not a known unit; known are {', '.join(_KIND)}"
        raise UnitError(msg)
    target = goal[0]
    sites = measure == "production_volume"
    columns = [measure] if sites else ["value", "value_min", "value_max"]
    absent = {"unit", *columns, *([] if sites else ["measure"])} - set(frame.columns)
    if absent:
        msg = f"cannot convert {measure}: the frame has no column {', '.join(sorted(absent))}"
        raise UnitError(msg)
    chosen = frame[columns].notna().any(axis=1).to_numpy()
    if not sites:
        chosen = chosen & (frame["measure"] == measure).fillna(value=False).to_numpy(dtype=bool)
    rows: dict[str | None, list[int]] = {}
    told = frame["unit"].notna().to_numpy()
    for at, name in enumerate(frame["unit"].tolist()):
        if chosen[at]:
            unit = str(name) if told[at] else None
            known = read_unit(unit) if unit is not None else None
            rows.setdefault(known[0] if known else unit, []).append(at)
    counts = {unit: len(positions) for unit, positions in rows.items()}
    blocked: dict[str, dict[str | None, int]] = {}
    for unit, count in counts.items():
        if (why := _obstacle(unit, target, measure)) is not None:
            blocked.setdefault(why, {})[unit] = count
    substances = _substances(frame[chosen], measure)
    if len(substances) > 1 or (measure, *substances) in {
        ("tonnage", "metal"),
        ("contained", "ore or coal"),
    }:
        why = "tonnes of ore or coal and tonnes of metal are not the same thing"
        blocked.setdefault(f"{why}; choose the rows of one first", counts)
    if blocked:
        reasons = [_refusal(those, to, measure, why) for why, those in blocked.items()]
        raise UnitError(". ".join([*reasons, "Nothing was changed."]))
    out = frame.copy()
    for unit, positions in rows.items():
        factor = Fraction(1) if unit == target else _factor(str(unit), target)
        where = np.zeros(len(frame), dtype=bool)
        where[positions] = True
        if factor != 1:
            # Dividing by a whole number rounds once; multiplying by its reciprocal twice.
            part = out.loc[where, columns] * factor.numerator / factor.denominator
            out.loc[where, columns] = part
        out.loc[where, "unit"] = target
    return out
