"""The layout of prime-rl and verifiers: `question` or `prompt` (text or messages), and `answer`, or `verification_info`.

`answer` and `info` are what `verifiers` environments read; `verification_info` with `ground_truth`, or with `test_cases` on
standard input, is what prime-rl's synthetic data sets hold, as an object or as its JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, level_text, own_id
from tasks.domain.errors import UserError
from tasks.domain.nested import ABSENT, at_path

GOLDS = ("answer", "verification_info.ground_truth", "verification_info.answer", "info.answer", "info.ground_truth")


def read(record: Record) -> Draft:
    asked = record.asked("question", "prompt")
    cases = at_path(record.data, "verification_info.test_cases")
    tests = None if cases is ABSENT or not cases else _tests(cases, record.where)
    meta = {name: record.optional(name) for name in ("task", "task_type", "source")}
    if tests is None:
        record.require_column(*GOLDS)
    return Draft(
        "math" if tests is None else "code",
        asked.question,
        gold=record.gold(*GOLDS) if tests is None else None,
        tests=None if tests is None else json_text(tests),
        level=level_text(record.optional("level", "difficulty", "info.difficulty")),
        own_id=own_id(record, "problem_id", "example_id"),
        meta={key: value for key, value in meta.items() if value},
        tests_count=None if tests is None else len(tests["inputs"]),
        chat=asked.chat,
    )


def _tests(cases: Sequence[Any], where: str) -> Mapping[str, Any]:
    """Return the cases as inputs and outputs; UserError for cases of several kinds or of another form."""
    if not all(isinstance(one, Mapping) and "input" in one and "output" in one for one in cases):
        raise UserError(f"{where}: a test case has no input and output; expected objects with both")
    names = {one.get("fn_name") for one in cases}
    if len(names) > 1:
        raise UserError(f"{where}: its test cases call {len(names)} different functions; expected one")
    tests = {"inputs": [one["input"] for one in cases], "outputs": [one["output"] for one in cases]}
    return tests | ({"fn_name": name} if (name := names.pop()) else {})


LOADER = loader(
    "verifiers",
    read=read,
    needs_path="The layout of verifiers needs path: a file of your own, or hf:NAME of a data set.",
)
