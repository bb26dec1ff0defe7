"""Read the links between names and companies that a person has confirmed.

This module owns the format of such a frame or CSV file. It must not change what the person wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.companies.inputs import require_columns, texts
from sectorsdf.companies.names import PERSON, parse_company_name
from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["read_reviewed"]

_YES: Final = frozenset({"true", "yes", "y", "1", "1.0", "x"})
_NO: Final = frozenset({"false", "no", "n", "0", "0.0", ""})


def read_reviewed(
    reviewed: pd.DataFrame | str | os.PathLike[str] | None, known: Container[str]
) -> dict[str, str | None]:
    """Return the company that a person chose for the key of each name, or None for no company.

    Parameters
    ----------
    reviewed : pandas.DataFrame, path of a CSV file, or None
        ``holder`` and ``company_slug``. A row without a slug says that the list does not have the
        holder. If there is a column ``confirmed``, only the rows where it is true count.
    known : container of str
        The slugs of the list.

    Raises
    ------
    ConfigurationError
        A column is missing, a value of ``confirmed`` is neither yes nor no, a slug is not in the
        list, a name is that of a person or is none, or a name has two companies.
    """
    if reviewed is None:
        return {}
    if isinstance(reviewed, str | os.PathLike):
        # Each value as text, and an empty one as missing: nothing is converted on the way.
        reviewed = pd.read_csv(reviewed, dtype="string", keep_default_na=False, na_values=[""])
    frame = require_columns(reviewed, ("holder", "company_slug"), "reviewed", "suggest_links")
    rows = texts(frame, ["holder", "company_slug"])
    if "confirmed" in frame.columns:
        rows = rows[_is_yes(frame["confirmed"]).to_numpy()]
    parsed = parse_company_name(rows["holder"])
    chosen: dict[str, str | None] = {}
    for holder, slug, form, key in zip(
        rows["holder"], rows["company_slug"], parsed["legal_form"], parsed["key"], strict=True
    ):
        if pd.isna(key):
            message = f"reviewed: {holder!r} is not the name of a holder"
            raise ConfigurationError(message)
        choice = None if pd.isna(slug) else str(slug).strip()
        if choice is not None and form == PERSON:
            message = f"reviewed: {holder!r} is a person, who cannot be linked to a company"
            raise ConfigurationError(message)
        if choice is not None and choice not in known:
            message = f"reviewed: {choice!r} (for {holder!r}) is no slug of the companies"
            raise ConfigurationError(message)
        if chosen.setdefault(key, choice) != choice:
            message = (
                f"reviewed: {holder!r} has two companies, {chosen[key]!r} and {choice!r}; "
                "a name can have one"
            )
            raise ConfigurationError(message)
    return chosen


def _is_yes(column: pd.Series) -> pd.Series:
    answers = column.astype("string").str.strip().str.casefold().fillna("")
    yes = answers.isin(_YES)
    wrong = answers[~yes & ~answers.isin(_NO)]
    if len(wrong):
        message = (
            f"reviewed: confirmed must be true or false (or yes, no, empty), not {wrong.iloc[0]!r}"
        )
        raise ConfigurationError(message)
    return yes
