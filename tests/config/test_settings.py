"""The base URLs that may receive the key, and the cache folder."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.config import settings
from sectorsdf.config.settings import base_url, cache_dir, is_loopback
from sectorsdf.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in (settings.BASE_URL_VARIABLE, settings.CACHE_DIR_VARIABLE):
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
    monkeypatch.setenv(settings.BASE_URL_VARIABLE, "http://127.0.0.1:9")
    assert base_url(None) == "http://127.0.0.1:9"
    assert base_url("https://other.example") == "https://other.example"
    monkeypatch.setenv(settings.BASE_URL_VARIABLE, "http://elsewhere.example")
    assert base_url("https://other.example") == "https://other.example"
    with pytest.raises(ConfigurationError):
        base_url(None)
    monkeypatch.setenv(settings.BASE_URL_VARIABLE, "")
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


def test_cache_dir_precedence(monkeypatch, tmp_path):
    assert cache_dir().name == "sectorsdf"
    monkeypatch.setenv(settings.CACHE_DIR_VARIABLE, str(tmp_path / "env"))
    assert cache_dir() == tmp_path / "env"
    assert cache_dir(tmp_path / "arg") == tmp_path / "arg"
    assert cache_dir("~/here") == Path.home() / "here"
    monkeypatch.setenv(settings.CACHE_DIR_VARIABLE, "")
    assert cache_dir().name == "sectorsdf"
    assert not (tmp_path / "arg").exists()
