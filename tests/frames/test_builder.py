"""Frames: one shape for ever, and nothing dropped in silence."""

from __future__ import annotations

import io
import json
import re
import sys
import warnings
from datetime import date
from fractions import Fraction
from unittest import mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from support.budgets import examples

from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.auctions import (
    MINING_LICENSE_AUCTION,
    MINING_LICENSE_AUCTION_PARTICIPANTS,
    MINING_LICENSE_AUCTIONS,
)
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.sites import MINING_SITE, MINING_SITES
from sectorsdf.errors import DataError, DataWarning
from sectorsdf.frames import builder as frame_module
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import Provenance
from sectorsdf.vocabularies import COMPANY_COMMODITY_TYPES

DTYPES = {
    "text": pd.StringDtype(),
    "date": "datetime64[us]",
    "integer": pd.Int64Dtype(),
    "number": "float64",
    "flag": pd.BooleanDtype(),
    "json": pd.StringDtype(),
}
SAMPLE = {
    "text": "0012",
    "date": "2024-02-29",
    "integer": 2**62,
    "number": 74.25,
    "flag": True,
    "json": {"measurement_year": 2022, "total_reserves_Mt": None},
}
LISTS_OF_TEXTS = {
    "company_commodities": "commodity_types",
    "company_activities": "activities",
    "contract_agreements": "agreement_types",
}
"""The column of the texts of a list, by the function that flattens it."""
COMMODITY_FLAGS = {name.lower().replace(" ", "_") for name in COMPANY_COMMODITY_TYPES}
ALL = [pytest.param(dataset, id=name) for name, dataset in DATASETS.items()]


def record(dataset, **changes):
    """A record that fits, with some fields changed."""
    fields = {column.source: SAMPLE[column.kind] for column in dataset.columns}
    if dataset is MINING_SITE:
        fields["location"] = {"province": "P", "city": None, "latitude": -3.5, "longitude": 120.25}
    elif "location" in fields:
        fields["location"] = "Kabupaten Contoh"
    lists = {
        field: ["Coal", "Gold"] for field, how in dataset.nested.items() if how in LISTS_OF_TEXTS
    }
    return {**fields, **lists, **changes}


def built(dataset, records, **options):
    builder = FrameBuilder(dataset)
    builder.add(records)
    return builder.frame(Provenance(), **options)


