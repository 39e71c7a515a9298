"""How tests are read: both shapes, what is missing, how asserts are counted and which names come from the program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.grading.grading import telling_order
from sandbox.grading.tests import AssertTests, BadTests, CallTest, StdinTest, assert_tests, count, read_tests
from sandbox.grading.tests import tests_of as as_tests


def test_inputs_and_outputs_are_texts_or_lists_of_lines() -> None:
    assert as_tests({"inputs": ["1\n", ["2", "3"]], "outputs": ["x", ["y", "z"]]}) == (
        StdinTest(b"1\n", b"x"), StdinTest(b"2\n3\n", b"y\nz\n"),
    )  # fmt: skip


def test_a_function_name_makes_calls() -> None:
    assert as_tests({"inputs": [[1, "a"]], "outputs": [2], "fn_name": "f"}) == (CallTest("f", (1, "a"), 2),)


def test_a_mapping_as_first_argument_has_its_numbers_back() -> None:
    (test,) = as_tests({"inputs": [[{"1": 2, "-3": 4}]], "outputs": [0], "fn_name": "f"})  # type: ignore[misc]
    assert test.arguments == ({1: 2, -3: 4},)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "found the keys none"), ([], "the tests are a list"), ({"inputs": [1], "outputs": []}, "a list of 1"),
        ({"inputs": 5, "outputs": []}, "of type int"), ({"inputs": [1], "outputs": [1], "fn_name": "a b"}, "name of a function"),
        ({"test": "assert ("}, "does not parse"), ({"test": 5}, "found the keys test"), ({"inputs": [1]}, "of type NoneType"),
    ],
)  # fmt: skip
def test_tests_that_are_none_are_told(record: Any, sentence: str) -> None:
    with pytest.raises(BadTests, match=sentence):
        as_tests(record)


def test_tests_that_are_not_json_are_told() -> None:
    with pytest.raises(BadTests, match="not JSON"):
        read_tests("{")


def test_asserts_are_counted() -> None:
    tests = assert_tests("", "for n in range(3):\n    assert f(n)\nassert f(1) == 2, 'why'", "f")
    assert (tests.total, tests.names, tests.modules) == (2, ("f",), ())
    assert "why" not in tests.code
    assert count(tests) == 2


def test_a_check_that_nobody_calls_is_called_with_the_entry_point() -> None:
    check = "def check(candidate):\n    assert candidate(1) == 2\n"
    assert assert_tests("", check, "f").original.endswith("check(f)")
    assert assert_tests("", check + "check(f)", "f").original.count("check(f)") == 1


def test_names_of_prompt_and_tests_are_not_the_programs() -> None:
    prompt = "import re\n\ndef helper(x):\n    return x\n\ndef f(x):\n    '''Doc.'''\n"
    test = "def mine(x): return x\nvalue = Node(3)\nassert f(helper(mine(value))) == math.pi and re.escape('a') == len([1])"
    tests = assert_tests(prompt, test, "f")
    assert tests.names == ("Node", "f")
    assert tests.modules == ("math",)


def test_an_entry_point_may_be_called_like_a_builtin() -> None:
    assert assert_tests("", "assert sum(1, 2) == 3", "sum").names == ("sum",)


def test_a_prompt_of_words_is_no_code() -> None:
    assert assert_tests("Write a function.", "assert f(1)", "f").prompt == ""


def test_the_original_record_is_read_once() -> None:
    text = json.dumps({"test": "assert f(1)", "entry_point": "f"})
    assert read_tests(text) is read_tests(text)
    assert isinstance(read_tests(text), AssertTests)


def test_the_longest_expected_output_is_tried_first() -> None:
    assert telling_order([StdinTest(b"", b"a"), StdinTest(b"", b"abc"), StdinTest(b"", b"ab")]) == [1, 2, 0]
