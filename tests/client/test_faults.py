"""What is promised when things go wrong, tried over real sockets and on real processes.

The full table of faults, with more repetitions, is `benchmarks/faults.py`.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack

import pandas as pd
import pytest
from support import processes
from support.processes import (
    ServerProcess,
    SweepProcess,
    digest,
    offsets,
    paid_pages,
    requested_offsets,
    same_frame,
    wait_until,
)

import sectorsdf
from sectorsdf.sandbox import DEFAULT_KEY, Drift, Faults, RateLimit, Sandbox

pytestmark = pytest.mark.newest

LICENSES = 600
ONLY = {"licenses": LICENSES, "auctions": 0, "sites": 0}
PAGES = 20
OFFSETS = set(range(0, LICENSES, 30))
# Long enough for a busy machine to look between two answers.
SLOW = 0.03
# Within a second where the machine is at leisure, which `benchmarks/faults.py` measures.
AT_ONCE = 8.0
IMPATIENT = sectorsdf.RetryPolicy(tries=12, base=0.01, cap=0.1)


@pytest.fixture(scope="module")
def truth():
    """The frame of a sweep that nothing disturbs."""
    with sectorsdf.sandbox.running(server=ONLY) as client:
        frame = sectorsdf.get_mining_licenses(client=client)
        assert client.sandbox.billed == PAGES
    return frame


@pytest.fixture
def serve():
    """Start a server with faults."""
    with ExitStack() as stack:

        def start(*, licenses=LICENSES, sites=0, **faults):
            return stack.enter_context(
                Sandbox(licenses=licenses, auctions=0, sites=sites, faults=Faults(**faults))
            )

        yield start


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def connect(cache):
    """Make clients that share one cache folder."""
    with ExitStack() as stack:

        def make(server, **options):
            options = {"cache_folder": cache, "retry": IMPATIENT, **options}
            return stack.enter_context(sectorsdf.Client(DEFAULT_KEY, server.url, **options))

        yield make


def sweep(client, **options):
    return sectorsdf.get_mining_licenses(client=client, **options)


def refused(server):
    return sum(record.status == 429 for record in server.requests)


# Answers that fail


@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize("html", [False, True])
def test_answers_that_fail_in_every_way(serve, connect, truth, share, html):
    part = share / 8
    server = serve(
        status_rates={500: part, 502: part, 503: part},
        html_errors=html,
        reset_rate=part,
        cut_rate=part,
        garbage_rate=part,
        empty_rate=part,
        stall_rate=part,
        stall_seconds=3.0,
    )
    client = connect(server, timeout=(5, 1))
    assert same_frame(sweep(client), truth)
    # An answer that came too late was billed, but nobody can know.
    late = [r for r in server.requests if r.billed and "stall" in (r.fault or "")]
    assert server.billed == client.spent + len(late)
    broken = [r for r in server.requests if r.billed and r.fault]
    assert server.billed == PAGES + len(broken)


def test_a_server_slower_than_the_timeout(serve, connect, truth):
    server = serve(latency=(0.4, 0.5))
    client = connect(server, timeout=(5, 0.1), retry=sectorsdf.RetryPolicy(tries=2, base=0.01))
    with pytest.raises(sectorsdf.ConnectionFailedError, match="failed 2 times"):
        sweep(client)
    server.set_faults(latency=0.0)
    assert same_frame(sweep(connect(server)), truth)


def test_a_server_that_is_killed_and_comes_back(connect, truth):
    patient = sectorsdf.RetryPolicy(tries=60, base=0.05, cap=0.2)
    with ExitStack() as stack:
        first = stack.enter_context(ServerProcess(**ONLY, faults={"latency": SLOW}))
        client = connect(first, retry=patient, workers=2)
        frames = []

        def listen(_name, done, _of):
            if done == 8:
                first.kill()
                second = ServerProcess(**ONLY, port=first.port)
                frames.append(stack.enter_context(second))

        client.context.on_progress = listen
        frame = sweep(client)
        (second,) = frames
        assert same_frame(frame, truth)
        assert client.spent == PAGES
        # What came before the end is not asked again.
        assert PAGES - 10 <= second.stats()["billed"] <= PAGES - 8


# A client that ends before its sweep does


def test_a_client_that_is_killed_again_and_again(serve, cache, truth):
    server = serve(latency=SLOW)
    dice = random.Random(4)
    workers, kills, had = 2, 4, set()
    for run in range(kills + 1):
        before = len(server.requests)
        with SweepProcess(server.url, cache, client={"workers": workers}) as child:
            if run < kills:
                goal = before + dice.randint(2, 5)
                wait_until(lambda: len(server.requests) >= goal or not child.running)  # noqa: B023
                assert child.running
                child.kill()
            else:
                told = child.end()
        # A page that had reached the disk is never asked again.
        assert not had & set(requested_offsets(server.requests[before:]))
        if run < kills:
            now = offsets(paid_pages(cache))
            assert had <= now
            had = now
    assert same_frame(told["frame"], truth)
    times = Counter(requested_offsets(server.requests))
    assert set(times) == OFFSETS
    # Only what was under way at a kill, one page a worker, may be paid again.
    assert server.billed <= PAGES + workers * kills
    assert not paid_pages(cache)


def test_ctrl_c_keeps_what_was_paid(serve, cache, connect, truth):
    server = serve(latency=SLOW)
    with SweepProcess(server.url, cache, client={"workers": 2}) as child:
        wait_until(lambda: len(server.requests) >= 6)
        seconds = child.interrupt()
        assert child.end()["error"] == "KeyboardInterrupt"
    assert seconds < AT_ONCE
    kept = offsets(paid_pages(cache))
    assert server.billed - 2 <= len(kept) <= server.billed < PAGES
    server.reset_counts()
    assert same_frame(sweep(connect(server)), truth)
    assert set(requested_offsets(server.requests)) == OFFSETS - kept
    assert server.billed == PAGES - len(kept)


def test_ctrl_c_while_waiting_for_the_rate_window(serve, cache):
    server = serve(rate_limit=RateLimit(5, 60.0))
    with SweepProcess(server.url, cache) as child:
        wait_until(lambda: refused(server))
        seconds = child.interrupt()
        assert child.end()["error"] == "KeyboardInterrupt"
    assert seconds < AT_ONCE
    assert len(paid_pages(cache)) == 5


def test_details_are_journalled_too(serve, cache, connect):
    server = serve(licenses=0, sites=60, latency=SLOW)
    slugs = list(dict.fromkeys(row["slug"] for row in server.records("mining_sites")))
    task = {"getter": "get_mining_site", "args": {"slug": slugs, "missing": "skip"}}
    with SweepProcess(server.url, cache, **task, client={"workers": 2}) as child:
        wait_until(lambda: len(server.requests) >= 10)
        child.kill()
    kept = {path for (path,) in paid_pages(cache)}
    assert len(kept) >= 8
    server.reset_counts()
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_site(slugs, missing="skip", client=connect(server))
    assert not kept & {record.path for record in server.requests}
    assert server.billed == len(slugs) - len(kept)
    with pytest.warns(sectorsdf.DataWarning):
        whole = sectorsdf.get_mining_site(slugs, missing="skip", client=connect(server))
    pd.testing.assert_frame_equal(frame, whole)
    assert not paid_pages(cache)


def test_a_list_with_details_is_one_call(serve, connect):
    server = serve(licenses=0, sites=60)
    lists = 2
    server.set_faults(quota=lists + 5)
    with pytest.raises(sectorsdf.QuotaExhaustedError):
        sectorsdf.get_mining_sites(details=True, client=connect(server, max_wait=0.3))
    paid = server.billed
    server.reset_counts()
    server.set_faults(quota=None)
    with pytest.warns(sectorsdf.DataWarning):
        sectorsdf.get_mining_sites(details=True, client=connect(server))
    slugs = {row["slug"] for row in server.records("mining_sites")}
    assert server.billed == lists + len(slugs) - paid


# Limits


def test_four_processes_share_one_rate_limit(serve, cache, truth):
    server = serve(rate_limit=RateLimit(15, 1.0))
    task = {"args": {"max_rows": 300}, "client": {"max_wait": 4}}
    with ExitStack() as stack:
        children = [stack.enter_context(SweepProcess(server.url, cache, **task)) for _ in range(4)]
        told = [child.end() for child in children]
    assert [entry["spent"] for entry in told] == [10] * 4
    assert server.billed == 40
    for entry in told:
        pd.testing.assert_frame_equal(entry["frame"], truth.head(300))


def test_a_quota_that_runs_out(serve, connect, truth):
    server = serve(quota=12)
    client = connect(server, max_wait=0.3, workers=2)
    with pytest.raises(sectorsdf.QuotaExhaustedError, match=r"12 paid page\(s\) are kept"):
        sweep(client)
    assert server.billed == 12
    server.set_faults(quota=1000)
    assert same_frame(sweep(client), truth)
    assert server.billed == client.spent == PAGES


def test_advice_counts_the_pages_of_earlier_calls_too(serve, connect, cache):
    server = serve(quota=12)
    for _ in range(2):
        client = connect(server, max_wait=0.3)
        with pytest.raises(sectorsdf.QuotaExhaustedError, match=r"12 paid page\(s\) are kept"):
            sweep(client)
    assert server.billed == len(paid_pages(cache)) == 12


# The disk


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_a_disk_that_takes_nothing(serve, cache, truth):
    server = serve()
    with SweepProcess(server.url, cache, file_limit=2000, stderr=-1) as child:
        told = child.end()
    assert same_frame(told["frame"], truth)
    assert told["spent"] == server.billed == PAGES


def test_a_disk_that_fills(serve, tmp_path, truth):
    server = serve(latency=SLOW)
    with processes.small_disk(tmp_path / "disk", "160k") as disk:
        if disk is None:
            pytest.skip("this user may not mount a file system")
        cache = disk / "kept"
        with SweepProcess(server.url, cache, client={"workers": 2}) as child:
            wait_until(lambda: len(server.requests) >= 16)
            child.kill()
        kept = offsets(paid_pages(cache))
        assert 4 <= len(kept) <= 12
        server.reset_counts()
        with SweepProcess(server.url, cache, client={"workers": 2}) as child:
            told = child.end()
        assert same_frame(told["frame"], truth)
        assert not kept & set(requested_offsets(server.requests))
        assert told["spent"] == server.billed == PAGES - len(kept)


def test_pages_that_were_damaged_are_paid_again(serve, cache, connect, truth, caplog):
    server = serve(quota=12)
    with pytest.raises(sectorsdf.QuotaExhaustedError):
        sweep(connect(server, max_wait=0.3))
    assert processes.damage_three_pages(cache) == 12
    server.reset_counts()
    server.set_faults(quota=None)
    assert same_frame(sweep(connect(server)), truth)
    assert server.billed == PAGES - 12 + 3
    assert sum("damaged" in message for message in caplog.messages) == 3


# What may be used again


@pytest.fixture
def stopped(serve, connect):
    """A server whose first sweep ended after twelve pages."""
    server = serve(quota=12)
    with pytest.raises(sectorsdf.QuotaExhaustedError):
        sweep(connect(server, max_wait=0.3))
    server.set_faults(quota=None)
    server.reset_counts()
    return server


def test_a_finished_sweep_clears_its_journal(stopped, connect, cache):
    client = connect(stopped)
    sweep(client)
    assert not paid_pages(cache)
    sweep(client)
    assert stopped.billed == PAGES - 12 + PAGES


def test_resume_false_starts_afresh(stopped, connect, truth):
    assert same_frame(sweep(connect(stopped), resume=False), truth)
    assert stopped.billed == PAGES


def test_old_pages_are_not_used(stopped, connect, truth):
    assert same_frame(sweep(connect(stopped), resume_within=0.0), truth)
    assert stopped.billed == PAGES


def test_another_question_uses_none_of_them(stopped, connect):
    sweep(connect(stopped), order_by="-license_expiry_date", max_rows=60)
    assert stopped.billed == 2


def test_another_order_of_the_same_filters_is_the_same_call(serve, connect):
    server = serve(quota=1)
    given = {"province": "Kalimantan Timur", "license_type": "IUP"}
    with pytest.raises(sectorsdf.QuotaExhaustedError):
        sweep(connect(server, max_wait=0.3), **given)
    server.set_faults(quota=None)
    sweep(connect(server), **dict(reversed(given.items())))
    asked = requested_offsets(server.requests, billed=True)
    assert len(asked) == len(set(asked)) > 1


# Lists that change, and servers that lie


def test_rows_that_tie_change_places(serve, connect, truth):
    server = serve(unstable_order=True)
    frame = sweep(connect(server))
    assert digest(frame) == digest(truth)
    assert frame["license_expiry_date"].equals(truth["license_expiry_date"])


@pytest.mark.parametrize("unstable", [False, True])
@pytest.mark.parametrize(
    ("add", "remove"),
    [
        (2, 0),
        (0, 2),
        (3, 1),
    ],
)
def test_rows_come_and_go_meanwhile(serve, connect, add, remove, unstable):
    drift = (Drift(after=9, add=add, remove=remove),)
    server = serve(drift=drift, unstable_order=unstable)
    client = connect(server, workers=2)
    frame = sweep(client)
    server.set_faults(unstable_order=False)
    now = sweep(client)
    assert len(frame) == LICENSES + add - remove
    assert digest(frame) == digest(now)


def test_rows_come_between_a_kill_and_the_next_run(stopped, connect, serve):
    stopped.add_records("mining_licenses", 3)
    client = connect(stopped)
    frame = sweep(client)
    assert digest(frame) == digest(sweep(client))
    assert len(frame) == LICENSES + 3


@pytest.mark.parametrize("lie", [-7, -40, 7, 40])
def test_a_total_that_is_a_lie(serve, connect, truth, lie):
    server = serve(total_offset=lie)
    with pytest.raises(sectorsdf.IncompleteSweepError) as caught:
        sweep(connect(server))
    assert caught.value.frame["wiup_code"].isin(truth["wiup_code"]).all()
    assert server.billed <= 2 * PAGES
    server.set_faults(total_offset=0)
    assert same_frame(sweep(connect(server), resume=False), truth)


def test_a_list_that_never_ends(serve, connect, truth):
    server = serve(endless=True)
    assert same_frame(sweep(connect(server)), truth)
    assert server.billed <= PAGES + 1


def test_an_incomplete_sweep_says_how_to_ask_afresh(serve, connect):
    server = serve(total_offset=7)
    with pytest.raises(sectorsdf.IncompleteSweepError, match="resume=False"):
        sweep(connect(server))
