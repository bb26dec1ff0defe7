"""Storage of cached files: a folder of this machine, or a remote folder through fsspec.

A backend knows names and bytes, and nothing of what they mean. A file appears whole or not at all.
This module must not import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from sectorsdf.cache.locks import ProcessLock
from sectorsdf.config.options import cache_location
from sectorsdf.config.settings import NO_FOLDER, without_password
from sectorsdf.errors import ConfigurationError
from sectorsdf.io.atomic import atomic_file
from sectorsdf.io.remote import as_os_error, open_url

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

__all__ = ["Backend", "FsspecBackend", "LocalBackend", "ProcessLock", "open_backend"]


_DAMAGED = ".damaged"
# As `atomic_file` names them.
_PART = re.compile(r"\.(.+)-[0-9a-f]{12}\.part")
# Of these protocols, fsspec can only read, or writes what cannot be found again.
_READ_ONLY = frozenset({"http", "https", "data", "github", "zip", "tar", "git"})


class Backend(Protocol):
    """What the cache needs of a file system; names are relative, with ``/`` between parts."""

    @property
    def name(self) -> str:
        """The folder or URL."""

    def entries(self, folder: str, accepts: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Yield each accepted folder below a folder with the name of each file in it."""

    def files(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""

    def files_in(self, folder: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield each folder of these names below a folder with the name of each file in it."""

    def folders(self) -> list[str]:
        """Return the names of the folders at the top."""

    def read(self, name: str) -> bytes:
        """Return a file's content; FileNotFoundError if there is no such file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, so that readers see all of it or nothing."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def quarantine(self, name: str) -> str:
        """Rename a damaged file so that it is never read again; return its new path."""

    def remove_partial_files(self, is_own: Callable[[str, str, str], bool]) -> None:
        """Remove files that a killed process left half written.

        Parameters
        ----------
        is_own : callable
            Returns whether the cache writes a file of this name into this folder, given the
            folder at the top, the folder in it, and the name.
        """

    def lock(self, name: str) -> ProcessLock:
        """Return a lock of that name, not yet acquired."""


def _listing(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _lock_name(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24] + ".lock"


class LocalBackend:
    """A folder of this machine.

    Parameters
    ----------
    root : Path
        The folder; it is made when the first file is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._root)

    def _path(self, name: str) -> Path:
        return self._root.joinpath(*name.split("/"))

    def folders(self) -> list[str]:
        """Return the names of the folders at the top."""
        return [name for name in _listing(self._root) if not name.startswith(".")]

    def entries(self, folder: str, accepts: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Yield each accepted folder below a folder with the name of each file in it."""
        for part in filter(accepts, _listing(self._path(folder))):
            for file in self.files(f"{folder}/{part}"):
                yield part, file

    def files(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        return _listing(self._path(folder))

    def files_in(self, folder: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield each folder of these names with the name of each file in it."""
        for name in names:
            for file in self.files(f"{folder}/{name}"):
                yield name, file

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return self._path(name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Write a temporary file and rename it."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)

    def remove(self, name: str) -> None:
        """Remove a file, and its folder if it is empty."""
        path = self._path(name)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def quarantine(self, name: str) -> str:
        """Rename a damaged file."""
        path = self._path(name)
        damaged = path.with_name(path.name + _DAMAGED)
        path.replace(damaged)
        return str(damaged)

    def remove_partial_files(self, is_own: Callable[[str, str, str], bool]) -> None:
        """Remove files that a killed process left half written."""
        for part in self._root.glob("*/*/.*.part"):
            name = _PART.fullmatch(part.name)
            top, folder = part.parent.parent.name, part.parent.name
            if name is not None and is_own(top, folder, name[1]) and not part.is_symlink():
                with suppress(OSError):
                    part.unlink()
                    part.parent.rmdir()

    def lock(self, name: str) -> ProcessLock:
        """Return a lock whose file is beside the cached files."""
        return ProcessLock(self._root / ".locks" / _lock_name(name))


class FsspecBackend:
    """A folder behind fsspec.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix`` or ``memory://name``.
    locks : Path or None
        The folder of the locks between the processes of this machine; None for no locks.

    Raises
    ------
    ConfigurationError
        If fsspec, or the library for that kind of URL, is not installed.
    """

    def __init__(self, url: str, locks: Path | None) -> None:
        if url.partition("://")[0].rpartition("::")[2] in _READ_ONLY:
            message = f"cache={without_password(url)!r}: nothing can be stored under such a URL."
            raise ConfigurationError(message)
        self._fs, root = open_url(url, "cache")
        self._root = root.rstrip("/")
        self._locks = locks
        self._url = without_password(url)

    @property
    def name(self) -> str:
        """The URL, without a user and password in it."""
        return self._url

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _names(self, folder: str) -> list[list[str]]:
        # Another client may have written since the last listing.
        self._fs.invalidate_cache()
        top = self._path(folder).rstrip("/")
        try:
            with as_os_error():
                found: list[Any] = self._fs.find(top)
        except FileNotFoundError:
            found = []
        return sorted(str(path).removeprefix(top).strip("/").split("/") for path in found)

    def folders(self) -> list[str]:
        """Return the names of the folders at the top."""
        return list(dict.fromkeys(parts[0] for parts in self._names("") if len(parts) > 1))

    def entries(self, folder: str, accepts: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Yield each accepted folder below a folder with the name of each file in it."""
        for parts in self._names(folder):
            if len(parts) == 2 and accepts(parts[0]):
                yield parts[0], parts[1]

    def files(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        return [parts[0] for parts in self._names(folder) if len(parts) == 1]

    def files_in(self, folder: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield each folder of these names with the name of each file in it."""
        # One listing of all costs less than one of each.
        return self.entries(folder, names.__contains__)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with as_os_error():
            return bytes(self._fs.cat_file(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Write a file in one request."""
        path = self._path(name)
        with as_os_error():
            try:
                self._fs.pipe_file(path, content)
            except FileNotFoundError:
                # The file system has real folders and this one does not exist yet. A missing
                # bucket is not created.
                if not self._fs.exists(self._root.partition("/")[0] or "/"):
                    raise
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(path, content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError), as_os_error():
            self._fs.rm_file(self._path(name))

    def quarantine(self, name: str) -> str:
        """Rename a damaged file."""
        damaged = self._path(name) + _DAMAGED
        with as_os_error():
            self._fs.mv(self._path(name), damaged)
        return damaged

    def remove_partial_files(self, is_own: Callable[[str, str, str], bool]) -> None:
        """Do nothing: a remote file is written whole or not at all."""

    def lock(self, name: str) -> ProcessLock:
        """Return a lock that the processes of this machine share."""
        name = _lock_name(self._root, name)
        return ProcessLock(None if self._locks is None else self._locks / name)


def open_backend(
    cache: bool | str | os.PathLike[str],  # noqa: FBT001
    folder: Path | None,
) -> Backend | None:
    """Return the backend of a `cache` option, or None for no cache.

    Parameters
    ----------
    cache : bool, str or path-like
        As the getters take it.
    folder : Path or None
        The folder of this user, or client, for ``True`` and for locks; None if there is none.

    Raises
    ------
    ConfigurationError
        If the value is none of these, or there is no folder for ``True``.
    """
    place = cache_location(cache)
    if place is False:
        return None
    if place is True:
        if folder is None:
            message = f"cache=True: {NO_FOLDER}"
            raise ConfigurationError(message)
        return LocalBackend(folder / "datasets")
    if isinstance(place, str):
        return FsspecBackend(place, None if folder is None else folder / "locks")
    return LocalBackend(place)
