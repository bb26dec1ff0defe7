"""Defaults of the whole process: set once, used by every call that says nothing else."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, Self, TypedDict, Unpack

from sectorsdf.errors import ConfigurationError

__all__ = [
    "CACHE_VARIABLE",
    "PROGRESS_VARIABLE",
    "Options",
    "as_age",
    "default_cache",
    "default_max_age",
    "default_progress",
    "set_options",
]


CACHE_VARIABLE = "SECTORSDF_CACHE"
PROGRESS_VARIABLE = "SECTORSDF_PROGRESS"
_MAX_AGE = timedelta(days=7)
_YES = frozenset({"1", "true", "yes", "on"})
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)", re.ASCII)
_NO = frozenset({"", "0", "false", "no", "off"})


class Options(TypedDict, total=False):
    """What `set_options` takes.

    Attributes
    ----------
    cache : bool, str or path-like
        Whether, and where, frames are kept as Parquet: True is the user's cache folder.
    max_age : timedelta or str
        How old a kept frame may be, such as ``"36h"``; 7 days by default.
    progress : bool
        Whether a bar shows how far a fetch has come; by default on a terminal and in a notebook.
    """

    cache: bool | str | os.PathLike[str]
    max_age: str | timedelta
    progress: bool


_current: dict[str, Any] = {}


class set_options:  # noqa: N801 - used as a function, or for one block
    """Set defaults for every call of this process, or, as a context manager, for one block.

    Parameters
    ----------
    cache : bool, str or path-like, optional
        Whether, and where, frames are kept as Parquet and taken from there: True is the user's
        cache folder, a text or path another folder, a URL such as ``s3://bucket/prefix`` a remote
        one (extra ``remote``), False nothing.
    max_age : timedelta or str, optional
        How old a kept frame may be to be used, such as ``"36h"`` or ``"30d"``; 7 days by default.
    progress : bool, optional
        Whether a bar shows how far a fetch has come.

    Raises
    ------
    ConfigurationError
        An option is unknown or cannot be used; nothing is changed then.

    Notes
    -----
    An argument of a call goes before its client's, that before these, and these before the
    environment's ``SECTORSDF_CACHE`` and ``SECTORSDF_PROGRESS``.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.set_options(cache=False, max_age="36h"):
    ...     pass
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            message = (
                f"unknown option(s) {', '.join(sorted(unknown))}; there are "
                f"{', '.join(Options.__annotations__)}."
            )
            raise ConfigurationError(message)
        if "max_age" in options:
            as_age(options["max_age"])
        self._before = dict(_current)
        _current.update(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        _current.clear()
        _current.update(self._before)


def as_age(value: object) -> timedelta:
    """Return a length of time, given as such or as a text such as "36h".

    Raises
    ------
    ConfigurationError
        It is neither, or is negative.
    """
    age = value
    if isinstance(value, str):
        # Not by pandas, to which a bare number is so many nanoseconds, and "m" a minute or a month.
        parts = _PART.findall(value.strip().lower())
        whole = parts and "".join(map("".join, parts)) == "".join(value.lower().split())
        try:
            age = timedelta(seconds=sum(float(n) * _UNITS[u] for n, u in parts)) if whole else None
        except OverflowError:
            age = None
    if not isinstance(age, timedelta) or age < timedelta(0):
        message = (
            f"max_age={value!r}: give a length of time such as '90min', '36h', '7d' or '2w', or a "
            "timedelta."
        )
        raise ConfigurationError(message)
    return age


def default_max_age() -> timedelta:
    """Return how old a kept frame may be where a call does not say."""
    return as_age(_current.get("max_age", _MAX_AGE))


def default_cache() -> bool | str | os.PathLike[str]:
    """Return where frames are kept where neither a call nor its client says."""
    if "cache" in _current:
        chosen: bool | str | os.PathLike[str] = _current["cache"]
        return chosen
    text = os.environ.get(CACHE_VARIABLE, "").strip()
    folded = text.lower()
    return folded in _YES if folded in _YES | _NO else text


def default_progress() -> bool | None:
    """Return whether progress is shown where a call does not say; None where nobody said."""
    if "progress" in _current:
        return bool(_current["progress"])
    text = os.environ.get(PROGRESS_VARIABLE, "").strip().lower()
    return text in _YES if text and text in _YES | _NO else None
