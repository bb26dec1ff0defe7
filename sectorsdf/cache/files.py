"""The files of the cache: find, read, write and set aside a file of one dataset.

A file is in a folder named after the query; its name says when it was fetched, from which host,
for which schema, and the digest of its bytes, so that a file that was cut short or changed by one
bit is never read. This module must not import `client` or anything above it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.cache.answering import METADATA, provenance_of
from sectorsdf.cache.keys import (
    LAYOUT,
    CachedFile,
    content_digest,
    file_name,
    parse_file_name,
    schema_tag,
)
from sectorsdf.cache.locks import silently
from sectorsdf.errors import CacheWarning
from sectorsdf.frames.problems import warn
from sectorsdf.io.parquet import check_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sectorsdf.cache.backends import Backend
    from sectorsdf.cache.locks import Waiting
    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.frames.provenance import Provenance

__all__ = ["CLOCK_SKEW", "RECORD", "CacheFiles", "same_name"]


RECORD = "record_json"
"""The column of a file of records that has each of them as its JSON."""

CLOCK_SKEW = timedelta(minutes=5)
"""How much the clocks of two machines may differ; the age of a file from later is unknown."""


def _freshness(file: CachedFile) -> tuple[bool, datetime, str]:
    # A file that a wrong clock has dated into the future counts as the oldest, or it would stay
    # for ever.
    return file.age >= -CLOCK_SKEW, file.fetched, file.digest


@dataclass(frozen=True)
class CacheFiles:
    """The files of the cache as one call uses them.

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

    def _is_young(self, file: CachedFile) -> bool:
        return self.offline or -CLOCK_SKEW <= file.age <= self.max_age

    def _files(
        self, dataset: Dataset, accepts: Callable[[str], bool], own: str = ""
    ) -> Iterator[CachedFile]:
        """Yield the files of a dataset that this version of the package wrote for this host."""
        try:
            for folder, file in self.backend.entries(dataset.name, accepts):
                yield from self._own_file(dataset, same_name(folder, own), file)
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
    ) -> str:
        """Write a file, and return its name."""
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
        name = f"{dataset.name}/{folder}/{file}"
        self.backend.write(name, content)
        return name

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
            if RECORD not in table.column_names:
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


def _warn(message: str) -> None:
    warn(message, CacheWarning)


def same_name(folder: str, own: str) -> str:
    """Return a folder's name; some file systems treat two names that differ in case as one."""
    return own if folder.casefold() == own.casefold() else folder
