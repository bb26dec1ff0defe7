"""The Parquet cache: one file a question, the same frame again, nothing that is not trusted."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sectorsdf
from sectorsdf import mining as m
from sectorsdf.cache import keys as labels
from sectorsdf.cache import store as shelf
from sectorsdf.client.call_config import CallConfig

FACTS = "sectorsdf"


def same(left, right):
    """Assert that two frames are one, but for where they come from."""
    pd.testing.assert_frame_equal(left, right)
    facts = [
        {k: v for k, v in frame.attrs[FACTS].items() if k != "from_cache"}
        for frame in (left, right)
    ]
    assert facts[0] == facts[1]


def files(folder):
    return sorted(path for path in Path(folder).rglob("*.parquet"))


@pytest.fixture
def cached(serve, tmp_path):
    """A client that caches in a folder of the test's own, as `folder`."""
    client = serve(cache=tmp_path / "frames")
    client.folder = tmp_path / "frames"
    return client


CALLS = {
    "licenses": lambda c, **o: m.get_mining_licenses(client=c, **o),
    "coal": lambda c, **o: m.get_mining_licenses(client=c, commodity_type="Coal", **o),
    "first": lambda c, **o: m.get_mining_licenses(client=c, max_rows=45, **o),
    "none": lambda c, **o: m.get_mining_licenses(
        client=c, commodity_type="Tin", license_type="KK", **o
    ),
    "auctions": lambda c, **o: m.get_mining_license_auctions(client=c, area_type="WIUP", **o),
    "participant": lambda c, **o: m.get_mining_license_auctions(client=c, participant="pt", **o),
    "sites": lambda c, **o: m.get_mining_sites(client=c, **o),
    "details": lambda c, **o: m.get_mining_sites(client=c, details=True, **o),
    "site": lambda c, **o: m.get_mining_site("contoh-utara-1", client=c, missing="skip", **o),
    "resources": lambda c, **o: m.get_mining_site_resources(client=c, **o),
}


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
@pytest.mark.parametrize("name", CALLS)
def test_the_same_frame_from_the_network_and_from_the_cache(name, cached):
    call = CALLS[name]
    first = call(cached)
    assert first.attrs[FACTS]["from_cache"] is False
    spent = cached.spent
    assert spent > 0
    cached.forget()
    again = call(cached)
    same(first, again)
    kept = again.attrs[FACTS]["from_cache"]
    assert kept["credits"] == 0
    assert kept.get("age_seconds", 0) >= 0
    assert cached.spent == spent
    json.dumps(again.attrs)


def test_one_record_is_paid_once_whoever_asks_for_it(cached):
    code = m.get_mining_license_auctions(client=cached)["wiup_code"].iloc[0]
    before = cached.spent
    m.get_mining_license_auction(code, client=cached)
    for getter in (m.get_mining_license_auction_phases, m.get_mining_license_auction_participants):
        cached.forget()
        frame = getter(code, client=cached)
        assert frame.attrs[FACTS]["from_cache"]["records"] == 1
    assert cached.spent == before + 1


def test_what_the_api_does_not_know_is_not_asked_again(cached):
    for _ in range(2):
        with pytest.raises(sectorsdf.NotFoundError):
            m.get_mining_site("no-such-site", client=cached)
        cached.forget()
    assert cached.spent == 1


def test_only_the_records_that_are_not_here_are_asked_for(cached):
    slugs = list(dict.fromkeys(m.get_mining_sites(client=cached)["slug"]))[:4]
    m.get_mining_site(slugs[:2], client=cached, missing="skip")
    cached.forget()
    before = cached.spent
    frame = m.get_mining_site(slugs, client=cached, missing="skip")
    assert cached.spent == before + 2
    facts = frame.attrs[FACTS]
    assert facts["from_cache"]["records"] == 2
    assert (facts["credits"], facts["from_cache"]["credits"]) == (4, 2)
    known = [slug for slug in slugs if slug not in facts["not_found"]]
    assert frame["slug"].tolist() == known


