"""Making a sweep whole: rows that moved between two requests, and rows that came or went.

Positions carry the reasoning. The order sorts by one field, so however rows that tie change
places, the *values* at each position stay as they are: which groups tie, and where each begins and
ends, is known from the pages that came. Rows are missing only in groups that straddle two pages.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
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


_LEAST_CREDITS = 20
# Pages that cost nothing are bounded too, so that no journal can keep a sweep going for ever.
_MOST_FREE = 10


class _SpentError(Exception):
    """The repair credits are used up."""


class _Group(NamedTuple):
    """Rows that tie in the sort field: positions `start` to `stop`."""

    value: Any
    start: int
    stop: int


class _Repairs:
    """Asks for repair pages within their bound."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        half = max(_LEAST_CREDITS, math.ceil(sweep.planned / 2))
        # Pages that the plan left out, because their order says nothing, are left for repair.
        half += max(sweep.planned - sweep.pages, 0)
        self.bound = half if sweep.repair_credits is None else sweep.repair_credits
        self.paid = 0

    def ask(self, requests: Sequence[PageRequest], *, place: bool = True) -> list[FetchedPage]:
        """Fetch repair pages, as many of them as the bound still allows."""
        # What an earlier call has paid for stands in the journal and costs nothing now.
        allowed = requests[: max(self.bound - self.paid, 0)]
        if not allowed or self.sweep.repairs > _MOST_FREE * (self.bound + 1):
            raise _SpentError
        before = self.sweep.credits
        arrived = self.sweep.ask(allowed, place=place)
        self.paid += self.sweep.credits - before
        self.sweep.repairs += len(allowed)
        return arrived


def repair(sweep: Sweep) -> None:
    """Ask for what is missing until every row is there.

    Parameters
    ----------
    sweep : Sweep
        A sweep whose planned pages have all arrived.

    Raises
    ------
    IncompleteSweepError
        If rows are still missing when the repair credits are used up, or if the server contradicts
        itself.
    """
    repairs = _Repairs(sweep)
    try:
        while _step(sweep, repairs):
            pass
    except _SpentError:
        missing = max(sweep.goal - len(sweep.accepted()), 0)
        why = f"the {repairs.bound} credits for repair are used up"
        raise sweep.give_up(missing, why) from None
    _check_end(sweep)


def _step(sweep: Sweep, repairs: _Repairs) -> bool:
    """Mend the first thing that is wrong; return False where nothing is."""
    evidence = sweep.evidence
    if _totals_differ(sweep):
        _settle_drift(sweep, repairs)
        return True
    if sweep.apart:
        groups = [_Group(None, 0, sweep.goal)] if len(sweep.accepted()) < sweep.goal else []
    else:
        empty = evidence.windows(sweep.goal)
        if empty:
            # Behind a page that came empty, one more answer is enough to know that nothing follows.
            end = min((e.offset for e in sweep.arrived if not e.numbers), default=sweep.goal)
            within = [offset for offset in empty if offset < end] or empty[:1]
            repairs.ask([sweep.request(offset) for offset in within])
            if evidence.windows(sweep.goal) == empty and not _totals_differ(sweep):
                gap = sum(position not in evidence.slots for position in range(sweep.goal))
                raise sweep.give_up(gap, "the server sends fewer rows than its total says")
            return True
        groups = list(_missing_groups(sweep))
    if groups:
        _complete(sweep, groups, repairs)
        return True
    filtered = max((entry.ended for entry in sweep.others if entry.total is None), default=0)
    last = max(sweep.arrived, key=lambda entry: entry.offset)
    size, goal = evidence.limit, sweep.goal
    open_end = goal == evidence.total and (last.offset + len(last.numbers) < goal or last.has_next)
    looked = any(entry.offset + size > goal for entry in _told(sweep))
    # A filtered list tells its own total only: make sure that the whole one still holds. And where
    # no page reached beyond the end, one that does tells whether more follows.
    if filtered > max(entry.ended for entry in _told(sweep)) or (open_end and not looked):
        sweep.ask([sweep.request(max(goal - size + 1, 0))])
        return True
    if open_end and last.has_next:
        sweep.notes.append("the last page says that more follows, and nothing does")
    return False


def _check_end(sweep: Sweep) -> None:
    """Make sure that there are as many rows as the total says, no fewer and no more."""
    goal, seen = sweep.goal, len(sweep.accepted())
    if seen < goal:
        raise sweep.give_up(goal - seen, "the rows are not in the order that was asked for")
    surplus = max(seen, sweep.evidence.slots.end()) - goal
    if surplus > 0 and goal == sweep.evidence.total:
        raise sweep.give_up(0, f"the server sends {surplus} row(s) more than its total says")


# Rows that tie


def _missing_groups(sweep: Sweep) -> Iterator[_Group]:
    """Yield the groups of tying rows of which fewer were seen than there are positions."""
    evidence, goal = sweep.evidence, sweep.goal
    values, slots = evidence.columns[sweep.field], evidence.slots
    seen = Counter(values[number] for number in sweep.accepted())
    for value, run in groupby(slots.items(), lambda entry: values[entry[1]]):
        stretch = [position for position, _ in run]
        start, stop = stretch[0], stretch[-1] + 1
        if seen[value] < min(stop, goal) - start:
            yield _Group(value, start, stop)


