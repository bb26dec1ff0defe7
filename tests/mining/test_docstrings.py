"""The getters' words: docstrings, types and examples say what the declarations say."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import itertools
import os
import re
import sys
import textwrap
import typing
import warnings
from collections.abc import Iterable
from datetime import timedelta

import pandas as pd
import pytest
from support.paths import ROOT

import sectorsdf
from sectorsdf import datasets, vocabularies

sys.path.insert(0, str(ROOT / "docs"))

import getters

# Words and types

GETTERS = {
    getattr(sectorsdf, f"get_{name}"): dataset for name, dataset in datasets.DATASETS.items()
}
NAMED = {getter.__name__: getter for getter in GETTERS}
SEVERAL = {"year": "years", "commodity_type": "commodity_types", "country": "countries"}
"""The keyword for one value of a filter or many, of the getters that take many."""


def keyword_of(getter, name):
    """Return the keyword under which a getter takes a filter."""
    several = SEVERAL.get(name)
    return several if several in inspect.signature(getter).parameters else name


each_getter = pytest.mark.parametrize("getter", GETTERS, ids=lambda getter: getter.__name__)


def sections(getter):
    """Return the sections of a docstring by their titles."""
    text = inspect.getdoc(getter)
    parts = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def parameters_told(getter):
    """Return the names that the section on parameters speaks of."""
    heads = re.findall(r"^(?! )(.+?)(?: :.*)?$", sections(getter)["Parameters"], re.MULTILINE)
    return [name.strip(" *") for head in heads for name in head.split(",")]


def columns_told(getter):
    """Return the words of the section on columns, with those of the getters it refers to."""
    text = sections(getter)["Returns"]
    words = set(re.findall(r"\w+", text))
    for name in re.findall(r"columns of\s+`+(\w+)", text):
        if NAMED[name] is not getter:
            words |= columns_told(NAMED[name])
    return words


@each_getter
def test_each_docstring_names_every_parameter(getter):
    signature = list(inspect.signature(getter).parameters)
    assert sorted(parameters_told(getter)) == sorted(signature)


@each_getter
def test_each_docstring_names_every_column_and_unit(getter):
    dataset = GETTERS[getter]
    told = columns_told(getter)
    assert {column.name for column in dataset.columns} <= told
    words = {"ha": "hectares", "IDR": "rupiah", "degree": "degrees", "kcal/kg": "kcal"}
    units = {column.unit for column in dataset.columns if column.unit} - {"%"}
    assert {words.get(unit, unit) for unit in units} <= told
    shares = any(column.unit == "%" for column in dataset.columns)
    text = sections(getter)["Returns"]
    assert not shares or "%" in text or "percent" in text.replace("percentage_", "")


@each_getter
def test_each_docstring_tells_its_costs_errors_and_source(getter):
    told = sections(getter)
    assert "credit" in told["Notes"]
    assert "One row is" in " ".join(told["Returns"].split())
    path = re.escape(GETTERS[getter].path).replace(re.escape("{}"), r"\{\w+\}")
    assert re.search(path, inspect.getdoc(getter)) or re.search(
        r"same answers as `\w+`", told["Notes"]
    )
    for name in re.findall(r"\w+Error", told["Raises"]):
        assert hasattr(sectorsdf, name)


def test_sites_with_details_tell_every_column_of_theirs():
    columns = {column.name for column in datasets.MINING_SITE.columns}
    assert columns <= set(re.findall(r"\w+", sections(sectorsdf.get_mining_sites)["Returns"]))


def hints_of(getter):
    names = {
        "pd": pd,
        "vocab": vocabularies,
        "Client": sectorsdf.Client,
        "Iterable": Iterable,
        "os": os,
        "timedelta": timedelta,
    }
    return typing.get_type_hints(getter, localns=names)


def literal_of(hint):
    """Return the values of the `Literal` in a union."""
    found = [entry for entry in typing.get_args(hint) if typing.get_origin(entry) is typing.Literal]
    return tuple(itertools.chain.from_iterable(map(typing.get_args, found)))


@each_getter
def test_types_tell_the_values_that_a_filter_takes(getter):
    hints, dataset = hints_of(getter), GETTERS[getter]
    assert hints.pop("return") is pd.DataFrame
    assert list(hints) == list(inspect.signature(getter).parameters)
    for declared in dataset.filters:
        if keyword_of(getter, declared.name) != declared.name:
            continue
        hint = hints[declared.name]
        assert literal_of(hint) == declared.values
        assert type(None) in typing.get_args(hint)
        # A value that the API learns later is let through by the types as by `validate=False`.
        assert (str in typing.get_args(hint)) is (
            declared.name != "order_by"
            and declared.kind in {"choice", "slug", "text", "text_or_flag"}
        )
    if "missing" in hints:
        hint = hints["missing"]
        assert (literal_of(hint) or typing.get_args(hint)) == ("raise", "skip")


@each_getter
def test_signatures_have_every_filter_and_the_common_keywords(getter):
    dataset, parameters = GETTERS[getter], inspect.signature(getter).parameters
    options = list(sectorsdf.CallOptions.__annotations__)
    named = [keyword_of(getter, entry.name) for entry in dataset.filters]
    common = ["max_rows", "strict", "validate"] if dataset.is_list else ["strict"]
    takes_slugs = not dataset.is_list and dataset.addressed_by not in {None, "commodity"}
    common += ["missing"] if takes_slugs else []
    known = {*named, *common, *options, "client", "unknown", "details", "include_emails"}
    known |= {"include_contacts"} if dataset.contacts else set()
    known |= {"walk"} if dataset is datasets.MINING_COMPANY_OWNERSHIP else set()
    keys = {str(dataset.keyword or dataset.addressed_by), "sites"}
    # In the order of the API's parameters, a commodity comes before the countries.
    keys |= {"commodity_type"} if dataset is datasets.MINING_GLOBAL_COMMODITIES else set()
    keys |= {"years"} if dataset is datasets.MINING_EXPORTS else set()
    assert set(parameters) <= known | keys
    assert {*named, *common, "client"} <= set(parameters)
    # An editor shows each option with its type, in the same order everywhere.
    assert list(parameters)[-len(options) - 1 :] == [*options, "unknown"]
    for name, parameter in parameters.items():
        if name == "unknown":
            assert parameter.kind is inspect.Parameter.VAR_KEYWORD
        elif name not in keys:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert all(parameters[name].default is None for name in named)


@each_getter
def test_options_have_the_types_of_their_declaration(getter):
    hints = hints_of(getter)
    declared = typing.get_type_hints(
        sectorsdf.CallOptions, localns={"os": os, "timedelta": timedelta}
    )
    assert {name: hints[name] for name in declared} == declared


def test_the_blocks_made_from_the_declarations_are_up_to_date():
    for path in getters.FOLDER.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert getters.rewritten(source) == source, f"run docs/getters.py for {path.name}"


@each_getter
def test_a_getter_is_a_signature_a_docstring_and_one_line(getter):
    body = ast.parse(textwrap.dedent(inspect.getsource(getter))).body[0].body
    assert len(body) == 2
    assert isinstance(body[1], ast.Return)


def test_the_vocabularies_are_the_literals_and_have_no_twins():
    for name in vocabularies.__all__:
        value = getattr(vocabularies, name)
        if isinstance(value, tuple):
            assert list(value) == sorted(set(value))
            assert any(
                typing.get_args(getattr(vocabularies, other)) == value
                for other in vocabularies.__all__
                if not isinstance(getattr(vocabularies, other), tuple)
            )


@pytest.mark.parametrize(
    "name",
    [
        "sectorsdf",
        "sectorsdf.client.ledger",
        "sectorsdf.mining.quoting",
        "sectorsdf.sandbox.session",
    ],
)
def test_examples_in_docstrings_hold(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert failed == 0
