"""The frames that are due, worked out in plain Python by code that shares nothing with the package.

Records are dicts as the detail endpoint answers them. What stands here was written from the
provider's documentation: columns, types, what each filter selects, how each list is sorted.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pandas as pd

DTYPES = {
    "text": pd.StringDtype(),
    "day": "datetime64[us]",
    "number": "float64",
    "whole": pd.Int64Dtype(),
    "flag": pd.BooleanDtype(),
}
LICENSES = {
    "wiup_code": "text",
    "license_number": "text",
    "license_type": "text",
    "province": "text",
    "city": "text",
    "license_effective_date": "day",
    "license_expiry_date": "day",
    "activity": "text",
    "licensed_area_ha": "number",
    "location": "text",
    "longitude": "number",
    "latitude": "number",
    "location_geojson": "text",
    "commodity_type": "text",
    "company_name": "text",
    "cnc": "text",
    "generation": "text",
    "company_slug": "text",
}
AUCTIONS = {
    "commodity_type": "text",
    "city": "text",
    "province": "text",
    "company_name": "text",
    "winner_date": "day",
    "licensed_area_ha": "number",
    "license_number": "text",
    "area_type": "text",
    "kdi": "whole",
    "wiup_code": "text",
    "auction_status": "text",
    "participant_count": "whole",
    "winner": "flag",
    "company_slug": "text",
}
AUCTION = {**AUCTIONS, "created_at": "day", "last_modified": "day"}
PHASES = {
    "wiup_code": "text",
    "order": "whole",
    "description": "text",
    "start_date": "day",
    "end_date": "day",
}
PARTICIPANTS = {
    "wiup_code": "text",
    "NIB": "text",
    "company_name": "text",
    "qualification_result": "text",
}
SITES = {
    "name": "text",
    "project_name": "text",
    "year": "whole",
    "commodity_type": "text",
    "production_volume": "number",
    "unit": "text",
    "strip_ratio": "number",
    "province": "text",
    "city": "text",
    "company_slug": "text",
    "company_name": "text",
    "slug": "text",
}
SITE = {
    **SITES,
    "overburden_removal_volume": "number",
    "latitude": "number",
    "longitude": "number",
    "measurement_year": "whole",
    "proven_reserves": "number",
    "probable_reserves": "number",
    "total_reserves": "number",
    "measured_resources": "number",
    "indicated_resources": "number",
    "inferred_resources": "number",
    "total_resources": "number",
    "tonnage_unit": "text",
    "calorific_value_min": "number",
    "calorific_value_max": "number",
    "resources_reserves": "text",
}
TONNAGES = [
    *("proven_reserves", "probable_reserves", "total_reserves"),
    *("measured_resources", "indicated_resources", "inferred_resources", "total_resources"),
]
# What a row of the list has of a site beyond the list's own columns, the place apart.
FIGURES = [name for name in SITE if name not in {*SITES, "latitude", "longitude"}]
FILES = {
    "licenses": "mining_licenses",
    "auctions": "mining_license_auctions",
    "sites": "mining_sites",
}
LISTS = {"licenses": LICENSES, "auctions": AUCTIONS, "sites": SITES}
SORTS = {
    "licenses": (
        "license_expiry_date",
        ("license_expiry_date", "license_effective_date", "licensed_area_ha", "commodity_type"),
    ),
    "auctions": (
        "-winner_date",
        ("winner_date", "licensed_area_ha", "participant_count", "commodity_type"),
    ),
    "sites": ("-year", ("year", "production_volume", "strip_ratio")),
}


def read_lines(path):
    """Return the records of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# What a record is as a row


def license_row(record):
    """Return the row of a licence."""
    place = record["location"]
    row = {**record, "longitude": None, "latitude": None, "location_geojson": None}
    if isinstance(place, dict):
        row["location"] = None
        row["longitude"], row["latitude"] = place["coordinates"]
    return row


def auction_row(record):
    """Return the row of an auction: its price is a text of digits."""
    return {**record, "kdi": None if record["kdi"] is None else int(record["kdi"])}


def phase_rows(record):
    """Return the rows of an auction's phases."""
    return [{**phase, "wiup_code": record["wiup_code"]} for phase in record["phases"]]


def participant_rows(record):
    """Return the rows of an auction's participants."""
    return [{**item, "wiup_code": record["wiup_code"]} for item in record["participants"]]


