"""The key is in nothing that is shown, raised, logged, warned of or kept, whatever goes wrong.

No name of a function here may hold the key: tracebacks are read with their local names, from the
test's own frame on.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import pickle
import signal
import socket
import threading
import traceback
import warnings

import pytest
from requests.adapters import HTTPAdapter
from support.scripted_server import RECORD, Scripted, always, answer, in_turn, page

import sectorsdf
from sectorsdf.client import client as client_module
from sectorsdf.config.api_key import ApiKey
from sectorsdf.http.credits import Ledger
from sectorsdf.http.limiter import RateLimiter
from sectorsdf.http.transport import RetryPolicy, Transport

SECRETS = {
    "key": "93c1f6d2a7e40b58" * 4,
    "token": 'oauth."quoted\\token"/of-Someone=',
}
QUICK = RetryPolicy(tries=2, base=0.001)
SITE = "/v2/mining/sites/a-site/"
GOOD = answer({**RECORD, "location": None})
PAGE = b"<!DOCTYPE html><html><body><h1>Gateway</h1></body></html>"

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")


def found_in(text):
    """Return which secrets a text gives away: whole, or a long part, in whatever case."""
    text = text.lower()
    shown = []
    for kind, secret in SECRETS.items():
        forms = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], secret.encode().hex()}
        parts = {form[i : i + 20].lower() for form in forms for i in range(len(form) - 19)}
        if any(part in text for part in parts):
            shown.append(kind)
    return shown


def test_the_search_finds_what_it_looks_for():
    assert found_in(f"... {SECRETS['key'].upper()} ...") == ["key"]
    assert found_in(repr({"a": [SECRETS["token"].encode()]})) == ["token"]
    assert found_in(SECRETS["key"][5:30]) == ["key"]
    assert found_in("nothing") == []


def chain(error):
    """Return an error with all that it came from, also what a traceback would leave out."""
    waiting, seen = [error], []
    while waiting:
        entry = waiting.pop()
        if entry is not None and entry not in seen:
            seen.append(entry)
            waiting += [entry.__cause__, entry.__context__]
            waiting += getattr(entry, "exceptions", ())
    return seen


def everything(error):
    """Return all that can be read of an error: words, attributes, every frame's local names."""
    told = io.StringIO()
    for entry in chain(error):
        # Python 3.11 renders nothing where one object, half made, has no repr.
        with contextlib.suppress(AttributeError):
            rendered = traceback.TracebackException.from_exception(entry, capture_locals=True)
            told.writelines(rendered.format())
        told.write(f"{entry!r} {entry} {entry.args!r} {vars(entry)!r}")
        for frame, _ in traceback.walk_tb(entry.__traceback__):
            told.write(locals_of(frame))
    return told.getvalue()


def locals_of(frame):
    parts = []
    for name, value in frame.f_locals.items():
        with contextlib.suppress(AttributeError):
            parts.append(f"{name}={value!r}")
        # What an error reporter shows of an object: one level more. The sandbox knows its keys.
        module = type(value).__module__
        if module.startswith("sectorsdf.") and not module.startswith("sectorsdf.sandbox"):
            parts.append(repr(getattr(value, "__dict__", "")))
    return "\n".join(parts)


@pytest.fixture
def heard(caplog, capfd):
    """Return a function that gives all that was logged and printed in the test."""
    caplog.set_level(0)
    for name in ("sectorsdf", "urllib3", "requests", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)

    def heard():
        parts = [caplog.text]
        for record in caplog.records:
            parts.append(repr(vars(record)))
            if record.exc_info and record.exc_info[1]:
                parts.append(everything(record.exc_info[1]))
        return "\n".join([*parts, *capfd.readouterr()])

    return heard


