"""A worker pool returns results and errors, and ends in time after an interrupt."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from sectorsdf.paging import workers
from sectorsdf.paging.workers import WorkerPool


def test_returns_results_and_errors():
    with WorkerPool(2, lambda job: 10 // job) as pool:
        for job in (1, 0, 2):
            pool.submit(job)
        ended = {job: (result, error) for job, result, error in (pool.next() for _ in "123")}
    assert (ended[1], ended[2]) == ((10, None), (5, None))
    assert isinstance(ended[0][1], ZeroDivisionError)
    assert pool.under_way == 0


def test_starts_no_more_threads_than_jobs():
    before = threading.active_count()
    with WorkerPool(50, abs) as pool:
        pool.submit(-1)
        assert threading.active_count() <= before + 1
        assert pool.next(timeout=10)[:2] == (-1, 1)


def test_jobs_that_wait_get_a_thread_each():
    together = threading.Barrier(8)
    with WorkerPool(8, lambda _: together.wait(timeout=10)) as pool:
        for job in range(8):
            pool.submit(job)
        # The barrier opens only if eight threads wait at it.
        ended = [pool.next() for _ in range(8)]
    assert {job for job, _, _ in ended} == set(range(8))
    assert [error for _, _, error in ended] == [None] * 8


def test_jobs_that_end_at_once_share_a_thread(monkeypatch):
    monkeypatch.setattr(workers, "_SOON", 10)
    with WorkerPool(8, lambda _: threading.get_ident()) as pool:
        threads = set()
        for job in range(100):
            while pool.under_way < pool.workers:
                pool.submit(job)
            threads.add(pool.next(timeout=10)[1])
    assert len(threads) == 1


def test_drain_ends_with_the_last_job():
    release = threading.Event()
    with WorkerPool(2, lambda job: release.wait(timeout=10)) as pool:
        pool.submit(1)
        pool.submit(2)
        release.set()
        begun = time.monotonic()
        pool.drain()
        assert not pool.busy
        assert time.monotonic() - begun < 0.8


def test_drain_does_not_wait_for_ever():
    release = threading.Event()
    with WorkerPool(1, lambda job: release.wait(timeout=30)) as pool:
        pool.submit(1)
        begun = time.monotonic()
        pool.drain()
        assert time.monotonic() - begun < 1.5
        assert pool.under_way == 1
        with pytest.raises(queue.Empty):
            pool.next(timeout=0)
        release.set()
