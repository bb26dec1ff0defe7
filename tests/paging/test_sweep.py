"""A sweep costs what it must, and its frame is complete or it is an error."""

from __future__ import annotations

import math
import queue
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.list_server import Run, ScriptedCrew, Server, made, multiset

from sectorsdf import errors
from sectorsdf.paging.index import RowIndex, digest_of, sort_key
from sectorsdf.paging.page import Page
from sectorsdf.paging.sweep import Sweep
from sectorsdf.paging.workers import WorkerPool

FACETS = ("kind", "place")
TWIN = {"id": "twin", "rank": 50, "fine": 50, "kind": "kind 1", "place": "place 1"}


@pytest.fixture
def scripted(monkeypatch):
    """Draw who arrives when, so that a run can be repeated."""

    def seed(number):
        monkeypatch.setattr("sectorsdf.paging.sweep.WorkerPool", ScriptedCrew.with_seed(number))

    seed(0)
    return seed


@pytest.fixture
def interruptible():
    """Let Ctrl-C raise, which those who run tests side by side may have switched off."""
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
        server = Server(made(count, count, ranks=9, nulls=0.3))
        run = Run(server, order=order, workers=workers, finest="fine").check(exact_order=True)
        assert run.credits == max(1, math.ceil(count / 30))
        assert run.notes == []
        assert run.report["repaired_pages"] == 0
        assert run.report["order_moved"] is False

    @pytest.mark.parametrize("limit", [1, 7, 13, 29, 30])
    @pytest.mark.parametrize("count", [0, 6, 7, 13, 14, 91])
    def test_believes_the_page_size_that_the_server_tells(self, count, limit):
        run = Run(Server(made(1, count, ranks=5), limit=limit)).check(exact_order=True)
        assert run.credits == max(1, math.ceil(count / limit))

    def test_one_value_only_is_no_reason_to_pay_more(self):
        server = Server(made(1, 400, ranks=1))
        run = Run(server, finest="fine", facets=FACETS).check(exact_order=True)
        assert run.credits == 14

    @pytest.mark.parametrize(("order", "first"), [("rank", 3), ("-rank", None)])
    def test_nulls_stand_last_and_first_when_descending(self, order, first):
        rows = [{"id": n, "rank": None if n % 2 else 3} for n in range(80)]
        assert Run(Server(rows), order=order).check().rows[0]["rank"] == first

    @pytest.mark.parametrize("seed", range(4))
    def test_arrival_in_any_order_changes_nothing(self, scripted, seed):
        scripted(seed)
        server = Server(made(seed, 300, ranks=20))
        run = Run(server, workers=8).check(exact_order=True)
        assert run.credits == 10

    def test_filters_and_order_go_with_every_page(self):
        server = Server(made(1, 200, ranks=5))
        filters = {"place": "place 1", "kind": "kind 2"}
        run = Run(server, filters=filters, facets=FACETS)
        own = (("kind", "kind 2"), ("place", "place 1"))
        assert {(r.filters, r.order) for r in server.log} == {(own, "rank")}
        wanted = [
            row for row in server.rows if (row["kind"], row["place"]) == ("kind 2", "place 1")
        ]
        assert multiset(run.rows) == multiset(wanted)

    def test_tells_the_plan_and_every_page(self):
        plans, pages = [], []
        Run(Server(made(1, 100, ranks=5)), on_plan=plans.append, on_page=pages.append).check()
        assert plans == [4]
        assert sorted(len(page.records) for page in pages) == [10, 30, 30, 30]

    def test_pages_from_the_journal_cost_nothing(self):
        run = Run(Server(made(1, 100, ranks=5), free=True)).check()
        assert (run.credits, run.report["pages"]) == (0, 4)

    def test_the_digest_is_of_the_rows_whatever_their_order(self):
        rows = made(1, 100, ranks=100)
        one, two = Run(Server(rows), order="rank"), Run(Server(rows), order="-fine")
        assert one.report["digest"] == two.report["digest"]
        assert one.report["digest"] != Run(Server(rows[1:])).report["digest"]

    def test_draws_of_one_page_are_told_apart(self):
        sweep = Sweep(Server([]), list, order="rank")
        assert [sweep.request(30).draw for _ in range(3)] == [0, 1, 2]
        assert sweep.request(60).draw == 0


