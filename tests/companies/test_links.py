"""Links from licences to companies: exact ones and those of a person, never a similar name."""

from __future__ import annotations

import socket
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.companies import companies, details, edges, frames_of, licenses, slug_of, values

from sectorsdf.companies import (
    check_ownership,
    link_companies,
    owned_by,
    owners_of,
)
from sectorsdf.companies.links import LINK_COLUMNS, LINK_METHODS
from sectorsdf.errors import ConfigurationError
from sectorsdf.sandbox.sample import Sample

LINK = ("company_slug", "link_method")
RECORD = "licence_number: the licence is in the record of {}"
OWNER = ("symbol", "listed_slug", "hops", "effective_pct", "owners")


def linked(holder, *names, **arguments):
    frame = link_companies(licenses(holder), companies(*names), **arguments)
    (row,) = values(frame, *LINK)
    return row


# By name


@pytest.mark.parametrize(
    ("holder", "names", "expected"),
    [
        ("PT Contoh Bara", ["PT Contoh Bara"], ("pt-contoh-bara", "exact")),
        ("PT CONTOH BARA", ["PT Contoh Bara"], ("pt-contoh-bara", "cleaned")),
        ("Contoh Bara, PT.", ["PT Contoh Bara Tbk"], ("pt-contoh-bara-tbk", "cleaned")),
        ("PT ContohBara", ["PT Contoh Bara"], ("pt-contoh-bara", "cleaned")),
        ("CONTOH BARA", ["PT Contoh Bara"], ("pt-contoh-bara", "cleaned")),
        ("CONTOH BARA", ["PT Contoh Bara", "CV Contoh Bara"], (None, "none")),
        ("CV Contoh Bara", ["PT Contoh Bara"], (None, "none")),
        ("CV Contoh Bara", ["PT Contoh Bara", "CV Contoh Bara"], ("cv-contoh-bara", "exact")),
        ("PT Contoh Coal", ["Contoh Coal"], (None, "none")),
        ("PT Contoh Energi", ["PT Contoh Energy"], (None, "none")),
        ("PT Contoh Bara Abadi", ["PT Contoh Bara"], (None, "none")),
        # The same key twice: the equal name decides, or nothing.
        ("PT Contoh", ["PT Contoh", "PT. Contoh Tbk"], ("pt-contoh", "exact")),
        ("PT CONTOH", ["PT Contoh", "PT. Contoh Tbk"], (None, "none")),
    ],
)
def test_names(holder, names, expected):
    assert linked(holder, *names) == expected


def test_why_there_is_no_link():
    frame = link_companies(
        licenses("PT Lain", "SDR Contoh", "-", {"company_name": None}, "PT CONTOH"),
        companies("PT Contoh", "PT. Contoh Tbk"),
    )
    assert frame["reason_missing"].tolist() == [
        "the list has no company of this name",
        "the holder is a person",
        "the licence does not name its holder",
        "the licence does not name its holder",
        "several companies of the list have this name: pt-contoh, pt.-contoh-tbk",
    ]
    assert frame["owners"].isna().all()


def test_persons_are_never_linked():
    slug = "pt-contoh"
    row = {"company_name": "SDR Contoh", "company_slug": slug, "wiup_code": "1"}
    frame = link_companies(
        licenses(row), companies("PT Contoh", "SDR Contoh"), details=details((slug, "1"))
    )
    assert values(frame, *LINK, "contradictions") == [
        (
            None,
            "none",
            f"api: the API has the licence under {slug}; {RECORD.format(slug)}",
        )
    ]


# By the API, and by the records of the companies


def test_the_slug_of_the_register_is_used_and_a_contradiction_is_reported():
    rows = [
        {"company_name": "PT Contoh Bara", "company_slug": "pt-contoh-bara"},
        {"company_name": "PT Contoh Bara", "company_slug": "pt-other"},
        {"company_name": "PT Contoh Bara", "company_slug": "pt-not-in-the-list"},
    ]
    frame = link_companies(licenses(*rows), companies("PT Contoh Bara", "PT Other"))
    assert values(frame, *LINK, "company_name", "contradictions") == [
        ("pt-contoh-bara", "api", "PT Contoh Bara", None),
        ("pt-other", "api", "PT Other", "holder: the name is that of pt-contoh-bara"),
        ("pt-not-in-the-list", "api", None, "holder: the name is that of pt-contoh-bara"),
    ]


