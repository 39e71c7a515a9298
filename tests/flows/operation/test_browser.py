"""The real interface in a real browser: open the form, choose, submit, and look at what the run shows."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.machine import Machine
from tests.operated import Operated

pytestmark = pytest.mark.heavy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = os.environ.get("RESTEM_TEST_PICTURES")  # a folder: keep the screenshots, for docs/images
PATIENCE_MS = 60_000
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # the run's graph wants WebGL


@pytest.fixture(scope="module")
def page(operated: Operated) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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


def newest_run(operated: Operated, seen: set[str], name: str = "self-train/self-train") -> str:
    """The flow run of that deployment that was not there before."""
    deployment = operated.machine.deployment(name)["id"]
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}}, "limit": 200}
    return next((one["id"] for one in operated.machine.post("/flow_runs/filter", wanted) if one["id"] not in seen), "")


def all_runs(operated: Operated) -> set[str]:
    return {one["id"] for one in operated.machine.post("/flow_runs/filter", {"limit": 200})}


def test_the_form_starts_a_run_that_completes_and_shows_what_it_did(operated: Operated, page: Any) -> None:
    machine = operated.machine
    deployment = machine.deployment("self-train/self-train")["id"]
    machine.call("PATCH", f"/deployments/{deployment}", {"parameters": operated.form("from-config")})
    before = all_runs(operated)
    try:
        open_form(operated, page, deployment, "run")
        below(page, "Name of the run", "textarea").fill("from-form")
        page.get_by_role("button", name="as configured").nth(3).focus()  # the preset
        page.keyboard.press("ArrowDown")
        page.get_by_text("expert_iteration", exact=True).last.click()
        picture(page, "form")
        page.get_by_role("button", name="Submit").last.click()
        flow_run = machine.until(lambda: newest_run(operated, before), 120, "the form's run")
    finally:
        machine.call("PATCH", f"/deployments/{deployment}", {"parameters": {}})
    ended = machine.finish(flow_run)
    assert ended.type == "COMPLETED", ended
    sent = machine.run(flow_run)["parameters"]
    assert sent["config"]["run"]["name"] == "from-config"  # the deployment's parameters fill the form
    assert (sent["common"]["name"], sent["common"]["preset"]) == ("from-form", "expert_iteration")
    assert machine.run(flow_run)["name"] == "from-form"
    told = machine.artifacts(flow_run)
    assert next(iter(told)) == "config-from-form"  # the first one
    assert 'run.preset = "expert_iteration"' in told["config-from-form"]["data"]
    show_run(operated, page, flow_run)
    artifacts = machine.artifacts(flow_run)
    assert {"report-from-form", "learning-curve-from-form", "samples-from-form"} <= set(artifacts)
    show_artifacts(operated, page, flow_run)


FORMS: dict[str, tuple[str, str]] = {
    "self-train/self-train": ("Name of the run", "textarea"),
    "self-train/self-train-fleet": ("Name of the run", "textarea"),
    "nightly/nightly": ("Name of the run", "textarea"),
    "evaluate/evaluate": ("base, latest", "textarea"),
    "stage/stage": ("Name of the run", "textarea"),
    "janitor/janitor": ("Folder or s3", "textarea"),
}
MOST_PIXELS = 4000


@pytest.mark.parametrize("name", list(FORMS))
def test_every_form_can_be_filled_run_scheduled_and_saved(operated: Operated, page: Any, name: str) -> None:
    """On the Run page, the Edit page and as a schedule. Nothing starts: the pools are paused meanwhile."""
    machine = operated.machine
    deployment = machine.deployment(name)
    with paused_pools(machine), restored(machine, deployment):
        before = all_runs(operated)
        open_form(operated, page, deployment["id"], "run")
        assert height(page) < MOST_PIXELS
        below(page, *FORMS[name]).fill("from-run-form")
        page.get_by_role("button", name="Submit").last.click()
        flow_run = machine.until(lambda: newest_run(operated, before, name), 120, "the form's run")
        assert "from-run-form" in json.dumps(machine.run(flow_run)["parameters"])
        machine.call("DELETE", f"/flow_runs/{flow_run}")
        open_form(operated, page, deployment["id"], "edit")
        below(page, *FORMS[name]).fill("from-edit-form")
        if page.get_by_role("button", name="RunConfig").count():
            page.get_by_role("button", name="RunConfig").click()
            below(page, "Learning Rate", "input").fill("0.00015")
        page.get_by_role("button", name="Save").click()
        saved = machine.until(lambda: edited(machine, name), 60, "the form to be saved")
        assert (saved.get("config") or {}).get("finetune", {}).get("learning_rate") in (0.00015, None)
        page.goto(address(operated, f"/deployments/deployment/{deployment['id']}"), wait_until="domcontentloaded")
        page.get_by_role("button", name="Schedule", exact=True).first.click()
        page.get_by_role("button", name="Save").last.click()
        schedules = len(deployment["schedules"])
        machine.until(lambda: len(machine.deployment(name)["schedules"]) == schedules + 1, 60, "the new schedule")


@contextmanager
def paused_pools(machine: Machine) -> Iterator[None]:
    for pool in ("gpu", "cpu"):
        machine.call("PATCH", f"/work_pools/{pool}", {"is_paused": True})
    try:
        yield
    finally:
        for pool in ("gpu", "cpu"):
            machine.call("PATCH", f"/work_pools/{pool}", {"is_paused": False})


@contextmanager
def restored(machine: Machine, deployment: Any) -> Iterator[None]:
    """The deployment's parameters and schedules afterwards as before; runs of a schedule that is gone go with it."""
    try:
        yield
    finally:
        path = f"/deployments/{deployment['id']}"
        machine.call("PATCH", path, {"parameters": deployment["parameters"]})
        kept = {one["id"] for one in deployment["schedules"]}
        for one in machine.get(path)["schedules"]:
            if one["id"] not in kept:
                machine.call("DELETE", f"{path}/schedules/{one['id']}")


