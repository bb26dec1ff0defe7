"""The exception for each status, the server's message, and `Retry-After`."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from support.scripted_server import answer
from support.transport import SITE, get_site

import sectorsdf
from sectorsdf.http.responses import parse_retry_after

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")


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
def test_what_is_not_tried_again(scripted, connect, status, kind):
    body = {"error": "It is so.", "detail": "Because."} if status != 304 else b""
    server = scripted(answer(body, status))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable) == (status, False)
    assert error.url.startswith(f"{server.url}/v2/mining/license-auctions/?")
    assert str(status) in str(error)
    assert ("It is so.: Because." in str(error)) == (status >= 400)
    assert len(server.requests) == 1
    assert client.spent == (status == 404)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
def test_a_failing_server_is_tried_again(scripted, connect, status):
    server = scripted(answer({"error": "It is so."}, status))
    client = connect(server)
    with pytest.raises(sectorsdf.ServerError) as caught:
        get_site(client)
    error = caught.value
    assert (error.status, error.retryable) == (status, True)
    assert error.url == server.url + SITE
    assert f"failed 3 times (each time {status})" in str(error)
    assert "It is so." in str(error)
    assert len(server.requests) == 3
    assert client.spent == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "A"}, "400: A"),
        ({"message": "B", "error": "A"}, "400: A: B"),
        ({"error": {"code": 7, "why": "é"}}, '400: {"code": 7, "why": "é"}'),
        ({"error": ["A", "B"]}, '400: ["A", "B"]'),
        ({"error": "", "detail": "C"}, "400: C"),
        ({"year": ["Out of range."]}, '400: {"year": ["Out of range."]}'),
        ({"error": "two\n  lines\t"}, "400: two lines"),
        ({"error": "x" * 999}, "400: " + "x" * 300),
        ({"error": "a\x1b[31mred\x07 \u202etxt"}, "400: a\ufffd[31mred\ufffd \ufffdtxt"),
    ],
)
def test_the_servers_message(scripted, connect, body, text):
    server = scripted(answer(body, 400))
    with pytest.raises(sectorsdf.BadRequestError) as caught:
        sectorsdf.get_mining_license_auctions(client=connect(server))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [
        (400, sectorsdf.BadRequestError, 1),
        (401, sectorsdf.ResponseError, 3),
        (403, sectorsdf.ResponseError, 3),
        (404, sectorsdf.ResponseError, 3),
        (500, sectorsdf.ServerError, 3),
    ],
)
def test_an_error_that_decides_about_the_key_or_a_record_has_to_be_whole(
    scripted, connect, status, kind, requests
):
    server = scripted(answer(b'{"error": "It i', status, length=99))
    client = connect(server)
    with pytest.raises(sectorsdf.APIError, match=f"{status}: the body ended early") as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    assert (type(caught.value), caught.value.status) == (kind, status)
    assert len(server.requests) == requests
    # It begins as the API's errors do, so the API has billed it.
    assert client.spent == (3 if status == 404 else 0)


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
    assert parse_retry_after(text) == seconds


def test_retry_after_as_a_date():
    left = parse_retry_after(formatdate(time.time() + 100, usegmt=True))
    assert 95 < left <= 100
