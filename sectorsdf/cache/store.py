"""The Parquet cache: which file holds what, which can be trusted, and which answers a question.

A list's frame is one file; an addressed record is one, too. A file lies in a folder that tells the
query, under a name that tells when it was fetched, from where, for which schema, and the digest of
its bytes: what was cut short, or changed by one bit, is never read.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import pandas as pd

    from sectorsdf.cache.backends import Backend, ProcessLock
    from sectorsdf.datasets.schema import Dataset

__all__ = ["FrameCache", "Hit", "scan"]


_FACTS = b"sectorsdf"
_RECORD = "record_json"
_TRIES = 4
# Two machines' clocks may differ by so much; a file from further ahead has no known age.
_CLOCKS = timedelta(minutes=5)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class Hit(NamedTuple):
    """What the cache answers."""

    frame: pd.DataFrame
    kept: CachedFile
    selected: bool


@dataclass(frozen=True)
class FrameCache:
    """The cache as one call uses it.

    Parameters
    ----------
    place : Backend
        Where the files lie.
    host : str
        The API's address: what one host has said answers nothing asked of another.
    max_age : timedelta
        How old a file may be.
    refresh : bool
        Ask the API in any case, and keep the answer.
    offline : bool
        Never ask the API; a file of any age will do.
    """

    place: Backend
    host: str
    max_age: timedelta
    refresh: bool = False
    offline: bool = False

    @property
    def _host(self) -> str:
        parts = urlsplit(self.host)
        return quote(f"{parts.netloc}{parts.path}".lower(), safe="")

    # -- lists ---------------------------------------------------------------------------------

    def hold(self, question: CacheKey) -> ProcessLock:
        """Return the lock under which a question is asked of the API, by one at a time."""
        folder = folder_name(question.parts())
        return self.place.hold(f"{question.dataset.name}/{folder}/{self._host}")

    def find(self, question: CacheKey) -> Hit | None:
        """Return what answers a question: the freshest file that does."""
        for _ in range(0 if self.refresh else _TRIES):
            # A file that a newer one has replaced since it was listed: that one is looked for.
            with suppress(FileNotFoundError):
                return self._find(question)
        return None

    def _find(self, question: CacheKey) -> Hit | None:
        for kept, reach in self._candidates(question):
            table = self._table(kept, question.dataset)
            if table is not None and (frame := _answer(table, question, reach)) is not None:
                return Hit(frame, kept, selected=reach != Residual({}, None))
        return None

    def _candidates(self, question: CacheKey) -> list[tuple[CachedFile, Residual]]:
        """Return the files that may answer, the freshest first."""
        own = folder_name(question.parts())
        reaches: dict[str, Residual] = {}

        def wanted(folder: str) -> bool:
            name = _named(folder, own)
            reach = residual_for(name, question, own)
            if reach is not None:
                reaches[name] = reach
            return reach is not None

        found = []
        for kept in self._entries(question.dataset, wanted, own):
            soon = "expiring_soon=true" in kept.folder.split(",")
            # A list of what expires soon holds for the day on which it was asked for.
            old = soon and today(kept.fetched) != today()
            if self._young(kept) and (self.offline or not old):
                found.append((kept, reaches[kept.folder]))
        # Of two of the same moment, the one that needs no selecting.
        found.sort(key=lambda entry: (entry[0].fetched, entry[0].folder == own), reverse=True)
        return found

    def _young(self, kept: CachedFile) -> bool:
        return self.offline or -_CLOCKS <= kept.age <= self.max_age

    def _entries(
        self, dataset: Dataset, wanted: Callable[[str], bool], own: str = ""
    ) -> Iterator[CachedFile]:
        """Yield the files of a dataset that this version wrote for this host."""
        try:
            for folder, file in self.place.entries(dataset.name, wanted):
                name = _named(folder, own)
                kept = parse_file_name(dataset.name, name, file)
                if kept and kept.host == self._host and kept.tag == schema_tag(dataset, name):
                    yield kept
        except OSError as error:
            _warn(f"The cache {self.place.name} cannot be read ({error}).")

    def keep(self, question: CacheKey, frame: pd.DataFrame) -> None:
        """Write a frame; a disk that takes nothing costs a warning, never the frame."""
        facts = frame.attrs[ATTRS]
        if facts["complete"]:
            question = CacheKey(question.dataset, question.filters, question.order)
        told = {
            "query": dict(question.filters),
            "order_by": question.order,
            "max_rows": question.max_rows,
        }
        self._write(question.dataset, folder_name(question.parts()), to_arrow(frame), facts, told)

    def _write(
        self,
        dataset: Dataset,
        folder: str,
        table: pa.Table,
        facts: Mapping[str, Any],
        told: Mapping[str, Any],
    ) -> None:
        fetched = datetime.fromisoformat(facts["fetched_at"])
        told = {
            "folder": folder,
            "source": facts["source"],
            "complete": facts.get("complete", True),
            **told,
        }
        told = {"layout": LAYOUT, "dataset": dataset.name, "host": self.host, **told}
        metadata = {**(table.schema.metadata or {}), _FACTS: json.dumps(told)}
        sink = pa.BufferOutputStream()
        pq.write_table(
            table.replace_schema_metadata(metadata), sink, compression="zstd", compression_level=1
        )
        content = sink.getvalue().to_pybytes()
        tag = schema_tag(dataset, folder)
        file = file_name(fetched, self._host, tag, _digest(content))
        try:
            self.place.write(f"{dataset.name}/{folder}/{file}", content)
            # Whoever writes last leaves the freshest, which need not be its own; what a clock that
            # was wrong has dated into the future would stay for ever.
            here = list(self._entries(dataset, lambda name: name == folder))
            here.sort(key=lambda kept: (kept.age >= -_CLOCKS, kept.fetched, kept.digest))
            for kept in here[:-1]:
                self.place.remove(kept.name)
        except OSError as error:
            _warn(f"The result cannot be kept in {self.place.name} ({error}); it is not affected.")

    def _table(self, kept: CachedFile, dataset: Dataset) -> pa.Table | None:
        """Return a file's rows if it is whole and what its name says; otherwise set it aside."""
        try:
            content = self.place.read(kept.name)
        except FileNotFoundError:
            raise
        except OSError as error:
            _warn(f"The cached file {kept.name} cannot be read ({error}); the API is asked.")
            return None
        if _digest(content) != kept.digest:
            self._aside(kept, "its bytes are not those that were written")
            return None
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read()
            told = json.loads((table.schema.metadata or {})[_FACTS])
            fits = (told["dataset"], told["folder"]) == (dataset.name, kept.folder)
            fits = fits and told["host"] == self.host
            if _RECORD not in table.column_names:
                known = table.select([column.name for column in dataset.columns]).schema
                fits = fits and known.types == dataset.schema.types
                fits = fits and datetime.fromisoformat(_attrs(table)["fetched_at"]) == kept.fetched
        except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
            self._aside(kept, f"it is no file of this cache ({error})")
            return None
        if not fits:
            self._aside(kept, "it is not what its name says")
            return None
        return table

    def _aside(self, kept: CachedFile, why: str) -> None:
        try:
            where = f"was set aside as {self.place.set_aside(kept.name)}"
        except OSError as error:
            where = f"stays where it is ({error})"
        _warn(f"The cached file {kept.name} is not used: {why}. It {where}.")

    # -- addressed records ---------------------------------------------------------------------

    def hold_records(self, dataset: Dataset) -> ProcessLock:
        """Return the lock under which records of an endpoint are asked for."""
        return self.place.hold(f"{_endpoint(dataset).name}/{self._host}")

    def records(
        self, dataset: Dataset, keys: Collection[str]
    ) -> dict[str, tuple[Mapping[str, Any] | None, CachedFile, str]]:
        """Return the records that are here, None for those that the API does not know.

        With each its file, and where it came from.
        """
        if self.refresh:
            return {}
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                return self._records(_endpoint(dataset), keys)
        return {}

    def _records(
        self, home: Dataset, keys: Iterable[str]
    ) -> dict[str, tuple[Mapping[str, Any] | None, CachedFile, str]]:
        folders = {folder_name([f"{home.addressed_by}={quoted(key)}"]): key for key in keys}
        newest: dict[str, CachedFile] = {}
        for kept in self._entries(home, folders.__contains__):
            if self._young(kept) and (
                kept.folder not in newest or kept.fetched > newest[kept.folder].fetched
            ):
                newest[kept.folder] = kept
        found: dict[str, tuple[Mapping[str, Any] | None, CachedFile, str]] = {}
        for folder, kept in newest.items():
            table = self._table(kept, home)
            if table is not None:
                texts = table.column(_RECORD).to_pylist()
                record = decode_json(texts[0]) if texts else None
                source = json.loads(table.schema.metadata[_FACTS])["source"]
                found[folders[folder]] = (record, kept, source)
        return found

    def keep_record(
        self,
        dataset: Dataset,
        key: str,
        record: Mapping[str, Any] | None,
        facts: Mapping[str, Any],
    ) -> None:
        """Write a record: its typed columns, and its JSON; without a row where there is none."""
        home = _endpoint(dataset)
        builder = FrameBuilder(home)
        builder.add([] if record is None else [record])
        text = pa.array([] if record is None else [json_text(record)], pa.string())
        table = builder.table().select([column.name for column in home.columns])
        folder = folder_name([f"{home.addressed_by}={quoted(key)}"])
        self._write(
            home,
            folder,
            table.append_column(_RECORD, text),
            {"fetched_at": facts["fetched_at"], "source": facts["source"]},
            {"query": {str(home.addressed_by): key}, "order_by": None, "max_rows": None},
        )

    def refuse(self, dataset: Dataset, what: str) -> NotCachedError:
        """Return the error that says what is here instead of what was asked for."""
        names = self.place.entries(_endpoint(dataset).name, lambda _: True)
        here = list(
            dict.fromkeys(folder for folder, file in names if parse_file_name("", folder, file))
        )
        has = "; ".join(here[:8]) + (f" and {len(here) - 8} more" if len(here) > 8 else "")
        message = (
            f"offline=True, and the cache {self.place.name} does not hold {what}. Of "
            f"{dataset.name} it holds {has or 'nothing'}. Leave offline out to ask the API."
        )
        return NotCachedError(message, dataset=dataset.name, available=here)


