"""The classes that declare a dataset: columns, filters, path, and the Arrow schema they give.

This module must not import pandas, and it imports pyarrow only when it needs a type: the
command line builds its commands from the declarations without either.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["PAGE_SIZE", "Column", "Dataset", "Filter", "Kind", "arrow_type"]

PAGE_SIZE = 30
"""The API's documented maximum; each answer says how many rows its page really holds."""

# The API's day, and so its year, begins in Jakarta.
_JAKARTA = timezone(timedelta(hours=7))

Kind: TypeAlias = Literal["text", "date", "integer", "number", "flag", "json"]
"""What a column holds; `arrow_type` gives the Arrow type."""


@cache
def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type of a kind of column."""
    import pyarrow as pa  # noqa: PLC0415 - see the module's docstring

    types: dict[Kind, pa.DataType] = {
        "text": pa.string(),
        "date": pa.date32(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "json": pa.string(),
    }
    return types[kind]


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
        The unit of a number; None if it has none or if `unit_in` names the column with it.
    values : tuple of str
        The known values, where the field has a vocabulary.
    field : str or None
        The API's field; None where it has the column's own name.
    unit_in : str or None
        The column that holds the unit of each row's number.
    is_code : bool
        Whether its texts are codes of digits, which a reader that guesses types takes for numbers.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str | None = None
    values: tuple[str, ...] = ()
    field: str | None = None
    unit_in: str | None = None
    is_code: bool = False

    @property
    def source(self) -> str:
        """The field of the API's answer that fills this column."""
        return self.field or self.name

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in Arrow and Parquet."""
        return arrow_type(self.kind)


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
    meaning : str
        What the filter selects, in one sentence without its last point. The getter's docstring, the
        command line's help and the data dictionary use it.
    ignores_case : bool
        Whether the API ignores case.
    minimum, maximum : float or None
        Bounds of a number, as the provider's OpenAPI file gives them.
    is_year : bool
        Whether it takes years. The file's maximum is then the year in which it was written.
    column : str or None
        The column that it looks at; None where it has the filter's own name.
    match : {"same", "least", "soon"} or None
        What the column's value must be: the same, at least that, or a day within the next 365 days;
        None if no column shows it.
    vocabulary : str or None
        Name in `sectorsdf.vocabularies` of a long list of values, to which help texts refer.
    never : tuple of str
        Of a text, words in lower case that callers try and that select no row, such as English ones
        where the API's values are Indonesian.
    seen : tuple of str
        Of such a text, the values that were seen so far.
    """

    name: str
    kind: Literal["choice", "slug", "text", "flag", "integer", "number", "text_or_flag"]
    values: tuple[str, ...] = ()
    meaning: str = ""
    ignores_case: bool = False
    minimum: float | None = None
    maximum: float | None = None
    is_year: bool = False
    column: str | None = None
    match: Literal["same", "least", "soon"] | None = "same"
    vocabulary: str | None = None
    never: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    @property
    def highest(self) -> float | None:
        """The highest number that can be sent: `maximum`, and of years at least the current one."""
        if self.maximum is None or not self.is_year:
            return self.maximum
        return max(self.maximum, datetime.now(_JAKARTA).year)

    @property
    def range_in_words(self) -> str:
        """The bounds as help texts say them, such as "1900 to the current year"; "" without any."""
        if self.minimum is None:
            return ""
        top = "the current year" if self.is_year else f"{self.maximum or 0:g}"
        return f"{self.minimum:g}" if self.maximum is None else f"{self.minimum:g} to {top}"


@dataclass(frozen=True)
class Dataset:
    """One dataset: where it comes from and what its frame looks like.

    Attributes
    ----------
    name : str
        The dataset's name in provenance, cache and documentation. Its getter is ``get_`` and this.
    row : str
        What one row is.
    path : str
        The endpoint. A detail endpoint has a ``{}`` where the quoted key goes.
    key : tuple of str
        The natural key. It may repeat in the data with different content.
    columns : tuple of Column
        Names, order and types.
    command : str
        The command that fetches it on the command line.
    summary : str
        The command's short help: one line that ends with a point.
    part : str or None
        For rows made from the same answer as another dataset's, the flag of that dataset's command
        that gives these rows, such as "phases".
    nested : mapping of str to str
        Fields that are flattened, and by which function of `sectorsdf.frames.flatten`.
    filters : tuple of Filter
        What the list endpoint can select by.
    default_order : str or None
        The API's own sort if the caller gives none. It is not sent to an endpoint without a filter
        `order_by`.
    finest_order : str or None
        The sort with the fewest ties, if it is finer than the others by far.
    facets : tuple of str
        Filters that take a large group of tying rows apart.
    addressed_by : str or None
        For a detail endpoint, the field that its path contains.
    title : str
        What an addressed row is called in messages.
    answer : {"pages", "object", "array"}
        What one request brings: a page of a list, one JSON object, or one JSON array with all rows.
    rows_in : str or None
        The field of an addressed record whose items are the rows; None where the record is the row.
    unpack : str or None
        The function of `sectorsdf.frames.unpack` that makes rows of an answer whose rows are not
        plain records; None where they are.
    keyword : str or None
        The getter's keyword for the keys, such as "slugs"; None where it is `addressed_by`.
    priced_by : str
        What one credit buys, in words, such as "slug and year"; "" for a page or a key.
    limit : int or None
        The number of rows at which the API cuts an array. An array of so many rows is not complete.
    listed_by : str or None
        For an addressed dataset, the list that names every key, for calls that name none.
    details : str or None
        For a list, the addressed dataset that ``details=True`` adds.
    contacts : tuple of Column
        People's e-mail addresses and the like: columns only where the caller asks for them.
    """

    name: str
    row: str
    path: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    command: str = ""
    summary: str = ""
    part: str | None = None
    nested: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    default_order: str | None = None
    finest_order: str | None = None
    facets: tuple[str, ...] = ()
    addressed_by: str | None = None
    title: str = ""
    answer: Literal["pages", "object", "array"] = "pages"
    rows_in: str | None = None
    unpack: str | None = None
    keyword: str | None = None
    priced_by: str = ""
    limit: int | None = None
    listed_by: str | None = None
    details: str | None = None
    contacts: tuple[Column, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the declared columns."""
        import pyarrow as pa  # noqa: PLC0415 - see the module's docstring

        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an answer's records that the columns are made from."""
        return tuple(dict.fromkeys(column.source for column in self.columns))

    @property
    def is_list(self) -> bool:
        """Whether it is a list that the API gives page by page."""
        return self.answer == "pages"

    @property
    def is_plain_record(self) -> bool:
        """Whether a key of one part addresses one JSON object."""
        return self.answer == "object" and self.unpack is None and self.addressed_by is not None

    def filter(self, name: str) -> Filter | None:
        """Return the filter of that name, if there is one."""
        return next((entry for entry in self.filters if entry.name == name), None)

    def with_contacts(self) -> Dataset:
        """Return the declaration with the columns of `contacts`."""
        left = {column.source for column in self.contacts}
        nested = {name: how for name, how in self.nested.items() if name not in left}
        return replace(self, columns=(*self.columns, *self.contacts), nested=nested)
