"""Find for each row of a table the row of another table that is the same record.

Rows belong together if their keys are equal. Where a key repeats, rows with equal content belong
together first, and then those with the most equal columns. The order of the rows never matters.
This module knows nothing of files and of what a change means.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.snapshots.repeats import pair_repeats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Indices = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

__all__ = ["Match", "comparable", "match_rows"]

# Codes of several columns are joined into one number as long as it fits.
_MOST_CODES = 1 << 62
# So many columns are compared at the same time; each needs memory for a copy of it.
_WORKERS = 4


@dataclass(frozen=True)
class Match:
    """Which rows of two tables belong together.

    Attributes
    ----------
    old, new : array of int
        The numbers of the rows that belong together, pair by pair.
    only_old, only_new : array of int
        The rows that belong to no row of the other table.
    differing : mapping of str to array of bool
        For each column that differs anywhere, whether it differs in each pair.
    occurrence_old, occurrence_new : array of int
        For each row, which of the rows with its key it is, counted from 1 in the order of their
        content; 1 where the key does not repeat.
    """

    old: Indices
    new: Indices
    only_old: Indices
    only_new: Indices
    differing: Mapping[str, Mask]
    occurrence_old: Indices
    occurrence_new: Indices

    @property
    def changed(self) -> Mask:
        """Whether anything differs in each pair."""
        changed = np.zeros(len(self.old), dtype=bool)
        for mask in self.differing.values():
            changed |= mask
        return changed


def comparable(old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the columns that both tables have, in the order of the new one and of equal types."""
    names = [name for name in new.column_names if name in set(old.column_names)]
    pairs = [_alike(old.column(name), new.column(name)) for name in names]
    return (
        pa.table({name: pair[0] for name, pair in zip(names, pairs, strict=True)}),
        pa.table({name: pair[1] for name, pair in zip(names, pairs, strict=True)}),
    )


def match_rows(old: pa.Table, new: pa.Table, key: Sequence[str]) -> Match:
    """Return which rows of two comparable tables belong together, and where they differ."""
    old_codes, new_codes, count = _codes(old, new, key)
    old_counts = np.bincount(old_codes, minlength=count)
    new_counts = np.bincount(new_codes, minlength=count)
    position = np.full(count, -1, dtype=np.int64)
    position[new_codes] = np.arange(len(new_codes))
    once = (old_counts <= 1) & (new_counts <= 1)
    # The new row of each old row, -1 if there is none.
    partner = np.where(once[old_codes], position[old_codes], -1)
    alone_new = np.flatnonzero(once[new_codes] & (old_counts[new_codes] == 0))
    occurrences = np.ones(len(old), dtype=np.int64), np.ones(len(new), dtype=np.int64)
    if not once.all():
        rows = np.flatnonzero(~once[old_codes]), np.flatnonzero(~once[new_codes])
        repeats = pair_repeats(
            old.take(pa.array(rows[0])),
            new.take(pa.array(rows[1])),
            old_codes[rows[0]],
            new_codes[rows[1]],
        )
        for numbers, own, found in zip(occurrences, rows, repeats.occurrences, strict=True):
            numbers[own] = found
        partner[rows[0][repeats.pairs[0]]] = rows[1][repeats.pairs[1]]
        alone_new = np.concatenate([alone_new, rows[1][repeats.alone_new]])
    paired = partner >= 0
    differing = _differences(old, new, partner, set(key))
    return Match(
        np.flatnonzero(paired),
        partner[paired],
        np.flatnonzero(~paired),
        alone_new,
        {name: mask[paired] for name, mask in differing.items()},
        *occurrences,
    )


def _codes(old: pa.Table, new: pa.Table, key: Sequence[str]) -> tuple[Indices, Indices, int]:
    """Return a whole number for each row, the same for equal keys, and how many there are."""
    codes, size = np.zeros(len(old) + len(new), dtype=np.int64), 1
    for name in key:
        both = pa.chunked_array(
            [*old.column(name).chunks, *new.column(name).chunks], old.column(name).type
        )
        encoded = both.dictionary_encode(null_encoding="encode").combine_chunks()
        own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        own_size = max(len(encoded.dictionary), 1)
        if size * own_size >= _MOST_CODES:
            codes, size = _compacted(codes)
        codes = codes * own_size + own
        size *= own_size
    if len(key) > 1:
        codes, size = _compacted(codes)
    return codes[: len(old)], codes[len(old) :], size


def _compacted(codes: Indices) -> tuple[Indices, int]:
    numbers, values = pd.factorize(codes)
    return numbers.astype(np.int64), max(len(values), 1)


def _differences(old: pa.Table, new: pa.Table, partner: Indices, key: set[str]) -> dict[str, Mask]:
    """Return for each column that differs in any pair whether it differs in each old row."""
    paired = partner >= 0
    in_order = len(new) == len(partner) and bool((partner == np.arange(len(partner))).all())
    order = None if in_order else pa.array(partner, mask=~paired)

    def differs(name: str) -> Mask:
        before, after = old.column(name), new.column(name)
        if before.null_count == len(before) and after.null_count == len(after):
            return np.zeros(len(before), dtype=bool)
        return _unequal(before, after if order is None else after.take(order)) & paired

    names = [name for name in new.column_names if name not in key]
    # Arrow works outside of Python's lock.
    with ThreadPoolExecutor(_WORKERS) as pool:
        found = dict(zip(names, pool.map(differs, names), strict=True))
    return {name: mask for name, mask in found.items() if mask.any()}


def _unequal(before: pa.ChunkedArray, after: pa.ChunkedArray) -> Mask:
    """Return where two columns differ; a missing value equals a missing value only."""
    if pa.types.is_null(before.type):
        return np.zeros(len(before), dtype=bool)
    unequal = pc.fill_null(pc.not_equal(before, after), fill_value=False)
    if before.null_count or after.null_count:
        unequal = pc.or_(unequal, pc.xor(pc.is_null(before), pc.is_null(after)))
    mask: Mask = unequal.to_numpy().astype(bool)
    return mask


def _alike(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return two columns as one type that both fit, with a single chunk each."""
    old, new = _plain(old), _plain(new)
    if old.type != new.type:
        common = _common_type(old.type, new.type)
        old, new = old.cast(common), new.cast(common)
    return _single(old), _single(new)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as a type that can be compared, without NaN, which equals nothing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        nan = pc.is_nan(column)
        return pc.if_else(nan, None, column) if pc.any(nan).as_py() else column
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_nested(kind):
        texts = [None if value is None else _json(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if str(kind) in {"large_string", "string_view"}:
        return column.cast(pa.string())
    return column


def _json(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False, default=str)


def _common_type(old: pa.DataType, new: pa.DataType) -> pa.DataType:
    if pa.types.is_null(old):
        return new
    if pa.types.is_null(new):
        return old
    kinds = (pa.types.is_integer, pa.types.is_floating)
    if all(any(check(each) for check in kinds) for each in (old, new)):
        return pa.float64()
    times = (pa.types.is_date, pa.types.is_timestamp)
    if all(any(check(each) for check in times) for each in (old, new)):
        return pa.timestamp("us")
    return pa.string()


def _single(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with one chunk, from which rows are taken much faster."""
    if column.num_chunks == 1:
        return column
    try:
        whole = column.combine_chunks()
    except pa.ArrowInvalid:
        # The texts of all chunks are longer than one chunk can be.
        return column
    return whole if isinstance(whole, pa.ChunkedArray) else pa.chunked_array([whole])
