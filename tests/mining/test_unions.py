"""Lists of values: the union of one call for each, priced, cached and proved as those."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import sectorsdf
from sectorsdf import get_mining_companies, get_mining_licenses, get_mining_sites
from sectorsdf.errors import CreditLimitError, FilterError, IncompleteSweepError, NotCachedError
from sectorsdf.sandbox import Sandbox

AREAS = ["Aceh", "Riau"]


@pytest.fixture(scope="module")
def server():
    with Sandbox(licenses=2000, today=date(2026, 1, 15)) as running:
        yield running


@pytest.fixture
def client(server, tmp_path):
    """A client with no memory of another test."""
    folders = {"cache_folder": tmp_path / "own", "cache": tmp_path / "cache"}
    with sectorsdf.Client(server.key, server.url, **folders) as made:
        yield made


def provenance(frame):
    return frame.attrs["sectorsdf"]


def test_the_union_is_the_rows_of_one_call_each(client):
    parts = [get_mining_licenses(province=name, client=client) for name in AREAS]
    both = get_mining_licenses(province=AREAS, cache=False, client=client)
    pd.testing.assert_frame_equal(both, pd.concat(parts, ignore_index=True), check_flags=False)
    assert both.dtypes.equals(parts[0].dtypes)


def test_one_provenance_lists_the_parts(client):
    before = client.spent
    frame = get_mining_licenses(province=AREAS, commodity_type="Gold", client=client)
    whole = provenance(frame)
    assert whole["filters"] == {"province": AREAS, "commodity_type": "Gold"}
    assert [part["filters"]["province"] for part in whole["parts"]] == AREAS
    assert whole["credits"] == sum(part["credits"] for part in whole["parts"])
    assert whole["credits"] == client.spent - before
    assert whole["rows"] == len(frame)
    assert whole["complete"] is True
    assert whole["certificate"]["parts"] == 2
    assert whole["fetched_at"] == min(part["fetched_at"] for part in whole["parts"])


def test_the_frame_is_written_and_read_like_any_other(client, tmp_path):
    frame = get_mining_licenses(province=AREAS, client=client)
    file = sectorsdf.export(frame, tmp_path / "both.parquet")
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(file), frame)
    assert sectorsdf.verify(file).intact
    assert sectorsdf.verify(file).complete
    other = sectorsdf.export(
        get_mining_licenses, tmp_path / "other.parquet", province=iter(AREAS), client=client
    )
    pd.testing.assert_frame_equal(sectorsdf.read_parquet(other), frame, check_flags=False)


def test_each_part_is_cached_under_its_own_question(client):
    get_mining_licenses(province="Riau", client=client)
    before = client.spent
    frame = get_mining_licenses(province=AREAS, client=client)
    assert client.spent - before == provenance(frame)["parts"][0]["credits"] > 0
    assert provenance(frame)["from_cache"] == {"parts": 1, "credits": client.spent - before}
    before = client.spent
    get_mining_licenses(province="Aceh", client=client)
    again = get_mining_licenses(province=AREAS[::-1], offline=True, client=client)
    assert client.spent == before
    assert again["province"].unique().tolist() == AREAS[::-1]
    with pytest.raises(NotCachedError):
        get_mining_licenses(province=[*AREAS, "Bali"], offline=True, client=client)


def test_the_quote_adds_up(client):
    parts = [
        sectorsdf.quote(get_mining_licenses, province=name, client=client)
        for name in (*AREAS, "Jawa Timur")
    ]
    whole = sectorsdf.quote(get_mining_licenses, province=[*AREAS, "Jawa Timur"], client=client)
    assert whole.credits == sum(part.credits for part in parts) > 0
    assert whole.rows == sum(part.rows for part in parts)
    assert whole.exact
    assert whole.spent == 0
    before = client.spent
    frame = get_mining_licenses(province=[*AREAS, "Jawa Timur"], client=client)
    assert (client.spent - before, len(frame)) == (whole.credits, whole.rows)


def test_max_credits_is_for_all_parts_together_and_what_was_paid_is_kept(client):
    names = ["Aceh", "Riau", "Jawa Timur"]
    with pytest.raises(CreditLimitError):
        get_mining_licenses(province=names, max_credits=3, cache=False, client=client)
    paid = client.spent
    assert 0 < paid <= 3
    frame = get_mining_licenses(province=names, cache=False, client=client)
    parts = provenance(frame)["parts"]
    assert client.spent == sum(part["pages"] for part in parts)


def test_every_combination_of_several_lists(client):
    frame = get_mining_licenses(
        province=AREAS, commodity_type=["coal", "Gold", "Coal"], cache=False, client=client
    )
    parts = [part["filters"] for part in provenance(frame)["parts"]]
    assert parts == [
        {"province": area, "commodity_type": name} for area in AREAS for name in ("Coal", "Gold")
    ]
    every = get_mining_licenses(client=client)
    chosen = every["province"].isin(AREAS) & every["commodity_type"].isin(["Coal", "Gold"])
    assert len(frame) == chosen.sum()


def test_a_row_of_several_parts_is_there_once(client):
    parts = [
        get_mining_companies(commodity_type=name, client=client) for name in ("Gold", "Silver")
    ]
    both = get_mining_companies(commodity_type=["Gold", "Silver"], client=client)
    assert both["slug"].is_unique
    assert set(both["slug"]) == set(parts[0]["slug"]) | set(parts[1]["slug"])
    assert len(both) < sum(map(len, parts))


def test_rows_that_repeat_in_one_part_stay(server, client):
    sites = get_mining_sites(commodity_type=["Coal", "Gold"], client=client)
    parts = [get_mining_sites(commodity_type=name, client=client) for name in ("Coal", "Gold")]
    assert len(sites) == sum(map(len, parts))


def test_order_by_is_for_all_rows(client):
    frame = get_mining_licenses(province=AREAS, order_by="-licensed_area_ha", client=client)
    assert frame["licensed_area_ha"].is_monotonic_decreasing
    assert frame["province"].nunique() == 2
    sites = get_mining_sites(
        commodity_type=["Coal", "Gold"], order_by="production_volume", client=client
    )
    numbers = sites["production_volume"].dropna()
    assert numbers.is_monotonic_increasing
    assert sites["production_volume"].isna().iloc[len(numbers) :].all()


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_details_are_added_to_the_union(client):
    frame = get_mining_sites(commodity_type=["Copper", "Nickel"], details=True, client=client)
    one = get_mining_sites(commodity_type="Copper", details=True, client=client)
    assert frame.columns.tolist() == one.columns.tolist()
    assert frame["latitude"].notna().any()
    assert provenance(frame)["details"]["fetched"] == frame["slug"].nunique()


def test_a_list_of_one_value_is_that_value(client):
    one = get_mining_licenses(province=["Aceh"], max_rows=5, client=client)
    assert len(one) == 5
    assert provenance(one)["filters"] == {"province": "Aceh"}
    assert "parts" not in provenance(one)


def test_any_iterable_of_texts(client):
    due = get_mining_licenses(province=AREAS, client=client)
    for values in (
        tuple(AREAS),
        pd.Series(AREAS, dtype="string"),
        iter(AREAS),
        dict.fromkeys(AREAS),
    ):
        found = get_mining_licenses(province=values, client=client)
        pd.testing.assert_frame_equal(found, due, check_flags=False)


def test_without_rows(client):
    frame = get_mining_licenses(province=["Bali", "Aceh"], license_type="KK", client=client)
    one = get_mining_licenses(province="Aceh", client=client)
    assert frame.dtypes.equals(one.dtypes)
    assert len(frame) == 0


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"province": []}, r"province=\[\] selects nothing"),
        ({"province": ["Aceh", "Riua"]}, "province='Riua' cannot be sent. Did you mean 'Riau'"),
        ({"province": ["Aceh", None]}, "None in its list"),
        ({"province": ["Aceh", 3]}, "takes a string"),
        (
            {"province": AREAS, "max_rows": 3},
            "max_rows does not go with several values of province",
        ),
        ({"province": pd.DataFrame({"province": AREAS})}, r"frame\['province'\]"),
        ({"order_by": ["licensed_area_ha"]}, "takes a string"),
        ({"company": ["a", "b"]}, "takes a string"),
    ],
)
def test_what_is_refused_costs_nothing(client, filters, words):
    with pytest.raises(FilterError, match=words):
        get_mining_licenses(**filters, client=client)
    assert client.spent == 0


def test_too_many_combinations(client):
    names = [f"p{number}" for number in range(501)]
    with pytest.raises(FilterError, match="501 combinations"):
        get_mining_licenses(province=names, validate=False, client=client)


def test_an_incomplete_part_carries_the_rows_of_all_parts_so_far(client, monkeypatch):
    from sectorsdf.mining import fetch

    real = fetch.fetch_frame

    def broken(context, query):
        frame = real(context, query)
        if query.params["province"] == "Riau":
            error = IncompleteSweepError("rows are missing", missing=1, report={})
            error.frame = frame.head(2)
            raise error
        return frame

    monkeypatch.setattr(fetch, "fetch_frame", broken)
    with pytest.raises(IncompleteSweepError) as caught:
        get_mining_licenses(province=[*AREAS, "Bali"], client=client)
    frame = caught.value.frame
    assert frame["province"].value_counts()["Riau"] == 2
    assert set(frame["province"]) == set(AREAS)
    assert provenance(frame)["complete"] is False