class TestMaxRows:
    @pytest.mark.parametrize("unstable", [None, 1, 2])
    @pytest.mark.parametrize("order", ["rank", "-rank"])
    @pytest.mark.parametrize("max_rows", [1, 29, 30, 31, 100, 149, 150, 1000])
    def test_is_the_head_of_the_list(self, scripted, max_rows, order, unstable):
        server = Server(made(5, 150, ranks=12, nulls=0.2), unstable=unstable)
        run = Run(server, order=order, max_rows=max_rows, repair_credits=60)
        run.check(exact_order=unstable is None)
        assert len(run.rows) == min(max_rows, 150)
        if unstable is None:
            assert run.credits == math.ceil(min(max_rows, 150) / 30)

    def test_more_than_there_are_does_not_hide_a_lie(self):
        server = Server(made(1, 100, ranks=200), tell=lambda true: true - 10)
        Run(server, max_rows=1000).check_error()

    def test_part_of_a_list_does_not_call_itself_complete(self):
        run = Run(Server(made(1, 100, ranks=200)), max_rows=30)
        assert run.report["complete"] is False
        assert run.report["total"] == 100


class TestBareList:
    @pytest.mark.parametrize("rewinds", [False, True])
    @pytest.mark.parametrize("limit", [7, 13, 30])
    @pytest.mark.parametrize("count", [0, 1, 13, 29, 30, 31, 60, 100])
    def test_is_followed_to_its_end(self, count, limit, rewinds):
        server = Server(made(1, count, ranks=200), bare=True, limit=limit, rewinds=rewinds)
        run = Run(server).check(exact_order=True)
        assert run.credits <= math.ceil(count / limit) + 1
        assert run.notes == ["the API told no total; the list was followed to its end"]

    def test_an_empty_one_costs_one_page(self):
        assert Run(Server([], bare=True)).check().credits == 1

    def test_that_takes_no_offset_is_asked_twice(self):
        rows = made(1, 45, ranks=200)
        sunk = []

        def fetch(request):
            return Page(rows, None, 30)

        result = Sweep(fetch, sunk.extend, order="rank").run()
        assert (sunk, result.certificate["credits"]) == (rows, 2)

    @pytest.mark.parametrize("seed", range(8))
    def test_that_moves_is_an_error(self, seed):
        """Nothing tells how many rows there are, so that a row seen twice may hide another."""
        run = Run(Server(made(seed, 100, ranks=1), bare=True, unstable=seed))
        run.check_error()
        assert "rows came twice" in str(run.error)

    @pytest.mark.parametrize("max_rows", [1, 29, 30, 31, 60, 99])
    def test_cut_by_max_rows_tells_no_total(self, max_rows):
        run = Run(Server(made(1, 100, ranks=200), bare=True), max_rows=max_rows).check()
        assert run.credits == math.ceil(max_rows / 30)
        assert run.report["total"] is None or max_rows == 99

    def test_max_rows_behind_the_end(self):
        assert Run(Server(made(1, 45, ranks=200), bare=True), max_rows=100).check().credits == 2


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
    def test_astride_two_pages_are_found_on_a_third(self, before, copies):
        run = Run(Server(self.rows(before, 50, copies)), finest="fine", facets=FACETS).check()
        assert run.credits <= 3 + 2

    def test_astride_in_a_group_larger_than_a_page(self):
        rows = made(1, 100, ranks=1)
        rows[29] = rows[30] = {**rows[29], "id": "twin"}
        Run(Server(rows), repair_credits=60).check()

    def test_more_copies_than_a_page_holds_are_an_error(self):
        """The 31st cannot be told from the first by any page."""
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
            made(1, count, ranks=200),
            tell=lambda true: max(true + lie, 0),
            has_next=has_next,
            rewinds=rewinds,
            unstable=unstable,
        )
        run = Run(server).check_error()
        assert run.credits <= math.ceil(max(count + lie, 30) / 30) + 20 + 2
        assert multiset(run.rows) <= multiset(server.rows)

    @pytest.mark.parametrize("apart", [False, True])
    @pytest.mark.parametrize("lie", [-31, -1, 5])
    def test_about_the_total_where_ties_move(self, scripted, lie, apart):
        for seed in range(5):
            rows = made(seed, 121, ranks=1 if apart else 8)
            server = Server(rows, tell=lambda true: true + lie, unstable=seed)
            run = Run(server, facets=FACETS, repair_credits=60).check_error()
            assert run.credits <= 5 + 60 + 4

    def test_much_too_high_a_total_is_not_paid_twice(self):
        """Behind the page that came empty, one more answer is asked for, not all again."""
        run = Run(Server(made(1, 45, ranks=200), tell=lambda _: 900)).check_error()
        assert run.error.missing == 855
        assert run.credits <= 30 + 2
        assert "fewer rows than its total" in str(run.error)

    def test_too_low_a_total_names_the_surplus(self):
        run = Run(Server(made(1, 45, ranks=200), tell=lambda _: 40)).check_error()
        assert run.error.missing == 0
        assert "5 row(s) more" in str(run.error)

    @pytest.mark.parametrize(("count", "pages"), [(0, 1), (29, 1), (30, 2), (31, 2), (60, 3)])
    @pytest.mark.parametrize("rewinds", [False, True])
    def test_a_list_that_never_ends_by_its_flag(self, count, pages, rewinds):
        """Only where the last page is full has one more to tell whether the flag is right."""
        server = Server(made(1, count, ranks=200), has_next=True, rewinds=rewinds)
        run = Run(server).check(exact_order=True)
        assert run.credits == pages
        assert run.notes == ["the last page says that more follows, and nothing does"]

    def test_a_flag_that_ends_too_early_is_not_believed(self):
        assert Run(Server(made(1, 100, ranks=200), has_next=False)).check().credits == 4

    @pytest.mark.parametrize("told", [14, 30, 100])
    def test_about_the_page_size(self, told):
        """Pages shorter than the size that they tell leave holes, and the holes are asked for."""
        true = Server(made(1, 90, ranks=200), limit=13)

        def fetch(request):
            page = true(request)
            return Page(page.records, page.total, told, page.has_next)

        sunk = []
        result = Sweep(fetch, sunk.extend, order="rank", repair_credits=60).run()
        assert multiset(sunk) == multiset(true.rows)
        assert result.certificate["complete"]

    @pytest.mark.parametrize("seed", range(5))
    def test_rows_in_no_order_are_complete_or_an_error(self, scripted, seed):
        server = Server(made(seed, 150, ranks=9), unstable=seed)

        def fetch(request):
            return server(request._replace(order="same"))

        sunk = []
        try:
            result = Sweep(fetch, sunk.extend, order="rank").run()
        except errors.IncompleteSweepError:
            return
        assert multiset(sunk[number] for number in result.order) == multiset(server.rows)

    @pytest.mark.parametrize("unstable", [None, 3])
    def test_pages_of_one_row_do_not_go_on_for_ever(self, scripted, unstable):
        """A page that is cut short must not be asked for again and again."""
        server = Server(made(1, 90, ranks=9), unstable=unstable)

        def fetch(request):
            page = server(request)
            return Page(page.records[:1], page.total, 30, page.has_next)

        with pytest.raises(errors.IncompleteSweepError) as caught:
            Sweep(fetch, list, order="rank").run()
        assert caught.value.report["credits"] <= 3 + 20 + 8


