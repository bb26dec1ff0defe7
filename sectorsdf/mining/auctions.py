"""The getters of licence auctions, their phases and their participants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.auctions import (
    MINING_LICENSE_AUCTION,
    MINING_LICENSE_AUCTION_PARTICIPANTS,
    MINING_LICENSE_AUCTION_PHASES,
    MINING_LICENSE_AUCTIONS,
)
from sectorsdf.mining.fetch import fetch_list, fetch_records

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = [
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
]


def get_mining_license_auctions(
    *,
    province: vocab.AuctionProvince | str | Iterable[str] | None = None,
    commodity_type: vocab.CommodityType | str | Iterable[str] | None = None,
    area_type: vocab.AreaType | str | Iterable[str] | None = None,
    status: str | None = None,
    participant: str | None = None,
    qualified: bool | None = None,
    min_participants: int | None = None,
    order_by: vocab.AuctionSort | None = None,
    max_rows: int | None = None,
    strict: bool = False,
    validate: bool = True,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the auctions of mining licence areas.

    Parameters
    ----------
    province : str or iterable of str, optional
        Province; case does not count. See `sectorsdf.vocabularies.AUCTION_PROVINCES`.
    commodity_type : str or iterable of str, optional
        Commodity auctioned: Coal, Copper, Gold or Nickel; case does not count.
    area_type : str or iterable of str, optional
        WIUP (licence area) or WIUPK (special licence area); case does not count.
    status : str, optional
        Auction status, such as Lelang Selesai (closed); case does not count.
    participant : str, optional
        Part of the name of a company that took part; case does not count.
    qualified : bool, optional
        Only auctions in which that participant passed the prequalification; needs `participant`.
    min_participants : int, optional
        Only auctions with at least this number of participants.
    order_by : str, optional
        ``commodity_type``, ``licensed_area_ha``, ``participant_count`` or ``winner_date``; with
        ``-`` before it for descending. Default: ``-winner_date``.
    max_rows, strict, validate, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one auction of a mining licence area. Columns: commodity_type (text: Coal,
        Copper, Gold, Nickel); city, province, company_name (text); winner_date (datetime64[us],
        days); licensed_area_ha (float64, hectares); license_number (text); area_type (text: WIUP,
        WIUPK); kdi (Int64, rupiah); wiup_code, auction_status (text); participant_count (Int64);
        winner (boolean); company_slug (text).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each page of 30 rows. An empty result costs one; an answer from the cache
    costs none. Source: Sectors API, ``/v2/mining/license-auctions/``.

    The company and its slug are those of the winner. `kdi` is the Kompensasi Data Informasi, the
    compensation for the data of the area and the floor of the auction. It is not the price of the
    area: the winning offer, which can be many times as high, is not in the API.

    The licence of an auctioned area is in `get_mining_licenses` under the same `wiup_code`. Its
    holder there is the one of today, who need not be the winner. Lists of values work as in
    `get_mining_licenses`.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> auctions = sectorsdf.get_mining_license_auctions(commodity_type="Coal")
    >>> columns = ["wiup_code", "winner_date", "licensed_area_ha", "kdi"]
    >>> print(auctions[columns].head(3).to_string(index=False))
           wiup_code winner_date  licensed_area_ha         kdi
    1362413032023007         NaT           11168.0 34034483000
    1471413032023011  2024-07-07            8304.0 22895133500
    1362433032023006  2024-06-13           12804.0 92283207000
    """
    return fetch_list(MINING_LICENSE_AUCTIONS, locals())


