"""Check companies, licences, destinations and breakdowns for what the API's own data get wrong.

Each check takes frames, changes none of them, and returns a frame with one row for each finding.
This module owns these checks and their limits. It must not import another module of this folder.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from sectorsdf.frames.inputs import require_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "check_breakdown",
    "check_companies",
    "check_company_licenses",
    "check_destinations",
]

_TEXT: Final = "string"
_FINDING: Final = {"check": _TEXT, "message": _TEXT}
_TEXTS: Final = {**_FINDING, "expected": _TEXT, "found": _TEXT}
_NUMBERS: Final = {**_FINDING, "expected": "float64", "found": "float64", "unit": _TEXT}
_COMPANIES: Final = dict.fromkeys(("slug", "name", "other_slug", "other_name"), _TEXT) | _TEXTS
_LICENSES: Final = dict.fromkeys(("slug", "wiup_code"), _TEXT) | _TEXTS
_DESTINATIONS: Final = {"slug": _TEXT, "year": "Int64", "destination": _TEXT, **_NUMBERS}
_DESTINATION_DTYPES: Final = {
    "slug": _TEXT,
    "year": "Int64",
    "destination": _TEXT,
    "is_region": "boolean",
    "volume": "Float64",
    "unit": _TEXT,
    "percentage_of_total_revenue": "Float64",
    "percentage_of_sales_volume": "Float64",
}
_BREAKDOWN: Final = {
    "slug": _TEXT,
    "year": "Int64",
    "statement": _TEXT,
    "item": _TEXT,
    **_NUMBERS,
}
_LEGAL_FORMS: Final = frozenset({"pt", "cv", "tbk", "persero"})
# Words of this length and longer count as the same if one edit makes them equal. Shorter ones are
# often different words.
_LONG: Final = 5
_MOST_EDITED_WORDS: Final = 2
# A total that ends in zeros is taken to be rounded or cut there, but by no more than this part.
_MOST_ROUNDED: Final = 0.005


def check_companies(companies: pd.DataFrame, ownership: pd.DataFrame | None = None) -> pd.DataFrame:
    """Report pairs of companies that look like one firm under two spellings.

    Parameters
    ----------
    companies : pandas.DataFrame
        The list of companies: ``slug`` and ``name``.
    ownership : pandas.DataFrame, optional
        Edges of ownership: ``parent_slug`` and ``child_slug``. Two companies of which one owns the
        other are not reported.

    Returns
    -------
    pandas.DataFrame
        One row for each pair: ``slug``, ``name``, ``other_slug``, ``other_name``, ``check``,
        ``message``, ``expected`` (the owners of the other company) and ``found`` (the owners of the
        first), both missing without `ownership` or without an owner. ``check`` is one of:

        same_name
            The names are the same without legal form, punctuation, spaces and case.
        similar_name
            Up to two words of five letters or more differ by one letter each, such as
            Internasional and International.

    Raises
    ------
    TypeError, ValueError
        An argument is not a DataFrame, or a column is missing.
    """
    require_columns(companies, ["slug", "name"], "get_mining_companies")
    pairs = companies[["slug", "name"]].astype("string").dropna().drop_duplicates("slug")
    firms = [
        (slug, name, _words_of(name))
        for slug, name in zip(pairs["slug"].tolist(), pairs["name"].tolist(), strict=True)
    ]
    owners, edges = _owners(ownership)
    findings = []
    for (slug, name, words), (other_slug, other_name, other_words) in combinations(firms, 2):
        check = _same_firm(words, other_words)
        if check is None or (slug, other_slug) in edges or (other_slug, slug) in edges:
            continue
        message = "the names are the same" if check == "same_name" else "the names are similar"
        here, there = owners.get(slug), owners.get(other_slug)
        if here and there:
            message += ", and the owner is the same" if here == there else ", with other owners"
        findings.append(
            {
                "slug": slug,
                "name": name,
                "other_slug": other_slug,
                "other_name": other_name,
                "check": check,
                "message": f"{message}; it may be one firm",
                "expected": there,
                "found": here,
            }
        )
    return _frame(findings, _COMPANIES)


def _words_of(name: str) -> tuple[str, ...]:
    words = re.findall(r"[^\W_]+", name.casefold())
    return tuple(word for word in words if word not in _LEGAL_FORMS)


def _owners(ownership: pd.DataFrame | None) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return the owners of each company as one text, and all edges."""
    if ownership is None:
        return {}, set()
    require_columns(ownership, ["parent_slug", "child_slug"], "get_mining_company_ownership")
    ends = ownership[["parent_slug", "child_slug"]].astype("string").dropna()
    edges = set(zip(ends["parent_slug"].tolist(), ends["child_slug"].tolist(), strict=True))
    parents: dict[str, list[str]] = {}
    for parent, child in sorted(edges):
        parents.setdefault(child, []).append(parent)
    return {child: ", ".join(slugs) for child, slugs in parents.items()}, edges