def _complete(sweep: Sweep, groups: Sequence[_Group], repairs: _Repairs) -> None:
    """Fetch groups that fit in one page whole, packed; take larger ones apart."""
    size = sweep.evidence.limit
    covered = 0
    offsets = []
    for group in groups:
        if group.stop - group.start <= size and group.stop > covered:
            offset = max(min(group.start, sweep.goal - size), 0)
            offsets.append(offset)
            covered = offset + size
    if offsets:
        repairs.ask([sweep.request(offset) for offset in offsets])
        return
    for group in groups:
        _TakeApart(sweep, group, repairs).run()
        if _totals_differ(sweep):
            return


class _TakeApart:
    """Completes a group that is larger than a page, by the page that saves most each time."""

    def __init__(self, sweep: Sweep, group: _Group, repairs: _Repairs) -> None:
        self.sweep = sweep
        self.group = group
        self.repairs = repairs
        self.size = sweep.evidence.limit
        self.planner = Planner(self.size, sweep.facets)
        self.asked: Counter[Subset] = Counter()

    def run(self) -> None:
        """Ask until the group is whole."""
        needed = min(self.group.stop, self.sweep.goal) - self.group.start
        while not _totals_differ(self.sweep):
            rows = self.sweep.accepted()
            members = [number for number in rows if self._is_member(number)]
            missing = needed - len(members)
            if missing <= 0:
                return
            cells = {number: self._cell(number) for number in members}
            pages = (*self.sweep.arrived, *self.sweep.others)
            times = Counter(number for entry in pages for number in entry.numbers)
            self._ask(self.planner.best(cells, times, missing), rows)

    def _is_member(self, number: int) -> bool:
        if self.sweep.apart:
            return True
        return bool(self.sweep.evidence.value(number, self.sweep.field) == self.group.value)

    def _is_before(self, number: int) -> bool:
        """Tell whether a row stands before the group."""
        evidence, field = self.sweep.evidence, self.sweep.field
        if self.sweep.apart or self._is_member(number):
            return False
        if number in evidence.standing:
            return evidence.standing[number] < self.group.start
        mine, theirs = sort_key(evidence.value(number, field)), sort_key(self.group.value)
        return mine > theirs if self.sweep.order.startswith("-") else mine < theirs

    def _cell(self, number: int) -> Subset:
        """Return a row's values of the facets that can be filtered by."""
        values = ((name, self.sweep.evidence.value(number, name)) for name in self.sweep.facets)
        return frozenset(pair for pair in values if pair[1] is not None)

    def _tile(self, subset: Subset, count: int) -> int:
        """Return the next of the pages that cover so many rows, the last one flush with their end.

        In turn, because rows that do not tie keep to their end of the list; then those in between,
        because rows with the same content are two only where one page shows both.
        """
        last, size = max(count - self.size, 0), self.size
        tiles: list[int] = [*range(size // 2, last, size), *range(0, last, size), last]
        self.asked[subset] += 1
        return tiles[-self.asked[subset] % len(tiles)]

    def _ask(self, subset: Subset, rows: Sequence[int]) -> None:
        """Ask for the group's rows that pass these filters, or for a sample of them."""
        sweep, group = self.sweep, self.group
        if not subset:
            offset = group.start + self._tile(subset, group.stop - group.start)
            self.repairs.ask([sweep.request(offset)])
            return
        passing = [n for n in rows if subset <= self._cell(n)]
        inside = sum(self._is_member(n) for n in passing)
        count = self.planner.totals.get(subset, inside)
        # Where there is room, the window begins early: what it begins after is an estimate.
        early = max(self.size - count, 0) // 2
        offset = max(sum(map(self._is_before, passing)) + self._tile(subset, count) - early, 0)
        filters = {**dict(sweep.filters), **{name: str(value) for name, value in subset}}
        request = sweep.request(offset, filters=tuple(sorted(filters.items())))
        try:
            (entry,) = self.repairs.ask([request], place=False)
        except BadRequestError:
            self.planner.barred.add(subset)
            return
        if entry.total is not None:
            self.planner.totals[subset] = entry.total - (len(passing) - inside)
        if count <= self.size and self.asked[subset] > 1:
            self.planner.barred.add(subset)


# Rows that came or went


def _totals_differ(sweep: Sweep) -> bool:
    return len({entry.total for entry in _told(sweep)}) > 1


def _told(sweep: Sweep) -> list[FetchedPage]:
    """Return the pages that told a total of the whole list."""
    return [entry for entry in (*sweep.arrived, *sweep.others) if entry.total is not None]


def _settle_drift(sweep: Sweep, repairs: _Repairs) -> None:
    """Trust only what was asked for after the total had last changed; the rest is asked again.

    An older page may still be right, but nothing in it tells: a row that went and one that came
    leave its neighbours where they were.
    """
    evidence = sweep.evidence
    latest = max(_told(sweep), key=lambda entry: entry.ended).total or 0
    (confirmed,) = repairs.ask([sweep.request(max(latest - evidence.limit, 0))])
    if confirmed not in sweep.arrived:
        # The list has become shorter again, so that this page lay behind its end.
        return
    total = confirmed.total or 0
    sweep.notes.append(f"the total changed to {total} during the sweep")
    changed = max((entry.ended for entry in _told(sweep) if entry.total != total), default=0)
    evidence.total = total
    evidence.forget_places()
    true: list[FetchedPage] = []
    stale = list(sweep.others)
    for entry in sweep.arrived:
        (true if entry.total == total and entry.started >= changed else stale).append(entry)
    sweep.discard(stale)
    sweep.others.clear()
    sweep.arrived = true
    for entry in true:
        evidence.place(entry)
