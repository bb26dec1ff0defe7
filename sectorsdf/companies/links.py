"""Link licences to the companies that hold them, and these to their nearest listed owner.

This module owns the frame of links. It must not link names that are only similar: `suggestions`
lists those for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from sectorsdf.companies.contradictions import contradictions
from sectorsdf.companies.inputs import edges_of, require_columns, symbols_of, texts
from sectorsdf.companies.matching import NameMatcher, match_rows
from sectorsdf.companies.ownership import Shares
from sectorsdf.companies.reviewed import read_reviewed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = ["LINK_COLUMNS", "LINK_METHODS", "company_list", "link_companies"]

LINK_METHODS: Final = ("licence_number", "api", "exact", "cleaned", "reviewed", "none")
"""How a licence can be linked to its company."""

LINK_COLUMNS: Final = {
    "position": "Int64",
    "wiup_code": "string",
    "holder": "string",
    "company_slug": "string",
    "company_name": "string",
    "link_method": "string",
    "symbol": "string",
    "listed_slug": "string",
    "hops": "Int64",
    "effective_pct": "float64",
    "owners": "Int64",
    "contradictions": "string",
    "reason_missing": "string",
}
"""The columns of the links, with their dtypes."""

_LICENSE: Final = ("wiup_code", "company_name", "company_slug", "commodity_type", "province")
_COMPANY: Final = ("slug", "name", "symbol", "commodity_types", "operation_province")


def link_companies(
    licenses: pd.DataFrame,
    companies: pd.DataFrame,
    ownership: pd.DataFrame | None = None,
    *,
    details: pd.DataFrame | None = None,
    reviewed: pd.DataFrame | str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Link each licence to the company that holds it, and to the nearest listed owner.

    Parameters
    ----------
    licenses : pandas.DataFrame
        Licences as `get_mining_licenses` returns them: ``wiup_code`` and ``company_name``.
        ``company_slug`` is used, and ``commodity_type`` and ``province`` are compared, if they are
        there. Auctions have these columns too.
    companies : pandas.DataFrame
        The whole list as `get_mining_companies` returns it: ``slug``, ``name`` and ``symbol``. A
        frame of `get_mining_company` also has the province of the operation.
    ownership : pandas.DataFrame, optional
        Edges as `get_mining_company_ownership` returns them. Without them, only companies that are
        listed themselves have a symbol.
    details : pandas.DataFrame, optional
        Licences in the companies' records, as `get_mining_company_licenses` returns them: ``slug``
        and ``wiup_code``.
    reviewed : pandas.DataFrame or path of a CSV file, optional
        Links that a person has confirmed: ``holder`` and ``company_slug``, as `suggest_links`
        proposes them. If there is a column ``confirmed``, only its true rows count. A row without
        a slug says that the list does not have the holder. Where they differ, these links take
        precedence over all others.

    Returns
    -------
    pandas.DataFrame
        One row for each licence, in the order and with the index of `licenses`. Columns:

        position (Int64), wiup_code (text)
            Number of the row in `licenses`, from 0; its code, which can be missing or repeated.
        holder, company_slug, company_name (text)
            The holder as the licence names it; the company of the list.
        link_method (text)
            licence_number: the record of the company lists the licence, and the company has the
            holder's name or the register's slug, or no other source names the holder. api: the
            register has the slug. exact: the names are equal. cleaned: their keys are equal (see
            `parse_company_name`), or the holder's name has no legal form and one company has its
            stem. reviewed: a person confirmed it. none: no link. The first that applies is used.
        symbol, listed_slug (text)
            The nearest listed owner, the company itself included: the one over the fewest steps,
            among several of them the one with the largest share. `owners_of` gives all.
        hops (Int64)
            Steps to that owner; 0 if the company is listed itself.
        effective_pct (float64, %)
            What that owner holds of the company over all paths, as in `owners_of`.
        owners (Int64)
            How many listed owners the company has, itself included; missing without `ownership`.
        contradictions (text)
            What does not agree, each part with its subject: ``commodity`` and ``province`` of
            licence and company, ``holder`` (another name), ``api``, ``licence_number`` (records of
            other companies list the licence) or ``reviewed``. Missing if nothing differs.
        reason_missing (text)
            Why there is no company, no listed owner or no percentage.

    Raises
    ------
    ConfigurationError
        A frame lacks a column, as does a frame of another dataset, or `reviewed` cannot be used.
    TypeError
        An argument is no DataFrame.

    See Also
    --------
    suggest_links, owners_of, check_ownership

    Notes
    -----
    No request is made, and no credit is spent. Names that are only similar are never linked, and
    neither are persons. Where the records of several companies list one licence (a parent lists
    that of a subsidiary), the company with the holder's name is used; if none has it, the licence
    is not linked, and `contradictions` says so.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import link_companies
    >>> licenses = pd.DataFrame(
    ...     {"wiup_code": ["1", "2"], "company_name": ["CONTOH BARA, PT.", "CV Contoh Bara"]}
    ... )
    >>> companies = pd.DataFrame(
    ...     {
    ...         "slug": ["pt-contoh-bara", "pt-contoh-tbk"],
    ...         "name": ["PT Contoh Bara", "PT Contoh Tbk"],
    ...         "symbol": [None, "CQAA.JK"],
    ...     }
    ... )
    >>> ownership = pd.DataFrame(
    ...     [("pt-contoh-tbk", "pt-contoh-bara", 75.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> links = link_companies(licenses, companies, ownership)
    >>> columns = ["holder", "link_method", "symbol", "hops", "effective_pct"]
    >>> print(links[columns].to_string(index=False))
              holder link_method  symbol  hops  effective_pct
    CONTOH BARA, PT.     cleaned CQAA.JK     1           75.0
      CV Contoh Bara        none    <NA>  <NA>            NaN
    """
    required = ("wiup_code", "company_name")
    rows = texts(require_columns(licenses, required, "licenses", "get_mining_licenses"), _LICENSE)
    firms = company_list(companies)
    matches = match_rows(
        rows, NameMatcher(firms), _recorded(details), read_reviewed(reviewed, set(firms["slug"]))
    )
    links = pd.DataFrame(matches, columns=["company_slug", "link_method", "note", "reason"])
    links = links.astype("string")
    links["position"] = range(len(links))
    links[["wiup_code", "holder"]] = rows[["wiup_code", "company_name"]]
    linked = links["company_slug"].map
    by_slug = firms.set_index("slug")
    links["company_name"] = linked(by_slug["name"])
    compared = rows[["commodity_type", "province"]].assign(
        **{name: linked(by_slug[name]) for name in ("commodity_types", "operation_province")}
    )
    links["contradictions"] = _joined(contradictions(compared), links["note"])
    owners = _listed_owners(links["company_slug"].dropna().unique(), firms, ownership)
    for name in ("symbol", "listed_slug", "hops", "effective_pct", "owners"):
        links[name] = linked(owners[name])
    links["reason_missing"] = links["reason"].fillna(linked(owners["reason_missing"]))
    return links[list(LINK_COLUMNS)].astype(LINK_COLUMNS).set_index(licenses.index)