def test_no_address_is_kept(serve, tmp_path):
    client = serve(cache=tmp_path)
    code = m.get_mining_license_auctions(client=client)["wiup_code"].iloc[0]
    told = m.get_mining_license_auction_participants(code, include_emails=True, client=client)
    assert told["email"].str.contains("@").any()
    assert not list(tmp_path.glob("mining_license_auction/*"))
    m.get_mining_license_auction_participants(code, client=client)
    (file,) = tmp_path.glob("mining_license_auction/*/*.parquet")
    (text,) = pq.read_table(file, partitioning=None).column("record_json").to_pylist()
    assert "qualification_result" in text
    assert "@" not in text
    with pytest.raises(sectorsdf.ConfigurationError, match="e-mail"):
        m.get_mining_license_auction_participants(
            code, include_emails=True, client=client, offline=True
        )


# Names, layout, readers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"commodity_type": "coal"}, {"commodity_type": "COAL"}),
        (
            {"province": "Aceh", "license_type": "IUP"},
            {"license_type": "iup", "province": "Aceh"},
        ),
        ({"order_by": "license_expiry_date"}, {}),
        ({"expiring_soon": False}, {}),
        ({"cnc": "cnc-1"}, {"cnc": "CNC-1"}),
        ({"max_rows": 100_000}, {}),
    ],
)
def test_all_spellings_of_a_question_share_one_file(one, other, cached):
    m.get_mining_licenses(client=cached, **one)
    spent = cached.spent
    frame = m.get_mining_licenses(client=cached, **other)
    assert cached.spent == spent
    assert frame.attrs[FACTS]["from_cache"]["selected"] is False
    assert frame.attrs[FACTS]["filters"] == {k: v for k, v in other.items() if k != "max_rows"}
    assert len(files(cached.folder)) == 1


def test_the_layout_can_be_read_by_people_and_by_any_reader(cached):
    frame = m.get_mining_licenses(client=cached, province="Kalimantan Timur", commodity_type="Coal")
    (file,) = files(cached.folder)
    parent = file.relative_to(cached.folder).parent.as_posix()
    assert parent == "mining_licenses/province=Kalimantan Timur,commodity_type=Coal"
    name = r"\d{8}T\d{6}\.\d{3}Z-127\.0\.0\.1%3A\d+-[0-9a-f]{8}-[0-9a-f]{16}\.parquet"
    assert re.fullmatch(name, file.name)
    schema = pq.read_schema(file)
    assert schema.field("license_expiry_date").type == "date32[day]"
    told = json.loads(schema.metadata[b"sectorsdf"])
    assert told["query"] == {"province": "Kalimantan Timur", "commodity_type": "Coal"}
    facts = json.loads(schema.metadata[b"PANDAS_ATTRS"])[FACTS]
    assert facts["certificate"]["complete"] is True
    assert len(pd.read_parquet(file)) == len(frame)
    same(sectorsdf.read_parquet(file), frame)
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"select count(*), max(wiup_code) from '{file}'").limit(1).fetchall()
    assert found == [(len(frame), frame["wiup_code"].max())]
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(file)["wiup_code"].to_list() == frame["wiup_code"].tolist()


AWKWARD = 'a/b\\c:d*e?f"g<h>i|j,k=l%m\n n.'


@pytest.mark.filterwarnings("ignore:.*no row has status")
def test_a_folder_has_no_character_that_some_system_refuses(serve, tmp_path):
    client = serve(cache=tmp_path)
    for text in (AWKWARD, "x" * 400, "x" * 401, "CON", "été", "."):
        frame = m.get_mining_license_auctions(client=client, status=text)
        assert frame.empty
        spent = client.spent
        same(frame, m.get_mining_license_auctions(client=client, status=text))
        assert client.spent == spent
    folders = [path.name for path in (tmp_path / "mining_license_auctions").iterdir()]
    assert len(folders) == 6
    for name in folders:
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
        assert len(name) < 200
        assert name.isascii()
        assert not name.endswith((" ", "."))


