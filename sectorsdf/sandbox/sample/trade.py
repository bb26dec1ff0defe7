"""Generate trade and production by country: exports, other countries, and national production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.sample.countries import (
    COAL_COUNTRIES,
    EXPORT_COUNTRIES,
    METAL_COUNTRIES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_exports", "make_global_commodities", "make_total_production"]

# One year of gold is missing.
_EXPORT_YEARS: dict[str, tuple[int, ...]] = {
    "Coal": tuple(range(2013, 2025)),
    "Copper": tuple(range(2012, 2025)),
    "Gold": tuple(year for year in range(2013, 2024) if year != 2015),
}
_GOLD_ROWS = (11, 17)
_YEARS = tuple(range(2014, 2025))
_RANKS = ("anthracite", "sub_bituminous_bituminous_lignite")
_WORLD = {"Coal": 8000.0, "Gold": 3300.0, "Copper": 22_000.0, "Nickel": 3000.0, "Bauxite": 400e3}
_UNIT = {"Coal": "Mt", "Gold": "ton", "Copper": "Kt", "Nickel": "Kt", "Bauxite": "Kt"}
# First value and unit of the national production, and whether the year after the gap has a change.
_NATIONAL: dict[str, tuple[float, str, bool]] = {
    "Coal": (450.0, "Mt", True),
    "Copper": (1_900_000.0, "mt", True),
    "Gold": (60_000.0, "Kg", True),
    "Nickel": (40.0, "Mt", False),
}
_GAP = 2016


def make_exports(_: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int) -> list[Record]:
    """Return the exports of Indonesia, one record a commodity and year.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    return [
        {"key": {"commodity_type": commodity, "year": year}, "answer": _exports(rng, commodity)}
        for commodity, years in _EXPORT_YEARS.items()
        for year in years
    ][:count]


def _exports(rng: SeededRandom, commodity: str) -> list[Record]:
    countries = EXPORT_COUNTRIES[commodity]
    if commodity == "Gold":
        countries = countries[: rng.integer(*_GOLD_ROWS)]
    rows: list[Record] = []
    for position, country in enumerate(countries):
        usd: float | None = float(100_000 * rng.integer(1, 60_000 // (position + 1)))
        volume: float | None = round((usd or 0) / rng.integer(50, 110) / 1e6, 4)
        esdm = round((volume or 0) * rng.number(0.4, 2.7, 3), 3) if commodity == "Coal" else None
        unit: str | None = "Mt"
        if commodity == "Copper":
            volume, unit = round((volume or 0) * 20_000, 1), "ton"
            # Countries that buy nothing in the year are there without figures.
            if position >= len(countries) - 3 and rng.chance(0.7):
                usd = volume = None
        elif commodity == "Gold":
            usd, volume, unit = int(usd or 0), None, None
        elif position == len(countries) - 1:
            usd, volume, esdm = 0, 0.0, 0.0
        rows.append(
            {
                "country": country,
                "export_usd": usd,
                "export_volume_bps": volume,
                "export_volume_esdm": esdm,
                "volume_unit": unit,
            }
        )
    return sorted(rows, key=lambda row: (row["export_usd"] is None, -(row["export_usd"] or 0)))


def make_global_commodities(
    _: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the reserves, trade and production of countries, one record a country and commodity.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    records = [_coal_country(rng, country, number) for number, country in enumerate(COAL_COUNTRIES)]
    for commodity, countries in METAL_COUNTRIES.items():
        records += [_country(rng, commodity, country) for country in countries]
    records.sort(key=lambda record: (record["country"], record["commodity_type"]))
    return records[:count]


def _country(rng: SeededRandom, commodity: str, country: str) -> Record:
    produced = _series(rng, _WORLD[commodity] * rng.number(0.005, 0.15, 3))
    if commodity == "Bauxite":
        # The first year is zero everywhere.
        produced["2014"] = 0.0
    return {
        "country": country,
        "commodity_type": commodity,
        "resources_reserves": None,
        "resources_reserves_share": None,
        "resources_reserves_unit": None,
        "export_import_usd": None,
        "production_volume": produced,
        "production_share": {
            year: round(100 * value / _WORLD[commodity], 2) for year, value in produced.items()
        },
        "production_volume_unit": _UNIT[commodity],
    }


def _coal_country(rng: SeededRandom, country: str, number: int) -> Record:
    record = _country(rng, "Coal", country)
    if number % 9 not in {0, 3, 6}:
        record |= dict.fromkeys(("production_volume", "production_share", "production_volume_unit"))
    if number % 7 in {1, 4, 6}:
        reserves = {rank: rng.integer(0, 80_000) for rank in _RANKS}
        record["resources_reserves"] = {"2020": reserves}
        record["resources_reserves_share"] = {
            "2020": {rank: round(value / 3500, 2) for rank, value in reserves.items()}
        }
        record["resources_reserves_unit"] = "Mt"
    if number % 12 != 5:
        # The first country has neither, others no exports.
        trade: dict[str, float | None] = {
            "export": rng.number(0, 6e10),
            "import": rng.number(0, 9e9),
        }
        if number % 12 == 0:
            trade = dict.fromkeys(trade)
        elif number % 3 == 0:
            trade["export"] = None
        record["export_import_usd"] = {"2023": trade}
    return record


def _series(rng: SeededRandom, first: float) -> dict[str, float]:
    values: dict[str, float] = {}
    value = first
    for year in _YEARS:
        values[str(year)] = round(value, 1)
        value *= rng.number(0.9, 1.12, 3)
    return values


def make_total_production(
    _: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return Indonesia's production, one record a commodity.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    return [{"key": commodity, "answer": _production(rng, commodity)} for commodity in _NATIONAL][
        :count
    ]


def _production(rng: SeededRandom, commodity: str) -> list[Record]:
    value, unit, has_change = _NATIONAL[commodity]
    rows: list[Record] = []
    before: float | None = None
    for year in range(2013, 2025):
        # The change of the year after the gap spans two years, or is null.
        if year == _GAP and commodity != "Coal":
            continue
        volume = round(value, 1 if unit == "Mt" else 0)
        if year == _GAP + 1 and not has_change:
            before = None
        change = None if before is None else round(100 * (volume - before) / before, 2)
        rows.append(
            {
                "year": year,
                "production_volume": volume,
                "prev_year_volume": before,
                "unit": unit,
                "yoy_change_percent": change,
            }
        )
        before = volume
        value *= rng.number(0.8, 1.3, 3)
    return rows[::-1]
