"""The journal of paid pages, and Parquet files."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sectorsdf
from sectorsdf import store
from sectorsdf.datasets import MINING_LICENSE_AUCTIONS, MINING_LICENSES, MINING_SITES
from sectorsdf.frame import FrameBuilder
from sectorsdf.store import Journal, JournalEntry, atomic_file

CALL = {"dataset": "mining_licenses", "host": "http://127.0.0.1:1", "query": {"province": "Riau"}}
PAGE = [30, [["province", "Riau"]], "license_expiry_date", 0]
BODY = '{"results": ["é", 1.50]}'.encode()


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


def reopened(journal, **options):
    """Open the call again, as after a crash."""
    return journal.open(CALL, **options)


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


# The journal


def test_a_page_is_found_again(journal):
    entry = journal.open(CALL)
    assert entry.get(PAGE) is None
    assert PAGE not in entry
    entry.put(PAGE, BODY)
    assert entry.get(PAGE) == BODY
    entry.close()
    again = reopened(journal)
    assert again.folder == entry.folder
    assert again.get(PAGE) == BODY
    assert again.get([60, *PAGE[1:]]) is None


def test_tuples_and_lists_are_the_same_name(journal):
    entry = journal.open(CALL)
    entry.put([30, (("province", "Riau"),), None, 0], BODY)
    assert entry.get([30, [["province", "Riau"]], None, 0]) == BODY


@given(name=st.lists(st.text() | st.integers() | st.none(), max_size=4), body=st.binary())
def test_any_page_comes_back_as_it_was(tmp_path_factory, name, body):
    entry = Journal(tmp_path_factory.mktemp("j")).open(CALL)
    entry.put(name, body)
    assert entry.get(name) == body
    entry.close()


@pytest.mark.parametrize(
    "other",
    [
        {**CALL, "dataset": "mining_sites"},
        {**CALL, "host": "http://127.0.0.1:2"},
        {**CALL, "query": {"province": "Aceh"}},
    ],
)
def test_another_call_has_pages_of_its_own(journal, other):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    entry.close()
    assert journal.open(other).get(PAGE) is None


def test_the_order_of_the_filters_does_not_matter(journal):
    first = {**CALL, "query": {"a": "1", "b": "2"}}
    second = {"query": {"b": "2", "a": "1"}, **{k: v for k, v in CALL.items() if k != "query"}}
    entry = journal.open(first)
    entry.put(PAGE, BODY)
    entry.close()
    assert journal.open(second).get(PAGE) == BODY


def test_nothing_is_made_before_it_is_needed(tmp_path):
    Journal(tmp_path / "journal")
    assert not files(tmp_path)


def test_the_folder_is_for_this_user_alone(journal):
    entry = journal.open(CALL)
    if os.name == "posix":
        assert entry.folder.stat().st_mode & 0o077 == 0
        assert journal.folder.stat().st_mode & 0o077 == 0


def test_clear_leaves_no_page(journal):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    # What a process leaves that is killed while it writes.
    (entry.folder / ".x.page-0.part").write_bytes(b"half")
    entry.clear()
    assert entry.kept == 0
    assert not files(entry.folder, "*.page")
    assert not files(entry.folder, "*.part")
    assert entry.get(PAGE) is None
    entry.put(PAGE, BODY)
    assert entry.get(PAGE) == BODY


def test_resume_false_forgets_the_pages(journal):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    entry.close()
    assert reopened(journal, resume=False).get(PAGE) is None


def test_pages_have_an_age(journal, monkeypatch):
    entry = journal.open(CALL, resume_within=100.0)
    entry.put(PAGE, BODY)
    now = time.time()
    for later, found in [(99, BODY), (101, None), (-50, None)]:
        monkeypatch.setattr(store.time, "time", lambda later=later: now + later)
        assert entry.get(PAGE) == found


def test_kept_counts_what_the_next_call_would_find(journal):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    assert entry.kept == 1
    entry.close()
    again = reopened(journal)
    assert again.kept == 1
    again.put([0], BODY)
    assert again.kept == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b" ",
        lambda data: data[: len(data) // 2],
        lambda data: bytes([*data[:-3], data[-3] ^ 1, *data[-2:]]),
        lambda data: data.replace(b"journal 1", b"journal 0"),
        lambda data: b"[]\n" + data.partition(b"\n")[2],
        lambda data: b"\xff" * len(data),
        lambda data: data.replace(b'"Riau"', b'"Aceh"', 1),
        lambda data: data.replace(b'"written": 1', b'"written": "x1'),
        lambda data: data.replace(b'"written"', b'"gone"'),
    ],
)
def test_a_damaged_page_is_set_aside(journal, caplog, damage):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    (path,) = entry.folder.glob("*.page")
    path.write_bytes(damage(path.read_bytes()))
    assert entry.get(PAGE) is None
    assert not path.exists()
    (aside,) = entry.folder.glob("*.damaged")
    assert str(aside) in caplog.text
    entry.put(PAGE, BODY)
    assert entry.get(PAGE) == BODY


# Calls side by side


def test_calls_side_by_side_have_folders_of_their_own(journal):
    first, second = journal.open(CALL), journal.open(CALL)
    assert first.folder != second.folder
    first.put(PAGE, BODY)
    assert second.get(PAGE) is None
    first.close()
    second.close()
    assert reopened(journal).folder == first.folder


def test_threads_do_not_share_a_folder(journal):
    entries = []
    threads = [threading.Thread(target=lambda: entries.append(journal.open(CALL))) for _ in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({entry.folder for entry in entries}) == 4


def test_the_fullest_free_folder_is_taken(journal):
    entries = [journal.open(CALL) for _ in range(3)]
    for count, entry in zip([1, 3, 2], entries, strict=True):
        for number in range(count):
            entry.put([number], BODY)
    entries[1].close()
    entries[2].close()
    # The first is held by a call that still runs.
    fuller, emptier = reopened(journal), reopened(journal)
    assert [fuller.folder, emptier.folder] == [entries[1].folder, entries[2].folder]


def test_pages_that_are_too_old_do_not_count(journal):
    old, young = journal.open(CALL), journal.open(CALL)
    for number in range(3):
        old.put([number], BODY)
    young.put([0], BODY)
    for path in old.folder.glob("*.page"):
        os.utime(path, (1, 1))
    old.close()
    young.close()
    assert reopened(journal).folder == young.folder


def test_a_process_that_is_killed_lets_go(journal):
    code = (
        "import sys, time; from pathlib import Path; from sectorsdf.store import Journal\n"
        "entry = Journal(Path(sys.argv[1])).open({'dataset': 'd'}); entry.put([1], b'x')\n"
        "print('held', flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", code, str(journal.folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        meanwhile = journal.open({"dataset": "d"})
        assert meanwhile.get([1]) is None
        meanwhile.close()
        child.kill()
    entry = journal.open({"dataset": "d"})
    assert entry.get([1]) == b"x"
    entry.close()


def test_what_a_killed_call_left_is_forgotten_when_a_later_one_ends(journal):
    left, running, ended = (journal.open(CALL) for _ in range(3))
    left.put(PAGE, BODY)
    running.put(PAGE, BODY)
    left.close()
    for path in left.folder.glob("*.page"):
        os.utime(path, (time.time() - 60,) * 2)
    ended.clear()
    assert not files(left.folder, "*.page")
    # A call that still runs keeps its own.
    assert running.get(PAGE) == BODY


def test_what_was_paid_after_a_call_began_outlives_its_end(journal):
    ended, later = journal.open(CALL), journal.open(CALL)
    later.put(PAGE, BODY)
    later.close()
    for path in later.folder.glob("*.page"):
        os.utime(path, (time.time() + 1,) * 2)
    ended.clear()
    assert later.get(PAGE) == BODY


def test_an_answer_after_the_end_is_kept_for_the_next_call(journal):
    interrupted = journal.open(CALL)
    interrupted.close()
    interrupted.put(PAGE, BODY)
    assert reopened(journal).get(PAGE) == BODY


def test_an_answer_after_the_next_call_has_ended_is_not(journal):
    interrupted = journal.open(CALL)
    interrupted.close()
    following = reopened(journal)
    following.clear()
    following.close()
    interrupted.put(PAGE, BODY)
    assert reopened(journal).get(PAGE) is None


# Disks that take nothing


def refuse(*args, **kwargs):
    raise OSError(28, "No space left on device")


def test_a_full_disk_costs_one_word(journal, monkeypatch, caplog):
    entry = journal.open(CALL)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    entry.put(PAGE, BODY)
    entry.put([0], BODY)
    assert entry.kept == 0
    assert entry.get(PAGE) is None
    assert caplog.text.count("cannot be kept") == 1
    assert not files(entry.folder, "*.part")
    entry.clear()
    entry.close()


def test_a_folder_that_cannot_be_made(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    entry = Journal(tmp_path / "file" / "journal").open(CALL)
    entry.put(PAGE, BODY)
    assert entry.get(PAGE) is None
    entry.clear()
    entry.close()
    assert "cannot be kept under" in caplog.text


@pytest.mark.parametrize("error", [PermissionError("no"), NotImplementedError("no locks here")])
def test_a_file_system_without_locks(journal, monkeypatch, caplog, error):
    def acquire(*args, **kwargs):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    entry = journal.open(CALL)
    assert entry.folder is None
    assert "cannot be kept under" in caplog.text


def test_no_journal_at_all(caplog):
    caplog.set_level(logging.DEBUG)
    for entry in (Journal(None).open(CALL, resume=False), JournalEntry(None, 1.0)):
        entry.put(PAGE, BODY)
        assert PAGE not in entry
        entry.clear()
        entry.close()
    assert not caplog.text


# Files that appear whole or not at all


def test_atomic_file_replaces_in_one_step(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert files(tmp_path) == ["file"]


def test_atomic_file_leaves_the_old_one_where_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["file"]


def test_side_by_side_the_last_one_stands(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first, atomic_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert files(tmp_path) == ["file"]


# Parquet


@pytest.fixture(scope="module")
def frames():
    """Frames of each list, as the getters return them."""
    with sectorsdf.sandbox.running(server={"licenses": 90, "sites": 40}) as client:
        frames = {
            "licenses": sectorsdf.get_mining_licenses(client=client),
            "auctions": sectorsdf.get_mining_license_auctions(client=client),
            "sites": sectorsdf.get_mining_sites(client=client),
            "empty": sectorsdf.get_mining_licenses(company="nobody-of-this-name", client=client),
        }
        frames["some columns"] = frames["sites"][["slug", "year", "strip_ratio"]]
        frames["some rows"] = frames["licenses"].iloc[::7].reset_index(drop=True)
    return frames


KINDS = ["licenses", "auctions", "sites", "empty", "some columns", "some rows"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_comes_back_as_it_was(frames, tmp_path, kind):
    frame = frames[kind]
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    assert path == tmp_path / "frame.parquet"
    again = sectorsdf.read_parquet(str(path))
    pd.testing.assert_frame_equal(again, frame)
    assert list(again.dtypes) == list(frame.dtypes)
    assert again.attrs == frame.attrs
    assert again.attrs["sectorsdf"]["rows"] == frame.attrs["sectorsdf"]["rows"]


@pytest.mark.parametrize("dataset", [MINING_LICENSES, MINING_LICENSE_AUCTIONS, MINING_SITES])
def test_a_frame_of_nothing_but_nulls(tmp_path, dataset):
    builder = FrameBuilder(dataset)
    builder.add([dict.fromkeys(dataset.fields)] * 3)
    frame = builder.frame({})
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "nulls.parquet"))
    pd.testing.assert_frame_equal(again, frame)
    assert pq.read_schema(tmp_path / "nulls.parquet").remove_metadata() == dataset.schema


@pytest.mark.parametrize("kind", ["licenses", "empty"])
def test_the_file_has_the_declared_types(frames, tmp_path, kind):
    path = sectorsdf.write_parquet(frames[kind], tmp_path / "frame.parquet")
    schema = pq.read_schema(path)
    assert schema.remove_metadata() == MINING_LICENSES.schema
    assert schema.field("license_expiry_date").type == pa.date32()
    assert json.loads(schema.metadata[b"PANDAS_ATTRS"]) == frames[kind].attrs


def test_the_users_own_columns_come_back_too(frames, tmp_path):
    frame = frames["licenses"].assign(
        twice=lambda f: f["longitude"] * 2,
        seen=pd.Timestamp("2026-01-01 12:30"),
        note=pd.array([None, *["x"] * 89], dtype=pd.StringDtype()),
    )
    again = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "own.parquet"))
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_pandas_reads_the_file(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    plain = pd.read_parquet(path)
    assert list(plain.columns) == list(frames["sites"].columns)
    assert plain["slug"].tolist() == frames["sites"]["slug"].tolist()


def test_a_file_of_somebody_else(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "other.parquet")
    frame = sectorsdf.read_parquet(tmp_path / "other.parquet")
    assert frame["a"].tolist() == [1, 2]


def test_a_frame_that_cannot_be_written_leaves_the_old_file(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    before = path.read_bytes()
    broken = frames["sites"].assign(strange=[object()] * 40)
    with pytest.raises(pa.ArrowInvalid):
        sectorsdf.write_parquet(broken, path)
    assert path.read_bytes() == before
    assert files(tmp_path) == ["frame.parquet"]


def test_a_folder_that_is_not_there(frames, tmp_path):
    with pytest.raises(FileNotFoundError):
        sectorsdf.write_parquet(frames["sites"], tmp_path / "nowhere" / "frame.parquet")


@pytest.mark.skipif(os.name != "posix", reason="modes of files are of POSIX")
def test_a_parquet_file_is_for_whom_the_umask_says(frames, tmp_path):
    (tmp_path / "like").touch()
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    assert path.stat().st_mode == (tmp_path / "like").stat().st_mode


def test_readers_never_see_a_part(frames, tmp_path):
    path = sectorsdf.write_parquet(frames["sites"], tmp_path / "frame.parquet")
    ended = threading.Event()
    seen = []

    def read():
        while not ended.is_set():
            seen.append(len(sectorsdf.read_parquet(path)))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(20):
            sectorsdf.write_parquet(frames["licenses"], path)
            sectorsdf.write_parquet(frames["sites"], path)
    finally:
        ended.set()
        thread.join()
    assert set(seen) <= {40, 90}


def test_folders_of_calls_that_ended_long_ago_are_tidied_away(journal):
    def call(number):
        return {**CALL, "number": number}

    for number in range(130):
        entry = journal.open(call(number))
        entry.put(["page"], b"paid")
        if number != 5:
            entry.clear()
        entry.close()
    held = journal.open(call(7))
    long_ago = time.time() - 2 * 86_400
    for folder in journal.folder.iterdir():
        os.utime(folder, (long_ago, long_ago))
    other = journal.open(call(1000))
    # What was paid and not used, what is in use, and this one.
    assert len(list(journal.folder.iterdir())) == 3
    for entry in (held, other):
        entry.close()
    assert journal.open(call(5)).get(["page"]) == b"paid"
