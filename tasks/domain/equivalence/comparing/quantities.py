"""One quantity against another: value, unit, percent, degrees, base, and decimals that stand for exact values."""

from __future__ import annotations

import re
from fractions import Fraction

from tasks.domain.equivalence.comparing.renaming import same_when_renamed
from tasks.domain.equivalence.hints import Hints
from tasks.domain.equivalence.nodes import Node, has, number, symbol, symbols, times, walk
from tasks.domain.equivalence.values.arithmetic import NotNumeric
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.numeric import PLAIN, exact, same_value
from tasks.domain.equivalence.words import units
from tasks.domain.equivalence.words.number_words import word_number
from tasks.domain.equivalence.words.phrases import canonical

SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "hundred": 100, "dozen": 12}
RADIANS = frozenset({"rad", "radian", "radians"})
MIN_GOLD_DIGITS = 3  # significant digits of a decimal gold that may stand for an exact value
MIN_ANSWER_DIGITS = 5  # significant digits of a decimal answer that may stand for an exact gold
NUMBERS = ("num", "dec", "add", "mul", "neg", "inv", "pow", "pct", "deg", "fn", "sym", "unit")


_PER_HOUR = re.compile(r"\$ (?:per |an? |/ ?)(?=[a-z]+$)")
_NAMED = {
    "none": Node("empty"),
    "reals": Node("nset", (), "R"),
    "integers": Node("nset", (), "Z"),
    "infinite": Node("inf"),
}


def same_quantity(gold: Node, answer: Node, hints: Hints, rename: bool = True) -> str | None:
    """The rule by which both are equal, or None. `rename`: letters that nobody fixed may have other names."""
    gold, answer = _plain_letter_unit(gold, answer, hints), _plain_letter_unit(answer, gold, hints)
    if _of_other_letter_units(gold, answer, hints):
        return None
    if {"deg"} == {side.op for side in (gold, answer) if side.op != "unit"} and _in_radians(gold, answer):
        return "degrees" if same_value(gold, answer) else None
    (one, gold_unit), (two, answer_unit) = _without_unit(gold), _without_unit(answer)
    scale = units.factors(gold_unit, answer_unit)
    if scale is None or _marked_and_measured(one, gold_unit, two, answer_unit):
        return None
    if scale[0] != scale[1]:
        one, two = (times(number(factor), side) for factor, side in zip(scale, (one, two), strict=True))
    if "based" in (one.op, two.op):
        return _same_based(one, two, hints)
    rule = _same_value(one, two, hints) or (same_when_renamed(one, two, hints) if rename else None)
    return "units" if rule == "value" and (gold_unit or answer_unit) else rule


def _in_radians(*sides: Node) -> bool:
    return any(side.op == "unit" and side.value.casefold().strip(". ") in RADIANS for side in sides)


def _marked_and_measured(one: Node, gold_unit: str | None, two: Node, answer_unit: str | None) -> bool:
    """20 degrees against 20 miles, 7% against 7 hours: the mark says what is measured, and it is not that."""
    marks = ("pct", "deg")
    return (one.op in marks and two.op not in marks and answer_unit is not None) or (
        two.op in marks and one.op not in marks and gold_unit is not None
    )


def _without_unit(node: Node) -> tuple[Node, str | None]:
    """The bare quantity and its unit; percent, degrees and words for powers of ten become part of the quantity."""
    names: list[str] = []
    while node.op == "unit":
        names.append(node.value)
        node = node.args[0]
    if node.op == "neg" and node.args[0].op == "unit":  # -$5
        names.append(node.args[0].value)
        node = Node("neg", node.args[0].args)
    for name in names:
        words = [word for word in name.casefold().replace("\\", "").split() if word != "$"]
        if words[:1] and words[0] in SCALES:
            node = times(node, number(SCALES[words[0]]))
        if words[:1] in (["percent"], ["pct"], ["%"], ["percentage"], ["per"]) and words[1:2] in (
            [],
            ["cent"],
            ["points"],
        ):
            node = Node("pct", (node,))
        if words[:1] in (["degrees"], ["degree"], ["deg"]) and len(words) == 1:
            node = Node("deg", (node,))
    names = [name for name in names if name.casefold().strip(". ") not in RADIANS]
    names = [
        _PER_HOUR.sub("$/", name) if _PER_HOUR.match(name) else "$" if name.startswith("$ ") else name for name in names
    ]
    known = [name for name in names if units.known(name)]
    return node, next(iter(known or names), None)


