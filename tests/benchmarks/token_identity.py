"""Sampled against trained tokens of each tokenizer family: writes its section of docs/models.md.

1,000 draws a family: pieces of the vocabulary in any order, ended by EOS or cut at a stop string as the samplers do it, then made into
training rows. Chat families and real tokenizers are those of tests/models.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks._sections import put, table
from tests.models.token_identity import FAMILIES, WITHIN, Counted, counted, tokenizer_of

PAGE = Path("docs/models.md")
TITLE = "Trained tokens are the drawn ones"
WORDS = """Written by `python -m tests.benchmarks token_identity`: 1,000 draws of each family, ended and cut as the samplers end and cut them. *other
tokens*: rows whose target is not a prefix of the tokens that were drawn. *retokenised*: of the first 1,000, those that tokenising
their text anew would have changed.
*cut inside a token*: of 1,000 further draws that are cut at the letters `a` and `e`, which often stand inside a token, those whose kept text ends within
one. No tokens that were drawn give such a text, so it is encoded; the manifest counts these rows and the log says it. No other row differs."""


def main(_: list[str] | None = None) -> dict[str, Any]:
    """The counts by family."""
    found = {family: both(family) for family in FAMILIES}
    put(PAGE, TITLE, page(found))
    return {family: [asdict(whole), asdict(cut)] for family, (whole, cut) in found.items()}


def both(family: str) -> tuple[Counted, Counted]:
    """Count with the stop string of a template, and with ones that cut inside of tokens."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = tokenizer_of(family, Path(folder))
        return counted(tokenizer), counted(tokenizer, WITHIN)


def page(found: dict[str, tuple[Counted, Counted]]) -> str:
    rows = [
        (family, whole.rows + cut.rows, whole.mismatches + cut.mismatches, whole.retokenised, whole.cut + cut.cut)
        for family, (whole, cut) in found.items()
    ]
    drawn, unlike, cut = (sum(row[at] for row in rows) for at in (1, 2, 4))
    said = f"{len(rows)} families, {drawn:,} rows: {unlike} with other tokens, {cut:,} cut inside a token."
    return f"{WORDS}\n\n{said}\n\n{table(('', 'rows', 'other tokens', 'retokenised', 'cut inside a token'), rows)}"
