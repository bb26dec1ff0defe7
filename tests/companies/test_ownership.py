"""Owners and what they own: shares along paths, in any order of the edges, and with circles."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.companies import companies, edges, values

from sectorsdf.companies import owned_by, owners_of
from sectorsdf.companies import ownership as module
from sectorsdf.errors import ConfigurationError

DTYPES = {
    "slug": "string",
    "owner_slug": "string",
    "name": "string",
    "symbol": "string",
    "is_listed": "boolean",
    "hops": "Int64",
    "effective_pct": "float64",
    "path": "string",
    "reason_missing": "string",
}
SHOWN = ("owner_slug", "hops", "effective_pct", "path")


def test_a_share_is_the_product_along_a_path_and_the_sum_over_paths():
    graph = edges(
        ("top", "left", 60.0),
        ("top", "right", 50.0),
        ("left", "mine", 40.0),
        ("right", "mine", 30.0),
        ("above", "top", 51.0),
    )
    assert values(owners_of("mine", graph), *SHOWN) == [
        ("left", 1, 40.0, "left > mine"),
        ("right", 1, 30.0, "right > mine"),
        ("top", 2, pytest.approx(24 + 15), "top > left > mine"),
        ("above", 3, pytest.approx(39 * 0.51), "above > top > left > mine"),
    ]
    assert values(owned_by("top", graph), "owned_slug", "hops", "effective_pct", "path") == [
        ("left", 1, 60.0, "top > left"),
        ("right", 1, 50.0, "top > right"),
        ("mine", 2, pytest.approx(39.0), "top > left > mine"),
    ]


def test_the_path_is_the_strongest_one_and_the_hops_are_the_fewest():
    graph = edges(("top", "mine", 1.0), ("top", "middle", 90.0), ("middle", "mine", 90.0))
    (row,) = [r for r in values(owners_of("mine", graph), *SHOWN) if r[0] == "top"]
    assert row == ("top", 1, pytest.approx(82.0), "top > middle > mine")


def test_a_missing_percentage_makes_the_share_missing_with_a_reason():
    graph = edges(("top", "middle", None), ("middle", "mine", 50.0), ("top", "mine", 10.0))
    owners = owners_of("mine", graph).set_index("owner_slug")
    assert owners.loc["middle", "effective_pct"] == 50
    assert pd.isna(owners.loc["top", "effective_pct"])
    assert owners.loc["top", "reason_missing"] == (
        "the percentage of middle that top owns is missing"
    )
    assert owners.loc["top", "path"] == "top > mine"
    assert pd.isna(owners.loc["middle", "reason_missing"])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("a", "b", 120.0)], "the percentage of b that a owns is 120, outside 0 to 100"),
        ([("a", "b", -1.0)], "the percentage of b that a owns is -1, outside 0 to 100"),
        ([("a", "b", 60.0), ("a", "b", 40.0)], "the percentage of b that a owns is stated differ"),
        (
            [("a", "x", 100.0), ("a", "y", 100.0), ("x", "b", 80.0), ("y", "b", 70.0)],
            "the shares along the paths add up to 150 %",
        ),
    ],
)
def test_percentages_that_cannot_be_used(rows, reason):
    owners = owners_of("b", edges(*rows)).set_index("owner_slug")
    assert pd.isna(owners.loc["a", "effective_pct"])
    assert owners.loc["a", "reason_missing"].startswith(reason)


def test_sums_that_exceed_100_by_rounding_are_100():
    graph = edges(("a", "x", 100.0), ("a", "y", 100.0), ("x", "b", 50.01), ("y", "b", 50.01))
    owners = owners_of("b", graph).set_index("owner_slug")
    assert owners.loc["a", "effective_pct"] == 100


def test_circles_end():
    graph = edges(("a", "b", 50.0), ("b", "a", 50.0), ("a", "a", 10.0), ("c", "a", 20.0))
    assert values(owners_of("b", graph), *SHOWN) == [
        ("a", 1, 50.0, "a > b"),
        ("c", 2, 10.0, "c > a > b"),
    ]
    assert values(owned_by("b", graph), "owned_slug", "hops", "effective_pct") == [("a", 1, 50.0)]


def test_too_many_paths_are_reported(monkeypatch):
    monkeypatch.setattr(module, "_MOST_PATHS", 5)
    layers = [["s"], ["a1", "a2"], ["b1", "b2"], ["c1", "c2"]]
    rows = [
        (upper, lower, 10.0)
        for lowers, uppers in itertools.pairwise(layers)
        for lower in lowers
        for upper in uppers
    ]
    owners = owners_of("s", edges(*rows))
    assert set(owners["owner_slug"]) == {"a1", "a2", "b1", "b2", "c1", "c2"}
    assert owners["effective_pct"].isna().all()
    assert owners["reason_missing"].str.contains("more than 5 paths").all()


def test_names_and_symbols_come_from_any_edge():
    graph = edges(("a", "b", 10.0), ("b", "c", 10.0), symbols={"a": "CQAA.JK"})
    graph.loc[1, "parent_name"] = "PT B"
    rows = values(owners_of("c", graph), "owner_slug", "name", "symbol", "is_listed")
    assert rows == [("b", "PT B", None, False), ("a", None, "CQAA.JK", True)]


def test_several_slugs_keep_their_order_and_unknown_ones_give_no_row():
    graph = edges(("a", "b", 10.0), ("a", "c", 10.0))
    slugs = pd.DataFrame({"slug": ["c", "unknown", "b", None, "c"]})
    assert owners_of(slugs, graph)["slug"].tolist() == ["c", "b"]
    assert owners_of(iter(["b", "c"]), graph)["slug"].tolist() == ["b", "c"]


@pytest.mark.parametrize("slugs", ["nobody", [], "b"])
def test_columns_and_dtypes_are_always_the_same(slugs):
    for graph in (edges(), edges(("a", "b", None))):
        frame = owners_of(slugs, graph)
        assert frame.dtypes.astype("string").to_dict() == DTYPES
        owned = owned_by(slugs, graph)
        names = ["owned_slug" if name == "owner_slug" else name for name in DTYPES]
        assert list(owned.columns) == names


def test_input_that_does_not_fit():
    with pytest.raises(ConfigurationError, match="ownership has no column parent_slug"):
        owners_of("a", companies("PT A"))
    with pytest.raises(TypeError, match="ownership must be a DataFrame as get_mining_company_own"):
        owned_by("a", [("a", "b")])
    with pytest.raises(ConfigurationError, match="slugs has no column slug"):
        owners_of(edges(), edges())
    with pytest.raises(ConfigurationError, match=r"'AADI\.JK' is not a slug but may be a ticker"):
        owned_by("AADI.JK", edges())
    with pytest.raises(TypeError, match="a slug must be a text, not int: 3"):
        owners_of([3], edges())


NODES = "abcdefgh"


def plain(rows):
    """Return edges with the necessary columns only, as a user could write them."""
    columns = ["parent_slug", "child_slug", "percentage_ownership"]
    return pd.DataFrame(list(rows), columns=columns)


@st.composite
def forests(draw):
    """Return edges in which each company has one owner at most, and no circle."""
    rows = []
    for number, child in enumerate(NODES[1:], start=1):
        parent = draw(st.sampled_from([None, *NODES[:number]]))
        if parent is not None:
            rows.append((parent, child, draw(st.integers(1, 100)) * 1.0))
    return rows


@settings(max_examples=examples(), deadline=None)
@given(rows=forests(), data=st.data())
def test_a_forest_gives_what_a_plain_recursion_gives(rows, data):
    def above(slug):
        found = {}
        for parent, child, percentage in rows:
            if child == slug:
                found[parent] = (1, percentage)
                for owner, (hops, share) in above(parent).items():
                    found[owner] = (hops + 1, share * percentage / 100)
        return found

    shuffled = plain(data.draw(st.permutations(rows)))
    owners = owners_of(list(NODES), shuffled)
    expected = {(slug, owner): pair for slug in NODES for owner, pair in above(slug).items()}
    found = {
        row[:2]: row[2:] for row in values(owners, "slug", "owner_slug", "hops", "effective_pct")
    }
    assert found == {pair: (hops, pytest.approx(share)) for pair, (hops, share) in expected.items()}
    below = values(owned_by(list(NODES), shuffled), "owned_slug", "slug", "hops", "effective_pct")
    assert {row[:2]: (row[2], pytest.approx(row[3])) for row in below} == found
    pd.testing.assert_frame_equal(owners, owners_of(list(NODES), plain(rows)))


ANY_EDGES = st.dictionaries(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")),
    st.one_of(st.none(), st.integers(1, 30).map(float)),
    max_size=9,
)


@settings(max_examples=examples(), deadline=None)
@given(graph=ANY_EDGES)
def test_any_graph_gives_the_sum_over_its_simple_paths(graph):
    def paths(slug, seen):
        for (parent, child), percentage in graph.items():
            if child == slug and parent not in seen:
                yield (parent,), percentage
                for rest, share in paths(parent, {*seen, parent}):
                    both = None if None in (share, percentage) else share * percentage / 100
                    yield (parent, *rest), both

    expected = {}
    for path, share in paths("a", {"a"}):
        expected.setdefault(path[-1], []).append((len(path), share))
    owners = owners_of("a", plain((*pair, share) for pair, share in graph.items()))
    assert set(owners["owner_slug"]) == set(expected)
    for owner, hops, share in values(owners, "owner_slug", "hops", "effective_pct"):
        lengths, shares = zip(*expected[owner], strict=True)
        assert hops == min(lengths)
        assert share == (None if None in shares else pytest.approx(sum(shares)))
