"""Filters and addresses: what is sent for each value, and what is refused before it costs."""

from __future__ import annotations

import contextlib
import enum
import inspect
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf import vocabularies
from sectorsdf.datasets import schema
from sectorsdf.datasets.query import checked_max_rows, path_for, refuse_unknown, to_query
from sectorsdf.errors import FilterError

LICENSES, AUCTIONS, SITES = ds.MINING_LICENSES, ds.MINING_LICENSE_AUCTIONS, ds.MINING_SITES


class Commodity(str, enum.Enum):  # noqa: UP042 - whose str() is its name, not its value
    COAL = "Coal"


@pytest.fixture(scope="module")
def client():
    small = {"licenses": 40, "auctions": 4, "sites": 20}
    with sectorsdf.sandbox.running(server=small) as client:
        yield client


def refused(dataset, validate=True, **filters):
    with pytest.raises(FilterError) as caught:
        to_query(dataset, filters, validate=validate)
    assert [caught.value.name] == list(filters)
    assert isinstance(caught.value, ValueError)
    return caught.value


def sent(dataset, validate=True, **filters):
    return to_query(dataset, filters, validate=validate)


# Each kind of filter


def test_nothing_is_sent_for_none():
    names = [entry.name for entry in LICENSES.filters]
    assert sent(LICENSES, **dict.fromkeys(names)) == {}


@pytest.mark.parametrize("dataset", [LICENSES, AUCTIONS, SITES])
def test_every_value_of_the_vocabulary_is_sent_as_it_is(dataset):
    for declared in dataset.filters:
        for value in declared.values:
            assert sent(dataset, **{declared.name: value}) == {declared.name: value}


@pytest.mark.parametrize("given", ["coal", "COAL", " Coal ", np.str_("coal"), Commodity.COAL])
def test_case_and_space_around_do_not_count_where_the_api_ignores_case(given):
    assert sent(LICENSES, commodity_type=given) == {"commodity_type": "Coal"}


def test_case_counts_elsewhere():
    error = refused(LICENSES, province="aceh")
    assert error.suggestions == ("Aceh",)
    assert "upper and lower case count" in str(error)
    assert refused(LICENSES, order_by="LICENSED_AREA_HA").suggestions == ("licensed_area_ha",)
    assert "case count" not in str(refused(LICENSES, commodity_type="Uranium"))


@pytest.mark.parametrize(
    ("dataset", "name", "value", "meant"),
    [
        (LICENSES, "province", "Kalimantan Timr", "Kalimantan Timur"),
        (LICENSES, "province", "Bangka", "Kepulauan Bangka Belitung"),
        (LICENSES, "commodity_type", "Nikel", "Nickel"),
        (LICENSES, "license_type", "IUP-K", "IUPK"),
        (LICENSES, "activity", "Operasi", "Operasi Produksi"),
        (LICENSES, "order_by", "area", "licensed_area_ha"),
        (AUCTIONS, "area_type", "WUIP", "WIUP"),
        (SITES, "order_by", "+year", "year"),
        (SITES, "commodity_type", "coal.", "Coal"),
    ],
)
def test_a_near_miss_is_named_before_the_list_of_values(dataset, name, value, meant):
    error = refused(dataset, **{name: value})
    assert meant in error.suggestions
    text = str(error)
    assert text.startswith(f"{name}={value!r} cannot be sent. Did you mean ")
    assert text.index(repr(meant)) < text.index("The API knows")
    assert "validate=False" in text


def test_a_short_list_is_told_whole_and_a_long_one_shortened():
    text = str(refused(LICENSES, license_type="zzz"))
    assert all(repr(value) in text for value in vocabularies.LICENSE_TYPES)
    assert "Did you mean" not in text
    assert "vocabularies" not in text
    values = vocabularies.LICENSE_PROVINCES
    text = str(refused(LICENSES, province="zzz"))
    assert [value for value in values if repr(value) in text] == list(values[:12])
    assert f"and {len(values) - 12} more, see sectorsdf.vocabularies" in text
    assert sectorsdf.vocabularies is vocabularies


@pytest.mark.parametrize("name", ["province", "commodity_type", "order_by", "company"])
def test_validate_false_sends_what_the_vocabulary_does_not_know(name):
    assert sent(LICENSES, validate=False, **{name: "What Ever"}) == {name: "What Ever"}


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("value", ["", "  ", "\t\n", 5, b"Coal", True, ["Coal"], pd.NA, np.nan])
@pytest.mark.parametrize("name", ["province", "company", "order_by"])
def test_what_is_no_text(name, value, validate):
    refused(LICENSES, validate=validate, **{name: value})


