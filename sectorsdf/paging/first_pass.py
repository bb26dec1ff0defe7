"""The first pass of a sweep: fetch each page of the list once.

Chooses pages and leaves the state to `Sweep`. Changes the plan if rows that tie move between two
requests. Knows no repair, and must not import `repair` or `run`.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from sectorsdf.paging.page import PageRequest
from sectorsdf.paging.resume import drop_if_outdated, look_across_the_seam, take_kept_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sectorsdf.paging.page import FetchedPage
    from sectorsdf.paging.sweep import Sweep

__all__ = ["MOST_ROWS", "fetch_counted_list", "fetch_uncounted_list", "refuse_absurd_total"]

MOST_ROWS = 2**31 - 1
"""The most rows that a sweep can number."""

_SMALLEST_PAGE = 20


def fetch_counted_list(sweep: Sweep) -> None:
    """Fetch the pages after the first one of a list with a total.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched its first page.

    Raises
    ------
    IncompleteSweepError
        If the total cannot be true, or the server ignores the offset.
    """
    refuse_absurd_total(sweep)
    take_kept_pages(sweep)
    _report_plan(sweep)
    look_across_the_seam(sweep)
    _fetch_missing(sweep)
    while sweep.in_doubt:
        if drop_if_outdated(sweep):
            refuse_absurd_total(sweep)
            _report_plan(sweep)
        _fetch_missing(sweep)


def _fetch_missing(sweep: Sweep) -> None:
    """Fetch the pages that are missing, in the way that costs least if rows that tie move."""
    _fetch_gaps(sweep)
    if not sweep.ties_move or sweep.in_doubt:
        return
    finer = sweep.finest if sweep.finest != sweep.order else None
    missing = bool(sweep.index.gaps(sweep.goal, sweep.page_size))
    if _order_says_little(sweep):
        if finer and missing:
            sweep.change_order(finer)
            take_kept_pages(sweep)
        elif sweep.facets:
            sweep.by_facets = True
            return
    if missing:
        _fetch_by_groups(sweep)


def refuse_absurd_total(sweep: Sweep) -> None:
    """Refuse to plan for more rows than a sweep can number.

    Raises
    ------
    IncompleteSweepError
        If the total is so high. The pages that have it are not kept.
    """
    if sweep.goal > MOST_ROWS:
        for page in sweep.placed:
            sweep.observer.on_stale(page.request)
        digits = len(str(sweep.goal))
        shown = f"{sweep.goal:,} rows" if digits < 16 else f"rows by a number of {digits} digits"
        raise sweep.incomplete_error(0, f"the server reports {shown}, more than any list has")


def _report_plan(sweep: Sweep) -> None:
    sweep.planned = max(-(-sweep.goal // sweep.page_size), 1)
    to_pay = len(sweep.index.gaps(sweep.goal, sweep.page_size))
    sweep.observer.on_plan(sweep.planned, sweep.page_size, to_pay)


def _fetch_gaps(sweep: Sweep) -> None:
    """Fetch the pages that no page has covered, as long as the pages bear out the total.

    One more page is requested alone before the others are paid for: it shows whether the server
    reads the offset, and, of an order that says little, whether ties move. If it looks like the
    last one although the total says otherwise, the next one is requested alone too.
    """
    if sweep.by_facets:
        return
    gaps = sweep.index.gaps(sweep.goal, sweep.page_size)
    little = _order_says_little(sweep)
    offsets = chain(gaps[:1], _staggered(gaps, 1)) if little else _staggered(gaps)
    # An order that says something is given up only after a few more pages, which costs less.
    enough = sweep.pages + (0 if little else 2)

    def stop() -> bool:
        given_up = sweep.ties_move and sweep.pages >= enough
        return sweep.ended or sweep.in_doubt or given_up

    for offset in islice(offsets, 2):
        if stop():
            return
        (page,) = sweep.ask([sweep.request(offset)])
        if len(page.numbers) == sweep.page_size and page.has_next is not False:
            break
    for _ in sweep.ask_each((sweep.request(offset) for offset in offsets), until=stop):
        pass


def _staggered(offsets: Sequence[int], start: int = 0) -> Iterator[int]:
    """Yield offsets so that until the end, one is missing before the last one that was yielded."""
    behind, ahead = range(start, len(offsets), 2), range(start + 1, len(offsets), 2)
    for i in range(len(behind) + 1):
        if i < len(ahead):
            yield offsets[ahead[i]]
        if i > 0:
            yield offsets[behind[i - 1]]


def fetch_uncounted_list(sweep: Sweep) -> None:
    """Follow a list without a total until a page is shorter or brings no new row.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched its first page.

    Raises
    ------
    IncompleteSweepError
        If rows came twice, or a full page did.
    """
    first = sweep.placed[0]
    while _follow_to_the_end(sweep, first):
        sweep.drop_kept()
        (first,) = sweep.ask([sweep.request(0)])


def _follow_to_the_end(sweep: Sweep, page: FetchedPage) -> bool:
    """Fetch one page after another; return whether the pages of an earlier call are out of date."""
    last = page.numbers
    seen = set(last)
    size = max(len(last), 1)
    offset, moved, ended, repeated = 0, False, False, False
    while len(last) >= size and not ended:
        if sweep.max_rows is not None and len(seen) >= sweep.max_rows:
            break
        known = len(seen)
        following = offset + len(last)
        if page.kept and PageRequest(following, sweep.filters, sweep.order) not in sweep.kept:
            (again,) = sweep.ask([sweep.request(offset)])
            if sorted(again.numbers) != sorted(last):
                return True
        offset = following
        (page,) = sweep.ask([sweep.request(offset)])
        seen.update(page.numbers)
        new = len(seen) - known
        # Known rows among new ones have moved.
        repeated = bool(page.numbers) and sorted(page.numbers) == sorted(last)
        moved |= new < len(page.numbers) and not repeated
        last, ended = page.numbers, not new
    if repeated and _may_be_full(len(last)):
        reason = (
            f"the same {len(last)} rows came for each offset, as if the server did not read it, "
            "and no total shows whether there are more"
        )
        raise sweep.incomplete_error(0, reason)
    if ended or len(last) < size:
        sweep.total = len(seen)
        sweep.notes.append("the API reported no total; the list was followed to its end")
    if moved:
        reason = "rows came twice, and no total shows whether others are missing"
        raise sweep.incomplete_error(0, reason)
    return False


def _may_be_full(rows: int) -> bool:
    """Return whether a page of this number of rows may have been cut: page sizes are round."""
    return rows >= _SMALLEST_PAGE and rows % 10 == 0


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

    def stop() -> bool:
        return sweep.ended or sweep.in_doubt

    starts = dict.fromkeys(start - _rows_cut(sweep, start) for start in chains)
    requests = [sweep.request(start) for start in starts]
    for _ in sweep.ask_each(requests, until=stop, follow=follow):
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
