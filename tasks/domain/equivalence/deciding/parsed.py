"""Two answers as they parse, and an equal expression in a form that was not asked for."""

from __future__ import annotations

from functools import lru_cache

from tasks.domain.equivalence.comparing.compare import Comparison
from tasks.domain.equivalence.hints import Hints, decoded
from tasks.domain.equivalence.nodes import Node, walk
from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import OverLimit, Unreadable


def parsed_equal(gold: str, answer: str, hints: str, commas_group: bool) -> tuple[bool, str]:
    try:
        one, two = _parsed_gold(gold, commas_group), parse(answer, commas_group)
    except OverLimit as error:
        return False, f"over_limit:{error}"
    except Unreadable:
        return False, "unparsed"
    comparison = Comparison(decoded(hints))
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
