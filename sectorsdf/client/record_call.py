"""Fetch addressed records: from the cache, from memory, or from the API, one credit each.

This module must not import `mining`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import pandas as pd

from sectorsdf.cache.memo import Remembered
from sectorsdf.cache.read_through import RecordReadThrough
from sectorsdf.client.answers import other_key, other_record, wrong_answer
from sectorsdf.client.call import Call
from sectorsdf.client.parsing import parse_array, parse_object, parse_record
from sectorsdf.errors import FilterError, NotFoundError, listed
from sectorsdf.frames.addresses import contact_fields, without_emails
from sectorsdf.frames.casting import raw_text
from sectorsdf.frames.lossless_json import json_text
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorsdf.cache.record_journal import RecordEntry
    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import RecordQuery

__all__ = ["RecordCall", "Records", "fetch_records", "keys_of", "open_entry"]


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
    others : sequence of mapping
        A problem for each record whose own key differs from the one that was asked for.
    """

    found: Mapping[str, Any]
    not_found: Sequence[str]
    provenance: Provenance
    others: Sequence[Mapping[str, Any]] = ()


def fetch_records(context: ClientContext, query: RecordQuery) -> Records:
    """Return addressed records, from the cache, from memory or from the API.

    E-mail addresses are left out unless the query asks for them, and are never cached.
    """
    with RecordReadThrough(query.config.cache, query.dataset, query.paths) as cached:
        others: list[Mapping[str, Any]] = []
        if cached.missing:
            fetched, provenance, others = _fetch_missing(context, query, cached)
        else:
            fetched, provenance = {}, _provenance(context, query)
    records = {**cached.found, **fetched}
    found = {key: record for key in query.paths if (record := records.get(key)) is not None}
    not_found = [key for key in query.paths if key not in found]
    provenance = cached.describe(provenance).with_records(len(query.paths), not_found)
    return Records(found, not_found, provenance, others)


def _fetch_missing(
    context: ClientContext, query: RecordQuery, cached: RecordReadThrough
) -> tuple[dict[str, Mapping[str, Any]], Provenance, list[Mapping[str, Any]]]:
    """Return the records that the cache does not have, and store those of the right key in it."""
    with RecordCall(context, query, cached.missing) as call:
        fetched = call.run()
        if not query.include_contacts:
            fields = contact_fields(query.dataset)
            fetched = {key: without_emails(record, fields) for key, record in fetched.items()}
        provenance = _provenance(context, query, call)
        right = {key: record for key, record in fetched.items() if key not in call.others}
        cached.put({**dict.fromkeys(call.not_found), **right}, provenance, call.fetched_at)
        call.answered = True
    return fetched, provenance, [call.others[key] for key in fetched if key in call.others]


