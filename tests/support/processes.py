"""Servers and sweeps in child processes, so that they can be killed.

Run as a program, this file makes the call that its argument describes, writes the frame as Parquet,
and prints what the call spent.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import requests

import sectorsdf
from sectorsdf.cache.page_file import MARK, pages_in
from sectorsdf.sandbox import DEFAULT_KEY

LIST = "/v2/mining/licenses/"


def wait_until(condition, *, seconds=30.0, pause=0.002):
    """Wait until a condition is true, and return its value."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds} s: {condition}")
        time.sleep(pause)
    return value


class Process:
    """A child process, which is killed at the end of its block."""

    def __init__(self, *words, **options):
        # The children import the same package, and treat warnings as errors too.
        home = str(Path(sectorsdf.__file__).parents[1])
        self.popen = subprocess.Popen(
            [sys.executable, "-W", "error", *words],
            text=True,
            env={**os.environ, "PYTHONPATH": home},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options},
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.kill()
        self.popen.stdout.close()

    @property
    def running(self):
        return self.popen.poll() is None

    def kill(self):
        """End the process with SIGKILL, which it cannot catch."""
        self.popen.kill()
        self.popen.wait(10)

    def interrupt(self):
        """Send the signal of Ctrl-C; return the seconds until the process has ended."""
        begun = time.monotonic()
        self.popen.send_signal(signal.SIGINT)
        self.popen.wait(10)
        return time.monotonic() - begun


class ServerProcess(Process):
    """A sandbox in a child process."""

    def __init__(self, *, port=0, faults=None, **counts):
        given = {**counts, "port": port, "faults": json.dumps(faults or {})}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        super().__init__("-m", "sectorsdf.sandbox", *words)
        self.url = self.popen.stdout.readline().rpartition(" ")[2].strip()
        assert self.url, "the server did not start"

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def _control(self, name, **changes):
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.url}/_sandbox/{name}"
            response = session.post(url, json=changes) if changes else session.get(url)
            response.raise_for_status()
            return response.json()

    def stats(self):
        return self._control("stats")

    def requests(self):
        return self._control("requests")["requests"]

    def set_faults(self, **changes):
        return self._control("faults", **changes)


class SweepProcess(Process):
    """A call of a getter in a child process.

    Parameters
    ----------
    url : str
        The server's URL.
    cache : Path
        The cache folder.
    getter : str
        The getter's name.
    args, client : dict, optional
        The arguments of the getter and of the client.
    file_limit : int, optional
        The size in bytes that no file can exceed, as on a full disk.
    """

    def __init__(
        self,
        url,
        cache,
        *,
        getter="get_mining_licenses",
        args=None,
        client=None,
        file_limit=None,
        **options,
    ):
        # Beside the cache folder, which may be on a full disk.
        SweepProcess.count = getattr(SweepProcess, "count", 0) + 1
        self.out = Path(cache).parent / f"out-{os.getpid()}-{SweepProcess.count}.parquet"
        task = {
            "url": url,
            "cache": str(cache),
            "out": str(self.out),
            "getter": getter,
            "args": args or {},
            "client": client or {},
            "file_limit": file_limit,
        }
        super().__init__(__file__, json.dumps(task), **options)

    def end(self, seconds=60):
        """Wait until the process has ended; return what it printed, with the frame."""
        text, _ = self.popen.communicate(timeout=seconds)
        result = json.loads(text.splitlines()[-1]) if text.strip() else {}
        result["exit"] = self.popen.returncode
        if self.out.exists():
            result["frame"] = sectorsdf.read_parquet(self.out)
            self.out.unlink()
        return result


def damage_three_pages(cache):
    """Damage the first three pages of a cache folder's only journal, each in a different way."""
    (path,) = [p for p in Path(cache).glob("journal/*/pages.journal") if p.stat().st_size]
    head, *pages = path.read_bytes().split(MARK)
    flipped = bytearray(pages[0])
    flipped[len(flipped) // 2] ^= 1
    pages[:3] = [bytes(flipped), pages[1][:-1], b""]
    path.write_bytes(MARK.join([head, *pages]))
    return len(pages)


def paid_pages(cache):
    """Return the names of the complete pages in a cache folder's journals."""
    names = []
    folder = Path(cache) / "journal"
    for path in sorted([*folder.glob("*/pages.journal"), *folder.glob("records/*.page")]):
        for page, _ in pages_in(path.read_bytes()):
            if page is not None:
                names.append(json.loads(page.name))
    return names


def offsets(names):
    """Return the offsets of the journaled pages of a list without filters."""
    return {offset for offset, filters, _, _ in names if not filters}


def requested_offsets(log, *, billed=None):
    """Return the offset of each list request in a server's log, in order."""
    found = []
    for entry in log:
        fields = entry if isinstance(entry, dict) else {n: getattr(entry, n) for n in _FIELDS}
        if fields["path"] == LIST and billed in (None, fields["billed"]):
            found.append(int(fields["query"]["offset"]))
    return found


_FIELDS = ("path", "billed", "query")


def same_frame(frame, truth):
    """Return whether two frames have the same values, dtypes, names and order."""
    with suppress(AssertionError):
        pd.testing.assert_frame_equal(frame, truth)
        return digest(frame) == digest(truth)
    return False


def digest(frame):
    return frame.attrs["sectorsdf"]["certificate"]["digest"]


@contextmanager
def small_disk(folder, size):
    """Mount a small file system on a folder; yield None if that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        done = False
    try:
        yield folder if done else None
    finally:
        if done:
            subprocess.run(["umount", str(folder)], check=True, timeout=10)


def main(text):
    task = json.loads(text)
    # A program started in the background may inherit a handler that ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if task["file_limit"] is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit"], resource.RLIM_INFINITY))
    settings = task["client"]
    if "retry" in settings:
        settings["retry"] = sectorsdf.RetryPolicy(**settings["retry"])
    if "timeout" in settings:
        settings["timeout"] = tuple(settings["timeout"])
    client = sectorsdf.Client(DEFAULT_KEY, task["url"], cache_folder=task["cache"], **settings)
    result = {}
    with client:
        try:
            frame = getattr(sectorsdf, task["getter"])(client=client, **task["args"])
        except sectorsdf.SectorsdfError as error:
            result = {"error": type(error).__name__, "message": str(error)}
        except KeyboardInterrupt:
            result = {"error": "KeyboardInterrupt"}
        else:
            if task["file_limit"] is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            sectorsdf.write_parquet(frame, task["out"])
        result["spent"], result["pace"] = client.spent, client.pace()
    sys.stdout.write(json.dumps(result) + "\n")
    return 3 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
