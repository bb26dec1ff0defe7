"""Consoles that lack characters, streams that are missing or full, odd days, and foreign files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import sectorsdf
from sectorsdf.cli import streams
from sectorsdf.cli.app import main
from sectorsdf.sandbox.records import load_folder

posix = pytest.mark.skipif(os.name == "nt", reason="descriptors and devices of POSIX")
FULL = "/dev/full"
has_full = pytest.mark.skipif(not os.path.exists(FULL), reason="no device that is always full")  # noqa: PTH110


# The command line in a process of its own


@pytest.fixture(scope="module")
def server():
    """A sandbox for all tests of this module; its cache folder holds what was fetched."""
    size = {"licenses": 60, "auctions": 14, "sites": 12}
    with sectorsdf.sandbox.running(server=size) as client:
        yield client.sandbox


@pytest.fixture
def run(server, tmp_path):
    """Run the command line with the environment of a scheduled job; return the process."""

    def start(*words, environment=None, closed=(), **streams):
        def close():
            for descriptor in closed:
                os.close(descriptor)

        home = os.path.dirname(os.path.dirname(sectorsdf.__file__))  # noqa: PTH120
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "sectorsdf", *words],
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join([home, *filter(None, sys.path)]),
                "SECTORS_API_KEY": server.key,
                "SECTORSDF_BASE_URL": server.url,
                "SECTORSDF_CACHE_DIR": str(tmp_path / "cache"),
                "SECTORSDF_CONFIG_DIR": str(tmp_path / "config"),
                **(environment or {}),
            },
            cwd=tmp_path,
            check=False,
            timeout=60,
            preexec_fn=close if closed else None,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **streams,
            },
        )

    return start


@pytest.fixture
def inside(server, monkeypatch):
    """Run the command line in this process, with streams of an encoding; return what it printed."""

    def start(*words, encoding="utf-8"):
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        raw = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(raw[0], encoding))
            patch.setattr(sys, "stderr", io.TextIOWrapper(raw[1], encoding, "backslashreplace"))
            with pytest.raises(SystemExit) as ended:
                main(words)
            sys.stdout.detach()
            sys.stderr.detach()
        out, err = (stream.getvalue() for stream in raw)
        assert b"Traceback" not in err
        return ended.value.code, out, err

    return start


WESTERN = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@posix
@pytest.mark.parametrize(("environment", "encoding"), [(WESTERN, "cp1252"), (PLAIN, "ascii")])
def test_a_process_prints_a_table_whatever_the_encoding(run, environment, encoding):
    done = run("auctions", "--format", "table", environment=environment)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.decode(encoding).splitlines()) == 16


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "utf-8"])
def test_everything_comes_out_whatever_the_encoding(inside, encoding):
    for words, expected in (
        (["quote", "auctions"], 0),
        (["auctions", "--format", "table"], 0),
        (["credits"], 0),
        (["cache", "info"], 0),
        (["licenses", "--help"], 0),
        (["licenses", "--province", "Atch\u00e9\u2026"], 2),
        (["auction", "\u2026\u2500"], 4),
    ):
        code, out, err = inside(*words, encoding=encoding)
        assert code == expected, err
        # Click itself writes UTF-8 where the encoding is ASCII.
        assert (out + err).decode("utf-8" if encoding == "ascii" else encoding).strip()


def test_a_table_stays_in_line_and_a_file_is_utf_8(inside, server):
    records = server.records("mining_license_auctions")
    _, out, _ = inside("auctions", "--format", "table", encoding="cp1252")
    head, rule, *_ = out.decode("cp1252").splitlines()
    assert set(rule) == {"-", " "}
    assert all(rule[i] == "-" for i, character in enumerate(head) if character != " ")
    _, out, _ = inside("auctions", "--format", "csv", encoding="ascii")
    assert len(out.decode("utf-8").splitlines()) == len(records) + 1


@pytest.mark.parametrize(
    ("text", "encoding", "printed"),
    [
        ("\u2500\u2026\ufffd", "cp1252", b"-\x85?"),
        ("\u2500\u2026\ufffd", "ascii", b"-~?"),
        ("Contoh \u5c71\u5ddd x", "cp1252", b"Contoh ???? x"),
        ("e\u0301a", "ascii", b"ea"),
        ("caf\udce9", "utf-8", b"caf\xe9"),
        ("\ud800", "utf-8", b"?"),
        ("plain", "ascii", b"plain"),
    ],
)
def test_a_character_that_the_encoding_lacks_is_replaced(monkeypatch, text, encoding, printed):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    with streams.usable_streams():
        sys.stdout.write(text)
        sys.stdout.flush()
    assert raw.getvalue() == printed
    assert stream.errors == "strict"


@posix
@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_a_job_without_streams_writes_its_file(run, tmp_path, closed):
    names = ("stdin", "stdout", "stderr")
    streams = {names[descriptor]: None for descriptor in closed}
    done = run("auctions", "-o", "auctions.csv", closed=closed, **streams)
    assert done.returncode == 0, done.stderr
    assert not done.stderr or done.stderr.startswith(b"auctions.csv: 14 rows")
    lines = (tmp_path / "auctions.csv").read_text("utf-8").splitlines()
    assert len(lines) == 15
    assert '"wiup_code"' in lines[0]


@posix
def test_a_command_that_can_print_nowhere_is_quiet(run):
    done = run("auctions", closed=(1,), stdout=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(b"14 rows")
    assert run("auctions", "--no-such-option", closed=(2,), stderr=None).returncode == 2


@posix
def test_questions_without_standard_input_are_refused(run):
    done = run("cache", "clear", closed=(0,), stdin=None)
    assert done.returncode == 2
    assert b"--yes is needed" in done.stderr
    done = run("login", "--no-check", "--store", "file", closed=(0,), stdin=None)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    assert b"NoneType" not in done.stderr


def test_streams_that_are_none_stay_none(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    for words, code in ((["--version"], 0), (["nonsense"], 2), (["cache", "clear"], 2)):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == code
    assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)


@has_full
@pytest.mark.parametrize(
    "words", [["auctions"], ["auctions", "--format", "table"], ["licenses", "--help"]]
)
def test_a_full_standard_output_is_one_line_of_error(run, words):
    with open(FULL, "wb") as full:  # noqa: PTH123
        done = run(*words, stdout=full)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("Error: ")
    assert "No space left on device" in last
    assert b"Exception ignored" not in done.stderr


@has_full
def test_a_message_that_cannot_be_written_fails_nothing(run, tmp_path):
    with open(FULL, "wb") as full:  # noqa: PTH123
        done = run("auctions", "-o", "auctions.csv", stderr=full)
        assert done.returncode == 0
        assert (tmp_path / "auctions.csv").stat().st_size
        assert run("auction", "nonsense", stderr=full).returncode == 4
        assert run("nonsense", stderr=full).returncode == 2
    reader, writer = os.pipe()
    os.close(reader)
    done = run("auctions", "-o", "auctions.csv", "--overwrite", stderr=writer)
    os.close(writer)
    assert done.returncode == 0


def test_a_name_that_is_not_utf_8_is_printed_as_it_is(inside):
    code, out, _ = inside("cache", "path", "--cache", "caf\udce9")
    assert code == 0
    assert b"caf\xe9" in out


@pytest.mark.parametrize("columns", ["1", "0", "-5", "nonsense", "9999"])
def test_any_width_of_a_terminal_is_taken(inside, monkeypatch, columns):
    for name, value in {"COLUMNS": columns, "LINES": columns, "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    for words in (["--help"], ["licenses", "--help"], ["auctions", "--format", "table"]):
        code, out, err = inside(*words)
        assert code == 0, err
        assert b"\x1b" not in out


@posix
def test_a_file_that_may_not_be_replaced_costs_nothing(inside, monkeypatch, here, server):
    monkeypatch.chdir(here)
    billed = server.billed
    (here / "folder.csv").mkdir()
    (here / "latest.csv").symlink_to(here / "nowhere" / "f.csv")
    for words, why in (
        (["-o", "folder.csv", "--overwrite"], b"folder"),
        (["-o", "latest.csv"], b"--overwrite replaces it"),
        (["-o", "latest.csv", "--overwrite"], b"no such folder"),
    ):
        code, _, err = inside("sites", *words)
        assert code == 2
        assert why in b" ".join(err.split())
    assert server.billed == billed


# Pictures of odd days and numbers


@pytest.fixture(scope="module")
def plot():
    """The module of pictures; each test draws what it returns."""
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    return sectorsdf.plot


@pytest.fixture
def draw():
    """Draw a picture to the end; return the texts in it."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    def finish(ax):
        ax.figure.savefig(io.BytesIO())
        return "\n".join(text.get_text() for text in ax.figure.findobj(Text))

    yield finish
    plt.close("all")


