"""Run the Python blocks of the pages and write their output below them.

A ``text`` block that follows a ``python`` block is the output of that block.
``python docs/pages.py`` rewrites the outputs of all pages and of the README, or of the named pages.
The tests fail if an output is out of date.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sectorsdf import sandbox

DOCS = Path(__file__).resolve().parent
_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n?```text\n(?P<printed>.*?)^```\n)?", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """One block of Python on a page.

    Attributes
    ----------
    code : str
        The program.
    start : int
        The position of the block in the text of the page.
    line : int
        The first line of the program on the page, counted from 1.
    printed : str or None
        The output that the page shows, or None if it shows none.
    span : tuple of int
        The position of that output in the text of the page.
    """

    code: str
    start: int
    line: int
    printed: str | None
    span: tuple[int, int]


def pages() -> list[Path]:
    """Return the committed pages, without generated ones."""
    generated = {DOCS / "_build", DOCS / "notebooks", DOCS / "api" / "getters"}
    found = sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")])
    return [path for path in found if not generated & set(path.parents)]


def blocks(text: str) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    return [
        Block(
            found["code"],
            found.start(),
            text.count("\n", 0, found.start()) + 2,
            found["printed"],
            found.span("printed"),
        )
        for found in _BLOCK.finditer(text)
    ]


def run(path: Path) -> list[tuple[Block, str]]:
    """Run the blocks of a page in one namespace; return each block with its output."""
    names: dict[str, object] = {"__name__": "page"}
    outputs = []
    try:
        for block in blocks(path.read_text(encoding="utf-8")):
            # The empty lines make a traceback show the line number of the page.
            program = compile("\n" * (block.line - 1) + block.code, str(path), "exec")
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(program, names)  # noqa: S102 - the project's own pages
            outputs.append((block, stream.getvalue()))
    finally:
        # A page that uses the sandbox for its whole session need not show how to stop it.
        for value in names.values():
            if isinstance(value, sandbox.SandboxClient):
                value.stop()
    return outputs


def main(names: list[str]) -> None:
    """Rewrite the outputs on the named pages, or on every page."""
    os.environ["MPLBACKEND"] = "Agg"
    home = Path.cwd()
    for path in [Path(name).resolve() for name in names] or [*pages(), DOCS.parent / "README.md"]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.environ["SECTORSDF_CACHE_DIR"] = f"{folder}/cache"
            os.environ["SECTORSDF_CONFIG_DIR"] = f"{folder}/config"
            try:
                outputs = run(path)
            finally:
                os.chdir(home)
        text = path.read_text(encoding="utf-8")
        for block, printed in reversed(outputs):
            if block.printed is not None:
                start, end = block.span
                text = text[:start] + printed + text[end:]
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
