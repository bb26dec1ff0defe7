"""The page on scale: its arithmetic is right, and the program that measures its tables works."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support.paths import ROOT

import sectorsdf

sys.path.insert(0, str(ROOT / "benchmarks"))

import scale

ROWS = 10_000
GROUP = 4_096


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("scale") / "export.parquet"
    scale.write(path, ROWS, group=GROUP)
    return path


def test_a_sweep_costs_what_the_formula_says(serve, sample):
    client = serve()
    frame = sectorsdf.get_mining_licenses(client=client)
    assert len(frame) == len(sample["mining_licenses"])
    assert client.spent == scale.credits_for(len(frame))


@pytest.mark.parametrize(
    ("rows", "pages", "minutes"),
    [(0, 1, 0.0), (30, 1, 0.0), (31, 2, 0.1), (4_151, 139, 4.6), (1_000_000, 33_334, 1111.1)],
)
def test_pages_credits_and_minutes(rows, pages, minutes):
    assert scale.pages(rows) == scale.credits_for(rows) == pages
    assert round(scale.minutes(rows), 1) == minutes


def _numbers(line):
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", line)]


def test_the_page_says_what_the_formulas_give():
    text = scale.PAGE.read_text(encoding="utf-8")
    said = [_numbers(line) for line in re.findall(r"^.* rows .* credits .* minutes$", text, re.M)]
    assert [rows for rows, *_ in said] == [1_000, 4_151, 10_000, 100_000, 1_000_000]
    for rows, credits_said, minutes_said in said:
        assert credits_said == scale.credits_for(rows)
        assert minutes_said == pytest.approx(scale.minutes(rows), abs=0.05)


def test_the_archive_on_the_page_adds_up():
    text = scale.PAGE.read_text(encoding="utf-8")
    rows = {
        cells[1].strip(" *"): _numbers(cells[3].replace("*", ""))
        for cells in (line.split("|") for line in text.splitlines() if line.startswith("|"))
        if len(cells) == 6
    }
    parts = ("licences", "auctions", "each auction's detail", "sites with details")
    assert rows["licences"] == [scale.credits_for(scale.REGISTER)]
    assert rows["a month"] == [sum(rows[part][0] for part in parts)]
    assert rows["ten years"] == [120 * rows["a month"][0]]


@pytest.mark.parametrize(("days", "least", "most"), [(30, 118, 122), (7, 457, 522)])
def test_the_sweeps_that_a_cache_leaves_over(days, least, most):
    # An answer is asked for anew when it is so many days old, or a day later by a late clock.
    ten_years = 3_653
    counts = [len(range(0, ten_years, step)) for step in (days + 1, days)]
    assert counts == [least, most]
    text = scale.PAGE.read_text(encoding="utf-8")
    each = scale.credits_for(scale.REGISTER)
    assert f"| {least} to {most} | {least * each:,} to {most * each:,} |" in text


def test_an_export_is_shaped_like_the_packages_own(file, sample, serve):
    metadata = pq.ParquetFile(file).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [
        GROUP,
        GROUP,
        ROWS - 2 * GROUP,
    ]
    frame = sectorsdf.read_parquet(file)
    served = sectorsdf.get_mining_licenses(client=serve())
    pd.testing.assert_series_equal(frame.dtypes, served.dtypes)
    column = metadata.row_group(0).column(0)
    assert (column.compression, column.has_offset_index) == ("ZSTD", True)


def test_rows_are_unlike_each_other_and_the_same_in_every_run(file, tmp_path):
    table = pq.read_table(file)
    assert len(pc.unique(table["wiup_code"])) == ROWS
    assert set(pc.unique(pc.utf8_length(table["wiup_code"])).to_pylist()) == {16}
    assert len(pc.unique(table["license_number"])) > 0.99 * ROWS
    assert len(pc.unique(table["licensed_area_ha"])) > 0.5 * ROWS
    assert pc.all(pc.greater(table["license_expiry_date"], table["license_effective_date"])).as_py()
    again = tmp_path / "again.parquet"
    scale.write(again, ROWS, group=GROUP)
    assert pq.read_table(again).equals(table)


@pytest.mark.parametrize("query", scale.SQL)
@pytest.mark.parametrize(("engine", "needs"), [("DuckDB", "duckdb"), ("Polars", "polars")])
def test_all_engines_give_the_same_answer(file, query, engine, needs):
    pytest.importorskip(needs)
    expected = scale.run_query("pandas", file, query)
    assert expected
    assert scale.same_answers(expected, scale.run_query(engine, file, query))


def test_answers_that_differ_are_found():
    assert scale.same_answers([("a", 1.0)], [("a", 1.0 + 1e-12)])
    assert not scale.same_answers([("a", 1.0)], [("a", 1.1)])
    assert not scale.same_answers([("a", 1)], [("b", 1)])
    assert not scale.same_answers([("a", 1)], [])


def test_measuring_leaves_nothing_behind(tmp_path):
    size = scale.measure_size(ROWS, tmp_path, ("pandas",))
    assert not list(tmp_path.iterdir())
    assert size.rows == ROWS
    assert 20 * ROWS < size.bytes < 200 * ROWS
    assert {run.result > 100 * ROWS for run in size.frames.values()} == {True}
    assert all(run.seconds > 0 and run.peak > 2**20 for run in size.answers.values())


def test_a_full_disk_is_noticed_before_it_is_full(tmp_path):
    with pytest.raises(RuntimeError, match="free"):
        scale.measure_size(10**15, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_tables_stand_between_the_pages_markers(tmp_path):
    pytest.importorskip("duckdb")
    pytest.importorskip("polars")
    run = scale.Measured(1.25, 3 << 30, 327 * ROWS)
    size = scale.Size(
        ROWS,
        run,
        44 * ROWS,
        {"sectorsdf.read_parquet": run, "pandas.read_parquet": run},
        {("DuckDB", "holders"): run},
    )
    text = scale.format_report([size], when=datetime(2026, 1, 2, tzinfo=UTC))
    assert "Measured 2026-01-02" in text
    assert "| largest holders | 10,000 | not tried | 1.2 s, 3.0 GiB | not tried |" in text
    page = tmp_path / "page.md"
    page.write_text(f"before\n{scale.START}\nstale\n{scale.END}\nafter\n", encoding="utf-8")
    scale.write_report(text, page)
    scale.write_report(text, page)
    new = page.read_text(encoding="utf-8")
    assert new.startswith("before\n")
    assert new.endswith(f"{scale.END}\nafter\n")
    assert new.count(text) == 1
    assert "stale" not in new


def test_a_page_without_markers_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(RuntimeError, match="must contain"):
        scale.write_report("text", page)
    assert page.read_text(encoding="utf-8") == "no markers"
