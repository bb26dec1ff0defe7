"""The graph of ownership."""

from __future__ import annotations

import sys

import pytest
from support.companies import edges

from sectorsdf.companies import ownership_graph
from sectorsdf.errors import MissingExtraError

networkx = pytest.importorskip("networkx")


def test_nodes_and_edges_have_what_is_known():
    rows = edges(("b", "c", None), ("a", "b", 60.0), ("a", "b", 60.0), symbols={"a": "CQAA.JK"})
    rows.loc[0, "child_name"] = "PT C"
    graph = ownership_graph(rows)
    assert isinstance(graph, networkx.DiGraph)
    assert dict(graph.nodes(data=True)) == {
        "a": {"name": None, "symbol": "CQAA.JK"},
        "b": {"name": None, "symbol": None},
        "c": {"name": "PT C", "symbol": None},
    }
    assert list(graph.edges(data="percentage_ownership")) == [("a", "b", 60.0), ("b", "c", None)]
    assert networkx.ancestors(graph, "c") == {"a", "b"}


def test_no_edge_gives_an_empty_graph():
    assert len(ownership_graph(edges())) == 0


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r'pip install "sectorsdf\[graph\]"'):
        ownership_graph(edges())
