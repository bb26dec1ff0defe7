"""Addressed records that were paid for a moment ago, and whose turn it is to ask for one."""

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


class Turn:
    """A lock that goes when nobody waits for it any more; a context manager."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


class RecordMemo:
    """Addressed records that were paid for, so that they are not paid for again.

    Parameters
    ----------
    seconds : float
        How long a record may be used again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._records: OrderedDict[str, tuple[float, Mapping[str, Any] | None]] = OrderedDict()
        self._lock = Lock()
        self._asked: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    def turn(self, path: str) -> Turn:
        """Return the lock under which a record is asked for, so that two threads pay once."""
        with self._lock:
            turn = self._asked.get(path)
            if turn is None:
                turn = self._asked[path] = Turn()
            return turn

    def __contains__(self, path: str) -> bool:
        return self.get(path) is not None

    def get(self, path: str) -> tuple[Mapping[str, Any] | None] | None:
        """Return what is remembered of a path, in a tuple, as a path can be known to be unknown."""
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
