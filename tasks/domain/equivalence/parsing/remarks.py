"""Remarks beside an answer: `where k is an integer`, `for all x in Z`, `2n if n is odd`."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.parsing.atoms import AtomParser
from tasks.domain.equivalence.parsing.tokens import Token, Unreadable
from tasks.domain.equivalence.words.vocabulary import CASES, CONNECTORS, OTHERWISE, QUALIFIERS, RELATIONS
from tasks.domain.equivalence.words.wording import Said, predicates


class RemarkParser(AtomParser):
    """What is said of an answer, in words and formulas."""

    def remark(self, closers: tuple[str, ...]) -> Node | None:
        """`where k is an integer`, `for all x in Z`: up to the next connector that starts a new answer."""
        token, start = self.peek(), self.at
        if token.kind != "text" or not QUALIFIERS.match(token.value):
            return None
        predicate = token.value.strip(" ,;(").lower().startswith(("is ", "are "))
        depth = 0
        while not self.at_end():
            token = self.peek()
            if depth == 0 and (
                token.value in closers
                or (not predicate and self.starts_new_answer(token))
                or (self.at > start and token.value in (",", ";") and self.starts_new_case())
            ):
                break
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.value, 0)
            self.next()
        return self.understood(self.tokens[start : self.at])

    def starts_new_case(self) -> bool:
        """`n if n is even, 2n if n is odd`: what follows the comma has a condition of its own."""
        rest = self.tokens[self.at + 1 :]
        following = next((token for token in rest if token.kind == "text"), None)
        first = rest[0] if rest else None
        return (
            first is not None
            and (first.kind != "text" or bool(OTHERWISE.match(first.value)))
            and following is not None
            and bool(CASES.match(following.value))
        )

    def understood(self, tokens: Sequence[Token]) -> Node:
        """A remark: its formulas, and as value the word that starts it and what it says in words."""
        words = " ".join(token.value for token in tokens if token.kind == "text")
        formulas: list[Node] = []
        run: list[Token] = []
        for token in [*tokens, Token("text", "", False)]:
            if token.kind != "text":
                run.append(token)
            elif run:
                formulas.extend(self.formula(run))
                run = []
        letters = frozenset(token.value for token in tokens if token.kind == "sym")
        return Node(
            "remark", tuple(formulas), Said(words.strip(" ,;(").split(" ")[0].lower(), predicates(words), letters)
        )

    def formula(self, tokens: list[Token]) -> list[Node]:
        """What a run of mathematics inside a remark says; lone letters say nothing."""
        while tokens and tokens[-1].value in (",", ".", ";", ")") and not any(t.value == "(" for t in tokens):
            tokens = tokens[:-1]
        try:
            node = type(self)(tokens).answer() if tokens else Node("list")
        except Unreadable:
            node = Node("text", (), " ".join(token.value for token in tokens))
        return [item for item in (node.args if node.op == "list" else (node,)) if item.op not in ("sym", "call")]

    def starts_new_answer(self, token: Token) -> bool:
        """A connector, with an equation behind it: `and f(x) = 2`, not `and b are integers`."""
        connects = token.kind == "text" and CONNECTORS.search(" " + token.value + " ")
        if not connects or QUALIFIERS.match(token.value):
            return False
        rest = self.tokens[self.at + 1 :]
        following = next((at for at, one in enumerate(rest) if one.kind == "text"), len(rest))
        return any(one.value in RELATIONS for one in rest[:following])


def given(item: Node, *remarks: Node) -> Node:
    """An item under conditions: formulas, and per remark in words how it starts and what it says."""
    formulas = tuple(part for remark in remarks for part in (remark.args if remark.op == "remark" else (remark,)))
    said = tuple(remark.value for remark in remarks if remark.op == "remark")
    if item.op == "given":
        return Node("given", (*item.args, *formulas), (*item.value, *said))
    return Node("given", (item, *formulas), said)