def test_two_values_that_differ_in_case_are_two_questions(cached):
    name = m.get_mining_licenses(client=cached)["province"].dropna().iloc[0]
    assert not m.get_mining_licenses(client=cached, province=name).empty
    # The API refuses it, and so it has to be asked.
    with pytest.raises(sectorsdf.BadRequestError):
        m.get_mining_licenses(client=cached, province=name.lower(), validate=False)


def test_folders_that_a_system_takes_for_one_are_told_apart(tmp_path):
    """As on systems on which upper and lower case are the same folder."""
    from sectorsdf.datasets.licenses import MINING_LICENSES

    one = labels.CacheKey.of(MINING_LICENSES, {"province": "Aceh"}, None)
    other = labels.CacheKey.of(MINING_LICENSES, {"province": "aceh"}, None)
    names = [labels.folder_name(question.parts()) for question in (one, other)]
    assert names[0].casefold() == names[1].casefold()
    assert labels.schema_tag(MINING_LICENSES, names[0]) != labels.schema_tag(
        MINING_LICENSES, names[1]
    )


def test_hosts_do_not_answer_for_each_other(serve, tmp_path):
    one, other = serve(cache=tmp_path), serve(cache=tmp_path)
    m.get_mining_license_auctions(client=one)
    frame = m.get_mining_license_auctions(client=other)
    assert other.spent == 1
    assert frame.attrs[FACTS]["from_cache"] is False


def test_nothing_of_the_key_is_in_names_or_contents(cached):
    from sectorsdf.sandbox import DEFAULT_KEY

    m.get_mining_licenses(client=cached)
    with pytest.raises(sectorsdf.NotFoundError):
        m.get_mining_license_auction("1", client=cached)
    for path in cached.folder.rglob("*"):
        assert DEFAULT_KEY not in str(path)
        if path.is_file():
            assert DEFAULT_KEY.encode() not in path.read_bytes()


# Age


def test_what_is_too_old_is_fetched_again_and_replaced(cached, monkeypatch):
    first = m.get_mining_license_auctions(client=cached)
    later(monkeypatch, timedelta(hours=37))
    aged = m.get_mining_license_auctions(client=cached)
    assert aged.attrs[FACTS]["from_cache"]["age_seconds"] >= 37 * 3600
    assert cached.spent == 1
    fresh = m.get_mining_license_auctions(client=cached, max_age="36h")
    assert fresh.attrs[FACTS]["from_cache"] is False
    assert cached.spent == 2
    pd.testing.assert_frame_equal(first, fresh)
    assert len(files(cached.folder)) == 1


