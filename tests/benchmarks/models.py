"""Architectures and tokenizer kinds through a whole run's use of a model, with tiny random weights: writes docs/models.md.

A row takes half a minute or more (a vLLM server each), so rows are kept as they come in .restem/bench/models/ with their commit and the digest of
the code that they rest on, and a second call makes only what is missing or of other code. RESTEM_BENCH_LABELS names rows to make
(`llama,tokenizer no pad`) without writing the page; RESTEM_BENCH_LABELS=kept only writes the page, of all rows that are kept.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Policy
from tasks.engines.architectures import needs_of, read_config
from tasks.engines.look.look import Asked, look
from tasks.engines.look.program import require_apart
from tasks.engines.policy_model import policy_model
from tests.benchmarks._sections import commit, put, table
from tests.models.architectures import ARCHITECTURES, BY_LABEL, Architecture, write_model
from tests.models.matrix import PROMPT, STEPS, Row, passage
from tests.models.real_tokenizers import REAL
from tests.models.tokenizers import KINDS
from tests.stage_versions import digest_of_code

ROWS = Path(".restem/bench/models")
ALL_KINDS = KINDS | REAL
PAGE = Path("docs/models.md")
TOKENIZER = "tokenizer "
# The code of a row: what this module imports, and what the server, the trainer and the look are started with by name.
PROGRAMS = (
    "tests.benchmarks.models", "tasks.engines.sampling.vllm_main", "tasks.engines.sampling.vllm_worker",
    "tasks.engines.training.trl_sft", "tasks.engines.look.program",
)  # fmt: skip
NOTES = """*packing* is what the trainer's own check finds of two rows in one sequence: *apart*, or *mixed*, where `finetune.packing` is refused.

