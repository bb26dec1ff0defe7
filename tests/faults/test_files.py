"""Files that are replaced: permissions, links, logs, leftovers; and what is not written at all."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import stat
import struct
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sectorsdf
from sectorsdf.io import atomic, parquet
from sectorsdf.io.atomic import staged_file
from sectorsdf.io.export import check_target, export_frame

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and signals of POSIX")
as_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="only root may change the group at will"
)

FRAME = pd.DataFrame({"code": ["a1", "a2"], "place": ["x", "y"], "area": [1.0, 1.0]})
FRAME["longitude"], FRAME["latitude"] = 107.0, -6.0
# One format of each library that writes files.
FORMATS = {
    ".csv": None,
    ".parquet": None,
    ".feather": None,
    ".sqlite": None,
    ".xlsx": "openpyxl",
    ".gpkg": "pyogrio",
    ".duckdb": "duckdb",
}


@pytest.fixture(params=FORMATS)
def suffix(request):
    if FORMATS[request.param]:
        pytest.importorskip(FORMATS[request.param])
    return request.param


@pytest.fixture
def umask():
    """Set the umask; restore it after the test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_folder(path, **how):
    return export_frame(FRAME, path, partition_by="place", **how)


# Permissions


@posix
@pytest.mark.parametrize("allowed", [0o600, 0o640, 0o660, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(here, suffix, umask, allowed):
    path = here / f"f{suffix}"
    path.write_bytes(b"old")
    path.chmod(allowed)
    if not os.access(path, os.W_OK):
        pytest.skip("this user may not write the file")
    export_frame(FRAME, path, overwrite=True)
    assert mode(path) == allowed
    assert path.read_bytes() != b"old"
    assert names(here) == [path.name]


@posix
@pytest.mark.parametrize("mask", [0o002, 0o027, 0o077])
def test_a_new_file_has_the_mode_of_any_other_new_file(here, suffix, umask, mask):
    umask(mask)
    path = export_frame(FRAME, here / f"f{suffix}")
    assert mode(path) == 0o666 & ~mask


@posix
def test_write_parquet_keeps_mode_and_link(here, umask):
    real, link = here / "2026.parquet", here / "latest.parquet"
    sectorsdf.write_parquet(FRAME.head(1), real)
    real.chmod(0o600)
    link.symlink_to("2026.parquet")
    assert sectorsdf.write_parquet(FRAME, link) == link
    assert link.is_symlink()
    assert mode(real) == 0o600
    assert len(sectorsdf.read_parquet(real)) == 2
    assert names(here) == ["2026.parquet", "latest.parquet"]


@posix
def test_nobody_else_can_open_the_file_while_it_is_written(here, umask, monkeypatch):
    path = here / "f.csv"
    path.write_text("old")
    path.chmod(0o600)
    seen = []

    def look(staged):
        seen.append(mode(staged.parent))

    monkeypatch.setattr(atomic, "flush_to_disk", look)
    export_frame(FRAME, path, overwrite=True)
    assert seen == [0o700]


@as_root
def test_a_file_that_is_replaced_keeps_owner_and_group(here, umask):
    path = here / "f.csv"
    path.write_text("old")
    os.chown(path, 54321, 54322)
    path.chmod(0o640)
    export_frame(FRAME, path, overwrite=True)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (54321, 54322, 0o640)


@as_root
@pytest.mark.parametrize(("before", "after"), [(0o660, 0o600), (0o664, 0o644), (0o646, 0o646)])
def test_another_group_does_not_get_the_rights_of_the_old_one(
    here, umask, monkeypatch, before, after
):
    path = here / "f.csv"
    path.write_text("old")
    os.chown(path, -1, 54322)
    path.chmod(before)

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    export_frame(FRAME, path, overwrite=True)
    assert path.stat().st_gid != 54322
    assert mode(path) == after


@pytest.mark.skipif(sys.platform != "linux", reason="access lists of Linux")
def test_an_access_list_stays(here, umask):
    path = here / "f.csv"
    path.write_text("old")
    # Version 2: the owner, the user 1234, the group, the mask, others.
    entries = [(1, 6, -1), (2, 4, 1234), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
    rights = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", rights)
    except OSError:
        pytest.skip("this file system has no access lists")
    export_frame(FRAME, path, overwrite=True)
    assert os.getxattr(path, "system.posix_acl_access") == rights


@posix
def test_a_folder_that_is_replaced_keeps_its_modes(here, umask):
    path = write_folder(here / "parts")
    path.chmod(0o750)
    (path / "place=x").chmod(0o700)
    for file in path.rglob("*.parquet"):
        file.chmod(0o640 if "x" in file.parent.name else 0o604)
    export_frame(FRAME, path, partition_by="code", overwrite=True)
    assert names(path) == ["code=a1", "code=a2"]
    assert mode(path) == 0o750
    assert {mode(folder) for folder in path.iterdir()} == {0o700}
    # What one of the old files did not allow, no new one allows.
    assert {mode(file) for file in path.rglob("*.parquet")} == {0o600}
    assert names(here) == ["parts"]


@pytest.mark.parametrize("partitioned", [False, True])
def test_what_is_read_only_is_not_replaced(here, monkeypatch, partitioned):
    path = here / "f.parquet"
    how = {"partition_by": "place"} if partitioned else {}
    export_frame(FRAME, path, **how)
    protected = next(path.rglob("*.parquet")) if partitioned else path
    before = protected.read_bytes()
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, right: p != protected and access(p, right))
    with pytest.raises(PermissionError, match=r"read-only.*f\.parquet"):
        check_target(path, overwrite=True, partition_by=how.get("partition_by"))
    with pytest.raises(PermissionError, match="read-only"):
        export_frame(FRAME, path, overwrite=True, **how)
    if not partitioned:
        with pytest.raises(PermissionError, match="read-only"):
            sectorsdf.write_parquet(FRAME, path)
    assert protected.read_bytes() == before
    monkeypatch.setattr(os, "access", lambda p, right: p != here and access(p, right))
    with pytest.raises(PermissionError, match="may not write into this folder"):
        check_target(here / "new.csv", overwrite=False, partition_by=None)


def test_a_read_only_file_costs_nothing(serve, here, monkeypatch):
    client, path = serve(), here / "f.csv"
    path.write_text("old")
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, right: p != path and access(p, right))
    with pytest.raises(PermissionError):
        sectorsdf.export(sectorsdf.get_mining_licenses, path, overwrite=True, client=client)
    assert client.spent == 0


def test_a_url_of_another_place_costs_nothing(serve, here):
    client = serve()
    for path in ("s3://bucket/f.parquet", Path("s3://bucket/f.parquet"), "file://elsewhere/f.csv"):
        with pytest.raises(sectorsdf.ConfigurationError, match="cannot be used"):
            sectorsdf.export(sectorsdf.get_mining_licenses, path, client=client)
        with pytest.raises(sectorsdf.ConfigurationError, match="cannot be used"):
            sectorsdf.write_parquet(FRAME, path)
    assert client.spent == 0
    assert sectorsdf.export(FRAME, f"file://{here}/f.csv") == here / "f.csv"


# Links


@posix
def test_the_file_behind_a_link_is_replaced_and_the_link_stays(here, suffix):
    (here / "data").mkdir()
    real, middle, link = (here / f"{name}{suffix}" for name in ("data/2026", "month", "latest"))
    real.write_bytes(b"old")
    middle.symlink_to(Path("data") / real.name)
    link.symlink_to(middle)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_frame(FRAME, link)
    assert export_frame(FRAME, link, overwrite=True) == link
    assert link.readlink() == middle
    assert middle.readlink() == Path("data") / real.name
    assert real.read_bytes() != b"old"
    assert names(here) == sorted(["data", middle.name, link.name])
    assert names(here / "data") == [real.name]


@posix
def test_a_link_to_nothing_makes_the_file_that_it_names(here):
    (here / "data").mkdir()
    link = here / "latest.csv"
    link.symlink_to(here / "data" / "2026.csv")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_frame(FRAME, link)
    export_frame(FRAME, link, overwrite=True)
    assert link.is_symlink()
    assert (here / "data" / "2026.csv").is_file()
    link.unlink()
    link.symlink_to(here / "nowhere" / "2026.csv")
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere"):
        export_frame(FRAME, link, overwrite=True)
    assert link.is_symlink()


@posix
def test_links_that_a_file_cannot_replace(here):
    (here / "folder").mkdir()
    (here / "data.csv.gz").write_bytes(b"old")
    for name, target in (("a.csv", "b.csv"), ("b.csv", "a.csv"), ("f.csv", "folder")):
        (here / name).symlink_to(target)
    (here / "g.csv").symlink_to("data.csv.gz")
    with pytest.raises(OSError, match="leads back to itself") as raised:
        export_frame(FRAME, here / "a.csv", overwrite=True)
    assert raised.value.errno == errno.ELOOP
    with pytest.raises(FileExistsError, match="there is a folder"):
        export_frame(FRAME, here / "f.csv", overwrite=True)
    with pytest.raises(ValueError, match=r"points to 'data\.csv\.gz'.*\.csv would be wrong"):
        export_frame(FRAME, here / "g.csv", overwrite=True)
    assert (here / "data.csv.gz").read_bytes() == b"old"


@posix
def test_the_folder_behind_a_link_is_replaced(here):
    (here / "data").mkdir()
    real = write_folder(here / "data" / "2026")
    link = here / "latest"
    link.symlink_to(real)
    export_frame(FRAME, link, partition_by="code", overwrite=True)
    assert link.readlink() == real
    assert names(real) == ["code=a1", "code=a2"]
    assert names(here / "data") == ["2026"]
    (real / "code=a1" / "more.parquet").symlink_to(real / "code=a2" / "part-0.parquet")
    with pytest.raises(FileExistsError, match=r"no export wrote.*more\.parquet"):
        export_frame(FRAME, link, partition_by="code", overwrite=True)


@posix
def test_another_name_of_the_same_file_keeps_the_old_content(here):
    path, backup = here / "f.csv", here / "backup.csv"
    path.write_text("old")
    backup.hardlink_to(path)
    export_frame(FRAME, path, overwrite=True)
    assert backup.read_text() == "old"
    assert path.read_text() != "old"


@posix
def test_a_pipe_is_not_replaced(here):
    path = here / "f.csv"
    os.mkfifo(path)
    with pytest.raises(FileExistsError, match="device or a pipe"):
        export_frame(FRAME, path, overwrite=True)
    assert path.is_fifo()


# What a killed process leaves behind

_KILLED = """
import os, signal, sys
import pandas as pd
from sectorsdf.io import atomic, partitioned
from sectorsdf.io.export import export_frame

def end(path):
    os.kill(os.getpid(), signal.SIGKILL)

atomic.flush_to_disk = partitioned.flush_to_disk = end
frame = pd.DataFrame({"code": ["a1", "a2"], "place": ["x", "y"]})
export_frame(frame, sys.argv[1], overwrite=True, partition_by=sys.argv[2] or None)
"""


@posix
@pytest.mark.parametrize("column", ["", "place"])
def test_the_next_export_removes_what_a_killed_one_left(here, column):
    path = here / "f.parquet"
    how = {"partition_by": column} if column else {}
    export_frame(FRAME, path, **how)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path), column], check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = here.glob(".*")
    assert left.suffix == ".part"
    export_frame(FRAME, path, overwrite=True, **how)
    assert names(here) == ["f.parquet"]