def edited(machine: Machine, name: str) -> Any:
    found = machine.deployment(name)["parameters"]
    return found if "from-edit-form" in json.dumps(found) else None


def open_form(operated: Operated, page: Any, deployment: str, kind: str) -> None:
    page.goto(address(operated, f"/deployments/deployment/{deployment}/{kind}"), wait_until="domcontentloaded")
    page.get_by_role("button", name="Submit" if kind == "run" else "Save").last.wait_for()
    page.get_by_text("(Optional)").nth(1).wait_for()


def below(page: Any, words: str, kind: str) -> Any:
    """The first input after a text that begins so."""
    return page.locator(f"xpath=//*[starts-with(normalize-space(text()), '{words}')]/following::{kind}[1]").first


def height(page: Any) -> int:
    return int(page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(one => one.scrollHeight))"))


def test_the_form_of_one_stage_trains_again(operated: Operated, page: Any) -> None:
    machine = operated.machine
    deployment = machine.deployment("stage/stage")["id"]
    given = {"run": "small", "stage": "generate", "iteration": 1, "store": str(operated.store)}
    machine.call("PATCH", f"/deployments/{deployment}", {"parameters": given})
    before = all_runs(operated)
    try:
        page.goto(address(operated, f"/deployments/deployment/{deployment}/run"), wait_until="domcontentloaded")
        page.get_by_role("button", name="generate", exact=True).focus()
        page.keyboard.press("ArrowDown")
        page.get_by_text("finetune", exact=True).last.click()
        picture(page, "stage")
        page.get_by_role("button", name="Submit").last.click()
        flow_run = machine.until(lambda: newest_run(operated, before, "stage/stage"), 120, "the form's run")
    finally:
        machine.call("PATCH", f"/deployments/{deployment}", {"parameters": {}})
    ended = machine.finish(flow_run)
    assert ended.type == "COMPLETED", ended
    assert machine.ended_task_runs(flow_run)["iteration-1/finetune"] == "Completed"


def show_run(operated: Operated, page: Any, flow_run: str) -> None:
    page.goto(address(operated, f"/runs/flow-run/{flow_run}"), wait_until="domcontentloaded")
    page.get_by_text("Completed", exact=True).first.wait_for()
    page.get_by_text("Task Runs", exact=True).first.click()
    page.get_by_text("iteration-1/finetune").first.wait_for()
    picture(page, "run")


def show_artifacts(operated: Operated, page: Any, flow_run: str) -> None:
    """The list beside the run, and a plot as the browser draws it."""
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("report-from-form").first.wait_for()
    curve = operated.machine.artifacts(flow_run)["learning-curve-from-form"]["id"]
    page.goto(address(operated, f"/artifacts/artifact/{curve}"), wait_until="domcontentloaded")
    plot = page.locator("img[src^='data:image/svg']").first
    plot.wait_for()
    assert plot.evaluate("image => image.complete && image.naturalWidth > 100")
    picture(page, "artifacts")


@pytest.mark.timeout(1500)  # two attempts of a night on machines that do much else
def test_a_failed_night_says_what_happened_and_its_button_goes_on(operated: Operated, page: Any) -> None:
    """The trainer is killed, as the kernel does when memory runs out."""
    machine = operated.machine
    form = operated.form("bad-night", retry={"retries": 0}, finetune={"epochs": 10})
    flow_run = machine.start("nightly/nightly", {**form, "nights": {"night": "2026-01-01"}})
    logs = Path(form["config"]["run"]["scratch"]) / "logs" / "bad-night-2026-01-01"
    machine.until_in(
        flow_run, lambda: any("'loss'" in path.read_text() for path in logs.glob("train-*.log")), 900, "a training step"
    )
    machine.processes_of(flow_run, "-m prefect.engine")[0].send_signal(signal.SIGUSR1)
    machine.until(
        lambda: "maximization.py" in machine.said_by("gpu"), 60, "the stacks of a run that is asked where it stands"
    )
    for trainer in machine.processes_of(flow_run, "tasks.engines.training.trl_sft"):
        trainer.kill()
    failed = machine.finish(flow_run)
    assert failed.type == "FAILED", failed
    assert failed.message.startswith("finetune: ")
    notice = machine.artifacts(flow_run)["failure-bad-night-2026-01-01"]
    page.goto(address(operated, f"/artifacts/artifact/{notice['id']}"), wait_until="domcontentloaded")
    page.get_by_text("Cost of going on").first.wait_for()
    assert "Traceback" not in page.inner_text("body")
    picture(page, "failed-night")
    press_retry(operated, page, flow_run)
    again = machine.finish(flow_run)
    assert again.type == "COMPLETED", again
    second = machine.ended_task_runs(flow_run, 2)
    assert (second["iteration-1/materialize"], second["iteration-1/finetune"]) == ("Cached", "Completed")


def press_retry(operated: Operated, page: Any, flow_run: str) -> None:
    operated.machine.seen_by_worker(flow_run)
    page.goto(address(operated, f"/runs/flow-run/{flow_run}"), wait_until="domcontentloaded")
    page.get_by_text("Failed", exact=True).first.wait_for()
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    operated.machine.until(lambda: operated.machine.run(flow_run)["run_count"] > 1, 60, "the second attempt")