def licences(days, areas=1.0, commodities="Coal"):
    frame = pd.DataFrame({"license_expiry_date": np.array(days, dtype="datetime64[us]")})
    frame["licensed_area_ha"], frame["commodity_type"] = areas, commodities
    frame.attrs["sectorsdf"] = {"fetched_at": "2026-01-15T00:00:00", "source": "a sample"}
    return frame


@pytest.mark.parametrize(("freq", "measure"), [("month", "count"), ("year", "area")])
@pytest.mark.parametrize(
    ("days", "far"),
    [
        (["9999-12-31", "2030-01-01", "NaT"], 1),
        (["9999-12-31", "9999-12-31"], 2),
        (["0001-01-01", "12000-01-01", "-0044-03-15", "2030-01-01"], 3),
        (["1899-12-31", "1900-01-01", "2199-12-31", "2200-01-01"], 2),
        (["NaT", "NaT"], 0),
        (["2026-01-15"], 0),
        ([], 0),
    ],
)
def test_days_that_stand_for_no_end_are_counted_and_not_drawn(plot, draw, freq, measure, days, far):
    said = draw(plot.expiry_timeline(licences(days), freq=freq, measure=measure))
    words = f"{far} licence(s) that expire before 1900 or after 2199"
    assert (words in " ".join(said.split())) is bool(far)


