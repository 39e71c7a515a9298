"""The viewer in a real browser: each page, search and filters, a problem over iterations, two runs, hostile output that does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.store.artifacts import Store
from tests.command import ROOT, argv_of, path_with_root
from tests.flows.viewer.stores import make_viewed

pytestmark = pytest.mark.heavy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = os.environ.get("RESTEM_TEST_PICTURES")  # a folder: keep the screenshots
PATIENCE_MS = 60_000


@dataclass
class Browser:
    """A page of chromium, what it asked for, and what it complained of."""

    page: Any
    address: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path, wait_until="load")

    def picture(self, name: str) -> None:
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/viewer-{name}.png")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that the real command prints."""
    folder = tmp_path_factory.mktemp("served")
    store: Store = make_viewed(folder)
    argv = argv_of("view", store.root, "--port", "0", "--scratch", str(folder / "view"))
    process = subprocess.Popen(
        argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": path_with_root()}, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def browser(served: str) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        made = Browser(page, served)
        page.on("request", lambda request: made.asked.append(request.url))
        page.on("console", lambda message: made.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: made.errors.append(str(error)))
        page.goto(served, wait_until="load", timeout=300_000)
        yield made
        chromium.close()


def fits(browser: Browser) -> bool:
    """Whether no part of the page is cut off at this width; what is wider scrolls inside itself."""
    browser.page.wait_for_load_state()  # without its style it is wider: a click does not wait for that
    return bool(browser.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_every_page_fits_asks_nobody_else_and_complains_of_nothing(browser: Browser) -> None:
    pages = {"runs": "/", "run": "/run/small", "samples": "/run/small/samples", "nights": "/nights", "series": "/nights/nightly",
             "compare": "/compare?run=small&run=other"}  # fmt: skip
    for width in (1400, 700):
        browser.page.set_viewport_size({"width": width, "height": 900})
        for name, path in pages.items():
            browser.open(path)
            assert fits(browser), (name, width)
            browser.picture(f"{name}-{width}")
    browser.page.set_viewport_size({"width": 1400, "height": 900})
    assert all(one.startswith((browser.address, "data:")) for one in browser.asked)
    assert not browser.errors, browser.errors


def test_a_sample_is_found_in_three_clicks_and_by_search(browser: Browser) -> None:
    page = browser.page
    browser.open("/")
    page.get_by_role("link", name="small", exact=True).click()
    page.get_by_role("link", name="Wrong answers on test").click()
    assert set(page.locator("article b").all_inner_texts()) == {"wrong"}
    page.locator("article a").first.click()
    page.get_by_text("Base against last").wait_for()
    browser.picture("problem")
    assert page.locator(".side section").count() == 6 and fits(browser)
    browser.open("/run/small/samples")
    page.get_by_placeholder("any part of a completion").fill("#### 2")
    page.locator("select[name=label]").select_option("correct")
    page.get_by_role("button", name="Show").click()
    assert page.locator("article").count() and set(page.locator("article b").all_inner_texts()) == {"correct"}
    browser.picture("search")
    page.locator("figure svg a").first.click()
    assert "least=" in page.url and page.locator("article").count()


def test_runs_are_chosen_and_compared(browser: Browser) -> None:
    page = browser.page
    browser.open("/")
    page.get_by_label("compare small").check()
    page.get_by_label("compare other").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    page.get_by_text("Paired differences, in points").wait_for()
    assert page.locator("figure svg polyline").count() == 4
    page.locator("details").first.click()
    browser.picture("compared")


def test_the_report_is_shown_without_scripts_and_addresses_are_copied(browser: Browser) -> None:
    page = browser.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=browser.address)
    browser.open("/run/small")
    frame = page.frame_locator("iframe.report")
    frame.get_by_text("Where everything is").wait_for()
    page.locator("button[data-copy]").first.click()
    page.get_by_text("copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith("report.html")
    assert not browser.errors, browser.errors


def test_hostile_output_does_nothing(browser: Browser) -> None:
    page, dialogs = browser.page, list[str]()
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in ("/run/hostile", "/run/hostile/samples", "/run/hostile/samples?text=xxxxxx", "/nights/nightly"):
        browser.open(path)
        assert page.evaluate("window.pwned === undefined") and fits(browser), path
        browser.picture(f"hostile{path.replace('/', '-').split('?')[0]}")
    browser.open("/run/hostile/samples?text=script")
    page.locator("article a").first.click()
    page.get_by_text("Samples by policy").wait_for()
    browser.picture("hostile-problem")
    assert page.evaluate("window.pwned === undefined") and fits(browser)
    assert page.locator("main img, main script, main iframe").count() == 0
    assert not dialogs and all(one.startswith((browser.address, "data:")) for one in browser.asked)
    assert not browser.errors, browser.errors
