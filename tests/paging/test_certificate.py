"""The certificate is of the rows that the caller gets."""

from __future__ import annotations

from support.list_server import Run, Server


def test_the_digest_is_of_the_rows_asked_for_and_no_others():
    rows = [{"id": number, "rank": number, "kind": "a", "place": "b"} for number in range(90)]
    some = Run(Server(rows), max_rows=35)
    assert len(some.sunk) == 60
    assert some.report["digest"] == Run(Server(rows[:35])).report["digest"]
    assert some.report["digest"] != Run(Server(rows[:60])).report["digest"]
