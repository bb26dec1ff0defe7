"""Answers that are here already: this package's cache beside what a user would keep instead.

Each contestant is prepared once, outside its time: a register is kept, as Parquet or page by page.
"""

from __future__ import annotations

import atexit
import importlib
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from replay import PAGE, PATH, Replay, Rows

import sectorsdf
from sectorsdf.cache.backends import LocalBackend
from sectorsdf.cache.keys import CacheKey
from sectorsdf.cache.store import FrameCache
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder

KEY = "0" * 64
HOST = "http://127.0.0.1:9"
KIND = "Coal"
_FACTS = {"fetched_at": "2026-01-01T00:00:00.000+00:00", "complete": True, "source": "replay"}


def _folder():
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def register(rows):
    """Keep a register of so many rows; return a client, the cache's folder, and the file."""
    folder = _folder()
    builder = FrameBuilder(MINING_LICENSES)
    records = Rows(rows).records()
    for start in range(0, rows, 3_000):
        builder.add(records[start : start + 3_000])
    shelf = FrameCache(LocalBackend(folder), HOST, timedelta(days=1))
    shelf.keep(CacheKey.of(MINING_LICENSES, {}, None), builder.frame(_FACTS))
    (file,) = folder.rglob("*.parquet")
    client = sectorsdf.Client(KEY, HOST, cache=folder, cache_folder=folder / "own")
    return client, file


def kept_ours(rows):
    """Ask for the register again: the cache answers, checked to the last byte."""
    return len(sectorsdf.get_mining_licenses(client=register(rows)[0], offline=True))


def kept_pandas(rows):
    """Read the same file by pandas."""
    return len(pd.read_parquet(register(rows)[1]))


@cache
def _pages(rows):
    session = importlib.import_module("requests_cache").CachedSession(str(_folder() / "pages"))
    session.headers["Authorization"] = KEY
    server = Replay(rows)
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return session, server.url + PATH


def kept_pages(rows):
    """Replay each page from requests-cache, with json_normalize and casts."""
    from contestants import normalized  # noqa: PLC0415 - it imports this module

    session, url = _pages(rows)
    records = []
    for offset in range(0, rows, PAGE):
        query = {"limit": PAGE, "offset": offset, "order_by": "licensed_area_ha"}
        records.extend(session.get(url, params=query).json()["results"])
    return len(normalized(records))


def selected_ours(rows):
    """Ask for one commodity: answered out of the whole register."""
    client = register(rows)[0]
    return len(sectorsdf.get_mining_licenses(client=client, commodity_type=KIND, offline=True))


def selected_arrow(rows):
    """Read one commodity's rows of the same file by a filter of pyarrow."""
    table = pq.read_table(register(rows)[1], filters=[("commodity_type", "=", KIND)])
    return len(table.to_pandas())


@cache
def _fetching(rows):
    server = Replay(selected_arrow(rows))
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return sectorsdf.Client(KEY, server.url, cache_folder=_folder())


def selected_fetched(rows):
    """Fetch as many rows as one commodity has over loopback, without latency."""
    return len(sectorsdf.get_mining_licenses(client=_fetching(rows)))
