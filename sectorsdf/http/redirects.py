"""Redirects: whether the target is the same question, asked of the same host.

Owns the comparison of the target with what was requested. Sends nothing itself.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from sectorsdf.errors import printable

__all__ = ["refusal"]


def refusal(asked: str, target: str) -> str | None:
    """Return why a redirect may not be followed, or None if it may.

    Parameters
    ----------
    asked : str
        The URL that the caller requested.
    target : str
        The absolute URL that the server names. Both are in the form in which `requests` sends
        them, because parsers disagree about the host of an unusual URL.
    """
    if _origin(target) != _origin(asked):
        host = printable(str(urlsplit(target).hostname))
        return (
            f"the server redirects to another host ({host}), which may not receive the key; the "
            "login page of a network may have answered in place of the API"
        )
    if _question(target) != _question(asked):
        return (
            f"the server redirects to another question ({printable(_relative(target))}), whose "
            "answer would not be the one to this request"
        )
    return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _question(url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what a URL asks: the last part of its path, such as a slug, and its parameters.

    The parts before may change, as in a redirect to another version of the API.
    """
    parts = urlsplit(url)
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return last, sorted(parse_qsl(parts.query, keep_blank_values=True))


def _relative(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
