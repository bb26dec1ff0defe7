"""What a change of a value means: a transfer, a longer term, another spelling, and so on.

This module knows the columns of the datasets by their names. It must not know how changes are
found.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.companies.names import parse_company_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Kinds = npt.NDArray[np.object_]

__all__ = ["KINDS", "kinds_of_column", "kinds_of_slugs"]

KINDS = (
    *("added", "removed", "transferred", "respelt", "extended", "shortened"),
    *("area", "upgraded", "cnc", "moved", "other"),
)
"""Every kind of change."""

HOLDER = "company_name"
HOLDER_SLUG = "company_slug"
_NAMES = frozenset(
    {"name", "project_name", "parent_name", "child_name", "mine_owner_name", "contractor_name"}
)
_LAST_DAYS = frozenset({"license_expiry_date", "contract_period_end", "end_date"})
_PLACES = frozenset(
    {
        *("province", "city", "location", "longitude", "latitude", "location_geojson"),
        *("operation_province", "operation_district"),
    }
)
# The stage of a licence that explores, and that of one that produces.
_UPGRADE = ("Eksplorasi", "Operasi Produksi")


def kinds_of_column(name: str, old: pa.ChunkedArray, new: pa.ChunkedArray) -> Kinds:
    """Return the kind of each change of a column's values."""
    kinds = np.full(len(old), _usual_kind(name), dtype=object)
    both = pc.and_(pc.is_valid(old), pc.is_valid(new)).to_numpy(zero_copy_only=False)
    if name in _LAST_DAYS and pa.types.is_temporal(old.type):
        later = pc.fill_null(pc.greater(new, old), False).to_numpy(zero_copy_only=False)  # noqa: FBT003
        kinds[both & later] = "extended"
        kinds[both & ~later] = "shortened"
    elif name == "activity":
        was = pc.fill_null(pc.equal(old, _UPGRADE[0]), False)  # noqa: FBT003
        now = pc.fill_null(pc.equal(new, _UPGRADE[1]), False)  # noqa: FBT003
        kinds[pc.and_(was, now).to_numpy(zero_copy_only=False)] = "upgraded"
    if pa.types.is_string(old.type):
        is_name = name == HOLDER or name in _NAMES
        before, after = (
            (_name_keys if is_name else _folded)(column.filter(pa.array(both)))
            for column in (old, new)
        )
        same = np.zeros(len(old), dtype=bool)
        same[both] = before == after
        kinds[same] = "respelt"
        if name == HOLDER:
            kinds[both & ~same] = "transferred"
    return kinds


def kinds_of_slugs(pairs: npt.NDArray[np.int64], holders: Mapping[int, str]) -> Kinds:
    """Return the kinds of changes of holders' slugs, which follow their names.

    Parameters
    ----------
    pairs : array of int
        The numbers of the pairs of rows in which a slug has changed.
    holders : mapping of int to str
        The kind of the change of the name, for each pair that has one.
    """
    return np.array([holders.get(pair, "other") for pair in pairs.tolist()], dtype=object)


def _usual_kind(name: str) -> str:
    if name == "licensed_area_ha":
        return "area"
    if name == "cnc":
        return "cnc"
    return "moved" if name in _PLACES else "other"


def _name_keys(names: pa.ChunkedArray) -> Kinds:
    """Return what all spellings of a company's name share, or the name if it has no such key."""
    texts = pd.Series(names.to_pylist(), dtype="object")
    keys = parse_company_name(texts)["key"].astype(object).to_numpy()
    return np.where(pd.isna(keys), _folded(names), keys)


def _folded(texts: pa.ChunkedArray) -> Kinds:
    """Return texts in one letter case and with single spaces."""
    folded = [
        " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        for text in texts.to_pylist()
    ]
    return np.array(folded, dtype=object)
