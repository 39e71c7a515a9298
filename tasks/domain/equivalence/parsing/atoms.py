"""The small parts of an answer: numbers, symbols, functions, and what a command of LaTeX stands for."""

from __future__ import annotations

from tasks.domain.equivalence.nodes import Node, added, divided, number, symbol
from tasks.domain.equivalence.parsing.numerals import continued_decimal, literal, repeating_decimal
from tasks.domain.equivalence.parsing.tokens import Token, Unreadable
from tasks.domain.equivalence.parsing.worded import WordParser
from tasks.domain.equivalence.words.vocabulary import (
    BARS,
    BIG_OPERATORS,
    BINOMIALS,
    CONSTANT_COMMANDS,
    DECORATIONS,
    FRACTIONS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    LETTERS,
    OPENERS,
    SAME_LETTERS,
)

GREEK_FUNCTIONS = frozenset({"phi", "varphi", "zeta", "sigma", "tau", "mu", "psi", "eta"})


class AtomParser(WordParser):
    """The parser reads everything that binds as strongly as a power, or more."""

    def decorated(self, mark: str) -> Node:
        """\\angle ABC, \\overline{AB}: one symbol."""
        name = self.argument_text()
        if mark in (r"\overline", r"\bar") and len(name) == 1 and name.isalpha():  # the conjugate, or the mean
            return Node("call", (symbol(name),), r"\overline")
        while self.peek().kind == "sym" and self.peek().value.isupper():
            name += self.next().value
        return symbol(mark + name)

    def atom(self) -> Node:
        self.deeper()
        node = self.any_atom()
        self.depth -= 1
        return node

    def any_atom(self) -> Node:
        token = self.next()
        if token.kind == "num":
            continued = "." in token.value and self.take(r"\ldots")
            return continued_decimal(token.value) if continued else literal(token.value)
        if token.kind == "sym":
            return self.named(token)
        if token.kind == "repeating":
            return repeating_decimal(token.value)
        if token.kind == "text":
            return self.text_atom(token)
        if token.kind == "begin":
            return self.environment(token.value)
        if token.value in OPENERS:
            return self.bracketed(token.value)
        if token.value == "]":  # ]a, b[
            return self.reversed_interval()
        if token.value in BARS:
            return self.absolute("|" if token.value == "|" else token.value.replace("l", "r", 1))
        if token.kind == "cmd":
            return self.command(token)
        raise Unreadable(f"unexpected {token.value!r}")

    def named(self, token: Token) -> Node:
        """Read a symbol, or an unknown function with its arguments."""
        while token.value[0] in FUNCTION_LETTERS and self.peek().value == "'" and self.peek(1).value in ("(", "'"):
            token = token._replace(value=token.value + self.next().value)
        if self.peek().value == "^" and token.value in "fgh" and self.is_inverse():
            self.at += 5
            token = token._replace(value=token.value + "^{-1}")
        if self.peek().value == "(" and (
            self.defines(token)
            or (not self.peek().spaced and (token.value[0] in FUNCTION_LETTERS or self.at_a_number(token)))
        ):
            self.next()
            inside = self.bracketed("(")
            arguments = inside.args if inside.op == "tuple" else (inside,)
            return Node("call", arguments, token.value)
        return symbol(token.value)

    def is_inverse(self) -> bool:
        """f^{-1}(x) is the inverse function."""
        return [self.peek(k).value for k in range(1, 6)] == ["{", "-", "1", "}", "("]

    def at_a_number(self, token: Token) -> bool:
        """I(0), N(2): nobody writes a product like that."""
        return token.value not in ("e", "i") and self.peek(1).kind == "num" and self.peek(2).value == ")"

    def is_function(self, name: str) -> bool:
        """\\Gamma(x), and \\phi(12), \\zeta(3): of a Greek letter that is no angle, a number in brackets is the argument."""
        return name == "Gamma" or (self.peek(1).kind == "num" and self.peek(2).value == ")" and name in GREEK_FUNCTIONS)

    def defines(self, token: Token) -> bool:
        """x(t) = ...: any letter is a function when it is given by an equation."""
        return [self.peek(k).value for k in (2, 3)] == [")", "="] and self.peek(1).kind == "sym"

    def command(self, token: Token) -> Node:
        name = token.value[1:]
        if token.value in FRACTIONS:
            return divided(self.argument(), self.argument())
        if token.value == r"\sqrt":
            return self.root()
        if token.value in CONSTANT_COMMANDS:
            return CONSTANT_COMMANDS[token.value]
        if name in FUNCTIONS:
            return self.function(name)
        if name in LETTERS and self.peek().value == "(" and self.is_function(name):
            self.next()
            return named_function(token.value, self.bracketed("("))
        if name in LETTERS:
            return symbol(SAME_LETTERS.get(token.value, token.value))
        if token.value in BINOMIALS:
            return Node("fn", (self.argument(), self.argument()), "binomial")
        if token.value == r"\mathbb" or token.value == r"\mathds":
            return Node("nset", (), self.number_set())
        if token.value in (r"\lfloor", r"\lceil"):
            return self.rounded(name[1:])
        if token.value == r"\$":
            return Node("unit", (self.power(),), "$")
        if token.value in (r"\sum", r"\prod"):
            return self.indexed(name)
        if token.value in BIG_OPERATORS:
            return self.opaque(token.value)
        if token.value in DECORATIONS:
            return self.decorated(token.value)
        raise Unreadable(f"unknown command {token.value}")


def named_function(name: str, inside: Node) -> Node:
    """The factorial that \\Gamma is, or an unknown function."""
    if name == r"\Gamma" and inside.op not in ("tuple", "list"):
        return Node("fn", (added(inside, number(-1)),), "factorial")
    return Node("call", inside.args if inside.op == "tuple" else (inside,), name)
