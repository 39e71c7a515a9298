"""Sets of real numbers against each other, and inequalities by what solves them."""

from __future__ import annotations

from tasks.domain.equivalence import proofs
from tasks.domain.equivalence.comparing.equations import same_relations
from tasks.domain.equivalence.comparing.relations import is_equation
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node, symbols
from tasks.domain.equivalence.sets.realsets import real_set, same_sets
from tasks.domain.equivalence.values.symbolic import proves_same_solutions

INEQUALITIES = frozenset({"<", ">", "<=", ">=", "!="})
REAL_SETS = ("union", "inter", "diff", "builder", "nset", "empty")


def same_real_sets(c: Comparing, gold: Node, answer: Node) -> bool:
    one, two = real_set(gold), real_set(answer)
    if one is None or two is None:
        return False
    if one.subject is not None and two.subject is not None and not c.same(one.subject, two.subject):
        return False
    return same_sets(one, two, c.same) and c.found("interval")


def same_solutions(c: Comparing, gold: Node, answer: Node) -> bool:
    """Inequalities that SymPy solves, against each other or against a set of reals."""
    if gold.op == answer.op == "rel" and same_relations(c, gold, answer):
        return True
    if not proves_same_solutions(gold, answer):
        return False
    proofs.note("symbolic")
    return c.found("solutions")


def are_real_sets(gold: Node, answer: Node) -> bool:
    """Whether to compare as sets of reals: at least one side must look like one, and both must be one."""
    if not any(
        side.op in REAL_SETS or (side.op == "rel" and not is_equation(side)) or _relations(side)
        for side in (gold, answer)
    ):
        return False
    return real_set(gold) is not None and real_set(answer) is not None


def are_solvable(gold: Node, answer: Node) -> bool:
    """An inequality in one letter that is not yet solved for it, beside something that is a set of reals or another."""
    sides = (gold, answer)
    if "rel" not in (gold.op, answer.op) and "builder" not in (gold.op, answer.op):
        return False
    unsolved = [side for side in sides if _is_inequality(side) and real_set(side) is None]
    letters = frozenset[str]().union(*map(symbols, sides))
    others = all(side in unsolved or real_set(side) is not None for side in sides)
    return (
        bool(unsolved)
        and others
        and len(letters) == 1
        and all(set(_condition(side).value) <= INEQUALITIES for side in unsolved)
    )


def _is_inequality(side: Node) -> bool:
    return _condition(side).op == "rel" and not is_equation(_condition(side))


def _condition(side: Node) -> Node:
    """What a set-builder asks of its letter; of anything else, itself."""
    return side.args[0] if side.op == "builder" and symbols(side.args[0]) == {side.value} else side


def _relations(side: Node) -> bool:
    """x <= 2 or x = 5: relations, at least one of them no equation."""
    relations = side.op == "list" and all(item.op == "rel" for item in side.args)
    return relations and not all(map(is_equation, side.args))