def _plain_letter_unit(node: Node, other: Node, hints: Hints) -> Node:
    """5 m, 5 m^2 or 5 m/s against a quantity without symbols: the letters are a unit, unless the question has them all as its own."""
    if node.op != "mul" or (symbols(other) and not (_is_measured(node) and _is_measured(other))):
        return node
    bare = [factor for factor in node.args if not symbols(factor)]
    measured = other.value if other.op == "unit" else ""
    names = [_unit_name(factor, measured) for factor in node.args[len(bare) :]]
    if not bare or not names or None in names:
        return node
    if other.op != "unit" and symbols(node) <= hints.symbols:
        return node
    known = [name for name in names if name]
    if bare[-1].op == "unit":  # 72 km h^{-1}
        known, bare = [bare[-1].value, *known], [*bare[:-1], *bare[-1].args]
    return Node("unit", (times(*bare),), " ".join(known).replace(" /", "/"))


def _is_measured(node: Node) -> bool:
    """4.18 J g^{-1} K^{-1}, of which the last factors are letters as they stand."""
    return node.op == "mul" and any(arg.op == "unit" for arg in node.args)


def _of_other_letter_units(gold: Node, answer: Node, hints: Hints) -> bool:
    """0.64 N against 0.64 J, where neither letter is the question's own: units have no other names."""
    names = []
    for side in (gold, answer):
        if side.op != "mul" or len(side.args) != 2 or symbols(side.args[0]) or side.args[1].op != "sym":
            return False
        names.append(side.args[1].value)
    return all(name in units.LETTERS and name not in hints.symbols for name in names) and units.unit(
        names[0]
    ) != units.unit(names[1])


def _unit_name(factor: Node, measured: str) -> str | None:
    """m, m^2 or /s; None for what is no unit. `measured`: the unit of the other side."""
    if factor.op == "inv" or (factor.op == "pow" and exact(factor.args[1]) is not None):
        inner = _unit_name(factor.args[0], measured)
        return inner and ("/" + inner if factor.op == "inv" else f"{inner}^{exact(factor.args[1])}")
    known = factor.op == "sym" and (factor.value in units.LETTERS or units.stands_for(factor.value, measured))
    return factor.value if known else None


def _same_value(one: Node, two: Node, hints: Hints) -> str | None:
    if one.op == two.op and one.op in ("pct", "deg"):
        return _same_value(one.args[0], two.args[0], hints)
    if "pct" in (one.op, two.op):
        return _same_percent(one, two, hints)
    if same_value(one, two, whole=_whole(one, two, hints)):
        return "value"
    if has(one, "deg") != has(two, "deg") and _same_angle(one, two):
        return "degrees"
    return _same_rounded(one, two, hints)


def _whole(gold: Node, answer: Node, hints: Hints) -> frozenset[str]:
    """Letters that stand for whole numbers: those said to, and by habit those of both sides: 3 cos(2 pi n) is no 3 by habit."""
    if not (shared := symbols(gold) & symbols(answer)):
        return hints.said
    return hints.said | (hints.whole & shared)


def _same_percent(one: Node, two: Node, hints: Hints) -> str | None:
    """50% against 50 (the question asked for percent) and against 1/2."""
    bare_one, bare_two = (side.args[0] if side.op == "pct" else side for side in (one, two))
    unasked = one.op != "pct" and (
        (_is_share(one) and "h" not in hints.flags) or (hints.letters is not None and "p" not in hints.flags)
    )
    if (not unasked and same_value(bare_one, bare_two)) or same_value(one, two):
        return "percent"
    if one.op == "pct":
        return _same_rounded(bare_one, bare_two if two.op == "pct" else times(two, number(100)), hints)
    return None


def _is_share(gold: Node) -> bool:
    """0.25 and 1/6, which nobody means in percent."""
    value = exact(gold)
    return value is not None and value.denominator != 1 and abs(value) < 1


