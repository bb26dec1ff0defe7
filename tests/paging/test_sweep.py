"""A sweep requests as few pages as it can, and is complete or an error."""

from __future__ import annotations

import math
import signal
import threading
import time

import pytest
from support.list_server import Observer, Run, ScriptedPool, Server, make_rows, multiset

from sectorsdf import errors
from sectorsdf.paging.page import Page
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep

FACETS = ("kind", "place")
TWIN = {"id": "twin", "rank": 50, "fine": 50, "kind": "kind 1", "place": "place 1"}


@pytest.fixture
def scripted(monkeypatch):
    """Draw the order of arrival from a seed, so that a run can be repeated."""

    def seed(number):
        monkeypatch.setattr("sectorsdf.paging.sweep.WorkerPool", ScriptedPool.with_seed(number))

    seed(0)
    return seed


@pytest.fixture
def interruptible():
    """Let Ctrl-C raise, even if the process that runs the tests ignores it."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals go to the main thread only")
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


class TestStable:
    @pytest.mark.parametrize("workers", [1, 8])
    @pytest.mark.parametrize("order", ["rank", "-rank", "fine"])
    @pytest.mark.parametrize("count", [0, 1, 29, 30, 31, 60, 61, 400])
    def test_costs_its_pages_and_keeps_the_order(self, count, order, workers):
        server = Server(make_rows(count, count, ranks=9, nulls=0.3))
        run = Run(server, order=order, workers=workers, finest="fine").check(exact_order=True)
        assert run.credits == max(1, math.ceil(count / 30))
        assert run.notes == []
        assert run.report["repaired_pages"] == 0
        assert run.report["order_moved"] is False

    @pytest.mark.parametrize("limit", [1, 7, 13, 29, 30])
    @pytest.mark.parametrize("count", [0, 6, 7, 13, 14, 91])
    def test_uses_the_page_size_that_the_server_reports(self, count, limit):
        run = Run(Server(make_rows(1, count, ranks=5), limit=limit)).check(exact_order=True)
        assert run.credits == max(1, math.ceil(count / limit))

    def test_one_value_only_is_no_reason_to_pay_more(self):
        server = Server(make_rows(1, 400, ranks=1))
        run = Run(server, finest="fine", facets=FACETS).check(exact_order=True)
        assert run.credits == 14

    @pytest.mark.parametrize(("order", "first"), [("rank", 3), ("-rank", None)])
    def test_nulls_are_last_and_first_when_descending(self, order, first):
        rows = [{"id": n, "rank": None if n % 2 else 3} for n in range(80)]
        assert Run(Server(rows), order=order).check().rows[0]["rank"] == first

    @pytest.mark.parametrize("seed", range(4))
    def test_arrival_in_any_order_changes_nothing(self, scripted, seed):
        scripted(seed)
        server = Server(make_rows(seed, 300, ranks=20))
        run = Run(server, workers=8).check(exact_order=True)
        assert run.credits == 10

    def test_filters_and_order_go_with_every_page(self):
        server = Server(make_rows(1, 200, ranks=5))
        filters = {"place": "place 1", "kind": "kind 2"}
        run = Run(server, filters=filters, facets=FACETS)
        own = (("kind", "kind 2"), ("place", "place 1"))
        assert {(r.filters, r.order) for r in server.log} == {(own, "rank")}
        wanted = [
            row for row in server.rows if (row["kind"], row["place"]) == ("kind 2", "place 1")
        ]
        assert multiset(run.rows) == multiset(wanted)

    def test_reports_the_plan_and_every_page(self):
        observer = Observer()
        run = Run(Server(make_rows(1, 100, ranks=5)), observer=observer).check()
        assert observer.plans == [(4, 30, 3)]
        assert observer.pages == [(1, 1), (2, 4), (3, 4), (4, 4)]
        assert sorted(len(entry.numbers) for entry in run.sweep.placed) == [10, 30, 30, 30]
        assert observer.stale == []

    def test_pages_from_the_journal_cost_nothing(self):
        run = Run(Server(make_rows(1, 100, ranks=5), free=True)).check()
        assert (run.credits, run.report["pages"]) == (0, 4)

    def test_the_digest_does_not_depend_on_the_order_of_the_rows(self):
        rows = make_rows(1, 100, ranks=100)
        one, two = Run(Server(rows), order="rank"), Run(Server(rows), order="-fine")
        assert one.report["digest"] == two.report["digest"]
        assert one.report["digest"] != Run(Server(rows[1:])).report["digest"]

    def test_attempts_at_one_page_are_numbered(self):
        sweep = Sweep(Server([]), list, order="rank")
        assert [sweep.request(30).attempt for _ in range(3)] == [0, 1, 2]
        assert sweep.request(60).attempt == 0


class TestMaxRows:
    @pytest.mark.parametrize("unstable", [None, 1, 2])
    @pytest.mark.parametrize("order", ["rank", "-rank"])
    @pytest.mark.parametrize("max_rows", [1, 29, 30, 31, 100, 149, 150, 1000])
    def test_is_the_head_of_the_list(self, scripted, max_rows, order, unstable):
        server = Server(make_rows(5, 150, ranks=12, nulls=0.2), unstable=unstable)
        run = Run(server, order=order, max_rows=max_rows, repair_credits=60)
        run.check(exact_order=unstable is None)
        assert len(run.rows) == min(max_rows, 150)
        if unstable is None:
            assert run.credits == math.ceil(min(max_rows, 150) / 30)

    def test_more_than_there_are_does_not_hide_a_lie(self):
        server = Server(make_rows(1, 100, ranks=200), reported_total=lambda true: true - 10)
        Run(server, max_rows=1000).check_error()

    def test_part_of_a_list_does_not_call_itself_complete(self):
        run = Run(Server(make_rows(1, 100, ranks=200)), max_rows=30)
        assert run.report["complete"] is False
        assert run.report["total"] == 100


class TestBareList:
    @pytest.mark.parametrize("rewinds", [False, True])
    @pytest.mark.parametrize("limit", [7, 13, 30])
    @pytest.mark.parametrize("count", [0, 1, 13, 29, 30, 31, 60, 100])
    def test_is_followed_to_its_end(self, count, limit, rewinds):
        server = Server(make_rows(1, count, ranks=200), bare=True, limit=limit, rewinds=rewinds)
        run = Run(server)
        assert run.credits <= math.ceil(count / limit) + 1
        if rewinds and limit == 30 and count in {30, 60}:
            # A full page that comes again may be all that the server ever sends.
            run.check_error()
            return
        run.check(exact_order=True)
        assert run.notes == ["the API reported no total; the list was followed to its end"]

    @pytest.mark.parametrize("rows", [20, 30, 50, 100])
    def test_a_full_page_that_comes_again_proves_nothing(self, rows):
        page = Page(make_rows(1, rows, ranks=200), None, 30)
        with pytest.raises(errors.IncompleteSweepError, match=f"same {rows} rows") as caught:
            run_sweep(Sweep(lambda _: page, list, order="rank"))
        assert caught.value.report["credits"] == 2
        assert caught.value.report["total"] is None

    @pytest.mark.parametrize("rows", [1, 14, 29, 34, 45])
    def test_a_page_that_is_not_full_may_be_the_whole_list(self, rows):
        """An array that is not paged comes whole for each offset."""
        page = Page(make_rows(1, rows, ranks=200), None, 30)
        certificate = run_sweep(Sweep(lambda _: page, list, order="rank")).certificate
        assert (certificate["complete"], certificate["credits"]) == (True, 2)

    def test_an_empty_one_costs_one_page(self):
        assert Run(Server([], bare=True)).check().credits == 1

    def test_that_ignores_the_offset_is_requested_twice(self):
        rows = make_rows(1, 45, ranks=200)
        sunk = []

        def fetch(request):
            return Page(rows, None, 30)

        result = run_sweep(Sweep(fetch, sunk.extend, order="rank"))
        assert (sunk, result.certificate["credits"]) == (rows, 2)

    @pytest.mark.parametrize("seed", range(8))
    def test_that_moves_is_an_error(self, seed):
        """No total says how many rows there are, so a row that came twice may hide another one."""
        run = Run(Server(make_rows(seed, 100, ranks=1), bare=True, unstable=seed))
        run.check_error()
        assert "rows came twice" in str(run.error)

    @pytest.mark.parametrize("max_rows", [1, 29, 30, 31, 60, 99])
    def test_cut_by_max_rows_reports_no_total(self, max_rows):
        run = Run(Server(make_rows(1, 100, ranks=200), bare=True), max_rows=max_rows).check()
        assert run.credits == math.ceil(max_rows / 30)
        assert run.report["total"] is None or max_rows == 99

    def test_max_rows_after_the_end(self):
        assert (
            Run(Server(make_rows(1, 45, ranks=200), bare=True), max_rows=100).check().credits == 2
        )


class TestIdenticalRows:
    def rows(self, before, after, copies=2):
        first = [{**TWIN, "id": n, "rank": n, "fine": n} for n in range(before)]
        last = [{**TWIN, "id": n, "rank": n, "fine": n} for n in range(100, 100 + after)]
        return [*first, *[dict(TWIN)] * copies, *last]

    def test_on_one_page_are_two_rows(self):
        run = Run(Server(self.rows(10, 50))).check(exact_order=True)
        assert run.credits == 3

    @pytest.mark.parametrize("copies", [2, 3, 7])
    @pytest.mark.parametrize("before", [27, 28, 29])
    def test_on_two_pages_are_found_on_a_third(self, before, copies):
        run = Run(Server(self.rows(before, 50, copies)), finest="fine", facets=FACETS).check()
        assert run.credits <= 3 + 2

    def test_on_two_pages_of_a_group_larger_than_a_page(self):
        rows = make_rows(1, 100, ranks=1)
        rows[29] = rows[30] = {**rows[29], "id": "twin"}
        Run(Server(rows), repair_credits=60).check()

    def test_more_copies_than_a_page_holds_are_an_error(self):
        """No page shows the 31st copy together with the first."""
        run = Run(Server([TWIN] * 40), facets=FACETS).check_error()
        assert run.error.missing == 10


class TestLies:
    @pytest.mark.parametrize("unstable", [None, 1])
    @pytest.mark.parametrize("rewinds", [False, True])
    @pytest.mark.parametrize("has_next", [None, True])
    @pytest.mark.parametrize("lie", [-100, -61, -31, -30, -1, 1, 29, 30, 31, 100])
    @pytest.mark.parametrize("count", [100, 120])
    def test_about_the_total_are_an_error(self, scripted, count, lie, has_next, rewinds, unstable):
        server = Server(
            make_rows(1, count, ranks=200),
            reported_total=lambda true: max(true + lie, 0),
            has_next=has_next,
            rewinds=rewinds,
            unstable=unstable,
        )
        run = Run(server).check_error()
        assert run.credits <= math.ceil(max(count + lie, 30) / 30) + 20 + 2
        assert multiset(run.rows) <= multiset(server.rows)

    @pytest.mark.parametrize("one_value", [False, True])
    @pytest.mark.parametrize("lie", [-31, -1, 5])
    def test_about_the_total_where_ties_move(self, scripted, lie, one_value):
        for seed in range(5):
            rows = make_rows(seed, 121, ranks=1 if one_value else 8)
            server = Server(rows, reported_total=lambda true: true + lie, unstable=seed)
            run = Run(server, facets=FACETS, repair_credits=60).check_error()
            assert run.credits <= 5 + 60 + 4

    @pytest.mark.parametrize("workers", [1, 8])
    @pytest.mark.parametrize("rewinds", [False, True])
    @pytest.mark.parametrize("total", [900, 10**9, 2**31 - 1])
    @pytest.mark.parametrize("count", [1, 29, 30, 31, 45, 60, 61, 100, 300])
    def test_much_too_high_a_total_is_not_paid_for(self, count, total, rewinds, workers):
        """After a page that came empty, or once more, a few pages are requested at most."""
        rows = make_rows(1, count, ranks=2000)
        server = Server(rows, reported_total=lambda _: total, rewinds=rewinds)
        run = Run(server, workers=workers, finest="fine", facets=FACETS).check_error()
        assert run.credits <= math.ceil(count / 30) + 2 * workers + 3
        assert multiset(run.rows) <= multiset(rows)
        if not rewinds:
            assert "fewer rows than its total" in str(run.error)
            assert run.error.missing == total - len(run.rows)

    @pytest.mark.parametrize("total", [10**9, 2**31 - 1])
    @pytest.mark.parametrize("ranks", [1, 40])
    @pytest.mark.parametrize("facets", [(), FACETS])
    @pytest.mark.parametrize("finest", [None, "fine"])
    def test_much_too_high_a_total_where_ties_move(self, scripted, total, ranks, facets, finest):
        for seed in range(3):
            scripted(seed)
            rows = make_rows(seed, 170, ranks=ranks, kinds=4, places=4)
            server = Server(rows, reported_total=lambda _: total, unstable=seed)
            run = Run(server, facets=facets, finest=finest).check_error()
            assert run.credits <= 6 + 60

    @pytest.mark.parametrize("total", [2**31, 10**12, 10**15, 10**400])
    def test_an_absurd_total_ends_the_sweep_at_once(self, total):
        server = Server(make_rows(1, 45, ranks=200), reported_total=lambda _: total)
        run = Run(server).check_error()
        assert run.credits == 1
        assert "more than any list has" in str(run.error)
        assert len(str(run.error)) < 600

    @pytest.mark.parametrize("max_rows", [5, 30, 31, 200])
    def test_the_first_rows_of_a_list_with_an_absurd_total(self, max_rows):
        server = Server(make_rows(1, 300, ranks=2000), reported_total=lambda _: 10**12)
        run = Run(server, max_rows=max_rows).check()
        assert run.credits == math.ceil(max_rows / 30)
        assert run.report["complete"] is False

    def test_more_first_rows_than_there_are_and_an_absurd_total(self):
        server = Server(make_rows(1, 45, ranks=2000), reported_total=lambda _: 10**12)
        run = Run(server, max_rows=10_000).check_error()
        assert run.credits <= 4

    def test_a_total_that_becomes_absurd(self):
        totals = iter([300, 300])
        rows = make_rows(1, 300, ranks=2000)
        server = Server(rows, reported_total=lambda _: next(totals, 10**12))
        run = Run(server, workers=1).check_error()
        assert "the total went from 300 to 1000000000000" in str(run.error)
        assert run.credits <= 12

    @pytest.mark.parametrize("count", [31, 300, 4000])
    def test_a_server_that_ignores_the_offset_is_asked_twice(self, count):
        server = Server(make_rows(1, count, ranks=2000))

        def fetch(request):
            return server(request._replace(offset=0))

        sunk = []
        with pytest.raises(errors.IncompleteSweepError, match="same rows for offset 0") as caught:
            run_sweep(Sweep(fetch, sunk.extend, order="rank", workers=8))
        assert caught.value.report["credits"] == len(server.log) == 2
        assert len(sunk) == 30

    def test_a_page_that_contradicts_the_others_is_not_kept(self):
        observer = Observer()
        rows = make_rows(1, 300, ranks=2000)
        server = Server(rows)

        def fetch(request):
            return server(request._replace(offset=0 if request.offset == 120 else request.offset))

        with pytest.raises(errors.IncompleteSweepError, match="offset 120"):
            run_sweep(Sweep(fetch, list, order="rank", observer=observer))
        assert [request.offset for request in observer.stale] == [120]

    def test_too_low_a_total_names_the_surplus(self):
        run = Run(Server(make_rows(1, 45, ranks=200), reported_total=lambda _: 40)).check_error()
        assert run.error.missing == 0
        assert "5 row(s) more" in str(run.error)

    @pytest.mark.parametrize(("count", "pages"), [(0, 1), (29, 1), (30, 2), (31, 2), (60, 3)])
    @pytest.mark.parametrize("rewinds", [False, True])
    def test_a_list_that_never_ends_by_its_flag(self, count, pages, rewinds):
        """Only if the last page is full must another page show whether the flag is right."""
        server = Server(make_rows(1, count, ranks=200), has_next=True, rewinds=rewinds)
        run = Run(server).check(exact_order=True)
        assert run.credits == pages
        assert run.notes == ["the last page says that more rows follow, but none do"]

    def test_a_flag_that_ends_too_early_is_not_believed(self):
        assert Run(Server(make_rows(1, 100, ranks=200), has_next=False)).check().credits == 4

    @pytest.mark.parametrize("limit", [14, 30, 100])
    def test_about_the_page_size(self, limit):
        """Pages shorter than the size that they report leave gaps, and the gaps are requested."""
        true = Server(make_rows(1, 90, ranks=200), limit=13)

        def fetch(request):
            page = true(request)
            return Page(page.records, page.total, limit, page.has_next)

        sunk = []
        result = run_sweep(Sweep(fetch, sunk.extend, order="rank", repair_credits=60))
        assert multiset(sunk) == multiset(true.rows)
        assert result.certificate["complete"]

    @pytest.mark.parametrize("seed", range(5))
    def test_rows_in_no_order_are_complete_or_an_error(self, scripted, seed):
        server = Server(make_rows(seed, 150, ranks=9), unstable=seed)

        def fetch(request):
            return server(request._replace(order="same"))

        sunk = []
        try:
            result = run_sweep(Sweep(fetch, sunk.extend, order="rank"))
        except errors.IncompleteSweepError:
            return
        assert multiset(sunk[number] for number in result.order) == multiset(server.rows)

    @pytest.mark.parametrize("unstable", [None, 3])
    def test_pages_of_one_row_do_not_go_on_for_ever(self, scripted, unstable):
        """A page that is cut short must not be requested again and again."""
        server = Server(make_rows(1, 90, ranks=9), unstable=unstable)

        def fetch(request):
            page = server(request)
            return Page(page.records[:1], page.total, 30, page.has_next)

        with pytest.raises(errors.IncompleteSweepError) as caught:
            run_sweep(Sweep(fetch, list, order="rank"))
        assert caught.value.report["credits"] <= 3 + 20 + 8


class TestError:
    def test_carries_the_rows_and_the_certificate_so_far(self):
        server = Server(make_rows(1, 100, ranks=1), unstable=1)
        run = Run(server, repair_credits=0).check_error()
        assert run.error.missing == 100 - len(run.rows) > 0
        assert "0 credits for repair" in str(run.error)
        assert {"total": 100, "complete": False, "order_moved": True}.items() <= run.report.items()
        assert run.error.frame is None

    def test_of_the_first_page_is_raised_as_it_is(self):
        def fetch(request):
            raise errors.ServerError("down", url="http://127.0.0.1/", status=503)

        with pytest.raises(errors.ServerError, match="down"):
            run_sweep(Sweep(fetch, list, order="rank"))

    def test_of_one_page_does_not_cancel_those_under_way(self):
        server = Server(make_rows(1, 300, ranks=400))
        together = threading.Barrier(4)
        failed = threading.Event()
        sunk = []

        def fetch(request):
            if request.offset in {30, 90, 120, 180}:
                together.wait(timeout=10)
                if request.offset == 120:
                    failed.set()
                    raise errors.ServerError("down", url="http://127.0.0.1/", status=503)
                assert failed.wait(timeout=10)
            return server(request)

        sweep = Sweep(fetch, sunk.extend, order="rank", workers=4)
        with pytest.raises(errors.ServerError, match="down"):
            run_sweep(sweep)
        offsets = {request.offset for request in server.log}
        assert {0, 30, 60, 90, 180} <= offsets
        assert len(sunk) == 30 * len(offsets) == 30 * sweep.pages
        # Workers that were faster than the failure may have fetched one more page each.
        assert len(offsets) <= 5 + 3

    def test_in_the_sink_stops_the_sweep(self):
        def sink(rows):
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            run_sweep(Sweep(Server(make_rows(1, 300, ranks=9)), sink, order="rank"))

    def test_in_a_filtered_page_that_the_server_refuses_is_no_error(self, scripted):
        server = Server(make_rows(1, 120, ranks=1), unstable=1, refused=("place",))
        run = Run(server, facets=FACETS, repair_credits=100).check()
        assert run.refusals()

    def test_a_refused_plain_page_is(self):
        def fetch(request):
            raise errors.BadRequestError("no", url="http://127.0.0.1/", status=400)

        with pytest.raises(errors.BadRequestError):
            run_sweep(Sweep(fetch, list, order="rank"))


class TestSideBySide:
    @pytest.mark.parametrize("workers", [1, 3, 8])
    def test_as_many_pages_are_under_way_as_workers(self, workers):
        server = Server(make_rows(1, 30 * 26, ranks=900))
        together = threading.Barrier(workers)
        lock, now, most = threading.Lock(), [0], [0]

        def fetch(request):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            if request.offset not in {0, 60}:
                # 24 pages follow the two that come alone, a multiple of each number of workers.
                together.wait(timeout=10)
            page = server(request)
            with lock:
                now[0] -= 1
            return page

        run_sweep(Sweep(fetch, list, order="rank", workers=workers))
        assert most[0] == workers

    def test_records_go_to_the_sink_once_and_in_one_thread(self):
        threads, rows_taken = set(), []

        def sink(rows):
            threads.add(threading.current_thread())
            rows_taken.extend(rows)

        server = Server(make_rows(1, 400, ranks=9), unstable=1)
        run_sweep(Sweep(server, sink, order="rank", facets=FACETS, repair_credits=100))
        assert threads == {threading.current_thread()}
        assert multiset(rows_taken) == multiset(server.rows)

    def test_threads_end_with_the_sweep(self):
        before = set(threading.enumerate())
        Run(Server(make_rows(1, 300, ranks=9)), workers=8).check()
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=10)
            assert not thread.is_alive()

    @pytest.mark.parametrize("arrives", [False, True])
    def test_an_interrupt_leaves_within_a_second(self, interruptible, arrives):
        server = Server(make_rows(1, 300, ranks=9))
        main, release, sunk = threading.main_thread().ident, threading.Event(), []
        interrupted_at = []

        def fetch(request):
            if request.offset:
                if request.offset == 30:
                    interrupted_at.append(time.monotonic())
                    signal.pthread_kill(main, signal.SIGINT)
                if not arrives:
                    release.wait(timeout=30)
            return server(request)

        observer = Observer()
        sweep = Sweep(fetch, sunk.extend, order="rank", workers=4, observer=observer)
        try:
            with pytest.raises(KeyboardInterrupt):
                run_sweep(sweep)
            ended = time.monotonic()
        finally:
            release.set()
        # Pages under way get 0.8 s. The rest is a margin for a busy machine.
        assert ended - interrupted_at[0] < 1.5
        assert observer.interrupts == 1
