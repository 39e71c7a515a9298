"""Small changes of a program: another operator, another constant, another comparison, a condition turned round."""

from __future__ import annotations

import ast
import random
import warnings

BINARY = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


def mutants(source: str, count: int, seed: str, after_line: int = 0) -> list[str]:
    """Up to `count` different programs, each one change away from `source`; none for what does not parse."""
    warnings.simplefilter("ignore", SyntaxWarning)  # sources by people: `1if`
    try:
        sites = [
            number
            for number, node in enumerate(ast.walk(ast.parse(source)))
            if _changeable(node) and node.lineno > after_line
        ]
    except (SyntaxError, ValueError):
        return []
    random.Random(seed).shuffle(sites)
    return list(dict.fromkeys(_changed(source, site) for site in sites[:count]))


def _changeable(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return type(node.op) in BINARY
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in COMPARE
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int) and abs(node.value) < 1000
    return isinstance(node, ast.If | ast.While | ast.BoolOp)


def _changed(source: str, site: int) -> str:
    tree = ast.parse(source)
    node = next(node for number, node in enumerate(ast.walk(tree)) if number == site)
    if isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = BINARY[type(node.op)]()
    elif isinstance(node, ast.Compare):
        node.ops[0] = COMPARE[type(node.ops[0])]()
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.BoolOp):
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.If | ast.While):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    return ast.unparse(ast.fix_missing_locations(tree))
