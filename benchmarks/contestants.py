"""What is measured: this package, what a user would run instead, and the limits of the wire.

Each is a function that does one piece of work and returns how many rows came of it. They run in
processes of their own, which `bench.py` starts and tells when to begin; the clock, the processor's
time and the memory are read here, around the call alone.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

import kept
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from replay import PAGE, PATH, Rows

import sectorsdf
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.flatten import license_location
from sectorsdf.frames.resources import resources_frame
from sectorsdf.sandbox.sample import generate

KEY = "0" * 64
DAYS = ("license_effective_date", "license_expiry_date")
BATCH = 3_000
_TEXT = pd.StringDtype()
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
# Waits are scaled as the window is: a minute's window and waits of 1, 2, 4, 8 and 16 s, by thirty.
BACKOFF = 1 / 30


# Sweeps: url, number of rows -> rows that came


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
        found = pq.read_metadata(file).num_rows
    assert found == rows
    return found


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
    """Fetch the bytes alone over bare sockets: the limit of the wire."""
    offsets = deque(range(0, rows, PAGE))

    def work(_):
        got = 0
        with socket.create_connection(_address(url)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(IndexError):
                while True:
                    path = f"{PATH}?limit={PAGE}&offset={offsets.popleft()}"
                    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n\r\n"
                    connection.sendall(line.encode())
                    got += bool(_read_answer(connection))
        return got

    with ThreadPoolExecutor(workers) as pool:
        return min(sum(pool.map(work, range(workers))) * PAGE, rows)


def _query(offset):
    return {"limit": PAGE, "offset": offset}


def loop(url, rows):  # noqa: ARG001
    """Fetch as people write it: `requests.get` a page, `json_normalize`, `to_datetime`."""
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
    """Fetch with one session, parsed and nothing more."""
    session = requests.Session()
    session.headers["Authorization"] = KEY
    found = 0
    for offset in range(0, rows, PAGE):
        answer = session.get(url + PATH, params=_query(offset))
        found += len(answer.json()["results"])
    return found


def _side_by_side(get, rows, workers):
    with ThreadPoolExecutor(workers) as pool:
        pages = pool.map(get, range(0, rows, PAGE))
        return len(by_hand([record for page in pages for record in page]))


def session_threads(url, rows, *, workers=8):
    """Fetch with `requests`, a session a thread, to a frame typed by hand."""
    local = threading.local()

    def get(offset):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers["Authorization"] = KEY
        return local.session.get(url + PATH, params=_query(offset)).json()["results"]

    return _side_by_side(get, rows, workers)


def urllib3_threads(url, rows, *, workers=8):
    """Fetch with urllib3 alone, to a frame typed by hand."""
    pool = importlib.import_module("urllib3").PoolManager(maxsize=workers)

    def get(offset):
        answer = pool.request(
            "GET", url + PATH, fields=_query(offset), headers={"Authorization": KEY}
        )
        return json.loads(answer.data)["results"]

    return _side_by_side(get, rows, workers)


def httpx_threads(url, rows, *, workers=8):
    """Fetch with httpx, to a frame typed by hand."""
    client = importlib.import_module("httpx").Client(headers={"Authorization": KEY})

    def get(offset):
        return client.get(url + PATH, params=_query(offset)).json()["results"]

    with client:
        return _side_by_side(get, rows, workers)


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
    """Fetch with dlt, its pages deferred to threads, to Parquet."""

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
    """Fetch with dlt's rest_api source as its documentation shows it, to Parquet."""

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
    """Fetch with dlt's rest_api source, which finds the offsets in another resource, to Parquet."""

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
    """Fetch with threads that wait longer after each of five tries; pages may be lost."""
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

    return _side_by_side(get, rows, workers)


# Records to a typed frame


@cache
def _records(rows):
    return Rows(rows).records()


def normalized(records):
    """Type records as people do."""
    frame = pd.json_normalize(records)
    for name in DAYS:
        frame[name] = pd.to_datetime(frame[name])
    for name in frame.columns.difference([*DAYS, "licensed_area_ha", "location.coordinates"]):
        frame[name] = frame[name].astype("string")
    frame["licensed_area_ha"] = frame["licensed_area_ha"].astype("float64")
    return frame


