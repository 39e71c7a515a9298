"""Mends two faults of Prefect's interface (3.7.7) that no schema can mend, in the copy that the server makes before serving it.

Number inputs have a step of 0.01, and a browser refuses to send a form whose number lies between two steps, so nobody can save
a deployment with a learning rate of 0.0001 or a temperature of 0.725 (the Edit page). They get `step="any"`.

The Run page fills in a Run Name of its own making ("epsilon537-lebbenin"), which nobody can tell from one that a person typed.
It fills in `AUTOMATIC`, which a run replaces by the name of what it works on.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

log = logging.getLogger("restem")

AUTOMATIC = "automatic"
CHANGES = {
    "the step of number inputs": (re.compile("step:`0\\.01`"), "step:`any`"),
    "the Run Name that is filled in": (re.compile(r"\b(?!this\b)\w+\.create\(`runName`\)"), f"`{AUTOMATIC}`"),
}


def mend_interface() -> None:
    """Change the copy in PREFECT_UI_STATIC_DIRECTORY; an installation's own files are left alone."""
    from prefect.settings import PREFECT_UI_ENABLED, PREFECT_UI_STATIC_DIRECTORY

    folder = PREFECT_UI_STATIC_DIRECTORY.value()
    if not folder or not PREFECT_UI_ENABLED.value():
        return
    scripts = sorted(Path(folder).glob("v1/assets/*.js"))
    for what, (fault, instead) in CHANGES.items():
        found = [changed(path, fault, instead) for path in scripts]
        if not any(found):
            log.warning("%s could not be changed in %s", what, folder)


def changed(path: Path, fault: re.Pattern[str], instead: str) -> bool:
    """Return whether the script had this fault and is now without it."""
    text = path.read_text(encoding="utf-8")
    mended = fault.sub(instead, text)
    if mended != text:
        path.write_text(mended, encoding="utf-8")
    return instead in mended
