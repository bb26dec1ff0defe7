"""The getters over the synthetic sample: values, filters, sorts, shapes, provenance, words."""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
import shutil
import warnings
from datetime import date

import pandas as pd
import pytest
from support import reference

import sectorsdf
from sectorsdf.sandbox import Faults, running

TODAY = date(2026, 1, 15)
LISTS = {
    "licenses": sectorsdf.get_mining_licenses,
    "auctions": sectorsdf.get_mining_license_auctions,
    "sites": sectorsdf.get_mining_sites,
}
NOTHING = {
    "licenses": {"company": "no-such-company"},
    "auctions": {"participant": "no such company"},
    "sites": {"company": "no-such-company"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("client")


@pytest.fixture(scope="module")
def client(folder):
    # Few enough licences for many sweeps, and enough of them for many pages.
    with running(server={"today": TODAY, "licenses": 900}, cache_folder=folder) as connected:
        yield connected


@pytest.fixture(scope="module")
def records(client):
    return {kind: client.sandbox.records(name) for kind, name in reference.FILES.items()}


@pytest.fixture(scope="module")
def ask(client, records, folder):
    """Call a getter and compare its answer with the selection made by hand."""

    def compare(kind, **filters):
        due = reference.answer(kind, records[kind], filters, TODAY)
        frame = LISTS[kind](client=client, **filters)
        rows = [reference.row_of(kind, record) for record in due]
        reference.check(frame, rows, reference.LISTS[kind], f"with {filters}")
        # Each call looks through the folders of all calls before it, and these are hundreds.
        shutil.rmtree(folder / "journal")
        return len(due)

    return compare


def values(records, name):
    return sorted({record[name] for record in records if record[name] is not None})


def cases(text):
    """Return a text as people may type it."""
    return dict.fromkeys([text, text.upper(), text.lower(), text.swapcase()])


# Values, filters, sorts


@pytest.mark.parametrize(("kind", "count"), [("licenses", 4151), ("auctions", 14), ("sites", 156)])
def test_a_list_is_complete_value_by_value(kind, count):
    with running() as client:
        due = reference.answer(kind, client.sandbox.records(reference.FILES[kind]), {})
        frame = LISTS[kind](client=client)
    assert len(due) == count
    reference.check(
        frame, [reference.row_of(kind, record) for record in due], reference.LISTS[kind]
    )
    assert frame.attrs["sectorsdf"]["complete"] is True


@pytest.mark.parametrize("name", ["commodity_type", "license_type", "activity", "cnc"])
def test_licences_by_each_value_in_any_case(ask, records, name):
    for value in values(records["licenses"], name):
        for written in list(cases(value))[:2]:
            assert ask("licenses", **{name: written}, max_rows=30)


def test_licences_by_status_as_a_flag(ask, records):
    with_status = ask("licenses", cnc=True)
    assert with_status + ask("licenses", cnc=False) == len(records["licenses"])


def test_licences_by_each_province(ask, records):
    known = values(records["licenses"], "province")
    found = [ask("licenses", province=value) for value in known]
    assert all(found)
    assert sum(found) == sum(record["province"] is not None for record in records["licenses"])
    with pytest.raises(sectorsdf.FilterError) as caught:
        ask("licenses", province="kalimantan timur")
    assert caught.value.suggestions == ("Kalimantan Timur",)


@pytest.mark.filterwarnings("ignore:.*no row has")
def test_licences_by_company_and_by_their_last_year(ask, records):
    for slug in values(records["licenses"], "company_slug")[::5]:
        assert ask("licenses", company=slug)
    assert ask("licenses", expiring_soon=True)
    assert ask("licenses", expiring_soon=False, province="Bali") == ask("licenses", province="Bali")
    assert ask("licenses", **NOTHING["licenses"]) == 0


@pytest.mark.parametrize("name", ["province", "commodity_type", "area_type", "status"])
def test_auctions_by_each_value_in_any_case(ask, records, name):
    for value in values(records["auctions"], "auction_status" if name == "status" else name):
        found = {ask("auctions", **{name: written}) for written in cases(value)}
        assert len(found) == 1
        assert found != {0}


def test_auctions_by_their_participants(ask, records):
    people = [item for record in records["auctions"] for item in record["participants"]]
    for name in values(people, "company_name")[::3]:
        found = ask("auctions", participant=name)
        assert found
        assert ask("auctions", participant=name[1:].upper(), qualified=True) <= len(people)
        assert ask("auctions", participant=name, qualified=False) == found
    for count in (0, *values(records["auctions"], "participant_count"), 33):
        ask("auctions", min_participants=count)


def test_sites_by_each_value(ask, records):
    rows = [reference.site_row(record) for record in records["sites"]]
    for name in ("province", "year"):
        found = [ask("sites", **{name: value}) for value in values(rows, name)]
        assert sum(found) == sum(row[name] is not None for row in rows)
    for value in values(rows, "commodity_type"):
        assert len({ask("sites", commodity_type=written) for written in cases(value)}) == 1
    for slug in values(rows, "company_slug")[::3]:
        assert ask("sites", company=slug)
    for least in (-1, 0, *values(rows, "production_volume"), 1e9):
        ask("sites", min_production=least)


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, (_, names) in reference.SORTS.items() for name in names],
)
def test_each_sort_with_ties_in_the_order_of_the_records(ask, records, kind, name, sign):
    assert ask(kind, order_by=sign + name) == len(records[kind])