RECORDS = ["PT Parent", "PT Child", "PT Other"]


@pytest.mark.parametrize(
    ("holder", "api", "recorded", "expected"),
    [
        ("PT Child", None, ["pt-child"], ("pt-child", "licence_number", None)),
        ("PT Child", "pt-child", ["pt-child"], ("pt-child", "licence_number", None)),
        (
            "PT Child",
            None,
            ["pt-parent", "pt-child"],
            (
                "pt-child",
                "licence_number",
                RECORD.format("pt-parent"),
            ),
        ),
        (
            "PT Child",
            None,
            ["pt-parent"],
            ("pt-child", "exact", RECORD.format("pt-parent")),
        ),
        (
            "PT Child",
            "pt-child",
            ["pt-parent"],
            ("pt-child", "api", RECORD.format("pt-parent")),
        ),
        (
            "PT Former Name",
            None,
            ["pt-child"],
            (
                "pt-child",
                "licence_number",
                "holder: pt-child has another name, but its record lists the licence",
            ),
        ),
        (
            None,
            None,
            ["pt-child"],
            (
                "pt-child",
                "licence_number",
                "holder: pt-child is not named by the licence, but its record lists the licence",
            ),
        ),
        (
            "PT Former Name",
            None,
            ["pt-child", "pt-parent"],
            (None, "none", RECORD.format("pt-child, pt-parent")),
        ),
        (
            "PT Former Name",
            "pt-other",
            ["pt-child", "pt-other"],
            (
                "pt-other",
                "licence_number",
                RECORD.format("pt-child"),
            ),
        ),
        (
            "PT Child",
            "pt-other",
            ["pt-child"],
            ("pt-child", "licence_number", "api: the API has the licence under pt-other"),
        ),
    ],
)
def test_records_of_companies(holder, api, recorded, expected):
    row = {"company_name": holder, "company_slug": api, "wiup_code": "1"}
    frame = link_companies(
        licenses(row),
        companies(*RECORDS),
        details=details(*((slug, "1") for slug in recorded)),
    )
    assert values(frame, *LINK, "contradictions") == [expected]


def test_a_code_of_several_holders_proves_nothing_about_a_name():
    rows = [
        {"company_name": "PT One", "wiup_code": "1"},
        {"company_name": "PT Two", "wiup_code": "1"},
        {"company_name": "PT Child", "wiup_code": "2"},
        {"company_name": "PT Two", "wiup_code": "2"},
    ]
    frame = link_companies(
        licenses(*rows),
        companies(*RECORDS),
        details=details(("pt-child", "1"), ("pt-child", "2")),
    )
    assert frame["company_slug"].fillna("").tolist() == ["", "", "pt-child", ""]
    assert frame["contradictions"].notna().tolist() == [True, True, False, True]


# What does not agree, and the nearest listed owner


def test_commodity_and_province_that_contradict_are_reported():
    rows = [
        {"company_name": "PT Contoh", "commodity_type": "Limestone", "province": "Jambi"},
        {"company_name": "PT Contoh", "commodity_type": "Coal", "province": "Riau"},
        {"company_name": "PT Lain", "commodity_type": "Limestone", "province": "Jambi"},
    ]
    listed = companies({"name": "PT Contoh", "commodity_type": ["Coal", "Gold"]})
    frame = link_companies(licenses(*rows), listed)
    assert values(frame, "contradictions") == [
        ("commodity: Limestone, the company has Coal, Gold",),
        (None,),
        (None,),
    ]
    frame = link_companies(licenses(*rows), listed.assign(operation_province="Riau"))
    both = "commodity: Limestone, the company has Coal, Gold; province: Jambi, the company has Riau"
    assert values(frame, "contradictions") == [(both,), (None,), (None,)]


LISTED = {"pt-near": "CQNE.JK", "pt-big": "CQBI.JK", "pt-top": "CQTO.JK"}


