"""Tests made by chance, as people write them and worse: lists under two names, loops over arguments, functions of Python with other values."""

from __future__ import annotations

from random import Random

LISTS, NUMBERS = ("a", "b", "c"), ("i", "j")
FIRST = ["a = [1]", "b = [1, 2]", "c = [0, 3]", "i = 1", "j = 2"]


class Chance:
    """Writes tests of a function `f`."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def pick(self, *texts: str) -> str:
        return self.random.choice(texts)

    def number(self, depth: int = 1) -> str:
        if depth <= 0 or self.random.random() < 0.5:
            return self.pick("0", "1", "2", "3", *NUMBERS * 3)
        one, other, some = self.number(depth - 1), self.number(depth - 1), self.items(depth - 1)
        return self.pick(
            f"len({some})", f"sum({some})", f"{one} + {other}", f"({one} if {other} else {one})", f"-{one}", f"max([{one}, 1])",
            f"[{one}, {other}][0]",
        )  # fmt: skip

    def items(self, depth: int = 1) -> str:
        if depth <= 0 or self.random.random() < 0.5:
            return self.pick("[1]", "[1, 2]", "[]", "[0, 0]", *LISTS * 4)
        one, other, number = self.items(depth - 1), self.items(depth - 1), self.number(depth - 1)
        return self.pick(
            f"[{number}, {number}]", f"sorted({one})", f"list({one})", f"{one} + {other}", f"{one} * 2", f"{one}[1:]", f"[i for i in {one}]",
            f"[j + 1 for j in {one}]", f"list(range({number}))", f"list(reversed({one}))", f"({one} if {number} else {other})", f"list(i for i in {one})",
        )  # fmt: skip

    def value(self) -> str:
        one, other, number = self.items(0), self.items(0), self.number(0)
        nested = self.pick(
            f"[{one}, {other}]", f"({one}, {number})", f"{{1: {one}}}", f"[{one}] * 2", f"list(zip({one}, {other}))"
        )
        return self.pick(*[self.number()] * 4, *[self.items()] * 4, nested)

    def call(self, name: str) -> str:
        return self.pick(
            *[f"{name}({self.value()})"] * 3,
            f"{name}({self.value()}, {self.value()})",
            f"{name}({self.value()}, k={self.value()})",
        )

    def condition(self, name: str) -> str:
        one, other, value, more = self.call(name), self.call(name), self.value(), self.value()
        return self.pick(
            f"{one} == {value}", f"{value} == {one}", f"{one} in {value}", f"len([{one}, {value}]) == 2", f"{one} >= 0", f"sorted({one}) == {value}",
            f"[{one}, {other}] == [{value}, {more}]", f"not {one} == {value}", f"{one} != {value}", f"{{{one}: {other}}} != {value}",
            f"{one} == 1 or {other} == 2", f"{value} and {one}", f"{one} or {value}", f"{one} - 1 < {value}", f"{one} == {other}",
        )  # fmt: skip

    def loop(self) -> str:
        one, other, number, name = self.items(0), self.items(0), self.number(0), self.pick(*LISTS)
        single = self.pick(*NUMBERS)
        return self.pick(
            f"{single} in {self.items()}", f"{single} in {name}", f"i, j in zip({name}, {one})", f"i, j in enumerate({name})", f"{single} in range({number})",
            f"{name} in [{one}, {other}]", f"a, i in [({one}, {number}), ({other}, 2)]", f"a, b in zip([{one}], [{other}])", f"{single} in reversed({name})",
        )  # fmt: skip

    def statement(self, name: str, depth: int) -> list[str]:
        kind = self.random.random()
        if kind < 0.45:
            return [f"assert {self.condition(name)}"]
        if kind < 0.7 or depth == 0:
            return [self.pick(f"{self.pick(*LISTS)} = {self.items()}", f"{self.pick(*NUMBERS)} = {self.number()}")]
        head = self.pick(*[f"for {self.loop()}:"] * 2, f"if {self.number()}:")
        return [head, *indented(self.block(name, depth - 1))]

    def block(self, name: str, depth: int) -> list[str]:
        return [line for _ in range(self.random.randint(1, 2)) for line in self.statement(name, depth)]

    def tests(self) -> str:
        """Return tests that end with an assert."""
        if self.random.random() < 0.6:
            return "\n".join([*FIRST, *self.block("f", 2), f"assert {self.condition('f')}"])
        name = self.pick("g", "g", "g", "sum", "a")
        check = [f"def check({name}):", *indented([*self.block(name, 2), f"assert {self.condition(name)}"]), "check(f)"]
        return "\n".join([*FIRST, *check, *(self.block("f", 0) if self.random.random() < 0.3 else [])])


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
