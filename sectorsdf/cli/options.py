"""The options of the commands that fetch: filters from the declarations, and shared options.

Must not import pandas or pyarrow, also not through other modules: help and completion need neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from sectorsdf.cli.base import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = [
    "FORMATS",
    "cache_location_option",
    "cache_options",
    "fetch_options",
    "filter_options",
    "flag_option",
    "format_option",
    "option_name",
    "output_options",
    "row_options",
    "validation_options",
    "value_option",
]

FORMATS = ("table", "csv", "jsonl", "json")
# Shorter names for a filter's option, beside its own.
_SHORT_NAMES = {"commodity_type": "--commodity"}
_METAVARS = {
    "choice": "NAME",
    "slug": "SLUG",
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "NUMBER",
    "text_or_flag": "TEXT|true|false",
}


class Vocabulary(click.ParamType):  # type: ignore[type-arg]
    """A text whose known values the shell completes and the library checks."""

    name = "text"

    def __init__(self, values: Sequence[str] = ()) -> None:
        self.values = tuple(values)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the values that begin with a text in any case, spelt as the API spells them."""
        prefix = incomplete.casefold()
        return [
            CompletionItem(value) for value in self.values if value.casefold().startswith(prefix)
        ]


class _TextOrFlag(click.ParamType):  # type: ignore[type-arg]
    """A text, or true or false in any case."""

    name = "text"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Any:  # noqa: ANN401
        folded = value.lower() if isinstance(value, str) else value
        return folded == "true" if folded in ("true", "false") else value


def option_name(keyword: str) -> str:
    """Return the option for a keyword of a getter: ``--max-rows`` for ``max_rows``."""
    return f"--{keyword.replace('_', '-')}"


def flag_option(section: str, name: str, text: str) -> Option:
    """Return an option without a value."""
    return Option([name], is_flag=True, help=text, section=section)


def value_option(section: str, name: str, metavar: str, text: str, **more: Any) -> Option:  # noqa: ANN401
    """Return an option with a value; `more` is passed on to click."""
    return Option([name], metavar=metavar, help=text, section=section, **more)


def filter_options(dataset: Dataset) -> list[click.Parameter]:
    """Return an option for each filter that a dataset declares."""
    return [
        _sort_option(dataset, declared)
        if declared.name == "order_by"
        else _filter_option(dataset, declared)
        for declared in dataset.filters
    ]


def _filter_option(dataset: Dataset, declared: Filter) -> Option:
    name = option_name(declared.name)
    meaning = _meaning(dataset, declared)
    if declared.kind == "flag":
        return Option([f"{name}/--no-{name[2:]}"], default=None, help=meaning, section="Filters")
    types: dict[str, Any] = {
        "choice": Vocabulary(declared.values),
        "integer": click.INT,
        "number": click.FLOAT,
        "text_or_flag": _TextOrFlag(),
    }
    if declared.values:
        case = "case does not count" if declared.ignores_case else "upper and lower case count"
        meaning += f" One of ({case}): {' | '.join(declared.values)}."
    elif declared.minimum is not None:
        top = "" if declared.maximum is None else f" to {declared.maximum:g}"
        meaning += f" From {declared.minimum:g}{top}."
    names = [name, _SHORT_NAMES[declared.name]] if declared.name in _SHORT_NAMES else [name]
    return Option(
        [*names, declared.name],
        type=types.get(declared.kind, Vocabulary()),
        metavar=_METAVARS[declared.kind],
        help=meaning,
        section="Filters",
    )


def _sort_option(dataset: Dataset, declared: Filter) -> Option:
    columns = sorted({value.removeprefix("-") for value in declared.values})
    default = f" By default {dataset.default_order}." if dataset.default_order else ""
    return value_option(
        "Rows",
        "--order-by",
        "[-]COLUMN",
        f"Sort by one of {' | '.join(columns)}; with - before it for descending.{default}",
        type=Vocabulary(declared.values),
    )


def _meaning(dataset: Dataset, declared: Filter) -> str:
    """Return what a filter selects; in backticks a declaration names other filters and columns."""

    def plain(found: re.Match[str]) -> str:
        return option_name(found[1]) if dataset.filter(found[1]) else found[1]

    return f"{re.sub('`([^`]*)`', plain, declared.meaning)}."


def validation_options(dataset: Dataset) -> list[click.Parameter]:
    """Return the option that sends values unchecked, for a dataset that has filters."""
    text = "Also send values that the known vocabulary does not contain."
    return [flag_option("Rows", "--no-validate", text)] if dataset.filters else []


def row_options() -> list[click.Parameter]:
    """Return the options about which rows of a list to fetch, and what proof to ask for."""
    return [
        value_option("Rows", "--max-rows", "N", "Stop after this number of rows.", type=click.INT),
        flag_option(
            "Rows",
            "--allow-partial",
            "Return the rows that arrived, with a warning, if they cannot be shown to be complete.",
        ),
    ]


def fetch_options() -> list[click.Parameter]:
    """Return the options about what a command may spend and how fast it fetches."""
    return [
        value_option(
            "Fetching",
            "--max-credits",
            "N",
            "Refuse to spend more credits than this.",
            type=click.INT,
        ),
        flag_option(
            "Fetching", "--strict", "Fail if data does not fit its declaration, instead of warning."
        ),
        value_option(
            "Fetching",
            "--workers",
            "N",
            "Number of concurrent requests.",
            type=click.INT,
            default=8,
            show_default=True,
        ),
        value_option(
            "Fetching",
            "--rate-limit",
            "N/TIME",
            "The plan's rate limit, such as 30/min; without it, the limit is learnt.",
        ),
    ]


def cache_location_option() -> Option:
    """Return the option that says where the cache is."""
    return value_option(
        "Cache",
        "--cache",
        "PATH|URL",
        "Folder or URL (s3://...) of the cache; by default SECTORSDF_CACHE or the user's cache "
        "folder.",
    )


def cache_options() -> list[click.Parameter]:
    """Return the options about whether and how the cache is used."""
    return [
        cache_location_option(),
        flag_option("Cache", "--no-cache", "Neither read the cache nor write to it."),
        value_option(
            "Cache",
            "--max-age",
            "TIME",
            "Maximum age of a cached answer, such as 36h or 30d; by default 7 days.",
        ),
        flag_option(
            "Cache", "--refresh", "Ask the API even if the answer is cached, and cache the new one."
        ),
        flag_option(
            "Cache",
            "--offline",
            "Never ask the API: use what is cached, of any age, or exit with code 4.",
        ),
    ]


def format_option() -> Option:
    """Return the option for the format that a command without `-o` prints."""
    return Option(
        ["--format"],
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="What to print.",
        section="Output",
    )


def output_options() -> list[click.Parameter]:
    """Return the options about where the rows go."""
    return [
        Option(
            ["--output", "-o"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write to a file, in the format of its suffix: .parquet, .csv, .xlsx, .json, "
            ".jsonl, .geojson, .gpkg, .duckdb, .sqlite, .feather.",
            section="Output",
        ),
        flag_option("Output", "--overwrite", "Replace the file if it exists."),
        Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help="What to print without -o: by default a table on a terminal, and CSV otherwise.",
            section="Output",
        ),
        Option(
            ["--columns", "-c"],
            metavar="NAME,NAME",
            help="Only these columns, in this order.",
            section="Output",
        ),
        Option(
            ["--quiet", "-q"],
            is_flag=True,
            help="Print no progress and no summary on stderr.",
            section="Output",
        ),
    ]
