"""Declarations: complete in themselves, and equal to the provider's OpenAPI file."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from functools import cache
from typing import get_args

import pandas as pd
import pyarrow as pa
import pytest
from support.paths import SHARED

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.auctions import MINING_LICENSE_AUCTION, MINING_LICENSE_AUCTIONS
from sectorsdf.datasets.companies import MINING_COMPANY_OWNERSHIP
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.sites import MINING_SITE, MINING_SITES
from sectorsdf.frames import flatten
from sectorsdf.frames.unpack import UNPACKERS

SPEC = SHARED / "reference" / "sectors-mining-openapi.json"
LISTS = {
    "MiningLicenseListItem": MINING_LICENSES,
    "MiningLicenseAuctionListItem": MINING_LICENSE_AUCTIONS,
    "MiningSiteListItem": MINING_SITES,
}
ADDRESSED = {
    "MiningLicenseAuctionDetail": MINING_LICENSE_AUCTION,
    "MiningSiteDetail": MINING_SITE,
}
ALL = [pytest.param(dataset, id=name) for name, dataset in DATASETS.items()]

# Numbers without a unit, and why.
UNITLESS = {
    "year": "a calendar year",
    "measurement_year": "a calendar year",
    "order": "a place in a list",
    "rank": "a place in a list",
    "product_index": "a place in a list",
    "contract_index": "a place in a list",
    "participant_count": "a count",
    "data_points": "a count",
    "mining_site_count": "a count",
    "strip_ratio": "a ratio",
}
# The API does not say in which unit the overburden of a site is.
UNKNOWN_UNIT = {("mining_site", "overburden_removal_volume")}

needs_spec = pytest.mark.skipif(
    not SPEC.is_file(), reason="the provider's OpenAPI file is not on this machine"
)


@cache
def spec():
    return json.loads(SPEC.read_text(encoding="utf-8"))


def parameters(dataset):
    listed = spec()["paths"][dataset.path]["get"]["parameters"]
    return {entry["name"]: entry["schema"] for entry in listed}


@needs_spec
@pytest.mark.parametrize(
    ("dataset", "name", "values"),
    [
        (MINING_LICENSES, "province", vocab.LICENSE_PROVINCES),
        (MINING_LICENSES, "commodity_type", vocab.LICENSE_COMMODITY_TYPES),
        (MINING_LICENSES, "license_type", vocab.LICENSE_TYPES),
        (MINING_LICENSES, "activity", vocab.ACTIVITY_STAGES),
        (MINING_LICENSES, "order_by", vocab.LICENSE_SORTS),
        (MINING_LICENSE_AUCTIONS, "province", vocab.AUCTION_PROVINCES),
        (MINING_LICENSE_AUCTIONS, "commodity_type", vocab.COMMODITY_TYPES),
        (MINING_LICENSE_AUCTIONS, "area_type", vocab.AREA_TYPES),
        (MINING_LICENSE_AUCTIONS, "order_by", vocab.AUCTION_SORTS),
        (MINING_SITES, "province", vocab.SITE_PROVINCES),
        (MINING_SITES, "commodity_type", vocab.COMMODITY_TYPES),
        (MINING_SITES, "order_by", vocab.SITE_SORTS),
    ],
)
def test_vocabularies_equal_the_provider_s(dataset, name, values):
    assert list(values) == parameters(dataset)[name]["enum"]


@needs_spec
@pytest.mark.parametrize("dataset", LISTS.values(), ids=LISTS)
def test_filters_equal_the_provider_s_parameters(dataset):
    wanted = parameters(dataset)
    assert {entry.name for entry in dataset.filters} == wanted.keys() - {"limit", "offset"}
    kinds = {"string": {"text", "slug"}, "boolean": {"flag"}}
    for entry in dataset.filters:
        schema = wanted[entry.name]
        assert list(entry.values) == schema.get("enum", [])
        assert (entry.minimum, entry.maximum) == (schema.get("minimum"), schema.get("maximum"))
        if "enum" in schema:
            assert entry.kind == "choice"
        elif entry.kind == "text_or_flag":
            # The documentation and the OpenAPI file disagree about this one.
            assert entry.name == "cnc"
        else:
            assert entry.kind in kinds.get(schema["type"], {schema["type"]})


@needs_spec
@pytest.mark.parametrize(("schema", "dataset"), LISTS.items(), ids=LISTS)
def test_list_columns_equal_the_provider_s_properties(schema, dataset):
    properties = spec()["components"]["schemas"][schema]["properties"]
    assert list(dataset.fields) == list(properties)
    own = [column.name for column in dataset.columns if column.field is None]
    flattened = [name for name in dataset.nested if name not in own]
    assert [name for name in properties if name not in flattened] == own


@needs_spec
@pytest.mark.parametrize(("schema", "dataset"), ADDRESSED.items(), ids=ADDRESSED)
def test_addressed_columns_equal_the_provider_s_properties(schema, dataset):
    properties = spec()["components"]["schemas"][schema]["properties"]
    assert {*dataset.fields, *dataset.nested} == properties.keys()
    assert dataset.path.format("{" + dataset.addressed_by + "}") in spec()["paths"]


@needs_spec
@pytest.mark.parametrize(("schema", "dataset"), [*LISTS.items(), *ADDRESSED.items()])
def test_kinds_follow_the_provider_s_types(schema, dataset):
    kinds = {
        ("string", None): {"text"},
        ("string", "date"): {"date"},
        ("number", "double"): {"number"},
        ("integer", None): {"integer"},
        ("boolean", None): {"flag"},
    }
    properties = spec()["components"]["schemas"][schema]["properties"]
    for column in dataset.columns:
        told = properties[column.source]
        if column.name == "kdi":
            # A text of digits in the answer: the price in rupiah, which is a number.
            assert column.kind == "integer"
        elif column.source not in dataset.nested and "type" in told:
            assert column.kind in kinds[told["type"], told.get("format")], column.name


@pytest.mark.parametrize("dataset", ALL)
def test_every_column_has_a_meaning_and_a_number_its_unit(dataset):
    for column in (*dataset.columns, *dataset.contacts):
        assert len(column.meaning) > 5, column.name
        assert column.meaning == column.meaning.strip().rstrip(".")
        if column.kind not in {"number", "integer"}:
            assert column.unit is None, column.name
            assert column.unit_in is None, column.name
            continue
        unitless = column.name in UNITLESS or (dataset.name, column.name) in UNKNOWN_UNIT
        assert [bool(column.unit), bool(column.unit_in), unitless].count(True) == 1, column.name
        if column.unit_in is not None:
            assert dataset.schema.field(column.unit_in).type == pa.string()


@pytest.mark.parametrize("dataset", ALL)
def test_a_unit_in_a_name_is_the_declared_one(dataset):
    for column in dataset.columns:
        for ending, unit in {"_ha": "ha", "_usd": "USD", "_pct": "%"}.items():
            assert column.name.endswith(ending) <= (column.unit == unit), column.name
        assert column.name.endswith("_ha") == (column.unit == "ha"), column.name
        assert "per_ton" not in column.name
        assert ("percentage" in column.name) <= (column.unit == "%")


@pytest.mark.parametrize("dataset", ALL)
def test_a_declaration_is_whole(dataset):
    names = dataset.schema.names
    assert len(set(names)) == len(names)
    assert DATASETS[dataset.name] is dataset
    assert set(dataset.key) <= set(names)
    assert dataset.row
    assert dataset.title
    assert dataset.command
    assert dataset.summary.endswith(".")
    assert dataset.path.startswith("/v2/mining/")
    assert dataset.path.endswith("/")
    assert ("{}" in dataset.path) == (dataset.addressed_by is not None)
    # A pair of companies is seen from one of them, whose slug `seen_from` has.
    if dataset is not MINING_COMPANY_OWNERSHIP:
        assert dataset.addressed_by in {None, *names}
    assert set(dataset.nested.values()) <= flatten.FLATTENERS.keys()
    assert dataset.fields == tuple(dict.fromkeys(dataset.fields))
    assert dataset.unpack in {None, *UNPACKERS}
    assert dataset.listed_by in {None, *DATASETS}
    assert dataset.details in {None, *DATASETS}
    for entry in dataset.filters:
        assert entry.meaning or entry.name == "order_by"
        assert entry.column in {None, *names}


@pytest.mark.parametrize("dataset", ALL)
def test_sorts_and_facets_are_filters(dataset):
    for name in dataset.facets:
        assert dataset.filter(name).kind in {"choice", "integer"}
    order_by = dataset.filter("order_by")
    # A list that cannot be sorted has a fixed order, of one of its columns.
    sorts = {None, *(order_by.values if order_by else dataset.schema.names)}
    assert {dataset.default_order, dataset.finest_order} <= sorts
    assert (dataset.default_order is not None) == dataset.is_list
    assert dataset.filter("no such filter") is None


@pytest.mark.parametrize("dataset", ALL)
def test_nested_fields_give_the_declared_columns(dataset):
    for field, flattener in dataset.nested.items():
        made = flatten.FLATTENERS[flattener]([None])
        assert {c.name for c in dataset.columns if c.source == field} == made.columns.keys()


@pytest.mark.parametrize("dataset", ALL)
def test_the_schema_is_made_of_the_five_types(dataset):
    allowed = {pa.string(), pa.date32(), pa.int64(), pa.float64(), pa.bool_()}
    assert set(dataset.schema.types) <= allowed
    assert [column.arrow_type for column in dataset.columns] == dataset.schema.types
    assert pd.Index(dataset.schema.names).is_unique


def test_codes_stay_text():
    endings = ("slug", "_id", "_code", "license_number", "NIB")
    for dataset in DATASETS.values():
        for column in dataset.columns:
            if column.name.endswith(endings):
                assert column.kind == "text"


@pytest.mark.parametrize("what", [MINING_SITES, MINING_SITES.columns[0], MINING_SITES.filters[0]])
def test_declarations_are_frozen(what):
    with pytest.raises(FrozenInstanceError):
        what.name = "other"


def test_the_tuples_hold_what_the_types_allow():
    types = [name for name in vocab.__all__ if not name.isupper()]
    tuples = {getattr(vocab, name) for name in vocab.__all__ if name.isupper()}
    assert {get_args(getattr(vocab, name)) for name in types} == tuples
    assert len(types) == len([name for name in vocab.__all__ if name.isupper()])
    for values in tuples:
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("values", [vocab.LICENSE_SORTS, vocab.AUCTION_SORTS, vocab.SITE_SORTS])
def test_every_sort_goes_both_ways_and_names_a_column(values):
    rising = {value for value in values if not value.startswith("-")}
    assert {f"-{value}" for value in rising} | rising == set(values)
    assert any(rising <= set(dataset.schema.names) for dataset in LISTS.values())
