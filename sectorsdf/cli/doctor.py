"""The command `doctor`: what of this machine decides whether the package works, in one report.

The report contains neither the key nor data, so that it can be pasted into an issue.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sectorsdf._version import __version__
from sectorsdf.cli.base import Command, Option
from sectorsdf.config import settings
from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.config.keystore import find_login_file, saved_key
from sectorsdf.errors import SectorsdfError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "Report", "doctor_command"]

_CORE = ("pandas", "numpy", "pyarrow", "requests", "urllib3", "click", "filelock", "platformdirs")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LEAST_FREE = 100_000_000
_MOST_SECONDS_OFF = 120.0
_CONNECT_SECONDS = 10.0
_PATH = "/v2/mining/sites/"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    name : str
        What was looked at.
    text : str
        What was found.
    advice : str
        What to do about it; empty if nothing is wrong.
    """

    name: str
    text: str
    advice: str = ""


@dataclass
class Report:
    """Findings in sections, as they are printed.

    Attributes
    ----------
    problems : int
        How many findings have advice.
    """

    problems: int = 0
    _open: str = field(default="", repr=False)

    def add(self, section: str, findings: Iterator[Finding]) -> None:
        """Print the findings of a section as they come."""
        click.echo(f"{section}")
        for finding in findings:
            click.echo(f"  {finding.name}: {_private(printable(finding.text))}")
            if finding.advice:
                self.problems += 1
                click.echo(f"    ! {_private(printable(finding.advice))}")
        click.echo()


def _private(text: str) -> str:
    """Return the text with the home folder shortened, because its name is a person's."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    return text.replace(home, "~") if len(home) > 1 else text


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    yield Finding("sectorsdf", __version__)
    yield Finding("Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    installed = (f"{name} {_version(name)}" for name in _CORE if _version(name))
    yield Finding("packages", ", ".join(installed))
    yield Finding("TLS", ssl.OPENSSL_VERSION)
    for extra, names in sorted(_extras().items()):
        missing = [name for name in names if _version(name) is None]
        state = f"missing {', '.join(missing)}" if missing else "installed"
        yield Finding(f"extra {extra}", state)


def _extras() -> dict[str, list[str]]:
    """Return the packages of each extra, from the package's own metadata."""
    extras: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("sectorsdf") or ():
        requirement, _, marker = line.partition(";")
        _, _, extra = marker.partition("extra == ")
        name = requirement.split("[")[0].split("<")[0].split(">")[0].split("=")[0].strip(" ~!")
        if extra and name != "sectorsdf":
            extras.setdefault(extra.strip().strip("\"'"), []).append(name)
    return extras


def _folders() -> Iterator[Finding]:
    try:
        cache = settings.find_cache_dir(None)
    except SectorsdfError as error:
        yield Finding(
            "cache", f"cannot be used: {error}", f"Correct {settings.CACHE_DIR_VARIABLE}."
        )
        return
    if cache is None:
        yield Finding("cache", "none", settings.NO_FOLDER)
    else:
        named = os.environ.get(settings.CACHE_DIR_VARIABLE)
        origin = settings.CACHE_DIR_VARIABLE if named else "the user's cache folder"
        yield _folder("cache", cache, origin)
    logins = find_login_file()
    if logins is not None:
        yield _folder("login", logins.parent, "the user's configuration folder")


