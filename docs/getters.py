"""Write the blocks of the getters' docstrings that repeat facts of the declarations.

Run ``python docs/getters.py`` after a change of a declaration in `sectorsdf.datasets`. It writes
the sections *Parameters*, *Returns* and *Raises* and the first paragraph of *Notes* of each getter
in `sectorsdf/mining`; the summary, the other paragraphs and the examples are written by hand. With
``--check`` it only says which files are out of date. A test fails if one is.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import sectorsdf
from sectorsdf.client.call_config import OPTION_NAMES, CallOptions
from sectorsdf.datasets import DATASETS
from sectorsdf.mining.fetch import addresses_a_record

if TYPE_CHECKING:
    from sectorsdf.datasets.schema import Column, Dataset, Filter

FOLDER = Path(sectorsdf.__file__).parent / "mining"
WIDTH = 100
HEAD = re.compile(r"^    (\w[\w ]*)\n    -+\n", re.MULTILINE)
FIRST = "get_mining_licenses"
# A column's known values are listed up to this number of characters.
LONGEST_VALUES = 70

DTYPES = {
    "text": "text",
    "date": "datetime64[us], days",
    "integer": "Int64",
    "number": "float64",
    "flag": "boolean",
    "json": "JSON text",
}
UNITS = {"ha": "hectares", "IDR": "rupiah", "degree": "degrees"}
TYPES = {
    "choice": "str",
    "slug": "str",
    "text": "str",
    "flag": "bool",
    "integer": "int",
    "number": "float",
    "text_or_flag": "str or bool",
}
COMMON = {
    "max_rows": (
        "int, optional",
        "Stop after this number of rows. The provenance then says that the frame is incomplete.",
    ),
    "strict": (
        "bool, default False",
        "Raise `DataError` if a value or field does not fit its declaration, instead of warning.",
    ),
    "validate": ("bool, default True", "False sends values that the vocabulary does not list."),
    "client": (
        "Client, optional",
        "The connection to use; by default one made from the environment.",
    ),
    "details": (
        "bool, default False",
        "Add what the detail endpoint knows of each row, for one credit for each distinct {key}.",
    ),
    "include_emails": (
        "bool, default False",
        (
            "Add the column `email`. The addresses belong to people and small firms; leave them "
            "out of what you pass on."
        ),
    ),
}
OPTIONS = {
    "max_credits": "int, optional",
    "workers": "int, optional",
    "repair_credits": "int, optional",
    "allow_partial": "bool, default False",
    "resume": "bool, default True",
    "resume_within": "float, default 3600",
    "cache": "bool, str or path-like, optional",
    "max_age": "timedelta or str, optional",
    "refresh": "bool, default False",
    "offline": "bool, default False",
    "progress": "bool, optional",
}
ANSWERS = {
    "start_year": (
        "int, optional",
        "First year, both included; by default the first of the series.",
    ),
    "end_year": ("int, optional", "Last year; by default the last of the series."),
    "walk": (
        '{"up", "down", "both"}, optional',
        (
            "Also ask for the companies above, below, or both, until none is left. Each is "
            "requested once."
        ),
    ),
    "countries": (
        "str, iterable of str, or DataFrame, optional",
        (
            'Countries as the API spells them, a frame with a `country` column, or ``"all"`` to '
            "complete a list that the API cuts, country by country."
        ),
    ),
    "commodity_types": (
        "str, iterable of str, or DataFrame, optional",
        (
            "One commodity, several, or a frame with a `commodity_type` column; by default all of "
            "{values}."
        ),
    ),
    "include_contacts": (
        "bool, default False",
        (
            "Add the columns with e-mail addresses, telephone numbers and the like, which belong "
            "to people. A call with it does not use the cache."
        ),
    ),
}
YEARS = {
    "latest": (
        'int, iterable of int, or "all", optional',
        'A year, several, or ``"all"`` for every year that there is; by default the latest.',
    ),
    "needed": ("int or iterable of int", "A year, or several, such as ``range(2019, 2025)``."),
}
SITE_KEYS = (
    "A slug, several slugs, a frame with a `slug` column, or None for every site. For a frame of "
    "`get_mining_sites(details=True)` or `get_mining_site`, which has the figures already, no "
    "request is made."
)
SITE_MISSING = (
    "What to do if the API does not know a slug. By default it is an error for slugs that you "
    "name, and such rows of a frame or of the list are left out (a mine abroad has no details)."
)
LIST_ERRORS = (
    ("FilterError", "A filter's value cannot be sent. It is raised before any request."),
    (
        "IncompleteSweepError",
        "The rows cannot be shown to be complete; it carries the rows that arrived.",
    ),
    ("DataError", "With `strict`, data does not fit its declaration; it carries the frame."),
    ("CreditLimitError", "The call would cost more than `max_credits`."),
    (
        "APIError",
        (
            "The API refused or failed: `AuthenticationError`, `BadRequestError`, "
            "`RateLimitError`, `QuotaExhaustedError`, `ServerError`, `ConnectionFailedError` or "
            "`ResponseError`."
        ),
    ),
)


def wrapped(text: str, indent: int) -> str:
    """Return a text in lines of at most WIDTH characters."""
    margin = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def option_meanings() -> dict[str, str]:
    """Return what `CallOptions` says of each option."""
    doc = inspect.getdoc(CallOptions).partition("Attributes\n----------\n")[2]
    parts = re.split(r"^(\w+) : .*\n", doc, flags=re.MULTILINE)
    return {
        name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def filter_text(dataset: Dataset, declared: Filter) -> str:
    """Return what a filter's entry says."""
    if declared.name == "order_by":
        columns = dict.fromkeys(value.removeprefix("-") for value in declared.values)
        names = [f"``{name}``" for name in columns]
        listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
        return (
            f"{listed}; with ``-`` before it for descending. Default: ``{dataset.default_order}``."
        )
    text = declared.meaning
    if declared.vocabulary:
        case = "case does not count" if declared.ignores_case else "upper and lower case count"
        return f"{text}; {case}. See `sectorsdf.vocabularies.{declared.vocabulary}`."
    if declared.kind == "choice" and not all(value in text for value in declared.values):
        values = [f'"{value}"' if "," in value else value for value in declared.values]
        text += f": {', '.join(values[:-1])} or {values[-1]}"
    if declared.minimum is not None and declared.maximum is not None:
        text += f", {declared.range_in_words}"
    return f"{text}; case does not count." if declared.ignores_case else f"{text}."


