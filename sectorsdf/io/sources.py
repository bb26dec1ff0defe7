"""Find the Parquet files that a path, folder, pattern or URL means.

This module owns what counts as a file of a folder. It does not read what the files contain.
"""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

import pyarrow.fs

from sectorsdf.config.settings import location, without_password
from sectorsdf.errors import listed
from sectorsdf.io.hive import parse_keys
from sectorsdf.io.remote import as_os_error, open_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ParquetPath", "Source", "find_files"]

PathOrURL: TypeAlias = "str | os.PathLike[str]"
ParquetPath: TypeAlias = "PathOrURL | Sequence[PathOrURL]"

_SUFFIXES = (".parquet", ".parq", ".pq")
_MAGIC = frozenset("*?[")
_LOCAL = pyarrow.fs.LocalFileSystem()


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes
    ----------
    filesystem : pyarrow.fs.FileSystem
        Where the file is.
    path : str
        Its path there.
    name : str
        What error messages call it.
    keys : mapping of str to str or None
        The partition columns in the names of the folders between it and what the caller named.
    """

    filesystem: pyarrow.fs.FileSystem
    path: str
    name: str
    keys: Mapping[str, str | None]


def find_files(path: ParquetPath) -> list[Source]:
    """Return the files that a path, a URL or a list of them means, each list in its own order.

    Raises
    ------
    FileNotFoundError
        There is no such file or folder, or no Parquet file in the folder or of the pattern.
    ConfigurationError
        It is neither a path nor a URL, or the URL cannot be used.
    MissingExtraError
        The extra ``remote``, or the library for that kind of URL, is not installed.
    OSError
        The folder or the remote storage cannot be read.
    ValueError
        The list is empty.
    """
    if isinstance(path, str) or not isinstance(path, Iterable):
        # For anything that is no path, the error says what a path is.
        return _found(path)
    paths = list(path)
    if not paths:
        message = "the list of paths is empty: name at least one file or folder"
        raise ValueError(message)
    return [source for each in paths for source in _found(each)]


def _found(value: PathOrURL) -> list[Source]:
    place = location(value, "path")
    return _remote_files(place) if isinstance(place, str) else _local_files(place)


# Files of this machine


def _local_files(path: Path) -> list[Source]:
    text = str(path)
    if path.is_dir():
        found = [each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()]
        base = path
    elif not os.path.lexists(path) and _MAGIC & {*text}:
        base = _fixed_part(path)
        matches = map(Path, glob.glob(text, recursive=True))  # noqa: PTH207 - of any absolute path
        files = (each for match in matches for each in _files_of(match))
        found = [each.relative_to(base).as_posix() for each in files]
    else:
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)
        return [Source(_LOCAL, text, text, {})]
    names = _parquet_names(found, text)
    return [Source(_LOCAL, str(base / name), str(base / name), _keys_of(name)) for name in names]


def _files_of(path: Path) -> Iterable[Path]:
    return (each for each in path.rglob("*") if each.is_file()) if path.is_dir() else (path,)


def _fixed_part(pattern: Path) -> Path:
    """Return the folder of a pattern before its first part with a wildcard."""
    parts = pattern.parts
    first = next(i for i, part in enumerate(parts) if _MAGIC & {*part})
    return Path(*parts[:first])


def _parquet_names(names: Iterable[str], shown: str) -> list[str]:
    """Return the relative names of Parquet files, sorted; hidden ones are not data.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    visible = {name for name in names if not any(p[0] in "._" for p in name.split("/"))}
    found = sorted(name for name in visible if name.lower().endswith(_SUFFIXES))
    if not found:
        others = listed(sorted(visible), show=str)
        message = "there is no Parquet file here" + (f", but {others}" if others else "")
        raise FileNotFoundError(errno.ENOENT, message, shown)
    return found


def _keys_of(name: str) -> dict[str, str | None]:
    return parse_keys(PurePosixPath(name).parts[:-1])


# Files of other places


def _remote_files(url: str) -> list[Source]:
    fs, path = open_url(url)
    shown = without_password(url)
    filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    path = path.rstrip("/")
    with as_os_error():
        # Another client may have written since the last listing.
        fs.invalidate_cache()
        if fs.isdir(path):
            base, found = path, fs.find(path)
        elif _MAGIC & {*path} and not fs.exists(path):
            base = str(_fixed_part(Path(path)))
            matches = [each for each in fs.glob(path) if not fs.isdir(each)]
            inside = [file for each in fs.glob(path) if fs.isdir(each) for file in fs.find(each)]
            found = [*matches, *inside]
        elif fs.exists(path):
            return [Source(filesystem, path, shown, {})]
        else:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), shown)
    relative = (str(each).removeprefix(base).lstrip("/") for each in found)
    place = shown.removesuffix("/")
    if base != path:
        place = place[: len(place) - len(path) + len(base)]
    return [
        Source(filesystem, f"{base}/{name}", f"{place}/{name}", _keys_of(name))
        for name in _parquet_names(relative, shown)
    ]
