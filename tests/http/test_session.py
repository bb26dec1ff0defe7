"""What goes over the wire: headers, the query, proxies, TLS and connections."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.forks import allows_fork, needs_fork, run_in_fork
from support.scripted_server import RECORD, answer, in_turn, page
from support.transport import GOOD, KEY, SITE, TOKEN, get_site, transport_for

import sectorsdf
from sectorsdf.http.transport import RetryPolicy

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")


# The request


@pytest.mark.parametrize(("secret", "header"), [(KEY, KEY), (TOKEN, f"Bearer {TOKEN}")])
def test_the_headers(scripted, connect, secret, header):
    server = scripted(GOOD)
    get_site(connect(server, secret))
    (request,) = server.requests
    assert request.line == f"GET {SITE} HTTP/1.1"
    assert request.headers["authorization"] == header
    assert re.fullmatch(r"sectorsdf/[\w.]+", request.headers["user-agent"])
    assert request.headers["accept"] == "application/json"
    assert "gzip" in request.headers["accept-encoding"]
    assert "cookie" not in request.headers


def test_the_sandbox_lets_keys_and_tokens_in(connect):
    with sectorsdf.sandbox.Sandbox(keys=[KEY], tokens=[TOKEN], licenses=1, auctions=1) as server:
        for secret in (KEY, TOKEN):
            assert len(sectorsdf.get_mining_license_auctions(client=connect(server, secret))) == 1
        with pytest.raises(sectorsdf.AuthenticationError):
            sectorsdf.get_mining_license_auctions(client=connect(server, KEY[::-1]))


def test_a_netrc_does_not_replace_the_key(scripted, connect, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = scripted(in_turn(answer(status=301, headers={"Location": f"/moved{SITE}"}), GOOD))
    assert requests.utils.get_netrc_auth(server.url) == ("somebody", "else")
    get_site(connect(server))
    assert [entry.headers["authorization"] for entry in server.requests] == [KEY, KEY]


def test_cookies_are_not_sent_back(scripted, connect):
    server = scripted(answer({**RECORD}, headers={"Set-Cookie": "a=b; Path=/"}))
    client = connect(server, reuse_within=0)
    get_site(client)
    get_site(client)
    assert [entry.headers.get("cookie") for entry in server.requests] == [None, None]


def test_a_query_is_quoted(scripted, connect):
    server = scripted(page([]))
    sectorsdf.get_mining_license_auctions(client=connect(server), participant="PT A&B = é/?#+")
    (request,) = server.requests
    assert "participant=PT+A%26B+%3D+%C3%A9%2F%3F%23%2B&" in request.query


def test_a_base_url_may_have_a_path(scripted, connect):
    server = scripted(GOOD)
    get_site(connect(f"{server.url}/proxy/sectors/"))
    assert server.requests[0].path == f"/proxy/sectors{SITE}"


# Proxies


def test_the_proxy_of_the_environment_is_used_for_https(scripted, connect, monkeypatch):
    proxy = scripted(answer(status=502, headers={"Connection": "close"}))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hush@127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client = connect("https://api.sectors.example", retry=RetryPolicy(tries=1))
    with pytest.raises(sectorsdf.ConnectionFailedError, match="proxy") as caught:
        get_site(client)
    (request,) = proxy.requests
    assert request.line.startswith("CONNECT api.sectors.example:443 HTTP/1.")
    assert "authorization" not in request.headers
    assert KEY not in str(request)
    assert "hush" not in str(caught.value)


def test_no_proxy_exceptions_are_respected(scripted, connect, monkeypatch):
    proxy = scripted(answer(status=502))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.2,sectors.example")
    # No server listens there, and the proxy must not be used.
    client = connect("https://127.0.0.2:9", retry=RetryPolicy(tries=1), timeout=(1, 1))
    with pytest.raises(sectorsdf.ConnectionFailedError):
        get_site(client)
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_used_for_this_machine(scripted, connect, monkeypatch, host):
    proxy, server = scripted(answer(status=502)), scripted(GOOD)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    get_site(connect(f"http://{host}:{server.port}"))
    assert len(server.requests) == 1
    assert proxy.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes the openssl command, which is not here")
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = "subjectAltName=DNS:api.sectors.example,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=api.sectors.example", "-addext", names]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def test_https_on_this_machine_with_a_certificate_of_its_own(certificate, connect, monkeypatch):
    cert, context = certificate
    with sectorsdf.sandbox.Sandbox(
        keys=[KEY], licenses=1, auctions=2, sites=20, ssl_context=context
    ) as server:
        with pytest.raises(sectorsdf.ConnectionFailedError, match="TLS"):
            sectorsdf.get_mining_license_auctions(client=connect(server))
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
        assert len(sectorsdf.get_mining_license_auctions(client=connect(server))) == 2


def test_a_certificate_of_another_host_is_refused(certificate, connect, monkeypatch):
    cert, context = certificate
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
    with sectorsdf.sandbox.Sandbox(keys=[KEY], licenses=1, ssl_context=context) as server:
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(sectorsdf.ConnectionFailedError, match="TLS"):
            sectorsdf.get_mining_license_auctions(client=connect(elsewhere))
        assert server.requests == []


def test_certificates_that_are_not_there(certificate, connect, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(sectorsdf.ConnectionFailedError, match="certificates"):
        get_site(connect("https://127.0.0.1:9"))


# Connections


def test_one_connection_serves_the_calls_of_one_thread_after_the_other(scripted, connect):
    server = scripted(GOOD)
    client = connect(server, reuse_within=0)
    for _ in range(5):
        get_site(client)
    assert (len(server.requests), server.connections) == (5, 1)


def test_the_connections_are_as_many_as_the_workers(sandbox, connect):
    opened = len(sandbox._open)
    client = connect(sandbox, workers=3)
    for _ in range(4):
        sectorsdf.get_mining_licenses(client=client)
    assert len(client.context.transport._get_exchange()._connections._idle) <= 3
    assert len(sandbox._open) - opened <= 3


def test_a_client_that_was_closed_opens_new_connections(scripted, connect):
    server = scripted(GOOD)
    client = connect(server, reuse_within=0)
    for _ in range(3):
        get_site(client)
        client.close()
        client.close()
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_connection_in_use_is_closed_when_it_comes_back(scripted):
    arrived, go_on = threading.Event(), threading.Event()

    def respond(request):
        arrived.set()
        assert go_on.wait(10)
        return GOOD

    server = scripted(respond)
    transport = transport_for(server)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(transport.get, SITE, {}, parse=json.loads)
        assert arrived.wait(10)
        transport.close()
        go_on.set()
        assert under_way.result(10).value["slug"] == "a-site"
    assert transport._get_exchange()._connections._idle == []


def test_a_connection_that_the_server_has_closed_is_no_trouble(scripted, connect):
    server = scripted(answer(json.dumps(RECORD).encode(), headers={"Connection": "close"}))
    client = connect(server, reuse_within=0, retry=RetryPolicy(tries=1))
    for _ in range(3):
        get_site(client)
    assert server.connections == 3


@needs_fork
@allows_fork
def test_a_forked_process_has_connections_of_its_own(scripted):
    server = scripted(GOOD)
    transport = transport_for(server)
    transport.get(SITE, {}, parse=json.loads)
    run_in_fork(lambda: transport.get(SITE, {}, parse=json.loads))
    transport.get(SITE, {}, parse=json.loads)
    assert (len(server.requests), server.connections) == (3, 2)
    transport.close()


def test_no_two_threads_share_a_session(scripted, monkeypatch):
    in_use, shared, guard = set(), [], threading.Lock()
    send = HTTPAdapter.send

    def watched(self, *args, **kwargs):
        with guard:
            if self in in_use:
                shared.append(self)
            in_use.add(self)
        try:
            return send(self, *args, **kwargs)
        finally:
            with guard:
                in_use.discard(self)

    monkeypatch.setattr(HTTPAdapter, "send", watched)
    server = scripted(GOOD)
    transport = transport_for(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: transport.get(SITE, {}, parse=json.loads), range(200)))
    assert shared == []
    assert len(server.requests) == 200
    assert server.connections <= 8
    transport.close()