def parameter(name: str, kind: str, text: str) -> str:
    """Return one entry of the section on parameters."""
    return f"    {name} : {kind}\n{wrapped(text, 8)}"


def key_parameter(dataset: Dataset, name: str) -> str:
    """Return the entry of the parameter that takes keys."""
    if name == "sites":
        return parameter(name, "str, iterable of str, or DataFrame, optional", SITE_KEYS)
    if name == dataset.keyword:
        by = str(dataset.addressed_by)
        listed = DATASETS[str(dataset.listed_by)].name
        text = (
            f"One {by}, several, or a frame with a `{by}` column. None asks for every one that "
            f"`get_{listed}` lists."
        )
        return parameter(name, "str, iterable of str, or DataFrame, optional", text)
    word = "code" if name.endswith("_code") else name
    text = f"One {word}, several {word}s, or a frame with a `{name}` column."
    if dataset.rows_in is None:
        text += f" Each distinct {word} is one row."
    return parameter(name, "str, iterable of str, or DataFrame", text)


def missing_parameter(dataset: Dataset) -> str:
    """Return the entry of `missing`."""
    if dataset.name == "mining_site_resources":
        return parameter("missing", '{"raise", "skip"}, optional', SITE_MISSING)
    word = "code" if str(dataset.addressed_by).endswith("_code") else dataset.addressed_by
    what = f"does not know a {word}"
    if dataset.keyword and not addresses_a_record(dataset):
        what += ", or has none of the requested data for it"
    text = (
        f'What to do if the API {what}. ``"skip"`` leaves it out and warns; ``"raise"`` raises '
        "`NotFoundError`."
    )
    if dataset.keyword:
        text += (
            f" Without `{dataset.keyword}` it is left out. In each case it is in "
            '``attrs["sectorsdf"]["not_found"]``.'
        )
    return parameter("missing", '{"raise", "skip"}', text)


