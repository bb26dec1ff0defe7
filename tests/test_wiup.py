"""WIUP codes: the digits, what is no code, and what contradicts the row."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference
from support.budgets import examples

from sectorsdf import wiup

DTYPES = {
    **dict.fromkeys(("authority", "island", "province_code", "province"), "string"),
    **dict.fromkeys(("regency_code", "regency", "commodity_group", "commodity_class"), "string"),
    **dict.fromkeys(("commodity_code", "commodity_type"), "string"),
    "year": "Int64",
    "serial": "string",
    "valid": "boolean",
    "reason": "string",
    "contradiction": "string",
}
COAL = "3364083032016901"
ROCK = "2235145402020901"


def code(province="64", regency="08", commodity="303", year="2016"):
    return f"33{province}{regency}{commodity}{year}901"


def contradiction(text, row_province):
    found = wiup.parse([text], province=[row_province])["contradiction"].iloc[0]
    return None if pd.isna(found) else found


def test_each_digit_has_its_column():
    frame = wiup.parse(pd.Series([COAL, ROCK], index=[7, 3]))
    assert frame.index.tolist() == [7, 3]
    assert frame.loc[7].drop("contradiction").tolist() == [
        *("3", "3", "64", "Kalimantan Timur", "6408", "Kabupaten Kutai Timur"),
        *("3", "coal", "303", "Coal", 2016, "901", True, pd.NA),
    ]
    rock = frame.loc[3, ["commodity_group", "commodity_class", "commodity_type"]]
    assert rock.tolist() == ["5", pd.NA, pd.NA]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no code"),
        ("", "0 digits instead of 16"),
        ("3364083032016", "13 digits instead of 16"),
        ("33640830320169010000", "20 digits instead of 16"),
        ("33640830320169O1", "characters other than digits"),
        (" 336408303201690", "characters other than digits"),
        ("\u0663364083032016901", "characters other than digits"),
        (code(province="20"), "no province has the code 20"),
        (code(year="1999"), "the year 1999 is before 2009, when the law introduced the WIUP"),
        (code(province="99", regency="00"), "no province has the code 99"),
    ],
)
def test_what_is_no_code_has_a_reason(text, reason):
    row = wiup.parse([text]).iloc[0]
    assert (row["valid"], row["reason"]) == (False, reason)
    # The digits of a code of another length could be any.
    assert pd.isna(row["serial"]) == (not reason.startswith(("no province", "the year")))


def test_several_reasons_stand_in_one_text():
    reason = wiup.parse([code(province="99", year="2008")])["reason"].iloc[0]
    assert reason.startswith("no province has the code 99; the year 2008 is before")


def test_leading_zeros_are_digits():
    row = wiup.parse(["0000000000002014"]).iloc[0]
    assert (row["authority"], row["province_code"], row["regency_code"]) == ("0", "00", "0000")
    assert pd.isna(row["province"])


@pytest.mark.parametrize(
    "codes",
    [[COAL, 3364083032016901], pd.Series([1]), pd.Series([3.3e15]), pd.Series([True]), COAL, None],
)
def test_codes_that_are_not_text_are_refused(codes):
    with pytest.raises(TypeError, match=r"as numbers, codes lose leading zeros.*dtype="):
        wiup.parse(codes)


def test_a_whole_frame_is_refused():
    with pytest.raises(TypeError, match=r"not a whole frame: parse\(frame\['wiup_code'\]"):
        wiup.parse(pd.DataFrame({"wiup_code": [COAL]}))


@pytest.mark.parametrize("name", ["province", "commodity_type"])
def test_a_column_of_another_length_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} has 2 values for 1 codes"):
        wiup.parse([COAL], **{name: ["Aceh", "Bali"]})


@pytest.mark.parametrize("codes", [[], pd.Series(dtype="object"), [None], [COAL, "1", None]])
def test_columns_and_dtypes_are_always_the_same(codes):
    frame = wiup.parse(codes)
    assert {name: str(dtype).split("[")[0] for name, dtype in frame.dtypes.items()} == DTYPES
    assert frame["contradiction"].isna().all()


@pytest.mark.parametrize(
    ("province", "digits"),
    [
        ("Kalimantan Timur", "64"),
        ("kaltim", "64"),
        ("Kalimantan Tengah, Kalimantan Timur", "64"),
        # A part that became a province of its own, on codes from before.
        ("Kalimantan Utara", "64"),
        ("Papua Barat Daya", "92"),
        ("Daerah Istimewa Yogyakarta", "34"),
        ("Kep Bangka Belitung", "19"),
        # No province, no claim.
        (None, "64"),
        ("Atlantis", "64"),
        ("Aceh", "00"),
        ("Aceh", "20"),
    ],
)
def test_a_province_that_agrees_is_no_contradiction(province, digits):
    assert contradiction(code(province=digits), province) is None


def test_another_province_is_a_contradiction():
    text = "the code has province 64 (Kalimantan Timur), the row has Kalimantan Selatan"
    assert contradiction(COAL, "Kalimantan Selatan") == text
    # The older province's code cannot be that of its part.
    assert "65" in contradiction(code(province="65"), "Kalimantan Timur")


@pytest.mark.parametrize(
    ("commodity", "digits", "text"),
    [
        ("Coal", "303", None),
        ("Coal", "302", None),
        ("Nickel", "212", None),
        ("Nickel", "299", None),
        ("Others", "212", None),
        (None, "212", None),
        ("Non-Metallic Mineral", "405", None),
        ("Sand, Stone, Gravel", "540", None),
        ("Nickel", "206", "the code has commodity 206 (Gold), the row has Nickel"),
        ("Nickel", "405", "the code has commodity group 4, the row has Nickel"),
        ("Iron", "303", "the code has commodity group 3 (coal), the row has Iron"),
        ("Coal", "212", "the code has commodity group 2 (metal), the row has Coal"),
        (
            "Non-Metallic Mineral",
            "212",
            "the code has commodity group 2 (metal), the row has Non-Metallic Mineral",
        ),
    ],
)
def test_the_commodity_of_the_code_and_of_the_row(commodity, digits, text):
    found = wiup.parse([code(commodity=digits)], commodity_type=[commodity])["contradiction"]
    assert found.fillna("").tolist() == [text or ""]


def test_both_contradictions_stand_in_one_text():
    row = wiup.parse([COAL], ["Aceh"], ["Gold"]).iloc[0]
    assert row["contradiction"].count("; ") == 1
    assert row["valid"]


@settings(max_examples=examples(), deadline=None)
@given(st.lists(st.one_of(st.none(), st.from_regex(r"[0-9]{14,17}", fullmatch=True)), max_size=6))
def test_the_digits_together_are_the_code(codes):
    frame = wiup.parse(codes)
    for text, row in zip(codes, frame.to_dict("records"), strict=True):
        if text is None or len(text) != 16:
            assert not row["valid"]
            continue
        digits = f"{row['authority']}{row['island']}{row['regency_code']}{row['commodity_code']}"
        assert f"{digits}{row['year']:04d}{row['serial']}" == text
        assert row["regency_code"].startswith(row["province_code"])
        assert row["commodity_code"].startswith(row["commodity_group"])
        assert row["valid"] == pd.isna(row["reason"])


# The counts that the documentation states


@pytest.fixture(scope="module")
def real(real_data):
    register = pd.DataFrame(reference.read_lines(real_data / "mining_licenses.jsonl"))
    parsed = wiup.parse(
        register["wiup_code"], register["province"], register["commodity_type"]
    ).drop(columns=["province", "commodity_type"])
    return register.join(parsed).join(
        wiup.parse(register["wiup_code"])[["province", "commodity_type"]].add_suffix("_of_code")
    )


@pytest.mark.newest
def test_the_real_codes_bear_the_layout_out(real):
    whole = real[real["serial"].notna()]
    assert (len(real), len(whole), int(real["valid"].sum())) == (3278, 3253, 3247)
    by_type = whole.groupby("license_type")["authority"].agg(["size", lambda s: (s == "1").sum()])
    assert by_type.loc[["KK", "IUPK", "PKP2B"]].to_numpy().tolist() == [
        [20, 20],
        [18, 18],
        [58, 55],
    ]
    assert whole.loc[whole["license_type"] == "IPR", "authority"].tolist() == ["2"] * 9
    third = whole[whole["authority"] == "3"]
    assert (len(third), int((third["year"] <= 2014).sum())) == (1440, 1286)
    assert int((whole["year"] >= 2014).sum()) == 3234


@pytest.mark.newest
def test_the_real_codes_name_the_provinces_and_regencies_of_their_rows(real):
    whole = real[real["province_of_code"].notna()]
    names = whole["province"].str.replace("Daerah Istimewa ", "").str.replace("Kep ", "Kepulauan ")
    own = (names == whole["province_of_code"]).fillna(value=False)
    contradicted = whole["contradiction"].str.contains("province").fillna(value=False)
    assert (len(whole), int(own.sum()), int(contradicted.sum())) == (3146, 3112, 11)
    islands = dict.fromkeys(range(11, 22), "1") | dict.fromkeys(range(31, 37), "2")
    islands |= dict.fromkeys(range(61, 66), "3") | dict.fromkeys(range(71, 77), "4")
    islands |= dict.fromkeys(range(91, 97), "5") | dict.fromkeys((81, 82), "6")
    islands |= dict.fromkeys((52, 53), "7")
    due = whole["province_code"].astype(int).map(islands)
    due = due[due.notna()]
    assert (len(due), int((due == whole.loc[due.index, "island"]).sum())) == (3145, 3126)
    cities = whole[whole["regency"].notna()]
    letters = [
        (
            {
                "".join(
                    filter(str.isalpha, part.removeprefix("Kabupaten ").removeprefix("Kota "))
                ).lower()
                for part in map(str.strip, city.replace(";", ",").replace("&", ",").split(","))
            },
            "".join(filter(str.isalpha, name.partition(" ")[2])).lower(),
        )
        for city, name in zip(cities["city"], cities["regency"], strict=True)
    ]
    assert (len(letters), sum(name in parts for parts, name in letters)) == (3046, 2959)


@pytest.mark.newest
def test_the_real_codes_name_the_commodities_of_their_rows(real):
    whole = real[real["serial"].notna()]
    metals = {"Bauxite", "Copper", "Gold", "Iron", "Nickel", "Tin"}
    groups = {
        "metal": whole["commodity_type"].isin(metals),
        "coal": whole["commodity_type"] == "Coal",
    }
    found = {
        kind: (int(rows.sum()), int((whole.loc[rows, "commodity_class"] == kind).sum()))
        for kind, rows in groups.items()
    }
    assert found == {"metal": (703, 700), "coal": (754, 754)}
    others = whole[~whole["commodity_type"].isin({*metals, "Coal", "Others"})]
    assert (len(others), int(others["commodity_class"].isna().sum())) == (1792, 1736)
    named = {
        name: (len(rows), int((rows["commodity_type_of_code"] == name).sum()))
        for name, rows in whole.groupby("commodity_type")
        if name in wiup.COMMODITY_CODES.values()
    }
    assert named == {
        "Bauxite": (64, 63),
        "Coal": (754, 753),
        "Copper": (12, 11),
        "Gold": (83, 83),
        "Iron": (69, 67),
        "Nickel": (319, 314),
        "Tin": (156, 154),
    }
