"""The command line: words in, files and tables out.

Owns the commands, their options and help, the output, and the exit codes. What can be fetched
follows from the declarations in `sectorsdf.datasets`: each names its command. No other package of
`sectorsdf` may import this one. At start-up, only `base`, `fetch_table` and `streams` may be
imported, so that `sectorsdf --help` is fast.
"""

from __future__ import annotations

from sectorsdf.cli.app import cli, main

__all__ = ["cli", "main"]
