"""The server of the benchmarks: it replays pages of synthetic licences over loopback.

It runs in a process of its own so that its cost is not measured. It serves one list, and the
records and owners of as many companies. It does little more for a request than write bytes: it
reads no filters and does not sort. Its rows come from the sandbox's generator. Beyond 20,000 rows
the generated ones are repeated with new codes, so that a million rows take no more memory than
twenty thousand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

import certifi

from sectorsdf.sandbox.sample import Sample

ROOT = Path(__file__).resolve().parents[1]
PAGE = 30
PATH = "/v2/mining/licenses/"
COMPANY = "/v2/mining/companies/"
OWNERSHIP = "/v2/mining/companies/ownership/"
ROOTS = 12
"""How many companies of the sample no other one owns."""
_MOST_GENERATED = 20_000
_OFFSET = re.compile(rb"[?&]offset=(\d+)")
_SLUG = re.compile(rb"^GET /v2/mining/companies/(ownership/)?company-(\d+)/")
_LIMIT = re.compile(rb"[?&]limit=(\d+)")
_CODE = re.compile(rb'"wiup_code": "(\d+)"')
_HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class Rows:
    """A number of licences as JSON, in the order of the API's default sort."""

    def __init__(self, count):
        self.count = count
        generated = min(count, _MOST_GENERATED)
        records = Sample(2026, {"mining_licenses": generated})["mining_licenses"]
        records.sort(key=lambda record: record["license_expiry_date"])
        # As the API writes JSON: spaces after commas and colons, and no escaped characters.
        texts = [json.dumps(record, ensure_ascii=False).encode() for record in records]
        codes = [_CODE.search(text) for text in texts]
        self._halves = [
            (text[: code.start(1)], text[code.end(1) :])
            for text, code in zip(texts, codes, strict=True)
        ]

    def text(self, row):
        """Return one row's JSON."""
        before, after = self._halves[row * len(self._halves) // self.count]
        return b"%b%016d%b" % (before, 1_000_000_000_000_000 + row, after)

    def records(self):
        """Return all rows, parsed."""
        return [json.loads(self.text(row)) for row in range(self.count)]

    def page(self, offset, limit=PAGE):
        """Return the body of one page."""
        rows = range(offset, min(offset + limit, self.count))
        more = offset + limit < self.count
        pagination = {
            "total_count": self.count,
            "showing": len(rows),
            "limit": limit,
            "offset": offset,
            "has_next": more,
            "has_previous": offset > 0,
            "next_offset": offset + limit if more else None,
            "previous_offset": max(0, offset - limit) if offset else None,
        }
        results = b", ".join(map(self.text, rows))
        return b'{"results": [%b], "pagination": %b}' % (results, json.dumps(pagination).encode())


def slug_of(number):
    """Return the slug of a company of the sample."""
    return f"company-{number}"


def owned_by(number, count):
    """Return the numbers of the companies that one owns: two each, as long as there are any."""
    return [child for child in (ROOTS + 2 * number, ROOTS + 2 * number + 1) if child < count]


@lru_cache(maxsize=1)
def _company():
    return Sample(2026, {"mining_companies": 1})["mining_company"][0]["answer"]


def company_body(number):
    """Return the record of a company."""
    return json.dumps({**_company(), "slug": slug_of(number)}, ensure_ascii=False).encode()


def ownership_body(number, count):
    """Return the owner and the subsidiaries of a company."""

    def named(companies):
        return [
            {
                "slug": slug_of(each),
                "name": f"PT Contoh {each}",
                "symbol": None,
                "percentage_ownership": 51.0,
            }
            for each in companies
        ]

    parents = [(number - ROOTS) // 2] if number >= ROOTS else []
    answer = {
        "slug": slug_of(number),
        "parents": named(parents),
        "subsidiaries": named(owned_by(number, count)),
    }
    return json.dumps(answer).encode()


class Window:
    """A rate limit of requests in a window that begins with a request."""

    def __init__(self, requests, seconds):
        self.requests, self.seconds = requests, seconds
        self.opened = float("-inf")
        self.windows = []

    def admit(self):
        """Count a request; return whether it is within the limit."""
        now = time.monotonic()
        if now - self.opened >= self.seconds:
            self.opened = now
            self.windows.append({"opened": now, "served": 0, "refused": 0})
        window = self.windows[-1]
        admitted = window["served"] < self.requests
        window["served" if admitted else "refused"] += 1
        return admitted


class _Connection(asyncio.Protocol):
    """One connection: reads requests without a body, and writes prebuilt answers."""

    def __init__(self, reply, latency, loop):
        self._reply, self._latency, self._loop = reply, latency, loop
        self._read = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._read += data
        while b"\r\n\r\n" in self._read:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            answer = self._reply(request)
            if self._latency:
                self._loop.call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(rows, latency, window, tls):
    @lru_cache(maxsize=1_200)
    def page(offset, limit):
        body = rows.page(offset, limit)
        return _HEAD % (b"200 OK", len(body), body)

    @lru_cache(maxsize=1_200)
    def record(owners, number):
        body = ownership_body(number, rows.count) if owners else company_body(number)
        return _HEAD % (b"200 OK", len(body), body)

    def reply(request):
        line = request[: request.index(b"\r\n")]
        if line.startswith(b"GET /_windows"):
            body = json.dumps(window.windows if window else []).encode()
            return _HEAD % (b"200 OK", len(body), body)
        if window and not window.admit():
            body = b'{"error": "Too many requests"}'
            return _HEAD % (b"429 Too Many Requests", len(body), body)
        company = _SLUG.match(line)
        if company:
            return record(company[1] is not None, int(company[2]))
        offset, limit = _OFFSET.search(line), _LIMIT.search(line)
        return page(int(offset[1]) if offset else 0, int(limit[1]) if limit else PAGE)

    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(reply, latency, loop), "127.0.0.1", 0, ssl=context, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # The pipe is closed when the parent process ends, even if it is killed.
    await loop.run_in_executor(None, sys.stdin.read)


def environment(**more):
    """Return the environment of this process, changed so that this checkout is imported.

    Its compiled modules are kept, as those of an installed package are.
    """
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])
    own = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **own, **more}


