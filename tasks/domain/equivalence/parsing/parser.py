"""Recursive descent from tokens to a tree. Precedence, loosest first:

list (, ; and or) < relation (= < <= in ...) < sets (union, intersection, minus) < ratio (:) < sum < product < sign < power
"""

from __future__ import annotations

from fractions import Fraction

from tasks.domain.equivalence.nodes import Node, added, deeper_than, divided, negated, number, times
from tasks.domain.equivalence.parsing.remarks import RemarkParser, given
from tasks.domain.equivalence.parsing.series import elided
from tasks.domain.equivalence.parsing.tokens import OverLimit, Token, Unreadable, tokenize
from tasks.domain.equivalence.words.units import unit
from tasks.domain.equivalence.words.vocabulary import PRODUCT_SIGNS, RELATIONS, SET_OPERATORS, SETS

MAX_TREE_DEPTH = 120


class Parser(RemarkParser):
    """One answer. Raises Unreadable when the tokens do not form one."""

    def answer(self) -> Node:
        node = self.items(closers=())
        if not self.at_end():
            raise Unreadable(f"unexpected {self.peek().value!r}")
        return node

    def items(self, closers: tuple[str, ...]) -> Node:
        """A comma (or `and`) separated list; the item itself when there is only one. Remarks stay with the item before them."""
        found: list[Node] = []
        leading: list[Node] = []
        while not self.at_end() and self.peek().value not in closers:
            if self.skip_separator():
                continue
            if (remark := self.remark(closers)) is None:
                found.append(self.relation())
            elif found:
                found[-1] = given(found[-1], remark)
            else:
                leading.append(remark)
        if leading and not found:
            return leading[0]
        if leading and found:
            found[0] = given(found[0], *leading)
        if not found:
            return Node("list", ())
        found = with_moduli(found) if any(item.op == "mod" for item in found) else found
        return found[0] if len(found) == 1 else Node("list", tuple(found))

    def skip_separator(self) -> bool:
        """Step over a connector, or a sign such as = or ~ that has nothing on its left."""
        token = self.peek()
        if token.value in (",", ";", "&", ".", "?", ":", r"\&", r"\land", r"\wedge", r"\lor", r"\vee", "=", r"\approx"):
            self.next()
            return True
        if token.kind == "text" and token.value.strip(" ,;.").lower() in (
            "and",
            "or",
            "",
            "und",
            "et",
            "both",
            "either",
        ):
            self.next()
            return True
        if token.kind == "row":
            self.next()
            return True
        return False

    def relation(self) -> Node:
        """One item; remarks in brackets behind a part of it are conditions of the whole."""
        outer, self.remarks = self.remarks, []
        operands, operators = [self.set_expression()], []
        while (operator := self.relation_operator()) is not None:
            operators.append(operator)
            operands.append(self.set_expression())
        node = Node("rel", tuple(operands), tuple(operators)) if operators else operands[0]
        if self.take(r"\pmod"):
            node = Node("mod", (node, self.argument(digits=False)))
        found, self.remarks = self.remarks, outer
        return given(node, *found) if found else node

    def relation_operator(self) -> str | None:
        if self.at_end():
            return None
        token = self.peek()
        if token.value == r"\not" and self.peek(1).value in ("=", r"\in"):
            self.next()
            return "!=" if self.next().value == "=" else "notin"
        if token.value == ":" and self.peek(1).value == "=":
            self.next()
            self.next()
            return "="
        operator = RELATIONS.get(token.value) if token.kind in ("op", "cmd") else None
        if operator is not None:
            self.next()
        return operator

    def set_expression(self) -> Node:
        node = self.ratio()
        while not self.at_end() and self.peek().value in SET_OPERATORS:
            operator = SET_OPERATORS[self.next().value]
            node = Node(operator, (node, self.ratio()))
        return node

    def ratio(self) -> Node:
        parts = [self.sum()]
        if self.take(r"\over"):
            return divided(parts[0], self.sum())
        while not self.at_end() and self.peek().value in (":", r"\colon") and self.peek(1).value != "=":
            self.next()
            parts.append(self.sum())
        return Node("ratio", tuple(parts)) if len(parts) > 1 else parts[0]

    def sum(self) -> Node:
        node = self.product()
        while not self.at_end():
            sign = self.peek().value
            if sign == "+":
                self.next()
                node = added(node, self.product())
            elif sign == "-":
                self.next()
                right = self.product()
                node = (
                    Node("diff", (node, right)) if node.op in SETS or right.op == "set" else added(node, negated(right))
                )
            elif sign in (r"\pm", r"\mp"):
                self.next()
                node = Node(sign[1:], (node, self.product()))
            else:
                break
        return elided(node)

    def product(self) -> Node:
        node = self.signed()
        while not self.at_end():
            token = self.peek()
            if token.value in PRODUCT_SIGNS:
                self.next()
                node = times(node, self.signed())
            elif token.value == r"\choose":
                self.next()
                node = Node("fn", (node, self.signed()), "binomial")
            elif token.value in ("/", r"\div"):
                self.next()
                node = divided(node, self.signed())
            elif token.kind == "text":
                if not self.take_unit_text(token):
                    break
                node = self.with_unit(node, token.value)
            elif self.starts_atom(token):
                node = self.juxtaposed(node)
            else:
                break
        return node

    def juxtaposed(self, left: Node) -> Node:
        """2 1/2 and 2\\frac{1}{2} are mixed numbers, everything else side by side is a product."""
        first = self.peek()
        right = self.power()
        if right.op in ("pct", "deg") and left.op in ("num", "neg") and self.proper_fraction(first, right.args[0]):
            return Node(right.op, (self.mixed(left, right.args[0]),))  # 33 1/3 %
        whole = left.args[0] if left.op == "neg" else left
        if whole.op == "num" and whole.value.denominator == 1 and self.proper_fraction(first, right):
            if right.op == "num":  # 2 1/2
                self.next()
                bottom = self.power()
                if bottom.op in ("pct", "deg"):  # 12 1/2%
                    return Node(bottom.op, (self.mixed(left, divided(right, bottom.args[0])),))
                right = divided(right, bottom)
            return self.mixed(left, right)
        if left.op == right.op == "rel":  # (x = 5)(x = 6) says both
            return Node("list", (left, right))
        if right.op in ("rel", "remark") or (right.op == "tuple" and all(arg.op == "rel" for arg in right.args)):
            self.remarks.extend(right.args if right.op == "tuple" else [right])  # n^2 + n (n >= 1)
            return left
        if left.op == "unit" and self.peek().kind == "text" and (total := compound(left, right, self.peek().value)):
            self.next()
            return total
        if left.op == "unit" and left.value != "$" and right.op in ("num", "dec"):
            raise Unreadable(f"{left.value!r} between two numbers")
        return times(left, right)

    def mixed(self, left: Node, fraction: Node) -> Node:
        whole = left.args[0] if left.op == "neg" else left
        size = added(number(abs(whole.value)), fraction)
        return negated(size) if left.op == "neg" or whole.value < 0 else size

    def proper_fraction(self, first: Token, right: Node) -> bool:
        if first.value in (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"):
            return is_plain_fraction(right)
        following = self.peek(1)
        if first.kind == "num" and right.op == "num" and self.peek().value == "/" and following.kind == "num":
            return "." not in following.value and right.value < Fraction(following.value)
        return False

    def signed(self) -> Node:
        token = self.peek()
        if token.value in ("-", "+"):
            self.next()
            self.deeper()
            node = self.signed()
            self.depth -= 1
            return negated(node) if token.value == "-" else node
        if token.value in (r"\pm", r"\mp"):
            self.next()
            return Node(token.value[1:], (Node("num", (), Fraction(0)), self.product()))
        return self.power()


def with_moduli(items: list[Node]) -> list[Node]:
    """x = 0, 2 (mod 3): the modulus at the end is that of the values before it."""
    modulus: Node | None = None
    found: list[Node] = []
    for item in reversed(items):
        if item.op == "mod":
            modulus = item.args[1]
        elif modulus is not None and (item.op in ("num", "neg", "sym") or (item.op == "rel" and item.value == ("=",))):
            item = Node("mod", (item, modulus))
        else:
            modulus = None
        found.append(item)
    return found[::-1]


def compound(left: Node, right: Node, name: str) -> Node | None:
    """Return 1 hour 30 minutes as minutes; None for other units."""
    large, small = unit(left.value), unit(name)
    if not large.kind or (large.kind, large.power) != (small.kind, small.power):
        return None
    return Node("unit", (added(times(number(large.factor / small.factor), left.args[0]), right),), name.strip())


def is_plain_fraction(node: Node) -> bool:
    """Decide whether this is p/q of two positive integers with p < q."""
    if node.op != "mul" or len(node.args) != 2 or node.args[1].op != "inv":
        return False
    top, bottom = node.args[0], node.args[1].args[0]
    whole = all(part.op == "num" and part.value.denominator == 1 for part in (top, bottom))
    return whole and 0 < top.value < bottom.value


def parse(text: str, commas_group: bool = True) -> Node:
    """The tree of an answer; Unreadable (or OverLimit) when there is none."""
    tokens = tokenize(text, commas_group)
    while (tokens and tokens[-1].value in (".", ",", ";", ":", "?", "&")) or (tokens and tokens[-1].kind == "row"):
        tokens.pop()
    if not tokens:
        raise Unreadable("nothing")
    try:
        node = Parser(tokens).answer()
    except IndexError:
        raise Unreadable("ends too early") from None
    if deeper_than(node, MAX_TREE_DEPTH):
        raise OverLimit("nesting")
    return node
