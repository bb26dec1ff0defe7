"""`Client`: ties key, transport, store and sweep together."""

from __future__ import annotations

import os
import platform
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self

import pandas as pd
import pyarrow as pa

from sectorsdf import query as q
from sectorsdf import settings
from sectorsdf._version import __version__
from sectorsdf.calls import Connection, DetailCall, ListCall, Memory, Quote, positive
from sectorsdf.errors import ConfigurationError, IncompleteSweepError
from sectorsdf.frame import FrameBuilder, warn
from sectorsdf.ledger import Allowance, Ledger, fingerprint
from sectorsdf.pace import Gate, RateLimit
from sectorsdf.store import Journal
from sectorsdf.transport import RetryPolicy, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorsdf.datasets import Dataset

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
        api_key: str | None = None,
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
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        # Whatever fails from here on, a traceback that tells local names does not tell this one.
        api_key = settings.hidden(api_key)
        key = settings.ApiKey.resolve(api_key)
        self.base_url = settings.base_url(base_url)
        folder = settings.cache_dir(cache_folder)
        mark = fingerprint(f"{key.secret()} {self.base_url}")
        self.ledger = Ledger(folder / "credits.jsonl")
        gate = Gate(
            state_file=folder / "rates" / f"{mark}.json", rate_limit=rate_limit, max_wait=max_wait
        )
        self._link = Connection(
            Transport(
                key,
                self.base_url,
                timeout=_timeout(timeout),
                retry=retry or RetryPolicy(),
                gate=gate,
                ledger=self.ledger,
            ),
            Journal(folder / "journal"),
            Allowance(max_credits),
            Memory(reuse_within),
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
        builder = FrameBuilder(dataset)
        with ListCall(self._link, dataset, query, options) as call:
            failure = None
            try:
                result = call.sweep(builder, limit).run()
                order, certificate = result.order, result.certificate
            except IncompleteSweepError as error:
                failure, certificate = error, error.report
                if not call.purse.spent:
                    # Nothing new was learnt: the pages kept contradict each other, and would
                    # again.
                    call.entry.clear()
                order = certificate.pop("order")
            facts = {
                **self.provenance(dataset, filters, call.purse.spent),
                "max_rows": limit,
                "pages": certificate["pages"],
                "complete": certificate["complete"],
                "certificate": certificate,
            }
            frame = builder.frame(facts, order=order, strict=strict)
            # A natural key may repeat with different content, which is worth knowing only.
            certificate["repeated_keys"] = int(frame.duplicated(list(dataset.key)).sum())
            if failure is not None:
                failure.frame = frame
                if not call.options["allow_partial"]:
                    raise failure
                warn(f"{dataset.name}: {failure}")
            if then is not None:
                frame = then(frame)
            call.done = failure is None
        return frame

    def fetch_records(
        self,
        dataset: Dataset,
        keys: Sequence[str],
        *,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, Mapping[str, Any]], list[str], dict[str, Any]]:
        """Fetch addressed records; return them, the keys not found, and their provenance."""
        with DetailCall(self._link, dataset, keys, options) as call:
            records = call.run()
            call.done = True
        facts = {
            **self.provenance(dataset, {str(dataset.addressed_by): list(call.paths)}, 0),
            "credits": call.purse.spent,
            "pages": len(call.paths),
            "max_rows": None,
            "complete": not call.missing,
            "not_found": call.missing,
        }
        return records, call.missing, facts

    def quote(
        self,
        dataset: Dataset,
        filters: Mapping[str, object],
        *,
        max_rows: int | None = None,
        validate: bool = True,
    ) -> Quote:
        """Say what fetching a list costs; its first page is paid, kept, and used by the call."""
        query = q.to_query(dataset, filters, validate=validate)
        with ListCall(self._link, dataset, query) as call:
            return call.quote(q.checked_max_rows(max_rows))

    def quote_records(self, dataset: Dataset, keys: Sequence[str]) -> Quote:
        """Say what addressed records cost; this itself costs nothing."""
        paths = {q.path_for(dataset, key) for key in keys}
        need = sum(path not in self._link.memory for path in paths)
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
            "filters": {name: _plain(v) for name, v in filters.items() if v is not None},
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
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


def _timeout(value: tuple[float, float]) -> tuple[float, float]:
    try:
        connect, read = (float(part) for part in value)
    except (TypeError, ValueError):
        connect = read = 0.0
    if not (0 < connect < float("inf") and 0 < read < float("inf")):
        message = f"timeout={value!r}: give two finite numbers of seconds, (connect, read)."
        raise ConfigurationError(message)
    return connect, read


_default: tuple[tuple[str | None, ...], Client] | None = None
_default_lock = threading.Lock()


def default_client() -> Client:
    """Return the client that getters use without ``client=``, made at the first call.

    It is made anew where the environment's key, address or folder has changed since.

    Raises
    ------
    MissingKeyError
        If the environment holds no key.
    """
    global _default  # noqa: PLW0603 - the one lazy default
    names = (settings.KEY_VARIABLE, settings.BASE_URL_VARIABLE, settings.CACHE_DIR_VARIABLE)
    signature = tuple(settings.hidden(os.environ.get(name)) for name in names)
    with _default_lock:
        if _default is None or _default[0] != signature:
            _default = (signature, Client())
        return _default[1]
