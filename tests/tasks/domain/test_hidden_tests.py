"""Held-back tests: which ones, that one stays, and that no prompt shows them."""

from __future__ import annotations

import json

from sandbox.grading.tests import count, read_tests
from sandbox.grading.tests import tests_of as as_tests
from tasks.domain.hidden_tests import hold_back
from tasks.domain.run_result import Tally
from tasks.domain.schema import Problem, Sample, Verdict

ASSERTS = "import math\nassert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3"
CHECK = "def check(g):\n    x = 1\n    assert g(x) == 1\n    assert g(2) == (\n        2\n    )\n    assert g(3) == 3\n\ncheck(f)\n"


def problem(tests: dict[str, object], question: str = "Q") -> Problem:
    return Problem("c/1", "table", "train", "code", question, tests=json.dumps(tests))


def parts(made: Problem) -> tuple[int, int]:
    record = json.loads(made.tests or "")
    return count(read_tests(made.tests or "")), count(as_tests(record["hidden"])) if "hidden" in record else 0


def test_the_last_cases_are_hidden_and_one_stays() -> None:
    cases = problem({"inputs": ["1", "2", "3"], "outputs": ["a", "b", "c"]})
    assert parts(hold_back(cases, 2)) == (1, 2)
    assert parts(hold_back(cases, 9)) == (1, 2)
    assert json.loads(hold_back(cases, 1).tests or "")["hidden"]["outputs"] == ["c"]


def test_one_test_is_never_hidden() -> None:
    one = problem({"inputs": ["1"], "outputs": ["a"]})
    assert hold_back(one, 2).tests == one.tests
    assert (
        hold_back(problem({"test": "assert f(1)", "prompt": ""}), 1).tests
        == problem({"test": "assert f(1)", "prompt": ""}).tests
    )


def test_asserts_are_split_and_the_question_shows_only_what_stays() -> None:
    question = "Do it.\nIt must pass these tests:\nassert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3"
    made = hold_back(problem({"test": ASSERTS, "prompt": "", "entry_point": "f"}, question), 2)
    assert parts(made) == (1, 2)
    assert made.question.endswith("tests:\nassert f(1) == 1")
    assert json.loads(made.tests or "")["hidden"]["test"].startswith("import math")


def test_asserts_within_check_are_split() -> None:
    made = hold_back(problem({"test": CHECK, "prompt": "", "entry_point": "f"}), 1)
    assert parts(made) == (2, 1)
    assert "x = 1" in json.loads(made.tests or "")["hidden"]["test"]


def test_nothing_hidden_is_the_same_problem() -> None:
    same = problem({"test": ASSERTS})
    assert hold_back(same, 0) is same


def test_the_tally_counts_false_positives() -> None:
    sample = Sample("c/1", "", 0, "", "stop", None, 1, 1, "", "", "")
    verdicts = [
        Verdict("c/1", n, "correct", 1.0, {"hidden": word})
        for n, word in enumerate(("passed", "passed", "passed", "failed"))
    ]
    tally = Tally.of([sample] * 5, [*verdicts, Verdict("c/1", 4, "wrong", 0.0, {})])
    assert (tally.hidden_tested, tally.hidden_failed, tally.false_positives) == (4, 1, 0.25)
    assert (tally + tally).hidden_failed == 2
