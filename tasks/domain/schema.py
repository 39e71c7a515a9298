"""The typed rows that travel between stages, and their Parquet schemas.

A row is a frozen dataclass; a table of rows is a `pyarrow.Table` with a column for each of its fields, so
`datasets.load_dataset("parquet", data_files=...)` opens any artifact as it is. A field of `LATER` was added when stores
existed: a stored table may lack its column, and where it is empty it is null and no part of a row's digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:  # settings use the rows' types alone: their readers do not wait for pyarrow
    import pyarrow as pa

Split = Literal["train", "val", "test"]
Kind = Literal["math", "code"]
Hint = Literal["none", "answer", "solution"]  # what a second try at a problem is told
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
    chat: Mapping[str, Any] = field(
        default_factory=dict
    )  # {"system": text, "turns": [{role, content}]} of a conversation


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
    """What an engine returns for one draw. `text` excludes the stop string; `token_ids` are all that were drawn, ends included."""

    text: str
    finish_reason: str  # "stop" | "length" | "abort"
    stop_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Sample:
    """One completion of one problem. `index` counts draws of this problem under one (policy, prompt, sampling, draw).

    `token_ids` is None where nobody drew tokens (solutions by people) or the engine does not tell them.
    """

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
    token_ids: tuple[int, ...] | None = None

    @property
    def id(self) -> str:
        return f"{self.problem_id}/{self.draw}/{self.index}" if self.draw else f"{self.problem_id}/{self.index}"


@dataclass(frozen=True)
class Verdict:
    """The grader's verdict on one sample. `evidence` says which rule decided, what was extracted, what was expected."""

    problem_id: str
    index: int
    label: Label
    reward: float | None  # None: unknown (verifier_error)
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One row of the M-step's data set (prompt/completion as TRL's SFTTrainer reads them).

    `token_ids` is what the policy drew; the trainer takes its longest prefix that decodes to the completion.
    """

    problem_id: str
    index: int
    prompt: str
    completion: str
    weight: float
    reward: float
    token_ids: tuple[int, ...] | None = None


EMPTY: tuple[Any, ...] = (None, "", "{}", (), [])  # what a field holds that says nothing
LATER: dict[type, frozenset[str]] = {
    Problem: frozenset({"chat"}),
    Sample: frozenset({"token_ids"}),
    Example: frozenset({"token_ids"}),
}
LATER_COLUMNS = frozenset[str]().union(*LATER.values())
PLAIN: dict[Any, str] = {str: "string", int: "int32", float: "float64"}


@cache
def schema_of(row_type: type) -> pa.Schema:
    """Return the schema of a type's tables: a column a field, in their order; a Mapping is kept as JSON text."""
    import pyarrow as pa

    hints = get_type_hints(row_type)
    return pa.schema([(field.name, _column_type(hints[field.name])) for field in fields(row_type)])


def _column_type(hint: Any) -> pa.DataType:
    """Of `X | None` that of X, of a Literal that of its values."""
    import pyarrow as pa

    inner = next((one for one in get_args(hint) if one is not NoneType), None) if NoneType in get_args(hint) else hint
    if get_origin(inner) is Literal or get_origin(inner) is Mapping:
        return pa.string()
    if get_origin(inner) is tuple:
        return pa.list_(_column_type(get_args(inner)[0]))
    return pa.type_for_alias(PLAIN[inner])


def json_columns(row_type: type) -> tuple[str, ...]:
    """Fields that are kept as JSON text."""
    return tuple(name for name, hint in get_type_hints(row_type).items() if get_origin(hint) is Mapping)


JSON_COLUMNS: dict[type, tuple[str, ...]] = {
    row_type: json_columns(row_type) for row_type in (Problem, Sample, Verdict, Example)
}


def as_key(row: Any) -> dict[str, Any]:
    """Return all that a row says, for a key: as it was before there were later fields, where those are empty."""
    later = LATER.get(type(row), frozenset())
    return {name: value for name, value in asdict(row).items() if name not in later or (value and value not in EMPTY)}


def to_table(rows: Iterable[Any], row_type: type) -> pa.Table:
    """Return rows of one type as a table with that type's schema."""
    import pyarrow as pa

    return pa.Table.from_pylist(to_records(rows, row_type), schema=schema_of(row_type))


def to_records(rows: Iterable[Any], row_type: type) -> list[dict[str, Any]]:
    """Return rows of one type as the records of their table: a Mapping is JSON text, a later field that is empty is None."""
    records = [dict(vars(row)) for row in rows]
    for record in records:
        for column in JSON_COLUMNS[row_type]:
            record[column] = json.dumps(record[column], sort_keys=True, ensure_ascii=False)
        record.update({name: None for name in LATER.get(row_type, ()) if record[name] in EMPTY})
    return records


def from_table(table: pa.Table, row_type: type) -> list[Any]:
    """Return the table's rows as frozen records; the inverse of `to_table`."""
    later = LATER.get(row_type, frozenset())
    names = [name for name in schema_of(row_type).names if name in table.column_names or name not in later]
    records = table.select(names).to_pylist()
    for record in records:
        for column in JSON_COLUMNS[row_type]:
            record[column] = json.loads(record.get(column) or "{}")
    return [
        row_type(**{name: tuple(one) if isinstance(one, list) else one for name, one in record.items()})
        for record in records
    ]
