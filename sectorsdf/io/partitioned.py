"""Write a folder of Parquet files, one for each combination of values, as Hive names them.

This module owns the names of partitions and the replacement of a whole folder. It must not import
the modules of other formats than Parquet.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from sectorsdf.io.parquet import write_parquet_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["partition_columns", "write_folder"]

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# The characters that Hive writes as a percent sign and two hexadecimal digits.
_ESCAPED = frozenset("\"#%'*/:=?\\{[]^\x7f" + "".join(map(chr, range(32))))
_MAX_NAME_BYTES = 255


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
        message = f"partition_by names columns that do not exist: {', '.join(map(str, unknown))}"
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
    encoded = [_encode(name, rows.column(name)) for name in columns]
    if not len(rows):
        # Readers of the folder find the columns although there is no row.
        _write_file(rows, folder)
        return
    codes = np.stack([row_codes for _, row_codes in encoded], axis=1)
    groups, group_of_row = np.unique(codes, axis=0, return_inverse=True)
    order = np.argsort(group_of_row.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(group_of_row.ravel(), minlength=len(groups)))
    remaining = rows.drop_columns(list(columns))
    start = 0
    for group, end in zip(groups, ends, strict=True):
        names = [folders[code] for (folders, _), code in zip(encoded, group, strict=True)]
        partition = folder.joinpath(*names)
        _make_partition(partition)
        _write_file(remaining.take(pa.array(order[start:end])), partition)
        start = end


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
    for text in texts.dictionary.to_pylist():
        if text in {"", _NULL_PARTITION}:
            message = f"column {name!r} has the value {text!r}, which would be read as missing"
            raise ValueError(message)
        value = _NULL_PARTITION if text is None else _hive_escape(text)
        folder = f"{_hive_escape(name)}={value}"
        if len(os.fsencode(folder)) > _MAX_NAME_BYTES:
            message = (
                f"column {name!r} has the value {text[:40]!r}..., which is too long for the name "
                "of a folder"
            )
            raise ValueError(message)
        folders.append(folder)
    return folders, texts.indices.to_numpy(zero_copy_only=False)


def _hive_escape(text: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in _ESCAPED else char for char in text)


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
