"""verl's Parquet layout: `prompt` is a list of messages, the gold is `reward_model.ground_truth`.

Beside them stand `data_source`, `ability` and `extra_info`, as verl's own data preparation writes them
(https://verl.readthedocs.io, "Prepare Data for Post-Training"). A ground truth that holds inputs and outputs makes a code problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, level_text
from tasks.domain.errors import UserError
from tasks.domain.nested import ABSENT, at_path

GOLD = "reward_model.ground_truth"


def read(record: Record) -> Draft:
    asked = record.asked("prompt")
    cases = _cases(record)
    meta = {"data_source": record.optional("data_source"), "solution": _solution(record)}
    record.require_column("gold" if "gold" in record.columns else GOLD)
    return Draft(
        "math" if cases is None else "code",
        asked.question,
        gold=record.gold("gold", GOLD) if cases is None else None,
        tests=None if cases is None else json_text(cases),
        level=level_text(record.optional("level", "extra_info.level", "extra_info.difficulty")),
        meta={key: value for key, value in meta.items() if value},
        tests_count=None if cases is None else len(cases["inputs"]),
        chat=asked.chat,
    )


def _cases(record: Record) -> Mapping[str, Any] | None:
    """Return inputs and outputs where the ground truth holds them; UserError when they are not as many."""
    found = {name: at_path(record.data, f"{GOLD}.{name}") for name in ("inputs", "outputs", "fn_name")}
    if found["inputs"] is ABSENT or found["outputs"] is ABSENT:
        return None
    if len(found["inputs"]) != len(found["outputs"]):
        raise UserError(f"{record.where}: found {len(found['inputs'])} inputs but {len(found['outputs'])} outputs")
    return {name: value for name, value in found.items() if value is not ABSENT and value is not None}


def _solution(record: Record) -> str | None:
    """Return the worked solution that verl's preparation of GSM8K keeps in `extra_info.answer`, if it is one."""
    text = record.optional("extra_info.answer", "extra_info.solution")
    return text if isinstance(text, str) and "\n" in text else None


LOADER = loader("verl", read=read, needs_path="verl's layout is a Parquet file of your own: set path to it.")
