"""The ledger records what was paid, and the budget refuses a request before it is paid."""

from __future__ import annotations

import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf import errors
from sectorsdf.http.credits import CreditBudget, Ledger, key_fingerprint, price

KEY = "0123456789abcdef" * 4


def fill(ledger, count=1, **changes):
    entry = {"endpoint": "/v2/mining/sites/", "status": 200, "credits": 1, "key": "aa" * 4}
    for _ in range(count):
        ledger.record(**{**entry, **changes})


class TestFingerprint:
    def test_is_short_and_stable(self):
        assert re.fullmatch("[0-9a-f]{8}", key_fingerprint(KEY))
        assert key_fingerprint(KEY) == key_fingerprint(KEY)

    def test_gives_nothing_of_the_key_away(self):
        other = KEY[:-1] + "0"
        assert key_fingerprint(KEY) not in KEY
        assert key_fingerprint(KEY)[:4] != key_fingerprint(other)[:4]


@pytest.mark.parametrize(
    ("status", "cost"),
    [(200, 1), (204, 1), (299, 1), (404, 1)]
    + [(status, 0) for status in (101, 301, 304, 400, 401, 403, 410, 429, 500, 502, 503)],
)
def test_price(status, cost):
    assert price(status) == cost


class TestLedger:
    def test_keeps_entries_in_order(self, tmp_path):
        ledger = Ledger(tmp_path / "deep" / "ledger.jsonl")
        fill(ledger)
        fill(ledger, status=404, pages=0)
        first, second = ledger.entries()
        assert (first["status"], first["credits"], first["pages"]) == (200, 1, 1)
        assert (second["status"], second["pages"]) == (404, 0)
        assert first["time"] <= second["time"]
        assert first["time"].endswith("+00:00")

    def test_without_a_path_keeps_nothing(self):
        ledger = Ledger(None)
        fill(ledger)
        assert ledger.entries() == []
        assert len(ledger.frame()) == 0

    def test_no_file_is_no_entries(self, tmp_path):
        assert Ledger(tmp_path / "none").entries() == []

    def test_torn_last_line_costs_only_itself(self, tmp_path):
        path = tmp_path / "ledger.jsonl"
        fill(Ledger(path), 2)
        path.write_bytes(path.read_bytes()[:-9])
        assert len(Ledger(path).entries()) == 1
        fill(Ledger(path))
        assert len(Ledger(path).entries()) == 2

    @given(st.binary(max_size=200))
    def test_rubbish_is_passed_over(self, tmp_path_factory, rubbish):
        path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
        path.write_bytes(rubbish)
        ledger = Ledger(path)
        assert ledger.entries() == []
        fill(ledger)
        assert len(ledger.frame()) == 1

    @pytest.mark.parametrize(
        "line",
        ['{"time": "yesterday"}', "[]", "null", '{"time": "2026-08-01T00:00:00", "endpoint": "/"}'],
    )
    def test_foreign_json_is_passed_over(self, tmp_path, line):
        path = tmp_path / "ledger.jsonl"
        path.write_text(line + "\n", encoding="utf-8")
        assert Ledger(path).entries() == []

    def test_writers_side_by_side_lose_nothing(self, tmp_path):
        path = tmp_path / "ledger.jsonl"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: fill(Ledger(path), 25, pages=i), range(8)))
        assert len(Ledger(path).entries()) == 200
        assert [json.loads(line) for line in path.read_text().splitlines() if line]

    def test_unwritable_folder_costs_one_warning(self, tmp_path, caplog):
        (tmp_path / "file").touch()
        ledger = Ledger(tmp_path / "file" / "ledger.jsonl")
        with caplog.at_level(logging.WARNING):
            fill(ledger, 3)
        assert len(caplog.records) == 1
        assert ledger.entries() == []


TEXT = pd.StringDtype()
SUMS = {"credits": "Int64", "pages": "Int64", "key": TEXT}
KINDS = {
    "entry": {"time": "datetime64[us, UTC]", "endpoint": TEXT, "status": "Int64", **SUMS},
    "day": {"day": "datetime64[us]", **SUMS},
    "endpoint": {"endpoint": TEXT, **SUMS},
}


