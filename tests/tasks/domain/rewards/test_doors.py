"""Kinds of answers through which a wrong one could slip: each gold with what means the same, and with what only looks like it."""

from itertools import permutations

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

Pairs = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]

UNITS: Pairs = {
    r"5 \text{ J}": ((r"5\text{ joules}", r"0.005\text{ kJ}", r"5\text{ N}\cdot\text{m}", "5"), (r"5\text{ N}", r"5\text{ W}", r"5\text{ kJ}", r"5\text{ J/s}", r"5\text{ eV}")),
    r"5 \text{ N m}": ((r"5 \mathrm{~N} \cdot \mathrm{m}", r"5\text{ J}"), (r"5\text{ N/m}", r"5\text{ m}", r"5\text{ N}\cdot\text{cm}")),
    r"5 \text{ kg m/s}^2": ((r"5\text{ N}",), (r"5\text{ kg m/s}", r"5\text{ g m/s}^2", r"5\text{ J}")),
    r"5 \text{ L}": ((r"5000\text{ cm}^3", r"5\text{ liters}"), (r"5\text{ gal}", r"5\text{ m}^3", r"5\text{ mL}")),
    r"5 \text{ nm}": ((r"5\times10^{-9}\text{ m}",), (r"5\text{ mm}", r"5\text{ m}", r"5\text{ nN}")),
    r"20^\circ\text{C}": ((r"20\text{ degrees Celsius}", "20"), (r"20^\circ\text{F}", r"20\text{ K}", r"20\text{ m}")),
    r"\$12 \text{ per hour}": ((r"\$12", "12"), (r"\$12\text{ per day}", r"\$12\text{ per minute}")),
    r"12.5\mathrm{~cm}^{3}": ((r"12.5\text{ cm}^3",), (r"12.5\mathrm{~cm}^{33}", r"12.5\mathrm{~cm}^{2}")),
}  # fmt: skip
NAMES: Pairs = {
    r"5\text{ red and }3\text{ blue}": ((r"3\text{ blue and }5\text{ red}",), (r"5\text{ blue and }3\text{ red}", r"5\text{ red and }3\text{ green}", r"5\text{ red or }3\text{ blue}")),
    r"\text{Tom: }5, \text{Ann: }3": ((r"\text{Ann: }3, \text{Tom: }5",), (r"\text{Tom: }3, \text{Ann: }5", r"\text{Ann: }5,\text{Tom: }3", r"\text{Tom: }5,\text{Bob: }3")),
    r"\text{length }5\text{ cm, width }3\text{ cm}": ((r"\text{width }3\text{ cm, length }5\text{ cm}",), (r"\text{width }5\text{ cm, length }3\text{ cm}",)),
    "rank 2, nullity 1": (("nullity 1, rank 2",), ("nullity 2, rank 1", "nullity 2, nullity 1")),
    "The mean is 12 and the deviation is 3.5.": (("The average is 12 and the deviation is 3.5.",), ("The median is 12 and the deviation is 3.5.", "The mean is 12 or the deviation is 3.5.")),
    "The first player wins for all $n\\ne 3$": (("First player wins for all $n\\ne 3$",), ("The second player wins for all $n\\ne 3$", "The first player wins for all $x\\ne 3$")),
    r"(a) 3, (b) 8": ((r"(b) 8, (a) 3", "3, 8", r"3\text{ for part (a)}, 8\text{ for part (b)}"), (r"3\text{ for part (b)}, 8\text{ for part (a)}", "8, 3")),
    "(i) 3 (ii) 8": (("3, 8", "(ii) 8 (i) 3"), ("(i) 8 (ii) 3", "8, 3")),
    "3, 8": (("(i) 3 (ii) 8", "8, 3"), ("(i) 8 (ii) 3", "(ii) 3 (i) 8")),
    "c": (("c",), ("(a)(b)(c)", "(b)(c)")),
    r"\text{I and III}": ((r"\text{III, I}",), (r"\text{I and II}", r"\text{I or III}")),
    "B, C": (("C and B",), (r"B\text{ or }C", "B/C")),
    r"\text{Alice, with probability }\frac23": ((r"\text{Alice, with probability }\frac23",), (r"\text{Alice}", r"\text{Alice, with probability }\frac13")),
}  # fmt: skip
LETTERS: Pairs = {
    "f(x)=2x+1": (("f(t)=2t+1", "2x+1"), ("f(x)=2y+1", "f(2x)=2x+1")),
    "a_n=2n+1": (("a_k=2k+1",), ("a_n=2x+1", "a_k=2n+1", "(a+1)_n=2n+1", "a_{n+1}=2n+1")),
    "y=-2x+4": (("-2x+4",), ("y=-2q+4", "x=-2y+4", "y=-2y+4")),
    "(a,b)=(1,2)": (("(b,a)=(2,1)", "(1,2)", "b=2,a=1"), ("(b,a)=(1,2)", "(2,1)")),
    r"P(A)=\frac12": ((r"\frac12",), (r"P(B)=\frac12",)),
    "(k,k^2)": (("(n,n^2)",), ("(k^2,k)", "(k,n^2)", "(k,2k)")),
    r"\{(x,y)\mid y=2x\}": ((r"\{(a,b): b=2a\}",), (r"\{(y,x)\mid y=2x\}",)),
    r"\{x\mid x\ge 2\}": ((r"\{t\mid t\ge 2\}",), (r"\{x+1\mid x\ge 2\}", r"\{q\mid x\ge 2\}")),
    "f(x)=x, f(x)=-x": (("f(x)=-x, f(x)=x",), ("f(x)=x, g(x)=-x",)),
    "x = 4, x = -4, y = 2": (("y = 2, x = -4, x = 4",), ("x = 4, q = -4, y = 2", "x = 4, x = -4, x = 2")),
    r"A\cos(2\pi ft)": ((r"A\cos(2\pi tf)",), ("A", r"A\cos(4\pi ft)")),
    r"all pairs $(a,b)$ with $a=2b+1$": ((r"all pairs $(a,b)$ with $a=1+2b$",), (r"all pairs $(a,b)$ with $a=2x+1$",)),
}  # fmt: skip
JOINED: Pairs = {
    r"x=1 \text{ or } x=4": (("1, 4", r"x=1\text{ and }x=4", r"\{1,4\}"), ("[1,4]", "(1,4)", r"1\le x\le 4")),
    r"x=1 \text{ or } y=2": ((r"y=2 \text{ or } x=1",), (r"x=1 \text{ and } y=2", "(1,2)", "x=1, y=2")),
    r"(2, 3)": (("x=2, y=3",), (r"2 \text{ or } 3",)),
    r"k<2, k\ne 0": ((r"k\ne 0\text{ and }k<2",), (r"k<2 \text{ or } k\ne 0",)),
    r"n=2 \text{ or } n\text{ is odd}": ((r"n=2 \text{ or } n\text{ is odd}",), (r"n=2\text{ and }n\text{ is odd}",)),
    r"n \text{ is odd}": ((r"n\text{ odd}",), (r"n \text{ is odd and }n>3",)),
    r"x=\pm 2": (("2, -2",), ("(2,-2)",)),
    r"\pm 1\pm\sqrt2": ((r"1+\sqrt2, 1-\sqrt2, -1+\sqrt2, -1-\sqrt2",), (r"\pm(1+\sqrt2)", r"1+\sqrt2, -1-\sqrt2")),
    r"(\pm1,\mp2)": (("(1,-2), (-1,2)",), (r"(\pm1,\pm2)", "(1,2),(1,-2),(-1,2),(-1,-2)")),
    r"\begin{cases}2x+1&x>0\\x^2&x\le 0\end{cases}": ((r"\begin{cases}x^2&x\le 0\\2x+1&x>0\end{cases}",), (r"\begin{cases}2x+1&x>0\\x^2&x\le 1\end{cases}",)),
    r"\triangle ABC\cong\triangle DEF": ((r"\triangle ABC \cong \triangle DEF",), (r"\triangle ABC\sim\triangle DEF",)),
    r"\text{Yes}": ((r"\text{Yes, it is}",), (r"\text{Yes, no}",)),
}  # fmt: skip
NUMBERS: Pairs = {
    "5": (("x=5", r"10-5=5", r"\text{a total of }5"), (r"\ln 0=5", r"x=\ln 0=5", r"\frac{1}{0}=5", r"x \equiv 5", r"\text{the negative of }5", r"\text{5 halved}")),
    "10": ((r"\text{Total}=10", "n=10"), (r"\sqrt{n}=10", r"\log n=10")),
    "x^2=5": (("x^2-5=0",), ("5",)),
    r"\frac12": (("0{,}5", "0.5"), (r"0.5\cdots", "0.5...")),
    r"\frac13": (("0.33...", r"0.333\ldots"), ("0.3...",)),
    "0.25": ((r"25\%",), (r"0.25\%",)),
    "0.125": ((r"\frac18",), ("0.125.000", r"0.125\%")),
    r"\text{all real numbers except } 2": ((r"x\ne2",), (r"\text{all real numbers except 2 of them}", r"\text{all real numbers except } 2 \text{ and } 3")),
}  # fmt: skip
COMPLETIONS: Pairs = {
    "5": (
        ("=> 5", "I don't think it is 6, so the answer is 5.", "<|channel|>analysis<|message|>maybe 6<|end|><|start|>assistant<|channel|>final<|message|>The answer is 5.", "> The answer is 5"),
        (
            "I don't think the answer is 5.", "The answer isn't 5.", "The answer cannot be 5.", "It is false that the answer is 5.", "Nobody would say 5.",
            r"\boxed{6}, although some say \boxed{5}", "We can rule out 5.", "5 does not work", "5 is incorrect", "> 5", "Answer: > 5", "5 when n is odd", "Is it 5?",
            "<|channel|>analysis<|message|>\\boxed{5}<|end|><|start|>assistant<|channel|>final<|message|>The answer is 6.",
        ),
    ),
    "x^2+1": (("So it is $x^2+1$.",), ("not $x^2+1$", "The derivative of $x^2+1$.")),
    "(2, 3)": (("The point is $(2,3)$.",), ("$(2,3)$ is excluded.",)),
    "1000.99": (("not it's not 10 it's 1,000.99",), ("it's not 1,000.99",)),
}  # fmt: skip