class TestError:
    def test_carries_what_came_and_how_far_it_got(self):
        server = Server(made(1, 100, ranks=1), unstable=1)
        run = Run(server, repair_credits=0).check_error()
        assert run.error.missing == 100 - len(run.rows) > 0
        assert "0 credits for repair" in str(run.error)
        assert {"total": 100, "complete": False, "order_moved": True}.items() <= run.report.items()
        assert run.error.frame is None

    def test_of_the_first_page_is_raised_as_it_is(self):
        def fetch(request):
            raise errors.ServerError("down", url="http://127.0.0.1/", status=503)

        with pytest.raises(errors.ServerError, match="down"):
            Sweep(fetch, list, order="rank").run()

    def test_of_one_page_does_not_cancel_those_under_way(self):
        server = Server(made(1, 300, ranks=400))
        together = threading.Barrier(4)
        failed = threading.Event()
        sunk = []

        def fetch(request):
            if 0 < request.offset <= 120:
                together.wait(timeout=10)
                if request.offset == 60:
                    failed.set()
                    raise errors.ServerError("down", url="http://127.0.0.1/", status=503)
                assert failed.wait(timeout=10)
            return server(request)

        sweep = Sweep(fetch, sunk.extend, order="rank", workers=4)
        with pytest.raises(errors.ServerError, match="down"):
            sweep.run()
        offsets = {request.offset for request in server.log}
        assert {0, 30, 90, 120} <= offsets
        assert len(sunk) == 30 * len(offsets) == 30 * sweep.pages
        # Whoever was faster than the failure may have taken one page more each.
        assert len(offsets) <= 4 + 3

    def test_in_the_sink_stops_the_sweep(self):
        def sink(rows):
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            Sweep(Server(made(1, 300, ranks=9)), sink, order="rank").run()

    def test_in_a_filtered_page_that_the_server_refuses_is_no_error(self, scripted):
        server = Server(made(1, 120, ranks=1), unstable=1, refused=("place",))
        run = Run(server, facets=FACETS, repair_credits=100).check()
        assert run.refusals()

    def test_a_refused_plain_page_is(self):
        def fetch(request):
            raise errors.BadRequestError("no", url="http://127.0.0.1/", status=400)

        with pytest.raises(errors.BadRequestError):
            Sweep(fetch, list, order="rank").run()


