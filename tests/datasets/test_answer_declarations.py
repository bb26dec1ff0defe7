"""Declarations of commodities, companies and trade: what they have beyond the others'."""

from __future__ import annotations

import json
from functools import cache

import pytest
from support.paths import SHARED

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets import commodities, companies, performance, province_reserves, trade
from sectorsdf.datasets.schema import Dataset
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES

SPEC = SHARED / "reference" / "sectors-mining-openapi.json"
DATASETS = {
    value.name: value
    for module in (commodities, companies, performance, province_reserves, trade)
    for name in module.__all__
    if isinstance(value := getattr(module, name), Dataset)
}
ALL = [pytest.param(dataset, id=name) for name, dataset in DATASETS.items()]
# The word that the OpenAPI file has in a path, where it is not the column.
PATH_WORDS = {"commodity": "commodity_name"}
needs_spec = pytest.mark.skipif(
    not SPEC.is_file(), reason="the provider's OpenAPI file is not on this machine"
)


@cache
def spec():
    return json.loads(SPEC.read_text(encoding="utf-8"))


def parameters(dataset):
    word = PATH_WORDS.get(dataset.addressed_by, dataset.addressed_by)
    path = dataset.path.replace("{}", f"{{{word}}}")
    listed = spec()["paths"][path]["get"].get("parameters", [])
    return {q["name"]: q["schema"] for q in listed if q["name"] not in {"limit", "offset", word}}


def test_they_are_the_other_fourteen_endpoints():
    assert len(DATASETS) == 19
    assert len({dataset.path for dataset in DATASETS.values()}) == 14


@needs_spec
@pytest.mark.parametrize("dataset", ALL)
def test_filters_equal_the_provider_s_parameters(dataset):
    wanted = parameters(dataset)
    alone = dataset.part in {"licenses", "contracts"}
    assert {entry.name for entry in dataset.filters} == (set() if alone else wanted.keys())
    for entry in dataset.filters:
        schema = wanted[entry.name]
        assert list(entry.values) == schema.get("enum", [])
        assert (entry.minimum, entry.maximum) == (schema.get("minimum"), schema.get("maximum"))
        kinds = {"string": "text", "boolean": "flag", "integer": "integer"}
        assert entry.kind == ("choice" if "enum" in schema else kinds[schema["type"]])


@needs_spec
def test_provinces_are_the_provider_s():
    path = "/v2/mining/resources-reserves/{province}/"
    listed = spec()["paths"][path]["get"]["parameters"]
    enum = next(entry["schema"]["enum"] for entry in listed if entry["name"] == "province")
    assert list(vocab.RESERVES_PROVINCES) == enum


@needs_spec
@pytest.mark.parametrize(
    ("schema", "dataset"),
    [
        ("MiningCompanyListItem", companies.MINING_COMPANIES),
        ("MiningCompanyDetail", companies.MINING_COMPANY),
        ("MiningContractItem", trade.MINING_CONTRACTS),
    ],
)
def test_fields_of_plain_records_equal_the_provider_s_properties(schema, dataset):
    properties = spec()["components"]["schemas"][schema]["properties"]
    assert {*dataset.fields, *dataset.nested} == properties.keys()


@pytest.mark.parametrize("dataset", ALL)
def test_filters_look_at_columns_and_answers_are_unpacked(dataset):
    plain = (companies.MINING_COMPANIES, companies.MINING_COMPANY)
    assert (dataset.unpack is None) == any(dataset is entry for entry in plain)
    names = dataset.schema.names
    assert all(
        entry.match is None or (entry.column or entry.name) in names for entry in dataset.filters
    )


@pytest.mark.parametrize("dataset", ALL)
def test_one_credit_buys_what_the_declaration_says(dataset):
    keyed = dataset.addressed_by is not None or dataset.keyword is not None
    assert bool(dataset.priced_by) == keyed
    assert bool(dataset.keyword) == keyed
    listed_by = dataset.listed_by
    assert listed_by is None or dataset.addressed_by is not None
    assert listed_by in {None, *DATASETS}


def test_parts_belong_to_a_dataset_of_the_same_answers():
    parts = [dataset for dataset in DATASETS.values() if dataset.part]
    assert {(part.command, part.part) for part in parts} == {
        ("company", "licenses"),
        ("company", "contracts"),
        ("financials", "breakdown"),
        ("performance", "resources"),
        ("performance", "products"),
    }
    mains = {dataset.command: dataset for dataset in DATASETS.values() if not dataset.part}
    assert len(mains) == 14
    for part in parts:
        main = mains[part.command]
        for name in ("path", "addressed_by", "keyword", "answer", "priced_by", "filters"):
            assert getattr(part, name) == getattr(main, name)
        assert part.name.startswith(main.name.removesuffix("_financials")[:14])


def test_people_s_addresses_are_columns_only_where_they_are_asked_for():
    company = companies.MINING_COMPANY
    private = {"representative_address", "phone_number", "email"}
    assert not private & set(company.schema.names)
    whole = company.with_contacts()
    assert private <= set(whole.schema.names)
    assert not private & whole.nested.keys()
    assert private <= company.nested.keys()


def test_figures_have_the_columns_of_a_site_s():
    names = [column.name for column in performance.FIGURE_COLUMNS]
    assert names == MINING_SITE_RESOURCES.schema.names[-len(names) :]
    assert (names[0], names[-1]) == ("measurement_year", "raw")
    for dataset in (
        performance.MINING_COMPANY_RESOURCES,
        province_reserves.MINING_PROVINCE_RESOURCES,
    ):
        assert dataset.columns[-len(names) :] == performance.FIGURE_COLUMNS


@pytest.mark.parametrize(
    ("name", "unit"),
    [("Gold", "USD/oz"), (" gold ", "USD/oz"), ("Lithium", "unknown"), (None, "unknown")],
)
def test_price_units_ignore_case(name, unit):
    assert commodities.price_unit(name) == unit


def test_price_units_are_of_the_eighteen_series(shared):
    assert len(commodities.PRICE_UNITS) == 18
    lines = (shared / "data" / "mining_commodities.jsonl").read_text(encoding="utf-8")
    names = {json.loads(line)["name"] for line in lines.splitlines()}
    assert names <= commodities.PRICE_UNITS.keys()
