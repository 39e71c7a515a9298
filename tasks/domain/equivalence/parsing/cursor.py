"""A place in a list of tokens, and the questions a parser asks there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.parsing.tokens import OverLimit, Token
from tasks.domain.equivalence.words.vocabulary import (
    BIG_OPERATORS,
    BINOMIALS,
    CONSTANT_COMMANDS,
    DECORATIONS,
    FRACTIONS,
    FUNCTIONS,
    LETTERS,
)

MAX_NESTING = 50  # of atoms and signs; about ten frames each
END = Token("end of text", "", False)
_OPENING = (r"\sqrt", r"\{", r"\langle", r"\lfloor", r"\lceil", r"\lvert", r"\lVert", r"\mathbb", r"\$")
_ATOMS = frozenset((*FRACTIONS, *BINOMIALS, *BIG_OPERATORS, *DECORATIONS, *CONSTANT_COMMANDS, *_OPENING))


class Cursor(ABC):
    """The tokens, where the parser stands, and the rules that the lower levels call back."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.bars = 0  # open absolute values
        self.depth = 0
        self.reversed = False  # inside ]a, b[
        self.remarks: list[Node] = []  # met behind a part of the present item

    @abstractmethod
    def answer(self) -> Node:
        """Read a whole answer."""

    @abstractmethod
    def items(self, closers: tuple[str, ...]) -> Node:
        """Read what stands before one of `closers`: one item or several."""

    @abstractmethod
    def relation(self) -> Node:
        """Read a relation, or an expression alone."""

    @abstractmethod
    def sum(self) -> Node:
        """Read terms with signs between them."""

    @abstractmethod
    def product(self) -> Node:
        """Read factors, also those side by side."""

    @abstractmethod
    def signed(self) -> Node:
        """Read a factor with its sign."""

    @abstractmethod
    def power(self) -> Node:
        """Read an atom with its exponents."""

    @abstractmethod
    def short_signed(self) -> Node:
        """Read an unbraced exponent."""

    @abstractmethod
    def atom(self) -> Node:
        """Read what no operator parts."""

    @abstractmethod
    def argument(self, digits: bool = True) -> Node:
        """Read a braced group or one token, of a number with `digits` the first digit."""

    @abstractmethod
    def argument_text(self) -> str:
        """Read a braced group as text."""

    def peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else END

    def next(self) -> Token:
        at = self.at
        self.at = at + 1
        return self.tokens[at] if at < len(self.tokens) else END

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise OverLimit("nesting")

    def at_end(self) -> bool:
        return self.at >= len(self.tokens)

    def take(self, value: str) -> bool:
        if self.peek().value == value:
            self.at += 1
            return True
        return False

    def starts_atom(self, token: Token) -> bool:
        """Whether `token` can begin a factor that stands directly beside another."""
        if token.kind in ("num", "sym", "repeating", "begin"):
            return True
        if token.value == "|":
            return not self.bars
        if token.kind == "op":
            return token.value in ("(", "{") or (token.value == "[" and not self.reversed)
        name = token.value[1:]
        return token.kind == "cmd" and (token.value in _ATOMS or name in FUNCTIONS or name in LETTERS)
