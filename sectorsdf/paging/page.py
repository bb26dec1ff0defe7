"""The request for a page, the page that the server sent, and the page as a sweep records it.

Imports no other module of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FetchedPage", "Page", "PageRequest"]


class PageRequest(NamedTuple):
    """A request for one page.

    The journal finds a page by the values of this tuple, so their order and types must not change.

    Attributes
    ----------
    offset : int
        The position of the page's first row in the list.
    filters : tuple of tuple of str
        Names and values of the API's filters, sorted.
    order : str or None
        The sort, with ``-`` for descending.
    attempt : int
        How many times the same sweep has requested this page before.
    """

    offset: int
    filters: tuple[tuple[str, str], ...] = ()
    order: str | None = None
    attempt: int = 0


@dataclass(frozen=True)
class Page:
    """One page as the server sent it.

    Attributes
    ----------
    records : sequence of mapping
        The rows.
    total : int or None
        The server's count of all rows; None if the response is a bare list.
    limit : int
        The server's own page size.
    has_next : bool or None
        Whether the server says that more rows follow.
    paid : int
        Credits spent on the page by this call; 0 if an earlier call has paid for it.
    offset : int or None
        The position of the first row as the server reports it; None if it reports none.
    """

    records: Sequence[Mapping[str, Any]]
    total: int | None
    limit: int
    has_next: bool | None = None
    paid: int = 1
    offset: int | None = None


class FetchedPage(NamedTuple):
    """A page that arrived, with the numbers of its rows in place of the records.

    Attributes
    ----------
    request : PageRequest
        The request for it.
    numbers : sequence of int
        The numbers of its rows: a range if all of them are new.
    total : int or None
        The server's count of all rows in the list. None if the page has no such count, or if it
        counts a filtered list only.
    has_next : bool or None
        Whether the server says that more rows follow.
    started, ended : int
        How many pages had arrived when the sweep requested this one, and once it arrived. A page
        that ended before another one started is older than that one.
    kept : bool
        Whether an earlier call has paid for the page, so that it may be out of date.
    """

    request: PageRequest
    numbers: Sequence[int]
    total: int | None
    has_next: bool | None
    started: int
    ended: int
    kept: bool = False

    @property
    def offset(self) -> int:
        """Return the position of the first row."""
        return self.request.offset
