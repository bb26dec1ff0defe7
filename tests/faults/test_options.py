"""An option of a wrong type is refused before a request is sent, whichever it is."""

from __future__ import annotations

import inspect
import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from support.billing_api import KEY, Api

import sectorsdf
from sectorsdf import RetryPolicy
from sectorsdf.client.call_config import OPTION_NAMES
from sectorsdf.config.options import Options, default_cache, default_progress

GETTERS = {
    name: getattr(sectorsdf, name) for name in sectorsdf.__all__ if name.startswith("get_mining")
}
ADDRESSED = {
    name: next(iter(inspect.signature(getter).parameters))
    for name, getter in GETTERS.items()
    if next(iter(inspect.signature(getter).parameters.values())).kind
    is inspect.Parameter.POSITIONAL_OR_KEYWORD
}
FLAGS = ["yes", 1, 0, None, [], math.nan, np.array([True])]
WHOLE = ["5", 1.5, True, -1, [], math.nan, b"5", np.array([5])]
SECONDS = ["1h", -1, True, None, math.nan, math.inf, timedelta(hours=1), [5]]
AGE = [5, 1.5, "soon", "-1h", "", True, timedelta(-1), [timedelta(1)], math.nan]
CACHE = [5, 1.5, "", b"x", ["folder"], {}, math.nan]
PROGRESS = ["yes", 1, 0, [], math.nan]
WRONG = {
    "max_rows": ["5", 1.5, True, 0, -1, [], math.nan],
    "strict": FLAGS,
    "validate": FLAGS,
    "details": FLAGS,
    "include_emails": FLAGS,
    "include_contacts": FLAGS,
    "missing": ["ignore", ["raise"], {}, 5, True, ""],
    "client": ["key", 5, sectorsdf.Client, {}],
    "max_credits": WHOLE,
    "workers": [*WHOLE, 0],
    "repair_credits": WHOLE,
    "allow_partial": FLAGS,
    "resume": FLAGS,
    "resume_within": SECONDS,
    "cache": CACHE,
    "max_age": AGE,
    "refresh": FLAGS,
    "offline": FLAGS,
    "progress": PROGRESS,
}
KEYS = [5, None, [5], [["site-0"]], [{}], [None], {"a": "b"}.items(), b"site-0", 1.5, True, "", " "]


@pytest.fixture(scope="module")
def api():
    with Api(licenses=3, sites=3, auctions=3) as api:
        yield api


@pytest.fixture
def client(api, tmp_path):
    return api.client(tmp_path)


def options_of(getter):
    found = inspect.signature(getter).parameters
    return [name for name in found if name in WRONG]


def test_every_option_of_every_getter_is_tried():
    assert {*OPTION_NAMES} <= {*WRONG}
    for getter in GETTERS.values():
        parameters = inspect.signature(getter).parameters.values()
        flags = {each.name for each in parameters if isinstance(each.default, bool)}
        assert flags <= {*WRONG}


@pytest.mark.parametrize("name", GETTERS)
def test_an_option_of_a_getter(api, client, name):
    getter, before = GETTERS[name], api.requests
    keys = {ADDRESSED[name]: ["site-0"]} if name in ADDRESSED else {}
    for option in options_of(getter):
        for wrong in WRONG[option]:
            call = {"client": client, **keys, option: wrong}
            error = TypeError if option == "client" else sectorsdf.SectorsdfError
            with pytest.raises(error, match=option) as caught:
                getter(**call)
            assert isinstance(caught.value, TypeError | ValueError)
            assert api.requests == before, (option, wrong)


def test_an_option_of_a_call_for_all_sites(api, client):
    before = api.requests
    for option in options_of(sectorsdf.get_mining_site_resources):
        for wrong in WRONG[option]:
            with pytest.raises((TypeError, ValueError), match=option):
                sectorsdf.get_mining_site_resources(**{"client": client, option: wrong})
    assert api.requests == before


@pytest.mark.parametrize("name", ADDRESSED)
def test_a_key(api, client, name):
    before = api.requests
    means_all = inspect.signature(GETTERS[name]).parameters[ADDRESSED[name]].default is None
    for wrong in KEYS:
        if wrong is None and means_all:
            continue
        with pytest.raises(sectorsdf.FilterError):
            GETTERS[name](wrong, client=client)
        assert api.requests == before, wrong


def test_an_option_of_a_quote_and_of_an_export(api, client, tmp_path):
    before = api.requests
    for option in options_of(sectorsdf.get_mining_sites):
        for wrong in WRONG[option]:
            call = {"client": client, option: wrong}
            with pytest.raises((TypeError, ValueError), match=option):
                sectorsdf.quote(sectorsdf.get_mining_sites, **call)
            with pytest.raises((TypeError, ValueError), match=option):
                sectorsdf.export(sectorsdf.get_mining_sites, tmp_path / "x.parquet", **call)
    assert api.requests == before
    assert not (tmp_path / "x.parquet").exists()


CLIENT = {
    "base_url": [5, b"http://127.0.0.1", ["http://127.0.0.1"], True],
    "timeout": ["5", 5, None, ("5", "30"), (True, True), (5,), (5, math.nan), (5, -1), {}],
    "workers": [*WHOLE, 0],
    "max_credits": WHOLE,
    "rate_limit": [5, "fast", b"5/s", ["5/s"], (5, 1), True],
    "max_wait": ["65", True, None, math.nan, -1, [65]],
    "retry": [3, "3", {"tries": 3}, RetryPolicy],
    "cache_folder": [5, b"x", ["x"], "", True],
    "reuse_within": ["1h", True, None, math.nan, timedelta(hours=1)],
    "cache": CACHE,
    "max_age": AGE,
    "on_progress": [5, "print", {}],
}


@pytest.mark.parametrize("option", CLIENT)
def test_an_option_of_a_client(option, tmp_path):
    for wrong in CLIENT[option]:
        with pytest.raises(sectorsdf.ConfigurationError):
            sectorsdf.Client(
                KEY, **{"base_url": "http://127.0.0.1:9", "cache_folder": tmp_path, option: wrong}
            )


def test_every_option_of_a_client_is_tried():
    names = {*inspect.signature(sectorsdf.Client).parameters} - {"api_key"}
    assert names - {*CLIENT} <= {"max_body_bytes"}


@pytest.mark.parametrize("wrong", [{"tries": "3"}, {"base": "x"}, {"cap": None}, {"base": True}])
def test_a_retry_policy(wrong):
    with pytest.raises(sectorsdf.ConfigurationError):
        RetryPolicy(**wrong)


OPTIONS = {"cache": [*CACHE, None], "max_age": [*AGE, None], "progress": [*PROGRESS, None]}


def test_an_option_of_the_process_is_refused_at_once():
    assert {*OPTIONS} == {*Options.__annotations__}
    for option, values in OPTIONS.items():
        for wrong in values:
            with pytest.raises(sectorsdf.ConfigurationError, match=option):
                sectorsdf.set_options(**{option: wrong})
    with pytest.raises(sectorsdf.ConfigurationError):
        sectorsdf.set_options(cache="somewhere", progress="yes")
    assert (default_cache(), default_progress()) == (False, None)


def test_what_pandas_and_numpy_give_is_taken(api, tmp_path):
    client = api.client(tmp_path)
    frame = sectorsdf.get_mining_licenses(
        client=client, max_rows=np.int64(2), strict=np.bool_(True), max_age=pd.Timedelta("1h")
    )
    assert len(frame) == 2
    slugs = pd.Index(["site-0", "site-1"])
    assert len(sectorsdf.get_mining_site(slugs, client=client)) == 2
