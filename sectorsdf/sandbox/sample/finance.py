"""Generate the financials of listed companies, and where they sell to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_destinations", "make_financials"]

_REPORTING = 9
_YEARS = (2023, 2024)
_REVENUE = (
    ("coal_mining_and_trading", "logistics", "others"),
    ("mining", "others"),
    ("coal", "gold_and_silver"),
    ("coal_mining", "coal_trading"),
    ("coal", "services"),
)
_COSTS = (
    ("royalty", "freight_and_handling", "logistic"),
    ("stripping_and_mining", "royalty", "freight"),
    ("royalty", "hauling", "equipment_rental"),
)
# Shares in percent and a sub-total among the items, as one company reports them.
_MIXED = (
    "coal_pct",
    "non_coal_pct",
    "sales_of_coal",
    "energy_services",
    "energy_resources",
    "logistics_and_infrastructure",
    "others",
)
_MILLION = 1_000_000

# The years of each company that reports where it sells to.
_DESTINATION_YEARS = (
    (2024,),
    (2022, 2023, 2024),
    (2022, 2023, 2024),
    (2023, 2024),
    (2023, 2024),
    (2023, 2024),
    (2023, 2024),
    (2024,),
)
_COUNTRIES = (
    "Bangladesh",
    "Brunei",
    "Cambodia",
    "China",
    "Hong Kong",
    "India",
    "Indonesia",
    "Italy",
    "Japan",
    "Korea",
    "Malaysia",
    "Others",
    "Pakistan",
    "Philippines",
    "Singapore",
    "Taiwan",
    "Thailand",
    "Vietnam",
)
_REGIONS = (
    "China",
    "India",
    "Indonesia",
    "Northeast Asia",
    "Others",
    "South Asia (India, Pakistan and Bangladesh)",
    "Southeast Asia (Malaysia, Philippines, Singapore and Vietnam)",
)


def make_financials(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the financials of a few listed companies, one record a company and year.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the companies are read.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    records: list[Record] = []
    for number, company in enumerate(_listed(sample)[:_REPORTING]):
        for year in _YEARS:
            data = _financials(rng, number, company, year)
            answer = {"year": year, "available_years": list(_YEARS), "data": data}
            records.append({"key": {"slug": company["slug"], "year": year}, "answer": answer})
    return records[:count]


def _listed(sample: Mapping[str, Sequence[Record]]) -> list[Record]:
    companies = sample["mining_companies"]
    listed = [row for row in companies if row["symbol"] and "Coal" in row["commodity_type"]]
    return sorted(listed, key=lambda row: row["company_type"] == "Contractor")


def _financials(rng: SeededRandom, number: int, company: Record, year: int) -> Record:
    revenue = rng.integer(900, 7000)
    cost = int(revenue * rng.number(0.5, 0.9))
    profit = int((revenue - cost) * rng.number(-0.1, 0.9))
    items = _parts(rng, _REVENUE[number % len(_REVENUE)], revenue)
    if number == 3:
        # Thousands among millions: the parts are several times the whole.
        items["others"] = items[next(reversed(items))] = float(3 * revenue * _MILLION)
    if number == 6:
        items = _mixed(rng, revenue)
    name = company["name"]
    return {
        "slug": company["slug"],
        "symbol": company["symbol"],
        # In one report the company has a shorter name than in the list.
        "name": name.removesuffix(" Tbk") if number == 5 else name,
        "year": year,
        "assets_usd": float(rng.integer(1200, 10500) * _MILLION),
        "revenue_usd": float(revenue * _MILLION),
        "revenue_breakdown": items,
        "cost_of_revenue_usd": float(cost * _MILLION),
        "cost_of_revenue_breakdown": _parts(
            rng, _COSTS[number % len(_COSTS)], int(cost * rng.number(0.3, 0.8))
        ),
        "net_profit_usd": float(profit * _MILLION),
    }


def _parts(rng: SeededRandom, names: Sequence[str], total: int) -> dict[str, float]:
    """Return dollars by name that add up to a total in millions; the first is the largest."""
    parts: dict[str, float] = {}
    left = total * 100
    for name in names[1:]:
        part = int(left * rng.number(0.01, 0.3))
        parts[name] = float(part * _MILLION // 100)
        left -= part
    return {names[0]: float(left * _MILLION // 100)} | parts


def _mixed(rng: SeededRandom, total: int) -> dict[str, float]:
    coal = rng.integer(80, 92)
    parts = _parts(rng, _MIXED[2:], total)
    parts["energy_resources"] = parts["sales_of_coal"] + parts["energy_services"]
    return {_MIXED[0]: float(coal), _MIXED[1]: float(100 - coal)} | parts


def make_destinations(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the sales destinations of a few companies, one record a company and year.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the companies are read.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    # The last one has no financials.
    companies = _listed(sample)[_REPORTING - len(_DESTINATION_YEARS) + 1 :]
    records: list[Record] = []
    for number, (company, years) in enumerate(zip(companies, _DESTINATION_YEARS, strict=False)):
        for year in years:
            answer = {"year": year, "data": _destinations(rng, number, year)}
            records.append({"key": {"slug": company["slug"], "year": year}, "answer": answer})
    return records[:count]


def _destinations(rng: SeededRandom, number: int, year: int) -> Record:
    """Return the destinations of a company, which reports only some of the four figures."""
    names = list(_REGIONS if number == 0 else _COUNTRIES)
    for _ in range(rng.integer(1, 2 if number == 0 else 5)):
        # The first four are always there.
        names.pop(rng.integer(4, len(names) - 1))
    weights = [rng.integer(1, 100) for _ in names]
    total = rng.number(15, 80)
    # Not every ton is assigned to a destination.
    whole = sum(weights) / rng.number(0.6, 1.0)
    destinations: Record = {}
    for position, (name, weight) in enumerate(zip(names, weights, strict=True)):
        share = weight / whole
        volume, revenue = round(total * share, 3), 1000 * int(90_000 * total * share)
        figures: dict[str, float | None] = dict.fromkeys(
            ("revenue_usd", "percentage_of_total_revenue", "volume", "percentage_of_sales_volume")
        )
        if number in {1, 3}:
            figures["revenue_usd"] = float(revenue)
        if number == 1 and year == 2022 and position == 0:
            figures["percentage_of_total_revenue"] = round(100 * share, 1)
        if number in {2, 4, 5, 6}:
            figures["volume"] = volume
        if number == 2 and year == 2023:
            figures["percentage_of_total_revenue"] = round(100 * share, 2)
        if number in {0, 4, 5, 6, 7}:
            figures["percentage_of_sales_volume"] = round(100 * share, 1)
        if number == 7 and position == 0:
            # The volume of the company as a whole.
            figures["volume"] = total
        destinations[name] = figures | {"commodity_type": "Coal", "unit": "Mt"}
    return destinations
