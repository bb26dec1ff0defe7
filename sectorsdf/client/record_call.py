"""TODO."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.client.call import Call, ClientContext
from sectorsdf.client.parsing import parse_record
from sectorsdf.datasets import query as q
from sectorsdf.errors import FilterError, NotFoundError
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["RecordCall", "keys_of", "without_emails"]


class RecordCall(Call):
    """Fetches addressed records, one credit each, side by side.

    What the client's memory or an unfinished call's journal holds is not paid for again.

    Parameters
    ----------
    link : ClientContext
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
        link: ClientContext,
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
        with self.progress, WorkerPool(self.workers, self._record) as crew:
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


_ADDRESS = re.compile(r"""[^\s@<>"',;:()]+@[^\s@<>"',;:()]+""")


def keys_of(given: object, column: str) -> list[Any]:
    """Return the distinct keys of a text, of several, or of a frame's column, in their order.

    Raises
    ------
    FilterError
        If a frame has no such column.
    """
    if isinstance(given, pd.DataFrame):
        if column not in given.columns:
            names = ", ".join(map(str, given.columns))
            message = f"the frame has no column {column!r}; it has {names}"
            raise FilterError(message, name=column, value=None)
        given = given[column]
    if isinstance(given, pd.Series):
        given = given.dropna()
    if isinstance(given, str) or not isinstance(given, Iterable):
        # What is no text is refused where its path is made.
        return [given]
    return list(dict.fromkeys(given))


def without_emails(value: Any) -> Any:  # noqa: ANN401
    """Return a record without any e-mail address, in whichever field one stands."""
    if isinstance(value, dict):
        return {without_emails(name): without_emails(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_emails(item) for item in value]
    # The subclass of a text that stands for a number must stay what it is.
    if isinstance(value, str) and _ADDRESS.search(value):
        return _ADDRESS.sub("(e-mail address left out)", value)
    return value
