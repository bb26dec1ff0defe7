"""Check licences for dates, terms, areas, codes and names that cannot be right.

This module owns `check_licenses`. The caps of the law are in `license_caps`, the layout of a code
is in `sectorsdf.wiup`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from sectorsdf import wiup
from sectorsdf.analysis.city_names import official_cities
from sectorsdf.analysis.days import day_of
from sectorsdf.analysis.findings import columns_of, finding, in_one_frame
from sectorsdf.analysis.license_caps import CAPS, IN_FORCE, class_of

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

__all__ = ["check_licenses"]

_DTYPES: Final = {
    "wiup_code": "string",
    "license_number": "string",
    "license_type": "string",
    "province": "string",
    "city": "string",
    "license_effective_date": "datetime64[us]",
    "license_expiry_date": "datetime64[us]",
    "activity": "string",
    "licensed_area_ha": "Float64",
    "commodity_type": "string",
    "company_name": "string",
}
_KEYS: Final = {"wiup_code": "string", "company_name": "string"}
_NON_METALLIC: Final = "Non-Metallic Mineral"
_DAYS_PER_YEAR: Final = 365.25


def check_licenses(frame: pd.DataFrame, as_of: date | str) -> pd.DataFrame:
    """Report licences that are expired, exceed the law's caps, or contradict their own code.

    A finding is a question about the register, not a proof of an error. Nothing is corrected. No
    request is sent, so this costs no credits.

    Parameters
    ----------
    frame : pandas.DataFrame
        Licences, with the columns of `get_mining_licenses`. It is not changed.
    as_of : date or str
        The day of the register, such as "2025-08-31". A licence is valid on its last day.

    Returns
    -------
    pandas.DataFrame
        One row for each finding, in the order of the licences: ``position`` (Int64, the licence's
        row in `frame`, from 0), ``wiup_code``, ``company_name``, ``check``, ``message``,
        ``expected`` and ``found`` (text). The columns and dtypes are the same if there is none.
        ``check`` is one of:

        expired_but_listed
            The last day is before `as_of`.
        not_yet_effective
            The first day is after `as_of`.
        effective_after_expiry
            The first day is after the last.
        term_above_cap
            The licence runs longer than the law's longest first term. Licences that were granted
            before Law 4/2009 (12 January 2009) are not checked, nor are contracts (KK, PKP2B).
        area_above_cap
            The area is larger than the law allows, with the same exceptions. An IUPK in production
            is not checked, because the minister decides on its area.
        code_invalid
            The code does not have 16 digits, or has a province or year that does not exist.
        code_province
            The code has another province.
        code_commodity
            The code has another commodity.
        non_metallic_with_other_code
            A "Non-Metallic Mineral" whose code is of the metals or of coal.
        duplicate_code
            An earlier row has the same code, and one of the columns that this function reads
            differs. ``expected`` is the content of the first such row. Equal rows are not reported.
        city_spelling
            A regency that the frame has in several spellings is not spelled as in
            `places.regencies`, mostly because Kabupaten or Kota is missing.

    Raises
    ------
    ConfigurationError
        A column is missing, as in a frame of another dataset.
    TypeError
        `frame` is no DataFrame, or its codes are not text.
    ValueError
        `as_of` is no date.

    Notes
    -----
    :doc:`/checks` has the table of caps with the articles of the law.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licenses = sectorsdf.get_mining_licenses(commodity_type="Coal", client=client)
    >>> findings = sectorsdf.check_licenses(licenses, as_of="2026-01-15")
    >>> expired = findings[findings["check"] == "expired_but_listed"]
    >>> expired["expected"].unique().tolist()
    ['2026-01-15 or later']
    """
    day = day_of(as_of)
    licenses = columns_of(frame, _DTYPES, "check_licenses")
    # The column as it was passed, so that codes which are numbers are refused.
    codes = wiup.parse(frame["wiup_code"].reset_index(drop=True), province=licenses["province"])
    findings = [
        *_dates(licenses, day),
        *_caps(licenses, codes),
        *_codes(licenses, codes),
        _duplicates(licenses),
        _cities(licenses),
    ]
    return in_one_frame(findings, _KEYS)


def _true(condition: pd.Series) -> npt.NDArray[np.bool_]:
    """Return a condition as a mask in which missing is false."""
    return condition.astype("boolean").fillna(value=False).to_numpy(dtype=np.bool_)


def _day(days: pd.Series) -> pd.Series:
    text: pd.Series = days.dt.strftime("%Y-%m-%d").astype("string")
    return text


def _count(times: pd.Series) -> pd.Series:
    days: pd.Series = times.dt.days.astype("Int64")
    return (days.astype("string") + " days").mask(_true(days == 1), "1 day")


def _dates(licenses: pd.DataFrame, day: pd.Timestamp) -> list[pd.DataFrame]:
    first, last = licenses["license_effective_date"], licenses["license_expiry_date"]
    expired = licenses[_true(last < day)]
    since = "expired " + _count(day - last) + f" before {day:%Y-%m-%d} and still listed"
    until = "takes effect " + _count(first - day) + f" after {day:%Y-%m-%d}"
    at_least = f"{day:%Y-%m-%d} or later"
    at_most = f"{day:%Y-%m-%d} or earlier"
    turned = "takes effect after it expires"
    return [
        finding(expired, "expired_but_listed", since, at_least, _day(last)),
        finding(licenses[_true(first > day)], "not_yet_effective", until, at_most, _day(first)),
        finding(
            licenses[_true(first > last)],
            "effective_after_expiry",
            turned,
            _day(last) + " or earlier",
            _day(first),
        ),
    ]


def _caps(licenses: pd.DataFrame, codes: pd.DataFrame) -> list[pd.DataFrame]:
    kinds = class_of(licenses["commodity_type"], codes["commodity_group"]).fillna("")
    recent = _true(licenses["license_effective_date"] >= IN_FORCE)
    findings = []
    for (license_type, stage, kind), cap in CAPS.items():
        rows = recent & _true(licenses["license_type"] == license_type)
        what = license_type
        if kind:
            rows &= _true((licenses["activity"] == stage) & (kinds == kind))
            what = f"{license_type} for {kind} in {_STAGES[stage]}"
        if not rows.any():
            continue
        some = licenses[rows]
        end = some["license_effective_date"] + pd.DateOffset(years=cap.years)
        long = some[_true(some["license_expiry_date"] > end)]
        message = f"runs longer than the first term of an {what} ({cap.years_article})"
        if cap.note:
            message += f"; {cap.note}"
        findings.append(
            finding(long, "term_above_cap", message, f"at most {cap.years} years", _years(long))
        )
        if cap.hectares is not None:
            wide = some[_true(some["licensed_area_ha"] > cap.hectares)]
            message = f"larger than an {what} may be ({cap.area_article})"
            area = wide["licensed_area_ha"].map("{:,.2f} ha".format).astype("string")
            limit = f"at most {cap.hectares:,.0f} ha"
            findings.append(finding(wide, "area_above_cap", message, limit, area))
    return findings


_STAGES: Final = {"Eksplorasi": "exploration", "Operasi Produksi": "production"}


def _years(licenses: pd.DataFrame) -> pd.Series:
    term = licenses["license_expiry_date"] - licenses["license_effective_date"]
    years: pd.Series = term.dt.days / _DAYS_PER_YEAR
    return years.map("{:.2f} years".format).astype("string")


def _codes(licenses: pd.DataFrame, codes: pd.DataFrame) -> list[pd.DataFrame]:
    code, commodity = licenses["wiup_code"], licenses["commodity_type"]
    invalid = licenses[~codes["valid"].to_numpy(dtype=bool)]
    province = codes["contradiction"]
    contradicted = wiup.parse(code, commodity_type=commodity)["contradiction"]
    other = _true(contradicted.notna() & (commodity == _NON_METALLIC))
    named = codes["commodity_class"]
    own = codes["province"] + " (" + codes["province_code"] + ")"
    group = codes["commodity_code"] + (" (" + named + ")").fillna("")
    # By Art. 1 of the law, mining of coal includes solid bitumen, peat and asphalt rock.
    asphalt = "; the law counts asphalt rock with coal"
    text = contradicted + named.map({"coal": asphalt}).fillna("").astype("string")
    differs = licenses[_true(contradicted.notna()) & ~other]
    return [
        finding(invalid, "code_invalid", codes["reason"], "16 digits", code),
        finding(licenses[province.notna()], "code_province", province, licenses["province"], own),
        finding(differs, "code_commodity", contradicted, commodity, group),
        finding(licenses[other], "non_metallic_with_other_code", text, commodity, group),
    ]


def _duplicates(licenses: pd.DataFrame) -> pd.DataFrame:
    code = licenses["wiup_code"]
    some = licenses[_true(code.notna() & code.duplicated(keep=False))]
    # Only these rows are compared one by one; a register has few of them.
    first: dict[str, list[str]] = {}
    positions, expected, found, differ = [], [], [], []
    content = some.drop(columns="wiup_code").astype("string").fillna("missing")
    columns = content.columns.tolist()
    rows = zip(some.index, some["wiup_code"], content.to_numpy().tolist(), strict=True)
    for position, key, values in rows:
        original = first.setdefault(key, values)
        other = [i for i, value in enumerate(values) if value != original[i]]
        if other:
            names = ", ".join(columns[i] for i in other)
            positions.append(position)
            differ.append(f"an earlier row has this code, with another {names}")
            expected.append("; ".join(original[i] for i in other))
            found.append("; ".join(values[i] for i in other))
    texts = (pd.Series(text, index=positions, dtype="string") for text in (differ, expected, found))
    return finding(licenses.loc[positions], "duplicate_code", *texts)


def _cities(licenses: pd.DataFrame) -> pd.DataFrame:
    spelled = official_cities(licenses["city"], licenses["province"])
    rows = licenses.loc[spelled.index]
    message = "one regency in several spellings; this is not the one of places.regencies"
    return finding(rows, "city_spelling", message, spelled["expected"], spelled["found"])
