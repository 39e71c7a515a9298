"""Any table by column mapping: questions with a gold answer, or with tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, level_text, own_id, parsed_json
from tasks.domain.errors import UserError


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
        tests_count=None if tests is None else _count_tests(parsed_json(tests, record.where)),
        chat=asked.chat,
    )


def _gold(record: Record) -> str:
    record.require_column("gold", "answer")
    value = record.optional("gold", "answer")
    if isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value)
    ):
        return json_text(value)
    return record.gold("gold", "answer")


def _meta(record: Record) -> Mapping[str, Any]:
    """Return the column that is mapped to meta; other columns are not kept."""
    value = record.optional("meta") if "meta" in record.columns else None
    if value is not None and not isinstance(value, Mapping):
        raise UserError(f"{record.where}: meta is a {type(value).__name__}, expected an object.")
    return value or {}


def _count_tests(tests: Mapping[str, Any]) -> int:
    return len(tests["inputs"]) if "inputs" in tests else str(tests.get("test", "")).count("assert ")


LOADER = loader("table", read=read)