def warned(dataset, records, **options):
    """The frame, and the texts of the warnings that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = built(dataset, records, **options)
    assert all(issubclass(entry.category, DataWarning) for entry in caught)
    return frame, [str(entry.message) for entry in caught]


def facts(frame):
    return frame.attrs["sectorsdf"]


def sent(**cells):
    """Records of licences, each field given as JSON text, as the API would send them."""
    whole = {k: json.dumps(v) for k, v in record(MINING_LICENSES).items()} | cells
    body = ", ".join(f"{json.dumps(name)}: {text}" for name, text in whole.items())
    return decode_json(f"[{{{body}}}]")


def assert_shape(frame, dataset):
    declared = frame.iloc[:, : len(dataset.columns)]
    assert list(declared.columns) == [column.name for column in dataset.columns]
    wanted = [pd.api.types.pandas_dtype(DTYPES[column.kind]) for column in dataset.columns]
    assert declared.dtypes.tolist() == wanted
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert facts(frame)["rows"] == len(frame)
    assert set(frame.dtypes.iloc[len(wanted) :]) <= {
        pd.api.types.pandas_dtype(DTYPES[kind]) for kind in ("text", "integer", "number", "flag")
    }


def assert_survives_parquet(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    file.seek(0)
    back = pd.read_parquet(file)
    assert_frame_equal(back, frame)
    assert back.attrs == frame.attrs


def assert_same(left, right):
    assert_frame_equal(left, right)
    assert left.attrs == right.attrs


# One shape


@pytest.mark.parametrize("dataset", ALL)
def test_full_empty_null_and_one_row_have_one_shape(dataset):
    full, empty = record(dataset), dict.fromkeys(dataset.fields)
    for records in ([full], [empty], [], [full] * 3 + [empty] * 2, [empty, full]):
        frame = built(dataset, records, strict=True)
        assert len(frame) == len(records)
        assert_shape(frame, dataset)
        assert_survives_parquet(frame)
        assert facts(frame)["problems"] == []
        assert facts(frame)["unknown_fields"] == facts(frame)["missing_fields"] == []
        missing = [row is empty for row in records]
        assert frame[dataset.key[0]].isna().tolist() == missing


@pytest.mark.parametrize("dataset", ALL)
def test_no_record_at_all_and_no_rows_chosen(dataset):
    assert_shape(FrameBuilder(dataset).frame(Provenance()), dataset)
    chosen = built(dataset, [record(dataset)] * 2, order=[])
    assert_same(chosen, FrameBuilder(dataset).frame(Provenance()))


@pytest.mark.parametrize("dataset", ALL)
def test_cells_come_out_as_they_went_in(dataset):
    frame = built(dataset, [record(dataset)])
    for column in dataset.columns:
        cell = frame[column.name].iloc[0]
        if column.source in dataset.nested and column.name not in dataset.nested:
            continue
        if dataset.nested.get(column.source) in LISTS_OF_TEXTS:
            assert cell == "Coal, Gold"
        elif column.kind == "date":
            assert cell == pd.Timestamp("2024-02-29")
        elif column.kind == "json":
            assert json.loads(cell) == SAMPLE["json"]
        else:
            assert cell == record(dataset)[column.name]


def test_the_order_of_a_record_s_fields_does_not_matter():
    straight = record(MINING_LICENSES)
    turned = dict(reversed(straight.items()))
    assert_same(built(MINING_LICENSES, [straight] * 2), built(MINING_LICENSES, [turned, straight]))


@pytest.mark.parametrize("dataset", ALL)
def test_arrow_holds_the_schema_whatever_pandas_made_of_it(dataset):
    empty = dict.fromkeys(dataset.fields)
    for records in ([record(dataset), empty], [empty], []):
        frame = built(dataset, records)
        table = to_arrow(frame)
        assert table.schema.remove_metadata() == dataset.schema
        assert json.loads(table.schema.metadata[b"PANDAS_ATTRS"]) == frame.attrs
        assert_same(from_arrow(table), frame)
        file = io.BytesIO()
        pq.write_table(table, file)
        file.seek(0)
        assert_same(from_arrow(pq.read_table(file)), frame)


def test_a_file_of_pandas_own_is_read_into_the_same_frame():
    frame = built(MINING_LICENSES, [record(MINING_LICENSES)])
    file = io.BytesIO()
    frame.to_parquet(file)
    file.seek(0)
    assert_same(from_arrow(pq.read_table(file)), frame)


def test_arrow_keeps_a_time_of_day():
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-02-29", None]).astype("datetime64[us]"),
            "time": pd.to_datetime(["2024-02-29 10:00", None]).astype("datetime64[us]"),
        }
    )
    assert to_arrow(frame).schema.types == [pa.date32(), pa.timestamp("us")]


def test_the_provenance_is_kept_and_completed():
    builder = FrameBuilder(MINING_SITES)
    builder.add([record(MINING_SITES)])
    given = {"endpoint": "/v2/mining/sites/", "filters": {"year": 2024}, "rows": "?"}
    frame = builder.frame(Provenance(given))
    assert facts(frame) == {
        "endpoint": "/v2/mining/sites/",
        "filters": {"year": 2024},
        "rows": 1,
        "digest": table_digest(to_arrow(frame)),
        "problems": [],
        "unknown_fields": [],
        "missing_fields": [],
    }
    assert given["rows"] == "?"
    assert_survives_parquet(frame)


# Values that do not fit


@pytest.mark.parametrize(
    ("dataset", "field", "text", "raw"),
    [
        (MINING_LICENSES, "license_expiry_date", '"2025-02-30"', "2025-02-30"),
        (MINING_LICENSES, "license_expiry_date", '"2025-2-3"', "2025-2-3"),
        (MINING_LICENSES, "license_expiry_date", '"2025-02-03T00:00:00"', "2025-02-03T00:00:00"),
        (MINING_LICENSES, "license_expiry_date", '"0000-01-01"', "0000-01-01"),
        (MINING_LICENSES, "license_expiry_date", '"\uff12\uff10\uff12\uff15-01-01"', None),
        (MINING_LICENSES, "license_expiry_date", '""', ""),
        (MINING_LICENSES, "license_expiry_date", "20250203", "20250203"),
        (MINING_LICENSES, "license_expiry_date", "false", "false"),
        (MINING_LICENSES, "licensed_area_ha", '"1,500.5"', "1,500.5"),
        (MINING_LICENSES, "licensed_area_ha", '"n/a"', "n/a"),
        (MINING_LICENSES, "licensed_area_ha", '" 5"', " 5"),
        (MINING_LICENSES, "licensed_area_ha", '"0x10"', "0x10"),
        (MINING_LICENSES, "licensed_area_ha", '"1_000"', "1_000"),
        (MINING_LICENSES, "licensed_area_ha", '"inf"', "inf"),
        (MINING_LICENSES, "licensed_area_ha", "true", "true"),
        (MINING_LICENSES, "licensed_area_ha", "1e999", "1e999"),
        (MINING_LICENSES, "licensed_area_ha", "-1E+999", "-1E+999"),
        (MINING_LICENSES, "licensed_area_ha", '"1e999"', "1e999"),
        (MINING_LICENSES, "licensed_area_ha", "NaN", "NaN"),
        (MINING_LICENSES, "licensed_area_ha", "-Infinity", "-Infinity"),
        (MINING_LICENSES, "licensed_area_ha", "9007199254740993", "9007199254740993"),
        (MINING_LICENSES, "licensed_area_ha", '"9007199254740993"', "9007199254740993"),
        (MINING_LICENSES, "licensed_area_ha", "9" * 400, "9" * 400),
        (MINING_LICENSES, "licensed_area_ha", "9" * 5000, "9" * 5000),
        (MINING_LICENSES, "licensed_area_ha", f'"{"9" * 5000}"', "9" * 5000),
        (MINING_LICENSES, "licensed_area_ha", "[1]", "[1]"),
        (MINING_LICENSES, "licensed_area_ha", '{"ha": 1.50}', '{"ha": 1.50}'),
        (MINING_LICENSES, "company_name", "true", "true"),
        (MINING_LICENSES, "company_name", '["A", "B"]', '["A", "B"]'),
        (MINING_LICENSES, "company_name", '{"name": "A"}', '{"name": "A"}'),
        (MINING_LICENSES, "company_name", "NaN", "NaN"),
        (MINING_LICENSES, "company_name", '"PT \\ud800"', "PT \\ud800"),
        (MINING_LICENSES, "wiup_code", "[]", "[]"),
        (MINING_LICENSES, "location", "5.0", "5.0"),
        (MINING_LICENSES, "location", "NaN", "NaN"),
        (MINING_LICENSES, "location", '"\\udfff"', "\\udfff"),
        (MINING_LICENSE_AUCTIONS, "kdi", str(2**63), str(2**63)),
        (MINING_LICENSE_AUCTIONS, "kdi", f'"{2**63}"', str(2**63)),
        (MINING_LICENSE_AUCTIONS, "kdi", f"-{2**63 + 1}", f"-{2**63 + 1}"),
        (MINING_LICENSE_AUCTIONS, "kdi", "1.5", "1.5"),
        (MINING_LICENSE_AUCTIONS, "kdi", "4.00000000000000000001", "4.00000000000000000001"),
        (MINING_LICENSE_AUCTIONS, "kdi", "1e-99999999999999999999", "1e-99999999999999999999"),
        (MINING_LICENSE_AUCTIONS, "kdi", "1e99999999999999999999", "1e99999999999999999999"),
        (MINING_LICENSE_AUCTIONS, "kdi", '"Rp 5"', "Rp 5"),
        (MINING_LICENSE_AUCTIONS, "kdi", "true", "true"),
        (MINING_LICENSE_AUCTIONS, "kdi", "NaN", "NaN"),
        (MINING_LICENSE_AUCTIONS, "winner", "1", "1"),
        (MINING_LICENSE_AUCTIONS, "winner", '"true"', "true"),
        (MINING_SITE, "location", '"Kabupaten Contoh"', "Kabupaten Contoh"),
    ],
)
def test_what_does_not_fit_is_missing_and_reported(dataset, field, text, raw):
    good, bad = record(dataset), record(dataset, **{field: decode_json(text)})
    frame, messages = warned(dataset, [good, bad, good])
    assert_shape(frame, dataset)
    (problem,) = facts(frame)["problems"]
    assert problem.keys() == {"row", "key", "column", "raw", "reason"}
    assert (problem["row"], problem["column"]) == (1, field)
    assert problem["raw"] == (json.loads(text) if raw is None else raw)
    key = frame.loc[1, list(dataset.key)]
    assert problem["key"] == {k: None if pd.isna(v) else str(v) for k, v in key.items()}
    assert problem["reason"]
    if field in frame:
        assert frame[field].isna().tolist() == [False, True, False]
    (message,) = messages
    assert dataset.name in message
    assert field in message
    assert "1 value(s)" in message
    assert_survives_parquet(frame)
    pd.DataFrame(facts(frame)["problems"]).to_parquet(io.BytesIO())


@pytest.mark.parametrize(
    ("dataset", "field", "text", "cell"),
    [
        (MINING_LICENSES, "wiup_code", "3411003442014022", "3411003442014022"),
        (MINING_LICENSES, "wiup_code", "503.10", "503.10"),
        (MINING_LICENSES, "wiup_code", "1e20", "1e20"),
        (MINING_LICENSES, "wiup_code", "1E+5", "1E+5"),
        (MINING_LICENSES, "wiup_code", "1e999", "1e999"),
        (MINING_LICENSES, "wiup_code", "-0", "-0"),
        (MINING_LICENSES, "wiup_code", "123456789012345678901234567890", None),
        (MINING_LICENSES, "wiup_code", "9" * 5000, "9" * 5000),
        (MINING_LICENSES, "wiup_code", '"00123"', "00123"),
        (MINING_LICENSES, "wiup_code", '""', ""),
        (MINING_LICENSES, "wiup_code", '" x\\u0000y\\n"', " x\0y\n"),
        (MINING_LICENSES, "company_name", '"NaN"', "NaN"),
        (MINING_LICENSES, "company_name", '"\\ud83d\\ude00"', "\U0001f600"),
        (MINING_LICENSES, "licensed_area_ha", "7", 7.0),
        (MINING_LICENSES, "licensed_area_ha", '"74.50"', 74.5),
        (MINING_LICENSES, "licensed_area_ha", '"1.5e3"', 1500.0),
        (MINING_LICENSES, "licensed_area_ha", str(2**60), 2.0**60),
        (MINING_LICENSES, "licensed_area_ha", f'"{2**60}"', 2.0**60),
        (MINING_LICENSES, "licensed_area_ha", "-0", 0.0),
        (MINING_LICENSE_AUCTIONS, "kdi", "7.0", 7),
        (MINING_LICENSE_AUCTIONS, "kdi", "-0", 0),
        (MINING_LICENSE_AUCTIONS, "kdi", "1e10", 10**10),
        (MINING_LICENSE_AUCTIONS, "kdi", "9007199254740993.0", 9007199254740993),
        (MINING_LICENSE_AUCTIONS, "kdi", "9223372036854775807.0", 2**63 - 1),
        (MINING_LICENSE_AUCTIONS, "kdi", '"123456789012"', 123456789012),
        (MINING_LICENSE_AUCTIONS, "kdi", f'"-{2**63}"', -(2**63)),
        (MINING_LICENSES, "license_expiry_date", '"9999-12-31"', pd.Timestamp("9999-12-31")),
        (MINING_LICENSES, "license_expiry_date", '"0001-01-01"', pd.Timestamp("0001-01-01")),
    ],
)
def test_what_fits_comes_out_exactly(dataset, field, text, cell):
    frame = built(dataset, [record(dataset, **{field: decode_json(text)})], strict=True)
    assert frame[field].iloc[0] == (text if cell is None else cell)
    assert_survives_parquet(frame)


def test_a_json_column_keeps_every_digit():
    text = '{"a": 1.50, "b": [1e999, -0, {"c": "\\ud800"}], "d": 123456789012345678901234567890}'
    value = decode_json(text)
    frame = built(MINING_SITE, [record(MINING_SITE, resources_reserves=value)], strict=True)
    assert frame["resources_reserves"].iloc[0] == text
    assert_survives_parquet(frame)


def test_several_problems_of_one_row_and_of_one_column():
    bad = record(
        MINING_LICENSES, wiup_code={}, licensed_area_ha="?", license_expiry_date=1, location=[]
    )
    other = record(MINING_LICENSES, wiup_code="2", licensed_area_ha="!")
    frame, messages = warned(MINING_LICENSES, [record(MINING_LICENSES), bad, other])
    found = [(p["row"], p["key"]["wiup_code"], p["column"]) for p in facts(frame)["problems"]]
    assert sorted(found, key=str) == [
        (1, None, "license_expiry_date"),
        (1, None, "licensed_area_ha"),
        (1, None, "location"),
        (1, None, "wiup_code"),
        (2, "2", "licensed_area_ha"),
    ]
    assert [row for row, *_ in found] == [1, 1, 1, 1, 2]
    assert len(messages) == 1
    assert "5 value(s)" in messages[0]


def test_a_long_value_is_whole_in_the_report_and_short_in_the_warning():
    frame, (message,) = warned(MINING_LICENSES, sent(licensed_area_ha=json.dumps("9," * 5000)))
    assert facts(frame)["problems"][0]["raw"] == "9," * 5000
    assert len(message) < 600


def test_a_huge_value_is_cut_in_the_report_which_says_its_length():
    sizes = {}
    for length in (50_000, 50_001, 1_000_000):
        value = json.dumps("x" * length)
        frame, _ = warned(MINING_LICENSES, sent(licensed_area_ha=value))
        sizes[length] = facts(frame)["problems"][0]["raw"]
        more = [{"key": {}, "column": "a", "raw": "x" * length, "reason": "b"}]
        provenance = Provenance.of_frame(frame).with_problems(more)
        assert provenance["problems"][-1]["raw"] == sizes[length]
    assert sizes[50_000] == "x" * 50_000
    assert sizes[50_001] == "x" * 50_000 + "… (50,001 characters)"
    assert sizes[1_000_000] == "x" * 50_000 + "… (1,000,000 characters)"


def test_a_key_of_several_columns_is_reported_as_text():
    bad = record(MINING_SITES, slug="a", year=2024, commodity_type=None, strip_ratio="?")
    frame, (message,) = warned(MINING_SITES, [bad])
    assert facts(frame)["problems"][0]["key"] == {
        "slug": "a",
        "year": "2024",
        "commodity_type": None,
    }
    assert "slug a, year 2024" in message


# Strict


@pytest.mark.parametrize(
    ("change", "problems", "word"),
    [
        ({"licensed_area_ha": "n/a"}, 1, "licensed_area_ha"),
        ({"surprise": 1}, 0, "surprise"),
    ],
)
def test_strict_raises_and_carries_the_frame(change, problems, word):
    records = [record(MINING_LICENSES, **change)]
    frame, _ = warned(MINING_LICENSES, records)
    with pytest.raises(DataError, match=word) as caught:
        built(MINING_LICENSES, records, strict=True)
    assert_same(caught.value.frame, frame)
    assert caught.value.problems == facts(frame)["problems"]
    assert len(caught.value.problems) == problems


def test_strict_raises_for_an_absent_field():
    whole = record(MINING_LICENSES)
    whole.pop("cnc")
    with pytest.raises(DataError, match=r"cnc \(1 rows\)") as caught:
        built(MINING_LICENSES, [whole], strict=True)
    assert_shape(caught.value.frame, MINING_LICENSES)


# Fields that nobody declared, and declared ones that did not come


def test_unknown_fields_become_further_columns():
    extra = decode_json(
        '{"whole": 7, "number": 1.5, "flag": true, "text": "x", "nested": {"a": [1.50]}, '
        '"nothing": null, "mixed": 503.10, "code": 18446744073709551616}'
    )
    second = {"whole": None, "number": 2, "mixed": "x", "nested": [], "flag": False}
    frame, (message,) = warned(
        MINING_SITES, [record(MINING_SITES, **extra), record(MINING_SITES, **second)]
    )
    assert_shape(frame, MINING_SITES)
    further = frame.iloc[:, len(MINING_SITES.columns) :]
    assert list(further) == facts(frame)["unknown_fields"] == list(extra)
    assert f"{', '.join(list(extra)[:5])} and 3 more." in message
    text = pd.StringDtype()
    wanted = [pd.Int64Dtype(), "float64", pd.BooleanDtype(), text, text, text, text, text]
    assert further.dtypes.tolist() == [pd.api.types.pandas_dtype(dtype) for dtype in wanted]
    assert further["whole"].tolist() == [7, pd.NA]
    assert further["number"].tolist() == [1.5, 2.0]
    assert further["flag"].tolist() == [True, False]
    assert further["text"].tolist() == ["x", pd.NA]
    assert further["nested"].tolist() == ['{"a": [1.50]}', "[]"]
    assert further["nothing"].isna().all()
    assert further["mixed"].tolist() == ["503.10", "x"]
    assert further["code"].iloc[0] == "18446744073709551616"
    assert_survives_parquet(frame)
    assert to_arrow(frame).schema.names == list(frame)


@pytest.mark.parametrize(
    ("first", "second", "cells"),
    [
        ("1", '"x"', ["1", "x"]),
        ("1", "1.50", [1.0, 1.5]),
        ("503.10", '"x"', ["503.10", "x"]),
        ("1e20", "[1]", ["1e20", "[1]"]),
        ("true", "1", ["true", "1"]),
        ("true", '"x"', ["true", "x"]),
        ("9007199254740993", "1.50", ["9007199254740993", "1.50"]),
        ("9007199254740992", "1.50", [9007199254740992.0, 1.5]),
        ("1", "1e999", ["1", "1e999"]),
        ("1.5", "NaN", ["1.5", "NaN"]),
        ("1", str(2**64), ["1", str(2**64)]),
        ("null", "1", [None, 1]),
        ("1.50", "null", [1.5, None]),
        ("null", "null", [None, None]),
        ("null", "true", [None, True]),
        ("null", '{"a": 1}', [None, '{"a": 1}']),
        ('"\\ud800"', "1", ["\\ud800", "1"]),
    ],
)
def test_an_unknown_field_comes_out_alike_from_one_batch_and_from_two(first, second, cells):
    records = [record(MINING_SITES, more=decode_json(text)) for text in (first, second)]
    frame, _ = warned(MINING_SITES, records)
    with mock.patch.object(frame_module, "_BATCH_ROWS", 1):
        split, _ = warned(MINING_SITES, records)
    assert_same(split, frame)
    assert [None if pd.isna(cell) else cell for cell in frame["more"]] == cells


def test_names_that_are_taken_get_an_underscore():
    change = {"longitude": "x", "longitude_": "y"}
    frame, (message,) = warned(MINING_LICENSES, [record(MINING_LICENSES, **change)])
    assert facts(frame)["unknown_fields"] == ["longitude_", "longitude__"]
    assert frame["longitude_"].tolist() == ["x"]
    assert frame["longitude__"].tolist() == ["y"]
    assert "longitude__" in message


def test_two_sources_of_one_name_stay_apart():
    place = {**record(MINING_SITE)["location"], "district": "nested"}
    both = record(MINING_SITE, location_district="beside", location=place)
    frame, _ = warned(MINING_SITE, [both])
    assert frame["location_district"].tolist() == ["nested"]
    assert frame["location_district_"].tolist() == ["beside"]
    only = [record(MINING_SITE, location_district="beside"), record(MINING_SITE, location=place)]
    frame, _ = warned(MINING_SITE, only)
    with mock.patch.object(frame_module, "_BATCH_ROWS", 1):
        split, _ = warned(MINING_SITE, only)
    assert_same(split, frame)
    assert frame["location_district_"].notna().tolist() == [True, False]


@pytest.mark.parametrize(
    "name", ["", " ", "a.b", "\0", "unit\0", "caf\u00e9", "__index_level_0__", "\ud800"]
)
def test_any_name_can_be_a_column(name):
    frame, _ = warned(MINING_SITES, [record(MINING_SITES, **{name: "x"})])
    assert frame.iloc[:, -1].tolist() == ["x"]
    assert list(frame.columns[-1:]) == facts(frame)["unknown_fields"]
    assert_survives_parquet(frame)


def test_fields_left_out_on_purpose_are_no_further_columns():
    whole = record(MINING_LICENSE_AUCTION, phases=[{"order": 1}], participants=None)
    assert_shape(built(MINING_LICENSE_AUCTION, [whole], strict=True), MINING_LICENSE_AUCTION)
    participant = record(MINING_LICENSE_AUCTION_PARTICIPANTS, email="someone@example.org")
    frame = built(MINING_LICENSE_AUCTION_PARTICIPANTS, [participant], strict=True)
    assert "example.org" not in frame.to_csv() + json.dumps(frame.attrs)


def test_absent_fields_are_missing_and_named_once():
    records = [record(MINING_SITE) for _ in range(3)]
    for whole in records[1:]:
        del whole["location"]
    del records[2]["unit"]
    frame, (message,) = warned(MINING_SITE, records)
    assert_shape(frame, MINING_SITE)
    assert facts(frame)["missing_fields"] == ["location", "unit"]
    assert "location (2 rows)" in message
    assert "unit (1 rows)" in message
    for name in ("province", "longitude"):
        assert frame[name].isna().tolist() == [False, True, True]


@pytest.mark.parametrize("dataset", ALL)
def test_records_without_any_field(dataset):
    frame, (message,) = warned(dataset, [{}, {}])
    assert_shape(frame, dataset)
    assert frame.isna().all(axis=None)
    assert facts(frame)["missing_fields"] == sorted(dataset.fields)
    assert "(2 rows)" in message


def test_absent_everywhere_and_unknown_beside_it():
    whole = record(MINING_SITES, extra=1)
    del whole["unit"]
    frame, messages = warned(MINING_SITES, [whole] * 2)
    assert len(messages) == 2
    assert facts(frame)["missing_fields"] == ["unit"]
    assert frame["extra"].tolist() == [1, 1]


# Locations


def test_locations_of_licences_become_four_columns():
    point = {"type": "Point", "coordinates": [117.25, -8.5]}
    high = {"type": "Point", "coordinates": [117.25, -8.5, 640]}
    swapped = {"type": "Point", "coordinates": [-8.5, 117.25]}
    empty = {"type": "Polygon", "coordinates": []}
    values = ["Kabupaten Contoh", None, point, high, swapped, empty]
    frame, (message,) = warned(
        MINING_LICENSES, [record(MINING_LICENSES, location=value) for value in values]
    )
    assert frame["location"].notna().tolist() == [True] + [False] * 5
    assert frame["longitude"].tolist()[2:4] == [117.25, 117.25]
    assert frame["latitude"].isna().tolist() == [True, True, False, False, True, True]
    assert frame["location_geojson"].notna().tolist() == [False, False, False, True, True, True]
    assert json.loads(frame["location_geojson"][3]) == high
    assert [p["row"] for p in facts(frame)["problems"]] == [4, 5]
    assert "2 value(s)" in message
    assert_survives_parquet(frame)


def test_a_geometry_keeps_the_digits_that_it_came_with():
    text = '{"type": "Point", "coordinates": [117.10, -8.123456789012345678901, 0.0]}'
    frame = built(MINING_LICENSES, sent(location=text), strict=True)
    assert frame["location_geojson"].tolist() == [text]


def test_a_site_s_place_becomes_columns_in_their_places():
    place = {"province": None, "city": "Kota", "latitude": "-3.5", "longitude": 200, "zone": 51}
    records = [record(MINING_SITE), record(MINING_SITE, location=place)]
    frame, messages = warned(MINING_SITE, [*records, record(MINING_SITE, location=None)])
    assert_shape(frame, MINING_SITE)
    assert frame["province"].tolist() == ["P", pd.NA, pd.NA]
    assert frame["latitude"].tolist()[:2] == [-3.5, -3.5]
    assert frame["longitude"].isna().tolist() == [False, True, True]
    assert frame["location_zone"].tolist() == [pd.NA, 51, pd.NA]
    (problem,) = facts(frame)["problems"]
    assert (problem["row"], problem["column"], problem["raw"]) == (1, "longitude", "200")
    assert len(messages) == 2


# Batches


def many(count, **changes):
    return [record(MINING_LICENSES, wiup_code=f"{row:05}", **changes) for row in range(count)]


def test_batches_do_not_show():
    records = many(7_500)
    records[6_123]["licensed_area_ha"] = "n/a"
    records[6_123]["later"] = "x"
    records[10]["later"] = 503
    records[3_000]["later"] = 1.5
    del records[7_000]["cnc"]
    for row in range(0, 7_500, 500):
        records[row] = dict(reversed(records[row].items()))
    whole, messages = warned(MINING_LICENSES, records)
    (problem,) = facts(whole)["problems"]
    assert (problem["row"], problem["key"]) == (6_123, {"wiup_code": "06123"})
    assert facts(whole)["missing_fields"] == ["cnc"]
    assert whole.loc[[10, 3_000, 6_123], "later"].tolist() == ["503", "1.5", "x"]
    assert len(messages) == 3
    for size in (30, 2_999, 3_001, 7_499):
        builder = FrameBuilder(MINING_LICENSES)
        for start in range(0, 7_500, size):
            builder.add(iter(records[start : start + size]))
            assert len(builder) == min(start + size, 7_500)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            split = builder.frame(Provenance())
        assert_same(split, whole)
        assert [str(entry.message) for entry in caught] == messages


def test_order_picks_rows():
    records = many(6_500)
    for row in (5, 3_100, 6_400):
        records[row]["licensed_area_ha"] = f"bad {row}"
    order = [6_400, 1, 3_100, 6_499]
    frame, (message,) = warned(MINING_LICENSES, records, order=order)
    assert_shape(frame, MINING_LICENSES)
    assert frame["wiup_code"].tolist() == ["06400", "00001", "03100", "06499"]
    found = [(p["row"], p["key"]["wiup_code"], p["raw"]) for p in facts(frame)["problems"]]
    assert found == [(0, "06400", "bad 6400"), (2, "03100", "bad 3100")]
    assert "2 value(s)" in message
    assert_survives_parquet(frame)


def test_order_may_name_a_row_twice():
    records = many(3)
    records[1]["licensed_area_ha"] = "?"
    frame, _ = warned(MINING_LICENSES, records, order=[1, 0, 1])
    assert [p["row"] for p in facts(frame)["problems"]] == [0, 2]


def test_a_builder_can_go_on_after_a_frame():
    builder = FrameBuilder(MINING_LICENSES)
    builder.add(many(2))
    assert len(builder.frame(Provenance())) == 2
    builder.add(many(1))
    builder.add([])
    assert len(builder) == 3
    assert builder.frame(Provenance())["wiup_code"].tolist() == ["00000", "00001", "00000"]


def test_the_records_are_not_changed():
    records = [record(MINING_SITE, extra={"a": 1})]
    before = json.dumps(records)
    warned(MINING_SITE, records)
    assert json.dumps(records) == before


# Warnings


def called_from(module, function, *arguments):
    """Call a function from a frame that says it belongs to a module."""
    space = {"__name__": module, "function": function, "arguments": arguments}
    return eval("function(*arguments)", space)


@pytest.mark.parametrize("module", ["sectorsdf.client", "sectorsdf"])
def test_a_warning_points_at_the_line_outside_the_package(module):
    builder = FrameBuilder(MINING_SITES)
    builder.add([record(MINING_SITES, extra=1)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        called_from(module, builder.frame, Provenance())
    (entry,) = caught
    # The helper is this file's, but its caller's name is the package's.
    assert entry.filename == __file__
    assert entry.lineno == called_from.__code__.co_firstlineno + 3
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = sys._getframe().f_lineno + 1
        builder.frame(Provenance())
    assert [(entry.filename, entry.lineno) for entry in caught] == [(__file__, line)]


@pytest.mark.parametrize("module", ["sectorsdf_plus", "mysectorsdf", "__main__"])
def test_a_module_of_a_like_name_is_outside(module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        called_from(module, warn, "look")
    assert [(entry.filename, str(entry.message)) for entry in caught] == [("<string>", "look")]


# Any JSON at all: every cell is told by a second reading of the same text.


class Token(str):
    """A number of a JSON text, as it stood there."""

    __slots__ = ()


LOST = object()
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NOT_NUMBERS = {"NaN", "Infinity", "-Infinity"}


def read(text):
    return json.loads(text, parse_int=Token, parse_float=Token, parse_constant=Token)


def written(value):
    """The JSON text of a value whose numbers are tokens."""
    if isinstance(value, Token):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {written(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def escaped(text):
    return text.encode(errors="backslashreplace").decode()


def told(value):
    """What the report says that the API sent."""
    if isinstance(value, str):
        return escaped(value)
    return value if value is None else written(value)


def same(text, value):
    """Tell whether a raw text is the value, apart from how its JSON is spaced."""
    if isinstance(value, str) or value is None:
        return text == told(value)
    return alike(read(text)) == alike(value)


def alike(value):
    """The value for comparing: a number is told from a text, unless no JSON number could be."""
    if isinstance(value, list):
        return [alike(entry) for entry in value]
    if isinstance(value, dict):
        return {key: alike(entry) for key, entry in value.items()}
    if isinstance(value, Token) and value not in NOT_NUMBERS:
        return ("number", str(value))
    return value


def exact(text):
    """The number that a text says, or None; far exponents are nobody's whole number."""
    plain = text.lower().split("e")
    if len(plain) == 2 and len(plain[1].lstrip("+-")) > 3:
        return None
    return Fraction(text)


