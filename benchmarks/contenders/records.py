"""Contenders that fetch addressed records, one request each: companies, and who owns them.

Each takes the server's URL and the number of companies, and returns how many it has found.
"""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import requests
from server import COMPANY, OWNERSHIP, ROOTS, slug_of

import sectorsdf
from contenders.fetching import KEY, _address, _read_answer


def company_ours(url, rows, *, workers=8):
    """Fetch the companies' records, with journal, ledger and Parquet cache on disk."""
    slugs = [slug_of(number) for number in range(rows)]
    with (
        tempfile.TemporaryDirectory() as folder,
        sectorsdf.Client(KEY, url, cache_folder=folder, workers=workers) as client,
    ):
        return len(sectorsdf.get_mining_company(slugs, client=client, cache=True))


def company_threads(url, rows, *, workers=8):
    """Fetch the records with `requests`, a session for each thread, and write them as JSON."""
    local = threading.local()

    def get(number):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers["Authorization"] = KEY
        return local.session.get(f"{url}{COMPANY}{slug_of(number)}/").json()

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        records = list(pool.map(get, range(rows)))
        Path(folder, "records.json").write_text(json.dumps(records), encoding="utf-8")
        return len(pd.json_normalize(records))


def owners_ours(url, rows, *, workers=8):
    """Walk down from the companies that nobody owns, with journal and ledger on disk."""
    roots = [slug_of(number) for number in range(min(ROOTS, rows))]
    with (
        tempfile.TemporaryDirectory() as folder,
        sectorsdf.Client(KEY, url, cache_folder=folder, workers=workers) as client,
    ):
        edges = sectorsdf.get_mining_company_ownership(
            roots, walk="down", client=client, cache=False
        )
    found = {*roots, *edges["child_slug"]}
    assert len(found) == rows
    return len(found)


def owners_sockets(url, rows, *, workers=8):
    """Walk over bare sockets: the lower bound for any client with as many connections."""
    local = threading.local()

    def get(slug):
        if not hasattr(local, "connection"):
            local.connection = socket.create_connection(_address(url))
            local.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = f"GET {OWNERSHIP}{slug}/ HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n\r\n"
        local.connection.sendall(line.encode())
        return [each["slug"] for each in json.loads(_read_answer(local.connection))["subsidiaries"]]

    due = [slug_of(number) for number in range(min(ROOTS, rows))]
    found = 0
    with ThreadPoolExecutor(workers) as pool:
        while due:
            found += len(due)
            due = [slug for slugs in pool.map(get, due) for slug in slugs]
    return found
