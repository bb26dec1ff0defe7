"""The getters' frames over records of every shape: types, files, provenance, what does not fit."""

from __future__ import annotations

import copy
import datetime
import json
import math
from datetime import UTC

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import reference

import sectorsdf
from sectorsdf.sandbox import Faults

LISTS = {
    "licenses": sectorsdf.get_mining_licenses,
    "auctions": sectorsdf.get_mining_license_auctions,
    "sites": sectorsdf.get_mining_sites,
}


# Shapes


def nulls(record, *kept):
    return {name: value if name in kept else None for name, value in record.items()}


def shapes_of(kind, sample):
    """Return records by the shape of the frame that they make."""
    rows = sample[reference.FILES[kind]]
    blank = nulls(rows[0], "slug") if kind == "sites" else nulls(rows[0])
    return {"full": rows, "empty": [], "one row": rows[:1], "all null": [blank, blank]}


SHAPES = ["full", "empty", "one row", "all null"]
DETAILED = {
    "auction": (sectorsdf.get_mining_license_auction, reference.AUCTION),
    "phases": (sectorsdf.get_mining_license_auction_phases, reference.PHASES),
    "participants": (sectorsdf.get_mining_license_auction_participants, reference.PARTICIPANTS),
    "site": (sectorsdf.get_mining_site, reference.SITE),
    "sites with details": (
        lambda _, client: sectorsdf.get_mining_sites(details=True, client=client),
        reference.SITE,
    ),
}


def detailed(serve, sample, what, shape):
    """Return a frame of addressed records of a shape."""
    getter, columns = DETAILED[what]
    kind, key = ("sites", "slug") if "site" in what else ("auctions", "wiup_code")
    rows = sample[reference.FILES[kind]]
    if kind == "sites":
        seen = set()
        rows = [r for r in rows if r["slug"] not in seen and not seen.add(r["slug"])]
        rows = [record for record in rows if record["location"]["province"]]
        place = dict.fromkeys(rows[0]["location"]) | {"province": ""}
        blank = nulls(rows[0], key) | {"location": place, "year": 2024}
    else:
        blank = nulls(rows[0], key)
        if what == "phases":
            blank["phases"] = [nulls(rows[0]["phases"][0])] * 2
        if what == "participants":
            blank["participants"] = [nulls(rows[0]["participants"][0])] * 2
    chosen = {"full": rows, "empty": [], "one row": rows[:1], "all null": [blank]}[shape]
    client = serve({reference.FILES[kind]: chosen})
    return getter([record[key] for record in chosen], client=client), columns


def check_files(frame, columns, folder):
    """Assert that a frame survives each way into a Parquet file and out of it."""
    by_pandas = folder / "by_pandas.parquet"
    frame.to_parquet(by_pandas)
    reference.check_same(pd.read_parquet(by_pandas), frame)
    path = sectorsdf.write_parquet(frame, folder / "by_package.parquet")
    reference.check_same(sectorsdf.read_parquet(path), frame)
    types = {
        "text": pa.string(),
        "day": pa.date32(),
        "number": pa.float64(),
        "whole": pa.int64(),
        "flag": pa.bool_(),
    }
    table = pq.read_table(path)
    assert dict(zip(table.column_names, table.schema.types, strict=True)) == {
        name: types[kind] for name, kind in columns.items()
    }
    # Every reader finds the same values in it.
    read = pd.read_parquet(path)
    assert read.attrs == frame.attrs
    for name, kind in columns.items():
        due = [reference.held(kind, value) for value in frame[name].tolist()]
        if kind == "day":
            due = [None if value is None else value.date() for value in due]
        assert [None if pd.isna(value) else value for value in read[name].tolist()] == due
        assert table[name].to_pylist() == due


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_has_one_shape_for_ever(serve, sample, tmp_path, kind, shape):
    chosen = shapes_of(kind, sample)[shape]
    frame = LISTS[kind](client=serve({reference.FILES[kind]: chosen}))
    assert len(frame) == len(chosen)
    reference.check_shape(frame, reference.LISTS[kind])
    if shape == "all null":
        assert frame.drop(columns="slug", errors="ignore").isna().all(axis=None)
    assert frame.attrs["sectorsdf"]["complete"] is True
    assert frame.attrs["sectorsdf"]["credits"] == max(1, math.ceil(len(chosen) / 30))
    check_files(frame, reference.LISTS[kind], tmp_path)


