"""The commands that fetch: they follow from the declarations alone."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys

import click
import pandas as pd
import pytest
from click.testing import CliRunner

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf.cli.fetch import COMMANDS, commands_of
from sectorsdf.cli.fetch_table import FETCH_COMMANDS
from sectorsdf.cli.options import repeated_filters

NAME = ds.Column("name", "text", "Name of the ship")
SHIPS = ds.Dataset(
    name="mining_ships",
    title="ship",
    row="one ship",
    path="/v2/mining/ships/",
    command="ships",
    summary="Ships.",
    key=("name",),
    columns=(NAME,),
)
SHIP = ds.Dataset(
    name="mining_ship",
    title="ship",
    row="one voyage of a ship",
    path="/v2/mining/ships/{}/",
    command="ship",
    summary="Ships in full.",
    key=("ship_name",),
    columns=(NAME,),
    contacts=(ds.Column("phone", "text", "Telephone"), ds.Column("email", "text", "E-mail")),
    addressed_by="ship_name",
    filters=(
        ds.Filter("year", "integer", meaning="Year of the `name`; needs `cargo`", minimum=2000),
        ds.Filter("cargo", "choice", ("Coal", "Tin"), "Cargo", ignores_case=True),
    ),
)
PORTS = ds.Dataset(
    name="mining_ship_ports",
    title="ship",
    row="one port of a ship",
    path=SHIP.path,
    command="ship",
    summary="One row for each port.",
    part="ports",
    rows_in="ports",
    key=("ship_name",),
    columns=(NAME,),
    addressed_by="ship_name",
)


@pytest.fixture
def commands(monkeypatch):
    """Declare three more datasets, and return their commands."""
    for dataset in (SHIPS, SHIP, PORTS):
        monkeypatch.setitem(ds.DATASETS, dataset.name, dataset)
    return commands_of([SHIPS, SHIP, PORTS])


@pytest.fixture
def call(commands, monkeypatch):
    """Return a function that runs a command; it returns the output and the getter's arguments."""

    def run(getter, name, *words, code=0):
        calls = []

        def fetch(*args, client, **keywords):
            calls.append((args, keywords))
            return pd.DataFrame({"name": ["Bahari"], "phone": ["021"]})

        monkeypatch.setattr(sectorsdf, getter, fetch, raising=False)
        done = CliRunner().invoke(commands[name].command(), [*words], prog_name=name)
        assert done.exit_code == code, done.output
        return done.output, (calls or [None])[0]

    return run


def test_the_table_for_the_overview_is_in_step_with_the_declarations() -> None:
    summaries = {name: command.dataset.summary for name, command in COMMANDS.items()}
    assert summaries == FETCH_COMMANDS, "run docs/cli_reference.py"
    assert list(summaries) == list(FETCH_COMMANDS), "run docs/cli_reference.py"
    named = {dataset.command for dataset in ds.DATASETS.values()}
    assert named == set(COMMANDS), "every dataset names its command"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text_without_python(name) -> None:
    for param in COMMANDS[name].command().params:
        if isinstance(param, click.Option):
            assert len(param.help) > 5
            assert param.help.endswith(".")
            assert not {"`sectorsdf.", "True", "False", "None"} & set(param.help.split())


def test_a_new_list_is_a_command(call) -> None:
    out, (args, keywords) = call("get_mining_ships", "ships", "--max-rows", "3", "--strict")
    assert out.splitlines()[0].startswith('"name"')
    assert (args, keywords) == ((), {"max_rows": 3, "strict": True})
    text = " ".join(call("get_mining_ships", "ships", "--help")[0].split())
    assert "Ships. One row is one ship. Costs one credit for each page of 30 rows." in text
    assert "--no-validate" not in text, "there is no filter to validate"


