"""The key: its header, its precedence, and that it is shown nowhere."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.errors import ConfigurationError, MissingKeyError, SectorsdfError

KEY = "0123456789abcdef" * 4
TOKEN = "an-oauth.token_Value"


@pytest.mark.parametrize(
    ("text", "header"),
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
def test_the_header(text, header):
    key = ApiKey(text)
    assert key.header == header
    assert key.secret() == text.strip().removeprefix("Bearer ")


@pytest.mark.parametrize("text", [KEY, TOKEN])
def test_the_key_is_shown_nowhere(text, caplog):
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


def test_the_key_takes_no_other_attributes():
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
