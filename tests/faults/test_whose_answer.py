"""An answer counts only if the API itself sent it: not a page of a proxy, gateway or login."""

from __future__ import annotations

import pytest
from support.scripted_server import RECORD, answer, in_turn, page
from support.transport import GOOD, HTML, KEY, SITE, get_site

import sectorsdf
from sectorsdf.cli.account import _check_key
from sectorsdf.config.api_key import ApiKey
from sectorsdf.http.redirects import refusal

pytestmark = pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")

PAGE = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
API_404 = answer({"error": "Mining site not found."}, 404)
FOREIGN = {
    "html": (PAGE, "an HTML page"),
    "empty": (b"", "an empty body"),
    "blank": (b" \r\n", "an empty body"),
    "text": (b"error code: 1010", "a text that is not JSON"),
    "half": (b'{"error": "Not fou', "a text that is not JSON"),
    "nesting": (b"[" * 200_000, "a text that is not JSON"),
    "binary": (b"\xff\xfe\x00\x1b", "a text that is not JSON"),
    "xml": (b"<Error><Code>AccessDenied</Code></Error>", "a text that is not JSON"),
    "null": (None, "JSON that is not the API's"),
    "list": ([], "JSON that is not the API's"),
    "object": ({}, "JSON that is not the API's"),
    "kong": ({"message": "no Route matched with those values"}, "JSON that is not the API's"),
    "spring": (
        {"timestamp": "2026", "status": 404, "error": "Not Found", "path": SITE},
        "JSON that is not the API's",
    ),
    "fastify": ({"statusCode": 404, "error": "Not Found"}, "JSON that is not the API's"),
    "problem": ({"type": "about:blank", "detail": "Blocked."}, "JSON that is not the API's"),
    "google": ({"error": {"code": 404, "status": "NOT_FOUND"}}, "JSON that is not the API's"),
}


def has_kept(folder):
    """Return the content of the journal and the ledger."""
    names = [*folder.rglob("*.journal"), *folder.rglob("*.jsonl"), *folder.rglob("*.parquet")]
    return b"".join(name.read_bytes() for name in names)


# Errors


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(("body", "what"), FOREIGN.values(), ids=FOREIGN)
def test_an_error_of_something_else_says_nothing_about_a_record_or_the_key(
    scripted, connect, tmp_path, status, body, what
):
    server = scripted(answer(body, status))
    client = connect(server, cache=True)
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(client)
    error = caught.value
    assert str(error).startswith(
        f"mining site a-site failed 3 times (each time {status} with {what}). {status} with "
        f"{what}: a proxy or gateway answered, not the API."
    )
    assert (error.status, error.retryable, error.billed) == (status, True, False)
    assert error.url == server.url + SITE
    assert len(server.requests) == 3
    assert client.spent == 0
    assert has_kept(tmp_path) == b""
    # The same client, once the API answers again.
    server.respond = lambda _: GOOD
    assert len(get_site(client)) == client.spent == 1


@pytest.mark.parametrize("status", [400, 405, 410, 418, 451, 500, 502, 511])
@pytest.mark.parametrize("kind", ["html", "empty", "text", "kong"])
def test_other_errors_are_not_the_apis_either(scripted, connect, status, kind):
    body, what = FOREIGN[kind]
    server = scripted(in_turn(answer(body, status), answer(body, status), GOOD))
    client = connect(server)
    assert len(get_site(client)) == client.spent == 1
    server.respond = lambda _: answer(body, status)
    with pytest.raises(sectorsdf.APIError) as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    expected = sectorsdf.ServerError if status >= 500 else sectorsdf.ResponseError
    assert type(caught.value) is expected
    named = f"{status} with {what}: a proxy or gateway answered, not the API"
    # A gateway's JSON has the reason in words.
    assert (named in str(caught.value)) == (status < 500 or kind != "kong")
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Mining site not found."},
        {"error": "Mining site not found.", "message": "m", "detail": "d"},
        {"error": "Mining site not found.", "suggestions": ["b-site"]},
    ],
    ids=str,
)
def test_the_apis_own_404_is_an_answer_and_costs_a_credit(scripted, connect, body):
    server = scripted(answer(body, 404, headers={"Content-Type": "application/json"}))
    client = connect(server, cache=True)
    for _ in range(2):
        with pytest.raises(sectorsdf.NotFoundError, match="does not know slug 'a-site'"):
            get_site(client)
    assert len(server.requests) == client.spent == len(client.ledger.entries()) == 1


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", ["error", "detail"])
def test_the_apis_own_word_about_the_key(scripted, connect, status, name):
    server = scripted(answer({name: "Invalid API key."}, status))
    with pytest.raises(sectorsdf.AuthenticationError, match=r"this key \(Invalid API key\.\)"):
        get_site(connect(server))
    assert len(server.requests) == 1