FILTERS = {
    "licenses": {
        "province": "province",
        "commodity_type": "commodity_type",
        "license_type": "license_type",
        "activity": "activity",
        "cnc": "cnc",
        "company": "company_slug",
        "expiring_soon": None,
    },
    "auctions": {
        "province": "province",
        "commodity_type": "commodity_type",
        "area_type": "area_type",
        "status": "auction_status",
        "participant": None,
        "min_participants": "participant_count",
    },
    "sites": {
        "province": "province",
        "commodity_type": "commodity_type",
        "year": "year",
        "company": "company_slug",
        "min_production": "production_volume",
    },
}


@pytest.mark.parametrize("kind", FILTERS)
def test_two_filters_together(ask, records, kind):
    dice = random.Random(2026)

    def value(record, name):
        if name == "expiring_soon":
            return True
        if name == "participant":
            return record["participants"][0]["company_name"][:9]
        return reference.row_of(kind, record)[FILTERS[kind][name]]

    met = 0
    for names in itertools.combinations(FILTERS[kind], 2):
        known = [
            record
            for record in records[kind]
            if all(value(record, name) is not None for name in names)
        ]
        record = dice.choice(known)
        filters = {name: value(record, name) for name in names}
        order = dice.choice(("", "-")) + dice.choice(reference.SORTS[kind][1])
        met += ask(kind, order_by=order, max_rows=100, **filters)
    assert met


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("most", [1, 29, 30, 31, 90, 5000])
def test_the_first_rows(client, records, kind, most):
    before = client.sandbox.billed
    frame = LISTS[kind](max_rows=most, client=client)
    due = reference.answer(kind, records[kind], {"max_rows": most})
    reference.check(
        frame, [reference.row_of(kind, record) for record in due], reference.LISTS[kind]
    )
    facts = frame.attrs["sectorsdf"]
    assert facts["max_rows"] == most
    assert facts["complete"] is (most >= len(records[kind]))
    assert facts["credits"] == client.sandbox.billed - before == math.ceil(len(due) / 30)


@pytest.mark.parametrize("kind", LISTS)
def test_a_server_with_smaller_pages_still_gives_everything(serve, sample, kind):
    client = serve(faults=Faults(page_limit=7))
    frame = LISTS[kind](client=client)
    due = [
        reference.row_of(kind, record)
        for record in reference.answer(kind, sample[reference.FILES[kind]], {})
    ]
    reference.check(frame, due, reference.LISTS[kind])
    facts = frame.attrs["sectorsdf"]
    assert facts["complete"] is True
    assert facts["pages"] == facts["credits"] == client.sandbox.billed == math.ceil(len(due) / 7)


# Addressed records