@pytest.mark.parametrize(
    "areas",
    [[np.inf, 1.0], [np.inf, -np.inf], [np.nan, np.nan], [1e308, 1e308], [0.0, 0.0], [-1.0, 2.0],
     [None, None]],
)  # fmt: skip
def test_areas_that_no_axis_has_are_counted(plot, draw, areas):
    said = draw(plot.expiry_timeline(licences(["2030-01-01"] * 2, areas)))
    usable = [area for area in areas if area is not None and abs(area) < 1e15]
    assert ("without an area" in said) is (len(usable) < 2)


def test_columns_of_other_types_are_named_or_read(plot, draw):
    frame = licences(["2030-01-01"] * 2)
    draw(plot.expiry_timeline(frame.assign(license_expiry_date=[None, None])))
    zoned = frame["license_expiry_date"].dt.tz_localize("Asia/Jakarta")
    draw(plot.expiry_timeline(frame.assign(license_expiry_date=zoned)))
    with pytest.raises(ValueError, match="must have days"):
        plot.expiry_timeline(frame.assign(license_expiry_date=["2030-01-01"] * 2))
    with pytest.raises(ValueError, match="must be a column of numbers"):
        plot.expiry_timeline(frame.assign(licensed_area_ha=["wide", "small"]))
    for day in ("9999-12-31", "0001-01-01"):
        with pytest.raises(ValueError, match="not between 1900 and 2199"):
            plot.expiry_timeline(frame, as_of=day)


