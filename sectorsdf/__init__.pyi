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
from .frames.dictionary import describe as describe
from .http.credits import credits as credits  # noqa: A004 - what the API calls its price
from .http.rate_limit import RateLimit as RateLimit
from .http.transport import RetryPolicy as RetryPolicy
from .io.parquet import read_parquet as read_parquet
from .io.parquet import write_parquet as write_parquet
from .mining import get_mining_license_auction as get_mining_license_auction
from .mining import (
    get_mining_license_auction_participants as get_mining_license_auction_participants,
)
from .mining import get_mining_license_auction_phases as get_mining_license_auction_phases
from .mining import get_mining_license_auctions as get_mining_license_auctions
from .mining import get_mining_licenses as get_mining_licenses
from .mining import get_mining_site as get_mining_site
from .mining import get_mining_site_resources as get_mining_site_resources
from .mining import get_mining_sites as get_mining_sites
from .mining.exporting import export as export
from .mining.quoting import Quote as Quote
from .mining.quoting import quote as quote
from .reserves.checks import check_resources as check_resources
