"""Settings: which base URLs may get the key, and that the key shows itself nowhere."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.config import settings as rules
from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.config.settings import base_url, cache_dir, is_loopback
from sectorsdf.errors import ConfigurationError, MissingKeyError, SectorsdfError

KEY = "0123456789abcdef" * 4
TOKEN = "an-oauth.token_Value"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in (KEY_VARIABLE, rules.BASE_URL_VARIABLE, rules.CACHE_DIR_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.sectors.app", "https://api.sectors.app"),
        ("https://api.sectors.app/", "https://api.sectors.app"),
        ("https://proxy.example/sectors//", "https://proxy.example/sectors"),
        ("  https://api.sectors.app\n", "https://api.sectors.app"),
        ("https://api.sectors.app:8443", "https://api.sectors.app:8443"),
        ("HTTPS://Api.Sectors.App", "HTTPS://Api.Sectors.App"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_good_base_urls(text, expected):
    assert base_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://api.sectors.app",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://[::1].evil.example",
        "http://[::2]",
        "http://0.0.0.0:8000",
        "http://10.0.0.1",
        "http://2130706433",
        "ftp://127.0.0.1",
        "file:///etc/hosts",
        "api.sectors.app",
        "//api.sectors.app",
        "https://",
        "https:///v2",
        "https://user@api.sectors.app",
        "https://:pass@api.sectors.app",
        "https://@api.sectors.app",
        "https://api.sectors.app/?",
        "https://api.sectors.app/?a=1",
        "https://api.sectors.app#here",
        "https://api.sectors.app\\@evil.example",
        "https://api.sectors.app\\.evil.example",
        "https://api.sec tors.app",
        "https://api.sectors\n.app",
        "https://api.sectors.app/a b",
        "https://api.sectors.app:",
        "https://api.sectors.app:0443",
        "https://api.sectors.app:99999",
        "https://api.sectors.app:port",
        "https://[::1",
        "https://[nonsense]",
        " ",
    ],
)
def test_bad_base_urls(text):
    with pytest.raises(ConfigurationError, match="base URL"):
        base_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hush@api.sectors.app",
        "http://user:hush@api.sectors.app",
        "https://user:hush\uff0f@api.sectors.app",
        "https://user:hush/@api.sectors.app",
        "https://hush@[::1",
        "https://api.sectors.app?token=hush",
    ],
)
def test_a_bad_base_url_does_not_show_its_password(text):
    with pytest.raises(ConfigurationError) as caught:
        base_url(text)
    assert "hush" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@given(st.text(max_size=40) | st.from_regex(r"https?://[\w\[\]:@.\\/?# -]{0,25}", fullmatch=True))
def test_any_text_is_a_base_url_or_a_configuration_error(text):
    try:
        url = base_url(text or "x")
    except ConfigurationError:
        return
    assert url.lower().startswith(("https://", "http://"))
    assert not set(url) & set(" ?#@\\\n\t")
    assert base_url(url) == url


def test_base_url_precedence(monkeypatch):
    assert base_url(None) == "https://api.sectors.app"
    monkeypatch.setenv(rules.BASE_URL_VARIABLE, "http://127.0.0.1:9")
    assert base_url(None) == "http://127.0.0.1:9"
    assert base_url("https://other.example") == "https://other.example"
    monkeypatch.setenv(rules.BASE_URL_VARIABLE, "http://elsewhere.example")
    assert base_url("https://other.example") == "https://other.example"
    with pytest.raises(ConfigurationError):
        base_url(None)
    monkeypatch.setenv(rules.BASE_URL_VARIABLE, "")
    assert base_url(None) == "https://api.sectors.app"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.254", "::1"])
def test_loopback(host):
    assert is_loopback(host) is True


@pytest.mark.parametrize(
    "host",
    [None, "", "0.0.0.0", "128.0.0.1", "::", "::2", "127.0.0.1.example", "localhost.example", "7"],
)
def test_not_loopback(host):
    assert is_loopback(host) is False


@pytest.mark.parametrize(
    ("given", "header"),
    [
        (KEY, KEY),
        (f"  {KEY}\n", KEY),
        (f"Bearer {KEY}", KEY),
        (TOKEN, f"Bearer {TOKEN}"),
        (f"Bearer {TOKEN}", f"Bearer {TOKEN}"),
        (KEY.upper(), f"Bearer {KEY.upper()}"),
        (KEY[:-1], f"Bearer {KEY[:-1]}"),
        (KEY + "0", f"Bearer {KEY}0"),
    ],
)
def test_the_header(given, header):
    key = ApiKey(given)
    assert key.header == header
    assert key.secret() == given.strip().removeprefix("Bearer ")


@pytest.mark.parametrize("text", [KEY, TOKEN])
def test_the_key_shows_itself_nowhere(text, caplog):
    key = ApiKey(text)
    headers = {"Authorization": key.header}
    shown = [
        repr(key),
        str(key),
        f"{key}",
        f"{key!s:>20}",
        "%s %r" % (key, key),  # noqa: UP031 - the old form is what logging uses
        repr([key]),
        repr(headers),
        str(headers),
        repr(key.header),
        repr(getattr(key, "__dict__", {})),
    ]
    logging.getLogger("anyone").warning("%s %r %s", key, key, headers)
    shown.append(caplog.text)
    assert not [entry for entry in shown if text in entry]
    assert "API key" in repr(key)


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_the_key_is_never_pickled(copier):
    with pytest.raises(TypeError, match="never pickled") as caught:
        copier(ApiKey(KEY))
    assert KEY not in str(caught.value)


def test_the_key_takes_no_further_attributes():
    assert not hasattr(ApiKey(KEY), "__dict__")


@pytest.mark.parametrize("text", ["", "  ", "\n", "Bearer", " Bearer \n"])
def test_no_key(text):
    with pytest.raises(MissingKeyError, match=KEY_VARIABLE):
        ApiKey(text)


@pytest.mark.parametrize(
    "text",
    ["two secretwords", "secret\nX-Other: 1", "secret\rx", "sécret", "secret\x00", "secret\x7fx"],
)
def test_a_bad_key_is_not_echoed(text):
    with pytest.raises(ConfigurationError) as caught:
        ApiKey(text)
    assert "cret" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__context__ is None
    assert isinstance(caught.value, SectorsdfError)


@given(st.text(min_size=1, max_size=80))
def test_any_text_is_a_safe_header_or_an_error(text):
    try:
        header = ApiKey(text).header
    except ConfigurationError:
        return
    assert header.isascii()
    assert header.isprintable()
    assert header.count(" ") <= 1


def test_key_precedence(monkeypatch):
    with pytest.raises(MissingKeyError, match="sandbox"):
        ApiKey.resolve(None)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert ApiKey.resolve(None).header == KEY
    assert ApiKey.resolve(TOKEN).header == f"Bearer {TOKEN}"
    with pytest.raises(MissingKeyError):
        ApiKey.resolve("")


def test_cache_dir_precedence(monkeypatch, tmp_path):
    assert cache_dir().name == "sectorsdf"
    monkeypatch.setenv(rules.CACHE_DIR_VARIABLE, str(tmp_path / "env"))
    assert cache_dir() == tmp_path / "env"
    assert cache_dir(tmp_path / "arg") == tmp_path / "arg"
    assert cache_dir("~/here") == Path.home() / "here"
    monkeypatch.setenv(rules.CACHE_DIR_VARIABLE, "")
    assert cache_dir().name == "sectorsdf"
    assert not (tmp_path / "arg").exists()