@posix
def test_what_a_living_export_writes_stays(here):
    path = here / "f.csv"
    with staged_file(path, ".csv", overwrite=True) as staged:
        staged.write_text("slow")
        export_frame(FRAME, path)
        assert staged.read_text() == "slow"
    assert path.read_text() == "slow"
    assert names(here) == ["f.csv"]


def test_only_what_an_export_to_the_same_path_left_is_removed(here, monkeypatch):
    kept = [
        ".g.csv-0123456789ab.part",
        ".f.csv.part",
        ".f.csv-0123456789ab.part.txt",
        ".f.csv-THESIS.part",
        "f.csv-0123456789ab.part",
    ]
    for name in kept:
        (here / name).write_text("mine")
    (here / ".f.csv-0123456789ab.part").write_text("left")
    (here / ".f.csv-ab_45x78.part").mkdir()
    (here / ".f.csv-ab_45x78.part" / "data.csv").write_text("left")
    # Without locks, age decides.
    monkeypatch.setattr(atomic, "_lock", lambda path: None)
    export_frame(FRAME, here / "f.csv")
    assert len(names(here)) == len(kept) + 3
    for path in here.rglob("*"):
        os.utime(path, (1e9, 1e9))
    export_frame(FRAME, here / "f.csv", overwrite=True)
    assert names(here) == sorted([*kept, "f.csv"])


