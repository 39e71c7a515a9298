"""A box that is only a candidate, is asked for, or is taken back states no answer; nor does a number of which a bound is told."""

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

NO_ANSWER = (
    r"anything but \boxed{4}", r"It can be everything except $\boxed{4}$.", r"One candidate is \boxed{4}.", r"A first guess would be \boxed{4}, but I am not sure.",
    r"\boxed{4}? \boxed{5}?", r"Is it $\boxed{4}$?", r"\boxed{4} — scratch that, it is 5.", r"\boxed{4}. Scratch that, \boxed{5}", r"\boxed{4}. Wait, strike that. \boxed{5}",
    r"I first thought \boxed{4}, but that is incorrect.",
    "4 is a lower bound.", "4 is an upper bound.", "4 is not the least upper bound.", "The maximum is below 4", "The maximum is above 4.", "It takes 4 days more.",
)  # fmt: skip
ANSWERS = (
    r"not 5 but \boxed{4}", r"The candidates are 3 and 4; checking, \boxed{4}.", r"My best guess is \boxed{4}", r"One candidate is \boxed{5}, which fails. The answer is \boxed{4}.",
    r"What is 2+2? \boxed{4}", r"Is the answer $\boxed{4}$? Yes.", r"\boxed{5}. Scratch that: \boxed{4}", r"\boxed{5} — no, scratch that. \boxed{4}",
    r"I first thought \boxed{5}, but that was wrong: \boxed{4}",
    "4 is the least upper bound.", "The least upper bound is 4.", "It is below the bar, so the maximum is 4.", "It takes 4 days.", "<answer>2<sup>2</sup></answer>",
)  # fmt: skip


@pytest.mark.parametrize("completion", NO_ANSWER)
def test_what_is_offered_asked_or_taken_back_is_no_answer(completion: str) -> None:
    assert not accepted("4", completion)


@pytest.mark.parametrize("completion", ANSWERS)
def test_what_is_stated_beside_it_is_the_answer(completion: str) -> None:
    assert accepted("4", completion)
    assert not accepted("5", completion)
