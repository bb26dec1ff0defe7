"""The journal of paid pages."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.cache import append_file, record_journal
from sectorsdf.cache.journal import Journal, JournalEntry
from sectorsdf.cache.page_file import Reuse

CALL = {"dataset": "mining_licenses", "host": "http://127.0.0.1:1", "query": {"province": "Riau"}}
PAGE = [30, [["province", "Riau"]], "license_expiry_date", 0]
BODY = '{"results": ["é", 1.50]}'.encode()


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


def reopened(journal, **options):
    """Open the call again, as after a crash."""
    return journal.open(CALL, Reuse(**options))


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


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
    entry.clear()
    assert entry.kept == 0
    assert (entry.folder / "pages.journal").stat().st_size == 0
    assert entry.get(PAGE) is None
    entry.put(PAGE, BODY)
    assert entry.get(PAGE) == BODY


def test_a_page_that_holds_no_longer_is_dropped(journal):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    entry.put([0], BODY)
    entry.drop(PAGE)
    entry.drop(["never here"])
    assert entry.get(PAGE) is None
    entry.close()
    again = reopened(journal)
    assert again.get(PAGE) is None
    assert again.get([0]) == BODY
    again.put(PAGE, b"newer")
    again.close()
    assert reopened(journal).get(PAGE) == b"newer"


def test_resume_false_forgets_the_pages(journal):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    entry.close()
    assert reopened(journal, resume=False).get(PAGE) is None


def test_pages_have_an_age(journal, monkeypatch):
    entry = journal.open(CALL, Reuse(resume_within=100.0))
    entry.put(PAGE, BODY)
    now = time.time()
    for later, found in [(99, BODY), (101, None), (-50, None)]:
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
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


MARK = b"\n#sectorsdf page "


def changed(place):
    """Return a damage that flips a bit somewhere in a page."""
    return lambda data: bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:5],
        lambda data: data[1:],
        lambda data: b"\xff" * len(data),
        lambda data: MARK + b"[]\n" + data.partition(b"}\n")[2],
        lambda data: data.replace(b"Riau", b"Aceh", 1),
        lambda data: data.replace(b'"written": 1', b'"written": "x1'),
        lambda data: data.replace(b'"written"', b'"gone"'),
        lambda data: data.replace(b'"length": ', b'"length": 9'),
        lambda data: data.replace(b'"length": ', b'"length": -'),
        *map(changed, range(0, 240, 6)),
    ],
)
def test_a_damaged_page_is_asked_for_again_and_costs_no_other(journal, damage):
    entry = journal.open(CALL)
    names = [[0], PAGE, [60]]
    for name in names:
        entry.put(name, BODY)
    entry.close()
    path = entry.folder / "pages.journal"
    first, second, third = (MARK + part for part in path.read_bytes().split(MARK)[1:])
    path.write_bytes(first + damage(second) + third)
    again = reopened(journal)
    assert [again.get(name) for name in names] == [BODY, None, BODY]
    again.put(PAGE, BODY)
    assert again.get(PAGE) == BODY
    again.close()
    assert reopened(journal).get(PAGE) == BODY


def test_what_stands_behind_a_page_does_it_no_harm(journal):
    """A kill may leave any part of the page that was being written."""
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    whole = (entry.folder / "pages.journal").read_bytes()
    entry.put([0], BODY)
    both = (entry.folder / "pages.journal").read_bytes()
    entry.close()
    for stop in range(len(whole), len(both)):
        (entry.folder / "pages.journal").write_bytes(both[:stop])
        again = reopened(journal)
        assert again.get(PAGE) == BODY
        assert again.get([0]) is None
        again.put([0], BODY)
        again.close()
        again = reopened(journal)
        assert (again.get(PAGE), again.get([0])) == (BODY, BODY)
        again.close()


def test_damage_is_told(journal, caplog):
    entry = journal.open(CALL)
    entry.put(PAGE, BODY)
    path = entry.folder / "pages.journal"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert entry.get(PAGE) is None
    assert "damaged" in caplog.text


def test_pages_that_the_call_which_paid_for_them_would_not_use_are_gone(journal, caplog):
    entry = journal.open(CALL, Reuse(resume_within=100.0))
    entry.put(PAGE, BODY)
    entry.close()
    again = journal.open(CALL, Reuse(opened=time.time() + 1))
    assert again.get(PAGE) == BODY
    again.close()
    later = time.time() + 200
    # Something was written to the file since then, such as that another page is out of date.
    os.utime(entry.folder / "pages.journal", (later, later))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        again = journal.open(CALL)
        assert again.get(PAGE) is None
        assert again.names() == []
    assert (entry.folder / "pages.journal").stat().st_size == 0
    assert not caplog.text


@pytest.mark.parametrize("within", ['"soon"', "[]", "null", "true"])
def test_a_page_that_says_nothing_of_its_age_stops_no_call(journal, within):
    entry, record = journal.open(CALL, Reuse(resume_within=100.0)), records(journal, "a")
    entry.put(PAGE, BODY)
    record.put(PATHS["a"], BODY)
    entry.close()
    pages = [entry.folder / "pages.journal", *(journal.folder / "records").glob("*.page")]
    for file in pages:
        content = file.read_bytes().replace(b'"within": 100.0', b'"within": ' + within.encode())
        file.write_bytes(content.replace(b'"within": 3600.0', b'"within": ' + within.encode()))
    record_journal._looked.clear()
    assert reopened(journal).get(PAGE) is None
    assert records(journal, "a").get(PATHS["a"]) is None


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


def test_pages_that_are_too_old_do_not_count(journal, monkeypatch):
    old, young = journal.open(CALL), journal.open(CALL)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 1.0)
        for number in range(3):
            old.put([number], BODY)
    young.put([0], BODY)
    old.close()
    young.close()
    assert reopened(journal).folder == young.folder


def test_a_damaged_page_does_not_count(journal):
    entries = [journal.open(CALL) for _ in range(2)]
    for entry in entries:
        entry.put([0], BODY)
        entry.put([30], BODY)
        entry.close()
    file = entries[0].folder / "pages.journal"
    file.write_bytes(file.read_bytes().replace(b'"written"', b'"gone"', 1))
    again = reopened(journal)
    assert again.folder == entries[1].folder
    assert again.kept == 2


def test_an_answer_of_some_rows_leaves_what_a_killed_call_for_all_has_paid(journal):
    killed, some = journal.open(CALL), journal.open(CALL, max_rows=5)
    killed.put(PAGE, BODY)
    killed.close()
    some.put(PAGE, BODY)
    some.reuse = Reuse(opened=time.time() + 1)
    some.answered(whole=False)
    some.close()
    assert reopened(journal).get(PAGE) == BODY


def test_a_process_that_is_killed_lets_go(journal):
    code = (
        "import sys, time; from pathlib import Path; from sectorsdf.cache.journal import Journal\n"
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


def test_what_a_killed_call_left_is_forgotten_when_a_later_one_ends(journal, monkeypatch):
    left, running, ended = (journal.open(CALL) for _ in range(3))
    long_ago = time.time() - 60
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: long_ago)
        left.put(PAGE, BODY)
    running.put(PAGE, BODY)
    left.close()
    ended.clear()
    assert (left.folder / "pages.journal").stat().st_size == 0
    # A call that still runs keeps its own.
    assert running.get(PAGE) == BODY


def test_what_was_paid_after_a_call_began_outlives_its_end(journal):
    ended, later = journal.open(CALL), journal.open(CALL)
    later.put(PAGE, BODY)
    later.close()
    ended.clear()
    found = [reopened(journal).get(PAGE) for _ in range(2)]
    assert BODY in found


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
    monkeypatch.setattr(append_file.os, "write", refuse)
    entry.put(PAGE, BODY)
    entry.put([0], BODY)
    assert entry.kept == 0
    assert entry.get(PAGE) is None
    assert caplog.text.count("cannot be kept") == 1
    entry.clear()
    entry.close()


class Disk:
    """A disk that keeps what was flushed when the power is cut."""

    def __init__(self):
        self.kept = 0
        self.flushes = 0
        self.may_flush = threading.Event()
        self.may_flush.set()

    def flush(self, number):
        self.may_flush.wait(10)
        size = os.fstat(number).st_size
        append_file_flush(number)
        self.kept = size
        self.flushes += 1


append_file_flush = append_file.flush


@pytest.fixture
def disk(monkeypatch):
    """The disk below the journal, which can be told to be slow."""
    disk = Disk()
    monkeypatch.setattr(append_file, "flush", disk.flush)
    yield disk
    disk.may_flush.set()


def entry_of(journal, kind, keys="abc"):
    """Return an entry, and a function that puts a page or a record into it."""
    if kind == "page":
        entry = journal.open(CALL)
        return entry, entry.put
    entry = journal.open_records(RECORDS, {key: f"/{key}/" for key in keys})
    return entry, lambda name, body: entry.put(f"/{name[0]}/", body)


def written_bytes(journal):
    pages = [*journal.folder.glob("*/pages.journal"), *journal.folder.glob("records/*.page")]
    return sum(path.stat().st_size for path in pages)


@pytest.mark.parametrize("kind", ["page", "record"])
def test_a_power_cut_after_a_call_loses_no_page(journal, disk, kind):
    """A call that fails, or whose answer is not yet in a file, ends when its pages are on disk."""
    assert append_file_flush in (getattr(os, "fdatasync", None), os.fsync)
    entry, put = entry_of(journal, kind)
    for key in "abc":
        put([key], BODY)
    entry.settle()
    assert disk.kept == written_bytes(journal) > 3 * len(BODY)
    put(["a"], BODY)
    entry.close()
    assert disk.kept == written_bytes(journal)
    # An answer that comes late.
    put(["b"], BODY)
    assert disk.kept == written_bytes(journal)


@pytest.mark.parametrize("kind", ["page", "record"])
def test_one_flush_serves_all_pages_that_came_meanwhile(journal, disk, kind):
    keys = "abcdefghijklmnop"
    entry, put = entry_of(journal, kind, keys)
    disk.may_flush.clear()
    # No thread that brings a page waits for the disk.
    for key in keys:
        put([key], BODY)
    assert disk.kept == 0
    disk.may_flush.set()
    for _ in range(3):
        entry.settle()
    assert disk.kept == written_bytes(journal)
    assert disk.flushes == 1
    entry.close()


@pytest.mark.parametrize("kind", ["page", "record"])
def test_a_disk_that_cannot_flush_costs_one_word(journal, monkeypatch, caplog, kind):
    entry, put = entry_of(journal, kind)
    monkeypatch.setattr(append_file, "flush", refuse)
    put(["a"], BODY)
    entry.settle()
    entry.settle()
    assert caplog.text.count("cannot be kept") == 1
    monkeypatch.undo()
    entry.close()


RECORDS = {"dataset": "mining_site", "host": "http://127.0.0.1:1"}


FULL = """
import resource, signal, sys
from pathlib import Path
from sectorsdf.cache.journal import Journal
folder, kind = sys.argv[1:]
journal = Journal(Path(folder))
question = {"dataset": "d", "host": "h"}
if kind == "page":
    put = journal.open(question).put
