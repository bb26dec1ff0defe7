"""Roots of snapshots: a folder of this machine, or a folder behind fsspec such as one of S3.

A snapshot is one file, which appears whole or not at all. Nothing else is stored in a root: the
files are the only record, so two writers cannot leave it inconsistent. This module knows bytes and
places, and not what a file contains.
"""

from __future__ import annotations

import errno
import inspect
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow.fs

from sectorsdf.config.settings import location, without_password
from sectorsdf.io.atomic import (
    flush_to_disk,
    keep_permissions,
    link_to_new_name,
    staging_folder,
)
from sectorsdf.io.remote import as_os_error, open_url
from sectorsdf.snapshots.layout import Place, parse_place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Found", "Store", "open_store"]

# The end of a Parquet file, which says what is in it, is usually shorter than that.
_FOOTER_BYTES = 1 << 16


class Found(NamedTuple):
    """A snapshot in a root.

    Attributes
    ----------
    place : Place
        Its dataset and day.
    path : str
        Its file, as a path or URL.
    size : int
        The file's length in bytes.
    """

    place: Place
    path: str
    size: int


class Store(Protocol):
    """What snapshots need of a root."""

    @property
    def name(self) -> str:
        """The folder or URL."""

    def path(self, place: Place) -> str:
        """Return the path or URL of a snapshot, without a password, as users see it."""

    def source(self, place: Place) -> Path | str:
        """Return the path or URL of a snapshot, for reading."""

    def for_arrow(self, places: Sequence[Place]) -> tuple[pyarrow.fs.FileSystem, list[str]]:
        """Return the file system of Arrow, and the paths of snapshots in it."""

    def find(self, dataset: str | None = None) -> list[Found]:
        """Return the snapshots, of one dataset or of all, by dataset and day."""

    def read(self, place: Place) -> bytes:
        """Return a file's content; FileNotFoundError if there is none."""

    def footer(self, found: Found) -> bytes:
        """Return at least the last bytes of a file, or all of it."""

    def write(self, place: Place, content: bytes, *, overwrite: bool) -> None:
        """Write a file; FileExistsError if there is one and `overwrite` is False."""


class _LocalStore:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def name(self) -> str:
        return str(self._root)

    def path(self, place: Place) -> str:
        return str(self._root / place.file)

    def source(self, place: Place) -> Path:
        return self._root / place.file

    def for_arrow(self, places: Sequence[Place]) -> tuple[pyarrow.fs.FileSystem, list[str]]:
        return pyarrow.fs.LocalFileSystem(), [str(self.source(place)) for place in places]

    def find(self, dataset: str | None = None) -> list[Found]:
        folder = "dataset=*" if dataset is None else f"dataset={dataset}"
        found = []
        for path in self._root.glob(f"{folder}/snapshot_date=*/*"):
            place = parse_place(path.relative_to(self._root).as_posix())
            # A writer may replace a file at any time, and a user may remove one.
            with suppress(FileNotFoundError):
                if place is not None:
                    found.append(Found(place, str(path), path.stat().st_size))
        return sorted(found)

    def read(self, place: Place) -> bytes:
        return (self._root / place.file).read_bytes()

    def footer(self, found: Found) -> bytes:
        with Path(found.path).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _FOOTER_BYTES))
            return file.read()

    def write(self, place: Place, content: bytes, *, overwrite: bool) -> None:
        target = self._root / place.file
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(self._beside_root()) as folder:
            staged = folder / "part"
            staged.write_bytes(content)
            flush_to_disk(staged)
            if overwrite:
                keep_permissions(staged, target)
                staged.replace(target)
            else:
                link_to_new_name(staged, target)

    def _beside_root(self) -> Path:
        """Return the path beside which files wait until they are whole.

        They wait outside the root, because some readers take every file of a folder, also a hidden
        one. A root that is the top of its file system, or whose parent may not be written, has no
        such place.
        """
        root = self._root.resolve()
        parent = root.parent
        same_disk = parent != root and parent.stat().st_dev == root.stat().st_dev
        if same_disk and os.access(parent, os.W_OK | os.X_OK):
            return root
        return root / "waiting"


class _FsspecStore:
    """A folder behind fsspec."""

    def __init__(self, url: str) -> None:
        self._fs, root = open_url(url, "root")
        self._root = str(root).rstrip("/")
        self._url = url.rstrip("/")

    @property
    def name(self) -> str:
        return without_password(self._url)

    def path(self, place: Place) -> str:
        return f"{self.name}/{place.file}"

    def source(self, place: Place) -> str:
        return f"{self._url}/{place.file}"

    def for_arrow(self, places: Sequence[Place]) -> tuple[pyarrow.fs.FileSystem, list[str]]:
        filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(self._fs))
        return filesystem, [self._path(place) for place in places]

    def find(self, dataset: str | None = None) -> list[Found]:
        top = self._root if dataset is None else f"{self._root}/dataset={dataset}"
        # Another client may have written since the last listing.
        self._fs.invalidate_cache()
        try:
            with as_os_error():
                entries: dict[str, dict[str, Any]] = self._fs.find(top, detail=True)
        except FileNotFoundError:
            return []
        found = []
        for path, entry in entries.items():
            name = path.removeprefix(self._root).strip("/")
            place = parse_place(name)
            if place is not None:
                found.append(Found(place, self.path(place), int(entry["size"])))
        return sorted(found)

    def read(self, place: Place) -> bytes:
        # One request, so that a file that is replaced meanwhile is the old one or the new one.
        with as_os_error():
            return bytes(self._fs.cat_file(self._path(place)))

    def footer(self, found: Found) -> bytes:
        start = max(0, found.size - _FOOTER_BYTES)
        with as_os_error():
            return bytes(self._fs.cat_file(self._path(found.place), start=start, end=found.size))

    def write(self, place: Place, content: bytes, *, overwrite: bool) -> None:
        path = self._path(place)
        with as_os_error():
            if not overwrite and self._fs.exists(path):
                raise _exists_error(self.name, place)
            try:
                self._put(path, content, place, overwrite=overwrite)
            except FileNotFoundError:
                # The file system has real folders and this one does not exist yet. A missing
                # bucket is not created.
                if not self._fs.exists(self._root.partition("/")[0] or "/"):
                    raise
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._put(path, content, place, overwrite=overwrite)

    def _put(self, path: str, content: bytes, place: Place, *, overwrite: bool) -> None:
        """Write an object in one request, which is the moment at which readers see it."""
        if overwrite or not self._can_refuse():
            self._fs.pipe_file(path, content)
            return
        try:
            self._fs.pipe_file(path, content, mode="create")
        except FileExistsError:
            raise _exists_error(self.name, place) from None

    def _can_refuse(self) -> bool:
        """Return whether the store itself can refuse to replace an object of another writer."""
        writes = getattr(self._fs, "_pipe_file", self._fs.pipe_file)
        return "mode" in inspect.signature(writes).parameters

    def _path(self, place: Place) -> str:
        return f"{self._root}/{place.file}"


def _exists_error(url: str, place: Place) -> FileExistsError:
    message = "there is a snapshot of this day; overwrite=True replaces it"
    return FileExistsError(errno.EEXIST, message, f"{url}/{place.file}")


def open_store(root: str | os.PathLike[str]) -> Store:
    """Return the store of a root.

    Raises
    ------
    ConfigurationError
        If it is neither a path nor a URL, or the library for the URL is not installed.
    """
    place = location(root, "root")
    return _FsspecStore(place) if isinstance(place, str) else _LocalStore(place)
