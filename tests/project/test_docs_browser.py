"""The built site in a real browser: figures, search, phones, and the light and dark themes."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.paths import ROOT

sys.path.insert(0, str(ROOT / "docs"))

import sitebuild

pytestmark = pytest.mark.newest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(site):
    """The address at which a server on this machine serves the site."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_QuietHandler, directory=str(site))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Debian's Chromium, headless, with its own user folder."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("user"), executable_path=program, headless=True, args=FLAGS
        )
        yield window
        window.close()


class Visit:
    """A browser tab that records console messages, failed requests and external requests."""

    def __init__(self, tab, address):
        self.tab, self.address, self.errors = tab, address, []
        tab.on("console", self._on_console)
        tab.on("pageerror", lambda error: self.errors.append(f"{tab.url}: {error}"))
        tab.on("requestfailed", lambda request: self.errors.append(f"{tab.url}: {request.url}"))
        tab.on("response", self._on_response)
        tab.on("request", self._on_request)

    def _on_console(self, message):
        if message.type in {"error", "warning"}:
            self.errors.append(f"{self.tab.url}: {message.text}")

    def _on_response(self, response):
        if response.status >= 400:
            self.errors.append(f"{self.tab.url}: {response.status} {response.url}")

    def _on_request(self, request):
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.errors.append(f"{self.tab.url}: requests {request.url}")

    def go(self, page):
        self.tab.goto(self.address + page, wait_until="load")
        return self.tab


@pytest.fixture
def visit(browser, address):
    with contextlib.closing(browser.new_page()) as tab:
        yield Visit(tab, address)


@pytest.fixture(scope="module")
def names(site):
    """Every page of the site except the indexes and the search page."""
    found = sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))
    excluded = {"genindex.html", "py-modindex.html", "search.html"}
    return [name for name in found if not name.startswith("_static/") and name not in excluded]


