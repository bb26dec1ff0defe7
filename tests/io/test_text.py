"""CSV, TSV, JSON and JSON Lines, read by other libraries."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math

import pandas as pd
import pytest
from support.exported import any_rows, exported, same, transposed, values, with_days_as_text

from sectorsdf.io.export import export_frame


def as_text(columns):
    def one(cell):
        if cell is None or isinstance(cell, str):
            return cell
        if isinstance(cell, bool):
            return str(cell).lower()
        return cell.isoformat() if isinstance(cell, dt.date) else float(cell)

    return {name: [one(cell) for cell in cells] for name, cells in columns.items()}


def with_numbers(columns, like):
    """Texts of a CSV, those of number columns as numbers."""
    numeric = {name for name in like if pd.api.types.is_numeric_dtype(like[name])}
    numeric -= {name for name in like if like[name].dtype == "boolean"}
    return {
        name: [float(c) if c is not None and name in numeric else c for c in cells]
        for name, cells in columns.items()
    }


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv.gz", ","), (".tsv", "\t")])
def test_csv_in_polars(frame, here, suffix, separator):
    polars = pytest.importorskip("polars")
    path = export_frame(frame, here / f"f{suffix}")
    read = polars.read_csv(path, separator=separator, infer_schema=False)
    same(with_numbers(read.to_dict(as_series=False), frame), as_text(values(frame)))


def test_csv_in_duckdb(frame, here):
    duckdb = pytest.importorskip("duckdb")
    path = export_frame(frame, here / "f.csv.gz")
    found = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar = true, header = true)")
    read = transposed(found.columns, found.fetchall())
    same(with_numbers(read, frame), as_text(values(frame)))


def test_equal_frames_make_equal_text_files(licences, here):
    first, second = (export_frame(licences, here / f"{n}.csv.gz").read_bytes() for n in range(2))
    assert first == second


@pytest.mark.parametrize("suffix", [".json", ".JSON.GZ"])
def test_json(frame, here, suffix):
    path = export_frame(frame, here / f"f{suffix}")
    body = path.read_bytes()
    rows = json.loads(gzip.decompress(body) if suffix != ".json" else body)
    names = list(frame.columns)
    assert [list(row) for row in rows] == [names] * len(frame)
    same({name: [row[name] for row in rows] for name in names}, with_days_as_text(values(frame)))


def test_json_in_pandas(licences, here):
    path = export_frame(licences, here / "f.json")
    read = pd.read_json(path, orient="records", dtype=False, precise_float=True)
    same(values(read), with_days_as_text(values(licences)))


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
def test_json_lines(frame, here, suffix):
    path = export_frame(frame, here / f"f{suffix}")
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    names = list(frame.columns)
    same({name: [row[name] for row in rows] for name in names}, with_days_as_text(values(frame)))


def test_json_lines_in_duckdb(licences, here):
    duckdb = pytest.importorskip("duckdb")
    path = export_frame(licences, here / "f.jsonl")
    kinds = {"f": "DOUBLE", "d": "DATE", "s": "VARCHAR"}
    columns = {
        name: kinds["f" if kind == "float64" else "d" if "datetime" in str(kind) else "s"]
        for name, kind in licences.dtypes.items()
    }
    found = duckdb.sql(f"SELECT * FROM read_json('{path}', columns = {columns})")
    same(transposed(found.columns, found.fetchall()), values(licences))


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_has_no_infinity(here, suffix):
    with pytest.raises(ValueError, match="infinity in column 'x'"):
        export_frame(pd.DataFrame({"x": [math.inf]}), here / f"f{suffix}")
    assert not list(here.iterdir())


@any_rows()
def test_any_value_in_csv(rows):
    def read(path):
        with path.open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        return transposed(names, rows)

    limit = csv.field_size_limit(10**7)
    try:
        expected, read = exported(rows, ".csv", read)
    finally:
        csv.field_size_limit(limit)
    flags = {"": None, "true": True, "false": False}
    assert [text or None for text in read["text"]] == [text or None for text in expected["text"]]
    assert [int(c) if c else None for c in read["whole"]] == expected["whole"]
    assert [float(c) if c else None for c in read["number"]] == expected["number"]
    assert [dt.date.fromisoformat(c) if c else None for c in read["day"]] == expected["day"]
    assert [flags[c] for c in read["flag"]] == expected["flag"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@any_rows()
def test_any_value_in_json(suffix, rows):
    def read(path):
        text = path.read_text("utf-8")
        found = json.loads(text) if suffix == ".json" else map(json.loads, text.split("\n")[:-1])
        found = list(found)
        names = ("text", "whole", "number", "day", "flag")
        return {name: [row[name] for row in found] for name in names}

    expected, found = exported(rows, suffix, read)
    same(found, with_days_as_text(expected))
