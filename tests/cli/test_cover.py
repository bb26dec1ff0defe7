"""The command `cover`: what it costs, when it asks, and what it says about a company."""

from __future__ import annotations

import io
from contextlib import contextmanager

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.companies import cover_sentences, license_cover, link_companies, owned_by
from sectorsdf.companies.cover import COVER_COLUMNS

DAY = "2026-01-01"
LISTS = 5 + 4


@contextmanager
def started(monkeypatch):
    """Start a sandbox with few companies, and set its address and key in the environment."""
    datasets = ("mining_companies", "mining_company", "mining_company_ownership")
    sizes = dict.fromkeys((*datasets, "mining_company_performance"), 120)
    with sectorsdf.sandbox.Sandbox(licenses=130, sites=80, sizes=sizes) as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        yield server


@pytest.fixture
def sandbox(monkeypatch):
    with started(monkeypatch) as server:
        yield server


@pytest.fixture
def cover(sandbox, recwarn):
    """The cover of all listed companies, made with the library."""
    with sectorsdf.Client(sandbox.key, base_url=sandbox.url) as client:
        licenses = sectorsdf.get_mining_licenses(client=client)
        companies = sectorsdf.get_mining_companies(client=client)
        listed = companies.loc[companies["symbol"].notna(), "slug"].tolist()
        ownership = sectorsdf.get_mining_company_ownership(listed, walk="down", client=client)
        slugs = list(dict.fromkeys([*listed, *owned_by(listed, ownership)["owned_slug"]]))
        performance = sectorsdf.get_mining_company_performance(slugs, missing="skip", client=client)
        resources = sectorsdf.get_mining_company_resources(performance, client=client)
    recwarn.clear()
    return license_cover(
        licenses,
        link_companies(licenses, companies, ownership),
        performance,
        as_of=DAY,
        ownership=ownership,
        resources=resources,
        companies=companies,
    )


@pytest.fixture
def answers(monkeypatch):
    """Make standard input a terminal on which a person answers; return what they were asked."""

    def answer(text):
        stdin = io.StringIO(text)
        stdin.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", stdin)

    return answer


def rows_of(text):
    return pd.read_csv(io.StringIO(text))


def test_without_a_terminal_nothing_is_spent_unasked(run, sandbox):
    _, err = run("cover", code=2)
    assert "without a terminal, --yes or --max-credits is needed" in err
    run("cover", "--yes", "--columns", "nothing", code=2)
    assert sandbox.billed == 0


def test_the_cover_of_all_listed_companies_is_that_of_the_library(run, sandbox, cover):
    before = sandbox.billed
    out, err = run("cover", "--yes", "--as-of", DAY)
    found = rows_of(out)
    assert found.columns.tolist() == list(COVER_COLUMNS)
    assert len(found) == len(cover) > 0
    for name in ("symbol", "commodity_type", "licenses", "reason_missing"):
        expected = cover[name].astype("object").where(cover[name].notna(), None).tolist()
        assert found[name].astype("object").where(found[name].notna(), None).tolist() == expected
    for name in ("attributable_production", "hectares", "production_share_36m_max"):
        assert found[name].tolist() == pytest.approx(cover[name].tolist(), nan_ok=True)
    spent = sandbox.billed - before
    first, *_, last = err.splitlines()
    assert first == (
        "Credits: 5 for the licences, 4 for the list of companies, at most 120 for owners and 120 "
        "for production; what is cached costs nothing."
    )
    assert LISTS < spent <= LISTS + 240
    assert last.endswith(f"{spent:,} credits spent")
    assert f"{len(cover)} rows" in last