else:
    entry = journal.open_records(question, {key: f"/{key}/" for key in "abc"})
    put = lambda name, body: entry.put(f"/{name[0]}/", body)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
put(["a"], b"first" * 100)
# The next page is written in part only.
resource.setrlimit(resource.RLIMIT_FSIZE, (1200, -1))
put(["b"], b"second" * 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
put(["c"], b"third" * 100)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize("kind", ["page", "record"])
def test_a_disk_that_takes_a_part_of_a_page_keeps_none_of_it(journal, caplog, kind):
    subprocess.run([sys.executable, "-c", FULL, str(journal.folder), kind], check=True, timeout=60)
    question = {"dataset": "d", "host": "h"}
    if kind == "page":
        entry = journal.open(question)
        found = [entry.get([key]) for key in "abc"]
        (file,) = journal.folder.glob("*/pages.journal")
        assert b"second" not in file.read_bytes()
    else:
        entry = journal.open_records(question, {key: f"/{key}/" for key in "abc"})
        found = [entry.get(f"/{key}/") for key in "abc"]
        (file,) = journal.folder.glob("records/*.page")
        assert b"second" not in file.read_bytes()
    assert found == [b"first" * 100, None, b"third" * 100]
    assert not caplog.text
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
    for entry in (
        Journal(None).open(CALL, Reuse(resume=False)),
        JournalEntry(None, Reuse()),
    ):
        entry.put(PAGE, BODY)
        assert PAGE not in entry
        entry.clear()
        entry.close()
    assert not caplog.text


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


# Addressed records

PATHS = {"a": "/sites/a/", "b": "/sites/b/"}


def records(journal, *keys, **options):
    paths = {key: PATHS[key] for key in keys or PATHS}
    return journal.open_records(RECORDS, paths, **options)


def test_a_record_is_found_by_every_call_that_asks_for_it(journal):
    both = records(journal)
    both.put(PATHS["a"], BODY)
    both.put(PATHS["b"], b"")
    assert records(journal, "a").get(PATHS["a"]) == BODY
    assert PATHS["b"] in records(journal, "b")
    assert records(journal).kept == both.kept == 2
    other = journal.open_records({**RECORDS, "host": "http://127.0.0.1:2"}, PATHS)
    assert other.kept == 0
    assert other.written(PATHS["a"]) is None


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:-1], *map(changed, (5, 40, 250, -2))],
)
def test_a_damaged_record_is_asked_for_again(journal, damage):
    records(journal).put(PATHS["a"], BODY)
    for file in (journal.folder / "records").glob("*.page"):
        file.write_bytes(damage(file.read_bytes()))
    again = records(journal)
    assert again.kept == 0
    again.put(PATHS["a"], BODY)
    assert again.get(PATHS["a"]) == BODY
    again.answered()
    assert not files(journal.folder / "records", "*.page")


