"""Roots under stress: killed writers, readers beside writers, closed folders, missing buckets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from support.forks import allows_fork, needs_fork
from support.snapshots import complete_frame

import sectorsdf
from sectorsdf import snapshots
from sectorsdf.errors import ConfigurationError

NAME = "mining_licenses"
HOME = str(Path(sectorsdf.__file__).parents[1])

# A process that replaces one snapshot again and again, in turn with the rows of two files.
WRITER = """
import sys
import sectorsdf
root, *files = sys.argv[1:]
frames = [sectorsdf.read_parquet(file) for file in files]
print("ready", flush=True)
while True:
    for frame in frames:
        sectorsdf.snapshots.write(frame, root, date="2026-11-01", overwrite=True)
"""


@pytest.fixture
def writer(tmp_path, root, frames):
    """Start a process that replaces the snapshot of a day with two registers in turn."""
    files = []
    for day, frame in list(frames.items())[:2]:
        files.append(str(tmp_path / f"{day}.parquet"))
        sectorsdf.write_parquet(frame, files[-1])
    running = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, str(root), *files],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": HOME},
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(10)
        process.stdout.close()


def is_one_of(found, frames):
    return any(found.equals(frame) for frame in frames)


@pytest.mark.newest
@needs_fork
@allows_fork
def test_a_writer_that_is_killed_leaves_a_whole_snapshot(root, frames):
    """Thirty processes that replace a snapshot, each killed at another moment."""
    two = list(frames.values())[:2]
    snapshots.write(two[0], root, date="2026-11-01")
    before = set(root.parent.iterdir())
    duration = 0.0
    for number in range(30):
        done, report = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(60)
            while True:
                for frame in two:
                    os.write(report, b"w")
                    snapshots.write(frame, root, date="2026-11-01", overwrite=True)
        os.close(report)
        assert os.read(done, 1) == b"w"
        begun = time.monotonic()
        if not number:
            # The first process shows how long a write takes here, and so when to kill the others.
            assert os.read(done, 1) == b"w"
            duration = time.monotonic() - begun
        time.sleep(duration * number / 30)
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        os.close(done)
        found = snapshots.read(root, NAME)
        assert is_one_of(found, two)
        assert snapshots.list(root)["digest"].tolist() == [found.attrs["sectorsdf"]["digest"]]
        assert [path.name for path in root.rglob("*") if path.is_file()] == ["part-0.parquet"]
    # What the killed processes left beside the root is removed by the next write.
    snapshots.write(two[0], root, date="2026-12-01")
    assert set(root.parent.iterdir()) == before


@pytest.mark.newest
def test_a_reader_beside_writers_sees_one_whole_snapshot(root, frames, writer):
    two = list(frames.values())[:2]
    snapshots.write(two[0], root, date="2026-11-01")
    for _ in range(2):
        writer()
    seen = set()
    reads = 0
    while reads < 40 or (len(seen) < 2 and reads < 4000):
        reads += 1
        found = snapshots.read(root, NAME)
        assert is_one_of(found, two)
        seen.add(found.attrs["sectorsdf"]["digest"])
        # Readers of other programs see one file as well.
        assert len(pd.read_parquet(root)) in {len(frame) for frame in two}
    assert len(seen) == 2


def test_a_reader_beside_a_writer_of_another_store(s3, tmp_path, frames):
    root = f"{s3}/{tmp_path.name}"
    two = list(frames.values())[:2]
    snapshots.write(two[0], root, date="2026-11-01")
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for frame in two:
                snapshots.write(frame, root, date="2026-11-01", overwrite=True)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(15):
            assert is_one_of(snapshots.read(root, NAME), two)
            assert snapshots.history(root, NAME)["valid_to"].isna().all()
    finally:
        stop.set()
        thread.join()


def test_a_file_that_cannot_be_written_leaves_the_root_as_it_was(root, register, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    snapshots.write(register, root)
    monkeypatch.setattr("sectorsdf.snapshots.stores.flush_to_disk", fail)
    with pytest.raises(OSError, match="No space left"):
        snapshots.write(complete_frame([]), root, overwrite=True)
    assert snapshots.list(root)["rows"].tolist() == [len(register)]
    assert [entry.name for entry in root.parent.iterdir()] == ["lake"]


def test_without_hard_links_the_first_of_two_writers_wins_as_well(root, register, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    snapshots.write(register, root)
    with pytest.raises(FileExistsError, match="with other rows"):
        snapshots.write(complete_frame([]), root)


def test_a_root_whose_parent_is_another_disk_is_written_from_inside(root, register, monkeypatch):
    monkeypatch.setattr("sectorsdf.snapshots.stores.os.access", lambda *_: False)
    snapshots.write(register, root)
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["part-0.parquet"]
    assert [path.name for path in root.iterdir()] == [f"dataset={NAME}"]


def test_permissions_of_a_replaced_file_stay(root, register):
    path = Path(snapshots.write(register, root))
    usual = path.stat().st_mode & 0o777
    assert usual & 0o600 == 0o600
    path.chmod(0o640)
    snapshots.write(complete_frame([]), root, overwrite=True)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_bucket_that_is_not_there_is_an_error(s3, register):
    with pytest.raises(OSError, match="bucket"):
        snapshots.write(register, "s3://no-such-bucket/lake")


def test_urls_that_cannot_be_used_are_refused(register):
    pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    with pytest.raises(ConfigurationError, match=r"root='nonsense://x' is not a URL that fsspec"):
        snapshots.write(register, "nonsense://x")
    with pytest.raises(ConfigurationError, match="root=5"):
        snapshots.list(5)
