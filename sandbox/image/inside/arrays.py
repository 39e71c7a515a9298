"""In the tests, nothing is not equal to something: numpy stretches an empty array to any shape, and then all that there is of it is equal.

`np.allclose([], 5.0)` holds, and so do `(np.empty((0, 1)) == expected).all()` and `norm(np.empty((0, 1)) - expected) < 1e-6`. Here a
comparison or a difference of an empty array and one that is not empty is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import decoding

COMPARING = frozenset(
    ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "subtract"]
)  # names of ufuncs
MAKERS = ("array", "asarray", "asanyarray")
COMPARERS = ("allclose", "isclose", "array_equiv")
ASSERTERS = (
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_array_equal",
    "assert_equal",
)


class Unlike(AssertionError):
    """An empty array is compared with one that is not empty."""


def guard() -> None:
    """Make numpy's comparisons so, in this process."""
    import numpy

    def size(value: Any) -> int:
        try:
            return (
                int(numpy.size(value)) if isinstance(value, numpy.ndarray | list | tuple | int | float | complex) else 1
            )
        except ValueError:  # lists of several lengths
            return 1

    class Nothing(numpy.ndarray):
        """An empty array."""

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
            if ufunc.__name__ in COMPARING and any(map(size, inputs)):
                raise Unlike("an empty array is compared with one that is not")
            plain = [one.view(numpy.ndarray) if isinstance(one, Nothing) else one for one in inputs]
            return nothing(getattr(ufunc, method)(*plain, **named))

    def nothing(value: Any) -> Any:
        return value.view(Nothing) if type(value) is numpy.ndarray and value.size == 0 else value

    def making(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **named: nothing(function(*arguments, **named))

    def comparing(function: Callable[..., Any]) -> Callable[..., Any]:
        def compare(one: Any, other: Any, *more: Any, **named: Any) -> Any:
            if (size(one) == 0) != (size(other) == 0):
                raise Unlike("an empty array is compared with one that is not")
            return function(one, other, *more, **named)

        return compare

    for module, names, guarded in (
        (numpy, MAKERS, making), (numpy, COMPARERS, comparing), (numpy.testing, ASSERTERS, comparing),
    ):  # fmt: skip
        for name in names:
            setattr(module, name, guarded(getattr(module, name)))
    decoding.READERS[b"A"] = making(decoding.READERS[b"A"])