def test_records_beside_a_damaged_one_are_used(journal):
    entry = records(journal)
    for path in PATHS.values():
        entry.put(path, BODY)
    (file,) = (journal.folder / "records").glob("*.page")
    file.write_bytes(changed(-2)(file.read_bytes()))
    again = records(journal)
    assert [again.get(path) for path in PATHS.values()] == [BODY, None]


def test_an_equal_call_that_is_answered_takes_nothing_from_the_other(journal):
    first, second = records(journal), records(journal)
    second.put(PATHS["a"], BODY)
    first.put(PATHS["a"], BODY)
    first.answered()
    assert records(journal).kept == 0
    second.put(PATHS["b"], BODY)
    second.close()
    assert records(journal).kept == 1
    # The list of its keys is there again.
    records(journal, "b").answered()
    assert records(journal).kept == 1


def test_nothing_is_left_of_records_that_were_answered(journal):
    entry = records(journal)
    for path in PATHS.values():
        entry.put(path, BODY)
    names = files(journal.folder / "records")
    assert sorted(name.rpartition(".")[2] for name in names) == ["keys", "page"]
    if os.name == "posix":
        for path in (journal.folder / "records").iterdir():
            assert path.stat().st_mode & 0o077 == 0
    records(journal, "a").answered()
    assert files(journal.folder / "records") == names
    entry.answered()
    assert not files(journal.folder / "records")


