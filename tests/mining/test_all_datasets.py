"""What is true of every dataset's getter, over answers of every shape."""

from __future__ import annotations

import copy
import json
import re
from datetime import date

import pandas as pd
import pytest
from support import reference
from support import reference_answers as due

import sectorsdf
from sectorsdf.datasets import DATASETS
from sectorsdf.sandbox import Sandbox
from sectorsdf.sandbox.endpoints import ENDPOINTS

FILES = {
    "mining_license_auction": "mining_license_auctions",
    "mining_license_auction_phases": "mining_license_auctions",
    "mining_license_auction_participants": "mining_license_auctions",
    "mining_site": "mining_sites",
    "mining_site_resources": "mining_sites",
    "mining_company_licenses": "mining_company",
    "mining_company_contracts": "mining_company",
    "mining_company_breakdown": "mining_company_financials",
    "mining_company_resources": "mining_company_performance",
    "mining_company_products": "mining_company_performance",
    "mining_global_commodities": "mining_global_commodity",
    "mining_sales_destinations": "mining_sales_destination",
    "mining_reserves_index": "mining_resources_reserves_index",
    "mining_province_resources": "mining_resources_reserves",
}
"""The file of the server's records, where it has not the dataset's name."""

RESOURCES = {
    **{name: reference.SITES[name] for name in ("slug", "name", "year", "commodity_type")},
    **dict.fromkeys(("company_slug", "company_name", "province"), "text"),
    **{name: kind for name, kind in due.COMPANY_RESOURCES.items() if name not in due._PERFORMED},
}
COLUMNS = {
    "mining_licenses": reference.LICENSES,
    "mining_license_auctions": reference.AUCTIONS,
    "mining_license_auction": reference.AUCTION,
    "mining_license_auction_phases": reference.PHASES,
    "mining_license_auction_participants": reference.PARTICIPANTS,
    "mining_sites": reference.SITES,
    "mining_site": reference.SITE,
    "mining_site_resources": RESOURCES,
    "mining_commodity_prices": due.PRICES,
    **{
        name: getattr(due, name.removeprefix("mining_").removeprefix("company_").upper(), None)
        or getattr(due, name.removeprefix("mining_").upper())
        for name in DATASETS
        if name.startswith("mining_company_")
        if name not in {"mining_company_licenses", "mining_company_contracts"}
    },
    "mining_company_licenses": due.COMPANY_LICENSES,
    "mining_company_contracts": due.COMPANY_CONTRACTS,
    "mining_company_resources": due.COMPANY_RESOURCES,
    **{
        f"mining_{name}": getattr(due, name.upper())
        for name in (
            *("commodities", "companies", "company", "contracts", "exports", "reserves_index"),
            *("global_commodities", "sales_destinations", "total_production"),
            "province_resources",
        )
    },
}
ALL = pytest.mark.parametrize("name", DATASETS)


def getter_of(name):
    return getattr(sectorsdf, f"get_{name}")


def test_the_suite_has_every_dataset():
    assert COLUMNS.keys() == DATASETS.keys()
    assert all(callable(getter_of(name)) for name in DATASETS)


# Over the sample


@pytest.fixture(scope="module")
def server():
    with Sandbox(licenses=70, sites=40, today=date(2026, 1, 15)) as server:
        yield server


