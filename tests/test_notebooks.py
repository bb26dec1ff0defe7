"""The notebooks run from top to bottom, and their committed outputs are what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.tooling


def _said(notebook: nbformat.NotebookNode) -> list[str]:
    """The text of each output, without what changes from run to run."""
    said = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", "".join(text))
            text = re.sub(r"\d+ kB", "N kB", text)
            said.append(re.sub(r"\s+", " ", text))
    return said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_its_outputs_are_in_step(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("SECTORSDF_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        fresh, timeout=60, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert _said(fresh) == _said(committed)


def test_there_is_a_quickstart() -> None:
    assert ROOT / "notebooks" / "quickstart.ipynb" in NOTEBOOKS
