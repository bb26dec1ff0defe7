"""Values that are too deep, too long or ambiguous for Python's own JSON: reported, no crash."""

from __future__ import annotations

import copy
import json
import sys
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.reference import auction, licence
from support.scripted_server import answer

import sectorsdf
from sectorsdf import reserves
from sectorsdf.config.deep_json import dumps, loads, parse
from sectorsdf.frames.casting import cast_column
from sectorsdf.frames.lossless_json import JsonNumber, RepeatedField, decode_json, json_text
from sectorsdf.io.export import export_frame
from sectorsdf.reserves.reader import without_nulls

DEPTHS = [400, 960, 20_000]
CODE = licence()["wiup_code"]


def nested(depth, inside="1"):
    return "[" * depth + inside + "]" * depth


def body(record, **texts):
    """Return a record as JSON in which the values of some fields are JSON texts."""
    text = json.dumps({**record, **{name: f"@{name}@" for name in texts}})
    for name, value in texts.items():
        text = text.replace(f'"@{name}@"', value)
    return text


def list_of(*records):
    content = (
        f'{{"results": [{", ".join(records)}], "pagination": {{"total_count": {len(records)}}}}}'
    )
    return answer(content.encode())


@pytest.fixture
def ask(scripted, connect):
    """Call a getter whose every request has one answer; return the frame and what it warned of."""

    def call(response, getter, *args, **options):
        client = connect(scripted(response))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", sectorsdf.DataWarning)
            frame = getter(*args, client=client, **options)
        return frame, [str(entry.message) for entry in caught]

    return call


def problems(frame):
    return frame.attrs["sectorsdf"]["problems"]


# Reading and writing

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def outcome(read, text):
    try:
        return read(text)
    except ValueError:
        return ValueError


@settings(max_examples=examples(2), deadline=None)
@given(_VALUES, st.sampled_from([None, 1]), st.integers(0, 60), st.sampled_from(' ,:[]{}"1e\\\t'))
def test_the_reader_without_recursion_reads_what_json_reads(value, indent, at, typo):
    def read(text):
        return parse(text, json.JSONDecoder(), dict)

    text = json.dumps(value, indent=indent)
    assert read(text) == value
    for damaged in (text[:at], text[:at] + typo + text[at:], text[:at] + text[at + 1 :]):
        assert outcome(read, damaged) == outcome(json.loads, damaged)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
def test_any_depth_is_read_and_written(depth, opening, closing):
    text = opening * depth + "1.50" + closing * depth
    assert json_text(decode_json(text.encode())) == text
    assert dumps(loads(text)) == text.replace("1.50", "1.5")
    for damaged in (text[:-1], f"{text}{closing}", text.replace("1.50", "1.50,")):
        with pytest.raises(ValueError, match="char"):
            decode_json(damaged)


def test_what_would_fill_the_memory_is_not_read(scripted, connect):
    for text in ("[" * 10_000_000, nested(100_001)):
        with pytest.raises(ValueError, match=r"100,000 levels.*char 100000"):
            decode_json(text)
    # An answer like that is refused, and tried again.
    server = scripted(list_of(body(licence(), location=nested(100_000))))
    with pytest.raises(sectorsdf.ResponseError, match="failed 3 times"):
        sectorsdf.get_mining_licenses(client=connect(server))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_a_byte_order_mark_is_not_part_of_the_text(encoding):
    assert decode_json('{"name": "é"}'.encode(encoding)) == {"name": "é"}


def test_digits_beyond_what_int_reads_are_kept():
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        for digits in (599, 640, 641, 100_000):
            text = f"[{'9' * digits}, -{'9' * digits}]"
            assert json_text(decode_json(text)) == text
    finally:
        sys.set_int_max_str_digits(before)
    assert isinstance(decode_json("9" * 641), JsonNumber)


def test_a_field_with_several_values_has_none():
    read = decode_json('{"a": 1, "b": {"c": "x", "c": "y"}, "a": 1, "d": 1.0, "d": null}')
    assert read["a"] == 1
    assert isinstance(read["b"]["c"], RepeatedField)
    assert read["b"]["c"] == '"x", "y"'
    assert json_text(read) == '{"a": 1, "b": {"c": "x", "c": "y"}, "d": 1.0, "d": null}'
    assert json_text(copy.deepcopy(read)) == json_text(read)
    bad = []
    for kind in ("text", "date", "integer", "number", "flag"):
        assert cast_column([read["b"]["c"]], kind, "column", bad).to_pylist() == [None]
    assert {entry.reason for entry in bad} == {
        "the field comes more than once, with different values"
    }


# In the frames


