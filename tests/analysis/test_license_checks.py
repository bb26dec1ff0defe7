"""Licences that are expired, exceed the law, or contradict their code are found, and no others."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference
from support.budgets import examples

import sectorsdf
from sectorsdf.analysis.license_caps import CAPS
from sectorsdf.analysis.license_checks import check_licenses
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.errors import ConfigurationError
from sectorsdf.frames.builder import FrameBuilder

DAY = "2025-08-31"
COLUMNS = ["position", "wiup_code", "company_name", "check", "message", "expected", "found"]
GOOD = {
    "wiup_code": "3364083032016901",
    "license_type": "IUP",
    "province": "Kalimantan Timur",
    "city": "Kabupaten Kutai Timur",
    "license_effective_date": "2016-08-31",
    "license_expiry_date": "2036-08-31",
    "activity": "Operasi Produksi",
    "licensed_area_ha": 15000.0,
    "commodity_type": "Coal",
    "company_name": "PT Contoh",
}
CODES = {"coal": "303", "metal": "212", "non-metal": "405", "rock": "540"}
COMMODITIES = {"coal": "Coal", "metal": "Nickel", "non-metal": "Limestone", "rock": "Granite"}


def licenses(*changes):
    builder = FrameBuilder(MINING_LICENSES)
    builder.add([{**dict.fromkeys(MINING_LICENSES.fields), **GOOD, **each} for each in changes])
    return builder.frame({})


def checks(*changes, as_of=DAY):
    return check_licenses(licenses(*changes), as_of)["check"].tolist()


def only(**change):
    findings = check_licenses(licenses(change), DAY)
    assert len(findings) == 1, findings["check"].tolist()
    return findings.iloc[0]


def test_a_licence_without_a_flaw_gives_no_finding():
    findings = check_licenses(licenses({}), date(2025, 8, 31))
    assert findings.empty
    assert findings.columns.tolist() == COLUMNS


def test_columns_and_dtypes_are_always_the_same():
    frames = [licenses({})[:0], licenses({}), licenses({"license_expiry_date": "2020-01-01"})]
    dtypes = [check_licenses(frame, DAY).dtypes.to_dict() for frame in frames]
    assert dtypes[0] == dtypes[1] == dtypes[2]
    assert {str(dtype).split("[")[0] for dtype in dtypes[0].values()} == {"Int64", "string"}


def test_the_last_day_is_valid_and_the_next_is_not():
    assert checks({"license_expiry_date": "2025-08-31"}) == []
    row = only(license_expiry_date="2025-08-30")
    assert row["check"] == "expired_but_listed"
    assert row["message"] == "expired 1 day before 2025-08-31 and still listed"
    assert (row["expected"], row["found"]) == ("2025-08-31 or later", "2025-08-30")


def test_the_first_day_can_be_too_late():
    assert checks({"license_effective_date": "2025-08-31"}) == []
    assert only(license_effective_date="2025-09-01")["check"] == "not_yet_effective"
    both = checks({"license_effective_date": "2024-01-02", "license_expiry_date": "2024-01-01"})
    assert both == ["expired_but_listed", "effective_after_expiry"]


@pytest.mark.parametrize(("license_type", "activity", "kind"), list(CAPS))
def test_the_caps_of_the_law(license_type, activity, kind):
    cap = CAPS[license_type, activity, kind]
    kind = kind or "rock"
    row = {
        "license_type": license_type,
        "activity": activity or "Operasi Produksi",
        "wiup_code": f"336408{CODES[kind]}2016901",
        "commodity_type": COMMODITIES[kind],
        "license_effective_date": "2024-02-29",
        "license_expiry_date": f"{2024 + cap.years}-02-28",
        "licensed_area_ha": cap.hectares or 1e6,
    }
    assert checks(row) == []
    long = only(**{**row, "license_expiry_date": f"{2024 + cap.years}-03-01"})
    assert (long["check"], long["expected"]) == ("term_above_cap", f"at most {cap.years} years")
    assert cap.years_article in long["message"]
    if cap.hectares:
        wide = only(**{**row, "licensed_area_ha": cap.hectares + 0.5})
        assert (wide["check"], cap.area_article in wide["message"]) == ("area_above_cap", True)
        assert wide["expected"] == f"at most {cap.hectares:,.0f} ha"
        assert wide["found"] == f"{cap.hectares + 0.5:,.2f} ha"


@pytest.mark.parametrize(
    "change",
    [
        # Granted before the law, a contract, and a commodity whose cap is unknown.
        {"license_effective_date": "2009-01-11"},
        {"license_type": "KK"},
        {"license_type": "PKP2B"},
        {"commodity_type": "Others"},
        {"commodity_type": None},
        {"license_effective_date": None},
    ],
)
def test_the_caps_are_not_applied_to_what_they_do_not_cover(change):
    huge = {"license_expiry_date": "2099-01-01", "licensed_area_ha": 1e6}
    assert checks({**huge}) == ["term_above_cap", "area_above_cap"]
    assert checks({**huge, **change}) == []


@pytest.mark.parametrize(
    ("change", "check", "expected", "found"),
    [
        ({"wiup_code": "3364083032016"}, "code_invalid", "16 digits", "3364083032016"),
        ({"province": "Aceh"}, "code_province", "Aceh", "Kalimantan Timur (64)"),
        ({"commodity_type": "Gold"}, "code_commodity", "Gold", "303 (coal)"),
        (
            {"commodity_type": "Non-Metallic Mineral"},
            "non_metallic_with_other_code",
            "Non-Metallic Mineral",
            "303 (coal)",
        ),
    ],
)
def test_a_code_that_contradicts_its_row(change, check, expected, found):
    row = only(**change)
    assert (row["check"], row["expected"], row["found"]) == (check, expected, found)


def test_a_non_metallic_mineral_with_the_code_of_a_metal():
    row = only(commodity_type="Non-Metallic Mineral", wiup_code="3364082122016901")
    assert (row["check"], row["found"]) == ("non_metallic_with_other_code", "212 (metal)")
    assert "asphalt" not in row["message"]
    assert "asphalt" in only(commodity_type="Non-Metallic Mineral")["message"]


def test_a_code_with_another_content_is_reported_once_for_each_later_row():
    other = {"company_name": "PT Lain", "licensed_area_ha": 100.0}
    findings = check_licenses(licenses({}, {}, other, {"wiup_code": None}), DAY)
    rows = findings[findings["check"] == "duplicate_code"]
    assert rows["position"].tolist() == [2]
    assert rows["message"].tolist() == [
        "an earlier row has this code, with another licensed_area_ha, company_name"
    ]
    assert rows["expected"].tolist() == ["15000.0; PT Contoh"]
    assert rows["found"].tolist() == ["100.0; PT Lain"]


def cities(*names, province="Kalimantan Timur"):
    frame = licenses(*({"city": name, "province": province} for name in names))
    findings = check_licenses(frame, DAY)
    findings = findings[findings["check"] == "city_spelling"]
    return findings[["position", "expected", "found"]].to_numpy().tolist()


def test_one_regency_in_two_spellings():
    official = "Kabupaten Kutai Timur"
    assert cities(official, "Kutai Timur", "KutaiTimur") == [
        [1, official, "Kutai Timur"],
        [2, official, "KutaiTimur"],
    ]
    # One spelling is no finding, whichever it is, and a regency and a city of one name are two.
    assert cities("Kutai Timur", "Kutai Timur") == []
    assert cities("Kabupaten Bogor", "Kota Bogor", province="Jawa Barat") == []
    assert cities("Kabupaten Bogor", "Bogor", province="Jawa Barat") == [
        [1, "Kabupaten Bogor or Kota Bogor", "Bogor"]
    ]
    assert cities("Kutai Timur, Berau", official, "Kabupaten Berau", None) == [
        [0, "Kabupaten Kutai Timur; Kabupaten Berau", "Kutai Timur; Berau"]
    ]
    assert cities("Contoh", "CONTOH", official) == []


def test_findings_are_in_the_order_of_the_rows_and_have_their_keys():
    frame = licenses(
        {"license_expiry_date": "2020-01-01", "province": "Aceh"},
        {"wiup_code": "3364083032016902"},
        {"wiup_code": "1", "company_name": None},
    ).set_index(pd.Index(["x", "y", "z"]))
    before = frame.copy(deep=True)
    findings = check_licenses(frame, DAY)
    assert findings["check"].tolist() == ["expired_but_listed", "code_province", "code_invalid"]
    assert findings["position"].tolist() == [0, 0, 2]
    assert findings["wiup_code"].tolist() == [GOOD["wiup_code"]] * 2 + ["1"]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("as_of", [None, "", "yesterday", "31/08/2025", pd.NaT, 20250831])
def test_a_day_that_is_none_is_refused(as_of):
    with pytest.raises(ValueError, match="as_of must be a day such as '2025-08-31'"):
        check_licenses(licenses({}), as_of)


def test_a_frame_of_another_dataset_is_refused():
    with pytest.raises(ConfigurationError, match="check_licenses needs the columns wiup_code, "):
        check_licenses(pd.DataFrame({"slug": ["a"]}), DAY)


def test_what_is_no_frame_of_texts_is_refused():
    with pytest.raises(TypeError, match="a DataFrame is needed, not list"):
        check_licenses([], DAY)
    numbers = licenses({}).assign(wiup_code=[3364083032016901])
    with pytest.raises(TypeError, match="as numbers, codes lose leading zeros"):
        check_licenses(numbers, DAY)


@settings(max_examples=examples(0.3), deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_count(order):
    frame = licenses(
        {"wiup_code": "3364083032016902", "license_expiry_date": "2020-01-01"},
        {"wiup_code": "3364083032016903", "city": "Kutai Timur"},
        {"wiup_code": "3364083032016904", "province": "Aceh"},
        {"wiup_code": "3364083032016905", "licensed_area_ha": 15001.0},
        {"wiup_code": "12"},
        {"wiup_code": "3364083032016906"},
    )
    columns = ["wiup_code", "check", "message", "expected", "found"]
    shuffled = check_licenses(frame.iloc[order], DAY).sort_values(columns, ignore_index=True)
    due = check_licenses(frame, DAY).sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(shuffled[columns], due[columns])
    assert len(due) == 5


def test_the_sandbox_has_findings(serve):
    register = sectorsdf.get_mining_licenses(client=serve())
    findings = sectorsdf.check_licenses(register, "2026-01-15")
    assert "expired_but_listed" in set(findings["check"])
    assert findings["position"].between(0, len(register) - 1).all()


@pytest.mark.newest
def test_the_real_register(real_data):
    register = pd.DataFrame(reference.read_lines(real_data / "mining_licenses.jsonl"))
    findings = check_licenses(register, DAY)
    assert findings["check"].value_counts().to_dict() == {
        "city_spelling": 1164,
        "term_above_cap": 150,
        "expired_but_listed": 100,
        "non_metallic_with_other_code": 56,
        "code_invalid": 31,
        "area_above_cap": 14,
        "code_province": 11,
        "code_commodity": 9,
        "not_yet_effective": 6,
    }
