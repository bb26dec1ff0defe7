"""The first pass of a sweep: fetch each page of the list once.

Chooses pages and leaves the state to `Sweep`. Changes the plan if rows that tie move between two
requests. Knows no repair, and must not import `repair` or `run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorsdf.paging.page import FetchedPage, PageRequest
    from sectorsdf.paging.sweep import Sweep

__all__ = ["fetch_counted_list", "fetch_uncounted_list"]


def fetch_counted_list(sweep: Sweep) -> None:
    """Fetch the pages after the first one of a list with a total.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched its first page.
    """
    size = sweep.page_size
    offsets = range(size, sweep.goal, size)
    sweep.planned = 1 + len(offsets)
    sweep.observer.on_plan(sweep.planned, size)
    rest = [sweep.request(offset) for offset in offsets]
    finer = sweep.finest if sweep.finest != sweep.order else None
    has_alternative = finer or sweep.facets
    if sweep.max_rows is None and rest and has_alternative and _order_says_little(sweep):
        # A second page shows whether ties move, before the others are paid for.
        sweep.ask([rest.pop(0)])

    def ties_move() -> bool:
        return sweep.order_moved and sweep.max_rows is None

    arrived = len(list(sweep.ask_each(rest, until=ties_move)))
    if not ties_move():
        return
    if _order_says_little(sweep):
        if finer and arrived < len(rest):
            sweep.change_order(finer)
        elif sweep.facets:
            sweep.by_facets = True
            return
    if arrived < len(rest):
        _fetch_by_groups(sweep)


def fetch_uncounted_list(sweep: Sweep) -> None:
    """Follow a list without a total until a page is shorter or brings no new row.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched its first page.

    Raises
    ------
    IncompleteSweepError
        If rows came twice.
    """
    index = sweep.index
    last = sweep.placed[0].numbers
    size = max(len(last), 1)
    offset, moved, ended = 0, False, False
    while len(last) >= size and not ended:
        if sweep.max_rows is not None and len(index) >= sweep.max_rows:
            break
        known = len(index)
        offset += len(last)
        (page,) = sweep.ask([sweep.request(offset)])
        new = len(index) - known
        # The last page once more is the end of the list. Known rows among new ones have moved.
        moved |= new < len(page.numbers) and sorted(page.numbers) != sorted(last)
        last, ended = page.numbers, not new
    if ended or len(last) < size:
        sweep.total = len(index)
        sweep.notes.append("the API reported no total; the list was followed to its end")
    if moved:
        reason = "rows came twice, and no total shows whether others are missing"
        raise sweep.incomplete_error(0, reason)


def _order_says_little(sweep: Sweep) -> bool:
    """Return whether more than a quarter of the pages contain a single sort value each."""
    pages = [page.numbers for page in sweep.placed if page.numbers]
    single = sum(
        len({sweep.index.value(number, sweep.field) for number in numbers}) == 1
        for numbers in pages
    )
    return single * 4 > len(pages)


def _fetch_by_groups(sweep: Sweep) -> None:
    """Fetch the rest so that each page begins with the group that the page before it cut.

    A group of rows that tie is then whole on one page and needs no repair. Where a page must begin
    is known only after the page before it, so several chains of pages are fetched in parallel.
    """
    row_at = sweep.index.row_at
    gaps = sweep.index.gaps(sweep.goal, sweep.page_size)
    chains = gaps[:: -(-len(gaps) // sweep.workers)] if gaps else []

    def follow(page: FetchedPage) -> PageRequest | None:
        if len(page.numbers) < sweep.page_size:
            # The next page could begin at the same offset again. Repair deals with it.
            return None
        end = min((start for start in chains if start > page.offset), default=sweep.goal)
        after = page.offset + len(page.numbers)
        offset = after - _rows_cut(sweep, after)
        while offset == after and after in row_at and after < end:
            offset = after = after + 1
        return sweep.request(offset) if offset < end else None

    starts = dict.fromkeys(start - _rows_cut(sweep, start) for start in chains)
    for _ in sweep.ask_each([sweep.request(start) for start in starts], follow=follow):
        pass


def _rows_cut(sweep: Sweep, position: int) -> int:
    """Return how many rows before a position may tie with the row at that position."""
    row_at, values = sweep.index.row_at, sweep.index.columns[sweep.field]
    if not 0 < position < sweep.goal or position - 1 not in row_at:
        return 0
    value = values[row_at[position - 1]]
    if position in row_at and values[row_at[position]] != value:
        return 0
    count = 1
    while position - count - 1 in row_at and values[row_at[position - count - 1]] == value:
        count += 1
    # A larger group would be cut anyway, and repair fetches it in parts.
    return count if count <= sweep.page_size // 2 else 0
