"""Write a frame to a file; the suffix of the file's name selects the format.

This module owns the list of formats, the checks of a target, and the conversion of any frame to a
table. It imports the module of a format when a file of that format is written.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import MissingExtraError, listed
from sectorsdf.frames.arrow import provenance_of_table
from sectorsdf.io.atomic import staged_file
from sectorsdf.io.geometries import split_geometries
from sectorsdf.io.hive import refuse_codes, refuse_undivided
from sectorsdf.io.parquet import export_parquet, table_of, write_arrow
from sectorsdf.io.partitioned import partition_columns, write_folder
from sectorsdf.io.table import ExportTable, check_text
from sectorsdf.io.target import TEXT_FORMATS, check_path, path_to_write

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from sectorsdf.datasets.schema import Dataset

__all__ = ["check_target", "export_frame"]


@dataclass(frozen=True)
class _Format:
    write: Callable[[ExportTable, Path], None]
    extra: str = ""
    libraries: tuple[str, ...] = ()
    has_geometry: bool = False
    prepare: Callable[[Path], None] | None = None


def _imported(module: str, name: str) -> Callable[..., None]:
    """Return a function of this folder's modules that is imported when it is called.

    A file of one format does not need the modules and libraries of all the others.
    """

    def call(*args: object) -> None:
        getattr(importlib.import_module(f"sectorsdf.io.{module}"), name)(*args)

    return call


_CSV = _Format(_imported("text", "write_csv"))
_JSON_LINES = _Format(_imported("text", "write_json_lines"))
_SQLITE = _Format(
    _imported("databases", "write_sqlite"), prepare=_imported("database_logs", "settle_sqlite")
)
_FORMATS = {
    ".parquet": _Format(export_parquet),
    ".feather": _Format(write_arrow),
    ".arrow": _Format(write_arrow),
    ".csv": _CSV,
    ".tsv": _CSV,
    ".json": _Format(_imported("text", "write_json")),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".geojson": _Format(_imported("geofiles", "write_geojson"), has_geometry=True),
    ".xlsx": _Format(_imported("excel", "write_excel"), "excel", ("openpyxl",)),
    ".gpkg": _Format(
        _imported("geofiles", "write_geopackage"),
        "geo",
        ("pyogrio", "shapely"),
        has_geometry=True,
        prepare=_imported("database_logs", "settle_sqlite"),
    ),
    ".duckdb": _Format(
        _imported("databases", "write_duckdb"),
        "duckdb",
        ("duckdb",),
        prepare=_imported("database_logs", "settle_duckdb"),
    ),
    ".sqlite": _SQLITE,
    ".db": _SQLITE,
}


def export_frame(
    frame: object,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    partition_by: str | Sequence[str] | None = None,
    table: str | None = None,
) -> Path:
    """Write a frame to a file, as `sectorsdf.export` documents it."""
    partitions = partition_columns(partition_by)
    target = check_target(path, overwrite=overwrite, partition_by=partition_by)
    suffix, file_format = _format_of(target, partitioned=bool(partitions))
    if not isinstance(frame, pd.DataFrame):
        message = f"export takes a pandas.DataFrame or a getter, not {type(frame).__name__}"
        raise TypeError(message)
    plain, geometries = split_geometries(frame, suffix, supported=file_format.has_geometry)
    rows = _to_table(plain)
    provenance = provenance_of_table(rows).entries
    if partitions:
        dataset = DATASETS.get(str(provenance.get("dataset")))
        refuse_codes([name for name in partitions if name in rows.column_names], dataset)
        return write_folder(rows, target, partitions, overwrite=overwrite)
    name = str(provenance.get("dataset") or "data") if table is None else table
    check_text(name, "table")
    content = ExportTable(rows, name, provenance, geometries)
    with staged_file(target, suffix, overwrite=overwrite, prepare=file_format.prepare) as staged:
        file_format.write(content, staged)
    return target


def check_target(
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    partition_by: str | Sequence[str] | None,
    dataset: Dataset | None = None,
) -> Path:
    """Return the path to write to, or raise if an export there would fail.

    Parameters
    ----------
    path : str or path-like
        The file or folder.
    overwrite : bool
        Whether an existing one is going to be replaced.
    partition_by : str, sequence of str or None
        The columns that divide the rows into files.
    dataset : Dataset, optional
        What is going to be fetched for the file.

    Raises
    ------
    ValueError, MissingExtraError, OSError
        The format, its library or the path makes the export impossible.
    """
    partitions = partition_columns(partition_by)
    target, partitioned = path_to_write(path), bool(partitions)
    if dataset is not None:
        refuse_undivided(partitions, dataset)
    suffix, file_format = _format_of(target, partitioned=partitioned)
    final = check_path(target, overwrite=overwrite, partitioned=partitioned)
    if final != target and not partitioned:
        _check_same_format(final, suffix, target)
    if file_format.prepare is not None:
        for place in dict.fromkeys((final, target)):
            file_format.prepare(place)
    return target


def _check_same_format(final: Path, suffix: str, link: Path) -> None:
    """Raise ValueError if a link leads to a file whose name promises another format."""
    try:
        expected, _ = _format_of(final, partitioned=False)
    except (ValueError, MissingExtraError):
        return
    if expected != suffix:
        message = (
            f"the link {link.name!r} points to {final.name!r}, and a file in the format {suffix} "
            "would be wrong under that name: export to a path of the same format"
        )
        raise ValueError(message)


def _format_of(target: Path, *, partitioned: bool) -> tuple[str, _Format]:
    """Return the suffix in lower case, with ``.gz`` if it is there, and its format."""
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
    file_format = _FORMATS.get(suffix)
    if file_format is None or (zipped and suffix not in TEXT_FORMATS):
        known = ", ".join(
            f'{name} (pip install "sectorsdf[{entry.extra}]")' if entry.extra else name
            for name, entry in _FORMATS.items()
        )
        message = (
            f"the suffix of {target.name!r} is not a known format; known are {known}, and with "
            f".gz after it {', '.join(TEXT_FORMATS)}"
        )
        raise ValueError(message)
    for library in file_format.libraries:
        if importlib.util.find_spec(library) is None:
            message = f'{suffix} needs {library}: pip install "sectorsdf[{file_format.extra}]"'
            raise MissingExtraError(message)
    return suffix + ".gz" * zipped, file_format


def _to_table(frame: pd.DataFrame) -> pa.Table:
    """Return the frame's rows as Arrow, with a named index as columns."""
    if isinstance(frame.columns, pd.MultiIndex):
        message = "the columns have several levels, which no file format has: join them first"
        raise ValueError(message)
    try:
        json.dumps(frame.attrs)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"frame.attrs cannot be written as JSON ({error}): clear it or repair it"
        raise ValueError(message) from error
    whole = _with_index(frame)
    names = [str(name) for name in whole.columns]
    if not names:
        message = "the frame has no columns, so there is nothing to write"
        raise ValueError(message)
    if "" in names:
        message = "a column has no name, which not every format allows: name it"
        raise ValueError(message)
    if repeated := {name for name in names if names.count(name) > 1}:
        message = (
            f"several columns have the same name: {listed(sorted(repeated), show=str)}; rename them"
        )
        raise ValueError(message)
    return table_of(whole)


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
    names = [f"level_{i}" if name is None else name for i, name in enumerate(index.names)]
    if shared := [str(name) for name in names if name in frame.columns]:
        message = (
            f"index and column have the same name: {listed(shared, show=str)}; rename one of them"
        )
        raise ValueError(message)
    whole = frame.reset_index()
    whole.attrs = frame.attrs
    return whole
