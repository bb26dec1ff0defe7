# The public names, each with the module that defines it: the only list of them. Type checkers and
# editors read this file, and so does `sectorsdf/__init__.py` when the package is imported.

from . import cache as cache
from . import geo as geo
from . import plot as plot
from . import sandbox as sandbox
from . import units as units
from ._version import __version__ as __version__
from .client.call_config import CallOptions as CallOptions
from .client.client import Client as Client
from .config.options import set_options as set_options
from .errors import APIError as APIError
from .errors import AuthenticationError as AuthenticationError
from .errors import BadRequestError as BadRequestError
from .errors import CacheWarning as CacheWarning
from .errors import ConfigurationError as ConfigurationError
from .errors import ConnectionFailedError as ConnectionFailedError
from .errors import CreditLimitError as CreditLimitError
from .errors import DataError as DataError
from .errors import DataWarning as DataWarning
from .errors import FilterError as FilterError
from .errors import IncompleteSweepError as IncompleteSweepError
from .errors import MissingExtraError as MissingExtraError
from .errors import MissingKeyError as MissingKeyError
from .errors import NotCachedError as NotCachedError
from .errors import NotFoundError as NotFoundError
from .errors import QuotaExhaustedError as QuotaExhaustedError
from .errors import RateLimitError as RateLimitError
from .errors import ResponseError as ResponseError
from .errors import SectorsdfError as SectorsdfError
from .errors import ServerError as ServerError
from .errors import UnitError as UnitError
from .frames.checks import check_breakdown as check_breakdown
from .frames.checks import check_companies as check_companies
from .frames.checks import check_company_licenses as check_company_licenses
from .frames.checks import check_destinations as check_destinations
from .frames.dictionary import describe as describe
from .http.credits import credits as credits  # noqa: A004 - what the API calls its price
from .http.policy import RetryPolicy as RetryPolicy
from .http.rate_limit import RateLimit as RateLimit
from .io.parquet import read_parquet as read_parquet
from .io.parquet import write_parquet as write_parquet
from .mining import get_mining_commodities as get_mining_commodities
from .mining import get_mining_commodity_prices as get_mining_commodity_prices
from .mining import get_mining_companies as get_mining_companies
from .mining import get_mining_company as get_mining_company
from .mining import get_mining_company_breakdown as get_mining_company_breakdown
from .mining import get_mining_company_contracts as get_mining_company_contracts
from .mining import get_mining_company_financials as get_mining_company_financials
from .mining import get_mining_company_licenses as get_mining_company_licenses
from .mining import get_mining_company_ownership as get_mining_company_ownership
from .mining import get_mining_company_performance as get_mining_company_performance
from .mining import get_mining_company_products as get_mining_company_products
from .mining import get_mining_company_resources as get_mining_company_resources
from .mining import get_mining_contracts as get_mining_contracts
from .mining import get_mining_exports as get_mining_exports
from .mining import get_mining_global_commodities as get_mining_global_commodities
from .mining import get_mining_license_auction as get_mining_license_auction
from .mining import (
    get_mining_license_auction_participants as get_mining_license_auction_participants,
)
from .mining import get_mining_license_auction_phases as get_mining_license_auction_phases
from .mining import get_mining_license_auctions as get_mining_license_auctions
from .mining import get_mining_licenses as get_mining_licenses
from .mining import get_mining_province_resources as get_mining_province_resources
from .mining import get_mining_reserves_index as get_mining_reserves_index
from .mining import get_mining_sales_destinations as get_mining_sales_destinations
from .mining import get_mining_site as get_mining_site
from .mining import get_mining_site_resources as get_mining_site_resources
from .mining import get_mining_sites as get_mining_sites
from .mining import get_mining_total_production as get_mining_total_production
from .mining.exporting import export as export
from .mining.quoting import Quote as Quote
from .mining.quoting import quote as quote
from .reserves.checks import check_resources as check_resources
from .sandbox.session import use_sandbox as use_sandbox
