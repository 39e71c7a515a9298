"""Words that change what a number or a letter beside them means, and words that put a condition on an answer.

Other words (`cm`, `apples`, `Area`) only name things. Whether a word changes the value is a matter of this list: what is not
on it is taken for a name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BEFORE = """
    at\\s+least  at\\s+most  more\\s+than  less\\s+than  fewer\\s+than  greater\\s+than  larger\\s+than  smaller\\s+than  higher\\s+than
    lower\\s+than  up\\s+to  other\\s+than  no\\s+more  no\\s+less  no\\s+fewer  no\\s+greater  all\\s+but  almost  nearly  barely  over  under
    above  below  beyond  exceeds?  exceeding  minimum\\s+of  maximum\\s+of  not  isn't  no  never  neither  nor  cannot  can't  without
    except  excluding  besides  unless  negative  minus  plus  squared?  squares?  cubed?  cubes?  roots?  half  third  quarter  fifth
    twice  thrice  double  triple  times  multiples?  divisible  divisors?  factors?  multiplied  divided  base  even  odd  primes?
    composite  opposite  inverse  reciprocal  complement  negation  factorial  percent  between  from  before  after  within
    absolute  logarithm  log  power  sum  difference  product  quotient  remainder  modulo  mod  infinitely  dozens?
    hundreds?  thousands?  millions?  billions?  trillions?  non\\w+  any  every  each  some  none  maybe  perhaps  either
"""
_BEHIND = """
    at\\s+least  at\\s+most  or\\s+more  or\\s+less  or\\s+fewer  or\\s+greater  or\\s+larger  or\\s+smaller  or\\s+higher  or\\s+lower  or\\s+above
    or\\s+below  or\\s+over  or\\s+under  more\\s+than  less\\s+than  fewer\\s+than  greater\\s+than  and\\s+up  and\\s+above  not  isn't  never
    cannot  except  squared  cubed  factorial  recurring  repeating  to\\s+the  times\\s+as  times\\s+more  out\\s+of  below\\s+zero
    unless  otherwise  plus  minus  divided  multiplied  remainder  modulo  mod  and\\s+a\\s+half  and\\s+a\\s+quarter  to
"""
_PREDICATES = """
    even odd prime primes composite positive negative nonnegative non-negative nonpositive non-positive nonzero non-zero integer
    integers natural rational irrational complex distinct coprime square squares cube cubes multiple multiples divisible divisor
    not never except otherwise whole power powers greater less least most perfect
"""
BEFORE = re.compile(rf"\b(?:{'|'.join(_BEFORE.split())})\b", re.IGNORECASE)
BEHIND = re.compile(rf"\b(?:{'|'.join(_BEHIND.split())})\b", re.IGNORECASE)
PREDICATES = frozenset(_PREDICATES.split())
NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|can't|isn't|doesn't|neither|nor|none|impossible|false)\b", re.IGNORECASE
)
_NATURAL = re.compile(
    r"(?<![\\A-Za-z])(?<!begin\{)(?<!end\{)[A-Za-z]{2}|\\(?:text|mbox|math|operatorname|hbox|emph|rm|bf|it)|[^\x00-\x7f]"
)
RESTRICTIVE = frozenset({"if", "when", "whenever", "is", "are", "provided", "unless", "otherwise", "only"})
_ALIASES = {
    "integers": ("integer",), "primes": ("prime",), "squares": ("square",), "cubes": ("cube",), "multiples": ("divisible",), "multiple": ("divisible",),
    "natural": ("positive", "integer"), "whole": ("nonnegative", "integer"), "non-negative": ("nonnegative",),
    "non-positive": ("nonpositive",), "non-zero": ("nonzero",), "powers": ("power",),
}  # fmt: skip
SETS = {
    "Z": ("integer",), "N": ("positive", "integer"), "Z^+": ("positive", "integer"), "Z_+": ("positive", "integer"),
    "N^*": ("positive", "integer"), "N_+": ("positive", "integer"), "N^+": ("positive", "integer"), "Q": ("rational",),
    "N_0": ("nonnegative", "integer"), "R": ("real",), "C": ("complex",),
}  # fmt: skip


def has_words(text: str) -> bool:
    """Whether a text may say something in words: letters side by side that are no command, a text command, other scripts."""
    return _NATURAL.search(text) is not None


class Said(NamedTuple):
    """A remark in words: the word it starts with, what it says, and of which letters."""

    start: str
    predicates: frozenset[str]
    letters: frozenset[str]


def predicates(text: str) -> frozenset[str]:
    """What a remark in words says of its letters: `where k is a positive integer` says positive and integer."""
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", text.casefold())
    return frozenset(name for word in words if word in PREDICATES for name in _ALIASES.get(word, (word,)))
