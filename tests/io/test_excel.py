"""Excel workbooks, read by openpyxl and pandas."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import tempfile
import zipfile
from contextlib import closing
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from support.exported import any_rows, exported, needs_openpyxl, same, transposed, values

from sectorsdf.io.export import export_frame


def _unescaped(text):
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def read_workbook(path):
    """The first sheet as Excel has it: texts unescaped, dates as days."""
    openpyxl = pytest.importorskip("openpyxl")
    with closing(openpyxl.load_workbook(path)) as workbook:
        rows = list(workbook.worksheets[0].iter_rows())

    def value(cell):
        found = cell.value
        if isinstance(found, dt.datetime) and "h" not in cell.number_format:
            return found.date()
        return _unescaped(found) if isinstance(found, str) else found

    names = [_unescaped(cell.value) for cell in rows[0]]
    return transposed(names, ([value(cell) for cell in row] for row in rows[1:]))


def as_excel(columns, frame):
    """What a workbook gives back: a float that is whole comes as a whole number's text."""
    return {
        name: [float(c) if c is not None and frame[name].dtype == "float64" else c for c in cells]
        for name, cells in columns.items()
    }


@needs_openpyxl
def test_excel(frame, here):
    path = export_frame(frame, here / "f.XLSX")
    same(as_excel(read_workbook(path), frame), values(frame))


@needs_openpyxl
def test_excel_in_pandas(licences, here):
    pytest.importorskip("openpyxl")
    read = pd.read_excel(export_frame(licences, here / "f.xlsx"), dtype={"wiup_code": "string"})
    assert read["wiup_code"].tolist() == licences["wiup_code"].tolist()
    assert (read["license_expiry_date"].dropna() == licences["license_expiry_date"].dropna()).all()
    assert read["licensed_area_ha"].tolist() == licences["licensed_area_ha"].tolist()


@needs_openpyxl
def test_excel_looks_like_a_table(licences, here):
    openpyxl = pytest.importorskip("openpyxl")
    with closing(openpyxl.load_workbook(export_frame(licences, here / "f.xlsx"))) as workbook:
        sheet, provenance = workbook.worksheets
        assert (sheet.title, provenance.title) == ("mining_licenses", "provenance")
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.bold for cell in sheet[1])
        assert sheet["A2"].number_format == "@"
        assert 8 < sheet.column_dimensions["A"].width <= 62
        written = dict(provenance.iter_rows(min_row=2, values_only=True))
    expected = licences.attrs["sectorsdf"]
    assert written["endpoint"] == expected["endpoint"]
    assert json.loads(written["certificate"]) == expected["certificate"]


@needs_openpyxl
def test_excel_continues_long_provenance(here):
    openpyxl = pytest.importorskip("openpyxl")
    problems = [{"raw": "x_x0041_" * 1_000} for _ in range(20)]
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["sectorsdf"] = {"problems": problems}
    with closing(openpyxl.load_workbook(export_frame(frame, here / "f.xlsx"))) as workbook:
        rows = list(workbook["provenance"].iter_rows(min_row=2, values_only=True))
    assert {key for key, _ in rows} == {"problems"}
    assert json.loads("".join(_unescaped(part) for _, part in rows)) == problems


