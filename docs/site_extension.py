"""Sphinx extension that adds generated content to the site.

It copies the committed notebooks into the sources, and generates the data dictionary from the
declarations that the frames are built from, and a page for each getter.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import sectorsdf
from sectorsdf import datasets, vocabularies
from sectorsdf.datasets import schema
from sectorsdf.frames import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PLACEHOLDERS = {
    "datasets": "<!-- datasets -->",
    "values": "<!-- allowed values -->",
}
_SUMMARY = re.compile(r"^\.\. summary:: (?P<name>\w+)$", re.M)
_FILTER_KINDS = {
    "slug": "a slug",
    "text": "text",
    "flag": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "text_or_flag": "text, or true or false",
}
_ORDER_BY = "Column to sort by; with `-` before it, in descending order"


def copy_notebooks(app: Sphinx, _config: object) -> None:
    """Copy the notebooks into the sources, and remove copies of notebooks that no longer exist."""
    folder = Path(app.srcdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    wanted = {path.name: path.read_bytes() for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for path in folder.glob("*.ipynb"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    """Write a file, unless it has that content."""
    if not path.exists() or path.read_bytes() != content:
        # Another build may be reading the old file.
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)


def write_getter_pages(app: Sphinx, _config: object) -> None:
    """Write a page for each getter into the sources, and remove pages of getters that are gone."""
    folder = Path(app.srcdir) / "api" / "getters"
    folder.mkdir(exist_ok=True)
    wanted = {f"get_{name}.rst": _getter_page(f"get_{name}", name) for name in datasets.DATASETS}
    for path in folder.glob("*.rst"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        _write(folder / name, text.encode())


def _getter_page(getter: str, dataset: str) -> str:
    return f"""{getter}
{"=" * len(getter)}

.. currentmodule:: sectorsdf

.. autofunction:: {getter}

The data dictionary explains :ref:`each column and filter of this dataset <columns-{dataset}>`, and
:doc:`/which-getter` says which getter answers which question.
"""


def fill_summaries(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace each line ``.. summary:: name`` by a link and the first line of the docstring."""
    if docname.startswith("api/"):
        source[0] = _SUMMARY.sub(_summary, source[0])


def _summary(found: re.Match[str]) -> str:
    first = (inspect.getdoc(getattr(sectorsdf, found["name"])) or "").partition("\n")[0]
    return f"- :py:obj:`{found['name']}`: {first}"


def fill_placeholders(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the placeholders of the data dictionary with the generated tables."""
    if docname == "dictionary":
        for module in (datasets, schema, dictionary, vocabularies):
            app.env.note_dependency(str(module.__file__))
        text = source[0].replace(PLACEHOLDERS["datasets"], "\n".join(_datasets()))
        source[0] = text.replace(PLACEHOLDERS["values"], "\n".join(_vocabularies()))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _code(value: object) -> str:
    return "" if pd.isna(value) else f"`{value}`"


def _datasets() -> Iterator[str]:
    """Yield a table of the datasets, and each one's rows, source, columns and filters."""
    listed = dictionary.describe().to_dict("records")
    yield "## All datasets\n"
    yield from _table(
        ("dataset", "one row is"),
        ((f"[{each['dataset']}](#columns-{each['dataset']})", each["row"]) for each in listed),
    )
    for dataset in listed:
        name = dataset["dataset"]
        yield f"(columns-{name})=\n"
        yield f"## {name}\n"
        yield f"One row is {dataset['row']}. Getter: {{py:obj}}`sectorsdf.{dataset['getter']}`.\n"
        yield f"- Endpoint: `{dataset['endpoint']}`"
        yield f"- Natural key: {', '.join(f'`{part}`' for part in dataset['key'].split(', '))}"
        yield f"- Credits: {dataset['credits']}\n"
        columns = dictionary.describe(name).to_dict("records")
        yield from _table(
            ("column", "pandas / Parquet", "unit", "meaning"),
            (
                (
                    f"**{_code(c['column'])}**" if c["key"] else _code(c["column"]),
                    f"{_code(c['dtype'])} / {_code(c['arrow_type'])}"
                    if c["dtype"] != c["arrow_type"]
                    else _code(c["dtype"]),
                    "" if pd.isna(c["unit"]) else c["unit"],
                    _meaning(c["meaning"], c["known_values"]),
                )
                for c in columns
            ),
        )
        declared = datasets.DATASETS[name]
        filters = declared.filters
        if filters:
            # A getter of answers takes several values of one parameter, such as `years`.
            what = "Filters" if declared.answer == "pages" else "Parameters"
            yield f"{what} of {{py:obj}}`sectorsdf.{dataset['getter']}`:\n"
            yield from _table(
                ("filter", "meaning", "values", "case-sensitive"),
                (_filter(entry) for entry in filters),
            )


def _meaning(text: str, known_values: object) -> str:
    escaped = text.replace("*", r"\*").replace("<", r"\<")
    if pd.isna(known_values):
        return escaped
    return f"{escaped}. Values: {_values_or_link(str(known_values))}"


def _values_or_link(known_values: str) -> str:
    """Return the values, or a link to their list if there are too many for a cell."""
    values = tuple(known_values.split(" | "))
    name = _vocabulary_names().get(values)
    if name is not None and len(values) > len(vocabularies.LICENSE_TYPES):
        return f"{len(values)}, see {{py:obj}}`~sectorsdf.vocabularies.{name}`"
    return ", ".join(f"`{value}`" for value in values)


def _vocabulary_names() -> dict[tuple[str, ...], str]:
    names = (name for name in vocabularies.__all__ if name.isupper())
    return {getattr(vocabularies, name): name for name in names}


def _filter(entry: schema.Filter) -> tuple[str, str, str, str]:
    values = _FILTER_KINDS.get(entry.kind) or _values_or_link(" | ".join(entry.values))
    if entry.minimum is not None:
        values += f" from {entry.range_in_words}"
    has_case = entry.kind in {"choice", "text", "slug", "text_or_flag"}
    sensitive = ("no" if entry.ignores_case else "yes") if has_case else ""
    meaning = _ORDER_BY if entry.name == "order_by" else entry.meaning
    return f"`{entry.name}`", meaning, values, sensitive


def _vocabularies() -> Iterator[str]:
    """Yield the lines that list each vocabulary, as an object that other pages can link to."""
    for values, name in _vocabulary_names().items():
        yield f"```{{py:data}} sectorsdf.vocabularies.{name}"
        yield f":type: tuple of {len(values)} str\n"
        yield " · ".join(f"`{value}`" for value in values)
        yield "```\n"


def refuse_external_scripts(
    _app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Raise an error if a page would load a script from another host."""
    for script in context.get("script_files", []):
        name = str(getattr(script, "filename", script))
        if "://" in name:
            message = f"{pagename} loads {json.dumps(name)} from another host"
            raise ValueError(message)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions of this extension to the build."""
    app.connect("config-inited", copy_notebooks)
    app.connect("config-inited", write_getter_pages)
    app.connect("source-read", fill_summaries)
    app.connect("source-read", fill_placeholders)
    app.connect("html-page-context", refuse_external_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
