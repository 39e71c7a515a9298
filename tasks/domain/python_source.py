"""Python source as a syntax tree, in any thread."""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.RLock()


def parsed(source: str) -> ast.Module:
    """Return the tree of `source`; raises what `ast.parse` raises for source that is none.

    Before CPython 3.11.8 all threads count the depth of their trees in one place, and a garbage collection in the middle of one lets another
    thread begin: `SystemError: AST constructor recursion depth mismatch` (github.com/python/cpython/issues/106905).
    """
    with _one_at_a_time:
        return ast.parse(source)
