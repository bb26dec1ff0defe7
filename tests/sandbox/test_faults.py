"""Each fault, over a real socket."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import requests

from sectorsdf.sandbox import Drift, Faults, RateLimit
from sectorsdf.sandbox.faults import RateWindows

pytestmark = pytest.mark.newest

LICENSES = "/v2/mining/licenses/"
SITES = "/v2/mining/sites/"


def statuses(client, count, path=LICENSES):
    return [client.get(path).status_code for _ in range(count)]


def test_nothing_is_wrong_by_default(serve):
    client = serve()
    assert client.server.faults == Faults()
    assert statuses(client, 40) == [200] * 40
    assert {record.fault for record in client.server.requests} == {None}


@pytest.mark.parametrize("html", [False, True])
def test_statuses_by_rate(serve, html):
    client = serve(faults=Faults(status_rates={503: 0.3, 502: 0.2}, html_errors=html))
    answers = [client.get(LICENSES) for _ in range(200)]
    seen = Counter(answer.status_code for answer in answers)
    assert 35 <= seen[503] <= 85
    assert 20 <= seen[502] <= 65
    assert client.server.billed == seen[200]
    for answer in answers:
        if answer.status_code != 200:
            kind = "text/html; charset=utf-8" if html else "application/json"
            assert answer.headers["Content-Type"] == kind
            assert ("<html>" in answer.text) is html


def test_statuses_by_count(serve):
    client = serve(faults=Faults(status_every={503: 3, 500: 4}))
    assert statuses(client, 8) == [200, 200, 503, 500, 200, 503, 200, 500]
    assert [record.fault for record in client.server.requests].count("status") == 4
    client.server.reset_counts()
    assert statuses(client, 3) == [200, 200, 503]


def test_the_same_seed_fails_the_same_requests(serve):
    faults = Faults(status_rates={503: 0.4}, seed=7)
    first, second = (statuses(serve(faults=faults), 40) for _ in range(2))
    other = statuses(serve(faults=Faults(status_rates={503: 0.4}, seed=8)), 40)
    assert first == second != other


def test_one_fault_does_not_move_another(serve):
    alone = statuses(serve(faults=Faults(status_rates={503: 0.3})), 40)
    client = serve(faults=Faults(status_rates={503: 0.3}, empty_rate=0.5, latency=(0, 0.001)))
    assert statuses(client, 40) == alone


def test_requests_that_are_turned_away_take_no_draw(serve):
    client = serve(faults=Faults(status_every={503: 2}))
    assert client.get(LICENSES).status_code == 200
    assert client.get(LICENSES, headers={"Authorization": None}).status_code == 401
    assert client.get("/nowhere").status_code == 404
    assert client.get(LICENSES).status_code == 503


def test_resets_come_before_any_answer_and_are_free(serve):
    client = serve(faults=Faults(reset_rate=1.0))
    for _ in range(3):
        with pytest.raises(requests.ConnectionError, match="reset"):
            client.get(LICENSES)
    assert client.server.billed == 0
    last = client.server.requests[-1]
    assert (last.status, last.fault, last.delivered) == (None, "reset", False)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_cut_body_is_billed(serve, encoding):
    client = serve(faults=Faults(cut_rate=1.0))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get(LICENSES, headers={"Accept-Encoding": encoding})
    assert client.server.billed == 1
    last = client.server.requests[-1]
    assert (last.status, last.fault, last.delivered) == (200, "cut", False)


def test_garbage_is_billed(serve):
    client = serve(faults=Faults(garbage_rate=1.0))
    answer = client.get(LICENSES)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert (client.server.billed, client.server.requests[-1].fault) == (1, "garbage")


def test_an_empty_body_is_billed(serve):
    client = serve(faults=Faults(empty_rate=1.0))
    answer = client.get(LICENSES)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert (client.server.billed, client.server.requests[-1].fault) == (1, "empty")


def test_errors_are_never_cut_or_garbled(serve):
    client = serve(faults=Faults(cut_rate=1.0, garbage_rate=1.0, empty_rate=1.0))
    assert client.get(f"{LICENSES}?limit=x").json()["error"] == "Invalid query parameters."
    assert client.get(f"{SITES}nowhere/").json() == {"error": "Mining site not found."}


def test_latency(serve):
    client = serve(faults=Faults(latency=(0.05, 0.1)))
    begin = time.monotonic()
    client.get(LICENSES)
    assert time.monotonic() - begin >= 0.05


def test_a_stall_outlasts_a_timeout(serve):
    client = serve(faults=Faults(stall_rate=1.0, stall_seconds=60.0))
    with pytest.raises(requests.ReadTimeout):
        client.get(LICENSES, timeout=0.1)
    assert client.server.requests[-1].fault == "stall"


def test_a_short_stall_is_answered(serve):
    client = serve(faults=Faults(stall_rate=1.0, stall_seconds=0.05, empty_rate=1.0))
    assert client.get(LICENSES).status_code == 200
    assert client.server.requests[-1].fault == "stall+empty"


# Limits


@pytest.mark.parametrize("retry_after", [False, True])
def test_the_rate_limit_refuses_within_the_window(serve, retry_after):
    limit = RateLimit(requests=3, window=30.0, retry_after=retry_after)
    client = serve(faults=Faults(rate_limit=limit), keys=("a" * 64, "b" * 64))
    assert statuses(client, 5) == [200, 200, 200, 429, 429]
    refusal = client.get(LICENSES)
    assert refusal.json() == {
        "error": "RATE_LIMIT_EXCEEDED",
        "message": "Rate limit exceeded. Consider upgrading.",
    }
    if retry_after:
        assert 29 <= int(refusal.headers["Retry-After"]) <= 30
    else:
        assert "Retry-After" not in refusal.headers
    assert client.server.billed == 3
    assert client.server.requests[-1].fault == "rate_limit"
    # Another key has its own window.
    assert client.get(LICENSES, headers={"Authorization": "b" * 64}).status_code == 200
    # After a reset the same key has a new one.
    client.server.reset_counts()
    assert statuses(client, 4) == [200, 200, 200, 429]


@pytest.mark.parametrize("anchor", ["first", "clock"])
def test_a_window_ends_by_itself(serve, anchor):
    limit = RateLimit(requests=2, window=0.3, anchor=anchor)
    client = serve(faults=Faults(rate_limit=limit))
    let_through: list[float] = []
    end = time.monotonic() + 5
    while len(let_through) < 6 and time.monotonic() < end:
        if client.get(LICENSES).status_code == 200:
            let_through.append(client.server.requests[-1].time)
        else:
            time.sleep(0.01)
    assert len(let_through) == 6
    if anchor == "first":
        assert let_through[2] - let_through[0] >= 0.3
        assert let_through[4] - let_through[2] >= 0.3
    # On a grid two windows' worth may come close together, three may not.
    assert let_through[4] - let_through[0] >= 0.3


def passed(limit, times):
    """Return the times at which requests are answered, of some at which they arrive."""
    windows = RateWindows(0.0)
    answered = []
    for now in times:
        if windows.wait(limit, "key", now) is None:
            windows.count(limit, "key", now)
            answered.append(now)
    return answered


def test_a_rolling_window_has_room_again_for_one_request_after_the_other():
    limit = RateLimit(requests=3, window=10, kind="rolling")
    assert passed(limit, range(1, 25)) == [1, 2, 3, 11, 12, 13, 21, 22, 23]
    assert passed(limit, [1, 9, 9.5, 10, 11, 12, 19, 19.5]) == [1, 9, 9.5, 11, 19, 19.5]
    # In a fixed window, two times three come close together.
    limit = RateLimit(requests=3, window=10)
    assert passed(limit, [1, 9, 9.5, 10, 11, 12, 13, 19]) == [1, 9, 9.5, 11, 12, 13]


def test_a_block_grows_with_each_refused_request_and_ends_without_them():
    limit = RateLimit(1, 10, kind="rolling", block_growth=5)
    # Refused at 2, it lasts until 16; refused at 12 and 20 again, until 21 and 26.
    assert passed(limit, [1, 2, 12, 20, 26]) == [1, 26]
    assert passed(limit, [1, 2, 16]) == [1, 16]
    assert passed(limit, [1, 11, 21]) == [1, 11, 21]


def test_only_billed_answers_take_up_a_window_that_counts_them(serve):
    limit = RateLimit(requests=3, window=60, counts="billed")
    client = serve(faults=Faults(rate_limit=limit, status_every={503: 2}))
    assert client.get(f"{LICENSES}?limit=x").status_code == 400
    assert statuses(client, 5) == [503, 200, 503, 200, 503]
    assert statuses(client, 3) == [200, 429, 429]
    assert client.server.billed == 3


@pytest.mark.parametrize("kind", ["fixed", "rolling"])
def test_each_refused_request_prolongs_the_block(serve, kind):
    limit = RateLimit(2, 20.0, retry_after=True, kind=kind, block_growth=10.0)
    client = serve(faults=Faults(rate_limit=limit))
    assert statuses(client, 2) == [200, 200]
    waits = [int(client.get(LICENSES).headers["Retry-After"]) for _ in range(3)]
    assert waits == pytest.approx([30, 40, 50], abs=1)
    client.server.reset_counts()
    assert statuses(client, 3) == [200, 200, 429]


def test_refusals_of_other_kinds_do_not_fill_the_window(serve):
    client = serve(faults=Faults(rate_limit=RateLimit(requests=1, window=60)))
    client.get(LICENSES, headers={"Authorization": "x"})
    client.get("/nowhere")
    client.get("/v2/mining/licenses")
    assert statuses(client, 2) == [200, 429]


def test_a_quota_never_comes_back(serve):
    client = serve(faults=Faults(quota=2))
    assert client.get(f"{LICENSES}?limit=x").status_code == 400
    assert statuses(client, 4) == [200, 200, 429, 429]
    assert client.get(LICENSES).json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert client.server.requests[-1].fault == "quota"
    assert client.server.billed == 2


# Lists that are wrong


def test_unstable_order_moves_only_ties(serve):
    days = ["2030-01-01"] * 5 + ["2030-01-02"] + ["2030-01-03"] * 20 + [None] * 9
    rows = [{"wiup_code": str(n), "license_expiry_date": day} for n, day in enumerate(days)]
    client = serve(records={"mining_licenses": rows}, faults=Faults(unstable_order=True))
    for order in ("license_expiry_date", "-license_expiry_date"):
        seen = set()
        for offset, limit in ((0, 30), (3, 10), (7, 4), (20, 15), (34, 5), (40, 5)):
            query = {"order_by": order, "offset": offset, "limit": limit}
            pages = [client.get(LICENSES, params=query).json()["results"] for _ in range(4)]
            for page in pages:
                seen |= {row["wiup_code"] for row in page}
                expected = sorted(days, key=lambda day: (day is None, day or ""))
                if order.startswith("-"):
                    expected.reverse()
                found = [row["license_expiry_date"] for row in page]
                assert found == expected[offset : offset + limit]
                assert len({row["wiup_code"] for row in page}) == len(page)
        assert len(seen) == len(rows)
    page = [client.get(LICENSES, params={"offset": 6, "limit": 10}).text for _ in range(5)]
    assert len(set(page)) > 1


def test_order_is_stable_otherwise(serve):
    client = serve()
    pages = {client.get(SITES, params={"limit": 10, "offset": 10}).text for _ in range(5)}
    assert len(pages) == 1


def test_drift_happens_once_after_that_many_lists(serve):
    drift = Drift(after=3, dataset="mining_licenses", add=4, remove=1)
    client = serve(faults=Faults(drift=(drift,)))
    before = {record["wiup_code"] for record in client.server.records("mining_licenses")}

    def total():
        return client.get(LICENSES).json()["pagination"]["total_count"]

    client.get(SITES)
    client.get(f"{LICENSES}?limit=x")
    assert [total() for _ in range(6)] == [100, 100, 100, 103, 103, 103]
    after = {record["wiup_code"] for record in client.server.records("mining_licenses")}
    assert (len(after - before), len(before - after)) == (4, 1)


def test_a_drift_declared_later_counts_from_then(serve):
    client = serve()
    statuses(client, 5)
    drift = Drift(after=2, dataset="mining_sites", add=1)
    client.server.set_faults(drift=(drift,))
    totals = [client.get(SITES).json()["pagination"]["total_count"] for _ in range(4)]
    assert totals == [60, 60, 61, 61]
    client.server.set_faults(latency=0.0)
    client.get(SITES)
    assert client.get(SITES).json()["pagination"]["total_count"] == 61


@pytest.mark.parametrize("offset", [5, -3, -1000])
def test_a_wrong_total(serve, offset):
    client = serve(faults=Faults(total_offset=offset))
    page = client.get(LICENSES, params={"offset": 80}).json()["pagination"]
    assert page["total_count"] == max(0, 100 + offset)
    assert page["has_next"] is False


def test_an_endless_list(serve):
    client = serve(faults=Faults(endless=True))
    last = client.get(LICENSES, params={"limit": 30, "offset": 90}).json()
    beyond = client.get(LICENSES, params={"limit": 30, "offset": 3000}).json()
    assert beyond["results"] == last["results"]
    assert len(last["results"]) == 10
    assert beyond["pagination"]["has_next"] is True
    assert beyond["pagination"]["next_offset"] == 3030
    nothing = client.get(LICENSES, params={"company": "nobody"}).json()
    assert nothing["results"] == []


@pytest.mark.parametrize("page_limit", [7, 100])
def test_the_servers_own_page_limit(serve, page_limit):
    client = serve(faults=Faults(page_limit=page_limit))
    page = client.get(LICENSES, params={"limit": 200}).json()
    assert page["pagination"]["limit"] == page_limit == len(page["results"])
    assert client.get(LICENSES).json()["pagination"]["limit"] == min(20, page_limit)


# Declarations


@pytest.mark.parametrize(
    "wrong",
    [
        {"reset_rate": 1.5},
        {"cut_rate": -0.1},
        {"status_rates": {503: 2}},
        {"status_rates": {200: 0.5}},
        {"status_every": {503: 0}},
        {"latency": -1.0},
        {"latency": (2.0, 1.0)},
        {"stall_seconds": -1.0},
        {"page_limit": 0},
    ],
)
def test_faults_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Faults(**wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RateLimit(requests=-1),
        lambda: RateLimit(window=0),
        lambda: RateLimit(window=float("inf")),
        lambda: RateLimit(anchor="moon"),
        lambda: RateLimit(kind="folding"),
        lambda: RateLimit(counts="cheese"),
        lambda: RateLimit(block_growth=-1.0),
        lambda: RateLimit(block_growth=float("nan")),
        lambda: Drift(dataset="cheese"),
        lambda: Drift(dataset="mining_contracts"),
        lambda: Drift(add=-1),
    ],
)
def test_nested_declarations_that_make_no_sense(make):
    with pytest.raises(ValueError, match=r"must"):
        make()


def test_changing_faults_while_it_runs(serve):
    client = serve()
    assert client.get(LICENSES).status_code == 200
    client.server.set_faults(status_every={500: 1}, html_errors=True)
    assert client.get(LICENSES).status_code == 500
    client.server.set_faults(status_every={})
    assert client.get(LICENSES).status_code == 200
    assert client.server.faults == Faults(html_errors=True)
    with pytest.raises(TypeError):
        client.server.set_faults(nonsense=1)
    with pytest.raises(ValueError, match="reset_rate"):
        client.server.set_faults(reset_rate=2)
    assert client.server.faults == Faults(html_errors=True)
