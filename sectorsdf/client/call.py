"""One call of a getter: what it may spend, what it has paid for, and how it fetches."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.client.call_config import positive, settled
from sectorsdf.client.progress import Progress
from sectorsdf.errors import APIError, CreditLimitError
from sectorsdf.http.credits import CreditBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sectorsdf.cache.journal import Journal, JournalEntry
    from sectorsdf.cache.memo import RecordMemo
    from sectorsdf.config.api_key import ApiKey
    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.http.transport import Transport

__all__ = ["ClientContext", "keep_paid_pages"]


_held: ContextVar[list[JournalEntry] | None] = ContextVar("held", default=None)


@contextmanager
def keep_paid_pages() -> Iterator[None]:
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
class ClientContext:
    """What the calls of one client share."""

    key: ApiKey
    transport: Transport
    journal: Journal
    purse: CreditBudget
    memory: RecordMemo
    workers: int
    on_progress: Callable[[str, int, int], None] | None
    source: str | None = None


class Call:
    """What lists and addressed records have in common: options, purses, and the journal.

    A context manager: the journal's pages are forgotten where `done` was set, and stay for the
    next call where anything went wrong.
    """

    unit = "page"

    def __init__(
        self,
        link: ClientContext,
        dataset: Dataset,
        call: Mapping[str, Any],
        options: Mapping[str, Any] | None,
    ) -> None:
        self.options = {"workers": link.workers, **settled(dataset, options)}
        self.workers = positive("workers", self.options["workers"])
        self.link = link
        self.dataset = dataset
        self.purse = CreditBudget(self.options["max_credits"])
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
