"""What is said of an answer beside it: conditions, and remarks on where its letters come from (k in Z)."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.nodes import Node, has, symbols, walk
from tasks.domain.equivalence.values.evaluation import COUNTING_LETTERS
from tasks.domain.equivalence.words.wording import RESTRICTIVE, SETS


def without_remarks(items: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Items, and apart from them the remarks: k in Z, `k is an integer`, and x > 0 beside a single formula that uses x."""
    remarks = tuple(item for item in items if is_remark(item) or _says_of_a_letter(item))
    items = tuple(item for item in items if item not in remarks)
    formulas = [item for item in items if item.op != "rel" or is_equation(item)]
    if len(formulas) == 1 < len(items):
        assigned = name_and_value(formulas[0]) if formulas[0].op == "rel" else None
        used = symbols(assigned[1] if assigned else formulas[0])
        domain = tuple(item for item in items if item is not formulas[0] and symbols(item) and symbols(item) <= used)
        return tuple(item for item in items if item not in domain), (*remarks, *domain)
    return (items, remarks) if items else (remarks, ())


@dataclass(frozen=True)
class Condition:
    """An answer and what is said of it. `restrictive`: it starts with if, when, is; `predicate`: with is."""

    item: Node
    formulas: tuple[Node, ...] = ()
    predicates: frozenset[str] = frozenset()
    restrictive: bool = False
    predicate: bool = False

    @property
    def stated(self) -> bool:
        return bool(self.formulas or self.predicates)


def condition_of(node: Node) -> Condition:
    """The parts of a conditioned answer; memberships such as k in Z count as what they say in words."""
    if node.op != "given":
        return Condition(node)
    members = [part for part in node.args[1:] if is_remark(part)]
    said = frozenset(name for remark in node.value for name in remark.predicates)
    said |= frozenset(name for member in members for name in SETS.get(member.args[1].value, (member.args[1].value,)))
    starts = frozenset(remark.start for remark in node.value)
    formulas = tuple(part for part in node.args[1:] if part not in members)
    return Condition(node.args[0], formulas, said, bool(starts & RESTRICTIVE), bool(starts & {"is", "are"}))


def whole_against_real(one: Condition, two: Condition) -> bool:
    """Whether the integers above 2 stand against the interval (2, oo), or against the numbers of another letter: x > 2."""
    if "integer" not in one.predicates or two.stated or one.item.op != "rel":
        return False
    other = two.item.op in ("union", "inter", "diff") or (two.item.op == "tuple" and has(two.item, "inf"))
    return other or (two.item.op == "rel" and not symbols(two.item) & (symbols(one.item) | COUNTING_LETTERS))


def _says_of_a_letter(item: Node) -> bool:
    """`k is an integer`, as an item of its own."""
    return item.op == "given" and item.args[0].op == "sym" and condition_of(item).predicate


def parameters(node: Node, every: bool) -> frozenset[str]:
    """Letters that the answer itself says run over all whole numbers (k in Z), or else over some of them (k in N)."""
    remarks = [part for part in walk(node) if is_remark(part)]
    declared = [(SETS.get(one.args[1].value, ()), symbols(one.args[0])) for one in remarks]
    said = [remark for part in walk(node) if part.op == "given" for remark in part.value]
    declared += [(tuple(remark.predicates), remark.letters) for remark in said]
    whole = [(says, letters) for says, letters in declared if "integer" in says]
    return frozenset(letter for says, letters in whole if (len(says) == 1) == every for letter in letters)


def is_remark(item: Node) -> bool:
    """k in Z, beside an answer that uses k."""
    return (
        item.op == "rel" and item.value == ("in",) and item.args[0].op in ("sym", "list") and item.args[1].op == "nset"
    )
