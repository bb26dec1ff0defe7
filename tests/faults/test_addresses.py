"""People's e-mail addresses: recognised as such, reported, and kept nowhere for long."""

from __future__ import annotations

import json
import time

import pytest
from support.billing_api import Api, auction, site

import sectorsdf
from sectorsdf.cache import page_file, record_journal
from sectorsdf.frames.addresses import LEFT_OUT, without_emails

ADDRESS = "ibu.sari@example.id"
CODES = [f"{9100000000000000 + number}" for number in range(4)]
FACTS = "sectorsdf"


@pytest.fixture
def api():
    people = [("PT Satu", ADDRESS), ("PT Dua", None), ("PT Tiga", "pak budi at example")]
    with Api(auctions=[auction(number, *people) for number in range(4)]) as api:
        yield api


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def interrupt(api, home, after=2, getter=sectorsdf.get_mining_license_auction, **options):
    api.refuse_after(after)
    with pytest.raises(sectorsdf.BadRequestError):
        getter(CODES, client=api.client(home), **options)
    api.recover()


def files_with(folder, *texts):
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
    ]


PRIVATE = (ADDRESS, "pak budi")


@pytest.mark.parametrize(
    "getter",
    [
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ],
)
@pytest.mark.parametrize("cache", [False, True])
def test_addresses_that_were_not_asked_for_never_reach_the_disk(api, home, getter, cache):
    interrupt(api, home, getter=getter, cache=cache)
    assert files_with(home, "PT Satu")
    assert not files_with(home, *PRIVATE)
    frame = getter(CODES, client=api.client(home), cache=cache)
    assert not frame.empty or getter is sectorsdf.get_mining_license_auction_phases
    assert api.billed == 4
    assert not files_with(home, *PRIVATE)


def test_a_record_that_was_kept_without_addresses_does_not_answer_for_them(api, home):
    participants = sectorsdf.get_mining_license_auction_participants
    interrupt(api, home)
    frame = participants(CODES, include_emails=True, client=api.client(home))
    assert frame["email"].dropna().unique().tolist() == [ADDRESS, "pak budi at example"]
    assert api.billed == 2 + 4
    assert not files_with(home, *PRIVATE)


def test_a_record_that_is_remembered_without_addresses_does_not_answer_for_them(api, home):
    participants = sectorsdf.get_mining_license_auction_participants
    interrupt(api, home)
    client = api.client(home)
    participants(CODES[0], client=client)
    quoted = sectorsdf.quote(participants, CODES[0], include_emails=True, client=client)
    assert (quoted.credits, api.billed) == (1, 2)
    for _ in range(2):
        frame = participants(CODES[0], include_emails=True, client=client)
        assert set(frame["email"].dropna()) == {ADDRESS, "pak budi at example"}
        assert api.billed == 3


def test_an_answer_without_addresses_loses_none_that_was_paid_for(api, home):
    participants = sectorsdf.get_mining_license_auction_participants
    interrupt(api, home, getter=participants, include_emails=True)
    participants(CODES, refresh=True, client=api.client(home))
    assert api.billed == 2 + 4
    frame = participants(CODES, include_emails=True, client=api.client(home))
    assert set(frame["email"].dropna()) == {ADDRESS, "pak budi at example"}
    assert api.billed == 2 + 4 + 2
    assert not files_with(home, *PRIVATE)


def test_addresses_that_were_asked_for_are_kept_until_the_call_is_answered(api, home):
    participants = sectorsdf.get_mining_license_auction_participants
    interrupt(api, home, getter=participants, include_emails=True)
    assert files_with(home, ADDRESS)
    # A call that does not ask for them uses the record, and shows none.
    frame = participants(CODES[0], client=api.client(home))
    assert "email" not in frame.columns
    frame = participants(CODES, include_emails=True, client=api.client(home))
    assert set(frame["email"].dropna()) == {ADDRESS, "pak budi at example"}
    assert api.billed == 4
    assert not files_with(home, *PRIVATE)


def other_record(api, home):
    sectorsdf.get_mining_license_auction(CODES[3], client=api.client(home))


def a_list(api, home):
    sectorsdf.get_mining_license_auctions(client=api.client(home))


def a_quote(api, home):
    sectorsdf.quote(sectorsdf.get_mining_license_auctions, client=api.client(home))


@pytest.mark.parametrize("opening", [other_record, a_list, a_quote])
def test_pages_that_are_too_old_go_with_the_next_call_of_any_kind(api, home, opening):
    interrupt(
        api,
        home,
        getter=sectorsdf.get_mining_license_auction_participants,
        include_emails=True,
        resume_within=0.05,
    )
    assert files_with(home, ADDRESS)
    time.sleep(0.06)
    opening(api, home)
    assert not files_with(home, ADDRESS)
    assert not list(home.glob("journal/records/*.page"))


