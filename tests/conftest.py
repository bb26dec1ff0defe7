"""What all tests share: no network, no settings of the machine, the budget of property tests.

It also keeps the tests away from the oldest pandas that do not depend on its version.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import ipaddress
import itertools
import os
import socket
import sys
import threading
from datetime import date

import pytest
from hypothesis import settings
from support.paths import ROOT, SHARED
from support.versions import newest_item, newest_only

# In every run the same few examples, so that a change fails for what it changed; in the nightly run
# new ones, and many. Tests that take more or fewer state a share: see `support.budgets.examples`.
settings.register_profile(
    "ci", max_examples=25, stateful_step_count=30, deadline=None, derandomize=True
)
settings.register_profile(
    "nightly",
    max_examples=1_000,
    stateful_step_count=50,
    deadline=None,
    derandomize=False,
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_ignore_collect(collection_path, config):
    """Do not import what `-m "not newest"` would leave out again."""
    left_out = config.option.markexpr == "not newest" and newest_only(collection_path)
    return True if left_out else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests of the folders, files and fixtures that `support.versions` names."""
    for item in items:
        if newest_item(item):
            item.add_marker(pytest.mark.newest)


def pytest_collection_finish():
    """Let the garbage collector pass over the tests and libraries, which stay to the end."""
    gc.collect()
    gc.freeze()


class NetworkError(Exception):
    """A test reached for another machine.

    No OSError on purpose: the package would take that for a failure of the line and try again.
    """


def _is_here(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded(method):
    def connect(self, address):
        # A path of the file system has no host.
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            message = f"this test may not connect to {address!r}"
            raise NetworkError(message)
        return method(self, address)

    return connect


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    """Let connections and names through that lead to this machine, and no others."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        if not _is_here(host):
            message = f"this test may not look up {host!r}"
            raise NetworkError(message)
        return resolve(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_samples():
    """Generate the sample of a seed and sizes once: no server changes the records of its sample."""
    from sectorsdf.sandbox import server
    from sectorsdf.sandbox.sample import Sample

    class SharedSample(Sample):
        """A sample that several servers may read at once."""

        _lock = threading.RLock()

        def __getitem__(self, dataset):
            with self._lock:
                return super().__getitem__(dataset)

    @functools.cache
    def shared(seed, sizes):
        return SharedSample(seed, dict(sizes))

    def make(seed, sizes=None):
        return shared(seed, tuple(sorted((sizes or {}).items())))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Sample", make)
        yield


_user_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _no_settings(request, monkeypatch, tmp_path_factory):
    """Keep the tests away from the user's key, address, journal and ledger."""
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
    else:  # not made before the test writes to it, because that adds up over thousands of tests
        folder = tmp_path_factory.getbasetemp() / f"user{next(_user_numbers)}"
    for name in list(os.environ):
        if name == "SECTORS_API_KEY" or name.startswith("SECTORSDF_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SECTORSDF_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("SECTORSDF_CONFIG_DIR", str(folder / "config"))


@pytest.fixture(scope="session")
def shared():
    """The folder of reference material, which is no part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the reference material beside the project is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def real_data(shared):
    """The folder of real records."""
    folder = shared / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real records is not on this machine")
    return folder


@pytest.fixture(scope="session")
def recorded(shared):
    """The folder of answers that were recorded."""
    folder = shared / "reference" / "recorded"
    if not folder.is_dir():
        pytest.skip("the folder of recorded answers is not on this machine")
    return folder


# A fixed day, and so few records that a test may start a server of its own.
_TODAY = {"today": date(2026, 1, 15)}
_SMALL = {"licenses": 130, "auctions": 14, "sites": 80, **_TODAY}


@pytest.fixture
def serve():
    """Start a sandbox of the test's own, over given records if any; return a client of it."""
    from sectorsdf import sandbox

    with contextlib.ExitStack() as stack:

        def start(records=None, **options):
            server = _SMALL if records is None else {**_TODAY, "records": records}
            return stack.enter_context(sandbox.running(**{"server": server, **options}))

        yield start


@pytest.fixture
def here(tmp_path):
    """A folder that holds the test's files and nothing else."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def sample():
    """The few records that `serve` has by itself, by dataset."""
    from sectorsdf import sandbox

    names = ("mining_licenses", "mining_license_auctions", "mining_sites")
    with sandbox.Sandbox(**_SMALL) as server:
        return {name: server.records(name) for name in names}


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The site's folder, built with warnings as errors, and once for all processes of a run."""
    for library in (
        "sphinx",
        "myst_nb",
        "pydata_sphinx_theme",
        "sphinx_copybutton",
        "sphinx_design",
    ):
        pytest.importorskip(library)
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import sitebuild
    finally:
        del sys.path[0]
    if worker_id == "master":
        folder = tmp_path_factory.mktemp("site") / "html"
        sitebuild.build(folder)
        return folder
    common = tmp_path_factory.getbasetemp().parent
    folder, built = common / "site" / "html", common / "site-is-built"
    with (common / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            sitebuild.build(folder)
            built.touch()
    return folder
