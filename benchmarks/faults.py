"""Inject every fault that the client must survive, and report the outcomes.

`make faults` runs it and writes `docs/faults.md`. Servers and clients communicate over loopback,
and each fault has its own cache folder. The exit code is 1 if an outcome is not as promised. With
names of trials as arguments, it runs only these and writes nothing.
"""

from __future__ import annotations

import logging
import os
import platform
import random
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.processes import (  # noqa: E402
    ServerProcess,
    damage_three_pages,
    offsets,
    paid_pages,
    requested_offsets,
    small_disk,
    wait_until,
)
from trials import LATENCY, LICENSES, PAGES, TRIALS, WORKERS, declare, run, truth  # noqa: E402

import sectorsdf  # noqa: E402
from sectorsdf.sandbox import Drift, RateLimit  # noqa: E402

KILLS = 30
REPORT = ROOT / "docs" / "faults.md"


def _mixed_faults(share):
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


@declare("Nothing goes wrong", latency=LATENCY)
def calm(trial):
    trial.sweep()
    trial.same(truth())


def _some_fail(trial):
    client = trial.sweep(timeout=(2, 1))
    trial.same(truth())
    log = trial.server.requests
    broken = sum(record.billed and bool(record.fault) for record in log)
    late = sum(record.billed and "stall" in (record.fault or "") for record in log)
    trial.check(trial.server.billed == PAGES + broken, "whole answers were paid twice")
    trial.check(
        trial.server.billed == client.spent + late, "the client counted another number of credits"
    )
    trial.outcome = f"same frame; {broken} broken or late answers were billed"


WAYS = "500, 502, 503 with HTML, reset, cut short, not JSON, empty, later than the timeout"
declare(f"5 % of the answers fail ({WAYS})", **_mixed_faults(0.05))(_some_fail)
declare("20 % of the answers fail in the same ways", **_mixed_faults(0.2))(_some_fail)


@declare("Every answer is later than the timeout; then the server is fast again", latency=0.5)
def slow(trial):
    retry = sectorsdf.RetryPolicy(tries=2, base=0.05)
    trial.failing(sectorsdf.ConnectionFailedError, timeout=(2, 0.2), retry=retry)
    trial.server.set_faults(latency=0.0)
    trial.sweep()
    trial.same(truth())
    trial.outcome = "ConnectionFailedError; then same frame"


@declare("The server is killed (SIGKILL) at page 50 and restarted on the same port")
def server_killed(trial):
    trial.server.stop()
    with ExitStack() as stack:
        faults = {"latency": list(LATENCY)}
        first = stack.enter_context(ServerProcess(licenses=LICENSES, faults=faults))
        trial.server = first
        second = []

        def listen(_name, done, _of):
            if done == 50:
                first.kill()
                again = ServerProcess(licenses=LICENSES, port=first.port, faults=faults)
                second.append(stack.enter_context(again))

        client = trial.sweep(on_progress=listen)
        trial.same(truth())
        stats = second[0].stats()
        # The log of the killed server is lost, so the client's own count is reported.
        trial.requests = trial.credits = client.spent
        trial.check(client.spent == PAGES, "pages were paid twice")
        repeated = stats["billed"] - (PAGES - 50)
        trial.check(-WORKERS <= repeated <= 0, "pages were requested again after the restart")


@declare(
    "The client is killed (SIGKILL) at a random page, {kills} times; then it finishes",
    latency=LATENCY,
)
def client_killed(trial):
    rng = random.Random(30)
    trial.kills, saved = KILLS, set()
    goals = sorted(rng.sample(range(2, PAGES - 2), KILLS))
    for attempt in range(KILLS + 1):
        before = len(trial.server.requests)
        with trial.process() as child:
            if attempt < KILLS:
                # It is killed when this many pages are on disk or in flight.
                goal = max(goals[attempt] - len(saved), 2) + before
                wait_until(lambda: len(trial.server.requests) >= goal or not child.running)  # noqa: B023
                trial.check(child.running, "a sweep ended before it was killed")
                child.kill()
            else:
                result = child.end()
        repeated = saved & set(requested_offsets(trial.server.requests[before:]))
        trial.check(not repeated, f"paid pages were requested again: {sorted(repeated)}")
        if attempt < KILLS:
            saved = offsets(paid_pages(trial.cache))
    trial.frame = result.get("frame")
    trial.same(truth())
    most = PAGES + WORKERS * KILLS
    trial.check(trial.server.billed <= most, "more than the pages in flight were paid again")
    trial.check(not paid_pages(trial.cache), "the journal was not cleared")
    extra = trial.server.billed - PAGES
    trial.outcome = f"same frame; no page on disk was billed twice, {extra} pages in flight were"


