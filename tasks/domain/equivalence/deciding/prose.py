"""Golds in sentences: `Room A costs $240$ and room B costs $210$.` is answered by its figures, in their order."""

from __future__ import annotations

import re
from collections.abc import Callable

from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import Unreadable
from tasks.domain.equivalence.words.claims import claims_in_order
from tasks.domain.equivalence.words.statements import pieces
from tasks.domain.equivalence.words.wording import NEGATION, predicates

Same = Callable[[Node, Node], bool]

MIN_WORDS = 4
MAX_EXCHANGED = 2  # words
_SYNONYMS = tuple(
    map(
        frozenset,
        (
            ("each", "every", "all", "any"), ("with", "having"), ("so", "thus", "hence", "therefore"), ("mean", "average"), ("which", "that"),
            ("where", "with", "for", "when", "if"), ("solution", "answer", "total", "result", "value", "number", "sum", "amount", "count"), ("about", "approximately"),
        ),
    )
)  # fmt: skip
_FIGURE = re.compile(r"\$([^$]{1,100})\$|(?<![\w.\\{])(-?\d+(?:\.\d+)?(?:/\d+)?)(?![\w{}])")
_COMMANDS = re.compile(r"\\[a-zA-Z]+|\$[^$]*\$")
_SIGNS = re.compile(r"[+<>=^≤≥*/]|(?<![A-Za-z]{2})\s?[-−](?![A-Za-z]{2})")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z]{2,}")


def is_prose(text: str) -> bool:
    return len(_WORD.findall(_COMMANDS.sub(" ", text))) >= MIN_WORDS


def same_statement(gold: str, answer: str) -> bool:
    """Whether two sentences have the same numbers, in order, and deny and restrict alike: without it they differ."""
    return (
        not _exchanged(gold, answer)
        and _NUMBER.findall(gold) == _NUMBER.findall(answer)
        and ("$" in gold or "$" in answer or _SIGNS.findall(gold) == _SIGNS.findall(answer))
        and _denials(gold) == _denials(answer)
        and claims_in_order(gold) == claims_in_order(answer)
    )


def _exchanged(gold: str, answer: str) -> bool:
    """Whether the sentences are word for word the same but for one or two words: the mean and the median, first and second."""
    one, two = pieces(gold).words, pieces(answer).words
    others = [(mine, other) for mine, other in zip(one, two, strict=False) if mine != other]
    return len(one) == len(two) and 0 < len(others) <= MAX_EXCHANGED and not all(_alike(*pair) for pair in others)


def _alike(one: str, two: str) -> bool:
    """Two forms of one word, or two usual words for one thing."""
    if {one, two} <= {"is", "are", "equals", "equal", "be"}:
        return True
    return any({one, two} <= group for group in _SYNONYMS) or (min(len(one), len(two)) > 3 and one[:4] == two[:4])


def same_prose(gold: str, answer: str, same: Same) -> bool:
    """Whether two sentences, of which nothing else differs, have the same formulas in the same order."""
    ours, theirs = formulas(gold), formulas(answer)
    return bool(ours) and len(ours) == len(theirs) and all(map(same, ours, theirs))


def answers_prose(gold: str, answer: str, same: Same) -> bool:
    """A bare answer to a gold in sentences: the same figures in the same order (at least one), of a gold that denies nothing."""
    ours, theirs = formulas(gold), _items(answer)
    return (
        bool(ours)
        and len(ours) == len(theirs)
        and not any(_denials(gold))
        and all(map(same, map(_value, ours), map(_value, theirs)))
    )


def _denials(text: str) -> tuple[list[str], frozenset[str]]:
    bare = _COMMANDS.sub(" ", text.replace("\\text", ""))
    return [word.casefold() for word in NEGATION.findall(bare)], predicates(bare)


def formulas(text: str) -> list[Node]:
    """Return the formulas and numbers of a text, lone letters aside."""
    return [node for groups in _FIGURE.findall(text) for node in _items(groups[0] or groups[1])]


def _items(formula: str) -> list[Node]:
    try:
        node = parse(formula)
    except Unreadable:
        return [Node("opaque", (), " ".join(formula.split()))]
    items = node.args if node.op == "list" else (node,)
    return [item for item in items if item.op not in ("text", "sym", "call", "list")]


def _value(item: Node) -> Node:
    assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
    value = assigned[1] if assigned else item
    return value.args[0] if value.op == "unit" else value