def _same_firm(words: Sequence[str], others: Sequence[str]) -> str | None:
    if not words or not others:
        return None
    if "".join(words) == "".join(others):
        return "same_name"
    if len(words) != len(others):
        return None
    edited = 0
    for word, other in zip(words, others, strict=True):
        if word != other:
            edited += 1
            if edited > _MOST_EDITED_WORDS or not _one_edit(word, other):
                return None
    return "similar_name"


def _one_edit(word: str, other: str) -> bool:
    """Return whether one letter more, less or other makes two long words equal."""
    if len(word) > len(other):
        word, other = other, word
    if len(word) < _LONG or len(other) - len(word) > 1 or not f"{word}{other}".isalpha():
        return False
    first = next((i for i, letter in enumerate(word) if letter != other[i]), len(word))
    rest = word[first:] if len(word) < len(other) else word[first + 1 :]
    return first > 0 and rest == other[first + 1 :]


def check_company_licenses(company_licenses: pd.DataFrame, licenses: pd.DataFrame) -> pd.DataFrame:
    """Report licences in companies' records that the register has under another company.

    Parameters
    ----------
    company_licenses : pandas.DataFrame
        Licences as the companies' records list them: ``slug`` and ``wiup_code``.
    licenses : pandas.DataFrame
        The register: ``wiup_code`` and ``company_slug``. A licence without a slug there, and one
        that the frame does not have, is not compared.

    Returns
    -------
    pandas.DataFrame
        One row for each finding: ``slug``, ``wiup_code``, ``check``, ``message``, ``expected`` and
        ``found``. ``check`` is one of:

        other_company
            The register has the licence under another company, such as a subsidiary. ``expected``
            is the register's slug, ``found`` that of the record.
        several_companies
            The records of several companies list the licence. ``found`` has their slugs.

    Raises
    ------
    TypeError, ValueError
        An argument is not a DataFrame, or a column is missing.
    """
    require_columns(company_licenses, ["slug", "wiup_code"], "get_mining_company_licenses")
    require_columns(licenses, ["wiup_code", "company_slug"], "get_mining_licenses")
    listed = company_licenses[["slug", "wiup_code"]].astype("string").dropna().drop_duplicates()
    register = licenses[["wiup_code", "company_slug"]].astype("string").dropna()
    owners = register.groupby("wiup_code")["company_slug"].agg(lambda slugs: sorted({*slugs}))
    companies = listed.groupby("wiup_code")["slug"].agg(lambda slugs: sorted({*slugs}))
    findings = []
    for slug, code in zip(listed["slug"].tolist(), listed["wiup_code"].tolist(), strict=True):
        finding = {"slug": slug, "wiup_code": code}
        registered = owners.get(code, [])
        if registered and slug not in registered:
            findings.append(
                {
                    **finding,
                    "check": "other_company",
                    "message": "the register has this licence under another company, which can be "
                    "a subsidiary",
                    "expected": ", ".join(registered),
                    "found": slug,
                }
            )
        if len(companies[code]) > 1:
            findings.append(
                {
                    **finding,
                    "check": "several_companies",
                    "message": "the records of several companies list this licence",
                    "found": ", ".join(companies[code]),
                }
            )
    return _frame(findings, _LICENSES)


