"""A sandbox with its client: for a block, and for the rest of the session."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sectorsdf
from sectorsdf.client.client import Client, ClientOptions, default_client
from sectorsdf.sandbox.session import SandboxOptions

SMALL = {"licenses": 40, "auctions": 14, "sites": 10}


@pytest.fixture
def session():
    """A small sandbox that is the default for the test."""
    client = sectorsdf.use_sandbox(server=SMALL)
    yield client
    client.stop()


def test_the_getters_ask_the_sandbox_of_the_session(session, capsys):
    frame = sectorsdf.get_mining_license_auctions()
    assert len(frame) == 14
    assert "synthetic sample" in frame.attrs["sectorsdf"]["source"]
    assert session.spent == frame.attrs["sectorsdf"]["credits"]


def test_one_line_says_that_the_sandbox_is_in_use(capsys):
    client = sectorsdf.use_sandbox(server=SMALL)
    client.stop()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "synthetic sample" in lines[0]


def test_no_line_where_there_is_no_error_stream(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    sectorsdf.use_sandbox(server=SMALL).stop()


def test_the_getters_ask_the_api_again_once_it_is_stopped(session):
    session.stop()
    with pytest.raises(sectorsdf.MissingKeyError, match=r"use_sandbox\(\)"):
        sectorsdf.get_mining_sites()


def test_a_second_call_replaces_the_sandbox(session, capsys):
    second = sectorsdf.use_sandbox(server={**SMALL, "sites": 12})
    try:
        assert len(sectorsdf.get_mining_sites()) == 12
        with pytest.raises(sectorsdf.ConfigurationError, match="has been stopped"):
            sectorsdf.get_mining_sites(client=session)
        session.stop()
        assert default_client() is second
    finally:
        second.stop()


def test_a_sandbox_of_a_block_is_not_the_default(session):
    with sectorsdf.sandbox.running(server=SMALL) as other:
        assert default_client() is session
        assert other is not session
    assert default_client() is session


def test_a_client_whose_sandbox_has_ended_says_so_at_once():
    with sectorsdf.sandbox.running(server=SMALL) as client:
        sectorsdf.get_mining_license_auctions(client=client)
        spent = client.spent
        folder = client.context.folder
    with pytest.raises(sectorsdf.ConfigurationError, match=r"has been stopped.*use_sandbox"):
        sectorsdf.get_mining_sites(client=client)
    assert client.spent == spent
    assert not Path(folder).exists()


def test_the_sandbox_ends_with_the_process():
    code = (
        "import sectorsdf\n"
        f"client = sectorsdf.use_sandbox(server={SMALL})\n"
        "print(client.context.folder)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).exists()


@pytest.mark.parametrize(
    ("options", "function", "others"),
    [
        (ClientOptions, Client, {"api_key", "base_url"}),
        (SandboxOptions, sectorsdf.sandbox.Sandbox, {"data", "seed", "faults"}),
    ],
    ids=["client", "sandbox"],
)
def test_the_types_of_the_options_name_each_parameter(options, function, others):
    parameters = set(inspect.signature(function).parameters)
    assert options.__annotations__.keys() == parameters - others
