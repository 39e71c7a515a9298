"""The colours of the page, for pictures that stand alone: whoever embeds one has no style sheet of ours."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


@lru_cache(maxsize=1)
def light_colours() -> dict[str, str]:
    """Return the page's light colours by the names of their variables."""
    light = PAGE.read_text(encoding="utf-8").partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"(--\w+): (#\w+)", light))
