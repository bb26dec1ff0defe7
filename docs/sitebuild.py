"""Build the site with ``python docs/sitebuild.py [FOLDER]``; the default is ``docs/_build/html``.

Warnings and unresolved references are errors. The build does not use the network. Where Chromium is
installed, it prints the cheat sheet to a PDF.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
# The page has this where the link to the PDF goes.
PLACE = '<div class="pdf-link"></div>'
LINK = '<p class="pdf-link"><a href="cheat-sheet.pdf">The same as PDF</a></p>'


def build(folder: Path) -> None:
    """Build the whole site into a folder."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "--fresh-env", "--nitpicky", "--quiet"]
    command += ["--fail-on-warning", "--keep-going", "--doctree-dir", f"{folder}.doctrees"]
    subprocess.run([*command, str(DOCS), str(folder)], check=True)  # noqa: S603


def print_cheat_sheet(folder: Path) -> Path | None:
    """Print the cheat sheet of a built site to a PDF and link it; None without a Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    page = (folder / "cheat-sheet.html").resolve()
    pdf = page.with_suffix(".pdf")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as user:
        command = [program, "--headless", "--disable-gpu", f"--user-data-dir={user}"]
        command += ["--no-pdf-header-footer", f"--print-to-pdf={pdf}"]
        # Chromium refuses to run as root with its own sandbox.
        command += ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        try:
            subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)  # noqa: S603
        except (subprocess.SubprocessError, OSError):
            pdf.unlink(missing_ok=True)
    if not pdf.is_file():
        return None
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(PLACE, LINK), encoding="utf-8")
    return pdf


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "_build" / "html"
    build(target)
    printed = print_cheat_sheet(target)
    print(f"The site: {(target / 'index.html').resolve().as_uri()}")  # noqa: T201
    print(f"The cheat sheet: {printed or 'not printed to PDF, because it needs Chromium'}")  # noqa: T201
