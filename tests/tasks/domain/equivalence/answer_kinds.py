"""Made-up golds by kind, each with answers that mean the same and near misses that do not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Example:
    """One gold under a question, what is right and what is only near."""

    gold: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    question: str = ""


Kind = Callable[[random.Random], Example]


def congruence(r: random.Random) -> Example:
    m = r.randint(3, 40)
    a = r.randrange(m)
    return Example(
        rf"x \equiv {a} \pmod{{{m}}}",
        (rf"x\equiv {a + m}\pmod {m}", f"x = {a} (mod {m})", rf"x={m}k+{a}, k\in\mathbb{{Z}}", rf"x \equiv {a - m} \mod {m}"),
        (rf"x \equiv {a + 1} \pmod{{{m}}}", rf"x \equiv {a} \pmod{{{m + 1}}}", rf"y \equiv {a} \pmod{{{m}}}", f"x={m}", rf"x \equiv {a} \pmod{{{2 * m}}}"),
    )  # fmt: skip


def several_congruences(r: random.Random) -> Example:
    m = r.randint(4, 30)
    a, b, c = r.sample(range(m), 3)
    return Example(
        rf"n \equiv {a}, {b} \pmod{{{m}}}",
        (rf"n\equiv {b} \pmod {m} \text{{ or }} n \equiv {a} \pmod {m}", rf"n \equiv {b},{a} \pmod{{{m}}}"),
        (rf"n \equiv {a} \pmod{{{m}}}", rf"n \equiv {a}, {c} \pmod{{{m}}}", rf"n \equiv {a},{b},{c} \pmod{{{m}}}"),
    )


def logic(r: random.Random) -> Example:
    p, q = r.sample("pqrst", 2)
    return Example(
        rf"\neg {p} \lor \neg {q}",
        (rf"\neg({p} \land {q})", f"¬{q} ∨ ¬{p}", rf"{p} \to \neg {q}"),
        (rf"\neg {p} \land \neg {q}", rf"\neg({p} \lor {q})", rf"{p} \lor {q}", rf"\neg {p}"),
    )


def quantifiers(r: random.Random) -> Example:
    n = r.randint(1, 9)
    return Example(
        rf"\exists x \in \mathbb{{R}}, x^2 < {n}",
        (f"∃x∈R, x^2 < {n}", rf"\neg \forall x \in \mathbb{{R}}, x^2 \ge {n}"),
        (rf"\forall x \in \mathbb{{R}}, x^2 < {n}", rf"\exists x \in \mathbb{{R}}, x^2 < {n + 1}", rf"\exists x \in \mathbb{{R}}, x^2 \le {n}"),
    )  # fmt: skip


def points_and_intervals(r: random.Random) -> Example:
    a, gap = r.randint(-9, 9), r.randint(1, 5)
    b = a + gap
    return Example(
        rf"(-\infty,{a}] \cup \{{{b}\}}",
        (rf"x \le {a} \text{{ or }} x={b}", rf"x = {b} \text{{ or }} x \le {a}", rf"\{{x \mid x \le {a} \text{{ or }} x = {b}\}}"),
        (rf"x \le {a}", f"x={b}", rf"x < {a} \text{{ or }} x={b}", rf"x \le {a} \text{{ or }} x={b + 1}", rf"x \le {a} \text{{ or }} x \ge {b}"),
    )  # fmt: skip


def unsolved_inequality(r: random.Random) -> Example:
    a, d = r.randint(-5, 5), r.randint(1, 6)
    low, high = a - d, a + d
    middle = f"x-{a}" if a >= 0 else f"x+{-a}"
    return Example(
        f"({low},{high})",
        (f"|{middle}|<{d}", f"{low}<x<{high}", f"({middle})^2 < {d * d}"),
        (f"|{middle}|\\le {d}", f"|{middle}|<{d + 1}", f"|{middle}|>{d}", f"x<{high}"),
    )


def families(r: random.Random) -> Example:
    d = r.choice([3, 4, 6, 8])
    return Example(
        rf"x = \frac{{\pi}}{{{d}}} + k\pi, k \in \mathbb{{Z}}",
        (
            rf"\frac{{\pi}}{{{d}}} + n\pi", rf"x = \frac{{\pi}}{{{d}}} - k\pi, k\in\mathbb{{Z}}",
            rf"\frac{{\pi}}{{{d}}} + 2k\pi \text{{ or }} \frac{{\pi}}{{{d}}} + (2k+1)\pi, k\in\mathbb{{Z}}",
        ),
        (rf"x = \frac{{\pi}}{{{d}}} + 2k\pi", rf"x = -\frac{{\pi}}{{{d}}} + k\pi", rf"x = \frac{{\pi}}{{{d + 1}}} + k\pi", rf"\frac{{\pi}}{{{d}}}"),
    )  # fmt: skip


def parametric_pair(r: random.Random) -> Example:
    a, b = r.randint(1, 4), r.randint(1, 4)
    return Example(
        rf"(n, {a}n+{b}), n \in \mathbb{{Z}}",
        (rf"(m, {a}m+{b}), m \in \mathbb{{Z}}", rf"(n+1,{a}n+{a + b}), n\in\mathbb{{Z}}"),
        (rf"(n, {a}n+{b + 1}), n \in \mathbb{{Z}}", rf"(n, -{a}n+{b}), n\in\mathbb{{Z}}", rf"({a}n+{b}, n), n \in \mathbb{{Z}}"),
    )  # fmt: skip


def parametric_interval(r: random.Random) -> Example:
    d = r.choice([4, 6, 8])
    gold = r"[k\pi-\frac{\pi}{DD}, k\pi+\frac{\pi}{3}], k\in\mathbb{Z}"
    right = (gold.replace("k", "n"), r"[-\frac{\pi}{DD}+k\pi+\pi, k\pi+\frac{4\pi}{3}], k\in\mathbb{Z}")
    wrong = (
        gold.replace(r"\frac{\pi}{3}", r"\frac{4\pi}{3}"),
        gold.replace(r"[k\pi", r"[-k\pi"),
        gold.replace(r"\pi}{3}", r"\pi}{5}"),
    )
    gold, *others = (text.replace("DD", str(d)) for text in (gold, *right, *wrong))
    return Example(gold, tuple(others[: len(right)]), tuple(others[len(right) :]))


def records(r: random.Random) -> Example:
    p, q, s, t = r.sample(range(2, 60), 4)
    return Example(
        f"p={p}, q={q}; p={s}, q={t}",
        (f"({p},{q}), ({s},{t})", f"({s},{t}),({p},{q})", f"p={s}, q={t}; p={p}, q={q}"),
        (f"({p},{s}), ({q},{t})", f"({q},{p}),({t},{s})", f"p={p}, q={q}", f"({p},{q})"),
    )


def conditions(r: random.Random) -> Example:
    a = r.randint(2, 9)
    return Example(
        rf"{a}n \text{{ if }} n \text{{ is even}}, n \text{{ if }} n \text{{ is odd}}",
        (rf"n \text{{ if }} n \text{{ is odd}}, {a}n \text{{ if }} n \text{{ is even}}",),
        (rf"{a}n \text{{ if }} n \text{{ is odd}}, n \text{{ if }} n \text{{ is even}}", "n", rf"{a}n", rf"{a}n, n"),
    )


def domains(r: random.Random) -> Example:
    a, b = r.randint(2, 9), r.randint(3, 9)
    return Example(
        rf"y={a}-{b}x \text{{ for }} x>{a}",
        (rf"y={a}-{b}x (x>{a})", f"y={a}-{b}x", rf"{a}-{b}x, x > {a}"),
        (rf"y={a}-{b}x \text{{ for }} x<{a}", rf"y={a}-{b}x \text{{ for }} x>{a + 1}", rf"y={a}-{b + 1}x \text{{ for }} x>{a}"),
    )  # fmt: skip


def words_that_change(r: random.Random) -> Example:
    n = r.randint(3, 90)
    before = [
        "at least",
        "at most",
        "not",
        "negative",
        "the square root of",
        "more than",
        "fewer than",
        "multiples of",
        "half of",
        "base",
        "all but",
    ]
    behind = ["or more", "or fewer", "squared", "million", "hundred", "to 100", "or less"]
    return Example(
        str(n),
        (rf"\text{{about }}{n}", rf"{n}\text{{ apples}}", rf"\text{{Area: }} {n}"),
        (*(rf"\text{{{word} }}{n}" for word in before), *(rf"{n} \text{{ {word}}}" for word in behind)),
    )  # fmt: skip


def equations_with_unknowns(r: random.Random) -> Example:
    a, n = r.randint(2, 9), r.randint(11, 99)
    return Example(
        str(n),
        (f"x={n}", f"f(2)={n}"),
        (f"{a}x={n}", f"x+{a}={n}", f"2x+3y={n}", rf"\frac{{x}}{{{a}}}={n}", f"x^2={n}", f"{a}a={n}"),
        "Find $x$.",
    )


def asked_expression(r: random.Random) -> Example:
    n = r.randint(3, 99)
    return Example(str(n), (f"a+b={n}", str(n)), (f"a-b={n}", f"2a={n}", f"a+b={n + 1}"), "Find $a+b$.")


def near_powers(r: random.Random) -> Example:
    n = r.randint(800, 3000)
    return Example(
        rf"\frac12+(x-\frac12)^{{{n}}}",
        (rf"(x-\frac12)^{{{n}}}+\frac12", rf"\frac12+\frac{{(2x-1)^{{{n}}}}}{{2^{{{n}}}}}"),
        (rf"\frac12+(x-\frac12)^{{{n + 2}}}", rf"\frac12+(x-\frac12)^{{{n + 30}}}", r"\frac12"),
    )


def near_constants(r: random.Random) -> Example:
    a, k = r.choice([2, 3, 5, 7]), r.randint(25, 90)
    return Example(
        rf"\sqrt{{{a}}}+\sqrt{{11}}",
        (rf"\sqrt{{{a + 11}+2\sqrt{{{11 * a}}}}}", rf"\frac{{{11 - a}}}{{\sqrt{{11}}-\sqrt{{{a}}}}}"),
        (
            rf"\sqrt{{{a}}}+\sqrt{{11}}+10^{{-{k}}}",
            rf"\sqrt{{{a}}}+\sqrt{{11+10^{{-{k}}}}}",
            rf"\sqrt{{{a}}}-\sqrt{{11}}",
        ),
    )


def time_letters(r: random.Random) -> Example:
    a = r.randint(2, 900)
    return Example(
        rf"5\cos({2 * a}\pi t)",
        (rf"5\cos(2\pi\cdot{a}t)", rf"5\sin({2 * a}\pi t+\frac{{\pi}}{{2}})"),
        ("5", rf"5\cos({2 * a + 2}\pi t)", rf"5\cos({4 * a}\pi t)", "0"),
        "Find the displacement at time $t$.",
    )


def function_values(r: random.Random) -> Example:
    name, k = r.choice("NIVAX"), r.randint(2, 9)
    return Example(
        rf"{name}(0)e^{{-{k}t}}",
        (rf"\frac{{{name}(0)}}{{e^{{{k}t}}}}",),
        ("0", rf"{name}(0)e^{{{k}t}}", rf"{name}(1)e^{{-{k}t}}", rf"{name}e^{{-{k}t}}"),
    )


def unit_powers(r: random.Random) -> Example:
    n = Fraction(r.randint(101, 999), 100)
    return Example(
        rf"{float(n)} \mathrm{{~km}}^{{2}}",
        (rf"{float(n)}\text{{ km}}^2", f"{float(n)}", rf"{float(n)} \text{{ square kilometers}}"),
        (rf"{float(n)} \mathrm{{~km}}", rf"{float(n)} \mathrm{{~km}}^{{3}}", rf"{float(n)} \mathrm{{~m}}^{{2}}"),
    )


def speeds(r: random.Random) -> Example:
    n = 18 * r.randint(1, 20)
    return Example(
        rf"{n} \mathrm{{km}} / \mathrm{{h}}",
        (f"{n} km/h", rf"{5 * n // 18}\ \mathrm{{m}}/\mathrm{{sec}}", str(n)),
        (f"{n} m/s", f"{n} km/min", rf"{5 * n // 18}"),
    )


def arc_minutes(r: random.Random) -> Example:
    d, m = r.randint(1, 80), 3 * r.randint(1, 19)
    exact = f"{d + m / 60:.2f}"
    return Example(
        rf"{d}^\circ {m}'",
        (rf"{d}^{{\circ}}{m}'", rf"{exact}^\circ", f"{d}°{m}′"),
        (rf"{d}^\circ", rf"{d}^\circ {m + 1}'", rf"{d}.{m:02d}^\circ" if m != 60 else "1"),
    )


def unit_vectors(r: random.Random) -> Example:
    a, b = r.sample(range(2, 20), 2)
    return Example(
        rf"{a}\mathbf{{i}}-{b}\mathbf{{j}}",
        (f"({a},-{b})", rf"\langle {a}, -{b}\rangle", rf"{a}\vec{{i}}-{b}\vec{{j}}", rf"-{b}\hat{{j}}+{a}\hat{{i}}"),
        (f"({a},{b})", f"(-{b},{a})", rf"{a}\mathbf{{i}}+{b}\mathbf{{j}}", f"({a},-{b},1)"),
    )


def nested_lists(r: random.Random) -> Example:
    a, b, c, d = r.sample(range(1, 30), 4)
    return Example(
        rf"\begin{{pmatrix}}{a}&{b}\\{c}&{d}\end{{pmatrix}}",
        (f"[[{a},{b}],[{c},{d}]]", rf"\begin{{bmatrix}}{a}&{b}\\{c}&{d}\end{{bmatrix}}"),
        (f"[[{a},{c}],[{b},{d}]]", f"[[{a},{b}],[{c},{d + 1}]]", f"[{a},{b},{c},{d}]"),
    )


def primes_of_functions(r: random.Random) -> Example:
    k = r.randint(2, 9)
    return Example(rf"y^{{\prime}}={k}x", (f"y'={k}x", f"y' = x\\cdot {k}"), (f"y={k}x", f"y''={k}x", f"y'={k + 1}x"))


def antiderivatives(r: random.Random) -> Example:
    k = r.randint(2, 9)
    return Example(
        rf"\frac{{\sin^2({k}x)}}{{2}}+C",
        (rf"-\frac{{\cos^2({k}x)}}{{2}}+C", rf"C+\frac12\sin^2({k}x)", rf"\frac{{\sin^2({k}x)}}{{2}}+c"),
        (rf"\frac{{\cos^2({k}x)}}{{2}}+C", rf"\frac{{\sin^2({k + 1}x)}}{{2}}+C", rf"\sin^2({k}x)+C", rf"\frac{{\sin^2({k}x)}}{{2}}+x"),
    )  # fmt: skip


def constants_renamed(r: random.Random) -> Example:
    k = r.randint(2, 9)
    return Example(
        rf"y=C_1e^{{{k}x}}+C_2e^{{-{k}x}}",
        (rf"y=Ae^{{{k}x}}+Be^{{-{k}x}}", rf"c_1e^{{{k}x}}+c_2e^{{-{k}x}}"),
        (rf"y=Ae^{{{k}x}}+Ae^{{-{k}x}}", rf"y=Ae^{{{k + 1}x}}+Be^{{-{k}x}}", rf"y=Ae^{{{k}x}}"),
        f"Solve $y''={k * k}y$, where $y$ depends on $x$.",
    )


def piecewise(r: random.Random) -> Example:
    a = r.randint(1, 9)
    return Example(
        rf"\begin{{cases}} x-{a} & x\ge {a}\\ {a}-x & x<{a}\end{{cases}}",
        (rf"|x-{a}|", rf"\begin{{cases}} {a}-x & x\le {a}\\ x-{a} & x>{a}\end{{cases}}", rf"|{a}-x|"),
        (f"x-{a}", rf"|x-{a + 1}|", rf"\begin{{cases}} x-{a} & x > {a}\\ {a}-x & x<{a}\end{{cases}}", rf"\begin{{cases}} {a}-x & x\ge {a}\\ x-{a} & x<{a}\end{{cases}}"),
    )  # fmt: skip


def series(r: random.Random) -> Example:
    a = r.randint(2, 6)
    return Example(
        rf"\sum_{{k=1}}^{{n}} {a}k",
        (rf"\frac{{{a}n(n+1)}}{{2}}", rf"{a}\cdot\frac{{n^2+n}}{{2}}"),
        (rf"\frac{{{a}n(n-1)}}{{2}}", rf"\frac{{{a + 1}n(n+1)}}{{2}}", f"{a}n"),
    )


def repeating_decimals(r: random.Random) -> Example:
    d = r.randint(1, 8)
    value = Fraction(1, 10) + Fraction(d, 90)
    return Example(
        rf"\frac{{{value.numerator}}}{{{value.denominator}}}",
        (f"0.1({d})", f"0.1{d}{d}{d}...", rf"0.1\overline{{{d}}}"),
        (f"0.1{d}", f"0.({d})", f"0.1({d + 1})"),
    )


def combinations(r: random.Random) -> Example:
    n = r.randint(5, 12)
    return Example(
        str(n * (n - 1) // 2),
        (f"C({n},2)", f"{n}C2", rf"\binom{{{n}}}{{2}}", rf"C_{n}^2" if n < 10 else rf"C_{{{n}}}^2"),
        (f"C({n},3)" if n != 5 else f"C({n},1)", f"{n + 1}C2", f"C({n + 1},2)"),
    )


def longer_decimals(r: random.Random) -> Example:
    n = 100 * r.randint(1, 9) + r.randint(1, 99)  # a whole number is exact
    return Example(
        f"{n / 100:.2f}",
        (f"{n / 100 + 0.0031:.4f}", f"{n / 100 - 0.0042:.5f}"),
        (f"{n / 100 + 0.0061:.4f}", f"{n / 100 + 0.01:.2f}", f"{n / 100 + 0.003:.3f}", f"{n / 100 - 0.0062:.4f}"),
    )


def order_of_data(r: random.Random) -> Example:
    a, b = r.sample(range(2, 60), 2)
    question = "Two circles have radii $r$ and $s$, respectively. Find all possible values of $d$."
    return Example(f"{a}, {b}", (f"{b}, {a}", f"{a},{b}"), (f"{a}", f"{a},{b + 1}"), question)


def order_of_answers(r: random.Random) -> Example:
    a, b = r.sample(range(2, 60), 2)
    return Example(f"{a}, {b}", (f"{a},{b}",), (f"{b}, {a}",), "Find $x$ and $y$, respectively.")


def several_options(r: random.Random) -> Example:
    letters = sorted(r.sample("ABCDE", 3))
    other = next(letter for letter in "ABCDE" if letter not in letters)
    joined = "".join(letters)
    return Example(joined, (", ".join(letters), " and ".join(letters), rf"\text{{{joined[::-1]}}}"), (joined[:2], joined[0], f"{joined[:2]}{other}", "ABCDE"))  # fmt: skip


def option_by_letter(r: random.Random) -> Example:
    values = r.sample(range(10, 99), 4)
    question = "What is it? " + " ".join(f"({letter}) {value}" for letter, value in zip("ABCD", values, strict=True))
    return Example(str(values[1]), ("(B)", r"\textbf{(B)}", f"(B) {values[1]}"), ("(A)", "C", f"{values[0]}"), question)


def dates(r: random.Random) -> Example:
    d = r.randint(1, 27)
    return Example(
        rf"\text{{June {d}}}",
        (f"{d} June", f"June {d}th", f"the {d}th of June"),
        (f"June {d + 1}", str(d), f"July {d}"),
    )


def signs_in_pairs(r: random.Random) -> Example:
    a, b = r.sample(range(1, 20), 2)
    return Example(
        rf"(\pm{a},\pm{b})",
        (f"({a},{b}),({a},-{b}),(-{a},{b}),(-{a},-{b})", rf"(\pm {a}, \pm {b})"),
        (f"({a},{b})", f"({a},{b}),(-{a},{b})", rf"(\pm{b},\pm{a})"),
    )


def one_name_two_values(r: random.Random) -> Example:
    a, b, c = r.sample(range(1, 30), 3)
    return Example(
        f"x={a}, y={b}",
        (f"y={b}, x={a}", f"x={a} and y={b}", f"({a},{b})", f"x={a}, y={b}, x={a}"),
        (f"x={a}, y={b} = x={b}, y={a}", f"x={a}, y={b}, y={a}", f"x={b}, y={a}", f"x={a}, y={c}", f"x={a}"),
    )


def equations_side_by_side(r: random.Random) -> Example:
    a, b = r.sample(range(1, 30), 2)
    return Example(f"x={a}", (f"(x={a})", str(a)), (f"(x={a})(x={b})", f"(x={b})(x={a})", f"(x={a})(y={a})"))


def powers_of_units(r: random.Random) -> Example:
    a = r.randint(2, 90)
    unit = r.choice(["cm", "km", "ft"])
    return Example(
        rf"{a} \text{{ {unit}}}^2",
        (rf"{a}\text{{ {unit}}}^{{2}}", rf"{a} \text{{ {unit}}}^{{\text{{2}}}}", str(a)),
        (rf"{a} \text{{ {unit}}}", rf"{a} \text{{ {unit}}}^{{{a} \text{{ {unit}}}}}", rf"{a} \text{{ {unit}}}^x", rf"{a} \text{{ {unit}}}^3"),
    )  # fmt: skip


def bounds_in_words(r: random.Random) -> Example:
    a = r.randint(3, 90)
    least, most = (
        (f"at least {a}", f"{a} or more", f"{a} or greater", f"no fewer than {a}", f"no less than {a}", rf"\text{{at least }} {a}"),
        (f"at most {a}", f"{a} or fewer", f"{a} or less", f"no more than {a}", rf"{a} \text{{ or less}}"),
    )  # fmt: skip
    right, wrong = r.choice([(least, most), (most, least)])
    return Example(right[0], right[1:], (*wrong, str(a), f"more than {a}", right[0].replace(str(a), str(a + 1))))


def things_with_the_same_figures(r: random.Random) -> Example:
    a, b = r.sample(range(2, 30), 2)
    thing, other = r.sample(["circle", "sphere", "ellipse", "parabola", "hyperbola"], 2)
    said = f"the {{}} with vertex $({a},{b})$ and parameter ${a}$"
    return Example(
        said.format(thing),
        (said.format(thing).capitalize(),),
        (said.format(other), f"the {thing} with vertex $({a},{b})$ and parameter ${b}$"),
    )


def unsolved_functions(r: random.Random) -> Example:
    a = r.randint(2, 30)
    return Example(
        str(a),
        (f"x={a}", f"f(3)={a}", f"|AB|={a}"),
        (f"|x|={a}", rf"\sqrt{{x}}={a}", rf"\log x={a}", rf"\ln y = {a}", f"x^2={a}"),
    )


def figures_of_their_own(r: random.Random) -> Example:
    a, b = r.sample(range(2, 60), 2)
    return Example(
        f"Anna has ${a}$ and Boris has ${b}$", (f"{a}, {b}", f"{a} and {b}"), (f"{b}, {a}", str(b), str(a), f"{a}, {a}")
    )


def value_of_an_option(r: random.Random) -> Example:
    a = r.sample(range(10, 99), 3)
    question = f"What is it? (A) ${a[0]}$ (B) ${a[1]}$ (C) ${a[2]}$"
    return Example(
        "B", ("B", "(B)", str(a[1]), f"(B) {a[1]}"), ("A", "(C)", str(a[0]), str(a[2]), str(a[1] + 100)), question
    )


def builders_to_solve(r: random.Random) -> Example:
    a = r.randint(1, 9)
    return Example(
        rf"\{{x \mid x^2<{a * a}\}}",
        (f"(-{a},{a})", f"-{a}<x<{a}", f"|x|<{a}"),
        (f"[-{a},{a}]", f"(-{a},{a + 1})", f"x<{a}", rf"\{{x \mid x^2>{a * a}\}}"),
    )


def cases_in_one_text(r: random.Random) -> Example:
    a = r.randint(2, 30)
    said = r"{} \text{{ if n is {}, }} {} \text{{ if n is {}}}"
    return Example(
        said.format("n", "even", f"{a}n", "odd"),
        (said.format(f"{a}n", "odd", "n", "even"),),
        (said.format(f"{a}n", "even", "n", "odd"), "n", f"{a}n"),
    )


KINDS: tuple[Kind, ...] = (
    one_name_two_values, equations_side_by_side, powers_of_units, bounds_in_words, things_with_the_same_figures, unsolved_functions,
    figures_of_their_own, value_of_an_option, builders_to_solve, cases_in_one_text,
    congruence, several_congruences, logic, quantifiers, points_and_intervals, unsolved_inequality, families, parametric_pair,
    parametric_interval, records, conditions, domains, words_that_change, equations_with_unknowns, asked_expression, near_powers,
    near_constants, time_letters, function_values, unit_powers, speeds, arc_minutes, unit_vectors, nested_lists,
    primes_of_functions, antiderivatives, constants_renamed, piecewise, series, repeating_decimals, combinations,
    longer_decimals, order_of_data, order_of_answers, several_options, option_by_letter, dates, signs_in_pairs,
)  # fmt: skip


def examples(kind: Kind, count: int) -> Iterator[Example]:
    """The same examples every time."""
    rng = random.Random(kind.__name__)
    return (kind(rng) for _ in range(count))
