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
from sectorsdf.mining.commodities import (
    get_mining_commodities,
    get_mining_commodity_prices,
)
from sectorsdf.mining.companies import (
    get_mining_companies,
    get_mining_company,
    get_mining_company_contracts,
    get_mining_company_licenses,
)
from sectorsdf.mining.financials import (
    get_mining_company_breakdown,
    get_mining_company_financials,
)
from sectorsdf.mining.licenses import get_mining_licenses
from sectorsdf.mining.ownership import get_mining_company_ownership
from sectorsdf.mining.performance import (
    get_mining_company_performance,
    get_mining_company_products,
    get_mining_company_resources,
)
from sectorsdf.mining.provinces import (
    get_mining_province_resources,
    get_mining_reserves_index,
)
from sectorsdf.mining.quoting import quote
from sectorsdf.mining.resources import get_mining_site_resources
from sectorsdf.mining.sites import get_mining_site, get_mining_sites
from sectorsdf.mining.trade import (
    get_mining_contracts,
    get_mining_exports,
    get_mining_global_commodities,
    get_mining_sales_destinations,
    get_mining_total_production,
)

__all__ = [
    "get_mining_commodities",
    "get_mining_commodity_prices",
    "get_mining_companies",
    "get_mining_company",
    "get_mining_company_breakdown",
    "get_mining_company_contracts",
    "get_mining_company_financials",
    "get_mining_company_licenses",
    "get_mining_company_ownership",
    "get_mining_company_performance",
    "get_mining_company_products",
    "get_mining_company_resources",
    "get_mining_contracts",
    "get_mining_exports",
    "get_mining_global_commodities",
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
    "get_mining_licenses",
    "get_mining_province_resources",
    "get_mining_reserves_index",
    "get_mining_sales_destinations",
    "get_mining_site",
    "get_mining_site_resources",
    "get_mining_sites",
    "get_mining_total_production",
    "quote",
]
