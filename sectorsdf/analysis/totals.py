"""Add up a column, one sum for each unit.

This module owns which numbers can be added: those with a unit that counts an amount. Where rows
have units of their own, it adds within each unit and never across.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import UnitError, listed
from sectorsdf.frames.inputs import require_frame
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorsdf.datasets.schema import Column

__all__ = ["totals"]

_UNIT: Final = "unit"
_ADDED: Final = ("rows", "rows_without_number", "reason_missing")
_NO_NUMBER: Final = "no row of the group has a number"
# Units of something that is not an amount, besides those with a slash.
_NO_AMOUNTS: Final = frozenset({"%", "degree", "ppm"})
# What must be the same in all rows whose figures are added, where the frame has the column.
_SAME: Final = ("measure", "stage", "category", "component")
_FIGURES: Final = frozenset({"value", "value_min", "value_max"})


def totals(
    frame: pd.DataFrame, by: str | Sequence[str] = (), value: str = "production_volume"
) -> pd.DataFrame:
    """Add up a column, one row for each group and unit.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of a getter, or rows of it. It is not changed.
    by : str or sequence of str
        The columns that make the groups. By default, all rows are one group.
    value : str, default "production_volume"
        The column to add up.

    Returns
    -------
    pandas.DataFrame
        One row for each group and unit, sorted by them: the columns of `by`, and then:

        ``value`` (under its own name) : float64, Int64 for whole numbers
            The sum; missing if no row of the group has a number.
        unit : string
            The unit of the sum; missing for rows that have none.
        rows : Int64
            The number of rows in the group.
        rows_without_number : Int64
            How many of them are not in the sum, because they have no number.
        reason_missing : string
            Why a sum is missing.

    Raises
    ------
    UnitError
        The unit of the column is not known, the column is not an amount (a grade, a price, a ratio,
        a coordinate), or figures of resources and reserves would be added over several measures,
        stages, categories or components.
    ValueError
        The frame does not have a column of `by`, or `value`.
    TypeError
        The argument is not a DataFrame.

    Notes
    -----
    Spends no credits. The unit is found in the declaration of the column, as
    :func:`sectorsdf.describe` shows it: it is one for the column, or another column has each row's.
    A site has one row for each year, so put ``year`` in `by`, or choose the rows of one year.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sites = sectorsdf.get_mining_sites(year=2024, client=client)
    >>> sums = sectorsdf.totals(sites, by="commodity_type")
    >>> sums[["commodity_type", "unit", "rows"]].to_numpy().tolist()
    [['Coal', 'Mt', 94], ['Copper', 'kton', 16], ['Gold', 'koz', 22], ['Nickel', 'wmt', 16]]
    """
    require_frame(frame)
    groups = [by] if isinstance(by, str) else list(by or ())
    absent = [name for name in [*groups, value] if name not in frame.columns]
    if absent:
        message = f"the frame has no column {listed(absent)}"
        if value in absent and (addable := _measured(frame)):
            message += f"; value= names the column to add up, such as {listed(addable)}"
        raise ValueError(message)
    column = _declared(frame, value)
    units = _units(frame, column)
    _refuse_what_cannot_be_added(frame, value, groups, units)
    numbers = frame[value].astype("Int64" if column.kind == "integer" else "Float64")
    keys = [name for name in groups if name != _UNIT]
    rows = frame[keys].assign(**{_UNIT: units, value: numbers})
    grouped = rows.groupby([*keys, _UNIT], dropna=False, sort=True)[value]
    sums = grouped.agg(sum=lambda column: column.sum(min_count=1), rows="size", numbers="count")
    result = sums.reset_index()
    added = result.pop("sum").astype("Int64" if column.kind == "integer" else "float64")
    result.insert(len(keys), value, added)
    result["rows"] = result["rows"].astype("Int64")
    result["rows_without_number"] = result["rows"] - result.pop("numbers").astype("Int64")
    empty = (result["rows"] == result["rows_without_number"]).to_numpy(dtype=bool)
    reason = pd.Series(pd.NA, index=result.index, dtype="string")
    result["reason_missing"] = reason.mask(empty, _NO_NUMBER)
    result = result.astype({name: frame[name].dtype for name in keys} | {_UNIT: "string"})
    result.attrs = frame.attrs.copy()
    return result[[*keys, value, _UNIT, *_ADDED]]


def _measured(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a frame that some dataset declares as amounts with a unit."""
    declared = {
        column.name
        for dataset in DATASETS.values()
        for column in dataset.columns
        if column.kind in {"number", "integer"}
        and (column.unit_in or (column.unit and _is_amount(column.unit)))
    }
    return [name for name in frame.columns if name in declared]


def _is_amount(unit: str) -> bool:
    return unit not in _NO_AMOUNTS and "/" not in unit


def _declared(frame: pd.DataFrame, value: str) -> Column:
    """Return the declaration of a column: of the frame's own dataset, or of all that have it."""
    own = DATASETS.get(str(Provenance.of_frame(frame).get("dataset")))
    found = [column for column in own.columns if column.name == value] if own else []
    # A detail that was joined to a list is declared by the other dataset.
    found = found or [
        column for each in DATASETS.values() for column in each.columns if column.name == value
    ]
    measured = [column for column in found if column.unit or column.unit_in]
    if not measured or any(column.kind not in {"number", "integer"} for column in measured):
        message = (
            f"{value!r} has no known unit, so its numbers may be of different things; "
            "sectorsdf.totals adds up declared columns with a unit, such as production_volume or "
            "licensed_area_ha"
        )
        raise UnitError(message)
    present = [column for column in measured if column.unit_in in frame.columns or column.unit]
    ways = {(column.unit, column.unit_in) for column in present}
    if len(ways) != 1:
        columns = ", ".join(sorted({str(column.unit_in) for column in measured if column.unit_in}))
        message = (
            f"the unit of {value!r} is in the column {columns}, which the frame does not have"
            if not ways
            else f"the unit of {value!r} depends on the dataset, and the frame does not say which "
            "it is from"
        )
        raise UnitError(message)
    return present[0]


def _units(frame: pd.DataFrame, column: Column) -> pd.Series[str]:
    if column.unit_in is not None and column.unit_in in frame.columns:
        return frame[column.unit_in].astype("string")
    return pd.Series(column.unit, index=frame.index, dtype="string")


def _refuse_what_cannot_be_added(
    frame: pd.DataFrame, value: str, groups: Iterable[str], units: pd.Series[str]
) -> None:
    used = units[frame[value].notna().to_numpy(dtype=bool)].dropna().unique()
    rates = sorted(str(unit) for unit in used if not _is_amount(unit))
    if rates:
        message = f"{value!r} in {', '.join(rates)} is not an amount, so it cannot be added up"
        raise UnitError(message)
    if value not in _FIGURES:
        return
    others = [name for name in _SAME if name in frame.columns and name not in groups]
    if differ := [name for name in others if frame[name].nunique(dropna=False) > 1]:
        message = (
            f"the figures differ in {listed(differ)}, and a sum over them counts the same ore more "
            "than once or mixes different things: add these columns to `by`, or choose the rows "
            "with one value of each"
        )
        raise UnitError(message)
