"""What has changed between two frames: every kind of change, and nothing else."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.snapshots import apply_changes, complete_frame, rows

import sectorsdf
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError
from sectorsdf.snapshots import diff
from sectorsdf.snapshots.kinds import KINDS

QUICK = settings(max_examples=examples(0.8), deadline=None, suppress_health_check=[*HealthCheck])
COLUMNS = {
    "wiup_code": "string",
    "occurrence": "Int64",
    "change": "string",
    "kind": "string",
    "column": "string",
    "old": "string",
    "new": "string",
    "old_number": "float64",
    "new_number": "float64",
    "old_date": "datetime64[us]",
    "new_date": "datetime64[us]",
}


def types(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def only(frame):
    """The only change, as a dict without its missing values."""
    assert len(frame) == 1
    return frame.iloc[0].dropna().to_dict()


def changed(register, column, new, *, row=7):
    """What is reported if one value of the register changes."""
    other = register.copy()
    other.loc[row, column] = new
    found = only(diff(register, other))
    assert found.pop("wiup_code") == register.loc[row, "wiup_code"]
    assert (found.pop("occurrence"), found.pop("change")) == (1, "changed")
    assert found.pop("column") == column
    return found


def test_a_frame_has_not_changed_since_itself(register):
    for other in (register, register.sample(frac=1, random_state=1), register.iloc[::-1]):
        found = diff(register, other)
        assert found.empty
        assert types(found) == COLUMNS


def test_rows_are_added_and_removed_with_their_content(register):
    first, second = register.drop(index=[3]), register.drop(index=[5])
    found = diff(first, second)
    assert types(found) == COLUMNS
    by_change = found.set_index("change")
    assert by_change["kind"].to_dict() == {"added": "added", "removed": "removed"}
    codes = register["wiup_code"]
    assert by_change["wiup_code"].to_dict() == {"added": codes[3], "removed": codes[5]}
    assert rows(register.loc[[3]])[0]["company_name"] in by_change.loc["added", "new"]
    assert found["column"].isna().all()


def test_a_new_company_is_a_transfer(register):
    found = changed(register, "company_name", "PT Lain")
    assert found == {
        "kind": "transferred",
        "old": register.loc[7, "company_name"],
        "new": "PT Lain",
    }


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("PT Contoh Bara", "PT. Contoh Bara", "respelt"),
        ("PT Contoh Bara", "PT CONTOH BARA", "respelt"),
        ("PT Contoh Bara", "Contoh Bara, PT", "respelt"),
        ("PT Contoh Bara", "PT  Contoh  Bara Tbk", "respelt"),
        ("PT Contoh Bara", "CV Contoh Bara", "transferred"),
        ("PT Contoh Bara", "PT Contoh Batu", "transferred"),
        ("PT", "pt", "respelt"),
        ("PT", "-", "transferred"),
        ("PT Contoh Bara", None, "other"),
        (None, "PT Contoh Bara", "other"),
    ],
)
def test_another_spelling_of_a_company_is_no_transfer(register, old, new, kind):
    register.loc[7, "company_name"] = old
    assert changed(register, "company_name", new)["kind"] == kind


def test_the_slug_follows_the_name(register):
    other = register.copy()
    other.loc[[2, 4, 6], "company_slug"] = ["a", "b", "c"]
    other.loc[2, "company_name"] = "PT Lain"
    other.loc[4, "company_name"] = register.loc[4, "company_name"].upper()
    found = diff(register, other)
    kinds = found[found["column"] == "company_slug"].set_index("new")["kind"].to_dict()
    assert kinds == {"a": "transferred", "b": "respelt", "c": "other"}


def test_days_are_typed_and_longer_or_shorter(register):
    day = register.loc[7, "license_expiry_date"]
    later, earlier = day + pd.Timedelta(days=365), day - pd.Timedelta(days=1)
    found = changed(register, "license_expiry_date", later)
    assert (found["kind"], found["old_date"], found["new_date"]) == ("extended", day, later)
    assert (found["old"], found["new"]) == (f"{day:%Y-%m-%d}", f"{later:%Y-%m-%d}")
    assert changed(register, "license_expiry_date", earlier)["kind"] == "shortened"
    assert changed(register, "license_expiry_date", pd.NaT)["kind"] == "other"
    assert changed(register, "license_effective_date", later)["kind"] == "other"


def test_numbers_are_typed(register):
    found = changed(register, "licensed_area_ha", 12.5)
    old = register.loc[7, "licensed_area_ha"]
    assert found == {
        "kind": "area",
        "old": repr(float(old)),
        "new": "12.5",
        "old_number": old,
        "new_number": 12.5,
    }
    assert changed(register, "longitude", 100.25)["kind"] == "moved"


@pytest.mark.parametrize(
    ("column", "old", "new", "kind"),
    [
        ("activity", "Eksplorasi", "Operasi Produksi", "upgraded"),
        ("activity", "Operasi Produksi", "Eksplorasi", "other"),
        ("activity", None, "Operasi Produksi", "other"),
        ("cnc", "CNC-1", "CNC-2", "cnc"),
        ("cnc", None, "CNC-2", "cnc"),
        ("cnc", "CNC", "CnC", "respelt"),
        ("province", "Aceh", "Riau", "moved"),
        ("city", "Kab. Contoh", "KAB.  CONTOH", "respelt"),
        ("location", "Contoh", None, "moved"),
        ("commodity_type", "Coal", "Gold", "other"),
        ("license_number", "1/2", "1/3", "other"),
    ],
)
def test_the_kind_says_what_a_change_means(register, column, old, new, kind):
    register.loc[7, column] = old
    assert changed(register, column, new)["kind"] == kind


def test_the_truth_of_every_month_is_found_and_nothing_else(months, frames):
    before = None
    seen = set()
    for month, frame in zip(months, frames.values(), strict=True):
        if before is not None:
            found = diff(before, frame.sample(frac=1, random_state=5))
            names = ["wiup_code", "change", "kind", "column", "old", "new"]
            values = found[names].astype(object).where(found[names].notna(), None)
            values.loc[values["change"] != "changed", ["old", "new"]] = None
            got = sorted(values.itertuples(index=False, name=None), key=str)
            assert got == sorted(map(_expected, month.truth), key=str)
            seen |= {entry["kind"] for entry in month.truth}
        before = frame
    assert seen == set(KINDS)


def _expected(entry):
    def text(value):
        return repr(value) if isinstance(value, float) else value

    names = ("wiup_code", "change", "kind", "column")
    return (*map(entry.get, names), text(entry.get("old")), text(entry.get("new")))


# Keys that repeat


def repeated(*contents):
    return pd.DataFrame(
        [{"k": "x", "a": a, "b": b, "c": c} for a, b, c in contents],
        columns=["k", "a", "b", "c"],
        dtype="string",
    )


def test_rows_of_one_key_are_matched_by_content_first():
    old = repeated("111", "222", "333")
    new = repeated("333", "111", "229")
    found = only(diff(old, new, key="k"))
    assert (found["old"], found["new"], found["column"]) == ("2", "9", "c")
    assert found["occurrence"] == 2


def test_then_those_with_the_most_equal_columns_are_matched():
    old, new = repeated("111", "222"), repeated("122", "119")
    found = diff(old, new, key="k")
    changes = set(
        zip(found["occurrence"], found["column"], found["old"], found["new"], strict=True)
    )
    assert changes == {(1, "c", "1", "9"), (2, "a", "2", "1")}


def test_rows_too_many_of_a_key_are_added_or_removed():
    found = diff(repeated("111", "111", "222"), repeated("111"), key="k")
    assert found["change"].tolist() == ["removed", "removed"]
    assert found["occurrence"].tolist() == [2, 3]
    found = diff(repeated("111"), repeated("111", "111", "111"), key="k")
    assert found["change"].tolist() == ["added", "added"]


def test_a_key_that_hardly_distinguishes_rows_is_matched_by_content_only():
    count = 1200
    old = pd.DataFrame({"k": "x", "n": range(count)})
    new = pd.DataFrame({"k": "x", "n": range(1, count + 1)})
    found = diff(old, new, key="k")
    assert found["change"].value_counts().to_dict() == {"changed": 1}
    new = pd.DataFrame({"k": "x", "n": range(count, 2 * count)})
    found = diff(old, new, key="k")
    assert found["change"].value_counts().to_dict() == {"removed": count, "added": count}


# Properties

TEXTS = st.sampled_from([None, "", "a", "A", "b", "PT a", "é"])
DAYS = st.sampled_from([None, date(2026, 1, 1), date(2027, 1, 1)])
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "k1", "k2", "k3", "k4", "k5"]),
        st.integers(0, 1),
        TEXTS,
        st.sampled_from([None, 0.0, -0.0, 1.5, float("inf")]),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, True, False]),
        DAYS,
    ),
    max_size=12,
)
KEY = ["k", "n"]


def typed(values):
    names = ["k", "n", "company_name", "licensed_area_ha", "count", "flag", "license_expiry_date"]
    frame = pd.DataFrame(values, columns=names, dtype=object)
    return frame.astype(
        {
            "k": "string",
            "n": "Int64",
            "company_name": "string",
            "licensed_area_ha": "float64",
            "count": "Int64",
            "flag": "boolean",
            "license_expiry_date": "datetime64[us]",
        }
    )


@QUICK
@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_the_changes_applied_to_the_old_frame_give_the_new_one(old_rows, new_rows, random):
    old, new = typed(old_rows), typed(new_rows)
    found = diff(old, new, key=KEY)
    assert apply_changes(old, found, KEY) == rows(new)
    assert set(found["kind"]) <= set(KINDS)
    back = diff(new, old, key=KEY)["change"].value_counts()
    counts = found["change"].value_counts()
    assert (back.get("added", 0), back.get("removed", 0)) == (
        counts.get("removed", 0),
        counts.get("added", 0),
    )
    assert diff(new, new.iloc[::-1], key=KEY).empty
    random.shuffle(old_rows)
    random.shuffle(new_rows)
    pd.testing.assert_frame_equal(diff(typed(old_rows), typed(new_rows), key=KEY), found)


# Every dataset


@pytest.fixture(scope="module")
def tables():
    """A frame of every dataset that can be fetched as a whole, from one sandbox."""
    found = {}
    with sectorsdf.sandbox.running(server={"licenses": 60}) as client:
        for name in ("mining_sites", "mining_companies", "mining_commodities", "mining_contracts"):
            found[name] = getattr(sectorsdf, f"get_{name}")(client=client)
        found["mining_reserves_index"] = sectorsdf.get_mining_reserves_index(client=client)
        found["mining_total_production"] = sectorsdf.get_mining_total_production(client=client)
    return found


def test_every_dataset_is_compared_by_its_own_key(tables):
    for name, frame in tables.items():
        key = DATASETS[name].key
        assert diff(frame, frame.iloc[::-1]).empty
        with pytest.warns(sectorsdf.DataWarning, match="so the others are reported as removed"):
            found = diff(frame, frame.iloc[1:])
        assert found["change"].tolist() == ["removed"]
        assert list(found.columns[: len(key)]) == list(key)
        assert apply_changes(frame, found, key) == rows(frame.iloc[1:])
        assert found.attrs["sectorsdf"]["dataset"] == name


@pytest.mark.newest
def test_edits_of_the_real_register_are_found_exactly(real_data):
    lines = (real_data / "mining_licenses.jsonl").read_text().splitlines()
    register = complete_frame(map(json.loads, lines))
    assert diff(register, register.sample(frac=1, random_state=2)).empty
    random = np.random.default_rng(4)
    chosen = random.permutation(len(register))[:400]
    other = register.copy()
    # The edits that `changed` tests one at a time, for fifty rows each.
    parts = iter(np.split(chosen, 8))
    names = other["company_name"]
    days = other["license_expiry_date"]
    edits = [
        ("company_name", "PT Contoh " + other["wiup_code"], "transferred"),
        ("company_name", " " + names.str.upper() + " ", "respelt"),
        ("license_expiry_date", days + pd.Timedelta(days=365), "extended"),
        ("license_expiry_date", days - pd.Timedelta(days=1), "shortened"),
        ("licensed_area_ha", other["licensed_area_ha"] + 1, "area"),
        ("cnc", "CNC-3", "cnc"),
        ("city", "Contoh " + other["city"], "moved"),
    ]
    expected = {}
    for column, values, kind in edits:
        rows_of = next(parts)
        other.loc[rows_of, column] = values if isinstance(values, str) else values[rows_of]
        expected |= {(other.loc[row, "wiup_code"], column): kind for row in rows_of}
    gone = next(parts)
    with pytest.warns(sectorsdf.DataWarning, match="so the others are reported as removed"):
        found = diff(register, other.drop(index=gone))
    removed = found[found["change"] == "removed"]
    assert set(removed["wiup_code"]) == set(register.loc[gone, "wiup_code"])
    rest = found[found["change"] != "removed"]
    assert (
        dict(zip(zip(rest["wiup_code"], rest["column"], strict=True), rest["kind"], strict=True))
        == expected
    )


# What is said beside the changes


def test_a_column_that_one_frame_lacks_is_named_and_not_compared(register):
    other = register.drop(columns="cnc").assign(more=1)
    found = diff(register, other)
    assert found.empty
    report = found.attrs["sectorsdf"]["diff"]
    assert (report["only_in_old"], report["only_in_new"]) == (["cnc"], ["more"])


def test_a_row_that_an_incomplete_frame_lacks_is_not_removed(register):
    part = register.head(10).copy()
    part.attrs["sectorsdf"] = {**register.attrs["sectorsdf"], "complete": False}
    found = diff(register, part)
    assert found.empty
    assert found.attrs["sectorsdf"]["diff"]["unknown_removed"] == len(register) - 10
    found = diff(part, register)
    assert found.empty
    assert found.attrs["sectorsdf"]["diff"]["unknown_added"] == len(register) - 10


def test_neither_frame_is_changed(register):
    copies = register.copy(deep=True), register.iloc[::2].copy(deep=True)
    old, new = register, register.iloc[::2]
    with pytest.warns(sectorsdf.DataWarning, match=r"^diff: new has 450 of the 900 rows that were"):
        diff(old, new)
    for frame, copy in zip((old, new), copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)
        assert frame.attrs == copy.attrs


def test_the_same_part_of_both_frames_is_compared_without_a_warning(register):
    part = register[register["licensed_area_ha"] > 100]
    assert 0 < len(part) < len(register)
    assert diff(part, part.copy()).empty


def test_columns_of_another_type_are_compared_by_value():
    old = pd.DataFrame({"k": ["a", "b"], "n": [1, 2], "t": pd.Categorical(["x", "y"])})
    new = pd.DataFrame({"k": ["b", "a"], "n": [2.0, 1.5], "t": ["y", "x"]})
    found = only(diff(old, new, key="k"))
    assert (found["k"], found["old_number"], found["new_number"]) == ("a", 1.0, 1.5)
    nothing = old.assign(n=[None, None])
    assert diff(old, nothing, key="k")["new"].isna().all()
    assert diff(nothing, nothing, key="k").empty
    lists = pd.DataFrame({"k": ["a"], "v": [[1, 2]]})
    assert diff(lists, lists.copy(), key="k").empty
    found = only(diff(lists, pd.DataFrame({"k": ["a"], "v": [[1, 3]]}), key="k"))
    assert (found["old"], found["new"]) == ("[1, 2]", "[1, 3]")


def test_what_cannot_be_compared_is_refused(register):
    plain = pd.DataFrame({"k": [1], "kind": [1]})
    with pytest.raises(ConfigurationError, match="name the columns that identify a record"):
        diff(plain, plain)
    with pytest.raises(ConfigurationError, match="no column wrong, which is part of the key"):
        diff(register, register, key=["wiup_code", "wrong"])
    with pytest.raises(ConfigurationError, match="key names no column"):
        diff(register, register, key=[])
    with pytest.raises(ConfigurationError, match="so is a column of the changes: rename it"):
        diff(plain, plain, key="kind")
    with pytest.raises(TypeError, match=r"new must be a pandas\.DataFrame, not list"):
        diff(register, [])
    other = register.copy()
    other.attrs["sectorsdf"] = {"dataset": "mining_sites"}
    with pytest.raises(ConfigurationError, match="two datasets, mining_licenses and mining_sites"):
        diff(register, other)
