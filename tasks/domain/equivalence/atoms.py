"""The small parts of an answer: numbers, symbols, powers, and the units and words attached to them."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.groups import GroupParser
from tasks.domain.equivalence.nodes import Node, added, divided, negated, number, symbol, symbols
from tasks.domain.equivalence.texts import word_number
from tasks.domain.equivalence.tokens import OverLimit, Token, Unreadable
from tasks.domain.equivalence.units import LETTERS as UNIT_LETTERS
from tasks.domain.equivalence.vocabulary import (
    BARS,
    BIG_OPERATORS,
    BINOMIALS,
    CONNECTORS,
    CONSTANT_COMMANDS,
    DECORATIONS,
    FRACTIONS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    LETTERS,
    OPENERS,
    QUALIFIERS,
    SAME_LETTERS,
)
from tasks.domain.equivalence.wording import BEFORE, BEHIND, Said, predicates

_HEX = re.compile(r"(?=[A-Za-z]*\d)[0-9A-Za-z]{1,16}")
_UNIT_POWER = re.compile(r"-?\d{1,2}|\\(?:circ|degree|prime)")
GREEK_FUNCTIONS = frozenset({"phi", "varphi", "zeta", "sigma", "tau", "mu", "psi", "eta"})
MAX_POSTFIXES = 60  # tokens of powers, factorials and the like behind one atom


class AtomParser(GroupParser):
    """The parser reads everything that binds as strongly as a power, or more."""

    # powers and what stands behind an atom

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

    def decorated(self, mark: str) -> Node:
        """\\angle ABC, \\overline{AB}: one symbol."""
        name = self.argument_text()
        while self.peek().kind == "sym" and self.peek().value.isupper():
            name += self.next().value
        return symbol(mark + name)

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
        return Node("opaque", (), f"{base!r}_{name}")

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

    # atoms

    def atom(self) -> Node:
        self.deeper()
        node = self.any_atom()
        self.depth -= 1
        return node

    def any_atom(self) -> Node:
        token = self.next()
        if token.kind == "num":
            continued = "." in token.value and self.take(r"\ldots")
            return (continued and visible_cycle(token.value)) or literal(token.value)
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
        if self.peek().value == "(" and (
            self.defines(token)
            or (not self.peek().spaced and (token.value[0] in FUNCTION_LETTERS or self.at_a_number(token)))
        ):
            self.next()
            inside = self.bracketed("(")
            arguments = inside.args if inside.op == "tuple" else (inside,)
            return Node("call", arguments, token.value)
        return symbol(token.value)

    def at_a_number(self, token: Token) -> bool:
        """I(0), N(2): nobody writes a product like that."""
        return token.value not in ("e", "i") and self.peek(1).kind == "num" and self.peek(2).value == ")"

    def is_function(self, name: str) -> bool:
        """\\Gamma(x), and \\phi(12), \\zeta(3): of a Greek letter that is no angle, a number in brackets is the argument."""
        return name == "Gamma" or (self.peek(1).kind == "num" and self.peek(2).value == ")" and name in GREEK_FUNCTIONS)

    def defines(self, token: Token) -> bool:
        """x(t) = ...: any letter is a function when it is given by an equation."""
        return [self.peek(k).value for k in (2, 3)] == [")", "="] and self.peek(1).kind == "sym"

    def text_atom(self, token: Token) -> Node:
        """Words that only name the quantity behind them are dropped; those that change it are kept; words alone are a text."""
        words = [token.value.strip()]
        while self.peek().kind == "text":
            words.append(self.next().value.strip())
        text = " ".join(words)
        follows = not self.at_end() and self.starts_atom(self.peek()) and self.peek().value != "("
        if not follows and BEFORE.search(text) and self.peek().value in ("(", r"\{"):
            return worded(self.product(), text)
        if follows or (self.peek().value == "-" and self.peek(1).kind == "num"):
            return worded(self.product() if follows else self.signed(), text)
        return Node("text", (), text)

    def take_unit_text(self, token: Token) -> bool:
        """Whether the text behind a quantity is a unit (taken) or the start of something else (left)."""
        if QUALIFIERS.match(token.value):
            return False
        connector = CONNECTORS.search(" " + token.value + " ")
        if connector is None:
            self.next()
            return True
        before = (" " + token.value)[: connector.start()].strip(" ,;")
        if not before:
            return False
        self.tokens = [
            *self.tokens[: self.at],
            Token("text", before, True),
            Token("op", ",", False),
            *self.tokens[self.at + 1 :],
        ]
        self.next()
        return True

    def with_unit(self, node: Node, text: str) -> Node:
        unit = text.strip(" .,;")
        if node.op == "sym" and (said := predicates(unit)) and len(unit.split()) <= 2:  # n odd
            return Node("given", (node,), (Said("is", said, symbols(node)),))
        if BEHIND.search(unit):
            return changed_behind(node, unit)
        if self.take("^") or self.take("**"):
            unit += "^" + self.unit_power()
        while self.peek().value == "/" and (self.peek(1).kind == "text" or self.peek(1).value in UNIT_LETTERS):
            self.next()
            unit += "/" + self.next().value.strip()
        if node.op == "unit":
            unit = f"{node.value} {unit}"
            if node.args[0].op == "sym" and len(unit.split()) > 2:  # A stopped clock ...: the letter is a word
                return Node("text", (), f"{node.args[0].value} {unit}")
            return Node("unit", node.args, unit)
        if node.op == "text":
            return Node("text", (), f"{node.value} {unit}")
        return Node("unit", (node,), unit) if unit else node

    def unit_power(self) -> str:
        power = self.argument_text()
        if not _UNIT_POWER.fullmatch(power):
            raise Unreadable(f"{power!r} as the power of a unit")
        return power

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


def worded(node: Node, words: str) -> Node:
    """A quantity behind words: minus 5 is -5, `all even n` is n under a condition, `at least 5` is nothing but that."""
    if not BEFORE.search(words):
        return node
    name = " ".join(words.casefold().split())
    if name in ("minus", "negative"):
        return negated(node)
    if re.fullmatch(r"(?:the )?square root of", name):
        return Node("fn", (node,), "sqrt")
    if node.op != "num" and (said := predicates(words)):
        return Node("given", (node,), (Said("is", said, symbols(node)),))
    return Node("worded", (node,), name)


def changed_behind(node: Node, words: str) -> Node:
    """Decide whether a word behind a number changes it: 5 squared, 5 inches squared, 5 or more."""
    name = " ".join(words.casefold().split())
    if name in ("repeating", "recurring") and node.op == "dec":
        return visible_cycle(node.value) or repeating_decimal(f"{node.value[:-1]}\\overline{{{node.value[-1]}}}")
    power = {"squared": 2, "cubed": 3}.get(name)
    if power and node.op == "unit":
        return Node("unit", node.args, f"{node.value}^{power}")
    if power:
        return Node("pow", (node, number(power)))
    match = re.fullmatch(r"(.+) (squared|cubed)", name)
    if match and not BEHIND.search(match[1]):
        return Node("unit", (node,), f"{match[1]}^{2 if match[2] == 'squared' else 3}")
    return Node("worded", (node,), name)


@lru_cache(maxsize=4096)
def literal(text: str) -> Node:
    """Read a number as written."""
    if text.isdigit():
        return number(int(text))
    return Node("dec", (number(Fraction(text)),), text)


def visible_cycle(text: str) -> Node | None:
    """Return 0.333... and 0.1212... as fractions; None when the digits show no cycle."""
    whole, _, digits = text.partition(".")
    for length in range(1, 10):
        cycle, times_seen = digits[-length:], 3 if length == 1 else 2
        if len(digits) >= length * times_seen and digits.endswith(cycle * times_seen):
            return repeating_decimal(f"{whole}.{digits[:-length]}\\overline{{{cycle}}}")
    return None


def repeating_decimal(text: str) -> Node:
    """0.1\\overline{6} as the fraction it is."""
    whole, _, rest = text.partition(".")
    fixed, _, cycle = rest.partition("\\")
    cycle = re.sub(r"\D", "", cycle)
    scale = 10 ** len(fixed)
    return number(Fraction(int(whole + fixed or "0"), scale) + Fraction(int(cycle), scale * (10 ** len(cycle) - 1)))