def owner_of(*rows, symbol=None):
    frame = link_companies(
        licenses("PT Mine"),
        companies({"name": "PT Mine", "symbol": symbol}),
        edges(*rows, symbols=LISTED),
    )
    (row,) = values(frame, *OWNER)
    return row


def test_the_nearest_listed_owner_is_the_one_over_the_fewest_steps_then_the_largest():
    held = ("pt-near", "pt-mine", 20.0)
    larger = ("pt-big", "pt-mine", 55.0)
    above = ("pt-top", "pt-near", 100.0)
    assert owner_of(held, above) == ("CQNE.JK", "pt-near", 1, 20.0, 2)
    assert owner_of(held, larger, above) == ("CQBI.JK", "pt-big", 1, 55.0, 3)
    assert owner_of(("pt-a", "pt-mine", 50.0), ("pt-top", "pt-a", 30.0)) == (
        "CQTO.JK",
        "pt-top",
        2,
        15.0,
        1,
    )
    assert owner_of(held, symbol="CQMI.JK") == ("CQMI.JK", "pt-mine", 0, 100.0, 2)
    assert owner_of(("pt-a", "pt-mine", 50.0)) == (None, None, None, None, 0)


def test_a_share_that_is_missing_has_a_reason():
    frame = link_companies(
        licenses("PT Mine"),
        companies("PT Mine"),
        edges(("pt-near", "pt-mine", None), symbols=LISTED),
    )
    assert values(frame, "symbol", "effective_pct", "reason_missing") == [
        ("CQNE.JK", None, "the percentage of pt-mine that pt-near owns is missing")
    ]


def test_without_ownership_only_listed_companies_have_a_symbol():
    listed = companies({"name": "PT Contoh Tbk", "symbol": "CQAA.JK"}, "PT Lain")
    frame = link_companies(licenses("PT Contoh", "PT Lain"), listed)
    assert values(frame, *OWNER, "reason_missing") == [
        ("CQAA.JK", "pt-contoh-tbk", 0, 100.0, None, None),
        (
            None,
            None,
            None,
            None,
            None,
            "the company is not listed, and ownership was not passed",
        ),
    ]


# The frame


def test_rows_keep_their_order_index_and_code():
    rows = licenses({"company_name": "PT B", "wiup_code": None}, "PT A", "PT A").set_index(
        pd.Index(["x", "y", "x"], name="number")
    )
    frame = link_companies(rows, companies("PT A"))
    pd.testing.assert_index_equal(frame.index, rows.index)
    assert frame["position"].tolist() == [0, 1, 2]
    assert values(frame, "wiup_code", "holder", "company_slug") == [
        (None, "PT B", None),
        ("0000000000000001", "PT A", "pt-a"),
        ("0000000000000002", "PT A", "pt-a"),
    ]


@pytest.mark.parametrize("rows", [[], ["PT Lain"], ["PT Contoh"]])
def test_columns_and_dtypes_are_always_the_same(rows):
    for listed in (companies(), companies("PT Contoh")):
        for ownership in (None, edges(), edges(("a", "pt-contoh", 10.0))):
            frame = link_companies(licenses(*rows), listed, ownership)
            assert frame.dtypes.astype("string").to_dict() == LINK_COLUMNS
            assert len(frame) == len(rows)
            assert set(frame["link_method"]) <= set(LINK_METHODS)


def test_a_frame_of_names_and_codes_is_enough():
    rows = licenses("PT Contoh", "PT Lain")[["wiup_code", "company_name"]]
    frame = link_companies(rows, companies("PT Contoh")[["slug", "name", "symbol"]])
    assert values(frame, *LINK) == [("pt-contoh", "exact"), (None, "none")]


