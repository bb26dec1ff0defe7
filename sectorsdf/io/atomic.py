"""Write files and folders that appear whole or not at all, and replace old ones with care.

This module owns temporary names, flushing to disk and renaming, what a symbolic link means, what a
new file takes over from the one that it replaces, and the removal of what a killed process left. It
knows no file format and must not import any other module of the package.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "atomic_file",
    "file_exists_error",
    "flush_to_disk",
    "follow_links",
    "hold",
    "keep_permissions",
    "link_to_new_name",
    "remove_leftovers",
    "remove_tree",
    "staged_file",
    "staging_folder",
    "temporary_path",
]

# Most file systems take 255 bytes for a name.
_MAX_STEM_BYTES = 200
# Where no lock shows whether a process still writes, a file that rests for so long is abandoned.
_ABANDONED_SECONDS = 3600.0
_ACCESS_LISTS = ("system.posix_acl_access", "system.posix_acl_default")


def temporary_path(target: Path, suffix: str = "part") -> Path:
    """Return a new hidden name beside a file or folder."""
    return target.with_name(f".{_stem(target)}-{secrets.token_hex(6)}.{suffix}")


def _stem(target: Path) -> str:
    name = target.name
    if len(os.fsencode(name)) <= _MAX_STEM_BYTES:
        return name
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:24]


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` when the block ends without an error.

    Readers see the old file or the whole new one, never a part. For files of the package's own: it
    replaces a link, and does not look for what a killed process left.
    """
    # `tempfile` would make the file readable by its owner only, even if the umask allows more.
    temporary = temporary_path(path)
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def staged_file(
    target: Path,
    suffix: str,
    *,
    overwrite: bool,
    prepare: Callable[[Path], None] | None = None,
) -> Iterator[Path]:
    """Yield a path to write to; the file becomes `target` when the block ends without an error.

    A file that is replaced hands on its permissions, owner and group. If `target` is a link, the
    file that it points to is replaced, and the link stays.

    Parameters
    ----------
    target : Path
        The final name.
    suffix : str
        The suffix of the path to write to, for libraries that choose a format by it.
    overwrite : bool
        Replace a file that another process writes to `target` in the meantime.
    prepare : callable, optional
        Called with the final path right before the file is put there; an error prevents that.

    Raises
    ------
    FileExistsError
        Without `overwrite`, if there is a file at `target` at the end.
    """
    final = follow_links(target)
    # Some libraries write helper files beside their own; the folder removes those as well.
    with staging_folder(final) as folder:
        usual_mode = _usual_mode(folder)
        staged = folder / f"data{suffix}"
        yield staged
        flush_to_disk(staged)
        if prepare is not None:
            # Some libraries put their files beside a link, and others beside what it points to.
            for path in dict.fromkeys((final, target)):
                prepare(path)
        # Libraries choose modes of their own.
        staged.chmod(usual_mode)
        keep_permissions(staged, final)
        if overwrite:
            staged.replace(final)
        else:
            link_to_new_name(staged, final)


def _usual_mode(folder: Path) -> int:
    """Return the mode of a new file in a folder, which the umask and the folder decide."""
    probe = folder / "mode"
    probe.touch()
    mode = stat.S_IMODE(probe.stat().st_mode)
    probe.unlink()
    return mode


def link_to_new_name(staged: Path, target: Path) -> None:
    """Give a file its final name, or raise FileExistsError if another process was faster."""
    try:
        # Unlike a rename, a hard link never replaces a file.
        target.hardlink_to(staged)
    except FileExistsError:
        raise file_exists_error(target) from None
    except OSError:
        # Not every file system has hard links.
        if os.path.lexists(target):
            raise file_exists_error(target) from None
        staged.replace(target)


def file_exists_error(target: Path) -> FileExistsError:
    """Return the error for a target that exists and must not be replaced."""
    message = "there is a file or folder with this name; overwrite=True replaces it"
    return FileExistsError(errno.EEXIST, message, str(target))


