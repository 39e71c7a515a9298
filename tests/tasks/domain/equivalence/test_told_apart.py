"""Kinds of answers that public reports and answer keys of others showed, on made-up values, with the near misses that stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.tasks.domain.equivalence.made_up import COUNT, Case, wrongly_accepted, wrongly_refused


def rounded_to_whole(n: int, m: int) -> Case:
    """Floors and ceilings differ at whole numbers only."""
    right = (rf"1+\lfloor \log_{{{n}}} a\rfloor", rf"\lfloor \log_{{{n}}}({n}a)\rfloor")
    wrong = (rf"\lceil \log_{{{n}}} a\rceil", rf"\lfloor \log_{{{n}}} a\rfloor", rf"\log_{{{n}}} a + 1")
    return Case(rf"\lfloor \log_{{{n}}} a\rfloor + 1", right, wrong)


def halves(n: int, m: int) -> Case:
    right = (r"\lfloor\frac{n+1}{2}\rfloor", r"n-\lfloor n/2\rfloor")
    return Case(r"\lceil n/2\rceil", right, (r"\lfloor n/2\rfloor", r"\frac{n+1}{2}", r"\lfloor\frac{n}{2}\rfloor+1"))


def double_factorials(n: int, m: int) -> Case:
    right = (r"\frac{(2k)!}{2^k k!}", "(2k-1)!!")
    return Case("(2k-1)!!", right, ("(2k-1)!", "((2k-1)!)!", "(2k)!!", "(2k+1)!!"))


def conjugates(n: int, m: int) -> Case:
    right = (rf"f(w)={n}+{m}\bar{{w}}", rf"f(z)={m}\overline{{z}}+{n}")
    wrong = (rf"f(z)={n}+{m}z", rf"f(z)={n}-{m}\bar z", rf"f(w)={n}+{m}\bar z", rf"f(z)={n}+{m}\bar{{z}}^2")
    return Case(rf"f(z)={n}+{m}\bar{{z}}", right, wrong)


def inverses(n: int, m: int) -> Case:
    right = (rf"\frac{{x-{m}}}{{{n}}}", rf"y=\frac{{x-{m}}}{{{n}}}", rf"f^{{-1}}(t)=\frac{{t-{m}}}{{{n}}}")
    wrong = (rf"f(x)=\frac{{x-{m}}}{{{n}}}", rf"\frac{{1}}{{{n}x+{m}}}", rf"f^{{-1}}(x)=\frac{{x+{m}}}{{{n}}}")
    return Case(rf"$f^{{-1}}(x)=\frac{{x-{m}}}{{{n}}}$", right, wrong)


def extremes(n: int, m: int) -> Case:
    low, high = n, n + m
    right = (
        f"max {high}, min {low}",
        f"The minimum is {low} and the maximum is {high}",
        rf"{high} \text{{ (max)}}, {low} \text{{ (min)}}",
    )
    wrong = (
        f"The minimum is {high} and the maximum is {low}",
        f"max {low}, min {high}",
        f"{high} (minimum), {low} (maximum)",
        f"{low}",
    )
    return Case(rf"{low} \text{{ (minimum)}}, {high} \text{{ (maximum)}}", right, wrong)


def names(n: int, m: int) -> Case:
    right = ("Jerry and Tom", "Tom, Jerry", r"\text{Tom and Jerry}")
    return Case("Tom and Jerry", right, ("Tom or Jerry", "Tom", "Tom and Spike", "Tom, Jerry or Spike"))


def figures(n: int, m: int) -> Case:
    right = ("isosceles right triangle", "an isosceles right-angled triangle")
    return Case("right isosceles triangle", right, ("isosceles triangle", "right triangle", "acute isosceles triangle"))


def options(n: int, m: int) -> Case:
    right = ("C", f"C) {n}", f"(C) {n}", rf"\textbf{{(C)}}\ {n}", f"{n}")
    return Case(rf"\text{{(C)}}\ {n}", right, (f"(D) {n}", f"(C) {n + m}", "(B)", f"D) {n}"))


def both_forms(n: int, m: int) -> Case:
    right = (f"({n},{n + m}]", rf"{n}<k\le {n + m}", rf"k\in({n},{n + m}]")
    return Case(
        rf"${n}<k \leqslant {n + m}:({n},{n + m}]$",
        right,
        (f"[{n},{n + m})", f"({n},{n + m})", rf"{n}<k\le {n + m + 1}"),
    )


def conditions_behind_a_comma(n: int, m: int) -> Case:
    gold = rf"$P(x)=\frac{{{n}x}}{{c+{m}}}, Q(x)=cx$, where $c\ne -{m}$"
    right = (rf"P(x)=\frac{{{n}x}}{{c+{m}}}, Q(x)=cx, c\neq -{m}",)
    return Case(
        gold,
        right,
        (rf"P(x)=\frac{{{n}x}}{{c+{m}}}, Q(x)=cx, c\neq {m}", rf"P(x)=cx, Q(x)=\frac{{{n}x}}{{c+{m}}}, c\neq -{m}"),
    )


def by_parity(n: int, m: int) -> Case:
    gold = rf"\begin{{cases}} \frac{{n}}{{{m}}}, & n \text{{ even}} \\ \frac{{n+{n}}}{{{m}}}, & n \text{{ odd}}\end{{cases}}"
    right = (
        rf"\frac{{n}}{{{m}}} \text{{ if }} n \text{{ is even}}, \frac{{n+{n}}}{{{m}}} \text{{ if }} n \text{{ is odd}}",
    )
    wrong = (
        gold.replace(f"n+{n}", f"n-{n}"),
        gold.replace(f"n+{n}", f"n+{n + 1}"),
        gold.replace("even", "x").replace("odd", "even").replace("x}", "odd}"),
    )
    return Case(gold, right, wrong)


def units_of_several_factors(n: int, m: int) -> Case:
    right = (rf"{n} \text{{ J/(g K)}}",)
    wrong = (rf"{n} \text{{ J g}}^{{-2}}\text{{K}}^{{-1}}", rf"{n}\text{{ J/g}}", rf"{n}\text{{ kJ/(g K)}}")
    return Case(rf"{n} \text{{ J g}}^{{-1}}\text{{K}}^{{-1}}", right, wrong)


def micro(n: int, m: int) -> Case:
    right = (rf"{n}~\mu\text{{m}}", f"{n} µm", rf"{n * 1000} \text{{ nm}}")
    return Case(
        rf"{n} \times 10^{{-6}} \mathrm{{~m}}",
        right,
        (rf"{n}~\text{{mm}}", rf"{n}~\mu\text{{s}}", rf"{n + 1}~\mu\text{{m}}"),
    )


def members(n: int, m: int) -> Case:
    right = (rf"[k\pi,k\pi+{m}], k\in\mathbb{{Z}}", rf"[n\pi,n\pi+{m}], n\in\mathbb{{Z}}")
    return Case(
        rf"[k\pi,k\pi+{m}], k\in\mathbb{{Z}}",
        right,
        (rf"[k\pi,k\pi+{m}], k\notin\mathbb{{Z}}", rf"[k\pi,k\pi+{m + 1}], k\in\mathbb{{Z}}"),
    )


def sums_with_dots(n: int, m: int) -> Case:
    right = (r"a_0+a_1+\ldots+a_k", r"a_k+a_{k-1}+\ldots+a_0")
    return Case(
        r"a_k+a_{k-1}+\ldots+a_0",
        right,
        (r"a_k+a_{k+1}+\ldots+a_0", r"a_k+a_{k-2}+\ldots+a_0", r"a_k+a_{k-1}+\ldots+a_1"),
    )


def long_lists(n: int, m: int) -> Case:
    last = 100 * n
    right = (rf"\{{1,2,\dots,{last}\}}", rf"1, 2, 3, \ldots, {last}")
    return Case(
        rf"1,2,\ldots,{last}",
        right,
        (rf"1,2,\ldots,{last + 1}", rf"1,3,\ldots,{last + 1}", rf"2,3,\ldots,{last}", f"{last}"),
    )


def whole_numbers_but(n: int, m: int) -> Case:
    one, two = n, n + m
    right = (
        rf"n \in \mathbb{{Z}}^+ \setminus \{{{one},{two}\}}",
        rf"\text{{all positive integers }} n \neq {one}, {two}",
    )
    wrong = (
        rf"\text{{all positive integers except }} {one}",
        rf"{one} \text{{ and }} {two}",
        rf"\mathbb{{Z}} \setminus \{{{one},{two}\}}",
    )
    return Case(rf"\text{{all positive integers except }} {one} \text{{ and }} {two}", right, wrong)


def divisors_in_prose(n: int, m: int) -> Case:
    gold = f"For all natural numbers n, n+{n} does not divide n^3 - {m}n"
    return Case(
        gold,
        (f"For all natural numbers n, {n}+n does not divide n^3 - {m}n",),
        (gold.replace(f"n+{n}", f"n - {n}"), gold.replace("does not divide", "divides")),
    )


def nested_sets(n: int, m: int) -> Case:
    right = (rf"\{{\{{{n}\}},\varnothing\}}",)
    return Case(rf"\{{\emptyset,\{{{n}\}}\}}", right, (rf"\{{\emptyset,{n}\}}", rf"\{{{n}\}}", rf"\{{0,\{{{n}\}}\}}"))


def none_such(n: int, m: int) -> Case:
    right = ("no such n", "there are no such positive integers", "none", r"\emptyset", "No such integers exist")
    return Case("No positive integers", right, ("all positive integers", "n=1", f"{n}", "no more than one integer"))


KINDS = (
    rounded_to_whole, halves, double_factorials, conjugates, inverses, extremes, names, figures, options, both_forms, conditions_behind_a_comma, by_parity,
    units_of_several_factors, micro, members, sums_with_dots, long_lists, whole_numbers_but, divisors_in_prose, nested_sets, none_such,
)  # fmt: skip


def cases(kind: Callable[[int, int], Case]) -> list[Case]:
    random = Random(kind.__name__)
    return [kind(random.randint(2, 9), random.randint(2, 7)) for _ in range(COUNT)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_means_the_gold_is_accepted(kind: Callable[[int, int], Case]) -> None:
    assert not wrongly_refused(cases(kind))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_near_misses_are_refused(kind: Callable[[int, int], Case]) -> None:
    assert not wrongly_accepted(cases(kind))