def later(monkeypatch, by):
    """Let the clock of names and ages go on."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + by

    monkeypatch.setattr(labels, "datetime", Clock)


def test_a_clock_that_was_set_back(cached, monkeypatch):
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 2 * 86_400)
        m.get_mining_license_auctions(client=cached)
    kept = m.get_mining_license_auctions(client=cached, offline=True)
    assert kept.attrs[FACTS]["from_cache"]["age_seconds"] < -86_000
    assert m.get_mining_license_auctions(client=cached).attrs[FACTS]["from_cache"] is False
    assert m.get_mining_license_auctions(client=cached).attrs[FACTS]["from_cache"]
    assert cached.spent == 2
    assert len(files(cached.folder)) == 1


def test_refresh_asks_and_keeps(cached):
    m.get_mining_site("contoh-utara-1", client=cached, missing="skip")
    m.get_mining_license_auctions(client=cached)
    assert cached.spent == 2
    m.get_mining_site("contoh-utara-1", client=cached, missing="skip", refresh=True)
    m.get_mining_license_auctions(client=cached, refresh=True)
    assert cached.spent == 4
    assert len(files(cached.folder)) == 2


def test_a_list_of_what_expires_soon_holds_for_a_day(serve, tmp_path, monkeypatch):
    # The server counts from today, as the API does.
    cached = serve(cache=tmp_path, server={"licenses": 300, "auctions": 1, "sites": 1})
    m.get_mining_licenses(client=cached, expiring_soon=True)
    spent = cached.spent
    m.get_mining_licenses(client=cached, expiring_soon=True)
    assert cached.spent == spent
    tomorrow = shelf.today() + timedelta(days=1)
    monkeypatch.setattr(shelf, "today", lambda moment=None: shelf_today(moment, tomorrow))
    m.get_mining_licenses(client=cached, expiring_soon=True)
    assert cached.spent == 2 * spent


def shelf_today(moment, tomorrow):
    from sectorsdf.cache.filtering import today

    return tomorrow if moment is None else today(moment)


@pytest.mark.parametrize("wrong", [5, 3.5, "soon", "-1h", True, timedelta(-1), pd.NaT])
def test_an_age_that_is_none(wrong, cached):
    with pytest.raises(sectorsdf.ConfigurationError, match="36h"):
        m.get_mining_license_auctions(client=cached, max_age=wrong)
    assert cached.spent == 0


# Offline


def test_offline_never_asks(cached, monkeypatch):
    with pytest.raises(sectorsdf.NotCachedError, match="it has nothing") as caught:
        m.get_mining_licenses(client=cached, offline=True)
    assert caught.value.available == []
    m.get_mining_licenses(client=cached, commodity_type="Coal")
    spent, asked = cached.spent, len(cached.sandbox.requests)
    later(monkeypatch, timedelta(days=400))
    frame = m.get_mining_licenses(client=cached, commodity_type="Coal", offline=True)
    assert frame.attrs[FACTS]["from_cache"]["age_seconds"] > 399 * 86_400
    with pytest.raises(sectorsdf.NotCachedError, match="commodity_type=Coal") as caught:
        m.get_mining_licenses(client=cached, province="Aceh", offline=True)
    assert caught.value.available == ["commodity_type=Coal"]
    with pytest.raises(sectorsdf.NotCachedError, match="slug somewhere"):
        m.get_mining_site("somewhere", client=cached, offline=True)
    assert (cached.spent, len(cached.sandbox.requests)) == (spent, asked)
    with pytest.raises(sectorsdf.ConfigurationError, match="one of them"):
        m.get_mining_licenses(client=cached, offline=True, refresh=True)


def test_the_error_tells_the_results_of_another_host_apart(serve, tmp_path):
    here, there = serve(), serve()
    m.get_mining_license_auctions(client=there, cache=tmp_path)
    with pytest.raises(sectorsdf.NotCachedError, match="it has nothing") as caught:
        m.get_mining_license_auctions(client=here, cache=tmp_path, offline=True)
    host = there.base_url.removeprefix("http://")
    assert f"some from another host ({host})" in str(caught.value)
    assert caught.value.available == []


def test_offline_needs_no_key(serve, tmp_path, monkeypatch):
    client = serve()
    expected = m.get_mining_license_auctions(client=client, cache=tmp_path)
    monkeypatch.setenv("SECTORSDF_BASE_URL", client.base_url)
    same(expected, m.get_mining_license_auctions(cache=tmp_path, offline=True))
    same(expected, m.get_mining_license_auctions(cache=tmp_path))
    with pytest.raises(sectorsdf.MissingKeyError):
        m.get_mining_license_auctions(cache=tmp_path, refresh=True)
    with pytest.raises(sectorsdf.NotCachedError):
        m.get_mining_sites(offline=True)


# Where it is turned on


def test_a_plain_call_asks_and_keeps_nothing(serve, tmp_path):
    client = serve(cache_folder=tmp_path)
    for _ in range(2):
        m.get_mining_license_auctions(client=client)
    assert client.spent == 2
    assert not files(tmp_path)


def test_the_call_goes_before_the_client_the_options_and_the_environment(
    serve, tmp_path, monkeypatch
):
    places = {name: tmp_path / name for name in ("call", "client", "options", "environment")}

    def used(client, **options):
        m.get_mining_license_auctions(client=client, refresh=True, **options)
        found = [name for name, place in places.items() if files(place)]
        for file in files(tmp_path):
            file.unlink()
        return found

    plain, caching = serve(), serve(cache=places["client"])
    assert used(plain) == []
    monkeypatch.setenv("SECTORSDF_CACHE", str(places["environment"]))
    assert used(plain) == ["environment"]
    with sectorsdf.set_options(cache=places["options"]):
        assert used(plain) == ["options"]
        assert used(caching) == ["client"]
        assert used(caching, cache=places["call"]) == ["call"]
        assert used(caching, cache=False) == []
        with sectorsdf.set_options(cache=False):
            assert used(plain) == []
    assert used(plain) == ["environment"]


def test_true_is_the_clients_folder(serve, tmp_path, monkeypatch):
    client = serve(cache_folder=tmp_path / "home")
    monkeypatch.setenv("SECTORSDF_CACHE", "1")
    m.get_mining_license_auctions(client=client)
    assert len(files(tmp_path / "home" / "datasets" / "mining_license_auctions" / "all")) == 1


@pytest.mark.parametrize("wrong", [5, "", b"x", ["folder"]])
def test_a_place_that_is_none(wrong, cached):
    with pytest.raises(sectorsdf.ConfigurationError, match="give True, False, a folder"):
        m.get_mining_license_auctions(client=cached, cache=wrong)


@pytest.mark.parametrize(("word", "meant"), [("yes", True), ("Off", False)])
def test_a_word_is_no_folder(word, meant, cached):
    with pytest.raises(sectorsdf.ConfigurationError, match=f"give cache={meant}, or './{word}'"):
        m.get_mining_license_auctions(client=cached, cache=word)


def test_what_is_cleared_is_a_dataset(cached):
    with pytest.raises(sectorsdf.ConfigurationError, match="did you mean 'mining_licenses'"):
        sectorsdf.cache.clear("licences", cache=cached.folder)


def test_an_option_that_is_none():
    with pytest.raises(sectorsdf.ConfigurationError, match="unknown option"):
        sectorsdf.set_options(cash=True)
    with pytest.raises(sectorsdf.ConfigurationError, match="max_age"):
        sectorsdf.set_options(max_age="never", cache=True)
    assert sectorsdf.config.options.default_cache() is False


# What cannot be trusted


def damage(path, how):
    content = path.read_bytes()
    path.write_bytes(how(content))


@pytest.mark.parametrize(
    "how",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"something else entirely",
    ],
    ids=["empty", "half", "cut", "longer", "foreign"],
)
def test_a_damaged_file_is_set_aside_with_one_warning(how, cached):
    whole = m.get_mining_license_auctions(client=cached)
    (file,) = files(cached.folder)
    damage(file, how)
    with pytest.warns(sectorsdf.CacheWarning, match="It was renamed to") as caught:
        again = m.get_mining_license_auctions(client=cached)
    assert len(caught) == 1
    assert cached.spent == 2
    pd.testing.assert_frame_equal(whole, again)
    assert file.with_name(file.name + ".damaged").exists()
    assert m.get_mining_license_auctions(client=cached).attrs[FACTS]["from_cache"]


def test_a_flipped_bit_anywhere_is_seen(cached):
    """Each bit of the file's name and bytes counts, so that one in forty is tried."""
    whole = m.get_mining_license_auctions(client=cached)
    (file,) = files(cached.folder)
    content = file.read_bytes()
    cache = CallConfig.resolve(cached.context, {}).cache
    key = labels.CacheKey.of(sectorsdf.datasets.MINING_LICENSE_AUCTIONS, {}, None)
    wrong = []
    for place in range(0, len(content), 40):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        file.write_bytes(flipped)
        with pytest.warns(sectorsdf.CacheWarning):
            found = cache.get(key)
        if found is not None:
            wrong.append(place)
        file.with_name(file.name + ".damaged").unlink()
    assert wrong == []
    file.write_bytes(content)
    same(whole, m.get_mining_license_auctions(client=cached))


