"""Fetch a list: from the cache, or page by page with proof that every row is there.

This module must not import `mining`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from sectorsdf.cache.read_through import ListReadThrough
from sectorsdf.client.answers import RowFilters, other_dataset, wrong_answer
from sectorsdf.client.call import Call
from sectorsdf.client.parsing import parse_page
from sectorsdf.client.result import ListResult
from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.errors import IncompleteSweepError
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.memory import memory_from_system
from sectorsdf.frames.problems import report_problems
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.first_pass import refuse_absurd_total
from sectorsdf.paging.page import PageRequest
from sectorsdf.paging.resume import take_kept_pages
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from sectorsdf.cache.journal import JournalEntry
    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import ListQuery
    from sectorsdf.paging.page import Page

__all__ = ["ListCall", "fetch_frame", "stream_rows"]


def fetch_frame(context: ClientContext, query: ListQuery) -> pd.DataFrame:
    """Return a list as its dataset's frame, from the cache or from the API."""
    with ListReadThrough(query.config.cache, query.cache_key) as cached:
        frame = cached.get(query.filters, query.max_rows)
        if frame is None:
            with memory_from_system(), ListCall(context, query) as call:
                result = call.sweep(FrameBuilder(query.dataset))
                frame = result.frame(cached.put)
                call.answered = result.failure is None
            context.seen.add(query.dataset, frame)
            return frame
    context.seen.add(query.dataset, frame)
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
    with memory_from_system(), ListCall(context, query) as call:
        result = call.sweep(FrameBuilder(query.dataset, file))
        write(result)
        call.answered = result.failure is None


class FirstLook(NamedTuple):
    """What the first page of a list shows.

    Attributes
    ----------
    total : int
        How many rows there are; of a list without a total, those of the first page.
    counted : bool
        Whether the server reports a total.
    to_pay : int
        How many pages the call must still pay for.
    """

    total: int
    counted: bool
    to_pay: int


