"""The rules of the getters of answers: what they ask for, what it costs, what they refuse."""

from __future__ import annotations

import json
import warnings
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sectorsdf
from sectorsdf import mining as m
from sectorsdf.sandbox import Sandbox


@pytest.fixture(scope="module")
def server():
    with Sandbox(licenses=40, sites=40, today=date(2026, 1, 15)) as server:
        yield server


@pytest.fixture
def client(server, tmp_path):
    """A client of the sample that remembers nothing."""
    with sectorsdf.Client(server.key, server.url, cache_folder=tmp_path / "own") as client:
        client.server = server
        client.begun = len(server.requests)
        client.before = server.billed
        yield client


def asked(client):
    """Return the requests that the client has made of the sample's server, in their order."""
    return client.server.requests[client.begun :]


def billed(client):
    return client.server.billed - client.before


def facts(frame):
    return frame.attrs["sectorsdf"]


# Prices


def test_prices_are_asked_for_in_windows_inside_the_series(client):
    series = m.get_mining_commodities(client=client).set_index("name")
    names = ["Coal", "Nickel", "Gold as a co-product"]
    frame = m.get_mining_commodity_prices(names, client=client)
    # In the order of the names; the answers may arrive in another.
    windows = {}
    for request in asked(client)[1:]:
        years = int(request.query["start_year"]), int(request.query["end_year"])
        windows.setdefault(request.path, []).append(years)
    assert len(windows) == 3
    for name in names:
        path = next(p for p in windows if name.replace(" ", "%20") in p or name in p)
        first, last = series.loc[name, ["earliest_date", "latest_date"]]
        years = [year for start, end in sorted(windows[path]) for year in range(start, end + 1)]
        assert years == list(range(first.year, last.year + 1))
        assert all(end - start < 3 for start, end in windows[path])
        own = frame[frame["commodity"] == name]
        assert len(own) == series.loc[name, "data_points"]
        assert own["date"].is_monotonic_increasing
    # The list of series was in memory.
    assert billed(client) == 1 + sum(map(len, windows.values()))
    assert {request.status for request in asked(client)} == {200}


def test_years_outside_a_series_are_not_asked_for(client):
    first = m.get_mining_commodities(client=client).set_index("name")["earliest_date"]["Nickel"]
    before = billed(client)
    early = m.get_mining_commodity_prices("Nickel", end_year=first.year - 1, client=client)
    assert early.empty
    assert billed(client) == before
    frame = m.get_mining_commodity_prices(
        "Nickel", start_year=first.year - 9, end_year=first.year, client=client
    )
    assert billed(client) == before + 1
    assert set(frame["date"].dt.year) == {first.year}


def test_each_price_has_its_unit_and_none_is_called_a_price_per_ton(client):
    series = m.get_mining_commodities(client=client)
    frame = m.get_mining_commodity_prices(series, start_year=2024, client=client)
    assert not any("per_ton" in name for name in frame.columns)
    units = frame.groupby("commodity")["unit"].unique().map(list).to_dict()
    assert units == {n: [u] for n, u in zip(series["name"], series["price_unit"], strict=True)}
    assert units["Gold"] == ["USD/oz"]
    assert units["Copper"] == ["USD/dmt"]
    assert units["Coal (HBA 1)"] == ["USD/t"]
    assert units["Iron"] == ["unknown"]
    assert not frame["unit"].isna().any()


def test_frames_name_the_commodities(client):
    series = m.get_mining_commodities(client=client)
    two = series[series["name"].isin(["Gold", "Coal"])]
    first = m.get_mining_commodity_prices(two, start_year=2024, client=client)
    again = m.get_mining_commodity_prices(first, start_year=2024, client=client)
    pd.testing.assert_frame_equal(first, again)
    assert set(first["commodity"]) == {"Gold", "Coal"}
    with pytest.raises(sectorsdf.FilterError, match="no column 'commodity'"):
        m.get_mining_commodity_prices(pd.DataFrame({"x": ["Coal"]}), client=client)


@pytest.mark.parametrize("name", ["Coal (HBA 1)", "coal (hba 1)", "GOLD AS A CO-PRODUCT"])
def test_names_with_spaces_and_parentheses_are_quoted_whole(client, name):
    frame = m.get_mining_commodity_prices(name, start_year=2025, client=client)
    assert len(frame)
    assert frame["commodity"].str.casefold().unique().tolist() == [name.casefold()]


