"""TODO."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from sectorsdf.errors import DataError, DataWarning
from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = ["report_problems", "warn"]


def _is_inside(module: object) -> bool:
    return f"{module}.".startswith("sectorsdf.")


def warn(message: str, category: type[Warning] = DataWarning) -> None:
    """Warn about the data, pointing at the line outside this package that asked for it."""
    level, caller = 1, sys._getframe(1)
    while caller.f_back is not None and _is_inside(caller.f_globals.get("__name__")):
        level, caller = level + 1, caller.f_back
    warnings.warn(message, category, stacklevel=level + 1)


def complaints_of(
    dataset: Dataset,
    problems: Sequence[Mapping[str, Any]],
    further: Sequence[str],
    lacking: Mapping[str, int | None],
) -> list[str]:
    """Say in one sentence each what does not fit the declaration."""
    found = []
    if problems:
        first = problems[0]
        key = ", ".join(f"{name} {value}" for name, value in first["key"].items())
        found.append(
            f"{dataset.name}: {len(problems)} value(s) do not fit their column and are missing; "
            f"the first is {first['column']} = {first['raw']!r:.200} ({first['reason']}) at {key}. "
            f'All stand in frame.attrs["{ATTRS}"]["problems"].'
        )
    if further:
        found.append(
            f"{dataset.name}: the API sent field(s) that are not declared: {', '.join(further)}. "
            "They stand as further columns at the end."
        )
    if lacking:
        names = ", ".join(
            name if count is None else f"{name} ({count} rows)" for name, count in lacking.items()
        )
        found.append(f"{dataset.name}: declared field(s) are absent from the answer: {names}.")
    return found


def report_problems(dataset: Dataset, frame: pd.DataFrame, *, strict: bool) -> None:
    """Warn again of what a frame's provenance says that does not fit, or raise it.

    Raises
    ------
    DataError
        With `strict`, where anything does not fit; it carries the frame.
    """
    facts = frame.attrs[ATTRS]
    lacking = dict.fromkeys(facts["missing_fields"])
    complaints = complaints_of(dataset, facts["problems"], facts["unknown_fields"], lacking)
    warn_or_raise(complaints, frame, strict=strict)


def warn_or_raise(complaints: Sequence[str], frame: pd.DataFrame, *, strict: bool) -> None:
    if strict and complaints:
        problems = frame.attrs[ATTRS]["problems"]
        raise DataError("; ".join(complaints), problems=problems, frame=frame)
    for complaint in complaints:
        warn(complaint)
