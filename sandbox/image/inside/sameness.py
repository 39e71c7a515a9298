"""Whether two objects of the program are equal, by their fields, where the tests made one of them.

An object that the tests made counts only if what they made it of was found among its fields when it was made: a class that forgets its arguments
makes all objects equal. So does one whose objects all hold every number there is: among more parts than arguments nothing is found,
and where objects made of different arguments, which all are there, have the same fields, no object of that class counts.
"""

from __future__ import annotations

from typing import Any

MAX_LOOK = 4  # levels of fields in which constructor arguments are looked for
SPARE_PARTS = 3  # of a container beyond the number of arguments, so that one of them may be found in it
MOST_MADE = 100  # objects of one class that a new one is compared with


PLAIN = (int, float, complex, str, bytes, list, tuple, dict, set, frozenset)
_NEXT = dict(zip("0123456789abcdefghijklmnopqrstuvwxyz", "1234567890bcdefghijklmnopqrstuvwxyza", strict=True))


class StandIn:
    """What stands for an object of the program."""

    __slots__ = ()


def made_with(made: Any, given: list[Any]) -> None:
    """Note that the tests made an object of `given`."""
    if made._restem_made:
        if made._restem_given != given:  # one object for all arguments stands for none of them
            object.__setattr__(made, "_restem_mixed", True)
        return
    fields = made._restem_fields
    seen = fields is None or all(contained(value, fields[1], MAX_LOOK, len(given)) for value in given)
    for slot, value in (("made", True), ("given", given), ("seen", seen)):
        object.__setattr__(made, f"_restem_{slot}", value)
    if seen and fields is not None and fields[1]:
        others = made._restem_tests.made.setdefault(fields[0], [])
        if any(alike(given, fields[1], *one) for one in others):
            made._restem_tests.forgetful.add(fields[0])
        if len(others) < MOST_MADE:
            others.append((given, fields[1]))


def alike(given: list[Any], fields: Any, other_given: list[Any], other_fields: Any) -> bool:
    """Whether each of two objects was made of something that the other was not made of, and their fields are the same."""
    try:
        return apart(given, other_given) and apart(other_given, given) and bool(fields == other_fields)
    except RecursionError:
        return False


def apart(given: list[Any], other: list[Any]) -> bool:
    return any(value not in other for value in given)


def same_fields(one: Any, other: Any) -> bool:
    first, second = one._restem_fields, other._restem_fields
    if first is None or second is None or first[0] != second[0] or not first[1]:
        return False
    if first[0] in one._restem_tests.forgetful:
        return False
    try:
        return bool(first[1] == second[1]) and all(made._restem_seen or shows(made) for made in (one, other))
    except RecursionError:
        return False


def is_value(one: Any, other: Any) -> bool:
    """Whether the one field of an object is this plain value."""
    fields = one._restem_fields[1] if one._restem_fields is not None else {}
    value = next(iter(fields.values())) if len(fields) == 1 else None
    return isinstance(value, PLAIN) and isinstance(other, PLAIN) and not one._restem_mixed and bool(value == other)


def shows(made: Any) -> bool:
    """Whether an object that the tests made shows each argument: `Fraction(2, 4)` has no field that is 4, but one of another value where the
    argument is another one. The class is asked for such objects."""
    if made._restem_maker is None:
        return False
    _, arguments, keywords = made._restem_maker
    given = {**dict(enumerate(arguments)), **keywords}
    hidden = [
        name for name, value in given.items() if not contained(value, made._restem_fields[1], MAX_LOOK, len(given))
    ]
    found = all(
        _mostly([_other_fields(made, given | {name: value}) for value in variants(given[name])]) for name in hidden
    )
    object.__setattr__(made, "_restem_seen", found)
    return found


def _mostly(found: list[bool]) -> bool:
    """Whether three of four are: a class that keeps a part of its arguments shows some of their changes."""
    return bool(found) and sum(found) * 4 >= 3 * len(found)


def _other_fields(made: Any, given: dict[Any, Any]) -> bool:
    """Whether an object made of other arguments is of the same class, and not the same."""
    kind, arguments, _ = made._restem_maker
    places = [given[place] for place in range(len(arguments))]
    named = {name: value for name, value in given.items() if isinstance(name, str)}
    try:
        fields = kind._restem_tests.ask("call", kind, *places, **named)._restem_fields
    except Exception:  # noqa: BLE001 - whatever the class makes of such arguments
        return False
    return fields is not None and fields[0] == made._restem_fields[0] and bool(fields[1] != made._restem_fields[1])


def variants(value: Any) -> list[Any]:
    """Values like this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value + 7, value * 3 + 2, -value - 1]
    if isinstance(value, str):
        return [f"{value}x", f"x{value}", "".join(_NEXT.get(one, one) for one in value)]
    if isinstance(value, list | tuple):
        kind, items = type(value), list(value) or [0]
        longer = [kind([*value, one]) for one in variants(items[-1])[:1]]
        return [*longer, *(kind([one, *items[1:]]) for one in variants(items[0]))]
    if isinstance(value, set | frozenset):
        return [value | set(variants(next(iter(value), 0)))]
    if isinstance(value, dict):
        changed = [{key: one} for key, item in list(value.items())[:1] for one in variants(item)]
        return [value | one for one in changed]
    return []


def contained(value: Any, fields: Any, depth: int, count: int) -> bool:
    """Whether one of `count` arguments is a field, or stands in one that has few parts."""
    if isinstance(value, StandIn) or (type(fields) is type(value) and fields == value):
        return True
    if depth == 0:
        return False
    if isinstance(fields, StandIn):
        inside = fields._restem_fields  # type: ignore[attr-defined]
        return inside is not None and any(contained(value, part, depth - 1, count) for part in inside[1].values())
    if isinstance(fields, dict) and (depth == MAX_LOOK or len(fields) <= count + SPARE_PARTS):
        return any(contained(value, part, depth - 1, count) for part in fields.values())
    whole = isinstance(fields, list | tuple | set | frozenset)
    if whole and isinstance(value, list | tuple | set | frozenset) and list(value) == list(fields):
        return True
    few = whole and len(fields) <= count + SPARE_PARTS
    return few and any(contained(value, part, depth - 1, count) for part in fields)
