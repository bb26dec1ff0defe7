"""The flaws of the API's own data are found, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
from support import reference_answers

from sectorsdf.analysis.company_checks import (
    check_breakdown,
    check_companies,
    check_company_licenses,
    check_destinations,
)
from sectorsdf.datasets.companies import (
    MINING_COMPANIES,
    MINING_COMPANY_BREAKDOWN,
    MINING_COMPANY_FINANCIALS,
    MINING_COMPANY_LICENSES,
    MINING_COMPANY_OWNERSHIP,
)
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.trade import MINING_SALES_DESTINATIONS
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.unpack import UNPACKERS

TEXTS = {"check", "message", "expected", "found"}


def framed(dataset, rows):
    columns = [column.name for column in dataset.columns]
    builder = FrameBuilder(dataset)
    builder.add([{**dict.fromkeys(dataset.fields), **row} for row in rows])
    frame = builder.frame({})
    assert list(frame.columns) == columns
    return frame


def companies(*names):
    slugs = [name.lower().replace(" ", "-") for name in names]
    rows = [{"slug": slug, "name": name} for slug, name in zip(slugs, names, strict=True)]
    return framed(MINING_COMPANIES, rows)


def edges(*pairs):
    rows = [{"parent_slug": parent, "child_slug": child} for parent, child in pairs]
    return framed(MINING_COMPANY_OWNERSHIP, rows)


def found(findings, *columns):
    frame = findings[list(columns)].astype("object")
    return [tuple(row) for row in frame.where(frame.notna(), None).itertuples(index=False)]


# Companies


@pytest.mark.parametrize(
    ("name", "other", "check"),
    [
        ("PT International Prima Coal", "PT Internasional Prima Coal", "similar_name"),
        ("PT Anugerah Energi", "PT Anugrah Energy", "similar_name"),
        ("PT Pada Idi", "PT. PADA-IDI Tbk", "same_name"),
        ("PT Perkasapratama", "PT Perkasa Pratama", "same_name"),
        ("PT Berau Coal", "PT Barau Coal", "similar_name"),
        # One word more, two edits in a word, a short word, a number, or another first letter.
        ("PT Adaro Indonesia", "PT Adaro Andalan Indonesia Tbk", None),
        ("PT Sumber Barito Coal", "PT Sumbur Baritu Koal", None),
        ("PT Kalimantan Jaya", "PT Kalomontan Jaya", None),
        ("PT Duta Tambang", "PT Dutu Tambang", None),
        ("PT Tambang Utama1", "PT Tambang Utama2", None),
        ("PT Sentosa Bara", "PT Bentosa Bara", None),
        ("PT", "CV", None),
    ],
)
def test_one_firm_under_two_spellings_is_reported(name, other, check):
    findings = check_companies(companies(name, other))
    assert findings["check"].tolist() == ([] if check is None else [check])
    if check:
        assert found(findings, "name", "other_name") == [(name, other)]


def test_the_owners_of_both_spellings_are_shown():
    names = ["PT International Prima Coal", "PT Internasional Prima Coal"]
    slugs = [name.lower().replace(" ", "-") for name in names]
    ownership = edges(("pt-a", slugs[0]), ("pt-b", slugs[1]), ("pt-c", slugs[1]))
    findings = check_companies(companies(*names), ownership)
    assert found(findings, "slug", "other_slug", "expected", "found") == [
        (*slugs, "pt-b, pt-c", "pt-a")
    ]
    assert findings["message"].tolist() == [
        "the names are similar, with other owners; it may be one firm"
    ]
    same = check_companies(companies(*names), edges(("pt-a", slugs[0]), ("pt-a", slugs[1])))
    assert "the owner is the same" in same["message"][0]
    unowned = check_companies(companies(*names), edges(("pt-a", slugs[0])))
    assert found(unowned, "expected", "found") == [(None, "pt-a")]


def test_a_company_and_its_owner_are_two_firms():
    names = ["PT Bukit Makmur", "PT Bukit Makmur Tbk"]
    slugs = [name.lower().replace(" ", "-") for name in names]
    assert len(check_companies(companies(*names))) == 1
    for ends in (slugs, reversed(slugs)):
        assert check_companies(companies(*names), edges(tuple(ends))).empty


# Licences of companies


def listed(*pairs):
    return framed(MINING_COMPANY_LICENSES, [{"slug": s, "wiup_code": code} for s, code in pairs])


def register(*pairs):
    rows = [{"company_slug": slug, "wiup_code": code} for slug, code in pairs]
    return framed(MINING_LICENSES, rows)


def test_a_licence_of_another_company_is_reported():
    licenses = register(("pt-anak", "1"), ("pt-induk", "2"), (None, "3"))
    listing = listed(("pt-induk", "1"), ("pt-induk", "2"), ("pt-induk", "3"), ("pt-induk", "4"))
    findings = check_company_licenses(listing, licenses)
    assert found(findings, "slug", "wiup_code", "check", "expected", "found") == [
        ("pt-induk", "1", "other_company", "pt-anak", "pt-induk")
    ]


def test_a_licence_of_several_companies_is_reported_for_each():
    listing = listed(("pt-induk", "1"), ("pt-anak", "1"), ("pt-anak", "1"), ("pt-anak", "2"))
    findings = check_company_licenses(listing, register(("pt-anak", "1")))
    assert found(findings, "slug", "check", "expected", "found") == [
        ("pt-induk", "other_company", "pt-anak", "pt-induk"),
        ("pt-induk", "several_companies", None, "pt-anak, pt-induk"),
        ("pt-anak", "several_companies", None, "pt-anak, pt-induk"),
    ]


# Sales destinations


def destinations(**entries):
    names = ("volume", "percentage_of_sales_volume", "percentage_of_total_revenue")
    data = {
        place.replace("_", " "): {"unit": "Mt", **dict(zip(names, values, strict=True))}
        for place, values in entries.items()
    }
    answer = {"year": 2024, "data": data}
    rows = UNPACKERS["sales_destinations"](answer, {"slug": "pt-contoh"}).rows
    return framed(MINING_SALES_DESTINATIONS, rows)


def test_regions_are_reported():
    frame = destinations(China=(None, None, 60.0), Others=(None, None, 40.0))
    findings = check_destinations(frame)
    assert found(findings, "slug", "year", "destination", "check", "found") == [
        ("pt-contoh", 2024, "Others", "region", None)
    ]


def test_the_whole_volume_on_one_destination_is_reported():
    whole = destinations(Bangladesh=(42.89, 4.0, None), China=(None, 96.0, None))
    findings = check_destinations(whole)
    assert found(findings, "destination", "check", "expected", "found", "unit") == [
        ("Bangladesh", "whole_volume", 42.89 * 0.04, 42.89, "Mt")
    ]
    for entries in (
        {"Bangladesh": (42.89, 100.0, None)},
        {"Bangladesh": (42.89, None, None), "China": (None, 100.0, None)},
        {"Bangladesh": (4.0, 4.0, None), "China": (96.0, 96.0, None)},
    ):
        assert check_destinations(destinations(**entries)).empty


@pytest.mark.parametrize(
    ("shares", "total"),
    [
        ([33.0, 33.0, 33.0], None),
        ([33.3, 33.3, 33.3], None),
        ([33.33, 33.33, 33.0], 99.66),
        ([50.0, 60.0], 110.0),
        ([48.0, None], 48.0),
        ([None, None], None),
    ],
)
def test_shares_add_up_to_a_hundred_but_for_rounding(shares, total):
    entries = {f"P{i}": (None, share, None) for i, share in enumerate(shares)}
    findings = check_destinations(destinations(**entries))
    if total is None:
        assert findings.empty
    else:
        assert findings["found"].tolist() == [pytest.approx(total)]
        assert found(findings, "destination", "check", "expected", "unit") == [
            (None, "shares", 100.0, "%")
        ]
        missing = "1 of 2 destinations have none" in findings["message"][0]
        assert missing == (None in shares)


# Breakdowns


def checked_breakdown(statement, items, total, units="USD"):
    rows = [
        {"slug": "a", "year": 2024, "statement": statement, "item": item, "value": value}
        | {"unit": "%" if item.endswith("_pct") else units}
        for item, value in items.items()
    ]
    totals = [{"slug": "a", "year": 2024, f"{statement}_usd": total}]
    return check_breakdown(
        framed(MINING_COMPANY_BREAKDOWN, rows), framed(MINING_COMPANY_FINANCIALS, totals)
    )


@pytest.mark.parametrize(
    ("statement", "items", "total", "expected"),
    [
        ("revenue", {"coal": 5732.11e6, "others": 183.3e6}, 5915e6, []),
        # The total is cut at a million and not rounded.
        ("revenue", {"coal": 5015.98e6}, 5015e6, []),
        ("revenue", {"coal": 1.2e9, "others": 0.5e9}, 1.5e9, [(None, "items_above_total", 1.7e9)]),
        ("revenue", {"coal": 1.2e9}, 1.5e9, [(None, "items_below_total", 1.2e9)]),
        ("cost_of_revenue", {"royalty": 1.2e9}, 1.5e9, []),
        (
            "revenue",
            {"mining": 1.0e9, "others": 1957.0e6},
            1086e6,
            [(None, "items_above_total", 2957e6), ("others", "item_above_total", 1957e6)],
        ),
        ("revenue", {"coal_pct": 88.0, "non_coal_pct": 12.0, "coal": 3e9}, 3e9, []),
        ("revenue", {"coal_pct": 88.0, "non_coal_pct": 2.0}, 3e9, [(None, "percentages", 90.0)]),
        ("revenue", {"coal": None}, 3e9, []),
        ("revenue", {"coal": 3e9}, None, []),
        ("revenue", {"coal": 7.0}, 7.25, [(None, "items_below_total", 7.0)]),
        ("revenue", {"coal": 0.0}, 0.0, []),
    ],
)
def test_items_are_compared_with_their_total(statement, items, total, expected):
    findings = checked_breakdown(statement, items, total)
    assert found(findings, "item", "check", "found") == expected
    assert set(findings["statement"]) <= {statement}


def test_items_without_a_total_are_not_compared():
    rows = [{"slug": "a", "year": 2024, "statement": "opex", "item": "rent", "value": 1.0}]
    rows.append({**rows[0], "statement": "revenue", "year": 2020})
    breakdown = framed(MINING_COMPANY_BREAKDOWN, [{**row, "unit": "USD"} for row in rows])
    totals = framed(MINING_COMPANY_FINANCIALS, [{"slug": "a", "year": 2024, "revenue_usd": 0.0}])
    assert check_breakdown(breakdown, totals).empty


# All of them


def test_findings_have_the_same_types_also_where_there_are_none():
    names = ["PT International Prima Coal", "PT Internasional Prima Coal"]
    licences = register(("pt-anak", "1"))
    both = [
        (check_companies(companies()), check_companies(companies(*names))),
        (
            check_company_licenses(listed(), licences),
            check_company_licenses(listed(("pt-induk", "1")), licences),
        ),
        (
            check_destinations(destinations()),
            check_destinations(destinations(Others=(1.0, 5.0, 1.0), China=(None, 9.0, 1.0))),
        ),
        (
            checked_breakdown("revenue", {}, 1.0),
            checked_breakdown("revenue", {"coal": 5.0}, 1.0),
        ),
    ]
    for empty, full in both:
        assert empty.empty
        assert len(full)
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()
        assert set(full.columns) >= TEXTS
        assert full["message"].notna().all()


def test_frames_are_not_changed_and_any_index_will_do():
    frame = destinations(Others=(1.0, 5.0, 1.0), China=(None, 9.0, 1.0))
    shuffled = frame.iloc[::-1].set_axis([7, 7])
    before = shuffled.copy()
    assert len(check_destinations(shuffled)) == len(check_destinations(frame))
    pd.testing.assert_frame_equal(shuffled, before)


def real(real_data, dataset, file):
    answers = reference_answers.answers(real_data, file)
    rows = [row for key, answer in answers for row in UNPACKERS[dataset.unpack](answer, key).rows]
    return framed(dataset, rows)


def test_the_flaws_of_the_real_data_are_found(real_data):
    sold = check_destinations(
        real(real_data, MINING_SALES_DESTINATIONS, "mining_sales_destination")
    )
    whole = sold[sold["check"] == "whole_volume"]
    assert found(whole, "slug", "destination", "found") == [
        ("pt-bukit-asam-tbk", "Bangladesh", 42.89)
    ]
    assert {"Others", "Northeast Asia"} <= set(sold.loc[sold["check"] == "region", "destination"])
    file = "mining_company_financials"
    items = check_breakdown(
        real(real_data, MINING_COMPANY_BREAKDOWN, file),
        real(real_data, MINING_COMPANY_FINANCIALS, file),
    )
    above = items.loc[
        (items["check"] == "items_above_total") & (items["statement"] == "revenue"), "slug"
    ]
    assert {"pt-adaro-minerals-indonesia-tbk", "pt-indika-energy-tbk"} <= set(above)
    assert not items["slug"].isin(["pt-adaro-andalan-indonesia-tbk"]).any()
    _, records = next(iter(reference_answers.answers(real_data, "mining_companies")))
    firms = framed(MINING_COMPANIES, records)
    assert check_companies(firms).empty
    twin = "PT Internasional Prima Coal"
    both = [*records, {**records[0], "slug": "twin", "name": twin}]
    findings = check_companies(framed(MINING_COMPANIES, both))
    assert found(findings, "slug", "other_slug") == [("pt-international-prima-coal", "twin")]


@pytest.mark.parametrize(
    ("check", "getter"),
    [
        (check_companies, "companies"),
        (lambda other: check_companies(companies(), other), "company_ownership"),
        (lambda other: check_company_licenses(other, other), "company_licenses"),
        (check_destinations, "sales_destinations"),
        (lambda other: check_breakdown(other, other), "company_breakdown"),
    ],
    ids=["companies", "ownership", "licenses", "destinations", "breakdown"],
)
def test_a_frame_of_another_dataset_is_refused(check, getter):
    with pytest.raises(ValueError, match=f"no column .*; get_mining_{getter} returns them"):
        check(pd.DataFrame({"a": [1]}))
    with pytest.raises(TypeError, match="a DataFrame is needed"):
        check([])
