"""Run the pages' Python blocks, and write what they print below them.

A block of ``text`` that follows a block of ``python`` is what that block prints. Run
``python docs/pages.py`` to write all of them anew, or only those of the pages that are named; the
tests tell when that is due.
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
    line : int
        Where on the page it begins, from 1.
    printed : str or None
        What the page says that it prints; None where it says nothing.
    span : tuple of int
        Where that stands in the page's text.
    """

    code: str
    line: int
    printed: str | None
    span: tuple[int, int]


def pages() -> list[Path]:
    """Return every page that stands in the repository."""
    made = {DOCS / "_build", DOCS / "notebooks"}
    found = sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")])
    return [path for path in found if not made & set(path.parents)]


def blocks(text: str) -> list[Block]:
    """Return a page's blocks of Python, in order."""
    return [
        Block(
            found["code"],
            text.count("\n", 0, found.start()) + 2,
            found["printed"],
            found.span("printed"),
        )
        for found in _BLOCK.finditer(text)
    ]


def run(path: Path) -> list[tuple[Block, str]]:
    """Run a page's blocks in one namespace, in the present folder; return what each printed."""
    names: dict[str, object] = {"__name__": "page"}
    said = []
    for block in blocks(path.read_text(encoding="utf-8")):
        # The lines before it are kept, so that a traceback tells the page's own line.
        program = compile("\n" * (block.line - 1) + block.code, str(path), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as stream:
            exec(program, names)  # noqa: S102 - the project's own pages
        said.append((block, stream.getvalue()))
    return said


def main(names: list[str]) -> None:
    """Write what the blocks print, on the pages that are named, or on every page."""
    os.environ["MPLBACKEND"] = "Agg"
    home = Path.cwd()
    for path in [Path(name).resolve() for name in names] or pages():
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.environ["SECTORSDF_CACHE_DIR"] = f"{folder}/cache"
            os.environ["SECTORSDF_CONFIG_DIR"] = f"{folder}/config"
            try:
                said = run(path)
            finally:
                os.chdir(home)
        text = path.read_text(encoding="utf-8")
        for block, printed in reversed(said):
            if block.printed is not None:
                start, end = block.span
                text = text[:start] + printed + text[end:]
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