def get_mining_license_auction(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the full record of one auction, or of several at once.

    Parameters
    ----------
    wiup_code : str, iterable of str, or DataFrame
        One code, several codes, or a frame with a `wiup_code` column. Each distinct code is one
        row.
    missing : {"raise", "skip"}
        What to do if the API does not know a code. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one auction of a mining licence area. Columns: commodity_type (text: Coal,
        Copper, Gold, Nickel); city, province, company_name (text); winner_date (datetime64[us],
        days); licensed_area_ha (float64, hectares); license_number (text); area_type (text: WIUP,
        WIUPK); kdi (Int64, rupiah); wiup_code, auction_status (text); participant_count (Int64);
        winner (boolean); company_slug (text); created_at, last_modified (datetime64[us], days).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each code, even if the API does not know it. The same client uses an answer
    again for an hour. Source: Sectors API, ``/v2/mining/license-auctions/{wiup_code}/``.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> auctions = sectorsdf.get_mining_license_auctions()
    >>> auction = sectorsdf.get_mining_license_auction(auctions.head(2))
    >>> columns = ["wiup_code", "commodity_type", "winner", "created_at"]
    >>> print(auction[columns].head(3).to_string(index=False))
           wiup_code commodity_type  winner created_at
    1362413032023007           Coal   False 2024-07-17
    1473432122023012         Nickel    True 2024-08-13
    """
    return fetch_records(MINING_LICENSE_AUCTION, locals())


def get_mining_license_auction_phases(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the phases of one auction, or of several.

    Parameters
    ----------
    wiup_code : str, iterable of str, or DataFrame
        One code, several codes, or a frame with a `wiup_code` column.
    missing : {"raise", "skip"}
        What to do if the API does not know a code. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one phase of one auction. Columns: wiup_code (text); order (Int64); description
        (text); start_date, end_date (datetime64[us], days).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_license_auction`: one credit for each code, and
    nothing if the client has paid for it within the hour. Source: Sectors API,
    ``/v2/mining/license-auctions/{wiup_code}/``.

    Descriptions are Indonesian. The last day of a phase is mostly missing.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> auctions = sectorsdf.get_mining_license_auctions()
    >>> phases = sectorsdf.get_mining_license_auction_phases(auctions.head(1))
    >>> columns = ["wiup_code", "order", "description", "start_date"]
    >>> print(phases[columns].head(3).to_string(index=False))
           wiup_code  order                    description start_date
    1362413032023007      1             Contoh: Pengumuman 2024-05-18
    1362413032023007      2            Contoh: Pendaftaran 2024-05-22
    1362413032023007      3 Contoh: Dokumen Prakualifikasi 2024-05-26
    """
    return fetch_records(MINING_LICENSE_AUCTION_PHASES, locals())


def get_mining_license_auction_participants(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    include_emails: bool = False,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the participants of one auction, or of several.

    Parameters
    ----------
    wiup_code : str, iterable of str, or DataFrame
        One code, several codes, or a frame with a `wiup_code` column.
    include_emails : bool, default False
        Add the column `email`. The addresses belong to people and small firms; leave them out of
        what you pass on.
    missing : {"raise", "skip"}
        What to do if the API does not know a code. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one participant of one auction. Columns: wiup_code, NIB, company_name (text);
        qualification_result (text: Lolos, Tidak Lolos). With `include_emails` also email (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_license_auction`: one credit for each code, and
    nothing if the client has paid for it within the hour. Source: Sectors API,
    ``/v2/mining/license-auctions/{wiup_code}/``.

    `NIB` is the business registration number. Lolos means passed, Tidak Lolos failed.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> auctions = sectorsdf.get_mining_license_auctions()
    >>> participants = sectorsdf.get_mining_license_auction_participants(auctions.head(1))
    >>> columns = ["wiup_code", "company_name", "qualification_result"]
    >>> print(participants[columns].head(3).to_string(index=False))
           wiup_code                company_name qualification_result
    1362413032023007 Contoh Mineral Lestari 1010                Lolos
    1362413032023007 Contoh Tambang Mandiri 1057          Tidak Lolos
    1362413032023007   Contoh Tembaga Abadi 1021                Lolos
    """
    return fetch_records(MINING_LICENSE_AUCTION_PARTICIPANTS, locals())
