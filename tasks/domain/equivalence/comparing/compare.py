"""Do two parsed answers mean the same? The form decides which comparison applies; `Comparison.rule` says which did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.domain.equivalence.comparing.assignments import named_values
from tasks.domain.equivalence.comparing.conditions import condition_of, parameters, whole_against_real
from tasks.domain.equivalence.comparing.equations import answer_relation, gold_relation, same_relations
from tasks.domain.equivalence.comparing.families import are_families, has_congruence, same_congruences, same_families
from tasks.domain.equivalence.comparing.lists import COLLECTIONS, any_order, same_collections
from tasks.domain.equivalence.comparing.piecewise import same_cases
from tasks.domain.equivalence.comparing.plus_minus import same_signs
from tasks.domain.equivalence.comparing.quantities import same_quantity
from tasks.domain.equivalence.comparing.ratios import same_ratios
from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.comparing.renaming import renamings, same_antiderivative
from tasks.domain.equivalence.comparing.settled import opened, settled
from tasks.domain.equivalence.comparing.shapes import (
    is_chain_and_tuple,
    is_matrix_and_name,
    is_point_and_tuple,
    same_chain_and_tuple,
    same_matrix_and_name,
    same_point_and_tuple,
)
from tasks.domain.equivalence.comparing.solutions import (
    REAL_SETS,
    are_real_sets,
    are_solvable,
    same_real_sets,
    same_solutions,
)
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.hints import Hints
from tasks.domain.equivalence.nodes import Node, has, renamed, symbol, symbols
from tasks.domain.equivalence.sets.dots import as_endless, is_endless, same_endless
from tasks.domain.equivalence.sets.realsets import real_set
from tasks.domain.equivalence.values.matrices import as_matrix, components
from tasks.domain.equivalence.words.choices import same_words
from tasks.domain.equivalence.words.phrases import canonical

# One value each, to which no step of `STEPS` applies, and what makes it several or none of a number.
SCALARS = frozenset({"num", "dec", "neg", "inv", "add", "mul", "pow", "pct", "deg", "unit", "fn", "sym"})
MANIFOLD = ("pm", "mp", "matrix", "mod")
REMARKS = ("rel", "given")  # what may say where a letter comes from


class Comparison:
    """Compares under the hints of one question; remembers the last rule that found two things equal."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.rule = "different"
        self.rename = True  # whether letters may have other names here; parts of one thing are renamed together

    def answers(self, gold: Node, answer: Node) -> bool:
        """Decide whether the whole answer means the whole gold."""
        if has(gold, *REMARKS) or has(answer, *REMARKS):
            every, some = (parameters(gold, each) | parameters(answer, each) for each in (True, False))
            self.hints = replace(self.hints, parameters=every - some, natural=some)
        if "m" in self.hints.flags:
            gold, answer = opened(gold), opened(answer)
        return self.same(gold, answer)

    def same(self, gold: Node, answer: Node) -> bool:
        gold, answer = settled(gold), settled(answer)
        if gold == answer:
            return self.found("identical")
        if is_endless(gold) != is_endless(answer):
            gold, answer = as_endless(gold), as_endless(answer)
        if gold.op == "text" and answer.op == "text":
            return same_words(gold.value, answer.value) and self.found("text")
        if same_endless(gold, answer):
            return self.found("endless")
        if "given" in (gold.op, answer.op):
            return self.same_given(gold, answer)
        if "worded" in (gold.op, answer.op):
            return self.same_worded(gold, answer)
        if self.rename and _has_parts(gold) and _has_parts(answer) and symbols(gold) and symbols(answer):
            return self.renamed_together(gold, answer)
        if gold.op in SCALARS and answer.op in SCALARS and not (has(gold, *MANIFOLD) or has(answer, *MANIFOLD)):
            return self.same_quantities(gold, answer)
        for applies, compare in STEPS:
            if applies(self, gold, answer):
                return compare(self, gold, answer)
        return self.same_quantities(gold, answer)

    def same_quantities(self, gold: Node, answer: Node) -> bool:
        rule = same_quantity(gold, answer, self.hints, self.rename)
        if rule is None and self.rename and same_antiderivative(gold, answer, self.hints):
            rule = "antiderivative"
        return rule is not None and self.found(rule)

    def renamed_together(self, gold: Node, answer: Node) -> bool:
        """Rename letters alike in both ends of an interval and in all parts of a tuple."""
        self.rename = False
        same = any(self.same(gold, reading) for reading in renamings(gold, answer, self.hints))
        self.rename = True
        return same

    def found(self, rule: str) -> bool:
        self.rule = rule
        return True

    # conditions and words

    def same_given(self, gold: Node, answer: Node) -> bool:
        """Answers under conditions: those that both state must agree; some may not be left out, or added."""
        one, two = condition_of(gold), condition_of(answer)
        if (not one.stated and two.restrictive) or (not two.stated and one.predicate):
            return False
        if one.predicate and not one.formulas and two.formulas:  # n is odd, and n > 3
            return False
        if not two.stated and any(not symbols(formula) and formula.op != "rel" for formula in one.formulas):
            return False  # Alice, with probability 2/3
        if not two.stated and _any_of(one.item) and any(formula.value != ("in",) for formula in one.formulas):
            return False  # all (c, v) for which c > v
        if one.predicates and two.predicates and one.predicates != two.predicates:
            return False
        if any(whole_against_real(ours, theirs) for ours, theirs in ((one, two), (two, one))):
            return False
        if one.formulas and two.formulas and not self.same_conditions(one.formulas, two.formulas):
            return False
        return self.same(one.item, two.item)

    def same_conditions(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        return len(gold) == len(answer) and any_order(self, list(gold), list(answer))

    def same_worded(self, gold: Node, answer: Node) -> bool:
        """At least 5 is only what is at least 5."""
        same = gold.op == answer.op and canonical(gold.value) == canonical(answer.value)
        return same and self.same(gold.args[0], answer.args[0])


def _any_of(item: Node) -> bool:
    """Letters without a value: what is said of them is the answer."""
    parts = item.args if item.op == "tuple" else (item,)
    return all(part.op == "sym" for part in parts) and len(set(parts)) == len(parts)


def same_functions(c: Comparing, gold: Node, answer: Node) -> bool:
    """Functions given by cases."""
    return same_cases(gold, answer) is True and c.found("piecewise")


def same_vectors(c: Comparing, gold: Node, answer: Node) -> bool:
    """i + 2j for (1, 2)."""
    size = len(next(side.args for side in (gold, answer) if side.op != "add"))
    one, two = (components(side, size) if side.op == "add" else side for side in (gold, answer))
    return one is not None and two is not None and same_matrices(c, one, two)


def same_builders(c: Comparing, gold: Node, answer: Node) -> bool:
    subjects = [side.args[1] if len(side.args) > 1 else symbol(side.value) for side in (gold, answer)]
    names = [side.args if side.op == "tuple" else (side,) for side in subjects]
    if len(names[0]) != len(names[1]) or any(one.op != "sym" for side in names for one in side):
        return subjects[0] == subjects[1] and c.same(gold.args[0], answer.args[0]) and c.found("builder")
    condition = renamed(answer.args[0], {two.value: one for one, two in zip(*names, strict=True)})
    return c.same(gold.args[0], condition) and c.found("builder")


def same_matrices(c: Comparing, gold: Node, answer: Node) -> bool:
    one, two = as_matrix(gold), as_matrix(answer)
    if one is None or two is None or one.value != two.value or len(one.args) != len(two.args):
        return False
    return all(map(c.same, one.args, two.args)) and c.found("matrix")


# The first step whose condition holds decides.
STEPS: Sequence[tuple[Callable[[Comparing, Node, Node], bool], Callable[[Comparing, Node, Node], bool]]] = (
    (is_point_and_tuple, same_point_and_tuple),
    (is_chain_and_tuple, same_chain_and_tuple),
    (is_matrix_and_name, same_matrix_and_name),
    (has_congruence, same_congruences),
    (
        lambda c, g, a: "rel" not in (g.op, a.op) and (g.value == "cases" or a.value == "cases"),
        same_functions,
    ),
    (lambda c, g, a: _vector_and_tuple(g, a), same_vectors),
    (lambda c, g, a: has(g, "pm", "mp") or has(a, "pm", "mp"), same_signs),
    (are_families, same_families),
    (lambda c, g, a: g.op == a.op == "builder" and real_set(g) is None, same_builders),
    (lambda c, g, a: are_real_sets(g, a), same_real_sets),
    (lambda c, g, a: are_solvable(g, a), same_solutions),
    (lambda c, g, a: g.op == a.op == "rel", same_relations),
    (lambda c, g, a: g.op == "rel" and a.op not in COLLECTIONS, gold_relation),
    (lambda c, g, a: a.op == "rel" and g.op not in COLLECTIONS, answer_relation),
    (
        lambda c, g, a: "matrix" in (g.op, a.op) or (has(g, "matrix") and has(a, "matrix")),
        same_matrices,
    ),
    (lambda c, g, a: g.op in COLLECTIONS or a.op in COLLECTIONS, same_collections),
    (lambda c, g, a: "ratio" in (g.op, a.op), same_ratios),
)


def _vector_and_tuple(gold: Node, answer: Node) -> bool:
    ops = {gold.op, answer.op}
    return "add" in ops and bool(ops & {"tuple", "matrix"})


def _has_parts(node: Node) -> bool:
    """Whether letters in it are shared: a tuple, interval, condition or matrix, not a list of answers or one formula."""
    if node.op == "rel":
        return not (is_equation(node) and name_and_value(node) is not None)
    if node.op == "list":
        return bool(node.args) and named_values(node.args) is not None
    return node.op in ("tuple", "builder", "matrix", *REAL_SETS) and node.op not in ("nset", "empty")
