"""Frames as files of every common kind: the name's suffix says which, and no reader sees a part."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from sectorsdf.errors import MissingExtraError
from sectorsdf.frames.arrow import to_arrow
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io import excel as workbook
from sectorsdf.io import geofiles
from sectorsdf.io.atomic import already_there, staged_file
from sectorsdf.io.databases import write_duckdb, write_sqlite
from sectorsdf.io.parquet import export_parquet, write_arrow
from sectorsdf.io.partitioned import foreign_file, partition_columns, write_folder
from sectorsdf.io.table import ExportTable
from sectorsdf.io.text import write_csv, write_json, write_json_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["check_target", "export"]


@dataclass(frozen=True)
class _Format:
    write: Callable[[ExportTable, Path], None]
    extra: str = ""
    libraries: tuple[str, ...] = ()


_FORMATS = {
    ".parquet": _Format(export_parquet),
    ".feather": _Format(write_arrow),
    ".arrow": _Format(write_arrow),
    ".csv": _Format(write_csv),
    ".tsv": _Format(write_csv),
    ".json": _Format(write_json),
    ".jsonl": _Format(write_json_lines),
    ".ndjson": _Format(write_json_lines),
    ".geojson": _Format(geofiles.write_geojson),
    ".xlsx": _Format(workbook.write_workbook, "excel", ("openpyxl",)),
    ".gpkg": _Format(geofiles.write_geopackage, "geo", ("pyogrio", "shapely")),
    ".duckdb": _Format(write_duckdb, "duckdb", ("duckdb",)),
    ".sqlite": _Format(write_sqlite),
    ".db": _Format(write_sqlite),
}
_ALSO_GZIP = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".geojson")


def export(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    partition_by: str | Sequence[str] | None = None,
    table: str | None = None,
) -> Path:
    """Write a frame as `sectorsdf.export` says."""
    target, parts = Path(path), partition_columns(partition_by)
    suffix, form = _ready(target, overwrite=overwrite, partitioned=bool(parts))
    rows = _to_table(frame)
    if parts:
        return write_folder(rows, target, parts, overwrite=overwrite)
    provenance = frame.attrs.get(ATTRS)
    provenance = provenance if isinstance(provenance, dict) else {}
    name = table or str(provenance.get("dataset") or "data")
    with staged_file(target, suffix, overwrite=overwrite) as made:
        form.write(ExportTable(rows, name, provenance), made)
    return target


def check_target(
    path: str | os.PathLike[str], *, overwrite: bool, partition_by: str | Sequence[str] | None
) -> Path:
    """Return where to write, before any work is done for it.

    Raises
    ------
    ValueError, MissingExtraError, OSError
        Nothing can be written there.
    """
    target = Path(path)
    _ready(target, overwrite=overwrite, partitioned=bool(partition_columns(partition_by)))
    return target


def _ready(target: Path, *, overwrite: bool, partitioned: bool) -> tuple[str, _Format]:
    """Return the suffix and what writes it, where there is nothing against writing there."""
    found = _format_of(target, partitioned=partitioned)
    _refuse_place(target, overwrite=overwrite, partitioned=partitioned)
    return found


def _format_of(target: Path, *, partitioned: bool) -> tuple[str, _Format]:
    """Return the suffix that counts, in lower case, and what writes it."""
    suffixes = [suffix.lower() for suffix in target.suffixes]
    suffix = suffixes[-1] if suffixes else ""
    if partitioned:
        if suffix not in {"", ".parquet"}:
            message = f"partition_by is for Parquet: the path may end in .parquet, not {suffix}"
            raise ValueError(message)
        return ".parquet", _FORMATS[".parquet"]
    zipped = suffix == ".gz"
    if zipped:
        suffix = suffixes[-2] if len(suffixes) > 1 else ""
    form = _FORMATS.get(suffix)
    if form is None or (zipped and suffix not in _ALSO_GZIP):
        known = ", ".join(
            f'{name} (pip install "sectorsdf[{entry.extra}]")' if entry.extra else name
            for name, entry in _FORMATS.items()
        )
        message = (
            f"the suffix of {target.name!r} names no known format; known are {known}, and "
            f"with .gz after it {', '.join(_ALSO_GZIP)}"
        )
        raise ValueError(message)
    for library in form.libraries:
        if importlib.util.find_spec(library) is None:
            message = f'{suffix} needs {library}: pip install "sectorsdf[{form.extra}]"'
            raise MissingExtraError(message)
    return suffix + ".gz" * zipped, form


def _refuse_place(target: Path, *, overwrite: bool, partitioned: bool) -> None:
    """Raise where the target cannot or must not be written, before any work."""
    if not target.parent.is_dir():
        message = "there is no such folder to write into: make it first"
        raise FileNotFoundError(errno.ENOENT, message, str(target.parent))
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise already_there(target)
    if target.is_dir() is not partitioned:
        message = f"a {'file' if partitioned else 'folder'} is there, and is not replaced"
        raise FileExistsError(errno.EEXIST, message, str(target))
    if partitioned and (foreign := foreign_file(target)) is not None:
        message = "a folder is not replaced that holds a file which no export wrote"
        raise FileExistsError(errno.EEXIST, message, str(foreign))


def _to_table(frame: object) -> pa.Table:
    """Return the frame's rows, and whatever of its index must not be lost, as Arrow."""
    if not isinstance(frame, pd.DataFrame):
        message = f"export takes a pandas.DataFrame or a getter, not {type(frame).__name__}"
        raise TypeError(message)
    if isinstance(frame.columns, pd.MultiIndex):
        message = "the columns have several levels, and no file format has: join them first"
        raise ValueError(message)
    try:
        json.dumps(frame.attrs)
    except (TypeError, ValueError) as error:
        message = f"frame.attrs cannot be written as JSON ({error}): clear it or repair it"
        raise ValueError(message) from error
    whole = _with_index(frame)
    names = [str(name) for name in whole.columns]
    if not names:
        message = "the frame has no columns: there is nothing to write"
        raise ValueError(message)
    if "" in names:
        message = "a column has no name, and not every format can hold that: name it"
        raise ValueError(message)
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"several columns have one name: {', '.join(sorted(twice))}; rename them"
        raise ValueError(message)
    try:
        return to_arrow(whole)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise ValueError(_culprit(whole, error)) from error


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    index = frame.index
    if all(name is None for name in index.names):
        if index.nlevels == 1 and (len(index) == 0 or pd.api.types.is_integer_dtype(index.dtype)):
            return frame
        message = (
            "the index has no name and is more than row numbers: name it to keep it as a column, "
            "or leave it out with frame.reset_index(drop=True)"
        )
        raise ValueError(message)
    names = [f"level_{n}" if name is None else name for n, name in enumerate(index.names)]
    if alike := [str(name) for name in names if name in frame.columns]:
        message = f"index and column have one name: {', '.join(alike)}; rename one of them"
        raise ValueError(message)
    whole = frame.reset_index()
    whole.attrs = frame.attrs
    return whole


def _culprit(frame: pd.DataFrame, error: Exception) -> str:
    """Say which column cannot be written, and why."""
    for place, name in enumerate(frame.columns):
        try:
            pa.array(frame.iloc[:, place], from_pandas=True)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as own:
            return (
                f"column {str(name)!r} holds values that are not of one writable type ({own}): "
                "convert it to text or numbers, or drop it"
            )
    return f"the frame cannot be written: {error}"
