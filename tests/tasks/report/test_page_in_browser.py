"""Pages of a run and of a comparison, and the report in Prefect's interface, in a real browser 1,400 pixels wide: nothing is cut off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks.report import as_markdown, write_html
from tasks.report.comparison import comparison_html
from tests.made_up_run import made_up_run
from tests.server import prefect_server
from tests.tasks.report.test_comparison import compared

pytestmark = pytest.mark.heavy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = os.environ.get("RESTEM_TEST_PICTURES")  # a folder: keep the screenshots
TOO_WIDE = """
() => [...document.querySelectorAll('.scroll, figure, table, main')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > window.innerWidth + 1)
    .map(one => `${one.tagName} ${one.scrollWidth} > ${one.clientWidth}: ${one.innerText.slice(0, 80)}`)
"""


CUT_OFF = """
() => [...document.querySelectorAll('table')].filter(table => {
    const right = table.getBoundingClientRect().right
    for (let at = table; at; at = at.parentElement)
        if (right > Math.ceil(at.getBoundingClientRect().right) + 1) return true
    return right > window.innerWidth
}).map(table => table.innerText.slice(0, 80))
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def write_pages(folder: Path) -> dict[str, Path]:
    pages = {"run": write_html(made_up_run(), folder / "run.html"), "comparison": folder / "comparison.html"}
    pages["comparison"].write_text(comparison_html(compared()), encoding="utf-8")
    return pages


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_1400_pixels(chromium: Any, tmp_path: Path, scheme: str) -> None:
    page = chromium.new_page(viewport={"width": 1400, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(120_000)
    for name, path in write_pages(tmp_path).items():
        page.goto(path.as_uri(), wait_until="load")
        assert page.evaluate(TOO_WIDE) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= 1400
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/report-{name}-{scheme}.png", full_page=True)
    page.close()


def test_the_report_fits_the_interface_at_1400_pixels(chromium: Any, tmp_path: Path) -> None:
    """Prefect's own page of the artifact, with the navigation beside it."""
    with prefect_server(tmp_path / "prefect") as api:
        body = {"key": "report-made-up", "type": "markdown", "data": as_markdown(made_up_run())}
        made = httpx.post(f"{api}/artifacts/", json=body, timeout=60).raise_for_status().json()
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(f"{api.removesuffix('/api')}/artifacts/artifact/{made['id']}", wait_until="domcontentloaded")
        page.get_by_text("In all:").first.wait_for()
        assert page.locator("table").count() >= 4
        assert page.evaluate(CUT_OFF) == []
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/report-prefect.png", full_page=True)
        page.close()
