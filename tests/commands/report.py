"""What report.sh expects of pages and images.

    report.py [--text TEXT] PAGE FIGURE...
                                       the page works in Chromium and has these figures, one of
                                       which draws the text
    report.py --numbers PAGE RESULT    the page holds the numbers of the result
    report.py --cells RESULT           reduced matrices are those of NumPy
    report.py --hostile FROM TO        copy a result, with names of blocks that look like HTML
    report.py --large FROM TO ORDER    copy a result, with a full matrix of this order
"""
import base64
import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback

import numpy as np

WIDTHS = ((1280, False), (390, True), (1920, False), (390, False))
LARGEST = 6_000_000
# Remarks about the speed of a graphics driver in software are not errors of the page.
DRIVER = re.compile(r"GL Driver|GroupMarkerNotSet|WebGL|GPU stall|swiftshader|"
                    "Canvas2D: Multiple readback", re.IGNORECASE)


class Page:
    """A page in Chromium."""

    def __init__(self, path):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which(os.environ.get("chromium", "chromium"))
        self.folder = tempfile.mkdtemp()
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--enable-unsafe-swiftshader", f"--user-data-dir={self.folder}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = shutil.which(os.environ.get("chromedriver", "chromedriver"))
        self.driver = webdriver.Chrome(service=Service(driver), options=options)
        self.path = os.path.abspath(path)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, width, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.driver.get("file://" + self.path)
        for _ in range(600):
            state = self.js("return document.documentElement.dataset.ready")
            if state:
                assert state == "yes", self.js("return document.getElementById('alert').textContent")
                return
            time.sleep(0.1)
        raise AssertionError("the page was not ready after 60 seconds")

    def js(self, text, *words):
        return self.driver.execute_script(text, *words)

    def silent(self, where):
        found = [entry["message"] for entry in self.driver.get_log("browser")
                 if not DRIVER.search(entry["message"])]
        assert not found, f"{where}: the console has {found[:3]}"


def check(path, figures, text=""):
    size = os.path.getsize(path)
    assert size <= LARGEST, f"{path}: {size} bytes, expected at most {LARGEST}"
    page = Page(path)
    try:
        page.open(1280)
        page.silent("start")
        structure(page, figures)
        harmless(page)
        drawn(page, "at first")
        found = page.js("return [...document.querySelectorAll('.plot')].map(p => p.textContent).join(' ')")
        assert text in found, f"no figure has the text {text}"
        every_setting(page)
        page.silent("settings")
        drawn(page, "after all settings")
        hover(page)
        zoom(page)
        selection(page)
        slider(page)
        page.silent("hover, zoom and selection")
        keyboard(page)
        for width, dark in WIDTHS:  # the button of the page makes each light and dark
            if width != 1280:
                page.open(width, dark)
            fits(page, width)
            themes(page, dark)
            drawn(page, f"{width} pixels")
            page.silent(f"{width} pixels")
    finally:
        page.close()


