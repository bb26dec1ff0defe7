"""The commands `demo` and `serve`, which run the embedded API.

Must not import pandas at import time: help and completion need none.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

import sectorsdf
from sectorsdf.cli.base import Command, Option
from sectorsdf.config import settings
from sectorsdf.config.api_key import KEY_VARIABLE
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.datasets.schema import Dataset

__all__ = ["demo_command", "serve_command"]

# What needs no key and no other argument, and costs little.
_SHOWN = (
    "mining_licenses",
    "mining_license_auctions",
    "mining_sites",
    "mining_commodities",
    "mining_companies",
    "mining_contracts",
    "mining_total_production",
    "mining_reserves_index",
)


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
            help="A folder of JSON Lines files to serve instead of the synthetic sample.",
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

    Other commands and programs use it with the two environment variables that it prints. The lines
    below them fetch five sites from a shell, read that file in DuckDB, and do the same in R.
    """
    try:
        with sectorsdf.sandbox.Sandbox(data=data, seed=seed, port=port) as server:
            click.echo(f"listening on {server.url} ({server.source})")
            click.echo(f"export {settings.BASE_URL_VARIABLE}={server.url}")
            click.echo(f"export {KEY_VARIABLE}={server.key}")
            click.echo(_examples(server.url, server.key))
            _wait_for_signal()
    except (OSError, ValueError) as error:
        message = f"The sandbox cannot start: {error}"
        raise click.ClickException(message) from error


def _examples(address: str, key: str) -> str:
    """Return a line for each of the other programs that users query the API with."""
    url = f"{address}/v2/mining/sites/?limit=5"
    curl = f"curl -s -H 'Authorization: {key}' '{url}'"
    query = "SELECT unnest(results, recursive := true) FROM 'sites.json'"
    r = f"jsonlite::fromJSON(url('{url}', headers = c(Authorization = '{key}')))$results"
    return f'# shell:   {curl} -o sites.json\n# DuckDB:  duckdb -c "{query}"\n# R:       {r}'


def _wait_for_signal() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    # With a timeout, because on some systems a signal does not end a wait without one.
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
    """Fetch whole tables from an embedded sandbox; needs no key.

    Writes a Parquet file for each table, and shows what is in them. The data is made up.
    """
    from sectorsdf.cli.output import one_line_warnings  # noqa: PLC0415 - heavy

    output.mkdir(parents=True, exist_ok=True)
    with sectorsdf.sandbox.running() as client, one_line_warnings(silent=True):
        click.echo(f"Source: {client.sandbox.source}. The data is made up.")
        frames = {name: _fetch(DATASETS[name], client) for name in _SHOWN}
    for name, frame in frames.items():
        _summarize(name, frame)
    _largest_holders(frames["mining_licenses"], rows)
    _expiring(frames["mining_licenses"], rows)
    click.echo("\nWritten:")
    for name, frame in frames.items():
        path = sectorsdf.write_parquet(frame, output / f"{name}.parquet")
        click.echo(f"  {path}  ({path.stat().st_size / 1024:.0f} kB)")
    click.echo("\nRead one back: sectorsdf.read_parquet(path); any Parquet reader works as well.")


def _fetch(dataset: Dataset, client: Client) -> pd.DataFrame:
    details = {} if dataset.details is None else {"details": True}
    frame: pd.DataFrame = getattr(sectorsdf, f"get_{dataset.name}")(client=client, **details)
    return frame


def _summarize(name: str, frame: pd.DataFrame) -> None:
    provenance = frame.attrs["sectorsdf"]
    proof = "every row is here" if provenance["complete"] else "not complete"
    click.echo(f"\n{name}: {len(frame):,} rows, {provenance['credits']} credits, {proof}")
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
    import pandas as pd  # noqa: PLC0415 - heavy

    today = pd.Timestamp.today().normalize()
    expiry = licenses["license_expiry_date"]
    soon = licenses[expiry.between(today, today + pd.DateOffset(years=1))]
    by_commodity = soon.groupby("commodity_type")["licensed_area_ha"].agg(["count", "sum"])
    largest = by_commodity.sort_values("sum", ascending=False).head(rows)
    largest = largest.rename(columns={"count": "licences", "sum": "hectares"})
    click.echo(f"\nExpiring within a year of {today:%Y-%m-%d}: {len(soon):,} licences")
    click.echo(largest.rename_axis("commodity").reset_index().to_string(index=False))
