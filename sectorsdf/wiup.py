"""Read the digits of WIUP codes, as far as the register supports their meaning.

A WIUP code names a licensed area (Wilayah Izin Usaha Pertambangan). The register does not document
its layout, so it was derived from 3,278 licences of the ESDM Minerba register (August 2025), of
which 3,253 have 16 digits:

======  ===============  ===========================================================================
digits  column           how well the register supports it
======  ===============  ===========================================================================
1       authority        1 on 20 of 20 KK, 18 of 18 IUPK and 55 of 58 PKP2B, which the minister
                         grants; 2 on 9 of 9 IPR; 3 on 1,440 codes, 1,286 of them of 2014 or before
2       island           one digit for each group of islands on 3,126 of 3,145 codes
3-4     province_code    the row's own province on 3,112 of 3,146 codes of a province; on 22 of the
                         other 34, the province that the row's province was split from
3-6     regency_code     the row's own regency on 2,959 of 3,046 codes of a regency
7       commodity_group  2 on 700 of 703 licences of metals, 3 on 754 of 754 of coal; 4, 5 or 6 on
                         1,736 of 1,792 of non-metallic minerals and rock
7-9     commodity_code   see `COMMODITY_CODES`
10-13   year             2014 or later on 3,234 codes: the year of the code, not of the licence
14-16   serial           a number
======  ===============  ===========================================================================

The codes of provinces and regencies are those of the Ministry of Home Affairs (Kemendagri), from
`sectorsdf.places`. This module owns the layout of a code. It must not import any other module of
the package than `places`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from sectorsdf.places import province_name, provinces, regencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COMMODITY_CODES", "parse"]

COMMODITY_CODES: Final[dict[str, str]] = {
    "206": "Gold",
    "207": "Copper",
    "211": "Tin",
    "212": "Nickel",
    "217": "Bauxite",
    "233": "Iron",
    "303": "Coal",
}
"""The commodity codes whose meaning the register supports.

