"""Sites elsewhere than their province, and sites under two names, are found, and no others."""

from __future__ import annotations

import pandas as pd
import pytest
from support import reference

import sectorsdf
from sectorsdf.analysis.site_checks import check_sites
from sectorsdf.errors import ConfigurationError

GOOD = {
    "slug": "contoh",
    "name": "Contoh",
    "year": 2024,
    "commodity_type": "Coal",
    "company_slug": "pt-contoh",
    "province": "Kalimantan Timur",
    "city": "Kutai Timur",
    "latitude": 0.6,
    "longitude": 117.49,
}
COLUMNS = [
    *("position", "slug", "year", "commodity_type", "name"),
    *("check", "message", "expected", "found"),
]


def sites(*changes):
    frame = pd.DataFrame([{**GOOD, **each} for each in changes])
    numbers = {"year": "Int64", "latitude": "float64", "longitude": "float64"}
    texts = dict.fromkeys(frame.columns.difference([*numbers]), "string")
    return frame.astype({**numbers, **texts})


def only(**change):
    findings = check_sites(sites(change))
    assert len(findings) == 1, findings["check"].tolist()
    return findings.iloc[0]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"city": "Kabupaten Kutai Timur"},
        {"city": "Musi Rawas, Kutai Timur"},
        # Less than 5 km outside the box.
        {"city": None, "latitude": 2.61},
        {"city": "Atlantis"},
        {"city": None},
        # A mine abroad, one without a point, and a province that is not known.
        {"province": None, "city": None, "latitude": -23.3, "longitude": 148.4},
        {"latitude": None, "longitude": None},
        {"province": "Atlantis", "latitude": 80.0},
        # The province was a part of the one that the site has.
        {"province": "Papua", "city": None, "latitude": -4.06, "longitude": 137.12},
        {"province": "Kaltim", "city": None, "latitude": 3.2, "longitude": 116.5},
        {"province": "Jambi, Kalimantan Timur", "city": None},
    ],
)
def test_a_site_in_its_province_gives_no_finding(change):
    findings = check_sites(sites(change))
    assert findings["check"].tolist() == []
    assert findings.columns.tolist() == COLUMNS


def test_a_point_in_another_province():
    row = only(latitude=-3.71, longitude=103.63)
    assert row["check"] == "outside_province"
    assert row["message"].startswith("the point is 1142 km outside the box of its province")
    assert row["expected"] == "Kalimantan Timur"
    assert row["found"].startswith("-3.7100, 103.6300, in the boxes of Sumatera Selatan")


def test_a_point_in_another_regency_of_the_province():
    row = only(latitude=-0.64, longitude=117.27, city="Berau")
    assert (row["check"], row["expected"]) == ("outside_regency", "Berau")
    assert "km outside the box of its regency" in row["message"]


def test_a_point_outside_indonesia():
    row = only(latitude=40.0, longitude=3.0)
    assert (row["check"], row["found"]) == ("outside_indonesia", "40.0000, 3.0000")
    assert "exchanged" not in row["message"]
    turned = only(latitude=117.49, longitude=0.6)
    assert turned["message"].endswith("with latitude and longitude exchanged it is inside")


@pytest.mark.parametrize("name", ["latitude", "longitude"])
def test_half_a_point_is_reported(name):
    assert only(**{name: None})["check"] == "one_coordinate"


def pairs(*changes):
    findings = check_sites(sites(*changes))
    return findings[["position", "check", "expected", "found"]].to_numpy().tolist()


def test_one_site_under_two_names():
    other = {"slug": "emas-contoh", "name": "Emas Contoh", "commodity_type": "Gold"}
    assert pairs({}, other) == [
        [0, "same_place", "contoh", "emas-contoh"],
        [1, "same_place", "emas-contoh", "contoh"],
    ]
    assert pairs({}, {**other, "company_slug": "pt-lain"}) == []
    assert pairs({}, {"year": 2023}, {"commodity_type": "Gold"}) == []
    nowhere = {"latitude": None, "longitude": None}
    assert pairs(nowhere, {**nowhere, **other}) == []
    spelled = {"slug": "con-toh", "name": "CON-TOH", "latitude": 0.7}
    assert pairs({}, spelled) == [
        [0, "same_name", "contoh", "con-toh"],
        [1, "same_name", "con-toh", "contoh"],
    ]


def test_a_slug_of_two_companies():
    assert pairs({}, {"company_slug": "pt-lain"}, {"company_slug": None}) == [
        [0, "slug_of_several_companies", "pt-contoh", "pt-lain"],
        [1, "slug_of_several_companies", "pt-lain", "pt-contoh"],
    ]


def test_columns_and_dtypes_are_always_the_same():
    empty, none, some = (
        check_sites(frame) for frame in (sites({})[:0], sites({}), sites({"latitude": 40.0}))
    )
    assert (len(empty), len(none), len(some)) == (0, 0, 1)
    assert empty.dtypes.to_dict() == none.dtypes.to_dict() == some.dtypes.to_dict()
    assert str(some["year"].dtype) == "Int64"


def test_the_frame_is_not_changed_and_its_index_does_not_count():
    frame = sites({}, {"latitude": 40.0}).set_index(pd.Index(["a", "a"]))
    before = frame.copy(deep=True)
    assert check_sites(frame)["position"].tolist() == [1]
    pd.testing.assert_frame_equal(frame, before)


def test_the_list_of_sites_has_no_coordinates(serve):
    client = serve()
    with pytest.raises(ConfigurationError, match="check_sites needs the columns latitude, long"):
        check_sites(sectorsdf.get_mining_sites(client=client))
    listed = sectorsdf.get_mining_sites(client=client)
    slugs = listed.dropna(subset="province")["slug"].unique().tolist()
    found = sectorsdf.check_sites(sectorsdf.get_mining_site(slugs[:9], client=client))
    assert found.columns.tolist() == COLUMNS


@pytest.mark.newest
def test_the_real_sites(real_data):
    frame = pd.json_normalize(reference.read_lines(real_data / "mining_sites.jsonl"))
    frame.columns = frame.columns.str.removeprefix("location.")
    assert check_sites(frame)["check"].value_counts().to_dict() == {
        "outside_regency": 5,
        "same_place": 4,
        "slug_of_several_companies": 4,
        "outside_province": 1,
    }
