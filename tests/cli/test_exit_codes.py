"""The words of errors: what the library says in Python, the command line says in options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sectorsdf
from sectorsdf import errors
from sectorsdf.cli import exit_codes
from sectorsdf.cli.exit_codes import in_cli_words


def _texts(tree):
    """Return the texts in a module's code, docstrings left out; a value in one becomes a word."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "VALUE"
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


@pytest.fixture(scope="module")
def texts():
    package = Path(sectorsdf.__file__).parent
    return [
        text
        for path in package.rglob("*.py")
        if "cli" not in path.relative_to(package).parts
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in exit_codes._WORDS])
def test_each_translated_phrase_is_one_that_the_library_says(pattern, texts) -> None:
    assert any(re.search(pattern, text) for text in texts)


@pytest.mark.parametrize("keyword", exit_codes._KEYWORDS)
def test_each_translated_keyword_is_one_that_the_library_names(keyword, texts) -> None:
    # Some messages insert the name: they begin with f"{name}={value!r}".
    said = [text for text in texts if re.search(rf"(?<![\w.(\"']){keyword}=", text)]
    assert said or keyword in texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_rows='x': give a whole number", "--max-rows 'x': give a whole number"),
        ("min_participants=-1 cannot be sent.", "--min-participants -1 cannot be sent."),
        ("expiring_soon='x' cannot be sent.", "--expiring-soon 'x' cannot be sent."),
        ("pass Client(workers=3)", "pass Client(workers=3)"),
        ("the query 'year=2024'", "the query 'year=2024'"),
        ("two\n  lines", "two lines"),
        (
            "names='Tin foil': the API has prices of Coal.",
            "'Tin foil': the API has prices of Coal.",
        ),
        (
            "The rows are in .frame; allow_partial=True returns them.",
            "--allow-partial returns the rows.",
        ),
    ],
)
def test_keywords_become_options_outside_of_code_and_quotation_marks(text, words) -> None:
    assert in_cli_words(text) == words


def test_every_error_has_a_code() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.SectorsdfError)
    ]
    codes = {kind for kind, _ in exit_codes._CODES}
    others = {kind.__name__ for kind in kinds if not codes & set(kind.__mro__)}
    assert others == {"SectorsdfError", "DataError", "UnitError"}
    for kind, code in exit_codes._CODES:
        assert exit_codes.exit_code(kind.__new__(kind)) == code
        assert code in exit_codes.EXIT_CODES