def structure(page, figures):
    """The page is one document with headings in order, captions, tables and unique ids."""
    found = page.js("return [...document.querySelectorAll('figure')].map(f => f.id)")
    assert found and set(found) == {f"figure-{name}" for name in figures}, found
    assert page.js("return document.documentElement.lang") == "en"
    for tag in ("header", "nav", "main", "footer", "h1"):
        count = page.js("return document.querySelectorAll(arguments[0]).length", tag)
        assert count == 1, f"found {count} {tag}, expected 1"
    levels = page.js("return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
    lacking = page.js("""return [...document.querySelectorAll('figure')].filter(f =>
        !f.querySelector('figcaption p').textContent.includes('.') || !f.querySelector('table th[scope=row]')
        || (f.querySelector('.plot') && f.querySelector('.plot').getAttribute('aria-label').length < 60)
        ).map(f => f.id)""")
    assert not lacking, f"figures without a caption, a table or a label: {lacking}"
    twice = page.js("""const ids = [...document.querySelectorAll('[id]')].map(n => n.id)
        .filter(id => !/^(clip|legend|g[0-9a-f]{6}|cb)|[0-9a-f]{6}/.test(id));
        return ids.filter((id, at) => ids.indexOf(id) !== at)""")
    assert not twice, f"ids that occur twice: {twice[:3]}"
    dead = page.js("""return [...document.querySelectorAll('nav a')].filter(a =>
        !document.getElementById(a.getAttribute('href').slice(1))).length""")
    assert dead == 0, f"{dead} links of the contents lead nowhere"
    resources = page.js("return performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in resources if not name.startswith(("data:", "blob:"))], resources
    words = page.js("return document.querySelector('#summary').textContent")
    assert "passed their checks" in words or "not checked" in words or "spectra" not in figures


def harmless(page):
    """Names from the file made no elements, no dialogs and no scripts."""
    assert page.js("return document.querySelectorAll('img').length") == 0
    assert page.js("return document.querySelectorAll('body script').length") <= 1
    assert page.js("return window.harm === undefined")


def drawn(page, when):
    empty = page.js("""return [...document.querySelectorAll('figure.drawn')].filter(f => {
        const plot = f.querySelector('.plot');
        return !plot.data || !plot.data.length || !plot.querySelector('.main-svg, canvas')
          || plot.clientHeight < 150; }).map(f => f.id)""")
    assert not empty, f"{when}: figures without a plot: {empty}"
    points = page.js("""return [...document.querySelectorAll('figure.drawn')].filter(f => {
        const plot = f.querySelector('.plot');
        return !plot.querySelector('.scatterlayer path, .barlayer path, .heatmaplayer image, '
          + '.contourlayer path, .gl-container canvas'); }).map(f => f.id)""")
    assert not points, f"{when}: figures without a curve, a bar or a cell: {points}"


def every_setting(page):
    """Choose every setting of every figure; something is drawn each time."""
    report = page.js("""
        const wrong = [];
        for (const figure of window.hesseFigures) {
          const test = what => { if (!figure.plot.data.length || !figure.plot.querySelector('.main-svg, canvas'))
            wrong.push(figure.d.key + ': ' + what); };
          for (const view of figure.d.views) {
            const first = [view.xScale, view.yScale, view.order, figure.scaling];
            figure.view = view; figure.build(); figure.draw(); test(view.key);
            const controls = () => [...figure.controls.querySelectorAll('[data-control]')];
            for (let at = 0; at < controls().length; at++) {
              const node = controls()[at], label = node.dataset.control;
              if (label.startsWith('Show')) continue;
              if (node.tagName === 'SELECT') {
                for (const option of [...node.options].map(o => o.value)) {
                  const again = controls().find(n => n.dataset.control === label);
                  again.value = option; again.dispatchEvent(new Event('change')); test(view.key + ' ' + label + ' ' + option);
                }
              } else { node.click(); test(view.key + ' ' + label); }
            }
            [view.xScale, view.yScale, view.order, figure.scaling] = first;
          }
          figure.view = figure.d.views[0]; figure.build(); figure.draw();
        }
        return wrong;""")
    assert not report, f"settings without a plot: {report[:5]}"


def centre(page, figure):
    """Scroll to a figure; return the middle of its axes on the screen."""
    page.js("window.hesseFigures.find(f => f.d.key === arguments[0]).plot.scrollIntoView({block: "
            "'center', behavior: 'instant'})", figure)
    before = None
    for _ in range(150):  # until the page does not move any more
        place = page.js("""const plot = window.hesseFigures.find(f => f.d.key === arguments[0]).plot;
            const box = plot.getBoundingClientRect(), size = plot._fullLayout._size;
            return [box.x + size.l, box.y + size.t, size.w, size.h]""", figure)
        if place == before:
            return place
        before = place
        time.sleep(0.05)
    raise AssertionError(f"the figure {figure} does not come to rest")


def mouse(page, kind, x, y, buttons=0):
    page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {
        "type": kind, "x": x, "y": y, "button": "left" if kind != "mouseMoved" or buttons else "none",
        "buttons": buttons, "clickCount": 1 if kind != "mouseMoved" else 0})


def plots(page):
    return page.js("return window.hesseFigures.filter(f => f.plot._fullLayout.xaxis).map(f => f.d.key)")


def hover(page):
    """A label appears over each figure when the mouse moves over it."""
    for figure in plots(page):
        left, top, width, height = centre(page, figure)
        places = page.js("""const plot = window.hesseFigures.find(f => f.d.key === arguments[0]).plot;
            const layout = plot._fullLayout, found = [];
            plot.data.forEach((trace, at) => {
              const full = plot._fullData[at];
              if (full.hoverinfo === 'skip' || !full.visible) return;
              const xs = full.x || [0], ys = full.y || [0];
              for (const share of [0.5, 0.25, 0.75]) {
                const i = Math.floor((xs.length - 1) * share);
                const x = layout.xaxis.d2p(xs[i]), y = layout.yaxis.d2p(ys[i]);
                if (isFinite(x) && isFinite(y) && full.type !== 'heatmap') found.push([x - (full.type === 'bar' ? 1 : 0), y]);
              }
            });
            return found""", figure)
        places = places[:12] + [[width * 0.3, height * 0.3], [width * 0.6, height * 0.52]]
        for x, y in places:
            mouse(page, "mouseMoved", left + x - 3, top + y)
            mouse(page, "mouseMoved", left + x, top + y)
            for _ in range(6):
                text = page.js("""
                    const plot = window.hesseFigures.find(f => f.d.key === arguments[0]).plot;
                    return [...plot.querySelectorAll('.hoverlayer .hovertext')].map(n => n.textContent)
                      .join(' ')""", figure)
                if text:
                    break
                time.sleep(0.05)
            if text:
                assert "undefined" not in text and "NaN" not in text and "%{" not in text, text
                break
        else:
            raise AssertionError(f"no label over the figure {figure}")
        mouse(page, "mouseMoved", 2, 2)


def zoom(page):
    for figure in plots(page):
        left, top, width, height = centre(page, figure)
        ranges = """const layout = window.hesseFigures.find(f => f.d.key === arguments[0]).plot._fullLayout;
            return [layout.xaxis.range.slice(), layout.yaxis.range.slice()]"""
        before = page.js(ranges, figure)
        mouse(page, "mouseMoved", left + width * 0.3, top + height * 0.3)
        mouse(page, "mousePressed", left + width * 0.3, top + height * 0.3, 1)
        for step in (0.4, 0.5, 0.6):
            mouse(page, "mouseMoved", left + width * step, top + height * step, 1)
        mouse(page, "mouseReleased", left + width * 0.6, top + height * 0.6)
        for _ in range(200):
            after = page.js(ranges, figure)
            if all(abs(b[1] - b[0]) < 0.9 * abs(a[1] - a[0]) for a, b in zip(before, after)):
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{figure}: the ranges are still {after}")


def selection(page):
    """The list of curves changes what is drawn, and so does the button of the legend."""
    found = page.js("return window.hesseFigures.filter(f => f.node.querySelector('.picker')).map(f => f.d.key)")
    for figure in found:
        result = page.js("""
            const figure = window.hesseFigures.find(f => f.d.key === arguments[0]);
            const names = () => new Set(figure.plot.data.map(t => t.name)).size;
            const boxes = [...figure.node.querySelectorAll('.picker input[type=checkbox]')];
            const buttons = Object.fromEntries([...figure.node.querySelectorAll('.picker button')].map(b => [b.textContent, b]));
            const counts = { first: names(), boxes: boxes.length, checked: boxes.filter(b => b.checked).length };
            boxes.find(b => b.checked).click(); counts.less = names();
            buttons.None.click(); counts.none = names();
            buttons.All.click(); counts.all = names();
            const search = figure.node.querySelector('.picker input[type=search]');
            search.value = boxes[0].closest('label').textContent; search.dispatchEvent(new Event('input'));
            buttons['Only the found ones'].click(); counts.one = names();
            search.value = ''; search.dispatchEvent(new Event('input'));
            buttons['As at first'].click(); counts.again = names();
            const hide = figure.legend.querySelector('button');
            hide.click(); counts.hidden = names();
            buttons['As at first'].click();
            return counts;""", figure)
        assert result["checked"] > 0 and result["less"] < result["first"], (figure, result)
        assert result["none"] == 0 and result["all"] >= result["first"], (figure, result)
        assert result["all"] >= result["boxes"] * 0.5 and 0 < result["one"], (figure, result)
        assert result["again"] == result["first"] > result["hidden"], (figure, result)


def slider(page):
    for figure in page.js("return window.hesseFigures.filter(f => f.d.frames.length > 1).map(f => f.d.key)"):
        result = page.js("""
            const figure = window.hesseFigures.find(f => f.d.key === arguments[0]);
            const range = figure.controls.querySelector('input[type=range]');
            const first = JSON.stringify(figure.plot.data.map(t => t.customdata || t.z || t.x)), words = range.getAttribute('aria-valuetext');
            range.value = range.max; range.dispatchEvent(new Event('input'));
            return [first !== JSON.stringify(figure.plot.data.map(t => t.customdata || t.z || t.x)), words,
                    range.getAttribute('aria-valuetext'), figure.controls.querySelector('output').textContent]""", figure)
        assert result[0] and result[1] != result[2] and result[2].endswith(result[3]), (figure, result)


def keyboard(page):
    """Every control has a name and can be reached by Tab."""
    nameless = page.js("""return [...document.querySelectorAll('button, select, input, summary, a, [tabindex]')]
        .filter(n => !n.closest('.plot')).filter(n => !(n.textContent.trim() || n.getAttribute('aria-label')
          || (n.labels && n.labels.length && n.labels[0].textContent.trim()))).map(n => n.outerHTML.slice(0, 80))""")
    assert not nameless, f"controls without a name: {nameless[:3]}"
    expected = page.js("""document.querySelectorAll('.picker').forEach(d => d.open = false); document.activeElement.blur(); scrollTo(0, 0);
        return [...document.querySelectorAll('button, select, input, summary, a[href]')]
          .filter(n => !n.closest('.plot') && n.checkVisibility() && !n.closest('details:not([open]) > :not(summary)')).length""")
    # The place after a click on the page is where Tab goes on from; begin at the top.
    page.js("document.querySelector('.skip').focus(); window.reached = new Set([document.activeElement])")
    for _ in range(expected * 3 + 200):
        page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {
            "type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
        page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {
            "type": "keyUp", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
        if page.js("window.reached.add(document.activeElement); return document.activeElement === document.body"):
            break
    missed = page.js("""return [...document.querySelectorAll('button, select, input, summary, a[href]')]
        .filter(n => !n.closest('.plot') && n.checkVisibility() && !n.closest('details:not([open]) > :not(summary)')
          && !window.reached.has(n)).map(n => n.outerHTML.slice(0, 80))""")
    assert not missed, f"controls that Tab does not reach: {missed[:3]}"


def fits(page, width):
    inner, scroll = page.js("return [innerWidth, document.documentElement.scrollWidth]")
    assert inner == width and scroll <= inner, f"{scroll} pixels wide, expected {width}"
    wide = page.js("""return [...document.querySelectorAll('figure .plot .main-svg')].filter(n =>
        n.getBoundingClientRect().right > n.closest('figure').getBoundingClientRect().right + 1)
        .map(n => n.closest('figure').id)""")
    assert not wide, f"figures wider than their frame at {width} pixels: {wide}"


def luminance(colour):
    values = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def themes(page, dark):
    """The page has the colours that the system asks for; the button changes them and the plots."""
    state = """const style = getComputedStyle(document.documentElement);
        return [document.documentElement.dataset.theme, window.hesseFigures[0].plot.layout.font.color,
          Object.fromEntries(['paper', 'card', 'ink', 'soft', 'accent', 'good', 'good-soft', 'bad', 'bad-soft']
            .map(n => [n, style.getPropertyValue('--' + n).trim()]))]"""
    page.js("try { localStorage.clear() } catch (error) {}")
    first = page.js(state)
    assert first[0] == ("dark" if dark else "light"), first
    page.js("document.getElementById('theme').click()")
    second = page.js(state)
    page.js("document.getElementById('theme').click(); try { localStorage.clear() } catch (error) {}")
    assert second[0] != first[0] and second[1] != first[1], (first, second)
    for _, _, colours in (first, second):
        for ink, ground in (("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"),
                            ("accent", "card"), ("good", "good-soft"), ("bad", "bad-soft")):
            a, b = sorted((luminance(colours[ink]), luminance(colours[ground])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, f"{ink} on {ground} has too little contrast"


# Without a browser.

def data_of(path):
    with open(path, encoding="utf-8") as file:
        found = re.search(r'id="data">([^<]*)<', file.read())
    return json.loads(gzip.decompress(base64.b64decode(found.group(1))))


def numbers(path, result):
    """Eigenvalues, measures, shares and distances of the page are those of the file."""
    import h5py
    figures = {figure["key"]: figure for figure in data_of(path)["figures"]}
    views = {(figure["key"], view["key"]): view for figure in figures.values()
             for view in figure["views"]}
    with h5py.File(result) as f:
        names = f["blocks/name"].asstr()[...]
        atoms = {c["title"]: c for c in views["spectra", "histogram"]["curves"]}
        assert set(atoms) == {"(full)", *names}
        for name in names:
            near(atoms[name]["x"], f[f"spectra/blocks/{name}/eigenvalues"][...])
            assert abs(sum(atoms[name]["masses"]) - 1) < 1e-4
            near(atoms[name]["factors"]["trace"], abs(f["blocks/trace"][list(names).index(name)]))
        near(atoms["(full)"]["x"], f["spectra/full/eigenvalues"][...])
        values = f["spectra/full/eigenvalues"][...]
        near(atoms["(full)"]["factors"]["tenth"], abs(values[-10]))
        density = {c["title"]: c for c in views["spectra", "density"]["curves"]}["(full)"]
        near(density["y"], f["spectra/full/density/values"][...])
        for key in ("trace_per_parameter", "condition", "negative_mass", "effective_rank"):
            near(views["measures", key]["curves"][0]["y"], f[f"blocks/{key}"][...])
        near(views["distances", "js"]["cells"][0]["values"], f["metrics/js"][...])
        near(views["distances", "coupling"]["cells"][0]["values"], f["metrics/coupling"][...])
        together = np.sort(np.concatenate(
            [f[f"spectra/blocks/{name}/eigenvalues"][...] for name in names]))[::-1]
        near(views["full", "full"]["curves"][1]["y"], together)
        for column, power in (("trace", 1), ("frobenius", 2)):
            bars = {c["name"]: np.array(c["y"], float)
                    for c in views["shares-curvature", column]["curves"]}
            near(bars["gauss-newton"], f[f"parts/gauss_newton/blocks/{column}"][...] ** power)
            whole = f[f"blocks/{column}"][...] ** power
            assert np.allclose(sum(bars.values()), whole, rtol=1e-4, atol=1e-5 * abs(whole).max())
        fits = [c for c in views["rank", "rank"]["curves"] if c["line"] == "dashed"]
        stored = dict(zip(names, f["blocks/tail_exponent"][...]))
        assert len(fits) >= 3
        for fit in fits:
            if fit["title"] in stored:
                x, y = np.log(fit["x"]), np.log(fit["y"])
                slope = (y[-1] - y[0]) / (x[-1] - x[0])
                near(1 - 1 / slope, stored[fit["title"]], 1e-3)


def near(found, expected, tolerance=2e-5):
    found = np.array(found, float)
    expected = np.where(np.isfinite(expected), expected, np.nan)
    assert found.shape == np.shape(expected), (found.shape, np.shape(expected))
    assert np.allclose(found, expected, rtol=tolerance, atol=1e-300, equal_nan=True)


def cells(result):
    """Root mean squares and largest entries of cells, by a plain loop over entries."""
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tools", "python"))
    import hesse
    from hesse.figures import matrices
    matrices.STRIPE = 500  # so that stripes and cells do not end together
    with hesse.open(result) as r:
        full = r.matrix[...]
        for patterns in ((), ("*attn*", "*ln_2*")):
            stored = matrices.find(r, "", patterns)
            rows = np.concatenate([np.arange(b.first, b.first + b.size) for b in stored.blocks])
            entries = full[np.ix_(rows, rows)]
            for largest in (False, True):
                for most in (7, 50, 5000):
                    image = matrices.reduce(stored, most, largest)
                    at = np.arange(len(rows)) // image.cell
                    expected = np.zeros(image.values.shape)
                    for i in range(len(expected)):
                        for j in range(len(expected)):
                            piece = entries[np.ix_(at == i, at == j)]
                            expected[i, j] = abs(piece).max() if largest else np.sqrt(
                                (piece ** 2).mean())
                    assert max(expected.shape) <= most
                    assert np.allclose(image.values, expected, rtol=1e-12, atol=0)
        share = matrices.reduce(matrices.find(r, "gauss_newton"), 5000)
        assert np.allclose(share.values, abs(r.parts["gauss_newton"].matrix[...]), rtol=1e-12)


HOSTILE = ("</script><script>window.harm=1</script>", "<img src=x onerror=window.harm=1>",
           "%{x}<b>bold</b>&amp;$x^2$", "\"' onmouseover=window.harm=1 x='")


def hostile(source, target):
    import h5py
    shutil.copy(source, target)
    with h5py.File(target, "r+") as f:
        names = list(f["blocks/name"].asstr()[...])
        new = [*HOSTILE, *names[len(HOSTILE):]]
        for group in ("/", *(f"/parts/{share}" for share in f["parts"])):
            for old, name in zip(names, new):
                for place in ("spectra/blocks", "hessian/blocks"):
                    path = f"{group}/{place}/"
                    if path + old in f and old != name:
                        f.move(path + old, path + name)
            path = f"{group}/blocks/name"
            if path in f:
                del f[path]
                f[path] = np.array([name.encode() for name in new])
        f.attrs["host"] = np.bytes_("<img src=x onerror=window.harm=1>")
        f.attrs["job"] = np.bytes_("</pre><script>window.harm=1</script>")


def large(source, target, order):
    """HDF5 stores no block of zeros that was never written, so that this file is small."""
    import h5py
    with h5py.File(source) as f, h5py.File(target, "w") as to:
        for name, value in f.attrs.items():
            to.attrs[name] = value
        table = to.create_group("blocks")
        size = order // 2
        for name, values in (("name", np.array([b"a.weight", b"b.weight"])), ("size", [size, size]),
                             ("offset", [0, size]), ("trace", [1.0, 2.0]),
                             ("trace_error", [0.0, 0.0]),
                             ("trace_per_parameter", [1.0 / size, 2.0 / size]),
                             ("method", np.array([b"none", b"none"]))):
            table[name] = values
        full = to.create_dataset("hessian/full", (order, order), "f8", chunks=(1000, 1000))
        for at in (0, order - 1000):
            full[at:at + 1000, at:at + 1000] = np.eye(1000)
    assert os.path.getsize(target) < order * order


def main(words):
    first, *rest = words
    if first == "--text":
        check(rest[1], rest[2:], rest[0])
    elif first == "--numbers":
        numbers(*rest)
    elif first == "--cells":
        cells(*rest)
    elif first == "--hostile":
        hostile(*rest)
    elif first == "--large":
        large(rest[0], rest[1], int(rest[2]))
    else:
        check(first, rest)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except AssertionError as error:
        sys.exit(str(error) or traceback.format_exc())