def boxed(pairs: Pairs, right: bool) -> list[tuple[str, str]]:
    return [
        (gold, rf"\boxed{{{one}}}") for gold, (same, others) in pairs.items() for one in (same if right else others)
    ]


def bare(pairs: Pairs, right: bool) -> list[tuple[str, str]]:
    return [(gold, one) for gold, (same, others) in pairs.items() for one in (same if right else others)]


ALL = {**UNITS, **NAMES, **LETTERS, **JOINED}


@pytest.mark.parametrize(("gold", "answer"), [*boxed(ALL, False), *boxed(NUMBERS, False), *bare(COMPLETIONS, False)])
def test_what_only_looks_like_the_gold_is_wrong(gold: str, answer: str) -> None:
    assert not accepted(gold, answer, "")


@pytest.mark.parametrize(("gold", "answer"), [*boxed(ALL, True), *boxed(NUMBERS, True), *bare(COMPLETIONS, True)])
def test_what_means_the_gold_is_right(gold: str, answer: str) -> None:
    assert accepted(gold, answer, "")


DIMENSIONS = ("m", "kg", "s", "J", "W", "N", "Pa", "V", "mol", "Hz", "m^2", "m/s", "kg/m^3", "mL")


@pytest.mark.parametrize(("one", "two"), permutations(DIMENSIONS, 2))
def test_units_of_other_dimensions_contradict_each_other(one: str, two: str) -> None:
    assert not accepted(rf"7 \text{{ {one}}}", rf"\boxed{{7 \text{{ {two}}}}}", "")


