"""A headless Chromium for the tests of a page. Where there is none, they skip and say so."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Seconds, for a machine that is busy with other work.
PATIENCE = 60


@contextmanager
def opened(path: Path, *, width: int = 1280) -> Iterator[tuple[Page, list[str]]]:
    """The page at `path`, ready, and a list that collects its errors and all that it asks of a network."""
    found = next((place for name in NAMES if (place := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install 'torchcpc[dev]'")
    # A container has no sandbox, little shared memory and no sound card, and nobody clicks before the sound.
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio", "--autoplay-policy=no-user-gesture-required"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=flags, timeout=1000 * PATIENCE)
        try:
            page, faults = browser.new_page(viewport={"width": width, "height": 900}), list[str]()
            page.set_default_timeout(1000 * PATIENCE)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
            local = ("file:", "data:", "blob:")
            page.on("request", lambda request: None if request.url.startswith(local) else faults.append(request.url))
            page.goto(path.resolve().as_uri())
            until(page, "window.timeline !== undefined")
            yield page, faults
        finally:
            browser.close()


def until(page: Page, condition: str) -> None:
    """Waits until a condition in JavaScript holds. The driver's own waiting breaks the security policy of the page."""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        if time.monotonic() > end:
            pytest.fail(f"{condition} never held: {page.evaluate('[timeline.place, ...timeline.view]')}")
        page.wait_for_timeout(50)