def test_a_new_addressed_dataset_is_a_command_with_its_parts(call) -> None:
    _, (args, keywords) = call("get_mining_ship", "ship", "a b", "c", "--year", "2024")
    assert (args, keywords) == ((["a b", "c"],), {"year": 2024})
    _, (args, keywords) = call(
        "get_mining_ship_ports", "ship", "a", "--ports", "--skip-missing", "--no-validate"
    )
    assert (args, keywords) == ((["a"],), {"missing": "skip", "validate": False})
    _, (_, keywords) = call("get_mining_ship", "ship", "a", "--include-contacts", "-c", "phone")
    assert keywords == {"include_contacts": True}
    out, called = call("get_mining_ship_ports", "ship", "a", "--ports", "-c", "phone", code=2)
    assert (called, "no column 'phone'" in out) == (None, True)
    out, _ = call("get_mining_ship", "ship", "a", "--ports", "--include-contacts", code=2)
    assert "--include-contacts and --ports exclude each other" in out
    text = " ".join(call("get_mining_ship", "ship", "--help")[0].split())
    assert "[OPTIONS] NAME..." in text
    assert "One row is one voyage of a ship, or with --ports one port of a ship." in text
    assert "NAME is the ship's ship_name, as `sectorsdf ships` shows it." in text
    assert "Costs one credit for each distinct NAME" in text
    assert "Year of the name; needs --cargo. From 2000." in text
    assert "--ports One row for each port." in text
    assert "Add personal data (phone, email)." in text


# The commands of every dataset, against the sandbox

# Parameters of getters that no command has an option for, or that all commands have.
_ELSEWHERE = {
    *("client", "unknown", "workers", "repair_credits", "resume", "resume_within", "progress"),
    *("cache", "max_age", "refresh", "offline", "strict", "max_credits", "allow_partial"),
}


def _keywords(command, dataset):
    """Return the keywords of a dataset's getter that a command can set."""
    renamed = {**repeated_filters(dataset), "no_validate": "validate", "skip_missing": "missing"}
    flags = {part.part for part in command.parts}
    common = {"output", "overwrite", "format", "columns", "quiet", "debug", "no_cache"}
    common |= {"partition_by", "sandbox", "rate_limit"}
    names = {param.name for param in command.command().params} - flags - common
    if dataset.addressed_by is not None:
        getter = getattr(sectorsdf, f"get_{dataset.name}")
        renamed[dataset.addressed_by] = next(iter(inspect.signature(getter).parameters))
    return {renamed.get(name, name) for name in names} - _ELSEWHERE


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_option_for_each_parameter_of_its_getters(name) -> None:
    command = COMMANDS[name]
    settable, taken = set(), set()
    for dataset in (command.dataset, *command.parts):
        getter = getattr(sectorsdf, f"get_{dataset.name}")
        taken |= set(inspect.signature(getter).parameters) - _ELSEWHERE
        settable |= _keywords(command, dataset)
    assert settable == taken


# The words of a command, which may name a key of a dataset of the sandbox, with what they cost.
_WORDS = [
    ("commodities", 1),
    ("prices Coal gold --start-year 2022 --end-year 2024", 3),
    ("companies --commodity Coal", 1),
    ("companies --has-financials", 1),
    ("company {mining_company}", 1),
    ("company {mining_company} --licenses", 1),
    ("company {mining_company} --contracts", 1),
    ("company {mining_company} --include-contacts", 1),
    ("ownership {mining_company_ownership}", 1),
    ("financials {mining_company_financials}", 1),
    ("financials {mining_company_financials} --year 2023 --year 2024 --breakdown", 2),
    ("performance {mining_company_performance}", 1),
    ("performance {mining_company_performance} --year {year} --resources", 1),
    ("performance {mining_company_performance} --year {year} --products", 1),
    ("contracts", 1),
    ("exports --year 2022 --year 2023 --commodity coal --allow-partial", 2),
    ("exports --year 2023 --allow-partial", 3),
    ("global --country Indonesia --country Australia", 2),
    ("global --commodity Gold --allow-partial", 1),
    ("destinations {mining_sales_destination}", 1),
    ("production", 4),
    ("production --commodity Coal --commodity Gold", 2),
    ("reserves-index", 1),
    ("reserves aceh Jambi --commodity Coal --year 2023", 2),
]


