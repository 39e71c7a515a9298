"""Matrices: products, sums and multiples written out, and vectors written as tuples."""

from __future__ import annotations

from tasks.domain.equivalence.nodes import Node, added, divided, negated, number, renamed, symbol, times, walk
from tasks.domain.equivalence.values.numeric import same_value

MAX_ENTRIES = 400


def as_matrix(node: Node) -> Node | None:
    """One matrix for an expression of matrices and scalars; a tuple is a column. None when the shapes do not fit."""
    if node.op == "matrix":
        return node if len(node.args) <= MAX_ENTRIES else None
    if node.op == "tuple" and node.value == "[]" and all(row.op == "tuple" and row.value == "[]" for row in node.args):
        return _of_rows(node)  # [[1, 2], [3, 4]]
    if node.op == "tuple" and node.value in ("()", "<>", "[]"):
        return Node("matrix", node.args, 1)
    if node.op == "neg":
        inner = as_matrix(node.args[0])
        return inner and Node("matrix", tuple(map(negated, inner.args)), inner.value)
    if node.op == "add":
        return _fold(node, _sum)
    if node.op == "mul":
        return _fold(node, _product)
    return None


def _of_rows(node: Node) -> Node | None:
    columns = {len(row.args) for row in node.args}
    if len(columns) != 1:
        return None
    return Node("matrix", tuple(entry for row in node.args for entry in row.args), columns.pop())


def components(node: Node, size: int) -> Node | None:
    """The tuple of a vector written with i, j, k; None when the expression is not linear in them."""
    names = ("i", "j", "k")[:size]
    used = {part.value for part in walk(node) if part.op == "sym"}
    if not 2 <= size <= 3 or not used & set(names) or (size == 2 and "k" in used):
        return None
    units = {name: symbol(f"unit {name}") for name in names}
    vector = renamed(node, units)
    parts = [renamed(vector, {f"unit {other}": number(int(other == name)) for other in names}) for name in names]
    total = added(*(times(part, units[name]) for part, name in zip(parts, names, strict=True)))
    return Node("tuple", tuple(parts), "()") if same_value(vector, total) else None


def _fold(node: Node, combine):  # type: ignore[no-untyped-def]
    result: Node | None = node.args[0]
    for arg in node.args[1:]:
        result = result and combine(result, arg)
    return result if result is not None and result.op == "matrix" else None


def _sum(one: Node, two: Node) -> Node | None:
    left, right = as_matrix(one), as_matrix(two)
    if left is None or right is None or (left.value, len(left.args)) != (right.value, len(right.args)):
        return None
    return Node("matrix", tuple(map(added, left.args, right.args)), left.value)


def _product(one: Node, two: Node) -> Node | None:
    left, right = as_matrix(one), as_matrix(two)
    if left is None and right is None:
        return times(one, two)
    if left is None or right is None:
        scalar, matrix = (one, right) if left is None else (two, left)
        assert matrix is not None
        if scalar.op == "inv":
            return Node("matrix", tuple(divided(entry, scalar.args[0]) for entry in matrix.args), matrix.value)
        return Node("matrix", tuple(times(scalar, entry) for entry in matrix.args), matrix.value)
    rows, inner, columns = len(left.args) // left.value, left.value, right.value
    if len(right.args) // columns != inner or rows * columns > MAX_ENTRIES:
        return None
    entries = [
        added(*(times(left.args[r * inner + k], right.args[k * columns + c]) for k in range(inner)))
        for r in range(rows)
        for c in range(columns)
    ]
    return Node("matrix", tuple(entries), columns)


def determinant(matrix: Node) -> Node:
    """Return the determinant written out by rows, up to 4 by 4; beyond, it is kept as an unknown function."""
    size = matrix.value
    if size * size != len(matrix.args) or size > 4:
        return Node("opaque", (matrix,), "det")
    if size == 1:
        return matrix.args[0]
    terms = []
    for column in range(size):
        rest = tuple(entry for at, entry in enumerate(matrix.args) if at >= size and at % size != column)
        term = times(matrix.args[column], determinant(Node("matrix", rest, size - 1)))
        terms.append(negated(term) if column % 2 else term)
    return added(*terms)