@pytest.mark.parametrize("prefixed", ["k{}", "M{}", "m{}", "n{}"])
@pytest.mark.parametrize("name", ["J", "W", "N", "Pa", "V", "m", "s"])
def test_a_prefix_of_a_unit_counts(prefixed: str, name: str) -> None:
    assert not accepted(rf"7 \text{{ {name}}}", rf"\boxed{{7 \text{{ {prefixed.format(name)}}}}}", "")
    assert accepted(rf"7 \text{{ {prefixed.format(name)}}}", r"\boxed{7}", "")


ABC = "B, A, C"
ORDERS = ("Rank the points A, B and C from left to right.", "In what order do the runners A, B, C finish?", "Match each function 1, 2, 3 with its graph A, B or C.", "Put the steps A, B, C in the correct sequence.")  # fmt: skip


@pytest.mark.parametrize("question", ORDERS)
@pytest.mark.parametrize("wrong", ["A, B, C", "ABC", "(B)(C)(A)"])
def test_letters_that_are_put_in_order_are_compared_in_order(question: str, wrong: str) -> None:
    assert not accepted(ABC, wrong, question)
    assert accepted(ABC, "BAC", question)
    assert accepted(ABC, wrong, "Which of the statements A, B, C and D are true?")
    assert accepted(ABC, wrong)


