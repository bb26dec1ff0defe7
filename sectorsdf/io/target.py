"""Decide whether a file or folder may be written at a path, before anything is done or paid for it.

This module owns what may be replaced. It must not import the modules of file formats.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from sectorsdf.config.settings import local_path
from sectorsdf.io.atomic import file_exists_error, follow_links

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OTHER_FORMATS", "TEXT_FORMATS", "check_path", "path_to_write", "refuse_other_format"]


TEXT_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".geojson")
"""The suffixes that may be followed by ``.gz``."""
OTHER_FORMATS = frozenset(
    {*TEXT_FORMATS, ".feather", ".arrow", ".xlsx", ".gpkg", ".duckdb", ".sqlite", ".db"}
)
"""The suffixes of the formats other than Parquet that `sectorsdf.export` writes."""


def path_to_write(path: str | os.PathLike[str]) -> Path:
    """Return the path that an argument means; it must be one of this machine."""
    return local_path(path, "path")


def refuse_other_format(target: Path) -> None:
    """Raise ValueError if the name of a Parquet file promises another format."""
    suffixes = [suffix.lower() for suffix in target.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in OTHER_FORMATS:
        message = (
            f"{target.name!r} names a file of another format, and write_parquet writes Parquet: "
            f"give a path that ends in .parquet, or call sectorsdf.export(frame, {str(target)!r})"
        )
        raise ValueError(message)


def check_path(target: Path, *, overwrite: bool, partitioned: bool = False) -> Path:
    """Return the path that is going to be written, behind any link.

    Parameters
    ----------
    target : Path
        The path that the user named.
    overwrite : bool
        Whether an existing file or folder is going to be replaced.
    partitioned : bool
        Whether the target is a folder of partitions.

    Raises
    ------
    OSError
        If the folder around the target does not exist or may not be written, or if an existing
        file or folder must not be replaced.
    """
    if os.path.lexists(target) and not overwrite:
        raise file_exists_error(target)
    final = follow_links(target)
    folder = final.parent
    if not folder.is_dir():
        message = "there is no such folder to write into: create it first"
        raise FileNotFoundError(errno.ENOENT, message, str(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        message = "you may not write into this folder: choose another one"
        raise PermissionError(errno.EACCES, message, str(folder))
    if final.exists():
        _check_old(final, partitioned=partitioned)
    return final


def _check_old(old: Path, *, partitioned: bool) -> None:
    if old.is_dir() is not partitioned:
        existing, new = ("file", "folder") if partitioned else ("folder", "file")
        message = f"there is a {existing} with this name, which a {new} does not replace"
        raise FileExistsError(errno.EEXIST, message, str(old))
    if not old.is_dir() and not old.is_file():
        message = "this is a device or a pipe, which a file does not replace"
        raise FileExistsError(errno.EEXIST, message, str(old))
    for path in (old, *old.rglob("*")) if partitioned else (old,):
        if path.is_symlink() or (not path.is_dir() and partitioned and path.suffix != ".parquet"):
            message = "a folder with a file that no export wrote is not replaced"
            raise FileExistsError(errno.EEXIST, message, str(path))
        if not os.access(path, os.W_OK):
            message = "this is read-only, so it is not replaced: make it writable, or remove it"
            raise PermissionError(errno.EACCES, message, str(path))