def test_the_old_content_of_a_folder_stays_until_there_is_a_new_one(here):
    old = write_folder(here / "parts").rename(here / ".parts-0123456789ab.old")
    odd = FRAME.assign(place="")
    with pytest.raises(ValueError, match="read as missing"):
        export_frame(odd, here / "parts", partition_by="place")
    assert names(here) == [old.name]
    write_folder(here / "parts")
    assert names(here) == ["parts"]


def test_a_folder_whose_old_content_cannot_be_exchanged_stays(here, monkeypatch):
    path = write_folder(here / "parts")
    rename = Path.rename

    def fail(self, target):
        if self.name == "rows":
            raise OSError(errno.EBUSY, "busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="busy"):
        export_frame(FRAME, path, partition_by="code", overwrite=True)
    assert names(path) == ["place=x", "place=y"]
    assert names(here) == ["parts"]


@posix
def test_a_name_may_be_as_long_as_the_file_system_allows(here):
    path = here / f"{'x' * 251}.csv"
    export_frame(FRAME, path)
    export_frame(FRAME, path, overwrite=True)
    folder = here / ("y" * 255)
    write_folder(folder)
    write_folder(folder, overwrite=True)
    assert names(here) == sorted([path.name, folder.name])


# Databases and their logs

_ANOTHER_PROGRAM = """
import os, sys
library, path, statements, stays = sys.argv[1], sys.argv[2], sys.argv[3].split(";"), sys.argv[4]
if library == "sqlite3":
    import sqlite3
    database = sqlite3.connect(path, isolation_level=None)
else:
    import duckdb
    database = duckdb.connect(path)
for statement in statements:
    database.execute(statement).fetchall()
print("ready", flush=True)
if stays:
    sys.stdin.read()
os._exit(0)
"""
_SPILLING = (
    "PRAGMA cache_size = 1;PRAGMA cache_spill = 1;BEGIN;"
    "CREATE TABLE more AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i, hex(randomblob(40)) FROM n"
)
_IN_WAL_MODE = "PRAGMA journal_mode = WAL;CREATE TABLE more AS SELECT * FROM data"
_IN_DUCKDB = "UPDATE data SET area = 7;CREATE TABLE more (a INTEGER)"


@pytest.fixture
def another_program():
    """Run SQL in a process that dies without closing the database, or waits until the test ends."""
    running = []

    def start(path, statements, *, stays):
        library = "duckdb" if path.suffix == ".duckdb" else "sqlite3"
        process = subprocess.Popen(
            [sys.executable, "-c", _ANOTHER_PROGRAM, library, str(path), statements, "1" * stays],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
        if not stays:
            process.wait(20)

    yield start
    for process in running:
        process.communicate(timeout=20)


def cells(path):
    """Read the codes of the only table of rows, and the largest area, with the format's library."""
    question = "SELECT code, area FROM data"
    if path.suffix == ".duckdb":
        import duckdb

        with duckdb.connect(str(path)) as database:
            return database.execute(question).fetchall()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute(question).fetchall()


CASES = [
    (".sqlite", _IN_WAL_MODE),
    (".db", _SPILLING),
    (".gpkg", _IN_WAL_MODE),
    (".duckdb", _IN_DUCKDB),
]


@pytest.fixture
def database(here, request):
    """A database with old rows."""
    if FORMATS.get(request.param[0]):
        pytest.importorskip(FORMATS[request.param[0]])
    path = here / f"f{request.param[0]}"
    export_frame(FRAME.assign(area=3.0), path, table="data")
    return path, request.param[1]


@posix
@pytest.mark.parametrize("database", CASES, indirect=True)
def test_a_log_of_a_dead_program_is_not_read_into_the_new_database(database, another_program, here):
    path, statements = database
    another_program(path, statements, stays=False)
    assert len(names(here)) > 1, "there is no log"
    export_frame(FRAME.assign(area=1.0), path, table="data", overwrite=True)
    assert names(here) == [path.name]
    assert cells(path) == [("a1", 1.0), ("a2", 1.0)]


@posix
@pytest.mark.parametrize(
    "database", [*CASES, (".sqlite", "BEGIN IMMEDIATE"), (".db", "BEGIN EXCLUSIVE")], indirect=True
)
def test_a_database_that_another_program_uses_is_not_replaced(
    database, another_program, serve, monkeypatch
):
    monkeypatch.setattr("sectorsdf.io.database_logs._LOCK_SECONDS", 0.01)
    path, statements = database
    another_program(path, statements, stays=True)
    before = path.read_bytes() if path.suffix == ".duckdb" else None
    with pytest.raises(OSError, match=r"another program has this database open.*f\.") as raised:
        export_frame(FRAME, path, overwrite=True)
    assert raised.value.errno == errno.EBUSY
    client = serve()
    with pytest.raises(OSError, match="another program"):
        sectorsdf.export(sectorsdf.get_mining_licenses, path, overwrite=True, client=client)
    assert client.spent == 0
    assert before in {None, path.read_bytes()}


@posix
@pytest.mark.parametrize("database", [CASES[0], CASES[3]], indirect=True)
def test_a_program_that_comes_while_the_file_is_written_counts_too(
    database, another_program, monkeypatch
):
    path, statements = database
    flush = atomic.flush_to_disk

    def meanwhile(staged):
        another_program(path, statements, stays=True)
        flush(staged)

    monkeypatch.setattr(atomic, "flush_to_disk", meanwhile)
    with pytest.raises(OSError, match="another program"):
        export_frame(FRAME, path, overwrite=True)


@pytest.mark.parametrize("database", [CASES[3]], indirect=True)
def test_a_connection_of_this_process_counts_too(database):
    import duckdb

    path, _ = database
    with duckdb.connect(str(path)), pytest.raises(OSError, match="another program"):
        export_frame(FRAME, path, overwrite=True)


@posix
@pytest.mark.parametrize("kept", ["PERSIST", "TRUNCATE"])
def test_a_journal_of_a_transaction_that_has_ended_is_no_obstacle(here, kept):
    path = export_frame(FRAME, here / "f.sqlite", table="data")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA journal_mode = {kept}")
        database.execute("CREATE TABLE more AS SELECT * FROM data")
    assert len(names(here)) == 2
    export_frame(FRAME, path, table="data", overwrite=True)
    assert cells(path) == [("a1", 1.0), ("a2", 1.0)]


@posix
@pytest.mark.parametrize("database", [CASES[0], CASES[3]], indirect=True)
def test_a_log_beside_a_link_counts_too(database, another_program, here):
    path, statements = database
    link = here / f"latest{path.suffix}"
    link.symlink_to(path)
    another_program(link, statements, stays=False)
    export_frame(FRAME.assign(area=1.0), link, table="data", overwrite=True)
    assert names(here) == sorted([path.name, link.name])
    assert cells(link) == [("a1", 1.0), ("a2", 1.0)]


@pytest.mark.parametrize("log", ["-wal", "-journal", ".wal", ".wal.checkpoint"])
def test_a_log_without_its_database_is_named(here, log):
    left = here / f"f.sqlite{log}"
    left.write_bytes(b"pages")
    with pytest.raises(FileExistsError, match=r"would be mixed.*f\.sqlite") as raised:
        export_frame(FRAME, here / "f.sqlite")
    assert raised.value.filename == str(left)
    assert names(here) == [left.name]
    # Other formats do not read it.
    export_frame(FRAME, here / "f.csv")


def test_neighbours_with_similar_names_are_no_logs(here):
    for name in ("f.sqlite-walrus", "f.sqlite2-wal", "g.sqlite-wal"):
        (here / name).write_bytes(b"mine")
    export_frame(FRAME, here / "f.sqlite")
    assert len(names(here)) == 4


# What could not be read back


def long_attrs():
    frame = FRAME.copy()
    frame.attrs["note"] = "x" * 1_000
    return frame


@pytest.mark.parametrize("name", ["f.parquet", "f.feather", "folder"])
def test_attrs_too_long_for_a_reader_are_refused(here, monkeypatch, name):
    monkeypatch.setattr(parquet, "_MAX_METADATA", 1_000)
    path, how = here / name, {"partition_by": "place"} if name == "folder" else {}
    monkeypatch.setattr(parquet, "_MAX_METADATA", 10_000)
    export_frame(FRAME, path, **how)
    before = {file: file.read_bytes() for file in here.rglob("*") if file.is_file()}
    monkeypatch.setattr(parquet, "_MAX_METADATA", 1_000)
    with pytest.raises(ValueError, match=r"frame\.attrs takes .* of metadata"):
        export_frame(long_attrs(), path, overwrite=True, **how)
    if name == "f.parquet":
        with pytest.raises(ValueError, match=r"frame\.attrs"):
            sectorsdf.write_parquet(long_attrs(), path)
    assert {file: file.read_bytes() for file in here.rglob("*") if file.is_file()} == before
    assert names(here) == [name]


def test_a_getter_with_attrs_too_long_keeps_what_was_paid(serve, here, monkeypatch):
    client = serve()
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "_MAX_METADATA", 100)
        with pytest.raises(ValueError, match=r"frame\.attrs"):
            sectorsdf.export(sectorsdf.get_mining_licenses, here / "f.parquet", client=client)
    assert names(here) == []
    spent = client.spent
    assert spent > 1
    sectorsdf.export(sectorsdf.get_mining_licenses, here / "f.parquet", client=client)
    assert client.spent == spent


def test_a_result_with_attrs_too_long_is_returned_and_not_cached(serve, monkeypatch):
    client = serve(cache=True)
    monkeypatch.setattr(parquet, "_MAX_METADATA", 100)
    with pytest.warns(sectorsdf.CacheWarning, match=r"cannot be cached.*of metadata"):
        frame = sectorsdf.get_mining_license_auctions(client=client)
    assert len(frame) == 14


def test_metadata_up_to_the_limit_can_be_read(here):
    length = parquet._MAX_METADATA
    schema = parquet.to_arrow(FRAME).schema.with_metadata({"note": "x" * (length - 4)})
    parquet.check_metadata(schema)
    file = here / "f.parquet"
    pq.write_table(schema.empty_table(), file)
    assert len(pq.read_schema(file).metadata[b"note"]) == length - 4
    with pytest.raises(ValueError, match="cannot be read again"):
        parquet.check_metadata(schema.with_metadata({"note": "x" * (length - 3)}))


def named(name):
    frame = FRAME.copy()
    frame.columns = pd.Index([*frame.columns[:-1], name], dtype="object")
    return frame


@pytest.mark.parametrize(
    ("ending", "frame", "complaint"),
    [
        (".xlsx", named("x" * 32_768), "32,767 characters, and a name"),
        (".sqlite", named("a\0b"), "null character"),
        (".sqlite", pd.DataFrame([range(2_001)]).rename(columns=str), "too many columns"),
        (".csv", named("a\ud800"), "surrogates"),
    ],
)
def test_a_name_that_a_format_cannot_hold_is_a_value_error(here, ending, frame, complaint):
    if ending == ".xlsx":
        pytest.importorskip("openpyxl")
    path = here / f"f{ending}"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=complaint):
        export_frame(frame, path, overwrite=True)
    assert path.read_bytes() == b"old"
    assert names(here) == [path.name]


