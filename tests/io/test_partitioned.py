"""Hive partitions, read by other libraries."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from support.exported import values

import sectorsdf
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
        assert sectorsdf.read_parquet(file).attrs == provinces.attrs
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
    frame = pd.DataFrame({"code": [f"{n:04}" for n in range(300)], "n": range(300)})
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
            "code": ["1"],
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
    assert {folder.name for folder in path.iterdir()} == {"year=2024", "year=0024", "year=1e5"}
    with pytest.raises(ValueError, match="'empty'"):
        export_frame(provinces.assign(empty=""), path, partition_by=["empty"], overwrite=True)
    assert {folder.name for folder in path.iterdir()} == {"year=2024", "year=0024", "year=1e5"}
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
