"""Walks over the syntax trees of tests. A data set has tens of thousands of tests, so a tree is walked once, and its leaves are not looked into."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable

Function = ast.FunctionDef | ast.AsyncFunctionDef
LEAVES = frozenset({ast.Constant, ast.Name, ast.Pass})
OPERATORS = frozenset({"ctx", "op", "ops"})
NOT_NODES = frozenset({
    "id", "name", "asname", "arg", "attr", "module", "level", "kind", "type_comment", "conversion", "is_async", "simple", "rest", "kwd_attrs", "tag",
    "lineno",
})  # fmt: skip
PLAIN_FIELDS: dict[type[ast.AST], str] = {ast.Global: "names", ast.Nonlocal: "names", ast.MatchSingleton: "value"}
PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)
BRACKETS: dict[type[ast.AST], tuple[str, str]] = {ast.List: ("[", "]"), ast.Tuple: ("(", ")"), ast.Set: ("{", "}")}


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that hold nodes, without operators and contexts."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        plain = NOT_NODES | OPERATORS | {PLAIN_FIELDS.get(kind)}
        self[kind] = () if kind in LEAVES else tuple(name for name in kind._fields if name not in plain)
        return self[kind]


_FIELDS = _Fields()


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """Return the tree and all nodes below it, the upper ones first; without operators and contexts (`ast.Load`)."""
    found = [tree]
    for node in found:  # which grows meanwhile
        for name in _FIELDS[type(node)]:
            value = getattr(node, name, None)
            if type(value) is list:
                found += value if None not in value else filter(None, value)  # `**more` in a mapping has no key
            elif value is not None:
                found.append(value)
    return found


def dotted(node: ast.expr) -> str:
    """Return the source of an expression, fast for `a` and `a.b.c`."""
    if type(node) is ast.Name:
        return node.id
    if type(node) is ast.Attribute and type(node.value) in (ast.Name, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ast.unparse(node)


def of_kinds(nodes: Iterable[ast.AST], kinds: Container[type[ast.AST]]) -> list[ast.AST]:
    """Return those of the nodes that are of exactly one of the kinds."""
    return [node for node in nodes if type(node) in kinds]


def called_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the plain names that are called."""
    return {node.func.id for node in nodes if type(node) is ast.Call and type(node.func) is ast.Name}


def literals(*trees: ast.AST) -> set[str]:
    """Return every constant, list, tuple, set and mapping in the trees, as texts."""
    found: set[str] = set()
    for tree in trees:
        _gather(tree, found)
    return found


def _gather(node: ast.AST, found: set[str]) -> None:
    if isinstance(node, PLAIN):
        _text(node, found)
    elif type(node) not in LEAVES:
        for name in node._fields:
            value = None if name in OPERATORS else getattr(node, name, None)
            for child in value if type(value) is list else (value,):
                if isinstance(child, ast.AST):
                    _gather(child, found)


def _text(node: ast.expr, found: set[str]) -> str:
    """Return the text of a node, and add those of all literals in it."""
    if isinstance(node, ast.Constant):
        text = repr(node.value)
    elif isinstance(node, ast.Dict):
        keys = ["**" if key is None else f"{_text(key, found)}: " for key in node.keys]
        pairs = zip(keys, [_text(value, found) for value in node.values], strict=True)
        text = f"{{{', '.join(key + value for key, value in pairs)}}}"
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        first, last = BRACKETS[type(node)]
        text = first + ", ".join([_text(one, found) for one in node.elts]) + last
    else:
        _gather(node, found)
        return ast.unparse(node)
    found.add(text)
    return text