class ListCall(Call):
    """A call for a list; it observes its own sweep.

    Parameters
    ----------
    context : ClientContext
        What the client's calls share.
    query : ListQuery
        What to fetch.
    """

    entry: JournalEntry

    def __init__(self, context: ClientContext, query: ListQuery) -> None:
        question = {"dataset": query.dataset.name, "host": context.transport.base_url}
        entry = context.journal.open(
            {**question, **query.question}, query.config.reuse(), max_rows=query.max_rows
        )
        super().__init__(context, query.dataset, query.config, entry)
        self.query = query
        self.first_page = query.first_page
        self._filters = RowFilters(query.dataset, dict(self.first_page.filters))
        self._arrived: dict[PageRequest, float] = {}
        self._quiet = False

    def sweep(self, builder: FrameBuilder) -> ListResult:
        """Fetch every page into the builder, and return the rows with their proof."""
        query, failure = self.query, None
        sweep = self._new_sweep(self._sink_of(builder))
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
        # What it knows of the rows takes about as much memory as a column of text.
        del sweep
        self.whole = certificate["complete"]
        # A natural key may repeat with different content. The certificate says how often.
        certificate["repeated_keys"] = builder.repeated_keys(order)
        provenance = Provenance.of_call(
            query.dataset,
            query.filters,
            host=self.context.transport.base_url,
            source=self.context.source,
            credits=self.spent,
        ).with_sweep(certificate, query.max_rows)
        if self._arrived:
            # A list is as old as its oldest page.
            oldest = datetime.fromtimestamp(min(self._arrived.values()), UTC)
            provenance = provenance.updated(fetched_at=oldest.isoformat(timespec="milliseconds"))
        return ListResult(
            builder, order, provenance, failure, query.strict, self.config.allow_partial
        )

    def _new_sweep(self, sink: Callable[[Sequence[Mapping[str, Any]]], None]) -> Sweep:
        return Sweep(
            self.fetch_page,
            sink,
            order=str(self.first_page.order),
            finest=self.dataset.finest_order,
            facets=self.dataset.facets,
            filters=dict(self.first_page.filters),
            workers=self.config.workers,
            max_rows=self.query.max_rows,
            repair_credits=self.config.repair_credits,
            kept=self._kept(),
            observer=self,
        )

    def _kept(self) -> set[PageRequest]:
        """Return the requests whose pages the journal has, intact."""
        _, own, _, _ = self.query.page_name(self.first_page)
        found = set()
        for name in filter(self.entry.__contains__, self.entry.names()):
            offset, pairs, order, attempt = name
            filters = tuple((key, text) for key, text in pairs)
            # The same filter may have been spelled in another way.
            filters = self.first_page.filters if filters == own else filters
            found.add(PageRequest(offset, filters, order, attempt))
        return found

    def _sink_of(self, builder: FrameBuilder) -> Callable[[Sequence[Mapping[str, Any]]], None]:
        """Return a function that adds rows to the builder, and reports those outside a filter."""

        def add(records: Sequence[Mapping[str, Any]]) -> None:
            first = len(builder)
            builder.add(records)
            for i, entry in self._filters.outside(records):
                builder.report(first + i, entry.column, entry.raw, entry.reason, entry.filter)

        return add

    def fetch_page(self, request: PageRequest) -> Page:
        """Return a page from the journal, or pay for it and write it to the journal first.

        Raises
        ------
        ResponseError
            If the page answers another question. It is not kept.
        """
        name = self.query.page_name(request)
        body = self.entry.get(name)
        if body is not None and (written := self.entry.written(name)) is not None:
            self._arrived[request] = written
            return replace(parse_page(body), paid=0)
        params = {
            **dict(request.filters),
            **({"order_by": str(request.order)} if self.dataset.filter("order_by") else {}),
            "limit": str(PAGE_SIZE),
            "offset": str(request.offset),
        }
        self.context.key.require()
        what = f"Page {request.offset // PAGE_SIZE + 1} of {self.dataset.name}"
        response = self.context.transport.get(
            self.dataset.path, params, parse=parse_page, budgets=self.budgets, what=what
        )
        page, arrived = response.value, time.time()
        problem = self._other_answer(request, page)
        if problem is not None:
            raise wrong_answer(what, problem, self.context.transport.base_url + self.dataset.path)
        self.entry.put(name, response.body)
        self._arrived[request] = arrived
        self.context.source = response.source
        return page

    def _other_answer(self, request: PageRequest, page: Page) -> str | None:
        """Return why a page answers another question than the request; None if it does not."""
        # After the end of a list, a server may send its last page, and say so.
        before_end = page.total is None or request.offset < max(page.total, 1)
        if page.offset not in (None, request.offset) and before_end:
            return (
                f"it begins at offset {page.offset}, and offset {request.offset} was asked for. "
                "The server, or a proxy or cache before it, does not read the whole request."
            )
        first = request.offset == 0 and request.filters == self.first_page.filters
        return other_dataset(self.dataset, page.records) or self._filters.ignored(
            page.records, first=first
        )

    def first_look(self) -> FirstLook:
        """Fetch the first page alone; if the user interrupts it, its answer is still kept."""
        self._quiet = True
        sweep = self._new_sweep(lambda _: None)
        (page,) = sweep.ask([sweep.request(0)])
        if page.total is None:
            return FirstLook(len(page.numbers), counted=False, to_pay=0)
        refuse_absurd_total(sweep)
        take_kept_pages(sweep)
        to_pay = len(sweep.index.gaps(sweep.goal, sweep.page_size))
        return FirstLook(page.total, counted=True, to_pay=to_pay)

    def kept_rows(self) -> list[Mapping[str, Any]]:
        """Return the rows on the pages that the journal has."""
        names = map(self.query.page_name, self._kept())
        bodies = [body for name in names if (body := self.entry.get(name)) is not None]
        return [record for body in bodies for record in parse_page(body).records]

    # The observer of the sweep

    def on_plan(self, pages: int, page_size: int, to_pay: int) -> None:  # noqa: ARG002
        """Refuse a plan that costs more than a budget has left."""
        self.refuse_beyond(to_pay, f"{self.dataset.name} ({pages} pages)")

    def on_page(self, done: int, planned: int) -> None:
        """Report the progress."""
        if not self._quiet:
            self.report_progress(done, planned)

    def on_idle(self) -> None:
        """Wait until the pages that arrived are on the disk."""
        self.entry.settle()

    def on_stale(self, request: PageRequest) -> None:
        """Remove a page that is out of date from the journal."""
        self._arrived.pop(request, None)
        self.entry.drop(self.query.page_name(request))

    def on_interrupt(self) -> None:
        """Let workers that wait give up at once."""
        self.context.transport.stop()
