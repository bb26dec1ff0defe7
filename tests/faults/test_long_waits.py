"""A wait that is too long is an error that says until when, and a shorter one is reported."""

from __future__ import annotations

import email.utils
import json
import logging
import threading
import time

import filelock
import pytest
from support.processes import SweepProcess, wait_until
from support.rate_limits import NOW, Clock
from support.scripted_server import RECORD, answer, in_turn
from support.transport import get_site

import sectorsdf
from sectorsdf import errors
from sectorsdf.client.progress import Progress
from sectorsdf.http import state_file
from sectorsdf.http.clock import clock_time, duration_in_words
from sectorsdf.http.limiter import Permit, RateLimiter
from sectorsdf.http.state_file import StateFile
from sectorsdf.http.window_state import WindowState

pytestmark = [pytest.mark.newest, pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")]

GOOD = answer({**RECORD, "name": "A", "location": None})
DAY = 86400.0


def refusal(retry_after):
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return answer({"error": "RATE_LIMIT_EXCEEDED"}, 429, headers=headers)


def refuse_all(limiter, clock, retry_after=None):
    """Refuse every request; return the error that ends that, and how many were refused."""
    refused = 0
    for _ in range(1000):
        try:
            found = limiter._try(clock.now, "")
            if isinstance(found, float):
                clock.now = found
                continue
            refused += 1
            found.refused(retry_after)
        except errors.SectorsdfError as error:
            return error, refused
    return None, refused


class TestRetryAfter:
    @pytest.mark.parametrize("options", [{}, {"rate_limit": "30/min"}])
    def test_beyond_max_wait_is_an_error_at_once_for_all(self, scripted, connect, options):
        server = scripted(in_turn(refusal(80_000), GOOD))
        first = connect(server, max_wait=2.0, **options)
        begun = time.monotonic()
        until = clock_time(time.time() + 80_001)[:16]
        with pytest.raises(sectorsdf.RateLimitError) as caught:
            get_site(first)
        assert until in str(caught.value)
        assert "in 22 h 13 min" in str(caught.value)
        assert "max_wait=2 s" in str(caught.value)
        assert caught.value.retry_after == pytest.approx(80_000, abs=5)
        assert caught.value.status == 429
        assert not caught.value.retryable
        # The same client again, another one of the same folder, and one that was given a limit.
        later = [first, connect(server, max_wait=2.0), connect(server, rate_limit="100/s")]
        for client in later:
            with pytest.raises(sectorsdf.RateLimitError, match="asks to send none before"):
                get_site(client)
        assert time.monotonic() - begun < 5
        assert len(server.requests) == 1

    def test_other_threads_and_processes_get_it_too(self, tmp_path):
        limit = sectorsdf.sandbox.RateLimit(3, 3600.0, retry_after=True)
        faults = sectorsdf.sandbox.Faults(rate_limit=limit, latency=0.05)
        with sectorsdf.sandbox.Sandbox(licenses=400, faults=faults) as server:
            options = {"cache_folder": tmp_path / "cache", "workers": 4, "max_wait": 10}
            with (
                sectorsdf.Client(server.key, server.url, **options) as client,
                pytest.raises(sectorsdf.RateLimitError, match=r"3 paid page\(s\) are kept"),
            ):
                sectorsdf.get_mining_licenses(client=client)
            asked = len(server.requests)
            assert asked <= 3 + 4
            with SweepProcess(server.url, tmp_path / "cache") as child:
                result = child.end()
            assert result["error"] == "RateLimitError"
            assert len(server.requests) == asked
            # When the hour is over, the same call pays for the rest only.
            server.set_faults(rate_limit=None)
            for path in (tmp_path / "cache" / "rates").glob("*.json"):
                path.unlink()
            with sectorsdf.Client(server.key, server.url, **options) as client:
                assert len(sectorsdf.get_mining_licenses(client=client)) == 400
            assert server.billed == 14

    def test_as_a_date(self, scripted, connect):
        date = email.utils.formatdate(time.time() + DAY / 2, usegmt=True)
        server = scripted(in_turn(refusal(date), GOOD))
        with pytest.raises(sectorsdf.RateLimitError, match=r"in (12|11) h"):
            get_site(connect(server))

    def test_within_max_wait_is_waited_for(self, scripted, connect):
        server = scripted(in_turn(refusal(1), GOOD))
        begun = time.monotonic()
        assert len(get_site(connect(server, max_wait=2.0))) == 1
        assert 1.0 <= time.monotonic() - begun < 3
        assert len(server.requests) == 2

    def test_that_comes_again_and_again_is_no_used_up_quota(self):
        clock = Clock()
        limiter = RateLimiter(clock=clock, max_wait=10.0)
        error, refused = refuse_all(limiter, clock, 6.0)
        assert isinstance(error, errors.RateLimitError)
        assert refused == 3
        assert "asks to send none before" in str(error)

    @pytest.mark.parametrize("seconds", [DAY / 2, DAY, 1e9, 1e300])
    def test_is_obeyed_for_a_day_at_most(self, seconds):
        clock = Clock()
        limiter = RateLimiter(clock=clock, max_wait=5.0)
        with pytest.raises(errors.RateLimitError):
            limiter._try(clock.now, "").refused(seconds)
        obeyed = min(seconds, DAY)
        clock.now = NOW + obeyed - 60
        with pytest.raises(errors.RateLimitError, match=r"in (1|2|3|4) min|in \d+ s"):
            limiter._try(clock.now, "")
        clock.now = NOW + obeyed + 300
        assert isinstance(limiter._try(clock.now, ""), Permit)


class TestLearntWindow:
    def limiter(self, tmp_path, clock, **options):
        state = {"requests": 2, "seconds": 3600.0, "settled": True, "slots": [[NOW - 60, 2]]}
        path = tmp_path / "state"
        if not path.exists():
            path.write_text(json.dumps(state), encoding="utf-8")
        return RateLimiter(clock=clock, state_file=path, **options)

    def test_longer_than_max_wait_is_no_used_up_quota(self, tmp_path):
        clock = Clock()
        for _ in range(2):
            with pytest.raises(errors.RateLimitError) as caught:
                self.limiter(tmp_path, clock)._try(clock.now, "https://example.test/")
            text = str(caught.value)
            assert "The rate limit of 2 requests in 1 h, as it was learnt, allows none" in text
            assert clock_time(NOW + 3547) in text
            assert caught.value.url == "https://example.test/"
        # A client that may wait longer, and one whose caller has set that limit, wait.
        for options in ({"max_wait": 3700.0}, {"rate_limit": "2/hour"}):
            found = self.limiter(tmp_path, clock, **options)._try(clock.now, "")
            assert found == pytest.approx(NOW + 3547, abs=1)
        clock.now = NOW + 3548
        assert isinstance(self.limiter(tmp_path, clock)._try(clock.now, ""), Permit)

    def test_an_unknown_one_may_be_longer_than_the_refusals(self):
        clock = Clock()
        limiter = RateLimiter(clock=clock, max_wait=3.0)
        error, _ = refuse_all(limiter, clock)
        assert isinstance(error, errors.QuotaExhaustedError)
        longer = "If your plan's rate window is longer, give the client a longer max_wait."
        assert str(error).endswith(longer)
        assert clock.now - NOW == pytest.approx(3.0, abs=0.5)


class TestWords:
    def test_a_wait_of_more_than_a_second_is_logged_and_announced(self, caplog):
        limiter = RateLimiter(rate_limit="2/1.3s")
        for _ in range(2):
            limiter.acquire().allowed()
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            limiter.acquire().allowed()
        [record] = caplog.records
        assert record.levelno == logging.INFO
        assert "for the rate limit of 2 requests in 1.3 s" in record.getMessage()
        assert ", until " in record.getMessage()
        assert time.strftime("%H:") in record.getMessage()

    def test_a_pause_and_a_closed_window_are_named(self, caplog):
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            for seconds, words in ((1.2, "the server, which asked to wait (Retry-After)"),):
                limiter = RateLimiter()
                limiter.acquire().refused(seconds)
                limiter.acquire().allowed()
                assert words in caplog.records[-1].getMessage()
            limiter = RateLimiter(window_lengths=(1.1,))
            limiter.acquire().refused()
            limiter.acquire().allowed()
        assert "the server's rate window to open again" in caplog.records[-1].getMessage()

    def test_a_shorter_wait_is_not(self, caplog):
        limiter = RateLimiter(rate_limit="1/0.2s")
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            for _ in range(3):
                limiter.acquire().allowed()
        assert caplog.records == []

    def test_a_wait_for_another_process_is_named(self, tmp_path, caplog):
        """It tests the limit with a request of its own, and does not say when that will end."""
        path = tmp_path / "state"
        now = time.time()
        state = WindowState(
            closed=now - 3, refused=now - 3, ladder=[[now - 1, 2.0]], slots=[[now - 4, 3]],
            lease="another", lease_until=now + 40,
        )  # fmt: skip
        path.write_text(json.dumps(vars(state)), encoding="utf-8")
        limiter = RateLimiter(state_file=path)
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            waiting = threading.Thread(target=lambda: limiter.acquire().allowed(), daemon=True)
            waiting.start()
            wait_until(lambda: caplog.records)
            path.write_text(json.dumps({**vars(state), "lease": ""}), encoding="utf-8")
            waiting.join(10)
        assert not waiting.is_alive()
        assert [record.getMessage() for record in caplog.records] == [
            "Still waiting for another request, which tests the rate limit"
        ]

    def test_a_pause_is_announced_while_another_process_sends_a_request(self, tmp_path, caplog):
        now = time.time()
        state = WindowState(pause=now + 1.6, refused=now, lease="another", lease_until=now + 40)
        path = tmp_path / "state"
        path.write_text(json.dumps(vars(state)), encoding="utf-8")
        limiter = RateLimiter(state_file=path)
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            limiter.acquire().allowed()
        assert "for the server, which asked to wait (Retry-After)" in caplog.records[0].getMessage()

    def test_the_bar_shows_until_when(self):
        until = time.time() + 12
        bar = Progress("mining_licenses", "page", lambda: 3, lambda: until, shown=False)
        assert bar._words().startswith("3 credits, waiting 12 s for the rate limit, until ")
        assert clock_time(until) in bar._words()

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0.25, "0.2 s"), (1.0, "1 s"), (9.96, "10 s"), (60.2, "60 s"), (120, "2 min"),
            (200, "3 min 20 s"), (3600, "1 h"), (80_000, "22 h 13 min"), (200_000, "2 days"),
        ],
    )  # fmt: skip
    def test_durations(self, seconds, words):
        assert duration_in_words(seconds) == words

    def test_times(self):
        assert clock_time(time.time() + 1e9).startswith("20")
        assert clock_time(1e300) == "a time beyond the calendar"


