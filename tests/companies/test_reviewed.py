"""Links that a person has confirmed: which rows count, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest
from support.companies import companies, licenses, values

from sectorsdf.companies import link_companies, suggest_links
from sectorsdf.errors import ConfigurationError

LISTED = ("PT Contoh Energy", "PT Lain")


def link(holder, rows, **fields):
    frame = link_companies(
        licenses({"company_name": holder, **fields}), companies(*LISTED), reviewed=rows
    )
    (row,) = values(frame, "company_slug", "link_method", "contradictions", "reason_missing")
    return row[:3] if row[0] else (*row[:3], row[3])


def reviewed(*rows, **columns):
    return pd.DataFrame(list(rows), columns=["holder", "company_slug"]).assign(**columns)


def test_a_reviewed_link_holds_for_every_spelling_of_the_name():
    rows = reviewed(("PT Contoh Energi", "pt-contoh-energy"))
    expected = ("pt-contoh-energy", "reviewed", None)
    for holder in ("PT Contoh Energi", "PT. CONTOH ENERGI", "Contoh Energi, PT"):
        assert link(holder, rows) == expected
    assert link("CV Contoh Energi", rows)[0] is None


def test_a_reviewed_link_takes_precedence_and_says_so():
    rows = reviewed(("PT Contoh Energy", "pt-lain"))
    assert link("PT Contoh Energy", rows) == (
        "pt-lain",
        "reviewed",
        "reviewed: pt-lain instead of pt-contoh-energy (exact)",
    )
    rows = reviewed(("PT Contoh Energy", None))
    instead = "reviewed: no company instead of pt-lain (api)"
    assert link("PT Contoh Energy", rows, company_slug="pt-lain") == (
        None,
        "none",
        f"holder: the name is that of pt-contoh-energy; {instead}",
        "reviewed: no company of the list",
    )
    assert link("PT Lain", reviewed(("PT Lain", "pt-lain"))) == ("pt-lain", "exact", None)


@pytest.mark.parametrize(
    ("confirmed", "counts"),
    [
        (True, True),
        (False, False),
        (None, False),
        ("yes", True),
        (" TRUE", True),
        ("1", True),
        ("x", True),
        ("no", False),
        ("", False),
    ],
)
def test_only_confirmed_rows_count(confirmed, counts):
    rows = reviewed(("PT Contoh Energi", "pt-contoh-energy"), confirmed=[confirmed])
    assert (link("PT Contoh Energi", rows)[0] is not None) is counts


def test_a_file_with_suggestions_that_a_person_filled_in(tmp_path):
    pytest.importorskip("rapidfuzz")
    register = licenses("PT Contoh Energi", "PT Lain Lagi")
    rows = suggest_links(register, companies(*LISTED), min_score=60)
    assert len(rows) == 2
    rows["confirmed"] = rows["holder"] == "PT Contoh Energi"
    path = tmp_path / "reviewed.csv"
    rows.to_csv(path, index=False)
    for argument in (path, str(path), rows):
        frame = link_companies(register, companies(*LISTED), reviewed=argument)
        assert values(frame, "company_slug", "link_method") == [
            ("pt-contoh-energy", "reviewed"),
            (None, "none"),
        ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.DataFrame({"holder": ["PT A"]}), "reviewed has no column company_slug"),
        (reviewed(("PT A", "pt-nobody")), "'pt-nobody'.*is no slug of the companies"),
        (reviewed(("SDR A", "pt-lain")), "'SDR A' is a person"),
        (reviewed(("-", "pt-lain")), "'-' is not the name of a holder"),
        (
            reviewed(("PT A", "pt-lain"), ("PT. A", "pt-contoh-energy")),
            "'PT. A' has two companies, 'pt-lain' and 'pt-contoh-energy'",
        ),
        (reviewed(("PT A", "pt-lain"), confirmed=["maybe"]), "confirmed must be true or false"),
    ],
)
def test_rows_that_are_refused(rows, message):
    with pytest.raises(ConfigurationError, match=message):
        link("PT A", rows)