@declare("Ctrl-C (SIGINT) at page 60; then the same call again", latency=LATENCY)
def interrupted(trial):
    with trial.process() as child:
        wait_until(lambda: len(trial.server.requests) >= 60)
        seconds = child.interrupt()
        trial.check(
            child.end().get("error") == "KeyboardInterrupt", "it did not end with KeyboardInterrupt"
        )
    trial.check(seconds < 1.0, f"it took {seconds:.2f} s to end")
    saved = len(paid_pages(trial.cache))
    lost = trial.server.billed - saved
    trial.check(lost == 0, f"{lost} paid pages were lost")
    with trial.process() as child:
        trial.frame = child.end().get("frame")
    trial.same(truth())
    trial.check(trial.server.billed == PAGES + lost, "paid pages were requested again")
    trial.outcome = f"ended in {seconds:.2f} s with all {saved} paid pages saved; then same frame"


@declare(
    "Ctrl-C (SIGINT) while all workers wait for the rate window", rate_limit=RateLimit(40, 60.0)
)
def interrupted_while_waiting(trial):
    with trial.process() as child:
        wait_until(lambda: any(record.status == 429 for record in trial.server.requests))
        seconds = child.interrupt()
        trial.check(
            child.end().get("error") == "KeyboardInterrupt", "it did not end with KeyboardInterrupt"
        )
    trial.check(seconds < 1.0, f"it took {seconds:.2f} s to end")
    saved = len(paid_pages(trial.cache))
    trial.check(saved == 40, "paid pages were lost")
    trial.server.set_faults(rate_limit=None)
    trial.outcome = f"ended in {seconds:.2f} s with all {saved} paid pages saved"


@declare(
    "Four processes sweep at once with one key; the limit is 80 requests in 1 s",
    rate_limit=RateLimit(80, 1.0),
)
def four(trial):
    with ExitStack() as stack:
        children = [stack.enter_context(trial.process(client={"max_wait": 4})) for _ in range(4)]
        results = [child.end() for child in children]
    for result in results:
        trial.frame = result.get("frame")
        trial.same(truth())
    trial.check(trial.server.billed == 4 * PAGES, "pages were paid twice")
    trial.outcome = "same frame, four times"


# Much shorter windows than those that users have measured, and pages half as large, so that there
# are enough windows.
FIXED = RateLimit(30, 2.0)
ROLLING = RateLimit(25, 2.0, kind="rolling", counts="billed", block_growth=0.1)


def _learns(trial):
    limit = trial.server.faults.rate_limit
    client = trial.sweep(max_wait=20)
    trial.same_rows(truth())
    trial.outcome = f"same rows; {_share(trial.server.requests, limit):.0%} of the limit was used"
    learnt = client.pace()
    trial.check(
        abs(learnt["requests"] - limit.requests) <= 1
        and abs(learnt["seconds"] - limit.window) <= 0.06 * limit.window,
        f"{learnt['requests']} requests in {learnt['seconds']} s were learnt",
    )
    trial.check(_share(trial.server.requests, limit) >= 0.95, "less than 95 % were used")
    refused = sum(record.status == 429 for record in trial.server.requests)
    trial.check(refused <= 10, "the blocked window was polled")


def _share(log, limit):
    """Return the throughput from the second window on, as a share of what the limit allows."""
    counted = [
        record.time
        for record in log
        if record.status != 429 and (record.billed or limit.counts == "all")
    ]
    begun = next(at for at in counted if at >= counted[0] + 0.9 * limit.window)
    windows = int((counted[-1] - begun) / limit.window)
    end = begun + windows * limit.window
    return sum(begun <= at < end for at in counted) / (windows * limit.requests)


