"""What listed companies' production stands on: sums by hand, bounds, and reasons in words."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.companies import edges, framed, frames_of, read, values

from sectorsdf.companies import license_cover, link_companies, owned_by
from sectorsdf.companies.cover import COVER_COLUMNS
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.errors import ConfigurationError

DAY = "2026-01-01"
LISTED = {"top": "TOP.JK", "peer": "PEER.JK"}
RESERVES = {"stage": "reserves", "category": "total", "component": "coal", "measure": "tonnage"}


def licenses(*rows):
    """Return licences from (company, last day, hectares) and further fields."""
    fields = [
        {
            "wiup_code": f"{number:016d}",
            "company_name": company,
            "company_slug": company,
            "license_expiry_date": last,
            "licensed_area_ha": hectares,
            "commodity_type": "Coal",
            "activity": "Operasi Produksi",
            "cnc": "CNC",
            **(more[0] if more else {}),
        }
        for number, (company, last, hectares, *more) in enumerate(rows)
    ]
    return framed(MINING_LICENSES, fields)


def performance(*rows):
    """Return production from (company, volume) and further fields."""
    usual = {"year": 2025, "commodity_type": "Coal", "unit": "Mt"}
    records = [
        {"slug": company, "production_volume": volume, **usual, **(more[0] if more else {})}
        for company, volume, *more in rows
    ]
    columns = ["slug", "year", "commodity_type", "production_volume", "unit"]
    types = dict.fromkeys(columns, "string") | {"year": "Int64", "production_volume": "float64"}
    return pd.DataFrame(records, columns=columns).astype(types)


def resources(*rows):
    """Return reserves from (company, value) and further fields."""
    usual = {"year": 2025, "commodity_type": "Coal", "unit": "Mt", "verified": None, **RESERVES}
    records = [
        {"slug": company, "value": value, "measurement_year": 2024, **usual, **dict(*more)}
        for company, value, *more in rows
    ]
    columns = ["slug", "value", "measurement_year", *usual]
    numbers = {"year": "Int64", "measurement_year": "Int64", "value": "float64"}
    types = dict.fromkeys(columns, "string") | numbers | {"verified": "boolean"}
    return pd.DataFrame(records, columns=columns).astype(types)


def cover(register, produced, owned=None, **options):
    """Return the cover, with links over the same ownership."""
    slugs = sorted({*register["company_slug"].dropna(), *produced["slug"], *LISTED})
    companies = pd.DataFrame({"slug": slugs, "name": slugs}).astype("string")
    companies["symbol"] = companies["slug"].map(LISTED).astype("string")
    links = link_companies(register, companies, owned)
    return license_cover(register, links, produced, as_of=DAY, ownership=owned, **options)


def group(*rows):
    return edges(*rows, symbols=LISTED)


def only(*args, **options):
    frame = cover(*args, **options)
    assert len(frame) == 1, values(frame, "symbol", "commodity_type")
    return frame.iloc[0]


TWO_MINES = group(("top", "a", 60.0), ("top", "b", 100.0))
TWO_LICENSES = licenses(("a", "2027-06-30", 3000.0), ("b", "2040-06-30", 1000.0))


def test_the_figures_of_two_mines_by_hand():
    row = only(TWO_LICENSES, performance(("a", 5.0), ("b", 1.0)), TWO_MINES)
    assert row["symbol"] == "TOP.JK"
    assert (row["listed_slug"], row["commodity_type"], row["production_year"]) == (
        "top",
        "Coal",
        2025,
    )
    assert (row["attributable_production"], row["production_unit"]) == (4.0, "Mt")
    counts = ("producing_subsidiaries", "linked_subsidiaries", "coverage", "licenses")
    assert [row[name] for name in counts] == [2, 2, 1.0, 2]
    assert (row["hectares"], row["attributable_hectares"]) == (4000.0, 2800.0)
    days = [
        (date(2027, 6, 30) - date(2026, 1, 1)).days,
        (date(2040, 6, 30) - date(2026, 1, 1)).days,
    ]
    first, last = (count / 365.25 for count in days)
    assert row["area_weighted_years"] == pytest.approx((1800 * first + 1000 * last) / 2800)
    for bound in ("min", "max"):
        years = row[f"production_weighted_years_{bound}"]
        assert years == pytest.approx((3 * first + last) / 4)
        shares = [row[f"production_share_{months}m_{bound}"] for months in (12, 24, 36)]
        assert shares == [0.0, 0.75, 0.75]
    hectares = [row[f"hectares_share_{months}m"] for months in (12, 24, 36)]
    assert hectares == [0.0, pytest.approx(1800 / 2800), pytest.approx(1800 / 2800)]
    assert (row["not_cnc_share"], row["linked_production_share"]) == (0.0, 1.0)
    assert row["reason_missing"] == "resources were not passed"


def test_a_company_with_several_licences_has_bounds():
    register = licenses(
        ("a", "2026-06-30", 10.0), ("a", "2030-06-30", 10.0), ("b", "2026-03-31", 10.0)
    )
    row = only(
        register,
        performance(("a", 6.0), ("b", 2.0), ("c", 2.0)),
        group(("top", "a", 100.0), ("top", "b", 100.0), ("top", "c", 100.0)),
    )
    # At least that of b. At most that of all: nobody knows what c has.
    assert row["production_share_12m_min"] == pytest.approx(0.2)
    assert row["production_share_12m_max"] == pytest.approx(1.0)
    assert row["linked_production_share"] == pytest.approx(0.8)
    assert (row["linked_subsidiaries"], row["coverage"]) == (2, pytest.approx(2 / 3))
    assert row["production_weighted_years_min"] < row["production_weighted_years_max"]


def test_what_a_holding_reports_is_not_counted_twice():
    owned = group(("top", "middle", 50.0), ("middle", "a", 80.0), ("middle", "b", 100.0))
    produced = performance(("top", 30.0), ("middle", 20.0), ("a", 10.0), ("b", 5.0))
    row = only(TWO_LICENSES, produced, owned)
    assert row["attributable_production"] == pytest.approx(10 * 0.4 + 5 * 0.5)
    assert (row["reported_production"], row["reported_share"]) == (30.0, 0.5)
    assert row["producing_subsidiaries"] == 2
    # A holding whose mines do not report counts itself, by its share.
    row = only(TWO_LICENSES, performance(("middle", 20.0)), owned)
    assert row["attributable_production"] == 10.0
    assert pd.isna(row["reported_production"])
    assert row["linked_subsidiaries"] == 0
    assert "no producing company has a production licence linked" in row["reason_missing"]
    assert pd.isna(row["production_share_12m_max"])


def test_only_the_latest_year_counts():
    produced = performance(("a", 9.0, {"year": 2023}), ("a", 5.0), ("b", 7.0, {"year": 2024}))
    row = only(TWO_LICENSES, produced, TWO_MINES)
    assert (row["production_year"], row["attributable_production"]) == (2025, 3.0)
    assert row["producing_subsidiaries"] == 1


def test_a_listed_company_that_only_the_list_names():
    produced = performance(("top", 10.0))
    assert cover(TWO_LICENSES, produced).empty
    companies = pd.DataFrame({"slug": ["top", "a"], "symbol": ["TOP.JK", None]})
    row = only(TWO_LICENSES, produced, companies=companies)
    assert (row["symbol"], row["attributable_production"], row["coverage"]) == ("TOP.JK", 10.0, 0)
    with pytest.raises(ConfigurationError, match="companies has no column symbol"):
        cover(TWO_LICENSES, produced, companies=companies[["slug"]])


def test_every_listed_owner_has_its_part():
    owned = group(("top", "a", 60.0), ("peer", "a", 40.0), ("peer", "top", 10.0))
    frame = cover(licenses(("a", "2030-01-01", 100.0)), performance(("a", 10.0)), owned)
    assert values(frame, "symbol", "attributable_production", "attributable_hectares") == [
        ("PEER.JK", pytest.approx(4.6), pytest.approx(46.0)),
        ("TOP.JK", pytest.approx(6.0), pytest.approx(60.0)),
    ]
    # Without ownership, the links know the nearest one only.
    register = licenses(("top", "2030-01-01", 100.0))
    frame = cover(register, performance(("top", 10.0), ("a", 7.0)))
    assert values(frame, "symbol", "attributable_production") == [("TOP.JK", 10.0)]


@pytest.mark.parametrize(
    ("produced", "reason"),
    [
        (
            performance(("a", 5.0), ("b", 1.0, {"unit": "koz"})),
            "the companies report in several units (Mt, koz)",
        ),
        (
            performance(("a", 5.0), ("a", 7.0, {"unit": "ton"}), ("b", 1.0)),
            "a: production is in several units (Mt, ton)",
        ),
        (performance(("a", 5.0, {"unit": None})), "a: the unit of production is missing"),
    ],
)
def test_units_are_never_mixed(produced, reason):
    row = only(TWO_LICENSES, produced, TWO_MINES)
    missing = ("attributable_production", "production_share_36m_min", "linked_production_share")
    assert all(pd.isna(row[name]) for name in missing)
    assert row["reason_missing"].startswith(reason)
    # What licences say does not depend on production.
    assert row["attributable_hectares"] == 2800.0


def test_kinds_of_coal_are_added_and_stages_of_a_metal_are_not():
    assert only(TWO_LICENSES, performance(("a", 5.0), ("a", 2.0)), TWO_MINES)[
        "attributable_production"
    ] == pytest.approx(4.2)
    nickel = {"commodity_type": "Nickel", "unit": "ton"}
    register = licenses(("a", "2030-01-01", 10.0, {"commodity_type": "Nickel"}))
    row = only(register, performance(("a", 5.0, nickel), ("a", 2.0, nickel)), TWO_MINES)
    assert pd.isna(row["attributable_production"])
    assert row["reason_missing"].startswith("a: production is in several rows, which can be stages")


def test_a_commodity_without_licence_and_one_without_production():
    gold = {"commodity_type": "Gold", "unit": "koz"}
    frame = cover(TWO_LICENSES, performance(("a", 5.0, gold)), TWO_MINES)
    assert values(frame, "commodity_type", "licenses", "attributable_production") == [
        ("Coal", 2, None),
        ("Gold", 0, 3.0),
    ]
    coal, gold_reason = frame["reason_missing"]
    assert coal == "no production is reported"
    assert gold_reason.startswith("no licence for the commodity is linked")
    assert pd.isna(frame.loc[1, "hectares"])


def test_an_expired_licence_has_no_years_left_and_ends_at_once():
    row = only(
        licenses(("a", "2025-06-30", 10.0), ("a", "2025-12-31", 10.0)),
        performance(("a", 1.0)),
        TWO_MINES,
    )
    assert (row["expired_but_listed"], row["area_weighted_years"]) == (2, 0.0)
    assert row["hectares_share_12m"] == row["production_share_12m_min"] == 1.0


def test_an_exploration_licence_carries_no_production():
    exploring = {"activity": "Eksplorasi"}
    row = only(licenses(("a", "2026-06-30", 10.0, exploring)), performance(("a", 1.0)), TWO_MINES)
    assert (row["licenses"], row["linked_subsidiaries"]) == (1, 0)
    assert pd.isna(row["production_share_12m_min"])


def test_clear_and_clean_is_of_the_licences_with_a_status():
    register = licenses(
        *(("a", "2030-01-01", 10.0, {"cnc": cnc}) for cnc in ("CNC", "CnC", "CNC-27")),
        ("a", "2030-01-01", 10.0, {"cnc": "I.T"}),
        ("a", "2030-01-01", 500.0, {"cnc": None}),
    )
    assert only(register, performance(), TWO_MINES)["not_cnc_share"] == pytest.approx(0.25)
    row = only(licenses(("a", "2030-01-01", 10.0, {"cnc": None})), performance(), TWO_MINES)
    assert pd.isna(row["not_cnc_share"])
    assert "no licence has a Clear and Clean status" in row["reason_missing"]


@pytest.mark.parametrize(
    ("change", "missing", "reason"),
    [
        ({"licensed_area_ha": None}, "hectares", "licences without an area"),
        ({"license_expiry_date": None}, "area_weighted_years", "licences without a last day"),
    ],
)
def test_a_licence_that_lacks_a_figure_makes_the_sum_missing(change, missing, reason):
    register = licenses(("a", "2030-01-01", 10.0), ("b", "2030-01-01", 10.0, change))
    row = only(register, performance(), TWO_MINES)
    assert pd.isna(row[missing])
    assert pd.isna(row["hectares_share_12m"])
    assert reason in row["reason_missing"]


def test_a_share_that_is_not_known_makes_the_sum_missing():
    owned = group(("top", "a", None), ("top", "b", 100.0))
    row = only(TWO_LICENSES, performance(("a", 5.0), ("b", 1.0)), owned)
    assert pd.isna(row["attributable_production"])
    assert pd.isna(row["attributable_hectares"])
    assert row["hectares"] == 4000.0
    assert row["reason_missing"].startswith("a: ")
    assert "licences without an effective share" in row["reason_missing"]


def test_reserves_are_divided_by_the_production_of_the_same_mines():
    produced = performance(("a", 5.0), ("b", 1.0))
    figures = resources(
        ("a", 40.0),
        ("a", 10.0),
        ("a", 999.0, {"year": 2024}),
        ("a", 999.0, {"year": 2026}),
        ("a", 999.0, {"stage": "resources"}),
        ("a", 999.0, {"category": "proven"}),
        ("a", 999.0, {"verified": True}),
        ("b", 999.0, {"unit": "wmt"}),
        ("b", 999.0, {"component": "Au"}),
        ("top", 999.0),
    )
    row = only(TWO_LICENSES, produced, TWO_MINES, resources=figures)
    assert (row["attributable_reserves"], row["reserves_companies"]) == (30.0, 1)
    assert (row["reserves_years"], row["estimate_year"]) == (10.0, 2024)
    assert pd.isna(row["reason_missing"])
    row = only(TWO_LICENSES, produced, TWO_MINES, resources=figures[:0])
    assert row["reason_missing"] == "no producing company has reserves in the unit of production"


EMPTY = (licenses(), performance(), group(), resources())


@pytest.mark.parametrize("kept", ["none", "licences", "production", "ownership"])
def test_columns_and_dtypes_are_always_the_same(kept):
    register, produced, owned, figures = EMPTY
    if kept == "licences":
        register = TWO_LICENSES
    if kept == "production":
        produced = performance(("a", 1.0))
    if kept == "ownership":
        owned, produced = TWO_MINES, performance(("a", 1.0))
    for options in ({"owned": owned, "resources": figures}, {}):
        frame = cover(register, produced, **options)
        found = {name: str(dtype).split("[")[0] for name, dtype in frame.dtypes.items()}
        assert found == COVER_COLUMNS
        assert len(frame) == (kept == "ownership" and bool(options))


def test_links_of_other_licences_are_refused():
    links = link_companies(TWO_LICENSES, pd.DataFrame({"slug": [], "name": [], "symbol": []}))
    message = "links must have one row for each licence, in the same order"
    for other in (links[:1], links[::-1]):
        with pytest.raises(ConfigurationError, match=message):
            license_cover(TWO_LICENSES, other, performance(), as_of=DAY)
    with pytest.raises(ConfigurationError, match="performance has no column slug"):
        license_cover(TWO_LICENSES, links, TWO_LICENSES, as_of=DAY)
    with pytest.raises(ValueError, match="as_of must be a day"):
        license_cover(TWO_LICENSES, links, performance(), as_of="soon")


MINES = ("a", "b", "c", "d")
LICENSE = st.tuples(
    st.sampled_from(MINES),
    st.dates(date(2024, 1, 1), date(2040, 12, 31)).map(str),
    st.integers(1, 20_000).map(float),
)
PRODUCTION = st.dictionaries(st.sampled_from(MINES), st.integers(1, 500).map(float), max_size=4)
SHARES = st.dictionaries(st.sampled_from(MINES), st.integers(1, 100).map(float), max_size=4)


@settings(max_examples=examples(0.3), deadline=None)
@given(st.lists(LICENSE, max_size=6), PRODUCTION, SHARES, st.randoms(use_true_random=False))
def test_a_plain_computation_gives_the_same_and_the_order_does_not_count(rows, made, owned, random):
    register, produced = licenses(*rows), performance(*made.items())
    owned_edges = group(*(("top", mine, share) for mine, share in owned.items()))
    frame = cover(register, produced, owned_edges)
    order = random.sample(range(len(rows)), len(rows))
    turned = cover(register.iloc[order], produced[::-1], owned_edges[::-1])
    pd.testing.assert_frame_equal(frame, turned, check_exact=True)
    mine = [row for row in rows if row[0] in owned]
    known = {name: volume for name, volume in made.items() if name in owned}
    assert len(frame) == bool(mine or known)
    if len(frame):
        _compare(frame.iloc[0], mine, known, {name: owned[name] / 100 for name in owned})


def _compare(row, rows, made, shares):
    """Compare one row of the cover with sums in plain Python."""
    assert row["licenses"] == len(rows)
    area = sum(hectares * shares[name] for name, _, hectares in rows)
    total = sum(volume * shares[name] for name, volume in made.items())
    if rows:
        assert row["attributable_hectares"] == pytest.approx(area)
    if made:
        assert row["attributable_production"] == pytest.approx(total)
    for months in (12, 24, 36):
        end = date(2026 + months // 12, 1, 1).isoformat()
        if rows:
            ending = sum(hectares * shares[name] for name, last, hectares in rows if last < end)
            assert row[f"hectares_share_{months}m"] == pytest.approx(ending / area)
        ends = {name: [last < end for other, last, _ in rows if other == name] for name in made}
        low = sum(
            made[name] * shares[name] for name, all_of in ends.items() if all_of and all(all_of)
        )
        high = sum(
            made[name] * shares[name] for name, all_of in ends.items() if not all_of or any(all_of)
        )
        if any(ends.values()):
            assert row[f"production_share_{months}m_min"] == pytest.approx(low / total)
            assert row[f"production_share_{months}m_max"] == pytest.approx(high / total)
        else:
            assert pd.isna(row[f"production_share_{months}m_min"])


@pytest.mark.newest
def test_the_real_companies(real_data):
    frames = frames_of(lambda name: read(real_data, name))
    produced = [
        {"slug": record["key"]["slug"], **row, **row["commodity_stats"]}
        for record in read(real_data, "mining_company_performance")
        for row in record["answer"]["data"]
    ]
    columns = ["slug", "year", "commodity_type", "production_volume", "unit"]
    register = frames["licenses"].assign(
        license_expiry_date=lambda rows: pd.to_datetime(rows["license_expiry_date"])
    )
    links = link_companies(
        register, frames["companies"], frames["ownership"], details=frames["details"]
    )
    frame = license_cover(
        register,
        links,
        pd.DataFrame(produced)[columns],
        as_of="2025-08-31",
        ownership=frames["ownership"],
    )
    assert len(frame) == 49
    shares = {
        (owner, other): share / 100
        for owner, other, share in values(
            owned_by(frame["listed_slug"].unique().tolist(), frames["ownership"]),
            *("slug", "owned_slug", "effective_pct"),
        )
    }
    shares |= {(slug, slug): 1.0 for slug in frame["listed_slug"]}
    below = {
        (owner, other)
        for owner, other in values(
            owned_by(frames["companies"]["slug"].tolist(), frames["ownership"]),
            *("slug", "owned_slug"),
        )
    }
    register = register.assign(slug=links["company_slug"])
    compared = 0
    for row in frame.to_dict("records"):
        group_of = {
            other: share for (owner, other), share in shares.items() if owner == row["listed_slug"]
        }
        held = [
            (hectares, group_of[slug])
            for slug, hectares, commodity in values(
                register, "slug", "licensed_area_ha", "commodity_type"
            )
            if slug in group_of and commodity == row["commodity_type"]
        ]
        assert row["licenses"] == len(held)
        if held:
            area = sum(hectares * share for hectares, share in held)
            assert row["attributable_hectares"] == pytest.approx(area)
        if pd.isna(row["attributable_production"]):
            continue
        made = {
            entry["slug"]: entry["production_volume"]
            for entry in produced
            if entry["slug"] in group_of
            and (entry["year"], entry["commodity_type"])
            == (row["production_year"], row["commodity_type"])
            and entry["production_volume"]
        }
        mines = [slug for slug in made if not any((slug, other) in below for other in made)]
        total = sum(made[slug] * group_of[slug] for slug in mines)
        assert row["attributable_production"] == pytest.approx(total)
        assert row["producing_subsidiaries"] == len(mines)
        compared += 1
    assert compared == frame["attributable_production"].notna().sum() > 20
