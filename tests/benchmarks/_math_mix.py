"""The mix that grading speed is measured on: 200 made-up problems of the kinds MATH has, 32 samples of each.

Kinds stand in the proportions of the MATH test golds. Samples of one problem repeat a few answers, as a policy's do: some
spell the gold as it is, some differently, some are wrong. Each sample is a whole solution of about a thousand characters.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

PROBLEMS = 200
SAMPLES = 32
SHARE_RIGHT = 0.55  # of the samples; a third of them in another spelling than the gold's
STEPS = (
    r"We start from the given relation ${a}x + {b} = {c}$ and isolate the unknown, so that $x = \frac{{{c} - {b}}}{{{a}}}$.",
    r"Substituting $u = {a}t$ gives \[\int_0^{{{b}}} u^2 \, du = \frac{{{b}^3}}{{3}},\] which we keep in mind for later.",
    r"By the Pythagorean theorem the hypotenuse is $\sqrt{{{a}^2 + {b}^2}}$, and its square is $\boldsymbol{{{c}}}$.",
    r"There are $\binom{{{c}}}{{{a}}}$ ways to choose, of which {b} do not count because two neighbours sit together.",
    r"Note that $\sin^2 \theta + \cos^2 \theta = 1$, hence $\tan \theta = \frac{{{a}}}{{{b}}}$ in the first quadrant.",
    r"Comparing coefficients of $x^{a}$ on both sides, we find $p + q = {b}$ and $pq = {c}$.",
    r"Let me check this with small numbers: for $n = {a}$ we get {b}, for $n = {b}$ we get {c}, as expected.",
    r"Adding the equations eliminates $y$: \begin{{align*}} {a}x + y &= {b} \\ x - y &= {c} \end{{align*}}",
)


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its share of MATH in percent, and (gold, other right spellings, wrong answers) from a seed."""

    name: str
    share: float
    make: Callable[[random.Random], tuple[str, list[str], list[str]]]


@dataclass(frozen=True)
class Row:
    """One sample: the kind, the problem's number, its gold, the solution's text, and whether it is right."""

    kind: str
    problem: int
    gold: str
    text: str
    right: bool


def _integer(r: random.Random) -> tuple[str, list[str], list[str]]:
    n = r.choice([r.randint(0, 50), r.randint(51, 999), r.randint(1000, 99999)])
    return (
        str(n),
        [f"{n:,}", f"{n}.0", f"{n} \\text{{ units}}", f"x = {n}"],
        [str(n + 1), str(-n - 1), str(2 * n + 3), f"{n}1"],
    )


def _fraction(r: random.Random) -> tuple[str, list[str], list[str]]:
    q = r.randint(2, 40)
    p = r.choice([top for top in range(1, 41) if gcd(top, q) == 1])
    right = [
        f"\\dfrac{{{p}}}{{{q}}}",
        f"{p}/{q}",
        f"\\frac{{{2 * p}}}{{{2 * q}}}",
        f"\\left(\\frac{{{p}}}{{{q}}}\\right)",
    ]
    return (
        f"\\frac{{{p}}}{{{q}}}",
        right,
        [f"\\frac{{{q}}}{{{p + 1}}}", f"-\\frac{{{p}}}{{{q}}}", f"{p}", f"\\frac{{{p + 1}}}{{{q}}}"],
    )


def _root(r: random.Random) -> tuple[str, list[str], list[str]]:
    k, m = r.randint(2, 12), r.choice([2, 3, 5, 6, 7, 10])
    right = [f"\\sqrt{{{k * k * m}}}", f"{k} \\cdot \\sqrt {m}", f"\\frac{{{k * m}}}{{\\sqrt{{{m}}}}}", f"{k}√{m}"]
    return (
        f"{k}\\sqrt{{{m}}}",
        right,
        [f"{m}\\sqrt{{{k}}}", f"{k + 1}\\sqrt{{{m}}}", f"{k * m}", f"\\frac{{{k}\\sqrt{{{m}}}}}{{2}}"],
    )


def _pi(r: random.Random) -> tuple[str, list[str], list[str]]:
    p, q = r.randint(1, 30), r.choice([2, 3, 4, 6])
    gold = f"\\frac{{{p}\\pi}}{{{q}}}"
    return (
        gold,
        [f"\\frac{{{p}}}{{{q}}}\\pi", f"{p}\\pi/{q}", f"{p}π/{q}"],
        [f"{p}\\pi", f"\\frac{{{p + 1}\\pi}}{{{q}}}", f"\\frac{{{p}}}{{{q}}}"],
    )


