"""The provenance in attrs is read-only, cheap to copy, and a dict for every reader."""

from __future__ import annotations

import copy
import json
import pickle

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sectorsdf
from sectorsdf.datasets import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.frozen import FrozenDict, FrozenList, freeze
from sectorsdf.frames.provenance import Provenance

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(VALUES)
def test_a_frozen_value_is_equal_to_the_plain_one_in_every_form(value):
    frozen = freeze(value)
    assert frozen == value
    assert json.loads(json.dumps(frozen)) == json.loads(json.dumps(value))
    assert pickle.loads(pickle.dumps(frozen)) == value
    assert copy.deepcopy(frozen) == copy.copy(frozen) == value
    assert freeze(frozen) is frozen or not isinstance(value, dict | list)


def test_a_copy_is_the_object_itself():
    frozen = freeze({"problems": [{"row": 1}]})
    assert copy.deepcopy(frozen) is copy.copy(frozen) is frozen
    assert copy.deepcopy(frozen["problems"]) is frozen["problems"]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("rows", 2),
        lambda d: d.update(rows=2),
        lambda d: d.pop("rows"),
        lambda d: d.clear(),
        lambda d: d.setdefault("new", 1),
        lambda d: d.__ior__({"rows": 2}),
        lambda d: d["problems"].append(1),
        lambda d: d["problems"].__iadd__([1]),
        lambda d: d["problems"].__setitem__(0, 1),
        lambda d: d["problems"].sort(),
        lambda d: d["problems"][0].update(row=2),
    ],
)
def test_every_change_is_refused_and_says_what_to_do(change):
    frozen = freeze({"rows": 1, "problems": [{"row": 1}]})
    with pytest.raises(TypeError, match=r"dict\(frame"):
        change(frozen)
    assert frozen == {"rows": 1, "problems": [{"row": 1}]}


def test_a_copy_of_the_users_own_can_be_changed():
    frozen = freeze({"rows": 1})
    own = dict(frozen)
    own["rows"] = 2
    assert type(own) is dict
    assert frozen == {"rows": 1}


def frame_with_problems(rows):
    """Return a frame with two problems in each row."""
    builder = FrameBuilder(MINING_LICENSES)
    days = {"license_effective_date": "01/02/2020", "license_expiry_date": "01/02/2030"}
    builder.add([{"wiup_code": str(i), "licensed_area_ha": float(i), **days} for i in range(rows)])
    return builder.frame(Provenance({"dataset": "mining_licenses"}))


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_pandas_steps_share_the_provenance_and_keep_it(tmp_path):
    frame = frame_with_problems(50)
    provenance = frame.attrs["sectorsdf"]
    assert isinstance(provenance, FrozenDict)
    assert isinstance(provenance["problems"], FrozenList)
    assert len(provenance["problems"]) == 100
    step = frame[frame["licensed_area_ha"] > 10].head(5)
    assert step.attrs["sectorsdf"] is provenance
    assert frame.copy(deep=True).attrs["sectorsdf"] is provenance
    joined = pd.concat([frame, frame])
    assert joined.attrs["sectorsdf"] == provenance
    assert pd.DataFrame(provenance["problems"])["column"].nunique() == 2
    path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
    again = sectorsdf.read_parquet(path).attrs["sectorsdf"]
    assert again == provenance
    assert isinstance(again["problems"], FrozenList)
    frame.to_parquet(tmp_path / "plain.parquet")
    assert pd.read_parquet(tmp_path / "plain.parquet").attrs == frame.attrs
    assert pickle.loads(pickle.dumps(frame)).attrs == frame.attrs
