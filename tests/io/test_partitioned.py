"""Hive partitions, read by other libraries."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from support.exported import values

import sectorsdf
from sectorsdf.datasets import DATASETS
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.provenance import Provenance
from sectorsdf.io import partitioned
from sectorsdf.io.export import export_frame


def _as_rows(columns):
    names = ("code", "province", "year")
    return sorted(zip(*(columns[name] for name in names), strict=True))


def test_partitions_are_named_as_hive_names_them(provinces, here):
    path = export_frame(provinces, here / "f", partition_by="province")
    assert path == here / "f"
    names = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert names == {
        "province=Kalimantan Timur/part-0.parquet",
        "province=A%2FB%3D50%25%3F/part-0.parquet",
        "province=é%0A%3A/part-0.parquet",
        "province=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
    }
    for file in path.rglob("*.parquet"):
        provenance = sectorsdf.read_parquet(file).attrs["sectorsdf"]
        assert provenance["part_of"] == provinces.attrs["sectorsdf"]
        assert provenance["complete"] is None
        assert provenance["rows"] == pq.ParquetFile(file).metadata.num_rows
        assert pq.ParquetFile(file).schema_arrow.names == ["code", "year"]


def test_partitions_in_pyarrow_and_pandas(provinces, here):
    path = export_frame(provinces, here / "f.parquet", partition_by=["province", "year"])
    schema = pa.schema([("province", pa.string()), ("year", pa.string())])
    partitioning = ds.partitioning(schema, flavor="hive")
    read = ds.dataset(path, partitioning=partitioning).to_table()
    assert _as_rows(read.to_pydict()) == _sorted_rows(provinces)
    frame = pd.read_parquet(path, partitioning=partitioning)
    assert _sorted_rows(frame) == _sorted_rows(provinces)


def _sorted_rows(frame):
    return _as_rows(values(frame))


def test_partitions_in_polars(provinces, here):
    polars = pytest.importorskip("polars")
    path = export_frame(provinces, here / "f", partition_by=["province", "year"])
    text = {"province": polars.String, "year": polars.String}
    read = polars.read_parquet(path, hive_schema=text)
    assert _as_rows(read.to_dict(as_series=False)) == _sorted_rows(provinces)


def test_partitions_in_duckdb(provinces, here):
    duckdb = pytest.importorskip("duckdb")
    path = export_frame(provinces, here / "f", partition_by=["province", "year"])
    source = f"read_parquet('{path}/**/*.parquet', hive_types_autocast = false)"
    found = duckdb.sql(f"SELECT code, province, year FROM {source}")
    assert sorted(found.fetchall()) == _sorted_rows(provinces)


def test_partitions_by_number_flag_and_day(frames, here):
    auctions = frames["auctions"]
    parts = ["winner_date", "winner", "participant_count"]
    path = export_frame(auctions, here / "f", partition_by=parts)
    schema = pa.schema([(parts[0], pa.date32()), (parts[1], pa.bool_()), (parts[2], pa.int64())])
    read = ds.dataset(path, partitioning=ds.partitioning(schema, flavor="hive")).to_table()
    columns = read.select(list(auctions.columns)).to_pydict()

    def ordered(columns):
        return sorted(zip(*columns.values(), strict=True), key=repr)

    assert ordered(columns) == ordered(values(auctions))


def test_partitions_of_an_empty_frame_keep_the_columns(frames, here):
    empty = frames["empty"]
    path = export_frame(empty, here / "f", partition_by=["province"])
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(path / "part-0.parquet"), empty)
    for read in (ds.dataset(path, partitioning="hive").to_table().to_pandas, pd.read_parquet):
        frame = read(path) if read is pd.read_parquet else read()
        assert list(frame.columns) == list(empty.columns)
        assert not len(frame)
    polars = pytest.importorskip("polars")
    assert polars.read_parquet(path, hive_partitioning=True).columns == list(empty.columns)
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}/**/*.parquet')")
    assert found.columns == list(empty.columns)


def test_hundreds_of_partitions_need_few_open_files(here):
    resource = pytest.importorskip("resource")
    frame = pd.DataFrame({"code": [f"c{n:04}" for n in range(300)], "n": range(300)})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 20, hard))
    try:
        path = export_frame(frame, here / "f", partition_by=["code"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list(path.iterdir())) == 300


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (["nowhere"], "not exist: nowhere"),
        ([], "one or more"),
        (["code", "code"], "different columns"),
        (["code", "empty", "number", "long", "word"], "every column"),
        (["empty"], "column 'empty'.*read as missing"),
        (["word"], "column 'word'.*read as missing"),
        (["number"], "column 'number' is double"),
        (["long"], "column 'long'.*too long"),
    ],
)
def test_partitions_refuse_what_a_name_cannot_say(here, parts, complaint):
    frame = pd.DataFrame(
        {
            "code": ["a"],
            "empty": [""],
            "number": [0.5],
            "long": ["é" * 200],
            "word": ["__HIVE_DEFAULT_PARTITION__"],
        }
    )
    with pytest.raises(ValueError, match=complaint):
        export_frame(frame, here / "f", partition_by=parts)
    assert not list(here.iterdir())


def test_partitions_are_for_parquet(provinces, here):
    with pytest.raises(ValueError, match=r"partition_by is for Parquet.*\.csv"):
        export_frame(provinces, here / "f.csv", partition_by=["year"])


def test_a_partitioned_folder_is_replaced_as_a_whole(provinces, here):
    path = export_frame(provinces, here / "f", partition_by=["province"])
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_frame(provinces, path, partition_by=["year"])
    export_frame(provinces, path, partition_by=["year"], overwrite=True)
    assert {folder.name for folder in path.iterdir()} == {"year=FY 2024", "year=0024", "year=1e5"}
    with pytest.raises(ValueError, match="'empty'"):
        export_frame(provinces.assign(empty=""), path, partition_by=["empty"], overwrite=True)
    assert {folder.name for folder in path.iterdir()} == {"year=FY 2024", "year=0024", "year=1e5"}
    assert list(here.iterdir()) == [path]


def test_a_folder_of_the_users_own_is_not_replaced(provinces, here):
    own = here / "f"
    (own / "year=2024").mkdir(parents=True)
    (own / "year=2024" / "thesis.docx").write_text("mine")
    with pytest.raises(FileExistsError, match=r"thesis\.docx"):
        export_frame(provinces, own, partition_by=["year"], overwrite=True)
    assert (own / "year=2024" / "thesis.docx").read_text() == "mine"
    file = here / "g.parquet"
    export_frame(provinces, file)
    with pytest.raises(FileExistsError, match="there is a file"):
        export_frame(provinces, file, partition_by=["year"], overwrite=True)
    with pytest.raises(FileExistsError, match="there is a folder"):
        export_frame(provinces, own.rename(here / "h.parquet"), overwrite=True)


# Every dataset, by every column that can divide it

CELLS = {
    "text": ["Aceh", None, "A/B=50%?", "Aceh"],
    "date": [dt.date(2024, 1, 31), None, dt.date(2023, 1, 1), dt.date(2024, 1, 31)],
    "integer": [2024, None, 3_378_300_000, 2024],
    "number": [0.5, None, 1.0, 2.0],
    "flag": [True, None, False, True],
    "json": ['{"a": 1}', None, "[]", "{}"],
}
AT_ONCE = 5


def fetched(dataset):
    """Four rows of a dataset with a value of each kind, some of them missing, as if fetched."""
    table = pa.table([CELLS[column.kind] for column in dataset.columns], dataset.schema)
    provenance = {
        "dataset": dataset.name,
        "fetched_at": "2026-01-31T00:00:00.000+00:00",
        "rows": len(table),
        "complete": True,
        "digest": table_digest(table),
    }
    return Provenance(provenance).attach(from_arrow(table))


def groups(dataset):
    """The columns that can divide a dataset, a few at a time."""
    names = [c.name for c in dataset.columns if c.kind not in {"number", "json"} and not c.is_code]
    for start in range(0, len(names), AT_ONCE):
        group = names[start : start + AT_ONCE]
        yield group[:-1] if len(group) == len(dataset.columns) else group


def sorted_rows(frame, names):
    columns = values(frame)
    return sorted(zip(*(columns[name] for name in names), strict=True), key=repr)


@pytest.fixture
def no_flush(monkeypatch):
    """Write without waiting for the disk."""
    monkeypatch.setattr(partitioned, "flush_to_disk", lambda _: None)


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_comes_back_from_a_folder(name, tmp_path, no_flush):
    dataset = DATASETS[name]
    frame = fetched(dataset)
    for number, parts in enumerate(groups(dataset)):
        path = export_frame(frame, tmp_path / f"{number}", partition_by=parts)
        names = list(frame.columns)
        plain = pd.read_parquet(path)
        assert set(plain.columns) == set(names)
        assert sorted_rows(plain, names) == sorted_rows(frame, names)
        read = sectorsdf.read_parquet(path)
        assert list(read.columns) == names
        assert list(read.dtypes) == list(frame.dtypes)
        assert sorted_rows(read, names) == sorted_rows(frame, names)
        assert read.attrs == frame.attrs
        assert sectorsdf.verify(path).complete is True


ONE_OF_EACH = ["province", "winner_date", "kdi", "winner"]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_partition_column_in_each_reader(name, tmp_path, no_flush):
    frame = fetched(DATASETS["mining_license_auctions"])
    path = export_frame(frame, tmp_path / "f", partition_by=name)
    expected = sorted(values(frame)[name], key=repr)
    assert sorted(values(pd.read_parquet(path))[name], key=repr) == expected
    polars = pytest.importorskip("polars")
    read = polars.read_parquet(path)[name].to_list()
    assert sorted(read, key=repr) == expected
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(f"SELECT {name} FROM read_parquet('{path}/**/*.parquet')").fetchall()
    # DuckDB does not take a flag out of the name of a folder for one.
    texts = {True: "true", False: "false"}
    expected = [texts.get(cell, cell) if name == "winner" else cell for cell in expected]
    assert sorted((cell for (cell,) in rows), key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("name", ["province", "year"])
def test_a_column_without_a_value_divides_nothing(name, tmp_path):
    frame = pd.DataFrame(
        {
            "slug": pd.array(["a", "b"], "string"),
            "province": pd.array([None, None], "string"),
            "year": pd.array([None, None], "Int64"),
        }
    )
    path = export_frame(frame, tmp_path / "f", partition_by=[name])
    assert [file.name for file in path.iterdir()] == ["part-0.parquet"]
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(path), frame)
    assert values(pd.read_parquet(path)) == values(frame)


CODES = [
    (dataset.name, column.name)
    for dataset in DATASETS.values()
    for column in dataset.columns
    if column.is_code
]


def test_the_codes_are_declared():
    assert {name for _, name in CODES} == {"wiup_code", "license_number", "NIB", "company_id"}


@pytest.mark.parametrize(("name", "code"), CODES)
def test_a_code_is_refused_because_its_zeros_would_be_lost(name, code, tmp_path):
    with pytest.raises(ValueError, match=f"{code} is a code of digits.*leading zeros are lost"):
        export_frame(fetched(DATASETS[name]), tmp_path / "f", partition_by=code)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "texts",
    [["0012", "0013"], ["2024", None], ["1e5", "-3.5"], ["2024-01-31"], ["true", "False"]],
    ids=repr,
)
def test_text_that_looks_like_something_else_is_refused(texts, tmp_path):
    frame = pd.DataFrame({"key": pd.array(texts, "string"), "n": range(len(texts))})
    with pytest.raises(ValueError, match=r"column 'key' is text, and all of its values look like"):
        export_frame(frame, tmp_path / "f", partition_by="key")
    mixed = pd.concat([frame, pd.DataFrame({"key": ["Aceh"], "n": [9]})], ignore_index=True)
    path = export_frame(mixed, tmp_path / "f", partition_by="key")
    texts = sorted(text for text in [*texts, "Aceh"] if text)
    assert sorted(sectorsdf.read_parquet(path)["key"].dropna()) == texts
    polars = pytest.importorskip("polars")
    assert sorted(polars.read_parquet(path)["key"].drop_nulls().to_list()) == texts
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(f"SELECT key FROM read_parquet('{path}/**/*.parquet')").fetchall()
    assert sorted(key for (key,) in rows if key) == texts


def test_a_folder_of_an_earlier_version(tmp_path):
    frame = fetched(DATASETS["mining_sites"])
    table = to_arrow(frame)
    # It gave each file the metadata of the whole table.
    for year, row in (("2024", [0, 3]), ("__HIVE_DEFAULT_PARTITION__", [1]), ("3378300000", [2])):
        folder = tmp_path / "f" / f"year={year}"
        folder.mkdir(parents=True)
        pq.write_table(table.take(row).drop_columns(["year"]), folder / "part-0.parquet")
    read = sectorsdf.read_parquet(tmp_path / "f")
    assert list(read.columns) == list(frame.columns)
    assert list(read.dtypes) == list(frame.dtypes)
    assert read.attrs == frame.attrs
    assert sectorsdf.verify(tmp_path / "f").intact is True
