"""What a step of a comparison is given: two answers, and the comparison that it is a step of."""

from __future__ import annotations

from typing import Protocol

from tasks.domain.equivalence.hints import Hints
from tasks.domain.equivalence.nodes import Node


class Comparing(Protocol):
    """What a step may ask of its comparison: the hints of the question, and whether two parts mean the same."""

    hints: Hints

    def same(self, gold: Node, answer: Node) -> bool: ...

    def found(self, rule: str) -> bool:
        """Remember the rule by which two things are equal; true."""
        ...
