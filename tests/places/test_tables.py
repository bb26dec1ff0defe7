"""The tables of provinces and regencies."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from sectorsdf import places, vocabularies
from sectorsdf.places.tables import read


@pytest.fixture(scope="module")
def provinces():
    return places.provinces()


@pytest.fixture(scope="module")
def regencies():
    return places.regencies()


def test_there_are_38_provinces_and_514_regencies_with_codes_of_their_own(provinces, regencies):
    assert len(provinces) == 38
    assert len(regencies) == 514
    for frame, columns, length in (
        (provinces, ["name", "code", "bps_code", "english_name", "capital"], 2),
        (regencies, ["code"], 4),
    ):
        for column in columns:
            assert frame[column].is_unique
            assert frame[column].notna().all()
        assert frame["code"].str.fullmatch(rf"\d{{{length}}}").all()
        assert frame["code"].is_monotonic_increasing


def test_columns_have_fixed_types(provinces, regencies):
    types = provinces.dtypes.astype("string").to_dict()
    assert types["split_year"] == "Int64"
    numbers = {"latitude", "longitude", "west", "south", "east", "north"}
    for frame in (provinces, regencies):
        for name, dtype in frame.dtypes.items():
            if name in numbers:
                assert dtype == "float64"
                assert frame[name].notna().all()
            elif name != "split_year":
                assert dtype == pd.StringDtype()


def test_a_frame_is_the_callers_own(provinces):
    changed = places.provinces()
    changed.loc[0, "name"] = "changed"
    assert places.provinces().equals(provinces)


def test_every_province_of_the_api_is_there(provinces):
    listed = {
        name
        for names in (
            vocabularies.LICENSE_PROVINCES,
            vocabularies.AUCTION_PROVINCES,
            vocabularies.SITE_PROVINCES,
            vocabularies.RESERVES_PROVINCES,
        )
        for each in names
        for name in each.split(", ")
    }
    assert set(provinces["name"]) - listed == {
        "DKI Jakarta",
        "Papua Pegunungan",
        "Papua Selatan",
    }
    assert listed <= set(provinces["name"])


def test_regencies_lie_in_their_province(provinces, regencies):
    of = regencies.merge(provinces, left_on="province", right_on="name", suffixes=("", "_of"))
    assert len(of) == len(regencies)
    assert (of["code"].str[:2] == of["code_of"]).all()
    for low, high in (("west", "east"), ("south", "north")):
        assert (of[low] < of[high]).all()
        assert (of[low] >= of[f"{low}_of"]).all()
        assert (of[high] <= of[f"{high}_of"]).all()
    assert regencies["kind"].value_counts().to_dict() == {"Kabupaten": 416, "Kota": 98}
    city = regencies["code"].str[2:].astype(int) > 70
    assert (city == (regencies["kind"] == "Kota")).all()


def test_centres_lie_in_their_boxes_and_in_the_country(provinces, regencies):
    for frame in (provinces, regencies):
        assert frame["longitude"].between(frame["west"], frame["east"]).all()
        assert frame["latitude"].between(frame["south"], frame["north"]).all()
        assert frame["west"].min() > 94.5
        assert frame["east"].max() < 141.1
        assert frame["south"].min() > -11.1
        assert frame["north"].max() < 6.2


@pytest.mark.parametrize(
    ("name", "latitude", "longitude"),
    [
        ("Aceh", 5.55, 95.32),
        ("Kalimantan Timur", -0.50, 117.15),
        ("Sulawesi Tenggara", -3.99, 122.51),
        ("Papua Selatan", -8.49, 140.40),
    ],
)
def test_capitals_lie_in_the_box_of_their_province(provinces, name, latitude, longitude):
    row = provinces.set_index("name").loc[name]
    assert row["south"] < latitude < row["north"]
    assert row["west"] < longitude < row["east"]


def test_parents_of_new_provinces_are_provinces(provinces):
    new = provinces[provinces["split_from"].notna()]
    assert set(new["split_from"]) <= set(provinces["name"])
    assert new["split_year"].notna().all()
    assert len(new) == 5


def test_pandas_is_not_imported_before_a_table_is_asked_for():
    code = (
        "import sys; from sectorsdf import places; places.province_name('NTB');"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_table_is_read_once():
    assert read("provinces") is read("provinces")
