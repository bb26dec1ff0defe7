"""Records in memory, and the JSON that is sent of them.

Owns `Entry`, `View` and `Table`, and the reading of a folder of JSON lines. Knows no endpoint:
which fields an answer has comes from the caller as a `Shape`.
"""

from __future__ import annotations

import codecs
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from sectorsdf.config.deep_json import dumps, loads
from sectorsdf.config.settings import local_path

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from pathlib import Path

__all__ = [
    "Entry",
    "Rank",
    "Record",
    "Shape",
    "Table",
    "View",
    "encode",
    "key_part",
    "load_folder",
    "texts_of",
]

Record = dict[str, Any]

Rank = tuple[int, float, str]

_MAX_VIEWS = 512
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
    return dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def texts_of(value: object) -> list[str]:
    """Return the texts of a field, which is a text, a list or something else."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def key_part(record: Record, name: str) -> object:
    """Return a part of the key of an addressed record; a key that is a text is its only part."""
    key = record.get("key")
    return key.get(name) if isinstance(key, dict) else key


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

    The records are read when they are first needed, so that a generated dataset costs nothing
    until then. Not safe for use by several threads: the caller holds a lock.

    Parameters
    ----------
    shape : Shape
        The documented fields.
    records : iterable of dict
        The records.

    Attributes
    ----------
    version : int
        Number of changes since the start.
    """

    def __init__(self, shape: Shape, records: Iterable[Record]) -> None:
        self.shape = shape
        self.version = 0
        self._records = records
        self._entries: list[Entry] | None = None
        self._views: OrderedDict[object, View] = OrderedDict()
        self._values: dict[str, frozenset[str]] = {}
        self._index: dict[tuple[str, bool, bool], dict[str, list[Entry]]] = {}

    @property
    def entries(self) -> list[Entry]:
        """The entries at present, in the order of the records."""
        if self._entries is None:
            self._entries = [Entry(self.shape, record) for record in self._records]
            self._records = ()
        return self._entries

    def add(self, records: Iterable[Record]) -> None:
        """Append records."""
        self._replace([*self.entries, *(Entry(self.shape, record) for record in records)])

    def remove(self, positions: Container[int]) -> list[Record]:
        """Remove the entries at some positions; return their records."""
        removed = [entry.record for i, entry in enumerate(self.entries) if i in positions]
        self._replace([entry for i, entry in enumerate(self.entries) if i not in positions])
        return removed

    def _replace(self, entries: list[Entry]) -> None:
        self._entries = entries
        self.version += 1
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
            self._values[name] = frozenset(
                value for entry in self.entries for value in texts_of(entry.row.get(name))
            )
        return self._values[name]

    def find(self, name: str, value: str) -> list[Entry]:
        """Return the entries whose field has a value, in the order of the records."""
        return self._indexed(name, lambda record: record.get(name)).get(value, [])

    def addressed(self, part: str, value: str, *, ignore_case: bool = False) -> list[Entry]:
        """Return the entries of addressed records by a part of their key."""
        index = self._indexed(
            part, lambda record: key_part(record, part), ignore_case=ignore_case, addressed=True
        )
        return index.get(value.casefold() if ignore_case else value, [])

    def _indexed(
        self,
        name: str,
        value_of: Callable[[Record], object],
        *,
        ignore_case: bool = False,
        addressed: bool = False,
    ) -> dict[str, list[Entry]]:
        which = (name, ignore_case, addressed)
        if which not in self._index:
            index: dict[str, list[Entry]] = {}
            for entry in self.entries:
                value = value_of(entry.record)
                if isinstance(value, str):
                    text = value.casefold() if ignore_case else value
                    index.setdefault(text, []).append(entry)
            self._index[which] = index
        return self._index[which]


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
    ConfigurationError
        If it is a URL of another place.
    FileNotFoundError
        If the folder has no file of any dataset.
    ValueError
        If a line is not a JSON object in UTF-8.
    """
    place = local_path(folder, "data")
    paths = {dataset: place / f"{dataset}.jsonl" for dataset in datasets}
    if not any(path.is_file() for path in paths.values()):
        names = ", ".join(path.name for path in paths.values())
        msg = f"{folder} contains none of {names}"
        raise FileNotFoundError(msg)
    return {dataset: _load_lines(path) if path.is_file() else [] for dataset, path in paths.items()}


def _load_lines(path: Path) -> list[Record]:
    records: list[Record] = []
    content = path.read_bytes()
    if content.startswith(_UTF_16):
        msg = f"{path.name}: in UTF-16; save it in UTF-8"
        raise ValueError(msg)
    # Split as bytes, so that an error of one line can name it.
    for number, raw in enumerate(content.splitlines(), 1):
        try:
            # Programs of Windows begin a file with a byte order mark.
            line = raw.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            msg = f"{path.name}, line {number}: not UTF-8 ({error.reason})"
            raise ValueError(msg) from error
        if not line:
            continue
        try:
            record = loads(line)
        except ValueError as error:
            msg = f"{path.name}, line {number}: not JSON ({error})"
            raise ValueError(msg) from error
        if not isinstance(record, dict):
            msg = f"{path.name}, line {number}: not a JSON object"
            raise ValueError(msg)
        records.append(record)
    return records
