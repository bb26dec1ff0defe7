"""The names at the top: each is there, none is imported before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sectorsdf

EXTRAS = {"pint", "duckdb", "openpyxl", "geopandas", "matplotlib", "fsspec", "keyring", "tqdm"}


def loaded(code):
    """Return which modules a program has imported in the end."""
    code = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=True
    )
    return set(done.stdout.decode().split())


def test_every_name_is_there_and_told_once():
    homes = [name for names in sectorsdf._HOMES.values() for name in names]
    assert len(homes) == len(set(homes))
    whole = {*homes, *(sectorsdf._SUBMODULES & set(sectorsdf.__all__))}
    assert sorted(sectorsdf.__all__) == sorted(whole)
    for name in homes:
        assert getattr(sectorsdf, name).__doc__ or name == "__version__"
    assert set(sectorsdf.__all__) <= set(dir(sectorsdf))
    with pytest.raises(AttributeError, match="get_mining_licences"):
        _ = sectorsdf.get_mining_licences


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(sectorsdf.__file__).read_text())
    seen = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sectorsdf")
        for alias in node.names
    }
    assert seen == set(sectorsdf.__all__)


def test_an_import_loads_nothing_that_is_not_used():
    assert not loaded("import sectorsdf") & {"pandas", "pyarrow", "requests", "numpy", *EXTRAS}
    used = "import sectorsdf; sectorsdf.get_mining_licenses; sectorsdf.sandbox; sectorsdf.cache"
    assert not loaded(used) & EXTRAS
    said = "from sectorsdf.cli import main; import sys; sys.argv = ['sectorsdf', '--help']\n"
    said += "try:\n    main()\nexcept SystemExit:\n    pass"
    assert not loaded(said) & {"pandas", "pyarrow", "requests", "numpy", *EXTRAS}
