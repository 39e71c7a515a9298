"""Names of points and of winners, units as symbols and by their case, whether something is possible; and the near misses beside them."""

from __future__ import annotations

from random import Random

import pytest

from tasks.domain.equivalence.decide import decide
from tasks.domain.equivalence.hints import hint_code
from tests.tasks.domain.equivalence.made_up import COUNT

SEEDS = range(COUNT)
WHETHER = (
    "Is it possible to tile the board?",
    "Determine whether it is possible to do so.",
    "Can a knight visit all squares?",
)


def accepted(gold: str, answer: str, question: str = "") -> bool:
    return decide([gold, answer, hint_code(question), "wrong"])[0] == "correct"


def both_ways(one: str, two: str, question: str = "") -> set[bool]:
    return {accepted(one, two, question), accepted(two, one, question)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_point_may_have_the_name_that_the_question_gives_it(seed: int) -> None:
    r = Random(seed)
    a, b, name = r.randint(-9, 9), r.randint(10, 20), r.choice("ABCMPQ")
    question = f"Find the coordinates of the point ${name}$."
    assert both_ways(f"({a},{b})", rf"{name}\left({a}, {b}\right)", question) == {True}
    assert both_ways(f"({a},{b})", f"{name}({b}, {a})", question) == {False}
    assert not accepted(f"({a},{b})", f"M'({b},{a})", question)


@pytest.mark.parametrize("seed", SEEDS)
def test_named_points_are_told_apart_by_their_names(seed: int) -> None:
    r = Random(seed)
    a, b, c, d = r.sample(range(-20, 20), 4)
    gold, question = f"A({a},{b}), B({c},{d})", "Find the coordinates of $A$ and $B$."
    right = (
        f"A=({a},{b}), B=({c},{d})",
        f"B({c}, {d}), A({a}, {b})",
        f"({a},{b}), ({c},{d})",
        rf"A({a},{b}) \text{{ and }} B({c},{d})",
    )
    wrong = (
        f"A({c},{d}), B({a},{b})", f"({c},{d}), ({a},{b})", f"A({a},{b})", f"A({a},{b}), C({c},{d})", f"A({a},{b}), B({d},{c})",
        f"A({a},{b}), B({c},{d}), C({c},{d})", f"A({a},{b}), A({c},{d})",
    )  # fmt: skip
    assert [answer for answer in right if not accepted(gold, answer, question)] == []
    assert [answer for answer in wrong if accepted(gold, answer, question)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_goes_on_as_its_first_three_items_do(seed: int) -> None:
    r = Random(seed)
    a, q = r.randint(1, 9), r.randint(2, 5)
    shown = [a * q**k for k in range(5)]
    gold = ", ".join(map(str, shown[:4])) + r", \ldots"
    assert both_ways(gold, ", ".join(map(str, shown[:3])) + r", \dots") == {True}
    assert both_ways(gold, ", ".join(map(str, shown[:4]))) == {False}
    assert both_ways(gold, ", ".join(map(str, [*shown[:3], shown[3] + 1])) + r", \ldots") == {False}
    assert both_ways(gold, f"{a}, {2 * a}, {3 * a}, \\ldots") == {False}


@pytest.mark.parametrize("name", ["Alice", "Bob", "the first player", "Player B"])
def test_the_winner_may_go_by_the_name_alone(name: str) -> None:
    question, other = "Who wins the game?", "Carol"
    for said in (f"{name} wins", f"{name} has a winning strategy"):
        assert both_ways(name, said, question) == {True}
        assert both_ways(other, said, question) == {False}
        assert not accepted(name, said, "Who loses the game?")
    for said in (
        f"{name} loses",
        f"{name} never wins",
        f"{name} does not win",
        f"{name} wins if n is even",
        f"{name} and {other} win",
    ):
        assert not accepted(name, said, question)


@pytest.mark.parametrize("question", WHETHER)
def test_impossible_is_no_where_the_question_asks_whether(question: str) -> None:
    for said in ("impossible", "Not possible", r"\text{It is impossible}", "It is not possible."):
        assert accepted("No", said, question)
        assert not accepted("Yes", said, question)
        assert not accepted("No", said, "Does the series converge?")
        assert not accepted("No", said, "Is it impossible to tile the board?")
        assert not accepted("No", said)
    assert accepted("Yes", "It is possible", question)
    assert not accepted("No", "possible", question)


@pytest.mark.parametrize("seed", SEEDS)
def test_units_may_be_symbols_with_negative_powers(seed: int) -> None:
    n = Random(seed).randint(2, 99)
    for symbols, written in (
        ("g mL^{-1}", "g/mL"),
        (r"N\,C^{-1}", "N/C"),
        ("J mol^{-1} K^{-1}", "J/(mol K)"),
        ("m s^{-2}", "m/s^2"),
    ):
        answer = f"{n} {symbols}"
        assert accepted(rf"{n} \text{{ {written} }}", answer)
        assert accepted(str(n), answer)
        assert not accepted(str(n + 1), answer)
        assert not accepted(rf"{n} \text{{ kg }}", answer)
        assert not accepted(rf"{n} \text{{ {written} }}", f"{n} k{symbols}")
    assert not accepted(rf"\frac{{{n}m}}{{s}}", f"{n} m s^{{-2}}")
    assert accepted(rf"\frac{{{n}m}}{{s}}", f"{n} m s^{{-1}}")  # algebra stays algebra


@pytest.mark.parametrize(
    ("one", "two"),
    [("mM", "mm"), ("Mg", "mg"), ("MW", "mW"), ("atm", "psi"), ("psi", "kPa"), ("dyne", "N"), ("erg", "J")],
)
def test_units_that_differ_contradict_each_other(one: str, two: str) -> None:
    assert both_ways(rf"5 \text{{ {one} }}", rf"5 \text{{ {two} }}") == {False}


@pytest.mark.parametrize(
    ("one", "two"), [("Kg", "kg"), ("KM", "km"), ("CM", "cm"), ("ML", "mL"), ("Hours", "hours"), ("Meters", "m")]
)
def test_careless_capitals_are_the_unit_that_they_mean(one: str, two: str) -> None:
    assert both_ways(rf"5 \text{{ {one} }}", rf"5 \text{{ {two} }}") == {True}


@pytest.mark.parametrize("remark", ["(or maybe 6)", "or possibly 6", "(incorrect)", "is a lower bound", "(mod 4)"])
def test_a_remark_that_takes_the_value_back_counts(remark: str) -> None:
    assert not accepted("5", rf"5 \text{{ {remark} }}")
    assert accepted("5", r"5 \text{ (apples)}")


def test_a_number_of_choices_is_no_point() -> None:
    question = "In how many ways can they be chosen? Write it as $C(n,k)$ or $P(n,k)$."
    assert both_ways("C(10,3)", "(10,3)", question) == {False}
    assert both_ways("C(10,3)", "C(10,7)", question) == {True}
    assert both_ways("C(10,3)", "P(10,3)", question) == {False}


def test_points_without_names_are_in_the_order_of_the_names() -> None:
    question = "Find the points $A$ of the maximum and $B$ of the minimum."
    assert accepted("(3,4), (1,2)", "A(3,4), B(1,2)", question)
    assert not accepted("(3,4), (1,2)", "B(3,4), A(1,2)", question)


def test_impossible_is_no_no_where_the_question_has_the_word() -> None:
    assert not accepted("No", r"\text{impossible}", "Can it be impossible to finish?")
    assert accepted("No", r"\text{impossible}", "Can it be finished?")


LETTERS_AS_UNITS = (
    "{}m",
    "{} m",
    "{}m^2",
    "{} h",
    "{}gh",
    r"{}\frac{{m}}{{L}}",
    "{} m/L",
    "{} m L^{{-1}}",
    r"{} N \cdot m",
    "{}mV",
)


@pytest.mark.parametrize("form", LETTERS_AS_UNITS)
def test_letters_of_the_question_are_no_unit_that_may_be_left_out(form: str) -> None:
    for number in ("2", "12", "0.5", r"\frac{3}{4}"):
        gold = form.format(number)
        for question in (
            "Find it in terms of $g$, $h$, $m$, $L$, $N$ and $V$.",
            "Find it in terms of g, h, m, L, N and V.",
            "Let $g$, $h$, $m$, $L$, $N$ and $V$ be the six quantities. Find the seventh.",
        ):
            assert both_ways(gold, number, question) == {False}
            assert both_ways(gold, gold, question) == {True}


@pytest.mark.parametrize("form", ["{} m", "{} m/s", r"{} \frac{{m}}{{s}}", "{} N m^{{-1}}"])
@pytest.mark.parametrize(
    "question",
    [
        "A block slides $10$ m in $5$ s. How far?", "How fast is the car, in m/s?", "A particle of mass $M$ moves 10 m. How far?",
        "A body of mass $m$ falls 20 m. What does it reach?", "",
    ],
)  # fmt: skip
def test_units_of_the_question_may_be_left_out(form: str, question: str) -> None:
    for number in ("2", "12", "0.5"):
        assert both_ways(form.format(number), number, question) == {True}


def test_a_unit_in_a_text_command_is_one_whatever_the_letters_of_the_question() -> None:
    question = "A rope of mass $m$ has the length $L$. Find the length."
    assert both_ways(r"5 \text{ m}", "5", question) == {True}
    assert both_ways(r"5 \text{ m}", "5 m", question) == {True}
