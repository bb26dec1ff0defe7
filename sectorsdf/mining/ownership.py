"""The getter of the owners and subsidiaries of companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.companies import MINING_COMPANY_OWNERSHIP
from sectorsdf.mining.answers import fetch_answers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf.client.client import Client

__all__ = ["get_mining_company_ownership"]


def get_mining_company_ownership(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    walk: Literal["up", "down", "both"] | None = None,
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
    """Return who owns whom: one row for each parent and child.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    walk : {"up", "down", "both"}, optional
        Also ask for the companies above, below, or both, until none is left. Each is requested
        once.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug, or has none of the requested data for it.
        ``"skip"`` leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `slugs` it
        is left out. In each case it is in ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one edge of the ownership graph: a parent that owns a part of a child. Columns:
        parent_slug, parent_name, parent_symbol, child_slug, child_name, child_symbol (text);
        percentage_ownership (float64, %); seen_from (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each slug, even if the API does not know it; an answer from the cache costs
    none. Source: Sectors API, ``/v2/mining/companies/ownership/{slug}/``.

    An answer shows one level of owners and subsidiaries. `walk` also asks for the companies above,
    below or both, each once. An edge that is seen from both ends is one row; a difference between
    the two is reported as a problem. Percentages of a child need not add up to 100.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> slug = "pt-contoh-batuan-abadi-20023-tbk"
    >>> edges = sectorsdf.get_mining_company_ownership(slug, walk="down")
    >>> columns = ["parent_name", "child_name", "percentage_ownership"]
    >>> print(edges[columns].head(3).to_string(index=False))
                         parent_name                     child_name  percentage_ownership
    PT Contoh Batuan Abadi 20023 Tbk PT Contoh Tembaga Mandiri 6985                 100.0
    PT Contoh Batuan Abadi 20023 Tbk  PT Contoh Tembaga Makmur 8832                 100.0
    PT Contoh Batuan Abadi 20023 Tbk   PT Contoh Nikel Bersama 2620                 100.0
    """
    return fetch_answers(MINING_COMPANY_OWNERSHIP, locals())
