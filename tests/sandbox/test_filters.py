"""What the parameters of the lists match, and the order of the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.newest

LICENSES = "/v2/mining/licenses/"
AUCTIONS = "/v2/mining/license-auctions/"
SITES = "/v2/mining/sites/"


# Filters


def matches(client, path, query, test):
    """Assert that a filter returns the rows that a test picks, and at least one."""
    wanted = [row for row in client.rows(path) if test(row)]
    found = client.rows(path, **query)
    assert found == wanted
    assert wanted


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ({"province": "Jawa Barat"}, "province", "Jawa Barat"),
        ({"commodity_type": "Coal"}, "commodity_type", "Coal"),
        ({"commodity_type": "sand, STONE, gravel"}, "commodity_type", "Sand, Stone, Gravel"),
        ({"license_type": "sipb"}, "license_type", "SIPB"),
        ({"activity": "EKSPLORASI"}, "activity", "Eksplorasi"),
        ({"cnc": "cnc-1"}, "cnc", "CNC-1"),
        ({"cnc": "i.t"}, "cnc", "I.T"),
    ],
)
def test_licenses_by_value(client, query, field, value):
    matches(client, LICENSES, query, lambda row: row[field] == value)


def test_licenses_by_company_slug(client):
    slug = next(row["company_slug"] for row in client.rows(LICENSES) if row["company_slug"])
    matches(client, LICENSES, {"company": slug}, lambda row: row["company_slug"] == slug)
    assert client.rows(LICENSES, company=slug.upper()) == []
    assert client.rows(LICENSES, company="") == []


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_clear_and_clean_as_a_flag(client, text):
    def clear(row):
        return (row["cnc"] or "").upper().startswith("CNC")

    matches(client, LICENSES, {"cnc": text}, clear)


def test_not_clear_and_clean_takes_the_nulls(client):
    rows = client.rows(LICENSES, cnc="false")
    assert {row["cnc"] for row in rows} == {None, "I.T"}


def test_clear_and_clean_as_a_text_ignores_case(client):
    assert {row["cnc"] for row in client.rows(LICENSES, cnc="cnc")} == {"CNC", "CnC"}
    assert client.rows(LICENSES, cnc="nothing of the kind") == []


def test_expiring_soon_counts_a_year_from_today_both_ends_included(serve):
    days = ["2025-12-31", "2026-01-01", "2026-06-30", "2027-01-01", "2027-01-02", None]
    rows = [{"wiup_code": str(n), "license_expiry_date": day} for n, day in enumerate(days)]
    client = serve(records={"mining_licenses": rows})
    soon = client.rows(LICENSES, expiring_soon="TRUE")
    assert [row["license_expiry_date"] for row in soon] == days[1:4]
    assert len(client.rows(LICENSES, expiring_soon="false")) == len(days)


def test_expiring_soon_defaults_to_the_present_day(serve):
    # A month ahead, so that it does not matter in which time zone the day is.
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    days = ["2000-01-01", soon, "9999-01-01"]
    rows = [{"wiup_code": str(n), "license_expiry_date": day} for n, day in enumerate(days)]
    client = serve(records={"mining_licenses": rows}, today=None)
    found = [row["license_expiry_date"] for row in client.rows(LICENSES, expiring_soon="true")]
    assert found == [soon]


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ({"province": "maluku UTARA"}, "province", "Maluku Utara"),
        ({"commodity_type": "nickel"}, "commodity_type", "Nickel"),
        ({"area_type": "wiup"}, "area_type", "WIUP"),
        ({"status": "lelang selesai"}, "auction_status", "Lelang Selesai"),
    ],
)
def test_auctions_by_value(client, query, field, value):
    matches(client, AUCTIONS, query, lambda row: row[field] == value)


def test_auctions_by_number_of_participants(client):
    matches(client, AUCTIONS, {"min_participants": 9}, lambda row: row["participant_count"] >= 9)
    assert len(client.rows(AUCTIONS, min_participants=0)) == 14
    assert client.rows(AUCTIONS, min_participants=1000) == []


def test_auctions_by_participant_and_by_who_passed(serve):
    def auction(code, *participants):
        bidders = [
            {"company_name": name, "qualification_result": result} for name, result in participants
        ]
        return {"wiup_code": code, "winner_date": None, "participants": bidders}

    auctions = [
        auction("1", ("Contoh Satu", "Tidak Lolos"), ("Contoh Dua", "Lolos")),
        auction("2", ("Contoh Satu", "Lolos")),
        auction("3", ("Contoh Dua", "Tidak Lolos"), (None, "Lolos")),
        {"wiup_code": "4", "winner_date": None, "participants": None},
    ]
    client = serve(records={"mining_license_auctions": auctions})

    def codes(**query):
        return [row["wiup_code"] for row in client.rows(AUCTIONS, **query)]

    assert codes(participant="SATU") == ["1", "2"]
    assert codes(participant="satu", qualified="true") == ["2"]
    assert codes(participant="satu", qualified="false") == ["1", "2"]
    assert codes(participant="dua", qualified="True") == ["1"]
    assert codes(participant="contoh") == ["1", "2", "3"]
    assert codes(qualified="false") == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ({"province": "Kalimantan Timur"}, "province", "Kalimantan Timur"),
        ({"commodity_type": "GOLD"}, "commodity_type", "Gold"),
        ({"year": 2023}, "year", 2023),
        ({"company": "pt-contoh-pasir-perkasa-001"}, "company_slug", "pt-contoh-pasir-perkasa-001"),
    ],
)
def test_sites_by_value(client, query, field, value):
    matches(client, SITES, query, lambda row: row[field] == value)


@pytest.mark.parametrize("least", ["10", "10.0", "1e1", "-5"])
def test_sites_by_production_leave_out_the_nulls(client, least):
    def enough(row):
        return row["production_volume"] is not None and row["production_volume"] >= float(least)

    matches(client, SITES, {"min_production": least}, enough)


def test_filters_join(client):
    def both(row):
        return row["commodity_type"] == "Coal" and row["province"] == "Kalimantan Timur"

    query = {"commodity_type": "coal", "province": "Kalimantan Timur", "year": 2024}
    matches(client, SITES, query, lambda row: both(row) and row["year"] == 2024)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (LICENSES, "province=jawa barat"),
        (LICENSES, "province=Atlantis"),
        (LICENSES, "commodity_type=Cheese"),
        (LICENSES, "commodity_type="),
        (LICENSES, "license_type=IUPX"),
        (LICENSES, "activity=Tidur"),
        (LICENSES, "expiring_soon=soon"),
        (LICENSES, "expiring_soon="),
        (LICENSES, "order_by=city"),
        (LICENSES, "order_by=--licensed_area_ha"),
        (LICENSES, "order_by=Licensed_Area_Ha"),
        (AUCTIONS, "province=Bali"),
        (AUCTIONS, "area_type=X"),
        (AUCTIONS, "qualified=true"),
        (AUCTIONS, "qualified=maybe&participant=a"),
        (AUCTIONS, "min_participants=-1"),
        (AUCTIONS, "min_participants=two"),
        (AUCTIONS, "order_by=license_expiry_date"),
        (SITES, "province=kalimantan timur"),
        (SITES, "commodity_type=Tin"),
        (SITES, "year=1899"),
        (SITES, "year=2027"),
        (SITES, "year=2024.0"),
        (SITES, "min_production=nan"),
        (SITES, "min_production=inf"),
        (SITES, "min_production=1e999"),
        (SITES, "min_production=many"),
        (SITES, "order_by="),
    ],
)
def test_values_that_are_refused(client, path, query):
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid query parameters."
    assert query.split("=")[0] in answer.json()["detail"]


def test_a_value_of_a_served_record_is_allowed(serve):
    row = {"wiup_code": "1", "province": "Provinsi Contoh", "commodity_type": "Unobtainium"}
    client = serve(records={"mining_licenses": [row]})
    assert len(client.rows(LICENSES, province="Provinsi Contoh")) == 1
    assert len(client.rows(LICENSES, commodity_type="unobtainium")) == 1
    client.server.remove_records("mining_licenses", 1)
    assert client.get(LICENSES, params={"province": "Provinsi Contoh"}).status_code == 400
    assert client.rows(LICENSES, province="Bali") == []


# Sorts


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (LICENSES, "license_expiry_date"),
        (LICENSES, "license_effective_date"),
        (LICENSES, "licensed_area_ha"),
        (LICENSES, "commodity_type"),
        (AUCTIONS, "winner_date"),
        (AUCTIONS, "licensed_area_ha"),
        (AUCTIONS, "participant_count"),
        (AUCTIONS, "commodity_type"),
        (SITES, "production_volume"),
        (SITES, "year"),
        (SITES, "strip_ratio"),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_sorts_put_nulls_last_and_descending_ones_first(client, path, field, sign):
    values = [row[field] for row in client.rows(path, order_by=sign + field)]
    held = [value for value in values if value is not None]
    nulls = [None] * (len(values) - len(held))
    held.sort(reverse=bool(sign))
    assert values == (nulls + held if sign else held + nulls)


@pytest.mark.parametrize(
    ("path", "order"),
    [(LICENSES, "license_expiry_date"), (AUCTIONS, "-winner_date"), (SITES, "-year")],
)
def test_the_default_sorts(client, path, order):
    assert client.rows(path) == client.rows(path, order_by=order)


@pytest.mark.parametrize("sign", ["", "-"])
def test_ties_keep_the_order_of_the_records(serve, sign):
    rows = [{"wiup_code": str(n), "license_expiry_date": "2030-01-01"} for n in range(50)]
    client = serve(records={"mining_licenses": rows})
    found = client.rows(LICENSES, order_by=f"{sign}license_expiry_date")
    assert [row["wiup_code"] for row in found] == [str(n) for n in range(50)]


def test_values_of_mixed_types_still_sort(serve):
    areas = ["a", None, 3, 2.5, {"x": 1}, True]
    rows = [{"wiup_code": str(n), "licensed_area_ha": area} for n, area in enumerate(areas)]
    client = serve(records={"mining_licenses": rows})
    found = [row["licensed_area_ha"] for row in client.rows(LICENSES, order_by="licensed_area_ha")]
    assert found[:3] == [2.5, 3, "a"]
    assert found[-1] is None
