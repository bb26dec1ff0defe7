"""TODO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FetchedPage", "Page", "PageRequest"]


class PageRequest(NamedTuple):
    """One page to ask for."""

    offset: int
    filters: tuple[tuple[str, str], ...] = ()
    order: str | None = None
    draw: int = 0


@dataclass(frozen=True)
class Page:
    """One page as the server gave it.

    Attributes
    ----------
    records : sequence of mapping
        The rows.
    total : int or None
        The server's count of all rows; None where the answer is a bare list.
    limit : int
        The server's own page size.
    has_next : bool or None
        Whether the server says that more follows.
    paid : int
        Credits spent to get it now; 0 from the journal.
    """

    records: Sequence[Mapping[str, Any]]
    total: int | None
    limit: int
    has_next: bool | None = None
    paid: int = 1


class FetchedPage(NamedTuple):
    """A page that arrived.

    Attributes
    ----------
    request : PageRequest
        What was asked.
    numbers : sequence of int
        Its rows: a range where all of them came for the first time.
    total : int or None
        The total that it spoke of.
    has_next : bool or None
        Whether it said that more follows.
    started, ended : int
        How many pages had arrived when it was asked for, and when it arrived: a page that ended
        before another started is older than that one.
    """

    request: PageRequest
    numbers: Sequence[int]
    total: int | None
    has_next: bool | None
    started: int
    ended: int

    @property
    def offset(self) -> int:
        """Where it lay."""
        return self.request.offset