def is_json_number(value):
    try:
        return isinstance(read(value), Token) and read(value) not in NOT_NUMBERS
    except ValueError:
        return False


def expected(value, kind):
    """What a cell has to be; LOST where its type cannot hold it."""
    if value is None:
        return None
    number = isinstance(value, str) and value == value.strip() and is_json_number(value)
    if kind == "text":
        fits = isinstance(value, str) and (number or not isinstance(value, Token))
        return str(value) if fits and escaped(value) == value else LOST
    if kind == "flag":
        return value if isinstance(value, bool) else LOST
    if kind == "date":
        if not isinstance(value, str) or not DAY.fullmatch(value):
            return LOST
        try:
            return pd.Timestamp(date.fromisoformat(value))
        except ValueError:
            return LOST
    if not number:
        return LOST
    if kind == "number":
        found = float(value)
        whole = value.lstrip("-").isdigit()
        fits = abs(found) != float("inf") and (not whole or Fraction(value) == found)
        return found if fits else LOST
    if not isinstance(value, Token) and not value.lstrip("-").isdigit():
        return LOST
    found = exact(value)
    fits = found is not None and found.denominator == 1 and -(2**63) <= found < 2**63
    return int(found) if fits else LOST


def check_cell(frame, problems, row, column, kind, value):
    """The cell is the value, or missing and reported."""
    cell = frame[column].iloc[row]
    reported = problems.pop((row, column), None)
    if kind == "json":
        assert reported is None
        assert pd.isna(cell) if value is None else alike(read(cell)) == alike(value)
        return
    wanted = expected(value, kind)
    if wanted is None or wanted is LOST:
        assert pd.isna(cell)
        assert (reported is None) == (wanted is None)
        assert reported is None or same(reported, value)
    else:
        assert cell == wanted
        assert reported is None


