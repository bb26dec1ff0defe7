"""Turn a getter's filters into the API's parameters, and refuse what cannot be sent.

Everything here happens before a request, so a refusal costs nothing. This module must not import a
module that fetches.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import quote

from sectorsdf.errors import FilterError
from sectorsdf.places import province_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = ["checked_max_rows", "path_for", "refuse_unknown", "to_query"]


_LONGEST_SHOWN = 200
_MOST_LISTED = 12
_MOST_DIGITS = 100
_SLUG = re.compile(r"[a-z0-9()]+(?:-[a-z0-9()]+)*")
_PAGING = {
    "limit": "the getter fetches every page, each with the API's maximum of 30 rows; use max_rows "
    "to stop early",
    "offset": "the getter fetches every page; use filters, or slice the frame",
}


def refuse_unknown(
    dataset: Dataset, unknown: Mapping[str, object], options: Collection[str] = ()
) -> None:
    """Refuse keywords that are not a filter of the endpoint, and say why.

    Parameters
    ----------
    dataset : Dataset
        Declares the filters.
    unknown : mapping
        The keywords that the getter does not have, with their values.
    options : collection of str
        The getter's other keywords. Of a filter that takes several values, one is its plural.

    Raises
    ------
    FilterError
        If there is such a keyword.
    """
    filters = [_keyword(entry.name, options) for entry in dataset.filters]
    for name, value in unknown.items():
        if name in _PAGING and dataset.is_list and filters:
            message = f"{name} is not a filter here: {_PAGING[name]}."
            raise FilterError(message, name=name, value=value)
        keywords = list(dict.fromkeys([*filters, *options]))
        near = difflib.get_close_matches(name, keywords, n=2, cutoff=0.6)
        none = "It has no filters: its rows are addressed by key."
        has = f"It has {', '.join(filters)}." if filters else none
        message = f"{dataset.name} has no filter {name!r}.{_hint(near)} {has}"
        raise FilterError(message, name=name, value=value, suggestions=near)


def _keyword(name: str, options: Collection[str]) -> str:
    """Return the keyword of a filter: its own name, or the plural that the getter has instead."""
    plurals = (f"{name}s", f"{name[:-1]}ies")
    return next((plural for plural in plurals if plural in options), name)


def _hint(near: list[str]) -> str:
    return f" Did you mean {' or '.join(repr(entry) for entry in near)}?" if near else ""


def to_query(
    dataset: Dataset, filters: Mapping[str, object], *, validate: bool = True
) -> dict[str, str]:
    """Return the API's parameters for the filters that are not None.

    Parameters
    ----------
    dataset : Dataset
        Declares the filters and their values.
    filters : mapping
        The filters as the caller gave them.
    validate : bool
        Refuse a value that the vocabulary does not list.

    Raises
    ------
    FilterError
        If a value has the wrong type or, with `validate`, is not in the vocabulary.
    """
    query = {}
    for name, value in filters.items():
        if value is None:
            continue
        declared = dataset.filter(name)
        if declared is None:
            refuse_unknown(dataset, {name: value})
            continue
        if _is_missing(value):
            message = (
                f"{name}={_shown(value)} is a missing value and selects nothing: leave the filter "
                "out to select all rows, or pass None."
            )
            raise FilterError(message, name=name, value=value)
        # Only the getters of lists have the option.
        rule = _Rule(declared, validate, "; validate=False sends it anyway" * dataset.is_list)
        query[name] = _CHECKS[declared.kind](rule, value)
    if query.get("qualified") == "true" and "participant" not in query:
        message = (
            "qualified=True needs participant: it asks for the auctions in which that company "
            "passed the prequalification. Give participant='part of its name' as well."
        )
        raise FilterError(message, name="qualified", value=True)
    return query


class _Rule(NamedTuple):
    """What a value is checked by.

    Attributes
    ----------
    declared : Filter
        The filter.
    validate : bool
        Refuse a value that the vocabulary does not list.
    way_out : str
        What an error about such a value says of the option that sends it; "" without one.
    """

    declared: Filter
    validate: bool
    way_out: str


def _shown(value: object) -> str:
    """Return a value as an error shows it: short, even if its own text cannot be made."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an int of thousands of digits has none, nor has a bad class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _is_missing(value: object) -> bool:
    """Return whether a value is a NaN, or the missing value of pandas, which is not imported."""
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    # `math.isnan` fails for a whole number that no float can hold.
    return isinstance(value, Real) and not isinstance(value, Integral) and math.isnan(value)


def _refuse(rule: _Rule, value: object, right: str, near: list[str] | None = None) -> NoReturn:
    # The suggestion comes first, because the list of values can be long.
    hint = _hint(near or [])
    name = rule.declared.name
    message = f"{name}={_shown(value)} cannot be sent."
    message += f"{hint} {right[0].upper()}{right[1:]}."
    raise FilterError(message, name=name, value=value, suggestions=near or ())


def _text(rule: _Rule, value: object) -> str:
    if not isinstance(value, str):
        _refuse(rule, value, "it takes a string")
    # `str()` of a subclass, such as an enumeration, need not return its characters.
    text = str.__str__(value)
    if not text.strip():
        _refuse(rule, value, "an empty string selects nothing; leave the filter out instead")
    if not _is_sendable(text):
        _refuse(rule, value, "it holds half of a surrogate pair, which UTF-8 cannot encode")
    if rule.validate and text.strip().casefold() in rule.declared.never:
        seen = ", ".join(map(repr, rule.declared.seen))
        _refuse(rule, value, f"the API's own words are needed; seen so far: {seen}{rule.way_out}")
    return text


