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
from tests.models.token_identity import FAMILIES, Counted, counted, tokenizer_of

PAGE = Path("docs/models.md")
TITLE = "Trained tokens are the drawn ones"
WORDS = """Written by `python -m tests.benchmarks token_identity`: 1,000 draws of each family, ended and cut as the samplers end and cut them. *other
tokens*: rows whose target is not a prefix of the tokens that were drawn. *cut inside a token*: the kept text ends within a token, so it is
encoded, and may differ; such rows are counted in the manifest and said in the log. *retokenised*: rows that tokenising their text anew would have changed."""


def main(_: list[str] | None = None) -> dict[str, Any]:
    """The counts by family."""
    found: dict[str, Counted] = {}
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            found[family] = counted(tokenizer_of(family, Path(folder)))
    put(PAGE, TITLE, page(found))
    return {family: asdict(one) for family, one in found.items()}


def page(found: dict[str, Counted]) -> str:
    rows = [(family, one.rows, one.mismatches, one.cut, one.retokenised) for family, one in found.items()]
    unlike = sum(row[2] for row in rows)
    sums = f"{len(rows)} families, {sum(row[1] for row in rows):,} rows: {unlike} with other tokens, {sum(row[3] for row in rows)} cut inside a token."
    return f"{WORDS}\n\n{sums}\n\n{table(('', 'rows', 'other tokens', 'cut inside a token', 'retokenised'), rows)}"
