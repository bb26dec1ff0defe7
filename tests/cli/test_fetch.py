"""The commands that fetch: they follow from the declarations alone."""

from __future__ import annotations

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
    cli = {f"sectorsdf.cli{name}" for name in ("", ".app", ".base", ".fetch_table")}
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