def check_destinations(destinations: pd.DataFrame) -> pd.DataFrame:
    """Report sales destinations that are no country, and figures that cannot be a destination's.

    Parameters
    ----------
    destinations : pandas.DataFrame
        Sales destinations, with the columns of `get_mining_sales_destinations`.

    Returns
    -------
    pandas.DataFrame
        One row for each finding: ``slug``, ``year``, ``destination``, ``check``, ``message``,
        ``expected``, ``found`` and ``unit``. ``check`` is one of:

        region
            The destination is a region or a rest, so it must not be counted with countries.
        whole_volume
            One destination has a volume and the others have none, but its share of the volume says
            that it is not the only one: it is probably the volume of all. ``expected`` is the part
            of that volume that the share gives.
        shares
            The percentages of a company and year do not add up to 100, by more than rounding.

    Raises
    ------
    TypeError, ValueError
        An argument is not a DataFrame, or a column is missing.
    """
    require_columns(destinations, list(_DESTINATION_DTYPES), "get_mining_sales_destinations")
    frame = destinations[list(_DESTINATION_DTYPES)].astype(_DESTINATION_DTYPES)
    findings: list[dict[str, Any]] = []
    for (slug, year), rows in frame.groupby(["slug", "year"], dropna=False, sort=False):
        key = {"slug": slug, "year": year}
        regions = rows.loc[rows["is_region"].fillna(value=False), "destination"]
        findings += [
            {
                **key,
                "destination": destination,
                "check": "region",
                "message": "a region or a rest, and no country",
            }
            for destination in regions
        ]
        findings += _whole_volume(rows, key)
        for name, what in (
            ("percentage_of_total_revenue", "revenue"),
            ("percentage_of_sales_volume", "volume"),
        ):
            findings += _shares(rows[name], what, key)
    return _frame(findings, _DESTINATIONS)


def _whole_volume(rows: pd.DataFrame, key: Mapping[str, object]) -> list[dict[str, Any]]:
    alone = rows[rows["volume"].notna()]
    share = alone["percentage_of_sales_volume"]
    if len(alone) != 1 or len(rows) < 2 or share.isna().any() or share.iloc[0] >= 100:
        return []
    volume = float(alone["volume"].iloc[0])
    return [
        {
            **key,
            "destination": alone["destination"].iloc[0],
            "check": "whole_volume",
            "message": f"the only volume of {len(rows)} destinations, but it has only "
            f"{share.iloc[0]:g} % of the volume; probably it is the volume of all",
            "expected": volume * float(share.iloc[0]) / 100,
            "found": volume,
            "unit": alone["unit"].iloc[0],
        }
    ]


def _shares(shares: pd.Series, what: str, key: Mapping[str, object]) -> list[dict[str, Any]]:
    known = [float(share) for share in shares.dropna()]
    total = sum(known)
    # A share is taken to be rounded at the last decimal of the most precise one.
    decimals = max((len(f"{share!r}".partition(".")[2].rstrip("0")) for share in known), default=0)
    if not known or abs(total - 100) <= len(known) * 0.5 * 10.0**-decimals + 1e-9:
        return []
    missing = len(shares) - len(known)
    message = f"the shares of the {what} do not add up to 100 %"
    if missing:
        message += f"; {missing} of {len(shares)} destinations have none"
    return [
        {**key, "check": "shares", "message": message, "expected": 100.0, "found": total}
        | {"unit": "%"}
    ]