def _warn(message: str) -> None:
    warn(message, CacheWarning)


def _named(folder: str, own: str) -> str:
    """Return a folder's name; some systems take two that differ in case for one."""
    return own if folder.casefold() == own.casefold() else folder


def _endpoint(dataset: Dataset) -> Dataset:
    """Return the dataset under which an endpoint's records are kept, whoever asks for them."""
    return next(known for known in DATASETS.values() if known.path == dataset.path)


def _attrs(table: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(table.schema.metadata[b"PANDAS_ATTRS"])[ATTRS]
    return found


def _answer(table: pa.Table, question: CacheKey, reach: Residual) -> pd.DataFrame | None:
    """Return the rows of an answer that a question asks for, if the columns tell which."""
    facts = _attrs(table)
    whole = question.max_rows is None or question.max_rows >= len(table)
    if whole and not reach.filters and reach.order is None:
        return from_arrow(table, facts)
    missing = {problem["column"] for problem in facts["problems"]}
    rows = select(table, question.dataset, reach.filters, reach.order, doubtful=missing)
    if rows is None:
        return None
    total = len(rows)
    rows = rows[: question.max_rows]
    place = {row: number for number, row in enumerate(rows.to_pylist())} if missing else {}
    problems = [
        {**problem, "row": place[problem["row"]]}
        for problem in facts["problems"]
        if problem["row"] in place
    ]
    told = {
        **facts,
        "rows": len(rows),
        "problems": sorted(problems, key=lambda problem: int(problem["row"])),
        "complete": facts["complete"] and len(rows) == total,
    }
    return from_arrow(table.take(rows), told)


def scan(place: Backend) -> Iterator[tuple[CachedFile, dict[str, Any] | None, int]]:
    """Yield each file of the cache with what it says of itself, if it is whole, and its bytes."""
    for dataset in place.folders():
        for folder, file in place.entries(dataset, lambda _: True):
            kept = parse_file_name(dataset, folder, file)
            if kept is None:
                continue
            try:
                content = place.read(kept.name)
            except OSError:
                continue
            told = None
            if _digest(content) == kept.digest:
                head = pq.ParquetFile(pa.BufferReader(content)).metadata
                told = {**json.loads(head.metadata[_FACTS]), "rows": head.num_rows}
            yield kept, told, len(content)
