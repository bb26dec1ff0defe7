"""The server: connections, starting and stopping."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sectorsdf.sandbox import Faults, RateLimit

pytestmark = pytest.mark.newest

LICENSES = "/v2/mining/licenses/"


def raw(client, path=LICENSES, *, method="GET", version="HTTP/1.1", extra="", body=""):
    return (
        f"{method} {path} {version}\r\nHost: localhost\r\n"
        f"Authorization: {client.server.key}\r\n{extra}\r\n{body}"
    ).encode("latin-1")


# Connections


def test_one_connection_serves_many_requests(client):
    answers = client.exchange(*[raw(client, f"{LICENSES}?offset={n}") for n in range(20)])
    assert [status for status, _, _ in answers] == [200] * 20
    assert [json.loads(body)["pagination"]["offset"] for *_, body in answers] == list(range(20))
    assert {headers["connection"] for _, headers, _ in answers} == {"keep-alive"}


@pytest.mark.parametrize(
    ("version", "extra", "answers"),
    [
        ("HTTP/1.1", "", 2),
        ("HTTP/1.1", "Connection: close\r\n", 1),
        ("HTTP/1.0", "", 1),
        ("HTTP/1.0", "Connection: keep-alive\r\n", 2),
    ],
)
def test_the_connection_ends_when_the_client_wishes(client, version, extra, answers):
    request = raw(client, version=version, extra=extra)
    assert len(client.exchange(request, request)) == answers


def test_every_answer_tells_where_its_data_comes_from(client):
    for path in ("/", LICENSES, "/nowhere", "/v2/mining/licenses", "/_sandbox/stats"):
        source = client.get(path).headers["X-Data-Source"]
        assert source == "synthetic sample (sectorsdf sandbox, seed 2026)" == client.server.source


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_compression_when_asked_for(client, accepted, zipped):
    request = raw(client, extra=f"Accept-Encoding: {accepted}\r\n")
    [(_, headers, body)] = client.exchange(request)
    assert (headers.get("content-encoding") == "gzip") is zipped
    assert headers["vary"] == "accept-encoding"
    assert len(json.loads(gzip.decompress(body) if zipped else body)["results"]) == 20


def test_an_answer_is_quick(client):
    client.get(LICENSES)
    begin = time.perf_counter()
    for offset in range(0, 3000, 30):
        client.get(LICENSES, params={"limit": 30, "offset": offset})
    # Generous for a busy machine; a delayed acknowledgement would cost 4 s.
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / SPDY\r\n\r\n", 400),
        (b"G@T / HTTP/1.1\r\n\r\n", 400),
        (b"GET licenses HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad name : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_bytes_that_are_no_request(client, request_bytes, status):
    [(found, headers, body)] = client.exchange(request_bytes, b"GET / HTTP/1.1\r\n\r\n")
    assert found == status
    assert headers["connection"] == "close"
    assert "error" in json.loads(body)


def test_a_body_is_read_before_the_next_request(client):
    post = raw(client, method="POST", extra="Content-Length: 5\r\n", body="GET /")
    answers = client.exchange(post, raw(client))
    assert [status for status, *_ in answers] == [405, 200]


def test_a_body_that_waits_to_be_invited(serve):
    client = serve()
    request = raw(
        client,
        "/_sandbox/faults",
        method="POST",
        extra="Expect: 100-continue\r\nContent-Length: 2\r\n",
    )
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as sock:
        sock.sendall(request)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_leaves_half_way_harms_nobody(client):
    for part in (b"", b"GET", raw(client)[:-2], raw(client, extra="Content-Length: 9\r\n")):
        with socket.create_connection(("127.0.0.1", client.server.port)) as sock:
            sock.sendall(part)
    assert client.get(LICENSES).status_code == 200


def test_the_absolute_form_of_a_target(client):
    request = raw(client, f"http://anything{LICENSES}?limit=1")
    [(status, _, body)] = client.exchange(request)
    assert (status, json.loads(body)["pagination"]["limit"]) == (200, 1)


def test_many_clients_at_once(serve):
    client = serve()
    ready = threading.Barrier(40)

    def ask(number):
        ready.wait(10)
        headers = {"Authorization": client.server.key}
        url = f"{client.server.url}{LICENSES}?offset={number}"
        return requests.get(url, headers=headers, timeout=10).json()["pagination"]["offset"]

    with ThreadPoolExecutor(40) as pool:
        assert sorted(pool.map(ask, range(40))) == list(range(40))
    assert sorted(record.seq for record in client.server.requests) == list(range(1, 41))
    assert client.server.billed == 40


def test_a_limit_holds_against_many_threads(serve):
    client = serve(faults=Faults(rate_limit=RateLimit(requests=10, window=60)))

    def ask(_):
        headers = {"Authorization": client.server.key}
        return requests.get(client.server.url + LICENSES, headers=headers, timeout=10).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(40)))
    assert statuses.count(200) == 10 == client.server.billed


# Starting and stopping


def test_stop_ends_a_stalled_request_at_once(serve):
    client = serve(faults=Faults(stall_rate=1.0, stall_seconds=600))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, LICENSES)
        while not client.server.requests:
            time.sleep(0.005)
        begin = time.monotonic()
        client.server.stop()
        with pytest.raises(requests.ConnectionError):
            waiting.result(10)
    assert time.monotonic() - begin < 3
    assert client.server.requests[-1].delivered is False


def test_stop_closes_idle_connections(serve):
    client = serve()
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as idle:
        # One exchange makes sure that the server has accepted it.
        idle.sendall(raw(client))
        assert idle.recv(10)
        client.server.stop()
        while idle.recv(65536):
            pass
    with pytest.raises(requests.ConnectionError):
        client.get(LICENSES)


def test_stopping_twice_and_starting_again(serve):
    client = serve()
    url = client.server.url
    client.server.stop()
    client.server.stop()
    assert "stopped" in repr(client.server)
    with client.server:
        assert client.server.url == url
        assert client.get(LICENSES).status_code == 200
        with pytest.raises(RuntimeError, match="running"):
            client.server.start()


def test_no_threads_are_left_behind(serve):
    client = serve()

    def ours():
        names = [thread.name for thread in threading.enumerate()]
        return names.count(f"sandbox-{client.server.port}")

    assert client.get(LICENSES).ok
    # One that accepts, one for the connection.
    assert ours() == 2
    client.server.stop()
    assert ours() == 0


def test_the_address_of_the_server(serve):
    server = serve(host="0.0.0.0").server
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert repr(server) == f"<Sandbox at {server.url}, {server.source}>"


def test_tls(serve, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes the openssl command, which is not here")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    client = serve(ssl_context=context)
    client.verify = str(certificate)
    assert client.server.url.startswith("https://")
    assert client.get(LICENSES).status_code == 200
    client.server.set_faults(reset_rate=1.0)
    with pytest.raises(requests.ConnectionError):
        client.get(LICENSES)
    with pytest.raises(requests.ConnectionError):
        requests.get(client.server.url.replace("https", "http"), timeout=10)
    client.server.set_faults(reset_rate=0.0)
    assert client.get(LICENSES).status_code == 200
    client.server.stop()
