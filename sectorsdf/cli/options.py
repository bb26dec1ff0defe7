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
    from collections.abc import Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = [
    "FORMATS",
    "QUIET",
    "Vocabulary",
    "cache_location_option",
    "cache_options",
    "fetch_options",
    "filter_options",
    "flag_option",
    "format_option",
    "option_name",
    "output_options",
    "repeated_filters",
    "row_options",
    "sandbox_option",
    "validation_options",
    "value_option",
    "walk_options",
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
# What a repeated filter's help adds, by the filter's name.
_REPEATED = {
    "commodity_type": "Give it once for each commodity; by default all of them.",
    "country": "Give it once for each country, or all to complete a list that the API cuts, "
    "country by country.",
    "year": "Give it once for each year, or all for every year that there is.",
}
_EACH_YEAR = "Give it once for each year."
_UNION = "Give it several times for the rows of all values, each a list of its own at the API."
QUIET = (
    "Print no progress, no summary and no warning about known faults of the data on stderr; say "
    "only if rows are missing."
)
_PARTIAL = "Return the rows that arrived, with a warning, if they cannot be shown to be complete."


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


class _IntegerOrAll(click.ParamType):  # type: ignore[type-arg]
    """An integer, or the word all."""

    name = "integer"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        return value if value == "all" else click.INT.convert(value, param, ctx)


def option_name(keyword: str) -> str:
    """Return the option for a keyword of a getter: ``--max-rows`` for ``max_rows``."""
    return f"--{keyword.replace('_', '-')}"


def flag_option(section: str, name: str, text: str) -> Option:
    """Return an option without a value."""
    return Option([name], is_flag=True, help=text, section=section)


def value_option(section: str, name: str, metavar: str, text: str, **more: Any) -> Option:  # noqa: ANN401
    """Return an option with a value; `more` is passed on to click."""
    return Option([name], metavar=metavar, help=text, section=section, **more)


def repeated_filters(dataset: Dataset) -> dict[str, str]:
    """Return the filters that take several values, each with the getter's keyword for them.

    They are the choices of a list, the years, where a credit buys one year, and the getter's own
    keyword for keys that no path contains, such as ``commodity_types`` for the filter
    ``commodity_type``.
    """
    found = {}
    for declared in dataset.filters:
        if _is_union(dataset, declared):
            found[declared.name] = declared.name
        plural = re.sub("y$", "ie", declared.name) + "s"
        if plural == dataset.keyword:
            found[declared.name] = plural
    if dataset.filter("year") is not None and "year" in dataset.priced_by.split():
        found["year"] = "years"
    return found


def _is_union(dataset: Dataset, declared: Filter) -> bool:
    """Return whether several values of a filter make the union of one list each."""
    return dataset.is_list and declared.kind == "choice" and declared.name != "order_by"


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
    if declared.kind == "flag":
        meaning = _meaning(dataset, declared)
        return Option([f"{name}/--no-{name[2:]}"], default=None, help=meaning, section="Filters")
    types: dict[str, Any] = {
        "choice": Vocabulary(declared.values),
        "integer": click.INT,
        "number": click.FLOAT,
        "text_or_flag": _TextOrFlag(),
    }
    names = [name, _SHORT_NAMES[declared.name]] if declared.name in _SHORT_NAMES else [name]
    settings: dict[str, Any] = {
        "type": types.get(declared.kind, Vocabulary()),
        "metavar": _METAVARS[declared.kind],
        "help": _filter_help(dataset, declared),
    }
    if declared.name in repeated_filters(dataset):
        settings |= _repeated_settings(dataset, declared, settings)
    return Option([*names, declared.name], **settings, section="Filters")


def _filter_help(dataset: Dataset, declared: Filter) -> str:
    """Return what a filter selects, and its values or bounds."""
    meaning = _meaning(dataset, declared)
    if declared.values:
        case = "case does not count" if declared.ignores_case else "upper and lower case count"
        meaning += f" One of ({case}): {' | '.join(declared.values)}."
    elif declared.minimum is not None:
        meaning += f" From {declared.range_in_words}."
    return meaning


def _repeated_settings(
    dataset: Dataset, declared: Filter, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what differs for a filter that takes several values, or for some filters all."""
    text = settings["help"]
    if _is_union(dataset, declared):
        return {"multiple": True, "help": f"{text} {_UNION}"}
    if declared.name == "year" and dataset.addressed_by is None:
        # No answer says which year is the latest.
        return {"multiple": True, "required": True, "help": f"{text} {_EACH_YEAR}"}
    changes = {"multiple": True, "help": f"{text} {_REPEATED[declared.name]}"}
    if declared.name == "year":
        changes["type"] = _IntegerOrAll()
    if declared.name in {"year", "country"}:
        changes["metavar"] = f"{settings['metavar']}|all"
    return changes


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
    """Return the option that sends values unchecked, for a list that has filters."""
    if not dataset.is_list or not dataset.filters:
        return []
    text = "Also send values that the known vocabulary does not contain."
    return [flag_option("Rows", "--no-validate", text)]


def row_options(dataset: Dataset, listed_by: Dataset | None) -> list[click.Parameter]:
    """Return the options about which rows to fetch, and what proof of them to ask for.

    Parameters
    ----------
    dataset : Dataset
        What is fetched.
    listed_by : Dataset or None
        The list that names every key of it, if there is one.
    """
    options: list[click.Parameter] = []
    is_list = dataset.is_list and dataset.addressed_by is None
    if is_list:
        text = "Stop after this number of rows."
        options.append(value_option("Rows", "--max-rows", "N", text, type=click.INT))
    if is_list or dataset.limit is not None or (listed_by is not None and listed_by.is_list):
        options.append(flag_option("Rows", "--allow-partial", _PARTIAL))
    return options


def walk_options(dataset: Dataset) -> list[click.Parameter]:
    """Return the option that follows owners and subsidiaries, for the dataset that has them."""
    if dataset.unpack != "ownership":
        return []
    text = (
        "Also ask for the owners above, the subsidiaries below, or both, until none is left; each "
        "company costs one credit."
    )
    option = Option(
        ["--walk"], type=click.Choice(["up", "down", "both"]), help=text, section="Rows"
    )
    return [option]


def sandbox_option() -> Option:
    """Return the option that asks the embedded sandbox instead of the API."""
    text = "Ask an embedded sandbox with made-up records instead of the API; needs no key."
    return flag_option("Fetching", "--sandbox", text)


def fetch_options() -> list[click.Parameter]:
    """Return the options about what a command may spend and how fast it fetches."""
    return [
        sandbox_option(),
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
        value_option(
            "Output",
            "--partition-by",
            "NAME,NAME",
            "With -o FOLDER: write a folder of Parquet files, one for each value of these columns.",
            multiple=True,
        ),
        Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help="What to print without -o: by default a table on a terminal, and CSV otherwise.",
            section="Output",
        ),
        Option(
            ["--columns", "-c"],
            metavar="NAME,NAME",
            multiple=True,
            help="Only these columns, in this order; it can be given several times.",
            section="Output",
        ),
        Option(
            ["--quiet", "-q"],
            is_flag=True,
            help=QUIET,
            section="Output",
        ),
    ]
