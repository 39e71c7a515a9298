"""Brackets, sets, absolute values, matrices, and functions with their arguments."""

from __future__ import annotations

from tasks.domain.equivalence.nodes import Node, divided, number, renamed, symbol, symbols, times, walk
from tasks.domain.equivalence.parsing.cursor import Cursor
from tasks.domain.equivalence.parsing.tokens import Unreadable
from tasks.domain.equivalence.values.matrices import determinant
from tasks.domain.equivalence.words.vocabulary import CONSTANT_COMMANDS, FUNCTIONS, MATRICES, OPENERS

_SUCH_THAT = ("|", ":", r"\mid", r"\vert", r"\colon", r"\big")


class GroupParser(Cursor):
    """What stands between brackets or behind a function name."""

    def bracketed(self, opener: str) -> Node:
        bars, self.bars = self.bars, 0
        closers = OPENERS[opener]
        if opener in (r"\{", r"\lbrace", "{") and (node := self.set_builder()) is not None:
            self.bars = bars
            return node
        node = self.items(closers)
        closer = self.next().value
        self.bars = bars
        if closer not in closers:
            raise Unreadable(f"{opener} is not closed")
        if opener == "{":
            return node
        if opener in (r"\{", r"\lbrace"):
            return Node("set", node.args if node.op == "list" else (node,))
        if node.op == "list":
            return Node("tuple", node.args, opener.replace(r"\langle", "<") + closer.replace(r"\rangle", ">"))
        return Node("tuple", (node,), "[]") if opener == "[" and node.op != "matrix" else node

    def set_builder(self) -> Node | None:
        """{x | condition}, after the opening brace; None when it is a plain set."""
        start = self.at
        if self.peek().kind not in ("sym", "cmd", "num", "op") or self.peek().value[1:] in FUNCTIONS:
            return None
        if all(token.value not in _SUCH_THAT for token in self.tokens[start:]):
            return None
        subject = self.set_subject()
        domain = self.set_domain() if subject is not None and self.take(r"\in") else None
        if subject is None or self.peek().value not in _SUCH_THAT:
            self.at = start
            return None
        self.next()
        condition = self.items((r"\}", r"\rbrace", "}"))
        self.next()
        if domain is not None and domain.op == "nset" and domain.value != "R":
            parts = condition.args if condition.op == "list" else (condition,)
            condition = Node("list", (*parts, Node("rel", (subject, domain), ("in",))))
        if subject.op == "sym":
            return Node("builder", (condition,), subject.value)
        return Node("builder", (condition, subject))

    def set_subject(self) -> Node | None:
        """What stands before the bar: x, 2k, (x, y); None when it is something else."""
        bars, self.bars = self.bars, 1
        try:
            return self.sum()
        except Unreadable:
            return None
        finally:
            self.bars = bars

    def set_domain(self) -> Node:
        return self.atom() if self.peek().value in (r"\mathbb", r"\mathds", *CONSTANT_COMMANDS) else self.argument()

    def reversed_interval(self) -> Node:
        self.reversed = True
        node = self.items(("[", "]"))
        self.reversed = False
        closer = self.next().value
        if node.op != "list" or len(node.args) != 2:
            raise Unreadable("unexpected ]")
        return Node("tuple", node.args, "(" + (")" if closer == "[" else "]"))

    def absolute(self, closer: str) -> Node:
        self.bars += 1
        node = self.relation()
        self.bars -= 1
        if not (self.take(closer) or self.take("|") or self.take(r"\vert")):
            raise Unreadable("| is not closed")
        return Node("fn", (node,), "abs")

    def number_set(self) -> str:
        name = self.argument_text()
        if self.peek().value in ("^", "_") and self.peek(1).value in ("+", "*", "0", "{"):
            self.next()
            name += self.argument_text()
        return name

    def root(self) -> Node:
        index = None
        if self.take("["):
            index = self.items(closers=("]",))
            self.take("]")
        radicand = self.argument(digits=False)
        return Node("fn", (radicand,) if index is None else (radicand, index), "sqrt")

    def rounded(self, kind: str) -> Node:
        node = self.relation()
        if not self.take(r"\r" + kind):
            raise Unreadable(f"{kind} is not closed")
        return Node("fn", (node,), kind)

    def function(self, name: str) -> Node:
        """\\sin x, \\sin^2 x, \\log_2 x, \\sin(x), \\max(a, b)."""
        power: Node | None = None
        base: Node | None = None
        while self.peek().value in ("^", "_"):
            if self.next().value == "^":
                power = self.argument() if self.peek().value == "{" else self.short_signed()
            else:
                base = self.argument()
        arguments = self.function_arguments()
        if name in ("log", "lg") and base is not None:
            arguments = (*arguments, base)
        if power is not None and power in (number(-1), Node("neg", (number(1),))) and "arc" + name in FUNCTIONS:
            return Node("fn", arguments, "arc" + name)
        if name in ("gcd", "lcm", "max", "min") and len(arguments) > 1:
            arguments = tuple(sorted(arguments, key=repr))
        node = Node("fn", arguments, name)
        return node if power is None else Node("pow", (node, power))

    def function_arguments(self) -> tuple[Node, ...]:
        if self.peek().value in ("(", "[", "{"):
            opener = self.next().value
            inside = self.bracketed(opener)
            if opener != "{" or not self.starts_atom(self.peek()):
                return inside.args if inside.op in ("tuple", "list") else (inside,)
            return (inside,)
        factors = [self.signed()]
        while (
            not self.at_end()
            and self.starts_atom(self.peek())
            and self.peek().value[1:] not in FUNCTIONS
            and self.peek().value != "("
        ):
            factors.append(self.power())
        node = times(*factors)
        if self.peek().value == "/" and self.peek(1).kind == "num" and not symbols(node):  # \sin \pi/6
            self.next()
            node = divided(node, self.power())
        return (node,)

    def indexed(self, name: str) -> Node:
        """\\sum_{i=1}^{n} body; without plain limits an opaque sum."""
        start = self.at
        if self.take("_") and self.take("{"):
            index = self.items(closers=("}",))
            if (
                self.take("}")
                and self.take("^")
                and index.op == "rel"
                and index.value == ("=",)
                and index.args[0].op == "sym"
            ):
                high = self.argument() if self.peek().value == "{" else self.short_signed()
                body = self.product()
                letter = f"index{sum(part.op in ('sum', 'product') for part in walk(body))}"  # whatever it was called
                body = renamed(body, {index.args[0].value: symbol(letter)})
                return Node("sum" if name == "sum" else "product", (index.args[1], high, body), letter)
        self.at = start
        return self.opaque("\\" + name)

    def opaque(self, name: str) -> Node:
        """A sum, integral or limit, kept as text: equal only when written alike."""
        parts = [name]
        while self.peek().value in ("^", "_"):
            parts.append(self.next().value + self.argument_text())
        body = self.product()
        return Node("opaque", (body,), "".join(parts))

    def environment(self, name: str) -> Node:
        if name == "cases":
            rows = self.rows(name)
            entries = tuple(entry for row in rows for entry in row)
            system = all(len(row) == 1 and row[0].op == "rel" for row in rows)
            return Node("list", entries) if system else Node("opaque", entries, "cases")
        if name not in MATRICES:  # align, equation: only layout
            return self.items(closers=())
        if name == "array":
            self.argument_text()
        rows = self.rows(name)
        columns = max((len(row) for row in rows), default=0)
        if not rows or any(len(row) != columns for row in rows):
            raise Unreadable("ragged matrix")
        matrix = Node("matrix", tuple(entry for row in rows for entry in row), columns)
        return determinant(matrix) if name == "vmatrix" else matrix

    def rows(self, name: str) -> list[list[Node]]:
        rows: list[list[Node]] = [[]]
        while self.peek().kind != "end":
            if self.at_end():
                raise Unreadable("matrix is not closed")
            if self.peek().kind == "row":
                self.next()
                rows.append([])
            elif not self.take("&") and not self.take(r"\hline"):
                rows[-1].append(self.relation())
                self.take(",")
        self.next()
        return [row for row in rows if row]