declare(
    f"The limit is {FIXED.requests} requests in fixed windows of {FIXED.window:g} s",
    rate_limit=FIXED,
    page_limit=15,
    latency=LATENCY,
)(_learns)
declare(
    f"The limit is {ROLLING.requests} billed answers in any {ROLLING.window:g} s, errors are free,"
    f" and each refused request prolongs the block by {ROLLING.block_growth:g} s",
    rate_limit=ROLLING,
    page_limit=15,
    latency=LATENCY,
    status_rates={503: 0.03},
)(_learns)


@declare("The quota runs out at page 60; it is raised; the same call again")
def quota(trial):
    trial.server.set_faults(quota=60, rate_limit=RateLimit(50, 1.0))
    error = trial.failing(sectorsdf.QuotaExhaustedError, max_wait=2.0)
    trial.check("60 paid page(s) are kept" in str(error), "the error names another count")
    trial.server.set_faults(quota=1000)
    with trial.process(client={"max_wait": 2.0}) as child:
        trial.frame = child.end().get("frame")
    trial.same(truth())
    trial.check(trial.server.billed == PAGES, "paid pages were requested again")
    trial.outcome = "QuotaExhaustedError; then, in another process, same frame"


@declare("{disk}; the client is killed at page 100, and repeats the call there", latency=LATENCY)
def disk_full(trial):
    with small_disk(trial.cache.parent / "disk", "1m") as disk:
        trial.disk = "A disk of 1 MB fills up"
        limit = None
        if disk is None:
            trial.disk, limit = "No file can grow beyond 8 kB", 8_000
        else:
            trial.cache = disk / "cache"
        with trial.process(file_limit=limit, stderr=subprocess.DEVNULL) as child:
            wait_until(lambda: len(trial.server.requests) >= 100)
            child.kill()
        trial.settle()
        saved = offsets(paid_pages(trial.cache))
        before = len(trial.server.requests)
        with trial.process(file_limit=limit, stderr=subprocess.DEVNULL) as child:
            trial.frame = child.end().get("frame")
        trial.same(truth())
        log = trial.server.requests
    repeated = saved & set(requested_offsets(log[before:]))
    trial.check(not repeated, f"pages on disk were requested again: {sorted(repeated)}")
    trial.check(
        len(log) - before == PAGES - len(saved), "more pages were requested than were missing"
    )
    trial.outcome = f"same frame; {len(saved)} pages had fitted on the disk and were used"


@declare("Three pages on disk are damaged after a kill at page 60", latency=LATENCY)
def damaged(trial):
    with trial.process() as child:
        wait_until(lambda: len(trial.server.requests) >= 60)
        child.kill()
    trial.settle()
    saved = damage_three_pages(trial.cache)
    before = trial.server.billed
    trial.sweep()
    trial.same(truth())
    paid = trial.server.billed - before
    trial.check(paid == PAGES - saved + 3, "another number of pages was paid for again")
    trial.outcome = "same frame; the three were detected and fetched again"


@declare("Three rows are added between a kill at page 60 and the next run", latency=LATENCY)
def changed_between(trial):
    with trial.process() as child:
        wait_until(lambda: len(trial.server.requests) >= 60)
        child.kill()
    trial.server.add_records("mining_licenses", 3)
    trial.sweep()
    _compare_with_present(trial)


@declare("Tied rows change their order on every request", unstable_order=True)
def unstable(trial):
    trial.sweep()
    trial.same_rows(truth())


def _compare_with_present(trial):
    """Compare with what the server has at the end; these requests are not counted."""
    trial.count()
    frame = trial.frame
    trial.server.set_faults(unstable_order=False, latency=0.0)
    trial.sweep({"resume": False})
    present, trial.frame = trial.frame, frame
    trial.same_rows(present)


@declare("Four rows are added after page 50", drift=(Drift(50, add=4),))
def rows_added(trial):
    trial.sweep()
    _compare_with_present(trial)


@declare("Four rows are removed after page 50", drift=(Drift(50, add=0, remove=4),))
def rows_removed(trial):
    trial.sweep()
    _compare_with_present(trial)


@declare(
    "Three rows are added and one is removed at the same time, after page 50",
    drift=(Drift(50, add=3, remove=1),),
)
def rows_added_and_removed(trial):
    trial.sweep()
    _compare_with_present(trial)


