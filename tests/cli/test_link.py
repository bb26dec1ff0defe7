"""The command `link`: what it fetches, what it costs, and which licences it shows."""

from __future__ import annotations

import errno
import io

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.companies import link_companies, owners_of
from sectorsdf.io import parquet


def rows_of(text):
    return pd.read_csv(io.StringIO(text), dtype={"wiup_code": str})


@pytest.fixture
def sandbox(monkeypatch):
    """Start a sandbox with few companies, and set its address and key in the environment."""
    sizes = dict.fromkeys(("mining_companies", "mining_company", "mining_company_ownership"), 120)
    with sectorsdf.sandbox.Sandbox(licenses=130, sites=80, sizes=sizes) as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        yield server


@pytest.fixture
def frames(sandbox):
    """The frames of the sandbox, and its links; what they cost does not count for the command."""
    with sectorsdf.Client(sandbox.key, base_url=sandbox.url) as client:
        licenses = sectorsdf.get_mining_licenses(client=client)
        companies = sectorsdf.get_mining_companies(client=client)
        ownership = sectorsdf.get_mining_company_ownership(client=client)
    return licenses, companies, ownership


def test_the_links_are_those_of_the_library(run, sandbox, frames):
    before = sandbox.billed
    out, err = run("link")
    links = link_companies(*frames)
    found = rows_of(out)
    assert found["holder"].tolist() == frames[0]["company_name"].tolist()
    for name in ("company_slug", "link_method", "symbol", "hops", "effective_pct", "owners"):
        expected = links[name].astype("object").where(links[name].notna(), None).tolist()
        assert found[name].astype("object").where(found[name].notna(), None).tolist() == expected
    assert found["licensed_area_ha"].tolist() == frames[0]["licensed_area_ha"].tolist()
    quote, summary = err.splitlines()
    assert quote == (
        "Credits: 5 for the licences, 4 for the list of companies, at most 120 for the companies' "
        "owners; what is cached costs nothing."
    )
    spent = sandbox.billed - before
    assert summary.endswith(f"{spent:,} credits spent")
    linked = links["company_slug"].nunique()
    assert 5 + 4 + linked <= spent <= 5 + 4 + 120
    assert f"{links['company_slug'].notna().sum()} linked to a company" in summary


def test_the_second_run_costs_nothing(run, sandbox):
    first, _ = run("link", "--linked", "-q")
    billed = sandbox.billed
    again, err = run("link", "--linked")
    assert (again, sandbox.billed) == (first, billed)
    assert err.splitlines()[-1].endswith("0 credits spent")
    assert run("link", "--linked", "--offline", "-q") == (first, "")
    assert rows_of(first)["company_slug"].notna().all()


def test_a_symbol_selects_what_the_company_owns(run, frames):
    licenses, companies, ownership = frames
    links = link_companies(licenses, companies, ownership)
    slugs = links["company_slug"].dropna()
    owners = owners_of(slugs, ownership).query("is_listed")
    symbol = owners["symbol"].value_counts().index[0]
    expected = owners[owners["symbol"] == symbol].set_index("slug")["effective_pct"]
    for words in ([symbol], [symbol.removesuffix(".JK").lower()]):
        found = rows_of(run("link", *words)[0])
        held = links["company_slug"].isin(expected.index)
        held |= links["symbol"].eq(symbol) & links["hops"].eq(0)
        assert found["position"].tolist() == links.loc[held, "position"].tolist()
        assert set(found["symbol"]) == {symbol}
        below = found[found["hops"] > 0]
        assert below["effective_pct"].tolist() == pytest.approx(
            below["company_slug"].map(expected).tolist()
        )


def test_records_of_companies_and_links_of_a_person(run, frames, tmp_path):
    licenses, companies, _ = frames
    links = link_companies(licenses, companies)
    holder = links.loc[links["link_method"] == "none", "holder"].iloc[0]
    slug = companies["slug"].iloc[0]
    file = tmp_path / "reviewed.csv"
    pd.DataFrame({"holder": [holder], "company_slug": [slug]}).to_csv(file, index=False)
    out, err = run("link", "--records", "--reviewed", str(file))
    found = rows_of(out)
    assert found.loc[found["holder"] == holder, "link_method"].eq("reviewed").all()
    assert (found["link_method"] == "licence_number").any()
    assert "owners and as many for their records;" in err


def test_what_cannot_be_done_is_refused(run, sandbox, tmp_path):
    run("link", "--columns", "nothing", code=2)
    file = tmp_path / "links.parquet"
    file.touch()
    run("link", "-o", str(file), code=2)
    assert sandbox.billed == 0
    _, err = run("link", "--max-credits", "8", code=5)
    assert "licences and companies cost 9 credits, but --max-credits is 8" in err
    assert sandbox.billed == 2
    _, err = run("link", "cqzz", code=2)
    assert "No company of the list has the symbol 'CQZZ.JK'" in err
    assert sandbox.billed == 9
    run("link", "--max-credits", "3", code=5)
    assert sandbox.billed == 9


def test_a_full_disk_loses_nothing_that_was_paid(run, sandbox, tmp_path, monkeypatch):
    file = tmp_path / "links.parquet"

    def full(table, path):
        if table.num_rows:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, path)

    write = parquet.write_parquet_table
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_parquet_table", full)
        run("link", "--no-cache", "-o", str(file), code=1)
    billed = sandbox.billed
    run("link", "--no-cache", "-o", str(file))
    assert sandbox.billed == billed
    assert len(sectorsdf.read_parquet(file)) == 130
