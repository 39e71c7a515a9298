"""Statements of logic: equivalent when SymPy finds no assignment that tells them apart.

Atoms are what stands between the signs. A quantified part is an atom too, named by its letter and the simplest form of its
body; `for all` is turned into `there is no ... without`, so that negations may be drawn in. x >= 0 is the negation of x < 0.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from tasks.domain.equivalence.values.symbolic import attempt, sympy

_SIGNS = (
    ("not", r"¬|~|\\neg(?![a-z])|\\lnot(?![a-z])|\\sim(?![a-z])"), ("and", r"∧|\\land(?![a-z])|\\wedge(?![a-z])"),
    ("or", r"∨|\\lor(?![a-z])|\\vee(?![a-z])"),
    ("iff", r"⇔|↔|≡|\\iff(?![a-z])|\\(?:long)?leftrightarrow(?![a-z])|\\(?:Long)?[Ll]eftrightarrow(?![a-z])|<->|<=>"),
    ("implies", r"⇒|→|\\implies(?![a-z])|\\(?:long)?[Rr]ightarrow(?![a-z])|\\to(?![a-z])|->|=>"),
    ("all", r"∀|\\forall(?![a-z])"), ("some", r"∃|\\exists(?![a-z])"), ("open", r"\("), ("close", r"\)"),
)  # fmt: skip
_SCANNER = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _SIGNS))
_MARK = re.compile("|".join(pattern for name, pattern in _SIGNS if name in ("not", "all", "some", "iff")))
_JUNCTION = re.compile("|".join(pattern for name, pattern in _SIGNS if name in ("and", "or", "implies")))
_LAYOUT = re.compile(r"\\(?:left|right|text|mathrm|displaystyle|quad|,|;|!|:| )|[${}\s]")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]")
_BOUND = re.compile(
    r"\s*([a-zA-Z](?:_\{?\d\}?)?)\s*(?:(?:\\in(?![a-z])|∈)\s*(\\mathbb\s*\{?\s*[A-Z]\s*\}?|[A-Zℝℤℕℚ]))?\s*[,:.]?\s*"
)
_NEGATED = {">=": "<", "<=": ">", "!=": "="}
_RELATIONS = (
    (r"\\geq?(?![a-z])|≥|\\geqslant", ">="),
    (r"\\leq?(?![a-z])|≤|\\leqslant", "<="),
    (r"\\neq?(?![a-z])|≠", "!="),
)
MAX_ATOMS, MAX_LENGTH = 8, 300


def is_logic(text: str) -> bool:
    """Whether a text has a sign that only statements of logic have, or letters joined by one."""
    return (
        len(text) <= MAX_LENGTH
        and bool(_MARK.search(text) or _JUNCTION.search(text))
        and "=" not in text.replace("=>", "").replace("<=", "").replace(">=", "")
    )


def same_statement(gold: str, answer: str) -> bool | None:
    """Whether both are equivalent; None when one of them cannot be read."""

    def question() -> bool | None:
        one, two = _Statement(gold).read(), _Statement(answer).read()
        if len(one.atoms(sympy.Symbol) | two.atoms(sympy.Symbol)) > MAX_ATOMS:
            return None
        return sympy.satisfiable(sympy.Not(sympy.Equivalent(one, two))) is False

    return attempt(question)


class _Statement:
    """Recursive descent over signs and atoms: iff < implies < or < and < not."""

    def __init__(self, text: str) -> None:
        self.sympy, self.text, self.at = sympy, text.strip().rstrip("."), 0

    def read(self) -> Any:
        statement = self.iff()
        if self.at < len(self.text):
            raise ValueError("signs left over")
        return statement

    def take(self, name: str) -> bool:
        spaces = re.compile(r"(?:\s|\$|\\[,;: ]|\\left|\\right)*").match(self.text, self.at)
        at = spaces.end() if spaces else self.at
        match = _SCANNER.match(self.text, at)
        if match is None or match.lastgroup != name:
            return False
        self.at = match.end()
        return True

    def iff(self) -> Any:
        statement = self.implied()
        while self.take("iff"):
            statement = self.sympy.Equivalent(statement, self.implied())
        return statement

    def implied(self) -> Any:
        statement = self.disjunction()
        return self.sympy.Implies(statement, self.implied()) if self.take("implies") else statement

    def disjunction(self) -> Any:
        parts = [self.conjunction()]
        while self.take("or"):
            parts.append(self.conjunction())
        return self.sympy.Or(*parts)

    def conjunction(self) -> Any:
        parts = [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return self.sympy.And(*parts)

    def negation(self) -> Any:
        if self.take("not"):
            return self.sympy.Not(self.negation())
        for quantifier in ("all", "some"):
            if self.take(quantifier):
                return self.quantified(quantifier)
        if self.take("open"):
            statement = self.iff()
            if not self.take("close"):
                raise ValueError("a bracket is not closed")
            return statement
        return self.atom()

    def quantified(self, quantifier: str) -> Any:
        bound = _BOUND.match(self.text, self.at)
        if bound is None:
            raise ValueError("no bound letter")
        self.at = bound.end()
        letter = bound[1][0]
        if "_" in bound[1]:  # there is an x_0 is there is an x
            numbered = rf"{letter}_(?:\{{{bound[1].strip('}')[-1]}\}}|{bound[1].strip('}')[-1]}(?!\d))"
            if re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z_])", self.text):
                raise ValueError("the letter also stands for something else")
            self.text = self.text[: self.at] + re.sub(numbered, letter, self.text[self.at :])
        body = self.negation() if self.text[self.at : self.at + 1] == "(" else self.iff()
        body = self.sympy.Not(body) if quantifier == "all" else body
        name = f"some {letter} in {_named(bound[2] or '')}: {self.sympy.simplify_logic(body)}"
        found = self.sympy.Symbol(name)
        return self.sympy.Not(found) if quantifier == "all" else found

    def atom(self) -> Any:
        """Up to the next sign; brackets that follow a name, as in P(x), belong to it."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            match = _SCANNER.match(self.text, self.at)
            if match and match.lastgroup == "open" and (depth or self.text[start : self.at].strip()):
                depth += 1
            elif match and match.lastgroup == "close" and depth:
                depth -= 1
            elif match and not depth:
                break
            self.at = match.end() if match else self.at + 1
        name = _named(self.text[start : self.at])
        if not name:
            raise ValueError("nothing between two signs")
        for relation, opposite in _NEGATED.items():
            if relation in name:
                return self.sympy.Not(self.sympy.Symbol(name.replace(relation, opposite)))
        return self.sympy.Symbol(name)


def _named(text: str) -> str:
    """An atom in one spelling."""
    for pattern, relation in _RELATIONS:
        text = re.sub(pattern, relation, text)
    text = _RAISED.sub(lambda sign: "^" + unicodedata.normalize("NFKC", sign.group()), text)
    text = unicodedata.normalize("NFKC", text.replace(r"\mathbb", "").replace("∈", r"\in"))
    return _LAYOUT.sub("", text).rstrip(",.;")
