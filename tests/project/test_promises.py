"""What the README and the documentation promise: each promise with its bound and its tests."""

from __future__ import annotations

import re

import pytest
from support.paths import ROOT

pytestmark = pytest.mark.newest

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/howto").glob("*.md")),
]
PAGES = [page for page in PAGES if page.name not in {"changelog.md", "cli.md", "faults.md"}]


def paragraphs(page, words):
    """Return the paragraphs with these words, without headings and line breaks."""
    found = re.split(r"\n\s*\n", page.read_text(encoding="utf-8"))
    texts = [" ".join(text.split()) for text in found if not text.startswith("#")]
    return [text for text in texts if re.search(words, text, re.IGNORECASE)]


def test_what_may_be_paid_for_twice_is_said_with_the_promise():
    promises = {
        page.name: text
        for page in PAGES
        for text in paragraphs(page, "no page (of it )?is (then )?(paid|billed)")
    }
    assert {"README.md", "index.md", "scale.md"} <= promises.keys()
    for name, text in promises.items():
        assert re.search("except|can be billed again", text), name
        assert re.search("when the process (is|was) killed", text), name
        assert "at most one per worker" in text, name


@pytest.mark.parametrize("name", ["README.md", "docs/howto/cache.md"])
def test_that_a_call_asks_the_api_is_said_with_its_two_exceptions(name):
    (text,) = paragraphs(ROOT / name, "two exceptions")
    assert re.search("call queries the API", text)
    assert "for an hour" in text
    assert "cache=False" in text
    assert "already paid for" in text
    assert "refresh=True" in text


def test_no_page_says_that_every_call_asks_the_api():
    for page in PAGES:
        for text in paragraphs(page, "(every|each|plain|any) call (always )?(asks|queries)"):
            assert "two exceptions" in text, page.name


def test_the_tests_that_the_guarantees_name_exist():
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", text))
    assert len(named) >= 6
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