@pytest.mark.parametrize("depth", [600, 960, 20_000])
def test_a_deep_location_is_reported_and_kept(ask, depth):
    place = f'{{"type": "Point", "coordinates": {nested(depth)}}}'
    frame, said = ask(list_of(body(licence(), location=place)), sectorsdf.get_mining_licenses)
    (problem,) = problems(frame)
    assert problem["column"] == "longitude"
    assert problem["key"] == {"wiup_code": CODE}
    assert problem["raw"] == place
    assert frame["location_geojson"].tolist() == [place]
    assert len(said) == 1
    assert len(said[0]) < 600


@pytest.mark.parametrize("field", ["province", "licensed_area_ha", "license_expiry_date", "new"])
def test_a_deep_value_in_any_column_is_reported(ask, field):
    frame, said = ask(
        list_of(body(licence(), **{field: nested(2_000)})), sectorsdf.get_mining_licenses
    )
    if field == "new":
        assert frame["new"].tolist() == [nested(2_000)]
    else:
        assert frame[field].isna().all()
        assert [entry["raw"] for entry in problems(frame)] == [nested(2_000)]
    assert len(said) == 1
    sectorsdf.describe(frame)


def test_strict_raises_for_a_deep_value(scripted, connect):
    client = connect(scripted(list_of(body(licence(), province=nested(2_000)))))
    with pytest.raises(sectorsdf.DataError, match="province"):
        sectorsdf.get_mining_licenses(client=client, strict=True)


SITE = {
    "slug": "site-1",
    "name": "Site 1",
    "year": 2024,
    "commodity_type": "Coal",
    "location": None,
}


@pytest.mark.parametrize("depth", [600, 20_000])
@pytest.mark.parametrize(
    "shape",
    ['{{"a": {0}}}', '{{"total_reserves_Mt": {0}}}', '{{"x": {{"y": {0}}}}}', "[{0}]",
     '[{{"category": "Proven Reserves", "unit": "Mt", "volume": {0}}}]'],
)  # fmt: skip
def test_deep_resources_are_reported_and_rebuilt(ask, depth, shape):
    text = shape.format(nested(depth))
    frame, said = ask(
        answer(body(SITE, resources_reserves=text).encode()),
        sectorsdf.get_mining_site_resources,
        "site-1",
    )
    assert len(frame) == 1
    assert frame["value"].isna().all()
    assert len(said) == 1
    rebuilt, sent = reserves.rebuild(frame.to_dict("records")), loads(text)
    if isinstance(sent, list) and isinstance(sent[0], dict):
        rebuilt, sent = (sorted(each[0].items()) for each in (rebuilt, sent))
    assert dumps(rebuilt) == dumps(sent)


def test_a_deep_site_is_one_row_with_its_json(ask, here):
    text = f'{{"total_reserves_Mt": 2.0, "a": {nested(3_000)}}}'
    frame, _ = ask(
        answer(body(SITE, resources_reserves=text).encode()), sectorsdf.get_mining_site, "site-1"
    )
    assert frame["resources_reserves"].tolist() == [text]
    assert frame["total_reserves"].tolist() == [2.0]
    for name in ("f.parquet", "f.csv", "f.jsonl", "f.sqlite"):
        export_frame(frame, here / name)
    assert sectorsdf.read_parquet(here / "f.parquet")["resources_reserves"].tolist() == [text]
    # The figures come from the text in the frame, too.
    with pytest.warns(sectorsdf.DataWarning, match="do not follow"):
        figures = sectorsdf.get_mining_site_resources(frame)
    assert figures["value"].tolist()[0] == 2.0


def test_a_deep_record_has_no_addresses_and_comes_back_from_the_cache(scripted, connect, tmp_path):
    deep = nested(3_000, '"ibu.sari@example.id"')
    response = answer(body(auction(), notes=deep).encode())
    client = connect(scripted(response), cache=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        first, again = (sectorsdf.get_mining_license_auction(CODE, client=client) for _ in "12")
    (text,) = first["notes"]
    assert text.startswith("[" * 3_000)
    assert "ibu.sari" not in text
    assert again["notes"].tolist() == [text]
    assert again.attrs["sectorsdf"]["from_cache"]


def test_a_repeated_field_is_reported(ask):
    record = json.dumps(licence())[:-1] + ', "province": "Papua", "license_type": "IUP"}'
    frame, said = ask(list_of(record), sectorsdf.get_mining_licenses)
    assert frame["province"].isna().all()
    assert frame["license_type"].tolist() == ["IUP"]
    (problem,) = problems(frame)
    assert problem["raw"] == '"Aceh", "Papua"'
    assert "comes more than once" in said[0]


def test_a_repeated_place_or_estimate_is_reported(ask):
    twice = '{"a": 1}, "location": null, "resources_reserves": {"total_reserves_Mt": 1.0}'
    text = body(SITE, resources_reserves=twice).replace('"location": null, ', "", 1)
    frame, _ = ask(answer(text.encode()), sectorsdf.get_mining_site, "site-1")
    assert [entry["column"] for entry in problems(frame)] == ["tonnage_unit"]
    assert frame["total_reserves"].isna().all()


def test_a_total_with_several_values_is_no_total(scripted, connect):
    response = answer(b'{"results": [], "pagination": {"total_count": 0, "total_count": 5}}')
    with pytest.raises(sectorsdf.ResponseError, match="total_count"):
        sectorsdf.get_mining_licenses(client=connect(scripted(response)))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("licensed_area_ha", "9" * 5_000),
        ("licensed_area_ha", "NaN"),
        ("licensed_area_ha", "-Infinity"),
        ("licensed_area_ha", "1e999"),
        ("province", '"a\\ud800b"'),
        ("province", "NaN"),
    ],
)
def test_other_values_beyond_a_column_are_reported(ask, field, text):
    frame, _ = ask(list_of(body(licence(), **{field: text})), sectorsdf.get_mining_licenses)
    assert frame[field].isna().all()
    (problem,) = problems(frame)
    assert problem["raw"].strip('"') == text.strip('"')