def test_auctions_with_their_phases_and_participants(client, records):
    client.forget()
    due = records["auctions"]
    codes = [record["wiup_code"] for record in due]
    before = client.sandbox.billed
    whole = sectorsdf.get_mining_license_auction(codes, client=client)
    phases = sectorsdf.get_mining_license_auction_phases(codes, client=client)
    people = sectorsdf.get_mining_license_auction_participants(codes, client=client)
    spent = [frame.attrs["sectorsdf"]["credits"] for frame in (whole, phases, people)]
    assert spent == [client.sandbox.billed - before, 0, 0] == [14, 0, 0]
    reference.check(whole, [reference.auction_row(record) for record in due], reference.AUCTION)
    rows = itertools.chain.from_iterable
    reference.check(phases, list(rows(map(reference.phase_rows, due))), reference.PHASES)
    reference.check(
        people, list(rows(map(reference.participant_rows, due))), reference.PARTICIPANTS
    )


def test_one_key_several_keys_and_a_frame(client, records):
    codes = [record["wiup_code"] for record in records["auctions"]]
    one = sectorsdf.get_mining_license_auction(codes[3], client=client)
    assert one["wiup_code"].tolist() == [codes[3]]
    again = [codes[5], codes[3], codes[5]]
    for given in (again, tuple(again), iter(again), pd.Series(again), dict.fromkeys(again)):
        frame = sectorsdf.get_mining_license_auction(given, client=client)
        assert frame["wiup_code"].tolist() == [codes[5], codes[3]]
    listed = sectorsdf.get_mining_license_auctions(client=client)
    frame = sectorsdf.get_mining_license_auction(listed, client=client)
    assert frame["wiup_code"].tolist() == listed["wiup_code"].tolist()
    partly = pd.Series([codes[0], None, codes[1]], dtype="string")
    frame = sectorsdf.get_mining_license_auction(partly, client=client)
    assert frame["wiup_code"].tolist() == codes[:2]


@pytest.mark.parametrize(
    "given", [1234567890123456, None, 3.5, ["a", None], "", "..", pd.DataFrame({"slug": ["a"]})]
)
def test_what_is_no_key_is_refused_before_it_is_sent(client, given):
    before = client.sandbox.billed
    with pytest.raises(sectorsdf.FilterError, match="wiup_code"):
        sectorsdf.get_mining_license_auction(given, client=client)
    assert client.sandbox.billed == before


def test_what_the_api_does_not_know(client, records):
    client.forget()
    code = records["auctions"][0]["wiup_code"]
    asked = ["0000000000000", code, "1111111111111111"]
    before = client.sandbox.billed
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        sectorsdf.get_mining_license_auction(asked, client=client)
    error = caught.value
    assert error.missing == ("0000000000000", "1111111111111111")
    assert error.status == 404
    assert error.url == f"{client.sandbox.url}/v2/mining/license-auctions/0000000000000/"
    due = [reference.auction_row(records["auctions"][0])]
    reference.check(error.frame, due, reference.AUCTION)
    assert error.frame.attrs["sectorsdf"]["credits"] == client.sandbox.billed - before == 3
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = sectorsdf.get_mining_license_auction(asked, missing="skip", client=client)
    assert len(warned) == 1
    assert all(text in str(warned[0].message) for text in error.missing)
    assert warned[0].filename == __file__
    reference.check(frame, due, reference.AUCTION)
    facts = frame.attrs["sectorsdf"]
    assert (facts["credits"], facts["not_found"]) == (0, list(error.missing))
    assert facts["complete"] is False
    for getter in (
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ):
        with pytest.raises(sectorsdf.NotFoundError) as caught:
            getter("0000000000000", client=client)
        assert len(caught.value.frame) == 0
    with pytest.raises(sectorsdf.FilterError, match="missing"):
        sectorsdf.get_mining_license_auction(code, missing="ignore", client=client)


def test_a_mine_abroad_is_not_found(client, records):
    abroad = next(r for r in records["sites"] if r["location"]["province"] is None)
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        sectorsdf.get_mining_site(abroad["slug"], client=client)
    assert caught.value.missing == (abroad["slug"],)
    reference.check(caught.value.frame, [], reference.SITE)


# E-mail addresses


