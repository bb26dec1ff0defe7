"""Where a snapshot is in a root: names of folders and files, and the days in them.

A snapshot is ``dataset=mining_licenses/snapshot_date=2026-11-01/part-0.parquet``, as Hive names
partitions, so that other programs find the dataset and the day in the path.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple

from sectorsdf.datasets import DATASETS, no_such_dataset
from sectorsdf.errors import ConfigurationError

__all__ = ["PART", "Place", "checked_dataset", "parse_place", "to_day"]

PART = "part-0.parquet"
_PLACE = re.compile(rf"dataset=(\w+)/snapshot_date=(\d{{4}}-\d{{2}}-\d{{2}})/{re.escape(PART)}")


class Place(NamedTuple):
    """Which snapshot of a root is meant.

    Attributes
    ----------
    dataset : str
        The dataset's name.
    day : datetime.date
        The day of the snapshot.
    """

    dataset: str
    day: date

    @property
    def folder(self) -> str:
        """The folder in the root, with ``/`` between its parts."""
        return f"dataset={self.dataset}/snapshot_date={self.day.isoformat()}"

    @property
    def file(self) -> str:
        """The file in the root."""
        return f"{self.folder}/{PART}"


def parse_place(name: str) -> Place | None:
    """Return the snapshot whose file has this name in a root; None for any other file."""
    found = _PLACE.fullmatch(name)
    if found is None:
        return None
    try:
        return Place(found[1], date.fromisoformat(found[2]))
    except ValueError:
        return None


def to_day(value: object, name: str) -> date:
    """Return the day that an argument means.

    Parameters
    ----------
    value : str, datetime.date, datetime.datetime or pandas.Timestamp
        A text has the form 2026-11-01.
    name : str
        The argument's name, for the message.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        message = f"{name}={value!r} is not a day: give a date, or a text such as '2026-11-01'"
        raise ConfigurationError(message) from None


def checked_dataset(name: object) -> str:
    """Return the name of a dataset.

    Raises
    ------
    ConfigurationError
        If there is no such dataset.
    """
    if not isinstance(name, str) or name not in DATASETS:
        raise ConfigurationError(no_such_dataset(name))
    return name
