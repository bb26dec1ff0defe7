"""The command line: words in, files and tables out."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf import settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sectorsdf.__version__, package_name="sectorsdf")
def cli() -> None:
    """Indonesia's mining licences, licence auctions and mine sites as typed tables."""


@cli.command()
@click.option("--port", default=0, show_default="a free one", help="Port to listen on.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of JSON lines to serve in place of the synthetic sample.",
)
@click.option("--seed", default=2026, show_default=True, help="Seed of the synthetic sample.")
def serve(port: int, data: Path | None, seed: int) -> None:
    """Run the embedded API on this machine until Ctrl-C."""
    from sectorsdf.sandbox import Sandbox  # noqa: PLC0415 - a server only where one is wanted

    try:
        with Sandbox(data=data, seed=seed, port=port) as server:
            click.echo(f"listening on {server.url} ({server.source})")
            click.echo(f"export {settings.BASE_URL_VARIABLE}={server.url}")
            click.echo(f"export {settings.KEY_VARIABLE}={server.key}")
            _until_ended()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"The sandbox cannot start: {error}") from error


def _until_ended() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    # In steps, because on some systems a signal does not end a wait without a limit.
    while not ended.wait(1.0):
        pass


@cli.command(name="credits")
@click.option(
    "--by",
    type=click.Choice(["entry", "day", "endpoint"]),
    default="day",
    show_default=True,
    help="What to sum up by.",
)
def show_credits(by: Any) -> None:  # noqa: ANN401
    """Show the credits spent from this machine."""
    frame = sectorsdf.credits(by)
    click.echo("No credits were spent yet." if frame.empty else frame.to_string(index=False))


@cli.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("sectorsdf-demo"),
    show_default=True,
    help="Folder for the Parquet files.",
)
@click.option("--rows", default=5, show_default=True, help="Rows of each table to show.")
def demo(output: Path, rows: int) -> None:
    """Fetch everything from the embedded sandbox and write it as Parquet; needs no key."""
    output.mkdir(parents=True, exist_ok=True)
    with sectorsdf.sandbox.running(on_progress=_progress) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
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


def _progress(dataset: str, done: int, of: int) -> None:
    """Show how far a fetch has come, on a terminal and on stderr only."""
    if sys.stderr.isatty():
        end = "\n" if done >= of else ""
        click.echo(f"\r{dataset}: {done} of {of} requests{end}", err=True, nl=False)


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


def main() -> None:
    """Run the command line; Ctrl-C ends it with 130 and without a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted; nothing that was paid is lost.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except sectorsdf.SectorsdfError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
