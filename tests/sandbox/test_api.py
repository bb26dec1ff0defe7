"""The API as documented: pages, records, refusals and bills."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.newest

LICENSES = "/v2/mining/licenses/"
AUCTIONS = "/v2/mining/license-auctions/"
SITES = "/v2/mining/sites/"
LISTS = (LICENSES, AUCTIONS, SITES)

LICENSE_FIELDS = [
    "wiup_code",
    "license_number",
    "license_type",
    "province",
    "city",
    "license_effective_date",
    "license_expiry_date",
    "activity",
    "licensed_area_ha",
    "location",
    "commodity_type",
    "company_name",
    "cnc",
    "generation",
    "company_slug",
]
AUCTION_FIELDS = [
    "commodity_type",
    "city",
    "province",
    "company_name",
    "winner_date",
    "licensed_area_ha",
    "license_number",
    "area_type",
    "kdi",
    "wiup_code",
    "auction_status",
    "participant_count",
    "winner",
    "company_slug",
]
SITE_FIELDS = [
    "name",
    "project_name",
    "year",
    "commodity_type",
    "production_volume",
    "unit",
    "strip_ratio",
    "province",
    "city",
    "company_slug",
    "company_name",
    "slug",
]
FIELDS = dict(zip(LISTS, (LICENSE_FIELDS, AUCTION_FIELDS, SITE_FIELDS), strict=True))
DATASETS = dict(
    zip(LISTS, ("mining_licenses", "mining_license_auctions", "mining_sites"), strict=True)
)


# Envelopes and pages


@pytest.mark.parametrize("path", LISTS)
def test_rows_hold_the_documented_fields_in_order(client, path):
    assert {tuple(row) for row in client.rows(path)} == {tuple(FIELDS[path])}


@pytest.mark.parametrize("path", LISTS)
def test_a_sweep_gets_every_record(client, path):
    rows = client.rows(path)
    records = client.server.records(DATASETS[path])
    key = "slug" if path == SITES else "wiup_code"
    assert sorted(row[key] for row in rows) == sorted(record[key] for record in records)


def test_the_envelope_has_its_eight_members(client):
    page = client.get(LICENSES, params={"limit": 30, "offset": 60}).json()
    assert list(page) == ["results", "pagination"]
    assert page["pagination"] == {
        "total_count": 4151,
        "showing": 30,
        "limit": 30,
        "offset": 60,
        "has_next": True,
        "has_previous": True,
        "next_offset": 90,
        "previous_offset": 30,
    }
    assert len(page["results"]) == 30


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (14, 20, 0, False, False, None, None)),
        ({"limit": 10}, (10, 10, 0, True, False, 10, None)),
        ({"limit": 10, "offset": 4}, (10, 10, 4, False, True, None, 0)),
        ({"limit": 10, "offset": 13}, (1, 10, 13, False, True, None, 3)),
        ({"limit": 10, "offset": 14}, (0, 10, 14, False, True, None, 4)),
        ({"limit": 10, "offset": 10**30}, (0, 10, 10**30, False, True, None, 10**30 - 10)),
    ],
)
def test_pages_know_their_place(client, query, expected):
    answer = client.get(AUCTIONS, params=query)
    page = answer.json()["pagination"]
    assert answer.status_code == 200
    assert tuple(page.values())[1:] == expected
    assert page["total_count"] == 14


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 1), (29, 29), (30, 30), (31, 30), (10**40, 30), ("007", 7)]
)
def test_the_limit_is_clamped_in_silence(client, asked, given):
    page = client.get(LICENSES, params={"limit": asked}).json()
    assert page["pagination"]["limit"] == given == len(page["results"])


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize(
    "text", ["", "-1", "1.0", "ten", " 1", "1 ", "0x1", "\N{FULLWIDTH DIGIT ONE}"]
)
def test_what_is_not_a_count_is_refused(client, name, text):
    answer = client.get(LICENSES, params={name: text})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid query parameters."
    assert name in answer.json()["detail"]


def test_a_limit_of_zero_is_refused_but_not_such_an_offset(client):
    assert client.get(LICENSES, params={"limit": 0}).status_code == 400
    assert client.get(LICENSES, params={"offset": 0}).status_code == 200


def test_unknown_parameters_are_ignored_and_the_last_of_several_counts(client):
    answer = client.get(f"{AUCTIONS}?nonsense=1&limit=x&limit=2&limit=3")
    assert answer.json()["pagination"]["limit"] == 3


def test_texts_beyond_ascii_arrive(serve):
    name = "Tambang Contoh \N{LATIN SMALL LETTER E WITH ACUTE} \N{EN DASH} \N{SNOWMAN}"
    client = serve(records={"mining_sites": [{"slug": "a", "name": name, "province": "X"}]})
    assert client.get(SITES).json()["results"][0]["name"] == name


# Details


def test_the_detail_of_an_auction_is_the_whole_record(client):
    fields = [*AUCTION_FIELDS[:-1], "created_at", "last_modified", "phases", "participants"]
    for record in client.server.records("mining_license_auctions"):
        found = client.get(f"{AUCTIONS}{record['wiup_code']}/")
        assert found.status_code == 200
        assert found.json() == record
        assert list(found.json()) == [*fields, "company_slug"]


def test_the_detail_of_a_site_is_the_whole_record(client):
    records = client.server.records("mining_sites")
    slugs = [record["slug"] for record in records]
    single = [record for record in records if slugs.count(record["slug"]) == 1]
    abroad = [record for record in single if record["location"]["province"] is None]
    assert len(abroad) == 1
    for record in single:
        found = client.get(f"{SITES}{record['slug']}/")
        assert found.status_code == (404 if record in abroad else 200)
        if record not in abroad:
            assert found.json() == record
            assert list(found.json())[6:10] == [
                "overburden_removal_volume",
                "strip_ratio",
                "resources_reserves",
                "location",
            ]


def test_a_repeated_slug_shows_its_latest_year_then_its_first_record(serve):
    def site(year, name):
        return {"slug": "a", "year": year, "name": name, "location": {"province": "Papua"}}

    client = serve(records={"mining_sites": [site(2022, 1), site(2024, 2), site(2024, 3)]})
    assert client.get(f"{SITES}a/").json()["name"] == 2


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (f"{AUCTIONS}123/", "Auction not found."),
        (f"{SITES}nowhere/", "Mining site not found."),
        (f"{SITES}a%252Fb/", "Mining site not found."),
        (f"{SITES}%ff/", "Mining site not found."),
    ],
)
def test_what_is_not_there_costs_a_credit(serve, path, error):
    client = serve()
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": error})
    assert client.server.billed == 1


def test_paths_are_decoded_once(serve):
    sites = [
        {"slug": slug, "year": 2024, "name": slug, "location": {"province": "Papua"}}
        for slug in ("a%2Fb", "a b", "\N{LATIN SMALL LETTER E WITH ACUTE}")
    ]
    client = serve(records={"mining_sites": sites})
    for encoded, slug in {
        "a%252Fb": "a%2Fb",
        "a%20b": "a b",
        "%C3%A9": "\N{LATIN SMALL LETTER E WITH ACUTE}",
    }.items():
        assert client.get(f"{SITES}{encoded}/").json()["name"] == slug


# Everything that is refused


@pytest.mark.parametrize(
    "path",
    [
        "/v2/mining/",
        "/v2/mining/nothing/",
        "/v1/mining/licenses/",
        "/v2/mining/licenses/123/",
        "/v2/mining/sites//",
        "/v2/mining/sites/a/b/",
        # An encoded slash separates parts as any other.
        "/v2/mining/sites/a%2Fb/",
        "/v2/mining/sites/%2F/",
        "/v2/mining/sites/a%2F/",
        "/nowhere",
    ],
)
def test_unknown_paths_are_free(serve, path):
    client = serve()
    answer = client.get(path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]
    assert client.server.billed == 0


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/v2/mining/licenses", "/v2/mining/licenses/"),
        ("/v2/mining/sites?limit=3&province=A%20B", "/v2/mining/sites/?limit=3&province=A%20B"),
        ("/v2/mining/sites/a%20b", "/v2/mining/sites/a%20b/"),
        (
            "/v2/mining/commodities/Coal%20(HBA%201)/price",
            "/v2/mining/commodities/Coal%20(HBA%201)/price/",
        ),
    ],
)
def test_a_missing_slash_is_a_free_redirect(serve, asked, given):
    client = serve()
    answer = client.get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (301, given)
    assert client.server.billed == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PURGE"])
@pytest.mark.parametrize("path", [*LISTS, f"{SITES}a/"])
def test_other_methods(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.content == b"" if method == "HEAD" else "error" in answer.json()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("0" * 64, 403),
        ("key {key}", 403),
        ("Bearer {key}", 403),
        ("Bearer", 403),
        ("a-token", 403),
        ("Bearer another", 403),
        ("{key}", 200),
        ("  {key}  ", 200),
        ("Bearer a-token", 200),
        ("bearer  a-token", 200),
    ],
)
def test_keys_and_tokens(client, header, status):
    line = "" if header is None else f"Authorization: {header.format(key=client.server.key)}\r\n"
    request = f"GET {LICENSES} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n"
    [(found, _, body)] = client.exchange(request.encode())
    assert found == status
    assert list(json.loads(body)) == (["results", "pagination"] if status == 200 else ["error"])


def test_what_is_billed(serve):
    client = serve()
    known = client.server.records("mining_license_auctions")[0]["wiup_code"]
    prices = {
        LICENSES: 1,
        f"{LICENSES}?company=nobody": 1,
        f"{LICENSES}?offset=100000": 1,
        f"{AUCTIONS}{known}/": 1,
        f"{AUCTIONS}404/": 1,
        f"{LICENSES}?limit=x": 0,
        "/v2/mining/licenses": 0,
        "/nowhere": 0,
    }
    for path, price in prices.items():
        before = client.server.billed
        client.get(path)
        assert client.server.billed - before == price, path
    for headers in ({"Authorization": None}, {"Authorization": "x"}):
        before = client.server.billed
        client.get(LICENSES, headers=headers)
        assert client.server.billed == before
    client.post(LICENSES)
    assert len(client.server.requests) == len(prices) + 3


def test_fields_beyond_the_documented_and_missing_ones_are_served_as_given(serve):
    record = {"new_field": [1], "wiup_code": "1", "license_expiry_date": "2030-01-01"}
    client = serve(records={"mining_licenses": [record]})
    row = client.get(LICENSES).json()["results"][0]
    assert list(row) == ["wiup_code", "license_expiry_date", "new_field"]


def test_answers_are_json_objects(client):
    for path in (*LISTS, "/nowhere", f"{LICENSES}?limit=x"):
        answer = client.get(path)
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(json.loads(answer.content), dict)
