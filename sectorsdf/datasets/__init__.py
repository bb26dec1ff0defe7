"""Declarations of the datasets: path, natural key, columns, filters.

This folder is the only place that says what a frame looks like; the Arrow schema made from a
declaration is the source of truth for every dtype. It must not import `frames`, `http`, `paging` or
anything above them, and imports neither pandas nor pyarrow when it is loaded.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from sectorsdf.datasets.auctions import (
    MINING_LICENSE_AUCTION,
    MINING_LICENSE_AUCTION_PARTICIPANTS,
    MINING_LICENSE_AUCTION_PHASES,
    MINING_LICENSE_AUCTIONS,
)
from sectorsdf.datasets.commodities import (
    MINING_COMMODITIES,
    MINING_COMMODITY_PRICES,
)
from sectorsdf.datasets.companies import (
    MINING_COMPANIES,
    MINING_COMPANY,
    MINING_COMPANY_BREAKDOWN,
    MINING_COMPANY_CONTRACTS,
    MINING_COMPANY_FINANCIALS,
    MINING_COMPANY_LICENSES,
    MINING_COMPANY_OWNERSHIP,
)
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.performance import (
    MINING_COMPANY_PERFORMANCE,
    MINING_COMPANY_PRODUCTS,
    MINING_COMPANY_RESOURCES,
)
from sectorsdf.datasets.province_reserves import (
    MINING_PROVINCE_RESOURCES,
    MINING_RESERVES_INDEX,
)
from sectorsdf.datasets.schema import Column, Dataset, Filter
from sectorsdf.datasets.sites import MINING_SITE, MINING_SITE_RESOURCES, MINING_SITES
from sectorsdf.datasets.trade import (
    MINING_CONTRACTS,
    MINING_EXPORTS,
    MINING_GLOBAL_COMMODITIES,
    MINING_SALES_DESTINATIONS,
    MINING_TOTAL_PRODUCTION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DATASETS",
    "MINING_COMMODITIES",
    "MINING_COMMODITY_PRICES",
    "MINING_COMPANIES",
    "MINING_COMPANY",
    "MINING_COMPANY_BREAKDOWN",
    "MINING_COMPANY_CONTRACTS",
    "MINING_COMPANY_FINANCIALS",
    "MINING_COMPANY_LICENSES",
    "MINING_COMPANY_OWNERSHIP",
    "MINING_COMPANY_PERFORMANCE",
    "MINING_COMPANY_PRODUCTS",
    "MINING_COMPANY_RESOURCES",
    "MINING_CONTRACTS",
    "MINING_EXPORTS",
    "MINING_GLOBAL_COMMODITIES",
    "MINING_LICENSES",
    "MINING_LICENSE_AUCTION",
    "MINING_LICENSE_AUCTIONS",
    "MINING_LICENSE_AUCTION_PARTICIPANTS",
    "MINING_LICENSE_AUCTION_PHASES",
    "MINING_PROVINCE_RESOURCES",
    "MINING_RESERVES_INDEX",
    "MINING_SALES_DESTINATIONS",
    "MINING_SITE",
    "MINING_SITES",
    "MINING_SITE_RESOURCES",
    "MINING_TOTAL_PRODUCTION",
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
        MINING_COMMODITIES,
        MINING_COMMODITY_PRICES,
        MINING_COMPANIES,
        MINING_COMPANY,
        MINING_COMPANY_LICENSES,
        MINING_COMPANY_CONTRACTS,
        MINING_COMPANY_OWNERSHIP,
        MINING_COMPANY_FINANCIALS,
        MINING_COMPANY_BREAKDOWN,
        MINING_COMPANY_PERFORMANCE,
        MINING_COMPANY_RESOURCES,
        MINING_COMPANY_PRODUCTS,
        MINING_CONTRACTS,
        MINING_EXPORTS,
        MINING_GLOBAL_COMMODITIES,
        MINING_SALES_DESTINATIONS,
        MINING_TOTAL_PRODUCTION,
        MINING_RESERVES_INDEX,
        MINING_PROVINCE_RESOURCES,
    )
}


def no_such_dataset(name: object) -> str:
    """Return the error message for a name that no dataset has, with the names that come closest."""
    text = str(name).strip().casefold().removeprefix("get_").removeprefix("mining_")
    names = {dataset.removeprefix("mining_"): dataset for dataset in DATASETS}
    near = [names[each] for each in get_close_matches(text, names, n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see sectorsdf.describe()"
    return f"there is no dataset {name!r:.60}; {hint}"