def test_a_record_that_arrives_after_the_next_call_was_answered_is_not_kept(journal):
    interrupted = records(journal)
    interrupted.close()
    interrupted.put(PATHS["a"], BODY)
    assert records(journal).get(PATHS["a"]) == BODY
    following = records(journal)
    following.answered()
    for path in PATHS.values():
        interrupted.put(path, BODY)
    assert records(journal).kept == 0


def test_a_call_that_still_runs_keeps_a_record_that_another_one_has_answered(journal):
    running = records(journal)
    records(journal).answered()
    running.put(PATHS["a"], BODY)
    assert records(journal).get(PATHS["a"]) == BODY


def test_a_call_for_some_rows_keeps_its_pages_apart(journal):
    """Each belongs to its own question, although the pages have one name."""
    whole = journal.open(CALL)
    whole.put(PAGE, BODY)
    whole.close()
    some = journal.open(CALL, Reuse(refresh=True), max_rows=5)
    assert some.get(PAGE) is None
    some.put(PAGE, b"younger")
    assert some.get(PAGE) == b"younger"
    some.close()
    both = journal.open(CALL)
    assert both.get(PAGE) == b"younger"
    assert both.kept == 1
    both.close()
    fewer = journal.open(CALL, max_rows=4)
    fewer.answered(whole=False)
    fewer.close()
    assert reopened_get(journal) == b"younger"
    more = journal.open(CALL, max_rows=6)
    more.answered(whole=False)
    more.close()
    assert reopened_get(journal) == BODY
    rest = journal.open(CALL, max_rows=6)
    rest.answered(whole=True)
    rest.close()
    assert reopened_get(journal) is None


def reopened_get(journal):
    entry = reopened(journal)
    found = entry.get(PAGE)
    entry.close()
    return found


def test_a_call_takes_what_equal_calls_have_left(journal):
    first, second = journal.open(CALL), journal.open(CALL)
    first.put([0], b"old")
    second.put([0], b"new")
    second.put([30], BODY)
    first.put([60], BODY)
    first.close()
    second.close()
    entry = reopened(journal)
    assert [entry.get([offset]) for offset in (0, 30, 60)] == [b"new", BODY, BODY]
    assert entry.kept == 3
    entry.clear()
    entry.close()
    assert reopened(journal).kept == 0