def test_a_commodity_that_is_not_listed_is_refused(client):
    with pytest.raises(sectorsdf.FilterError, match="Aluminum"):
        m.get_mining_commodity_prices("Aluminium", client=client)
    assert billed(client) == 1


def test_years_in_the_wrong_order_are_refused(client):
    with pytest.raises(sectorsdf.FilterError, match="after"):
        m.get_mining_commodity_prices("Coal", start_year=2024, end_year=2023, client=client)
    assert billed(client) == 0


# Keys


BY_KEY = {
    m.get_mining_commodity_prices: "Coal/Gold",
    m.get_mining_company: "a/b",
    m.get_mining_company_licenses: "../ownership",
    m.get_mining_company_contracts: "a/",
    m.get_mining_company_ownership: "..",
    m.get_mining_company_financials: "/",
    m.get_mining_company_breakdown: " ",
    m.get_mining_company_performance: "a/b",
    m.get_mining_company_resources: "a/b",
    m.get_mining_company_products: "a/b",
    m.get_mining_sales_destinations: "a/b",
    m.get_mining_province_resources: "a/b",
    m.get_mining_site: "a/b",
    m.get_mining_license_auction: "a/b",
}


@pytest.mark.parametrize("getter", BY_KEY, ids=lambda getter: getter.__name__)
def test_a_key_that_is_another_path_is_refused_before_anything_is_paid(client, getter):
    with pytest.raises(sectorsdf.FilterError):
        getter(["good", BY_KEY[getter]], client=client)
    with pytest.raises(sectorsdf.FilterError):
        getter([7], client=client)
    assert asked(client) == []


def test_a_slug_with_parentheses_is_quoted_whole(serve):
    slug = "j-resources-gold-(uk)-limited-(jrgl) & co?"
    answer = {"slug": slug, "parents": [], "subsidiaries": []}
    client = serve({"mining_company_ownership": [{"key": slug, "answer": answer}]})
    frame = m.get_mining_company_ownership(slug, client=client, strict=True)
    assert frame.empty
    assert facts(frame)["complete"] is True
    assert client.sandbox.billed == 1


def test_one_text_an_iterable_and_a_frame_are_the_same_keys(client):
    frame = m.get_mining_companies(max_rows=3, client=client)
    slugs = frame["slug"].tolist()
    whole = m.get_mining_company(frame, client=client)
    assert whole["slug"].tolist() == slugs
    for keys in (slugs, tuple(slugs), iter(slugs), frame["slug"], np.array(slugs, dtype=object)):
        again = m.get_mining_company(keys, client=client)
        pd.testing.assert_frame_equal(again, whole)
    assert facts(m.get_mining_company(iter(slugs), client=client))["filters"] == {"slugs": slugs}
    assert m.get_mining_company(slugs[0], client=client)["slug"].tolist() == slugs[:1]
    assert billed(client) == 1 + 3


def test_frames_of_other_getters_are_keys(client):
    index = m.get_mining_reserves_index(client=client)
    some = index[index["province"].isin(sorted(set(index["province"]))[:2])]
    assert set(m.get_mining_province_resources(some, client=client)["province"]) == set(
        some["province"]
    )
    exports = m.get_mining_exports("Coal", 2023, client=client)
    again = m.get_mining_exports(exports, [2023], client=client)
    pd.testing.assert_frame_equal(again, exports)
    copper = m.get_mining_global_commodities("Copper", client=client)
    countries = m.get_mining_global_commodities("Copper", copper.head(5), client=client)
    assert set(countries["country"]) == set(copper.head(5)["country"])


# All keys


OF_YEARS = (
    m.get_mining_company_financials,
    m.get_mining_company_breakdown,
    m.get_mining_company_performance,
    m.get_mining_company_resources,
    m.get_mining_company_products,
    m.get_mining_sales_destinations,
)

ALL_KEYS = {
    m.get_mining_company: {},
    m.get_mining_company_ownership: {},
    m.get_mining_company_financials: {},
    m.get_mining_company_performance: {"years": [2023, 2024]},
    m.get_mining_sales_destinations: {},
}