def test_the_frames_are_not_changed():
    frames = [
        licenses("PT CONTOH"),
        companies("PT Contoh"),
        edges(("a", "pt-contoh", 10.0)),
        details(("pt-contoh", "1")),
    ]
    copies = [frame.copy() for frame in frames]
    link_companies(*frames[:3], details=frames[3])
    for frame, copy in zip(frames, copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_frames_that_do_not_fit():
    listed, rows = companies("PT A"), licenses("PT A")
    with pytest.raises(
        ConfigurationError, match="licenses has no column wiup_code, company_name: pass"
    ):
        link_companies(listed, rows)
    with pytest.raises(ConfigurationError, match="companies has no column slug, name, symbol"):
        link_companies(rows, rows)
    with pytest.raises(ConfigurationError, match=r"ownership has no column .*pass a frame as get_"):
        link_companies(rows, listed, listed)
    with pytest.raises(ConfigurationError, match="details has no column wiup_code"):
        link_companies(rows, listed, details=listed)
    with pytest.raises(TypeError, match="companies must be a DataFrame as get_mining_companies"):
        link_companies(rows, "pt-a")


def test_an_object_frame_with_none_and_nan_reads_the_same():
    rows = pd.DataFrame(
        {"wiup_code": [None, float("nan"), pd.NA], "company_name": ["PT A", None, float("nan")]}
    ).assign(company_slug=[None, float("nan"), "pt-a"])
    listed = pd.DataFrame({"slug": ["pt-a"], "name": ["PT A"], "symbol": [float("nan")]})
    frame = link_companies(rows, listed)
    assert values(frame, *LINK) == [("pt-a", "exact"), (None, "none"), ("pt-a", "api")]


# Any order, and fast


NAMES = ("PT A", "PT B", "CV A", "PT C", "PT A Tbk")
LISTED_NAMES = companies(*NAMES).assign(symbol=["CQAA.JK", None, None, None, "CQAB.JK"])
RECORDED = details(("pt-b", f"{0:016d}"), ("pt-c", f"{0:016d}"), ("pt-c", f"{1:016d}"))


@settings(max_examples=examples(0.6), deadline=None)
@given(data=st.data())
def test_the_order_of_rows_and_edges_does_not_count(data):
    holders = data.draw(st.lists(st.sampled_from([*NAMES, "pt. a", "B, PT", "X"]), max_size=6))
    slugs = [*map(slug_of, NAMES), "top", "other"]
    ends = st.tuples(st.sampled_from(slugs), st.sampled_from(slugs))
    graph = data.draw(st.dictionaries(ends, st.sampled_from([None, 10.0, 60.0]), max_size=8))
    ownership = edges(
        *((*pair, share) for pair, share in graph.items()), symbols={"top": "CQTO.JK"}
    )
    rows = licenses(*holders)
    plain = link_companies(rows, LISTED_NAMES, ownership, details=RECORDED)
    order = data.draw(st.permutations(range(len(rows))))
    shuffled = link_companies(
        rows.iloc[order],
        *(frame.sample(frac=1, random_state=7) for frame in (LISTED_NAMES, ownership)),
        details=RECORDED.iloc[::-1],
    )
    expected = plain.iloc[order].assign(position=range(len(rows))).astype({"position": "Int64"})
    pd.testing.assert_frame_equal(shuffled, expected)


@pytest.fixture(scope="module")
def sample():
    return frames_of(Sample(2026).__getitem__)


def test_the_sample_has_links_of_every_kind(sample):
    frame = link_companies(**sample)
    methods = frame["link_method"].value_counts()
    assert set(methods.index) == set(LINK_METHODS) - {"api", "reviewed"}
    assert methods["cleaned"] == 12
    plain = link_companies(sample["licenses"], sample["companies"])
    assert (plain["link_method"] == "api").sum() > 150
    renamed = frame["contradictions"].str.contains("has another name", regex=False)
    assert renamed.sum() == 3
    assert set(frame["hops"].dropna()) == {0, 1, 2, 3, 4}
    assert frame["symbol"].nunique() > 30


def test_the_register_is_linked_in_well_under_half_a_second(sample):
    assert len(sample["licenses"]) > 4000
    assert len(sample["companies"]) > 360
    seconds = []
    for _ in range(3):
        start = time.process_time()
        link_companies(**sample)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def test_no_function_makes_a_request(sample, monkeypatch):
    def refuse(*_arguments, **_options):
        message = "a function of sectorsdf.companies opened a connection"
        raise AssertionError(message)

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    link_companies(**sample)
    owners_of(sample["companies"], sample["ownership"])
    owned_by(sample["companies"], sample["ownership"])
    check_ownership(sample["ownership"])
