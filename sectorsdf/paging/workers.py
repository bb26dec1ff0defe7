"""A few threads that fetch pages side by side."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WorkerPool"]


# Within a second after Ctrl-C, pages under way may still arrive and be kept.
_GRACE = 0.8


class WorkerPool:
    """A few daemon threads that do jobs and hand the results back in the order of completion.

    Daemon threads, because a thread that waits for a slow server must not keep a program alive
    that the user has ended.
    """

    def __init__(self, workers: int, work: Callable[[Any], Any]) -> None:
        self.workers = workers
        self.under_way = 0
        self._work = work
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Any, Any, BaseException | None]] = queue.SimpleQueue()
        self._threads = 0
        self.busy: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for _ in range(self._threads):
            self._jobs.put(None)

    def submit(self, job: object) -> None:
        """Start a job, with a further thread while there are fewer than the jobs under way."""
        self.under_way += 1
        self._jobs.put((job,))
        if self._threads < min(self.workers, self.under_way):
            self._threads += 1
            threading.Thread(target=self._run, name="sectorsdf-worker", daemon=True).start()

    def next(self, timeout: float | None = None) -> tuple[Any, Any, BaseException | None]:
        """Return the next finished job with its result or its error."""
        entry = self._done.get(timeout=timeout)
        self.under_way -= 1
        return entry

    def let_land(self) -> None:
        """Give jobs under way a moment to end; their results are not asked for any more.

        For use after an interrupt, which can fall between a result and its being counted: what
        counts here is which threads are at work.
        """
        with suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        until = time.monotonic() + _GRACE
        while self.busy and time.monotonic() < until:
            time.sleep(0.005)

    def _run(self) -> None:
        me = threading.get_ident()
        while (item := self._jobs.get()) is not None:
            self.busy.add(me)
            (job,) = item
            try:
                result, error = self._work(job), None
            except BaseException as exc:  # noqa: BLE001 - handed to the thread that asked
                result, error = None, exc
            self._done.put((job, result, error))
            self.busy.discard(me)
