"""How a record of each public data set becomes a problem: its question, its gold answer or its tests.

Tests of code problems are JSON text in one of two shapes:

    {"inputs": [...], "outputs": [...], "fn_name": "f"}          APPS; without fn_name the program reads stdin
    {"prompt": "...", "test": "...", "entry_point": "f"}         asserts; `prompt` is the text that a body completes
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.rewards.extraction import boxes
from tasks.domain.schema import Kind

WRAPPERS = {"assert", "set", "sorted", "list", "tuple", "str", "int", "float", "len", "round", "isclose", "abs", "not"}
MOST_SOLUTIONS = 10  # kept of a problem's solutions by people: enough to find one that passes its tests


@dataclass(frozen=True)
class Draft:
    """A problem before it has a split and an id. `calculations` and `tests_count` are only for filters.

    A gold of "" is a record that should have one and does not.
    """

    kind: Kind
    question: str
    gold: str | None = None
    tests: str | None = None
    level: str | None = None
    own_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    calculations: int | None = None
    tests_count: int | None = None


@dataclass(frozen=True)
class Record:
    """One raw record, and where it stands (for error messages). `columns` renames: our field -> their column."""

    data: Mapping[str, Any]
    where: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def optional(self, *names: str) -> Any:
        """The first of these columns that is there and not null; a mapped column must exist."""
        for name in names:
            column = self.columns.get(name, name)
            if column not in self.data and name in self.columns:
                raise self._missing(column)
            if self.data.get(column) is not None:
                return self.data[column]
        return None

    def required(self, *names: str) -> Any:
        value = self.optional(*names)
        if value is None:
            raise self._missing(" or ".join(self.columns.get(name, name) for name in names))
        return value

    def require_column(self, *names: str) -> None:
        """UserError unless one of these columns is there, filled or not."""
        wanted = [self.columns.get(name, name) for name in names]
        if not any(column in self.data for column in wanted):
            raise self._missing(" or ".join(wanted))

    def text(self, *names: str) -> str:
        value = str(self.required(*names)).strip()
        if not value:
            raise UserError(
                f"{self.where}: {' or '.join(names)} is empty; every problem needs one, leave the record out."
            )
        return value

    def _missing(self, wanted: str) -> UserError:
        found = ", ".join(map(str, self.data)) or "none"
        return UserError(
            f"{self.where}: expected a value in column {wanted}, found the columns {found}; "
            "map them with columns = {field = 'their column'}."
        )


def gsm8k(record: Record) -> Draft:
    """Gold is the text after `####`; the level is the number of `<<a=b>>` calculations."""
    answer = record.text("answer", "gold")
    gold = answer.rsplit("####", 1)[1].strip() if "####" in answer else ""
    calculations = answer.count("<<")
    solution = re.sub(r"<<[^<>]*>>", "", answer)
    return Draft(
        "math",
        record.text("question"),
        gold=gold,
        level=str(calculations),
        own_id=_own_id(record),
        meta={"solution": solution},
        calculations=calculations,
    )


def math(record: Record) -> Draft:
    """Gold is the answer column, else the last balanced `\\boxed` of the solution."""
    answer, solution = record.optional("answer", "gold"), record.optional("solution")
    record.require_column("answer", "gold", "solution")
    gold = str(answer).strip() if answer is not None else boxes(str(solution or "")) or ""
    meta = {"type": record.optional("type", "subject"), "solution": solution}
    return Draft(
        "math",
        record.text("problem", "question"),
        gold=gold,
        level=level_text(record.optional("level", "difficulty")),
        own_id=_own_id(record, "unique_id"),
        meta={key: value for key, value in meta.items() if value},
    )


def humaneval(record: Record) -> Draft:
    prompt, entry_point = record.required("prompt"), record.text("entry_point")
    test = f"{record.text('test')}\n\ncheck({entry_point})\n"
    solution = record.optional("canonical_solution")
    return Draft(
        "code",
        str(prompt),
        tests=_json({"prompt": prompt, "test": test, "entry_point": entry_point}),
        own_id=_own_id(record, "task_id").removeprefix("HumanEval/"),
        meta={"solution": solution} if solution else {},
        tests_count=test.count("assert "),
    )


def mbpp(record: Record) -> Draft:
    """The asserts are part of the question: without them nobody can know the function's name."""
    asserts = [str(line).strip() for line in record.required("test_list")]
    setup = [str(record.optional("test_setup_code") or ""), *(record.optional("test_imports") or [])]
    shown = f"It must pass {'this test' if len(asserts) == 1 else 'these tests'}:"
    solution = str(record.optional("code") or "").replace("\r\n", "\n")
    return Draft(
        "code",
        "\n".join([record.text("text", "prompt", "question"), shown, *asserts]),
        tests=_json(
            {
                "prompt": "",
                "test": "\n".join([*filter(None, setup), *asserts]),
                "entry_point": _called_function(asserts),
            }
        ),
        own_id=_own_id(record, "task_id"),
        meta={"solution": solution} if solution else {},
        tests_count=len(asserts),
    )


