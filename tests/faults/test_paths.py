"""What is a path and what a URL, and folders that are not there."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import pytest
from support.billing_api import KEY, Api
from support.processes import Process

import sectorsdf
from sectorsdf.config.settings import local_path, location

posix = pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A working directory in which nothing may appear."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    assert not list(folder.iterdir())


@posix
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/abs/here", "/abs/here"),
        ("here", "here"),
        ("a:b/c", "a:b/c"),
        ("2024:/x", "2024:/x"),
        ("/data/s3://x", "/data/s3:/x"),
        ("x/s3://y", "x/s3:/y"),
        (Path("/data/s3:/bucket"), "/data/s3:/bucket"),
        (Path("a:b"), "a:b"),
        ("file:///abs/a%20b", "/abs/a b"),
        ("file:///abs/100%25#1?2", "/abs/100%#1?2"),
        ("file:/abs", "/abs"),
        ("file://localhost/abs", "/abs"),
        ("FILE://LocalHost/abs", "/abs"),
        ("~/here", str(Path.home() / "here")),
    ],
)
def test_what_is_a_path(value, expected):
    assert location(value, "cache") == Path(expected)
    assert local_path(value, "cache") == Path(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("S3://Bucket/Prefix", "s3://Bucket/Prefix"),
        ("memory://x", "memory://x"),
        ("memory:///x", "memory:///x"),
        ("simplecache::s3://bucket/x", "simplecache::s3://bucket/x"),
        ("gs://bucket", "gs://bucket"),
    ],
)
def test_what_is_a_url(value, expected):
    assert location(value, "cache") == expected
    with pytest.raises(sectorsdf.ConfigurationError, match="on this machine"):
        local_path(value, "SECTORSDF_CACHE_DIR")


WRONG = [
    (Path("s3://bucket/prefix"), "'s3://bucket/prefix'"),
    ("s3:/bucket/prefix", "'s3://bucket/prefix'"),
    (Path("memory://x"), "as a string"),
    (Path("file://localhost/abs"), "as a string"),
    ("file://elsewhere/abs", "'elsewhere'"),
    ("file://~/x", "'~'"),
    ("file:relative", "absolute path"),
    ("file://localhost", "absolute path"),
    ("C:\\Users\\me", "Windows"),
    ("c:/Users/me", "Windows"),
    ("~no-such-user-here/x", "home folder"),
    ("a\0b", "NUL"),
    ("https://host.example/x", "stored"),
    ("zip://x.zip", "stored"),
    ("nonsense://x", "nonsense"),
]


@posix
@pytest.mark.parametrize(("value", "told"), WRONG)
def test_what_cannot_be_used_is_refused_before_anything_is_paid(value, told, empty, tmp_path):
    pytest.importorskip("fsspec")
    with Api(licenses=3) as api:
        client = api.client(tmp_path / "home")
        for call in (
            lambda: sectorsdf.get_mining_licenses(client=client, cache=value),
            lambda: api.client(tmp_path / "home", cache=value),
            lambda: sectorsdf.cache.path(cache=value),
        ):
            with pytest.raises(sectorsdf.ConfigurationError, match="cache=") as caught:
                call()
            assert told in str(caught.value)
        assert api.requests == 0


@pytest.mark.parametrize("value", ["s3://user:hush@bucket/x", Path("s3://user:hush@bucket/x")])
def test_a_refusal_shows_no_password(value):
    with pytest.raises(sectorsdf.ConfigurationError) as caught:
        local_path(value, "cache_folder")
    assert "hush" not in str(caught.value)


@posix
@pytest.mark.parametrize("value", ["file://localhost{}", "file:{}", "file://{}", "{}"])
def test_the_same_folder_however_it_is_named(value, empty, tmp_path, monkeypatch):
    folder = tmp_path / "shared cache"
    named = value.format(folder)
    with Api(licenses=3) as api:
        sectorsdf.get_mining_licenses(client=api.client(tmp_path / "home"), cache=named)
        assert len(list(folder.rglob("*.parquet"))) == 1
        monkeypatch.setenv("SECTORSDF_CACHE_DIR", named)
        client = sectorsdf.Client(KEY, api.url)
        assert client.context.folder == folder


@pytest.mark.parametrize("name", ["SECTORSDF_CACHE_DIR", "SECTORSDF_CONFIG_DIR"])
def test_a_url_is_no_folder_for_the_journal_or_the_login(name, empty, monkeypatch):
    monkeypatch.setenv(name, "s3://bucket/prefix")
    with pytest.raises(sectorsdf.ConfigurationError, match=name):
        sectorsdf.get_mining_licenses()
    if name == "SECTORSDF_CACHE_DIR":
        with pytest.raises(sectorsdf.ConfigurationError, match=name):
            sectorsdf.credits()


def test_a_sandbox_reads_a_folder_by_the_same_rule(tmp_path, monkeypatch):
    (tmp_path / "mining_contracts.jsonl").write_text("", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    for data in (tmp_path, str(tmp_path), tmp_path.as_uri(), f"~/{tmp_path.name}"):
        with sectorsdf.sandbox.running(data=data) as client:
            assert client.sandbox.records("mining_contracts") == []
    for data in ("s3://bucket/records", Path("s3://bucket/records"), "file://host/records"):
        with pytest.raises(sectorsdf.ConfigurationError, match=r"^data="):
            sectorsdf.sandbox.running(data=data).__enter__()


@pytest.mark.parametrize("value", ["s3://bucket/prefix", Path("s3://bucket"), 5, b"x", "", ["x"]])
def test_a_cache_folder_that_is_none(value, empty):
    with pytest.raises(sectorsdf.ConfigurationError, match="cache_folder="):
        sectorsdf.Client(KEY, "http://127.0.0.1:9", cache_folder=value)


# No home folder

HOMELESS = """
import json, logging, os, pwd, sys

