"""The commands about what things cost, what was spent, and what is kept.

What they need to run is imported when they run: `--help` and a shell's completion need none of it.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.fetching import COMMANDS, Fetching
from sectorsdf.cli.parts import Command, Option
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    from sectorsdf.cli.output import Output

__all__ = ["cache_command", "credits_command", "quote_command"]


def _format_option() -> Option:
    return Option(
        ["--format"],
        type=click.Choice(opt.FORMATS),
        default="table",
        show_default=True,
        help="What to print.",
        section="Output",
    )


def _output(given: dict[str, Any]) -> Output:
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

    return Output.taken(given)


def _place(given: dict[str, Any]) -> bool | str | None:
    from sectorsdf.cli.connecting import chosen_cache  # noqa: PLC0415 - heavy, see above

    return chosen_cache(given)


def _quoting(entry: Fetching) -> Command:
    def run(**given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
        import pandas as pd  # noqa: PLC0415 - heavy, see above

        from sectorsdf.cli.connecting import connected  # noqa: PLC0415 - heavy, see above

        output = _output(given)
        getter, _, args, keywords = entry.call(given)
        for name in ("strict", "missing", "allow_partial"):
            keywords.pop(name, None)
        with connected(given, quiet=True) as client:
            quote = sectorsdf.quote(getattr(sectorsdf, getter), *args, client=client, **keywords)
        output.write(pd.DataFrame([asdict(quote)]).astype({"rows": "Int64"}))

    return Command(
        entry.name,
        params=[*entry.subject(), *opt.cache_options(), _format_option()],
        callback=run,
        help=f"Say what `sectorsdf {entry.name}` would cost.",
    )


quote_command = click.Group(
    "quote",
    commands={name: _quoting(entry) for name, entry in COMMANDS.items()},
    help="""Say what a command would cost, before it is run.

    Credits, pages and rows are what is still to come; seconds are what the learnt rate limit
    implies; exact is no where it may cost less. For a list this spends one credit itself where its
    first page is not kept: that page is kept, and the command that follows does not pay for it.
    """,
)


@click.command(
    cls=Command,
    params=[
        Option(
            ["--by"],
            type=click.Choice(["entry", "day", "endpoint"]),
            default="day",
            show_default=True,
            help="What to sum up by.",
            section="Rows",
        ),
        _format_option(),
    ],
)
def credits_command(by: Any, **given: Any) -> None:  # noqa: ANN401 - whatever click makes of them
    """Show the credits spent from this machine.

    One row is a UTC day, an endpoint or one answer, and a key, of which a mark is shown. The API
    itself has no endpoint that tells a balance.
    """
    frame = sectorsdf.credits(by)
    if frame.empty and given["format"] == "table":
        click.echo("No credits were spent yet.")
        return
    _output(given).write(frame)


cache_command = click.Group(
    "cache",
    help="""Look at what is kept, find it, clear it.

    On the command line the cache is on: what was fetched within --max-age is not paid for again.
    """,
)


@cache_command.command("info", cls=Command, params=[opt.place_option(), _format_option()])
def _info(**given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
    """Show what the cache holds; one row is one file."""
    frame = sectorsdf.cache.info(cache=_place(given))
    if frame.empty and given["format"] == "table":
        click.echo("The cache holds nothing.")
        return
    hours = frame["age"].dt.total_seconds() / 3600
    # The longest last, so that it is the first to be left out.
    frame = frame[[*frame.columns.drop(["host", "file"]), "host", "file"]]
    _output(given).write(frame.assign(age=hours.round(2)).rename(columns={"age": "age_hours"}))


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
