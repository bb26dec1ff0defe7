"""The notebooks run from top to bottom, and give their committed outputs.

Texts are compared exactly, except for ports and file sizes. Images are compared by their size in
pixels, within 5 %, because the pixels depend on the version of the drawing library.
"""

from __future__ import annotations

import importlib.util
import os
import re
from datetime import date

import pytest
from support.paths import ROOT

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = {
    "auctions",
    "companies",
    "large",
    "licence_expiry",
    "listed_companies",
    "map",
    "monitoring",
    "quickstart",
    "reserves",
}
# Libraries that a notebook needs beyond the package's own requirements.
NEEDS = {
    "auctions": ("matplotlib",),
    "companies": ("matplotlib",),
    "large": ("duckdb", "polars"),
    "licence_expiry": ("matplotlib",),
    "listed_companies": ("matplotlib",),
    "map": ("matplotlib", "geopandas", "folium", "mpl_toolkits.basemap_data", "js_lib_leaflet"),
    "monitoring": ("matplotlib",),
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
    """Set the environment of a kernel, and return its working directory."""
    for name, value in refresh.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    return tmp_path


def _read(path, *, to_run=True):
    for name in NEEDS[path.stem] if to_run else ():
        pytest.importorskip(name)
    return nbformat.read(path, as_version=4)


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@each
def test_it_runs_and_gives_its_committed_outputs(path, kernel):
    fresh, committed = _read(path), _read(path)
    refresh.run(fresh, kernel)
    assert refresh.differences(fresh, committed) == []


@pytest.fixture(scope="module")
def live_kernel(tmp_path_factory):
    """A kernel for all notebooks that query the API: most of their time goes into imports."""
    folder = tmp_path_factory.mktemp("kernel")
    variables = {**os.environ, **refresh.environment(folder)}
    variables.pop("MPLBACKEND", None)
    kernel = refresh.runner(nbformat.v4.new_notebook(), folder)
    with kernel.setup_kernel(env=variables):
        yield kernel


def _run_live(kernel, notebook, folder, variables):
    """Run a notebook in a kernel that has run others, without the names that these have set."""
    variables = {**variables, "SECTORSDF_CACHE_DIR": str(folder / "cache")}
    start = f"%reset -f\nimport os\nos.environ |= {variables}\nos.chdir({str(folder)!r})\ndel os"
    for cells in ([nbformat.v4.new_code_cell(start)], notebook.cells):
        kernel.nb = nbformat.v4.new_notebook(cells=cells)
        for number, cell in enumerate(cells):
            kernel.execute_cell(cell, number)


@each
def test_one_variable_makes_it_query_the_api(path, live_kernel, here):
    from sectorsdf.sandbox import Sandbox

    notebook = refresh.live(_read(path))
    # A second server with other records, which stands in for the API.
    few = {"licenses": 130, "auctions": 14, "sites": 80, "seed": 7, "today": date(2026, 1, 15)}
    with Sandbox(**few) as server:
        variables = {"SECTORS_API_KEY": server.key, "SECTORSDF_BASE_URL": server.url}
        _run_live(live_kernel, notebook, here, variables)
        assert server.billed > 0
    assert server.key not in str(notebook)


@each
def test_it_was_committed_as_it_ran(path):
    notebook = _read(path, to_run=False)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in _outputs(notebook) if output.get("name") == "stderr"]
    assert [cell["id"] for cell in notebook.cells] == [
        f"cell-{number:02d}" for number in range(len(notebook.cells))
    ]
    nbformat.validate(notebook)


@each
def test_it_says_that_the_sample_is_synthetic(path):
    notebook = _read(path, to_run=False)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert "synthetic sample" in prose[0]
    drawing = [
        cell.source
        for cell in notebook.cells
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    ]
    assert [source for source in drawing if "{LABEL}" not in source] == []
    texts = [output.text for cell in notebook.cells for output in refresh.summarize(cell)]
    assert any("synthetic sample" in text for text in texts)


@each
def test_it_has_no_email_address_and_loads_nothing_from_other_hosts(path):
    for output in _outputs(_read(path, to_run=False)):
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
    assert path.stat().st_size < 850_000
    images = [
        output.get("data", {}).get("image/png", "")
        for output in _outputs(_read(path, to_run=False))
    ]
    assert all(len(image) * 3 / 4 < 100_000 for image in images)


def test_the_list_of_notebooks_is_complete():
    assert {path.stem for path in NOTEBOOKS} == NAMES == set(NEEDS)


def test_a_changed_output_is_found():
    committed, new_text, no_image = (
        nbformat.read(FOLDER / "auctions.ipynb", as_version=4) for _ in range(3)
    )
    next(output for output in _outputs(new_text) if "text" in output)["text"] = "15 auctions"
    images = (output for output in _outputs(no_image) if "image/png" in output.get("data", {}))
    next(images)["data"] = {"text/plain": ""}
    assert refresh.differences(committed, committed) == []
    assert len(refresh.differences(new_text, committed)) == 1
    assert len(refresh.differences(no_image, committed)) == 1


def test_a_kernel_reaches_no_other_machine(kernel):
    from nbclient.exceptions import CellExecutionError

    # Even without the names that have been set before it.
    request = "%reset -f\nimport urllib.request\n"
    request += "urllib.request.urlopen('http://192.0.2.1/', timeout=5)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(request)])
    with pytest.raises(CellExecutionError, match="may not connect to"):
        refresh.run(notebook, kernel)
