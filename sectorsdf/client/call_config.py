"""The options of one call, and where each value comes from.

This module is the only place that knows the precedence of options. It must not import a module
that fetches.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from sectorsdf.cache.backends import open_backend
from sectorsdf.cache.page_file import RESUME_WITHIN, Reuse
from sectorsdf.cache.store import FrameCache
from sectorsdf.client.progress import WaitProgress, in_notebook
from sectorsdf.config.checks import flag, positive, seconds
from sectorsdf.config.options import (
    MAX_AGE,
    as_age,
    default_cache,
    default_max_age,
    default_progress,
)
from sectorsdf.errors import ConfigurationError
from sectorsdf.http.credits import CreditBudget

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import timedelta

    from sectorsdf.cache.backends import Backend
    from sectorsdf.client.context import ClientContext

__all__ = ["OPTION_NAMES", "CallConfig", "CallOptions"]


class CallOptions(TypedDict, total=False):
    """The options that every getter takes besides its filters.

    Attributes
    ----------
    max_credits : int
        Refuse before spending more than this.
    workers : int
        How many pages are fetched at once.
    repair_credits : int
        How many pages may be fetched again if rows moved during the sweep; by default half of the
        sweep's own pages, at least 20, and the pages that the sweep left out because rows moved.
    allow_partial : bool
        Return the rows that arrived, with a warning, if completeness cannot be shown.
    resume : bool
        False ignores the paid pages of an unfinished call and starts again.
    resume_within : float
        Seconds for which a paid page of an unfinished call may be used; by default one hour.
    cache : bool, str or path-like
        Whether, and where, results are cached as Parquet: True is the user's cache folder; a
        folder; a URL such as ``s3://bucket/prefix``; or False. By default the client's own choice,
        then `sectorsdf.set_options`, then ``SECTORSDF_CACHE``, and otherwise False.
    max_age : timedelta or str
        How old a cached result may be, such as ``"36h"``; by default 7 days. A limit that is given
        also applies to records in memory and to paid pages of unfinished calls.
    refresh : bool
        Ask the API even if a result is cached or in memory, and cache the new answer.
    offline : bool
        Never ask the API: return a cached result of any age, or raise `NotCachedError`.
    progress : bool
        Whether a bar on stderr shows the progress once a call takes longer than a second; by
        default on a terminal and in a notebook, see `sectorsdf.set_options`.
    """

    max_credits: int | None
    workers: int | None
    repair_credits: int | None
    allow_partial: bool
    resume: bool
    resume_within: float
    cache: bool | str | os.PathLike[str] | None
    max_age: str | timedelta | None
    refresh: bool
    offline: bool
    progress: bool | None


OPTION_NAMES = tuple(CallOptions.__annotations__)


@dataclass(frozen=True)
class CallConfig:
    """The options of one call, validated, each with the value that counts.

    Precedence, highest first: the argument of the call, the client's, `set_options`, then the
    environment's ``SECTORSDF_CACHE`` and ``SECTORSDF_PROGRESS``.

    Attributes
    ----------
    budget : CreditBudget
        What the call may spend. All requests that one getter makes share it.
    cache : FrameCache or None
        The cache that the call reads and writes; None if it uses none.
    max_age : float
        How many seconds old an answer may be that the API gave before this call; infinity if
        nothing says it.
    workers, repair_credits, allow_partial, resume, resume_within, refresh, offline, progress
        As in `CallOptions`.
    """

    budget: CreditBudget
    cache: FrameCache | None
    max_age: float
    workers: int
    repair_credits: int | None
    allow_partial: bool
    resume: bool
    resume_within: float
    refresh: bool
    offline: bool
    progress: bool

    @classmethod
    def resolve(cls, context: ClientContext, options: Mapping[str, Any]) -> CallConfig:
        """Return the config of a call of a client with these options.

        Raises
        ------
        ConfigurationError
            If a value cannot be used, or two options contradict each other. Nothing was spent.
        """
        workers = options.get("workers")
        refresh = flag("refresh", options.get("refresh", False))
        offline = flag("offline", options.get("offline", False))
        if refresh and offline:
            message = "refresh=True asks the API, offline=True never does: give one of them."
            raise ConfigurationError(message)
        progress = options.get("progress")
        shown = _shows_progress(None if progress is None else flag("progress", progress))
        given = options.get("max_age")
        chosen = (None if given is None else as_age(given), context.max_age, default_max_age())
        max_age = next((age for age in chosen if age is not None), None)
        backend = _backend(context, options, offline=offline)
        cache = None
        if backend is not None:
            cache = FrameCache(
                backend,
                context.transport.base_url,
                MAX_AGE if max_age is None else max_age,
                refresh=refresh,
                offline=offline,
                waiting=partial(WaitProgress, shown=shown),
            )
        return cls(
            budget=CreditBudget(options.get("max_credits")),
            cache=cache,
            max_age=math.inf if max_age is None else max_age.total_seconds(),
            workers=context.workers if workers is None else positive("workers", workers),
            repair_credits=_repair_credits(options.get("repair_credits")),
            allow_partial=flag("allow_partial", options.get("allow_partial", False)),
            resume=flag("resume", options.get("resume", True)),
            resume_within=seconds("resume_within", options.get("resume_within", RESUME_WITHIN)),
            refresh=refresh,
            offline=offline,
            progress=shown,
        )

    def reuse(self) -> Reuse:
        """Return which paid pages of unfinished calls a call may use that begins now."""
        return Reuse(
            resume_within=self.resume_within,
            max_age=self.max_age,
            resume=self.resume,
            refresh=self.refresh,
        )

    def without_cache(self) -> CallConfig:
        """Return the config of the same call that neither reads nor writes the cache.

        Raises
        ------
        ConfigurationError
            If the call may not ask the API.
        """
        if self.offline:
            message = "e-mail addresses are never kept in the cache; leave out offline=True."
            raise ConfigurationError(message)
        return replace(self, cache=None)


def _backend(
    context: ClientContext, options: Mapping[str, Any], *, offline: bool
) -> Backend | None:
    choices = (options.get("cache"), context.cache, default_cache())
    chosen = next(choice for choice in choices if choice is not None)
    return open_backend(True if offline and chosen is False else chosen, context.folder)


def _shows_progress(chosen: bool | None) -> bool:  # noqa: FBT001
    """Return whether to show progress: on a terminal or in a notebook, unless something says."""
    chosen = default_progress() if chosen is None else chosen
    if chosen is None:
        return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
    return chosen


def _repair_credits(value: object) -> int | None:
    return None if value is None else positive("repair_credits", value, 0)
