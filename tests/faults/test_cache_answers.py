"""The cache answers only what its files show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.billing_api import Api, licence, site

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf.cache.keys import CacheKey, folder_name, residual_for

FACTS = "sectorsdf"


@pytest.fixture
def cached(tmp_path):
    """Return a function that makes a client of a server with a cache of its own."""
    return lambda api: api.client(tmp_path / "home", cache=tmp_path / "cache")


def costs(api, getter, **call):
    """Return the frame of a call, and what the server billed for it."""
    before = api.billed
    frame = getter(**call)
    return frame, api.billed - before


@pytest.mark.filterwarnings("ignore:.*does not have the declared field:sectorsdf.DataWarning")
@pytest.mark.parametrize("some", [False, True], ids=["in no row", "in some rows"])
@pytest.mark.parametrize(
    "call",
    [
        {"company": "pt-bumi"},
        {"order_by": "licensed_area_ha"},
        {"expiring_soon": True},
        {"commodity_type": "Gold"},
    ],
)
def test_a_field_that_the_api_left_out_decides_nothing(cached, call, some):
    fields = ("company_slug", "licensed_area_ha", "license_expiry_date", "commodity_type")
    with Api(licenses=40) as api:
        shown = api.rows["licenses"][3] if some else None
        api.hides = lambda row: () if row is shown else fields
        client = cached(api)
        order = {"client": client, "order_by": "license_effective_date"}
        sectorsdf.get_mining_licenses(**order)
        with pytest.raises(sectorsdf.NotCachedError):
            sectorsdf.get_mining_licenses(**{**order, **call}, offline=True)
        # Another column shows it.
        frame, spent = costs(api, sectorsdf.get_mining_licenses, **order, province="Aceh")
        assert (len(frame), spent) == (40, 0)


def test_a_value_that_no_vocabulary_lists_is_selected_where_rows_have_it(cached):
    call = {"license_type": "SIPX", "validate": False}
    rows = [licence(number, license_type="SIPX" if number < 3 else "IUP") for number in range(9)]
    with Api(licenses=rows) as api:
        client = cached(api)
        sectorsdf.get_mining_licenses(client=client)
        frame, spent = costs(api, sectorsdf.get_mining_licenses, client=client, **call)
        assert (len(frame), spent) == (3, 0)
        # Where no row has it, only the API knows whether it refuses the value.
        call["license_type"] = "SIPY"
        frame, spent = costs(api, sectorsdf.get_mining_licenses, client=client, **call)
        assert (len(frame), spent) == (0, 1)


SORTED = sectorsdf.get_mining_sites


def gaps(number):
    return site(number, production_volume=float(number) if number % 3 == 0 else None)


@pytest.mark.parametrize("order", ["production_volume", "-production_volume"])
@pytest.mark.parametrize("rows", [None, 5])
def test_a_sort_is_not_decided_by_missing_values(cached, order, rows):
    call = {"order_by": order, "max_rows": rows}
    with Api(sites=[gaps(number) for number in range(60)]) as api:
        client = cached(api)
        SORTED(client=client)
        frame, spent = costs(api, SORTED, client=client, **call)
        assert spent == (2 if rows is None else 1)
        assert frame["production_volume"].iloc[0] == (0 if order[0] != "-" else 57)


def test_a_sort_over_rows_that_all_have_a_value_is_answered(cached):
    rows = [gaps(number) for number in range(60)]
    rows[1]["commodity_type"] = "Gold"
    with Api(sites=rows) as api:
        client = cached(api)
        SORTED(client=client)
        # The filter leaves out the rows without a value.
        call = {"order_by": "-production_volume", "min_production": 1, "max_rows": 3}
        frame, spent = costs(api, SORTED, client=client, **call)
        assert spent == 0
        assert frame["production_volume"].tolist() == [57, 54, 51]
        # The rows are cached in the order that is asked for, with the values missing where the
        # API puts them.
        SORTED(client=client, order_by="-production_volume")
        call = {"order_by": "-production_volume", "commodity_type": "Coal"}
        frame, spent = costs(api, SORTED, client=client, **call)
        assert spent == 0
        assert frame["production_volume"].isna().tolist() == [False] * 20 + [True] * 39


def test_the_first_rows_never_answer_a_filtered_question(cached):
    rows = [licence(number, license_type="IPR" if number % 2 else "IUP") for number in range(70)]
    with Api(licenses=rows) as api:
        client = cached(api)
        sectorsdf.get_mining_licenses(client=client, max_rows=40)
        call = {"license_type": "IPR", "max_rows": 10}
        frame, spent = costs(api, sectorsdf.get_mining_licenses, client=client, **call)
        assert (len(frame), spent) == (10, 1)
        assert set(frame["license_type"]) == {"IPR"}


@pytest.mark.parametrize(
    ("params", "most", "reaches"),
    [
        ({}, 40, True),
        ({}, 41, False),
        ({}, None, False),
        ({"license_type": "IPR"}, 10, False),
        ({"order_by": "licensed_area_ha"}, 10, False),
    ],
)
def test_what_a_file_of_some_rows_reaches(params, most, reaches):
    key = CacheKey.of(ds.MINING_LICENSES, params, most)
    found = residual_for("max_rows=40", key, folder_name(key.parts()))
    assert (found is not None) is reaches


def test_rows_outside_their_filter_answer_no_other_question(cached):
    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.frames.provenance import Provenance

    rows = [licence(number, license_type="IPR" if number % 2 else "IUP") for number in range(20)]
    with Api(licenses=rows) as api:
        client = cached(api)
        frame = sectorsdf.get_mining_licenses(client=client, province="Aceh")
        cache = CallConfig.resolve(client.context, {}).cache
        key = CacheKey.of(ds.MINING_LICENSES, {"province": "Aceh"}, None)
        outside = [{"wiup_code": frame["wiup_code"][0]}]
        later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
        provenance = Provenance.of_frame(frame)
        provenance.updated(outside_filter=outside, fetched_at=later).attach(frame)
        cache.put(key, frame)
        again, spent = costs(api, sectorsdf.get_mining_licenses, client=client, province="Aceh")
        assert spent == 0
        assert again.attrs[FACTS]["outside_filter"] == outside
        for call in ({"license_type": "IPR"}, {"max_rows": 5}, {"order_by": "licensed_area_ha"}):
            _, spent = costs(
                api, sectorsdf.get_mining_licenses, client=client, province="Aceh", **call
            )
            assert spent == 1


def test_a_cached_record_is_as_old_as_its_page(tmp_path):
    with Api(sites=3) as api:
        client = api.client(tmp_path, cache=True)
        slugs = ["site-0", "site-1"]
        first = sectorsdf.get_mining_site(slugs[0], client=client).attrs[FACTS]["fetched_at"]
        both = sectorsdf.get_mining_site(slugs, client=client).attrs[FACTS]
        assert both["fetched_at"] == first
        info = sectorsdf.cache.info(cache=tmp_path / "datasets")
        assert info["fetched_at"].nunique() == 2


# The files


def test_clear_removes_what_the_cache_wrote_and_nothing_else(tmp_path):
    with Api(licenses=3) as api:
        sectorsdf.get_mining_licenses(client=api.client(tmp_path / "own"), cache=tmp_path)
    (file,) = tmp_path.glob("mining_licenses/all/*.parquet")
    part = file.with_name(f".{file.name}-0123456789ab.part")
    part.write_bytes(b"half")
    foreign = [
        tmp_path / "Downloads" / "thesis" / ".thesis.zip.part",
        tmp_path / "Downloads" / "all" / part.name,
        tmp_path / "Downloads" / "all" / file.name,
        tmp_path / "mining_licenses" / "all" / ".notes.txt-0123456789ab.part",
        tmp_path / "mining_licenses" / "all" / f".{file.name}.part",
        tmp_path / "mining_licenses" / "mine" / ".a.part",
        tmp_path / "deep" / "mining_licenses" / "all" / part.name,
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    empty = tmp_path / "Downloads" / "empty"
    empty.mkdir()
    assert len(sectorsdf.cache.info(cache=tmp_path)) == 1
    assert sectorsdf.cache.clear(cache=tmp_path) == 1
    assert not file.exists()
    assert not part.exists()
    assert all(path.read_bytes() == b"mine" for path in foreign)
    assert empty.is_dir()


def test_a_cache_of_many_records_is_not_listed_for_each(tmp_path, monkeypatch):
    from sectorsdf.cache import backends, record_journal

    listed = []
    real = backends._listing
    monkeypatch.setattr(
        backends, "_listing", lambda folder: listed.append(folder.name) or real(folder)
    )
    slugs = [f"site-{number}" for number in range(80)]
    with Api(sites=80) as api:
        client = api.client(tmp_path, cache=True)
        sectorsdf.get_mining_site(slugs, client=client)
        assert listed.count("mining_site") <= 3
        listed.clear()
        client.forget()
        looked = []
        monkeypatch.setattr(
            record_journal, "_stored_in", lambda file: looked.append(file) or iter(())
        )
        for slug in slugs:
            sectorsdf.get_mining_site(slug, client=client)
        assert listed.count("mining_site") == 0
        assert not looked
        assert api.billed == 80
