"""`sectorsdf.snapshots.scan`: all snapshots of a dataset as a lazy frame of another program."""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError, MissingExtraError
from sectorsdf.frames.arrow import from_arrow
from sectorsdf.snapshots.listing import describe_all
from sectorsdf.snapshots.reading import find_snapshots
from sectorsdf.snapshots.schemas import SNAPSHOT_DATE
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import ModuleType

    import pandas as pd

    from sectorsdf.snapshots.layout import Place

__all__ = ["import_engine", "scan"]

_ENGINES = {
    "arrow": "pyarrow.dataset: pip install pyarrow",
    "dask": 'dask.dataframe: pip install "sectorsdf[dask]"',
    "duckdb": 'duckdb: pip install "sectorsdf[duckdb]"',
    "polars": "polars: pip install polars",
}


def scan(
    root: str | os.PathLike[str],
    dataset: str,
    *,
    engine: Literal["arrow", "dask", "duckdb", "polars"] = "arrow",
) -> Any:  # noqa: ANN401 - a type of the engine's
    """Return all snapshots of a dataset as a lazy frame of another program.

    Until the program computes a result, only the ends of the files are read. Then it reads only the
    parts that it needs.

    Parameters
    ----------
    root : str or path-like
        The folder or URL that was passed to `write`.
    dataset : str
        Name of the dataset, such as ``mining_licenses``.
    engine : {"arrow", "dask", "duckdb", "polars"}, default "arrow"
        The program. Dask needs the extra ``dask``, DuckDB the extra ``duckdb``.

    Returns
    -------
    pyarrow.dataset.Dataset, dask.dataframe.DataFrame, duckdb.DuckDBPyRelation or polars.LazyFrame
        The dataset's columns with their declared types, and ``snapshot_date``: a row that did not
        change is there once for each snapshot. Dask has one partition for each snapshot, with the
        dtypes of the getter's frame (days as ``datetime64``); the others have days as their own
        type of days. A column that only some snapshots have is missing in the others.

    Raises
    ------
    FileNotFoundError
        There is no snapshot of the dataset.
    ConfigurationError
        There is no such dataset or engine.
    MissingExtraError
        The engine is not installed.

    Notes
    -----
    It costs no credits.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     path = sectorsdf.snapshots.write(sectorsdf.get_mining_sites, root, client=client)
    ...     sectorsdf.snapshots.scan(root, "mining_sites").count_rows()
    156
    """
    library = import_engine(engine)
    store = open_store(root)
    found = find_snapshots(store, dataset)
    schemas = [description.schema for description in describe_all(store, found)]
    schema = pa.unify_schemas([DATASETS[dataset].schema, *schemas], promote_options="permissive")
    places = [each.place for each in found]
    if engine == "dask":
        meta = _partition(places[0], None, empty=schema)
        read = partial(_partition, root=root, empty=schema)
        return library.from_map(read, places, meta=meta, enforce_metadata=False)
    rows = _arrow_dataset(root, places, schema)
    if engine == "duckdb":
        return library.connect().from_arrow(rows)
    return library.scan_pyarrow_dataset(rows) if engine == "polars" else rows


def import_engine(engine: str) -> ModuleType:
    """Return the library of an engine.

    Raises
    ------
    ConfigurationError
        If there is no such engine.
    MissingExtraError
        If it is not installed.
    """
    if engine not in _ENGINES:
        message = f"engine={engine!r} is not known: it is one of {', '.join(_ENGINES)}"
        raise ConfigurationError(message)
    name, _, advice = _ENGINES[engine].partition(": ")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"engine={engine!r} needs {name.partition('.')[0]}: {advice} ({error})"
        raise MissingExtraError(message) from error


def _partition(
    place: Place,
    columns: Sequence[str] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    empty: pa.Schema,
) -> pd.DataFrame:
    """Return the rows of a snapshot with its day; without a root, a frame of no row."""
    names = [*empty.names, SNAPSHOT_DATE.name] if columns is None else list(columns)
    wanted = [name for name in names if name != SNAPSHOT_DATE.name]
    table = empty.empty_table() if root is None else _read(root, place, wanted)
    fields = {name: empty.field(name) for name in wanted}
    days = pa.repeat(pa.scalar(place.day, SNAPSHOT_DATE.type), len(table))
    arrays = {
        name: table.column(name).cast(field.type)
        if name in table.column_names
        else pa.nulls(len(table), field.type)
        for name, field in fields.items()
    }
    arrays[SNAPSHOT_DATE.name] = days
    return from_arrow(pa.table({name: arrays[name] for name in names}))


def _read(root: str | os.PathLike[str], place: Place, columns: Sequence[str]) -> pa.Table:
    """Return these columns of a snapshot, as far as it has them."""
    filesystem, paths = open_store(root).for_arrow([place])
    with filesystem.open_input_file(paths[0]) as file:
        parquet = pq.ParquetFile(file)
        return parquet.read([name for name in columns if name in parquet.schema_arrow.names])


def _arrow_dataset(
    root: str | os.PathLike[str], places: Sequence[Place], schema: pa.Schema
) -> ds.Dataset:
    store = open_store(root)
    filesystem, paths = store.for_arrow(places)
    parts = [
        ds.ParquetFileFormat().make_fragment(
            path,
            filesystem,
            partition_expression=ds.field(SNAPSHOT_DATE.name)
            == pa.scalar(place.day, SNAPSHOT_DATE.type),
        )
        for path, place in zip(paths, places, strict=True)
    ]
    whole = schema.remove_metadata().append(SNAPSHOT_DATE)
    return ds.FileSystemDataset(parts, whole, ds.ParquetFileFormat(), filesystem)
