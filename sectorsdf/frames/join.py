"""Addressed records: which are asked for, and how they join a list's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    import numpy.typing as npt

    from sectorsdf.datasets.schema import Dataset

__all__ = ["join_details"]


# What a listed row and the record that describes it must agree in, and what else is looked at
# where several rows do: figures may differ between the two endpoints, so they decide nothing alone.
_SAME_ROW = ("year", "commodity_type", "company_slug")
_NARROWER = ("name", "project_name", "production_volume", "strip_ratio", "unit")
_SAME_PLACE = ("company_slug", "province", "city")
_PLACE = ("latitude", "longitude")


def _alike(left: pd.DataFrame, right: pd.DataFrame, name: str) -> npt.NDArray[np.bool_]:
    """Tell for each row whether both have the same value, or both none."""
    one, other = left[name], right[name]
    same: npt.NDArray[np.bool_] = (one == other).to_numpy(dtype=bool, na_value=False)
    none: npt.NDArray[np.bool_] = (one.isna() & other.isna()).to_numpy(dtype=bool)
    both: npt.NDArray[np.bool_] = same | none
    return both


def join_details(
    listed: pd.DataFrame, details: pd.DataFrame, dataset: Dataset
) -> tuple[pd.DataFrame, list[dict[str, Any]], list[dict[str, Any]]]:
    """Give each listed row the figures of its own detail, and none of another's.

    The detail endpoint answers one record for a slug, while a slug can stand in several rows: in
    other years, for another commodity, of another company. Figures go to the row that the record
    describes; the place also goes to the other rows of the same company, province and city.

    Parameters
    ----------
    listed : pandas.DataFrame
        The list's rows.
    details : pandas.DataFrame
        The detail endpoint's records, one for each slug that it knows.
    dataset : Dataset
        The shape of the result.

    Returns
    -------
    tuple of pandas.DataFrame, list of dict and list of dict
        The joined rows; which of them have no figures of their own: ``row`` and what names it; and
        the details' problems, each with the ``row`` in which its value would stand, if any.
    """
    listed = listed.reset_index(drop=True)
    first = np.flatnonzero(~details["slug"].duplicated())
    found = pd.Index(details["slug"].iloc[first]).get_indexer(pd.Index(listed["slug"]))
    answer = np.append(first, -1)[found]
    answer[listed["slug"].isna()] = -1
    theirs = details.reset_index(drop=True).reindex(answer).set_axis(listed.index)

    def several(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which rows share their answer with another of these rows."""
        counts = np.bincount(answer + 1, weights=rows, minlength=len(details) + 1)
        crowd: npt.NDArray[np.bool_] = counts[answer + 1] > 1
        return crowd

    own = answer >= 0
    for name in _SAME_ROW:
        own &= _alike(listed, theirs, name)
    for name in _NARROWER:
        own &= ~several(own) | _alike(listed, theirs, name)
    own &= ~several(own)
    place = answer >= 0
    for name in _SAME_PLACE:
        place &= _alike(listed, theirs, name)
    names = [column.name for column in dataset.columns]
    declared = [name for name in names if name not in listed.columns]
    further = [name for name in details.columns if name not in names and name not in listed.columns]
    parts = {
        name: theirs[name].where(place if name in _PLACE else own) for name in (*declared, *further)
    }
    joined = pd.concat([listed, pd.DataFrame(parts, index=listed.index)], axis=1)
    strange = [name for name in listed.columns if name not in names]
    joined = joined[[*names, *strange, *further]]
    lacking = [
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
    for problem in details.attrs[ATTRS]["problems"]:
        column = problem["column"]
        used = (place if column in _PLACE else own) & (answer == problem["row"])
        rows = [] if column in listed.columns else np.flatnonzero(used).tolist()
        problems.append({**problem, "row": next(iter(rows), None)})
    return joined, lacking, problems
