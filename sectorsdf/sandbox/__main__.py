"""The sandbox by itself: `python -m sectorsdf.sandbox`."""

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
        Words of the command line, by default the process's own.

    Returns
    -------
    int
        0 after a clean end, 2 if the arguments cannot be used.
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
            host=options.host,
            port=options.port,
            faults=Faults().changed(json.loads(options.faults)),
            keys=options.key or (DEFAULT_KEY,),
            tokens=options.token,
            today=options.today,
        )
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server:
        sys.stdout.write(f"listening on {server.url}\n")
        sys.stdout.flush()
        # In steps, because on some systems a signal does not end a wait without a limit.
        while not ended.wait(1.0):
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
    add("--data", metavar="DIR", help="serve the JSON lines of a folder, not the sample")
    add("--seed", type=int, default=2026, help="seed of the sample (default: %(default)s)")
    add("--licenses", type=int, default=4151, help="licences in the sample")
    add("--auctions", type=int, default=14, help="auctions in the sample")
    add("--sites", type=int, default=156, help="sites in the sample")
    add("--faults", metavar="JSON", default="{}", help="what goes wrong, as a JSON object")
    add("--key", action="append", help="an API key to let in (default: the sandbox's own)")
    add("--token", action="append", default=[], help="an OAuth token to let in")
    add("--today", type=date.fromisoformat, metavar="DAY", help="day from which expiries count")
    return parser


if __name__ == "__main__":
    sys.exit(main())
