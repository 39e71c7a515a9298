"""Test cases as records, and how they are read from the two shapes in which problems carry them.

{"inputs": [...], "outputs": [...], "fn_name": "f"?}     APPS: standard input and output, or arguments and return value
{"prompt": "...", "test": "...", "entry_point": "f"?}    HumanEval, MBPP: asserts, trusted code
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.grading.rewriting import AssertTests, BadTests, assert_tests
from tasks.domain import digits

__all__ = ["AssertTests", "BadTests", "CallTest", "StdinTest", "assert_tests", "count", "read_tests", "tests_of"]

MOST_NESTED = 90  # of a call's values; their message is nested a little deeper, at most 100


@dataclass(frozen=True)
class StdinTest:
    """A test by what the program reads, and what it must print."""

    stdin: bytes
    expected: bytes


@dataclass(frozen=True)
class CallTest:
    """A test by a call of `function`, and the value that it must return (both as JSON gives them), which may stand `alone` in a list."""

    function: str
    arguments: tuple[Any, ...]
    expected: Any
    alone: bool = False


Case = StdinTest | CallTest
Tests = tuple[Case, ...] | AssertTests


def count(tests: Tests) -> int:
    """Return how many tests there are."""
    return tests.total if isinstance(tests, AssertTests) else len(tests)


@lru_cache(maxsize=4096)
def read_tests(text: str) -> Tests:
    """Read tests from their JSON text. Raises BadTests."""
    try:
        record = digits.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTests(f"the tests are not JSON ({error})") from error
    return tests_of(record)


def tests_of(record: Any) -> Tests:
    """Read tests from a record in one of the two shapes. Raises BadTests."""
    if not isinstance(record, Mapping):
        raise BadTests(f"the tests are a {type(record).__name__}, expected an object with inputs and outputs, or test")
    if "inputs" in record or "outputs" in record:
        return _cases(record)
    if isinstance(record.get("test"), str):
        return assert_tests(str(record.get("prompt") or ""), record["test"], record.get("entry_point"))
    raise BadTests(f"found the keys {', '.join(map(str, record)) or 'none'}; expected inputs and outputs, or test")


def _cases(record: Mapping[str, Any]) -> tuple[Case, ...]:
    inputs, outputs, function = record.get("inputs"), record.get("outputs"), record.get("fn_name")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise BadTests(f"found inputs {_shape(inputs)} and outputs {_shape(outputs)}; expected two lists of one length")
    if function is None:
        return tuple(StdinTest(_bytes(one), _bytes(other)) for one, other in zip(inputs, outputs, strict=True))
    if not isinstance(function, str) or not function.isidentifier():
        raise BadTests(f"fn_name is {function!r}, expected the name of a function")
    lines = _are_json_lines(inputs, outputs)
    if lines:
        calls = [(_json_lines(one), digits.loads(other)) for one, other in zip(inputs, outputs, strict=True)]
    else:
        calls = [(_arguments(one), other) for one, other in zip(inputs, outputs, strict=True)]
    if any(_is_deeper(call, MOST_NESTED) for call in calls):
        raise BadTests(
            f"an argument or a result is nested more than {MOST_NESTED} deep, which is not sent to a program"
        )
    alone = not lines and all(
        isinstance(one, list) and len(one) == 1 for one in outputs
    )  # else no list stands around any
    return tuple(CallTest(function, arguments, expected, alone) for arguments, expected in calls)


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested more than `most` deep."""
    level = [value]
    for _ in range(most + 1):
        level = [item for one in level if isinstance(one, list | tuple | dict) for item in _items(one)]
    return bool(level)


def _items(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _are_json_lines(inputs: list[Any], outputs: list[Any]) -> bool:
    """LiveCodeBench's form: every input is a text with an argument a line, every output a text, all of them JSON."""
    if not inputs or not all(isinstance(one, str) for one in [*inputs, *outputs]):
        return False
    try:
        for one, other in zip(inputs, outputs, strict=True):
            _json_lines(one), digits.loads(other)
    except (ValueError, RecursionError):
        return False
    return True


def _json_lines(text: str) -> tuple[Any, ...]:
    return tuple(digits.loads(line) for line in text.split("\n") if line.strip())


def _shape(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else f"of type {type(value).__name__}"


def _bytes(value: Any) -> bytes:
    """A text, or a list of lines, each of which ends; a lone surrogate of the JSON text is kept."""
    if isinstance(value, list):
        text = "".join(line if line.endswith("\n") else f"{line}\n" for line in map(str, value))
    else:
        text = str(value)
    return text.encode("utf-8", "surrogatepass")


def _arguments(value: Any) -> tuple[Any, ...]:
    """The list of arguments; a mapping as the first one has its whole-number keys back, which JSON wrote as texts."""
    arguments = list(value) if isinstance(value, list) else [value]
    if arguments and isinstance(arguments[0], dict):
        keys = [str(key) for key in arguments[0]]
        if keys and all(key.lstrip("-").isdecimal() and key.isascii() for key in keys):
            arguments[0] = {int(key): item for key, item in arguments[0].items()}
    return tuple(arguments)
