"""Contenders that fetch a list: this package, other clients, and bare sockets.

Each takes the server's URL and the number of rows, and returns a frame or the number of rows that
it fetched.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import socket
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import requests
from server import PAGE, PATH

import sectorsdf
from contenders.typing import by_hand, normalized

KEY = "0" * 64
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
# Waits of 1, 2, 4, 8 and 16 s for a window of a minute, both divided by thirty.
BACKOFF = 1 / 30


def ours(url, rows, *, workers=8, cached=True):
    """Fetch a typed and certified frame, with journal, ledger and Parquet cache on disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sectorsdf.Client(KEY, url, cache_folder=folder, workers=workers) as client,
    ):
        frame = sectorsdf.get_mining_licenses(client=client, cache=cached)
    assert frame.attrs["sectorsdf"]["certificate"]["rows"] == rows
    return frame


def ours_uncached(url, rows, *, workers=8):
    """Fetch a typed and certified frame, with journal and ledger on disk."""
    return ours(url, rows, workers=workers, cached=False)


def streamed(url, rows, *, workers=8):
    """Fetch a certified list straight to a Parquet file, with journal and ledger on disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sectorsdf.Client(KEY, url, cache_folder=folder, workers=workers) as client,
    ):
        file = sectorsdf.export(
            sectorsdf.get_mining_licenses, Path(folder, "rows.parquet"), client=client, cache=False
        )
        count = pq.read_metadata(file).num_rows
    assert count == rows
    return count


def _address(url):
    host, _, port = url.rpartition("://")[2].partition(":")
    return host, int(port)


def _read_answer(connection):
    data = connection.recv(65536)
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    parts, missing = [body], int(_LENGTH.search(head)[1]) - len(body)
    while missing > 0:
        parts.append(connection.recv(262144))
        missing -= len(parts[-1])
    return b"".join(parts)


def sockets(url, rows, *, workers=8):
    """Fetch the bytes alone over bare sockets: the lower bound for any client."""
    offsets = deque(range(0, rows, PAGE))

    def work(_):
        pages = 0
        with socket.create_connection(_address(url)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(IndexError):
                while True:
                    path = f"{PATH}?limit={PAGE}&offset={offsets.popleft()}"
                    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n\r\n"
                    connection.sendall(line.encode())
                    pages += bool(_read_answer(connection))
        return pages

    with ThreadPoolExecutor(workers) as pool:
        return min(sum(pool.map(work, range(workers))) * PAGE, rows)


def _query(offset):
    return {"limit": PAGE, "offset": offset}


def loop(url, rows):  # noqa: ARG001
    """Fetch as in most scripts: `requests.get` for each page, `json_normalize`, `to_datetime`."""
    records, offset = [], 0
    while True:
        answer = requests.get(
            url + PATH, params=_query(offset), headers={"Authorization": KEY}
        ).json()
        records.extend(answer["results"])
        if not answer["pagination"]["has_next"]:
            return len(normalized(records))
        offset += PAGE


def serial(url, rows):
    """Fetch with one session, and only parse the pages."""
    session = requests.Session()
    session.headers["Authorization"] = KEY
    count = 0
    for offset in range(0, rows, PAGE):
        answer = session.get(url + PATH, params=_query(offset))
        count += len(answer.json()["results"])
    return count


def _in_threads(get, rows, workers):
    with ThreadPoolExecutor(workers) as pool:
        pages = pool.map(get, range(0, rows, PAGE))
        return len(by_hand([record for page in pages for record in page]))


def session_threads(url, rows, *, workers=8):
    """Fetch with `requests`, one session per thread, to a frame typed by hand."""
    local = threading.local()

    def get(offset):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers["Authorization"] = KEY
        return local.session.get(url + PATH, params=_query(offset)).json()["results"]

    return _in_threads(get, rows, workers)


def urllib3_threads(url, rows, *, workers=8):
    """Fetch with urllib3 alone, to a frame typed by hand."""
    pool = importlib.import_module("urllib3").PoolManager(maxsize=workers)

    def get(offset):
        answer = pool.request(
            "GET", url + PATH, fields=_query(offset), headers={"Authorization": KEY}
        )
        return json.loads(answer.data)["results"]

    return _in_threads(get, rows, workers)


def httpx_threads(url, rows, *, workers=8):
    """Fetch with httpx, to a frame typed by hand."""
    client = importlib.import_module("httpx").Client(headers={"Authorization": KEY})

    def get(offset):
        return client.get(url + PATH, params=_query(offset)).json()["results"]

    with client:
        return _in_threads(get, rows, workers)


def _dlt(resource_of, workers):
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            {
                "DLT_DATA_DIR": folder,
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "RUNTIME__LOG_LEVEL": "CRITICAL",
                "EXTRACT__WORKERS": str(workers),
                "EXTRACT__MAX_PARALLEL_ITEMS": str(4 * workers),
            }
        )
        dlt = importlib.import_module("dlt")
        pipeline = dlt.pipeline(
            "bench",
            destination=dlt.destinations.filesystem(Path(folder, "out").as_uri()),
            dataset_name="mining",
            pipelines_dir=folder,
        )
        pipeline.run(resource_of(dlt), loader_file_format="parquet")
        counts = pipeline.last_trace.last_normalize_info.row_counts
    return counts["licenses"]


def dlt_parallel(url, rows, *, workers=8):
    """Fetch with dlt, its pages in threads, to Parquet."""

    def resource_of(dlt):
        session = importlib.import_module("dlt.sources.helpers.requests").Client().session

        @dlt.resource(name="offsets", selected=False)
        def offsets():
            yield from range(0, rows, PAGE)

        @dlt.transformer(data_from=offsets, name="licenses", parallelized=True)
        def licenses(offset):
            answer = session.get(url + PATH, params=_query(offset), headers={"Authorization": KEY})
            yield answer.json()["results"]

        return licenses

    return _dlt(resource_of, workers)


def dlt_serial(url, rows):  # noqa: ARG001
    """Fetch with dlt's rest_api source as in its documentation, to Parquet."""

    def resource_of(_):
        rest_api = importlib.import_module("dlt.sources.rest_api")
        paginator = {
            "type": "offset",
            "limit": PAGE,
            "total_path": "pagination.total_count",
        }
        endpoint = {"path": PATH, "data_selector": "results", "paginator": paginator}
        return rest_api.rest_api_source(
            {
                "client": {"base_url": url, "headers": {"Authorization": KEY}},
                "resources": [{"name": "licenses", "endpoint": endpoint}],
            }
        )

    return _dlt(resource_of, 1)