Of the licences of each commodity, so many have its code: Coal 753 of 754, Nickel 314 of 319, Tin
154 of 156, Gold 83 of 83, Iron 67 of 69, Bauxite 63 of 64 and Copper 11 of 12. The codes of
non-metallic minerals and of rock have no names, because the register names those too broadly.
"""

_GROUPS: Final = {"2": "metal", "3": "coal"}
_METALS: Final = frozenset(COMMODITY_CODES.values()) - {"Coal"}
_NON_METALS: Final = frozenset(
    {"Clay", "Granite", "Limestone", "Non-Metallic Mineral", "Sand", "Sand, Stone, Gravel"}
)
# The code of an area that lies in several provinces, or whose province the code does not name.
_NO_PROVINCE: Final = "00"
# The law that introduced the WIUP.
_FIRST_YEAR: Final = 2009
_DIGITS: Final = 16
_SLICES: Final = {
    "authority": (0, 1),
    "island": (1, 2),
    "province_code": (2, 4),
    "regency_code": (2, 6),
    "commodity_group": (6, 7),
    "commodity_code": (6, 9),
    "serial": (13, 16),
}
_COLUMNS: Final = {
    "authority": "string",
    "island": "string",
    "province_code": "string",
    "province": "string",
    "regency_code": "string",
    "regency": "string",
    "commodity_group": "string",
    "commodity_class": "string",
    "commodity_code": "string",
    "commodity_type": "string",
    "year": "Int64",
    "serial": "string",
    "valid": "boolean",
    "reason": "string",
    "contradiction": "string",
}
_NO_TEXT: Final = (
    "WIUP codes must be a Series or list of text such as '3364083032016901': as numbers, codes "
    "lose leading zeros and last digits. Read the column as text, for example with "
    "dtype={'wiup_code': 'string'}"
)
_WHOLE_FRAME: Final = (
    "WIUP codes are a column, not a whole frame: "
    "parse(frame['wiup_code'], frame['province'], frame['commodity_type'])"
)


def parse(
    codes: Iterable[str | None],
    province: Sequence[str | None] | pd.Series | None = None,
    commodity_type: Sequence[str | None] | pd.Series | None = None,
) -> pd.DataFrame:
    """Read the digits of WIUP codes, and report what contradicts the rows that they stand in.

    A code is not corrected. No request is sent, so this costs no credits.

    Parameters
    ----------
    codes : Series or iterable of str
        The codes, as text. A missing code is allowed.
    province : Series or sequence of str, optional
        The province of each row, in the order of the codes, to compare with the code's. Several
        provinces are separated by commas; the code has to name one of them.
    commodity_type : Series or sequence of str, optional
        The commodity of each row, in the order of the codes, to compare with the code's.

    Returns
    -------
    pandas.DataFrame
        One row for each code, with the index of the codes, and the same columns and dtypes also if
        there is no code. All columns but ``year`` (Int64) and ``valid`` (boolean) are text:

        authority
            Digit 1, without a name: 1 is that of contracts and special licences, 2 that of people's
            mining, 3 that of the codes of 2014 and before.
        island
            Digit 2, the group of islands: 1 Sumatra, 2 Java, 3 Kalimantan, 4 Sulawesi, 5 Papua,
            6 Maluku, 7 Nusa Tenggara.
        province_code, province
            Digits 3 and 4, and the province with this code, as in `places.provinces`. 00 has no
            name: it stands on areas in several provinces, and on others in one.
        regency_code, regency
            Digits 3 to 6, and the regency with this code, as in `places.regencies`: 6408 is
            Kabupaten Kutai Timur. The last two digits are 00 on areas in several regencies.
        commodity_group, commodity_class
            Digit 7, and its meaning where the register supports it: ``metal`` (2), ``coal`` (3,
            with the bitumen of Buton). 4, 5 and 6 have no name; they are those of non-metallic
            minerals and rock.
        commodity_code, commodity_type
            Digits 7 to 9, and the commodity that `COMMODITY_CODES` has for them.
        year
            Digits 10 to 13, the year of the code. Licences of before 2014 mostly have 2014.
        serial
            Digits 14 to 16. It is no key: codes that differ in the commodity can share it.
        valid
            Whether the code has 16 digits, a province that exists or 00, and a year from 2009 on.
        reason
            Why a code is not valid. If it has not 16 digits, the columns above are missing, because
            nothing says which digit is missing or too many.
        contradiction
            How the code contradicts `province` or `commodity_type`. Missing without them.

    Raises
    ------
    TypeError
        A code is not text. As numbers, codes lose leading zeros and last digits.
    ValueError
        `province` or `commodity_type` has another length than the codes.

    Examples
    --------
    >>> from sectorsdf import wiup
    >>> areas = wiup.parse(["3364083032016901", "2362010604052"], ["Jambi", "Aceh"])
    >>> areas[["province", "regency", "commodity_type", "serial"]].iloc[0].tolist()
    ['Kalimantan Timur', 'Kabupaten Kutai Timur', 'Coal', '901']
    >>> areas["contradiction"].iloc[0]
    'the code has province 64 (Kalimantan Timur), the row has Jambi'
    >>> areas["reason"].iloc[1]
    '13 digits instead of 16'
    """
    text = _text(codes)
    parsed = _digits(text)
    parsed["reason"] = _reason(text, parsed)
    parsed["valid"] = parsed["reason"].isna()
    texts = [
        _province_contradiction(parsed, _beside(province, text, "province")),
        _commodity_contradiction(parsed, _beside(commodity_type, text, "commodity_type")),
    ]
    parsed["contradiction"] = _joined(texts, text.index)
    return parsed[list(_COLUMNS)].astype(_COLUMNS)


def _text(codes: object) -> pd.Series:
    """Return codes as a column of text.

    Raises
    ------
    TypeError
        If they are no such column.
    """
    if isinstance(codes, pd.DataFrame):
        raise TypeError(_WHOLE_FRAME)
    if isinstance(codes, str) or not isinstance(codes, Iterable):
        raise TypeError(_NO_TEXT)
    series = codes if isinstance(codes, pd.Series) else pd.Series(list(codes), dtype="object")
    if not all(isinstance(code, str) for code in series.dropna()):
        raise TypeError(_NO_TEXT)
    return series.astype("string")


def _beside(
    values: Sequence[str | None] | pd.Series | None, codes: pd.Series, name: str
) -> pd.Series | None:
    """Return the values as text with the index of the codes."""
    if values is None:
        return None
    if len(values) != len(codes):
        message = f"{name} has {len(values)} values for {len(codes)} codes; they must be as many"
        raise ValueError(message)
    series = pd.Series(list(values), index=codes.index, dtype="object")
    return series.where(series.notna(), None).astype("string")


def _digits(text: pd.Series) -> pd.DataFrame:
    """Return the digits of the codes that have 16, under the names of their columns."""
    whole = text.where(text.str.fullmatch(rf"[0-9]{{{_DIGITS}}}").fillna(value=False).astype(bool))
    columns = {name: whole.str.slice(*ends) for name, ends in _SLICES.items()}
    names = _names()
    return pd.DataFrame(
        {
            **columns,
            "year": pd.to_numeric(whole.str.slice(9, 13)).astype("Int64"),
            "province": columns["province_code"].map(names).astype("string"),
            "regency": columns["regency_code"].map(names).astype("string"),
            "commodity_class": columns["commodity_group"].map(_GROUPS).astype("string"),
            "commodity_type": columns["commodity_code"].map(COMMODITY_CODES).astype("string"),
        },
        index=text.index,
    )


@cache
def _names() -> Mapping[str, str]:
    """Return the names of provinces and regencies by code."""
    table, cities = provinces(), regencies()
    names = dict(zip(table["code"], table["name"], strict=True))
    return names | dict(zip(cities["code"], cities["kind"] + " " + cities["name"], strict=True))


@cache
def _split_from() -> Mapping[str, str]:
    """Return the province that each younger province was a part of."""
    table = provinces().dropna(subset="split_from")
    return dict(zip(table["name"], table["split_from"], strict=True))


def _reason(text: pd.Series, parsed: pd.DataFrame) -> pd.Series:
    code = parsed["province_code"]
    unknown = code.notna() & parsed["province"].isna() & (code != _NO_PROVINCE)
    early = (parsed["year"] < _FIRST_YEAR).fillna(value=False)
    length = text.str.len().astype("string") + f" digits instead of {_DIGITS}"
    not_digits = ~text.str.fullmatch(r"[0-9]*").fillna(value=False).astype(bool)
    shape = length.where(code.isna())
    shape = shape.mask(not_digits, "characters other than digits")
    shape = shape.mask(text.isna(), "no code")
    texts = [
        shape,
        ("no province has the code " + code).where(unknown.astype(bool)),
        ("the year " + parsed["year"].astype("string")).where(early.astype(bool))
        + f" is before {_FIRST_YEAR}, when the law introduced the WIUP",
    ]
    return _joined(texts, text.index)


def _province_contradiction(parsed: pd.DataFrame, province: pd.Series | None) -> pd.Series:
    if province is None:
        return pd.Series(pd.NA, index=parsed.index, dtype="string")
    # Each text once: a register has a few dozen.
    possible = {name: _possible_provinces(name) for name in province.dropna().unique().tolist()}
    pairs = zip(parsed["province"], province, strict=True)
    wrong = [
        not (pd.isna(own) or pd.isna(row)) and bool(possible[row]) and own not in possible[row]
        for own, row in pairs
    ]
    message = (
        "the code has province "
        + parsed["province_code"]
        + " ("
        + parsed["province"]
        + "), the row has "
        + province
    )
    return message.where(np.array(wrong, dtype=bool))


def _possible_provinces(text: str) -> set[str]:
    """Return the provinces that the code of a row can name; none if the text is no province.

    A code keeps the province that its area lay in before a part of the province became its own.
    """
    names = {province_name(name) for name in text.split(",")}
    return {name for own in names if own for name in (own, _split_from().get(own, own))}


def _commodity_contradiction(parsed: pd.DataFrame, commodity: pd.Series | None) -> pd.Series:
    if commodity is None:
        return pd.Series(pd.NA, index=parsed.index, dtype="string")
    group, kind = parsed["commodity_group"], parsed["commodity_class"]
    expected = commodity.map(
        {"Coal": "coal"} | dict.fromkeys(_METALS, "metal") | dict.fromkeys(_NON_METALS, "other")
    ).astype("string")
    found = kind.fillna("other").where(group.notna())
    other_group = (found != expected).fillna(value=False).astype(bool)
    named = " (" + kind + ")"
    group_text = "the code has commodity group " + group + named.fillna("") + ", the row has "
    own = parsed["commodity_type"]
    # Among metals and coal the code names the commodity. "Others" contradicts nothing.
    other_code = (own != commodity) & expected.isin(["metal", "coal"])
    code_text = (
        "the code has commodity " + parsed["commodity_code"] + " (" + own + "), the row has "
    )
    text = code_text.where(other_code.fillna(value=False).astype(bool)) + commodity
    return text.mask(other_group, group_text + commodity)


def _joined(texts: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    """Return the texts of each row in one, separated by semicolons; missing where none is."""
    joined = pd.Series("", index=index, dtype="string")
    for text in texts:
        part = text.fillna("")
        both = (joined != "") & (part != "")
        joined = joined + np.where(both, "; ", "") + part
    return joined.mask(joined == "")


def __dir__() -> list[str]:
    return __all__.copy()
