"""Files of other places: a URL as an fsspec file system, and one kind of error for all of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sectorsdf.config.settings import without_password
from sectorsdf.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_os_error", "open_url"]


def open_url(url: str, option: str = "path") -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path there.

    Raises
    ------
    ConfigurationError
        If fsspec does not know such URLs.
    MissingExtraError
        If fsspec, or the library for that kind of URL, is not installed.
    """
    shown = f"{option}={without_password(url)!r}"
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra

        filesystem, path = url_to_fs(url)
    except ImportError as error:
        message = (
            f"{shown} needs fsspec and the library for that kind of URL: "
            f'pip install "sectorsdf[remote]" ({error}).'
        )
        raise MissingExtraError(message) from error
    except ValueError as error:
        message = f"{shown} is not a URL that fsspec knows: {error}."
        raise ConfigurationError(message) from None
    except Exception as error:  # noqa: BLE001 - each library has its own; it may show a password
        message = f"{shown} cannot be used ({type(error).__name__})."
        raise ConfigurationError(message) from None
    return filesystem, str(path)


@contextmanager
def as_os_error() -> Iterator[None]:
    """Turn every error of a remote file system's library into an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise OSError(message) from error
