"""The synthetic sample: seeded records with the shape of the API's, and no real content.

Every company is called Contoh (Indonesian for "example"), every regency is numbered, and e-mail
addresses end in `.example`. The sample keeps the oddities of the real records: how many rows tie
on a day, which fields are null, which codes have an unusual form.

Owns the records that a sandbox serves by default. Imports `sandbox.rng` and nothing else of the
package, so that the sample never depends on the code that is tested with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample.auctions import make_auctions
from sectorsdf.sandbox.sample.licenses import make_licenses
from sectorsdf.sandbox.sample.sites import make_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from sectorsdf.sandbox.records import Record

__all__ = ["generate", "generate_more"]


_MAKERS: dict[str, Callable[[SeededRandom, int, int, Container[str]], list[Record]]] = {
    "mining_licenses": make_licenses,
    "mining_license_auctions": make_auctions,
    "mining_sites": make_sites,
}
# Added records are numbered from here, beyond the numbers of any sample.
_FIRST_ADDED = 500_000


def generate(seed: int, *, licenses: int, auctions: int, sites: int) -> dict[str, list[Record]]:
    """Return the sample of a seed, the same in every process and Python version.

    Parameters
    ----------
    seed : int
        Seed of all draws.
    licenses, auctions, sites : int
        Number of records of each dataset.

    Returns
    -------
    dict of str to list of dict
        The records of each dataset, as the API's record endpoints return them.
    """
    counts = (licenses, auctions, sites)
    if min(counts) < 0:
        msg = f"a number of records must not be negative: {counts}"
        raise ValueError(msg)
    return {
        dataset: make(SeededRandom("sample", seed, dataset), count, 0, ())
        for (dataset, make), count in zip(_MAKERS.items(), counts, strict=True)
    }


def generate_more(
    seed: int, dataset: str, count: int, *, serial: int, taken: Container[str]
) -> list[Record]:
    """Return more records for a running server, none with the key of another.

    Parameters
    ----------
    seed : int
        Seed of the draws.
    dataset : str
        Name of the dataset.
    count : int
        Number of records.
    serial : int
        How many were added before.
    taken : container of str
        Codes or slugs that are already in use.
    """
    rng = SeededRandom("more", seed, dataset, serial)
    # One at a time: makers plant the sample's oddities in a batch, and a small batch would hold
    # little else.
    made: list[Record] = []
    for number in range(count):
        made += _MAKERS[dataset](rng, 1, _FIRST_ADDED + serial + number, taken)
    return made