@pytest.mark.filterwarnings("ignore:.*no row has")
@pytest.mark.parametrize("kind", LISTS)
def test_a_filter_that_selects_nothing(serve, kind):
    nothing = {"participant": "nobody"} if kind == "auctions" else {"company": "nobody"}
    client = serve()
    frame = LISTS[kind](client=client, **nothing)
    reference.check(frame, [], reference.LISTS[kind])
    facts = frame.attrs["sectorsdf"]
    assert (facts["rows"], facts["pages"], facts["credits"]) == (0, 1, 1)
    assert facts["complete"] is True


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", DETAILED)
def test_addressed_records_have_one_shape_for_ever(serve, sample, tmp_path, what, shape):
    frame, columns = detailed(serve, sample, what, shape)
    reference.check_shape(frame, columns)
    assert (len(frame) == 0) is (shape == "empty")
    check_files(frame, columns, tmp_path)


def test_two_rows_with_the_same_content_are_two_rows(serve, sample):
    row = sample["mining_licenses"][0]
    frame = sectorsdf.get_mining_licenses(client=serve({"mining_licenses": [row] * 3}))
    reference.check(frame, [reference.license_row(row)] * 3, reference.LICENSES)
    assert frame.attrs["sectorsdf"]["certificate"]["repeated_keys"] == 2


