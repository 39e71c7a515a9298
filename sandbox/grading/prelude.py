"""Names that LeetCode, and so the call-based problems of APPS, give to every program without an import."""

from __future__ import annotations

import re

MODULES = [
    "bisect",
    "collections",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "string",
    "sys",
]
MEMBERS = {
    "typing": "Any Callable Deque Dict FrozenSet Iterable Iterator List Optional Sequence Set Tuple Union",
    "collections": "Counter OrderedDict defaultdict deque",
    "functools": "cache cmp_to_key lru_cache reduce",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "itertools": "accumulate chain combinations groupby permutations product zip_longest",
    "bisect": "bisect_left bisect_right insort",
    "math": "ceil comb factorial floor gcd inf sqrt",
}
SOURCES = {name: f"import {name}" for name in MODULES} | {
    name: f"from {module} import {name}" for module, names in MEMBERS.items() for name in names.split()
}
_WORD = re.compile(rb"[A-Za-z_]\w*")


def with_prelude(source: bytes) -> bytes:
    """The source after a line that imports those of the names that it mentions; its own definitions come later and win."""
    if source.startswith(b"\xef\xbb\xbf") or b"from __future__" in source:
        return source
    words = set(_WORD.findall(source))
    imports = [line for name, line in SOURCES.items() if name.encode() in words]
    return f"{'; '.join(imports)}\n".encode() + source if imports else source
