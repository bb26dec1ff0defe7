"""Write a folder of Parquet files, one for each combination of values, as Hive names them.

This module owns the division of a table and the replacement of a whole folder; `hive` owns the
names. It must not import the modules of other formats than Parquet.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.errors import listed
from sectorsdf.frames.arrow import METADATA, provenance_of_table, with_attrs
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import of_part
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.atomic import (
    file_exists_error,
    flush_to_disk,
    follow_links,
    hold,
    keep_permissions,
    remove_tree,
    staging_folder,
    temporary_path,
)
from sectorsdf.io.hive import NULL_PARTITION, PartitionedColumns, escape, is_guessed
from sectorsdf.io.parquet import write_parquet_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["partition_columns", "write_folder"]

_MAX_NAME_BYTES = 255
# pandas takes the dtype of a column from these names, also for the columns that only the names of
# folders give. It cannot convert those, which are dictionaries with nulls, to any dtype of its own.
_PANDAS_TYPES = {
    "string": ("unicode", "large_string[pyarrow]"),
    "bool": ("bool", "bool[pyarrow]"),
    "date32[day]": ("datetime", "timestamp[us][pyarrow]"),
}


def partition_columns(partition_by: str | Sequence[str] | None) -> list[str]:
    """Return the columns to partition by; an empty list means a single file."""
    if partition_by is None:
        return []
    columns = [partition_by] if isinstance(partition_by, str) else list(partition_by)
    if not columns or len(set(columns)) < len(columns):
        message = f"partition_by takes one or more different columns, not {partition_by!r}"
        raise ValueError(message)
    return columns


def write_folder(rows: pa.Table, target: Path, columns: Sequence[str], *, overwrite: bool) -> Path:
    """Write a table as a folder of Parquet files; the folder appears when it is whole.

    A folder that is replaced hands on its permissions, owner and group, also to the files in it. If
    `target` is a link, the folder that it points to is replaced, and the link stays.

    Raises
    ------
    ValueError
        A column does not exist, or a folder's name cannot express its values.
    FileExistsError
        Without `overwrite`, if there is a file or folder at `target`.
    """
    unknown = [name for name in columns if name not in rows.column_names]
    if unknown:
        message = f"partition_by names columns that do not exist: {listed(unknown, show=str)}"
        raise ValueError(message)
    if len(columns) == rows.num_columns:
        message = "partition_by names every column: at least one must remain for the files"
        raise ValueError(message)
    final = follow_links(target)
    with staging_folder(final) as folder:
        staged = folder / "rows"
        staged.mkdir()
        _write_partitions(rows, staged, columns)
        if overwrite and os.path.lexists(final):
            _take_over_permissions(staged, final)
            _exchange(staged, final)
        else:
            _rename(staged, final)
    return target


def _write_partitions(rows: pa.Table, folder: Path, columns: Sequence[str]) -> None:
    """Write one file for each distinct combination of the columns' values."""
    names_and_codes = {name: _encode(name, rows.column(name)) for name in columns}
    # A column without any value stays in the files: pyarrow finds no type in the names of folders
    # that all say that the value is missing. So readers also find the columns if there is no row.
    columns = [name for name in columns if rows.column(name).null_count < len(rows)]
    if not columns:
        _write_file(rows, folder)
        return
    encoded = [names_and_codes[name] for name in columns]
    codes = np.stack([row_codes for _, row_codes in encoded], axis=1)
    groups, group_of_row = np.unique(codes, axis=0, return_inverse=True)
    order = np.argsort(group_of_row.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(group_of_row.ravel(), minlength=len(groups)))
    remaining = _remaining(rows, columns)
    whole = provenance_of_table(rows)
    attrs = json.loads((rows.schema.metadata or {}).get(METADATA, b"{}"))
    start = 0
    for group, end in zip(groups, ends, strict=True):
        names = [folders[code] for (folders, _), code in zip(encoded, group, strict=True)]
        partition = folder.joinpath(*names)
        _make_partition(partition)
        part = remaining.take(pa.array(order[start:end]))
        if whole.entries:
            provenance = of_part(whole, len(part), table_digest(part))
            part = with_attrs(part, {**attrs, ATTRS: provenance.entries})
        _write_file(part, partition)
        start = end


