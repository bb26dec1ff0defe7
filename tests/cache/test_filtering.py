"""What the cache answers by itself is what the API would have answered."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.budgets import examples

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf import mining as m
from sectorsdf import vocabularies as vocab

FACTS = "sectorsdf"
GETTERS = {
    "mining_licenses": m.get_mining_licenses,
    "mining_license_auctions": m.get_mining_license_auctions,
    "mining_sites": m.get_mining_sites,
}
SORTS = {
    "mining_licenses": vocab.LICENSE_SORTS,
    "mining_license_auctions": vocab.AUCTION_SORTS,
    "mining_sites": vocab.SITE_SORTS,
}
DEFAULTS = {name: ds.DATASETS[name].default_order for name in GETTERS}
SLOW = settings(
    deadline=None,
    max_examples=examples(),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def registers(tmp_path_factory):
    """A client whose cache holds the three whole registers, and those registers."""
    folder = tmp_path_factory.mktemp("registers")
    # Today, because what expires soon is counted from today.
    size = {"licenses": 400, "auctions": 14, "sites": 120}
    with sectorsdf.sandbox.running(server=size, cache_folder=folder) as client:
        whole = {name: get(client=client, cache=True) for name, get in GETTERS.items()}
        yield client, whole


def spellings(values):
    known = sorted(values)
    return st.sampled_from([*known, *map(str.upper, known), *map(str.lower, known)])


def filters_of(name, frame):
    """Return a strategy for the filters of a dataset, over values that are there and not there."""
    found = {}
    for declared in ds.DATASETS[name].filters:
        if declared.name in ("order_by", "participant", "qualified"):
            continue
        column = frame[declared.column or declared.name]
        if declared.kind == "choice":
            there = set(column.dropna()) & set(declared.values)
            pool = st.sampled_from(sorted(there)) if there else st.nothing()
            some = pool | st.sampled_from(declared.values)
            if declared.ignores_case:
                some = some | spellings(declared.values)
        elif declared.kind == "flag":
            some = st.booleans()
        elif declared.kind in ("slug", "text", "text_or_flag"):
            some = st.sampled_from([*sorted(set(column.dropna())), "nowhere"])
            if declared.ignores_case:
                some = some | some.map(str.lower)
        elif declared.kind == "integer" and declared.match == "same":
            some = st.sampled_from([*map(int, sorted(set(column.dropna()))), 1999])
        else:
            known = sorted({float(value) for value in column.dropna()})
            near = [*known, *(value + 0.5 for value in known), 0.0]
            some = st.sampled_from(near)
            some = some.map(int).filter(lambda v: v >= 0) if declared.kind == "integer" else some
        found[declared.name] = some
    return st.fixed_dictionaries({}, optional=found)


def rows_of(frame):
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def check(kept, asked, order):
    """Assert that two answers are one, but for rows that tie in the sort."""
    assert kept.dtypes.tolist() == asked.dtypes.tolist()
    assert kept.columns.tolist() == asked.columns.tolist()
    pd.testing.assert_series_equal(kept[order], asked[order])
    assert isinstance(kept.index, pd.RangeIndex)


@pytest.mark.filterwarnings("ignore:.*no row has")
@pytest.mark.parametrize("name", GETTERS)
@SLOW
@given(data=st.data())
def test_every_filter_and_sort(name, data, registers):
    client, whole = registers
    filters = data.draw(filters_of(name, whole[name]))
    order = data.draw(st.sampled_from([None, *SORTS[name]]))
    limit = data.draw(st.none() | st.integers(1, 60))
    call = {**filters, "order_by": order, "max_rows": limit, "client": client}
    asked = GETTERS[name](**call, cache=False)
    column = (order or DEFAULTS[name]).removeprefix("-")
    if order not in (None, DEFAULTS[name]) and has_gaps(name, filters, column, client):
        # Nobody says whether the API puts them first or last.
        with pytest.raises(sectorsdf.NotCachedError):
            GETTERS[name](**call, offline=True)
        return
    kept = GETTERS[name](**call, offline=True)
    facts = kept.attrs[FACTS]
    assert facts["from_cache"]["credits"] == 0
    assert facts["filters"] == {
        k: v for k, v in call.items() if k in ds_names(name) and v is not None
    }
    check(kept, asked, column)
    if limit is None:
        assert Counter(rows_of(kept)) == Counter(rows_of(asked))
        assert facts["complete"] is True
    else:
        # Of rows that tie at the cut, the API promises none in particular.
        everything = Counter(rows_of(GETTERS[name](**{**call, "max_rows": None}, offline=True)))
        assert not Counter(rows_of(kept)) - everything
        assert facts["complete"] is asked.attrs[FACTS]["complete"]
    assert facts["rows"] == len(kept)


def has_gaps(name, filters, column, client):
    """Return whether a row that the filters select has no value in a column."""
    return GETTERS[name](**filters, client=client, offline=True)[column].isna().any()


def ds_names(name):
    return {declared.name for declared in ds.DATASETS[name].filters}


def test_rows_that_do_not_tie_stand_as_the_api_has_them(registers):
    client, _ = registers
    call = {"order_by": "-licensed_area_ha", "license_type": "IUP", "client": client}
    kept = m.get_mining_licenses(**call, offline=True)
    asked = m.get_mining_licenses(**call, cache=False)
    alone = ~kept["licensed_area_ha"].duplicated(keep=False)
    assert alone.sum() > 100
    pd.testing.assert_frame_equal(kept[alone], asked[alone])


@pytest.mark.parametrize(
    "filters", [{"participant": "pt"}, {"participant": "pt", "qualified": True}]
)
def test_what_the_columns_do_not_tell_is_asked_for(filters, registers):
    client, _ = registers
    with pytest.raises(sectorsdf.NotCachedError):
        m.get_mining_license_auctions(client=client, **filters, offline=True)
    before = client.spent
    frame = m.get_mining_license_auctions(client=client, **filters, cache=False)
    assert client.spent == before + 1
    assert frame.attrs[FACTS]["from_cache"] is False


@pytest.mark.parametrize("cnc", [True, False, "true"])
def test_a_flag_whose_meaning_nobody_documents_is_asked_for(cnc, registers):
    client, _ = registers
    with pytest.raises(sectorsdf.NotCachedError):
        m.get_mining_licenses(client=client, cnc=cnc, offline=True)


def test_the_freshest_answers(serve, tmp_path, monkeypatch):
    """Coal alone was fetched long ago, the whole register today."""
    client, now = serve(cache=tmp_path), time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - 2 * 86_400)
        m.get_mining_licenses(client=client, commodity_type="Coal")
    first = m.get_mining_licenses(client=client, commodity_type="Coal").attrs[FACTS]
    assert first["from_cache"]["selected"] is False
    assert first["from_cache"]["age_seconds"] >= 2 * 86_400
    m.get_mining_licenses(client=client, province=None)
    spent = client.spent
    second = m.get_mining_licenses(client=client, commodity_type="Coal").attrs[FACTS]
    assert second["from_cache"]["selected"] is True
    assert second["from_cache"]["age_seconds"] < 60
    fetched = datetime.fromisoformat(second["fetched_at"])
    assert datetime.now(UTC) - fetched < timedelta(minutes=1)
    assert client.spent == spent


def test_the_first_rows_answer_for_fewer_of_them_and_nothing_else(serve, tmp_path):
    client = serve(cache=tmp_path)
    many = m.get_mining_licenses(client=client, max_rows=60)
    fewer = m.get_mining_licenses(client=client, max_rows=31)
    pd.testing.assert_frame_equal(many.head(31), fewer)
    assert client.spent == 2
    assert fewer.attrs[FACTS]["complete"] is False
    for other in ({"max_rows": 61}, {"max_rows": 31, "order_by": "commodity_type"}, {"cnc": "CNC"}):
        before = client.spent
        m.get_mining_licenses(client=client, **other)
        assert client.spent > before


def test_a_column_with_values_that_do_not_fit_decides_nothing(serve, sample, tmp_path):
    records = [dict(record) for record in sample["mining_licenses"][:40]]
    records[0]["licensed_area_ha"] = "wide"
    client = serve({"mining_licenses": records}, cache=tmp_path)
    with pytest.warns(sectorsdf.DataWarning):
        m.get_mining_licenses(client=client)
    with pytest.raises(sectorsdf.NotCachedError):
        m.get_mining_licenses(client=client, order_by="licensed_area_ha", offline=True)
    # Another column tells, and the row number of the report is that of the answer.
    kind = records[0]["commodity_type"]
    with pytest.warns(sectorsdf.DataWarning, match="wide"):
        frame = m.get_mining_licenses(client=client, commodity_type=kind, offline=True)
    (problem,) = frame.attrs[FACTS]["problems"]
    assert frame["wiup_code"].iloc[problem["row"]] == records[0]["wiup_code"]
    other = next(r["commodity_type"] for r in records if r["commodity_type"] != kind)
    frame = m.get_mining_licenses(client=client, commodity_type=other, offline=True)
    assert frame.attrs[FACTS]["problems"] == []