@pytest.mark.parametrize("text", ["\ud800", "PT \udfff", "\udc80abc"])
@pytest.mark.parametrize("validate", [True, False])
def test_half_a_surrogate_pair_is_refused(text, validate):
    assert "surrogate" in str(refused(AUCTIONS, participant=text, validate=validate))
    refused(AUCTIONS, cnc=text, validate=validate)


@pytest.mark.parametrize("slug", ["pt-contoh-tbk", "a", "3m", "a-1-b", "contoh-(uk)-limited"])
def test_slugs(slug):
    assert sent(LICENSES, company=slug) == {"company": slug}


@pytest.mark.parametrize(
    ("slug", "likely"),
    [("PT Contoh (UK)", "pt-contoh-(uk)"), ("PT_Timah", "pt-timah"), ("a--b", "a-b"), ("-a", "a")],
)
def test_what_is_no_slug_is_made_one(slug, likely):
    error = refused(SITES, company=slug)
    assert error.suggestions == (likely,)
    assert likely in str(error)
    assert sent(SITES, validate=False, company=slug) == {"company": slug}


def test_a_slug_of_nothing_has_no_suggestion():
    assert refused(SITES, company="鉱山").suggestions == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (np.True_, "true"), (np.False_, "false")],
)
def test_booleans(value, text):
    assert sent(LICENSES, expiring_soon=value) == {"expiring_soon": text}
    assert sent(LICENSES, cnc=value) == {"cnc": text}


@pytest.mark.parametrize("value", [1, 0, "true", "yes", 1.0, [True]])
def test_what_is_no_boolean(value):
    assert "True or False" in str(refused(LICENSES, expiring_soon=value))


@pytest.mark.parametrize("text", ["CNC", "CNC-1", "CnC", "I.T", " odd & free ", "true"])
def test_the_status_is_sent_as_it_is(text):
    assert sent(LICENSES, cnc=text) == {"cnc": text}


@pytest.mark.parametrize("value", [1, 0, 1.5, b"CNC", pd.NA, ""])
def test_what_is_no_status(value):
    refused(LICENSES, cnc=value)


@pytest.mark.parametrize(
    "value", [2024, np.int64(2024), np.int16(2024), np.uint32(2024), pd.array([2024])[0]]
)
def test_whole_numbers(value):
    assert sent(SITES, year=value) == {"year": "2024"}


@pytest.mark.parametrize(
    "value",
    [True, False, np.True_, 2024.0, np.float64(2024), "2024", Decimal(2024), [2024]],
)
@pytest.mark.parametrize("validate", [True, False])
def test_what_is_no_whole_number(value, validate):
    assert "whole number" in str(refused(SITES, year=value, validate=validate))


MISSING = [pd.NA, pd.NaT, np.nan, float("nan"), np.float32("nan")]


@pytest.mark.parametrize("value", MISSING, ids=range(5))
@pytest.mark.parametrize("name", ["province", "company", "year", "min_production"])
@pytest.mark.parametrize("validate", [True, False])
def test_a_missing_value_is_refused_with_the_advice_to_leave_it_out(name, value, validate):
    error = refused(SITES, validate=validate, **{name: value})
    assert "is a missing value and selects nothing: leave the filter out" in str(error)
    assert "is a missing value" in str(refused(LICENSES, expiring_soon=value))


@pytest.mark.parametrize("days", [0, 400, 40_000])
def test_the_current_year_in_jakarta_can_always_be_sent(days, monkeypatch):
    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            # In Jakarta the year has begun.
            return datetime(2026, 12, 31, 18, tzinfo=UTC).astimezone(tz) + timedelta(days)

    monkeypatch.setattr(schema, "datetime", Later)
    year = Later.now(timezone(timedelta(hours=7))).year
    assert year >= 2027
    assert sent(SITES, year=year) == {"year": str(year)}
    assert f"from 1900 to {year}" in str(refused(SITES, year=year + 1))
    filters = [declared for each in ds.DATASETS.values() for declared in each.filters]
    assert {declared.is_year for declared in filters if declared.maximum} == {True}
    assert [
        declared.name for declared in filters if declared.is_year and "year" not in declared.name
    ] == []


@pytest.mark.parametrize("year", [1899, 2200, -1, 10**30])
def test_a_year_out_of_bounds(year):
    assert "from 1900 to 20" in str(refused(SITES, year=year))
    assert sent(SITES, year=year, validate=False) == {"year": str(year)}


