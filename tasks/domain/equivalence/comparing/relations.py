"""Equations and inequalities, and what an assignment such as `x = 5` or `f(x) = x + 1` gives as an answer."""

from __future__ import annotations

import re
from collections.abc import Callable

from tasks.domain.equivalence.nodes import ZERO, Node, added, has, negated, renamed, symbol, symbols, times, walk
from tasks.domain.equivalence.values.arithmetic import Floats, NotNumeric, Undefined
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.numeric import exact, same_value

Same = Callable[[Node, Node], bool]
ASSIGNMENTS = ("=", "~")
ROUGHLY = 0.03  # by which a rounded value may miss what it was rounded from
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def is_equation(node: Node) -> bool:
    return node.op == "rel" and all(operator in ASSIGNMENTS for operator in node.value)


_INVERTIBLE = ("sqrt", "ln", "log", "lg", "exp", "abs", "sin", "cos", "tan", "cot", "sec", "csc")
_UNDONE = ("sqrt", "ln", "log", "lg", "exp")  # of any letter: log n = 10 is no value yet, but |z| = 5 may be asked for
_MEMBER = re.compile(r"(?P<sequence>[a-zA-Z])_(?P<place>[a-z])")  # a_n, the name of a sequence


def is_name(node: Node) -> bool:
    """Whether the left side of an assignment only names what is on the right: x, f(x), AB, |AB|, (x, y), a:b."""
    if node.op == "sym":
        return node.value != r"\pi"  # \pi ~ 3.14 names nothing
    if node.op in ("text", "opaque", "empty"):
        return True
    if node.op == "call":
        return True
    if node.op in ("tuple", "ratio", "list", "union", "inter", "diff"):
        return bool(node.args) and all(map(is_name, node.args))
    if node.op == "fn":
        unknown = node.value in _INVERTIBLE and node.args[0] in (symbol("x"), symbol("y"))  # sqrt x = 5 is to be solved
        unknown = unknown or (node.value in _UNDONE and node.args[0].op == "sym")
        return len(node.args) == 1 and is_name(node.args[0]) and not unknown
    if node.op == "mul":
        return _is_derivative(node) or all(map(_is_length, node.args))
    return False


def _is_length(factor: Node) -> bool:
    """The A and B of AB, or of CD / AB."""
    if factor.op == "inv":
        under = factor.args[0]
        return all(map(_is_length, under.args if under.op == "mul" else (under,)))
    if factor.op == "fn" and factor.value == "abs":  # |AB|, but not the size |X| of a number
        inside = factor.args[0]
        return inside.op == "mul" and len(inside.args) == 2 and all(map(_is_length, inside.args))
    return factor.op == "sym" and _names_a_thing(factor.value)


def _unbarred(name: Node) -> Node:
    """The name AB / CD of |AB| / |CD|."""
    if name.op == "fn" and name.value == "abs" and _is_length(name):
        return _unbarred(name.args[0])
    args = tuple(map(_unbarred, name.args))
    return times(*args) if name.op == "mul" else Node(name.op, args, name.value)


def _names_a_thing(letter: str) -> bool:
    """The A and B of AB, and the complement sign."""
    return letter[:1].isupper() or letter.startswith(r"\complement")


def _is_derivative(node: Node) -> bool:
    """dy/dx."""
    top, bottom = node.args[:-1], node.args[-1]
    under = bottom.args[0].args if bottom.op == "inv" else ()
    return all(part[:1] == (symbol("d"),) and len(part) == 2 for part in (top, under))


def oriented(node: Node) -> Node:
    """5 = x as x = 5; a chain that ends in rounding (x = 1/3 ~ 0.33) without its rounded part."""
    if "~" in node.value and "=" in node.value:
        cut = node.value.index("~")
        node = Node("rel", node.args[: cut + 1], node.value[:cut])
    if len(node.args) == 2 and is_name(node.args[1]) and not is_name(node.args[0]):
        node = Node("rel", node.args[::-1], node.value)
    return node


def name_and_value(node: Node) -> tuple[Node, Node] | None:
    """(name, value) of an assignment, the last value of a chain; None for an equation between expressions, and for a chain
    through something undefined."""
    node = oriented(node)
    if (
        not is_name(node.args[0])
        or (node.args[0] == symbol("e") and "~" in node.value)
        or any(map(_is_undefined, node.args[1:-1]))
    ):
        return None
    circular = node.args[0].op == "sym" and node.args[0].value in symbols(node.args[-1])  # x = 2 x + 1
    return None if circular else (node.args[0], node.args[-1])


def _is_undefined(part: Node) -> bool:
    """ln 0, through which a chain proves nothing."""
    if symbols(part):
        return False
    try:
        Evaluation(Floats()).value(part)
    except Undefined:
        return True
    except NotNumeric:
        return False
    return False


def readings(node: Node) -> list[Node]:
    """What an approximate equality without a name stands for: the exact side, and the rounded one."""
    return [node.args[0], node.args[-1]] if node.value == ("~",) and not is_name(node.args[0]) else []


