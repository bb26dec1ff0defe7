"""Suggestions: similar names with their scores, for holders without a link only."""

from __future__ import annotations

import sys

import pytest
from support.companies import companies, licenses, values

from sectorsdf.companies import suggest_links
from sectorsdf.errors import ConfigurationError, MissingExtraError

pytest.importorskip("rapidfuzz")

DTYPES = {
    "holder": "string",
    "legal_form": "string",
    "licenses": "Int64",
    "commodity_types": "string",
    "provinces": "string",
    "rank": "Int64",
    "company_slug": "string",
    "company_name": "string",
    "company_legal_form": "string",
    "company_commodity_types": "string",
    "ratio": "float64",
    "token_set_ratio": "float64",
    "confirmed": "boolean",
}
LISTED = ("PT Contoh Energy Abadi", "PT Contoh Energy Utama", "PT Lain")


def test_suggestions_with_what_a_person_needs_to_decide():
    register = licenses(
        {"company_name": "CV Contoh Energi Abadi", "commodity_type": "Coal", "province": "Riau"},
        {"company_name": "CV Contoh Energi Abadi", "commodity_type": "Clay", "province": "Jambi"},
    )
    listed = companies({"name": "PT Contoh Energy Abadi", "commodity_type": ["Coal"]}, "PT Lain")
    frame = suggest_links(register, listed)
    columns = [name for name in DTYPES if "ratio" not in name]
    assert values(frame, *columns) == [
        (
            *("CV Contoh Energi Abadi", "CV", 2, "Clay; Coal", "Jambi; Riau", 1),
            *("pt-contoh-energy-abadi", "PT Contoh Energy Abadi", "PT", "Coal", None),
        )
    ]
    assert frame["ratio"].between(90, 99).all()


def test_who_has_a_link_or_is_a_person_is_left_out():
    register = licenses(
        "PT Contoh Energy Abadi",
        "PT. LAIN",
        "SDR Contoh Energy Abadi",
        "-",
        {"company_name": "PT Contoh Energi Abadi", "company_slug": "pt-lain"},
        {"company_name": None},
    )
    assert suggest_links(register, companies(*LISTED), min_score=0).empty


def test_limit_rank_and_lowest_score():
    register = licenses("PT Contoh Energi Abadi", "PT Contoh Energi Lestari")
    frame = suggest_links(register, companies(*LISTED), min_score=0)
    assert frame["rank"].tolist().count(1) == 2
    assert len(frame) == 6
    assert frame["ratio"].is_monotonic_decreasing
    one = suggest_links(register, companies(*LISTED), min_score=0, limit=1)
    assert one["rank"].tolist() == [1, 1]
    high = suggest_links(register, companies(*LISTED), min_score=90)
    assert values(high, "holder", "company_slug") == [
        ("PT Contoh Energi Abadi", "pt-contoh-energy-abadi")
    ]


def test_a_name_inside_a_name_has_a_high_score_by_its_words():
    frame = suggest_links(licenses("PT Lain Lagi Sejahtera"), companies(*LISTED))
    assert values(frame, "company_slug", "token_set_ratio") == [("pt-lain", 100.0)]
    assert frame["ratio"].item() < 50


@pytest.mark.parametrize("names", [[], ["PT Sama Sekali Lain"], ["PT Contoh Energi Abadi"]])
def test_columns_and_dtypes_are_always_the_same(names):
    for listed in (companies(), companies(*LISTED)):
        frame = suggest_links(licenses(*names), listed)
        assert frame.dtypes.astype("string").to_dict() == DTYPES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be a whole number of at least 1, not 0"),
        ({"limit": True}, "limit must be a whole number"),
        ({"limit": 2.5}, "limit must be a whole number"),
        ({"min_score": 101}, "min_score must be a number from 0 to 100, not 101"),
        ({"min_score": float("nan")}, "min_score must be a number from 0 to 100, not nan"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        suggest_links(licenses(), companies(), **arguments)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(MissingExtraError, match=r'pip install "sectorsdf\[link\]"'):
        suggest_links(licenses("PT A"), companies("PT B"))
