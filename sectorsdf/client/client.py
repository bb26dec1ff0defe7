"""`Client`: ties key, transport, store and sweep together."""

from __future__ import annotations

import os
import platform
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

import pandas as pd
import pyarrow as pa

from sectorsdf._version import __version__
from sectorsdf.cache.backends import open_backend
from sectorsdf.cache.journal import Journal
from sectorsdf.cache.keys import CacheKey
from sectorsdf.cache.memo import RecordMemo
from sectorsdf.cache.read_through import ListReadThrough, RecordReadThrough
from sectorsdf.cache.store import FrameCache
from sectorsdf.client.call import ClientContext
from sectorsdf.client.call_config import Quote, positive, settled
from sectorsdf.client.list_call import ListCall
from sectorsdf.client.record_call import RecordCall, keys_of, without_emails
from sectorsdf.client.result import ListResult
from sectorsdf.config import settings
from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.config.keystore import hidden, login_file
from sectorsdf.config.options import as_age, default_cache, default_max_age
from sectorsdf.datasets import query as q
from sectorsdf.errors import ConfigurationError, IncompleteSweepError
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.problems import report_problems
from sectorsdf.http.credits import CreditBudget, Ledger, key_fingerprint
from sectorsdf.http.limiter import RateLimiter
from sectorsdf.http.transport import RetryPolicy, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.http.rate_limit import RateLimit

__all__ = ["Client", "default_client"]


