"""Two answers as they parse, and an equal expression in a form that was not asked for."""

from __future__ import annotations

import re
from functools import lru_cache

from tasks.domain.equivalence.comparing.compare import Comparison
from tasks.domain.equivalence.hints import Hints, decoded
from tasks.domain.equivalence.nodes import Node, renamed, symbol, walk
from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import OverLimit, Unreadable

_LETTER, _COMMAND = re.compile(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])"), re.compile(r"\\[A-Za-z]+")


_VARIABLES = frozenset("xyz")


def same_in_words(gold: str, answer: str, one: str, two: str, hints: str) -> bool:
    """Two formulas within the same words: a letter has another name only where it has it throughout."""
    ours, theirs = _letters(gold), _letters(answer)
    gone, new = ([letter for letter in side if letter not in other] for side, other in ((ours, theirs), (theirs, ours)))
    pairs = list(zip(new, gone, strict=False)) if len(gone) == len(new) else []
    free = all(
        not {mine, other} & _VARIABLES or (f"({mine})" in gold and f"({other})" in answer) for other, mine in pairs
    )
    return parsed_equal(one, two, hints, True, dict(pairs) if free else {})[0]


def _letters(text: str) -> list[str]:
    """The letters of a text, in the order in which they first appear."""
    return list(dict.fromkeys(_LETTER.findall(_COMMAND.sub(" ", text))))


def parsed_equal(
    gold: str, answer: str, hints: str, commas_group: bool, names: dict[str, str] | None = None
) -> tuple[bool, str]:
    """By the trees of both. With `names`, letters of the answer have these names in the gold, and no others."""
    try:
        one, two = _parsed_gold(gold, commas_group), parse(answer, commas_group)
    except OverLimit as error:
        return False, f"over_limit:{error}"
    except Unreadable:
        return False, "unparsed"
    comparison = Comparison(decoded(hints))
    if names is not None:
        comparison.rename = False
        two = renamed(two, {new: symbol(old) for new, old in names.items()})
    equal = comparison.answers(one, two)
    if equal and (rule := wrong_form(one, two, comparison.hints)):
        return False, rule
    return equal, comparison.rule if equal else "different"


def wrong_form(gold: Node, answer: Node, hints: Hints) -> str | None:
    """Why an equal expression is not what the question asked for: it says factor (or expand), and this is not."""
    if "f" in hints.flags and _is_product(gold) and answer.op == "add":
        return "not_factored"
    if "x" in hints.flags and gold.op == "add" and not any(map(_is_product, walk(gold))) and _is_product(answer):
        return "not_expanded"
    return None


def _is_product(node: Node) -> bool:
    """A product or power of sums."""
    return node.op in ("mul", "pow") and any(arg.op == "add" or _is_product(arg) for arg in node.args)


@lru_cache(maxsize=8192)
def _parsed_gold(text: str, commas_group: bool) -> Node:
    return parse(text, commas_group)
