"""Nobody waits for a lock in silence, or for ever."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

import pytest
from support.billing_api import KEY, Api
from support.forks import allows_fork, needs_fork, run_in_fork
from support.processes import Process, wait_until

import sectorsdf
from sectorsdf.cache import locks
from sectorsdf.cache.locks import ProcessLock

HOLD = """
import sys, time
from pathlib import Path
from sectorsdf.cache import locks
from sectorsdf.cache.locks import ProcessLock
locks._BEAT = 0.05
lock = ProcessLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
"""

CALL = """
import sys
import sectorsdf
from sectorsdf.cache import locks
locks._BEAT = 0.05
url, key, folder = sys.argv[1:]
client = sectorsdf.Client(key, url, cache_folder=folder, cache=True, rate_limit="100000/s")
sectorsdf.get_mining_licenses(client=client)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "one.lock"


@pytest.fixture
def impatient(monkeypatch):
    """Report every wait at once, and give up on a silent holder soon."""
    monkeypatch.setattr(locks, "_UNREPORTED", 0.0)
    monkeypatch.setattr(locks, "_PATIENCE", 0.6)
    monkeypatch.setattr(locks, "_POLL", 0.05)


@pytest.fixture
def holder(path):
    """A process that holds the lock until a line reaches it."""
    with Process("-c", HOLD, str(path), stdin=-1) as process:
        assert process.popen.stdout.readline() == "held\n"
        yield process
        process.popen.stdin.close()


def test_a_wait_is_reported_with_the_process_that_is_waited_for(holder, path, impatient, caplog):
    caplog.set_level(logging.INFO)
    reasons = []

    def waiting(reason):
        reasons.append(reason())
        holder.popen.stdin.write("\n")
        holder.popen.stdin.flush()
        return locks.silently(reason)

    lock = ProcessLock(path)
    # The holder reads its line a moment later, so the first try fails in any case.
    lock.acquire(waiting)
    assert reasons == [f"another process (pid {holder.popen.pid})"]
    assert holder.popen.stdout.readline() == "released\n"
    lock.release()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX")
def test_a_stopped_process_is_not_waited_for_without_end(tmp_path, impatient, caplog):
    caplog.set_level(logging.INFO)
    begun, answer = threading.Event(), threading.Event()
    with Api(licenses=5) as api:

        def hold_first(path, query):
            if not begun.is_set():
                begun.set()
                answer.wait(30)
            return False

        api.refuses = hold_first
        with Process("-c", CALL, api.url, KEY, str(tmp_path)) as process:
            assert begun.wait(30)
            os.kill(process.popen.pid, signal.SIGSTOP)
            answer.set()
            client = api.client(tmp_path, cache=True)
            with pytest.warns(sectorsdf.CacheWarning, match="no sign of life") as warned:
                frame = sectorsdf.get_mining_licenses(client=client)
            assert len(frame) == 5
            assert f"pid {process.popen.pid}" in str(warned[0].message)
            assert f"Waiting for another process (pid {process.popen.pid})" in caplog.text
            os.kill(process.popen.pid, signal.SIGCONT)


def test_a_running_process_is_waited_for_longer(holder, path, impatient, monkeypatch):
    """It gives signs of life for as long as its own call takes."""
    monkeypatch.setattr(locks, "_PATIENCE", 0.9)
    timer = threading.Timer(2.0, holder.popen.stdin.close)
    timer.start()
    lock, begun = ProcessLock(path), time.monotonic()
    lock.acquire()
    assert time.monotonic() - begun > 2 * locks._PATIENCE - 0.2
    lock.release()
    timer.join()


def test_the_bar_says_for_whom_a_call_waits(tmp_path, impatient, monkeypatch, capsys):
    from sectorsdf.client import progress

    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    monkeypatch.setattr(progress, "_PAUSE", 0.02)
    with Api(licenses=5) as api:
        client = api.client(tmp_path, cache=True)
        entered, go_on = threading.Event(), threading.Event()

        def hold_first(path, query):
            entered.set()
            go_on.wait(30)
            return False

        api.refuses = hold_first
        calls = [
            threading.Thread(
                target=sectorsdf.get_mining_licenses, kwargs={"client": client, "progress": shown}
            )
            for shown in (False, True)
        ]
        calls[0].start()
        assert entered.wait(30)
        calls[1].start()
        shown = []
        wait_until(lambda: "another call of this process" in "".join(shown) or said(capsys, shown))
        go_on.set()
        for call in calls:
            call.join()
        assert api.billed == 1


def said(capsys, shown):
    shown.append(capsys.readouterr().err)


def test_nothing_is_left_beside_the_lock(path):
    lock = ProcessLock(path)
    lock.acquire()
    assert (path.parent / "one.holder").exists()
    lock.release()
    assert [file.name for file in path.parent.iterdir()] == ["one.lock"]


@needs_fork
@allows_fork
def test_a_fork_holds_no_lock_of_its_parent(path):
    lock = ProcessLock(path)
    lock.acquire()

    def child():
        lock.release()
        assert (path.parent / "one.holder").exists()

    run_in_fork(child)
    # The child has not released it.
    reasons = []

    def waiting(reason):
        reasons.append(reason())
        lock.release()
        return locks.silently(reason)

    other = ProcessLock(path)
    other.acquire(waiting)
    assert reasons == ["another call of this process"]
    other.release()


def test_without_a_folder_there_is_no_lock():
    lock = ProcessLock(None)
    lock.acquire()
    lock.release()
