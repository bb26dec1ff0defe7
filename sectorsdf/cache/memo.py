"""Addressed records that this process has paid for, in memory.

Each record has a lock, so that two threads that ask for the same record pay once. This module must
not import `client` or anything above it.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from sectorsdf.config.forks import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RecordMemo", "Remembered"]

_MOST_REMEMBERED = 2_000


class Remembered(NamedTuple):
    """A record that this process has paid for.

    Attributes
    ----------
    record : mapping or None
        The record; None if the API does not know the path.
    fetched_at : float
        When it arrived, in seconds since the epoch.
    with_addresses : bool
        Whether e-mail addresses are in the record, if the API sends any.
    """

    record: Mapping[str, Any] | list[Any] | None
    fetched_at: float
    with_addresses: bool = True


class RecordMemo:
    """Addressed records by path, so that they are not paid for again.

    Parameters
    ----------
    seconds : float
        How long a record may be used again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._records: OrderedDict[str, tuple[float, Remembered]] = OrderedDict()
        self._lock = Lock()
        self._record_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    def lock_for(self, path: str) -> Lock:
        """Return the lock that a thread holds while it asks for a record."""
        with self._lock:
            lock = self._record_locks.get(path)
            if lock is None:
                lock = self._record_locks[path] = Lock()
            return lock

    def get(
        self, path: str, max_age: float = math.inf, *, with_addresses: bool = False
    ) -> Remembered | None:
        """Return a record, or None if the path is not remembered as the caller needs it.

        Parameters
        ----------
        path : str
            The record's path.
        max_age : float
            How many seconds ago it may have arrived.
        with_addresses : bool
            A record out of which e-mail addresses were left is of no use.
        """
        with self._lock:
            since, remembered = self._records.get(path, (-math.inf, None))
        if remembered is None or (with_addresses and not remembered.with_addresses):
            return None
        return remembered if time.monotonic() - since <= min(self.seconds, max_age) else None

    def put(self, path: str, remembered: Remembered) -> None:
        """Remember a record."""
        # An answer out of the journal is older than this moment.
        since = time.monotonic() - max(0.0, time.time() - remembered.fetched_at)
        with self._lock:
            self._records.pop(path, None)
            self._records[path] = (since, remembered)
            while len(self._records) > _MOST_REMEMBERED:
                self._records.popitem(last=False)

    def paths(
        self, max_age: float = math.inf, *, with_addresses: bool = False
    ) -> dict[str, Remembered]:
        """Return all records that `get` would return, by path."""
        with self._lock:
            paths = list(self._records)
        found = {path: self.get(path, max_age, with_addresses=with_addresses) for path in paths}
        return {path: remembered for path, remembered in found.items() if remembered is not None}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
