"""A server of paged lists in memory, and the checks of sweeps over it."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from itertools import groupby

from sectorsdf import errors
from sectorsdf.paging.page import Page
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep


class Server:
    """Serves pages as the API does, and misbehaves if a test says so.

    Parameters
    ----------
    rows : list of dict
        The rows. Rows that tie are sent in this order.
    limit : int
        The page size.
    unstable : int, optional
        Seed that shuffles rows that tie, anew for every request.
    replicas : int, optional
        How many orders of the ties `unstable` chooses from; by default each request has its own.
    events : dict, optional
        Changes to the rows, by the number of the request (from 1) before which they happen.
    reported_total : callable, optional
        Returns the total to report, given the true one.
    has_next : bool, optional
        The flag to report for every page, instead of the true one.
    rewinds : bool
        Whether offsets after the end return the last page again.
    bare : bool
        Whether the response is a list without a total.
    refused : tuple of str
        Filters that the server refuses as a bad request.
    free : bool
        Whether pages cost nothing.
    """

    def __init__(
        self,
        rows,
        *,
        limit=30,
        unstable=None,
        replicas=None,
        events=None,
        reported_total=None,
        has_next=None,
        rewinds=False,
        bare=False,
        refused=(),
        free=False,
    ):
        self.rows = list(rows)
        self.limit = limit
        self.dice = None if unstable is None else random.Random(unstable)
        self.replicas = replicas
        self.events = dict(events or {})
        self.reported_total = reported_total or (lambda total: total)
        self.has_next = has_next
        self.rewinds = rewinds
        self.bare = bare
        self.refused = refused
        self.free = free
        self.log = []
        self.totals = []
        self._lock = threading.Lock()
        self._views = {}

    def __call__(self, request):
        with self._lock:
            self.log.append(request)
            change = self.events.get(len(self.log))
            if change is not None:
                self.rows = list(change(list(self.rows)))
                self._views.clear()
            if any(name in self.refused for name, _ in request.filters):
                raise errors.BadRequestError("not a filter", url="http://127.0.0.1/", status=400)
            return self._answer(request)

    def _answer(self, request):
        view, ranks = self._view(request)
        offset, true = request.offset, len(view)
        if self.rewinds and offset >= true:
            offset = max(true - 1, 0) // self.limit * self.limit
        records = self._cut(view, ranks, offset)
        # The sweep gets copies of the rows, as it does from a network.
        records = [dict(record) for record in records]
        total = self.reported_total(true)
        self.totals.append(total)
        has_next = offset + self.limit < true if self.has_next is None else self.has_next
        paid = 0 if self.free else 1
        if self.bare:
            return Page(records, None, 30, None, paid)
        return Page(records, total, self.limit, has_next, paid)

    def _view(self, request):
        key = request.filters, request.order
        if key not in self._views:
            rows = [
                row
                for row in self.rows
                if all(str(row.get(name)) == value for name, value in request.filters)
            ]
            rows = in_order(rows, request.order)
            field = request.order.lstrip("-")
            self._views[key] = rows, [row.get(field) for row in rows]
        return self._views[key]

    def _cut(self, view, ranks, offset):
        stop = min(offset + self.limit, len(view))
        if self.dice is None or offset >= stop:
            return view[offset:stop]
        dice = self.dice
        if self.replicas is not None:
            dice = random.Random(dice.randrange(self.replicas))
        # Only the ties on this page are shuffled, because the others cannot be seen. A replica has
        # one order of all ties, so it shuffles from the first row on.
        begin, finish = offset, stop
        while begin > 0 and (self.replicas or ranks[begin - 1] == ranks[offset]):
            begin -= 1
        while finish < len(ranks) and ranks[finish] == ranks[stop - 1]:
            finish += 1
        shuffled = []
        for _, ties in groupby(range(begin, finish), lambda position: ranks[position]):
            group = [view[position] for position in ties]
            dice.shuffle(group)
            shuffled += group
        return shuffled[offset - begin : stop - begin]


def in_order(rows, order):
    """Sort rows as the API does: nulls last, and so first when descending."""
    field = order.lstrip("-")

    def key(row):
        return row.get(field) is None, 0 if row.get(field) is None else row.get(field)

    return sorted(rows, key=key, reverse=order.startswith("-"))


def make_rows(seed, count, *, ranks, fine=None, kinds=3, places=2, nulls=0.0, start=0):
    """Return synthetic rows; the fewer `ranks` there are, the more rows tie in `rank`."""
    dice = random.Random(seed)
    rows = []
    for number in range(start, start + count):
        row = {
            "id": number,
            "rank": dice.randrange(ranks),
            "fine": dice.randrange(fine or 10 * count + 10),
            "kind": f"kind {dice.randrange(kinds)}",
            "place": f"place {dice.randrange(places)}",
        }
        if dice.random() < nulls:
            row[dice.choice(["rank", "place"])] = None
        rows.append(row)
    return rows


def to_json(row):
    return json.dumps(row, sort_keys=True)


def multiset(rows):
    return Counter(map(to_json, rows))


class Observer:
    """Records what a sweep reports."""

    def __init__(self):
        self.plans, self.pages, self.stale = [], [], []
        self.interrupts = 0

    def on_plan(self, pages, page_size, to_pay):
        self.plans.append((pages, page_size, to_pay))

    def on_page(self, done, planned):
        self.pages.append((done, planned))

    def on_idle(self):
        """Do nothing: what a call does then is tested with the journal."""

    def on_stale(self, request):
        self.stale.append(request)

    def on_interrupt(self):
        self.interrupts += 1


class Run:
    """A sweep over a server: the rows that it passed to its sink, and how it ended."""

    def __init__(self, server, *, order="rank", **options):
        self.server, self.order = server, order
        self.sunk = []
        self.result = self.error = None
        self.sweep = Sweep(server, self.sunk.extend, order=order, **options)
        try:
            self.result = run_sweep(self.sweep)
        except errors.IncompleteSweepError as error:
            self.error = error

    @property
    def complete(self):
        return self.error is None

    @property
    def report(self):
        return self.error.report if self.result is None else self.result.certificate

    @property
    def credits(self):
        return self.report["credits"]

    @property
    def notes(self):
        return self.report["notes"]

    @property
    def rows(self):
        """Return the rows in the order of the result, or of the error's report."""
        order = self.report["order"] if self.result is None else self.result.order
        return [self.sunk[number] for number in order]

    def check(self, *, exact_order=False):
        """Assert that the rows are those of the server, in the order requested."""
        assert self.complete, self.error
        rows, true = self.rows, in_order(self.server.rows, self.order)
        limit = self.sweep.max_rows
        cut = len(true) if limit is None else min(limit, len(true))
        field = self.order.lstrip("-")
        assert [row[field] for row in rows] == [row[field] for row in true[:cut]]
        if cut == len(true):
            assert multiset(rows) == multiset(true)
        else:
            assert multiset(rows) <= multiset(true)
        if exact_order:
            assert rows == true[:cut]
        assert self.report["rows"] == len(rows)
        assert self.report["complete"] is (len(rows) == self.report["total"])
        self.check_accounts()
        return self

    def check_error(self):
        """Assert that an incomplete sweep reports it, with the rows that arrived."""
        assert not self.complete
        assert self.report["complete"] is False
        assert self.error.missing >= 0
        assert len(self.report["order"]) == len(set(self.report["order"])) == self.report["rows"]
        self.check_accounts()
        return self

    def check_accounts(self):
        """Assert that each page is counted, and that no row went to the sink twice."""
        report = self.report
        assert report["pages"] == len(self.server.log) - len(self.refusals())
        assert report["credits"] == (0 if self.server.free else report["pages"])
        assert len(self.sunk) == len(self.sweep.index)

    def refusals(self):
        return [r for r in self.server.log if any(n in self.server.refused for n, _ in r.filters)]


class ScriptedPool:
    """Replaces `WorkerPool` by draws from a seed, so that a run can be repeated.

    The draws decide which request reaches the server next, and which response arrives next. Any
    job under way may overtake any other, on the way there and on the way back.
    """

    dice = random.Random(0)

    def __init__(self, workers, work):
        self.workers, self.work = workers, work
        self.submitted, self.served = [], []

    @classmethod
    def with_seed(cls, seed):
        return type("Scripted", (cls,), {"dice": random.Random(seed)})

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    @property
    def under_way(self):
        return len(self.submitted) + len(self.served)

    @property
    def has_room(self):
        return self.under_way < self.workers

    def submit(self, job):
        self.submitted.append(job)

    def next(self):
        while self.submitted and (not self.served or self.dice.random() < 0.5):
            job = self.submitted.pop(self.dice.randrange(len(self.submitted)))
            try:
                self.served.append((job, self.work(job), None))
            except Exception as error:  # noqa: BLE001 - returned, as a thread does
                self.served.append((job, None, error))
        return self.served.pop(self.dice.randrange(len(self.served)))
