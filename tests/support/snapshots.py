"""Frames for the tests of snapshots: complete ones, and plain rows of them to compare."""

from __future__ import annotations

import json

import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance


def complete_frame(records, dataset="mining_licenses", *, fetched_at="2026-11-01T05:00:00+00:00"):
    """The frame of a getter that has fetched these records."""
    declared = DATASETS[dataset]
    builder = FrameBuilder(declared)
    builder.add(records)
    provenance = Provenance.of_call(declared, {}, host="https://api", source=None, credits=1)
    return builder.frame(provenance.updated(complete=True, fetched_at=fetched_at))


def plain(value):
    """A value as JSON has it: None if it is missing, a day as ISO text."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return value.item() if hasattr(value, "item") else value


def rows(frame, columns=None):
    """The rows as dicts of plain values, in an order that does not depend on that of the frame."""
    names = list(frame.columns) if columns is None else columns
    found = [
        dict(zip(names, map(plain, row), strict=True))
        for row in frame[names].itertuples(index=False, name=None)
    ]
    return sorted(found, key=_by_content)


def _by_content(row):
    return [(value is not None, 0 if value is None else value) for value in row.values()]


def apply_changes(old, changes, key):
    """The rows of `old` after the changes, as `rows` gives them."""
    kinds = {name: old[name].dtype for name in old.columns}
    by_key = {}
    for row in rows(old):
        by_key.setdefault(tuple(row[name] for name in key), []).append(row)
    removed = []
    added = []
    for change in changes.to_dict("records"):
        own = tuple(plain(change[name]) for name in key)
        if change["change"] == "added":
            added.append(dict.fromkeys(old.columns) | json.loads(change["new"]))
            continue
        row = by_key[own][change["occurrence"] - 1]
        if change["change"] == "removed":
            expected = {name: value for name, value in row.items() if value is not None}
            assert json.loads(change["old"]) == expected
            removed.append(row)
            continue
        name = change["column"]
        assert _value(change, "old", kinds[name]) == row[name]
        row[name] = _value(change, "new", kinds[name])
    left = [row for group in by_key.values() for row in group]
    for row in removed:
        left = [other for other in left if other is not row]
    return sorted(left + added, key=_by_content)


def _value(change, side, kind):
    """The value before or after a change, from the typed columns where there are any."""
    text = plain(change[side])
    if pd.api.types.is_datetime64_any_dtype(kind):
        assert plain(change[f"{side}_date"]) == text
        return text
    number = plain(change[f"{side}_number"])
    if pd.api.types.is_bool_dtype(kind):
        return None if text is None else text == "true"
    if pd.api.types.is_numeric_dtype(kind):
        assert (text is None) == (number is None)
        return number
    return text