@pytest.mark.parametrize("table", ["", "a\0b", "a\x1b[2J", "a\ud800", 5])
def test_a_table_needs_a_printable_name(here, table):
    with pytest.raises(ValueError, match="table="):
        export_frame(FRAME, here / "f.sqlite", table=table)


# Geometries and numbers beyond floats

HUGE = f"1{'0' * 400}"
NO_GEOMETRIES = [
    f'{{"type": "Point", "coordinates": [{HUGE}, 5]}}',
    f'{{"type": "Point", "coordinates": [1{"0" * 5_000}, 5]}}',
    '{"type": "Point", "coordinates": [1e999, 5]}',
    '{"type": "Point", "coordinates": [NaN, 5]}',
    '{"type": "Point", "coordinates": [true, 5]}',
    f'{{"type": "LineString", "coordinates": [[1, 2], [{HUGE}, 3]]}}',
    '{"type": "Point", "coordinates": ' + "[" * 5_000 + "]" * 5_000 + "}",
    '{"type": "GeometryCollection", "geometries": [' * 60
    + '{"type": "Point", "coordinates": [1, 2]}'
    + "]}" * 60,
]


def located(texts):
    frame = pd.DataFrame({"longitude": 107.0, "latitude": -6.0, "location_geojson": texts})
    return frame.astype({"location_geojson": "string"})


