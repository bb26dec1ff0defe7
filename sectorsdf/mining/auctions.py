"""The getters of licence auctions, their phases and their participants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Unpack

from sectorsdf import datasets as ds
from sectorsdf.mining.fetch import addressed_frame, chosen_client

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.call_config import CallOptions
    from sectorsdf.client.client import Client

__all__ = [
    "get_mining_license_auction",
    "get_mining_license_auction_participants",
    "get_mining_license_auction_phases",
    "get_mining_license_auctions",
]


def get_mining_license_auctions(
    *,
    province: vocab.AuctionProvince | str | None = None,
    commodity_type: vocab.CommodityType | str | None = None,
    area_type: vocab.AreaType | str | None = None,
    status: str | None = None,
    participant: str | None = None,
    qualified: bool | None = None,
    min_participants: int | None = None,
    order_by: vocab.AuctionSort | None = None,
    max_rows: int | None = None,
    strict: bool = False,
    validate: bool = True,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the auctions of mining licence areas.

    Parameters
    ----------
    province : str, optional
        Province; case does not count. See `sectorsdf.vocabularies.AUCTION_PROVINCES`.
    commodity_type : str, optional
        Coal, Copper, Gold or Nickel; case does not count.
    area_type : str, optional
        WIUP (licence area) or WIUPK (special licence area); case does not count.
    status : str, optional
        Auction status such as ``"Lelang Selesai"`` (closed); case does not count.
    participant : str, optional
        Part of the name of a company that took part; case does not count.
    qualified : bool, optional
        True for auctions in which that participant passed the prequalification; needs
        `participant`.
    min_participants : int, optional
        Only auctions with at least so many participants.
    order_by : str, optional
        ``-winner_date`` (the default), ``commodity_type``, ``licensed_area_ha`` or
        ``participant_count``; with ``-`` before it for descending.
    max_rows, strict, validate, client, **options
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one auction. Columns: commodity_type, city, province, company_name (text; the
        winner), winner_date (datetime64[us]), licensed_area_ha (float64, hectares),
        license_number, area_type (text), kdi (Int64, rupiah: Kompensasi Data Informasi, the price
        of the data), wiup_code, auction_status (text), participant_count (Int64), winner
        (boolean), company_slug (text).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each page of 30 rows. Source: Sectors API,
    ``/v2/mining/license-auctions/`` (ESDM Minerba portal).
    """
    filters = {
        "province": province,
        "commodity_type": commodity_type,
        "area_type": area_type,
        "status": status,
        "participant": participant,
        "qualified": qualified,
        "min_participants": min_participants,
        "order_by": order_by,
    }
    return chosen_client(client).fetch(
        ds.MINING_LICENSE_AUCTIONS,
        filters,
        max_rows=max_rows,
        strict=strict,
        validate=validate,
        options=options,
    )


def get_mining_license_auction(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the full record of one auction, or of several at once.

    Parameters
    ----------
    wiup_code : str, iterable of str, or DataFrame
        One code, several, or a frame with a `wiup_code` column. Each distinct code is one row.
    missing : {"raise", "skip"}
        What to do where the API does not know a code. ``"skip"`` leaves it out with a warning.
    strict, client, **options
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one auction, in the order asked for: the columns of
        `get_mining_license_auctions`, then created_at and last_modified (datetime64[us]).

    Raises
    ------
    NotFoundError
        A code is unknown; ``.missing`` names it and ``.frame`` has the rows that were found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit a code, also for an unknown one. An answer is used again for an hour by the
    same client, so that phases and participants of the same auction cost nothing more. Source:
    Sectors API, ``/v2/mining/license-auctions/{wiup_code}/``.
    """
    return addressed_frame(
        ds.MINING_LICENSE_AUCTION,
        wiup_code,
        missing=missing,
        strict=strict,
        client=client,
        options=options,
    )


def get_mining_license_auction_phases(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the phases of one auction, or of several.

    Parameters
    ----------
    wiup_code, missing, strict, client, **options
        As in `get_mining_license_auction`.

    Returns
    -------
    pandas.DataFrame
        One row is one phase of one auction. Columns: wiup_code (text), order (Int64), description
        (text, Indonesian), start_date, end_date (datetime64[us]; the end is mostly missing).

    Raises
    ------
    NotFoundError, FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_license_auction`.

    Notes
    -----
    Made from the same answers as `get_mining_license_auction`: one credit a code, nothing where
    the client has paid for it within the hour.
    """
    return addressed_frame(
        ds.MINING_LICENSE_AUCTION_PHASES,
        wiup_code,
        field="phases",
        missing=missing,
        strict=strict,
        client=client,
        options=options,
    )


def get_mining_license_auction_participants(
    wiup_code: str | Iterable[str] | pd.DataFrame,
    *,
    include_emails: bool = False,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the participants of one auction, or of several.

    Parameters
    ----------
    wiup_code, missing, strict, client, **options
        As in `get_mining_license_auction`.
    include_emails : bool, default False
        Whether to add the column `email`. The addresses are of people and small firms; leave them
        out of what you pass on.

    Returns
    -------
    pandas.DataFrame
        One row is one participant of one auction. Columns, all text: wiup_code, NIB (business
        registration number), company_name, qualification_result (Lolos passed, Tidak Lolos
        failed), and with `include_emails` email.

    Raises
    ------
    NotFoundError, FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_license_auction`.

    Notes
    -----
    Made from the same answers as `get_mining_license_auction`: one credit a code, nothing where
    the client has paid for it within the hour.
    """
    dataset = ds.MINING_LICENSE_AUCTION_PARTICIPANTS
    if include_emails:
        email = ds.Column("email", "text", "E-mail address given by the participant")
        dataset = replace(dataset, columns=(*dataset.columns, email), nested={})
    return addressed_frame(
        dataset,
        wiup_code,
        field="participants",
        emails=include_emails,
        missing=missing,
        strict=strict,
        client=client,
        options=options,
    )
