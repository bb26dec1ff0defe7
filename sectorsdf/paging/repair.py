"""Repair a sweep: fetch rows that moved between two requests, were added, or were removed.

The reasoning is about positions. The order sorts by one field, so rows that tie may swap, but the
*values* at each position stay as they are. The pages that arrived therefore show which rows tie and
where each group begins and ends, and rows can be missing only in groups that two pages share.

Chooses pages and leaves the state to `Sweep`. Must not import `run`.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from sectorsdf.errors import BadRequestError
from sectorsdf.paging.index import sort_key
from sectorsdf.paging.planner import Planner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sectorsdf.paging.page import FetchedPage, PageRequest
    from sectorsdf.paging.planner import Subset
    from sectorsdf.paging.sweep import Sweep

__all__ = ["repair"]


_MIN_CREDITS = 20
# Pages that cost nothing are limited too, so that a journal cannot keep a sweep going for ever.
_FREE_PAGES_PER_CREDIT = 10
# A total that grows by more than this, and to more than twice as much, is not true.
_MOST_GROWTH = 100_000


def repair(sweep: Sweep) -> None:
    """Request what is missing until every row is there.

    Parameters
    ----------
    sweep : Sweep
        A sweep whose first pass has ended.

    Raises
    ------
    IncompleteSweepError
        If rows are still missing when the repair credits are used up, or if the server contradicts
        itself.
    """
    _Repair(sweep).run()


class _SpentError(Exception):
    """The repair credits are used up."""


class _Group(NamedTuple):
    """Rows that tie in the sort field, at the positions from `start` to before `stop`."""

    value: Any
    start: int
    stop: int


class _Repair:
    """The repair of one sweep, within its credits."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        if sweep.repair_credits is None:
            left_out = max(sweep.planned - sweep.pages, 0)
            self.credit_limit = max(_MIN_CREDITS, math.ceil(sweep.planned / 2)) + left_out
        else:
            self.credit_limit = sweep.repair_credits
        self.paid = self.fruitless = 0

    def run(self) -> None:
        try:
            while self._step():
                pass
        except _SpentError:
            reason = f"the {self.credit_limit} credits for repair are used up"
            raise self.sweep.incomplete_error(self.sweep.missing(), reason) from None
        self._check_row_count()

    def ask(self, requests: Sequence[PageRequest], *, place: bool = True) -> list[FetchedPage]:
        """Fetch as many of these pages as the credits allow."""
        sweep = self.sweep
        # Pages in the journal, from an earlier call, cost nothing and do not count here.
        allowed = requests[: max(self.credit_limit - self.paid, 0)]
        if not allowed or sweep.repaired_pages > _FREE_PAGES_PER_CREDIT * (self.credit_limit + 1):
            raise _SpentError
        before, known = sweep.credits, self._known()
        pages = sweep.ask(allowed, place=place)
        paid = sweep.credits - before
        self.paid += paid
        sweep.repaired_pages += len(allowed)
        self.fruitless = 0 if self._known() > known else self.fruitless + paid
        self._refuse_fruitless()
        return pages

    def _known(self) -> int:
        """Return a number that grows with what is known of the list."""
        sweep = self.sweep
        rows = sweep.rows() if sweep.by_facets else sweep.index
        return len(rows) + len(sweep.index.row_at)

    def _refuse_fruitless(self) -> None:
        """Give up by default when the pages of a whole sweep have shown nothing new.

        The credits are a share of the total, and a total that is too high allows too many.
        """
        sweep = self.sweep
        most = max(_MIN_CREDITS, math.ceil(len(sweep.index) / sweep.page_size))
        if sweep.repair_credits is None and self.fruitless > most:
            reason = f"{self.fruitless} pages in a row showed no row that is missing"
            raise sweep.incomplete_error(sweep.missing(), reason)

    def _step(self) -> bool:
        """Repair the first problem found; return False if there is none."""
        sweep = self.sweep
        if sweep.outdated:
            self._drop_kept()
            return True
        if sweep.totals_differ():
            self._confirm_total()
            return True
        if sweep.by_facets:
            groups = [_Group(None, 0, sweep.goal)] if sweep.missing() else []
        elif gaps := sweep.index.gaps(sweep.goal, sweep.page_size):
            self._fill_gaps(gaps)
            return True
        else:
            groups = list(self._incomplete_groups())
        if groups:
            self._complete_groups(groups)
            return True
        return self._look_at_end() or self._leave_out_kept_rows()

    def _confirm_total(self) -> None:
        """Fetch the last page, and go back to the pages that have its total."""
        sweep = self.sweep
        latest = max(sweep.pages_with_total(), key=lambda page: page.ended).total or 0
        if latest > _MOST_GROWTH + 2 * (sweep.total or 0):
            reason = f"the total went from {sweep.total} to {latest} during the sweep"
            raise sweep.incomplete_error(0, reason)
        (last,) = self.ask([sweep.request(max(latest - sweep.page_size, 0))])
        # Otherwise the list has become shorter again, and this page was after its end.
        if last in sweep.placed:
            sweep.change_total(last.total or 0)

    def _fill_gaps(self, gaps: Sequence[int]) -> None:
        """Fetch some of the pages at positions that no page has covered."""
        sweep, index = self.sweep, self.sweep.index
        empty = [page for page in sweep.placed if not page.numbers and page.offset < sweep.goal]
        # After a page that came empty, one more page is enough to show that nothing follows.
        end = min((p.offset for p in empty if p.offset not in index.row_at), default=sweep.goal)
        offsets = list(takewhile(lambda offset: offset < end, gaps[: sweep.workers]))
        known = len(index.row_at)
        self.ask([sweep.request(offset) for offset in offsets or gaps[:1]])
        if len(index.row_at) == known and not sweep.totals_differ():
            for page in sweep.placed:
                if not page.numbers:
                    sweep.observer.on_stale(page.request)
            missing = index.missing_positions(sweep.goal)
            raise sweep.incomplete_error(missing, "the server sends fewer rows than its total says")

    def _look_at_end(self) -> bool:
        """Fetch the last page again if the end of the list is in doubt; return whether it was."""
        sweep = self.sweep
        size, goal = sweep.page_size, sweep.goal
        counted = sweep.pages_with_total()
        last = max(sweep.placed, key=lambda page: page.offset)
        reaches_end = last.offset + len(last.numbers) >= goal
        open_end = goal == sweep.total and (not reaches_end or last.has_next)
        # Only a page that could hold rows from beyond the end shows that there are none.
        seen_beyond = any(page.offset + size > goal for page in counted)
        # The total of a filtered page is not that of the list, which may have changed meanwhile.
        filtered = max((page.ended for page in sweep.unplaced if page.total is None), default=0)
        if filtered > max(page.ended for page in counted) or (open_end and not seen_beyond):
            sweep.ask([sweep.request(max(goal - size + 1, 0))])
            return True
        if open_end and last.has_next:
            sweep.notes.append("the last page says that more rows follow, but none do")
        return False

    def _leave_out_kept_rows(self) -> bool:
        """Drop the pages of an earlier call if only they can hold the rows that are too many."""
        sweep = self.sweep
        surplus = sweep.goal == sweep.total and len(sweep.rows()) > sweep.goal
        if not surplus or not any(page.kept for page in (*sweep.placed, *sweep.unplaced)):
            return False
        self._drop_kept()
        return True

    def _drop_kept(self) -> None:
        """Drop the pages of an earlier call; by default they may be paid for once more."""
        if self.sweep.repair_credits is None:
            self.credit_limit += sum(page.kept for page in self.sweep.placed)
        self.sweep.drop_kept()

    def _check_row_count(self) -> None:
        """Raise if there are fewer or more rows than the total says."""
        sweep = self.sweep
        goal, count = sweep.goal, len(sweep.rows())
        if count < goal:
            reason = "the rows are not in the order that was requested"
            raise sweep.incomplete_error(goal - count, reason)
        surplus = max(count, sweep.index.row_at.end()) - goal
        if surplus > 0 and goal == sweep.total:
            reason = f"the server sends {surplus} row(s) more than its total says"
            raise sweep.incomplete_error(0, reason)

    def _incomplete_groups(self) -> Iterator[_Group]:
        """Yield the groups of which fewer rows have arrived than they have positions."""
        sweep = self.sweep
        if len(sweep.index.row_at) == len(sweep.index.position_of):
            # Each position has a row of its own, so no group misses one.
            return
        values = sweep.index.columns[sweep.field]
        arrived = Counter(values[number] for number in sweep.rows())
        for value, run in groupby(sweep.index.row_at.items(), lambda entry: values[entry[1]]):
            positions = [position for position, _ in run]
            start, stop = positions[0], positions[-1] + 1
            if arrived[value] < min(stop, sweep.goal) - start:
                yield _Group(value, start, stop)

    def _complete_groups(self, groups: Sequence[_Group]) -> None:
        """Fetch the groups that fit on one page; if there are none, fetch the others in parts."""
        sweep, size = self.sweep, self.sweep.page_size
        covered = 0
        offsets = []
        for group in groups:
            if group.stop - group.start <= size and group.stop > covered:
                offset = max(min(group.start, sweep.goal - size), 0)
                offsets.append(offset)
                covered = offset + size
        if offsets:
            self.ask([sweep.request(offset) for offset in offsets])
            return
        for group in groups:
            _LargeGroup(self, group).complete()
            if sweep.totals_differ():
                return


