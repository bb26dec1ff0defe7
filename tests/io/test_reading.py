"""Reading Parquet: files, folders, patterns, lists and URLs, as one table with its provenance."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import sqlite3
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from support.exported import values

import sectorsdf
from sectorsdf.frames.arrow import to_arrow
from sectorsdf.io.export import export_frame


def snapshot_path(root, day, dataset="mining_licenses"):
    folder = root / f"dataset={dataset}" / f"snapshot_date={day}"
    folder.mkdir(parents=True)
    return folder / "part-0.parquet"


@pytest.fixture(scope="module")
def months():
    """Two fetches of the register."""
    frames = []
    for licences in (60, 40):
        with sectorsdf.sandbox.running(server={"licenses": licences}) as client:
            frames.append(sectorsdf.get_mining_licenses(client=client))
    return frames


@pytest.fixture(scope="module")
def root(months, tmp_path_factory):
    """A folder of two snapshots, each a whole file."""
    root = tmp_path_factory.mktemp("root")
    for frame, day in zip(months, ("2026-10-01", "2026-11-01"), strict=True):
        sectorsdf.write_parquet(frame, snapshot_path(root, day))
    (root / "manifest.json").write_text("{}")
    hidden = root / ".dataset-0.part"
    hidden.mkdir()
    (hidden / "part-0.parquet").write_bytes(b"half")
    (root / "_SUCCESS").touch()
    return root


@pytest.fixture(scope="module")
def folder(months, tmp_path_factory):
    """One fetch, partitioned by two columns."""
    path = tmp_path_factory.mktemp("folder") / "register"
    return export_frame(months[0], path, partition_by=["province", "license_effective_date"])


def ordered(frame):
    return frame.sort_values("wiup_code").reset_index(drop=True)


# What a folder means


def test_a_folder_is_the_frame_that_was_exported(folder, months):
    read = sectorsdf.read_parquet(folder)
    pd.testing.assert_frame_equal(ordered(read), ordered(months[0]))
    assert read.attrs == months[0].attrs
    assert read.index.equals(pd.RangeIndex(60))


def test_the_folders_of_snapshots_give_a_day_and_a_name(root, months):
    read = sectorsdf.read_parquet(root)
    assert list(read.columns) == [*months[0].columns, "dataset", "snapshot_date"]
    assert str(read["dataset"].dtype) == "string"
    assert str(read["snapshot_date"].dtype) == "datetime64[us]"
    assert read.groupby("snapshot_date").size().tolist() == [60, 40]
    plain = pd.concat(months, ignore_index=True)
    pd.testing.assert_frame_equal(read[plain.columns], plain, check_dtype=True)


def test_several_fetches_are_derived_from_each(root, months):
    provenance = sectorsdf.read_parquet(root).attrs["sectorsdf"]
    assert (provenance["dataset"], provenance["rows"]) == ("mining_licenses", 100)
    assert provenance["complete"] is None
    digests = [frame.attrs["sectorsdf"]["digest"] for frame in months]
    assert [each["digest"] for each in provenance["derived_from"]] == digests


@pytest.mark.parametrize("form", ["path", "text", "list", "pattern", "**", "file URL"])
def test_the_same_rows_however_they_are_named(root, months, form):
    first = root / "dataset=mining_licenses" / "snapshot_date=2026-10-01"
    named = {
        "path": first,
        "text": str(first),
        "list": [first / "part-0.parquet"],
        "pattern": first / "part-*.parquet",
        "**": str(first / "**" / "*.parquet"),
        "file URL": first.as_uri(),
    }[form]
    read = sectorsdf.read_parquet(named)
    pd.testing.assert_frame_equal(read, months[0])
    assert read.attrs == months[0].attrs


def test_a_pattern_gives_the_columns_below_its_fixed_part(root, months):
    read = sectorsdf.read_parquet(root / "dataset=mining_licenses" / "*" / "part-0.parquet")
    assert list(read.columns) == [*months[0].columns, "snapshot_date"]
    folders = sectorsdf.read_parquet(root / "dataset=mining_licenses" / "snapshot_date=*")
    pd.testing.assert_frame_equal(folders, read)


def test_a_list_keeps_its_order(root, months):
    days = [root / "dataset=mining_licenses" / f"snapshot_date=2026-{m}-01" for m in (11, 10)]
    read = sectorsdf.read_parquet(days)
    pd.testing.assert_frame_equal(read, pd.concat([months[1], months[0]], ignore_index=True))


def test_a_name_with_the_characters_of_a_pattern(months, tmp_path):
    path = sectorsdf.write_parquet(months[1], tmp_path / "a[1]*.parquet")
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(path), months[1])


def test_a_column_that_the_files_have_as_well_is_theirs(tmp_path):
    for year in (2023, 2024):
        folder = tmp_path / f"year={year}"
        folder.mkdir()
        pd.DataFrame({"slug": ["a"], "year": [year]}).to_parquet(folder / "a.parquet", index=False)
    read = sectorsdf.read_parquet(tmp_path)
    assert list(read.columns) == ["slug", "year"]
    assert read["year"].tolist() == [2023, 2024]


def test_a_folder_that_does_not_fit_its_type(months, tmp_path):
    path = export_frame(months[1], tmp_path / "f", partition_by="license_expiry_date")
    next(iter(path.iterdir())).rename(path / "license_expiry_date=soon")
    with pytest.raises(ValueError, match=r"license_expiry_date=soon does not name a value of the"):
        sectorsdf.read_parquet(path)


# Columns and filters


def test_columns_are_read_in_their_order(folder, root):
    names = ["license_effective_date", "wiup_code", "province"]
    for path in (folder, root):
        read = sectorsdf.read_parquet(path, columns=names)
        assert list(read.columns) == names
        assert list(map(str, read.dtypes)) == ["datetime64[us]", "string", "string"]


@pytest.mark.parametrize(
    ("filters", "mask"),
    [
        ([("license_type", "==", "IUP")], lambda f: f["license_type"] == "IUP"),
        (
            [("license_effective_date", ">=", "2015-01-01")],
            lambda f: f["license_effective_date"] >= "2015-01-01",
        ),
        (
            [("license_expiry_date", "<", dt.date(2030, 1, 1)), ("licensed_area_ha", ">", 100)],
            lambda f: (f["license_expiry_date"] < "2030-01-01") & (f["licensed_area_ha"] > 100),
        ),
        (
            [("license_expiry_date", "<", pd.Timestamp("2030-01-01"))],
            lambda f: f["license_expiry_date"] < "2030-01-01",
        ),
        (
            [[("license_type", "==", "IUPK")], [("license_type", "in", ["IUP", "KK"])]],
            lambda f: f["license_type"].isin(["IUPK", "IUP", "KK"]),
        ),
        (pc.field("licensed_area_ha") > 100, lambda f: f["licensed_area_ha"] > 100),
    ],
)
def test_filters_select_rows(folder, root, months, filters, mask):
    expected = ordered(months[0][mask(months[0]).fillna(value=False)])
    read = sectorsdf.read_parquet(folder, filters=filters)
    pd.testing.assert_frame_equal(ordered(read), expected)
    found = sectorsdf.verify(read)
    assert found.intact is (len(read) == 60)
    if len(read) < 60:
        provenance = read.attrs["sectorsdf"]
        assert provenance["derived_from"]["digest"] == months[0].attrs["sectorsdf"]["digest"]
        assert provenance["digest"] == found.digest
    first = root / "dataset=mining_licenses" / "snapshot_date=2026-10-01" / "part-0.parquet"
    pd.testing.assert_frame_equal(ordered(sectorsdf.read_parquet(first, filters=filters)), expected)


def test_partitions_that_a_filter_excludes_are_not_read(root, months):
    other = root / "dataset=mining_licenses" / "snapshot_date=2026-11-01" / "part-0.parquet"
    size = other.stat().st_size
    # The rows of the other snapshot are damaged; its end, which describes them, is not.
    content = other.read_bytes()
    other.write_bytes(content[:4] + bytes(len(content) // 4) + content[4 + len(content) // 4 :])
    try:
        assert other.stat().st_size == size
        read = sectorsdf.read_parquet(root, filters=[("snapshot_date", "==", "2026-10-01")])
    finally:
        other.write_bytes(content)
    pd.testing.assert_frame_equal(read[months[0].columns], months[0])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"columns": ["nowhere"]}, "columns names columns that the files do not have: 'nowhere'"),
        ({"columns": list("abcdefgh")}, "'a', 'b', 'c', 'd', 'e' and 3 more; they have .* more$"),
        ({"columns": "wiup_code"}, "columns takes a list of names"),
        ({"filters": [("nowhere", "==", 1)]}, "filters names columns.*'nowhere'"),
        ({"filters": [("province", "Aceh")]}, "a filter is .column, operator, value."),
        ({"filters": ["province"]}, "a filter is .column, operator, value."),
        ({"filters": [("province", "==", 5)]}, "cannot be read"),
        ({"filters": [("license_expiry_date", ">", "soon")]}, "soon"),
    ],
)
def test_what_is_asked_wrongly_is_named(folder, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        sectorsdf.read_parquet(folder, **options)


# Files of different shapes


def test_files_with_different_columns_and_numbers(tmp_path):
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_parquet(tmp_path / "1.parquet", index=False)
    pd.DataFrame({"a": [0.5], "c": [True]}).to_parquet(tmp_path / "2.parquet", index=False)
    read = sectorsdf.read_parquet(tmp_path)
    assert values(read) == {"a": [1.0, 2.0, 0.5], "b": ["x", "y", None], "c": [None, None, True]}
    assert read.attrs == {}


def test_files_whose_types_have_nothing_in_common(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "1.parquet", index=False)
    pd.DataFrame({"a": ["x"]}).to_parquet(tmp_path / "2.parquet", index=False)
    with pytest.raises(ValueError, match=r"2\.parquet does not fit the files before it.*a"):
        sectorsdf.read_parquet(tmp_path)


def test_a_file_without_provenance_among_others(months, tmp_path):
    sectorsdf.write_parquet(months[1], tmp_path / "a.parquet")
    plain = months[1].copy()
    plain.attrs = {}
    sectorsdf.write_parquet(plain, tmp_path / "b.parquet")
    provenance = sectorsdf.read_parquet(tmp_path).attrs["sectorsdf"]
    assert provenance["complete"] is None
    assert provenance["files_without_provenance"] == 1
    assert provenance["derived_from"]["rows"] == 40


def test_attrs_of_the_users_own_stay_if_all_files_have_them(months, tmp_path):
    for number, note in enumerate(("a", "b")):
        frame = months[1].copy()
        frame.attrs |= {"project": "x", "note": note}
        sectorsdf.write_parquet(frame, tmp_path / f"{number}.parquet")
    attrs = sectorsdf.read_parquet(tmp_path).attrs
    assert attrs["project"] == "x"
    assert "note" not in attrs
    part = sectorsdf.read_parquet(tmp_path / "0.parquet", columns=["wiup_code"])
    assert part.attrs["note"] == "a"


# What is no Parquet file


def _write_feather(path):
    pyarrow.feather.write_feather(pa.table({"a": [1]}), str(path))


def _write_sqlite(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()


FOREIGN = {
    "an empty file": lambda path: path.touch(),
    "a text file, such as CSV": lambda path: path.write_text("wiup_code;name\n001;Contoh é\n"),
    "JSON": lambda path: path.write_text('[{"a": 1}]'),
    "HTML or XML": lambda path: path.write_text("\n<!doctype html><title>404</title>"),
    "gzip": lambda path: path.write_bytes(gzip.compress(b"a,b\n")),
    "an Excel workbook": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(40)),
    "an Arrow IPC": _write_feather,
    "an SQLite database": _write_sqlite,
    "a DuckDB database": lambda path: path.write_bytes(bytes(8) + b"DUCK" + bytes(40)),
    "cut short": lambda path: path.write_bytes(b"PAR1" + bytes(100)),
    "Git LFS": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
    "binary file of another": lambda path: path.write_bytes(bytes(range(256))),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_named_with_what_it_is(what, tmp_path):
    path = tmp_path / "strange.parquet"
    FOREIGN[what](path)
    for named in (path, tmp_path):
        with pytest.raises(ValueError, match=rf"strange\.parquet cannot be read.*{what}"):
            sectorsdf.read_parquet(named)


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.parquet"):
        sectorsdf.read_parquet(tmp_path / "nowhere.parquet")
    with pytest.raises(FileNotFoundError, match="no Parquet file here"):
        sectorsdf.read_parquet(tmp_path)
    (tmp_path / "a.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"no Parquet file here, but a\.csv"):
        sectorsdf.read_parquet(tmp_path)
    with pytest.raises(FileNotFoundError, match="no Parquet file here"):
        sectorsdf.read_parquet(tmp_path / "*.parquet")
    with pytest.raises(ValueError, match="list of paths is empty"):
        sectorsdf.read_parquet([])
    for wrong in (5, None, [7]):
        with pytest.raises(sectorsdf.ConfigurationError, match="neither a path nor a URL"):
            sectorsdf.read_parquet(wrong)


# Other places


def test_a_folder_behind_a_url(folder, root, months, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    place = f"memory://{tmp_path.name}"
    for local, name in ((folder, "folder"), (root, "root")):
        memory.put(f"{local}{os.sep}", f"/{tmp_path.name}/{name}/", recursive=True)
    read = sectorsdf.read_parquet(f"{place}/folder")
    pd.testing.assert_frame_equal(read, sectorsdf.read_parquet(folder))
    assert sectorsdf.verify(f"{place}/folder/").complete is True
    pattern = sectorsdf.read_parquet(f"{place}/root/dataset=*/snapshot_date=*/part-0.parquet")
    local = sectorsdf.read_parquet(root)
    pd.testing.assert_frame_equal(pattern, local)
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(f"{place}/root"), local)
    part = f"{place}/root/dataset=mining_licenses/snapshot_date=2026-10-01/part-0.parquet"
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(part), months[0])
    few = sectorsdf.read_parquet([part, part], columns=["wiup_code"])
    assert len(few) == 120
    with pytest.raises(FileNotFoundError):
        sectorsdf.read_parquet(f"{place}/nowhere.parquet")


def test_a_url_that_nobody_knows():
    pytest.importorskip("fsspec")
    with pytest.raises(sectorsdf.ConfigurationError, match=r"(?s)path='nonsense://b'.*") as refused:
        sectorsdf.read_parquet("nonsense://user:hush@b")
    assert "hush" not in str(refused.value)


def test_a_url_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(sectorsdf.MissingExtraError, match=r"sectorsdf\[remote\]"):
        sectorsdf.read_parquet("memory://x/a.parquet")


# Arrow


def test_arrow_round_trip(months):
    frame = months[0]
    table = sectorsdf.to_arrow(frame)
    again = sectorsdf.from_arrow(table)
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs == frame.attrs
    assert table.schema.field("license_expiry_date").type == pa.date32()
    with pytest.raises(TypeError, match=r"takes a pyarrow\.Table, not list"):
        sectorsdf.from_arrow([1])


def test_tables_of_polars(months):
    polars = pytest.importorskip("polars")
    table = to_arrow(months[0])
    read = sectorsdf.from_arrow(polars.from_arrow(table))
    plain = months[0].copy()
    plain.attrs = {}
    pd.testing.assert_frame_equal(read, plain)


def test_a_named_index_becomes_columns(months, tmp_path):
    frame = months[0].set_index("wiup_code")
    read = sectorsdf.read_parquet(sectorsdf.write_parquet(frame, tmp_path / "f.parquet"))
    pd.testing.assert_frame_equal(read, months[0])
    assert read.attrs == months[0].attrs


def test_the_attrs_are_in_the_file_once(months, tmp_path):
    path = sectorsdf.write_parquet(months[0], tmp_path / "f.parquet")
    metadata = pq.read_schema(path).metadata
    assert b"certificate" not in metadata[b"pandas"]
    assert b"certificate" in metadata[b"PANDAS_ATTRS"]