What vLLM 0.32 and transformers 5.19 do themselves: vLLM has no kernel on the CPU for the selective scan of Mamba 1, and computes gpt_bigcode (which it runs
through transformers' code) with other log-probabilities. It leaves an output head of Cohere's own out and uses the embeddings, so only models that tie the two are
taken. It loads Qwen 3.5 only where torchvision is installed, and computes its and Qwen 3 Next's linear attention on the CPU in bfloat16 alone: the row of Qwen 3 Next is served with
`engine.dtype = "bfloat16"` (hence its nats). On the CPU it leaves the balance out that Ernie 4.5's router adds, cannot run Phi's mixture through transformers' code, and turned the
queries of LFM 2 and DeepSeek by the positions of other tokens, until our program of the server lays a token's heads out in one row. Its sliding layers of Cohere 2 see one
token more than transformers': the row has a window as long as its context, and the look refuses a longer context. It serves MPT no longer; what of transformers' other causal models
it serves, the look asks its registry.
The proof caught each of these."""
ASKED = Asked((PROMPT,), " 3 + 4 = 7. The answer is \\boxed{7}.", ("Question:",), 64)
HEAD = """# Which models work

Written by `make bench` (`python -m tests.benchmarks models`); each row is a model with tiny random weights on the CPU, through everything
that a run does with one, with the real parts. *serve*, *prove*: vLLM answers, and its log-probabilities are those of a forward pass of the
checkpoint (nats rms). *train*: the trainer's first loss against plain transformers, a row at a time (relative). *serve again*: the trained
weights, exchanged in place or after a restart, and proved. *load elsewhere*: plain transformers generates from the export and saves it again.
A look at the model (`restem doctor CONFIG.toml`, `plan`, `run`) refuses the others in one sentence before any sampling.
"""


def main(labels: list[str] | None = None) -> dict[str, Any]:
    """Make the rows that are missing or stale, of these labels or of all; the page is written where all were asked for."""
    named = os.environ.get("RESTEM_BENCH_LABELS", "")
    wanted = labels or [label for label in named.split(",") if label]
    for label, make in {} if wanted == ["kept"] else makers().items():
        if not wanted or label in wanted:
            _make(label, make)
    rows = {label: row for label in makers() if (row := _kept(label))}
    if not wanted or wanted == ["kept"]:
        write(rows)
    return {"rows": [rows[label] for label in rows if not wanted or label in wanted]}


def makers() -> dict[str, Callable[[], dict[str, Any]]]:
    """How each row is made, by its label: those of architectures by name, then those of tokenizers."""
    architectures = {one.label: lambda one=one: _architecture(one) for one in ARCHITECTURES}
    return {**architectures, **{f"{TOKENIZER}{name}": lambda name=name: _tokenizer(name) for name in ALL_KINDS}}  # type: ignore[misc]


def _make(label: str, make: Callable[[], dict[str, Any]]) -> None:
    code = digest_of_text("".join(map(digest_of_code, PROGRAMS)) + repr(BY_LABEL.get(label)))
    if (_kept(label) or {}).get("code") == code:
        return
    of_commit, row = commit(), make()
    ROWS.mkdir(parents=True, exist_ok=True)
    _file(label).write_text(json.dumps({**row, "code": code, "commit": of_commit}))
    print(f"{label}: {row['refused'] or 'works'}", flush=True)


def _kept(label: str) -> dict[str, Any] | None:
    return dict(json.loads(_file(label).read_text())) if _file(label).is_file() else None


def _file(label: str) -> Path:
    return ROWS / f"{re.sub('[^a-z0-9]+', '-', label.lower())}.json"


def _architecture(one: Architecture) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = write_model(work / "base", one)
        row = _looked(one.label, base, work, "vllm", one.dtype).as_json()
        return row | ({"packing": _packing(base)} if row["works"] else {})


def _packing(base: Path) -> str:
    """What the trainer's own check of packed rows finds, and the table where it says otherwise."""
    needs = needs_of(read_config(base))
    try:
        require_apart(policy_model(base, "float32"))
    except UserError:
        return "mixed" + (", the table says apart" if needs.known and needs.packing else "")
    return "apart" + ("" if needs.packing else ", the table says mixed")


def _tokenizer(name: str) -> dict[str, Any]:
    """Served by transformers: what a tokenizer changes is in the texts, and a start takes seconds."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        return _looked(
            name, write_model(work / "base", BY_LABEL["llama"], tokenizer=ALL_KINDS[name]), work, "hf"
        ).as_json()


def _looked(name: str, base: Path, work: Path, kind: str, dtype: str = "auto") -> Row:
    """A model that the look refuses goes no further, as in a run."""
    asked = replace(ASKED, server="cpu" if kind == "vllm" else "", dtype=dtype)
    try:
        look(base, Policy("0" * 16, str(base)), asked, work / "scratch")
    except UserError as fault:
        return Row(name, {}, str(fault))
    return passage(name, base, work, kind, dtype)


def write(rows: Mapping[str, dict[str, Any]]) -> None:
    """Write the page's head, which names the commits, and its two tables."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(f"{HEAD}{_commits(rows)}\n\n{text[text.index('## ') :]}", encoding="utf-8")
    kinds = [row for label, row in rows.items() if label.startswith(TOKENIZER)]
    architectures = [row for label, row in rows.items() if not label.startswith(TOKENIZER)]
    columns = (*STEPS, "packing")
    put(
        PAGE,
        "Architectures",
        f"{_working(architectures)}\n\n{_table(architectures, columns)}\n\n{NOTES}{_untried(rows)}",
    )
    put(PAGE, "Tokenizers", f"{_working(kinds)} (Transformers samples here.)\n\n{_table(kinds, STEPS)}")


def _commits(rows: Mapping[str, dict[str, Any]]) -> str:
    """Say of which commit the rows are: of the one that most are of, and which are of others."""
    by_commit: dict[str, list[str]] = defaultdict(list)
    for label, row in rows.items():
        by_commit[row["commit"]].append(label)
    most, *others = sorted(by_commit, key=lambda one: -len(by_commit[one]))
    said = [f"of {one}: {', '.join(by_commit[one])}" for one in others]
    return f"All rows are of commit {most}." if not said else f"Rows are of commit {most}; {'; '.join(said)}."


def _untried(rows: Mapping[str, dict[str, Any]]) -> str:
    """Name the architectures of the bench that have no row yet; a run probes them before their first use."""
    names = [one.label for one in ARCHITECTURES if one.label not in rows]
    return f"\n\nWithout a row yet, and probed by the look before their first use: {', '.join(names)}." if names else ""


def _working(rows: list[dict[str, Any]]) -> str:
    return f"{sum(row['works'] for row in rows)} of {len(rows)} work end to end."


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    return table(("", *columns), [_cells(row, columns) for row in rows])


def _cells(row: dict[str, Any], columns: tuple[str, ...]) -> list[str]:
    if not row["works"]:
        return [row["name"], f"refused: {row['refused']}", *[""] * (len(columns) - 1)]
    return [row["name"], *(str(row.get(column, "")) for column in columns)]
