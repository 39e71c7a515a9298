"""Built-in programming problems: read one or two numbers, do two to four operations in order, print the result.

    Read n. Print n plus 7, times 3.        n=int(input())          n=int(input())
                                            print((n+7)*3)          n=n+7
                                                                    n=n*3
                                                                    print(n)

Programs are written as one expression or step by step. Those for pre-training hold a *systematic* misconception: most authors of
expressions forget the brackets that an earlier sum needs before it is multiplied, so the majority answer is wrong and correct
samples can undo it (as in `tasks.domain.arithmetic`). The level of a problem is the number of such places: 0, 1 or 2. Every
problem belongs to exactly one split, decided by a hash of its question.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tasks.domain.arithmetic import SHARE_END, distinct, never

LEVELS: tuple[str, ...] = ("0", "1", "2")
PROGRAM_SPLITS: tuple[str, ...] = tuple(SHARE_END)
WORDS = {"+": "plus", "-": "minus", "*": "times"}
STARTS = {"n": "Read n. Print n", "a+b": "Read a, b. Print a plus b", "a-b": "Read a, b. Print a minus b"}
READS = {"n": "n=int(input())", "a+b": "a,b=map(int,input().split())", "a-b": "a,b=map(int,input().split())"}
SLIP_SHARE = 0.65  # of the places that need brackets, the share where an author forgets them
STEPWISE_SHARE = 0.3  # of the programs that go step by step; they need no brackets
TESTS = 5  # a problem


@dataclass(frozen=True)
class Task:
    """A task is what to compute: a start (`n`, `a+b`, `a-b`) and operations like (`*`, 3), applied in order."""

    start: str
    steps: tuple[tuple[str, int], ...]

    @property
    def question(self) -> str:
        return STARTS[self.start] + "".join(f", {WORDS[sign]} {number}" for sign, number in self.steps) + "."

    @property
    def level(self) -> str:
        return str(_expression(self, never)[1])

    def result(self, *numbers: int) -> int:
        """Return what the program must print."""
        value = numbers[0] if self.start == "n" else numbers[0] + numbers[1] * (1 if self.start == "a+b" else -1)
        for sign, number in self.steps:
            value = value * number if sign == "*" else value + (number if sign == "+" else -number)
        return value


def split_of(task: Task) -> str:
    """The one split that this problem belongs to."""
    percent = int.from_bytes(hashlib.sha256(task.question.encode()).digest()[:4], "big") % 100
    return next(split for split, end in SHARE_END.items() if percent < end)


def drawn(split: str, seed: int = 0, levels: Sequence[str] = LEVELS) -> Iterator[Task]:
    """Yield problems of one split without end, repeats included; the same arguments give the same stream."""
    rng = random.Random(f"programs/{split}/{seed}")
    while True:
        level = rng.choice(levels)
        task = _drawn_task(rng)
        while task.level != level or split_of(task) != split:
            task = _drawn_task(rng)
        yield task


def _drawn_task(rng: random.Random) -> Task:
    signs = [rng.choice("+-*") for _ in range(rng.choice((2, 3, 3, 4)))]
    steps = tuple((sign, rng.randint(2, 9) if sign == "*" else rng.randint(1, 9)) for sign in signs)
    return Task(rng.choice(tuple(STARTS)), steps)


def tasks(split: str, seed: int = 0, levels: Sequence[str] = LEVELS) -> Iterator[Task]:
    """Yield the distinct ones of `drawn`; raise UserError when there are no more."""
    return distinct(drawn(split, seed, levels), f"programs {split}", levels)


def solution(task: Task, forgets: Callable[[], bool] = never) -> str:
    """Return one expression; `forgets` is asked at each place that needs brackets."""
    return f"{READS[task.start]}\nprint({_expression(task, forgets)[0]})"


def stepwise(task: Task) -> str:
    """Return a program with a line for each operation."""
    first = [] if task.start == "n" else [f"n={task.start}"]
    return "\n".join([READS[task.start], *first, *(f"n=n{sign}{number}" for sign, number in task.steps), "print(n)"])


def slipped_solution(task: Task, rng: random.Random, slip_share: float = SLIP_SHARE) -> str:
    """A solution as the base model's teachers write it."""
    return stepwise(task) if rng.random() < STEPWISE_SHARE else solution(task, lambda: rng.random() < slip_share)


def _expression(task: Task, forgets: Callable[[], bool]) -> tuple[str, int]:
    """The text, and how many places needed brackets."""
    text, is_sum, places = task.start, task.start != "n", 0
    for sign, number in task.steps:
        if sign == "*" and is_sum:
            places += 1
            if not forgets():
                text, is_sum = f"({text})", False
        text = f"{text}{sign}{number}"
        is_sum = is_sum or sign != "*"
    return text, places


def tests_of(task: Task) -> str:
    """Return inputs and outputs as the loaders write them (JSON); the inputs depend on the question alone."""
    rng = random.Random(task.question)
    rows = [[rng.randint(10, 99) for _ in range(1 if task.start == "n" else 2)] for _ in range(TESTS)]
    inputs = [" ".join(map(str, row)) + "\n" for row in rows]
    return json.dumps({"inputs": inputs, "outputs": [f"{task.result(*row)}\n" for row in rows]})
