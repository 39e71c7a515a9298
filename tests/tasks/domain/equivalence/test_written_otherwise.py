"""Answers that say the same in other shapes, on made-up values: number classes, asides, units, names; and the near misses that stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.tasks.domain.equivalence.made_up import COUNT, Case, wrongly_accepted, wrongly_refused


def odd_numbers(n: int, m: int) -> Case:
    right = (
        "n is odd",
        "odd n",
        r"n \text{ odd}",
        r"n=2k+1, k\in\mathbb{Z}",
        r"n\equiv 1\pmod 2",
        r"\text{all odd numbers}",
    )
    wrong = (
        "all even integers n",
        "n is not odd",
        "n=1",
        "all integers n",
        "n=2k",
        r"\text{all odd primes}",
        r"n\equiv 1\pmod 4",
    )
    return Case("all odd integers n", right, wrong)


def multiples(n: int, m: int) -> Case:
    right = (f"n is divisible by {n}", rf"{n}\mid n", f"n={n}k", rf"n\equiv 0\pmod{{{n}}}", f"all multiples of {n}")
    wrong = (
        f"n is not divisible by {n}",
        rf"{n}\nmid n",
        f"{n}",
        f"n is a multiple of {n + 1}",
        f"n is a power of {n}",
        f"{n}k+1",
    )
    return Case(f"n is a multiple of {n}", right, wrong)


def no_multiples(n: int, m: int) -> Case:
    right = (rf"{n}\nmid n", f"n is not a multiple of {n}", f"all n that are not divisible by {n}")
    return Case(f"n is not divisible by {n}", right, (f"n is divisible by {n}", rf"{n}\mid n", f"all multiples of {n}"))


def powers(n: int, m: int) -> Case:
    right = (
        f"n={n}^k",
        f"all powers of {n}",
        f"powers of {n}",
        rf"n={n}^m, m\ge 0",
        rf"\text{{$n$ is a power of {n}}}",
    )
    wrong = (f"n is not a power of {n}", f"n={n + 1}^k", f"n={n}k", f"{n}", rf"n\ne {n}^k", f"n is a multiple of {n}")
    return Case(f"n is a power of {n}", right, wrong)


def places_of_extrema(n: int, m: int) -> Case:
    gold = f"The minimum value is ${n}$, attained when $x={m}$"
    right = (f"{n}", f"{n} at x={m}", rf"\text{{The minimum is {n} at x={m}}}", f"{n}, attained at x={m}")
    return Case(gold, right, (f"{m}", f"{n} at x={m + 1}", f"{n + 1} at x={m}", f"{m}, attained at x={n}", f"{n}, {m}"))


def conditions_are_no_places(n: int, m: int) -> Case:
    return Case(rf"{n} \text{{ if }} x={m}, {m} \text{{ otherwise}}", (), (f"{n}", f"{m}", rf"{n} \text{{ if }} x={m}"))


def multiplicities(n: int, m: int) -> Case:
    right = (f"{n}", f"x={n}", rf"x={n} \text{{ (double root)}}", rf"{n} \text{{ (multiplicity 2)}}")
    return Case(
        f"x={n} (twice)", right, (rf"x={n} \text{{ (multiplicity 3)}}", f"{2 * n}", f"-{n}", rf"\text{{twice }}{n}")
    )


def winners(n: int, m: int) -> Case:
    right = (
        "Player B wins",
        r"\text{Player B}",
        "B",
        r"\text{B can always win}",
        r"\text{Player B has the winning strategy.}",
    )
    wrong = (
        r"\text{Player A wins}",
        "A",
        r"\text{Neither player wins}",
        r"\text{Player B does not win}",
        r"\text{B loses}",
        "A or B",
    )
    return Case("Player B has a winning strategy", right, wrong)


def temperatures(n: int, m: int) -> Case:
    right = (f"{n} C", f"{n} °C", f"{n}℃", rf"{n}^\circ\text{{C}}", f"{n} degrees Celsius", f"{n}")
    return Case(rf"{n} \text{{ °C}}", right, (f"{n} K", f"{n} F", f"{n} °F", f"{n} J", f"{n + 1} C"))


def molarities(n: int, m: int) -> Case:
    right = (
        f"0.{n} M",
        f"0.{n} mol/L",
        rf"0.{n} \text{{ M}}",
        rf"0.{n}\ \mathrm{{mol\,L^{{-1}}}}",
    )
    return Case(rf"0.{n} \text{{ mol/L}}", right, (f"0.{n} mM", f"0.{n} mol", f"{n} M", f"0.{n} g/L"))


def ages(n: int, m: int) -> Case:
    right = (f"{12 * n} months", rf"{n} \text{{ years}}", f"{n} yr", f"{n - 1} years and 12 months", f"{n}")
    return Case(f"{n} years", right, (f"{n} months", f"{n} days", f"{n * 12} years", f"{n} years and 1 month"))


def chinese_units(n: int, m: int) -> Case:
    right = (f"{n} m", f"{n}", rf"\text{{{n}米}}", f"{n}00厘米", f"{n} meters")
    return Case(f"{n}米", right, (f"{n} cm", f"{n}千米", f"{n}平方米", f"{n} km", f"{n + 1}米"))


def chinese_areas(n: int, m: int) -> Case:
    return Case(f"{n}平方米", (f"{n} m^2", f"{n}", f"{n} 平方米"), (f"{n}米", f"{n} m", f"{n}平方厘米", f"{n} cm^2"))


def yuan(n: int, m: int) -> Case:
    return Case(f"{n}元", (f"¥{n}", f"{n} yuan", f"{n}"), (f"{n}角", f"{n + 1}元", f"€{n}"))


def powers_behind_units(n: int, m: int) -> Case:
    right = (f"{n} km h^{{-1}}", rf"{n}\,\mathrm{{km\,h^{{-1}}}}", f"{n} km/h", f"{n} kph")
    return Case(rf"{n} \text{{ km/h}}", right, (f"{n} km h", f"{n} m s^{{-1}}", f"{n} km", f"{n} mph"))


def mixed_numbers_with_a_blank(n: int, m: int) -> Case:
    return Case(
        rf"\frac{{{2 * n + 1}}}{{2}}", (rf"{n}\ 1/2", rf"{n}\,1/2", f"{n} 1/2"), (f"{n}1/2", rf"\frac{{{n}1}}{{2}}")
    )


def values_of_functions_in_their_places(n: int, m: int) -> Case:
    right = (f"f(2)={m}, f(1)={n}", f"{n}, {m}")
    return Case(f"f(1)={n}, f(2)={m}", right, (f"{m}, {n}", f"f(1)={m}, f(2)={n}", f"{n}"))


def angles_by_their_vertices(n: int, m: int) -> Case:
    right = (f"A={n}°, B={m}°", rf"\angle B={m}^\circ, \angle A={n}^\circ")
    return Case(rf"\angle A={n}^\circ, \angle B={m}^\circ", right, (f"A={m}°, B={n}°", f"A={n}°", f"A={n}°, C={m}°"))


def points_with_names(n: int, m: int) -> Case:
    return Case(f"({n},-{m})", (f"P({n},-{m})", rf"P\left({n},-{m}\right)"), (f"P(-{m},{n})", f"P({n},{m})", f"P({n})"))


def equal_letters(n: int, m: int) -> Case:
    right = ("x=y=z", "(t,t,t)", r"(x,y,z)=(k,k,k), k\in\mathbb{R}", "x = z = y")
    return Case(
        r"(x,y,z)=(t,t,t) \text{ for } t\in\mathbb{R}",
        right,
        ("x=y", "(t,t,-t)", "(t,2t,3t)", f"({n},{n},{n})", f"x=y=z={n}"),
    )


def identity_matrices(n: int, m: int) -> Case:
    gold = r"\begin{pmatrix}1&0\\0&1\end{pmatrix}"
    return Case(
        gold,
        ("I", "I_2", r"\text{the identity matrix}"),
        ("I_3", "J", "1", rf"{n}I", r"\begin{pmatrix}0&1\\1&0\end{pmatrix}"),
    )


def no_identity(n: int, m: int) -> Case:
    return Case(rf"\begin{{pmatrix}}1&0\\0&{n}\end{{pmatrix}}", (), ("I", r"\text{the identity matrix}"))


def products_that_vanish(n: int, m: int) -> Case:
    return Case(
        r"x=0 \text{ or } y=0", ("xy=0", r"y=0 \text{ or } x=0", r"x\cdot y=0"), ("x=y=0", "x+y=0", "x=0", f"xy={n}")
    )


def quotients_with_names(n: int, m: int) -> Case:
    return Case(
        rf"\frac{{m}}{{n}}=\frac{{{n}}}{{{m}}}",
        (f"{n}/{m}", f"{n}:{m}"),
        (f"{m}/{n}", f"{n + m}", rf"\frac{{n}}{{m}}=\frac{{{n}}}{{{m}}}"),
    )


def bounds_with_an_exception(n: int, m: int) -> Case:
    right = (rf"k<0 \text{{ or }} 0<k<{n}", rf"(-\infty,0)\cup(0,{n})", f"k≠0, k<{n}")
    wrong = (
        f"k<{n}",
        rf"k<{n} \text{{ or }} k\ne 0",
        f"0<k<{n}",
        rf"k<0 \text{{ or }} 0<k<{n + 1}",
        rf"k\le 0 \text{{ or }} 0<k<{n}",
    )
    return Case(rf"k<{n} \text{{ and }} k\neq 0", right, wrong)


def lists_with_dots(n: int, m: int) -> Case:
    right = (
        (r"\{1,2,\ldots," + f"{n}" + r"\}", ", ".join(map(str, range(1, n + 1))))
        if n < 60
        else (rf"\{{1,2,\ldots,{n}\}}",)
    )
    return Case(
        rf"1,2,3,\dots,{n}",
        right,
        (rf"1,2,3,\dots,{n + 1}", r"1,2,3,\dots", rf"2,3,\dots,{n}", f"1,3,...,{n}", f"1, {n}"),
    )


def lists_without_end(n: int, m: int) -> Case:
    right = (
        rf"n\ge {n}",
        rf"\{{{n},{n + 1},\ldots\}}",
        rf"\text{{all integers }} n\ge {n}",
        rf"\text{{all integers greater than {n - 1}}}",
    )
    wrong = (
        rf"n>{n}",
        rf"n\le {n}",
        rf"\{{{n},{n + 2},\ldots\}}",
        f"{n}, {n + 1}",
        rf"\text{{all integers greater than {n}}}",
    )
    return Case(rf"n={n},{n + 1},{n + 2},\ldots", right, wrong)


def ranges_in_words(n: int, m: int) -> Case:
    right = (
        rf"({n},\infty)",
        f"x>{n}",
        rf"\text{{all real numbers }} x \text{{ such that }} x>{n}",
        f"x is greater than {n}",
    )
    return Case(
        rf"\text{{all real numbers }} x>{n}",
        right,
        (rf"[{n},\infty)", f"x<{n}", f"x={n}", rf"\text{{all real numbers }} x\ge {n}"),
    )


def weekdays_of_dates(n: int, m: int) -> Case:
    day = n % 28 + 1
    right = (f"Tuesday, March {day}th", f"March {day}", f"Tues, {day} March")
    return Case(
        f"Tuesday, March {day}", right, (f"Wednesday, March {day}", f"Tuesday, March {day + 1}", f"Tuesday, May {day}")
    )


def verdicts_on_series(n: int, m: int) -> Case:
    right = (r"\text{converges}", r"\text{It converges.}", r"\text{convergent}", r"\text{The series is convergent}")
    return Case(
        r"\text{The series converges}",
        right,
        (r"\text{diverges}", r"\text{It does not converge}", r"\text{converges to }" + f"{n}"),
    )


def maps(n: int, m: int) -> Case:
    right = (rf"f: x \mapsto {n}x", rf"f(x)={n}x, \forall x\in\mathbb{{R}}", rf"f(x)={n}x\ \forall x")
    return Case(f"f(x)={n}x", right, (rf"f: x\mapsto {m}x", f"f(x)=x^{n}", rf"f(x)={n}, \forall x"))


def approximations_of_constants(n: int, m: int) -> Case:
    return Case(r"\pi", (r"\pi \approx 3.14", r"\pi"), ("3.14", rf"{n}\pi \approx {3 * n}", r"e \approx 2.718"))


def contents_of_choices(n: int, m: int) -> Case:
    return Case(
        rf"\textbf{{(C)}}\ {n}", (f"{n}", "C", f"(C) {n}"), (f"{n + 1}", "B", f"(B) {n + 1}", rf"\text{{not }}{n}")
    )


RULES: tuple[Callable[[int, int], Case], ...] = (
    odd_numbers, multiples, no_multiples, powers, places_of_extrema, conditions_are_no_places, multiplicities, winners, temperatures, molarities, ages,
    chinese_units, chinese_areas, yuan, powers_behind_units, mixed_numbers_with_a_blank, values_of_functions_in_their_places, angles_by_their_vertices,
    points_with_names, equal_letters, identity_matrices, no_identity, products_that_vanish, quotients_with_names, bounds_with_an_exception, lists_with_dots,
    lists_without_end, ranges_in_words, weekdays_of_dates, verdicts_on_series, maps, approximations_of_constants, contents_of_choices,
)  # fmt: skip


def examples(rule: Callable[[int, int], Case]) -> list[Case]:
    """Made-up cases: two different whole numbers above 10."""
    random = Random(rule.__name__)
    pairs = ((random.choice([17, 23, 38, 41, 55]), random.randint(100, 170)) for _ in range(COUNT // 3))
    return [rule(n, m) for n, m in pairs]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_other_shapes_of_an_answer_are_accepted(rule: Callable[[int, int], Case]) -> None:
    assert wrongly_refused(examples(rule)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_only_looks_like_it_stays_wrong(rule: Callable[[int, int], Case]) -> None:
    assert wrongly_accepted(examples(rule)) == []