class TestSideBySide:
    @pytest.mark.parametrize("workers", [1, 3, 8])
    def test_so_many_pages_are_under_way_and_never_more(self, workers):
        server = Server(made(1, 30 * 25, ranks=900))
        together = threading.Barrier(workers)
        lock, now, most = threading.Lock(), [0], [0]

        def fetch(request):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            if request.offset:
                # 24 pages follow the first: a multiple of each number of workers.
                together.wait(timeout=10)
            page = server(request)
            with lock:
                now[0] -= 1
            return page

        Sweep(fetch, list, order="rank", workers=workers).run()
        assert most[0] == workers

    def test_records_go_to_the_sink_once_and_from_one_thread(self):
        threads, taken = set(), []

        def sink(rows):
            threads.add(threading.current_thread())
            taken.extend(rows)

        server = Server(made(1, 400, ranks=9), unstable=1)
        Sweep(server, sink, order="rank", facets=FACETS, repair_credits=100).run()
        assert threads == {threading.current_thread()}
        assert multiset(taken) == multiset(server.rows)

    def test_threads_end_with_the_sweep(self):
        before = set(threading.enumerate())
        Run(Server(made(1, 300, ranks=9)), workers=8).check()
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=10)
            assert not thread.is_alive()

    @pytest.mark.parametrize("lands", [False, True])
    def test_an_interrupt_leaves_within_a_second(self, interruptible, lands):
        server = Server(made(1, 300, ranks=9))
        main, gate, sunk = threading.main_thread().ident, threading.Event(), []
        asked = []

        def fetch(request):
            if request.offset:
                asked.append(request.offset)
                if request.offset == 30:
                    asked.append(time.monotonic())
                    signal.pthread_kill(main, signal.SIGINT)
                if not lands:
                    gate.wait(timeout=30)
            return server(request)

        try:
            with pytest.raises(KeyboardInterrupt):
                Sweep(fetch, sunk.extend, order="rank", workers=4).run()
            ended = time.monotonic()
        finally:
            gate.set()
        (begun,) = (entry for entry in asked if isinstance(entry, float))
        # 0.8 s of grace for pages under way; what is above is for a busy machine.
        assert ended - begun < 1.5


