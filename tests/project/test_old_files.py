"""What an earlier version has left on disk is read: cache, journal, rate, ledger, Parquet.

The files are those of `tests/data/written_before`; see the README there. Only public names are used
here, so that modules may move.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest
from support.paths import ROOT

import sectorsdf

WRITTEN = ROOT / "tests" / "data" / "written_before"
EXPECTED = json.loads((WRITTEN / "expected.json").read_text(encoding="utf-8"))
ADDRESS = EXPECTED["address"]
CACHED = EXPECTED["cached"]
UNFINISHED = EXPECTED["unfinished"]
FACTS = "sectorsdf"
EVER = 1e12  # seconds for which a paid page may be used


def plain(frame):
    """Return a frame's dtypes and rows as JSON has them."""

    def cell(value):
        if pd.isna(value):
            return None
        return value.isoformat() if isinstance(value, pd.Timestamp) else value

    return {
        "dtypes": {name: str(kind) for name, kind in frame.dtypes.items()},
        "rows": [[*map(cell, row)] for row in frame.astype(object).itertuples(index=False)],
    }


def same(frame, expected):
    """Assert that a frame has the columns, dtypes and rows that it had when it was written."""
    found = plain(frame)
    assert [*found["dtypes"].items()] == [*expected["dtypes"].items()]
    assert found["rows"] == expected["rows"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's cache folder with the old files."""
    folder = tmp_path / "user_cache"
    shutil.copytree(WRITTEN / "user_cache", folder)
    long = folder / EXPECTED["long_name"]
    long.parent.mkdir()
    shutil.copyfile(WRITTEN / "long_name.parquet", long)
    monkeypatch.setenv("SECTORSDF_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def connect(home, requests_mock):
    """Make clients of that folder; whatever a test has not put into the mock fails at once."""

    def make(key=EXPECTED["key"], **options):
        once = sectorsdf.RetryPolicy(tries=1)
        return sectorsdf.Client(key, ADDRESS, cache_folder=home, retry=once, **options)

    return make


@pytest.fixture
def answer(requests_mock):
    """Let the API answer one request as it would have."""

    def register(told):
        query = f"?{urlencode(told['query'])}" if told["query"] else ""
        return requests_mock.get(
            f"{ADDRESS}{told['path']}{query}",
            complete_qs=True,
            status_code=told["status"],
            text=told["body"],
            headers={"X-Data-Source": told["source"]},
        )

    return register


def call(told, **options):
    return getattr(sectorsdf, told["getter"])(*told["args"], **told["kwargs"], **options)


@pytest.mark.parametrize("name", CACHED)
def test_a_kept_frame_comes_back_as_it_was(name, connect, requests_mock):
    client = connect(cache=True)
    frame = call(CACHED[name], client=client, offline=True)
    same(frame, CACHED[name])
    facts = dict(frame.attrs[FACTS])
    kept = facts.pop("from_cache")
    assert kept["credits"] == 0
    if "provenance" in CACHED[name]:
        expected = {**CACHED[name]["provenance"]}
        assert expected.pop("from_cache") is False
        if "records" in kept:
            # Of a record the JSON is kept; its frame is made anew, by the versions of today.
            assert expected.pop("versions").keys() == facts.pop("versions").keys()
            assert facts.pop("digest")
        assert facts == expected
    if "records" in kept:
        assert kept["records"] == 1
    else:
        assert kept["selected"] is name.startswith("selected")
        assert kept["file"] in [row[-1] for row in EXPECTED["kept"]["rows"]]
    assert client.spent == 0
    assert not requests_mock.called


def test_what_the_api_did_not_know_is_still_listed(connect, requests_mock):
    # A key with a slash is refused now, because the server reads a quoted slash as a slash.
    with pytest.raises(sectorsdf.FilterError, match="is not a slug"):
        sectorsdf.get_mining_site("no/such site", client=connect(cache=True), offline=True)
    with pytest.raises(sectorsdf.NotCachedError) as refused:
        sectorsdf.get_mining_site("never asked for", client=connect(cache=True), offline=True)
    assert sorted(refused.value.available) == ["slug=contoh-utara-1", "slug=no%2Fsuch site"]
    assert not requests_mock.called


def test_the_cache_says_what_it_holds(home):
    assert Path(sectorsdf.cache.path()) == home / "datasets"
    info = sectorsdf.cache.info()
    assert info["age"].notna().all()
    same(info.drop(columns="age"), EXPECTED["kept"])
    assert sectorsdf.cache.clear("mining_licenses", query="province=Jambi") == 1
    assert sectorsdf.cache.clear() == len(info) - 1
    assert not list((home / "datasets").rglob("*.parquet"))


@pytest.mark.filterwarnings("ignore:mining site.*no-such-site:sectorsdf.DataWarning")
@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_call_pays_for_what_it_lacks_only(name, home, connect, answer):
    told = UNFINISHED[name]
    lacking = [answer(one) for one in told["lacking"]]
    client = connect()
    before = len(sectorsdf.credits("entry"))
    frame = call(told, client=client, resume_within=EVER)
    same(frame, told)
    facts = frame.attrs[FACTS]
    proof = facts.get("certificate", {})
    assert {part: proof[part] for part in told["certificate"]} == told["certificate"]
    assert facts.get("not_found", []) == told["not_found"]
    assert facts["pages"] == told["paid"] + len(lacking)
    assert facts["credits"] == client.spent == len(lacking)
    assert [one.call_count for one in lacking] == [1] * len(lacking)
    # The ledger goes on where it was, under the same mark of the key.
    entries = sectorsdf.credits("entry")
    assert len(entries) == before + len(lacking)
    assert entries["key"].nunique() == 1


def test_the_learnt_rate_is_known(connect, answer):
    (told,) = UNFINISHED["addressed records"]["lacking"]
    answer(told)
    slug = told["path"].strip("/").rpartition("/")[2]
    known = []
    for key in (EXPECTED["key"], "1" * 64):
        client = connect(key)
        sectorsdf.get_mining_site(slug, client=client)
        known.append({name: client.pace()[name] for name in ("requests", "seconds", "by_hand")})
    # Another key has a limit of its own, of which nothing is known.
    assert known == [
        {**EXPECTED["pace"], "by_hand": False},
        {"requests": None, "seconds": None, "by_hand": False},
    ]


@pytest.mark.parametrize("by", EXPECTED["ledger"])
def test_the_ledger_is_listed(by, home):
    expected = EXPECTED["ledger"][by]
    if by == "endpoint":
        # The version that wrote the files had a row for each address.
        sums = {}
        for path, *counts, key in expected["rows"]:
            site = re.sub("(/sites/)[^/]+/$", r"\1{slug}/", path)
            endpoint = re.sub("(/license-auctions/)[^/]+/$", r"\1{wiup_code}/", site)
            before = sums.get((endpoint, key), [0, 0])
            sums[endpoint, key] = [one + other for one, other in zip(before, counts, strict=True)]
        rows = [[path, *counts, key] for (path, key), counts in sorted(sums.items())]
        expected = {**expected, "rows": rows}
    same(sectorsdf.credits(by), expected)


def test_a_written_file_is_read():
    frame = sectorsdf.read_parquet(WRITTEN / "auctions.parquet")
    same(frame, EXPECTED["written"])
    assert frame.attrs == {FACTS: EXPECTED["written"]["provenance"]}


def test_of_a_file_without_a_digest_nothing_is_claimed():
    found = sectorsdf.verify(WRITTEN / "auctions.parquet")
    assert (found.intact, found.complete, found.expected_digest) == (None, None, None)
    assert found.rows == found.expected_rows
    assert "cannot tell whether" in found.reason
    part = sectorsdf.read_parquet(WRITTEN / "auctions.parquet").head(0)
    assert sectorsdf.verify(part).intact is False
