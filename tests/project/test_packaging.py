"""The wheel in a bare environment: only what the package declares, nothing of the test tools.

There a new user follows the README and the first pages of the documentation, with an empty home.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from packaging.requirements import Requirement
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.newest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "sectorsdf"
    # A copy, so that a build leaves nothing in the checkout and takes nothing from an old one.
    tracked = ["sectorsdf", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
    source.mkdir()
    for name in tracked:
        subprocess.run(["cp", "-r", ROOT / name, source / name], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source],
        check=True,
        capture_output=True,
        text=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def _closure(requirements: list[str]) -> set[str]:
    """Names of the distributions that these requirements need, and theirs, without extras."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in found:
            found.add(name)
            waiting += metadata.requires(name) or []
    return found


def _link(requirements: list[str], site: Path) -> None:
    """Link the distributions that these requirements need from this environment to a folder."""
    for name in _closure(requirements):
        distribution = metadata.distribution(name)
        for top in {Path(str(file)).parts[0] for file in distribution.files or []}:
            origin = Path(str(distribution.locate_file(top)))
            if top not in {"..", "__pycache__"} and origin.exists() and not (site / top).exists():
                (site / top).symlink_to(origin)


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and its declared dependencies; its bin folder."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    site = Path(paths["purelib"])
    with zipfile.ZipFile(wheel) as archive:
        info = next(n for n in archive.namelist() if n.endswith("METADATA"))
        declared = metadata.PathDistribution(zipfile.Path(wheel, info.rpartition("/")[0] + "/"))
        _link([r for r in declared.requires or [] if "extra ==" not in r], site)
    python = Path(paths["scripts"]) / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
         "--no-deps", "--disable-pip-version-check", wheel],
        check=True,
    )  # fmt: skip
    return python.parent


def _run(*command: object, cwd: Path, environment: Mapping[str, str], timeout: float = 180) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sectorsdf"}
    # The type marker, and the public names, without which the package cannot be imported.
    tables = {f"sectorsdf/places/{name}.csv" for name in ("provinces", "regencies")}
    assert {"sectorsdf/py.typed", "sectorsdf/__init__.pyi", *tables} <= set(names)
    assert not [n for n in names if n.endswith((".json", ".jsonl", ".parquet", ".ipynb"))]
    # Less than this is right for code alone: more would be data or generated files.
    assert wheel.stat().st_size < 850_000


