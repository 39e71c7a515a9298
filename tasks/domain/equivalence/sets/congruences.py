"""Congruences: x = 3 (mod 7), several residues at once, and the families n = 7k + 3 that say the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.equivalence.nodes import Node, has, number, renamed, signed, symbol, symbols, walk
from tasks.domain.equivalence.values.numeric import exact

MAX_MODULUS = 10_000


@dataclass(frozen=True)
class Residues:
    """The numbers that leave one of these remainders; `subject` is the letter it is said of, when it is named."""

    modulus: int
    remainders: frozenset[int]
    subject: Node | None


def residues(node: Node, parameters: frozenset[str]) -> Residues | None:
    """Return what a congruence, a list of them, or a family such as 7k + 3 describes; None for anything else."""
    node = node.args[0] if node.op == "given" else node
    items = [one for item in (node.args if node.op == "list" else (node,)) for one in _unsigned(item)]
    parts = [_residue(item, parameters) for item in items]
    known = [part for part in parts if part is not None]
    subjects = {part.subject for part in known} - {None}
    if len(known) != len(parts) or not known or len(subjects) > 1:
        return None
    modulus = math.lcm(*(part.modulus for part in known))
    if modulus > MAX_MODULUS:
        return None
    every = frozenset(
        r for part in known for one in part.remainders for r in range(one % part.modulus, modulus, part.modulus)
    )
    return Residues(modulus, every, next(iter(subjects), None))


def _unsigned(item: Node) -> list[Node]:
    """n = +-1 (mod 6) as two."""
    return [signed(item, 1), signed(item, -1)] if has(item, "pm", "mp") else [item]


def same_residues(one: Residues, two: Residues) -> bool:
    """Equal sets of numbers, said of the same letter where both name one."""
    if one.subject is not None and two.subject is not None and one.subject != two.subject:
        return False
    modulus = math.lcm(one.modulus, two.modulus)
    lifted = [{r for one in side.remainders for r in range(one, modulus, side.modulus)} for side in (one, two)]
    return modulus <= MAX_MODULUS and lifted[0] == lifted[1]


def _residue(item: Node, parameters: frozenset[str]) -> Residues | None:
    if item.op == "mod":
        modulus, left = exact(item.args[1]), item.args[0]
        subject = left.args[0] if left.op == "rel" and len(left.args) == 2 else None
        value = exact(left.args[-1] if left.op == "rel" else left)
        if modulus is None or value is None or not _is_whole(modulus, value) or not 1 <= modulus <= MAX_MODULUS:
            return None
        return Residues(int(modulus), frozenset({int(value % modulus)}), subject)
    subject = item.args[0] if item.op == "rel" and item.value == ("=",) and item.args[0].op == "sym" else None
    return _family(item.args[-1] if subject is not None else item, subject, parameters)


def _family(value: Node, subject: Node | None, parameters: frozenset[str]) -> Residues | None:
    """a k + b with whole a and b, where k runs over the whole numbers."""
    letters = symbols(value)
    if len(letters) != 1 or not letters <= parameters:
        return None
    (letter,) = letters
    at = [exact(renamed(value, {letter: number(k)})) for k in range(4)]
    if any(one is None for one in at):
        return None
    values = [one for one in at if one is not None]
    steps = {b - a for a, b in pairwise(values)}
    step = next(iter(steps))
    if len(steps) != 1 or not step or not _is_whole(step, values[0]) or abs(step) > MAX_MODULUS:
        return None
    return Residues(int(abs(step)), frozenset({int(values[0] % abs(step))}), subject)


def _is_whole(*values: Fraction) -> bool:
    return all(value.denominator == 1 for value in values)


@dataclass(frozen=True)
class Families:
    """These are the numbers step k + offset for all whole k, in multiples of pi, of a degree, or of one."""

    unit: str
    members: frozenset[tuple[Fraction, Fraction]]
    subject: Node | None


def families(node: Node, parameters: frozenset[str]) -> Families | None:
    """Return the families that an answer such as k pi + pi/4, or a list of them, describes; None for anything else."""
    parts = [_progression(item, parameters) for item in (node.args if node.op == "list" else (node,))]
    known = [part for part in parts if part is not None]
    subjects = {part.subject for part in known} - {None}
    if len(known) != len(parts) or not known or len({part.unit for part in known}) > 1 or len(subjects) > 1:
        return None
    return Families(known[0].unit, frozenset(one for part in known for one in part.members), next(iter(subjects), None))


def same_families(one: Families, two: Families) -> bool | None:
    """Equal sets of numbers; None when they are not in the same unit or too many to count."""
    if one.unit != two.unit or (one.subject and two.subject and one.subject != two.subject):
        return None
    steps = [step for side in (one, two) for step, _ in side.members]
    scale = math.lcm(*(step.denominator for step in steps))
    period = Fraction(math.lcm(*(int(step * scale) for step in steps)), scale)
    if any(period / step > MAX_MODULUS for step in steps):
        return None
    sets = [
        {(offset + step * k) % period for step, offset in side.members for k in range(int(period / step))}
        for side in (one, two)
    ]
    return sets[0] == sets[1]


def _progression(item: Node, parameters: frozenset[str]) -> Families | None:
    subject = item.args[0] if item.op == "rel" and item.value == ("=",) and item.args[0].op == "sym" else None
    value = item.args[-1] if subject is not None else item
    letters = symbols(value) & parameters
    if len(letters) != 1 or letters != symbols(value):
        return None
    (letter,) = letters
    in_pi = has(value, "deg") or any(part == symbol(r"\pi") for part in walk(value))
    at = [_in_units(renamed(value, {letter: number(k)}), in_pi) for k in range(4)]
    values = [one for one in at if one is not None]
    steps = {b - a for a, b in pairwise(values)}
    if len(values) != 4 or len(steps) != 1 or not (step := abs(steps.pop())):
        return None
    return Families("pi" if in_pi else "1", frozenset({(step, values[0] % step)}), subject)


def _in_units(node: Node, in_pi: bool) -> Fraction | None:
    """A rational number, or the rational multiple of pi that a sum of such multiples is."""
    if not in_pi:
        return exact(node)
    if node == symbol(r"\pi"):
        return Fraction(1)
    if node.op == "deg":
        value = exact(node.args[0])
        return None if value is None else value / 180
    if node.op in ("add", "neg"):
        parts = [_in_units(arg, True) for arg in node.args]
        known = [part for part in parts if part is not None]
        total = sum(known, Fraction(0))
        return None if len(known) != len(parts) else (-total if node.op == "neg" else total)
    if node.op != "mul":
        return Fraction(0) if exact(node) == 0 else None
    if any(exact(arg) == 0 for arg in node.args):
        return Fraction(0)
    marked = [arg for arg in node.args if exact(arg) is None]
    inside = _in_units(marked[0], True) if len(marked) == 1 else None
    return (
        None
        if inside is None
        else math.prod((exact(arg) or Fraction(0) for arg in node.args if arg is not marked[0]), start=inside)
    )
