"""The command that shows the data dictionary."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import sectorsdf
from sectorsdf.datasets import DATASETS


def rows_of(out):
    return pd.read_csv(io.StringIO(out), dtype="string", keep_default_na=False)


def test_a_pipe_gets_the_columns_of_a_dataset(run):
    out, err = run("describe", "sites")
    rows = rows_of(out)
    expected = sectorsdf.describe("mining_sites")
    assert rows["column"].tolist() == expected["column"].tolist()
    units = rows.set_index("column")[["unit", "unit_in"]]
    assert units.loc["production_volume"].tolist() == ["", "unit"]
    assert err == ""
    licenses = rows_of(run("describe", "licenses")[0]).set_index("column")
    assert licenses.loc["licensed_area_ha", "unit"] == "ha"
    assert licenses.loc["licensed_area_ha", "dtype"] == "float64"


@pytest.mark.parametrize("name", DATASETS)
def test_each_dataset_has_a_description_on_a_terminal(name, run, monkeypatch):
    monkeypatch.setattr("sectorsdf.cli.describe.sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    out, _ = run("describe", name)
    text = " ".join(out.split())
    assert out.startswith(f"{name}: one row is ")
    for column in DATASETS[name].columns:
        assert f"{column.name} " in text
    assert max(map(len, out.splitlines())) <= 80
    assert "None" not in text
    assert "<NA>" not in text


def test_without_a_name_it_lists_the_datasets(run, monkeypatch):
    out, _ = run("describe")
    rows = rows_of(out)
    assert rows["dataset"].tolist() == list(DATASETS)
    assert rows.loc[0, "command"] == "licenses"
    monkeypatch.setattr("sectorsdf.cli.describe.sys.stdout.isatty", lambda: True, raising=False)
    assert "`sectorsdf sites`: one mine site" in " ".join(run("describe")[0].split())


def test_a_command_and_its_dataset_are_the_same(run):
    both = [rows_of(run("describe", name)[0]) for name in ("auction", "mining_license_auction")]
    assert_frame_equal(*both)


def test_an_unknown_name_is_refused_with_a_suggestion(run):
    _, err = run("describe", "sties", code=2)
    assert "'sties' is not a dataset. Did you mean 'sites'? `sectorsdf describe` lists them" in err