def test_a_whole_file_under_another_name_is_not_taken_for_what_the_name_says(cached):
    m.get_mining_licenses(client=cached, province="Aceh")
    (file,) = files(cached.folder)
    other = cached.folder / "mining_licenses" / "all" / file.name
    other.parent.mkdir()
    file.rename(other)
    frame = m.get_mining_licenses(client=cached)
    assert frame.attrs[FACTS]["from_cache"] is False
    # And with the mark that such a file would have.
    name = labels.schema_tag(sectorsdf.datasets.MINING_LICENSES, "all")
    parts = other.name.split("-")
    forged = other.with_name("-".join([*parts[:-2], name, parts[-1]]))
    for known in files(cached.folder):
        if known != other:
            known.unlink()
    other.rename(forged)
    with pytest.warns(sectorsdf.CacheWarning, match="not what its name says"):
        assert len(m.get_mining_licenses(client=cached)) == len(frame)


def test_two_versions_of_a_schema_lie_side_by_side(cached, monkeypatch):
    m.get_mining_license_auctions(client=cached)
    monkeypatch.setattr(labels, "LAYOUT", labels.LAYOUT + 1)
    m.get_mining_license_auctions(client=cached)
    assert len(files(cached.folder)) == 2
    m.get_mining_license_auctions(client=cached)
    assert cached.spent == 2
    monkeypatch.undo()
    m.get_mining_license_auctions(client=cached)
    assert cached.spent == 2