def check_licence_location(frame, problems, row, value):
    text, longitude, latitude, whole = (
        None if pd.isna(frame[name].iloc[row]) else frame[name].iloc[row]
        for name in ("location", "longitude", "latitude", "location_geojson")
    )
    reports = [problems.pop((row, name), None) for name in ("location", "longitude")]
    reported = next((entry for entry in reports if entry is not None), None)
    if reported is not None:
        assert same(reported, value)
        assert text is longitude is latitude is None
    elif value is None:
        assert text is longitude is latitude is whole is None
    elif isinstance(value, str):
        assert text == value
    elif whole is not None:
        assert longitude is not None
        assert alike(read(whole)) == alike(value)
    else:
        assert value.keys() == {"type", "coordinates"}
        assert value["type"] == "Point"
        assert [float(token) for token in value["coordinates"]] == [longitude, latitude]


def check_site_place(frame, problems, row, value, further):
    if value is not None and not isinstance(value, dict):
        assert same(problems.pop((row, "location")), value)
        value = None
    value = value or {}
    for name, kind in (
        ("province", "text"),
        ("city", "text"),
        ("latitude", "number"),
        ("longitude", "number"),
    ):
        cell = value.get(name)
        bound = {"latitude": 90, "longitude": 180}.get(name)
        wanted = expected(cell, kind)
        if bound and isinstance(wanted, float) and not -bound <= wanted <= bound:
            assert pd.isna(frame[name].iloc[row])
            assert same(problems.pop((row, name)), cell)
        else:
            check_cell(frame, problems, row, name, kind, cell)
    for name, column in further.items():
        check_further(frame[column], row, value.get(name))


