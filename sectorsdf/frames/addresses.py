"""Leave people's e-mail addresses out of records, and report where one was left out.

This module must not import a module that fetches or stores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.frames.lossless_json import RepeatedField

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["LEFT_OUT", "REASON", "contact_fields", "left_out_of", "without_emails"]

LEFT_OUT = "(e-mail address left out)"
REASON = "an e-mail address was left out"
_LONGEST_RAW = 200
_WORD = r"[^\W_](?:[\w-]{0,62}[^\W_])?"
# A name before the sign, in quotation marks or without a space, and after it a domain that has a
# point and ends in letters: "Blok A@B" and "Pit @2024/Q1@west" are names of places. The lengths are
# bounded, or a long text would take for ever.
_ADDRESS = re.compile(
    r"""(?:"[^"@\n]{1,128}"|[^\s@\uff20"'<>()\[\],:;\\]{1,128})"""
    rf"""[@\uff20](?:{_WORD}[.\uff0e\u3002])+[^\W\d_]{{2,63}}"""
)


def contact_fields(dataset: Dataset) -> frozenset[str]:
    """Return the fields of an endpoint's records that hold e-mail addresses of people."""
    same = (known for known in DATASETS.values() if known.path == dataset.path)
    return frozenset(column.source for known in same for column in known.contacts)


def without_emails(value: Any, fields: Collection[str] = ()) -> Any:  # noqa: ANN401
    """Return a record without any e-mail address, whichever field it is in.

    A record without an address is returned as it is.

    Parameters
    ----------
    value : object
        The record, or a value in it.
    fields : collection of str
        Fields whose whole text is left out, whether it looks like an address or not.
    """
    # Without recursion, because the value may be nested more deeply than Python's calls can be.
    root = [value]
    containers: list[Any] = [root]
    changed = False
    for container in containers:
        is_object = isinstance(container, dict)
        members = list(container.items() if is_object else enumerate(container))
        if is_object:
            container.clear()
        for name, item in members:
            kept, key = item, _without_addresses(name) if is_object else name
            if isinstance(item, str):
                kept = LEFT_OUT if name in fields and item else _without_addresses(item)
            changed |= kept is not item or key is not name
            if isinstance(item, dict | list):
                kept = item.copy()
                containers.append(kept)
            container[key] = kept
    return root[0] if changed else value


def _without_addresses(text: str) -> str:
    if ("@" not in text and "\uff20" not in text) or not _ADDRESS.search(text):
        # A number that is a subclass of str must stay as it is.
        return text
    if isinstance(text, RepeatedField):
        return RepeatedField(without_emails(list(text.values)))
    return _ADDRESS.sub(LEFT_OUT, text)


def left_out_of(frame: pd.DataFrame, key: Sequence[str]) -> list[dict[str, Any]]:
    """Return a problem for each text of a frame out of which an address was left.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of addressed records.
    key : sequence of str
        The columns that identify a row.
    """
    found = []
    for column in frame.columns:
        if not pd.api.types.is_string_dtype(frame[column].dtype):
            continue
        changed = frame[column].str.contains(LEFT_OUT, regex=False).fillna(value=False)
        for row in changed.to_numpy(dtype=bool).nonzero()[0].tolist():
            cells = {name: frame[name].iloc[row] for name in key}
            found.append(
                {
                    "row": row,
                    "key": {
                        name: None if pd.isna(cell) else str(cell) for name, cell in cells.items()
                    },
                    "column": str(column),
                    "raw": str(frame[column].iloc[row])[:_LONGEST_RAW],
                    "reason": REASON,
                }
            )
    return found
