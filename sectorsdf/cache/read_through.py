"""How one call uses the cache: looks, waits its turn, looks again, and keeps what it has paid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sectorsdf.cache.backends import ProcessLock
    from sectorsdf.cache.keys import CachedFile, CacheKey
    from sectorsdf.cache.store import FrameCache
    from sectorsdf.datasets.schema import Dataset

__all__ = ["ListReadThrough", "RecordReadThrough"]


def _seconds(kept: CachedFile) -> int:
    return round(kept.age.total_seconds())


class _Holder:
    """Holds a lock at most until its block ends."""

    _hold: ProcessLock | None = None

    def __exit__(self, *exc_info: object) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()


class ListReadThrough(_Holder):
    """The cache in the hands of a call for a list; a context manager that lets go of the lock.

    Parameters
    ----------
    shelf : FrameCache or None
        The cache; None neither looks nor keeps.
    question : CacheKey
        What is asked for.
    told : mapping
        What the frame's provenance says of the call itself.
    """

    def __init__(
        self, shelf: FrameCache | None, question: CacheKey, told: Mapping[str, Any]
    ) -> None:
        self._shelf = shelf
        self._question = question
        self._told = told

    def __enter__(self) -> Self:
        return self

    def look(self) -> pd.DataFrame | None:
        """Return the kept frame; None where this call, and no other meanwhile, has to fetch it.

        Raises
        ------
        NotCachedError
            Where nobody may be asked.
        """
        if self._shelf is None:
            return None
        frame = self._find(self._shelf)
        if frame is not None:
            return frame
        if self._shelf.offline:
            raise self._shelf.refuse(self._question.dataset, self._question.text)
        self._hold = self._shelf.hold(self._question)
        self._hold.take()
        # Another call may have fetched it while this one waited.
        return self._find(self._shelf)

    def _find(self, shelf: FrameCache) -> pd.DataFrame | None:
        found = shelf.find(self._question)
        if found is None:
            return None
        facts = found.frame.attrs[ATTRS]
        facts |= self._told
        facts["from_cache"] = {
            "file": found.kept.name,
            "age_seconds": _seconds(found.kept),
            "selected": found.selected,
            "credits": 0,
        }
        return found.frame

    def keep(self, frame: pd.DataFrame) -> None:
        """Keep a frame, and let those go on who wait for it."""
        if self._shelf is not None:
            self._shelf.keep(self._question, frame)
        self._let_go()


class RecordReadThrough(_Holder):
    """The cache in the hands of a call for addressed records.

    Parameters
    ----------
    shelf : FrameCache or None
        The cache; None neither looks nor keeps.
    dataset : Dataset
        What is asked for.
    keys : iterable of str
        The slugs or codes.

    Attributes
    ----------
    found : dict
        The records that are kept; None for those that the API does not know.
    lacking : list of str
        The keys that have to be asked for.
    """

    def __init__(self, shelf: FrameCache | None, dataset: Dataset, keys: Iterable[str]) -> None:
        self._shelf = shelf
        self._dataset = dataset
        self._kept: dict[str, CachedFile] = {}
        self._source = ""
        self.found: dict[str, Mapping[str, Any] | None] = {}
        self.lacking = list(keys)

    def __enter__(self) -> Self:
        if self._shelf is None:
            return self
        self._look(self._shelf)
        if self.lacking and self._shelf.offline:
            what = ", ".join(self.lacking[:8]) + (", ..." if len(self.lacking) > 8 else "")
            raise self._shelf.refuse(self._dataset, f"{self._dataset.addressed_by} {what}")
        if self.lacking:
            self._hold = self._shelf.hold_records(self._dataset)
            self._hold.take()
            self._look(self._shelf)
        return self

    def _look(self, shelf: FrameCache) -> None:
        for key, (record, kept, source) in shelf.records(self._dataset, self.lacking).items():
            self.found[key], self._kept[key], self._source = record, kept, source
        self.lacking = [key for key in self.lacking if key not in self.found]

    def keep(
        self, records: Mapping[str, Mapping[str, Any] | None], facts: Mapping[str, Any]
    ) -> None:
        """Keep what was fetched, None for what the API does not know."""
        if self._shelf is not None:
            for key, record in records.items():
                self._shelf.keep_record(self._dataset, key, record, facts)

    def facts(self, spent: int, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the provenance says of credits, of the cache, and of the oldest record."""
        if not self._kept:
            return {"credits": spent}
        oldest = min(self._kept.values(), key=lambda kept: kept.fetched)
        since = min(oldest.fetched, datetime.fromisoformat(facts["fetched_at"]))
        return {
            "source": facts["source"] if spent else self._source,
            "credits": spent + len(self._kept),
            "fetched_at": since.astimezone(UTC).isoformat(timespec="milliseconds"),
            "from_cache": {
                "records": len(self._kept),
                "age_seconds": _seconds(oldest),
                "credits": spent,
            },
        }