def test_what_lies_there_besides_is_left_alone(cached):
    folder = cached.folder / "mining_license_auctions" / "all"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "20260101T000000.000Z.parquet").write_text("mine")
    (cached.folder / "mining_license_auctions" / "stray.parquet").write_text("mine")
    m.get_mining_license_auctions(client=cached)
    m.get_mining_license_auctions(client=cached, refresh=True)
    assert (folder / "notes.txt").read_text() == "mine"
    assert cached.spent == 2
    assert sectorsdf.cache.clear(cache=cached.folder) == 1
    assert (folder / "20260101T000000.000Z.parquet").read_text() == "mine"


def test_a_folder_that_is_none(cached):
    cached.folder.write_text("a file, where the folder should be")
    with pytest.warns(sectorsdf.CacheWarning, match="cannot be cached"):
        frame = m.get_mining_license_auctions(client=cached)
    assert not frame.empty
    assert frame.attrs[FACTS]["complete"] is True


def test_what_does_not_fit_is_kept_and_told_again(serve, sample, tmp_path):
    record = {**sample["mining_licenses"][0], "licensed_area_ha": "wide"}
    client = serve({"mining_licenses": [record]}, cache=tmp_path)
    with pytest.warns(sectorsdf.DataWarning, match="wide"):
        first = m.get_mining_licenses(client=client)
    with pytest.warns(sectorsdf.DataWarning, match="wide"):
        same(first, m.get_mining_licenses(client=client))
    with pytest.raises(sectorsdf.DataError, match="wide") as caught:
        m.get_mining_licenses(client=client, strict=True)
    pd.testing.assert_frame_equal(caught.value.frame, first)
    assert client.spent == 1


def test_strict_keeps_what_it_refuses(serve, tmp_path):
    record = {"wiup_code": "1", "licensed_area_ha": "wide"}
    client = serve({"mining_licenses": [record]}, cache=tmp_path)
    for _ in range(2):
        with pytest.raises(sectorsdf.DataError, match="wide"):
            m.get_mining_licenses(client=client, strict=True)
    assert client.spent == 1


def test_what_is_not_complete_is_not_kept(serve, tmp_path):
    from sectorsdf.sandbox import Faults

    client = serve(cache=tmp_path, faults=Faults(unstable_order=True))
    with pytest.raises(sectorsdf.IncompleteSweepError):
        m.get_mining_sites(client=client, repair_credits=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        m.get_mining_sites(client=client, repair_credits=0, allow_partial=True)
    assert not files(tmp_path)


# Threads


def test_threads_that_ask_the_same_cause_one_sweep(cached):
    barrier = threading.Barrier(8)

    def fetch(_):
        barrier.wait()
        return m.get_mining_licenses(client=cached)

    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(fetch, range(8)))
    pages = frames[0].attrs[FACTS]["pages"]
    assert cached.spent == pages
    for frame in frames[1:]:
        same(frames[0], frame)


