"""Architectures and tokenizer kinds through a whole run's use of a model, with tiny random weights: writes docs/models.md.

A row takes a minute or two (a vLLM server each), so rows are kept as they come in .restem/bench/models/ under the digest of the
code that they rest on, and a second call makes only what is missing. `main(["llama"])` makes only those rows.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Policy
from tasks.engines.architectures import needs_of, read_config
from tasks.engines.look.look import Asked, look
from tests.benchmarks._sections import commit, put, table
from tests.models.architectures import ARCHITECTURES, BY_LABEL, Architecture, write_model
from tests.models.matrix import PROMPT, STEPS, Row, passage
from tests.models.real_tokenizers import REAL
from tests.models.tokenizers import KINDS
from tests.stage_versions import digest_of_code

ROWS = Path(".restem/bench/models")
ALL_KINDS = KINDS | REAL
PAGE = Path("docs/models.md")
TIED = """Cohere's row is of a model that ties its output head to its embeddings, as all published ones do. vLLM leaves a head of its own out and uses the
embeddings: the proof caught that, and the look refuses an untied one in its sentence."""
ASKED = Asked((PROMPT,), " 3 + 4 = 7. The answer is \\boxed{7}.", ("Question:",), 64)
HEAD = """# Which models work

Written by `make bench` (`python -m tests.benchmarks models`); each row is a model with tiny random weights on the CPU, through everything
that a run does with one, with the real parts. *serve*, *prove*: vLLM answers, and its log-probabilities are those of a forward pass of the
checkpoint (nats rms). *train*: the trainer's first loss against plain transformers, a row at a time (relative). *serve again*: the trained
weights, exchanged in place or after a restart, and proved. *load elsewhere*: plain transformers generates from the export and saves it again.
A look at the model (`restem doctor CONFIG.toml`, `plan`, `run`) refuses the others in one sentence before any sampling.
"""


def main(labels: list[str] | None = None) -> dict[str, Any]:
    """The rows; those of architectures by name, then those of tokenizers."""
    architectures = [
        _kept(one.label, lambda one=one: _architecture(one))
        for one in ARCHITECTURES
        if not labels or one.label in labels
    ]  # type: ignore[misc]
    kinds = [] if labels else [_kept(f"tokenizer {name}", lambda name=name: _tokenizer(name)) for name in ALL_KINDS]  # type: ignore[misc]
    if not labels:
        write(architectures, kinds)
    return {"architectures": architectures, "tokenizers": kinds}


def _kept(name: str, make: Any) -> dict[str, Any]:
    code = digest_of_code("tests.benchmarks.models")
    file = ROWS / f"{digest_of_text(code + name)}.json"
    if not file.is_file():
        ROWS.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(make()))
    return dict(json.loads(file.read_text()))


def _architecture(one: Architecture) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = write_model(work / "base", one)
        needs = needs_of(read_config(base))
        packing = {"packing": "apart" if needs.packing else "refused"}
        return packing | _looked(one.label, base, work, "vllm").as_json()


def _tokenizer(name: str) -> dict[str, Any]:
    """Served by transformers: what a tokenizer changes is in the texts, and a start takes seconds."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        return _looked(
            name, write_model(work / "base", BY_LABEL["llama"], tokenizer=ALL_KINDS[name]), work, "hf"
        ).as_json()


def _looked(name: str, base: Path, work: Path, kind: str) -> Row:
    """A model that the look refuses goes no further, as in a run."""
    try:
        look(base, Policy("0" * 16, str(base)), ASKED, work / "scratch")
    except UserError as fault:
        return Row(name, {}, str(fault))
    return passage(name, base, work, kind)


def write(architectures: list[dict[str, Any]], kinds: list[dict[str, Any]]) -> None:
    """Write the page's head, which names the commit, and its two tables."""
    text = PAGE.read_text(encoding="utf-8")
    head = f"{HEAD}Both tables are of commit {commit()}.\n"
    PAGE.write_text(head + "\n" + text[text.index("## ") :], encoding="utf-8")
    works = [sum(row["works"] for row in rows) for rows in (architectures, kinds)]
    put(
        PAGE,
        "Architectures",
        f"{works[0]} of {len(architectures)} work end to end.\n\n{_table(architectures, (*STEPS, 'packing'))}\n\n{TIED}",
    )
    put(
        PAGE,
        "Tokenizers",
        f"{works[1]} of {len(kinds)} kinds work end to end (transformers samples here).\n\n{_table(kinds, STEPS)}",
    )


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    return table(("", *columns), [_cells(row, columns) for row in rows])


def _cells(row: dict[str, Any], columns: tuple[str, ...]) -> list[str]:
    if not row["works"]:
        return [row["name"], f"refused: {row['refused']}", *[""] * (len(columns) - 1)]
    return [row["name"], *(str(row.get(column, "")) for column in columns)]
