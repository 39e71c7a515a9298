"""No junk is an answer: undefined, infinite, empty, self-referential and worded nonsense against every form of gold."""

from __future__ import annotations

from itertools import product

import pytest

from tasks.domain.equivalence.decide import decide

UNDEFINED = (
    r"\ln 0", r"\log 0", r"-\ln 0", r"\lg 0", r"\ln(\sin 0)", r"\ln(1-1)", r"\log_2 0", r"\frac{1}{0}", r"\frac{0}{0}", r"0^{-1}",
    r"\frac{1}{\ln 1}", r"\tan 90^\circ", r"\cot 0", r"\sec 90^\circ", r"\frac{1}{\sin\pi-\sin\pi}", r"\log_1 5", r"\log_0 5",
    r"\infty-\infty", r"\frac{\infty}{\infty}", r"0\cdot\infty", r"(-1)!", r"\ln 0-\ln 0", r"0\cdot\ln 0", r"\sum_{n=1}^{\infty} n",
    r"9^{9^{9^9}}", r"-9^{9^{9^9}}", r"\frac{1}{9^{9^{9^9}}-9^{9^{9^9}}}", r"\sin(9^{9^{9}})",
)  # fmt: skip
AROUND = (
    "{}", "{} + 5", "x={}", r"{}\%", r"{}\text{{ cm}}", "({0},{0})", "[{0},{0}]", "{0}:{0}", r"\{{{0}\}}", r"x\le {}", "({0},3]",
    r"\sqrt{{{}}}", r"\begin{{pmatrix}}{0}\\{0}\end{{pmatrix}}", "{0},{0},{0}", "x={0}, y={0}", r"\frac{{{0}}}{{{0}}}", r"\${}",
)  # fmt: skip
NONSENSE = (
    "", " ", "?", "...", r"\ldots", "nan", "NaN", "None", "null", "undefined", r"\text{undefined}", r"\text{the answer}", "answer",
    "the same as the gold", "any number", r"\text{any number}", "everything", r"\text{all of the above}", r"\boxed{}", "x", "a+b", "?!",
    "----", "()", "[]", r"\{\}", ",", ";", "1=1", "0=0", "x=x", r"\text{true}", "I do not know", r"\text{not sure}",
    r"\{x \mid x = x\}", r"\mathbb{C}", "e^{i", r"\frac{}{}", "^", "_", r"\pm", "=",
)  # fmt: skip
GOLDS = (
    "5", "-7", "0", "1", r"\frac34", "0.75", r"\sqrt{2}", r"\ln 5", r"50\%", r"5\text{ cm}", r"\$5", "(3,4)", "[1,2]", r"x\le 3",
    r"(-\infty,3]", "3:4", "12:30", "1,2,3", r"\{1,2\}", "x=5", "x=5, y=3", "y=2x+1", "x^2+1", r"\begin{pmatrix}1\\2\end{pmatrix}",
    r"\emptyset", r"\text{no solution}", r"\text{Yes}", "C", r"k\pi, k\in\mathbb{Z}", r"1011_2", r"30^\circ", r"\infty", "3+4i",
)  # fmt: skip


@pytest.mark.parametrize("gold", GOLDS)
def test_undefined_values_equal_nothing(gold: str) -> None:
    junk = [form.format(value) for value, form in product(UNDEFINED, AROUND)]
    assert [answer for answer in junk if _accepted(gold, answer)] == []


@pytest.mark.parametrize("gold", GOLDS)
def test_nonsense_equals_nothing(gold: str) -> None:
    meant = {
        r"\emptyset": ("()", "[]", r"\{\}", ""),
        r"\text{no solution}": (r"\{\}", "None"),
        r"\text{Yes}": (r"\text{true}",),
    }
    meant[r"\emptyset"] += ("None",)
    assert [answer for answer in NONSENSE if answer not in meant.get(gold, ()) and _accepted(gold, answer)] == []


def _accepted(gold: str, answer: str) -> bool:
    return decide([gold, answer, "|-||", "wrong"])[0] == "correct"