@needs_openpyxl
def test_excel_keeps_as_text_what_it_would_change(here):
    frame = pd.DataFrame(
        {
            "whole": pd.array([10**15 - 1, 10**15, -(2**63)], "Int64"),
            "number": [0.1 + 0.2, math.inf, -1e-300],
            "day": pd.to_datetime(["1900-03-01", "1900-02-28", "9999-12-31"]).astype(
                "datetime64[us]"
            ),
            "time": pd.to_datetime(
                ["2026-01-15T10:30:15.123", "2026-01-15T10:30:15.123456", "1850-01-01T01:00:00"],
                format="ISO8601",
            ),
            "zone": pd.to_datetime(["2026-01-15T10:30:00Z"] * 3),
        }
    )
    read = read_workbook(export_frame(frame, here / "f.xlsx"))
    assert read["whole"] == [10**15 - 1, str(10**15), str(-(2**63))]
    assert read["number"] == [0.1 + 0.2, "inf", -1e-300]
    assert read["day"] == [dt.date(1900, 3, 1), "1900-02-28", dt.date(9999, 12, 31)]
    assert read["time"][0] == pd.Timestamp("2026-01-15T10:30:15.123")
    assert [text.rstrip("0") for text in read["time"][1:]] == [
        "2026-01-15T10:30:15.123456",
        "1850-01-01T01:00:00.",
    ]
    assert {type(text) for text in read["zone"]} == {str}
    assert {pd.Timestamp(text) for text in read["zone"]} == {frame["zone"][0]}


@needs_openpyxl
def test_excel_holds_no_formula_and_no_error(here):
    pytest.importorskip("openpyxl")
    texts = ["=1+1", '=HYPERLINK("x")', "#N/A", "+1", "@SUM(A1)"]
    path = export_frame(pd.DataFrame({"=A": texts}), here / "f.xlsx")
    with zipfile.ZipFile(path) as archive:
        tree = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert not list(tree.iter(f"{space}f"))
    assert {cell.get("t") for cell in tree.iter(f"{space}c")} == {"inlineStr"}
    assert [text.text for text in tree.iter(f"{space}t")] == ["=A", *texts]


@pytest.mark.parametrize("text", ["x" * 32_768, "\U0001f600" * 16_384, "\x01" * 5_000])
def test_excel_refuses_a_text_that_a_cell_would_cut(here, text):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match=r"column 'geometry' in row 1 .*32,767"):
        export_frame(pd.DataFrame({"geometry": ["", text]}), here / "f.xlsx")
    assert not list(here.iterdir())


@needs_openpyxl
def test_excel_holds_the_longest_text(here):
    texts = ["x" * 32_767, "\U0001f600" * 16_383]
    assert read_workbook(export_frame(pd.DataFrame({"t": texts}), here / "f.xlsx")) == {"t": texts}


@needs_openpyxl
def test_excel_refuses_too_many_rows(here):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match="1,048,575 rows"):
        export_frame(pd.DataFrame({"n": np.zeros(1_048_576)}), here / "f.xlsx")
    assert not list(here.iterdir())


@needs_openpyxl
def test_excel_leaves_no_temporary_file_when_it_fails(here, monkeypatch):
    from openpyxl import Workbook

    scratch = here / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seen = []

    def save(_workbook, _file):
        seen.extend(scratch.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Workbook, "save", save)
    with pytest.raises(OSError, match="No space left"):
        export_frame(pd.DataFrame({"n": [1]}), here / "f.xlsx")
    assert seen
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("title", ["a/b", "provenance", "'x"])
def test_excel_refuses_a_bad_title(here, title):
    pytest.importorskip("openpyxl")
    with pytest.raises(ValueError, match="title of a sheet"):
        export_frame(pd.DataFrame({"n": [1]}), here / "f.xlsx", table=title)


@needs_openpyxl
@any_rows(0.6)
def test_any_value_in_excel(rows):
    expected, found = exported(rows, ".xlsx", read_workbook)
    first = dt.date(1900, 3, 1)
    assert [text or None for text in found["text"]] == [
        None if not text else _unescaped(_unescaped_once(text)) for text in expected["text"]
    ]
    assert found["whole"] == [
        str(n) if n is not None and abs(n) >= 10**15 else n for n in expected["whole"]
    ]
    assert found["number"] == expected["number"]
    assert found["day"] == [
        day if day is None or day >= first else day.isoformat() for day in expected["day"]
    ]
    assert found["flag"] == expected["flag"]


def _unescaped_once(text):
    return text.replace("_x", "_x005F_x")