def test_it_imports_with_nothing_but_its_own_dependencies(bare: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys, sectorsdf; missing = [n for n in sectorsdf.__all__ "
        "if not hasattr(sectorsdf, n)]; print(json.dumps([missing, sectorsdf.__file__]))"
    )
    command = [bare / "python", "-W", "error", "-c", code]
    missing, file = json.loads(_run(*command, cwd=tmp_path, environment={}))
    assert missing == []
    assert str(bare.parent) in file
    assert list(tmp_path.iterdir()) == []  # nothing is written at import


# A new user, whose home is empty, and who has neither a key nor a setting


# The libraries of the extras `plot` and `excel`, which the README names where it needs them.
EXTRAS = ["matplotlib", "openpyxl"]
# `test_docs` draws the pictures of the gallery, and `tests/cli` runs the commands of cli.md.
FIRST_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST_PAGES = [page for page in FIRST_PAGES if page.stem not in {"gallery", "cli"}]
PROGRAM = """\
import json, os, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import pages
import sectorsdf

here, differences = Path.cwd(), []
for path in map(Path, sys.argv[2:]):
    (here / path.stem).mkdir()
    os.chdir(here / path.stem)
    for block, printed in pages.run(path):
        if printed != (block.printed or ""):
            differences.append(f"{path.name}, line {block.line} prints: {printed}")
print(json.dumps([sectorsdf.__file__, differences]))
"""


@pytest.fixture(scope="module")
def user(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment variables of a new user, who has installed the package with two extras."""
    if missing := [name for name in EXTRAS if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    home, extras = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("extras")
    _link(EXTRAS, extras)
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PATH": os.pathsep.join([str(bare), os.environ["PATH"]]),
        "PYTHONPATH": str(extras),
    }


def test_the_programs_of_the_first_pages_print_what_these_show(
    user: dict[str, str], bare: Path, tmp_path: Path
) -> None:
    # One process runs all pages, each in a folder of its own.
    words = ["python", "-W", "error", "-c", PROGRAM, ROOT / "docs", *FIRST_PAGES]
    file, differences = json.loads(_run(*words, cwd=tmp_path, environment=user))
    assert Path(file).is_relative_to(bare.parent)
    assert differences == []


def test_the_commands_of_the_readme_work_word_for_word(
    user: dict[str, str], tmp_path: Path
) -> None:
    commands = re.findall(r"`(sectorsdf [a-z][^`]*)`", (ROOT / "README.md").read_text())
    fetch = "sectorsdf licenses --province Aceh --expiring-soon -o aceh.xlsx"
    assert sorted(commands) == ["sectorsdf credits", fetch, "sectorsdf serve"]
    # The other commands need what this one prints.
    served = subprocess.Popen(
        ["sectorsdf", "serve"], env=user, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with served:
        try:
            assert served.stdout is not None
            lines = "".join(served.stdout.readline() for _ in range(3))
            exported = dict(re.findall(r"^export (\w+)=(\S+)$", lines, re.M))
            assert exported.keys() == {"SECTORSDF_BASE_URL", "SECTORS_API_KEY"}
            environment = {**user, **exported}
            _run(*fetch.split(), cwd=tmp_path, environment=environment)
            spent = _run("sectorsdf", "credits", cwd=tmp_path, environment=environment)
        finally:
            served.terminate()
    rows = pd.read_excel(tmp_path / "aceh.xlsx", dtype=str)
    assert set(rows["province"]) == {"Aceh"}
    pages = -(-len(rows) // 30)
    assert re.search(rf"^\d{{4}}-\d\d-\d\d +{pages} +{pages} ", spent, re.M)
    assert {path.name for path in Path(user["HOME"]).iterdir()} <= {"cache", "config", ".config"}


def test_the_demo_works(user: dict[str, str], tmp_path: Path) -> None:
    said = _run("sectorsdf", "demo", cwd=tmp_path, environment=user)
    assert "mining_licenses: 4,151 rows, 139 credits, every row is here" in said
    written = {path.name for path in (tmp_path / "sectorsdf-demo").iterdir()}
    assert written == {
        "mining_licenses.parquet",
        "mining_license_auctions.parquet",
        "mining_sites.parquet",
        "mining_commodities.parquet",
        "mining_companies.parquet",
        "mining_contracts.parquet",
        "mining_total_production.parquet",
        "mining_reserves_index.parquet",
    }


@pytest.mark.skipif(not os.environ.get("FRESH_HOME"), reason="`make fresh-home` runs it")
def test_the_make_commands_of_the_readme_work_word_for_word(tmp_path: Path) -> None:
    """Download and install what they need, so this takes minutes."""
    commands = re.findall(r"^(make \w+) ", (ROOT / "README.md").read_text(), re.M)
    home, checkout = tmp_path / "home", tmp_path / "sectorsdf"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    # How pip reaches its index is a matter of the machine.
    kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.endswith("_proxy")}
    # All tests run elsewhere; here a few of them show that they start.
    user = {
        **kept,
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTEST_ARGS": "tests/test_units.py",
    }
    said = [_run(*each.split(), cwd=checkout, environment=user, timeout=1800) for each in commands]
    assert "mining_licenses: 4,151 rows" in said[0]
    assert said[1].count(" passed") == 2


def test_the_readmes_commands_are_the_makefiles() -> None:
    commands = re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert commands == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in commands)


def test_the_pages_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
