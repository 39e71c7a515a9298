"""Walks over syntax trees find what Python's own walk finds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sandbox.grading.trees import nodes_of

ODD = """
global a, b
def f(x, /, *y, z=1, **w) -> int: nonlocal c; return {**w, 'k': 2}
try: import d.e as g
except* (A, B) as error: raise error from None
match x:
    case None | True: pass
    case {'k': [first, *rest], **more}: pass
    case Point(1, y=2) as p if p: pass
async def h(): return [await i async for i in j if i], f'{x!r:>{w}}', lambda: (yield)
x: int = (y := 3)
"""
TREES = [ODD, *(path.read_text() for path in sorted(Path(ast.__file__).parent.glob("[a-d]*.py")))]


@pytest.mark.parametrize("text", TREES, ids=range(len(TREES)))
def test_all_nodes_are_found_but_operators_and_contexts(text: str) -> None:
    tree = ast.parse(text)
    passed_over = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
    assert {id(node) for node in nodes_of(tree)} == {
        id(node) for node in ast.walk(tree) if not isinstance(node, passed_over)
    }
