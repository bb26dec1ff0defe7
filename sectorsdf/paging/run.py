"""Run a sweep from its first page to its certificate.

Owns the order of the steps only: `first_pass` fetches the plan, `repair` requests what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.paging.first_pass import fetch_counted_list, fetch_uncounted_list
from sectorsdf.paging.repair import repair

if TYPE_CHECKING:
    from sectorsdf.paging.certificate import SweepResult
    from sectorsdf.paging.sweep import Sweep

__all__ = ["run_sweep"]


def run_sweep(sweep: Sweep) -> SweepResult:
    """Fetch every page of a list and prove that every row is there.

    Parameters
    ----------
    sweep : Sweep
        A sweep that has fetched nothing yet.

    Returns
    -------
    SweepResult
        The order of the rows, and the certificate.

    Raises
    ------
    IncompleteSweepError
        If completeness cannot be shown within the repair credits.
    """
    (first,) = sweep.ask([sweep.request(0)])
    if first.total is None:
        fetch_uncounted_list(sweep)
    else:
        fetch_counted_list(sweep)
        repair(sweep)
    return sweep.result()
