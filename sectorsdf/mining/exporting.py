"""`sectorsdf.export`: write a frame, or what a getter fetches, to a file.

Many rows need never be in memory: a list goes to Parquet in parts. This module must not import a
getter.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, ParamSpec, cast, overload

import pandas as pd

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.client.list_call import stream_rows
from sectorsdf.errors import listed
from sectorsdf.io.atomic import staged_file
from sectorsdf.io.export import check_target, export_frame
from sectorsdf.mining.fetch import context_of, list_query
from sectorsdf.mining.quoting import bound_arguments, dataset_of
from sectorsdf.mining.unions import has_lists

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import ListQuery
    from sectorsdf.client.result import ListResult

__all__ = ["export"]

P = ParamSpec("P")


@overload
def export(
    data: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = ...,
    partition_by: str | Sequence[str] | None = ...,
    table: str | None = ...,
) -> Path: ...


# A type checker takes the arguments of the getter from `P`. It allows no keyword-only parameter
# beside them, so these three look like positional ones here.
@overload
def export(
    data: Callable[P, pd.DataFrame],
    path: str | os.PathLike[str],
    overwrite: bool = ...,  # noqa: FBT001
    partition_by: str | Sequence[str] | None = ...,
    table: str | None = ...,
    *args: P.args,
    **call: P.kwargs,
) -> Path: ...


def export(  # type: ignore[misc]
    data: pd.DataFrame | Callable[..., pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    partition_by: str | Sequence[str] | None = None,
    table: str | None = None,
    **call: Any,
) -> Path:
    """Write a frame, or what a getter fetches, to a file; the suffix decides the format.

    One row of the file is one row of the frame. Writing a frame costs no credits; with a getter,
    the file costs what the getter's frame would cost. Text, such as a code with leading zeros,
    stays text; days stay days; a missing value stays missing and never becomes a word. The
    provenance in the file is true of its rows: if they are no longer those that were fetched, it
    has ``complete`` null, and ``derived_from`` says what was fetched; see `verify`.

    =================  ==========================================================================
    suffix             format
    =================  ==========================================================================
    .parquet           Days as ``date32``, zstd, row groups of 262,144 rows, attrs as metadata;
                       `sectorsdf.read_parquet` returns the identical frame.
    .feather, .arrow   Arrow IPC with LZ4, attrs as metadata.
    .csv, .tsv         UTF-8; text in quotation marks, days as ISO 8601, a missing value as an
                       empty field. A reader that guesses types turns codes into numbers: name
                       the text columns when you read the file. No provenance.
    .json              An array of one object for each row. ``pandas.read_json`` needs
                       ``dtype=False``, or it turns codes into numbers. No provenance.
    .jsonl, .ndjson    One object on each line; for pandas, see .json. No provenance.
    .geojson           A FeatureCollection, with the provenance as its member ``provenance``.
    .xlsx              A sheet of the rows and a sheet ``provenance``, whose longest values
                       continue in the next rows. Text replaces what Excel would change: whole
                       numbers of more than 15 digits, infinity, days before 1900-03-01, and times
                       with a zone or finer than a millisecond. No cell is a formula. Empty text is
                       an empty cell. ``pandas.read_excel`` turns codes into numbers unless its
                       ``dtype`` says text. Needs the extra ``excel``.
    .gpkg              A GeoPackage of one layer in EPSG:4326, with the provenance in the layer's
                       metadata. Needs the extra ``geo``.
    .duckdb            The rows and a table ``provenance``. Needs the extra ``duckdb``.
    .sqlite, .db       The rows and a table ``provenance``; days as ISO text, flags as 0 and 1.
    =================  ==========================================================================

    The text formats (.csv to .geojson) are compressed if ``.gz`` follows. In .geojson and .gpkg,
    the geometry of a row is its ``location_geojson``, otherwise the Point of ``longitude`` and
    ``latitude``, otherwise none; all columns stay as attributes. A GeoDataFrame is written to these
    two formats with its own geometries, which must be in EPSG:4326; for the other formats, drop
    its column of geometries.

    Parameters
    ----------
    data : pandas.DataFrame or callable
        A frame of this package, a frame made from one, or any other frame of text, numbers, flags,
        days and times. A named index becomes columns; an unnamed index of whole numbers is left
        out.

        Or a getter, such as `get_mining_licenses`. `path` is checked before anything is paid, and
        the paid pages are kept until the file is complete: after a full disk, the same call costs
        nothing. A list goes to .parquet in row groups of 16,384 rows without a frame in memory, a
        million rows in about 150 MB, unless the call uses the cache, asks for details of sites, or
        has `partition_by`.
    path : str or path-like
        The file; the case of the suffix does not count. Its folder must exist.
    overwrite : bool, default False
        Replace an existing file. Other programs see the old file or the new one, never a part; a
        failure leaves the old one as it was. The new file keeps the mode, the group and, where
        that is permitted, the owner of the old one. If `path` is a link, the link stays, and the
        file that it points to is replaced. Other hard links to the old file keep the old content.
        A database that another program has open is not replaced, and a log that one has left
        beside it is finished first.
    partition_by : str or sequence of str, optional
        With .parquet or no suffix: write a folder of Parquet files in Hive layout, partitioned by
        these columns (text, whole numbers, flags or days), such as
        ``province=Kalimantan Timur/part-0.parquet``. These columns are only in the names of the
        folders; `read_parquet` gives them their dtypes back. With `overwrite`, the old folder is
        renamed before the new one takes its name.

        Other readers guess the types of these columns, so a code of digits, such as ``wiup_code``
        or ``license_number``, is refused, and so is text whose values all look like numbers or
        days: its zeros would be lost.
    table : str, optional
        Name of the table in .duckdb, .sqlite and .db, of the layer in .gpkg, of the sheet in .xlsx
        (its first 31 characters) and of the collection in .geojson; by default the dataset's name,
        such as ``mining_licenses``, or ``data`` if the frame has no provenance.

    **call
        With a getter: its filters and options, and ``client=``.

    Returns
    -------
    pathlib.Path
        The file or folder that was written.

    Raises
    ------
    ValueError
        The suffix is unknown, or the format cannot hold the frame, or a column of `partition_by`
        cannot divide it; the message names the column.
        Or `frame.attrs` is so long that no reader could read it again.
    ConfigurationError
        `path` is a URL of another place.
    MissingExtraError
        The format's library is not installed. It is a ConfigurationError and an ImportError.
    FileExistsError
        A file exists and `overwrite` is False; or the existing folder has files that are not
        Parquet; or beside the path is the log of a database that is not there.
    OSError
        The disk is full, the folder does not exist or may not be written, the existing file is
        read-only, or another program has the existing database open.
    TypeError
        `data` is neither a frame nor a getter, or a frame is given with the keywords of a getter.
    SectorsdfError
        With a getter: every error that the getter raises.

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
    dataset = dataset_of(data)
    if dataset is None:
        if call:
            raise TypeError(_no_getter(data, call))
        return export_frame(cast("pd.DataFrame", data), path, table=table, **how)
    target = check_target(path, dataset=dataset, **how)
    getter = cast("Callable[..., pd.DataFrame]", data)
    arguments = bound_arguments(getter, (), call)
    # A list of values for a filter makes several lists, whose rows are put together in memory.
    streams = dataset.addressed_by is None and not has_lists(dataset, arguments)
    if streams and target.suffix.lower() == ".parquet" and not partition_by:
        context = context_of(arguments)
        query = list_query(context, dataset, arguments)
        if query.config.cache is None and not arguments.get("details"):
            _stream(context, query, target, overwrite=overwrite)
            return target
    with keep_paid_pages():
        return export_frame(getter(**call), path, table=table, **how)


def _no_getter(data: object, call: Mapping[str, Any]) -> str:
    """Return the error message for the keywords of a getter beside anything else."""
    names = listed(call, show=str)
    if isinstance(data, pd.DataFrame):
        return (
            f"export got {names} with a frame, whose rows are already there. Select them first, as "
            "in export(frame[frame['province'] == 'Aceh'], path), or give the getter itself, as in "
            "export(sectorsdf.get_mining_licenses, path, province='Aceh')."
        )
    return f"export got {names}, which only a getter takes, and {data!r:.60} is not one."


def _stream(context: ClientContext, query: ListQuery, target: Path, *, overwrite: bool) -> None:
    """Fetch a list into a file; its rows wait in a temporary file without a name."""

    def write(result: ListResult) -> None:
        with staged_file(target, ".parquet", overwrite=overwrite) as staged:
            result.write(staged)

    with TemporaryFile(dir=target.parent) as waiting:
        stream_rows(context, query, write, waiting)
