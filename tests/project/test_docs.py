"""The documentation: its programs run, its links work, and it covers every public name."""

from __future__ import annotations

import configparser
import doctest
import importlib
import os
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
from sectorsdf.client import client as client_module
from sectorsdf.datasets import DATASETS

sys.path.insert(0, str(ROOT / "docs"))

import badges
import pages

DOCS = ROOT / "docs"
pytestmark = pytest.mark.newest

PAGES = {str(path.relative_to(DOCS)): path for path in pages.pages()}
PAGES["README.md"] = ROOT / "README.md"
# `test_packaging` runs those of the other pages where nothing else is installed.
PROGRAMS = [
    name
    for name, path in PAGES.items()
    if pages.blocks(path.read_text()) and ("/" in name or name == "gallery.md")
]
# Libraries that the examples of a page or module need beyond the package's own requirements.
NEEDS = {
    "gallery.md": ("folium", "matplotlib"),
    "howto/export.md": ("openpyxl",),
    "howto/history.md": ("dask", "deltalake", "duckdb", "polars"),
    "howto/large.md": ("duckdb", "polars"),
    "howto/maps.md": ("folium", "geopandas", "matplotlib", "pyogrio"),
    "sectorsdf.companies.graph": ("networkx",),
    "sectorsdf.companies.suggestions": ("rapidfuzz",),
    "sectorsdf.geo": ("geopandas",),
    "sectorsdf.plot": ("matplotlib",),
    "sectorsdf.plot.interactive": ("folium",),
    "sectorsdf.plot.lives": ("matplotlib",),
    "sectorsdf.plot.series": ("matplotlib",),
    "sectorsdf.units": ("pint",),
}


SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = {"all", *re.findall(r"\w+", SETUP["options.extras_require"]["all"])} - {"sectorsdf"}


def _skip_unless_installed(name):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library)


@pytest.fixture
def work_folder(tmp_path, monkeypatch):
    """An empty working directory, with matplotlib set not to open windows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield tmp_path
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_of_a_page_print_what_it_shows(name, work_folder):
    _skip_unless_installed(name)
    for block, printed in pages.run(PAGES[name]):
        assert printed == (block.printed or ""), f"{name}, line {block.line}"


def test_every_python_block_is_run():
    for name, path in PAGES.items():
        fences = re.findall(
            r"^[ \t]*```[ \t]*\{?(?:python|py|code-cell|ipython3?)\b", path.read_text(), re.M
        )
        assert len(fences) == len(pages.blocks(path.read_text())), name


def test_the_tests_on_the_sandbox_page_pass(work_folder):
    first = pages.blocks((DOCS / "howto" / "sandbox.md").read_text())[0]
    (work_folder / "test_page.py").write_text(first.code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=work_folder,
        # Importing the plugins of this environment takes longer than the tests.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def _console_lines():
    """Yield each command line on a page, except those of the generated reference."""
    for name, path in PAGES.items():
        if name != "cli.md":
            for block in re.findall(r"^```console\n(.*?)^```", path.read_text(), re.M | re.S):
                for line in block.splitlines():
                    yield name, line


@pytest.mark.parametrize(("page", "line"), list(_console_lines()))
def test_a_command_line_on_a_page_works(page, line, work_folder, monkeypatch):
    words = shlex.split(line, comments=True)
    if words[:2] == ["pip", "install"]:
        (target,) = words[2:]
        extras = set(re.findall(r"[a-z]+", target.partition("[")[2]))
        assert target.startswith(".")
        assert extras <= set(EXTRAS)
        return
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M)
        return
    program, command, *rest = words
    assert program == "sectorsdf", f"{page}: {line}"
    if command == "demo":  # `test_packaging` runs it
        return
    if command in {"serve", "login"}:  # one runs until Ctrl-C, the other prompts for input
        definition = cli.get_command(click.Context(cli), command)
        known = {option for entry in definition.params for option in entry.opts}
        assert {word for word in rest if word.startswith("-")} <= known
        return
    with sandbox.Sandbox() as server:
        if "--sandbox" not in rest:
            monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
            monkeypatch.setenv("SECTORS_API_KEY", server.key)
        done = CliRunner().invoke(cli, [command, *rest])
    assert done.exit_code == 0, done.output


def test_the_outputs_on_the_readme_fit_into_100_columns():
    for block in pages.blocks(PAGES["README.md"].read_text()):
        lines = (block.printed or "").splitlines()
        assert [line for line in lines if len(line) > 100 or "..." in line] == []


def test_the_badges_of_the_readme_are_true():
    readme = PAGES["README.md"].read_text()
    shown = re.findall(r"^!\[(.*)\]\(docs/images/badge-(\w+)\.svg\)$", readme, re.M)
    facts = badges.facts()
    assert {name for _, name in shown} == facts.keys()
    for alt, name in shown:
        label, text = facts[name]
        assert alt == f"{label.capitalize()}: {text}"
        drawn = (DOCS / "images" / f"badge-{name}.svg").read_text()
        assert drawn == badges.badge(label, text), "run docs/badges.py"


def test_every_figure_of_a_page_has_its_twin_for_the_dark_theme():
    for name, path in PAGES.items():
        shown = re.findall(r"images/([\w-]+)\.svg", path.read_text())
        for stem in (each for each in shown if not each.startswith("badge-")):
            assert (DOCS / "images" / f"{stem}.svg").is_file(), name
            assert f"{stem.removesuffix('-dark')}-dark" in shown, f"{name}: {stem}"
            assert stem.removesuffix("-dark") in shown, f"{name}: {stem}"


def test_every_function_of_the_pictures_is_in_the_gallery():
    text = PAGES["gallery.md"].read_text()
    assert {
        name for name in sectorsdf.plot.__all__ if f"sectorsdf.plot.{name}(" not in text
    } == set()


def test_the_install_page_lists_every_extra():
    listed = re.findall(r"^\| `([a-z]+)` \|", (DOCS / "install.md").read_text(), re.M)
    assert sorted(listed) == sorted(EXTRAS)


EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "sectorsdf").rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.fixture(scope="module")
def one_sandbox():
    """A client of one sandbox for the examples of all getters."""
    with sandbox.running() as client:
        yield client


@pytest.mark.parametrize("module", EXAMPLES)
def test_the_examples_of_a_docstring_give_what_it_shows(
    module, work_folder, monkeypatch, one_sandbox
):
    _skip_unless_installed(module)
    if module.startswith("sectorsdf.mining."):
        monkeypatch.setattr(client_module, "_chosen", one_sandbox)
        monkeypatch.setattr(sectorsdf, "use_sandbox", lambda: one_sandbox)
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed


# The site


class Page(HTMLParser):
    """The links of a page, the files that it loads, its anchors and its text."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.words = {"", "top"}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values.get("id"), values.get("name")}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag in {"script", "img", "iframe", "source"} and values.get("src"):
            self.loads.append(values["src"])
        elif tag == "link" and values.get("href"):
            self.loads.append(values["href"])

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


