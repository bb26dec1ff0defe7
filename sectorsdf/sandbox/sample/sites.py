"""Generate mine sites with every documented shape of resources and reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.geography import draw_place
from sectorsdf.sandbox.sample.reserves import category_list, coal_reserves, make_reserves
from sectorsdf.sandbox.sample.words import company, slugify

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
_SIDES = ("Utara", "Selatan", "Timur", "Barat", "Tengah", "Hulu", "Hilir")


def make_sites(rng: SeededRandom, count: int, serial: int, taken: Container[str]) -> list[Record]:
    """Return sites as the API's record endpoint returns them.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    serial : int
        Number of the first record. Numbers are part of names and slugs.
    taken : container of str
        Slugs that are already in use.
    """
    records: list[Record] = []
    for number in range(count):
        name = _name(rng, serial + number)
        while slugify(name) in taken:
            serial += 1
            name = _name(rng, serial + number)
        records.append(_site(rng, name, rng.draw(_COMMODITY)))
    # In fewer rows the oddities would outnumber the others.
    if count >= 60:
        _plant_oddities(rng, records)
    return records


def _name(rng: SeededRandom, serial: int) -> str:
    # The slug loses the dash: slugs cannot always be derived from names.
    if serial % 50 == 7:
        return f"Blok Contoh {serial}\N{EN DASH}{serial + 1}"
    form = "Tambang Contoh" if rng.chance(0.3) else "Contoh"
    return f"{form} {rng.pick(_SIDES)} {serial + 1}"


def _site(rng: SeededRandom, name: str, commodity: str) -> Record:
    province = rng.draw(_PROVINCES[commodity])
    owner = company(9 + rng.integer(0, 2000) if rng.chance(0.7) else rng.integer(1, 8))
    year = 2024 if rng.chance(0.92) else 2023
    is_coal = commodity == "Coal"
    return {
        "name": name,
        "project_name": f"Proyek Contoh {rng.integer(1, 40)}" if rng.chance(0.18) else None,
        "year": year,
        "commodity_type": commodity,
        "production_volume": _production(rng) if rng.chance(0.13) else None,
        "unit": _UNIT[commodity],
        "overburden_removal_volume": rng.number(15, 480, 1)
        if is_coal and rng.chance(0.08)
        else None,
        "strip_ratio": rng.number(3, 26, 1) if is_coal and rng.chance(0.08) else None,
        "resources_reserves": make_reserves(rng, commodity, year),
        "location": _location(rng, province),
        "company_slug": owner.slug,
        "company_name": owner.name,
        "slug": slugify(name),
    }


def _location(rng: SeededRandom, province: str) -> Record:
    place = draw_place(rng, province)
    latitude, longitude = place.draw_point(rng)
    return {
        "province": province,
        "city": place.bare_name,
        "latitude": latitude,
        "longitude": longitude,
    }


def _production(rng: SeededRandom) -> float:
    # Some of the real records have a round volume as an integer.
    volume = rng.number(0.4, 45, 1)
    return int(volume) if rng.chance(0.15) and volume >= 1 else volume


def _plant_oddities(rng: SeededRandom, records: list[Record]) -> None:
    """Turn a few rows into the repetitions and inconsistencies of the real records."""
    spare = [
        record
        for record in records
        if record["commodity_type"] == "Coal" and record["year"] == 2024
    ]
    gold = next((record for record in records if record["commodity_type"] == "Gold"), spare[14])

    def repeat(source: Record, target: Record, **changes: object) -> None:
        production = target["production_volume"]
        target.update(source, production_volume=production, **changes)

    for target, year in zip(spare[1:3], (2022, 2023), strict=True):
        repeat(spare[0], target, year=year, resources_reserves=make_reserves(rng, "Coal", year))
    repeat(spare[3], spare[4], year=2023)
    # One ore body with two metals, then one site that two companies share.
    repeat(gold, spare[5], commodity_type="Copper", unit="kton")
    partner = company(77)
    repeat(spare[6], spare[7], company_name=partner.name, company_slug=partner.slug)
    spare[8]["location"] = dict.fromkeys(("province", "city", "latitude", "longitude"))
    spare[9]["resources_reserves"] = None
    for record in spare[10:12]:
        record["resources_reserves"] = category_list(rng)
    spare[12]["resources_reserves"] = coal_reserves(rng, 2024) | {
        "proven_reserves_Mt": 900.5,
        "probable_reserves_Mt": 10.0,
        "total_reserves_Mt": 640.2,
    }
    spare[13]["resources_reserves"] = coal_reserves(rng, 2025)
