"""The real interface in a real browser: open the form, choose, submit, and look at what the run shows."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.operated import Operated

pytestmark = pytest.mark.heavy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = os.environ.get("RESTEM_TEST_PICTURES")  # a folder: keep the screenshots, for docs/images
PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def page(operated: Operated) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


def address(operated: Operated, path: str) -> str:
    return operated.machine.url.removesuffix("/api") + path


def picture(page: Any, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png")


def newest_run(operated: Operated, seen: set[str]) -> str:
    """The flow run of the self-train deployment that was not there before."""
    deployment = operated.machine.deployment("self-train/self-train")["id"]
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}}, "limit": 200}
    return next((one["id"] for one in operated.machine.post("/flow_runs/filter", wanted) if one["id"] not in seen), "")


def all_runs(operated: Operated) -> set[str]:
    return {one["id"] for one in operated.machine.post("/flow_runs/filter", {"limit": 200})}
