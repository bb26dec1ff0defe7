"""The Parquet cache: write answers as files, and find the file that answers a query.

A list is one file. This module must not import `client` or anything above it.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from sectorsdf.cache.answering import answer_from, provenance_of
from sectorsdf.cache.files import same_name
from sectorsdf.cache.filtering import today
from sectorsdf.cache.keys import (
    CachedFile,
    CacheKey,
    Residual,
    folder_name,
    parse_file_name,
    residual_for,
    schema_tag,
)
from sectorsdf.cache.record_cache import RecordCache, cached_endpoint
from sectorsdf.errors import NotCachedError
from sectorsdf.frames.arrow import to_arrow
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf.cache.locks import ProcessLock
    from sectorsdf.datasets.schema import Dataset

__all__ = ["FrameCache", "Hit"]


_TRIES = 4


class Hit(NamedTuple):
    """A cached answer of a list query."""

    frame: pd.DataFrame
    file: CachedFile
    selected: bool


class FrameCache(RecordCache):
    """The cache as one call uses it: its lists, and its addressed records."""

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
            name = same_name(folder, own)
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

    def refuse(self, dataset: Dataset, query: str) -> NotCachedError:
        """Return the error for an offline call whose answer is not cached."""
        endpoint = cached_endpoint(dataset)
        names = self.backend.entries(endpoint.name, lambda _: True)
        files = [file for name in names if (file := parse_file_name(endpoint.name, *name))]
        own = [file for file in files if file.host == self._host]
        usable = [file for file in own if file.tag == schema_tag(endpoint, file.folder)]
        cached = list(dict.fromkeys(chain.from_iterable(map(self.queries_in, usable))))
        shown = "; ".join(cached[:8])
        shown += f" and {len(cached) - 8} more" if len(cached) > 8 else ""
        message = (
            f"offline=True, and the cache {self.backend.name} does not have {query}. Of "
            f"{dataset.name} from {self.host} it has {shown or 'nothing'}."
        )
        hosts = sorted(unquote(host) for host in {file.host for file in files} - {self._host})
        if hosts:
            message += f" It has some from another host ({', '.join(hosts)}), which do not count."
        if len(usable) < len(own):
            message += " It has some that another version of the package wrote for other columns."
        message += " Leave offline out to ask the API."
        return NotCachedError(message, dataset=dataset.name, available=cached)