THREE = r"\boxed{%d}, \boxed{%d}, \boxed{%d}"
NAMED = r"$x=\boxed{%d}$, $y=\boxed{%d}$ and $z=\boxed{%d}$"
ASKED = ("Find $x$, $y$ and $z$.", "Find $(x,y,z)$.", "Find the ordered triple $(x,y,z)$.", "What are the values of x, y, and z?")  # fmt: skip


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("gold", ["3, 1, 2", "x=3, y=1, z=2", "z=2, x=3, y=1"])
def test_values_asked_for_by_name_belong_to_their_names(gold: str, question: str) -> None:
    for order in permutations((1, 2, 3)):
        assert accepted(gold, NAMED % order, question) == (order == (3, 1, 2))
    assert accepted(gold, "z=2, y=1, x=3", question)


@pytest.mark.parametrize("question", ["Compute $f(1)$, $f(2)$ and $f(3)$.", "Find the length, the width and the height of the box.", "Solve the system $x+y+z=6$, $xy=3$, $z=2$ for $x,y,z$."])  # fmt: skip
def test_several_things_that_are_asked_for_come_in_their_order(question: str) -> None:
    for order in permutations((1, 2, 3)):
        assert accepted("3, 1, 2", THREE % order, question) == (order == (3, 1, 2))
    assert accepted("3, 1, 2", r"\boxed{1}, \boxed{2}, \boxed{3}", "Find the roots of $p(x)$.")


@pytest.mark.parametrize("gold", ["x=3, y=1", "y=1, x=3"])
def test_values_of_letters_stay_with_them_without_a_question(gold: str) -> None:
    assert accepted(gold, r"$x=\boxed{3}$ and $y=\boxed{1}$")
    assert not accepted(gold, r"$x=\boxed{1}$ and $y=\boxed{3}$")
    assert accepted("x_1=3, x_2=1", "1, 3")  # the roots of one equation
    assert accepted("3, 1", r"The roots are $\boxed{1}$ and $\boxed{3}$", "Solve $x^2-4x+3=0$.")


WHOLE = ((r"\sin(2\pi {0})", "0"), (r"5\cos(2\pi {0})", "5"), (r"(-1)^{{2{0}}}", "1"), (r"3{0}^2+\sin(\pi {0})", "3{0}^2"), (r"e^{{2\pi i {0}}}", "1"))  # fmt: skip


@pytest.mark.parametrize("letter", ["k", "m", "n", "N", "t", "x"])
@pytest.mark.parametrize(("gold", "wrong"), WHOLE)
def test_only_letters_that_the_question_says_are_whole_vanish(gold: str, wrong: str, letter: str) -> None:
    gold, wrong = gold.format(letter), wrong.format(letter)
    for question in (
        f"Find the value as a function of ${letter}$.",
        f"How many whole turns are made? Find the height in terms of ${letter}$.",
        f"Let $j$ be an integer. Find the displacement for real ${letter}$.",
    ):
        assert not accepted(gold, wrong, question)
    assert accepted(gold, wrong, f"Simplify the expression for every integer ${letter}$.")


def test_a_usual_counter_is_whole_in_both_answers_and_vanishes_from_none() -> None:
    assert accepted(r"\cos(\pi n)", "(-1)^n")
    assert accepted(r"\cos(\pi n)", "(-1)^n", "The sequence $a_n$ has period two. Find $a_n$.")
    assert not accepted(r"5\cos(2\pi n)", "5")
    assert not accepted(r"\cos(\pi x)", "(-1)^x")


SUBSCRIPTS = (("x_1+x_2", "x_1+x_3"), ("a_ib_j", "a_jb_i"), ("x_a+1", "x_b+1"), ("x_{max}+1", "x_{min}+1"), ("v_0t", "v_1t"), ("c_p+R", "c_v+R"), ("k_BT", "k_eT"), ("F_n+1", "F_{n+1}+1"))  # fmt: skip


@pytest.mark.parametrize(("gold", "wrong"), SUBSCRIPTS)
def test_names_with_other_subscripts_are_other_names(gold: str, wrong: str) -> None:
    assert not accepted(gold, wrong)
    assert not accepted(gold, wrong, "Find the current in terms of the symbols given.")
    assert accepted(gold, gold)


def test_constants_of_integration_go_by_any_number() -> None:
    assert accepted("y=C_1e^x+C_2e^{-x}", "y=c_2e^x+c_1e^{-x}", "Solve $y''=y$.")
    assert accepted("y=C_1e^x+C_2e^{-x}", "y=Ae^x+Be^{-x}", "Solve $y''=y$.")
    assert accepted(r"\frac{x^2}{2}+C", r"\frac{x^2}{2}+K", r"Find $\int x\,dx$.")
