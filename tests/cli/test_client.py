"""Which client a command has: of the API, or of an embedded sandbox."""

from __future__ import annotations

import io

import pandas as pd
import pytest

SAID = "The records are made up: synthetic sample (sectorsdf sandbox, seed 2026).\n"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    monkeypatch.setenv("SECTORSDF_BASE_URL", "http://127.0.0.1:9")


def test_a_command_asks_the_sandbox_without_a_key(run, tmp_path):
    out, err = run("auctions", "--sandbox")
    assert err.startswith(SAID)
    assert len(err.splitlines()) == 2
    assert len(pd.read_csv(io.StringIO(out))) > 0
    assert run("auctions", "--sandbox", "--quiet") == (out, SAID)
    # Neither the cache nor the list of credits has it.
    assert run("cache", "info")[0] == "The cache is empty.\n"
    assert run("credits")[0] == "No credits were spent yet.\n"


def test_a_quote_and_a_file_of_the_sandbox(run, here):
    out, err = run("quote", "companies", "--sandbox", "--format", "csv")
    assert err == SAID
    assert pd.read_csv(io.StringIO(out))["rows"].item() > 100
    file = here / "companies.parquet"
    run("companies", "--sandbox", "-o", str(file))
    assert "synthetic sample" in pd.read_parquet(file).attrs["sectorsdf"]["source"]


def test_the_cache_does_not_take_what_is_made_up(run, tmp_path):
    _, err = run("auctions", "--sandbox", "--cache", str(tmp_path), code=2)
    assert "--sandbox and --cache exclude each other" in err


def test_a_quote_says_whether_the_answer_is_on_this_machine(run, sandbox):
    def cached():
        out, _ = run("quote", "auctions", "--format", "csv")
        return pd.read_csv(io.StringIO(out))[["credits", "cached"]].iloc[0].tolist()

    assert not cached()[1]
    run("auctions")
    assert cached() == [0, True]
