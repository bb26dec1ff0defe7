"""From a command's options to a client and to the keywords of a call.

Each function removes from the options what it uses. Imports the library's client, and with it
pandas: a command imports this module when it runs.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli.base import State
from sectorsdf.cli.output import one_line_warnings
from sectorsdf.cli.streams import say
from sectorsdf.client.client import Client, ClientOptions
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
    how = ClientOptions(
        workers=options.pop("workers", 8),
        rate_limit=options.pop("rate_limit", None),
        max_age=options.pop("max_age", None),
    )
    progress = set_options(progress=False) if quiet else nullcontext()
    with progress, one_line_warnings(quiet=quiet):
        if options.pop("sandbox", False):
            with _sandbox_client(options, how) as client:
                yield client
            return
        how["cache"] = cache_location(options)
        with Client(ApiKey.resolve_optional(), **how) as client:
            state.advice = _ADVICE
            yield client
            state.advice = ""


@contextmanager
def _sandbox_client(options: dict[str, Any], how: ClientOptions) -> Iterator[Client]:
    """Provide a client of an embedded sandbox, which has no cache: its records are made up."""
    if options.pop("cache", None) is not None:
        message = "--sandbox and --cache exclude each other: what is made up is not cached."
        raise click.UsageError(message)
    options.pop("no_cache", None)
    how["cache"] = False
    with sectorsdf.sandbox.running(**how) as client:
        say(f"The records are made up: {client.sandbox.source}.")
        yield client