def _same_angle(one: Node, two: Node) -> bool:
    """30 degrees against 30, and against pi/6."""
    marked = (has(one, "deg"), has(two, "deg"))
    other = two if marked[0] else one
    with_pi = any(node == symbol(r"\pi") for node in walk(other))
    return not with_pi and same_value(one, two, (not marked[0], not marked[1]))


def _decimal(node: Node) -> str | None:
    inner = node.args[0] if node.op == "neg" else node
    literal: str | None = inner.value if inner.op == "dec" else None
    return literal


def _same_rounded(one: Node, two: Node, hints: Hints) -> str | None:
    """A decimal gold against an exact value that rounds to it, or an exact gold against a long, rightly rounded decimal."""
    gold_literal, answer_literal = _decimal(one), _decimal(two)
    if _is_angle(one) or _is_angle(two):
        return None
    if gold_literal and answer_literal and "e" not in hints.flags:
        return (
            "longer_decimal"
            if _longer(gold_literal, answer_literal, "r" in hints.flags) and _rounds_to(two, one, gold_literal)
            else None
        )
    if gold_literal and not has(two, "dec") and not symbols(two) and two.op != "num":
        digits = _significant(gold_literal)
        close = digits >= MIN_GOLD_DIGITS and _rounds_to(two, one, gold_literal, cut=digits > MIN_GOLD_DIGITS)
        return "rounded_gold" if close else None
    if (
        answer_literal
        and not has(one, "dec")
        and not symbols(one)
        and one.op not in ("num", "neg")
        and "e" not in hints.flags
    ):
        enough = MIN_GOLD_DIGITS if "r" in hints.flags else MIN_ANSWER_DIGITS
        close = _significant(answer_literal) >= enough and _rounds_to(one, two, answer_literal)
        return "rounded_answer" if close else None
    return None


def _is_angle(node: Node) -> bool:
    """A degree sign outside of functions."""
    return node.op == "deg" or (node.op != "fn" and any(map(_is_angle, node.args)))


def _longer(gold: str, answer: str, rounding: bool) -> bool:
    """3.6667 for a gold of 3.67: the gold has the digits of a rounded value, the answer two decimals more at least (one,
    where the question asks for rounding, but for 3.675, which may be either)."""
    places = [len(literal.lower().partition("e")[0].partition(".")[2]) for literal in (gold, answer)]
    more = places[1] - places[0]
    return _significant(gold) >= MIN_GOLD_DIGITS and (
        more >= 2 or (rounding and more == 1 and not answer.endswith("5"))
    )


def _significant(literal: str) -> int:
    digits = literal.lower().partition("e")[0].replace(".", "").lstrip("0")
    return len(digits) if "." in literal else 0


def _rounds_to(value: Node, decimal: Node, literal: str, cut: bool = False) -> bool:
    """Whether the exact value, rounded (or with `cut` also cut off) to the digits of the literal, gives it."""
    target = exact(decimal)
    if "e" in literal.lower() or target is None:
        return False
    step = PLAIN.number(Fraction(1, 10 ** len(literal.partition(".")[2])))
    try:
        found = Evaluation(PLAIN).value(value)
    except NotNumeric:
        return False
    if found.imag != 0:
        return False
    beyond = (found.real - PLAIN.number(target)) * (-1 if target < 0 else 1)
    rounded = abs(beyond) <= step / 2 * (1 + PLAIN.number(Fraction(1, 10**9)))
    return bool(rounded or (cut and 0 <= beyond < step))


def _same_based(one: Node, two: Node, hints: Hints) -> str | None:
    """1011_2: the digits and the base; a missing base is that of the question, or of the gold."""
    if one.op == two.op:
        return "base" if one.value == two.value else None
    based, other = (one, two) if one.op == "based" else (two, one)
    digits, base = based.value
    if _digits(other) != digits:
        return None
    return "base" if base == 10 or one.op == "based" or base in hints.bases else None


def _digits(node: Node) -> str:
    """The digits of a whole number; 3A, a product as it stands, is the number of base sixteen."""
    parts = node.args if node.op == "mul" else (node,)
    return "".join(str(part.value).upper() for part in parts if part.op in ("num", "sym"))


def text_value(node: Node) -> Node:
    """Words that name a number, the empty set, or all reals, as such."""
    value = word_number(node.value)
    if value is not None:
        return number(value)
    return _NAMED.get(canonical(node.value), node)
