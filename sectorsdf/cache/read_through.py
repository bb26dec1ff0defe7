"""Read-through use of the cache: look up, wait for the lock, look up again, store.

This module owns the locking of a call. It must not import `client` or anything above it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sectorsdf.cache.keys import CachedFile, CacheKey
    from sectorsdf.cache.locks import ProcessLock
    from sectorsdf.cache.store import FrameCache
    from sectorsdf.datasets.schema import Dataset

__all__ = ["ListReadThrough", "RecordReadThrough"]


class _LockHolder:
    """Holds a lock at most until its block ends."""

    _lock: ProcessLock | None = None

    def __exit__(self, *exc_info: object) -> None:
        self._release()

    def _acquire(self, lock: ProcessLock, cache: FrameCache) -> None:
        self._lock = lock
        lock.acquire(cache.waiting)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


class ListReadThrough(_LockHolder):
    """Read-through cache for one list call; a context manager.

    On a miss it holds the lock of the key until the result is stored, so that concurrent calls wait
    for one fetch instead of each paying for their own.

    Parameters
    ----------
    cache : FrameCache or None
        The cache; None neither reads nor writes.
    key : CacheKey
        The list.
    """

    def __init__(self, cache: FrameCache | None, key: CacheKey) -> None:
        self._cache = cache
        self._key = key

    def __enter__(self) -> Self:
        return self

    def get(self, filters: Mapping[str, Any], max_rows: int | None) -> pd.DataFrame | None:
        """Return the cached frame, or None if this call must fetch it.

        Checks again once it holds the lock. The frame's provenance shows this call's filters.

        Raises
        ------
        NotCachedError
            If the cache does not have it and the call may not ask the API.
        """
        if self._cache is None:
            return None
        frame = self._look_up(self._cache, filters, max_rows)
        if frame is not None:
            return frame
        if self._cache.offline:
            raise self._cache.refuse(self._key.dataset, self._key.text)
        self._acquire(self._cache.lock_for(self._key), self._cache)
        # Another call may have stored it while this one waited for the lock.
        return self._look_up(self._cache, filters, max_rows)

    def _look_up(
        self, cache: FrameCache, filters: Mapping[str, Any], max_rows: int | None
    ) -> pd.DataFrame | None:
        hit = cache.get(self._key)
        if hit is None:
            return None
        return (
            Provenance.of_frame(hit.frame)
            .from_cache_file(
                hit.file.name,
                hit.file.age_seconds,
                selected=hit.selected,
                filters=dict(filters),
                max_rows=max_rows,
            )
            .attach(hit.frame)
        )

    def put(self, frame: pd.DataFrame) -> None:
        """Store a frame, and let other calls continue that wait for it."""
        if self._cache is not None:
            self._cache.put(self._key, frame)
        self._release()


class RecordReadThrough(_LockHolder):
    """Read-through cache for one call for addressed records; a context manager.

    Parameters
    ----------
    cache : FrameCache or None
        The cache; None neither reads nor writes.
    dataset : Dataset
        The endpoint.
    keys : iterable of str
        The slugs or codes.

    Attributes
    ----------
    found : dict
        The cached records by key; None for a key that the API does not know.
    missing : list of str
        The keys that the call must ask for.
    """

    def __init__(self, cache: FrameCache | None, dataset: Dataset, keys: Iterable[str]) -> None:
        self._cache = cache
        self._dataset = dataset
        self._files: dict[str, CachedFile] = {}
        self._source = ""
        self.found: dict[str, Mapping[str, Any] | None] = {}
        self.missing = list(keys)

    def __enter__(self) -> Self:
        if self._cache is None:
            return self
        self._look_up(self._cache)
        if self.missing and self._cache.offline:
            shown = ", ".join(self.missing[:8]) + (", ..." if len(self.missing) > 8 else "")
            raise self._cache.refuse(self._dataset, f"{self._dataset.addressed_by} {shown}")
        if self.missing:
            self._acquire(self._cache.lock_for_records(self._dataset), self._cache)
            self._look_up(self._cache)
        return self

    def _look_up(self, cache: FrameCache) -> None:
        for key, hit in cache.get_records(self._dataset, self.missing).items():
            self.found[key], self._files[key], self._source = hit.record, hit.file, hit.source
        self.missing = [key for key in self.missing if key not in self.found]

    def put(
        self,
        records: Mapping[str, Mapping[str, Any] | None],
        provenance: Provenance,
        fetched_at: Mapping[str, str],
    ) -> None:
        """Store fetched records, each with its time; None for a key that the API does not know."""
        if self._cache is not None:
            self._cache.put_records(self._dataset, records, provenance, fetched_at)

    def describe(self, provenance: Provenance) -> Provenance:
        """Add to the provenance of a fetch which records come from the cache."""
        if not self._files:
            return provenance
        spent = provenance["credits"]
        oldest = min(self._files.values(), key=lambda file: file.fetched)
        since = min(oldest.fetched, datetime.fromisoformat(provenance["fetched_at"]))
        return provenance.updated(
            source=provenance["source"] if spent else self._source,
            credits=spent + len(self._files),
            fetched_at=since.astimezone(UTC).isoformat(timespec="milliseconds"),
            from_cache={
                "records": len(self._files),
                "age_seconds": oldest.age_seconds,
                "credits": spent,
            },
        )
