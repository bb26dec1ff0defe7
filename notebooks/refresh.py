"""Run the notebooks on the sandbox and bring their committed outputs up to date.

``python notebooks/refresh.py`` runs all, ``python notebooks/refresh.py map`` one. An output that
says what the committed one says is left as it is, so that a diff shows what has changed.
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

# Started by the kernel before the first cell: a notebook that reaches for another machine fails.
_OFFLINE = """
import ipaddress, socket


def _only_here(method):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = "127.0.0.1" if address[0] == "localhost" else address[0]
            try:
                here = ipaddress.ip_address(host).is_loopback
            except ValueError:
                here = False
            if not here:
                raise RuntimeError(f"this notebook may not connect to {address!r}")
        return method(self, address)

    return connect


for _name in ("connect", "connect_ex"):
    setattr(socket.socket, _name, _only_here(getattr(socket.socket, _name)))
"""


class Said(NamedTuple):
    """What one output says: its text, and the size of its picture in pixels, if it has one.

    Pictures are known by their presence and size only: their pixels are the drawing library's.
    """

    text: str
    picture: tuple[int, int] | None
    page: bool


def environment(folder: Path) -> dict[str, str]:
    """Return a kernel's environment: no bars, no settings of the user, no network."""
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


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom, in `folder`; its outputs are replaced."""
    client = nbclient.NotebookClient(
        notebook,
        timeout=60,
        record_timing=False,
        # How many pieces a text comes in is chance.
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def live(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Set the one variable that turns a notebook to the API."""
    switches = [cell for cell in notebook.cells if SWITCH in cell.source]
    cells = [cell for cell in switches if cell.cell_type == "code"]
    if len(cells) != 1 or cells[0].source.count(SWITCH) != 1:
        message = f"one line {SWITCH!r} is needed, to be changed to ask the API"
        raise ValueError(message)
    cells[0].source = cells[0].source.replace(SWITCH, "USE_SANDBOX = False")
    return notebook


def _picture(data: dict[str, Any]) -> tuple[int, int] | None:
    if "image/png" not in data:
        return None
    width, height = struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])
    return width, height


def said(cell: nbformat.NotebookNode) -> list[Said]:
    """Return what a cell's outputs say, without what changes from run to run."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        text = "".join(output.get("text") or data.get("text/plain", ""))
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
        text = re.sub(r"\d+ kB", "N kB", text)
        text = re.sub(r" at 0x[0-9a-f]+", "", text)
        picture = _picture(data)
        if picture:
            text = ""
        found.append(Said(re.sub(r"\s+", " ", text), picture, "text/html" in data))
    return found


def differences(
    fresh: nbformat.NotebookNode, committed: nbformat.NotebookNode, *, slack: float = 0.05
) -> list[str]:
    """Return in words which cells say something else; a picture's size may differ by `slack`."""
    found = []
    for now, then in zip(fresh.cells, committed.cells, strict=True):
        left, right = said(now), said(then)
        same = len(left) == len(right) and all(
            a._replace(picture=None) == b._replace(picture=None) and _alike(a, b, slack)
            for a, b in zip(left, right, strict=True)
        )
        if not same:
            found.append(f"{now['id']} says {left}, committed is {right}")
    return found


def _alike(left: Said, right: Said, slack: float) -> bool:
    if left.picture is None or right.picture is None:
        return left.picture is right.picture
    return all(
        abs(a - b) <= slack * max(a, b) for a, b in zip(left.picture, right.picture, strict=True)
    )


def _shown(cell: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the pictures and pages of a cell; the random names in a map's page are numbered."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        names: dict[str, str] = {}
        page = re.sub(
            r"[0-9a-f]{32}",
            lambda name, names=names: names.setdefault(name[0], str(len(names))),
            "".join(data.get("text/html", "")),
        )
        found.append((data.get("image/png", "").strip(), page))
    return found


def refresh(path: Path) -> int:
    """Run a notebook and write the outputs that have changed; return how many cells have."""
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(environment(Path(name)))
        run(fresh, Path(name))
    changed = 0
    for now, then in zip(fresh.cells, committed.cells, strict=True):
        if now.cell_type != "code":
            continue
        if said(now) == said(then) and _shown(now) == _shown(then):
            now.outputs = then.outputs
        else:
            changed += 1
        now.metadata = {}
    fresh.metadata = committed.metadata
    nbformat.write(fresh, path)
    return changed


if __name__ == "__main__":
    asked = set(sys.argv[1:]) or {path.stem for path in NOTEBOOKS}
    for each in NOTEBOOKS:
        if each.stem in asked:
            print(f"{each.name}: {refresh(each)} cells have changed")
