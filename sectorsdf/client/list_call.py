"""Fetch a list: from the cache, or page by page with proof that every row is there.

This module must not import `mining`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING

from sectorsdf.cache.read_through import ListReadThrough
from sectorsdf.client.call import Call
from sectorsdf.client.parsing import parse_page
from sectorsdf.client.result import ListResult
from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.errors import IncompleteSweepError
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.problems import report_problems
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import ListQuery
    from sectorsdf.paging.page import FetchedPage, Page, PageRequest

__all__ = ["ListCall", "fetch_frame", "stream_rows"]


def fetch_frame(context: ClientContext, query: ListQuery) -> pd.DataFrame:
    """Return a list as its dataset's frame, from the cache or from the API."""
    with ListReadThrough(query.config.cache, query.cache_key) as cached:
        frame = cached.get(query.filters, query.max_rows)
        if frame is None:
            with ListCall(context, query) as call:
                result = call.sweep(FrameBuilder(query.dataset))
                frame = result.frame(cached.put)
                call.answered = result.failure is None
            return frame
    report_problems(query.dataset, frame, strict=query.strict)
    return frame


def stream_rows(
    context: ClientContext,
    query: ListQuery,
    write: Callable[[ListResult], None],
    file: IO[bytes],
) -> None:
    """Fetch a list and hand its rows, which wait in `file`, to `write`.

    The paid pages are kept until `write` has ended well. The cache is neither read nor written.
    """
    with ListCall(context, query) as call:
        result = call.sweep(FrameBuilder(query.dataset, file))
        write(result)
        call.answered = result.failure is None


class ListCall(Call):
    """A call for a list; it observes its own sweep.

    Parameters
    ----------
    context : ClientContext
        What the client's calls share.
    query : ListQuery
        What to fetch.
    """

    def __init__(self, context: ClientContext, query: ListQuery) -> None:
        super().__init__(context, query.dataset, query.config, {"query": dict(query.params)})
        self.query = query
        self.first_page = query.first_page
        self.page_size = PAGE_SIZE

    def sweep(self, builder: FrameBuilder) -> ListResult:
        """Fetch every page into the builder, and return the rows with their proof."""
        query, failure = self.query, None
        sweep = Sweep(
            self.fetch_page,
            builder.add,
            order=str(self.first_page.order),
            finest=query.dataset.finest_order,
            facets=query.dataset.facets,
            filters=dict(self.first_page.filters),
            workers=self.config.workers,
            max_rows=query.max_rows,
            repair_credits=self.config.repair_credits,
            observer=self,
        )
        try:
            with self.progress:
                swept = run_sweep(sweep)
            order, certificate = swept.order, swept.certificate
        except IncompleteSweepError as error:
            failure, certificate = error, error.report
            if not self.spent:
                # The journal's pages contradict each other, and would again in the next call.
                self.entry.clear()
            order = certificate.pop("order")
        # A natural key may repeat with different content. The certificate says how often.
        certificate["repeated_keys"] = builder.repeated_keys(order)
        provenance = Provenance.of_call(
            query.dataset,
            query.filters,
            host=self.context.transport.base_url,
            source=self.context.source,
            credits=self.spent,
        ).with_sweep(certificate, query.max_rows)
        return ListResult(
            builder, order, provenance, failure, query.strict, self.config.allow_partial
        )

    def fetch_page(self, request: PageRequest) -> Page:
        """Return a page from the journal, or pay for it and write it to the journal first."""
        body = self.entry.get([*request])
        if body is not None:
            return replace(parse_page(body), paid=0)
        params = {
            **dict(request.filters),
            "order_by": str(request.order),
            "limit": str(PAGE_SIZE),
            "offset": str(request.offset),
        }
        self.context.key.require()
        response = self.context.transport.get(
            self.dataset.path,
            params,
            parse=parse_page,
            budgets=self.budgets,
            what=f"Page {request.offset // PAGE_SIZE + 1} of {self.dataset.name}",
        )
        self.entry.put([*request], response.body)
        self.context.source = response.source
        return response.value

    def fetch_first_page(self) -> FetchedPage:
        """Fetch the first page alone; if the user interrupts it, its answer is still kept."""
        sweep = Sweep(self.fetch_page, lambda _: None, order=str(self.first_page.order))
        (page,) = sweep.ask([self.first_page])
        self.page_size = sweep.page_size
        return page

    def unpaid(self, offsets: Sequence[int]) -> int:
        """Return how many of these pages are not in the journal."""
        requests = (self.first_page._replace(offset=offset) for offset in offsets)
        return sum([*request] not in self.entry for request in requests)

    # The observer of the sweep

    def on_plan(self, pages: int, page_size: int) -> None:
        """Refuse a plan that costs more than a budget has left."""
        offsets = range(page_size, pages * page_size, page_size)
        self.refuse_beyond(self.unpaid(offsets), f"{self.dataset.name} ({pages} pages)")

    def on_page(self, done: int, planned: int) -> None:
        """Report the progress."""
        self.report_progress(done, planned)

    def on_stale(self, request: PageRequest) -> None:
        """Remove a page that is out of date from the journal."""
        self.entry.drop([*request])

    def on_interrupt(self) -> None:
        """Let workers that wait give up at once."""
        self.context.transport.stop()
