"""Read the day that a check or a summary refers to.

No function takes the computer's clock for it, so every result can be repeated.
"""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd

__all__ = ["day_of"]


def day_of(as_of: date | str) -> pd.Timestamp:
    """Return a date, or a text such as "2025-08-31", as a day without time and time zone.

    A text such as "01/02/2026" is refused, because it can mean two days.
    """
    try:
        day = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        day = None
    if not isinstance(day, date) or pd.isna(day):
        message = f"as_of must be a day such as '2025-08-31', not {as_of!r:.60}"
        raise ValueError(message)
    return pd.Timestamp(day.year, day.month, day.day)
