"""The wheel in a bare environment: only what the package declares, nothing of the test tools."""

from __future__ import annotations

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

import pytest
from packaging.requirements import Requirement
from support.paths import ROOT

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
        requirements = [r for r in declared.requires or [] if "extra ==" not in r]
    for name in _closure(requirements):
        distribution = metadata.distribution(name)
        for top in {Path(str(file)).parts[0] for file in distribution.files or []}:
            origin = Path(str(distribution.locate_file(top)))
            if top not in {"..", "__pycache__"} and origin.exists() and not (site / top).exists():
                (site / top).symlink_to(origin)
    python = Path(paths["scripts"]) / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
         "--no-deps", "--disable-pip-version-check", wheel],
        check=True,
    )  # fmt: skip
    return python.parent


def _run(*command: object, cwd: Path, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "TMPDIR", "LANG"}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "SECTORSDF_CACHE_DIR": str(cwd / "cache"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
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
    missing, file = json.loads(_run(bare / "python", "-W", "error", "-c", code, cwd=tmp_path))
    assert missing == []
    assert str(bare.parent) in file
    assert list(tmp_path.iterdir()) == []  # nothing is written at import


def test_the_console_script_runs_the_demo(bare: Path, tmp_path: Path) -> None:
    said = _run(bare / "sectorsdf", "demo", cwd=tmp_path)
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


@pytest.mark.parametrize(
    "page",
    # Each picture of the gallery needs the extra `plot`.
    ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md") if p.stem != "gallery")],
)
def test_the_pages_code_blocks_run_in_a_fresh_environment(
    page: str, bare: Path, tmp_path: Path
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    if not blocks:
        assert "```python" not in (ROOT / page).read_text()
        return
    blocks = [block for block in blocks if "sectorsdf.plot" not in block]
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    _run(bare / "python", script, cwd=tmp_path)


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
