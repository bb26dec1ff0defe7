"""Locks that a forked process finds free, and other state that it must not inherit.

A fork copies a lock as it is. If another thread holds it at that moment, that thread does not exist
in the child, so nothing there would ever free the lock. Owns the renewal in the child, and imports
nothing else of the package.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Protocol, Self
from weakref import WeakSet

__all__ = ["Lock", "renew_in_child"]


class _Renewable(Protocol):
    def _after_fork(self) -> None:
        """Replace what belongs to threads of the parent; runs in the child, which has one."""


_renewed: WeakSet[_Renewable] = WeakSet()


def renew_in_child(owner: _Renewable) -> None:
    """Call the object's ``_after_fork`` in each process that is forked while the object exists."""
    _renewed.add(owner)


def _renew_all() -> None:
    for owner in list(_renewed):
        owner._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


class Lock:
    """A lock like `threading.Lock`, which is free in a forked process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *exc_info: object) -> None:
        # The thread that forked may itself have held the lock, which is free in the child.
        with suppress(RuntimeError):
            self._lock.release()