def _provenance(
    context: ClientContext, query: RecordQuery, call: RecordCall | None = None
) -> Provenance:
    provenance = Provenance.of_call(
        query.dataset,
        {str(query.dataset.addressed_by): list(query.paths)},
        host=context.transport.base_url,
        source=context.source,
        credits=0 if call is None else call.spent,
    )
    if call is None or not call.fetched_at:
        return provenance
    # Times of one zone sort as their texts do.
    return provenance.updated(fetched_at=min(call.fetched_at.values()))


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
    entry: RecordEntry

    def __init__(self, context: ClientContext, query: RecordQuery, missing: Sequence[str]) -> None:
        super().__init__(context, query.dataset, query.config, open_entry(context, query))
        self.paths = {key: query.paths[key] for key in missing}
        self.records: dict[str, Any] = dict.fromkeys(self.paths)
        self.fetched_at: dict[str, str] = {}
        # A problem for each record of another key. It is kept nowhere as the answer to this one.
        self.others: dict[str, Mapping[str, Any]] = {}
        # Only what has a key of its own is a record, which has fields.
        by_key = parse_object if query.dataset.addressed_by is None else parse_record
        self._parse: Callable[[bytes], Any] = (
            parse_array if query.dataset.answer == "array" else by_key
        )
        self._parts_of = query.parts_of
        self._with_addresses = query.include_contacts
        self._private = contact_fields(query.dataset)

    @property
    def not_found(self) -> list[str]:
        """The keys that the API does not know."""
        return [key for key, record in self.records.items() if record is None]

    def run(self) -> dict[str, Any]:
        """Return the records that the API knows, in the order asked for."""
        unknown = []
        for key, path in self.paths.items():
            # One look-up only: another thread may make the client forget the record in between.
            remembered = self._remembered(path)
            if remembered is None:
                unknown.append(key)
            else:
                self._take(key, remembered)
        need = sum(self.paths[key] not in self.entry for key in unknown)
        self.refuse_beyond(need, f"{len(unknown)} record(s) of {self.dataset.name}")
        self._fetch_all(unknown)
        return {key: record for key, record in self.records.items() if record is not None}

    def _remembered(self, path: str) -> Remembered | None:
        """Return what the client remembers, if the caller accepts it."""
        if self.config.refresh:
            return None
        return self.context.memo.get(path, self.config.max_age, with_addresses=self._with_addresses)

    def _take(self, key: str, remembered: Remembered) -> None:
        moment = datetime.fromtimestamp(remembered.fetched_at, UTC)
        self.fetched_at[key] = moment.isoformat(timespec="milliseconds")
        self.records[key] = remembered.record

    def _fetch_all(self, keys: Sequence[str]) -> None:
        waiting = list(reversed(keys))
        failure: BaseException | None = None
        done = 0
        with self.progress, WorkerPool(self.config.workers, self._record) as workers:
            try:
                # After a failure no request is started; those under way still arrive and are kept.
                while (waiting and failure is None) or workers.under_way:
                    while waiting and failure is None and workers.has_room:
                        workers.submit(waiting.pop())
                    self.entry.settle()
                    key, record, error = workers.next()
                    failure = failure or error
                    if error is None:
                        self._take(key, record)
                        done += 1
                        self.report_progress(done, len(keys))
            except KeyboardInterrupt:
                self.context.transport.stop()
                workers.drain()
                raise
        if failure is not None:
            raise failure

    def _record(self, key: str) -> Remembered:
        path = self.paths[key]
        with self.context.memo.lock_for(path):
            # Another thread may have fetched it while this one waited for the lock.
            remembered = self._remembered(path)
            if remembered is None:
                remembered = self._fetch(key, path)
                if key not in self.others:
                    self.context.memo.put(path, remembered)
            return remembered

    def _fetch(self, key: str, path: str) -> Remembered:
        """Return a record from the journal, or pay for it and write it to the journal first."""
        context = self.context
        body, written = self.entry.get(path), self.entry.written(path)
        if body is not None and written is not None:
            record = self._parse(body) if body else None
            return Remembered(record, written, self.entry.has_addresses(path))
        context.key.require()
        what = f"{self.dataset.title} {key}"
        try:
            target, _, params = path.partition("?")
            response = context.transport.get(
                target,
                dict(parse_qsl(params)),
                parse=self._parse,
                budgets=self.budgets,
                what=what,
            )
        except NotFoundError:
            arrived = time.time()
            self.entry.put(path, b"", written=arrived)
            return Remembered(None, arrived)
        problem = other_record(self.dataset, self._parts_of(key), response.value)
        if problem is not None:
            raise wrong_answer(what, problem, context.transport.base_url + path)
        context.source = response.source
        arrived, record, kept = time.time(), response.value, response.body
        other = other_key(self.dataset, self._parts_of(key), record)
        if other is not None:
            self.others[key] = {
                "key": dict(self._parts_of(key)),
                "column": other.name,
                "raw": raw_text(other.raw),
                "reason": f"the record of {other.reason}",
            }
            return Remembered(record, arrived)
        cleaned = without_emails(record, self._private)
        if not self._with_addresses and cleaned is not record:
            # Addresses that the caller does not ask for are not kept, not even until the call ends.
            kept = json_text(cleaned).encode()
            self.entry.put(path, kept, with_addresses=False, written=arrived)
        else:
            self.entry.put(path, kept, written=arrived)
        return Remembered(record, arrived)


def open_entry(context: ClientContext, query: RecordQuery) -> RecordEntry:
    """Return what the journal has for a query, and where it keeps what the query pays for."""
    return context.journal.open_records(
        {"dataset": query.dataset.name, "host": context.transport.base_url},
        query.paths,
        query.config.reuse(),
        with_addresses=query.include_contacts,
    )


def keys_of(keys: object, column: str) -> list[Any]:
    """Return the distinct keys in a text, an iterable, or a column of a frame, in their order.

    Raises
    ------
    FilterError
        If a frame does not have the column.
    """
    if isinstance(keys, pd.DataFrame):
        if column not in keys.columns:
            names = listed(keys.columns, show=str)
            message = f"the frame has no column {column!r}; it has {names}"
            raise FilterError(message, name=column, value=None)
        keys = keys[column]
    if isinstance(keys, pd.Series):
        keys = keys.dropna()
    if isinstance(keys, str) or not isinstance(keys, Iterable):
        return [keys]
    # `path_for` refuses a key that is not a text, such as a list, which no dict can hold.
    found = list(keys)
    texts = all(isinstance(key, str) for key in found)
    return list(dict.fromkeys(found)) if texts else found
