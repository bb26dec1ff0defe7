"""Turn edges of ownership into a graph of networkx. Needs the extra ``graph``.

This module owns the names of the graph's attributes. It imports networkx only when a graph is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.companies.inputs import edges_of, symbols_of
from sectorsdf.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ownership_graph"]


def ownership_graph(ownership: pd.DataFrame) -> Any:  # noqa: ANN401 - a type of an extra
    """Return ownership as a directed graph, from each owner to what it owns.

    Parameters
    ----------
    ownership : pandas.DataFrame
        Edges as `get_mining_company_ownership` returns them. An edge that is there several times
        becomes one, with the first percentage; `check_ownership` reports it.

    Returns
    -------
    networkx.DiGraph
        One node for each slug, in alphabetical order, with ``name`` and ``symbol`` (None if
        unknown). Each edge has ``percentage_ownership`` (float, %; None if unknown).

    Raises
    ------
    MissingExtraError
        The extra ``graph`` (networkx) is not installed.
    ConfigurationError, TypeError
        As in `owners_of`.

    Notes
    -----
    No request is made. networkx algorithms that read a weight take the first edge attribute that
    you name: ``weight="percentage_ownership"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import ownership_graph
    >>> ownership = pd.DataFrame(
    ...     [("top", "middle", 80.0), ("middle", "mine", 50.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> graph = ownership_graph(ownership)
    >>> list(graph.edges(data="percentage_ownership"))
    [('middle', 'mine', 50.0), ('top', 'middle', 80.0)]
    """
    try:
        import networkx as nx  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'graphs need networkx: pip install "sectorsdf[graph]" ({error})'
        raise MissingExtraError(message) from None
    edges = edges_of(ownership)
    names = symbols_of(edges).astype("object")
    names = names.where(names.notna(), None)
    graph = nx.DiGraph()
    graph.add_nodes_from(
        (slug, {"name": name, "symbol": symbol})
        for slug, name, symbol in zip(names.index, names["name"], names["symbol"], strict=True)
    )
    ends = ["parent_slug", "child_slug"]
    edges = edges.sort_values([*ends, "percentage_ownership"]).drop_duplicates(ends)
    percentages = edges["percentage_ownership"].astype("object")
    percentages = percentages.where(percentages.notna(), None)
    graph.add_edges_from(
        (parent, child, {"percentage_ownership": percentage})
        for parent, child, percentage in zip(
            edges["parent_slug"], edges["child_slug"], percentages, strict=True
        )
    )
    return graph
