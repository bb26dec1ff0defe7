"""Read Parquet: a file, a partitioned folder, several files, or files behind a URL, as one table.

This module owns the types and the provenance of a table that comes from several files. It must not
import the modules of other formats.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import listed
from sectorsdf.frames.arrow import METADATA, from_arrow, with_attrs
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import derived, whole_of
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.io.foreign import describe_foreign
from sectorsdf.io.hive import PartitionedColumns, partition_scalar, partition_type
from sectorsdf.io.sources import find_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.io.sources import ParquetPath, Source

__all__ = ["Filters", "read_parquet", "read_table"]

_HEAD_BYTES = 512

Filters: TypeAlias = "ds.Expression | list[tuple[Any, ...]] | list[list[tuple[Any, ...]]]"


@dataclass
class _File:
    """What is known of a file before its rows are read."""

    source: Source
    schema: pa.Schema
    rows: int

    @cached_property
    def attrs(self) -> Mapping[Any, Any]:
        """The attrs of the frame that was written."""
        attrs: dict[Any, Any] = json.loads((self.schema.metadata or {}).get(METADATA, b"{}"))
        return attrs

    @property
    def provenance(self) -> Provenance:
        """The provenance in the attrs; an empty one if there is none."""
        entries = self.attrs.get(ATTRS)
        return Provenance(entries if isinstance(entries, dict) else {})


def read_parquet(
    path: ParquetPath,
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
) -> pd.DataFrame:
    """Read Parquet that this package wrote, as the frame that was written.

    Pure: it costs no credits. A file of another program is read as well.

    Parameters
    ----------
    path : str, path-like or sequence of them
        A file; a folder, such as `export` writes with ``partition_by=``; a pattern, such as
        ``"registers/*.parquet"``; or a URL of fsspec, such as ``s3://bucket/folder``, with the
        extra ``remote``. Of a list, the rows follow in its order.

        The folders below the named one, or below the fixed part of a pattern, give further columns
        if they are named as Hive names them: ``year=2024``. Files and folders whose names begin
        with a dot or an underscore are passed over.
    columns : sequence of str, optional
        The columns to read, in this order; the others are not read from the disk. Default: all.
    filters : list of tuple, list of list of tuple, or pyarrow.compute.Expression, optional
        The rows to read, as pandas takes it: ``[("province", "==", "Aceh"), ("year", ">", 2020)]``
        are conditions that must all hold; a list of such lists are alternatives. A day may be a
        text, such as ``"2026-01-31"``. Partitions and row groups that the filters exclude are not
        read.

    Returns
    -------
    pandas.DataFrame
        One row for each row of the files, with the same values, dtypes, order of columns and attrs
        as the frame that was written. In a folder, the rows of a partition follow each other, and a
        partition column has the dtype that it had. (`pandas.read_parquet` reads the files as well,
        but returns days as Python objects.)

        The provenance in ``attrs`` is that of the fetch if the files have all of its rows. If some
        were left out, or the files come from several fetches, ``complete`` is None, and
        ``derived_from`` says what was fetched.

    Raises
    ------
    FileNotFoundError
        There is no such file or folder, or no Parquet file in it.
    ValueError
        A file is no Parquet file, or the files have a column with different types, or a column of
        `columns` or `filters` does not exist; the message names it.
    ConfigurationError
        `path` is neither a path nor a URL that can be read.
    MissingExtraError
        The extra ``remote`` is not installed. It is a ConfigurationError and an ImportError.
    OSError
        A file cannot be read.

    See Also
    --------
    verify : Whether the rows are those that were fetched.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licences = sectorsdf.get_mining_licenses(commodity_type="Gold", client=client)
    >>> folder = sectorsdf.export(licences, "gold", partition_by="activity")
    >>> len(sectorsdf.read_parquet(folder)) == len(licences)
    True
    >>> read = sectorsdf.read_parquet(
    ...     folder, columns=["wiup_code"], filters=[("activity", "==", "Eksplorasi")]
    ... )
    >>> read.attrs["sectorsdf"]["derived_from"]["dataset"]
    'mining_licenses'
    """
    return from_arrow(read_table(path, columns=columns, filters=filters))


def read_table(
    path: ParquetPath,
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
) -> pa.Table:
    """Return what `read_parquet` reads as an Arrow table, with its attrs as metadata."""
    if isinstance(columns, str):
        message = f"columns takes a list of names, not the text {columns!r}"
        raise ValueError(message)
    files = [_opened(source) for source in find_files(path)]
    if len(files) == 1 and not files[0].source.keys and columns is None and filters is None:
        with files[0].source.filesystem.open_input_file(files[0].source.path) as file:
            return pq.ParquetFile(file).read()
    provenances = [file.provenance for file in files]
    names = {each.get("dataset") for each in provenances}
    dataset = DATASETS.get(str(names.pop())) if len(names) == 1 else None
    partitions = _partition_types(files, dataset)
    schema = _common_schema(files, partitions)
    if columns is not None:
        _check_names(columns, schema, "columns")
    expression = _expression(filters, schema)
    table = _read(files, partitions, schema, columns, expression)
    rows = sum(file.rows for file in files)
    provenance = whole_of(provenances, rows)
    if provenance is None or len(table) < rows or len(table.column_names) < len(schema):
        provenance = derived(provenances, len(table), table_digest(table))
    attrs = _common_attrs(files)
    if provenance.entries:
        attrs[ATTRS] = provenance.entries
    return with_attrs(table.replace_schema_metadata(None), attrs) if attrs else table


def _opened(source: Source) -> _File:
    """Return what the end of a file says of it.

    Raises
    ------
    ValueError
        If it is no Parquet file.
    """
    with source.filesystem.open_input_file(source.path) as file:
        try:
            parquet = pq.ParquetFile(file)
            return _File(source, parquet.schema_arrow, parquet.metadata.num_rows)
        except pa.ArrowInvalid as error:
            file.seek(0)
            what = describe_foreign(file.read(_HEAD_BYTES))
            message = f"{source.name} cannot be read as Parquet: it is {what} ({error})"
            raise ValueError(message) from error


def _common_attrs(files: Sequence[_File]) -> dict[Any, Any]:
    """Return the attrs that all files share, without their provenance."""
    first, *others = (file.attrs for file in files)
    return {
        name: value
        for name, value in first.items()
        if name != ATTRS and all(name in other and other[name] == value for other in others)
    }


def _partition_types(files: Sequence[_File], dataset: Dataset | None) -> dict[str, pa.DataType]:
    """Return the columns that only the names of folders give, with their types."""
    inside = {name for file in files for name in file.schema.names}
    names = dict.fromkeys(name for file in files for name in file.source.keys)
    known = _remembered(files)
    types = {}
    for name in names:
        if name not in inside:
            found = {file.source.keys.get(name) for file in files}
            texts = sorted(text for text in found if text is not None)
            types[name] = partition_type(name, texts, known, dataset)
    return types


def _remembered(files: Sequence[_File]) -> PartitionedColumns | None:
    return PartitionedColumns.of_metadata(files[0].schema.metadata or {})


def _common_schema(files: Sequence[_File], partitions: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the columns of all files and folders, in the order of the table that was written.

    Raises
    ------
    ValueError
        If two files have a column with types that have no type in common.
    """
    plain = {file.schema.remove_metadata(): file for file in reversed(files)}
    schemas = [_with_plain_text(schema) for schema in reversed(plain)]
    common = schemas[0]
    for schema in schemas[1:]:
        try:
            common = pa.unify_schemas([common, schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            file = next(each for each in files if _with_plain_text(each.schema).equals(schema))
            message = (
                f"{file.source.name} does not fit the files before it: {error}. Read them one by "
                "one, or name the columns to read"
            )
            raise ValueError(message) from error
    fields = {field.name: field for field in common}
    fields |= {name: pa.field(name, kind) for name, kind in partitions.items()}
    known = _remembered(files)
    first = [name for name in (known.columns if known else ()) if name in fields]
    return pa.schema([fields[name] for name in dict.fromkeys([*first, *fields])])


def _with_plain_text(schema: pa.Schema) -> pa.Schema:
    """Return a schema with one type of text, and without metadata."""
    texts = {"large_string", "string_view"}
    return pa.schema(
        [
            pa.field(field.name, pa.string() if str(field.type) in texts else field.type)
            for field in schema
        ]
    )


def _check_names(names: Sequence[str], schema: pa.Schema, option: str) -> None:
    unknown = [name for name in names if name not in schema.names]
    if unknown:
        message = (
            f"{option} names columns that the files do not have: "
            f"{listed(unknown)}; they have {listed(schema.names, show=str)}"
        )
        raise ValueError(message)


def _expression(filters: Filters | None, schema: pa.Schema) -> ds.Expression | None:
    """Return filters as an expression, with days for texts where a column has days.

    Raises
    ------
    ValueError
        If a filter names no column, or is no condition.
    """
    if filters is None or isinstance(filters, ds.Expression):
        return filters
    alternatives = filters if filters and isinstance(filters[0], list) else [filters]
    typed = []
    for conditions in alternatives:
        for condition in conditions:
            if not isinstance(condition, tuple) or len(condition) != 3:
                message = f"a filter is (column, operator, value), not {condition!r}"
                raise ValueError(message)
        _check_names([str(name) for name, _, _ in conditions], schema, "filters")
        typed.append(
            [
                (name, operator, _filter_value(value, schema.field(name).type))
                for name, operator, value in conditions
            ]
        )
    return pq.filters_to_expression(typed)


def _filter_value(value: object, kind: pa.DataType) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return [_filter_value(each, kind) for each in value]
    if pa.types.is_date32(kind) and isinstance(value, str):
        return date.fromisoformat(value)
    return value


def _read(
    files: Sequence[_File],
    partitions: Mapping[str, pa.DataType],
    schema: pa.Schema,
    columns: Sequence[str] | None,
    expression: ds.Expression | None,
) -> pa.Table:
    """Read the rows of all files, in the order of the files."""
    tables = []
    for _, group in groupby(files, key=lambda file: id(file.source.filesystem)):
        members = list(group)
        dataset = ds.FileSystemDataset.from_paths(
            [file.source.path for file in members],
            schema=schema,
            format=ds.ParquetFileFormat(),
            filesystem=members[0].source.filesystem,
            partitions=[_partition_of(file, partitions) for file in members],
        )
        try:
            tables.append(
                dataset.to_table(
                    columns=None if columns is None else list(columns), filter=expression
                )
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            names = listed((file.source.name for file in members), show=str)
            message = f"{names} cannot be read: {error}"
            raise ValueError(message) from error
    return pa.concat_tables(tables)


def _partition_of(file: _File, partitions: Mapping[str, pa.DataType]) -> ds.Expression:
    """Return what is true of all rows of a file because of the folders that it is in."""
    conditions = []
    for name, kind in partitions.items():
        value = partition_scalar(name, file.source.keys.get(name), kind)
        field = ds.field(name)
        conditions.append(field == value if value.is_valid else field.is_null())
    return reduce(lambda left, right: left & right, conditions, ds.scalar(value=True))