def test_a_very_long_text_is_kept_and_a_message_stays_short(ask):
    long = "x" * 1_000_000
    frame, said = ask(
        list_of(body(licence(company_name=long), licensed_area_ha=f'"{long}"')),
        sectorsdf.get_mining_licenses,
    )
    assert frame["company_name"].tolist() == [long]
    assert len(said[0]) < 600


# Resources and reserves that a caller has parsed


def deep_list(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", DEPTHS)
def test_figures_take_any_depth(depth):
    value = {"total_reserves_Mt": 1.0, "a": deep_list(depth), "b": [deep_list(depth)]}
    rows, found = reserves.figures(value, commodity_type="Coal")
    assert [row["value"] for row in rows] == [1.0, None, None]
    assert len(found) == 2
    assert dumps(reserves.rebuild(rows)) == dumps(value)
    assert reserves.wide(value, commodity_type="Coal")["total_reserves"] == 1.0


def test_nulls_are_left_out_at_any_depth_and_the_value_stays():
    value = {"a": [None, {"b": None, "c": []}], "d": [0, None, False, "", {"e": None, "f": 1.0}]}
    before = json.dumps(value)
    assert without_nulls(value) == {"d": [0, False, "", {"f": 1.0}]}
    assert json.dumps(value) == before
    assert without_nulls([[], {}]) is None
    assert without_nulls(loads(nested(50_000, "null"))) is None
    assert dumps(without_nulls(loads(nested(50_000, "0, null")))) == nested(50_000, "0")


def test_a_sum_beyond_floats_is_missing_and_reported():
    huge = {"total_reserves_wmt": 1e308, "total_resources_wmt": 1.0}
    row, found = reserves.widen({"limonite": huge, "saprolite": huge}, commodity_type="Nickel")
    assert row["total_reserves"] is None
    assert row["total_resources"] == 2.0
    assert [entry["reason"] for entry in found] == ["the sum is too large for float64"]


# Frames that a caller has made


@pytest.mark.parametrize("depth", [101, 20_000])
def test_python_objects_that_would_crash_arrow_are_refused(here, depth):
    for value in (deep_list(depth), {"a": deep_list(depth)}):
        frame = pd.DataFrame({"fine": [1], "deep": pd.Series([value], dtype="object")})
        for name in ("f.parquet", "f.csv", "f.sqlite"):
            with pytest.raises(ValueError, match=r"column 'deep' .* more deeply than 100"):
                export_frame(frame, here / name)
        with pytest.raises(ValueError, match="column 'deep'"):
            sectorsdf.write_parquet(frame, here / "f.parquet")
        frame.attrs["sectorsdf"] = {"dataset": "mining_licenses"}
        assert sectorsdf.describe(frame)["arrow_type"].isna().tolist() == [False, True]
    ring = []
    ring.append(ring)
    with pytest.raises(ValueError, match="column 'deep'"):
        export_frame(pd.DataFrame({"deep": pd.Series([ring], dtype="object")}), here / "f.csv")
    assert not list(here.iterdir())


def test_deep_attrs_are_refused(here):
    frame = pd.DataFrame({"a": [1]})
    frame._attrs = {"mine": deep_list(3_000)}
    with pytest.raises(ValueError, match=r"frame\.attrs cannot be written as JSON"):
        export_frame(frame, here / "f.csv")
    with pytest.raises(ValueError, match=r"frame\.attrs is nested too deeply"):
        sectorsdf.write_parquet(frame, here / "f.parquet")
    assert not list(here.iterdir())