# Provenance


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_says_where_it_comes_from(serve, sample, kind):
    client = serve()
    filters = {"commodity_type": "Coal", "order_by": "-commodity_type"}
    if kind == "sites":
        filters["order_by"] = "year"
    begun = datetime.datetime.now(UTC).replace(microsecond=0)
    frame = LISTS[kind](client=client, **filters)
    facts = frame.attrs["sectorsdf"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    assert facts["dataset"] == reference.FILES[kind]
    assert facts["endpoint"] == client.sandbox.requests[0].path
    assert facts["host"] == client.sandbox.url
    assert facts["source"] == "synthetic sample (sectorsdf sandbox, seed 2026)"
    assert facts["filters"] == filters
    fetched = datetime.datetime.fromisoformat(facts["fetched_at"])
    assert fetched.utcoffset() == datetime.timedelta(0)
    assert begun <= fetched <= datetime.datetime.now(UTC)
    rows = len(reference.answer(kind, sample[reference.FILES[kind]], filters))
    assert facts["rows"] == facts["certificate"]["total"] == rows
    pages = len(client.sandbox.requests)
    assert facts["pages"] == facts["credits"] == client.sandbox.billed == pages
    assert facts["complete"] is facts["certificate"]["complete"] is True
    assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []
    assert facts["versions"]["pandas"] == pd.__version__
    assert client.sandbox.key not in json.dumps(frame.attrs)


def test_filters_of_numpy_are_json_too(serve):
    client = serve()
    year = pd.Series([2023]).to_numpy()[0]
    least = pd.Series([1.5]).to_numpy()[0]
    frame = sectorsdf.get_mining_sites(year=year, min_production=least, client=client)
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    assert frame.attrs["sectorsdf"]["filters"] == {"year": 2023, "min_production": 1.5}


def test_addressed_records_say_what_they_cost(serve, sample):
    client = serve()
    codes = [record["wiup_code"] for record in sample["mining_license_auctions"]]
    frame = sectorsdf.get_mining_license_auction(codes, client=client)
    facts = frame.attrs["sectorsdf"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    assert facts["endpoint"] == "/v2/mining/license-auctions/{}/"
    assert facts["rows"] == facts["pages"] == facts["credits"] == client.sandbox.billed == 14
    assert facts["complete"] is True
    assert datetime.datetime.fromisoformat(facts["fetched_at"]).utcoffset() == (
        datetime.timedelta(0)
    )


def test_addressed_records_say_which_were_asked_for(serve, sample):
    codes = [record["wiup_code"] for record in sample["mining_license_auctions"]]
    frame = sectorsdf.get_mining_license_auction(codes, client=serve())
    assert frame.attrs["sectorsdf"]["filters"] == {"wiup_code": codes}


def digest(client, **filters):
    frame = sectorsdf.get_mining_licenses(client=client, **filters)
    return frame.attrs["sectorsdf"]["certificate"]["digest"]


def test_the_digest_tells_whether_two_sweeps_brought_the_same(serve, sample):
    rows = sample["mining_licenses"]
    first = digest(serve())
    assert digest(serve({"mining_licenses": rows})) == first
    assert digest(serve({"mining_licenses": rows[::-1]}), order_by="-licensed_area_ha") == first
    assert digest(serve(faults=Faults(page_limit=7))) == first
    changed = copy.deepcopy(rows)
    changed[77]["licensed_area_ha"] += 0.01
    others = [rows[1:], [*rows, rows[0]], changed, [*rows[:-1], rows[0]]]
    found = {digest(serve({"mining_licenses": other})) for other in others}
    assert len(found | {first, digest(serve(), province="Bali")}) == len(others) + 2


# What does not fit


BAD = [
    ("licenses", "wiup_code", True, "true"),
    ("licenses", "wiup_code", ["1"], '["1"]'),
    ("licenses", "license_expiry_date", "2025-02-30", "2025-02-30"),
    ("licenses", "license_expiry_date", "30-01-2025", "30-01-2025"),
    ("licenses", "license_effective_date", 20250130, "20250130"),
    ("licenses", "licensed_area_ha", "12,5", "12,5"),
    ("licenses", "licensed_area_ha", True, "true"),
    ("licenses", "licensed_area_ha", math.inf, "Infinity"),
    ("licenses", "location", {"place": "Aceh"}, '{"place": "Aceh"}'),
    ("licenses", "location", 7, "7"),
    ("auctions", "kdi", "99999999999999999999", "99999999999999999999"),
    ("auctions", "kdi", "Rp 1.000", "Rp 1.000"),
    ("auctions", "winner", "yes", "yes"),
    ("auctions", "winner", 1, "1"),
    ("auctions", "participant_count", 2.5, "2.5"),
    ("sites", "year", "MMXXIV", "MMXXIV"),
    ("sites", "production_volume", "n/a", "n/a"),
]
GOOD = [
    ("licenses", "wiup_code", 12345678901234567890, "12345678901234567890"),
    ("licenses", "licensed_area_ha", "12.5", 12.5),
    ("licenses", "licensed_area_ha", 12, 12.0),
    ("licenses", "license_number", "  ", "  "),
    ("auctions", "kdi", 12345678900, 12345678900),
    ("auctions", "kdi", "12345678900", 12345678900),
    ("auctions", "participant_count", "3", 3),
    ("auctions", "participant_count", 3.0, 3),
    ("sites", "year", "2024", 2024),
    ("sites", "year", 2024.0, 2024),
]
MAKERS = {"licenses": reference.licence, "auctions": reference.auction, "sites": reference.site}


@pytest.mark.parametrize(("kind", "name", "value", "raw"), BAD)
def test_a_value_that_does_not_fit_is_missing_and_reported(serve, kind, name, value, raw):
    make = MAKERS[kind]
    client = serve({reference.FILES[kind]: [make(), make(**{name: value}), make()]})
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = LISTS[kind](client=client)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    reference.check_shape(frame, reference.LISTS[kind])
    (problem,) = frame.attrs["sectorsdf"]["problems"]
    assert (problem["column"], problem["raw"]) == (name, raw)
    assert problem["reason"]
    assert pd.isna(frame[name][problem["row"]])
    key = {"licenses": "wiup_code", "auctions": "wiup_code", "sites": "slug"}[kind]
    assert problem["key"][key] == (None if name == key else make()[key])
    assert raw in str(warned[0].message)
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    with pytest.raises(sectorsdf.DataError) as caught:
        LISTS[kind](client=client, strict=True)
    assert caught.value.problems == [problem]
    again = caught.value.frame
    again.attrs = frame.attrs
    reference.check_same(again, frame)


@pytest.mark.parametrize(("kind", "name", "value", "due"), GOOD)
def test_a_value_in_another_spelling_fits(serve, kind, name, value, due):
    client = serve({reference.FILES[kind]: [MAKERS[kind](**{name: value})]})
    frame = LISTS[kind](client=client, strict=True)
    reference.check_shape(frame, reference.LISTS[kind])
    (found,) = frame[name].tolist()
    assert found == due
    assert type(found) is type(due)


def test_geometries_of_licences(serve):
    point = {"type": "Point", "coordinates": [111.25, -1.5]}
    line = {"type": "LineString", "coordinates": [[110.0, -2.0], [112.0, 0.0]]}
    client = serve(
        {
            "mining_licenses": [
                reference.licence(location=place) for place in ("x", point, line, None)
            ]
        }
    )
    frame = sectorsdf.get_mining_licenses(client=client, strict=True)
    assert frame["location"].fillna("-").tolist() == ["x", "-", "-", "-"]
    assert frame["longitude"].tolist()[1:3] == [111.25, 111.0]
    assert frame["latitude"].tolist()[1:3] == [-1.5, -1.0]
    assert frame["longitude"].isna().tolist() == [True, False, False, True]
    assert json.loads(frame["location_geojson"][2]) == line
    assert frame["location_geojson"].isna().tolist() == [True, True, False, True]


@pytest.mark.parametrize("kind", LISTS)
def test_fields_that_nobody_declared_stay(serve, tmp_path, kind):
    make = MAKERS[kind]
    records = [
        make(remark="x", rank=1, share=0.5, active=True, tags=["a", "b"]),
        make(remark=None, rank=2, share=1, active=None, tags={"a": 1.50}),
        make(),
    ]
    client = serve({reference.FILES[kind]: records})
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = LISTS[kind](client=client)
    (message,) = [str(entry.message) for entry in warned]
    further = ["remark", "rank", "share", "active", "tags"]
    assert all(name in message for name in further)
    assert frame.attrs["sectorsdf"]["unknown_fields"] == further
    assert list(frame.columns) == [*reference.LISTS[kind], *further]
    reference.check_shape(frame[list(reference.LISTS[kind])], reference.LISTS[kind])
    kinds = ["string", "Int64", "float64", "boolean", "string"]
    assert [str(frame[name].dtype) for name in further] == kinds
    assert [frame[name].tolist()[:2] for name in ("rank", "share")] == [[1, 2], [0.5, 1.0]]
    assert frame["tags"].tolist()[:2] == ['["a", "b"]', '{"a": 1.5}']
    assert frame[further].isna().all(axis=1).tolist() == [False, False, True]
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    reference.check_same(sectorsdf.read_parquet(path), frame)
    with pytest.raises(sectorsdf.DataError, match="remark"):
        LISTS[kind](client=client, strict=True)


@pytest.mark.parametrize("kind", LISTS)
def test_declared_fields_that_are_absent(serve, kind):
    full, part = MAKERS[kind](), MAKERS[kind]()
    del part["company_name"]
    client = serve({reference.FILES[kind]: [full, part, part]})
    with pytest.warns(sectorsdf.DataWarning, match=r"company_name \(2 rows\)"):
        frame = LISTS[kind](client=client)
    reference.check_shape(frame, reference.LISTS[kind])
    assert frame.attrs["sectorsdf"]["missing_fields"] == ["company_name"]
    assert frame["company_name"].isna().sum() >= 2
    with pytest.raises(sectorsdf.DataError, match="company_name"):
        LISTS[kind](client=client, strict=True)


@pytest.mark.parametrize("field", ["phases", "participants"])
def test_nested_lists_that_are_absent_or_none(serve, field):
    getter, columns = DETAILED[field]
    nothing = reference.auction(**{field: None})
    frame = getter(
        "1234567890123456", client=serve({reference.FILES["auctions"]: [nothing]}), strict=True
    )
    reference.check(frame, [], columns)
    absent = reference.auction()
    del absent[field]
    client = serve({reference.FILES["auctions"]: [absent]})
    with pytest.warns(sectorsdf.DataWarning, match=f"1 of 1 answers have no field '{field}'"):
        frame = getter("1234567890123456", client=client)
    reference.check(frame, [], columns)
    assert frame.attrs["sectorsdf"]["missing_fields"] == [field]
    with pytest.raises(sectorsdf.DataError, match=field):
        getter("1234567890123456", client=client, strict=True)


def test_nested_rows_that_do_not_fit(serve):
    phases = [{"order": "one", "description": "a", "start_date": "2024-01-01", "end_date": None}]
    client = serve(
        {reference.FILES["auctions"]: [reference.auction(phases=[*phases, "extra"], kdi="1")]}
    )
    with pytest.warns(sectorsdf.DataWarning) as warned:
        frame = sectorsdf.get_mining_license_auction_phases("1234567890123456", client=client)
    assert len(warned) == 3
    assert frame["wiup_code"].tolist() == ["1234567890123456"] * 2
    assert frame["order"].isna().all()
    assert frame["phases"].tolist()[1] == "extra"
    (problem,) = frame.attrs["sectorsdf"]["problems"]
    assert (problem["row"], problem["raw"]) == (0, "one")


@pytest.mark.parametrize(
    "given",
    [
        "n/a",
        {"measurement_year": 2020, "total_reserves_Mt": 5, "limonite": {"total_reserves_wmt": 3}},
    ],
)
def test_tonnages_that_do_not_fit_are_reported(serve, given):
    client = serve(
        {"mining_sites": [reference.site(commodity_type="Nickel", resources_reserves=given)]}
    )
    with pytest.warns(sectorsdf.DataWarning):
        frame = sectorsdf.get_mining_site("contoh", client=client)
    assert frame.attrs["sectorsdf"]["problems"]