def parameters(dataset: Dataset, names: list[str]) -> str:
    """Return the section on parameters."""
    entries = []
    rest = []
    for name in names:
        declared = dataset.filter(name)
        if declared is not None:
            text = filter_text(dataset, declared)
            several = declared.kind == "choice" and dataset.is_list and name != "order_by"
            kind = "str or iterable of str" if several else TYPES[declared.kind]
            entries.append(parameter(name, f"{kind}, optional", text))
        elif name in ANSWERS:
            kind, text = ANSWERS[name]
            declared = dataset.filter("commodity_type")
            values = ", ".join(declared.values) if declared else ""
            entries.append(parameter(name, kind, text.format(values=values)))
        elif name == "years":
            entries.append(parameter(name, *YEARS["latest" if dataset.addressed_by else "needed"]))
        elif name in {dataset.addressed_by, dataset.keyword, "sites"}:
            entries.append(key_parameter(dataset, name))
        elif name == "missing":
            entries.append(missing_parameter(dataset))
        elif name in {"details", "include_emails"}:
            kind, text = COMMON[name]
            entries.append(parameter(name, kind, text.format(key="slug")))
        elif name in COMMON or name in OPTIONS:
            rest.append(name)
        else:
            message = (
                f"get_{dataset.name} has a parameter {name!r} that docs/getters.py cannot describe"
            )
            raise ValueError(message)
    if dataset.name != FIRST.removeprefix("get_"):
        options = [name for name in rest if name in OPTIONS]
        groups = ([name for name in rest if name in COMMON], options[:4], options[4:])
        entries += [f"    {', '.join(group)}\n        As in `{FIRST}`." for group in groups]
    else:
        meanings = option_meanings()
        common = (name for name in rest if name in COMMON)
        entries += [parameter(name, *COMMON[name]) for name in common]
        entries += [parameter(name, OPTIONS[name], meanings[name]) for name in OPTION_NAMES]
    entries.append(
        parameter(
            "**unknown",
            "Never",
            "Takes no keyword. It exists so that an unknown one raises `FilterError` with the "
            "nearest name.",
        )
        if dataset.name == FIRST.removeprefix("get_")
        else f"    **unknown\n        As in `{FIRST}`."
    )
    return "    Parameters\n    ----------\n" + "\n".join(entries)


def kind_of(column: Column) -> str:
    """Return the dtype of a column, with its unit or its few known values."""
    text = DTYPES[column.kind]
    if column.unit:
        return f"{text}, {UNITS.get(column.unit, column.unit)}"
    if column.unit_in:
        return f"{text}, in `{column.unit_in}`"
    values = ", ".join(column.values)
    return f"{text}: {values}" if 0 < len(values) <= LONGEST_VALUES else text


def columns_text(columns: tuple[Column, ...]) -> str:
    """Return the columns with their dtypes, those of one dtype together."""
    groups = groupby(columns, kind_of)
    parts = [f"{', '.join(column.name for column in group)} ({kind})" for kind, group in groups]
    return "; ".join(parts)


def returns(dataset: Dataset, names: list[str]) -> str:
    """Return the section on the result."""
    text = f"One row is {dataset.row}. Columns: {columns_text(dataset.columns)}."
    if dataset.details:
        known = {column.name for column in dataset.columns}
        more = tuple(c for c in DATASETS[dataset.details].columns if c.name not in known)
        text += f" With `details` also {columns_text(more)}."
    if dataset.contacts:
        option = next(name for name in names if name.startswith("include_"))
        text += f" With `{option}` also {columns_text(dataset.contacts)}."
    return f"    Returns\n    -------\n    pandas.DataFrame\n{wrapped(text, 8)}"


