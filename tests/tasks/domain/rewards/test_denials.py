"""What denies a value touches it; a denial elsewhere in the sentence is a part of what is told."""

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

TOLD = (
    ("15", "So there are 15 students who don't play soccer."),
    ("0.6", "Thus, the probability that it does not rain is 0.6."),
    ("9", "9 people like neither tea nor coffee."),
    ("640", "The number of grams of pies that are not eaten is 2000-1360=640"),
    ("12", "So there are 12 apples. Is there anything else I can help you with?"),
    ("12", "So there are 12 apples.\nDo you want to see another way?"),
    ("7", "All of them hold 175 calories, which means he consumed 175/25 = 7 bars?"),
    ("50", "Ryan will pay 40*50=$2000 to buy packs of 50 snacks?"),
    ("15", "The number of answers that he got wrong is 15."),
    ("15", "He never wins, so he pays 15 dollars."),
)
DENIED = (
    "I don't think the answer is 5", "The answer isn't 5", "5 does not work", "5 is incorrect", "It is not 5.", "It can't be equal to 5.", "5 is too large.",
    "We can rule out 5.", "It is wrong to say 5.", "5 is not the answer.", "Is it 5?", "Is 2+3 = 5?", "Is 5 the number of apples?", "So it is 5, right?", "It is impossible that it is 5.",
)  # fmt: skip


@pytest.mark.parametrize(("gold", "completion"), TOLD)
def test_a_denial_that_does_not_touch_the_value_leaves_it(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


@pytest.mark.parametrize("completion", DENIED)
def test_a_value_that_is_denied_or_asked_for_is_no_answer(completion: str) -> None:
    assert not accepted("5", completion)
    assert not accepted("6", completion.replace("5", "6"))


OPTIONS = (
    ("A", r"\boxed{\text{A. Sufficient but not necessary condition}}"), ("B", r"\boxed{\text{B. False}}"), ("E", r"\boxed{\text{(E) not uniquely determined}}"),
    ("D", r"\boxed{(D) \text{ not enough information}}"), ("C", r"\boxed{\text{C) True, False}}"), ("B", "The answer is B. False"),
)  # fmt: skip


@pytest.mark.parametrize(("gold", "completion"), OPTIONS)
def test_the_text_of_an_option_does_not_deny_its_letter(gold: str, completion: str) -> None:
    assert accepted(gold, completion)
    assert not accepted("F", completion)


@pytest.mark.parametrize("answer", ["A is not correct", "A is wrong", "(A) is wrong", "not A", "not (A)", "A isn't right", "A or B", "(A) or (B)", "A. or B."])  # fmt: skip
def test_a_letter_that_is_denied_is_not_chosen(answer: str) -> None:
    assert not accepted("A", rf"\boxed{{\text{{{answer}}}}}")
    assert not accepted("(A)", rf"\boxed{{\text{{{answer}}}}}")


OWN = (
    r"After some algebra, we get $y=\boxed{5}$.", r"Some of these are extraneous, so the answer is \boxed{5}", r"Each book costs 5 dollars, so we get \boxed{5}",
    r"The key observation gives \boxed{5}", r"Subtracting the others, we get \boxed{5}", r"The number of people who got a prize is \boxed{5}", r"So the students get \boxed{5}",
)  # fmt: skip
OTHERS = (r"although some say \boxed{5}", r"The answer key says \boxed{5}", r"Many students get \boxed{5}", r"Others would say that it is \boxed{5}", r"The textbook gives \boxed{5}")  # fmt: skip


@pytest.mark.parametrize("last", OWN)
def test_the_last_box_is_said_by_the_completion_itself(last: str) -> None:
    assert accepted("5", rf"We find \boxed{{3}} first. {last}")
    assert not accepted("3", rf"We find \boxed{{3}} first. {last}")


@pytest.mark.parametrize("last", OTHERS)
def test_a_last_box_that_others_say_does_not_count(last: str) -> None:
    assert accepted("3", rf"We find \boxed{{3}}. {last}")
    assert not accepted("5", rf"We find \boxed{{3}}. {last}")


@pytest.mark.parametrize(
    ("gold", "completion"),
    [
        ("C", "Since it is not true that A holds, the answer is (C)."),
        ("3", "The answer is 3 or -2. Since x can't be negative, the answer is 3."),
        ("3", "The answer is 3 or -2. x is not negative; the answer is 3."),
    ],
)
def test_a_denial_ends_at_its_comma(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


@pytest.mark.parametrize("completion", ["It is not true that the answer is 3.", "I don't believe that the answer is 3.", "The answer is 4. It's not the case that the answer is 3."])  # fmt: skip
def test_a_label_that_is_denied_announces_nothing(completion: str) -> None:
    assert not accepted("3", completion)
