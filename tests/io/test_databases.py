"""DuckDB and SQLite databases."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from support.exported import (
    any_rows,
    exported,
    flags_as_numbers,
    needs_duckdb,
    same,
    transposed,
    values,
    with_days_as_text,
)

from sectorsdf.io.export import export_frame


def test_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export_frame(frame, here / "f.duckdb")
    provenance = frame.attrs["sectorsdf"]
    with duckdb.connect(str(path), read_only=True) as database:
        found = database.table(provenance["dataset"])
        same(transposed(found.columns, found.fetchall()), values(frame))
        names = {"float64": "DOUBLE", "Int64": "BIGINT", "boolean": "BOOLEAN", "string": "VARCHAR"}
        expected = [names.get(str(kind), "DATE") for kind in frame.dtypes]
        assert [str(kind) for kind in found.types] == expected
        written = dict(database.table("provenance").fetchall())
    assert written["dataset"] == provenance["dataset"]
    assert json.loads(written["certificate"]) == provenance["certificate"]
    assert list(here.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".sqlite", ".db"])
def test_sqlite(frame, here, suffix):
    path = export_frame(frame, here / f"f{suffix}")
    provenance = frame.attrs["sectorsdf"]
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f'SELECT * FROM "{provenance["dataset"]}"')
        read = transposed([column[0] for column in found.description], found.fetchall())
        written = dict(database.execute("SELECT key, value FROM provenance"))
    same(read, with_days_as_text(flags_as_numbers(values(frame))))
    assert json.loads(written["certificate"]) == provenance["certificate"]


@pytest.mark.parametrize("suffix", [".duckdb", ".sqlite"])
def test_databases_take_another_table_name(here, suffix):
    frame = pd.DataFrame({'od"d': [1]})
    name = 'Robert"; DROP TABLE provenance; --'
    if suffix == ".duckdb":
        duckdb = pytest.importorskip("duckdb")
        connect = duckdb.connect
    else:
        connect = sqlite3.connect
    path = export_frame(frame, here / f"f{suffix}", table=name)
    with closing(connect(str(path))) as database:
        quoted = name.replace('"', '""')
        assert database.execute(f'SELECT "od""d" FROM "{quoted}"').fetchall() == [(1,)]
        assert database.execute("SELECT * FROM provenance").fetchall() == []
    for taken in ("Provenance", "sqlite_master", "gpkg_contents"):
        with pytest.raises(ValueError, match=f"table='{taken}' cannot be"):
            export_frame(frame, here / f"g{suffix}", table=taken)


@pytest.mark.parametrize("suffix", [".duckdb", ".sqlite", ".gpkg"])
def test_databases_refuse_names_that_differ_in_case_alone(here, suffix):
    if suffix != ".sqlite":
        pytest.importorskip("duckdb" if suffix == ".duckdb" else "pyogrio")
    frame = pd.DataFrame({"Code": [1], "code": [2], "longitude": [1.0], "latitude": [2.0]})
    with pytest.raises(ValueError, match="'Code', 'code'"):
        export_frame(frame, here / f"f{suffix}")


def test_sqlite_refuses_what_it_cannot_count(here):
    frame = pd.DataFrame({"n": np.array([2**63], dtype="uint64")})
    with pytest.raises(ValueError, match="column 'n'"):
        export_frame(frame, here / "f.sqlite")


@any_rows()
def test_any_value_in_sqlite(rows):
    def read(path):
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT * FROM data")
            return transposed([column[0] for column in found.description], found.fetchall())

    expected, found = exported(rows, ".sqlite", read)
    same(found, with_days_as_text(flags_as_numbers(expected)))


@needs_duckdb
@any_rows(0.4)
def test_any_value_in_duckdb(rows):
    duckdb = pytest.importorskip("duckdb")

    def read(path):
        with duckdb.connect(str(path), read_only=True) as database:
            found = database.table("data")
            return transposed(found.columns, found.fetchall())

    expected, found = exported(rows, ".duckdb", read)
    same(found, expected)
