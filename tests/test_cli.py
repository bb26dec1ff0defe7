"""The command line, in processes of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests

import sectorsdf


def _start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SECTORS")},
        "SECTORSDF_CACHE_DIR": str(cwd / "cache"),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "sectorsdf", *words],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(*words: str, cwd: Path) -> tuple[int, str, str]:
    process = _start(*words, cwd=cwd)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_demo_fetches_everything_and_names_its_files(tmp_path: Path) -> None:
    code, out, err = _run("demo", cwd=tmp_path)
    assert (code, err) == (0, "")
    for name, rows in (
        ("mining_licenses", 4151),
        ("mining_license_auctions", 14),
        ("mining_sites", 156),
    ):
        path = tmp_path / "sectorsdf-demo" / f"{name}.parquet"
        assert f"{name}: {rows:,} rows" in out
        assert str(Path("sectorsdf-demo") / path.name) in out
        frame = sectorsdf.read_parquet(path)
        assert len(frame) == rows
        assert frame.attrs["sectorsdf"]["source"].startswith("synthetic sample")
    schema = pq.read_schema(tmp_path / "sectorsdf-demo" / "mining_licenses.parquet")
    assert str(schema.field("license_expiry_date").type) == "date32[day]"
    assert "Largest holders" in out
    assert re.search(r"Expiring within a year of \d{4}-\d\d-\d\d: [\d,]+ licences", out)
    assert not (tmp_path / "cache").exists()  # the sandbox leaves the user's folder alone


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process = _start("serve", cwd=tmp_path)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = re.search(r"http://[\d.:]+", first)
        assert url is not None
        key = next(iter(re.findall(r"SECTORS_API_KEY=(\w+)", "".join(
            process.stdout.readline() for _ in range(2)
        ))))  # fmt: skip
        assert "synthetic" in first
        with sectorsdf.Client(key, url.group(), cache_folder=tmp_path / "c") as client:
            assert len(sectorsdf.get_mining_license_auctions(client=client)) == 14
        assert requests.get(url.group(), timeout=5).ok
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_the_demo_cleanly(tmp_path: Path) -> None:
    process = _start("demo", cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.readline()  # the sandbox runs and the fetching begins
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Interrupted" in err
    assert "Traceback" not in err


def test_credits_are_listed(tmp_path: Path) -> None:
    assert _run("credits", cwd=tmp_path)[1] == "No credits were spent yet.\n"
    with sectorsdf.sandbox.running(cache_folder=tmp_path / "cache") as client:
        sectorsdf.get_mining_license_auctions(client=client)
    code, out, _ = _run("credits", "--by", "endpoint", cwd=tmp_path)
    assert code == 0
    assert "/v2/mining/license-auctions/" in out


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["demo", "--help"], ["serve", "-h"]])
def test_help_is_there(words: list[str], tmp_path: Path) -> None:
    code, out, _ = _run(*words, cwd=tmp_path)
    assert code == 0
    assert out


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--data", "/nowhere"]])
def test_wrong_words_exit_with_2_and_no_traceback(words: list[str], tmp_path: Path) -> None:
    code, _, err = _run(*words, cwd=tmp_path)
    assert code == 2
    assert "Error" in err
    assert "Traceback" not in err