def geometries(path):
    content = json.loads(path.read_text("utf-8"))
    return [feature["geometry"] for feature in content["features"]]


def test_a_number_beyond_floats_is_no_geometry(here):
    point = {"type": "Point", "coordinates": [107.0, -6.0]}
    path = export_frame(located(NO_GEOMETRIES), here / "f.geojson")
    assert geometries(path) == [point] * len(NO_GEOMETRIES)
    # The text is still there as it was.
    content = json.loads(path.read_text("utf-8"))
    texts = [feature["properties"]["location_geojson"] for feature in content["features"]]
    assert texts == NO_GEOMETRIES


def test_every_format_writes_a_text_with_such_a_number(here, suffix):
    frame = located(NO_GEOMETRIES[:6])
    path = export_frame(frame, here / f"f{suffix}")
    assert path.stat().st_size
    if suffix == ".gpkg":
        import geopandas

        assert set(geopandas.read_file(path).geometry.astype(str)) == {"POINT (107 -6)"}


def test_a_geodataframe_without_such_a_geometry_only_warns_of_it():
    pytest.importorskip("geopandas")
    deep = '{"type": "GeometryCollection", "geometries": [' * 200_000
    frame = located([*NO_GEOMETRIES[:4], *NO_GEOMETRIES[5:], deep])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        mapped = sectorsdf.geo.to_geodataframe(frame)
    assert mapped.geometry.isna().all()
    assert len(mapped.attrs["sectorsdf"]["geometry_problems"]) == len(frame)