def _remaining(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return the columns that the files hold, with metadata from which readers restore the others.

    The metadata for pandas would otherwise give the partition columns dtypes which pandas cannot
    make of them.
    """
    kinds = {name: _value_type(rows.schema.field(name).type) for name in columns}
    metadata = {
        **(rows.schema.metadata or {}),
        **PartitionedColumns(tuple(rows.column_names), kinds).metadata(),
    }
    if b"pandas" in metadata:
        for_pandas = json.loads(metadata[b"pandas"])
        for entry in for_pandas.get("columns", ()):
            if entry["name"] in kinds:
                kind = str(kinds[entry["name"]])
                usual = (kind, f"{kind}[pyarrow]")
                entry["pandas_type"], entry["numpy_type"] = _PANDAS_TYPES.get(kind, usual)
        metadata[b"pandas"] = json.dumps(for_pandas)
    return rows.drop_columns(list(columns)).replace_schema_metadata(metadata)


def _value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values of a column of categories, or the type itself."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.string() if pa.types.is_large_string(kind) else kind


def _encode(name: str, column: pa.ChunkedArray) -> tuple[list[str], Any]:
    """Return a folder's name for each distinct value, and the index of the name for each row."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _encode(name, column.cast(kind.value_type))
    checks = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date32)
    if not (pa.types.is_null(kind) or any(check(kind) for check in checks)):
        message = (
            f"partition_by takes columns of text, whole numbers, flags or days, and column "
            f"{name!r} is {kind}"
        )
        raise ValueError(message)
    texts = pc.dictionary_encode(column.cast(pa.string()), null_encoding="encode").combine_chunks()
    folders = []
    values = texts.dictionary.to_pylist()
    if pa.types.is_string(kind):
        _refuse_codes(name, [text for text in values if text is not None])
    for text in values:
        if text in {"", NULL_PARTITION}:
            message = f"column {name!r} has the value {text!r}, which would be read as missing"
            raise ValueError(message)
        value = NULL_PARTITION if text is None else escape(text)
        folder = f"{escape(name)}={value}"
        if len(os.fsencode(folder)) > _MAX_NAME_BYTES:
            message = (
                f"column {name!r} has the value {text[:40]!r}..., which is too long for the name "
                "of a folder"
            )
            raise ValueError(message)
        folders.append(folder)
    return folders, texts.indices.to_numpy(zero_copy_only=False)


def _refuse_codes(name: str, texts: Sequence[str]) -> None:
    """Refuse texts that readers of the folder take for something else.

    Raises
    ------
    ValueError
        If every text looks like a number, a day or a flag.
    """
    if texts and all(map(is_guessed, texts)):
        message = (
            f"column {name!r} is text, and all of its values look like numbers, days or flags, "
            f"such as {texts[0][:40]!r}. DuckDB, Polars, Spark and pandas take the names of "
            "folders for such values, and leading zeros are lost. Partition by another column, or "
            f'convert this one first, such as frame.astype({{{name!r}: "Int64"}})'
        )
        raise ValueError(message)


def _make_partition(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        message = (
            f"this file system ignores case, so two partitions would be one folder: {folder.name}"
        )
        raise ValueError(message) from None


def _write_file(rows: pa.Table, folder: Path) -> None:
    file = folder / "part-0.parquet"
    write_parquet_table(rows, file)
    flush_to_disk(file)


def _take_over_permissions(staged: Path, old: Path) -> None:
    """Give a new folder the old one's permissions, and its content those that all had there."""
    folder_mode = file_mode = 0o7777
    for path in old.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            folder_mode &= mode
        else:
            file_mode &= mode
    for path in staged.rglob("*"):
        usual = stat.S_IMODE(path.stat().st_mode)
        allowed = folder_mode if path.is_dir() else file_mode
        keep_permissions(path, old, mode=usual if allowed == 0o7777 else allowed)
    keep_permissions(staged, old)


def _exchange(staged: Path, target: Path) -> None:
    """Replace a folder with a new one, or restore the old one if that fails."""
    with hold(target):
        old = temporary_path(target, "old")
        target.rename(old)
        try:
            _rename(staged, target)
        except BaseException:
            with suppress(OSError):
                old.rename(target)
            raise
        remove_tree(old)


def _rename(staged: Path, target: Path) -> None:
    """Give a folder its final name, or raise FileExistsError if another process was faster."""
    if os.path.lexists(target):
        raise file_exists_error(target)
    try:
        staged.rename(target)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise file_exists_error(target) from None
        raise
