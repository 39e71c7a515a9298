"""Fuzzing of extraction and equivalence: nothing escapes, an answer equals itself, equality goes both ways.

`RESTEM_FUZZ_SECONDS=600 pytest tests/tasks/domain/rewards/test_math_fuzz.py` fuzzes for ten minutes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tasks.domain.equivalence.decide import decide, equivalent, readable
from tasks.domain.rewards.extraction import extract
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem

SECONDS = float(os.environ.get("RESTEM_FUZZ_SECONDS", "0"))
EXAMPLES = 300
ONE_SIDED = {
    "repeated",
    "rounded_gold",
    "rounded_answer",
    "decimal_comma",
    "base",
    "choice",
    "not_factored",
    "not_expanded",
    "text",
    "clock",
    "longer_decimal",
}

FRAGMENTS = st.sampled_from(
    [
        r"\frac{",
        r"\frac",
        r"\dfrac12",
        r"\sqrt{",
        r"\sqrt[3]{",
        r"}",
        r"{",
        r"(",
        r")",
        r"[",
        r"]",
        r"\left(",
        r"\right]",
        r"\{",
        r"\}",
        r"|",
        r",",
        r";",
        r".",
        r":",
        r"+",
        r"-",
        r"*",
        r"/",
        r"^",
        r"_",
        r"!",
        r"%",
        r"\%",
        r"$",
        r"\$",
        r"=",
        r"<",
        r">",
        r"\le",
        r"\ge",
        r"\ne",
        r"\in",
        r"\cup",
        r"\cap",
        r"\setminus",
        r"\infty",
        r"\pi",
        r"e",
        r"i",
        r"x",
        r"y",
        r"n",
        r"k",
        r"f(x)",
        r"g(",
        r"\sin",
        r"\cos^2",
        r"\log_2",
        r"\ln",
        r"\text{",
        r"\text{and}",
        r"\text{cm}",
        r"and",
        r"or",
        r"where",
        r"\mathbb{R}",
        r"\emptyset",
        r"\pm",
        r"\mp",
        r"\cdot",
        r"\times",
        r"\circ",
        r"^\circ",
        r"\begin{pmatrix}",
        r"\end{pmatrix}",
        r"&",
        r"\\",
        r"\angle",
        r"\overline{",
        r"\ldots",
        r"\binom{",
        r"\lfloor",
        r"\rfloor",
        r"\max(",
        r"\boxed{",
        r"####",
        r"answer",
        r"is",
        r"0",
        r"1",
        r"2",
        r"7",
        r"10",
        r"0.5",
        r"1,000",
        r"3.14",
        r".5",
        r"1e5",
        r"12:30",
        r"p.m.",
        r"_2",
        r"_{10}",
        r"'",
        r"\over",
        r"\choose",
        r"\approx",
        r"\to",
        r"\vec{",
        r"\mathrm{",
        r"\sum_{",
        r"\int",
        r"\operatorname{",
        r"²",
        r"½",
        r"√",
        r"π",
        r"−",
        r"∞",
        r"①",
        r"\uFFFD",
        r"miles",
        r"degrees",
        r"three",
        r"(C)",
    ]
)
SOUP = st.lists(FRAGMENTS | st.text(max_size=3), max_size=14).map(lambda parts: " ".join(parts)) | st.text(max_size=40)
ATOMS = st.sampled_from(["0", "1", "2", "7", "12", "0.5", "2.25", "x", "y", "n", r"\pi", "e", "i", "a_1", "1000"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: f"{p[0]} + {p[1]}"),
        pair.map(lambda p: f"{p[0]} - ({p[1]})"),
        pair.map(lambda p: rf"\frac{{{p[0]}}}{{{p[1]}}}"),
        pair.map(lambda p: f"({p[0]})({p[1]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1", r"\frac12"])).map(lambda p: f"({p[0]})^{{{p[1]}}}"),
        inner.map(lambda p: rf"\sqrt{{{p}}}"),
        st.tuples(st.sampled_from([r"\sin", r"\ln", r"\cos", r"\tan"]), inner).map(lambda p: rf"{p[0]}({p[1]})"),
        inner.map(lambda p: f"-({p})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grow, max_leaves=6)
ANSWERS = st.one_of(
    EXPRESSIONS,
    st.lists(EXPRESSIONS, min_size=2, max_size=4).map(", ".join),
    st.lists(EXPRESSIONS, min_size=2, max_size=3).map(lambda parts: f"({', '.join(parts)})"),
    st.lists(EXPRESSIONS, min_size=1, max_size=3).map(lambda parts: rf"\{{{', '.join(parts)}\}}"),
    st.tuples(st.sampled_from("(["), EXPRESSIONS, EXPRESSIONS, st.sampled_from(")]")).map(
        lambda p: f"{p[0]}{p[1]},{p[2]}{p[3]}"
    ),
    st.tuples(st.sampled_from(["x =", "x <", r"x \ge", "f(x) =", r"x \ne"]), EXPRESSIONS).map(" ".join),
    st.tuples(EXPRESSIONS, st.sampled_from([r"^\circ", r"\%", r"\text{ cm}", r"\text{ apples}", "_2"])).map("".join),
    st.lists(EXPRESSIONS, min_size=2, max_size=2).map(lambda p: rf"\begin{{pmatrix}}{p[0]}\\{p[1]}\end{{pmatrix}}"),
    EXPRESSIONS.map(lambda p: rf"1 \pm {p}"),
)


def fuzzed(property_holds: Callable[..., None]) -> Callable[[], None]:
    """One bounded run by default; with RESTEM_FUZZ_SECONDS, runs with fresh seeds for a third of that time."""
    limits = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    run = limits(property_holds)

    def test() -> None:
        end = time.monotonic() + SECONDS / 3
        run()
        while time.monotonic() < end:
            run()

    test.__doc__, test.__name__ = property_holds.__doc__, property_holds.__name__
    return test


@fuzzed
@given(SOUP, SOUP)
@example("", "")
@example(r"\boxed{", "}")
@example("x^2", r"\frac{x^2")
def test_no_exception_escapes(gold: str, text: str) -> None:
    extract(text)
    for completion in (text, rf"\boxed{{{text}}}", f"#### {text}", f"The answer is {text}."):
        check = MathReward().prepare(Problem("p", "", "train", "math", text, gold=gold), completion)
        assert check.decided is not None or decide(check.payload)[0] in ("correct", "wrong", "unparseable")
    readable(gold)
    equivalent(gold, text)


@fuzzed
@given(ANSWERS | SOUP)
def test_an_answer_equals_itself(answer: str) -> None:
    assume(readable(answer)[0] == "correct")
    assert equivalent(answer, answer)[0]


@fuzzed
@given(st.tuples(ANSWERS, ANSWERS) | st.tuples(SOUP, SOUP) | ANSWERS.map(lambda a: (a, a.replace("2", "1", 1))))
def test_equality_goes_both_ways(pair: tuple[str, str]) -> None:
    there, back = equivalent(*pair), equivalent(*reversed(pair))
    if there[0] != back[0]:
        assert (there if there[0] else back)[1] in ONE_SIDED, (pair, there, back)
