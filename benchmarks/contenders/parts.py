"""Contenders that each do one part of what a page costs, for the same pages and in one thread.

Each takes the server's URL and the number of rows, and returns the number of rows that it has seen.
Only `send_pages` uses the server; `prepare` makes the pages of the others.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from server import PAGE, PATH

import sectorsdf
from contenders.caching import PROVENANCE, store
from contenders.fetching import KEY
from contenders.typing import _bodies, _pages, identified
from sectorsdf.cache.journal import Journal
from sectorsdf.client.parsing import parse_page
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder

WORKERS = 8
ORDER = MINING_LICENSES.default_order


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
            params = {"order_by": ORDER, "limit": str(PAGE), "offset": str(offset)}
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
    """Give each row its identity, and note what a sweep may sort the list by."""
    return identified(rows, (ORDER, MINING_LICENSES.finest_order, *MINING_LICENSES.facets))


def _built(rows):
    builder = FrameBuilder(MINING_LICENSES)
    for page in _pages(rows):
        builder.add(page.records)
    return builder


_typed = cache(_built)


def type_pages(url, rows):  # noqa: ARG001
    """Type the rows, page by page."""
    return _built(rows).table().num_rows


def end_pages(url, rows):  # noqa: ARG001
    """Make the frame with its evidence, and write it to the cache."""
    builder, order = _typed(rows), range(rows)
    builder.repeated_keys(order)
    frame = builder.frame(PROVENANCE, order=order)
    with tempfile.TemporaryDirectory() as folder:
        store(Path(folder), frame)
    return len(frame)