def check_texts(frame, problems, row, column, value):
    """The cell of a list of texts, and the flags of the texts that have one."""
    texts = [value] if type(value) is str else value
    flags = {n: n.replace("_", " ") for n in frame.columns if n in COMMODITY_FLAGS}
    fits = isinstance(texts, list) and all(type(text) is str for text in texts)
    joined = None
    if fits:
        quoted = [json.dumps(t, ensure_ascii=False) if {",", '"'} & set(t) else t for t in texts]
        joined = ", ".join(quoted) or None
    cell, reported = frame[column].iloc[row], problems.pop((row, column), None)
    if joined is not None and escaped(joined) == joined:
        assert cell == joined
        assert reported is None
    else:
        assert pd.isna(cell)
        assert (reported is None) == (value is None or (fits and joined is None))
    if column == "commodity_types":
        for name, text in flags.items():
            due = text in [t.casefold() for t in texts] if fits else None
            flag = frame[name].iloc[row]
            assert pd.isna(flag) if due is None else bool(flag) is due


def check_further(column, row, value):
    cell = column.iloc[row]
    if value is None:
        assert pd.isna(cell)
    elif column.dtype == pd.StringDtype():
        assert same(cell, value) or cell == told(value)
    elif column.dtype == pd.BooleanDtype():
        assert cell is value or bool(cell) is value
    else:
        assert isinstance(value, Token)
        assert cell == float(value)
        if column.dtype == pd.Int64Dtype() or value.lstrip("-").isdigit():
            assert int(cell) == int(value)


