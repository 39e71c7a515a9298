"""The page on which a person labels samples: one file, no network, and nothing of a model's text can run in it.

Everything that comes from the store is escaped. Only our own script and style run, because the content policy names their
hashes. Labels are kept in the browser and downloaded as JSON lines that `restem audit --labels` reads.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from flows.stored.audit.audit import Judged
from tasks.report.html import safe

HERE = Path(__file__).parent
CHOICES = (("right", "1 right"), ("wrong", "2 wrong"), ("unsure", "3 unsure"))


def label_page(run: str, samples: Sequence[Judged]) -> str:
    """Return the page as HTML text."""
    style, script = _file("page.css"), Template(_file("page.js")).substitute()
    return Template(_file("page.html")).substitute(
        title=f"Label samples of {safe(run)}", count=len(samples), style=style, style_hash=_hash(style),
        script=script, script_hash=_hash(script),
        samples="\n".join(_article(run, number, one) for number, one in enumerate(samples, 1)),
    )  # fmt: skip


def _article(run: str, number: int, one: Judged) -> str:
    verdict = one.verdict
    expected = one.problem.gold if one.problem.tests is None else one.problem.tests
    said = f"{verdict.label} ({verdict.evidence.get('rule', '-')}; answer {verdict.evidence.get('answer', '-')})"
    choices = "".join(
        f'<label><input type="radio" name="s{number}" value="{value}"> {word}</label>' for value, word in CHOICES
    )
    return (
        f'<article tabindex="0" id="{one.digest}-{number}" data-run="{safe(run)}" data-place="{safe(one.place)}" '
        f'data-problem="{safe(one.problem.id)}" data-index="{one.sample.index}" data-text="{one.digest}">'
        f"<h2>{number}. {safe(one.problem.id)}</h2><pre>{safe(one.problem.question)}</pre>"
        f"<h2>Gold</h2><pre>{safe(expected or '-')}</pre><h2>Completion</h2><pre>{safe(one.sample.text)}</pre>"
        f'<p>{choices}<input type="text" placeholder="note" aria-label="note"></p>'
        f"<details><summary>What the grader said</summary><p>{safe(said)}</p></details></article>"
    )


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