def test_a_symbol_gives_a_sentence_for_each_commodity(run, sandbox, cover):
    symbol = cover.loc[cover["production_year"].notna(), "symbol"].iloc[0]
    expected = cover[cover["symbol"] == symbol].reset_index(drop=True)
    for words in ([symbol], [symbol.removesuffix(".JK").lower()]):
        out, err = run("cover", *words, "--yes", "--as-of", DAY, "--months", "24")
        assert rows_of(out)["commodity_type"].tolist() == expected["commodity_type"].tolist()
        sentences = cover_sentences(expected, as_of=DAY, months=24).tolist()
        assert err.splitlines()[-1 - len(sentences) : -1] == sentences
        assert all("before 2028" in sentence for sentence in sentences if "%" in sentence)


def test_the_second_run_is_free_and_does_not_ask(run, sandbox, answers):
    first, _ = run("cover", "--yes", "--as-of", DAY, "-q")
    billed = sandbox.billed
    answers("")
    again, err = run("cover", "--as-of", DAY)
    assert (again, sandbox.billed) == (first, billed)
    assert "at most 0 for owners and 0 for production" in err
    assert err.splitlines()[-1].endswith("0 credits spent")
    assert run("cover", "--as-of", DAY, "--offline", "-q")[0] == first
    # What one company needs is known by now.
    symbol = rows_of(first)["symbol"].iloc[0]
    assert run("cover", symbol, "--as-of", DAY, "--max-credits", "0")[0]
    assert sandbox.billed == billed


def test_a_person_is_asked_and_can_say_no(run, sandbox, answers):
    answers("n\n")
    _, err = run("cover", code=1)
    assert f"Spend up to {LISTS + 240} credits?" in err
    assert "Nothing more was spent." in err
    # The first page of each list, which says how long it is.
    assert sandbox.billed == 2
    answers("y\n")
    out, _ = run("cover")
    assert len(rows_of(out)) > 0


def test_made_up_records_cost_nothing_and_need_no_consent(run, monkeypatch):
    monkeypatch.delenv("SECTORS_API_KEY", raising=False)
    out, err = run("cover", "CQAG", "--sandbox", "--as-of", DAY)
    assert set(rows_of(out)["symbol"]) == {"CQAG.JK"}
    assert "coal production (13.6 Mt in 2023) is under licences that end before 2029" in err


def test_what_the_limit_refuses_is_not_paid_again(run, sandbox, monkeypatch):
    _, err = run("cover", "--max-credits", "8", code=5)
    assert "licences and companies cost 9 credits, but --max-credits is 8" in err
    assert sandbox.billed == 2
    run("cover", "--max-credits", "20", code=5)
    billed = sandbox.billed
    assert billed <= 2 + 20
    _, err = run("cover", "cqzz", "--yes", code=2)
    assert "No company of the list has the symbol 'CQZZ.JK'" in err
    assert sandbox.billed == billed
    rows, _ = run("cover", "--yes", "-q", "--as-of", DAY)
    with started(monkeypatch) as other:
        assert run("cover", "--yes", "-q", "--as-of", DAY)[0] == rows
        assert other.billed == sandbox.billed > billed


def test_a_table_begins_with_what_matters_and_a_file_has_all_columns(run, tmp_path, cover):
    out, _ = run("cover", "--yes", "--as-of", DAY, "--format", "table")
    assert out.split()[:4] == [
        "symbol",
        "commodity_type",
        "production_share_36m_min",
        "production_share_36m_max",
    ]
    file = tmp_path / "cover.parquet"
    run("cover", "--yes", "--as-of", DAY, "-o", str(file))
    frame = sectorsdf.read_parquet(file)
    assert frame.columns.tolist() == list(COVER_COLUMNS)
    assert frame["symbol"].tolist() == cover["symbol"].tolist()


def test_a_company_without_licences_and_production(run, sandbox, cover):
    with sectorsdf.Client(sandbox.key, base_url=sandbox.url) as client:
        companies = sectorsdf.get_mining_companies(client=client)
    symbols = companies["symbol"].dropna()
    symbol = next(each for each in symbols if each not in set(cover["symbol"]))
    out, err = run("cover", symbol, "--yes", "--as-of", DAY)
    assert rows_of(out).empty
    assert "Neither production nor a linked licence of the company is known." in err