def raises(dataset: Dataset) -> str:
    """Return the section on errors."""
    title = "    Raises\n    ------\n"
    if dataset.name == FIRST.removeprefix("get_"):
        return title + "\n".join(f"    {name}\n{wrapped(text, 8)}" for name, text in LIST_ERRORS)
    names = [name for name, _ in LIST_ERRORS]
    if dataset.addressed_by:
        names.remove("IncompleteSweepError")
        title += (
            "    NotFoundError\n"
            + wrapped(
                "The API does not know a key; ``.missing`` names it and ``.frame`` has the rows "
                "that were found.",
                8,
            )
            + "\n"
        )
    return f"{title}    {', '.join(names)}\n        As in `{FIRST}`."


def cost(dataset: Dataset) -> str:
    """Return the first paragraph of the notes: the price, and the source."""
    path = dataset.path.replace("{}", f"{{{dataset.addressed_by}}}")
    source = f"Source: Sectors API, ``{path}``."
    if dataset.answer != "pages" and (dataset.priced_by or dataset.addressed_by is None):
        each = f"each {dataset.priced_by}" if dataset.priced_by else "the call"
        each += ", even if the API does not know it" if dataset.addressed_by else ""
        text = f"Costs one credit for {each}; an answer from the cache costs none."
        whole = next(known for known in DATASETS.values() if known.path == dataset.path)
        if whole is not dataset:
            text = (
                f"Made from the same answers as `get_{whole.name}`: it costs nothing if the client "
                f"has them within the hour, and otherwise one credit for {each}."
            )
        return f"{text} {source}"
    if dataset.addressed_by is None:
        text = "Costs one credit for each page of 30 rows"
        if dataset.details:
            text += "; with `details` one more for each distinct slug, even if the detail "
            text += "endpoint does not know it"
        return f"{text}. An empty result costs one; an answer from the cache costs none. {source}"
    word = "code" if dataset.addressed_by.endswith("_code") else dataset.addressed_by
    text = f"Costs one credit for each {word}, even if the API does not know it."
    if dataset.listed_by:
        text = (
            f"Costs one credit for each distinct {word}, and nothing for a frame with details; for "
            "every site also one for each page of the list."
        )
    elif dataset.rows_in:
        whole = next(d for d in DATASETS.values() if d.path == dataset.path)
        text = (
            f"Made from the same answers as `get_{whole.name}`: one credit for each {word}, and "
            "nothing if the client has paid for it within the hour."
        )
    else:
        text += " The same client uses an answer again for an hour."
    return f"{text} {source}"


def docstring(dataset: Dataset, names: list[str], old: str) -> str:
    """Return a getter's docstring with its blocks made anew."""
    parts = HEAD.split(old)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    notes = map(str.rstrip, sections.get("Notes", "").strip("\n").split("\n\n")[1:])
    blocks = [
        parts[0].rstrip(),
        parameters(dataset, names),
        returns(dataset, names),
        raises(dataset),
        "    Notes\n    -----\n" + "\n\n".join([wrapped(cost(dataset), 4), *notes]),
    ]
    if "Examples" in sections:
        blocks.append("    Examples\n    --------\n" + sections["Examples"].rstrip())
    return "\n\n".join(blocks) + "\n    "


def rewritten(source: str) -> str:
    """Return a module's source with the docstrings of its getters made anew."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    edits = []
    for node in ast.parse(source).body:
        dataset = DATASETS.get(getattr(node, "name", "").removeprefix("get_"))
        if isinstance(node, ast.FunctionDef) and dataset is not None:
            text = node.body[0].value
            names = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)]
            start = starts[text.lineno - 1] + text.col_offset + 3
            stop = starts[text.end_lineno - 1] + text.end_col_offset - 3
            edits.append((start, stop, docstring(dataset, names, source[start:stop])))
    for start, stop, text in reversed(edits):
        source = source[:start] + text + source[stop:]
    return source


def main() -> int:
    """Write the files, or with ``--check`` return 1 if one is out of date."""
    stale = 0
    for path in sorted(FOLDER.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        new = rewritten(source)
        if new != source:
            stale = 1
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    return stale if "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
