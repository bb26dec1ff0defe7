"""`sectorsdf doctor`: the report on this machine, and the comparison with the API's answers."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from support.scripted_server import Scripted, always, answer

from sectorsdf import sandbox as sandbox_module
from sectorsdf.cli import doctor
from sectorsdf.cli.doctor_api import MOST_CREDITS


def test_a_machine_in_order_has_no_problem(run, sandbox):
    out, err = run("doctor")
    assert err == ""
    assert out.endswith("No problem found.\n")
    for section in ("Versions", "Folders", "Key", "Network"):
        assert f"{section}\n" in out
    assert "API key: found in SECTORS_API_KEY" in out
    assert "clock: agrees" in out
    assert sandbox.billed == 0


def test_the_report_has_neither_the_key_nor_the_home_folder(run, sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.invalid:8080")
    out, _ = run("doctor", "--no-connect")
    assert sandbox.key not in out
    assert str(tmp_path) not in out
    assert "secret" not in out
    assert "~/cache" in out


def test_the_connection_carries_no_key(run, sandbox):
    run("doctor")
    (request,) = sandbox.requests
    assert (request.billed, request.key_fingerprint) == (False, None)
    assert request.status == 401


def test_no_key_is_a_problem_with_advice(run, sandbox, monkeypatch):
    monkeypatch.delenv("SECTORS_API_KEY")
    out, _ = run("doctor", code=1)
    assert "API key: not found\n    ! Set SECTORS_API_KEY or run `sectorsdf login`" in out
    assert out.endswith("1 problem found.\n")


def test_a_key_that_cannot_be_used_is_not_shown(run, sandbox, monkeypatch):
    monkeypatch.setenv("SECTORS_API_KEY", "two words")
    out, _ = run("doctor", "--no-connect", code=1)
    assert "found, but it cannot be used" in out
    assert "two words" not in out


def test_a_saved_key_is_found(run, sandbox, monkeypatch, tmp_path):
    monkeypatch.delenv("SECTORS_API_KEY")
    file = tmp_path / "key"
    file.write_text(sandbox.key)
    run("login", "--no-check", "--store", "file", "--key-file", str(file))
    out, _ = run("doctor", "--no-connect")
    assert f"found in the login for {sandbox.url}" in out


@pytest.mark.parametrize("kind", ["file", "read-only"])
def test_a_folder_that_cannot_be_used(run, sandbox, monkeypatch, tmp_path, kind):
    folder = tmp_path / "folder"
    if kind == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setenv("SECTORSDF_CACHE_DIR", str(folder))
    out, _ = run("doctor", "--no-connect", code=1)
    assert ("is a file" if kind == "file" else "cannot be written to") in out


def test_a_disk_that_is_nearly_full(run, sandbox, monkeypatch):
    monkeypatch.setattr(doctor, "_LEAST_FREE", 10**18)
    out, _ = run("doctor", "--no-connect", code=1)
    assert "The disk is nearly full." in out


def test_a_cache_setting_that_cannot_be_used(run, sandbox, monkeypatch):
    monkeypatch.setenv("SECTORSDF_CACHE_DIR", "nowhere://host/folder")
    out, _ = run("doctor", "--no-connect", code=1)
    assert "Correct SECTORSDF_CACHE_DIR." in out


def test_certificates_that_are_not_there(run, sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    out, _ = run("doctor", "--no-connect", code=1)
    assert "Correct REQUESTS_CA_BUNDLE." in out


def test_a_server_that_cannot_be_reached(run, sandbox, monkeypatch):
    monkeypatch.setenv("SECTORSDF_BASE_URL", "http://127.0.0.1:9")
    out, _ = run("doctor", code=1)
    assert "connection: failed\n    ! the connection failed" in out


def test_a_server_that_is_not_the_api(run, sandbox, monkeypatch):
    with Scripted(always(answer(b"<html>Welcome</html>"))) as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        out, _ = run("doctor", code=1)
    assert "the server answered 200 to a request without a key" in out
    assert "! The API answers 401 or 403" in out
    assert "sends no time" in out


def test_a_clock_that_is_wrong():
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    sent = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
    for minutes, words in ((5, "300 s ahead of"), (-5, "300 s behind")):
        finding = doctor._clock(sent, (now + timedelta(minutes=minutes)).timestamp())
        assert words in finding.text
        assert "Set the clock" in finding.advice
    assert doctor._clock(sent, now.timestamp()).advice == ""
    assert "sends no time" in doctor._clock(None, now.timestamp()).text
    assert "sends no time" in doctor._clock("yesterday", now.timestamp()).text


def test_without_home_network_or_terminal(tmp_path):
    """The surroundings of a bare container: no home, no proxy, no name service."""
    environment = {"PATH": os.environ["PATH"], "SECTORSDF_BASE_URL": "https://none.invalid"}
    done = subprocess.run(
        [sys.executable, "-m", "sectorsdf", "doctor", "--no-connect"],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert "address: https://none.invalid (SECTORSDF_BASE_URL)" in done.stdout
    assert "API key: not found" in done.stdout


# Against the API


def test_each_endpoint_is_asked_once_and_fits(run, sandbox_of_all):
    out, _ = run("doctor", "--api", "--yes")
    lines = re.findall(r"^  (/v2/mining/\S+): (.*)$", out, re.MULTILINE)
    assert len(lines) == 19
    assert not [line for line in lines if "unknown" in line[1] or "failed" in line[1]]
    assert sandbox_of_all.billed <= MOST_CREDITS
    assert f"{sandbox_of_all.billed} credits were spent." in out
    assert "come first in reverse order" in out


def test_nothing_is_spent_without_a_yes(run, sandbox_of_all, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    _, err = run("doctor", "--api", code=130)
    assert "Spend up to" in err
    assert sandbox_of_all.billed == 0


def test_the_two_modes_exclude_each_other(run, sandbox):
    _, err = run("doctor", "--api", "--no-connect", code=2)
    assert "exclude each other" in err


@pytest.fixture
def sandbox_of_all(monkeypatch, tmp_path):
    """A sandbox of the whole sample, named by the environment."""
    with sandbox_module.Sandbox(licenses=120, today=date(2026, 1, 15)) as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        yield server


def test_planted_differences_are_named(run, monkeypatch):
    with sandbox_module.Sandbox(licenses=40, sites=20) as server:
        licenses = [dict(record) for record in server.records("mining_licenses")]
        contracts = [dict(record) for record in server.records("mining_contracts")]
    for record in licenses:
        record["new_field"] = "a secret value"
        del record["cnc"]
    # The first page has some of each, whatever its order.
    for record in licenses[::2]:
        record["license_type"] = "IUPX"
    for record in licenses[1::2]:
        record["licensed_area_ha"] = "a secret area"
    records = {"mining_licenses": licenses, "mining_contracts": contracts}
    with sandbox_module.Sandbox(records=records, today=date(2026, 1, 15)) as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        out, _ = run("doctor", "--api", "--yes", code=1)
    (line,) = re.findall(r"^  /v2/mining/licenses/: (.*)$", out, re.MULTILINE)
    assert "unknown fields: new_field" in line
    assert "missing fields: cnc" in line
    assert "unknown values of license_type: IUPX" in line
    assert "columns with values that do not fit: licensed_area_ha" in line
    assert "! It differs from the declaration." in out
    assert "secret" not in out
    assert "not asked: an earlier answer has no key to ask it with" in out
    (contract,) = re.findall(r"^  /v2/mining/contracts/: (.*)$", out, re.MULTILINE)
    assert contract == f"{len(contracts)} rows"


def test_a_login_without_a_key_says_so(run, sandbox, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    _, err = run("login", "--no-check", "--store", "file", code=3)
    assert err == "Error: Standard input has no key. Give it there, or with --key-file.\n"
