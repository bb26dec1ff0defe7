"""What goes over the wire, what each answer becomes, and what is tried again.

Almost all of it over real sockets: the sandbox where it can misbehave so, else a server whose
answers each test writes itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.scripted_server import RECORD, Scripted, always, answer, in_turn, page

import sectorsdf
from sectorsdf.config.api_key import ApiKey
from sectorsdf.http import transport
from sectorsdf.http.credits import CreditBudget, Ledger
from sectorsdf.http.limiter import LimiterStoppedError, RateLimiter
from sectorsdf.http.responses import retry_after
from sectorsdf.http.transport import RetryPolicy, Transport

KEY = "0123456789abcdef" * 4
TOKEN = "an-oauth.token_Value"
QUICK = RetryPolicy(tries=3, base=0.001)
SITE = "/v2/mining/sites/a-site/"


@pytest.fixture
def connect(tmp_path):
    """Return a function that gives a client of a server, closed at the end."""
    clients = []

    def connect(server, api_key=KEY, **options):
        url = server if isinstance(server, str) else server.url
        options = {"retry": QUICK, "timeout": (5, 5), "cache_folder": tmp_path, **options}
        clients.append(sectorsdf.Client(api_key, url, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def serve():
    """Return a function that starts a scripted server, stopped at the end."""
    servers = []

    def serve(respond):
        servers.append(Scripted(respond if callable(respond) else always(respond)))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()


def site(client, **options):
    return sectorsdf.get_mining_site("a-site", client=client, **options)


GOOD = answer({**RECORD, "name": "A", "location": None})
ignore_fields = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
pytestmark = ignore_fields


# The request


@pytest.mark.parametrize(("secret", "header"), [(KEY, KEY), (TOKEN, f"Bearer {TOKEN}")])
def test_the_headers(serve, connect, secret, header):
    server = serve(GOOD)
    site(connect(server, secret))
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


def test_a_netrc_does_not_replace_the_key(serve, connect, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(in_turn(answer(status=301, headers={"Location": "/moved/"}), GOOD))
    assert requests.utils.get_netrc_auth(server.url) == ("somebody", "else")
    site(connect(server))
    assert [entry.headers["authorization"] for entry in server.requests] == [KEY, KEY]


def test_cookies_are_not_sent_back(serve, connect):
    server = serve(answer({**RECORD}, headers={"Set-Cookie": "a=b; Path=/"}))
    client = connect(server, reuse_within=0)
    site(client)
    site(client)
    assert [entry.headers.get("cookie") for entry in server.requests] == [None, None]


def test_a_query_is_quoted(serve, connect):
    server = serve(page([]))
    sectorsdf.get_mining_license_auctions(client=connect(server), participant="PT A&B = é/?#+")
    (request,) = server.requests
    assert "participant=PT+A%26B+%3D+%C3%A9%2F%3F%23%2B&" in request.query


def test_a_base_url_may_have_a_path(serve, connect):
    server = serve(GOOD)
    site(connect(f"{server.url}/proxy/sectors/"))
    assert server.requests[0].path == f"/proxy/sectors{SITE}"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_is_followed_with_the_key(serve, connect, status):
    server = serve(in_turn(answer(status=status, headers={"Location": f"/new{SITE}?a=1"}), GOOD))
    client = connect(server)
    assert site(client)["slug"].tolist() == ["a-site"]
    assert [entry.target for entry in server.requests] == [SITE, f"/new{SITE}?a=1"]
    assert server.requests[1].headers["authorization"] == KEY
    assert client.spent == 1


def test_a_missing_slash_is_no_trouble(connect):
    with sectorsdf.sandbox.Sandbox(licenses=1, auctions=1, sites=40) as server:
        slug = next(r["slug"] for r in server.records("mining_sites") if r["location"]["province"])
        link = transport_for(server, server.key)
        reply = link.get(f"/v2/mining/sites/{slug}", {}, parse=json.loads)
        assert reply.value["slug"] == slug
        assert [entry.status for entry in server.requests] == [301, 200]
        assert server.billed == 1
        link.close()


def test_a_relative_redirect_leads_on_from_where_it_was_said(serve, connect):
    moved = answer(status=302, headers={"Location": "further"})
    server = serve(in_turn(answer(status=302, headers={"Location": "/one/two"}), moved, GOOD))
    site(connect(server))
    assert [entry.path for entry in server.requests] == [SITE, "/one/two", "/one/further"]


@pytest.mark.parametrize(
    "location",
    [
        "{other}{path}",
        "//127.0.0.1:{other_port}{path}",
        "http://localhost:{port}{path}",
        "https://127.0.0.1:{port}{path}",
        "http://127.0.0.1:{other_port}\\@127.0.0.1:{port}{path}",
        "http://127.0.0.1:{port}@127.0.0.1:{other_port}{path}",
        "http://evil.example{path}",
        "http://127.0.0.1.evil.example:{port}/",
    ],
)
def test_a_redirect_elsewhere_does_not_get_the_key(serve, connect, location):
    other = serve(GOOD)
    server = serve(lambda _: answer(b"bye", 302, headers={"Location": filled}))
    filled = location.format(other=other.url, other_port=other.port, port=server.port, path=SITE)
    client = connect(server)
    with pytest.raises(sectorsdf.ResponseError, match="redirects to another host"):
        site(client)
    assert other.requests == []
    assert len(server.requests) == 1
    assert client.spent == 0


def test_the_error_of_a_redirect_names_the_host(serve, connect):
    server = serve(answer(status=307, headers={"Location": "https://evil.example/x?y"}))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        site(connect(server))
    error = caught.value
    assert "evil.example" in str(error)
    assert "the key stays here" in str(error)
    assert (error.status, error.url) == (307, server.url + SITE)
    assert (error.retryable, error.billed) == (False, False)


def test_the_same_host_with_its_port_told_is_the_same(requests_mock, connect):
    # A port that no test may listen on.
    requests_mock.get(
        re.compile(SITE),
        [
            {"status_code": 301, "headers": {"Location": f"https://API.Sectors.example:443{SITE}"}},
            {"json": RECORD},
        ],
    )
    assert len(site(connect("https://api.sectors.example"))) == 1
    first, second = requests_mock.request_history
    assert first.headers["Authorization"] == second.headers["Authorization"] == KEY


def test_a_circle_of_redirects_ends(serve, connect):
    server = serve(answer(status=301, headers={"Location": SITE}))
    with pytest.raises(sectorsdf.ResponseError, match="in a circle") as caught:
        site(connect(server))
    assert caught.value.status == 301
    assert len(server.requests) == 4


@pytest.mark.parametrize("location", ["http://[", "http://[::1", "http://a:b:c/", "http://:x/", ""])
def test_a_redirect_to_nowhere(serve, connect, location):
    server = serve(answer(status=301, headers={"Location": location}))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        site(connect(server))
    assert caught.value.status == 301
    assert caught.value.__context__ is None


def test_an_error_behind_a_redirect_is_the_answer(serve, connect):
    server = serve(in_turn(answer(status=301, headers={"Location": "/x/"}), answer({}, 500)))
    with pytest.raises(sectorsdf.ServerError):
        site(connect(server, retry=RetryPolicy(tries=1)))


def test_a_connection_that_ends_behind_a_redirect(serve, connect):
    server = serve(in_turn(answer(status=301, headers={"Location": "/x/"}), None))
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        site(connect(server, retry=RetryPolicy(tries=1)))
    assert caught.value.status is None


# Proxies


def test_the_proxy_of_the_environment_is_used_for_https(serve, connect, monkeypatch):
    proxy = serve(answer(status=502, headers={"Connection": "close"}))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hush@127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client = connect("https://api.sectors.example", retry=RetryPolicy(tries=1))
    with pytest.raises(sectorsdf.ConnectionFailedError, match="proxy") as caught:
        site(client)
    (request,) = proxy.requests
    assert request.line.startswith("CONNECT api.sectors.example:443 HTTP/1.")
    assert "authorization" not in request.headers
    assert KEY not in str(request)
    assert "hush" not in str(caught.value)


def test_the_exceptions_from_the_proxy_hold(serve, connect, monkeypatch):
    proxy = serve(answer(status=502))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.2,sectors.example")
    # Nobody listens there, and nobody is asked for the way.
    client = connect("https://127.0.0.2:9", retry=RetryPolicy(tries=1), timeout=(1, 1))
    with pytest.raises(sectorsdf.ConnectionFailedError):
        site(client)
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_used_for_this_machine(serve, connect, monkeypatch, host):
    proxy, server = serve(answer(status=502)), serve(GOOD)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    site(connect(f"http://{host}:{server.port}"))
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
        site(connect("https://127.0.0.1:9"))


# Time


def test_a_server_that_stalls_is_given_up_soon(serve, connect):
    server = serve([Scripted.STALL])
    client = connect(server, timeout=(0.2, 0.2))
    begun = time.monotonic()
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        site(client)
    assert time.monotonic() - begun < 3
    assert len(server.requests) == 3
    assert str(caught.value).count("nothing came in time") >= 3
    assert (caught.value.status, caught.value.retryable) == (None, True)
    assert client.spent == 0


def test_an_answer_that_stalls_half_way_is_billed(serve, connect):
    server = serve([GOOD[:-10], Scripted.STALL])
    client = connect(server, timeout=(0.2, 0.2))
    with pytest.raises(sectorsdf.ResponseError, match="cut short") as caught:
        site(client)
    assert (caught.value.status, caught.value.billed) == (200, True)
    assert len(server.requests) == client.spent == 3


def test_every_request_has_a_finite_timeout(monkeypatch, serve, connect):
    seen = []
    send = HTTPAdapter.send
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda *a, **k: seen.append(k["timeout"]) or send(*a, **k)
    )
    server = serve(GOOD)
    site(connect(server))
    with sectorsdf.Client(KEY, server.url) as client:
        site(client)
    assert seen == [(5.0, 5.0), (5.0, 30.0)]


@pytest.mark.parametrize(
    "timeout",
    [5, None, (5,), (5, None), (0, 5), (5, float("inf")), (float("nan"), 5), "ab", (1, 2, 3)],
)
def test_a_timeout_that_is_none(timeout):
    with pytest.raises(sectorsdf.ConfigurationError, match="timeout="):
        sectorsdf.Client(KEY, "http://127.0.0.1:9", timeout=timeout)


# The status map


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, sectorsdf.BadRequestError),
        (401, sectorsdf.AuthenticationError),
        (403, sectorsdf.AuthenticationError),
        (404, sectorsdf.NotFoundError),
        (405, sectorsdf.BadRequestError),
        (409, sectorsdf.BadRequestError),
        (410, sectorsdf.BadRequestError),
        (418, sectorsdf.BadRequestError),
        (451, sectorsdf.BadRequestError),
        (499, sectorsdf.BadRequestError),
        (304, sectorsdf.ResponseError),
        (300, sectorsdf.ResponseError),
        (301, sectorsdf.ResponseError),
    ],
)
@pytest.mark.parametrize("words", [True, False])
def test_what_is_not_tried_again(serve, connect, status, kind, words):
    body = {"error": "It is so.", "detail": "Because."} if words and status != 304 else b""
    server = serve(answer(body, status))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable) == (status, False)
    assert error.url.startswith(f"{server.url}/v2/mining/license-auctions/?")
    assert str(status) in str(error)
    assert ("It is so.: Because." in str(error)) == (words and status >= 400)
    assert len(server.requests) == 1
    assert client.spent == (status == 404)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
def test_a_failing_server_is_tried_again(serve, connect, status):
    server = serve(answer({"error": "It is so."}, status))
    client = connect(server)
    with pytest.raises(sectorsdf.ServerError) as caught:
        site(client)
    error = caught.value
    assert (error.status, error.retryable) == (status, True)
    assert error.url == server.url + SITE
    assert f"failed 3 times ({status}, {status}, {status})" in str(error)
    assert "It is so." in str(error)
    assert len(server.requests) == 3
    assert client.spent == 0


PAGE = b"<!DOCTYPE html><html><body><h1>Gateway</h1></body></html>"


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502])
def test_a_page_in_place_of_json(serve, connect, status):
    server = serve(answer(PAGE, status, headers={"Content-Type": "text/html"}))
    with pytest.raises(sectorsdf.APIError, match="no words, but a page") as caught:
        sectorsdf.get_mining_license_auctions(client=connect(server))
    assert caught.value.status == status
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "A"}, "400: A"),
        ({"message": "B", "error": "A"}, "400: A: B"),
        ({"error": {"code": 7, "why": "é"}}, '400: {"code": 7, "why": "é"}'),
        ({"error": ["A", "B"]}, '400: ["A", "B"]'),
        ({"error": "", "detail": "C"}, "400: C"),
        ({"error": None}, '400: {"error": null}'),
        ({"year": ["Out of range."]}, '400: {"year": ["Out of range."]}'),
        ({}, "400: {}"),
        ([], "400: []"),
        ("text", "400: text"),
        (None, "400: null"),
        ({"error": "two\n  lines\t"}, "400: two lines"),
        ({"error": "x" * 999}, "400: " + "x" * 300),
        (b"", "400: no words"),
        (b" \n", "400: no words"),
        (b"\xff\xfe\x00", "400: no words, but a page"),
        (b"[" * 200_000, "400: no words, but a page"),
        (b"1" * 5000, "400: no words, but a page"),
    ],
)
def test_the_servers_words(serve, connect, body, text):
    server = serve(answer(body, 400))
    with pytest.raises(sectorsdf.BadRequestError) as caught:
        sectorsdf.get_mining_license_auctions(client=connect(server))
    assert str(caught.value) == text


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_an_error_whose_words_are_cut_off_is_still_that_error(serve, connect, status):
    server = serve(answer(b'{"error": "It i', status, length=99))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError, match=f"{status}: ") as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    assert caught.value.status == status
    assert client.spent == (status == 404)


# Tries


@pytest.mark.parametrize(
    ("bad", "seen", "billed"),
    [
        (None, "the connection failed or was reset", 0),
        (answer({}, 500), "500", 0),
        (answer({}, 503), "503", 0),
        (answer(b"x" * 10, length=99), "200 that could not be used", 1),
        (answer(b""), "200 that could not be used", 1),
        (answer(b"", 204), "204 that could not be used", 1),
        (answer(b'{"a": '), "200 that could not be used", 1),
        (answer(PAGE), "200 that could not be used", 1),
        (answer(b"junk", headers={"Content-Encoding": "gzip"}), "200 that could not be used", 1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "200 that could", 1),
        (b"what is this\r\n\r\n", "the connection failed or was reset", 0),
    ],
    ids=str,
)
def test_what_is_tried_again(serve, connect, bad, seen, billed):
    server = serve(in_turn(bad, bad, GOOD))
    client = connect(server)
    assert site(client)["slug"].tolist() == ["a-site"]
    assert len(server.requests) == 3
    assert client.spent == 1 + 2 * billed

    server = serve(always(bad))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    text = str(caught.value)
    assert text.startswith("Page 1 of mining_license_auctions failed 3 times (")
    assert text.count(seen) >= 3
    assert caught.value.retryable
    assert len(server.requests) == 3
    assert client.spent == 3 * billed == len(client.ledger.entries()) - 1 - 2 * billed


def test_a_server_that_is_not_there(connect):
    with Scripted(always(GOOD)) as gone:
        pass
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        site(connect(gone))
    assert "failed 3 times" in str(caught.value)
    assert (caught.value.status, caught.value.url) == (None, gone.url + SITE)


def test_the_text_tells_what_was_seen_each_time(serve, connect):
    server = serve(in_turn(answer({}, 500), None, answer({"error": "Gone."}, 410)))
    with pytest.raises(sectorsdf.BadRequestError) as caught:
        site(connect(server))
    assert str(caught.value) == (
        "mining site a-site failed 3 times (500, the connection failed or was reset, 410). "
        "410: Gone."
    )


def test_one_try_tells_the_page_too(serve, connect):
    server = serve(answer({}, 500))
    with pytest.raises(sectorsdf.ServerError, match=r"^mining site a-site failed once \(500\)"):
        site(connect(server, retry=RetryPolicy(tries=1)))
    assert len(server.requests) == 1


def test_the_text_tells_how_to_go_on(connect):
    with sectorsdf.sandbox.Sandbox(licenses=100, auctions=1, sites=1, keys=[KEY]) as server:
        server.set_faults(status_every={503: 3})
        client = connect(server, workers=1, retry=RetryPolicy(tries=1))
        with pytest.raises(sectorsdf.ServerError) as caught:
            sectorsdf.get_mining_licenses(client=client)
        assert re.search(
            r"^Page 3 of mining_licenses failed once .*2 paid page\(s\) are kept", str(caught.value)
        )
        server.set_faults(status_every={})
        assert len(sectorsdf.get_mining_licenses(client=client)) == 100
        assert client.spent == server.billed == 4


def test_the_waits_between_tries(monkeypatch):
    drawn = []
    monkeypatch.setattr(transport.random, "uniform", lambda low, high: drawn.append((low, high)))
    policy = RetryPolicy(base=0.5, cap=20)
    for failures in range(1, 9):
        policy.wait(failures)
    policy.wait(100_000)
    assert {low for low, _ in drawn} == {0}
    assert [high for _, high in drawn] == [1, 2, 4, 8, 16, 20, 20, 20, 20]


def test_the_waits_are_kept(serve, monkeypatch, connect):
    waits = []
    monkeypatch.setattr(RetryPolicy, "wait", lambda self, n: waits.append(n) or 0.01 * n)
    server = serve(None)
    begun = time.monotonic()
    with pytest.raises(sectorsdf.ConnectionFailedError):
        site(connect(server, retry=RetryPolicy(tries=4)))
    assert waits == [1, 2, 3]
    assert time.monotonic() - begun >= 0.06


@pytest.mark.parametrize(
    "numbers",
    [
        {"tries": 0},
        {"tries": True},
        {"tries": 1.5},
        {"base": -1},
        {"base": float("nan")},
        {"base": float("inf")},
        {"cap": -0.1},
        {"cap": float("inf")},
    ],
)
def test_a_policy_that_cannot_be_kept(numbers):
    with pytest.raises(sectorsdf.ConfigurationError, match="RetryPolicy"):
        RetryPolicy(**numbers)


def test_no_waiting_at_all():
    assert RetryPolicy(base=0).wait(3) == 0


# Too many requests


def test_a_429_waits_for_the_window_and_is_no_try(serve, connect):
    limited = answer({"error": "RATE_LIMIT_EXCEEDED"}, 429, headers={"Retry-After": "0"})
    server = serve(in_turn(limited, GOOD))
    client = connect(server, retry=RetryPolicy(tries=1), rate_limit="100/s")
    assert len(site(client)) == 1
    assert len(server.requests) == 2
    assert client.spent == 1
    assert client.pace()["refusals"] == 1


def test_a_cut_429_is_one_too(serve, connect):
    limited = answer(b"{", 429, length=99, headers={"Retry-After": "0"})
    server = serve(in_turn(limited, GOOD))
    client = connect(server, retry=RetryPolicy(tries=1), rate_limit="100/s")
    site(client)
    assert client.pace()["refusals"] == 1


def test_a_quota_that_is_used_up():
    with sectorsdf.sandbox.running(
        faults=sectorsdf.sandbox.Faults(quota=0),
        server={"licenses": 1, "auctions": 1, "sites": 1},
        max_wait=0.2,
    ) as client:
        with pytest.raises(sectorsdf.QuotaExhaustedError) as caught:
            sectorsdf.get_mining_license_auctions(client=client)
        assert client.spent == client.sandbox.billed == 0
    error = caught.value
    assert (error.status, error.retryable) == (429, False)
    assert error.url.startswith("http://127.0.0.1:")
    assert "/v2/mining/license-auctions/" in error.url


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("1e999", None),
        ("Fri, 99 Foo 2020 25:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after(text, seconds):
    assert retry_after(text) == seconds


def test_retry_after_as_a_date():
    left = retry_after(formatdate(time.time() + 100, usegmt=True))
    assert 95 < left <= 100


# Credits


FAULTS = {
    "none": {},
    "reset": {"reset_rate": 0.3},
    "cut": {"cut_rate": 0.3},
    "garbage": {"garbage_rate": 0.3},
    "empty": {"empty_rate": 0.3},
    "500": {"status_rates": {500: 0.3}},
    "html": {"status_rates": {502: 0.3}, "html_errors": True},
    "429": {"status_every": {429: 9}},
    "all": {"reset_rate": 0.1, "cut_rate": 0.1, "garbage_rate": 0.1, "status_rates": {503: 0.1}},
}
ALWAYS = {
    "reset": {"reset_rate": 1},
    "cut": {"cut_rate": 1},
    "garbage": {"garbage_rate": 1},
    "empty": {"empty_rate": 1},
    "400": {"status_rates": {400: 1}},
    "401": {"status_rates": {401: 1}},
    "403": {"status_rates": {403: 1}},
    "500": {"status_rates": {500: 1}},
    "html": {"status_rates": {502: 1}, "html_errors": True},
}


@pytest.fixture(scope="module")
def sandbox():
    with sectorsdf.sandbox.Sandbox(licenses=200, auctions=3, sites=40, keys=[KEY]) as server:
        yield server


@pytest.fixture
def fresh(sandbox):
    none = sectorsdf.sandbox.Faults()
    sandbox.set_faults(**{name: getattr(none, name) for name in none.as_dict()})
    sandbox.reset_counts()
    return sandbox


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_what_is_spent_is_what_is_billed(fresh, connect, faults):
    fresh.set_faults(**faults)
    rate = {"rate_limit": "300/s"} if "429" in str(faults) else {}
    client = connect(fresh, retry=RetryPolicy(tries=60, base=0.0001, cap=0.001), **rate)
    frame = sectorsdf.get_mining_sites(client=client, details=True)
    assert len(frame) == 40
    assert len(sectorsdf.get_mining_licenses(client=client)) == 200
    told = frame.attrs["sectorsdf"]["credits"]
    assert client.spent == fresh.billed == sum(e["credits"] for e in client.ledger.entries())
    assert told <= client.spent


@pytest.mark.parametrize("faults", ALWAYS.values(), ids=ALWAYS)
def test_what_is_spent_in_vain_is_what_is_billed(fresh, connect, faults):
    fresh.set_faults(**faults)
    client = connect(fresh)
    for call in (
        lambda: sectorsdf.get_mining_licenses(client=client),
        lambda: sectorsdf.get_mining_site(["a", "b", "c"], client=client),
    ):
        with pytest.raises(sectorsdf.APIError):
            call()
    assert client.spent == fresh.billed == sum(e["credits"] for e in client.ledger.entries())


def test_an_answer_that_never_came_is_not_counted(fresh, connect):
    # Nobody but the server knows whether it has billed it.
    fresh.set_faults(stall_rate=1, stall_seconds=5)
    client = connect(fresh, timeout=(0.1, 0.1), retry=RetryPolicy(tries=1))
    with pytest.raises(sectorsdf.ConnectionFailedError):
        sectorsdf.get_mining_license_auctions(client=client)
    assert client.spent == 0


def test_a_retry_needs_a_credit_of_its_own(fresh, connect):
    fresh.set_faults(garbage_rate=1)
    client = connect(fresh)
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.get_mining_license_auctions(client=client, max_credits=2)
    assert client.spent == fresh.billed == 2
    assert len(fresh.requests) == 2


# Connections


def transport_for(server, key=KEY, **options):
    options = {"timeout": (5, 5), "retry": QUICK, **options}
    return Transport(ApiKey(key), server.url, gate=RateLimiter(), ledger=Ledger(None), **options)


def test_one_connection_serves_the_calls_of_one_thread_after_the_other(serve, connect):
    server = serve(GOOD)
    client = connect(server, reuse_within=0)
    for _ in range(5):
        site(client)
    assert (len(server.requests), server.connections) == (5, 1)


def test_the_connections_are_as_many_as_the_workers(fresh, connect):
    opened = len(fresh._open)
    client = connect(fresh, workers=3)
    for _ in range(4):
        sectorsdf.get_mining_licenses(client=client)
    assert len(client._link.transport._idle) <= 3
    assert len(fresh._open) - opened <= 3


def test_a_client_that_was_closed_opens_new_connections(serve, connect):
    server = serve(GOOD)
    client = connect(server, reuse_within=0)
    for _ in range(3):
        site(client)
        client.close()
        client.close()
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_connection_in_use_is_closed_when_it_comes_back(serve):
    arrived, go_on = threading.Event(), threading.Event()

    def respond(request):
        arrived.set()
        assert go_on.wait(10)
        return GOOD

    server = serve(respond)
    link = transport_for(server)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(link.get, SITE, {}, parse=json.loads)
        assert arrived.wait(10)
        link.close()
        go_on.set()
        assert under_way.result(10).value["slug"] == "a-site"
    assert link._idle == []


def test_a_connection_that_the_server_has_closed_is_no_trouble(serve, connect):
    server = serve(answer(json.dumps(RECORD).encode(), headers={"Connection": "close"}))
    client = connect(server, reuse_within=0, retry=RetryPolicy(tries=1))
    for _ in range(3):
        site(client)
    assert server.connections == 3


def test_a_forked_process_has_connections_of_its_own(serve, monkeypatch):
    server = serve(GOOD)
    link = transport_for(server)
    link.get(SITE, {}, parse=json.loads)
    (session, *_) = link._idle[0]
    here = os.getpid()
    monkeypatch.setattr(transport.os, "getpid", lambda: here + 1)
    link.get(SITE, {}, parse=json.loads)
    assert server.connections == 2
    link.close()
    session.close()


def test_no_two_threads_share_a_session(serve, monkeypatch):
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
    server = serve(GOOD)
    link = transport_for(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: link.get(SITE, {}, parse=json.loads), range(200)))
    assert shared == []
    assert len(server.requests) == 200
    assert server.connections <= 8
    link.close()


# Interrupts


@pytest.fixture
def interrupt():
    """Return a function that interrupts the main thread as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread can be interrupted")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
