"""Frames, and what getters fetch, as files: many rows need never stand in memory."""

from __future__ import annotations

from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.io import export as exports
from sectorsdf.io.atomic import staged_file
from sectorsdf.mining.fetch import chosen_client
from sectorsdf.mining.quoting import is_getter, is_list, listed

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.client.result import ListResult
    from sectorsdf.mining.quoting import Listed

__all__ = ["export"]


class _Memory:
    """Where Arrow takes its memory from, for the whole process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._streams = 0
        self._usual = pa.default_memory_pool()

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Take it from the system for a while: Arrow's own pool keeps much of what was freed."""
        with self._lock:
            if not self._streams:
                self._usual = pa.default_memory_pool()
                pa.set_memory_pool(pa.system_memory_pool())
            self._streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams -= 1
                if not self._streams:
                    pa.set_memory_pool(self._usual)


_memory = _Memory()


def export(
    data: pd.DataFrame | Callable[..., pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    partition_by: str | Sequence[str] | None = None,
    table: str | None = None,
    **call: Any,  # noqa: ANN401
) -> Path:
    """Write a frame, or what a getter fetches, to a file whose suffix says what kind it is.

    One row of the file is one row of the frame. To write a frame spends no credits; with a getter,
    the file costs what the getter's frame would. Text, such as a code with leading zeros, stays
    text; days are days; a missing value is missing, never a word for it.

    =================  ==========================================================================
    suffix             what is written
    =================  ==========================================================================
    .parquet           Days as ``date32``, zstd, row groups of 262,144 rows, attrs as metadata;
                       `sectorsdf.read_parquet` gives the identical frame.
    .feather, .arrow   Arrow IPC with LZ4, attrs as metadata.
    .csv, .tsv         UTF-8; text in quotation marks, days as ISO 8601, missing as nothing. A
                       reader that guesses takes a code for a number: tell it which columns are
                       text. No provenance.
    .json              An array of one object a row, as ``pandas.read_json`` takes it. No
                       provenance.
    .jsonl, .ndjson    One object a line. No provenance.
    .geojson           A FeatureCollection, the provenance as its member ``provenance``.
    .xlsx              A sheet of the rows and a sheet ``provenance``, whose longest values go on
                       in further rows. What Excel would change stands as text: whole numbers of
                       more than 15 digits, infinity, days before 1900-03-01 and times with a
                       zone or finer than a millisecond. Nothing is a formula. Empty text is an
                       empty cell. ``pandas.read_excel`` takes codes for numbers unless its
                       ``dtype`` says text. Needs the extra ``excel``.
    .gpkg              A GeoPackage of one layer in EPSG:4326, the provenance in the layer's
                       metadata. Needs the extra ``geo``.
    .duckdb            The rows and a table ``provenance``. Needs the extra ``duckdb``.
    .sqlite, .db       The rows and a table ``provenance``; days as ISO text, flags as 0 and 1.
    =================  ==========================================================================

    The text formats (.csv to .geojson) are compressed when ``.gz`` follows. In .geojson and .gpkg
    a row's geometry is its ``location_geojson``, else the Point of ``longitude`` and ``latitude``,
    else none; all columns stay as attributes.

    Parameters
    ----------
    data : pandas.DataFrame or callable
        A frame of this package, one made from it, or any other of text, numbers, flags, days and
        times. A named index becomes columns; an unnamed one of whole numbers is left out.

        Or a getter, such as `get_mining_licenses`. What is wrong with `path` is said before
        anything is paid, and the pages paid are kept until the file is there: where the disk was
        full, the same call again costs nothing. A list goes to .parquet in row groups of 32,768
        rows without its frame being made, a million rows in some 150 MB of memory, unless the call
        uses the cache, asks for details of sites, or has `partition_by`.
    path : str or path-like
        The file; upper and lower case of the suffix are the same. Its folder must exist.
    overwrite : bool, default False
        Replace what is there. Other programs see the old file or the new one, never a part; a
        failure leaves the old one as it was.
    partition_by : str or sequence of str, optional
        With .parquet or no suffix: write a folder of Parquet files as Hive does it, parted by these
        columns (text, whole numbers, flags or days), such as
        ``province=Kalimantan Timur/part-0.parquet``. These columns stand in the folders' names
        alone. Readers that guess make numbers of text such as years and codes; ask them not to:
        ``polars.read_parquet(path, hive_schema={"year": polars.String})``,
        ``read_parquet('path/**/*.parquet', hive_types_autocast = false)`` in DuckDB, and
        ``pandas.read_parquet(path, partitioning=dataset.partitioning(schema, flavor="hive"))``
        with ``pyarrow.dataset`` and the columns' Arrow schema. With `overwrite` the folder is
        renamed away before the new one takes its name.
    table : str, optional
        Name of the table in .duckdb, .sqlite and .db, of the layer in .gpkg, of the sheet in .xlsx
        (its first 31 characters) and of the collection in .geojson; by default the dataset's name,
        such as ``mining_licenses``, or ``data`` where the frame has no provenance.

    **call
        With a getter: its filters and options, and ``client=``.

    Returns
    -------
    pathlib.Path
        The file or folder written.

    Raises
    ------
    ValueError
        The suffix is unknown, or the format cannot hold the frame; the message names the column.
    MissingExtraError
        The format's library is not installed. It is a ConfigurationError and an ImportError.
    FileExistsError
        Something is there already, and `overwrite` is False; or a folder would be replaced that
        holds more than Parquet files.
    OSError
        The disk is full, or the folder does not exist or may not be written.
    TypeError
        `data` is neither; or a frame came with the keywords of a getter.
    SectorsdfError
        With a getter: whatever the getter raises.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     file = sectorsdf.export(
    ...         sectorsdf.get_mining_licenses, "gold.parquet", commodity_type="Gold", client=client
    ...     )
    >>> sectorsdf.read_parquet(file).attrs["sectorsdf"]["complete"]
    True
    """
    how: dict[str, Any] = {"overwrite": overwrite, "partition_by": partition_by}
    if not is_getter(data):
        if call:
            message = f"{', '.join(call)}: only with a getter, of which {data!r:.60} is none"
            raise TypeError(message)
        return exports.export(cast("pd.DataFrame", data), path, table=table, **how)
    target = exports.check_target(path, **how)
    if is_list(data) and target.suffix.lower() == ".parquet" and not partition_by:
        client = chosen_client(call.get("client"))
        asked = listed(data, {name: given for name, given in call.items() if name != "client"})
        if not (asked.details or client.caches(asked.dataset, asked.options)):
            _stream(client, asked, target, overwrite=overwrite)
            return target
    with keep_paid_pages():
        return exports.export(data(**call), path, table=table, **how)


def _stream(client: Client, asked: Listed, target: Path, *, overwrite: bool) -> None:
    """Fetch a list into a file, its rows waiting in another one that goes with this process."""

    def write(swept: ListResult) -> None:
        with staged_file(target, ".parquet", overwrite=overwrite) as made:
            swept.write(made)

    with _memory.given_back(), TemporaryFile(dir=target.parent) as waiting:
        client.stream(
            asked.dataset, asked.filters, write, waiting, **asked.limits, options=asked.options
        )
