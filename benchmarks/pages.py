"""The HTML page of a comparison: how long it takes to write, and how large it is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import cachediff
from benchmarks.measuring import in_turn
from benchmarks.plan import Plan
from benchmarks.table import Row, ratio_row
from benchmarks.upstream import REBUILT
from cachediff.changelog import arrange
from cachediff.reports import FORMATS, Layout

_WATCH = """() => {
  globalThis.taken = [];
  document.getElementById("_name").addEventListener("keydown", () => {
    const begun = performance.now();
    const drawn = new MessageChannel();
    drawn.port1.onmessage = () => taken.push(performance.now() - begun);
    requestAnimationFrame(() => drawn.port2.postMessage(0));
  });
}"""


def page(plan: Plan) -> Iterator[Row]:
    """Everything rebuilt, arranged and written, beside the comparison itself."""
    upstream = plan.upstream()
    compare = partial(cachediff.compare, *REBUILT.names(), repo=str(upstream.repository))
    comparison = compare()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"

        def write() -> None:
            report = FORMATS["html"](comparison, arrange, Layout())
            file.write_text(report, encoding="utf-8", newline="")

        seconds = in_turn({"page": write, "comparison": compare}, plan.runs)
        size = file.stat().st_size / 1e6
        keystrokes = _keystrokes(file)
    yield ratio_row(
        f"{REBUILT.name}, page",
        seconds["page"],
        "the comparison, in process",
        seconds["comparison"],
        plan.target(2),
    )
    yield Row(
        f"{REBUILT.name}, size of the page",
        f"{size:.2f} MB",
        figure=size,
        limit=plan.target(5),
        unit=" MB",
    )
    if keystrokes is None:
        yield Row(
            f"{REBUILT.name}, a key in the filter", "", "there is no Chromium, or no Playwright"
        )
        return
    middle = median(keystrokes)
    yield Row(
        f"{REBUILT.name}, a key in the filter",
        f"{middle:.0f} ms",
        spread=f"{min(keystrokes):.0f}-{max(keystrokes):.0f}",
        figure=middle,
        limit=plan.target(100),
        unit=" ms",
    )


def _keystrokes(page: Path) -> list[float] | None:
    """Milliseconds from each key in the filter box to when the table has been drawn anew."""
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if program is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        seen = browser.new_page()
        seen.goto(page.as_uri())
        seen.evaluate(_WATCH)
        field = seen.get_by_label("Package", exact=True)
        field.press_sequentially("py-numpy", delay=60)
        for _ in "py-numpy":
            field.press("Backspace", delay=60)
        taken: list[float] = seen.evaluate("taken")
        browser.close()
    return taken