class Client:
    """A connection to the mining API: one key, one host, one pace, one ledger.

    Safe to share between threads; a context manager that closes its connections.

    Parameters
    ----------
    api_key : str, optional
        The key; by default the environment's ``SECTORS_API_KEY``. 64 lower-case hexadecimal
        characters are sent as they are, anything else as ``Bearer <token>``.
    base_url : str, optional
        The API's address; by default ``SECTORSDF_BASE_URL`` or the provider's own. https only,
        or http on loopback.
    timeout : tuple of float
        Seconds to connect, and to wait for each part of an answer.
    workers : int
        How many pages are under way at once.
    max_credits : int, optional
        The most credits that this client may spend in its life.
    rate_limit : str or RateLimit, optional
        The rate limit where it is known, such as ``"30/min"``; otherwise it is learnt.
    max_wait : float
        Seconds after which requests that are still refused mean that the quota is used up, while
        the rate window is not known.
    retry : RetryPolicy, optional
        When a failed request is sent again.
    cache_folder : str or path-like, optional
        Where the journal of paid pages, the credit ledger and the learnt rate lie; by default
        ``SECTORSDF_CACHE_DIR`` or the user's cache folder.
    reuse_within : float
        Seconds for which an addressed record (one credit each) is used again by this client.
    cache : bool, str or path-like, optional
        Whether, and where, results are kept as Parquet and taken from there; see
        `sectorsdf.set_options`, whose value it is by default.
    max_age : timedelta or str, optional
        How old a kept result may be to be used, such as ``"36h"``.
    on_progress : callable, optional
        Told the dataset's name, and how many of how many pages or details have come.

    Raises
    ------
    MissingKeyError
        If there is no key; the text says where one comes from.
    ConfigurationError
        If a setting cannot be used.
    """

    def __init__(
        self,
        api_key: str | ApiKey | None = None,
        base_url: str | None = None,
        *,
        timeout: tuple[float, float] = (5, 30),
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
        # Whatever fails from here on, a traceback that tells local names does not tell this one.
        if not isinstance(api_key, ApiKey):
            api_key = hidden(api_key)
            api_key = ApiKey.resolve(api_key, base_url)
        key = api_key
        self.base_url = settings.base_url(base_url)
        folder = settings.cache_dir(cache_folder)
        self._folder = folder
        self._cache = cache
        self._max_age = None if max_age is None else as_age(max_age)
        open_backend(False if cache is None else cache, folder)
        mark = key_fingerprint(f"{key.secret()} {self.base_url}")
        self.ledger = Ledger(folder / "credits.jsonl")
        gate = RateLimiter(
            state_file=folder / "rates" / f"{mark}.json", rate_limit=rate_limit, max_wait=max_wait
        )
        self._link = ClientContext(
            key,
            Transport(
                key,
                self.base_url,
                timeout=_timeout(timeout),
                retry=retry or RetryPolicy(),
                gate=gate,
                ledger=self.ledger,
            ),
            Journal(folder / "journal"),
            CreditBudget(max_credits),
            RecordMemo(reuse_within),
            positive("workers", workers),
            on_progress,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        # A traceback may show a client whose making has failed.
        return f"Client({getattr(self, 'base_url', '')!r})"

    def __reduce__(self) -> NoReturn:
        message = "A client holds the API key and is never pickled; make one in each process."
        raise TypeError(message)

    def close(self) -> None:
        """Close all connections; the client can still be used and opens new ones."""
        self._link.transport.close()

    @property
    def spent(self) -> int:
        """Credits that this client has spent.

        What was asked but never answered (a timeout) is not among them: whether the API has billed
        it, only the API knows.
        """
        return self._link.purse.spent

    def pace(self) -> dict[str, float | int | bool | None]:
        """Return what is known of the server's rate limit, ready for JSON."""
        return self._link.transport.gate.snapshot()

    def forget(self) -> None:
        """Forget the addressed records, so that the next call asks the API again."""
        self._link.memory.clear()

    def fetch(
        self,
        dataset: Dataset,
        filters: Mapping[str, object],
        *,
        max_rows: int | None = None,
        strict: bool = False,
        validate: bool = True,
        options: Mapping[str, Any] | None = None,
        then: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    ) -> pd.DataFrame:
        """Fetch every page of a list and return it as the dataset's frame.

        What `then` does belongs to the same call: the paid pages are kept until it has ended.

        The getters call this; see there for what the parameters mean and what is raised.
        """
        query = q.to_query(dataset, filters, validate=validate)
        limit = q.checked_max_rows(max_rows)
        told = {"filters": _plain_filters(filters), "max_rows": limit}
        keeper = ListReadThrough(
            self._shelf(dataset, options), CacheKey.of(dataset, query, limit), told
        )
        with keeper:
            frame = keeper.look()
            if frame is None:
                # What follows belongs to the same call, whose paid pages stay until it has ended.
                with ListCall(self._link, dataset, query, options) as call:
                    swept = self._swept(call, FrameBuilder(dataset), told, strict=strict)
                    frame = swept.frame(keeper.keep)
                    frame = frame if then is None else then(frame)
                    call.done = swept.failure is None
                return frame
        report_problems(dataset, frame, strict=strict)
        return frame if then is None else then(frame)

    def stream(
        self,
        dataset: Dataset,
        filters: Mapping[str, object],
        write: Callable[[ListResult], None],
        file: IO[bytes],
        *,
        max_rows: int | None = None,
        strict: bool = False,
        validate: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Fetch every page of a list and hand the rows, which wait in a file, to `write`.

        The paid pages are kept until that has ended. The cache is neither read nor written.
        """
        query = q.to_query(dataset, filters, validate=validate)
        told = {"filters": _plain_filters(filters), "max_rows": q.checked_max_rows(max_rows)}
        with ListCall(self._link, dataset, query, options) as call:
            swept = self._swept(call, FrameBuilder(dataset, file), told, strict=strict)
            write(swept)
            call.done = swept.failure is None

    def _swept(
        self, call: ListCall, builder: FrameBuilder, told: Mapping[str, Any], *, strict: bool
    ) -> ListResult:
        """Sweep a list."""
        failure = None
        try:
            with call.progress:
                result = call.sweep(builder, told["max_rows"]).run()
            order, certificate = result.order, result.certificate
        except IncompleteSweepError as error:
            failure, certificate = error, error.report
            if not call.purse.spent:
                # Nothing new was learnt: the pages kept contradict each other, and would again.
                call.entry.clear()
            order = certificate.pop("order")
        # A natural key may repeat with different content, which is worth knowing only.
        certificate["repeated_keys"] = builder.repeated_keys(order)
        facts = {
            **self.provenance(builder.dataset, told["filters"], call.purse.spent),
            "max_rows": told["max_rows"],
            "pages": certificate["pages"],
            "complete": certificate["complete"],
            "certificate": certificate,
        }
        return ListResult(builder, order, facts, failure, strict, call.options["allow_partial"])

    def caches(self, dataset: Dataset, options: Mapping[str, Any] | None = None) -> bool:
        """Tell whether a call with these options looks into the cache, and keeps its result."""
        return self._shelf(dataset, options) is not None

    def fetch_records(
        self,
        dataset: Dataset,
        keys: Sequence[str],
        *,
        emails: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, Mapping[str, Any]], list[str], dict[str, Any]]:
        """Fetch addressed records; return them, the keys not found, and their provenance.

        E-mail addresses are left out of them unless asked for, and are never kept in the cache.
        """
        wanted = {key: q.path_for(dataset, key) for key in dict.fromkeys(keys)}
        shelf = self._shelf(dataset, options, emails=emails)
        with RecordReadThrough(shelf, dataset, wanted) as keeper:
            call = RecordCall(self._link, dataset, keeper.lacking, options)
            with call:
                fetched = call.run() if keeper.lacking else {}
                if not emails:
                    fetched = {key: without_emails(record) for key, record in fetched.items()}
                facts = self.provenance(dataset, {str(dataset.addressed_by): list(wanted)}, 0)
                keeper.keep({**dict.fromkeys(call.missing), **fetched}, facts)
                call.done = True
        found = {**keeper.found, **fetched}
        known = {key: record for key in wanted if (record := found.get(key)) is not None}
        missing = [key for key in wanted if key not in known]
        facts |= {
            **keeper.facts(call.purse.spent, facts),
            "pages": len(wanted),
            "max_rows": None,
            "complete": not missing,
            "not_found": missing,
        }
        return known, missing, facts

    def _shelf(
        self, dataset: Dataset, options: Mapping[str, Any] | None, *, emails: bool = False
    ) -> FrameCache | None:
        """Return the cache as a call uses it, if it does."""
        asked = settled(dataset, options)
        refresh, offline = bool(asked["refresh"]), bool(asked["offline"])
        if refresh and offline:
            message = "refresh=True asks the API, offline=True never does: give one of them."
            raise ConfigurationError(message)
        if emails and offline:
            message = "e-mail addresses are never kept in the cache; leave out offline=True."
            raise ConfigurationError(message)
        chosen = next(c for c in (asked["cache"], self._cache, default_cache()) if c is not None)
        place = open_backend(True if offline and chosen is False else chosen, self._folder)
        if place is None or emails:
            return None
        given = asked["max_age"] if asked["max_age"] is not None else self._max_age
        age = default_max_age() if given is None else as_age(given)
        return FrameCache(place, self.base_url, age, refresh=refresh, offline=offline)

    def quote(
        self,
        dataset: Dataset,
        filters: Mapping[str, object],
        *,
        max_rows: int | None = None,
        validate: bool = True,
        details: Dataset | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Quote:
        """Say what a list costs, and its details; its first page is paid, kept, and used."""
        query = q.to_query(dataset, filters, validate=validate)
        limit = q.checked_max_rows(max_rows)
        shelf = self._shelf(dataset, options)
        found = None if shelf is None else shelf.find(CacheKey.of(dataset, query, limit))
        if found is not None:
            if details is None:
                return Quote(0, 0, len(found.frame), 0.0, exact=True, spent=0)
            keys = keys_of(found.frame, str(details.addressed_by))
            return self.quote_records(details, keys, options=options)
        with ListCall(self._link, dataset, query, options) as call:
            listed = call.quote(limit)
        if details is None:
            return listed
        more = listed.credits + (listed.rows or 0)
        return replace(listed, credits=more, pages=more, exact=False)

    def quote_records(
        self, dataset: Dataset, keys: Sequence[str], *, options: Mapping[str, Any] | None = None
    ) -> Quote:
        """Say what addressed records cost; this itself costs nothing."""
        paths = {key: q.path_for(dataset, key) for key in dict.fromkeys(keys)}
        shelf = self._shelf(dataset, options)
        kept = {} if shelf is None else shelf.records(dataset, paths)
        need = sum(key not in kept and path not in self._link.memory for key, path in paths.items())
        eta = self._link.transport.gate.eta(need)
        return Quote(need, need, None, eta, exact=True, spent=0)

    def provenance(
        self, dataset: Dataset, filters: Mapping[str, object], spent: int
    ) -> dict[str, Any]:
        """Return where a frame comes from, ready for JSON."""
        return {
            "dataset": dataset.name,
            "endpoint": dataset.path,
            "host": self.base_url,
            "source": self._link.source or "Sectors API",
            "filters": _plain_filters(filters),
            "fetched_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "credits": spent,
            "from_cache": False,
            "versions": {
                "sectorsdf": __version__,
                "pandas": pd.__version__,
                "pyarrow": pa.__version__,
                "python": platform.python_version(),
            },
        }


def _plain(value: object) -> Any:  # noqa: ANN401
    """Return a filter's value as JSON knows it: NumPy scalars become plain ones."""
    if value is None or isinstance(value, bool | int | float | str | list):
        return value
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


def _plain_filters(filters: Mapping[str, object]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in filters.items() if value is not None}


def _timeout(value: tuple[float, float]) -> tuple[float, float]:
    try:
        connect, read = (float(part) for part in value)
    except (TypeError, ValueError):
        connect = read = 0.0
    if not (0 < connect < float("inf") and 0 < read < float("inf")):
        message = f"timeout={value!r}: give two finite numbers of seconds, (connect, read)."
        raise ConfigurationError(message)
    return connect, read


_default: tuple[tuple[str | int | None, ...], Client] | None = None
_default_lock = threading.Lock()


def _login_sign() -> int | None:
    """Return what changes whenever somebody logs in or out."""
    try:
        return login_file().stat().st_mtime_ns
    except OSError:
        return None


def default_client() -> Client:
    """Return the client that getters use without ``client=``, made at the first call.

    It is made anew where the environment's key, address or folder, or the login, has changed since.
    Without a key it answers from what is kept, and its first request is refused.
    """
    global _default  # noqa: PLW0603 - the one lazy default
    names = (KEY_VARIABLE, settings.BASE_URL_VARIABLE, settings.CACHE_DIR_VARIABLE)
    signature = (*(hidden(os.environ.get(name)) for name in names), _login_sign())
    with _default_lock:
        if _default is None or _default[0] != signature:
            # What is kept can be read without a key; a request cannot be made.
            _default = (signature, Client(ApiKey.perhaps()))
        return _default[1]
