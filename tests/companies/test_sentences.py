"""The sentence about a cover has its figures, both bounds, and says what is missing."""

from __future__ import annotations

import pandas as pd
import pytest

from sectorsdf.companies import cover_sentences
from sectorsdf.companies.cover import COVER_COLUMNS
from sectorsdf.errors import ConfigurationError

DAY = "2026-01-01"
MADE = {
    "symbol": "CQAA.JK",
    "commodity_type": "Coal",
    "production_year": 2025,
    "attributable_production": 13.24,
    "production_unit": "Mt",
    "producing_subsidiaries": 5,
    "linked_subsidiaries": 3,
    "licenses": 4,
    "attributable_hectares": 12_345.6,
    "hectares_share_36m": 0.25,
    "production_share_36m_min": 0.62,
    "production_share_36m_max": 0.62,
}


def cover(**changes):
    row = {**dict.fromkeys(COVER_COLUMNS), **MADE, **changes}
    return pd.DataFrame([row]).astype(COVER_COLUMNS)


def sentence(**changes):
    return cover_sentences(cover(**changes), as_of=DAY).item()


def test_a_share_that_is_known():
    assert sentence() == (
        "62 % of CQAA's attributable coal production (13.2 Mt in 2025) is under licences that end "
        "before 2029; 3 of 5 producing companies linked."
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, 1.0, "Between 0 % and 100 % of"),
        (0.0, 0.004, "Between 0 % and less than 1 % of"),
        (0.999, 1.0, "Between more than 99 % and 100 % of"),
        (0.624, 0.6241, "62 % of"),
        (1.0, 1.0, "100 % of"),
        (1 - 1e-12, 1.0, "100 % of"),
    ],
)
def test_bounds_are_both_named_where_they_differ(low, high, words):
    text = sentence(production_share_36m_min=low, production_share_36m_max=high)
    assert text.startswith(f"{words} CQAA's attributable coal production")


def test_other_months_and_days():
    frame = cover(production_share_12m_min=0.1, production_share_12m_max=0.3)
    text = cover_sentences(frame, as_of="2025-08-31", months=12).item()
    assert text.startswith("Between 10 % and 30 %")
    assert "before 2026-08-31" in text


def test_a_share_that_is_not_known():
    missing = {"production_share_36m_min": None, "production_share_36m_max": None}
    text = sentence(**missing, linked_subsidiaries=0)
    assert text == (
        "How much of CQAA's attributable coal production (13.2 Mt in 2025) is under licences that "
        "end before 2029 is not known; 0 of 5 producing companies linked."
    )


def test_a_production_that_cannot_be_stated_has_its_reason_and_no_other():
    reason = "the companies report in several units (Mt, ton)"
    text = sentence(
        attributable_production=None,
        reason_missing=f"{reason}; no licence has a Clear and Clean status; resources were not "
        "passed; licences without an area",
    )
    assert text == (
        f"CQAA's attributable coal production of 2025 cannot be stated: {reason}; 3 of 5 producing "
        "companies linked."
    )


def test_without_production_the_sentence_is_about_the_area():
    none = {"production_year": None, "attributable_production": None}
    assert sentence(**none) == (
        "No coal production is reported for CQAA; 25 % of the area of its 4 linked licences "
        "(12,346 ha by share) is under licences that end before 2029."
    )
    assert "the area of its linked licence (12,346 ha" in sentence(**none, licenses=1)
    text = sentence(**none, attributable_hectares=None)
    assert "which part of the area of its 4 linked licences ends when is not known" in text
    assert "No other mineral production" in sentence(**none, commodity_type="Others")
    assert sentence(**none, licenses=0).endswith("for CQAA; no licence is linked.")


def test_companies_that_report_a_part_of_what_the_listed_company_reports():
    assert sentence(reported_share=0.631).endswith(
        "linked; these companies report 63 % of what CQAA reports itself."
    )
    assert sentence(reported_share=0.97) == sentence()


def test_it_has_the_rows_of_the_cover_and_changes_nothing():
    frame = pd.concat([cover(), cover(symbol="CQBB.JK")]).set_axis([7, 3])
    kept = frame.copy(deep=True)
    texts = cover_sentences(frame, as_of=DAY)
    assert texts.index.tolist() == [7, 3]
    assert (str(texts.dtype), texts.name) == ("string", "sentence")
    pd.testing.assert_frame_equal(frame, kept)
    assert cover_sentences(frame.head(0), as_of=DAY).empty


def test_what_cannot_be_said_is_refused():
    with pytest.raises(ValueError, match="months=18: a cover has figures for 12, 24, 36"):
        cover_sentences(cover(), as_of=DAY, months=18)
    with pytest.raises(ConfigurationError, match="cover has no column symbol"):
        cover_sentences(pd.DataFrame({"a": [1]}), as_of=DAY)
    with pytest.raises(TypeError, match="cover must be a DataFrame"):
        cover_sentences([], as_of=DAY)
