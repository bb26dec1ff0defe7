"""Offset pagination over an injected fetch: plan, run side by side, check completeness.

A sweep knows no dataset and no HTTP. It asks for pages, keeps what each row *is* (a digest of its
whole content) and where it stood, and hands each new row on at once. What it returns is the order
of the rows and the proof that they are all there.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sectorsdf.errors import IncompleteSweepError
from sectorsdf.paging.index import RowIndex, digest_of, sort_key
from sectorsdf.paging.page import FetchedPage, PageRequest
from sectorsdf.paging.repair import repair
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sectorsdf.paging.page import Page

__all__ = ["Fetch", "Sweep", "SweepResult"]


def _ignore(_: object) -> None:
    """Tell nobody."""


def _nothing() -> None:
    """Do nothing."""


class Fetch(Protocol):
    """Gets one page, from the network or from the journal."""

    def __call__(self, request: PageRequest, /) -> Page:
        """Return the page."""


@dataclass(frozen=True)
class SweepResult:
    """The rows' order and the proof."""

    order: Sequence[int]
    certificate: dict[str, Any]


class Sweep:
    """One sweep over all pages of a list.

    Parameters
    ----------
    fetch : callable
        Gets one page.
    sink : callable
        Takes the records that were not seen before, in the order of their row numbers.
    order : str
        The sort that the caller wants, with ``-`` for descending.
    finest : str, optional
        The sort with the fewest ties, to change to where the ties of `order` move.
    facets : tuple of str
        Filters whose names are fields of the rows.
    filters : mapping
        The caller's filters.
    workers : int
        How many pages are under way at once.
    max_rows : int, optional
        Stop after so many rows.
    repair_credits : int, optional
        How many pages repair may ask for; by default half of the sweep, at least 20, and those of
        the sweep that were left out because their order says nothing.
    on_plan, on_page : callable, optional
        Told the number of pages that the sweep will need, and of each page that arrives.
    on_interrupt : callable, optional
        Called on Ctrl-C, so that workers which wait give up at once.
    on_stale : callable, optional
        Told of each request whose page holds no longer, so that nobody keeps it.
    """

    def __init__(
        self,
        fetch: Fetch,
        sink: Callable[[Sequence[Mapping[str, Any]]], None],
        *,
        order: str,
        finest: str | None = None,
        facets: tuple[str, ...] = (),
        filters: Mapping[str, str] | None = None,
        workers: int = 8,
        max_rows: int | None = None,
        repair_credits: int | None = None,
        on_plan: Callable[[int], None] | None = None,
        on_page: Callable[[Page], None] | None = None,
        on_interrupt: Callable[[], None] | None = None,
        on_stale: Callable[[PageRequest], None] | None = None,
    ) -> None:
        self.fetch = fetch
        self.order = self.wanted = order
        self.finest = finest
        self.filters = tuple(sorted((filters or {}).items()))
        self.facets = tuple(name for name in facets if name not in dict(self.filters))
        self.workers = workers
        self.max_rows = max_rows
        self.repair_credits = repair_credits
        self.on_plan = on_plan or _ignore
        self.on_page = on_page or _ignore
        self.on_interrupt = on_interrupt or _nothing
        self.on_stale = on_stale or _ignore
        fields = [entry.lstrip("-") for entry in (order, finest) if entry]
        self.evidence = RowIndex(tuple(dict.fromkeys([*fields, *self.facets])), sink)
        self.arrived: list[FetchedPage] = []
        self.others: list[FetchedPage] = []
        self.pages = self.credits = self.repairs = 0
        self.planned = 1
        self.notes: list[str] = []
        self.unstable = self.apart = False
        self._draws: dict[PageRequest, int] = {}
        self._clock: dict[PageRequest, int] = {}
        self._started = time.monotonic()

    @property
    def field(self) -> str:
        """The field that the swept order sorts by."""
        return self.order.lstrip("-")

    @property
    def goal(self) -> int:
        """How many positions have to be filled."""
        total = self.evidence.total or 0
        return total if self.max_rows is None else min(total, self.max_rows)

    def run(self) -> SweepResult:
        """Fetch every page and prove that every row is there.

        Raises
        ------
        IncompleteSweepError
            If completeness cannot be shown within the repair credits.
        """
        try:
            first = self.ask([PageRequest(0, self.filters, self.order)])[0]
            if first.total is None:
                self._follow_bare_list()
            else:
                self._sweep_rest()
                repair(self)
            return self._result()
        finally:
            # They know the sweep, mostly: a circle would keep the evidence of a million rows alive
            # while their frame is made.
            self.on_plan = self.on_page = self.on_stale = _ignore

    def request(
        self, offset: int, *, filters: tuple[tuple[str, str], ...] | None = None
    ) -> PageRequest:
        """Return a request in the swept order, numbered among its equals."""
        plain = PageRequest(offset, self.filters if filters is None else filters, self.order)
        draw = self._draws.get(plain, 0)
        self._draws[plain] = draw + 1
        return plain._replace(draw=draw) if draw else plain

    def ask(self, requests: Sequence[PageRequest], *, place: bool = True) -> list[FetchedPage]:
        """Fetch some pages side by side and return them in the order of the requests."""
        for request in requests:
            plain = request._replace(draw=0)
            self._draws[plain] = max(self._draws.get(plain, 0), request.draw + 1)
        arrived = dict(self._each(requests, place=place))
        return [arrived[request] for request in requests]

    def _each(
        self,
        requests: Sequence[PageRequest],
        *,
        place: bool,
        until: Callable[[], bool] = lambda: False,
        follow: Callable[[FetchedPage], PageRequest | None] = _ignore,
    ) -> Iterator[tuple[PageRequest, FetchedPage]]:
        """Yield each page as it arrives; a failing page does not cancel those under way.

        Once `until` says so, no further page is asked for; those under way still arrive. `follow`
        may name one page more for each that arrived.
        """
        waiting = list(reversed(requests))
        error: BaseException | None = None
        with WorkerPool(self.workers, self.fetch) as crew:
            try:
                while waiting or crew.under_way:
                    while waiting and crew.under_way < crew.workers:
                        if error is not None or until():
                            waiting.clear()
                        else:
                            self._clock[waiting[-1]] = self.pages
                            crew.submit(waiting.pop())
                    if not crew.under_way:
                        break
                    request, page, failure = crew.next()
                    if failure is not None:
                        error = error or failure
                        continue
                    entry = self._take(request, page, place=place)
                    further = follow(entry)
                    if further is not None:
                        waiting.append(further)
                    if error is None:
                        yield request, entry
            except KeyboardInterrupt:
                self.on_interrupt()
                crew.let_land()
                raise
        if error is not None:
            raise error

    def _take(self, request: PageRequest, page: Page, *, place: bool) -> FetchedPage:
        """Learn from a page, and note where its rows stood."""
        self.pages += 1
        self.credits += page.paid
        evidence = self.evidence
        started = self._clock.pop(request, self.pages)
        numbers = evidence.learn(page)
        entry = FetchedPage(request, numbers, page.total, page.has_next, started, self.pages)
        # What comes from behind the end does not stand where it was asked for.
        behind = 0 < request.offset >= (page.total if page.total is not None else math.inf)
        if place and not behind:
            if not self.arrived:
                evidence.total, evidence.limit = page.total, max(page.limit, 1)
            if page.total == evidence.total and not evidence.stands_as(entry):
                self.unstable = True
            evidence.place(entry)
            self.arrived.append(entry)
        else:
            whole = request.filters == self.filters
            self.others.append(entry if whole else entry._replace(total=None))
        self.on_page(page)
        return entry

    def _sweep_rest(self) -> None:
        """Fetch the pages after the first; change the plan where ties turn out to move."""
        size = self.evidence.limit
        offsets = range(size, self.goal, size)
        self.planned = 1 + len(offsets)
        self.on_plan(self.planned)
        rest = [self.request(offset) for offset in offsets]
        finer = self.finest not in (None, self.order)
        other_ways = finer or self.facets
        if self.max_rows is None and rest and other_ways and self._mostly_single_valued():
            # Where the order says nothing, a second page tells at once whether ties move, before
            # the others are paid.
            self.ask([rest.pop(0)])

        def moved() -> bool:
            return self.unstable and self.max_rows is None

        arrived = len(list(self._each(rest, place=True, until=moved)))
        if not moved():
            return
        if self._mostly_single_valued():
            if finer and arrived < len(rest):
                self._change_order()
            elif self.facets:
                self.apart = True
                return
        if arrived < len(rest):
            self._sweep_by_groups()

    def _sweep_by_groups(self) -> None:
        """Cover what is left so that each page begins with the group that the last one cut.

        A group of tying rows then lies whole inside one page, and need not be repaired. Where a
        page has to begin is known only from the one before, so that several such chains run side
        by side.
        """
        held = self.evidence.slots
        holes = self.evidence.windows(self.goal)
        chains = holes[:: -(-len(holes) // self.workers)] if holes else []
        starts = [start - self._cut_short(start) for start in chains]

        def follow(entry: FetchedPage) -> PageRequest | None:
            after = entry.offset + len(entry.numbers)
            end = min((start for start in chains if start > entry.offset), default=self.goal)
            offset = after - self._cut_short(after)
            while offset == after and after in held and after < end:
                offset = after = after + 1
            # A page that is cut short may begin again where it began: repair deals with that.
            full = len(entry.numbers) >= self.evidence.limit
            return self.request(offset) if offset < end and full else None

        first = [self.request(start) for start in dict.fromkeys(starts)]
        list(self._each(first, place=True, follow=follow))

    def _cut_short(self, position: int) -> int:
        """Return how many rows before a position may tie with rows from there on."""
        held, values = self.evidence.slots, self.evidence.columns[self.field]
        if position <= 0 or position >= self.goal or position - 1 not in held:
            return 0
        value = values[held[position - 1]]
        if position in held and values[held[position]] != value:
            return 0
        run = 1
        while position - run - 1 in held and values[held[position - run - 1]] == value:
            run += 1
        # A group too large for a page is cut anyway; repair takes it apart.
        return run if run <= self.evidence.limit // 2 else 0

    def _mostly_single_valued(self) -> bool:
        """Tell whether pages often hold one value only, so that their order says nothing."""
        full = [entry.numbers for entry in self.arrived if entry.numbers]
        single = sum(
            len({self.evidence.value(number, self.field) for number in numbers}) == 1
            for numbers in full
        )
        return single * 4 > len(full)

    def _change_order(self) -> None:
        assert self.finest is not None  # noqa: S101 - for the type checker
        self.notes.append(f"swept in the order {self.finest}, which ties least")
        self.order = self.finest
        self.evidence.forget_places()
        self.others.extend(self.arrived)
        self.arrived.clear()

    def _follow_bare_list(self) -> None:
        """Follow a list that tells no total, until a page is shorter or brings nothing new."""
        evidence = self.evidence
        last = self.arrived[0].numbers
        size, offset, moved, ended = max(len(last), 1), 0, False, False
        while len(last) >= size and not ended:
            if self.max_rows is not None and len(evidence.ids) >= self.max_rows:
                break
            known = len(evidence.ids)
            offset += len(last)
            numbers = self.ask([self.request(offset)])[0].numbers
            brought = len(evidence.ids) - known
            # The last page once more is an end; rows seen before among others have moved.
            moved |= brought < len(numbers) and sorted(numbers) != sorted(last)
            last, ended = numbers, not brought
        if ended or len(last) < size:
            evidence.total = len(evidence.ids)
            self.notes.append("the API told no total; the list was followed to its end")
        if moved:
            raise self.give_up(0, "rows came twice, and no total tells whether others are lacking")

    def discard(self, entries: Iterable[FetchedPage]) -> None:
        """Forget pages that hold no longer, so that a later call does not take them for true."""
        for entry in entries:
            self.on_stale(entry.request)
            self._draws.pop(entry.request._replace(draw=0), None)

    def accepted(self) -> Sequence[int]:
        """Return the rows seen, those whose place is known first and in that order."""
        evidence = self.evidence
        placed = evidence.slots.values()
        if len(placed) == len(evidence.standing) == len(evidence.ids):
            return placed
        pages = (number for entry in (*self.arrived, *self.others) for number in entry.numbers)
        return list(dict.fromkeys((*placed, *pages)))

    def final_order(self) -> Sequence[int]:
        """Return the row numbers in the order that the caller asked for."""
        evidence = self.evidence
        numbers = self.accepted()
        if self.apart or self.order != self.wanted:
            return self._sorted(numbers)
        if len(numbers) == len(evidence.standing):
            return numbers
        # A row that repair brought belongs among those that it ties with.
        values = evidence.columns[self.field]
        members: dict[Any, list[int]] = {}
        for number in numbers:
            members.setdefault(values[number], []).append(number)
        return [number for group in members.values() for number in group]

    def _sorted(self, numbers: Sequence[int]) -> list[int]:
        """Sort rows as the caller asked; ties stand by content, so that every sweep agrees."""
        field = self.wanted.lstrip("-")
        rows = np.asarray(numbers, np.int64)
        rows = rows[np.argsort(self.evidence.ids.names()[rows], kind="stable")]
        return sorted(
            rows.tolist(),
            key=lambda number: sort_key(self.evidence.value(number, field)),
            reverse=self.wanted.startswith("-"),
        )

    def _result(self) -> SweepResult:
        order = self.final_order()[: self.max_rows]
        return SweepResult(order, self.certificate(order))

    def certificate(self, order: Sequence[int], **more: object) -> dict[str, Any]:
        """Return the proof, as it is kept in the frame's provenance."""
        ids = self.evidence.ids
        some = None if len(order) == len(ids) else np.asarray(order, np.int64)
        total = self.evidence.total
        return {
            "complete": len(order) == total,
            "total": total,
            "rows": len(order),
            "pages": self.pages,
            "repaired_pages": self.repairs,
            "credits": self.credits,
            "duration_s": round(time.monotonic() - self._started, 3),
            "order_moved": self.unstable,
            "digest": digest_of(ids.contents(some)),
            "notes": list(self.notes),
            **more,
        }

    def give_up(self, missing: int, why: str) -> IncompleteSweepError:
        """Return the error that says what could not be shown."""
        order = self.final_order()
        return IncompleteSweepError(
            f"{missing} of {self.evidence.total} rows could not be shown to be here: {why}. The "
            "rows that came are in .frame, the proof as far as it got in .report. The same call "
            "goes on from the pages that are paid, and repair_credits= lets it ask for more; "
            "resume=False asks for everything again.",
            missing=missing,
            report={**self.certificate(order), "complete": False, "order": order},
        )
