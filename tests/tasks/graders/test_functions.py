"""A reward of one's own is found beside the config, cannot take the run with it, and says what went wrong."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.errors import UserError
from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings

MODULE = '''
import asyncio, os, time
from pathlib import Path
from tasks.domain.rewards.base import Decision
from tasks.domain.rewards.own import reward

def acts(problem, text):
    """Does what the text says."""
    if text == "raise":
        raise ValueError("a bad row")
    if text == "spin":
        while True: pass
    if text == "eat":
        hoard = []
        while True: hoard.append(bytearray(2**24))
    if text == "die":
        os.abort()
    if text == "exit":
        raise SystemExit("bye")
    if text == "evidence":
        return Decision("unparseable", {"seen": text, "path": Path(".").resolve()})
    answers = {"true": True, "false": False, "half": 0.5, "one": 1.0, "much": 1.5, "nan": float("nan"), "none": None,
               "word": "yes", "label": Decision("perhaps")}
    return answers[text]

@reward(version="7", gold=lambda problem: problem.gold)
def pinned(problem, text):
    return text == problem.gold

@reward(batch=4)
def lengths(problems, texts):
    assert len(problems) == len(texts) <= 4
    if "raise" in texts: raise ValueError("a bad batch")
    if "short" in texts: return [1.0]
    return [min(1.0, len(text) / 10) for text in texts]

@reward(batch=2, retries=2)
def flaky(problems, texts):
    mark = Path(problems[0].meta["mark"])
    if not mark.exists():
        mark.touch()
        raise ConnectionError("not yet")
    return [True] * len(texts)

at_once, most = 0, 0

@reward(concurrency=8, timeout_s=1.0)
async def judge(problem, text):
    global at_once, most
    at_once += 1
    most = max(most, at_once)
    try:
        await asyncio.sleep(60 if text == "slow" else 0.1)
    finally:
        at_once -= 1
    return Decision("correct", {"most": most}, 0.9)

class Endless:
    """An instance can be called, too."""
    def __call__(self, problem, text):
        return "endless" in text
'''


def problem(name: str = "p", gold: str | None = None, **meta: Any) -> Problem:
    return Problem(name, "test", "train", "math", "?", gold=gold, meta=meta)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside")
    (folder / "own_rewards_of_a_test.py").write_text(MODULE)
    return folder


Make = Callable[..., Grader]


@pytest.fixture(scope="module")
def make(folder: Path) -> Iterator[Make]:
    made: list[Grader] = []

    def grader(name: str, **settings: Any) -> Grader:
        given = {"workers": 2, "timeout_s": 2.0, "memory_mb": 512, "folder": str(folder)} | settings
        made.append(Grader(VerifySettings.model_validate({"reward": f"own_rewards_of_a_test:{name}"} | given)))
        return made[-1]

    yield grader
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def acts(make: Make) -> Grader:
    return make("acts")


def graded(grader: Grader, *texts: str) -> list[tuple[str, float | None]]:
    verdicts = [one.verdict for one in grader.grade_texts([(problem(), text) for text in texts])]
    return [(verdict.label, verdict.reward) for verdict in verdicts]


def test_a_function_beside_the_config_is_found_and_graded_in_another_process(acts: Grader) -> None:
    assert graded(acts, "true", "false", "half", "one") == [
        ("correct", 1.0), ("wrong", 0.0), ("wrong", 0.5), ("correct", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule", "detail"),
    [
        ("raise", "exception", "ValueError: a bad row"),
        ("exit", "exception", "SystemExit: bye"),
        ("spin", "timeout", "took longer than 2 s"),
        ("eat", "memory", "512 MiB"),
        ("die", "crash", "ended its process"),
        ("much", "answer", "returned 1.5"),
        ("nan", "answer", "returned nan"),
        ("none", "answer", "a NoneType"),
        ("word", "answer", "a str"),
        ("label", "answer", "'perhaps'"),
    ],
)
def test_whatever_goes_wrong_is_a_verifier_error_with_its_message_and_its_neighbours_are_graded(
    acts: Grader, text: str, rule: str, detail: str
) -> None:
    verdicts = [one.verdict for one in acts.grade_texts([(problem(), one) for one in ("true", text, "false")])]
    assert [verdict.label for verdict in verdicts] == ["correct", "verifier_error", "wrong"]
    assert verdicts[1].reward is None and verdicts[1].evidence["rule"] == rule
    assert detail in verdicts[1].evidence["detail"]


def test_a_traceback_is_logged_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    grader = make("acts")
    with caplog.at_level(logging.WARNING, "restem"):
        for texts in (["true", "raise", "raise"], ["raise"]):
            graded(grader, *texts)
    told = [record.getMessage() for record in caplog.records if "failed on problem" in record.getMessage()]
    assert len(told) == 1 and "Traceback" in told[0] and 'raise ValueError("a bad row")' in told[0]


def test_a_decision_keeps_its_evidence_and_relative_paths_are_the_callers(acts: Grader) -> None:
    verdict = acts.grade(problem(), "evidence")
    assert (verdict.label, verdict.evidence) == ("unparseable", {"seen": "evidence", "path": os.getcwd()})


@pytest.mark.parametrize(("threshold", "labels"), [(1.0, ["wrong", "correct"]), (0.5, ["correct", "correct"])])
def test_the_threshold_accepts(make: Make, threshold: float, labels: list[str]) -> None:
    assert graded(make("acts", threshold=threshold), "half", "one") == [(labels[0], 0.5), (labels[1], 1.0)]


def test_a_function_that_always_fails_is_refused_before_the_rest_is_tried(make: Make) -> None:
    grader = make("acts")
    with pytest.raises(
        UserError, match="failed on each of the first 16 samples, the last with 'ValueError: a bad row'"
    ):
        grader.grade_texts([(problem(str(n)), "raise") for n in range(1000)])


def test_golds_are_tried_where_the_reward_says_how(make: Make) -> None:
    grader = make("pinned")
    assert grader.version == "own_rewards_of_a_test:pinned-7"
    assert grader.check_gold([problem(gold="5"), problem(gold=None)]) == []
    assert make("acts").check_gold([problem(gold="5")]) == []


def test_a_batched_function_gets_lists(make: Make) -> None:
    grader = make("lengths")
    assert graded(grader, *["x" * n for n in range(11)])[3:] == [
        *[("wrong", n / 10) for n in range(3, 10)], ("correct", 1.0),
    ]  # fmt: skip
    labels = [label for label, _ in graded(grader, "a", "raise", "b", "c", "d", "e")]
    assert labels == ["verifier_error"] * 4 + ["wrong"] * 2
    wrong_number = grader.grade_texts([(problem(), "short"), (problem(), "other")])[1].verdict
    assert "returned 1 answers for 2 rows" in wrong_number.evidence["detail"]


def test_a_call_that_raises_is_tried_again(make: Make, tmp_path: Path) -> None:
    grader = make("flaky")
    rows = [(problem(mark=str(tmp_path / "mark")), "a"), (problem(mark=str(tmp_path / "mark")), "b")]
    assert [one.verdict.label for one in grader.grade_texts(rows)] == ["correct", "correct"]


def test_async_calls_run_side_by_side_and_a_late_one_is_a_fault_of_its_own(make: Make) -> None:
    grader = make("judge", threshold=0.9)
    grader.open()
    verdicts = [one.verdict for one in grader.grade_texts([(problem(str(n)), "x") for n in range(64)])]
    assert {verdict.label for verdict in verdicts} == {"correct"}
    assert max(verdict.evidence["most"] for verdict in verdicts) == 8
    verdicts = [one.verdict for one in grader.grade_texts([(problem("late"), "slow"), (problem("late"), "x")])]
    assert [(one.label, one.evidence.get("detail")) for one in verdicts] == [
        ("verifier_error", "no answer within 1 s"), ("correct", None),
    ]  # fmt: skip


def test_an_object_that_can_be_called_is_a_reward(make: Make) -> None:
    assert graded(make("Endless"), "an endless one", "none") == [("correct", 1.0), ("wrong", 0.0)]


def test_an_edit_of_the_module_or_of_what_it_imports_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "own_helper_of_a_test.py").write_text("LIMIT = 3\n")
    (tmp_path / "own_edited_of_a_test.py").write_text(
        "import own_helper_of_a_test\ndef f(problem, text): return True\n"
    )

    def version() -> str:
        return Grader(VerifySettings(reward="own_edited_of_a_test:f", folder=str(tmp_path))).version

    first = version()
    assert version() == first
    (tmp_path / "own_helper_of_a_test.py").write_text("LIMIT = 4\n")
    assert version() != first


def test_two_folders_may_have_a_module_of_one_name(tmp_path: Path) -> None:
    graders = []
    for name in ("true", "false"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own_twin_of_a_test.py").write_text(f"def f(problem, text): return text == {name!r}\n")
        graders.append(Grader(VerifySettings(reward="own_twin_of_a_test:f", folder=str(tmp_path / name), workers=1)))
    for grader, labels in zip(graders, (["correct", "wrong"], ["wrong", "correct"]), strict=True):
        assert [label for label, _ in graded(grader, "true", "false")] == labels
        grader.close()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("own_absent_of_a_test", None, "No module named.*looked beside the config in"),
        ("own_broken_of_a_test", "import no_such_library\n", "No module named 'no_such_library'"),
        ("own_raising_of_a_test", "raise RuntimeError('at import')\n", "RuntimeError: at import"),
        ("own_empty_of_a_test", "", "has no attribute 'f'"),
        ("statistics", "def f(problem, text): return True\n", "which hides .* give that file another name"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(UserError, match=sentence):
        Grader(VerifySettings(reward=f"{name}:f", folder=str(tmp_path)))