@pytest.fixture
def mapped():
    """A GeoDataFrame with a Point, an area, and a row without a place."""
    pytest.importorskip("geopandas")
    area = '{"type": "Polygon", "coordinates": [[[100, 0], [101, 0], [101, 1], [100, 0]]]}'
    frame = located([None, area, None]).assign(code=["a", "b", "c"])
    frame.loc[2, ["longitude", "latitude"]] = None
    frame.attrs["sectorsdf"] = {"dataset": "mining_licenses"}
    return sectorsdf.geo.to_geodataframe(frame)


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".geojson.gz"])
def test_a_geodataframe_is_written_with_its_geometries(here, mapped, ending):
    import geopandas

    path = export_frame(mapped, here / f"f{ending}")
    read = geopandas.read_file(f"/vsigzip/{path}" if ending.endswith(".gz") else path)
    assert [shape and shape.wkt for shape in read.geometry] == [
        shape and shape.wkt for shape in mapped.geometry
    ]
    assert read["code"].tolist() == ["a", "b", "c"]
    # The frame itself, without the column, is written with the same geometries.
    plain = export_frame(pd.DataFrame(mapped).drop(columns="geometry"), here / f"g{ending}")
    assert plain.stat().st_size


def test_a_geometry_counts_more_than_the_coordinates(here, mapped):
    import geopandas

    moved = mapped.set_geometry(mapped.geometry.translate(1, 1)).rename_geometry("shape")
    moved = moved.drop(columns=["longitude", "latitude"])
    assert geometries(export_frame(moved, here / "f.geojson"))[0]["coordinates"] == [108.0, -5.0]
    solid = geopandas.GeoDataFrame(
        {"a": [1]}, geometry=geopandas.points_from_xy([1], [2], [3]), crs="OGC:CRS84"
    )
    assert geometries(export_frame(solid, here / "g.geojson")) == [
        {"type": "Point", "coordinates": [1.0, 2.0, 3.0]}
    ]
    read = geopandas.read_file(export_frame(solid, here / "g.gpkg"))
    assert [shape.wkt for shape in read.geometry] == ["POINT Z (1 2 3)"]


