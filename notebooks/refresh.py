"""Run the notebooks on the sandbox and update their committed outputs.

``python notebooks/refresh.py`` runs all notebooks, ``python notebooks/refresh.py map`` only one. An
output that is equivalent to the committed one is left alone, so that a diff shows real changes.
"""

from __future__ import annotations

import base64
import os
import re
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = tuple(sorted(FOLDER.glob("*.ipynb")))
SWITCH = "USE_SANDBOX = True"

# The kernel runs this before the first cell, so that a connection to another machine fails.
_OFFLINE = """
import socket


def _loopback_only(method):
    # Here, because `%reset` removes what is imported above.
    import ipaddress, socket

    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = "127.0.0.1" if address[0] == "localhost" else address[0]
            try:
                loopback = ipaddress.ip_address(host).is_loopback
            except ValueError:
                loopback = False
            if not loopback:
                raise RuntimeError(f"this notebook may not connect to {address!r}")
        return method(self, address)

    return connect


for _name in ("connect", "connect_ex"):
    setattr(socket.socket, _name, _loopback_only(getattr(socket.socket, _name)))
"""


class OutputSummary(NamedTuple):
    """The text of an output, the size of its image in pixels, and whether it has HTML.

    Images are compared by size only, because their pixels depend on the drawing library.
    """

    text: str
    image_size: tuple[int, int] | None
    is_html: bool


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a kernel without progress bars, user settings or network."""
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-offline.py").write_text(_OFFLINE, encoding="utf-8")
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "SECTORSDF_CACHE_DIR": str(folder / "cache"),
        "SECTORSDF_CONFIG_DIR": str(folder / "config"),
        "SECTORSDF_PROGRESS": "0",
    }


def runner(notebook: nbformat.NotebookNode, folder: Path) -> nbclient.NotebookClient:
    """Return what runs the cells of a notebook in `folder`."""
    return nbclient.NotebookClient(
        notebook,
        timeout=60,
        record_timing=False,
        # The number of pieces in which a text arrives is random.
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in `folder`, and replace its outputs."""
    return runner(notebook, folder).execute()


def live(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Set the variable that makes a notebook query the API instead of the sandbox."""
    switches = [cell for cell in notebook.cells if SWITCH in cell.source]
    cells = [cell for cell in switches if cell.cell_type == "code"]
    if len(cells) != 1 or cells[0].source.count(SWITCH) != 1:
        message = f"the notebook needs exactly one line {SWITCH!r}"
        raise ValueError(message)
    cells[0].source = cells[0].source.replace(SWITCH, "USE_SANDBOX = False")
    return notebook


def _image_size(data: dict[str, Any]) -> tuple[int, int] | None:
    if "image/png" not in data:
        return None
    width, height = struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])
    return width, height


def summarize(cell: nbformat.NotebookNode) -> list[OutputSummary]:
    """Return the outputs of a cell without the parts that change from run to run."""
    summaries = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        text = "".join(output.get("text") or data.get("text/plain", ""))
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
        text = re.sub(r"\d+ kB", "N kB", text)
        text = re.sub(r" at 0x[0-9a-f]+", "", text)
        image_size = _image_size(data)
        if image_size:
            text = ""
        summaries.append(OutputSummary(re.sub(r"\s+", " ", text), image_size, "text/html" in data))
    return summaries


def differences(
    fresh: nbformat.NotebookNode, committed: nbformat.NotebookNode, *, tolerance: float = 0.05
) -> list[str]:
    """Describe each cell whose outputs differ; the size of an image may differ by `tolerance`."""
    found = []
    for new_cell, old_cell in zip(fresh.cells, committed.cells, strict=True):
        new, old = summarize(new_cell), summarize(old_cell)
        same = len(new) == len(old) and all(
            a._replace(image_size=None) == b._replace(image_size=None)
            and _similar_size(a, b, tolerance)
            for a, b in zip(new, old, strict=True)
        )
        if not same:
            found.append(f"{new_cell['id']} gives {new}, but the committed output is {old}")
    return found


def _similar_size(left: OutputSummary, right: OutputSummary, tolerance: float) -> bool:
    if left.image_size is None or right.image_size is None:
        return left.image_size is right.image_size
    return all(
        abs(a - b) <= tolerance * max(a, b)
        for a, b in zip(left.image_size, right.image_size, strict=True)
    )


def _rich_outputs(cell: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the images and HTML of a cell; the random names in a map's HTML become numbers."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        names: dict[str, str] = {}
        html = re.sub(
            r"[0-9a-f]{32}",
            lambda name, names=names: names.setdefault(name[0], str(len(names))),
            "".join(data.get("text/html", "")),
        )
        found.append((data.get("image/png", "").strip(), html))
    return found


def refresh(path: Path) -> int:
    """Run a notebook, write the outputs that have changed, and return the number of those cells."""
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(environment(Path(name)))
        run(fresh, Path(name))
    changed = 0
    for new, old in zip(fresh.cells, committed.cells, strict=True):
        if new.cell_type != "code":
            continue
        if summarize(new) == summarize(old) and _rich_outputs(new) == _rich_outputs(old):
            new.outputs = old.outputs
        else:
            changed += 1
        new.metadata = {}
    fresh.metadata = committed.metadata
    nbformat.write(fresh, path)
    return changed


if __name__ == "__main__":
    selected = set(sys.argv[1:]) or {path.stem for path in NOTEBOOKS}
    for notebook_path in NOTEBOOKS:
        if notebook_path.stem in selected:
            print(f"{notebook_path.name}: {refresh(notebook_path)} cells have changed")
