"""Records in memory, and the JSON that is sent of them.

Owns `Entry`, `View` and `Table`, and the reading of a folder of JSON lines. Knows no endpoint:
which fields an answer has comes from the caller as a `Shape`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

__all__ = ["Entry", "Rank", "Record", "Shape", "Table", "View", "encode", "load_folder"]

Record = dict[str, Any]

Rank = tuple[int, float, str]

_MAX_VIEWS = 512


class Shape(NamedTuple):
    """The documented fields of a dataset, in the order in which the API writes them.

    Attributes
    ----------
    key : str
        The field that identifies a record.
    record : tuple of str
        Fields of a whole record.
    row : tuple of str
        Fields of a row of the list.
    lifted : mapping of str to str
        Fields of the row that the record has inside an object, with the name of that object.
    """

    key: str
    record: tuple[str, ...]
    row: tuple[str, ...]
    lifted: Mapping[str, str]


def encode(value: object) -> bytes:
    """Return a value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _ordered(record: Record, order: tuple[str, ...], hidden: Iterable[str] = ()) -> Record:
    # Undocumented fields are kept, at the end: the live API gains such fields, and a client must
    # be tested with them.
    known = {name: record[name] for name in order if name in record}
    skip = {*known, *hidden}
    return known | {name: value for name, value in record.items() if name not in skip}


class Entry:
    """One record with its list row, each encoded at most once.

    Attributes
    ----------
    record : dict
        The whole record.
    row : dict
        The record's row in the list.
    """

    __slots__ = ("_record_json", "_row_json", "record", "row")

    def __init__(self, shape: Shape, record: Record) -> None:
        self.record = _ordered(record, shape.record)
        lifted = {
            name: _member(record[holder], name)
            for name, holder in shape.lifted.items()
            if holder in record
        }
        hidden = set(shape.record) - set(shape.row)
        self.row = _ordered(self.record | lifted, shape.row, hidden)
        self._row_json: bytes | None = None
        self._record_json: bytes | None = None

    @property
    def row_json(self) -> bytes:
        """The list row in JSON."""
        if self._row_json is None:
            self._row_json = encode(self.row)
        return self._row_json

    @property
    def record_json(self) -> bytes:
        """The whole record in JSON."""
        if self._record_json is None:
            self._record_json = encode(self.record)
        return self._record_json


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


class View:
    """The entries that one query matches, in its order.

    Attributes
    ----------
    entries : list of Entry
        The matches in order.
    ranks : list
        The sort key of each entry. Entries with equal keys tie.
    """

    __slots__ = ("entries", "ranks")

    def __init__(self, entries: list[Entry], ranks: list[Rank]) -> None:
        self.entries = entries
        self.ranks = ranks


class Table:
    """The entries of one dataset, with what was computed from them.

    Not safe for use by several threads: the caller holds a lock.

    Parameters
    ----------
    shape : Shape
        The documented fields.
    records : iterable of dict
        The records.
    """

    def __init__(self, shape: Shape, records: Iterable[Record]) -> None:
        self.shape = shape
        self.entries = [Entry(shape, record) for record in records]
        self._views: OrderedDict[object, View] = OrderedDict()
        self._values: dict[str, frozenset[str]] = {}
        self._index: dict[str, dict[str, list[Entry]]] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Append records."""
        self._replace([*self.entries, *(Entry(self.shape, record) for record in records)])

    def remove(self, positions: Container[int]) -> list[Record]:
        """Remove the entries at some positions; return their records."""
        removed = [entry.record for i, entry in enumerate(self.entries) if i in positions]
        self._replace([entry for i, entry in enumerate(self.entries) if i not in positions])
        return removed

    def _replace(self, entries: list[Entry]) -> None:
        self.entries = entries
        self._views.clear()
        self._values.clear()
        self._index.clear()

    def view(self, key: object, build: Callable[[], View]) -> View:
        """Return the view of a query, and build it if it is not remembered."""
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = build()
            if len(self._views) > _MAX_VIEWS:
                self._views.popitem(last=False)
        return view

    def values(self, name: str) -> frozenset[str]:
        """Return the texts that a field has in the rows at present."""
        if name not in self._values:
            present = (entry.row.get(name) for entry in self.entries)
            self._values[name] = frozenset(value for value in present if isinstance(value, str))
        return self._values[name]

    def find(self, name: str, value: str) -> list[Entry]:
        """Return the entries whose field has a value, in the order of the records."""
        if name not in self._index:
            index: dict[str, list[Entry]] = {}
            for entry in self.entries:
                text = entry.record.get(name)
                if isinstance(text, str):
                    index.setdefault(text, []).append(entry)
            self._index[name] = index
        return self._index[name].get(value, [])


def load_folder(folder: str | Path, datasets: Iterable[str]) -> dict[str, list[Record]]:
    """Read records from a folder with one file of JSON lines for each dataset.

    Parameters
    ----------
    folder : str or Path
        Folder with a file ``<dataset>.jsonl`` for each dataset. A dataset without a file is
        empty.
    datasets : iterable of str
        Names of the datasets.

    Raises
    ------
    FileNotFoundError
        If the folder has no file of any dataset.
    ValueError
        If a line is not a JSON object.
    """
    paths = {dataset: Path(folder) / f"{dataset}.jsonl" for dataset in datasets}
    if not any(path.is_file() for path in paths.values()):
        names = ", ".join(path.name for path in paths.values())
        msg = f"{folder} contains none of {names}"
        raise FileNotFoundError(msg)
    return {dataset: _load_lines(path) if path.is_file() else [] for dataset, path in paths.items()}


def _load_lines(path: Path) -> list[Record]:
    records: list[Record] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                msg = f"{path.name}, line {number}: not JSON ({error})"
                raise ValueError(msg) from error
            if not isinstance(record, dict):
                msg = f"{path.name}, line {number}: not a JSON object"
                raise ValueError(msg)
            records.append(record)
    return records
