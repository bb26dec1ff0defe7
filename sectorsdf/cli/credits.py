"""The commands about what things cost, what was spent, and what is kept.

What they need to run is imported when they run: `--help` and a shell's completion need none of it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.fetch import COMMANDS, FetchCommand

if TYPE_CHECKING:
    from sectorsdf.cli.output import Output

__all__ = ["credits_command", "quote_command"]


def format_option() -> Option:
    return Option(
        ["--format"],
        type=click.Choice(opt.FORMATS),
        default="table",
        show_default=True,
        help="What to print.",
        section="Output",
    )


def make_output(given: dict[str, Any]) -> Output:
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

    return Output.taken(given)


def _quoting(entry: FetchCommand) -> Command:
    def run(**given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
        import pandas as pd  # noqa: PLC0415 - heavy, see above

        from sectorsdf.cli.client import connected  # noqa: PLC0415 - heavy, see above

        output = make_output(given)
        getter, _, args, keywords = entry.call(given)
        for name in ("strict", "missing", "allow_partial"):
            keywords.pop(name, None)
        with connected(given, quiet=True) as client:
            quote = sectorsdf.quote(getattr(sectorsdf, getter), *args, client=client, **keywords)
        output.write(pd.DataFrame([asdict(quote)]).astype({"rows": "Int64"}))

    return Command(
        entry.name,
        params=[*entry.subject(), *opt.cache_options(), format_option()],
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
        format_option(),
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
    make_output(given).write(frame)