def _polynomial(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b, c = r.randint(2, 9), r.randint(1, 9), r.randint(1, 9)
    gold = f"{a}x^2 + {b}x - {c}"
    right = [f"{b}x+{a}x^2-{c}", f"-{c} + {b}x + {a}x^{{2}}", f"x({a}x+{b})-{c}"]
    return gold, right, [f"{a}x^2 + {b}x + {c}", f"{a}x^2 + {b}x", f"{a}x^2 + {b + 1}x - {c}", f"{a}x^3 + {b}x - {c}"]


def _tuple(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = r.randint(-9, 9), r.randint(10, 20)
    return (
        f"({a}, {b})",
        [f"\\left({a},{b}\\right)", f"(x,y) = ({a},{b})", f"({a}.0,{b})"],
        [f"({b}, {a})", f"({a}, {-b})", f"[{a}, {b}]"],
    )


def _interval(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = r.randint(-9, 0), r.randint(1, 9)
    gold = f"[{a}, {b}) \\cup ({b}, \\infty)"
    return (
        gold,
        [f"({b},\\infty)\\cup[{a},{b})", f"[{a}, ∞) \\setminus \\{{{b}\\}}"],
        [f"[{a}, \\infty)", f"({a}, {b}) \\cup ({b}, \\infty)", f"x > {a}"],
    )


def _list(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b, m = r.randint(1, 9), r.randint(10, 19), r.choice([2, 3, 5])
    gold = f"{a}, {b}, {a} + \\sqrt{{{m}}}"
    return (
        gold,
        [f"{b}, {a}, \\sqrt{{{m}}} + {a}", f"{a}, \\sqrt{m}+{a} \\text{{ and }} {b}"],
        [f"{a}, {b}", f"{a}, {b}, {a} - \\sqrt{{{m}}}"],
    )


def _matrix(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b, c, d = (r.randint(-9, 9) for _ in range(4))
    gold = f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} + \\frac{{1}}{{2}} \\end{{pmatrix}}"
    right = [f"\\begin{{bmatrix}}{a}&{b}\\\\{c}&{d + 0.5}\\end{{bmatrix}}"]
    return (
        gold,
        right,
        [
            f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}",
            f"\\begin{{pmatrix}} {a} \\\\ {d} \\end{{pmatrix}}",
        ],
    )


def _degrees(r: random.Random) -> tuple[str, list[str], list[str]]:
    n = r.randint(10, 170)
    return (
        f"{n}^\\circ",
        [f"{n}", f"{n}^{{\\circ}}", f"{n}°", f"{n}\\text{{ degrees}}"],
        [f"{n + 10}^\\circ", f"{180 - n + 1}^\\circ", f"{n}\\pi"],
    )


def _money(r: random.Random) -> tuple[str, list[str], list[str]]:
    n = r.randint(100, 9999) / 100
    return (
        f"\\${n:.2f}",
        [f"{n:.2f}", f"${n:.2f}", f"{n:.2f} \\text{{ dollars}}"],
        [f"\\${n + 1:.2f}", f"\\${n / 10:.2f}", f"{n * 100:.0f}"],
    )


def _words(r: random.Random) -> tuple[str, list[str], list[str]]:
    name, other = r.sample(["Alice", "Bertram", "east", "Saturday", "isosceles", "(C)", "(D)", "odd"], 2)
    return f"\\text{{{name}}}", [name, f"\\textbf{{{name}}}"], [f"\\text{{{other}}}", other, "5"]


def _trigonometric(r: random.Random) -> tuple[str, list[str], list[str]]:
    k = r.randint(2, 5)
    gold = f"2 \\sin {k}x \\cos x"
    return (
        gold,
        [f"\\sin({k + 1}x) + \\sin({k - 1}x)", f"2\\cos x \\sin({k}x)"],
        [f"2 \\sin {k}x \\sin x", f"\\sin {k + 1}x", f"2 \\sin {k}x"],
    )


def _equation(r: random.Random) -> tuple[str, list[str], list[str]]:
    a, b, c = r.randint(2, 9), r.randint(2, 9), r.randint(1, 9)
    gold = f"{a}x - {b}y + {c} = 0"
    return (
        gold,
        [f"y = \\frac{{{a}x + {c}}}{{{b}}}", f"{b}y = {a}x + {c}"],
        [f"{a}x + {b}y + {c} = 0", f"y = \\frac{{{a}x - {c}}}{{{b}}}"],
    )


KINDS = (
    Kind("integer", 64, _integer), Kind("fraction", 10, _fraction), Kind("root", 5, _root), Kind("pi", 2.5, _pi),
    Kind("polynomial", 4, _polynomial), Kind("tuple", 3, _tuple), Kind("interval", 1.5, _interval), Kind("list", 1.5, _list),
    Kind("matrix", 1.5, _matrix), Kind("degrees", 2, _degrees), Kind("money", 1.5, _money), Kind("words", 1.5, _words),
    Kind("trigonometric", 1, _trigonometric), Kind("equation", 1, _equation),
)  # fmt: skip


def mix(seed: int = 0) -> list[Row]:
    """PROBLEMS x SAMPLES rows, the samples of one problem together."""
    r = random.Random(seed)
    rows: list[Row] = []
    kinds = [kind for kind in KINDS for _ in range(max(2, round(kind.share * PROBLEMS / 100)))]
    for problem, kind in enumerate(r.sample(kinds, min(PROBLEMS, len(kinds)))):
        gold, spellings, wrong = kind.make(r)
        for _ in range(SAMPLES):
            right = r.random() < SHARE_RIGHT
            answer = (gold if r.random() < 0.67 else r.choice(spellings)) if right else r.choice(wrong)
            rows.append(Row(kind.name, problem, gold, solution(answer, r), right))
    return rows


def solution(answer: str, r: random.Random) -> str:
    """A worked solution of some lines that ends in the boxed answer."""
    lines = [step.format(a=r.randint(2, 9), b=r.randint(2, 30), c=r.randint(31, 99)) for step in r.choices(STEPS, k=10)]
    return "\n\n".join([*lines, f"Therefore, the answer is $\\boxed{{{answer}}}$."])
