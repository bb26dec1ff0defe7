"""Combined provinces are taken apart, and nothing is counted twice without a sign of it."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf import explode_provinces

NAMES = st.sampled_from(["Aceh", "Riau", "Jambi", "Bali"])
TEXTS = st.none() | st.lists(NAMES, min_size=1, max_size=3, unique=True).map(", ".join)


def licenses(provinces):
    return pd.DataFrame(
        {
            "wiup_code": pd.array([f"{n:016}" for n in range(len(provinces))], dtype="string"),
            "province": pd.array(provinces, dtype="string"),
            "licensed_area_ha": [10.0 * (n + 1) for n in range(len(provinces))],
        }
    )


def test_one_row_for_each_row_and_province():
    frame = licenses(["Aceh", "Kalimantan Tengah, Kalimantan Timur", None])
    frame.attrs = {"kept": True}
    before = frame.copy()
    exploded = explode_provinces(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert exploded.index.tolist() == [0, 1, 1, 2]
    assert exploded["province"].tolist()[:3] == ["Aceh", "Kalimantan Tengah", "Kalimantan Timur"]
    assert pd.isna(exploded["province"].iloc[3])
    assert exploded["provinces"].tolist() == [1, 2, 2, 0]
    assert exploded["share"].fillna(-1).tolist() == [1, -1, -1, 1]
    assert exploded["reason_missing"].isna().tolist() == [True, False, False, True]
    assert exploded.attrs == {"kept": True}


@given(st.lists(TEXTS, max_size=6))
@settings(max_examples=examples(), deadline=None)
def test_shape_and_sums(provinces):
    frame = licenses(provinces)
    exploded = explode_provinces(frame)
    assert exploded.columns.tolist() == [*frame.columns, "provinces", "share", "reason_missing"]
    assert exploded["province"].dtype == frame["province"].dtype
    assert exploded["share"].dtype == "float64"
    assert exploded["provinces"].dtype == "Int64"
    assert not exploded["province"].str.contains(",").fillna(value=False).any()
    # Every row is there, and the shares of those with one province give their whole area.
    assert exploded.index.unique().tolist() == frame.index.tolist()
    one = frame[~frame["province"].str.contains(",").fillna(value=False).astype(bool)]
    known = (exploded["licensed_area_ha"] * exploded["share"]).sum()
    assert known == pytest.approx(one["licensed_area_ha"].sum())
    assert (exploded["share"].isna() == exploded["reason_missing"].notna()).all()


def test_spaces_and_repetitions_do_not_matter():
    exploded = explode_provinces(licenses(["Aceh ,Riau,, Aceh"]))
    assert exploded["province"].tolist() == ["Aceh", "Riau"]


def test_another_column():
    frame = licenses(["Aceh"]).rename(columns={"province": "of"})
    assert explode_provinces(frame, "of")["of"].tolist() == ["Aceh"]


def test_what_is_refused():
    with pytest.raises(TypeError, match="DataFrame is needed"):
        explode_provinces("licences")
    with pytest.raises(ValueError, match="no column 'province'"):
        explode_provinces(pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="already has share, as after"):
        explode_provinces(licenses(["Aceh"]).assign(share=1.0))
