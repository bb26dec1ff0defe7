"""The getter of mining licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.mining.fetch import fetch_list

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = ["get_mining_licenses"]


def get_mining_licenses(
    *,
    company: str | None = None,
    province: vocab.LicenseProvince | str | Iterable[str] | None = None,
    commodity_type: vocab.LicenseCommodityType | str | Iterable[str] | None = None,
    license_type: vocab.LicenseType | str | Iterable[str] | None = None,
    activity: vocab.ActivityStage | str | Iterable[str] | None = None,
    cnc: str | bool | None = None,
    expiring_soon: bool | None = None,
    order_by: vocab.LicenseSort | None = None,
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
    """Return Indonesia's mining licences, every one that the filters select.

    Parameters
    ----------
    company : str, optional
        Slug of the holder, as in the column `company_slug`. Most rows have none.
    province : str or iterable of str, optional
        Province, exact; upper and lower case count. See `sectorsdf.vocabularies.LICENSE_PROVINCES`.
    commodity_type : str or iterable of str, optional
        Commodity licensed: Bauxite, Clay, Coal, Copper, Gold, Granite, Iron, Limestone, Nickel,
        Non-Metallic Mineral, Others, Sand, "Sand, Stone, Gravel" or Tin; case does not count.
    license_type : str or iterable of str, optional
        IUP (mining business licence), IUPK (special), IPR (people's mining), KK (contract of work),
        PKP2B (coal contract of work) or SIPB (rock mining); case does not count.
    activity : str or iterable of str, optional
        Eksplorasi (exploration) or Operasi Produksi (production operation); case does not count.
    cnc : str or bool, optional
        Clear and Clean status. The API's sources disagree: a text such as CNC or CNC-1 is sent as
        it is, a boolean as true or false; case does not count.
    expiring_soon : bool, optional
        Only licences that expire within the next 365 days.
    order_by : str, optional
        ``commodity_type``, ``license_effective_date``, ``license_expiry_date`` or
        ``licensed_area_ha``; with ``-`` before it for descending. Default: ``license_expiry_date``.
    max_rows : int, optional
        Stop after this number of rows. The provenance then says that the frame is incomplete.
    strict : bool, default False
        Raise `DataError` if a value or field does not fit its declaration, instead of warning.
    validate : bool, default True
        False sends values that the vocabulary does not list.
    client : Client, optional
        The connection to use; by default one made from the environment.
    max_credits : int, optional
        Refuse before spending more than this.
    workers : int, optional
        How many pages are fetched at once.
    repair_credits : int, optional
        How many pages may be fetched again if rows moved during the sweep; by default half of the
        sweep's own pages, at least 20, and the pages that the sweep left out because rows moved.
    allow_partial : bool, default False
        Return the rows that arrived, with a warning, if completeness cannot be shown.
    resume : bool, default True
        False ignores the paid pages of an unfinished call and starts again.
    resume_within : float, default 3600
        Seconds for which a paid page of an unfinished call may be used; by default one hour.
    cache : bool, str or path-like, optional
        Whether, and where, results are cached as Parquet: True is the user's cache folder; a
        folder; a URL such as ``s3://bucket/prefix``; or False. By default the client's own choice,
        then `sectorsdf.set_options`, then ``SECTORSDF_CACHE``, and otherwise False.
    max_age : timedelta or str, optional
        How old a cached result may be, such as ``"36h"``; by default 7 days. A limit that is given
        also applies to records in memory and to paid pages of unfinished calls.
    refresh : bool, default False
        Ask the API even if a result is cached or in memory, and cache the new answer.
    offline : bool, default False
        Never ask the API: return a cached result of any age, or raise `NotCachedError`.
    progress : bool, optional
        Whether a bar on stderr shows the progress once a call takes longer than a second; by
        default on a terminal and in a notebook, see `sectorsdf.set_options`.
    **unknown : Never
        Takes no keyword. It exists so that an unknown one raises `FilterError` with the nearest
        name.

    Returns
    -------
    pandas.DataFrame
        One row is one mining licence of the ESDM Minerba register. Columns: wiup_code,
        license_number (text); license_type (text: IPR, IUP, IUPK, KK, PKP2B, SIPB); province, city
        (text); license_effective_date, license_expiry_date (datetime64[us], days); activity (text:
        Eksplorasi, Operasi Produksi); licensed_area_ha (float64, hectares); location (text);
        longitude, latitude (float64, degrees); location_geojson (JSON text); commodity_type,
        company_name, cnc, generation, company_slug (text).

    Raises
    ------
    FilterError
        A filter's value cannot be sent. It is raised before any request.
    IncompleteSweepError
        The rows cannot be shown to be complete; it carries the rows that arrived.
    DataError
        With `strict`, data does not fit its declaration; it carries the frame.
    CreditLimitError
        The call would cost more than `max_credits`.
    APIError
        The API refused or failed: `AuthenticationError`, `BadRequestError`, `RateLimitError`,
        `QuotaExhaustedError`, `ServerError`, `ConnectionFailedError` or `ResponseError`.

    Notes
    -----
    Costs one credit for each page of 30 rows. An empty result costs one; an answer from the cache
    costs none. Source: Sectors API, ``/v2/mining/licenses/``.

    Codes are text: they have 13 to 20 digits. A `wiup_code` can be in several rows. The register is
    the one of the ESDM Minerba portal. Its commodity types are broad, and some rows of
    "Non-Metallic Mineral" have the code of a metal: `sectorsdf.wiup.parse` reads it.

    A province is compared as a whole: ``province="Kalimantan Timur"`` leaves out an area that lies
    in "Kalimantan Tengah, Kalimantan Timur". Ask for the combination as well, in a list, or take
    all licences apart with `sectorsdf.explode_provinces`.

    A list of values, such as ``province=["Aceh", "Riau"]``, makes one call of the API for each
    value, each with its own place in the cache, and returns their distinct rows in one frame: those
    of the first value, then of the second, or as a whole in the order of `order_by`, with missing
    values last. Several lists make all combinations. ``max_credits`` applies to all of them
    together; `max_rows` is refused. The provenance has an entry for each value in ``parts``.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     both = sectorsdf.get_mining_licenses(province=["Aceh", "Riau"], client=client)
    >>> both["province"].value_counts().to_dict()
    {'Riau': 30, 'Aceh': 29}
    """
    return fetch_list(MINING_LICENSES, locals())
