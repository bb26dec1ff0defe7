"""Build the site with ``python docs/sitebuild.py [FOLDER]``; the default is ``docs/_build/html``.

Warnings and unresolved references are errors. The build does not use the network.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def build(folder: Path) -> None:
    """Build the whole site into a folder."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "--fresh-env", "--nitpicky", "--quiet"]
    command += ["--fail-on-warning", "--keep-going", "--doctree-dir", f"{folder}.doctrees"]
    subprocess.run([*command, str(DOCS), str(folder)], check=True)  # noqa: S603


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "_build" / "html")
