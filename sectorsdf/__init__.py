"""Indonesia's mining licences, licence auctions and mine sites as complete, typed DataFrames.

>>> import sectorsdf
>>> with sectorsdf.sandbox.running() as client:
...     sites = sectorsdf.get_mining_sites(client=client)
>>> len(sites), sites["year"].dtype
(156, Int64Dtype())
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from sectorsdf import cache
from sectorsdf._version import __version__
from sectorsdf.asked import CallOptions, Quote
from sectorsdf.checks import check_resources
from sectorsdf.client import Client
from sectorsdf.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CacheWarning,
    ConfigurationError,
    ConnectionFailedError,
    CreditLimitError,
    DataError,
    DataWarning,
    FilterError,
    IncompleteSweepError,
    MissingExtraError,
    MissingKeyError,
    NotCachedError,
    NotFoundError,
    QuotaExhaustedError,
    RateLimitError,
    ResponseError,
    SectorsdfError,
    ServerError,
    UnitError,
)
from sectorsdf.exports import export
from sectorsdf.ledger import credits  # noqa: A004 - what the API calls its price
from sectorsdf.mining import (
    get_mining_license_auction,
    get_mining_license_auction_participants,
    get_mining_license_auction_phases,
    get_mining_license_auctions,
    get_mining_licenses,
    get_mining_site,
    get_mining_site_resources,
    get_mining_sites,
    quote,
)
from sectorsdf.options import set_options
from sectorsdf.pace import RateLimit
from sectorsdf.store import read_parquet, write_parquet
from sectorsdf.transport import RetryPolicy

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "CacheWarning",
    "CallOptions",
    "Client",
    "ConfigurationError",
    "ConnectionFailedError",
    "CreditLimitError",
    "DataError",
    "DataWarning",
    "FilterError",
    "IncompleteSweepError",
    "MissingExtraError",
    "MissingKeyError",
    "NotCachedError",
    "NotFoundError",
    "QuotaExhaustedError",
    "Quote",
    "RateLimit",
    "RateLimitError",
    "ResponseError",
    "RetryPolicy",
    "SectorsdfError",
    "ServerError",
    "UnitError",
    "__version__",
    "cache",
    "check_resources",
    "credits",
    "export",
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
    "get_mining_licenses",
    "get_mining_site",
    "get_mining_site_resources",
    "get_mining_sites",
    "quote",
    "read_parquet",
    "sandbox",
    "set_options",
    "units",
    "write_parquet",
]

# Silent unless the program listens.
logging.getLogger("sectorsdf").addHandler(logging.NullHandler())

_SUBMODULES = frozenset({"sandbox", "units"})


def __getattr__(name: str) -> ModuleType:
    """Import a submodule that most programs do not need when it is first named."""
    if name in _SUBMODULES:
        return importlib.import_module(f"sectorsdf.{name}")
    message = f"module 'sectorsdf' has no attribute {name!r}"
    raise AttributeError(message)
