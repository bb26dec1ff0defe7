"""What a call may be told besides its filters, and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from sectorsdf.datasets import query as q
from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import timedelta

    from sectorsdf.datasets.schema import Dataset

__all__ = ["CallOptions", "Quote", "positive", "settled"]


class CallOptions(TypedDict, total=False):
    """What every getter takes besides its filters.

    Attributes
    ----------
    max_credits : int
        Refuse before spending more than this.
    workers : int
        How many pages are under way at once.
    repair_credits : int
        How many pages may be asked again where rows moved; by default half of the sweep's own, at
        least 20, and what the sweep left out because they moved.
    allow_partial : bool
        Return what came, with a warning, where completeness cannot be shown.
    resume : bool
        False starts afresh instead of taking paid pages from the journal.
    resume_within : float
        Seconds for which a paid page of an unfinished call may be used; by default one hour.
    cache : bool, str or path-like
        Whether, and where, the result is kept as Parquet and taken from there: True is the user's
        cache folder; a folder; a URL such as ``s3://bucket/prefix``; or False. By default what the
        client, `sectorsdf.set_options` or ``SECTORSDF_CACHE`` says, and otherwise False.
    max_age : timedelta or str
        How old a kept result may be, such as ``"36h"``; by default 7 days.
    refresh : bool
        Ask the API whatever is kept, and keep its answer.
    offline : bool
        Never ask the API: what is kept, of any age, or `NotCachedError`.
    progress : bool
        Whether a bar on stderr shows how far the call has come, once it takes longer than a second;
        by default on a terminal and in a notebook, see `sectorsdf.set_options`.
    """

    max_credits: int | None
    workers: int
    repair_credits: int | None
    allow_partial: bool
    resume: bool
    resume_within: float
    cache: bool | str | os.PathLike[str] | None
    max_age: str | timedelta | None
    refresh: bool
    offline: bool
    progress: bool | None


_DEFAULTS: CallOptions = {
    "max_credits": None,
    "repair_credits": None,
    "allow_partial": False,
    "resume": True,
    "resume_within": 3600.0,
    "cache": None,
    "max_age": None,
    "refresh": False,
    "offline": False,
    "progress": None,
}


def settled(dataset: Dataset, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a call's options with the defaults of those that it does not name.

    Raises
    ------
    FilterError
        If one is no option, nor a filter.
    """
    given = dict(options or {})
    known = CallOptions.__annotations__
    q.refuse_unknown(dataset, {k: v for k, v in given.items() if k not in known}, known)
    return {**_DEFAULTS, **given}


@dataclass(frozen=True)
class Quote:
    """What a call would cost.

    Attributes
    ----------
    credits : int
        Credits that the call still needs.
    pages : int
        Pages or details that it still has to fetch.
    rows : int or None
        Rows that it will return, where that is known.
    seconds : float
        How long the learnt rate limit will keep it; 0.0 while no limit is known.
    exact : bool
        False where it may cost less.
    spent : int
        What this quote itself has cost; the page is kept and used by the call.
    """

    credits: int
    pages: int
    rows: int | None
    seconds: float
    exact: bool
    spent: int


def positive(name: str, value: int) -> int:
    """Return a whole number from 1.

    Raises
    ------
    ConfigurationError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        message = f"{name}={value!r}: give a whole number from 1."
        raise ConfigurationError(message)
    return value
