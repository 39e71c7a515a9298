"""The typed rows that travel between stages, and their Parquet schemas.

A row is a frozen dataclass; a table of rows is a `pyarrow.Table` with the schema below, so
`datasets.load_dataset("parquet", data_files=...)` opens any artifact as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pyarrow as pa

Split = Literal["train", "val", "test"]
Kind = Literal["math", "code"]
Label = Literal["correct", "wrong", "unparseable", "timeout", "verifier_error"]
LABELS: tuple[Label, ...] = ("correct", "wrong", "unparseable", "timeout", "verifier_error")


@dataclass(frozen=True)
class Problem:
    """One question whose answer can be checked: against `gold` (math) or by `tests` (code, JSON text)."""

    id: str
    source: str
    split: Split
    kind: Kind
    question: str
    gold: str | None = None
    tests: str | None = None
    level: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn; all of it changes the distribution, so all of it is part of the key."""

    temperature: float = 0.7
    top_k: int = 40  # 0: off
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A model that can be sampled from: identity (`digest` of its files) and where they lie (folder, local or URL)."""

    digest: str
    uri: str
    name: str = "base"


@dataclass(frozen=True)
class Completion:
    """What an engine returns for one draw. `text` excludes the stop string."""

    text: str
    finish_reason: str  # "stop" | "length" | "abort"
    stop_reason: str | None
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Sample:
    """One completion of one problem. `index` counts draws of this problem under one (policy, prompt, sampling, draw)."""

    problem_id: str
    draw: str
    index: int
    text: str
    finish_reason: str
    stop_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    prompt_digest: str
    policy_digest: str
    sampling: str  # digest of the Sampling

    @property
    def id(self) -> str:
        return f"{self.problem_id}/{self.draw}/{self.index}" if self.draw else f"{self.problem_id}/{self.index}"


@dataclass(frozen=True)
class Verdict:
    """The grader's word on one sample. `evidence` says which rule decided, what was extracted, what was expected."""

    problem_id: str
    index: int
    label: Label
    reward: float | None  # None: unknown (verifier_error)
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One row of the M-step's data set (prompt/completion as TRL's SFTTrainer reads them)."""

    problem_id: str
    index: int
    prompt: str
    completion: str
    weight: float
    reward: float


PROBLEM_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("split", pa.string()),
        ("kind", pa.string()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("tests", pa.string()),
        ("level", pa.string()),
        ("meta", pa.string()),  # JSON
    ]
)
SAMPLE_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("draw", pa.string()),
        ("index", pa.int32()),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("stop_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("prompt_digest", pa.string()),
        ("policy_digest", pa.string()),
        ("sampling", pa.string()),
    ]
)
VERDICT_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("index", pa.int32()),
        ("label", pa.string()),
        ("reward", pa.float64()),
        ("evidence", pa.string()),  # JSON
    ]
)
EXAMPLE_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("index", pa.int32()),
        ("prompt", pa.string()),
        ("completion", pa.string()),
        ("weight", pa.float64()),
        ("reward", pa.float64()),
    ]
)
SCHEMAS: dict[type, pa.Schema] = {
    Problem: PROBLEM_SCHEMA,
    Sample: SAMPLE_SCHEMA,
    Verdict: VERDICT_SCHEMA,
    Example: EXAMPLE_SCHEMA,
}
JSON_COLUMNS = ("meta", "evidence")


def to_table(rows: Iterable[Any], row_type: type) -> pa.Table:
    """Rows of one type as a table with that type's schema."""
    records = [asdict(row) for row in rows]
    for record in records:
        for column in JSON_COLUMNS:
            if column in record:
                record[column] = json.dumps(record[column], sort_keys=True, ensure_ascii=False)
    return pa.Table.from_pylist(records, schema=SCHEMAS[row_type])


def from_table(table: pa.Table, row_type: type) -> list[Any]:
    """The table's rows as frozen records; the inverse of `to_table`."""
    records = table.select(SCHEMAS[row_type].names).to_pylist()
    for record in records:
        for column in JSON_COLUMNS:
            if column in record:
                record[column] = json.loads(record[column] or "{}")
    return [row_type(**record) for record in records]
