"""What every call has: a budget, a journal of paid pages, and progress.

This module must not import `mining` or know what a call fetches.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, Self

from sectorsdf.client.progress import Progress
from sectorsdf.errors import APIError, CreditLimitError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from sectorsdf.cache.journal import JournalEntry
    from sectorsdf.cache.record_journal import RecordEntry
    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.client.context import ClientContext
    from sectorsdf.datasets.schema import Dataset

__all__ = ["Call", "keep_paid_pages"]


class _Ended(NamedTuple):
    """A call that has ended inside a block."""

    entry: JournalEntry | RecordEntry
    answered: bool
    whole: bool


_block: ContextVar[list[_Ended] | None] = ContextVar("block", default=None)


@contextmanager
def keep_paid_pages() -> Iterator[None]:
    """Keep what the calls in this block have paid for until the block itself has ended well.

    If the block fails, for example because a file cannot be written, the same calls made again
    take everything from the journal. Blocks may be nested: the outermost one counts.
    """
    outer = _block.get()
    ended: list[_Ended] = []
    token = _block.set(ended)
    try:
        yield
        if outer is None:
            for call in ended:
                if call.answered:
                    call.entry.answered(whole=call.whole)
    except APIError as error:
        if outer is None:
            _add_advice(error, ended)
        raise
    finally:
        _block.reset(token)
        if outer is None:
            for call in ended:
                call.entry.close()
        else:
            for call in ended:
                call.entry.settle()
            outer.extend(ended)


def _add_advice(error: APIError, ended: list[_Ended]) -> None:
    """Add to an error how many paid pages the same call would use again."""
    kept = sum(call.entry.kept for call in ended)
    if kept and not isinstance(error, NotFoundError):
        within = min(call.entry.reuse.seconds for call in ended)
        advice = (
            f"{error} {kept} paid page(s) are kept: the same call within {within:.0f} s continues "
            "from them and pays only for the rest."
        )
        error.args = (advice,)


class Call:
    """What calls for lists and for addressed records have in common.

    A context manager. If `answered` was set, the journal forgets the pages whose question was
    answered; otherwise they stay for the next call.

    Parameters
    ----------
    context : ClientContext
        What the client's calls share.
    dataset : Dataset
        What is fetched.
    config : CallConfig
        The options.
    entry : JournalEntry or RecordEntry
        What the journal has for the call, and where it keeps what the call pays for.

    Attributes
    ----------
    answered : bool
        The caller has the answer.
    whole : bool
        The answer has every row, also where the call asked for `max_rows`.
    """

    unit = "page"
    entry: JournalEntry | RecordEntry

    def __init__(
        self,
        context: ClientContext,
        dataset: Dataset,
        config: CallConfig,
        entry: JournalEntry | RecordEntry,
    ) -> None:
        self.context = context
        self.dataset = dataset
        self.config = config
        self.answered = False
        self.whole = True
        self.budgets = (config.budget, context.budget)
        self._spent_before = config.budget.spent
        self.progress = Progress(
            dataset.name,
            self.unit,
            lambda: self.spent,
            lambda: context.transport.limiter.waiting_until,
            shown=config.progress,
        )
        context.transport.resume()
        self.entry = entry
        self._block: AbstractContextManager[None] = keep_paid_pages()

    def __enter__(self) -> Self:
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.context.transport.stop()
        block = _block.get()
        assert block is not None  # noqa: S101 - the call's own block is open
        block.append(_Ended(self.entry, self.answered, self.whole))
        self._block.__exit__(kind, error, trace)

    @property
    def spent(self) -> int:
        """The credits that this call has spent."""
        return self.config.budget.spent - self._spent_before

    def refuse_beyond(self, need: int, what: str) -> None:
        """Refuse before spending more than a budget has left.

        Raises
        ------
        CreditLimitError
            If `need` credits are more than the call or the client may still spend.
        """
        for budget in self.budgets:
            if budget.left is not None and need > budget.left:
                message = (
                    f"{what} costs {need} more credit(s), but only {budget.left} of "
                    f"max_credits={budget.limit} are left. Raise max_credits, or ask for less with "
                    "a filter or max_rows. What was paid is kept."
                )
                raise CreditLimitError(message, need=need, have=budget.left)

    def report_progress(self, done: int, due: int) -> None:
        """Show the progress, and pass it on to the client's `on_progress`."""
        self.progress.update(done, due)
        if self.context.on_progress is not None:
            self.context.on_progress(self.dataset.name, done, due)
