"""The syntax tree of an answer.

| op | args | value |
|---|---|---|
| num | | Fraction |
| dec | one num | the literal, such as "0.50" |
| sym | | name; `e`, `i`, `\\pi` are constants |
| add mul | terms, factors | |
| neg inv | one | |
| pow | base, exponent | |
| pm mp | left, right (plus-minus) | |
| fn | arguments | name of the function |
| sum product | low, high, body | the index |
| call | arguments | name of an unknown function, as f in f(x) |
| pct deg | one | |
| unit | the quantity | text of the unit |
| text opaque dots | | text |
| based | | (digits, base) |
| tuple | items | opening and closing bracket, such as "(]" |
| list set | items | |
| builder | condition | bound symbol |
| rel | operands | operators between them, such as ("<", "<=") |
| union inter diff | sets | |
| ratio | parts | |
| matrix | entries, row by row | number of columns |
| given | the answer, formulas of its conditions | per condition in words how it starts and what it says |
| remark | formulas | the same, before it is joined to an answer |
| mod | the value or equation, the modulus | |
| worded | the quantity | words that change it |
| inf nset empty | | for nset R, Q, Z, N or C |
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple


class Node(NamedTuple):
    """One node; equal trees are equal tuples."""

    op: str
    args: tuple[Node, ...] = ()
    value: Any = None


ONE = Node("num", (), Fraction(1))
ZERO = Node("num", (), Fraction(0))
CONSTANTS = frozenset({"e", "i", r"\pi"})
_NO_SYMBOLS: frozenset[str] = frozenset()


def number(value: int | Fraction) -> Node:
    return Node("num", (), value if isinstance(value, Fraction) else Fraction(value))


def symbol(name: str) -> Node:
    return Node("sym", (), name)


def negated(node: Node) -> Node:
    """Return -node, with the sign folded into numbers and double signs removed."""
    if node.op == "num":
        return Node("num", (), -node.value)
    return node.args[0] if node.op == "neg" else Node("neg", (node,))


def added(*terms: Node) -> Node:
    flat = tuple(part for term in terms for part in (term.args if term.op == "add" else (term,)))
    return flat[0] if len(flat) == 1 else Node("add", flat)


def times(*factors: Node) -> Node:
    flat = tuple(part for factor in factors for part in (factor.args if factor.op == "mul" else (factor,)))
    return flat[0] if len(flat) == 1 else Node("mul", flat)


def divided(top: Node, bottom: Node) -> Node:
    return times(top, Node("inv", (bottom,)))


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(one.args)


def deeper_than(node: Node, limit: int) -> bool:
    level = [node]
    for _ in range(limit):
        level = [arg for one in level for arg in one.args]
        if not level:
            return False
    return True


def has(node: Node, *ops: str) -> bool:
    """Whether a node of one of these kinds is in the tree (a plain loop: it is asked some thirty times a pair)."""
    if node.op in ops:
        return True
    for arg in node.args:  # noqa: SIM110 - a generator would be as slow again
        if has(arg, *ops):
            return True
    return False


def symbols(node: Node) -> frozenset[str]:
    """Return the free symbols, constants aside."""
    found: set[str] = set()
    _collect_symbols(node, found)
    return frozenset(found - CONSTANTS) if found else _NO_SYMBOLS


def _collect_symbols(node: Node, found: set[str]) -> None:
    if node.op == "sym":
        found.add(node.value)
    for arg in node.args:
        _collect_symbols(arg, found)


def renamed(node: Node, names: dict[str, Node]) -> Node:
    """Return the tree with symbols replaced."""
    if node.op == "sym":
        return names.get(node.value, node)
    if not node.args:
        return node
    return Node(node.op, tuple(renamed(arg, names) for arg in node.args), node.value)


def signed(node: Node, sign: int) -> Node:
    """Return the reading of plus-minus signs with this sign on top."""
    args = tuple(signed(arg, sign) for arg in node.args)
    if node.op in ("pm", "mp"):
        plus = (node.op == "pm") == (sign > 0)
        return Node("add", (args[0], args[1] if plus else Node("neg", (args[1],))))
    return Node(node.op, args, node.value) if args else node
