"""The tests themselves: which run with which pandas, and how many examples they try."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import settings
from support.budgets import examples
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


def test_what_is_exempt_is_not_even_imported(request):
    conftest = request.config.pluginmanager.get_plugin(str(TESTS / "conftest.py"))

    def ignored(name, expression):
        config = SimpleNamespace(option=SimpleNamespace(markexpr=expression))
        return bool(conftest.pytest_ignore_collect(TESTS / name, config))

    assert ignored("config", "not newest")
    assert ignored("http/test_transport.py", "not newest")
    for name in ("http", "http/test_credits.py", "frames", "frames/test_builder.py", ""):
        assert not ignored(name, "not newest"), name
    assert not ignored("config", "")
    assert not ignored("config", "not newest or hypothesis")


@pytest.mark.parametrize(("profile", "whole", "tenth"), [("ci", 25, 2), ("nightly", 1000, 100)])
def test_property_tests_take_their_number_from_the_profile(profile, whole, tenth):
    before = settings.get_current_profile_name()
    settings.load_profile(profile)
    try:
        assert (examples(), examples(0.1), examples(0.001)) == (whole, tenth, 1)
        assert settings.default.deadline is None
        assert settings.default.derandomize is (profile == "ci")
    finally:
        settings.load_profile(before)


def test_no_property_test_states_a_number_of_its_own():
    stated = re.compile(r"max_examples=\d")
    files = [path for path in TESTS.rglob("*.py") if path.name != "conftest.py"]
    assert [path.name for path in files if stated.search(path.read_text())] == []


def test_no_test_is_named_after_an_address_in_memory(request):
    # Processes that share the tests must give each the same name.
    assert [item.nodeid for item in request.session.items if " at 0x" in item.nodeid] == []
