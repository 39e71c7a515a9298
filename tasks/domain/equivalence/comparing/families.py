"""Congruences and families of numbers: x = 3 (mod 7) beside 7k + 3, and k pi beside 2k pi, 2k pi + pi."""

from __future__ import annotations

from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.sets.congruences import families, residues, same_residues
from tasks.domain.equivalence.sets.congruences import same_families as agree
from tasks.domain.equivalence.values.evaluation import COUNTING_LETTERS
from tasks.domain.equivalence.values.numeric import exact


def same_congruences(c: Comparing, gold: Node, answer: Node) -> bool:
    """Decide whether both have the same remainders, or the answer is the gold's one remainder by itself."""
    one, two = (residues(side, c.hints.whole) for side in (gold, answer))
    if one is None or two is None:
        bare = gold.op == "mod" and gold.args[0].op != "rel" and exact(gold.args[1]) is not None
        return bare and c.same(gold.args[0], answer)
    return same_residues(one, two) and c.found("congruence")


def are_families(c: Comparing, gold: Node, answer: Node) -> bool:
    return "list" in (gold.op, answer.op) and families_agree(c, gold, answer) is not None


def families_agree(c: Comparing, gold: Node, answer: Node) -> bool | None:
    letters = c.hints.parameters | (c.hints.whole & COUNTING_LETTERS) - c.hints.natural
    one, two = families(gold, letters), families(answer, letters)
    return None if one is None or two is None else agree(one, two)


def same_families(c: Comparing, gold: Node, answer: Node) -> bool:
    """k pi is 2k pi and 2k pi + pi."""
    return families_agree(c, gold, answer) is True and c.found("families")


def has_congruence(c: Comparing, gold: Node, answer: Node) -> bool:
    return any(part.op == "mod" for side in (gold, answer) for part in (side, *side.args))