def unknown(uid):
    raise KeyError(uid)

pwd.getpwuid = unknown
url, key, variables = sys.argv[1:]
for name in [*os.environ]:
    if name == "HOME" or name.startswith(("SECTORS", "XDG_")):
        del os.environ[name]
os.environ.update(json.loads(variables))
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
import sectorsdf

def told(call):
    try:
        print("returned", call())
    except sectorsdf.SectorsdfError as error:
        print(type(error).__name__, error)
"""


def homeless(script, api, folder, **variables):
    """Run a script as a user without a home folder; return the lines that it prints."""
    words = (api.url, KEY, json.dumps(variables))
    with Process("-c", HOMELESS + script, *words, cwd=str(folder)) as child:
        return child.popen.communicate(timeout=60)[0].splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="users of POSIX")
def test_without_a_home_folder_a_call_works_and_keeps_nothing(tmp_path):
    script = """
client = sectorsdf.Client(key, url, rate_limit="100000/s")
for _ in range(2):
    told(lambda: len(sectorsdf.get_mining_licenses(client=client)))
told(lambda: len(sectorsdf.get_mining_site("site-0", client=client)))
told(lambda: sectorsdf.get_mining_licenses(client=client, cache=True))
told(lambda: len(sectorsdf.get_mining_licenses(client=client, cache="cache")))
told(lambda: sectorsdf.Client(key, url, cache=True))
told(sectorsdf.credits)
told(sectorsdf.Client)
told(sectorsdf.get_mining_licenses)
"""
    with Api(licenses=3, sites=1) as api:
        lines = homeless(script, api, tmp_path)
    said = [line for line in lines if not line.startswith("WARNING")]
    assert said[:3] == ["returned 3", "returned 3", "returned 1"]
    assert said[3].startswith("ConfigurationError cache=True")
    assert "SECTORSDF_CACHE_DIR" in said[3]
    assert said[4] == "returned 3"
    assert said[5].startswith("ConfigurationError")
    assert "SECTORSDF_CACHE_DIR" in said[6]
    assert [line.split()[0] for line in said[7:]] == ["MissingKeyError", "MissingKeyError"]
    warned = [line for line in lines if line.startswith("WARNING")]
    # One line for each client that is made.
    assert len(warned) == 3
    assert all("SECTORSDF_CACHE_DIR" in line for line in warned)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.skipif(sys.platform == "win32", reason="users of POSIX")
def test_a_folder_that_is_named_is_used_without_a_home(tmp_path):
    script = """
told(sectorsdf.Client)
client = sectorsdf.Client(key, url)
told(lambda: len(sectorsdf.get_mining_licenses(client=client, cache=True)))
told(lambda: sectorsdf.Client(key, url, cache_folder="~/x"))
"""
    with Api(licenses=3) as api:
        lines = homeless(script, api, tmp_path, SECTORSDF_CACHE_DIR=str(tmp_path / "c"))
    assert lines[0].startswith("MissingKeyError")
    assert lines[1] == "returned 3"
    assert "home folder that ~ means" in lines[2]
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


def test_no_word_is_said_where_there_is_a_folder(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    sectorsdf.Client(KEY, "http://127.0.0.1:9", cache_folder=tmp_path)
    assert not caplog.text