# The images that cannot be decoded.
BROKEN_IMAGES = """async () => {
    const images = [...document.querySelectorAll('.bd-article img')];
    await Promise.all(images.map(image => image.decode().catch(() => null)));
    return images.filter(image => !image.naturalWidth).map(image => image.src);
}"""
# The elements that reach beyond the right edge of the window.
OVERFLOWING = """() => {
    const wide = document.documentElement.clientWidth;
    const hidden = e => e.closest('.headerlink, .visually-hidden, [hidden]');
    const inside = e => {
        for (let p = e.parentElement; !p.classList.contains('bd-article'); p = p.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return true;
        return false;
    };
    return [...document.querySelectorAll('.bd-article *')]
        .filter(e => e.getBoundingClientRect().right > wide + 1 && !hidden(e) && !inside(e))
        .map(e => `${e.tagName} ${e.className}`).slice(0, 5);
}"""
# The paragraphs with a font smaller than 14 pixels.
# The smallest text of a figure is drawn with 8 pt.
SMALL_TEXT = """() => [
    ...[...document.querySelectorAll('.bd-article p')]
        .filter(e => e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 14)
        .map(e => e.textContent.slice(0, 30)),
    ...[...document.querySelectorAll('.bd-article img.figure')]
        .filter(e => e.getClientRects().length)
        .filter(e => e.clientWidth / e.naturalWidth * 8 * 96 / 72 < 8)
        .map(e => e.getAttribute('src')),
].slice(0, 5)"""
# The number of colours on the canvases of a map.
COLOURS = """() => {
    const found = new Set();
    for (const canvas of document.querySelectorAll('canvas')) {
        const side = canvas.getContext('2d');
        const { data } = side.getImageData(0, 0, canvas.width, canvas.height);
        new Uint32Array(data.buffer).forEach(colour => found.add(colour));
    }
    return found.size;
}"""
# The texts whose contrast with their background, as WCAG 2 defines it, is below 4.5.
LOW_CONTRAST = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const background = e => {
        for (; e; e = e.parentElement) {
            const colour = parse(getComputedStyle(e).backgroundColor);
            if (colour.length < 4 || colour[3] > 0.9) return colour;
        }
        return [255, 255, 255];
    };
    const [found, checked] = [new Set(), new Set()];
    const selector = '.bd-article *, .bd-header a, .bd-sidebar-secondary a';
    for (const e of document.querySelectorAll(selector)) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        // Elements with the same style are checked once.
        const parents = [e, e.parentElement, e.parentElement.parentElement];
        const style = parents.map(p => `${p.tagName}.${p.className}`).join(' ') + e.style.cssText;
        if (!own || checked.has(style) || !e.getClientRects().length) continue;
        if (e.closest('.headerlink, svg, iframe')) continue;
        checked.add(style);
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(background(e))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5)
            found.add(`${e.tagName} ${contrast.toFixed(1)}: ${e.textContent.slice(0, 30)}`);
    }
    return [...found].slice(0, 5);
}"""


@pytest.fixture(scope="module")
def findings(browser, address, names):
    """Everything that is wrong with the pages; each page is visited once."""
    checks = ("broken images", "light", "dark", "overflowing", "small text", "too wide")
    found = {check: {} for check in checks}

    def note(check, name, wrong):
        if wrong:
            found[check][name] = wrong

    with contextlib.closing(browser.new_page()) as tab:
        visit = Visit(tab, address)
        for name in names:
            tab.set_viewport_size(DESKTOP)
            tab.emulate_media(color_scheme="light")
            visit.go(name)
            note("broken images", name, tab.evaluate(BROKEN_IMAGES))
            for scheme in ("light", "dark"):
                tab.emulate_media(color_scheme=scheme)
                tab.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
                note(scheme, name, tab.evaluate(LOW_CONTRAST))
            tab.set_viewport_size(PHONE)
            note("overflowing", name, tab.evaluate(OVERFLOWING))
            note("small text", name, tab.evaluate(SMALL_TEXT))
            width = tab.evaluate("document.documentElement.scrollWidth")
            note("too wide", name, width if width > PHONE["width"] else None)
    return {**found, "errors": visit.errors}


def test_every_page_loads_without_errors(findings, names):
    assert len(names) > 20
    assert findings["errors"] == []
    assert findings["broken images"] == {}


def test_every_page_fits_a_phone_and_can_be_read_there(findings):
    assert findings["too wide"] == {}
    assert findings["overflowing"] == {}
    assert findings["small text"] == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(findings, scheme):
    assert findings[scheme] == {}


def test_the_checks_find_what_is_wrong(visit):
    tab = visit.go("faults.html")
    tab.set_viewport_size(PHONE)
    tab.add_style_tag(
        content="""
        .bd-article p { color: #aaa !important; font-size: 9px }
        .bd-article h1 { width: 900px }
    """
    )
    tab.evaluate(
        "document.querySelector('.bd-article').append(Object.assign(new Image(), {src: 'no'}))"
    )
    for check in (BROKEN_IMAGES, LOW_CONTRAST, SMALL_TEXT, OVERFLOWING):
        assert tab.evaluate(check), check
    assert any("404" in entry for entry in visit.errors)


def test_the_search_finds_a_word_and_leads_to_it(visit):
    tab = visit.go("index.html")
    tab.keyboard.press("Control+k")
    tab.locator("dialog input[type=search]").fill("IUPK")
    tab.keyboard.press("Enter")
    # The results appear one after the other.
    found = tab.locator("#search-results li a[href*='glossary.html']").first
    found.wait_for()
    # The page of results reads an excerpt of each; leaving it would end these requests.
    tab.wait_for_load_state("networkidle")
    found.click()
    tab.wait_for_load_state("load")
    assert "IUPK" in tab.locator(".bd-article").inner_text()
    assert visit.errors == []


def test_the_figures_of_the_home_and_map_pages_are_drawn(visit):
    for name in ("index.html", "howto/maps.html"):
        figure = visit.go(name).locator(".bd-article img.figure:visible").first
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 150
        assert figure.get_attribute("alt")


def test_a_figure_has_the_colours_of_the_theme(visit):
    tab = visit.go("gallery.html")
    for scheme, other in (("light", "dark"), ("dark", "light")):
        tab.emulate_media(color_scheme=scheme)
        tab.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        shown = tab.locator(f".bd-article img.only-{scheme}")
        hidden = tab.locator(f".bd-article img.only-{other}")
        assert shown.count() == hidden.count() > 8
        assert all(image.is_visible() for image in shown.all())
        assert not any(image.is_visible() for image in hidden.all())


def test_the_thumbnails_lead_to_their_code(visit):
    tab = visit.go("gallery.html")
    links = tab.locator(".thumbnail a").all()
    assert len(links) == tab.locator(".bd-article section").count() - 1
    for link in links:
        target = tab.locator(link.get_attribute("href"))
        assert target.locator(".highlight-python").count() > 0
    assert visit.errors == []


def test_the_cheat_sheet_is_one_page_of_paper(site, tmp_path, browser):
    shutil.copytree(site / "_static", tmp_path / "_static")
    shutil.copy(site / "cheat-sheet.html", tmp_path)
    page = tmp_path / "cheat-sheet.html"
    assert "cheat-sheet.pdf" not in page.read_text()
    pdf = sitebuild.print_cheat_sheet(tmp_path)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) == 1
    assert 'href="cheat-sheet.pdf"' in page.read_text()


def test_without_a_browser_the_cheat_sheet_has_no_link(site, tmp_path, monkeypatch):
    monkeypatch.setattr(sitebuild.shutil, "which", lambda _: None)
    shutil.copy(site / "cheat-sheet.html", tmp_path)
    assert sitebuild.print_cheat_sheet(tmp_path) is None
    assert "cheat-sheet.pdf" not in (tmp_path / "cheat-sheet.html").read_text()


def test_the_notebooks_figures_and_tables_are_drawn(visit, names):
    shown = 0
    for name in names:
        if name.startswith("notebooks/"):
            tab = visit.go(name)
            assert tab.evaluate(BROKEN_IMAGES) == [], name
            shown += tab.locator(
                ".cell_output img, .cell_output table, .cell_output iframe"
            ).count()
            for frame in tab.locator(".cell_output iframe").all():
                box = frame.bounding_box()
                assert box["width"] > 200
                assert box["height"] > 150
    assert shown
    assert visit.errors == []


def test_the_interactive_map_is_drawn_without_tiles(visit):
    inside = visit.go("notebooks/map.html").locator(".cell_output iframe").first
    inside.scroll_into_view_if_needed()
    chart = inside.content_frame.locator(".leaflet-container")
    chart.wait_for()
    assert chart.evaluate(COLOURS) > 5
    assert inside.content_frame.locator(".leaflet-tile").count() == 0
    boxes = inside.content_frame.locator(".leaflet-control-layers-overlays input")
    assert boxes.count() > 1
    assert visit.errors == []
