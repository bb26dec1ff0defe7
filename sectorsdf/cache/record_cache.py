"""The addressed records of the cache: all that one call has fetched are one file.

A record that was fetched alone has a folder of its own. This module must not import `client` or
anything above it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from sectorsdf.cache.answering import METADATA
from sectorsdf.cache.files import CLOCK_SKEW, RECORD, CacheFiles
from sectorsdf.cache.keys import CachedFile, folder_name, quoted
from sectorsdf.datasets import DATASETS
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import decode_json, json_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sectorsdf.cache.locks import ProcessLock
    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.frames.provenance import Provenance

__all__ = ["RecordCache", "RecordHit", "cached_endpoint"]


_KEY, _FETCHED = "record_key", "record_fetched_at"
# The folder of the records that were fetched with others.
_SEVERAL = "several-records"
_TRIES = 4
# The times of the records in a file of several, by its name, so that it is not read in vain.
_times_in: dict[str, dict[str, datetime]] = {}
_MOST_KNOWN = 1_000


class RecordHit(NamedTuple):
    """A cached record; None if the API does not know the key."""

    record: Mapping[str, Any] | None
    file: CachedFile
    source: str


class _CachedRecord(NamedTuple):
    """A cached record as its JSON; None if the API does not know the key."""

    text: str | None
    file: CachedFile
    source: str


class RecordCache(CacheFiles):
    """The cached records as one call uses them."""

    def lock_for_records(self, dataset: Dataset) -> ProcessLock:
        """Return the lock under which one call at a time asks for records of an endpoint."""
        return self.backend.lock(f"{cached_endpoint(dataset).name}/{self._host}")

    def get_records(self, dataset: Dataset, keys: Collection[str]) -> dict[str, RecordHit]:
        """Return the cached records of these keys."""
        for _ in range(0 if self.refresh else _TRIES):
            with suppress(FileNotFoundError):
                return self._get_records(cached_endpoint(dataset), keys)
        return {}

    def _get_records(self, endpoint: Dataset, keys: Collection[str]) -> dict[str, RecordHit]:
        files = list(self._record_files(endpoint, keys))
        files.sort(key=lambda entry: entry[0].fetched, reverse=True)
        newest: dict[str, _CachedRecord] = {}
        for file, key in files:
            own = _times_in.get(file.name, keys) if key is None else [key]
            useful = [
                each
                for each in keys
                if each in own and (each not in newest or newest[each].file.fetched < file.fetched)
            ]
            records = (
                self._records_in(file, endpoint, key) if useful and self._is_young(file) else {}
            )
            for each in filter(records.__contains__, useful):
                known, record = newest.get(each), records[each]
                newer = known is None or known.file.fetched < record.file.fetched
                if newer and self._is_young(record.file):
                    newest[each] = record
        return {
            key: RecordHit(None if text is None else decode_json(text), file, source)
            for key, (text, file, source) in newest.items()
        }

    def _record_files(
        self, endpoint: Dataset, keys: Collection[str]
    ) -> Iterator[tuple[CachedFile, str | None]]:
        """Yield the files that may have a record, each with its key; None for several records."""
        key_of: dict[str, str | None] = {_record_folder(endpoint, key): key for key in keys}
        key_of[_SEVERAL] = None
        try:
            for folder, name in self.backend.files_in(endpoint.name, key_of):
                for file in self._own_file(endpoint, folder, name):
                    yield file, key_of[folder]
        except OSError as error:
            self._warn_unreadable(error)

    def _records_in(
        self, file: CachedFile, endpoint: Dataset, key: str | None
    ) -> dict[str, _CachedRecord]:
        """Return the records of a file by key, none if it is damaged.

        Parameters
        ----------
        file : CachedFile
            The file.
        endpoint : Dataset
            The endpoint.
        key : str or None
            The key of its only record; None for several records, which the file names.
        """
        table = self._read(file, endpoint)
        if table is None:
            return {}
        description = json.loads(table.schema.metadata[METADATA])
        texts = table.column(RECORD).to_pylist()
        if key is not None:
            return {key: _CachedRecord(texts[0] if texts else None, file, description["source"])}
        try:
            columns = [table.column(name).to_pylist() for name in (_KEY, _FETCHED)]
            rows = [*zip(*columns, texts, strict=True)]
            rows += [(each, moment, None) for each, moment in description["not_found"].items()]
            times = {each: datetime.fromisoformat(moment) for each, moment, _ in rows}
        except (KeyError, ValueError, TypeError) as error:
            self._quarantine(file, f"it does not name its records ({error})")
            return {}
        _times_in[file.name] = times
        while len(_times_in) > _MOST_KNOWN:
            with suppress(StopIteration, KeyError):
                _times_in.pop(next(iter(_times_in)))
        source = description["source"]
        return {
            each: _CachedRecord(text, file._replace(fetched=times[each]), source)
            for each, _, text in rows
        }

    def put_records(
        self,
        dataset: Dataset,
        records: Mapping[str, Mapping[str, Any] | None],
        provenance: Provenance,
        fetched_at: Mapping[str, str],
    ) -> None:
        """Write records; None for a key that the API does not know.

        Parameters
        ----------
        dataset : Dataset
            The endpoint.
        records : mapping of str to record
            The records by key.
        provenance : Provenance
            Where they come from.
        fetched_at : mapping of str to str
            When each came, by key, as the provenance has it.
        """
        if not records:
            return
        endpoint = cached_endpoint(dataset)
        with self._warn_if_not_kept():
            if len(records) == 1:
                folder = _record_folder(endpoint, *records)
                self._write_records(endpoint, folder, records, provenance, fetched_at)
                self._remove_older(self._files_in(endpoint, folder))
            else:
                times = {key: fetched_at[key] for key in records}
                file = self._write_records(endpoint, _SEVERAL, records, provenance, times)
                self._remove_older_records(endpoint, times, file)

    def _write_records(
        self,
        endpoint: Dataset,
        folder: str,
        records: Mapping[str, Mapping[str, Any] | None],
        provenance: Provenance,
        fetched_at: Mapping[str, str],
    ) -> str:
        """Write records as their typed columns and their JSON, and return the name of the file.

        A key without a record has no row. An answer that gives several rows is written as its JSON
        alone.
        """
        found = {key: record for key, record in records.items() if record is not None}
        table = pa.table(
            {
                RECORD: pa.array(map(json_text, found.values()), pa.string()),
                _KEY: pa.array([*found], pa.string()),
                _FETCHED: pa.array(map(fetched_at.__getitem__, found), pa.string()),
            }
        )
        if endpoint.is_plain_record:
            builder = FrameBuilder(endpoint)
            builder.add([*found.values()])
            typed = builder.table().select([column.name for column in endpoint.columns])
            for name, column in zip(table.column_names, table.columns, strict=True):
                typed = typed.append_column(name, column)
            table = typed
        name = endpoint.addressed_by if endpoint.is_plain_record else "key"
        query = {
            "query": {str(name): [*records] if len(records) > 1 else next(iter(records))},
            "order_by": None,
            "max_rows": None,
            "not_found": {key: fetched_at[key] for key in records if key not in found},
        }
        own = provenance.updated(fetched_at=max(fetched_at[key] for key in records))
        return self._write(endpoint, folder, table, own, query)

    def _remove_older_records(
        self, endpoint: Dataset, fetched_at: Mapping[str, str], written: str
    ) -> None:
        """Remove the files whose records are all in the file that was just written, and not older.

        Parameters
        ----------
        endpoint : Dataset
            The endpoint.
        fetched_at : mapping of str to str
            When each record in that file came, by key.
        written : str
            The name of that file.
        """
        moments = {key: datetime.fromisoformat(text) for key, text in fetched_at.items()}
        for file, key in list(self._record_files(endpoint, moments)):
            if file.name == written:
                continue
            alone = {} if key is None else {key: file.fetched}
            times = alone or self._times_of(file, endpoint)
            now = datetime.now(UTC)
            # A wrong clock has dated into the future what would stay for ever.
            if times and all(
                each in moments and (moment <= moments[each] or moment - now > CLOCK_SKEW)
                for each, moment in times.items()
            ):
                self.backend.remove(file.name)

    def _times_of(self, file: CachedFile, endpoint: Dataset) -> Mapping[str, datetime]:
        """Return when each record of a file of several came; nothing if it cannot be read."""
        if file.name not in _times_in:
            with suppress(FileNotFoundError):
                self._records_in(file, endpoint, None)
        return _times_in.get(file.name, {})

    def queries_in(self, file: CachedFile) -> list[str]:
        """Return the queries of a file, for a message: of several records, that of each."""
        if file.folder != _SEVERAL:
            return [file.folder]
        endpoint = DATASETS[file.dataset]
        return [_record_folder(endpoint, key) for key in self._times_of(file, endpoint)]


def cached_endpoint(dataset: Dataset) -> Dataset:
    """Return the dataset under which the records of an endpoint are cached for all getters."""
    return next(known for known in DATASETS.values() if known.path == dataset.path)


def _record_folder(endpoint: Dataset, key: str) -> str:
    if endpoint.is_plain_record:
        return folder_name([f"{endpoint.addressed_by}={quoted(key)}"])
    # The key of such an answer names its parts already; an answer without parts is the only one.
    return folder_name([key] if key else [])
