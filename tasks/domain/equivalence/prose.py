"""Golds in sentences: `Room A costs $240$ and room B costs $210$.` is answered by its figures, in their order."""

from __future__ import annotations

import re

from tasks.domain.equivalence.nodes import Node, symbols
from tasks.domain.equivalence.numeric import same_value
from tasks.domain.equivalence.parser import parse
from tasks.domain.equivalence.relations import is_equation, name_and_value
from tasks.domain.equivalence.tokens import Unreadable

MIN_WORDS = 4
_FIGURE = re.compile(r"\$([^$]{1,100})\$|(?<![\w.\\{])(-?\d+(?:\.\d+)?(?:/\d+)?)(?![\w{}])")
_COMMANDS = re.compile(r"\\[a-zA-Z]+|\$[^$]*\$")
_WORD = re.compile(r"[A-Za-z]{2,}")


def is_prose(text: str) -> bool:
    return len(_WORD.findall(_COMMANDS.sub(" ", text))) >= MIN_WORDS


def same_figures(gold: str, answer: str) -> bool:
    """Whether both give the same constants in the same order (at least one)."""
    ours, theirs = figures(gold), figures(answer) if is_prose(answer) else _constants(answer)
    return bool(ours) and len(ours) == len(theirs) and all(map(same_value, ours, theirs))


def figures(text: str) -> list[Node]:
    """The constants among the formulas and numbers of a text."""
    return [node for groups in _FIGURE.findall(text) for node in _constants(groups[0] or groups[1])]


def _constants(formula: str) -> list[Node]:
    try:
        node = parse(formula)
    except Unreadable:
        return []
    values = map(_value, node.args if node.op == "list" else (node,))
    return [value for value in values if value.op != "text" and not symbols(value)]


def _value(item: Node) -> Node:
    assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
    value = assigned[1] if assigned else item
    return value.args[0] if value.op == "unit" else value
