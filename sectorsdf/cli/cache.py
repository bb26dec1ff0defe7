"""TODO."""

from __future__ import annotations

import sys
from typing import Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.credits import format_option, make_output
from sectorsdf.datasets import DATASETS

__all__ = ["cache_command"]


def _place(given: dict[str, Any]) -> bool | str | None:
    from sectorsdf.cli.client import chosen_cache  # noqa: PLC0415 - heavy, see above

    return chosen_cache(given)


cache_command = click.Group(
    "cache",
    help="""Look at what is kept, find it, clear it.

    On the command line the cache is on: what was fetched within --max-age is not paid for again.
    """,
)


@cache_command.command("info", cls=Command, params=[opt.place_option(), format_option()])
def _info(**given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
    """Show what the cache holds; one row is one file."""
    frame = sectorsdf.cache.info(cache=_place(given))
    if frame.empty and given["format"] == "table":
        click.echo("The cache holds nothing.")
        return
    hours = frame["age"].dt.total_seconds() / 3600
    # The longest last, so that it is the first to be left out.
    frame = frame[[*frame.columns.drop(["host", "file"]), "host", "file"]]
    make_output(given).write(frame.assign(age=hours.round(2)).rename(columns={"age": "age_hours"}))


@cache_command.command("path", cls=Command, params=[opt.place_option()])
def _path(**given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
    """Print where the cached Parquet files lie."""
    click.echo(sectorsdf.cache.path(cache=_place(given)))


@cache_command.command(
    "clear",
    cls=Command,
    params=[
        click.Argument(
            ["dataset"], required=False, type=click.Choice([*DATASETS]), metavar="[DATASET]"
        ),
        Option(
            ["--query"], metavar="TEXT", help="Only this query, as info tells it.", section="Rows"
        ),
        Option(
            ["--older-than"],
            metavar="TIME",
            help="Only what was fetched longer ago, such as 30d.",
            section="Rows",
        ),
        Option(["--yes", "-y"], is_flag=True, help="Do not ask first.", section="Rows"),
        opt.place_option(),
    ],
)
def _clear(
    dataset: str | None,
    query: str | None,
    older_than: str | None,
    yes: bool,  # noqa: FBT001 - click hands options over by name
    **given: Any,  # noqa: ANN401
) -> None:
    """Remove files from the cache, all of them or those of a DATASET.

    DATASET is one that info tells, such as mining_licenses. What was paid for unfinished commands,
    and the list of credits, are no part of the cache and stay.
    """
    place = _place(given)
    if not yes:
        if not sys.stdin.isatty():
            message = "What is kept was paid for: --yes removes it where nobody can be asked."
            raise click.UsageError(message)
        what = "files" if dataset is None else f"files of {dataset}"
        where = sectorsdf.cache.path(cache=place)
        if not click.confirm(f"Remove {what} from {where}? They were paid for.", err=True):
            message = "Nothing was removed."
            raise click.ClickException(message)
    count = sectorsdf.cache.clear(dataset, query=query, older_than=older_than, cache=place)
    click.echo(f"{count} file{'' if count == 1 else 's'} removed.")