def _other_letter(one: Node, two: Node) -> bool:
    """Not X for x: P(X) and P(x) are one polynomial."""
    return one.value.casefold() != two.value.casefold()


def same_name(one: Node, two: Node) -> dict[str, Node] | None:
    """How to rename symbols of `two` so that both name the same thing; None when they name different things."""
    if one == two or _unbarred(one) == _unbarred(two):
        return {}
    if one.op == two.op == "sym" and (pair := _same_sequence(one.value, two.value)):
        return pair
    if one.op == two.op == "call" and one.value == two.value and len(one.args) == len(two.args):
        pairs = list(zip(one.args, two.args, strict=True))
        if all(mine.op == other.op == "sym" for mine, other in pairs):
            events = any(
                _other_letter(mine, other) and mine.value[:1].isupper() for mine, other in pairs
            )  # P(A) is not P(B)
            return None if events else {other.value: mine for mine, other in pairs}
        return {} if one.args == two.args else None
    if {one.op, two.op} == {"call", "sym"} and ("y" in (one.value, two.value) or one.value == two.value):
        return {}
    if one.op == two.op == "opaque":  # the limit of one sequence is not that of another
        return None
    if one.op == two.op == "tuple" and len(one.args) == len(two.args):
        return None if set(one.args) == set(two.args) else {}  # (y, x), of which `_in_the_order_of` knows
    if one.op == two.op == "sym" and one.value.casefold() == two.value.casefold():
        return {}
    return {} if one.op in ("text", "opaque") or two.op in ("text", "opaque") else None


def _same_sequence(one: str, two: str) -> dict[str, Node] | None:
    """How to rename k in a_k to n in a_n."""
    ours, theirs = _MEMBER.fullmatch(one), _MEMBER.fullmatch(two)
    if ours is None or theirs is None or ours["sequence"] != theirs["sequence"]:
        return None
    return {theirs["place"]: symbol(ours["place"])}


def _in_the_order_of(name: Node, other: tuple[Node, Node]) -> tuple[Node, Node]:
    """(y, x) = (2, 1) as (x, y) = (1, 2)."""
    names, values = other
    if not name.op == names.op == values.op == "tuple" or name == names or len(values.args) != len(names.args):
        return other
    by_name = dict(zip(names.args, values.args, strict=True))
    if len(by_name) != len(names.args) or set(by_name) != set(name.args):
        return other
    return name, Node("tuple", tuple(by_name[part] for part in name.args), values.value)


def _bound(name: Node, value: Node) -> frozenset[str]:
    """Letters of the value that the name has, as x in f(x) and n in a_n: they are no other letter's."""
    letters = symbols(name) if name.op == "call" else frozenset[str]()
    if name.op == "sym" and (member := _MEMBER.fullmatch(name.value)):
        letters = frozenset({member["place"]})
    return letters & symbols(value)


def _of_another(name: Node, one: Node, two: Node) -> bool:
    """y = 2x + 1 and y = 2q + 1: of a curve, the letter is no name of one's own choice."""
    ours, theirs = symbols(one), symbols(two)
    if name.op != "sym" or len(ours) != 1 or len(theirs) != 1 or ours == theirs or {name.value} & (ours | theirs):
        return False
    (mine,), (other,) = ours, theirs
    return mine in ("x", "y", "z") and mine != other.casefold()


def same_equation(gold: Node, answer: Node, same: Same) -> bool:
    """Two assignments of equal value, or two equations with the same solutions as far as a constant factor tells."""
    one, two = name_and_value(gold), name_and_value(answer)
    if one and two:
        two = _in_the_order_of(one[0], two)
        names = same_name(one[0], two[0])
        if names is not None:
            mixed = any(old != new.value and new.value in symbols(two[1]) for old, new in names.items())  # f(y) = x^2
            value = renamed(two[1], names)
            if one[0] == two[0] and _of_another(one[0], one[1], value):
                return False
            free = _bound(one[0], one[1]) - symbols(value)  # f(x) = 2y
            return not mixed and not (free and symbols(value) - symbols(one[1])) and same(one[1], value)
    if not symbols(gold) and not symbols(answer):  # 2/3 ~ 0.67, 0.56 = 56%
        computed = _functions(gold.args[0]) == _functions(answer.args[0])  # of sin 45 and cos 45, which was asked
        return computed and same(gold.args[0], answer.args[0]) and same(gold.args[-1], answer.args[-1])
    if len(gold.args) != 2 or len(answer.args) != 2:
        return False
    if proportional(difference(gold), difference(answer)):
        return True
    solved = two if two and two[0].op == "sym" else None
    return solved is not None and is_solution(difference(gold), solved[0].value, solved[1])


def _functions(node: Node) -> list[str]:
    return sorted(part.value for part in walk(node) if part.op == "fn" and part.value not in ("sqrt", "abs"))


