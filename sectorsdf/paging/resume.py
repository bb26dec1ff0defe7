"""Continue a sweep from the pages that an earlier call has paid for.

The list may have changed since then without changing its total: one row gone, another one added.
The rows between the two have moved by one position. Where a new page precedes an earlier one, a row
is then on both; where it follows, one row is on none. The first pass leaves out a page before the
last one that it requests, so the pages of an interrupted call nearly always have seams of both
kinds, and a row that comes twice shows the change at no cost. Rows that tie can swap, so a page is
then requested again to tell the two apart. This module must not import `first_pass`, `repair` or
`run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorsdf.paging.page import FetchedPage, PageRequest
    from sectorsdf.paging.sweep import Sweep

__all__ = ["drop_if_outdated", "look_across_the_seam", "take_kept_pages"]


def take_kept_pages(sweep: Sweep) -> None:
    """Fetch the pages of the first pass that an earlier call has paid for; they cost nothing.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched its first page.
    """
    size, goal, row_at = sweep.page_size, sweep.goal, sweep.index.row_at
    kept = {request.offset: request for request in sweep.kept if _is_plain(sweep, request)}
    planned = [offset for offset in sorted(kept) if offset < goal and offset % size == 0]
    sweep.ask([kept.pop(offset) for offset in planned if offset not in row_at])
    # Pages at other offsets, of a sweep that was continued before.
    for offset in sorted(kept):
        if row_at.next_free(offset) < min(offset + size, goal):
            sweep.ask([kept[offset]])
    first, totals = sweep.placed[:1], {page.total for page in sweep.placed if page.kept}
    if first and not first[0].kept and totals - {first[0].total}:
        sweep.drop_kept()


def _is_plain(sweep: Sweep, request: PageRequest) -> bool:
    """Return whether a request is the first one for a page of the whole list."""
    return (request.filters, request.order, request.attempt) == (sweep.filters, sweep.order, 0)


def look_across_the_seam(sweep: Sweep) -> None:
    """Request the first new page so that it begins with rows of the last earlier one.

    This is only needed if the earlier pages follow each other without a gap, and is only done if
    the last page of the list has room, so that it costs nothing.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has taken the pages of an earlier call.
    """
    gaps = sweep.index.gaps(sweep.goal, sweep.page_size)
    if not sweep.has_kept() or gaps.inner or not gaps.after:
        return
    start = gaps.after[0]
    spare = start + len(gaps) * sweep.page_size - sweep.goal
    # Half of the room is left for a sweep that is continued again.
    overlap = min((spare + 1) // 2, start)
    if overlap:
        sweep.ask([sweep.request(start - overlap)])


def drop_if_outdated(sweep: Sweep) -> bool:
    """Decide whether the list has changed since the earlier call; if so, drop its pages.

    Costs one page, and one more if rows that tie have swapped; nothing if the list has certainly
    changed. A single page is dropped at once, because to look at it again costs as much.

    Parameters
    ----------
    sweep : Sweep
        A sweep in which a new page and an earlier one do not agree.

    Returns
    -------
    bool
        Whether the pages were dropped.
    """
    page = next((page for page in sweep.placed if _shows(page, sweep.suspect)), None)
    sweep.outdated |= sum(page.kept for page in sweep.placed) == 1
    if not sweep.outdated and page is not None:
        again = _ask_anew(sweep, page)
        if not sweep.outdated and list(again.numbers) != list(page.numbers):
            # The list has changed if the new page stays as it is. If it does not, ties swap.
            once_more = _ask_anew(sweep, page)
            sweep.outdated |= list(once_more.numbers) == list(again.numbers)
    sweep.suspect, sweep.trusted = None, True
    if not sweep.outdated:
        return False
    new = [page for page in sweep.pages_with_total() if not page.kept]
    sweep.drop_kept()
    if new:
        sweep.total = max(new, key=lambda page: page.ended).total
    if not sweep.placed:
        sweep.ask([sweep.request(0)])
    return True


def _shows(page: FetchedPage, position: int | None) -> bool:
    within = position is not None and 0 <= position - page.offset < len(page.numbers)
    return page.kept and within


def _ask_anew(sweep: Sweep, page: FetchedPage) -> FetchedPage:
    """Request a page again that was paid for earlier."""
    while True:
        (again,) = sweep.ask([sweep.request(page.offset)])
        if not again.kept:
            return again