def test_the_error_quotes_what_the_page_says(scripted, connect):
    title = f"Just\ta \x1b[2Jmoment {KEY} " + "x" * 99
    server = scripted(answer(f"<HTML><Title lang=en>{title}</title>".encode(), 403))
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(connect(server))
    assert 'It says "Just a \ufffd[2Jmoment <API key> xxx' in str(caught.value)
    assert "x" * 80 not in str(caught.value)
    server.respond = lambda _: answer(b"error code: 1010\n", 403)
    with pytest.raises(sectorsdf.ResponseError, match='It says "error code: 1010"'):
        get_site(connect(server))


def test_a_gateway_that_fails_now_and_then_costs_no_details(scripted, connect):
    seen = set()
    rows = [{**RECORD, "slug": f"site-{i}", "name": f"S{i}"} for i in range(9)]

    def respond(request):
        if not request.path.endswith("/sites/") and request.path not in seen:
            seen.add(request.path)
            return answer(PAGE, 404)
        if request.path.endswith("/sites/"):
            return page(rows)
        slug = request.path.split("/")[-2]
        return answer({**RECORD, "slug": slug, "name": slug, "location": None})

    client = connect(scripted(respond))
    frame = sectorsdf.get_mining_sites(client=client, details=True)
    provenance = frame.attrs["sectorsdf"]
    assert provenance["complete"]
    assert provenance["details"]["not_found"] == []
    assert client.spent == len(client.ledger.entries()) == 10


# Answers


