"""`Client`: the connection that calls share. It owns key, transport, journal and ledger.

Calls act; the client only holds what they need. This module must not import a module of calls.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NoReturn, Self, TypedDict

from sectorsdf.cache.backends import open_backend
from sectorsdf.cache.journal import Journal
from sectorsdf.cache.memo import RecordMemo
from sectorsdf.client.context import ClientContext
from sectorsdf.client.ledger import open_ledger
from sectorsdf.config import settings
from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.config.checks import positive, seconds
from sectorsdf.config.forks import Lock
from sectorsdf.config.keystore import find_login_file, hidden
from sectorsdf.config.options import as_age
from sectorsdf.config.settings import NO_FOLDER
from sectorsdf.errors import ConfigurationError
from sectorsdf.http.credits import CreditBudget, key_fingerprint
from sectorsdf.http.limiter import RateLimiter
from sectorsdf.http.policy import MAX_BODY_BYTES, TIMEOUT, RetryPolicy
from sectorsdf.http.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sectorsdf.http.rate_limit import RateLimit

__all__ = [
    "Client",
    "ClientOptions",
    "default_client",
    "set_default_client",
    "unset_default_client",
]

_log = logging.getLogger(__name__)


class ClientOptions(TypedDict, total=False):
    """The keyword parameters of `Client`, for functions that pass them on."""

    timeout: tuple[float, float] | tuple[float, float, float]
    max_body_bytes: int
    workers: int
    max_credits: int | None
    rate_limit: str | RateLimit | None
    max_wait: float
    retry: RetryPolicy | None
    cache_folder: str | os.PathLike[str] | None
    reuse_within: float
    cache: bool | str | os.PathLike[str] | None
    max_age: str | timedelta | None
    on_progress: Callable[[str, int, int], None] | None


class Client:
    """A connection to the mining API: one key, one host, one rate limiter, one ledger.

    Threads may share a client. It is a context manager that closes its connections.

    Parameters
    ----------
    api_key : str, optional
        The key; by default the environment's ``SECTORS_API_KEY``. 64 lower-case hexadecimal
        characters are sent as they are, anything else as ``Bearer <token>``.
    base_url : str, optional
        The API's address; by default ``SECTORSDF_BASE_URL`` or the provider's own. https only,
        or http on loopback.
    timeout : tuple of float
        Seconds to connect, to wait for each part of an answer, and for all of it. The third number
        may be left out: it is 120 then, or more if the others are larger.
    max_body_bytes : int
        How large an answer may be, in bytes, as sent and unpacked; by default 64 MB.
    workers : int
        How many pages are fetched at once.
    max_credits : int, optional
        The most credits that this client may spend in its life.
    rate_limit : str or RateLimit, optional
        The rate limit, if it is known, such as ``"30/min"``; otherwise the client learns it.
    max_wait : float
        While the rate window is not known: seconds of refused requests after which the client
        concludes that the quota is used up.
    retry : RetryPolicy, optional
        When a failed request is sent again.
    cache_folder : str or path-like, optional
        The folder of the journal of paid pages, the credit ledger and the learnt rate; by default
        ``SECTORSDF_CACHE_DIR`` or the user's cache folder. Where there is none of these, nothing is
        kept.
    reuse_within : float
        Seconds for which this client uses an addressed record (one credit each) again, also with
        ``cache=False``. ``refresh=True`` and a ``max_age`` of a call apply to it.
    cache : bool, str or path-like, optional
        Whether, and where, results are cached as Parquet; by default the value of
        `sectorsdf.set_options`.
    max_age : timedelta or str, optional
        How old a cached result may be, such as ``"36h"``.
    on_progress : callable, optional
        Called with the dataset's name, how many pages or records have arrived, and how many are
        due.

    Raises
    ------
    MissingKeyError
        If there is no key; the text says where to get one.
    ConfigurationError
        If a setting cannot be used.
    """

    def __init__(
        self,
        api_key: str | ApiKey | None = None,
        base_url: str | None = None,
        *,
        timeout: tuple[float, float] | tuple[float, float, float] = TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
        workers: int = 8,
        max_credits: int | None = None,
        rate_limit: str | RateLimit | None = None,
        max_wait: float = 65.0,
        retry: RetryPolicy | None = None,
        cache_folder: str | os.PathLike[str] | None = None,
        reuse_within: float = 3600.0,
        cache: bool | str | os.PathLike[str] | None = None,
        max_age: str | timedelta | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        # A traceback of an error below may show local variables, and must not show the key.
        if not isinstance(api_key, ApiKey):
            api_key = hidden(api_key)
            api_key = ApiKey.resolve(api_key, base_url)
        key = api_key
        self.base_url = settings.base_url(base_url)
        if retry is not None and not isinstance(retry, RetryPolicy):
            message = f"retry={retry!r}: give a RetryPolicy, such as RetryPolicy(tries=3)."  # type: ignore[unreachable]
            raise ConfigurationError(message)
        if on_progress is not None and not callable(on_progress):
            message = f"on_progress={on_progress!r}: give a function of three arguments."  # type: ignore[unreachable]
            raise ConfigurationError(message)
        folder = settings.find_cache_dir(cache_folder)
        if folder is None:
            _log.warning("Paid pages, credits and the learnt rate are not kept. %s", NO_FOLDER)
        open_backend(False if cache is None else cache, folder)
        self.ledger = open_ledger(folder)
        connection = key_fingerprint(f"{key.secret()} {self.base_url}")
        limiter = RateLimiter(
            state_file=None if folder is None else folder / "rates" / f"{connection}.json",
            rate_limit=rate_limit,
            max_wait=max_wait,
        )
        self.context = ClientContext(
            key=key,
            transport=Transport(
                key,
                self.base_url,
                timeout=timeout,
                max_body_bytes=max_body_bytes,
                retry=retry or RetryPolicy(),
                limiter=limiter,
                ledger=self.ledger,
            ),
            journal=Journal(None if folder is None else folder / "journal"),
            budget=CreditBudget(max_credits),
            memo=RecordMemo(seconds("reuse_within", reuse_within, least=-1)),
            folder=folder,
            workers=positive("workers", workers),
            cache=cache,
            max_age=None if max_age is None else as_age(max_age),
            on_progress=on_progress,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        # A traceback may show a client whose __init__ has failed.
        return f"Client({getattr(self, 'base_url', '')!r})"

    def __reduce__(self) -> NoReturn:
        message = "A client holds the API key and is never pickled. Make one in each process."
        raise TypeError(message)

    def close(self) -> None:
        """Close all connections. The client can still be used and opens new ones."""
        self.context.transport.close()

    @property
    def spent(self) -> int:
        """Credits that this client has spent.

        A request that was never answered, such as after a timeout, is not counted. Only the API
        knows whether it was billed.
        """
        return self.context.budget.spent

    def pace(self) -> dict[str, float | int | bool | None]:
        """Return what the client knows of the server's rate limit, ready for JSON."""
        return self.context.transport.limiter.snapshot()

    def forget(self) -> None:
        """Forget the addressed records in memory, so that the next call asks the API again."""
        self.context.memo.clear()
        self.context.seen.clear()


