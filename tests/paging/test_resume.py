"""A sweep that continues an earlier one pays for the rest, and notices if the list has changed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.list_server import Observer, Server, in_order, make_rows, multiset

from sectorsdf import errors
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep

SIZE = 30
_SETTINGS = settings(
    max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Journal(Observer):
    """Keeps the pages of a server for the next call, until they are out of date."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.held = {}
        self.left = None
        self.asked = []
        self._lock = threading.Lock()

    def __call__(self, request):
        self.asked.append(request)
        if request in self.held:
            return replace(self.held[request], paid=0)
        with self._lock:
            if self.left == 0:
                raise errors.ServerError("down", url="http://127.0.0.1/", status=503)
            if self.left is not None:
                self.left -= 1
        self.held[request] = self.server(request)
        return self.held[request]

    def on_stale(self, request):
        super().on_stale(request)
        self.held.pop(request, None)

    def sweep(self, **options):
        """Sweep the list; return the rows and the certificate."""
        sunk = []
        sweep = Sweep(
            self,
            sunk.extend,
            **{"order": "rank", "kept": set(self.held), "observer": self, **options},
        )
        result = run_sweep(sweep)
        return [sunk[number] for number in result.order], result.certificate

    def interrupt(self, pages, **options):
        """Sweep until the server fails, after a number of pages."""
        self.left = pages
        with pytest.raises(errors.ServerError):
            self.sweep(**options)
        self.left = None


def ranked(count):
    """Return rows none of which tie."""
    return [{"id": n, "rank": 10 * n, "fine": n, "kind": "a", "place": "b"} for n in range(count)]


def change(server, gone, new):
    """Remove the row at one position, and add one before the row at another."""
    rows = in_order(server.rows, "rank")
    rank = rows[new]["rank"] - 5
    del rows[gone]
    server.rows = [*rows, {**rows[0], "id": "new", "rank": rank}]
    server._views.clear()


def seams(offsets, gone, new):
    """Return which kinds of seams of kept pages lie within the rows that a change has moved."""
    low, high = (gone, new - 1) if gone < new else (new, gone)
    return {
        (left in offsets, right in offsets)
        for left, right in zip(range(0, high, SIZE), range(SIZE, high + 1, SIZE), strict=False)
        if low < right <= high and (left in offsets) != (right in offsets)
    }


class TestUnchanged:
    @pytest.mark.parametrize("count", [271, 290, 299, 300])
    @pytest.mark.parametrize("paid", range(1, 10))
    @pytest.mark.parametrize("workers", [1, 3])
    def test_the_rest_is_paid_for_and_no_page_twice(self, count, paid, workers):
        server = Server(ranked(count))
        journal = Journal(server)
        journal.interrupt(paid, workers=workers)
        rows, certificate = journal.sweep(workers=workers)
        assert rows == server.rows
        assert certificate["complete"]
        assert certificate["notes"] == []
        assert certificate["credits"] == 10 - paid
        assert max(Counter(request.offset for request in server.log).values()) == 1
        assert len(server.log) == 10
        assert not journal.stale

    def test_pages_of_another_order_are_used_however_many_are_requested_at_once(self):
        """Where they begin depends on how many are requested at once."""
        server = Server(make_rows(1, 290, ranks=1, fine=100_000), unstable=1)
        journal = Journal(server)
        journal.interrupt(9, finest="fine", workers=1)
        kept = {request for request in journal.held if request.order == "fine"}
        journal.asked.clear()
        journal.sweep(finest="fine", workers=8)
        assert len(kept) > 3
        assert kept <= set(journal.asked)

    @pytest.mark.parametrize("count", [290, 300])
    def test_interrupted_after_each_page(self, count):
        server = Server(ranked(count))
        journal = Journal(server)
        for _ in range(9):
            journal.interrupt(1, workers=1)
        rows, certificate = journal.sweep(workers=1)
        assert rows == server.rows
        assert certificate["credits"] == 1
        assert len(server.log) == 10
        # Each plan knows the pages of all the calls before it.
        assert [to_pay for _, _, to_pay in journal.plans] == [9, *range(9, 0, -1)]

    def test_the_plan_says_what_must_still_be_paid(self):
        journal = Journal(Server(ranked(290)))
        journal.interrupt(4, workers=1)
        journal.plans.clear()
        journal.sweep()
        assert journal.plans == [(10, SIZE, 6)]

    def test_all_pages_are_there(self):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.sweep()
        rows, certificate = journal.sweep()
        assert rows == server.rows
        assert certificate["credits"] == 0

    @pytest.mark.parametrize("max_rows", [15, 61, 200])
    def test_the_first_rows(self, max_rows):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(4, workers=1)
        rows, _ = journal.sweep(max_rows=max_rows)
        assert rows == server.rows[:max_rows]
        assert max(Counter(request.offset for request in server.log).values()) == 1

    def test_a_list_without_a_total_is_looked_at_once_more(self):
        server = Server(ranked(290), bare=True)
        journal = Journal(server)
        journal.interrupt(4)
        rows, certificate = journal.sweep()
        assert rows == server.rows
        assert certificate["credits"] == 10 - 4 + 1

    @_SETTINGS
    @given(
        seed=st.integers(0, 999),
        count=st.integers(31, 300),
        ranks=st.sampled_from([1, 4, 40, 1000]),
        paid=st.lists(st.integers(1, 6), min_size=1, max_size=3),
        finest=st.sampled_from([None, "fine"]),
        facets=st.sampled_from([(), ("kind", "place")]),
        workers=st.sampled_from([1, 3]),
    )
    def test_with_ties_that_move(self, seed, count, ranks, paid, finest, facets, workers):
        server = Server(make_rows(seed, count, ranks=ranks, nulls=0.1), unstable=seed)
        options = {"finest": finest, "facets": facets, "workers": workers, "repair_credits": 60}
        journal = Journal(server)
        for pages in paid:
            journal.left = pages
            try:
                journal.sweep(**options)
            except (errors.ServerError, errors.IncompleteSweepError):
                continue
        journal.left = None
        try:
            rows, certificate = journal.sweep(**options)
        except errors.IncompleteSweepError:
            event("incomplete")
            return
        assert multiset(rows) == multiset(server.rows)
        assert certificate["complete"]


