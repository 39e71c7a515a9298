"""Boxes that are offered beside each other, or denied, are no answer by themselves; one that corrects another is."""

from __future__ import annotations

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

OFFERED = (
    r"\boxed{4} or maybe \boxed{5}", r"The answer is $\boxed{4}$, but it could be $\boxed{5}$.", "Option 1: \\boxed{4}\nOption 2: \\boxed{5}",
    r"Guess 1: \boxed{4}. Guess 2: \boxed{5}.", r"If n is even, \boxed{4}. If n is odd, \boxed{5}.", r"First answer: \boxed{4}. Second answer: \boxed{5}.",
    r"\boxed{4} (alternative answer: \boxed{5})", r"The answer is \boxed{4}, or it might also be \boxed{5}.",
)  # fmt: skip
CORRECTED = (
    r"\boxed{4}. Wait, I made a mistake, it could be wrong. The answer is \boxed{5}.", r"\boxed{4}. The correct answer is \boxed{5}.",
    r"So a = \boxed{4}. Hence the answer is \boxed{5}.", r"\boxed{5}. When we check it, we get \boxed{5}.", "Step 1: \\boxed{4}.\n\nStep 2: \\boxed{5}.",
    r"If x = 1, we would have y = 3. The answer is \boxed{5}.", r"The answer is not \boxed{4}. The answer is \boxed{5}.",
    "\\boxed{4}\nIf instead we count correctly, \\boxed{5}", r"It cannot be \boxed{4}, so it is \boxed{5}.",
    r"In case 1 there are 2, in case 2 there are 3. Total: \boxed{5}.",
)  # fmt: skip


@pytest.mark.parametrize("text", OFFERED)
def test_of_boxes_that_are_offered_none_is_the_answer(text: str) -> None:
    assert not accepted("4", text)
    assert not accepted("5", text)


@pytest.mark.parametrize("text", CORRECTED)
def test_the_last_box_still_counts_where_it_corrects(text: str) -> None:
    assert accepted("5", text)
    assert not accepted("4", text)


@pytest.mark.parametrize(
    "text",
    [
        r"The answer is not \boxed{4}.", r"The answer isn't $\boxed{4}$.", r"It is not equal to \boxed{4}.", r"It cannot be \boxed{4}.",
        r"Not \boxed{4}.", r"$n \ne \boxed{4}$", r"$n \neq \boxed{4}$", r"The answer is definitely not $\boxed{4}$.", r"It is never \boxed{4}.",
        r"$\boxed{4}$ is wrong.", r"\boxed{4}, which is incorrect.", r"\boxed{4} (not correct)", r"\boxed{4}. Wait, that's not correct.",
        r"\boxed{4}. But this is not the answer.",
    ],
)  # fmt: skip
def test_a_box_that_is_denied_is_no_answer(text: str) -> None:
    assert not accepted("4", text)


def test_an_answer_option_is_no_second_answer() -> None:
    assert accepted("B", r"The value is \boxed{5}, which is option \boxed{B}.")


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{4}. That is not the only way to see it.",
        r"\boxed{4}. This is wrong only for others.",
        r"\boxed{4} is the answer.",
    ],
)
def test_remarks_that_deny_something_else_leave_the_box(text: str) -> None:
    assert accepted("4", text)


def test_a_denied_box_beside_the_answer_takes_nothing_away() -> None:
    assert accepted("4", r"The answer is \boxed{4}, not \boxed{5}.")
    assert not accepted("5", r"The answer is \boxed{4}, not \boxed{5}.")
