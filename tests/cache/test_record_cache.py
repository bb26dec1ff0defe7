"""Addressed records in the cache: one file for all that a call has fetched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sectorsdf
from sectorsdf.cache import record_cache
from sectorsdf.cache.backends import FsspecBackend, LocalBackend
from sectorsdf.cache.store import FrameCache
from sectorsdf.datasets import DATASETS
from sectorsdf.frames.provenance import Provenance

HOST = "http://127.0.0.1:1"
SITE = DATASETS["mining_site"]
NOW = datetime.now(UTC).replace(microsecond=0)

pytestmark = pytest.mark.newest


def cache_in(backend, **options):
    return FrameCache(backend, HOST, options.pop("max_age", timedelta(days=7)), **options)


@pytest.fixture
def backend(tmp_path):
    return LocalBackend(tmp_path)


def put(backend, hours, **records):
    """Cache records that came so many hours ago; a record is its name, or None."""
    records = {
        key: None if name is None else {"slug": key, "name": name} for key, name in records.items()
    }
    if not isinstance(hours, dict):
        hours = dict.fromkeys(records, hours)
    times = {key: (NOW - timedelta(hours=each)).isoformat() for key, each in hours.items()}
    provenance = Provenance.of_call(SITE, {}, host=HOST, source="live", credits=len(records))
    cache_in(backend).put_records(SITE, records, provenance, times)


def found(backend, keys="abcdef", **options):
    hits = cache_in(backend, **options).get_records(SITE, list(keys))
    return {key: hit.record and hit.record["name"] for key, hit in hits.items()}


def files(tmp_path):
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))


def test_the_records_of_a_call_are_one_file_that_other_programs_read(backend, tmp_path):
    put(backend, 1, a="one", b="two", c=None)
    (file,) = files(tmp_path)
    assert file.startswith("mining_site/several-records/")
    frame = pd.read_parquet(tmp_path / file)
    assert frame["name"].tolist() == ["one", "two"]
    assert frame["record_key"].tolist() == ["a", "b"]
    assert [json.loads(text)["name"] for text in frame["record_json"]] == ["one", "two"]
    assert found(backend) == {"a": "one", "b": "two", "c": None}
    assert found(backend, "b") == {"b": "two"}
    hits = cache_in(backend).get_records(SITE, "ac")
    assert {hit.file.fetched for hit in hits.values()} == {NOW - timedelta(hours=1)}
    assert {hit.source for hit in hits.values()} == {"live"}


def test_each_record_is_as_old_as_its_own_answer(backend):
    put(backend, {"a": 1, "b": 30, "c": 50}, a="one", b="two", c=None)
    assert found(backend, max_age=timedelta(hours=40)) == {"a": "one", "b": "two"}
    assert found(backend, max_age=timedelta(hours=2)) == {"a": "one"}
    assert found(backend, max_age=timedelta(hours=0.5)) == {}
    assert len(found(backend, max_age=timedelta(hours=0.5), offline=True)) == 3
    assert found(backend, refresh=True) == {}


def test_the_newest_answer_counts_whichever_file_has_it(backend, tmp_path):
    put(backend, {"a": 1, "b": 9}, a="one", b="old")
    put(backend, 5, b="alone")
    assert found(backend) == {"a": "one", "b": "alone"}
    put(backend, 4, b="newer", c="three")
    assert found(backend) == {"a": "one", "b": "newer", "c": "three"}
    put(backend, 3, c=None)
    assert found(backend)["c"] is None
    # The record that was cached alone is in a younger file.
    assert [file.partition("/")[2].partition("/")[0] for file in files(tmp_path)] == [
        "several-records",
        "several-records",
        "slug=c",
    ]


def test_a_file_goes_when_all_its_records_are_in_a_younger_one(backend, tmp_path, monkeypatch):
    put(backend, 9, a="1", b="1")
    put(backend, 8, b="2", c="2")
    put(backend, 7, d="2")
    assert len(files(tmp_path)) == 3
    monkeypatch.setattr(record_cache, "_times_in", {})
    put(backend, 5, a="3", b="3", d="3")
    assert len(files(tmp_path)) == 2
    assert found(backend) == {"a": "3", "b": "3", "c": "2", "d": "3"}
    # An answer of long ago, out of the memory of another client, removes nothing.
    put(backend, 20, a="0", b="0", d="0")
    assert found(backend) == {"a": "3", "b": "3", "c": "2", "d": "3"}
    put(backend, 1, **dict.fromkeys("abcd", "4"))
    assert len(files(tmp_path)) == 1
    put(backend, -2, a="future", b="future")
    put(backend, 0, a="5", b="5")
    assert found(backend) == {"a": "5", "b": "5", "c": "4", "d": "4"}
    assert len(files(tmp_path)) == 2


def test_a_file_that_has_none_of_the_keys_is_not_read_again(backend, monkeypatch):
    for number in range(5):
        put(backend, 5 - number, **{f"x{number}": "x", f"y{number}": "y"})
    read = []
    real = LocalBackend.read
    monkeypatch.setattr(
        LocalBackend, "read", lambda self, name: read.append(name) or real(self, name)
    )
    assert found(backend, ["x3", "none"]) == {"x3": "x"}
    read.clear()
    assert found(backend, ["x3", "none"]) == {"x3": "x"}
    assert len(read) == 1


@pytest.mark.parametrize("columns", [["record_json"], ["record_json", "record_key"]])
def test_a_file_that_does_not_name_its_records_is_set_aside(backend, tmp_path, columns):
    put(backend, 1, a="one", b="two")
    (file,) = files(tmp_path)
    table = pq.read_table(tmp_path / file)
    (tmp_path / file).unlink()
    provenance = Provenance.of_call(SITE, {}, host=HOST, source="live", credits=2)
    query = {"query": {}, "order_by": None, "max_rows": None, "not_found": {}}
    only = table.select(columns)
    cache_in(backend)._write(SITE, "several-records", only, provenance, query)
    with pytest.warns(sectorsdf.CacheWarning, match="does not name its records"):
        assert found(backend) == {}
    assert found(backend) == {}


def test_a_damaged_file_of_several_is_set_aside(backend, tmp_path):
    put(backend, 1, a="one", b="two")
    (file,) = files(tmp_path)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[:100] + b"x" + content[101:])
    with pytest.warns(sectorsdf.CacheWarning, match="its bytes are not those"):
        assert found(backend) == {}


def test_a_remote_cache_is_listed_once_however_many_records_are_looked_up(monkeypatch):
    pytest.importorskip("fsspec")
    backend = FsspecBackend("memory://records", None)
    put(backend, 2, **{f"k{number}": "x" for number in range(60)})
    put(backend, 1, a="alone")
    listed = []
    real = FsspecBackend._names
    monkeypatch.setattr(
        FsspecBackend, "_names", lambda self, folder: listed.append(folder) or real(self, folder)
    )
    assert len(found(backend, ["a", *(f"k{number}" for number in range(60))])) == 61
    assert listed == ["mining_site"]


def test_an_offline_call_says_which_records_there_are(backend):
    put(backend, 1, a="one", b="two")
    put(backend, 1, c="three")
    refused = cache_in(backend, offline=True).refuse(SITE, "slug z")
    assert sorted(refused.available) == ["slug=a", "slug=b", "slug=c"]
