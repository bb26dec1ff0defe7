"""Real records, from where they lie, come through the whole stack value by value.

What is due is worked out in plain Python from the JSON lines; nothing of it stands here.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from datetime import date, timedelta

import pytest
from support import reference

import sectorsdf
from sectorsdf.sandbox import Faults

TODAY = date(2026, 1, 15)
GETTERS = {
    "licenses": sectorsdf.get_mining_licenses,
    "auctions": sectorsdf.get_mining_license_auctions,
    "sites": sectorsdf.get_mining_sites,
}


@pytest.fixture(scope="module")
def records(real_data):
    return {
        kind: reference.read_lines(real_data / f"{name}.jsonl")
        for kind, name in reference.FILES.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("client")


@pytest.fixture(scope="module")
def client(real_data, folder):
    server = {"today": TODAY}
    with sectorsdf.sandbox.running(data=real_data, server=server, cache_folder=folder) as connected:
        yield connected


@pytest.fixture(scope="module")
def ask(client, records, folder):
    """Call a getter and compare its answer with the selection made by hand."""

    def compare(kind, **filters):
        due = reference.answer(kind, records[kind], filters, TODAY)
        # The vocabularies are the provider's of one day; the records know a few provinces more.
        frame = GETTERS[kind](client=client, validate=False, **filters)
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


@pytest.mark.parametrize(("kind", "count"), [("licenses", 3278), ("auctions", 10), ("sites", 111)])
def test_every_record_is_there_value_by_value(client, records, kind, count):
    frame = GETTERS[kind](client=client)
    due = [reference.row_of(kind, record) for record in reference.answer(kind, records[kind], {})]
    assert len(due) == count
    assert reference.check(frame, due, reference.LISTS[kind]) == count * len(reference.LISTS[kind])
    facts = frame.attrs["sectorsdf"]
    assert facts["complete"] is True
    assert facts["rows"] == facts["certificate"]["total"] == count
    assert facts["pages"] == facts["credits"] == -(-count // 30)
    assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []


def test_every_auction_with_its_phases_and_participants(client, records):
    client.forget()
    listed = sectorsdf.get_mining_license_auctions(client=client)
    by_code = {record["wiup_code"]: record for record in records["auctions"]}
    due = [by_code[code] for code in listed["wiup_code"]]
    before = client.sandbox.billed
    whole = sectorsdf.get_mining_license_auction(listed, client=client)
    phases = sectorsdf.get_mining_license_auction_phases(listed, client=client)
    people = sectorsdf.get_mining_license_auction_participants(listed, client=client)
    assert client.sandbox.billed - before == 10
    assert [frame.attrs["sectorsdf"]["credits"] for frame in (whole, phases, people)] == [10, 0, 0]
    reference.check(whole, [reference.auction_row(record) for record in due], reference.AUCTION)
    rows = list(itertools.chain.from_iterable(map(reference.phase_rows, due)))
    reference.check(phases, rows, reference.PHASES)
    rows = list(itertools.chain.from_iterable(map(reference.participant_rows, due)))
    reference.check(people, rows, reference.PARTICIPANTS)
    counted = Counter(people["wiup_code"])
    assert all(counted[record["wiup_code"]] == len(record["participants"]) for record in due)


def test_every_site_that_the_detail_endpoint_knows(client, records):
    client.forget()
    everything = records["sites"]
    slugs = list(dict.fromkeys(record["slug"] for record in everything))
    latest = {}
    for record in everything:
        best = latest.setdefault(record["slug"], record)
        if record["year"] > best["year"]:
            latest[record["slug"]] = record
    abroad = [slug for slug in slugs if latest[slug]["location"]["province"] is None]
    assert abroad
    before = client.sandbox.billed
    with pytest.warns(sectorsdf.DataWarning, match=abroad[0]):
        frame = sectorsdf.get_mining_site(slugs, missing="skip", client=client)
    due = [reference.site_row(latest[slug]) for slug in slugs if slug not in abroad]
    reference.check(frame, due, reference.SITE)
    facts = frame.attrs["sectorsdf"]
    assert facts["not_found"] == abroad
    assert facts["complete"] is False
    assert facts["credits"] == client.sandbox.billed - before == len(slugs)


@pytest.mark.parametrize("order", [None, "year", "production_volume", "-strip_ratio"])
def test_every_listed_site_with_its_own_details_only(client, records, order):
    client.forget()
    due, lacking = reference.site_rows_with_details(
        reference.answer("sites", records["sites"], {"order_by": order}), records["sites"]
    )
    before = client.sandbox.billed
    with pytest.warns(sectorsdf.DataWarning) as caught:
        frame = sectorsdf.get_mining_sites(order_by=order, details=True, client=client)
    assert len(caught) == 1
    assert f"{len(lacking)} of 111 rows" in str(caught[0].message)
    assert caught[0].filename == __file__
    reference.check(frame, due, reference.SITE)
    facts = frame.attrs["sectorsdf"]
    assert [entry["row"] for entry in facts["details"]["rows_without"]] == lacking
    assert facts["credits"] == client.sandbox.billed - before == 4 + 106


def test_details_of_a_selection_are_never_those_of_a_row_outside_it(client, records):
    # The detail endpoint knows nothing of filters: it may answer a row that they left out.
    everything = records["sites"]
    names = Counter(record["slug"] for record in everything)
    twice = [record for record in everything if names[record["slug"]] > 1]
    assert twice
    seen = 0
    for record in twice:
        for filters in (
            {"company": record["company_slug"]},
            {"year": record["year"]},
            {"commodity_type": record["commodity_type"], "company": record["company_slug"]},
        ):
            due, lacking = reference.site_rows_with_details(
                reference.answer("sites", everything, filters), everything
            )
            seen += len(lacking)
            options = {"details": True, "client": client, **filters}
            if lacking:
                with pytest.warns(sectorsdf.DataWarning, match=f"{len(lacking)} of {len(due)} "):
                    frame = sectorsdf.get_mining_sites(**options)
            else:
                frame = sectorsdf.get_mining_sites(**options)
            reference.check(frame, due, reference.SITE, f"with {filters}")
    assert seen


@pytest.mark.parametrize("name", ["province", "commodity_type", "license_type", "activity"])
def test_licences_by_each_value(ask, records, name):
    selected = 0
    for value in values(records["licenses"], name):
        found = ask("licenses", **{name: value})
        assert found
        selected += found
        if name != "province":
            for written in list(cases(value))[1:]:
                assert ask("licenses", **{name: written}, max_rows=30) == min(found, 30)
        elif value.upper() != value:
            with pytest.raises(sectorsdf.BadRequestError):
                ask("licenses", **{name: value.upper()})
    assert selected == len(records["licenses"])


@pytest.mark.filterwarnings("ignore:.*no row has")
def test_licences_by_each_company(ask, records):
    known = values(records["licenses"], "company_slug")
    found = [ask("licenses", company=slug) for slug in known]
    assert sum(found) == sum(record["company_slug"] is not None for record in records["licenses"])
    assert ask("licenses", company="no-such-company") == 0


@pytest.mark.filterwarnings("ignore:.*no row has")
def test_licences_by_a_status_that_none_of_them_has(ask, records):
    assert all(record["cnc"] is None for record in records["licenses"])
    assert ask("licenses", cnc="CNC") == ask("licenses", cnc=True) == 0
    assert ask("licenses", cnc=False, max_rows=40) == 40


@pytest.mark.parametrize("day", [date(2025, 8, 1), date(2025, 10, 2), TODAY, date(2031, 2, 28)])
def test_licences_that_expire_soon(real_data, records, day):
    with sectorsdf.sandbox.running(data=real_data, server={"today": day}) as client:
        due = reference.answer("licenses", records["licenses"], {"expiring_soon": True}, day)
        frame = sectorsdf.get_mining_licenses(expiring_soon=True, client=client)
        reference.check(
            frame, [reference.license_row(record) for record in due], reference.LICENSES
        )
    assert due
    assert frame["license_expiry_date"].between(str(day), str(day + timedelta(365))).all()


def test_licences_whether_or_not_they_expire_soon(ask):
    assert ask("licenses", expiring_soon=False, province="Bali") == ask("licenses", province="Bali")


@pytest.mark.parametrize("name", ["province", "commodity_type", "area_type", "status"])
def test_auctions_by_each_value(ask, records, name):
    field = "auction_status" if name == "status" else name
    selected = 0
    for value in values(records["auctions"], field):
        found = [ask("auctions", **{name: written}) for written in cases(value)]
        assert found[0]
        assert len(set(found)) == 1
        selected += found[0]
    assert selected == len(records["auctions"])


def test_auctions_by_each_participant(ask, records):
    people = [item for record in records["auctions"] for item in record["participants"]]
    names = sorted({item["company_name"] for item in people})
    passed = {item["company_name"] for item in people if item["qualification_result"] == "Lolos"}
    for name in names:
        found = ask("auctions", participant=name)
        assert found
        qualified = ask("auctions", participant=name, qualified=True)
        assert qualified <= found
        assert qualified or name not in passed
    for name in names[::7]:
        assert ask("auctions", participant=name[1:-1].swapcase())
        assert ask("auctions", participant=name, qualified=False)
    assert ask("auctions", participant="no such company anywhere") == 0


def test_auctions_by_their_number_of_participants(ask, records):
    counts = sorted({record["participant_count"] for record in records["auctions"]})
    for count in (0, *counts, counts[-1] + 1):
        ask("auctions", min_participants=count)


def test_sites_by_each_value(ask, records):
    rows = [reference.site_row(record) for record in records["sites"]]
    for name in ("province", "commodity_type", "year", "company"):
        field = "company_slug" if name == "company" else name
        selected = 0
        for value in values(rows, field):
            found = ask("sites", **{name: value})
            assert found
            selected += found
            if name == "commodity_type":
                assert all(ask("sites", **{name: written}) == found for written in cases(value))
        assert selected == sum(row[field] is not None for row in rows)
    assert ask("sites", year=1999) == 0


def test_sites_by_their_production(ask, records):
    known = values(records["sites"], "production_volume")
    for least in (-1, 0, *known, known[-1] + 0.1):
        ask("sites", min_production=least)


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, (_, names) in reference.SORTS.items() for name in names],
)
def test_each_sort_with_ties_in_the_order_of_the_file(ask, records, kind, name, sign):
    assert ask(kind, order_by=sign + name) == len(records[kind])


FILTERS = {
    "licenses": {
        "province": "province",
        "commodity_type": "commodity_type",
        "license_type": "license_type",
        "activity": "activity",
        "company": "company_slug",
    },
    "auctions": {
        "province": "province",
        "commodity_type": "commodity_type",
        "area_type": "area_type",
        "status": "auction_status",
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


@pytest.mark.filterwarnings("ignore:.*no row has")
@pytest.mark.parametrize("kind", FILTERS)
def test_two_filters_together(ask, records, kind):
    dice = random.Random(2026)
    rows = [reference.row_of(kind, record) for record in records[kind]]
    sorts = reference.SORTS[kind][1]
    met = 0
    for one, other in itertools.combinations(FILTERS[kind].items(), 2):
        known = [row for row in rows if row[one[1]] is not None and row[other[1]] is not None]
        together, apart = dice.choice(known), dice.choice(known)
        for second in (together, apart):
            filters = {one[0]: together[one[1]], other[0]: second[other[1]]}
            order = dice.choice(("", "-")) + dice.choice(sorts)
            found = ask(kind, order_by=order, **filters)
            assert found or second is apart
            met += found
    assert met


def test_expiring_soon_with_each_other_filter(ask, records):
    due = reference.answer("licenses", records["licenses"], {"expiring_soon": True}, TODAY)
    for name, field in FILTERS["licenses"].items():
        for value in values(due, field)[:3]:
            assert ask("licenses", expiring_soon=True, **{name: value})


@pytest.mark.parametrize("most", [1, 29, 30, 31, 60, 3277, 3278, 3279])
def test_the_first_rows(client, records, most):
    before = client.sandbox.billed
    frame = sectorsdf.get_mining_licenses(max_rows=most, client=client)
    due = reference.answer("licenses", records["licenses"], {"max_rows": most})
    reference.check(frame, [reference.license_row(record) for record in due], reference.LICENSES)
    facts = frame.attrs["sectorsdf"]
    assert facts["complete"] is (most >= 3278)
    assert facts["max_rows"] == most
    assert facts["credits"] == client.sandbox.billed - before == -(-min(most, 3278) // 30)


@pytest.mark.parametrize("kind", GETTERS)
def test_a_server_with_smaller_pages_still_gives_everything(real_data, records, kind):
    with sectorsdf.sandbox.running(data=real_data, faults=Faults(page_limit=7)) as client:
        frame = GETTERS[kind](client=client)
        billed = client.sandbox.billed
    due = [reference.row_of(kind, record) for record in reference.answer(kind, records[kind], {})]
    reference.check(frame, due, reference.LISTS[kind])
    assert frame.attrs["sectorsdf"]["credits"] == billed == -(-len(due) // 7)


def test_real_records_survive_parquet(client, tmp_path):
    frame = sectorsdf.get_mining_licenses(client=client)
    path = sectorsdf.write_parquet(frame, tmp_path / "licences.parquet")
    reference.check_same(sectorsdf.read_parquet(path), frame)
