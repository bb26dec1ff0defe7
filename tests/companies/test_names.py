"""Names of companies: all spellings of one name share a key, and other firms do not."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.companies import values

from sectorsdf.companies import parse_company_name
from sectorsdf.companies.names import LEGAL_FORMS, PERSON

COLUMNS = {
    "name": "string",
    "legal_form": "string",
    "stem": "string",
    "listed": "boolean",
    "key": "string",
}


def parsed(name):
    (row,) = values(parse_company_name([name]), "legal_form", "stem", "listed", "key")
    return row


@pytest.mark.parametrize(
    "name",
    [
        "PT Contoh Bara",
        "PT. Contoh Bara",
        "PT.Contoh Bara",
        "P.T. Contoh Bara",
        "P T Contoh Bara",
        "Pt Contoh Bara",
        "pt contoh bara",
        "CONTOH BARA, PT",
        "CONTOH BARA, PT.",
        "Contoh Bara PT",
        "  PT   Contoh\u00a0 Bara ",
        "\uff30\uff34\u3000\uff23\uff4f\uff4e\uff54\uff4f\uff48 Bara",
        "PT Contoh-Bara",
        "PT Contoh Bara Tbk",
        "PT Contoh Bara Tbk.",
        "PT Contoh Bara, Tbk",
        "Contoh Bara Tbk, PT",
        "PT Contoh Bara (Persero)",
        "PT Contoh Bara (Persero) Tbk.",
        "PT Contoh Bara (CB)",
        "PT ContohBara",
        "Perseroan Terbatas Contoh Bara",
        "PT Contoh Bara, PT",
        "PT. PT Contoh Bara",
    ],
)
def test_spellings_of_one_name_have_one_key(name):
    form, _, listed, key = parsed(name)
    assert (form, key) == ("PT", "PT contohbara")
    assert listed == ("tbk" in name.lower())


@pytest.mark.parametrize(
    ("name", "form", "stem"),
    [
        ("CV. Contoh Bara", "CV", "contoh bara"),
        ("UD Contoh", "UD", "contoh"),
        ("KUD Contoh", "KUD", "contoh"),
        ("KOPERASI Kud Contoh", "KUD", "contoh"),
        ("Koperasi Unit Desa Contoh", "KUD", "contoh"),
        ("KOPERASI Produsen Contoh", "Koperasi", "produsen contoh"),
        ("FIRMA Contoh", "Firma", "contoh"),
        ("Fa. Contoh", "Firma", "contoh"),
        ("Perum Contoh", "Perum", "contoh"),
        ("PD Contoh", "PD", "contoh"),
        ("PD Perumda Contoh", "PD", "contoh"),
        ("Perusda Contoh", "PD", "contoh"),
        ("BUMD Contoh", "PD", "contoh"),
        ("Perusahaan Umum Daerah Contoh", "PD", "contoh"),
        ("KELOMPOK Contoh", "Kelompok", "contoh"),
        ("SDR Contoh H. Saja", PERSON, "contoh h saja"),
        ("SDR. Contoh", PERSON, "contoh"),
        ("Contoh Bara", None, "contoh bara"),
        ("Contoh Nickel Pty Ltd", None, "contoh nickel pty ltd"),
        # A word at the end is a form only where it can be no word of a name.
        ("CONTOH KELOMPOK", None, "contoh kelompok"),
        ("PT Perumda Contoh", "PT", "perumda contoh"),
        ("PT Contoh (Barito Utara)", "PT", "contoh barito utara"),
        ("Contoh Gold (UK) Limited (CGL)", None, "contoh gold uk limited"),
        ("CV An- Contoh", "CV", "an contoh"),
    ],
)
def test_forms_and_stems(name, form, stem):
    assert parsed(name)[:2] == (form, stem)
    assert form is None or form in LEGAL_FORMS


def test_forms_of_one_stem_are_different_firms():
    keys = parse_company_name(["PT Contoh", "CV Contoh", "Contoh", "KUD Contoh", "SDR Contoh"])
    assert keys["key"].is_unique


def test_names_without_a_name():
    frame = parse_company_name(pd.Series([None, "-", "PT", ""], index=[9, 9, 1, 2]))
    assert frame.index.tolist() == [9, 9, 1, 2]
    assert frame["key"].isna().all()
    assert values(frame, "legal_form", "listed") == [
        (None, None),
        (None, False),
        ("PT", False),
        (None, False),
    ]


@pytest.mark.parametrize(
    "names", [[], ["PT Contoh"], "PT Contoh", pd.Series([None, None], dtype="string")]
)
def test_columns_and_dtypes_are_always_the_same(names):
    frame = parse_company_name(names)
    assert frame.dtypes.astype("string").to_dict() == COLUMNS
    assert len(frame) == (1 if isinstance(names, str) else len(names))


def test_a_number_is_no_name():
    with pytest.raises(TypeError, match="a name must be a text, not int: 7"):
        parse_company_name([7])
    for wrong in (None, pd.DataFrame({"name": ["PT A"]})):
        with pytest.raises(TypeError, match="names must be a text, a list or a Series, not "):
            parse_company_name(wrong)


def test_the_series_is_not_changed():
    names = pd.Series(["PT. Contoh"], name="company_name", dtype="string")
    copy = names.copy()
    assert parse_company_name(names)["name"].tolist() == ["PT. Contoh"]
    pd.testing.assert_series_equal(names, copy)


WORD = st.text("abcdefghijklmnoprsuwyz", min_size=3, max_size=6).filter(
    lambda word: word not in {"tbk", "kud", "sdr", "bumd", "persero", "kop", "firma", "perum"}
)


@settings(max_examples=examples(), deadline=None)
@given(words=st.lists(WORD, min_size=1, max_size=4), form=st.sampled_from(["PT", "CV", "UD"]))
def test_any_name_has_one_key_in_all_spellings(words, form):
    stem = " ".join(words)
    spellings = [
        f"{form} {stem}",
        f"{form}. {stem.upper()}",
        f"{stem.title()}, {form}",
        f"{stem}  {form.lower()}",
        f"{form}  {'  '.join(words)} Tbk.",
        "".join(chr(ord(mark) + 0xFEE0) if mark != " " else mark for mark in f"{form} {stem}"),
    ]
    keys = set(parse_company_name(spellings)["key"])
    assert keys == {f"{form} {''.join(words)}"}
