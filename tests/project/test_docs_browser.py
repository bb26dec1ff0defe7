"""The built site in a real browser: it draws, searches, and can be read on a phone and at night."""

from __future__ import annotations

import contextlib
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

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
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Debian's Chromium, without a window, with a user folder of its own."""
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
    """A tab, and what went wrong in it."""

    def __init__(self, tab, address):
        self.tab, self.address, self.trouble = tab, address, []
        tab.on("console", self._said)
        tab.on("pageerror", lambda error: self.trouble.append(f"{tab.url}: {error}"))
        tab.on("requestfailed", lambda request: self.trouble.append(f"{tab.url}: {request.url}"))
        tab.on("response", self._answered)
        tab.on("request", self._asked)

    def _said(self, message):
        if message.type in {"error", "warning"}:
            self.trouble.append(f"{self.tab.url}: {message.text}")

    def _answered(self, response):
        if response.status >= 400:
            self.trouble.append(f"{self.tab.url}: {response.status} {response.url}")

    def _asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.trouble.append(f"{self.tab.url}: asks {request.url}")

    def go(self, page):
        self.tab.goto(self.address + page, wait_until="load")
        return self.tab


@pytest.fixture
def visit(browser, address):
    with contextlib.closing(browser.new_page()) as tab:
        yield Visit(tab, address)


@pytest.fixture(scope="module")
def names(site):
    """Every page that is read, but indexes and the search."""
    found = sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))
    aside = {"genindex.html", "py-modindex.html", "search.html"}
    return [name for name in found if not name.startswith("_static/") and name not in aside]


# A picture is drawn once it is decoded; a page is as wide as what sticks out of it.
DRAWN = """async () => {
    const pictures = [...document.querySelectorAll('.bd-article img')];
    await Promise.all(pictures.map(picture => picture.decode().catch(() => null)));
    return pictures.filter(picture => !picture.naturalWidth).map(picture => picture.src);
}"""
STICKS_OUT = """() => {
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
SMALL = """() => [...document.querySelectorAll('.bd-article p')]
    .filter(e => e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 14)
    .map(e => e.textContent.slice(0, 30)).slice(0, 5)"""
# How many colours the canvases of a map show.
COLOURS = """() => {
    const found = new Set();
    for (const canvas of document.querySelectorAll('canvas')) {
        const side = canvas.getContext('2d');
        const { data } = side.getImageData(0, 0, canvas.width, canvas.height);
        new Uint32Array(data.buffer).forEach(colour => found.add(colour));
    }
    return found.size;
}"""
# The contrast of text with its ground, as WCAG 2 defines it.
FAINT = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const colour = parse(getComputedStyle(e).backgroundColor);
            if (colour.length < 4 || colour[3] > 0.9) return colour;
        }
        return [255, 255, 255];
    };
    const [faint, looked_at] = [new Set(), new Set()];
    const looked = '.bd-article *, .bd-header a, .bd-sidebar-secondary a';
    for (const e of document.querySelectorAll(looked)) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        // What is styled alike needs to be looked at once.
        const kin = [e, e.parentElement, e.parentElement.parentElement];
        const style = kin.map(k => `${k.tagName}.${k.className}`).join(' ') + e.style.cssText;
        if (!own || looked_at.has(style) || !e.getClientRects().length) continue;
        if (e.closest('.headerlink, svg, iframe')) continue;
        looked_at.add(style);
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5)
            faint.add(`${e.tagName} ${contrast.toFixed(1)}: ${e.textContent.slice(0, 30)}`);
    }
    return [...faint].slice(0, 5);
}"""


@pytest.fixture(scope="module")
def seen(browser, address, names):
    """What is wrong with the pages, all of which are visited once."""
    found = {what: {} for what in ("not drawn", "light", "dark", "wide", "small", "too wide")}

    def note(what, name, wrong):
        if wrong:
            found[what][name] = wrong

    with contextlib.closing(browser.new_page()) as tab:
        visit = Visit(tab, address)
        for name in names:
            tab.set_viewport_size(DESK)
            tab.emulate_media(color_scheme="light")
            visit.go(name)
            note("not drawn", name, tab.evaluate(DRAWN))
            for scheme in ("light", "dark"):
                tab.emulate_media(color_scheme=scheme)
                tab.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
                note(scheme, name, tab.evaluate(FAINT))
            tab.set_viewport_size(PHONE)
            note("wide", name, tab.evaluate(STICKS_OUT))
            note("small", name, tab.evaluate(SMALL))
            width = tab.evaluate("document.documentElement.scrollWidth")
            note("too wide", name, width if width > PHONE["width"] else None)
    return {**found, "trouble": visit.trouble}


def test_every_page_loads_and_draws_without_a_word(seen, names):
    assert len(names) > 20
    assert seen["trouble"] == []
    assert seen["not drawn"] == {}


def test_every_page_fits_a_phone_and_can_be_read_there(seen):
    assert seen["too wide"] == {}
    assert seen["wide"] == {}
    assert seen["small"] == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(seen, scheme):
    assert seen[scheme] == {}


def test_what_is_wrong_would_be_seen(visit):
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
    for measure in (DRAWN, FAINT, SMALL, STICKS_OUT):
        assert tab.evaluate(measure), measure
    assert any("404" in entry for entry in visit.trouble)


def test_the_search_finds_a_word_and_leads_to_it(visit):
    tab = visit.go("index.html")
    tab.keyboard.press("Control+k")
    tab.locator("dialog input[type=search]").fill("IUPK")
    tab.keyboard.press("Enter")
    # The results come one after the other.
    found = tab.locator("#search-results li a[href*='glossary.html']").first
    found.wait_for()
    found.click()
    tab.wait_for_load_state("load")
    assert "IUPK" in tab.locator(".bd-article").inner_text()
    assert visit.trouble == []


def test_the_figures_of_home_and_map_are_drawn(visit):
    for name in ("index.html", "howto/maps.html"):
        figure = visit.go(name).locator(".bd-article figure img").first
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 150
        assert figure.get_attribute("alt")


def test_the_notebooks_figures_and_tables_are_drawn(visit, names):
    shown = 0
    for name in names:
        if name.startswith("notebooks/"):
            tab = visit.go(name)
            assert tab.evaluate(DRAWN) == [], name
            shown += tab.locator(
                ".cell_output img, .cell_output table, .cell_output iframe"
            ).count()
            for frame in tab.locator(".cell_output iframe").all():
                box = frame.bounding_box()
                assert box["width"] > 200
                assert box["height"] > 150
    assert shown
    assert visit.trouble == []


def test_the_live_map_is_drawn_without_tiles(visit):
    inside = visit.go("notebooks/map.html").locator(".cell_output iframe").first
    inside.scroll_into_view_if_needed()
    chart = inside.content_frame.locator(".leaflet-container")
    chart.wait_for()
    assert chart.evaluate(COLOURS) > 5
    assert inside.content_frame.locator(".leaflet-tile").count() == 0
    boxes = inside.content_frame.locator(".leaflet-control-layers-overlays input")
    assert boxes.count() > 1
    assert visit.trouble == []
