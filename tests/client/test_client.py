"""The client: where its settings come from, what a call may spend, and many threads at once."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from support.scripted_server import RECORD, Scripted, always, answer, page

import sectorsdf
from sectorsdf.client import client as client_module
from sectorsdf.http.transport import RetryPolicy
from sectorsdf.paging.workers import WorkerPool
from sectorsdf.sandbox import RateLimit, Sandbox

KEY = "0123456789abcdef" * 4
TOKEN = "an-oauth.token_Value"
QUICK = RetryPolicy(tries=3, base=0.001)


@pytest.fixture(scope="module")
def server():
    with Sandbox(licenses=250, auctions=14, sites=70, keys=[KEY], tokens=[TOKEN]) as server:
        yield server


@pytest.fixture
def connect(server, tmp_path):
    """Return a function that gives a client of the server, closed at the end."""
    server.set_faults(latency=0.0)
    server.reset_counts()
    clients = []

    def connect(**options):
        options = {"retry": QUICK, "cache_folder": tmp_path, **options}
        clients.append(sectorsdf.Client(KEY, server.url, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect):
    return connect()


def known(server, dataset, count):
    """Return keys that the detail endpoint knows."""
    if dataset == "mining_license_auctions":
        return [record["wiup_code"] for record in server.records(dataset)][:count]
    records = server.records("mining_sites")
    abroad = {r["slug"] for r in records if not r["location"]["province"]}
    return [s for s in dict.fromkeys(r["slug"] for r in records) if s not in abroad][:count]


# Where settings come from


def header_of(**options):
    with (
        Scripted(always(page([]))) as scripted,
        sectorsdf.Client(base_url=scripted.url, **options) as client,
    ):
        sectorsdf.get_mining_license_auctions(client=client)
        return scripted.requests[0].headers["authorization"]


def test_the_key_comes_from_the_argument_then_from_the_environment(monkeypatch):
    with pytest.raises(sectorsdf.MissingKeyError) as caught:
        sectorsdf.Client()
    for word in ("api_key", "SECTORS_API_KEY", "https://sectors.app", "use_sandbox()"):
        assert word in str(caught.value)
    assert isinstance(caught.value, ValueError)
    monkeypatch.setenv("SECTORS_API_KEY", KEY)
    assert header_of() == KEY
    assert header_of(api_key=TOKEN) == f"Bearer {TOKEN}"
    monkeypatch.setenv("SECTORS_API_KEY", TOKEN)
    assert header_of() == f"Bearer {TOKEN}"
    with pytest.raises(sectorsdf.MissingKeyError):
        sectorsdf.Client("")


def test_the_address_comes_from_the_argument_then_from_the_environment(monkeypatch):
    with sectorsdf.Client(KEY) as client:
        assert client.base_url == "https://api.sectors.app"
    monkeypatch.setenv("SECTORSDF_BASE_URL", "https://mirror.example/v/")
    with sectorsdf.Client(KEY) as client:
        assert client.base_url == "https://mirror.example/v"
    with sectorsdf.Client(KEY, "http://localhost:1") as client:
        assert client.base_url == "http://localhost:1"
    with pytest.raises(sectorsdf.ConfigurationError, match="https"):
        sectorsdf.Client(KEY, "http://api.sectors.app")


def test_nothing_is_written_before_the_first_call(tmp_path):
    with sectorsdf.Client(KEY, cache_folder=tmp_path / "new"):
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": True},
        {"workers": 2.5},
        {"max_credits": -1},
        {"max_credits": 1.5},
        {"rate_limit": "often"},
        {"max_wait": 0},
    ],
    ids=str,
)
def test_settings_that_cannot_be_used(options):
    with pytest.raises(sectorsdf.ConfigurationError):
        sectorsdf.Client(KEY, **options)


@pytest.mark.parametrize("options", [{"workers": 0}, {"max_credits": -1}, {"max_credits": "5"}])
def test_options_that_cannot_be_used_cost_nothing(server, client, options):
    with pytest.raises(sectorsdf.ConfigurationError):
        sectorsdf.get_mining_sites(client=client, **options)
    with pytest.raises(sectorsdf.ConfigurationError):
        sectorsdf.get_mining_site("a", client=client, **options)
    assert server.requests == []


def test_the_default_client_follows_the_environment(monkeypatch, server, tmp_path):
    monkeypatch.setattr(client_module, "_default", None)
    with pytest.raises(sectorsdf.MissingKeyError):
        sectorsdf.get_mining_sites()
    monkeypatch.setenv("SECTORS_API_KEY", KEY)
    monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
    assert len(sectorsdf.get_mining_license_auctions()) == 14
    first = client_module.default_client()
    assert client_module.default_client() is first
    monkeypatch.setenv("SECTORS_API_KEY", TOKEN)
    assert client_module.default_client() is not first
    assert len(sectorsdf.get_mining_license_auctions()) == 14
    monkeypatch.delenv("SECTORS_API_KEY")
    with pytest.raises(sectorsdf.MissingKeyError):
        sectorsdf.get_mining_license_auctions()


def test_what_a_client_says_of_itself(client, server):
    assert repr(client) == f"Client({server.url!r})"
    assert client.spent == 0
    assert client.pace()["requests"] is None


# Many threads


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_many_threads_share_a_client(server, connect):
    slugs = known(server, "mining_sites", 10)
    codes = known(server, "mining_license_auctions", 6)
    calls = [
        lambda c: sectorsdf.get_mining_licenses(client=c),
        lambda c: sectorsdf.get_mining_licenses(client=c, commodity_type="Coal"),
        lambda c: sectorsdf.get_mining_license_auctions(client=c),
        lambda c: sectorsdf.get_mining_sites(client=c, details=True),
        lambda c: sectorsdf.get_mining_site(slugs, client=c),
        lambda c: sectorsdf.get_mining_license_auction_phases(codes, client=c),
        lambda c: sectorsdf.get_mining_license_auction_participants(codes, client=c),
        lambda c: sectorsdf.get_mining_sites(client=c, order_by="production_volume"),
    ]
    with sectorsdf.Client(KEY, server.url) as alone:
        due = [call(alone) for call in calls]
    server.reset_counts()
    server.set_faults(latency=(0.0, 0.003), status_rates={503: 0.05}, reset_rate=0.05)
    try:
        client = connect(workers=4, retry=RetryPolicy(tries=20, base=0.001, cap=0.01))
        together = threading.Barrier(len(calls))

        def run(call):
            together.wait(10)
            return call(client)

        for _ in range(2):
            with ThreadPoolExecutor(len(calls)) as pool:
                for frame, expected in zip(pool.map(run, calls), due, strict=True):
                    pd.testing.assert_frame_equal(frame, expected)
            client.forget()
    finally:
        server.set_faults(latency=0.0, status_rates={}, reset_rate=0.0)
    assert client.spent == server.billed == sum(e["credits"] for e in client.ledger.entries())


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_records_may_be_forgotten_while_another_thread_asks_for_them(server, client):
    codes = known(server, "mining_license_auctions", 5)
    ended = threading.Event()

    def forget():
        while not ended.wait(0.0002):
            client.forget()

    with ThreadPoolExecutor(1) as pool:
        forgetting = pool.submit(forget)
        try:
            for _ in range(10):
                assert len(sectorsdf.get_mining_license_auction(codes, client=client)) == 5
        finally:
            ended.set()
        forgetting.result(10)


def test_a_client_can_be_used_after_it_was_closed(server, connect):
    with connect() as client:
        assert len(sectorsdf.get_mining_license_auctions(client=client)) == 14
    assert len(sectorsdf.get_mining_license_auctions(client=client)) == 14
    client.close()
    client.close()
    with client:
        assert len(sectorsdf.get_mining_license_auctions(client=client)) == 14
    assert client.spent == server.billed == 3


def test_a_client_may_be_closed_while_others_use_it(client):
    ended = threading.Event()

    def close():
        while not ended.wait(0.001):
            client.close()

    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(close)
        try:
            for _ in range(5):
                assert len(sectorsdf.get_mining_licenses(client=client)) == 250
        finally:
            ended.set()
        closing.result(10)


def test_the_progress_is_told(connect):
    told = []
    client = connect(on_progress=lambda *fact: told.append(fact), workers=2)
    sectorsdf.get_mining_licenses(client=client)
    # Before the first page nobody knows how many there are.
    assert told == [("mining_licenses", done, 9 if done > 1 else 1) for done in range(1, 10)]


# What a call may spend


def test_max_credits_of_a_call_refuses_before_it_spends_more(server, client):
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        sectorsdf.get_mining_licenses(client=client, max_credits=0)
    assert server.requests == []
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        sectorsdf.get_mining_licenses(client=client, max_credits=5)
    # The first page tells how many there are.
    assert server.billed == client.spent == 1
    assert (caught.value.need, caught.value.have) == (8, 4)
    assert "costs 8 more credit(s)" in str(caught.value)
    assert len(sectorsdf.get_mining_licenses(client=client, max_credits=8)) == 250
    assert server.billed == client.spent == 9


def test_max_credits_of_details_refuses_before_the_first(server, client):
    slugs = known(server, "mining_sites", 5)
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        sectorsdf.get_mining_site(slugs, client=client, max_credits=4)
    assert (caught.value.need, caught.value.have) == (5, 4)
    assert server.requests == []
    assert len(sectorsdf.get_mining_site(slugs, client=client, max_credits=5)) == 5
    assert len(sectorsdf.get_mining_site(slugs, client=client, max_credits=0)) == 5
    assert server.billed == client.spent == 5


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_max_credits_of_a_list_with_details(server, client):
    slugs = len({record["slug"] for record in server.records("mining_sites")})
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.get_mining_sites(client=client, details=True, max_credits=3 + slugs - 1)
    assert not [r for r in server.requests if r.path != "/v2/mining/sites/"]
    spent = client.spent
    frame = sectorsdf.get_mining_sites(client=client, details=True, max_credits=3 + slugs)
    assert frame.attrs["sectorsdf"]["credits"] <= 3 + slugs
    assert client.spent == server.billed <= spent + 3 + slugs


def test_max_credits_of_the_client_hold_for_its_life(server, connect):
    client = connect(max_credits=4)
    sectorsdf.get_mining_license_auctions(client=client)
    with pytest.raises(sectorsdf.CreditLimitError) as caught:
        sectorsdf.get_mining_licenses(client=client)
    assert caught.value.have == 2
    assert client.spent == server.billed == 2
    assert len(sectorsdf.get_mining_licenses(client=client, max_rows=90)) == 90
    assert client.spent == server.billed == 4
    for call in (
        lambda: sectorsdf.get_mining_license_auctions(client=client),
        lambda: sectorsdf.get_mining_site("a", client=client),
        lambda: sectorsdf.quote(sectorsdf.get_mining_sites, client=client),
    ):
        with pytest.raises(sectorsdf.CreditLimitError):
            call()
    assert client.spent == server.billed == 4


def test_threads_together_do_not_overspend(server, connect):
    client = connect(max_credits=5)
    slugs = known(server, "mining_sites", 8)

    def ask(slug):
        try:
            return len(sectorsdf.get_mining_site(slug, client=client))
        except sectorsdf.CreditLimitError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, slugs)) == 5
    assert client.spent == server.billed == 5


def test_what_a_smaller_page_means_for_the_price(server, client):
    server.set_faults(page_limit=20)
    try:
        with pytest.raises(sectorsdf.CreditLimitError) as caught:
            sectorsdf.get_mining_licenses(client=client, max_credits=5)
        # Pages that were kept count as paid, wherever they begin.
        assert caught.value.need == 12
        server.set_faults(status_every={400: 4})
        with pytest.raises(sectorsdf.BadRequestError):
            sectorsdf.get_mining_licenses(client=client, workers=1)
        server.set_faults(status_every={})
        left = 13 - client.spent
        assert left < 12
        quoted = sectorsdf.quote(sectorsdf.get_mining_licenses, client=client)
        assert (quoted.credits, quoted.spent) == (left, 0)
        frame = sectorsdf.get_mining_licenses(client=client, max_credits=left)
        assert len(frame) == 250
        assert client.spent == server.billed == 13
    finally:
        server.set_faults(page_limit=None, status_every={})


# Quotes


def test_a_quote_of_a_list_costs_one_credit_once(server, client):
    quoted = sectorsdf.quote(sectorsdf.get_mining_licenses, client=client)
    assert (quoted.credits, quoted.pages, quoted.rows) == (8, 8, 250)
    assert (quoted.spent, quoted.exact, quoted.seconds) == (1, True, 0.0)
    again = sectorsdf.quote(sectorsdf.get_mining_licenses, client=client)
    assert (again.credits, again.spent) == (8, 0)
    assert client.spent == server.billed == 1
    frame = sectorsdf.get_mining_licenses(client=client, max_credits=quoted.credits)
    assert len(frame) == 250
    assert frame.attrs["sectorsdf"]["credits"] == 8
    assert client.spent == server.billed == 9


def test_a_quote_knows_filters_and_rows(server, client):
    coal = sum(r["commodity_type"] == "Coal" for r in server.records("mining_licenses"))
    quoted = sectorsdf.quote(sectorsdf.get_mining_licenses, client=client, commodity_type="coal")
    assert quoted.rows == coal
    assert quoted.credits == -(-coal // 30) - 1
    few = sectorsdf.quote(
        sectorsdf.get_mining_licenses, client=client, max_rows=61, max_credits=1, strict=True
    )
    assert (few.credits, few.rows) == (2, 61)
    none = sectorsdf.quote(sectorsdf.get_mining_licenses, client=client, company="no-such-company")
    assert (none.credits, none.rows, none.spent) == (0, 0, 1)


def test_a_quote_of_records_costs_nothing(server, client):
    slugs = known(server, "mining_sites", 4)
    quoted = sectorsdf.quote(sectorsdf.get_mining_site, [*slugs, slugs[0]], client=client)
    assert (quoted.credits, quoted.pages, quoted.spent, quoted.exact) == (4, 4, 0, True)
    assert server.requests == []
    sectorsdf.get_mining_site(slugs[:3], client=client)
    assert sectorsdf.quote(sectorsdf.get_mining_site, slugs, client=client).credits == 1
    assert sectorsdf.quote(sectorsdf.get_mining_site, slug=slugs, client=client).credits == 1


def test_a_quote_tells_the_time_that_the_rate_limit_takes(server, connect):
    client = connect(rate_limit="2/min")
    assert sectorsdf.quote(sectorsdf.get_mining_licenses, client=client).seconds > 100


def test_a_quote_of_what_is_no_getter(client):
    with pytest.raises(TypeError, match="not a getter"):
        sectorsdf.quote(print, client=client)
    with pytest.raises(TypeError, match="takes the getter itself, not the frame that it returns"):
        sectorsdf.quote(pd.DataFrame(), client=client)


def test_a_quote_that_fails_costs_what_it_cost(server, connect):
    server.set_faults(garbage_rate=1.0)
    client = connect()
    try:
        with pytest.raises(sectorsdf.ResponseError, match="Page 1 of mining_sites failed 3 times"):
            sectorsdf.quote(sectorsdf.get_mining_sites, client=client)
    finally:
        server.set_faults(garbage_rate=0.0)
    assert client.spent == server.billed == 3


def test_an_interrupt_of_a_quote_lets_the_page_land(tmp_path, monkeypatch):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread can be interrupted")
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("signals of POSIX")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    landing, drain = threading.Event(), WorkerPool.drain
    monkeypatch.setattr(WorkerPool, "drain", lambda pool: landing.set() or drain(pool))

    def respond(request):
        if len(scripted.requests) == 1:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            assert landing.wait(10)
        rows = [{**RECORD, "year": year} for year in range(1995, 2025)]
        return page(rows, 40, limit=30)

    try:
        with Scripted(respond) as scripted:
            with sectorsdf.Client(KEY, scripted.url, cache_folder=tmp_path) as client:
                with pytest.raises(KeyboardInterrupt):
                    sectorsdf.quote(sectorsdf.get_mining_sites, client=client)
                assert client.spent == 1
                quoted = sectorsdf.quote(sectorsdf.get_mining_sites, client=client)
            assert (quoted.spent, quoted.credits, len(scripted.requests)) == (0, 1, 1)
    finally:
        signal.signal(signal.SIGINT, before)


# Records that were paid for


def test_what_is_asked_of_one_auction_costs_one_credit_in_all(server, client):
    (code,) = known(server, "mining_license_auctions", 1)
    auction = sectorsdf.get_mining_license_auction(code, client=client)
    phases = sectorsdf.get_mining_license_auction_phases(code, client=client)
    participants = sectorsdf.get_mining_license_auction_participants(code, client=client)
    emails = sectorsdf.get_mining_license_auction_participants(
        code, include_emails=True, client=client
    )
    assert len(auction) == 1
    assert len(phases) > 0
    assert len(emails) == len(participants) == auction["participant_count"].iloc[0]
    assert client.spent == server.billed == len(server.requests) == 1
    costs = [f.attrs["sectorsdf"]["credits"] for f in (auction, phases, participants, emails)]
    assert costs == [1, 0, 0, 0]


def test_an_unknown_slug_is_billed_once_and_remembered(server, client):
    for _ in range(2):
        with pytest.raises(sectorsdf.NotFoundError) as caught:
            sectorsdf.get_mining_site("nowhere", client=client)
        assert caught.value.missing == ("nowhere",)
        assert caught.value.frame.empty
        assert (caught.value.status, caught.value.retryable) == (404, False)
        assert caught.value.url == f"{server.url}/v2/mining/sites/nowhere/"
    assert client.spent == server.billed == len(server.requests) == 1


def test_unknown_slugs_can_be_skipped(server, client):
    one, two = known(server, "mining_sites", 2)
    with pytest.warns(
        sectorsdf.DataWarning, match="does not know slug 'nowhere', 'abroad'"
    ) as caught:
        frame = sectorsdf.get_mining_site(
            [two, "nowhere", one, two, "abroad"], missing="skip", client=client
        )
    assert caught[0].filename == __file__
    assert frame["slug"].tolist() == [two, one]
    assert frame.attrs["sectorsdf"]["not_found"] == ["nowhere", "abroad"]
    assert frame.attrs["sectorsdf"]["filters"] == {"slug": [two, "nowhere", one, "abroad"]}
    assert frame.attrs["sectorsdf"]["complete"] is False
    assert client.spent == server.billed == 4
    with pytest.raises(sectorsdf.NotFoundError) as error:
        sectorsdf.get_mining_site([two, "nowhere", one], client=client)
    pd.testing.assert_frame_equal(error.value.frame, frame)
    assert client.spent == server.billed == 4


def test_no_keys_at_all_cost_nothing(server, client):
    assert sectorsdf.get_mining_site([], client=client).empty
    assert sectorsdf.get_mining_site(pd.DataFrame({"slug": []}), client=client).empty
    assert server.requests == []


def test_records_are_asked_for_again_when_they_are_old_or_forgotten(server, connect):
    (slug,) = known(server, "mining_sites", 1)
    client = connect()
    for _ in range(2):
        sectorsdf.get_mining_site(slug, client=client)
        sectorsdf.get_mining_site(slug, client=client)
        client.forget()
    assert client.spent == 2
    forgetful = connect(reuse_within=-1)
    for _ in range(3):
        sectorsdf.get_mining_site(slug, client=forgetful)
    assert forgetful.spent == 3
    assert server.billed == 5


def test_details_that_were_paid_before_a_failure_are_not_paid_again(server, connect):
    slugs = known(server, "mining_sites", 8)
    server.set_faults(status_every={400: 6})
    client = connect(workers=1)
    with pytest.raises(sectorsdf.BadRequestError, match=r"5 paid page\(s\) are kept"):
        sectorsdf.get_mining_site(slugs, client=client)
    server.set_faults(status_every={})
    # The same client remembers them, another one finds them in the journal.
    other = connect()
    assert sectorsdf.get_mining_site(slugs, client=other)["slug"].tolist() == slugs
    assert sectorsdf.get_mining_site(slugs, client=client)["slug"].tolist() == slugs
    assert (client.spent, other.spent, server.billed) == (8, 3, 11)


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_the_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("sectorsdf.cache.memo._MOST_REMEMBERED", 3)
    with (
        Scripted(lambda request: answer({"slug": request.path[-2], "location": None})) as scripted,
        sectorsdf.Client(KEY, scripted.url, cache_folder=tmp_path) as client,
    ):
        with pytest.warns(sectorsdf.DataWarning, match="does not have"):
            sectorsdf.get_mining_site(list("abcde"), workers=1, client=client)
        assert sectorsdf.quote(sectorsdf.get_mining_site, list("cde"), client=client).credits == 0
        assert sectorsdf.quote(sectorsdf.get_mining_site, list("ab"), client=client).credits == 2


def test_a_rate_limit_is_met_and_kept_to(server, connect):
    server.set_faults(rate_limit=RateLimit(5, 0.3))
    try:
        client = connect(max_wait=5)
        assert len(sectorsdf.get_mining_licenses(client=client)) == 250
    finally:
        server.set_faults(rate_limit=None)
    assert client.spent == server.billed == 9
    assert client.pace()["refusals"] >= 1


def test_threads_that_ask_for_one_record_pay_for_it_once(serve):
    from sectorsdf.sandbox import Faults

    client = serve(faults=Faults(latency=0.05))
    code = sectorsdf.get_mining_license_auctions(client=client)["wiup_code"].iloc[0]
    spent = client.spent
    getters = [
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ]
    with ThreadPoolExecutor(6) as pool:
        frames = list(pool.map(lambda getter: getter(code, client=client), getters * 2))
    assert client.spent == spent + 1
    assert sum(frame.attrs["sectorsdf"]["credits"] for frame in frames) == 1
    gone = "no-such-site"
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(sectorsdf.get_mining_site, gone, client=client) for _ in range(4)]
    assert {type(call.exception()) for call in calls} == {sectorsdf.NotFoundError}
    assert client.spent == spent + 2
