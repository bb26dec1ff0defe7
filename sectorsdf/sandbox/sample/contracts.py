"""Generate contracts between the owners of mines and their contractors."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sectorsdf.sandbox.sample.words import REFERENCE_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["make_contracts"]

_OWNERS, _CONTRACTORS = 14, 22
_LAST_YEAR = 2035


def make_contracts(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return contracts in the order of their ends, those without an end last.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the companies are read.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    companies = sample["mining_companies"]
    owners = _some(rng, companies, "Mine Owner", _OWNERS)
    contractors = _some(rng, companies, "Contractor", _CONTRACTORS)
    if not owners or not contractors:
        return []
    # A contractor that has contractors of its own.
    owners.append(contractors[0])
    records: list[Record] = []
    for number in range(count):
        owner = owners[number % len(owners) if number < len(owners) else _skewed(rng, len(owners))]
        contractor = contractors[number % len(contractors)]
        if contractor is owner:
            contractor = contractors[-1]
        records.append(_contract(owner, contractor, _end(rng, number)))
    if count > 5:
        # One pair has two contracts.
        records[5] = records[4] | {"contract_period_end": _end(rng, 5)}
        for record in (records[0], records[3]):
            record["contract_period_end"] = None
    return sorted(records, key=lambda record: record["contract_period_end"] or "9")


def _some(rng: SeededRandom, companies: Sequence[Record], kind: str, count: int) -> list[Record]:
    found = [row for row in companies if row["company_type"] == kind]
    coal = [row for row in found if "Coal" in row["commodity_type"]]
    rng.shuffle(coal)
    return coal[:count]


def _skewed(rng: SeededRandom, count: int) -> int:
    return int(count * rng.random() ** 2)


def _contract(owner: Record, contractor: Record, end: str | None) -> Record:
    return {
        "mine_owner_slug": owner["slug"],
        "mine_owner_name": owner["name"],
        "contractor_slug": contractor["slug"],
        "contractor_name": contractor["name"],
        "contract_period_end": end,
    }


def _end(rng: SeededRandom, number: int) -> str:
    # A third has ended: the API still shows them.
    if number % 3 == 1:
        return (REFERENCE_DAY - timedelta(days=rng.integer(1, 366))).isoformat()
    year = rng.integer(REFERENCE_DAY.year, _LAST_YEAR)
    last = date(year, 12, 31)
    return (last if rng.chance(0.4) else last - timedelta(days=rng.integer(1, 364))).isoformat()
