"""The options of the commands that fetch, made from the datasets' declarations."""

from __future__ import annotations

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
    "cache_options",
    "column_option",
    "details_option",
    "fetch_options",
    "filter_options",
    "output_options",
    "place_option",
    "quiet_option",
    "row_options",
]

FORMATS = ("table", "csv", "jsonl", "json")
# What people say for a filter besides its own name.
_ALSO = {"commodity_type": "--commodity"}
_METAVARS = {
    "choice": "NAME",
    "slug": "SLUG",
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "NUMBER",
    "text_or_flag": "TEXT|true|false",
}
_MEANINGS = {
    "company": "Slug of the company, as in the column company_slug.",
    "province": "Province.",
    "cnc": "Clear and Clean status, such as CNC or CNC-1, or true or false.",
    "expiring_soon": "Only licences that expire within the next 365 days.",
    "participant": "Part of the name of a company that took part.",
    "qualified": "Only auctions in which that --participant passed the prequalification.",
    "year": "Reporting year.",
}


class Vocabulary(click.ParamType):  # type: ignore[type-arg]
    """A text, whose known values a shell completes and the library checks."""

    name = "text"

    def __init__(self, values: Sequence[str] = ()) -> None:
        self.values = tuple(values)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the values that begin so, whatever the case: the right one is put in."""
        begun = incomplete.casefold()
        return [
            CompletionItem(value) for value in self.values if value.casefold().startswith(begun)
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


def filter_options(dataset: Dataset) -> list[click.Parameter]:
    """Return an option for each filter that a dataset declares."""
    made: list[click.Parameter] = []
    for declared in dataset.filters:
        sorts = declared.name == "order_by"
        made.append(_sort_option(dataset, declared) if sorts else _filter_option(dataset, declared))
    return made


def _filter_option(dataset: Dataset, declared: Filter) -> Option:
    flag = f"--{declared.name.replace('_', '-')}"
    meaning = _meaning(dataset, declared)
    if declared.kind == "flag":
        both = f"{flag}/--no-{flag[2:]}"
        return Option([both], default=None, help=meaning, section="Filters")
    kinds: dict[str, Any] = {
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
    flags = [flag, _ALSO[declared.name]] if declared.name in _ALSO else [flag]
    return Option(
        [*flags, declared.name],
        type=kinds.get(declared.kind, Vocabulary()),
        metavar=_METAVARS[declared.kind],
        help=meaning,
        section="Filters",
    )


def _sort_option(dataset: Dataset, declared: Filter) -> Option:
    columns = sorted({value.removeprefix("-") for value in declared.values})
    default = f" By default {dataset.default_order}." if dataset.default_order else ""
    return Option(
        ["--order-by"],
        type=Vocabulary(declared.values),
        metavar="[-]COLUMN",
        help=f"Sort by one of {' | '.join(columns)}; with - before it for descending.{default}",
        section="Rows",
    )


def _meaning(dataset: Dataset, declared: Filter) -> str:
    known = _MEANINGS.get(declared.name)
    if known is not None:
        return known
    name = declared.column or declared.name
    column = next((entry for entry in dataset.columns if entry.name == name), None)
    text = name if column is None else column.meaning
    return (
        f"At least so much: {text[0].lower()}{text[1:]}."
        if declared.match == "least"
        else f"{text}."
    )


def row_options() -> list[click.Parameter]:
    """Return the options that say how many rows of a list to fetch, and how surely."""
    return [
        Option(
            ["--max-rows"],
            type=click.INT,
            metavar="N",
            help="Stop after so many rows.",
            section="Rows",
        ),
        Option(
            ["--no-validate"],
            is_flag=True,
            help="Send values that the known vocabulary does not hold, too.",
            section="Rows",
        ),
        Option(
            ["--allow-partial"],
            is_flag=True,
            help="Give what came, with a warning, where it cannot be shown to be every row.",
            section="Rows",
        ),
    ]


def details_option() -> Option:
    """Return the option that adds details to listed sites."""
    return Option(
        ["--details"],
        is_flag=True,
        help="Add coordinates, reserves and resources, for one credit a distinct site.",
        section="Rows",
    )


def fetch_options() -> list[click.Parameter]:
    """Return the options that say what a call may spend and how fast it goes."""
    return [
        Option(
            ["--max-credits"],
            type=click.INT,
            metavar="N",
            help="Refuse before spending more than this.",
            section="Fetching",
        ),
        Option(
            ["--strict"],
            is_flag=True,
            help="Fail where data does not fit its declaration, instead of warning.",
            section="Fetching",
        ),
        Option(
            ["--workers"],
            type=click.INT,
            metavar="N",
            default=8,
            show_default=True,
            help="Requests under way at once.",
            section="Fetching",
        ),
        Option(
            ["--rate-limit"],
            metavar="N/TIME",
            help="The plan's rate limit, such as 30/min; otherwise it is learnt.",
            section="Fetching",
        ),
    ]


def place_option() -> Option:
    """Return the option that says where the cache lies."""
    return Option(
        ["--cache"],
        metavar="PATH|URL",
        help="Folder or URL (s3://...) of the cache; by default SECTORSDF_CACHE or the user's "
        "cache folder.",
        section="Cache",
    )


def cache_options() -> list[click.Parameter]:
    """Return the options that say whether and how the cache is used."""
    return [
        place_option(),
        Option(
            ["--no-cache"],
            is_flag=True,
            help="Neither look into the cache nor keep anything in it.",
            section="Cache",
        ),
        Option(
            ["--max-age"],
            metavar="TIME",
            help="How old a kept answer may be, such as 36h or 30d; by default 7 days.",
            section="Cache",
        ),
        Option(
            ["--refresh"],
            is_flag=True,
            help="Ask the API whatever is kept, and keep its answer.",
            section="Cache",
        ),
        Option(
            ["--offline"],
            is_flag=True,
            help="Never ask the API: what is kept, of any age, or exit code 4.",
            section="Cache",
        ),
    ]


def quiet_option() -> Option:
    """Return the option that silences what is told on stderr beside warnings and errors."""
    return Option(
        ["--quiet", "-q"],
        is_flag=True,
        help="Tell no progress and no summary on stderr.",
        section="Output",
    )


def column_option() -> Option:
    """Return the option that picks columns."""
    return Option(
        ["--columns", "-c"],
        metavar="NAME,NAME",
        help="Only these columns, in this order.",
        section="Output",
    )


def output_options() -> list[click.Parameter]:
    """Return the options that say where the rows go."""
    return [
        Option(
            ["--output", "-o"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write to a file; its suffix says which kind: .parquet, .csv, .xlsx, .json, "
            ".jsonl, .geojson, .gpkg, .duckdb, .sqlite, .feather.",
            section="Output",
        ),
        Option(
            ["--overwrite"],
            is_flag=True,
            help="Replace the file where there is one.",
            section="Output",
        ),
        Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help="What to print without -o: by default a table on a terminal, and CSV elsewhere.",
            section="Output",
        ),
        column_option(),
        quiet_option(),
    ]
