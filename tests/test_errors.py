"""What messages show of lists that are as long as the caller's rows."""

from __future__ import annotations

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.errors import listed


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, "0"),
        (5, "0, 1, 2, 3, 4"),
        (6, "0, 1, 2, 3, 4 and 1 more"),
        (2_005, "0, 1, 2, 3, 4 and 2,000 more"),
    ],
)
def test_the_first_five_are_shown_and_the_others_counted(count, text):
    assert listed(range(count)) == text
    assert listed(["a"] * 2) == "'a', 'a'"
    assert listed(["a"] * 2, show=str) == "a, a"


@pytest.fixture(scope="module")
def client():
    with sectorsdf.sandbox.running(server={"licenses": 30, "sites": 20}) as client:
        yield client


def test_an_error_has_all_unknown_keys_and_its_message_the_first(client):
    codes = [f"{number:016}" for number in range(12)]
    with pytest.raises(sectorsdf.NotFoundError) as caught:
        sectorsdf.get_mining_license_auction(codes, client=client)
    assert caught.value.missing == tuple(codes)
    assert f"{codes[4]!r} and 7 more. The rows that were found are in .frame" in str(caught.value)
    with pytest.warns(sectorsdf.IncompleteWarning, match="and 7 more; left out") as warned:
        frame = sectorsdf.get_mining_license_auction(codes, missing="skip", client=client)
    assert codes[5] not in str(warned[0].message)
    assert frame.attrs["sectorsdf"]["not_found"] == codes


def test_a_frame_without_the_key_is_described_by_its_first_columns(client):
    frame = pd.DataFrame([range(40)], columns=[f"c{number}" for number in range(40)])
    with pytest.raises(sectorsdf.FilterError, match=r"it has c0, c1, c2, c3, c4 and 35 more$"):
        sectorsdf.get_mining_site(frame, client=client)


def test_a_commodity_without_prices_is_suggested_one(client):
    with pytest.raises(sectorsdf.FilterError, match=r" more\. Did you mean 'Coal'\?$"):
        sectorsdf.get_mining_commodity_prices("Cole", client=client)