@pytest.mark.parametrize("getter", ALL_KEYS, ids=lambda getter: getter.__name__)
def test_all_that_the_list_names_costs_what_the_quote_says(client, getter):
    quote = sectorsdf.quote(getter, client=client, **ALL_KEYS[getter])
    assert (quote.spent, billed(client)) == (1, 1)
    assert quote.exact
    frame = getter(client=client, **ALL_KEYS[getter])
    assert billed(client) - 1 == quote.credits
    assert len(frame)
    # Companies that have no such answer are no error, and are named.
    unknown = facts(frame)["not_found"]
    assert facts(frame)["complete"] is (not unknown)
    if getter is m.get_mining_company_financials:
        assert quote.credits == 9
        assert frame["slug"].is_unique
        assert len(frame) == 9
    elif getter is m.get_mining_company_performance:
        assert quote.credits == 12 + 2 * 366
    else:
        assert quote.credits == 12 + 366


def spends_what_it_quotes(client, getter, **call):
    """Make a call, check its quote, and return the quote."""
    before = billed(client)
    quote = sectorsdf.quote(getter, client=client, **call)
    assert billed(client) - before == quote.spent
    before = billed(client)
    getter(client=client, **call)
    spent = billed(client) - before
    assert spent == quote.credits if quote.exact else spent <= quote.credits
    return quote


def test_a_quote_for_all_keys_leaves_out_what_the_client_remembers(client):
    records = client.server.records("mining_company")
    # Two of the first page of the list, which the quote reads, and two that it does not read.
    slugs = [record["key"] for record in (*records[:2], *records[-2:])]
    m.get_mining_company(slugs, client=client)
    quote = spends_what_it_quotes(client, m.get_mining_company)
    assert (quote.credits, quote.exact) == (12 + 366 - 4, True)
    # The list is asked for anew, and no record of it.
    quote = spends_what_it_quotes(client, m.get_mining_company_licenses)
    assert (quote.credits, quote.exact) == (12, True)
    # Records of other endpoints are not among them.
    quote = spends_what_it_quotes(client, m.get_mining_company_ownership)
    assert (quote.credits, quote.exact) == (12 + 366, True)
    # Nothing is remembered for a call that asks anew.
    quote = sectorsdf.quote(m.get_mining_company, refresh=True, client=client)
    assert quote.credits == 12 + 366


def test_a_quote_for_all_keys_is_no_lower_than_the_price_of_what_the_api_does_not_know(client):
    slugs = [record["key"] for record in client.server.records("mining_company")]
    for keys in (slugs[:40], "pt-nobody"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sectorsdf.DataWarning)
            years = [2023, 2024]
            m.get_mining_company_performance(keys, years=years, missing="skip", client=client)
    quote = spends_what_it_quotes(client, m.get_mining_company_products, years=[2024, 2023])
    assert not quote.exact
    assert 12 + 2 * 326 <= quote.credits < 12 + 2 * 366


def test_a_quote_after_an_interrupted_call_counts_what_is_on_disk(client, tmp_path):
    with pytest.raises(sectorsdf.CreditLimitError):
        m.get_mining_company(client=client, max_credits=20)
    with sectorsdf.Client(
        client.server.key, client.server.url, cache_folder=tmp_path / "own"
    ) as other:
        quote = sectorsdf.quote(m.get_mining_company, client=other)
    assert (quote.credits, quote.spent, quote.exact) == (366, 0, True)


def test_a_quote_for_details_leaves_out_what_the_client_remembers(client):
    records = client.server.records("mining_sites")
    slugs = {r["slug"] for r in records if r["location"]["city"]}
    whole = sectorsdf.quote(m.get_mining_sites, details=True, client=client).credits
    m.get_mining_site(sorted(slugs)[:5], client=client)
    quote = spends_what_it_quotes(client, m.get_mining_sites, details=True)
    assert quote.credits == whole - 5


def test_a_quote_refuses_what_cannot_be_sent_before_it_pays(client):
    for call in ({"walk": "sideways"}, {"years": "x"}):
        getter = m.get_mining_company_ownership if "walk" in call else OF_YEARS[0]
        with pytest.raises(sectorsdf.FilterError):
            sectorsdf.quote(getter, client=client, **call)
    assert asked(client) == []


def test_max_credits_stops_before_all_keys_are_asked_for(client):
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        m.get_mining_company(client=client, max_credits=20)
    assert caught.value.need == 366
    assert billed(client) == 13


