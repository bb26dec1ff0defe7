"""From a command's options to a client and a call's options."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from sectorsdf.cli.base import State
from sectorsdf.cli.output import one_line_warnings
from sectorsdf.client.client import Client
from sectorsdf.config.api_key import ApiKey
from sectorsdf.config.options import CACHE_VARIABLE, set_options

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["call_options", "chosen_cache", "connected"]


_RESUME = (
    " What was paid for is kept: the same command within an hour goes on from there and pays for "
    "the rest only."
)


def chosen_cache(given: dict[str, Any]) -> bool | str | None:
    """Take the cache's place out of a command's options.

    Returns
    -------
    bool, str or None
        None where the environment says it. Without a word the cache is on: each command is a
        process of its own and would pay anew.
    """
    place, off = given.pop("cache", None), given.pop("no_cache", False)
    if place is not None and off:
        message = "--cache and --no-cache exclude each other."
        raise click.UsageError(message)
    if place is not None:
        return str(place)
    if off:
        return False
    return None if os.environ.get(CACHE_VARIABLE, "").strip() else True


def call_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take a call's options out of a command's; what is not set stays the library's own."""
    refresh, offline = given.pop("refresh", False), given.pop("offline", False)
    if refresh and offline:
        message = "--refresh asks the API, --offline never does: give one of them."
        raise click.UsageError(message)
    flags = {
        "refresh": refresh,
        "offline": offline,
        "allow_partial": given.pop("allow_partial", False),
    }
    options: dict[str, Any] = {name: True for name, on in flags.items() if on}
    limit = given.pop("max_credits", None)
    if limit is not None:
        options["max_credits"] = limit
    return options


@contextmanager
def connected(given: dict[str, Any], *, quiet: bool) -> Iterator[Client]:
    """Give a client as a command's options want it.

    Without a key it answers from the cache, and its first request is refused.
    """
    state = click.get_current_context().ensure_object(State)
    client = Client(
        ApiKey.perhaps(),
        workers=given.pop("workers", 8),
        rate_limit=given.pop("rate_limit", None),
        cache=chosen_cache(given),
        max_age=given.pop("max_age", None),
    )
    hidden = set_options(progress=False) if quiet else nullcontext()
    with client, hidden, one_line_warnings():
        state.advice = _RESUME
        yield client
        state.advice = ""
