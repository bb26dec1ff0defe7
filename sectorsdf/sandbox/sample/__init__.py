"""The synthetic sample: seeded records with the shape of the API's, and no real content.

Every company is called Contoh (Indonesian for "example"), every regency is numbered, and e-mail
addresses end in `.example`. Points lie on land, in their province. The sample keeps the oddities of
the real records: how many rows tie on a day, which fields are null, which codes have an unusual
form, which licences run too long or are too large. The datasets fit together: the holders of
licences and sites are in the list of companies, whose details, owners, contracts and figures the
other datasets have, and auctioned areas are in the list of licences.

Owns the records that a sandbox serves by default. Imports `sandbox.rng` and nothing else of the
package, so that the sample never depends on the code that is tested with it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample.auctions import make_auctions
from sectorsdf.sandbox.sample.companies import make_companies, make_more_companies
from sectorsdf.sandbox.sample.contracts import make_contracts
from sectorsdf.sandbox.sample.details import make_details
from sectorsdf.sandbox.sample.finance import make_destinations, make_financials
from sectorsdf.sandbox.sample.licenses import make_licenses, make_more_licenses
from sectorsdf.sandbox.sample.ownership import make_ownership
from sectorsdf.sandbox.sample.performance import make_performance
from sectorsdf.sandbox.sample.prices import make_commodities, make_prices
from sectorsdf.sandbox.sample.provinces import make_index, make_provinces
from sectorsdf.sandbox.sample.sites import make_sites
from sectorsdf.sandbox.sample.trade import (
    make_exports,
    make_global_commodities,
    make_total_production,
)

if TYPE_CHECKING:
    from sectorsdf.sandbox.records import Record

__all__ = ["GROWING", "SIZES", "Sample", "generate_more"]

_Make = Callable[[Mapping[str, Sequence["Record"]], SeededRandom, int], list["Record"]]
_MakeMore = Callable[[SeededRandom, int, int, Container[str]], list["Record"]]


class _Maker(NamedTuple):
    """How the records of a dataset are made.

    Attributes
    ----------
    size : int
        How many there are by default.
    make : callable
        Make that many, from the other datasets and a source of draws.
    more : callable, optional
        Make more of them for a running server.
    """

    size: int
    make: _Make
    more: _MakeMore | None = None


def _alone(make: _MakeMore) -> _Make:
    """Return the maker of a dataset that needs no other."""
    return lambda _, rng, count: make(rng, count, 0, ())


_MAKERS: dict[str, _Maker] = {
    "mining_licenses": _Maker(4151, make_licenses, make_more_licenses),
    "mining_license_auctions": _Maker(14, _alone(make_auctions), make_auctions),
    "mining_sites": _Maker(156, _alone(make_sites), make_sites),
    "mining_companies": _Maker(366, make_companies, make_more_companies),
    "mining_company": _Maker(366, make_details),
    "mining_company_ownership": _Maker(366, make_ownership),
    "mining_company_financials": _Maker(18, make_financials),
    "mining_company_performance": _Maker(337, make_performance),
    "mining_contracts": _Maker(34, make_contracts),
    "mining_sales_destination": _Maker(16, make_destinations),
    "mining_commodities": _Maker(18, make_commodities),
    "mining_commodity_prices": _Maker(18, make_prices),
    "mining_exports": _Maker(35, make_exports),
    "mining_global_commodity": _Maker(136, make_global_commodities),
    "mining_total_production": _Maker(4, make_total_production),
    "mining_resources_reserves_index": _Maker(33, make_index),
    "mining_resources_reserves": _Maker(33, make_provinces),
}
SIZES: Mapping[str, int] = MappingProxyType({name: maker.size for name, maker in _MAKERS.items()})
"""How many records each dataset of the sample has by default."""

GROWING = frozenset(name for name, maker in _MAKERS.items() if maker.more is not None)
"""The datasets of which more records can be generated: the paged lists."""

# Added records are numbered from here, beyond the numbers of any sample.
_FIRST_ADDED = 500_000


class Sample(Mapping[str, "list[Record]"]):
    """The records of a seed by dataset, each dataset made when it is first read.

    Not safe for use by several threads: the caller holds a lock.

    Parameters
    ----------
    seed : int
        Seed of all draws. A seed gives the same records in every process and Python version.
    sizes : mapping of str to int, optional
        Numbers of records that differ from `SIZES`. Licences, auctions, sites and companies can
        have any number, the other datasets at most as many as the companies or the kinds of
        records allow.

    Raises
    ------
    ValueError
        If a dataset is unknown or a number is negative.
    """

    def __init__(self, seed: int, sizes: Mapping[str, int] | None = None) -> None:
        unknown = set(sizes or {}) - set(_MAKERS)
        if unknown:
            names = ", ".join(sorted(unknown))
            msg = f"the sample has no dataset {names}; it has {', '.join(_MAKERS)}"
            raise ValueError(msg)
        self._seed = seed
        self._sizes = {**SIZES, **(sizes or {})}
        self._made: dict[str, list[Record]] = {}
        negative = {name: size for name, size in self._sizes.items() if size < 0}
        if negative:
            msg = f"a number of records must not be negative: {negative}"
            raise ValueError(msg)

    def __getitem__(self, dataset: str) -> list[Record]:
        if dataset not in self._made:
            rng = SeededRandom("sample", self._seed, dataset)
            self._made[dataset] = _MAKERS[dataset].make(self, rng, self._sizes[dataset])
        return self._made[dataset]

    def __iter__(self) -> Iterator[str]:
        return iter(_MAKERS)

    def __len__(self) -> int:
        return len(_MAKERS)


def generate_more(
    seed: int, dataset: str, count: int, *, serial: int, taken: Container[str]
) -> list[Record]:
    """Return more records for a running server, none with the key of another.

    Parameters
    ----------
    seed : int
        Seed of the draws.
    dataset : str
        Name of the dataset: licences, auctions, sites or companies.
    count : int
        Number of records.
    serial : int
        How many were added before.
    taken : container of str
        Codes or slugs that are already in use.

    Raises
    ------
    ValueError
        If records of the dataset are not made one by one.
    """
    more = _MAKERS[dataset].more
    if more is None:
        if count == 0:
            return []
        msg = f"records of {dataset} cannot be generated for a running server; pass the records"
        raise ValueError(msg)
    rng = SeededRandom("more", seed, dataset, serial)
    # One at a time: makers plant the sample's oddities in a batch, and a small batch would hold
    # little else.
    made: list[Record] = []
    for number in range(count):
        made += more(rng, 1, _FIRST_ADDED + serial + number, taken)
    return made
