"""Credits: what a response costs, the ledger of billed responses, and `CreditBudget`.

Owns the price of each status, the file ``credits.jsonl`` and the limit behind ``max_credits``.
Sends no request: `transport` reserves, settles and records.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sectorsdf import errors
from sectorsdf.config.forks import Lock, renew_in_child

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

__all__ = ["CreditBudget", "Ledger", "key_fingerprint", "price"]


_log = logging.getLogger(__name__)
# Constant, so that a key always has the same fingerprint, and specific to this package, so that
# the fingerprint matches no other program's hash of the key.
_SALT = b"sectorsdf/credit-ledger/1"


def key_fingerprint(key: str) -> str:
    """Return a short hash that identifies a key without revealing it.

    Parameters
    ----------
    key : str
        The API key.

    Returns
    -------
    str
        Eight hexadecimal characters, the same for the same key on every machine.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=4, salt=_SALT[:16], person=_SALT[-16:])
    return digest.hexdigest()


def price(status: int) -> int:
    """Return the credits that the API charges for a response.

    Parameters
    ----------
    status : int
        The HTTP status of the response.

    Returns
    -------
    int
        1 for 2xx (including an empty page) and 404, 0 for every other status.
    """
    return 1 if 200 <= status < 300 or status == 404 else 0


class Ledger:
    """An append-only file of billed responses, one JSON object per line.

    Processes can share one file: each line is a single append. A line that a crash or a full disk
    cut short is skipped on reading and does not damage the next one.

    Parameters
    ----------
    path : pathlib.Path or None
        The file; its folder is created with the first entry. None records nothing.
    endpoints : iterable of str
        Paths of endpoints, with each key in braces, such as ``/v2/mining/sites/{slug}/``. The sums
        by endpoint have one row for all paths of one of them.
    """

    def __init__(self, path: Path | None, endpoints: Iterable[str] = ()) -> None:
        self.path = path
        self._patterns = {
            endpoint: re.sub(r"\\{\w+\\}", "[^/]+", re.escape(endpoint))
            for endpoint in endpoints
            if "{" in endpoint
        }
        self._lock = Lock()
        self._warned = False

    def __repr__(self) -> str:
        return f"Ledger({str(self.path) if self.path else None!r})"

    def record(
        self,
        *,
        endpoint: str,
        status: int,
        credits: int,  # noqa: A002 - the column's name
        key: str,
        pages: int = 1,
    ) -> None:
        """Append one entry; log a warning, but do not raise, if the file cannot be written.

        Parameters
        ----------
        endpoint : str
            The path that was requested, such as ``/v2/mining/sites/``.
        status : int
            The HTTP status of the response.
        credits : int
            The credits charged, as returned by `price`.
        key : str
            The `key_fingerprint` of the key, never the key itself.
        pages : int, default 1
            The number of pages in the entry.
        """
        if self.path is None:
            return
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "endpoint": endpoint,
            "status": int(status),
            "credits": int(credits),
            "pages": int(pages),
            "key": key,
        }
        # The line break comes first, so that an incomplete line before it is the only one lost.
        line = ("\n" + json.dumps(entry, separators=(",", ":"))).encode()
        try:
            with self._lock:
                self._append(self.path, line)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _log.warning("The credit ledger %s cannot be written: %s", self.path, error)

    @staticmethod
    def _append(path: Path, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, flags, 0o600)
        try:
            # A single write in append mode, so that lines of several processes do not mix.
            written = os.write(descriptor, line)
            if written != len(line):
                raise OSError(f"{written} of {len(line)} bytes were written")
        finally:
            os.close(descriptor)

    def entries(self) -> list[dict[str, Any]]:
        """Return all complete entries, oldest first.

        Returns
        -------
        list of dict
            With ``time`` (UTC, ISO 8601), ``endpoint``, ``status``, ``credits``, ``pages`` and
            ``key``.
        """
        if self.path is None:
            return []
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return []
        return [entry for line in lines if (entry := _parse(line)) is not None]

    def _endpoint_of(self, path: str) -> str:
        """Return the endpoint of a path, or the path itself if it is none with a key."""
        found = (name for name, pattern in self._patterns.items() if re.fullmatch(pattern, path))
        return next(found, path)

    def frame(self, by: Literal["entry", "day", "endpoint"] = "entry") -> pd.DataFrame:
        """Return the ledger as a table with fixed columns and dtypes.

        Parameters
        ----------
        by : {"entry", "day", "endpoint"}, default "entry"
            One row per entry, or sums per UTC day and key, or sums per endpoint and key.

        Returns
        -------
        pandas.DataFrame
            ``entry``: ``time`` (datetime64[us, UTC]), ``endpoint`` (string), ``status`` (Int64),
            ``credits`` (Int64), ``pages`` (Int64), ``key`` (string). ``day``: ``day``
            (datetime64[us]), ``credits``, ``pages``, ``key``. ``endpoint``: ``endpoint``,
            ``credits``, ``pages``, ``key``. The sums are sorted by their first column and the key.

        Raises
        ------
        ValueError
            `by` is not one of the three.
        """
        if by not in ("entry", "day", "endpoint"):
            raise ValueError(f"by={by!r}: use 'entry', 'day' or 'endpoint'.")
        import pandas as pd  # noqa: PLC0415 - recording does not need pandas

        entries = self.entries()
        text = pd.StringDtype()
        # Without `format`, pandas infers the format of all texts from the first one.
        times = pd.to_datetime([e["time"] for e in entries], utc=True, format="ISO8601")
        frame = pd.DataFrame(
            {
                "time": pd.Series(times, dtype="datetime64[us, UTC]"),
                "endpoint": pd.Series([e["endpoint"] for e in entries], dtype=text),
                "status": pd.Series([e["status"] for e in entries], dtype="Int64"),
                "credits": pd.Series([e["credits"] for e in entries], dtype="Int64"),
                "pages": pd.Series([e["pages"] for e in entries], dtype="Int64"),
                "key": pd.Series([e["key"] for e in entries], dtype=text),
            }
        )
        if by == "entry":
            return frame
        if by == "endpoint":
            names = {path: self._endpoint_of(path) for path in frame["endpoint"].unique()}
            frame["endpoint"] = frame["endpoint"].map(names).astype(text)
        if by == "day":
            naive = frame["time"].dt.tz_localize(None)
            frame["day"] = naive.dt.normalize().astype("datetime64[us]")
        sums = frame.groupby([by, "key"], as_index=False, sort=True)[["credits", "pages"]].sum()
        by_dtype = "datetime64[us]" if by == "day" else text
        dtypes = {by: by_dtype, "credits": "Int64", "pages": "Int64", "key": text}
        return sums[list(dtypes)].astype(dtypes)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(line)
        time = datetime.fromisoformat(raw["time"])
        if time.tzinfo is None:
            return None
        return {
            "time": time.astimezone(UTC).isoformat(timespec="microseconds"),
            "endpoint": str(raw["endpoint"]),
            "status": int(raw["status"]),
            "credits": int(raw["credits"]),
            "pages": int(raw["pages"]),
            "key": str(raw["key"]),
        }
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


