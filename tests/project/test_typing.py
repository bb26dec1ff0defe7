"""What type checkers and editors know: each mistake in what users write, and nothing else."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support.paths import ROOT

import sectorsdf

pytestmark = pytest.mark.newest

# Each line with a mistake says so. `name` marks a name that does not exist, `keyword` a keyword
# that a function does not have, and `value` a value or a call of the wrong type.
CODE = '''\
"""What users write."""

from pathlib import Path

import pandas as pd

import sectorsdf
from sectorsdf import vocabularies as vocab

province: vocab.LicenseProvince = "Aceh"
wrong_province: vocab.LicenseProvince = "Atjeh"  # mistake: value
every: tuple[str, ...] = sectorsdf.vocabularies.LICENSE_PROVINCES
other = sectorsdf.vocabularies.LICENCE_PROVINCES  # mistake: name

licences = sectorsdf.get_mining_licenses(province=province, expiring_soon=True)
areas: pd.Series = licences["licensed_area_ha"]
sectorsdf.get_mining_licenses(provnce="Aceh")  # mistake: keyword
sectorsdf.get_mining_licenses(order_by="area")  # mistake: value
sectorsdf.get_mining_licences()  # mistake: name
sectorsdf.get_mining_licenses(province=["Aceh", "Jambi"], max_rows=5)
sectorsdf.get_mining_sites(year="2024")  # mistake: value
sectorsdf.get_mining_site("a-slug", missing="ignore")  # mistake: value
sectorsdf.get_mining_site(["a-slug", "b-slug"], missing="skip")
sectorsdf.get_mining_company_performance("a-slug", years=range(2020, 2024))
sectorsdf.get_mining_licenses("Aceh")  # mistake: value

quote = sectorsdf.quote(sectorsdf.get_mining_sites, year=2024, details=True)
cost: int = quote.credits
price = quote.price  # mistake: name
sectorsdf.quote(sectorsdf.get_mining_sites, yaer=2024)  # mistake: keyword of the getter
sectorsdf.quote(sectorsdf.get_mining_sites, year="2024")  # mistake: value
sectorsdf.quote(sectorsdf.get_mining_sites, order_by="-yeer")  # mistake: value
sectorsdf.quote(sectorsdf.get_mining_site, ["a-slug"])
sectorsdf.quote(sectorsdf.get_mining_site)  # mistake: value
sectorsdf.quote(licences)  # mistake: value

client = sectorsdf.Client(api_key="key", cache=True)
sectorsdf.Client(key="key")  # mistake: keyword
sectorsdf.get_mining_licenses(client="key")  # mistake: value
path: Path = sectorsdf.export(licences, "licences.parquet", overwrite=True)
sectorsdf.export(sectorsdf.get_mining_licenses, "aceh.csv", overwrite=True, province="Aceh")
sectorsdf.export(
    sectorsdf.get_mining_licenses, "all", partition_by="province", client=client, max_credits=100
)
sectorsdf.export(licences, "aceh.csv", province="Aceh")  # mistake: keyword of the getter
sectorsdf.export(sectorsdf.get_mining_sites, "s.csv", yaer=2024)  # mistake: keyword of the getter
sectorsdf.export(sectorsdf.get_mining_sites, "s.csv", overwrite="yes")  # mistake: value
sectorsdf.export(sectorsdf.get_mining_sites, "s.csv", year="2024")  # mistake: value

snapshot: str = sectorsdf.snapshots.write(licences, Path("lake"), date="2026-11-01")
sectorsdf.snapshots.write(
    sectorsdf.get_mining_sites, "lake", date="2026-11-01", overwrite=True, client=client, year=2024
)
sectorsdf.snapshots.write(sectorsdf.get_mining_licenses, "lake", allow_partial=True, max_rows=5)
sectorsdf.snapshots.write(licences, "lake", year=2024)  # mistake: keyword of the getter
sectorsdf.snapshots.write(sectorsdf.get_mining_sites, "", yaer=24)  # mistake: keyword of the getter
sectorsdf.snapshots.write(sectorsdf.get_mining_sites, "lake", date=20261101)  # mistake: value
sectorsdf.snapshots.write(sectorsdf.get_mining_sites, "lake", year="2024")  # mistake: value
sectorsdf.snapshots.wriet(licences, "lake")  # mistake: name

with sectorsdf.sandbox.running(seed=7, workers=2) as sandboxed:
    rows: int = len(sectorsdf.get_mining_sites(client=sandboxed))
    sectorsdf.quote(sectorsdf.get_mining_sites, client=sandboxed)
    address: str = sandboxed.sandbox.url
with sectorsdf.sandbox.running(sead=7):  # mistake: keyword of the client
    pass
sectorsdf.use_sandbox(server={"licences": 10})  # mistake: value
sectorsdf.use_sandbox(server={"licenses": 10}).stop()
sectorsdf.cache.clear()
sectorsdf.describe("mining_licenses")
try:
    sectorsdf.get_mining_site("unknown")
except sectorsdf.NotFoundError as error:
    missing: tuple[str, ...] = error.missing
except sectorsdf.FilterErorr:  # mistake: name
    pass
'''


def mistakes(kind=""):
    """Return the numbers of the lines with mistakes of a kind, or of any kind."""
    lines = enumerate(CODE.splitlines(), 1)
    return {number for number, line in lines if re.search(f"# mistake: {kind}.*", line)}


@pytest.fixture
def user_code(tmp_path):
    path = tmp_path / "user_code.py"
    path.write_text(CODE, encoding="utf-8")
    return path


def environment(**more):
    """Return an environment in which a checker finds the package where the tests find it."""
    return {**os.environ, **more}


def need(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def test_mypy_finds_each_mistake_and_nothing_else(user_code):
    need("mypy")
    need("pandas-stubs")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--no-error-summary", "--hide-error-context", "--config-file", os.devnull]
    # The results are kept with those of the checks of the package, so that a second run is fast.
    done = subprocess.run(
        [*command, "--cache-dir", str(ROOT / ".mypy_cache" / "user_code"), user_code.name],
        cwd=user_code.parent,
        env=environment(MYPYPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^user_code\.py:(\d+): error", done.stdout, re.MULTILINE)
    assert set(map(int, found)) == mistakes(), done.stdout + done.stderr
    assert done.stdout.count(": error:") == len(found), done.stdout


def test_pyright_finds_each_mistake_and_nothing_else(user_code):
    need("pyright")
    if shutil.which("node") is None:
        pytest.skip("pyright needs node")
    config = {"include": [user_code.name], "extraPaths": [str(ROOT)]}
    (user_code.parent / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        command,
        cwd=user_code.parent,
        env=environment(PYRIGHT_PYTHON_IGNORE_WARNINGS="1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.skip(f"pyright cannot run here: {(done.stdout + done.stderr)[:300]}")
    found = {entry["range"]["start"]["line"] + 1 for entry in report["generalDiagnostics"]}
    assert found == mistakes(), report["generalDiagnostics"]


@pytest.fixture
def jedi_script(monkeypatch, tmp_path):
    """Return a function that makes a script of Jedi, which reads the package without running it."""
    jedi = pytest.importorskip("jedi")
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path / "jedi"))
    project = jedi.Project(ROOT, added_sys_path=[str(ROOT)])
    return lambda code: jedi.Script(code, project=project)


def test_jedi_knows_each_name_and_keyword_except_the_misspelt(jedi_script):
    script, unknown, seen = jedi_script(CODE), set(), {}
    for node in ast.walk(ast.parse(CODE)):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name not in seen:
                # The last letter of the name belongs to it for certain.
                seen[name] = script.goto(node.end_lineno, node.end_col_offset - 1)
            if not seen[name]:
                unknown.add(node.end_lineno)
        elif isinstance(node, ast.Call) and node.keywords:
            call = f"{ast.unparse(node.func)}("
            if call not in seen:
                place = node.func.end_lineno, node.func.end_col_offset + 1
                seen[call] = [p for each in script.get_signatures(*place) for p in each.params]
            others = {p.name for p in seen[call] if p.kind is inspect.Parameter.VAR_KEYWORD}
            # Jedi does not see to where a function passes on its other keywords.
            if seen[call] and others <= {"unknown"}:
                names = {parameter.name for parameter in seen[call]}
                unknown |= {key.value.lineno for key in node.keywords if key.arg not in names}
    through = mistakes("keyword of")
    assert unknown - through == mistakes("name") | mistakes("keyword") - through


def test_jedi_completes_filters_and_vocabularies(jedi_script):
    def offered(code):
        return {completion.name for completion in jedi_script(code).complete()}

    assert "province=" in offered("import sectorsdf\nsectorsdf.get_mining_licenses(pro")
    assert "order_by=" in offered("import sectorsdf\nsectorsdf.get_mining_sites(year=2024, or")
    vocabulary = offered("import sectorsdf\nsectorsdf.vocabularies.LICENSE_")
    assert {"LICENSE_PROVINCES", "LICENSE_TYPES"} <= vocabulary


def test_public_functions_say_the_types_of_all_parameters():
    """Type checkers take a parameter without a type for anything."""
    for name in sectorsdf.__all__:
        value = getattr(sectorsdf, name)
        if inspect.isfunction(value):
            signature = inspect.signature(value)
            untyped = [
                parameter.name
                for parameter in signature.parameters.values()
                if parameter.annotation is inspect.Parameter.empty
            ]
            assert untyped == [], name
            assert signature.return_annotation is not inspect.Signature.empty