def tonnages(given):
    """Return the tonnages of ore or coal and the calorific value that a site gives."""
    found = dict.fromkeys(["measurement_year", *TONNAGES])
    unit, heat = "Mt", {}
    layers = []
    if isinstance(given, list):
        for item in given:
            found["_".join(item["category"].lower().split())] = item["volume"]
            assert item["unit"] == unit
    elif given is not None:
        found["measurement_year"] = given["measurement_year"]
        heat = given.get("calorific_value_kcal") or {}
        layers = [given[name] for name in ("limonite", "saprolite") if name in given]
        for name in TONNAGES:
            found[name] = given.get(f"{name}_Mt")
    if layers:
        known = [name for layer in layers for name, value in layer.items() if value is not None]
        wet = {"total_reserves_wmt", "total_resources_wmt"} & set(known)
        unit = "wmt" if wet else "dmt"
        for name in ("total_reserves", "total_resources"):
            parts = [layer[f"{name}_{unit}"] for layer in layers]
            found[name] = None if None in parts else sum(parts)
    told = any(found[name] is not None for name in TONNAGES)
    return {
        **found,
        "tonnage_unit": unit if told else None,
        "calorific_value_min": heat.get("min"),
        "calorific_value_max": heat.get("max"),
    }


def site_row(record):
    """Return the row of a site."""
    place = record["location"] or {}
    names = ("province", "city", "latitude", "longitude")
    return {
        **record,
        **{name: place.get(name) for name in names},
        **tonnages(record["resources_reserves"]),
    }


def row_of(kind, record):
    """Return the row of a record of a list."""
    return {"licenses": license_row, "auctions": auction_row, "sites": site_row}[kind](record)


def site_rows_with_details(listed, everything):
    """Return listed sites with what the detail endpoint knows, and the places of those without.

    That endpoint answers one record for a slug: the first of the latest year, and none where it
    lies abroad.
    """
    rows, lacking = [], []
    for place, record in enumerate(listed):
        namesakes = [other for other in everything if other["slug"] == record["slug"]]
        latest = max(other["year"] for other in namesakes)
        answer = next(other for other in namesakes if other["year"] == latest)
        row = site_row(record)
        own = answer is record
        if site_row(answer)["province"] is None:
            answer = own = None
        if not own:
            row.update(dict.fromkeys(FIGURES))
            lacking.append(place)
        same_place = answer is not None and all(
            site_row(answer)[name] == row[name] for name in ("company_slug", "province", "city")
        )
        row["latitude"] = site_row(answer)["latitude"] if same_place else None
        row["longitude"] = site_row(answer)["longitude"] if same_place else None
        rows.append(row)
    return rows, lacking


# Small records


def licence(**changes):
    """Return a small licence."""
    record = {
        "wiup_code": "1234567890123456",
        "license_number": "1/CTH/2020",
        "license_type": "IUP",
        "province": "Aceh",
        "city": "Contoh 1",
        "license_effective_date": "2020-01-31",
        "license_expiry_date": "2030-01-30",
        "activity": "Eksplorasi",
        "licensed_area_ha": 12.5,
        "location": "Contoh",
        "commodity_type": "Coal",
        "company_name": "PT Contoh",
        "cnc": None,
        "generation": None,
        "company_slug": None,
    }
    return {**record, **changes}


def auction(**changes):
    """Return an auction of which little is known."""
    record = dict.fromkeys(AUCTION) | {"wiup_code": "1234567890123456", "kdi": "1000"}
    return {**record, "phases": [], "participants": [], **changes}


def site(**changes):
    """Return a small site."""
    record = {
        "name": "Contoh",
        "project_name": None,
        "year": 2024,
        "commodity_type": "Coal",
        "production_volume": None,
        "unit": "Mt",
        "overburden_removal_volume": 12.5,
        "strip_ratio": None,
        "resources_reserves": None,
        "location": {"province": "Aceh", "city": "Contoh", "latitude": 4.5, "longitude": 96.0},
        "company_slug": "pt-contoh",
        "company_name": "PT Contoh",
        "slug": "contoh",
    }
    return {**record, **changes}


# What a filter selects


def folded(value):
    """Return a text without its case, and anything else as no text."""
    return value.casefold() if isinstance(value, str) else None


