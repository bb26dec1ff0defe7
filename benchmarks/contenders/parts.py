"""Contenders that each do one part of what a page costs, for the same pages and in one thread.

Each takes the server's URL and the number of rows, and returns the number of rows that it has seen.
Only `send_pages` uses the server; `prepare` makes the pages of the others.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from server import PAGE, PATH

import sectorsdf
from contenders.fetching import KEY
from contenders.typing import _bodies, _pages
from sectorsdf.cache.backends import LocalBackend
from sectorsdf.cache.journal import Journal
from sectorsdf.cache.keys import CacheKey
from sectorsdf.cache.store import FrameCache
from sectorsdf.client.parsing import parse_page
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.index import RowIndex

WORKERS = 8
_FIELDS = ("license_expiry_date", "licensed_area_ha", *MINING_LICENSES.facets)
_FETCHED = {"fetched_at": "2026-01-01T00:00:00.000+00:00", "complete": True, "source": "replay"}


def prepare(contender, *, url, rows):  # noqa: ARG001 - the arguments of the contenders
    """Make what a contender will read."""
    _pages(rows)
    if contender is end_pages:
        _typed(rows)


def send_pages(url, rows):
    """Send the requests of a sweep, with limiter, checks and ledger, and read the bytes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sectorsdf.Client(KEY, url, cache_folder=folder) as client,
    ):
        transport = client.context.transport
        for offset in range(0, rows, PAGE):
            params = {"order_by": _FIELDS[0], "limit": str(PAGE), "offset": str(offset)}
            transport.get(PATH, params, parse=bytes)
    return rows


def parse_pages(url, rows):  # noqa: ARG001
    """Read the JSON of each page with every digit of its numbers."""
    return sum(len(parse_page(body).records) for body in _bodies(rows))


def journal_pages(url, rows):  # noqa: ARG001
    """Append each page to a journal, with a flush to the disk for as many as there are workers."""
    with tempfile.TemporaryDirectory() as folder:
        entry = Journal(Path(folder)).open({"dataset": MINING_LICENSES.name})
        for number, body in enumerate(_bodies(rows), 1):
            entry.put([number * PAGE], body)
            if number % WORKERS == 0:
                entry.settle()
        entry.clear()
        entry.close()
    return rows


def identify_pages(url, rows):  # noqa: ARG001
    """Give each row its identity, and note its position and what the list can be sorted by."""
    index = RowIndex(_FIELDS, lambda _: None)
    for page in _pages(rows):
        index.add_page(page)
    return len(index)


def type_pages(url, rows):  # noqa: ARG001
    """Type the rows, page by page."""
    builder = FrameBuilder(MINING_LICENSES)
    for page in _pages(rows):
        builder.add(page.records)
    return builder.table().num_rows


@cache
def _typed(rows):
    builder = FrameBuilder(MINING_LICENSES)
    for page in _pages(rows):
        builder.add(page.records)
    return builder, range(rows)


def end_pages(url, rows):  # noqa: ARG001
    """Make the frame with its evidence, and write it to the cache."""
    builder, order = _typed(rows)
    builder.repeated_keys(order)
    frame = builder.frame(Provenance(_FETCHED), order=order)
    with tempfile.TemporaryDirectory() as folder:
        cache = FrameCache(LocalBackend(Path(folder)), "http://127.0.0.1:9", timedelta(days=1))
        cache.put(CacheKey.of(MINING_LICENSES, {}, None), frame)
    return len(frame)
