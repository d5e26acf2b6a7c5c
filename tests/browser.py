"""A real browser for tests: Debian's Chromium, driven by Playwright, that is told what pages ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

DESKTOP, PHONE = (1280, 900), (390, 844)


@contextmanager
def launched(home: Path) -> Iterator[Browser]:
    """A browser, until the end of the block; skips the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium on PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # In a container tests run as root, where Chromium has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(home)}
        browser = playwright.chromium.launch(
            executable_path=program, args=arguments, env=environment
        )
        yield browser
        browser.close()


class Opened:
    """A page in a window of its own, and what went wrong in it.

    `requests` are those for anything but the page itself, `faults` what the console complained of,
    what was thrown and what was asked in dialogs.
    """

    def __init__(
        self,
        browser: Browser,
        file: Path,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
        anchor: str = "",
    ) -> None:
        self.requests: list[str] = []
        self.faults: list[str] = []
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(5_000)
        self.url = file.as_uri()
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", self._told)
        self.page.goto(f"{self.url}{anchor}")

    def _asked(self, url: str) -> None:
        if url.partition("#")[0] != self.url:
            self.requests.append(url)

    def _told(self, dialog: Dialog) -> None:
        self.faults.append(dialog.message)
        dialog.dismiss()

    def close(self) -> None:
        """Close the window; fails where anything went wrong in it."""
        self._context.close()
        assert not self.requests
        assert not self.faults

    def run(self, script: str) -> Any:
        """What an expression comes to in the page."""
        return self.page.evaluate(script)

    def names(self) -> list[str]:
        """Packages of the rows that are seen, in order."""
        return self.page.locator("#_table tbody tr:visible th").all_inner_texts()

    def count(self) -> str:
        """How many packages are said to be shown."""
        return self.page.locator("#_count").inner_text()

    def violations(self) -> list[str]:
        """What axe finds wrong, with the first element that is."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]
