"""From the rows of a cached file to the frame that a query asks for.

This module must not read or write files, and must not import `client` or anything above it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sectorsdf.cache.filtering import select
from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.provenance import ATTRS, Provenance

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from sectorsdf.cache.keys import CacheKey, Residual
    from sectorsdf.datasets.schema import Dataset

__all__ = ["METADATA", "answer_from", "provenance_of"]

METADATA = b"sectorsdf"
"""The entry of a file's metadata that describes the file itself."""


def provenance_of(table: pa.Table) -> Provenance:
    """Return the provenance in a file's metadata."""
    return Provenance(json.loads(table.schema.metadata[b"PANDAS_ATTRS"])[ATTRS])


def _columns_without_field(dataset: Dataset, provenance: Provenance) -> set[str]:
    """Return the columns whose field the API has left out of some rows."""
    missing = set(provenance["missing_fields"])
    return {column.name for column in dataset.columns if column.source in missing}


def answer_from(table: pa.Table, key: CacheKey, residual: Residual) -> pd.DataFrame | None:
    """Return the rows of a file that a query asks for, or None if the columns do not show them."""
    provenance = provenance_of(table)
    whole = key.max_rows is None or key.max_rows >= len(table)
    if whole and not residual.filters and residual.order is None:
        return provenance.attach(from_arrow(table.replace_schema_metadata(None)))
    with_problems = {problem["column"] for problem in provenance["problems"]}
    doubtful = with_problems | _columns_without_field(key.dataset, provenance)
    rows = select(table, key.dataset, residual.filters, residual.order, doubtful=doubtful)
    if rows is None:
        return None
    total = len(rows)
    rows = rows[: key.max_rows]
    position_of = {row: i for i, row in enumerate(rows.to_pylist())} if with_problems else {}
    problems = [
        {**problem, "row": position_of[problem["row"]]}
        for problem in provenance["problems"]
        if problem["row"] in position_of
    ]
    chosen = table.take(rows).replace_schema_metadata(None)
    # A file of an earlier version has no digest.
    if "digest" in provenance.entries:
        provenance = provenance.updated(digest=table_digest(chosen))
    return provenance.updated(
        rows=len(rows),
        problems=sorted(problems, key=lambda problem: int(problem["row"])),
        complete=provenance["complete"] and len(rows) == total,
    ).attach(from_arrow(chosen))