_chosen: Client | None = None
_default: tuple[tuple[str | int | None, ...], Client] | None = None
_default_lock = Lock()


def _login_changed() -> int | None:
    """Return when the user last logged in or out, or None if never."""
    file = find_login_file()
    try:
        return None if file is None else file.stat().st_mtime_ns
    except OSError:
        return None


def default_client() -> Client:
    """Return the client that getters use without ``client=``; the first call makes it.

    A client that `set_default_client` has set comes first. Otherwise the client is made again if
    the environment's key, address or folder, or the login, has changed. Without a key it answers
    from the cache, and its first request is refused.
    """
    global _default  # noqa: PLW0603 - the one lazy default
    if _chosen is not None:
        return _chosen
    names = (KEY_VARIABLE, settings.BASE_URL_VARIABLE, settings.CACHE_DIR_VARIABLE)
    signature = (*(hidden(os.environ.get(name)) for name in names), _login_changed())
    with _default_lock:
        if _default is None or _default[0] != signature:
            _default = (signature, Client(ApiKey.resolve_optional()))
        return _default[1]


def set_default_client(client: Client) -> None:
    """Make a client the one that getters use without ``client=``."""
    global _chosen  # noqa: PLW0603 - the one default
    _chosen = client


def unset_default_client(client: Client) -> None:
    """Go back to the client of the user's key, if this client is the default one."""
    global _chosen  # noqa: PLW0603 - the one default
    if _chosen is client:
        _chosen = None
