"""Any table by column mapping: questions with a gold answer, or with tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, level_text, own_id, parsed_json
from tasks.domain.errors import UserError
from tasks.domain.nested import kind_of


def read(record: Record) -> Draft:
    """Read any record with a question and a gold answer, or with tests in one of the two shapes above.

    A question may be a list of messages. A gold that is a list of texts holds alternatives; one that is an object, or a list
    of anything else, becomes JSON text, for rewards of one's own. `meta` is an object for rewards of one's own.
    """
    tests = record.optional("tests")
    gold = None if tests is not None else _gold(record)
    asked = record.asked("question")
    return Draft(
        "math" if tests is None else "code",
        asked.question,
        gold=gold,
        tests=tests if tests is None or isinstance(tests, str) else json_text(tests),
        level=level_text(record.optional("level")),
        own_id=own_id(record),
        meta=_meta(record),
        tests_count=None if tests is None else _count_tests(parsed_json(tests, record.where), record.where),
        chat=asked.chat,
    )


def _gold(record: Record) -> str:
    record.require_column("gold", "answer")
    value = record.optional("gold", "answer")
    if isinstance(value, Mapping) and not value:
        return ""
    if isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value)
    ):
        return json_text(value)
    return record.gold("gold", "answer")


def _meta(record: Record) -> Mapping[str, Any]:
    """Return the column that is mapped to meta; other columns are not kept."""
    value = record.optional("meta") if "meta" in record.columns else None
    if value is not None and not isinstance(value, Mapping):
        raise UserError(f"{record.where}: meta is {kind_of(value)}, expected an object.")
    return value or {}


def _count_tests(tests: Any, where: str) -> int:
    """Return how many tests there are; UserError for any other shape than the two."""
    if isinstance(tests, Mapping):
        inputs, outputs, asserts = (tests.get(name) for name in ("inputs", "outputs", "test"))
        if isinstance(inputs, list) and isinstance(outputs, list):
            if len(inputs) == len(outputs):
                return len(inputs)
            raise UserError(
                f"{where}: found {len(inputs)} inputs but {len(outputs)} outputs; expected as many of each."
            )
        if isinstance(asserts, str) or not tests:
            return str(asserts or "").count("assert ")
    held = f" with {', '.join(map(str, tests))}" if isinstance(tests, Mapping) else ""
    raise UserError(
        f"{where}: tests is {kind_of(tests)}{held}, expected an object with lists of inputs and outputs, or with asserts as the text test "
        "(prompt and entry_point beside it)."
    )


LOADER = loader("table", read=read, fields=("id", "question", "gold", "answer", "tests", "level", "meta"))
