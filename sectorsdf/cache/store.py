"""The Parquet cache: write answers as files, and find the file that answers a query.

A list is one file, and an addressed record is one file. A file is in a folder named after the
query; its name says when it was fetched, from which host, for which schema, and the digest of its
bytes, so that a file that was cut short or changed by one bit is never read. This module must not
import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.cache.filtering import select, today
from sectorsdf.cache.keys import (
    LAYOUT,
    CachedFile,
    CacheKey,
    Residual,
    file_name,
    folder_name,
    parse_file_name,
    quoted,
    residual_for,
    schema_tag,
)
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import CacheWarning, NotCachedError
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import decode_json, json_text
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import ATTRS, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import pandas as pd

    from sectorsdf.cache.backends import Backend, ProcessLock
    from sectorsdf.datasets.schema import Dataset

__all__ = ["FrameCache", "Hit", "scan"]


_METADATA = b"sectorsdf"
_RECORD = "record_json"
_TRIES = 4
# The clocks of two machines may differ by this much. A file from further in the future has an
# unknown age.
_CLOCK_SKEW = timedelta(minutes=5)
# Up to this number of records, each folder is listed on its own; beyond it, all are listed at once.
_FEW = 32


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


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
    """

    backend: Backend
    host: str
    max_age: timedelta
    refresh: bool = False
    offline: bool = False

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
        for file, residual in self._candidates(key):
            table = self._read(file, key.dataset)
            if table is not None and (frame := _answer(table, key, residual)) is not None:
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
        self._write(key.dataset, folder_name(key.parts()), to_arrow(frame), provenance, query)

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
        metadata = {**(table.schema.metadata or {}), _METADATA: json.dumps(description)}
        sink = pa.BufferOutputStream()
        pq.write_table(
            table.replace_schema_metadata(metadata), sink, compression="zstd", compression_level=1
        )
        content = sink.getvalue().to_pybytes()
        fetched = datetime.fromisoformat(provenance["fetched_at"])
        file = file_name(fetched, self._host, schema_tag(dataset, folder), _digest(content))
        try:
            self.backend.write(f"{dataset.name}/{folder}/{file}", content)
            # The last writer leaves the freshest file, which need not be its own. A file that a
            # wrong clock has dated into the future counts as the oldest, or it would stay for ever.
            files = list(self._files_in(dataset, folder))
            files.sort(key=lambda file: (file.age >= -_CLOCK_SKEW, file.fetched, file.digest))
            for old in files[:-1]:
                self.backend.remove(old.name)
        except OSError as error:
            _warn(
                f"The result cannot be cached in {self.backend.name} ({error}). The result itself "
                "is complete."
            )

    def _read(self, file: CachedFile, dataset: Dataset) -> pa.Table | None:
        """Return the rows of a file that is intact and is what its name says, or None."""
        try:
            content = self.backend.read(file.name)
        except FileNotFoundError:
            raise
        except OSError as error:
            _warn(f"The cached file {file.name} cannot be read ({error}). The API is asked.")
            return None
        if _digest(content) != file.digest:
            self._quarantine(file, "its bytes are not those that were written")
            return None
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read()
            description = json.loads((table.schema.metadata or {})[_METADATA])
            fits = (description["dataset"], description["folder"]) == (dataset.name, file.folder)
            fits = fits and description["host"] == self.host
            if _RECORD not in table.column_names:
                declared = table.select([column.name for column in dataset.columns]).schema
                fits = fits and declared.types == dataset.schema.types
                fetched = datetime.fromisoformat(_provenance(table)["fetched_at"])
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
        if len(folders) <= _FEW:
            files = chain.from_iterable(self._files_in(endpoint, folder) for folder in folders)
        else:
            files = chain(self._files(endpoint, folders.__contains__))
        newest: dict[str, CachedFile] = {}
        for file in files:
            known = newest.get(file.folder)
            if self._is_young(file) and (known is None or file.fetched > known.fetched):
                newest[file.folder] = file
        found = {}
        for folder, file in newest.items():
            table = self._read(file, endpoint)
            if table is not None:
                texts = table.column(_RECORD).to_pylist()
                record = decode_json(texts[0]) if texts else None
                source = json.loads(table.schema.metadata[_METADATA])["source"]
                found[folders[folder]] = RecordHit(record, file, source)
        return found

    def put_record(
        self,
        dataset: Dataset,
        key: str,
        record: Mapping[str, Any] | None,
        provenance: Provenance,
    ) -> None:
        """Write a record as its typed columns and its JSON; None writes a file without a row."""
        endpoint = _endpoint(dataset)
        builder = FrameBuilder(endpoint)
        builder.add([] if record is None else [record])
        text = pa.array([] if record is None else [json_text(record)], pa.string())
        table = builder.table().select([column.name for column in endpoint.columns])
        self._write(
            endpoint,
            _record_folder(endpoint, key),
            table.append_column(_RECORD, text),
            provenance,
            {"query": {str(endpoint.addressed_by): key}, "order_by": None, "max_rows": None},
        )

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
    return folder_name([f"{endpoint.addressed_by}={quoted(key)}"])


def _provenance(table: pa.Table) -> Provenance:
    return Provenance(json.loads(table.schema.metadata[b"PANDAS_ATTRS"])[ATTRS])


def _answer(table: pa.Table, key: CacheKey, residual: Residual) -> pd.DataFrame | None:
    """Return the rows of a file that a query asks for, or None if the columns do not show them."""
    provenance = _provenance(table)
    whole = key.max_rows is None or key.max_rows >= len(table)
    if whole and not residual.filters and residual.order is None:
        return from_arrow(table, provenance)
    with_problems = {problem["column"] for problem in provenance["problems"]}
    rows = select(table, key.dataset, residual.filters, residual.order, doubtful=with_problems)
    if rows is None:
        return None
    total = len(rows)
    rows = rows[: key.max_rows]
    position_of = {row: i for i, row in enumerate(rows.to_pylist())} if with_problems else {}
    problems = [
        {**problem, "row": position_of[problem["row"]]}
        for problem in provenance["problems"]
        if problem["row"] in position_of
    ]
    return from_arrow(
        table.take(rows),
        provenance.updated(
            rows=len(rows),
            problems=sorted(problems, key=lambda problem: int(problem["row"])),
            complete=provenance["complete"] and len(rows) == total,
        ),
    )


def scan(backend: Backend) -> Iterator[tuple[CachedFile, dict[str, Any] | None, int]]:
    """Yield each file of the cache, its description (None if it is damaged), and its size."""
    for dataset in backend.folders():
        for folder, name in backend.entries(dataset, lambda _: True):
            file = parse_file_name(dataset, folder, name)
            if file is None:
                continue
            try:
                content = backend.read(file.name)
            except OSError:
                continue
            description = None
            if _digest(content) == file.digest:
                head = pq.ParquetFile(pa.BufferReader(content)).metadata
                description = {**json.loads(head.metadata[_METADATA]), "rows": head.num_rows}
            yield file, description, len(content)