@pytest.mark.parametrize(
    ("body", "kind", "what"),
    [
        (HTML, "text/html", "an HTML page"),
        (HTML, "", "an HTML page"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>\n<title>Sign in</title>", "", "an HTML page"),
        (b"", "text/html; charset=utf-8", "an empty body"),
        (b"Please sign in.", "text/plain", "a text that is not JSON"),
    ],
)
def test_a_page_with_status_200_is_never_paid_for(scripted, connect, tmp_path, body, kind, what):
    bad = answer(body, headers={"Content-Type": kind} if kind else {})
    server = scripted(bad)
    client = connect(server)
    with pytest.raises(sectorsdf.ResponseError, match=f"200 with {what}: a proxy") as caught:
        sectorsdf.get_mining_license_auctions(client=client)
    assert (caught.value.billed, caught.value.status) == (False, 200)
    assert len(server.requests) == 3
    assert client.spent == 0
    assert has_kept(tmp_path) == b""


def test_damaged_json_with_status_200_is_the_apis(scripted, connect):
    json_type = {"Content-Type": "application/json"}
    responses = [answer(b'{"a": ', headers=json_type), answer(b"", headers=json_type), GOOD]
    client = connect(scripted(in_turn(*responses)))
    assert len(get_site(client)) == 1
    assert client.spent == 3


def test_the_login_page_of_a_network_is_named(scripted, connect):
    server = scripted(answer(status=302, headers={"Location": "http://portal.example/\x1b[2J"}))
    client = connect(server)
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(client)
    assert "redirects to another host (portal.example)" in str(caught.value)
    assert "login page of a network" in str(caught.value)
    assert len(server.requests) == 1
    assert client.spent == 0


# The rate limit


def test_a_gateway_that_limits_requests_is_not_the_quota(scripted, connect):
    server = scripted(answer(PAGE.replace(b"404", b"429"), 429))
    client = connect(server, max_wait=0.2)
    with pytest.raises(sectorsdf.ResponseError) as caught:
        get_site(client)
    text = str(caught.value)
    assert "429 with an HTML page: a proxy or gateway answered, not the API" in text
    assert "credits" not in text
    assert (caught.value.status, caught.value.retryable, caught.value.billed) == (429, False, False)


@pytest.mark.parametrize("body", [PAGE, b"slow down", b"", {}, {"message": "slow down"}], ids=str)
def test_any_429_makes_requests_wait(scripted, connect, body):
    limited = answer(body, 429, headers={"Retry-After": "0"})
    server = scripted(in_turn(limited, GOOD))
    client = connect(server, rate_limit="100/s")
    assert len(get_site(client)) == 1
    assert client.pace()["refusals"] == 1
    assert client.spent == 1


# Redirects


@pytest.mark.parametrize(
    "target",
    [
        "{path}",
        "{path}?",
        "/v3/licences/?{query}",
        "{path}?limit=30&offset=0&order_by=license_expiry_date",
        "{path}?{query}&province=Aceh",
        "{path}?{query}&offset=0",
        "{path}?{changed}",
        "/login?next={path}",
        "/",
    ],
)
def test_a_redirect_to_another_question_is_refused(scripted, connect, target):
    def respond(request):
        if len(server.requests) > 1:
            return page([])
        values = {"path": request.path, "query": request.query}
        changed = request.query.replace("Nickel", "nickel")
        return answer(status=302, headers={"Location": target.format(changed=changed, **values)})

    server = scripted(respond)
    client = connect(server)
    with pytest.raises(sectorsdf.ResponseError, match="another question") as caught:
        sectorsdf.get_mining_licenses(client=client, commodity_type="Nickel")
    assert (caught.value.status, caught.value.retryable) == (302, False)
    assert len(server.requests) == 1
    assert client.spent == 0


@pytest.mark.parametrize("target", ["/v2/mining/sites/b-site/", "/v2/mining/sites/", f"{SITE}?a=1"])
def test_a_redirect_to_another_record_is_refused(scripted, connect, target):
    server = scripted(in_turn(answer(status=301, headers={"Location": target}), GOOD))
    with pytest.raises(sectorsdf.ResponseError, match="another question"):
        get_site(connect(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/v2/sites/?a=1&b=x+y", "/v2.1/sites/?b=x%20y&a=1"),
        ("/v2/sites/a-site", "/v2/sites/a-site/"),
        ("/v2/sites/(a)/", "/v2/mining/sites/%28a%29"),
        ("/v2/sites/?a=", "/v2/sites?a="),
    ],
)
def test_the_same_question_elsewhere_on_the_host(asked, target):
    assert refusal(f"https://api.example{asked}", f"https://API.example:443{target}") is None


# The check of a key


@pytest.mark.parametrize(
    "bad",
    [
        answer(HTML, 400),
        answer(HTML, 200),
        answer(HTML, 403),
        answer({"ok": True}),
        answer({"error": "Gone."}, 410),
        None,
    ],
    ids=str,
)
def test_only_the_api_accepts_a_key(scripted, bad):
    with pytest.raises(sectorsdf.APIError, match="--no-check stores it without a check") as caught:
        _check_key(ApiKey(KEY), scripted(bad).url)
    assert not isinstance(caught.value, sectorsdf.AuthenticationError)


def test_the_api_accepts_a_key(scripted):
    invalid = answer({"error": "Invalid query parameters."}, 400)
    assert "free" in _check_key(ApiKey(KEY), scripted(invalid).url)
    assert "one credit" in _check_key(ApiKey(KEY), scripted(page([])).url)
    refused = scripted(answer({"error": "Invalid API key."}, 403))
    with pytest.raises(sectorsdf.AuthenticationError) as caught:
        _check_key(ApiKey(KEY), refused.url)
    assert "--no-check" not in str(caught.value)


def test_field_errors_are_the_apis(scripted, connect):
    server = scripted(answer({"year": ["Out of range."], "limit": ["Too large."]}, 400))
    with pytest.raises(sectorsdf.BadRequestError, match=r"Out of range"):
        sectorsdf.get_mining_license_auctions(client=connect(server))
    assert len(server.requests) == 1