@pytest.mark.parametrize("opening", [other_record, a_list])
def test_pages_of_other_processes_and_versions_go_too(api, home, opening, monkeypatch):
    """Of earlier versions, the records of a call are in one file, and none says how long."""
    name = page_file.name_of(["/v2/mining/license-auctions/1/"])
    folder = home / "journal" / "mining_license_auction-0123456789abcdef.0"
    folder.mkdir(parents=True)
    now = time.time()
    body = json.dumps({"email": ADDRESS}).encode()
    _, head = page_file.encode(name, body, {}, written=now)
    file = folder / "pages.journal"
    file.write_bytes(head + body)
    opening(api, home)
    assert files_with(home, ADDRESS) == [file]
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    opening(api, home)
    assert not files_with(home, ADDRESS)


def test_a_half_written_record_goes_too(api, home, monkeypatch):
    interrupt(api, home)
    part = home / "journal" / "records" / "0123.part"
    part.write_text(ADDRESS)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    monkeypatch.setattr(record_journal, "_looked", {})
    a_list(api, home)
    assert not list(home.glob("journal/records/*.part"))


def test_a_call_that_asks_for_older_pages_finds_them(api, home, monkeypatch):
    """It opens the list's entry first, which must not remove the records."""
    with Api(sites=4) as sites:
        sites.refuse_after(3)
        with pytest.raises(sectorsdf.BadRequestError):
            sectorsdf.get_mining_sites(details=True, client=sites.client(home))
        sites.recover()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 7200)
        monkeypatch.setattr(record_journal, "_looked", {})
        client = sites.client(home)
        sectorsdf.get_mining_sites(details=True, client=client, resume_within=10_000)
        assert sites.billed == 5


# What is an address

ADDRESSES = [
    ADDRESS,
    "a@b.co",
    "first.last+tag@sub.domain.example",
    '"ibu sari"@example.id',
    "sari@perusahaan-tambang.co.id",
    "ibu_sari@münchen.example",
    "sari\uff20example.id",
    "SARI@EXAMPLE.ID",
    "x" * 100 + "@example.id",
]
NAMES = [
    "Blok A@B",
    "Pit @2024/Q1@west",
    "@home",
    "price @ 5.50 USD",
    "A@1.5",
    "ten@2024.10",
    "at@",
    "@",
    "user@localhost",
    "5 @ mine.east",
    "(e-mail address left out)",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("around", ["{}", "of {}.", "<{}>", "mailto:{}?x", "a, {}; b", "[{}]"])
def test_what_is_an_address(address, around):
    assert without_emails(around.format(address)) == around.format(LEFT_OUT)
    assert without_emails({address: [address]}) == {LEFT_OUT: [LEFT_OUT]}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_none(name):
    assert without_emails(name) == name


def test_a_long_text_takes_no_time():
    begun = time.perf_counter()
    for text in ("x" * 50_000 + "@", "@" * 50_000, "a@" * 30_000, "a@b" + "-c" * 30_000):
        assert without_emails(text) == text
    without_emails("a@" + "b." * 30_000)
    assert time.perf_counter() - begun < 10


def test_what_was_left_out_is_reported_and_what_is_no_address_stays(home):
    rows = [
        site(0, name="Blok A@B", project_name="Pit @2024/Q1@west"),
        site(1, name=f"Pit of {ADDRESS}"),
    ]
    slugs = ["site-0", "site-1"]
    with Api(sites=rows) as api:
        assert sectorsdf.get_mining_site("site-0", client=api.client(home))["name"][0] == "Blok A@B"
        client = api.client(home, cache=True)
        for _ in range(2):
            with pytest.warns(sectorsdf.DataWarning, match="left out of 1 value") as warned:
                frame = sectorsdf.get_mining_site(slugs, client=client)
            assert len(warned) == 1
            assert "name at slug site-1" in str(warned[0].message)
            assert warned[0].filename == __file__
            assert frame["name"].tolist() == ["Blok A@B", f"Pit of {LEFT_OUT}"]
            (problem,) = frame.attrs[FACTS]["problems"]
            assert (problem["row"], problem["column"]) == (1, "name")
            assert problem["key"]["slug"] == "site-1"
            assert ADDRESS not in json.dumps(frame.attrs) + str(warned[0].message)
            client.forget()
        with pytest.raises(sectorsdf.DataError, match="left out"):
            sectorsdf.get_mining_site(slugs, client=client, strict=True)
        assert not files_with(home, ADDRESS)
        with pytest.warns(sectorsdf.DataWarning, match="mining_site: .*left out"):
            sectorsdf.get_mining_sites(details=True, client=client)


def test_the_figures_of_a_site_report_it_once(home):
    figures = {"measurement_year": 2024, "proven_reserves_Mt": 1.0, "probable_reserves_Mt": 2.0}
    with Api(sites=[site(0, name=f"of {ADDRESS}", resources_reserves=figures)]) as api:
        with pytest.warns(sectorsdf.DataWarning, match="left out of 1 value") as warned:
            frame = sectorsdf.get_mining_site_resources("site-0", client=api.client(home))
        assert len(warned) == 1
        assert set(frame["name"]) == {f"of {LEFT_OUT}"}
        assert [problem["column"] for problem in frame.attrs[FACTS]["problems"]] == ["name"]
