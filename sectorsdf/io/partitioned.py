"""Frames as Hive-partitioned folders of Parquet files."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.io.atomic import already_there, flush
from sectorsdf.io.parquet import write_parquet_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["foreign_file", "partition_columns", "write_folder"]


_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# What Hive writes as percent and two digits in the name of a folder.
_HIVE_QUOTED = frozenset("\"#%'*/:=?\\{[]^\x7f" + "".join(map(chr, range(32))))
_LONGEST_NAME = 255


def partition_columns(partition_by: str | Sequence[str] | None) -> list[str]:
    """Return the columns that part a dataset; none for a single file."""
    if partition_by is None:
        return []
    parts = [partition_by] if isinstance(partition_by, str) else list(partition_by)
    if not parts or len(set(parts)) < len(parts):
        message = f"partition_by takes one or more different columns, not {partition_by!r}"
        raise ValueError(message)
    return parts


def foreign_file(folder: Path) -> Path | None:
    """Return a file that no Parquet dataset has: somebody named a folder of their own."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return next((path for path in files if path.is_symlink() or path.suffix != ".parquet"), None)


def _hive_quoted(text: str) -> str:
    return "".join(f"%{ord(one):02X}" if one in _HIVE_QUOTED else one for one in text)


def _segments(name: str, column: pa.ChunkedArray) -> tuple[list[str], Any]:
    """Return the folder of each distinct value, and for each row the number of its value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _segments(name, column.cast(kind.value_type))
    checks = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date32)
    if not (pa.types.is_null(kind) or any(check(kind) for check in checks)):
        message = f"column {name!r} of type {kind} cannot part a dataset: choose text or numbers"
        raise ValueError(message)
    texts = pc.dictionary_encode(column.cast(pa.string()), null_encoding="encode").combine_chunks()
    segments = []
    for text in texts.dictionary.to_pylist():
        if text in {"", _NULL_PARTITION}:
            message = f"column {name!r} cannot part a dataset: {text!r} would be read as missing"
            raise ValueError(message)
        segment = f"{_hive_quoted(name)}={_NULL_PARTITION if text is None else _hive_quoted(text)}"
        if len(os.fsencode(segment)) > _LONGEST_NAME:
            message = f"column {name!r} cannot part a dataset: {text[:40]!r}... is too long a name"
            raise ValueError(message)
        segments.append(segment)
    return segments, texts.indices.to_numpy(zero_copy_only=False)


def _write_parts(rows: pa.Table, folder: Path, parts: Sequence[str]) -> None:
    """Write one file a distinct combination of the columns' values."""
    keys = [_segments(name, rows.column(name)) for name in parts]
    if not len(rows):
        # So that a reader of the folder finds the columns even where there is no row.
        _write_flushed(rows, folder)
        return
    codes = np.stack([numbers for _, numbers in keys], axis=1)
    groups, of_row = np.unique(codes, axis=0, return_inverse=True)
    order = np.argsort(of_row.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(of_row.ravel(), minlength=len(groups)))
    kept = rows.drop_columns(list(parts))
    start = 0
    for group, end in zip(groups, ends, strict=True):
        named = [segments[code] for (segments, _), code in zip(keys, group, strict=True)]
        _write_part(kept.take(pa.array(order[start:end])), folder.joinpath(*named))
        start = end


def _write_part(rows: pa.Table, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        message = f"this disk ignores case, so that two partitions would be one: {folder.name}"
        raise ValueError(message) from None
    _write_flushed(rows, folder)


def _write_flushed(rows: pa.Table, folder: Path) -> None:
    file = folder / "part-0.parquet"
    write_parquet_table(rows, file)
    flush(file)


def write_folder(rows: pa.Table, target: Path, parts: Sequence[str], *, overwrite: bool) -> Path:
    """Write a table as a folder of Parquet files, which appears when it is whole.

    Raises
    ------
    ValueError
        A column is not there, or cannot part a dataset.
    FileExistsError
        Something is there, and is not to be replaced.
    """
    unknown = [name for name in parts if name not in rows.column_names]
    if unknown:
        message = f"partition_by names columns that are not there: {', '.join(map(str, unknown))}"
        raise ValueError(message)
    if len(parts) == rows.num_columns:
        message = "partition_by names every column: at least one must remain for the files"
        raise ValueError(message)
    mark = secrets.token_hex(6)
    made = target.with_name(f".{target.name}-{mark}.part")
    try:
        made.mkdir()
        _write_parts(rows, made, parts)
        if overwrite and os.path.lexists(target):
            _exchange(made, target, target.with_name(f".{target.name}-{mark}.old"))
        else:
            _rename(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _exchange(made: Path, target: Path, old: Path) -> None:
    """Put a new folder in the place of the old one, or leave the old one where it was."""
    target.rename(old)
    try:
        _rename(made, target)
    except BaseException:
        with suppress(OSError):
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _rename(made: Path, target: Path) -> None:
    """Give a folder its name; where somebody was faster, theirs stays."""
    if os.path.lexists(target):
        raise already_there(target)
    try:
        made.rename(target)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise already_there(target) from None
        raise