def test_provinces_without_the_filtered_figures_are_not_asked_for(client):
    index = m.get_mining_reserves_index(client=client)
    kind = index["commodity_type"].value_counts().index[-1]
    due = index.loc[index["commodity_type"] == kind, "province"].unique()
    frame = m.get_mining_province_resources(commodity_type=kind.upper(), client=client)
    assert set(frame["province"]) == set(due)
    assert set(frame["commodity_type"]) == {kind}
    assert billed(client) == 1 + len(due) < 34


# Keys that the API does not know


def test_an_unknown_key_raises_with_what_was_found_or_is_skipped(client):
    slug = client.server.records("mining_company")[0]["key"]
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        m.get_mining_company(["nobody", slug], client=client)
    assert caught.value.missing == ("nobody",)
    assert caught.value.frame["slug"].tolist() == [slug]
    with pytest.warns(sectorsdf.DataWarning, match="nobody"):
        frame = m.get_mining_company(["nobody", slug], missing="skip", client=client)
    assert facts(frame)["not_found"] == ["nobody"]
    assert facts(frame)["complete"] is False
    # The first call has paid for both.
    assert billed(client) == 2
    with pytest.raises(sectorsdf.FilterError, match="missing"):
        m.get_mining_company(slug, missing="ignore", client=client)


@pytest.mark.parametrize("years", [None, "all", 2023, [2023, 2024]], ids=str)
@pytest.mark.parametrize("getter", OF_YEARS, ids=lambda getter: getter.__name__)
def test_an_unknown_slug_is_named_alone_whatever_the_years(client, getter, years):
    file = {"breakdown": "financials", "resources": "performance", "products": "performance"}
    name = getter.__name__.removeprefix("get_mining_company_").removeprefix("get_mining_")
    name = f"mining_company_{file.get(name, name)}".replace("company_sales", "sales")
    records = client.server.records(name.removesuffix("s") if "sales" in name else name)
    slug = next(r["key"]["slug"] for r in records if int(r["key"]["year"]) in {2023, 2024})
    latest = max(int(r["key"]["year"]) for r in records if r["key"]["slug"] == slug)
    years = latest if years == 2023 else years
    with pytest.raises(sectorsdf.NotFoundError, match="slug 'pt-nobody', or has none") as caught:
        getter(["pt-nobody", slug], years=years, client=client)
    assert caught.value.missing == ("pt-nobody",)
    assert "slug=" not in str(caught.value)
    assert set(caught.value.frame["slug"]) <= {slug}
    with pytest.warns(sectorsdf.DataWarning, match="'pt-nobody'"):
        frame = getter(["pt-nobody", slug], years=years, missing="skip", client=client)
    assert facts(frame)["not_found"] == ["pt-nobody"]
    assert facts(frame)["complete"] is False


def test_a_year_that_the_api_offers_and_does_not_have_is_named(serve):
    slug = "pt-a"
    item = {"slug": slug, "symbol": None, "name": "PT A", "assets_usd": 1.0, "revenue_usd": 1.0}
    item |= {"cost_of_revenue_usd": 1.0, "net_profit_usd": 1.0}
    item |= {"revenue_breakdown": {}, "cost_of_revenue_breakdown": {}}
    answer = {"year": 2024, "available_years": [2024, 2023], "data": {**item, "year": 2024}}
    record = {"key": {"slug": slug, "year": "2024"}, "answer": answer}
    client = serve({"mining_company_financials": [record]})
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        m.get_mining_company_financials(slug, years="all", client=client)
    assert caught.value.missing == ("slug=pt-a, year=2023",)
    assert caught.value.frame["year"].tolist() == [2024]


def test_a_province_without_the_filtered_figures_is_named_alone(client):
    with pytest.raises(sectorsdf.NotFoundError, match="province 'Aceh', or has none") as caught:
        m.get_mining_province_resources("Aceh", commodity_type="Coal", year=1950, client=client)
    assert caught.value.missing == ("Aceh",)
    with pytest.raises(sectorsdf.NotFoundError, match=r"data \(did you mean 'Jawa Barat'\?\)\."):
        m.get_mining_province_resources("West Java", client=client)
    with pytest.raises(sectorsdf.NotFoundError, match="neither a ticker nor a name; see the col"):
        m.get_mining_company_financials("AADI.JK", client=client)
    with pytest.raises(sectorsdf.NotFoundError, match="see the column slug of mining_sites"):
        m.get_mining_site("Contoh Tengah 2", client=client)


