"""Answers that a rule once took for right, each beside a right one that the rule is for: what must stay wrong stays wrong."""

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

DIE = "A fair die is rolled. What is the probability?"
SPRINGS = r"Springs with constants $k_1$ and $k_2$ pull at $x$ and $y$. What is the force?"
RUSSIAN, GERMAN = "Чему равно число?", "Wie groß ist die Zahl?"

# question, gold, completion
WRONG = [
    (DIE, "0.125", r"\boxed{125}"),
    (DIE, "0.125", r"\boxed{5^3}"),
    (DIE, "1,6", r"\boxed{1.6}"),
    (RUSSIAN, "0.500", r"\boxed{500}"),
    (GERMAN, "3.142", r"\boxed{3142}"),
    ("", "3", r"\boxed{(1)(2)(3)}"),
    ("", "9", r"\boxed{(1)(2)(9)}"),
    ("", "42", "The answer is 42.\n#### 42\n<answer>7</answer>"),
    ("", "5", "The answer is 5 (3 - 7)."),
    ("", "2", "The answer is 2 (3 + 4)."),
    ("", "42", "The answer is 42 (see below: no, it is 43)."),
    ("", "5", "The answer is 5; there is another solution: 6."),
    ("", "5", "The answer is 5; it could be 6."),
    ("", "5", "The answer is 5 that is squared."),
    ("", "5", "The answer is 5, i.e. negative five."),
    ("", "42", "The answer is 42 using base 8."),
    ("", "5", "The answer is 5 using x=2, 6 using x=3."),
    ("", "7", "Ответ: 8. Если бы x=1, то ответ 7."),
    ("", "12", r"\boxed{1  2}"),
    ("", "12", "$1$ $2$"),
    ("", "12", "<p>1</p><p>2</p>"),
    ("", r"\exists x_0, \forall x, x>x_0", r"\boxed{\exists x,\forall x, x>x}"),
    ("", "X=2", r"\boxed{|X|=2}"),
    ("", r"p\lor q", r"\boxed{p \text{ and } q}"),
    ("", r"p\land q", r"\boxed{p \text{ or } q}"),
    (SPRINGS, "k_1 x - k_2 y", r"\boxed{k_2x-k_1y}"),
    ("", "5", "La respuesta no es 5."),
    ("", "5", "La risposta non è 5."),
    ("", "5", r"\boxed{\text{niet } 5}"),
]
RIGHT = [
    (GERMAN, "3.5", r"\boxed{3,5}"),
    ("", "6", r"\boxed{(1)(2)(3)}"),
    ("", "60", r"\boxed{(1)(5)(2)(6)}"),
    ("", "42", "<output>7</output>\n\n$\\boxed{42}$"),
    ("", "42", "<output>41</output>\n<answer>42</answer>"),
    ("", "42", "The answer is 42.\n<output>7</output>"),
    ("", "42", "#### 42\n<result>7</result>"),
    ("", "42", "<result>42</result>"),
    ("", "42", "The answer is 42 (6 × 7)."),
    ("", "42", "The answer is 42 (from part 2)."),
    ("", "8", "Ответ: 8. Проверка: ответ 7 не подходит."),
    ("", "8", "Итак, ответ 8"),
    ("", r"\frac12", r"【答案】$\frac12$【解析】略"),
    ("", "1200", r"\boxed{1 200}"),
    ("", r"\exists x_0, x_0>1", r"\boxed{\exists x, x>1}"),
    ("", "|AB|=5", r"\boxed{AB=5}"),
    ("", r"p\lor q", r"\boxed{p \text{ or } q}"),
    ("Solve the differential equation.", "C_1 e^x + C_2 e^{2x}", r"\boxed{C_2 e^x + C_1 e^{2x}}"),
]


@pytest.mark.parametrize(("question", "gold", "completion"), WRONG)
def test_what_looks_like_the_gold_and_is_not_is_wrong(question: str, gold: str, completion: str) -> None:
    assert not accepted(gold, completion, question)


@pytest.mark.parametrize(("question", "gold", "completion"), RIGHT)
def test_what_the_rules_are_for_is_right(question: str, gold: str, completion: str) -> None:
    assert accepted(gold, completion, question)
