"""Report data that does not fit its declaration: warn the caller, or raise `DataError`.

This module must not import a module that fetches or stores.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from sectorsdf.errors import DataError, DataWarning, IncompleteWarning, listed, printable
from sectorsdf.frames.addresses import REASON
from sectorsdf.frames.provenance import ATTRS, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = [
    "describe_left_out",
    "describe_problems",
    "raise_or_warn",
    "report_other_records",
    "report_problems",
    "warn",
]


_NO_FIELD = "the answer does not have the declared field(s)"
_ALL_OF_THEM = f'frame.attrs["{ATTRS}"]["problems"] lists all of them.'


def _is_inside(module: object) -> bool:
    return f"{module}.".startswith("sectorsdf.")


def warn(message: str, category: type[Warning] = DataWarning) -> None:
    """Warn with the line outside this package that made the call."""
    level, caller = 1, sys._getframe(1)
    while caller.f_back is not None and _is_inside(caller.f_globals.get("__name__")):
        level, caller = level + 1, caller.f_back
    warnings.warn(printable(message), category, stacklevel=level + 1)


def describe_problems(
    dataset: Dataset, provenance: Provenance, missing_in: Mapping[str, int | None]
) -> list[str]:
    """Return a sentence for each kind of thing that does not fit the declaration.

    Parameters
    ----------
    dataset : Dataset
        The declaration.
    provenance : Provenance
        Its problems and unknown fields are described.
    missing_in : mapping of str to int or None
        The declared fields that rows do not have, with the number of such rows where it is known.
    """
    unknown = provenance["unknown_fields"]
    left_out = [problem for problem in provenance["problems"] if problem["reason"] == REASON]
    outside = [problem for problem in provenance["problems"] if "filter" in problem]
    problems = [
        problem
        for problem in provenance["problems"]
        if problem["reason"] != REASON and "filter" not in problem
    ]
    sentences = []
    if problems:
        first = problems[0]
        sentences.append(
            f"{dataset.name}: {len(problems)} value(s) do not fit their column and are missing; "
            f"the first is {first['column']} = {first['raw']!r:.200} ({first['reason']}) at "
            f"{_key_in_words(first)}. {_ALL_OF_THEM}"
        )
    if outside:
        first = outside[0]
        sentences.append(
            f"{dataset.name}: the API sent {len({entry['row'] for entry in outside})} row(s) that "
            f"its own documentation excludes; the first has {first['column']} = "
            f"{first['raw']!r:.200} ({first['reason']}) at {_key_in_words(first)}. The rows are "
            f"in the frame. {_ALL_OF_THEM}"
        )
    if left_out:
        sentences.append(describe_left_out(dataset, left_out))
    if unknown:
        sentences.append(
            f"{dataset.name}: the API sent field(s) that are not declared: "
            f"{listed(unknown, show=str)}. "
            "They are extra columns at the end."
        )
    if missing_in:
        fields = (
            name if rows is None else f"{name} ({rows} rows)" for name, rows in missing_in.items()
        )
        names = listed(fields, show=str)
        sentences.append(f"{dataset.name}: {_NO_FIELD} {names}.")
    return sentences


def describe_left_out(dataset: Dataset, problems: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence for the values out of which e-mail addresses were left."""
    first = problems[0]
    return (
        f"{dataset.name}: e-mail addresses were left out of {len(problems)} value(s); the first is "
        f"{first['column']} at {_key_in_words(first)}. {_ALL_OF_THEM}"
    )


def _key_in_words(problem: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in problem["key"].items())


def report_problems(dataset: Dataset, frame: pd.DataFrame, *, strict: bool) -> None:
    """Report again what the provenance of a cached frame says does not fit.

    Raises
    ------
    DataError
        With `strict`, if anything does not fit; it carries the frame.
    """
    provenance = Provenance.of_frame(frame)
    missing_in = dict.fromkeys(provenance["missing_fields"])
    raise_or_warn(describe_problems(dataset, provenance, missing_in), frame, strict=strict)


def report_other_records(
    dataset: Dataset, frame: pd.DataFrame, others: Sequence[Mapping[str, Any]], *, strict: bool
) -> None:
    """Add the records of another key than was asked for to the problems, and report them.

    Raises
    ------
    DataError
        With `strict`, if there is any; it carries the frame.
    """
    if not others:
        return
    Provenance.of_frame(frame).with_problems(others).attach(frame)
    sentence = (
        f"{dataset.name}: {len(others)} answer(s) are not the record that was asked for; the first "
        f"is {others[0]['reason']}. Their rows are in the frame. {_ALL_OF_THEM}"
    )
    raise_or_warn([sentence], frame, strict=strict)


def raise_or_warn(sentences: Sequence[str], frame: pd.DataFrame, *, strict: bool) -> None:
    """Raise what does not fit as one `DataError` if `strict`, otherwise warn of each.

    Raises
    ------
    DataError
        With `strict`, if there is any sentence; it carries the frame.
    """
    if strict and sentences:
        problems = Provenance.of_frame(frame).get("problems", [])
        raise DataError("; ".join(sentences), problems=problems, frame=frame)
    for sentence in sentences:
        warn(sentence, IncompleteWarning if _NO_FIELD in sentence else DataWarning)