class Replay:
    """The server in a process of its own, started and stopped by a ``with`` block.

    Parameters
    ----------
    rows : int
        Number of licences, 30 a page.
    latency : float
        Seconds before each answer.
    limit : tuple of (int, float), optional
        Requests in a window, and its seconds. More requests are refused with a bare 429.
    tls : tuple of path, optional
        Files of a certificate and its key.
    """

    def __init__(self, rows, *, latency=0.0, limit=None, tls=None):
        command = [sys.executable, __file__, str(rows), "--latency", str(latency)]
        if limit:
            command += ["--limit", *map(str, limit)]
        if tls:
            command += ["--tls", *map(str, tls)]
        self.rows, self.pages = rows, -(-rows // PAGE)
        self._command, self._scheme = command, "https" if tls else "http"

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.port = int(self._process.stdout.readline())
        self.url = f"{self._scheme}://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *exc_info):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=10)


def make_certificate(folder):
    """Make a certificate for 127.0.0.1 that is valid for two days. Needs ``openssl``.

    Returns the files of the certificate, of its key, and of a bundle that has it beside the
    authorities that `requests` trusts: loading a bundle of the usual size is a part of the cost of
    a new connection.
    """
    cert, key, bundle = (Path(folder) / name for name in ("cert.pem", "key.pem", "bundle.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    bundle.write_bytes(Path(certifi.where()).read_bytes() + cert.read_bytes())
    return cert, key, bundle


def main():
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--limit", nargs=2, metavar=("REQUESTS", "SECONDS"))
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    limit = options.limit
    window = Window(int(limit[0]), float(limit[1])) if limit else None
    asyncio.run(_serve(Rows(options.rows), options.latency, window, options.tls))


if __name__ == "__main__":
    main()
