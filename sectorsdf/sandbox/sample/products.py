"""Generate the products of mines: their names, and the range of each property."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_products"]

# Bounds and the digits of each property.
_COAL = {
    "calorific_value_kcal": (3800, 7400, 0),
    "total_moisture_pct": (8, 38, 1),
    "ash_content_arb": (2, 12, 1),
    "total_sulphur_arb": (0.1, 1.4, 2),
    "ash_content_adb": (2, 12, 1),
    "total_sulphur_adb": (0.1, 1.4, 2),
    "volatile_matter_adb": (17, 43, 1),
    "fixed_carbon_adb": (37, 56, 1),
}
_NICKEL = {
    "Ni_pct": (0.9, 2.0, 2),
    "Co_pct": (0.02, 0.15, 2),
    "Fe_pct": (12, 46, 2),
    "SiO2_pct": (4, 41, 2),
    "MgO_pct": (1, 24, 2),
    "Al2O3_pct": (2, 11, 2),
}
_PROPERTIES: dict[str, dict[str, tuple[float, float, int]]] = {
    "Coal": _COAL,
    "Nickel": _NICKEL,
    "Gold": {"Au_g_per_ton": (0.4, 7.1, 2)},
    "Copper": {"Cu_pct": (0.4, 1.7, 2)},
}
# Of coal, the content as received is hardly ever reported.
_NULL_SHARE = {"ash_content_arb": 0.9, "total_sulphur_arb": 0.9, "fixed_carbon_adb": 0.6}


def make_products(rng: SeededRandom, commodity: str) -> list[Record] | None:
    """Return the products of a company, None where it reports none.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    commodity : str
        What the company mines.
    """
    properties = _PROPERTIES.get(commodity)
    if properties is None or rng.chance(0.57):
        return None
    count = 1 if rng.chance(0.5) else rng.integer(2, 10)
    names = [_name(rng, commodity) for _ in range(count)]
    if count > 5:
        names[-1] = names[0]
    return [
        {"product_name": name}
        | {field: _range(rng, field, *bounds) for field, bounds in properties.items()}
        for name in names
    ]


def _name(rng: SeededRandom, commodity: str) -> str:
    if commodity == "Coal" and rng.chance(0.7):
        return f"Contoh {100 * rng.integer(38, 74)}"
    return f"Blok Contoh {rng.integer(1, 30)}"


def _range(
    rng: SeededRandom, field: str, low: float, high: float, digits: int
) -> dict[str, float | None] | None:
    form = rng.random()
    first, second = (rng.number(low, high, digits) for _ in range(2))
    if rng.chance(_NULL_SHARE.get(field, 0.12)):
        return None
    if form < 0.92:
        return {"max": first, "min": first}
    lower, upper = sorted((first, second))
    return {"max": upper, "min": None if form > 0.99 else lower}
