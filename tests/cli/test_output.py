"""Where the rows of a command go, and what is said of them on stderr."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import sectorsdf
from sectorsdf.cli import exit_codes
from sectorsdf.cli.table import as_table


def test_a_folder_of_parquet_files_is_divided_by_columns(sandbox, run, here):
    folder = here / "sites"
    _, err = run("sites", "-o", str(folder), "--partition-by", "year,commodity_type")
    assert err.startswith(f"{folder}: 80 rows")
    assert {path.name[:5] for path in folder.iterdir()} == {"year="}
    client = sectorsdf.Client(sandbox.key, base_url=sandbox.url)
    fetched = sectorsdf.get_mining_sites(client=client)
    client.close()
    read = sectorsdf.read_parquet(folder)
    assert read.dtypes.to_dict() == fetched.dtypes.to_dict()
    keys = ["slug", "year", "commodity_type", "company_slug", "name"]
    ordered = [frame.sort_values(keys, ignore_index=True) for frame in (read, fetched)]
    for frame in ordered:
        frame.attrs = {}
    assert_frame_equal(*ordered)
    again = ("sites", "-o", str(folder), "--partition-by", "year", "--partition-by", "province")
    assert "--overwrite replaces it" in run(*again, code=2)[1]
    run(*again, "--overwrite")
    assert {path.name[:9] for path in folder.glob("*/*")} == {"province="}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sites", "--partition-by", "year"], "--partition-by needs -o FOLDER"),
        (["sites", "-o", "x", "--partition-by", "yeer"], "Did you mean 'year'?"),
        (["sites", "-o", "x", "--partition-by", "year", "-c", "slug"], "no column 'year'"),
        (["sites", "-o", "x.csv", "--partition-by", "year"], "--partition-by"),
        (["licenses", "-o", "x", "--partition-by", "wiup_code"], "is a code of digits"),
    ],
)
def test_what_cannot_be_divided_costs_nothing(words, said, sandbox, run, here, monkeypatch):
    monkeypatch.chdir(here)
    out, err = run(*words, code=2)
    assert said in err
    assert "partition_by" not in err.replace("--partition-by", "")
    assert (out, sandbox.billed, list(here.iterdir())) == ("", 0, [])


def harmed(sandbox):
    """Return licences of which one has an area that does not fit."""
    records = [dict(record) for record in sandbox.records("mining_licenses")[:40]]
    records[3]["licensed_area_ha"] = "about ten"
    return records


def test_quiet_hides_what_is_known_of_the_data_and_nothing_else(serve, run, monkeypatch, sandbox):
    server = serve({"mining_licenses": harmed(sandbox)}).sandbox
    monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
    monkeypatch.setenv("SECTORS_API_KEY", server.key)
    _, err = run("licenses")
    assert err.splitlines()[0].startswith("Warning: mining_licenses: 1 value(s) do not fit")
    assert "frame" not in err
    assert run("licenses", "--quiet", "--refresh")[1] == ""


def test_quiet_says_that_rows_may_be_missing(sandbox, run, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    sandbox.set_faults(total_offset=3)
    _, err = run("auctions", "--allow-partial", "--quiet")
    (line,) = err.splitlines()
    assert line.startswith("Warning: mining_license_auctions: ")


def test_quiet_says_that_a_declared_field_is_gone(serve, run, monkeypatch, sandbox):
    records = [dict(record) for record in sandbox.records("mining_licenses")[:40]]
    for record in records:
        del record["cnc"]
    server = serve({"mining_licenses": records}).sandbox
    monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
    monkeypatch.setenv("SECTORS_API_KEY", server.key)
    assert "does not have the declared field(s) cnc" in run("licenses", "--quiet")[1]


def test_a_filter_without_a_match_is_explained_in_words_of_the_command_line(sandbox, run):
    _, err = run("sites", "--company", "nobody")
    first, last = err.splitlines()
    assert first == (
        "Warning: mining_sites: no row has --company 'nobody'. `sectorsdf companies --keyword "
        "'nobody'` finds the slugs of companies."
    )
    assert last.startswith("0 rows")
    assert run("sites", "--company", "nobody", "--quiet")[1] == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["licenses", "--max-rows", "0"], "--max-rows 0: give a whole number of rows from 1."),
        (["sites", "--min-production", "nan"], "leave the filter out to select all rows."),
        (["sites", "--max-age", "x"], "'36h', '7d' or '2w'."),
        (["auction", "1/2"], "CODE '1/2' is not a wiup_code."),
        (
            ["sites", "--province", "Aceh", "--province", "Jambi", "--max-rows", "3"],
            "Give one value, or leave --max-rows out.",
        ),
    ],
)
def test_errors_name_no_word_of_python(words, said, sandbox, run):
    _, err = run(*words, code=2)
    assert err.endswith(f"{said}\n")


def test_hints_name_only_options_that_the_command_has():
    text = "The rows are in .frame; allow_partial=True returns them. Wait; refresh=True asks again."
    assert (
        exit_codes.in_cli_words(text)
        == "--allow-partial returns the rows. Wait; --refresh asks again."
    )
    found = exit_codes.in_cli_words(f"It is cut. {text}", {"--refresh"})
    assert found == "It is cut. Wait; --refresh asks again."
    assert exit_codes.in_cli_words(f"It is cut. {text}", set()) == "It is cut. Wait."
    other = "No key. Run `sectorsdf licenses --refresh`."
    assert exit_codes.in_cli_words(other, set()) == other


def test_the_last_line_of_a_table_names_options_of_the_command(sandbox, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sectorsdf.cli.output.sys.stdout.isatty", lambda: True, raising=False)
    assert "All of it: -o FILE, or --columns, or a pipe." in " ".join(run("sites")[0].split())
    run("credits", "--by", "entry")
    out = " ".join(run("credits", "--by", "entry")[0].split())
    assert "All of it: --format csv, or a pipe." in out


# Tables


UNITS = {"volume": "unit", "low": "mass", "high": "mass"}


@pytest.fixture
def volumes():
    return pd.DataFrame(
        {
            "slug": ["a", "b", "c"],
            "unit": ["Mt", "koz", "Mt"],
            "mass": ["t", "t", "t"],
            "company_name": ["x" * 20] * 3,
            "volume": [None, None, 3.0],
            "low": [1.0, 2.0, 3.0],
            "high": [None, None, None],
        }
    )


@pytest.mark.parametrize("width", range(8, 100, 3))
def test_a_unit_stands_beside_its_number(width, volumes):
    names = as_table(volumes, width=width, units=UNITS)[0].split()
    for unit, number in (("unit", "volume"), ("mass", "low")):
        there = [name for name in names if name in {unit, number}]
        assert there in ([], [number, unit])
        if there:
            assert names.index(unit) == names.index(number) + 1


def test_a_number_without_values_in_the_rows_shown_still_explains_its_unit(volumes):
    rows = pd.concat([volumes.head(2)] * 6 + [volumes.tail(1)], ignore_index=True)
    names = as_table(rows, width=100, height=9, units=UNITS)[0].split()
    assert names == ["slug", "company_name", "volume", "unit", "low", "mass"]


@pytest.mark.parametrize("columns", ["80", "100"])
def test_sites_show_the_production_beside_its_unit(columns, sandbox, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sectorsdf.cli.output.sys.stdout.isatty", lambda: True, raising=False)
    head = run("sites")[0].splitlines()[0]
    names = head.split()
    assert names[2].startswith("production")
    assert names[3] == "unit"
    assert "province" in head or columns == "80"
    licences = run("licenses")[0].splitlines()[0]
    assert "province" in licences or columns == "80"
