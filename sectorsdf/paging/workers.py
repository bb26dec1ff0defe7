"""Daemon threads that do jobs in parallel. Knows no pages and imports nothing of the package."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WorkerPool"]


# Seconds after Ctrl-C in which pages under way may still arrive and be journaled. The program
# should end within one second.
_GRACE = 0.8
# A thread that does not end so many jobs in so many seconds waits for something. If it was quick
# before, the machine may only be busy.
_JOBS, _SECONDS, _SECONDS_IF_QUICK = 3, 0.005, 0.02


class WorkerPool:
    """Threads that do jobs and return the results in the order of completion.

    They are daemon threads, so that a thread that waits for a slow server does not keep a program
    alive that the user has ended.

    One thread begins. The others start if it has to wait: threads that never wait, as with a server
    on this machine, would only slow each other down.

    Parameters
    ----------
    workers : int
        The largest number of threads.
    work : callable
        Does one job and returns its result.

    Attributes
    ----------
    under_way : int
        How many jobs were submitted whose results have not been returned.
    busy : set of int
        The threads that are working on a job.
    """

    def __init__(self, workers: int, work: Callable[[Any], Any]) -> None:
        self.workers = workers
        self.under_way = 0
        self.busy: set[int] = set()
        self._work = work
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._done: deque[tuple[Any, Any, BaseException | None]] = deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        # The results that `next` returns before it looks for others.
        self._ended: deque[tuple[Any, Any, BaseException | None]] = deque()
        self._threads = 0
        self._quick = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for _ in range(self._threads):
            self._jobs.put(None)

    def submit(self, job: object) -> None:
        """Have a job done by one of the threads.

        If the system allows no thread at all, the job is done here before the method returns.
        """
        self.under_way += 1
        self._jobs.put((job,))
        if not self._threads:
            self._start_thread()

    def _start_thread(self) -> None:
        self._threads += 1
        try:
            threading.Thread(target=self._run, name="sectorsdf-worker", daemon=True).start()
        except RuntimeError:
            # The process has too many threads, or the interpreter is about to end.
            self._threads -= 1
            if not self._threads:
                self._do(*self._jobs.get_nowait())

    @property
    def has_room(self) -> bool:
        """Whether to submit another job. While one thread does them, those that came go first."""
        return self.under_way < self.workers and (self._threads > 1 or not self._ended)

    def next(self) -> tuple[Any, Any, BaseException | None]:
        """Wait for the next job that ends, and return it with its result or its error."""
        while not self._ended:
            self._wait()
        self.under_way -= 1
        return self._ended.popleft()

    def _wait(self) -> None:
        """Wait until jobs have ended, for some milliseconds if other jobs wait for a thread.

        A thread announces that jobs have ended once no other job waits for it, so that the results
        of quick jobs come together. If the jobs are slow, a thread is started for each that waits.
        """
        waiting = not self._jobs.empty()
        seconds = _SECONDS_IF_QUICK if self._quick else _SECONDS
        if waiting or not self._done:
            with suppress(queue.Empty):
                self._wake.get(timeout=seconds if waiting else None)
                waiting = False
        self._ended.extend(self._done.popleft() for _ in range(len(self._done)))
        if waiting and len(self._ended) < _JOBS:
            for _ in range(min(self._jobs.qsize(), self.workers - self._threads)):
                self._start_thread()
        elif self._ended:
            self._quick = True

    def drain(self) -> None:
        """Cancel the jobs that have not started, and wait briefly for the others to end.

        Call it after an interrupt. The interrupt may fall between the end of a job and the count in
        `under_way`, so this method looks at which threads are busy instead.
        """
        with suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        deadline = time.monotonic() + _GRACE
        while self.busy and time.monotonic() < deadline:
            time.sleep(0.005)

    def _run(self) -> None:
        thread = threading.get_ident()
        while (item := self._jobs.get()) is not None:
            self.busy.add(thread)
            self._do(*item)
            self.busy.discard(thread)

    def _do(self, job: object) -> None:
        try:
            result, error = self._work(job), None
        except BaseException as exc:  # noqa: BLE001 - returned by next()
            result, error = None, exc
        self._done.append((job, result, error))
        if self._threads > 1 or self._jobs.empty():
            self._wake.put(None)