tokens = st.one_of(
    st.sampled_from(
        [
            *["0", "-0", "7", "503.10", "1e20", "1E-7", "1e-999", "110.25", "-7.5"],
            *["1e999", "-1e999", "NaN", "Infinity", "-Infinity"],
            *["9007199254740992", "9007199254740993", "9007199254740993.0"],
            *["9223372036854775807", "9223372036854775808", "-9223372036854775809"],
            *["18446744073709551616", "4.00000000000000000001"],
        ]
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
).map(Token)
texts = st.one_of(
    st.sampled_from(
        [
            "2024-02-29",
            "2025-02-30",
            "0000-01-01",
            "1,500.5",
            "n/a",
            "NaN",
            "74.50",
            "12",
            "-95.5",
            "9007199254740993",
            "\ud800",
            "",
        ]
    ),
    st.text(st.characters(exclude_categories=()), max_size=5),
)
leaves = st.none() | st.booleans() | tokens | texts
values = leaves | st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
degrees = st.sampled_from([Token("110.250"), Token("-7.5"), Token("0"), Token("117")])
positions = st.lists(degrees, min_size=2, max_size=3) | st.lists(tokens, max_size=3)
geometries = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Point", "Point", "Polygon", "GeometryCollection", "Feature"]),
        "coordinates": positions | st.lists(positions, max_size=2) | values,
    },
    optional={"bbox": values, "geometry": values},
)
places = st.dictionaries(
    st.sampled_from(["province", "city", "latitude", "longitude", "x", "y"]), values, max_size=4
)
names = st.sampled_from(["more", "longitude", "longitude_", "location_x", "province"]) | texts