def test_addresses_only_where_they_are_asked_for(client, records):
    code = records["auctions"][1]["wiup_code"]
    without = sectorsdf.get_mining_license_auction_participants(code, client=client)
    with_them = sectorsdf.get_mining_license_auction_participants(
        code, include_emails=True, client=client
    )
    due = reference.participant_rows(records["auctions"][1])
    assert any(row["email"] for row in due)
    reference.check(with_them, due, {**reference.PARTICIPANTS, "email": "text"})
    assert "@" not in without.to_csv() + json.dumps(without.attrs)
    assert not any("email" in name.lower() for name in without.columns)
    for getter in (
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
    ):
        frame = getter(code, client=client)
        assert "@" not in frame.to_csv() + json.dumps(frame.attrs)


def test_an_address_in_an_unexpected_place_is_left_out_too(serve, sample):
    record = copy.deepcopy(sample["mining_license_auctions"][0])
    people = record["participants"]
    people[0]["company_name"] = {"name": "PT Contoh", "contact": "orang@contoh.example"}
    people[1]["contacts"] = ["orang@contoh.example", {"<dua@contoh.example>": 1.50}]
    people.append("tiga@contoh.example")
    client = serve({"mining_license_auctions": [record]})
    code = record["wiup_code"]
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = sectorsdf.get_mining_license_auction_participants(code, client=client)
    text = frame.to_csv() + json.dumps(frame.attrs) + " ".join(str(w.message) for w in warned)
    assert "@" not in text
    assert "contoh.example" not in text
    assert frame["contacts"].dropna().tolist() == [
        '["(e-mail address left out)", {"<(e-mail address left out)>": 1.5}]'
    ]
    with pytest.raises(sectorsdf.DataError) as caught:
        sectorsdf.get_mining_license_auction_participants(code, strict=True, client=client)
    assert "@" not in str(caught.value) + json.dumps(caught.value.problems)
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_license_auction_participants(
            code, include_emails=True, client=client
        )
    assert "tiga@contoh.example" in frame.to_csv()


# Sites with their details


@pytest.mark.parametrize("order", [None, "year", "-production_volume"])
def test_listed_sites_with_their_own_details_only(client, records, order):
    client.forget()
    listed = reference.answer("sites", records["sites"], {"order_by": order})
    due, lacking = reference.site_rows_with_details(listed, records["sites"])
    assert lacking
    before = client.sandbox.billed
    with pytest.warns(sectorsdf.DataWarning) as warned:
        # Other tests may have left paid records of calls that failed.
        frame = sectorsdf.get_mining_sites(
            order_by=order, details=True, resume=False, client=client
        )
    assert len(warned) == 1
    assert f"{len(lacking)} of 156 rows" in str(warned[0].message)
    assert warned[0].filename == __file__
    reference.check(frame, due, reference.SITE)
    facts = frame.attrs["sectorsdf"]
    slugs = {record["slug"] for record in records["sites"]}
    assert facts["credits"] == client.sandbox.billed - before == 6 + len(slugs)
    told = facts["details"]
    assert told["endpoint"] == "/v2/mining/sites/{}/"
    assert told["fetched"] + len(told["not_found"]) == len(slugs)
    assert told["rows_without"] == [
        {
            "row": row,
            **{
                name: str(listed[row][name])
                for name in ("slug", "year", "commodity_type", "company_slug")
            },
        }
        for row in lacking
    ]


def test_a_row_never_gets_the_figures_of_one_that_a_filter_left_out(client, records):
    everything = records["sites"]
    seen = 0
    for record in everything:
        if sum(other["slug"] == record["slug"] for other in everything) == 1:
            continue
        filters = {"company": record["company_slug"], "year": record["year"]}
        filters["commodity_type"] = record["commodity_type"]
        listed = reference.answer("sites", everything, filters)
        due, lacking = reference.site_rows_with_details(listed, everything)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            frame = sectorsdf.get_mining_sites(details=True, client=client, **filters)
        assert len(warned) == bool(lacking)
        reference.check(frame, due, reference.SITE)
        seen += len(lacking)
    assert seen


