"""`sectorsdf.verify`: whether rows are still those that their provenance describes.

This module owns what is said about rows; `frames.lineage` owns what is written about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.frames.arrow import provenance_of_table, typed_table
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import origins
from sectorsdf.frames.provenance import Provenance
from sectorsdf.io.geometries import without_geometries
from sectorsdf.io.reading import read_table

if TYPE_CHECKING:
    import pyarrow as pa

    from sectorsdf.io.sources import ParquetPath

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """What `verify` finds.

    Attributes
    ----------
    intact : bool or None
        Whether the rows are exactly those that one call of a getter returned, in any order.
        None if the provenance does not have what shows it.
    complete : bool or None
        Whether they are all rows that the call asked for, as the certificate in the provenance
        proves it; False if `max_rows` limited the call. None unless `intact` is True.
    dataset : str or None
        The dataset that the provenance names.
    rows : int
        How many rows there are.
    expected_rows : int or None
        How many rows were fetched, as the provenance says.
    digest : str
        The digest of the rows.
    expected_digest : str or None
        The digest of the rows that were fetched.
    fetched_at : str or None
        When the oldest of them was fetched, in UTC.
    reason : str
        The finding in words.
    """

    intact: bool | None
    complete: bool | None
    dataset: str | None
    rows: int
    expected_rows: int | None
    digest: str
    expected_digest: str | None
    fetched_at: str | None
    reason: str


def verify(data: pd.DataFrame | ParquetPath) -> Verification:
    """Check whether rows are still those that were fetched, and all of them.

    Pure: it costs no credits and sends nothing. The provenance of a frame or file contains a digest
    of the rows that were fetched. The digest does not depend on the order of the rows or of the
    columns, so sorting does not change it. It changes with each row or column that is added or
    removed, and with each value or type that is changed, so a frame that was filtered, joined or
    concatenated is not intact, nor is one with fewer columns. The digest shows mistakes and later
    steps of the work. It is not a signature, and does not protect against forgery.

    Parameters
    ----------
    data : pandas.DataFrame, str, path-like or sequence of them
        A frame, or what `read_parquet` reads: a file, a folder, a pattern, a URL, a list. Of a
        frame, an index without a name and a column of geometries do not count.

    Returns
    -------
    Verification
        ``intact`` and ``complete`` (each True, False or None), ``reason`` in words, and the rows
        and digests that were compared.

    Raises
    ------
    ValueError
        A column of the frame has no type in Arrow, or a file is no Parquet file.
    OSError, ConfigurationError
        As `read_parquet` raises them.

    See Also
    --------
    to_arrow : What a frame becomes before it is compared, and before it is written.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licences = sectorsdf.get_mining_licenses(province="Aceh", client=client)
    >>> sectorsdf.verify(licences.sort_values("company_name")).intact
    True
    >>> gold = licences[licences["commodity_type"] == "Gold"]
    >>> found = sectorsdf.verify(gold)
    >>> found.intact, found.complete
    (False, None)
    >>> path = sectorsdf.write_parquet(gold, "aceh-gold.parquet")
    >>> sectorsdf.verify(path).intact
    False
    """
    if isinstance(data, pd.DataFrame):
        table = typed_table(without_geometries(data))
        return _compared(Provenance.of_frame(data), table)
    table = read_table(data)
    return _compared(provenance_of_table(table), table)


def _compared(provenance: Provenance, table: pa.Table) -> Verification:
    rows, digest = len(table), table_digest(table)
    if "derived_from" in provenance.entries or "part_of" in provenance.entries:
        return _of_derived(provenance, rows, digest)
    expected_rows, expected = provenance.get("rows"), provenance.get("digest")
    common: dict[str, Any] = {
        "dataset": provenance.get("dataset"),
        "rows": rows,
        "expected_rows": expected_rows,
        "digest": digest,
        "expected_digest": expected,
        "fetched_at": provenance.get("fetched_at"),
    }
    if not provenance.entries:
        reason = "There is no provenance, so sectorsdf cannot tell where the rows come from."
        return Verification(intact=None, complete=None, reason=reason, **common)
    if expected is None and expected_rows in {None, rows}:
        reason = (
            "an earlier version fetched them and wrote no digest. Their number is the same as then."
            if expected_rows == rows
            else "the provenance has neither a digest nor a number of rows."
        )
        reason = f"sectorsdf cannot tell whether the rows are those that were fetched: {reason}"
        return Verification(intact=None, complete=None, reason=reason, **common)
    if expected != digest:
        reason = f"The rows are not those that were fetched: {_difference(rows, expected_rows)}."
        return Verification(intact=False, complete=None, reason=reason, **common)
    complete = provenance.get("complete")
    limited = provenance.get("max_rows") is not None
    why = "max_rows limited the call" if limited else "the provenance says why"
    words = {
        True: "They are all rows that the call asked for.",
        False: f"They are not all rows that there are: {why}.",
        None: "The provenance does not say whether they are all rows.",
    }
    reason = f"The {rows:,} rows are those that were fetched. {words[complete]}"
    return Verification(intact=True, complete=complete, reason=reason, **common)


def _of_derived(provenance: Provenance, rows: int, digest: str) -> Verification:
    """Return the finding about rows whose provenance says that they are not those of one fetch."""
    found = origins(provenance)
    one = found[0] if len(found) == 1 else {}
    if "part_of" in provenance.entries:
        whole = provenance["part_of"].get("rows")
        reason = (
            f"The file is one partition, {rows:,} of {whole:,} rows. Verify the whole folder."
            if isinstance(whole, int)
            else "The file is one partition. Verify the whole folder."
        )
    elif one:
        reason = (
            "The rows were filtered, joined or changed after they were fetched, as the provenance "
            f"says: {_difference(rows, one.get('rows'))}."
        )
    else:
        reason = f"The rows were put together from {len(found)} fetches, as the provenance says."
    if provenance.get("digest") not in {None, digest}:
        reason += " They were changed again after they were written."
    return Verification(
        intact=False,
        complete=None,
        dataset=provenance.get("dataset"),
        rows=rows,
        expected_rows=one.get("rows"),
        digest=digest,
        expected_digest=one.get("digest"),
        fetched_at=one.get("fetched_at"),
        reason=reason,
    )


def _difference(rows: int, expected: int | None) -> str:
    if expected is None:
        return f"there are {rows:,} rows now"
    if rows == expected:
        return f"there are {rows:,} rows as before, but their values, columns or types differ"
    return f"there are {rows:,} rows instead of {expected:,}"
