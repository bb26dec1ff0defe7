"""The help texts of the commands that fetch: made from the declarations, with notes and examples.

A new command needs no line here; `_NOTES` adds what the declaration does not say. Must not import
pandas or pyarrow, also not through other modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.cli.options import option_name
from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.schema import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["command_help", "key_metavar"]


# Text to add below that from the declaration, by command. Click does not wrap the lines of a block
# that begins with a backspace character, such as the examples here.
_NOTES = {
    "licenses": """\b
sectorsdf licenses --province "Kalimantan Timur" --commodity Coal -o coal.parquet
sectorsdf licenses --expiring-soon --order-by -licensed_area_ha --max-rows 30""",
    "auctions": """\b
sectorsdf auctions --commodity Nickel""",
    "auction": """\b
sectorsdf auction CODE --phases""",
    "sites": """Details are coordinates, reserves and resources.

\b
sectorsdf sites --commodity Nickel --year 2024 --details -o nickel.xlsx""",
    "resources": "Each figure has its own unit: never add up rows of different units.",
}


def key_metavar(dataset: Dataset) -> str:
    """Return how the help names a key of an addressed dataset: CODE for ``wiup_code``."""
    return str(dataset.addressed_by).rpartition("_")[2].upper()


def command_help(dataset: Dataset, parts: Sequence[Dataset]) -> str:
    """Return the help of the command that fetches a dataset, and other rows of the same answer."""
    paragraphs = [
        dataset.summary,
        " ".join([_rows(dataset, parts), *_keys(dataset), _cost(dataset)]),
        _NOTES.get(dataset.command, ""),
    ]
    return "\n\n".join(filter(None, paragraphs))


def _rows(dataset: Dataset, parts: Sequence[Dataset]) -> str:
    others = "".join(f", or with {option_name(str(part.part))} {part.row}" for part in parts)
    return f"One row is {dataset.row}{others}."


def _keys(dataset: Dataset) -> list[str]:
    if dataset.addressed_by is None:
        return []
    key = key_metavar(dataset)
    listed_by = next((entry for entry in DATASETS.values() if _lists(entry, dataset)), None)
    if listed_by is None:
        return [f"{key} is the {dataset.title}'s {dataset.addressed_by}."]
    command = f"`sectorsdf {listed_by.command}`"
    sentences = [f"{key} is the {dataset.title}'s {dataset.addressed_by}, as {command} shows it."]
    if dataset.listed_by is not None:
        sentences.append(f"Without {key}, the rows are those of every {dataset.title}.")
    return sentences


def _lists(entry: Dataset, dataset: Dataset) -> bool:
    """Whether a dataset is a list of what another one addresses."""
    if dataset.listed_by is not None:
        return entry.name == dataset.listed_by
    return entry.addressed_by is None and entry.title == dataset.title


def _cost(dataset: Dataset) -> str:
    page = f"one credit for each page of {PAGE_SIZE} rows"
    if dataset.addressed_by is None:
        if dataset.details is None:
            return f"Costs {page}."
        key = DATASETS[dataset.details].addressed_by
        return f"Costs {page}; with --details, one more for each distinct {key}."
    key = key_metavar(dataset)
    more = "" if dataset.listed_by is None else f"; without {key}, also {page} of the list"
    return f"Costs one credit for each distinct {key}, also for an unknown one{more}."
