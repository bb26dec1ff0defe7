"""From a command's options to a client and to the keywords of a call.

Each function removes from the options what it uses. Imports the library's client, and with it
pandas: a command imports this module when it runs.
"""

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

__all__ = ["cache_location", "call_options", "open_client"]


_ADVICE = (
    " The pages paid for are on disk: the same command within an hour continues from there and "
    "pays only for the rest."
)


def cache_location(options: dict[str, Any]) -> bool | str | None:
    """Return where the cache is, as `Client` takes it.

    Returns
    -------
    bool, str or None
        None if the environment says it. If nothing says it, the cache is on: each command is a
        process of its own and would pay again.
    """
    location, off = options.pop("cache", None), options.pop("no_cache", False)
    if location is not None and off:
        message = "--cache and --no-cache exclude each other."
        raise click.UsageError(message)
    if location is not None:
        return str(location)
    if off:
        return False
    return None if os.environ.get(CACHE_VARIABLE, "").strip() else True


def call_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of a call; what the caller did not set keeps the library's default."""
    refresh, offline = options.pop("refresh", False), options.pop("offline", False)
    if refresh and offline:
        message = "--refresh always asks the API and --offline never does: give one of them."
        raise click.UsageError(message)
    flags = {
        "refresh": refresh,
        "offline": offline,
        "allow_partial": options.pop("allow_partial", False),
        "strict": options.pop("strict", False),
    }
    keywords: dict[str, Any] = {name: True for name, on in flags.items() if on}
    limit = options.pop("max_credits", None)
    if limit is not None:
        keywords["max_credits"] = limit
    return keywords


@contextmanager
def open_client(options: dict[str, Any], *, quiet: bool) -> Iterator[Client]:
    """Provide the client that a command's options describe.

    A client without a key can answer from the cache; its first request raises an error.
    """
    state = click.get_current_context().ensure_object(State)
    client = Client(
        ApiKey.resolve_optional(),
        workers=options.pop("workers", 8),
        rate_limit=options.pop("rate_limit", None),
        cache=cache_location(options),
        max_age=options.pop("max_age", None),
    )
    progress = set_options(progress=False) if quiet else nullcontext()
    with client, progress, one_line_warnings():
        state.advice = _ADVICE
        yield client
        state.advice = ""