# Looking at it


def test_what_the_cache_holds(cached):
    assert sectorsdf.cache.info(cache=cached.folder).empty
    empty = sectorsdf.cache.info(cache=cached.folder).dtypes
    m.get_mining_licenses(client=cached, commodity_type="Coal")
    m.get_mining_licenses(client=cached, max_rows=30)
    m.get_mining_license_auctions(client=cached)
    found = sectorsdf.cache.info(cache=cached.folder)
    pd.testing.assert_series_equal(found.dtypes, empty)
    assert found["query"].tolist() == ["all", "commodity_type=Coal", "max_rows=30"]
    assert found["complete"].tolist() == [True, True, False]
    assert found["rows"].tolist()[0] == 14
    assert found["bytes"].tolist() == [
        (cached.folder / file).stat().st_size for file in found["file"]
    ]
    assert (found["age"] < pd.Timedelta(minutes=1)).all()
    assert ((datetime.now(UTC) - found["fetched_at"]) < pd.Timedelta(minutes=1)).all()
    damage(cached.folder / found["file"].iloc[0], lambda content: content[:-4])
    assert sectorsdf.cache.info(cache=cached.folder)["rows"].isna().tolist() == [True, False, False]
    clear = sectorsdf.cache.clear
    assert clear(cache=cached.folder, older_than="1d") == 0
    assert clear("mining_licenses", query="max_rows=30", cache=cached.folder) == 1
    assert clear("mining_licenses", cache=cached.folder) == 1
    assert clear(cache=cached.folder) == 1
    assert not files(cached.folder)


@pytest.mark.parametrize("value", ["soon", "3", -timedelta(days=1), 3, True])
def test_an_age_that_is_none_is_refused_under_the_argument_s_name(cached, value):
    with pytest.raises(sectorsdf.ConfigurationError, match=r"^older_than="):
        sectorsdf.cache.clear(cache=cached.folder, older_than=value)
    with pytest.raises(sectorsdf.ConfigurationError, match=r"^max_age="):
        m.get_mining_licenses(client=cached, max_age=value)


def test_where_the_cache_lies(tmp_path, monkeypatch):
    home = Path(os.environ["SECTORSDF_CACHE_DIR"])
    assert sectorsdf.cache.path() == str(home / "datasets")
    assert not home.exists()
    monkeypatch.setenv("SECTORSDF_CACHE", str(tmp_path / "x"))
    assert sectorsdf.cache.path() == str(tmp_path / "x")
    assert sectorsdf.cache.path(cache=f"file://{tmp_path}/y") == str(tmp_path / "y")


# Quotes


def test_a_quote_from_the_cache_costs_nothing(cached):
    m.get_mining_licenses(client=cached)
    spent = cached.spent
    quote = sectorsdf.quote(m.get_mining_licenses, client=cached, commodity_type="Coal")
    assert (quote.credits, quote.spent, quote.exact) == (0, 0, True)
    assert quote.rows == len(m.get_mining_licenses(client=cached, commodity_type="Coal"))
    assert cached.spent == spent
    again = sectorsdf.quote(m.get_mining_licenses, client=cached, refresh=True)
    assert again.credits == spent - 1


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_a_quote_counts_only_the_details_that_are_not_here(cached):
    listed = m.get_mining_sites(client=cached)
    slugs = listed["slug"].nunique()
    quote = sectorsdf.quote(m.get_mining_sites, details=True, client=cached)
    assert (quote.credits, quote.exact, quote.spent) == (slugs, True, 0)
    m.get_mining_site(listed["slug"].iloc[0], client=cached, missing="skip")
    cached.forget()
    assert sectorsdf.quote(m.get_mining_sites, details=True, client=cached).credits == slugs - 1
    m.get_mining_sites(details=True, client=cached)
    cached.forget()
    assert sectorsdf.quote(m.get_mining_sites, details=True, client=cached).credits == 0
