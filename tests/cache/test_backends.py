"""The cache behind fsspec: in memory, and on a real server of the S3 protocol on loopback."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from support.s3 import s3_bucket

import sectorsdf
from sectorsdf import mining as m

fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")

FACTS = "sectorsdf"


def same(left, right):
    pd.testing.assert_frame_equal(left, right)
    facts = [{**frame.attrs[FACTS], "from_cache": None} for frame in (left, right)]
    assert facts[0] == facts[1]


@pytest.fixture(scope="module")
def s3():
    """The address of a bucket on a server of the S3 protocol."""
    with s3_bucket() as url:
        yield url


@pytest.fixture(params=["memory", "s3"])
def url(request, tmp_path):
    """A prefix of the test's own."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return f"{request.getfixturevalue('s3')}/{tmp_path.name}"


def names(url):
    files, root = fsspec.core.url_to_fs(url)
    files.invalidate_cache()
    return sorted(path.removeprefix(root).lstrip("/") for path in files.find(root))


def test_what_one_client_has_paid_another_reads(url, serve):
    one = serve(cache=url)
    first = m.get_mining_licenses(client=one)
    record = m.get_mining_site_resources(client=one)
    spent = one.spent
    other = sectorsdf.Client(one.sandbox.key, one.base_url, cache=url)
    same(first, m.get_mining_licenses(client=other))
    same(record, m.get_mining_site_resources(client=other))
    coal = m.get_mining_licenses(client=other, commodity_type="Coal", offline=True)
    assert coal["commodity_type"].tolist() == ["Coal"] * len(coal)
    assert (one.spent, other.spent) == (spent, 0)
    assert names(url)[0].startswith("mining_licenses/all/")
    found = sectorsdf.cache.info(cache=url)
    assert found["rows"].notna().all()
    assert found["dataset"].iloc[0] == "mining_licenses"
    assert sectorsdf.cache.path(cache=url) == url
    refreshed = m.get_mining_licenses(client=other, refresh=True)
    pd.testing.assert_frame_equal(first, refreshed)
    assert len([name for name in names(url) if name.startswith("mining_licenses/")]) == 1
    assert sectorsdf.cache.clear(cache=url) == len(found)
    assert names(url) == []


def test_two_clients_at_once(url, serve):
    first = serve(cache=url)
    second = sectorsdf.Client(first.sandbox.key, first.base_url, cache=url)
    barrier = threading.Barrier(2)

    def fetch(client):
        barrier.wait()
        return [
            m.get_mining_licenses(client=client, commodity_type=kind)
            for kind in ("Coal", "Gold", "Nickel", "Coal")
        ]

    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(fetch, (first, second))
    for left, right in zip(ours, theirs, strict=True):
        pd.testing.assert_frame_equal(left, right)
    assert len(names(url)) == 3
    # They have different homes here, and so no lock in common: each may ask once, never more.
    once = sum(frame.attrs[FACTS]["pages"] for frame in ours[:3])
    assert once <= first.spent + second.spent <= 2 * once


def test_a_damaged_object_is_set_aside(url, serve):
    client = serve(cache=url)
    whole = m.get_mining_license_auctions(client=client)
    (name,) = names(url)
    files, root = fsspec.core.url_to_fs(url)
    content = files.cat_file(f"{root}/{name}")
    files.pipe_file(f"{root}/{name}", content[:500] + b"x" + content[501:])
    with pytest.warns(sectorsdf.CacheWarning, match="It was renamed to"):
        again = m.get_mining_license_auctions(client=client)
    pd.testing.assert_frame_equal(whole, again)
    assert [path.endswith(".damaged") for path in names(url)].count(True) == 1
    assert m.get_mining_license_auctions(client=client).attrs[FACTS]["from_cache"]


def test_a_bucket_that_is_not_there_costs_a_warning(s3, serve):
    client = serve(cache="s3://no-such-bucket/x")
    with pytest.warns(sectorsdf.CacheWarning, match="cannot be cached"):
        frame = m.get_mining_license_auctions(client=client)
    assert len(frame) == 14


def test_a_kind_of_url_that_nobody_knows(serve):
    with pytest.raises(sectorsdf.ConfigurationError, match="nonsense"):
        serve(cache="nonsense://somewhere")


def test_secrets_in_a_url_are_not_told(serve):
    with pytest.raises(sectorsdf.ConfigurationError) as caught:
        serve(cache="nonsense://user:hush@somewhere/x")
    assert "hush" not in str(caught.value)
    assert sectorsdf.cache.path(cache="memory://user:hush@somewhere/x") == "memory://somewhere/x"
