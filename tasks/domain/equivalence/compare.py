"""Do two parsed answers mean the same? The form decides which comparison applies; `Comparison.rule` says which did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from tasks.domain.equivalence import proofs, texts
from tasks.domain.equivalence.builders import unbuilt, whole_points
from tasks.domain.equivalence.congruences import families, residues, same_families, same_residues
from tasks.domain.equivalence.evaluation import COUNTING_LETTERS
from tasks.domain.equivalence.hints import Hints
from tasks.domain.equivalence.matrices import as_matrix, components
from tasks.domain.equivalence.nodes import Node, divided, has, renamed, signed, symbol, symbols, walk
from tasks.domain.equivalence.numeric import exact
from tasks.domain.equivalence.parser import parse
from tasks.domain.equivalence.piecewise import same_cases
from tasks.domain.equivalence.quantities import same_quantity, text_value
from tasks.domain.equivalence.realsets import real_set, same_sets
from tasks.domain.equivalence.relations import (
    answered_by_equation,
    answers_equation,
    is_equation,
    is_name,
    is_sum_of_letters,
    name_and_value,
    same_equation,
    same_inequality,
)
from tasks.domain.equivalence.renaming import renamings, same_antiderivative
from tasks.domain.equivalence.symbolic import proves_same_solutions
from tasks.domain.equivalence.tokens import Unreadable
from tasks.domain.equivalence.wording import RESTRICTIVE, SETS

MAX_ITEMS = 60
INEQUALITIES = frozenset({"<", ">", "<=", ">=", "!="})
MAX_SIGNS = 4  # plus-minus signs in one tuple
# One value each, to which no step of `STEPS` applies, and what makes it several or none of a number.
SCALARS = frozenset({"num", "dec", "neg", "inv", "add", "mul", "pow", "pct", "deg", "unit", "fn", "sym"})
MANIFOLD = ("pm", "mp", "matrix", "mod")
COLLECTIONS = ("list", "set", "tuple")
REMARKS = ("rel", "given")  # what may say where a letter comes from
REAL_SETS = ("union", "inter", "diff", "builder", "nset", "empty")


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
        gold, answer = _settled(gold), _settled(answer)
        if gold == answer:
            return self.found("identical")
        if gold.op == "text" and answer.op == "text":
            return texts.same_words(gold.value, answer.value) and self.found("text")
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
        if one.predicates and two.predicates and one.predicates != two.predicates:
            return False
        if one.formulas and two.formulas and not self.same_conditions(one.formulas, two.formulas):
            return False
        return self.same(one.item, two.item)

    def same_conditions(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        return len(gold) == len(answer) and self.any_order(list(gold), list(answer))

    def same_worded(self, gold: Node, answer: Node) -> bool:
        """At least 5 is only what is at least 5."""
        same = gold.op == answer.op and texts.canonical(gold.value) == texts.canonical(answer.value)
        return same and self.same(gold.args[0], answer.args[0])

    # values that are several: plus-minus

    def same_signs(self, gold: Node, answer: Node) -> bool:
        for read in (alternatives, independent):
            one, two = (Node("list", tuple(read(side))) if has(side, "pm", "mp") else side for side in (gold, answer))
            if self.same(one, two):
                return True
        return False

    def same_congruences(self, gold: Node, answer: Node) -> bool:
        """Decide whether both have the same remainders, or the answer is the gold's one remainder by itself."""
        one, two = (residues(side, self.hints.whole) for side in (gold, answer))
        if one is None or two is None:
            bare = gold.op == "mod" and gold.args[0].op != "rel" and exact(gold.args[1]) is not None
            return bare and self.same(gold.args[0], answer)
        return same_residues(one, two) and self.found("congruence")

    def are_families(self, gold: Node, answer: Node) -> bool:
        return "list" in (gold.op, answer.op) and self.families_agree(gold, answer) is not None

    def families_agree(self, gold: Node, answer: Node) -> bool | None:
        letters = self.hints.parameters | (self.hints.whole & COUNTING_LETTERS) - self.hints.natural
        one, two = families(gold, letters), families(answer, letters)
        return None if one is None or two is None else same_families(one, two)

    def same_families(self, gold: Node, answer: Node) -> bool:
        """k pi is 2k pi and 2k pi + pi."""
        return self.families_agree(gold, answer) is True and self.found("families")

    def same_functions(self, gold: Node, answer: Node) -> bool:
        """Functions given by cases."""
        return same_cases(gold, answer) is True and self.found("piecewise")

    def same_vectors(self, gold: Node, answer: Node) -> bool:
        """i + 2j for (1, 2)."""
        size = len(next(side.args for side in (gold, answer) if side.op != "add"))
        one, two = (components(side, size) if side.op == "add" else side for side in (gold, answer))
        return one is not None and two is not None and self.same_matrices(one, two)

    def same_builders(self, gold: Node, answer: Node) -> bool:
        condition = renamed(answer.args[0], {answer.value: symbol(gold.value)})
        return self.same(gold.args[0], condition) and self.found("builder")

    # sets of reals

    def same_real_sets(self, gold: Node, answer: Node) -> bool:
        one, two = real_set(gold), real_set(answer)
        if one is None or two is None:
            return False
        if one.subject is not None and two.subject is not None and not self.same(one.subject, two.subject):
            return False
        return same_sets(one, two, self.same) and self.found("interval")

    def same_solutions(self, gold: Node, answer: Node) -> bool:
        """Inequalities that SymPy solves, against each other or against a set of reals."""
        if gold.op == answer.op == "rel" and self.same_relations(gold, answer):
            return True
        if not proves_same_solutions(gold, answer):
            return False
        proofs.note("symbolic")
        return self.found("solutions")

    # relations

    def same_relations(self, gold: Node, answer: Node) -> bool:
        gold, answer = _of_quotients(gold), _of_quotients(answer)
        if is_equation(gold) and is_equation(answer):
            return same_equation(gold, answer, self.same) and self.found("equation")
        return same_inequality(gold, answer, self.same) and self.found("relation")

    def gold_relation(self, gold: Node, answer: Node) -> bool:
        return is_equation(gold) and answers_equation(gold, answer, self.same)

    def answer_relation(self, gold: Node, answer: Node) -> bool:
        return is_equation(answer) and answered_by_equation(gold, answer, self.same, self.asked)

    def asked(self, left: Node) -> bool:
        """Whether the question asks for this expression: `find a + b` is answered by a + b = 7."""
        if self.hints.letters is None:
            return is_sum_of_letters(left)
        return any(left == _parsed(target) for target in self.hints.asked)

    # matrices and vectors

    def same_matrices(self, gold: Node, answer: Node) -> bool:
        one, two = as_matrix(gold), as_matrix(answer)
        if one is None or two is None or one.value != two.value or len(one.args) != len(two.args):
            return False
        return all(map(self.same, one.args, two.args)) and self.found("matrix")

    # ratios

    def same_ratios(self, gold: Node, answer: Node) -> bool:
        if self.both_clock(gold, answer):
            return False
        one, two = (side.args if side.op == "ratio" else () for side in (gold, answer))
        if one and two:
            same = len(one) == len(two) and self.proportional(one, two)
        else:
            ratio, other = (one, answer) if one else (two, gold)
            same = len(ratio) == 2 and self.same(divided(*ratio), other)
        return same and self.found("ratio")

    def proportional(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        if any(exact(part) == 0 for part in (*gold, *answer)):
            return all(map(self.same, gold, answer))
        pairs = list(zip(gold, answer, strict=True))[1:]
        return all(self.same(divided(g, gold[0]), divided(a, answer[0])) for g, a in pairs)

    def both_clock(self, gold: Node, answer: Node) -> bool:
        return "c" in self.hints.flags and gold.op == answer.op == "ratio"

    # lists, sets, tuples

    def same_collections(self, gold: Node, answer: Node) -> bool:
        if gold.op == "rel" or answer.op == "rel":
            return self.assigned_collection(gold, answer)
        if not (gold.op in COLLECTIONS and answer.op in COLLECTIONS):
            return self.single_against_collection(gold, answer)
        if gold.op == answer.op == "tuple":
            return _same_brackets(gold.value, answer.value, len(gold.args)) and self.in_order(gold.args, answer.args)
        single = next((side for side in (gold, answer) if side.op == "set" and len(side.args) == 1), None)
        closed = any(side.op == "tuple" and side.value == "[]" and len(side.args) <= 2 for side in (gold, answer))
        if "tuple" in (gold.op, answer.op) and single is not None and not closed:  # {(1, 2)} for (1, 2)
            return self.same(*(side.args[0] if side is single else side for side in (gold, answer)))
        if "tuple" in (gold.op, answer.op):
            return self.tuple_against_other(gold, answer)
        return self.same_items(gold, answer)

    def assigned_collection(self, gold: Node, answer: Node) -> bool:
        """(x, y) = (1, 2) against (1, 2); x = 1 against a list is not the same."""
        sides = [
            name_and_value(side) if side.op == "rel" and is_equation(side) else (side, side) for side in (gold, answer)
        ]
        if None in sides or (
            sides[0] is not None and sides[0][1] == gold and sides[1] is not None and sides[1][1] == answer
        ):
            return False
        return self.same(*(side[1] for side in sides if side is not None))

    def single_against_collection(self, gold: Node, answer: Node) -> bool:
        collection = gold if gold.op in COLLECTIONS else answer
        items = _distinct(collection.args, self.same)
        repeated = collection is gold and len(set(gold.args)) < len(gold.args)  # a double root, asked for as such
        point = collection.op == "tuple" and not (
            collection.value == "[]" and len(collection.args) <= 2 and len(items) == 1
        )
        if len(items) != 1 or point or (repeated and gold.op == "list"):
            return False
        same = self.same(items[0], answer) if collection is gold else self.same(gold, items[0])
        return same and (len(collection.args) == 1 or self.found("repeated"))

    def tuple_against_other(self, gold: Node, answer: Node) -> bool:
        """1, 2 for (1, 2) in that order; [1, 2, 3] may be a list; {1, 2} is no pair."""
        tupled, other = (gold, answer) if gold.op == "tuple" else (answer, gold)
        if other.op == "set" and len(other.args) == 1 and tupled.value == "[]":  # [2, 2] is {2}
            return all(self.same(other.args[0], item) for item in tupled.args)
        if other.op == "set":
            return (
                tupled.value == "[]"
                and len(tupled.args) > 2
                and self.same_items(Node("set", gold.args), Node("set", answer.args))
            )
        return self.in_order(*([_unnamed(item) for item in _by_letter(side)] for side in (gold, answer)))

    def in_order(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        return len(gold) == len(answer) <= MAX_ITEMS and all(map(self.same, gold, answer)) and self.found("ordered")

    def same_items(self, gold: Node, answer: Node) -> bool:
        """Named items by name, others in any order, or in their order where the question asks for one."""
        ours, theirs = (
            _distinct(_flattened(side), self.same) if side.op == "set" else _flattened(side) for side in (gold, answer)
        )
        if max(len(ours), len(theirs)) > MAX_ITEMS or _by_cases(ours) != _by_cases(theirs):
            return False
        ours, theirs = _records(ours), _records(theirs)
        mine, yours = _names(ours), _names(theirs)
        if mine and yours and set(mine) == set(yours) and len(mine) == len(ours) == len(yours) == len(theirs):
            return all(self.same(mine[name], yours[name]) for name in mine) and self.found("named")
        if mine and yours is None and all(_assigned(one) for one in theirs) and _letters_named(theirs) < set(mine):
            return False  # x = 1, y = 2 against x = 1, x = 2
        if _other_letter(_letters_named(ours), _letters_named(theirs)):
            return False
        if _letters_named(ours) == _letters_named(theirs) and len(_letters_named(ours)) > 1:
            return self.any_order(ours, theirs)  # x = 5, y = 3, y = 5: what is said of x is not said of y
        if mine is None or yours is None:
            ours, theirs = [_unnamed(one) for one in ours], [_unnamed(one) for one in theirs]
        if gold.op == answer.op == "list" and "o" in self.hints.flags:
            return self.in_order(ours, theirs)
        return self.any_order(ours, theirs)

    def any_order(self, gold: list[Node], answer: list[Node]) -> bool:
        """A perfect matching; repeated items of the answer do not count when the gold has no repeats."""
        rule = "set"
        if len(answer) > len(gold) and len(_distinct(gold, self.same)) == len(gold):
            answer, rule = _distinct(answer, self.same), "repeated"
        if len(gold) != len(answer):
            return False
        left = list(answer)
        for item in gold:
            match = next((at for at, other in enumerate(left) if self.same(item, other)), None)
            if match is None:
                return False
            del left[match]
        return self.found(rule)


def _has_congruence(c: Comparison, gold: Node, answer: Node) -> bool:
    return any(part.op == "mod" for side in (gold, answer) for part in (side, *side.args))


# The first step whose condition holds decides.
STEPS: Sequence[tuple[Callable[[Comparison, Node, Node], bool], Callable[[Comparison, Node, Node], bool]]] = (
    (_has_congruence, Comparison.same_congruences),
    (
        lambda c, g, a: "rel" not in (g.op, a.op) and (g.value == "cases" or a.value == "cases"),
        Comparison.same_functions,
    ),
    (lambda c, g, a: _vector_and_tuple(g, a), Comparison.same_vectors),
    (lambda c, g, a: has(g, "pm", "mp") or has(a, "pm", "mp"), Comparison.same_signs),
    (Comparison.are_families, Comparison.same_families),
    (lambda c, g, a: g.op == a.op == "builder" and real_set(g) is None, Comparison.same_builders),
    (lambda c, g, a: _real_sets(g, a), Comparison.same_real_sets),
    (lambda c, g, a: _solvable(g, a), Comparison.same_solutions),
    (lambda c, g, a: g.op == a.op == "rel", Comparison.same_relations),
    (lambda c, g, a: g.op == "rel" and a.op not in COLLECTIONS, Comparison.gold_relation),
    (lambda c, g, a: a.op == "rel" and g.op not in COLLECTIONS, Comparison.answer_relation),
    (
        lambda c, g, a: "matrix" in (g.op, a.op) or (has(g, "matrix") and has(a, "matrix")),
        Comparison.same_matrices,
    ),
    (lambda c, g, a: g.op in COLLECTIONS or a.op in COLLECTIONS, Comparison.same_collections),
    (lambda c, g, a: "ratio" in (g.op, a.op), Comparison.same_ratios),
)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Node | None:
    try:
        return parse(text)
    except Unreadable:
        return None


def _settled(node: Node) -> Node:
    """Without wrappers that carry no meaning: one-item lists, remarks on where parameters come from."""
    if node.op == "text":
        return text_value(node)
    if node.op == "rel" and node.value == ("in",) and node.args[1].op == "set":  # x in {2, 3}
        return node.args[1]
    if node.op == "builder" and (simpler := unbuilt(node)) is not node:
        return _settled(simpler)
    if node.op == "list":
        settled = _settled_list(node)
        return _points(settled) or settled if settled.op == "given" else settled
    if node.op == "given" and (points := _points(node)) is not None:
        return points
    if node.op == "given" and not condition_of(node).stated:
        return _settled(node.args[0])
    if node.op == "unit" and node.args[0].op in (*COLLECTIONS, "rel", "ratio", "union", "matrix", "text"):
        return _settled(node.args[0])
    if (
        node.op == "rel"
        and node.value[-1] in ("=", "~")
        and node.args[-1].op == "unit"
        and node.args[-1].args[0].op in COLLECTIONS
    ):
        return Node("rel", (*node.args[:-1], node.args[-1].args[0]), node.value)
    return node


def _points(node: Node) -> Node | None:
    """-2 <= x < 2 where x is whole, as the set it is."""
    members = tuple(part for part in node.args[1:] if _is_remark(part))
    relation = node.args[0]
    if len(members) != len(node.args) - 1 or node.value or relation.op != "rel" or is_equation(relation):
        return None
    return (
        whole_points((relation,), members) if members[:1] and symbols(relation) == symbols(members[0].args[0]) else None
    )


def opened(node: Node) -> Node:
    """Return the tree with all intervals' ends open."""
    args = tuple(map(opened, node.args))
    if node.op == "tuple" and len(args) == 2:
        return Node("tuple", args, "()")
    value = tuple({"<=": "<", ">=": ">"}.get(one, one) for one in node.value) if node.op == "rel" else node.value
    return Node(node.op, args, value)


def _settled_list(node: Node) -> Node:
    """One item, or several; remarks beside them, or behind the last, hold for all of them."""
    items, remarks = without_remarks(node.args)
    if not items:
        return node
    if items[-1].op == "given" and not any(item.op == "given" for item in items[:-1]) and len(items) > 1:
        last = items[-1]
        if not condition_of(last).restrictive:
            items, remarks = (*items[:-1], last.args[0]), (Node("given", last.args, last.value), *remarks)
    main = _settled(items[0]) if len(items) == 1 else Node("list", items)
    for remark in remarks:
        formulas, said = (remark.args[1:], remark.value) if remark.op == "given" else ((remark,), ())
        main = (
            Node("given", (main, *formulas), said)
            if main.op != "given"
            else Node("given", (*main.args, *formulas), (*main.value, *said))
        )
    return main


def without_remarks(items: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Items, and apart from them the remarks: k in Z, `k is an integer`, and x > 0 beside a single formula that uses x."""
    remarks = tuple(item for item in items if _is_remark(item) or _says_of_a_letter(item))
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
    members = [part for part in node.args[1:] if _is_remark(part)]
    said = frozenset(name for remark in node.value for name in remark.predicates)
    said |= frozenset(name for member in members for name in SETS.get(member.args[1].value, (member.args[1].value,)))
    starts = frozenset(remark.start for remark in node.value)
    formulas = tuple(part for part in node.args[1:] if part not in members)
    return Condition(node.args[0], formulas, said, bool(starts & RESTRICTIVE), bool(starts & {"is", "are"}))


def _says_of_a_letter(item: Node) -> bool:
    """`k is an integer`, as an item of its own."""
    return item.op == "given" and item.args[0].op == "sym" and condition_of(item).predicate


def parameters(node: Node, every: bool) -> frozenset[str]:
    """Letters that the answer itself says run over all whole numbers (k in Z), or else over some of them (k in N)."""
    remarks = [part for part in walk(node) if _is_remark(part)]
    declared = [(SETS.get(one.args[1].value, ()), symbols(one.args[0])) for one in remarks]
    said = [remark for part in walk(node) if part.op == "given" for remark in part.value]
    declared += [(tuple(remark.predicates), remark.letters) for remark in said]
    whole = [(says, letters) for says, letters in declared if "integer" in says]
    return frozenset(letter for says, letters in whole if (len(says) == 1) == every for letter in letters)


def _is_remark(item: Node) -> bool:
    """k in Z, beside an answer that uses k."""
    return (
        item.op == "rel" and item.value == ("in",) and item.args[0].op in ("sym", "list") and item.args[1].op == "nset"
    )


def _of_quotients(node: Node) -> Node:
    """a : b = 2 : 5 as an equation of fractions."""
    if not is_equation(node) or not any(side.op == "ratio" for side in node.args):
        return node
    sides = (divided(*side.args) if side.op == "ratio" and len(side.args) == 2 else side for side in node.args)
    return Node("rel", tuple(sides), node.value)


def _real_sets(gold: Node, answer: Node) -> bool:
    """Whether to compare as sets of reals: at least one side must look like one, and both must be one."""
    if not any(
        side.op in REAL_SETS or (side.op == "rel" and not is_equation(side)) or _relations(side)
        for side in (gold, answer)
    ):
        return False
    return real_set(gold) is not None and real_set(answer) is not None


def _vector_and_tuple(gold: Node, answer: Node) -> bool:
    ops = {gold.op, answer.op}
    return "add" in ops and bool(ops & {"tuple", "matrix"})


def _has_parts(node: Node) -> bool:
    """Whether letters in it are shared: a tuple, interval, condition or matrix, not a list of answers or one formula."""
    if node.op == "rel":
        return not (is_equation(node) and name_and_value(node) is not None)
    if node.op == "list":
        return bool(node.args) and _names(node.args) is not None
    return node.op in ("tuple", "builder", "matrix", *REAL_SETS) and node.op not in ("nset", "empty")


def _solvable(gold: Node, answer: Node) -> bool:
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


def _same_brackets(one: str, two: str, items: int) -> bool:
    """Brackets matter for pairs, which may be intervals; longer tuples may be written with any."""
    vector = {"<>": "()"}
    return vector.get(one, one) == vector.get(two, two) or items > 2


def alternatives(node: Node) -> list[Node]:
    """Return both readings of an expression with plus-minus signs, the signs taken together; in a list, of each item."""
    if node.op not in ("list", "set"):
        return [signed(node, 1), signed(node, -1)]
    return [reading for item in node.args for reading in (alternatives(item) if has(item, "pm", "mp") else [item])]


def independent(node: Node) -> list[Node]:
    """Return (+-1, +-2) as four points: the signs of a tuple's parts are taken each by itself."""
    if node.op != "tuple" or sum(has(part, "pm", "mp") for part in node.args) < 2 or len(node.args) > MAX_SIGNS:
        return alternatives(node)
    parts = [alternatives(part) if has(part, "pm", "mp") else [part] for part in node.args]
    return [Node("tuple", chosen, node.value) for chosen in product(*parts)]


def _distinct(items: Sequence[Node], same: Callable[[Node, Node], bool]) -> list[Node]:
    kept: list[Node] = []
    for item in items:
        if not any(same(other, item) for other in kept):
            kept.append(item)
    return kept


def _flattened(node: Node) -> list[Node]:
    """Items of a list or set; x = 1, 2 gives two."""
    items: list[Node] = []
    for item in node.args:
        items.extend(item.args if item.op == "list" else [item])
    return items


def _names(items: Sequence[Node]) -> dict[Node, Node] | None:
    """Values by name, when every item is an assignment to a name of its own."""
    found: dict[Node, Node] = {}
    for item in items:
        assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
        if assigned is None or assigned[0] in found:
            return None
        found[assigned[0]] = assigned[1]
    return found


def _letters_named(items: Sequence[Node]) -> frozenset[Node]:
    """The names to which values are given."""
    assigned = [name_and_value(item) for item in items if item.op == "rel" and is_equation(item)]
    return frozenset(pair[0] for pair in assigned if pair is not None)


def _other_letter(ours: frozenset[Node], theirs: frozenset[Node]) -> bool:
    """Values of one letter against values of another, or of several: a = 2, a = 3 against a = 2, b = 3."""
    if len(ours) != 1 or not theirs:
        return False
    (ours_name,) = ours
    letters = all(name.op == "sym" and len(name.value) == 1 for name in (ours_name, *theirs))
    return letters and {name.value.casefold() for name in theirs} != {ours_name.value.casefold()}


def _by_letter(side: Node) -> Sequence[Node]:
    """The items of y = -1, x = 2 in the order of their letters, in which a pair has them."""
    names = _names(side.args) if side.op == "list" else None
    if names is None or len(names) < 2 or not all(name.op == "sym" and name.value in ("x", "y", "z") for name in names):
        return side.args
    return sorted(side.args, key=lambda item: str(name[0].value) if (name := name_and_value(item)) else "")


def _assigned(item: Node) -> bool:
    return item.op == "rel" and is_equation(item) and name_and_value(item) is not None


def _by_cases(items: Sequence[Node]) -> bool:
    """n if n is even, 2n if n is odd: which value holds when is the answer."""
    return sum(condition_of(item).restrictive for item in items) > 1


def _records(items: list[Node]) -> list[Node]:
    """p = 5, q = 2; p = 7, q = 2 as (5, 2), (7, 2): the same names again and again, in the same order."""
    assigned = [name_and_value(item) if item.op == "rel" and is_equation(item) else None for item in items]
    pairs = [pair for pair in assigned if pair is not None]
    names = [name for name, _ in pairs]
    size = len(set(names))
    if len(pairs) != len(items) or not 1 < size < len(items) or names != names[:size] * (len(items) // size):
        return items
    values = [value for _, value in pairs]
    return [Node("tuple", tuple(values[at : at + size]), "()") for at in range(0, len(values), size)]


def _unnamed(item: Node) -> Node:
    if item.op == "ratio" and len(item.args) == 2 and item.args[0].op == "text" and is_name(item.args[0]):
        return item.args[1]  # Paolo: 18
    assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
    return assigned[1] if assigned else item
