"""What was paid for stays until its question is answered, and no longer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from support.billing_api import Api, licence, site

import sectorsdf
from sectorsdf.cache import append_file

CALL = sectorsdf.get_mining_licenses
PAGES = 6  # of 170 licences


@pytest.fixture
def api():
    with Api(licenses=170, sites=[site(number) for number in range(30)]) as api:
        yield api


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def interrupt(api, after, call, **options):
    """Make a call whose server refuses everything after so many credits."""
    api.refuse_after(after)
    with pytest.raises(sectorsdf.BadRequestError, match="are kept"):
        call(**options)
    api.recover()
    return api.billed


# A power cut


class Disk:
    """A disk that keeps of each file what was flushed."""

    def __init__(self):
        self.kept = {}

    def flush(self, number):
        state = os.fstat(number)
        self.kept[state.st_ino] = state.st_size

    def copy(self, folder, target):
        """Copy a folder as it is after a power cut."""
        # The rate limit has a file of its own, which is being written meanwhile.
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("rates"))
        for file in filter(Path.is_file, folder.rglob("*")):
            if file.suffix in {".journal", ".page"}:
                kept = self.kept.get(file.stat().st_ino, 0)
                os.truncate(target / file.relative_to(folder), kept)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("kind", ["pages", "records"])
def test_a_power_cut_loses_the_last_page_at_most(api, home, tmp_path, monkeypatch, kind, workers):
    """Each page that a call has counted is on the disk before the call waits for another one."""
    disk, counted = Disk(), []
    monkeypatch.setattr(append_file, "flush", disk.flush)

    def cut(_, done, due):
        disk.copy(home, tmp_path / str(done))
        counted.append(done)

    def call(folder, **options):
        client = api.client(folder, workers=workers, **options)
        if kind == "pages":
            return CALL(client=client)
        return sectorsdf.get_mining_site(list(map("site-{}".format, range(6))), client=client)

    whole = call(home, on_progress=cut)
    assert counted == list(range(1, PAGES + 1))
    for done in counted:
        before = api.billed
        pd.testing.assert_frame_equal(call(tmp_path / str(done)), whole)
        assert api.billed - before <= PAGES - (done - 1)


# Lists


def test_a_look_at_the_first_rows_loses_no_paid_page(api, home):
    interrupt(api, 4, CALL, client=api.client(home))
    assert len(CALL(client=api.client(home), max_rows=5)) == 5
    assert len(CALL(client=api.client(home), max_rows=35, resume=False)) == 35
    assert api.billed == 4 + 2
    assert len(CALL(client=api.client(home))) == 170
    assert api.billed == PAGES + 2


def test_a_smaller_look_loses_no_page_of_a_larger_one(api, home):
    interrupt(api, 3, CALL, client=api.client(home), max_rows=110)
    CALL(client=api.client(home), max_rows=31)
    assert len(CALL(client=api.client(home), max_rows=110)) == 110
    assert api.billed == 4
    # It was answered, so that the same call asks again.
    CALL(client=api.client(home), max_rows=110)
    assert api.billed == 8


@pytest.mark.parametrize("rows", [None, 5, 170, 999])
def test_a_call_that_was_answered_leaves_nothing_to_the_next(api, home, rows):
    for _ in range(2):
        CALL(client=api.client(home), max_rows=rows)
    assert api.billed == 2 * (1 if rows == 5 else PAGES)
    assert set(api.bills.values()) == {2}


@pytest.mark.parametrize("rows", [None, 40])
def test_the_page_of_a_quote_is_used_once(api, home, rows):
    quoted = sectorsdf.quote(CALL, client=api.client(home), max_rows=rows)
    assert quoted.spent == 1
    for _ in range(2):
        CALL(client=api.client(home), max_rows=rows)
    pages = PAGES if rows is None else 2
    assert api.billed == 2 * pages


def test_all_rows_asked_for_by_number_are_the_whole_list(api, home):
    interrupt(api, 4, CALL, client=api.client(home))
    CALL(client=api.client(home), max_rows=170)
    assert api.billed == PAGES
    CALL(client=api.client(home))
    assert api.billed == 2 * PAGES


SPELLINGS = [
    ("licenses", {}, {"order_by": "license_expiry_date"}),
    ("licenses", {}, {"expiring_soon": False}),
    ("licenses", {"license_type": "iup"}, {"license_type": "IUP"}),
    ("licenses", {"cnc": "cnc"}, {"cnc": "CNC"}),
    ("licenses", {"commodity_type": "COAL", "province": "Aceh"}, {"commodity_type": "Coal"}),
    ("sites", {"min_production": 0}, {"min_production": 0.0}),
    ("sites", {"order_by": "-year"}, {}),
]


@pytest.mark.parametrize(("name", "one", "other"), SPELLINGS)
@pytest.mark.parametrize("back", [False, True])
def test_all_spellings_of_a_question_share_its_pages(home, name, one, other, back):
    if "province" in one:
        other = {**other, "province": one["province"]}
    if back:
        one, other = other, one
    getter = getattr(sectorsdf, f"get_mining_{name}")
    with Api(licenses=100, sites=100) as api:
        interrupt(api, 2, getter, client=api.client(home), **one)
        assert len(getter(client=api.client(home), **other)) == 100
        assert api.billed == 4
        getter(client=api.client(home), **one)
        assert api.billed == 8


def test_equal_calls_that_failed_at_the_same_time_share_what_they_paid(api, home):
    """Each has a journal of its own; the next call needs both."""
    from sectorsdf.client.list_call import ListCall
    from sectorsdf.mining.fetch import list_query

    arguments = {"validate": True, "max_rows": None, "strict": False}
    calls = []
    for pages in ((0, 1), (2, 3)):
        context = api.client(home).context
        query = list_query(context, sectorsdf.datasets.MINING_LICENSES, arguments)
        call = ListCall(context, query)
        for page in pages:
            call.fetch_page(call.first_page._replace(offset=30 * page))
        calls.append(call)
    for call in calls:
        call.entry.close()
    assert api.billed == 4
    assert len(CALL(client=api.client(home))) == 170
    assert api.billed == PAGES
    CALL(client=api.client(home))
    assert api.billed == 2 * PAGES


# Asking anew


def test_refresh_takes_no_page_of_a_call_that_did_not_ask_anew(api, home):
    interrupt(api, 4, CALL, client=api.client(home))
    api.rows["licenses"] = [licence(number, company_name="PT New") for number in range(170)]
    frame = CALL(client=api.client(home), refresh=True)
    assert set(frame["company_name"]) == {"PT New"}
    assert api.billed == 4 + PAGES
    # The old pages are of the question that was answered.
    CALL(client=api.client(home))
    assert api.billed == 4 + 2 * PAGES


def test_a_refresh_that_was_interrupted_goes_on(api, home):
    interrupt(api, 4, CALL, client=api.client(home), refresh=True)
    CALL(client=api.client(home), refresh=True)
    assert api.billed == PAGES


@pytest.mark.parametrize("refresh", [False, True])
def test_pages_older_than_max_age_are_not_used(api, home, refresh):
    interrupt(api, 4, CALL, client=api.client(home), refresh=refresh)
    CALL(client=api.client(home), refresh=refresh, max_age="0s")
    assert api.billed == 4 + PAGES


def test_max_age_of_the_client_and_of_the_options_bind_too(api, home):
    interrupt(api, 4, CALL, client=api.client(home))
    CALL(client=api.client(home, max_age="0s"), max_rows=31)
    assert api.billed == 6
    with sectorsdf.set_options(max_age="0s"):
        CALL(client=api.client(home), max_rows=31)
    assert api.billed == 8
    CALL(client=api.client(home))
    assert api.billed == 8 + 2


# Addressed records

SLUGS = [f"site-{number}" for number in range(20)]


def sites(api, home, slugs, **options):
    client = {name: options.pop(name) for name in ("cache", "max_age") if name in options}
    return sectorsdf.get_mining_site(slugs, client=api.client(home, **client), **options)


def stop_after(api, home, count, slugs=SLUGS, **options):
    interrupt(api, count, lambda: sites(api, home, slugs, **options))


@pytest.mark.parametrize("cache", [False, True])
def test_one_record_asked_for_in_between_loses_no_other(api, home, cache):
    stop_after(api, home, 15, cache=cache)
    assert len(sites(api, home, "site-3", cache=cache)) == 1
    assert len(sites(api, home, [*SLUGS[:3], "site-17"], cache=cache)) == 4
    frame = sites(api, home, SLUGS, cache=cache)
    assert frame["slug"].tolist() == SLUGS
    # Of the call for four, one record was paid for by itself, and was answered.
    assert api.billed == (20 if cache else 21)
    sites(api, home, SLUGS, cache=cache)
    assert api.billed == (20 if cache else 41)


def test_an_overlapping_call_uses_what_was_paid_and_keeps_it(api, home):
    stop_after(api, home, 15)
    other = [f"site-{number}" for number in range(10, 30)]
    assert len(sites(api, home, other)) == 20
    assert api.billed == 15 + 15
    assert len(sites(api, home, SLUGS)) == 20
    assert api.billed == 30 + 5


def test_a_record_asked_for_anew_is_kept_for_the_others(api, home):
    stop_after(api, home, 15)
    for count in (16, 17):
        sites(api, home, "site-3", refresh=True)
        assert api.billed == count
    sites(api, home, SLUGS)
    assert api.billed == 17 + 5
    sites(api, home, "site-3")
    assert api.billed == 23


def test_a_record_that_two_calls_have_paid_for_is_kept_for_both(api, home):
    stop_after(api, home, 1)
    other = ["site-0", "site-25"]
    stop_after(api, home, 1, other, refresh=True)
    assert len(sites(api, home, other, refresh=True)) == 2
    assert api.billed == 1 + 2
    assert len(sites(api, home, SLUGS)) == 20
    assert api.billed == 1 + 2 + 19
    sites(api, home, "site-0")
    assert api.billed == 1 + 2 + 19 + 1


def test_a_younger_answer_is_kept_for_an_unfinished_call(api, home):
    stop_after(api, home, 15)
    api.rows["sites"][3] = site(3, company_name="PT New")
    sites(api, home, "site-3", refresh=True)
    frame = sites(api, home, SLUGS)
    assert frame["company_name"].tolist() == ["PT A"] * 3 + ["PT New"] + ["PT A"] * 16
    assert api.billed == 15 + 1 + 5


def test_a_wider_call_answers_the_narrower_question_too(api, home):
    stop_after(api, home, 15)
    wider = [f"site-{number}" for number in range(25)]
    sites(api, home, wider)
    assert api.billed == 25
    sites(api, home, SLUGS)
    assert api.billed == 45


@pytest.mark.parametrize("again", ["plain", "refresh", "old", "afresh"])
def test_which_records_of_an_interrupted_call_are_used(api, home, again):
    stop_after(api, home, 15)
    options = {"refresh": {"refresh": True}, "old": {"max_age": "0s"}, "afresh": {"resume": False}}
    sites(api, home, SLUGS, **options.get(again, {}))
    assert api.billed == (20 if again == "plain" else 35)
    sites(api, home, SLUGS)
    assert api.billed == (40 if again == "plain" else 55)


def test_a_refresh_of_records_that_was_interrupted_goes_on(api, home):
    stop_after(api, home, 15, refresh=True)
    sites(api, home, SLUGS, refresh=True)
    assert api.billed == 20


def test_phases_find_what_participants_have_paid_for(home):
    codes = [f"{9100000000000000 + number}" for number in range(4)]
    with Api(auctions=4) as api:
        interrupt(
            api,
            3,
            sectorsdf.get_mining_license_auction_participants,
            wiup_code=codes,
            client=api.client(home),
        )
        sectorsdf.get_mining_license_auction_phases(codes, client=api.client(home))
        assert api.billed == 4


def test_a_quote_of_records_counts_what_is_paid(api, home):
    stop_after(api, home, 15)
    quoted = sectorsdf.quote(sectorsdf.get_mining_site, SLUGS, client=api.client(home))
    assert (quoted.credits, quoted.spent) == (5, 0)
    anew = sectorsdf.quote(sectorsdf.get_mining_site, SLUGS, client=api.client(home), refresh=True)
    assert anew.credits == 20
    client = api.client(home)
    sectorsdf.get_mining_site(SLUGS, client=client)
    assert sectorsdf.quote(sectorsdf.get_mining_site, SLUGS, client=client).credits == 0
    refreshed = sectorsdf.quote(sectorsdf.get_mining_site, SLUGS, client=client, refresh=True)
    assert refreshed.credits == 20


# Errors after everything was paid


def test_records_that_do_not_fit_are_kept_until_the_caller_has_them(home):
    with Api(sites=[site(0), site(1, production_volume="much")]) as api:
        with pytest.raises(sectorsdf.DataError):
            sites(api, home, ["site-0", "site-1"], strict=True)
        with pytest.warns(sectorsdf.DataWarning, match="much"):
            sites(api, home, ["site-0", "site-1"])
        assert api.billed == 2


def test_records_are_kept_if_one_is_not_known(api, home):
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        sites(api, home, ["site-0", "nowhere"])
    assert "are kept" not in str(caught.value)
    with pytest.warns(sectorsdf.DataWarning, match="nowhere"):
        sites(api, home, ["site-0", "nowhere"], missing="skip")
    assert api.billed == 2


@pytest.mark.parametrize("getter", ["get_mining_sites", "get_mining_site_resources"])
def test_list_and_details_are_kept_if_the_details_do_not_fit(home, getter):
    strange = {"measurement_year": 2024, "strange_thing": 5}
    bad = site(1, resources_reserves=strange, overburden_removal_volume="much")
    details = {"details": True} if getter == "get_mining_sites" else {}
    with Api(sites=[site(0), bad]) as api:
        call = getattr(sectorsdf, getter)
        with pytest.raises(sectorsdf.DataError):
            call(client=api.client(home), strict=True, **details)
        with pytest.warns(sectorsdf.DataWarning):
            call(client=api.client(home), **details)
        assert api.billed == 3


# What a client remembers


def test_refresh_reaches_what_the_client_remembers(api, home):
    client = api.client(home)
    sectorsdf.get_mining_sites(details=True, client=client)
    assert api.billed == 1 + 30
    sectorsdf.get_mining_sites(details=True, client=client)
    assert api.billed == 1 + 30 + 1
    sectorsdf.get_mining_sites(details=True, client=client, refresh=True)
    assert api.billed == 1 + 30 + 1 + 31
    sectorsdf.get_mining_site_resources(client=client, refresh=True)
    assert api.billed == 1 + 30 + 1 + 31 + 31


def test_max_age_binds_what_the_client_remembers(api, home):
    client = api.client(home)
    for _ in range(2):
        sectorsdf.get_mining_site("site-1", client=client, max_age="0s")
    assert api.billed == 2


def test_a_record_is_as_old_as_its_answer(api, home, monkeypatch):
    from datetime import UTC, datetime, timedelta

    client = api.client(home)
    first = sectorsdf.get_mining_site("site-1", client=client).attrs["sectorsdf"]["fetched_at"]
    stop_after(api, home, 2, ["site-2", "site-3", "site-4"])
    begun = datetime.now(UTC)
    both = sectorsdf.get_mining_site(["site-1", "site-2"], client=client, cache=True)
    assert both.attrs["sectorsdf"]["fetched_at"] == first
    assert api.billed == 3
    cached = sectorsdf.get_mining_site("site-2", client=client, cache=True, offline=True)
    when = datetime.fromisoformat(cached.attrs["sectorsdf"]["fetched_at"])
    assert datetime.fromisoformat(first) < when <= begun + timedelta(milliseconds=1)
