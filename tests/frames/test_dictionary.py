"""The data dictionary: derived from the declarations, for names and for frames."""

import json

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.datasets import DATASETS

_COLUMNS = [
    "dataset",
    "column",
    "dtype",
    "arrow_type",
    "unit",
    "key",
    "meaning",
    "known_values",
    "field",
    "endpoint",
]


def _by_column(described):
    return described.set_index("column")


def test_the_default_lists_the_datasets_with_a_getter_that_exists():
    described = sectorsdf.describe()
    assert described["dataset"].tolist() == list(DATASETS)
    for row in described.itertuples():
        assert callable(getattr(sectorsdf, row.getter))
        assert DATASETS[row.dataset].path == row.endpoint
        assert len(DATASETS[row.dataset].columns) == row.columns
        assert row.key.split(", ") == list(DATASETS[row.dataset].key)
    price = described.set_index("dataset")["credits"]
    assert price["mining_licenses"] == "1 per page of 30 rows"
    assert price["mining_site"] == "1 per slug"
    assert price["mining_contracts"] == "1 per call"
    assert price["mining_company_performance"] == "1 per slug and year"
    assert price["mining_exports"] == "1 per commodity and year"


@pytest.mark.parametrize("name", DATASETS)
def test_a_name_gives_a_row_for_each_declared_column(name):
    dataset = DATASETS[name]
    described = sectorsdf.describe(name)
    assert described.columns.tolist() == _COLUMNS
    assert described["column"].tolist() == [column.name for column in dataset.columns]
    assert described["meaning"].tolist() == [column.meaning for column in dataset.columns]
    assert described.loc[described["key"], "column"].tolist() == [
        column.name for column in dataset.columns if column.name in dataset.key
    ]
    for row, column in zip(described.itertuples(), dataset.columns, strict=True):
        assert row.arrow_type == str(column.arrow_type)
        assert (None if row.unit is pd.NA else row.unit) == column.unit
        assert ("" if row.known_values is pd.NA else row.known_values) == " | ".join(column.values)


def test_all_is_typed_also_where_a_whole_column_is_missing():
    for described in (sectorsdf.describe(), sectorsdf.describe("mining_license_auction_phases")):
        other = {"key": "boolean", "columns": "Int64"}
        for name, dtype in described.dtypes.items():
            is_flag = name == "key" and "column" in described
            assert dtype == (other[name] if is_flag or name == "columns" else "string")
    assert sectorsdf.describe("mining_license_auction_phases")["unit"].isna().all()


def test_a_getters_name_and_blanks_serve_as_well():
    assert sectorsdf.describe(" get_mining_sites ").equals(sectorsdf.describe("mining_sites"))


def test_a_frame_is_described_as_its_name_is(serve):
    licences = sectorsdf.get_mining_licenses(client=serve())
    described = sectorsdf.describe(licences)
    assert described.equals(sectorsdf.describe("mining_licenses"))
    assert described["dtype"].tolist() == [str(dtype) for dtype in licences.dtypes]


@pytest.mark.parametrize(
    ("name", "getter"),
    [
        ("mining_license_auctions", sectorsdf.get_mining_license_auctions),
        ("mining_sites", sectorsdf.get_mining_sites),
    ],
)
def test_the_dtypes_are_those_that_the_getters_give(serve, name, getter):
    frame = getter(client=serve())
    assert sectorsdf.describe(name)["dtype"].tolist() == [str(dtype) for dtype in frame.dtypes]


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_details_are_described_with_the_endpoint_they_came_from(serve):
    sites = sectorsdf.get_mining_sites(details=True, client=serve())
    described = _by_column(sectorsdf.describe(sites))
    assert described.index.tolist() == sites.columns.tolist()
    assert described.loc["year", "endpoint"] == "/v2/mining/sites/"
    assert described.loc["latitude", ["endpoint", "unit", "field"]].tolist() == [
        "/v2/mining/sites/{}/",
        "degree",
        "location",
    ]
    assert described.loc["total_reserves", "field"] == "resources_reserves"
    assert described["meaning"].notna().all()
    assert set(described["dataset"]) == {"mining_sites"}


