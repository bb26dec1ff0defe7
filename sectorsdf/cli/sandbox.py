"""The commands that run the embedded API."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

import sectorsdf
from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.output import one_line_warnings
from sectorsdf.config import settings
from sectorsdf.config.api_key import KEY_VARIABLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["demo_command", "serve_command"]


@click.command(
    cls=Command,
    params=[
        Option(
            ["--port"],
            type=click.INT,
            default=0,
            show_default="a free one",
            help="Port to listen on.",
        ),
        Option(
            ["--data"],
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            metavar="FOLDER",
            help="A folder of JSON lines to serve in place of the synthetic sample.",
        ),
        Option(
            ["--seed"],
            type=click.INT,
            default=2026,
            show_default=True,
            help="Seed of the synthetic sample.",
        ),
    ],
)
def serve_command(port: int, data: Path | None, seed: int) -> None:
    """Run the embedded API on this machine until Ctrl-C.

    It prints the two environment variables that lead other commands and programs to it.
    """
    try:
        with sectorsdf.sandbox.Sandbox(data=data, seed=seed, port=port) as server:
            click.echo(f"listening on {server.url} ({server.source})")
            click.echo(f"export {settings.BASE_URL_VARIABLE}={server.url}")
            click.echo(f"export {KEY_VARIABLE}={server.key}")
            _until_ended()
    except (OSError, ValueError) as error:
        message = f"The sandbox cannot start: {error}"
        raise click.ClickException(message) from error


def _until_ended() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    # In steps, because on some systems a signal does not end a wait without a limit.
    while not ended.wait(1.0):
        pass


@click.command(
    cls=Command,
    params=[
        Option(
            ["--output", "-o"],
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("sectorsdf-demo"),
            show_default=True,
            metavar="FOLDER",
            help="Folder for the Parquet files.",
        ),
        Option(
            ["--rows"],
            type=click.INT,
            default=5,
            show_default=True,
            help="Rows of each table to show.",
        ),
    ],
)
def demo_command(output: Path, rows: int) -> None:
    """Fetch everything from an embedded sandbox; needs no key.

    It writes a Parquet file for each dataset, and shows what is in them. The data is made up.
    """
    output.mkdir(parents=True, exist_ok=True)
    with sectorsdf.sandbox.running() as client, one_line_warnings(silent=True):
        click.echo(f"Source: {client.sandbox.source}. The data is made up.")
        frames = {
            "mining_licenses": sectorsdf.get_mining_licenses(client=client),
            "mining_license_auctions": sectorsdf.get_mining_license_auctions(client=client),
            "mining_sites": sectorsdf.get_mining_sites(details=True, client=client),
        }
    for name, frame in frames.items():
        _summarise(name, frame)
    _largest_holders(frames["mining_licenses"], rows)
    _expiring(frames["mining_licenses"], rows)
    click.echo("\nWritten:")
    for name, frame in frames.items():
        path = sectorsdf.write_parquet(frame, output / f"{name}.parquet")
        click.echo(f"  {path}  ({path.stat().st_size / 1024:.0f} kB)")
    click.echo("\nRead one back: sectorsdf.read_parquet(path); any Parquet reader works as well.")


def _summarise(name: str, frame: pd.DataFrame) -> None:
    facts = frame.attrs["sectorsdf"]
    proof = "every row is here" if facts["complete"] else "not complete"
    click.echo(f"\n{name}: {len(frame):,} rows, {facts['credits']} credits, {proof}")
    types: dict[str, list[str]] = {}
    for column, dtype in frame.dtypes.items():
        types.setdefault(str(dtype), []).append(str(column))
    for dtype, columns in types.items():
        click.echo(click.wrap_text(f"{dtype}: {', '.join(columns)}", 98, "  ", "      "))


def _largest_holders(licenses: pd.DataFrame, rows: int) -> None:
    by_holder = licenses.groupby("company_name")["licensed_area_ha"].agg(["count", "sum"])
    largest = by_holder.sort_values("sum", ascending=False).head(rows)
    largest = largest.rename(columns={"count": "licences", "sum": "hectares"})
    click.echo("\nLargest holders by licensed area:")
    click.echo(largest.rename_axis("company").reset_index().to_string(index=False))


def _expiring(licenses: pd.DataFrame, rows: int) -> None:
    import pandas as pd  # noqa: PLC0415 - the type is imported above for the checker only

    today = pd.Timestamp.today().normalize()
    expiry = licenses["license_expiry_date"]
    soon = licenses[expiry.between(today, today + pd.DateOffset(years=1))]
    by_commodity = soon.groupby("commodity_type")["licensed_area_ha"].agg(["count", "sum"])
    largest = by_commodity.sort_values("sum", ascending=False).head(rows)
    largest = largest.rename(columns={"count": "licences", "sum": "hectares"})
    click.echo(f"\nExpiring within a year of {today:%Y-%m-%d}: {len(soon):,} licences")
    click.echo(largest.rename_axis("commodity").reset_index().to_string(index=False))