def flush_to_disk(path: Path) -> None:
    """Make the operating system write a file's content to the disk."""
    # Some systems refuse to flush a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def follow_links(path: Path) -> Path:
    """Return the path itself, or the file or folder that a link points to in the end.

    Raises
    ------
    OSError
        If links point to each other in a circle.
    """
    if not path.is_symlink():
        return path
    final = Path(os.path.realpath(path))
    if final.is_symlink():
        message = "this link leads back to itself"
        raise OSError(errno.ELOOP, message, str(path))
    return final


# What a new file takes over from the old one


def keep_permissions(new: Path, old: Path, *, mode: int | None = None) -> None:
    """Give a new file or folder the owner, group, access list and mode of the one that it replaces.

    Where the group cannot be kept, its members get the rights that everybody has: the group of the
    new file is another one.

    Parameters
    ----------
    new, old : Path
        The two files or folders. Nothing happens if there is no old one.
    mode : int, optional
        The mode to give instead of the old one's.
    """
    try:
        before = old.stat()
    except FileNotFoundError:
        return
    kept = stat.S_IMODE(before.st_mode) if mode is None else mode
    if sys.platform != "win32":
        for owner in (before.st_uid, -1):
            with suppress(OSError):
                os.chown(new, owner, before.st_gid)
                break
    same_group = new.stat().st_gid == before.st_gid
    if not same_group:
        kept = kept & ~0o070 | (kept & (kept & 0o007) << 3)
    if sys.platform == "linux":
        for name in _ACCESS_LISTS:
            # A new file may have a list of its folder, which the old one did not have.
            with suppress(OSError):
                os.removexattr(new, name)
            with suppress(OSError):
                if same_group and mode is None:
                    os.setxattr(new, name, os.getxattr(old, name))
    new.chmod(kept)


# Temporary folders, and what a killed process left of them


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `target` that only this user can open; remove it at the end.

    What killed processes have left of earlier exports to the same target is removed as well.
    """
    remove_leftovers(target)
    while True:
        folder = temporary_path(target)
        folder.mkdir(mode=0o700)
        # Another process may take the folder for abandoned until it is locked.
        with suppress(BlockingIOError):
            lock = _lock(folder)
            if folder.exists():
                break
            _unlock(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unlock(lock)
    remove_leftovers(target)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Show other processes until the block ends that a file or folder is in use."""
    lock = None
    with suppress(BlockingIOError):
        lock = _lock(path)
    try:
        yield
    finally:
        _unlock(lock)


def _lock(path: Path) -> int | None:
    """Return a descriptor that locks a file or folder while it is open, or None without locks.

    Raises
    ------
    BlockingIOError
        If another descriptor locks it.
    """
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files and folders that killed processes left beside a target.

    The old content of a folder stays until there is a new one.
    """
    name = re.escape(_stem(target))
    # Tokens of eight characters are those of `tempfile`.
    ours = re.compile(rf"\.{name}-(?:[0-9a-f]{{12}}|[0-9a-z_]{{8}})\.(part|old)")
    with suppress(OSError):
        for entry in list(os.scandir(target.parent)):
            found = ours.fullmatch(entry.name)
            if found and not entry.is_symlink() and (found[1] == "part" or target.exists()):
                _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(path: Path) -> None:
    try:
        lock = _lock(path)
    except BlockingIOError:
        return
    try:
        if lock is not None or _has_rested(path):
            remove_tree(path)
    finally:
        _unlock(lock)


def _has_rested(path: Path) -> bool:
    """Return whether nothing in a file or folder has changed for long."""
    newest = 0.0
    with suppress(OSError):
        newest = max(each.stat().st_mtime for each in (path, *path.glob("*")))
    return 0.0 < newest < time.time() - _ABANDONED_SECONDS


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with everything in it, as far as this user may."""
    if not path.is_dir():
        with suppress(OSError):
            path.unlink()
        return
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