def test_nothing_is_loaded_from_another_host(html, site):
    for path, page in html.items():
        assert [url for url in page.loads if "//" in url] == [], path
    for sheet in site.rglob("*.css"):
        for url in re.findall(r"url\(['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", sheet.read_text()):
            assert not re.match(r"(https?:)?//", "".join(url)), sheet


def test_every_public_name_has_its_entry(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    names = set(sectorsdf.__all__) - {"__version__"}
    modules = {name for name in names if not hasattr(getattr(sectorsdf, name), "__doc__")}
    # The content of these modules is documented, and they need no entry of their own.
    exempt = modules | {"datasets", "mining"}
    missing = {name for name in names - exempt if f"sectorsdf.{name}" not in documented}
    assert missing == set()


def test_every_getter_has_a_page_of_its_own_with_an_example(html, site):
    for dataset in DATASETS:
        name = f"get_{dataset}"
        page = html[site / "api" / "getters" / f"{name}.html"]
        assert f"sectorsdf.{name}" in page.ids
        assert "Examples" in "".join(page.words)
        assert f"getters/{name}.html#sectorsdf.{name}" in html[site / "api" / "getters.html"].links


def test_every_page_shows_the_version(html, site):
    for path, page in html.items():
        assert f"sectorsdf {sectorsdf.__version__}" in page.words, path


def test_the_dictionary_lists_every_column_and_filter(html, site):
    words = html[site / "dictionary.html"].words
    for dataset in DATASETS.values():
        section = words[words.index(dataset.name) :]
        for entry in [*dataset.columns, *dataset.filters]:
            assert entry.name in section, f"{dataset.name}: {entry.name}"


def test_the_glossary_explains_the_words_of_the_vocabularies(html, site):
    terms = html[site / "glossary.html"].ids
    words = {*vocabularies.LICENSE_TYPES, *vocabularies.AREA_TYPES, *vocabularies.ACTIVITY_STAGES}
    words |= {"Lolos", "Tidak Lolos", "CnC", "KDI", "KCMI", "JORC", "RKAB", "ESDM", "Minerba"}
    words |= {"MODI", "NIB", "Lelang", "wmt", "dmt", "GAR", "ADB"}
    assert {word for word in words if f"term-{word.replace(' ', '-')}" not in terms} == set()


def test_the_site_has_every_notebook(html, site):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert site / "notebooks" / f"{path.stem}.html" in html