NAMES = ["$x^{$ Tbk", "_hidden", "PT \x1b[31m\0Merah", "x" * 5_000]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_as_it_is(plot, draw, name):
    said = draw(plot.expiry_timeline(licences(["2030-01-01"], commodities=name)))
    assert name[-3:] in said or "x…" in said
    assert "\x1b" not in said
    frame = sites(commodity_type=name)
    assert name[:1] in draw(plot.site_map(frame))
    figures = pd.DataFrame(
        {
            "slug": "a",
            "name": name,
            "company_slug": "c",
            "year": 2024,
            "commodity_type": name,
            "stage": "resources",
            "category": ["measured", "indicated"],
            "measure": "tonnage",
            "value": [1.0, np.inf],
            "unit": "$M^{$",
        }
    )
    said = draw(plot.resources_bars(figures))
    assert "1 figure(s) without a category or a single value" in " ".join(said.split())


def sites(**columns):
    frame = pd.DataFrame({"slug": ["a", "b"], "company_slug": "c", "year": 2024})
    frame["commodity_type"], frame["longitude"], frame["latitude"] = "Coal", [110.0, 120.0], -1.0
    return frame.assign(**columns)


@pytest.mark.parametrize(
    "sizes", [[np.inf, 1.0], [np.inf, np.inf], [1e308, 5e-324], [-1.0, 0.0], [None, None]]
)
def test_sizes_that_no_dot_has_are_rings(plot, draw, sizes):
    draw(plot.site_map(sites(production_volume=sizes), size="production_volume"))


@pytest.mark.parametrize("place", [[np.inf, np.nan], [None, None], [180.0, -180.0]])
def test_a_map_takes_any_place(plot, draw, place):
    draw(plot.site_map(sites(longitude=place)))
    draw(plot.site_map(sites(longitude=place).head(1)))
    draw(plot.site_map(sites(longitude=place).head(0)))


# Records of the caller's own for the sandbox


@pytest.fixture
def lines(here):
    """Write a file of JSON lines; return its records as the sandbox reads them."""

    def read(content):
        (here / "mining_sites.jsonl").write_bytes(content)
        return load_folder(here, ["mining_sites", "mining_licenses"])["mining_sites"]

    return read


ROWS = [{"slug": "a", "name": "é\u2028x"}, {"slug": "b", "name": None}]
TEXT = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode("utf-8-sig") + b"\r\n\r\n",
        b"\n \n\t\n" + TEXT.encode() + b"\n\n",
        TEXT.replace("\n", "\r").encode(),
        # Two files, one after the other.
        b"\n".join(line.encode("utf-8-sig") for line in TEXT.split("\n")),
    ],
    ids=["plain", "mark", "windows", "empty lines", "old mac", "joined"],
)
def test_json_lines_of_any_program_are_read(lines, content):
    assert lines(content) == ROWS


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (TEXT.encode("utf-16"), r"mining_sites\.jsonl: in UTF-16; save it in UTF-8"),
        (TEXT.encode("latin-1", "replace"), r"mining_sites\.jsonl, line 1: not UTF-8"),
        (b'{"slug": "a"}\n{"slug": "b"', r"mining_sites\.jsonl, line 2: not JSON"),
        (json.dumps(ROWS).encode(), r"mining_sites\.jsonl, line 1: not a JSON object"),
    ],
    ids=["utf-16", "latin-1", "cut", "array"],
)
def test_other_files_are_named_with_the_line(lines, content, complaint):
    with pytest.raises(ValueError, match=complaint):
        lines(content)


def test_a_deep_record_is_served(lines, here):
    deep = "[" * 5_000 + "1" + "]" * 5_000
    lines(f'\ufeff{{"slug": "a", "year": 2024, "note": {deep}}}\r\n'.encode())
    with sectorsdf.sandbox.running(data=here) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        frame = sectorsdf.get_mining_sites(client=client)
    assert frame["note"].tolist() == [deep]
