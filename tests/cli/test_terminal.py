"""The command line on terminals and pipes, and after Ctrl-C."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.cli.table import as_record, as_table
from sectorsdf.sandbox import Faults

if os.name == "nt":
    pytest.skip("pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import struct
import termios

KEY = "fedcba9876543210" * 4
# Makes its standard input the terminal that a password is asked for on.
_OWN_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'sectorsdf', *sys.argv[1:]])\n"
)


class Terminal:
    """A pseudo-terminal with a size."""

    def __init__(self, columns=80, lines=24):
        self.master, self.slave = pty.openpty()
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        self.text = ""

    def let_go(self):
        """Close this process's copy of the other end."""
        if self.slave is not None:
            os.close(self.slave)
            self.slave = None

    def read_until(self, part=None):
        """Read until a part has arrived, or until no process can write any more."""
        self.let_go()
        while part is None or part not in self.text:
            ready, _, _ = select.select([self.master], [], [], 30)
            assert ready, f"nothing more was written after {self.text!r}"
            try:
                some = os.read(self.master, 65536)
            except OSError:
                break
            if not some:
                break
            self.text += some.decode()
        return self.text

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        self.let_go()
        os.close(self.master)

    @property
    def lines(self):
        return self.text.replace("\r\n", "\n").splitlines()


