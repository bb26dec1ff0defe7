"""The documentation: its programs run, its links lead somewhere, and it tells every public name."""

from __future__ import annotations

import configparser
import doctest
import importlib
import re
import shlex
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import click
import pytest
from click.testing import CliRunner
from support.paths import ROOT

import sectorsdf
from sectorsdf import sandbox, vocabularies
from sectorsdf.cli.app import cli
from sectorsdf.datasets import DATASETS

sys.path.insert(0, str(ROOT / "docs"))

import pages

DOCS = ROOT / "docs"
pytestmark = pytest.mark.newest

PAGES = {str(path.relative_to(DOCS)): path for path in pages.pages()}
# What a page or a module's examples need beyond the package's own requirements.
NEEDS = {
    "howto/export.md": ("openpyxl",),
    "howto/large.md": ("duckdb", "polars"),
    "howto/maps.md": ("geopandas", "matplotlib", "pyogrio"),
    "sectorsdf.geo": ("geopandas",),
    "sectorsdf.plot": ("matplotlib",),
    "sectorsdf.units": ("pint",),
}


SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
# What users may want besides: the others are for working on the package.
EXTRAS = {"all", *re.findall(r"\w+", SETUP["options.extras_require"]["all"])} - {"sectorsdf"}


def _need(name):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own, where no picture opens a window."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield tmp_path
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("name", [n for n, p in PAGES.items() if pages.blocks(p.read_text())])
def test_a_pages_programs_run_and_print_what_the_page_says(name, place):
    _need(name)
    for block, printed in pages.run(PAGES[name]):
        assert printed == (block.printed or ""), f"{name}, line {block.line}"


def test_every_block_of_python_is_run():
    for name, path in PAGES.items():
        fences = re.findall(
            r"^\s*```\s*\{?(?:python|py|code-cell|ipython3?)\b", path.read_text(), re.M
        )
        assert len(fences) == len(pages.blocks(path.read_text())), name


def test_the_tests_that_the_sandboxs_page_shows_pass(place):
    first = pages.blocks((DOCS / "howto" / "sandbox.md").read_text())[0]
    (place / "test_page.py").write_text(first.code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def _console_lines():
    """Each line that a page shows to be typed, but those of the generated reference."""
    for name, path in PAGES.items():
        if name != "cli.md":
            for block in re.findall(r"^```console\n(.*?)^```", path.read_text(), re.M | re.S):
                for line in block.splitlines():
                    yield name, line


@pytest.mark.parametrize(("page", "line"), list(_console_lines()))
def test_a_line_to_be_typed_can_be(page, line, place, monkeypatch):
    words = shlex.split(line, comments=True)
    if words[:2] == ["pip", "install"]:
        (target,) = words[2:]
        named = set(re.findall(r"[a-z]+", target.partition("[")[2]))
        assert target.startswith(".")
        assert named <= set(EXTRAS)
        return
    program, command, *rest = words
    assert program == "sectorsdf", f"{page}: {line}"
    if command in {"serve", "login"}:  # one never ends, the other asks
        chosen = cli.get_command(click.Context(cli), command)
        known = {option for entry in chosen.params for option in entry.opts}
        assert {word for word in rest if word.startswith("-")} <= known
        return
    with sandbox.Sandbox() as server:
        monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
        monkeypatch.setenv("SECTORS_API_KEY", server.key)
        done = CliRunner().invoke(cli, [command, *rest])
    assert done.exit_code == 0, done.output


def test_the_installation_tells_every_extra():
    told = re.findall(r"^\| `([a-z]+)` \|", (DOCS / "install.md").read_text(), re.M)
    assert sorted(told) == sorted(EXTRAS)


EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "sectorsdf").rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("module", EXAMPLES)
def test_the_docstrings_examples_give_what_they_say(module, place):
    _need(module)
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed


# The site


class Page(HTMLParser):
    """What a page links, what it loads, and where it can be linked."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.words = {"", "top"}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.ids |= {told.get("id"), told.get("name")}
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        elif tag in {"script", "img", "iframe", "source"} and told.get("src"):
            self.loads.append(told["src"])
        elif tag == "link" and told.get("href"):
            self.loads.append(told["href"])

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def html(site):
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in found}


def test_no_link_is_dead(html, site):
    dead = []
    for path, page in html.items():
        for target in [*page.links, *page.loads]:
            parts = urlsplit(target)
            if parts.scheme in {"https", "data"}:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = html[file].ids if file in html else {""}
            if parts.scheme or parts.netloc or not file.is_file():
                dead.append(f"{path.relative_to(site)}: {target}")
            elif unquote(parts.fragment) not in anchors:
                dead.append(f"{path.relative_to(site)}: no anchor {target}")
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(html, site):
    for path, page in html.items():
        assert [url for url in page.loads if "//" in url] == [], path
    for sheet in site.rglob("*.css"):
        for url in re.findall(r"url\(['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", sheet.read_text()):
            assert not re.match(r"(https?:)?//", "".join(url)), sheet


def test_every_public_name_has_its_entry(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    told = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    names = set(sectorsdf.__all__) - {"__version__"}
    modules = {name for name in names if not hasattr(getattr(sectorsdf, name), "__doc__")}
    # What only holds the getters, or the declarations, is told by them.
    elsewhere = modules | {"datasets", "mining", "vocabularies"}
    assert {name for name in names - elsewhere if f"sectorsdf.{name}" not in told} == set()


def test_the_dictionary_tells_every_column_and_filter(html, site):
    words = html[site / "dictionary.html"].words
    for dataset in DATASETS.values():
        told = words[words.index(dataset.name) :]
        for entry in [*dataset.columns, *dataset.filters]:
            assert entry.name in told, f"{dataset.name}: {entry.name}"


def test_the_glossary_tells_the_vocabularys_words(html, site):
    terms = html[site / "glossary.html"].ids
    words = {*vocabularies.LICENSE_TYPES, *vocabularies.AREA_TYPES, *vocabularies.ACTIVITY_STAGES}
    words |= {"Lolos", "Tidak Lolos", "CnC", "KDI", "KCMI", "JORC", "RKAB", "ESDM", "Minerba"}
    words |= {"MODI", "NIB", "Lelang", "wmt", "dmt", "GAR", "ADB"}
    assert {word for word in words if f"term-{word.replace(' ', '-')}" not in terms} == set()


def test_every_notebook_is_there(html, site):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert site / "notebooks" / f"{path.stem}.html" in html
