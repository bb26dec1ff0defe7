"""Edges of ownership that cannot be right are reported, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.companies import edges, values

from sectorsdf.companies import check_ownership

COLUMNS = ["key", "check", "message", "expected", "found"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b", 100.0), ("b", "c", 5.0), ("x", "c", 95.0)], []),
        ([("a", "b", 40.0), ("b", "c", 40.0), ("c", "a", 40.0), ("c", "d", 1.0)], ["a, b, c"]),
        ([("a", "a", 10.0)], ["a"]),
        (
            [("a", "b", 1.0), ("b", "a", 1.0), ("b", "c", 1.0), ("c", "d", 1.0), ("d", "c", 1.0)],
            ["a, b", "c, d"],
        ),
    ],
)
def test_circles(rows, expected):
    findings = check_ownership(edges(*rows))
    assert findings["key"].tolist() == expected
    assert set(findings["check"]) <= {"circle"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b", None)], [("a > b", "percentage_missing", "none")]),
        ([("a", "b", 0.0)], [("a > b", "percentage_bounds", "0 %")]),
        ([("a", "b", 100.5)], [("a > b", "percentage_bounds", "100.5 %")]),
        (
            [("a", "b", 60.0), ("a", "b", 55.0)],
            [("a > b", "percentage_differs", "55 % and 60 %")],
        ),
        ([("a", "b", 60.0), ("a", "b", 60.0)], []),
        ([("a", "b", 50.0), ("c", "b", 50.05)], []),
        (
            [("a", "b", 50.0), ("c", "b", 49.0), ("d", "b", 2.0)],
            [("b", "sum_above_100", "101 %")],
        ),
        (
            [("c", "b", 51.0), ("a", "b", 60.0)],
            [
                ("b", "sum_above_100", "111 %"),
                ("b", "two_majorities", "a (60 %) and c (51 %)"),
            ],
        ),
    ],
)
def test_percentages(rows, expected):
    assert values(check_ownership(edges(*rows)), "key", "check", "found") == expected


def test_columns_and_dtypes_are_always_the_same():
    for frame in (check_ownership(edges()), check_ownership(edges(("a", "a", None)))):
        assert list(frame.columns) == COLUMNS
        assert {str(dtype) for dtype in frame.dtypes} == {"string"}


NODES = st.sampled_from("abcdef")


@settings(max_examples=examples(), deadline=None)
@given(pairs=st.sets(st.tuples(NODES, NODES), max_size=10), data=st.data())
def test_every_company_on_a_circle_is_reported_once(pairs, data):
    def reaches(start):
        found, waiting = set(), [start]
        while waiting:
            node = waiting.pop()
            for parent, child in pairs:
                if parent == node and child not in found:
                    found.add(child)
                    waiting.append(child)
        return found

    rows = [(*pair, 10.0) for pair in data.draw(st.permutations(sorted(pairs)))]
    findings = check_ownership(edges(*rows))
    circles = findings.loc[findings["check"] == "circle", "key"].str.split(", ").tolist()
    on_circles = sorted(node for circle in circles for node in circle)
    assert on_circles == [node for node in "abcdef" if node in reaches(node)]
    for circle in circles:
        assert all(set(circle) <= reaches(node) for node in circle)
