"""The synthetic register over several months, and the truth beside it."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date

import pytest

from sectorsdf import sandbox

SIZE = 900


@pytest.fixture(scope="module")
def months():
    return list(sandbox.months(14, licenses=SIZE))


def by_code(records):
    """Records by code, without those whose code another one has."""
    counts = Counter(record["wiup_code"] for record in records)
    return {r["wiup_code"]: r for r in records if counts[r["wiup_code"]] == 1}


def test_the_first_month_is_the_sample(months):
    with sandbox.Sandbox(licenses=SIZE) as server:
        assert months[0].records == server.records("mining_licenses")
    assert months[0].truth == []
    assert [month.day for month in months[:2]] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert [month.day for month in months[11:]] == [
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    ]


def test_a_seed_gives_the_same_months(months):
    assert list(sandbox.months(3, licenses=SIZE)) == months[:3]
    assert list(sandbox.months(3, licenses=SIZE, seed=1))[1:] != months[1:3]


def test_the_truth_is_the_difference_of_the_records(months):
    for before, after in itertools.pairwise(months):
        old, new = by_code(before.records), by_code(after.records)
        added = {entry["wiup_code"] for entry in after.truth if entry["change"] == "added"}
        removed = {entry["wiup_code"] for entry in after.truth if entry["change"] == "removed"}
        assert (new.keys() - old.keys(), old.keys() - new.keys()) == (added, removed)
        changes = {
            (code, name, str(old[code][name]), str(new[code][name]))
            for code in old.keys() & new.keys()
            for name in old[code]
            if old[code][name] != new[code][name]
        }
        assert changes == {
            (entry["wiup_code"], entry["column"], str(entry["old"]), str(entry["new"]))
            for entry in after.truth
            if entry["change"] == "changed"
        }


def test_a_licence_changes_in_one_way_a_month(months):
    for month in months:
        kinds = {}
        for entry in month.truth:
            kinds.setdefault(entry["wiup_code"], set()).add(entry["kind"])
        assert all(len(each) == 1 for each in kinds.values())


def test_every_kind_of_change_happens(months):
    kinds = {entry["kind"] for month in months for entry in month.truth}
    assert kinds == {
        *("added", "removed", "transferred", "respelt", "extended", "shortened"),
        *("area", "upgraded", "cnc", "moved", "other"),
    }


def test_a_small_register_and_no_month_are_possible():
    assert list(sandbox.months(0)) == []
    assert [month.records for month in sandbox.months(3, licenses=0)] == [[], [], []]
    with pytest.raises(ValueError, match="count=-1: the number of months must not be negative"):
        list(sandbox.months(-1))


def test_a_sandbox_serves_a_month(months):
    records = {"mining_licenses": months[1].records}
    with sandbox.running(server={"records": records}) as client:
        assert client.sandbox.records("mining_licenses") == months[1].records