@pytest.mark.parametrize("name", ["f.csv", "f.parquet", "f.jsonl", "f.sqlite", "f.feather", "f"])
def test_other_formats_say_what_to_do_with_a_geometry(here, mapped, name):
    how = {"partition_by": "code"} if name == "f" else {}
    with pytest.raises(ValueError, match=r"'geometry'.*\.gpkg or \.geojson.*drop.*geopandas"):
        export_frame(mapped, here / name, **how)
    with pytest.raises(ValueError, match=r"'geometry'.*drop"):
        sectorsdf.write_parquet(mapped, here / "f.parquet")
    assert names(here) == []


def test_a_geodataframe_can_be_described(mapped):
    described = sectorsdf.describe(mapped).set_index("column")
    assert described.loc["geometry", "dtype"] == "geometry"


def test_geometries_that_a_file_cannot_hold_are_refused(here, mapped):
    path = here / "f.gpkg"
    with pytest.raises(ValueError, match=r'is in .*to_crs\("EPSG:4326"\)'):
        export_frame(mapped.to_crs("EPSG:23830"), path)
    with pytest.raises(ValueError, match=r'no coordinate.*set_crs\("EPSG:4326"\)'):
        export_frame(mapped.set_crs(None, allow_override=True), path)
    with pytest.raises(ValueError, match=r"several columns.*'geometry', 'centre'.*drop the"):
        export_frame(mapped.assign(centre=mapped.geometry), path)
    far = mapped.set_geometry(mapped.geometry.translate(float("inf"), 0), crs="EPSG:4326")
    for name in ("f.gpkg", "f.geojson"):
        with pytest.raises(ValueError, match="row 0 has a coordinate that is not a finite"):
            export_frame(far, here / name)
    assert names(here) == []


def test_a_provenance_that_json_does_not_have_is_named(here):
    frame = located([None])
    frame.attrs["sectorsdf"] = {"dataset": "mining_licenses", "share": float("nan")}
    with pytest.raises(ValueError, match="neither NaN nor an infinity"):
        export_frame(frame, here / "f.geojson")
    frame.attrs["sectorsdf"] = {"dataset": "mining_licenses", "note": "a\ud800b"}
    for name in ("f.geojson", "f.sqlite", "f.parquet"):
        export_frame(frame, here / name)
    content = json.loads((here / "f.geojson").read_text("utf-8"))
    assert content["provenance"]["note"] == "a\ud800b"
