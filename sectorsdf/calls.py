"""One call of a getter: what it may spend, what it has paid for, and how it fetches."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sectorsdf import query as q
from sectorsdf.answers import parse_page, parse_record
from sectorsdf.asked import Quote, positive, settled
from sectorsdf.crew import Crew
from sectorsdf.errors import APIError, CreditLimitError, NotFoundError
from sectorsdf.evidence import PAGE_SIZE, Page, Request
from sectorsdf.ledger import Allowance
from sectorsdf.progress import Progress
from sectorsdf.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sectorsdf.datasets import Dataset
    from sectorsdf.frame import FrameBuilder
    from sectorsdf.journal import Journal, JournalEntry
    from sectorsdf.memory import Memory
    from sectorsdf.settings import ApiKey
    from sectorsdf.transport import Transport

__all__ = ["Connection", "DetailCall", "ListCall", "kept_until_done"]

_held: ContextVar[list[JournalEntry] | None] = ContextVar("held", default=None)


@contextmanager
def kept_until_done() -> Iterator[None]:
    """Keep what the calls in this block have paid for until the block itself has ended well.

    Where it has not, because what was fetched could not be written for one, the same calls made
    again take everything from the journal.
    """
    entries: list[JournalEntry] = []
    token = _held.set(entries)
    try:
        yield
        for entry in entries:
            entry.clear()
    finally:
        _held.reset(token)
        for entry in entries:
            entry.close()


@dataclass
class Connection:
    """What the calls of one client share."""

    key: ApiKey
    transport: Transport
    journal: Journal
    purse: Allowance
    memory: Memory
    workers: int
    on_progress: Callable[[str, int, int], None] | None
    source: str | None = None


class _Call:
    """What lists and addressed records have in common: options, purses, and the journal.

    A context manager: the journal's pages are forgotten where `done` was set, and stay for the
    next call where anything went wrong.
    """

    unit = "page"

    def __init__(
        self,
        link: Connection,
        dataset: Dataset,
        call: Mapping[str, Any],
        options: Mapping[str, Any] | None,
    ) -> None:
        self.options = {"workers": link.workers, **settled(dataset, options)}
        self.workers = positive("workers", self.options["workers"])
        self.link = link
        self.dataset = dataset
        self.purse = Allowance(self.options["max_credits"])
        self.purses = (self.purse, link.purse)
        self.progress = Progress(
            dataset.name,
            self.unit,
            lambda: self.purse.spent,
            lambda: link.transport.gate.waiting_until,
            shown=self.options["progress"],
        )
        self.done = False
        link.transport.resume()
        self.entry = link.journal.open(
            {"dataset": dataset.name, "host": link.transport.base_url, **call},
            resume=self.options["resume"],
            resume_within=self.options["resume_within"],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.link.transport.stop()
        if isinstance(error, APIError) and self.entry.kept:
            within = self.options["resume_within"]
            advice = (
                f"{error} {self.entry.kept} paid page(s) are kept: the same call within "
                f"{within:.0f} s goes on from there and pays for the rest only."
            )
            error.args = (advice,)
        held = _held.get()
        if self.done and held is not None:
            held.append(self.entry)
            return
        if self.done:
            self.entry.clear()
        self.entry.close()

    def refuse_beyond(self, need: int, what: str) -> None:
        """Refuse before spending what an allowance does not hold."""
        for purse in self.purses:
            if purse.left is not None and need > purse.left:
                message = (
                    f"{what} costs {need} more credit(s), but only {purse.left} of "
                    f"max_credits={purse.limit} are left. Raise max_credits, or ask for less with "
                    "a filter or max_rows. What was paid is kept."
                )
                raise CreditLimitError(message, need=need, have=purse.left)

    def tell(self, done: int, of: int) -> None:
        """Tell the progress, where anybody listens."""
        self.progress.tell(done, of)
        if self.link.on_progress is not None:
            self.link.on_progress(self.dataset.name, done, of)


class ListCall(_Call):
    """Fetches the pages of a list.

    Parameters
    ----------
    link : Connection
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
        link: Connection,
        dataset: Dataset,
        query: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(link, dataset, {"query": dict(query)}, options)
        filters = dict(query)
        order = filters.pop("order_by", None) or dataset.default_order or dataset.key[0]
        self.first = Request(0, tuple(sorted(filters.items())), order)

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

    def page(self, request: Request) -> Page:
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


class DetailCall(_Call):
    """Fetches addressed records, one credit each, side by side.

    What the client's memory or an unfinished call's journal holds is not paid for again.

    Parameters
    ----------
    link : Connection
        The client's.
    dataset : Dataset
        What to fetch.
    keys : sequence of str
        The slugs or codes.
    options : mapping, optional
        See `CallOptions`.
    """

    unit = "record"

    def __init__(
        self,
        link: Connection,
        dataset: Dataset,
        keys: Sequence[str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.paths = {key: q.path_for(dataset, key) for key in dict.fromkeys(keys)}
        super().__init__(link, dataset, {"keys": sorted(self.paths)}, options)
        self.records: dict[str, Mapping[str, Any] | None] = dict.fromkeys(self.paths)

    @property
    def missing(self) -> list[str]:
        """The keys that the API does not know."""
        return [key for key, record in self.records.items() if record is None]

    def run(self) -> dict[str, Mapping[str, Any]]:
        """Return the records that the API knows, in the order asked for."""
        memory = self.link.memory
        wanted = []
        for key, path in self.paths.items():
            # Looked up once: another thread may let it be forgotten in between.
            remembered = None if self.options["refresh"] else memory.get(path)
            if remembered is None:
                wanted.append(key)
            else:
                (self.records[key],) = remembered
        need = sum([self.paths[key]] not in self.entry for key in wanted)
        self.refuse_beyond(need, f"{len(wanted)} record(s) of {self.dataset.name}")
        self._gather(wanted)
        return {key: record for key, record in self.records.items() if record is not None}

    def _gather(self, wanted: Sequence[str]) -> None:
        waiting = list(reversed(wanted))
        failure: BaseException | None = None
        done = 0
        with self.progress, Crew(self.workers, self._record) as crew:
            try:
                while (waiting and failure is None) or crew.under_way:
                    while waiting and failure is None and crew.under_way < self.workers:
                        crew.submit(waiting.pop())
                    key, record, error = crew.next()
                    failure = failure or error
                    if error is None:
                        self.records[key] = record
                        done += 1
                        self.tell(done, len(wanted))
            except KeyboardInterrupt:
                self.link.transport.stop()
                crew.let_land()
                raise
        if failure is not None:
            raise failure

    def _record(self, key: str) -> Mapping[str, Any] | None:
        path = self.paths[key]
        with self.link.memory.turn(path):
            # Another thread may have asked while this one waited.
            remembered = None if self.options["refresh"] else self.link.memory.get(path)
            return self._asked(key, path) if remembered is None else remembered[0]

    def _asked(self, key: str, path: str) -> Mapping[str, Any] | None:
        body = self.entry.get([path])
        if body is None:
            what = f"{self.dataset.title} {key}"
            self.link.key.require()
            try:
                answer = self.link.transport.get(
                    path, {}, parse=parse_record, purse=self.purses, what=what
                )
                body, self.link.source = answer.body, answer.source
            except NotFoundError:
                body = b""
            self.entry.put([path], body)
        record = parse_record(body) if body else None
        self.link.memory[path] = record
        return record
