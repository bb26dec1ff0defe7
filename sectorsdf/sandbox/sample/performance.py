"""Generate what companies produce, sell and have in the ground, and the products of coal mines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.products import make_products
from sectorsdf.sandbox.sample.reserves import plain_reserves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["make_performance"]

_COMPANIES = 139
# The years of the companies: how many have which. They are 337 together.
_YEARS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (24, (2019, 2020, 2021, 2022, 2023, 2024)),
    (2, (2019, 2020, 2021, 2022, 2023)),
    (1, (2020, 2021, 2022, 2023, 2024)),
    (1, (2021, 2022, 2023, 2024)),
    (63, (2023, 2024)),
    (32, (2024,)),
    (16, (2023,)),
)
_UNIT = {"Coal": "Mt", "Gold": "koz", "Copper": "kton", "Nickel": "wmt", "Silver": "koz"}
# The production of a year in the unit of its commodity.
_PRODUCTION = {
    "Coal": (0.4, 60),
    "Gold": (20, 700),
    "Copper": (2, 200),
    "Nickel": (0.5, 15),
    "Silver": (50, 900),
}
_COAL_TYPE: Weighted[str | None] = Weighted(
    {
        "Thermal Coal": 32,
        None: 21,
        "Sub-Bituminous": 18,
        "Bituminous": 9,
        "Metallurgical Coal": 7,
        "Bituminous: Metallurgical coal, thermal coal": 5,
        "Metallurgical, Sub-Bituminous Coal": 3,
        "Low-rank": 3,
    }
)
_STATUS: Weighted[str] = Weighted({"production": 82, "development": 16, "inactive": 2})
# Several rows of one commodity in one year, in the units in which the companies report them.
_SEVERAL: tuple[tuple[tuple[str, str | None, str], ...], ...] = (
    (
        ("Gold", None, "koz"),
        ("Nickel", "Limonite & Saprolite Ore", "wmt"),
        ("Nickel", "Ferronickel", "TNi"),
        ("Nickel", "Limonite Ore", "wmt"),
        ("Nickel", "Saprolite Ore", "wmt"),
        ("Silver", None, "kg"),
    ),
    (
        ("Nickel", "Limonite Ore", "wmt"),
        ("Nickel", "Saprolite Ore", "wmt"),
        ("Nickel", "Nickel Matte", "ton"),
        ("Nickel", "Nickel Pig Iron", "ton"),
    ),
    (("Nickel", "Limonite & Saprolite Ore", "wmt"), ("Nickel", "Nickel Matte", "ton")),
    (
        ("Coal", None, "Mt"),
        ("Nickel", "Limonite & Saprolite Ore", "wmt"),
        ("Nickel", "MHP & NiSO\N{SUBSCRIPT FOUR}", "kton"),
    ),
    (("Gold", None, "koz"), ("Copper", None, "kton"), ("Silver", None, "koz")),
    (("Gold", None, "koz"), ("Silver", None, "koz")),
)
_REFINED = {"TNi": 20_000, "ton": 60_000, "kg": 6_000, "kton": 100}
# A company whose mines produce nickel reports two kinds of ore, or their sum.
_NICKEL_ORE = (("Limonite Ore", "Saprolite Ore"), ("Limonite & Saprolite Ore",))


def make_performance(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the performance of companies, one record a company and year.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which companies and sites are read.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    records: list[Record] = []
    several = 0
    for company, years in zip(_companies(rng, sample), _all_years(rng), strict=False):
        kinds = _kinds(rng, company)
        if kinds[0][0] in {"Nickel", "Gold"} and years[-1] == 2024 and several < len(_SEVERAL):
            kinds = _SEVERAL[several]
            several += 1
        products = {kind: make_products(rng, kind[0]) for kind in kinds}
        status = rng.draw(_STATUS)
        for year in years:
            data = [
                {
                    "year": year,
                    "commodity_type": kind[0],
                    "commodity_sub_type": kind[1],
                    "commodity_stats": _stats(rng, kind, year, status, products[kind]),
                }
                for kind in kinds
            ]
            answer = {"year": year, "available_years": list(years), "data": data}
            records.append({"key": {"slug": company["slug"], "year": year}, "answer": answer})
    return records[:count]


def _companies(rng: SeededRandom, sample: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return the companies with a performance: those with sites first, then other owners."""
    owners = {row["company_slug"] for row in sample["mining_sites"]}
    companies = [row for row in sample["mining_companies"] if set(row["commodity_type"]) & {*_UNIT}]
    rng.shuffle(companies)
    companies.sort(
        key=lambda row: (
            row["company_type"] not in {"Mine Owner", "Holding"},
            row["slug"] not in owners,
            row["symbol"] is None,
        )
    )
    chosen = companies[:_COMPANIES]
    rng.shuffle(chosen)
    return chosen


def _all_years(rng: SeededRandom) -> list[tuple[int, ...]]:
    years = [each for count, each in _YEARS for _ in range(count)]
    rng.shuffle(years)
    return years


def _kinds(rng: SeededRandom, company: Record) -> tuple[tuple[str, str | None, str], ...]:
    """Return the rows of a company's year: commodity, sub-type and unit of each."""
    commodity = next(name for name in company["commodity_type"] if name in _UNIT)
    if commodity == "Nickel":
        ores = _NICKEL_ORE[rng.chance(0.3)]
        return tuple((commodity, ore, _UNIT[commodity]) for ore in ores)
    sub_type = rng.draw(_COAL_TYPE) if commodity == "Coal" else None
    return ((commodity, sub_type, _UNIT[commodity]),)


def _stats(
    rng: SeededRandom,
    kind: tuple[str, str | None, str],
    year: int,
    status: str,
    products: list[Record] | None,
) -> dict[str, Any]:
    commodity, _, unit = kind
    low, high = _PRODUCTION[commodity]
    volume: float | None = rng.number(low, high)
    if unit in _REFINED:
        volume = float(round(_REFINED[unit] * rng.number(0.5, 1.5)))
    if status != "production" or rng.chance(0.17 if commodity == "Coal" else 0.35):
        volume = None
    sold = rng.number(0.85, 1.1, 3)
    stats: dict[str, Any] = {
        "unit": unit,
        "mining_operation_status": status,
        "production_volume": volume,
        "sales_volume": None if volume is None or rng.chance(0.3) else round(volume * sold, 2),
    }
    if commodity == "Coal":
        stats |= _overburden(rng, volume)
    stats["resources_reserves"] = plain_reserves(rng, commodity, year)
    stats["products"] = products
    return stats


def _overburden(rng: SeededRandom, volume: float | None) -> dict[str, float | None]:
    """Return the overburden of a coal mine, in million cubic metres, and its strip ratio."""
    ratio = rng.number(2.2, 16)
    form = rng.random()
    if volume is None or form < 0.35:
        return {"overburden_removal_volume": None, "strip_ratio": None}
    overburden = round(volume * ratio, 2)
    if form > 0.96:
        # The two reports of a company do not always agree.
        ratio = round(ratio + 1.5, 2)
    return {
        "overburden_removal_volume": None if form < 0.48 else overburden,
        "strip_ratio": ratio,
    }
