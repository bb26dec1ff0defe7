"""The commands over time: snapshot, changes and diff."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from support.snapshots import complete_frame

import sectorsdf
from sectorsdf import snapshots

NAME = "mining_licenses"


@pytest.fixture
def lake(here):
    return str(here / "lake")


@pytest.fixture(scope="module")
def two_months():
    """The registers of two synthetic months."""
    return [complete_frame(month.records) for month in sectorsdf.sandbox.months(2, licenses=450)]


def table(text):
    return pd.read_csv(io.StringIO(text), dtype=str)


def test_a_snapshot_of_the_register_is_written(run, sandbox, lake):
    out, err = run("snapshot", lake, "--date", "2026-11-01")
    assert out == ""
    path = Path(lake) / f"dataset={NAME}" / "snapshot_date=2026-11-01" / "part-0.parquet"
    assert err.endswith(f"{path}: 130 rows, {sandbox.billed} credits spent\n")
    assert len(snapshots.read(lake, NAME)) == 130
    # The same again is nothing, and the cache has it.
    billed = sandbox.billed
    _, err = run("snapshot", lake, "licenses", "--date", "2026-11-01")
    assert "130 rows, there already, 0 credits spent" in err
    assert sandbox.billed == billed
    _, err = run("snapshot", lake, "--date", "2026-11-01", "-q")
    assert err == ""


def test_several_tables_are_written_at_once(run, sandbox, lake):
    run("snapshot", lake, "sites", "companies", "-q")
    found = snapshots.list(lake)
    assert found["dataset"].tolist() == ["mining_companies", "mining_sites"]
    assert found["complete"].all()


def test_another_snapshot_of_the_day_needs_overwrite(run, sandbox, lake):
    run("snapshot", lake, "--date", "2026-11-01", "-q")
    sandbox.add_records(NAME, 2)
    _, err = run("snapshot", lake, "--date", "2026-11-01", "--refresh", "-q", code=1)
    assert "with other rows. --overwrite replaces it." in err
    run("snapshot", lake, "--date", "2026-11-01", "--overwrite", "-q")
    assert snapshots.list(lake)["rows"].tolist() == [132]


def test_what_cannot_be_a_snapshot_is_an_error_of_usage(run, sandbox, lake):
    _, err = run("snapshot", lake, "--date", "soon", code=2)
    assert "'soon' does not match the format '%Y-%m-%d'" in err
    _, err = run("snapshot", "nonsense://lake", code=2)
    assert "nonsense://lake" in err
    _, err = run("snapshot", lake, "auction", code=2)
    assert "'auction' is not one of" in err
    assert sandbox.billed == 0


def test_changes_are_shown_since_a_day(run, lake, two_months):
    for day, frame in zip(("2026-10-01", "2026-11-01"), two_months, strict=True):
        snapshots.write(frame, lake, date=day)
    out, err = run("changes", lake, "--since", "2026-10-01")
    expected = snapshots.changes(lake, NAME)
    assert err == f"{len(expected)} changes\n"
    found = table(out)
    assert list(found.columns) == list(expected.columns)
    assert found["wiup_code"].tolist() == expected["wiup_code"].tolist()
    out, err = run("changes", lake, NAME, "--since", "2026-11-02", "--columns", "kind")
    assert (out, err) == ('"kind"\n', "0 changes\n")
    _, err = run("changes", lake, "licenses", "--columns", "what", code=2)
    assert "There is no column 'what'. The columns are from_date, to_date, wiup_code" in err
    _, err = run("changes", lake, "what", code=2)
    assert "'what' is not a dataset" in err
    _, err = run("changes", lake, "sites", code=1)
    assert "this root has no snapshot of mining_sites" in err


def test_rows_that_are_not_compared_are_counted(run, lake, two_months):
    part = two_months[0].head(400)
    snapshots.write(two_months[0], lake, date="2026-10-01")
    snapshots.write(part, lake, date="2026-11-01", allow_partial=True)
    _, err = run("changes", lake)
    rows = len(two_months[0]) - 400
    assert err == f"0 changes\nNot compared, because a snapshot is partial: {rows} rows\n"


def test_two_files_are_compared(run, here, two_months):
    files = [str(here / "old.parquet"), str(here / "new.parquet")]
    for frame, file in zip(two_months, files, strict=True):
        sectorsdf.write_parquet(frame, file)
    out, err = run("diff", *files, "--format", "csv")
    expected = snapshots.diff(*two_months)
    assert table(out)["kind"].tolist() == expected["kind"].tolist()
    assert err == f"{len(expected)} changes\n"
    target = str(here / "changes.parquet")
    run("diff", *files, "--key", "wiup_code, license_number", "-o", target, "-q")
    found = sectorsdf.read_parquet(target)
    pd.testing.assert_frame_equal(
        found, snapshots.diff(*two_months, key=["wiup_code", "license_number"])
    )
    _, err = run("diff", files[0], str(here / "none.parquet"), code=2)
    assert "does not exist" in err


def test_a_file_that_is_not_parquet_is_named(run, tmp_path):
    text = tmp_path / "old.csv"
    text.write_text("a,b\n")
    _, err = run("diff", str(text), str(text), code=1)
    assert "cannot be read as Parquet: it is a text file" in err
    assert "ValueError" not in err
    assert "pandas" not in err
