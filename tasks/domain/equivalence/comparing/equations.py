"""Equations and inequalities against each other, and an equation against the value that it gives."""

from __future__ import annotations

from functools import lru_cache

from tasks.domain.equivalence.comparing.ratios import of_quotients
from tasks.domain.equivalence.comparing.relations import (
    answered_by_equation,
    answers_equation,
    is_equation,
    is_sum_of_letters,
    same_equation,
    same_inequality,
)
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import Unreadable


def same_relations(c: Comparing, gold: Node, answer: Node) -> bool:
    gold, answer = of_quotients(gold), of_quotients(answer)
    if is_equation(gold) and is_equation(answer):
        return same_equation(gold, answer, c.same) and c.found("equation")
    return same_inequality(gold, answer, c.same) and c.found("relation")


def gold_relation(c: Comparing, gold: Node, answer: Node) -> bool:
    return is_equation(gold) and answers_equation(gold, answer, c.same, lambda left: asked(c, left))


def answer_relation(c: Comparing, gold: Node, answer: Node) -> bool:
    return is_equation(answer) and answered_by_equation(gold, answer, c.same, lambda left: asked(c, left))


def asked(c: Comparing, left: Node) -> bool:
    """Whether the question asks for this expression: `find a + b` is answered by a + b = 7."""
    if c.hints.letters is None:
        return is_sum_of_letters(left)
    return any(left == _parsed(target) for target in c.hints.asked)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Node | None:
    try:
        return parse(text)
    except Unreadable:
        return None
