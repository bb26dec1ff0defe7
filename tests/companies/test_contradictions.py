"""Which differences between a licence and its company count."""

from __future__ import annotations

import pandas as pd
import pytest

from sectorsdf.companies.contradictions import contradictions


def difference(**fields):
    names = ("commodity_type", "province", "commodity_types", "operation_province")
    rows = pd.DataFrame([{name: fields.get(name) for name in names}], dtype="string")
    (text,) = contradictions(rows).tolist()
    return None if pd.isna(text) else text


@pytest.mark.parametrize(
    ("licensed", "company", "differs"),
    [
        ("Coal", "Coal, Gold", False),
        ("coal", "Coal", False),
        ("Limestone", "Nickel", True),
        ("Bauxite", "Aluminium", False),
        ("Lead", "Zinc and Lead", False),
        ("Gold", "Copper, Zinc and Lead", True),
        ("Sand, Stone, Gravel", "Coal", True),
        ("Others", "Coal", False),
        (None, "Coal", False),
        ("Coal", None, False),
    ],
)
def test_commodities(licensed, company, differs):
    text = difference(commodity_type=licensed, commodity_types=company)
    assert text == (f"commodity: {licensed}, the company has {company}" if differs else None)


@pytest.mark.parametrize(
    ("licensed", "company", "differs"),
    [
        ("Jambi", "Jambi", False),
        ("Jambi", "Riau", True),
        ("Jambi", "Jakarta", False),
        ("Jambi", "DKI Jakarta", False),
        ("Kalimantan Tengah, Kalimantan Timur", "Kalimantan Timur", False),
        ("Kalimantan Tengah, Kalimantan Timur", "Kalimantan Barat", True),
        ("Daerah Istimewa Yogyakarta", "Yogyakarta", False),
        ("Kep Bangka Belitung", "Kepulauan Bangka Belitung", False),
        # Provinces that were divided in 2022.
        ("Papua Tengah", "Papua", False),
        ("Papua Barat Daya", "Papua Barat", False),
        ("Papua Barat Daya", "Papua", True),
        (None, "Riau", False),
        ("Riau", None, False),
    ],
)
def test_provinces(licensed, company, differs):
    text = difference(province=licensed, operation_province=company)
    assert text == (f"province: {licensed}, the company has {company}" if differs else None)