def _is_sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _choice(rule: _Rule, value: object) -> str:
    text = _text(rule, value)
    declared = rule.declared
    if not rule.validate or text in declared.values:
        return text
    folded = {entry.casefold(): entry for entry in declared.values}
    same = folded.get(text.strip().casefold())
    if same is not None and declared.ignores_case:
        return same
    known_name = province_name(text) if declared.name == "province" else None
    if known_name is not None and known_name not in declared.values:
        message = f"the API's list has no rows of {known_name}{rule.way_out}"
        _refuse(rule, value, message)
    close = difflib.get_close_matches(text.strip().casefold(), folded, n=3, cutoff=0.6)
    within = [entry for entry in folded if text.strip().casefold() in entry][:3]
    near = [folded[entry] for entry in dict.fromkeys([*close, *within])]
    if same is not None or known_name is not None:
        near = [str(same or known_name)]
    known = ", ".join(map(repr, declared.values[:_MOST_LISTED]))
    further = len(declared.values) - _MOST_LISTED
    known += f" and {further} more, see sectorsdf.vocabularies" if further > 0 else ""
    case = "" if declared.ignores_case else " (upper and lower case count)"
    _refuse(rule, value, f"the API knows {known}{case}{rule.way_out}", near)


def _slug(rule: _Rule, value: object) -> str:
    text = _text(rule, value)
    if rule.validate and not _SLUG.fullmatch(text):
        likely = "-".join(re.findall(r"[a-z0-9()]+", text.lower()))
        _refuse(
            rule,
            value,
            "it takes a slug: lower-case letters, digits, hyphens and parentheses, as in the "
            f"column company_slug{rule.way_out}",
            [likely] if likely else None,
        )
    return text


def _is_flag(value: object) -> bool:
    """Return whether a value is a boolean of Python or NumPy."""
    return type(value).__name__ in {"bool", "bool_"}


def _flag(rule: _Rule, value: object) -> str:
    if not _is_flag(value):
        _refuse(rule, value, "it takes True or False")
    return "true" if value else "false"


def _text_or_flag(rule: _Rule, value: object) -> str:
    if not isinstance(value, str) and not _is_flag(value):
        _refuse(rule, value, "it takes a status such as 'CNC', or True or False")
    check = _text if isinstance(value, str) else _flag
    return check(rule, value)


def _within(rule: _Rule, value: float) -> None:
    low, high = rule.declared.minimum, rule.declared.highest
    if rule.validate and ((low is not None and value < low) or (high is not None and value > high)):
        bounds = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        _refuse(rule, value, f"the API takes {bounds}{rule.way_out}")


def _whole(value: object) -> int | None:
    """Return a whole number of Python or NumPy; None for everything else."""
    if _is_flag(value):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _integer(rule: _Rule, value: object) -> str:
    number = _whole(value)
    # No server takes more digits, and Python limits how many it writes.
    if number is None or abs(number) >= 10**_MOST_DIGITS:
        _refuse(rule, value, "it takes a whole number")
    _within(rule, number)
    return str(number)


def _number(rule: _Rule, value: object) -> str:
    # float() would accept strings, bytes, and a column of one row.
    scalar = hasattr(value, "__float__") or hasattr(value, "__index__")
    if _is_flag(value) or not scalar or getattr(value, "ndim", 0) != 0:
        _refuse(rule, value, "it takes a number")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        _refuse(rule, value, "it takes a number")
    if not math.isfinite(number):
        _refuse(rule, value, "it takes a finite number")
    _within(rule, number)
    return repr(number)


_CHECKS = {
    "choice": _choice,
    "slug": _slug,
    "text": _text,
    "flag": _flag,
    "integer": _integer,
    "number": _number,
    "text_or_flag": _text_or_flag,
}


def checked_max_rows(max_rows: int | None) -> int | None:
    """Return `max_rows` if it is None or a whole number of at least 1.

    Raises
    ------
    FilterError
        If it is anything else.
    """
    if max_rows is None:
        return None
    number = _whole(max_rows)
    if number is None or number < 1:
        message = (
            f"max_rows={_shown(max_rows)}: give a whole number of rows from 1, or None for all."
        )
        raise FilterError(message, name="max_rows", value=max_rows)
    return number


def path_for(dataset: Dataset, key: object) -> str:
    """Return the path of one addressed row, with its whole key quoted.

    A key can therefore never reach another endpoint.

    Raises
    ------
    FilterError
        If the key is not a string, is empty, holds half of a surrogate pair, is a dot segment, or
        has a slash: quoting makes neither safe, because the server reads ``%2F`` as a slash.
    """
    name = dataset.addressed_by or "key"
    if not isinstance(key, str):
        message = f"{name}={_shown(key)}: give a string"
        message += " (codes have leading zeros and 13 to 20 digits)."
        raise FilterError(message, name=name, value=key)
    if not key.strip() or key in {".", ".."} or "/" in key or not _is_sendable(key):
        message = f"{name}={_shown(key)} is not a {name}."
        raise FilterError(message, name=name, value=key)
    return dataset.path.replace("{}", quote(key, safe=""))