class TestChanged:
    @pytest.mark.parametrize("count", [290, 300])
    @pytest.mark.parametrize("paid", range(2, 9))
    @pytest.mark.parametrize(("gone", "new"), [(5, -1), (-5, 3)])
    def test_from_the_first_page_to_the_last(self, count, paid, gone, new):
        """The total is the same; without a look, one row would be lost and another one stay."""
        server = Server(ranked(count))
        journal = Journal(server)
        journal.interrupt(paid, workers=1)
        kept = set(journal.held)
        change(server, gone, new)
        rows, certificate = journal.sweep(workers=1)
        assert rows == in_order(server.rows, "rank")
        assert certificate["complete"]
        assert certificate["notes"] == [
            "pages of an earlier call were not used: the list may have changed"
        ]
        assert kept <= set(journal.stale)
        # A whole sweep, and at most two looks.
        assert certificate["credits"] <= 10 + 2

    def test_behind_a_single_page_costs_nothing_if_the_last_page_has_room(self):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(1)
        change(server, 5, -1)
        rows, certificate = journal.sweep()
        assert rows == in_order(server.rows, "rank")
        assert certificate["credits"] == 10

    @_SETTINGS
    @given(
        count=st.integers(61, 400),
        paid=st.integers(1, 13),
        gone=st.floats(0, 1, exclude_max=True),
        new=st.floats(0, 1, exclude_max=True),
        workers=st.sampled_from([1, 4]),
        seed=st.integers(0, 99),
    )
    def test_between_seams_of_both_kinds_is_always_noticed(
        self, count, paid, gone, new, workers, seed
    ):
        server = Server(ranked(count))
        journal = Journal(server)
        journal.left = paid
        with suppress(errors.ServerError):
            journal.sweep(workers=workers)
        journal.left = None
        offsets = {request.offset for request in journal.held}
        change(server, int(gone * count), int(new * count))
        try:
            rows, _ = journal.sweep(workers=workers)
        except errors.IncompleteSweepError:
            return
        truth = in_order(server.rows, "rank")
        if len(seams(offsets, int(gone * count), int(new * count))) == 2:
            event("seams of both kinds")
            assert rows == truth
        elif rows == truth:
            event("noticed, or seen by new pages only")

    @pytest.mark.parametrize("looked", [False, True])
    @pytest.mark.parametrize("paid", [1, 2, 6])
    @pytest.mark.parametrize("ranks", [1, 3])
    def test_among_rows_that_tie_but_do_not_swap(self, ranks, paid, looked):
        """The values at each position stay the same; a second look shows that nothing swaps."""
        rows = [{"id": n, "rank": n * ranks // 290} for n in range(290)]
        server = Server(rows)
        journal = Journal(server)
        journal.interrupt(paid, workers=1)
        if looked:
            # An earlier call has looked at each page again already.
            journal.held.update(
                {request._replace(attempt=1): page for request, page in journal.held.items()}
            )
        server.rows = [*rows[:5], *rows[6:], {"id": "new", "rank": ranks - 1}]
        server._views.clear()
        found, certificate = journal.sweep(workers=1)
        assert multiset(found) == multiset(server.rows)
        assert certificate["credits"] <= 10 + (0 if paid == 1 else 2)

    @pytest.mark.parametrize("count", [300, 1500])
    def test_the_last_page_that_repair_requests_shows_it(self, count):
        """All pages are there, but the last one says that more rows follow."""
        server = Server(ranked(count), has_next=True)
        journal = Journal(server)
        journal.sweep()
        journal.held = {r: page for r, page in journal.held.items() if r.offset % SIZE == 0}
        change(server, 5, -1)
        rows, certificate = journal.sweep()
        assert rows == in_order(server.rows, "rank")
        assert certificate["credits"] <= count // SIZE + 2

    def test_a_row_that_only_an_earlier_order_has_shown(self):
        """Ties swap, so the list is swept in another order; the first pages are of the former."""
        rows = make_rows(1, 290, ranks=1, fine=100_000)
        server = Server(rows, unstable=1)
        journal = Journal(server)
        journal.interrupt(2, finest="fine", workers=1)
        (gone, *_) = journal.held[min(journal.held)].records
        server.rows = [*(row for row in rows if row["id"] != gone["id"]), {**rows[0], "id": "new"}]
        server._views.clear()
        found, certificate = journal.sweep(finest="fine", workers=1)
        assert multiset(found) == multiset(server.rows)
        assert certificate["complete"]

    def test_without_the_first_page(self):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(5, workers=1)
        del journal.held[min(journal.held)]
        server.rows = ranked(295)
        server._views.clear()
        rows, certificate = journal.sweep()
        assert rows == server.rows
        assert certificate["credits"] == 10

    def test_a_page_that_came_empty_by_mistake_is_not_kept(self):
        server = Server(ranked(290))
        journal = Journal(lambda request: replace(server(request), records=[]))
        with pytest.raises(errors.IncompleteSweepError, match="fewer rows"):
            journal.sweep()
        assert not journal.held

    def test_a_row_has_another_content(self):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(1)
        server.rows = [{**row, "place": "another"} for row in server.rows]
        server._views.clear()
        rows, _ = journal.sweep()
        assert rows == server.rows

    @pytest.mark.parametrize("paid", [1, 2, 5, 8])
    @pytest.mark.parametrize("left", [0, 10, 95, 289, 291, 500])
    @pytest.mark.parametrize("workers", [1, 4])
    def test_another_total_means_a_new_sweep(self, paid, left, workers):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(paid, workers=1)
        kept = set(journal.held)
        server.rows = ranked(left)
        server._views.clear()
        rows, certificate = journal.sweep(workers=workers)
        assert rows == server.rows
        assert certificate["complete"]
        assert kept <= set(journal.stale)
        # Pages after the new end may be under way when the first of them comes.
        assert certificate["credits"] <= max(-(-left // SIZE), 1) + workers + 1

    def test_pages_that_were_dropped_are_not_used_again(self):
        server = Server(ranked(290))
        journal = Journal(server)
        journal.interrupt(6, workers=1)
        change(server, 5, -1)
        # The next call notices it, and ends too.
        journal.interrupt(4, workers=1)
        rows, certificate = journal.sweep(workers=1)
        assert rows == in_order(server.rows, "rank")
        assert certificate["notes"] == []
        assert len(server.log) <= 6 + 10 + 2

    def test_filtered_pages_are_dropped_with_the_others(self):
        rows = make_rows(1, 160, ranks=1, kinds=4, places=4)
        server = Server(rows, unstable=1)
        journal = Journal(server)
        journal.interrupt(9, workers=1, facets=("kind", "place"))
        kept = set(journal.held)
        assert any(request.filters for request in kept)
        server.rows = rows[1:]
        server._views.clear()
        found, _ = journal.sweep(facets=("kind", "place"), repair_credits=60)
        assert multiset(found) == multiset(server.rows)
        assert kept <= set(journal.stale)

    def test_a_list_without_a_total(self):
        server = Server(ranked(290), bare=True)
        journal = Journal(server)
        journal.interrupt(4)
        change(server, 5, -1)
        rows, certificate = journal.sweep()
        assert rows == in_order(server.rows, "rank")
        assert certificate["credits"] == 10 + 1

    def test_all_pages_are_there_and_only_repair_asks(self):
        """Nothing is new, so the answer is the one of the earlier call, as its time says."""
        server = Server(ranked(290))
        journal = Journal(server)
        journal.sweep()
        before = server.rows
        change(server, 5, -1)
        rows, certificate = journal.sweep()
        assert rows == before
        assert certificate["credits"] == 0

    @pytest.mark.parametrize("seed", range(20))
    def test_while_ties_move_is_complete_or_an_error(self, seed):
        dice = random.Random(seed)
        rows = make_rows(seed, 290, ranks=dice.choice([3, 40, 1000]))
        server = Server(rows, unstable=seed)
        options = {"finest": "fine", "facets": ("kind", "place"), "workers": 1}
        journal = Journal(server)
        journal.interrupt(dice.randrange(2, 9), **options)
        # The total tells.
        server.rows = rows[1:]
        server._views.clear()
        try:
            found, _ = journal.sweep(**options)
        except errors.IncompleteSweepError:
            return
        assert multiset(found) == multiset(server.rows)
