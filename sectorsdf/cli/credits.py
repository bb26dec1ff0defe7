"""The commands `quote` and `credits`: what a command would cost, and what was spent.

A command imports what it needs when it runs, so that help and completion import neither pandas
nor pyarrow.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.fetch import COMMANDS, FetchCommand

__all__ = ["credits_command", "quote_command"]


def _quote_command(fetch: FetchCommand) -> Command:
    def run(**options: Any) -> None:  # noqa: ANN401 - the types are click's
        import pandas as pd  # noqa: PLC0415 - heavy, see above

        from sectorsdf.cli.client import open_client  # noqa: PLC0415 - heavy, see above
        from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

        output = Output.from_options(options)
        getter, _, args, keywords = fetch.call(options)
        with open_client(options, quiet=True) as client:
            quote = sectorsdf.quote(getattr(sectorsdf, getter), *args, client=client, **keywords)
        row = {**asdict(quote), "cached": quote.credits == 0 and quote.spent == 0}
        output.write(pd.DataFrame([row]).astype({"rows": "Int64"}))

    return Command(
        fetch.name,
        params=[
            *fetch.subject(),
            opt.sandbox_option(),
            *opt.cache_options(),
            opt.format_option(),
        ],
        callback=run,
        help=f"Show what `sectorsdf {fetch.name}` would cost.",
    )


quote_command = click.Group(
    "quote",
    commands={name: _quote_command(fetch) for name, fetch in COMMANDS.items()},
    help="""Show what a command would cost, before it is run.

    Credits, pages and rows are what is left to fetch; seconds are what the learnt rate limit
    implies; exact is no if it may cost less or more; cached is yes if the answer is on this
    machine, so that nothing would be spent. For a list, this spends one credit itself
    unless the first page is on disk: that page is kept, and the command that follows does not pay
    for it.
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
            help="What one row sums up.",
            section="Rows",
        ),
        opt.format_option(),
    ],
)
def credits_command(by: Any, **options: Any) -> None:  # noqa: ANN401 - the types are click's
    """Show the credits spent from this machine.

    One row is a UTC day, an endpoint (with all slugs or codes together) or one answer, for each
    key; a key is shown by a short mark of it only. The API itself has no endpoint that returns a
    balance.
    """
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

    frame = sectorsdf.credits(by)
    if frame.empty and options["format"] == "table":
        click.echo("No credits were spent yet.")
        return
    Output.from_options(options).write(frame)
