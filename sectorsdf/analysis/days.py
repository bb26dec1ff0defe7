"""Read the day that a check or a summary refers to.

No function takes the computer's clock for it, so every result can be repeated.
"""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd

__all__ = ["day_of"]


def day_of(as_of: date | str) -> pd.Timestamp:
    """Return a date, or a text such as "2025-08-31", as a day without time and time zone."""
    if isinstance(as_of, date | str):
        day = pd.to_datetime(as_of, errors="coerce")
        if isinstance(day, datetime) and day == day:  # noqa: PLR0124 - false for NaT
            return pd.Timestamp(day.year, day.month, day.day)
    message = f"as_of must be a day such as '2025-08-31', not {as_of!r}"
    raise ValueError(message)