@st.composite
def answers(draw):
    """A dataset and the records of an answer to it, numbers as tokens."""
    dataset = draw(st.sampled_from(list(DATASETS.values())))
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        default = draw(st.sampled_from(["full", "null", "absent"]))
        row = {}
        if default != "absent":
            row = read(json.dumps(record(dataset)))
        if default == "null":
            row = dict.fromkeys(row)
        row.update(draw(st.dictionaries(st.sampled_from(dataset.fields) | names, values)))
        if "location" in dataset.fields and draw(st.booleans()):
            shapes = places if dataset is MINING_SITE else geometries | values
            row["location"] = draw(shapes)
        for name in draw(st.lists(st.sampled_from(dataset.fields), max_size=2)):
            row.pop(name, None)
        rows.append(row)
        if draw(st.booleans()):
            rows[-1] = dict(reversed(row.items()))
    return dataset, rows


unhurried = settings(
    deadline=None,
    max_examples=examples(),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@unhurried
@given(answers())
def test_any_answer_comes_out_in_shape_and_whole(answer):
    dataset, rows = answer
    if dataset is MINING_SITE:
        # A geometry in this place is the flattener's own matter.
        for row in rows:
            if isinstance(row.get("location"), dict):
                row["location"].pop("type", None)
    frame, messages = warned(dataset, decode_json(written(rows)))
    assert_shape(frame, dataset)
    assert len(frame) == len(rows)
    assert_survives_parquet(frame)

    listed = facts(frame)["problems"]
    problems = {(entry["row"], entry["column"]): entry["raw"] for entry in listed}
    assert len(problems) == len(listed)
    assert [entry["row"] for entry in listed] == sorted(entry["row"] for entry in listed)
    for entry in listed:
        key = frame.loc[entry["row"], list(dataset.key)]
        assert entry["key"] == {k: None if pd.isna(v) else str(v) for k, v in key.items()}

    known = {*dataset.fields, *dataset.nested}
    beside = list(dict.fromkeys(name for row in rows for name in row if name not in known))
    inside = []
    if dataset is MINING_SITE:
        objects = [row["location"] for row in rows if isinstance(row.get("location"), dict)]
        inside = list(dict.fromkeys(name for value in objects for name in value))
        inside = [n for n in inside if n not in {"province", "city", "latitude", "longitude"}]
    further = list(frame.columns[len(dataset.columns) :])
    assert facts(frame)["unknown_fields"] == further
    assert len(further) == len(inside) + len(beside)
    absent = {name for name in dataset.fields if any(name not in row for row in rows)}
    assert facts(frame)["missing_fields"] == sorted(absent)
    assert len(messages) == bool(listed) + bool(further) + bool(absent)

    for row, whole in enumerate(rows):
        for column in dataset.columns:
            if column.source not in dataset.nested or column.name == "resources_reserves":
                value = whole.get(column.source)
                check_cell(frame, problems, row, column.name, column.kind, value)
        for field, flattener in dataset.nested.items():
            if flattener in LISTS_OF_TEXTS:
                texts = LISTS_OF_TEXTS[flattener]
                check_texts(frame, problems, row, texts, whole.get(field))
        if dataset is MINING_SITE:
            # The figures are read from the JSON, which stands whole beside them.
            for column in dataset.columns:
                if column.source == "resources_reserves":
                    problems.pop((row, column.name), None)
            place = dict(zip(inside, further, strict=False))
            check_site_place(frame, problems, row, whole.get("location"), place)
        elif "location" in dataset.nested:
            check_licence_location(frame, problems, row, whole.get("location"))
        for name, column in zip(beside, further[len(inside) :], strict=True):
            check_further(frame[column], row, whole.get(name))
    assert problems == {}


@unhurried
@given(answers(), st.data())
def test_any_split_gives_the_same_frame_and_strict_the_same_error(answer, data):
    dataset, rows = answer
    records = decode_json(written(rows))
    frame, messages = warned(dataset, records)
    builder = FrameBuilder(dataset)
    size = data.draw(st.integers(1, 3), label="rows of a batch")
    with mock.patch.object(frame_module, "_BATCH_ROWS", size):
        start = 0
        while start < len(records):
            step = data.draw(st.integers(0, 3), label="records of an add()")
            builder.add(records[start : start + step])
            start += step
        if messages:
            with pytest.raises(DataError) as caught:
                builder.frame(Provenance(), strict=True)
            assert str(caught.value) == "; ".join(messages)
            split = caught.value.frame
        else:
            split = builder.frame(Provenance(), strict=True)
    assert_same(split, frame)
    if rows:
        order = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=4), label="order")
        chosen, _ = warned(dataset, records, order=order)
        taken = frame.take(order).reset_index(drop=True)
        assert_frame_equal(chosen, taken)
        wanted = [
            {**problem, "row": place}
            for place, row in enumerate(order)
            for problem in facts(frame)["problems"]
            if problem["row"] == row
        ]
        assert facts(chosen)["problems"] == wanted
