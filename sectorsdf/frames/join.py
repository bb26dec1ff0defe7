"""Join the rows of a list with the addressed records that describe them.

This module owns which row a record belongs to. It must not import a module that fetches or stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    import numpy.typing as npt

    from sectorsdf.datasets.schema import Dataset

__all__ = ["join_details"]


# A record describes a row if these columns agree. If several rows of one slug agree in them, the
# columns of _NARROWER decide; alone they decide nothing, because the two endpoints may give
# different figures.
_SAME_ROW = ("year", "commodity_type", "company_slug")
_NARROWER = ("name", "project_name", "production_volume", "strip_ratio", "unit")
_SAME_PLACE = ("company_slug", "province", "city")
_PLACE = ("latitude", "longitude")


def _equal_or_missing(left: pd.DataFrame, right: pd.DataFrame, name: str) -> npt.NDArray[np.bool_]:
    """Return for each row whether both have the same value, or neither has one."""
    one, other = left[name], right[name]
    same: npt.NDArray[np.bool_] = (one == other).to_numpy(dtype=bool, na_value=False)
    none: npt.NDArray[np.bool_] = (one.isna() & other.isna()).to_numpy(dtype=bool)
    both: npt.NDArray[np.bool_] = same | none
    return both


def join_details(
    listed: pd.DataFrame, details: pd.DataFrame, dataset: Dataset
) -> tuple[pd.DataFrame, list[dict[str, Any]], list[dict[str, Any]]]:
    """Add to each listed row the figures of its own detail, and of no other.

    The detail endpoint answers one record for a slug, but a slug can be in several rows: in other
    years, for another commodity, of another company. Figures go to the row that the record
    describes. The coordinates also go to the other rows of the same company, province and city.

    Parameters
    ----------
    listed : pandas.DataFrame
        The rows of the list.
    details : pandas.DataFrame
        The records of the detail endpoint, one for each slug that it knows.
    dataset : Dataset
        The declaration of the result.

    Returns
    -------
    tuple of pandas.DataFrame, list of dict and list of dict
        The joined rows; the rows without figures of their own, as ``row`` and the columns that
        identify it; and the problems of the details, each with the ``row`` that its value would be
        in, or None.
    """
    listed = listed.reset_index(drop=True)
    first = np.flatnonzero(~details["slug"].duplicated())
    found = pd.Index(details["slug"].iloc[first]).get_indexer(pd.Index(listed["slug"]))
    detail_of_row = np.append(first, -1)[found]
    detail_of_row[listed["slug"].isna()] = -1
    matched = details.reset_index(drop=True).reindex(detail_of_row).set_axis(listed.index)

    def share_detail(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which rows have the same detail as another of these rows."""
        counts = np.bincount(detail_of_row + 1, weights=rows, minlength=len(details) + 1)
        shared: npt.NDArray[np.bool_] = counts[detail_of_row + 1] > 1
        return shared

    own = detail_of_row >= 0
    for name in _SAME_ROW:
        own &= _equal_or_missing(listed, matched, name)
    for name in _NARROWER:
        own &= ~share_detail(own) | _equal_or_missing(listed, matched, name)
    own &= ~share_detail(own)
    same_place = detail_of_row >= 0
    for name in _SAME_PLACE:
        same_place &= _equal_or_missing(listed, matched, name)
    names = [column.name for column in dataset.columns]
    declared = [name for name in names if name not in listed.columns]
    extra = [name for name in details.columns if name not in names and name not in listed.columns]
    parts = {
        name: matched[name].where(same_place if name in _PLACE else own)
        for name in (*declared, *extra)
    }
    joined = pd.concat([listed, pd.DataFrame(parts, index=listed.index)], axis=1)
    undeclared = [name for name in listed.columns if name not in names]
    joined = joined[[*names, *undeclared, *extra]]
    rows_without = [
        {
            "row": int(row),
            **{name: None if pd.isna(value) else str(value) for name, value in key.items()},
        }
        for row, key in zip(
            np.flatnonzero(~own),
            listed.loc[~own, ["slug", *_SAME_ROW]].to_dict("records"),
            strict=True,
        )
    ]
    problems = []
    for problem in Provenance.of_frame(details)["problems"]:
        column = problem["column"]
        used = (same_place if column in _PLACE else own) & (detail_of_row == problem["row"])
        rows = [] if column in listed.columns else np.flatnonzero(used).tolist()
        problems.append({**problem, "row": next(iter(rows), None)})
    return joined, rows_without, problems
