"""The names of provinces."""

from __future__ import annotations

import pytest

from sectorsdf import places

pytestmark = pytest.mark.newest


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kalimantan Timur", "Kalimantan Timur"),
        ("East Kalimantan", "Kalimantan Timur"),
        (" KALTIM ", "Kalimantan Timur"),
        ("NTB", "Nusa Tenggara Barat"),
        ("Jakarta", "DKI Jakarta"),
        ("Papua Barat Daya", "Papua Barat Daya"),
        ("Southwest Papua", "Papua Barat Daya"),
        ("Irian Jaya", "Papua"),
        ("D.I. Yogyakarta", "Yogyakarta"),
        ("Daerah Istimewa Yogyakarta", "Yogyakarta"),
        ("Kep. Bangka Belitung", "Kepulauan Bangka Belitung"),
        ("Provinsi Sumatra Utara", "Sumatera Utara"),
        ("West Java Province", "Jawa Barat"),
    ],
)
def test_any_name_of_a_province_gives_the_apis(text, name):
    assert places.province_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "Kalimantan", "Atlantis", "Aceh, Riau", "Kalimantan Timor", None, 64, float("nan")]
)
def test_no_name_is_guessed(text):
    assert places.province_name(text) is None


def test_no_name_belongs_to_two_provinces():
    for row in places.provinces().itertuples():
        others = row.other_names.split("; ") if isinstance(row.other_names, str) else []
        for text in (row.name, row.english_name, *others):
            assert places.province_name(text) == row.name


def test_names_come_in_the_order_of_the_codes():
    assert list(places.province_names()) == places.provinces()["name"].tolist()
