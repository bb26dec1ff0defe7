"""The command line: what it fetches, writes and prints, and its exit codes."""

from __future__ import annotations

import errno
import importlib.util
import io
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pandas as pd
import pyarrow.parquet as pq
import pytest
import requests
from support.paths import ROOT

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf.cli.app import cli
from sectorsdf.cli.options import filter_options
from sectorsdf.io import parquet
from sectorsdf.sandbox import RateLimit

LISTS = {
    "licenses": (ds.MINING_LICENSES, sectorsdf.get_mining_licenses),
    "auctions": (ds.MINING_LICENSE_AUCTIONS, sectorsdf.get_mining_license_auctions),
    "sites": (ds.MINING_SITES, sectorsdf.get_mining_sites),
}


def _environment(folder: Path) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("SECTORS")},
        "SECTORSDF_CACHE_DIR": str(folder / "cache"),
        "SECTORSDF_CONFIG_DIR": str(folder / "config"),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }


def _start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sectorsdf", *words],
        cwd=cwd,
        env=_environment(cwd),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(*words: str, cwd: Path) -> tuple[int, str, str]:
    process = _start(*words, cwd=cwd)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def at_once(monkeypatch):
    """Remove the waiting time of retries."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


# What is paid for, and a disk that is full


@pytest.mark.parametrize("words", [["licenses"], ["sites", "--details", "--commodity", "nickel"]])
def test_a_full_disk_loses_nothing_that_was_paid(run, sandbox, tmp_path, monkeypatch, words):
    words = [*words, "--no-cache"]
    file = tmp_path / "rows.parquet"

    def full(table, path):
        if table.num_rows:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, path)

    write = parquet.write_parquet_table
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_parquet_table", full)
        _, err = run(*words, "-o", str(file), code=1)
    assert "No space left" in err
    assert not file.exists()
    billed = sandbox.billed
    assert billed > 2
    run(*words, "-o", str(file))
    assert sandbox.billed == billed
    assert len(sectorsdf.read_parquet(file)) > 2
    # What ended well is not taken again.
    run(*words, "-o", str(file), "--overwrite")
    assert sandbox.billed == 2 * billed


# The sandbox's own commands


def test_the_demo_fetches_everything_and_names_its_files(tmp_path: Path) -> None:
    code, out, err = _run("demo", cwd=tmp_path)
    assert (code, err) == (0, "")
    for name, rows in (
        ("mining_licenses", 4151),
        ("mining_license_auctions", 14),
        ("mining_sites", 156),
        ("mining_commodities", 18),
        ("mining_companies", 366),
    ):
        path = tmp_path / "sectorsdf-demo" / f"{name}.parquet"
        assert f"{name}: {rows:,} rows" in out
        assert str(Path("sectorsdf-demo") / path.name) in out
        frame = sectorsdf.read_parquet(path)
        assert len(frame) == rows
        assert frame.attrs["sectorsdf"]["source"].startswith("synthetic sample")
    for name in ("mining_contracts", "mining_total_production", "mining_reserves_index"):
        assert len(sectorsdf.read_parquet(tmp_path / "sectorsdf-demo" / f"{name}.parquet"))
    schema = pq.read_schema(tmp_path / "sectorsdf-demo" / "mining_licenses.parquet")
    assert str(schema.field("license_expiry_date").type) == "date32[day]"
    assert "Largest holders" in out
    assert re.search(r"Expiring within a year of \d{4}-\d\d-\d\d: [\d,]+ licences", out)
    assert not (tmp_path / "cache").exists()  # the sandbox leaves the user's folder alone


def _check_examples(lines: dict[str, str], folder: Path) -> None:
    """Run the lines that `serve` prints for other programs, as far as these are installed."""
    if shutil.which("curl") is None or importlib.util.find_spec("duckdb") is None:
        return
    import duckdb

    subprocess.run(lines["shell"], shell=True, check=True, cwd=folder)
    (query,) = re.findall(r'duckdb -c "(.+)"', lines["DuckDB"])
    table = duckdb.sql(query.replace("sites.json", str(folder / "sites.json"))).df()
    assert len(table) == 5
    assert "commodity_type" in table
    if shutil.which("Rscript") is not None:
        program = f"cat({lines['R'].strip()}$slug)"
        done = subprocess.run(
            ["Rscript", "-e", program], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == list(table["slug"])


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
        lines = dict(process.stdout.readline()[2:].split(": ", 1) for _ in range(3))
        _check_examples(lines, tmp_path)
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


def test_credits_are_listed(run, tmp_path: Path) -> None:
    assert run("credits")[0] == "No credits were spent yet.\n"
    with sectorsdf.sandbox.running(cache_folder=tmp_path / "cache") as client:
        sectorsdf.get_mining_license_auctions(client=client)
    assert "/v2/mining/license-auctions/" in run("credits", "--by", "endpoint")[0]
    rows = pd.read_csv(io.StringIO(run("credits", "--by", "entry", "--format", "csv")[0]))
    assert rows["credits"].tolist() == [1]


# What is fetched, and where it goes


@pytest.mark.parametrize("name", LISTS)
def test_a_list_goes_down_a_pipe_as_csv(name, sandbox, run, tmp_path) -> None:
    dataset, getter = LISTS[name]
    out, err = run(name)
    truth = getter()
    names = [column.name for column in dataset.columns]
    assert out.splitlines()[0] == ",".join(f'"{column}"' for column in names)
    key = dataset.key[0]
    rows = pd.read_csv(io.StringIO(out), dtype={key: str})
    assert rows[key].tolist() == truth[key].tolist()
    pages = truth.attrs["sectorsdf"]["pages"]
    assert err.startswith(f"{len(truth)} rows, {pages} credit")
    assert err.endswith("fetched now\n")
    assert len(err.splitlines()) == 1
    path = tmp_path / "same.csv"
    run(name, "-o", str(path))
    assert path.read_text(encoding="utf-8") == out


def test_parquet_is_the_frame_of_the_getter(sandbox, run, tmp_path) -> None:
    path = tmp_path / "coal.parquet"
    out, err = run("licenses", "--commodity", "coal", "-o", str(path))
    frame = sectorsdf.read_parquet(path)
    truth = sectorsdf.get_mining_licenses(commodity_type="Coal")
    pd.testing.assert_frame_equal(frame, truth)
    assert frame.attrs["sectorsdf"]["filters"] == {"commodity_type": "coal"}
    assert out == ""
    assert err.startswith(f"{path}: {len(truth)} rows, ")


def test_each_format_can_be_read(sandbox, run) -> None:
    truth = sectorsdf.get_mining_license_auctions()["wiup_code"].tolist()
    assert [r["wiup_code"] for r in json.loads(run("auctions", "--format", "json")[0])] == truth
    lines = run("auctions", "--format", "jsonl")[0].splitlines()
    assert [json.loads(line)["wiup_code"] for line in lines] == truth
    table = run("auctions", "--format", "table")[0].splitlines()
    assert len(table) == 2 + len(truth), "nothing is left out where there is no terminal"
    assert all(code in "\n".join(table) for code in truth)


def test_columns_are_picked_and_ordered(sandbox, run) -> None:
    out, _ = run("auctions", "-c", "kdi, wiup_code,kdi")
    assert out.splitlines()[0] == '"kdi","wiup_code"'
    out, _ = run("auctions", "-c", "city", "-c", "kdi,city")
    assert out.splitlines()[0] == '"city","kdi"'
    _, err = run("auctions", "-c", "wiup_cod", code=2)
    assert "Did you mean 'wiup_code'?" in err


def test_quiet_says_nothing_but_warnings(sandbox, run) -> None:
    assert run("auctions", "--quiet")[1] == ""
    slug = sandbox.records("mining_sites")[0]["slug"]
    _, err = run("site", slug, "nowhere", "--skip-missing", "-q")
    assert err.startswith("Warning: ")
    assert len(err.splitlines()) == 1


def test_python_looks_for_no_cycles_when_the_program_exits(tmp_path):
    # What is registered first runs last.
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0)); "
    code += "from sectorsdf.cli import main; main(['--version'])"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == [f"sectorsdf, version {sectorsdf.__version__}", "True"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["licenses", "-o", "there.csv"], "--overwrite"),
        (["licenses", "-o", "rows.unknown"], "known are .parquet"),
        (["licenses", "-o", "rows"], "is not a known format"),
        (["licenses", "-o", "no/folder/rows.csv"], "make it first"),
        (["sites", "-o", "sites.geojson"], "--details|details"),
        (["licenses", "-o", "rows.csv", "--format", "csv"], "exclude each other"),
        (["licenses", "--columns", "nonsense"], "no column 'nonsense'"),
        (["licenses", "--cache", "x", "--no-cache"], "exclude each other"),
        (["licenses", "--refresh", "--offline"], "give one of them"),
        (["licenses", "--max-age", "sometime"], "--max-age 'sometime'"),
        (["licenses", "--rate-limit", "often"], "often"),
        (["licenses", "--workers", "0"], "--workers 0"),
        (["licenses", "--max-rows", "0"], "--max-rows 0"),
        (["licenses", "--max-credits", "-1"], "--max-credits -1"),
        (["licenses", "--province", "kalimantan timur"], "Did you mean 'Kalimantan Timur'?"),
        (["licenses", "--commodity", "Goald"], "Did you mean 'Gold'"),
        (["licenses", "--year", "2024"], "No such option"),
        (["sites", "--year", "1066"], "from 1900"),
        (["sites", "--year", "soon"], "not a valid integer"),
        (["auctions", "--qualified"], "--qualified needs --participant"),
        (["auction"], "Missing argument"),
        (["exports"], "Missing option '--year'"),
        (["exports", "--year", "all"], "not a valid integer"),
        (["exports", "--year", "1066"], "from 1900"),
        (["exports", "--year", "2023", "--commodity", "Tin"], "Coal"),
        (["financials", "a", "--year", "2023", "--year", "all"], "excludes any other --year"),
        (["financials", "a", "--year", "soon"], "not a valid integer"),
        (["financials", "a", "--max-rows", "3"], "No such option"),
        (["ownership", "a", "--walk", "sideways"], "'sideways'"),
        (["global"], "give --commodity, --country, or both"),
        (["company", "a", "--licenses", "--contracts"], "exclude each other"),
        (["company", "a", "--licenses", "--include-contacts"], "exclude each other"),
        (["commodities", "--no-validate"], "No such option"),
        (["prices", "Coal", "--skip-missing"], "No such option"),
        (["auction", "1", "--phases", "--participants"], "exclude each other"),
        (["auction", "1", "--include-emails"], "needs --participants"),
        (["license"], "Did you mean 'licenses'?"),
        (["cache", "clear"], "--yes"),
        (["cache", "clear", "--yes", "--older-than", "x"], "'x'"),
        (["serve", "--data", "/nowhere"], "does not exist"),
    ],
)
def test_wrong_words_exit_with_2_and_cost_nothing(
    words, said, sandbox, run, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    _, err = run(*words, code=2)
    assert re.search(said.replace("(", r"\("), err) or said in err
    assert "Error: " in err
    assert "validate=False" not in err
    assert sandbox.billed == 0
    assert Path("there.csv").read_text() == "mine"


def test_what_is_there_is_replaced_only_when_asked(sandbox, run, tmp_path) -> None:
    path = tmp_path / "rows.jsonl"
    run("auctions", "-o", str(path))
    run("auctions", "-o", str(path), code=2)
    run("auctions", "-o", str(path), "--overwrite", "-c", "wiup_code")
    assert len(path.read_text().splitlines()[0]) < 60


# What it ends with


def _broken(name, sandbox, monkeypatch):
    """Cause an error, and return the arguments of a command that meets it."""
    if name == "no key":
        monkeypatch.delenv("SECTORS_API_KEY")
    elif name == "wrong key":
        monkeypatch.setenv("SECTORS_API_KEY", "wrong")
    elif name == "unknown":
        return ["site", "nowhere"]
    elif name == "offline":
        return ["auctions", "--offline"]
    elif name == "credits":
        return ["licenses", "--max-credits", "2"]
    elif name == "quota":
        sandbox.set_faults(quota=0, rate_limit=RateLimit(1000, 0.2))
        return ["auctions", "--rate-limit", "1000/0.2s"]
    elif name == "server":
        sandbox.set_faults(status_rates={503: 1.0})
    elif name == "page":
        sandbox.set_faults(garbage_rate=1.0)
    elif name == "gone":
        sandbox.stop()
    elif name == "refused":
        return ["licenses", "--no-validate", "--license-type", "nonsense"]
    elif name == "incomplete":
        sandbox.set_faults(total_offset=3)
    elif name == "data":
        sandbox.add_records("mining_license_auctions", [{"wiup_code": "1", "kdi": "much"}])
        return ["auctions", "--strict"]
    return ["auctions"]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("data", 1, "kdi"),
        ("refused", 2, "400"),
        ("no key", 3, "sectorsdf login"),
        ("wrong key", 3, "does not accept this key"),
        ("unknown", 4, "'nowhere'"),
        ("offline", 4, "does not have"),
        ("credits", 5, "Raise --max-credits"),
        ("quota", 5, "quota|credits|used up"),
        ("server", 6, "503"),
        ("page", 6, "unusable 200 response"),
        ("gone", 6, "connection"),
        ("incomplete", 7, "rows?"),
    ],
)
def test_errors_are_told_apart_in_one_line(
    name, code, said, sandbox, run, monkeypatch, at_once
) -> None:
    words = _broken(name, sandbox, monkeypatch)
    out, err = run(*words, code=code)
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("Warning: ")]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert re.search(said, lines[0])
    assert "exclude" not in lines[0]


def test_a_fault_of_the_program_is_one_line_and_a_traceback_with_debug(
    sandbox, run, monkeypatch
) -> None:
    def broken(**_):
        raise RuntimeError("the unforeseen\nhas happened")

    monkeypatch.setattr(sectorsdf, "get_mining_licenses", broken)
    _, err = run("licenses", code=1)
    assert err == "Error: RuntimeError: the unforeseen has happened (--debug shows where)\n"
    _, err = run("licenses", "--debug", code=1)
    assert "Traceback" in err
    assert "in broken" in err


def test_debug_tells_the_requests_and_never_the_key(sandbox, run) -> None:
    for words in (["--debug", "auctions", "--refresh"], ["auctions", "--debug", "--refresh"]):
        _, err = run(*words)
        assert f"GET {sandbox.url}/v2/mining/license-auctions/" in err
        assert sandbox.key not in err
    assert "GET" not in run("auctions", "--refresh")[1]


def test_what_came_can_be_had_where_it_is_not_complete(sandbox, run, at_once) -> None:
    sandbox.set_faults(total_offset=3)
    out, err = run("auctions", "--allow-partial")
    assert len(out.splitlines()) == 15
    assert "Warning: " in err
    assert "not shown to be complete" in err


# Filters


def _last_query(sandbox):
    return sandbox.requests[-1].query


def test_filters_are_sent_as_the_api_spells_them(sandbox, run) -> None:
    run("licenses", "--commodity", "coal", "--expiring-soon", "--order-by", "-licensed_area_ha")
    query = _last_query(sandbox)
    assert query["commodity_type"] == "Coal"
    assert query["expiring_soon"] == "true"
    assert query["order_by"] == "-licensed_area_ha"
    run("licenses", "--no-expiring-soon", "--cnc", "TRUE", "--province=Kalimantan Timur")
    query = _last_query(sandbox)
    assert (query["expiring_soon"], query["cnc"]) == ("false", "true")
    assert query["province"] == "Kalimantan Timur"
    run("licenses", "--cnc", "CNC-1", "--max-rows", "1")
    assert _last_query(sandbox)["cnc"] == "CNC-1"
    run("sites", "--year", "2024", "--min-production", "0.5", "--max-rows", "1")
    assert _last_query(sandbox)["year"] == "2024"
    assert _last_query(sandbox)["min_production"] == "0.5"


@pytest.mark.parametrize("name", LISTS)
def test_every_declared_filter_is_an_option_with_its_values(name, run) -> None:
    out, _ = run(name, "--help")
    words = " ".join(out.split())
    for declared in LISTS[name][0].filters:
        assert f"--{declared.name.replace('_', '-')}" in words
        for value in declared.values:
            assert value.removeprefix("-") in words


def test_a_new_filter_shows_up_by_itself() -> None:
    new = ds.Filter("depth_class", "choice", ("Deep", "Flat"), ignores_case=True)
    dataset = replace(ds.MINING_SITES, filters=(*ds.MINING_SITES.filters, new))
    option = filter_options(dataset)[-1]
    assert option.opts == ["--depth-class"]
    assert "Deep | Flat" in option.help
    assert [item.value for item in option.shell_complete(None, "de")] == ["Deep"]


# The cache


def test_the_cache_is_on_and_says_so(sandbox, run) -> None:
    run("licenses", "--commodity", "Coal")
    spent = sandbox.billed
    out, err = run("licenses", "--commodity", "coal", "--columns", "wiup_code")
    assert sandbox.billed == spent
    assert re.search(r"0 credits spent, from the cache, \d+ s old\n", err)
    narrower = run("licenses", "--commodity", "coal", "--license-type", "IUP")[0]
    assert sandbox.billed == spent, "a narrower question is answered from the wider one"
    assert 1 < len(narrower.splitlines()) <= len(out.splitlines())


@pytest.mark.parametrize("words", [["--no-cache"], ["--refresh"], ["--max-age", "0s"]])
def test_the_cache_can_be_passed_by(words, sandbox, run) -> None:
    run("auctions")
    _, err = run("auctions", *words)
    assert "1 credit spent, fetched now" in err
    assert sandbox.billed == 2


def test_the_environment_turns_the_cache_off_and_elsewhere(
    sandbox, run, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("SECTORSDF_CACHE", "off")
    run("auctions")
    run("auctions")
    assert sandbox.billed == 2
    monkeypatch.setenv("SECTORSDF_CACHE", str(tmp_path / "there"))
    run("auctions")
    run("auctions", "--cache", str(tmp_path / "there"))
    assert sandbox.billed == 3
    assert Path(run("cache", "path")[0].strip()) == tmp_path / "there"
    run("auctions", "--cache", str(tmp_path / "elsewhere"))
    assert sandbox.billed == 4


def test_offline_needs_no_key_and_no_server(sandbox, run, monkeypatch) -> None:
    whole = run("auctions")[0]
    monkeypatch.delenv("SECTORS_API_KEY")
    sandbox.stop()
    assert run("auctions", "--offline")[0] == whole
    assert run("auctions")[0] == whole


def test_the_cache_is_shown_found_and_cleared(sandbox, run, monkeypatch, tmp_path) -> None:
    assert run("cache", "info")[0] == "The cache is empty.\n"
    run("auctions")
    run("licenses", "--commodity", "Tin")
    rows = pd.read_csv(io.StringIO(run("cache", "info", "--format", "csv")[0]))
    assert rows["dataset"].tolist() == ["mining_license_auctions", "mining_licenses"]
    assert rows["query"].tolist() == ["all", "commodity_type=Tin"]
    assert rows["age_hours"].between(0, 1).all()
    folder = Path(run("cache", "path")[0].strip())
    assert folder.is_relative_to(tmp_path)
    assert (folder / rows["file"][0]).is_file()
    assert run("cache", "clear", "mining_licenses", "--yes")[0] == "1 file removed.\n"
    assert run("cache", "clear", "-y", "--older-than", "1h")[0] == "0 files removed.\n"
    assert run("cache", "clear", "-y")[0] == "1 file removed.\n"


# Quotes, records, resources


def test_a_quote_is_used_by_the_command_that_follows(sandbox, run) -> None:
    (quote,) = json.loads(run("quote", "licenses", "--format", "json")[0])
    assert (quote["credits"], quote["rows"], quote["spent"]) == (4, 130, 1)
    assert sandbox.billed == 1
    run("licenses", "--max-credits", "4")
    assert sandbox.billed == 5
    (quote,) = json.loads(run("quote", "licenses", "--format", "json")[0])
    assert (quote["credits"], quote["spent"]) == (0, 0), "the cache answers"
    (quote,) = json.loads(run("quote", "auction", "1", "2", "--format", "json")[0])
    assert (quote["credits"], quote["spent"], quote["rows"]) == (2, 0, None)
    assert "credits" in run("quote", "resources")[0]


def test_an_auction_its_phases_and_participants_cost_one_credit(sandbox, run) -> None:
    records = sandbox.records("mining_license_auctions")
    record = next(r for r in records if r["phases"] and r["participants"])
    code = record["wiup_code"]
    out, _ = run("auction", code, "--format", "jsonl")
    assert json.loads(out)["wiup_code"] == code
    out, _ = run("auction", code, "--phases")
    assert len(out.splitlines()) == 1 + len(record["phases"])
    out, _ = run("auction", code, "--participants")
    assert len(out.splitlines()) == 1 + len(record["participants"])
    assert "email" not in out
    assert sandbox.billed == 1
    out, _ = run("auction", code, "--participants", "--include-emails")
    assert '"email"' in out.splitlines()[0]


def test_sites_with_details_and_their_resources(sandbox, run, tmp_path) -> None:
    path = tmp_path / "sites.parquet"
    run("sites", "--commodity", "Nickel", "--details", "-o", str(path))
    frame = sectorsdf.read_parquet(path)
    assert "tonnage_unit" in frame
    spent = sandbox.billed
    slug = frame.loc[frame["resources_reserves"].notna(), "slug"].iloc[0]
    assert json.loads(run("site", slug, "--format", "jsonl")[0])["slug"] == slug
    figures = pd.read_csv(io.StringIO(run("resources", slug)[0]))
    assert set(figures["slug"]) == {slug}
    assert sandbox.billed == spent
    everything = pd.read_csv(io.StringIO(run("resources")[0]))
    assert len(everything) > len(figures)


def test_unknown_slugs_are_left_out_when_asked(sandbox, run) -> None:
    listed = sectorsdf.get_mining_sites()
    slug = listed.loc[listed["province"].notna(), "slug"].iloc[0]
    _, err = run("site", slug, "nowhere", code=4)
    assert "--skip-missing" in err
    out, err = run("site", slug, "nowhere", "--skip-missing")
    assert len(out.splitlines()) == 2
    assert "1 not known to the API" in err


# Help, completion, reference


def test_help_is_there_for_every_command(run) -> None:
    context = click.Context(cli, info_name="sectorsdf")
    # A long help is wrapped.
    overview = " ".join(run("--help")[0].split())
    about = overview.partition("Options:")[0]
    for subject in ("auctions", "sites", "owners", "financials", "performance", "contracts"):
        assert subject in about
    for subject in ("sales destinations", "prices", "production", "exports", "provinces"):
        assert subject in about
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        first = command.help.strip().splitlines()[0]
        assert f" {name} {first}" in overview, "the table of short helps"
        assert first in run(name, "-h")[0]
        for sub in getattr(command, "commands", {}):
            assert "Usage: sectorsdf" in run(name, sub, "--help")[0]
    assert run("--version")[0].strip() == f"sectorsdf, version {sectorsdf.__version__}"


def test_nothing_but_a_name_shows_the_help(run) -> None:
    assert "licenses" in "".join(run(code=2))


def _complete(shell, *words):
    """Return the completions of the last word."""
    done = subprocess.run(
        [sys.executable, "-m", "sectorsdf"],
        env={
            **os.environ,
            "_SECTORSDF_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": "\n".join(words) if shell == "bash" else " ".join(words),
            "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_words_complete_whatever_their_case() -> None:
    assert "licenses" in "\n".join(_complete("zsh", "sectorsdf", "lic"))
    assert "Coal" in _complete("zsh", "sectorsdf", "licenses", "--commodity", "coa")
    assert "plain,Kalimantan Timur" in _complete(
        "fish", "sectorsdf", "licenses", "--province", r"kalimantan\ ti"
    )
    assert _complete("bash", "sectorsdf", "sites", "--province", "=", "jambi") == ["plain,Jambi"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_puts_a_value_with_a_space_in_as_one_word(tmp_path) -> None:
    program = tmp_path / "sectorsdf"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sectorsdf "$@"\n')
    program.chmod(0o755)
    script = """
    eval "$(sectorsdf completion bash)"
    complete -p sectorsdf
    for begun in 'kalimantan\\ ti' '"kalimantan ti'; do
        COMPREPLY=(); COMP_WORDS=(sectorsdf licenses --province "$begun"); COMP_CWORD=3
        _sectorsdf_completion sectorsdf
        printf '%s\\n' "${#COMPREPLY[@]}" "${COMPREPLY[@]}"
    done
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**_environment(tmp_path), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[1:] == ["1", r"Kalimantan\ Timur", "1", "Kalimantan Timur"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell, run) -> None:
    out, _ = run("completion", shell)
    assert "_SECTORSDF_COMPLETE" in out
    assert f"{shell}_complete" in out


@pytest.mark.newest
def test_the_reference_is_in_step_with_the_commands() -> None:
    docs = ROOT / "docs"
    made = runpy.run_path(str(docs / "cli_reference.py"))["page"]()
    assert (docs / "cli.md").read_text(encoding="utf-8") == made, "run docs/cli_reference.py"
