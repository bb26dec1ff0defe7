"""Addressed records that this process has paid for, in memory.

Each record has a lock, so that two threads that ask for the same record pay once. This module must
not import `client` or anything above it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RecordMemo"]

_MOST_REMEMBERED = 2_000


class _RecordLock:
    """A lock that is freed with its last user; a context manager."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


class RecordMemo:
    """Addressed records by path, so that they are not paid for again.

    Parameters
    ----------
    seconds : float
        How long a record may be used again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._records: OrderedDict[str, tuple[float, Mapping[str, Any] | None]] = OrderedDict()
        self._lock = Lock()
        self._record_locks: WeakValueDictionary[str, _RecordLock] = WeakValueDictionary()

    def lock_for(self, path: str) -> _RecordLock:
        """Return the lock that a thread holds while it asks for a record."""
        with self._lock:
            lock = self._record_locks.get(path)
            if lock is None:
                lock = self._record_locks[path] = _RecordLock()
            return lock

    def __contains__(self, path: str) -> bool:
        return self.get(path) is not None

    def get(self, path: str) -> tuple[Mapping[str, Any] | None] | None:
        """Return the record in a tuple, or None if the path is not remembered.

        The tuple holds None if the API does not know the path.
        """
        with self._lock:
            since, record = self._records.get(path, (float("-inf"), None))
            return (record,) if time.monotonic() - since <= self.seconds else None

    def __setitem__(self, path: str, record: Mapping[str, Any] | None) -> None:
        with self._lock:
            self._records[path] = (time.monotonic(), record)
            while len(self._records) > _MOST_REMEMBERED:
                self._records.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
