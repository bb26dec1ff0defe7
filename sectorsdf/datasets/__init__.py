"""Declarations of the datasets: path, natural key, columns, filters.

This folder is the only place that says what a frame looks like; the Arrow schema made from a
declaration is the source of truth for every dtype. It must not import `frames`, `http`, `paging` or
anything above them, and imports neither pandas nor pyarrow when it is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.datasets.auctions import (
    MINING_LICENSE_AUCTION,
    MINING_LICENSE_AUCTION_PARTICIPANTS,
    MINING_LICENSE_AUCTION_PHASES,
    MINING_LICENSE_AUCTIONS,
)
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.schema import Column, Dataset, Filter
from sectorsdf.datasets.sites import MINING_SITE, MINING_SITE_RESOURCES, MINING_SITES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DATASETS",
    "MINING_LICENSES",
    "MINING_LICENSE_AUCTION",
    "MINING_LICENSE_AUCTIONS",
    "MINING_LICENSE_AUCTION_PARTICIPANTS",
    "MINING_LICENSE_AUCTION_PHASES",
    "MINING_SITE",
    "MINING_SITES",
    "MINING_SITE_RESOURCES",
    "Column",
    "Dataset",
    "Filter",
]


DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        MINING_LICENSES,
        MINING_LICENSE_AUCTIONS,
        MINING_LICENSE_AUCTION,
        MINING_LICENSE_AUCTION_PHASES,
        MINING_LICENSE_AUCTION_PARTICIPANTS,
        MINING_SITES,
        MINING_SITE,
        MINING_SITE_RESOURCES,
    )
}
