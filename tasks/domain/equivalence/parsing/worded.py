"""Words and units beside a quantity: 5 inches squared, at least 5, all even n."""

from __future__ import annotations

import re

from tasks.domain.equivalence.nodes import Node, negated, number, symbols
from tasks.domain.equivalence.parsing.numerals import repeating_decimal, visible_cycle
from tasks.domain.equivalence.parsing.powers import PowerParser
from tasks.domain.equivalence.parsing.tokens import Token, Unreadable
from tasks.domain.equivalence.words.units import LETTERS as UNIT_LETTERS
from tasks.domain.equivalence.words.vocabulary import CONNECTORS, QUALIFIERS
from tasks.domain.equivalence.words.wording import BEFORE, BEHIND, Said, predicates

_UNIT_POWER = re.compile(r"-?\d{1,2}|\\(?:circ|degree|prime)")


class WordParser(PowerParser):
    """Quantities with the words before and behind them."""

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
