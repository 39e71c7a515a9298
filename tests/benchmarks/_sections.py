"""Sections of a page in docs/ that benchmarks write; what stands in the other sections is left as it is."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path


def put(page: Path, title: str, body: str) -> None:
    """Replace the section `## title` of the page by `body`, or add it at the end."""
    text = page.read_text(encoding="utf-8")
    section = f"## {title}\n\n{body.strip()}\n"
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        page.write_text(f"{text.rstrip()}\n\n{section}", encoding="utf-8")
        return
    behind = text[found.end() :]
    page.write_text(text[: found.start()] + section + ("\n" + behind if behind else ""), encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def commit() -> str:
    """Return the short name of the commit that is measured, with a plus where files differ from it."""
    asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
