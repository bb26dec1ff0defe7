"""One trial of the fault table: a server with faults, a client, and the checks of the outcome.

`faults` declares the trials and writes the table. It also makes `tests/support` importable.
"""

from __future__ import annotations

import functools
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import SweepProcess, digest, same_frame

import sectorsdf
from sectorsdf.sandbox import DEFAULT_KEY, Faults, Sandbox

LICENSES = 4151
PAGES = 139
WORKERS = 8
LATENCY = (0.01, 0.03)


@dataclass
class Row:
    """One row of the table."""

    title: str
    requests: int
    credits: int
    rows: int | None
    outcome: str
    passed: bool
    refusals: int
    seconds: float


class Trial:
    """One trial: its server, its cache folder, its frame, and the checks that failed.

    Parameters
    ----------
    folder : path-like
        A temporary folder.
    server : Sandbox
        The server.
    """

    def __init__(self, folder, server):
        self.cache = Path(folder) / "cache"
        self.server = server
        self.failed = []
        self.frame = None
        self.outcome = "same frame"
        self.requests = self.credits = self.refusals = 0

    def check(self, condition, message):
        """Note a message if a condition is not true."""
        if not condition:
            self.failed.append(message)

    def client(self, **options):
        """Return a client of the server."""
        return sectorsdf.Client(
            DEFAULT_KEY, self.server.url, **{"cache_folder": self.cache, **options}
        )

    def sweep(self, call=None, **options):
        """Fetch all licences in this process; return the client."""
        with self.client(**options) as client:
            self.frame = sectorsdf.get_mining_licenses(client=client, **(call or {}))
            return client

    def failing(self, kind, **options):
        """Make a sweep that must raise an error; return the error."""
        try:
            self.sweep(**options)
        except sectorsdf.SectorsdfError as error:
            self.check(isinstance(error, kind), f"{type(error).__name__}: {error}")
            return error
        self.failed.append(f"no {kind.__name__} was raised")
        return None

    def process(self, **options):
        """Return a sweep in a child process."""
        return SweepProcess(self.server.url, self.cache, **options)

    def same(self, truth):
        """Check that the frame equals another."""
        self.check(same_frame(self.frame, truth), "the frame differs")

    def same_rows(self, truth):
        """Check that the frame has the rows of another, in any order."""
        self.outcome = "same rows"
        self.check(digest(self.frame) == digest(truth), "the rows differ")

    def settle(self):
        """Wait until the server has answered what was under way when a client was killed."""
        answered = None
        while answered != len(self.server.requests):
            answered = len(self.server.requests)
            time.sleep(0.3)

    def count(self):
        """Count the requests that the server has received."""
        log = self.server.requests
        self.refusals = sum(record.status == 429 for record in log)
        self.requests = len(log) - self.refusals
        self.credits = sum(record.billed for record in log)


@functools.cache
def truth():
    """Return the frame of a sweep without faults."""
    with sectorsdf.sandbox.running() as client:
        return sectorsdf.get_mining_licenses(client=client)


TRIALS = []


def declare(title, **faults):
    """Declare a trial: its title in the table, and the faults of its server."""

    def decorate(function):
        TRIALS.append((title, faults, function))
        return function

    return decorate


@contextmanager
def _new_trial(faults):
    with (
        tempfile.TemporaryDirectory(prefix="sectorsdf-faults-") as folder,
        Sandbox(faults=Faults(**faults)) as server,
    ):
        yield Trial(folder, server)


def run(title, faults, function):
    """Run a trial; return its row of the table."""
    with _new_trial(faults) as trial:
        start = time.perf_counter()
        try:
            function(trial)
            seconds = time.perf_counter() - start
            if not trial.requests:
                trial.count()
        except (sectorsdf.SectorsdfError, TimeoutError, KeyError, AssertionError) as error:
            seconds = time.perf_counter() - start
            trial.failed.append(f"{type(error).__name__}: {error}")
        if trial.failed:
            trial.outcome = f"**not as promised**: {'; '.join(trial.failed)}"
        return Row(
            # The title may have numbers that the function sets.
            title=title.format(**vars(trial)),
            requests=trial.requests,
            credits=trial.credits,
            rows=None if trial.frame is None else len(trial.frame),
            outcome=trial.outcome,
            passed=not trial.failed,
            refusals=trial.refusals,
            seconds=seconds,
        )