@pytest.fixture
def small(serve, monkeypatch):
    """Start a sandbox with few companies, and set its address and key in the environment."""
    sizes = {"mining_companies": 25}
    server = serve(server={"licenses": 30, "auctions": 1, "sites": 8, "sizes": sizes}).sandbox
    monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
    monkeypatch.setenv("SECTORS_API_KEY", server.key)
    return server


def _split(text, server):
    """Return the words of a command, with the key of the fullest answer that the sandbox has."""
    words, keys = [], {}
    for word in text.split():
        name = word.strip("{}")
        if word != name and name != "year":
            key = max(server.records(name), key=lambda record: len(str(record["answer"])))["key"]
            keys = key if isinstance(key, dict) else {"slug": key}
            name = "slug"
        words.append(str(keys[name]) if word.startswith("{") else word)
    return words


def _rows(out):
    return pd.read_csv(io.StringIO(out))


@pytest.mark.parametrize(("text", "costs"), _WORDS, ids=[text for text, _ in _WORDS])
def test_each_command_costs_what_its_quote_says(text, costs, small, run) -> None:
    words = _split(text, small)
    command = COMMANDS[words[0]]
    known = {param.name for param in command.subject()}
    without = {f"--{part.part}" for part in command.parts} | {"--include-contacts"}
    asked = [word for word in words if word not in without]
    assert "allow_partial" in known or "--allow-partial" not in asked
    (quote,) = json.loads(run("quote", *asked, "--format", "json")[0])
    assert quote["exact"] is True
    assert small.billed == quote["spent"]
    out, err = run(*words)
    assert small.billed == quote["credits"] + quote["spent"] == costs
    rows = _rows(out)
    assert err.splitlines()[-1].startswith(f"{len(rows):,} row")
    # None of so few companies has licences or contracts.
    assert len(rows) > 0 or {"--licenses", "--contracts"} & set(words)
    if "--include-contacts" in words:
        assert "email" in rows
    else:
        assert "email" not in rows
        again = run(*words)[1]
        assert " 0 credits spent" in again
        assert small.billed == costs
    part = next((part for part in command.parts if f"--{part.part}" in words), command.dataset)
    assert set(rows) >= {column.name for column in part.columns}


def test_keys_can_be_left_out_where_a_list_names_them(small, run) -> None:
    with_financials = {each["key"]["slug"] for each in small.records("mining_company_financials")}
    for name, slugs in (("company", 25), ("financials", len(with_financials))):
        before = small.billed
        (quote,) = json.loads(run("quote", name, "--format", "json")[0])
        out, _ = run(name, "--max-credits", str(quote["credits"]))
        assert len(_rows(out)) == slugs
        assert small.billed - before == quote["credits"] + quote["spent"] == slugs + 1
    before = small.billed
    (quote,) = json.loads(run("quote", "reserves", "--commodity", "Tin", "--format", "json")[0])
    out, _ = run("reserves", "--commodity", "Tin")
    assert small.billed - before == quote["credits"] + quote["spent"] > 1
    assert set(_rows(out)["commodity_type"]) == {"Tin"}


def test_years_and_walks_go_on_and_quotes_say_so(small, run) -> None:
    record = small.records("mining_company_financials")[0]
    slug, years = record["key"]["slug"], record["answer"]["available_years"]
    (quote,) = json.loads(run("quote", "financials", slug, "--year", "all", "--format", "json")[0])
    assert (quote["credits"], quote["exact"]) == (1, False)
    rows = _rows(run("financials", slug, "--year", "all")[0])
    assert sorted(rows["year"]) == sorted(years)
    assert small.billed == len(years)
    child = next(r for r in small.records("mining_company_ownership") if r["answer"]["parents"])
    near = _rows(run("ownership", child["key"])[0])
    far = _rows(run("ownership", child["key"], "--walk", "both")[0])
    assert len(near) == len(child["answer"]["parents"] + child["answer"]["subsidiaries"])
    assert set(near["parent_slug"]) <= set(far["parent_slug"])
    (quote,) = json.loads(
        run("quote", "ownership", child["key"], "--walk", "up", "--refresh", "--format", "json")[0]
    )
    assert quote["exact"] is False


