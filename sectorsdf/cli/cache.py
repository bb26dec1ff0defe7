"""The command `cache`: what is cached, where it is, and how to remove it.

A command imports what it needs when it runs, so that help and completion import neither pandas
nor pyarrow.
"""

from __future__ import annotations

import sys
from typing import Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option
from sectorsdf.datasets import DATASETS

__all__ = ["cache_command"]


def _location(options: dict[str, Any]) -> bool | str | None:
    from sectorsdf.cli.client import cache_location  # noqa: PLC0415 - heavy, see above

    return cache_location(options)


cache_command = click.Group(
    "cache",
    help="""Show what is cached, find it, clear it.

    On the command line the cache is on: what was fetched within --max-age is not paid for again.
    """,
)


@cache_command.command(
    "info", cls=Command, params=[opt.cache_location_option(), opt.format_option()]
)
def _info(**options: Any) -> None:  # noqa: ANN401 - the types are click's
    """Show the cached files, one row for each."""
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

    frame = sectorsdf.cache.info(cache=_location(options))
    if frame.empty and options["format"] == "table":
        click.echo("The cache is empty.")
        return
    hours = frame["age"].dt.total_seconds() / 3600
    # The longest columns last: a narrow terminal leaves out the last ones.
    frame = frame[[*frame.columns.drop(["host", "file"]), "host", "file"]]
    frame = frame.assign(age=hours.round(2)).rename(columns={"age": "age_hours"})
    Output.from_options(options).write(frame)


@cache_command.command("path", cls=Command, params=[opt.cache_location_option()])
def _path(**options: Any) -> None:  # noqa: ANN401 - the types are click's
    """Print the folder or URL of the cached Parquet files."""
    click.echo(sectorsdf.cache.path(cache=_location(options)))


@cache_command.command(
    "clear",
    cls=Command,
    params=[
        click.Argument(
            ["dataset"], required=False, type=click.Choice([*DATASETS]), metavar="[DATASET]"
        ),
        opt.value_option("Rows", "--query", "TEXT", "Only this query, as info shows it."),
        opt.value_option(
            "Rows", "--older-than", "TIME", "Only what was fetched longer ago, such as 30d."
        ),
        Option(["--yes", "-y"], is_flag=True, help="Do not ask for confirmation.", section="Rows"),
        opt.cache_location_option(),
    ],
)
def _clear(
    dataset: str | None,
    query: str | None,
    older_than: str | None,
    yes: bool,  # noqa: FBT001 - click passes options by name
    **options: Any,  # noqa: ANN401
) -> None:
    """Remove files from the cache, all of them or those of a DATASET.

    DATASET is a name that info shows, such as mining_licenses. The pages that unfinished commands
    have paid for, and the list of credits, are not part of the cache and are not removed.
    """
    location = _location(options)
    if not yes:
        if not sys.stdin.isatty():
            message = "Cached answers were paid for: without a terminal, --yes is needed."
            raise click.UsageError(message)
        what = "files" if dataset is None else f"files of {dataset}"
        where = sectorsdf.cache.path(cache=location)
        if not click.confirm(f"Remove {what} from {where}? They were paid for.", err=True):
            message = "Nothing was removed."
            raise click.ClickException(message)
    count = sectorsdf.cache.clear(dataset, query=query, older_than=older_than, cache=location)
    click.echo(f"{count} file{'' if count == 1 else 's'} removed.")