def _called_function(asserts: list[str]) -> str | None:
    """The first function called in the first assert that is not a plain wrapper around it."""
    names = re.findall(r"([A-Za-z_]\w*)\s*\(", asserts[0]) if asserts else []
    return next((name for name in names if name not in WRAPPERS), None)


def apps(record: Record) -> Draft:
    """`input_output` and `solutions` are JSON text in the original files and objects in some copies."""
    cases = _parsed(record.required("input_output", "tests") or "{}", record.where)
    solutions = [str(one) for one in _parsed(record.optional("solutions") or "[]", record.where)]
    inputs, outputs = cases.get("inputs") or [], cases.get("outputs") or []
    if len(inputs) != len(outputs):
        raise UserError(
            f"{record.where}: found {len(inputs)} inputs but {len(outputs)} outputs; expected as many of each."
        )
    tests = {"inputs": inputs, "outputs": outputs, "fn_name": cases.get("fn_name")}
    meta = {"starter_code": record.optional("starter_code"), "solution": next(iter(solutions), None),
            "solutions": solutions[1:MOST_SOLUTIONS]}  # fmt: skip
    return Draft(
        "code",
        record.text("question"),
        tests=_json({key: value for key, value in tests.items() if value is not None}),
        level=level_text(record.optional("difficulty", "level")),
        own_id=_own_id(record, "problem_id"),
        meta={key: value for key, value in meta.items() if value},
        tests_count=len(inputs),
    )


def table(record: Record) -> Draft:
    """Any record with a question and a gold answer, or tests in one of the two shapes above.

    A gold that is an object or a list becomes JSON text. `meta` is an object for rewards of one's own.
    """
    tests = record.optional("tests")
    gold = None if tests is not None else _gold(record)
    return Draft(
        "math" if tests is None else "code",
        record.text("question"),
        gold=gold,
        tests=tests if tests is None or isinstance(tests, str) else _json(tests),
        level=level_text(record.optional("level")),
        own_id=_own_id(record),
        meta=_meta(record),
        tests_count=None if tests is None else _count_tests(_parsed(tests, record.where)),
    )


READERS: dict[str, Callable[[Record], Draft]] = {
    "gsm8k": gsm8k,
    "math": math,
    "humaneval": humaneval,
    "mbpp": mbpp,
    "apps": apps,
    "table": table,
}


def level_text(value: Any) -> str | None:
    """'Level 3', 3 and 3.0 are the same level '3'."""
    if value is None:
        return None
    text = str(value).strip().removeprefix("Level ").strip()
    return text.removesuffix(".0") or None


def _gold(record: Record) -> str:
    record.require_column("gold", "answer")
    value = record.optional("gold", "answer")
    if isinstance(value, Mapping | list):
        return _json(value)
    return "" if value is None else str(value).strip()


def _meta(record: Record) -> Mapping[str, Any]:
    """The column that is mapped to meta; others are not kept."""
    value = record.optional("meta") if "meta" in record.columns else None
    if value is not None and not isinstance(value, Mapping):
        raise UserError(f"{record.where}: meta is a {type(value).__name__}, expected an object.")
    return value or {}


def _own_id(record: Record, *names: str) -> str:
    value = record.optional("id", *names)
    return "" if value is None else str(value)


def _count_tests(tests: Mapping[str, Any]) -> int:
    return len(tests["inputs"]) if "inputs" in tests else str(tests.get("test", "")).count("assert ")


def _parsed(value: Any, where: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where}: the tests or solutions are not JSON ({error}); expected the format of APPS."
        ) from error
    except ValueError:  # a number of more than 4300 digits, which Python refuses to read: a problem without tests
        return {}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