class _LargeGroup:
    """A group that is larger than a page, fetched in parts by windows and by facets."""

    def __init__(self, repairs: _Repair, group: _Group) -> None:
        self.repairs = repairs
        self.sweep = repairs.sweep
        self.group = group
        self.size = self.sweep.page_size
        self.planner = Planner(self.size, self.sweep.facets)
        self.attempts: Counter[Subset] = Counter()

    def complete(self) -> None:
        """Fetch pages, each time the one that saves most, until no row is missing."""
        sweep = self.sweep
        needed = min(self.group.stop, sweep.goal) - self.group.start
        while not sweep.totals_differ():
            rows = sweep.rows()
            members = [number for number in rows if self._is_member(number)]
            missing = needed - len(members)
            if missing <= 0:
                return
            cells = {number: self._cell(number) for number in members}
            pages = (*sweep.placed, *sweep.unplaced)
            times_seen = Counter(number for page in pages for number in page.numbers)
            subset = self.planner.best(cells, times_seen, missing)
            if subset:
                self._fetch_subset(subset, rows)
            else:
                offset = self.group.start + self._tile(subset, self.group.stop - self.group.start)
                self.repairs.ask([sweep.request(offset)])

    def _fetch_subset(self, subset: Subset, rows: Sequence[int]) -> None:
        """Fetch a page of the group's rows that pass these filters."""
        sweep, planner = self.sweep, self.planner
        passing = [number for number in rows if subset <= self._cell(number)]
        members = sum(map(self._is_member, passing))
        count = planner.totals.get(subset, members)
        before = sum(map(self._is_before, passing))
        # The number of rows before the group is an estimate, so a page with space to spare begins
        # before it.
        spare = max(self.size - count, 0) // 2
        offset = max(before + self._tile(subset, count) - spare, 0)
        filters = {**dict(sweep.filters), **{name: str(value) for name, value in subset}}
        request = sweep.request(offset, filters=tuple(sorted(filters.items())))
        try:
            (page,) = self.repairs.ask([request], place=False)
        except BadRequestError:
            planner.excluded.add(subset)
            return
        if page.total is not None:
            planner.totals[subset] = page.total - (len(passing) - members)
        if count <= self.size and self.attempts[subset] > 1:
            planner.excluded.add(subset)

    def _is_member(self, number: int) -> bool:
        sweep = self.sweep
        return sweep.by_facets or bool(sweep.index.value(number, sweep.field) == self.group.value)

    def _is_before(self, number: int) -> bool:
        """Return whether a row precedes the group in the swept order."""
        sweep, index = self.sweep, self.sweep.index
        if self._is_member(number):
            return False
        if number in index.position_of:
            return index.position_of[number] < self.group.start
        row_key, group_key = sort_key(index.value(number, sweep.field)), sort_key(self.group.value)
        return row_key > group_key if sweep.order.startswith("-") else row_key < group_key

    def _cell(self, number: int) -> Subset:
        """Return a row's values of the facets that can be filtered by."""
        values = ((name, self.sweep.index.value(number, name)) for name in self.sweep.facets)
        return frozenset(pair for pair in values if pair[1] is not None)

    def _tile(self, subset: Subset, count: int) -> int:
        """Return the offset of the next of the pages that cover `count` rows.

        The last page ends with the last row. The pages take turns, because rows that do not tie
        stay near their end of the list. Pages that overlap two others follow, because rows with the
        same content count as two only if one page contains both.
        """
        last, size = max(count - self.size, 0), self.size
        # Ranges, because the count may be far too high.
        parts = (range(size // 2, last, size), range(0, last, size), range(last, last + 1))
        self.attempts[subset] += 1
        number = -self.attempts[subset] % sum(map(len, parts))
        for part in parts:
            if number < len(part):
                break
            number -= len(part)
        return part[number]
