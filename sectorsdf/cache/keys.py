"""How a cached file is named: the question that it answers, and what its folder and name tell."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from sectorsdf.datasets.schema import Dataset

__all__ = [
    "LAYOUT",
    "CacheKey",
    "CachedFile",
    "Residual",
    "file_name",
    "folder_name",
    "parse_file_name",
    "quoted",
    "residual_for",
    "schema_tag",
]


LAYOUT = 1
_ALL = "all"
_MOST_OF_A_NAME = 120
_SAFE = " ()&-_.+'"
_STAMP = "%Y%m%dT%H%M%S.%f"
_FILE = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-(.+)-([0-9a-f]{8})-([0-9a-f]{16})\.parquet")


def quoted(text: str) -> str:
    """Return a text as part of a file's name on any system."""
    return quote(text, safe=_SAFE)


@dataclass(frozen=True)
class CacheKey:
    """What a call asks for, in the one form that all spellings of it share.

    Attributes
    ----------
    dataset : Dataset
        What is asked for.
    filters : mapping of str to str
        The API's parameters, without those that say nothing.
    order : str
        The sort.
    max_rows : int or None
        How many rows at most.
    """

    dataset: Dataset
    filters: Mapping[str, str]
    order: str
    max_rows: int | None = None

    @classmethod
    def of(cls, dataset: Dataset, query: Mapping[str, str], max_rows: int | None) -> CacheKey:
        """Return the question that a query asks."""
        filters = {}
        for declared in dataset.filters:
            text = query.get(declared.name)
            # A flag that is not set selects nothing.
            if text is None or declared.name == "order_by":
                continue
            if declared.kind == "flag" and text == "false":
                continue
            if declared.kind == "number":
                text = f"{float(text):g}" if float(f"{float(text):g}") == float(text) else text
            known = {value.casefold(): value for value in declared.values}
            if declared.ignores_case:
                text = known.get(text.casefold(), text.casefold())
            filters[declared.name] = text
        order = query.get("order_by") or dataset.default_order or dataset.key[0]
        return cls(dataset, filters, order, max_rows)

    @property
    def text(self) -> str:
        """The question as a person reads it."""
        return f"{self.dataset.name} ({', '.join(self.parts()) or _ALL})"

    def parts(self) -> list[str]:
        """Return what a folder's name consists of."""
        parts = [f"{name}={quoted(text)}" for name, text in self.filters.items()]
        if self.order != self.dataset.default_order:
            parts.append(f"order_by={quoted(self.order)}")
        if self.max_rows is not None:
            parts.append(f"max_rows={self.max_rows}")
        return parts


def folder_name(parts: Iterable[str]) -> str:
    """Return the name of the folder for a question, short enough for any file system."""
    name = ",".join(parts) or _ALL
    if name.endswith((" ", ".")):
        name = f"{name[:-1]}%{ord(name[-1]):02X}"
    if len(name) > _MOST_OF_A_NAME:
        name = f"{name[:_MOST_OF_A_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name


class CachedFile(NamedTuple):
    """A file of the cache, as its place and name tell."""

    dataset: str
    folder: str
    file: str
    fetched: datetime
    host: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Where the file lies."""
        return f"{self.dataset}/{self.folder}/{self.file}"

    @property
    def age(self) -> timedelta:
        """How long ago it was fetched; negative where the clock was set back since."""
        return datetime.now(UTC) - self.fetched


def file_name(fetched: datetime, host: str, tag: str, digest: str) -> str:
    """Return the name of a file: when, from where, for which schema, and its bytes' digest."""
    return f"{fetched.astimezone(UTC):{_STAMP}}"[:-3] + f"Z-{host}-{tag}-{digest}.parquet"


def parse_file_name(dataset: str, folder: str, file: str) -> CachedFile | None:
    """Return what a file's name tells; None where it is no name of ours."""
    match = _FILE.fullmatch(file)
    if match is None:
        return None
    try:
        fetched = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return CachedFile(dataset, folder, file, fetched, match[2], match[3], match[4])


def schema_tag(dataset: Dataset, folder: str) -> str:
    """Return a mark of the layout, the schema, and the folder's name, upper and lower case apart.

    Versions that declare other columns therefore keep files of their own side by side.
    """
    columns = [[column.name, str(column.arrow_type)] for column in dataset.columns]
    text = json.dumps([LAYOUT, dataset.name, columns, folder])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Residual(NamedTuple):
    """What has to be done to a file's rows to answer a question."""

    filters: Mapping[str, str]
    order: str | None


def residual_for(folder: str, question: CacheKey, own: str) -> Residual | None:
    """Return what is left to do with the rows of a folder's file, if they hold the answer."""
    if folder == own:
        return Residual({}, None)
    if "~" in folder:
        return None
    asked = {f"{name}={quoted(text)}": name for name, text in question.filters.items()}
    parts = [] if folder == _ALL else folder.split(",")
    told = dict(part.split("=", 1) for part in parts if part.startswith(("order_by=", "max_rows=")))
    order = told.get("order_by", quoted(str(question.dataset.default_order)))
    given = [part for part in parts if part.partition("=")[0] not in told]
    if not asked.keys() >= set(given):
        return None
    done = {asked[part] for part in given}
    left = {name: text for name, text in question.filters.items() if name not in done}
    same = order == quoted(question.order)
    if "max_rows" in told:
        # The first rows of a list answer for the first rows of the very same list only.
        most = int(told["max_rows"]) if told["max_rows"].isdecimal() else 0
        if left or not same or question.max_rows is None or question.max_rows > most:
            return None
    return Residual(left, None if same else question.order)
