"""A hundred answers made to hang, crash or fill the memory of a grader."""

from __future__ import annotations

DEEP = 3000


def _nested(left: str, right: str, depth: int, core: str = "1") -> str:
    return left * depth + core + right * depth


def _tower(base: str, height: int) -> str:
    text = base
    for _ in range(height - 1):
        text = f"{base}^{{{text}}}"
    return text


def _matrix(rows: int, columns: int) -> str:
    body = r"\\".join("&".join("1" * 1 for _ in range(columns)) for _ in range(rows))
    return rf"\begin{{pmatrix}}{body}\end{{pmatrix}}"


POWERS = [
    *(_tower(base, height) for base in ("9", "5", "x", "e", "(-2)", r"\frac{1}{2}", "10") for height in (4, 6, 30)),
    "10^{10^{10}}", "2^{2^{100}}", "7^{10^{10}}", "(1/3)^{10^9}", "0^{-1}", "0^0", "2^{-2^{64}}", r"\sqrt[0]{5}", r"\sqrt[10^9]{2}",
    "(x+1)^{100000}", "(x+y+z)^{999999}", "1.000000001^{10^{15}}", "i^{i^{i^{i}}}", "e^{e^{e^{e^{e}}}}", "10^{-10^{10}}",
]  # fmt: skip
FACTORIALS = [
    "1000000!", "(10^{9})!", "10!!!!!!!!!!!!", "((5!)!)!", r"\binom{10^9}{5\cdot 10^8}", r"\binom{100000}{50000}", "(-1)!", "(1/2)!",
    r"\binom{-5}{3}", r"\frac{(10^6)!}{(10^6-1)!}", "170!^{170!}", r"\gcd(10^{100000}, 7)", r"\lcm(10^{300}+1, 3^{500})",
]  # fmt: skip
NESTING = [
    _nested("(", ")", DEEP), _nested("{", "}", DEEP), _nested(r"\frac{", "}{2}", 500), _nested(r"\sqrt{", "}", DEEP), "(" * 50000,
    ")" * 50000, _nested("[", "]", 39), _nested("(", ")", 39), _nested("-", "", 3500), _nested("|", "|", 200), "-" * 50000 + "1",
    _nested(r"\left(", r"\right)", 300), "x^" * 1000 + "2", "x_" * 1000 + "1", _nested(r"\text{", "}", 500), "f(" * 39 + "x" + ")" * 39,
    _nested(r"\begin{pmatrix}", r"\end{pmatrix}", 60), r"\sin" * 1000 + "x", "1/" * 1400 + "1", "!" * 3000, "1" + "!" * 1400,
    _nested(r"\{", r"\}", 300), "{" * 30 + "1", r"\frac" * 700, r"\sqrt" * 900 + "2", "'" * 3000, "x" + "'" * 2000,
]  # fmt: skip
LONG = [
    "1" * 100_000, "x+" * 50_000 + "1", r"\frac{1}{2}" * 10_000, " " * 100_000 + "5", r"\," * 40_000 + "5", "1," * 2000 + "1", "9" * 400,
    "(1,2)," * 600 + "(1,2)", r"\pm 1" * 60, "1 and " * 500 + "2", "x=1 or " * 400 + "x=2", r"\cup".join(f"({n},{n + 1})" for n in range(300)),
    "<".join(f"x_{n}" for n in range(800)), _matrix(19, 19), _matrix(100, 100), _matrix(1, 1400), r"\begin{vmatrix}" + "1&" * 30 + "1" + r"\end{vmatrix}",
    "0." + "3" * 398, "1e999999", "1e-999999", "1.5e99999^2", "0." + "0" * 300 + "1", "+".join(f"a_{{{n}}}^{n}" for n in range(200)),
    "*".join(f"(x-{n})" for n in range(300)), "\n" * 50_000 + "5", "#" * 50_000, "$" * 50_000, "\\" * 5_000, "answer is " * 9_000, "boxed{" * 9_000,
    r"\boxed{" * 9_000, r"\boxed{1}" * 9_000, "<think>" * 9_000, "A:\n" * 20_000, "is is " * 20_000,
]  # fmt: skip
UNICODE = [
    "x\u0301" * 1500, "\u202e5\u202c", "５" * 399, "𝟓𝟐", "½" * 400, "²" * 1000, "₂" * 1000, "٣٤", "\u200b" * 3000 + "5", "\ud800", "∞" * 500, "√" * 900 + "2",
    "①②③" * 300, "−" * 900 + "1", "\x00\x01\x02", "ﷺ" * 100, "𝑥²+𝟏", "e\u0338", "＝５", "ｘ＋１",
]  # fmt: skip
SLOW_FUNCTIONS = [
    r"\sin(10^{100000})", r"\tan(10^{30})", r"e^{10^{10}}", r"\ln(10^{10^{6}})", r"\log_{1} 5", r"\arcsin(10^{50})", r"\cosh(10^{9})", r"\ln 0",
    r"\sum_{n=1}^{10^{100}} n^n", r"\int_0^{\infty} e^{x^{x^x}} dx", r"\lim_{x\to 0} x^{1/x}", r"\max(" + "1," * 600 + "1)", r"\lfloor 10^{10^{8}} \rfloor",
]  # fmt: skip
HOSTILE = [*POWERS, *FACTORIALS, *NESTING, *LONG, *UNICODE, *SLOW_FUNCTIONS]