def test_bounds_belong_to_the_range():
    assert sent(SITES, year=1900) == {"year": "1900"}
    assert sent(SITES, year=2026) == {"year": "2026"}
    assert sent(AUCTIONS, min_participants=0) == {"min_participants": "0"}
    assert "at least 0" in str(refused(AUCTIONS, min_participants=-1))


@pytest.mark.parametrize("validate", [True, False])
def test_a_number_of_thousands_of_digits(validate):
    # Python itself refuses to write it.
    error = refused(SITES, year=10**5000, validate=validate)
    assert str(error).startswith("year=<int> cannot be sent")
    refused(SITES, min_production=10**5000, validate=validate)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (0.1, 0.1),
        (-2.5, -2.5),
        (1e300, 1e300),
        (np.float32(0.5), 0.5),
        (np.float64(1.5), 1.5),
        (np.int8(3), 3.0),
        (np.array(2.5), 2.5),
        (Decimal("2.5"), 2.5),
        (Fraction(1, 4), 0.25),
    ],
)
def test_numbers(value, number):
    assert float(sent(SITES, min_production=value)["min_production"]) == number


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        "5",
        b"5",
        bytearray(b"5"),
        1j,
        [1.0],
        np.array([1.0]),
        pd.Series([1.0]),
        pd.Timestamp(0),
        float("inf"),
        -np.inf,
        Decimal("NaN"),
    ],
)
@pytest.mark.parametrize("validate", [True, False])
def test_what_is_no_number(value, validate):
    assert "number" in str(refused(SITES, min_production=value, validate=validate))


def test_qualified_needs_a_participant():
    error = refused(AUCTIONS, qualified=True)
    assert "needs participant" in str(error)
    assert sent(AUCTIONS, qualified=True, participant="pt x") == {
        "qualified": "true",
        "participant": "pt x",
    }
    assert sent(AUCTIONS, qualified=False) == {"qualified": "false"}


def test_a_value_is_shown_short_whatever_it_says_of_itself():
    class Rude:
        def __repr__(self):
            raise RuntimeError("no")

    assert "year=<Rude> cannot be sent" in str(refused(SITES, year=Rude()))
    assert len(str(refused(LICENSES, commodity_type="x" * 10_000))) < 700


# Names


@pytest.mark.parametrize("name", ["limit", "offset"])
def test_paging_is_refused_with_the_reason(client, name):
    before = len(client.sandbox.requests)
    with pytest.raises(FilterError, match="the getter fetches every page") as caught:
        sectorsdf.get_mining_sites(client=client, **{name: 5})
    assert caught.value.name == name
    assert len(client.sandbox.requests) == before


