"""Read the units of the mining data, and convert figures if that is exact by definition.

Sources: the SI Brochure (9th edition, 2019, table 8: 1 t = 1000 kg); the international troy ounce
of 31.1034768 g (480 grains of the 1959 international yard and pound agreement). The factors come
from `pint` with rational arithmetic, because its floats are wrong in the last digit.

This module owns the vocabulary of units, components and measures. It must not import any other
module of the package than `errors`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sectorsdf.errors import ConfigurationError, UnitError, listed

if TYPE_CHECKING:
    from fractions import Fraction

    import pandas as pd

__all__ = [
    "MATERIALS",
    "convert",
    "label",
    "measured_by",
    "metal_of",
    "read_component",
    "read_unit",
    "usual_component",
]

# The unit as frames show it, what it counts, its spellings in keys and texts, and its name in pint.
# "mt" and "MT" are not spellings: in Indonesian reports they mean metric tonnes as often as million
# tonnes. In this data, wmt and dmt are million wet and dry tonnes, although the abbreviations
# usually mean single ones (see docs/reserves.md); single ones are "wet t" and "dry t" here.
# Spellings are separated by commas.
_VOCABULARY: Final = (
    ("Mt", "mass", "Mt", "megatonne"),
    ("Kt", "mass", "Kt,kton", "kilotonne"),
    ("t", "mass", "t,ton,tonne,tonnes", "tonne"),
    ("kg", "mass", "kg", "kilogram"),
    ("wmt", "wet", "wmt", "megatonne"),
    ("wet t", "wet", "wet t", "tonne"),
    ("dmt", "dry", "dmt", "megatonne"),
    ("dry t", "dry", "dry t", "tonne"),
    ("oz", "ounce", "oz", "troy_ounce"),
    ("koz", "ounce", "koz", "kilotroy_ounce"),
    ("Moz", "ounce", "Moz", "megatroy_ounce"),
    ("%", "share", "pct,%", "percent"),
    ("ppm", "share", "ppm", "ppm"),
    ("g/t", "share", "g_per_ton,g_per_t,g/ton,g/t", "gram/tonne"),
    ("kcal/kg", "energy", "kcal,kcal_per_kg,kcal/kg", None),
)
_EXACT: Final = {
    spelling: (unit, kind)
    for unit, kind, spellings, _ in _VOCABULARY
    for spelling in spellings.split(",")
}
_ANY_CASE: Final = {text.lower(): unit for text, unit in _EXACT.items() if text not in {"Mt", "t"}}
_PINT: Final = {unit: name for unit, _, _, name in _VOCABULARY}
_KIND: Final = {unit: kind for unit, kind, _, _ in _VOCABULARY}
MATERIALS: Final = frozenset({"ore", "coal"})

# What the units of each measure may count, and what to call its figures in messages.
_MEASURES: Final = {
    "tonnage": ({"mass", "wet", "dry"}, "a tonnage of ore or coal"),
    "contained": ({"mass", "ounce"}, "a mass of contained metal"),
    "grade": ({"share"}, "a grade"),
    "calorific_value": ({"energy"}, "a calorific value"),
    "production_volume": ({"mass", "wet", "dry", "ounce"}, "a production"),
}
# The commodities whose production is metal, and the metal of their ounces without a component.
_METALS: Final = {"gold": "Au", "silver": "Ag", "platinum": "Pt", "copper": "Cu", "tin": "Sn"}
_PRECIOUS: Final = frozenset({"Au", "Ag", "Pt"})
_SYMBOLS: Final = _METALS | {"nickel": "Ni", "cobalt": "Co", "zinc": "Zn", "lead": "Pb"}
# The elements up to uranium. No later element is mined, and the word "No" would be nobelium.
_ELEMENT: Final = (
    "A[cglrstu]|B[aeir]?|C[adelorsu]?|Dy|E[ru]|F[er]?|G[ade]|H[efgo]?|I[nr]?|Kr?|L[aiu]|M[gno]|"
    "N[abdei]?|Os?|P[abdmortu]?|R[abehnu]|S[bceimnr]?|T[abcehilm]|U|V|W|Xe|Yb?|Z[nr]"
)
# A text, because compiling it takes a millisecond, and few calls need it.
_SYMBOL: Final = rf"(?:{_ELEMENT})|(?:(?:{_ELEMENT})\d*)+O\d*"


_LABELS: Final = {
    "wmt": "million wet tonnes (wmt)",
    "dmt": "million dry tonnes (dmt)",
    "wet t": "wet tonnes",
    "dry t": "dry tonnes",
}


def label(unit: str) -> str:
    """Return a unit as charts and messages write it: wmt and dmt with their scale.

    Parameters
    ----------
    unit : str
        A unit as frames have it.
    """
    return _LABELS.get(unit, unit)


@lru_cache(maxsize=1024)
def read_unit(text: str) -> tuple[str, str] | None:
    """Return the unit of a spelling and what it counts, or None for an unknown spelling.

    Parameters
    ----------
    text : str
        The last parts of a key (``"g_per_ton"``) or the text of a ``unit`` (``"g/t"``).

    Returns
    -------
    tuple of str or None
        One of Mt, Kt, t, kg, wmt (million wet tonnes), wet t, dmt (million dry tonnes), dry t, oz,
        koz, Moz, %, ppm, g/t, kcal/kg, and what it counts: mass, wet or dry (mass of ore with or
        without its moisture), ounce, share or energy.
    """
    return _EXACT.get(text) or _ANY_CASE.get(text.lower())


def measured_by(kind: str, component: str | None) -> str | None:
    """Return what a figure of this component measures, or None if the unit does not fit it.

    Parameters
    ----------
    kind : str
        What the unit counts, as `read_unit` returns it.
    component : str or None
        ore, coal, the symbol of an element or oxide, or None if the key names none.

    Returns
    -------
    str or None
        tonnage, contained or grade.
    """
    material = component is None or component in MATERIALS
    if kind in {"mass", "wet", "dry"}:
        return "tonnage" if material else ("contained" if kind == "mass" else None)
    if kind == "ounce":
        return None if component in MATERIALS else "contained"
    return "grade" if kind == "share" and not material else None


def read_component(text: str) -> str | None:
    """Return the component that a word names: ore, coal, or the symbol of an element or oxide.

    Parameters
    ----------
    text : str
        One part of a key. The case of a symbol counts: ``"Co"`` is cobalt, ``"co"`` is nothing.

    Returns
    -------
    str or None
        None if the word names no component.
    """
    if text.lower() in MATERIALS:
        return text.lower()
    return text if re.fullmatch(_SYMBOL, text) else None


def usual_component(measure: str, commodity_type: str | None) -> str | None:
    """Return the component of a figure that names none, at a site of this commodity.

    Parameters
    ----------
    measure : str
        tonnage or contained; only ounces of contained metal name no component.
    commodity_type : str or None
        The site's commodity type, in any case.

    Returns
    -------
    str or None
        coal or ore for a tonnage; Au, Ag or Pt for ounces; None if the commodity does not decide.
    """
    commodity = (commodity_type or "").strip().lower()
    if measure == "tonnage":
        return ("coal" if commodity == "coal" else "ore") if commodity else None
    metal = _METALS.get(commodity)
    return metal if measure == "contained" and metal in _PRECIOUS else None


def metal_of(commodity_type: str | None) -> str | None:
    """Return the symbol of the metal that a commodity is named after.

    Parameters
    ----------
    commodity_type : str or None
        The commodity type, in any case.

    Returns
    -------
    str or None
        Such as ``"Ni"`` for Nickel; None for a commodity that is no metal, or is not known.
    """
    return _SYMBOLS.get((commodity_type or "").strip().lower())


@lru_cache(maxsize=1)
def _registry() -> Any:  # noqa: ANN401 - an extra's type
    try:
        import pint  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        message = "converting units needs pint: pip install 'sectorsdf[units]'"
        raise ConfigurationError(message) from None
    from fractions import Fraction  # noqa: PLC0415 - every command reads units, and few convert

    return pint.UnitRegistry(non_int_type=Fraction)


@lru_cache(maxsize=256)
def _factor(unit: str, to: str) -> Fraction:
    registry = _registry()
    factor: Fraction = registry.convert(registry.non_int_type(1), _PINT[unit], _PINT[to])
    return factor


def _obstacle(unit: str | None, to: str, measure: str) -> str | None:
    """Return why figures in `unit` cannot be converted to `to`, or None if they can."""
    kinds, words = _MEASURES[measure]
    kind, target_kind = _KIND.get(unit or ""), _KIND[to]
    reason = None
    if unit is None:
        reason = "their unit is missing; fill the unit column first"
    elif kind is None:
        reason = f"the unit is not known; known are {', '.join(_KIND)}"
    elif kind == target_kind == "energy" or (unit == to and kind in kinds):
        reason = None
    elif {kind, target_kind} == {"wet", "dry"}:
        reason = (
            "wet tonnes become dry tonnes (and back) only with the moisture of that ore, which "
            "the data do not contain; use the figures that the API gives in the other unit"
        )
    elif "energy" in (kind, target_kind):
        reason = (
            "an energy per mass is not a mass or a share, and the calorie itself has several "
            "definitions (4.184 J, 4.1868 J); a calorific value stays in kcal/kg"
        )
    elif kind not in kinds or target_kind not in kinds:
        fitting = ", ".join(name for name, counted in _KIND.items() if counted in kinds)
        reason = f"{words} does not have that unit; fitting units are {fitting}"
    elif kind != target_kind and {kind, target_kind} & {"wet", "dry"}:
        reason = (
            "tonnes that are stated wet or dry stay wet or dry; choose the rows in one of them "
            "first, and convert wmt (million wet tonnes in this data) to 'wet t', dmt (million dry "
            "tonnes) to 'dry t', or back"
        )
    return reason


def _describe_refusal(counts: dict[str | None, int], to: str, measure: str, reason: str) -> str:
    rows = listed((f"{count} row(s) in {unit!r}" for unit, count in counts.items()), show=str)
    return f"{measure}: {rows} cannot become {to!r}: {reason}"


def _substances(frame: pd.DataFrame, measure: str) -> set[str]:
    """Return whether the rows to be converted are of ore or coal, of metal, or of both."""
    if measure in {"tonnage", "contained"} and "component" in frame:
        named = set(frame["component"].dropna())
        return {"ore or coal" if name in MATERIALS else "metal" for name in named}
    if measure == "production_volume" and "commodity_type" in frame:
        named = {str(name).lower() for name in frame["commodity_type"].dropna()}
        return {"metal" if name in _METALS else "ore or coal" for name in named}
    return set()


def _require_columns(frame: pd.DataFrame, columns: set[str], measure: str) -> None:
    if not hasattr(frame, "columns"):
        message = f"convert takes a pandas.DataFrame, not {type(frame).__name__}"
        raise TypeError(message)
    if absent := columns - set(frame.columns):
        message = f"cannot convert {measure}: the frame has no column {', '.join(sorted(absent))}"
        raise UnitError(message)


def convert(frame: pd.DataFrame, to: str = "t", measure: str = "tonnage") -> pd.DataFrame:
    """Convert the figures of one measure to another unit, in a new frame.

    Only conversions that are exact by definition are made; a result is the float64 nearest to the
    exact product, or its neighbour. Any other conversion is an error for the whole frame, so no
    frame is ever half converted.

    Parameters
    ----------
    frame : pandas.DataFrame
        Resources, one row for each figure (columns ``measure``, ``value``, ``value_min``,
        ``value_max``, ``unit``), or for ``measure="production_volume"`` sites (columns
        ``production_volume`` and ``unit``). It is not changed.
    to : str
        The new unit. tonnage: t, Kt, Mt, kg; wmt to wet t and back; dmt to dry t and back.
        contained: t, Kt, Mt, kg, oz, koz, Moz (troy). grade: %, g/t, ppm. Other spellings of these,
        such as kt and kton, are valid too.
    measure : {"tonnage", "contained", "grade", "calorific_value", "production_volume"}
        The measure to convert. Rows of other measures and rows without a number stay as they are.

    Returns
    -------
    pandas.DataFrame
        A copy with the new numbers and the new ``unit`` in those rows. ``attrs`` and dtypes are
        kept; ``raw`` and ``source_field`` still show what the API sent.

    Raises
    ------
    UnitError
        The unit is unknown, or one that the measure does not have; wet tonnes would become dry
        tonnes or tonnes without that word, or the reverse; a calorific value would become a mass;
        or the rows mix ore or coal with metal.
    TypeError
        The argument is not a DataFrame.
    ConfigurationError
        The extra ``units`` (pint) is not installed.

    Notes
    -----
    ``production_volume`` counts metal for gold, silver and copper and ore or coal for the rest:
    choose the rows of one such group first. Factors: SI Brochure (9th edition), table 8; the
    international troy ounce of 31.1034768 g.
    """
    if measure not in _MEASURES:
        message = f"measure={measure!r} is not one of {', '.join(_MEASURES)}; convert one at a time"
        raise UnitError(message)
    known_target = read_unit(to)
    if known_target is None:
        message = (
            f"cannot convert {measure} to {to!r}: the unit is not known; known are "
            f"{', '.join(_KIND)}"
        )
        raise UnitError(message)
    target = known_target[0]
    sites = measure == "production_volume"
    columns = [measure] if sites else ["value", "value_min", "value_max"]
    _require_columns(frame, {"unit", *columns, *([] if sites else ["measure"])}, measure)
    selected = frame[columns].notna().any(axis=1).to_numpy()
    if not sites:
        selected = selected & (frame["measure"] == measure).fillna(value=False).to_numpy(dtype=bool)
    rows: dict[str | None, list[int]] = {}
    has_unit = frame["unit"].notna().to_numpy()
    for row, name in enumerate(frame["unit"].tolist()):
        if selected[row]:
            unit = str(name) if has_unit[row] else None
            known = read_unit(unit) if unit is not None else None
            rows.setdefault(known[0] if known else unit, []).append(row)
    counts = {unit: len(positions) for unit, positions in rows.items()}
    refused: dict[str, dict[str | None, int]] = {}
    for unit, count in counts.items():
        if (reason := _obstacle(unit, target, measure)) is not None:
            refused.setdefault(reason, {})[unit] = count
    substances = _substances(frame[selected], measure)
    if len(substances) > 1 or (measure, *substances) in {
        ("tonnage", "metal"),
        ("contained", "ore or coal"),
    }:
        reason = "tonnes of ore or coal and tonnes of metal are not the same thing"
        refused.setdefault(f"{reason}; choose the rows of one of them first", counts)
    if refused:
        sentences = [
            _describe_refusal(units, to, measure, reason) for reason, units in refused.items()
        ]
        raise UnitError(". ".join([*sentences, "Nothing was changed."]))
    converted = frame.copy()
    for unit, positions in rows.items():
        factor = 1 if unit == target else _factor(str(unit), target)
        here = np.zeros(len(frame), dtype=bool)
        here[positions] = True
        if factor != 1:
            # Division by a whole number rounds once, multiplication by its reciprocal twice.
            numbers = converted.loc[here, columns] * factor.numerator / factor.denominator
            converted.loc[here, columns] = numbers
        converted.loc[here, "unit"] = target
    return converted


def __dir__() -> list[str]:
    return __all__.copy()