@pytest.fixture
def terminal():
    made = []

    def make(**size):
        made.append(Terminal(**size))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the command line in a process of its own."""
    running = []

    def begin(*words, server=None, program=("-m", "sectorsdf"), key=None, **streams):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SECTORS")}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        environment |= {
            "SECTORSDF_CACHE_DIR": str(tmp_path / "cache"),
            "SECTORSDF_CONFIG_DIR": str(tmp_path / "config"),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "TERM": "xterm",
        }
        if server is not None:
            environment["SECTORSDF_BASE_URL"] = server.url
            environment["SECTORS_API_KEY"] = server.key if key is None else key
        process = subprocess.Popen(
            [sys.executable, *program, *words],
            env=environment,
            cwd=tmp_path,
            **{"stdin": subprocess.DEVNULL, **streams},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait(10)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _wait_until(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.002)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_is_as_wide_as_the_terminal_and_says_what_it_leaves_out(
    columns, serve, start, terminal
):
    server = serve().sandbox
    screen = terminal(columns=columns, lines=24)
    process = start("licenses", server=server, stdout=screen.slave, stderr=subprocess.PIPE)
    screen.read_until()
    assert process.wait(20) == 0
    assert b"130 rows" in process.stderr.read()
    assert max(map(len, screen.lines)) <= columns
    assert len(screen.lines) <= 22 or columns == 40
    assert screen.lines[0].startswith("wiup_code")
    text = " ".join(screen.text.split())
    rows = [line for line in screen.lines if re.match(r"\d{13}", line)]
    assert f"... and {130 - len(rows)} more rows." in text
    shown = screen.lines[0].split()
    hidden = re.search(r"Columns not shown \((\d+)\)", text)
    assert len(shown) + int(hidden[1]) == 18
    assert "-o FILE" in text


@pytest.mark.parametrize("columns", [80, 100])
def test_sites_of_the_sandbox_show_the_production_beside_its_unit(columns, start, terminal):
    screen = terminal(columns=columns, lines=24)
    process = start("sites", "--sandbox", stdout=screen.slave, stderr=subprocess.PIPE)
    screen.read_until()
    said = process.stderr.read().decode().splitlines()
    assert process.wait(20) == 0
    assert said[0].startswith("The records are made up: synthetic sample")
    assert max(map(len, screen.lines)) <= columns
    names = screen.lines[0].split()
    assert names[:2] == ["slug", "year"]
    assert names[2].startswith("production")
    assert names[3] == "unit"
    assert "province" in names or columns == 80


def test_a_dataset_is_described_on_a_terminal_in_full(start, terminal):
    screen = terminal(columns=72, lines=10)
    process = start("describe", "licenses", stdout=screen.slave, stderr=subprocess.PIPE)
    screen.read_until()
    assert process.wait(20) == 0
    assert max(map(len, screen.lines)) <= 72
    text = " ".join(screen.text.split())
    for column in sectorsdf.datasets.MINING_LICENSES.columns:
        assert f"{column.name} " in text
    assert "licensed_area_ha float64, ha." in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_help_of_completion_has_a_line_to_copy_for_each_shell(shell, start, terminal):
    screen = terminal(columns=80, lines=40)
    process = start("completion", "--help", stdout=screen.slave, stderr=screen.slave)
    screen.read_until()
    assert process.wait(20) == 0
    lines = [line.strip() for line in screen.lines]
    (title,) = [number for number, line in enumerate(lines) if line.startswith(f"{shell}:")]
    assert f"sectorsdf completion {shell}" in lines[title + 1]
    assert max(map(len, screen.lines)) <= 80


def test_one_row_is_shown_as_names_and_values(serve, start, terminal):
    server = serve().sandbox
    code = server.records("mining_license_auctions")[0]["wiup_code"]
    screen = terminal()
    process = start("auction", code, server=server, stdout=screen.slave, stderr=screen.slave)
    screen.read_until()
    assert process.wait(20) == 0
    assert re.search(rf"^wiup_code +{code}\r?$", screen.text, re.MULTILINE)


def test_progress_is_on_stderr_of_a_terminal_only_and_goes_away(serve, start, terminal):
    slow = Faults(latency=0.3)
    server = serve(server={"licenses": 300, "auctions": 1, "sites": 1}, faults=slow).sandbox
    words = ("licenses", "--workers", "2")
    screen = terminal()
    process = start(*words, server=server, stdout=subprocess.PIPE, stderr=screen.slave)
    screen.let_go()
    out, _ = process.communicate(timeout=20)
    screen.read_until()
    assert process.returncode == 0
    assert len(out.splitlines()) == 301
    assert b"page" not in out
    assert re.search(r"mining licenses: .*/10 \[", screen.text)
    assert re.search(r"\r +\r300 rows, 10 credits spent, fetched now\r\n$", screen.text)
    screen = terminal()
    process = start(
        *(*words, "--refresh", "--quiet"),
        server=server,
        stdout=subprocess.DEVNULL,
        stderr=screen.slave,
    )
    assert screen.read_until() in (None, "")
    assert process.wait(20) == 0
    process = start(*words, "--refresh", server=server, stdout=-3, stderr=subprocess.PIPE)
    err = process.communicate(timeout=20)[1].decode()
    assert err.splitlines() == ["300 rows, 10 credits spent, fetched now"]


def test_a_key_is_asked_for_and_not_shown(serve, start, terminal):
    server = serve().sandbox
    screen = terminal()
    process = start(
        *("login", "--store", "file"),
        server=server,
        key="",
        program=("-c", _OWN_TERMINAL),
        start_new_session=True,
        **dict.fromkeys(("stdin", "stdout", "stderr"), screen.slave),
    )
    # The space comes once the terminal hides what is typed; what was typed before is lost.
    screen.read_until("API key: ")
    screen.type(f"{server.key}\n")
    screen.read_until()
    assert process.wait(20) == 0
    assert "accepts the key" in screen.text
    assert server.key not in screen.text
    assert server.billed == 0
    process = start("auctions", server=server, key="", stdout=subprocess.PIPE)
    assert len(process.communicate(timeout=20)[0].splitlines()) == 15


def test_ctrl_c_at_the_question_keeps_nothing(serve, start, terminal, tmp_path):
    screen = terminal()
    process = start(
        *("login", "--store", "file"),
        server=serve().sandbox,
        key="",
        program=("-c", _OWN_TERMINAL),
        start_new_session=True,
        **dict.fromkeys(("stdin", "stdout", "stderr"), screen.slave),
    )
    screen.read_until("API key: ")
    screen.type("\x03")
    screen.read_until()
    assert process.wait(20) == 130
    assert "Interrupted." in screen.text
    assert "Traceback" not in screen.text
    assert not (tmp_path / "config").exists()


def test_clearing_the_cache_asks_first(serve, start, terminal):
    server = serve().sandbox
    start("auctions", server=server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(20)
    for answer, code, said in (("n", 1, "Nothing was removed"), ("y", 0, "1 file removed")):
        screen = terminal()
        process = start(
            *("cache", "clear"),
            server=server,
            **dict.fromkeys(("stdin", "stdout", "stderr"), screen.slave),
        )
        screen.read_until("[y/N]")
        screen.type(f"{answer}\n")
        screen.read_until()
        assert process.wait(20) == code
        assert said in screen.text


def test_ctrl_c_exits_130_and_the_next_call_goes_on_from_there(serve, start):
    server = serve(server={"licenses": 600, "auctions": 1, "sites": 1}).sandbox
    server.set_faults(latency=0.1)
    process = start(
        *("licenses", "--workers", "2"),
        server=server,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _wait_until(lambda: server.billed >= 4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == b""
    (line,) = err.decode().splitlines()
    assert line.startswith("Interrupted. The pages paid for are on disk: the same command within")
    paid = server.billed
    assert 4 <= paid < 20
    server.set_faults(latency=0.0)
    process = start(
        *("licenses", "--workers", "2"),
        server=server,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert len(out.splitlines()) == 601
    assert server.billed == 20, "no page is paid for twice"
    assert f"{20 - paid} credits spent" in err.decode()


@pytest.mark.parametrize("words", [["licenses"], ["licenses", "--format", "table"], ["demo"]])
def test_a_closed_pipe_ends_it_quietly(words, serve, start):
    server = serve(server={"licenses": 3000, "auctions": 1, "sites": 1}).sandbox
    process = start(*words, server=server, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    head = subprocess.run(
        [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.readline())"],
        stdin=process.stdout,
        capture_output=True,
        check=True,
        timeout=30,
    )
    process.stdout.close()
    process.stdout = None
    err = process.stderr.read().decode()
    assert process.wait(20) == 141, err
    assert len(head.stdout.splitlines()) == 1
    assert [line for line in err.splitlines() if not line.startswith("3,000 rows")] == []


@pytest.mark.parametrize("words", [["--help"], ["licenses", "--help"]])
def test_help_down_a_closed_pipe_is_quiet(words, start):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*words, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert process.wait(20) == 141
    assert process.stderr.read() == b""


# What a table makes of values


def test_values_are_told_as_people_write_them():
    frame = pd.DataFrame(
        {
            "wiup_code": ["001", None],
            "day": pd.to_datetime(["2026-01-31", None]),
            "moment": pd.to_datetime(["2026-01-31 12:30", None], utc=True),
            "area": [1234.5, 0.00001],
            "count": pd.array([2024, None], "Int64"),
            "flag": pd.array([True, None], "boolean"),
            "plain": [True, False],
            "empty": [None, None],
        }
    )
    _, _, first, second = as_table(frame)
    assert first.split() == [
        *("001", "2026-01-31", "2026-01-31", "12:30", "1,234.5", "2024", "yes", "yes")
    ]
    assert second.split() == ["1e-05", "no"]
    names = as_table(frame, width=200)[0].split()
    assert "empty" not in names
    assert "001" in as_record(frame.head(1), width=60)[0]
    assert as_record(frame.head(1), width=60)[-1] == "No value: empty."


def test_nothing_in_the_data_commands_the_terminal():
    frame = pd.DataFrame({"company_name": ["PT \x1b[31mRed\x07\nTwo\u202e lines", "x"]})
    text = "".join(as_table(frame, width=60))
    assert text.isprintable()
    assert "Two" in text


@pytest.mark.parametrize("width", [1, 10, 20, 33, 80])
def test_no_line_is_wider_than_the_terminal(width):
    frame = pd.DataFrame(
        {
            "slug": ["s" * 50, "t"],
            "company_name": ["\u5c71" * 40, "PT"],
            "value": [1234567.891, 2.0],
            "province": ["Kalimantan Timur", "Aceh"],
        }
    )
    lines = as_table(frame, width=width, height=10)
    rows = [line for line in lines[:4] if line]
    assert all(sum(1 + (c == "\u5c71") for c in line) <= width for line in rows)


def test_a_table_without_rows_or_columns_is_none_the_less_one():
    frame = sectorsdf.datasets.MINING_SITES.schema.empty_table().to_pandas()
    assert as_table(frame, width=80)[0].startswith("slug")
    assert len(as_table(frame)) == 2
