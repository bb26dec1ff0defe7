"""List companies with names similar to those of unlinked holders, for a person to confirm.

This module owns the scores. It imports rapidfuzz only when suggestions are made. Its results are
never links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sectorsdf.companies.inputs import require_columns, texts
from sectorsdf.companies.links import company_list
from sectorsdf.companies.matching import NONE, NameMatcher, match_rows
from sectorsdf.companies.names import PERSON, parse_company_name
from sectorsdf.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["suggest_links"]

_COLUMNS: Final = {
    "holder": "string",
    "legal_form": "string",
    "licenses": "Int64",
    "commodity_types": "string",
    "provinces": "string",
    "rank": "Int64",
    "company_slug": "string",
    "company_name": "string",
    "company_legal_form": "string",
    "company_commodity_types": "string",
    "ratio": "float64",
    "token_set_ratio": "float64",
    "confirmed": "boolean",
}
_FACTS: Final = {"commodity_types": "commodity_type", "provinces": "province"}
_LICENSE: Final = ("wiup_code", "company_name", "company_slug", *_FACTS.values())
_WHOLE: Final = 100


def suggest_links(
    licenses: pd.DataFrame,
    companies: pd.DataFrame,
    *,
    limit: int = 5,
    min_score: float = 85.0,
) -> pd.DataFrame:
    """List the companies whose names are most similar to those of holders without a link.

    Parameters
    ----------
    licenses : pandas.DataFrame
        As in `link_companies`. Holders that it links by their names or by the register's slug are
        left out, and so are persons.
    companies : pandas.DataFrame
        As in `link_companies`.
    limit : int, default 5
        The largest number of companies to list for one holder.
    min_score : float, default 85
        The lowest score, from 0 to 100, that one of the two scores has to reach.

    Returns
    -------
    pandas.DataFrame
        One row for each holder and company, the highest `ratio` first. A holder without a
        similar name gives no row. Columns:

        holder, legal_form (text); licenses (Int64)
            The name as a licence has it, its form, and how many licences have it.
        commodity_types, provinces (text)
            The commodities and provinces of those licences, separated by ``"; "``.
        rank (Int64)
            Place of the company among those of the holder, from 1.
        company_slug, company_name, company_legal_form, company_commodity_types (text)
            The company of the list.
        ratio, token_set_ratio (float64, 0 to 100)
            How similar the stems of the names are: letter by letter, and by their words, where
            words that only one of them has do not count.
        confirmed (boolean)
            Missing: for a person to fill in.

    Raises
    ------
    MissingExtraError
        The extra ``link`` (rapidfuzz) is not installed.
    ConfigurationError, TypeError
        As in `link_companies`; `limit` is below 1, or `min_score` is not from 0 to 100.

    See Also
    --------
    link_companies

    Notes
    -----
    No request is made. These are suggestions, and most of them are wrong: names of different firms
    share many words. Compare commodity, province and owners, set ``confirmed``, and pass the frame,
    or a CSV file of it, as ``reviewed`` to `link_companies`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import suggest_links
    >>> licenses = pd.DataFrame({"wiup_code": ["1"], "company_name": ["PT Contoh Energi Abadi"]})
    >>> companies = pd.DataFrame({"slug": ["pt-contoh-energy-abadi"], "symbol": [None]})
    >>> companies["name"] = "PT Contoh Energy Abadi"
    >>> suggested = suggest_links(licenses, companies)
    >>> print(suggested[["holder", "company_name", "ratio"]].round(1).to_string(index=False))
                    holder           company_name  ratio
    PT Contoh Energi Abadi PT Contoh Energy Abadi   94.7
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        message = f"limit must be a whole number of at least 1, not {limit!r}"
        raise ConfigurationError(message)
    if not 0 <= min_score <= _WHOLE:
        message = f"min_score must be a number from 0 to 100, not {min_score!r}"
        raise ConfigurationError(message)
    required = ("wiup_code", "company_name")
    frame = require_columns(licenses, required, "licenses", "get_mining_licenses")
    firms = company_list(companies)
    firms = firms.join(parse_company_name(firms["name"])[["legal_form", "stem"]])
    firms = firms.dropna(subset="stem").reset_index(drop=True)
    holders = _unlinked(texts(frame, _LICENSE), firms)
    ratio, token_set = _scores(holders["stem"].tolist(), firms["stem"].tolist())
    holder, firm = ((ratio >= min_score) | (token_set >= min_score)).nonzero()
    chosen = holders.iloc[holder].reset_index(drop=True).drop(columns="stem")
    names = {"slug": "company_slug", "name": "company_name", "legal_form": "company_legal_form"}
    names["commodity_types"] = "company_commodity_types"
    theirs = firms[list(names)].rename(columns=names).iloc[firm].reset_index(drop=True)
    pairs = pd.concat([chosen, theirs], axis=1)
    scores: dict[str, Any] = {
        "ratio": ratio[holder, firm],
        "token_set_ratio": token_set[holder, firm],
    }
    pairs = pairs.assign(**scores, confirmed=None).sort_values(
        ["ratio", "token_set_ratio", "holder", "company_slug"],
        ascending=[False, False, True, True],
        ignore_index=True,
    )
    pairs["rank"] = pairs.groupby("holder").cumcount() + 1
    pairs = pairs[pairs["rank"] <= limit].reset_index(drop=True)
    return pairs[list(_COLUMNS)].astype(_COLUMNS)


def _unlinked(rows: pd.DataFrame, firms: pd.DataFrame) -> pd.DataFrame:
    """Return the names of holders that have no link, with what is known of their licences."""
    methods = [match.method for match in match_rows(rows, NameMatcher(firms), {}, {})]
    parsed = parse_company_name(rows["company_name"])
    persons = parsed["legal_form"].fillna("") == PERSON
    is_open = pd.Series(methods, rows.index) == NONE
    is_open = is_open & parsed["stem"].notna() & ~persons.astype(bool)
    names = rows["company_name"].rename("holder")
    rows = rows.assign(holder=names, legal_form=parsed["legal_form"], stem=parsed["stem"])[is_open]
    groups = rows.groupby("holder", sort=True)
    holders = groups.agg(
        legal_form=("legal_form", "first"), stem=("stem", "first"), licenses=("holder", "size")
    )
    for name, column in _FACTS.items():
        holders[name] = groups[column].agg(_values)
    return holders.reset_index()


def _values(column: pd.Series) -> str | None:
    return "; ".join(sorted(set(column.dropna()))) or None


def _scores(
    names: list[str], others: list[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return two scores for each pair of names."""
    try:
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'suggestions need rapidfuzz: pip install "sectorsdf[link]" ({error})'
        raise MissingExtraError(message) from None
    scorers = (fuzz.ratio, fuzz.token_set_ratio)
    ratio, token_set = (
        process.cdist(names, others, scorer=scorer, dtype=np.float64) for scorer in scorers
    )
    return ratio, token_set
