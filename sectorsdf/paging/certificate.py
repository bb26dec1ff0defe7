"""The end of a sweep: the order of the rows, and the certificate that proves them.

Reads the state of a sweep and changes nothing. Imports `index` only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sectorsdf.paging.index import combined_digest, sort_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorsdf.paging.index import RowIndex

__all__ = ["SweepResult", "SweepState", "certificate", "ordered_rows"]


@dataclass(frozen=True)
class SweepResult:
    """The order of the rows, by row number, and the certificate."""

    order: Sequence[int]
    certificate: dict[str, Any]


class SweepState(Protocol):
    """What a sweep shows of itself when it ends; see `sectorsdf.paging.sweep.Sweep`."""

    index: RowIndex
    order: str
    requested_order: str
    by_facets: bool
    order_moved: bool
    total: int | None
    pages: int
    repaired_pages: int
    credits: int
    begun: float
    notes: list[str]

    @property
    def field(self) -> str:
        """The field that the swept order sorts by."""

    def rows(self) -> Sequence[int]:
        """Return the numbers of all rows."""


def ordered_rows(sweep: SweepState) -> Sequence[int]:
    """Return the row numbers in the order that the caller requested."""
    rows = sweep.rows()
    if sweep.by_facets or sweep.order != sweep.requested_order:
        return _sort(sweep, rows)
    if len(rows) == len(sweep.index.position_of):
        return rows
    # Rows from repair follow the rows that they tie with.
    values = sweep.index.columns[sweep.field]
    groups: dict[Any, list[int]] = {}
    for number in rows:
        groups.setdefault(values[number], []).append(number)
    return [number for group in groups.values() for number in group]


def _sort(sweep: SweepState, rows: Sequence[int]) -> list[int]:
    """Sort rows as the caller requested, and ties by digest, so that every sweep agrees."""
    field = sweep.requested_order.lstrip("-")
    by_digest = np.asarray(rows, np.int64)
    keys = sweep.index.numbers.keys()[by_digest]
    return sorted(
        by_digest[np.argsort(keys, kind="stable")].tolist(),
        key=lambda number: sort_key(sweep.index.value(number, field)),
        reverse=sweep.requested_order.startswith("-"),
    )


def certificate(sweep: SweepState, order: Sequence[int]) -> dict[str, Any]:
    """Return the proof of completeness, as the frame's provenance contains it."""
    numbers = sweep.index.numbers
    selected = None if len(order) == len(numbers) else np.asarray(order, np.int64)
    return {
        "complete": len(order) == sweep.total,
        "total": sweep.total,
        "rows": len(order),
        "pages": sweep.pages,
        "repaired_pages": sweep.repaired_pages,
        "credits": sweep.credits,
        "duration_s": round(time.monotonic() - sweep.begun, 3),
        "order_moved": sweep.order_moved,
        "digest": combined_digest(numbers.sorted_digests(selected)),
        "notes": list(sweep.notes),
    }
