"""The served records: their documented fields, folders of them, and the tables that hold them."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["DATASETS", "Entry", "Rank", "Record", "Table", "View", "encode", "load_folder"]

Record = dict[str, Any]

Rank = tuple[int, float, str]

DATASETS = ("mining_licenses", "mining_license_auctions", "mining_sites")

_AUCTION_ROW = (
    "commodity_type",
    "city",
    "province",
    "company_name",
    "winner_date",
    "licensed_area_ha",
    "license_number",
    "area_type",
    "kdi",
    "wiup_code",
    "auction_status",
    "participant_count",
    "winner",
    "company_slug",
)

LIST_FIELDS: dict[str, tuple[str, ...]] = {
    "mining_licenses": (
        "wiup_code",
        "license_number",
        "license_type",
        "province",
        "city",
        "license_effective_date",
        "license_expiry_date",
        "activity",
        "licensed_area_ha",
        "location",
        "commodity_type",
        "company_name",
        "cnc",
        "generation",
        "company_slug",
    ),
    "mining_license_auctions": _AUCTION_ROW,
    "mining_sites": (
        "name",
        "project_name",
        "year",
        "commodity_type",
        "production_volume",
        "unit",
        "strip_ratio",
        "province",
        "city",
        "company_slug",
        "company_name",
        "slug",
    ),
}

DETAIL_FIELDS: dict[str, tuple[str, ...]] = {
    "mining_licenses": LIST_FIELDS["mining_licenses"],
    "mining_license_auctions": (
        *_AUCTION_ROW[:-1],
        "created_at",
        "last_modified",
        "phases",
        "participants",
        "company_slug",
    ),
    "mining_sites": (
        "name",
        "project_name",
        "year",
        "commodity_type",
        "production_volume",
        "unit",
        "overburden_removal_volume",
        "strip_ratio",
        "resources_reserves",
        "location",
        "company_slug",
        "company_name",
        "slug",
    ),
}

_VIEWS_KEPT = 512


def encode(value: object) -> bytes:
    """Return a value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _ordered(record: Record, order: tuple[str, ...], hidden: Iterable[str] = ()) -> Record:
    # Fields that no documentation knows are kept, at the end: a live API grows such fields,
    # and a client must be tried against them.
    known = {name: record[name] for name in order if name in record}
    skip = {*known, *hidden}
    return known | {name: value for name, value in record.items() if name not in skip}


class Entry:
    """One record with its list row, each encoded at most once.

    Attributes
    ----------
    record : dict
        As the detail answer has it.
    row : dict
        As the list has it.
    """

    __slots__ = ("_detail_json", "_row_json", "record", "row")

    def __init__(self, dataset: str, record: Record) -> None:
        self.record = _ordered(record, DETAIL_FIELDS[dataset])
        hidden = set(DETAIL_FIELDS[dataset]) - set(LIST_FIELDS[dataset])
        source = self.record
        if dataset == "mining_sites" and "location" in record:
            place = record["location"] if isinstance(record["location"], dict) else {}
            lifted = {"province": place.get("province"), "city": place.get("city")}
            source = record | lifted
        self.row = _ordered(source, LIST_FIELDS[dataset], hidden)
        self._row_json: bytes | None = None
        self._detail_json: bytes | None = None

    @property
    def row_json(self) -> bytes:
        """The list row in JSON."""
        if self._row_json is None:
            self._row_json = encode(self.row)
        return self._row_json

    @property
    def detail_json(self) -> bytes:
        """The whole record in JSON."""
        if self._detail_json is None:
            self._detail_json = encode(self.record)
        return self._detail_json


class View:
    """The entries that one query matches, in its order.

    Attributes
    ----------
    entries : list of Entry
        The matches in order.
    ranks : list
        The sort key of each entry; equal ones tie.
    """

    __slots__ = ("entries", "ranks")

    def __init__(self, entries: list[Entry], ranks: list[Rank]) -> None:
        self.entries = entries
        self.ranks = ranks


class Table:
    """The entries of one dataset with what is worked out from them.

    Not safe by itself for use by several threads: whoever owns the table holds a lock.
    """

    def __init__(self, dataset: str, records: Iterable[Record]) -> None:
        self.dataset = dataset
        self.entries = [Entry(dataset, record) for record in records]
        self._views: OrderedDict[object, View] = OrderedDict()
        self._values: dict[str, frozenset[str]] = {}
        self._index: dict[str, dict[object, list[Entry]]] = {}

    def replace(self, entries: list[Entry]) -> None:
        """Serve other entries from now on."""
        self.entries = entries
        self._views.clear()
        self._values.clear()
        self._index.clear()

    def view(self, key: object, build: Callable[[], View]) -> View:
        """Return the kept view of a query, or build it."""
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = build()
            if len(self._views) > _VIEWS_KEPT:
                self._views.popitem(last=False)
        return found

    def values(self, name: str) -> frozenset[str]:
        """Return the texts that a field of the rows holds at present."""
        if name not in self._values:
            present = (entry.row.get(name) for entry in self.entries)
            self._values[name] = frozenset(value for value in present if isinstance(value, str))
        return self._values[name]

    def find(self, name: str, value: str) -> list[Entry]:
        """Return the entries whose field has a value, in the order of the records."""
        if name not in self._index:
            index: dict[object, list[Entry]] = {}
            for entry in self.entries:
                held = entry.record.get(name)
                if isinstance(held, str):
                    index.setdefault(held, []).append(entry)
            self._index[name] = index
        return self._index[name].get(value, [])


def load_folder(folder: str | Path) -> dict[str, list[Record]]:
    """Read records from a folder with one file of JSON lines for each dataset.

    Parameters
    ----------
    folder : str or Path
        Where `mining_licenses.jsonl`, `mining_license_auctions.jsonl` and
        `mining_sites.jsonl` lie; a missing one leaves its dataset empty.

    Raises
    ------
    FileNotFoundError
        If none of them is there.
    ValueError
        If a line is not a JSON object.
    """
    paths = {dataset: Path(folder) / f"{dataset}.jsonl" for dataset in DATASETS}
    if not any(path.is_file() for path in paths.values()):
        names = ", ".join(path.name for path in paths.values())
        msg = f"{folder} holds none of {names}"
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
