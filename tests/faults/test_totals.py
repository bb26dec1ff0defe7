"""A total that cannot be true ends a sweep soon: it is neither planned for nor paid to its end."""

from __future__ import annotations

import json

import pytest
from support.billing_api import Api
from support.scripted_server import answer

import sectorsdf

CALL = sectorsdf.get_mining_licenses


def number_of_digits(total):
    return f"{len(str(total))} digits"


class LyingApi(Api):
    """An API that reports the total that a test wants."""

    total = None

    def _list(self, path, query):
        head, _, body = super()._list(path, query).partition(b"\r\n\r\n")
        content = json.loads(body)
        if self.total is not None:
            content["pagination"]["total_count"] = self.total
            content["pagination"]["has_next"] = True
        assert b" 200 " in head
        return answer(content)


@pytest.fixture
def api():
    with LyingApi(licenses=75) as api:
        yield api


@pytest.fixture
def client(api, tmp_path):
    with api.client(tmp_path, workers=8) as client:
        yield client


@pytest.mark.parametrize("total", [10**9, 2**31 - 1, 10**12, 10**18, 10**500], ids=number_of_digits)
@pytest.mark.parametrize("workers", [1, 8])
def test_far_too_high(api, client, total, workers):
    api.total = total
    with pytest.raises(sectorsdf.IncompleteSweepError) as caught:
        CALL(client=client, workers=workers)
    assert api.billed == client.spent <= 8
    assert set(caught.value.frame["wiup_code"]) <= {
        row["wiup_code"] for row in api.rows["licenses"]
    }
    assert caught.value.report["total"] == total
    assert len(str(caught.value)) < 700
    # The server is right again, and the same call pays for no page twice.
    paid = api.billed
    api.total = None
    assert len(CALL(client=client)) == 75
    assert api.billed <= paid + 4


@pytest.mark.parametrize("total", [76, 80, 90, 91, 200, 900])
def test_a_little_too_high(api, client, total):
    api.total = total
    with pytest.raises(sectorsdf.IncompleteSweepError, match="fewer rows than its total"):
        CALL(client=client)
    assert api.billed <= 3 + 8 + 2


@pytest.mark.parametrize("total", [10**9, 10**12, 10**500], ids=number_of_digits)
def test_the_first_rows_and_a_quote_cost_what_they_say(api, client, total):
    api.total = total
    quoted = sectorsdf.quote(CALL, max_rows=40, client=client)
    assert (quoted.credits, quoted.rows, quoted.spent) == (1, 40, 1)
    frame = CALL(client=client, max_rows=40)
    assert (len(frame), api.billed) == (40, 2)
    assert frame.attrs["sectorsdf"]["complete"] is False
    with pytest.raises(sectorsdf.IncompleteSweepError):
        CALL(client=client, max_rows=10**15)


def test_a_quote_of_a_list_that_cannot_be(api, client):
    api.total = 10**12
    with pytest.raises(sectorsdf.IncompleteSweepError, match=r"1,000,000,000,000 rows"):
        sectorsdf.quote(CALL, client=client)
    assert api.billed == 1
    api.total = 10**6
    assert sectorsdf.quote(CALL, client=client).credits == 33_333


def test_a_plan_beyond_the_credits_is_refused_before_it_is_paid(api, client):
    api.total = 10**9
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        CALL(client=client, max_credits=1000)
    assert caught.value.need == -(-(10**9) // 30) - 1
    assert api.billed == 1


@pytest.mark.parametrize("total", ["75", "", -1, True, False, 75.0, 7.5, [75], {}])
def test_no_number_of_rows(api, client, total):
    api.total = total
    with pytest.raises(sectorsdf.ResponseError, match=r"total_count is .*whole number") as caught:
        CALL(client=client)
    assert (caught.value.billed, caught.value.retryable) == (True, False)
    assert api.billed == client.spent == 1


@pytest.mark.parametrize("limit", [1, 10, 45, 1000, 10**12])
def test_a_limit_that_is_not_that_of_the_pages(tmp_path, limit):
    class Wrong(Api):
        def _list(self, path, query):
            content = json.loads(super()._list(path, query).partition(b"\r\n\r\n")[2])
            content["pagination"]["limit"] = limit
            return answer(content)

    with Wrong(licenses=200) as api, api.client(tmp_path) as client:
        assert len(CALL(client=client)) == 200
        assert api.billed == 7