@pytest.mark.parametrize("name", ["name", "project_name", "production_volume", "strip_ratio"])
def test_rows_of_one_slug_that_only_a_further_field_tells_apart(serve, name):
    other = {"name": "Contoh Dua", "project_name": "Dua"}.get(name, 2.5)
    first, second = (
        reference.site(),
        reference.site(**{name: other, "overburden_removal_volume": 99.0}),
    )
    client = serve({"mining_sites": [second, first]})
    with pytest.warns(sectorsdf.DataWarning, match="1 of 2 rows"):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    assert frame["overburden_removal_volume"].tolist()[0] == 99.0
    assert frame["overburden_removal_volume"].isna().tolist() == [False, True]
    assert frame["latitude"].tolist() == [4.5, 4.5]


def test_rows_of_one_slug_that_nothing_tells_apart_have_no_figures(serve):
    client = serve({"mining_sites": [reference.site(), reference.site()]})
    with pytest.warns(sectorsdf.DataWarning, match="2 of 2 rows"):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    assert frame["overburden_removal_volume"].isna().all()
    assert frame["latitude"].tolist() == [4.5, 4.5]


@pytest.mark.parametrize("name", ["province", "city", "company_slug"])
def test_a_place_goes_only_to_rows_of_the_same_place_and_company(serve, name):
    place = reference.site()["location"]
    elsewhere = {"company_slug": "pt-lain"}
    if name != "company_slug":
        elsewhere = {"location": {**place, name: "Banten", "latitude": -6.0}}
    client = serve(
        {
            "mining_sites": [
                reference.site(),
                reference.site(year=2023, **elsewhere),
                reference.site(year=2022),
            ]
        }
    )
    with pytest.warns(sectorsdf.DataWarning, match="2 of 3 rows"):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    assert frame["year"].tolist() == [2024, 2023, 2022]
    assert frame["latitude"].isna().tolist() == [False, True, False]
    assert frame["longitude"].isna().tolist() == [False, True, False]
    assert frame["overburden_removal_volume"].notna().tolist() == [True, False, False]


def test_problems_of_details_name_the_row_of_the_joined_frame(serve):
    abroad = {"province": None, "city": None, "latitude": None, "longitude": None}
    place = {**reference.site()["location"], "latitude": 123.0}
    records = [
        reference.site(slug="satu", year=2024, location=abroad),
        reference.site(slug="dua", year=2023, overburden_removal_volume="much", note="x"),
        reference.site(slug="tiga", year=2022, location=place),
        reference.site(slug="empat", year=2021, strip_ratio="one to four"),
    ]
    client = serve({"mining_sites": records})
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    facts = frame.attrs["sectorsdf"]
    found = [(problem["column"], problem["row"]) for problem in facts["problems"]]
    # A value that the list gives as well stands in the frame as the list gave it.
    due = [("strip_ratio", 3), ("overburden_removal_volume", 1), ("latitude", 2)]
    assert sorted(found, key=str) == sorted([*due, ("strip_ratio", None)], key=str)
    assert frame["slug"].tolist() == ["satu", "dua", "tiga", "empat"]
    assert facts["unknown_fields"] == ["note"]
    assert frame["note"].tolist()[1] == "x"


def test_strict_details_carry_the_joined_frame(serve):
    records = [
        reference.site(),
        reference.site(slug="dua", year=2023, overburden_removal_volume="much"),
    ]
    client = serve({"mining_sites": records})
    with pytest.raises(sectorsdf.DataError, match="much") as caught:
        sectorsdf.get_mining_sites(details=True, strict=True, client=client)
    frame = caught.value.frame
    reference.check_shape(frame, reference.SITE)
    assert frame["slug"].tolist() == ["contoh", "dua"]
    (problem,) = caught.value.problems
    assert (problem["row"], problem["raw"]) == (1, "much")
    assert frame.attrs["sectorsdf"]["problems"] == caught.value.problems


def test_details_cost_no_more_than_allowed(serve, sample):
    slugs = {record["slug"] for record in sample["mining_sites"]}
    client = serve()
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.get_mining_sites(details=True, max_credits=3 + len(slugs) - 1, client=client)
    assert client.sandbox.billed <= 3
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_sites(details=True, max_credits=3 + len(slugs), client=client)
    assert frame.attrs["sectorsdf"]["credits"] <= 3 + len(slugs)


