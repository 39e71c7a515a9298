"""A fault of Prefect's interface that its schemas cannot mend: number inputs have a step of 0.01.

A browser refuses to send a form whose number lies between two steps, so that nobody can save a deployment with a learning rate
of 0.0001 or a temperature of 0.725 (the Edit page; version 3.7.7). The server copies the interface before it serves it; here the
copy's number inputs get `step="any"`.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger("restem")

STEP, ANY_STEP = "step:`0.01`", "step:`any`"


def any_step() -> None:
    """Change the copy in PREFECT_UI_STATIC_DIRECTORY; an installation's own files are left alone."""
    from prefect.settings import PREFECT_UI_ENABLED, PREFECT_UI_STATIC_DIRECTORY

    folder = PREFECT_UI_STATIC_DIRECTORY.value()
    if not folder or not PREFECT_UI_ENABLED.value():
        return
    scripts = sorted(Path(folder).glob("v1/assets/*.js"))
    if not any(step_changed(path) for path in scripts):
        log.warning("no number input with a step of 0.01 in %s: numbers between two steps may be refused", folder)


def step_changed(path: Path) -> bool:
    """Whether the script's number inputs take any number afterwards."""
    text = path.read_text(encoding="utf-8")
    if STEP in text:
        path.write_text(text.replace(STEP, ANY_STEP), encoding="utf-8")
    return STEP in text or ANY_STEP in text
