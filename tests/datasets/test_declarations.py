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
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.sites import MINING_SITE, MINING_SITES
from sectorsdf.frames import flatten

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

# Numbers without one unit, and why.
UNITLESS = {
    "year": "a calendar year",
    "order": "a place in a list",
    "participant_count": "a count",
    "strip_ratio": "a ratio",
    "production_volume": "its unit stands in the row's own column `unit`",
    "overburden_removal_volume": "the API does not say",
    "measurement_year": "a calendar year",
    "value": "its unit stands in the row's own column `unit`",
    "value_min": "as of value",
    "value_max": "as of value",
    **dict.fromkeys(
        [
            "proven_reserves",
            "probable_reserves",
            "total_reserves",
            "measured_resources",
            "indicated_resources",
            "inferred_resources",
            "total_resources",
        ],
        "its unit stands in the row's own column `tonnage_unit`",
    ),
}

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
    for column in dataset.columns:
        assert len(column.meaning) > 5, column.name
        assert column.meaning == column.meaning.strip()
        if column.kind in {"number", "integer"}:
            assert bool(column.unit) != (column.name in UNITLESS), column.name
        else:
            assert column.unit is None, column.name
        reason = UNITLESS.get(column.name, "")
        if "`" in reason:
            assert reason.split("`")[1] in dataset.schema.names


@pytest.mark.parametrize("dataset", ALL)
def test_a_unit_in_a_name_is_the_declared_one(dataset):
    endings = {"_ha": "ha"}
    for column in dataset.columns:
        for ending, unit in endings.items():
            assert column.name.endswith(ending) == (column.unit == unit), column.name


@pytest.mark.parametrize("dataset", ALL)
def test_a_declaration_is_whole(dataset):
    names = dataset.schema.names
    assert len(set(names)) == len(names)
    assert DATASETS[dataset.name] is dataset
    assert set(dataset.key) <= set(names)
    assert dataset.row
    assert dataset.title
    assert dataset.path.startswith("/v2/mining/")
    assert dataset.path.endswith("/")
    assert ("{}" in dataset.path) == (dataset.addressed_by is not None)
    assert dataset.addressed_by in {None, *names}
    assert set(dataset.nested.values()) <= flatten.FLATTENERS.keys()
    assert dataset.fields == tuple(dict.fromkeys(dataset.fields))


@pytest.mark.parametrize("dataset", ALL)
def test_sorts_and_facets_are_filters(dataset):
    for name in dataset.facets:
        assert dataset.filter(name).kind in {"choice", "integer"}
    order_by = dataset.filter("order_by")
    sorts = {None, *order_by.values} if order_by else {None}
    assert {dataset.default_order, dataset.finest_order} <= sorts
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
    texts = {"wiup_code", "license_number", "NIB", "slug", "company_slug"}
    for dataset in DATASETS.values():
        for column in dataset.columns:
            if column.name in texts:
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
