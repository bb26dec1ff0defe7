"""Flattening: every shape of a location; and JSON without a lost digit."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sectorsdf.frames.flatten import (
    FLATTENERS,
    company_activities,
    company_commodities,
    contract_agreements,
    license_location,
    site_location,
)
from sectorsdf.frames.lossless_json import JsonNumber, as_utf8, decode_json, json_text

LICENSE_COLUMNS = ["location", "longitude", "latitude", "location_geojson"]
SITE_COLUMNS = ["province", "city", "latitude", "longitude"]
KINDS = [
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
    "Feature",
    "FeatureCollection",
]

POINT = {"type": "Point", "coordinates": [117.25, -8.5]}
SQUARE = [[[110.0, -8.0], [112.0, -8.0], [112.0, -7.0], [110.0, -7.0], [110.0, -8.0]]]
POLYGON = {"type": "Polygon", "coordinates": SQUARE}
FARTHER = [[[120.0, 1.0], [121.0, 1.0], [121.0, 3.0], [120.0, 1.0]]]


def one(value):
    """Flatten one licence location: its four cells and the reported columns."""
    flat = license_location([value])
    assert list(flat.columns) == LICENSE_COLUMNS
    assert flat.extra == {}
    assert all(entry.row == 0 and entry.raw is value for entry in flat.bad)
    return [flat.columns[name][0] for name in LICENSE_COLUMNS], [b.column for b in flat.bad]


@pytest.mark.parametrize("text", ["Kabupaten Contoh", "", "NaN", "null", '{"type": "Point"}'])
def test_a_text_stays_a_text(text):
    assert one(text) == ([text, None, None, None], [])


def test_null_is_missing():
    assert one(None) == ([None] * 4, [])


@pytest.mark.parametrize(
    "coordinates",
    [[117.25, -8.5], [117, -8], [180, 90], [-180.0, -90.0], [0, 0], [95.123456789012345, 5e-324]],
)
def test_a_point_becomes_two_numbers(coordinates):
    cells, bad = one({"type": "Point", "coordinates": coordinates})
    assert cells == [None, *coordinates, None]
    assert bad == []
    assert isinstance(cells[1], float)


@pytest.mark.parametrize(
    ("geometry", "centre"),
    [
        ({"type": "Point", "coordinates": [117.25, -8.5, 640.0]}, (117.25, -8.5)),
        ({**POINT, "bbox": [117, -9, 118, -8]}, (117.25, -8.5)),
        ({**POINT, "crs": None}, (117.25, -8.5)),
        ({"type": "Point", "coordinates": [[110.0, -8.0], [112.0, -7.0]]}, (111.0, -7.5)),
        (POLYGON, (111.0, -7.5)),
        ({"type": "MultiPolygon", "coordinates": [SQUARE, FARTHER]}, (115.5, -2.5)),
        ({"type": "LineString", "coordinates": [[110, -8], [112, -6]]}, (111.0, -7.0)),
        ({"type": "MultiPoint", "coordinates": [[110, -8], [112, -6]]}, (111.0, -7.0)),
        ({"type": "GeometryCollection", "geometries": [POINT, POLYGON]}, (113.625, -7.75)),
        ({"type": "Feature", "geometry": POLYGON, "properties": {"a": [1, 2]}}, (111.0, -7.5)),
        (
            {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POINT}]},
            (117.25, -8.5),
        ),
    ],
)
def test_any_other_geometry_is_kept_whole_beside_its_centre(geometry, centre):
    (text, longitude, latitude, whole), bad = one(geometry)
    assert text is None
    assert (longitude, latitude) == centre
    assert whole is geometry
    assert bad == []


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [-8.5, 117.25]},  # swapped
        {"type": "Point", "coordinates": [180.5, 0]},
        {"type": "Point", "coordinates": [0, -90.000001]},
        {"type": "Point", "coordinates": [10**400, 1]},
        {"type": "Point", "coordinates": [1, -(10**400)]},
        {"type": "Point", "coordinates": [math.inf, 1.0]},
        {"type": "Point", "coordinates": ["117.25", "-8.5"]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Point", "coordinates": [117.25]},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": None},
        {"type": "Point", "coordinates": {}},
        {"type": "Point"},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[[]]]},
        {"type": "MultiPolygon", "coordinates": [SQUARE, [[[200.0, 0.0]]]]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Feature", "geometry": None, "properties": None},
    ],
)
def test_a_geometry_that_is_not_on_the_globe_is_kept_and_reported(geometry):
    (text, longitude, latitude, whole), bad = one(geometry)
    assert (text, longitude, latitude) == (None, None, None)
    assert whole is geometry
    assert bad == ["longitude"]


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        False,
        [117.25, -8.5],
        [],
        {},
        {"coordinates": [117.25, -8.5]},
        {"type": "point", "coordinates": [117.25, -8.5]},
        {"type": None},
        {"type": ["Point"], "coordinates": [117.25, -8.5]},
        {"type": {"a": 1}},
    ],
)
def test_what_is_no_location_is_reported(value):
    assert one(value) == ([None] * 4, ["location"])


def test_rows_keep_their_positions():
    values = ["a", None, POINT, POLYGON, 5, {"type": "Point"}, "b"]
    flat = license_location(values)
    assert flat.columns["location"] == ["a", None, None, None, None, None, "b"]
    assert [x is not None for x in flat.columns["longitude"]] == [0, 0, 1, 1, 0, 0, 0]
    assert [x is not None for x in flat.columns["location_geojson"]] == [0, 0, 0, 1, 0, 1, 0]
    assert [(entry.row, entry.column) for entry in flat.bad] == [(4, "location"), (5, "longitude")]


def test_no_rows():
    for flattener in FLATTENERS.values():
        flat = flattener([])
        assert not any(flat.columns.values())
        assert (flat.extra, flat.bad) == ({}, [])


def test_a_deeply_nested_geometry():
    depth = 5000
    coordinates = [110.0, -7.0]
    for _ in range(depth):
        coordinates = [coordinates]
    cells, bad = one({"type": "MultiPolygon", "coordinates": coordinates})
    assert cells[1:3] == [110.0, -7.0]
    assert json_text(cells[3]).count("[") == depth + 1
    assert bad == []


def site(value):
    """Flatten one site location: its four cells, the extra ones, and the reported columns."""
    flat = site_location([value])
    assert list(flat.columns) == SITE_COLUMNS
    cells = {name: column[0] for name, column in flat.columns.items() if column[0] is not None}
    extra = {name: column[0] for name, column in flat.extra.items()}
    return cells, extra, [(entry.column, entry.raw) for entry in flat.bad]


def test_a_site_s_place():
    whole = {"province": "Contoh", "city": "Kota", "latitude": -3.5, "longitude": 120}
    assert site(whole) == (whole, {}, [])
    assert site(dict.fromkeys(SITE_COLUMNS)) == ({}, {}, [])
    assert site({"province": "Contoh"}) == ({"province": "Contoh"}, {}, [])
    assert site(None) == ({}, {}, [])
    assert site({}) == ({}, {}, [])


def test_an_unknown_key_of_a_site_s_place_becomes_a_column():
    value = {"province": "Contoh", "district": {"a": [1]}, "altitude": None}
    extra = {"location_district": {"a": [1]}, "location_altitude": None}
    assert site(value) == ({"province": "Contoh"}, extra, [])
    flat = site_location([None, {"b": 1}, {"a": 2, "b": 3}])
    assert flat.extra == {"location_b": [None, 1, 3], "location_a": [None, None, 2]}
    assert list(flat.extra) == ["location_b", "location_a"]


@pytest.mark.parametrize("value", ["Kabupaten Contoh", "", 5, 1.5, True, False, [], [1, 2]])
def test_a_site_s_place_that_is_no_object_is_reported(value):
    assert site(value) == ({}, {}, [("location", value)])


@pytest.mark.parametrize(
    ("name", "number", "fits"),
    [
        ("latitude", 90, True),
        ("latitude", -90.5, False),
        ("latitude", 117.25, False),
        ("latitude", "117.25", False),
        ("latitude", "-8.5", True),
        ("longitude", 180, True),
        ("longitude", -180.5, False),
        ("longitude", "1000", False),
        ("longitude", 10**400, False),
        ("longitude", -(10**400), False),
    ],
)
def test_a_coordinate_beyond_the_globe_is_reported(name, number, fits):
    cells, extra, bad = site({name: number})
    assert extra == {}
    assert (cells, bad) == (({name: number}, []) if fits else ({}, [(name, number)]))


@pytest.mark.parametrize("value", ["n/a", "NaN", True, [1], {"a": 1}, math.inf])
def test_what_is_no_coordinate_is_left_to_the_column_s_type(value):
    assert site({"latitude": value}) == ({"latitude": value}, {}, [])


def test_a_geometry_as_a_site_s_place():
    assert site(POINT) == ({"longitude": 117.25, "latitude": -8.5}, {}, [])
    cells, extra, bad = site(POLYGON)
    assert cells == {"longitude": 111.0, "latitude": -7.5}
    assert extra == {"location_geojson": POLYGON}
    assert bad == []
    swapped = {"type": "Point", "coordinates": [-8.5, 117.25]}
    extra = {"location_type": "Point", "location_coordinates": [-8.5, 117.25]}
    assert site(swapped) == ({}, extra, [])
    assert site({**POINT, "province": "Contoh"}) == (
        {"province": "Contoh"},
        {"location_type": "Point", "location_coordinates": [117.25, -8.5]},
        [],
    )
    assert site({"type": ["Point"]}) == ({}, {"location_type": ["Point"]}, [])


def test_a_field_of_another_frame_gives_no_column():
    assert FLATTENERS["elsewhere"]([[{"order": 1}], None, "x"]) == ({}, {}, [])


numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-200, 200)
    | st.sampled_from([180, -180, 90, -90, 10**30, 10**400])
)
texts = st.text(st.characters(exclude_categories=()), max_size=6)
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
positions = st.tuples(st.floats(-181, 181), st.floats(-91, 91)).map(list)
coordinates = st.recursive(
    positions | values, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
geometries = st.builds(
    lambda kind, members: {"type": kind, **members},
    st.sampled_from(KINDS),
    st.fixed_dictionaries(
        {},
        optional={
            "coordinates": coordinates,
            "geometries": st.lists(values, max_size=2),
            "geometry": coordinates.map(lambda c: {"type": "Point", "coordinates": c}),
            "bbox": values,
        },
    ),
)
places = st.fixed_dictionaries({}, optional=dict.fromkeys([*SITE_COLUMNS, "type", "x"], values))
anything = values | geometries | places | geometries.map(lambda g: {"type": "Feature", **g})
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(st.lists(anything, max_size=4))
def test_no_licence_location_is_lost(given_values):
    flat = license_location(given_values)
    assert [len(column) for column in flat.columns.values()] == [len(given_values)] * 4
    reported = [entry.row for entry in flat.bad]
    assert len(set(reported)) == len(reported)
    for row, value in enumerate(given_values):
        text, longitude, latitude, whole = (flat.columns[name][row] for name in LICENSE_COLUMNS)
        assert (longitude is None) == (latitude is None)
        if longitude is not None:
            assert -180 <= longitude <= 180
            assert -90 <= latitude <= 90
        if isinstance(value, str) or value is None:
            assert (text, longitude, latitude, whole) == (value, None, None, None)
            assert row not in reported
        elif whole is not None:
            assert whole is value
            assert (longitude is None) == (row in reported)
        elif row not in reported:
            assert value == {"type": "Point", "coordinates": [longitude, latitude]}


@unhurried
@given(st.lists(anything, max_size=4))
def test_no_site_s_place_is_lost(given_values):
    flat = site_location(given_values)
    for row, value in enumerate(given_values):
        bad = {entry.column: entry.raw for entry in flat.bad if entry.row == row}
        cells = {name: column[row] for name, column in flat.columns.items()}
        extra = {name: column[row] for name, column in flat.extra.items()}
        if value is None:
            assert not bad
            assert not [x for x in (*cells.values(), *extra.values()) if x is not None]
        elif not isinstance(value, dict):
            assert bad == {"location": value}
        elif extra.get("location_geojson") is value:
            assert cells["longitude"] is not None
        elif value == {"type": "Point", "coordinates": [cells["longitude"], cells["latitude"]]}:
            assert not bad
        else:
            for name, entry in value.items():
                if name not in SITE_COLUMNS:
                    assert extra[f"location_{name}"] is entry
                elif name in bad:
                    assert (bad[name], cells[name]) == (entry, None)
                else:
                    assert cells[name] is entry


@unhurried
@given(values)
def test_json_text_is_the_value(value):
    text = json_text(value)
    assert json.loads(text) == value
    assert json.loads(json_text(decode_json(text))) == value
    text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "503.10",
        "1e20",
        "1E+400",
        "-1e999",
        "-0",
        "-0.0",
        "0.12345678901234567890123456789",
        "3411003442014022",
        "123456789012345678901234567890",
        "9" * 5000,
        "-" + "9" * 5000,
        '[1.50, {"a": 2.10, "b": [1e5, "1e5", null, true]}]',
        "[]",
        "{}",
        '[[], {}, [{"": ""}]]',
        '"caf\u00e9 \\"x\\" \\\\ \\n"',
        '"\\ud800 \\\\ud800"',
    ],
)
def test_json_is_written_back_as_it_was_read(text):
    assert json_text(decode_json(text)) == text
    assert json_text(decode_json(text.encode())) == text


def test_a_token_that_is_no_json_is_written_back_as_a_text():
    assert decode_json("[NaN, Infinity, -Infinity]") == ["NaN", "Infinity", "-Infinity"]
    written = json_text(decode_json('{"a": [NaN, Infinity, -Infinity]}'))
    assert written == '{"a": ["NaN", "Infinity", "-Infinity"]}'


def test_json_text_of_a_deeply_nested_value():
    value = 1.5
    for _ in range(20_000):
        value = {"a": [value]}
    assert json_text(value).count('{"a": [') == 20_000


def test_a_number_is_a_float_that_knows_its_text():
    number = JsonNumber("2.50")
    assert number == 2.5
    assert number.text == "2.50"
    assert decode_json("2.50").text == "2.50"
    assert decode_json("25") == 25
    assert type(decode_json("25")) is int


def test_utf8():
    assert as_utf8("a\ud800b") == "a\\ud800b"
    assert as_utf8("caf\u00e9 \U0001f600") == "caf\u00e9 \U0001f600"


# Lists of texts


def test_a_company_s_commodities_are_a_text_and_flags():
    values = [["Coal", "Zinc and Lead"], [], None, ["coal", "Oil"], "Gold"]
    columns, extra, bad = company_commodities(values)
    assert columns["commodity_types"] == ["Coal, Zinc and Lead", None, None, "coal, Oil", "Gold"]
    assert columns["coal"] == [True, False, None, True, False]
    assert columns["zinc_and_lead"] == [True, False, None, False, False]
    assert columns["gold"] == [False, False, None, False, True]
    assert [*columns] == [
        *("commodity_types", "aluminium", "coal", "copper", "gold", "nickel", "silver"),
        "zinc_and_lead",
    ]
    assert (extra, bad) == ({}, [])


def test_a_text_with_a_comma_in_a_list_is_quoted():
    values = [["Sand, Stone, Gravel", "Coal"], ['"A"'], ["\u00e9"]]
    flat = company_activities(values).columns["activities"]
    assert flat == ['"Sand, Stone, Gravel", Coal', '"\\"A\\""', "\u00e9"]
    assert contract_agreements([["Coal Hauling"]]).columns == {"agreement_types": ["Coal Hauling"]}


@pytest.mark.parametrize("value", [5, {"a": 1}, ["Coal", None], [["Coal"]], decode_json("NaN")])
@pytest.mark.parametrize(
    ("flattener", "column"),
    [
        (company_commodities, "commodity_types"),
        (company_activities, "activities"),
        (contract_agreements, "agreement_types"),
    ],
)
def test_what_is_no_list_of_texts_is_reported(flattener, column, value):
    columns, _, bad = flattener([["Coal"], value])
    assert columns[column] == ["Coal", None]
    assert all(cells[1] is None for cells in columns.values())
    assert [entry[:4] for entry in bad] == [(1, column, value, "not a list of texts")]