def answers_equation(gold: Node, answer: Node, same: Same, asked: Callable[[Node], bool]) -> bool:
    """A bare answer against a gold equation: the value of the assignment, or of what the question asks for by its formula, or the
    equation solved for its other symbol."""
    if len(gold.args) == 2 and asked(gold.args[0]) and same(gold.args[1], answer):
        return True
    assigned = name_and_value(gold)
    if assigned is not None:
        return same(assigned[1], answer)
    if any(same(reading, answer) for reading in readings(gold)):
        return True
    if _asks_for_value(gold) and not symbols(answer):
        return same(gold.args[-1], answer)
    missing = symbols(gold) - symbols(answer)
    if len(gold.args) != 2 or len(missing) != 1 or answer.op in ("tuple", "list", "set", "text"):
        return False
    return bool(symbols(answer)) and is_solution(difference(gold), next(iter(missing)), answer)


def answered_by_equation(gold: Node, answer: Node, same: Same, asked: Callable[[Node], bool]) -> bool:
    """A gold value against an answer that is an equation: the value it ends in, when what stands before it was computed
    (it has no unknown) or asked for."""
    assigned = name_and_value(answer)
    if assigned is not None:
        return same(gold, assigned[1])
    if not _may_hold(answer):
        return False
    if any(same(gold, reading) for reading in readings(answer)[:1]):
        return True
    chain = oriented(answer)
    computed = not symbols(chain.args[0]) or has(chain.args[0], "call", "opaque", "sum")
    if chain.args[0] == chain.args[-1]:  # 5 = 5 computes nothing
        return False
    return (computed or asked(chain.args[0])) and same(gold, chain.args[-1])


def _may_hold(equation: Node) -> bool:
    """Whether both ends of an equation between bare numbers are about equal: 5 = 12 and 8 ~ 9 compute nothing."""
    ends = (equation.args[0], equation.args[-1])
    if any(map(_is_undefined, equation.args)):
        return False
    if symbols(equation) or has(equation, "unit", "deg", "pct", "opaque", "call", "sum", "product"):
        return True
    try:
        one, two = (Evaluation(Floats()).value(end) for end in ends)
    except NotNumeric:
        return True
    return bool(abs(one - two) <= ROUGHLY * max(abs(one), abs(two)))


def _asks_for_value(gold: Node) -> bool:
    """a + b = 7 answers `find a + b`; x + y = 7 may be a line."""
    left = gold.args[0]
    return (is_sum_of_letters(left) or is_quotient_of_letters(left)) and exact(gold.args[-1]) is not None


def is_sum_of_letters(left: Node) -> bool:
    """a + b, which problems ask for; x + y = 7 may be a line."""
    return left.op == "add" and all(term.op == "sym" for term in left.args) and not symbols(left) <= {"x", "y", "z"}


def is_quotient_of_letters(left: Node) -> bool:
    """m/n, which problems ask for; y/x = 2 may be a line, and a/b = 2 the relation that is wanted."""
    if left.op != "mul" or len(left.args) != 2 or not has(left, "inv") or not symbols(left) <= {"m", "n", "p", "q"}:
        return False
    letters = [part.args[0] if part.op == "inv" else part for part in left.args]
    return all(letter.op == "sym" for letter in letters) and len(symbols(left)) == 2


def difference(node: Node) -> Node:
    return added(node.args[0], negated(node.args[1]))


def proportional(one: Node, two: Node) -> bool:
    """f and g with f(x) g(y) = f(y) g(x) for all x, y differ by a constant factor; both must be non-zero."""
    names = symbols(one)
    if not names or names != symbols(two):
        return False
    elsewhere = {name: symbol(name + "*") for name in names}
    crossed = same_value(times(one, renamed(two, elsewhere)), times(renamed(one, elsewhere), two))
    return crossed and not same_value(one, ZERO) and not same_value(two, ZERO)


def is_solution(function: Node, name: str, value: Node) -> bool:
    """Whether f is linear in the symbol, with the value as its only root: f(y1) (y2 - v) = f(y2) (y1 - v)."""
    if name in symbols(value) or not symbols(value) <= symbols(function):
        return False
    other = symbol(name + "*")
    left = times(function, added(other, negated(value)))
    right = times(renamed(function, {name: other}), added(symbol(name), negated(value)))
    return same_value(left, right) and not same_value(function, ZERO)


def same_inequality(gold: Node, answer: Node, same: Same) -> bool:
    """The same chain, perhaps written backwards, or one inequality up to a factor."""
    if gold.value == answer.value and all(map(same, gold.args, answer.args)):
        return True
    if not all(
        operator in _FLIPPED or operator in ("=", "!=", "~") for operator in answer.value
    ):  # a -> b is not b -> a
        return False
    backwards = tuple(_FLIPPED.get(operator, operator) for operator in reversed(answer.value))
    if gold.value == backwards and all(map(same, gold.args, reversed(answer.args))):
        return True
    if len(gold.args) != 2 or len(answer.args) != 2:
        return False
    one, two = difference(gold), difference(answer)
    if not proportional(one, two):
        return False
    expected = answer.value[0] if _sign(one) == _sign(two) else _FLIPPED.get(answer.value[0], answer.value[0])
    return bool(gold.value[0] == expected)


def _sign(node: Node) -> bool | None:
    try:
        value = Evaluation(Floats()).value(node)
    except NotNumeric:
        return None
    return bool(value.real > 0)
