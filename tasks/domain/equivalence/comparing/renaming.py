"""Expressions that are equal up to the names of symbols nobody fixed: constants of integration, n in k pi, x in a polynomial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import permutations

from tasks.domain.equivalence.hints import Hints
from tasks.domain.equivalence.nodes import Node, has, negated, number, renamed, symbol, symbols, walk
from tasks.domain.equivalence.values.evaluation import COUNTING_LETTERS
from tasks.domain.equivalence.values.numeric import same_value

MAX_RENAMED = 3
# Names that only constants of integration have, and those that they may have beside such a name.
_CONSTANT = re.compile(r"[CcKk]_?\{?\d\}?|[CK]")
_LIKE_CONSTANT = re.compile(r"[CcKk]_?\{?\d\}?|[CKABck]")
_INTEGRATION = re.compile(r"[CcKk](?:_?\{?\d\}?)?")
SHIFTS = (-2, -1, 0, 1, 2)


def same_when_renamed(one: Node, two: Node, hints: Hints) -> str | None:
    """The rule by which both are equal: `renamed`, `parameter` (a shift of a whole-number parameter), or None."""
    mine, others = symbols(one), symbols(two)
    if not mine or not others:
        return None
    ours, theirs = _in_order(one, others), _in_order(two, mine)
    if len(ours) != len(theirs) or len(ours) > MAX_RENAMED:
        return None
    if not ours:
        if _constants_swapped(one, two, hints):
            return "renamed"
        return "parameter" if _shifted(one, two, hints) else None
    if not all(_may_rename(one, two, old, new, hints) for old, new in zip(ours, theirs, strict=True)):
        return None
    other = renamed(two, {new: symbol(old) for old, new in zip(ours, theirs, strict=True)})
    if same_value(one, other, whole=hints.whole) or _shifted(one, other, hints):
        return "renamed"
    return "renamed" if all(map(_CONSTANT.fullmatch, ours)) and _constants_swapped(one, other, hints) else None


def renamings(one: Node, two: Node, hints: Hints) -> Iterator[Node]:
    """The second answer as a whole under other names, or shifted parameters: for what has several parts, such as (n, n + 1)."""
    yield two
    ours, theirs = _in_order(one, symbols(two)), _in_order(two, symbols(one))
    if len(ours) != len(theirs) or len(ours) > MAX_RENAMED:
        return
    if ours and not all(_may_rename(one, two, old, new, hints) for old, new in zip(ours, theirs, strict=True)):
        return
    other = renamed(two, {new: symbol(old) for old, new in zip(ours, theirs, strict=True)})
    if ours:
        yield other
    for letter in sorted(symbols(one) & symbols(other) & (COUNTING_LETTERS | hints.parameters)):
        if one.op == "rel" and symbols(one) == {letter}:
            continue  # n >= 3 bounds n: no shift
        if letter in hints.parameters or (
            _counts(one, letter) and _counts(other, letter) and letter not in hints.natural
        ):
            yield from (renamed(other, {letter: shift}) for shift in _shifts(letter))


def same_antiderivative(one: Node, two: Node, hints: Hints) -> bool:
    """f + C and g + K, where f and g differ by a constant: f(x) - g(x) is the same at another x."""
    bare_one, bare_two = _without_constant(one, hints), _without_constant(two, hints)
    if bare_one is None or bare_two is None or not symbols(bare_one) or symbols(bare_one) != symbols(bare_two):
        return False
    gap = Node("add", (bare_one, negated(bare_two)))
    elsewhere = renamed(gap, {name: symbol(name + "*") for name in symbols(bare_one)})
    return same_value(gap, elsewhere)


def _without_constant(node: Node, hints: Hints) -> Node | None:
    """The sum without its constant of integration: one term that is a letter the question does not know."""
    if node.op != "add":
        return None
    letters = [term for term in node.args if term.op == "sym" and _INTEGRATION.fullmatch(term.value)]
    if len(letters) != 1 or (hints.letters or frozenset()) & {letters[0].value}:
        return None
    rest = [term for term in node.args if term is not letters[0]]
    return Node("add", tuple(rest)) if all(letters[0].value not in symbols(term) for term in rest) else None


def _in_order(node: Node, known: frozenset[str]) -> list[str]:
    """Free symbols that the other side does not have, in the order of their first appearance."""
    free = symbols(node) - known
    found: dict[str, None] = {}
    _collect(node, free, found)
    return list(found)


def _collect(node: Node, free: frozenset[str], found: dict[str, None]) -> None:
    if node.op == "sym" and node.value in free:
        found.setdefault(node.value)
    for arg in node.args:
        _collect(arg, free, found)


def _may_rename(one: Node, two: Node, old: str, new: str, hints: Hints) -> bool:
    """Whether `new` in the answer may stand for `old` in the gold."""
    if one.op == "sym":  # a bare letter is its name
        return False
    if not _like_names(old, new):
        return False
    letters = hints.letters or frozenset()
    if old.casefold() == new.casefold():
        return not (old in letters and new in letters)
    if new in letters:
        return False
    if {old, new} <= hints.parameters | hints.natural or (_counts(one, old) and _counts(two, new)):
        return True
    if hints.letters is not None:  # an arbitrary constant: the question knows neither name
        return old not in letters
    names = (old, new) if _CONSTANT.fullmatch(old) else (new, old)
    if _CONSTANT.fullmatch(names[0]) and _LIKE_CONSTANT.fullmatch(names[1]) and _has_variable(one):
        return True
    return symbols(one) == {old} and symbols(two) == {new} and (_is_polynomial(one) or _is_curve(one))


def _like_names(old: str, new: str) -> bool:
    """Whether two names can be the same thing: x_a is not x_b, nor is R_1 plain R; numbered constants go by any number."""
    names = (old, new)
    if any(map(_CONSTANT.fullmatch, names)) and all(_CONSTANT.fullmatch(name) or len(name) == 1 for name in names):
        return True
    return old.partition("_")[2].strip("{}").casefold() == new.partition("_")[2].strip("{}").casefold()


def _has_variable(node: Node) -> bool:
    """Whether the expression has letters beside its constants."""
    return any(not _LIKE_CONSTANT.fullmatch(name) for name in symbols(node))


def _constants_swapped(one: Node, two: Node, hints: Hints) -> bool:
    """C_1 e^x + C_2 and C_2 e^x + C_1: numbered constants are arbitrary, each by itself."""
    names = sorted(name for name in symbols(one) if re.fullmatch(r"[CcKk]_?\{?\d\}?", name))
    if (hints.letters or frozenset()) & {name[0] for name in names}:  # the question says what each of them is
        return False
    if not 1 < len(names) <= MAX_RENAMED or not _has_variable(one):
        return False
    orders = (order for order in permutations(names) if list(order) != names)
    return any(
        same_value(one, renamed(two, {old: symbol(new) for old, new in zip(names, order, strict=True)}))
        for order in orders
    )


def _is_polynomial(node: Node) -> bool:
    """An expression of several terms in powers of its symbols."""
    return any(part.op == "add" for part in walk(node)) and not has(node, "fn", "call", "opaque")


def _is_curve(node: Node) -> bool:
    """(k, k^2): the letter ties the parts of a tuple together, whatever it is called."""
    return node.op == "tuple" and node.value == "()" and sum(bool(symbols(part)) for part in node.args) > 1


def _counts(node: Node, letter: str) -> bool:
    """k pi, 360 k degrees: the letter counts periods."""
    return letter in COUNTING_LETTERS and _is_family(node, letter)


def _is_family(node: Node, letter: str) -> bool:
    """A multiple outside of functions and powers: e^{i pi n / 3} is a formula in n, no family."""
    if node.op == "mul" and _is_multiple(node, letter):
        return True
    return node.op not in ("fn", "pow", "call") and any(_is_family(arg, letter) for arg in node.args)


def _is_multiple(product: Node, letter: str) -> bool:
    return symbol(letter) in product.args and any(arg == symbol(r"\pi") or has(arg, "deg") for arg in product.args)


def _shifted(one: Node, two: Node, hints: Hints) -> bool:
    """k pi + pi/2 and k pi - pi/2 are the same set when k runs over the whole numbers."""
    both = symbols(one) & symbols(two)
    for letter in sorted(both & (COUNTING_LETTERS | hints.parameters)):
        if letter in hints.parameters or (
            _counts(one, letter) and _counts(two, letter) and letter not in hints.natural
        ):
            return any(same_value(one, renamed(two, {letter: shift}), whole=hints.whole) for shift in _shifts(letter))
    return False


def _shifts(letter: str) -> list[Node]:
    k = symbol(letter)
    return [Node("add", (sign, number(step))) for step in SHIFTS for sign in (k, negated(k))]
