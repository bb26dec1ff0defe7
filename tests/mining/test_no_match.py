"""What is said of a filter that takes any text and has matched no row."""

from __future__ import annotations

import re
import warnings

import pytest

import sectorsdf
from sectorsdf import DataWarning
from sectorsdf.client.seen import SeenNames, near
from sectorsdf.datasets import MINING_LICENSES


@pytest.fixture
def client(serve):
    return serve()


def slug_with_rows(rows):
    return rows["company_slug"].dropna().iloc[0]


def test_a_slug_near_those_of_earlier_frames_is_suggested(client):
    slug = slug_with_rows(sectorsdf.get_mining_sites(client=client))
    billed = client.sandbox.billed
    with pytest.warns(DataWarning, match=f"no row has company='{slug}x'. Near it") as caught:
        frame = sectorsdf.get_mining_sites(company=f"{slug}x", client=client)
    assert repr(slug) in str(caught[0].message)
    assert frame.empty
    assert client.sandbox.billed == billed + 1, "the hint costs nothing"


def test_without_earlier_frames_it_says_how_to_find_the_slugs(client):
    with pytest.warns(DataWarning, match=r"get_mining_companies\(keyword='nobody'\) finds"):
        sectorsdf.get_mining_sites(company="pt-nobody", client=client)
    with pytest.warns(DataWarning, match=r"get_mining_contracts\(\) without filters"):
        sectorsdf.get_mining_contracts(contractor="nobody", client=client)


def test_whole_lists_in_the_cache_are_looked_at(serve, tmp_path):
    client = serve()
    known = sectorsdf.get_mining_companies(cache=tmp_path, client=client)["slug"].iloc[0]
    client.forget()
    with pytest.warns(DataWarning, match=re.escape(repr(known))):
        sectorsdf.get_mining_licenses(company=f"{known}-x", cache=tmp_path, client=client)
    # A second call is answered from the cache, and says the same.
    with pytest.warns(DataWarning, match=re.escape(repr(known))):
        sectorsdf.get_mining_licenses(company=f"{known}-x", cache=tmp_path, client=client)


def test_a_known_slug_without_rows_is_no_mistake(client):
    known = sectorsdf.get_mining_companies(client=client)["slug"]
    with_sites = set(sectorsdf.get_mining_sites(client=client)["company_slug"])
    without = next(slug for slug in known if slug not in with_sites)
    assert sectorsdf.get_mining_sites(company=without, client=client).empty


def test_a_search_is_explained_only_by_a_word_near_it(client):
    names = sectorsdf.get_mining_license_auctions(client=client)["company_name"].dropna()
    word = next(word for name in names for word in re.findall("[A-Za-z]{6,}", name))
    with pytest.warns(DataWarning, match=f"Near it, .*{word}"):
        sectorsdf.get_mining_license_auctions(participant=f"{word}q", client=client)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sectorsdf.get_mining_license_auctions(participant="qqqq", client=client)
        sectorsdf.get_mining_license_auctions(participant="two words", client=client)


def test_a_status_names_those_that_were_seen(client):
    with pytest.warns(DataWarning, match="no row has status='Batal'. .*'Lelang Selesai'"):
        sectorsdf.get_mining_license_auctions(status="Batal", client=client)
    with pytest.warns(DataWarning, match=r"get_mining_licenses\(max_rows=30\) shows .* cnc"):
        sectorsdf.get_mining_licenses(cnc="unheard of", client=client)


def test_other_filters_without_rows_say_nothing(client):
    assert sectorsdf.get_mining_sites(year=1900, client=client).empty
    assert sectorsdf.get_mining_licenses(cnc=True, province="Bali", client=client).empty


def test_names_that_contain_the_text_come_first():
    names = ["borneo-gold", "gold", "golden-peak", "cold"]
    assert near("Gold", names) == ["gold", "borneo-gold", "golden-peak"]
    assert near("golt", names)[0] == "gold"
    assert near("zzz", names) == []


def test_no_more_than_a_number_of_names_is_remembered(client, monkeypatch):
    monkeypatch.setattr("sectorsdf.client.seen._MOST_NAMES", 3)
    frame = sectorsdf.get_mining_licenses(client=client)
    seen = SeenNames()
    seen.add(MINING_LICENSES, frame)
    assert seen.of("company name") == frame["company_name"].dropna().unique()[-3:].tolist()
    seen.clear()
    assert seen.of("company name") == []
