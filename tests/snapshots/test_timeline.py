"""What all snapshots of a dataset say together: changes with their days, and the history."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.snapshots import complete_frame, rows

from sectorsdf import snapshots
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError
from sectorsdf.frames.arrow import frame_digest
from sectorsdf.snapshots import timeline

QUICK = settings(max_examples=examples(0.4), deadline=None, suppress_health_check=[*HealthCheck])
NAME = "mining_licenses"


@pytest.fixture(scope="module")
def lake(tmp_path_factory, frames):
    """A root with a snapshot of each month; no test may change it."""
    root = tmp_path_factory.mktemp("timeline") / "lake"
    for day, frame in frames.items():
        snapshots.write(frame, root, date=day)
    return root


def at(history, day):
    """The rows of a day, of a history."""
    day = pd.Timestamp(day)
    now = (history["valid_from"] <= day) & (
        history["valid_to"].isna() | (history["valid_to"] > day)
    )
    return history[now].drop(columns=["valid_from", "valid_to"])


def mark(frame):
    """A frame that is not proved to be complete."""
    marked = frame.copy()
    marked.attrs["sectorsdf"] = {**frame.attrs["sectorsdf"], "complete": False}
    return marked


def test_changes_are_the_differences_of_one_month_and_the_next(lake, frames):
    found = snapshots.changes(lake, NAME)
    assert list(found.columns[:3]) == ["from_date", "to_date", "wiup_code"]
    expected = [
        (pd.Timestamp(a), pd.Timestamp(b), snapshots.diff(frames[a], frames[b]))
        for a, b in pairwise(frames)
    ]
    for start, end, changes in expected:
        part = found[(found["from_date"] == start) & (found["to_date"] == end)]
        pd.testing.assert_frame_equal(
            part.drop(columns=["from_date", "to_date"]).reset_index(drop=True), changes
        )
    assert len(found) == sum(len(changes) for *_, changes in expected)
    report = found.attrs["sectorsdf"]["changes"]
    assert report["snapshots"] == list(frames)
    assert (report["partial_snapshots"], report["unknown_removed"]) == ([], {})


def test_changes_of_a_time(lake, frames):
    days = list(frames)
    everything = snapshots.changes(lake, NAME)
    found = snapshots.changes(lake, NAME, since=days[2], until=days[3])
    expected = everything[everything["to_date"].isin(pd.to_datetime(days[2:4]))]
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))
    assert found.attrs["sectorsdf"]["changes"]["snapshots"] == days[1:4]
    for empty in (
        snapshots.changes(lake, NAME, until=days[0]),
        snapshots.changes(lake, NAME, until="2020-01-01"),
        snapshots.changes(lake, NAME, since="2030-01-01"),
    ):
        pd.testing.assert_frame_equal(empty, everything.head(0), check_index_type=False)


def test_the_history_of_a_day_is_the_snapshot_of_that_day(lake, frames):
    found = snapshots.history(lake, NAME)
    for day, frame in frames.items():
        pd.testing.assert_series_equal(at(found, day).dtypes, frame.dtypes)
        assert rows(at(found, day)) == rows(frame)
        # Between two snapshots, the rows are those of the earlier one.
        assert rows(at(found, pd.Timestamp(day) + pd.Timedelta(days=9))) == rows(frame)
    assert at(found, "2025-12-31").empty


def test_each_run_of_equal_content_is_there_once(lake, frames):
    found = snapshots.history(lake, NAME)
    assert len(found) < 1.5 * len(next(iter(frames.values())))
    runs = {}
    for row in rows(found):
        content = tuple(row.values())[2:]
        runs.setdefault(content, []).append((row["valid_from"], row["valid_to"]))
    for begins_and_ends in runs.values():
        begins, ends = zip(*begins_and_ends, strict=True)
        # No run begins when one with the same content ends.
        assert not set(begins) & set(ends)


def test_one_snapshot_has_no_changes_and_a_history_of_its_rows(root, register):
    snapshots.write(register, root)
    assert snapshots.changes(root, NAME).empty
    found = snapshots.history(root, NAME)
    assert rows(found, register.columns) == rows(register)
    assert found["valid_to"].isna().all()
    assert (found["valid_from"] == pd.Timestamp("2026-11-01")).all()


def test_a_state_that_returns_begins_again(root, register):
    other = complete_frame([])
    for day, frame in (("2026-01-01", register), ("2026-02-01", other), ("2026-03-01", register)):
        snapshots.write(frame, root, date=day)
    found = snapshots.history(root, NAME)
    assert len(found) == 2 * len(register)
    assert found["valid_to"].isna().sum() == len(register)
    assert snapshots.changes(root, NAME)["change"].value_counts().to_dict() == {
        "removed": len(register),
        "added": len(register),
    }


def test_a_row_that_a_partial_snapshot_lacks_is_not_removed(root, register):
    part = mark(register.drop(index=[3, 4]))
    part.loc[5, "company_name"] = "PT Lain"
    last = complete_frame_of(register.drop(index=[3]))
    for day, frame in (("2026-01-01", register), ("2026-02-01", part), ("2026-03-01", last)):
        snapshots.write(frame, root, date=day, allow_partial=True)
    found = snapshots.changes(root, NAME)
    codes = register["wiup_code"]
    got = found[["from_date", "to_date", "wiup_code", "change"]].astype(str).to_numpy().tolist()
    assert sorted(got) == sorted(
        [
            ["2026-01-01", "2026-02-01", codes[5], "changed"],
            ["2026-02-01", "2026-03-01", codes[5], "changed"],
            ["2026-01-01", "2026-03-01", codes[3], "removed"],
        ]
    )
    report = found.attrs["sectorsdf"]["changes"]
    assert report["partial_snapshots"] == ["2026-02-01"]
    assert report["unknown_removed"] == {"2026-02-01": 2}
    history = snapshots.history(root, NAME)
    lasting = history[history["wiup_code"] == codes[4]]
    assert lasting["valid_from"].tolist() == [pd.Timestamp("2026-01-01")]
    assert lasting["valid_to"].isna().all()
    assert rows(at(history, "2026-01-15")) == rows(register)
    assert rows(at(history, "2026-03-15")) == rows(last)
    assert len(at(history, "2026-02-15")) == len(register)
    assert history.attrs["sectorsdf"]["history"]["partial_snapshots"] == ["2026-02-01"]
    # Changes since a day are compared with the last complete snapshot before it.
    later = snapshots.changes(root, NAME, since="2026-03-01")
    pd.testing.assert_frame_equal(
        later, found[found["to_date"] == pd.Timestamp("2026-03-01")].reset_index(drop=True)
    )


def complete_frame_of(frame):
    """A frame with these rows that says that it is complete and unchanged."""
    found = frame.reset_index(drop=True)
    found.attrs["sectorsdf"] = {
        **frame.attrs["sectorsdf"],
        "digest": frame_digest(found),
        "rows": len(found),
    }
    return found


def test_a_row_after_a_first_partial_snapshot_may_have_been_there(root, register):
    snapshots.write(mark(register.head(10)), root, date="2026-01-01", allow_partial=True)
    snapshots.write(register, root, date="2026-02-01")
    snapshots.write(complete_frame_of(register.drop(index=[0])), root, date="2026-03-01")
    found = snapshots.changes(root, NAME)
    assert found[["change", "wiup_code"]].to_numpy().tolist() == [
        ["removed", register["wiup_code"][0]]
    ]
    report = found.attrs["sectorsdf"]["changes"]
    assert report["unknown_added"] == {"2026-02-01": len(register) - 10}
    with_three = snapshots.history(root, NAME)
    assert rows(at(with_three, "2026-02-01")) == rows(register)


def test_a_column_that_comes_later_is_part_of_the_history(root, register):
    wider = register.copy()
    wider["quota"] = pd.array(["q"] + [None] * (len(register) - 1), dtype="string")
    snapshots.write(register, root, date="2026-01-01")
    snapshots.write(complete_frame_of(wider), root, date="2026-02-01")
    snapshots.write(register, root, date="2026-03-01")
    assert snapshots.changes(root, NAME).empty
    found = snapshots.history(root, NAME)
    assert found["quota"].notna().sum() == 1
    assert len(found) == len(register) + 2
    assert rows(at(found, "2026-02-01"), wider.columns) == rows(wider)
    everything = snapshots.read(root, NAME, date="all")
    assert everything["quota"].notna().sum() == 1


def test_what_is_not_there_is_named(root, lake):
    with pytest.raises(FileNotFoundError, match="no snapshot of mining_licenses"):
        snapshots.changes(root, NAME)
    with pytest.raises(ConfigurationError, match="no column wrong, which is part of the key"):
        snapshots.history(lake, NAME, key="wrong")
    with pytest.raises(ConfigurationError, match="since='soon' is not a day"):
        snapshots.changes(lake, NAME, since="soon")


def test_another_key_gives_the_same_history_in_another_order(lake):
    usual, other = (snapshots.history(lake, NAME, key=key) for key in (None, "license_number"))
    assert other["license_number"].is_monotonic_increasing
    assert rows(usual) == rows(other)


RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.none() for name in DATASETS[NAME].fields},
            "wiup_code": st.sampled_from([None, "1", "2", "3"]),
            "company_name": st.sampled_from([None, "PT A", "PT B"]),
            "licensed_area_ha": st.sampled_from([None, 1.5, 2.0]),
            "license_expiry_date": st.sampled_from([None, "2026-01-01"]),
        }
    ),
    max_size=6,
)


@QUICK
@given(st.lists(st.tuples(RECORDS, st.booleans()), min_size=1, max_size=4))
def test_any_history_of_a_day_is_the_snapshot_of_that_day(tmp_path_factory, snapshots_of):
    root = tmp_path_factory.mktemp("any") / "lake"
    for month, (records, partial) in enumerate(snapshots_of, start=1):
        frame = complete_frame(records)
        frame = mark(frame) if partial else frame
        snapshots.write(frame, root, date=f"2026-{month:02d}-01", allow_partial=True)
    found = snapshots.history(root, NAME)
    for month, (records, partial) in enumerate(snapshots_of, start=1):
        if not partial:
            assert rows(at(found, f"2026-{month:02d}-01")) == rows(complete_frame(records))
    assert (found["valid_to"].isna() | (found["valid_to"] > found["valid_from"])).all()
    changes = snapshots.changes(root, NAME)
    assert (changes["from_date"] < changes["to_date"]).all()


@pytest.mark.newest
@pytest.mark.parametrize("function", [snapshots.changes, snapshots.history])
def test_two_snapshots_are_in_memory_however_many_there_are(function, root, months, monkeypatch):
    first = months[0].records
    for number in range(8):
        # Hardly anything changes, so that the result takes no space.
        edited = {**first[number], "licensed_area_ha": 7.5}
        records = [*first[:number], edited, *first[number + 1 :]]
        snapshots.write(complete_frame(records), root, date=f"2026-01-0{number + 1}")
    rows_of, tables, alive, allocated = timeline.rows_of, [], [], []

    def watched(content):
        gc.collect()
        alive.append(sum(table() is not None for table in tables))
        allocated.append(pa.total_allocated_bytes())
        table = rows_of(content)
        tables.append(weakref.ref(table))
        return table

    monkeypatch.setattr(timeline, "rows_of", watched)
    function(root, NAME)
    assert len(tables) == 8
    # When a snapshot is read, the one before it is there, and no other.
    assert alive == [0, *[1] * 7]
    size = allocated[1] - allocated[0]
    assert size > 0
    assert max(allocated[1:]) < allocated[0] + 1.5 * size
