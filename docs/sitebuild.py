"""Build the site: ``python docs/sitebuild.py [FOLDER]``; by default into ``docs/_build/html``.

Warnings are errors, and so are references that lead nowhere. Nothing is fetched over the network.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def build(folder: Path) -> None:
    """Build the site into a folder, from scratch."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "--fresh-env", "--nitpicky", "--quiet"]
    command += ["--fail-on-warning", "--keep-going", "--doctree-dir", f"{folder}.doctrees"]
    subprocess.run([*command, str(DOCS), str(folder)], check=True)  # noqa: S603


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "_build" / "html")
