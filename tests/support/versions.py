"""Which tests run with the newest pandas and pyarrow only, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

TESTS = Path(__file__).resolve().parents[1]

# Folders and files below `tests` whose results cannot depend on the version of pandas or pyarrow.
NEWEST_ONLY = {
    "cache/test_journal.py": "The journal holds pages of JSON.",
    "cache/test_processes.py": "Locks and renamed files are the work of the system.",
    "cli/test_app.py": "Commands call getters and writers that other tests call with both.",
    "cli/test_cover.py": "The command prints what companies/test_cover.py tests with both.",
    "cli/test_doctor.py": "The report is about the machine and the API.",
    "cli/test_exit_codes.py": "Exit codes follow from the package's errors.",
    "cli/test_link.py": "The command prints what companies/test_links.py tests with both.",
    "cli/test_terminal.py": "Streams, signals and the layout of tables are the package's own.",
    "client/test_progress.py": "Progress counts pages.",
    "client/test_secrecy.py": "Where a key may show is decided before there is a frame.",
    "config": "Settings and keys are texts.",
    "faults/test_addresses.py": "Addresses are found in records, before these become a frame.",
    "faults/test_environments.py": "Streams, folders, clocks and locales are the system's.",
    "faults/test_environments_network.py": "Proxies, certificates and forks are the line's matter.",
    "faults/test_locks.py": "Locks are the work of the system.",
    "faults/test_money.py": "Paid pages are kept in the journal.",
    "faults/test_nothing_is_paid_twice.py": "Paid pages are kept in the journal.",
    "faults/test_paths.py": "Paths and URLs are texts.",
    "faults/test_totals.py": "A sweep ends before it has a frame.",
    "faults/test_transport_harm.py": "Harm to the transport is found before there is a frame.",
    "faults/test_whose_answer.py": "Whose answer it is shows in its headers and its JSON.",
    "http": "Requests and answers are bytes and JSON.",
    "paging": "Pages hold records; a sweep counts them and makes no frame.",
    "plot": "The libraries that draw are not installed beside the oldest pandas.",
    "project": "Documentation, packaging and tools are checked once.",
    "sandbox": "The sandbox answers in JSON and imports neither pandas nor pyarrow.",
}

# Fixtures of a folder whose tests run with the newest pandas only.
NEWEST_FIXTURES = {
    ("mining", "ask"): "The server selects and sorts; other tests compare every value with both.",
}

# What lies in such a folder and yet runs with both.
BOTH = {
    "http/test_credits.py": "The ledger is given as a frame.",
    "project/test_old_files.py": "Files that earlier versions wrote are read by both.",
    "project/test_optimizations.py": "Speed and memory are won with pyarrow's means.",
}


def newest_only(path: Path) -> bool:
    """Return whether a test file, or a whole folder of tests, runs with the newest pandas only."""
    try:
        inner = path.relative_to(TESTS)
    except ValueError:
        return False
    names = {each.as_posix() for each in (inner, *inner.parents)}
    mixed = any(Path(name).is_relative_to(inner) for name in BOTH)
    return not mixed and bool(names & NEWEST_ONLY.keys())


def newest_item(item: pytest.Item) -> bool:
    """Return whether a test runs with the newest pandas only, by its file or its fixtures."""
    fixtures = {(item.path.parent.name, name) for name in getattr(item, "fixturenames", ())}
    return newest_only(item.path) or bool(fixtures & NEWEST_FIXTURES.keys())
