"""The network of the user: proxies, certificates and names, and a thread that outlives main.

What would fail again in the same way fails at once, and the text names the cause and the variable.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from support.scripted_server import answer
from support.transport import GOOD, KEY, QUICK, get_site

import sectorsdf

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")

API = "https://api.sectors.example"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def failure(connect, url=API, **options):
    """Return the error of a call."""
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        get_site(connect(url, **options))
    assert caught.value.status is None
    assert KEY not in str(caught.value)
    return caught.value


def check_permanent(error, *words):
    """Assert that a request failed at once, and that the text has these words."""
    text = str(error)
    assert text.startswith("No response: ")
    assert not error.retryable
    for word in words:
        assert word in text


# Proxies


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("user", ["", "someone:hush@"])
def test_a_proxy_that_wants_a_password(scripted, connect, monkeypatch, variable, user):
    proxy = scripted(answer(b"", 407, headers={"Proxy-Authenticate": 'Basic realm="\x1b[2J"'}))
    monkeypatch.setenv(variable, f"http://{user}127.0.0.1:{proxy.port}")
    error = failure(connect)
    check_permanent(
        error, "407", "user name and password", f"{variable} " if not user else variable
    )
    assert ("http://user:password@host:port" in str(error)) == (not user)
    assert "hush" not in str(error)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (403, True), (404, True), (429, False), (502, False), (503, False)],
)
def test_a_proxy_that_does_not_connect(scripted, connect, monkeypatch, status, permanent):
    proxy = scripted(answer(b"<html>", status, headers={"Connection": "close"}))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    error = failure(connect)
    assert f"({status})" in str(error)
    assert "the proxy in HTTPS_PROXY" in str(error)
    assert error.retryable == (not permanent)
    assert len(proxy.requests) == (1 if permanent else 3)


def test_a_proxy_that_is_not_there_is_tried_again(scripted, connect, monkeypatch):
    proxy = scripted(answer())
    proxy.stop()
    monkeypatch.setenv("HTTPS_PROXY", f"http://someone:hush@127.0.0.1:{proxy.port}")
    error = failure(connect)
    assert "failed 3 times" in str(error)
    assert "the connection to the proxy 127.0.0.1 (HTTPS_PROXY) failed" in str(error)
    assert error.retryable
    assert "hush" not in str(error)


@pytest.mark.parametrize(
    "address", ["http://", "http://:80", "http://[::1", "socks5://127.0.0.1:9", "x://a:1"]
)
def test_an_address_of_a_proxy_that_cannot_be_used(connect, monkeypatch, address):
    monkeypatch.setenv("HTTPS_PROXY", address)
    check_permanent(failure(connect), "HTTPS_PROXY", "http://host:port")


def test_a_proxy_that_is_asked_for_tls_and_does_not_speak_it(plain, connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"https://{plain}")
    check_permanent(failure(connect), "HTTPS_PROXY", "does not speak TLS")


# Names


def unknown(monkeypatch, code):
    """Make every look-up of a name fail; return the names that were looked up."""
    names = []

    def getaddrinfo(host, *args, **kwargs):
        names.append(host)
        raise socket.gaierror(code, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


def test_an_unknown_host(connect, monkeypatch):
    names = unknown(monkeypatch, socket.EAI_NONAME)
    check_permanent(failure(connect), "host name of api.sectors.example is unknown", "DNS")
    assert names == ["api.sectors.example"]


def test_an_unknown_host_of_a_proxy(connect, monkeypatch):
    names = unknown(monkeypatch, socket.EAI_NONAME)
    monkeypatch.setenv("HTTPS_PROXY", "http://someone:hush@proxy.example:3128")
    error = failure(connect)
    check_permanent(error, "the proxy proxy.example (HTTPS_PROXY) is unknown")
    assert "hush" not in str(error)
    assert names == ["proxy.example"]


def test_a_name_server_that_does_not_answer_is_asked_again(connect, monkeypatch):
    names = unknown(monkeypatch, socket.EAI_AGAIN)
    assert failure(connect).retryable
    assert len(names) == 3


# Certificates


@pytest.fixture
def plain():
    """A server that answers a TLS handshake in plain text, as any HTTP server does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as sock:
                        sock.recv(65536)
                        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate's file, and the context of a server with it."""
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes the openssl command, which is not here")
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


@pytest.fixture
def secure(certificate):
    """A sandbox with a certificate that no authority has signed, and the certificate's file."""
    cert, context = certificate
    options = {"keys": [KEY], "licenses": 1, "auctions": 2, "sites": 1, "ssl_context": context}
    with sectorsdf.sandbox.Sandbox(**options) as server:
        yield server, cert


def tls_failure(connect, url):
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        sectorsdf.get_mining_license_auctions(client=connect(url))
    return caught.value


def test_a_certificate_that_is_not_trusted(secure, connect, monkeypatch):
    server, cert = secure
    error = tls_failure(connect, server.url)
    check_permanent(error, "TLS certificate of 127.0.0.1 is not trusted", "set REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
    assert len(sectorsdf.get_mining_license_auctions(client=connect(server))) == 2
    error = tls_failure(connect, server.url.replace("127.0.0.1", "localhost"))
    check_permanent(error, "TLS certificate of localhost is not trusted", "mismatch")


def test_a_bundle_without_the_authority(secure, connect, monkeypatch):
    server, _ = secure
    monkeypatch.setenv("CURL_CA_BUNDLE", requests_bundle())
    error = tls_failure(connect, server.url)
    check_permanent(error, "is not trusted", "CURL_CA_BUNDLE names a file that does not have")


def requests_bundle():
    from requests.certs import where

    return where()


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_bundle_that_is_none(connect, monkeypatch, tmp_path, content):
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    words = "does not exist" if content is None else "has no certificates"
    error = failure(connect, "https://127.0.0.1:9")
    check_permanent(error, "REQUESTS_CA_BUNDLE", words)


def test_a_server_without_tls(plain, connect):
    check_permanent(failure(connect, f"https://{plain}"), "127.0.0.1 does not speak TLS")


# Threads


PROGRAM = """
import sys, threading, sectorsdf

def work():
    threading.main_thread().join()
    with sectorsdf.Client(sys.argv[1], sys.argv[2], cache=sys.argv[3]) as client:
        for _ in range(2):
            print(len(sectorsdf.get_mining_sites(client=client)))
        sectorsdf.export(sectorsdf.get_mining_licenses, sys.argv[3] + "/a.parquet", client=client)

threading.Thread(target=work).start()
"""


def test_a_thread_that_fetches_after_the_programs_last_line(serve, tmp_path):
    client = serve()
    arguments = [client.sandbox.key, client.sandbox.url, str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("80\n80\n", "")
    assert len(sectorsdf.read_parquet(tmp_path / "a.parquet")) == 130


def test_a_refused_connection_is_tried_again(scripted, connect):
    server = scripted(GOOD)
    server.stop()
    error = failure(connect, server.url, retry=QUICK)
    assert "failed 3 times (each time the connection failed or was reset" in str(error)
    assert error.retryable