def test_an_unknown_key_is_an_error_and_can_be_left_out(small, run) -> None:
    slug = small.records("mining_company")[0]["key"]
    _, err = run("company", slug, "nowhere", code=4)
    assert "--skip-missing returns" in err
    out, err = run("company", slug, "nowhere", "--skip-missing")
    assert len(_rows(out)) == 1
    assert "1 not known to the API" in err
    _, err = run("prices", "Unobtainium", code=2)
    assert err.startswith("Error: 'Unobtainium': the API has prices of Aluminum, ")


def test_a_cut_answer_is_handed_out_only_when_asked(small, run) -> None:
    _, err = run("global", "--commodity", "Coal", code=7)
    assert "--allow-partial returns the rows" in err
    out, err = run("global", "--commodity", "Coal", "--allow-partial")
    assert _rows(out)["country"].nunique() == 30
    assert "not shown to be complete" in err


def test_the_overview_does_not_import_the_declarations() -> None:
    code = (
        "import contextlib, io, sys\n"
        "from sectorsdf.cli.app import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        "print(*(name for name in sys.modules if name.startswith('sectorsdf')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"sectorsdf", "sectorsdf._version"}
    cli = {f"sectorsdf.cli{name}" for name in ("", ".app", ".base", ".fetch_table", ".streams")}
    assert set(done.stdout.split()) == own | cli


def test_help_and_completion_need_no_pandas() -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from sectorsdf.cli.app import cli\n"
        "for words in (['licenses', '-h'], ['quote', 'site', '-h'], ['cache', '-h'], ['-h']):\n"
        "    assert CliRunner().invoke(cli, words).exit_code == 0, words\n"
        "for name in cli.list_commands(None):\n"
        "    cli.get_command(None, name)\n"
        "print(*{'pandas', 'pyarrow', 'numpy', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()


def test_a_cached_answer_is_exported_without_what_requests_and_other_formats_need(
    run, sandbox, tmp_path
) -> None:
    run("prices", "Gold")
    code = (
        "import sys\n"
        "from sectorsdf.cli.app import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code\n"
        "unused = {'requests', 'urllib3', 'filelock', 'sqlite3'}\n"
        "formats = ('text', 'excel', 'databases', 'geofiles')\n"
        "unused |= {f'sectorsdf.io.{name}' for name in formats}\n"
        "print(*unused & set(sys.modules))"
    )
    words = ("prices", "Gold", "--offline", "-o", str(tmp_path / "prices.parquet"))
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stdout.strip()


def test_a_repeated_choice_of_a_list_is_the_union(run, sandbox):
    def areas(*words):
        out, _ = run("licenses", *words, "--format", "csv", "-c", "province,wiup_code")
        return pd.read_csv(io.StringIO(out), dtype="string")

    one, other = areas("--province", "Aceh"), areas("--province", "Riau")
    both = areas("--province", "Aceh", "--province", "Riau")
    pd.testing.assert_frame_equal(both, pd.concat([one, other], ignore_index=True))
    out, _ = run("quote", "licenses", "--province", "Aceh", "--province", "Riau", "--format", "csv")
    assert pd.read_csv(io.StringIO(out))["rows"].tolist() == [len(both)]
    _, err = run(
        *("licenses", "--province", "Aceh", "--province", "Riau", "--max-rows", "3"), code=2
    )
    assert "--max-rows does not go with several values of province" in err