def clear_and_clean(record, wanted):
    """Tell whether a licence has a status, by its text or as a flag."""
    status = folded(record["cnc"])
    if isinstance(wanted, bool):
        return (status is not None and status.startswith("cnc")) is wanted
    return status == folded(wanted)


def took_part(record, name, *, passed=False):
    """Tell whether a company took part in an auction, and passed."""
    return any(
        name.casefold() in (folded(item["company_name"]) or "")
        and (not passed or item["qualification_result"] == "Lolos")
        for item in record["participants"]
    )


def selects(kind, record, filters, today):
    """Tell whether all filters of a list select a record."""
    # A site's province lies one level deeper.
    row = {**record, "province": record["location"]["province"]} if kind == "sites" else record
    fields = {"company": "company_slug", "status": "auction_status"}
    exact = {"company", "year"} | ({"province"} if kind != "auctions" else set())
    for name, wanted in filters.items():
        held = row.get(fields.get(name, name))
        if name == "cnc":
            good = clear_and_clean(record, wanted)
        elif name == "expiring_soon":
            last = date.fromisoformat(row["license_expiry_date"]) if wanted else today
            good = today <= last <= today + timedelta(days=365)
        elif name == "participant":
            good = took_part(record, wanted, passed=filters.get("qualified", False))
        elif name == "qualified":
            good = True
        elif name == "min_participants":
            good = row["participant_count"] >= wanted
        elif name == "min_production":
            good = row["production_volume"] is not None and row["production_volume"] >= wanted
        elif name in exact:
            good = held == wanted
        else:
            good = held is not None and folded(held) == folded(wanted)
        if not good:
            return False
    return True


def in_order(kind, records, order=None):
    """Sort as the list does: nulls last, and so first when descending; ties as they stand."""
    order = order or SORTS[kind][0]
    name, descending = order.lstrip("-"), order.startswith("-")
    known = [record for record in records if record[name] is not None]
    unknown = [record for record in records if record[name] is None]
    known.sort(key=lambda record: record[name], reverse=descending)
    return unknown + known if descending else known + unknown


def answer(kind, records, filters, today=None):
    """Return the records that a call selects, in its order."""
    filters = {name: value for name, value in filters.items() if value is not None}
    order, most = filters.pop("order_by", None), filters.pop("max_rows", None)
    found = [record for record in records if selects(kind, record, filters, today)]
    return in_order(kind, found, order)[:most]


# How a frame is compared


def cell(kind, value):
    """Return the value that a frame has to hold."""
    if value is None:
        return None
    if kind == "day":
        return datetime.fromisoformat(value)
    if kind == "number":
        return float(value)
    return value


def held(kind, value):
    """Return the value that a frame holds, None where it is missing."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value.to_pydatetime() if kind == "day" else value


def check_shape(frame, columns):
    """Assert that columns, their order and their types are the declared ones."""
    assert list(frame.columns) == list(columns)
    for name, kind in columns.items():
        assert frame[name].dtype == DTYPES[kind], f"{name} is {frame[name].dtype}"
    assert isinstance(frame.index, pd.RangeIndex)
    assert (frame.index.start, frame.index.step) == (0, 1)


def check(frame, rows, columns, what=""):
    """Assert that a frame has these rows, each value of the right type; return how many values."""
    # pandas copies the attributes, however long, with every column that is looked at.
    frame = frame.copy(deep=False)
    frame.attrs = {}
    check_shape(frame, columns)
    assert len(frame) == len(rows), f"{len(frame)} rows, not {len(rows)} {what}"
    for name, kind in columns.items():
        for place, (found, row) in enumerate(zip(frame[name].tolist(), rows, strict=True)):
            value, due = held(kind, found), cell(kind, row[name])
            if name == "resources_reserves" and due is not None:
                # Its text keeps each number as it was written, and the order of its keys.
                value, due = json.dumps(json.loads(value)), json.dumps(due)
            same = value == due and type(value) is type(due)
            assert same, f"row {place}, {name}: {value!r}, not {due!r} {what}"
    return len(rows) * len(columns)


def check_same(one, other):
    """Assert that two frames are the same to the last attribute."""
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=True)
    assert one.columns.equals(other.columns)
    assert type(one.index) is type(other.index)
    assert one.attrs == other.attrs
