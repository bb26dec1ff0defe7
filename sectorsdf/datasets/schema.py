"""What a declaration of a dataset says: columns, filters, paths, and the Arrow schema they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARROW_TYPES", "PAGE_SIZE", "Column", "Dataset", "Filter", "Kind"]


PAGE_SIZE = 30
"""The API's documented maximum; what a page really holds is read from each answer."""
Kind: TypeAlias = Literal["text", "date", "integer", "number", "flag", "json"]
"""What a column holds: the Arrow type follows from it, see `ARROW_TYPES`."""
ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "json": pa.string(),
}


@dataclass(frozen=True)
class Column:
    """One column of a frame.

    Attributes
    ----------
    name : str
        The column's name in the frame.
    kind : {"text", "date", "integer", "number", "flag", "json"}
        Decides the Arrow and the pandas type.
    meaning : str
        What a value says, in one line.
    unit : str or None
        The unit of a number; None where there is none or where a ``unit`` column holds it.
    values : tuple of str
        The known values, where the field has a vocabulary.
    field : str or None
        The API's field; None where it has the column's own name.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str | None = None
    values: tuple[str, ...] = ()
    field: str | None = None

    @property
    def source(self) -> str:
        """The field of the API's answer that fills this column."""
        return self.field or self.name

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in Arrow and Parquet."""
        return ARROW_TYPES[self.kind]


@dataclass(frozen=True)
class Filter:
    """One filter of a list endpoint.

    Attributes
    ----------
    name : str
        The API's parameter, which is also the getter's keyword.
    kind : {"choice", "slug", "text", "flag", "integer", "number", "text_or_flag"}
        What values it takes.
    values : tuple of str
        For a choice, the allowed values.
    ignores_case : bool
        Whether the API ignores case.
    minimum, maximum : float or None
        Bounds of a number.
    column : str or None
        The column that it looks at; None where it has the filter's own name.
    match : {"same", "least", "soon"} or None
        What the column's value must be: the same, at least that, or a day within the next 365 days;
        None where the columns do not tell.
    """

    name: str
    kind: Literal["choice", "slug", "text", "flag", "integer", "number", "text_or_flag"]
    values: tuple[str, ...] = ()
    ignores_case: bool = False
    minimum: float | None = None
    maximum: float | None = None
    column: str | None = None
    match: Literal["same", "least", "soon"] | None = "same"


@dataclass(frozen=True)
class Dataset:
    """One dataset: where it comes from and what its frame looks like.

    Attributes
    ----------
    name : str
        The dataset's name in provenance, cache and documentation.
    row : str
        What one row is.
    path : str
        The endpoint. A detail endpoint has a ``{}`` where the quoted key goes.
    key : tuple of str
        The natural key. It may repeat in the data with different content.
    columns : tuple of Column
        Names, order and types.
    nested : mapping of str to str
        Fields that are flattened, and by which function of `sectorsdf.frames.flatten`.
    filters : tuple of Filter
        What the list endpoint can select by.
    default_order : str or None
        The API's own sort where none is asked for.
    finest_order : str or None
        The sort with the fewest ties, if it is finer than the others by far.
    facets : tuple of str
        Filters that take a large group of tying rows apart.
    addressed_by : str or None
        For a detail endpoint, the field that stands in its path.
    title : str
        What an addressed row is called in messages.
    """

    name: str
    row: str
    path: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    nested: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    default_order: str | None = None
    finest_order: str | None = None
    facets: tuple[str, ...] = ()
    addressed_by: str | None = None
    title: str = ""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the declared columns."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an answer's records that the columns are made from."""
        return tuple(dict.fromkeys(column.source for column in self.columns))

    def filter(self, name: str) -> Filter | None:
        """Return the filter of that name, if there is one."""
        return next((entry for entry in self.filters if entry.name == name), None)
