"""The Parquet cache: write answers as files, and find the file that answers a query.

A list is one file, and an addressed record is one file. A file is in a folder named after the
query; its name says when it was fetched, from which host, for which schema, and the digest of its
bytes, so that a file that was cut short or changed by one bit is never read. This module must not
import `client` or anything above it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.cache.answering import METADATA, answer_from, provenance_of
from sectorsdf.cache.filtering import today
from sectorsdf.cache.keys import (
    LAYOUT,
    CachedFile,
    CacheKey,
    Residual,
    content_digest,
    file_name,
    folder_name,
    parse_file_name,
    quoted,
    residual_for,
    schema_tag,
)
from sectorsdf.cache.locks import silently
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import CacheWarning, NotCachedError
from sectorsdf.frames.arrow import to_arrow
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import decode_json, json_text
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import Provenance
from sectorsdf.io.parquet import check_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import pandas as pd

    from sectorsdf.cache.backends import Backend
    from sectorsdf.cache.locks import ProcessLock, Waiting
    from sectorsdf.datasets.schema import Dataset

__all__ = ["FrameCache", "Hit"]


_RECORD = "record_json"
_TRIES = 4
# The clocks of two machines may differ by this much. A file from further in the future has an
# unknown age.
_CLOCK_SKEW = timedelta(minutes=5)
# Up to this number of records, each folder is listed on its own; beyond it, all are listed at once.
_FEW = 32


def _freshness(file: CachedFile) -> tuple[bool, datetime, str]:
    # A file that a wrong clock has dated into the future counts as the oldest, or it would stay
    # for ever.
    return file.age >= -_CLOCK_SKEW, file.fetched, file.digest


class Hit(NamedTuple):
    """A cached answer of a list query."""

    frame: pd.DataFrame
    file: CachedFile
    selected: bool


class RecordHit(NamedTuple):
    """A cached record; None if the API does not know the key."""

    record: Mapping[str, Any] | None
    file: CachedFile
    source: str


@dataclass(frozen=True)
class FrameCache:
    """The cache as one call uses it.

    Parameters
    ----------
    backend : Backend
        Where the files are.
    host : str
        The API's address. An answer of one host is never used for another.
    max_age : timedelta
        How old a file may be.
    refresh : bool
        Ignore what is cached; the API's answer replaces it.
    offline : bool
        Accept a file of any age.
    waiting : Waiting
        Shows the user that a call waits for another one.
    """

    backend: Backend
    host: str
    max_age: timedelta
    refresh: bool = False
    offline: bool = False
    waiting: Waiting = field(default=silently, repr=False, compare=False)

    @property
    def _host(self) -> str:
        parts = urlsplit(self.host)
        return quote(f"{parts.netloc}{parts.path}".lower(), safe="")

    # Lists

    def lock_for(self, key: CacheKey) -> ProcessLock:
        """Return the lock under which one call at a time asks the API for a list."""
        folder = folder_name(key.parts())
        return self.backend.lock(f"{key.dataset.name}/{folder}/{self._host}")

    def get(self, key: CacheKey) -> Hit | None:
        """Return the answer of the freshest file that has it, or None."""
        for _ in range(0 if self.refresh else _TRIES):
            # A newer file may have replaced a file since it was listed. It is looked up again.
            with suppress(FileNotFoundError):
                return self._get(key)
        return None

    def _get(self, key: CacheKey) -> Hit | None:
        own = folder_name(key.parts())
        for file, residual in self._candidates(key):
            table = self._read(file, key.dataset)
            if table is None:
                continue
            # Rows that the filter excludes show that the API selects by another rule than this one.
            if file.folder != own and provenance_of(table).get("outside_filter"):
                continue
            if (frame := answer_from(table, key, residual)) is not None:
                return Hit(frame, file, selected=residual != Residual({}, None))
        return None

    def _candidates(self, key: CacheKey) -> list[tuple[CachedFile, Residual]]:
        """Return the files that may have the answer, the freshest first."""
        own = folder_name(key.parts())
        residuals: dict[str, Residual] = {}

        def may_answer(folder: str) -> bool:
            name = _same_name(folder, own)
            residual = residual_for(name, key, own)
            if residual is not None:
                residuals[name] = residual
            return residual is not None

        found = []
        for file in self._files(key.dataset, may_answer, own):
            soon = "expiring_soon=true" in file.folder.split(",")
            # A list of licences that expire soon is right for the day on which it was fetched.
            outdated = soon and today(file.fetched) != today()
            if self._is_young(file) and (self.offline or not outdated):
                found.append((file, residuals[file.folder]))
        # Of two files of the same time, the one that needs no filtering.
        found.sort(key=lambda entry: (entry[0].fetched, entry[0].folder == own), reverse=True)
        return found

    def _is_young(self, file: CachedFile) -> bool:
        return self.offline or -_CLOCK_SKEW <= file.age <= self.max_age

    def _files(
        self, dataset: Dataset, accepts: Callable[[str], bool], own: str = ""
    ) -> Iterator[CachedFile]:
        """Yield the files of a dataset that this version of the package wrote for this host."""
        try:
            for folder, file in self.backend.entries(dataset.name, accepts):
                yield from self._own_file(dataset, _same_name(folder, own), file)
        except OSError as error:
            self._warn_unreadable(error)

    def _files_in(self, dataset: Dataset, folder: str) -> Iterator[CachedFile]:
        """Yield such files of one folder."""
        try:
            for file in self.backend.files(f"{dataset.name}/{folder}"):
                yield from self._own_file(dataset, folder, file)
        except OSError as error:
            self._warn_unreadable(error)

    def _own_file(self, dataset: Dataset, folder: str, name: str) -> Iterator[CachedFile]:
        file = parse_file_name(dataset.name, folder, name)
        if file and file.host == self._host and file.tag == schema_tag(dataset, folder):
            yield file

    def _warn_unreadable(self, error: OSError) -> None:
        _warn(f"The cache {self.backend.name} cannot be read ({error}).")

    def put(self, key: CacheKey, frame: pd.DataFrame) -> None:
        """Write a frame. If the disk refuses it, the caller is warned and keeps the frame."""
        provenance = Provenance.of_frame(frame)
        if provenance["complete"]:
            key = CacheKey(key.dataset, key.filters, key.order)
        query = {"query": dict(key.filters), "order_by": key.order, "max_rows": key.max_rows}
        folder = folder_name(key.parts())
        with self._warn_if_not_kept():
            self._write(key.dataset, folder, to_arrow(frame), provenance, query)
            self._remove_older(self._files_in(key.dataset, folder))

    @contextmanager
    def _warn_if_not_kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _warn(
                f"The result cannot be cached in {self.backend.name} ({error}). The result itself "
                "is complete."
            )

    def _remove_older(self, files: Iterable[CachedFile]) -> None:
        """Leave the freshest file of each folder, which need not be the one just written."""
        newest: dict[str, CachedFile] = {}
        for file in files:
            other = newest.setdefault(file.folder, file)
            if other != file:
                older, newest[file.folder] = sorted((other, file), key=_freshness)
                self.backend.remove(older.name)

    def _write(
        self,
        dataset: Dataset,
        folder: str,
        table: pa.Table,
        provenance: Provenance,
        query: Mapping[str, Any],
    ) -> None:
        description = {
            "layout": LAYOUT,
            "dataset": dataset.name,
            "host": self.host,
            "folder": folder,
            "source": provenance["source"],
            "complete": provenance.get("complete", True),
            **query,
        }
        metadata = {**(table.schema.metadata or {}), METADATA: json.dumps(description)}
        table = table.replace_schema_metadata(metadata)
        try:
            check_metadata(table.schema)
        except ValueError as error:
            raise OSError(str(error)) from error
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=1)
        content = sink.getvalue().to_pybytes()
        fetched = datetime.fromisoformat(provenance["fetched_at"])
        file = file_name(fetched, self._host, schema_tag(dataset, folder), content_digest(content))
        self.backend.write(f"{dataset.name}/{folder}/{file}", content)

    def _read(self, file: CachedFile, dataset: Dataset) -> pa.Table | None:
        """Return the rows of a file that is intact and is what its name says, or None."""
        try:
            content = self.backend.read(file.name)
        except FileNotFoundError:
            raise
        except OSError as error:
            _warn(f"The cached file {file.name} cannot be read ({error}). The API is asked.")
            return None
        if content_digest(content) != file.digest:
            self._quarantine(file, "its bytes are not those that were written")
            return None
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read()
            description = json.loads((table.schema.metadata or {})[METADATA])
            fits = (description["dataset"], description["folder"]) == (dataset.name, file.folder)
            fits = fits and description["host"] == self.host
            if _RECORD not in table.column_names:
                declared = table.select([column.name for column in dataset.columns]).schema
                fits = fits and declared.types == dataset.schema.types
                fetched = datetime.fromisoformat(provenance_of(table)["fetched_at"])
                fits = fits and fetched == file.fetched
        except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
            self._quarantine(file, f"it is not a file of this cache ({error})")
            return None
        if not fits:
            self._quarantine(file, "its content is not what its name says")
            return None
        return table

    def _quarantine(self, file: CachedFile, why: str) -> None:
        try:
            where = f"was renamed to {self.backend.quarantine(file.name)}"
        except OSError as error:
            where = f"could not be renamed ({error})"
        _warn(f"The cached file {file.name} is not used: {why}. It {where}.")

    # Addressed records

    def lock_for_records(self, dataset: Dataset) -> ProcessLock:
        """Return the lock under which one call at a time asks for records of an endpoint."""
        return self.backend.lock(f"{_endpoint(dataset).name}/{self._host}")

    def get_records(self, dataset: Dataset, keys: Collection[str]) -> dict[str, RecordHit]:
        """Return the cached records of these keys."""
        for _ in range(0 if self.refresh else _TRIES):
            with suppress(FileNotFoundError):
                return self._get_records(_endpoint(dataset), keys)
        return {}

    def _get_records(self, endpoint: Dataset, keys: Collection[str]) -> dict[str, RecordHit]:
        folders = {_record_folder(endpoint, key): key for key in keys}
        newest: dict[str, CachedFile] = {}
        for file in self._files_of(endpoint, folders):
            known = newest.get(file.folder)
            if self._is_young(file) and (known is None or file.fetched > known.fetched):
                newest[file.folder] = file
        found = {}
        for folder, file in newest.items():
            table = self._read(file, endpoint)
            if table is not None:
                texts = table.column(_RECORD).to_pylist()
                record = decode_json(texts[0]) if texts else None
                source = json.loads(table.schema.metadata[METADATA])["source"]
                found[folders[folder]] = RecordHit(record, file, source)
        return found

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
        endpoint = _endpoint(dataset)
        with self._warn_if_not_kept():
            for key, record in records.items():
                own = provenance.updated(fetched_at=fetched_at[key])
                self._write_record(endpoint, key, record, own)
            folders = {_record_folder(endpoint, key) for key in records}
            self._remove_older(self._files_of(endpoint, folders))

    def _write_record(
        self,
        endpoint: Dataset,
        key: str,
        record: Mapping[str, Any] | None,
        provenance: Provenance,
    ) -> None:
        """Write a record as its typed columns and its JSON; None writes a file without a row.

        An answer that gives several rows is written as its JSON alone.
        """
        table = pa.table(
            {_RECORD: pa.array([] if record is None else [json_text(record)], pa.string())}
        )
        if endpoint.is_plain_record:
            builder = FrameBuilder(endpoint)
            builder.add([] if record is None else [record])
            columns = [column.name for column in endpoint.columns]
            table = builder.table().select(columns).append_column(_RECORD, table.column(0))
        name = endpoint.addressed_by if endpoint.is_plain_record else "key"
        query = {"query": {str(name): key}, "order_by": None, "max_rows": None}
        self._write(endpoint, _record_folder(endpoint, key), table, provenance, query)

    def _files_of(self, endpoint: Dataset, folders: Collection[str]) -> Iterator[CachedFile]:
        """Yield the files of the folders; those of many are listed at once."""
        if len(folders) <= _FEW:
            return chain.from_iterable(self._files_in(endpoint, folder) for folder in folders)
        return self._files(endpoint, folders.__contains__)

    def refuse(self, dataset: Dataset, query: str) -> NotCachedError:
        """Return the error for an offline call whose answer is not cached."""
        names = self.backend.entries(_endpoint(dataset).name, lambda _: True)
        folders = [folder for folder, file in names if parse_file_name("", folder, file)]
        cached = list(dict.fromkeys(folders))
        shown = "; ".join(cached[:8])
        shown += f" and {len(cached) - 8} more" if len(cached) > 8 else ""
        message = (
            f"offline=True, and the cache {self.backend.name} does not have {query}. Of "
            f"{dataset.name} it has {shown or 'nothing'}. Leave offline out to ask the API."
        )
        return NotCachedError(message, dataset=dataset.name, available=cached)


def _warn(message: str) -> None:
    warn(message, CacheWarning)


def _same_name(folder: str, own: str) -> str:
    """Return a folder's name; some file systems treat two names that differ in case as one."""
    return own if folder.casefold() == own.casefold() else folder


def _endpoint(dataset: Dataset) -> Dataset:
    """Return the dataset under which the records of an endpoint are cached for all getters."""
    return next(known for known in DATASETS.values() if known.path == dataset.path)


def _record_folder(endpoint: Dataset, key: str) -> str:
    if endpoint.is_plain_record:
        return folder_name([f"{endpoint.addressed_by}={quoted(key)}"])
    # The key of such an answer names its parts already; an answer without parts is the only one.
    return folder_name([key] if key else [])