class TestLockedFile:
    """Another process was stopped while it held the lock of the file."""

    def test_the_wait_is_reported(self, tmp_path, caplog, monkeypatch):
        monkeypatch.setattr(state_file, "_SILENT", 0.05)
        shared = StateFile(tmp_path / "state", "here")
        with caplog.at_level(logging.INFO, logger="sectorsdf"):
            other = filelock.FileLock(tmp_path / "state.lock", thread_local=False)
            other.acquire()
            releaser = threading.Thread(
                target=lambda: (wait_until(lambda: caplog.records), other.release())
            )
            releaser.start()
            with shared.locked():
                shared.save(WindowState(requests=3))
            releaser.join()
        assert "another process, which holds the lock of the rate limit's file" in (
            caplog.records[0].getMessage()
        )
        assert json.loads((tmp_path / "state").read_text(encoding="utf-8"))["requests"] == 3

    def test_one_that_does_not_go_on_is_left_alone(self, tmp_path, caplog, monkeypatch):
        monkeypatch.setattr(state_file, "_SILENT", 0.02)
        monkeypatch.setattr(state_file, "_PATIENCE", 0.1)
        limiter = RateLimiter(state_file=tmp_path / "state", rate_limit="2/min")
        with (
            caplog.at_level(logging.INFO, logger="sectorsdf"),
            filelock.FileLock(tmp_path / "state.lock"),
        ):
            begun = time.monotonic()
            for _ in range(2):
                limiter.acquire().allowed()
            assert time.monotonic() - begun < 2
        assert "locked by a process that does not go on" in caplog.records[-1].getMessage()
        assert isinstance(limiter._try(time.time(), ""), float)
