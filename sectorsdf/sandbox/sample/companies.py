"""Generate the list of companies: holders of licences and sites, and the firms around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.words import registered, slug_of, ticker

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["make_companies", "make_more_companies"]

# Numbers of companies that hold no licence, beyond those of the holders.
_FIRST_REGISTERED = 20_001
_LISTED_SHARE = 68 / 366
# In a shorter list the oddities would outnumber the others.
_FEWEST_FOR_ODDITIES = 60
_ODD_NAMES = (
    "Contoh Pacific Nickel Pty Ltd",
    "Contoh Gold (UK) Limited (CGL)",
    "Contoh Coal Resources",
    "Contoh International Capital Pte",
    "Pt Contoh Asam Prima",
    "Contoh Resources Limited",
)
# One firm under two spellings.
_TWICE = ("PT Contoh Internasional Prima Bara", "PT Contoh International Prima Bara")

_HOLDER_TYPE: Weighted[str] = Weighted(
    {"Mine Owner": 73, "Contractor": 17, "Manufacturer": 6, "Trader": 2, "Holding": 2}
)
_LISTED_TYPE: Weighted[str] = Weighted({"Holding": 50, "Contractor": 42, "Trader": 8})
_OTHER_TYPE: Weighted[str] = Weighted(
    {"Contractor": 68, "Holding": 18, "Trader": 8, "Consultant": 6}
)
_OPERATION: dict[str, Weighted[str]] = {
    "Mine Owner": Weighted({"Mining": 1}),
    "Contractor": Weighted(
        {
            "Mining Services": 38,
            "Logistic Management": 36,
            "Equipment Rental": 11,
            "Overburden Removal & Hauling": 7,
            "Construction": 5,
            "Dredging": 3,
        }
    ),
    "Holding": Weighted({"Investment": 55, "Mining": 40, "Coal Trading": 5}),
    "Manufacturer": Weighted({"Mineral Refining": 1}),
    "Trader": Weighted({"Coal Trading": 1}),
    "Consultant": Weighted({"Mining Services": 1}),
}
_COMMODITIES: Weighted[tuple[str, ...]] = Weighted(
    {
        ("Coal",): 72,
        ("Nickel",): 13,
        ("Gold",): 4.5,
        (): 2.5,
        ("Copper",): 2,
        ("Gold", "Silver"): 1.5,
        ("Coal", "Gold"): 1,
        ("Gold", "Copper"): 0.7,
        ("Nickel", "Gold"): 0.4,
        ("Coal", "Nickel"): 0.4,
        ("Copper", "Gold", "Silver"): 0.4,
        ("Coal", "Gold", "Copper"): 0.4,
    }
)
# Combinations that occur once or twice, among them a commodity that no filter has.
_RARE_COMMODITIES = (
    ("Oil",),
    ("Oil",),
    ("Aluminium",),
    ("Coal", "Aluminium"),
    ("Zinc and Lead",),
    ("Gold", "Copper", "Zinc and Lead"),
    (),
)
_MINED = ("Coal", "Copper", "Gold", "Nickel")


def make_companies(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return companies as the API's list returns them, in the order of their names.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, which name the holders of licences, auctions and sites.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    # The rest of the list is for companies that hold nothing.
    holders = list(_holders(sample).items())[: count * 3 // 4]
    records = [
        _company(rng, name, rng.draw(_HOLDER_TYPE), commodities) for name, commodities in holders
    ]
    listed = [record for record in records if record["name"].endswith(" Tbk")]
    odd = count >= _FEWEST_FOR_ODDITIES
    if odd:
        # One listed company lacks the suffix.
        listed.append(next(record for record in records if record not in listed))
        others = [
            _company(rng, name, "Holding" if "Capital" in name else "Mine Owner", None)
            for name in (*_ODD_NAMES, *_TWICE)
        ]
        for record in others[-2:]:
            record["commodity_type"] = ["Coal"]
        records += others
    missing = round(count * _LISTED_SHARE) - len(listed)
    for number in range(count - len(records)):
        is_listed = number < missing
        kind = rng.draw(_LISTED_TYPE if is_listed else _OTHER_TYPE)
        name = registered(_FIRST_REGISTERED + number, listed=is_listed)
        records.append(_company(rng, name, kind, None))
        if is_listed:
            listed.append(records[-1])
    for number, record in enumerate(listed):
        record["symbol"] = ticker(number)
    if odd:
        for record, commodities in zip(reversed(records), _RARE_COMMODITIES, strict=False):
            record["commodity_type"] = list(commodities)
    return sorted(records, key=lambda record: record["name"].casefold())


def make_more_companies(
    rng: SeededRandom, count: int, serial: int, taken: Container[str]
) -> list[Record]:
    """Return companies to add to a list, none with a slug that is already in use."""
    records: list[Record] = []
    while len(records) < count:
        record = _company(rng, registered(serial), rng.draw(_OTHER_TYPE), None)
        serial += 1
        if record["slug"] not in taken:
            records.append(record)
    return records


def _holders(sample: Mapping[str, Sequence[Record]]) -> dict[str, tuple[str, ...] | None]:
    """Return the names that have a slug in other datasets, with the commodities of their sites."""
    sites: dict[str, set[str]] = {}
    for site in sample["mining_sites"]:
        sites.setdefault(site["company_name"], set()).add(site["commodity_type"])
    holders: dict[str, tuple[str, ...] | None] = {
        name: tuple(sorted(commodities)) for name, commodities in sites.items()
    }
    for row in sample["mining_licenses"]:
        if row["company_slug"] is not None:
            mined = (row["commodity_type"],) if row["commodity_type"] in _MINED else None
            holders.setdefault(row["company_name"], mined)
    for row in sample["mining_license_auctions"]:
        # Auctions leave out the legal form, which is part of the slug.
        name = f"PT {row['company_name']}"
        if row["company_slug"] == slug_of(name):
            holders.setdefault(name, (row["commodity_type"],))
    return holders


def _company(
    rng: SeededRandom, name: str, kind: str, commodities: tuple[str, ...] | None
) -> Record:
    drawn = rng.draw(_COMMODITIES)
    return {
        "slug": slug_of(name),
        "name": name,
        "symbol": None,
        "company_type": kind,
        "key_operation": rng.draw(_OPERATION[kind]),
        "commodity_type": list(drawn if commodities is None else commodities),
    }
