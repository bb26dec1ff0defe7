"""The tests themselves: which run with which pandas, and how many examples they try."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from support.paths import ROOT
from support.versions import BOTH, NEWEST_FIXTURES, NEWEST_ONLY, TESTS, newest_only

# Folders of the package whose modules import pandas nowhere, or only to give what they have noted.
FREE = {"config": set(), "http": {"credits.py"}, "paging": set(), "sandbox": set()}


@pytest.mark.parametrize("name", [*NEWEST_ONLY, *BOTH])
def test_each_entry_is_there_and_has_a_reason(name):
    assert (TESTS / name).exists()
    assert {**NEWEST_ONLY, **BOTH}[name].endswith(".")


@pytest.mark.parametrize(("folder", "fixture"), NEWEST_FIXTURES)
def test_each_exempt_fixture_is_there_and_has_a_reason(folder, fixture):
    text = "".join(path.read_text() for path in (TESTS / folder).glob("*.py"))
    assert f"def {fixture}(" in text
    assert NEWEST_FIXTURES[folder, fixture].endswith(".")


@pytest.mark.parametrize("folder", FREE)
def test_an_exempt_folder_tests_a_package_without_pandas(folder):
    assert folder in NEWEST_ONLY
    with_pandas = {
        path.name
        for path in (ROOT / "sectorsdf" / folder).rglob("*.py")
        if re.search(r"^\s*(?:import|from) (?:pandas|pyarrow)\b", path.read_text(), re.M)
    }
    assert with_pandas == FREE[folder]
    # The tests of those modules run with both.
    for name in with_pandas:
        assert not newest_only(TESTS / folder / f"test_{name}")


@pytest.mark.parametrize(
    "folder",
    ["analysis", "companies", "datasets", "frames", "io", "mining", "reserves", "snapshots"],
)
def test_a_folder_that_makes_frames_runs_with_both(folder):
    assert (TESTS / folder).is_dir()
    assert not [path for path in (TESTS / folder).rglob("*.py") if newest_only(path)]


def test_the_oldest_pandas_gets_what_is_not_exempt(request):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-m", "not newest", "tests/config", "tests/http", "tests/places"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = set(re.findall(r"^tests/(\S+?)::", done.stdout, re.M))
    assert files == {"http/test_credits.py", "places/test_tables.py"}, done.stdout + done.stderr


@pytest.mark.parametrize(("profile", "whole", "tenth"), [("ci", 25, 2), ("nightly", 1000, 100)])
def test_property_tests_take_their_number_from_the_profile(profile, whole, tenth):
    code = "import conftest; from support.budgets import examples; print(examples(), examples(0.1))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TESTS,
        env={**os.environ, "HYPOTHESIS_PROFILE": profile},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(whole), str(tenth)]


def test_no_property_test_states_a_number_of_its_own():
    stated = re.compile(r"max_examples=\d")
    files = [path for path in TESTS.rglob("*.py") if path.name != "conftest.py"]
    assert [path.name for path in files if stated.search(path.read_text())] == []