@pytest.mark.parametrize(
    ("getter", "name", "meant"),
    [
        (sectorsdf.get_mining_licenses, "provinces", "province"),
        (sectorsdf.get_mining_licenses, "commodity", "commodity_type"),
        (sectorsdf.get_mining_licenses, "licence_type", "license_type"),
        (sectorsdf.get_mining_license_auctions, "participants", "participant"),
        (sectorsdf.get_mining_sites, "max_credit", "max_credits"),
        (sectorsdf.get_mining_sites, "worker", "workers"),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_meant(client, getter, name, meant):
    before = len(client.sandbox.requests)
    with pytest.raises(FilterError, match="has no filter") as caught:
        getter(client=client, **{name: "x"})
    assert meant in caught.value.suggestions
    assert f"Did you mean '{meant}'" in str(caught.value)
    assert len(client.sandbox.requests) == before


def test_an_addressed_row_has_no_filters(client):
    with pytest.raises(FilterError, match="its rows are addressed") as caught:
        sectorsdf.get_mining_site("a", client=client, max_credit=1)
    assert caught.value.suggestions[0] == "max_credits"
    with pytest.raises(FilterError, match="has no filter 'limit'"):
        sectorsdf.get_mining_site("a", client=client, limit=1)
    assert not [r for r in client.sandbox.requests if r.path.endswith("/a/")]


def test_no_unknown_name_is_no_trouble():
    refuse_unknown(LICENSES, {})


def test_the_query_of_an_unknown_name():
    with pytest.raises(FilterError, match="mining_sites has no filter 'provinz'"):
        to_query(SITES, {"provinz": "Aceh"})
    assert to_query(SITES, {"provinz": None}) == {}


# How many rows


@pytest.mark.parametrize("value", [0, -1, True, np.True_, 1.5, 1.0, "1", [1], pd.NA, np.nan])
def test_max_rows_that_is_no_count(client, value):
    before = len(client.sandbox.requests)
    with pytest.raises(FilterError, match="whole number of rows from 1") as caught:
        sectorsdf.get_mining_sites(client=client, max_rows=value)
    assert caught.value.name == "max_rows"
    assert len(client.sandbox.requests) == before


@pytest.mark.parametrize("value", [1, 30, np.int64(7), 10**9])
def test_max_rows(value):
    assert checked_max_rows(value) == value
    assert type(checked_max_rows(value)) is int


def test_max_rows_of_a_numpy_integer_is_a_plain_one_in_the_provenance(client):
    frame = sectorsdf.get_mining_sites(client=client, max_rows=np.int64(3), year=np.int64(2024))
    facts = json.loads(json.dumps(frame.attrs["sectorsdf"]))
    assert facts["max_rows"] == 3
    assert facts["filters"] == {"year": 2024}


@pytest.mark.parametrize("value", [Decimal("0.5"), Fraction(1, 2), np.float32(0.5), np.array(0.5)])
def test_the_provenance_holds_any_number_as_json(client, value):
    frame = sectorsdf.get_mining_sites(client=client, min_production=value)
    facts = json.loads(json.dumps(frame.attrs["sectorsdf"]))
    assert facts["filters"]["min_production"] in {0.5, "0.5", "1/2"}


# Whole calls


@pytest.mark.filterwarnings("ignore:.*no row has")
def test_what_the_server_gets(client):
    before = len(client.sandbox.requests)
    sectorsdf.get_mining_licenses(
        client=client, commodity_type="coal", expiring_soon=False, cnc="CNC & more=1", province=None
    )
    sectorsdf.get_mining_sites(client=client, min_production=np.float32(0.5), year=2024)
    one, two = (entry.query for entry in client.sandbox.requests[before:])
    paging = {"limit": "30", "offset": "0"}
    assert one == {
        "commodity_type": "Coal",
        "expiring_soon": "false",
        "cnc": "CNC & more=1",
        "order_by": "license_expiry_date",
        **paging,
    }
    assert two == {"min_production": "0.5", "year": "2024", "order_by": "-year", **paging}


def test_a_refused_filter_costs_nothing(client):
    before = len(client.sandbox.requests), client.spent
    for call in (
        lambda: sectorsdf.get_mining_licenses(client=client, province="aceh"),
        lambda: sectorsdf.get_mining_license_auctions(client=client, qualified=True),
        lambda: sectorsdf.get_mining_sites(client=client, year="2024"),
        lambda: sectorsdf.get_mining_sites(client=client, details=True, company="\ud800"),
        lambda: sectorsdf.quote(sectorsdf.get_mining_sites, client=client, year=True),
        lambda: sectorsdf.quote(sectorsdf.get_mining_sites, client=client, yeer=2024),
        lambda: sectorsdf.get_mining_site(["a", ".."], client=client),
        lambda: sectorsdf.get_mining_site("a", client=client, missing="ignore"),
    ):
        with pytest.raises(FilterError):
            call()
    assert (len(client.sandbox.requests), client.spent) == before


# Addresses

ODD_KEYS = [
    "..%2fx",
    "%2F",
    "%2e%2e",
    "%252F",
    "%",
    "%zz",
    "?x=1",
    "#f",
    "a b",
    " a ",
    "a+b",
    "a&b=c",
    "a;b",
    "\\..\\x",
    "...",
    "..a",
    "~-._",
    "tambang-émas",
    "鉱山",
    "🪨",
    "e\u0301",
    "\u202eabc",
    "a\x00b",
    "a\nb",
    "a\r\nX-Header: 1",
    "\x7f",
    "@evil.example",
    "{}",
    "{0.x}",
    "a" * 500,
]
# The server reads a quoted slash as a slash, so that such a key would reach another path.
WITH_SLASH = ["../x", "a/b", "a/../b", "//evil.example/", "http://evil.example/"]
NO_KEYS = [
    *WITH_SLASH,
    "",
    " ",
    "\t\n",
    "\u3000",
    ".",
    "..",
    "\ud800",
    "a\udfffb",
    None,
    1,
    1.5,
    b"a",
    pd.NA,
]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_reaches_its_own_endpoint_and_no_other(client, key):
    before = len(client.sandbox.requests)
    with pytest.warns(sectorsdf.DataWarning, match="does not know slug"):
        frame = sectorsdf.get_mining_site(key, client=client, missing="skip")
    assert frame.empty
    (request,) = client.sandbox.requests[before:]
    head, slug, tail = request.path[:17], request.path[17:-1], request.path[-1]
    assert (head, tail) == ("/v2/mining/sites/", "/")
    assert "/" not in slug
    assert unquote(slug, errors="strict") == key
    assert (request.status, request.query, request.billed) == (404, {}, True)


@pytest.mark.parametrize("key", NO_KEYS)
@pytest.mark.parametrize(
    "getter",
    [
        sectorsdf.get_mining_site,
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ],
)
def test_what_is_no_key_is_refused_before_any_request(client, getter, key):
    before = len(client.sandbox.requests)
    for keys in ([key], ["good", key], *([key] if isinstance(key, str) else [])):
        with pytest.raises(FilterError) as caught:
            getter(keys, client=client)
        assert caught.value.name in {"slug", "wiup_code"}
    assert len(client.sandbox.requests) == before


@given(st.text(max_size=12))
@example("%2e%2e%2f")
@example("\x85")
def test_any_text_is_an_address_of_its_own_or_refused(key):
    try:
        path = path_for(ds.MINING_SITE, key)
    except FilterError:
        return
    head, slug, tail = path[:17], path[17:-1], path[-1:]
    assert (head, tail) == ("/v2/mining/sites/", "/")
    assert slug.isascii()
    assert not set(slug) & set("/?#\\ ")
    assert slug not in {"", ".", ".."}
    assert unquote(slug) == key


@given(st.text(max_size=12), st.booleans())
def test_any_text_is_sent_whole_or_refused(text, validate):
    for dataset, name in ((LICENSES, "province"), (AUCTIONS, "participant"), (SITES, "company")):
        try:
            query = to_query(dataset, {name: text}, validate=validate)
        except FilterError:
            continue
        assert query in ({name: text}, {name: text.strip()})


@pytest.mark.parametrize("name", [name for name, known in ds.DATASETS.items() if known.filters])
def test_an_error_names_only_options_that_the_getter_has(name):
    dataset = ds.DATASETS[name]
    options = inspect.signature(getattr(sectorsdf, f"get_{name}")).parameters
    for declared in dataset.filters:
        for value in ("no such value", "x" * 300, -1, 10**9, "A B"):
            with contextlib.suppress(FilterError):
                to_query(dataset, {declared.name: value})
                continue
            with pytest.raises(FilterError) as caught:
                to_query(dataset, {declared.name: value})
            message = str(caught.value)
            assert "validate" in options or "validate" not in message
            if declared.kind == "choice" and isinstance(value, str):
                assert ("validate=False" in message) == ("validate" in options)
    for paging in ("limit", "offset"):
        with pytest.raises(FilterError) as caught:
            refuse_unknown(dataset, {paging: 1}, options)
        assert ("max_rows" in str(caught.value)) <= ("max_rows" in options)


@pytest.mark.parametrize(
    ("dataset", "text", "meant"),
    [
        (LICENSES, "East Kalimantan", ("Kalimantan Timur",)),
        (LICENSES, "kaltim", ("Kalimantan Timur",)),
        (LICENSES, "NTB", ("Nusa Tenggara Barat",)),
        (LICENSES, "Southwest Papua", ("Papua Barat Daya",)),
        (LICENSES, "Daerah Istimewa Yogyakarta", ("Yogyakarta",)),
        (SITES, "Irian Jaya", ("Papua",)),
        (LICENSES, "papua barat daya", ("Papua Barat Daya",)),
    ],
)
def test_any_name_of_a_province_suggests_the_apis_alone(dataset, text, meant):
    assert refused(dataset, province=text).suggestions == meant


def test_a_province_without_rows_is_said_to_have_none():
    error = refused(LICENSES, province="Jakarta")
    assert "the API's list has no rows of DKI Jakarta".lower() in str(error).lower()
    assert error.suggestions == ()
    assert sent(LICENSES, validate=False, province="Jakarta") == {"province": "Jakarta"}


@pytest.mark.parametrize("word", ["Open", "closed ", "ACTIVE"])
def test_a_status_in_english_is_refused_with_the_one_that_was_seen(word):
    error = refused(AUCTIONS, status=word)
    assert "'Lelang Selesai'" in str(error)
    assert sent(AUCTIONS, validate=False, status=word) == {"status": word}


def test_other_statuses_are_sent():
    assert sent(AUCTIONS, status="Lelang Dibuka") == {"status": "Lelang Dibuka"}
