"""Names that sites with a given signature (LeetCode, Codewars, LiveCodeBench) provide to every program without an import.

They lie below the program's own names, among the built-in ones: the program's definitions win, and nothing that only stands
here can be taken for a function that the program defines.
"""

from __future__ import annotations

import builtins
import importlib
import re
import types
from typing import Any

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
MODULES = frozenset(
    [
        "array",
        "bisect",
        "cmath",
        "collections",
        "copy",
        "datetime",
        "decimal",
        "fractions",
        "functools",
        "heapq",
        "io",
        "itertools",
        "json",
        "math",
        "operator",
        "os",
        "random",
        "re",
        "statistics",
        "string",
        "sys",
        "time",
        "typing",
    ]
)
MEMBERS = {
    "typing": """
        Any Callable ClassVar DefaultDict Deque Dict FrozenSet Generator Generic Hashable Iterable Iterator List Literal Mapping
        NamedTuple NewType NoReturn Optional Sequence Set Tuple Type TypeVar Union cast overload
    """,
    "collections": "ChainMap Counter OrderedDict UserDict defaultdict deque namedtuple",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce singledispatch total_ordering wraps",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "itertools": """
        accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby islice
        pairwise permutations product repeat starmap takewhile tee zip_longest
    """,
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "copy": "copy deepcopy",
    "math": """
        acos asin atan atan2 ceil comb copysign cos cosh degrees dist e erf exp fabs factorial floor fmod frexp fsum gamma gcd hypot
        inf isclose isfinite isinf isnan isqrt lcm ldexp log log10 log1p log2 modf nan perm pi prod radians sin sinh sqrt tan
        tanh tau trunc
    """,
    "operator": """
        add and_ attrgetter concat contains countOf eq floordiv ge getitem gt iadd indexOf inv invert ior is_ is_not itemgetter
        itruediv le lshift lt methodcaller mod mul ne neg not_ or_ pos rshift sub truediv truth xor
    """,
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace",
    "random": "choice choices randint random randrange sample shuffle uniform",
    "datetime": "date datetime time timedelta timezone",
    "json": "dumps loads",
    "fractions": "Fraction",
    "decimal": "Decimal getcontext",
    "statistics": "mean median mode pstdev stdev variance",
    "re": "findall finditer fullmatch match search split sub",
    "io": "BytesIO StringIO",
    "dataclasses": "dataclass field",
    "enum": "Enum IntEnum auto",
    "abc": "ABC abstractmethod",
    "sortedcontainers": "SortedDict SortedKeyList SortedList SortedSet",
}
HOMES = {name: module for module, names in MEMBERS.items() for name in names.split()}


class ListNode:
    """As LeetCode defines it."""

    def __init__(self, val: Any = 0, next: Any = None) -> None:
        self.val, self.next = val, next


class TreeNode:
    """As LeetCode defines it."""

    def __init__(self, val: Any = 0, left: Any = None, right: Any = None) -> None:
        self.val, self.left, self.right = val, left, right


CLASSES = {"ListNode": ListNode, "TreeNode": TreeNode}


def below(code: types.CodeType, source: bytes) -> dict[str, Any]:
    """The built-in names of a program: the usual ones, and those of the above that it may mean."""
    found = dict(vars(builtins))
    for name in sorted(_names(code) - found.keys()):
        value = _provided(name, source)
        if value is not None:
            found[name] = value
    return found


def _names(code: types.CodeType) -> set[str]:
    """Every global name and attribute that the code reads, its functions' included."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _provided(name: str, source: bytes) -> Any:
    if name in CLASSES:
        return CLASSES[name]
    try:
        if name in HOMES and not (name in MODULES and _means_module(name, source)):
            return getattr(importlib.import_module(HOMES[name]), name)
        return importlib.import_module(name) if name in MODULES else None
    except (ImportError, AttributeError):
        return None


def _means_module(name: str, source: bytes) -> bool:
    """`copy`, `datetime`, `bisect`, `random` and `time` are modules and members of modules."""
    members = "(?:datetime|date|time|timedelta|timezone)\\b" if name == "datetime" else "[A-Za-z]"
    return re.search(rf"\b{name}\s*\.\s*{members}".encode(), source) is not None
