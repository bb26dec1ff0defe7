"""Match the holders of licences with companies by name and by licence, without guessing.

This module owns the rules of a match and which of several wins. It must not know of owners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from sectorsdf.companies.names import PERSON, key_without_form, parse_company_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["NONE", "Match", "NameMatch", "NameMatcher", "match_rows"]

NONE: Final = "none"


class NameMatch(NamedTuple):
    """The company that the name of a holder leads to.

    Attributes
    ----------
    slug : str or None
        The company of the list.
    method : str
        exact, cleaned or none.
    key : str or None
        The key of the name.
    reason : str or None
        Why there is no company.
    is_person : bool
        Whether the holder is a private person.
    """

    slug: str | None
    method: str
    key: str | None
    reason: str | None
    is_person: bool = False


class Match(NamedTuple):
    """The company of one licence.

    Attributes
    ----------
    slug : str or None
        The company.
    method : str
        api, licence_number, exact, cleaned, reviewed or none.
    note : str or None
        What the sources disagree about.
    reason : str or None
        Why there is no company.
    """

    slug: str | None
    method: str
    note: str | None
    reason: str | None


class NameMatcher:
    """The companies of the list by their names.

    Parameters
    ----------
    companies : pandas.DataFrame
        The list: ``slug`` and ``name``, each slug once.
    """

    def __init__(self, companies: pd.DataFrame) -> None:
        self._by_name: dict[str, set[str]] = {}
        self._by_key: dict[str, set[str]] = {}
        self._by_stem: dict[str, set[str]] = {}
        self._keys: dict[str, str] = {}
        parsed = parse_company_name(companies["name"])
        for slug, name, key in zip(
            companies["slug"], companies["name"], parsed["key"], strict=True
        ):
            if pd.isna(key):
                continue
            self._keys[slug] = key
            self._by_name.setdefault(name, set()).add(slug)
            self._by_key.setdefault(key, set()).add(slug)
            self._by_stem.setdefault(key_without_form(key), set()).add(slug)

    def has_key(self, slug: str, key: str | None) -> bool:
        """Return whether the name of a company has this key."""
        return key is not None and self._keys.get(slug) == key

    def match(self, names: Iterable[str]) -> dict[str, NameMatch]:
        """Return what each of the names gives."""
        known = list(dict.fromkeys(names))
        parsed = parse_company_name(pd.Series(known, dtype="object")).astype("object")
        return {
            name: self._match(name, None if pd.isna(form) else form, None if pd.isna(key) else key)
            for name, form, key in zip(known, parsed["legal_form"], parsed["key"], strict=True)
        }

    def _match(self, name: str, form: str | None, key: str | None) -> NameMatch:
        if form == PERSON:
            return NameMatch(None, NONE, key, "the holder is a person", is_person=True)
        if key is None:
            return NameMatch(None, NONE, key, "the licence does not name its holder")
        found, method = self._by_name.get(name), "exact"
        if found is None:
            found, method = self._by_key.get(key), "cleaned"
        if found is None and form is None:
            # Some sources leave the legal form out. A name that has one is never matched with a
            # name of another or of none: those are different firms.
            found = self._by_stem.get(key)
        if found is None:
            return NameMatch(None, NONE, key, "the list has no company of this name")
        if len(found) > 1:
            reason = f"several companies of the list have this name: {', '.join(sorted(found))}"
            return NameMatch(None, NONE, key, reason)
        return NameMatch(next(iter(found)), method, key, None)


def match_rows(
    rows: pd.DataFrame,
    matcher: NameMatcher,
    recorded: Mapping[str, set[str]],
    reviewed: Mapping[str, str | None],
) -> list[Match]:
    """Return the company of each licence.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``wiup_code``, ``company_name`` and ``company_slug`` of the licences.
    matcher : NameMatcher
        The companies by name.
    recorded : mapping of str to set of str
        The companies whose records list a licence, by its code.
    reviewed : mapping of str to str or None
        The company that a person chose for the key of a name; None for no company.
    """
    frame = rows[["wiup_code", "company_name", "company_slug"]].astype("object")
    columns = [frame[name].where(frame[name].notna(), None).tolist() for name in frame]
    names = matcher.match(name for name in columns[1] if name is not None)
    nameless = NameMatch(None, NONE, None, "the licence does not name its holder")
    holders: dict[str, set[str | None]] = {}
    for code, name, _ in zip(*columns, strict=True):
        if code in recorded:
            holders.setdefault(code, set()).add(names.get(name, nameless).key)
    matches: list[Match] = []
    # Most licences have nothing but a name, so that one result serves many of them.
    known: dict[tuple[str | None, str | None, str | None], Match] = {}
    for code, name, api in zip(*columns, strict=True):
        question = (code if code in recorded else None, name, api)
        if question not in known:
            own = names.get(name, nameless) if name is not None else nameless
            known[question] = _decide(
                own,
                api,
                recorded.get(code, set()) if code is not None else set(),
                matcher,
                reviewed,
                shared=code in holders and len(holders[code]) > 1,
            )
        matches.append(known[question])
    return matches


def _decide(
    own: NameMatch,
    api: str | None,
    recorded: set[str],
    matcher: NameMatcher,
    reviewed: Mapping[str, str | None],
    *,
    shared: bool,
) -> Match:
    if own.is_person:
        notes = [f"api: the API has the licence under {api}"] if api is not None else []
        notes += [_in_record_of(recorded)] if recorded else []
        return Match(None, NONE, _joined(notes), own.reason)
    slug, method, notes = _from_sources(own, api, recorded, matcher, shared=shared)
    reason = own.reason if slug is None else None
    if own.key is not None and own.key in reviewed and reviewed[own.key] != slug:
        chosen = reviewed[own.key]
        if slug is not None:
            notes.append(f"reviewed: {chosen or 'no company'} instead of {slug} ({method})")
        if chosen is None:
            return Match(None, NONE, _joined(notes), "reviewed: no company of the list")
        return Match(chosen, "reviewed", _joined(notes), None)
    return Match(slug, method, _joined(notes), reason)


def _from_sources(
    own: NameMatch, api: str | None, recorded: set[str], matcher: NameMatcher, *, shared: bool
) -> tuple[str | None, str, list[str]]:
    """Return company and method as the sources give them, with what they contradict."""
    notes: list[str] = []
    named = {slug for slug in recorded if slug == own.slug or matcher.has_key(slug, own.key)}
    if len(named) == 1:
        slug, method = named.pop(), "licence_number"
    elif api in recorded:
        slug, method = api, "licence_number"
    elif api is not None:
        slug, method = api, "api"
    elif own.slug is not None:
        slug, method = own.slug, own.method
    elif len(recorded) == 1 and not shared:
        # A former name of the holder, or a subsidiary that the list does not have.
        slug, method = next(iter(recorded)), "licence_number"
        what = "has another name" if own.key is not None else "is not named by the licence"
        notes.append(f"holder: {slug} {what}, but its record lists the licence")
    else:
        slug, method = None, NONE
    others = recorded - {slug}
    if others:
        notes.append(_in_record_of(others))
    if api is not None and slug != api:
        notes.append(f"api: the API has the licence under {api}")
    if own.slug is not None and slug != own.slug:
        notes.append(f"holder: the name is that of {own.slug}")
    return slug, method, notes


def _in_record_of(slugs: set[str]) -> str:
    return f"licence_number: the licence is in the record of {', '.join(sorted(slugs))}"


def _joined(notes: list[str]) -> str | None:
    return "; ".join(notes) or None
