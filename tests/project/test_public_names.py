"""The public names: one list of them, each loaded when it is first used."""

from __future__ import annotations

import ast
import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sectorsdf

FOLDER = Path(sectorsdf.__file__).parent
EXTRAS = {
    *("dask", "duckdb", "folium", "fsspec", "geopandas", "keyring", "matplotlib", "networkx"),
    *("openpyxl", "pint", "rapidfuzz", "tqdm"),
}


def run(code, *arguments):
    """Run a program in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(code):
    """Return which modules a program has imported in the end."""
    return set(run(f"{code}\nimport sys; print(*sys.modules)").split())


@pytest.fixture(scope="module")
def listed():
    """Each import of ``__init__.pyi`` as a type checker reads it: module, name, name it gets."""
    tree = ast.parse((FOLDER / "__init__.pyi").read_text())
    assert all(isinstance(node, ast.ImportFrom) and node.level == 1 for node in tree.body)
    return [(node.module, alias.name, alias.asname) for node in tree.body for alias in node.names]


def test_each_name_is_listed_once_and_exported(listed):
    names = [name for _, name, _ in listed]
    assert len(names) == len(set(names))
    # A name in a stub is public only if it is imported "as" itself.
    assert names == [exported for _, _, exported in listed]
    assert sectorsdf.__all__ == sorted(names)


def test_each_name_is_the_one_of_its_module(listed):
    for module, name, _ in listed:
        found = getattr(sectorsdf, name)
        if module is None:
            assert found is importlib.import_module(f"sectorsdf.{name}")
        else:
            assert found is getattr(importlib.import_module(f"sectorsdf.{module}"), name)
        assert found.__doc__ or name == "__version__"


def test_dir_and_star_import_give_the_public_names_only():
    modules = [getattr(sectorsdf, name) for name in sectorsdf.__all__]
    for module in (sectorsdf, *filter(inspect.ismodule, modules)):
        # The vocabularies have the types of their values besides.
        if module is sectorsdf.vocabularies:
            continue
        assert sorted(dir(module)) == sorted(module.__all__)
    scope = {}
    exec("from sectorsdf import *", scope)
    assert sorted(scope.keys() - {"__builtins__"}) == sectorsdf.__all__


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("get_mining_licences", "Did you mean: 'get_mining_licenses'?"),
        ("Clint", "Did you mean: 'Client'?"),
        ("phases", "Did you mean: 'get_mining_license_auction_phases'?"),
        ("qqq", "`dir(sectorsdf)` lists the public names."),
    ],
)
def test_an_unknown_name_is_an_error_that_suggests_one(name, advice):
    with pytest.raises(AttributeError) as caught:
        getattr(sectorsdf, name)
    assert str(caught.value) == f"module 'sectorsdf' has no attribute {name!r}. {advice}"
    assert caught.value.name == name


def test_a_private_name_is_an_error_without_advice():
    with pytest.raises(AttributeError, match=r"^module 'sectorsdf' has no attribute '_unknown'$"):
        _ = sectorsdf._unknown


def test_python_does_not_add_a_suggestion_of_its_own():
    done = subprocess.run(
        [sys.executable, "-c", "import sectorsdf; sectorsdf.get_mining_licences"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.count("Did you mean") == 1


@pytest.mark.parametrize("name", ["datasets", "mining"])
def test_a_module_that_is_not_listed_needs_no_import(name):
    assert run(f"import sectorsdf; print(sectorsdf.{name}.__name__)") == f"sectorsdf.{name}\n"


@pytest.mark.parametrize("jedi", [False, True])
def test_completion_in_a_notebook_offers_the_public_names_only(jedi):
    pytest.importorskip("IPython")
    code = (
        "import sys, warnings, sectorsdf\n"
        "warnings.simplefilter('ignore')\n"
        "from IPython.core.completer import IPCompleter, provisionalcompleter\n"
        "completer = IPCompleter(shell=None, namespace={'sectorsdf': sectorsdf})\n"
        "completer.use_jedi = bool(sys.argv[1])\n"
        "with provisionalcompleter():\n"
        "    offered = list(completer.completions('sectorsdf.', len('sectorsdf.')))\n"
        "print(*{completion.text.lstrip('.') for completion in offered})"
    )
    offered = set(run(code, "jedi" if jedi else "").split())
    assert offered == {name for name in sectorsdf.__all__ if not name.startswith("_")}


def test_editors_find_signatures_without_running_the_package(monkeypatch, tmp_path):
    jedi = pytest.importorskip("jedi")
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path))
    project = jedi.Project(FOLDER.parent, added_sys_path=[str(FOLDER.parent)])
    script = jedi.Script("import sectorsdf\nsectorsdf.get_mining_licenses(", project=project)
    (signature,) = script.get_signatures()
    parameters = {parameter.name for parameter in signature.params}
    assert {"province", "order_by", "client"} <= parameters
    script = jedi.Script("import sectorsdf\nsectorsdf.", project=project)
    assert set(sectorsdf.__all__) <= {completion.name for completion in script.complete()}


def test_the_package_works_from_a_zip_file(tmp_path):
    copy = shutil.copytree(
        FOLDER, tmp_path / "copy/sectorsdf", ignore=shutil.ignore_patterns("__pycache__")
    )
    archive = shutil.make_archive(str(tmp_path / "package"), "zip", copy.parent)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import sectorsdf; "
        "print(sectorsdf.__file__, sectorsdf.UnitError.__module__)"
    )
    assert run(code, archive).split() == [
        str(Path(archive, "sectorsdf", "__init__.py")),
        "sectorsdf.errors",
    ]


def test_an_import_loads_nothing_that_is_not_used():
    assert not loaded("import sectorsdf") & {"pandas", "pyarrow", "requests", "numpy", *EXTRAS}
    used = "import sectorsdf; sectorsdf.get_mining_licenses; sectorsdf.sandbox; sectorsdf.cache"
    assert not loaded(used) & EXTRAS
    said = "from sectorsdf.cli import main; import sys; sys.argv = ['sectorsdf', '--help']\n"
    said += "try:\n    main()\nexcept SystemExit:\n    pass"
    assert not loaded(said) & {"pandas", "pyarrow", "requests", "numpy", *EXTRAS}
