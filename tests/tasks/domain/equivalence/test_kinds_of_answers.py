"""Sets, numbers in words, joined conditions, rates and bases: what is accepted, on made-up values, and what must stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.tasks.domain.equivalence.made_up import COUNT, Case, accepted, wrongly_accepted, wrongly_refused


def whole_numbers_within_bounds(a: int, b: int) -> Case:
    members = ",".join(map(str, range(a, a + 4)))
    return Case(
        rf"\{{x \in \mathbb{{Z}} \mid {a} \le x < {a + 4}\}}",
        (rf"\{{{members}\}}", rf"\{{x|{a - 1}<x\le {a + 3},x\in Z\}}", members),
        (rf"[{a},{a + 4})", rf"\{{x|{a}\le x<{a + 4}\}}", rf"\{{{members},{a + 4}\}}", rf"\{{{a},{a + 4}\}}"),
    )


def values_of_a_formula(a: int, b: int) -> Case:
    return Case(
        rf"\{{x \mid x={b}k+1, k\in\mathbb{{Z}}\}}",
        (
            rf"\{{{b}n+1 : n\in\mathbb{{Z}}\}}",
            rf"\{{x|x={b}m+1,m\in Z\}}",
            rf"x\equiv 1\pmod{{{b}}}",
            rf"x \bmod {b} = 1",
        ),
        (rf"\{{x|x={b}k+2,k\in Z\}}", rf"\{{x|x={2 * b}k+1,k\in Z\}}", rf"\{{x|x={b}k+1,k\in N\}}", r"\{1\}"),
    )


def intervals_by_whole_numbers(a: int, b: int) -> Case:
    return Case(
        rf"\left({b}k\pi-\frac{{\pi}}{{{a}}}, {b}k\pi+\frac{{\pi}}{{{a}}}\right), k\in\mathbb{{Z}}",
        (rf"\{{x|{b}k\pi-\frac{{\pi}}{{{a}}}<x<{b}k\pi+\frac{{\pi}}{{{a}}},k\in Z\}}",),
        (
            rf"\{{x|{b}k\pi-\frac{{\pi}}{{{a}}}\le x<{b}k\pi+\frac{{\pi}}{{{a}}},k\in Z\}}",
            rf"\{{x|{b + 1}k\pi-\frac{{\pi}}{{{a}}}<x<{b + 1}k\pi+\frac{{\pi}}{{{a}}},k\in Z\}}",
        ),
    )


def joined_conditions(a: int, b: int) -> Case:
    return Case(
        rf"x \ge {a + b} \text{{ or }} x \le {a}",
        (rf"x\le {a}\text{{ or }}x\ge {a + b}", rf"(-\infty,{a}]\cup[{a + b},\infty)"),
        (rf"x\ge {a + b}\text{{ and }}x\le {a}", rf"x \ge {a + b} \text{{ or }} x \le {a + 1}"),
    )


def values_of_one_letter(a: int, b: int) -> Case:
    return Case(
        f"a = {a}, a = {a + b}",
        (f"a = {a + b}, a = {a}", f"a_1 = {a}, a_2 = {a + b}"),
        (f"a = {a}, b = {a + b}", f"b = {a}, b = {a + b}", f"a = {a}"),
    )


def durations(a: int, b: int) -> Case:
    return Case(
        rf"{a}\text{{ h }}{b}\text{{ min}}",
        (f"{a} h {b} min", rf"{60 * a + b}\text{{ minutes}}", rf"{a}\text{{ hours and }}{b}\text{{ minutes}}"),
        (
            rf"{a}\text{{ h}}",
            rf"{a}.{b}\text{{ hours}}",
            rf"{a}\text{{ h }}{b + 1}\text{{ min}}",
            rf"{a}{b}\text{{ min}}",
        ),
    )


def money_in_two_units(a: int, b: int) -> Case:
    return Case(
        rf"\${a}.{b + 10}",
        (f"{a} dollars and {b + 10} cents", f"{a} dollars, {b + 10} cents"),
        (f"{a} dollars", f"{b + 10} cents", f"€{a}.{b + 10}", f"£{a}.{b + 10}", f"{b + 10} dollars and {a} cents"),
    )


def rates(a: int, b: int) -> Case:
    return Case(
        rf"{a}\text{{ beats per minute}}",
        (f"{a}", rf"{a}\text{{ beats per minute}}"),
        (rf"{a}\text{{ beats per second}}", rf"{a}\text{{ per hour}}", f"{a + 1}"),
    )


def ratios_in_words(a: int, b: int) -> Case:
    return Case(
        f"{a}:{a + 1}",
        (f"{a} to {a + 1}", rf"{a}\text{{ to }}{a + 1}", rf"\text{{{a} to {a + 1}}}"),
        (f"{a + 1} to {a}", rf"{a}\text{{ to }}{a + 2}"),
    )


def bases(a: int, b: int) -> Case:
    return Case(
        f"{a}A_{{16}}",
        (f"0x{a}A", rf"\text{{{a}A}}_{{16}}", f"{a}a_{{16}}"),
        (f"{a}B_{{16}}", f"{a}A_{{12}}", f"{a + 1}A_{{16}}"),
    )


def values_of_gamma(a: int, b: int) -> Case:
    return Case("0", ("0",), (r"\Gamma(0)", rf"\Gamma({a})", rf"\Gamma(-{a})"))


def transposes(a: int, b: int) -> Case:
    return Case(
        rf"\begin{{pmatrix}}{a}\\{a + b}\end{{pmatrix}}",
        (f"({a},{a + b})^T", rf"\begin{{pmatrix}}{a}&{a + b}\end{{pmatrix}}^{{\top}}"),
        (f"({a + b},{a})^T", rf"\begin{{pmatrix}}{a}&{a + b}\end{{pmatrix}}"),
    )


def computed_equations(a: int, b: int) -> Case:
    return Case(
        f"{a + b}",
        (f"{a}+{b}={a + b}",),
        (f"{a} = {a + b}", rf"{a}\sim {a + b}", f"x + {a} = {a + b}", rf"\sin x = {a + b}"),
    )


KINDS = (
    whole_numbers_within_bounds, values_of_a_formula, intervals_by_whole_numbers, joined_conditions, values_of_one_letter,
    durations, money_in_two_units, rates, ratios_in_words, bases, values_of_gamma, transposes, computed_equations,
)  # fmt: skip


def examples(kind: Callable[[int, int], Case]) -> list[Case]:
    rng = Random(kind.__name__)
    return [kind(rng.randint(2, 9), rng.randint(4, 9)) for _ in range(COUNT)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_way_of_writing_is_accepted(kind: Callable[[int, int], Case]) -> None:
    assert wrongly_refused(examples(kind)) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_near_misses_of_a_kind_stay_wrong(kind: Callable[[int, int], Case]) -> None:
    assert wrongly_accepted(examples(kind)) == []


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("one fifth", r"\frac15"),
        ("two-thirds", r"\frac23"),
        ("1 in 5", r"\frac15"),
        ("minus three", "-3"),
        ("twenty-first", "21"),
    ],
)
def test_numbers_in_words_have_their_value(words: str, value: str) -> None:
    assert accepted(value, rf"\text{{{words}}}")
    assert not accepted("7", rf"\text{{{words}}}")
