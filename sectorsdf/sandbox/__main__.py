"""Run the sandbox as a program of its own: `python -m sectorsdf.sandbox`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import date
from typing import TYPE_CHECKING

from sectorsdf.sandbox.faults import Faults
from sectorsdf.sandbox.server import Sandbox
from sectorsdf.sandbox.service import DEFAULT_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line, by default those of the process.

    Returns
    -------
    int
        0 after a clean end. Arguments that cannot be used end the process with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        server = Sandbox(
            data=options.data,
            seed=options.seed,
            licenses=options.licenses,
            auctions=options.auctions,
            sites=options.sites,
            sizes=dict(options.size),
            host=options.host,
            port=options.port,
            faults=Faults().changed(json.loads(options.faults)),
            keys=options.key or (DEFAULT_KEY,),
            tokens=options.token,
            today=options.today,
        )
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        sys.stdout.write(f"listening on {server.url}\n")
        sys.stdout.flush()
        # In steps: on some systems a signal does not interrupt a wait without a timeout.
        while not stopped.wait(1.0):
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sectorsdf.sandbox",
        description="Serve an imitation of the Sectors mining API on this machine.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default: a free one)")
    add("--data", metavar="DIR", help="serve the JSON lines of a folder instead of the sample")
    add("--seed", type=int, default=2026, help="seed of the sample (default: %(default)s)")
    add("--licenses", type=int, default=4151, help="licences in the sample")
    add("--auctions", type=int, default=14, help="auctions in the sample")
    add("--sites", type=int, default=156, help="sites in the sample")
    add(
        "--size",
        type=_size,
        action="append",
        default=[],
        metavar="DATASET=NUMBER",
        help="records of another dataset of the sample, for example mining_companies=50",
    )
    add("--faults", metavar="JSON", default="{}", help="faults to inject, as a JSON object")
    add("--key", action="append", help="an API key to accept (default: the sandbox's own)")
    add("--token", action="append", default=[], help="an OAuth token to accept")
    add(
        "--today",
        type=date.fromisoformat,
        metavar="DAY",
        help="day that counts as today",
    )
    return parser


def _size(text: str) -> tuple[str, int]:
    dataset, _, number = text.partition("=")
    return dataset, int(number)


if __name__ == "__main__":
    sys.exit(main())