def check_breakdown(breakdown: pd.DataFrame, financials: pd.DataFrame) -> pd.DataFrame:
    """Report items of revenue and its cost that do not fit the company's total.

    Parameters
    ----------
    breakdown : pandas.DataFrame
        Items: ``slug``, ``year``, ``statement``, ``item``, ``value`` and ``unit``.
    financials : pandas.DataFrame
        Totals: ``slug``, ``year``, ``revenue_usd`` and ``cost_of_revenue_usd``. Items without a
        total are not compared.

    Returns
    -------
    pandas.DataFrame
        One row for each finding: ``slug``, ``year``, ``statement``, ``item``, ``check``,
        ``message``, ``expected``, ``found`` and ``unit``. ``check`` is one of:

        items_above_total
            The items add up to more than the total: a sub-total among them, or another scale.
        items_below_total
            The items of the revenue add up to less than the total. Those of its cost usually do,
            because companies name only some of them, so they are not reported.
        item_above_total
            One item is above the total.
        percentages
            The items in percent do not add up to 100.

    Raises
    ------
    TypeError, ValueError
        An argument is not a DataFrame, or a column is missing.
    """
    columns = ["slug", "year", "statement", "item", "value", "unit"]
    require_columns(breakdown, columns, "get_mining_company_breakdown")
    require_columns(financials, ["slug", "year"], "get_mining_company_financials")
    items = breakdown[columns].astype({"year": "Int64", "value": "Float64"})
    totals: dict[tuple[object, object], Mapping[Any, Any]] = {}
    for row in financials.to_dict("records"):
        totals.setdefault((row["slug"], row["year"]), row)
    findings: list[dict[str, Any]] = []
    for (slug, year, statement), rows in items.groupby(["slug", "year", "statement"], sort=False):
        key = {"slug": slug, "year": year, "statement": statement}
        percents = [float(v) for v in rows.loc[rows["unit"] == "%", "value"].dropna()]
        if percents and abs(sum(percents) - 100) > 0.5 * len(percents) + 1e-9:
            message = "the items in percent do not add up to 100"
            finding = {"check": "percentages", "message": message, "unit": "%"}
            findings.append({**key, **finding, "expected": 100.0, "found": sum(percents)})
        total = totals.get((slug, year), {}).get(f"{statement}_usd")
        amounts = rows[(rows["unit"] == "USD") & rows["value"].notna()]
        if not pd.isna(total) and len(amounts):
            findings += _against_total(amounts, float(total), key)
    return _frame(findings, _BREAKDOWN)


def _against_total(
    amounts: pd.DataFrame, total: float, key: Mapping[str, object]
) -> list[dict[str, Any]]:
    zeros = len(f"{abs(total):.0f}") - len(f"{abs(total):.0f}".rstrip("0"))
    tolerance = max(min(10.0**zeros, _MOST_ROUNDED * abs(total)), 1e-9 * abs(total))
    found = float(amounts["value"].sum())
    finding = {**key, "expected": total, "unit": "USD"}
    findings = []
    if found - total > tolerance:
        message = "the items add up to more than the total"
        check = {"check": "items_above_total", "message": message, "found": found}
        findings.append({**finding, **check})
    elif total - found > tolerance and key["statement"] == "revenue":
        message = "the items add up to less than the total"
        check = {"check": "items_below_total", "message": message, "found": found}
        findings.append({**finding, **check})
    for item, value in zip(amounts["item"].tolist(), amounts["value"].tolist(), strict=True):
        if value - total > tolerance:
            message = "one item is above the total"
            check = {"item": item, "check": "item_above_total", "message": message}
            findings.append({**finding, **check, "found": float(value)})
    return findings


def _frame(findings: Iterable[Mapping[str, Any]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Return findings as a frame, with the same dtypes also if there are none."""
    rows = [{name: finding.get(name) for name in dtypes} for finding in findings]
    return pd.DataFrame(rows, columns=list(dtypes), dtype="object").astype(dict(dtypes))
