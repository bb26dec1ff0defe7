"""Contenders that answer from a cache: this package's, a Parquet file, and cached pages.

Each takes the number of rows of a register, and returns the number of rows that it read. `prepare`
caches the register before the time starts.
"""

from __future__ import annotations

import atexit
import importlib
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from server import PAGE, PATH, Replay, Rows

import sectorsdf
from contenders.typing import normalized
from sectorsdf.cache.backends import LocalBackend
from sectorsdf.cache.keys import CacheKey
from sectorsdf.cache.store import FrameCache
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance

KEY = "0" * 64
HOST = "http://127.0.0.1:9"
COMMODITY = "Coal"
PROVENANCE = Provenance(
    {"fetched_at": "2026-01-01T00:00:00.000+00:00", "complete": True, "source": "replay"}
)


def prepare(contender, **arguments):
    """Run the contender once, so that everything that it reads is cached."""
    contender(**arguments)


def _folder():
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def store(folder, frame):
    """Write a whole register to the cache in a folder."""
    frames = FrameCache(LocalBackend(folder), HOST, timedelta(days=1))
    frames.put(CacheKey.of(MINING_LICENSES, {}, None), frame)


@cache
def _register(rows):
    """Cache a register of so many rows; return a client of the cache, and the cached file."""
    folder = _folder()
    builder = FrameBuilder(MINING_LICENSES)
    records = Rows(rows).records()
    for start in range(0, rows, 3_000):
        builder.add(records[start : start + 3_000])
    store(folder, builder.frame(PROVENANCE))
    (file,) = folder.rglob("*.parquet")
    client = sectorsdf.Client(KEY, HOST, cache=folder, cache_folder=folder / "own")
    return client, file


def cached_ours(rows):
    """Get the register from the cache, which checks every byte of the file."""
    return len(sectorsdf.get_mining_licenses(client=_register(rows)[0], offline=True))


def cached_pandas(rows):
    """Read the same file with pandas."""
    return len(pd.read_parquet(_register(rows)[1]))


@cache
def _pages(rows):
    session = importlib.import_module("requests_cache").CachedSession(str(_folder() / "pages"))
    session.headers["Authorization"] = KEY
    server = Replay(rows)
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return session, server.url + PATH


def cached_pages(rows):
    """Get each page from requests-cache, with json_normalize and casts."""
    session, url = _pages(rows)
    records = []
    for offset in range(0, rows, PAGE):
        query = {"limit": PAGE, "offset": offset, "order_by": "licensed_area_ha"}
        records.extend(session.get(url, params=query).json()["results"])
    return len(normalized(records))


def selected_ours(rows):
    """Get one commodity, which the cache selects from the whole register."""
    client = _register(rows)[0]
    return len(sectorsdf.get_mining_licenses(client=client, commodity_type=COMMODITY, offline=True))


def selected_arrow(rows):
    """Read the rows of one commodity from the same file, with a filter of pyarrow."""
    table = pq.read_table(_register(rows)[1], filters=[("commodity_type", "=", COMMODITY)])
    return len(table.to_pandas())


@cache
def _fetching(rows):
    server = Replay(selected_arrow(rows))
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return sectorsdf.Client(KEY, server.url, cache_folder=_folder())


def selected_fetched(rows):
    """Fetch the number of rows of one commodity over loopback, without latency."""
    return len(sectorsdf.get_mining_licenses(client=_fetching(rows)))


def exported_ours(rows):
    """Write the register from the cache to a Parquet file with the command line."""
    _, file = _register(rows)
    code = "from sectorsdf.cli import main; main()"
    target = file.parents[2] / "ours.parquet"
    command = ["licenses", "--offline", "--cache", str(file.parents[2]), "--overwrite"]
    _run(code, *command, "-o", str(target))
    return pq.read_metadata(target).num_rows


def exported_pandas(rows):
    """Read the cached file and write another one with pandas, in a process of its own."""
    _, file = _register(rows)
    target = file.parents[2] / "pandas.parquet"
    code = "import sys, pandas; pandas.read_parquet(sys.argv[1]).to_parquet(sys.argv[2])"
    _run(code, str(file), str(target))
    return pq.read_metadata(target).num_rows


def _run(code, *arguments):
    environment = {**os.environ, "SECTORSDF_BASE_URL": HOST, "SECTORS_API_KEY": KEY}
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
