"""Powers, and what else stands behind an atom: factorials, percent and degree signs, subscripts; and arguments in braces."""

from __future__ import annotations

import math
import re

from tasks.domain.equivalence.nodes import Node, added, divided, number, symbol, times
from tasks.domain.equivalence.parsing.groups import GroupParser
from tasks.domain.equivalence.parsing.numerals import literal
from tasks.domain.equivalence.parsing.tokens import OverLimit, Token, Unreadable
from tasks.domain.equivalence.words.number_words import word_number

_HEX = re.compile(r"(?=[A-Za-z]*\d)[0-9A-Za-z]{1,16}")
MAX_POSTFIXES = 60  # tokens of powers, factorials and the like behind one atom


class PowerParser(GroupParser):
    """An atom with what stands behind it."""

    def power(self) -> Node:
        node, first = self.atom(), self.at
        while not self.at_end():
            token = self.peek()
            if self.at - first > MAX_POSTFIXES:
                raise OverLimit("nesting")
            if token.value in ("^", "**", r"\^"):
                self.next()
                node = self.transposed(node) or chosen(node, self.raised(node))
            elif token.value == "!":
                self.next()
                if self.peek().value == "!" and not self.peek().spaced and (double := double_factorial(node)):
                    self.next()
                    node = double
                else:
                    node = Node("fn", (node,), "factorial")
            elif token.value in ("%", r"\%"):
                self.next()
                node = Node("pct", (node,))
            elif token.value in (r"\degree", r"\circ"):
                self.next()
                node = Node("deg", (node,))
            elif node.op == "deg" and token.kind == "num" and self.peek(1).value in ("'", '"'):
                node = self.with_minutes(node)
            elif token.value == "_":
                node = self.subscripted(node)
            elif token.value == "'" and node.op == "sym":
                self.next()
                node = symbol(node.value + "'")
            else:
                break
        return node

    def transposed(self, node: Node) -> Node | None:
        """The column that (1, 2)^T is, and a matrix turned; None for other powers."""
        braced = self.peek().value == "{"
        mark = self.peek(1) if braced else self.peek()
        if node.op not in ("tuple", "matrix") or mark.value not in ("T", r"\top", r"\intercal"):
            return None
        self.at += 3 if braced else 1
        columns = node.value if node.op == "matrix" else len(node.args)
        rows = len(node.args) // columns
        turned = tuple(node.args[row * columns + column] for column in range(columns) for row in range(rows))
        return Node("matrix", turned, rows)

    def with_minutes(self, degrees: Node) -> Node:
        """Read minutes and seconds of arc behind degrees: 60 degrees 42' 30''."""
        parts, unit = [degrees.args[0]], 1
        while self.peek().kind == "num" and self.peek(1).value in ("'", '"'):
            size, mark = literal(self.next().value), self.next().value
            seconds = mark == '"' or self.take("'")
            if unit >= (3600 if seconds else 60):
                raise Unreadable("minutes behind seconds")
            unit = 3600 if seconds else 60
            parts.append(divided(size, number(unit)))
        return Node("deg", (added(*parts),))

    def raised(self, base: Node) -> Node:
        braced = self.peek().value == "{"
        inner = self.peek(1) if braced else self.peek()
        if inner.value in (r"\circ", r"\degree") and (not braced or self.peek(2).value == "}"):
            self.at += 3 if braced else 1
            return Node("deg", (base,))
        if inner.kind == "text" or inner.value in (r"\ast", "*"):  # 1^{\text{st}}, f^*
            self.argument_text()
            return base
        if self.at_end():
            return base
        return Node("pow", (base, self.argument() if braced else self.short_signed()))

    def short_signed(self) -> Node:
        """Read an unbraced exponent: x^2, x^-1."""
        if self.take("-"):
            return Node("neg", (self.atom(),))
        self.take("+")
        return self.atom()

    def subscripted(self, base: Node) -> Node:
        self.next()
        name = self.argument_text()
        word = word_number(name)
        if base.op in ("num", "dec") and (word or re.fullmatch(r"\d{1,2}", name)):
            return Node("based", (), (str(base.value), word or int(name)))
        if base.op == "text" and _HEX.fullmatch(base.value) and (word or re.fullmatch(r"1[1-9]|2\d|3[0-6]", name)):
            return Node("based", (), (base.value.upper(), word or int(name)))
        if base.op == "based":
            raise Unreadable("two bases")
        if base.op in ("sym", "text"):
            return symbol(f"{base.value}_{name}")
        return Node("call", (base,), f"[{name}]")  # (a + 1)_n

    def argument_text(self) -> str:
        """The next argument as canonical text: {n + 1} and {n+1} are one subscript."""
        if not self.take("{"):
            return self.next().value
        depth, parts = 1, []
        while depth:
            if self.at_end():
                break
            token = self.next()
            depth += {"{": 1, "}": -1}.get(token.value, 0)
            parts.append(token.value)
        return "".join(parts[:-1] if depth == 0 else parts)

    def argument(self, digits: bool = True) -> Node:
        """Read a braced group, or one token; of a bare number the first digit (\\frac12), or all of it (\\sqrt10)."""
        if self.take("{"):
            node = self.items(closers=("}",))
            self.take("}")
            return node
        token = self.peek()
        if digits and token.kind == "num" and len(token.value) > 1 and token.value.isdigit():
            parts = [Token("num", token.value[0], False), Token("num", token.value[1:], False)]
            self.tokens = [*self.tokens[: self.at], *parts, *self.tokens[self.at + 1 :]]
        return self.atom()


def double_factorial(node: Node) -> Node | None:
    """7!! and (2k-1)!! by factorials; None where it does not show whether the number is even or odd."""
    terms = node.args if node.op == "add" else (node,)
    plain = [term.value for term in terms if term.op == "num"]
    twice = all(
        term.op == "mul" and term.args[0].op == "num" and term.args[0].value % 2 == 0
        for term in terms
        if term.op != "num"
    )
    if not twice or any(value.denominator != 1 for value in plain):
        return None
    odd = sum(plain) % 2 == 1
    even = added(*terms, number(1)) if odd else node  # (2k)!! = 2^k k!, and (2k-1)!! = (2k)! / (2k)!!
    if even.op == "num" and even.value < 0:
        return None
    half = divided(even, number(2))
    below = times(Node("pow", (number(2), half)), Node("fn", (half,), "factorial"))
    return divided(Node("fn", (even,), "factorial"), below) if odd else below


def chosen(base: Node, power: Node) -> Node:
    """C_8^3 and A_5^2, as combinations and permutations are written in many countries; any other power as it is."""
    if base.op != "sym" or not re.fullmatch(r"[CA]_\d{1,3}", base.value) or power.op != "pow":
        return power
    total, taken = int(base.value[2:]), power.args[1]
    if taken.op != "num" or taken.value.denominator != 1 or not 0 <= taken.value <= total:
        return power
    if base.value[0] == "C":
        return Node("fn", (number(total), taken), "binomial")
    return number(math.perm(total, int(taken.value)))
