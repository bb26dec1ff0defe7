"""Synthetic mine sites with every documented shape of resources and reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.reserves import coal, documented_list, make_reserves
from sectorsdf.sandbox.sample.words import company, regency, slugify

if TYPE_CHECKING:
    from collections.abc import Container

    from sectorsdf.sandbox.records import Record

__all__ = ["make_sites"]


_COMMODITY: Weighted[str] = Weighted({"Coal": 66, "Gold": 17, "Nickel": 10, "Copper": 7})
_UNIT = {"Coal": "Mt", "Gold": "koz", "Copper": "kton", "Nickel": "wmt"}
_PROVINCES: dict[str, Weighted[str]] = {
    "Coal": Weighted(
        {
            "Kalimantan Timur": 41,
            "Kalimantan Selatan": 24,
            "Kalimantan Tengah": 14,
            "Sumatera Selatan": 12,
            "Kalimantan Utara": 4,
            "Sumatera Barat": 2,
            "Jambi": 2,
        }
    ),
    "Gold": Weighted(
        {
            "Sulawesi Utara": 26,
            "Nusa Tenggara Barat": 12,
            "Sumatera Utara": 12,
            "Papua": 10,
            "Aceh": 8,
            "Banten": 8,
            "Jawa Timur": 8,
            "Gorontalo": 8,
        }
    ),
    "Nickel": Weighted(
        {
            "Sulawesi Tenggara": 38,
            "Maluku Utara": 22,
            "Sulawesi Tengah": 18,
            "Sulawesi Selatan": 14,
            "Papua Barat": 8,
        }
    ),
    "Copper": Weighted(
        {
            "Gorontalo": 30,
            "Papua": 15,
            "Maluku": 15,
            "Nusa Tenggara Barat": 25,
            "Sulawesi Barat": 15,
        }
    ),
}
_NAMES = tuple(sorted({name for each in _PROVINCES.values() for name in each.values}))
_SIDES = ("Utara", "Selatan", "Timur", "Barat", "Tengah", "Hulu", "Hilir")


def make_sites(dice: SeededRandom, count: int, serial: int, taken: Container[str]) -> list[Record]:
    """Return sites.

    Parameters
    ----------
    dice : SeededRandom
        The draws.
    count : int
        How many.
    serial : int
        Number of the first; numbers stand in names and slugs.
    taken : container of str
        Slugs that are in use already.
    """
    records: list[Record] = []
    for number in range(count):
        name = _name(dice, serial + number)
        while slugify(name) in taken:
            serial += 1
            name = _name(dice, serial + number)
        records.append(_site(dice, name, dice.draw(_COMMODITY)))
    # Fewer rows would be little else than oddities.
    if count >= 60:
        _plant_oddities(dice, records)
    return records


def _name(dice: SeededRandom, serial: int) -> str:
    # The dash vanishes from the slug: a slug is not always what the name promises.
    if serial % 50 == 7:
        return f"Blok Contoh {serial}\N{EN DASH}{serial + 1}"
    form = "Tambang Contoh" if dice.chance(0.3) else "Contoh"
    return f"{form} {dice.pick(_SIDES)} {serial + 1}"


def _site(dice: SeededRandom, name: str, commodity: str) -> Record:
    province = dice.draw(_PROVINCES[commodity])
    owner = company(9 + dice.integer(0, 2000) if dice.chance(0.7) else dice.integer(1, 8))
    year = 2024 if dice.chance(0.92) else 2023
    is_coal = commodity == "Coal"
    return {
        "name": name,
        "project_name": f"Proyek Contoh {dice.integer(1, 40)}" if dice.chance(0.18) else None,
        "year": year,
        "commodity_type": commodity,
        "production_volume": _production(dice) if dice.chance(0.13) else None,
        "unit": _UNIT[commodity],
        "overburden_removal_volume": dice.number(15, 480, 1)
        if is_coal and dice.chance(0.08)
        else None,
        "strip_ratio": dice.number(3, 26, 1) if is_coal and dice.chance(0.08) else None,
        "resources_reserves": make_reserves(dice, commodity, year),
        "location": {
            "province": province,
            "city": regency(dice, _NAMES, province).removeprefix("Kabupaten "),
            "latitude": dice.number(-8.9, 4.5, 6),
            "longitude": dice.number(96.0, 140.0, 6),
        },
        "company_slug": owner.slug,
        "company_name": owner.name,
        "slug": slugify(name),
    }


def _production(dice: SeededRandom) -> float:
    # JSON writes a round volume without a point, and so do some of the real records.
    volume = dice.number(0.4, 45, 1)
    return int(volume) if dice.chance(0.15) and volume >= 1 else volume


def _plant_oddities(dice: SeededRandom, records: list[Record]) -> None:
    """Turn a few rows into the repetitions and inconsistencies that clients must bear."""
    spare = [
        record
        for record in records
        if record["commodity_type"] == "Coal" and record["year"] == 2024
    ]
    gold = next((record for record in records if record["commodity_type"] == "Gold"), spare[14])

    def again(source: Record, target: Record, **changes: object) -> None:
        production = target["production_volume"]
        target.update(source, production_volume=production, **changes)

    for target, year in zip(spare[1:3], (2022, 2023), strict=True):
        again(spare[0], target, year=year, resources_reserves=make_reserves(dice, "Coal", year))
    again(spare[3], spare[4], year=2023)
    # One ore body, two metals; then one site that two companies share.
    again(gold, spare[5], commodity_type="Copper", unit="kton")
    partner = company(77)
    again(spare[6], spare[7], company_name=partner.name, company_slug=partner.slug)
    spare[8]["location"] = dict.fromkeys(("province", "city", "latitude", "longitude"))
    spare[9]["resources_reserves"] = None
    for record in spare[10:12]:
        record["resources_reserves"] = documented_list(dice)
    spare[12]["resources_reserves"] = coal(dice, 2024) | {
        "proven_reserves_Mt": 900.5,
        "probable_reserves_Mt": 10.0,
        "total_reserves_Mt": 640.2,
    }
    spare[13]["resources_reserves"] = coal(dice, 2025)
