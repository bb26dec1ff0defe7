"""What requests cost: a ledger of every priced answer, and a hard cap on spending."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sectorsdf import errors
from sectorsdf.config import settings

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["CreditBudget", "Ledger", "credits", "key_fingerprint", "price"]


_log = logging.getLogger(__name__)
# Constant, so that one key has one mark for ever; our own, so that no other program's hash fits.
_SALT = b"sectorsdf/credit-ledger/1"


def key_fingerprint(key: str) -> str:
    """Return a short mark that tells keys apart and gives none away.

    Parameters
    ----------
    key : str
        The API key.

    Returns
    -------
    str
        Eight hexadecimal characters, the same for the same key on every machine.
    """
    mark = hashlib.blake2b(key.encode(), digest_size=4, salt=_SALT[:16], person=_SALT[-16:])
    return mark.hexdigest()


def price(status: int) -> int:
    """Return the credits that the API takes for an answer.

    Parameters
    ----------
    status : int
        The HTTP status of the answer.

    Returns
    -------
    int
        1 for 2xx (an empty page too) and 404, 0 for everything else.
    """
    return 1 if 200 <= status < 300 or status == 404 else 0


class Ledger:
    """An append-only record of priced answers, one JSON object a line.

    Processes may share one file: each line is a single append, and a line that was cut short by a
    crash or a full disk is left out on reading and does not spoil the next one.

    Parameters
    ----------
    path : pathlib.Path or None
        The file; its folder is made when the first entry is written. None keeps no record.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
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
        """Append one entry; a folder that cannot be written costs a warning, never an error.

        Parameters
        ----------
        endpoint : str
            The path that was asked, such as ``/v2/mining/sites/``.
        status : int
            The HTTP status of the answer.
        credits : int
            What the answer cost, as `price` gives it.
        key : str
            The key's `key_fingerprint`, never the key.
        pages : int, default 1
            How many pages the entry stands for.
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
        # The line break comes first, so that a torn line before it costs only itself.
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
            # One write on an appending descriptor: lines of several processes do not mix.
            written = os.write(descriptor, line)
            if written != len(line):
                raise OSError(f"{written} of {len(line)} bytes were written")
        finally:
            os.close(descriptor)

    def entries(self) -> list[dict[str, Any]]:
        """Return every whole entry, oldest first.

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
        found = []
        for line in lines:
            entry = _parse(line)
            if entry is not None:
                found.append(entry)
        return found

    def frame(self, by: Literal["entry", "day", "endpoint"] = "entry") -> pd.DataFrame:
        """Return the ledger as a table whose columns and dtypes never change.

        Parameters
        ----------
        by : {"entry", "day", "endpoint"}, default "entry"
            One row an entry; or sums a UTC day and key; or sums an endpoint and key.

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
            `by` is none of the three.
        """
        if by not in ("entry", "day", "endpoint"):
            raise ValueError(f"by={by!r}: use 'entry', 'day' or 'endpoint'")
        import pandas as pd  # noqa: PLC0415 - recording needs no pandas

        entries = self.entries()
        text = pd.StringDtype()
        # Without `format` pandas takes the first text as the pattern for all of them.
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
        if by == "day":
            naive = frame["time"].dt.tz_localize(None)
            frame["day"] = naive.dt.normalize().astype("datetime64[us]")
        sums = frame.groupby([by, "key"], as_index=False, sort=True)[["credits", "pages"]].sum()
        first = "datetime64[us]" if by == "day" else text
        kinds = {by: first, "credits": "Int64", "pages": "Int64", "key": text}
        return sums[list(kinds)].astype(kinds)


