"""TODO."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sectorsdf.client.call import Call, ClientContext
from sectorsdf.client.call_config import Quote
from sectorsdf.client.parsing import parse_page
from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.paging.page import Page, PageRequest
from sectorsdf.paging.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.frames.builder import FrameBuilder

__all__ = ["ListCall"]


class ListCall(Call):
    """Fetches the pages of a list.

    Parameters
    ----------
    link : ClientContext
        The client's.
    dataset : Dataset
        What to fetch.
    query : mapping
        The API's parameters.
    options : mapping, optional
        See `CallOptions`.
    """

    def __init__(
        self,
        link: ClientContext,
        dataset: Dataset,
        query: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(link, dataset, {"query": dict(query)}, options)
        filters = dict(query)
        order = filters.pop("order_by", None) or dataset.default_order or dataset.key[0]
        self.first = PageRequest(0, tuple(sorted(filters.items())), order)

    def sweep(self, builder: FrameBuilder, max_rows: int | None) -> Sweep:
        """Return the sweep that fetches everything into the builder."""

        def plan(pages: int) -> None:
            size = sweep.evidence.limit
            offsets = range(size, pages * size, size)
            self.refuse_beyond(self.unpaid(offsets), f"{self.dataset.name} ({pages} pages)")

        sweep = Sweep(
            self.page,
            builder.add,
            order=str(self.first.order),
            finest=self.dataset.finest_order,
            facets=self.dataset.facets,
            filters=dict(self.first.filters),
            workers=self.workers,
            max_rows=max_rows,
            repair_credits=self.options["repair_credits"],
            on_plan=plan,
            on_page=lambda _: self.tell(sweep.pages, max(sweep.planned, sweep.pages)),
            on_interrupt=self.link.transport.stop,
            on_stale=lambda request: self.entry.drop([*request]),
        )
        return sweep

    def page(self, request: PageRequest) -> Page:
        """Return a page from the journal, or pay for it and keep it before it is used."""
        body = self.entry.get([*request])
        if body is not None:
            return replace(parse_page(body), paid=0)
        params = {
            **dict(request.filters),
            "order_by": str(request.order),
            "limit": str(PAGE_SIZE),
            "offset": str(request.offset),
        }
        self.link.key.require()
        answer = self.link.transport.get(
            self.dataset.path,
            params,
            parse=parse_page,
            purse=self.purses,
            what=f"Page {request.offset // PAGE_SIZE + 1} of {self.dataset.name}",
        )
        self.entry.put([*request], answer.body)
        self.link.source = answer.source
        return answer.value

    def unpaid(self, offsets: Sequence[int]) -> int:
        """Return how many of the pages are not in the journal."""
        return sum([*self.first._replace(offset=offset)] not in self.entry for offset in offsets)

    def quote(self, max_rows: int | None) -> Quote:
        """Return what the rest of the list costs, after its first page."""
        # A sweep of one page, so that an interrupt lets it land and be kept.
        sweep = Sweep(self.page, lambda _: None, order=str(self.first.order))
        (page,) = sweep.ask([self.first])
        total = len(page.numbers) if page.total is None else page.total
        goal = total if max_rows is None else min(total, max_rows)
        need = self.unpaid(range(sweep.evidence.limit, goal, sweep.evidence.limit))
        seconds = self.link.transport.gate.eta(need)
        return Quote(need, need, goal, seconds, page.total is not None, self.purse.spent)