def _folder(name: str, folder: Path, origin: str) -> Finding:
    """Say whether files can be written to a folder, or to the one in which it would be made."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    state = "exists" if existing == folder else "is made when it is needed"
    text = f"{folder} ({origin}; {state})"
    if not existing.is_dir():
        return Finding(name, text, f"{existing} is a file. Remove it, or choose another folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        variable = settings.CACHE_DIR_VARIABLE
        return Finding(name, text, f"{existing} cannot be written to. Set {variable}.")
    free = shutil.disk_usage(existing).free
    text = f"{text}, {free / 1e9:.1f} GB free"
    return Finding(name, text, "The disk is nearly full." if free < _LEAST_FREE else "")


def _key() -> Iterator[Finding]:
    address = settings.base_url(None)
    try:
        if os.environ.get(KEY_VARIABLE, "").strip():
            ApiKey(os.environ[KEY_VARIABLE])
            yield Finding("API key", f"found in {KEY_VARIABLE}")
        elif saved_key(address):
            yield Finding("API key", f"found in the login for {address}")
        else:
            advice = f"Set {KEY_VARIABLE} or run `sectorsdf login`; `sectorsdf demo` needs no key."
            yield Finding("API key", "not found", advice)
    except SectorsdfError as error:
        yield Finding("API key", "found, but it cannot be used", str(error))


def _network(*, connect: bool) -> Iterator[Finding]:
    address = settings.base_url(None)
    origin = settings.BASE_URL_VARIABLE if os.environ.get(settings.BASE_URL_VARIABLE) else "default"
    yield Finding("address", f"{address} ({origin})")
    yield from _proxies(address)
    yield from _certificates()
    if connect:
        yield from _connection(address)


def _proxies(address: str) -> Iterator[Finding]:
    from requests.utils import get_environ_proxies  # noqa: PLC0415 - slow to import

    found = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    yield Finding("proxy variables", ", ".join(found) or "none")
    proxy = get_environ_proxies(address, no_proxy=None).get(address.partition(":")[0])
    shown = settings.without_password(str(proxy)) if proxy else "none"
    yield Finding("proxy for the API", shown)


def _certificates() -> Iterator[Finding]:
    for name in _BUNDLES:
        bundle = os.environ.get(name)
        if bundle:
            there = Path(bundle).exists()
            advice = "" if there else f"There is no such file or folder. Correct {name}."
            yield Finding("certificates", f"{bundle} ({name})", advice)
            return
    import certifi  # noqa: PLC0415 - comes with requests

    bundle = certifi.where()
    advice = "" if Path(bundle).exists() else "Install the package certifi again."
    yield Finding("certificates", f"certifi {_version('certifi')}", advice)


def _connection(address: str) -> Iterator[Finding]:
    """Connect without the key, so that nothing can be billed, and compare the clocks."""
    import requests  # noqa: PLC0415 - slow to import

    from sectorsdf.http.network import diagnose  # noqa: PLC0415 - slow to import

    begun = time.time()
    try:
        with requests.Session() as session:
            session.auth = lambda request: request  # no key from a .netrc file either
            answer = session.get(
                f"{address}{_PATH}", timeout=_CONNECT_SECONDS, allow_redirects=False
            )
    except (OSError, ValueError) as error:
        problem = diagnose(error, address, requests.utils.get_environ_proxies(address))
        yield Finding("connection", "failed", problem.text)
        return
    seconds = time.time() - begun
    status = answer.status_code
    refused = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    text = f"the server answered {status} to a request without a key in {seconds:.2f} s"
    advice = "" if refused else f"The API answers 401 or 403: is {address} the API's address?"
    yield Finding("connection", text, advice)
    yield _clock(answer.headers.get("Date"), begun)


def _clock(date: str | None, local: float) -> Finding:
    name = "clock"
    try:
        server = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding(name, "the server sends no time to compare it with")
    off = local - server
    if abs(off) <= _MOST_SECONDS_OFF:
        return Finding(name, f"agrees with the server's within {_MOST_SECONDS_OFF:.0f} s")
    way = "ahead of" if off > 0 else "behind"
    text = f"{abs(off):.0f} s {way} the server's"
    return Finding(name, text, "Set the clock: ages of cached results and waits depend on it.")


@click.command(
    cls=Command,
    params=[
        Option(
            ["--api"],
            is_flag=True,
            help="Compare what the API answers today with what this package expects. Asks before "
            "it spends: at most one credit for each endpoint, and one for a second page of prices.",
        ),
        Option(["--yes", "-y"], is_flag=True, help="Spend the credits of --api without asking."),
        Option(
            ["--no-connect"],
            is_flag=True,
            help="Do not connect to the server. Without --api, the connection carries no key and "
            "costs nothing.",
        ),
    ],
)
def doctor_command(api: bool, yes: bool, no_connect: bool) -> None:  # noqa: FBT001
    """Check this machine, and print a report to share.

    The report has the versions, the folders, where the key was found, the proxy, the certificates,
    the connection and the clock. It has neither the key nor data, so it can be pasted into an
    issue. A line that begins with ! says what to do. The exit code is 1 if there is such a line.
    """
    if api and no_connect:
        message = "--api and --no-connect exclude each other."
        raise click.UsageError(message)
    report = Report()
    report.add("Versions", _versions())
    report.add("Folders", _folders())
    report.add("Key", _key())
    report.add("Network", _network(connect=not no_connect))
    if api:
        from sectorsdf.cli.doctor_api import check_api  # noqa: PLC0415 - imports pandas

        check_api(report, ask=not yes)
    problems = f"{report.problems} problem{'s' * (report.problems != 1)}"
    click.echo(f"{problems} found." if report.problems else "No problem found.")
    click.get_current_context().exit(1 if report.problems else 0)
