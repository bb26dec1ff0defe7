"""Check that an argument is a frame and has the columns that a function reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sectorsdf.errors import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["require_columns", "require_frame"]


def require_frame(data: object) -> None:
    """Raise TypeError if the argument is not a DataFrame."""
    if not isinstance(data, pd.DataFrame):
        message = f"a DataFrame is needed, not {type(data).__name__}: {data!r:.80}"
        raise TypeError(message)


def require_columns(frame: pd.DataFrame, columns: Sequence[str], getter: str) -> None:
    """Raise ValueError if a column is missing; the message names the getter that returns it."""
    require_frame(frame)
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        them = "it" if len(absent) == 1 else "them"
        message = f"the frame has no column {listed(absent, show=str)}; {getter} returns {them}"
        raise ValueError(message)
