"""A lock between the threads and processes of this machine.

Owns how long a call waits for another one, and how it reports that it waits. This module must not
import `client` or anything above it, and `filelock` only for the first lock: a call that the cache
answers takes none.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sectorsdf.config.forks import renew_in_child
from sectorsdf.errors import CacheWarning
from sectorsdf.frames.problems import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    import filelock

__all__ = ["ProcessLock", "Waiting", "silently"]


_log = logging.getLogger(__name__)
# A wait that is longer than this many seconds is reported.
_UNREPORTED = 1.0
# The holder of a lock gives a sign of life after each of these seconds. A call that sees none for
# the longer time goes on without the lock.
_BEAT = 1.0
_PATIENCE = 60.0
_POLL = 0.25

Waiting: TypeAlias = "Callable[[Callable[[], str]], AbstractContextManager[object]]"
"""Shows the user for what a call waits, until its block ends."""


def silently(reason: Callable[[], str]) -> AbstractContextManager[object]:  # noqa: ARG001
    """Show nothing."""
    return nullcontext()


class ProcessLock:
    """A lock between the threads and processes of this machine.

    If the lock's file cannot be written, the lock does nothing: at worst, two calls ask for the
    same answer. The same is true if the process that holds it is stopped.

    Parameters
    ----------
    path : Path or None
        The lock's file; None if there is no folder for it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock: filelock.BaseFileLock | None = None
        self._holder = _Holder(path)
        renew_in_child(self)

    def _after_fork(self) -> None:
        # The lock is the parent's. It is neither released here nor when it is collected.
        if self._lock is not None:
            _inherited.append(self._lock)
            self._lock = None

    def acquire(self, waiting: Waiting = silently) -> None:
        """Wait for the lock, as long as the process that holds it gives signs of life."""
        if self._path is None:
            return
        import filelock  # noqa: PLC0415 - see above

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._path, thread_local=False)
            if not _try(lock, 0.0):
                with waiting(self._holder.name):
                    if not self._wait(lock):
                        return
        except (OSError, NotImplementedError) as error:
            _log.info("No lock %s (%s)", self._path, error)
        else:
            self._lock = lock
            self._holder.begin()

    def _wait(self, lock: filelock.BaseFileLock) -> bool:
        """Return whether the lock was acquired; False if its holder gives no sign of life."""
        begun = changed = time.monotonic()
        sign, reported = self._holder.sign(), False
        while not _try(lock, _POLL):
            now = time.monotonic()
            latest = self._holder.sign()
            if latest != sign:
                sign, changed = latest, now
            if not reported and now - begun >= _UNREPORTED:
                reported = True
                _log.info("Waiting for %s, which asks the API for the same", self._holder.name())
            if now - changed >= _PATIENCE:
                message = (
                    f"This call has waited {now - begun:.0f} s for {self._holder.name()}, which "
                    "holds the cache's lock for the same request and has given no sign of life "
                    f"for {_PATIENCE:.0f} s. It goes on without the lock, so both may pay for the "
                    "same pages."
                )
                warn(message, CacheWarning)
                return False
        return True

    def release(self) -> None:
        """Let another thread or process have the lock."""
        if self._lock is not None:
            self._holder.end()
            with suppress(OSError):
                self._lock.release()
            self._lock = None


_inherited: list[filelock.BaseFileLock] = []


def _try(lock: filelock.BaseFileLock, seconds: float) -> bool:
    from filelock import Timeout  # noqa: PLC0415 - see above

    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        return False
    return True


class _Holder:
    """The file that says which process holds a lock, and that it is running.

    Parameters
    ----------
    lock : Path or None
        The lock's own file, beside which the file is.
    """

    def __init__(self, lock: Path | None) -> None:
        self._file = Path() if lock is None else lock.with_suffix(".holder")
        self._ended = threading.Event()

    def begin(self) -> None:
        """Say that this process holds the lock, and give signs of life until `end`."""
        self._ended = threading.Event()
        with suppress(OSError, RuntimeError):
            holder = {"pid": os.getpid(), "machine": platform.node()}
            self._file.write_text(json.dumps(holder), encoding="utf-8")
            # No thread can be started once the main thread has ended.
            threading.Thread(
                target=self._beat, args=(self._ended,), name="sectorsdf-lock", daemon=True
            ).start()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(_BEAT):
            with suppress(OSError):
                os.utime(self._file)

    def end(self) -> None:
        """Say that this process no longer holds the lock."""
        self._ended.set()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def sign(self) -> int | None:
        """Return something that changes while the holder is running."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return None

    def name(self) -> str:
        """Return the holder in words."""
        try:
            holder = json.loads(self._file.read_bytes())
            pid, machine = int(holder["pid"]), str(holder["machine"])
        except (OSError, ValueError, TypeError, KeyError):
            return "another process"
        if machine != platform.node():
            return f"another process (pid {pid} on {machine})"
        same = pid == os.getpid()
        return "another call of this process" if same else f"another process (pid {pid})"
