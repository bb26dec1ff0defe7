"""Take combined provinces apart: one row for each row and province.

This module owns how a row that names several provinces is split. Where the API does not say how
much of an area lies in which province, the share is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.frames.inputs import require_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["explode_provinces"]

_ADDED: Final = ("provinces", "share", "reason_missing")
_UNKNOWN_SPLIT: Final = (
    "the area lies in several provinces, and the API does not say how much of it lies in each"
)


def explode_provinces(frame: pd.DataFrame, column: str = "province") -> pd.DataFrame:
    """Return one row for each row and province, from rows that can name several provinces.

    An area that lies in two provinces has both in one text, such as "Kalimantan Tengah, Kalimantan
    Timur". Neither ``province="Kalimantan Timur"`` nor a comparison of the column finds it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Licences, auctions or sites. It is not changed.
    column : str, default "province"
        The column with the provinces, separated by commas.

    Returns
    -------
    pandas.DataFrame
        The columns of `frame`, with one province in `column`, as the API writes it, and then:

        provinces : Int64
            The number of provinces that the row named; 0 if none.
        share : float64
            The part of the row's area that lies in this province: 1 if it named one province or
            none, missing if it named several.
        reason_missing : string
            Why the share is missing.

        The rows keep their order and their index labels, so the rows of one area share a label. A
        number such as ``licensed_area_ha`` stands whole in each of them: multiply it by ``share``
        before adding it up, and look at ``reason_missing`` for what the sum leaves out.

    Raises
    ------
    TypeError
        The argument is not a DataFrame.
    ValueError
        The frame does not have `column`, or has one of the added columns already.

    Notes
    -----
    Spends no credits.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licenses = sectorsdf.get_mining_licenses(client=client)
    >>> exploded = sectorsdf.explode_provinces(licenses)
    >>> timur = exploded[exploded["province"] == "Kalimantan Timur"]
    >>> len(timur), int(timur["share"].isna().sum())
    (350, 6)
    """
    require_frame(frame)
    if column not in frame.columns:
        message = f"the frame has no column {column!r} with provinces"
        raise ValueError(message)
    present = [name for name in _ADDED if name in frame.columns]
    if present:
        message = (
            f"the frame already has {', '.join(present)}, as after an earlier explode_provinces: "
            "pass the frame from before, or rename or drop them"
        )
        raise ValueError(message)
    names = [_names_of(text) for text in frame[column]]
    rows = [row for row, each in enumerate(names) for _ in each]
    exploded = frame.iloc[rows].copy()
    exploded.attrs = frame.attrs.copy()
    exploded[column] = pd.array([name for each in names for name in each], dtype="string")
    counts = [len(each) if each[0] is not None else 0 for each in names]
    exploded["provinces"] = pd.array([counts[row] for row in rows], dtype="Int64")
    several = (exploded["provinces"] > 1).to_numpy(dtype=bool)
    share = pd.Series(1.0, index=exploded.index, dtype="float64")
    exploded["share"] = share.mask(several)
    reason = pd.Series(pd.NA, index=exploded.index, dtype="string")
    exploded["reason_missing"] = reason.mask(several, _UNKNOWN_SPLIT)
    return exploded


def _names_of(text: object) -> Sequence[str | None]:
    """Return the provinces of a text, each once; one missing value if it names none."""
    if not isinstance(text, str):
        return [None]
    names = dict.fromkeys(name.strip() for name in text.split(","))
    names.pop("", None)
    return list(names) or [None]
