"""Parse the names of companies into legal form and stem, so that spellings can be compared.

This module owns the legal forms and the key of a name. It must not compare two names: `matching`
does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

import pandas as pd

__all__ = ["LEGAL_FORMS", "PERSON", "KeyedName", "key_without_form", "parse_company_name"]

PERSON: Final = "Perorangan"
"""The form of a private person, whom the register calls ``SDR`` (saudara)."""

# Each form with its spellings, in lower case and without punctuation.
_SPELLINGS: Final = {
    "PT": ("pt", "p t", "perseroan terbatas"),
    "CV": ("cv", "c v", "commanditaire vennootschap"),
    "UD": ("ud", "u d", "usaha dagang"),
    "KUD": ("kud", "koperasi unit desa", "koperasi kud"),
    "Koperasi": ("koperasi", "kop"),
    "Firma": ("firma", "fa"),
    "Perum": ("perum", "perusahaan umum"),
    "PD": (
        *("pd", "p d", "perumda", "perusda", "bumd"),
        *("perusahaan daerah", "perusahaan umum daerah"),
    ),
    "Kelompok": ("kelompok",),
    PERSON: ("sdr", "sdri", "perorangan"),
}
# Spellings that also stand at the end of a name. The others can be words of a name there.
_AT_THE_END: Final = (
    *("pt", "p t", "cv", "c v", "ud", "u d", "kud", "koperasi", "firma", "pd", "sdr"),
)
LEGAL_FORMS: Final = tuple(_SPELLINGS)
"""The legal forms that `parse_company_name` recognises."""

_FORM_OF: Final = {
    tuple(spelling.split()): form
    for form, spellings in _SPELLINGS.items()
    for spelling in spellings
}
_TRAILING: Final = {
    tuple(spelling.split()): _FORM_OF[tuple(spelling.split())] for spelling in _AT_THE_END
}
_LONGEST: Final = max(map(len, _FORM_OF))
# Short for Perusahaan Perseroan: a limited company that the State or a region owns. Like Tbk, it is
# part of the name in one source and left out in another.
_MARKS: Final = frozenset({"persero", "perseroda"})
_LISTED: Final = "tbk"
_PARENTHESES: Final = re.compile(r"\(([^()]*)\)\s*[.,]?\s*$")
_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHES: Final = re.compile(r"['`\u2018\u2019\u02bb\u02bc]")

_COLUMNS: Final = {
    "name": "string",
    "legal_form": "string",
    "stem": "string",
    "listed": "boolean",
    "key": "string",
}


class KeyedName(NamedTuple):
    """The parts of a name.

    Attributes
    ----------
    legal_form : str or None
        One of `LEGAL_FORMS`.
    stem : str or None
        The words of the name in lower case, without legal form, Tbk and Persero.
    listed : bool
        Whether the name has Tbk.
    key : str or None
        What all spellings of one name share: the form, and the stem without spaces.
    """

    legal_form: str | None
    stem: str | None
    listed: bool
    key: str | None


def parse_company_name(names: pd.Series | Iterable[str | None]) -> pd.DataFrame:
    """Parse names of companies into legal form, stem and a key that all spellings share.

    Parameters
    ----------
    names : pandas.Series, iterable of str, or str
        Names as any source writes them.

    Returns
    -------
    pandas.DataFrame
        One row for each name, with the index of the series. Columns:

        name (text)
            The name as it was passed.
        legal_form (text)
            PT (limited company), CV (limited partnership), UD (trading business), KUD (village
            cooperative), Koperasi (cooperative), Firma (partnership), Perum (state enterprise), PD
            (enterprise of a region: PD, Perusda, Perumda, BUMD), Kelompok (group of people),
            Perorangan (a person; the register writes SDR). Missing if the name has none of them, as
            have foreign companies.
        stem (text)
            The words of the name in lower case, without form, Tbk, Persero, punctuation, and an
            abbreviation in parentheses at the end that the words spell out.
        listed (boolean)
            Whether the name has Tbk (*terbuka*), the mark of a public company.
        key (text)
            Equal for all spellings of one name: the form, then the stem without spaces. PT and CV
            of one stem have different keys. Missing if nothing is left of the name.

    Raises
    ------
    TypeError
        A value is not a text.

    Notes
    -----
    Full-width characters are read as plain ones (Unicode NFKC). No request is made.

    Examples
    --------
    >>> from sectorsdf.companies import parse_company_name
    >>> names = ["PT. Contoh Bara Tbk.", "Contoh Bara, PT", "CV CONTOH BARA", "SDR Contoh"]
    >>> print(parse_company_name(names).drop(columns="name").to_string(index=False))
    legal_form        stem  listed               key
            PT contoh bara    True     PT contohbara
            PT contoh bara   False     PT contohbara
            CV contoh bara   False     CV contohbara
    Perorangan      contoh   False Perorangan contoh
    """
    series = _as_series(names)
    parts = {name: _parse(name) for name in series.dropna().unique().tolist()}
    nothing = (None, None, None, None)
    known = series.notna()
    rows = [parts[name] if has else nothing for name, has in zip(series, known, strict=True)]
    frame = pd.DataFrame(rows, columns=list(KeyedName._fields), index=series.index, dtype="object")
    frame.insert(0, "name", series.to_numpy())
    return frame.astype(_COLUMNS)


def _as_series(names: object) -> pd.Series:
    """Return names as a Series.

    Raises
    ------
    TypeError
        If they are neither a text nor several values.
    """
    if isinstance(names, pd.Series):
        return names
    if isinstance(names, str):
        return pd.Series([names], dtype="object")
    if isinstance(names, pd.DataFrame) or not isinstance(names, Iterable):
        message = f"names must be a text, a list or a Series, not {type(names).__name__}"
        raise TypeError(message)
    return pd.Series(list(names), dtype="object")


def key_without_form(key: str) -> str:
    """Return the part of a key that does not say the legal form."""
    return key.rpartition(" ")[2]


def _parse(name: object) -> KeyedName:
    if not isinstance(name, str):
        message = f"a name must be a text, not {type(name).__name__}: {name!r:.80}"
        raise TypeError(message)
    text = unicodedata.normalize("NFKC", name).casefold()
    text = _without_abbreviation(_APOSTROPHES.sub("", text))
    words = _WORD.findall(text)
    listed = _LISTED in words
    words = [word for word in words if word != _LISTED and word not in _MARKS]
    form, words = _split_form(words)
    # Some names have their form twice: "PD Perumda Contoh", "PT Contoh, PT".
    again, rest = _split_form(words)
    if again == form:
        words = rest
    if not words:
        return KeyedName(form, None, listed, None)
    compact = "".join(words)
    return KeyedName(form, " ".join(words), listed, f"{form} {compact}" if form else compact)


def _split_form(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the legal form at the start of a name, or else at its end, and the other words."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        form = _FORM_OF.get(tuple(words[:length]))
        if form is not None:
            return form, words[length:]
    for length in range(min(_LONGEST, len(words)), 0, -1):
        form = _TRAILING.get(tuple(words[-length:]))
        if form is not None:
            return form, words[:-length]
    return None, words


def _without_abbreviation(text: str) -> str:
    """Drop parentheses at the end if they hold the initials of the words before them."""
    found = _PARENTHESES.search(text)
    if found is None:
        return text
    before = text[: found.start()]
    plain = _split_form(_WORD.findall(re.sub(r"\([^()]*\)", " ", before)))[1]
    initials = "".join(word[0] for word in plain if word != _LISTED)
    short = "".join(_WORD.findall(found[1]))
    return before if len(short) > 1 and short == initials else text
