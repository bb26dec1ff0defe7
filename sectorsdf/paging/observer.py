"""What a sweep is given by the call that starts it: how to get a page, and whom to report to.

Imports `page` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sectorsdf.paging.page import Page, PageRequest

__all__ = ["FetchPage", "SilentObserver", "SweepObserver"]


class FetchPage(Protocol):
    """A function that gets one page, from the network or from the journal."""

    def __call__(self, request: PageRequest, /) -> Page:
        """Return the page."""


class SweepObserver(Protocol):
    """What a sweep reports to the call that started it."""

    def on_plan(self, pages: int, page_size: int, to_pay: int) -> None:
        """Receive how many pages the sweep needs, and how many of them must still be paid for.

        Raises to refuse to pay for them.
        """

    def on_page(self, done: int, planned: int) -> None:
        """Receive the number of pages that have arrived."""

    def on_idle(self) -> None:
        """Do what need not delay a request: the sweep is about to take another page."""

    def on_stale(self, request: PageRequest) -> None:
        """Drop the page of a request: it is out of date and must not be used again."""

    def on_interrupt(self) -> None:
        """Stop workers that are waiting, because the user has pressed Ctrl-C."""


class SilentObserver:
    """Ignores all reports."""

    def _ignore(self, *_args: object, **_kwargs: object) -> None:
        """Do nothing."""

    on_plan = on_page = on_idle = on_stale = on_interrupt = _ignore
