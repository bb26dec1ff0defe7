"""Contenders that make a typed frame of records that are already in memory.

Each takes a number of rows or sites, and returns the number of rows of its frame. The records are
made by `prepare`, before the time starts.
"""

from __future__ import annotations

import importlib
import json
from functools import cache

import pandas as pd
import pyarrow as pa
from server import PAGE, Rows

from sectorsdf.client.parsing import parse_page
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.flatten import license_location
from sectorsdf.frames.provenance import Provenance
from sectorsdf.frames.resources import resources_frame
from sectorsdf.paging.index import RowIndex
from sectorsdf.sandbox.sample import Sample

DAYS = ("license_effective_date", "license_expiry_date")
BATCH = 3_000
_TEXT = pd.StringDtype()


def prepare(contender, *, rows=None, sites=None):
    """Make the records, or the pages, that a contender will read."""
    if contender in (identify_ours, identify_nothing):
        _pages(rows)
    elif rows is not None:
        _records(rows)
    if sites is not None:
        _sites(sites)


@cache
def _records(rows):
    return Rows(rows).records()


def normalized(records):
    """Type records as most scripts do."""
    frame = pd.json_normalize(records)
    for name in DAYS:
        frame[name] = pd.to_datetime(frame[name])
    for name in frame.columns.difference([*DAYS, "licensed_area_ha", "location.coordinates"]):
        frame[name] = frame[name].astype("string")
    frame["licensed_area_ha"] = frame["licensed_area_ha"].astype("float64")
    return frame


def _hand_batch(records, schema):
    columns = {name: [record[name] for record in records] for name in records[0]}
    location = license_location(columns.pop("location")).columns
    geojson = [value and json.dumps(value) for value in location["location_geojson"]]
    columns.update(location, location_geojson=geojson)
    arrays = []
    for field in schema:
        is_day = pa.types.is_date(field.type)
        array = pa.array(columns[field.name], pa.string() if is_day else field.type)
        arrays.append(array.cast(pa.date32()).cast("timestamp[us]") if is_day else array)
    return arrays


def by_hand(records):
    """Type records column by column in batches, for this one dataset and without any check."""
    schema = MINING_LICENSES.schema
    tables = []
    for start in range(0, len(records), BATCH):
        arrays = _hand_batch(records[start : start + BATCH], schema)
        tables.append(pa.Table.from_arrays(arrays, schema.names))
    return pa.concat_tables(tables).to_pandas(types_mapper={pa.string(): _TEXT}.get)


def type_ours(rows):
    """Type records, and report every value that does not fit."""
    records = _records(rows)
    builder = FrameBuilder(MINING_LICENSES)
    for start in range(0, rows, PAGE):
        builder.add(records[start : start + PAGE])
    return len(builder.frame(Provenance(), order=range(rows)))


def type_by_hand(rows):
    """Type records by hand in batches."""
    return len(by_hand(_records(rows)))


def type_normalize(rows):
    """Type records by json_normalize and casts."""
    return len(normalized(_records(rows)))


def type_polars(rows):
    """Type records by polars.from_dicts, casts, and to_pandas."""
    polars = importlib.import_module("polars")
    flat = [
        {**record, "location": location if isinstance(location, str) else json.dumps(location)}
        for record in _records(rows)
        for location in [record["location"]]
    ]
    frame = polars.from_dicts(flat, infer_schema_length=None)
    frame = frame.with_columns(polars.col(name).str.to_date() for name in DAYS)
    return len(frame.to_pandas())


# The identities of rows


@cache
def _bodies(rows):
    made = Rows(rows)
    return [made.page(start) for start in range(0, rows, PAGE)]


@cache
def _pages(rows):
    return [parse_page(body) for body in _bodies(rows)]


def identified(rows, fields):
    """Give each row of each page its identity, and note the values of some fields."""
    index = RowIndex(fields, lambda _: None)
    for page in _pages(rows):
        index.add_page(page)
    return len(index)


def identify_ours(rows):
    """Give each row of each page its identity, as a sweep does."""
    return identified(rows, MINING_LICENSES.key)


def identify_nothing(rows):
    """Read the JSON of the same pages alone."""
    return sum(len(json.loads(body)["results"]) for body in _bodies(rows))


# Resources and reserves of sites


@cache
def _sites(count):
    return Sample(2026, {"mining_sites": count})["mining_sites"]


def tidy_ours(sites):
    """Make the tidy table of resources and reserves."""
    return len(resources_frame(_sites(sites), Provenance(), strict=False))


def tidy_melt(sites):
    """Make a long table by json_normalize and melt: a row for each key, without its meaning."""
    records = [r for r in _sites(sites) if isinstance(r["resources_reserves"], dict)]
    wide = pd.json_normalize(records)
    figures = [name for name in wide.columns if name.startswith("resources_reserves.")]
    keys = ["slug", "name", "year", "commodity_type", "company_slug", "company_name"]
    return len(wide.melt(keys, figures).dropna(subset=["value"]))