def company_list(companies: object) -> pd.DataFrame:
    """Return the companies as text columns, each slug once, sorted by slug and name."""
    required = ("slug", "name", "symbol")
    frame = require_columns(companies, required, "companies", "get_mining_companies")
    rows = texts(frame, _COMPANY).dropna(subset="slug").sort_values(list(_COMPANY))
    return rows.drop_duplicates("slug").reset_index(drop=True)


def _recorded(details: object) -> dict[str, set[str]]:
    """Return the companies whose records list a licence, by its code."""
    if details is None:
        return {}
    required = ("slug", "wiup_code")
    frame = require_columns(details, required, "details", "get_mining_company_licenses")
    rows = texts(frame, required).dropna().drop_duplicates()
    recorded: dict[str, set[str]] = {}
    for slug, code in zip(rows["slug"], rows["wiup_code"], strict=True):
        recorded.setdefault(code, set()).add(slug)
    return recorded


def _joined(first: pd.Series, second: pd.Series) -> pd.Series:
    both = first.notna() & second.notna()
    return first.fillna(second).mask(both, first + "; " + second)


def _listed_owners(slugs: Iterable[str], firms: pd.DataFrame, ownership: object) -> pd.DataFrame:
    """Return the nearest listed owner of each company, itself included, by its slug."""
    symbols: dict[str, str] = {}
    shares = None
    if ownership is not None:
        edges = edges_of(ownership)
        shares = Shares(edges)
        known = symbols_of(edges)["symbol"].dropna()
        symbols.update(zip(known.index, known, strict=True))
    listed = firms.dropna(subset="symbol")
    symbols.update(zip(listed["slug"], listed["symbol"], strict=True))
    columns = ("symbol", "listed_slug", "hops", "effective_pct", "owners", "reason_missing")
    rows: dict[str, list[Any]] = {}
    for slug in slugs:
        found: list[tuple[int, float, str, float | None, str | None]] = []
        if slug in symbols:
            found.append((0, -100.0, slug, 100.0, None))
        for owner, share in shares.owners(slug).items() if shares is not None else ():
            if owner in symbols:
                part = share.effective_pct
                order = 1.0 if part is None else -part
                found.append((share.hops, order, owner, part, share.reason))
        count = len(found) if shares is not None else None
        if found:
            hops, _, owner, part, reason = min(found)
            rows[slug] = [symbols[owner], owner, hops, part, count, reason]
        else:
            reason = "no listed owner among the edges of ownership"
            if shares is None:
                reason = "the company is not listed, and ownership was not passed"
            rows[slug] = [None, None, None, None, count, reason]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype="object")