def kept(folder):
    """Return the content of every file below a folder, and its name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return "\n".join(f"{path} {path.read_bytes().decode('latin-1')}" for path in files)


def connect(kind, server, folder, **options):
    options = {"retry": QUICK, "timeout": (5, 5), "max_wait": 0.2, **options}
    url = server if isinstance(server, str) else server.url
    return sectorsdf.Client(SECRETS[kind], url, cache_folder=folder, **options)


def gone():
    """Return the address of a server that has ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def echo(status, shape):
    """Return a function that answers with the key that it was sent, in some words."""

    def respond(request):
        sent = request.headers["authorization"]
        bare = sent.removeprefix("Bearer ")
        headers = {"X-Data-Source": f"seen {sent}", "WWW-Authenticate": sent}
        if status in (301, 302):
            return answer(b"", status, headers={"Location": f"http://{bare[:40]}.example/?{bare}"})
        return answer(shape(sent, bare), status, headers=headers)

    return respond


SHAPES = {
    "error": lambda sent, bare: {"error": f"The key {sent} is not known."},
    "upper": lambda sent, bare: {"message": f"THE KEY {sent.upper()}"},
    "nested": lambda sent, bare: {"error": {"seen": [{"Authorization": sent}]}},
    "unnamed": lambda sent, bare: {"headers": {"Authorization": sent}},
    "list": lambda sent, bare: [sent, bare],
    "text": lambda sent, bare: bare,
    "name": lambda sent, bare: {bare: 1},
    "at the cut": lambda sent, bare: {"error": "x" * 280 + bare},
    "page": lambda sent, bare: f"<html>{sent}</html>".encode(),
    "no json": lambda sent, bare: b'{"' + bare.encode(),
}

