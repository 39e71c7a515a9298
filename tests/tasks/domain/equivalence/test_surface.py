"""Each rule that reads words as mathematics: what it accepts, on made-up values, and the near misses that stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
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


def congruences(n: int, m: int) -> Case:
    forms = (rf"x \equiv {n} \ (\mathrm{{mod}}\ {m})", f"x ≡ {n} (mod {m})", rf"x \equiv {n} \text{{ (mod }} {m})")
    wrong = (f"x ≡ {n + 1} (mod {m})", f"x ≡ {n} (mod {m + 1})", f"x = {n}", rf"x \equiv {m} \text{{ (mod }} {n})")
    return Case(rf"x\equiv {n}\pmod{{{m}}}", forms, wrong)


def minutes_of_arc(n: int, m: int) -> Case:
    k = m % 50 + 5
    right = (f"{n} degrees {k} minutes", rf"{n}\text{{ degrees }}{k}\text{{ minutes}}", f"{n}° {k}'")
    return Case(
        rf"{n}^\circ {k}'", right, (f"{n} degrees", f"{n} degrees {k + 1} minutes", f"{n}.{k}°", f"{k} minutes")
    )


def choosing(n: int, m: int) -> Case:
    right = (
        f"{n} choose 3",
        rf"{n} \text{{ choose }} 3",
        rf"\mathrm{{C}}_{{{n}}}^3",
        f"C_{{{n}}}^{{3}} = {comb(n, 3)}",
    )
    return Case(f"{comb(n, 3)}", right, (f"{n} choose 4", f"3 choose {n}", f"{n} 3", f"C_{{{n}}}^{{4}} = {comb(n, 3)}"))


def choosing_with_letters(n: int, m: int) -> Case:
    return Case(r"\binom{n}{2}", ("C_n^2", "{}_nC_2", r"\frac{n(n-1)}{2}"), ("C_n^3", "C^2", "n^2", "C_m^2 n"))


def spaced_thousands(n: int, m: int) -> Case:
    wrong = (f"{n},{m:03d}5", f"{n} {m:03d},6", f"{n}.{m:03d}5", f"{n}, {m}.5")
    return Case(f"{n}{m:03d}.5", (f"{n} {m:03d}.5", f"{n} {m:03d},5"), wrong)


def dotted_thousands(n: int, m: int) -> Case:
    right = (f"{n}.{m:03d}.000", f"{n} {m:03d} 000")
    return Case(f"{n}{m:03d}000", right, (f"{n}.{m:03d}", f"{n}.{m:03d}.001", f"{n}.{m:03d}.00"))


def exceptions(n: int, m: int) -> Case:
    right = (
        f"all real numbers except {n}",
        rf"\text{{all real numbers except }}{n}",
        rf"\mathbb{{R}}\setminus\{{{n}\}}",
    )
    wrong = (
        "all real numbers",
        f"all real numbers except {n + 1}",
        f"{n}",
        f"all integers except {n}",
        "all nonzero real numbers",
    )
    return Case(rf"(-\infty,{n})\cup({n},\infty)", right, wrong)


def numbered_parts(n: int, m: int) -> Case:
    right = (f"(i) {n} (ii) {m}", f"(1) {n}; (2) {m}", f"a) {n} b) {m}", rf"\text{{(i) }} {n}, \text{{(ii) }} {m}")
    return Case(f"{n}, {m}", right, (f"(i) {n}", f"(i) {n} (ii) {m + 1}", f"(1) {n}", f"(2) {n} (1) {m}1"))


def constants_in_words(n: int, m: int) -> Case:
    right = (rf"{n}\sin x + \text{{constant}}", f"{n}\\sin x + const", rf"{n}\sin x + C")
    return Case(rf"{n}\sin x + C", right, (rf"{n}\sin x + \text{{constant}} x", rf"{n}\cos x + \text{{constant}}"))


def swapped_constants(n: int, m: int) -> Case:
    gold = rf"y=C_1\cos {n}x+C_2\sin {n}x"
    right = (rf"y=A\sin {n}x+B\cos {n}x", rf"y=A\cos {n}x+B\sin {n}x")
    return Case(gold, right, (rf"y=A\sin {n}x+A\cos {n}x", rf"y=A\sin {n}x", rf"y=A\sin {n + 1}x+B\cos {n}x"))


def quotients(n: int, m: int) -> Case:
    right = (f"NO/BO={n}/{m}", rf"NO:BO={n}:{m}", rf"\frac{{|NO|}}{{|BO|}}=\frac{{{n}}}{{{m}}}")
    wrong = (f"NO/BO={m}/{n}", f"NO:BO={m}:{n}", f"BO/NO={n}/{m}", f"NO={n}", f"NO:BO={n + 1}:{m}")
    return Case(rf"\frac{{NO}}{{BO}}=\frac{{{n}}}{{{m}}}", right, wrong)


def lists_in_text(n: int, m: int) -> Case:
    right = (f"{n}, {m}", rf"{m} \text{{ and }} {n}", rf"\{{{n},{m}\}}")
    return Case(rf"\text{{{n} and {m}}}", right, (f"{n}", f"{n + m}", f"{n}, {m + 1}", f"{n}{m}"))


def joined_bounds(n: int, m: int) -> Case:
    right = (rf"x\ge {n} \text{{ and }} x\le {m + 100}", rf"[{n},{m + 100}]", rf"{n}\le x\le {m + 100}")
    wrong = (rf"x\ge {n} \text{{ or }} x\le {m + 100}", rf"x\ge {n}", rf"x \le {n} \text{{ or }} x\ge {m + 100}")
    return Case(rf"x\in[{n},{m + 100}]", right, wrong)


def junctions(n: int, m: int) -> Case:
    return Case(r"p\land q", (r"q\wedge p", "p∧q"), (r"p\lor q", "p∨q", "p", r"\neg p\land q"))


def bound_letters(n: int, m: int) -> Case:
    gold = rf"\exists x_0\in\mathbb{{R}}, x_0^2+{n}<0"
    right = (
        rf"\exists x\in\mathbb{{R}}, x^2+{n}<0",
        rf"\exists x_{{0}} \in \mathbb{{R}}, x_{{0}}^{{2}}+{n}<0",
        f"∃x∈R, x²+{n}<0",
    )
    wrong = (
        rf"\forall x\in\mathbb{{R}}, x^2+{n}<0",
        rf"\exists x\in\mathbb{{R}}, x^2+{n}>0",
        rf"\exists x\in\mathbb{{R}}, x^2+{n + 1}<0",
    )
    return Case(gold, right, wrong)


def ordinals_with_the(n: int, m: int) -> Case:
    wrong = (rf"\text{{the {n + 1}th}}", rf"\text{{the {n}th power}}", rf"\text{{the {n}th root}}", f"{n}th root")
    return Case(f"{n}th", (rf"\text{{the {n}th}}", f"{n}", f"the {n}th"), wrong)


def weekdays(n: int, m: int) -> Case:
    right = (r"\text{Wed}", r"\text{on Wednesday}", "Wednesday")
    return Case(
        r"\text{Wednesday}", right, (r"\text{Thu}", r"\text{on Thursday}", r"\text{not Wednesday}", r"\text{Wend}")
    )


def written_times(n: int, m: int) -> Case:
    right = (f"{n} x 10^{{-3}}", rf"{n}\times10^{{-3}}", f"{n}e-3")
    return Case(f"0.0{n}", right, (f"{n} x 10^{{3}}", f"{n} x 10^{{-2}}", f"{n} x", f"{n}x^{{-3}}"))


RULES: tuple[Callable[[int, int], Case], ...] = (
    signs_in_words, positive, powers_in_words, roots_in_words, scales, a_scale_of_the_gold, units_in_brackets, remarks_in_brackets,
    percent_in_words, digit_groups, continental_digits, items_by_quad, parts, plus_minus, comparisons, strict_comparisons, bounds,
    claims_are_never_dropped, kinds_never_contradict, sentences, cases_in_words, statements_by_number, segments,
    congruences, minutes_of_arc, choosing, choosing_with_letters, spaced_thousands, dotted_thousands, exceptions, numbered_parts, constants_in_words,
    swapped_constants, quotients, lists_in_text, joined_bounds, junctions, bound_letters, ordinals_with_the, weekdays, written_times,
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