class CreditBudget:
    """A limit on the credits of one call or client, shared by its threads.

    Credits are reserved before a request is sent and settled once its price is known, so that
    concurrent requests cannot exceed the limit together.

    Parameters
    ----------
    limit : int or None
        The most credits that may be spent; None for no limit.

    Raises
    ------
    sectorsdf.errors.ConfigurationError
        The limit is negative or not a whole number.
    """

    def __init__(self, limit: int | None) -> None:
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int) or limit < 0
        ):
            raise errors.ConfigurationError(
                f"max_credits={limit!r}: give a whole number of credits (0 or more),"
                " or None for no limit."
            )
        self.limit = limit
        self._lock = Lock()
        self._reserved = 0
        self._spent = 0
        renew_in_child(self)

    def _after_fork(self) -> None:
        # The requests for which credits are reserved are those of the parent.
        self._reserved = 0

    def __repr__(self) -> str:
        return f"CreditBudget(limit={self.limit}, spent={self.spent})"

    @property
    def spent(self) -> int:
        """Credits spent so far, without those that are only reserved."""
        return self._spent

    @property
    def left(self) -> int | None:
        """Credits that can still be reserved; None if there is no limit."""
        if self.limit is None:
            return None
        with self._lock:
            return max(0, self.limit - self._spent - self._reserved)

    def reserve(self, count: int = 1) -> None:
        """Reserve credits before they are spent.

        Parameters
        ----------
        count : int, default 1
            The most that the next requests can cost.

        Raises
        ------
        ValueError
            `count` is negative.
        sectorsdf.errors.CreditLimitError
            `count` is more than what is left; nothing is reserved then.
        """
        if count < 0:
            raise ValueError(f"count={count!r}: it cannot be negative.")
        with self._lock:
            if self.limit is not None:
                have = max(0, self.limit - self._spent - self._reserved)
                if count > have:
                    raise errors.CreditLimitError(
                        f"This call needs {count} more credit{'' if count == 1 else 's'}, but only"
                        f" {have} of max_credits={self.limit} {'is' if have == 1 else 'are'} left"
                        f" ({self._spent} spent). Nothing was spent beyond the limit. Raise"
                        " max_credits, or request fewer rows with a filter or max_rows.",
                        need=count,
                        have=have,
                    )
            self._reserved += count

    def settle(self, reserved: int, used: int) -> None:
        """Replace a reservation by what was actually spent.

        Parameters
        ----------
        reserved : int
            The credits reserved before with `reserve`.
        used : int
            What the responses cost; the rest can be reserved again.

        Raises
        ------
        ValueError
            A number is negative, or `reserved` is more than what is reserved.
        """
        if reserved < 0 or used < 0:
            raise ValueError("reserved and used cannot be negative.")
        with self._lock:
            if reserved > self._reserved:
                raise ValueError(
                    f"reserved={reserved}: only {self._reserved} credits are reserved."
                )
            self._reserved -= reserved
            self._spent += used
