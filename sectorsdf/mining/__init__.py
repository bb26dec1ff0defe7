"""The getters: each is a signature, a docstring, and a call into the client.

Every getter returns a `pandas.DataFrame` whose columns, order and dtypes are always the same, and
whose ``attrs["sectorsdf"]`` says where the rows come from and whether they are proven complete.

Source of all data: the Sectors Financial API (https://sectors.app), which collects it from the
ESDM Minerba portal and from company reports.
"""

from __future__ import annotations

from sectorsdf.mining.auctions import (
    get_mining_license_auction,
    get_mining_license_auction_participants,
    get_mining_license_auction_phases,
    get_mining_license_auctions,
)
from sectorsdf.mining.licenses import get_mining_licenses
from sectorsdf.mining.quoting import quote
from sectorsdf.mining.resources import get_mining_site_resources
from sectorsdf.mining.sites import get_mining_site, get_mining_sites

__all__ = [
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
    "get_mining_licenses",
    "get_mining_site",
    "get_mining_site_resources",
    "get_mining_sites",
    "quote",
]
