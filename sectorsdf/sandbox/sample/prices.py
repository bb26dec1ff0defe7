"""Generate price series, and the list that says from when to when each of them goes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_commodities", "make_prices"]


class _Series(NamedTuple):
    first: date
    price: float
    digits: int = 2


_METALS = date(2017, 10, 1)
_SERIES = {
    "Coal": _Series(date(2010, 8, 1), 95.0),
    "Coal (HBA 1)": _Series(date(2023, 3, 1), 130.0),
    "Coal (HBA 2)": _Series(date(2023, 3, 1), 95.0),
    "Coal (HBA 3)": _Series(date(2023, 8, 1), 40.0),
    "Nickel": _Series(_METALS, 11_000.0),
    "Cobalt": _Series(_METALS, 58_000.0),
    "Lead": _Series(_METALS, 2400.0),
    "Zinc": _Series(_METALS, 3000.0),
    "Aluminum": _Series(_METALS, 2050.0),
    "Copper": _Series(_METALS, 6600.0),
    # Dollars an ounce, although the field says a ton.
    "Gold as a co-product": _Series(_METALS, 1290.0),
    "Silver as a co-product": _Series(_METALS, 17.0),
    # Dollars a unit of grade.
    "Manganese": _Series(_METALS, 5.0),
    "Iron": _Series(_METALS, 1.0),
    "Chromium": _Series(_METALS, 4.0),
    "Titanium": _Series(_METALS, 9.0),
    "Gold": _Series(date(1968, 1, 1), 35.0),
    "Silver": _Series(date(1968, 1, 1), 2.0, 3),
}
# Twice a month from here on, but for the two series of the bullion market.
_TWICE = date(2025, 3, 1)
_MONTHLY = ("Gold", "Silver")
_LAST = date(2025, 12, 1)


def make_prices(_: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int) -> list[Record]:
    """Return whole price series, oldest price first.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    return [
        {"key": name, "answer": _prices(rng, name, series)} for name, series in _SERIES.items()
    ][:count]


def make_commodities(
    sample: Mapping[str, Sequence[Record]], _: SeededRandom, count: int
) -> list[Record]:
    """Return the list of the price series.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the prices are read.
    count : int
        Number of records.
    """
    return [
        {
            "name": record["key"],
            "data_points": len(record["answer"]),
            "earliest_date": record["answer"][0]["date"],
            "latest_date": record["answer"][-1]["date"],
        }
        for record in sample["mining_commodity_prices"][:count]
    ]


def _prices(rng: SeededRandom, name: str, series: _Series) -> list[Record]:
    rows: list[Record] = []
    price = series.price
    # A year's drift such that the long series end at a multiple of their first price.
    lowest, highest = (0.945, 1.068) if name in _MONTHLY else (0.93, 1.074)
    for month in range(series.first.year * 12 + series.first.month - 1, 12 * _LAST.year + 12):
        first = date(month // 12, month % 12 + 1, 1)
        days = [first]
        if first >= _TWICE and name not in _MONTHLY:
            days.append(first.replace(day=15))
        for day in days:
            rows.append(
                {
                    "name": name,
                    "date": day.isoformat(),
                    "price_usd_per_ton": round(price, series.digits),
                }
            )
            price *= rng.number(lowest, highest, 4)
    return rows
