"""What rows say of their origin when they are not those of one fetch."""

from __future__ import annotations

import pyarrow as pa
import pytest

from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import derived, of_part, origins, true_provenance, whole_of
from sectorsdf.frames.provenance import Provenance

TABLE = pa.table({"slug": ["a", "b", "c"]})
FETCHED = Provenance(
    {
        "dataset": "mining_sites",
        "source": "Sectors API",
        "fetched_at": "2026-01-31T00:00:00.000+00:00",
        "rows": 3,
        "digest": table_digest(TABLE),
        "complete": True,
        "certificate": {"total": 3},
        "problems": [{"row": 1}],
    }
)
OTHER = FETCHED.updated(fetched_at="2026-02-28T00:00:00.000+00:00", rows=4, digest="rows1:0")
COMPANIES = OTHER.updated(dataset="mining_companies")


def test_the_rows_that_were_fetched_keep_their_provenance():
    assert true_provenance(FETCHED, TABLE.take([2, 0, 1])) is FETCHED
    assert true_provenance(Provenance(), TABLE).entries == {}


def test_other_rows_name_the_fetch_and_claim_nothing():
    part = TABLE.slice(1)
    found = true_provenance(FETCHED, part)
    assert found.entries == {
        "dataset": "mining_sites",
        "source": "Sectors API",
        "rows": 2,
        "complete": None,
        "digest": table_digest(part),
        "derived_from": {k: v for k, v in FETCHED.entries.items() if k != "certificate"},
    }
    assert origins(found) == [found["derived_from"]]
    # However often rows are derived, they name the fetch, and the provenance does not grow.
    again = true_provenance(found, TABLE.slice(2))
    assert again["derived_from"] == found["derived_from"]


@pytest.mark.parametrize(("rows", "same"), [(3, True), (2, False)])
def test_without_a_digest_the_number_of_rows_decides(rows, same):
    old = Provenance({k: v for k, v in FETCHED.entries.items() if k != "digest"})
    found = true_provenance(old, TABLE.slice(0, rows))
    assert (found is old) is same
    assert same or found["complete"] is None


def test_parts_of_one_table_are_the_table_again():
    parts = [of_part(FETCHED, 1, "rows1:1"), of_part(FETCHED, 2, "rows1:2")]
    assert [part["rows"] for part in parts] == [1, 2]
    assert {part["complete"] for part in parts} == {None}
    assert whole_of(parts, 3) == FETCHED
    assert whole_of(parts[:1], 1) is None
    assert origins(parts[0]) == origins(FETCHED)
    assert of_part(Provenance(), 1, "rows1:1").entries == {}


def test_files_of_several_fetches():
    assert whole_of([FETCHED, OTHER], 7) is None
    found = derived([FETCHED, OTHER, FETCHED], 10, "rows1:3")
    assert [each["rows"] for each in found["derived_from"]] == [3, 4]
    assert (found["dataset"], found["complete"]) == ("mining_sites", None)
    mixed = derived([FETCHED, COMPANIES, Provenance()], 8, "rows1:4")
    assert "dataset" not in mixed.entries
    assert mixed["files_without_provenance"] == 1
    assert derived([Provenance(), Provenance()], 2, "rows1:5").entries == {}
    assert whole_of([Provenance(), Provenance()], 2).entries == {}
