"""Redirects, timeouts, retries, credits and interrupts.

Almost all over real sockets: to the sandbox where it can produce the fault, otherwise to a server
whose responses each test defines.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from requests.adapters import HTTPAdapter
from support.scripted_server import RECORD, Scripted, always, answer, in_turn
from support.transport import GOOD, HTML, KEY, SITE, get_site, transport_for

import sectorsdf
from sectorsdf.http import exchange as exchange_module
from sectorsdf.http import policy as policy_module
from sectorsdf.http.credits import CreditBudget
from sectorsdf.http.limiter import LimiterStoppedError
from sectorsdf.http.transport import RetryPolicy

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_is_followed_with_the_key(scripted, connect, status):
    server = scripted(in_turn(answer(status=status, headers={"Location": f"/new{SITE}"}), GOOD))
    client = connect(server)
    assert get_site(client)["slug"].tolist() == ["a-site"]
    assert [entry.target for entry in server.requests] == [SITE, f"/new{SITE}"]
    assert server.requests[1].headers["authorization"] == KEY
    assert client.spent == 1


def test_a_missing_slash_is_no_trouble(connect):
    with sectorsdf.sandbox.Sandbox(licenses=1, auctions=1, sites=40) as server:
        slug = next(r["slug"] for r in server.records("mining_sites") if r["location"]["province"])
        transport = transport_for(server, server.key)
        reply = transport.get(f"/v2/mining/sites/{slug}", {}, parse=json.loads)
        assert reply.value["slug"] == slug
        assert [entry.status for entry in server.requests] == [301, 200]
        assert server.billed == 1
        transport.close()


def test_a_relative_redirect_is_resolved_against_the_redirecting_url(scripted, connect):
    first = answer(status=302, headers={"Location": "/one/two/a-site"})
    second = answer(status=302, headers={"Location": "../three/a-site"})
    server = scripted(in_turn(first, second, GOOD))
    get_site(connect(server))
    paths = [entry.path for entry in server.requests]
    assert paths == [SITE, "/one/two/a-site", "/one/three/a-site"]


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
def test_a_redirect_elsewhere_does_not_get_the_key(scripted, connect, location):
    other = scripted(GOOD)
    server = scripted(lambda _: answer(b"bye", 302, headers={"Location": filled}))
    filled = location.format(other=other.url, other_port=other.port, port=server.port, path=SITE)
    client = connect(server)
    with pytest.raises(sectorsdf.ResponseError, match="redirects to another host"):
        get_site(client)
    assert other.requests == []
    assert len(server.requests) == 1
    assert client.spent == 0


def test_the_error_of_a_redirect_names_the_host(scripted, connect):
    server = scripted(answer(status=307, headers={"Location": "https://evil.example/x?y"}))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(connect(server))
    error = caught.value
    assert "evil.example" in str(error)
    assert "may not receive the key" in str(error)
    assert (error.status, error.url) == (307, server.url + SITE)
    assert (error.retryable, error.billed) == (False, False)


def test_the_same_host_with_an_explicit_port_is_the_same(requests_mock, connect):
    # A port that no test may listen on.
    requests_mock.get(
        re.compile(SITE),
        [
            {"status_code": 301, "headers": {"Location": f"https://API.Sectors.example:443{SITE}"}},
            {"json": RECORD},
        ],
    )
    assert len(get_site(connect("https://api.sectors.example"))) == 1
    first, second = requests_mock.request_history
    assert first.headers["Authorization"] == second.headers["Authorization"] == KEY


def test_a_loop_of_redirects_ends(scripted, connect):
    server = scripted(answer(status=301, headers={"Location": SITE}))
    with pytest.raises(sectorsdf.ResponseError, match="redirected more than 3 times") as caught:
        get_site(connect(server))
    assert caught.value.status == 301
    assert len(server.requests) == 4


@pytest.mark.parametrize("location", ["http://[", "http://[::1", "http://a:b:c/", "http://:x/", ""])
def test_a_redirect_to_nowhere(scripted, connect, location):
    server = scripted(answer(status=301, headers={"Location": location}))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(connect(server))
    assert caught.value.status == 301
    assert caught.value.__context__ is None


def test_an_error_behind_a_redirect_is_the_answer(scripted, connect):
    moved = answer(status=301, headers={"Location": "/x/a-site/"})
    server = scripted(in_turn(moved, answer({}, 500)))
    with pytest.raises(sectorsdf.ServerError):
        get_site(connect(server, retry=RetryPolicy(tries=1)))


def test_a_connection_that_ends_behind_a_redirect(scripted, connect):
    server = scripted(in_turn(answer(status=301, headers={"Location": "/x/a-site/"}), None))
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        get_site(connect(server, retry=RetryPolicy(tries=1)))
    assert caught.value.status is None


# Time


def test_a_server_that_stalls_is_given_up_soon(scripted, connect):
    server = scripted([Scripted.STALL])
    client = connect(server, timeout=(0.2, 0.2))
    begun = time.monotonic()
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        get_site(client)
    assert time.monotonic() - begun < 3
    assert len(server.requests) == 3
    assert "failed 3 times (each time the server did not respond in time)" in str(caught.value)
    assert (caught.value.status, caught.value.retryable) == (None, True)
    assert client.spent == 0


def test_an_answer_that_stalls_half_way_is_billed(scripted, connect):
    server = scripted([GOOD[:-10], Scripted.STALL])
    client = connect(server, timeout=(0.2, 0.2))
    with pytest.raises(sectorsdf.ResponseError, match="cut short") as caught:
        get_site(client)
    assert (caught.value.status, caught.value.billed) == (200, True)
    assert len(server.requests) == client.spent == 3


def test_every_request_has_a_finite_timeout(monkeypatch, scripted, connect):
    seen = []
    send = HTTPAdapter.send
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda *a, **k: seen.append(k["timeout"]) or send(*a, **k)
    )
    server = scripted(GOOD)
    get_site(connect(server))
    with sectorsdf.Client(KEY, server.url) as client:
        get_site(client)
    assert seen == [(5.0, 5.0), (5.0, 30.0)]


@pytest.mark.parametrize(
    "timeout",
    [
        *(5, None, "ab"),
        *((5,), (5, None), (0, 5), (5, float("inf")), (float("nan"), 5)),
        *((1, 2, 0), (1, 2, float("inf")), (1, 2, 3, 4)),
    ],
)
def test_a_timeout_that_cannot_be_used(timeout):
    with pytest.raises(sectorsdf.ConfigurationError, match="timeout="):
        sectorsdf.Client(KEY, "http://127.0.0.1:9", timeout=timeout)


# Tries


@pytest.mark.parametrize(
    ("bad", "seen", "billed"),
    [
        (None, "the connection failed or was reset", 0),
        (answer({}, 500), "500", 0),
        (answer({}, 503), "503", 0),
        (answer(b"x" * 10, length=99), "unusable 200 response", 1),
        (answer(b""), "unusable 200 response", 1),
        (answer(b"", 204), "unusable 204 response", 1),
        (answer(b'{"a": '), "unusable 200 response", 1),
        (answer(HTML), "200 with an HTML page", 0),
        (answer(b"junk", headers={"Content-Encoding": "gzip"}), "unusable 200 response", 1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "unusable 200", 1),
        (b"what is this\r\n\r\n", "the connection failed or was reset", 0),
    ],
    ids=str,
)
def test_what_is_tried_again(scripted, connect, bad, seen, billed):
    server = scripted(in_turn(bad, bad, GOOD))
    client = connect(server)
    assert get_site(client)["slug"].tolist() == ["a-site"]
    assert len(server.requests) == 3
    assert client.spent == 1 + 2 * billed

    server = scripted(always(bad))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    text = str(caught.value)
    assert text.startswith(f"Page 1 of mining_license_auctions failed 3 times (each time {seen}")
    assert caught.value.retryable
    assert len(server.requests) == 3
    assert client.spent == 3 * billed == len(client.ledger.entries()) - 1 - 2 * billed


def test_a_server_that_is_not_there(connect):
    with Scripted(always(GOOD)) as gone:
        pass
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        get_site(connect(gone))
    assert "failed 3 times" in str(caught.value)
    assert (caught.value.status, caught.value.url) == (None, gone.url + SITE)


def test_the_message_lists_every_try(scripted, connect):
    server = scripted(in_turn(answer({}, 500), None, answer({"error": "Gone."}, 410)))
    with pytest.raises(sectorsdf.BadRequestError) as caught:
        get_site(connect(server))
    assert str(caught.value) == (
        "mining site a-site failed 3 times (500, the connection failed or was reset, 410). "
        "410: Gone."
    )


def test_the_message_of_one_try_names_the_record(scripted, connect):
    server = scripted(answer({}, 500))
    with pytest.raises(sectorsdf.ServerError, match=r"^mining site a-site failed once \(500\)"):
        get_site(connect(server, retry=RetryPolicy(tries=1)))
    assert len(server.requests) == 1


def test_the_message_says_how_to_continue(connect):
    with sectorsdf.sandbox.Sandbox(licenses=100, auctions=1, sites=1, keys=[KEY]) as server:
        server.set_faults(status_every={503: 3})
        client = connect(server, workers=1, retry=RetryPolicy(tries=1))
        with pytest.raises(sectorsdf.ServerError) as caught:
            sectorsdf.get_mining_licenses(client=client)
        assert re.search(
            r"^Page \d of mining_licenses failed once .*2 paid page\(s\) are kept",
            str(caught.value),
        )
        server.set_faults(status_every={})
        assert len(sectorsdf.get_mining_licenses(client=client)) == 100
        assert client.spent == server.billed == 4


def test_the_waits_between_tries(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        policy_module.random, "uniform", lambda low, high: drawn.append((low, high))
    )
    policy = RetryPolicy(base=0.5, cap=20)
    for failures in range(1, 9):
        policy.wait(failures)
    policy.wait(100_000)
    assert {low for low, _ in drawn} == {0}
    assert [high for _, high in drawn] == [1, 2, 4, 8, 16, 20, 20, 20, 20]


def test_the_waits_are_kept(scripted, monkeypatch, connect):
    waits = []
    monkeypatch.setattr(RetryPolicy, "wait", lambda self, n: waits.append(n) or 0.01 * n)
    server = scripted(None)
    begun = time.monotonic()
    with pytest.raises(sectorsdf.ConnectionFailedError):
        get_site(connect(server, retry=RetryPolicy(tries=4)))
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
def test_a_policy_that_cannot_be_used(numbers):
    with pytest.raises(sectorsdf.ConfigurationError, match="RetryPolicy"):
        RetryPolicy(**numbers)


def test_no_waiting_at_all():
    assert RetryPolicy(base=0).wait(3) == 0


# Too many requests


def test_a_429_waits_for_the_window_and_is_no_try(scripted, connect):
    limited = answer({"error": "RATE_LIMIT_EXCEEDED"}, 429, headers={"Retry-After": "0"})
    server = scripted(in_turn(limited, GOOD))
    client = connect(server, retry=RetryPolicy(tries=1), rate_limit="100/s")
    assert len(get_site(client)) == 1
    assert len(server.requests) == 2
    assert client.spent == 1
    assert client.pace()["refusals"] == 1


def test_a_cut_429_is_one_too(scripted, connect):
    limited = answer(b"{", 429, length=99, headers={"Retry-After": "0"})
    server = scripted(in_turn(limited, GOOD))
    client = connect(server, retry=RetryPolicy(tries=1), rate_limit="100/s")
    get_site(client)
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


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_what_is_spent_is_what_is_billed(sandbox, connect, faults):
    sandbox.set_faults(**faults)
    rate = {"rate_limit": "300/s"} if "429" in str(faults) else {}
    client = connect(sandbox, retry=RetryPolicy(tries=60, base=0.0001, cap=0.001), **rate)
    frame = sectorsdf.get_mining_sites(client=client, details=True)
    assert len(frame) == 40
    assert len(sectorsdf.get_mining_licenses(client=client)) == 200
    cost = frame.attrs["sectorsdf"]["credits"]
    assert client.spent == sandbox.billed == sum(e["credits"] for e in client.ledger.entries())
    assert cost <= client.spent


@pytest.mark.parametrize("faults", ALWAYS.values(), ids=ALWAYS)
def test_what_is_spent_on_failures_is_what_is_billed(sandbox, connect, faults):
    sandbox.set_faults(**faults)
    client = connect(sandbox)
    for call in (
        lambda: sectorsdf.get_mining_licenses(client=client),
        lambda: sectorsdf.get_mining_site(["a", "b", "c"], client=client),
    ):
        with pytest.raises(sectorsdf.APIError):
            call()
    assert client.spent == sandbox.billed == sum(e["credits"] for e in client.ledger.entries())


def test_an_answer_that_never_came_is_not_counted(sandbox, connect):
    # Only the server knows whether it has billed the request.
    sandbox.set_faults(stall_rate=1, stall_seconds=5)
    client = connect(sandbox, timeout=(0.1, 0.1), retry=RetryPolicy(tries=1))
    with pytest.raises(sectorsdf.ConnectionFailedError):
        sectorsdf.get_mining_license_auctions(client=client)
    assert client.spent == 0


def test_a_retry_needs_a_credit_of_its_own(sandbox, connect):
    sandbox.set_faults(garbage_rate=1)
    client = connect(sandbox)
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.get_mining_license_auctions(client=client, max_credits=2)
    assert client.spent == sandbox.billed == 2
    assert len(sandbox.requests) == 2


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
def test_an_interrupt_inside_a_request(scripted, interrupt):
    def respond(request):
        interrupt()
        return [GOOD[:-10], Scripted.STALL]

    budget = CreditBudget(None)
    transport = transport_for(scripted(respond))
    with pytest.raises(KeyboardInterrupt) as caught:
        transport.get(SITE, {}, parse=json.loads, budgets=[budget])
    assert budget.spent in {0, 1}
    frames = [entry.path.name for entry in caught.traceback]
    assert set(frames) == {"test_transport.py", "transport.py", "exchange.py"}
    # The reservation was settled, so that the next request can reserve.
    budget.reserve(1)
    transport.close()


@posix
def test_an_interrupt_after_the_status_came_is_billed(scripted, interrupt, monkeypatch):
    server = scripted([GOOD[:-10], Scripted.STALL])
    budget = CreditBudget(None)
    transport = transport_for(server)
    read_body = exchange_module.read_body

    def read(*args, **options):
        timer = threading.Timer(0.05, interrupt)
        timer.start()
        try:
            read_body(*args, **options)
        finally:
            timer.join()

    monkeypatch.setattr(exchange_module, "read_body", read)
    with pytest.raises(KeyboardInterrupt):
        transport.get(SITE, {}, parse=json.loads, budgets=[budget])
    assert budget.spent == 1
    transport.close()


def test_an_unexpected_exception_is_raised_unchanged(scripted, monkeypatch):
    class OddError(Exception):
        pass

    def send(self, request, **settings):
        try:
            raise OSError(request.headers["Authorization"])
        except OSError as error:
            raise OddError("odd") from error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    transport = transport_for(scripted(GOOD))
    with pytest.raises(OddError, match="odd") as caught:
        transport.get(SITE, {}, parse=json.loads)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_stopping_ends_the_waits(scripted):
    requested = threading.Event()

    def respond(request):
        requested.set()

    transport = transport_for(
        scripted(respond), retry=RetryPolicy(tries=9, base=100_000, cap=100_000)
    )
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(transport.get, SITE, {}, parse=json.loads)
        assert requested.wait(10)
        transport.stop()
        with pytest.raises(LimiterStoppedError):
            waiting.result(10)
    with pytest.raises(LimiterStoppedError):
        transport.get(SITE, {}, parse=json.loads)
    transport.resume()
    transport.close()
