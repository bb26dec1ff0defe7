"""A Sphinx extension: the parts of the site that are made when it is built.

The notebooks are taken as they were committed. The data dictionary is read off the declarations
that the frames are made from.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf import datasets, vocabularies
from sectorsdf.datasets import schema as declarations
from sectorsdf.frames import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"
MARKS = {
    "dictionary": "<!-- the datasets stand here -->",
    "values": "<!-- the values stand here -->",
}
_FILTERS = {
    "slug": "a slug",
    "text": "text",
    "flag": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "text_or_flag": "text, or true or false",
}


def bring_notebooks(app: Sphinx, _config: object) -> None:
    """Copy the notebooks below the sources, and take away those that are no more."""
    folder = Path(app.srcdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    wanted = {path.name: path.read_bytes() for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for path in folder.glob("*.ipynb"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        copy = folder / name
        if not copy.exists() or copy.read_bytes() != content:
            # Another build may be reading it.
            part = copy.with_suffix(f".{os.getpid()}")
            part.write_bytes(content)
            part.replace(copy)


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what is made where a page has its mark."""
    if docname == "dictionary":
        for module in (datasets, declarations, dictionary, vocabularies):
            app.env.note_dependency(str(module.__file__))
        text = source[0].replace(MARKS["dictionary"], "\n".join(_datasets()))
        source[0] = text.replace(MARKS["values"], "\n".join(_values()))


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
    """Tell each dataset: what a row is, where it comes from, its columns and filters."""
    overview = dictionary.describe()
    for told in overview.to_dict("records"):
        name = told["dataset"]
        yield f"## {name}\n"
        yield f"One row is {told['row']}. Getter: {{py:obj}}`sectorsdf.{told['getter']}`.\n"
        yield f"- Endpoint: `{told['endpoint']}`"
        yield f"- Natural key: {', '.join(f'`{part}`' for part in told['key'].split(', '))}"
        yield f"- Credits: {told['credits']}\n"
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
        filters = datasets.DATASETS[name].filters
        if filters:
            yield f"Filters of {{py:obj}}`sectorsdf.{told['getter']}`:\n"
            yield from _table(
                ("filter", "takes", "case counts"), (_filter(entry) for entry in filters)
            )


def _meaning(text: str, known: object) -> str:
    plain = text.replace("*", r"\*").replace("<", r"\<")
    return plain if pd.isna(known) else f"{plain}. Values: {_short(str(known))}"


def _short(known: str) -> str:
    """Return the values, or where they stand if there are too many for a cell."""
    values = tuple(known.split(" | "))
    name = _named().get(values)
    if name is not None and len(values) > len(vocabularies.LICENSE_TYPES):
        return f"{len(values)}, see {{py:obj}}`~sectorsdf.vocabularies.{name}`"
    return ", ".join(f"`{value}`" for value in values)


def _named() -> dict[tuple[str, ...], str]:
    names = (name for name in vocabularies.__all__ if name.isupper())
    return {getattr(vocabularies, name): name for name in names}


def _filter(entry: declarations.Filter) -> tuple[str, str, str]:
    takes = _FILTERS.get(entry.kind) or _short(" | ".join(entry.values))
    if entry.minimum is not None:
        upper = "" if entry.maximum is None else f" to {entry.maximum:g}"
        takes += f" from {entry.minimum:g}{upper}"
    matters = "" if entry.kind not in {"choice", "text", "slug", "text_or_flag"} else "yes"
    return f"`{entry.name}`", takes, "no" if entry.ignores_case else matters


def _values() -> Iterator[str]:
    """Tell each vocabulary, as an object that other pages can link."""
    for values, name in _named().items():
        yield f"```{{py:data}} sectorsdf.vocabularies.{name}"
        yield f":type: tuple of {len(values)} str\n"
        yield " · ".join(f"`{value}`" for value in values)
        yield "```\n"


def without_scripts_of_others(
    _app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Refuse a page that would fetch a script over the network."""
    for script in context.get("script_files", []):
        name = str(getattr(script, "filename", script))
        if "://" in name:
            message = f"{pagename} fetches {json.dumps(name)} from another host"
            raise ValueError(message)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tie the parts to the build."""
    app.connect("config-inited", bring_notebooks)
    app.connect("source-read", fill_in)
    app.connect("html-page-context", without_scripts_of_others, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