class TestCrew:
    def test_hands_back_results_and_errors(self):
        with WorkerPool(2, lambda job: 10 // job) as crew:
            for job in (1, 0, 2):
                crew.submit(job)
            ended = {job: (result, error) for job, result, error in (crew.next() for _ in "123")}
        assert (ended[1], ended[2]) == ((10, None), (5, None))
        assert isinstance(ended[0][1], ZeroDivisionError)
        assert crew.under_way == 0

    def test_starts_no_more_threads_than_jobs(self):
        before = threading.active_count()
        with WorkerPool(50, abs) as crew:
            crew.submit(-1)
            assert threading.active_count() <= before + 1
            assert crew.next(timeout=10)[:2] == (-1, 1)

    def test_landing_ends_with_the_last_job(self):
        gate = threading.Event()
        with WorkerPool(2, lambda job: gate.wait(timeout=10)) as crew:
            crew.submit(1)
            crew.submit(2)
            gate.set()
            begun = time.monotonic()
            crew.let_land()
            assert not crew.busy
            assert time.monotonic() - begun < 0.8

    def test_landing_does_not_wait_for_ever(self):
        gate = threading.Event()
        with WorkerPool(1, lambda job: gate.wait(timeout=30)) as crew:
            crew.submit(1)
            begun = time.monotonic()
            crew.let_land()
            assert time.monotonic() - begun < 1.5
            assert crew.under_way == 1
            with pytest.raises(queue.Empty):
                crew.next(timeout=0)
            gate.set()


class TestEvidence:
    def evidence(self, *fields):
        sunk = []
        return RowIndex(fields, sunk.extend), sunk

    def test_a_row_is_its_content_whatever_the_order_of_its_fields(self):
        evidence, sunk = self.evidence("a")
        one = evidence.learn(Page([{"a": 1, "b": 2}], None, 30))
        two = evidence.learn(Page([{"b": 2, "a": 1}], None, 30))
        assert list(one) == list(two) == [0]
        assert len(sunk) == 1

    @pytest.mark.parametrize("other", ["1", 1.5, True, None, [1], {"x": 1}, "\ud800", "1 "])
    def test_another_value_is_another_row(self, other):
        evidence, sunk = self.evidence("a")
        assert list(evidence.learn(Page([{"a": 1}, {"a": other}], None, 30))) == [0, 1]
        assert sunk == [{"a": 1}, {"a": other}]

    def test_copies_are_counted_within_a_page(self):
        evidence, sunk = self.evidence("a")
        assert list(evidence.learn(Page([{"a": 1}] * 3, None, 30))) == [0, 1, 2]
        assert list(evidence.learn(Page([{"a": 1}] * 2, None, 30))) == [0, 1]
        assert len(sunk) == 3

    @given(st.lists(st.none() | st.integers(-9, 9) | st.sampled_from("abc") | st.booleans()))
    def test_keys_sort_numbers_before_texts_before_nulls(self, values):
        def kind(value):
            return 2 if value is None else int(isinstance(value, str))

        kinds = [kind(value) for value in sorted(values, key=sort_key)]
        assert kinds == sorted(kinds)

    @given(st.permutations([bytes([n]) for n in range(6)]))
    def test_one_digest_for_a_set(self, names):
        assert digest_of(np.array(names)) == digest_of(np.array(sorted(names)))
