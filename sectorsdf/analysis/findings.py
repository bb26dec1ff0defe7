"""Put the findings of several checks into one frame.

A check is a function that returns the rows it reports. This module owns the columns that all
findings have. It must not know what is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.errors import ConfigurationError, listed
from sectorsdf.frames.inputs import require_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["columns_of", "finding", "in_one_frame"]

_FINDING: Final = dict.fromkeys(("check", "message", "expected", "found"), "string")


def columns_of(frame: pd.DataFrame, dtypes: Mapping[str, str], check: str) -> pd.DataFrame:
    """Return the columns that a check reads, with its dtypes and the rows numbered from 0.

    Raises
    ------
    TypeError
        The argument is no DataFrame.
    ConfigurationError
        A column is missing, as in a frame of another dataset.
    """
    require_frame(frame)
    absent = [name for name in dtypes if name not in frame.columns]
    if absent:
        message = f"{check} needs the column{'s' * (len(absent) > 1)} {listed(absent, show=str)}"
        raise ConfigurationError(message)
    return frame[list(dtypes)].reset_index(drop=True).astype(dict(dtypes))


def finding(
    rows: pd.DataFrame,
    check: str,
    message: str | pd.Series,
    expected: str | pd.Series | None = None,
    found: str | pd.Series | None = None,
) -> pd.DataFrame:
    """Return rows as findings of one check. The rows keep their index, which is their position."""
    texts = {"check": check, "message": message, "expected": expected, "found": found}
    columns = {
        name: text.reindex(rows.index) if isinstance(text, pd.Series) else text
        for name, text in texts.items()
    }
    return rows.assign(**columns)


def in_one_frame(findings: Sequence[pd.DataFrame], keys: Mapping[str, str]) -> pd.DataFrame:
    """Return all findings in the order of the rows, then of the checks, with fixed dtypes."""
    dtypes = {"position": "Int64", **keys, **_FINDING}
    parts = [part for part in findings if len(part)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in dtypes.items()})
    parts = [part.assign(position=part.index)[list(dtypes)].astype(dtypes) for part in parts]
    return pd.concat(parts).sort_values("position", kind="stable").reset_index(drop=True)
