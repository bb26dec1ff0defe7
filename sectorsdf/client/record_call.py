"""Fetch addressed records: from the cache, from memory, or from the API, one credit each.

This module must not import `mining`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sectorsdf.cache.read_through import RecordReadThrough
from sectorsdf.client.call import Call
from sectorsdf.client.parsing import parse_record
from sectorsdf.errors import FilterError, NotFoundError
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import RecordQuery

__all__ = ["RecordCall", "Records", "fetch_records", "keys_of", "without_emails"]

_ADDRESS = re.compile(r"""[^\s@<>"',;:()]+@[^\s@<>"',;:()]+""")


class Records(NamedTuple):
    """Addressed records.

    Attributes
    ----------
    found : mapping of str to record
        The records by key, in the order asked for.
    not_found : sequence of str
        The keys that the API does not know.
    provenance : Provenance
        Where the records come from.
    """

    found: Mapping[str, Mapping[str, Any]]
    not_found: Sequence[str]
    provenance: Provenance


def fetch_records(context: ClientContext, query: RecordQuery) -> Records:
    """Return addressed records, from the cache, from memory or from the API.

    E-mail addresses are left out unless the query asks for them, and are never cached.
    """
    dataset = query.dataset
    with RecordReadThrough(query.config.cache, dataset, query.paths) as cached:
        call = RecordCall(context, query, cached.missing)
        with call:
            fetched = call.run() if cached.missing else {}
            if not query.include_contacts:
                fetched = {key: without_emails(record) for key, record in fetched.items()}
            provenance = Provenance.of_call(
                dataset,
                {str(dataset.addressed_by): list(query.paths)},
                host=context.transport.base_url,
                source=context.source,
                credits=call.spent,
            )
            cached.put({**dict.fromkeys(call.not_found), **fetched}, provenance)
            call.answered = True
    records = {**cached.found, **fetched}
    found = {key: record for key in query.paths if (record := records.get(key)) is not None}
    not_found = [key for key in query.paths if key not in found]
    provenance = cached.describe(provenance).with_records(len(query.paths), not_found)
    return Records(found, not_found, provenance)


class RecordCall(Call):
    """A call for addressed records, fetched side by side.

    A record that the client remembers, or that the journal of an unfinished call has, is not paid
    for again.

    Parameters
    ----------
    context : ClientContext
        What the client's calls share.
    query : RecordQuery
        What to fetch.
    missing : sequence of str
        The keys of the query that the cache does not have.
    """

    unit = "record"

    def __init__(self, context: ClientContext, query: RecordQuery, missing: Sequence[str]) -> None:
        super().__init__(context, query.dataset, query.config, {"keys": sorted(missing)})
        self.paths = {key: query.paths[key] for key in missing}
        self.records: dict[str, Mapping[str, Any] | None] = dict.fromkeys(self.paths)

    @property
    def not_found(self) -> list[str]:
        """The keys that the API does not know."""
        return [key for key, record in self.records.items() if record is None]

    def run(self) -> dict[str, Mapping[str, Any]]:
        """Return the records that the API knows, in the order asked for."""
        memo = self.context.memo
        unknown = []
        for key, path in self.paths.items():
            # One look-up only: another thread may make the client forget the record in between.
            remembered = None if self.config.refresh else memo.get(path)
            if remembered is None:
                unknown.append(key)
            else:
                (self.records[key],) = remembered
        need = sum([self.paths[key]] not in self.entry for key in unknown)
        self.refuse_beyond(need, f"{len(unknown)} record(s) of {self.dataset.name}")
        self._fetch_all(unknown)
        return {key: record for key, record in self.records.items() if record is not None}

    def _fetch_all(self, keys: Sequence[str]) -> None:
        waiting = list(reversed(keys))
        failure: BaseException | None = None
        done = 0
        with self.progress, WorkerPool(self.config.workers, self._record) as workers:
            try:
                # After a failure no request is started; those under way still arrive and are kept.
                while (waiting and failure is None) or workers.under_way:
                    while waiting and failure is None and workers.under_way < workers.workers:
                        workers.submit(waiting.pop())
                    key, record, error = workers.next()
                    failure = failure or error
                    if error is None:
                        self.records[key] = record
                        done += 1
                        self.report_progress(done, len(keys))
            except KeyboardInterrupt:
                self.context.transport.stop()
                workers.drain()
                raise
        if failure is not None:
            raise failure

    def _record(self, key: str) -> Mapping[str, Any] | None:
        path = self.paths[key]
        memo = self.context.memo
        with memo.lock_for(path):
            # Another thread may have fetched it while this one waited for the lock.
            remembered = None if self.config.refresh else memo.get(path)
            return self._fetch(key, path) if remembered is None else remembered[0]

    def _fetch(self, key: str, path: str) -> Mapping[str, Any] | None:
        context = self.context
        body = self.entry.get([path])
        if body is None:
            what = f"{self.dataset.title} {key}"
            context.key.require()
            try:
                response = context.transport.get(
                    path, {}, parse=parse_record, budgets=self.budgets, what=what
                )
                body, context.source = response.body, response.source
            except NotFoundError:
                body = b""
            self.entry.put([path], body)
        record = parse_record(body) if body else None
        context.memo[path] = record
        return record


def keys_of(keys: object, column: str) -> list[Any]:
    """Return the distinct keys in a text, an iterable, or a column of a frame, in their order.

    Raises
    ------
    FilterError
        If a frame does not have the column.
    """
    if isinstance(keys, pd.DataFrame):
        if column not in keys.columns:
            names = ", ".join(map(str, keys.columns))
            message = f"the frame has no column {column!r}; it has {names}"
            raise FilterError(message, name=column, value=None)
        keys = keys[column]
    if isinstance(keys, pd.Series):
        keys = keys.dropna()
    if isinstance(keys, str) or not isinstance(keys, Iterable):
        # `path_for` refuses a key that is not a text.
        return [keys]
    return list(dict.fromkeys(keys))


def without_emails(value: Any) -> Any:  # noqa: ANN401
    """Return a record without any e-mail address, whichever field it is in."""
    if isinstance(value, dict):
        return {without_emails(name): without_emails(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_emails(item) for item in value]
    # A number that is a subclass of str must stay as it is.
    if isinstance(value, str) and _ADDRESS.search(value):
        return _ADDRESS.sub("(e-mail address left out)", value)
    return value