def test_a_list_is_not_paid_twice_where_its_details_failed(serve, sample):
    client = serve()
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.get_mining_sites(details=True, max_credits=10, client=client)
    assert client.sandbox.billed == 3
    with pytest.warns(sectorsdf.DataWarning):
        sectorsdf.get_mining_sites(details=True, client=client)
    assert client.sandbox.billed == 3 + len({record["slug"] for record in sample["mining_sites"]})


# What a call would cost


def test_a_quote_is_what_the_call_then_costs(serve, sample):
    client = serve()
    for getter, filters in (
        (sectorsdf.get_mining_licenses, {}),
        (sectorsdf.get_mining_licenses, {"commodity_type": "Coal", "max_rows": 40}),
        (sectorsdf.get_mining_sites, {"year": 2024, "strict": True, "max_credits": 9}),
        (sectorsdf.get_mining_license_auctions, NOTHING["auctions"]),
    ):
        before = client.sandbox.billed
        quoted = sectorsdf.quote(getter, client=client, **filters)
        assert quoted.spent == client.sandbox.billed - before == 1
        frame = getter(client=client, **filters)
        assert quoted.rows == len(frame)
        assert frame.attrs["sectorsdf"]["credits"] == quoted.credits
        assert client.sandbox.billed - before == quoted.spent + quoted.credits


def test_a_quote_of_addressed_records_costs_nothing(serve, sample):
    client = serve()
    codes = [record["wiup_code"] for record in sample["mining_license_auctions"]]
    for getter in (
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ):
        assert sectorsdf.quote(getter, codes, client=client).credits == 14
        assert sectorsdf.quote(getter, wiup_code=codes[:3], client=client).credits == 3
    assert client.sandbox.billed == 0
    sectorsdf.get_mining_license_auction(codes[:4], client=client)
    assert (
        sectorsdf.quote(sectorsdf.get_mining_license_auction_phases, codes, client=client).credits
        == 10
    )


def test_a_quote_of_details_is_the_most_that_they_cost(serve, sample):
    client = serve()
    quoted = sectorsdf.quote(sectorsdf.get_mining_sites, details=True, client=client)
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    assert quoted.exact is False
    assert quoted.credits >= frame.attrs["sectorsdf"]["credits"]


def test_a_quote_of_resources_is_that_of_their_sites(serve, sample):
    client = serve()
    slugs = list(dict.fromkeys(record["slug"] for record in sample["mining_sites"]))
    resources = sectorsdf.get_mining_site_resources
    assert sectorsdf.quote(resources, slugs, missing="skip", client=client).credits == len(slugs)
    assert sectorsdf.quote(resources, sites=slugs[:2], client=client).credits == 2
    assert client.sandbox.billed == 0
    every = sectorsdf.quote(resources, missing="skip", strict=True, client=client)
    assert every.credits == 3 - every.spent + len(sample["mining_sites"])
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_sites(details=True, client=client)
    assert sectorsdf.quote(resources, frame, client=client).credits == 0
    client.forget()
    assert sectorsdf.quote(resources, frame, client=client).credits == 0
    assert sectorsdf.quote(resources, frame[["slug"]], client=client).credits == len(slugs)


@pytest.mark.parametrize(
    ("getter", "args"),
    [
        (len, ()),
        (sectorsdf.quote, ()),
        (sectorsdf.get_mining_licenses, ("Coal",)),
        (sectorsdf.get_mining_site, ()),
    ],
)
def test_what_cannot_be_quoted(client, getter, args):
    with pytest.raises(TypeError):
        sectorsdf.quote(getter, *args, client=client)


def test_without_a_client_the_environment_decides(client, monkeypatch):
    with pytest.raises(sectorsdf.MissingKeyError):
        sectorsdf.get_mining_licenses()
    monkeypatch.setenv("SECTORS_API_KEY", client.sandbox.key)
    monkeypatch.setenv("SECTORSDF_BASE_URL", client.sandbox.url)
    frame = sectorsdf.get_mining_license_auctions()
    assert frame.attrs["sectorsdf"]["host"] == client.sandbox.url
    assert sectorsdf.quote(sectorsdf.get_mining_license_auction, "1").credits == 1