FAILURES = {
    "refused": None,
    "reset": always(None),
    "no http": always(b"what is this\r\n\r\n"),
    "stall": always([Scripted.STALL]),
    "stall in the head": always([GOOD[:20], Scripted.STALL]),
    "stall in the body": always([GOOD[:-9], Scripted.STALL]),
    "cut": always(answer(b"{", length=99)),
    "cut error": always(answer(b"{", 403, length=99)),
    "garbage": always(answer(b'{"]')),
    "no gzip": always(answer(b"junk", headers={"Content-Encoding": "gzip"})),
    "no chunks": always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "empty": always(answer(b"")),
    "other shape": always(answer([1, 2])),
    "400": always(answer({"error": "no"}, 400)),
    "401": always(answer({"error": "no"}, 401)),
    "403": always(answer({"error": "no"}, 403)),
    "404": always(answer({"error": "no"}, 404)),
    "429": always(answer({"error": "no"}, 429)),
    "500": always(answer({"error": "no"}, 500)),
    "304": always(answer(b"", 304)),
    "page": always(answer(PAGE, 502)),
    "redirect": always(answer(b"", 302, headers={"Location": "https://evil.example/"})),
    "circle": always(answer(b"", 301, headers={"Location": SITE})),
    "redirect to nowhere": always(answer(b"", 301, headers={"Location": "http://[::1"})),
    "echo in a redirect": echo(302, None),
    **{f"echo {name}": echo(401, shape) for name, shape in SHAPES.items()},
    **{f"echo {status}": echo(status, SHAPES["error"]) for status in (400, 403, 404, 500)},
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("name", FAILURES)
def test_no_failure_gives_the_key_away(name, kind, tmp_path, heard):
    respond = FAILURES[name]
    errors = []
    with Scripted(respond or always(GOOD)) as server:
        options = {"timeout": (5, 0.1)} if "stall" in name else {}
        client = connect(kind, server if respond else gone(), tmp_path, **options)
        for call in (
            lambda: sectorsdf.get_mining_site("a-site", client=client),
            lambda: sectorsdf.get_mining_licenses(client=client),
            lambda: sectorsdf.quote(sectorsdf.get_mining_sites, client=client),
        ):
            try:
                call()
            except sectorsdf.APIError as error:
                errors.append(error)
        shown = repr(client) + repr(vars(client)) + repr(vars(client.context))
        client.close()
    assert len(errors) == 3
    for error in errors:
        assert found_in(everything(error)) == []
        assert type(error).__module__ == "sectorsdf.errors"
    assert found_in(shown + heard()) == []
    assert found_in(kept(tmp_path)) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_that_went_well_gives_the_key_away(kind, tmp_path, heard):
    folder, target = tmp_path / "cache", tmp_path / "frame.parquet"
    secrets = {"keys": ["none"], f"{kind}s": [SECRETS[kind]]}
    service = sectorsdf.sandbox.Sandbox(**secrets, licenses=70, auctions=1, sites=40)
    del secrets
    with service, warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        service.set_faults(rate_limit=sectorsdf.sandbox.RateLimit(2, 0.2))
        with connect(kind, service, folder, max_wait=5, retry=RetryPolicy(base=0)) as client:
            frame = sectorsdf.get_mining_licenses(client=client)
            sectorsdf.write_parquet(frame, target)
            sectorsdf.quote(sectorsdf.get_mining_sites, client=client)
            with pytest.raises(sectorsdf.CreditLimitError) as caught:
                sectorsdf.get_mining_sites(client=client, max_credits=0)
            with pytest.raises(sectorsdf.NotFoundError) as unknown:
                sectorsdf.get_mining_site("nowhere", client=client)
            with pytest.raises(sectorsdf.FilterError) as refused:
                sectorsdf.get_mining_licenses(client=client, province="nowhere")
            shown = [repr(client), str(client), f"{client}", repr(vars(client))]
            shown += [repr(client.pace()), repr(client.ledger.entries())]
            shown += [repr(client.context), repr(vars(client.context.transport))]
        assert client.spent == service.billed
    shown += [repr(frame), repr(frame.attrs), target.read_bytes().decode("latin-1")]
    shown += [repr(sectorsdf.read_parquet(target).attrs), *(str(entry.message) for entry in w)]
    shown += [everything(entry.value) for entry in (caught, unknown, refused)]
    assert found_in("\n".join([*shown, heard()])) == []
    names = {path.name for path in folder.rglob("*")}
    assert {"credits.jsonl", "rates", "journal"} <= names
    assert any(name == "pages.journal" for name in names)
    assert found_in(kept(folder)) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_what_the_server_says_of_its_data_does_not_hold_the_key(kind, tmp_path):
    def respond(request):
        return page([RECORD]).replace(
            b"\r\n",
            b"\r\nX-Data-Source: of " + request.headers["authorization"].encode() + b"\r\n",
            1,
        )

    with Scripted(respond) as server, connect(kind, server, tmp_path) as client:
        frame = sectorsdf.get_mining_sites(client=client)
    assert "<API key>" in frame.attrs["sectorsdf"]["source"]
    assert found_in(repr(frame.attrs)) == []


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused_in_clear_words(kind, protocol, tmp_path):
    client = connect(kind, gone(), tmp_path)
    for thing in (client, client.context.transport._key, [client], {"a": client}):
        with pytest.raises(TypeError, match="never pickled") as caught:
            pickle.dumps(thing, protocol)
        assert found_in(everything(caught.value)) == []
    for copier in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            copier(client)
    with pytest.raises(TypeError) as caught:
        pickle.dumps(client.context.transport, protocol)
    assert found_in(everything(caught.value)) == []


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://evil.example"},
        {"base_url": "https://user:pass@evil.example"},
        {"timeout": None},
        {"workers": 0},
        {"max_credits": -1},
        {"rate_limit": "often"},
        {"max_wait": 0},
        {"unknown": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_client_that_cannot_be_made(kind, options):
    with pytest.raises((sectorsdf.ConfigurationError, TypeError, ValueError)) as caught:
        sectorsdf.Client(SECRETS[kind], **options)
    assert found_in(everything(caught.value)) == []


BAD = {"space": "{} x", "line": "{}\nX-Other: 1", "accent": "{}é", "nul": "{}\x00"}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_key_that_cannot_be_sent(kind, name, monkeypatch):
    with pytest.raises(sectorsdf.ConfigurationError) as caught:
        sectorsdf.Client(BAD[name].format(SECRETS[kind]))
    assert found_in(everything(caught.value)) == []
    if name != "nul":
        monkeypatch.setenv("SECTORS_API_KEY", BAD[name].format(SECRETS[kind]))
        with pytest.raises(sectorsdf.ConfigurationError) as caught:
            sectorsdf.Client()
        assert found_in(everything(caught.value)) == []


@pytest.mark.parametrize("wrong", [b"bytes", 5, 1.5, ["key"]])
def test_a_key_that_is_no_text(wrong):
    with pytest.raises(sectorsdf.ConfigurationError, match="must be a string"):
        sectorsdf.Client(wrong)


@pytest.mark.parametrize("kind", SECRETS)
def test_the_default_client(kind, monkeypatch, tmp_path):
    monkeypatch.setattr(client_module, "_default", None)
    monkeypatch.setenv("SECTORS_API_KEY", SECRETS[kind])
    monkeypatch.setenv("SECTORSDF_BASE_URL", "http://evil.example")
    with pytest.raises(sectorsdf.ConfigurationError) as caught:
        sectorsdf.get_mining_sites()
    assert found_in(everything(caught.value)) == []
    monkeypatch.setenv("SECTORSDF_BASE_URL", gone())
    monkeypatch.setattr(RetryPolicy, "wait", lambda *_: 0)
    with pytest.raises(sectorsdf.ConnectionFailedError) as caught:
        sectorsdf.get_mining_sites()
    assert found_in(everything(caught.value)) == []
    assert found_in(repr(vars(client_module))) == []


@pytest.fixture
def interrupt():
    """Return a function that interrupts the main thread as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread can be interrupted")
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("signals of POSIX")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("sent", [[], [GOOD[:30]], [GOOD[:-9]]], ids=["nothing", "head", "body"])
def test_an_interrupt_inside_a_request(kind, sent, interrupt, heard):
    def respond(request):
        interrupt()
        return [*sent, Scripted.STALL]

    with Scripted(respond) as server:
        link = Transport(
            ApiKey(SECRETS[kind]),
            server.url,
            timeout=(5, 5),
            retry=QUICK,
            limiter=RateLimiter(),
            ledger=Ledger(None),
        )
        with pytest.raises(KeyboardInterrupt) as caught:
            link.get(SITE, {}, parse=bytes)
        link.close()
    assert found_in(everything(caught.value)) == []
    assert found_in(heard()) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_an_interrupt_of_a_call(kind, interrupt, heard, tmp_path):
    def respond(request):
        interrupt()
        return GOOD

    with (
        Scripted(respond) as server,
        connect(kind, server, tmp_path) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        sectorsdf.get_mining_site("a-site", client=client)
    assert found_in(everything(caught.value)) == []
    assert found_in(heard()) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_what_nobody_foresaw_inside_a_request(kind, monkeypatch, tmp_path):
    def send(self, request, **settings):
        header = request.headers["Authorization"].encode()
        try:
            raise OSError(header)
        except OSError as error:
            raise LookupError("odd") from error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    client = connect(kind, gone(), tmp_path)
    with pytest.raises(LookupError, match="odd") as caught:
        sectorsdf.get_mining_site("a-site", client=client)
    assert found_in(everything(caught.value)) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_the_key_goes_nowhere_but_to_its_host(kind, tmp_path, monkeypatch):
    no_way = answer(b"", 502, headers={"Connection": "close"})
    with Scripted(always(GOOD)) as other, Scripted(always(no_way)) as proxy:
        targets = [f"{other.url}{SITE}", f"https://127.0.0.1:{other.port}/", "//evil.example/"]
        moves = [answer(b"", 302, headers={"Location": target}) for target in targets]
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with Scripted(in_turn(*moves)) as server, connect(kind, server, tmp_path) as client:
            for _ in targets:
                with pytest.raises(sectorsdf.ResponseError):
                    sectorsdf.get_mining_site("a-site", client=client)
            assert len(server.requests) == len(targets)
        # On its way to a proxy it is inside the tunnel, and there is none before the proxy agrees.
        monkeypatch.setenv("NO_PROXY", "")
        client = connect(kind, "https://api.sectors.example", tmp_path)
        with pytest.raises(sectorsdf.APIError):
            sectorsdf.get_mining_site("a-site", client=client)
        client.close()
    assert other.requests == []
    assert proxy.requests
    assert found_in(repr(proxy.requests)) == []


def test_the_header_itself_is_what_requests_sends(tmp_path):
    for kind, expected in (("key", SECRETS["key"]), ("token", f"Bearer {SECRETS['token']}")):
        with Scripted(always(GOOD)) as server, connect(kind, server, tmp_path) as client:
            sectorsdf.get_mining_site("a-site", client=client)
            assert server.requests[0].headers["authorization"] == expected