def test_rows_nested_in_an_answer_have_the_path_of_their_field():
    phases = _by_column(sectorsdf.describe("mining_license_auction_phases"))["field"]
    assert phases["order"] == "phases.order"
    assert phases["wiup_code"] == "wiup_code"


def test_an_undeclared_column_is_distinguished_from_one_that_the_caller_added(serve, sample):
    records = {
        **sample,
        "mining_licenses": [{**one, "depth": 3} for one in sample["mining_licenses"]],
    }
    with pytest.warns(sectorsdf.DataWarning, match="depth"):
        licences = sectorsdf.get_mining_licenses(client=serve(records))
    licences["area_km2"] = licences["licensed_area_ha"] / 100
    described = _by_column(sectorsdf.describe(licences))
    assert described.loc["depth", "field"] == "depth"
    assert described.loc["depth", "endpoint"] == "/v2/mining/licenses/"
    assert "Sent by the API" in described.loc["depth", "meaning"]
    assert "added or renamed" in described.loc["area_km2", "meaning"]
    assert described.loc["area_km2", "arrow_type"] == "double"
    assert described.loc["area_km2", "field"] is pd.NA
    assert not described.loc[["depth", "area_km2"], "key"].any()


def test_the_types_are_those_of_the_frame_at_hand(serve):
    selected = sectorsdf.get_mining_licenses(client=serve())[["licensed_area_ha", "wiup_code"]]
    selected = selected.assign(
        licensed_area_ha=selected["licensed_area_ha"].astype("float32"),
        odd=pd.Series([object()] * len(selected), dtype=object, index=selected.index),
    )
    selected.attrs["mine"] = {"no", "JSON"}
    described = _by_column(sectorsdf.describe(selected))
    assert described.loc["licensed_area_ha", ["dtype", "arrow_type", "unit"]].tolist() == [
        "float32",
        "float",
        "ha",
    ]
    assert described.loc["wiup_code", "key"]
    assert described.loc["odd", "dtype"] == "object"
    assert described.loc["odd", "arrow_type"] is pd.NA


def test_it_outlives_a_file(serve, tmp_path):
    sites = sectorsdf.get_mining_sites(client=serve())
    path = tmp_path / "sites.parquet"
    sectorsdf.write_parquet(sites, path)
    assert sectorsdf.describe(sectorsdf.read_parquet(path)).equals(sectorsdf.describe(sites))


def test_it_changes_nothing_and_is_not_taken_for_data(serve):
    sites = sectorsdf.get_mining_sites(client=serve())
    before, attrs = sites.copy(), json.dumps(sites.attrs)
    described = sectorsdf.describe(sites)
    pd.testing.assert_frame_equal(sites, before)
    assert json.dumps(sites.attrs) == attrs
    assert described.attrs == {}


def test_an_unknown_name_lists_similar_ones():
    with pytest.raises(ValueError, match=r"'mining_licences'; did you mean 'mining_licenses'"):
        sectorsdf.describe("mining_licences")
    with pytest.raises(ValueError, match=r"'coal'; see sectorsdf\.describe\(\)$"):
        sectorsdf.describe("coal")


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({}, "does not name its dataset"),
        ({"sectorsdf": {"dataset": "mining_ships"}}, "'mining_ships' is not known"),
        ({"sectorsdf": {"dataset": ["mining_sites"]}}, "is not known"),
        ({"sectorsdf": "mining_sites"}, "does not name its dataset"),
    ],
)
def test_a_frame_that_does_not_name_its_dataset_is_refused(attrs, words):
    frame = pd.DataFrame({"slug": ["one"]})
    frame.attrs = attrs
    with pytest.raises(ValueError, match=words) as caught:
        sectorsdf.describe(frame)
    assert "pass the dataset's name instead, one of mining_licenses" in str(caught.value)


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="not list"):
        sectorsdf.describe([])


def test_a_getter_is_as_good_as_its_name():
    described = sectorsdf.describe(sectorsdf.get_mining_licenses)
    pd.testing.assert_frame_equal(described, sectorsdf.describe("mining_licenses"))
    with pytest.raises(ValueError, match="no dataset 'len'"):
        sectorsdf.describe(len)
