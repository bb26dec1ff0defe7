"""The benchmarks run in their smallest form, and nothing here depends on time."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import urllib.request

import pytest
from pandas.testing import assert_frame_equal
from support.paths import ROOT

from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance

sys.path.insert(0, str(ROOT / "benchmarks"))

import bench
import cases
import register_cases
from server import PATH, Replay, Rows, make_certificate

ROWS = 95


@pytest.fixture(scope="module")
def rows():
    return Rows(ROWS)


@pytest.fixture(scope="module")
def server():
    with Replay(ROWS) as running:
        yield running


@pytest.fixture(scope="module")
def workers():
    """The processes that all tests share, because most of their time goes into imports."""
    with bench.SharedWorkers() as processes:
        yield processes


@pytest.fixture(scope="module")
def worker(workers):
    return workers.get({})


def get(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


# The server


def test_the_server_replays_pages_as_the_api_writes_them(server, rows):
    pages = [get(f"{server.url}{PATH}?limit=30&offset={n}") for n in range(0, ROWS, 30)]
    records = [record for page in pages for record in page["results"]]
    assert records == rows.records()
    assert len({record["wiup_code"] for record in records}) == ROWS == server.rows
    days = [record["license_expiry_date"] for record in records]
    assert days == sorted(days)
    assert {page["pagination"]["total_count"] for page in pages} == {ROWS}
    assert [page["pagination"]["has_next"] for page in pages] == [True, True, True, False]
    assert server.pages == len(pages) == 4


def test_the_limiter_counts_by_window():
    with Replay(ROWS, limit=(2, 3600)) as limited:
        for _ in range(2):
            get(f"{limited.url}{PATH}?limit=30&offset=0")
        with pytest.raises(urllib.error.HTTPError, match="429") as caught:
            get(f"{limited.url}{PATH}?limit=30&offset=0")
        caught.value.close()
        (window,) = get(f"{limited.url}/_windows")
    assert (window["served"], window["refused"]) == (2, 1)


# The contenders

SWEEPS = sorted({*cases.SWEEPS.values(), "ours_uncached", "backoff"})


@pytest.mark.parametrize("function", SWEEPS)
def test_each_contender_brings_every_row(function, server, worker):
    measured = worker.run(function, {"url": server.url, "rows": ROWS})
    if "absent" in measured:
        pytest.skip(measured["absent"])
    # All of them, although the last page is not full.
    assert measured["rows"] == ROWS
    assert measured["wall"] > 0
    assert measured["cpu"] > 0


@pytest.mark.parametrize("function", ["type_ours", "type_by_hand", "type_normalize", "type_polars"])
def test_each_way_to_type_gives_every_row(function, worker):
    measured = worker.run(function, {"rows": ROWS})
    if "absent" in measured:
        pytest.skip(measured["absent"])
    assert measured["rows"] == ROWS


def test_the_frame_by_hand_is_the_frame_of_the_builder(monkeypatch, rows):
    typing = pytest.importorskip("contenders.typing")
    builder = FrameBuilder(MINING_LICENSES)
    builder.add(rows.records())
    ours = builder.frame(Provenance())
    assert_frame_equal(ours, typing.by_hand(rows.records()), check_dtype=False)


@pytest.mark.newest
def test_the_contenders_of_a_register_find_the_same(worker, tmp_path):
    found = {}
    for case in register_cases.register_cases(tmp_path, quick=True):
        if case.memory:
            continue
        for contender in case.contenders:
            arguments = {"rows": case.rows, **contender.arguments}
            measured = worker.run(contender.function, arguments)
            if "absent" not in measured:
                found.setdefault(contender.function.partition("_")[0], {})[contender.label] = (
                    measured["rows"]
                )
    assert set(found) == {"write", "latest", "sum", "changes", "history", "diff"}
    # It counts the rows of both sides that differ, not what has changed in them.
    found["diff"].pop(register_cases.ANTI_JOIN, None)
    for rows_by_label in found.values():
        assert len(set(rows_by_label.values())) == 1, found
        assert min(rows_by_label.values()) > 0


# The cases


def _small(title, folder):
    (found,) = [case for case in cases.cases(folder, quick=True) if title in case.title]
    return found


def _run_two_contenders(title, monkeypatch, workers):
    monkeypatch.setattr(cases, "_tls_cases", lambda *_: ())
    monkeypatch.setattr(cases, "_memory_cases", lambda *_: ())
    case = _small(title, None)
    case = dataclasses.replace(case, contenders=case.contenders[:2])
    loop_times = []
    runs = bench.run(case, loop_times, workers)
    assert list(runs) == [contender.label for contender in case.contenders]
    assert all(len(rounds) == case.rounds == 1 for rounds in runs.values())
    return case, runs, loop_times


@pytest.mark.parametrize("title", ["no latency", "records to a typed frame", "tidy"])
def test_a_case_in_its_quick_form(title, monkeypatch, workers):
    case, runs, loop_times = _run_two_contenders(title, monkeypatch, workers)
    assert len(loop_times) == 2
    text = "\n".join(bench.format_case(case, runs))
    assert all(f"| {label} |" in text for label in runs)


def test_contenders_with_processes_of_their_own_run_once_to_warm_up(monkeypatch):
    *_, loop_times = _run_two_contenders("tidy", monkeypatch, None)
    assert len(loop_times) == 4


def test_a_case_over_tls_that_watches_memory(tmp_path):
    pytest.importorskip("psutil")
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes the openssl command, which is not here")
    case = _small("TLS", tmp_path)
    case = dataclasses.replace(case, contenders=case.contenders[:1], memory=True, fresh=True)
    ((measured,),) = bench.run(case, []).values()
    assert measured["rows"] == case.rows
    assert measured["peak"] > 0


def test_a_certificate_is_in_a_bundle_of_the_usual_size(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes the openssl command, which is not here")
    cert, key, bundle = make_certificate(tmp_path)
    assert bundle.read_bytes().endswith(cert.read_bytes())
    assert bundle.read_bytes().count(b"BEGIN CERTIFICATE") > 50
    assert b"PRIVATE KEY" in key.read_bytes()


def test_under_a_limiter_no_row_is_lost(workers):
    lines = bench.run_under_limit(quick=True, shared=workers)
    (ours,) = [line for line in lines if line.startswith(f"| {bench.OURS} |")]
    assert ours.split("|")[3].strip() == "0%"


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        (cases.Goal("wall", "other", least=2.0), 2.5, True),
        (cases.Goal("wall", "other", least=3.0), 2.5, False),
        (cases.Goal("wall", "other", most=0.5), 0.4, True),
        (cases.Goal("wall", "other", most=0.3), 0.4, False),
    ],
)
def test_a_goal_is_a_bound_of_the_ratio(goal, ratio, met):
    runs = {"ours": [{"wall": 2.0}], "other": [{"wall": 5.0}]}
    assert goal.ratios(runs, "ours") == [ratio]
    assert goal.met(ratio) is met


def test_cases_that_ran_again_replace_their_tables():
    page = "# Measured\n\nAbove.\n\n## One\n\nold\n\n## Two\n\nkept\n"
    again = bench.replace_sections(page, ["## One", "", "new", ""])
    assert again == page.replace("old", "new")
    with pytest.raises(KeyError, match="no section '## Three'"):
        bench.replace_sections(page, ["## Three", ""])


def test_growth_is_reported_with_its_slope_and_drawn(tmp_path, monkeypatch):
    growth = [(10**n, {"wall": 10.0**n / 1e5, "peak": 10**n}) for n in (3, 4, 5, 6)]
    lines = bench.format_growth(growth)
    assert lines[-1] == "Slope on logarithmic scales: 1.00 for time, 1.00 for memory."
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(bench, "FIGURE", tmp_path / "images" / "speed.png")
    case = _small("growth: 30 rows", tmp_path) if shutil.which("openssl") else None
    if case is not None:
        bench.draw([(case, {bench.OURS: [{"wall": 1.0}]})], growth)
        assert bench.FIGURE.read_bytes().startswith(b"\x89PNG")
