"""Say what may be wrong with a filter that has matched no row.

Owns the hints about filters that take any text, such as a company's slug. The values that a hint
names are known without a request: earlier frames of the client and whole lists in the cache have
shown them. This module must not import a getter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sectorsdf.cache.keys import CacheKey
from sectorsdf.client.seen import COMPANY_NAME, COMPANY_SLUG, SeenNames, near
from sectorsdf.datasets import DATASETS
from sectorsdf.frames.problems import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.client.context import ClientContext
    from sectorsdf.datasets.schema import Dataset

__all__ = ["warn_of_no_match"]

# What a filter takes, by its name.
_KINDS: Final = {
    "company": COMPANY_SLUG,
    "mine_owner": COMPANY_SLUG,
    "contractor": COMPANY_SLUG,
    "participant": COMPANY_NAME,
    "keyword": COMPANY_NAME,
    "status": "auction_status",
    "cnc": "cnc",
}
_COMPANIES: Final = "mining_companies"
_WORD: Final = re.compile(r"[^\W_]{3,}")


def warn_of_no_match(
    context: ClientContext, dataset: Dataset, filters: Mapping[str, Any], config: CallConfig
) -> None:
    """Warn of each filter of an empty result whose text is not known to exist.

    Parameters
    ----------
    context : ClientContext
        Has what earlier frames have shown.
    dataset : Dataset
        Declares the filters.
    filters : mapping
        The filters as the caller gave them.
    config : CallConfig
        Has the cache, if the call uses one.
    """
    texts = {
        name: text
        for name, text in filters.items()
        if name in _KINDS and isinstance(text, str) and dataset.filter(name) is not None
    }
    if not texts:
        return
    seen = _seen(context, dataset, config)
    for name, text in texts.items():
        declared = dataset.filter(name)
        names = [*seen.of(_KINDS[name]), *(declared.seen if declared else ())]
        folded = text.strip().casefold()
        is_search = _KINDS[name] == COMPANY_NAME
        if any(
            folded in each.casefold() if is_search else folded == each.casefold() for each in names
        ):
            continue
        if is_search:
            names = list({word for each in names for word in _WORD.findall(each)})
        found = near(text, names)
        if is_search and (not found or " " in folded):
            # A search for a part of a name may well find nothing.
            continue
        advice = (
            f"Near it, among what was fetched before: {', '.join(map(repr, found))}."
            if found
            else _how_to_find(name, text, dataset, names)
        )
        warn(f"{dataset.name}: no row has {name}={text!r}. {advice}")


def _seen(context: ClientContext, dataset: Dataset, config: CallConfig) -> SeenNames:
    """Return the names that the client has seen, after a look at the whole lists in its cache."""
    cache = config.cache
    if cache is not None:
        for listed in {dataset.name: dataset, _COMPANIES: DATASETS[_COMPANIES]}.values():
            hit = cache.get(CacheKey.of(listed, {}, None)) if listed.is_list else None
            if hit is not None:
                context.seen.add(listed, hit.frame)
    return context.seen


def _how_to_find(name: str, text: str, dataset: Dataset, names: Iterable[str]) -> str:
    kind = _KINDS[name]
    if kind == COMPANY_SLUG and dataset.is_list:
        word = max(_WORD.findall(text), key=len, default=text)
        return f"get_{_COMPANIES}(keyword={word!r}) finds the slugs of companies."
    if kind == COMPANY_SLUG:
        return f"get_{dataset.name}() without filters shows the slugs."
    if names:
        return f"Seen before: {', '.join(map(repr, sorted(names)[:5]))}."
    column = declared.column if (declared := dataset.filter(name)) and declared.column else name
    return f"get_{dataset.name}(max_rows=30) shows values of the column {column}."
