"""Generate the resources and reserves of a site in every documented shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["category_list", "coal_reserves", "make_reserves", "plain_reserves"]


_OUNCES_PER_GRAM = 0.0321507
_METALS = (("Au", "koz", "g_per_ton"), ("Ag", "koz", "g_per_ton"), ("Cu", "Mt", "pct"))
_GRADES = {
    ("Gold", "Au"): (0.5, 4.5),
    ("Gold", "Ag"): (1.0, 12.0),
    ("Copper", "Cu"): (0.3, 1.6),
    ("Copper", "Au"): (0.2, 0.9),
    ("Copper", "Ag"): (0.8, 3.0),
}
_OXIDES = {
    "limonite": {
        "Ni": (0.9, 1.4),
        "Co": (0.08, 0.15),
        "Fe": (38, 47),
        "SiO2": (3, 9),
        "MgO": (1, 4),
        "Al2O3": (5, 9),
    },
    "saprolite": {
        "Ni": (1.5, 2.1),
        "Co": (0.03, 0.07),
        "Fe": (12, 20),
        "SiO2": (32, 42),
        "MgO": (12, 22),
        "Al2O3": (1, 4),
    },
}
Shape = dict[str, Any]


def make_reserves(rng: SeededRandom, commodity: str, year: int) -> Shape | None:
    """Return the `resources_reserves` of a site."""
    if rng.chance(0.03):
        return None
    if commodity == "Coal":
        return coal_reserves(rng, year)
    return _nickel(rng, year) if commodity == "Nickel" else _metals(rng, commodity, year)


def category_list(rng: SeededRandom) -> list[Shape]:
    """Return resources as a list of categories, as the API's documentation shows them."""
    names = ("Measured Resources", "Indicated Resources", "Inferred Resources", "Proven Reserves")
    return [
        {"category": name, "volume": rng.number(5, 300, 1), "unit": "Mt"}
        for name in names[: rng.integer(1, 4)]
    ]


def plain_reserves(rng: SeededRandom, commodity: str, year: int) -> Shape:
    """Return the `resources_reserves` of a company: its grades are numbers, and most are null."""
    if commodity == "Coal":
        shape = coal_reserves(rng, year)
        del shape["calorific_value_kcal"]
    elif commodity == "Nickel":
        whole = _nickel(rng, year)
        # A company reports one kind of ore in a row, without the blocks of a site.
        shape = {"measurement_year": whole["measurement_year"], **whole["saprolite"]}
    else:
        shape = _metals(rng, "Copper" if commodity == "Copper" else "Gold", year)
    hidden = 0.6 if commodity == "Coal" else 0.4
    if rng.chance(hidden):
        return dict.fromkeys(shape)
    return {
        name: value["max"] if isinstance(value, dict) else value for name, value in shape.items()
    }


def _measured(rng: SeededRandom, year: int) -> int | None:
    return None if rng.chance(0.18) else year - rng.integer(0, 2)


def _range(rng: SeededRandom, low: float, high: float) -> Shape | None:
    if rng.chance(0.25):
        return None
    # The API writes a single grade as a range whose bounds are equal.
    bounds = sorted(rng.number(low, high) for _ in range(2))
    return {"max": bounds[1], "min": bounds[0] if rng.chance(0.5) else bounds[1]}


def coal_reserves(rng: SeededRandom, year: int) -> Shape:
    """Return the shape for coal, whose parts add up to the totals where all are reported."""
    parts = [rng.number(2, 420, 1) for _ in range(3)]
    # Reserves are the economically mineable part of measured and indicated resources.
    proven = round(parts[0] * rng.number(0.4, 0.9), 1)
    probable = round(parts[1] * rng.number(0.3, 0.8), 1)
    shape: Shape = {
        "measurement_year": _measured(rng, year),
        "probable_reserves_Mt": probable,
        "proven_reserves_Mt": proven,
        "total_reserves_Mt": round(proven + probable, 1),
        "inferred_resources_Mt": parts[2],
        "indicated_resources_Mt": parts[1],
        "measured_resources_Mt": parts[0],
        "total_resources_Mt": round(sum(parts), 1),
        "calorific_value_kcal": _calorific(rng),
    }
    hidden = rng.random()
    if hidden < 0.2:
        for name in shape:
            if not name.startswith(("total", "calorific")):
                shape[name] = None
    elif hidden < 0.27:
        shape["total_reserves_Mt"] = shape["total_resources_Mt"] = None
    elif hidden < 0.32:
        for name in shape:
            if name.endswith("_Mt"):
                shape[name] = None
    return shape


def _calorific(rng: SeededRandom) -> Shape | None:
    form = rng.random()
    if form < 0.35:
        return None
    low = 100 * rng.integer(38, 60)
    high = low + 100 * rng.integer(1, 9)
    if form < 0.5:
        return {"max": low, "min": None}
    if form < 0.6:
        return {"max": None, "min": high}
    return {"max": high, "min": low}


def _metals(rng: SeededRandom, commodity: str, year: int) -> Shape:
    ore = {"resources": rng.number(4, 900, 2)}
    ore["reserves"] = round(ore["resources"] * rng.number(0.2, 0.7), 2)
    shape: Shape = {"measurement_year": _measured(rng, year)}
    for kind in ("reserves", "resources"):
        reported = not rng.chance(0.1)
        shape[f"total_{kind}_Mt"] = ore[kind] if reported else None
        for metal, unit, grade_unit in _METALS:
            bounds = _GRADES.get((commodity, metal))
            grade = _range(rng, *bounds) if bounds and reported and rng.chance(0.6) else None
            shape[f"{metal}_{kind}_{grade_unit}"] = grade
            shape[f"{metal}_{kind}_{unit}"] = _metal(ore[kind], grade, unit) if grade else None
    return shape


def _metal(ore: float, grade: Shape, unit: str) -> float:
    mean: float = (grade["min"] + grade["max"]) / 2
    # Million tonnes times grams a tonne are tonnes of metal, written in thousand ounces.
    return round(ore * mean * _OUNCES_PER_GRAM * 1000 if unit == "koz" else ore * mean / 100, 3)


def _nickel(rng: SeededRandom, year: int) -> Shape:
    shape: Shape = {"measurement_year": _measured(rng, year)}
    for layer, oxides in _OXIDES.items():
        empty = rng.chance(0.25)
        part: Shape = {}
        wet = rng.number(8, 160, 2)
        for kind in ("reserves", "resources"):
            ore = round(wet * (rng.number(0.2, 0.7) if kind == "reserves" else 1.0), 2)
            dry = round(ore * rng.number(0.6, 0.68), 2)
            reported = not empty and (kind == "resources" or rng.chance(0.5))
            part[f"total_{kind}_wmt"] = ore if reported else None
            part[f"total_{kind}_dmt"] = dry if reported and rng.chance(0.8) else None
            for oxide, (low, high) in oxides.items():
                grade = _range(rng, low, high) if reported and rng.chance(0.6) else None
                part[f"{oxide}_{kind}_pct"] = grade
                if oxide in {"Ni", "Co"}:
                    mean = (grade["min"] + grade["max"]) / 2 if grade else None
                    # Million tonnes times a percentage are ten thousand tonnes of metal each.
                    part[f"{oxide}_{kind}_Kt"] = round(dry * mean * 10, 2) if mean else None
        shape[layer] = part
    return shape
