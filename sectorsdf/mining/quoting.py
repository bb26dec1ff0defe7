"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from sectorsdf import datasets as ds
from sectorsdf.client.call_config import CallOptions, Quote
from sectorsdf.client.record_call import keys_of
from sectorsdf.mining.auctions import (
    get_mining_license_auction,
    get_mining_license_auction_participants,
    get_mining_license_auction_phases,
    get_mining_license_auctions,
)
from sectorsdf.mining.fetch import chosen_client
from sectorsdf.mining.licenses import get_mining_licenses
from sectorsdf.mining.resources import get_mining_site_resources
from sectorsdf.mining.sites import get_mining_site, get_mining_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.datasets.schema import Dataset

__all__ = ["Listed", "is_getter", "is_list", "listed", "quote"]


def quote(getter: Any, /, *args: Any, client: Client | None = None, **filters: Any) -> Quote:  # noqa: ANN401
    """Say what a call would cost, before it is made.

    Parameters
    ----------
    getter : callable
        One of this module's getters, such as `get_mining_licenses`.
    *args, **filters
        What the getter would be called with.
    client : Client, optional
        The connection to use; by default one made from the environment.

    Returns
    -------
    Quote
        Credits, pages, rows, and the seconds that the learnt rate limit implies. For a list this
        costs one credit itself where its first page is not in the journal; that page is kept, and
        the call that follows does not pay for it. Details of listed sites are counted as one for
        each row, which is the most that they can cost.

    Raises
    ------
    FilterError
        A filter's value cannot be sent.
    TypeError
        `getter` is no getter.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sectorsdf.quote(sectorsdf.get_mining_licenses, client=client).rows
    4151
    """
    chosen = chosen_client(client)
    if getter is get_mining_site_resources:
        sites = args[0] if args else filters.pop("sites", None)
        if sites is None:
            filters.pop("missing", None)
            getter, filters, args = get_mining_sites, {**filters, "details": True}, ()
        elif "resources_reserves" in getattr(sites, "columns", ()):
            return Quote(0, 0, None, 0.0, exact=True, spent=0)
        else:
            args = (sites,)
    if getter in _LISTS:
        if args:
            message = f"{getter.__name__} takes keywords only"
            raise TypeError(message)
        asked = listed(getter, filters)
        asked.limits.pop("strict", None)
        details = ds.MINING_SITE if asked.details else None
        return chosen.quote(
            asked.dataset, asked.filters, **asked.limits, details=details, options=asked.options
        )
    if getter in _RECORDS:
        dataset = _RECORDS[getter]
        name = str(dataset.addressed_by)
        if not args and name not in filters:
            message = f"{getter.__name__} needs {name}"
            raise TypeError(message)
        given = args[0] if args else filters[name]
        options = {name: filters[name] for name in _OPTION_NAMES if name in filters}
        return chosen.quote_records(dataset, keys_of(given, name), options=options)
    message = f"{getter!r} is no getter of sectorsdf.mining; give one such as get_mining_licenses"
    raise TypeError(message)


class Listed(NamedTuple):
    """A call of a getter for a list, taken apart."""

    dataset: Dataset
    filters: dict[str, Any]
    limits: dict[str, Any]
    options: dict[str, Any]
    details: bool


def is_getter(value: object) -> TypeGuard[Callable[..., pd.DataFrame]]:
    """Tell whether something is a getter of this module."""
    return any(value is getter for getter in (*_LISTS, *_RECORDS))


def is_list(getter: object) -> bool:
    """Tell whether a getter fetches a list page by page."""
    return getter in _LISTS


def listed(getter: object, given: Mapping[str, Any]) -> Listed:
    """Take the keywords of a getter for a list apart."""
    filters = dict(given)
    details = bool(filters.pop("details", False))
    limits, options = (
        {name: filters.pop(name) for name in names if name in filters}
        for names in (("max_rows", "validate", "strict"), _OPTION_NAMES)
    )
    return Listed(_LISTS[getter], filters, limits, options, details)


_LISTS: Mapping[Any, Dataset] = {
    get_mining_licenses: ds.MINING_LICENSES,
    get_mining_license_auctions: ds.MINING_LICENSE_AUCTIONS,
    get_mining_sites: ds.MINING_SITES,
}
_RECORDS: Mapping[Any, Dataset] = {
    get_mining_license_auction: ds.MINING_LICENSE_AUCTION,
    get_mining_license_auction_phases: ds.MINING_LICENSE_AUCTION_PHASES,
    get_mining_license_auction_participants: ds.MINING_LICENSE_AUCTION_PARTICIPANTS,
    get_mining_site: ds.MINING_SITE,
    get_mining_site_resources: ds.MINING_SITE_RESOURCES,
}
_OPTION_NAMES = tuple(CallOptions.__annotations__)