def dlt_rest_parallel(url, rows, *, workers=8):
    """Fetch with dlt's rest_api source and the offsets as another resource, to Parquet."""

    def resource_of(dlt):
        rest_api = importlib.import_module("dlt.sources.rest_api")

        @dlt.resource(name="offsets", selected=False)
        def offsets():
            yield from ([{"offset": offset}] for offset in range(0, rows, PAGE))

        endpoint = {
            "path": PATH,
            "params": {"limit": PAGE, "offset": "{resources.offsets.offset}"},
            "data_selector": "results",
            "paginator": "single_page",
        }
        return rest_api.rest_api_source(
            {
                "client": {"base_url": url, "headers": {"Authorization": KEY}},
                "resources": [
                    offsets(),
                    {"name": "licenses", "endpoint": endpoint, "parallelized": True},
                ],
            }
        )

    return _dlt(resource_of, workers)


def backoff(url, rows, *, workers=8):
    """Fetch with threads that wait longer after each of five attempts; pages may be lost."""
    local = threading.local()

    def get(offset):
        if not hasattr(local, "session"):
            local.session = requests.Session()
        for attempt in range(5):
            answer = local.session.get(url + PATH, params=_query(offset))
            if answer.status_code == 200:
                return answer.json()["results"]
            time.sleep(BACKOFF * 2**attempt)
        return []

    return _in_threads(get, rows, workers)
