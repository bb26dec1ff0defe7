"""The getter of mining licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from sectorsdf import datasets as ds
from sectorsdf.mining.fetch import chosen_client

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.call_config import CallOptions
    from sectorsdf.client.client import Client

__all__ = ["get_mining_licenses"]


def get_mining_licenses(
    *,
    company: str | None = None,
    province: vocab.LicenseProvince | str | None = None,
    commodity_type: vocab.LicenseCommodityType | str | None = None,
    license_type: vocab.LicenseType | str | None = None,
    activity: vocab.ActivityStage | str | None = None,
    cnc: str | bool | None = None,
    expiring_soon: bool | None = None,
    order_by: vocab.LicenseSort | None = None,
    max_rows: int | None = None,
    strict: bool = False,
    validate: bool = True,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return Indonesia's mining licences, every one that the filters select.

    Parameters
    ----------
    company : str, optional
        Slug of the holder, as in the column `company_slug`. Most rows have none.
    province : str, optional
        Province, exact: upper and lower case count. See `sectorsdf.vocabularies.LICENSE_PROVINCES`.
    commodity_type : str, optional
        Bauxite, Clay, Coal, Copper, Gold, Granite, Iron, Limestone, Nickel, Non-Metallic Mineral,
        Others, Sand, "Sand, Stone, Gravel" or Tin; case does not count.
    license_type : str, optional
        IUP (mining business licence), IUPK (special), IPR (people's mining), KK (contract of
        work), PKP2B (coal contract of work) or SIPB (rock mining); case does not count.
    activity : str, optional
        Eksplorasi (exploration) or Operasi Produksi (production operation); case does not count.
    cnc : str or bool, optional
        Clear and Clean status, as the API's sources disagree: a text such as ``"CNC"`` or
        ``"CNC-1"`` is sent as it is, a boolean as ``true`` or ``false``.
    expiring_soon : bool, optional
        True for licences that expire within the next 365 days.
    order_by : str, optional
        ``license_expiry_date`` (the default), ``license_effective_date``, ``licensed_area_ha`` or
        ``commodity_type``; with ``-`` before it for descending.
    max_rows : int, optional
        Stop after so many rows; the provenance then says that the frame is not complete.
    strict : bool, default False
        Raise `DataError` where a value or field does not fit its declaration, instead of warning.
    validate : bool, default True
        False sends values that the vocabulary does not know.
    client : Client, optional
        The connection to use; by default one made from the environment.
    **options
        ``cache``, ``max_age``, ``refresh``, ``offline``, ``progress``, ``max_credits``,
        ``workers``, ``repair_credits``, ``allow_partial``, ``resume``, ``resume_within``: see
        `sectorsdf.CallOptions`.

    Returns
    -------
    pandas.DataFrame
        One row is one licence. Columns: wiup_code, license_number, license_type, province, city
        (text), license_effective_date, license_expiry_date (datetime64[us], days), activity (text),
        licensed_area_ha (float64, hectares), location (text), longitude, latitude (float64,
        degrees), location_geojson, commodity_type, company_name, cnc, generation, company_slug
        (text). Codes are text: they have 13 to 20 digits. A `wiup_code` can stand in several rows.

    Raises
    ------
    FilterError
        Before any request: a filter's value cannot be sent.
    IncompleteSweepError
        The rows cannot be shown to be complete; it carries the partial frame.
    DataError
        With `strict`: the data does not fit its declaration.
    CreditLimitError
        The call would cost more than it may.
    NotCachedError
        With ``offline=True``: the cache does not hold the answer.
    APIError
        The API refused or failed: `AuthenticationError`, `BadRequestError`, `RateLimitError`,
        `QuotaExhaustedError`, `ServerError`, `ConnectionFailedError`, `ResponseError`.

    Notes
    -----
    Costs one credit for each page of 30 rows: 139 for the whole register of 4,151 rows. An empty
    result costs one; what the cache answers costs none. Source: Sectors API,
    ``/v2/mining/licenses/`` (ESDM Minerba portal).
    """
    filters = {
        "company": company,
        "province": province,
        "commodity_type": commodity_type,
        "license_type": license_type,
        "activity": activity,
        "cnc": cnc,
        "expiring_soon": expiring_soon,
        "order_by": order_by,
    }
    return chosen_client(client).fetch(
        ds.MINING_LICENSES,
        filters,
        max_rows=max_rows,
        strict=strict,
        validate=validate,
        options=options,
    )
