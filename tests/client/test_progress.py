"""The bar: on a terminal or where asked for, on stderr, in words when it waits, and gone after."""

from __future__ import annotations

import os
import re
import select
import sys
import threading

import pytest
from support.processes import Process

import sectorsdf
from sectorsdf import mining as m
from sectorsdf.client import progress
from sectorsdf.client.call_config import CallConfig
from sectorsdf.config import options
from sectorsdf.sandbox import Faults, RateLimit

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")

FETCH = """
import sys
import sectorsdf
client = sectorsdf.Client(sys.argv[2], sys.argv[1], workers=1, max_wait=5)
try:
    frame = sectorsdf.get_mining_licenses(client=client)
    print(len(frame))
except sectorsdf.SectorsdfError as error:
    print(type(error).__name__)
"""
LINE = re.compile(r"mining licenses:.*?\d+/\d+ \[.*?\]")


def on_a_terminal(client, script=FETCH, **environment):
    """Run a fetch whose stderr is a terminal; return what it printed and what the terminal got."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read():
        while select.select([ours], [], [], 30)[0]:
            try:
                part = os.read(ours, 65_536)
            except OSError:
                return
            if not part:
                return
            shown.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        for name, value in environment.items():
            patch.setenv(name, value)
        words = (client.base_url, client.sandbox.key)
        with Process("-c", script, *words, stderr=theirs) as child:
            os.close(theirs)
            told = child.popen.communicate(timeout=60)[0]
    reader.join(30)
    os.close(ours)
    return told, shown.decode()


def last_line(shown):
    """Return what a terminal shows in the end: each return overwrites what stood there."""
    line = ""
    for part in shown.replace("\r\n", "\n").split("\n")[-1].split("\r"):
        line = part + line[len(part) :]
    return line.strip()


def test_pages_credits_and_the_wait_are_told_and_then_gone(serve):
    limit = RateLimit(requests=3, window=2.5)
    client = serve(faults=Faults(latency=0.05, rate_limit=limit))
    script = FETCH.replace("max_wait=5", "rate_limit=sectorsdf.RateLimit(3, 2.5)")
    told, shown = on_a_terminal(client, script)
    assert told == "130\n"
    lines = LINE.findall(shown)
    assert any("/5 " in line for line in lines)
    assert re.search(r"[1-4] credits?", shown)
    assert re.search(r"waiting [1-9] s for the rate limit", shown)
    assert last_line(shown) == ""


def test_what_takes_less_than_a_second_shows_nothing(serve):
    told, shown = on_a_terminal(serve())
    assert (told, shown) == ("130\n", "")


@pytest.mark.parametrize("value", ["0"])
def test_the_environment_turns_it_off(value, serve):
    client = serve(faults=Faults(latency=0.3))
    told, shown = on_a_terminal(client, SECTORSDF_PROGRESS=value)
    assert (told, shown) == ("130\n", "")


def test_nothing_is_left_behind_after_an_error(serve):
    client = serve(faults=Faults(latency=0.5, quota=3), max_wait=1)
    script = FETCH.replace("max_wait=5", "max_wait=1")
    told, shown = on_a_terminal(client, script)
    assert told == "QuotaExhaustedError\n"
    assert LINE.search(shown)
    assert last_line(shown) == ""


def test_nothing_is_shown_where_nobody_looks(serve, capfd):
    client = serve(faults=Faults(latency=0.3), workers=1)
    m.get_mining_licenses(client=client, max_rows=120)
    assert capfd.readouterr() == ("", "")


def test_a_call_can_ask_for_it_wherever_it_runs(serve, capfd, monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE", 0.01)
    client = serve(faults=Faults(latency=0.1), workers=1)
    m.get_mining_licenses(client=client, max_rows=60, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "mining licenses" in err
    with sectorsdf.set_options(progress=True):
        code = m.get_mining_license_auctions(client=client, progress=False)["wiup_code"].iloc[0]
        assert capfd.readouterr() == ("", "")
        m.get_mining_license_auction(code, client=client)
    assert "record" in capfd.readouterr().err
    assert not [t for t in threading.enumerate() if t.name == "sectorsdf-progress"]


def test_what_is_kept_shows_nothing(serve, tmp_path, monkeypatch, capfd):
    client = serve(cache=tmp_path)
    m.get_mining_licenses(client=client)
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    m.get_mining_licenses(client=client, progress=True)
    assert capfd.readouterr() == ("", "")


def shown(progress=None):
    """Return what a call decides about its progress bar."""
    with sectorsdf.Client("0" * 64) as client:
        return CallConfig.resolve(client.context, {"progress": progress}).progress


class ZMQInteractiveShell:
    """Named as the shell of a notebook's kernel."""


def test_a_notebook_is_somebody_looking(monkeypatch):
    module = type(sys)("IPython")
    module.get_ipython = ZMQInteractiveShell
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert shown() is True
    assert shown(progress=False) is False
    monkeypatch.setenv(options.PROGRESS_VARIABLE, "0")
    assert shown() is False
    monkeypatch.setenv(options.PROGRESS_VARIABLE, "1")
    monkeypatch.delitem(sys.modules, "IPython")
    assert shown() is True


def test_the_log_is_silent_unless_somebody_listens(serve, tmp_path, capfd, caplog):
    import logging

    assert any(
        isinstance(handler, logging.NullHandler)
        for handler in logging.getLogger("sectorsdf").handlers
    )
    file = tmp_path / "a-file"
    file.write_text("where the journal's folder should be")
    m.get_mining_license_auctions(client=serve(cache_folder=file))
    assert capfd.readouterr() == ("", "")
    assert "cannot be kept" in caplog.text
