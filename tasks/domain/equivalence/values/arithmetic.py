"""What an expression is evaluated with: double precision, or as many digits as asked for.

Results of absurd size are `Undefined`, before anything long is computed.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

MAX_MAGNITUDE_BITS = 400_000  # of the exponent of a power
MAX_ARGUMENT_BITS = 100  # of a function's argument: sin of more is noise, and slow
MAX_FLOAT_NEAR_POLE = 1e13
NUDGE = (
    1e-9  # a value this near to a whole number is that number, whatever rounding made of it: the floor of ln 8 / ln 2
)


class NotNumeric(Exception):
    """The tree has parts without a value: text, sets, relations."""


class Undefined(NotNumeric):
    """There is no value at this point (division by zero), or it is too large to be written down."""


class Arithmetic(Protocol):
    """What an evaluation computes with. `peak`: the largest term that was added, the scale of rounding noise."""

    pi: Any
    e: Any
    i: Any
    peak: float

    def number(self, value: Fraction) -> Any: ...

    def add(self, terms: list[Any]) -> Any: ...

    def power(self, base: Any, exponent: Any) -> Any: ...

    def function(self, name: str, values: list[Any]) -> Any: ...


class Floats:
    """The arithmetic of this evaluator is double precision, real where possible."""

    pi, e, i = math.pi, math.e, 1j

    def __init__(self) -> None:
        self.peak = 0.0

    def number(self, value: Fraction) -> Any:
        return value.numerator / value.denominator

    def add(self, terms: list[Any]) -> Any:
        self.peak = max(self.peak, *map(abs, terms))
        return sum(terms)

    def power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            return _zero_power(exponent, 0.0)
        return complex(base) ** exponent if isinstance(base, float) and base < 0 and exponent % 1 else base**exponent

    def function(self, name: str, values: list[Any]) -> Any:
        if all(isinstance(value, float) for value in values):
            try:
                return _off_pole(name, _REAL[name](*values), MAX_FLOAT_NEAR_POLE)
            except ValueError:  # outside the real domain
                pass
        return _COMPLEX[name](*map(complex, values))


@lru_cache(maxsize=64)
def digits(count: int) -> Digits:
    """Return the arithmetic of so many digits; a context of mpmath takes a millisecond to make."""
    return Digits(count)


class Digits:
    """The arithmetic of this evaluator has `digits` significant digits, by mpmath."""

    def __init__(self, digits: int) -> None:
        import mpmath  # a fifth of a second, and most answers need none of it

        self.context = mpmath.MPContext()
        self.context.dps = digits
        self.pi, self.e, self.i = +self.context.pi, +self.context.e, self.context.mpc(0, 1)
        self.peak = 0.0

    def number(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def add(self, terms: list[Any]) -> Any:
        return self.context.fsum(terms)

    def power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            return _zero_power(exponent, self.context.mpf(0))
        if abs(self.context.mag(base)) * abs(exponent) > MAX_MAGNITUDE_BITS:
            raise Undefined
        return self.finite(self.context.power(base, exponent))

    def function(self, name: str, values: list[Any]) -> Any:
        limit = _ARGUMENT_BITS.get(name, MAX_ARGUMENT_BITS)
        if any(value != 0 and self.context.mag(value) > limit for value in values):
            raise Undefined
        value = self.finite(_PRECISE[name](self.context, *values))
        return _off_pole(name, value, self.context.mpf(10) ** (self.context.dps // 2))

    def finite(self, value: Any) -> Any:
        """Return the value; raise Undefined for ln 0 and the like, which mpmath calls infinite."""
        if not self.context.isfinite(value):
            raise Undefined
        return value


def _off_pole(name: str, value: Any, limit: Any) -> Any:
    """tan 90 degrees is undefined, though rounding makes it only very large."""
    if name in ("tan", "cot", "sec", "csc") and abs(value) > limit:
        raise Undefined
    return value


def _zero_power(exponent: Any, zero: Any) -> Any:
    if exponent == 0:
        return zero + 1
    if exponent.real < 0:
        raise Undefined
    return zero


def _root(value: float, index: float = 2.0) -> float:
    """The real root, of negative numbers too when the index is odd."""
    if value < 0:
        if index % 2 != 1:
            raise ValueError
        return -((-value) ** (1 / index))
    return math.sqrt(value) if index == 2 else float(value ** (1 / index))


def _precise_root(context: Any, value: Any, index: Any = 2) -> Any:
    if index == 2:
        return context.sqrt(value)
    odd = context.im(value) == 0 and context.re(value) < 0 and context.re(index) % 2 == 1
    return -context.power(-value, 1 / index) if odd else context.power(value, 1 / index)


def as_whole(value: Any) -> int:
    if value != int(value.real):
        raise Undefined
    return int(value.real)


def _log(log: Callable[[Any], Any]) -> Callable[..., Any]:
    def logarithm(value: Any, base: Any = None) -> Any:
        if value == 0 or base == 0:  # mpmath makes infinity of it, and its inverse zero
            raise Undefined
        return log(value) if base is None else log(value) / log(base)

    return logarithm


def _nudge(context: Any) -> Any:
    return context.mpf(10) ** -(context.dps // 2)


def _reciprocal(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: 1 / function(value)


_REAL: dict[str, Any] = {
    "abs": abs, "sqrt": _root, "ln": _log(math.log), "log": _log(math.log), "lg": _log(math.log10), "max": max, "min": min,
    "floor": lambda v: float(math.floor(v + NUDGE)), "ceil": lambda v: float(math.ceil(v - NUDGE)), "factorial": lambda v: math.gamma(v + 1),
    "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "arccot": lambda v: math.atan(1 / v),
    "binomial": lambda n, k: math.gamma(n + 1) / math.gamma(k + 1) / math.gamma(n - k + 1),
    "gcd": lambda *v: float(math.gcd(*map(as_whole, v))), "lcm": lambda *v: float(math.lcm(*map(as_whole, v))),
}  # fmt: skip
_COMPLEX: dict[str, Any] = {
    "abs": abs, "sqrt": lambda v, n=2: v ** (1 / n), "ln": _log(cmath.log), "log": _log(cmath.log), "lg": _log(cmath.log10),
    "arcsin": cmath.asin, "arccos": cmath.acos, "arctan": cmath.atan, "arccot": lambda v: cmath.atan(1 / v),
}  # fmt: skip
_PRECISE: dict[str, Any] = {
    "abs": lambda c, v: abs(v), "sqrt": _precise_root, "ln": lambda c, *v: _log(c.log)(*v), "log": lambda c, *v: _log(c.log)(*v),
    "lg": lambda c, *v: _log(c.log10)(*v), "max": lambda c, *v: max(v), "min": lambda c, *v: min(v),
    "floor": lambda c, v: c.floor(v + _nudge(c)), "ceil": lambda c, v: c.ceil(v - _nudge(c)), "factorial": lambda c, v: c.gamma(v + 1),
    "arcsin": lambda c, v: c.asin(v), "arccos": lambda c, v: c.acos(v), "arctan": lambda c, v: c.atan(v),
    "arccot": lambda c, v: c.acot(v), "binomial": lambda c, n, k: c.binomial(n, k),
    "gcd": lambda c, *v: c.mpf(math.gcd(*map(as_whole, v))), "lcm": lambda c, *v: c.mpf(math.lcm(*map(as_whole, v))),
}  # fmt: skip
for _name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp"):
    _REAL[_name], _COMPLEX[_name] = getattr(math, _name), getattr(cmath, _name)
    _PRECISE[_name] = lambda c, v, name=_name: getattr(c, name)(v)
for _name, _inner in (("sec", "cos"), ("csc", "sin"), ("cot", "tan")):
    _REAL[_name], _COMPLEX[_name] = _reciprocal(getattr(math, _inner)), _reciprocal(getattr(cmath, _inner))
    _PRECISE[_name] = lambda c, v, name=_name: getattr(c, name)(v)
_ARGUMENT_BITS = {"exp": 18, "sinh": 18, "cosh": 18, "factorial": 30, "binomial": 30, "gcd": 2000, "lcm": 500}
_ARGUMENT_BITS |= dict.fromkeys(("sqrt", "ln", "log", "lg", "abs", "max", "min"), MAX_MAGNITUDE_BITS)
