"""A worker pool returns results and errors, and ends in time after an interrupt."""

from __future__ import annotations

import threading
import time

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
        assert pool.next() == (-1, 1, None)


def test_jobs_that_wait_get_a_thread_each():
    together = threading.Barrier(8)
    with WorkerPool(8, lambda _: together.wait(timeout=10)) as pool:
        for job in range(8):
            pool.submit(job)
        # The barrier opens only if eight threads wait at it.
        ended = [pool.next() for _ in range(8)]
    assert {job for job, _, _ in ended} == set(range(8))
    assert [error for _, _, error in ended] == [None] * 8


def test_jobs_that_end_at_once_share_a_thread_and_come_together(monkeypatch):
    monkeypatch.setattr(workers, "_SECONDS", 10)
    monkeypatch.setattr(workers, "_SECONDS_IF_QUICK", 10)
    submitted, threads, rooms = threading.Event(), set(), []
    with WorkerPool(8, lambda _: submitted.wait(timeout=30) and threading.get_ident()) as pool:
        for _ in range(10):
            submitted.clear()
            while pool.has_room:
                pool.submit(0)
            submitted.set()
            for _ in range(8):
                threads.add(pool.next()[1])
                rooms.append(pool.has_room)
    assert len(threads) == 1
    # No other job is submitted until the results of all are returned.
    assert rooms == [*[False] * 7, True] * 10


def test_a_quick_job_does_not_wait_for_a_slow_one():
    slow = threading.Event()
    with WorkerPool(8, lambda job: slow.wait(timeout=30) if job == 1 else job) as pool:
        for job in range(4):
            pool.submit(job)
        try:
            # The thread that did the first job has begun the second, and does not end it.
            assert {pool.next()[0] for _ in range(3)} == {0, 2, 3}
        finally:
            slow.set()
        assert pool.next() == (1, True, None)


class Scripted:
    """Jobs that begin and end when the test says so."""

    def __init__(self, count):
        self.begun = [threading.Event() for _ in range(count)]
        self.may_end = [threading.Event() for _ in range(count)]

    def work(self, job):
        self.begun[job].set()
        assert self.may_end[job].wait(timeout=30)
        return job

    def end(self, *jobs):
        for job in jobs:
            self.may_end[job].set()

    def end_once_begun(self, job, *others):
        """End a job as soon as all of the others have begun."""
        threading.Thread(target=self._end_once_begun, args=(job, others), daemon=True).start()

    def _end_once_begun(self, job, others):
        if all(self.begun[other].wait(timeout=30) for other in others):
            self.end(job)


def test_a_result_from_before_the_caller_waits_is_not_forgotten():
    jobs = Scripted(2)
    with WorkerPool(8, jobs.work) as pool:
        pool.submit(0)
        pool.submit(1)
        jobs.end(0)
        # The thread did not announce the end of the first job, because the second one waited.
        assert jobs.begun[1].wait(timeout=10)
        assert pool.next() == (0, 0, None)
        jobs.end(1)
        assert pool.next() == (1, 1, None)


def test_several_threads_announce_each_result(monkeypatch):
    jobs = Scripted(4)
    with WorkerPool(2, jobs.work) as pool:
        pool.submit(0)
        pool.submit(1)
        jobs.end_once_begun(0, 1)
        assert pool.next() == (0, 0, None)
        monkeypatch.setattr(workers, "_SECONDS", 30)
        monkeypatch.setattr(workers, "_SECONDS_IF_QUICK", 30)
        pool.submit(2)
        pool.submit(3)
        begun = time.monotonic()
        jobs.end(1)
        assert pool.next() == (1, 1, None)
        assert time.monotonic() - begun < 10
        jobs.end(2, 3)
        assert {pool.next()[0] for _ in range(2)} == {2, 3}


def test_a_thread_that_ends_enough_jobs_gets_no_help(monkeypatch):
    monkeypatch.setattr(workers, "_SECONDS_IF_QUICK", 0.1)
    jobs = Scripted(8)
    with WorkerPool(8, jobs.work) as pool:
        for job in range(8):
            pool.submit(job)
        jobs.end(0, 1, 2)
        assert jobs.begun[3].wait(timeout=10)
        assert [pool.next()[0] for _ in range(3)] == [0, 1, 2]
        assert not jobs.begun[4].is_set()
        # It does not end the next one. The machine may be busy, so that the others begin later.
        stopped = time.monotonic()
        jobs.end_once_begun(3, 4, 5, 6, 7)
        assert pool.next()[0] == 3
        assert time.monotonic() - stopped >= 0.1
        jobs.end(4, 5, 6, 7)
        assert {pool.next()[0] for _ in range(4)} == {4, 5, 6, 7}


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
        release.set()