def credits(by: Literal["entry", "day", "endpoint"] = "day") -> pd.DataFrame:  # noqa: A001
    """Return the credits that were spent from this machine, with any key.

    Parameters
    ----------
    by : {"day", "endpoint", "entry"}, default "day"
        What one row is: a UTC day and key, an endpoint and key, or one billed answer.

    Returns
    -------
    pandas.DataFrame
        ``day``: day (datetime64[us]), credits, pages (Int64), key (text). ``endpoint``: endpoint
        (text), credits, pages, key. ``entry``: time (datetime64[us, UTC]), endpoint, status
        (Int64), credits, pages, key. `key` is a short mark that tells keys apart and gives none
        away. Costs nothing and asks nobody: the API has no endpoint that tells a balance.

    Raises
    ------
    ValueError
        `by` is none of the three.

    Examples
    --------
    >>> import sectorsdf
    >>> list(sectorsdf.credits())
    ['day', 'credits', 'pages', 'key']
    """
    return Ledger(settings.cache_dir() / "credits.jsonl").frame(by)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(line)
        moment = datetime.fromisoformat(raw["time"])
        if moment.tzinfo is None:
            return None
        return {
            "time": moment.astimezone(UTC).isoformat(timespec="microseconds"),
            "endpoint": str(raw["endpoint"]),
            "status": int(raw["status"]),
            "credits": int(raw["credits"]),
            "pages": int(raw["pages"]),
            "key": str(raw["key"]),
        }
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


class CreditBudget:
    """A hard cap on the credits of one call, shared by its threads.

    Credits are reserved before a request is sent and settled when its price is known, so that
    requests side by side cannot overspend together.

    Parameters
    ----------
    limit : int or None
        The most credits that may be spent; None for no cap.

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
                " or None for no cap"
            )
        self.limit = limit
        self._lock = threading.Lock()
        self._reserved = 0
        self._spent = 0

    def __repr__(self) -> str:
        return f"CreditBudget(limit={self.limit}, spent={self.spent})"

    @property
    def spent(self) -> int:
        """Credits that were spent so far; reserved ones are not among them."""
        return self._spent

    @property
    def left(self) -> int | None:
        """Credits that can still be reserved; None where there is no cap."""
        if self.limit is None:
            return None
        with self._lock:
            return max(0, self.limit - self._spent - self._reserved)

    def reserve(self, count: int = 1) -> None:
        """Set credits aside before they are spent.

        Parameters
        ----------
        count : int, default 1
            How many the coming requests cost at most.

        Raises
        ------
        ValueError
            `count` is negative.
        sectorsdf.errors.CreditLimitError
            They are more than what is left; nothing was set aside then.
        """
        if count < 0:
            raise ValueError(f"count={count!r}: cannot be negative")
        with self._lock:
            if self.limit is not None:
                have = max(0, self.limit - self._spent - self._reserved)
                if count > have:
                    raise errors.CreditLimitError(
                        f"This needs {count} more credit{'' if count == 1 else 's'}, but only"
                        f" {have} of max_credits={self.limit} {'is' if have == 1 else 'are'} left"
                        f" ({self._spent} spent). Nothing was spent beyond them. Raise max_credits"
                        " or ask for less (a filter, fewer rows).",
                        need=count,
                        have=have,
                    )
            self._reserved += count

    def settle(self, reserved: int, used: int) -> None:
        """Turn a reservation into what was really spent.

        Parameters
        ----------
        reserved : int
            What `reserve` had set aside.
        used : int
            What the answers cost; what remains can be reserved again.
        """
        if reserved < 0 or used < 0:
            raise ValueError("reserved and used cannot be negative")
        with self._lock:
            if reserved > self._reserved:
                raise ValueError(f"{reserved} credits to settle, only {self._reserved} reserved")
            self._reserved -= reserved
            self._spent += used

    def spend(self, count: int = 1) -> None:
        """Reserve and settle at once, for a price that is known beforehand.

        Parameters
        ----------
        count : int, default 1
            What it costs.

        Raises
        ------
        sectorsdf.errors.CreditLimitError
            It is more than what is left.
        """
        self.reserve(count)
        self.settle(count, count)
