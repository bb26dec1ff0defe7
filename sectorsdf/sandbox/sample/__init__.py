"""The synthetic sample: seeded records shaped like the API's, and like nothing real.

Every company is called Contoh (Indonesian for "example"), every regency is numbered, e-mail
addresses end in `.example`. What is kept of reality is its shape: how many rows tie on a day,
which fields are null, which codes are odd.
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
# Serial numbers of added records start far beyond those of any sample.
_MORE = 500_000


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
        Records as detail answers have them, by dataset.
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
    """Return further records for a running server, none with the key of another.

    Parameters
    ----------
    seed : int
        Seed of the draws.
    dataset : str
        The dataset.
    count : int
        How many.
    serial : int
        How many were added before.
    taken : container of str
        Codes or slugs already in use.
    """
    dice = SeededRandom("more", seed, dataset, serial)
    # Fewer records than the oddities need would be odd throughout: each is made by itself.
    made: list[Record] = []
    for number in range(count):
        made += _MAKERS[dataset](dice, 1, _MORE + serial + number, taken)
    return made