class TestFrame:
    @pytest.mark.parametrize("by", ["entry", "day", "endpoint"])
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_shape_never_changes(self, tmp_path, by, count):
        ledger = Ledger(tmp_path / "ledger.jsonl")
        fill(ledger, count)
        frame = ledger.frame(by)
        assert list(frame.columns) == list(KINDS[by])
        for column, kind in KINDS[by].items():
            assert frame[column].dtype == kind, column
        assert frame.index.equals(pd.RangeIndex(len(frame)))

    def test_sums(self, tmp_path):
        path = tmp_path / "ledger.jsonl"
        rows = [
            ("2026-08-01T23:59:59.999999+00:00", "/a", 200, 1, 1, "k1"),
            ("2026-08-02T01:00:00+02:00", "/a", 200, 1, 1, "k1"),
            ("2026-08-02T00:00:00+00:00", "/b", 404, 1, 1, "k1"),
            ("2026-08-02T00:00:01+00:00", "/b", 429, 0, 0, "k2"),
        ]
        names = ("time", "endpoint", "status", "credits", "pages", "key")
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        days = Ledger(path).frame("day")
        assert days["day"].dt.strftime("%d").tolist() == ["01", "02", "02"]
        assert days["credits"].tolist() == [2, 1, 0]
        assert days["key"].tolist() == ["k1", "k1", "k2"]
        ends = Ledger(path).frame("endpoint")
        assert ends["endpoint"].tolist() == ["/a", "/b", "/b"]
        assert ends["credits"].tolist() == [2, 1, 0]

    def test_an_endpoint_with_keys_is_one_row(self, tmp_path):
        endpoints = ["/v2/sites/", "/v2/sites/{slug}/", "/v2/{name}/price/", "/v2/a.b/{slug}/"]
        ledger = Ledger(tmp_path / "ledger.jsonl", endpoints)
        for path in ("/v2/sites/", "/v2/sites/a/", "/v2/sites/b%20(c)/", "/v2/Coal%20(X)/price/"):
            ledger.record(endpoint=path, status=200, credits=1, key="k")
        for path in ("/v2/aXb/c/", "/v2/sites/a/b/", "/other/"):
            ledger.record(endpoint=path, status=404, credits=1, key="k")
        sums = ledger.frame("endpoint")
        assert sums["endpoint"].dtype == "string"
        assert dict(zip(sums["endpoint"], sums["credits"], strict=True)) == {
            "/v2/sites/": 1,
            "/v2/sites/{slug}/": 2,
            "/v2/{name}/price/": 1,
            "/v2/aXb/c/": 1,
            "/v2/sites/a/b/": 1,
            "/other/": 1,
        }
        # The single entries keep the path that was requested.
        assert ledger.frame("entry")["endpoint"].nunique() == 7

    def test_other_grouping_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="month"):
            Ledger(tmp_path / "none").frame("month")


class TestCreditBudget:
    def test_refuses_before_spending(self):
        budget = CreditBudget(3)
        budget.reserve(2)
        with pytest.raises(errors.CreditLimitError, match="max_credits=3") as caught:
            budget.reserve(2)
        assert (caught.value.need, caught.value.have) == (2, 1)
        assert (budget.spent, budget.left) == (0, 1)

    def test_unused_credits_come_back(self):
        budget = CreditBudget(3)
        budget.reserve(3)
        budget.settle(3, 1)
        assert (budget.spent, budget.left) == (1, 2)
        budget.reserve(2)
        budget.settle(2, 2)
        assert (budget.spent, budget.left) == (3, 0)

    def test_no_cap(self):
        budget = CreditBudget(None)
        budget.reserve(10_000)
        budget.settle(10_000, 10_000)
        assert (budget.spent, budget.left) == (10_000, None)

    def test_zero_allows_nothing(self):
        with pytest.raises(errors.CreditLimitError):
            CreditBudget(0).reserve()

    @pytest.mark.parametrize("limit", [-1, 2.5, "10", True])
    def test_limit_must_be_a_number_of_credits(self, limit):
        with pytest.raises(errors.ConfigurationError, match="max_credits"):
            CreditBudget(limit)

    def test_misuse_is_refused(self):
        budget = CreditBudget(5)
        with pytest.raises(ValueError, match="negative"):
            budget.reserve(-1)
        with pytest.raises(ValueError, match="negative"):
            budget.settle(0, -1)
        with pytest.raises(ValueError, match="reserved"):
            budget.settle(1, 1)

    def test_threads_never_overspend(self):
        budget, granted, start = CreditBudget(100), [], threading.Barrier(8)

        def work():
            start.wait()
            for _ in range(50):
                try:
                    budget.reserve()
                except errors.CreditLimitError:
                    return
                budget.settle(1, 1)
                granted.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(granted) == budget.spent == 100


def test_what_a_client_spends_is_in_credits(serve, tmp_path):
    import sectorsdf

    assert sectorsdf.credits().empty
    client = serve(cache_folder=tmp_path / "cache")
    sectorsdf.get_mining_license_auctions(client=client)
    sectorsdf.get_mining_licenses(client=client, max_rows=45)
    by_endpoint = sectorsdf.credits("endpoint").set_index("endpoint")["credits"]
    assert by_endpoint.to_dict() == {"/v2/mining/license-auctions/": 1, "/v2/mining/licenses/": 2}
    (day,) = sectorsdf.credits().itertuples(index=False)
    assert (day.credits, day.pages) == (3, 3)
    assert sectorsdf.credits("entry")["status"].tolist() == [200, 200, 200]
