"""Each rule that reads words as mathematics: what it accepts, on made-up values, and the near misses that stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.tasks.domain.equivalence.made_up import COUNT, Case, wrongly_accepted, wrongly_refused


def signs_in_words(n: int, m: int) -> Case:
    return Case(
        f"-{n}", (f"negative {n}", rf"\text{{minus }}{n}"), (f"positive {n}", f"not {n}", f"{n} negative numbers")
    )


def positive(n: int, m: int) -> Case:
    return Case(
        f"{n}", (f"positive {n}", rf"\text{{positive }}{n}"), (f"negative {n}", f"positive {n + 1}", f"positive -{n}")
    )


def powers_in_words(n: int, m: int) -> Case:
    return Case(
        f"{n}^2", (f"{n} squared",), (f"{n}", f"{n} cubed", f"{n} square", f"square root of {n}", f"{2 * n} squared")
    )


def roots_in_words(n: int, m: int) -> Case:
    return Case(rf"\sqrt{{{n}}}", (f"the square root of {n}",), (f"the cube root of {n}", f"{n}", f"the square of {n}"))


def scales(n: int, m: int) -> Case:
    right = (f"{n} million", rf"{n} \text{{ million}}", f"{n},000,000")
    return Case(f"{n * 10**6}", right, (f"{n}", f"{n} billion", f"{n} thousand", f"{n} millionths", f"{n + 1} million"))


def a_scale_of_the_gold(n: int, m: int) -> Case:
    return Case(f"{n} million", (f"{n} million", f"{n * 10**6}"), (f"{n}", f"{n} thousand", f"{n * 10**3}"))


def units_in_brackets(n: int, m: int) -> Case:
    return Case(
        f"{n} (inches)", (f"{n}", f"{n} inches"), (f"{n} cm", f"{n} (cm)", f"{n + 1} (inches)", f"{n} (not inches)")
    )


def remarks_in_brackets(n: int, m: int) -> Case:
    return Case(
        f"{n}", (f"{n} (inches)",), (f"{n} (mod {n + 7})", f"{n} (or {m})", f"{n} (squared)", f"{n} (at least)")
    )


def percent_in_words(n: int, m: int) -> Case:
    return Case(rf"{n}\%", (f"{n} pct", f"{n} percent", f"{n} per cent"), (f"{n + 1} pct", f"{n * 100} pct"))


def digit_groups(n: int, m: int) -> Case:
    thousand = f"{n}{m:03d}"
    return Case(
        thousand + "000",
        (f"{n}'{m:03d}'000", f"{n},{m:03d},000"),
        (f"{n}'{m:03d}", f"{n}.{m:03d}", f"{n}, {m:03d}, 000"),
    )


def continental_digits(n: int, m: int) -> Case:
    return Case(f"{n}{m:03d}.5", (f"{n}.{m:03d},5",), (f"{n}.{m:03d}", f"{n}.{m:03d}5", f"{n},5"))


def items_by_quad(n: int, m: int) -> Case:
    return Case(
        f"{n}, {m}", (rf"{n} \quad {m}", rf"${n}$ ${m}$"), (f"{n}{m}", rf"{n} \quad {m + 1}", rf"{n} \cdot {m}", f"{n}")
    )


def parts(n: int, m: int) -> Case:
    return Case(
        f"{n}, {m}",
        (f"{n} for part (a) and {m} for part (b)",),
        (f"{n} for part (a)", f"{n} for part (a) and {m + 1} for part (b)"),
    )


def plus_minus(n: int, m: int) -> Case:
    return Case(rf"\pm {n}", (f"+/- {n}", f"plus or minus {n}", f"{n}, -{n}"), (f"{n}", f"-{n}", f"+/- {n + 1}"))


def comparisons(n: int, m: int) -> Case:
    wrong = (f"x is at most {n}", f"x is more than {n}", f"x is {n}", f"{n}", f"x is at least {n + 1}")
    return Case(rf"x \ge {n}", (f"x is at least {n}", f"x is no less than {n}"), wrong)


def strict_comparisons(n: int, m: int) -> Case:
    return Case(
        f"x < {n}",
        (f"x is less than {n}",),
        (f"x is less than or equal to {n}", f"x is not less than {n}", f"x is more than {n}"),
    )


def bounds(n: int, m: int) -> Case:
    return Case(
        f"at least {n}",
        (f"at least {n}", rf"\text{{at least }}{n}"),
        (f"{n}", f"at most {n}", f"more than {n}", f"at least {n + 1}"),
    )


def claims_are_never_dropped(n: int, m: int) -> Case:
    words = (
        "not {}",
        "anything but {}",
        "all but {}",
        "more than {}",
        "under {}",
        "multiples of {}",
        "divisors of {}",
        "half of {}",
        "twice {}",
    )
    words += (
        "up to {}",
        "{} or fewer",
        "{} dozen",
        "base {}",
        "the reciprocal of {}",
        "powers of {}",
        "between {} and 999",
        "{} if n is even",
    )
    return Case(f"{n}", (f"{n} apples", rf"{n} \text{{ ways}}"), tuple(word.format(n) for word in words))


def kinds_never_contradict(n: int, m: int) -> Case:
    return Case(
        f"{n} odd numbers",
        (f"{n} odd numbers", f"{n}"),
        (f"{n} even numbers", f"{n} prime numbers", f"{n + 1} odd numbers"),
    )


def sentences(n: int, m: int) -> Case:
    gold = rf"the circle with center $({n},{m})$ and radius ${n}$"
    right = (rf"circle with center $({n}, {m})$ and radius $\frac{{{2 * n}}}{{2}}$",)
    wrong = (
        rf"the circle with center $({m},{n})$ and radius ${m}$",
        rf"the circle with center $({n},{m})$ and radius ${n + 1}$",
    )
    return Case(gold, right, (*wrong, f"${n}$", "the circle"))


def cases_in_words(n: int, m: int) -> Case:
    gold = f"{n} if n is even, {m} if n is odd"
    wrong = (
        f"{m} if n is even, {n} if n is odd",
        f"{n}",
        f"{n}, {m}",
        f"{n} if n is even",
        f"{n} if n is even, {m} if n is prime",
    )
    return Case(gold, (f"{m} if n is odd; {n} if n is even",), wrong)


def statements_by_number(n: int, m: int) -> Case:
    return Case("①③", (r"\textcircled{1}\textcircled{3}", "③①", "①, ③"), ("①", "①②", "①②③", "13", "②④"))


def segments(n: int, m: int) -> Case:
    gold = rf"\frac{{NO}}{{BO}}=\frac{{1}}{{{n}}}"
    return Case(
        gold,
        (rf"\frac{{1}}{{{n}}}", gold),
        (f"{n}", rf"\frac{{1}}{{{n + 1}}}", r"\text{NO}", rf"\text{{not }}\frac{{1}}{{{n}}}"),
    )


RULES: tuple[Callable[[int, int], Case], ...] = (
    signs_in_words, positive, powers_in_words, roots_in_words, scales, a_scale_of_the_gold, units_in_brackets, remarks_in_brackets,
    percent_in_words, digit_groups, continental_digits, items_by_quad, parts, plus_minus, comparisons, strict_comparisons, bounds,
    claims_are_never_dropped, kinds_never_contradict, sentences, cases_in_words, statements_by_number, segments,
)  # fmt: skip


def examples(rule: Callable[[int, int], Case]) -> list[Case]:
    """Made-up cases: two different whole numbers above 10, the first no square."""
    random = Random(rule.__name__)
    pairs = ((random.choice([17, 23, 38, 41, 55, 67, 83, 92]), random.randint(100, 900)) for _ in range(COUNT))
    return [rule(n, m) for n, m in pairs]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_wordings_are_read(rule: Callable[[int, int], Case]) -> None:
    assert wrongly_refused(examples(rule)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_near_misses_stay_wrong(rule: Callable[[int, int], Case]) -> None:
    assert wrongly_accepted(examples(rule)) == []