@declare(
    "Two rows are added after page 40 and two more after page 90, while ties change their order",
    unstable_order=True,
    drift=(Drift(40, add=2), Drift(90, add=2)),
)
def rows_added_unstable(trial):
    error = trial.failing(sectorsdf.IncompleteSweepError)
    trial.check(error is not None, "the bound on repair was not met")
    trial.sweep()
    _compare_with_present(trial)
    trial.outcome = f"IncompleteSweepError; then {trial.outcome}"


def _wrong_total(trial):
    error = trial.failing(sectorsdf.IncompleteSweepError)
    trial.frame = getattr(error, "frame", None)
    known = trial.frame is not None and trial.frame["wiup_code"].isin(truth()["wiup_code"]).all()
    trial.check(known, "the partial frame has other rows")
    trial.outcome = "IncompleteSweepError with the rows that were fetched"


declare("The total is 7 too high", total_offset=7)(_wrong_total)
declare("The total is 7 too low", total_offset=-7)(_wrong_total)


@declare("The list never ends: there is always a next page", endless=True)
def endless(trial):
    trial.sweep()
    trial.same(truth())
    trial.check(trial.server.billed <= PAGES + 1, "the endless list was followed")


@declare(
    "Details of {sites} sites; the client is killed at the 60th, and repeats the call",
    latency=LATENCY,
)
def details(trial):
    with trial.client(cache_folder=trial.cache.parent / "other") as client:
        listed = sectorsdf.get_mining_sites(order_by="year", client=client)
        # The record endpoint does not have a site whose latest row is abroad.
        latest = listed.drop_duplicates("slug", keep="last")
        slugs = latest.loc[latest["province"].notna(), "slug"].tolist()
        whole = sectorsdf.get_mining_site(slugs, client=client)
    trial.server.reset_counts()
    trial.sites = len(slugs)
    task = {"getter": "get_mining_site", "args": {"slug": slugs}}
    with trial.process(**task) as child:
        wait_until(lambda: len(trial.server.requests) >= 60)
        child.kill()
    saved = {path for (path,) in paid_pages(trial.cache)}
    before = len(trial.server.requests)
    with trial.process(**task) as child:
        result = child.end()
    log = trial.server.requests
    trial.check(not saved & {r.path for r in log[before:]}, "paid details were requested again")
    trial.frame = result.get("frame")
    trial.check(trial.frame is not None and trial.frame.equals(whole), "the frame differs")
    most = trial.sites + WORKERS
    trial.check(trial.server.billed <= most, "more than the details in flight were paid again")


def table(rows):
    """Return the report as Markdown."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    intro = (
        f"`make faults` wrote this page on {datetime.now(UTC):%Y-%m-%d} with Python "
        f"{platform.python_version()} on {cores} cores. The client and the server communicate "
        "over loopback.\n\n"
        f"Unless a row says otherwise, it is a sweep over {LICENSES:,} synthetic licences with "
        f"{WORKERS} workers: {PAGES} pages, so {PAGES} credits if nothing goes wrong. *Requests* "
        "are those that reached the server and were not refused, *credits* are what the server "
        "billed for them, and *refusals* are its answers with status 429. *Same frame* means "
        "that the values, dtypes and order are those of an undisturbed sweep; *same rows* means "
        "that the content is the same, in cases where the order itself changes. The seconds "
        "include the start of processes. The log of a killed server is lost, so that row uses "
        "the client's own ledger.\n"
    )
    lines = [
        "# Faults and their outcomes\n",
        intro,
        "| Fault | Requests | Credits | Rows | Outcome | Refusals | Seconds |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    lines += [
        f"| {row.title} | {row.requests:,} | {row.credits:,} | "
        f"{'' if row.rows is None else format(row.rows, ',')} | {row.outcome} | {row.refusals:,} | "
        f"{row.seconds:.1f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(names):
    # The package logs damaged pages and full disks, which are expected here.
    logging.getLogger("sectorsdf").setLevel(logging.CRITICAL)
    rows = []
    for title, faults, function in TRIALS:
        if names and function.__name__ not in names:
            continue
        row = run(title, faults, function)
        rows.append(row)
        print(
            f"{'ok ' if row.passed else 'BAD'} {row.title}: {row.credits} credits, {row.outcome}, "
            f"{row.refusals} refusals, {row.seconds:.1f} s",
            flush=True,
        )
    if not names:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(table(rows), encoding="utf-8")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
