"""What the sandbox knows of an endpoint: its path, the shape of its answer, its parameters.

Imports nothing of the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from sectorsdf.sandbox.filters import as_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorsdf.sandbox.answers import Answer
    from sectorsdf.sandbox.filters import Rule
    from sectorsdf.sandbox.records import Entry

__all__ = ["Endpoint", "latest", "latest_in_indonesia"]


def latest(entries: list[Entry]) -> Entry | None:
    """Return the entry of the latest year."""
    # max() returns the first of several maxima.
    return max(entries, key=lambda entry: as_number(entry.record.get("year")) or 0, default=None)


def latest_in_indonesia(entries: list[Entry]) -> Entry | None:
    """Return the entry of the latest year unless it is abroad."""
    entry = latest(entries)
    return None if entry is None or entry.row.get("province") is None else entry


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One endpoint of the API.

    Attributes
    ----------
    path : str
        Its path, with the key of an addressed record in braces.
    kind : {"page", "array", "record", "answer"}
        Shape of the answer: a page of a list with its pagination, the rows of a list as a bare
        array, one record, or what `answer` makes of addressed records.
    dataset : str
        The dataset that it reads. Endpoints may share one. Its records come from the sample, or
        from the file ``<dataset>.jsonl`` of a folder.
    key : str
        Field that identifies a record; a record endpoint looks up the key in the path in it.
    fields : tuple of str
        Documented fields of its rows or records, in the order in which the API writes them.
        Addressed records have their key and their answer instead.
    lifted : mapping of str to str
        Fields of a list's rows that the record has inside an object, with the object's name.
    rules : mapping of str to Rule
        Query parameters besides limit, offset and order_by. Others are ignored, as the API does.
    required : tuple of str
        Parameters without which the API refuses a request with 400.
    either : tuple of str
        Parameters of which a request must have one.
    sorts : frozenset of str
        Fields that `order_by` accepts, ascending or, with a minus sign, descending. Without any
        the endpoint has no `order_by`.
    default_sort : str
        The order without `order_by`. By default the order of the records.
    limited : bool
        Whether an array is cut at the parameter `limit`. A page always is.
    answer : callable, optional
        Return what an endpoint of addressed records answers, None if it knows nothing under the
        key.
    select : callable
        Choose a record endpoint's answer among the entries with the key that match the
        parameters: by default the latest year.
    not_found : str
        The error text for a key without a record.
    """

    path: str
    kind: Literal["page", "array", "record", "answer"]
    dataset: str
    key: str = "key"
    fields: tuple[str, ...] = ("key", "answer")
    lifted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rules: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    required: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    sorts: frozenset[str] = frozenset()
    default_sort: str = ""
    limited: bool = False
    answer: Answer | None = None
    select: Callable[[list[Entry]], Entry | None] = latest
    not_found: str = "Not found."
