"""Defaults of the process: what `set_options` or the environment says.

Owns ``set_options`` and the two environment variables. Knows no client and no call:
`sectorsdf.client.call_config` decides which of the call, the client and these defaults applies.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from sectorsdf.config.checks import flag
from sectorsdf.config.settings import location
from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CACHE_VARIABLE",
    "MAX_AGE",
    "PROGRESS_VARIABLE",
    "Options",
    "as_age",
    "cache_location",
    "default_cache",
    "default_max_age",
    "default_progress",
    "set_options",
]


CACHE_VARIABLE = "SECTORSDF_CACHE"
PROGRESS_VARIABLE = "SECTORSDF_PROGRESS"
MAX_AGE = timedelta(days=7)
"""How old a cached frame may be, unless something says otherwise."""
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)", re.ASCII)


class Options(TypedDict, total=False):
    """The options of `set_options`.

    Attributes
    ----------
    cache : bool, str or path-like
        Whether, and where, frames are cached as Parquet: True is the user's cache folder.
    max_age : timedelta or str
        How old a cached frame may be, such as ``"36h"``; by default 7 days.
    progress : bool
        Whether a bar shows the progress of a fetch; by default on a terminal and in a notebook.
    """

    cache: bool | str | os.PathLike[str]
    max_age: str | timedelta
    progress: bool


_current: dict[str, Any] = {}


class set_options:  # noqa: N801 - used as a function, or for one block
    """Set defaults for all calls of this process, or, as a context manager, for one block.

    Parameters
    ----------
    cache : bool, str or path-like, optional
        Whether, and where, frames are cached as Parquet: True is the user's cache folder, a string
        or path another folder, a URL such as ``s3://bucket/prefix`` a remote one (extra
        ``remote``). False turns the cache off.
    max_age : timedelta or str, optional
        How old a cached frame may be to be used, such as ``"36h"`` or ``"30d"``; by default 7 days.
    progress : bool, optional
        Whether a bar shows the progress of a fetch.

    Raises
    ------
    ConfigurationError
        An option is unknown or cannot be used; no option is changed then.

    Notes
    -----
    Precedence, highest first: the call's argument, the client's, `set_options`, then the
    environment variables ``SECTORSDF_CACHE`` and ``SECTORSDF_PROGRESS``.

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
                f"set_options has unknown option(s) {', '.join(sorted(unknown))}; the options are "
                f"{', '.join(Options.__annotations__)}."
            )
            raise ConfigurationError(message)
        if "max_age" in options:
            as_age(options["max_age"])
        if "progress" in options:
            flag("progress", options["progress"])
        if "cache" in options:
            cache_location(options["cache"])
        self._before = dict(_current)
        _current.update(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        _current.clear()
        _current.update(self._before)


def as_age(value: object, name: str = "max_age") -> timedelta:
    """Return a length of time as a timedelta; a string such as ``"36h"`` is parsed.

    Parameters
    ----------
    value : object
        The value of an argument.
    name : str
        The argument's name, for the error.

    Raises
    ------
    ConfigurationError
        It is neither a timedelta nor such a string, or it is negative.
    """
    age = value
    if isinstance(value, str):
        # Not parsed by pandas, which reads a bare number as nanoseconds and "m" as minutes.
        parts = _DURATION_PART.findall(value.strip().lower())
        valid = parts and "".join(map("".join, parts)) == "".join(value.lower().split())
        try:
            age = timedelta(seconds=sum(float(n) * _UNITS[u] for n, u in parts)) if valid else None
        except OverflowError:
            age = None
    if not isinstance(age, timedelta) or age < timedelta(0):
        message = (
            f"{name}={value!r}: give a length of time such as '90min', '36h', '7d' or '2w', or a "
            "timedelta."
        )
        raise ConfigurationError(message)
    return age


def cache_location(cache: object) -> bool | str | Path:
    """Return a `cache` option as True, False, a URL or a folder.

    Raises
    ------
    ConfigurationError
        If it is none of these.
    """
    if isinstance(cache, bool):
        return cache
    if not isinstance(cache, str | os.PathLike) or not os.fspath(cache):
        message = f"cache={cache!r}: give True, False, a folder, or a URL such as s3://bucket/path."
        raise ConfigurationError(message)
    if (word := str(cache).lower()) in _YES | _NO:
        message = (
            f"cache={cache!r} would be a folder of this name: give cache={word in _YES}, or "
            f"'./{cache}' for the folder."
        )
        raise ConfigurationError(message)
    return location(cache, "cache")


def default_max_age() -> timedelta | None:
    """Return the largest age of an answer by `set_options`, or None."""
    return as_age(_current["max_age"]) if "max_age" in _current else None


def default_cache() -> bool | str | os.PathLike[str]:
    """Return the cache by `set_options` or ``SECTORSDF_CACHE``, or False."""
    if "cache" in _current:
        cache: bool | str | os.PathLike[str] = _current["cache"]
        return cache
    text = os.environ.get(CACHE_VARIABLE, "").strip()
    word = text.lower()
    return word in _YES if word in _YES | _NO else text


def default_progress() -> bool | None:
    """Return whether progress is shown by `set_options` or ``SECTORSDF_PROGRESS``, or None."""
    if "progress" in _current:
        return bool(_current["progress"])
    text = os.environ.get(PROGRESS_VARIABLE, "").strip().lower()
    return text in _YES if text and text in _YES | _NO else None
