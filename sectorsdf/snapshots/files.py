"""The file of one snapshot: its bytes, and what its metadata say.

The metadata are a frame's own, with the day of the snapshot in the provenance. This module opens no
store.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.frames.arrow import METADATA, with_attrs
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.io.parquet import write_parquet_table

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

__all__ = ["Description", "describe", "provenance_in", "rows_of", "stamped", "to_bytes"]


@dataclass(frozen=True)
class Description:
    """What the metadata of a snapshot say.

    Attributes
    ----------
    provenance : Provenance
        Where the rows come from.
    rows : int
        Their number.
    schema : pyarrow.Schema
        Their columns.
    """

    provenance: Provenance
    rows: int
    schema: pa.Schema

    @property
    def complete(self) -> bool:
        """Whether the rows were proved to be all that there were."""
        return self.provenance.get("complete") is True

    @property
    def digest(self) -> str | None:
        """The digest of the rows, in any order."""
        digest: str | None = self.provenance.get("digest")
        return digest


def stamped(table: pa.Table, provenance: Provenance, day: date) -> pa.Table:
    """Return a table whose metadata are those of a snapshot."""
    complete = provenance.get("complete") is True
    entries = provenance.updated(snapshot_date=day.isoformat(), complete=complete).entries
    attrs = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    return with_attrs(table, {**attrs, ATTRS: entries})


def to_bytes(table: pa.Table) -> bytes:
    """Return the Parquet file of a table."""
    sink = pa.BufferOutputStream()
    write_parquet_table(table, cast("Path", sink))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def describe(end_of_file: bytes, path: str) -> Description | None:
    """Return what the metadata of a file say; None if these bytes do not have all of them.

    Raises
    ------
    OSError
        If it is not a snapshot.
    """
    length = int.from_bytes(end_of_file[-8:-4], "little")
    if end_of_file[-4:] != b"PAR1" or length + 8 > len(end_of_file):
        return None
    # The reader accepts metadata that follow the bytes with which every file begins.
    footer = pq.read_metadata(io.BytesIO(b"PAR1" + end_of_file[-length - 8 :]))
    provenance = _provenance(footer.metadata)
    if provenance.get("snapshot_date") is None:
        message = f"{path} is not a snapshot of this package: its metadata name no day"
        raise OSError(message)
    return Description(provenance, footer.num_rows, footer.schema.to_arrow_schema())


def provenance_in(table: pa.Table) -> Provenance:
    """Return the provenance in the metadata of a table; an empty one if there is none."""
    return _provenance(table.schema.metadata)


def _provenance(metadata: dict[bytes, bytes] | None) -> Provenance:
    attrs: dict[str, Any] = json.loads((metadata or {}).get(METADATA, b"{}"))
    return Provenance(attrs.get(ATTRS) or {})


def rows_of(content: bytes) -> pa.Table:
    """Return the rows of a file, without its metadata."""
    return pq.ParquetFile(pa.BufferReader(content)).read().replace_schema_metadata(None)
