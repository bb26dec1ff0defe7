"""Everything that can go wrong, done on purpose, and what becomes of the sweep.

`make faults` runs it and writes `docs/faults.md`. Servers and clients talk over loopback; each
fault has its own cache folder. It ends with 1 where a row is not as promised.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.processes import (  # noqa: E402
    ServerProcess,
    SweepProcess,
    asked_offsets,
    damage_three_pages,
    digest,
    offsets,
    paid_pages,
    same_frame,
    small_disk,
    wait_until,
)

import sectorsdf  # noqa: E402
from sectorsdf.sandbox import DEFAULT_KEY, Drift, Faults, RateLimit, Sandbox  # noqa: E402

LICENSES = 4151
PAGES = 139
KILLS = 30
WORKERS = 8
LATENCY = (0.01, 0.03)
REPORT = ROOT / "docs" / "faults.md"


@dataclass
class Row:
    """What came of one fault."""

    what: str
    asked: int
    billed: int
    rows: int | None
    outcome: str
    right: bool
    refusals: int
    seconds: float


class Trial:
    """One fault: its server, its cache folder, and what is found out about it."""

    def __init__(self, folder, server=None):
        self.cache = Path(folder) / "cache"
        self.server = server
        self.checks = []
        self.frame = None
        self.outcome = "same frame"
        self.asked = self.billed = self.refusals = 0

    def check(self, *, holds, why):
        """Note what has to hold."""
        if not holds:
            self.checks.append(why)

    def client(self, **options):
        return sectorsdf.Client(
            DEFAULT_KEY, self.server.url, **{"cache_folder": self.cache, **options}
        )

    def sweep(self, call=None, **options):
        with self.client(**options) as client:
            self.frame = sectorsdf.get_mining_licenses(client=client, **(call or {}))
            return client

    def failing(self, kind, **options):
        """Sweep where an error has to come; return it."""
        try:
            self.sweep(**options)
        except sectorsdf.SectorsdfError as error:
            self.check(holds=isinstance(error, kind), why=f"{type(error).__name__}: {error}")
            return error
        self.check(holds=False, why=f"no {kind.__name__} was raised")
        return None

    def process(self, **options):
        return SweepProcess(self.server.url, self.cache, **options)

    def same(self, truth):
        self.check(holds=same_frame(self.frame, truth), why="the frame differs")

    def same_rows(self, truth):
        self.outcome = "same rows"
        self.check(holds=digest(self.frame) == digest(truth), why="the rows differ")

    def count(self, log=None):
        """Add up what the server was asked."""
        log = self.server.requests if log is None else log
        self.refusals = sum(record.status == 429 for record in log)
        self.asked = len(log) - self.refusals
        self.billed = sum(record.billed for record in log)


@functools.cache
def truth():
    """Return the frame of a sweep that nothing disturbs."""
    with sectorsdf.sandbox.running() as client:
        return sectorsdf.get_mining_licenses(client=client)


TRIALS = []


def trial(what, **faults):
    """Declare a trial: its words, and the faults of its server."""

    def declare(function):
        TRIALS.append((what, faults, function))
        return function

    return declare


@contextmanager
def _serving(faults):
    with (
        tempfile.TemporaryDirectory(prefix="sectorsdf-faults-") as folder,
        Sandbox(faults=Faults(**faults)) as server,
    ):
        yield Trial(folder, server)


def run(what, faults, function):
    with _serving(faults) as t:
        begun = time.perf_counter()
        try:
            function(t)
            seconds = time.perf_counter() - begun
            if not t.asked:
                t.count()
        except (sectorsdf.SectorsdfError, TimeoutError, KeyError, AssertionError) as error:
            seconds = time.perf_counter() - begun
            t.check(holds=False, why=f"{type(error).__name__}: {error}")
        if t.checks:
            t.outcome = f"**not as promised**: {'; '.join(t.checks)}"
        rows = None if t.frame is None else len(t.frame)
        # The function may say more exactly what was done.
        what = what.format(**vars(t))
        return Row(what, t.asked, t.billed, rows, t.outcome, not t.checks, t.refusals, seconds)


def mixed(share):
    part = share / 8
    return {
        "latency": LATENCY,
        "status_rates": {500: part, 502: part, 503: part},
        "html_errors": True,
        "reset_rate": part,
        "cut_rate": part,
        "garbage_rate": part,
        "empty_rate": part,
        "stall_rate": part,
        "stall_seconds": 3.0,
    }


@trial("Nothing goes wrong", latency=LATENCY)
def calm(t):
    t.sweep()
    t.same(truth())


def _mixed(t):
    client = t.sweep(timeout=(2, 1))
    t.same(truth())
    log = t.server.requests
    broken = sum(record.billed and bool(record.fault) for record in log)
    late = sum(record.billed and "stall" in (record.fault or "") for record in log)
    t.check(holds=t.server.billed == PAGES + broken, why="whole answers were paid twice")
    t.check(holds=t.server.billed == client.spent + late, why="the client's account is wrong")
    t.outcome = f"same frame; {broken} broken or late answers were billed"


WAYS = "500, 502, 503 with HTML, reset, cut short, not JSON, empty, later than the timeout"
trial(f"5 % of the answers fail ({WAYS})", **mixed(0.05))(_mixed)
trial("20 % of the answers fail in the same ways", **mixed(0.2))(_mixed)


@trial("Every answer is later than the timeout; then the server is quick again", latency=0.5)
def slow(t):
    retry = sectorsdf.RetryPolicy(tries=2, base=0.05)
    t.failing(sectorsdf.ConnectionFailedError, timeout=(2, 0.2), retry=retry)
    t.server.set_faults(latency=0.0)
    t.sweep()
    t.same(truth())
    t.outcome = "ConnectionFailedError; then same frame"


@trial("The server is killed (SIGKILL) at page 50 and comes back on the same port")
def server_killed(t):
    t.server.stop()
    with ExitStack() as stack:
        faults = {"latency": list(LATENCY)}
        first = stack.enter_context(ServerProcess(licenses=LICENSES, faults=faults))
        t.server = first
        second = []

        def listen(_name, done, _of):
            if done == 50:
                first.kill()
                again = ServerProcess(licenses=LICENSES, port=first.port, faults=faults)
                second.append(stack.enter_context(again))

        client = t.sweep(on_progress=listen)
        t.same(truth())
        stats = second[0].stats()
        # The killed server's log is gone; what it had answered stands in the client's ledger.
        t.billed = client.spent
        t.asked = client.spent
        t.check(holds=client.spent == PAGES, why="pages were paid twice")
        asked_again = stats["billed"] - (PAGES - 50)
        t.check(holds=-WORKERS <= asked_again <= 0, why="pages were asked again after the restart")


@trial(
    "The client is killed (SIGKILL) at a random page, {kills} times; then it ends", latency=LATENCY
)
def client_killed(t):
    dice = random.Random(30)
    t.kills, had = KILLS, set()
    goals = sorted(dice.sample(range(2, PAGES - 2), KILLS))
    for run in range(KILLS + 1):
        before = len(t.server.requests)
        with t.process() as child:
            if run < KILLS:
                # So many pages of the whole are on disk or under way when it dies.
                goal = max(goals[run] - len(had), 2) + before
                wait_until(lambda: len(t.server.requests) >= goal or not child.running)  # noqa: B023
                t.check(holds=child.running, why="a sweep ended before it was killed")
                child.kill()
            else:
                told = child.end()
        again = had & set(asked_offsets(t.server.requests[before:]))
        t.check(holds=not again, why=f"paid pages were asked again: {sorted(again)}")
        if run < KILLS:
            had = offsets(paid_pages(t.cache))
    t.frame = told.get("frame")
    t.same(truth())
    most = PAGES + WORKERS * KILLS
    t.check(holds=t.server.billed <= most, why="more than the pages under way was paid again")
    t.check(holds=not paid_pages(t.cache), why="the journal was not cleared")
    t.outcome = f"same frame; no page on disk was billed twice, {t.server.billed - PAGES} under way"


@trial("Ctrl-C (SIGINT) at page 60; then the same call again", latency=LATENCY)
def interrupted(t):
    with t.process() as child:
        wait_until(lambda: len(t.server.requests) >= 60)
        seconds = child.interrupt()
        t.check(holds=child.end().get("error") == "KeyboardInterrupt", why="another end")
    t.check(holds=seconds < 1.0, why=f"it took {seconds:.2f} s to leave")
    kept = len(paid_pages(t.cache))
    lost = t.server.billed - kept
    t.check(holds=lost == 0, why=f"{lost} paid pages were lost")
    with t.process() as child:
        t.frame = child.end().get("frame")
    t.same(truth())
    t.check(holds=t.server.billed == PAGES + lost, why="paid pages were asked again")
    t.outcome = f"left in {seconds:.2f} s with all {kept} paid pages; then same frame"


@trial("Ctrl-C (SIGINT) while all wait for the rate window", rate_limit=RateLimit(40, 60.0))
def interrupted_at_gate(t):
    with t.process() as child:
        wait_until(lambda: any(record.status == 429 for record in t.server.requests))
        seconds = child.interrupt()
        t.check(holds=child.end().get("error") == "KeyboardInterrupt", why="another end")
    t.check(holds=seconds < 1.0, why=f"it took {seconds:.2f} s to leave")
    kept = len(paid_pages(t.cache))
    t.check(holds=kept == 40, why="paid pages were lost")
    t.server.set_faults(rate_limit=None)
    t.outcome = f"left in {seconds:.2f} s with all {kept} paid pages"


@trial(
    "Four processes sweep at once with one key; 80 requests in 1 s", rate_limit=RateLimit(80, 1.0)
)
def four(t):
    with ExitStack() as stack:
        children = [stack.enter_context(t.process(client={"max_wait": 4})) for _ in range(4)]
        told = [child.end() for child in children]
    for entry in told:
        t.frame = entry.get("frame")
        t.same(truth())
    t.check(holds=t.server.billed == 4 * PAGES, why="pages were paid twice")
    t.outcome = "same frame, four times"


@trial("The quota runs out at page 60; it is raised; the same call again")
def quota(t):
    t.server.set_faults(quota=60, rate_limit=RateLimit(50, 1.0))
    error = t.failing(sectorsdf.QuotaExhaustedError, max_wait=2.0)
    t.check(holds="60 paid page(s) are kept" in str(error), why="the error tells another count")
    t.server.set_faults(quota=1000)
    with t.process(client={"max_wait": 2.0}) as child:
        t.frame = child.end().get("frame")
    t.same(truth())
    t.check(holds=t.server.billed == PAGES, why="paid pages were asked again")
    t.outcome = "QuotaExhaustedError; then, in another process, same frame"


@trial("{disk}, the client is killed at page 100, and does the call again there", latency=LATENCY)
def disk_full(t):
    with small_disk(t.cache.parent / "disk", "1m") as disk:
        t.disk = "A disk of 1 MB fills"
        limit = None
        if disk is None:
            t.disk, limit = "No file may grow beyond 8 kB", 8_000
        else:
            t.cache = disk / "cache"
        with t.process(file_limit=limit, stderr=subprocess.DEVNULL) as child:
            wait_until(lambda: len(t.server.requests) >= 100)
            child.kill()
        kept = offsets(paid_pages(t.cache))
        before = len(t.server.requests)
        with t.process(file_limit=limit, stderr=subprocess.DEVNULL) as child:
            t.frame = child.end().get("frame")
        t.same(truth())
        log = t.server.requests
    again = kept & set(asked_offsets(log[before:]))
    t.check(holds=not again, why=f"pages on disk were asked again: {sorted(again)}")
    t.check(holds=len(log) - before == PAGES - len(kept), why="more was asked than was lacking")
    t.outcome = f"same frame; {len(kept)} pages had found room and were used"


@trial("Three pages on disk are damaged after a kill at page 60", latency=LATENCY)
def damaged(t):
    with t.process() as child:
        wait_until(lambda: len(t.server.requests) >= 60)
        child.kill()
    kept = damage_three_pages(t.cache)
    before = t.server.billed
    t.sweep()
    t.same(truth())
    paid = t.server.billed - before
    t.check(holds=paid == PAGES - kept + 3, why="another number of pages was paid again")
    t.outcome = "same frame; the three were seen and fetched again"


@trial("Three rows come between a kill at page 60 and the next run", latency=LATENCY)
def changed_between(t):
    with t.process() as child:
        wait_until(lambda: len(t.server.requests) >= 60)
        child.kill()
    t.server.add_records("mining_licenses", 3)
    t.sweep()
    _as_it_is_now(t)


@trial("Rows that tie change places at every request", unstable_order=True)
def unstable(t):
    t.sweep()
    t.same_rows(truth())


def _as_it_is_now(t):
    """Compare with what the server has in the end, which the count leaves out."""
    t.count()
    frame = t.frame
    t.server.set_faults(unstable_order=False, latency=0.0)
    t.sweep({"resume": False})
    now, t.frame = t.frame, frame
    t.same_rows(now)


@trial("Four rows come after page 50", drift=(Drift(50, add=4),))
def rows_come(t):
    t.sweep()
    _as_it_is_now(t)


@trial("Four rows go after page 50", drift=(Drift(50, add=0, remove=4),))
def rows_go(t):
    t.sweep()
    _as_it_is_now(t)


@trial("Three rows come and one goes at once after page 50", drift=(Drift(50, add=3, remove=1),))
def rows_come_and_go(t):
    t.sweep()
    _as_it_is_now(t)


@trial(
    "Two rows come after page 40 and two more after page 90, while ties change places",
    unstable_order=True,
    drift=(Drift(40, add=2), Drift(90, add=2)),
)
def rows_come_unstable(t):
    error = t.failing(sectorsdf.IncompleteSweepError)
    t.check(holds=error is not None, why="the bound on repair was not met")
    t.sweep()
    _as_it_is_now(t)
    t.outcome = f"IncompleteSweepError; then {t.outcome}"


def _lie(t):
    error = t.failing(sectorsdf.IncompleteSweepError)
    t.frame = getattr(error, "frame", None)
    known = t.frame is not None and t.frame["wiup_code"].isin(truth()["wiup_code"]).all()
    t.check(holds=known, why="the partial frame holds other rows")
    t.outcome = "IncompleteSweepError with the rows that came"


trial("The total is 7 too high", total_offset=7)(_lie)
trial("The total is 7 too low", total_offset=-7)(_lie)


@trial("The list never ends: there is always a next page", endless=True)
def endless(t):
    t.sweep()
    t.same(truth())
    t.check(holds=t.server.billed <= PAGES + 1, why="it was followed")


@trial(
    "Details of {sites} sites; the client is killed at the 60th, and asks again", latency=LATENCY
)
def details(t):
    with t.client(cache_folder=t.cache.parent / "other") as client:
        listed = sectorsdf.get_mining_sites(order_by="year", client=client)
        # The detail endpoint knows no site whose latest row is abroad.
        latest = listed.drop_duplicates("slug", keep="last")
        slugs = latest.loc[latest["province"].notna(), "slug"].tolist()
        whole = sectorsdf.get_mining_site(slugs, client=client)
    t.server.reset_counts()
    t.sites = len(slugs)
    task = {"getter": "get_mining_site", "args": {"slug": slugs}}
    with t.process(**task) as child:
        wait_until(lambda: len(t.server.requests) >= 60)
        child.kill()
    kept = {path for (path,) in paid_pages(t.cache)}
    before = len(t.server.requests)
    with t.process(**task) as child:
        told = child.end()
    log = t.server.requests
    t.check(holds=not kept & {r.path for r in log[before:]}, why="paid details were asked again")
    t.frame = told.get("frame")
    t.check(holds=t.frame is not None and t.frame.equals(whole), why="the frame differs")
    most = t.sites + WORKERS
    t.check(holds=t.server.billed <= most, why="more than the details under way was paid again")


def table(rows):
    """Return the report."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    intro = (
        f"Written by `make faults` on {datetime.now(UTC):%Y-%m-%d} with Python "
        f"{platform.python_version()} on {cores} cores; client and server talk over loopback.\n\n"
        f"Each row is a sweep over {LICENSES:,} synthetic licences with {WORKERS} workers unless "
        f"it says otherwise: {PAGES} pages, so {PAGES} credits where nothing goes wrong. "
        "*Requests* are those that reached the server and were not refused, *credits* what it "
        "billed for them, *refusals* its answers 429. *Same frame* means the values, dtypes and "
        "order of an undisturbed sweep; *same rows* the same content where the order itself "
        "moves. Seconds include the start of processes. The log of a killed server is lost: "
        "there the client's own ledger is given.\n"
    )
    lines = [
        "# What goes wrong, and what becomes of it\n",
        intro,
        "| What is done | Requests | Credits | Rows | Outcome | Refusals | Seconds |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    lines += [
        f"| {row.what} | {row.asked:,} | {row.billed:,} | "
        f"{'' if row.rows is None else format(row.rows, ',')} | {row.outcome} | {row.refusals:,} | "
        f"{row.seconds:.1f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(names):
    # What the package says of a damaged page or a full disk is expected here.
    logging.getLogger("sectorsdf").setLevel(logging.CRITICAL)
    rows = []
    for what, faults, function in TRIALS:
        if names and function.__name__ not in names:
            continue
        row = run(what, faults, function)
        rows.append(row)
        print(
            f"{'ok ' if row.right else 'BAD'} {row.what}: {row.billed} credits, {row.outcome}, "
            f"{row.refusals} refusals, {row.seconds:.1f} s",
            flush=True,
        )
    if not names:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(table(rows), encoding="utf-8")
    return 0 if all(row.right for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
