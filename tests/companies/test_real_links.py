"""Links on the provider's own records and on pairs that a person has checked."""

from __future__ import annotations

import functools

import pandas as pd
import pytest
from support.companies import frames_of, read, values

from sectorsdf.companies import check_ownership, link_companies, owners_of, suggest_links


@pytest.fixture(scope="module")
def real(real_data):
    if not (real_data / "mining_company_ownership.jsonl").is_file():
        pytest.skip("the folder of real records has no companies")
    return frames_of(functools.partial(read, real_data))


@pytest.fixture(scope="module")
def pairs(real_data):
    if not (real_data / "company_links.jsonl").is_file():
        pytest.skip("the folder of real records has no pairs of names that a person checked")
    return read(real_data, "company_links")


@pytest.fixture(scope="module")
def links(real):
    return link_companies(real["licenses"], real["companies"], real["ownership"])


def plain_owners(ownership):
    """Return the owner of each company: in these records, a company has one at most."""
    ends = values(ownership, "parent_slug", "child_slug", "percentage_ownership")
    parents = {child: (parent, share) for parent, child, share in ends}
    assert len(parents) == len(ends)
    return parents


def test_every_link_of_the_checked_pairs_is_right(real, pairs):
    holders = pd.DataFrame({"company_name": [pair["name"] for pair in pairs]})
    found = link_companies(holders.assign(wiup_code=None), real["companies"])
    right = 0
    for pair, (slug, method) in zip(
        pairs, values(found, "company_slug", "link_method"), strict=True
    ):
        assert method in {"exact", "cleaned", "none"}
        if pair["same"]:
            assert slug in {pair["company_slug"], None}, pair["name"]
            right += slug is not None
        else:
            assert slug != pair["company_slug"], pair["name"]
    same = sum(pair["same"] for pair in pairs)
    assert right / same > 0.85


def test_suggestions_contain_the_pairs_that_are_not_linked(real, pairs):
    pytest.importorskip("rapidfuzz")
    same = [pair for pair in pairs if pair["same"]]
    holders = pd.DataFrame({"company_name": [pair["name"] for pair in same]})
    holders = holders.assign(wiup_code=None)
    found = link_companies(holders, real["companies"])
    left = {
        (pair["name"], pair["company_slug"])
        for pair, slug in zip(same, found["company_slug"].isna(), strict=True)
        if slug
    }
    suggested = set(values(suggest_links(holders, real["companies"]), "holder", "company_slug"))
    assert left
    assert left <= suggested


def test_the_links_of_the_register(real, links):
    register = real["licenses"]
    given = register["company_slug"].notna()
    linked = links["company_slug"].notna()
    assert (links.loc[given.to_numpy(), "link_method"] == "api").all()
    assert (
        links.loc[given.to_numpy(), "company_slug"].tolist()
        == register.loc[given, "company_slug"].tolist()
    )
    # One firm has a full stop and capitals more in the register than in the list.
    assert linked.sum() == given.sum() + 1
    area = register["licensed_area_ha"]
    assert 0.19 < area[linked.to_numpy()].sum() / area.sum() < 0.24
    assert links["position"].tolist() == list(range(len(register)))


def test_the_listed_owners_of_the_register(real, links):
    parents = plain_owners(real["ownership"])
    symbols = dict(values(real["companies"].dropna(subset="symbol"), "slug", "symbol"))
    for side in ("parent", "child"):
        known = real["ownership"].dropna(subset=f"{side}_symbol")
        symbols |= dict(values(known, f"{side}_slug", f"{side}_symbol"))
    expected = []
    for slug in links["company_slug"]:
        owner, share, hops = slug, 100.0, 0
        while pd.notna(owner) and owner not in symbols and owner in parents:
            owner, part = parents[owner]
            share, hops = share * part / 100, hops + 1
        found = pd.notna(owner) and owner in symbols
        row = (symbols[owner], owner, hops, pytest.approx(share)) if found else (None,) * 4
        expected.append(row)
    columns = ("symbol", "listed_slug", "hops", "effective_pct")
    assert values(links, *columns) == expected
    reached = links["symbol"].notna()
    linked = links["company_slug"].notna()
    # Nine of ten linked licences in the whole register, fewer where a part of it is left out.
    assert reached.sum() / linked.sum() > 0.8
    assert links["hops"].max() == 4


def test_every_owner_is_on_the_way_up(real, links):
    parents = plain_owners(real["ownership"])
    slugs = links["company_slug"].dropna().unique()
    rows = values(owners_of(slugs, real["ownership"]), "slug", "owner_slug", "hops")
    expected = []
    for slug in slugs:
        above, hops = slug, 0
        while above in parents:
            above, hops = parents[above][0], hops + 1
            expected.append((slug, above, hops))
    assert rows == expected


def test_records_of_companies_add_one_name(real):
    plain = link_companies(real["licenses"], real["companies"])
    more = link_companies(real["licenses"], real["companies"], details=real["details"])
    both = plain["company_slug"].notna()
    assert (more.loc[both, "company_slug"] == plain.loc[both, "company_slug"]).all()
    new = more[more["company_slug"].notna() & ~both]
    assert new["link_method"].tolist() == ["licence_number"]
    assert new["contradictions"].str.startswith("holder: ").all()
    assert (more["link_method"] == "licence_number").sum() > 100


def test_the_real_edges_have_no_flaw(real):
    assert check_ownership(real["ownership"]).empty


def test_a_few_links_contradict_the_list(links):
    with_commodity = links["contradictions"].dropna()
    assert with_commodity.str.startswith("commodity: ").all()
    assert 5 <= len(with_commodity) <= 15
