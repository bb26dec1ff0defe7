"""The getters' words: docstrings, types and examples say what the declarations say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import itertools
import re
import typing
import warnings
from collections.abc import Iterable

import pandas as pd
import pytest

import sectorsdf
from sectorsdf import datasets, vocabularies

# Words and types

GETTERS = {
    sectorsdf.get_mining_licenses: datasets.MINING_LICENSES,
    sectorsdf.get_mining_license_auctions: datasets.MINING_LICENSE_AUCTIONS,
    sectorsdf.get_mining_license_auction: datasets.MINING_LICENSE_AUCTION,
    sectorsdf.get_mining_license_auction_phases: datasets.MINING_LICENSE_AUCTION_PHASES,
    sectorsdf.get_mining_license_auction_participants: (
        datasets.MINING_LICENSE_AUCTION_PARTICIPANTS
    ),
    sectorsdf.get_mining_sites: datasets.MINING_SITES,
    sectorsdf.get_mining_site: datasets.MINING_SITE,
    sectorsdf.get_mining_site_resources: datasets.MINING_SITE_RESOURCES,
}
NAMED = {getter.__name__: getter for getter in GETTERS}
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
    if "**options" in inspect.getdoc(getter):
        options = sections(sectorsdf.get_mining_licenses)["Parameters"].partition("**options")[2]
        assert set(re.findall(r"``(\w+)``", options)) == set(sectorsdf.CallOptions.__annotations__)


@each_getter
def test_each_docstring_names_every_column_and_unit(getter):
    dataset = GETTERS[getter]
    told = columns_told(getter)
    assert {column.name for column in dataset.columns} <= told
    words = {"ha": "hectares", "IDR": "rupiah", "degree": "degrees", "kcal/kg": "kcal"}
    assert {words[column.unit] for column in dataset.columns if column.unit} <= told


@each_getter
def test_each_docstring_tells_its_costs_errors_and_source(getter):
    told = sections(getter)
    assert "credit" in told["Notes"]
    assert "One row is" in " ".join(told["Returns"].split())
    assert GETTERS[getter].path.replace("{}", "") in inspect.getdoc(getter).replace(
        "{wiup_code}", ""
    ).replace("{slug}", "") or re.search(r"same answers as `\w+`", told["Notes"])
    for name in re.findall(r"\w+Error", told["Raises"]):
        assert hasattr(sectorsdf, name)


def test_sites_with_details_tell_every_column_of_theirs():
    columns = {column.name for column in datasets.MINING_SITE.columns}
    assert columns <= set(re.findall(r"\w+", sections(sectorsdf.get_mining_sites)["Returns"]))


def hints_of(getter):
    names = {
        "pd": pd,
        "vocab": vocabularies,
        "CallOptions": sectorsdf.CallOptions,
        "Client": sectorsdf.Client,
        "Iterable": Iterable,
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
    named = [entry.name for entry in dataset.filters]
    common = ["max_rows", "strict", "validate"] if named else ["missing", "strict"]
    known = {*named, *common, "client", "options", "details", "include_emails"}
    keys = {str(dataset.addressed_by), "sites"}
    assert set(parameters) <= known | keys
    assert {*named, *common, "client", "options"} <= set(parameters)
    for name, parameter in parameters.items():
        if name not in {"options", *keys}:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert all(parameters[name].default is None for name in named)


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
        "sectorsdf.http.credits",
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