def _hand_batch(records, schema):
    columns = {name: [record[name] for record in records] for name in records[0]}
    flat = license_location(columns.pop("location")).columns
    whole = flat["location_geojson"]
    columns.update(flat, location_geojson=[value and json.dumps(value) for value in whole])
    arrays = []
    for field in schema:
        day = pa.types.is_date(field.type)
        array = pa.array(columns[field.name], pa.string() if day else field.type)
        arrays.append(array.cast(pa.date32()).cast("timestamp[us]") if day else array)
    return arrays


def by_hand(records):
    """Type records a column at a time in batches, for this one dataset and without any check."""
    schema = MINING_LICENSES.schema
    tables = []
    for start in range(0, len(records), BATCH):
        arrays = _hand_batch(records[start : start + BATCH], schema)
        tables.append(pa.Table.from_arrays(arrays, schema.names))
    return pa.concat_tables(tables).to_pandas(types_mapper={pa.string(): _TEXT}.get)


def type_ours(rows):
    """Type records, checked, with every misfit reported."""
    records = _records(rows)
    builder = FrameBuilder(MINING_LICENSES)
    for start in range(0, rows, PAGE):
        builder.add(records[start : start + PAGE])
    return len(builder.frame({}, order=range(rows)))


def type_by_hand(rows):
    """Type records by hand in batches."""
    return len(by_hand(_records(rows)))


def type_normalize(rows):
    """Type records by json_normalize and casts."""
    return len(normalized(_records(rows)))


def type_polars(rows):
    """Type records by polars.from_dicts, casts, and to_pandas."""
    polars = importlib.import_module("polars")
    flat = [
        {**record, "location": place if isinstance(place, str) else json.dumps(place)}
        for record in _records(rows)
        for place in [record["location"]]
    ]
    frame = polars.from_dicts(flat, infer_schema_length=None)
    frame = frame.with_columns(polars.col(name).str.to_date() for name in DAYS)
    return len(frame.to_pandas())


# Resources and reserves


@cache
def _sites(count):
    return generate(2026, licenses=1, auctions=1, sites=count)["mining_sites"]


def tidy_ours(sites):
    """Make the tidy table of resources and reserves."""
    return len(resources_frame(_sites(sites), {}, strict=False))


def tidy_melt(sites):
    """Make a long table by json_normalize and melt: a row a key, nothing read of its meaning."""
    records = [r for r in _sites(sites) if isinstance(r["resources_reserves"], dict)]
    wide = pd.json_normalize(records)
    figures = [name for name in wide.columns if name.startswith("resources_reserves.")]
    keys = ["slug", "name", "year", "commodity_type", "company_slug", "company_name"]
    return len(wide.melt(keys, figures).dropna(subset=["value"]))


# Starting


def start(code):
    """Start Python on some code, and wait for its end."""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return 1


# Measuring


@contextmanager
def _watched(facts):
    """Note by how much the process grows at most, and by how much it has grown in the end."""
    process = importlib.import_module("psutil").Process()
    gc.collect()
    base = process.memory_info().rss
    peak, done = [base], threading.Event()

    def look():
        while not done.wait(0.02):
            peak.append(max(peak.pop(), process.memory_info().rss))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        facts["peak"] = max(peak[0], process.memory_info().rss) - base


def measured(name, given, *, memory=False):
    """Run a contestant once; return seconds, rows, and bytes: of the peak and of the frame."""
    function = globals().get(name) or getattr(kept, name)
    facts = {}
    if hasattr(kept, name):
        function(**given)
    if name.startswith(("type_", "tidy_")):
        (_records if name.startswith("type_") else _sites)(*given.values())
    gc.collect()
    with _watched(facts) if memory else nullcontext():
        wall, cpu = time.perf_counter(), time.process_time()
        made = function(**given)
        facts["wall"], facts["cpu"] = time.perf_counter() - wall, time.process_time() - cpu
    if isinstance(made, pd.DataFrame):
        facts["frame"], made = int(made.memory_usage(deep=True).sum()), len(made)
    return {**facts, "rows": made}


def main():
    """Run what each line of standard input names, and write what came of it as a line."""
    answers = os.fdopen(os.dup(1), "w")
    # Peers talk; what they say must not stand among the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        name, given, memory = json.loads(line)
        try:
            facts = measured(name, given, memory=memory)
        except ImportError as error:
            facts = {"absent": str(error)}
        print(json.dumps(facts), file=answers, flush=True)


if __name__ == "__main__":
    main()
