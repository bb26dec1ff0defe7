"""The state of one sweep over a list: the pages that arrived, the rows, the certificate.

`Sweep` fetches the pages that `first_pass` and `repair` choose, passes each new row on at once, and
keeps only a digest of the row and its position. In the end it returns the order of the rows and the
proof that they are complete. It must not import `first_pass`, `resume`, `repair` or `run`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from sectorsdf.errors import IncompleteSweepError
from sectorsdf.paging.certificate import SweepResult, certificate, ordered_rows
from sectorsdf.paging.index import RowIndex
from sectorsdf.paging.observer import SilentObserver
from sectorsdf.paging.page import FetchedPage, PageRequest
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sectorsdf.paging.observer import FetchPage, SweepObserver
    from sectorsdf.paging.page import Page

__all__ = ["Sweep"]


def _never() -> bool:
    return False


def _no_request(_: FetchedPage) -> None:
    """Request no other page."""


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
    kept : set of PageRequest, optional
        The requests whose pages an earlier call has paid for: `fetch` gets them at no cost.
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
    outdated : bool
        Whether a page shows that the list has changed since an earlier call paid for its pages.
    suspect : int or None
        A position at which a new page and an earlier one do not agree, unless the difference is
        explained.
    trusted : bool
        Whether such a difference was explained: rows that tie swap.
    ended : bool
        Whether a page shows that the list ends before its total says, or before it said so.
    begun : float
        When the sweep began, on the monotonic clock.
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
        kept: AbstractSet[PageRequest] = frozenset(),
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
        self.kept = set(kept)
        self.observer: SweepObserver = observer or SilentObserver()
        fields = [entry.lstrip("-") for entry in (order, finest) if entry]
        self.index = RowIndex(tuple(dict.fromkeys([*fields, *self.facets])), sink)
        self.total: int | None = None
        self.page_size = 1
        self.placed: list[FetchedPage] = []
        self.unplaced: list[FetchedPage] = []
        self.pages = self.credits = self.repaired_pages = 0
        self.planned = 1
        self.notes: list[str] = []
        self.order_moved = self.by_facets = self.ended = self.outdated = self.trusted = False
        self.suspect: int | None = None
        self._contradiction: str | None = None
        self._attempts: dict[PageRequest, int] = {}
        self._started: dict[PageRequest, int] = {}
        self.begun = time.monotonic()

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
        return first._replace(attempt=attempt) if attempt else first

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
            first = request._replace(attempt=0) if request.attempt else request
            self._attempts[first] = max(self._attempts.get(first, 0), request.attempt + 1)
        arrived = {page.request: page for page in self.ask_each(requests, place=place)}
        return [arrived[request] for request in requests]

    def ask_each(
        self,
        requests: Iterable[PageRequest],
        *,
        place: bool = True,
        until: Callable[[], bool] = _never,
        follow: Callable[[FetchedPage], PageRequest | None] = _no_request,
    ) -> Iterator[FetchedPage]:
        """Fetch pages in parallel and yield each as it arrives.

        If a page fails, or shows that the server ignores the offset, the pages under way still
        arrive before the error is raised.

        Parameters
        ----------
        requests : iterable of PageRequest
            Different from each other. Each is taken just before it is sent.
        place : bool
            Whether the offsets of the pages are positions in the swept order.
        until : callable
            Returns True once no other page should be requested.
        follow : callable
            Returns the request that follows a page, or None.
        """
        planned, following = iter(requests), list[PageRequest]()
        first_error: BaseException | None = None
        stopped = False
        with WorkerPool(self.workers, self.fetch) as pool:
            try:
                while True:
                    while pool.has_room and not stopped:
                        if first_error is not None or self._contradiction or until():
                            stopped = True
                            break
                        due = following.pop() if following else next(planned, None)
                        if due is None:
                            break
                        self._started[due] = self.pages
                        pool.submit(due)
                    self.observer.on_idle()
                    if not pool.under_way:
                        break
                    request, page, error = pool.next()
                    if error is not None:
                        first_error = first_error or error
                        continue
                    fetched = self._add(request, page, place=place)
                    next_request = follow(fetched)
                    if next_request is not None:
                        following.append(next_request)
                    if first_error is None:
                        yield fetched
            except KeyboardInterrupt:
                self.observer.on_interrupt()
                pool.drain()
                raise
        if first_error is not None:
            raise first_error
        if self._contradiction:
            raise self.incomplete_error(self.missing(), self._contradiction)

    def _add(self, request: PageRequest, page: Page, *, place: bool) -> FetchedPage:
        """Add a page that arrived, and the positions of its rows."""
        self.pages += 1
        self.credits += page.paid
        started = self._started.pop(request, self.pages)
        numbers = self.index.add_page(page)
        kept = request in self.kept and not page.paid
        fetched = FetchedPage(
            request, numbers, page.total, page.has_next, started, self.pages, kept=kept
        )
        # For an offset after the end, a server may send other rows, whose positions are unknown.
        after_end = 0 < request.offset >= (math.inf if page.total is None else page.total)
        if place:
            if not self.placed and not after_end:
                self.total, self.page_size = page.total, max(page.limit, 1)
            self.outdated |= page.total != self.total and not kept and self.has_kept()
            self.ended |= after_end
            place = not after_end and (page.total != self.total or self._fits(fetched))
        if place:
            self.index.set_positions(fetched)
            self.placed.append(fetched)
        else:
            filtered = request.filters != self.filters
            self.unplaced.append(fetched._replace(total=None) if filtered else fetched)
        self.observer.on_page(self.pages, max(self.planned, self.pages))
        return fetched

    def _fits(self, page: FetchedPage) -> bool:
        """Compare a page with those that came before; return whether it shows its positions."""
        index = self.index
        total, count = page.total, len(page.numbers)
        elsewhere = None
        if total is not None:
            cut = count < min(self.page_size, total - page.offset)
            elsewhere = index.seen_elsewhere(page, self.field, cut=cut)
        if elsewhere is not None:
            self._contradiction = (
                f"the server sends the same rows for offset {elsewhere} and offset {page.offset}, "
                "as if it did not read the offset"
            )
            self.observer.on_stale(page.request)
            return False
        self.ended |= not page.numbers and page.offset < self.goal
        position = index.disagreement(page)
        if position is not None:
            self.order_moved = True
            if page.kept or self.has_kept(position):
                self.outdated |= index.has_other_values(page, self.field)
                self.suspect = None if self.trusted else position
        return True

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
        self._forget(stale)
        self.total, self.placed, self.unplaced = total, valid, []
        self.ended = any(not page.numbers and page.offset < self.goal for page in valid)
        self._set_positions()

    def drop_kept(self) -> None:
        """Drop the pages of an earlier call, because the list has changed since then."""
        self.notes.append("pages of an earlier call were not used: the list may have changed")
        stale = [page for page in (*self.placed, *self.unplaced) if page.kept]
        for request in self.kept.difference(page.request for page in stale):
            self.observer.on_stale(request)
        self._forget(stale)
        self.kept.clear()
        self.placed = [page for page in self.placed if not page.kept]
        self.unplaced = [page for page in self.unplaced if not page.kept]
        self.outdated = self.ended = self.order_moved = False
        self.suspect = None
        self._set_positions()

    def _forget(self, stale: Sequence[FetchedPage]) -> None:
        for page in stale:
            self.observer.on_stale(page.request)
            self._attempts.pop(page.request._replace(attempt=0), None)

    def _set_positions(self) -> None:
        self.index.clear_positions()
        for page in self.placed:
            self.index.set_positions(page)

    # Reading the state

    @property
    def in_doubt(self) -> bool:
        """Whether pages of an earlier call may be out of date."""
        return self.outdated or self.suspect is not None

    @property
    def ties_move(self) -> bool:
        """Whether rows that tie may be missing because they move."""
        return self.order_moved and self.max_rows is None

    def has_kept(self, position: int | None = None) -> bool:
        """Return whether a page of an earlier call shows a position, or any."""
        return any(
            page.kept and (position is None or 0 <= position - page.offset < len(page.numbers))
            for page in self.placed
        )

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
        order = ordered_rows(self)[: self.max_rows]
        return SweepResult(order, certificate(self, order))

    def incomplete_error(self, missing: int, reason: str) -> IncompleteSweepError:
        """Return the error that reports how many rows may be missing, and why."""
        order = ordered_rows(self)
        count = f" ({missing} of {self.total} rows are missing)" if missing else ""
        return IncompleteSweepError(
            f"The list could not be shown to be complete{count}: {reason}. The rows that arrived "
            "are in .frame, and the certificate so far is in .report. The same call continues from "
            "the pages that are paid for; repair_credits= lets it request more pages, and "
            "resume=False makes it request all pages again.",
            missing=missing,
            report={**certificate(self, order), "complete": False, "order": order},
        )