@pytest.fixture
def connect(server, tmp_path):
    """Return a function that makes a client of the server which remembers nothing."""
    clients = []

    def connect(folder="own", **options):
        path = tmp_path / folder
        clients.append(sectorsdf.Client(server.key, server.url, cache_folder=path, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def sample_call(name, server):
    """Return the arguments of a call that some rows of the sample answer."""
    records = server.records(FILES.get(name, name))
    dataset = DATASETS[name]
    if dataset.is_list or name in {"mining_commodities", "mining_contracts"}:
        return {}
    if name.startswith("mining_license_auction"):
        return {"wiup_code": [record["wiup_code"] for record in records[:2]]}
    if name.startswith("mining_site"):
        local = [r["slug"] for r in records if r["resources_reserves"] and r["location"]["city"]]
        return {"sites" if name == "mining_site_resources" else "slug": local[:2]}
    if name == "mining_commodity_prices":
        return {"names": ["Coal", "Gold as a co-product"], "start_year": 2022}
    if name in {"mining_reserves_index", "mining_total_production"}:
        return {}
    if name == "mining_exports":
        return {"commodity_types": ["Coal", "gold"], "years": [2022, 2023]}
    if name == "mining_global_commodities":
        return {"commodity_type": "Copper"}
    if name == "mining_province_resources":
        return {"provinces": [record["key"] for record in records[:2]]}
    keys = [r["key"] if isinstance(r["key"], str) else r["key"]["slug"] for r in records]
    if name in {"mining_company_licenses", "mining_company_contracts"}:
        field = f"mining_{name.removeprefix('mining_company_').removesuffix('s')}"
        keys = [r["key"] for r in records if r["answer"][field]]
    if name == "mining_company_ownership":
        keys = [r["key"] for r in records if r["answer"]["parents"]]
    if name == "mining_company_products":
        keys = [r["key"]["slug"] for r in records if "product_name" in json.dumps(r)]
    return {"slugs": list(dict.fromkeys(keys))[:3]}


@ALL
def test_a_call_costs_what_the_quote_says_and_nothing_again(name, server, connect, tmp_path):
    getter, call = getter_of(name), sample_call(name, server)
    client, before = connect(cache=tmp_path / "cache"), server.billed
    quote = sectorsdf.quote(getter, client=client, **call)
    quoted = server.billed
    assert quoted - before == quote.spent
    frame = getter(client=client, **call)
    assert quote.exact
    assert quote.credits == server.billed - quoted
    reference.check_shape(frame, COLUMNS[name])
    assert len(frame)
    facts = frame.attrs["sectorsdf"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    assert facts["dataset"] == name
    assert facts["rows"] == len(frame)
    assert facts["complete"] is True
    assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []
    assert "None" not in facts["filters"]
    # Another process: it has the files only.
    spent = server.billed
    other = connect("other", cache=tmp_path / "cache")
    assert sectorsdf.quote(getter, client=other, **call).credits == 0
    again = getter(client=other, **call)
    offline = getter(client=other, offline=True, **call)
    assert server.billed == spent
    for cached in (again, offline):
        pd.testing.assert_frame_equal(cached, frame, check_exact=True)
        assert cached.attrs["sectorsdf"]["from_cache"]["credits"] == 0
    getter(client=other, refresh=True, **call)
    assert server.billed > spent


@ALL
def test_the_provenance_has_what_the_server_billed(name, server, connect):
    before = server.billed
    call = sample_call(name, server)
    frame = getter_of(name)(client=connect(), **call)
    facts = frame.attrs["sectorsdf"]
    assert facts["credits"] == server.billed - before
    assert facts["from_cache"] is False
    assert facts["endpoint"] == DATASETS[name].path
    assert facts["source"].startswith("synthetic sample")


def documented(path):
    """Return the parameters of the endpoint at a path; another test compares them with OpenAPI."""
    for endpoint in ENDPOINTS:
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", endpoint.path), path):
            paging = {"limit", "offset"} if endpoint.kind == "page" else {"limit"}
            paging = paging if endpoint.kind == "page" or endpoint.limited else set()
            return {*endpoint.rules, *paging, *(("order_by",) if endpoint.sorts else ())}
    raise AssertionError(path)


@ALL
def test_only_documented_parameters_are_sent(name, server, connect):
    begun = len(server.requests)
    getter_of(name)(client=connect(), **sample_call(name, server))
    requests = server.requests[begun:]
    assert requests
    for request in requests:
        assert request.query.keys() <= documented(request.path), request.path


@ALL
def test_offline_without_a_cached_answer(name, server, connect, tmp_path):
    before = server.billed
    with pytest.raises(sectorsdf.NotCachedError):
        getter_of(name)(client=connect(), cache=tmp_path, offline=True, **sample_call(name, server))
    assert server.billed == before


@ALL
def test_a_frame_survives_parquet(name, server, connect, tmp_path):
    frame = getter_of(name)(client=connect(), **sample_call(name, server))
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    reference.check_same(sectorsdf.read_parquet(path), frame)
    frame.to_parquet(tmp_path / "pandas.parquet")
    reference.check_same(pd.read_parquet(tmp_path / "pandas.parquet"), frame)


@ALL
def test_an_unknown_keyword_is_refused_before_anything_is_paid(name, server, connect):
    before = server.billed
    with pytest.raises(sectorsdf.FilterError, match="colour"):
        getter_of(name)(client=connect(), **sample_call(name, server), colour="red")
    with pytest.raises((sectorsdf.ConfigurationError, sectorsdf.FilterError, TypeError)):
        getter_of(name)(client="a key", **sample_call(name, server))
    assert server.billed == before


# Over records of every shape

COMPANY = {
    "slug": "pt-a",
    "name": "PT A",
    "symbol": None,
    "company_type": "Holding",
    "key_operation": "Mining",
    "commodity_type": ["Coal"],
}
DETAIL = {
    **COMPANY,
    "operation_province": "Aceh",
    "operation_district": None,
    "representative_address": None,
    "website": None,
    "phone_number": None,
    "email": None,
    "activities": ["Mining"],
    "mining_license": [],
    "mining_contract": [],
    "mining_site_count": 1,
}
PERFORMED = {
    "year": 2023,
    "commodity_type": "Coal",
    "commodity_sub_type": None,
    "commodity_stats": {
        "unit": "Mt",
        "mining_operation_status": "production",
        "production_volume": 1.5,
        "sales_volume": None,
        "overburden_removal_volume": None,
        "strip_ratio": None,
        "resources_reserves": {"measurement_year": 2023, "total_reserves_Mt": 1.5},
        "products": [{"product_name": "A", "calorific_value_kcal": {"min": 5000, "max": 5100}}],
    },
}
SERIES = {
    "name": "Coal",
    "data_points": 1,
    "earliest_date": "2023-01-01",
    "latest_date": "2023-12-01",
}
GLOBAL = {
    "country": "Chile",
    "commodity_type": "Copper",
    "resources_reserves": None,
    "resources_reserves_share": None,
    "resources_reserves_unit": None,
    "export_import_usd": None,
    "production_volume": {"2023": 5.5},
    "production_share": None,
    "production_volume_unit": "Mt",
}
FINANCIALS = {
    "slug": "pt-a",
    "symbol": None,
    "name": "PT A",
    "year": 2023,
    "assets_usd": 1.5,
    "revenue_usd": 2.5,
    "revenue_breakdown": {},
    "cost_of_revenue_usd": None,
    "cost_of_revenue_breakdown": {},
    "net_profit_usd": None,
}
YEARS = {"year": 2023, "available_years": [2023]}


def keyed(file, key, answer):
    return {file: [{"key": key, "answer": answer}]}


def of_company(field):
    return lambda items: keyed("mining_company", "pt-a", {**DETAIL, field: items})


def performed(items):
    answer = {"slug": "pt-a", **YEARS, "data": items}
    return keyed("mining_company_performance", {"slug": "pt-a", "year": "2023"}, answer)


def financials(items):
    answer = {**YEARS, "data": items}
    return keyed("mining_company_financials", {"slug": "pt-a", "year": "2023"}, answer)


def only(name):
    """Return what serves records of a list."""
    return lambda items: {name: items}


def destinations(items):
    answer = {"year": 2023, "data": {f"Country {n}": item for n, item in enumerate(items)}}
    return keyed("mining_sales_destination", {"slug": "pt-a", "year": "2023"}, answer)


def prices(items):
    return {
        "mining_commodities": [SERIES],
        **keyed("mining_commodity_prices", "Coal", items),
    }


def exports(items):
    return keyed("mining_exports", {"commodity_type": "Coal", "year": 2023}, items)


SLUG = {"slugs": "pt-a"}
PART = {
    "wiup_code": "1",
    "license_number": "2",
    "license_type": "IUP",
    "province": "Aceh",
    "city": None,
    "license_effective_date": "2020-01-31",
    "license_expiry_date": None,
    "activity": "Eksplorasi",
    "licensed_area_ha": 1.5,
    "location": None,
    "commodity_type": "Coal",
    "cnc": None,
    "generation": None,
}
# By dataset: the arguments; what makes the server's records of items; an item; a field of it with
# a value that does not fit; and the column that reports it.
SHAPES = {
    "mining_licenses": (
        *({}, only("mining_licenses"), reference.licence()),
        *("licensed_area_ha", "licensed_area_ha"),
    ),
    "mining_license_auctions": (
        *({}, only("mining_license_auctions"), reference.auction()),
        *("winner_date", "winner_date"),
    ),
    "mining_sites": (
        *({}, only("mining_sites"), reference.site()),
        *("production_volume", "production_volume"),
    ),
    "mining_companies": (
        *({}, only("mining_companies"), COMPANY),
        *("commodity_type", "commodity_types"),
    ),
    "mining_commodities": ({}, only("mining_commodities"), SERIES, "data_points", "data_points"),
    "mining_commodity_prices": (
        *({"names": "Coal"}, prices),
        {"name": "Coal", "date": "2023-05-01", "price_usd_per_ton": 1.5},
        *("price_usd_per_ton", "price"),
    ),
    "mining_company_licenses": (
        *(SLUG, of_company("mining_license"), PART),
        *("licensed_area_ha", "licensed_area_ha"),
    ),
    "mining_company_contracts": (
        *(SLUG, of_company("mining_contract")),
        {
            "company_name": "PT B",
            "company_id": "7",
            "contract_period_end": "2030-01-31",
            "agreement_type": ["Mining"],
        },
        *("contract_period_end", "contract_period_end"),
    ),
    "mining_company_ownership": (
        SLUG,
        lambda items: keyed(
            "mining_company_ownership",
            "pt-a",
            {"slug": "pt-a", "parents": items, "subsidiaries": []},
        ),
        {"name": "PT B", "slug": "pt-b", "symbol": None, "percentage_ownership": 50.5},
        *("percentage_ownership", "percentage_ownership"),
    ),
    "mining_company_financials": (SLUG, financials, FINANCIALS, "assets_usd", "assets_usd"),
    "mining_company_performance": (
        *(SLUG, performed, PERFORMED),
        *("year", "year"),
    ),
    "mining_contracts": (
        *({}, only("mining_contracts")),
        {
            "mine_owner_slug": "pt-a",
            "mine_owner_name": "PT A",
            "contractor_slug": "pt-b",
            "contractor_name": "PT B",
            "contract_period_end": "2030-01-31",
        },
        *("contract_period_end", "contract_period_end"),
    ),
    "mining_exports": (
        *({"commodity_types": "Coal", "years": 2023}, exports),
        {
            "country": "China",
            "export_usd": 1.5,
            "export_volume_bps": None,
            "export_volume_esdm": 2.5,
            "volume_unit": "Mt",
        },
        *("export_usd", "export_usd"),
    ),
    "mining_global_commodities": (
        *({"commodity_type": "Copper"}, only("mining_global_commodity"), GLOBAL),
        *("production_volume", "production_volume"),
    ),
    "mining_sales_destinations": (
        *(SLUG, destinations),
        {
            "revenue_usd": 1.5,
            "percentage_of_total_revenue": None,
            "volume": 2.5,
            "percentage_of_sales_volume": None,
            "commodity_type": "Coal",
            "unit": "Mt",
        },
        *("volume", "volume"),
    ),
    "mining_total_production": (
        {"commodity_types": "Coal"},
        lambda items: keyed("mining_total_production", "Coal", items),
        {
            "year": 2023,
            "production_volume": 1.5,
            "prev_year_volume": None,
            "unit": "Mt",
            "yoy_change_percent": None,
        },
        *("production_volume", "production_volume"),
    ),
    "mining_company": (
        SLUG,
        lambda items: {
            "mining_company": [
                {"key": "pt-a", "answer": {**item, "slug": "pt-a"}} for item in items
            ]
        },
        *(DETAIL, "mining_site_count", "mining_site_count"),
    ),
    "mining_license_auction": (
        {"wiup_code": "1234567890123456"},
        lambda items: {
            "mining_license_auctions": [{**item, "wiup_code": "1234567890123456"} for item in items]
        },
        *(reference.auction(), "winner_date", "winner_date"),
    ),
    "mining_license_auction_phases": (
        {"wiup_code": "1234567890123456"},
        lambda items: {"mining_license_auctions": [reference.auction(phases=items)]},
        {"order": 1, "description": "x", "start_date": "2024-01-31", "end_date": None},
        *("start_date", "start_date"),
    ),
    "mining_license_auction_participants": (
        {"wiup_code": "1234567890123456"},
        lambda items: {"mining_license_auctions": [reference.auction(participants=items)]},
        {"NIB": "1", "company_name": "PT A", "qualification_result": "Lolos", "email": None},
        *("qualification_result", "qualification_result"),
    ),
    "mining_site": (
        {"slug": "contoh"},
        lambda items: {
            "mining_sites": [
                {
                    **item,
                    "slug": "contoh",
                    "year": 2024,
                    "location": item["location"] or {"province": "", "city": None},
                }
                for item in items
            ]
        },
        *(reference.site(), "production_volume", "production_volume"),
    ),
}
# Their rows are made of the names of fields, so that a field more is a row more.
READ_BY_NAME = {
    "mining_site_resources": (
        {"sites": "contoh"},
        lambda figures: {"mining_sites": [reference.site(resources_reserves=figures)]},
        {"total_reserves_Mt": 1.5},
        {"total_reserves_Mt": "x"},
    ),
    "mining_company_breakdown": (
        SLUG,
        lambda items: financials({**FINANCIALS, "revenue_breakdown": items}),
        {"coal": 1.5},
        {"coal": "x"},
    ),
    "mining_company_resources": (
        SLUG,
        lambda figures: performed(
            [
                {
                    **PERFORMED,
                    "commodity_stats": {
                        **PERFORMED["commodity_stats"],
                        "resources_reserves": figures,
                    },
                }
            ]
        ),
        {"total_reserves_Mt": 1.5},
        {"total_reserves_Mt": "x"},
    ),
    "mining_company_products": (
        SLUG,
        lambda products: performed(
            [
                {
                    **PERFORMED,
                    "commodity_stats": {
                        **PERFORMED["commodity_stats"],
                        "products": [{"product_name": "A", **products}] if products else None,
                    },
                }
            ]
        ),
        {"Ni_pct": {"min": 1.5, "max": 2}},
        {"Ni_pct": "x"},
    ),
    "mining_reserves_index": (
        {},
        lambda provinces: {
            "mining_resources_reserves_index": [
                {"key": province, "answer": answer} for province, answer in provinces.items()
            ]
        },
        {"Aceh": {"Coal": [2023]}},
        {"Aceh": {"Coal": ["x"]}},
    ),
    "mining_province_resources": (
        {"provinces": "Aceh"},
        lambda data: keyed("mining_resources_reserves", "Aceh", {"province": "Aceh", "data": data}),
        {"2023": {"Coal": {"total_reserves_Mt": 1.5}}},
        {"2023": {"Coal": {"total_reserves_Mt": "x"}}},
    ),
}
# A company or an auction that the API does not know is an error, and not an empty frame.
ONE_ROW_EACH = {"mining_company", "mining_license_auction", "mining_site"}


def test_every_dataset_has_its_shapes():
    assert SHAPES.keys() | READ_BY_NAME.keys() == DATASETS.keys()


def nulled(item):
    """Return an item with nulls for all values of it, and for those inside its objects."""
    return {name: nulled(v) if name == "commodity_stats" else None for name, v in item.items()}


@pytest.mark.parametrize("shape", ["empty", "one row", "all null", "several"])
@pytest.mark.parametrize("name", SHAPES)
def test_one_shape_for_ever(serve, tmp_path, name, shape):
    call, make, item, *_ = SHAPES[name]
    items = {"empty": [], "one row": [item], "all null": [nulled(item)], "several": [item] * 3}
    items = copy.deepcopy(items[shape])
    if name == "mining_commodity_prices" and shape == "all null":
        # A day that is missing is in no year, and the others are in theirs.
        items = [{**items[0], "name": None}]
    if name == "mining_sites" and shape == "all null":
        items[0]["slug"] = "contoh"
    if name == "mining_global_commodities" and shape == "all null":
        items = [{**items[0], "commodity_type": "Copper"}]
    getter = getter_of(name)
    client = serve(make(items))
    if name in ONE_ROW_EACH and shape == "empty":
        if name == "mining_company":
            with pytest.raises(sectorsdf.NotFoundError) as caught:
                getter(client=client, **call)
            frame = caught.value.frame
        else:
            frame = getter([], client=client)
    else:
        frame = getter(client=client, strict=shape != "all null", **call)
    reference.check_shape(frame, COLUMNS[name])
    rows = 1 if name in ONE_ROW_EACH and items else len(items)
    if name == "mining_company_ownership" and shape == "several":
        rows = 1
    assert len(frame) == rows
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    reference.check_same(sectorsdf.read_parquet(path), frame)


@pytest.mark.parametrize("name", SHAPES)
def test_a_field_that_is_not_declared_is_one_more_column(serve, name):
    call, make, item, *_ = SHAPES[name]
    client = serve(make([{**item, "remark": "x"}]))
    with pytest.warns(sectorsdf.DataWarning, match="remark"):
        frame = getter_of(name)(client=client, **call)
    assert list(frame.columns) == [*COLUMNS[name], "remark"]
    assert frame["remark"].tolist() == ["x"]
    assert frame.attrs["sectorsdf"]["unknown_fields"] == ["remark"]
    reference.check_shape(frame.drop(columns="remark"), COLUMNS[name])
    with pytest.raises(sectorsdf.DataError, match="remark"):
        getter_of(name)(client=client, strict=True, **call)


def check_reported(serve, name, records, call, column=None):
    client = serve(records)
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = getter_of(name)(client=client, **call)
    assert {entry.filename for entry in warned} == {__file__}
    reference.check_shape(frame, COLUMNS[name])
    problem = frame.attrs["sectorsdf"]["problems"][0]
    assert problem["column"] == (column or problem["column"])
    assert problem["reason"]
    assert "x" in problem["raw"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    with pytest.raises(sectorsdf.DataError) as caught:
        getter_of(name)(client=client, strict=True, **call)
    assert problem in caught.value.problems
    reference.check_shape(caught.value.frame, COLUMNS[name])


@pytest.mark.parametrize("name", SHAPES)
def test_a_value_that_does_not_fit_is_missing_and_reported(serve, name):
    call, make, item, field, column = SHAPES[name]
    bad = {**item, field: {"x": 1} if name == "mining_company_performance" else ["x", 1]}
    check_reported(serve, name, make([bad]), call, column)


@pytest.mark.parametrize("name", READ_BY_NAME)
def test_figures_read_by_name_have_one_shape(serve, tmp_path, name):
    call, make, good, bad = READ_BY_NAME[name]
    for figures, rows in ((good, 1), ({}, 0)):
        # A province without data is unknown to the server.
        if name == "mining_province_resources" and not figures:
            continue
        client = serve(make(figures))
        frame = getter_of(name)(client=client, strict=True, cache=tmp_path, **call)
        reference.check_shape(frame, COLUMNS[name])
        assert len(frame) == rows
        assert frame.attrs["sectorsdf"]["complete"] is True
        again = getter_of(name)(client=client, offline=True, cache=tmp_path, **call)
        pd.testing.assert_frame_equal(again, frame)
        path = sectorsdf.write_parquet(frame, tmp_path / f"{rows}.parquet")
        reference.check_same(sectorsdf.read_parquet(path), frame)
    check_reported(serve, name, make(bad), call)
