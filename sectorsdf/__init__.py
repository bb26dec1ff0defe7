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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sectorsdf import cache, geo, plot, sandbox, units
    from sectorsdf._version import __version__
    from sectorsdf.client.call_config import CallOptions, Quote
    from sectorsdf.client.client import Client
    from sectorsdf.config.options import set_options
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
    from sectorsdf.frames.dictionary import describe
    from sectorsdf.http.credits import credits  # noqa: A004 - what the API calls its price
    from sectorsdf.http.rate_limit import RateLimit
    from sectorsdf.http.transport import RetryPolicy
    from sectorsdf.io.parquet import read_parquet, write_parquet
    from sectorsdf.mining import (
        get_mining_license_auction,
        get_mining_license_auction_participants,
        get_mining_license_auction_phases,
        get_mining_license_auctions,
        get_mining_licenses,
        get_mining_site,
        get_mining_site_resources,
        get_mining_sites,
    )
    from sectorsdf.mining.exporting import export
    from sectorsdf.mining.quoting import quote
    from sectorsdf.reserves.checks import check_resources

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
    "describe",
    "export",
    "geo",
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
    "get_mining_licenses",
    "get_mining_site",
    "get_mining_site_resources",
    "get_mining_sites",
    "plot",
    "quote",
    "read_parquet",
    "sandbox",
    "set_options",
    "units",
    "write_parquet",
]

# A name is imported when it is first used: the command line then answers at once where it needs no
# pandas, and a program pays for what it uses.
_HOMES = {
    "_version": ("__version__",),
    "client.call_config": (
        "CallOptions",
        "Quote",
    ),
    "reserves.checks": ("check_resources",),
    "client.client": ("Client",),
    "frames.dictionary": ("describe",),
    "errors": (
        "APIError",
        "AuthenticationError",
        "BadRequestError",
        "CacheWarning",
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
        "RateLimitError",
        "ResponseError",
        "SectorsdfError",
        "ServerError",
        "UnitError",
    ),
    "http.credits": ("credits",),
    "mining": (
        "get_mining_license_auction",
        "get_mining_license_auction_participants",
        "get_mining_license_auction_phases",
        "get_mining_license_auctions",
        "get_mining_licenses",
        "get_mining_site",
        "get_mining_site_resources",
        "get_mining_sites",
        "quote",
    ),
    "config.options": ("set_options",),
    "http.rate_limit": ("RateLimit",),
    "io.parquet": (
        "read_parquet",
        "write_parquet",
    ),
    "mining.exporting": ("export",),
    "http.transport": ("RetryPolicy",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_SUBMODULES = frozenset(
    {"cache", "datasets", "geo", "mining", "plot", "sandbox", "units", "vocabularies"}
)

# Silent unless the program listens.
logging.getLogger("sectorsdf").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    if name in _SUBMODULES:
        return importlib.import_module(f"sectorsdf.{name}")
    if name not in _HOME_OF:
        message = f"module 'sectorsdf' has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(importlib.import_module(f"sectorsdf.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
