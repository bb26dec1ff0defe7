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

__all__ = ["command_help", "key_metavar", "looks_up_keys"]


_UNITS = "Each figure has its own unit: never add up rows of different units."
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
    "resources": _UNITS,
    "prices": """\b
sectorsdf prices Coal Gold --start-year 2020 -o prices.parquet""",
    "companies": """\b
sectorsdf companies --commodity Nickel --company-type "Mine Owner" """.rstrip(),
    "company": """\b
sectorsdf company SLUG --licenses""",
    "ownership": """Percentages are shares of the child that its parent owns.

\b
sectorsdf ownership SLUG --walk up""",
    "financials": """Only few companies have financials, and without SLUG no other is asked for.

\b
sectorsdf financials --year all -o financials.xlsx
sectorsdf financials SLUG --year 2023 --year 2024 --breakdown""",
    "performance": """\b
sectorsdf performance SLUG --year all --commodity Coal -o performance.csv""",
    "exports": """The API gives at most 30 destinations; an answer with as many is not shown to be
complete.

\b
sectorsdf exports --commodity Coal --year 2022 --year 2023 --allow-partial""",
    "global": """Give a commodity, a country, or both. The API gives at most 30 countries; an answer
with as many is not shown to be complete, and --country all asks for the other countries one by one.

\b
sectorsdf global --commodity Coal --country all -o coal.parquet
sectorsdf global --country Indonesia --country Australia""",
    "destinations": """With --year all, each company is asked for year by year, from the latest
downward to two years in a row without data, which cost a credit each.""",
    "reserves": _UNITS,
}


def key_metavar(dataset: Dataset) -> str:
    """Return how the help names a key of an addressed dataset: CODE for ``wiup_code``."""
    return str(dataset.addressed_by).rpartition("_")[2].upper()


def looks_up_keys(dataset: Dataset) -> bool:
    """Return whether the getter looks up each key in the list that names all.

    An unknown key is then an error before anything else is asked for.
    """
    return dataset.addressed_by is not None and dataset.answer == "array"


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
    meaning = f"the {dataset.title}'s {dataset.addressed_by}"
    if dataset.title == dataset.addressed_by:
        meaning = f"a {dataset.title}"
    sentences = [f"{key} is {meaning}, as {command} shows it."]
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
    if not dataset.is_list and dataset.addressed_by is None:
        each = f" for each {dataset.priced_by}" if dataset.priced_by else ""
        return f"Costs one credit{each}."
    if dataset.addressed_by is None:
        if dataset.details is None:
            return f"Costs {page}."
        key = DATASETS[dataset.details].addressed_by
        return f"Costs {page}; with --details, one more for each distinct {key}."
    key = key_metavar(dataset)
    unit = dataset.priced_by.replace(dataset.addressed_by, key) or key
    costs = f"Costs one credit for each distinct {unit}"
    if looks_up_keys(dataset):
        return f"{costs}, and one for the list of all."
    if dataset.listed_by is None:
        return f"{costs}, also for an unknown one."
    whole = f"{page} of the list" if DATASETS[dataset.listed_by].is_list else "one for the list"
    return f"{costs}, also for an unknown one; without {key}, also {whole}."
