"""An answer counts only if it is the answer to what was asked."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from support.billing_api import Api, auction, licence, site
from support.scripted_server import answer

import sectorsdf
from sectorsdf.client.answers import RowFilters, other_dataset, other_record
from sectorsdf.datasets import DATASETS

LICENSES, SITES = sectorsdf.get_mining_licenses, sectorsdf.get_mining_sites
AUCTIONS = sectorsdf.get_mining_license_auctions
FACTS = "sectorsdf"


class OtherApi(Api):
    """An API that answers another question than it is asked.

    Attributes
    ----------
    reads : callable
        Returns the query that the server answers, given the query that it received.
    says : callable
        Changes the content of a page, and returns what is sent.
    """

    reads = staticmethod(lambda query: query)
    says = staticmethod(lambda content: content)

    def _list(self, path, query):
        content = super()._list(path, self.reads(query)).partition(b"\r\n\r\n")[2]
        return answer(self.says(json.loads(content)))


@pytest.fixture
def other(tmp_path):
    """Return a function that starts such an API, with a client of it."""
    started = []

    def start(**rows):
        api = OtherApi(**rows)
        client = api.client(tmp_path / "home", cache=tmp_path / "cache")
        started.append((api, client))
        return api, client

    yield start
    for api, client in started:
        client.close()
        api.__exit__()


def without(name):
    return lambda query: {key: value for key, value in query.items() if key != name}


def keys(frame):
    return list(frame["wiup_code"])


def refused(api, getter, most=1, **call):
    """Assert that a call is refused before more is paid, and return the message."""
    with pytest.raises(sectorsdf.ResponseError, match="not the answer to what was asked") as caught:
        getter(**call)
    error = caught.value
    assert (error.status, error.billed, error.retryable) == (200, True, False)
    assert api.billed <= most
    return str(error)


# Filters that the server ignores


def half(make, **fields):
    """Return rows of which every other one has these values, and the others have others."""
    others = {
        "province": "Papua",
        "commodity_type": "Nickel",
        "license_type": "IPR",
        "activity": "Eksplorasi",
        "cnc": "I.T",
        "company_slug": None,
        "license_expiry_date": "2050-01-01",
        "area_type": "WIUPK",
        "auction_status": "Batal",
        "participant_count": 0,
        "year": 2021,
        "production_volume": None,
    }
    return [
        make(n, **(fields if n % 2 else {name: others[name] for name in fields})) for n in range(50)
    ]


IN_TWO_MONTHS = f"{datetime.now(UTC).date() + timedelta(days=60)}"
IGNORED = [
    (LICENSES, "licenses", {"province": "Aceh"}, {"province": "Aceh"}),
    (LICENSES, "licenses", {"commodity_type": "Coal"}, {"commodity_type": "Coal"}),
    (LICENSES, "licenses", {"license_type": "IUP"}, {"license_type": "IUP"}),
    (LICENSES, "licenses", {"activity": "Operasi Produksi"}, {"activity": "Operasi Produksi"}),
    (LICENSES, "licenses", {"cnc": "CNC"}, {"cnc": "CNC"}),
    (LICENSES, "licenses", {"company": "pt-a"}, {"company_slug": "pt-a"}),
    (LICENSES, "licenses", {"expiring_soon": True}, {"license_expiry_date": IN_TWO_MONTHS}),
    (AUCTIONS, "auctions", {"province": "Bengkulu"}, {"province": "Bengkulu"}),
    (AUCTIONS, "auctions", {"commodity_type": "Coal"}, {"commodity_type": "Coal"}),
    (AUCTIONS, "auctions", {"area_type": "WIUP"}, {"area_type": "WIUP"}),
    (AUCTIONS, "auctions", {"status": "Selesai"}, {"auction_status": "Lelang Selesai"}),
    (AUCTIONS, "auctions", {"min_participants": 2}, {"participant_count": 3}),
    (SITES, "sites", {"company": "pt-a"}, {"company_slug": "pt-a"}),
    (SITES, "sites", {"province": "Aceh"}, {"province": "Aceh"}),
    (SITES, "sites", {"commodity_type": "Coal"}, {"commodity_type": "Coal"}),
    (SITES, "sites", {"year": 2024}, {"year": 2024}),
    (SITES, "sites", {"min_production": 1.5}, {"production_volume": 2.0}),
]
MAKE = {"licenses": licence, "auctions": auction, "sites": site}


@pytest.mark.parametrize(
    ("getter", "kind", "filters", "fields"),
    IGNORED,
    ids=lambda value: getattr(value, "__name__", str(value)[:40]),
)
def test_a_filter_that_the_server_ignores_is_an_error_at_once(other, getter, kind, filters, fields):
    api, client = other(**{kind: half(MAKE[kind], **fields)})
    (name,) = filters
    api.reads = without(name)
    message = refused(api, getter, client=client, **filters)
    assert re.search(rf"\d+ of its 30 rows do not pass {name}=.*ignores the filter", message)
    # Nothing of it was kept: neither for the next call, nor in the cache.
    with pytest.raises(sectorsdf.NotCachedError):
        getter(client=client, offline=True, **filters)
    refused(api, getter, most=2, client=client, **filters)


def test_every_filter_that_a_column_shows_is_tried():
    tried = {(getter.__name__[4:], *filters) for getter, _, filters, _ in IGNORED}
    shown = {
        (name, declared.name)
        for name in ("mining_licenses", "mining_license_auctions", "mining_sites")
        for declared in DATASETS[name].filters
        if declared.match is not None and declared.name != "order_by"
    }
    assert tried == shown


def test_a_first_page_that_passes_by_the_sort_only(other):
    rows = [licence(n, commodity_type="Bauxite" if n < 60 else "Coal") for n in range(900)]
    api, client = other(licenses=rows)
    api.reads = without("commodity_type")
    refused(
        api,
        LICENSES,
        most=3,
        client=client,
        commodity_type="Bauxite",
        order_by="commodity_type",
    )
    assert client.spent == api.billed


def test_the_one_filter_of_two_that_is_ignored_is_named(other):
    api, client = other(licenses=half(licence, commodity_type="Coal"))
    api.reads = without("commodity_type")
    call = {"province": "Aceh", "commodity_type": "Coal"}
    assert "commodity_type='Coal'" in refused(api, LICENSES, client=client, **call)


def test_the_first_rows_only_are_compared_too(other):
    api, client = other(licenses=half(licence, province="Aceh"))
    api.reads = without("province")
    refused(api, LICENSES, client=client, province="Aceh", max_rows=3)


def test_a_quote_of_another_question(other):
    api, client = other(licenses=half(licence, province="Aceh"))
    api.reads = without("province")
    with pytest.raises(sectorsdf.ResponseError, match="ignores the filter"):
        sectorsdf.quote(LICENSES, province="Aceh", client=client)


# Rows that the documented rule excludes


BOTH = "Kalimantan Tengah, Kalimantan Timur"


def wider(count=60, each=10):
    """Return licences of one province, some of which lie in another one as well."""
    return [
        licence(n, province=BOTH if n % each == 3 else "Kalimantan Tengah") for n in range(count)
    ]


@pytest.fixture
def wide(other):
    """An API whose rule for provinces is wider than its documentation."""
    api, client = other(licenses=wider())
    api.reads = lambda query: {
        name: value for name, value in query.items() if value != "Kalimantan Tengah"
    }
    return api, client


def test_are_reported_with_their_keys(wide):
    _, client = wide
    with pytest.warns(sectorsdf.DataWarning, match=r"6 row\(s\) that its own docum") as warned:
        frame = LICENSES(province="Kalimantan Tengah", client=client, cache=False)
    assert len(warned) == 1
    facts = frame.attrs[FACTS]
    assert (len(frame), facts["complete"], facts["outside_filter"]) == (60, True, 6)
    for problem in facts["problems"]:
        assert problem["key"] == {"wiup_code": frame["wiup_code"].iloc[problem["row"]]}
        assert (problem["column"], problem["filter"]) == ("province", "province")
        assert frame["province"].iloc[problem["row"]] == problem["raw"] == BOTH
        assert problem["reason"] == "outside the filter province='Kalimantan Tengah'"
    assert len(facts["problems"]) == 6


def test_strict_raises(wide):
    api, client = wide
    call = {"province": "Kalimantan Tengah", "client": client, "strict": True}
    with pytest.raises(sectorsdf.DataError, match="documentation excludes") as caught:
        LICENSES(**call)
    assert len(caught.value.frame) == 60
    assert [problem["filter"] for problem in caught.value.problems] == ["province"] * 6
    # The rows are paid for and cached, and are reported again from there.
    paid = api.billed
    with pytest.raises(sectorsdf.DataError, match="documentation excludes"):
        LICENSES(**call)
    assert api.billed == paid


@pytest.mark.parametrize(
    "question",
    [
        {"province": "Kalimantan Tengah", "commodity_type": "Coal"},
        {"province": "Kalimantan Tengah", "order_by": "licensed_area_ha"},
        {"province": "Kalimantan Tengah", "max_rows": 5},
    ],
)
def test_such_an_answer_answers_no_other_question(wide, question):
    api, client = wide
    with pytest.warns(sectorsdf.DataWarning):
        LICENSES(province="Kalimantan Tengah", client=client)
    paid = api.billed
    with pytest.warns(sectorsdf.DataWarning):
        again = LICENSES(province="Kalimantan Tengah", client=client)
    assert (len(again), api.billed) == (60, paid)
    with pytest.warns(sectorsdf.DataWarning):
        LICENSES(client=client, **question)
    assert api.billed > paid


def test_an_answer_without_such_rows_does_answer_others(other):
    api, client = other(licenses=60)
    frame = LICENSES(province="Aceh", client=client)
    assert "outside_filter" not in frame.attrs[FACTS]
    paid = api.billed
    assert len(LICENSES(province="Aceh", max_rows=5, client=client)) == 5
    assert api.billed == paid


def test_only_the_rows_in_the_frame_count(wide):
    _, client = wide
    frame = LICENSES(province="Kalimantan Tengah", max_rows=3, client=client)
    assert "outside_filter" not in frame.attrs[FACTS]
    assert list(frame.attrs[FACTS]["problems"]) == []


def test_a_row_that_has_nothing_to_do_with_the_filter_is_one_row(other):
    rows = [licence(n, province="Papua" if n == 7 else "Aceh") for n in range(60)]
    api, client = other(licenses=rows)
    api.reads = without("province")
    with pytest.warns(sectorsdf.DataWarning, match=r"1 row\(s\)"):
        frame = LICENSES(province="Aceh", client=client)
    (problem,) = frame.attrs[FACTS]["problems"]
    assert problem["key"] == {"wiup_code": rows[7]["wiup_code"]}
    assert len(frame) == 60


def test_they_are_reported_in_a_file_too(wide, tmp_path):
    _, client = wide
    target = tmp_path / "rows.parquet"
    with pytest.warns(sectorsdf.DataWarning, match=r"6 row\(s\)"):
        sectorsdf.export(LICENSES, target, province="Kalimantan Tengah", client=client)
    assert sectorsdf.read_parquet(target).attrs[FACTS]["outside_filter"] == 6


FITS = [
    ("mining_licenses", {"province": "Aceh"}, {"province": "aceh"}, 1, False),
    ("mining_licenses", {"province": "Aceh"}, {"province": None}, 1, True),
    ("mining_licenses", {"province": "Aceh"}, {}, 0, False),
    ("mining_licenses", {"commodity_type": "Coal"}, {"commodity_type": "COAL"}, 0, False),
    ("mining_licenses", {"commodity_type": "Batubara"}, {"commodity_type": "Coal"}, 1, False),
    ("mining_licenses", {"license_type": "IUP"}, {"license_type": "IUPK"}, 1, True),
    ("mining_licenses", {"cnc": "CNC"}, {"cnc": "CNC-1"}, 1, False),
    ("mining_licenses", {"cnc": "true"}, {"cnc": "I.T"}, 0, False),
    (
        "mining_licenses",
        {"expiring_soon": "false"},
        {"license_expiry_date": "1999-01-01"},
        0,
        False,
    ),
    (
        "mining_license_auctions",
        {"status": "selesai"},
        {"auction_status": "Lelang Selesai"},
        1,
        False,
    ),
    ("mining_license_auctions", {"min_participants": "2"}, {"participant_count": "3"}, 0, False),
    ("mining_license_auctions", {"min_participants": "2"}, {"participant_count": "many"}, 0, False),
    ("mining_license_auctions", {"participant": "PT"}, {"company_name": "CV"}, 0, False),
    ("mining_sites", {"year": "2024"}, {"year": "2024"}, 0, False),
    ("mining_sites", {"year": "2024"}, {"year": 2023}, 1, True),
    ("mining_sites", {"min_production": "1.5"}, {"production_volume": 1.5}, 0, False),
    ("mining_sites", {"min_production": "1.5"}, {"production_volume": 1.4}, 1, True),
    ("mining_companies", {"commodity_type": "Coal"}, {"commodity_type": ["Gold"]}, 0, False),
]


@pytest.mark.parametrize(("name", "filters", "row", "outside", "ignored"), FITS)
def test_what_a_value_says_about_a_filter(name, filters, row, outside, ignored):
    check = RowFilters(DATASETS[name], filters)
    assert len(list(check.outside([row]))) == outside
    assert (check.ignored([row] * 30, first=True) is not None) is ignored
    assert check.ignored([row], first=True) is None
    assert (check.ignored([row] * 5, first=False) is not None) is ignored
    assert check.ignored([row] * 4, first=False) is None


@pytest.mark.parametrize("first", ["2026-01-15", "1999-06-01"])
def test_a_year_is_that_of_the_rows_and_not_of_this_machine(first):
    begin = date.fromisoformat(first)
    check = RowFilters(DATASETS["mining_licenses"], {"expiring_soon": "true"})

    def rows(*days):
        return [{"license_expiry_date": f"{begin + timedelta(days=day)}"} for day in days]

    assert check.ignored(rows(*range(0, 360, 12)), first=True) is None
    assert list(check.outside(rows(364))) == []
    assert len(list(check.outside(rows(400)))) == 1
    assert check.ignored(rows(*range(5000, 5030)), first=False) is not None


# Offsets


@pytest.fixture
def paged(other):
    api, client = other(licenses=900)
    client.context.workers = 8
    return api, client


def test_a_page_for_another_offset_is_an_error_on_the_second_page(paged):
    api, client = paged
    api.reads = lambda query: {**query, "offset": "0"}
    message = refused(api, LICENSES, most=2, client=client)
    assert "it begins at offset 0, and offset 60 was asked for" in message
    # The first page is right, and is not paid for again.
    api.reads = OtherApi.reads
    assert len(LICENSES(client=client)) == 900
    assert api.billed == 2 + 29


def test_a_server_that_does_not_say_the_offset(paged):
    api, client = paged
    api.reads = lambda query: {**query, "offset": "0"}

    def says(content):
        del content["pagination"]["offset"]
        return content

    api.says = says
    with pytest.raises(sectorsdf.IncompleteSweepError, match="as if it did not read the offset"):
        LICENSES(client=client)
    assert api.billed == 2
    api.reads = OtherApi.reads
    assert len(LICENSES(client=client)) == 900
    assert api.billed == 2 + 29


def test_a_gateway_that_drops_the_query(paged):
    api, client = paged
    api.reads = lambda query: {}
    refused(api, LICENSES, most=2, client=client)


def test_a_gateway_that_drops_the_query_of_a_list_without_a_total(paged):
    api, client = paged
    api.reads = lambda query: {}
    api.says = lambda content: content["results"]
    with pytest.raises(sectorsdf.IncompleteSweepError, match="same 20 rows"):
        LICENSES(client=client)
    assert api.billed == 2


def test_a_server_that_turns_an_offset_after_the_end_into_its_last_page(other):
    """It says so, and the sweep asks there only if the list has become shorter meanwhile."""
    api, client = other(licenses=170)
    rows = api.rows["licenses"]

    def reads(query):
        if api.billed == 3:
            api.rows["licenses"] = rows[:70]
        last = (len(api.rows["licenses"]) - 1) // 30 * 30
        return {**query, "offset": str(min(int(query["offset"]), last))}

    api.reads = reads
    assert len(LICENSES(client=client)) == 70


# Records


def test_the_record_of_another_key(other):
    api, client = other(sites=5)
    api._record = lambda path: answer(api.rows["sites"][0])
    message = refused(api, sectorsdf.get_mining_site, slug="site-3", client=client)
    assert "the record of slug 'site-0', not of slug='site-3'" in message
    # It was neither cached nor remembered.
    del api._record
    assert list(sectorsdf.get_mining_site("site-3", client=client)["slug"]) == ["site-3"]
    assert api.billed == 2


AUCTION_GETTERS = [
    sectorsdf.get_mining_license_auction,
    sectorsdf.get_mining_license_auction_phases,
    sectorsdf.get_mining_license_auction_participants,
]


@pytest.mark.parametrize("getter", AUCTION_GETTERS)
def test_the_record_of_another_code_is_reported(other, getter):
    """An answer may spell a code otherwise, so it is in the frame and no error."""
    api, client = other(auctions=[auction(n, ("PT A", None)) for n in range(3)])
    right, asked = api._record, [f"{9100000000000000 + n}" for n in range(3)]
    api._record = lambda path: right(path.replace(asked[1], asked[2]))
    with pytest.warns(sectorsdf.DataWarning, match=r"1 answer\(s\) are not the record") as warned:
        frame = getter(asked, client=client)
    assert len(warned) == 1
    assert f"of wiup_code '{asked[2]}', not of wiup_code='{asked[1]}'" in str(warned[0].message)
    (problem,) = frame.attrs[FACTS]["problems"]
    assert problem == {
        "key": {"wiup_code": asked[1]},
        "column": "wiup_code",
        "raw": asked[2],
        "reason": f"the record of wiup_code '{asked[2]}', not of wiup_code='{asked[1]}'",
    }
    with pytest.raises(sectorsdf.DataError, match="not the record that was asked for") as caught:
        getter(asked, client=client, strict=True)
    assert len(caught.value.frame) == len(frame)
    # The right records were cached; the other one is paid for each time, until it is right.
    assert api.billed == 3 + 1
    del api._record
    getter(asked, client=client, strict=True)
    assert api.billed == 3 + 1 + 1
    getter(asked, client=client, strict=True)
    assert api.billed == 3 + 1 + 1


def test_the_record_of_another_code_is_not_journaled(other):
    api, client = other(auctions=3)
    right, asked = api._record, [f"{9100000000000000 + n}" for n in range(3)]
    api._record = lambda path: right(path.replace(asked[0], asked[2]))
    api.refuse_after(2)
    with pytest.raises(sectorsdf.BadRequestError):
        sectorsdf.get_mining_license_auction(asked, client=client)
    api.recover()
    del api._record
    assert keys(sectorsdf.get_mining_license_auction(asked, client=client)) == asked
    assert api.billed == 2 + 2


def test_the_answer_for_another_province_is_reported(other):
    api, client = other()
    api._record = lambda path: answer({"province": "Aceh", "data": {}})
    with pytest.warns(sectorsdf.DataWarning, match="not of province='Bali'"):
        sectorsdf.get_mining_province_resources("Bali", client=client)


def test_one_wrong_record_among_details_loses_no_other(other):
    api, client = other(sites=6)
    right = api._record

    def record(path):
        wrong = path.endswith("/site-4/") and api.billed < 7
        return right(path.replace("site-4", "site-1") if wrong else path)

    api._record = record
    with pytest.raises(sectorsdf.ResponseError, match="not of slug='site-4'"):
        SITES(details=True, client=client)
    SITES(details=True, client=client)
    assert api.billed == 1 + 6 + 1
    assert set(api.bills.values()) == {1, 2}


@pytest.mark.parametrize(
    "body", [{"error": "too busy"}, {"message": "no"}, {"html": "<p>", "status": 200}]
)
def test_an_object_that_is_no_record(other, body):
    api, client = other(sites=5)
    api._record = lambda path: answer(body)
    refused(api, sectorsdf.get_mining_site, slug="site-3", client=client)


def test_rows_of_another_dataset(other):
    api, client = other(licenses=50, sites=50)
    api.rows["licenses"] = api.rows["sites"]
    assert "mostly not of mining_licenses" in refused(
        api, LICENSES, client=client, order_by="commodity_type"
    )


def test_what_is_no_other_dataset_and_no_other_record():
    licenses, sites = DATASETS["mining_licenses"], DATASETS["mining_site"]
    renamed = {("code" if name == "wiup_code" else name): 1 for name in licence(1)}
    assert other_dataset(licenses, [renamed]) is None
    assert other_dataset(licenses, []) is None
    assert other_dataset(licenses, [{"a": 1}, {"wiup_code": "1", "b": 2}]) is None
    for slug in ("A-Site ", None, True, ["a"], 5.5):
        record = site(1, slug=slug)
        same = slug in ("A-Site ", None, True, ["a"])
        assert (other_record(sites, {"slug": "a-site"}, record) is None) is same
    assert other_record(sites, {"slug": "12"}, site(1, slug=12)) is None
    assert other_record(sites, {"slug": "a"}, [site(1)]) is None


# Pages of before


def test_a_list_that_changed_between_two_runs(other):
    """One licence went and another one came, so that the total is the same."""
    api, client = other(licenses=900)
    api.refuse_after(20)
    with pytest.raises(sectorsdf.BadRequestError, match="20 paid"):
        LICENSES(client=client)
    api.recover()
    rows = api.rows["licenses"]
    api.rows["licenses"] = [*rows[:5], *rows[6:], licence(900)]
    frame = LICENSES(client=client)
    assert keys(frame) == [row["wiup_code"] for row in api.rows["licenses"]]
    assert frame.attrs[FACTS]["complete"]
    assert api.billed <= 20 + 30 + 2


@pytest.mark.parametrize("licenses", [170, 180])
@pytest.mark.parametrize("paid", [1, 2, 3, 5])
def test_a_list_that_did_not_change_is_paid_for_once(other, licenses, paid):
    api, client = other(licenses=licenses)
    api.refuse_after(paid)
    with pytest.raises(sectorsdf.BadRequestError):
        LICENSES(client=client)
    api.recover()
    quoted = sectorsdf.quote(LICENSES, client=client)
    assert (quoted.credits, quoted.spent) == (6 - paid, 0)
    assert len(LICENSES(client=client, max_credits=6 - paid)) == licenses
    assert api.billed == 6
    assert set(api.bills.values()) == {1}


@pytest.fixture
def a_minute_ago(monkeypatch):
    """Return a function that interrupts a call after two pages, a minute before now."""

    def interrupt(api, **call):
        real = time.time
        api.refuse_after(2)
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: real() - 60)
            with pytest.raises(sectorsdf.BadRequestError):
                LICENSES(**call)
        api.recover()

    return interrupt


def age(frame):
    """Return how many seconds ago a frame was fetched, by its provenance."""
    fetched = datetime.fromisoformat(frame.attrs[FACTS]["fetched_at"])
    return (datetime.now(UTC) - fetched).total_seconds()


def test_a_list_is_as_old_as_its_oldest_page(other, a_minute_ago):
    api, client = other(licenses=170)
    a_minute_ago(api, client=client)
    frame = LICENSES(client=client)
    assert 60 <= age(frame) < 80
    cached = LICENSES(client=client)
    assert cached.attrs[FACTS]["fetched_at"] == frame.attrs[FACTS]["fetched_at"]
    assert age(LICENSES(client=client, max_age="10s")) < 20


def test_a_page_that_was_out_of_date_does_not_make_it_older(other, a_minute_ago):
    api, client = other(licenses=170)
    a_minute_ago(api, client=client)
    api.rows["licenses"] = api.rows["licenses"][1:]
    frame = LICENSES(client=client)
    assert len(frame) == 169
    assert age(frame) < 20


def test_pages_of_before_a_change_are_not_kept_for_the_next_call(other):
    """The sweep has found them to be out of date, and pays for them once more, not twice."""
    api, client = other(licenses=290)
    rows = api.rows["licenses"]

    def reads(query):
        if api.billed == 5:
            api.rows["licenses"] = [licence(-1, license_expiry_date="2024-01-01"), *rows]
        return query

    api.reads = reads
    # Four pages are out of date, six and a look at the end are not, and two have come again.
    api.refuse_after(4 + 6 + 1 + 2)
    with pytest.raises(sectorsdf.BadRequestError):
        LICENSES(client=client)
    api.recover()
    frame = LICENSES(client=client)
    assert keys(frame) == [row["wiup_code"] for row in api.rows["licenses"]]
    assert api.billed == 4 + 6 + 1 + 4
