"""A server that means harm, or a fork at a bad moment: no hang, no flood, no control characters."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import sys
import threading
import time
import zlib

import pandas as pd
import pytest
from support.forks import allows_fork, needs_fork, run_in_fork
from support.processes import wait_until
from support.scripted_server import RECORD, Scripted, answer, in_turn, page
from support.transport import GOOD, KEY, get_site, transport_for

import sectorsdf
from sectorsdf.cache.memo import RecordMemo
from sectorsdf.cli.exit_codes import format_error, in_cli_words
from sectorsdf.cli.output import Output
from sectorsdf.client import client as client_module
from sectorsdf.errors import printable
from sectorsdf.http.credits import CreditBudget, Ledger
from sectorsdf.http.limiter import RateLimiter
from sectorsdf.paging.workers import WorkerPool

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")

BODY = json.dumps({**RECORD, "name": "A", "location": None, "note": "word " * 4000}).encode()
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY[:50]) + gzip.compress(BODY[50:]),
    "GZIP": gzip.compress(BODY) + bytes(9),
    "deflate": zlib.compress(BODY),
    "Deflate": BARE.compress(BODY) + BARE.flush(),
    "identity": BODY,
}


def chunked(body, size):
    """Return a response with a body in chunks."""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed


def dripping(head, drop=b"a"):
    """Return a response that begins well and then sends a byte now and then, for ever."""

    def respond(request):
        yield head
        for _ in range(2000):
            time.sleep(0.02)
            yield drop

    return respond


# Size


@pytest.mark.parametrize(("encoding", "body"), CODED.items(), ids=CODED)
def test_a_body_is_unpacked(scripted, connect, encoding, body):
    server = scripted(answer(body, headers={"Content-Encoding": encoding}))
    client = connect(server, max_body_bytes=len(BODY))
    assert get_site(client)["note"].str.len().tolist() == [20_000]
    assert set(server.requests[0].headers["accept-encoding"].split(", ")) == {"gzip", "deflate"}
    # The connection is used again, so that the body was read to its end.
    get_site(client, refresh=True)
    assert server.connections == 1


BOMB = b'{"results": []' + b" " * 3_000_000 + b"}"
BARE_BOMB = zlib.compressobj(wbits=-zlib.MAX_WBITS)
TOO_LARGE = {
    "plain": answer(BOMB),
    "without an end": b"HTTP/1.1 200 OK\r\n\r\n" + BOMB,
    "in small chunks": chunked(BOMB[:1_100_000], 50),
    "gzip": answer(gzip.compress(BOMB), headers={"Content-Encoding": "gzip"}),
    "gzip in chunks": chunked(gzip.compress(BOMB), 100).replace(
        b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1
    ),
    "members": answer(gzip.compress(BOMB[:9999]) * 300, headers={"Content-Encoding": "gzip"}),
    "deflate": answer(zlib.compress(BOMB), headers={"Content-Encoding": "deflate"}),
    "bare deflate": answer(
        BARE_BOMB.compress(BOMB) + BARE_BOMB.flush(), headers={"Content-Encoding": "deflate"}
    ),
    "announced": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{",
}


@pytest.mark.parametrize("response", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_that_is_too_large_is_refused_once(scripted, connect, tmp_path, response):
    server = scripted([response, Scripted.STALL])
    client = connect(server, max_body_bytes=1_000_000)
    with pytest.raises(sectorsdf.ResponseError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    error = caught.value
    assert "The response cannot be used (it is larger than 1 MB, the limit that" in str(error)
    assert "max_body_bytes" in str(error)
    assert (error.status, error.retryable, error.billed) == (200, False, True)
    assert len(server.requests) == client.spent == 1
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.journal")) == 0


def test_the_limit_is_64_mb_by_default(scripted, connect):
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 64000001\r\n\r\n"
    with pytest.raises(sectorsdf.ResponseError, match="larger than 64 MB"):
        get_site(connect(scripted([huge, Scripted.STALL])))


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "rot13"])
def test_an_encoding_that_was_not_asked_for_is_refused(scripted, connect, encoding):
    server = scripted(answer(BODY, headers={"Content-Encoding": encoding}))
    with pytest.raises(sectorsdf.ResponseError, match="encoding is none of those"):
        get_site(connect(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [CODED["gzip"][:-20], b"junk", CODED["deflate"][:99]])
def test_a_damaged_compressed_body_is_tried_again(scripted, connect, body):
    bad = answer(body, headers={"Content-Encoding": "gzip" if body[0] == 0x1F else "deflate"})
    client = connect(scripted(in_turn(bad, GOOD)))
    assert len(get_site(client)) == 1
    assert client.spent == 2


def test_of_a_large_error_only_the_beginning_is_read(scripted, connect):
    server = scripted([answer(b"<html>" + b" " * 1_100_000, 403, length=10**9), Scripted.STALL])
    with pytest.raises(sectorsdf.ResponseError, match="403 with an HTML page"):
        get_site(connect(server))
    assert len(server.requests) == 3


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "64MB", None])
def test_a_size_that_cannot_be_used(size):
    with pytest.raises(sectorsdf.ConfigurationError, match="max_body_bytes="):
        sectorsdf.Client(KEY, "http://127.0.0.1:9", max_body_bytes=size)


# Time


DRIPS = {
    "status": b"HTTP/1.",
    "headers": b"HTTP/1.1 200 OK\r\nX-Filler: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{",
    "body without an end": b"HTTP/1.1 200 OK\r\n\r\n[",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n999\r\n",
    "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "error": b"HTTP/1.1 500 Bad\r\nContent-Length: 9999\r\n\r\n{",
}


@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS)
def test_a_server_that_drips_is_given_up(scripted, connect, head):
    server = scripted(dripping(head))
    client = connect(server, timeout=(5, 5, 0.15))
    begun = time.monotonic()
    with pytest.raises(sectorsdf.APIError) as caught:
        get_site(client)
    assert time.monotonic() - begun < 3
    # Once more, because a line can be bad for a moment. Not five times.
    assert len(server.requests) == 2
    assert "longer than 0.15 s" in str(caught.value) or caught.value.status == 500


def test_continues_without_end_are_given_up(scripted, connect):
    server = scripted(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
    with pytest.raises(sectorsdf.ConnectionFailedError, match="longer than"):
        get_site(connect(server, timeout=(5, 5, 0.15)))


def test_a_proxy_that_drips_is_given_up(scripted, connect, monkeypatch):
    proxy = scripted(dripping(b"HTTP/1.1 200 OK\r\n", b"X-Filler: 1\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    begun = time.monotonic()
    with pytest.raises(sectorsdf.ConnectionFailedError):
        get_site(connect("https://api.sectors.example", timeout=(5, 5, 0.15)))
    assert time.monotonic() - begun < 3


def test_a_line_that_was_bad_for_a_moment(scripted, connect):
    slow = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{")
    server = scripted(lambda request: slow(request) if len(server.requests) == 1 else GOOD)
    client = connect(server, timeout=(5, 5, 0.15))
    assert len(get_site(client)) == 1
    assert client.spent == 2


def test_the_next_request_has_its_own_time(scripted, connect):
    def respond(request):
        time.sleep(0.2)
        return GOOD

    server = scripted(respond)
    client = connect(server, timeout=(5, 5, 0.5))
    for _ in range(4):
        get_site(client, refresh=True)
    assert (len(server.requests), server.connections) == (4, 1)


def test_two_timeouts_are_enough(scripted):
    for timeout, whole in (((5, 30), 120), ((5, 300), 610), ([1, 2, 3], 3)):
        transport = transport_for(scripted(GOOD), timeout=timeout)
        assert transport.timeout[2] == whole


@pytest.mark.parametrize("lines", [b"A: b\r\n" * 999, b"A: " + b"b" * 99_000 + b"\r\n"])
def test_headers_without_end_are_refused(scripted, connect, lines):
    server = scripted([b"HTTP/1.1 200 OK\r\n" + lines, Scripted.STALL])
    with pytest.raises(sectorsdf.ConnectionFailedError, match="headers of the response are too"):
        get_site(connect(server))


# Control characters

EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp\x9b31m\r\nsecond\tline\u2028third"
UGLY = {c for c in EVIL if not c.isprintable()}


def is_clean(text, lines=1):
    return not UGLY.intersection(text.replace("\n", "")) and text.rstrip("\n").count("\n") < lines


def test_printable_text():
    assert printable("PT Émas 金 x") == "PT Émas 金 x"
    assert printable("a\x1b[31m\u202eb") == "a\ufffd[31m\ufffdb"
    assert printable("a\nb\r\tc\u2028d\x85e\xa0f\ud800") == "a b  c d e f\ufffd"
    assert is_clean(printable("".join(map(chr, range(0x3000)))))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 200])
@pytest.mark.parametrize("body", [{"error": EVIL}, f"<title>{EVIL}</title>".encode()], ids=str)
def test_no_error_has_a_control_character(scripted, connect, caplog, status, body):
    caplog.set_level(logging.DEBUG, logger="sectorsdf")
    server = scripted(answer(body, status, headers={"Location": "/\x1b[2J"}))
    with pytest.raises(sectorsdf.SectorsdfError) as caught:
        sectorsdf.get_mining_license_auctions(client=connect(server))
    assert is_clean(str(caught.value))
    assert caplog.records
    assert all(is_clean(record.getMessage()) for record in caplog.records)


def test_the_host_of_a_redirect_and_the_source_are_clean(scripted, connect):
    server = scripted(answer(status=302, headers={"Location": "http://e\x1b[2J.example/"}))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(connect(server))
    assert is_clean(str(caught.value))
    source = "a\x1b[2J" + "b" * 9999
    record = json.dumps({**RECORD, "location": None}).encode()
    client = connect(scripted(answer(record, headers={"X-Data-Source": source})))
    said = get_site(client).attrs["sectorsdf"]["source"]
    assert said == "a\ufffd[2J" + "b" * 195


@pytest.mark.filterwarnings("default::sectorsdf.DataWarning")
def test_no_warning_about_the_data_has_a_control_character(scripted, connect):
    row = {**RECORD, "wiup_code": f"1{EVIL}", "winner_date": EVIL, f"new{EVIL}": 1}
    client = connect(scripted(page([row])))
    with pytest.warns(sectorsdf.DataWarning) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    assert len(caught) > 1
    assert all(is_clean(str(entry.message)) for entry in caught)
    with pytest.raises(sectorsdf.DataError) as strict:
        sectorsdf.get_mining_license_auctions(client=client, strict=True)
    assert is_clean(str(strict.value))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("form", ["table", "csv", "tsv", "json", "jsonl"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_terminal_gets_no_control_character(monkeypatch, form, rows):
    frame = pd.DataFrame({"company_name": [EVIL] * rows, f"new{EVIL}": [EVIL] * rows, "n": 1})
    monkeypatch.setattr(sys, "stdout", Terminal())
    Output(format=form).write(frame)
    text = sys.stdout.getvalue()
    assert "owned" in text
    assert is_clean(text.replace("\t", ""), lines=99)


@pytest.mark.parametrize(
    "error", [OSError(5, EVIL, EVIL), ValueError(EVIL), sectorsdf.SectorsdfError(EVIL)]
)
def test_the_line_of_an_error_is_clean(error):
    assert is_clean(format_error(error))
    assert is_clean(in_cli_words(EVIL))


# Forks


def hold(lock):
    """Hold a lock in another thread; return the function that frees it."""
    held, done = threading.Event(), threading.Event()

    def work():
        with lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(10)
    return lambda: (done.set(), thread.join())


def _ledger(folder):
    ledger = Ledger(folder / "credits.jsonl")
    entry = {"endpoint": "/", "status": 200, "credits": 1, "key": "k"}
    return ledger._lock, lambda: ledger.record(**entry)


def _budget(folder):
    budget = CreditBudget(1)
    budget.reserve(1)
    # The credit is reserved for a request of the parent.
    return budget._lock, lambda: budget.reserve(1)


def _memo(folder):
    memo = RecordMemo(60)
    return memo._lock, lambda: memo.get("/a")


def _record(folder):
    memo = RecordMemo(60)

    def use():
        with memo.lock_for("/a"):
            pass

    return memo.lock_for("/a"), use


def _limiter(folder):
    limiter = RateLimiter(state_file=folder / "rate.json", rate_limit="9/s")
    limiter.acquire().allowed()
    prefix = limiter._name_prefix

    def use():
        limiter.acquire().allowed()
        limiter.stop()
        assert limiter.waiting_until is None
        assert limiter._name_prefix != prefix

    return limiter._condition, use


def _default(folder):
    os.environ["SECTORS_API_KEY"] = KEY
    return client_module._default_lock, client_module.default_client


@needs_fork
@allows_fork
@pytest.mark.parametrize("make", [_ledger, _budget, _memo, _record, _limiter, _default])
def test_a_child_finds_the_locks_of_other_threads_free(monkeypatch, tmp_path, make):
    monkeypatch.setenv("SECTORS_API_KEY", "")
    lock, use = make(tmp_path)
    free = hold(lock)
    try:
        run_in_fork(use, seconds=5)
    finally:
        free()


@needs_fork
@allows_fork
def test_a_fork_while_a_thread_holds_the_events_lock(scripted):
    transport = transport_for(scripted(GOOD))
    free = hold(transport._stopped._cond)
    try:
        run_in_fork(lambda: (transport.stop(), transport.resume()), seconds=5)
    finally:
        free()
    transport.close()


@needs_fork
@allows_fork
def test_the_thread_that_forks_may_hold_a_lock(tmp_path):
    memo = RecordMemo(60)

    def use():
        with memo.lock_for("/a"):
            run_in_fork(lambda: memo.lock_for("/a").__enter__(), seconds=5)

    use()
    use()


@needs_fork
@allows_fork
def test_children_forked_while_a_thread_fetches_make_their_own_calls(connect):
    with sectorsdf.sandbox.Sandbox(licenses=120, auctions=3, sites=9, keys=[KEY]) as server:
        client = connect(server, rate_limit="100000/s")
        done = threading.Event()

        def fetch():
            while not done.is_set():
                sectorsdf.get_mining_licenses(client=client)

        thread = threading.Thread(target=fetch)
        thread.start()
        try:
            wait_until(lambda: client.spent > 4)
            for _ in range(8):
                run_in_fork(lambda: sectorsdf.get_mining_licenses(client=client, max_rows=5))
        finally:
            done.set()
            thread.join()


# Threads


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_system_that_allows_no_more_threads(monkeypatch, serve, allowed):
    client = serve()
    started = []
    start = threading.Thread.start

    def refuse(self):
        if self.name == "sectorsdf-worker":
            if len(started) >= allowed:
                message = "can't start new thread"
                raise RuntimeError(message)
            started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with WorkerPool(3, lambda job: job * 2) as pool:
        for job in range(5):
            pool.submit(job)
        assert sorted(pool.next()[1] for _ in range(5)) == [0, 2, 4, 6, 8]
    started.clear()
    assert len(sectorsdf.get_mining_sites(client=client, progress=True)) == 80
