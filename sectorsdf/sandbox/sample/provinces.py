"""Generate the resources and reserves of provinces, and the index of what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_index", "make_provinces"]

_PROVINCES = (
    "Aceh",
    "Banten",
    "Bengkulu",
    "Gorontalo",
    "Jambi",
    "Jawa Barat",
    "Jawa Tengah",
    "Jawa Timur",
    "Kalimantan Barat",
    "Kalimantan Selatan",
    "Kalimantan Tengah",
    "Kalimantan Timur",
    "Kalimantan Utara",
    "Kepulauan Bangka Belitung",
    "Kepulauan Riau",
    "Lampung",
    "Maluku",
    "Maluku Utara",
    "Nusa Tenggara Barat",
    "Nusa Tenggara Timur",
    "Papua",
    "Papua Barat",
    "Papua Barat Daya",
    "Papua Tengah",
    "Riau",
    "Sulawesi Barat",
    "Sulawesi Selatan",
    "Sulawesi Tengah",
    "Sulawesi Tenggara",
    "Sulawesi Utara",
    "Sumatera Barat",
    "Sumatera Selatan",
    "Sumatera Utara",
)
# Share of the provinces that have each commodity.
_SHARES = {
    "Coal": 0.67,
    "Cobalt": 0.12,
    "Copper": 0.67,
    "Gold": 0.8,
    "Nickel": 0.3,
    "Silver": 0.75,
    "Tin": 0.16,
}
_LATEST = 2024
# Metal in a thousand tons of ore.
_METAL_SHARE = {
    "Cobalt": 0.001,
    "Copper": 0.006,
    "Gold": 1e-6,
    "Nickel": 0.015,
    "Silver": 1e-5,
    "Tin": 0.002,
}


def make_provinces(
    _: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the resources and reserves of provinces, each with all years and commodities.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    records: list[Record] = []
    for number, province in enumerate(_PROVINCES[:count]):
        data: dict[str, dict[str, Any]] = {}
        for year, names in _years(rng, number).items():
            # In one province the metals of an earlier year are in tons.
            unit = "t" if number == 0 and year < _LATEST else "kt"
            data[str(year)] = {
                name: _coal(rng) if name == "Coal" else _metal(rng, name, unit) for name in names
            }
        records.append({"key": province, "answer": {"province": province, "data": data}})
    return records


def make_index(sample: Mapping[str, Sequence[Record]], _: SeededRandom, count: int) -> list[Record]:
    """Return the commodities of each province with the years that there are of them.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the provinces are read.
    count : int
        Number of records.
    """
    records: list[Record] = []
    for province in sample["mining_resources_reserves"][:count]:
        years: dict[str, list[int]] = {}
        for year, commodities in province["answer"]["data"].items():
            for name in commodities:
                years.setdefault(name, []).append(int(year))
        records.append({"key": province["key"], "answer": dict(sorted(years.items()))})
    return records


def _years(rng: SeededRandom, number: int) -> dict[int, list[str]]:
    """Return the commodities of each year, newest first; most are there for one year only."""
    names = list(_SHARES) if number == 0 else [n for n in _SHARES if rng.chance(_SHARES[n])]
    years: dict[int, list[str]] = {}
    for name in names or ["Gold"]:
        spans: tuple[int, ...] = (_LATEST,)
        if number == 0:
            # One province has the history that the API's documentation shows.
            spans = tuple(range(_LATEST, _LATEST - rng.integer(1, 6), -1))
        elif name == "Coal":
            spans = (_LATEST, _LATEST - 1) if rng.chance(0.69) else (_LATEST - 1,)
        for year in spans:
            years.setdefault(year, []).append(name)
    return dict(sorted(years.items(), reverse=True))


def _coal(rng: SeededRandom) -> dict[str, float]:
    parts = [_volume(rng, 3000) for _ in range(3)]
    total = round(sum(parts), 2)
    reserves = round(total * rng.number(0.1, 0.5), 2)
    # Zero also where nothing was verified.
    verified = 0.0 if rng.chance(0.15) else rng.number(0.6, 1.0)
    return {
        "exploration_target_Mt": _volume(rng, 50),
        "total_inventory_Mt": _volume(rng, 2000),
        "inferred_resources_Mt": parts[0],
        "indicated_resources_Mt": parts[1],
        "measured_resources_Mt": parts[2],
        "total_resources_Mt": total,
        "total_resources_verify_Mt": round(total * verified, 2),
        "total_reserves_Mt": reserves,
        "total_reserves_verify_Mt": round(reserves * verified, 2),
    }


def _volume(rng: SeededRandom, most: float) -> float:
    return 0.0 if rng.chance(0.15) else rng.number(0.1, most)


def _metal(rng: SeededRandom, name: str, unit: str) -> dict[str, float]:
    """Return the ore and, in the keys without `ore_`, the metal in it."""
    scale = 1000 if unit == "t" else 1
    figures: dict[str, float] = {}
    for kind, categories in (
        ("resources", ("inferred", "indicated", "measured")),
        ("reserves", ("probable", "proven")),
    ):
        totals = [0.0, 0.0]
        for category in categories:
            ore = _volume(rng, 400_000 if kind == "resources" else 60_000) * scale
            metal = ore * _METAL_SHARE[name] * rng.number(0.4, 1.6)
            figures[f"ore_{category}_{kind}_{unit}"] = round(ore, 3)
            # The source has no metal of the measured ore; it is in the total.
            if category != "measured" or unit == "t":
                figures[f"{category}_{kind}_{unit}"] = round(metal, 3)
            totals = [totals[0] + ore, totals[1] + metal]
        figures[f"ore_total_{kind}_{unit}"] = round(totals[0], 3)
        figures[f"total_{kind}_{unit}"] = round(totals[1], 3)
    return figures