def test_an_interrupt_inside_a_request(serve, interrupt):
    def respond(request):
        interrupt()
        return [GOOD[:-10], Scripted.STALL]

    purse = CreditBudget(None)
    link = transport_for(serve(respond))
    with pytest.raises(KeyboardInterrupt) as caught:
        link.get(SITE, {}, parse=json.loads, purse=[purse])
    assert purse.spent in {0, 1}
    frames = [entry.path.name for entry in caught.traceback]
    assert set(frames) == {"test_transport.py", "transport.py"}
    # The reservation is given back, and the next request finds everything in order.
    purse.reserve(1)
    link.close()


@posix
def test_an_interrupt_after_the_status_came_is_billed(serve, interrupt, monkeypatch):
    server = serve([GOOD[:-10], Scripted.STALL])
    purse = CreditBudget(None)
    link = transport_for(server)
    content = requests.Response.content.fget

    def read(self):
        timer = threading.Timer(0.05, interrupt)
        timer.start()
        try:
            return content(self)
        finally:
            timer.join()

    monkeypatch.setattr(requests.Response, "content", property(read))
    with pytest.raises(KeyboardInterrupt):
        link.get(SITE, {}, parse=json.loads, purse=[purse])
    assert purse.spent == 1
    link.close()


def test_what_nobody_foresaw_is_raised_as_it_is(serve, monkeypatch):
    class OddError(Exception):
        pass

    def send(self, request, **settings):
        try:
            raise OSError(request.headers["Authorization"])
        except OSError as error:
            raise OddError("odd") from error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    link = transport_for(serve(GOOD))
    with pytest.raises(OddError, match="odd") as caught:
        link.get(SITE, {}, parse=json.loads)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_stopping_ends_the_waits(serve):
    asked = threading.Event()

    def respond(request):
        asked.set()

    link = transport_for(serve(respond), retry=RetryPolicy(tries=9, base=100_000, cap=100_000))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(link.get, SITE, {}, parse=json.loads)
        assert asked.wait(10)
        link.stop()
        with pytest.raises(LimiterStoppedError):
            waiting.result(10)
    with pytest.raises(LimiterStoppedError):
        link.get(SITE, {}, parse=json.loads)
    link.resume()
    link.close()
