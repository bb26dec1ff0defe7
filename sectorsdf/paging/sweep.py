"""The state of one sweep over a list: the pages that arrived, the rows, the certificate.

`Sweep` fetches the pages that `first_pass` and `repair` choose, passes each new row on at once, and
keeps only a digest of the row and its position. In the end it returns the order of the rows and the
proof that they are complete. It must not import `first_pass`, `repair` or `run`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sectorsdf.errors import IncompleteSweepError
from sectorsdf.paging.index import RowIndex, combined_digest, sort_key
from sectorsdf.paging.page import FetchedPage, PageRequest
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sectorsdf.paging.page import Page

__all__ = ["FetchPage", "Sweep", "SweepObserver", "SweepResult"]


class FetchPage(Protocol):
    """A function that gets one page, from the network or from the journal."""

    def __call__(self, request: PageRequest, /) -> Page:
        """Return the page."""


class SweepObserver(Protocol):
    """What a sweep reports to the call that started it."""

    def on_plan(self, pages: int, page_size: int) -> None:
        """Receive the number of pages that the sweep needs; raise to refuse to pay for them."""

    def on_page(self, done: int, planned: int) -> None:
        """Receive the number of pages that have arrived."""

    def on_stale(self, request: PageRequest) -> None:
        """Drop the page of a request: it is out of date and must not be used again."""

    def on_interrupt(self) -> None:
        """Stop workers that are waiting, because the user has pressed Ctrl-C."""


class _NoObserver:
    """Ignores all reports."""

    def _ignore(self, *_args: object, **_kwargs: object) -> None:
        """Do nothing."""

    on_plan = on_page = on_stale = on_interrupt = _ignore


def _never() -> bool:
    return False


def _no_request(_: FetchedPage) -> None:
    """Request no other page."""


@dataclass(frozen=True)
class SweepResult:
    """The order of the rows, by row number, and the certificate."""

    order: Sequence[int]
    certificate: dict[str, Any]


class Sweep:
    """One sweep over all pages of a list.

    Parameters
    ----------
    fetch : callable
        Gets one page.
    sink : callable
        Takes the records of new rows, in the order of their row numbers.
    order : str
        The sort that the caller requests, with ``-`` for descending.
    finest : str, optional
        The sort with the fewest ties. The sweep changes to it if rows that tie in `order` move.
    facets : tuple of str
        Filters that are also fields of the rows.
    filters : mapping, optional
        The caller's filters.
    workers : int
        The largest number of pages under way at once.
    max_rows : int, optional
        The number of rows after which the sweep stops.
    repair_credits : int, optional
        The number of pages that repair may pay for. By default half of the pages of the first pass
        (at least 20), and as many more as the first pass left out.
    observer : SweepObserver, optional
        Receives the plan, the progress and the requests whose pages are out of date.

    Attributes
    ----------
    order : str
        The sort of the pages that are fetched now; `requested_order` is the caller's.
    index : RowIndex
        The rows that have arrived.
    total : int or None
        The server's count of all rows, as of now.
    page_size : int
        The server's page size.
    placed : list of FetchedPage
        Pages whose rows have positions in the swept order.
    unplaced : list of FetchedPage
        Pages in another order, with more filters, or from after the end of the list.
    planned : int
        How many pages the first pass needs.
    order_moved : bool
        Whether two pages contradict each other about the position of a row.
    by_facets : bool
        Whether repair fetches the whole list by facets, because its order says nothing.
    """

    def __init__(
        self,
        fetch: FetchPage,
        sink: Callable[[Sequence[Mapping[str, Any]]], None],
        *,
        order: str,
        finest: str | None = None,
        facets: tuple[str, ...] = (),
        filters: Mapping[str, str] | None = None,
        workers: int = 8,
        max_rows: int | None = None,
        repair_credits: int | None = None,
        observer: SweepObserver | None = None,
    ) -> None:
        self.fetch = fetch
        self.order = self.requested_order = order
        self.finest = finest
        self.filters = tuple(sorted((filters or {}).items()))
        self.facets = tuple(name for name in facets if name not in dict(self.filters))
        self.workers = workers
        self.max_rows = max_rows
        self.repair_credits = repair_credits
        self.observer: SweepObserver = observer or _NoObserver()
        fields = [entry.lstrip("-") for entry in (order, finest) if entry]
        self.index = RowIndex(tuple(dict.fromkeys([*fields, *self.facets])), sink)
        self.total: int | None = None
        self.page_size = 1
        self.placed: list[FetchedPage] = []
        self.unplaced: list[FetchedPage] = []
        self.pages = self.credits = self.repaired_pages = 0
        self.planned = 1
        self.notes: list[str] = []
        self.order_moved = self.by_facets = False
        self._attempts: dict[PageRequest, int] = {}
        self._started: dict[PageRequest, int] = {}
        self._start_time = time.monotonic()

    @property
    def field(self) -> str:
        """The field that the swept order sorts by."""
        return self.order.lstrip("-")

    @property
    def goal(self) -> int:
        """How many positions need a row."""
        total = self.total or 0
        return total if self.max_rows is None else min(total, self.max_rows)

    # Fetching pages

    def request(
        self, offset: int, *, filters: tuple[tuple[str, str], ...] | None = None
    ) -> PageRequest:
        """Return a request in the swept order, with the number of this attempt."""
        first = PageRequest(offset, self.filters if filters is None else filters, self.order)
        attempt = self._attempts.get(first, 0)
        self._attempts[first] = attempt + 1
        return first._replace(attempt=attempt)

    def ask(self, requests: Sequence[PageRequest], *, place: bool = True) -> list[FetchedPage]:
        """Fetch pages in parallel and return them in the order of the requests.

        Parameters
        ----------
        requests : sequence of PageRequest
            Different from each other.
        place : bool
            Whether the offsets of the pages are positions in the swept order.
        """
        for request in requests:
            first = request._replace(attempt=0)
            self._attempts[first] = max(self._attempts.get(first, 0), request.attempt + 1)
        arrived = {page.request: page for page in self.ask_each(requests, place=place)}
        return [arrived[request] for request in requests]

    def ask_each(
        self,
        requests: Sequence[PageRequest],
        *,
        place: bool = True,
        until: Callable[[], bool] = _never,
        follow: Callable[[FetchedPage], PageRequest | None] = _no_request,
    ) -> Iterator[FetchedPage]:
        """Fetch pages in parallel and yield each as it arrives.

        If a page fails, the pages under way still arrive before its error is raised.

        Parameters
        ----------
        requests : sequence of PageRequest
            Different from each other.
        place : bool
            Whether the offsets of the pages are positions in the swept order.
        until : callable
            Returns True once no other page should be requested.
        follow : callable
            Returns the request that follows a page, or None.
        """
        waiting = list(reversed(requests))
        first_error: BaseException | None = None
        with WorkerPool(self.workers, self.fetch) as pool:
            try:
                while waiting or pool.under_way:
                    while waiting and pool.under_way < pool.workers:
                        if first_error is not None or until():
                            waiting.clear()
                        else:
                            self._started[waiting[-1]] = self.pages
                            pool.submit(waiting.pop())
                    if not pool.under_way:
                        break
                    request, page, error = pool.next()
                    if error is not None:
                        first_error = first_error or error
                        continue
                    fetched = self._add(request, page, place=place)
                    next_request = follow(fetched)
                    if next_request is not None:
                        waiting.append(next_request)
                    if first_error is None:
                        yield fetched
            except KeyboardInterrupt:
                self.observer.on_interrupt()
                pool.drain()
                raise
        if first_error is not None:
            raise first_error

    def _add(self, request: PageRequest, page: Page, *, place: bool) -> FetchedPage:
        """Add a page that arrived, and the positions of its rows."""
        self.pages += 1
        self.credits += page.paid
        started = self._started.pop(request, self.pages)
        numbers = self.index.add_page(page)
        fetched = FetchedPage(request, numbers, page.total, page.has_next, started, self.pages)
        # For an offset after the end, a server may send other rows, whose positions are unknown.
        after_end = 0 < request.offset >= (math.inf if page.total is None else page.total)
        if place and not after_end:
            if not self.placed:
                self.total, self.page_size = page.total, max(page.limit, 1)
            if page.total == self.total and not self.index.agrees_with(fetched):
                self.order_moved = True
            self.index.set_positions(fetched)
            self.placed.append(fetched)
        else:
            filtered = request.filters != self.filters
            self.unplaced.append(fetched._replace(total=None) if filtered else fetched)
        self.observer.on_page(self.pages, max(self.planned, self.pages))
        return fetched

    # Changing the order or the total

    def change_order(self, order: str) -> None:
        """Continue in another order; the rows that arrived lose their positions."""
        self.notes.append(f"swept in the order {order}, which ties least")
        self.order = order
        self.index.clear_positions()
        self.unplaced += self.placed
        self.placed = []

    def change_total(self, total: int) -> None:
        """Accept a new total and drop the pages that were requested before it last changed.

        An older page may still be right, but it does not show that: if one row was added and
        another one removed, their neighbours keep their positions.
        """
        self.notes.append(f"the total changed to {total} during the sweep")
        counted = self.pages_with_total()
        changed = max((page.ended for page in counted if page.total != total), default=0)
        valid: list[FetchedPage] = []
        stale = list(self.unplaced)
        for page in self.placed:
            (valid if page.total == total and page.started >= changed else stale).append(page)
        for page in stale:
            self.observer.on_stale(page.request)
            self._attempts.pop(page.request._replace(attempt=0), None)
        self.total, self.placed, self.unplaced = total, valid, []
        self.index.clear_positions()
        for page in valid:
            self.index.set_positions(page)

    # Reading the state

    def pages_with_total(self) -> list[FetchedPage]:
        """Return the pages that came with the total of the whole list."""
        return [page for page in (*self.placed, *self.unplaced) if page.total is not None]

    def totals_differ(self) -> bool:
        """Return whether pages came with different totals."""
        return len({page.total for page in self.pages_with_total()}) > 1

    def rows(self) -> Sequence[int]:
        """Return the numbers of all rows, first those with a position, in the swept order."""
        index = self.index
        placed = index.row_at.values()
        if len(placed) == len(index.position_of) == len(index):
            return placed
        pages = (number for page in (*self.placed, *self.unplaced) for number in page.numbers)
        return list(dict.fromkeys((*placed, *pages)))

    def missing(self) -> int:
        """Return how many rows are missing."""
        return max(self.goal - len(self.rows()), 0)

    def result(self) -> SweepResult:
        """Return the rows in the order that the caller requested, and the certificate."""
        order = self._ordered_rows()[: self.max_rows]
        return SweepResult(order, self._certificate(order))

    def incomplete_error(self, missing: int, reason: str) -> IncompleteSweepError:
        """Return the error that reports how many rows may be missing, and why."""
        order = self._ordered_rows()
        count = f" ({missing} of {self.total} rows are missing)" if missing else ""
        return IncompleteSweepError(
            f"The list could not be shown to be complete{count}: {reason}. The rows that arrived "
            "are in .frame, and the certificate so far is in .report. The same call continues from "
            "the pages that are paid for; repair_credits= lets it request more pages, and "
            "resume=False makes it request all pages again.",
            missing=missing,
            report={**self._certificate(order), "complete": False, "order": order},
        )

    def _ordered_rows(self) -> Sequence[int]:
        """Return the row numbers in the order that the caller requested."""
        rows = self.rows()
        if self.by_facets or self.order != self.requested_order:
            return self._sort(rows)
        if len(rows) == len(self.index.position_of):
            return rows
        # Rows from repair follow the rows that they tie with.
        values = self.index.columns[self.field]
        groups: dict[Any, list[int]] = {}
        for number in rows:
            groups.setdefault(values[number], []).append(number)
        return [number for group in groups.values() for number in group]

    def _sort(self, rows: Sequence[int]) -> list[int]:
        """Sort rows as the caller requested, and ties by digest, so that every sweep agrees."""
        field = self.requested_order.lstrip("-")
        by_digest = np.asarray(rows, np.int64)
        keys = self.index.numbers.keys()[by_digest]
        return sorted(
            by_digest[np.argsort(keys, kind="stable")].tolist(),
            key=lambda number: sort_key(self.index.value(number, field)),
            reverse=self.requested_order.startswith("-"),
        )

    def _certificate(self, order: Sequence[int]) -> dict[str, Any]:
        """Return the proof of completeness, as the frame's provenance contains it."""
        numbers = self.index.numbers
        selected = None if len(order) == len(numbers) else np.asarray(order, np.int64)
        return {
            "complete": len(order) == self.total,
            "total": self.total,
            "rows": len(order),
            "pages": self.pages,
            "repaired_pages": self.repaired_pages,
            "credits": self.credits,
            "duration_s": round(time.monotonic() - self._start_time, 3),
            "order_moved": self.order_moved,
            "digest": combined_digest(numbers.digests(selected)),
            "notes": list(self.notes),
        }