def test_a_year_without_data_is_no_error(client):
    records = client.server.records("mining_company_financials")
    slug, years = records[0]["key"]["slug"], records[0]["answer"]["available_years"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = m.get_mining_company_financials(slug, years=[1999, *years], client=client)
    assert sorted(frame["year"]) == sorted(years)
    assert facts(frame)["complete"] is True
    assert facts(frame)["credits"] == billed(client) == 1 + len(years)
    assert m.get_mining_exports("Coal", [1999], client=client).empty


# Years


def test_the_latest_all_and_named_years(client):
    records = client.server.records("mining_company_performance")
    slug = max(records, key=lambda record: len(record["answer"]["available_years"]))["key"]["slug"]
    years = next(r["answer"]["available_years"] for r in records if r["key"]["slug"] == slug)
    assert len(years) > 2
    latest = m.get_mining_company_performance(slug, client=client)
    assert set(latest["year"]) == {max(years)}
    assert billed(client) == 1
    whole = m.get_mining_company_performance(slug, years="all", client=client)
    assert set(whole["year"]) == set(years)
    assert billed(client) == len(years)
    for some in (years[:2], tuple(years[:2]), range(min(years[:2]), max(years[:2]) + 1)):
        frame = m.get_mining_company_performance(slug, years=some, client=client)
        assert set(frame["year"]) == set(years[:2])
    one = m.get_mining_company_performance(slug, years=np.int64(years[0]), client=client)
    assert set(one["year"]) == {years[0]}
    before = billed(client)
    m.get_mining_company_resources(slug, years="all", client=client)
    m.get_mining_company_products(slug, years="all", client=client)
    assert billed(client) == before
    for wrong in ("latest", 1800, 2023.5, True, pd.DataFrame({"year": [2023]})):
        with pytest.raises(sectorsdf.FilterError):
            m.get_mining_company_performance(slug, years=wrong, client=client)
    with pytest.raises(sectorsdf.FilterError, match=r"^years='2023': give a whole number such as"):
        m.get_mining_company_performance(slug, years=[2024, "2023"], client=client)
    assert billed(client) == before


def of_years(slug, years):
    entry = dict.fromkeys(("percentage_of_total_revenue", "percentage_of_sales_volume"))
    entry |= {"revenue_usd": 1.0, "volume": 2.0, "commodity_type": "Coal", "unit": "Mt"}
    return [
        {
            "key": {"slug": slug, "year": year},
            "answer": {"year": year, "data": {"China": entry, "Others": entry}},
        }
        for year in years
    ]


def test_destinations_go_down_from_the_latest_year_until_two_misses(serve):
    records = [*of_years("a", [2024, 2022, 2018]), *of_years("b", [2023])]
    client = serve({"mining_sales_destination": records})
    frame = m.get_mining_sales_destinations(["a", "b"], years="all", client=client)
    found = frame[["slug", "year"]].drop_duplicates().itertuples(index=False, name=None)
    # 2018 comes after two years without an answer.
    assert list(found) == [("a", 2024), ("b", 2023), ("a", 2022)]
    years = {}
    for request in client.sandbox.requests:
        years.setdefault(request.path.split("/")[-2], []).append(request.query.get("year"))
    assert years == {
        "a": [None, "2023", "2022", "2021", "2020"],
        "b": [None, "2022", "2021"],
    }
    assert facts(frame)["credits"] == client.sandbox.billed == 8
    assert facts(frame)["complete"] is True
    assert frame["is_region"].tolist() == [False, True] * 3
    assert m.get_mining_sales_destinations("a", client=client)["year"].unique().tolist() == [2024]
    quote = sectorsdf.quote(m.get_mining_sales_destinations, "a", years="all", client=client)
    assert not quote.exact


# What the API cuts


def many(count):
    rows = [
        {
            "country": f"Country {number:02}",
            "export_usd": 1.0,
            "export_volume_bps": None,
            "export_volume_esdm": None,
            "volume_unit": None,
        }
        for number in range(count)
    ]
    key = {"commodity_type": "Coal", "year": 2023}
    return {"mining_exports": [{"key": key, "answer": rows}]}


def test_thirty_rows_are_not_complete(serve):
    client = serve(many(30))
    with pytest.raises(sectorsdf.IncompleteSweepError, match="30") as caught:
        m.get_mining_exports("Coal", 2023, client=client)
    assert len(caught.value.frame) == 30
    assert facts(caught.value.frame)["complete"] is False
    with pytest.warns(sectorsdf.DataWarning, match="30"):
        frame = m.get_mining_exports("Coal", 2023, allow_partial=True, client=client)
    assert facts(frame)["complete"] is False
    pd.testing.assert_frame_equal(frame, caught.value.frame)
    assert client.sandbox.requests[0].query["limit"] == "30"
    assert client.sandbox.billed == 1
    whole = m.get_mining_exports("Coal", 2023, client=serve(many(29)))
    assert facts(whole)["complete"] is True
    assert len(whole) == 29


def test_coal_is_completed_country_by_country_within_max_credits(client):
    records = client.server.records("mining_global_commodity")
    due = {record["country"] for record in records if record["commodity_type"] == "Coal"}
    assert len(due) > 30
    with pytest.raises(sectorsdf.IncompleteSweepError) as caught:
        m.get_mining_global_commodities("Coal", client=client)
    assert billed(client) == 1
    assert caught.value.frame["country"].nunique() == 30
    with pytest.raises(sectorsdf.CreditLimitError):
        m.get_mining_global_commodities("Coal", "all", max_credits=3, client=client)
    assert billed(client) == 1
    frame = m.get_mining_global_commodities("coal", "all", client=client)
    assert set(frame["country"]) == due
    # The names are the package's own, so the frame is complete over these and proves no more.
    assert facts(frame)["complete"] is None
    over = facts(frame)["complete_over"]["country"]
    assert due <= set(over)
    assert len(over) == len(set(over)) == 30 + billed(client) - 1
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    assert not frame.duplicated(["country", "commodity_type", "measure", "rank", "year"]).any()
    # An answer that the API does not cut has them all.
    nickel = m.get_mining_global_commodities("Nickel", "all", client=client)
    assert facts(nickel)["complete"] is True
    assert "complete_over" not in facts(nickel)


def test_a_country_without_rows_is_named(client):
    known = m.get_mining_global_commodities("Copper", client=client)["country"].iloc[0]
    with pytest.warns(sectorsdf.DataWarning, match="no rows of 'Atlantis'"):
        frame = m.get_mining_global_commodities("Copper", [known, "Atlantis"], client=client)
    assert set(frame["country"]) == {known}
    assert facts(frame)["not_found"] == ["Atlantis"]
    assert facts(frame)["complete"] is False


@pytest.mark.parametrize("call", [{}, {"countries": "all"}])
def test_a_commodity_or_a_country_must_be_given(client, call):
    with pytest.raises(sectorsdf.FilterError, match="commodity_type"):
        m.get_mining_global_commodities(client=client, **call)
    with pytest.raises(sectorsdf.FilterError, match="years"):
        m.get_mining_exports("Coal", client=client)
    assert asked(client) == []


# Ownership


def owners(edges, differing=()):
    """Return the records of a graph of edges from parent to child."""
    slugs = dict.fromkeys(slug for edge in edges for slug in edge)

    def company(slug, share):
        return {"name": slug.upper(), "slug": slug, "symbol": None, "percentage_ownership": share}

    def share(edge, end):
        return 50.0 if edge not in differing or end == "child" else 49.0

    return {
        "mining_company_ownership": [
            {
                "key": slug,
                "answer": {
                    "slug": slug,
                    "parents": [company(e[0], share(e, "child")) for e in edges if e[1] == slug],
                    "subsidiaries": [
                        company(e[1], share(e, "parent")) for e in edges if e[0] == slug
                    ],
                },
            }
            for slug in slugs
        ]
    }


FOREST = [("a", "b"), ("b", "c"), ("b", "d"), ("d", "e"), ("x", "y")]


@pytest.mark.parametrize(
    ("walk", "edges", "cost"),
    [
        (None, {("a", "b"), ("b", "c"), ("b", "d")}, 1),
        ("up", {("a", "b"), ("b", "c"), ("b", "d")}, 2),
        ("down", {("a", "b"), ("b", "c"), ("b", "d"), ("d", "e")}, 4),
        ("both", set(FOREST[:4]), 5),
    ],
)
def test_a_walk_asks_for_each_company_once(serve, walk, edges, cost):
    client = serve(owners(FOREST))
    quote = sectorsdf.quote(m.get_mining_company_ownership, "b", walk=walk, client=client)
    assert quote.exact is (walk is None)
    frame = m.get_mining_company_ownership("b", walk=walk, client=client)
    assert set(zip(frame["parent_slug"], frame["child_slug"], strict=True)) == edges
    assert len(frame) == len(edges)
    assert facts(frame)["credits"] == client.sandbox.billed == cost
    assert len({request.path for request in client.sandbox.requests}) == cost
    assert frame["seen_from"].iloc[0] == "b"


@pytest.mark.parametrize("walk", ["up", "down", "both"])
def test_a_walk_is_safe_against_circles(serve, walk):
    client = serve(owners([("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")]))
    frame = m.get_mining_company_ownership("a", walk=walk, client=client)
    assert len(frame) == 4
    assert client.sandbox.billed == 3


def test_a_walk_is_bounded_by_max_credits_and_goes_on_from_there(serve):
    chain = [(f"c{n}", f"c{n + 1}") for n in range(6)]
    client = serve(owners(chain))
    with pytest.raises(sectorsdf.CreditLimitError):
        m.get_mining_company_ownership("c0", walk="down", max_credits=3, client=client)
    assert client.sandbox.billed == 3
    frame = m.get_mining_company_ownership("c0", walk="down", max_credits=4, client=client)
    assert len(frame) == 6
    assert client.sandbox.billed == 7


def test_an_owner_that_the_api_does_not_know_is_no_error_of_a_walk(serve):
    records = owners([("a", "b")])
    records["mining_company_ownership"] = records["mining_company_ownership"][1:]
    frame = m.get_mining_company_ownership("b", walk="up", client=serve(records))
    assert len(frame) == 1


def test_a_walk_survives_slugs_that_cannot_be_asked_for(serve):
    records = owners([("a/b", "c"), ("d", "c")])
    answer = records["mining_company_ownership"][1]["answer"]
    answer["parents"].append({**answer["parents"][0], "slug": None})
    frame = m.get_mining_company_ownership("c", walk="up", client=serve(records))
    assert frame["parent_slug"].fillna("-").tolist() == ["a/b", "d", "-"]


def test_an_edge_seen_from_both_ends_is_one_row(serve):
    client = serve(owners([("a", "b"), ("a", "c")]))
    frame = m.get_mining_company_ownership(["a", "b"], client=client, strict=True)
    assert frame["child_slug"].tolist() == ["b", "c"]
    assert frame["seen_from"].tolist() == ["a", "a"]
    # The record of b has the name of its owner, which its own has not.
    assert frame["parent_name"].tolist() == ["A", "A"]
    client = serve(owners([("a", "b")], differing=[("a", "b")]))
    with pytest.warns(sectorsdf.DataWarning, match="more than once"):
        frame = m.get_mining_company_ownership(["b", "a"], client=client)
    (problem,) = facts(frame)["problems"]
    assert problem["column"] == "percentage_ownership"
    assert "50.0 from b" in problem["raw"]
    assert "49.0 from a" in problem["raw"]
    assert frame["percentage_ownership"].tolist() == [50.0]
    with pytest.raises(sectorsdf.DataError) as caught:
        m.get_mining_company_ownership(["b", "a"], client=client, strict=True)
    assert caught.value.problems == [problem]


def test_another_walk_is_refused(client):
    with pytest.raises(sectorsdf.FilterError, match="walk"):
        m.get_mining_company_ownership("a", walk="sideways", client=client)
    assert asked(client) == []


def test_a_commodity_without_any_answer_is_named(serve):
    client = serve({"mining_total_production": []})
    with pytest.raises(sectorsdf.NotFoundError, match="commodity 'Gold'"):
        m.get_mining_total_production("Gold", client=client)


# People

PRIVATE = {
    "representative_address": "Jalan Contoh 12345",
    "phone_number": "0215550123",
    "email": "someone@example.org",
}


@pytest.fixture
def of_people(serve):
    detail = {
        "slug": "pt-a",
        "name": "PT A",
        "symbol": None,
        "company_type": "Holding",
        "key_operation": "Mining",
        "commodity_type": ["Coal"],
        "operation_province": "Aceh",
        "operation_district": None,
        "website": "https://example.org",
        "activities": [],
        "mining_license": [],
        "mining_contract": [],
        "mining_site_count": 0,
        **PRIVATE,
    }
    return lambda **options: serve(
        {"mining_company": [{"key": "pt-a", "answer": detail}]}, **options
    )


def is_anywhere(folder):
    """Return whether a file below a folder has one of the private texts."""
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert found
    return any(text.encode() in content for content in found for text in PRIVATE.values())


@pytest.mark.parametrize(
    "getter",
    [m.get_mining_company, m.get_mining_company_licenses, m.get_mining_company_contracts],
    ids=lambda getter: getter.__name__,
)
def test_contacts_are_left_out_everywhere(of_people, tmp_path, getter):
    client = of_people(cache_folder=tmp_path / "own", cache=tmp_path / "cache")
    frame = getter("pt-a", client=client, strict=True)
    assert not set(PRIVATE) & set(frame.columns)
    assert not any(text in frame.to_csv() for text in PRIVATE.values())
    sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    assert not is_anywhere(tmp_path)
    offline = getter("pt-a", client=client, offline=True)
    pd.testing.assert_frame_equal(offline, frame)
    assert client.sandbox.billed == 1


def test_contacts_are_columns_where_the_caller_asks_for_them(of_people, tmp_path):
    client = of_people(cache_folder=tmp_path / "own", cache=tmp_path / "cache")
    frame = m.get_mining_company("pt-a", include_contacts=True, client=client, strict=True)
    assert frame[list(PRIVATE)].iloc[0].to_dict() == PRIVATE
    without = m.get_mining_company("pt-a", client=client)
    pd.testing.assert_frame_equal(without, frame.drop(columns=list(PRIVATE)))
    assert client.sandbox.billed == 1
    assert not is_anywhere(tmp_path)
    with pytest.raises(sectorsdf.ConfigurationError, match="offline"):
        m.get_mining_company("pt-a", include_contacts=True, offline=True, client=client)


# Figures


def test_a_change_over_a_missing_year_is_not_a_change_of_one_year(serve):
    rows = [
        {"year": 2018, "production_volume": 150.0, "prev_year_volume": 120.0},
        {"year": 2017, "production_volume": 120.0, "prev_year_volume": 100.0},
        {"year": 2015, "production_volume": 100.0, "prev_year_volume": None},
    ]
    rows = [{**row, "unit": "mt", "yoy_change_percent": 20.0} for row in rows]
    client = serve({"mining_total_production": [{"key": "Copper", "answer": rows}]})
    frame = m.get_mining_total_production("copper", client=client)
    assert frame["yoy_change_pct"].fillna(-1).tolist() == [25.0, -1, -1]
    assert frame["api_yoy_change_pct"].tolist() == [20.0] * 3
    assert frame["unit"].unique().tolist() == ["t"]
    assert frame["api_unit"].unique().tolist() == ["mt"]


def test_a_metal_of_a_province_is_contained_metal_and_its_ore_is_ore(serve):
    data = {"2023": {"Gold": {"total_resources_kt": 0.286, "ore_total_resources_kt": 95.5}}}
    answer = {"province": "Aceh", "data": data}
    client = serve({"mining_resources_reserves": [{"key": "Aceh", "answer": answer}]})
    frame = m.get_mining_province_resources("Aceh", client=client, strict=True)
    rows = frame.set_index("source_field")[["component", "measure", "value"]]
    assert rows.loc[frame["source_field"].iloc[0]].tolist() == ["Au", "contained", 0.286]
    assert rows.loc[frame["source_field"].iloc[1]].tolist() == ["ore", "tonnage", 95.5]


def test_percentages_are_told_from_amounts(serve):
    data = {
        "slug": "a",
        "symbol": None,
        "name": "A",
        "year": 2023,
        "assets_usd": 5320000000.0,
        "revenue_usd": None,
        "revenue_breakdown": {"coal": 12.5, "coal_pct": 98.5},
        "cost_of_revenue_usd": None,
        "cost_of_revenue_breakdown": {"fuel": 3},
        "net_profit_usd": None,
    }
    answer = {"year": 2023, "available_years": [2023], "data": data}
    key = {"slug": "a", "year": 2023}
    client = serve({"mining_company_financials": [{"key": key, "answer": answer}]})
    frame = m.get_mining_company_breakdown("a", client=client, strict=True)
    assert frame["unit"].tolist() == ["USD", "%", "USD"]
    money = m.get_mining_company_financials("a", client=client, strict=True)
    assert money["assets_usd"].tolist() == [5320000000.0]
    assert client.sandbox.billed == 1


def test_an_unknown_keyword_is_compared_with_the_getters_own(serve):
    advice = r"Did you mean 'countries'.* It has .*countries\."
    with pytest.raises(sectorsdf.FilterError, match=advice):
        sectorsdf.get_mining_global_commodities(country="China", client=serve())
